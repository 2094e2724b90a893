package onetest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// OneTest's words for test cases. The place of a priority is what is stored.
var (
	priorities = []string{"p0", "p1", "p2", "p3", "p4"}
	statuses   = []string{"draft", "ready", "deprecated"}
	categories = []string{"functional", "performance", "security", "accessibility", "exploratory"}

	olderStatuses = map[string]string{"active": "ready", "archived": "deprecated"}
)

// testCase is a test case as it is shown.
type testCase struct {
	ID               string    `json:"id"`
	Identifier       string    `json:"identifier"`
	ProductID        string    `json:"product_id"`
	Title            string    `json:"title"`
	Description      string    `json:"description"`
	TestType         string    `json:"test_type"`
	ExecutionType    string    `json:"execution_type"`
	TestCategory     string    `json:"test_category"`
	Priority         string    `json:"priority"`
	Status           string    `json:"status"`
	Tags             []string  `json:"tags"`
	FolderID         *string   `json:"folder_id"`
	Component        string    `json:"component"`
	Owner            string    `json:"owner"`
	Preconditions    string    `json:"preconditions"`
	Steps            []step    `json:"steps"`
	AutomationStatus string    `json:"automation_status"`
	AutomationTestID string    `json:"automation_test_id"` // one reference a line
	Version          int64     `json:"version"`
	CreatedBy        *string   `json:"created_by"`
	CreatedAt        time.Time `json:"created_at"`
	UpdatedAt        time.Time `json:"updated_at"`
}

type step struct {
	Number         int      `json:"step_number"`
	Action         string   `json:"action"`
	ExpectedResult string   `json:"expected_result"`
	Data           string   `json:"data"`
	Attachments    []string `json:"attachments"`
}

// identifier spells the number of a test case.
func identifier(n int64) string { return fmt.Sprintf("TC-%04d", n) }

func caseOf(c *store.TestCase) testCase {
	out := testCase{
		ID: c.ID.String(), Identifier: identifier(c.Number), ProductID: c.Project.String(), Title: c.Title, Description: c.Description,
		TestType: c.TestType, ExecutionType: c.ExecutionType, TestCategory: c.Type, Priority: priorities[c.Priority], Status: c.Status, Tags: c.Labels,
		Component: c.Component, Owner: c.Owner, Preconditions: c.Preconditions, Steps: make([]step, len(c.Steps)), AutomationStatus: c.AutomationStatus,
		AutomationTestID: strings.Join(c.References, "\n"), Version: c.Version, CreatedBy: maker(c.Maker), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
	if c.Folder != "" {
		out.FolderID = &c.Folder
	}
	for i, s := range c.Steps {
		out.Steps[i] = step{i + 1, s.Action, s.ExpectedResult, s.Data, s.Attachments}
	}
	return out
}

func showCase(c *store.TestCase, err error) (testCase, error) {
	if err != nil {
		return testCase{}, err
	}
	return caseOf(c), nil
}

// caseBody is what may be said of a test case. What isn't there stays.
type caseBody struct {
	Title            *string     `json:"title"`
	Description      *string     `json:"description"`
	TestType         *string     `json:"test_type"`
	ExecutionType    *string     `json:"execution_type"`
	TestCategory     *string     `json:"test_category"`
	Priority         *string     `json:"priority"`
	Status           *string     `json:"status"`
	Tags             *[]string   `json:"tags"`
	FolderID         *string     `json:"folder_id"`
	Component        *string     `json:"component"`
	Owner            *string     `json:"owner"`
	Preconditions    *string     `json:"preconditions"`
	Steps            *[]stepBody `json:"steps"`
	AutomationStatus *string     `json:"automation_status"`
	AutomationTestID *string     `json:"automation_test_id"`
	Version          int64       `json:"version"`
}

// stepBody is a step. Steps are in the order in which they stand; the numbers
// that they may carry say nothing more.
type stepBody step

func (b *caseBody) request(r *edge.Request) (out workspace.CaseRequest, err error) {
	out = workspace.CaseRequest{
		Title: b.Title, Description: b.Description, TestType: b.TestType, ExecutionType: b.ExecutionType, AutomationStatus: b.AutomationStatus,
		Folder: b.FolderID, Component: b.Component, Owner: b.Owner, Preconditions: b.Preconditions, Labels: b.Tags, Version: b.Version, Repeat: r.Repeat(),
	}
	for _, word := range []struct {
		field string
		from  *string
		to    **string
		read  func(field, text string) (string, error)
	}{{"priority", b.Priority, &out.Priority, priority}, {"status", b.Status, &out.Status, status}, {"test_category", b.TestCategory, &out.Type, category}} {
		if word.from != nil {
			text, err := word.read(word.field, *word.from)
			if err != nil {
				return out, err
			}
			*word.to = &text
		}
	}
	if b.Steps != nil {
		steps := make([]store.TestStep, len(*b.Steps))
		for i, s := range *b.Steps {
			steps[i] = store.TestStep{Action: s.Action, ExpectedResult: s.ExpectedResult, Data: s.Data, Attachments: s.Attachments}
		}
		out.Steps = &steps
	}
	if b.AutomationTestID != nil {
		references := strings.FieldsFunc(*b.AutomationTestID, func(c rune) bool { return c == '\n' || c == '\r' })
		out.References = &references
	}
	return out, nil
}

// priority reads p2 and the like.
func priority(field, text string) (string, error) {
	word, err := choice(field, text, priorities, nil)
	return workspace.PriorityWord(slices.Index(priorities, word)), err
}

func status(field, text string) (string, error) { return choice(field, text, statuses, olderStatuses) }

func category(field, text string) (string, error) { return choice(field, text, categories, nil) }

func (h *handlers) listCases(r *edge.Request, ref store.ProjectRef, _ edge.None) (out list[testCase], err error) {
	q, err := caseQuery(r.Param)
	if err != nil {
		return out, err
	}
	if q.Section, err = section(r); err != nil {
		return out, err
	}
	found, total, err := h.workspace.TestCases(r.Context(), &r.Principal, ref, q)
	return paged(q.Section, found, total, caseOf), err
}

// caseFilters are the fields by which test cases are chosen.
var caseFilters = []string{"status", "priority", "test_type", "execution_type", "test_category", "tag", "folder_id", "automation_test_id", "search"}

// caseQuery reads which test cases are asked for.
func caseQuery(param func(string) string) (q workspace.CaseQuery, err error) {
	q = workspace.CaseQuery{TestType: param("test_type"), ExecutionType: param("execution_type"), Label: param("tag"), Folder: param("folder_id"),
		Reference: param("automation_test_id"), Search: param("search")}
	for _, word := range []struct {
		field string
		to    *string
		read  func(field, text string) (string, error)
	}{{"status", &q.Status, status}, {"priority", &q.Priority, priority}, {"test_category", &q.Type, category}} {
		if text := param(word.field); text != "" {
			if *word.to, err = word.read(word.field, text); err != nil {
				return q, err
			}
		}
	}
	return q, nil
}

func (h *handlers) createCase(r *edge.Request, ref store.ProjectRef, in caseBody) (testCase, error) {
	asked, err := in.request(r)
	if err != nil {
		return testCase{}, err
	}
	return showCase(h.workspace.CreateTestCase(r.Context(), &r.Principal, ref, asked))
}

// testCase reads which test case is asked for.
func (h *handlers) testCase(r *edge.Request) (workspace.Numbered, error) {
	id, err := idIn(r, "case", "test case")
	if err != nil {
		return workspace.Numbered{}, err
	}
	return h.workspace.CaseAt(r.Context(), &r.Principal, id)
}

func (h *handlers) getCase(r *edge.Request, _ edge.None) (testCase, error) {
	n, err := h.testCase(r)
	if err != nil {
		return testCase{}, err
	}
	return showCase(h.workspace.TestCase(r.Context(), &r.Principal, n))
}

func (h *handlers) changeCase(r *edge.Request, in caseBody) (testCase, error) {
	n, err := h.testCase(r)
	if err != nil {
		return testCase{}, err
	}
	asked, err := in.request(r)
	if err != nil {
		return testCase{}, err
	}
	return showCase(h.workspace.ChangeTestCase(r.Context(), &r.Principal, n, asked))
}

func (h *handlers) deleteCase(r *edge.Request, _ edge.None) (edge.Nothing, error) {
	n, err := h.testCase(r)
	if err == nil {
		err = h.workspace.DeleteTestCase(r.Context(), &r.Principal, n)
	}
	return edge.Nothing{}, err
}

// coverage is how far the test cases of a product are automated.
type coverage struct {
	Total        int64              `json:"total_test_cases"`
	Distribution distribution       `json:"execution_type_distribution"`
	Marked       int64              `json:"marked_automated"`
	Linked       int64              `json:"linked_to_results"`
	Unreferred   int64              `json:"no_automation_ref"`
	Gap          int64              `json:"automation_gap"`
	GapPercent   float64            `json:"automation_gap_percentage"`
	ByPriority   []priorityCoverage `json:"coverage_by_priority"`
	ByCategory   []categoryCoverage `json:"coverage_by_category"`
}

type distribution struct {
	Manual    int64 `json:"manual"`
	Automated int64 `json:"automated"`
}

type priorityCoverage struct {
	Priority string `json:"priority"`
	covered
}

type categoryCoverage struct {
	Category string `json:"category"`
	covered
}

// covered is how many of some test cases are automated.
type covered struct {
	Total      int64   `json:"total"`
	Automated  int64   `json:"automated"`
	GapPercent float64 `json:"gap_percentage"`
}

func (c *covered) add(g *store.CaseGroup) {
	c.Total, c.Automated = c.Total+g.Count, c.Automated+g.Automated
	c.GapPercent = percent(c.Total-c.Automated, c.Total)
}

// percent is a part of a whole, to a tenth.
func percent(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return math.Round(1000*float64(part)/float64(whole)) / 10
}

// coverage is worked out anew each time, also where no_cache doesn't ask for it.
func (h *handlers) coverage(r *edge.Request, ref store.ProjectRef, _ edge.None) (out coverage, err error) {
	if text := r.Param("no_cache"); text != "" {
		if _, err := credential.CheckChoice("no_cache", text, []string{"true", "false"}); err != nil {
			return out, err
		}
	}
	groups, err := h.workspace.CaseGroups(r.Context(), &r.Principal, ref)
	if err != nil {
		return out, err
	}
	all, byPriority, byCategory := covered{}, map[int]covered{}, map[string]covered{}
	for i := range groups {
		g := &groups[i]
		all.add(g)
		one, other := byPriority[g.Priority], byCategory[g.Type]
		one.add(g)
		other.add(g)
		byPriority[g.Priority], byCategory[g.Type] = one, other
		out.Linked, out.Unreferred = out.Linked+g.Linked, out.Unreferred+g.Unreferred
		if g.ExecutionType == "automated" {
			out.Distribution.Automated += g.Count
		} else {
			out.Distribution.Manual += g.Count
		}
	}
	out.Total, out.Marked, out.Gap, out.GapPercent = all.Total, all.Automated, all.Total-all.Automated, all.GapPercent
	out.ByPriority, out.ByCategory = []priorityCoverage{}, []categoryCoverage{}
	for _, p := range slices.Sorted(maps.Keys(byPriority)) {
		out.ByPriority = append(out.ByPriority, priorityCoverage{priorities[p], byPriority[p]})
	}
	for _, c := range slices.Sorted(maps.Keys(byCategory)) {
		out.ByCategory = append(out.ByCategory, categoryCoverage{c, byCategory[c]})
	}
	return out, nil
}
