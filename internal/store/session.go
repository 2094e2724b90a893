package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Session is a user who has signed in at some place.
type Session struct {
	ID, User uuid.UUID
	// Organization is the only one that it reaches, whose provider vouched for its
	// user; Nil: all of the user's.
	Organization uuid.UUID
	// Cookie means that the session's token is a browser's cookie, which stays
	// the same; any other is traded for a new one each time it is used.
	Cookie                 bool
	CreatedAt, RefreshedAt time.Time
	IdleUntil              time.Time // it ends unless it is refreshed before
	EndsAt                 time.Time // it ends in any case
	EndedAt                time.Time // it was ended before
	ProvenAt               time.Time // when its user last proved who they are
	Address, UserAgent     string
	Device                 string    // what a device calls itself that somebody let act for them; empty for others
	UsedAt                 time.Time // the latest use that is stored
}

// Live reports whether the session can be used at a time.
func (s *Session) Live(now time.Time) bool {
	return s.EndedAt.IsZero() && now.Before(s.IdleUntil) && now.Before(s.EndsAt)
}

// SessionToken is what is stored of a session's token. Previous is that of the
// token before, and Answer the present one, sealed, until it is used.
type SessionToken struct {
	Handle, Secret credential.LookupKey
	Previous       []byte
	Answer         []byte
	KeyVersion     int
}

const sessionColumns = `s.id, s.user_id, s.style = 'cookie', s.created_at, s.refreshed_at, s.idle_until, s.ends_at, s.ended_at, s.proven_at, s.address, s.user_agent, s.organization_id, COALESCE(s.device, '')`

func (s *Session) targets() []any {
	return []any{&s.ID, &s.User, &s.Cookie, instant{&s.CreatedAt}, instant{&s.RefreshedAt}, instant{&s.IdleUntil},
		instant{&s.EndsAt}, instant{&s.EndedAt}, instant{&s.ProvenAt}, &s.Address, &s.UserAgent, &s.Organization, &s.Device}
}

// InsertSession stores a new session.
func (t *Tx) InsertSession(ctx context.Context, s *Session, token SessionToken) error {
	style := "bearer"
	if s.Cookie {
		style = "cookie"
	}
	handle, secret := token.Handle.Bytes(), token.Secret.Bytes()
	_, err := t.q.ExecContext(ctx, `
		INSERT INTO sessions (id, user_id, style, handle, secret, key_version, created_at, refreshed_at, proven_at, idle_until, ends_at, address, user_agent, organization_id, device)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $13, $8, $9, $10, $11, $12, $14)`,
		s.ID, s.User, style, handle[:], secret[:], token.KeyVersion, s.CreatedAt.UnixMilli(), s.IdleUntil.UnixMilli(), s.EndsAt.UnixMilli(), s.Address, s.UserAgent, nullable(s.Organization), stamp(s.ProvenAt), optional(s.Device))
	if err != nil {
		return t.fail("store a session", err)
	}
	return nil
}

// SessionByHandle finds the session that a token is of, whichever of its
// tokens it is.
func (r reader) SessionByHandle(ctx context.Context, handle credential.LookupKey) (*Session, *SessionToken, error) {
	key := handle.Bytes()
	var s Session
	var secret []byte
	token := SessionToken{Handle: handle}
	err := r.q.QueryRowContext(ctx, `SELECT `+sessionColumns+`, s.secret, s.previous, s.answer, s.key_version FROM sessions s WHERE s.handle = $1`, key[:]).
		Scan(append(s.targets(), &secret, &token.Previous, &token.Answer, &token.KeyVersion)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, credential.Errorf(credential.NotFound, "no such session")
	}
	if err != nil {
		return nil, nil, r.fail("find a session", err)
	}
	token.Secret, _ = credential.LookupKeyFrom(secret)
	return &s, &token, nil
}

// HoldSession keeps others from changing a session until this change is done.
func (t *Tx) HoldSession(ctx context.Context, id uuid.UUID) error {
	if _, err := t.q.ExecContext(ctx, `UPDATE sessions SET style = style WHERE id = $1`, id); err != nil {
		return t.fail("hold a session", err)
	}
	return nil
}

// RefreshSession gives a session a new token.
func (t *Tx) RefreshSession(ctx context.Context, s *Session, token SessionToken) error {
	if err := t.touchSessions(ctx, s.User, s.ID); err != nil {
		return err
	}
	handle, secret := token.Handle.Bytes(), token.Secret.Bytes()
	_, err := t.q.ExecContext(ctx, `
		UPDATE sessions SET previous = secret, secret = $2, answer = $3, key_version = $4, refreshed_at = $5, idle_until = $6, address = $7, user_agent = $8,
			handle = $9
		WHERE id = $1`, s.ID, secret[:], token.Answer, token.KeyVersion, s.RefreshedAt.UnixMilli(), s.IdleUntil.UnixMilli(), s.Address, s.UserAgent, handle[:])
	if err != nil {
		return t.fail("refresh a session", err)
	}
	return nil
}

// TouchSession notes a sign of life of a session that keeps its token.
func (t *Tx) TouchSession(ctx context.Context, s *Session, token SessionToken) error {
	if err := t.touchSessions(ctx, s.User, s.ID); err != nil {
		return err
	}
	handle, secret := token.Handle.Bytes(), token.Secret.Bytes()
	_, err := t.q.ExecContext(ctx, `UPDATE sessions SET refreshed_at = $2, idle_until = $3, handle = $4, secret = $5, key_version = $6 WHERE id = $1 AND ended_at IS NULL`,
		s.ID, s.RefreshedAt.UnixMilli(), s.IdleUntil.UnixMilli(), handle[:], secret[:], token.KeyVersion)
	if err != nil {
		return t.fail("note a sign of life", err)
	}
	return nil
}

// ProveSession notes that the user of a session proved again who they are.
func (t *Tx) ProveSession(ctx context.Context, id uuid.UUID, at time.Time) error {
	if _, err := t.q.ExecContext(ctx, `UPDATE sessions SET proven_at = $2 WHERE id = $1`, id, at.UnixMilli()); err != nil {
		return t.fail("note that a user proved who they are", err)
	}
	return nil
}

// SessionProvenAt returns when the user of a session last proved who they are;
// zero for a session that began before this was noted.
func (r reader) SessionProvenAt(ctx context.Context, id uuid.UUID) (at time.Time, err error) {
	if err := r.q.QueryRowContext(ctx, `SELECT proven_at FROM sessions WHERE id = $1`, id).Scan(instant{&at}); err != nil {
		return at, r.fail("ask when a user proved who they are", err)
	}
	return at, nil
}

// EndSessions ends the live sessions of a user: one (only), or all but one
// (except); Nil names none. It returns those that it ended.
func (t *Tx) EndSessions(ctx context.Context, user uuid.UUID, only, except uuid.UUID, at time.Time) ([]uuid.UUID, error) {
	ended, err := every(ctx, t.reader, selection[uuid.UUID]{"end sessions", idTarget, `
		UPDATE sessions SET ended_at = $4, answer = NULL
		WHERE user_id = $1 AND ended_at IS NULL AND (id = $2 OR $5) AND id <> $3 RETURNING id`},
		user, only, except, at.UnixMilli(), only == uuid.Nil)
	if err != nil {
		return nil, err
	}
	return ended, t.touchSessions(ctx, user, ended...)
}

func idTarget(id *uuid.UUID) []any { return []any{id} }

// touchSessions makes the cache forget how sessions of a user stand: in each
// of the organizations that it keeps them for, and in none.
func (t *Tx) touchSessions(ctx context.Context, user uuid.UUID, sessions ...uuid.UUID) error {
	organizations, err := every(ctx, t.reader, selection[uuid.UUID]{"list the organizations of a user", idTarget,
		`SELECT organization_id FROM members WHERE user_id = $1`}, user)
	if err != nil {
		return err
	}
	for _, id := range sessions {
		t.touched = append(t.touched, sessionKey(id, uuid.Nil))
		for _, o := range organizations {
			t.touched = append(t.touched, sessionKey(id, o))
		}
	}
	return nil
}

// Sessions returns the live sessions of a user, those refreshed last first.
func (r reader) Sessions(ctx context.Context, user uuid.UUID, now time.Time, limit int) ([]Session, error) {
	targets := func(s *Session) []any { return append(s.targets(), instant{&s.UsedAt}) }
	return list(ctx, r, selection[Session]{"list sessions", targets, `
		SELECT ` + sessionColumns + `, c.used_at FROM sessions s LEFT JOIN credential_uses c ON c.credential_id = s.id
		WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.idle_until > $2 AND s.ends_at > $2
		ORDER BY s.refreshed_at DESC, s.id DESC LIMIT $3`}, user, now.UnixMilli(), limit)
}

// ForgetSessions deletes the sessions that could not have gone on beyond a time,
// and when they were used.
func (s *Store) ForgetSessions(ctx context.Context, before time.Time) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM credential_uses WHERE credential_id IN (SELECT id FROM sessions WHERE ends_at < $1)`, before.UnixMilli())
	if err != nil {
		return s.failed("forget when sessions were used", err)
	}
	if _, err := s.write.ExecContext(ctx, `DELETE FROM sessions WHERE ends_at < $1`, before.UnixMilli()); err != nil {
		return s.failed("forget sessions", err)
	}
	return nil
}

// SessionRef is a session as an access token or a cookie names it, and the
// organization that the request is about: Nil for the only one that the user
// is a member of. The mark is the end of the token that was presented.
type SessionRef struct {
	ID           uuid.UUID
	Organization uuid.UUID
	Mark         Mark
}

// sessionKey is where the cache keeps how a session stands in an organization.
func sessionKey(id, organization uuid.UUID) (key lookupKey) {
	for i, b := range id {
		key[len(id)-1-i] = b // its last byte, which is random, chooses the shard
	}
	copy(key[len(id):], organization[:])
	return key
}

// sessionStanding joins a session with its user's place in one organization, of
// those that the session reaches.
const sessionStanding = sessionColumns + `, u.deactivated_at, m.organization_id, m.role, o.allowed_addresses, ` + organizationLimits + ` FROM sessions s
	JOIN users u ON u.id = s.user_id
	LEFT JOIN (members m JOIN organizations o ON o.id = m.organization_id AND o.suspended_at IS NULL)
		ON m.user_id = s.user_id AND (s.organization_id IS NULL OR s.organization_id = m.organization_id)
		AND (m.organization_id = $2 OR ($2 = '00000000-0000-0000-0000-000000000000'
			AND (s.organization_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM members x JOIN organizations y ON y.id = x.organization_id AND y.deleted_at IS NULL
				WHERE x.user_id = s.user_id AND x.organization_id <> m.organization_id))))
	WHERE s.id = $1`

// LookupSession finds how a session stands in an organization. Where its user
// is no member, or the organization is suspended, it stands in none, and may
// do nothing there. Errors are those of LookupToken.
func (s *Store) LookupSession(ctx context.Context, ref SessionRef) (*credential.Standing, error) {
	key := sessionKey(ref.ID, ref.Organization)
	found, ticket := s.cache.get(key)
	live, liveTicket := s.cache.get(lookupKey(ref.Mark))
	if found != nil && live != nil {
		return found, nil
	}
	ended := false
	rows, err := s.q.QueryContext(ctx, `SELECT EXISTS (SELECT 1 FROM marks WHERE id = $3), `+sessionStanding, ref.ID, ref.Organization, ref.Mark[:])
	if err != nil {
		return nil, s.failed("look up a session", err)
	}
	if found, err = s.oneSession(rows, &ended); err != nil {
		return nil, err
	}
	if ended {
		return nil, ErrEnded
	}
	if ref.Organization == uuid.Nil || found.Role.Valid() { // what EndSessions makes the cache forget
		s.cache.put(key, found, ticket)
	}
	s.cache.put(lookupKey(ref.Mark), notEnded, liveTicket)
	return found, nil
}

// SessionStanding is LookupSession within the change: nobody changes the
// session until it is done.
func (t *Tx) SessionStanding(ctx context.Context, id, organization uuid.UUID) (*credential.Standing, error) {
	if err := t.HoldSession(ctx, id); err != nil {
		return nil, err
	}
	rows, err := t.q.QueryContext(ctx, `SELECT `+sessionStanding, id, organization)
	if err != nil {
		return nil, t.fail("look up a session", err)
	}
	return t.oneSession(rows)
}

// oneSession reads the only row that a lookup may find, and closes the rows.
func (r reader) oneSession(rows *sql.Rows, first ...any) (*credential.Standing, error) {
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, r.fail("look up a session", err)
		}
		return nil, credential.NotFound
	}
	var (
		session       Session
		deactivatedAt time.Time
		organization  uuid.NullUUID
		role          sql.NullString
		addresses     sql.NullString
		limits        storedLimits
	)
	targets := append(append(first, session.targets()...), instant{&deactivatedAt}, &organization, &role, &addresses)
	if err := rows.Scan(append(targets, limits.targets()...)...); err != nil {
		return nil, r.fail("read a session", err)
	}
	standing := session.standing(!deactivatedAt.IsZero(), organization.UUID, credential.Role(role.String))
	var err error
	if standing.OrganizationAddresses, err = orgAddresses(addresses, organization.Valid); err != nil {
		r.log.Error("the addresses of an organization are damaged; nobody has a session in it", "organization", organization.UUID, "error", err)
		return nil, credential.NotFound
	}
	if standing.OrganizationLimits, err = limits.limits(organization.Valid); err != nil {
		r.log.Error("the limits of an organization are damaged; nobody has a session in it", "organization", organization.UUID, "error", err)
		return nil, credential.NotFound
	}
	return standing, nil
}

// standing is a session in the form in which every credential is judged.
func (s *Session) standing(deactivated bool, organization uuid.UUID, role credential.Role) *credential.Standing {
	c := &credential.Credential{
		ID: s.ID, Name: "session", Scheme: credential.SessionScheme(), Organization: organization, User: s.User,
		Scopes: []credential.Scope{credential.AllScope}, CreatedAt: s.CreatedAt, CreatedBy: "user:" + s.User.String(),
		ExpiresAt: s.IdleUntil, RevokedAt: s.EndedAt,
	}
	if s.EndsAt.Before(c.ExpiresAt) {
		c.ExpiresAt = s.EndsAt
	}
	c.Resolve()
	return &credential.Standing{
		Credential: c, Secret: credential.SecretInfo{CreatedAt: s.CreatedAt},
		OrganizationActive: true, ProjectActive: true, UserInactive: deactivated, Role: role,
	}
}
