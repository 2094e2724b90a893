package rest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// digest is some SHA-256.
const digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// project is the path of the runs of a project.
func (w *world) project(p api.Project) string {
	return "/v1/organizations/" + w.acme.ID + "/projects/" + p.ID
}

// runs are the calls of the operator about the runs of a project.
func (w *world) runs(p api.Project) client.Runs { return w.operator.Runs(w.acme.ID, p.ID) }

// runID is a run of the first project, once a test needs one.
func (w *world) runID(t testing.TB) string {
	t.Helper()
	return w.report(t, w.alpha, api.StartRun{Key: "the sample"}, api.Result{Name: "sample", Status: "passed"}).ID
}

// testID is the test of that run.
func (w *world) testID(t testing.TB) string {
	t.Helper()
	var results api.List[api.RunResult]
	w.must(t, "GET", w.project(w.alpha)+"/runs/"+w.runID(t)+"/results", nil, &results)
	return results.Items[0].Test
}

// start begins a run of a project.
func (w *world) start(t testing.TB, p api.Project, in api.StartRun) (run api.Run) {
	t.Helper()
	w.must(t, "POST", w.project(p)+"/runs", in, &run)
	return run
}

// upload stores results in a run, as one upload in batches.
func (w *world) upload(t testing.TB, p api.Project, run api.Run, name string, batches ...[]api.Result) (out api.Run) {
	t.Helper()
	path := w.project(p) + "/runs/" + run.ID
	w.must(t, "PUT", path+"/uploads/"+name, api.DeclareUpload{Digest: digest, Batches: len(batches)}, nil)
	for i, results := range batches {
		var stored api.StoredBatch
		w.must(t, "PUT", fmt.Sprintf("%s/uploads/%s/batches/%d", path, name, i+1), api.ResultBatch{Results: results}, &stored)
		out = stored.Run
	}
	return out
}

// report is a whole run with one upload.
func (w *world) report(t testing.TB, p api.Project, in api.StartRun, results ...api.Result) api.Run {
	t.Helper()
	return w.upload(t, p, w.start(t, p, in), "all", results)
}

func TestRunsInBatches(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, cfg)
		var made, found api.Run
		runs := w.project(w.alpha) + "/runs"
		in := api.StartRun{Key: "ci 1", Name: "nightly", Commit: "c0ffee", Branch: "main", Shards: 2, CI: &api.CI{Provider: "github", Attempt: 1}}
		if status := w.call(t, request{method: "POST", path: runs, as: "member", body: in}, &made); status != http.StatusCreated {
			t.Fatalf("a new run: got %d, want 201", status)
		}
		if made.Number != 1 || made.Status != "in_progress" || made.Cycle != "TCYCLE-1" || made.Shards != 2 || made.CI == nil || made.CI.Provider != "github" {
			t.Errorf("a new run: got %+v", made)
		}
		if status := w.call(t, request{method: "POST", path: runs, as: "admin", body: api.StartRun{Key: "ci 1", Name: "other", Build: "7"}}, &found); status != http.StatusOK {
			t.Fatalf("a run that is there: got %d, want 200", status)
		}
		if found.ID != made.ID || found.Name != "nightly" || found.Build != "7" {
			t.Errorf("a run that is there: got %+v, want what was said first, and the build", found)
		}
		if status := w.call(t, request{method: "POST", path: runs, as: "admin", body: api.StartRun{Key: "ci 1", Shards: 3}}, nil); status != http.StatusConflict {
			t.Errorf("other shards: got %d, want 409", status)
		}

		// Batches come in any order, each is stored once, packed or not.
		var up api.Upload
		one := runs + "/1/uploads/shard-1"
		if status := w.call(t, request{method: "PUT", path: one, as: "member", body: api.DeclareUpload{Digest: digest, Batches: 3, SuiteErrors: 1,
			Files: []api.UploadedFile{{Name: "junit.xml", Format: "junit", Bytes: 5}}}}, &up); status != 200 {
			t.Fatalf("declare: got %d", status)
		}
		if diff := cmp.Diff([]int{1, 2, 3}, up.Missing); diff != "" {
			t.Errorf("missing batches (-want +got):\n%s", diff)
		}
		batch := func(n int) api.ResultBatch {
			return api.ResultBatch{Results: []api.Result{
				{Name: fmt.Sprint("passes ", n), Class: "C", Status: "passed", DurationMs: 3},
				{Name: fmt.Sprint("fails ", n), Class: "C", Status: "error", Message: "it broke", Detail: "at line 3"},
				{Name: fmt.Sprint("waits ", n), Class: "C", Status: "skipped", Properties: []api.Property{{Name: "k", Value: "v"}}, Attachments: []string{"a.png"}},
			}}
		}
		for _, n := range []int{3, 1, 3, 1, 3} {
			var stored api.StoredBatch
			status := w.call(t, request{method: "PUT", path: fmt.Sprintf("%s/batches/%d", one, n), as: "member", header: http.Header{"Content-Encoding": {"gzip"}}, body: packed(t, batch(n))}, &stored)
			if status != 200 {
				t.Fatalf("batch %d: got %d", n, status)
			}
		}
		w.must(t, "PUT", one, api.DeclareUpload{Digest: digest, Batches: 3}, &up)
		if diff := cmp.Diff([]int{2}, up.Missing); diff != "" || up.Complete {
			t.Errorf("missing batches (-want +got):\n%s", diff)
		}
		if status := w.call(t, request{method: "PUT", path: one, as: "member", body: api.DeclareUpload{Digest: strings.Repeat("ab", 32), Batches: 3}}, nil); status != http.StatusConflict {
			t.Errorf("another digest: got %d, want 409", status)
		}
		if status := w.call(t, request{method: "PUT", path: one + "/batches/3", as: "member", body: batch(1)}, nil); status != http.StatusConflict {
			t.Errorf("another batch: got %d, want 409", status)
		}
		for path, want := range map[string]int{"/batches/4": 404, "/batches/0": 404, "/batches/x": 404} {
			if status := w.call(t, request{method: "PUT", path: one + path, as: "member", body: batch(1)}, nil); status != want {
				t.Errorf("%s: got %d, want %d", path, status, want)
			}
		}
		var stored api.StoredBatch
		w.must(t, "PUT", one+"/batches/2", batch(2), &stored)
		if stored.Run.Status != "in_progress" || stored.Repeated {
			t.Errorf("with one of two uploads: got %+v", stored)
		}

		// The second upload completes the run.
		w.must(t, "PUT", runs+"/1/uploads/shard-2", api.DeclareUpload{Digest: digest, Batches: 1}, nil)
		w.must(t, "PUT", runs+"/1/uploads/shard-2/batches/1", batch(9), &stored)
		want := api.RunCounts{Total: 12, Passed: 4, Errors: 4, Skipped: 4}
		if diff := cmp.Diff(want, stored.Run.Counts); diff != "" || stored.Run.Status != "failed" || stored.Run.FinishedAt == nil || stored.Run.SuiteErrors != 1 {
			t.Errorf("a complete run: got %+v\n%s", stored.Run, diff)
		}
		w.must(t, "PUT", runs+"/1/uploads/late", api.DeclareUpload{Digest: digest, Batches: 1}, nil)
		var shown api.Run
		w.must(t, "GET", runs+"/"+made.ID, nil, &shown)
		if shown.Status != "in_progress" || shown.FinishedAt != nil || len(shown.Uploads) != 3 {
			t.Errorf("a run with a further upload: got %+v", shown)
		}
		w.clock.advance(25 * time.Hour)
		w.must(t, "GET", runs+"/1", nil, &shown)
		if shown.Status != "interrupted" {
			t.Errorf("a day later: got %s, want interrupted", shown.Status)
		}
		w.must(t, "PUT", runs+"/1/uploads/late/batches/1", batch(10), &stored)
		if stored.Run.Status != "failed" {
			t.Errorf("resumed: got %s, want failed", stored.Run.Status)
		}
	})
}

// packed is a body packed by gzip.
func packed(t testing.TB, body any) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if err := errors.Join(json.NewEncoder(z).Encode(body), z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Several processes that begin one run and report the same at once make one run
// with each result once.
func TestRunsAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, cfg)
		runs := w.project(w.alpha) + "/runs"
		ids, group := make([]string, 4), sync.WaitGroup{}
		for i := range ids {
			group.Go(func() {
				var run api.Run
				c := w.as("member")
				call := func(method, path string, in, out any) {
					if err := c.Call(context.Background(), method, path, in, out); err != nil {
						t.Errorf("%s %s: %v", method, path, err)
					}
				}
				call("POST", runs, api.StartRun{Key: "the same", Commit: "c"}, &run)
				ids[i] = run.ID
				call("PUT", runs+"/"+run.ID+"/uploads/u", api.DeclareUpload{Digest: digest, Batches: 3}, nil)
				for n := 1; n <= 3; n++ {
					call("PUT", fmt.Sprintf("%s/%s/uploads/u/batches/%d", runs, run.ID, n), api.ResultBatch{Results: []api.Result{{Name: fmt.Sprint("t", n), Status: "passed"}}}, nil)
				}
			})
		}
		group.Wait()
		var run api.Run
		w.must(t, "GET", runs+"/1", nil, &run)
		if run.Counts.Total != 3 || run.Status != "passed" || ids[0] != run.ID || ids[1] != run.ID || ids[2] != run.ID || ids[3] != run.ID {
			t.Errorf("got %v and %+v, want one run with three results", ids, run)
		}
		if status := w.call(t, request{method: "GET", path: runs + "/2", as: "member"}, nil); status != 404 {
			t.Errorf("a second run: got %d, want 404", status)
		}
	})
}

// call makes a call, reads what a success answers, and returns the status.
func (w *world) call(t testing.TB, r request, out any) int {
	t.Helper()
	a := w.do(t, r)
	if a.status < 300 && out != nil {
		if err := json.Unmarshal(a.body, out); err != nil {
			t.Fatal(err)
		}
	}
	return a.status
}

// A secret of ours is taken out of whatever is reported, and its owner is told:
// once a day, whoever reports it, and without a word of it anywhere.
func TestRunsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	mine, far := w.secrets["live"], w.secrets["far"]
	ended := w.issue(t, "ended", api.CreateCredential{Scheme: "gatehouse_key", Name: "ended", Organization: w.acme.ID, Scopes: []string{"projects:read"}})
	w.must(t, "POST", "/v1/credentials/"+ended.ID+"/revoke", nil, nil)
	typo := w.secrets["static"]
	typo = typo[:len(typo)-1] + string(typo[len(typo)-1]^1)
	cut := strings.Repeat("x", 19_990) + " " + mine
	run := w.report(t, w.alpha, api.StartRun{Key: "leaks", Name: "by " + mine, CI: &api.CI{PipelineURL: "https://ci.test/?k=" + far}},
		api.Result{Name: "says " + mine, Class: far, Status: "failed", Message: "sent " + mine + " twice " + mine, Detail: cut},
		api.Result{Name: "typo " + typo, Status: "passed", Properties: []api.Property{{Name: "k", Value: ended.Secret}}, Attachments: []string{far + ".log"}})
	if run.Redacted != 9 {
		t.Errorf("got %d redacted, want 9", run.Redacted)
	}
	kept, err := w.runs(w.alpha).AddFile(t.Context(), run.ID, "out.log", packedText(t, "before "+mine+" after"))
	if err != nil {
		t.Fatal(err)
	}
	file := w.do(t, request{method: "GET", path: fmt.Sprintf("%s/runs/%s/files/%d", w.project(w.alpha), run.ID, kept.Items[0].Number), as: "member"})
	if want := "before bsk_live_" + strings.Repeat("*", 43) + " after"; string(file.body) != want {
		t.Errorf("a packed file: got %q, want %q", file.body, want)
	}
	again, err := w.runs(w.alpha).AddFile(t.Context(), run.ID, "out.log", packedText(t, "before "+mine+" after"))
	if err != nil || again.Items[0].Number != kept.Items[0].Number {
		t.Errorf("the same file again: got %+v (%v), want %+v", again, err, kept)
	}
	everything := w.checksum(t) + w.logs.String()
	for name, secret := range map[string]string{"a key": mine, "another organization's": far, "one that is revoked": ended.Secret} {
		if strings.Contains(everything, secret) || strings.Contains(everything, secret[:len(secret)-12]) {
			t.Errorf("%s is stored or logged", name)
		}
	}
	if !strings.Contains(everything, typo) {
		t.Error("what is no secret of ours is missing")
	}
	for name, c := range map[string]struct {
		organization, id, project string
		want                      int
	}{
		"a key": {w.acme.ID, w.records["live"].ID, w.alpha.ID, 1}, "another organization's": {w.other.ID, w.records["far"].ID, "", 1}, "one that is revoked": {w.acme.ID, ended.ID, "", 0},
	} {
		var events struct{ Items []api.Event }
		w.must(t, "GET", "/v1/audit/events?action=credential.exposed&organization="+c.organization+"&target=credential:"+c.id, nil, &events)
		if len(events.Items) != c.want {
			t.Errorf("%s: got %d events, want %d", name, len(events.Items), c.want)
			continue
		}
		if c.want == 1 && strings.Contains(string(events.Items[0].Detail), w.alpha.ID) != (c.project != "") {
			t.Errorf("%s: the event says %s", name, events.Items[0].Detail)
		}
	}
	if w.posted.Load() == 0 {
		t.Error("no letter was written")
	}
}

func packedText(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write([]byte(text)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Bodies may be packed by gzip where that is said, and never become larger than
// the route allows.
func TestRunsPackedBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	path := w.project(w.alpha) + "/runs/" + w.start(t, w.alpha, api.StartRun{Key: "packed"}).ID
	w.must(t, "PUT", path+"/uploads/u", api.DeclareUpload{Digest: digest, Batches: 2}, nil)
	good := packed(t, api.ResultBatch{Results: []api.Result{{Name: "t", Status: "passed"}}})
	for name, c := range map[string]struct {
		coding string
		body   []byte
		want   int
	}{
		"bomb":          {"gzip", packedText(t, `{"results":[{"name":"`+strings.Repeat("x", 5<<20)+`","status":"passed"}]}`), 413},
		"cut off":       {"gzip", good[:len(good)-9], 400},
		"no gzip":       {"gzip", []byte(`{"results":[]}`), 400},
		"another":       {"br", good, 415},
		"twice":         {"gzip, gzip", good, 415},
		"not said":      {"", good, 400},
		"none at all":   {"gzip", packed(t, api.ResultBatch{Results: []api.Result{}}), 422},
		"too many":      {"gzip", packed(t, api.ResultBatch{Results: make([]api.Result, 1001)}), 422},
		"unknown words": {"gzip", packed(t, api.ResultBatch{Results: []api.Result{{Name: "t", Status: "fine"}}}), 422},
		"good":          {"GZIP", good, 200},
	} {
		r := request{method: "PUT", path: path + "/uploads/u/batches/1", as: "member", header: http.Header{}, body: c.body}
		if c.coding != "" {
			r.header.Set("Content-Encoding", c.coding)
		}
		if status := w.call(t, r, nil); status != c.want {
			t.Errorf("%s: got %d, want %d", name, status, c.want)
		}
	}
}

// Results stand for the test cases whose automation ids they name and those that
// refer to them; tests have a history, and a run says what it changed.
func TestRunsSayWhatChanged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, cfg)
		work := w.workspace(t)
		operator := credential.Operator()
		project := store.ProjectRef{ID: uuid.MustParse(w.alpha.ID)}
		title, refs := "Opens", []string{"tests/login.py::TestLogin::opens"}
		one, err := work.CreateTestCase(t.Context(), &operator, project, workspace.CaseRequest{Title: &title, References: &refs})
		if err != nil {
			t.Fatal(err)
		}
		two, err := work.CreateTestCase(t.Context(), &operator, project, workspace.CaseRequest{Title: &title})
		if err != nil {
			t.Fatal(err)
		}
		result := func(name, status string) api.Result { return api.Result{Name: name, Status: status} }
		nightly := func(key, commit string, results ...api.Result) api.Run {
			w.clock.advance(time.Second)
			return w.report(t, w.alpha, api.StartRun{Key: key, Name: "nightly", Branch: "main", Commit: commit}, results...)
		}
		first := nightly("1", "a", result("steady", "passed"), result("breaks", "passed"), result("broken", "failed"), result("repaired", "error"), result("gone", "passed"))
		w.report(t, w.alpha, api.StartRun{Key: "other", Name: "nightly", Branch: "side"}, result("breaks", "failed"))
		second := nightly("2", "b", result("steady", "passed"), result("breaks", "failed"), result("broken", "failed"), result("repaired", "passed"), result("new", "failed"),
			api.Result{Name: "opens", Class: "TestLogin", CodeRef: "tests/login.py:TestLogin.opens", Status: "passed"},
			api.Result{Name: fmt.Sprintf("[%d] and [%d]", one.Automation, two.Automation), Status: "failed"})
		if second.Matched != 3 || second.Counts.Total != 8 {
			t.Errorf("matched %d of %d, want 3 of 8", second.Matched, second.Counts.Total)
		}
		var changes api.RunChanges
		w.must(t, "GET", w.project(w.alpha)+"/runs/"+second.ID+"/changes", nil, &changes)
		names := func(list []api.TestChange) (out []string) {
			for _, c := range list {
				out = append(out, c.Name)
			}
			return out
		}
		got := [][]string{names(changes.NewlyFailing)[:2], names(changes.StillFailing), names(changes.Fixed)}
		if diff := cmp.Diff([][]string{{"breaks", "new"}, {"broken"}, {"repaired"}}, got); diff != "" || changes.New != 3 || changes.Missing != 1 || changes.Since == nil || changes.Since.ID != first.ID {
			t.Errorf("changes since %+v: %d new, %d missing (-want +got):\n%s", changes.Since, changes.New, changes.Missing, diff)
		}
		w.must(t, "GET", w.project(w.alpha)+"/runs/"+first.ID+"/changes", nil, &changes)
		if len(changes.NewlyFailing) != 2 || changes.New != 0 {
			t.Errorf("changes of the first run: got %+v", changes)
		}

		third := w.checkLists(t, nightly, first, second, fmt.Sprintf("[%d] and [%d]", one.Automation, two.Automation))
		if third.Number != 4 {
			t.Errorf("the last run has the number %d, want 4", third.Number)
		}
	})
}

// checkLists looks at what the lists of runs, results and tests have. They go on
// where they ended, and are narrowed.
func (w *world) checkLists(t *testing.T, nightly func(key, commit string, results ...api.Result) api.Run, first, second api.Run, both string) api.Run {
	t.Helper()
	result := func(name, status string) api.Result { return api.Result{Name: name, Status: status} }
	var failing, flaky []string
	for k, err := range w.operator.Tests(w.acme.ID, w.alpha.ID).All(t.Context(), client.TestFilter{Status: "failed"}) {
		if err != nil {
			t.Fatal(err)
		}
		failing = append(failing, k.Name)
	}
	third := nightly("3", "b", result("steady", "passed"), result("breaks", "passed"))
	var page api.List[api.Test]
	var id string
	for path := "/tests?limit=1&flaky=true&q=BREAK"; path != ""; {
		w.must(t, "GET", w.project(w.alpha)+path, nil, &page)
		for _, k := range page.Items {
			flaky, id = append(flaky, k.Name), k.ID
		}
		if path = ""; page.NextCursor != "" {
			path = "/tests?limit=1&flaky=true&q=BREAK&cursor=" + page.NextCursor
		}
		page = api.List[api.Test]{}
	}
	if diff := cmp.Diff([][]string{{both, "breaks", "broken", "new"}, {"breaks"}}, [][]string{failing, flaky}); diff != "" {
		t.Errorf("failing and flaky tests (-want +got):\n%s", diff)
	}
	var history []string
	path := "/tests/" + id + "/results?limit=2"
	for next := path; next != ""; {
		var page api.List[api.TestResult]
		w.must(t, "GET", w.project(w.alpha)+next, nil, &page)
		for _, p := range page.Items {
			history = append(history, fmt.Sprint(p.RunNumber, p.Status, p.Commit))
		}
		if next = ""; page.NextCursor != "" {
			next = path + "&cursor=" + page.NextCursor
		}
	}
	if diff := cmp.Diff([]string{"4passedb", "3failedb", "2failed", "1passeda"}, history); diff != "" {
		t.Errorf("the history of a test (-want +got):\n%s", diff)
	}
	var runs []int64
	for run, err := range w.runs(w.alpha).All(t.Context(), client.RunFilter{Name: "nightly", Branch: "main"}) {
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run.Number)
	}
	if diff := cmp.Diff([]int64{third.Number, second.Number, first.Number}, runs); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	for filter, want := range map[string]int{"?status=failed": 4, "?status=error": 1, "?matched=true": 3, "?matched=false": 5, "?flaky=true": 0} {
		run := second
		if filter == "?status=error" {
			run = first
		}
		var page api.List[api.RunResult]
		w.must(t, "GET", w.project(w.alpha)+"/runs/"+run.ID+"/results"+filter, nil, &page)
		if filter == "?status=failed" {
			want++ // one result stands for two test cases
		}
		if len(page.Items) != want {
			t.Errorf("results%s: got %d, want %d", filter, len(page.Items), want)
		}
	}
	return third
}
