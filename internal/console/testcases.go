package console

import (
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// caseFilters are the parameters of the list of test cases.
var caseFilters = []string{"status", "q", "priority", "type", "folder", "label"}

// The words for test cases, as the workspace knows them.
var (
	caseStatuses   = []string{"draft", "ready", "deprecated"}
	casePriorities = []string{"critical", "high", "medium", "low", "trivial"}
	caseTypes      = []string{"functional", "regression", "smoke", "integration", "performance", "security", "usability", "accessibility", "exploratory", "other"}
)

// casesPage lists test cases.
type casesPage struct {
	workBase
	Listing *listing
	Rows    []caseRow
	Empty   bool
	Writes  bool
}

// caseRow is a test case in a list.
type caseRow struct {
	ID, Title, To string
	Folder, Type  string
	Status        chip
	Priority      chip
	Labels        []string
	Steps         string
	Automation    string
	Change        moment
}

// ripe says how a test case is.
func ripe(status string) chip {
	switch status {
	case "ready":
		return chip{"ok", "check", "Ready"}
	case "deprecated":
		return chip{"", "ban", "Deprecated"}
	}
	return chip{"warn", "edit", "Draft"}
}

func (c *console) caseRow(w *workplace, t *store.TestCase) caseRow {
	id := "TC-" + itoa(t.Number)
	return caseRow{ID: id, Title: t.Title, To: w.to("/test-cases/" + id), Folder: t.Folder, Type: worded(t.Type), Status: ripe(t.Status), Priority: urgency(workspace.PriorityWord(t.Priority)),
		Labels: t.Labels, Steps: counted(int64(len(t.Steps)), "step"), Automation: worded(t.AutomationStatus), Change: c.momentOf(t.UpdatedAt)}
}

func (c *console) testCases(r *edge.Request, _ edge.None) (edge.Page, error) {
	w, err := c.work(r)
	if err != nil {
		return edge.Page{}, err
	}
	q := workspace.CaseQuery{Status: r.Param("status"), Type: r.Param("type"), Priority: r.Param("priority"), Folder: r.Param("folder"), Label: r.Param("label"), Search: r.Param("q"),
		Section: workspace.Section{Page: 1, Limit: perPage + 1}}
	if q.After, err = afterNumber(r); err != nil {
		return edge.Page{}, err
	}
	found, _, err := c.workspace.TestCases(r.Context(), &r.Principal, w.ref, q)
	if err != nil {
		return edge.Page{}, err
	}
	folders, labels, err := c.workspace.CaseChoices(r.Context(), &r.Principal, w.ref)
	if err != nil {
		return edge.Page{}, err
	}
	l := listed(r, "Test cases", w.to("/test-cases"), caseFilters...)
	l.tab("All", "status", "", 0)
	for _, status := range caseStatuses {
		l.tab(worded(status), "status", status, 0)
	}
	l.search("Search test cases")
	l.filter("priority", "Priority", choicesOf("Any priority", casePriorities)...)
	l.filter("type", "Type", choicesOf("Any type", caseTypes)...)
	if len(folders) > 0 || q.Folder != "" {
		l.filter("folder", "Folder", namesFor("Any folder", folders, q.Folder)...)
	}
	if len(labels) > 0 || q.Label != "" {
		l.filter("label", "Label", namesFor("Any label", labels, q.Label)...)
	}
	p := casesPage{workBase: w.base(), Listing: l, Writes: w.writes(credential.TestsWrite)}
	found, more := cut(found)
	for i := range found {
		p.Rows = append(p.Rows, c.caseRow(w, &found[i]))
	}
	if more {
		l.after(true, itoa(found[len(found)-1].Number))
	}
	p.Empty = len(found) == 0 && !l.Asked && q.After == 0
	return c.showWork(r, w, "cases", page{Title: "Test cases", Body: p})
}

// casePage shows a test case, or one of its versions.
type casePage struct {
	workBase
	Case                       caseRow
	Description, Preconditions string
	Steps                      []stepShown
	Facts                      []fact
	References                 []string
	Versions                   []versionRow
	History                    []historyRow
	Old                        string // the version that is shown, where it isn't the latest
	Writes                     bool
}

// stepShown is a step with its number.
type stepShown struct {
	Number int
	store.TestStep
}

type versionRow struct {
	Name, To string
	At       moment
	Current  bool
}

// historyRow is how a test case went in a cycle.
type historyRow struct {
	Cycle, Name, To string
	Chip            chip
	Comment, Took   string
	At              moment
}

// caseIn reads which test case the path names.
func (c *console) caseIn(r *edge.Request) (w *workplace, n workspace.Numbered, err error) {
	if w, err = c.work(r); err != nil {
		return nil, n, err
	}
	n.Project = w.ref
	n.Number, err = numberIn(r, "case", "TC-")
	return w, n, err
}

func (c *console) testCase(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showCase(r, nil)
}

func (c *console) caseVersion(r *edge.Request, _ edge.None) (edge.Page, error) {
	_, n, err := c.caseIn(r)
	if err != nil {
		return edge.Page{}, err
	}
	version, err := numberIn(r, "version", "")
	if err != nil {
		return edge.Page{}, err
	}
	old, err := c.workspace.CaseVersion(r.Context(), &r.Principal, n, version)
	if err != nil {
		return edge.Page{}, err
	}
	return c.showCase(r, old)
}

// mostHistory is how many cycles the page of a test case shows.
const mostHistory = 50

// showCase shows a test case as it is, or as it was.
func (c *console) showCase(r *edge.Request, old *store.CaseVersion) (edge.Page, error) {
	w, n, err := c.caseIn(r)
	if err != nil {
		return edge.Page{}, err
	}
	t, err := c.workspace.TestCase(r.Context(), &r.Principal, n)
	if err != nil {
		return edge.Page{}, err
	}
	versions, err := c.workspace.CaseVersions(r.Context(), &r.Principal, n, 0)
	if err != nil {
		return edge.Page{}, err
	}
	p := casePage{workBase: w.base(), Writes: w.writes(credential.TestsWrite)}
	to, shown := w.to("/test-cases/TC-"+itoa(t.Number)), t.Version
	if old != nil {
		t.CaseContent, shown = old.CaseContent, old.Version
		if old.Version != t.Version {
			p.Old, p.Writes = itoa(old.Version), false
		}
	}
	p.Case, p.Description, p.Preconditions, p.References = c.caseRow(w, t), t.Description, t.Preconditions, t.References
	for i, s := range t.Steps {
		p.Steps = append(p.Steps, stepShown{i + 1, s})
	}
	p.Facts = caseFacts(t)
	for i := range versions {
		v := &versions[i]
		p.Versions = append(p.Versions, versionRow{"Version " + itoa(v.Version), to + "/versions/" + itoa(v.Version), c.momentOf(v.CreatedAt), v.Version == shown})
	}
	if r.Principal.Permissions.Has(credential.ResultsRead) {
		history, err := c.workspace.CaseHistory(r.Context(), &r.Principal, w.ref, t, mostHistory)
		if err != nil {
			return edge.Page{}, err
		}
		for i := range history {
			e := &history[i]
			id := "TCYCLE-" + itoa(e.CycleNumber)
			p.History = append(p.History, historyRow{id, e.CycleName, w.to("/cycles/" + id), went(e.Status), e.Comment, spent(e.Duration), c.momentOf(e.ExecutedAt)})
		}
	}
	return c.showWork(r, w, "case", page{Title: p.Case.ID + " " + t.Title, Body: p})
}

// caseFacts are what else there is to say of a test case.
func caseFacts(t *store.TestCase) (list []fact) {
	add := func(title, text string) {
		if text != "" {
			list = append(list, fact{Title: title, Text: text})
		}
	}
	add("Type", worded(t.Type))
	add("Folder", t.Folder)
	add("Component", t.Component)
	add("Owner", t.Owner)
	add("Automation", worded(t.AutomationStatus))
	if t.Automation != 0 {
		add("Automation ID", itoa(t.Automation))
	}
	for _, name := range sortedKeys(t.Custom) {
		add(name, t.Custom[name])
	}
	add("Created", when(t.CreatedAt))
	add("Changed", when(t.UpdatedAt))
	return list
}
