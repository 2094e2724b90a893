package console_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// filledOffice has a thousand of each thing behind its pages.
func filledOffice(b *testing.B) *office {
	s := run(b, storetest.SQLite(b), "http://127.0.0.1:8080")
	s.enter("ada@example.test")
	o := s.office("Space Game")
	operator := credential.Operator()
	const many = 1_000
	results := make([]store.TestResult, many)
	for i := range results {
		results[i] = store.TestResult{Name: fmt.Sprint("test ", i), Class: fmt.Sprint("game.Test", i/50), Status: "passed", Duration: time.Duration(i) * 3 * time.Millisecond}
		if i%4 == 0 {
			results[i].Status, results[i].Message, results[i].Detail = "failed", fmt.Sprintf("expected %d coins", i), strings.Repeat("at game.Test.run(Test.kt:1)\n", 300)
		}
		title := fmt.Sprint("Thing ", i)
		if _, err := o.workspace.CreateIssue(b.Context(), &operator, o.ref, workspace.IssueDraft{Title: title, Description: title + " falls over"}); err != nil {
			b.Fatal(err)
		}
		if _, err := o.workspace.CreateTestCase(b.Context(), &operator, o.ref, workspace.CaseRequest{Title: &title}); err != nil {
			b.Fatal(err)
		}
		o.start(workspace.RunRequest{Name: "nightly", Branch: fmt.Sprint("branch ", i%20)}, 2)
	}
	for _, commit := range []string{"a", "b"} {
		results[7].Status = map[string]string{"a": "passed", "b": "failed"}[commit]
		o.report(workspace.RunRequest{Name: "nightly", Branch: "main", Commit: commit}, results...)
	}
	return o
}

// What a page of a project takes, with a thousand rows of each thing behind it:
// its server has 50 ms for it.
func BenchmarkPages(b *testing.B) {
	o := filledOffice(b)
	for _, page := range []struct{ name, path string }{
		{"Overview", ""}, {"Runs", "/runs"}, {"Run", "/runs/1002"}, {"Result", "/runs/1002/results/4"}, {"Tests", "/tests"}, {"SlowTests", "/tests?show=slow"}, {"FoundTests", "/tests?q=test+99"},
		{"Issues", "/issues"}, {"FoundIssues", "/issues?q=falls&status=open"}, {"Cases", "/test-cases"}, {"FoundCases", "/test-cases?q=thing"}, {"Cycle", "/cycles/TCYCLE-1"},
	} {
		b.Run(page.name, func(b *testing.B) {
			for b.Loop() {
				if got := o.get(o.to + page.path); got.status != 200 {
					b.Fatalf("%s: got %d", page.path, got.status)
				}
			}
		})
	}
}
