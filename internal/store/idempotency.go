package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// IdempotencyRecord says what a call with an Idempotency-Key made.
type IdempotencyRecord struct {
	ID         [32]byte // keyed hash of principal, call and key
	Request    [32]byte // keyed hash of the body
	Target     uuid.UUID
	Generation int // of the secret, where the target is a credential
	CreatedAt  time.Time
	KeyVersion int
}

// IdempotencyRecord finds what a call made, if it was made after a time.
func (t *Tx) IdempotencyRecord(ctx context.Context, id [32]byte, after time.Time) (*IdempotencyRecord, error) {
	rec := IdempotencyRecord{ID: id}
	var request []byte
	err := t.q.QueryRowContext(ctx, `
		SELECT request, target_id, generation, created_at, key_version FROM idempotency_keys WHERE id = $1 AND created_at > $2`, id[:], after.UnixMilli()).
		Scan(&request, &rec.Target, &rec.Generation, instant{&rec.CreatedAt}, &rec.KeyVersion)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.NotFound
	}
	if err != nil || len(request) != len(rec.Request) {
		return nil, t.fail("read an idempotency record", errors.Join(err, errors.New("its hash is damaged")))
	}
	rec.Request = [32]byte(request)
	return &rec, nil
}

// SaveIdempotencyRecord stores what a call made, over what an older call with
// the same key did.
func (t *Tx) SaveIdempotencyRecord(ctx context.Context, rec *IdempotencyRecord) error {
	_, err := t.q.ExecContext(ctx, `
		INSERT INTO idempotency_keys (id, request, target_id, generation, created_at, key_version) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET request = excluded.request, target_id = excluded.target_id,
			generation = excluded.generation, created_at = excluded.created_at, key_version = excluded.key_version`,
		rec.ID[:], rec.Request[:], rec.Target, rec.Generation, rec.CreatedAt.UnixMilli(), rec.KeyVersion)
	if err != nil {
		return t.fail("store an idempotency record", err)
	}
	return nil
}

// ForgetIdempotencyRecords deletes the records made before a time. What they
// made becomes final: nothing can replace those secrets any more.
func (s *Store) ForgetIdempotencyRecords(ctx context.Context, before time.Time) error {
	if _, err := s.write.ExecContext(ctx, `DELETE FROM idempotency_keys WHERE created_at <= $1`, before.UnixMilli()); err != nil {
		return s.failed("forget idempotency records", err)
	}
	return nil
}
