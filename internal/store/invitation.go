package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Invitation asks whoever has an address to become a member. Of an
// organization and an address there is one.
type Invitation struct {
	ID           uuid.UUID
	Organization uuid.UUID
	Email        string
	Role         credential.Role
	InvitedBy    string
	CreatedAt    time.Time
	ExpiresAt    time.Time
	AcceptedAt   time.Time
}

const invitationColumns = `id, organization_id, email, role, invited_by, created_at, expires_at, accepted_at`

func (i *Invitation) targets() []any {
	return []any{&i.ID, &i.Organization, &i.Email, &i.Role, &i.InvitedBy, instant{&i.CreatedAt}, instant{&i.ExpiresAt}, instant{&i.AcceptedAt}}
}

// InsertInvitation stores an invitation, in the place of one before to the
// same address, whose link is dead then.
func (t *Tx) InsertInvitation(ctx context.Context, i *Invitation, key credential.LookupKey, version int) error {
	if _, err := t.q.ExecContext(ctx, `DELETE FROM invitations WHERE organization_id = $1 AND email = $2`, i.Organization, i.Email); err != nil {
		return t.fail("replace an invitation", err)
	}
	k := key.Bytes()
	_, err := t.q.ExecContext(ctx, `
		INSERT INTO invitations (id, organization_id, email, role, lookup_key, key_version, invited_by, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		i.ID, i.Organization, i.Email, i.Role, k[:], version, i.InvitedBy, i.CreatedAt.UnixMilli(), i.ExpiresAt.UnixMilli())
	if err != nil {
		return t.fail("store an invitation", err)
	}
	return nil
}

// InvitationByKey finds the invitation of a link.
func (r reader) InvitationByKey(ctx context.Context, key credential.LookupKey) (*Invitation, error) {
	k := key.Bytes()
	return r.invitation(ctx, `lookup_key = $1`, k[:])
}

func (r reader) invitation(ctx context.Context, where string, args ...any) (*Invitation, error) {
	var i Invitation
	err := r.q.QueryRowContext(ctx, `SELECT `+invitationColumns+` FROM invitations WHERE `+where, args...).Scan(i.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such invitation")
	}
	if err != nil {
		return nil, r.fail("find an invitation", err)
	}
	return &i, nil
}

// InvitationTo finds the invitation of an organization to an address.
func (r reader) InvitationTo(ctx context.Context, organization uuid.UUID, email string) (*Invitation, error) {
	return r.invitation(ctx, `organization_id = $1 AND email = $2`, organization, email)
}

// Invitations returns the invitations of an organization with an id above after.
func (r reader) Invitations(ctx context.Context, organization, after uuid.UUID, limit int) ([]Invitation, error) {
	return r.invitations(ctx, organization, after, limit, 0)
}

// InvitationsIn returns a section of the invitations of an organization in the
// order in which they were made, and how many there are: up to MostCounted.
func (r reader) InvitationsIn(ctx context.Context, organization uuid.UUID, s Section) ([]Invitation, int, error) {
	total, err := r.countOf(ctx, "invitations", organization)
	if err != nil {
		return nil, 0, err
	}
	found, err := r.invitations(ctx, organization, uuid.Nil, s.Limit, s.Offset)
	return found, total, err
}

func (r reader) invitations(ctx context.Context, args ...any) ([]Invitation, error) {
	return list(ctx, r, selection[Invitation]{"list invitations", (*Invitation).targets,
		`SELECT ` + invitationColumns + ` FROM invitations WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT $3 OFFSET $4`}, args...)
}

// AcceptInvitation notes that an invitation was followed, and reports whether
// this was the first time.
func (t *Tx) AcceptInvitation(ctx context.Context, id uuid.UUID, at time.Time) (bool, error) {
	result, err := t.q.ExecContext(ctx, `UPDATE invitations SET accepted_at = $2 WHERE id = $1 AND accepted_at IS NULL`, id, at.UnixMilli())
	if err != nil {
		return false, t.fail("accept an invitation", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// DropInvitation takes an invitation back, and reports whether it was there.
func (t *Tx) DropInvitation(ctx context.Context, organization, id uuid.UUID) (bool, error) {
	result, err := t.q.ExecContext(ctx, `DELETE FROM invitations WHERE organization_id = $1 AND id = $2`, organization, id)
	if err != nil {
		return false, t.fail("take an invitation back", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}
