package authority

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Origin is where a call comes from that carries no credential.
type Origin struct {
	Address   netip.Addr
	UserAgent string
	RequestID string
}

// somebody is the principal of a call by somebody who isn't known (yet).
func (o Origin) somebody(user uuid.UUID) *credential.Principal {
	p := &credential.Principal{SubjectType: credential.SubjectUser, Subject: user, Address: o.Address, RequestID: o.RequestID}
	if user == uuid.Nil {
		p.SubjectType = "nobody"
	}
	return p
}

// How many failures to sign in an account takes. Five lock it for a quarter of
// an hour, for everybody who comes from elsewhere than its user did before: so
// nobody can lock a user out for ever. A hundred in a row (NIST SP 800-63B-4
// section 3.2.2) lock it likewise, until its user signs in from a known place
// or chooses a new password.
var signInBounds = store.Bounds{Burst: 5, Total: 100, LockFor: 15 * time.Minute}

const (
	mostPlaces   = 20 // that are known of one user
	mostAttempts = 1 << 20
	placesFor    = 90 * 24 * time.Hour
)

// SignInRequest is what a user signs in with.
type SignInRequest struct {
	Email, Password string
	// Proven is what SignedIn.Proven was, in place of address and password.
	Proven string
	Code   string // of the second factor; empty for none
	Cookie bool   // for a browser, whose token is a cookie
	From   Origin

	organization uuid.UUID // which alone the session reaches; Nil: all of the user's
	provenAt     time.Time // when a provider asked who it is, which began the session
}

// WrongPassword is the one answer to a password that isn't right and to an
// account that there isn't.
const WrongPassword = "Invalid email or password"

func errWrongPassword() error { return credential.Errorf(credential.Unauthenticated, WrongPassword) }

// Locked is the answer where too many passwords were tried for an address,
// whether there is such an account or not.
const Locked = "Account temporarily locked. Try again later."

// Unverified is the answer to who was right, and has an address that isn't
// known to be theirs.
const Unverified = "Email address is not verified. Follow the link that was sent to it."

func errLocked() error { return credential.Errorf(credential.Unauthenticated, Locked) }

// SignIn begins a session for a user who proves who they are: by a password,
// and by a code where the user has a second factor.
//
// Where only the code of a browser is missing, what is returned beside
// CodeRequired has Proven.
func (a *Authority) SignIn(ctx context.Context, r SignInRequest) (out *SignedIn, err error) {
	if text, ok := strings.CutPrefix(r.Proven, vouchedMark); ok {
		return a.enterVouched(ctx, r, text)
	}
	email, matches, err := a.evidence(r)
	if err != nil {
		return nil, err
	}
	if _, err := a.keys(ctx); err != nil { // the first of which is made outside of the change
		return nil, err
	}
	err = a.proveBy(ctx, email, r.From, matches, func(proof *proof) error {
		out, err = a.beginSession(ctx, r, proof)
		a.forgiveOutage(ctx, proof.attempt, err)
		return err
	})
	return out, err
}

// forgiveOutage takes back an attempt of which nothing was decided, for it says
// nothing of the password: else an outage would lock people out.
func (a *Authority) forgiveOutage(ctx context.Context, attempt store.Attempt, err error) {
	var e *credential.Error
	decided := errors.As(err, &e) && e.Kind != credential.Unavailable && e.Kind != credential.StorageFull
	if err != nil && !decided {
		a.forgive(ctx, attempt)
	}
}

// forgive takes an attempt back that was no failure. Where that can't be stored
// it goes on counting as one, until the next that succeeds.
func (a *Authority) forgive(ctx context.Context, attempt store.Attempt) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // whoever tried may have gone
	defer cancel()
	err := a.store.Quietly(ctx, func(tx *store.Tx) error { return tx.ForgiveAttempt(ctx, attempt) })
	if err != nil {
		a.log.Warn("an attempt to sign in that was no failure can't be taken back", "error", err)
	}
}

// proof is a password that was right for a user. Until it is forgiven it
// counts as an attempt that failed.
type proof struct {
	user    *store.User
	attempt store.Attempt
}

// prove runs fn if a password is that of an account. Of one account one
// password is tried at a time on a node, so that many at once are no more.
func (a *Authority) prove(ctx context.Context, email, password string, from Origin, fn func(*proof) error) error {
	return a.proveBy(ctx, email, from, a.password(password), fn)
}

// match reports whether something is evidence of being a user.
type match func(context.Context, *store.User) (bool, error)

// password is a match by the user's password.
func (a *Authority) password(text string) match {
	return func(ctx context.Context, user *store.User) (bool, error) {
		return a.matchesPassword(ctx, user.PasswordHash, text)
	}
}

// proveBy runs fn if there is evidence of being the user with an address.
func (a *Authority) proveBy(ctx context.Context, email string, from Origin, matches match, fn func(*proof) error) error {
	attempt := store.Attempt{Account: a.accountKey(email), At: a.clock()}
	attempt.Place = a.placeKey(attempt.Account, from.Address)
	leave, err := a.queues.enter(ctx, attempt.Account)
	if err != nil {
		return undecided(err)
	}
	defer leave()
	allowed, err := a.store.BeginAttempt(ctx, &attempt, signInBounds)
	if err != nil {
		return undecided(err)
	}
	if !allowed {
		return errLocked()
	}
	user, err := a.store.UserByEmail(ctx, email)
	if errors.Is(err, credential.NotFound) {
		user, err = &store.User{}, nil
	}
	right := false
	if err == nil {
		right, err = matches(ctx, user)
	}
	if err != nil {
		a.forgive(ctx, attempt)
		return undecided(err)
	}
	if !right {
		return a.refuseSignIn(ctx, from, user.ID, errWrongPassword())
	}
	return fn(&proof{user, attempt})
}

// refuseSignIn records a failure to sign in, and returns why.
func (a *Authority) refuseSignIn(ctx context.Context, from Origin, user uuid.UUID, why error) error {
	err := a.store.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		tx.Record(a.signInEvent(from, user, "sign_in.fail", why))
		return nil
	})
	if err != nil {
		return undecided(err)
	}
	return why
}

func (a *Authority) signInEvent(from Origin, user uuid.UUID, action string, why error) audit.Event {
	target, detail := "user:unknown", "{}"
	if user != uuid.Nil {
		target = "user:" + user.String()
	}
	if why != nil {
		detail = object(map[string]string{"because": why.Error()})
	}
	return act{from.somebody(user), a.clock()}.event(action, target, detail)
}

// beginSession is SignIn for whose password was right.
func (a *Authority) beginSession(ctx context.Context, r SignInRequest, proof *proof) (out *SignedIn, err error) {
	var refused error
	err = a.store.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		user, err := a.unchanged(ctx, tx, proof)
		if err != nil {
			return err
		}
		if refused, err = a.admit(ctx, tx, user, r.Code); err != nil {
			return err
		}
		if refused != nil {
			tx.Record(a.signInEvent(r.From, user.ID, "sign_in.fail", refused))
			if errors.Is(refused, credential.CodeRequired) { // which is no failure
				return tx.ForgiveAttempt(ctx, proof.attempt)
			}
			return nil
		}
		if err := a.recognise(ctx, tx, proof.attempt, r.From.Address); err != nil {
			return err
		}
		out, err = a.openSession(ctx, tx, user, r)
		return err
	})
	if err == nil {
		err = refused
	}
	if r.Cookie && errors.Is(err, credential.CodeRequired) {
		proven, failed := a.proven(proof.user)
		return &SignedIn{User: proof.user, Proven: proven}, orElse(failed, err)
	}
	return out, err
}

// unchanged reads a user again who proved a password, which may have been
// changed since.
func (a *Authority) unchanged(ctx context.Context, tx *store.Tx, proof *proof) (*store.User, error) {
	if err := tx.HoldUser(ctx, proof.user.ID); err != nil {
		return nil, err
	}
	user, err := tx.User(ctx, proof.user.ID)
	if err == nil && user.PasswordHash != proof.user.PasswordHash {
		return nil, errWrongPassword()
	}
	return user, err
}

// admit decides whether a user whose password was right may sign in.
func (a *Authority) admit(ctx context.Context, tx *store.Tx, user *store.User, code string) (refused, err error) {
	switch {
	case !user.DeactivatedAt.IsZero():
		return credential.Errorf(credential.Unauthenticated, "Account is deactivated"), nil
	case a.rules.VerifyEmail && user.VerifiedAt.IsZero():
		return credential.Errorf(credential.Unauthenticated, Unverified), nil
	case !user.TwoFactor:
		return nil, nil
	case code == "":
		return credential.Errorf(credential.CodeRequired, "Two-factor code required"), nil
	}
	return a.useCode(ctx, tx, user.ID, code)
}

// recognise takes the failures of an account back, and remembers from where
// its user signed in.
func (a *Authority) recognise(ctx context.Context, tx *store.Tx, attempt store.Attempt, from netip.Addr) error {
	if err := tx.ForgetAttempts(ctx, attempt.Account); err != nil || !from.IsValid() {
		return err
	}
	attempt.Place = a.placeKey(attempt.Account, from)
	return tx.KnowPlace(ctx, attempt, mostPlaces)
}

// accountKey is what the attempts on an account are counted under: the oldest
// root key, so that a new one forgives nothing.
func (a *Authority) accountKey(email string) [32]byte {
	return [32]byte(a.store.Root().Oldest().MAC(seal.Accounts, []byte("account"), []byte(email)))
}

// placeKey is what a place is remembered by: an address, of which IPv6 has one
// for each network of 64 bits. An unknown one is no place.
func (a *Authority) placeKey(account [32]byte, from netip.Addr) store.Place {
	if !from.IsValid() {
		return store.Place{}
	}
	from = from.Unmap()
	bits := 32
	if from.Is6() {
		bits = 64
	}
	prefix := netip.PrefixFrom(from, bits).Masked()
	return store.Place(a.store.Root().Oldest().MAC(seal.Accounts, []byte("place"), account[:], []byte(prefix.String())))
}

// queues let one caller at a time go on for each account.
type queues []chan struct{}

func newQueues() queues {
	q := make(queues, 256)
	for i := range q {
		q[i] = make(chan struct{}, 1)
	}
	return q
}

// enter waits for the account's turn. Accounts share queues by chance.
func (q queues) enter(ctx context.Context, account [32]byte) (leave func(), err error) {
	queue := q[int(account[0])%len(q)]
	select {
	case queue <- struct{}{}:
		return func() { <-queue }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
