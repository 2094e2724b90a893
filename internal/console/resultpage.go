package console

import (
	"fmt"
	"strconv"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

func (c *console) filesOf(r *edge.Request, n workspace.RunRef, to string) (rows []fileRow, err error) {
	files, err := c.workspace.FilesOfRun(r.Context(), &r.Principal, n)
	for i := range files {
		f := &files[i]
		rows = append(rows, fileRow{Name: f.Name, To: to + "/files/" + itoa(f.Number), Size: bytesText(f.Size), Kind: worded(or(f.Kind, "file"))})
	}
	return rows, err
}

// bytesText writes the size of a file.
func bytesText(n int64) string {
	switch {
	case n < 1000:
		return counted(n, "byte")
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1_000_000)
}

// listResults fills in the list of all results.
func (c *console) listResults(r *edge.Request, w *workplace, n workspace.RunRef, p *runPage) error {
	f := store.ResultFilter{Status: r.Param("status")}
	if f.Status == "flaky" {
		f.Status, f.Flaky = "", true
	}
	var err error
	if f.From, err = afterNumber(r); err != nil {
		return err
	}
	if f.From > 0 {
		f.From++ // positions begin at 0
	}
	found, err := c.workspace.RunResults(r.Context(), &r.Principal, n, f, perPage+1)
	if err != nil {
		return err
	}
	p.Listing = listed(r, "Results", p.Run.To, resultFilters...)
	for _, tab := range []struct{ title, status string }{{"All", ""}, {"Failed", "failed"}, {"Errors", "error"}, {"Passed", "passed"}, {"Skipped", "skipped"}, {"Flaky", "flaky"}} {
		p.Listing.tab(tab.title, "status", tab.status, 0)
	}
	found, more := cut(found)
	for i := range found {
		p.Rows = append(p.Rows, resultOf(w, &p.Run, &found[i]))
	}
	if more {
		p.Listing.after(true, itoa(found[len(found)-1].Position))
	}
	return nil
}

// resultPage shows a result of a run.
type resultPage struct {
	workBase
	Run             runRow
	Row             resultRow
	Message, Detail string
	Facts           []fact
	Properties      []store.TestProperty
	Attachments     []string
}

func (c *console) result(r *edge.Request, _ edge.None) (edge.Page, error) {
	w, n, err := c.runNamed(r)
	if err != nil {
		return edge.Page{}, err
	}
	missing := credential.Errorf(credential.NotFound, "no such result")
	position, err := strconv.ParseInt(r.PathValue("position"), 10, 64)
	if err != nil || position < 0 || itoa(position) != r.PathValue("position") {
		return edge.Page{}, missing
	}
	run, _, err := c.workspace.ReportedRun(r.Context(), &r.Principal, n)
	if err != nil {
		return edge.Page{}, err
	}
	found, err := c.workspace.RunResults(r.Context(), &r.Principal, workspace.RunRef{Project: w.ref, ID: run.ID}, store.ResultFilter{From: position}, 1)
	if err != nil {
		return edge.Page{}, err
	}
	if len(found) == 0 || found[0].Position != position {
		return edge.Page{}, missing
	}
	x := &found[0]
	p := resultPage{workBase: w.base(), Run: c.runRow(w, run), Message: x.Message, Detail: x.Detail, Properties: x.Properties, Attachments: x.Attachments}
	p.Row = resultOf(w, &p.Run, x)
	for _, f := range []fact{{Title: "Class", Text: x.Class}, {Title: "Suite", Text: x.Suite}, {Title: "File", Text: x.File}, {Title: "Code reference", Text: x.CodeRef}} {
		if f.Text != "" {
			p.Facts = append(p.Facts, f)
		}
	}
	if x.Line > 0 {
		p.Facts = append(p.Facts, fact{Title: "Line", Text: strconv.Itoa(x.Line)})
	}
	if x.Attempt > 0 {
		p.Facts = append(p.Facts, fact{Title: "Attempt", Text: strconv.Itoa(x.Attempt)})
	}
	return c.showWork(r, w, "result", page{Title: x.Name, Body: p})
}
