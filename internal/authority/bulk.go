package authority

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// MaxBulk bounds how many credentials are revoked at once.
const MaxBulk = 10_000

// Outcome is what became of one of many credentials.
type Outcome string

// The outcomes of revoking many.
const (
	NowRevoked Outcome = "revoked"
	WasRevoked Outcome = "was_revoked"
	Missing    Outcome = "not_found"
)

// RevokeMany ends credentials of one organization in one transaction. all
// means that it ends none where it can't end each of them.
func (a *Authority) RevokeMany(ctx context.Context, p *credential.Principal, ids []uuid.UUID, all bool) ([]Outcome, error) {
	if err := require(p, credential.CredentialsWrite); err != nil {
		return nil, err
	}
	if len(ids) == 0 || len(ids) > MaxBulk {
		return nil, credential.InvalidField("credentials", "name 1 to %d credentials", MaxBulk)
	}
	seen := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			return nil, credential.InvalidField("credentials", "%s stands twice", id)
		}
		seen[id] = true
	}
	found, organization, err := a.findMany(ctx, p, ids)
	if err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(ids))
	err = a.stop(ctx, p, organization, func(tx *store.Tx) error {
		changed := false
		for i, c := range found {
			if outcomes[i], err = a.revokeOne(ctx, tx, p, c); err != nil {
				return err
			}
			if all && outcomes[i] == Missing {
				return credential.Errorf(credential.Conflict, "there is no credential %s of yours to revoke; none was", ids[i])
			}
			changed = changed || outcomes[i] == NowRevoked
		}
		if !changed {
			return errUnchanged
		}
		return nil
	})
	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return outcomes, err
}

// findMany finds those of the credentials that the principal looks after; nil
// stands for any other. All are of one organization.
func (a *Authority) findMany(ctx context.Context, p *credential.Principal, ids []uuid.UUID) (found []*credential.Credential, organization uuid.UUID, err error) {
	found = make([]*credential.Credential, len(ids))
	some := false
	for i, id := range ids {
		c, err := a.visible(ctx, p, id)
		if errors.Is(err, credential.NotFound) || errors.Is(err, credential.Damaged) { // which is revoked by its id alone
			continue
		}
		if err != nil {
			return nil, uuid.Nil, err
		}
		if some && c.Organization != organization {
			return nil, uuid.Nil, credential.InvalidField("credentials", "name credentials of one organization")
		}
		found[i], organization, some = c, c.Organization, true
	}
	return found, organization, nil
}

// revokeOne revokes a credential that was found, within the transaction.
func (a *Authority) revokeOne(ctx context.Context, tx *store.Tx, p *credential.Principal, known *credential.Credential) (Outcome, error) {
	if known == nil {
		return Missing, nil
	}
	now := a.clock()
	c, err := tx.CredentialIn(ctx, known.Organization, known.ID)
	if err == nil {
		err = administersStill(ctx, tx, p, c)
	}
	if err == nil {
		err = revoke(tx, c, now)
	}
	if errors.Is(err, errUnchanged) {
		return WasRevoked, nil
	}
	if err == nil {
		err = tx.UpdateCredential(ctx, c)
	}
	if err != nil {
		return Missing, err
	}
	tx.Record(act{p, now}.event("credential.revoke", targetOf(c), details(c)))
	return NowRevoked, nil
}
