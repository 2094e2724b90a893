package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

const credentialColumns = `c.id, c.organization_id, c.user_id, c.project_id, c.owner, c.scheme, c.name, c.client_id, c.scopes,
	c.allowed_addresses, c.rate_limit, c.generation, c.keys_version, c.created_at, c.created_by, c.not_before, c.expires_at, c.suspended_at, c.revoked_at`

// credentialRow is a row of credentials as it stands in the database.
type credentialRow struct {
	id                                              uuid.UUID
	organization, user, project                     uuid.NullUUID
	owner, scheme, name, scopes, allowed, by        string
	client                                          sql.NullString
	rate, generation, keys                          int64
	created, notBefore, expires, revoked, suspended time.Time
}

func (r *credentialRow) targets() []any {
	return []any{
		&r.id, &r.organization, &r.user, &r.project, &r.owner, &r.scheme, &r.name, &r.client, &r.scopes, &r.allowed, &r.rate, &r.generation, &r.keys,
		instant{&r.created}, &r.by, instant{&r.notBefore}, instant{&r.expires}, instant{&r.suspended}, instant{&r.revoked},
	}
}

// credential turns the row into a record. A row that says something impossible
// is an error, so that it never means more than it should.
func (r *credentialRow) credential(from reader) (*credential.Credential, error) {
	c := &credential.Credential{
		ID: r.id, Name: r.name, Scheme: from.schemes.ByName(r.scheme),
		Organization: r.organization.UUID, User: r.user.UUID, Project: r.project.UUID, ClientID: r.client.String,
		RateLimit: int(r.rate), Generation: int(r.generation), KeysVersion: int(r.keys), CreatedAt: r.created, CreatedBy: from.texts.text(r.by),
		NotBefore: r.notBefore, ExpiresAt: r.expires, SuspendedAt: r.suspended, RevokedAt: r.revoked,
	}
	switch {
	case c.Scheme == nil:
		return nil, fmt.Errorf("the scheme %.40q is not declared", r.scheme)
	case !utf8.ValidString(r.name) || utf8.RuneCountInString(r.name) > 100 || r.name == "":
		return nil, errors.New("the name is not a name")
	case r.organization.Valid != (c.Organization != uuid.Nil), r.user.Valid != (c.User != uuid.Nil), r.project.Valid != (c.Project != uuid.Nil):
		return nil, errors.New("an owner has the nil id")
	case r.owner != ownerOf(c), !ownedAsDeclared(c):
		return nil, fmt.Errorf("its owner is not the %s that scheme %s wants", c.Scheme.Owner, c.Scheme.Name)
	case c.Scheme.Expiry == credential.ExpiryRequired && c.ExpiresAt.IsZero():
		return nil, fmt.Errorf("scheme %s needs an expiry", c.Scheme.Name)
	}
	c.Scopes = from.texts.scopes(r.scopes)
	var err error
	if c.AllowedAddresses, err = readAllowlist(r.allowed); err != nil {
		return nil, fmt.Errorf("the address allowlist can't be read: %w", err)
	}
	c.Resolve()
	return c, nil
}

// anywhere stands in the column of a credential that has no allowlist.
const anywhere = "*"

func readAllowlist(column string) (list []netip.Prefix, err error) {
	if column == anywhere {
		return nil, nil
	}
	for text := range strings.FieldsSeq(column) {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		list = append(list, prefix)
	}
	if len(list) == 0 {
		return nil, errors.New("it is empty")
	}
	return list, nil
}

func writeAllowlist(list []netip.Prefix) string { return cmp.Or(joined(list), anywhere) }

// ownerOf is the column that repeats what sort of owner a credential has.
func ownerOf(c *credential.Credential) string {
	switch {
	case c.User != uuid.Nil:
		return "user"
	case c.Project != uuid.Nil:
		return "project"
	case c.Organization != uuid.Nil:
		return "organization"
	}
	return "installation"
}

// ownedAsDeclared reports whether the owner is of the type the scheme wants.
func ownedAsDeclared(c *credential.Credential) bool {
	user, project := c.User != uuid.Nil, c.Project != uuid.Nil
	switch c.Scheme.Owner {
	case credential.OwnedByUser:
		return user && !project
	case credential.OwnedByProject:
		return project && !user
	}
	return !user && !project && (c.Organization != uuid.Nil || c.Scheme.Installation)
}

// InsertCredential stores a new credential. Its secret comes separately.
func (t *Tx) InsertCredential(ctx context.Context, c *credential.Credential) error {
	_, err := t.q.ExecContext(ctx, `
		INSERT INTO credentials (id, organization_id, user_id, project_id, owner, scheme, name, client_id, scopes, allowed_addresses,
			rate_limit, generation, created_at, created_by, not_before, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		c.ID, nullable(c.Organization), nullable(c.User), nullable(c.Project), ownerOf(c), c.Scheme.Name, c.Name, optional(c.ClientID),
		joined(c.Scopes), writeAllowlist(c.AllowedAddresses), c.RateLimit, c.Generation, c.CreatedAt.UnixMilli(), c.CreatedBy,
		stamp(c.NotBefore), stamp(c.ExpiresAt))
	if err != nil {
		return t.fail("store a credential", err)
	}
	return nil
}

// UpdateCredential stores what may change of a credential, and makes the cache
// forget it. A revoked credential never changes: that is credential.Conflict.
func (t *Tx) UpdateCredential(ctx context.Context, c *credential.Credential) error {
	if err := t.touch(ctx, c.ID); err != nil {
		return err
	}
	result, err := t.q.ExecContext(ctx, `
		UPDATE credentials SET name = $2, allowed_addresses = $3, rate_limit = $4, generation = $5, expires_at = $6,
			suspended_at = $7, revoked_at = $8
		WHERE id = $1 AND revoked_at IS NULL`,
		c.ID, c.Name, writeAllowlist(c.AllowedAddresses), c.RateLimit, c.Generation, stamp(c.ExpiresAt), stamp(c.SuspendedAt), stamp(c.RevokedAt))
	if err != nil {
		return t.fail("change a credential", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(credential.Errorf(credential.Conflict, "the credential is revoked"), err)
	}
	return nil
}

// RevokeCredentialsOf revokes all that a user has in an organization, and
// returns what it ended.
func (t *Tx) RevokeCredentialsOf(ctx context.Context, organization, user uuid.UUID, at time.Time) ([]uuid.UUID, error) {
	t.touchedAll = true
	return list(ctx, t.reader, selection[uuid.UUID]{"revoke the credentials of a user", func(id *uuid.UUID) []any { return []any{id} },
		`UPDATE credentials SET revoked_at = $3 WHERE organization_id = $1 AND user_id = $2 AND revoked_at IS NULL RETURNING id`},
		organization, user, at.UnixMilli())
}

// joined writes a list into one column, separated by spaces.
func joined[T any](list []T) string {
	var b strings.Builder
	for i, item := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprint(&b, item)
	}
	return b.String()
}

// CredentialIn finds a credential by id within an organization, or anywhere
// when organization is Nil. Another organization's is credential.NotFound.
func (r reader) CredentialIn(ctx context.Context, organization, id uuid.UUID) (*credential.Credential, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT `+credentialColumns+` FROM credentials c
		WHERE c.id = $1 AND (CAST($2 AS TEXT) = '' OR c.organization_id = $3)`, id, textOf(organization), nullable(organization))
	if err != nil {
		return nil, r.fail("read a credential", err)
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, r.fail("read a credential", err)
		}
		return nil, credential.Errorf(credential.NotFound, "no such credential")
	}
	var row credentialRow
	if err := rows.Scan(row.targets()...); err != nil {
		if late := cmp.Or(rows.Err(), ctx.Err()); late != nil { // not the row's fault
			return nil, r.fail("read a credential", late)
		}
		return nil, damaged(id, err)
	}
	c, err := row.credential(r)
	if err != nil {
		return nil, damaged(id, err)
	}
	return c, nil
}

// damaged is the error of a credential whose record says something impossible.
func damaged(id uuid.UUID, cause error) error {
	return fmt.Errorf("credential %s: %w (%w)", id, credential.Errorf(credential.Damaged, "the record of this credential can't be read; it can only be revoked"), cause)
}

// Damaged is what is known of a credential whose record can't be read.
type Damaged struct {
	Organization uuid.UUID // Nil when it has none, or one that isn't there
	Revoked      bool
}

// DamagedIn finds a credential that CredentialIn can't read.
func (r reader) DamagedIn(ctx context.Context, organization, id uuid.UUID) (d Damaged, err error) {
	var found uuid.NullUUID
	err = r.q.QueryRowContext(ctx, `
		SELECT o.id, c.revoked_at IS NOT NULL FROM credentials c LEFT JOIN organizations o ON o.id = c.organization_id
		WHERE c.id = $1 AND (CAST($2 AS TEXT) = '' OR c.organization_id = $3)`, id, textOf(organization), nullable(organization)).Scan(&found, &d.Revoked)
	if errors.Is(err, sql.ErrNoRows) {
		return d, credential.Errorf(credential.NotFound, "no such credential")
	}
	if err != nil {
		return d, r.fail("read a damaged credential", err)
	}
	d.Organization = found.UUID
	return d, nil
}

// RevokeDamaged revokes a credential without reading its record.
func (t *Tx) RevokeDamaged(ctx context.Context, id uuid.UUID, at time.Time) error {
	if err := t.touch(ctx, id); err != nil {
		return err
	}
	_, err := t.q.ExecContext(ctx, `UPDATE credentials SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL`, id, at.UnixMilli())
	if err != nil {
		return t.fail("revoke a damaged credential", err)
	}
	return nil
}

func textOf(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

// CountCredentials counts the credentials of an organization that are not
// revoked and whose scheme is one of the named.
func (t *Tx) CountCredentials(ctx context.Context, organization uuid.UUID, schemes []string) (n int, err error) {
	for _, scheme := range schemes {
		var some int
		err := t.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM credentials WHERE organization_id = $1 AND scheme = $2 AND revoked_at IS NULL`,
			organization, scheme).Scan(&some)
		if err != nil {
			return 0, t.fail("count credentials", err)
		}
		n += some
	}
	return n, nil
}

// Filter chooses credentials for a list. Zero fields choose everything.
type Filter struct {
	Organization, User, Project uuid.UUID
	Scheme                      string
	Fingerprint                 string // of a secret that it ever had
	Text                        string // in the name, the hint or the client id
	State                       credential.State
	Kept                        bool      // without those that are revoked
	Before                      uuid.UUID // the last id of the page before
	Limit                       int
	Now                         time.Time
}

// Listed is a credential in a list, with what people look for there. Damaged
// says why the record itself can't be read; then only its id is known, and
// whether it was revoked.
type Listed struct {
	Credential *credential.Credential
	ID         uuid.UUID
	Hint       string
	Print      string // the fingerprint of the current secret
	Use        credential.Use
	Damaged    error
	Revoked    bool
}

// ListCredentials returns credentials, the newest first. A row whose very id
// can't be read is left out, and logged.
func (r reader) ListCredentials(ctx context.Context, f Filter) ([]Listed, error) {
	for want := f.Limit; ; {
		list, left, err := r.listCredentials(ctx, f)
		if err != nil || left == 0 || len(list)+left < f.Limit || len(list) >= want {
			return list[:min(len(list), want)], err
		}
		f.Limit = want + left
	}
}

// listCredentials is ListCredentials up to the limit of rows. It counts those
// that it left out: damaged ones that have no id, or not the state asked for.
func (r reader) listCredentials(ctx context.Context, f Filter) (list []Listed, left int, err error) {
	query, args := f.sql()
	rows, err := r.q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, 0, r.fail("list credentials", err)
	}
	defer rows.Close()
	for rows.Next() {
		item := r.listed(rows)
		if late := cmp.Or(rows.Err(), ctx.Err()); late != nil {
			return nil, 0, r.fail("list credentials", late)
		}
		if item.Damaged != nil && f.State != "" && (f.State != credential.Revoked || !item.Revoked) {
			left++ // in no such state
			continue
		}
		if item.ID == uuid.Nil {
			r.log.Error("a credential's row is damaged and has no id; it is refused", "error", item.Damaged)
			left++
			continue
		}
		list = append(list, item)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, r.fail("list credentials", err)
	}
	return list, left, nil
}

func (r reader) listed(rows *sql.Rows) Listed {
	var hint, print, address, agent sql.NullString
	var use credential.Use
	item := r.recorded(rows, &hint, &print, instant{&use.At}, &address, &agent, &use.Requests)
	item.Hint, item.Print, item.Use, item.Use.UserAgent = hint.String, print.String, use, agent.String
	item.Use.Address, _ = netip.ParseAddr(address.String) // invalid when unknown
	return item
}

// recorded reads a row of credentialColumns, with the targets of those behind.
func (r reader) recorded(rows *sql.Rows, more ...any) (item Listed) {
	var row credentialRow
	targets := append(row.targets(), more...)
	if item.Damaged = rows.Scan(targets...); item.Damaged != nil {
		item.ID, item.Revoked = salvage(rows, len(targets))
		return item
	}
	item.ID, item.Revoked = row.id, !row.revoked.IsZero()
	item.Credential, item.Damaged = row.credential(r)
	return item
}

// salvage reads from a damaged row what is needed to do something about it:
// its id, Nil if that is damaged too, and whether it was revoked.
func salvage(rows *sql.Rows, columns int) (id uuid.UUID, revoked bool) {
	targets := make([]any, columns)
	for i := range targets {
		targets[i] = new(any)
	}
	targets[0] = &id
	if err := rows.Scan(targets...); err != nil {
		return uuid.Nil, false
	}
	last := len((&credentialRow{}).targets()) - 1 // revoked_at
	return id, *targets[last].(*any) != nil
}

// sql writes the query of a filter. Only listed conditions can occur, and
// every value is an argument.
func (f Filter) sql() (string, []any) {
	var where strings.Builder
	var args []any
	and := func(condition string, arg any) {
		args = append(args, arg)
		fmt.Fprintf(&where, " AND "+strings.ReplaceAll(condition, "?", "$%[1]d"), len(args))
	}
	if f.Organization != uuid.Nil {
		and("c.organization_id = ?", f.Organization)
	}
	if f.User != uuid.Nil {
		and("c.user_id = ?", f.User)
	}
	if f.Project != uuid.Nil {
		and("c.project_id = ?", f.Project)
	}
	if f.Scheme != "" {
		and("c.scheme = ?", f.Scheme)
	}
	if f.Fingerprint != "" {
		and("c.id IN (SELECT credential_id FROM secrets WHERE fingerprint = ?)", f.Fingerprint)
	}
	if f.Text != "" {
		and("LOWER(c.name || ' ' || COALESCE(s.hint, '') || ' ' || COALESCE(c.client_id, '')) LIKE ? ESCAPE '!'", containing(f.Text))
	}
	if f.Before != uuid.Nil {
		and("c.id < ?", f.Before)
	}
	switch now := f.Now.UnixMilli(); f.State {
	case credential.Revoked:
		where.WriteString(" AND c.revoked_at IS NOT NULL")
	case credential.Expired:
		and("c.revoked_at IS NULL AND c.expires_at <= ?", now)
	case credential.Suspended:
		and("c.revoked_at IS NULL AND c.suspended_at IS NOT NULL AND (c.expires_at IS NULL OR c.expires_at > ?)", now)
	case credential.Active:
		and("c.revoked_at IS NULL AND c.suspended_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > ?)", now)
	}
	if f.Kept {
		where.WriteString(" AND c.revoked_at IS NULL")
	}
	args = append(args, f.Limit)
	return fmt.Sprintf(`
		SELECT %s, s.hint, s.fingerprint, x.used_at, x.address, x.user_agent, COALESCE(x.requests, 0)
		FROM credentials c
		LEFT JOIN secrets s ON s.credential_id = c.id AND s.generation = c.generation
		LEFT JOIN credential_uses x ON x.credential_id = c.id
		WHERE 1 = 1%s ORDER BY c.id DESC LIMIT $%d`, credentialColumns, where.String(), len(args)), args
}
