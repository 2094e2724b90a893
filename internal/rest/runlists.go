package rest

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// testFilters choose tests.
var testFilters = []string{"status", "flaky", "q"}

// testRoutes are those of tests, as their results tell of them.
func (h *handlers) testRoutes() []edge.Route {
	const tests = "/v1/organizations/{organization}/projects/{project}/tests"
	const test = tests + "/{test}"
	return []edge.Route{
		edge.Get(tests, edge.Authenticated, h.listTests).Takes(append([]string{"limit", "cursor"}, testFilters...)...).
			Named("listTests", "List the tests of a project by their classes and names, as their results tell of them. It takes results:read in the project.", credential.Forbidden, credential.NotFound),
		edge.Get(test, edge.Authenticated, h.getTest).
			Named("getTest", "Show a test. It takes results:read in the project.", credential.Forbidden),
		edge.Get(test+"/results", edge.Authenticated, h.listTestResults).Takes("limit", "cursor").
			Named("listTestResults", "List the results of a test, those of the latest run first. It takes results:read in the project.", credential.Forbidden, credential.NotFound),
	}
}

// yesOrNo reads a parameter that is true or false; nil where it isn't given.
func yesOrNo(r *edge.Request, name string) (*bool, error) {
	text := r.Param(name)
	if text == "" {
		return nil, nil
	}
	yes := text == "true"
	if !yes && text != "false" {
		return nil, credential.InvalidField(name, "must be true or false")
	}
	return &yes, nil
}

// onlyTrue reads a parameter that is true where it is given.
func onlyTrue(r *edge.Request, name string) (bool, error) {
	yes, err := yesOrNo(r, name)
	if err == nil && yes != nil && !*yes {
		err = credential.InvalidField(name, "must be true; leave it out for all")
	}
	return yes != nil, err
}

func (h *handlers) listRuns(r *edge.Request, _ edge.None) (out api.List[api.Run], err error) {
	project, err := h.workProject(r)
	if err != nil {
		return out, err
	}
	page, err := h.numbered(r, runFilters...)
	if err != nil {
		return out, err
	}
	q := workspace.RunQuery{Status: r.Param("status"), Name: r.Param("name"), Branch: r.Param("branch"), Commit: r.Param("commit"), Before: page.at, Limit: page.limit + 1}
	if q.Cycle, err = cycleNumber(r.Param("cycle")); err != nil {
		return out, err
	}
	runs, err := h.workspace.Runs(r.Context(), &r.Principal, project, q)
	if err != nil {
		return out, err
	}
	out.Items = make([]api.Run, min(len(runs), page.limit))
	for i := range out.Items {
		out.Items[i] = h.runOf(&runs[i])
	}
	if len(runs) > page.limit {
		out.NextCursor = page.next(runs[page.limit-1].Number)
	}
	return out, nil
}

func (h *handlers) listRunResults(r *edge.Request, _ edge.None) (out api.List[api.RunResult], err error) {
	n, err := h.runIn(r)
	if err != nil {
		return out, err
	}
	page, err := h.numbered(r, resultFilters...)
	if err != nil {
		return out, err
	}
	f := store.ResultFilter{Status: r.Param("status"), From: page.at}
	if f.Matched, err = yesOrNo(r, "matched"); err == nil {
		f.Flaky, err = onlyTrue(r, "flaky")
	}
	if err != nil {
		return out, err
	}
	results, err := h.workspace.RunResults(r.Context(), &r.Principal, n, f, page.limit+1)
	if err != nil {
		return out, err
	}
	out.Items = make([]api.RunResult, min(len(results), page.limit))
	for i := range out.Items {
		out.Items[i] = resultOf(&results[i])
	}
	if len(results) > page.limit {
		out.NextCursor = page.next(results[page.limit].Position)
	}
	return out, nil
}

// resultOf shows a stored result.
func resultOf(r *store.TestResult) api.RunResult {
	out := api.RunResult{Position: r.Position, Test: idText(r.Test), Retried: r.Retried, Result: api.Result{
		Name: r.Name, Class: r.Class, Suite: r.Suite, File: r.File, Line: r.Line, CodeRef: r.CodeRef, Status: workspace.ResultStatus(r.Status, r.Error), Flaky: r.Flaky, Attempt: r.Attempt,
		DurationMs: r.Duration.Milliseconds(), Message: r.Message, Detail: r.Detail, Attachments: r.Attachments,
	}}
	if r.CaseNumber != 0 {
		out.Case = "TC-" + strconv.FormatInt(r.CaseNumber, 10)
	}
	for _, p := range r.Properties {
		out.Properties = append(out.Properties, api.Property(p))
	}
	return out
}

func (h *handlers) getRunChanges(r *edge.Request, _ edge.None) (out api.RunChanges, err error) {
	n, err := h.runIn(r)
	if err != nil {
		return out, err
	}
	changes, err := h.workspace.Changes(r.Context(), &r.Principal, n)
	if err != nil {
		return out, err
	}
	out = api.RunChanges{NewlyFailing: changed(changes.NewlyFailing), StillFailing: changed(changes.StillFailing), Fixed: changed(changes.Fixed), New: changes.New, Missing: changes.Missing}
	if changes.Since != nil {
		since := h.runOf(changes.Since)
		out.Since = &since
	}
	return out, nil
}

func changed(list []store.Changed) []api.TestChange {
	out := make([]api.TestChange, len(list))
	for i, c := range list {
		out[i] = api.TestChange{Test: c.Test.String(), Name: c.Name, Class: c.Class, Message: c.Message, Flaky: c.Flaky}
	}
	return out
}

func (h *handlers) addRunFilesRoute(pattern string) edge.Route {
	in := edge.Intake{Fields: small, Admit: func(r *edge.Request) error {
		n, err := h.runIn(r)
		if err != nil {
			return err
		}
		return h.workspace.MayAddRunFiles(r.Context(), &r.Principal, n)
	}}
	if h.workspace != nil { // which a table of routes alone has not
		in.Files = h.workspace.Files()
	}
	return edge.Uploads(pattern, edge.Authenticated, in, h.addRunFiles).Creates().
		Named("addRunFiles", "Keep files with a test run: up to ten in parts of the name file, as multipart/form-data. The same file again is there once. Credentials of this server in them are taken out. It takes results:write in the project.", credential.Forbidden, credential.LimitReached, credential.TooLarge)
}

func (h *handlers) addRunFiles(r *edge.Request, u *edge.Upload) (out api.RunFiles, err error) {
	n, err := h.runIn(r)
	if err != nil {
		return out, err
	}
	var files []workspace.ResultFile
	for _, f := range u.Files {
		if f.Field == "file" {
			files = append(files, workspace.ResultFile{Name: f.Name, File: f.Staged})
		}
	}
	return runFilesOf(h.workspace.AddRunFiles(r.Context(), &r.Principal, n, files))
}

func (h *handlers) listRunFiles(r *edge.Request, _ edge.None) (out api.RunFiles, err error) {
	n, err := h.runIn(r)
	if err != nil {
		return out, err
	}
	return runFilesOf(h.workspace.FilesOfRun(r.Context(), &r.Principal, n))
}

func runFilesOf(files []store.Artifact, err error) (api.RunFiles, error) {
	if err != nil {
		return api.RunFiles{}, err
	}
	out := api.RunFiles{Items: make([]api.RunFile, len(files))}
	for i, f := range files {
		out.Items[i] = api.RunFile{Number: f.Number, Name: f.Name, Format: f.Kind, Type: f.Type, Bytes: f.Size, SHA256: hex.EncodeToString(f.Sum[:]), CreatedAt: f.CreatedAt}
	}
	return out, nil
}

func (h *handlers) openRunFile(r *edge.Request, _ edge.None) (out edge.File, err error) {
	n, err := h.runIn(r)
	if err != nil {
		return out, err
	}
	number, ok := authority.ParseNumber(r.PathValue("file"), "")
	if !ok {
		return out, credential.Errorf(credential.NotFound, "no such file")
	}
	a, content, err := h.workspace.OpenFileOfRun(r.Context(), &r.Principal, n, number)
	if err != nil {
		return out, err
	}
	return edge.FileOf(a, content), nil
}

func (h *handlers) listTests(r *edge.Request, _ edge.None) (out api.List[api.Test], err error) {
	project, err := h.workProject(r)
	if err != nil {
		return out, err
	}
	page, err := h.page(r, testFilters...)
	if err != nil {
		return out, err
	}
	f := store.TestFilter{Status: r.Param("status"), Text: r.Param("q"), After: page.after}
	if f.Flaky, err = onlyTrue(r, "flaky"); err != nil {
		return out, err
	}
	tests, err := h.workspace.Tests(r.Context(), &r.Principal, project, f, page.limit+1)
	if err != nil {
		return out, err
	}
	return paged(page, tests, testOf, func(t api.Test) string { return t.ID }), nil
}

func testOf(k store.KnownTest) api.Test {
	return api.Test{
		ID: k.ID.String(), Name: k.Name, Class: k.Class, CodeRef: k.CodeRef, Status: workspace.ResultStatus(k.Status, k.Error), Flaky: !k.FlakySince.IsZero(), FlakySince: instant(k.FlakySince),
		DurationMs: k.Duration.Milliseconds(), Results: k.Results, FirstSeen: k.FirstSeen, LastSeen: k.LastSeen,
	}
}

// testIn reads which test the path names.
func (h *handlers) testIn(r *edge.Request) (project store.ProjectRef, id uuid.UUID, err error) {
	if project, err = h.workProject(r); err == nil {
		id, err = idOf(r.PathValue("test"), "test")
	}
	return project, id, err
}

func (h *handlers) getTest(r *edge.Request, _ edge.None) (out api.Test, err error) {
	project, id, err := h.testIn(r)
	if err != nil {
		return out, err
	}
	k, err := h.workspace.KnownTest(r.Context(), &r.Principal, project, id)
	if err != nil {
		return out, err
	}
	return testOf(*k), nil
}

func (h *handlers) listTestResults(r *edge.Request, _ edge.None) (out api.List[api.TestResult], err error) {
	project, id, err := h.testIn(r)
	if err != nil {
		return out, err
	}
	q := workspace.HistoryQuery{}
	most, err := limit(r)
	if err != nil {
		return out, err
	}
	c := h.cursors(r, nil)
	if text := r.Param("cursor"); text != "" {
		raw, err := c.read(text)
		if err != nil || len(raw) != len(q.Before.Run)+8 {
			return out, wrongCursor()
		}
		q.Before = store.PastBefore{Run: uuid.UUID(raw[:16]), Position: int64(binary.BigEndian.Uint64(raw[16:]))}
	}
	q.Limit = most + 1
	list, err := h.workspace.History(r.Context(), &r.Principal, project, id, q)
	if err != nil {
		return out, err
	}
	out.Items = make([]api.TestResult, min(len(list), most))
	for i := range out.Items {
		p := &list[i]
		out.Items[i] = api.TestResult{Run: p.Run.String(), RunNumber: p.RunNumber, Position: p.Position, Status: workspace.ResultStatus(p.Status, p.Error), Flaky: p.Flaky,
			Commit: p.Commit, Branch: p.Branch, DurationMs: p.Duration.Milliseconds(), Message: p.Message, At: p.At}
	}
	if len(list) > most {
		last := list[most-1]
		out.NextCursor = c.write(binary.BigEndian.AppendUint64(last.Run[:], uint64(last.Position)))
	}
	return out, nil
}
