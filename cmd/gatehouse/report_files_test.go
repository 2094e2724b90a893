package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/client"
)

// What is truly in the result files of many programs is what a run says of them
// when they are reported, whatever they say of themselves; and what can't be
// read is refused before anything is sent.
func TestReportEveryFormat(t *testing.T) {
	t.Parallel()
	r := newReported(t)
	runs := client.New(r.server.url, r.token, nil).Runs("1173", "PRJ-1")
	const files = "../../internal/testresult/testdata/results"
	index, err := os.Open(filepath.Join(files, "INDEX.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	table := csv.NewReader(index)
	table.Comma, table.LazyQuotes = '\t', true
	rows, err := table.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for _, row := range rows[1:] {
		cell := func(name string) string { return row[column[name]] }
		file, err := filepath.Abs(filepath.Join(files, cell("file")))
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"--org-id", "1173", "--project-id", "PRJ-1", "--results-file", file, "--run-key", cell("file"), "--on-empty", "ignore", "--json"}
		if cell("expect") == "reject" {
			if _, stderr := r.want(3, r.environment(), args...); !strings.Contains(stderr, filepath.Base(file)) {
				t.Errorf("%s: refused without its name:\n%s", cell("file"), stderr)
			}
			continue
		}
		out, stderr := r.want(0, r.environment(), args...)
		var said struct {
			Run struct {
				ID string `json:"id"`
			} `json:"run"`
		}
		if err := json.Unmarshal([]byte(out), &said); err != nil {
			t.Errorf("%s: %v\n%s%s", cell("file"), err, out, stderr)
			continue
		}
		if cell("tests") == "0" && cell("suite_errors") == "0" {
			continue // nothing to send, and that is no failure where it was asked for
		}
		run, err := runs.Get(t.Context(), said.Run.ID)
		if err != nil {
			t.Errorf("%s: %v\n%s", cell("file"), err, out)
			continue
		}
		n := run.Counts
		got := fmt.Sprint(n.Total, n.Passed, n.Failed, n.Errors, n.Skipped, n.Flaky, run.SuiteErrors)
		want := strings.Join([]string{cell("tests"), cell("passed"), cell("failures"), cell("errors"), cell("skipped"), cell("flaky"), cell("suite_errors")}, " ")
		if got != want {
			t.Errorf("%s: the run counts %s, want %s", cell("file"), got, want)
		}
	}
}
