package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/gatehouse-dev/gatehouse/api"
)

// mostListed is how many tests are named of each sort.
const mostListed = 10

// output writes what people and programs read. What it writes never has the
// token in it.
type output struct {
	job            *job
	mu             sync.Mutex
	stdout, stderr io.Writer
}

// print writes a text as it is, at once.
func (o *output) print(w io.Writer, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = io.WriteString(w, hiding(text, o.job.Token))
}

// note is a message on standard error.
func (o *output) note(format string, args ...any) {
	o.job.progress.clear()
	o.print(o.stderr, "gatehouse: "+plain(fmt.Sprintf(format, args...), mostOfDetail)+"\n")
}

// warn is a message that something isn't as it should be.
func (o *output) warn(format string, args ...any) { o.note("warning: "+format, args...) }

// result says what became of the report.
func (o *output) result(done *outcome, err error) {
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			o.note("%s", line)
		}
	}
	for _, hit := range done.hits {
		o.note("%s (exit code %d)", hit, done.code)
	}
	o.annotate(done)
	switch {
	case o.job.JSON && done.code != Usage:
		text, _ := json.Marshal(o.document(done, err)) // of plain values
		o.print(o.stdout, PlainJSON(text)+"\n")
	case !o.job.JSON && done.state != "":
		o.print(o.stdout, o.summary(done))
	}
}

// document is what --json prints.
type document struct {
	ExitCode    Code               `json:"exit_code"`
	State       string             `json:"state"`
	Error       string             `json:"error,omitempty"`
	URL         string             `json:"url,omitempty"`
	Project     string             `json:"project,omitempty"`
	Run         *api.Run           `json:"run,omitempty"`
	Files       []api.UploadedFile `json:"files"`
	Counts      counts             `json:"counts"`
	Batches     int                `json:"batches"`
	Stored      int                `json:"batches_stored"`
	Attachments int                `json:"attachments"`
	Digest      string             `json:"digest,omitempty"`
	Failures    []failing          `json:"failures"`
	Changes     *api.RunChanges    `json:"changes,omitempty"`
	Unmatched   *unmatched         `json:"unmatched,omitempty"`
	Warnings    []string           `json:"warnings,omitempty"`
	Hits        []string           `json:"fail_on,omitempty"`
}

// unmatched are results of the run that stand for no test case.
type unmatched struct {
	Count int64    `json:"count"`
	First []string `json:"first"`
}

func (o *output) document(done *outcome, err error) document {
	d := document{ExitCode: done.code, State: first(done.state, "failed"), Project: done.project, Run: done.run, Changes: done.changes, Stored: done.batches,
		Attachments: done.files, Hits: done.hits, Files: []api.UploadedFile{}, Failures: []failing{}}
	if done.code == Partly {
		d.State = "partly"
	}
	if err != nil {
		d.Error = err.Error()
	}
	if r := done.reading; r != nil {
		d.Counts, d.Digest, d.Batches, d.Warnings = r.counts, r.digest, len(r.spool.batches), r.warnings
		d.Files, d.Failures = append(d.Files, r.files...), append(d.Failures, r.failures...)
	}
	if done.run != nil {
		d.URL = address(done)
		if n := done.run.Counts.Total - done.run.Matched; n > 0 && done.state == "uploaded" {
			d.Unmatched = &unmatched{n, append([]string{}, done.unmatched...)}
		}
	}
	return d
}

// address is where a run can be read.
func address(done *outcome) string {
	return fmt.Sprintf("%s/v1/organizations/%s/projects/%s/runs/%s", done.url, done.organization, done.project, done.run.ID)
}

// summary is what people read.
func (o *output) summary(done *outcome) string {
	var b strings.Builder
	r := done.reading
	files := plural(int64(len(r.files)), "file")
	switch done.state {
	case "empty":
		fmt.Fprintf(&b, "no results in %s; nothing was reported\n", files)
		return b.String()
	case "dry_run":
		fmt.Fprintf(&b, "would report %s of %s, in %s; nothing was sent\n", plural(r.counts.Total, "result"), files, plural(int64(len(r.spool.batches)), "batch"))
	default:
		fmt.Fprintf(&b, "reported %s of %s to run %d, %s, in %s\n", plural(r.counts.Total, "result"), files, done.run.Number, plain(done.run.Name, mostOfName), plain(done.run.Cycle, mostOfName))
	}
	o.table(&b, done)
	if done.state == "uploaded" {
		fmt.Fprintf(&b, "%s\n", plain(address(done), mostOfDetail))
	}
	return b.String()
}

// table counts, and names what failed and what changed.
func (o *output) table(b *strings.Builder, done *outcome) {
	c := done.reading.counts
	row := func(n int64, what string) {
		if n > 0 {
			fmt.Fprintf(b, "%9s  %s\n", number(n), what)
		}
	}
	for _, line := range []struct {
		n    int64
		what string
	}{{c.Passed, "passed"}, {c.Failed, "failed"}, {c.Errors, "errors"}, {c.Skipped, "skipped"}, {c.Flaky, "flaky"}, {c.SuiteErrors, "suite errors"}} {
		row(line.n, line.what)
	}
	if ch := done.changes; ch != nil && ch.Since != nil {
		row(int64(len(ch.NewlyFailing)), "newly failing")
		row(int64(len(ch.StillFailing)), "still failing")
		row(int64(len(ch.Fixed)), "fixed")
		row(ch.New, "new tests")
		row(ch.Missing, "missing tests")
	}
	if done.state == "uploaded" {
		row(done.run.Counts.Total-done.run.Matched, "match no test case")
		row(int64(done.files), "attachments")
	}
	o.list(b, "failed", failedNames(done.reading), int64(len(done.reading.failed))+done.reading.counts.SuiteErrors)
	if ch := done.changes; ch != nil && ch.Since != nil {
		o.list(b, "newly failing", changed(ch.NewlyFailing), int64(len(ch.NewlyFailing)))
		o.list(b, "fixed", changed(ch.Fixed), int64(len(ch.Fixed)))
	}
	if done.state == "uploaded" {
		o.list(b, "match no test case", done.unmatched, done.run.Counts.Total-done.run.Matched)
	}
}

// list names the first of something.
func (o *output) list(b *strings.Builder, what string, lines []string, total int64) {
	if len(lines) == 0 {
		return
	}
	o.section(b, what, func() {
		for _, line := range lines[:min(len(lines), mostListed)] {
			fmt.Fprintf(b, "  - %s\n", line)
		}
		if more := total - int64(min(len(lines), mostListed)); more > 0 {
			fmt.Fprintf(b, "  … and %s more\n", number(more))
		}
	})
}

// failedNames names what failed, and why.
func failedNames(r *reading) (list []string) {
	for _, f := range r.failures[:min(len(r.failures), mostListed)] {
		line := full(f.Class, f.Name)
		if f.Message != "" {
			line += ": " + plain(f.Message, mostOfName)
		}
		list = append(list, line)
	}
	return list
}

// changed names tests.
func changed(tests []api.TestChange) (list []string) {
	for _, t := range tests[:min(len(tests), mostListed)] {
		list = append(list, plain(full(t.Class, t.Name), mostOfName))
	}
	return list
}

// plural counts things.
func plural(n int64, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "h"):
		return number(n) + " " + what + "es"
	}
	return number(n) + " " + what + "s"
}

// number writes a number with its thousands apart.
func number(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
