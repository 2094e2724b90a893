// Package betatesting serves the documented HTTP surface of BetaTesting: tests,
// which are campaigns with people of outside, their testers and issues, and the
// webhooks that are told of them.
//
// It hides that service's shapes and words: data and meta, error codes, ids
// that are numbers. It decides nothing; every call goes to the workspace, or for
// webhooks to the authority.
package betatesting

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

const (
	prefix = "/api/external/v2/"
	// most bounds a body in bytes: the longest description fits into it.
	most = 128 << 10
)

// handlers answers BetaTesting's routes.
type handlers struct {
	authority *authority.Authority
	workspace *workspace.Workspace
}

// Surface returns BetaTesting's routes, but for its token endpoint, which is
// one of package oauth.
func Surface(a *authority.Authority, w *workspace.Workspace) *edge.Surface {
	h := &handlers{a, w}
	return &edge.Surface{Routes: h.routes(), Prefix: prefix, Present: edge.FromHeaders, WriteError: writeError, Takes: ours, Error: problem{}, Nulls: true}
}

// ours are the credentials that this surface takes: API clients, of which one
// kind presents its access tokens.
func ours(s *credential.Scheme) bool {
	return s.Name == "betatesting_static" || s.Name == "betatesting_client"
}

// The scopes of BetaTesting, one of which each route needs.
const (
	apiRead  credential.Permission = "api:read"
	apiWrite credential.Permission = "api:write"
)

func (h *handlers) routes() []edge.Route {
	const tests, test, testers = prefix + "tests", prefix + "tests/{test}", prefix + "tests/{test}/testers"
	read, write := edge.Needs(apiRead), edge.Needs(apiWrite)
	return slices.Concat([]edge.Route{
		edge.Get(tests, read, h.listTests).Takes("status", "page", "limit").
			Named("listTests", "List the tests, the newest first."),
		edge.Get(test, read, h.getTest).
			Named("getTest", "Show a test."),
		edge.Post(tests, write, most, h.createTest).Creates().
			Named("createTest", "Make a test, which begins as a draft.", credential.InProgress).
			Example(`{"name":"Space Game, second hour","description":"Play on, and tell us what you think."}`),
		edge.Patch(test, write, most, h.updateTest).
			Named("updateTest", "Change what is said of a test: what the body names, and nothing else. A date of null is taken away.").
			Example(`{"startsAt":"2030-01-31","endsAt":"2030-02-14T18:00:00Z"}`),
		edge.Post(test+"/copy", write, 0, h.copyTest).Creates().
			Named("copyTest", "Make a draft of what a test says, without its dates and its testers.", credential.InProgress),
		edge.Post(test+"/stage", write, most, h.stageTest).
			Named("stageTest", "Launch, pause, resume, complete or close a test.", credential.InProgress).
			Example(`{"stage":"pause"}`),
		edge.Get(testers, read, h.listTesters).Takes("status", "search", "page", "limit").
			Named("listTesters", "List the testers of a test in the order in which they came."),
		edge.Get(testers+"/{tester}", read, h.getTester).
			Named("getTester", "Show a tester of a test."),
		edge.Get(test+"/complete-testers", read, h.completeTesters).Takes("search", "page", "limit").
			Named("listCompleteTesters", "List the testers who are done."),
		edge.Post(testers, write, most, h.addTester).Creates().
			Named("addTester", "Bring somebody to a test, who waits to be accepted.", credential.InProgress).
			Example(`{"email":"edsger@testers.test","name":"Edsger"}`),
		edge.Post(testers+"/accept", write, most, h.acceptTesters).
			Named("acceptTesters", "Let testers take part who wait for it.", credential.InProgress).
			Example(`{"testerIds":[3]}`),
		edge.Post(testers+"/mark-complete", write, most, h.markComplete).
			Named("markTestersComplete", "Mark testers as done.", credential.InProgress).
			Example(`{"testerIds":[3]}`),
		edge.Post(testers+"/message", write, most, h.messageTesters).
			Named("messageTesters", "Write a mail to testers.", credential.InProgress).
			Example(`{"testerIds":[3],"message":"Thank you for playing."}`),
		edge.Delete(testers+"/{tester}", write, h.removeTester).
			Named("removeTester", "Take a tester out of a test. They stay to be seen as removed."),
	}, h.issueRoutes(test), h.webhookRoutes())
}

// problem is the body of an error.
type problem struct {
	Error   string            `json:"error"`
	Message string            `json:"message"`
	Fields  map[string]string `json:"fields,omitempty" doc:"what is wrong, by the name of the field"`
}

// codes are BetaTesting's words for decisions and errors whose own words differ.
var codes = map[string]string{
	string(credential.CodeScope):   "insufficient_scope",
	string(credential.CodeAddress): "ip_not_allowed",
	string(credential.CodeBudget):  "rate_limited",
	string(credential.Invalid):     "validation_failed",
}

// writeError shapes an error.
func writeError(w http.ResponseWriter, f edge.Failure, requestID string) {
	p := problem{Error: codeOf(f), Message: f.Detail}
	switch {
	case f.Field != "":
		p.Message, p.Fields = f.Field+": "+f.Detail, map[string]string{f.Field: f.Detail}
	case f.Denied != nil && f.Denied.Code == credential.CodeScope:
		p.Message = "this needs the scope " + string(f.Denied.Permission)
	case f.Status == http.StatusInternalServerError:
		p.Message += " " + requestID
	}
	body, err := json.Marshal(p)
	if err != nil { // a name in the request that is no UTF-8
		body = []byte(`{"error":"bad_request","message":"the request is not valid UTF-8"}`)
		f.Status = http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_, _ = w.Write(body)
}

func codeOf(f edge.Failure) string {
	code, known := codes[f.Code]
	switch {
	case known:
		return code
	case f.Status == http.StatusUnauthorized:
		return "unauthorized"
	case f.Status == http.StatusForbidden:
		return "forbidden"
	case f.Code == string(credential.BadRequest) && f.Field != "":
		return "validation_failed"
	}
	return f.Code
}

// one is an answer with one object.
type one[T any] struct {
	Data T `json:"data"`
}

// many is a page of a list.
type many[T any] struct {
	Data []T  `json:"data"`
	Meta meta `json:"meta"`
}

type meta struct {
	Page       int   `json:"page"`
	Limit      int   `json:"limit"`
	Total      int64 `json:"total" doc:"on all pages"`
	TotalPages int64 `json:"totalPages"`
}

// Bounds of pages.
const (
	usualItems = 25
	mostItems  = 100
)

// page reads which part of a list a query asks for.
func page(r *edge.Request) (p workspace.PageRequest, err error) {
	p.Status, p.Search = r.Param("status"), r.Param("search")
	if p.Number, err = r.Number("page", edge.Span{Otherwise: 1, Least: 1, Most: workspace.MostPaged}); err != nil {
		return p, err
	}
	p.Limit, err = r.Number("limit", edge.Span{Otherwise: usualItems, Least: 1, Most: mostItems})
	return p, err
}

// listed answers with a page of a list.
func listed[T, Row any](p workspace.PageRequest, rows []Row, total int64, show func(*Row) T) many[T] {
	out := many[T]{Data: make([]T, 0, len(rows)), Meta: meta{p.Number, p.Limit, total, (total + int64(p.Limit) - 1) / int64(p.Limit)}}
	for i := range rows {
		out.Data = append(out.Data, show(&rows[i]))
	}
	return out
}

// whole answers with a list on one page.
func whole[T, Row any](rows []Row, show func(*Row) T) many[T] {
	return listed(workspace.PageRequest{Number: 1, Limit: max(1, len(rows))}, rows, int64(len(rows)), show)
}

// id reads an id of the path, which is a number from 1 on.
func id(r *edge.Request, name, detail string) (int64, error) {
	text := r.PathValue(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != text {
		return 0, credential.Errorf(credential.NotFound, "%s", detail)
	}
	return n, nil
}
