package store

import (
	"context"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// MemberFilter chooses members of an organization. Empty fields choose all.
type MemberFilter struct {
	ID    uuid.UUID // that one
	Role  credential.Role
	Text  string    // in the name or the address
	After uuid.UUID // ids above it
	Limit int
}

// FindMembers returns the members of an organization that a filter chooses, in
// the order of their ids.
func (r reader) FindMembers(ctx context.Context, organization uuid.UUID, f MemberFilter) ([]Member, error) {
	where, args := ``, []any{organization, f.After, f.Limit}
	if f.ID != uuid.Nil {
		args = append(args, f.ID)
		where += ` AND m.user_id = $` + strconv.Itoa(len(args))
	}
	if f.Role != "" {
		args = append(args, f.Role)
		where += ` AND m.role = $` + strconv.Itoa(len(args))
	}
	if f.Text != "" {
		args = append(args, containing(f.Text))
		where += ` AND LOWER(u.name || ' ' || u.email) LIKE $` + strconv.Itoa(len(args)) + ` ESCAPE '!'`
	}
	return list(ctx, r, selection[Member]{"find members", (*Member).targets, `SELECT ` + userColumns + `, m.role, m.created_at
		FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = $1 AND m.user_id > $2` + where + ` ORDER BY m.user_id LIMIT $3`}, args...)
}

// countOfOne is how many there are of something that has an id.
type countOfOne struct {
	id         uuid.UUID
	some, more int
}

func (c *countOfOne) targets() []any { return []any{&c.id, &c.some, &c.more} }

// CredentialsHeld counts the credentials of users in an organization that
// weren't revoked. Who has none is not among them.
func (r reader) CredentialsHeld(ctx context.Context, organization uuid.UUID, users []uuid.UUID) (map[uuid.UUID]int, error) {
	held := map[uuid.UUID]int{}
	return held, r.inParts(users, func(n named) error {
		found, err := list(ctx, r, selection[countOfOne]{"count credentials of members", (*countOfOne).targets, `
			SELECT user_id, COUNT(*), 0 FROM credentials WHERE organization_id = $1 AND revoked_at IS NULL AND user_id IN (` + n.list + `) GROUP BY user_id`}, n.args...)
		for _, c := range found {
			held[c.id] = c.some
		}
		return err
	}, organization)
}

// PendingInvitations returns the invitations of an organization that nobody
// accepted, with an id below before (Nil: from the newest on), the newest first.
func (r reader) PendingInvitations(ctx context.Context, organization, before uuid.UUID, limit int) ([]Invitation, error) {
	return list(ctx, r, selection[Invitation]{"list pending invitations", (*Invitation).targets, `SELECT ` + invitationColumns + `
		FROM invitations WHERE organization_id = $1 AND accepted_at IS NULL AND (id < $2 OR $4) ORDER BY id DESC LIMIT $3`},
		organization, before, limit, before == uuid.Nil)
}

// Sent is how many deliveries of an endpoint arrived, and how many didn't yet.
type Sent struct{ Arrived, Failed int }

// SentSince counts the deliveries of endpoints that were made since a time.
func (r reader) SentSince(ctx context.Context, hooks []uuid.UUID, since time.Time) (map[uuid.UUID]Sent, error) {
	sent := map[uuid.UUID]Sent{}
	return sent, r.inParts(hooks, func(n named) error {
		found, err := list(ctx, r, selection[countOfOne]{"count deliveries", (*countOfOne).targets, `
			SELECT webhook_id, SUM(CASE WHEN delivered_at IS NULL THEN 0 ELSE 1 END), SUM(CASE WHEN delivered_at IS NULL AND failure IS NOT NULL THEN 1 ELSE 0 END)
			FROM webhook_deliveries WHERE id >= $1 AND webhook_id IN (` + n.list + `) GROUP BY webhook_id`}, n.args...)
		for _, c := range found {
			sent[c.id] = Sent{c.some, c.more}
		}
		return err
	}, firstID(since))
}

// firstID is below every UUIDv7 that is made from a time on.
func firstID(t time.Time) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:], uint64(t.UnixMilli())<<16)
	return id
}

// called is what something is called.
type called struct {
	id   uuid.UUID
	name string
}

func (c *called) targets() []any { return []any{&c.id, &c.name} }

// names are how things of an organization, by their kind, are called.
var names = map[string]string{
	"credential": `SELECT id, name FROM credentials WHERE organization_id = $1 AND id IN (`,
	"project":    `SELECT id, name FROM projects WHERE organization_id = $1 AND id IN (`,
	"webhook":    `SELECT id, url FROM webhooks WHERE organization_id = $1 AND id IN (`,
	"invitation": `SELECT id, email FROM invitations WHERE organization_id = $1 AND id IN (`,
	"user": `SELECT u.id, u.email FROM users u JOIN members m ON m.user_id = u.id
		WHERE m.organization_id = $1 AND u.id IN (`,
}

// NamesIn tells what things of an organization are called: credentials,
// projects, webhooks (their URL), invitations and users (their address). Those
// that are not there any more have no name.
func (r reader) NamesIn(ctx context.Context, organization uuid.UUID, kind string, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	out := map[uuid.UUID]string{}
	query, known := names[kind]
	if !known {
		return out, nil
	}
	return out, r.inParts(ids, func(n named) error {
		found, err := list(ctx, r, selection[called]{"name what is of kind " + kind, (*called).targets, query + n.list + `)`}, n.args...)
		for _, c := range found {
			out[c.id] = c.name
		}
		return err
	}, organization)
}

// ProjectFilter chooses projects of an organization that a user sees.
type ProjectFilter struct {
	Organization, User uuid.UUID
	All                bool // not only those that the user was added to
	Archived           bool // those, and no others
	Text               string
	After              uuid.UUID
	Limit              int
}

// ListedProject is a project with what it has.
type ListedProject struct {
	SeenProject
	Credentials int // that weren't revoked
}

func (p *ListedProject) targets() []any { return append(p.SeenProject.targets(), &p.Credentials) }

// FindProjects returns projects in the order of their creation.
func (r reader) FindProjects(ctx context.Context, f ProjectFilter) ([]ListedProject, error) {
	where, args := ` AND p.archived_at IS NULL`, []any{f.Organization, f.User, f.After, flag(f.All), f.Limit}
	if f.Archived {
		where = ` AND p.archived_at IS NOT NULL`
	}
	if f.Text != "" {
		args = append(args, containing(f.Text))
		where += ` AND LOWER(p.name || ' prj-' || p.organization_number || ' ' || p.description) LIKE $6 ESCAPE '!'`
	}
	return list(ctx, r, selection[ListedProject]{"find projects", (*ListedProject).targets, `SELECT ` + projectColumns + `, COALESCE(pm.role, ''),
		(SELECT COUNT(*) FROM project_members m WHERE m.project_id = p.id),
		(SELECT COUNT(*) FROM credentials c WHERE c.project_id = p.id AND c.revoked_at IS NULL)
		FROM projects p LEFT JOIN project_members pm ON pm.project_id = p.id AND pm.user_id = $2
		WHERE p.organization_id = $1 AND p.deleted_at IS NULL AND p.id > $3 AND (pm.role IS NOT NULL OR $4 = 1)` + where + ` ORDER BY p.id LIMIT $5`}, args...)
}

// PendingInvitation finds an invitation that nobody accepted.
func (r reader) PendingInvitation(ctx context.Context, organization, id uuid.UUID) (*Invitation, error) {
	return r.invitation(ctx, `organization_id = $1 AND id = $2 AND accepted_at IS NULL`, organization, id)
}

// schemeCount is how many credentials there are of a scheme.
type schemeCount struct {
	scheme string
	n      int
}

func (c *schemeCount) targets() []any { return []any{&c.scheme, &c.n} }

// CredentialsByScheme counts the credentials of an organization that weren't
// revoked.
func (r reader) CredentialsByScheme(ctx context.Context, organization uuid.UUID) (map[string]int, error) {
	found, err := list(ctx, r, selection[schemeCount]{"count credentials by scheme", (*schemeCount).targets,
		`SELECT scheme, COUNT(*) FROM credentials WHERE organization_id = $1 AND revoked_at IS NULL GROUP BY scheme`}, organization)
	counts := map[string]int{}
	for _, c := range found {
		counts[c.scheme] = c.n
	}
	return counts, err
}
