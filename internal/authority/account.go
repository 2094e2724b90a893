package authority

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// AccountRules say how people come to have an account, and what is sent to them.
type AccountRules struct {
	// Closed means that only the operator makes accounts and
	// organizations.
	Closed bool
	// VerifyEmail means that nobody signs in before their address is verified.
	VerifyEmail bool
	// Mail means that letters to users are delivered; Posted is told when
	// there are new ones.
	Mail   bool
	Posted func()
	// ResetURL is a page where people choose a new password, empty for that of
	// the console. The code that they need is added as its fragment, which no
	// server's log sees.
	ResetURL string
}

// The purposes of one-time links, and how long they are good for.
const (
	verifyEmail   = "verify_email"
	resetPassword = "reset_password"
	passwordCode  = "password_code" // by the operator, whom no letter replaces
	verifyFor     = 24 * time.Hour
	resetFor      = time.Hour
	// mailPause is how long nobody is sent another letter of the same sort.
	mailPause = time.Minute
	// resetPause is how long a link for a new password stands before another
	// takes its place: as long as a letter may take.
	resetPause = 15 * time.Minute
)

// passwordLinks are the purposes of links that set a password.
var passwordLinks = []string{resetPassword, passwordCode}

// linkCode is the text that a one-time link carries.
var linkCode = credential.Format{Prefix: "link-", Alphabet: credential.Base62, Length: 43}

// RegisterRequest asks for an account of one's own.
type RegisterRequest struct {
	Email, Name, Password string
	From                  Origin
}

// Register makes an account. It belongs to no organization yet. Where letters
// are delivered, an address that has an account already is answered like any
// other, and its owner is told by letter; elsewhere it is a conflict.
func (a *Authority) Register(ctx context.Context, r RegisterRequest) (uuid.UUID, error) {
	if a.rules.Closed {
		return uuid.Nil, credential.Errorf(credential.Forbidden, "accounts are made by whoever runs this installation; ask them for one")
	}
	if r.Password == "" {
		return uuid.Nil, credential.InvalidField("password", "must not be empty")
	}
	user, err := a.draftUser(ctx, UserRequest{Email: r.Email, Name: r.Name, Password: r.Password})
	if err != nil {
		return uuid.Nil, err
	}
	by := act{r.From.somebody(user.ID), user.CreatedAt}
	err = a.store.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		known, err := tx.UserByEmail(ctx, user.Email)
		switch {
		case err == nil && !a.rules.Mail:
			return &credential.Error{Kind: credential.Conflict, Field: "email", Detail: "this address has an account already"}
		case err == nil:
			tx.Record(by.event("user.register_again", "user:"+known.ID.String(), "{}"))
			return a.sayKnown(ctx, tx, known, by.at)
		case !errors.Is(err, credential.NotFound):
			return err
		}
		tx.Record(by.event("user.register", "user:"+user.ID.String(), "{}"))
		if err := tx.InsertUser(ctx, user); err != nil {
			return err
		}
		return a.sendVerification(ctx, tx, user, by.at)
	})
	a.posted()
	return user.ID, err
}

// SendsMail reports whether letters to users are delivered.
func (a *Authority) SendsMail() bool { return a.rules.Mail }

// Open reports whether people make accounts and organizations of their own.
func (a *Authority) Open() bool { return !a.rules.Closed }

// PasswordMinimum is the least length of a password in bytes.
func (a *Authority) PasswordMinimum() int { return a.minimum }

// newLink makes the one-time link of a purpose; one before is dead.
func (a *Authority) newLink(ctx context.Context, tx *store.Tx, l store.Link) (credential.Secret, error) {
	code, err := linkCode.Generate(a.rand)
	if err != nil {
		return code, err
	}
	return code, tx.SetLink(ctx, a.linker.LookupKey(code.Reveal()), a.store.Root().Version(), l)
}

func errBadLink() error {
	return credential.InvalidField("token", "the link is wrong, was used before or has expired")
}

// takeLink uses a link up, for its purpose and in its time.
func (a *Authority) takeLink(ctx context.Context, tx *store.Tx, code string, purposes ...string) (*store.Link, error) {
	l, err := under(a.linker.all(code), func(key credential.LookupKey) (*store.Link, error) { return tx.TakeLink(ctx, key) })
	return a.goodLink(l, err, purposes)
}

// goodLink refuses a link that isn't there, is for something else or too old.
func (a *Authority) goodLink(l *store.Link, err error, purposes []string) (*store.Link, error) {
	if errors.Is(err, credential.NotFound) || err == nil && (!slices.Contains(purposes, l.Purpose) || !a.now().Before(l.ExpiresAt)) {
		return nil, errBadLink()
	}
	return l, err
}

// VerifyEmail notes that the address of a user is theirs, since they followed
// the link that was sent to it.
func (a *Authority) VerifyEmail(ctx context.Context, code string, from Origin) error {
	if !linkCode.Check(code) {
		return errBadLink()
	}
	return a.store.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		l, err := a.takeLink(ctx, tx, code, verifyEmail)
		if err != nil {
			return err
		}
		by := act{from.somebody(l.User), a.clock()}
		tx.Record(by.event("user.verify_email", "user:"+l.User.String(), "{}"))
		return tx.SetVerified(ctx, l.User, by.at)
	})
}

// ResetPassword sets a new password for the holder of a link. It begins no
// session, and a second factor stays as it is.
func (a *Authority) ResetPassword(ctx context.Context, code, password string, from Origin) error {
	if !linkCode.Check(code) {
		return errBadLink()
	}
	l, err := under(a.linker.all(code), func(key credential.LookupKey) (*store.Link, error) { return a.store.Link(ctx, key) })
	if l, err = a.goodLink(l, err, passwordLinks); err != nil { // before the expensive hash
		return err
	}
	user, err := a.store.User(ctx, l.User)
	if err != nil {
		return err
	}
	hash, err := a.newPassword(ctx, user, password)
	if err != nil {
		return err
	}
	return a.store.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		l, err := a.takeLink(ctx, tx, code, passwordLinks...)
		if err != nil {
			return err
		}
		if user, err = tx.User(ctx, l.User); err != nil {
			return err
		}
		if !user.DeactivatedAt.IsZero() {
			return errBadLink()
		}
		by := act{from.somebody(user.ID), a.clock()}
		tx.Record(by.event("user.reset_password", "user:"+user.ID.String(), "{}"))
		if user.VerifiedAt.IsZero() && l.Purpose == resetPassword { // which came to their address
			if err := tx.SetVerified(ctx, user.ID, by.at); err != nil {
				return err
			}
		}
		if err := tx.ForgetAttempts(ctx, a.accountKey(user.Email)); err != nil {
			return err
		}
		return a.setPassword(ctx, tx, by, passwordChange{user: user.ID, hash: hash})
	})
}

// newPassword checks and hashes a new password of a user.
func (a *Authority) newPassword(ctx context.Context, user *store.User, password string) (string, error) {
	checked, err := a.checkPassword(password, user.Email, user.Name)
	if err != nil {
		return "", err
	}
	return a.hash(ctx, checked)
}

// passwordChange is a new password of a user, and the session that goes on.
type passwordChange struct {
	user, session uuid.UUID
	hash          string
}

// setPassword stores a password. The user's other sessions end, and with them
// the links that would set another; tokens stay.
func (a *Authority) setPassword(ctx context.Context, tx *store.Tx, by act, c passwordChange) error {
	if err := tx.SetPassword(ctx, c.user, c.hash, by.at); err != nil {
		return err
	}
	if err := tx.DropLinks(ctx, c.user, passwordLinks...); err != nil {
		return err
	}
	if err := tx.DropPendingTwoFactor(ctx, c.user); err != nil { // it took the password of before
		return err
	}
	return endSessions(ctx, tx, by, ending{user: c.user, except: c.session, because: "password_change"})
}

// ChangePassword sets a new password for who knows the present one. The
// user's other sessions end.
func (a *Authority) ChangePassword(ctx context.Context, p *credential.Principal, current, next string) error {
	return a.confirm(ctx, p, current, func(proof *proof) error {
		if current == next {
			return credential.InvalidField("newPassword", "must not be the present password")
		}
		hash, err := a.newPassword(ctx, proof.user, next)
		if err != nil {
			var e *credential.Error
			if errors.As(err, &e) && e.Field == "password" {
				e.Field = "newPassword"
			}
			return err
		}
		return a.transact(ctx, p, uuid.Nil, func(tx *store.Tx) error {
			if _, err := a.unchanged(ctx, tx, proof); err != nil {
				return err
			}
			by := act{p, a.clock()}
			tx.Record(by.event("user.change_password", "user:"+p.Subject.String(), "{}"))
			return a.setPassword(ctx, tx, by, passwordChange{user: p.Subject, session: p.Credential.ID, hash: hash})
		})
	})
}

// confirm runs fn for a user who has signed in and proves it by the password
// once more. A password that was right is no failure, whatever comes of fn.
func (a *Authority) confirm(ctx context.Context, p *credential.Principal, password string, fn func(*proof) error) error {
	if err := signedIn(p); err != nil {
		return err
	}
	user, err := a.store.User(ctx, p.Subject)
	if err != nil {
		return err
	}
	from := Origin{Address: p.Address, RequestID: p.RequestID}
	return a.prove(ctx, user.Email, password, from, func(proof *proof) error {
		err := fn(proof)
		if !errors.Is(err, credential.CodeWrong) {
			a.forgive(ctx, proof.attempt)
		}
		return err
	})
}

// Account returns the principal's user.
func (a *Authority) Account(ctx context.Context, p *credential.Principal) (*store.User, error) {
	if err := signedIn(p); err != nil {
		return nil, err
	}
	return a.store.User(ctx, p.Subject)
}

// Memberships returns the organizations of the principal's user.
func (a *Authority) Memberships(ctx context.Context, p *credential.Principal) ([]store.Membership, error) {
	if err := signedIn(p); err != nil {
		return nil, err
	}
	place, err := a.confinedTo(ctx, p)
	if err != nil {
		return nil, err
	}
	list, err := a.store.Memberships(ctx, p.Subject, 200)
	if place != uuid.Nil {
		list = slices.DeleteFunc(list, func(m store.Membership) bool { return m.ID != place })
	}
	return list, err
}

// ProfileChange changes what a user says of themselves. A nil field stays.
type ProfileChange struct {
	Name      *string
	AvatarURL *string
	// Preferences returns the new ones, a JSON object, for those before.
	Preferences func(before string) (string, error)
}

// UpdateProfile changes the profile of the principal's user.
func (a *Authority) UpdateProfile(ctx context.Context, p *credential.Principal, c ProfileChange) (*store.User, error) {
	if err := signedIn(p); err != nil {
		return nil, err
	}
	var user *store.User
	err := a.transact(ctx, p, uuid.Nil, func(tx *store.Tx) (err error) {
		if err := tx.HoldUser(ctx, p.Subject); err != nil {
			return err
		}
		if user, err = tx.User(ctx, p.Subject); err != nil {
			return err
		}
		if user.HasPassword { // who signs in by a provider alone has no other way
			if place, err := tx.SessionPlace(ctx, p.Credential.ID); err != nil || place != uuid.Nil {
				return orElse(err, errConfined())
			}
		}
		if c.Name != nil {
			if user.Name, err = credential.CheckName("name", *c.Name); err != nil {
				return err
			}
		}
		if c.AvatarURL != nil {
			user.AvatarURL = *c.AvatarURL
		}
		if c.Preferences != nil {
			if user.Preferences, err = c.Preferences(user.Preferences); err != nil {
				return err
			}
		}
		user.UpdatedAt = a.clock()
		tx.Record(act{p, user.UpdatedAt}.event("user.update", "user:"+user.ID.String(), "{}"))
		return tx.SetProfile(ctx, user)
	})
	return user, err
}

// forgetPeople deletes what has ended of sessions, links and attempts.
func (a *Authority) forgetPeople(ctx context.Context) error {
	now := a.now()
	return errors.Join(
		a.store.ForgetSessions(ctx, now.Add(-time.Hour)),
		a.store.ForgetLinks(ctx, now),
		a.store.ForgetDevices(ctx, now.Add(-time.Hour)), // and says until then that they have expired
		a.store.ForgetConsoles(ctx, now),
		a.store.ForgetMessages(ctx, now),
		a.store.ForgetPlaces(ctx, now.Add(-placesFor), mostAttempts))
}
