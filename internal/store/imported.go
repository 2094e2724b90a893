package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// foreignQuery finds a secret that another system made, by either of its keys:
// only one of the two is there at any time.
const foreignQuery = `SELECT s.lookup_key, ` + standingColumns + standingTables + ` WHERE s.lookup_key IN ($1, $2)`

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

// LookupForeign is Lookup of a secret that another system made: by its lookup
// key or, until Rekey, by its import key. What it finds by that is new, and is
// never cached: the key under which it would be is about to go.
func (s *Store) LookupForeign(ctx context.Context, key, imported credential.LookupKey) (standing *credential.Standing, isNew bool, err error) {
	k, i := key.Bytes(), imported.Bytes()
	found, ticket := s.cache.get(k)
	if found != nil {
		return found, false, nil
	}
	rows, err := s.q.QueryContext(ctx, foreignQuery, k[:], i[:])
	if err != nil {
		return nil, false, s.failed("look up an imported credential", err)
	}
	var stored []byte
	found, err = s.oneStanding(ctx, rows, &stored)
	if err != nil {
		return nil, false, err
	}
	at, _ := credential.LookupKeyFrom(stored)
	switch {
	case at.Equal(key):
		s.cache.put(k, found, ticket)
		return found, false, nil
	case at.Equal(imported):
		return found, true, nil
	}
	return nil, false, s.refuseRow(found.Credential.ID, errors.New("the row has another lookup key"))
}

// Rekey gives a secret the lookup key that it is found by from now on. It
// reports false when that was done already.
func (s *Store) Rekey(ctx context.Context, from, to credential.LookupKey, version int) (bool, error) {
	if err := s.room(); err != nil {
		return false, err
	}
	f, t := from.Bytes(), to.Bytes()
	result, err := s.write.ExecContext(ctx, `UPDATE secrets SET lookup_key = $2, key_version = $3 WHERE lookup_key = $1`, f[:], t[:], version)
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
