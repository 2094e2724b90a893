package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// storedPolicy is a policy as it is stored, but for the addresses.
type storedPolicy struct {
	Schemes            []storedSchemePolicy `json:"schemes,omitempty"`
	SuspendUnusedAfter int64                `json:"suspend_unused_after,omitzero"` // seconds
}

type storedSchemePolicy struct {
	Scheme         string          `json:"scheme"`
	MaxLifetime    int64           `json:"max_lifetime,omitzero"` // seconds
	ExpiryRequired bool            `json:"expiry_required,omitzero"`
	IssuedBy       credential.Role `json:"issued_by,omitempty"`
}

// SetPolicy stores the policy of an organization.
func (t *Tx) SetPolicy(ctx context.Context, organization uuid.UUID, p *credential.Policy, now time.Time) error {
	stored := storedPolicy{SuspendUnusedAfter: int64(p.SuspendUnusedAfter / time.Second)}
	for _, s := range p.Schemes {
		stored.Schemes = append(stored.Schemes, storedSchemePolicy{s.Scheme.Name, int64(s.MaxLifetime / time.Second), s.ExpiryRequired, s.IssuedBy})
	}
	text, err := json.Marshal(stored)
	if err != nil {
		return fmt.Errorf("write a policy: %w", err)
	}
	_, err = t.q.ExecContext(ctx, `INSERT INTO policies (organization_id, policy, updated_at) VALUES ($1, $2, $3)
		ON CONFLICT (organization_id) DO UPDATE SET policy = excluded.policy, updated_at = excluded.updated_at`, organization, string(text), now.UnixMilli())
	if err != nil {
		return t.fail("store a policy", err)
	}
	t.touchedAll = true // every credential of the organization stands on its addresses
	var withheld []string
	for _, s := range p.Withheld {
		withheld = append(withheld, s.Name)
	}
	_, err = t.q.ExecContext(ctx, `UPDATE organizations SET allowed_addresses = $2, withheld = $3 WHERE id = $1`,
		organization, writeAllowlist(p.AllowedAddresses), strings.Join(withheld, " "))
	if err != nil {
		return t.fail("store what every verification reads of a policy", err)
	}
	return nil
}

// Policy returns the policy of an organization; one that has none asks nothing.
// One that can't be read is an error: nothing is allowed by being lost.
func (r reader) Policy(ctx context.Context, organization uuid.UUID) (*credential.Policy, error) {
	var text sql.NullString
	var addresses string
	var withheld []string
	err := r.q.QueryRowContext(ctx, `SELECT p.policy, o.allowed_addresses, o.withheld FROM organizations o LEFT JOIN policies p ON p.organization_id = o.id WHERE o.id = $1`,
		organization).Scan(&text, &addresses, words{&withheld})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such organization")
	}
	if err != nil {
		return nil, r.fail("read a policy", err)
	}
	p := &credential.Policy{}
	if p.AllowedAddresses, err = readAllowlist(addresses); err != nil {
		return nil, fmt.Errorf("read the addresses of organization %s: %w", organization, err)
	}
	for _, name := range withheld {
		if scheme := r.schemes.ByName(name); scheme != nil { // which may not be declared any more
			p.Withheld = append(p.Withheld, scheme)
		}
	}
	if !text.Valid {
		return p, nil
	}
	var stored storedPolicy
	if err := json.Unmarshal([]byte(text.String), &stored); err != nil {
		return nil, fmt.Errorf("read the policy of organization %s: %w", organization, err)
	}
	p.SuspendUnusedAfter = time.Duration(stored.SuspendUnusedAfter) * time.Second
	for _, s := range stored.Schemes {
		if scheme := r.schemes.ByName(s.Scheme); scheme != nil { // which may not be declared any more
			p.Schemes = append(p.Schemes, credential.SchemePolicy{
				Scheme: scheme, MaxLifetime: time.Duration(s.MaxLifetime) * time.Second, ExpiryRequired: s.ExpiryRequired, IssuedBy: s.IssuedBy,
			})
		}
	}
	return p, nil
}

// Suspending returns the organizations with an id above after that have a
// policy, in order.
func (r reader) Suspending(ctx context.Context, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	targets := func(id *uuid.UUID) []any { return []any{id} }
	return list(ctx, r, selection[uuid.UUID]{"list the policies", targets,
		`SELECT organization_id FROM policies WHERE organization_id > $1 ORDER BY organization_id LIMIT $2`}, after, limit)
}

// Unused is a credential that nobody has used for long.
type Unused struct {
	ID    uuid.UUID
	Name  string
	Since time.Time // its last use, or when it was made or made to work again
}

// UnusedSince returns working credentials of an organization with an id above
// after that nobody has used since a time, in order.
func (r reader) UnusedSince(ctx context.Context, organization, after uuid.UUID, since time.Time, limit int) ([]Unused, error) {
	type row struct {
		Unused
		resumedAt, notBefore, usedAt time.Time
	}
	targets := func(u *row) []any {
		return []any{&u.ID, &u.Name, instant{&u.Since}, instant{&u.resumedAt}, instant{&u.notBefore}, instant{&u.usedAt}}
	}
	rows, err := list(ctx, r, selection[row]{"list unused credentials", targets, `
		SELECT c.id, c.name, c.created_at, c.resumed_at, c.not_before, u.used_at
		FROM credentials c LEFT JOIN credential_uses u ON u.credential_id = c.id
		WHERE c.organization_id = $1 AND c.id > $2 AND c.revoked_at IS NULL AND c.suspended_at IS NULL
			AND c.created_at < $3 AND COALESCE(c.resumed_at, 0) < $3 AND COALESCE(c.not_before, 0) < $3 AND COALESCE(u.used_at, 0) < $3
		ORDER BY c.id LIMIT $4`}, organization, after, since.UnixMilli(), limit)
	out := make([]Unused, len(rows))
	for i, row := range rows {
		for _, at := range []time.Time{row.resumedAt, row.notBefore, row.usedAt} {
			if at.After(row.Since) {
				row.Since = at
			}
		}
		out[i] = row.Unused
	}
	return out, err
}

// NoteResumed remembers since when a credential works again.
func (t *Tx) NoteResumed(ctx context.Context, id uuid.UUID, at time.Time) error {
	if _, err := t.q.ExecContext(ctx, `UPDATE credentials SET resumed_at = $2 WHERE id = $1`, id, at.UnixMilli()); err != nil {
		return t.fail("resume a credential", err)
	}
	return nil
}

// orgAddresses reads the addresses that a policy allows; none where a
// credential belongs to no organization.
func orgAddresses(column sql.NullString, belongs bool) ([]netip.Prefix, error) {
	if !column.Valid && !belongs {
		return nil, nil
	}
	return readAllowlist(column.String)
}
