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

// The words for test cycles, and for how a test case stands in one.
var (
	cycleStatuses     = []string{"planned", "in_progress", "completed", "aborted"}
	executionStatuses = []string{store.NotExecuted, "pass", "fail", "blocked", "skipped"}
)

// Bounds of what is said of executions.
const (
	mostRemark   = 2_000 // characters
	mostAdded    = 500   // test cases that are put into a cycle at once
	mostDuration = 30 * 24 * time.Hour
)

// CycleRequest says what a test cycle is, or what changes of it. What is nil
// stays as it is.
type CycleRequest struct {
	Name, Description, Status *string
	RunType                   *string // only of a new one
	// TestCases are put into a new cycle, by their numbers.
	TestCases []int64
	// Version is the one that the change was made to; 0 is whichever there is.
	Version int64
	Repeat  *Repeat
}

// apply checks what is asked for and says it of a test cycle.
func (r *CycleRequest) apply(c *store.TestCycle) (err error) {
	if r.Name != nil {
		if c.Name, err = credential.CheckText("name", *r.Name, mostCaseTitle); err != nil {
			return err
		}
	}
	if r.Description != nil {
		if c.Description, err = credential.CheckProse("description", *r.Description, mostCaseText); err != nil {
			return err
		}
	}
	if r.RunType != nil {
		if c.RunType, err = oneOf("run_type", strings.ToLower(*r.RunType), executionTypes); err != nil {
			return err
		}
	}
	if r.Status != nil {
		c.Status, err = oneOf("status", strings.ToLower(*r.Status), cycleStatuses)
	}
	return err
}

// timed notes since when a test cycle is under way, and until when it was.
func timed(c *store.TestCycle, at time.Time) {
	over := c.Status == "completed" || c.Status == "aborted"
	switch {
	case !over:
		c.EndedAt = time.Time{}
	case c.EndedAt.IsZero():
		c.EndedAt = at
	}
	switch {
	case c.Status == "planned":
		c.StartedAt = time.Time{}
	case c.StartedAt.IsZero():
		c.StartedAt = at
	}
}

// cycleDetail is the detail of the events of test cycles.
type cycleDetail struct {
	Project  uuid.UUID `json:"project"`
	Number   int64     `json:"number"`
	TestCase int64     `json:"test_case,omitempty"`
	Cases    int       `json:"test_cases,omitempty"`
	Status   string    `json:"status,omitempty"`
}

func cycleTarget(c *store.TestCycle) string { return "test_cycle:" + c.ID.String() }

// CreateTestCycle makes a test cycle. It needs a name only.
func (w *Workspace) CreateTestCycle(ctx context.Context, p *credential.Principal, project store.ProjectRef, r CycleRequest) (*store.TestCycle, error) {
	if r.Name == nil {
		return nil, credential.InvalidField("name", "say how the cycle is called")
	}
	c := &store.TestCycle{Status: "planned", RunType: "manual"}
	if err := r.apply(c); err != nil {
		return nil, err
	}
	id, err := w.make(ctx, p, want{project, credential.ResultsWrite}, Numbered{Project: project}.making("create test cycle", r.Repeat), func(ch *change) (uuid.UUID, error) {
		if err := w.insertCycle(ctx, ch, c, len(r.TestCases)); err != nil {
			return uuid.Nil, err
		}
		return c.ID, w.addCases(ctx, ch, c, r.TestCases)
	})
	if err != nil {
		return nil, err
	}
	return w.store.TestCycleByID(ctx, id)
}

// insertCycle stores a new test cycle, into which so many test cases are put.
func (w *Workspace) insertCycle(ctx context.Context, ch *change, c *store.TestCycle, cases int) (err error) {
	if c.ID, err = w.newID(); err != nil {
		return err
	}
	c.Project, c.CreatedAt, c.Maker = ch.project.ID, ch.at, ch.maker()
	timed(c, ch.at)
	if err := ch.InsertTestCycle(ctx, c); err != nil {
		return err
	}
	ch.record("test_cycle.create", cycleTarget(c), cycleDetail{Project: c.Project, Number: c.Number, Cases: cases})
	return nil
}

// addCases puts test cases into a cycle, by their numbers.
func (w *Workspace) addCases(ctx context.Context, ch *change, c *store.TestCycle, numbers []int64) error {
	if len(numbers) == 0 {
		return nil
	}
	if len(numbers) > mostAdded {
		return credential.InvalidField("testCases", "at most %d at once", mostAdded)
	}
	cases, err := ch.TestCases(ctx, store.CaseFilter{Project: ch.project.ID, Numbers: numbers}, 0, mostAdded)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if !slices.ContainsFunc(cases, func(tc store.TestCase) bool { return tc.Number == n }) {
			return credential.InvalidField("testCases", "there is no TC-%d", n)
		}
	}
	return w.putCases(ctx, ch, c.ID, cases)
}

// putCases puts test cases into a cycle that were found already.
func (w *Workspace) putCases(ctx context.Context, ch *change, cycle uuid.UUID, cases []store.TestCase) (err error) {
	added := make([]store.Execution, len(cases))
	for i := range cases {
		if added[i], err = w.execution(ch, &cases[i]); err != nil {
			return err
		}
	}
	return ch.AddExecutions(ctx, cycle, added)
}

// execution begins the execution of a test case.
func (w *Workspace) execution(ch *change, tc *store.TestCase) (e store.Execution, err error) {
	e.ID, err = w.newID()
	e.Case, e.CaseNumber, e.Maker, e.CreatedAt = tc.ID, tc.Number, ch.maker(), ch.at
	return e, err
}

// TestCycle finds a test cycle.
func (w *Workspace) TestCycle(ctx context.Context, p *credential.Principal, n Numbered) (*store.TestCycle, error) {
	project, err := find(ctx, w.store, p, want{n.Project, credential.ResultsRead})
	if err != nil {
		return nil, err
	}
	return w.store.TestCycleIn(ctx, project.ID, n.Number)
}

// TestCycles lists the test cycles of a project in the order of their numbers,
// the master cycle first. Of those with a status at most store.MostCounted are
// counted.
func (w *Workspace) TestCycles(ctx context.Context, p *credential.Principal, ref store.ProjectRef, q CycleQuery) ([]store.TestCycle, int64, error) {
	project, err := find(ctx, w.store, p, want{ref, credential.ResultsRead})
	if err != nil {
		return nil, 0, err
	}
	f := store.CycleFilter{Project: project.ID, Made: q.Made, After: q.After}
	if q.RunType != "" {
		if f.RunType, err = oneOf("run_type", strings.ToLower(q.RunType), executionTypes); err != nil {
			return nil, 0, err
		}
	}
	if q.Status != "" {
		if f.Status, err = oneOf("status", strings.ToLower(q.Status), cycleStatuses); err != nil {
			return nil, 0, err
		}
	}
	without, err := q.Skip()
	if err != nil {
		return nil, 0, err
	}
	cycles, err := w.store.TestCycles(ctx, f, without, q.Limit)
	if err != nil {
		return nil, 0, err
	}
	total, err := w.store.CountTestCycles(ctx, f)
	return cycles, total, err
}

// CycleQuery asks for a part of the test cycles, or of a cycle. An empty status
// chooses all.
type CycleQuery struct {
	Status  string
	RunType string
	Made    bool // without the master cycle
	After   int64
	Section
}

// changeCycle runs fn on a test cycle as it is in a change.
func (w *Workspace) changeCycle(ctx context.Context, p *credential.Principal, n Numbered, fn func(*change, *store.TestCycle) error) (c *store.TestCycle, err error) {
	err = w.change(ctx, p, want{n.Project, credential.ResultsWrite}, func(ch *change) error {
		if c, err = ch.TestCycleIn(ctx, ch.project.ID, n.Number); err != nil {
			return err
		}
		return fn(ch, c)
	})
	return c, done(err)
}

// ChangeTestCycle says something else of a test cycle.
func (w *Workspace) ChangeTestCycle(ctx context.Context, p *credential.Principal, n Numbered, r CycleRequest) (*store.TestCycle, error) {
	return w.changeCycle(ctx, p, n, func(ch *change, c *store.TestCycle) error {
		if err := unchanged(c.Version, r.Version); err != nil {
			return err
		}
		before := *c
		if err := r.apply(c); err != nil {
			return err
		}
		if *c == before {
			return errUnchanged
		}
		return saveCycle(ctx, ch, c)
	})
}

// saveCycle stores what has been changed of a test cycle.
func saveCycle(ctx context.Context, ch *change, c *store.TestCycle) error {
	timed(c, ch.at)
	c.Version, c.UpdatedAt = c.Version+1, ch.at
	ch.record("test_cycle.update", cycleTarget(c), cycleDetail{Project: c.Project, Number: c.Number, Status: c.Status})
	return ch.UpdateTestCycle(ctx, c)
}

// DeleteTestCycle takes a test cycle away. The master cycle stays.
func (w *Workspace) DeleteTestCycle(ctx context.Context, p *credential.Principal, n Numbered) error {
	_, err := w.changeCycle(ctx, p, n, func(ch *change, c *store.TestCycle) error {
		if c.Master() {
			return credential.Errorf(credential.Conflict, "TCYCLE-1 is the master cycle of the project and can't be deleted")
		}
		ch.record("test_cycle.delete", cycleTarget(c), cycleDetail{Project: c.Project, Number: c.Number})
		return ch.DeleteTestCycle(ctx, c, ch.at)
	})
	return err
}

// Executions lists the test cases of a cycle, and how they went, in the order
// of their numbers.
func (w *Workspace) Executions(ctx context.Context, p *credential.Principal, n Numbered, q CycleQuery) ([]store.Execution, int64, error) {
	c, err := w.TestCycle(ctx, p, n)
	if err != nil {
		return nil, 0, err
	}
	f, total := store.ExecutionFilter{Cycle: c.ID, After: q.After}, c.Counts.Total
	if q.Status != "" {
		if f.Status, err = oneOf("status", strings.ToLower(q.Status), executionStatuses); err != nil {
			return nil, 0, err
		}
		total = c.Counts.Of(f.Status)
	}
	without, err := q.Skip()
	if err != nil {
		return nil, 0, err
	}
	list, err := w.store.Executions(ctx, f, without, q.Limit)
	return list, total, err
}

// AddToCycle puts test cases into a cycle, by their numbers. Those that are in
// it stay as they are.
func (w *Workspace) AddToCycle(ctx context.Context, p *credential.Principal, n Numbered, numbers []int64) (*store.TestCycle, error) {
	if len(numbers) == 0 {
		return nil, credential.InvalidField("testCases", "name at least one, such as TC-1")
	}
	c, err := w.changeCycle(ctx, p, n, func(ch *change, c *store.TestCycle) error {
		ch.record("test_cycle.add", cycleTarget(c), cycleDetail{Project: c.Project, Number: c.Number, Cases: len(numbers)})
		return w.addCases(ctx, ch, c, numbers)
	})
	if err != nil {
		return nil, err
	}
	return w.store.TestCycleByID(ctx, c.ID) // with what is counted now
}

// RemoveFromCycle takes a test case out of a cycle. All are in the master cycle.
func (w *Workspace) RemoveFromCycle(ctx context.Context, p *credential.Principal, n Numbered, number int64) error {
	_, err := w.changeCycle(ctx, p, n, func(ch *change, c *store.TestCycle) error {
		if c.Master() {
			return credential.Errorf(credential.Conflict, "all test cases of the project are in TCYCLE-1, its master cycle")
		}
		if _, err := ch.ExecutionIn(ctx, c.ID, number); err != nil {
			return err
		}
		ch.record("test_cycle.remove", cycleTarget(c), cycleDetail{Project: c.Project, Number: c.Number, TestCase: number})
		return ch.RemoveExecution(ctx, c.ID, number)
	})
	return err
}

// ExecutionRequest says how a test case went in a cycle.
type ExecutionRequest struct {
	TestCase        int64 // its number
	Status, Comment string
	Duration        time.Duration
}

// SetExecution says how a test case went in a cycle, and puts it there if it
// isn't. One that is not executed is again as if it never was.
func (w *Workspace) SetExecution(ctx context.Context, p *credential.Principal, n Numbered, r ExecutionRequest) (out *store.Execution, err error) {
	if r.Status, err = oneOf("status", strings.ToLower(r.Status), executionStatuses); err != nil {
		return nil, err
	}
	if r.Comment, err = credential.CheckProse("comment", r.Comment, mostRemark); err != nil {
		return nil, err
	}
	if r.Duration < 0 || r.Duration > mostDuration {
		return nil, credential.InvalidField("durationMs", "must lie between 0 and 30 days")
	}
	_, err = w.changeCycle(ctx, p, n, func(ch *change, c *store.TestCycle) error {
		tc, err := ch.TestCaseIn(ctx, c.Project, r.TestCase)
		if err != nil {
			return err
		}
		e, err := w.execution(ch, tc)
		if err != nil {
			return err
		}
		if e.Status, e.Comment, e.Duration = r.Status, r.Comment, r.Duration; e.Status != store.NotExecuted {
			e.ExecutedAt = ch.at
		}
		ch.record("test_result.set", cycleTarget(c), cycleDetail{Project: c.Project, Number: c.Number, TestCase: tc.Number, Status: e.Status})
		if err := ch.SetExecutions(ctx, c.ID, []store.Execution{e}); err != nil {
			return err
		}
		out, err = ch.ExecutionIn(ctx, c.ID, tc.Number)
		return err
	})
	return out, err
}
