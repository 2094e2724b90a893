package store

import (
	"context"
	"fmt"
	"time"
)

// SigningKey is a key that signs access tokens, as it is stored: its private
// half is sealed.
type SigningKey struct {
	ID         string
	Algorithm  string
	Private    []byte // sealed PKCS #8
	KeyVersion int
	CreatedAt  time.Time
	// SignsFrom is when the key takes over from the one before. VerifiesUntil
	// is when it is retired; zero for the newest.
	SignsFrom, VerifiesUntil time.Time
}

// MostSigningKeys is how many keys verify at once at most: as many as a ring of
// keys has.
const MostSigningKeys = 16

const signingKeyColumns = `id, algorithm, private_key, key_version, created_at, signs_from, verifies_until`

func (k *SigningKey) targets() []any {
	return []any{&k.ID, &k.Algorithm, &k.Private, &k.KeyVersion, instant{&k.CreatedAt}, instant{&k.SignsFrom}, instant{&k.VerifiesUntil}}
}

// SigningKeys returns the keys that verify after a time, those that sign last first.
func (r reader) SigningKeys(ctx context.Context, after time.Time) ([]SigningKey, error) {
	return list(ctx, r, selection[SigningKey]{"read the signing keys", (*SigningKey).targets,
		`SELECT ` + signingKeyColumns + ` FROM signing_keys WHERE verifies_until IS NULL OR verifies_until > $1
		ORDER BY signs_from DESC, created_at DESC, id LIMIT $2`}, after.UnixMilli(), MostSigningKeys)
}

// InsertSigningKey stores a new key.
func (t *Tx) InsertSigningKey(ctx context.Context, k *SigningKey) error {
	_, err := t.q.ExecContext(ctx, `INSERT INTO signing_keys (`+signingKeyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, NULL)`,
		k.ID, k.Algorithm, k.Private, k.KeyVersion, k.CreatedAt.UnixMilli(), k.SignsFrom.UnixMilli())
	if err != nil {
		return t.fail("store a signing key", err)
	}
	return nil
}

// RetireSigningKeys lets every key but one verify no longer than until a time.
func (t *Tx) RetireSigningKeys(ctx context.Context, but string, until time.Time) error {
	_, err := t.q.ExecContext(ctx, `UPDATE signing_keys SET verifies_until = $2 WHERE id <> $1 AND (verifies_until IS NULL OR verifies_until > $2)`,
		but, until.UnixMilli())
	if err != nil {
		return t.fail("retire a signing key", err)
	}
	return nil
}

// DeleteSigningKeys removes the keys that sign only after a time, and so have
// signed nothing.
func (t *Tx) DeleteSigningKeys(ctx context.Context, after time.Time) error {
	if _, err := t.q.ExecContext(ctx, `DELETE FROM signing_keys WHERE signs_from > $1`, after.UnixMilli()); err != nil {
		return t.fail("remove a signing key", err)
	}
	return nil
}

// SealedRow names the row that a signing key is sealed for.
func (k *SigningKey) SealedRow() string { return fmt.Sprintf("signing_keys/%s", k.ID) } // as sealedFields has it
