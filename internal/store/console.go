package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// ConsoleSession is the operator in a browser: a code that waits to be typed, or
// the session that one began.
type ConsoleSession struct {
	ID                   uuid.UUID
	CreatedAt, ExpiresAt time.Time
}

// InsertConsoleCode stores the keyed hash of a code.
func (t *Tx) InsertConsoleCode(ctx context.Context, s *ConsoleSession, code [32]byte) error {
	_, err := t.q.ExecContext(ctx, `INSERT INTO console_sessions (id, code, created_at, expires_at) VALUES ($1, $2, $3, $4)`,
		s.ID, code[:], s.CreatedAt.UnixMilli(), s.ExpiresAt.UnixMilli())
	if err != nil {
		return t.fail("store a code for the console", err)
	}
	return nil
}

// BeginConsole uses a code up for a session that ends at a time, and returns its
// id. Of many at once one gets through; a code that isn't good, or not any more,
// is credential.NotFound.
func (t *Tx) BeginConsole(ctx context.Context, code, secret [32]byte, s *ConsoleSession) error {
	err := t.q.QueryRowContext(ctx, `
		UPDATE console_sessions SET code = NULL, secret = $2, created_at = $3, expires_at = $4 WHERE code = $1 AND expires_at > $3 RETURNING id`,
		code[:], secret[:], s.CreatedAt.UnixMilli(), s.ExpiresAt.UnixMilli()).Scan(&s.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return credential.Errorf(credential.NotFound, "no such code")
	}
	if err != nil {
		return t.fail("use up a code for the console", err)
	}
	return nil
}

// ConsoleCodeWaits reports whether a code is good.
func (r reader) ConsoleCodeWaits(ctx context.Context, code [32]byte, now time.Time) (bool, error) {
	var n int
	if err := r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM console_sessions WHERE code = $1 AND expires_at > $2`, code[:], now.UnixMilli()).Scan(&n); err != nil {
		return false, r.fail("find a code for the console", err)
	}
	return n > 0, nil
}

// EndConsolesBut ends all sessions but one, and returns how many.
func (t *Tx) EndConsolesBut(ctx context.Context, id uuid.UUID) (int64, error) {
	done, err := t.q.ExecContext(ctx, `DELETE FROM console_sessions WHERE secret IS NOT NULL AND id <> $1`, id)
	if err != nil {
		return 0, t.fail("end the operator's sessions", err)
	}
	return done.RowsAffected()
}

// ConsoleSession finds a session that goes on; one that doesn't is
// credential.NotFound.
func (r reader) ConsoleSession(ctx context.Context, secret [32]byte, now time.Time) (*ConsoleSession, error) {
	var s ConsoleSession
	err := r.q.QueryRowContext(ctx, `SELECT id, created_at, expires_at FROM console_sessions WHERE secret = $1 AND expires_at > $2`, secret[:], now.UnixMilli()).
		Scan(&s.ID, instant{&s.CreatedAt}, instant{&s.ExpiresAt})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such session")
	}
	if err != nil {
		return nil, r.fail("find the operator's session", err)
	}
	return &s, nil
}

// consoleStill refuses what a session does that ended meanwhile, and lets it end
// no sooner than the transaction.
func (t *Tx) consoleStill(ctx context.Context, id uuid.UUID, now time.Time) error {
	done, err := t.q.ExecContext(ctx, `UPDATE console_sessions SET expires_at = expires_at WHERE id = $1 AND secret IS NOT NULL AND expires_at > $2`, id, now.UnixMilli())
	if err != nil {
		return t.fail("find the operator's session", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return credential.Errorf(credential.Unauthenticated, "the session has ended")
}

// EndConsole ends a session.
func (t *Tx) EndConsole(ctx context.Context, id uuid.UUID) error {
	if _, err := t.q.ExecContext(ctx, `DELETE FROM console_sessions WHERE id = $1`, id); err != nil {
		return t.fail("end the operator's session", err)
	}
	return nil
}

// ForgetConsoles deletes the codes and sessions that ended before a time.
func (s *Store) ForgetConsoles(ctx context.Context, before time.Time) error {
	if _, err := s.write.ExecContext(ctx, `DELETE FROM console_sessions WHERE expires_at < $1`, before.UnixMilli()); err != nil {
		return s.failed("forget the operator's sessions", err)
	}
	return nil
}

// OrganizationFilter chooses organizations for a list.
type OrganizationFilter struct {
	Text      string // in the name or the slug; empty for any
	Suspended bool   // those alone
	After     uuid.UUID
	Limit     int
}

// ListedOrganization is an organization with what it has.
type ListedOrganization struct {
	Organization
	Members     int
	Credentials int // that weren't revoked
}

func (o *ListedOrganization) targets() []any {
	return append(o.Organization.targets(), &o.Members, &o.Credentials)
}

// FindOrganizations returns organizations in the order of their creation.
func (r reader) FindOrganizations(ctx context.Context, f OrganizationFilter) ([]ListedOrganization, error) {
	where, args := ``, []any{f.After, f.Limit}
	if f.Suspended {
		where = ` AND o.suspended_at IS NOT NULL`
	}
	if f.Text != "" {
		args = append(args, containing(f.Text))
		where += ` AND LOWER(o.name || ' ' || o.slug) LIKE $3 ESCAPE '!'`
	}
	return list(ctx, r, selection[ListedOrganization]{"find organizations", (*ListedOrganization).targets, `SELECT ` + organizationColumns + `,
		(SELECT COUNT(*) FROM members m WHERE m.organization_id = o.id),
		(SELECT COUNT(*) FROM credentials c WHERE c.organization_id = o.id AND c.revoked_at IS NULL)
		FROM organizations o WHERE o.deleted_at IS NULL AND o.id > $1` + where + ` ORDER BY o.id LIMIT $2`}, args...)
}

// containing is the pattern of texts that contain one, in small letters.
func containing(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(text)) + "%"
}
