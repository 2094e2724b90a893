package authority

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// person finds any user of the installation, for the operator.
func (a *Authority) person(ctx context.Context, p *credential.Principal, ref UserRef) (*store.User, error) {
	if err := operatorOnly(p); err != nil {
		return nil, err
	}
	if ref.Email == "" {
		return a.store.User(ctx, ref.ID)
	}
	email, err := credential.CheckEmail("user", ref.Email)
	if err != nil {
		return nil, err
	}
	return a.store.UserByEmail(ctx, email)
}

// Person returns a user, and how many backup codes are left. Only the operator can.
func (a *Authority) Person(ctx context.Context, p *credential.Principal, ref UserRef) (*store.User, int, error) {
	user, err := a.person(ctx, p, ref)
	if err != nil {
		return nil, 0, err
	}
	left, err := a.store.BackupCodes(ctx, user.ID)
	return user, left, err
}

// SessionsOf lists the sessions of a user. Only the operator can.
func (a *Authority) SessionsOf(ctx context.Context, p *credential.Principal, ref UserRef) ([]store.Session, error) {
	user, err := a.person(ctx, p, ref)
	if err != nil {
		return nil, err
	}
	return a.sessionsOf(ctx, user.ID)
}

// EndSessionsOf ends one session of a user, or (Nil) all of them. Only the
// operator can.
func (a *Authority) EndSessionsOf(ctx context.Context, p *credential.Principal, ref UserRef, session uuid.UUID) error {
	user, err := a.person(ctx, p, ref)
	if err != nil {
		return err
	}
	if session != uuid.Nil {
		return a.endOne(ctx, p, user.ID, session)
	}
	return a.endFor(ctx, p, ending{user: user.ID, because: "operator"})
}

// account is what a change of a user is about, and the sort of transaction
// that it takes.
type account struct {
	ref   UserRef
	begin func(context.Context, *credential.Principal, uuid.UUID, func(*store.Tx) error) error
}

type personChange func(tx *store.Tx, by act, user *store.User) error

// changePerson changes a user, whom nobody else changes meanwhile.
func (a *Authority) changePerson(ctx context.Context, p *credential.Principal, of account, change personChange) (*store.User, error) {
	user, err := a.person(ctx, p, of.ref)
	if err != nil {
		return nil, err
	}
	err = of.begin(ctx, p, uuid.Nil, func(tx *store.Tx) error {
		if err := tx.HoldUser(ctx, user.ID); err != nil {
			return err
		}
		now, err := tx.User(ctx, user.ID)
		if err != nil {
			return err
		}
		return change(tx, act{p, a.clock()}, now)
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return nil, err
	}
	return a.store.User(ctx, user.ID)
}

// ResetTwoFactor turns the second factor of a user off, who has lost it. All
// their sessions end. Only the operator can.
func (a *Authority) ResetTwoFactor(ctx context.Context, p *credential.Principal, ref UserRef) (*store.User, error) {
	return a.changePerson(ctx, p, account{ref, a.stop}, func(tx *store.Tx, by act, user *store.User) error {
		tx.Record(by.event("two_factor.reset", "user:"+user.ID.String(), "{}"))
		if err := tx.DropTwoFactor(ctx, user.ID); err != nil {
			return err
		}
		return endSessions(ctx, tx, by, ending{user: user.ID, because: "two_factor.reset"})
	})
}

// Unlock lets a user try to sign in again at once. Only the operator can.
func (a *Authority) Unlock(ctx context.Context, p *credential.Principal, ref UserRef) (*store.User, error) {
	return a.changePerson(ctx, p, account{ref, a.transact}, func(tx *store.Tx, by act, user *store.User) error {
		tx.Record(by.event("user.unlock", "user:"+user.ID.String(), "{}"))
		return tx.ForgetAttempts(ctx, a.accountKey(user.Email))
	})
}

// OneTimeCode is a secret that is good once, and until when.
type OneTimeCode struct {
	credential.Secret
	ExpiresAt time.Time
}

// PasswordCode makes the one-time code by which a user chooses a new password
// (ResetPassword), where no letter can bring it. Only the operator can.
func (a *Authority) PasswordCode(ctx context.Context, p *credential.Principal, ref UserRef) (code OneTimeCode, err error) {
	_, err = a.changePerson(ctx, p, account{ref, a.transact}, func(tx *store.Tx, by act, user *store.User) (err error) {
		if !user.DeactivatedAt.IsZero() {
			return credential.Errorf(credential.Conflict, "the user is deactivated; reactivate them first")
		}
		if user.Service {
			return credential.Errorf(credential.Conflict, "nobody signs in as a service user")
		}
		tx.Record(by.event("user.password_code", "user:"+user.ID.String(), "{}"))
		code.ExpiresAt = by.at.Add(resetFor)
		code.Secret, err = a.newLink(ctx, tx, store.Link{User: user.ID, Purpose: passwordCode, ExpiresAt: code.ExpiresAt})
		return err
	})
	return code, err
}

// Deactivate shuts a user out: the sessions end, and for good the credentials
// that are the user's own, in every organization. Only the operator can.
func (a *Authority) Deactivate(ctx context.Context, p *credential.Principal, ref UserRef) (*store.User, error) {
	return a.changePerson(ctx, p, account{ref, a.stop}, func(tx *store.Tx, by act, user *store.User) error {
		if !user.DeactivatedAt.IsZero() {
			return errUnchanged
		}
		return a.shutOut(ctx, tx, by, leaving{user.ID, "user.deactivate"})
	})
}

// Delete deactivates a user and takes away what is known of them: address,
// name, memberships, second factor. The address is free then, and who registers
// it is somebody else. Only the operator can.
func (a *Authority) Delete(ctx context.Context, p *credential.Principal, ref UserRef) error {
	user, err := a.person(ctx, p, ref)
	if err != nil {
		return err
	}
	_, err = a.changePerson(ctx, p, account{UserRef{ID: user.ID}, a.stop}, func(tx *store.Tx, by act, user *store.User) error {
		if err := a.shutOut(ctx, tx, by, leaving{user.ID, "user.delete"}); err != nil {
			return err
		}
		memberships, err := tx.Memberships(ctx, user.ID, mostMemberships)
		if err != nil {
			return err
		}
		for _, m := range memberships {
			e := by.event("member.remove", "user:"+user.ID.String(), object(map[string]string{"because": "user.delete"}))
			e.Chain = m.ID
			tx.Record(e)
		}
		if err := tx.ForgetAccount(ctx, a.accountKey(user.Email)); err != nil {
			return err
		}
		return tx.DeleteUser(ctx, user.ID, by.at)
	})
	return ignoreMissing(err) // of whom it would return
}

// leaving is a user who is shut out, and by what.
type leaving struct {
	user   uuid.UUID
	action string
}

func (a *Authority) shutOut(ctx context.Context, tx *store.Tx, by act, l leaving) error {
	if err := holdOrganizations(ctx, tx, l.user); err != nil {
		return err
	}
	tx.Record(by.event(l.action, "user:"+l.user.String(), "{}"))
	if err := tx.SetDeactivated(ctx, l.user, by.at); err != nil {
		return err
	}
	if err := endSessions(ctx, tx, by, ending{user: l.user, because: l.action}); err != nil {
		return err
	}
	if err := tx.DropLinks(ctx, l.user, verifyEmail, resetPassword, passwordCode); err != nil {
		return err
	}
	return a.revokeEverywhere(ctx, tx, by, l)
}

// mostMemberships is more than anybody has.
const mostMemberships = 10_000

// holdOrganizations keeps other changes in the organizations of a user waiting:
// no other owner steps down meanwhile, and no credential is made.
func holdOrganizations(ctx context.Context, tx *store.Tx, user uuid.UUID) error {
	memberships, err := tx.Memberships(ctx, user, mostMemberships)
	for _, m := range memberships {
		if err := tx.HoldOrganization(ctx, m.ID); err != nil {
			return err
		}
	}
	return err
}

// revokeEverywhere revokes a user's own credentials, and refuses to leave an
// organization without an active owner.
func (a *Authority) revokeEverywhere(ctx context.Context, tx *store.Tx, by act, l leaving) error {
	memberships, err := tx.Memberships(ctx, l.user, mostMemberships)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		owners, err := tx.CountOwners(ctx, m.ID)
		if err != nil {
			return err
		}
		if m.Role == credential.Owner && owners == 0 {
			return credential.Errorf(credential.Conflict, "the user is the only owner of organization %s; make somebody else owner first", m.Name)
		}
		ended, err := tx.RevokeCredentialsOf(ctx, m.ID, l.user, by.at)
		if err != nil {
			return err
		}
		for _, id := range ended {
			e := by.event("credential.revoke", "credential:"+id.String(), object(map[string]string{"because": l.action}))
			e.Chain = m.ID
			tx.Record(e)
		}
	}
	return nil
}

// Reactivate lets a user in again. What was the user's own stays ended. Only
// the operator can.
func (a *Authority) Reactivate(ctx context.Context, p *credential.Principal, ref UserRef) (*store.User, error) {
	return a.changePerson(ctx, p, account{ref, a.transact}, func(tx *store.Tx, by act, user *store.User) error {
		if user.DeactivatedAt.IsZero() {
			return errUnchanged
		}
		tx.Record(by.event("user.reactivate", "user:"+user.ID.String(), "{}"))
		return tx.SetDeactivated(ctx, user.ID, time.Time{})
	})
}
