package console

import (
	"net/url"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// cyclesPage lists cycles.
type cyclesPage struct {
	workBase
	Listing *listing
	Rows    []cycleRow
}

// cycleRow is a cycle in a list.
type cycleRow struct {
	ID, Name, To string
	Master       bool
	Chip         chip
	Bars         []slab
	Counts       string
	Rate, Done   string
	Type         string
	Change       moment
}

// underWay says how a cycle is.
func underWay(status string) chip {
	switch status {
	case "in_progress":
		return chip{"info", "play", "In progress"}
	case "completed":
		return chip{"ok", "check", "Completed"}
	case "aborted":
		return chip{"", "ban", "Aborted"}
	}
	return chip{"", "clock", "Planned"}
}

func (c *console) cycleRow(w *workplace, y *store.TestCycle) cycleRow {
	id, n := "TCYCLE-"+itoa(y.Number), y.Counts
	row := cycleRow{ID: id, Name: y.Name, To: w.to("/cycles/" + id), Master: y.Master(), Chip: underWay(y.Status), Type: worded(y.RunType), Change: c.momentOf(y.UpdatedAt),
		Rate: rateText(n.Passed, n.Failed), Done: "0 %"}
	x := 0
	for _, part := range []struct {
		look string
		n    int64
	}{{"ok", n.Passed}, {"bad", n.Failed}, {"warn", n.Blocked}, {"s5", n.Skipped}} {
		if part.n > 0 {
			width := max(int(part.n*1000/max(n.Total, 1)), 8)
			row.Bars = append(row.Bars, slab{part.look, x, width})
			x += width
		}
	}
	done := n.Passed + n.Failed + n.Blocked + n.Skipped
	if n.Total > 0 {
		row.Done = percent(int(done * 1000 / n.Total))
	}
	row.Counts = grouped(done) + " of " + counted(n.Total, "case") + " done"
	return row
}

func (c *console) cycles(r *edge.Request, _ edge.None) (edge.Page, error) {
	w, err := c.work(r)
	if err != nil {
		return edge.Page{}, err
	}
	q := workspace.CycleQuery{Status: r.Param("status"), Section: workspace.Section{Page: 1, Limit: perPage + 1}}
	if q.After, err = afterNumber(r); err != nil {
		return edge.Page{}, err
	}
	found, _, err := c.workspace.TestCycles(r.Context(), &r.Principal, w.ref, q)
	if err != nil {
		return edge.Page{}, err
	}
	p := cyclesPage{workBase: w.base(), Listing: listed(r, "Cycles", w.to("/cycles"), "status")}
	for _, tab := range [][2]string{{"All", ""}, {"In progress", "in_progress"}, {"Planned", "planned"}, {"Completed", "completed"}, {"Aborted", "aborted"}} {
		p.Listing.tab(tab[0], "status", tab[1], 0)
	}
	found, more := cut(found)
	for i := range found {
		p.Rows = append(p.Rows, c.cycleRow(w, &found[i]))
	}
	if more {
		p.Listing.after(true, itoa(found[len(found)-1].Number))
	}
	return c.showWork(r, w, "cycles", page{Title: "Cycles", Body: p})
}

// cyclePage shows a cycle and its executions.
type cyclePage struct {
	workBase
	Cycle       cycleRow
	Description string
	Counts      []count
	Listing     *listing
	Rows        []executionRow
	Writes      bool
	Problems    []trouble
	Status      string // which are listed, for the forms to come back to
	After       string
}

// Outcomes are what a test case can come to.
func (cyclePage) Outcomes() []choice {
	return []choice{{Value: "pass", Title: "Pass"}, {Value: "fail", Title: "Fail"}, {Value: "blocked", Title: "Blocked"}, {Value: "skipped", Title: "Skip"}}
}

// executionRow is a test case in a cycle.
type executionRow struct {
	ID, Title, To, Status string
	Number                int64
	Chip                  chip
	Comment, Took         string
	At                    moment
	Run                   bool // it comes from a run
}

func (c *console) cycle(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showCycle(r, workspace.CycleQuery{Status: r.Param("status")}, r.Param("after"), nil)
}

// showCycle shows a part of a cycle.
func (c *console) showCycle(r *edge.Request, q workspace.CycleQuery, after string, problems []trouble) (edge.Page, error) {
	w, n, err := c.cycleIn(r)
	if err != nil {
		return edge.Page{}, err
	}
	if after != "" {
		number, ok := authority.ParseNumber(after, "")
		if !ok {
			return edge.Page{}, credential.InvalidField("after", "must be a number that a link to the next page has")
		}
		q.After = number
	}
	y, err := c.workspace.TestCycle(r.Context(), &r.Principal, n)
	if err != nil {
		return edge.Page{}, err
	}
	q.Section = workspace.Section{Page: 1, Limit: perPage + 1}
	found, _, err := c.workspace.Executions(r.Context(), &r.Principal, n, q)
	if err != nil {
		return edge.Page{}, err
	}
	p := cyclePage{workBase: w.base(), Cycle: c.cycleRow(w, y), Description: y.Description, Writes: w.writes(credential.ResultsWrite), Problems: problems, Status: q.Status, After: after}
	k := y.Counts
	p.Counts = []count{{"Pass rate", p.Cycle.Rate, grouped(k.Passed) + " of " + grouped(k.Passed+k.Failed), ""}, {"Done", p.Cycle.Done, p.Cycle.Counts, ""},
		{"Failed", grouped(k.Failed), "", lookIf(k.Failed > 0, "bad")}, {"Blocked", grouped(k.Blocked), "", lookIf(k.Blocked > 0, "warn")}}
	p.Listing = listed(r, "Test cases of the cycle", p.Cycle.To, "status")
	for _, tab := range []struct {
		title, status string
		n             int64
	}{{"All", "", k.Total}, {"Not executed", "not_executed", k.Of("not_executed")}, {"Passed", "pass", k.Passed}, {"Failed", "fail", k.Failed}, {"Blocked", "blocked", k.Blocked}, {"Skipped", "skipped", k.Skipped}} {
		p.Listing.tab(tab.title, "status", tab.status, int(tab.n))
	}
	found, more := cut(found)
	for i := range found {
		e := &found[i]
		id := "TC-" + itoa(e.CaseNumber)
		p.Rows = append(p.Rows, executionRow{id, e.Title, w.to("/test-cases/" + id), e.Status, e.CaseNumber, went(e.Status), e.Comment, spent(e.Duration), c.momentOf(e.ExecutedAt), e.Run != (store.Execution{}).Run})
	}
	if more {
		p.Listing.after(true, itoa(found[len(found)-1].CaseNumber))
	}
	out, err := c.showWork(r, w, "cycle", page{Title: y.Name, Body: p})
	if problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// cycleIn reads which cycle the path names.
func (c *console) cycleIn(r *edge.Request) (w *workplace, n workspace.Numbered, err error) {
	if w, err = c.work(r); err != nil {
		return nil, n, err
	}
	n.Project = w.ref
	n.Number, err = numberIn(r, "cycle", "TCYCLE-")
	return w, n, err
}

// setExecution says how a test case went, and comes back to where it is listed.
func (c *console) setExecution(r *edge.Request, in edge.Values) (edge.Page, error) {
	w, n, err := c.cycleIn(r)
	if err != nil {
		return edge.Page{}, err
	}
	number, ok := authority.ParseNumber(in["case"], "")
	if !ok {
		return edge.Page{}, credential.InvalidField("case", "no such test case")
	}
	_, err = c.workspace.SetExecution(r.Context(), &r.Principal, n, workspace.ExecutionRequest{TestCase: number, Status: in["result"], Comment: in["comment"]})
	if problems := workTroubles(err); problems != nil {
		return c.showCycle(r, workspace.CycleQuery{Status: in["status"]}, in["after"], problems)
	}
	if err != nil {
		return edge.Page{}, err
	}
	query := url.Values{}
	for _, name := range []string{"status", "after"} {
		if in[name] != "" {
			query.Set(name, in[name])
		}
	}
	to := w.to("/cycles/TCYCLE-" + itoa(n.Number))
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	return c.moveTo(r, to+"#TC-"+itoa(number))
}
