package testkase

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// report is an upload of results.
type report struct {
	RunKey          string   `json:"runKey"`
	Attempt         int      `json:"attempt"`
	BuildID         string   `json:"buildId"`
	ReportSkippedAs string   `json:"reportSkippedAs"`
	Results         []result `json:"results"`
}

type result struct {
	Name       string `json:"name"`
	ClassName  string `json:"className"`
	Status     string `json:"status"`
	DurationMs int64  `json:"durationMs"`
	Message    string `json:"message"`
}

// reported is what came of an upload.
type reported struct {
	RunID     string      `json:"runId"`
	CycleID   string      `json:"cycleId"`
	Summary   summary     `json:"summary"`
	Matched   int64       `json:"matched"`
	Unmatched []unmatched `json:"unmatched"`
	Warnings  []string    `json:"warnings"`
	URL       string      `json:"url"`
}

type summary struct {
	Total   int64 `json:"total"`
	Passed  int64 `json:"passed"`
	Failed  int64 `json:"failed"`
	Blocked int64 `json:"blocked"`
	Skipped int64 `json:"skipped"`
}

type unmatched struct {
	Name string `json:"name"`
}

// reportAnswer is the answer to an upload: 200 where it was stored before.
type reportAnswer struct {
	Data     reported `json:"data"`
	repeated bool
}

// StatusCode is the status of the answer.
func (a reportAnswer) StatusCode() int {
	if a.repeated {
		return http.StatusOK
	}
	return http.StatusCreated
}

// meta says in a form what report says in JSON, beside the files that hold the
// results. What stands in ci is for people: it is kept and shown.
type meta struct {
	Format          string         `json:"format"`
	RunKey          string         `json:"runKey"`
	Attempt         int            `json:"attempt"`
	BuildID         string         `json:"buildId"`
	ReportSkippedAs string         `json:"reportSkippedAs"`
	CI              jsontext.Value `json:"ci"`
}

// reportRoute takes results as JSON, or as the files of test programs.
func (h *handlers) reportRoute(pattern string) edge.Route {
	in := edge.Intake{Files: h.workspace.Files(), Admit: func(r *edge.Request) error {
		n, err := h.cycle(r)
		if err != nil {
			return err
		}
		return h.workspace.MayReport(r.Context(), &r.Principal, n)
	}}
	route := edge.Uploads(pattern, edge.Authenticated, in, h.report)
	route.MaxBody = mostResults
	return route
}

func (h *handlers) report(r *edge.Request, u *edge.Upload) (reportAnswer, error) {
	n, err := h.cycle(r)
	if err != nil {
		return reportAnswer{}, err
	}
	req, err := reportIn(r, u)
	if err != nil {
		return reportAnswer{}, err
	}
	done, err := h.workspace.ReportResults(r.Context(), &r.Principal, n, req)
	if err != nil {
		return reportAnswer{}, err
	}
	out := reported{
		RunID: done.Run.ID.String(), CycleID: id("TCYCLE-", done.Cycle.Number), Summary: summaryOf(done.Run), Matched: done.Run.Matched,
		Unmatched: make([]unmatched, len(done.Unmatched)), Warnings: []string{},
		URL: h.runURL(r, done.Cycle.Number, done.Run.ID, ""),
	}
	for i, u := range done.Unmatched {
		out.Unmatched[i] = unmatched{u.Name}
	}
	return reportAnswer{out, done.Repeated}, nil
}

// runURL is the address of an upload, or of something below it.
func (h *handlers) runURL(r *edge.Request, cycle int64, run uuid.UUID, below string) string {
	return h.authority.Issuer() + cycles + "/" + id("TCYCLE-", cycle) + "/results/" + run.String() + below + "?projectId=" + r.Param("projectId")
}

// reportIn reads an upload: a JSON object, or a form whose part meta is one.
func reportIn(r *edge.Request, u *edge.Upload) (req workspace.ReportRequest, err error) {
	if !u.IsJSON() {
		return filesIn(r, u)
	}
	var in report
	if err := u.Decode(&in); err != nil {
		return req, err
	}
	req = workspace.ReportRequest{Build: in.BuildID, SkippedAs: skippedAs(in.ReportSkippedAs), Key: in.RunKey, Attempt: in.Attempt, Body: r.Body(), Repeat: r.Repeat(),
		Results: make([]store.TestResult, len(in.Results))}
	for i, t := range in.Results {
		req.Results[i] = store.TestResult{Name: t.Name, Class: t.ClassName, Status: statusOf(t.Status), Duration: ms(t.DurationMs), Message: t.Message}
	}
	return req, nil
}

// filesIn reads a form with files. What tells it from others is meta, and what
// is in the files.
func filesIn(r *edge.Request, u *edge.Upload) (req workspace.ReportRequest, err error) {
	if len(u.Files) == 0 {
		return req, credential.InvalidField("file", "send the files of results in parts of this name, as multipart/form-data, or results as JSON")
	}
	text := u.Form.Get("meta")
	if text == "" {
		return req, credential.InvalidField("meta", `send a part of this name with a JSON object, such as {"format":"junit"}`)
	}
	var in meta
	if err := edge.JSON([]byte(text)).Decode(&in); err != nil {
		return req, err
	}
	req = workspace.ReportRequest{Format: in.Format, CI: string(in.CI), Build: in.BuildID, SkippedAs: skippedAs(in.ReportSkippedAs), Key: in.RunKey, Attempt: in.Attempt,
		Body: []byte(text), Repeat: r.Repeat()}
	for _, f := range u.Files {
		req.Files = append(req.Files, workspace.ResultFile{Name: f.Name, File: f.Staged})
		req.Body = append(req.Body, f.Sum[:]...)
	}
	return req, nil
}

// skippedAs is what the workspace calls that skipped results are let be.
func skippedAs(word string) string {
	if word == "ignore" {
		return "ignored"
	}
	return word
}

func summaryOf(run *store.TestRun) summary {
	n := run.Counts
	return summary{n.Total, n.Passed, n.Failed, n.Blocked, n.Skipped}
}

// run is an upload with a part of its results.
type run struct {
	RunID     string      `json:"runId"`
	BuildID   string      `json:"buildId"`
	RunKey    string      `json:"runKey"`
	Attempt   int         `json:"attempt"`
	Summary   summary     `json:"summary"`
	Matched   int64       `json:"matched"`
	CreatedAt time.Time   `json:"createdAt"`
	CI        any         `json:"ci"`
	Files     []runFile   `json:"files"`
	From      int         `json:"from"`
	Results   []runResult `json:"results"`
}

// runFile is a file that results came in.
type runFile struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Format string `json:"format"`
	Size   int64  `json:"size"`
	URL    string `json:"url"`
}

type runResult struct {
	TestCase *string `json:"testCase"`
	result
}

func (h *handlers) getRun(r *edge.Request, _ edge.None) (one[run], error) {
	n, err := h.cycle(r)
	if err != nil {
		return one[run]{}, err
	}
	part := workspace.RunPart{}
	if part.From, err = r.Number("from", edge.Span{Otherwise: 0, Least: 0, Most: 1_000_000}); err == nil {
		part.Limit, err = r.Number("limit", edge.Span{Otherwise: edge.DefaultPage, Least: 1, Most: edge.MaxPage})
	}
	if err != nil {
		return one[run]{}, err
	}
	if part.Run, err = runIn(r); err != nil {
		return one[run]{}, err
	}
	found, results, err := h.workspace.TestRun(r.Context(), &r.Principal, n, part)
	if err != nil {
		return one[run]{}, err
	}
	files, err := h.workspace.RunFiles(r.Context(), &r.Principal, n, part.Run)
	if err != nil {
		return one[run]{}, err
	}
	out := run{RunID: found.ID.String(), BuildID: found.Build, RunKey: found.Key, Attempt: found.Attempt, Summary: summaryOf(found), Matched: found.Matched,
		CreatedAt: found.CreatedAt, Files: make([]runFile, len(files)), From: part.From, Results: make([]runResult, len(results))}
	for i, f := range files {
		out.Files[i] = runFile{f.Number, f.Name, f.Kind, f.Size, h.runURL(r, n.Number, part.Run, "/files/"+strconv.FormatInt(f.Number, 10))}
		if detail := jsontext.Value(f.Detail); detail.IsValid() && len(detail) > len("{}") {
			out.CI = detail
		}
	}
	for i, t := range results {
		out.Results[i].result = result{t.Name, t.Class, cmp.Or(statusWords[t.Status], "Ignored"), t.Duration.Milliseconds(), t.Message}
		if t.CaseNumber != 0 {
			text := id("TC-", t.CaseNumber)
			out.Results[i].TestCase = &text
		}
	}
	return one[run]{out}, nil
}

// runIn reads the id of an upload in the path.
func runIn(r *edge.Request) (uuid.UUID, error) {
	run, err := authority.ParseID(r.PathValue("run"))
	if err != nil {
		return run, credential.Errorf(credential.NotFound, "no such test run")
	}
	return run, nil
}

// openFile hands out a file that results came in.
func (h *handlers) openFile(r *edge.Request, _ edge.None) (out edge.File, err error) {
	n, err := h.cycle(r)
	if err != nil {
		return out, err
	}
	run, err := runIn(r)
	if err != nil {
		return out, err
	}
	number, ok := authority.ParseNumber(r.PathValue("file"), "")
	if !ok {
		return out, credential.Errorf(credential.NotFound, "no such file")
	}
	a, content, err := h.workspace.OpenRunFile(r.Context(), &r.Principal, n, run, number)
	if err != nil {
		return out, err
	}
	return edge.FileOf(a, content), nil
}
