package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// ProjectSeen is a project with the role that a user has in it, empty for none.
type ProjectSeen struct {
	Project
	Role credential.ProjectRole
}

func (p *ProjectSeen) targets() []any { return append(p.Project.targets(), &p.Role) }

// Sight says which projects somebody sees.
type Sight struct {
	Organization uuid.UUID
	Project      uuid.UUID // only this one; Nil for all
	User         uuid.UUID // whose roles are told; Nil for nobody's
	Added        bool      // only those that the user was added to
}

func (s *Sight) where() (string, []any) {
	w := conditions{args: []any{s.Organization, s.User}}
	join := "LEFT JOIN"
	if s.Added {
		join = "JOIN"
	}
	w.text.WriteString(` FROM projects p ` + join + ` project_members pm ON pm.project_id = p.id AND pm.user_id = $2 WHERE p.organization_id = $1 AND p.deleted_at IS NULL`)
	if s.Project != uuid.Nil {
		w.and(`p.id = $`, s.Project)
	}
	return w.text.String(), w.args
}

// ProjectsSeen returns the projects that somebody sees, in the order of their
// numbers, without so many of them.
func (r reader) ProjectsSeen(ctx context.Context, s Sight, without, limit int) ([]ProjectSeen, error) {
	where, args := s.where()
	query := `SELECT ` + projectColumns + `, COALESCE(pm.role, '')` + where + fmt.Sprintf(" ORDER BY p.organization_number LIMIT $%d OFFSET $%d", len(args)+1, len(args)+2)
	return list(ctx, r, selection[ProjectSeen]{"list projects", (*ProjectSeen).targets, query}, append(args, limit, without)...)
}

// CountProjectsSeen returns how many projects somebody sees, up to MostCounted.
func (r reader) CountProjectsSeen(ctx context.Context, s Sight) (n int64, err error) {
	where, args := s.where()
	if err = r.q.QueryRowContext(ctx, fmt.Sprintf(counting, where, MostCounted), args...).Scan(&n); err != nil {
		return 0, r.fail("count projects", err)
	}
	return n, nil
}
