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

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
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
