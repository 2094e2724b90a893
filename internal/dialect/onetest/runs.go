package onetest

import (
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// run is a test cycle as it is shown. The master cycle of a project is none.
type run struct {
	ID          string     `json:"id"`
	ProductID   string     `json:"product_id"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	RunType     string     `json:"run_type"`
	Status      string     `json:"status"`
	Counts      counts     `json:"counts"`
	CreatedBy   *string    `json:"created_by"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	StartedAt   *time.Time `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at"`
}

// counts are of executions; those in progress count as not run.
type counts struct {
	Total   int64 `json:"total"`
	NotRun  int64 `json:"not_run"`
	Passed  int64 `json:"passed"`
	Failed  int64 `json:"failed"`
	Blocked int64 `json:"blocked"`
	Skipped int64 `json:"skipped"`
}

func runOf(c *store.TestCycle) run {
	n := c.Counts
	return run{
		ID: c.ID.String(), ProductID: c.Project.String(), Name: c.Name, Description: c.Description, RunType: c.RunType, Status: c.Status,
		Counts:    counts{n.Total, n.Of(store.NotExecuted), n.Passed, n.Failed, n.Blocked, n.Skipped},
		CreatedBy: maker(c.Maker), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, StartedAt: optionalTime(c.StartedAt), CompletedAt: optionalTime(c.EndedAt),
	}
}

// optionalTime is a time, null for none.
func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func showRun(c *store.TestCycle, err error) (run, error) {
	if err != nil {
		return run{}, err
	}
	return runOf(c), nil
}

func (h *handlers) listRuns(r *edge.Request, ref store.ProjectRef, _ edge.None) (out list[run], err error) {
	q := workspace.CycleQuery{Status: r.Param("status"), RunType: r.Param("run_type"), Made: true}
	if q.Section, err = section(r); err != nil {
		return out, err
	}
	found, total, err := h.workspace.TestCycles(r.Context(), &r.Principal, ref, q)
	return paged(q.Section, found, total, runOf), err
}

// newRun asks for a run.
type newRun struct {
	Name        *string  `json:"name"`
	Description *string  `json:"description"`
	RunType     *string  `json:"run_type"`
	TestCaseIDs []string `json:"test_case_ids"`
}

func (h *handlers) createRun(r *edge.Request, ref store.ProjectRef, in newRun) (run, error) {
	numbers, err := h.caseNumbers(r, ref, in.TestCaseIDs)
	if err != nil {
		return run{}, err
	}
	return showRun(h.workspace.CreateTestCycle(r.Context(), &r.Principal, ref,
		workspace.CycleRequest{Name: in.Name, Description: in.Description, RunType: in.RunType, TestCases: numbers, Repeat: r.Repeat()}))
}

// caseNumbers finds the test cases of a product that a body names.
func (h *handlers) caseNumbers(r *edge.Request, ref store.ProjectRef, names []string) ([]int64, error) {
	const field = "test_case_ids"
	ids := make([]uuid.UUID, len(names))
	for i, name := range names {
		var err error
		if ids[i], err = idOf(field, name); err != nil || ids[i] == uuid.Nil {
			return nil, credential.InvalidField(field, "must hold the ids of test cases, which are UUIDs")
		}
	}
	found, err := h.workspace.CaseNumbers(r.Context(), &r.Principal, ref, ids)
	if err != nil {
		return nil, err
	}
	numbers := make([]int64, len(ids))
	for i, id := range ids {
		if numbers[i] = found[id]; numbers[i] == 0 {
			return nil, credential.InvalidField(field, "there is no test case %s in this product", id)
		}
	}
	return numbers, nil
}

// run reads which run is asked for.
func (h *handlers) run(r *edge.Request) (workspace.Numbered, error) {
	id, err := idIn(r, "run", "run")
	if err != nil {
		return workspace.Numbered{}, err
	}
	return h.workspace.RunAt(r.Context(), &r.Principal, id)
}

// ofRun is an endpoint about the run in its path.
func ofRun[In, Out any](h *handlers, fn func(*edge.Request, workspace.Numbered, In) (Out, error)) func(*edge.Request, In) (Out, error) {
	return func(r *edge.Request, body In) (out Out, err error) {
		n, err := h.run(r)
		if err != nil {
			return out, err
		}
		return fn(r, n, body)
	}
}

func (h *handlers) getRun(r *edge.Request, n workspace.Numbered, _ edge.None) (run, error) {
	return showRun(h.workspace.TestCycle(r.Context(), &r.Principal, n))
}

// moveRun is an endpoint that brings a run into a status.
func (h *handlers) moveRun(to string) func(*edge.Request, edge.None) (run, error) {
	return ofRun(h, func(r *edge.Request, n workspace.Numbered, _ edge.None) (run, error) {
		return showRun(h.workspace.MoveCycle(r.Context(), &r.Principal, n, to))
	})
}

// copyBody says what is different of a copy.
type copyBody struct {
	Name        *string `json:"name"`
	Description *string `json:"description"`
}

func (h *handlers) copyRun(r *edge.Request, n workspace.Numbered, in copyBody) (run, error) {
	return showRun(h.workspace.CopyCycle(r.Context(), &r.Principal, n, workspace.CycleRequest{Name: in.Name, Description: in.Description, Repeat: r.Repeat()}))
}

// addedCases names test cases that are put into a run.
type addedCases struct {
	TestCaseIDs []string `json:"test_case_ids"`
}

func (h *handlers) addCases(r *edge.Request, n workspace.Numbered, in addedCases) (run, error) {
	numbers, err := h.caseNumbers(r, n.Project, in.TestCaseIDs)
	if err != nil {
		return run{}, err
	}
	return showRun(h.workspace.AddToCycle(r.Context(), &r.Principal, n, numbers))
}

// queryBody is a query.
type queryBody struct {
	Query string `json:"query"`
}

func (h *handlers) addFound(r *edge.Request, n workspace.Numbered, in queryBody) (run, error) {
	conditions, err := parseQuery(in.Query, caseFilters)
	if err != nil {
		return run{}, err
	}
	if len(conditions) == 0 {
		return run{}, credential.InvalidField("query", "say which test cases")
	}
	q, err := caseQuery(func(field string) string { return conditions[field] })
	if err != nil {
		return run{}, err
	}
	return showRun(h.workspace.AddFoundToCycle(r.Context(), &r.Principal, n, q))
}

// analytics is how a run went.
type analytics struct {
	RunID          string           `json:"run_id"`
	Status         string           `json:"status"`
	Total          int64            `json:"total"`
	ByStatus       map[string]int64 `json:"by_status"`
	PassRate       float64          `json:"pass_rate"`       // of what was executed, in percent
	CompletionRate float64          `json:"completion_rate"` // in percent
	FailureReasons map[string]int64 `json:"failure_reasons"`
	DurationMs     int64            `json:"duration_ms"`
}

func (h *handlers) analytics(r *edge.Request, n workspace.Numbered, _ edge.None) (out analytics, err error) {
	c, groups, err := h.workspace.CycleGroups(r.Context(), &r.Principal, n)
	if err != nil {
		return out, err
	}
	out = analytics{RunID: c.ID.String(), Status: c.Status, ByStatus: map[string]int64{}, FailureReasons: map[string]int64{}}
	for _, word := range executionStatuses {
		out.ByStatus[word] = 0
	}
	var executed int64
	for _, g := range groups {
		out.Total += g.Count
		out.ByStatus[executionWord(g.State)] += g.Count
		out.DurationMs += g.Duration.Milliseconds()
		if g.FailureReason != "" {
			out.FailureReasons[g.FailureReason] += g.Count
		}
		if g.State != store.Waiting && g.State != store.InProgress {
			executed += g.Count
		}
	}
	out.PassRate, out.CompletionRate = percent(out.ByStatus["passed"], executed), percent(executed, out.Total)
	return out, nil
}
