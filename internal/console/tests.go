package console

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// testFilters are the parameters of the list of tests.
var testFilters = []string{"show", "status", "q"}

// testsPage lists tests.
type testsPage struct {
	workBase
	Listing *listing
	Rows    []testRow
	Empty   *emptyRuns
	Order   string // said below the list
}

// testRow is a test in a list.
type testRow struct {
	Name, Class, To string
	Chip            chip
	Flaky           bool
	Since           string // flaky since
	Took            string
	Results         string
	Last            moment
}

func (c *console) testRow(w *workplace, k *store.KnownTest) testRow {
	row := testRow{Name: k.Name, Class: k.Class, To: w.to("/tests/" + k.ID.String()), Chip: went(workspace.ResultStatus(k.Status, k.Error)), Flaky: !k.FlakySince.IsZero(),
		Took: spent(k.Duration), Results: counted(k.Results, "result"), Last: c.momentOf(k.LastSeen)}
	if row.Flaky {
		row.Since = "since " + day(k.FlakySince)
	}
	return row
}

func (c *console) tests(r *edge.Request, _ edge.None) (edge.Page, error) {
	w, err := c.work(r)
	if err != nil {
		return edge.Page{}, err
	}
	f := store.TestFilter{Status: r.Param("status"), Text: r.Param("q")}
	if text := r.Param("after"); text != "" {
		if f.After, err = authority.ParseID(text); err != nil {
			return edge.Page{}, credential.InvalidField("after", "must be the id that a link to the next page has")
		}
	}
	p := testsPage{workBase: w.base(), Listing: listed(r, "Tests", w.to("/tests"), testFilters...), Order: "By class and name"}
	switch r.Param("show") {
	case "":
	case "failing":
		f.Status = or(f.Status, "failed")
	case "flaky":
		f.Flaky = true
	case "slow":
		f.Slow, p.Order = true, "A second or longer, the slowest first"
	default:
		return edge.Page{}, credential.InvalidField("show", "must be failing, flaky or slow")
	}
	found, err := c.workspace.Tests(r.Context(), &r.Principal, w.ref, f, perPage+1)
	if err != nil {
		return edge.Page{}, err
	}
	for _, tab := range [][2]string{{"All", ""}, {"Failing", "failing"}, {"Flaky", "flaky"}, {"Slow", "slow"}} {
		p.Listing.tab(tab[0], "show", tab[1], 0)
	}
	p.Listing.search("Search names and classes")
	p.Listing.filter("status", "Last result", choicesOf("Any result", []string{"passed", "failed", "error", "skipped", "blocked", "ignored"})...)
	found, more := cut(found)
	for i := range found {
		p.Rows = append(p.Rows, c.testRow(w, &found[i]))
	}
	if more {
		p.Listing.after(true, found[len(found)-1].ID.String())
	}
	if len(found) == 0 && !p.Listing.Asked && f.After == uuid.Nil {
		p.Empty = c.howToReport(w)
	}
	return c.showWork(r, w, "tests", page{Title: "Tests", Body: p})
}

// mostPast is how many of the last results the page of a test shows.
const mostPast = 50

// testPage shows a test.
type testPage struct {
	workBase
	Row       testRow
	Counts    []count
	Latest    *pastRow // the latest failure; nil for none
	Strip     []pastRow
	StripSays string
	Durations graph
	Rows      []pastRow // the latest first
	CodeRef   string
	More      bool
}

// pastRow is a result in the history of a test.
type pastRow struct {
	Run                     string
	To, RunTo               string
	Chip                    chip
	Letter                  string
	Flaky                   bool
	Branch, Commit, Message string
	Took                    string
	At                      moment
}

// Says names a result for those who don't see it.
func (p pastRow) Says() string {
	text := p.Run + ": " + strings.ToLower(p.Chip.Word)
	if p.Flaky {
		text += ", flaky"
	}
	return text
}

func (c *console) test(r *edge.Request, _ edge.None) (edge.Page, error) {
	w, err := c.work(r)
	if err != nil {
		return edge.Page{}, err
	}
	id, err := authority.ParseID(r.PathValue("test"))
	if err != nil {
		return edge.Page{}, credential.Errorf(credential.NotFound, "no such test")
	}
	k, err := c.workspace.KnownTest(r.Context(), &r.Principal, w.ref, id)
	if err != nil {
		return edge.Page{}, err
	}
	past, err := c.workspace.History(r.Context(), &r.Principal, w.ref, id, workspace.HistoryQuery{Limit: mostPast})
	if err != nil {
		return edge.Page{}, err
	}
	p := testPage{workBase: w.base(), Row: c.testRow(w, k), CodeRef: k.CodeRef, More: k.Results > int64(len(past))}
	flaky := flips(past)
	for i := range past {
		row := c.pastRow(w, &past[i])
		row.Flaky = flaky[i]
		p.Rows = append(p.Rows, row)
		if p.Latest == nil && past[i].Status == "fail" {
			p.Latest = &row
			p.Latest.Message = clipped(past[i].Message, 2_000)
		}
	}
	p.measure(k, past, flaky)
	for i := len(p.Rows) - 1; i >= 0; i-- {
		p.Strip = append(p.Strip, p.Rows[i])
	}
	p.Durations = durationsOf(past)
	return c.showWork(r, w, "test", page{Title: k.Name, Body: p})
}

func (c *console) pastRow(w *workplace, x *store.PastResult) pastRow {
	status := workspace.ResultStatus(x.Status, x.Error)
	run := w.to("/runs/" + itoa(x.RunNumber))
	return pastRow{Run: "Run " + itoa(x.RunNumber), RunTo: run, To: run + "/results/" + itoa(x.Position), Chip: went(status), Letter: strings.ToUpper(status[:1]),
		Branch: x.Branch, Commit: shortCommit(x.Commit), Message: clipped(firstLine(x.Message), 200), Took: spent(x.Duration), At: c.momentOf(x.At)}
}

// flips says of results whether they are flaky: they say so, or another one of
// the same commit had the other outcome.
func flips(past []store.PastResult) []bool {
	outcomes := map[string]map[string]bool{}
	for i := range past {
		x := &past[i]
		if x.Commit != "" && (x.Status == "pass" || x.Status == "fail") {
			if outcomes[x.Commit] == nil {
				outcomes[x.Commit] = map[string]bool{}
			}
			outcomes[x.Commit][x.Status] = true
		}
	}
	out := make([]bool, len(past))
	for i := range past {
		x := &past[i]
		out[i] = x.Flaky || (x.Status == "pass" || x.Status == "fail") && len(outcomes[x.Commit]) > 1
	}
	return out
}

// measure fills in what the results of a test come to.
func (p *testPage) measure(k *store.KnownTest, past []store.PastResult, flaky []bool) {
	var passed, failed, unsteady, took, timed int64
	letters := map[string]int{}
	for i := range past {
		switch past[i].Status {
		case "pass":
			passed++
		case "fail":
			failed++
		}
		if flaky[i] {
			unsteady++
		}
		if past[i].Duration > 0 {
			took, timed = took+past[i].Duration.Milliseconds(), timed+1
		}
		letters[p.Rows[i].Chip.Word]++
	}
	of := "of the last " + counted(int64(len(past)), "result")
	average := "–"
	if timed > 0 {
		average = spent(milli(took / timed))
	}
	note := "not flaky now"
	if p.Row.Flaky {
		note = p.Row.Since
	}
	p.Counts = []count{
		{"Pass rate", rateText(passed, failed), of, ""},
		{"Flaky", grouped(unsteady), of + "; " + note, lookIf(p.Row.Flaky, "warn")},
		{"Takes", average, "on average; " + p.Row.Took + " the last time", ""},
		{"Known since", day(k.FirstSeen), p.Row.Results + " in all", ""},
	}
	var parts []string
	for _, word := range []string{"Passed", "Failed", "Error", "Blocked", "Skipped", "Ignored"} {
		if letters[word] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", letters[word], strings.ToLower(word)))
		}
	}
	p.StripSays = strings.Join(parts, ", ")
}

// durationsOf is the chart of how long a test took, the oldest result first.
func durationsOf(past []store.PastResult) (g graph) {
	most := int64(1)
	for i := range past {
		most = max(most, past[i].Duration.Milliseconds())
	}
	step := stepFor(most)
	g.Ticks = ticks(step, func(n int64) string {
		if n == 0 {
			return "0"
		}
		return spent(milli(n))
	})
	var says []string
	for i := len(past) - 1; i >= 0; i-- {
		x := &past[i]
		look := "s1"
		if x.Status == "fail" {
			look = "bad"
		}
		g.Columns = append(g.Columns, pillar{"#" + itoa(x.RunNumber), stackPieces(4*step, []string{look}, []int64{x.Duration.Milliseconds()})})
		says = append(says, spent(x.Duration))
	}
	g.spread()
	g.Label = "How long it took, the oldest result first: " + strings.Join(says, ", ")
	return g
}
