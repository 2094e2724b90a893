package onetest

import (
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// OneTest's words for how an execution stands, and those that can be its end.
var (
	executionStatuses = []string{"not_run", "in_progress", "passed", "failed", "blocked", "skipped"}
	outcomes          = executionStatuses[2:]
	states            = map[string]string{"not_run": store.Waiting, "in_progress": store.InProgress, "passed": "pass", "failed": "fail", "blocked": "blocked", "skipped": "skipped"}
)

// executionWord is OneTest's word for a state.
func executionWord(state string) string {
	for word, is := range states {
		if is == state {
			return word
		}
	}
	return state
}

// state reads OneTest's word for a state.
func state(field, text string, words []string) (string, error) {
	word, err := choice(field, text, words, nil)
	return states[word], err
}

// execution is a test case in a run, as it is shown.
type execution struct {
	ID            string       `json:"id"`
	RunID         string       `json:"run_id"`
	ProductID     string       `json:"product_id"`
	TestCaseID    string       `json:"test_case_id"`
	Identifier    string       `json:"identifier"` // of the test case
	Title         string       `json:"title"`      // of the test case
	Status        string       `json:"status"`
	FailureReason *string      `json:"failure_reason"`
	Comment       string       `json:"comment"`
	DurationMs    int64        `json:"duration_ms"`
	AssignedTo    *string      `json:"assigned_to"`
	Steps         []stepResult `json:"steps"`
	Defects       []string     `json:"defects"`
	ExecutedBy    *string      `json:"executed_by"`
	StartedAt     *time.Time   `json:"started_at"`
	CompletedAt   *time.Time   `json:"completed_at"`
}

type stepResult struct {
	Number int    `json:"step_number"`
	Status string `json:"status"`
	Actual string `json:"actual_result"`
}

func executionOf(e *store.Execution) execution {
	out := execution{
		ID: e.ID.String(), RunID: e.Cycle.String(), ProductID: e.Project.String(), TestCaseID: e.Case.String(), Identifier: identifier(e.CaseNumber), Title: e.Title,
		Status: executionWord(e.State()), Comment: e.Comment, DurationMs: e.Duration.Milliseconds(), AssignedTo: optionalID(e.Assigned),
		Steps: make([]stepResult, len(e.Steps)), Defects: e.Defects, StartedAt: optionalTime(e.StartedAt), CompletedAt: optionalTime(e.ExecutedAt),
	}
	if e.FailureReason != "" {
		out.FailureReason = &e.FailureReason
	}
	if e.Status != store.NotExecuted {
		out.ExecutedBy = maker(e.Maker)
	}
	for i, s := range e.Steps {
		out.Steps[i] = stepResult{s.Number, executionWord(s.Status), s.Actual}
	}
	return out
}

func showExecution(e *store.Execution, err error) (execution, error) {
	if err != nil {
		return execution{}, err
	}
	return executionOf(e), nil
}

// executionFilters are the fields by which executions are chosen.
var executionFilters = []string{"status", "failure_reason", "run_id", "test_case_id", "assigned_to"}

// executionQuery reads which executions are asked for.
func executionQuery(param func(string) string) (q workspace.ExecutionQuery, err error) {
	if text := param("status"); text != "" {
		if q.State, err = state("status", text, executionStatuses); err != nil {
			return q, err
		}
	}
	if text := param("failure_reason"); text != "" {
		if q.FailureReason, err = choice("failure_reason", text, workspace.FailureReasons(), nil); err != nil {
			return q, err
		}
	}
	for field, to := range map[string]*uuid.UUID{"run_id": &q.Cycle, "test_case_id": &q.Case, "assigned_to": &q.Assigned} {
		if *to, err = idOf(field, param(field)); err != nil {
			return q, err
		}
	}
	return q, nil
}

// runExecutions is an endpoint that lists the executions of a run: all of them,
// or those with a result.
func (h *handlers) runExecutions(executed bool) func(*edge.Request, edge.None) (list[execution], error) {
	return ofRun(h, func(r *edge.Request, n workspace.Numbered, _ edge.None) (out list[execution], err error) {
		q, err := executionQuery(r.Param)
		if err != nil {
			return out, err
		}
		if q.Cycle, err = idIn(r, "run", "run"); err != nil {
			return out, err
		}
		if q.Section, err = section(r); err != nil {
			return out, err
		}
		q.Executed = executed
		found, total, err := h.workspace.FindExecutions(r.Context(), &r.Principal, n.Project, q)
		return paged(q.Section, found, total, executionOf), err
	})
}

func (h *handlers) ownExecutions(r *edge.Request, _ edge.None) (out list[execution], err error) {
	q, err := executionQuery(r.Param)
	if err != nil {
		return out, err
	}
	if q.Section, err = section(r); err != nil {
		return out, err
	}
	found, total, err := h.workspace.OwnExecutions(r.Context(), &r.Principal, q)
	return paged(q.Section, found, total, executionOf), err
}

func (h *handlers) searchExecutions(r *edge.Request, ref store.ProjectRef, in queryBody) (out list[execution], err error) {
	conditions, err := parseQuery(in.Query, executionFilters)
	if err != nil {
		return out, err
	}
	q, err := executionQuery(func(field string) string { return conditions[field] })
	if err != nil {
		return out, err
	}
	if q.Section, err = section(r); err != nil {
		return out, err
	}
	found, total, err := h.workspace.FindExecutions(r.Context(), &r.Principal, ref, q)
	return paged(q.Section, found, total, executionOf), err
}

// ofExecution is an endpoint about the execution in its path.
func ofExecution[In any](fn func(*edge.Request, uuid.UUID, In) (*store.Execution, error)) func(*edge.Request, In) (execution, error) {
	return func(r *edge.Request, body In) (execution, error) {
		id, err := idIn(r, "execution", "execution")
		if err != nil {
			return execution{}, err
		}
		return showExecution(fn(r, id, body))
	}
}

func (h *handlers) getExecution(r *edge.Request, id uuid.UUID, _ edge.None) (*store.Execution, error) {
	return h.workspace.Execution(r.Context(), &r.Principal, id)
}

func (h *handlers) startExecution(r *edge.Request, id uuid.UUID, _ edge.None) (*store.Execution, error) {
	return h.workspace.StartExecution(r.Context(), &r.Principal, id)
}

func (h *handlers) rerunExecution(r *edge.Request, id uuid.UUID, _ edge.None) (*store.Execution, error) {
	return h.workspace.RerunExecution(r.Context(), &r.Principal, id)
}

// outcome is how an execution ended.
type outcome struct {
	Status        string `json:"status"`
	FailureReason string `json:"failure_reason"`
	Comment       string `json:"comment"`
	DurationMs    int64  `json:"duration_ms"`
}

func (h *handlers) completeExecution(r *edge.Request, id uuid.UUID, in outcome) (*store.Execution, error) {
	ended, err := state("status", in.Status, outcomes)
	if err != nil {
		return nil, err
	}
	return h.workspace.CompleteExecution(r.Context(), &r.Principal, id,
		workspace.Outcome{Status: ended, FailureReason: in.FailureReason, Comment: in.Comment, Duration: milliseconds(in.DurationMs)})
}

// milliseconds is a length of time; one beyond all bounds stays so.
func milliseconds(n int64) time.Duration {
	if n > math.MaxInt64/int64(time.Millisecond) || n < 0 {
		return -1
	}
	return time.Duration(n) * time.Millisecond
}

// assignment says who is to execute a test case; without a user nobody is.
type assignment struct {
	UserID string `json:"user_id"`
}

func (h *handlers) assignExecution(r *edge.Request, id uuid.UUID, in assignment) (*store.Execution, error) {
	user, err := idOf("user_id", in.UserID)
	if err != nil {
		return nil, err
	}
	return h.workspace.AssignExecution(r.Context(), &r.Principal, id, user)
}

func (h *handlers) setStep(r *edge.Request, id uuid.UUID, in stepResult) (*store.Execution, error) {
	ended, err := state("status", in.Status, outcomes)
	if err != nil {
		return nil, err
	}
	return h.workspace.SetStep(r.Context(), &r.Principal, id, store.StepResult{Number: in.Number, Status: ended, Actual: in.Actual})
}

// defect is what an execution found, such as the number of an issue.
type defect struct {
	Defect string `json:"defect"`
}

func (h *handlers) addDefect(r *edge.Request, id uuid.UUID, in defect) (*store.Execution, error) {
	return h.workspace.AddDefect(r.Context(), &r.Principal, id, in.Defect)
}
