package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// DeviceState is what was answered to a device that asks.
type DeviceState string

// The states. A request that nobody answered in its time stays pending.
const (
	DevicePending DeviceState = "pending"
	DeviceAllowed DeviceState = "allowed"
	DeviceDenied  DeviceState = "denied"
)

// DeviceRequest is a device without a browser that asks to act for somebody.
type DeviceRequest struct {
	Key                credential.LookupKey // of what the device calls it
	KeyVersion         int
	Kind, Name         string // of what runs there, as it says itself
	Address, UserAgent string
	CreatedAt          time.Time
	ExpiresAt          time.Time // nothing is answered, and no token is fetched, from then on
	State              DeviceState
	User, Session      uuid.UUID // who answered, and what that began; Nil before
	TakenAt            time.Time // when the device fetched its token first; zero before
	TakenFrom          string    // the address from which it did; empty where none is known
}

// InsertDevice stores what a device asks for. That its name is taken is credential.Conflict.
func (t *Tx) InsertDevice(ctx context.Context, d *DeviceRequest) error {
	key := d.Key.Bytes()
	_, err := t.q.ExecContext(ctx, `
		INSERT INTO device_requests (lookup_key, key_version, kind, name, address, user_agent, created_at, expires_at, state)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending')`,
		key[:], d.KeyVersion, d.Kind, d.Name, d.Address, d.UserAgent, d.CreatedAt.UnixMilli(), d.ExpiresAt.UnixMilli())
	if err != nil {
		return t.fail("store what a device asks for", err)
	}
	return nil
}

// Device finds what a device asks for.
func (r reader) Device(ctx context.Context, key credential.LookupKey) (*DeviceRequest, error) {
	bytes, d := key.Bytes(), &DeviceRequest{Key: key}
	err := r.q.QueryRowContext(ctx, `
		SELECT key_version, kind, name, address, user_agent, created_at, expires_at, state, user_id, session_id, taken_at, COALESCE(taken_from, '')
		FROM device_requests WHERE lookup_key = $1`, bytes[:]).
		Scan(&d.KeyVersion, &d.Kind, &d.Name, &d.Address, &d.UserAgent, instant{&d.CreatedAt}, instant{&d.ExpiresAt}, &d.State, &d.User, &d.Session, instant{&d.TakenAt}, &d.TakenFrom)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such device")
	}
	if err != nil {
		return nil, r.fail("find what a device asks for", err)
	}
	return d, nil
}

// AnswerDevice stores the answer to a device that waits for one. It reports
// false where that was answered before or has expired.
func (t *Tx) AnswerDevice(ctx context.Context, d *DeviceRequest, now time.Time) (bool, error) {
	key := d.Key.Bytes()
	result, err := t.q.ExecContext(ctx, `
		UPDATE device_requests SET state = $2, user_id = $3, session_id = $4, expires_at = $5
		WHERE lookup_key = $1 AND state = 'pending' AND expires_at > $6`,
		key[:], d.State, d.User, nullable(d.Session), d.ExpiresAt.UnixMilli(), now.UnixMilli())
	if err != nil {
		return false, t.fail("answer a device", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// TakeDevice notes that a device fetches its token for the first time, and from
// where. It reports false where it may not, or did so before.
func (t *Tx) TakeDevice(ctx context.Context, d *DeviceRequest, now time.Time) (bool, error) {
	key := d.Key.Bytes()
	result, err := t.q.ExecContext(ctx, `
		UPDATE device_requests SET taken_at = $2, taken_from = $3
		WHERE lookup_key = $1 AND state = 'allowed' AND taken_at IS NULL AND expires_at > $2`,
		key[:], now.UnixMilli(), d.TakenFrom)
	if err != nil {
		return false, t.fail("note that a device fetches its token", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// EndDeviceSessions ends the live sessions of devices that a user let act in an
// organization. It returns those that it ended.
func (t *Tx) EndDeviceSessions(ctx context.Context, organization, user uuid.UUID, at time.Time) ([]uuid.UUID, error) {
	ended, err := every(ctx, t.reader, selection[uuid.UUID]{"end the sessions of devices", idTarget, `
		UPDATE sessions SET ended_at = $3, answer = NULL
		WHERE organization_id = $1 AND user_id = $2 AND device IS NOT NULL AND ended_at IS NULL RETURNING id`},
		organization, user, at.UnixMilli())
	if err != nil || len(ended) == 0 {
		return nil, err
	}
	return ended, t.touchSessions(ctx, user, ended...)
}

// ForgetDevices deletes the requests that expired before a time.
func (s *Store) ForgetDevices(ctx context.Context, before time.Time) error {
	if _, err := s.write.ExecContext(ctx, `DELETE FROM device_requests WHERE expires_at < $1`, before.UnixMilli()); err != nil {
		return s.failed("forget devices", err)
	}
	return nil
}

// Session finds a session, which nobody else changes until the change is done.
func (t *Tx) Session(ctx context.Context, id uuid.UUID) (*Session, error) {
	if err := t.HoldSession(ctx, id); err != nil {
		return nil, err
	}
	var s Session
	err := t.q.QueryRowContext(ctx, `SELECT `+sessionColumns+` FROM sessions s WHERE s.id = $1`, id).Scan(s.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such session")
	}
	if err != nil {
		return nil, t.fail("read a session", err)
	}
	return &s, nil
}

// KeepSession lets a session that is alive go on until it ends in any case.
func (t *Tx) KeepSession(ctx context.Context, s *Session) error {
	if err := t.touchSessions(ctx, s.User, s.ID); err != nil {
		return err
	}
	if _, err := t.q.ExecContext(ctx, `UPDATE sessions SET idle_until = ends_at WHERE id = $1 AND ended_at IS NULL`, s.ID); err != nil {
		return t.fail("keep a session", err)
	}
	return nil
}
