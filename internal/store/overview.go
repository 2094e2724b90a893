package store

import (
	"context"
	"database/sql"

	"github.com/google/uuid"
)

// OpenIssues counts the issues of a project that aren't done, by priority: up
// to MostCounted of each status.
func (r reader) OpenIssues(ctx context.Context, project uuid.UUID) (map[string]int, error) {
	type group struct {
		priority string
		count    int
	}
	targets := func(g *group) []any { return []any{&g.priority, &g.count} }
	counts := map[string]int{}
	for _, status := range []string{"open", "in_progress", "needs_more_info"} {
		found, err := list(ctx, r, selection[group]{"count issues", targets, `SELECT priority, COUNT(*) FROM
			(SELECT i.priority FROM issues i WHERE i.project_id = $1 AND i.status = $2 ORDER BY i.number DESC LIMIT $3) AS found GROUP BY priority`}, project, status, MostCounted)
		if err != nil {
			return nil, err
		}
		for _, g := range found {
			counts[g.priority] += g.count
		}
	}
	return counts, nil
}

// Assignable returns who may see to the issues of a project, by name: whoever
// is in it, and those who administer its organization.
func (r reader) Assignable(ctx context.Context, project uuid.UUID, limit int) ([]Person, error) {
	targets := func(p *Person) []any { return []any{&p.ID, &p.Number, &p.Name} }
	return list(ctx, r, selection[Person]{"list who may be assigned", targets, `SELECT u.id, u.number, u.name
		FROM projects p JOIN members m ON m.organization_id = p.organization_id JOIN users u ON u.id = m.user_id
		WHERE p.id = $1 AND u.deactivated_at IS NULL
			AND (m.role IN ('owner', 'admin') OR EXISTS (SELECT 1 FROM project_members x WHERE x.project_id = p.id AND x.user_id = u.id))
		ORDER BY u.name, u.number LIMIT $2`}, project, limit)
}

// Folders returns the folders of a project that hold test cases, by path.
func (r reader) Folders(ctx context.Context, project uuid.UUID, limit int) ([]string, error) {
	return list(ctx, r, selection[string]{"list folders", text, `SELECT f.path FROM test_folders f WHERE f.project_id = $1
		AND EXISTS (SELECT 1 FROM test_cases c WHERE c.project_id = $1 AND c.folder_id = f.id AND c.deleted_at IS NULL) ORDER BY f.path LIMIT $2`}, project, limit)
}

func text(s *string) []any { return []any{s} }

// CaseLabels, RunNames and RunBranches return what test cases and runs of a
// project are called by, in the order of the alphabet. Each value is looked up
// behind the one before, so that it doesn't matter how often it is there.
func (r reader) CaseLabels(ctx context.Context, project uuid.UUID, limit int) ([]string, error) {
	return r.values(ctx, `test_case_labels`, `label`, project, limit)
}

// RunNames is like CaseLabels.
func (r reader) RunNames(ctx context.Context, project uuid.UUID, limit int) ([]string, error) {
	return r.values(ctx, `test_runs`, `name`, project, limit)
}

// RunBranches is like CaseLabels.
func (r reader) RunBranches(ctx context.Context, project uuid.UUID, limit int) ([]string, error) {
	return r.values(ctx, `test_runs`, `branch`, project, limit)
}

// values returns the values of an indexed column, without the empty one.
func (r reader) values(ctx context.Context, table, column string, project uuid.UUID, limit int) (out []string, err error) {
	query := `SELECT MIN(` + column + `) FROM ` + table + ` WHERE project_id = $1 AND ` + column + ` > $2`
	for last := ""; len(out) < limit; {
		var next sql.NullString
		if err := r.q.QueryRowContext(ctx, query, project, last).Scan(&next); err != nil {
			return nil, r.fail("list values", err)
		}
		if !next.Valid {
			break
		}
		out, last = append(out, next.String), next.String
	}
	return out, nil
}
