package authority

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// The life of a session.
const (
	// SessionTokenLifetime is how long an access token of a session works.
	SessionTokenLifetime = 15 * time.Minute
	// SessionIdle is how long a session lasts that isn't refreshed, and
	// SessionLifetime how long any lasts.
	SessionIdle     = 7 * 24 * time.Hour
	SessionLifetime = 30 * 24 * time.Hour
	// MaxSessions is how many a user has at once.
	MaxSessions = 5
	// retryWindow is how long the holder of a token that was just traded gets
	// the same answer again, since the first may have been lost.
	retryWindow = 30 * time.Second
	// touchCookieAfter is how old the last sign of life of a browser gets
	// before it is written down again.
	touchCookieAfter = time.Hour
)

// signedInClient is the client_id of the access tokens of sessions, and nobody
// else's: all others are UUIDs or have a prefix. That of a device's token is
// deviceClient: nobody signed in for it there.
const (
	signedInClient = "gatehouse"
	deviceClient   = "gatehouse device"
)

// SignedIn is a session with what was just handed out for it.
type SignedIn struct {
	Session *store.Session
	User    *store.User
	Access  *AccessToken      // nil for a browser
	Token   credential.Secret // what is traded for the next, or the cookie
	// Proven stands for the right password for five minutes, where a code is
	// asked for on another page. It begins no session by itself.
	Proven string
}

// openSession stores a new session, and ends the one that was unused for
// longest where there would be too many.
func (a *Authority) openSession(ctx context.Context, tx *store.Tx, user *store.User, r SignInRequest) (*SignedIn, error) {
	text := credential.RefreshText
	if r.Cookie {
		text = credential.CookieText
	}
	id, err := a.newID()
	if err != nil {
		return nil, fmt.Errorf("begin a session: %w", err)
	}
	secret, err := text.Generate(a.rand)
	if err != nil {
		return nil, err
	}
	now := a.clock()
	s := &store.Session{
		ID: id, User: user.ID, Cookie: r.Cookie, CreatedAt: now, RefreshedAt: now, ProvenAt: now, IdleUntil: now.Add(SessionIdle), EndsAt: now.Add(SessionLifetime),
		UserAgent: cleanAgent(r.From.UserAgent), Organization: r.organization,
	}
	if r.organization != uuid.Nil && r.provenAt.Before(now) { // when the provider asked, and not when it vouched
		s.ProvenAt = r.provenAt
	}
	if r.From.Address.IsValid() {
		s.Address = r.From.Address.String()
	}
	by := act{r.From.somebody(user.ID), now}
	if err := a.makeRoom(ctx, tx, by, s); err != nil {
		return nil, err
	}
	handle, _ := text.Handle(secret.Reveal())
	if err := tx.InsertSession(ctx, s, a.sessionToken(handle, secret.Reveal())); err != nil {
		return nil, err
	}
	tx.Record(by.event("session.begin", "session:"+id.String(), object(sessionDetails(user, s))))
	out := &SignedIn{Session: s, User: user, Token: secret}
	if !r.Cookie {
		out.Access, err = a.signSession(s)
	}
	return out, err
}

// sessionDetails tells an audit event how a session began.
func sessionDetails(user *store.User, s *store.Session) map[string]any {
	details := map[string]any{"two_factor": user.TwoFactor, "cookie": s.Cookie}
	if s.Organization != uuid.Nil {
		details["organization"] = s.Organization
	}
	return details
}

// makeRoom ends sessions that reach as far as a new one until that is not too many:
// of devices, or of all but those.
func (a *Authority) makeRoom(ctx context.Context, tx *store.Tx, by act, s *store.Session) error {
	live, err := tx.Sessions(ctx, s.User, by.at, 100)
	if err != nil {
		return err
	}
	live = slices.DeleteFunc(live, func(other store.Session) bool {
		return other.Organization != s.Organization || (other.Device == "") != (s.Device == "")
	})
	slices.SortFunc(live, func(x, y store.Session) int { return a.lastUse(&x).Compare(a.lastUse(&y)) })
	for ; len(live) >= MaxSessions; live = live[1:] {
		if err := endSessions(ctx, tx, by, ending{user: s.User, only: live[0].ID, because: "too many"}); err != nil {
			return err
		}
	}
	return nil
}

// lastUse is when a session was last used, as far as it is known.
func (a *Authority) lastUse(s *store.Session) time.Time {
	use := a.latest(s.ID, credential.Use{At: s.UsedAt})
	if use.At.Before(s.RefreshedAt) {
		return s.RefreshedAt
	}
	return use.At
}

func (a *Authority) sessionToken(handle, text string) store.SessionToken {
	return store.SessionToken{Handle: a.keyer.LookupKey(handle), Secret: a.keyer.LookupKey(text), KeyVersion: a.store.Root().Version()}
}

// signSession signs the access token of a session.
func (a *Authority) signSession(s *store.Session) (*AccessToken, error) {
	ring := a.signing.ring.Load()
	if ring == nil {
		return nil, errors.New("sign the access token of a session: the keys were not read")
	}
	id, err := a.newID()
	if err != nil {
		return nil, fmt.Errorf("sign the access token of a session: %w", err)
	}
	client, lifetime := signedInClient, SessionTokenLifetime
	if s.Device != "" { // whose token is one and the same, also when it is fetched twice
		id, client, lifetime = s.ID, deviceClient, DeviceLasts
	}
	moment := a.now()
	now := moment.Truncate(time.Second)
	ends := now.Add(lifetime)
	if s.EndsAt.Before(ends) {
		ends = s.EndsAt.Truncate(time.Second)
	}
	text, err := ring.Sign(jwt.Claims{
		Subject: s.User.String(), ClientID: client, Scope: []string{string(credential.AllScope)},
		ID: id.String(), ExpiresAt: ends, Session: s.ID.String(),
	}, moment)
	if err != nil {
		return nil, fmt.Errorf("sign the access token of a session: %w", err)
	}
	return &AccessToken{Token: credential.NewSecret(text), ExpiresIn: ends.Sub(now), Scopes: []credential.Scope{credential.AllScope}}, nil
}

// ending says which sessions of a user end, and why.
type ending struct {
	user         uuid.UUID
	only, except uuid.UUID // Nil: none in particular
	because      string
}

// endSessions ends sessions within a change, with an event for each.
func endSessions(ctx context.Context, tx *store.Tx, by act, e ending) error {
	ended, err := tx.EndSessions(ctx, e.user, e.only, e.except, by.at)
	for _, id := range ended {
		tx.Record(by.event("session.end", "session:"+id.String(), object(map[string]string{"because": e.because})))
	}
	return err
}

// signedIn refuses who hasn't signed in: a token of a user, whatever it may do,
// never touches what lets the user in.
func signedIn(p *credential.Principal) error {
	if !p.SignedIn() {
		return credential.Errorf(credential.Forbidden, "sign in for this: no token and no key does it")
	}
	return nil
}

// SignOut ends the principal's session, or all sessions of its user.
func (a *Authority) SignOut(ctx context.Context, p *credential.Principal, all bool) error {
	if err := signedIn(p); err != nil {
		return err
	}
	e := ending{user: p.Subject, only: p.Credential.ID, because: "sign_out"}
	if !all {
		return a.endFor(ctx, p, e)
	}
	place, err := a.confinedTo(ctx, p)
	if err != nil {
		return err
	}
	e.only = uuid.Nil
	if place == uuid.Nil {
		return a.endFor(ctx, p, e)
	}
	return a.stop(ctx, p, uuid.Nil, func(tx *store.Tx) error {
		by := act{p, a.clock()}
		tx.Record(by.event("session.sign_out", "user:"+e.user.String(), "{}"))
		return a.endProviderSessions(ctx, tx, by, providerEnding{place, e.user, e.because})
	})
}

// EndOtherSessions ends all sessions of the principal's user but its own.
func (a *Authority) EndOtherSessions(ctx context.Context, p *credential.Principal) error {
	if err := signedIn(p); err != nil {
		return err
	}
	place, err := a.confinedTo(ctx, p)
	if err != nil {
		return err
	}
	if place == uuid.Nil {
		return a.endFor(ctx, p, ending{user: p.Subject, except: p.Credential.ID, because: "sign_out"})
	}
	list, err := a.Sessions(ctx, p) // of that organization alone
	if err != nil {
		return err
	}
	return a.stop(ctx, p, uuid.Nil, func(tx *store.Tx) error {
		by := act{p, a.clock()}
		tx.Record(by.event("session.sign_out", "user:"+p.Subject.String(), "{}"))
		for i := range list {
			if list[i].ID == p.Credential.ID {
				continue
			}
			if err := endSessions(ctx, tx, by, ending{user: p.Subject, only: list[i].ID, because: "sign_out"}); err != nil {
				return err
			}
		}
		return nil
	})
}

// endFor ends sessions for a principal. That there are none is no failure.
func (a *Authority) endFor(ctx context.Context, p *credential.Principal, e ending) error {
	return a.stop(ctx, p, uuid.Nil, func(tx *store.Tx) error {
		by := act{p, a.clock()}
		tx.Record(by.event("session.sign_out", "user:"+e.user.String(), "{}"))
		return endSessions(ctx, tx, by, e)
	})
}

// Sessions lists the sessions of the principal's user, the latest used first.
func (a *Authority) Sessions(ctx context.Context, p *credential.Principal) ([]store.Session, error) {
	if err := signedIn(p); err != nil {
		return nil, err
	}
	place, err := a.confinedTo(ctx, p)
	if err != nil {
		return nil, err
	}
	list, err := a.sessionsOf(ctx, p.Subject)
	if place != uuid.Nil { // of the others it tells nothing
		list = slices.DeleteFunc(list, func(s store.Session) bool { return s.Organization != place })
	}
	return list, err
}

func (a *Authority) sessionsOf(ctx context.Context, user uuid.UUID) ([]store.Session, error) {
	list, err := a.store.Sessions(ctx, user, a.clock(), 100)
	for i := range list {
		list[i].UsedAt = a.lastUse(&list[i])
	}
	slices.SortStableFunc(list, func(x, y store.Session) int { return y.UsedAt.Compare(x.UsedAt) })
	return list, err
}

// EndSession ends another session of the principal's user.
func (a *Authority) EndSession(ctx context.Context, p *credential.Principal, id uuid.UUID) error {
	if err := signedIn(p); err != nil {
		return err
	}
	if id == p.Credential.ID {
		return credential.Errorf(credential.BadRequest, "this is the session that you use now; sign out to end it")
	}
	if place, err := a.confinedTo(ctx, p); err != nil || place != uuid.Nil {
		other, found := a.store.SessionPlace(ctx, id)
		if err != nil || found != nil || other != place {
			return orElse(err, credential.Errorf(credential.NotFound, "no such session"))
		}
	}
	return a.endOne(ctx, p, p.Subject, id)
}

// endOne ends one live session of a user.
func (a *Authority) endOne(ctx context.Context, p *credential.Principal, user, id uuid.UUID) error {
	if id == uuid.Nil { // which is no session, and never all of them
		return credential.Errorf(credential.NotFound, "no such session")
	}
	return a.stop(ctx, p, uuid.Nil, func(tx *store.Tx) error {
		by := act{p, a.clock()}
		ended, err := tx.EndSessions(ctx, user, id, uuid.Nil, by.at)
		if err != nil {
			return err
		}
		if len(ended) == 0 {
			return credential.Errorf(credential.NotFound, "no such session")
		}
		tx.Record(by.event("session.end", "session:"+id.String(), object(map[string]string{"because": "revoked"})))
		return nil
	})
}

// findSession finds how the session of an access token or cookie stands in an
// organization.
func (a *Authority) findSession(ctx context.Context, ref store.SessionRef, organization string) (_ found, err error) {
	if ref.Organization, err = a.organizationNamed(ctx, organization); err != nil {
		return found{}, err
	}
	return foundStanding(a.store.LookupSession(ctx, ref))
}

// organizationNamed reads the ways in which an organization is named. One that
// doesn't exist is an id that nothing has.
func (a *Authority) organizationNamed(ctx context.Context, text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	if n, ok := ParseNumber(text, ""); ok {
		o, err := a.store.OrganizationByNumber(ctx, n)
		if err == nil {
			return o.ID, nil
		}
		return uuid.Max, ignoreMissing(err)
	}
	id, err := ParsePublicID("org", text)
	if err != nil {
		return uuid.Max, nil
	}
	return id, nil
}

// sessionBy finds the session of a handle, under whichever key it is stored.
func (a *Authority) sessionBy(ctx context.Context, find func(context.Context, credential.LookupKey) (*store.Session, *store.SessionToken, error),
	handle string) (s *store.Session, token *store.SessionToken, err error) {
	s, err = under(a.keyer.all(handle), func(key credential.LookupKey) (s *store.Session, err error) {
		s, token, err = find(ctx, key)
		return s, err
	})
	return s, token, err
}

// findCookie finds the session of a browser's cookie, and keeps it alive.
func (a *Authority) findCookie(ctx context.Context, text, organization string) (found, error) {
	handle, ok := credential.CookieText.Handle(text)
	if !ok {
		return found{code: credential.CodeMalformed}, nil
	}
	s, token, err := a.sessionBy(ctx, a.store.SessionByHandle, handle)
	if errors.Is(err, credential.NotFound) {
		return found{code: credential.CodeUnknown}, nil
	}
	if err != nil {
		return found{}, err
	}
	if !s.Cookie || !a.keyer.made(token.Secret, text) {
		return found{code: credential.CodeUnknown}, nil
	}
	aged := token.KeyVersion != a.store.Root().Version() && a.store.Root().IsNewest()
	if now := a.clock(); s.Live(now) && (aged || now.Sub(s.RefreshedAt) >= touchCookieAfter) {
		s.RefreshedAt, s.IdleUntil = now, now.Add(SessionIdle)
		err := a.store.Quietly(ctx, func(tx *store.Tx) error { return tx.TouchSession(ctx, s, a.sessionToken(handle, text)) })
		if err != nil { // it goes on as long as it would have anyway
			a.log.Warn("a session's sign of life can't be stored", "session", s.ID, "error", err)
		}
	}
	return a.findSession(ctx, store.SessionRef{ID: s.ID}, organization)
}
