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

// DefaultGrace is how long a predecessor works when nobody says otherwise.
const DefaultGrace = 24 * time.Hour

// endedForGood is the end of a secret that must not come back to life, even
// if the clock is set back.
var endedForGood = time.UnixMilli(0).UTC()

// RotateRequest asks for a new secret of a credential.
type RotateRequest struct {
	Grace time.Duration // how long the predecessor still works; 0 ends it at once
	// AtFirstUse ends the predecessor when the new secret is used for the first
	// time, if that is before the grace is over.
	AtFirstUse  bool
	Expiry      credential.ExpiryChoice
	Idempotency *Idempotency
}

// Rotate gives a credential a new secret. It keeps its id, name, usage and
// history. The predecessor works for the grace, never beyond its own expiry;
// one that was already a predecessor ends at once.
func (a *Authority) Rotate(ctx context.Context, p *credential.Principal, id uuid.UUID, r RotateRequest) (*Issued, error) {
	c, err := a.writable(ctx, p, id)
	if err != nil {
		return nil, err
	}
	if err := a.maySee(ctx, p, c); err != nil {
		return nil, err
	}
	return a.rotate(ctx, p, c, r)
}

// RotateSelf rotates the principal's own credential. It needs no permission,
// and so can't make it live longer.
func (a *Authority) RotateSelf(ctx context.Context, p *credential.Principal, r RotateRequest) (*Issued, error) {
	if p.Credential == nil {
		return nil, credential.Errorf(credential.Conflict, "the operator acts without a credential")
	}
	if p.Token != nil {
		return nil, credential.Errorf(credential.Forbidden, "an access token can't rotate the credential that it stands on; use that credential")
	}
	return a.rotate(ctx, p, p.Credential, r)
}

func (a *Authority) rotate(ctx context.Context, p *credential.Principal, c *credential.Credential, r RotateRequest) (*Issued, error) {
	if c.Scheme.Kind == credential.TrustRule {
		return nil, credential.Errorf(credential.Conflict, "a trust rule has no secret to rotate; change the rule to end the tokens that stand on it")
	}
	if r.Grace < 0 || r.Grace > credential.MaxGrace {
		return nil, credential.InvalidField("grace", "must be from 0 to 30d")
	}
	if r.AtFirstUse && r.Grace == 0 {
		return nil, credential.InvalidField("end_predecessor", "needs a grace: without one the predecessor ends at once")
	}
	done, err := a.begin(p, "rotate "+c.ID.String(), r.Idempotency)
	if err != nil {
		return nil, err
	}
	defer done()
	now := a.clock()
	var out *Issued
	err = a.transact(ctx, p, c.Organization, func(tx *store.Tx) (err error) {
		made, err := a.repeated(ctx, tx, r.Idempotency, now)
		if err != nil {
			return err
		}
		if made != nil {
			out, err = a.reissue(ctx, tx, p, made, now)
			return err
		}
		out, err = a.replaceSecret(ctx, tx, act{p, now}, c.ID, r)
		return err
	})
	return out, err
}

// replaceSecret is a rotation within the transaction.
func (a *Authority) replaceSecret(ctx context.Context, tx *store.Tx, by act, id uuid.UUID, r RotateRequest) (*Issued, error) {
	now := by.at
	c, err := tx.CredentialIn(ctx, uuid.Nil, id)
	if err != nil {
		return nil, err
	}
	if err := alive(c, now); err != nil {
		return nil, err
	}
	if err := administersStill(ctx, tx, by.by, c); err != nil {
		return nil, err
	}
	if err := holds(ctx, credentialVersion(c)); err != nil {
		return nil, err
	}
	ends := graceEnd(now, r.Grace, c.ExpiresAt)
	if err := a.renew(by.by, c, r.Expiry, now); err != nil {
		return nil, err
	}
	if err := checkRenewal(ctx, tx, c, r, now); err != nil {
		return nil, err
	}
	if err := tx.EndSecrets(ctx, c.ID, c.Generation, endedForGood); err != nil {
		return nil, err
	}
	c.Generation++
	stored := ends
	if !ends.After(now) {
		stored = endedForGood
	}
	if err := tx.EndSecrets(ctx, c.ID, c.Generation, stored); err != nil {
		return nil, err
	}
	if err := tx.UpdateCredential(ctx, c); err != nil {
		return nil, err
	}
	out, err := a.addSecret(ctx, tx, c, credential.SecretInfo{CreatedAt: now, Unconfirmed: r.Idempotency.repeats(), TakesOver: r.AtFirstUse})
	if err != nil {
		return nil, err
	}
	out.Secrets, err = tx.Secrets(ctx, c.ID, now)
	if err != nil {
		return nil, err
	}
	tx.Record(by.event("credential.rotate", targetOf(c), object(rotated{c.Generation, ends, r.AtFirstUse})))
	return out, remember(ctx, tx, r.Idempotency, store.IdempotencyRecord{Target: c.ID, Generation: c.Generation, CreatedAt: now})
}

// rotated tells an audit event of a rotation.
type rotated struct {
	Generation int       `json:"generation"`
	Ends       time.Time `json:"predecessor_ends_at"`
	AtFirstUse bool      `json:"at_first_use,omitempty"`
}

// takesOver reports whether the current secret is to end its predecessor.
func takesOver(secrets []credential.SecretInfo, c *credential.Credential) bool {
	return slices.ContainsFunc(secrets, func(s credential.SecretInfo) bool { return s.Generation == c.Generation && s.TakesOver })
}

// takeOverWait bounds how long a verification waits for changes of the same
// organization before it goes on without having ended a predecessor.
const takeOverWait = 2 * time.Second

// takeOver ends the predecessor of a secret that was used for the first time,
// where its rotation asked for that. When it returns, no node lets the
// predecessor in any more. Where that can't be stored, the next use tries again.
func (a *Authority) takeOver(ctx context.Context, d *credential.Decision, v Verification) {
	ctx, cancel := context.WithTimeout(ctx, takeOverWait)
	defer cancel()
	now, by := a.clock(), d.Principal
	by.Address, by.RequestID = v.Address, v.RequestID
	id, generation := d.Standing.Credential.ID, d.Standing.Secret.Generation
	err := a.store.Stop(ctx, d.Standing.Credential.Organization, func(tx *store.Tx) error {
		c, err := tx.CredentialIn(ctx, uuid.Nil, id)
		if err != nil {
			return err
		}
		if alive(c, now) != nil {
			return errUnchanged
		}
		first, err := tx.TakeOver(ctx, id, generation, endedForGood)
		if err != nil {
			return err
		}
		if !first {
			return errUnchanged
		}
		tx.Record(act{&by, now}.event("credential.end_predecessor", targetOf(c), object(map[string]int{"generation": generation})))
		return nil
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		a.log.Warn("the predecessor of a secret that is in use can't be ended; the next use tries again", "credential", id, "error", err)
	}
}

// graceEnd is when the predecessor stops working.
func graceEnd(now time.Time, grace time.Duration, expiry time.Time) time.Time {
	end := now.Add(grace)
	if !expiry.IsZero() && expiry.Before(end) {
		return expiry
	}
	return end
}

// renew sets the expiry that a rotation asks for. Where a scheme must expire,
// the one from the issue stands.
func (a *Authority) renew(p *credential.Principal, c *credential.Credential, e credential.ExpiryChoice, now time.Time) error {
	if e == (credential.ExpiryChoice{}) {
		return nil
	}
	if c.Scheme.ExpiryFixed || c.Scheme.Expiry == credential.ExpiryRequired {
		return credential.InvalidField("expires_in", "a rotation keeps the expiry of scheme %s", c.Scheme.Name)
	}
	at, err := c.Scheme.ExpiryAt(now, e, c.Scheme.SetsExpiry(p))
	if err != nil {
		return err
	}
	later := !c.ExpiresAt.IsZero() && at.After(c.ExpiresAt)
	if later && !p.Permissions.Has(credential.CredentialsWrite) {
		return &credential.Error{Kind: credential.Forbidden, Field: "expires_in", Detail: "a later expiry needs the permission credentials:write"}
	}
	c.ExpiresAt = at
	return nil
}

// alive refuses what has ended for good.
func alive(c *credential.Credential, now time.Time) error {
	switch c.State(now) {
	case credential.Revoked:
		return credential.Errorf(credential.Conflict, "the credential is revoked; issue a new one")
	case credential.Expired:
		return credential.Errorf(credential.Conflict, "the credential has expired; issue a new one")
	}
	return nil
}
