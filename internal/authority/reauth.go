package authority

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// ProofLasts is how long a user counts as having proved who they are, for what
// outlives a session: making a credential, changing how they sign in.
const ProofLasts = 5 * time.Minute

// ProvenLately reports whether the user of a session has proved within
// ProofLasts who they are, by signing in or by ProveAgain.
func (a *Authority) ProvenLately(ctx context.Context, p *credential.Principal) (bool, error) {
	if err := signedIn(p); err != nil {
		return false, err
	}
	at, err := a.store.SessionProvenAt(ctx, p.Credential.ID)
	return err == nil && a.clock().Before(at.Add(ProofLasts)), err
}

// Proof is what a user who has signed in proves again by who they are: a code
// of the second factor, or else the password.
type Proof struct{ Password, Code string }

// ProveAgain notes for a session that its user proved who they are. Wrong ones
// count as they do where somebody signs in.
func (a *Authority) ProveAgain(ctx context.Context, p *credential.Principal, with Proof) error {
	if err := signedIn(p); err != nil {
		return err
	}
	if with.Code == "" {
		return a.confirm(ctx, p, with.Password, func(proof *proof) error {
			return a.transact(ctx, p, uuid.Nil, func(tx *store.Tx) error {
				if _, err := a.unchanged(ctx, tx, proof); err != nil {
					return err
				}
				return a.proveSession(ctx, tx, act{p, a.clock()})
			})
		})
	}
	var refused error
	err := a.transact(ctx, p, uuid.Nil, func(tx *store.Tx) (err error) {
		by := act{p, a.clock()}
		user, err := tx.User(ctx, p.Subject)
		if err != nil {
			return err
		}
		if !user.TwoFactor { // one that is only set up proves nothing yet
			refused = errWrongCode()
		} else if refused, err = a.useCode(ctx, tx, p.Subject, with.Code); err != nil {
			return err
		}
		if refused != nil {
			tx.Record(by.event("session.prove_fail", "user:"+p.Subject.String(), object(map[string]string{"because": refused.Error()})))
			return nil
		}
		return a.proveSession(ctx, tx, by)
	})
	return orElse(err, refused)
}

func (a *Authority) proveSession(ctx context.Context, tx *store.Tx, by act) error {
	id := by.by.Credential.ID
	tx.Record(by.event("session.prove", "session:"+id.String(), "{}"))
	return tx.ProveSession(ctx, id, by.at)
}
