package workspace_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// bench is a workspace with a project, and a clock.
type bench struct {
	*workspace.Workspace
	store   *store.Store
	project store.ProjectRef
	now     time.Time
	runs    int
}

func newBench(t testing.TB, cfg store.Config) *bench {
	t.Helper()
	b := &bench{store: storetest.Open(t, cfg), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	o := &store.Organization{ID: uuid.Must(uuid.NewV7()), Name: "Acme", CreatedAt: b.now}
	p := &store.Project{ID: uuid.Must(uuid.NewV7()), Organization: o.ID, Name: "Game", CreatedAt: b.now}
	err := b.store.Change(t.Context(), uuid.Nil, func(tx *store.Tx) error {
		tx.Record(audit.Event{Actor: "operator", Action: "organization.create", Target: "organization:" + o.ID.String(), Detail: "{}", At: b.now})
		if err := tx.InsertOrganization(t.Context(), o); err != nil {
			return err
		}
		return tx.InsertProject(t.Context(), p)
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Workspace, b.project = workspace.New(workspace.Config{Store: b.store, Now: func() time.Time { return b.now }}), store.ProjectRef{ID: p.ID}
	return b
}

// begin begins a run of so many batches.
func (b *bench) begin(t testing.TB, commit string, batches int) workspace.RunRef {
	t.Helper()
	b.runs++
	operator := credential.Operator()
	run, _, err := b.StartRun(context.Background(), &operator, b.project, workspace.RunRequest{Key: fmt.Sprint("run ", b.runs), Commit: commit})
	if err != nil {
		t.Fatal(err)
	}
	ref := workspace.RunRef{Project: b.project, ID: run.ID}
	_, err = b.DeclareUpload(context.Background(), &operator, ref, workspace.UploadRequest{Name: "u", Digest: strings.Repeat("ab", 32), Batches: batches})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// batch stores a batch of a run.
func (b *bench) batch(t testing.TB, run workspace.RunRef, number int, results ...store.TestResult) *store.TestRun {
	t.Helper()
	operator := credential.Operator()
	stored, _, err := b.StoreBatch(context.Background(), &operator, run, workspace.BatchRequest{Upload: "u", Number: number, Results: results, Body: []byte(fmt.Sprint(results))})
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// A test is flaky that passed and failed on one commit within 14 days, or of
// which it was said, until it has passed five times in a row.
func TestFlaky(t *testing.T) {
	t.Parallel()
	// Each step is a run of one result: a commit, a colon, and p, f, e, s (skipped),
	// P (passed and said to be flaky), each upper after + so many days.
	for name, row := range map[string]struct {
		steps string // "commit:outcomes", days that pass as +n
		flaky string // after each outcome: - or F
	}{
		"passes":                         {"a:p a:p b:p", "---"},
		"fails":                          {"a:f a:f b:f", "---"},
		"a commit repairs it":            {"a:f b:p", "--"},
		"pass and fail":                  {"a:p a:f", "-F"},
		"fail and pass":                  {"a:f a:p", "-F"},
		"an error is a failure":          {"a:p a:e", "-F"},
		"skipped says nothing":           {"a:p a:s a:s", "---"},
		"of an earlier commit":           {"a:p b:p c:p a:f", "---F"},
		"an earlier commit failed":       {"a:f b:p b:p a:p", "---F"},
		"within 14 days":                 {"a:p +13 a:f", "-F"},
		"after 14 days":                  {"a:p +15 a:f", "--"},
		"an earlier commit, 15 days ago": {"a:p b:p +15 a:f", "---"},
		"no commit":                      {":p :f :p", "---"},
		"it is said":                     {":P", "F"},
		"it is said of a commit":         {"a:P b:p b:p b:p b:p b:p", "FFFFF-"},
		"heals":                          {"a:f a:p a:p a:p a:p a:p a:p", "-FFFFF-"},
		"heals on other commits":         {"a:f a:p b:p c:p d:p e:p f:p", "-FFFFF-"},
		"a failure begins anew":          {"a:f a:p b:p b:p c:f d:p d:p d:p d:p d:p", "-FFFFFFFF-"},
		"a flaky pass begins anew":       {"a:f a:p a:p a:p a:p a:p b:P b:p", "-FFFFFFF"},
		"skipped heals nothing":          {"a:f a:p a:p a:p a:p a:p a:s a:p", "-FFFFFF-"},
		"what is healed stays so":        {"a:f a:p a:p a:p a:p a:p a:p a:p b:p a:p", "-FFFFF----"},
		"and becomes flaky again":        {"a:f a:p a:p a:p a:p a:p a:p a:f", "-FFFFF-F"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, storetest.SQLite(t))
			got := ""
			for step := range strings.FieldsSeq(row.steps) {
				var days int
				if _, err := fmt.Sscanf(step, "+%d", &days); err == nil {
					b.now = b.now.AddDate(0, 0, days)
					continue
				}
				b.now = b.now.Add(time.Second)
				commit, outcome, _ := strings.Cut(step, ":")
				words := map[string]string{"p": "passed", "P": "passed", "f": "failed", "e": "error", "s": "skipped"}
				b.batch(t, b.begin(t, commit, 1), 1, store.TestResult{Name: "t", Status: words[outcome], Flaky: outcome == "P"})
				got += b.flaky(t, "t")
			}
			if got != row.flaky {
				t.Errorf("got %s, want %s", got, row.flaky)
			}
		})
	}
}

// flaky is F where a test is flaky, and - where it isn't.
func (b *bench) flaky(t testing.TB, name string) string {
	t.Helper()
	r := store.TestResult{Name: name, CodeRef: name}
	r.Identify(b.project.ID)
	known, err := b.store.KnownTest(context.Background(), b.project.ID, r.Test)
	if err != nil {
		t.Fatal(err)
	}
	if known.FlakySince.IsZero() {
		return "-"
	}
	return "F"
}

// Of several attempts in a run the last one counts, whichever batch it comes in,
// and in whichever order they come.
func TestAttempts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		b := newBench(t, cfg)
		one := func(status string, attempt int) []store.TestResult {
			return []store.TestResult{{Name: "t", Status: status, Attempt: attempt}}
		}
		for name, row := range map[string]struct {
			batches              [][]store.TestResult
			status               string
			total, failed, flaky int64
		}{
			"in one batch":             {[][]store.TestResult{append(one("failed", 1), one("passed", 2)...)}, "passed", 1, 0, 1},
			"in one batch, the wrong":  {[][]store.TestResult{append(one("passed", 2), one("failed", 1)...)}, "passed", 1, 0, 1},
			"in several":               {[][]store.TestResult{one("failed", 1), one("failed", 2), one("passed", 3)}, "passed", 1, 0, 1},
			"in several, the wrong":    {[][]store.TestResult{one("passed", 3), one("failed", 2), one("failed", 1)}, "passed", 1, 0, 1},
			"it fails in the end":      {[][]store.TestResult{one("failed", 1), one("failed", 2)}, "failed", 1, 1, 0},
			"two of one name":          {[][]store.TestResult{one("passed", 0), one("failed", 0)}, "failed", 2, 1, 0},
			"other tests between them": {[][]store.TestResult{one("failed", 1), {{Name: "other", Status: "passed"}}, one("passed", 2)}, "passed", 2, 0, 1},
		} {
			ref := b.begin(t, "", len(row.batches))
			var run *store.TestRun
			for i, results := range row.batches {
				run = b.batch(t, ref, i+1, results...)
			}
			if n := run.Counts; run.Status != row.status || n.Total != row.total || n.Failed != row.failed || run.Flaky != row.flaky {
				t.Errorf("%s: got %s %+v and %d flaky, want %+v", name, run.Status, n, run.Flaky, row)
			}
			stored, err := b.store.TestResults(t.Context(), ref.ID, 0, 10)
			last := 0
			for _, r := range stored {
				if !r.Retried {
					last++
				}
			}
			if err != nil || int64(last) != row.total {
				t.Errorf("%s: %d results (%v) are the last of their tests, want %d", name, last, err, row.total)
			}
		}
	})
}

// Tests are found by letters of any alphabet, and calls that come
// while their launch is merged find what it became.
func TestLettersAndMerges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		b, operator := newBench(t, cfg), credential.Operator()
		b.batch(t, b.begin(t, "", 1), 1, store.TestResult{Name: "Über uns öffnet", Class: "Seite", Status: "passed"}, store.TestResult{Name: "100%", Status: "passed"})
		texts := []string{"Über", "UNS öffnet", "öffnet SEITE", "%"}
		if cfg.DatabaseURL == "" { // the locale of a PostgreSQL may have large and small letters in ASCII alone
			texts = append(texts, "über", "ÜBER UNS ÖFFNET")
		}
		for _, text := range texts {
			if found, err := b.Tests(t.Context(), &operator, b.project, store.TestFilter{Text: text}, 10); err != nil || len(found) != 1 {
				t.Errorf("%s: found %+v, %v", text, found, err)
			}
		}
		var ids [2]uuid.UUID
		for n := range ids {
			l, err := b.StartLaunch(t.Context(), &operator, b.project, workspace.LaunchRequest{Name: "l"})
			if err != nil {
				t.Fatal(err)
			}
			ids[n] = l.ID
		}
		done := make(chan error, 1)
		err := b.store.Change(t.Context(), uuid.Nil, func(tx *store.Tx) error {
			tx.Record(audit.Event{Actor: "operator", Action: "launch.merge", Target: "launch:" + ids[1].String(), Detail: "{}", At: b.now})
			for _, id := range ids {
				if _, err := tx.HoldLaunch(t.Context(), b.project.ID, id); err != nil {
					return err
				}
			}
			go func() {
				_, err := b.WriteLogs(context.Background(), &operator, b.project, []workspace.LogRequest{{Launch: ids[0], Message: "late"}}, nil)
				done <- err
			}()
			if cfg.DatabaseURL != "" {
				waitForLock(t, cfg.DatabaseURL)
			}
			return tx.MergeLaunch(t.Context(), ids[0], ids[1])
		})
		if err = errors.Join(err, <-done); err != nil {
			t.Fatal(err)
		}
		q := workspace.LogQuery{Launch: ids[1].String(), Section: workspace.Section{Page: 1, Limit: 10}}
		if logs, _, err := b.Logs(t.Context(), &operator, b.project, q); err != nil || len(logs) != 1 || logs[0].Message != "late" {
			t.Errorf("the launch has the logs %+v, %v", logs, err)
		}
	})
}

// waitForLock waits until somebody waits for a lock of a database.
func waitForLock(t *testing.T, url string) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for waiting := 0; waiting == 0; {
		if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkStoreResults stores a run of 200,000 results in batches, as a
// pipeline reports them: once of tests that are new, and once of the same.
func BenchmarkStoreResults(b *testing.B) {
	for name, cfg := range map[string]store.Config{"sqlite": storetest.SQLite(b)} {
		b.Run(name, func(b *testing.B) {
			w := newBench(b, cfg)
			const batches = 200
			for b.Loop() {
				start := time.Now()
				w.now = w.now.Add(time.Hour)
				ref := w.begin(b, fmt.Sprintf("%040d", w.runs), batches)
				for n := 1; n <= batches; n++ {
					results := make([]store.TestResult, workspace.MostBatch)
					for i := range results {
						results[i] = store.TestResult{Name: fmt.Sprintf("pays with card %d", i), Class: fmt.Sprintf("com.example.shop.Checkout%d_%d", n, i/25), File: "src/test/Checkout.java",
							Status: "passed", Duration: 12 * time.Millisecond, Attempt: 1}
						if i%50 == 0 {
							results[i].Status, results[i].Message, results[i].Detail = "failed", "expected 200 but was 500", strings.Repeat("    at com.example.shop.Checkout.pay(Checkout.java:42)\n", 20)
						}
					}
					w.batch(b, ref, n, results...)
				}
				b.ReportMetric(batches*workspace.MostBatch/time.Since(start).Seconds(), "results/s")
			}
		})
	}
}
