package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// CaseFilter chooses test cases of a project. Nil and empty fields choose all.
type CaseFilter struct {
	Project    uuid.UUID
	Status     string
	Type       string
	Priority   *int
	Folder     string
	Label      string
	Automation int64
	Reference  string
	// TestType and ExecutionType are those of OneTest.
	TestType, ExecutionType string
	Numbers                 []int64     // at most a page of them
	IDs                     []uuid.UUID // at most MostFound
	After                   int64       // the number of the last one that was seen
}

// where is the condition of a filter, with its arguments.
func (f *CaseFilter) where() (string, []any) {
	w := conditions{args: []any{f.Project, f.After}}
	w.text.WriteString(` FROM test_cases c WHERE c.project_id = $1 AND c.number > $2 AND c.deleted_at IS NULL`)
	if f.Label != "" {
		w.and(`EXISTS (SELECT 1 FROM test_case_labels l WHERE l.project_id = $1 AND l.number = c.number AND l.label = $)`, f.Label)
	}
	if f.Status != "" {
		w.and(`c.status = $`, f.Status)
	}
	if f.Type != "" {
		w.and(`c.type = $`, f.Type)
	}
	if f.Priority != nil {
		w.and(`c.priority = $`, *f.Priority)
	}
	if f.Automation != 0 {
		w.and(`c.automation_id = $`, f.Automation)
	}
	if f.Folder != "" {
		w.and(`c.folder_id = (SELECT id FROM test_folders WHERE project_id = $1 AND path = $)`, f.Folder)
	}
	if f.Reference != "" {
		w.and(`c.number IN (SELECT number FROM test_case_refs WHERE project_id = $1 AND ref = $)`, oneSpelling(f.Reference))
	}
	if f.TestType != "" {
		w.and(`c.test_type = $`, f.TestType)
	}
	if f.ExecutionType != "" {
		w.and(`c.execution_type = $`, f.ExecutionType)
	}
	if len(f.IDs) > 0 {
		among(&w, `c.id`, f.IDs)
	}
	if len(f.Numbers) > 0 {
		among(&w, `c.number`, f.Numbers)
	}
	return w.text.String(), w.args
}

// narrows reports whether a filter leaves anything out but by number.
func (f *CaseFilter) narrows() bool {
	return f.Status+f.Type+f.Folder+f.Label+f.Reference+f.TestType+f.ExecutionType != "" || f.Priority != nil || f.Automation != 0 || len(f.Numbers)+len(f.IDs) > 0 || f.After != 0
}

// conditions are those of a query under way, with their arguments.
type conditions struct {
	text strings.Builder
	args []any
}

// and adds a condition; its last "$" stands for the value.
func (w *conditions) and(condition string, value any) {
	w.args = append(w.args, value)
	at := strings.LastIndex(condition, "$")
	w.text.WriteString(" AND " + condition[:at+1] + strconv.Itoa(len(w.args)) + condition[at+1:])
}

// among adds that a column is one of some values.
func among[T any](w *conditions, column string, values []T) {
	marks := make([]string, len(values))
	for i, value := range values {
		w.args = append(w.args, value)
		marks[i] = "$" + strconv.Itoa(len(w.args))
	}
	w.text.WriteString(" AND " + column + " IN (" + strings.Join(marks, ", ") + ")")
}

// labels reports whether a filter asks for nothing but a label. That is looked
// up without the test cases, of which a database may otherwise read too many.
func (f *CaseFilter) labels() bool {
	others := *f
	others.Label, others.After = "", 0
	return f.Label != "" && !others.narrows()
}

const labelled = ` FROM test_case_labels WHERE project_id = $1 AND label = $2 AND number > $3`

// TestCases returns the test cases that a filter chooses, in the order of their
// numbers, without so many of them.
func (r reader) TestCases(ctx context.Context, f CaseFilter, without, limit int) ([]TestCase, error) {
	if f.labels() {
		targets := func(n *int64) []any { return []any{n} }
		numbers, err := list(ctx, r, selection[int64]{"list labels", targets, `SELECT number` + labelled + ` ORDER BY number LIMIT $4 OFFSET $5`},
			f.Project, f.Label, f.After, limit, without)
		if err != nil || len(numbers) == 0 {
			return nil, err
		}
		f, without = CaseFilter{Project: f.Project, Numbers: numbers}, 0
	}
	where, args := f.where()
	query := `SELECT ` + caseColumns + where + fmt.Sprintf(" ORDER BY c.number LIMIT $%d OFFSET $%d", len(args)+1, len(args)+2)
	return list(ctx, r, selection[TestCase]{"list test cases", (*TestCase).targets, query}, append(args, limit, without)...)
}

// CountTestCases returns how many test cases a filter chooses: of a whole
// project all of them, else up to MostCounted.
func (r reader) CountTestCases(ctx context.Context, f CaseFilter) (n int64, err error) {
	switch where, args := f.where(); {
	case !f.narrows():
		err = r.q.QueryRowContext(ctx, `SELECT test_cases FROM projects WHERE id = $1`, f.Project).Scan(&n)
	case f.labels():
		err = r.q.QueryRowContext(ctx, fmt.Sprintf(counting, labelled, MostCounted), f.Project, f.Label, f.After).Scan(&n)
	default:
		err = r.q.QueryRowContext(ctx, fmt.Sprintf(counting, where, MostCounted), args...).Scan(&n)
	}
	if err != nil {
		return 0, r.fail("count test cases", err)
	}
	return n, nil
}

// counting counts what a condition chooses, up to a bound.
const counting = `SELECT COUNT(*) FROM (SELECT 1 %s LIMIT %d) AS chosen`

// CasesByAutomation returns the numbers and ids of a project's test cases by
// their automation ids, for those that there are.
func (r reader) CasesByAutomation(ctx context.Context, project uuid.UUID, ids []int64) (map[int64]TestCase, error) {
	const page = 500
	found := make(map[int64]TestCase, len(ids))
	targets := func(c *TestCase) []any { return []any{&c.ID, &c.Number, &c.Automation} }
	for len(ids) > 0 {
		some := ids[:min(page, len(ids))]
		ids = ids[len(some):]
		w := conditions{args: []any{project}}
		w.text.WriteString(`SELECT id, number, automation_id FROM test_cases WHERE project_id = $1 AND deleted_at IS NULL`)
		among(&w, `automation_id`, some)
		cases, err := list(ctx, r, selection[TestCase]{"find test cases", targets, w.text.String()}, w.args...)
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			found[c.Automation] = c
		}
	}
	return found, nil
}

// CaseVersions returns the versions of a test case below before (0: all), the
// latest first.
func (r reader) CaseVersions(ctx context.Context, id uuid.UUID, before int64, limit int) ([]CaseVersion, error) {
	targets := func(v *CaseVersion) []any {
		return append([]any{&v.Version, inJSON{&v.CaseContent}, instant{&v.CreatedAt}}, v.Maker.targets()...)
	}
	return list(ctx, r, selection[CaseVersion]{"list versions", targets, `SELECT version, content, created_at, made_by, made_by_user FROM test_case_versions
		WHERE case_id = $1 AND ($2 = 0 OR version < $2) ORDER BY version DESC LIMIT $3`}, id, before, limit)
}
