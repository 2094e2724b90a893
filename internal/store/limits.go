package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// limitColumns are what every verification reads of limits on requests.
const (
	organizationLimits = `o.rate_limit, o.rate_window, o.address_rate`
	projectLimits      = `p.rate_limit, p.rate_window`
)

// storedRate is a rate as it is stored; NULL where there is nothing to limit.
type storedRate struct{ requests, seconds sql.NullInt64 }

func (s *storedRate) targets() []any { return []any{&s.requests, &s.seconds} }

// rate reads a rate of something that is there. One that can't be read is an
// error: nothing is unlimited by being lost.
func (s *storedRate) rate(there bool) (credential.Rate, error) {
	if !there && !s.requests.Valid && !s.seconds.Valid {
		return credential.Rate{}, nil
	}
	if s.requests.Valid && s.seconds.Valid && s.requests.Int64 == 0 && s.seconds.Int64 == 0 {
		return credential.Rate{}, nil
	}
	if s.seconds.Int64 > int64(credential.MaxWindow/time.Second) || s.seconds.Int64 < 1 {
		return credential.Rate{}, errors.New("a limit on requests has no window")
	}
	rate := credential.Rate{Requests: int(s.requests.Int64), Window: time.Duration(s.seconds.Int64) * time.Second}
	if err := rate.Check(); err != nil {
		return credential.Rate{}, fmt.Errorf("a limit on requests: %w", err)
	}
	return rate, nil
}

// storedLimits are those of an organization.
type storedLimits struct {
	storedRate
	address sql.NullInt64
}

func (s *storedLimits) targets() []any { return append(s.storedRate.targets(), &s.address) }

func (s *storedLimits) limits(there bool) (out credential.Limits, err error) {
	if out.Rate, err = s.rate(there); err != nil {
		return out, err
	}
	if there && !s.address.Valid {
		return out, errors.New("a limit on requests by address is lost")
	}
	out.AddressRate = int(s.address.Int64)
	return out, out.Check()
}

// OrganizationLimits returns how many requests may be made in an organization.
func (r reader) OrganizationLimits(ctx context.Context, organization uuid.UUID) (credential.Limits, error) {
	var stored storedLimits
	err := r.q.QueryRowContext(ctx, `SELECT `+organizationLimits+` FROM organizations o WHERE o.deleted_at IS NULL AND o.id = $1`, organization).Scan(stored.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return credential.Limits{}, credential.Errorf(credential.NotFound, "no such organization")
	}
	if err != nil {
		return credential.Limits{}, r.fail("read the limits of an organization", err)
	}
	return stored.limits(true)
}

// SetOrganizationLimits changes how many requests may be made in an organization.
func (t *Tx) SetOrganizationLimits(ctx context.Context, organization uuid.UUID, l credential.Limits) error {
	t.touchedAll = true // every credential of it stands on them
	_, err := t.q.ExecContext(ctx, `UPDATE organizations SET rate_limit = $2, rate_window = $3, address_rate = $4 WHERE id = $1`,
		organization, l.Requests, int64(l.Window/time.Second), l.AddressRate)
	if err != nil {
		return t.fail("store the limits of an organization", err)
	}
	return nil
}

// ProjectRate returns how many requests a project's own credentials make.
func (r reader) ProjectRate(ctx context.Context, project uuid.UUID) (credential.Rate, error) {
	var stored storedRate
	err := r.q.QueryRowContext(ctx, `SELECT `+projectLimits+` FROM projects p WHERE p.deleted_at IS NULL AND p.id = $1`, project).Scan(stored.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return credential.Rate{}, credential.Errorf(credential.NotFound, "no such project")
	}
	if err != nil {
		return credential.Rate{}, r.fail("read the limit of a project", err)
	}
	return stored.rate(true)
}

// SetProjectRate changes how many requests a project's own credentials make.
func (t *Tx) SetProjectRate(ctx context.Context, project uuid.UUID, rate credential.Rate) error {
	t.touchedAll = true
	if _, err := t.q.ExecContext(ctx, `UPDATE projects SET rate_limit = $2, rate_window = $3 WHERE id = $1`, project, rate.Requests, int64(rate.Window/time.Second)); err != nil {
		return t.fail("store the limit of a project", err)
	}
	return nil
}
