package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// HasImports reports whether this process knows of an imported secret. Where
// there is none, a text that is no secret of ours needn't be looked up.
func (s *Store) HasImports() bool { return s.imports.Load() }

// FindImports notes imports that other nodes made. Where no other can be, or
// some are known, it asks nobody.
func (s *Store) FindImports(ctx context.Context) error {
	if s.exclusive || s.imports.Load() {
		return nil
	}
	return s.findImports(ctx)
}

func (s *Store) findImports(ctx context.Context) error {
	var one int
	err := s.q.QueryRowContext(ctx, `SELECT 1 FROM secrets WHERE import_key IS NOT NULL LIMIT 1`).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return s.failed("find imported secrets", err)
	}
	s.imports.Store(true)
	return nil
}

// LookupAged is Lookup of a secret whose row may be under another key than its
// present lookup key, and says under which it is. What it finds under another is
// never cached: the key under which it would be is about to go.
func (s *Store) LookupAged(ctx context.Context, key credential.LookupKey, others []credential.LookupKey) (*credential.Standing, credential.LookupKey, error) {
	k := key.Bytes()
	found, ticket := s.cache.get(k)
	if found != nil {
		return found, key, nil
	}
	args, places := []any{k[:]}, "$1"
	for _, other := range others {
		b := other.Bytes()
		args = append(args, b[:])
		places += ", $" + strconv.Itoa(len(args))
	}
	rows, err := s.q.QueryContext(ctx, `SELECT s.lookup_key, `+standingColumns+standingTables+` WHERE s.lookup_key IN (`+places+`)
		ORDER BY CASE WHEN s.lookup_key = $1 THEN 0 ELSE 1 END`, args...)
	if err != nil {
		return nil, key, s.failed("look up a credential", err)
	}
	var stored []byte
	if found, err = s.oneStanding(ctx, rows, &stored); err != nil {
		return nil, key, err
	}
	at, _ := credential.LookupKeyFrom(stored)
	if at.Equal(key) {
		if !found.Secret.Unconfirmed {
			s.cache.put(k, found, ticket)
		}
		return found, key, nil
	}
	if !slices.ContainsFunc(others, at.Equal) {
		return nil, key, s.refuseRow(found.Credential.ID, errors.New("the row has another lookup key"))
	}
	return found, at, nil
}

// Rekeying gives a secret its present lookup key, and one that was imported its
// present import key.
type Rekeying struct {
	From, To, Import credential.LookupKey
	Version          int
}

// Rekey reports false when it was done already.
func (s *Store) Rekey(ctx context.Context, r Rekeying) (bool, error) {
	if err := s.room(); err != nil {
		return false, err
	}
	from, to, imported := r.From.Bytes(), r.To.Bytes(), r.Import.Bytes()
	result, err := s.write.ExecContext(ctx, `UPDATE secrets SET lookup_key = $2, key_version = $3, import_key = CASE WHEN import_key IS NULL THEN import_key ELSE $4 END
		WHERE lookup_key = $1`, from[:], to[:], r.Version, imported[:])
	if err != nil {
		return false, s.failed("key a secret anew", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// ImportedBy finds the credential that has the secret of an import key, in
// whatever organization, and whatever has become of it since.
func (r reader) ImportedBy(ctx context.Context, imported credential.LookupKey) (id, organization uuid.UUID, err error) {
	i := imported.Bytes()
	var in uuid.NullUUID
	err = r.q.QueryRowContext(ctx, `SELECT c.id, c.organization_id FROM secrets s JOIN credentials c ON c.id = s.credential_id WHERE s.import_key = $1`, i[:]).
		Scan(&id, &in)
	if errors.Is(err, sql.ErrNoRows) {
		return id, in.UUID, credential.NotFound
	}
	if err != nil {
		return id, in.UUID, r.fail("find an imported secret", err)
	}
	return id, in.UUID, nil
}
