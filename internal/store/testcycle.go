package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// TestCycle is a round of testing: which test cases, and how they went.
type TestCycle struct {
	ID, Project       uuid.UUID
	Number            int64 // TCYCLE-<number>
	Version           int64
	Name, Description string
	Status            string // planned, in_progress, completed or aborted
	RunType           string // manual or automated
	Counts            Counts
	Maker
	CreatedAt, UpdatedAt, StartedAt, EndedAt time.Time
}

// Counts say how many executions there are, and of which status. What is left
// of the total has not been executed.
type Counts struct{ Total, Passed, Failed, Blocked, Skipped int64 }

// add counts so many executions of a status.
func (c *Counts) add(status string, n int64) {
	c.Total += n
	switch status {
	case "pass":
		c.Passed += n
	case "fail":
		c.Failed += n
	case "blocked":
		c.Blocked += n
	case "skipped":
		c.Skipped += n
	}
}

// Of returns how many executions are of a status.
func (c *Counts) Of(status string) int64 {
	switch status {
	case "pass":
		return c.Passed
	case "fail":
		return c.Failed
	case "blocked":
		return c.Blocked
	case "skipped":
		return c.Skipped
	}
	return c.Total - c.Passed - c.Failed - c.Blocked - c.Skipped
}

// Master reports whether the cycle is the one that was made with its project.
func (c *TestCycle) Master() bool { return c.ID == c.Project }

const cycleColumns = `c.id, c.project_id, c.number, c.version, c.name, c.description, c.status, c.total, c.passed, c.failed, c.blocked, c.skipped,
	c.made_by, c.made_by_user, c.created_at, c.updated_at, c.run_type, c.started_at, c.ended_at`

func (c *TestCycle) targets() []any {
	return append(append([]any{&c.ID, &c.Project, &c.Number, &c.Version, &c.Name, &c.Description, &c.Status, &c.Counts.Total, &c.Counts.Passed, &c.Counts.Failed,
		&c.Counts.Blocked, &c.Counts.Skipped}, c.Maker.targets()...),
		instant{&c.CreatedAt}, instant{&c.UpdatedAt}, &c.RunType, instant{&c.StartedAt}, instant{&c.EndedAt})
}

// insertMaster makes the first cycle of a new project, TCYCLE-1.
func (t *Tx) insertMaster(ctx context.Context, p *Project) error {
	return t.insertCycle(ctx, &TestCycle{ID: p.ID, Project: p.ID, Name: "Master Test Cycle", Status: "in_progress", RunType: "manual", CreatedAt: p.CreatedAt})
}

// InsertTestCycle stores a new test cycle and gives it its number.
func (t *Tx) InsertTestCycle(ctx context.Context, c *TestCycle) error {
	if err := t.insertCycle(ctx, c); err != nil {
		return err
	}
	if _, err := t.q.ExecContext(ctx, `UPDATE projects SET test_cycles = test_cycles + 1 WHERE id = $1`, c.Project); err != nil {
		return t.fail("count a test cycle", err)
	}
	return nil
}

func (t *Tx) insertCycle(ctx context.Context, c *TestCycle) (err error) {
	if c.Number, err = t.next(ctx, c.Project.String(), "test_cycle"); err != nil {
		return err
	}
	c.Version, c.UpdatedAt = 1, c.CreatedAt
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO test_cycles (id, project_id, number, version, name, description, status, total, passed, failed, blocked, skipped, made_by, made_by_user,
			created_at, updated_at, run_type, started_at, ended_at)
		VALUES ($1, $2, $3, 1, $4, $5, $6, 0, 0, 0, 0, 0, $7, $8, $9, $9, $10, $11, $12)`,
		c.ID, c.Project, c.Number, c.Name, c.Description, c.Status, nullable(c.Credential), nullable(c.User), c.CreatedAt.UnixMilli(),
		c.RunType, stamp(c.StartedAt), stamp(c.EndedAt))
	if err != nil {
		return t.fail("store a test cycle", err)
	}
	return nil
}

// UpdateTestCycle stores what people say of a test cycle.
func (t *Tx) UpdateTestCycle(ctx context.Context, c *TestCycle) error {
	_, err := t.q.ExecContext(ctx, `UPDATE test_cycles SET version = $2, name = $3, description = $4, status = $5, updated_at = $6,
		started_at = $7, ended_at = $8 WHERE id = $1`, c.ID, c.Version, c.Name, c.Description, c.Status, c.UpdatedAt.UnixMilli(), stamp(c.StartedAt), stamp(c.EndedAt))
	if err != nil {
		return t.fail("change a test cycle", err)
	}
	return nil
}

// DeleteTestCycle takes a test cycle away. Its row stays, for the results that
// there were. The master cycle can't be deleted.
func (t *Tx) DeleteTestCycle(ctx context.Context, c *TestCycle, at time.Time) error {
	if _, err := t.q.ExecContext(ctx, `UPDATE test_cycles SET deleted_at = $2 WHERE id = $1`, c.ID, at.UnixMilli()); err != nil {
		return t.fail("delete a test cycle", err)
	}
	if _, err := t.q.ExecContext(ctx, `UPDATE projects SET test_cycles = test_cycles - 1 WHERE id = $1`, c.Project); err != nil {
		return t.fail("count a test cycle", err)
	}
	return nil
}

// TestCycleIn finds a test cycle of a project by its number.
func (r reader) TestCycleIn(ctx context.Context, project uuid.UUID, number int64) (*TestCycle, error) {
	return r.testCycle(ctx, `c.project_id = $1 AND c.number = $2 AND c.deleted_at IS NULL`, project, number)
}

// TestCycleByID finds a test cycle of any project, also one that was deleted.
func (r reader) TestCycleByID(ctx context.Context, id uuid.UUID) (*TestCycle, error) {
	return r.testCycle(ctx, `c.id = $1`, id)
}

// MadeCycle finds a test cycle of any project that somebody made and that is
// still there.
func (r reader) MadeCycle(ctx context.Context, id uuid.UUID) (*TestCycle, error) {
	c, err := r.testCycle(ctx, `c.id = $1 AND c.deleted_at IS NULL AND c.id <> c.project_id`, id)
	if errors.Is(err, credential.NotFound) {
		err = credential.Errorf(credential.NotFound, "no such run")
	}
	return c, err
}

func (r reader) testCycle(ctx context.Context, where string, args ...any) (*TestCycle, error) {
	var c TestCycle
	err := r.q.QueryRowContext(ctx, `SELECT `+cycleColumns+` FROM test_cycles c WHERE `+where, args...).Scan(c.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such test cycle")
	}
	if err != nil {
		return nil, r.fail("read a test cycle", err)
	}
	return &c, nil
}

// CycleFilter chooses test cycles of a project. An empty status is any, and so
// is an empty type.
type CycleFilter struct {
	Project         uuid.UUID
	Status, RunType string
	Made            bool  // by somebody: without the master cycle
	After           int64 // the number of the last one that was seen
}

func (f *CycleFilter) where() (string, []any) {
	after := f.After
	if f.Made {
		after = max(after, 1) // which is the master cycle's number
	}
	w := conditions{args: []any{f.Project, after}}
	w.text.WriteString(` FROM test_cycles c WHERE c.project_id = $1 AND c.number > $2 AND c.deleted_at IS NULL`)
	if f.Status != "" {
		w.and(`c.status = $`, f.Status)
	}
	if f.RunType != "" {
		w.and(`c.run_type = $`, f.RunType)
	}
	return w.text.String(), w.args
}

// TestCycles returns the test cycles that a filter chooses, in the order of
// their numbers, without so many of them. The master cycle is the first.
func (r reader) TestCycles(ctx context.Context, f CycleFilter, without, limit int) ([]TestCycle, error) {
	where, args := f.where()
	query := `SELECT ` + cycleColumns + where + fmt.Sprintf(" ORDER BY c.number LIMIT $%d OFFSET $%d", len(args)+1, len(args)+2)
	return list(ctx, r, selection[TestCycle]{"list test cycles", (*TestCycle).targets, query}, append(args, limit, without)...)
}

// CountTestCycles returns how many test cycles a filter chooses: of a whole
// project all of them, else up to MostCounted.
func (r reader) CountTestCycles(ctx context.Context, f CycleFilter) (n int64, err error) {
	if f.Status+f.RunType == "" && f.After == 0 {
		err = r.q.QueryRowContext(ctx, `SELECT test_cycles - $2 FROM projects WHERE id = $1`, f.Project, flag(f.Made)).Scan(&n)
	} else {
		where, args := f.where()
		err = r.q.QueryRowContext(ctx, fmt.Sprintf(counting, where, MostCounted), args...).Scan(&n)
	}
	if err != nil {
		return 0, r.fail("count test cycles", err)
	}
	return n, nil
}

// NotExecuted is the status of an execution that is still to come.
const NotExecuted = "not_executed"

// Execution is a test case in a cycle, and how it went there.
type Execution struct {
	ID, Cycle, Case, Run uuid.UUID // Run is the upload that it comes from, if any
	CaseNumber           int64
	Attempt              int    // in that upload; only written
	Title                string // of the test case; only read
	Automation           int64  // of the test case; only read
	Status               string // not_executed, pass, fail, blocked or skipped
	Comment              string
	Duration             time.Duration
	Project              uuid.UUID // of the cycle; only read
	CycleNumber          int64     // only read
	CycleName            string    // only read
	FailureReason        string    // empty for none
	Assigned             uuid.UUID // the user who is to do it, or Nil
	Steps                []StepResult
	Defects              []string
	Maker
	CreatedAt, StartedAt, ExecutedAt time.Time
}

const executionColumns = `e.id, e.cycle_id, e.case_id, e.run_id, e.case_number, c.title, COALESCE(c.automation_id, 0), e.status, e.comment, e.duration_ms,
	y.project_id, y.number, y.name, e.failure_reason, e.assigned_to, e.steps, e.defects, e.made_by, e.made_by_user, e.created_at, e.started_at, e.executed_at`

// executionTables are the tables of those columns.
const executionTables = ` FROM test_executions e JOIN test_cases c ON c.id = e.case_id JOIN test_cycles y ON y.id = e.cycle_id`

func (e *Execution) targets() []any {
	return append(append([]any{&e.ID, &e.Cycle, &e.Case, nullID{&e.Run}, &e.CaseNumber, &e.Title, &e.Automation, &e.Status, &e.Comment, milliseconds{&e.Duration},
		&e.Project, &e.CycleNumber, &e.CycleName, &e.FailureReason, nullID{&e.Assigned}, inJSON{&e.Steps}, inJSON{&e.Defects}}, e.Maker.targets()...),
		instant{&e.CreatedAt}, instant{&e.StartedAt}, instant{&e.ExecutedAt})
}

// milliseconds scans a length of time.
type milliseconds struct{ d *time.Duration }

// Scan implements sql.Scanner.
func (m milliseconds) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a length of time is kept as a whole number, not %T", src)
	}
	*m.d = time.Duration(n) * time.Millisecond
	return nil
}

// AddExecutions puts test cases into a cycle, each of them once. Those that are
// in it stay as they are.
func (t *Tx) AddExecutions(ctx context.Context, cycle uuid.UUID, added []Execution) error {
	for i := range added {
		added[i].Status = NotExecuted
	}
	return t.putExecutions(ctx, cycle, added, `NOTHING`)
}

// SetExecutions says how test cases went in a cycle, and puts those into it
// that weren't. Each case is there once.
func (t *Tx) SetExecutions(ctx context.Context, cycle uuid.UUID, done []Execution) error {
	return t.putExecutions(ctx, cycle, done, `UPDATE SET status = excluded.status, comment = excluded.comment, duration_ms = excluded.duration_ms,
		run_id = excluded.run_id, made_by = excluded.made_by, made_by_user = excluded.made_by_user, executed_at = excluded.executed_at,
		failure_reason = '', started_at = NULL, steps = '[]', attempt = excluded.attempt`)
}

// putExecutions writes executions of a cycle, and keeps its counts.
func (t *Tx) putExecutions(ctx context.Context, cycle uuid.UUID, all []Execution, conflict string) error {
	const page, columns = 100, 13
	var change Counts
	for len(all) > 0 {
		some := all[:min(page, len(all))]
		all = all[len(some):]
		before, err := t.statuses(ctx, cycle, some)
		if err != nil {
			return err
		}
		args := make([]any, 0, len(some)*columns)
		for _, e := range some {
			b, there := before[e.CaseNumber]
			if there && e.Run != uuid.Nil && e.Run == b.Run && e.Attempt > 0 && e.Attempt < b.Attempt {
				continue // which came before that one, though it arrives later
			}
			if !there {
				change.add(e.Status, 1)
			} else if conflict != `NOTHING` {
				change.add(b.Status, -1)
				change.add(e.Status, 1)
			}
			args = append(args, e.ID, cycle, e.Case, e.CaseNumber, e.Status, e.Comment, e.Duration.Milliseconds(), nullable(e.Run),
				nullable(e.Credential), nullable(e.User), e.CreatedAt.UnixMilli(), stamp(e.ExecutedAt), e.Attempt)
		}
		if len(args) == 0 {
			continue
		}
		_, err = t.q.ExecContext(ctx, `INSERT INTO test_executions (id, cycle_id, case_id, case_number, status, comment, duration_ms, run_id, made_by, made_by_user,
			created_at, executed_at, attempt) VALUES `+rows(len(args)/columns, columns)+` ON CONFLICT (cycle_id, case_number) DO `+conflict, args...)
		if err != nil {
			return t.fail("store executions", err)
		}
	}
	return t.count(ctx, cycle, change)
}

// rows are the marks of so many rows with so many columns each.
func rows(n, columns int) string {
	var b strings.Builder
	for i := range n * columns {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	return b.String() + ")"
}

// statuses reads how some test cases stand in a cycle, by their numbers.
func (t *Tx) statuses(ctx context.Context, cycle uuid.UUID, some []Execution) (map[int64]Execution, error) {
	numbers := make([]int64, len(some))
	for i, e := range some {
		numbers[i] = e.CaseNumber
	}
	w := conditions{args: []any{cycle}}
	w.text.WriteString(`SELECT case_number, status, run_id, attempt FROM test_executions WHERE cycle_id = $1`)
	among(&w, `case_number`, numbers)
	targets := func(e *Execution) []any { return []any{&e.CaseNumber, &e.Status, nullID{&e.Run}, &e.Attempt} }
	found, err := every(ctx, t.reader, selection[Execution]{"read executions", targets, w.text.String()}, w.args...)
	statuses := make(map[int64]Execution, len(found))
	for _, e := range found {
		statuses[e.CaseNumber] = e
	}
	return statuses, err
}

// count changes the counts of a cycle.
func (t *Tx) count(ctx context.Context, cycle uuid.UUID, by Counts) error {
	_, err := t.q.ExecContext(ctx, `UPDATE test_cycles SET total = total + $2, passed = passed + $3, failed = failed + $4, blocked = blocked + $5, skipped = skipped + $6 WHERE id = $1`,
		cycle, by.Total, by.Passed, by.Failed, by.Blocked, by.Skipped)
	if err != nil {
		return t.fail("count executions", err)
	}
	return nil
}

// RemoveExecution takes a test case out of a cycle, if it is in it.
func (t *Tx) RemoveExecution(ctx context.Context, cycle uuid.UUID, number int64) error {
	var status string
	err := t.q.QueryRowContext(ctx, `DELETE FROM test_executions WHERE cycle_id = $1 AND case_number = $2 RETURNING status`, cycle, number).Scan(&status)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return t.fail("delete an execution", err)
	}
	var change Counts
	change.add(status, -1)
	return t.count(ctx, cycle, change)
}

// ExecutionIn finds a test case in a cycle.
func (r reader) ExecutionIn(ctx context.Context, cycle uuid.UUID, number int64) (*Execution, error) {
	found, err := r.Executions(ctx, ExecutionFilter{Cycle: cycle, After: number - 1}, 0, 1)
	if err == nil && (len(found) == 0 || found[0].CaseNumber != number) {
		err = credential.Errorf(credential.NotFound, "the test case is not in this cycle")
	}
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}

// ExecutionFilter chooses executions of a cycle. An empty status is any.
type ExecutionFilter struct {
	Cycle  uuid.UUID
	Status string
	After  int64 // the number of the last test case that was seen
}

// Executions returns the executions that a filter chooses, in the order of the
// numbers of their test cases, without so many of them.
func (r reader) Executions(ctx context.Context, f ExecutionFilter, without, limit int) ([]Execution, error) {
	w := conditions{args: []any{f.Cycle, f.After, limit, without}}
	w.text.WriteString(`SELECT ` + executionColumns + executionTables + ` WHERE e.cycle_id = $1 AND e.case_number > $2`)
	if f.Status != "" {
		w.and(`e.status = $`, f.Status)
	}
	w.text.WriteString(` ORDER BY e.case_number LIMIT $3 OFFSET $4`)
	return list(ctx, r, selection[Execution]{"list executions", (*Execution).targets, w.text.String()}, w.args...)
}
