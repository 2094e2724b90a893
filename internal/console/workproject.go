package console

import (
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// What the overview of a project shows of each.
const (
	mostTrend  = 20 // runs in the charts
	mostLatest = 5  // rows of each of the other lists
)

// overviewPage is what somebody who leads a project looks at first.
type overviewPage struct {
	workBase
	Branches []choice
	Branch   string
	Trend    *trend // nil where there is no complete run
	Runs     []runRow
	Empty    *emptyRuns
	Open     []count // issues that aren't done, by priority
	OpenAll  int
	Newly    []changedRow
	NewlyIn  *runRow // the run that they failed in
	More     int     // of them that aren't listed
	Flaky    []testRow
	Slow     []testRow
	Cycles   []cycleRow
	Reports  bool // whether the reader may report issues
}

// trend are the charts of the last runs, and the table of them, the oldest first.
type trend struct {
	Rates, Tests graph
	Rows         []runRow
	Last         runRow
}

func (c *console) overview(r *edge.Request, _ edge.None) (edge.Page, error) {
	w, err := c.work(r)
	if err != nil {
		return edge.Page{}, err
	}
	p := overviewPage{workBase: w.base(), Branch: r.Param("branch")}
	for _, part := range []func(*edge.Request, *workplace, *overviewPage) error{c.latestRuns, c.openIssues, c.weakTests, c.openCycles} {
		if err := part(r, w, &p); err != nil {
			return edge.Page{}, err
		}
	}
	return c.showWork(r, w, "overview", page{Title: w.Name, Body: p})
}

// latestRuns are the part about runs.
func (c *console) latestRuns(r *edge.Request, w *workplace, p *overviewPage) error {
	found, err := c.workspace.Runs(r.Context(), &r.Principal, w.ref, workspace.RunQuery{Branch: p.Branch, Limit: mostTrend})
	if err != nil {
		return err
	}
	_, branches, err := c.workspace.RunChoices(r.Context(), &r.Principal, w.ref)
	if err != nil {
		return err
	}
	if len(branches) > 1 || p.Branch != "" {
		p.Branches = chosen(p.Branch, namesFor("All branches", branches, p.Branch))
	}
	if len(found) == 0 {
		if p.Branch == "" {
			p.Empty = c.howToReport(w)
		}
		return nil
	}
	rows := make([]runRow, len(found))
	for i := range found {
		rows[i] = c.runRow(w, &found[i])
	}
	p.Runs = rows[:min(len(rows), mostLatest)]
	var complete []store.TestRun
	var shown []runRow
	for i := range found {
		if found[i].Status != store.RunInProgress {
			complete, shown = append(complete, found[i]), append(shown, rows[i])
		}
	}
	if len(complete) == 0 {
		return nil
	}
	p.Trend = trendOf(complete, shown)
	return c.newlyFailing(r, w, p, &complete[0])
}

// newlyFailing says what the latest complete run broke.
func (c *console) newlyFailing(r *edge.Request, w *workplace, p *overviewPage, run *store.TestRun) error {
	changes, err := c.workspace.NewlyFailing(r.Context(), &r.Principal, workspace.RunRef{Project: w.ref, ID: run.ID})
	if err != nil {
		return err
	}
	if part := changesOf(w, run, changes); part != nil {
		p.Newly = part.NewlyFailing[:min(len(part.NewlyFailing), mostLatest)]
		p.More = len(part.NewlyFailing) - len(p.Newly)
	}
	row := c.runRow(w, run)
	p.NewlyIn = &row
	return nil
}

// trendOf draws runs, the latest of which is the first.
func trendOf(runs []store.TestRun, rows []runRow) *trend {
	t := &trend{Last: rows[0]}
	most := int64(1)
	for i := range runs {
		most = max(most, runs[i].Counts.Total)
	}
	step := stepFor(most)
	t.Tests.Ticks = ticks(step, short)
	var rates []int
	var saysRates, saysTests []string
	for i := len(runs) - 1; i >= 0; i-- {
		n := runs[i].Counts
		rate, ok := permille(n.Passed, n.Failed)
		if !ok {
			rate = -1
		}
		rates = append(rates, rate)
		t.Rows = append(t.Rows, rows[i])
		t.Tests.Columns = append(t.Tests.Columns, pillar{"#" + itoa(runs[i].Number),
			stackPieces(4*step, []string{"ok", "bad", "s5"}, []int64{n.Passed, n.Failed, n.Total - n.Passed - n.Failed})})
		saysRates, saysTests = append(saysRates, rows[i].Rate), append(saysTests, grouped(n.Total))
	}
	t.Tests.spread()
	t.Rates.Columns = t.Tests.Columns
	t.Rates.curve(rates)
	t.Rates.Label = "Pass rate, the oldest run first: " + strings.Join(saysRates, ", ")
	t.Tests.Label = "Tests of each run, the oldest first: " + strings.Join(saysTests, ", ")
	return t
}

// openIssues are the part about issues.
func (c *console) openIssues(r *edge.Request, w *workplace, p *overviewPage) error {
	open, err := c.workspace.OpenIssues(r.Context(), &r.Principal, w.ref)
	if err != nil {
		return err
	}
	for _, priority := range mostFirst(workspace.Priorities()) {
		p.Open = append(p.Open, count{worded(priority), grouped(int64(open[priority])), priority, lookIf(priority == "critical" && open[priority] > 0, "bad")})
		p.OpenAll += open[priority]
	}
	p.Reports = w.writesIssues()
	return nil
}

// mostFirst turns a list around.
func mostFirst(list []string) (out []string) {
	for i := len(list) - 1; i >= 0; i-- {
		out = append(out, list[i])
	}
	return out
}

// weakTests are the part about tests that somebody should look at.
func (c *console) weakTests(r *edge.Request, w *workplace, p *overviewPage) error {
	for _, part := range []struct {
		filter store.TestFilter
		to     *[]testRow
	}{{store.TestFilter{Flaky: true}, &p.Flaky}, {store.TestFilter{Slow: true}, &p.Slow}} {
		found, err := c.workspace.Tests(r.Context(), &r.Principal, w.ref, part.filter, mostLatest)
		if err != nil {
			return err
		}
		for i := range found {
			*part.to = append(*part.to, c.testRow(w, &found[i]))
		}
	}
	return nil
}

// openCycles are the part about cycles.
func (c *console) openCycles(r *edge.Request, w *workplace, p *overviewPage) error {
	found, _, err := c.workspace.TestCycles(r.Context(), &r.Principal, w.ref, workspace.CycleQuery{Status: "in_progress", Section: workspace.Section{Page: 1, Limit: mostLatest}})
	for i := range found {
		p.Cycles = append(p.Cycles, c.cycleRow(w, &found[i]))
	}
	return err
}

// milli is so many milliseconds.
func milli(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
