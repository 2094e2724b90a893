package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Organization is the isolation boundary that credentials live in.
type Organization struct {
	ID          uuid.UUID
	Number      int64
	Name        string
	CreatedAt   time.Time
	SuspendedAt time.Time
}

const organizationColumns = `id, number, name, created_at, suspended_at`

func (o *Organization) targets() []any {
	return []any{&o.ID, &o.Number, &o.Name, instant{&o.CreatedAt}, instant{&o.SuspendedAt}}
}

// InsertOrganization stores a new organization, gives it its number and begins
// its audit chain.
func (t *Tx) InsertOrganization(ctx context.Context, o *Organization) (err error) {
	if o.Number, err = t.next(ctx, "installation", "organization"); err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `INSERT INTO organizations (id, number, name, created_at) VALUES ($1, $2, $3, $4)`,
		o.ID, o.Number, o.Name, o.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store an organization", err)
	}
	return t.s.createChain(ctx, t.q, o.ID)
}

// SuspendOrganization sets or (zero) clears when an organization was suspended.
// It changes how every credential of it stands.
func (t *Tx) SuspendOrganization(ctx context.Context, id uuid.UUID, at time.Time) error {
	t.touchedAll = true
	_, err := t.q.ExecContext(ctx, `UPDATE organizations SET suspended_at = $2 WHERE id = $1`, id, stamp(at))
	if err != nil {
		return t.fail("suspend an organization", err)
	}
	return nil
}

// Organization finds an organization by id.
func (r reader) Organization(ctx context.Context, id uuid.UUID) (*Organization, error) {
	return r.organization(ctx, `id = $1`, id)
}

// OrganizationByNumber finds an organization by its number.
func (r reader) OrganizationByNumber(ctx context.Context, number int64) (*Organization, error) {
	return r.organization(ctx, `number = $1`, number)
}

func (r reader) organization(ctx context.Context, where string, arg any) (*Organization, error) {
	var o Organization
	err := r.q.QueryRowContext(ctx, `SELECT `+organizationColumns+` FROM organizations WHERE `+where, arg).Scan(o.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such organization")
	}
	if err != nil {
		return nil, r.fail("read an organization", err)
	}
	return &o, nil
}

// Organizations returns the organizations with an id above after, in order.
func (r reader) Organizations(ctx context.Context, after uuid.UUID, limit int) ([]Organization, error) {
	return list(ctx, r, selection[Organization]{"list organizations", (*Organization).targets, `SELECT ` + organizationColumns + ` FROM organizations WHERE id > $1 ORDER BY id LIMIT $2`}, after, limit)
}

// InsertSetupCode stores the keyed hash of a one-time set-up code.
func (s *Store) InsertSetupCode(ctx context.Context, code []byte, now time.Time) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO setup_codes (code, created_at) VALUES ($1, $2)`, code, now.UnixMilli())
	if err != nil {
		return s.failed("store a set-up code", err)
	}
	return nil
}

// HasSetupCode reports whether a set-up code is known.
func (r reader) HasSetupCode(ctx context.Context, code []byte) (bool, error) {
	var n int
	if err := r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM setup_codes WHERE code = $1`, code).Scan(&n); err != nil {
		return false, r.fail("look up a set-up code", err)
	}
	return n == 1, nil
}

// TakeSetupCode uses up a set-up code, and reports whether it was there.
func (t *Tx) TakeSetupCode(ctx context.Context, code []byte) (bool, error) {
	result, err := t.q.ExecContext(ctx, `DELETE FROM setup_codes WHERE code = $1`, code)
	if err != nil {
		return false, t.fail("use a set-up code", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// ForgetSetupCodes deletes every set-up code.
func (t *Tx) ForgetSetupCodes(ctx context.Context) error {
	if _, err := t.q.ExecContext(ctx, `DELETE FROM setup_codes`); err != nil {
		return t.fail("forget the set-up codes", err)
	}
	return nil
}

// IsEmpty reports whether there is no organization yet.
func (r reader) IsEmpty(ctx context.Context) (bool, error) {
	some, err := r.Organizations(ctx, uuid.Nil, 1)
	return len(some) == 0, err
}
