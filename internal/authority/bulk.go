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

// Ended is what became of one of many, and whether its record is damaged.
type Ended struct {
	Outcome
	Damaged bool
}

// RevokeMany ends credentials of one organization in one transaction, damaged
// ones as well. all means that it ends none where it can't end each of them.
func (a *Authority) RevokeMany(ctx context.Context, p *credential.Principal, ids []uuid.UUID, all bool) ([]Ended, error) {
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
	organization, err := a.organizationOf(ctx, p, ids)
	if err != nil {
		return nil, err
	}
	outcomes := make([]Ended, len(ids))
	err = a.stop(ctx, p, organization, func(tx *store.Tx) error {
		b := &revocations{Authority: a, tx: tx, by: act{p, a.clock()}, projects: map[uuid.UUID]bool{}}
		found, err := tx.CredentialsIn(ctx, nilIfWide(p), ids)
		if err != nil {
			return err
		}
		for i, id := range ids {
			if outcomes[i], err = b.plan(ctx, found[id]); err != nil {
				return err
			}
			if all && outcomes[i].Outcome == Missing {
				return credential.Errorf(credential.Conflict, "there is no credential %s of yours to revoke; none was", id)
			}
		}
		if len(b.ids) == 0 {
			return errUnchanged
		}
		return tx.RevokeCredentials(ctx, b.ids, b.by.at)
	})
	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return outcomes, err
}

// organizationOf is the one organization of the credentials that a principal
// may reach; Nil where it is the installation, or there are none.
func (a *Authority) organizationOf(ctx context.Context, p *credential.Principal, ids []uuid.UUID) (organization uuid.UUID, err error) {
	if !p.InstallationWide() {
		return p.Organization, nil
	}
	found, err := a.store.OrganizationsOf(ctx, ids)
	some := false
	for _, of := range found {
		if some && of != organization {
			return uuid.Nil, credential.InvalidField("credentials", "name credentials of one organization")
		}
		organization, some = of, true
	}
	return organization, err
}

// revocations are those of one call, within its transaction.
type revocations struct {
	*Authority
	tx       *store.Tx
	by       act
	ids      []uuid.UUID        // to revoke
	projects map[uuid.UUID]bool // whether the principal looks after their credentials
}

// plan has a credential revoked that was found and isn't yet.
func (b *revocations) plan(ctx context.Context, found store.Listed) (Ended, error) {
	outcome := Ended{Damaged: found.Damaged != nil}
	reached, err := b.reached(ctx, found)
	switch {
	case err != nil:
		return outcome, err
	case !reached:
		return Ended{Outcome: Missing}, nil
	case found.Revoked:
		outcome.Outcome = WasRevoked
		return outcome, nil
	}
	detail := object(map[string]bool{"damaged": true})
	if !outcome.Damaged {
		detail = details(found.Credential)
	}
	b.tx.Record(b.by.event("credential.revoke", "credential:"+found.ID.String(), detail))
	b.ids = append(b.ids, found.ID)
	outcome.Outcome = NowRevoked
	return outcome, nil
}

// reached reports whether the principal looks after a credential. It asks once
// about each project. Whose a damaged one is can't be told.
func (b *revocations) reached(ctx context.Context, found store.Listed) (bool, error) {
	c, p := found.Credential, b.by.by
	switch {
	case found.ID == uuid.Nil:
		return false, nil
	case c == nil:
		return seesAll(p), nil
	case c.Project == uuid.Nil:
		return b.reaches(ctx, p, c)
	}
	reached, known := b.projects[c.Project]
	if known {
		return reached, nil
	}
	reached, err := b.reaches(ctx, p, c)
	if err == nil && reached {
		err = administersStill(ctx, b.tx, p, c)
	}
	b.projects[c.Project] = reached
	return reached, err
}
