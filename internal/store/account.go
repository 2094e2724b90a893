package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// User finds a user by id, with the password's hash.
func (r reader) User(ctx context.Context, id uuid.UUID) (*User, error) {
	return r.user(ctx, `u.id = $1`, id)
}

// UserByEmail finds a user by normalised address, with the password's hash.
func (r reader) UserByEmail(ctx context.Context, email string) (*User, error) {
	return r.user(ctx, `u.email = $1`, email)
}

func (r reader) user(ctx context.Context, where string, arg any) (*User, error) {
	var u User
	var hash sql.NullString
	err := r.q.QueryRowContext(ctx, `SELECT u.password_hash, `+userColumns+` FROM users u WHERE u.deleted_at IS NULL AND `+where, arg).
		Scan(append([]any{&hash}, u.targets()...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such user")
	}
	if err != nil {
		return nil, r.fail("read a user", err)
	}
	u.PasswordHash = hash.String
	return &u, nil
}

// HoldUser keeps others from changing a user until this change is done.
func (t *Tx) HoldUser(ctx context.Context, id uuid.UUID) error {
	return t.updateUser(ctx, "hold a user", `number = number`, id)
}

// updateUser runs one change of a user's own row.
func (t *Tx) updateUser(ctx context.Context, op, set string, id uuid.UUID, args ...any) error {
	if _, err := t.q.ExecContext(ctx, `UPDATE users SET `+set+` WHERE id = $1`, append([]any{id}, args...)...); err != nil {
		return t.fail(op, err)
	}
	return nil
}

// SetProfile stores what a user says of themselves.
func (t *Tx) SetProfile(ctx context.Context, u *User) error {
	return t.updateUser(ctx, "store a profile", `name = $2, avatar_url = $3, preferences = $4, updated_at = $5`,
		u.ID, u.Name, optional(u.AvatarURL), optional(u.Preferences), u.UpdatedAt.UnixMilli())
}

// SetPassword stores a password's hash.
func (t *Tx) SetPassword(ctx context.Context, id uuid.UUID, hash string, now time.Time) error {
	return t.updateUser(ctx, "store a password", `password_hash = $2, updated_at = $3`, id, hash, now.UnixMilli())
}

// SetVerified notes that the user's address is theirs.
func (t *Tx) SetVerified(ctx context.Context, id uuid.UUID, now time.Time) error {
	return t.updateUser(ctx, "note that an address is verified", `email_verified_at = $2, updated_at = $2`, id, now.UnixMilli())
}

// SetDeactivated notes since when a user is deactivated; zero for not.
func (t *Tx) SetDeactivated(ctx context.Context, id uuid.UUID, at time.Time) error {
	t.touchedAll = true
	return t.updateUser(ctx, "deactivate a user", `deactivated_at = $2`, id, stamp(at))
}

// DeleteUser takes away what is known of a user, and leaves the row: its id is
// nobody else's, and its address is free.
func (t *Tx) DeleteUser(ctx context.Context, id uuid.UUID, at time.Time) error {
	t.touchedAll = true
	err := t.updateUser(ctx, "delete a user", `email = $2, name = 'Deleted user', password_hash = NULL, avatar_url = NULL, preferences = NULL,
		email_verified_at = NULL, deactivated_at = COALESCE(deactivated_at, $3), deleted_at = $3`, id, "deleted-"+id.String()+"@user.invalid", at.UnixMilli())
	if err != nil {
		return err
	}
	for _, table := range []string{"project_members", "members", "links", "provider_links"} {
		if _, err := t.q.ExecContext(ctx, `DELETE FROM `+table+` WHERE user_id = $1`, id); err != nil {
			return t.fail("delete what a user has", err)
		}
	}
	return t.DropTwoFactor(ctx, id)
}

// Membership is an organization that a user is a member of.
type Membership struct {
	Organization
	Role     credential.Role
	JoinedAt time.Time
}

// Memberships returns the organizations of a user, those joined first first.
func (r reader) Memberships(ctx context.Context, user uuid.UUID, limit int) ([]Membership, error) {
	targets := func(m *Membership) []any { return append(m.Organization.targets(), &m.Role, instant{&m.JoinedAt}) }
	return list(ctx, r, selection[Membership]{"list the organizations of a user", targets, `
		SELECT ` + organizationColumns + `, m.role, m.created_at
		FROM members m JOIN organizations o ON o.id = m.organization_id AND o.deleted_at IS NULL
		WHERE m.user_id = $1 ORDER BY m.created_at, o.id LIMIT $2`}, user, limit)
}

// Link is a link that is good once, for a purpose of a user.
type Link struct {
	User      uuid.UUID
	Purpose   string
	ExpiresAt time.Time
}

// SetLink stores a link. An older one of the same purpose is dead.
func (t *Tx) SetLink(ctx context.Context, key credential.LookupKey, version int, l Link) error {
	k := key.Bytes()
	if err := t.DropLinks(ctx, l.User, l.Purpose); err != nil {
		return err
	}
	_, err := t.q.ExecContext(ctx, `INSERT INTO links (lookup_key, user_id, purpose, key_version, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		k[:], l.User, l.Purpose, version, l.ExpiresAt.UnixMilli())
	if err != nil {
		return t.fail("store a link", err)
	}
	return nil
}

// DropLinks deletes a user's links of some purposes.
func (t *Tx) DropLinks(ctx context.Context, user uuid.UUID, purposes ...string) error {
	for _, purpose := range purposes {
		if _, err := t.q.ExecContext(ctx, `DELETE FROM links WHERE user_id = $1 AND purpose = $2`, user, purpose); err != nil {
			return t.fail("delete a link", err)
		}
	}
	return nil
}

// TakeLink uses a link up. One that isn't there is credential.NotFound.
func (t *Tx) TakeLink(ctx context.Context, key credential.LookupKey) (*Link, error) {
	k := key.Bytes()
	return t.link(ctx, `DELETE FROM links WHERE lookup_key = $1 RETURNING user_id, purpose, expires_at`, k[:])
}

// Link finds a link without using it up.
func (r reader) Link(ctx context.Context, key credential.LookupKey) (*Link, error) {
	k := key.Bytes()
	return r.link(ctx, `SELECT user_id, purpose, expires_at FROM links WHERE lookup_key = $1`, k[:])
}

// LinkOf finds the link of a purpose of a user, or nil.
func (t *Tx) LinkOf(ctx context.Context, user uuid.UUID, purpose string) (*Link, error) {
	l := Link{User: user, Purpose: purpose}
	err := t.q.QueryRowContext(ctx, `SELECT expires_at FROM links WHERE user_id = $1 AND purpose = $2`, user, purpose).Scan(instant{&l.ExpiresAt})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, t.fail("find a link", err)
	}
	return &l, nil
}

func (r reader) link(ctx context.Context, query string, key []byte) (*Link, error) {
	var l Link
	err := r.q.QueryRowContext(ctx, query, key).Scan(&l.User, &l.Purpose, instant{&l.ExpiresAt})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such link")
	}
	if err != nil {
		return nil, r.fail("find a link", err)
	}
	return &l, nil
}

// ForgetLinks deletes the links that expired before a time.
func (s *Store) ForgetLinks(ctx context.Context, before time.Time) error {
	if _, err := s.write.ExecContext(ctx, `DELETE FROM links WHERE expires_at < $1`, before.UnixMilli()); err != nil {
		return s.failed("forget links", err)
	}
	return nil
}
