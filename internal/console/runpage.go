package console

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// What the page of a run shows of what failed.
const (
	mostFailures = 300   // that are looked at
	mostGroups   = 30    // of messages
	mostAlike    = 10    // tests in a group
	mostMessage  = 600   // characters
	mostDetail   = 1_500 // characters
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// runPage shows a run.
type runPage struct {
	workBase
	Run     runRow
	Going   bool // results may still come
	Notice  *notice
	Counts  []count
	Facts   []fact
	Changes *changesPart
	Groups  []failureGroup
	Cut     string // says what isn't in the groups; empty where nothing is missing
	Files   []fileRow
	Listing *listing
	Rows    []resultRow
}

// count is a number in a strip.
type count struct{ Title, Number, Note, Look string }

// fileRow is a file that somebody uploaded.
type fileRow struct {
	Name, To, Size, Kind string
	Picture              bool
}

// resultRow is a result of a run in a list.
type resultRow struct {
	Name, Class, To, Test string
	Chip                  chip
	Flaky, Retried        bool
	Took, Message, Case   string
	CaseTo                string
}

// changesPart is what a run changed.
type changesPart struct {
	Since                             string
	SinceTo                           string
	NewlyFailing, StillFailing, Fixed []changedRow
	Note                              string
}

type changedRow struct {
	Name, Class, Message, To string
	Flaky                    bool
}

// failureGroup are failures that say the same.
type failureGroup struct {
	Message string
	Count   int
	Rows    []failure
	More    int
	first   int
}

type failure struct {
	resultRow
	Message, Detail string
	Cut, New        bool
}

func (c *console) run(r *edge.Request, _ edge.None) (edge.Page, error) {
	w, n, err := c.runNamed(r)
	if err != nil {
		return edge.Page{}, err
	}
	run, pieces, err := c.workspace.ReportedRun(r.Context(), &r.Principal, n)
	if err != nil {
		return edge.Page{}, err
	}
	n = workspace.RunRef{Project: w.ref, ID: run.ID}
	p := runPage{workBase: w.base(), Run: c.runRow(w, run)}
	p.standing(run, pieces, workspace.RunStatus(run, c.authority.Now()))
	p.count(run)
	p.Facts = factsOf(run)
	changes, err := c.workspace.Changes(r.Context(), &r.Principal, n)
	if err != nil {
		return edge.Page{}, err
	}
	p.Changes = changesOf(w, run, changes)
	failed, err := c.workspace.RunResults(r.Context(), &r.Principal, n, store.ResultFilter{Failed: true}, mostFailures+1)
	if err != nil {
		return edge.Page{}, err
	}
	p.group(w, &p.Run, failed, changes)
	if p.Files, err = c.filesOf(r, n, p.Run.To); err != nil {
		return edge.Page{}, err
	}
	if err := c.listResults(r, w, n, &p); err != nil {
		return edge.Page{}, err
	}
	return c.showWork(r, w, "run", page{Title: p.Run.Name, Body: p})
}

// standing says what somebody should know of a run that isn't complete, or
// failed outside of tests.
func (p *runPage) standing(run *store.TestRun, pieces []workspace.RunPiece, status string) {
	in := 0
	for i := range pieces {
		if pieces[i].Complete() {
			in++
		}
	}
	of := fmt.Sprintf("%d of %s in so far.", in, counted(int64(max(run.Shards, len(pieces))), "upload"))
	switch {
	case status == store.RunInProgress:
		p.Going = true
		p.Notice = &notice{"info", "play", "Results are still coming.", of + " The numbers below change with each of them."}
	case status == store.RunInterrupted:
		p.Notice = &notice{"warn", "pause", "Nothing has come for a day.", of + " Run the same report again: it sends what is missing."}
	case run.SuiteErrors > 0:
		p.Notice = &notice{"bad", "warn", counted(run.SuiteErrors, "error") + " outside of tests.", "A suite, a hook or a package failed where no test of its own did: the run failed, whatever its tests say."}
	}
}

func (p *runPage) count(run *store.TestRun) {
	n := run.Counts
	p.Counts = []count{
		{"Pass rate", p.Run.Rate, grouped(n.Passed) + " of " + counted(n.Passed+n.Failed, "test") + " that ran", ""},
		{"Failed", grouped(n.Failed), errorsNote(run.Errors), lookIf(n.Failed > 0, "bad")},
		{"Not run", grouped(p.Run.Skipped), notRun(run), ""},
		{"Flaky", grouped(run.Flaky), "failed, then passed", lookIf(run.Flaky > 0, "warn")},
		{"Took", p.Run.Took, "all tests together", ""},
	}
}

func lookIf(is bool, look string) string {
	if is {
		return look
	}
	return ""
}

func errorsNote(n int64) string {
	if n == 0 {
		return "none by an error"
	}
	return grouped(n) + " of them by an error"
}

// notRun says why tests neither passed nor failed.
func notRun(run *store.TestRun) string {
	var parts []string
	for _, part := range []struct {
		n    int64
		word string
	}{{run.Counts.Skipped, "skipped"}, {run.Counts.Blocked, "blocked"}, {run.Ignored(), "ignored"}} {
		if part.n > 0 {
			parts = append(parts, grouped(part.n)+" "+part.word)
		}
	}
	if parts == nil {
		return "every test ran"
	}
	return strings.Join(parts, ", ")
}

// factsOf says where a run comes from.
func factsOf(run *store.TestRun) (list []fact) {
	add := func(title, text string) {
		if text != "" {
			list = append(list, fact{Title: title, Text: text})
		}
	}
	add("Branch", run.Branch)
	add("Commit", run.Commit)
	add("Build", run.Build)
	add("CI system", run.CI.Provider)
	add("Repository", run.CI.Repository)
	add("Pull request", run.CI.PullRequest)
	add("Pipeline", run.CI.Pipeline)
	add("Job", run.CI.Job)
	add("Key", run.Shared+run.Key)
	add("Cycle", "TCYCLE-"+itoa(run.CycleNumber))
	if run.Redacted > 0 {
		add("Secrets taken out", grouped(run.Redacted))
	}
	return list
}

// changesOf shows what a run changed; nil where it is compared with none.
func changesOf(w *workplace, run *store.TestRun, ch *workspace.RunChanges) *changesPart {
	if ch.Since == nil {
		return nil
	}
	rows := func(list []store.Changed) (out []changedRow) {
		for _, t := range list {
			out = append(out, changedRow{t.Name, t.Class, clipped(firstLine(t.Message), 200), w.to("/tests/" + t.Test.String()), t.Flaky})
		}
		return out
	}
	p := &changesPart{Since: "run " + itoa(ch.Since.Number), SinceTo: w.to("/runs/" + itoa(ch.Since.Number)),
		NewlyFailing: rows(ch.NewlyFailing), StillFailing: rows(ch.StillFailing), Fixed: rows(ch.Fixed)}
	var notes []string
	if ch.New > 0 {
		notes = append(notes, counted(ch.New, "new test"))
	}
	if ch.Missing > 0 {
		notes = append(notes, counted(ch.Missing, "test")+" of before not in this run")
	}
	p.Note = titled(strings.Join(notes, ", "))
	return p
}

// resultOf shows a result of a run.
func resultOf(w *workplace, run *runRow, x *store.TestResult) resultRow {
	row := resultRow{Name: x.Name, Class: or(x.Class, x.Suite), To: run.To + "/results/" + itoa(x.Position), Chip: went(workspace.ResultStatus(x.Status, x.Error)),
		Flaky: x.Flaky, Retried: x.Retried, Took: spent(x.Duration), Message: clipped(firstLine(x.Message), 200)}
	if x.Test != (store.TestResult{}).Test {
		row.Test = w.to("/tests/" + x.Test.String())
	}
	if x.CaseNumber != 0 {
		row.Case = "TC-" + itoa(x.CaseNumber)
		row.CaseTo = w.to("/test-cases/" + row.Case)
	}
	return row
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// firstLine is the first line of a text that says anything.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

// changing is what of a message is another one each time: numbers and addresses.
var changing = regexp.MustCompile(`0x[0-9a-fA-F]+|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{12,}\b|\d+`)

// alike is what messages of one group have in common.
func alike(message string) string {
	return strings.Join(strings.Fields(changing.ReplaceAllString(clipped(firstLine(message), 300), "#")), " ")
}

// group puts failures with the same message together, the most of them first.
func (p *runPage) group(w *workplace, run *runRow, failed []store.TestResult, ch *workspace.RunChanges) {
	if len(failed) > mostFailures {
		failed = failed[:mostFailures]
		p.Cut = fmt.Sprintf("The first %d failures are grouped; the list below has all of them.", mostFailures)
	}
	newly := map[string]bool{}
	for _, t := range ch.NewlyFailing {
		newly[t.Test.String()] = ch.Since != nil
	}
	at := map[string]int{}
	for i := range failed {
		x := &failed[i]
		key := alike(x.Message)
		g, there := at[key]
		if !there {
			g = len(p.Groups)
			at[key] = g
			p.Groups = append(p.Groups, failureGroup{Message: or(clipped(firstLine(x.Message), 300), "No message"), first: i})
		}
		group := &p.Groups[g]
		if group.Count++; group.Count > mostAlike {
			group.More++
			continue
		}
		f := failure{resultRow: resultOf(w, run, x), Message: clipped(x.Message, mostMessage), Detail: clipped(x.Detail, mostDetail), New: newly[x.Test.String()]}
		f.Cut = f.Detail != x.Detail || f.Message != x.Message
		group.Rows = append(group.Rows, f)
	}
	slices.SortFunc(p.Groups, func(a, b failureGroup) int { return cmp.Or(b.Count-a.Count, a.first-b.first) })
	if len(p.Groups) > mostGroups {
		p.Cut = fmt.Sprintf("%d other messages are left out here; the list below has all failures.", len(p.Groups)-mostGroups)
		p.Groups = p.Groups[:mostGroups]
	}
}
