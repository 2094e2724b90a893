package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Maker is who made a row: a credential, a user, or both. Nil is neither, as
// for the operator; a session is its user.
type Maker struct{ Credential, User uuid.UUID }

func (m *Maker) targets() []any { return []any{nullID{&m.Credential}, nullID{&m.User}} }

// nullID scans an id that may be NULL; that is the nil id.
type nullID struct{ id *uuid.UUID }

// Scan implements sql.Scanner.
func (n nullID) Scan(src any) error {
	var null uuid.NullUUID
	err := null.Scan(src)
	*n.id = null.UUID
	return err
}

// TestCase is something that is to be tested, and how.
type TestCase struct {
	ID, Project uuid.UUID
	Number      int64 // TC-<number>
	Automation  int64 // five digits by which tests name it; 0 for none
	Version     int64
	CaseContent
	Maker
	CreatedAt, UpdatedAt, DeletedAt time.Time
}

// CaseContent is what people say of a test case. It is what a version keeps,
// under the names that stand here.
type CaseContent struct {
	Title         string     `json:"title"`
	Description   string     `json:"description"`
	Preconditions string     `json:"preconditions"`
	Priority      int        `json:"priority"` // 0 is the most urgent, 4 the least
	Type          string     `json:"type"`
	Status        string     `json:"status"`
	Folder        string     `json:"folder"` // a path; empty for none
	Labels        []string   `json:"labels"`
	Steps         []TestStep `json:"steps"`
	References    []string   `json:"references"` // how results name the tests that stand for it
	// TestType is manual, automated or exploratory, ExecutionType manual or
	// automated; AutomationStatus is not_automated, candidate or automated.
	TestType         string `json:"test_type"`
	ExecutionType    string `json:"execution_type"`
	AutomationStatus string `json:"automation_status"`
	Component        string `json:"component"`
	Owner            string `json:"owner"`
	// Custom are fields that people add, by their names.
	Custom map[string]string `json:"custom"`
}

// TestStep is one thing to do, and what should come of it.
type TestStep struct {
	Action         string   `json:"action"`
	ExpectedResult string   `json:"expected_result"`
	Data           string   `json:"data,omitempty"`
	Attachments    []string `json:"attachments,omitempty"` // by name
}

// CaseVersion is what a test case was, since when and by whom.
type CaseVersion struct {
	Version int64
	CaseContent
	Maker
	CreatedAt time.Time
}

const caseColumns = `c.id, c.project_id, c.number, COALESCE(c.automation_id, 0), c.version, c.title, c.description, c.preconditions, c.priority, c.type, c.status,
	COALESCE((SELECT f.path FROM test_folders f WHERE f.id = c.folder_id), ''), c.labels, c.steps, c.automation_refs,
	c.test_type, c.execution_type, c.automation_status, c.component, c.owner, c.custom, c.made_by, c.made_by_user, c.created_at, c.updated_at, c.deleted_at`

func (c *TestCase) targets() []any {
	return append(append([]any{&c.ID, &c.Project, &c.Number, &c.Automation, &c.Version, &c.Title, &c.Description, &c.Preconditions, &c.Priority, &c.Type, &c.Status,
		&c.Folder, inJSON{&c.Labels}, inJSON{&c.Steps}, inJSON{&c.References},
		&c.TestType, &c.ExecutionType, &c.AutomationStatus, &c.Component, &c.Owner, inJSON{&c.Custom}}, c.Maker.targets()...), instant{&c.CreatedAt}, instant{&c.UpdatedAt}, instant{&c.DeletedAt})
}

// inJSON scans a column that holds a value as JSON.
type inJSON struct{ value any }

// Scan implements sql.Scanner.
func (j inJSON) Scan(src any) error {
	switch text := src.(type) {
	case string:
		return json.Unmarshal([]byte(text), j.value)
	case []byte:
		return json.Unmarshal(text, j.value)
	}
	return fmt.Errorf("JSON is kept as a text, not %T", src)
}

// asJSON is a value on its way into a column.
func asJSON(value any) string {
	text, _ := json.Marshal(value) // of checked texts and numbers, which never fails
	return string(text)
}

// InsertTestCase stores a new test case as its first version, gives it its
// numbers, and puts it into the master cycle as the execution with an id.
func (t *Tx) InsertTestCase(ctx context.Context, c *TestCase, execution uuid.UUID) (err error) {
	if c.Number, err = t.next(ctx, c.Project.String(), "test_case"); err != nil {
		return err
	}
	c.Version, c.UpdatedAt, c.Automation = 1, c.CreatedAt, automationID(c.Project, c.Number)
	folder, err := t.folder(ctx, c)
	if err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO test_cases (id, project_id, number, automation_id, version, title, description, preconditions, priority, type, status,
			folder_id, labels, steps, automation_refs, test_type, execution_type, automation_status, component, owner, made_by, made_by_user, created_at, updated_at, custom)
		VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $22, $23)`,
		c.ID, c.Project, c.Number, sql.NullInt64{Int64: c.Automation, Valid: c.Automation != 0}, c.Title, c.Description, c.Preconditions, c.Priority, c.Type, c.Status,
		folder, asJSON(c.Labels), asJSON(c.Steps), asJSON(c.References), c.TestType, c.ExecutionType, c.AutomationStatus, c.Component, c.Owner, nullable(c.Credential), nullable(c.User), c.CreatedAt.UnixMilli(),
		asJSON(c.Custom))
	if err != nil {
		return t.fail("store a test case", err)
	}
	if _, err := t.q.ExecContext(ctx, `UPDATE projects SET test_cases = test_cases + 1 WHERE id = $1`, c.Project); err != nil {
		return t.fail("count a test case", err)
	}
	if err := t.keepVersion(ctx, c); err != nil {
		return err
	}
	return t.AddExecutions(ctx, c.Project, []Execution{{ID: execution, Case: c.ID, CaseNumber: c.Number, Maker: c.Maker, CreatedAt: c.CreatedAt}})
}

// automationID gives the cases of a project numbers of five digits: each
// another, and of another project others, so that results in the wrong project
// rarely match. Beyond 90,000 cases there is none.
func automationID(project uuid.UUID, number int64) int64 {
	const all, step = 90_000, 7_919 // which have no divisor in common
	if number > all {
		return 0
	}
	start := int64(project[14])<<8 | int64(project[15])
	return 10_000 + (start+number*step)%all
}

// UpdateTestCase stores what a test case has become as its next version. Its
// own version says which one that is.
func (t *Tx) UpdateTestCase(ctx context.Context, c *TestCase) error {
	folder, err := t.folder(ctx, c)
	if err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `
		UPDATE test_cases SET version = $2, title = $3, description = $4, preconditions = $5, priority = $6, type = $7, status = $8,
			folder_id = $9, labels = $10, steps = $11, automation_refs = $12, updated_at = $13,
			test_type = $14, execution_type = $15, automation_status = $16, component = $17, owner = $18, custom = $19 WHERE id = $1 AND deleted_at IS NULL`,
		c.ID, c.Version, c.Title, c.Description, c.Preconditions, c.Priority, c.Type, c.Status,
		folder, asJSON(c.Labels), asJSON(c.Steps), asJSON(c.References), c.UpdatedAt.UnixMilli(),
		c.TestType, c.ExecutionType, c.AutomationStatus, c.Component, c.Owner, asJSON(c.Custom))
	if err != nil {
		return t.fail("change a test case", err)
	}
	if err := t.forgetNames(ctx, c); err != nil {
		return err
	}
	return t.keepVersion(ctx, c)
}

// keepVersion stores what a test case is as a version, and finds it by its
// labels and references.
func (t *Tx) keepVersion(ctx context.Context, c *TestCase) error {
	_, err := t.q.ExecContext(ctx, `INSERT INTO test_case_versions (case_id, version, content, made_by, made_by_user, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.ID, c.Version, asJSON(c.CaseContent), nullable(c.Credential), nullable(c.User), c.UpdatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a version of a test case", err)
	}
	for _, label := range c.Labels {
		if _, err := t.q.ExecContext(ctx, `INSERT INTO test_case_labels (project_id, label, number) VALUES ($1, $2, $3)`, c.Project, label, c.Number); err != nil {
			return t.fail("store a label", err)
		}
	}
	for _, ref := range c.References {
		_, err := t.q.ExecContext(ctx, `INSERT INTO test_case_refs (project_id, ref, number) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, c.Project, oneSpelling(ref), c.Number)
		if err != nil {
			return t.fail("store a reference", err)
		}
	}
	return nil
}

// oneSpelling is the name of an automated test as all are compared: pytest
// calls file.py::Class::method what others call file.py:Class.method.
func oneSpelling(ref string) string {
	file, rest, found := strings.Cut(ref, "::")
	if !found {
		return ref
	}
	return file + ":" + strings.ReplaceAll(rest, "::", ".")
}

// forgetNames takes away by what a test case is found.
func (t *Tx) forgetNames(ctx context.Context, c *TestCase) error {
	for _, query := range []string{`DELETE FROM test_case_labels WHERE project_id = $1 AND number = $2`, `DELETE FROM test_case_refs WHERE project_id = $1 AND number = $2`} {
		if _, err := t.q.ExecContext(ctx, query, c.Project, c.Number); err != nil {
			return t.fail("forget the names of a test case", err)
		}
	}
	return nil
}

// folder finds the folder of a test case, and makes it where there is none.
func (t *Tx) folder(ctx context.Context, c *TestCase) (id uuid.NullUUID, err error) {
	if c.Folder == "" {
		return id, nil
	}
	made, err := uuid.NewV7()
	if err != nil {
		return id, fmt.Errorf("make a folder: %w", err)
	}
	_, err = t.q.ExecContext(ctx, `INSERT INTO test_folders (id, project_id, path, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (project_id, path) DO NOTHING`,
		made, c.Project, c.Folder, c.UpdatedAt.UnixMilli())
	if err == nil {
		err = t.q.QueryRowContext(ctx, `SELECT id FROM test_folders WHERE project_id = $1 AND path = $2`, c.Project, c.Folder).Scan(&id)
	}
	if err != nil {
		return id, t.fail("find a folder", err)
	}
	return id, nil
}

// DeleteTestCase takes a test case away, and out of the cycles where it hasn't
// been executed. Its row stays, for the executions that there were.
func (t *Tx) DeleteTestCase(ctx context.Context, c *TestCase, at time.Time) error {
	if _, err := t.q.ExecContext(ctx, `UPDATE test_cases SET deleted_at = $2 WHERE id = $1`, c.ID, at.UnixMilli()); err != nil {
		return t.fail("delete a test case", err)
	}
	if err := t.forgetNames(ctx, c); err != nil {
		return err
	}
	if _, err := t.q.ExecContext(ctx, `UPDATE projects SET test_cases = test_cases - 1 WHERE id = $1`, c.Project); err != nil {
		return t.fail("count a test case", err)
	}
	if err := t.RemoveExecution(ctx, c.Project, c.Number); err != nil {
		return err
	}
	const waiting = ` case_id = $1 AND status = 'not_executed'`
	if _, err := t.q.ExecContext(ctx, `UPDATE test_cycles SET total = total - 1 WHERE id IN (SELECT cycle_id FROM test_executions WHERE`+waiting+`)`, c.ID); err != nil {
		return t.fail("count executions", err)
	}
	if _, err := t.q.ExecContext(ctx, `DELETE FROM test_executions WHERE`+waiting, c.ID); err != nil {
		return t.fail("delete executions", err)
	}
	return nil
}

// TestCaseIn finds a test case of a project by its number.
func (r reader) TestCaseIn(ctx context.Context, project uuid.UUID, number int64) (*TestCase, error) {
	return r.testCase(ctx, `c.project_id = $1 AND c.number = $2 AND c.deleted_at IS NULL`, project, number)
}

// TestCaseByID finds a test case of any project, also one that was deleted.
func (r reader) TestCaseByID(ctx context.Context, id uuid.UUID) (*TestCase, error) {
	return r.testCase(ctx, `c.id = $1`, id)
}

func (r reader) testCase(ctx context.Context, where string, args ...any) (*TestCase, error) {
	var c TestCase
	err := r.q.QueryRowContext(ctx, `SELECT `+caseColumns+` FROM test_cases c WHERE `+where, args...).Scan(c.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such test case")
	}
	if err != nil {
		return nil, r.fail("read a test case", err)
	}
	return &c, nil
}

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
