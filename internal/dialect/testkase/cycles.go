package testkase

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// cycle is a test cycle as it is shown.
type cycle struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	IsMaster    bool      `json:"isMaster"`
	Status      string    `json:"status"`
	Version     int64     `json:"version"`
	Counts      counts    `json:"counts"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

type counts struct {
	Total       int64 `json:"total"`
	Pass        int64 `json:"pass"`
	Fail        int64 `json:"fail"`
	Blocked     int64 `json:"blocked"`
	Skipped     int64 `json:"skipped"`
	NotExecuted int64 `json:"notExecuted"`
}

func cycleOf(c *store.TestCycle) cycle {
	n := c.Counts
	return cycle{
		id("TCYCLE-", c.Number), c.Name, c.Description, c.Master(), c.Status, c.Version,
		counts{n.Total, n.Passed, n.Failed, n.Blocked, n.Skipped, n.Of(store.NotExecuted)}, c.CreatedAt, c.UpdatedAt,
	}
}

func showCycle(c *store.TestCycle, err error) (one[cycle], error) {
	if err != nil {
		return one[cycle]{}, err
	}
	return one[cycle]{cycleOf(c)}, nil
}

// cycle reads which test cycle is asked for.
func (h *handlers) cycle(r *edge.Request) (workspace.Numbered, error) {
	return h.numbered(r, kind{"TCYCLE-", "test cycle", "cycle"})
}

// cycleQuery reads which part of a list is asked for.
func cycleQuery(r *edge.Request, prefix string) (q workspace.CycleQuery, err error) {
	q.Status = r.Param("status")
	if q.Section, err = section(r); err == nil {
		q.After, err = after(r, prefix)
	}
	return q, err
}

func (h *handlers) listCycles(r *edge.Request, _ edge.None) (list[cycle], error) {
	ref, err := h.project(r)
	if err != nil {
		return list[cycle]{}, err
	}
	q, err := cycleQuery(r, "TCYCLE-")
	if err != nil {
		return list[cycle]{}, err
	}
	found, total, err := h.workspace.TestCycles(r.Context(), &r.Principal, ref, q)
	return paged(q.Section, found, total, cycleOf), err
}

// newCycle asks for a test cycle.
type newCycle struct {
	Name        *string  `json:"name"`
	Description *string  `json:"description"`
	Status      *string  `json:"status"`
	TestCases   []string `json:"testCases"` // such as TC-1
}

func (h *handlers) createCycle(r *edge.Request, in newCycle) (one[cycle], error) {
	ref, err := h.project(r)
	if err != nil {
		return one[cycle]{}, err
	}
	numbers, err := caseNumbers(in.TestCases)
	if err != nil {
		return one[cycle]{}, err
	}
	return showCycle(h.workspace.CreateTestCycle(r.Context(), &r.Principal, ref,
		workspace.CycleRequest{Name: in.Name, Description: in.Description, Status: in.Status, TestCases: numbers, Repeat: r.Repeat()}))
}

// caseNumbers reads the ids of test cases.
func caseNumbers(ids []string) ([]int64, error) {
	numbers := make([]int64, len(ids))
	for i, text := range ids {
		var ok bool
		if numbers[i], ok = authority.ParseNumber(text, "TC-"); !ok {
			return nil, credential.InvalidField("testCases", "must hold ids of test cases, such as TC-1")
		}
	}
	return numbers, nil
}

func (h *handlers) getCycle(r *edge.Request, _ edge.None) (one[cycle], error) {
	n, err := h.cycle(r)
	if err != nil {
		return one[cycle]{}, err
	}
	return showCycle(h.workspace.TestCycle(r.Context(), &r.Principal, n))
}

// cycleBody is what may be said of a test cycle. What isn't there stays.
type cycleBody struct {
	Name        *string `json:"name"`
	Description *string `json:"description"`
	Status      *string `json:"status"`
	Version     int64   `json:"version"`
}

func (h *handlers) changeCycle(r *edge.Request, in cycleBody) (one[cycle], error) {
	n, err := h.cycle(r)
	if err != nil {
		return one[cycle]{}, err
	}
	return showCycle(h.workspace.ChangeTestCycle(r.Context(), &r.Principal, n,
		workspace.CycleRequest{Name: in.Name, Description: in.Description, Status: in.Status, Version: in.Version}))
}

func (h *handlers) deleteCycle(r *edge.Request, _ edge.None) (one[deleted], error) {
	n, err := h.cycle(r)
	if err == nil {
		err = h.workspace.DeleteTestCycle(r.Context(), &r.Principal, n)
	}
	return one[deleted]{deleted{id("TCYCLE-", n.Number), true}}, err
}

// execution is a test case in a cycle, as it is shown.
type execution struct {
	ID           string     `json:"id"` // of the test case
	AutomationID *string    `json:"automationId"`
	Title        string     `json:"title"`
	Status       string     `json:"status"`
	Comment      string     `json:"comment"`
	DurationMs   int64      `json:"durationMs"`
	RunID        *string    `json:"runId"`
	ExecutedAt   *time.Time `json:"executedAt"`
}

// TestKase's words for how a test case stands.
var (
	statusWords  = map[string]string{store.NotExecuted: "Not Executed", "pass": "Pass", "fail": "Fail", "blocked": "Blocked", "skipped": "Skipped"}
	wordStatuses = map[string]string{"Not Executed": store.NotExecuted, "Pass": "pass", "Fail": "fail", "Blocked": "blocked", "Skipped": "skipped"}
)

// statusOf reads TestKase's word for a status, or another spelling of it.
func statusOf(word string) string {
	if status, known := wordStatuses[word]; known {
		return status
	}
	return word
}

func executionOf(e *store.Execution) execution {
	out := execution{id("TC-", e.CaseNumber), automation(e.Automation), e.Title, statusWords[e.Status], e.Comment, e.Duration.Milliseconds(), runID(e.Run), nil}
	if !e.ExecutedAt.IsZero() {
		out.ExecutedAt = &e.ExecutedAt
	}
	return out
}

func (h *handlers) listExecutions(r *edge.Request, _ edge.None) (list[execution], error) {
	n, err := h.cycle(r)
	if err != nil {
		return list[execution]{}, err
	}
	q, err := cycleQuery(r, "TC-")
	if err != nil {
		return list[execution]{}, err
	}
	q.Status = statusOf(q.Status)
	found, total, err := h.workspace.Executions(r.Context(), &r.Principal, n, q)
	return paged(q.Section, found, total, executionOf), err
}

// added names test cases that are put into a cycle.
type added struct {
	TestCases []string `json:"testCases"`
}

func (h *handlers) addExecutions(r *edge.Request, in added) (one[cycle], error) {
	n, err := h.cycle(r)
	if err != nil {
		return one[cycle]{}, err
	}
	numbers, err := caseNumbers(in.TestCases)
	if err != nil {
		return one[cycle]{}, err
	}
	return showCycle(h.workspace.AddToCycle(r.Context(), &r.Principal, n, numbers))
}

// executionBody says how a test case went.
type executionBody struct {
	Status     string `json:"status"`
	Comment    string `json:"comment"`
	DurationMs int64  `json:"durationMs"`
}

// inCycle reads the test case of a path below a cycle.
func inCycle(r *edge.Request) (int64, error) {
	n, ok := authority.ParseNumber(r.PathValue("case"), "TC-")
	if !ok {
		return 0, credential.Errorf(credential.NotFound, "no such test case: ids are such as TC-1")
	}
	return n, nil
}

func (h *handlers) setExecution(r *edge.Request, in executionBody) (one[execution], error) {
	n, err := h.cycle(r)
	if err != nil {
		return one[execution]{}, err
	}
	tc, err := inCycle(r)
	if err != nil {
		return one[execution]{}, err
	}
	e, err := h.workspace.SetExecution(r.Context(), &r.Principal, n,
		workspace.ExecutionRequest{TestCase: tc, Status: statusOf(in.Status), Comment: in.Comment, Duration: ms(in.DurationMs)})
	if err != nil {
		return one[execution]{}, err
	}
	return one[execution]{executionOf(e)}, nil
}

// ms is a length of time from milliseconds; one beyond all bounds stays so.
func ms(n int64) time.Duration {
	const most = int64(365 * 24 * time.Hour / time.Millisecond)
	return time.Duration(max(-1, min(n, most))) * time.Millisecond
}

func (h *handlers) removeExecution(r *edge.Request, _ edge.None) (one[deleted], error) {
	n, err := h.cycle(r)
	if err != nil {
		return one[deleted]{}, err
	}
	tc, err := inCycle(r)
	if err == nil {
		err = h.workspace.RemoveFromCycle(r.Context(), &r.Principal, n, tc)
	}
	return one[deleted]{deleted{id("TC-", tc), true}}, err
}
