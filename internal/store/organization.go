package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Organization is the isolation boundary that credentials live in.
type Organization struct {
	ID          uuid.UUID
	Number      int64
	Name        string
	Slug        string // its name in addresses, which no other has
	Description string
	LogoURL     string
	Settings    string    // a JSON object
	CreatedBy   uuid.UUID // the user; Nil for the operator
	CreatedAt   time.Time
	UpdatedAt   time.Time
	SuspendedAt time.Time
}

// organizationColumns are those of organizations that weren't deleted.
const organizationColumns = `o.id, o.number, o.name, o.slug, o.description, o.logo_url, o.settings, o.created_by, o.created_at, COALESCE(o.updated_at, o.created_at), o.suspended_at`

func (o *Organization) targets() []any {
	return []any{&o.ID, &o.Number, &o.Name, &o.Slug, &o.Description, &o.LogoURL, &o.Settings, nullID{&o.CreatedBy}, instant{&o.CreatedAt}, instant{&o.UpdatedAt}, instant{&o.SuspendedAt}}
}

// GivenSlug begins the slug of an organization that has none of its own: its
// number stands behind it.
const GivenSlug = "org-"

// InsertOrganization stores a new organization, gives it its number and begins
// its audit chain. A slug that is taken is credential.Conflict.
func (t *Tx) InsertOrganization(ctx context.Context, o *Organization) (err error) {
	if o.Number, err = t.next(ctx, "installation", "organization"); err != nil {
		return err
	}
	o.Slug = cmp.Or(o.Slug, GivenSlug+strconv.FormatInt(o.Number, 10))
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO organizations (id, number, name, slug, description, logo_url, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		o.ID, o.Number, o.Name, o.Slug, o.Description, o.LogoURL, nullable(o.CreatedBy), o.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store an organization", err)
	}
	return t.s.createChain(ctx, t.q, o.ID)
}

// UpdateOrganization stores what is said of an organization. A slug that is
// taken is credential.Conflict.
func (t *Tx) UpdateOrganization(ctx context.Context, o *Organization) error {
	_, err := t.q.ExecContext(ctx, `UPDATE organizations SET name = $2, slug = $3, description = $4, logo_url = $5, settings = $6, updated_at = $7 WHERE id = $1`,
		o.ID, o.Name, o.Slug, o.Description, o.LogoURL, o.Settings, o.UpdatedAt.UnixMilli())
	if err != nil {
		return t.fail("change an organization", err)
	}
	return nil
}

// DeleteOrganization takes an organization out of sight: whatever acts in it
// stops, its webhooks are off, its provider is gone, and its slug is free. Its rows stay.
func (t *Tx) DeleteOrganization(ctx context.Context, id uuid.UUID, at time.Time) error {
	t.touchedAll = true
	_, err := t.q.ExecContext(ctx, `UPDATE organizations SET deleted_at = $2, suspended_at = COALESCE(suspended_at, $2), slug = NULL WHERE id = $1`, id, at.UnixMilli())
	if err == nil { // with its domains, which others may have then
		_, err = t.q.ExecContext(ctx, `DELETE FROM providers WHERE organization_id = $1`, id)
	}
	if err == nil {
		_, err = t.q.ExecContext(ctx, `UPDATE webhooks SET active = 0 WHERE organization_id = $1`, id)
	}
	if err == nil {
		_, err = t.q.ExecContext(ctx, `UPDATE webhook_deliveries SET next_at = NULL WHERE next_at IS NOT NULL AND webhook_id IN (SELECT id FROM webhooks WHERE organization_id = $1)`, id)
	}
	if err != nil {
		return t.fail("delete an organization", err)
	}
	return nil
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
	return r.organization(ctx, `o.id = $1`, id)
}

// OrganizationByNumber finds an organization by its number.
func (r reader) OrganizationByNumber(ctx context.Context, number int64) (*Organization, error) {
	return r.organization(ctx, `o.number = $1`, number)
}

func (r reader) organization(ctx context.Context, where string, arg any) (*Organization, error) {
	var o Organization
	err := r.q.QueryRowContext(ctx, `SELECT `+organizationColumns+` FROM organizations o WHERE o.deleted_at IS NULL AND `+where, arg).Scan(o.targets()...)
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
	return list(ctx, r, selection[Organization]{"list organizations", (*Organization).targets,
		`SELECT ` + organizationColumns + ` FROM organizations o WHERE o.deleted_at IS NULL AND o.id > $1 ORDER BY o.id LIMIT $2`}, after, limit)
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

// IsEmpty reports whether there never was an organization.
func (r reader) IsEmpty(ctx context.Context) (empty bool, err error) {
	if err := r.q.QueryRowContext(ctx, `SELECT NOT EXISTS (SELECT 1 FROM organizations)`).Scan(&empty); err != nil {
		return false, r.fail("look for an organization", err)
	}
	return empty, nil
}
