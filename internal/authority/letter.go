package authority

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// posted tells whoever delivers that there may be letters.
func (a *Authority) posted() {
	if a.rules.Posted != nil {
		a.rules.Posted()
	}
}

// sayKnown tells a user that their address was registered again: once in a
// minute of the clock, however often it is.
func (a *Authority) sayKnown(ctx context.Context, tx *store.Tx, known *store.User, now time.Time) error {
	minute := now.Truncate(mailPause)
	mark := sha256.Sum256([]byte("known letter\x00" + known.ID.String() + minute.Format(time.RFC3339)))
	first, err := tx.Once(ctx, mark, minute.Add(mailPause))
	if err != nil || !first {
		return err
	}
	return a.post(ctx, tx, now.Add(verifyFor), knownLetter(known))
}

// sendVerification writes the letter by which a user proves that an address is
// theirs.
func (a *Authority) sendVerification(ctx context.Context, tx *store.Tx, user *store.User, now time.Time) error {
	if !a.rules.Mail {
		return nil
	}
	code, err := a.newLink(ctx, tx, store.Link{User: user.ID, Purpose: verifyEmail, ExpiresAt: now.Add(verifyFor)})
	if err != nil {
		return err
	}
	return a.post(ctx, tx, now.Add(verifyFor), verifyLetter(user, a.Issuer()+confirmPage+"#token="+code.Reveal()))
}

// The pages that letters lead to. What they need stands behind the #, which no
// server and no log sees; a page that is loaded changes nothing, for mail
// scanners follow links.
const (
	confirmPage    = "/console/verify-email"
	resetPage      = "/console/reset"
	invitationPage = "/console/invitation"
)

// ConfirmAgain sends the letter by which an address is confirmed once more, to
// who registered it and hasn't. Whether anybody did is not to be seen from outside.
func (a *Authority) ConfirmAgain(ctx context.Context, email string, from Origin) error {
	return a.mailLink(ctx, email, askedLink{from, "user.confirm_again", verifyEmail, verifyFor}, func(ctx context.Context, tx *store.Tx, user *store.User) error {
		if !user.VerifiedAt.IsZero() {
			return nil
		}
		return a.sendVerification(ctx, tx, user, a.clock())
	})
}

// ForgotPassword sends a link for a new password to an address that has an
// account. Whether it has one is not to be seen from outside.
func (a *Authority) ForgotPassword(ctx context.Context, email string, from Origin) error {
	return a.mailLink(ctx, email, askedLink{from, "user.forgot_password", resetPassword, resetFor}, func(ctx context.Context, tx *store.Tx, user *store.User) error {
		if !a.rules.Mail {
			return nil
		}
		until := a.clock().Add(resetFor)
		code, err := a.newLink(ctx, tx, store.Link{User: user.ID, Purpose: resetPassword, ExpiresAt: until})
		if err != nil {
			return err
		}
		return a.post(ctx, tx, until, resetLetter(user, code.Reveal(), cmp.Or(a.rules.ResetURL, a.Issuer()+resetPage)))
	})
}

// askedLink is a link that somebody asks for, and how long it will be good.
type askedLink struct {
	from    Origin
	action  string // in the audit
	purpose string
	life    time.Duration
}

// mailLink has a link sent to the person who has an address, unless one was just now.
func (a *Authority) mailLink(ctx context.Context, email string, l askedLink, send func(context.Context, *store.Tx, *store.User) error) error {
	email, err := credential.CheckEmail("email", email)
	if err != nil {
		return err
	}
	defer a.posted()
	return a.store.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		user, err := tx.UserByEmail(ctx, email)
		if errors.Is(err, credential.NotFound) {
			user, err = &store.User{}, nil
		}
		if err != nil {
			return err
		}
		tx.Record(a.signInEvent(l.from, user.ID, l.action, nil))
		if user.ID == uuid.Nil || !user.DeactivatedAt.IsZero() || user.Service {
			return nil
		}
		last, err := tx.LinkOf(ctx, user.ID, l.purpose)
		if err != nil || last != nil && last.ExpiresAt.After(a.clock().Add(l.life-resetPause)) {
			return err
		}
		return send(ctx, tx, user)
	})
}

// post puts a letter into the outbox, for as long as what stands in it is good.
func (a *Authority) post(ctx context.Context, tx *store.Tx, until time.Time, l store.Letter) error {
	return tx.Post(ctx, a.rand, l, a.clock(), until)
}

// Letters name nobody: whoever registers an address chooses the name.
func letter(user *store.User, subject, text string) store.Letter {
	return store.Letter{To: user.Email, Subject: subject, Text: text + "\n\nIf it wasn't you, do nothing.\n"}
}

func verifyLetter(user *store.User, link string) store.Letter {
	return letter(user, "Confirm your address", "Somebody registered this address with Gatehouse. If that was you, confirm it by\n"+
		"opening this link within 24 hours:\n\n"+link)
}

func knownLetter(user *store.User) store.Letter {
	return letter(user, "You have an account already", "Somebody tried to register this address with Gatehouse, where it has an account\n"+
		"already. If that was you, sign in, or ask for a new password if you have\nforgotten yours.")
}

func resetLetter(user *store.User, code, page string) store.Letter {
	return letter(user, "A new password", "Somebody asked for a new password for your account at Gatehouse. Choose one by\n"+
		"opening this link within one hour:\n\n"+page+"#token="+code)
}
