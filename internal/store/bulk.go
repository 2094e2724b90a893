package store

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// OrganizationsOf returns the organization of each of the credentials that are
// there: Nil where it has none, or one that isn't.
func (r reader) OrganizationsOf(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]uuid.UUID, error) {
	type row struct {
		id           uuid.UUID
		organization uuid.NullUUID
	}
	found := make(map[uuid.UUID]uuid.UUID, len(ids))
	return found, r.inParts(ids, func(part named) error {
		rows, err := list(ctx, r, selection[row]{"find the organizations of credentials", func(r *row) []any { return []any{&r.id, &r.organization} },
			`SELECT c.id, o.id FROM credentials c LEFT JOIN organizations o ON o.id = c.organization_id WHERE c.id IN (` + part.list + `)`}, part.args...)
		for _, row := range rows {
			found[row.id] = row.organization.UUID
		}
		return err
	})
}

// CredentialsIn finds credentials by id within an organization, or anywhere
// when organization is Nil, damaged ones as well. Their secrets and use are not
// read.
func (r reader) CredentialsIn(ctx context.Context, organization uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]Listed, error) {
	found := make(map[uuid.UUID]Listed, len(ids))
	return found, r.inParts(ids, func(part named) error {
		rows, err := r.q.QueryContext(ctx, `SELECT `+credentialColumns+` FROM credentials c
			WHERE (CAST($1 AS TEXT) = '' OR c.organization_id = $2) AND c.id IN (`+part.list+`)`, part.args...)
		if err != nil {
			return r.fail("read credentials", err)
		}
		defer rows.Close()
		for rows.Next() {
			item := r.recorded(rows)
			if late := cmp.Or(rows.Err(), ctx.Err()); late != nil { // not the row's fault
				return r.fail("read credentials", late)
			}
			found[item.ID] = item
		}
		if err := rows.Err(); err != nil {
			return r.fail("read credentials", err)
		}
		return nil
	}, textOf(organization), nullable(organization))
}

// RevokeCredentials revokes credentials, damaged ones as well, and makes the
// cache forget them. One that is revoked already is credential.Conflict.
func (t *Tx) RevokeCredentials(ctx context.Context, ids []uuid.UUID, at time.Time) error {
	if err := t.touch(ctx, ids...); err != nil {
		return err
	}
	left := int64(len(ids))
	err := t.inParts(ids, func(part named) error {
		result, err := t.q.ExecContext(ctx, `UPDATE credentials SET revoked_at = $1 WHERE revoked_at IS NULL AND id IN (`+part.list+`)`, part.args...)
		if err != nil {
			return t.fail("revoke credentials", err)
		}
		n, err := result.RowsAffected()
		left -= n
		return err
	}, at.UnixMilli())
	if err == nil && left != 0 {
		return credential.Errorf(credential.Conflict, "one of the credentials is revoked already")
	}
	return err
}

// touch makes the cache forget every secret of credentials when the change is
// committed; all it has, where it can't be told which those are.
func (t *Tx) touch(ctx context.Context, ids ...uuid.UUID) error {
	if t.s.cache == nil {
		return nil
	}
	return t.inParts(ids, func(part named) error {
		rows, err := t.q.QueryContext(ctx, `SELECT credential_id, lookup_key, generation FROM secrets WHERE credential_id IN (`+part.list+`)`, part.args...)
		if err != nil {
			return t.fail("find the secrets of credentials", err)
		}
		defer rows.Close()
		for rows.Next() {
			var id uuid.UUID
			var key []byte
			var generation int
			err := rows.Scan(&id, &key, &generation)
			if late := cmp.Or(rows.Err(), ctx.Err()); late != nil { // not the row's fault
				return t.fail("find the secrets of credentials", late)
			}
			t.touchedAll = t.touchedAll || err != nil
			t.touched = append(t.touched, standingKey(id, generation))
			if len(key) == len(lookupKey{}) {
				t.touched = append(t.touched, lookupKey(key))
			}
		}
		if err := rows.Err(); err != nil {
			return t.fail("find the secrets of credentials", err)
		}
		return nil
	})
}
