package workspace

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// The words for executions beyond how they ended.
var (
	executionStates = append([]string{store.Waiting, store.InProgress}, executionStatuses...)
	outcomes        = executionStatuses[1:]
	failureReasons  = []string{"bug_in_app", "test_data_issue", "environment_issue", "test_needs_update", "blocked_by_other", "other"}
)

// Bounds of what is said of an execution.
const (
	mostDefects = 50
	mostDefect  = 200 // characters
)

// FailureReasons are why an execution may have failed.
func FailureReasons() []string { return slices.Clone(failureReasons) }

// ExecutionQuery asks for a part of the executions of a project's cycles,
// without those of its master cycle. What is empty chooses all.
type ExecutionQuery struct {
	Cycle, Case, Assigned uuid.UUID
	State, FailureReason  string
	Executed              bool // whatever came of it
	Section
}

// FindExecutions lists the executions of a project that a query chooses, cycle
// by cycle. At most store.MostCounted are counted.
func (w *Workspace) FindExecutions(ctx context.Context, p *credential.Principal, ref store.ProjectRef, q ExecutionQuery) ([]store.Execution, int64, error) {
	project, err := find(ctx, w.store, p, want{ref, credential.ResultsRead})
	if err != nil {
		return nil, 0, err
	}
	f := store.ExecutionsFilter{Project: project.ID, Cycle: q.Cycle, Case: q.Case, Assigned: q.Assigned, State: q.State, FailureReason: q.FailureReason, Executed: q.Executed}
	if q.State != "" && !slices.Contains(executionStates, q.State) {
		return nil, 0, credential.InvalidField("status", "there is no such status")
	}
	without, err := q.Skip()
	if err != nil {
		return nil, 0, err
	}
	return w.store.FindExecutions(ctx, f, without, q.Limit)
}

// OwnExecutions lists the executions that the user is to do, in the projects
// that they see. Who is no user is to do none.
func (w *Workspace) OwnExecutions(ctx context.Context, p *credential.Principal, q ExecutionQuery) ([]store.Execution, int64, error) {
	without, err := q.Skip()
	if err != nil || p.SubjectType != credential.SubjectUser {
		return nil, 0, err
	}
	f := store.ExecutionsFilter{Project: p.ProjectScoped(), Assigned: p.Subject, State: q.State,
		Seen: &store.Seeing{Organization: p.Organization, User: p.Subject, All: p.Role.Manages()}}
	return w.store.FindExecutions(ctx, f, without, q.Limit)
}

// Execution finds an execution by its id.
func (w *Workspace) Execution(ctx context.Context, p *credential.Principal, id uuid.UUID) (*store.Execution, error) {
	e, err := w.executionAt(ctx, p, id)
	if err != nil {
		return nil, err
	}
	_, err = find(ctx, w.store, p, want{store.ProjectRef{ID: e.Project}, credential.ResultsRead})
	return e, err
}

// executionAt finds an execution in a project that the principal sees.
func (w *Workspace) executionAt(ctx context.Context, p *credential.Principal, id uuid.UUID) (*store.Execution, error) {
	e, err := w.store.ExecutionByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return e, w.within(ctx, p, e.Project, "execution")
}

// changeExecution runs fn on an execution as it is in a change, while its cycle
// isn't over.
func (w *Workspace) changeExecution(ctx context.Context, p *credential.Principal, id uuid.UUID, fn func(*change, *store.Execution) error) (e *store.Execution, err error) {
	if e, err = w.executionAt(ctx, p, id); err != nil {
		return nil, err
	}
	err = w.change(ctx, p, want{store.ProjectRef{ID: e.Project}, credential.ResultsWrite}, func(ch *change) error {
		if e, err = ch.ExecutionByID(ctx, id); err != nil {
			return err
		}
		c, err := ch.TestCycleByID(ctx, e.Cycle)
		if err != nil {
			return err
		}
		if c.Status == "completed" || c.Status == "aborted" {
			return credential.Errorf(credential.Conflict, "the run is %s", c.Status)
		}
		before := e.Status
		if err := fn(ch, e); err != nil {
			return err
		}
		ch.record("test_result.set", cycleTarget(c), cycleDetail{Project: c.Project, Number: c.Number, TestCase: e.CaseNumber, Status: e.State()})
		return ch.UpdateExecution(ctx, e, before)
	})
	return e, err
}

// StartExecution says that somebody has begun to execute a test case.
func (w *Workspace) StartExecution(ctx context.Context, p *credential.Principal, id uuid.UUID) (*store.Execution, error) {
	return w.changeExecution(ctx, p, id, func(ch *change, e *store.Execution) error {
		if e.State() != store.Waiting {
			return credential.Errorf(credential.Conflict, "it was started before")
		}
		e.StartedAt = ch.at
		return nil
	})
}

// Outcome is how an execution ended.
type Outcome struct {
	Status, Comment, FailureReason string
	Duration                       time.Duration // 0 is since it was started
}

// CompleteExecution says how an execution ended. One that ended takes no other
// end until it is run again.
func (w *Workspace) CompleteExecution(ctx context.Context, p *credential.Principal, id uuid.UUID, o Outcome) (*store.Execution, error) {
	var err error
	if o.Status, err = oneOf("status", o.Status, outcomes); err != nil {
		return nil, err
	}
	if o.Comment, err = credential.CheckProse("comment", o.Comment, mostRemark); err != nil {
		return nil, err
	}
	if o.FailureReason != "" {
		if o.FailureReason, err = oneOf("failure_reason", strings.ToLower(o.FailureReason), failureReasons); err != nil {
			return nil, err
		}
		if o.Status != "fail" && o.Status != "blocked" {
			return nil, credential.InvalidField("failure_reason", "only what failed or is blocked has one")
		}
	}
	if o.Duration < 0 || o.Duration > mostDuration {
		return nil, credential.InvalidField("duration_ms", "must lie between 0 and 30 days")
	}
	return w.changeExecution(ctx, p, id, func(ch *change, e *store.Execution) error {
		if e.Status != store.NotExecuted {
			return credential.Errorf(credential.Conflict, "it ended before; run it again first")
		}
		if o.Duration == 0 && !e.StartedAt.IsZero() {
			o.Duration = min(ch.at.Sub(e.StartedAt), mostDuration)
		}
		e.Status, e.Comment, e.FailureReason, e.Duration = o.Status, o.Comment, o.FailureReason, max(o.Duration, 0)
		e.ExecutedAt, e.Run, e.Maker = ch.at, uuid.Nil, ch.maker()
		return nil
	})
}

// RerunExecution makes an execution that ended as if it never had begun.
func (w *Workspace) RerunExecution(ctx context.Context, p *credential.Principal, id uuid.UUID) (*store.Execution, error) {
	return w.changeExecution(ctx, p, id, func(ch *change, e *store.Execution) error {
		if e.Status == store.NotExecuted {
			return credential.Errorf(credential.Conflict, "it hasn't ended yet")
		}
		e.Status, e.Comment, e.FailureReason, e.Duration, e.Steps = store.NotExecuted, "", "", 0, nil
		e.StartedAt, e.ExecutedAt, e.Run = time.Time{}, time.Time{}, uuid.Nil
		return nil
	})
}

// AssignExecution says which member of the project is to execute a test case;
// Nil is nobody.
func (w *Workspace) AssignExecution(ctx context.Context, p *credential.Principal, id, user uuid.UUID) (*store.Execution, error) {
	return w.changeExecution(ctx, p, id, func(ch *change, e *store.Execution) error {
		if user != uuid.Nil {
			member, err := ch.MemberByID(ctx, ch.project.Organization, user)
			if err := ch.works(ctx, "user_id", member, err); err != nil {
				return err
			}
		}
		e.Assigned = user
		return nil
	})
}

// SetStep says how a step of an execution went.
func (w *Workspace) SetStep(ctx context.Context, p *credential.Principal, id uuid.UUID, s store.StepResult) (*store.Execution, error) {
	var err error
	if s.Status, err = oneOf("status", s.Status, outcomes); err != nil {
		return nil, err
	}
	if s.Actual, err = credential.CheckProse("actual_result", s.Actual, mostStepText); err != nil {
		return nil, err
	}
	return w.changeExecution(ctx, p, id, func(ch *change, e *store.Execution) error {
		c, err := ch.TestCaseByID(ctx, e.Case)
		if err != nil {
			return err
		}
		if s.Number < 1 || s.Number > len(c.Steps) {
			return credential.InvalidField("step_number", "the test case has %d steps", len(c.Steps))
		}
		at, there := slices.BinarySearchFunc(e.Steps, s.Number, func(a store.StepResult, n int) int { return a.Number - n })
		if !there {
			e.Steps = slices.Insert(e.Steps, at, s)
		}
		e.Steps[at] = s
		return nil
	})
}

// AddDefect notes what was found by an execution, such as the number of an issue.
func (w *Workspace) AddDefect(ctx context.Context, p *credential.Principal, id uuid.UUID, defect string) (*store.Execution, error) {
	defect, err := credential.CheckText("defect", defect, mostDefect)
	if err != nil {
		return nil, err
	}
	return w.changeExecution(ctx, p, id, func(ch *change, e *store.Execution) error {
		defects, err := texts("defect", append(slices.Clone(e.Defects), defect), span{mostDefects, mostDefect})
		e.Defects = defects
		return err
	})
}
