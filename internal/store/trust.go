package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// TrustRule is a credential of a project without a secret, and what an identity
// token must say to be traded for an access token that stands on it.
type TrustRule struct {
	Credential *credential.Credential
	Trust      credential.Trust
	Project    ProjectRef // all three ways to name it

	row        credentialRow
	issuer     string
	repository string
}

const trustColumns = credentialColumns + `, t.issuer, t.repository, p.number, p.organization_number, t.conditions`

const trustTables = ` FROM trust_rules t JOIN credentials c ON c.id = t.credential_id JOIN projects p ON p.id = c.project_id `

// trustScan reads the conditions of a rule, the last of its columns: what could
// let in more than a rule may is no rule, nor is one whose credential is none.
type trustScan struct {
	*TrustRule
	from reader
}

// Scan implements sql.Scanner.
func (t trustScan) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("the conditions of a trust rule are kept as a text, not %T", src)
	}
	if err := json.Unmarshal([]byte(text), &t.Trust, json.RejectUnknownMembers(true)); err != nil {
		return errors.New("the conditions of a trust rule are no JSON of ours")
	}
	if err := t.Trust.Check(); err != nil {
		return err
	}
	c, err := t.row.credential(t.from)
	switch {
	case err != nil:
		return err
	case c.Scheme.Kind != credential.TrustRule:
		return errors.New("the credential of a trust rule is of another scheme")
	case t.issuer != t.Trust.Issuer, t.repository != t.Trust.Repository:
		return errors.New("a trust rule is found by what it doesn't say")
	}
	t.Credential, t.Project.ID = c, c.Project
	return nil
}

// trustRules reads rules; one that says something impossible is logged and left
// out.
func (r reader) trustRules(ctx context.Context, op, where string, args ...any) (rules []TrustRule, err error) {
	targets := func(t *TrustRule) []any {
		return append(t.row.targets(), &t.issuer, &t.repository, &t.Project.Number, &t.Project.OrganizationNumber, trustScan{t, r})
	}
	return list(ctx, r, selection[TrustRule]{op, targets, `SELECT ` + trustColumns + trustTables + where}, args...)
}

// TrustRules returns the rules of a project with an id above after, in order.
func (r reader) TrustRules(ctx context.Context, project, after uuid.UUID, limit int) ([]TrustRule, error) {
	return r.trustRules(ctx, "list trust rules", `WHERE c.project_id = $1 AND c.revoked_at IS NULL AND t.credential_id > $2 ORDER BY t.credential_id LIMIT $3`,
		project, after, limit)
}

// TrustRule finds a rule of a project.
func (r reader) TrustRule(ctx context.Context, project, id uuid.UUID) (*TrustRule, error) {
	found, err := r.trustRules(ctx, "find a trust rule", `WHERE c.project_id = $1 AND c.revoked_at IS NULL AND t.credential_id = $2`, project, id)
	if err == nil && len(found) == 0 {
		err = credential.Errorf(credential.NotFound, "no such trust rule")
	}
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}

// TrustSearch chooses the rules that may let an identity token in.
type TrustSearch struct {
	Issuer       string
	Repositories [2]string   // what the token may mean; rules for none are found as well
	Project      *ProjectRef // nil: of any
	Limit        int
}

// TrustRulesFor returns the rules that may let an identity token in, the oldest
// first.
func (r reader) TrustRulesFor(ctx context.Context, s TrustSearch) ([]TrustRule, error) {
	var ref ProjectRef
	if s.Project != nil {
		ref = *s.Project
	}
	return r.trustRules(ctx, "look for trust rules", `
		WHERE t.issuer = $1 AND t.repository IN ($2, $3, '') AND c.revoked_at IS NULL AND p.deleted_at IS NULL
			AND (CAST($4 AS TEXT) = '' OR p.id = $5) AND ($6 = 0 OR p.number = $6) AND ($7 = 0 OR p.organization_number = $7)
		ORDER BY t.credential_id LIMIT $8`,
		s.Issuer, s.Repositories[0], s.Repositories[1], textOf(ref.ID), nullable(ref.ID), ref.Number, ref.OrganizationNumber, s.Limit)
}

// Trusts reports whether a rule names an issuer.
func (r reader) Trusts(ctx context.Context, issuer string) (trusts bool, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM trust_rules t JOIN credentials c ON c.id = t.credential_id
		WHERE t.issuer = $1 AND c.revoked_at IS NULL)`, issuer).Scan(&trusts)
	if err != nil {
		return false, r.fail("look for an issuer", err)
	}
	return trusts, nil
}

// CountTrustRules returns how many rules a project has.
func (t *Tx) CountTrustRules(ctx context.Context, project uuid.UUID) (n int, err error) {
	err = t.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM credentials WHERE project_id = $1 AND scheme = $2 AND revoked_at IS NULL`,
		project, credential.TrustScheme().Name).Scan(&n)
	if err != nil {
		return 0, t.fail("count trust rules", err)
	}
	return n, nil
}

// InsertTrustRule stores what a token must say for a credential that was just
// stored. In place of a secret it has a lookup key that is random: of no text.
func (t *Tx) InsertTrustRule(ctx context.Context, c *credential.Credential, trust *credential.Trust, key [32]byte) error {
	text, err := json.Marshal(trust, json.Deterministic(true))
	if err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `INSERT INTO trust_rules (credential_id, issuer, repository, conditions) VALUES ($1, $2, $3, $4)`,
		c.ID, trust.Issuer, trust.Repository, string(text))
	if err != nil {
		return t.fail("store a trust rule", err)
	}
	return t.insertNoSecret(ctx, c, key)
}

// UpdateTrustRule stores what a token must say from now on. The credential, whose
// generation was raised, has been stored: what was let in before ends.
func (t *Tx) UpdateTrustRule(ctx context.Context, c *credential.Credential, trust *credential.Trust, key [32]byte) error {
	text, err := json.Marshal(trust, json.Deterministic(true))
	if err != nil {
		return err
	}
	if _, err = t.q.ExecContext(ctx, `UPDATE trust_rules SET conditions = $2 WHERE credential_id = $1`, c.ID, string(text)); err != nil {
		return t.fail("change a trust rule", err)
	}
	return t.insertNoSecret(ctx, c, key)
}

// noFingerprint is what stands where the fingerprint of a secret would.
const noFingerprint = "--------"

func (t *Tx) insertNoSecret(ctx context.Context, c *credential.Credential, key [32]byte) error {
	lookup, ok := credential.LookupKeyFrom(key[:])
	if !ok {
		return errors.New("a lookup key of another size")
	}
	return t.InsertSecret(ctx, c.ID, NewSecret{Key: lookup, KeyVersion: t.s.root.Version(), SecretInfo: credential.SecretInfo{
		Generation: c.Generation, Fingerprint: noFingerprint, Hint: "trust rule", CreatedAt: c.CreatedAt,
	}})
}
