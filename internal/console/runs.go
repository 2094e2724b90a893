package console

import (
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// The parameters of the list of runs, and of the results of one.
var (
	runFilters    = []string{"status", "branch", "name"}
	resultFilters = []string{"status"}
)

// runsPage lists runs.
type runsPage struct {
	workBase
	Listing *listing
	Rows    []runRow
	Empty   *emptyRuns // where there is no run at all
}

// emptyRuns says how the first run comes.
type emptyRuns struct{ Command, Docs, Keys string }

// runRow is a run in a list.
type runRow struct {
	Number                       int64
	Name, To                     string
	Branch, Commit               string
	Chip                         chip
	Note                         string // below the chip
	Total, Passed, Failed        int64
	Skipped, Flaky               int64 // Skipped is whatever neither passed nor failed
	Rate, Took, Provider, Source string
	Split                        split
	At                           moment
	CI                           string // an address; empty for none
	Counts                       string
}

// stands says how a run is.
func stands(status string) chip {
	switch status {
	case store.RunPassed:
		return chip{"ok", "check", "Passed"}
	case store.RunFailed:
		return chip{"bad", "cross", "Failed"}
	case store.RunInterrupted:
		return chip{"warn", "pause", "Interrupted"}
	}
	return chip{"info", "play", "Running"}
}

// went says how a test went.
func went(status string) chip {
	switch status {
	case "passed", "pass":
		return chip{"ok", "check", "Passed"}
	case "failed", "fail":
		return chip{"bad", "cross", "Failed"}
	case "error":
		return chip{"bad", "warn", "Error"}
	case "blocked":
		return chip{"warn", "ban", "Blocked"}
	case "skipped":
		return chip{"", "skip", "Skipped"}
	case "ignored":
		return chip{"", "ban", "Ignored"}
	}
	return chip{"", "clock", "Not executed"}
}

func (c *console) runRow(w *workplace, run *store.TestRun) runRow {
	n := run.Counts
	row := runRow{
		Number: run.Number, Name: run.Name, To: w.to("/runs/" + itoa(run.Number)), Branch: run.Branch, Commit: shortCommit(run.Commit),
		Chip: stands(workspace.RunStatus(run, c.authority.Now())), Total: n.Total, Passed: n.Passed, Failed: n.Failed, Skipped: n.Total - n.Passed - n.Failed, Flaky: run.Flaky,
		Rate: rateText(n.Passed, n.Failed), Took: spent(run.Duration), Split: splitOf(n.Passed, n.Failed, n.Total), At: c.momentOf(run.CreatedAt),
		CI: outside(run.CI.JobURL), Provider: run.CI.Provider, Source: run.Source,
	}
	if row.Name == "" {
		row.Name = "Run " + itoa(run.Number)
	}
	if row.CI == "" {
		row.CI = outside(run.CI.PipelineURL)
	}
	counts := []string{grouped(n.Passed) + " passed"}
	if n.Failed > 0 {
		counts = append(counts, grouped(n.Failed)+" failed")
	}
	if row.Skipped > 0 {
		counts = append(counts, grouped(row.Skipped)+" not run")
	}
	row.Counts = strings.Join(counts, ", ")
	switch {
	case run.SuiteErrors > 0:
		row.Note = counted(run.SuiteErrors, "error") + " outside of tests"
	case run.Flaky > 0:
		row.Note = grouped(run.Flaky) + " flaky"
	}
	return row
}

// shortCommit is as much of a commit as people say.
func shortCommit(hash string) string {
	if len(hash) > 8 && strings.Trim(hash, "0123456789abcdefABCDEF") == "" {
		return hash[:8]
	}
	return clipped(hash, 20)
}

func (c *console) runs(r *edge.Request, _ edge.None) (edge.Page, error) {
	w, err := c.work(r)
	if err != nil {
		return edge.Page{}, err
	}
	q := workspace.RunQuery{Status: r.Param("status"), Branch: r.Param("branch"), Name: r.Param("name"), Limit: perPage + 1}
	if q.Before, err = afterNumber(r); err != nil {
		return edge.Page{}, err
	}
	found, err := c.workspace.Runs(r.Context(), &r.Principal, w.ref, q)
	if err != nil {
		return edge.Page{}, err
	}
	names, branches, err := c.workspace.RunChoices(r.Context(), &r.Principal, w.ref)
	if err != nil {
		return edge.Page{}, err
	}
	p := runsPage{workBase: w.base(), Listing: listed(r, "Runs", w.to("/runs"), runFilters...)}
	for _, tab := range []struct{ title, status string }{{"All", ""}, {"Failed", store.RunFailed}, {"Passed", store.RunPassed}, {"Running", store.RunInProgress}, {"Interrupted", store.RunInterrupted}} {
		p.Listing.tab(tab.title, "status", tab.status, 0)
	}
	if len(branches) > 0 || q.Branch != "" {
		p.Listing.filter("branch", "Branch", namesFor("Any branch", branches, q.Branch)...)
	}
	if len(names) > 0 || q.Name != "" {
		p.Listing.filter("name", "Name of the run", namesFor("Any name", names, q.Name)...)
	}
	found, more := cut(found)
	for i := range found {
		p.Rows = append(p.Rows, c.runRow(w, &found[i]))
	}
	if more {
		p.Listing.after(true, itoa(found[len(found)-1].Number))
	}
	if len(found) == 0 && !p.Listing.Asked && q.Before == 0 {
		p.Empty = c.howToReport(w)
	}
	return c.showWork(r, w, "runs", page{Title: "Runs", Body: p})
}

// howToReport is the command that makes the first run.
func (c *console) howToReport(w *workplace) *emptyRuns {
	return &emptyRuns{
		Command: "export GATEHOUSE_URL=" + c.url + "\nexport GATEHOUSE_TOKEN=…    # from the secret store of your CI system\n" +
			"gatehouse report --project-id " + projectID(w.OrganizationNumber) + " --results-file test-results/junit.xml",
		Docs: "/docs/testkase", Keys: "/console/account/tokens",
	}
}

// projectID is how commands name a project.
func projectID(number int64) string { return "PRJ-" + itoa(number) }

// runNamed reads which run the path names.
func (c *console) runNamed(r *edge.Request) (w *workplace, n workspace.RunRef, err error) {
	if w, err = c.work(r); err != nil {
		return nil, n, err
	}
	n.Project = w.ref
	text := r.PathValue("run")
	if number, ok := authority.ParseNumber(text, ""); ok {
		n.Number = number
		return w, n, nil
	}
	if n.ID, err = authority.ParseID(text); err != nil {
		return nil, n, credential.Errorf(credential.NotFound, "no such test run")
	}
	return w, n, nil
}

func (c *console) runFile(r *edge.Request, _ edge.None) (out edge.File, err error) {
	_, n, err := c.runNamed(r)
	if err != nil {
		return out, err
	}
	number, err := numberIn(r, "file", "")
	if err != nil {
		return out, err
	}
	a, content, err := c.workspace.OpenFileOfRun(r.Context(), &r.Principal, n, number)
	if err != nil {
		return out, err
	}
	return edge.FileOf(a, content), nil
}
