package console

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// caseForm is the form of a test case, as it is filled in.
type caseForm struct {
	workBase
	Heading, Action, Back, BackTitle, Do string
	Once, Version                        string
	Title, Preconditions, Description    string
	Folder, Labels                       string
	Priorities, Types, Statuses          []choice
	Folders                              []string
	Steps                                []stepRow
	Full                                 bool // there may be no more steps
	Problems                             []trouble
}

// stepRow is a step in the form.
type stepRow struct {
	N, Number        int // from 0 and from 1
	Action, Expected string
	Focus            bool
	Problem          *trouble
}

// mostSteps is how many steps a test case may have.
const mostSteps = 100

// Problem finds what is wrong with a field.
func (f caseForm) Problem(field string) *trouble { return problemOf(f.Problems, field) }

func sortedKeys(of map[string]string) []string { return slices.Sorted(maps.Keys(of)) }

func (c *console) newCase(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showCaseForm(r, edge.Values{"priority": "medium", "type": "functional", "status": "draft", "rows": "3"}, nil)
}

func (c *console) editCase(r *edge.Request, _ edge.None) (edge.Page, error) {
	_, n, err := c.caseIn(r)
	if err != nil {
		return edge.Page{}, err
	}
	t, err := c.workspace.TestCase(r.Context(), &r.Principal, n)
	if err != nil {
		return edge.Page{}, err
	}
	in := edge.Values{"title": t.Title, "preconditions": t.Preconditions, "description": t.Description, "folder": t.Folder, "labels": strings.Join(t.Labels, ", "),
		"priority": workspace.PriorityWord(t.Priority), "type": t.Type, "status": t.Status, "version": itoa(t.Version), "rows": strconv.Itoa(len(t.Steps) + 1)}
	for i, s := range t.Steps {
		in[fmt.Sprintf("step.%d.action", i)], in[fmt.Sprintf("step.%d.expected", i)] = s.Action, s.ExpectedResult
	}
	return c.showCaseForm(r, in, nil)
}

// rowsOf is how many rows of steps a form has.
func rowsOf(in edge.Values) int {
	n, err := strconv.Atoi(in["rows"])
	if err != nil {
		return 3
	}
	return max(1, min(n, mostSteps))
}

// showCaseForm shows the form of a new test case, or of the one that the path
// names, with what was typed into it.
func (c *console) showCaseForm(r *edge.Request, in edge.Values, problems []trouble) (edge.Page, error) {
	w, err := c.work(r)
	if err != nil {
		return edge.Page{}, err
	}
	if _, err := c.workspace.Project(r.Context(), &r.Principal, w.ref, credential.TestsWrite); err != nil {
		return edge.Page{}, err
	}
	if !w.ArchivedAt.IsZero() {
		return edge.Page{}, credential.Errorf(credential.Conflict, "the project is archived; restore it first")
	}
	folders, _, err := c.workspace.CaseChoices(r.Context(), &r.Principal, w.ref)
	if err != nil {
		return edge.Page{}, err
	}
	f := caseForm{workBase: w.base(), Heading: "New test case", Action: r.URL.Path, Back: w.to("/test-cases"), BackTitle: "Test cases", Do: "Create test case",
		Once: or(in["once"], newOnce()), Version: in["version"], Title: in["title"], Preconditions: in["preconditions"], Description: in["description"], Folder: in["folder"], Labels: in["labels"],
		Priorities: chosen(in["priority"], choicesOf("", casePriorities)[1:]), Types: chosen(in["type"], choicesOf("", caseTypes)[1:]), Statuses: chosen(in["status"], choicesOf("", caseStatuses)[1:]),
		Folders: folders, Problems: problems}
	if id := r.PathValue("case"); id != "" {
		f.Heading, f.Back, f.BackTitle, f.Do = "Edit "+id, w.to("/test-cases/"+id), id, "Save test case"
	}
	rows := rowsOf(in)
	if in["add"] != "" {
		rows = min(rows+1, mostSteps)
	}
	f.Full = rows == mostSteps
	for i := range rows {
		f.Steps = append(f.Steps, stepRow{i, i + 1, in[fmt.Sprintf("step.%d.action", i)], in[fmt.Sprintf("step.%d.expected", i)], in["add"] != "" && i == rows-1, problemOf(problems, fmt.Sprintf("steps.%d.action", i))})
	}
	out, err := c.showWork(r, w, "caseform", page{Title: f.Heading, Body: f})
	if problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// caseAsked is what a form asks for. Rows without anything in them are no
// steps; at says in which row each step stands.
func caseAsked(in edge.Values) (req workspace.CaseRequest, at []int) {
	text := func(name string) *string { value := in[name]; return &value }
	req = workspace.CaseRequest{Title: text("title"), Preconditions: text("preconditions"), Description: text("description"), Folder: text("folder"),
		Priority: text("priority"), Type: text("type"), Status: text("status")}
	labels := []string{}
	for label := range strings.SplitSeq(in["labels"], ",") {
		if label = strings.TrimSpace(label); label != "" {
			labels = append(labels, label)
		}
	}
	steps := []store.TestStep{}
	for i := range rowsOf(in) {
		s := store.TestStep{Action: in[fmt.Sprintf("step.%d.action", i)], ExpectedResult: in[fmt.Sprintf("step.%d.expected", i)]}
		if strings.TrimSpace(s.Action+s.ExpectedResult) != "" {
			steps, at = append(steps, s), append(at, i)
		}
	}
	req.Labels, req.Steps = &labels, &steps
	return req, at
}

// inRows says of what is wrong with steps in which row of the form they stand.
func inRows(problems []trouble, at []int) []trouble {
	for i, p := range problems {
		var step int
		var rest string
		if n, _ := fmt.Sscanf(p.Field, "steps.%d.%s", &step, &rest); n == 2 && step < len(at) {
			problems[i].Field, problems[i].Text = fmt.Sprintf("steps.%d.action", at[step]), fmt.Sprintf("Step %d: %s", at[step]+1, p.Text)
		}
	}
	return problems
}

func (c *console) createCase(r *edge.Request, in edge.Values) (edge.Page, error) {
	repeat, err := c.repeat(r, in)
	if err != nil {
		return edge.Page{}, err
	}
	plainLines(in)
	if in["add"] != "" {
		return c.showCaseForm(r, in, nil)
	}
	w, err := c.work(r)
	if err != nil {
		return edge.Page{}, err
	}
	req, at := caseAsked(in)
	req.Repeat = repeat
	made, err := c.workspace.CreateTestCase(r.Context(), &r.Principal, w.ref, req)
	if problems := workTroubles(err); problems != nil {
		in["once"] = ""
		return c.showCaseForm(r, in, inRows(problems, at))
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, w.to("/test-cases/TC-"+itoa(made.Number)), "saved")
}

func (c *console) changeCase(r *edge.Request, in edge.Values) (edge.Page, error) {
	w, n, err := c.caseIn(r)
	if err != nil {
		return edge.Page{}, err
	}
	plainLines(in)
	if in["add"] != "" {
		return c.showCaseForm(r, in, nil)
	}
	t, err := c.workspace.TestCase(r.Context(), &r.Principal, n)
	if err != nil {
		return edge.Page{}, err
	}
	req, at := caseAsked(in)
	if req.Version, err = strconv.ParseInt(or(in["version"], "0"), 10, 64); err != nil {
		return edge.Page{}, credential.InvalidField("version", "must be a number")
	}
	keepDetails(*req.Steps, t.Steps)
	_, err = c.workspace.ChangeTestCase(r.Context(), &r.Principal, n, req)
	if problems := workTroubles(err); problems != nil {
		return c.showCaseForm(r, in, inRows(problems, at))
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, w.to("/test-cases/TC-"+itoa(n.Number)), "saved")
}

// keepDetails leaves steps what the form doesn't show of them, as long as they
// are still the same.
func keepDetails(steps, before []store.TestStep) {
	for i := range steps {
		at := slices.IndexFunc(before, func(b store.TestStep) bool { return b.Action == strings.TrimSpace(steps[i].Action) })
		if at >= 0 {
			steps[i].Data, steps[i].Attachments = before[at].Data, before[at].Attachments
		}
	}
}
