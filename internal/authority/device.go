package authority

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const (
	// DeviceLasts is how long a device acts for who let it.
	DeviceLasts = 24 * time.Hour
	// DeviceWaits is how long a device waits for an answer.
	DeviceWaits = 5 * time.Minute
	// The number of characters of what a device calls its request: whoever knows
	// that gets the token, so that it mustn't be guessed.
	leastDeviceID, mostDeviceID = 16, 128
)

// mostPolls bounds how often an address asks for answers: a device does so every
// three seconds.
var mostPolls = limit.Rate{Limit: 300, Window: time.Minute}

var (
	deviceIDs   = regexp.MustCompile(fmt.Sprintf(`^[A-Za-z0-9_-]{%d,%d}$`, leastDeviceID, mostDeviceID))
	deviceKinds = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
)

// DeviceState is how far the request of a device is.
type DeviceState string

// The states.
const (
	DevicePending DeviceState = "pending"
	DeviceAllowed DeviceState = "allowed" // the device may fetch its token
	DeviceTaken   DeviceState = "taken"   // the device has its token
	DeviceDenied  DeviceState = "denied"
	DeviceExpired DeviceState = "expired"
)

// Device is a device without a browser that asks to act for somebody, and how
// far that is.
type Device struct {
	store.DeviceRequest
	State DeviceState
}

func deviceAt(d *store.DeviceRequest, now time.Time) *Device {
	out := &Device{*d, DevicePending}
	waits := now.Before(d.ExpiresAt)
	switch {
	case d.State == store.DeviceDenied:
		out.State = DeviceDenied
	case d.State == store.DeviceAllowed && !d.TakenAt.IsZero():
		out.State = DeviceTaken
	case !waits:
		out.State = DeviceExpired
	case d.State == store.DeviceAllowed:
		out.State = DeviceAllowed
	}
	return out
}

// DeviceAsk is what a device asks by.
type DeviceAsk struct {
	ID         string // which the device draws; whoever knows it gets the token
	Kind, Name string // of what runs there
	From       Origin
}

// AskByDevice stores that a device waits for somebody's answer.
func (a *Authority) AskByDevice(ctx context.Context, r DeviceAsk) error {
	if !deviceIDs.MatchString(r.ID) {
		return credential.InvalidField("request_id", "must have %d to %d letters, digits, hyphens and underscores that nobody can guess, such as a random UUID", leastDeviceID, mostDeviceID)
	}
	if !deviceKinds.MatchString(r.Kind) {
		return credential.InvalidField("entity_kind", "must be a word of up to 32 small letters, such as game")
	}
	name, err := credential.CheckName("entity_name", r.Name)
	if err != nil {
		return err
	}
	taken := credential.InvalidField("request_id", "is that of another request; draw a new one")
	now := a.clock()
	d := &store.DeviceRequest{
		Key: a.linker.LookupKey(deviceText(r.ID)), KeyVersion: a.store.Root().Version(), Kind: r.Kind, Name: name,
		UserAgent: cleanAgent(r.From.UserAgent), CreatedAt: now, ExpiresAt: now.Add(DeviceWaits),
	}
	if r.From.Address.IsValid() {
		d.Address = r.From.Address.String()
	}
	err = a.store.Quietly(ctx, func(tx *store.Tx) error {
		_, err := a.deviceBy(ctx, tx.Device, r.ID)
		if err == nil {
			return taken
		}
		if !errors.Is(err, credential.NotFound) {
			return err
		}
		return tx.InsertDevice(ctx, d)
	})
	if errors.Is(err, credential.Conflict) { // another was first
		return taken
	}
	return err
}

// deviceText is what the lookup key of a request is made of: of no link's.
func deviceText(id string) string { return "device\x00" + id }

func (a *Authority) deviceBy(ctx context.Context, find func(context.Context, credential.LookupKey) (*store.DeviceRequest, error), id string) (*store.DeviceRequest, error) {
	if !deviceIDs.MatchString(id) {
		return nil, credential.Errorf(credential.NotFound, "no such device")
	}
	return under(a.linker.all(deviceText(id)), func(key credential.LookupKey) (*store.DeviceRequest, error) { return find(ctx, key) })
}

// Device tells who has signed in of a device that waits.
func (a *Authority) Device(ctx context.Context, p *credential.Principal, id string) (*Device, error) {
	if err := signedIn(p); err != nil {
		return nil, err
	}
	d, err := a.deviceBy(ctx, a.store.Device, id)
	if err != nil {
		return nil, err
	}
	return deviceAt(d, a.clock()), nil
}

// DevicePlaces are the organizations in one of which a device may act for the
// principal.
func (a *Authority) DevicePlaces(ctx context.Context, p *credential.Principal) ([]store.Membership, error) {
	place, err := a.confinedTo(ctx, p)
	if err != nil {
		return nil, err
	}
	list, err := a.Memberships(ctx, p)
	if place != uuid.Nil {
		list = slices.DeleteFunc(list, func(m store.Membership) bool { return m.ID != place })
	}
	return list, err
}

// AllowDevice lets a device act for who has signed in, in one organization of
// theirs: Nil for the only one. That begins a session, of which the device
// fetches the token.
func (a *Authority) AllowDevice(ctx context.Context, p *credential.Principal, id string, organization uuid.UUID) error {
	if err := signedIn(p); err != nil {
		return err
	}
	places, err := a.DevicePlaces(ctx, p)
	if err != nil {
		return err
	}
	if organization == uuid.Nil && len(places) == 1 {
		organization = places[0].ID
	}
	if len(places) == 0 {
		return ErrNowhere
	}
	if !slices.ContainsFunc(places, func(m store.Membership) bool { return m.ID == organization }) {
		return credential.InvalidField("organization", "choose where it may act")
	}
	return a.answerDevice(ctx, p, id, func(tx *store.Tx, d *store.DeviceRequest, by act) error {
		d.State = store.DeviceAllowed
		if least := by.at.Add(retryWindow); d.ExpiresAt.Before(least) { // the device may ask a moment later
			d.ExpiresAt = least
		}
		user, err := tx.User(ctx, p.Subject)
		if err != nil {
			return err
		}
		d.Session, err = a.openForDevice(ctx, tx, by, &store.Session{
			User: user.ID, CreatedAt: by.at, RefreshedAt: by.at, IdleUntil: d.ExpiresAt, EndsAt: by.at.Add(DeviceLasts),
			Address: d.Address, UserAgent: d.UserAgent, Device: d.Name, Organization: organization,
		})
		details := deviceDetails(d)
		details["organization"] = organization.String()
		tx.Record(by.event("device.allow", "session:"+d.Session.String(), object(details)))
		return err
	})
}

// openForDevice stores the session of a device, which is nobody's until the
// device fetches its token.
func (a *Authority) openForDevice(ctx context.Context, tx *store.Tx, by act, s *store.Session) (uuid.UUID, error) {
	id, err := a.newID()
	if err != nil {
		return id, fmt.Errorf("begin the session of a device: %w", err)
	}
	s.ID = id
	secret, err := credential.RefreshText.Generate(a.rand) // which nobody gets: the session isn't refreshed
	if err != nil {
		return id, err
	}
	if err := a.makeRoom(ctx, tx, by, s); err != nil {
		return id, err
	}
	handle, _ := credential.RefreshText.Handle(secret.Reveal())
	return id, tx.InsertSession(ctx, s, a.sessionToken(handle, secret.Reveal()))
}

// DenyDevice says no to a device.
func (a *Authority) DenyDevice(ctx context.Context, p *credential.Principal, id string) error {
	if err := signedIn(p); err != nil {
		return err
	}
	return a.answerDevice(ctx, p, id, func(tx *store.Tx, d *store.DeviceRequest, by act) error {
		d.State = store.DeviceDenied
		tx.Record(by.event("device.deny", "user:"+p.Subject.String(), object(deviceDetails(d))))
		return nil
	})
}

func deviceDetails(d *store.DeviceRequest) map[string]string {
	return map[string]string{"name": d.Name, "kind": d.Kind, "address": d.Address}
}

// ErrAnswered is the error of an answer to a device that has one, or waits no longer.
var ErrAnswered = credential.Errorf(credential.Conflict, "this was answered before, or the device waits no longer")

// ErrNowhere is the error of a yes by who is in no organization.
var ErrNowhere = &credential.Error{Kind: credential.Invalid, Field: "organization", Detail: "you are in no organization in which a device could act for you"}

// ofDevice reports whether a principal is a device that somebody let act for
// them. Its token alone has the id of its session.
func ofDevice(p *credential.Principal) bool {
	return p.Token != nil && p.Credential.Scheme.Kind == credential.Session && p.Token.ID == p.Credential.ID.String()
}

// answerDevice stores an answer, with what answer does for it.
func (a *Authority) answerDevice(ctx context.Context, p *credential.Principal, id string, answer func(*store.Tx, *store.DeviceRequest, act) error) error {
	return a.transact(ctx, p, uuid.Nil, func(tx *store.Tx) error {
		d, err := a.deviceBy(ctx, tx.Device, id)
		if err != nil {
			return err
		}
		by := act{p, a.clock()}
		if deviceAt(d, by.at).State != DevicePending {
			return ErrAnswered
		}
		d.User = p.Subject
		if err := answer(tx, d, by); err != nil {
			return err
		}
		first, err := tx.AnswerDevice(ctx, d, by.at)
		if err == nil && !first {
			err = ErrAnswered
		}
		return err
	})
}

// DeviceAnswer is what a device is told: with DeviceTaken its token, and whom
// it acts for.
type DeviceAnswer struct {
	State  DeviceState
	Token  *AccessToken
	User   *store.User
	Denied bool // why it is DeviceExpired
}

// crowded is the error of an address that asks too often.
type crowded struct{ wait time.Duration }

// Error implements error.
func (c crowded) Error() string {
	return "too many requests from this address; ask every three seconds"
}

// Unwrap makes it an error of too many tries.
func (c crowded) Unwrap() error { return credential.Errorf(credential.TooMany, "%s", c.Error()) }

// RetryAfter says when to come again.
func (c crowded) RetryAfter() time.Duration { return c.wait }

// PollDevice tells a device whether somebody let it act for them. It gets its
// token once, and for half a minute again at the same address, since the first
// answer may have been lost; otherwise the request is DeviceExpired, as one that was denied.
func (a *Authority) PollDevice(ctx context.Context, id string, from Origin) (*DeviceAnswer, error) {
	now := a.clock()
	if o := a.refused.Take(now, limit.Take{Key: limit.ForAddress("device", from.Address), Rate: mostPolls}); !o.Allowed {
		return nil, crowded{o.RetryAfter}
	}
	d, err := a.deviceBy(ctx, a.store.Device, id)
	if err != nil {
		return nil, err
	}
	switch state := deviceAt(d, now).State; {
	case state == DevicePending:
		return &DeviceAnswer{State: state}, nil
	case state == DeviceAllowed, state == DeviceTaken && now.Before(d.TakenAt.Add(retryWindow)):
		return a.fetchForDevice(ctx, id, from)
	case state == DeviceDenied:
		return &DeviceAnswer{State: DeviceExpired, Denied: true}, nil
	}
	return &DeviceAnswer{State: DeviceExpired}, nil
}

// fetchForDevice hands out the token of a device that may fetch it. Of several
// that ask at once one is first.
func (a *Authority) fetchForDevice(ctx context.Context, id string, from Origin) (*DeviceAnswer, error) {
	if _, err := a.keys(ctx); err != nil {
		return nil, err
	}
	out := &DeviceAnswer{State: DeviceExpired}
	err := a.store.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		d, err := a.deviceBy(ctx, tx.Device, id)
		if err != nil {
			return err
		}
		now := a.clock()
		first, err := takeDevice(ctx, tx, d, from, now)
		if err != nil {
			return err
		}
		s, err := tx.Session(ctx, d.Session)
		if err != nil {
			return err
		}
		user, err := tx.User(ctx, s.User)
		if err != nil {
			return err
		}
		if !s.Live(now) || s.Device == "" || !user.DeactivatedAt.IsZero() {
			return errUnchanged
		}
		out.State, out.User = DeviceTaken, user
		if out.Token, err = a.signSession(s); err != nil {
			return err
		}
		if !first {
			return errUnchanged
		}
		details := map[string]string{"name": d.Name, "address": d.TakenFrom, "user_agent": cleanAgent(from.UserAgent)}
		tx.Record(act{from.somebody(user.ID), now}.event("device.fetch", "session:"+s.ID.String(), object(details)))
		return tx.KeepSession(ctx, s)
	})
	if errors.Is(err, errUnchanged) || errors.Is(err, credential.NotFound) { // who let it act may be gone
		err = nil
	}
	return out, err
}

// takeDevice reports whether a device fetches its token for the first time. It
// does so again within half a minute and from where it did; anything else is
// errUnchanged.
func takeDevice(ctx context.Context, tx *store.Tx, d *store.DeviceRequest, from Origin, now time.Time) (bool, error) {
	place := ""
	if from.Address.IsValid() {
		place = from.Address.String()
	}
	if d.TakenAt.IsZero() {
		d.TakenFrom = place
		first, err := tx.TakeDevice(ctx, d, now)
		if err == nil && !first {
			err = errUnchanged
		}
		return first, err
	}
	if d.TakenFrom != place || !now.Before(d.TakenAt.Add(retryWindow)) {
		return false, errUnchanged
	}
	return false, nil
}
