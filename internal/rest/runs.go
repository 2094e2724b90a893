package rest

import (
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// batchBody bounds a batch of results in bytes, packed and unpacked.
const batchBody = 4 << 20

// runFilters choose runs, resultFilters results of one.
var (
	runFilters    = []string{"status", "branch", "commit", "name", "cycle"}
	resultFilters = []string{"status", "matched", "flaky"}
)

// runRoutes are those of test runs. Any credential may ask; what it may do in
// the project is looked up there.
func (h *handlers) runRoutes() []edge.Route {
	const runs = "/v1/organizations/{organization}/projects/{project}/runs"
	const run, upload = runs + "/{run}", runs + "/{run}/uploads/{upload}"
	return []edge.Route{
		edge.Post(runs, edge.Authenticated, small, h.startRun).OrFinds().Shown(nil, api.Run{}).
			Named("startRun", "Begin a test run, or find the one that has the key: 201 or 200. It takes results:write in the project.", credential.Forbidden, credential.NotFound, credential.Conflict),
		edge.Put(upload, edge.Authenticated, large, h.declareUpload).
			Named("declareUpload", "Say what one upload to a run holds. The same again answers which batches of it are missing. It takes results:write in the project.", credential.Forbidden, credential.LimitReached),
		edge.Put(upload+"/batches/{batch}", edge.Authenticated, batchBody, h.storeBatch).Unpacks().Shown(nil, api.StoredBatch{}).
			Named("storeBatch", "Store a batch of results, once: the same again changes nothing. The body may come with Content-Encoding: gzip. It takes results:write in the project.", credential.Forbidden, credential.UnsupportedMedia),
		edge.Get(run, edge.Authenticated, h.getRun).
			Named("getRun", "Show a test run with its uploads, by its id or its number. It takes results:read in the project.", credential.Forbidden),
		edge.Get(runs, edge.Authenticated, h.listRuns).Takes(append([]string{"limit", "cursor"}, runFilters...)...).
			Named("listRuns", "List the test runs of a project, the latest first. It takes results:read in the project.", credential.Forbidden, credential.NotFound),
		edge.Get(run+"/results", edge.Authenticated, h.listRunResults).Takes(append([]string{"limit", "cursor"}, resultFilters...)...).
			Named("listRunResults", "List the results of a test run, in their order. It takes results:read in the project.", credential.Forbidden, credential.NotFound),
		edge.Get(run+"/changes", edge.Authenticated, h.getRunChanges).
			Named("getRunChanges", "Show what a run changed, compared with the last complete one before it of the same name on the same branch. It takes results:read in the project.", credential.Forbidden),
		h.addRunFilesRoute(run + "/files"),
		edge.Get(run+"/files", edge.Authenticated, h.listRunFiles).
			Named("listRunFiles", "List the files that are kept with a test run. It takes results:read in the project.", credential.Forbidden),
		edge.Get(run+"/files/{file}", edge.Authenticated, h.openRunFile).
			Named("getRunFile", "Fetch a file that is kept with a test run, by its number. It takes results:read in the project.", credential.Forbidden),
	}
}

// workProject finds the project in the path, whatever may be done there.
func (h *handlers) workProject(r *edge.Request) (store.ProjectRef, error) {
	organization, err := h.organization(r)
	if err != nil {
		return store.ProjectRef{}, err
	}
	ref, err := parseProject("project", r.PathValue("project"))
	if err != nil {
		return ref, credential.Errorf(credential.NotFound, "no such project")
	}
	return h.workspace.ProjectWithin(r.Context(), &r.Principal, organization, ref)
}

// runIn reads which run the path names.
func (h *handlers) runIn(r *edge.Request) (n workspace.RunRef, err error) {
	if n.Project, err = h.workProject(r); err != nil {
		return n, err
	}
	text := r.PathValue("run")
	if number, ok := authority.ParseNumber(text, ""); ok {
		n.Number = number
		return n, nil
	}
	if n.ID, err = authority.ParseID(text); err != nil {
		return n, credential.Errorf(credential.NotFound, "no such test run")
	}
	return n, nil
}

// startedRun is a run in the answer to who began it, or found it.
type startedRun struct {
	api.Run
	made bool
}

// StatusCode is the status of the answer.
func (s startedRun) StatusCode() int {
	if s.made {
		return http.StatusCreated
	}
	return http.StatusOK
}

func (h *handlers) startRun(r *edge.Request, in api.StartRun) (out startedRun, err error) {
	project, err := h.workProject(r)
	if err != nil {
		return out, err
	}
	req := workspace.RunRequest{Key: in.Key, Name: in.Name, Build: in.Build, Commit: in.Commit, Branch: in.Branch, SkippedAs: in.SkippedAs, Shards: in.Shards}
	if req.Cycle, err = cycleNumber(in.Cycle); err != nil {
		return out, err
	}
	if in.CI != nil {
		req.CI = store.RunCI(*in.CI)
	}
	run, made, err := h.workspace.StartRun(r.Context(), &r.Principal, project, req)
	if err != nil {
		return out, err
	}
	return startedRun{h.runOf(run), made}, nil
}

// cycleNumber reads how a test cycle is named; empty is 0.
func cycleNumber(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, ok := authority.ParseNumber(text, "TCYCLE-")
	if !ok {
		return 0, credential.InvalidField("cycle", "name the test cycle as TCYCLE-…")
	}
	return n, nil
}

func (h *handlers) declareUpload(r *edge.Request, in api.DeclareUpload) (out api.Upload, err error) {
	n, err := h.runIn(r)
	if err != nil {
		return out, err
	}
	req := workspace.UploadRequest{Name: r.PathValue("upload"), Digest: in.Digest, Batches: in.Batches, SuiteErrors: in.SuiteErrors, Files: make([]store.RunUploadFile, len(in.Files))}
	for i, f := range in.Files {
		req.Files[i] = store.RunUploadFile(f)
	}
	piece, err := h.workspace.DeclareUpload(r.Context(), &r.Principal, n, req)
	if err != nil {
		return out, err
	}
	return uploadOf(&piece), nil
}

func (h *handlers) storeBatch(r *edge.Request, in api.ResultBatch) (out api.StoredBatch, err error) {
	n, err := h.runIn(r)
	if err != nil {
		return out, err
	}
	number, ok := authority.ParseNumber(r.PathValue("batch"), "")
	if !ok {
		return out, credential.Errorf(credential.NotFound, "no such batch: they are counted from 1")
	}
	req := workspace.BatchRequest{Upload: r.PathValue("upload"), Number: int(number), Body: r.Body(), Results: make([]store.TestResult, len(in.Results))}
	for i := range in.Results {
		req.Results[i] = resultIn(&in.Results[i])
	}
	run, repeated, err := h.workspace.StoreBatch(r.Context(), &r.Principal, n, req)
	if err != nil {
		return out, err
	}
	return api.StoredBatch{Repeated: repeated, Run: h.runOf(run)}, nil
}

func (h *handlers) getRun(r *edge.Request, _ edge.None) (out api.Run, err error) {
	n, err := h.runIn(r)
	if err != nil {
		return out, err
	}
	run, pieces, err := h.workspace.ReportedRun(r.Context(), &r.Principal, n)
	if err != nil {
		return out, err
	}
	out = h.runOf(run)
	for i := range pieces {
		out.Uploads = append(out.Uploads, uploadOf(&pieces[i]))
	}
	return out, nil
}

// runOf shows a run.
func (h *handlers) runOf(r *store.TestRun) api.Run {
	out := api.Run{
		ID: r.ID.String(), Number: r.Number, Key: r.Shared, Name: r.Name, Cycle: "TCYCLE-" + strconv.FormatInt(r.CycleNumber, 10), Source: r.Source,
		Status: workspace.RunStatus(r, h.authority.Now()), Build: r.Build, Commit: r.Commit, Branch: r.Branch,
		Counts: api.RunCounts{Total: r.Counts.Total, Passed: r.Counts.Passed, Failed: r.Counts.Failed - r.Errors, Errors: r.Errors, Skipped: r.Counts.Skipped, Blocked: r.Counts.Blocked,
			Ignored: r.Ignored(), Flaky: r.Flaky},
		Matched: r.Matched, SuiteErrors: r.SuiteErrors, Redacted: r.Redacted, Shards: r.Shards, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, FinishedAt: instant(r.FinishedAt),
	}
	if out.Key == "" {
		out.Key = r.Key
	}
	if r.CI != (store.RunCI{}) {
		ci := api.CI(r.CI)
		out.CI = &ci
	}
	return out
}

func uploadOf(u *workspace.RunPiece) api.Upload {
	out := api.Upload{Name: u.Name, Digest: hex.EncodeToString(u.Digest), Batches: u.Batches, Missing: u.Missing, Complete: u.Complete(), SuiteErrors: u.SuiteErrors}
	for _, f := range u.Files {
		out.Files = append(out.Files, api.UploadedFile(f))
	}
	return out
}

// resultIn reads a result as it is reported.
func resultIn(in *api.Result) store.TestResult {
	out := store.TestResult{
		Name: in.Name, Class: in.Class, Suite: in.Suite, File: in.File, Line: in.Line, CodeRef: in.CodeRef, Status: in.Status, Flaky: in.Flaky, Attempt: in.Attempt,
		Duration: milliseconds(in.DurationMs), Message: in.Message, Detail: in.Detail, Attachments: in.Attachments,
	}
	for _, p := range in.Properties {
		out.Properties = append(out.Properties, store.TestProperty(p))
	}
	return out
}

// milliseconds is a length of time as it comes; one that is too long for any
// stays too long.
func milliseconds(n int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Millisecond)
	return time.Duration(max(min(n, most), -most)) * time.Millisecond
}

// numbered is where a list goes on that is sorted by numbers.
type numbered struct {
	limit int
	at    int64 // where it goes on; 0 is at the beginning
	next  func(at int64) string
}

// numbered reads limit and cursor of a list that is sorted by numbers.
func (h *handlers) numbered(r *edge.Request, filters ...string) (p numbered, err error) {
	if p.limit, err = limit(r); err != nil {
		return p, err
	}
	c := h.cursors(r, filters)
	p.next = func(at int64) string { return c.write(binary.BigEndian.AppendUint64(nil, uint64(at))) }
	if text := r.Param("cursor"); text != "" {
		raw, err := c.read(text)
		if err != nil || len(raw) != 8 {
			return p, wrongCursor()
		}
		p.at = int64(binary.BigEndian.Uint64(raw))
	}
	return p, nil
}

// idOf is a UUID in a path; one that is none names nothing.
func idOf(text, noun string) (uuid.UUID, error) {
	id, err := authority.ParseID(text)
	if err != nil {
		return id, credential.Errorf(credential.NotFound, "no such %s", noun)
	}
	return id, nil
}
