package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
)

// RootKey is a root key that the database knows, by its identity.
type RootKey struct {
	Version  int
	Identity string
	Retired  bool
}

// rootKeys are all of them, the newest first.
type rootKeys []RootKey

const retiredKey = "retired "

func rootKeyName(version int) string { return "root_key_" + strconv.Itoa(version) }

// newest is the identity of the newest key that isn't retired.
func (list rootKeys) newest() string {
	for _, k := range list {
		if !k.Retired {
			return k.Identity
		}
	}
	return ""
}

func (list rootKeys) find(identity string) (RootKey, bool) {
	for _, k := range list {
		if k.Identity == identity {
			return k, true
		}
	}
	return RootKey{}, false
}

// RootKeys returns the root keys that the database knows, the newest first.
func (s *Store) RootKeys(ctx context.Context) ([]RootKey, error) { return s.rootKeys(ctx) }

func (s *Store) rootKeys(ctx context.Context) (rootKeys, error) {
	var names []string
	values := map[string]string{}
	rows, err := s.write.QueryContext(ctx, `SELECT name, value FROM installation WHERE name LIKE 'root_key_%' ORDER BY LENGTH(name) DESC, name DESC`)
	if err != nil {
		return nil, s.failed("read the root keys", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, s.failed("read the root keys", err)
		}
		names, values[name] = append(names, name), value
	}
	if err := rows.Err(); err != nil {
		return nil, s.failed("read the root keys", err)
	}
	var list rootKeys
	for _, name := range names {
		version, err := strconv.Atoi(strings.TrimPrefix(name, "root_key_"))
		if err != nil || version < 1 {
			return nil, fmt.Errorf("the installation's setting %q is damaged", name)
		}
		identity, retired := strings.CutPrefix(values[name], retiredKey)
		list = append(list, RootKey{version, identity, retired})
	}
	return list, nil
}

// number finds the versions of the keys that are given. One that is new is
// registered, beside one that the database knows; those that are retired are
// left out. The database's other keys must all be there.
func (s *Store) number(ctx context.Context, given *seal.Root, known rootKeys) (*seal.Root, error) {
	here := false
	for _, root := range given.All() {
		k, found := known.find(root.Identity())
		here = here || found && !k.Retired
	}
	if !here {
		return nil, fmt.Errorf("wrong root key: the database was made with root key %s, and this is %s; give the original key in GATEHOUSE_ROOT_KEY or GATEHOUSE_ROOT_KEY_FILE, or put its file back", known.newest(), given.Identity())
	}
	var numbered []*seal.Root
	for i, root := range given.All() {
		k, err := s.register(ctx, root.Identity(), known)
		if err != nil {
			return nil, err
		}
		if k.Retired && i == 0 {
			return nil, fmt.Errorf("root key %s was retired; the first of the root keys must be the one that came after it", k.Identity)
		}
		if !k.Retired {
			numbered = append(numbered, root.Numbered(k.Version))
		}
	}
	for _, k := range known {
		if !k.Retired && !hasVersion(numbered, k.Version) {
			return nil, fmt.Errorf("root key %s is missing: give it behind root key %s, or end its time with gatehouse root-key retire while both are there", k.Identity, given.Identity())
		}
	}
	return numbered[0].Numbered(numbered[0].Version(), numbered[1:]...), nil
}

func hasVersion(list []*seal.Root, version int) bool {
	for _, root := range list {
		if root.Version() == version {
			return true
		}
	}
	return false
}

// register gives a key its version, unless it has one. Of nodes that do so at
// once each gets the same.
func (s *Store) register(ctx context.Context, identity string, known rootKeys) (RootKey, error) {
	for range 10 {
		if k, ok := known.find(identity); ok {
			return k, nil
		}
		next := 1
		if len(known) > 0 {
			next = known[0].Version + 1
		}
		_, err := s.write.ExecContext(ctx, `INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, rootKeyName(next), identity)
		if err != nil {
			return RootKey{}, s.failed("register a root key", err)
		}
		if known, err = s.rootKeys(ctx); err != nil {
			return RootKey{}, err
		}
	}
	return RootKey{}, errors.New("register a root key: other nodes register others at once")
}

// needing count what still stands under a root key of a version, and could be
// used at a time.
var needing = []struct{ what, query string }{
	{"secrets", `SELECT COUNT(*) FROM secrets s JOIN credentials c ON c.id = s.credential_id WHERE s.key_version = $1
		AND (s.ends_at IS NULL OR s.ends_at > $2) AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $2) AND c.scheme <> 'trust_rule'`}, // which no text is looked up for
	{"sessions", `SELECT COUNT(*) FROM sessions WHERE key_version = $1 AND device IS NULL AND ended_at IS NULL AND idle_until > $2 AND ends_at > $2`},
	{"links", `SELECT COUNT(*) FROM links WHERE key_version = $1 AND expires_at > $2`},
	{"device_requests", `SELECT COUNT(*) FROM device_requests WHERE key_version = $1 AND expires_at > $2`},
	{"invitations", `SELECT COUNT(*) FROM invitations WHERE key_version = $1 AND accepted_at IS NULL AND expires_at > $2`},
	{"backup_codes", `SELECT COUNT(*) FROM backup_codes WHERE key_version = $1 AND 0 < CAST($2 AS BIGINT)`},
	{"repeats", `SELECT COUNT(*) FROM idempotency_keys WHERE key_version = $1 AND created_at > CAST($2 AS BIGINT) - 86400000`},
	{"seeds", `SELECT COUNT(*) FROM two_factor WHERE key_version = $1 AND 0 < CAST($2 AS BIGINT)`},
	{"signing_keys", `SELECT COUNT(*) FROM signing_keys WHERE key_version = $1 AND (verifies_until IS NULL OR verifies_until > $2)`},
	{"mails", `SELECT COUNT(*) FROM outbox WHERE key_version = $1 AND expires_at > $2`},
	{"providers", `SELECT COUNT(*) FROM providers WHERE key_version = $1 AND 0 < CAST($2 AS BIGINT)`},
	{"webhooks", `SELECT COUNT(*) FROM webhooks WHERE key_version = $1 AND 0 < CAST($2 AS BIGINT)`},
}

// Needs counts what still needs a root key, by what it is. Only what there is
// stands in it.
func (r reader) Needs(ctx context.Context, version int, now time.Time) (map[string]int, error) {
	needs := map[string]int{}
	for _, n := range needing {
		var count int
		if err := r.q.QueryRowContext(ctx, n.query, version, now.UnixMilli()).Scan(&count); err != nil {
			return nil, r.fail("count what needs a root key", err)
		}
		if count > 0 {
			needs[n.what] = count
		}
	}
	return needs, nil
}

// sealedFields are the columns that hold sealed bytes for long, and for which
// row each is sealed.
var sealedFields = []struct {
	table, id, column string
	row               func(id string) string
}{
	{"two_factor", "user_id", "seed", func(id string) string { return "two_factor " + id + " seed" }},
	{"signing_keys", "id", "private_key", func(id string) string { return "signing_keys/" + id }},
	{"outbox", "id", "message", func(id string) string { return "outbox/" + id }},
	{"providers", "organization_id", "secret", providerRow},
}

// SeedRow names the row that the seed of a user's second factor is sealed for.
func SeedRow(user uuid.UUID) string { return sealedFields[0].row(user.String()) }

// Reseal seals fields and heads of audit chains anew that an older root key
// sealed, at most limit of each sort. It returns how many there were: none
// means that it is done. What can't be opened stays as it is, and is logged.
func (s *Store) Reseal(ctx context.Context, random io.Reader, limit int) (done int, err error) {
	if len(s.root.All()) == 1 || !s.root.IsNewest() {
		return 0, nil
	}
	for i := range sealedFields {
		n, err := s.resealField(ctx, random, i, limit)
		if done += n; err != nil {
			return done, err
		}
	}
	n, err := s.resealWebhooks(ctx, random, limit)
	if done += n; err != nil {
		return done, err
	}
	n, err = s.resealHeads(ctx, limit)
	return done + n, err
}

type sealedField struct {
	id      string
	bytes   []byte
	version int
}

func (s *Store) resealField(ctx context.Context, random io.Reader, which, limit int) (done int, err error) {
	f := sealedFields[which]
	targets := func(v *sealedField) []any { return []any{&v.id, &v.bytes, &v.version} }
	rows, err := list(ctx, s.reader, selection[sealedField]{"find what is sealed by an older root key", targets,
		`SELECT ` + f.id + `, ` + f.column + `, key_version FROM ` + f.table + ` WHERE key_version <> $1 ORDER BY ` + f.id + ` LIMIT $2`}, s.root.Version(), limit)
	if err != nil {
		return 0, err
	}
	for _, row := range rows {
		plain, err := s.root.Open(f.row(row.id), row.bytes)
		if err != nil {
			s.log.Error("a sealed field can't be sealed anew", "error", err)
			continue
		}
		sealed, err := s.root.Seal(random, f.row(row.id), plain)
		if err != nil {
			return done, err
		}
		if err := s.room(); err != nil {
			return done, err
		}
		_, err = s.write.ExecContext(ctx, `UPDATE `+f.table+` SET `+f.column+` = $2, key_version = $3 WHERE `+f.id+` = $1 AND `+f.column+` = $4`,
			row.id, sealed, s.root.Version(), row.bytes)
		if err != nil {
			return done, s.failed("seal a field anew", err)
		}
		done++
	}
	return done, nil
}

// resealWebhooks seals the secrets of endpoints anew, both of each together.
func (s *Store) resealWebhooks(ctx context.Context, random io.Reader, limit int) (done int, err error) {
	type row struct {
		Webhook
		before []byte
	}
	rows, err := list(ctx, s.reader, selection[row]{"find the webhooks of an older root key", func(r *row) []any { return []any{&r.ID, &r.secret, &r.previous} },
		`SELECT id, secret, previous FROM webhooks WHERE key_version <> $1 ORDER BY id LIMIT $2`}, s.root.Version(), limit)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		r.before = r.secret
		if r.secret, err = s.sealedAnew(random, r.sealedRow(), r.secret); err == nil && r.previous != nil {
			r.previous, err = s.sealedAnew(random, r.sealedRow(), r.previous)
		}
		if err != nil {
			s.log.Error("a webhook's secret can't be sealed anew", "error", err)
			continue
		}
		if err := s.room(); err != nil {
			return done, err
		}
		_, err = s.write.ExecContext(ctx, `UPDATE webhooks SET secret = $2, previous = $3, key_version = $4 WHERE id = $1 AND secret = $5`,
			r.ID, r.secret, r.previous, s.root.Version(), r.before)
		if err != nil {
			return done, s.failed("seal a webhook's secret anew", err)
		}
		done++
	}
	return done, nil
}

// sealedAnew opens a field and seals it by the present root key.
func (s *Store) sealedAnew(random io.Reader, row string, sealed []byte) ([]byte, error) {
	plain, err := s.root.Open(row, sealed)
	if err != nil {
		return nil, err
	}
	return s.root.Seal(random, row, plain)
}

// resealHeads seals the heads of audit chains that an older root key sealed.
func (s *Store) resealHeads(ctx context.Context, limit int) (done int, err error) {
	after := uuid.Nil
	for first := true; done < limit; first = false {
		chains, err := list(ctx, s.reader, selection[uuid.UUID]{"list the audit chains", idTarget,
			`SELECT id FROM audit_chains WHERE id > $1 OR (id = $1 AND $2) ORDER BY id LIMIT 200`}, after, first)
		if err != nil || len(chains) == 0 {
			return done, err
		}
		for _, chain := range chains {
			n, err := s.resealHead(ctx, chain)
			if done += n; err != nil {
				return done, err
			}
			after = chain
		}
	}
	return done, nil
}

func (s *Store) resealHead(ctx context.Context, chain uuid.UUID) (done int, err error) {
	head, err := s.head(ctx, chain)
	var broken *audit.Break
	if errors.As(err, &broken) {
		return 0, nil // which a check of the chain says
	}
	if err != nil || s.root.Numbered(s.root.Version()).Verifies(seal.AuditHeads, head.Seal, head.Fields()...) {
		return 0, err
	}
	return 1, s.Quietly(ctx, func(t *Tx) error {
		head, err := t.lockChain(ctx, chain)
		if err != nil {
			return err
		}
		return t.sealHead(ctx, head)
	})
}

// Retire ends the time of a root key. What still needs it is lost with it; the
// counts of failures to sign in, which are under the oldest key, begin anew.
func (t *Tx) Retire(ctx context.Context, version int) error {
	result, err := t.q.ExecContext(ctx, `UPDATE installation SET value = $3 || value WHERE name = $1 AND value NOT LIKE $2`,
		rootKeyName(version), retiredKey+"%", retiredKey)
	if err != nil {
		return t.fail("retire a root key", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(credential.Errorf(credential.Conflict, "the root key was retired before"), err)
	}
	if t.s.root.Oldest().Version() != version {
		return nil
	}
	if _, err := t.q.ExecContext(ctx, `DELETE FROM sign_in_attempts`); err != nil {
		return t.fail("forget failures to sign in", err)
	}
	return nil
}
