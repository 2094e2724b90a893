package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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
