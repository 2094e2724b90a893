package store

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Provider is the OpenID Connect provider by which the people of an organization
// sign in.
type Provider struct {
	Organization     uuid.UUID
	Issuer, ClientID string
	Domains          []string // of the addresses that it vouches for, in order
	Role             credential.Role
	AdmitNew         bool // whether it lets people in who are no members yet
	Active           bool
	CreatedAt        time.Time
	UpdatedAt        time.Time

	secret []byte // sealed
}

const providerColumns = `p.organization_id, p.issuer, p.client_id, p.role, p.admit_new, p.active, p.created_at, p.updated_at, p.secret`

func (p *Provider) targets() []any {
	return []any{&p.Organization, &p.Issuer, &p.ClientID, &p.Role, &p.AdmitNew, &p.Active, instant{&p.CreatedAt}, instant{&p.UpdatedAt}, &p.secret}
}

// providerRow names the row that a secret is sealed for.
func providerRow(id string) string { return "providers " + id + " secret" }

// ProviderSecret opens the secret of our client at a provider.
func (s *Store) ProviderSecret(p *Provider) (credential.Secret, error) {
	text, err := s.root.Open(providerRow(p.Organization.String()), p.secret)
	return credential.NewSecret(string(text)), err
}

// SealProvider gives a provider the secret of our client there. It is stored by
// SetProvider.
func (t *Tx) SealProvider(random io.Reader, p *Provider, secret credential.Secret) (err error) {
	p.secret, err = t.s.root.Seal(random, providerRow(p.Organization.String()), []byte(secret.Reveal()))
	return err
}

// SealProviderAnew keeps the secret of before, sealed by the present root key.
func (t *Tx) SealProviderAnew(random io.Reader, before, p *Provider) (err error) {
	p.secret, err = t.s.sealedAnew(random, providerRow(p.Organization.String()), before.secret)
	return err
}

// SetProvider stores the provider of an organization, whose secret was sealed
// just now, in the place of one before. A domain that another organization has
// is credential.Conflict.
func (t *Tx) SetProvider(ctx context.Context, p *Provider) error {
	_, err := t.q.ExecContext(ctx, `
		INSERT INTO providers (organization_id, issuer, client_id, secret, key_version, role, admit_new, active, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (organization_id) DO UPDATE SET issuer = excluded.issuer, client_id = excluded.client_id, secret = excluded.secret,
			key_version = excluded.key_version, role = excluded.role, admit_new = excluded.admit_new, active = excluded.active, updated_at = excluded.updated_at`,
		p.Organization, p.Issuer, p.ClientID, p.secret, t.s.root.Version(), p.Role, bit(p.AdmitNew), bit(p.Active), p.CreatedAt.UnixMilli(), p.UpdatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a provider", err)
	}
	if _, err := t.q.ExecContext(ctx, `DELETE FROM provider_domains WHERE organization_id = $1`, p.Organization); err != nil {
		return t.fail("replace the domains of a provider", err)
	}
	for _, domain := range p.Domains {
		if _, err := t.q.ExecContext(ctx, `INSERT INTO provider_domains (domain, organization_id) VALUES ($1, $2)`, domain, p.Organization); err != nil {
			return t.fail("store a domain of a provider", err)
		}
	}
	return nil
}

// DeleteProvider takes the provider of an organization away, and with it who is
// who there.
func (t *Tx) DeleteProvider(ctx context.Context, organization uuid.UUID) error {
	if _, err := t.q.ExecContext(ctx, `DELETE FROM providers WHERE organization_id = $1`, organization); err != nil {
		return t.fail("delete a provider", err)
	}
	return nil
}

// Provider finds the provider of an organization.
func (r reader) Provider(ctx context.Context, organization uuid.UUID) (*Provider, error) {
	var p Provider
	err := r.q.QueryRowContext(ctx, `SELECT `+providerColumns+` FROM providers p WHERE p.organization_id = $1`, organization).Scan(p.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "the organization has no provider")
	}
	if err != nil {
		return nil, r.fail("find a provider", err)
	}
	p.Domains, err = list(ctx, r, selection[string]{"list the domains of a provider", func(s *string) []any { return []any{s} },
		`SELECT domain FROM provider_domains WHERE organization_id = $1 ORDER BY domain LIMIT $2`}, organization, 100)
	return &p, err
}

// ProviderOf finds the one organization in service whose active provider a
// domain leads to, or which has a slug or a name. Of several none is found.
func (r reader) ProviderOf(ctx context.Context, domain, named string) (uuid.UUID, error) {
	found, err := list(ctx, r, selection[uuid.UUID]{"look for a provider", idTarget, `
		SELECT o.id FROM providers p JOIN organizations o ON o.id = p.organization_id
		WHERE p.active = 1 AND o.suspended_at IS NULL AND o.deleted_at IS NULL
			AND (o.slug = $2 OR o.name = $2 OR o.id IN (SELECT organization_id FROM provider_domains WHERE domain = $1))
		ORDER BY o.id LIMIT $3`}, domain, named, 2)
	if err == nil && len(found) != 1 {
		err = credential.Errorf(credential.NotFound, "the organization has no provider")
	}
	if err != nil {
		return uuid.Nil, err
	}
	return found[0], nil
}

// ProviderLink is somebody whom the provider of an organization knows.
type ProviderLink struct {
	User             uuid.UUID
	Email, Name      string
	Member           bool // whether they are a member still
	Issuer, Subject  string
	LinkedAt, UsedAt time.Time
}

func (l *ProviderLink) targets() []any {
	return []any{&l.User, &l.Email, &l.Name, &l.Member, &l.Issuer, &l.Subject, instant{&l.LinkedAt}, instant{&l.UsedAt}}
}

const providerLinks = `SELECT l.user_id, u.email, u.name,
	EXISTS (SELECT 1 FROM members m WHERE m.organization_id = l.organization_id AND m.user_id = l.user_id), l.issuer, l.subject, l.linked_at, l.used_at
	FROM provider_links l JOIN users u ON u.id = l.user_id WHERE l.organization_id = $1 AND `

// ProviderLinks returns whom the provider of an organization knows, with a user
// id above after.
func (r reader) ProviderLinks(ctx context.Context, organization, after uuid.UUID, limit int) ([]ProviderLink, error) {
	return list(ctx, r, selection[ProviderLink]{"list whom a provider knows", (*ProviderLink).targets,
		providerLinks + `l.user_id > $2 ORDER BY l.user_id LIMIT $3`}, organization, after, limit)
}

// ProviderLinkOf finds how the provider of an organization knows a user; nil for
// not at all.
func (r reader) ProviderLinkOf(ctx context.Context, organization, user uuid.UUID) (*ProviderLink, error) {
	return r.providerLink(ctx, `l.user_id = $2`, organization, user)
}

// ProviderLinkBy finds whom the provider of an organization calls by a subject;
// nil for nobody.
func (r reader) ProviderLinkBy(ctx context.Context, organization uuid.UUID, issuer, subject string) (*ProviderLink, error) {
	return r.providerLink(ctx, `l.issuer = $2 AND l.subject = $3`, organization, issuer, subject)
}

func (r reader) providerLink(ctx context.Context, where string, args ...any) (*ProviderLink, error) {
	var l ProviderLink
	err := r.q.QueryRowContext(ctx, providerLinks+where, args...).Scan(l.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, r.fail("find whom a provider knows", err)
	}
	return &l, nil
}

// KnowByProvider notes that the provider of an organization calls a user by a
// subject, and when it did so last.
func (t *Tx) KnowByProvider(ctx context.Context, organization uuid.UUID, l *ProviderLink) error {
	_, err := t.q.ExecContext(ctx, `
		INSERT INTO provider_links (organization_id, issuer, subject, user_id, linked_at, used_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (organization_id, issuer, subject) DO UPDATE SET used_at = excluded.used_at`,
		organization, l.Issuer, l.Subject, l.User, l.LinkedAt.UnixMilli(), l.UsedAt.UnixMilli())
	if err != nil {
		return t.fail("note whom a provider knows", err)
	}
	return nil
}

// ForgetProviderLinks deletes by whom the provider of an organization knows a
// user, or (Nil) anybody.
func (t *Tx) ForgetProviderLinks(ctx context.Context, organization, user uuid.UUID) error {
	_, err := t.q.ExecContext(ctx, `DELETE FROM provider_links WHERE organization_id = $1 AND (user_id = $2 OR $3)`, organization, user, user == uuid.Nil)
	if err != nil {
		return t.fail("forget whom a provider knows", err)
	}
	return nil
}

// EndProviderSessions ends the live sessions that the provider of an organization
// began: of one user, or (Nil) of all. It returns those that it ended.
func (t *Tx) EndProviderSessions(ctx context.Context, organization, user uuid.UUID, at time.Time) ([]uuid.UUID, error) {
	t.touchedAll = true
	return every(ctx, t.reader, selection[uuid.UUID]{"end the sessions of a provider", idTarget, `
		UPDATE sessions SET ended_at = $3, answer = NULL
		WHERE organization_id = $1 AND ended_at IS NULL AND ends_at > $3 AND (user_id = $2 OR $4) RETURNING id`},
		organization, user, at.UnixMilli(), user == uuid.Nil)
}

// SessionPlace returns the only organization that a session reaches; Nil for one
// that reaches all of its user's.
func (r reader) SessionPlace(ctx context.Context, session uuid.UUID) (organization uuid.UUID, err error) {
	var place uuid.NullUUID
	if err := r.q.QueryRowContext(ctx, `SELECT organization_id FROM sessions WHERE id = $1`, session).Scan(&place); err != nil {
		return uuid.Nil, r.fail("ask where a session reaches", err)
	}
	return place.UUID, nil
}
