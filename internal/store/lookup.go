package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// standingColumns are what a standing is read from, out of standingTables.
const standingColumns = `s.generation, s.ends_at, s.unconfirmed, s.takes_over, o.id, o.suspended_at, o.allowed_addresses, o.withheld, o.metered, c.metered, p.organization_id, p.archived_at, u.deactivated_at, m.role, ` +
	organizationLimits + `, ` + projectLimits + `, ` + credentialColumns

const standingTables = `
	FROM secrets s
	JOIN credentials c ON c.id = s.credential_id
	LEFT JOIN organizations o ON o.id = c.organization_id
	LEFT JOIN projects p ON p.id = c.project_id
	LEFT JOIN users u ON u.id = c.user_id
	LEFT JOIN members m ON m.organization_id = c.organization_id AND m.user_id = c.user_id`

const lookupQuery = `SELECT s.lookup_key, ` + standingColumns + standingTables + ` WHERE s.lookup_key = $1`

// Lookup finds the credential that a secret belongs to, and how it and its
// owner stand at this moment. The result is shared: don't change it. An
// unknown key, and a row that can't be read, is credential.NotFound.
func (s *Store) Lookup(ctx context.Context, key credential.LookupKey) (*credential.Standing, error) {
	k := key.Bytes()
	found, ticket := s.cache.get(k)
	if found != nil {
		return found, nil
	}
	found, err := s.lookup(ctx, key)
	if err != nil {
		return nil, err
	}
	if !found.Secret.Unconfirmed { // its first use has to be noted
		s.cache.put(k, found, ticket)
	}
	return found, nil
}

func (s *Store) lookup(ctx context.Context, key credential.LookupKey) (*credential.Standing, error) {
	k := key.Bytes()
	rows, err := s.stmts.lookup.QueryContext(ctx, k[:])
	if err != nil {
		return nil, s.failed("look up a credential", err)
	}
	var stored []byte
	standing, err := s.oneStanding(ctx, rows, &stored)
	if err != nil {
		return nil, err
	}
	if found, ok := credential.LookupKeyFrom(stored); !ok || !found.Equal(key) {
		return nil, s.refuseRow(standing.Credential.ID, errors.New("the row has another lookup key"))
	}
	return standing, nil
}

// refuseRow logs a row that is there and can't be read. It is answered like
// one that isn't there, so that nobody else is harmed.
func (r reader) refuseRow(id uuid.UUID, err error) error {
	r.log.Error("a credential's row is damaged; it is refused", "credential", id, "error", err)
	return credential.NotFound
}

// oneStanding reads the only row that a lookup may find, and closes the rows;
// first are the targets of the columns before standingColumns.
func (r reader) oneStanding(ctx context.Context, rows *sql.Rows, first ...any) (*credential.Standing, error) {
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, r.fail("look up a credential", err)
		}
		return nil, credential.NotFound
	}
	standing, id, err := r.standing(rows, first...)
	if late := cmp.Or(rows.Err(), ctx.Err()); err != nil && late != nil { // not the row's fault
		return nil, r.fail("look up a credential", late)
	}
	if err != nil {
		return nil, r.refuseRow(id, err)
	}
	return standing, nil
}

// Standing finds how a credential stands by one of its secrets, within the
// change, and keeps others from changing it until the change is done.
func (t *Tx) Standing(ctx context.Context, id uuid.UUID, generation int) (*credential.Standing, error) {
	if _, err := t.q.ExecContext(ctx, `UPDATE credentials SET generation = generation WHERE id = $1`, id); err != nil {
		return nil, t.fail("hold a credential", err)
	}
	rows, err := t.q.QueryContext(ctx, `SELECT `+standingColumns+standingTables+` WHERE s.credential_id = $1 AND s.generation = $2`, id, generation)
	if err != nil {
		return nil, t.fail("look up a credential", err)
	}
	return t.oneStanding(ctx, rows)
}

// standing reads a row of standingColumns. An error means that the row itself
// is damaged.
func (r reader) standing(rows *sql.Rows, first ...any) (*credential.Standing, uuid.UUID, error) {
	var (
		out                                    credential.Standing
		row                                    credentialRow
		unconfirmed, takesOver                 int64
		organization, projectOrganization      uuid.NullUUID
		suspendedAt, archivedAt, deactivatedAt time.Time
		role, addresses, withheld              sql.NullString
		metered                                sql.NullBool
		limits                                 storedLimits
		projectRate                            storedRate
	)
	targets := append(first,
		&out.Secret.Generation, instant{&out.Secret.EndsAt}, &unconfirmed, &takesOver, &organization, instant{&suspendedAt}, &addresses, &withheld, &metered, &out.Metered,
		&projectOrganization, instant{&archivedAt}, instant{&deactivatedAt}, &role)
	targets = append(append(targets, limits.targets()...), projectRate.targets()...)
	err := rows.Scan(append(targets, row.targets()...)...)
	if err != nil {
		return nil, row.id, err
	}
	if out.Credential, err = row.credential(r); err != nil {
		return nil, row.id, err
	}
	switch c := out.Credential; {
	case organization.UUID != c.Organization, c.Project != uuid.Nil && projectOrganization.UUID != c.Organization:
		return nil, row.id, errors.New("its owner is not there")
	case out.Secret.EndsAt.IsZero() && out.Secret.Generation != c.Generation:
		return nil, row.id, errors.New("the end of a predecessor is lost")
	}
	if out.OrganizationAddresses, err = orgAddresses(addresses, organization.Valid); err != nil {
		return nil, row.id, err
	}
	if out.OrganizationLimits, err = limits.limits(organization.Valid); err != nil {
		return nil, row.id, err
	}
	if out.ProjectRate, err = projectRate.rate(projectOrganization.Valid); err != nil {
		return nil, row.id, err
	}
	out.Secret.Unconfirmed, out.Secret.TakesOver = unconfirmed != 0, takesOver != 0
	out.Withheld = withheld.String != "" && slices.Contains(strings.Fields(withheld.String), out.Credential.Scheme.Name)
	out.OrganizationMetered = metered.Bool
	out.OrganizationActive, out.ProjectActive = suspendedAt.IsZero(), archivedAt.IsZero()
	if role.Valid && deactivatedAt.IsZero() {
		out.Role = credential.Role(role.String)
	}
	return &out, row.id, nil
}

// OwnerOf finds whose secret has a lookup key, whatever is wrong with it.
func (r reader) OwnerOf(ctx context.Context, key credential.LookupKey) (id uuid.UUID, err error) {
	k := key.Bytes()
	err = r.q.QueryRowContext(ctx, `SELECT c.id FROM secrets s JOIN credentials c ON c.id = s.credential_id WHERE s.lookup_key = $1`, k[:]).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return id, credential.NotFound
	}
	if err != nil {
		return id, r.fail("find the owner of a secret", err)
	}
	return id, nil
}

// Confirm notes that an unconfirmed secret has been used, so that no repeat of
// the call that made it can replace it any more. It reports false when such a
// repeat came first.
func (s *Store) Confirm(ctx context.Context, key credential.LookupKey) (bool, error) {
	if err := s.room(); err != nil {
		return false, err
	}
	k := key.Bytes()
	result, err := s.write.ExecContext(ctx, `UPDATE secrets SET unconfirmed = 0 WHERE lookup_key = $1 AND unconfirmed = 1 AND ends_at IS NULL`, k[:])
	if err != nil {
		return false, s.failed("confirm a secret", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// NewSecret is a secret to store: its lookup key and what is kept beside it.
type NewSecret struct {
	Key        credential.LookupKey
	KeyVersion int
	// Imported means that another system made the secret, and that Key is its
	// import key: nothing else is known of it yet.
	Imported bool
	credential.SecretInfo
}

// InsertSecret adds the next secret of a credential.
func (t *Tx) InsertSecret(ctx context.Context, id uuid.UUID, n NewSecret) error {
	k := n.Key.Bytes()
	var imported any
	if n.Imported {
		imported, t.imports = k[:], true
	}
	_, err := t.q.ExecContext(ctx, `
		INSERT INTO secrets (lookup_key, credential_id, generation, key_version, fingerprint, hint, created_at, ends_at, unconfirmed, takes_over, import_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8, $9, $10)`,
		k[:], id, n.Generation, n.KeyVersion, n.Fingerprint, n.Hint, n.CreatedAt.UnixMilli(), flag(n.Unconfirmed), flag(n.TakesOver), imported)
	if err != nil {
		return t.fail("store a secret", err)
	}
	return nil
}

// flag is a truth value as it is stored.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TakeOver ends the secrets of a credential before one that was to end them
// when it is used first. It reports false where that has been done.
func (t *Tx) TakeOver(ctx context.Context, id uuid.UUID, generation int, at time.Time) (bool, error) {
	if err := t.touch(ctx, id); err != nil {
		return false, err
	}
	result, err := t.q.ExecContext(ctx, `
		UPDATE secrets SET takes_over = 0, unconfirmed = 0
		WHERE credential_id = $1 AND generation = $2 AND takes_over = 1 AND ends_at IS NULL`, id, generation)
	if err != nil {
		return false, t.fail("note the first use of a secret", err)
	}
	if n, err := result.RowsAffected(); n == 0 || err != nil {
		return false, err
	}
	return true, t.EndSecrets(ctx, id, generation, at)
}

// EndSecrets makes every secret of a credential older than generation end at
// a time, unless it ends sooner.
func (t *Tx) EndSecrets(ctx context.Context, id uuid.UUID, generation int, at time.Time) error {
	_, err := t.q.ExecContext(ctx, `
		UPDATE secrets SET ends_at = $3, unconfirmed = 0, takes_over = 0
		WHERE credential_id = $1 AND generation < $2 AND (ends_at IS NULL OR ends_at > $3)`, id, generation, at.UnixMilli())
	if err != nil {
		return t.fail("end a secret", err)
	}
	return nil
}

// EndUnseen ends the current secret of a credential, if nobody has used it
// yet. It reports false when somebody has.
func (t *Tx) EndUnseen(ctx context.Context, id uuid.UUID, generation int, at time.Time) (bool, error) {
	result, err := t.q.ExecContext(ctx, `
		UPDATE secrets SET ends_at = $3, unconfirmed = 0, takes_over = 0
		WHERE credential_id = $1 AND generation = $2 AND unconfirmed = 1 AND ends_at IS NULL`, id, generation, at.UnixMilli())
	if err != nil {
		return false, t.fail("replace a secret that nobody saw", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// Secrets returns the secrets of a credential that are current or were ended
// after a time, the newest first.
func (r reader) Secrets(ctx context.Context, id uuid.UUID, after time.Time) ([]credential.SecretInfo, error) {
	rows, err := r.q.QueryContext(ctx, `
		SELECT generation, fingerprint, hint, created_at, ends_at, unconfirmed, takes_over FROM secrets
		WHERE credential_id = $1 AND (ends_at IS NULL OR ends_at > $2) ORDER BY generation DESC LIMIT 3`, id, after.UnixMilli())
	if err != nil {
		return nil, r.fail("read secrets", err)
	}
	defer rows.Close()
	var list []credential.SecretInfo
	for rows.Next() {
		var s credential.SecretInfo
		if err := rows.Scan(&s.Generation, &s.Fingerprint, &s.Hint, instant{&s.CreatedAt}, instant{&s.EndsAt}, &s.Unconfirmed, &s.TakesOver); err != nil {
			return nil, r.fail("read secrets", err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		return nil, r.fail("read secrets", err)
	}
	return list, nil
}
