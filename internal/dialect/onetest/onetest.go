// Package onetest serves the documented HTTP surface of OneTest: products with
// what they are tested in, their files and what they use, test cases, runs and
// executions, and the tools that a program may use.
//
// It hides that service's shapes and words: products, which are projects, runs,
// which are test cycles, p2, passed, pages by number, and its errors. It decides
// nothing but which product a key is of; every call goes to the workspace, or to
// authority where it is about coins.
package onetest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// most bounds a body in bytes.
const most = 1 << 20

// How many items a page of a list has.
const (
	usualItems = 20
	mostItems  = 100
)

// The paths of its services.
const (
	gateway    = "/api/gateway/"
	membership = "/api/membership/"
	management = "/api/test-management/"
	artifacts  = "/api/artifacts/"
	receiver   = "/api/receiver/"
)

// handlers answers OneTest's routes.
type handlers struct {
	authority *authority.Authority
	workspace *workspace.Workspace
	tools     edge.Written
}

// Surfaces returns OneTest's routes, by service.
func Surfaces(a *authority.Authority, w *workspace.Workspace) []*edge.Surface {
	h := &handlers{authority: a, workspace: w}
	surface := func(prefix string, routes ...edge.Route) *edge.Surface {
		return &edge.Surface{Routes: routes, Prefix: prefix, Present: edge.FromHeaders, WriteError: writing(problemOf), Takes: ours, Nulls: true}
	}
	all := []*edge.Surface{surface(management, h.managementRoutes()...), surface(membership, append(h.membershipRoutes(), h.usageRoutes()...)...), surface(artifacts, h.artifactRoutes()...)}
	h.tools = toolsOf(all)
	agents := surface(receiver, h.receiverRoutes()...)
	agents.WriteError, agents.Loose = writing(agentProblemOf), true
	return append(all, surface(gateway, h.gatewayRoutes()...), agents)
}

// ours are the credentials that this surface takes.
func ours(s *credential.Scheme) bool { return s.Kind == credential.Session || s.Name == "onetest_key" }

// server is what agents ask for before they report.
type server struct {
	Build struct {
		Version string `json:"version"`
	} `json:"build"`
}

func info(*edge.Request, edge.None) (out server, err error) {
	out.Build.Version = "5.11.0"
	return out, nil
}

// scoped is an endpoint that a key calls if it has a scope. What a person may
// do, the workspace knows.
func scoped[In, Out any](scope credential.Scope, fn func(*edge.Request, In) (Out, error)) func(*edge.Request, In) (Out, error) {
	return func(r *edge.Request, in In) (out Out, err error) {
		if err := holds(r, scope); err != nil {
			return out, err
		}
		return fn(r, in)
	}
}

// holds refuses a key that lacks a scope.
func holds(r *edge.Request, scope credential.Scope) error {
	p := &r.Principal
	if p.ProjectScoped() != uuid.Nil && !p.Permissions.Covers(p.Credential.Scheme.Scopes.Permissions([]credential.Scope{scope})) {
		return &edge.Denial{Code: credential.CodeScope, Permission: credential.Permission(scope)}
	}
	return nil
}

// The routes of each method, for who has a scope.
func get[Out any](pattern string, scope credential.Scope, fn func(*edge.Request, edge.None) (Out, error)) edge.Route {
	return edge.Get(pattern, edge.Authenticated, scoped(scope, fn))
}

func post[In, Out any](pattern string, scope credential.Scope, fn func(*edge.Request, In) (Out, error)) edge.Route {
	return edge.Post(pattern, edge.Authenticated, most, scoped(scope, fn))
}

// act is a route that acts and takes no body.
func act[Out any](pattern string, scope credential.Scope, fn func(*edge.Request, edge.None) (Out, error)) edge.Route {
	return edge.Post(pattern, edge.Authenticated, 0, scoped(scope, fn))
}

func remove(pattern string, scope credential.Scope, fn func(*edge.Request, edge.None) (edge.Nothing, error)) edge.Route {
	return edge.Delete(pattern, edge.Authenticated, scoped(scope, fn))
}

func put[In, Out any](pattern string, scope credential.Scope, fn func(*edge.Request, In) (Out, error)) edge.Route {
	return edge.Put(pattern, edge.Authenticated, most, scoped(scope, fn))
}

// problem is the body of an error.
type problem struct {
	Detail any        `json:"detail"`
	Code   string     `json:"code,omitzero"`
	Coins  *exhausted `json:",embed"`
}

// exhausted is a budget that is used up.
type exhausted struct {
	Budget   int64     `json:"budget"` // of this cycle, with what was added to it
	Used     int64     `json:"used"`
	ResetsAt time.Time `json:"resets_at"`
}

// exhaustedOf says which budget it is that is used up, and until when.
func exhaustedOf(b *credential.Budget) problem {
	of := ""
	if b.Of != "project" { // an organization, or the key itself, may have one as well
		of = " of the " + b.Of
	}
	return problem{
		Detail: fmt.Sprintf("Weekly coin budget exhausted. %d of %d coins%s are used; it is renewed at %s.", b.Used, b.Coins, of, b.ResetsAt.UTC().Format(time.RFC3339)),
		Code:   "budget_exhausted", Coins: &exhausted{b.Coins, b.Used, b.ResetsAt.UTC()},
	}
}

// fault says what is wrong with a value, and where it stands.
type fault struct {
	Location []any    `json:"loc"`
	Message  string   `json:"msg"`
	Type     string   `json:"type"`
	Context  *choices `json:"ctx,omitzero"`
}

type choices struct {
	Allowed []string `json:"allowed"`
}

func problemOf(f edge.Failure) problem {
	switch {
	case f.Denied != nil && f.Denied.Code == credential.CodeBudget:
		return exhaustedOf(&f.Denied.Budget)
	case f.Status == http.StatusTooManyRequests:
		return problem{Detail: f.Detail, Code: f.Code}
	case f.Status == http.StatusUnprocessableEntity:
		return problem{Detail: []fault{faultOf(f)}}
	case f.Field != "":
		return problem{Detail: f.Field + ": " + f.Detail}
	}
	return problem{Detail: f.Detail}
}

// agentProblem is problem with what agents of the receiver read beside it.
type agentProblem struct {
	problem
	ErrorCode int    `json:"errorCode"` // the status
	Message   string `json:"message"`
}

func agentProblemOf(f edge.Failure) agentProblem {
	message := f.Detail
	if f.Field != "" {
		message = f.Field + ": " + message
	}
	p := problemOf(f)
	if p.Coins != nil {
		message, _ = p.Detail.(string)
	}
	return agentProblem{p, f.Status, message}
}

// fieldNames are what OneTest calls fields of the workspace.
var fieldNames = map[string]string{"labels": "tags", "automationRefs": "automation_test_id", "folder": "folder_id", "expectedResult": "expected_result",
	"testCases": "test_case_ids", "label": "tag", "automationRef": "automation_test_id"}

func faultOf(f edge.Failure) fault {
	out := fault{Location: []any{"body"}, Message: f.Detail, Type: "value_error"}
	switch {
	case f.Field == "Idempotency-Key":
		out.Location[0] = "header"
	case f.Request != nil && f.Request.Method == http.MethodGet:
		out.Location[0] = "query"
	}
	for part := range strings.SplitSeq(f.Field, ".") {
		if n, err := strconv.Atoi(part); err == nil {
			out.Location = append(out.Location, n)
		} else if part != "" {
			out.Location = append(out.Location, cmp.Or(fieldNames[part], part))
		}
	}
	if f.Allowed != nil {
		out.Type, out.Context = "enum", &choices{f.Allowed}
	}
	return out
}

// writing writes errors in a shape.
func writing[Shape any](of func(edge.Failure) Shape) func(http.ResponseWriter, edge.Failure, string) {
	return func(w http.ResponseWriter, f edge.Failure, _ string) {
		body, err := json.Marshal(of(f))
		if err != nil { // a name in the request that is no UTF-8
			f = edge.Failure{Status: http.StatusBadRequest, Detail: "the request is not valid UTF-8"}
			body, _ = json.Marshal(of(f)) // of texts, which never fails
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(f.Status)
		_, _ = w.Write(body)
	}
}

// list is an answer with a page of things, and how many there are.
type list[T any] struct {
	Items    []T   `json:"items"`
	Total    int64 `json:"total"`
	Page     int   `json:"page,omitzero"`
	PageSize int   `json:"page_size,omitzero"`
}

// paged makes the answer to a part of a list.
func paged[T, Row any](s workspace.Section, rows []Row, total int64, show func(*Row) T) list[T] {
	out := list[T]{Items: make([]T, len(rows)), Total: total, Page: s.Page, PageSize: s.Limit}
	for i := range rows {
		out.Items[i] = show(&rows[i])
	}
	return out
}

// paging are the parameters that say which part of a list is asked for.
func paging(others ...string) []string { return append(others, "page", "page_size") }

// section reads which part of a list a query asks for.
func section(r *edge.Request) (s workspace.Section, err error) {
	if s.Page, err = r.Number("page", edge.Span{Otherwise: 1, Least: 1, Most: store.MostCounted}); err == nil {
		s.Limit, err = r.Number("page_size", edge.Span{Otherwise: usualItems, Least: 1, Most: mostItems})
	}
	if err == nil && s.Page > store.MostCounted/s.Limit {
		err = credential.InvalidField("page", "a list is paged up to its item %d; filter it", store.MostCounted)
	}
	return s, err
}

// product reads which product is asked for, by its id or by its slug. A key is
// of one: any other is closed to it, whether there is such a product or not.
func (h *handlers) product(r *edge.Request) (ref store.ProjectRef, err error) {
	p, text := &r.Principal, r.PathValue("product")
	if ref.ID, err = authority.ParseID(text); err != nil {
		ref, err = h.slugged(r, text)
	}
	if err != nil && !errors.Is(err, credential.NotFound) {
		return ref, err
	}
	if own := p.ProjectScoped(); own != uuid.Nil && own != ref.ID {
		return ref, credential.Errorf(credential.Forbidden, "this key is of another product")
	}
	return ref, err
}

// slugged finds a product by its slug: for a key its own, which it needn't be
// allowed to list.
func (h *handlers) slugged(r *edge.Request, slug string) (store.ProjectRef, error) {
	if own := r.Principal.ProjectScoped(); own != uuid.Nil {
		ref := store.ProjectRef{ID: own}
		product, err := h.workspace.Project(r.Context(), &r.Principal, ref, "")
		if err != nil || workspace.Slug(product.Name) == slug {
			return ref, err
		}
		return store.ProjectRef{}, credential.Errorf(credential.NotFound, "no such project")
	}
	return h.workspace.ProjectSlugged(r.Context(), &r.Principal, slug)
}

// ofProduct is an endpoint about the product in its path.
func ofProduct[In, Out any](h *handlers, fn func(*edge.Request, store.ProjectRef, In) (Out, error)) func(*edge.Request, In) (Out, error) {
	return func(r *edge.Request, body In) (out Out, err error) {
		ref, err := h.product(r)
		if err != nil {
			return out, err
		}
		return fn(r, ref, body)
	}
}

// idIn reads the id of a path.
func idIn(r *edge.Request, name, noun string) (uuid.UUID, error) {
	id, err := authority.ParseID(r.PathValue(name))
	if err != nil {
		return id, credential.Errorf(credential.NotFound, "no such %s", noun)
	}
	return id, nil
}

// idOf reads the id of a field; none is Nil.
func idOf(field, text string) (id uuid.UUID, err error) {
	if text == "" {
		return id, nil
	}
	if id, err = authority.ParseID(text); err != nil {
		return id, credential.InvalidField(field, "must be a UUID, such as 01890000-0000-7000-8000-00000000abcd")
	}
	return id, nil
}

// choice reads one of OneTest's words, in any case. Some words are other names
// of one.
func choice(field, text string, words []string, others map[string]string) (string, error) {
	text = strings.ToLower(text)
	if word, known := others[text]; known {
		text = word
	}
	return credential.CheckChoice(field, text, words)
}

// optionalID spells an id, null for none.
func optionalID(id uuid.UUID) *string {
	if id == uuid.Nil {
		return nil
	}
	text := id.String()
	return &text
}

// maker is who made something: a user, or a key, which acts for nobody.
func maker(m store.Maker) *string {
	if m.User != uuid.Nil {
		return optionalID(m.User)
	}
	return optionalID(m.Credential)
}
