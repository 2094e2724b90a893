// Package testkase serves the documented HTTP surface of TestKase: the projects
// of a user, their test cases and test cycles, and the results of a reporter.
//
// It hides that service's shapes and words: PRJ-1, TC-12, TCYCLE-5, pages by
// number, and its errors. It decides nothing; every call goes to the workspace
// or the authority.
package testkase

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// Bounds of bodies in bytes.
const (
	most        = 1 << 20
	mostResults = 8 << 20
)

// The paths of its nouns.
const (
	projects = "/api/v1/projects"
	cases    = "/api/v1/test-cases"
	cycles   = "/api/v1/test-cycles"
)

// handlers answers TestKase's routes.
type handlers struct {
	authority *authority.Authority
	workspace *workspace.Workspace
}

// writeLimit tells what is left of the requests of a minute.
func writeLimit(h http.Header, l credential.Limit) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(l.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(l.Remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(l.Reset.Unix(), 10))
}

// problem is the body of an error.
type problem struct {
	Status  int               `json:"status"`
	Error   string            `json:"error"`
	Message string            `json:"message"`
	Fields  map[string]string `json:"fields,omitzero"`
}

func writeError(w http.ResponseWriter, f edge.Failure, _ string) {
	p := problem{Status: f.Status, Error: http.StatusText(f.Status), Message: f.Detail}
	if f.Field != "" {
		p.Message, p.Fields = f.Field+": "+f.Detail, map[string]string{f.Field: f.Detail}
	}
	body, err := json.Marshal(p)
	if err != nil { // a name in the request that is no UTF-8
		body, f.Status = []byte(`{"status":400,"error":"Bad Request","message":"the request is not valid UTF-8"}`), http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_, _ = w.Write(body)
}

// one is an answer about one thing.
type one[T any] struct {
	Data T `json:"data"`
}

// list is an answer with a page of things, and how many there are.
type list[T any] struct {
	Data  []T   `json:"data"`
	Page  int   `json:"page"`
	Limit int   `json:"limit"`
	Total int64 `json:"total"`
}

// paged makes the answer to a part of a list.
func paged[T, Row any](s workspace.Section, rows []Row, total int64, show func(*Row) T) list[T] {
	out := list[T]{Data: make([]T, len(rows)), Page: s.Page, Limit: s.Limit, Total: total}
	for i := range rows {
		out.Data[i] = show(&rows[i])
	}
	return out
}

// deleted is an answer about what is there no more.
type deleted struct {
	ID      string `json:"id"`
	Deleted bool   `json:"deleted"`
}

// section reads which part of a list a query asks for.
func section(r *edge.Request) (s workspace.Section, err error) {
	if s.Page, err = r.Number("page", edge.Span{Otherwise: 1, Least: 1, Most: 1_000_000}); err == nil {
		s.Limit, err = r.Number("limit", edge.Span{Otherwise: edge.DefaultPage, Least: 1, Most: edge.MaxPage})
	}
	return s, err
}

// after reads the id of the last item that a caller has seen, such as TC-50.
func after(r *edge.Request, prefix string) (int64, error) {
	text := r.Param("after")
	if text == "" {
		return 0, nil
	}
	n, ok := authority.ParseNumber(text, prefix)
	if !ok {
		return 0, credential.InvalidField("after", "must be the id of the last item, such as %s50", prefix)
	}
	return n, nil
}

// organization checks that the organization which a query may name is the
// caller's. Any other is answered like one that doesn't exist.
func (h *handlers) organization(r *edge.Request) error {
	text := r.Param("orgId")
	if text == "" {
		return nil
	}
	n, ok := authority.ParseNumber(text, "")
	if !ok {
		return credential.InvalidField("orgId", "must be the number of an organization, such as 1173")
	}
	_, err := h.authority.OrganizationNumbered(r.Context(), &r.Principal, n)
	return err
}

// project reads in which project something is asked for.
func (h *handlers) project(r *edge.Request) (ref store.ProjectRef, err error) {
	if err := h.organization(r); err != nil {
		return ref, err
	}
	text := r.Param("projectId")
	if text == "" {
		return ref, credential.InvalidField("projectId", "say in which project, such as PRJ-1")
	}
	n, ok := authority.ParseNumber(text, "PRJ-")
	if !ok {
		return ref, credential.InvalidField("projectId", "must be the id of a project, such as PRJ-1")
	}
	return store.ProjectRef{OrganizationNumber: n}, nil
}

// kind is of what things an id is: how it begins, and what they are called,
// in the path as well.
type kind struct{ prefix, noun, wildcard string }

// numbered reads the id in the path, and in which project it is.
func (h *handlers) numbered(r *edge.Request, k kind) (workspace.Numbered, error) {
	ref, err := h.project(r)
	if err != nil {
		return workspace.Numbered{}, err
	}
	n, ok := authority.ParseNumber(r.PathValue(k.wildcard), k.prefix)
	if !ok {
		return workspace.Numbered{}, credential.Errorf(credential.NotFound, "no such %s: ids are such as %s1", k.noun, k.prefix)
	}
	return workspace.Numbered{Project: ref, Number: n}, nil
}

// id spells a number the way that TestKase does.
func id(prefix string, n int64) string { return prefix + strconv.FormatInt(n, 10) }

// runID spells the id of an upload, null for none.
func runID(run uuid.UUID) *string {
	if run == uuid.Nil {
		return nil
	}
	text := run.String()
	return &text
}
