package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Place is where an attempt to sign in to an account comes from: a place from
// which its user has signed in before, or (zero) anywhere else.
type Place [32]byte

// Attempt is one attempt to sign in to an account.
type Attempt struct {
	Account [32]byte
	Place   Place
	At      time.Time
}

// Bounds are how many failures in a row an account takes: Burst of them lock
// it for LockFor, and Total of them until somebody who is known signs in.
type Bounds struct {
	Burst, Total int
	LockFor      time.Duration
}

// BeginAttempt counts an attempt as a failure before it is made, so that many
// at once are not more than the bounds allow. It reports false while the
// account is locked for that place, which it decides for itself: one that
// isn't known counts as anywhere else.
func (s *Store) BeginAttempt(ctx context.Context, a *Attempt, b Bounds) (allowed bool, err error) {
	if err := s.room(); err != nil {
		return false, err
	}
	var known bool
	err = s.write.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sign_in_attempts WHERE account = $1 AND place = $2)`, a.Account[:], a.Place[:]).Scan(&known)
	if err != nil {
		return false, s.failed("look up a place", err)
	}
	if !known {
		a.Place = Place{}
	}
	now := a.At.UnixMilli()
	var failures int
	err = s.write.QueryRowContext(ctx, `
		INSERT INTO sign_in_attempts AS s (account, place, failures, total, locked_until, at) VALUES ($1, $2, 1, 1, NULL, $3)
		ON CONFLICT (account, place) DO UPDATE SET
			failures = CASE WHEN s.failures >= $5 THEN 1 ELSE s.failures + 1 END,
			total = s.total + 1,
			locked_until = CASE WHEN s.failures + 1 = $5 THEN CAST($4 AS BIGINT) ELSE NULL END,
			at = $3
		WHERE (s.locked_until IS NULL OR s.locked_until <= $3) AND s.total < $6
		RETURNING failures`, a.Account[:], a.Place[:], now, a.At.Add(b.LockFor).UnixMilli(), b.Burst, b.Total).Scan(&failures)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, s.failed("count an attempt to sign in", err)
	}
	return true, nil
}

// ForgiveAttempt takes back an attempt that was no failure.
func (t *Tx) ForgiveAttempt(ctx context.Context, a Attempt) error {
	_, err := t.q.ExecContext(ctx, `UPDATE sign_in_attempts SET failures = failures - 1, total = total - 1, locked_until = NULL
		WHERE account = $1 AND place = $2 AND failures > 0 AND total > 0`, a.Account[:], a.Place[:])
	if err != nil {
		return t.fail("take back an attempt to sign in", err)
	}
	return nil
}

// ForgetAttempts deletes the failures of an account from everywhere; the
// places that are known stay so.
func (t *Tx) ForgetAttempts(ctx context.Context, account [32]byte) error {
	_, err := t.q.ExecContext(ctx, `UPDATE sign_in_attempts SET failures = 0, total = 0, locked_until = NULL WHERE account = $1`, account[:])
	if err != nil {
		return t.fail("forget failures to sign in", err)
	}
	return nil
}

// ForgetAccount deletes the failures of an account and the places that are
// known of it.
func (t *Tx) ForgetAccount(ctx context.Context, account [32]byte) error {
	if _, err := t.q.ExecContext(ctx, `DELETE FROM sign_in_attempts WHERE account = $1`, account[:]); err != nil {
		return t.fail("forget an account", err)
	}
	return nil
}

// KnowPlace notes that the account's user has signed in from a place. Of the
// places of an account only the latest most stay known.
func (t *Tx) KnowPlace(ctx context.Context, a Attempt, most int) error {
	_, err := t.q.ExecContext(ctx, `
		INSERT INTO sign_in_attempts (account, place, failures, total, locked_until, at) VALUES ($1, $2, 0, 0, NULL, $3)
		ON CONFLICT (account, place) DO UPDATE SET at = excluded.at`, a.Account[:], a.Place[:], a.At.UnixMilli())
	if err != nil {
		return t.fail("note a place", err)
	}
	_, err = t.q.ExecContext(ctx, `
		DELETE FROM sign_in_attempts WHERE account = $1 AND place IN (
			SELECT place FROM sign_in_attempts WHERE account = $1 ORDER BY at DESC, place LIMIT 1000 OFFSET $2)`, a.Account[:], most)
	if err != nil {
		return t.fail("forget a place", err)
	}
	return nil
}

// ForgetPlaces deletes what was last heard of before a time: places that are
// known no longer, and attempts on accounts that don't exist. Of the attempts
// from anywhere it keeps the latest most, so that nobody fills the disk.
func (s *Store) ForgetPlaces(ctx context.Context, before time.Time, most int) error {
	anywhere := Place{}
	_, err := s.write.ExecContext(ctx, `
		DELETE FROM sign_in_attempts WHERE at < $1 OR (place = $2 AND at < (
			SELECT at FROM sign_in_attempts WHERE place = $2 ORDER BY at DESC LIMIT 1 OFFSET $3))`, before.UnixMilli(), anywhere[:], most)
	if err != nil {
		return s.failed("forget places", err)
	}
	return nil
}

// TwoFactor is the second factor of a user.
type TwoFactor struct {
	Seed       []byte // sealed
	KeyVersion int
	CreatedAt  time.Time
	EnabledAt  time.Time // zero: set up, and not on yet
	LastStep   int64     // the time step of the last code that was used
}

// TwoFactor finds the second factor of a user, or nil, within the change.
func (t *Tx) TwoFactor(ctx context.Context, user uuid.UUID) (*TwoFactor, error) {
	var f TwoFactor
	err := t.q.QueryRowContext(ctx, `SELECT seed, key_version, created_at, enabled_at, last_step FROM two_factor WHERE user_id = $1`, user).
		Scan(&f.Seed, &f.KeyVersion, instant{&f.CreatedAt}, instant{&f.EnabledAt}, &f.LastStep)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, t.fail("read a second factor", err)
	}
	return &f, nil
}

// SetTwoFactor stores a second factor that isn't on yet, and its backup codes,
// in the place of one before.
func (t *Tx) SetTwoFactor(ctx context.Context, user uuid.UUID, f TwoFactor, codes [][32]byte) error {
	if err := t.DropTwoFactor(ctx, user); err != nil {
		return err
	}
	_, err := t.q.ExecContext(ctx, `INSERT INTO two_factor (user_id, seed, key_version, created_at, last_step, tries, tries_since) VALUES ($1, $2, $3, $4, $5, 0, 0)`,
		user, f.Seed, f.KeyVersion, f.CreatedAt.UnixMilli(), f.LastStep)
	if err != nil {
		return t.fail("store a second factor", err)
	}
	return t.SetBackupCodes(ctx, user, f.KeyVersion, codes)
}

// SetBackupCodes stores backup codes of a root key, in the place of those before.
func (t *Tx) SetBackupCodes(ctx context.Context, user uuid.UUID, keyVersion int, codes [][32]byte) error {
	if err := t.dropBackupCodes(ctx, user); err != nil {
		return err
	}
	for _, code := range codes {
		if _, err := t.q.ExecContext(ctx, `INSERT INTO backup_codes (user_id, code, key_version) VALUES ($1, $2, $3)`, user, code[:], keyVersion); err != nil {
			return t.fail("store a backup code", err)
		}
	}
	return nil
}

func (t *Tx) dropBackupCodes(ctx context.Context, user uuid.UUID) error {
	if _, err := t.q.ExecContext(ctx, `DELETE FROM backup_codes WHERE user_id = $1`, user); err != nil {
		return t.fail("delete backup codes", err)
	}
	return nil
}

// DropTwoFactor deletes a second factor and its backup codes.
func (t *Tx) DropTwoFactor(ctx context.Context, user uuid.UUID) error {
	if err := t.dropBackupCodes(ctx, user); err != nil {
		return err
	}
	if _, err := t.q.ExecContext(ctx, `DELETE FROM two_factor WHERE user_id = $1`, user); err != nil {
		return t.fail("delete a second factor", err)
	}
	return nil
}

// EnableTwoFactor turns a second factor on.
func (t *Tx) EnableTwoFactor(ctx context.Context, user uuid.UUID, at time.Time) error {
	if _, err := t.q.ExecContext(ctx, `UPDATE two_factor SET enabled_at = $2 WHERE user_id = $1`, user, at.UnixMilli()); err != nil {
		return t.fail("turn a second factor on", err)
	}
	return nil
}

// DropPendingTwoFactor forgets a second factor that was set up and never turned on.
func (t *Tx) DropPendingTwoFactor(ctx context.Context, user uuid.UUID) error {
	_, err := t.q.ExecContext(ctx, `DELETE FROM backup_codes WHERE user_id = $1 AND EXISTS (SELECT 1 FROM two_factor WHERE user_id = $1 AND enabled_at IS NULL)`, user)
	if err == nil {
		_, err = t.q.ExecContext(ctx, `DELETE FROM two_factor WHERE user_id = $1 AND enabled_at IS NULL`, user)
	}
	if err != nil {
		return t.fail("forget a second factor that isn't on", err)
	}
	return nil
}

// CountTry counts a try of a code. It reports false when there were most of
// them since a time already.
func (t *Tx) CountTry(ctx context.Context, user uuid.UUID, most int, now, since time.Time) (bool, error) {
	result, err := t.q.ExecContext(ctx, `
		UPDATE two_factor SET tries = CASE WHEN tries_since <= $3 THEN 1 ELSE tries + 1 END,
			tries_since = CASE WHEN tries_since <= $3 THEN CAST($4 AS BIGINT) ELSE tries_since END
		WHERE user_id = $1 AND (tries < $2 OR tries_since <= $3)`, user, most, since.UnixMilli(), now.UnixMilli())
	if err != nil {
		return false, t.fail("count a try of a code", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// UseStep uses up the codes of a time step and of all before it, and reports
// whether they were not used up before.
func (t *Tx) UseStep(ctx context.Context, user uuid.UUID, step int64) (bool, error) {
	return t.uses(ctx, `UPDATE two_factor SET last_step = $2, tries = 0 WHERE user_id = $1 AND last_step < $2`, user, step)
}

// UseBackupCode uses up a backup code, and reports whether it was there.
func (t *Tx) UseBackupCode(ctx context.Context, user uuid.UUID, code [32]byte) (bool, error) {
	return t.uses(ctx, `DELETE FROM backup_codes WHERE user_id = $1 AND code = $2`, user, code[:])
}

func (t *Tx) uses(ctx context.Context, query string, args ...any) (bool, error) {
	result, err := t.q.ExecContext(ctx, query, args...)
	if err != nil {
		return false, t.fail("use a code", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// BackupCodes counts the backup codes that a user has left.
func (r reader) BackupCodes(ctx context.Context, user uuid.UUID) (n int, err error) {
	if err := r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM backup_codes WHERE user_id = $1`, user).Scan(&n); err != nil {
		return 0, r.fail("count backup codes", err)
	}
	return n, nil
}
