package testkase

import (
	"fmt"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// content is what people say of a test case.
type content struct {
	Title          string            `json:"title"`
	Description    string            `json:"description"`
	Preconditions  string            `json:"preconditions"`
	Priority       string            `json:"priority"`
	Type           string            `json:"type"`
	Status         string            `json:"status"`
	Labels         []string          `json:"labels"`
	Folder         *string           `json:"folder"`
	Steps          []step            `json:"steps"`
	AutomationRefs []string          `json:"automationRefs"`
	CustomFields   map[string]string `json:"customFields"`
}

type step struct {
	Order          int    `json:"order"`
	Action         string `json:"action"`
	ExpectedResult string `json:"expectedResult"`
}

// testCase is a test case as it is shown.
type testCase struct {
	ID           string  `json:"id"`
	AutomationID *string `json:"automationId"`
	Version      int64   `json:"version"`
	content
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// version is what a test case was.
type version struct {
	Version int64 `json:"version"`
	content
	CreatedAt time.Time `json:"createdAt"`
}

func contentOf(c *store.CaseContent) content {
	out := content{
		Title: c.Title, Description: c.Description, Preconditions: c.Preconditions, Priority: workspace.PriorityWord(c.Priority), Type: c.Type, Status: c.Status,
		Labels: c.Labels, AutomationRefs: c.References, CustomFields: c.Custom, Steps: make([]step, len(c.Steps)),
	}
	if c.Folder != "" {
		out.Folder = &c.Folder
	}
	for i, s := range c.Steps {
		out.Steps[i] = step{i + 1, s.Action, s.ExpectedResult}
	}
	return out
}

func caseOf(c *store.TestCase) testCase {
	return testCase{id("TC-", c.Number), automation(c.Automation), c.Version, contentOf(&c.CaseContent), c.CreatedAt, c.UpdatedAt}
}

func versionOf(v *store.CaseVersion) version {
	return version{v.Version, contentOf(&v.CaseContent), v.CreatedAt}
}

// automation spells an automation id: five digits, null for none.
func automation(n int64) *string {
	if n == 0 {
		return nil
	}
	text := fmt.Sprintf("%05d", n)
	return &text
}

// caseBody is what may be said of a test case. What isn't there stays.
type caseBody struct {
	Title          *string           `json:"title"`
	Description    *string           `json:"description"`
	Preconditions  *string           `json:"preconditions"`
	Priority       *string           `json:"priority"`
	Type           *string           `json:"type"`
	Status         *string           `json:"status"`
	Folder         *string           `json:"folder"`
	Labels         *[]string         `json:"labels"`
	Steps          *[]stepBody       `json:"steps"`
	AutomationRefs *[]string         `json:"automationRefs"`
	CustomFields   map[string]string `json:"customFields"`
	Version        int64             `json:"version"`
}

// stepBody is a step. Steps are in the order in which they stand; the numbers
// that they may carry say nothing more.
type stepBody struct {
	Order          int    `json:"order"`
	Action         string `json:"action"`
	ExpectedResult string `json:"expectedResult"`
}

func (b *caseBody) request(r *edge.Request) workspace.CaseRequest {
	out := workspace.CaseRequest{
		Title: b.Title, Description: b.Description, Preconditions: b.Preconditions, Priority: b.Priority, Type: b.Type, Status: b.Status,
		Folder: b.Folder, Labels: b.Labels, References: b.AutomationRefs, Custom: b.CustomFields, Version: b.Version, Repeat: r.Repeat(),
	}
	if b.Steps != nil {
		steps := make([]store.TestStep, len(*b.Steps))
		for i, s := range *b.Steps {
			steps[i] = store.TestStep{Action: s.Action, ExpectedResult: s.ExpectedResult}
		}
		out.Steps = &steps
	}
	return out
}

func (h *handlers) listCases(r *edge.Request, _ edge.None) (list[testCase], error) {
	ref, err := h.project(r)
	if err != nil {
		return list[testCase]{}, err
	}
	q, err := caseQuery(r)
	if err != nil {
		return list[testCase]{}, err
	}
	found, total, err := h.workspace.TestCases(r.Context(), &r.Principal, ref, q)
	return paged(q.Section, found, total, caseOf), err
}

// caseQuery reads which test cases are asked for.
func caseQuery(r *edge.Request) (q workspace.CaseQuery, err error) {
	q = workspace.CaseQuery{Status: r.Param("status"), Type: r.Param("type"), Priority: r.Param("priority"), Folder: r.Param("folder"),
		Label: r.Param("label"), Reference: r.Param("automationRef"), Search: r.Param("search")}
	if text := r.Param("automationId"); text != "" {
		n, ok := authority.ParseNumber(text, "")
		if !ok || len(text) != 5 {
			return q, credential.InvalidField("automationId", "must be the five digits of an automation id, such as 48271")
		}
		q.Automation = n
	}
	if q.Section, err = section(r); err == nil {
		q.After, err = after(r, "TC-")
	}
	return q, err
}

func (h *handlers) createCase(r *edge.Request, in caseBody) (one[testCase], error) {
	ref, err := h.project(r)
	if err != nil {
		return one[testCase]{}, err
	}
	return showCase(h.workspace.CreateTestCase(r.Context(), &r.Principal, ref, in.request(r)))
}

func showCase(c *store.TestCase, err error) (one[testCase], error) {
	if err != nil {
		return one[testCase]{}, err
	}
	return one[testCase]{caseOf(c)}, nil
}

// testCase reads which test case is asked for.
func (h *handlers) testCase(r *edge.Request) (workspace.Numbered, error) {
	return h.numbered(r, kind{"TC-", "test case", "case"})
}

func (h *handlers) getCase(r *edge.Request, _ edge.None) (one[testCase], error) {
	n, err := h.testCase(r)
	if err != nil {
		return one[testCase]{}, err
	}
	return showCase(h.workspace.TestCase(r.Context(), &r.Principal, n))
}

func (h *handlers) changeCase(r *edge.Request, in caseBody) (one[testCase], error) {
	n, err := h.testCase(r)
	if err != nil {
		return one[testCase]{}, err
	}
	return showCase(h.workspace.ChangeTestCase(r.Context(), &r.Principal, n, in.request(r)))
}

func (h *handlers) deleteCase(r *edge.Request, _ edge.None) (one[deleted], error) {
	n, err := h.testCase(r)
	if err == nil {
		err = h.workspace.DeleteTestCase(r.Context(), &r.Principal, n)
	}
	return one[deleted]{deleted{id("TC-", n.Number), true}}, err
}

// versions is an answer with versions of a test case, the latest first; next is
// what to ask for as before, where there may be more.
type versions struct {
	Data []version `json:"data"`
	Next int64     `json:"next,omitzero"`
}

func (h *handlers) listVersions(r *edge.Request, _ edge.None) (versions, error) {
	n, err := h.testCase(r)
	if err != nil {
		return versions{}, err
	}
	before, err := r.Number("before", edge.Span{Otherwise: 0, Least: 1, Most: 1_000_000_000})
	if err != nil {
		return versions{}, err
	}
	found, err := h.workspace.CaseVersions(r.Context(), &r.Principal, n, int64(before))
	out := versions{Data: make([]version, len(found))}
	for i := range found {
		out.Data[i] = versionOf(&found[i])
		if out.Next = found[i].Version; out.Next == 1 {
			out.Next = 0
		}
	}
	return out, err
}

func (h *handlers) getVersion(r *edge.Request, _ edge.None) (one[version], error) {
	n, err := h.testCase(r)
	if err != nil {
		return one[version]{}, err
	}
	number, ok := authority.ParseNumber(r.PathValue("version"), "")
	if !ok {
		return one[version]{}, credential.Errorf(credential.NotFound, "no such version of the test case")
	}
	v, err := h.workspace.CaseVersion(r.Context(), &r.Principal, n, number)
	if err != nil {
		return one[version]{}, err
	}
	return one[version]{versionOf(v)}, nil
}
