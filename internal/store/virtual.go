package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// VirtualUser is a person whom a credential of a project vouches for. Nobody
// signs in as one.
type VirtualUser struct {
	ID        uuid.UUID
	Number    int64 // among those of users
	Project   uuid.UUID
	Kind      string // of Value: email or discord
	Value     string // empty once it is deleted
	MadeBy    uuid.UUID
	CreatedAt time.Time
	DeletedAt time.Time
}

const virtualColumns = `id, number, project_id, kind, COALESCE(value, ''), created_at, deleted_at`

func (v *VirtualUser) targets() []any {
	return []any{&v.ID, &v.Number, &v.Project, &v.Kind, &v.Value, instant{&v.CreatedAt}, instant{&v.DeletedAt}}
}

// InsertVirtualUser stores a new virtual user and gives it its number.
func (t *Tx) InsertVirtualUser(ctx context.Context, v *VirtualUser) (err error) {
	if v.Number, err = t.next(ctx, "installation", "user"); err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `INSERT INTO virtual_users (id, number, project_id, kind, value, made_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		v.ID, v.Number, v.Project, v.Kind, v.Value, nullable(v.MadeBy), v.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a virtual user", err)
	}
	return nil
}

// VirtualUserNamed finds a virtual user of a project by what names the person.
func (r reader) VirtualUserNamed(ctx context.Context, project uuid.UUID, kind, value string) (*VirtualUser, error) {
	return r.virtualUser(ctx, `kind = $2 AND value = $3`, project, kind, value)
}

// VirtualUser finds a virtual user of a project.
func (r reader) VirtualUser(ctx context.Context, project, id uuid.UUID) (*VirtualUser, error) {
	return r.virtualUser(ctx, `id = $2 AND deleted_at IS NULL`, project, id)
}

func (r reader) virtualUser(ctx context.Context, where string, args ...any) (*VirtualUser, error) {
	var v VirtualUser
	err := r.q.QueryRowContext(ctx, `SELECT `+virtualColumns+` FROM virtual_users WHERE project_id = $1 AND `+where, args...).Scan(v.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such virtual user")
	}
	if err != nil {
		return nil, r.fail("read a virtual user", err)
	}
	return &v, nil
}

// VirtualUsers returns the virtual users of a project with an id above after.
func (r reader) VirtualUsers(ctx context.Context, project, after uuid.UUID, limit int) ([]VirtualUser, error) {
	return list(ctx, r, selection[VirtualUser]{"list virtual users", (*VirtualUser).targets,
		`SELECT ` + virtualColumns + ` FROM virtual_users WHERE project_id = $1 AND id > $2 AND deleted_at IS NULL ORDER BY id LIMIT $3`}, project, after, limit)
}

// DeleteVirtualUser forgets who a virtual user is. What the person wrote stays,
// and points to nobody in particular.
func (t *Tx) DeleteVirtualUser(ctx context.Context, id uuid.UUID, at time.Time) error {
	if _, err := t.q.ExecContext(ctx, `UPDATE virtual_users SET value = NULL, deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL`, id, at.UnixMilli()); err != nil {
		return t.fail("delete a virtual user", err)
	}
	return nil
}

// Creation is one more of a kind, made with a credential from an address.
type Creation struct {
	Credential uuid.UUID
	Address    string
	Kind       string
	At         time.Time
}

// CountCreation counts a creation of this day (UTC), unless there have been as
// many as may be: then it reports false.
func (t *Tx) CountCreation(ctx context.Context, c Creation, most int) (bool, error) {
	day := c.At.UnixMilli() / (24 * time.Hour).Milliseconds()
	if _, err := t.q.ExecContext(ctx, `DELETE FROM creations WHERE day < $1`, day-1); err != nil {
		return false, t.fail("forget what was counted", err)
	}
	result, err := t.q.ExecContext(ctx, `
		INSERT INTO creations (day, credential_id, address, kind, made) VALUES ($1, $2, $3, $4, 1)
		ON CONFLICT (day, credential_id, address, kind) DO UPDATE SET made = creations.made + 1 WHERE creations.made < $5`,
		day, c.Credential, c.Address, c.Kind, most)
	if err != nil {
		return false, t.fail("count what was made", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}
