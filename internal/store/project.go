package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Project is what work belongs to.
type Project struct {
	ID                 uuid.UUID
	Number             int64 // pr-<number>
	Organization       uuid.UUID
	OrganizationNumber int64 // PRJ-<number>
	Name               string
	Description        string
	Public             bool   // whether others may know of it
	ProductType        string // webapp, api or mobile
	CreatedAt          time.Time
	ArchivedAt         time.Time
}

const projectColumns = `p.id, p.number, p.organization_id, p.organization_number, p.name, p.description, p.visibility = 'public', p.product_type, p.created_at, p.archived_at`

func (p *Project) targets() []any {
	return []any{&p.ID, &p.Number, &p.Organization, &p.OrganizationNumber, &p.Name, &p.Description, &p.Public, &p.ProductType, instant{&p.CreatedAt}, instant{&p.ArchivedAt}}
}

// InsertProject stores a new project, gives it its numbers and what it may
// spend, and makes its first test cycle.
func (t *Tx) InsertProject(ctx context.Context, p *Project) (err error) {
	if p.Number, err = t.next(ctx, "installation", "project"); err != nil {
		return err
	}
	if p.OrganizationNumber, err = t.next(ctx, p.Organization.String(), "project"); err != nil {
		return err
	}
	visibility := "private"
	p.ProductType = cmp.Or(p.ProductType, "webapp")
	if p.Public {
		visibility = "public"
	}
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO projects (id, number, organization_id, organization_number, name, description, visibility, product_type, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, p.ID, p.Number, p.Organization, p.OrganizationNumber, p.Name, p.Description, visibility, p.ProductType, p.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a project", err)
	}
	if err := t.insertBudget(ctx, p.Organization, p.ID, p.CreatedAt); err != nil {
		return err
	}
	return t.insertMaster(ctx, p)
}

// UpdateProject stores what people say of a project, but for its name.
func (t *Tx) UpdateProject(ctx context.Context, p *Project) error {
	if _, err := t.q.ExecContext(ctx, `UPDATE projects SET description = $2, product_type = $3 WHERE id = $1`, p.ID, p.Description, p.ProductType); err != nil {
		return t.fail("change a project", err)
	}
	return nil
}

// ArchiveProject sets or (zero) clears when a project was archived.
func (t *Tx) ArchiveProject(ctx context.Context, id uuid.UUID, at time.Time) error {
	t.touchedAll = true
	if _, err := t.q.ExecContext(ctx, `UPDATE projects SET archived_at = $2 WHERE id = $1`, id, stamp(at)); err != nil {
		return t.fail("archive a project", err)
	}
	return nil
}

// DeleteProject takes a project away for good, with the places of its members
// and the credentials that were its own. It returns those.
func (t *Tx) DeleteProject(ctx context.Context, id uuid.UUID, at time.Time) ([]uuid.UUID, error) {
	t.touchedAll = true
	_, err := t.q.ExecContext(ctx, `UPDATE projects SET deleted_at = $2, archived_at = COALESCE(archived_at, $2) WHERE id = $1`, id, at.UnixMilli())
	if err != nil {
		return nil, t.fail("delete a project", err)
	}
	if _, err := t.q.ExecContext(ctx, `DELETE FROM project_members WHERE project_id = $1`, id); err != nil {
		return nil, t.fail("delete the members of a project", err)
	}
	return list(ctx, t.reader, selection[uuid.UUID]{"revoke the credentials of a project", idTarget,
		`UPDATE credentials SET revoked_at = $2 WHERE project_id = $1 AND revoked_at IS NULL RETURNING id`}, id, at.UnixMilli())
}

// SetProjectMember gives a user a role in a project; an empty role takes it away.
func (t *Tx) SetProjectMember(ctx context.Context, project, user uuid.UUID, role credential.ProjectRole, now time.Time) (err error) {
	t.touchedAll = true
	if role == "" {
		_, err = t.q.ExecContext(ctx, `DELETE FROM project_members WHERE project_id = $1 AND user_id = $2`, project, user)
	} else {
		_, err = t.q.ExecContext(ctx, `
			INSERT INTO project_members (project_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (project_id, user_id) DO UPDATE SET role = excluded.role`, project, user, role, now.UnixMilli())
	}
	if err != nil {
		return t.fail("set a project member", err)
	}
	return nil
}

// ProjectMember is the role of a user in a project.
type ProjectMember struct {
	User     uuid.UUID
	Role     credential.ProjectRole
	JoinedAt time.Time
}

// ProjectMember finds the role of a user in a project.
func (r reader) ProjectMember(ctx context.Context, project, user uuid.UUID) (*ProjectMember, error) {
	var m ProjectMember
	err := r.q.QueryRowContext(ctx, `SELECT user_id, role, created_at FROM project_members WHERE project_id = $1 AND user_id = $2`, project, user).
		Scan(&m.User, &m.Role, instant{&m.JoinedAt})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such member of the project")
	}
	if err != nil {
		return nil, r.fail("read a member of a project", err)
	}
	return &m, nil
}

// ProjectRef names a project within an organization in one of the ways that
// the outside does; exactly one field is set.
type ProjectRef struct {
	ID                 uuid.UUID
	Number             int64 // pr-<number>
	OrganizationNumber int64 // PRJ-<number>
}

// where writes the reference as a condition with its argument as $2.
func (ref ProjectRef) where() (string, any) {
	switch {
	case ref.Number != 0:
		return `p.number = $2`, ref.Number
	case ref.OrganizationNumber != 0:
		return `p.organization_number = $2`, ref.OrganizationNumber
	}
	return `p.id = $2`, ref.ID
}

// ProjectIn finds a project within an organization.
func (r reader) ProjectIn(ctx context.Context, organization uuid.UUID, ref ProjectRef) (*Project, error) {
	where, arg := ref.where()
	var p Project
	err := r.q.QueryRowContext(ctx, `SELECT `+projectColumns+` FROM projects p WHERE p.organization_id = $1 AND p.deleted_at IS NULL AND `+where, organization, arg).
		Scan(p.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such project")
	}
	if err != nil {
		return nil, r.fail("read a project", err)
	}
	return &p, nil
}

// ProjectAccess returns a project as a user sees it (Nil for no user). A
// project that isn't in the organization is the zero value.
func (r reader) ProjectAccess(ctx context.Context, organization uuid.UUID, ref ProjectRef, user uuid.UUID) (a credential.ProjectAccess, err error) {
	where, arg := ref.where()
	var archivedAt time.Time
	var role sql.NullString
	err = r.q.QueryRowContext(ctx, `
		SELECT p.id, p.archived_at, pm.role FROM projects p
		LEFT JOIN project_members pm ON pm.project_id = p.id AND pm.user_id = $3
		WHERE p.organization_id = $1 AND p.deleted_at IS NULL AND `+where, organization, arg, user).Scan(&a.ID, instant{&archivedAt}, &role)
	if errors.Is(err, sql.ErrNoRows) {
		return credential.ProjectAccess{}, nil
	}
	if err != nil {
		return credential.ProjectAccess{}, r.fail("read a project", err)
	}
	a.Active, a.Role = archivedAt.IsZero(), credential.ProjectRole(role.String)
	return a, nil
}

// Projects returns the projects of an organization with an id above after:
// all of them, or (user not Nil) those that the user was added to.
func (r reader) Projects(ctx context.Context, organization, user, after uuid.UUID, limit int) ([]Project, error) {
	return list(ctx, r, selection[Project]{"list projects", (*Project).targets, `SELECT ` + projectColumns + ` FROM projects p
		WHERE p.organization_id = $1 AND p.deleted_at IS NULL AND p.id > $2
		AND (CAST($3 AS TEXT) = '' OR EXISTS (SELECT 1 FROM project_members pm WHERE pm.project_id = p.id AND pm.user_id = $4))
		ORDER BY p.id LIMIT $5`}, organization, after, textOf(user), user, limit)
}

// SeenProject is a project as one of its members sees it.
type SeenProject struct {
	Project
	Role    credential.ProjectRole // empty for who isn't one
	Members int
}

// targets has a role that may be NULL as an empty text.
func (p *SeenProject) targets() []any { return append(p.Project.targets(), &p.Role, &p.Members) }

// Seeing says which projects in service of an organization a user sees.
type Seeing struct {
	Organization, User uuid.UUID
	All                bool // not only those that the user was added to
	Skip, Limit        int
}

// seen is the condition of a Seeing.
const seen = ` FROM projects p LEFT JOIN project_members pm ON pm.project_id = p.id AND pm.user_id = $2
	WHERE p.organization_id = $1 AND p.deleted_at IS NULL AND p.archived_at IS NULL AND (pm.role IS NOT NULL OR $3 = 1)`

// ProjectsSeen returns projects in the order of their creation.
func (r reader) ProjectsSeen(ctx context.Context, s Seeing) ([]SeenProject, error) {
	return list(ctx, r, selection[SeenProject]{"list projects", (*SeenProject).targets, `SELECT ` + projectColumns + `, COALESCE(pm.role, ''),
		(SELECT COUNT(*) FROM project_members m WHERE m.project_id = p.id)` + seen + ` ORDER BY p.id LIMIT $4 OFFSET $5`},
		s.Organization, s.User, flag(s.All), s.Limit, s.Skip)
}

// ProjectSeen returns one project as a user sees it.
func (r reader) ProjectSeen(ctx context.Context, project, user uuid.UUID) (p SeenProject, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT `+projectColumns+`, COALESCE(pm.role, ''),
		(SELECT COUNT(*) FROM project_members m WHERE m.project_id = p.id)
		FROM projects p LEFT JOIN project_members pm ON pm.project_id = p.id AND pm.user_id = $2 WHERE p.id = $1`, project, user).Scan(p.targets()...)
	if err != nil {
		return p, r.fail("read a project", err)
	}
	return p, nil
}

// CountProjectsSeen counts the projects that a user sees.
func (r reader) CountProjectsSeen(ctx context.Context, s Seeing) (n int, err error) {
	if err = r.q.QueryRowContext(ctx, `SELECT COUNT(*)`+seen, s.Organization, s.User, flag(s.All)).Scan(&n); err != nil {
		return 0, r.fail("count projects", err)
	}
	return n, nil
}
