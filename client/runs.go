package client

import (
	"bytes"
	"context"
	"io"
	"iter"
	"mime/multipart"
	"net/http"
	"strconv"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Runs are the calls about the test runs of a project. A run is named by its id
// or by its number.
type Runs struct {
	c    *Client
	path []string
}

// Runs returns the calls about the test runs of a project, which is named by its
// UUID, its pr-… or its PRJ-….
func (c *Client) Runs(organization, project string) Runs {
	return Runs{c, []string{"organizations", organization, "projects", project, "runs"}}
}

// below is the path of something of the runs.
func (s Runs) below(segments ...string) []string {
	return append(s.path[:len(s.path):len(s.path)], segments...)
}

// Start begins a run, or finds the one that has the key: it may be repeated.
func (s Runs) Start(ctx context.Context, in api.StartRun) (api.Run, error) {
	return ask[api.Run](ctx, s.c, post(s.path...).with(in, ""))
}

// Declare says what an upload to a run holds, and returns what is missing of it.
func (s Runs) Declare(ctx context.Context, run, upload string, in api.DeclareUpload) (api.Upload, error) {
	return ask[api.Upload](ctx, s.c, to(http.MethodPut, s.below(run, "uploads", upload)...).with(in, ""))
}

// Store stores a batch of the results of an upload, from 1 on, once.
func (s Runs) Store(ctx context.Context, run, upload string, batch int, in api.ResultBatch) (api.StoredBatch, error) {
	return ask[api.StoredBatch](ctx, s.c, to(http.MethodPut, s.below(run, "uploads", upload, "batches", strconv.Itoa(batch))...).with(in, ""))
}

// RunFilter chooses runs. What is empty chooses all.
type RunFilter struct{ Status, Branch, Commit, Name, Cycle string }

// All goes through the runs, the latest first.
func (s Runs) All(ctx context.Context, f RunFilter) iter.Seq2[api.Run, error] {
	return all(ctx, s.c, listing{s.path, []string{"status", f.Status, "branch", f.Branch, "commit", f.Commit, "name", f.Name, "cycle", f.Cycle}}, byCursor[api.Run])
}

// Get returns a run with its uploads.
func (s Runs) Get(ctx context.Context, run string) (api.Run, error) {
	return ask[api.Run](ctx, s.c, get(s.below(run)...))
}

// ResultFilter chooses results of a run. What is empty chooses all.
type ResultFilter struct {
	Status  string
	Matched *bool // whether they stand for a test case
	Flaky   bool
}

// Results goes through the results of a run, in their order.
func (s Runs) Results(ctx context.Context, run string, f ResultFilter) iter.Seq2[api.RunResult, error] {
	filters := []string{"status", f.Status}
	if f.Matched != nil {
		filters = append(filters, "matched", strconv.FormatBool(*f.Matched))
	}
	if f.Flaky {
		filters = append(filters, "flaky", "true")
	}
	return all(ctx, s.c, listing{s.below(run, "results"), filters}, byCursor[api.RunResult])
}

// Changes returns what a run changed.
func (s Runs) Changes(ctx context.Context, run string) (api.RunChanges, error) {
	return ask[api.RunChanges](ctx, s.c, get(s.below(run, "changes")...))
}

// AddFile keeps a file with a run: the same one is there once.
func (s Runs) AddFile(ctx context.Context, run, name string, content []byte) (api.RunFiles, error) {
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	part, err := parts.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = parts.Close()
	}
	if err != nil {
		return api.RunFiles{}, err
	}
	call := post(s.below(run, "files")...)
	call.Body = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(form.Bytes())), nil }
	call.Type, call.Length = parts.FormDataContentType(), int64(form.Len())
	return ask[api.RunFiles](ctx, s.c, call)
}

// Files returns what is kept with a run.
func (s Runs) Files(ctx context.Context, run string) (api.RunFiles, error) {
	return ask[api.RunFiles](ctx, s.c, get(s.below(run, "files")...))
}

// OpenFile fetches a file of a run by its number. Whoever reads it closes it.
func (s Runs) OpenFile(ctx context.Context, run string, number int64) (io.ReadCloser, error) {
	return s.c.Open(ctx, get(s.below(run, "files", strconv.FormatInt(number, 10))...))
}

// Tests are the calls about the tests of a project, as results tell of them.
type Tests struct {
	c    *Client
	path []string
}

// Tests returns the calls about the tests of a project.
func (c *Client) Tests(organization, project string) Tests {
	return Tests{c, []string{"organizations", organization, "projects", project, "tests"}}
}

// TestFilter chooses tests. What is empty chooses all.
type TestFilter struct {
	Status string
	Flaky  bool
	Text   string // stands in the name or the class
}

// All goes through the tests by their classes and names.
func (s Tests) All(ctx context.Context, f TestFilter) iter.Seq2[api.Test, error] {
	filters := []string{"status", f.Status, "q", f.Text}
	if f.Flaky {
		filters = append(filters, "flaky", "true")
	}
	return all(ctx, s.c, listing{s.path, filters}, byCursor[api.Test])
}

// Get returns a test.
func (s Tests) Get(ctx context.Context, test string) (api.Test, error) {
	return ask[api.Test](ctx, s.c, get(append(s.path[:len(s.path):len(s.path)], test)...))
}

// Results goes through the results of a test, those of the latest run first.
func (s Tests) Results(ctx context.Context, test string) iter.Seq2[api.TestResult, error] {
	return all(ctx, s.c, listing{path: append(s.path[:len(s.path):len(s.path)], test, "results")}, byCursor[api.TestResult])
}
