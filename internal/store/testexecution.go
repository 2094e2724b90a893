package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// StepResult is how a step of a test case went in an execution.
type StepResult struct {
	Number int    `json:"number"` // of the step, from 1
	Status string `json:"status"`
	Actual string `json:"actual"` // what came of it
}

// What an execution that isn't executed may be doing meanwhile.
const (
	Waiting    = "waiting"
	InProgress = "in_progress"
)

// State is the status, or what an execution is doing that isn't executed yet.
func (e *Execution) State() string {
	switch {
	case e.Status != NotExecuted:
		return e.Status
	case e.StartedAt.IsZero():
		return Waiting
	}
	return InProgress
}

// ExecutionsFilter chooses executions of the cycles of an organization that
// somebody made: not of master cycles. Empty fields choose all.
type ExecutionsFilter struct {
	Project, Cycle, Case, Assigned uuid.UUID
	// Seen says in which projects, where none is named.
	Seen          *Seeing
	State         string
	Executed      bool // whatever came of it
	FailureReason string
}

func (f *ExecutionsFilter) where() (string, []any) {
	w := conditions{}
	w.text.WriteString(executionTables + ` WHERE y.deleted_at IS NULL AND y.id <> y.project_id`)
	for _, id := range []struct {
		condition string
		is        uuid.UUID
	}{{`y.project_id = $`, f.Project}, {`e.cycle_id = $`, f.Cycle}, {`e.case_id = $`, f.Case}, {`e.assigned_to = $`, f.Assigned}} {
		if id.is != uuid.Nil {
			w.and(id.condition, id.is)
		}
	}
	if s := f.Seen; s != nil {
		w.and(`y.project_id IN (SELECT p.id FROM projects p WHERE p.deleted_at IS NULL AND p.archived_at IS NULL AND p.organization_id = $)`, s.Organization)
		if !s.All {
			w.and(`EXISTS (SELECT 1 FROM project_members m WHERE m.project_id = y.project_id AND m.user_id = $)`, s.User)
		}
	}
	switch f.State {
	case "":
	case Waiting:
		w.text.WriteString(` AND e.status = 'not_executed' AND e.started_at IS NULL`)
	case InProgress:
		w.text.WriteString(` AND e.status = 'not_executed' AND e.started_at IS NOT NULL`)
	default:
		w.and(`e.status = $`, f.State)
	}
	if f.Executed {
		w.text.WriteString(` AND e.status <> 'not_executed'`)
	}
	if f.FailureReason != "" {
		w.and(`e.failure_reason = $`, f.FailureReason)
	}
	return w.text.String(), w.args
}

// FindExecutions returns the executions that a filter chooses, cycle by cycle
// and by the numbers of their test cases, without so many of them, and how many
// there are: at most MostCounted are counted.
func (r reader) FindExecutions(ctx context.Context, f ExecutionsFilter, without, limit int) (found []Execution, total int64, err error) {
	where, args := f.where()
	if err = r.q.QueryRowContext(ctx, fmt.Sprintf(counting, where, MostCounted), args...).Scan(&total); err != nil {
		return nil, 0, r.fail("count executions", err)
	}
	query := `SELECT ` + executionColumns + where + fmt.Sprintf(` ORDER BY y.project_id, y.number, e.case_number LIMIT $%d OFFSET $%d`, len(args)+1, len(args)+2)
	found, err = list(ctx, r, selection[Execution]{"list executions", (*Execution).targets, query}, append(args, limit, without)...)
	return found, total, err
}

// ExecutionByID finds an execution in a cycle that somebody made and that is
// still there.
func (r reader) ExecutionByID(ctx context.Context, id uuid.UUID) (*Execution, error) {
	var e Execution
	err := r.q.QueryRowContext(ctx, `SELECT `+executionColumns+executionTables+` WHERE e.id = $1 AND y.deleted_at IS NULL AND y.id <> y.project_id`, id).Scan(e.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such execution")
	}
	if err != nil {
		return nil, r.fail("read an execution", err)
	}
	return &e, nil
}

// UpdateExecution stores what an execution has become, and keeps the counts of
// its cycle. before is the status that it had.
func (t *Tx) UpdateExecution(ctx context.Context, e *Execution, before string) error {
	_, err := t.q.ExecContext(ctx, `
		UPDATE test_executions SET status = $2, comment = $3, duration_ms = $4, run_id = $5, failure_reason = $6, assigned_to = $7, steps = $8, defects = $9,
			made_by = $10, made_by_user = $11, started_at = $12, executed_at = $13 WHERE id = $1`,
		e.ID, e.Status, e.Comment, e.Duration.Milliseconds(), nullable(e.Run), e.FailureReason, nullable(e.Assigned), asJSON(e.Steps), asJSON(e.Defects),
		nullable(e.Credential), nullable(e.User), stamp(e.StartedAt), stamp(e.ExecutedAt))
	if err != nil {
		return t.fail("change an execution", err)
	}
	var change Counts
	change.add(before, -1)
	change.add(e.Status, 1)
	return t.count(ctx, e.Cycle, change)
}

// CasesIn returns ids and numbers of the test cases of a cycle that are still
// there, from behind a number on.
func (r reader) CasesIn(ctx context.Context, cycle uuid.UUID, after int64, limit int) ([]TestCase, error) {
	targets := func(c *TestCase) []any { return []any{&c.ID, &c.Number} }
	return list(ctx, r, selection[TestCase]{"list test cases of a cycle", targets, `SELECT c.id, c.number FROM test_executions e JOIN test_cases c ON c.id = e.case_id
		WHERE e.cycle_id = $1 AND e.case_number > $2 AND c.deleted_at IS NULL ORDER BY e.case_number LIMIT $3`}, cycle, after, limit)
}

// ExecutionGroup is how many executions of a cycle went alike.
type ExecutionGroup struct {
	State         string
	FailureReason string
	Count         int64
	Duration      time.Duration
}

// ExecutionGroups counts the executions of a cycle by how they went.
func (r reader) ExecutionGroups(ctx context.Context, cycle uuid.UUID) ([]ExecutionGroup, error) {
	targets := func(g *ExecutionGroup) []any {
		return []any{&g.State, &g.FailureReason, &g.Count, milliseconds{&g.Duration}}
	}
	return list(ctx, r, selection[ExecutionGroup]{"count executions", targets, `
		SELECT CASE WHEN status <> 'not_executed' THEN status WHEN started_at IS NULL THEN 'waiting' ELSE 'in_progress' END AS state,
			failure_reason, COUNT(*), CAST(SUM(duration_ms) AS BIGINT)
		FROM test_executions WHERE cycle_id = $1 GROUP BY state, failure_reason ORDER BY state, failure_reason`}, cycle)
}

// CaseGroup is how many test cases of a project are alike.
type CaseGroup struct {
	Priority                             int
	Type                                 string
	ExecutionType                        string
	Count, Automated, Linked, Unreferred int64
}

// CaseGroups counts the test cases of a project by priority, type and execution
// type: all of them, those that are automated, and of these the ones with a
// result that was reported and the ones that no reference leads to.
func (r reader) CaseGroups(ctx context.Context, project uuid.UUID) ([]CaseGroup, error) {
	targets := func(g *CaseGroup) []any {
		return []any{&g.Priority, &g.Type, &g.ExecutionType, &g.Count, &g.Automated, &g.Linked, &g.Unreferred}
	}
	return list(ctx, r, selection[CaseGroup]{"count test cases", targets, `
		SELECT c.priority, c.type, c.execution_type, COUNT(*), COUNT(CASE WHEN c.automation_status = 'automated' THEN 1 END),
			COUNT(CASE WHEN c.automation_status = 'automated' AND c.id IN (SELECT e.case_id FROM test_executions e JOIN test_cycles y ON y.id = e.cycle_id
				WHERE y.project_id = $1 AND y.deleted_at IS NULL AND e.run_id IS NOT NULL) THEN 1 END),
			COUNT(CASE WHEN c.automation_status = 'automated' AND c.automation_refs = '[]' THEN 1 END)
		FROM test_cases c WHERE c.project_id = $1 AND c.deleted_at IS NULL
		GROUP BY c.priority, c.type, c.execution_type ORDER BY c.priority, c.type, c.execution_type`}, project)
}
