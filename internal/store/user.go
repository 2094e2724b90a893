package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// User is a person, who may be a member of several organizations.
type User struct {
	ID            uuid.UUID
	Number        int64
	Email         string
	Name          string
	PasswordHash  string // PHC string; only set where a method says so
	HasPassword   bool   // whether the user can sign in by password
	TwoFactor     bool   // whether that takes a code as well
	Service       bool   // whether nobody ever signs in: the owner of shared tokens
	AvatarURL     string
	Preferences   string // a JSON object; empty for none
	CreatedAt     time.Time
	UpdatedAt     time.Time
	VerifiedAt    time.Time // since when the address is known to be the user's
	DeactivatedAt time.Time
}

// Member is a user in an organization.
type Member struct {
	User
	Role     credential.Role
	JoinedAt time.Time
}

const userColumns = `u.id, u.number, u.email, u.name, u.password_hash IS NOT NULL, COALESCE(u.avatar_url, ''), COALESCE(u.preferences, ''),
	EXISTS (SELECT 1 FROM two_factor f WHERE f.user_id = u.id AND f.enabled_at IS NOT NULL), u.service,
	u.created_at, COALESCE(u.updated_at, u.created_at), u.email_verified_at, u.deactivated_at`

func (u *User) targets() []any {
	return []any{&u.ID, &u.Number, &u.Email, &u.Name, &u.HasPassword, &u.AvatarURL, &u.Preferences, &u.TwoFactor, &u.Service,
		instant{&u.CreatedAt}, instant{&u.UpdatedAt}, instant{&u.VerifiedAt}, instant{&u.DeactivatedAt}}
}

func (m *Member) targets() []any { return append(m.User.targets(), &m.Role, instant{&m.JoinedAt}) }

// InsertUser stores a new user and gives it its number. An address that is
// taken is credential.Conflict.
func (t *Tx) InsertUser(ctx context.Context, u *User) (err error) {
	if u.Number, err = t.next(ctx, "installation", "user"); err != nil {
		return err
	}
	service := 0
	if u.Service {
		service = 1
	}
	_, err = t.q.ExecContext(ctx, `INSERT INTO users (id, number, email, name, password_hash, created_at, email_verified_at, service) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		u.ID, u.Number, u.Email, u.Name, optional(u.PasswordHash), u.CreatedAt.UnixMilli(), stamp(u.VerifiedAt), service)
	if err != nil {
		return t.fail("store a user", err)
	}
	return nil
}

// SetMember makes a user a member of an organization, or changes the role.
func (t *Tx) SetMember(ctx context.Context, organization, user uuid.UUID, role credential.Role, now time.Time) error {
	t.touchedAll = true
	_, err := t.q.ExecContext(ctx, `
		INSERT INTO members (organization_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role`, organization, user, role, now.UnixMilli())
	if err != nil {
		return t.fail("set a member", err)
	}
	return nil
}

// RemoveMember ends a membership, and with it the places in the organization's
// projects.
func (t *Tx) RemoveMember(ctx context.Context, organization, user uuid.UUID) error {
	t.touchedAll = true
	_, err := t.q.ExecContext(ctx, `
		DELETE FROM project_members WHERE user_id = $2 AND project_id IN (SELECT id FROM projects WHERE organization_id = $1)`, organization, user)
	if err != nil {
		return t.fail("remove a member", err)
	}
	if _, err := t.q.ExecContext(ctx, `DELETE FROM members WHERE organization_id = $1 AND user_id = $2`, organization, user); err != nil {
		return t.fail("remove a member", err)
	}
	return nil
}

// CountOwners counts the active owners of an organization.
func (r reader) CountOwners(ctx context.Context, organization uuid.UUID) (n int, err error) {
	err = r.q.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM members m JOIN users u ON u.id = m.user_id
		WHERE m.organization_id = $1 AND m.role = 'owner' AND u.deactivated_at IS NULL`, organization).Scan(&n)
	if err != nil {
		return 0, r.fail("count owners", err)
	}
	return n, nil
}

// MemberByID finds a member of an organization by the user's id.
func (r reader) MemberByID(ctx context.Context, organization, user uuid.UUID) (*Member, error) {
	return r.member(ctx, `u.id = $2`, organization, user)
}

// MemberByEmail finds a member of an organization by normalised address.
func (r reader) MemberByEmail(ctx context.Context, organization uuid.UUID, email string) (*Member, error) {
	return r.member(ctx, `u.email = $2`, organization, email)
}

// MemberByNumber finds a member of an organization by the user's number.
func (r reader) MemberByNumber(ctx context.Context, organization uuid.UUID, number int64) (*Member, error) {
	return r.member(ctx, `u.number = $2`, organization, number)
}

func (r reader) member(ctx context.Context, where string, args ...any) (*Member, error) {
	var m Member
	err := r.q.QueryRowContext(ctx, `SELECT `+userColumns+`, m.role, m.created_at FROM members m JOIN users u ON u.id = m.user_id
		WHERE m.organization_id = $1 AND `+where, args...).Scan(m.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such member")
	}
	if err != nil {
		return nil, r.fail("read a member", err)
	}
	return &m, nil
}

// Members returns the members of an organization with a user id above after.
func (r reader) Members(ctx context.Context, organization, after uuid.UUID, limit int) ([]Member, error) {
	return r.members(ctx, organization, after, limit, 0)
}

// Managers returns owners and admins of an organization who are in service and
// have proven their address.
func (r reader) Managers(ctx context.Context, organization uuid.UUID, limit int) ([]User, error) {
	return list(ctx, r, selection[User]{"list managers", (*User).targets, `SELECT ` + userColumns + `
		FROM members m JOIN users u ON u.id = m.user_id
		WHERE m.organization_id = $1 AND m.role IN ('owner', 'admin') AND u.deactivated_at IS NULL AND u.email_verified_at IS NOT NULL
		ORDER BY u.id LIMIT $2`}, organization, limit)
}

// MembersIn returns a section of the members of an organization, in the order
// of their ids, and how many there are: up to MostCounted.
func (r reader) MembersIn(ctx context.Context, organization uuid.UUID, s Section) ([]Member, int, error) {
	total, err := r.countOf(ctx, "members", organization)
	if err != nil {
		return nil, 0, err
	}
	found, err := r.members(ctx, organization, uuid.Nil, s.Limit, s.Offset)
	return found, total, err
}

func (r reader) members(ctx context.Context, args ...any) ([]Member, error) {
	return list(ctx, r, selection[Member]{"list members", (*Member).targets, `SELECT ` + userColumns + `, m.role, m.created_at
		FROM (SELECT user_id, role, created_at FROM members WHERE organization_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3 OFFSET $4) AS m
		JOIN users u ON u.id = m.user_id ORDER BY m.user_id`}, args...)
}

// countOf counts the rows of a table that are of an organization, up to MostCounted.
func (r reader) countOf(ctx context.Context, table string, organization uuid.UUID) (n int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM `+table+` WHERE organization_id = $1 LIMIT $2) AS found`, organization, MostCounted).Scan(&n)
	if err != nil {
		return 0, r.fail("count "+table, err)
	}
	return n, nil
}
