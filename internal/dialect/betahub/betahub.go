// Package betahub serves the documented HTTP surface of BetaHub: projects,
// issues of all kinds with their comments, releases, and what a token is good
// for.
//
// It hides that service's shapes and words: addresses with and without .json,
// flat and nested bodies, lists that are arrays or objects, ids with prefixes.
// It decides nothing; every call goes to the workspace or to the authority.
package betahub

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// most bounds a body in bytes.
const most = 256 << 10

// Lists says how lists of issues are answered.
type Lists string

// The shapes of lists. By request means an object where the request asks for
// a page, else an array.
const (
	ByRequest Lists = "by-request"
	Arrays    Lists = "array"
	Objects   Lists = "object"
)

// Config says what the surface is made of.
type Config struct {
	Authority *authority.Authority
	Workspace *workspace.Workspace
	Lists     Lists // empty is ByRequest
}

// handlers answers BetaHub's routes.
type handlers struct {
	authority *authority.Authority
	workspace *workspace.Workspace
	lists     Lists
}

// Surfaces returns BetaHub's routes: those that read, which a browser that has
// signed in may use too, those that change something, those that complete what
// was reported, those of devices without a browser, and the one that says what a
// token is good for.
func Surfaces(cfg Config) []*edge.Surface {
	h := &handlers{authority: cfg.Authority, workspace: cfg.Workspace, lists: cfg.Lists}
	headers := http.Header{
		"Access-Control-Allow-Origin":   {"*"},
		"Access-Control-Allow-Headers":  {"Authorization, BetaHub-Project-ID, Content-Type, Idempotency-Key"},
		"Access-Control-Allow-Methods":  {"GET, POST, PATCH, PUT, DELETE"},
		"Access-Control-Expose-Headers": {"Link, RateLimit, RateLimit-Policy, Retry-After, X-Total-Count"},
		"Access-Control-Max-Age":        {"600"},
	}
	return []*edge.Surface{
		{Routes: h.reads(), Prefix: "/projects", Present: edge.OrCookie(present, cfg.Authority.Issuer()), WriteError: writeError, Takes: ours, Nulls: true, Headers: headers},
		{Routes: h.writes(), Prefix: "/profiles", Present: present, WriteError: writeError, Takes: ours, Nulls: true, Headers: headers},
		{Routes: h.completions(), Present: presentReport, WriteError: writeError, Takes: ours, Nulls: true, Headers: headers},
		{Routes: h.devices(), Prefix: "/device_auth/", Present: present, WriteError: writeError, Takes: ours, Nulls: true, Headers: headers},
		{Routes: h.verifies(), Prefix: "/auth/verify", Present: present, WriteError: writeInvalid, Takes: ours, Headers: headers},
	}
}

// ours are the credentials that this surface takes.
func ours(s *credential.Scheme) bool {
	return s.Kind == credential.Session || s.Name == "betahub_pat" || s.Name == "betahub_project_token"
}

// asks is an endpoint that reads, for who takes JSON.
func asks[Out any](fn func(*edge.Request) (Out, error)) func(*edge.Request, edge.None) (Out, error) {
	return takes(func(r *edge.Request, _ edge.None) (Out, error) { return fn(r) })
}

// takes is an endpoint with a body, for who takes JSON.
func takes[In, Out any](fn func(*edge.Request, In) (Out, error)) func(*edge.Request, In) (Out, error) {
	return func(r *edge.Request, body In) (out Out, err error) {
		if err := acceptable(r); err != nil {
			return out, err
		}
		out, err = fn(r, body)
		return out, closed(err)
	}
}

// closed tells of a project that is there and closed to the caller.
func closed(err error) error {
	if errors.Is(err, workspace.ErrClosed) {
		return credential.Errorf(credential.Forbidden, "you have no access to this project")
	}
	return err
}

// acceptable refuses who asks for something else than JSON: an address with
// .json asks for that by itself.
func acceptable(r *edge.Request) error {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if strings.HasSuffix(r.URL.Path, ".json") || accept == "" {
		return nil
	}
	for part := range strings.SplitSeq(accept, ",") {
		media, params, err := mime.ParseMediaType(part)
		quality, wrong := strconv.ParseFloat(params["q"], 64)
		none := params["q"] != "" && (wrong != nil || quality == 0)
		if err == nil && !none && (media == "application/json" || media == "application/*" || media == "*/*") {
			return nil
		}
	}
	return credential.Errorf(credential.NotAcceptable, "this is answered in JSON: send Accept: application/json, or add .json to the path")
}

// present takes the credential from Authorization, with its scheme or without.
func present(h http.Header) (edge.Presented, error) {
	authorization := h["Authorization"]
	if len(authorization) == 1 && len(h["X-Api-Key"]) == 0 {
		if text := strings.TrimSpace(authorization[0]); text != "" && !strings.Contains(text, " ") {
			return edge.Presented{Text: text, As: credential.AsBare}, nil
		}
	}
	return edge.FromHeaders(h)
}

// presentReport takes the token of a report, also from behind the project's
// token that it stands on, and any other credential.
func presentReport(h http.Header) (edge.Presented, error) {
	if list := h["Authorization"]; len(list) == 1 && len(h["X-Api-Key"]) == 0 {
		if _, text, _ := strings.Cut(list[0], ","); jwt.Looks(strings.TrimSpace(text)) {
			return edge.Presented{Text: strings.TrimSpace(text), As: credential.AsBearer}, nil
		}
	}
	return present(h)
}

// claim is for whom the caller's token vouches: what stands behind it.
func claim(r *edge.Request) workspace.Claim {
	_, text, _ := strings.Cut(r.Header.Get("Authorization"), ",")
	return workspace.ParseClaim(text)
}

// problem is the body of an error.
type problem struct {
	Error  string   `json:"error"`
	Errors []string `json:"errors,omitempty"`
	Status string   `json:"status,omitempty"`
}

func problemOf(f edge.Failure) problem {
	p := problem{Error: f.Detail}
	if f.Field != "" {
		p.Error = f.Field + ": " + f.Detail
	}
	switch f.Status {
	case http.StatusUnprocessableEntity:
		p.Errors = []string{p.Error}
	case http.StatusTooManyRequests:
		p.Status = "rate_limited"
	}
	return p
}

func writeError(w http.ResponseWriter, f edge.Failure, _ string) { writeBody(w, f, problemOf(f)) }

func writeBody(w http.ResponseWriter, f edge.Failure, p any) {
	body, err := json.Marshal(p)
	if err != nil { // a name in the request that is no UTF-8
		body, f.Status = []byte(`{"error":"the request is not valid UTF-8"}`), http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_, _ = w.Write(body)
}

// number reads the number that an id is, with its prefix or without.
func number(text, prefix string) (int64, bool) {
	digits := strings.TrimPrefix(text, prefix)
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == digits // no sign, no zeros before it
}

// last reads the last segment of a path, which may end in .json.
func last(r *edge.Request, name string) string {
	text := r.PathValue(name)
	if strings.HasSuffix(r.Pattern, "{"+name+"}") {
		text = strings.TrimSuffix(text, ".json")
	}
	return text
}

// projectIn reads the project in the path.
func projectIn(r *edge.Request) (store.ProjectRef, error) {
	n, ok := number(last(r, "project"), "pr-")
	if !ok {
		return store.ProjectRef{}, credential.Errorf(credential.NotFound, "no such project")
	}
	return store.ProjectRef{Number: n}, nil
}

// projectID is how BetaHub writes the id of a project.
func projectID(number int64) string { return fmt.Sprintf("pr-%d", number) }

// page reads page and per_page. asked says whether the request has either.
func page(r *edge.Request, usual int) (number, size int, asked bool, err error) {
	number, size = 1, usual
	for _, p := range []struct {
		name string
		to   *int
		most int
	}{{"page", &number, 1_000_000}, {"per_page", &size, 100}} {
		text := r.Param(p.name)
		if text == "" {
			continue
		}
		asked = true
		if *p.to, err = strconv.Atoi(text); err != nil || *p.to < 1 || *p.to > p.most {
			return 0, 0, asked, credential.InvalidField(p.name, "must be a whole number from 1 to %d", p.most)
		}
	}
	return number, size, asked, nil
}
