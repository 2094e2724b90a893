package edge

import (
	"bytes"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Doc is what documents tell of a route beyond what its other fields say.
type Doc struct {
	ID   string // by which generated clients name the call
	Text string // one sentence, and what else there is to say
	// Kinds are failures that don't follow from the rest. A route that may
	// fail as InProgress is one that takes an Idempotency-Key, as
	// PreconditionFailed one that takes If-Match.
	Kinds []credential.ErrorKind
	// Reads means that the route changes nothing; those of GET never do.
	Reads bool
	// Media are the types of the answer; none means JSON.
	Media []string
	// Keyed means that the route takes an Idempotency-Key and never fails as
	// InProgress.
	Keyed bool
	// Steady means that the route answers whatever else is away.
	Steady bool
	// Example is a body that the route takes, or, where it begins with a dash,
	// the options by which curl sends one.
	Example string
}

// Named says what a route is for, and how it can fail beyond what follows from
// the rest of its line.
func (r Route) Named(id, text string, kinds ...credential.ErrorKind) Route {
	r.Doc.ID, r.Doc.Text, r.Doc.Kinds = id, text, kinds
	return r
}

// Reads says that a route changes nothing, though its method may.
func (r Route) Reads() Route {
	r.Doc.Reads = true
	return r
}

// Streams says of which types the answer is, where it is a Stream, and which
// type its lines show.
func (r Route) Streams(line any, media ...string) Route {
	r.Doc.Media = media
	return r.Shown(nil, line)
}

// Keyed says that a route takes an Idempotency-Key, and that two calls under
// one may run at once.
func (r Route) Keyed() Route {
	r.Doc.Keyed = true
	return r
}

// Steady says that a route answers without asking the store.
func (r Route) Steady() Route {
	r.Doc.Steady = true
	return r
}

// Example shows a body that the route takes.
func (r Route) Example(body string) Route {
	r.Doc.Example = body
	return r
}

// Shown gives the shapes of body and answer where the function's own types
// don't: the fields of a form, a document that is written already. Nil leaves
// one as it is.
func (r Route) Shown(in, out any) Route {
	if in != nil {
		r.In = reflect.TypeOf(in)
	}
	if out != nil {
		r.Out = reflect.TypeOf(out)
	}
	return r
}

// Repeatable reports whether the route takes an Idempotency-Key.
func (r Route) Repeatable() bool {
	return r.Doc.Keyed || slices.Contains(r.Doc.Kinds, credential.InProgress)
}

// Conditional reports whether the route takes If-Match.
func (r Route) Conditional() bool { return slices.Contains(r.Doc.Kinds, credential.PreconditionFailed) }

// Protected reports whether a credential is asked for.
func (r Route) Protected() bool { return !r.Access.public }

// ErrorAnswer is one way in which a route can fail, as it looks on the wire.
type ErrorAnswer struct {
	Status      int
	Code, Media string
}

// Failures lists how a route of the surface can fail, in the surface's own
// words, in the order of their statuses. A fault of the server is not in it.
func (s *Surface) Failures(r Route) []ErrorAnswer { return s.answers(r.failures()) }

// OtherFailures lists what the surface answers where no route matches, and to a
// fault of the server.
func (s *Surface) OtherFailures() []ErrorAnswer {
	return s.answers([]error{credential.Errorf(credential.NotFound, "no such path"), credential.Errorf(credential.MethodNotAllowed, "other methods"), http.ErrAbortHandler})
}

// answers writes failures as the surface does.
func (s *Surface) answers(failures []error) (list []ErrorAnswer) {
	for _, err := range failures {
		w := &written{header: http.Header{}}
		s.WriteError(w, failureOf(err), "")
		answer := ErrorAnswer{w.status, codeIn(w.body.Bytes()), w.header.Get("Content-Type")}
		if !slices.Contains(list, answer) {
			list = append(list, answer)
		}
	}
	slices.SortStableFunc(list, func(a, b ErrorAnswer) int { return a.Status - b.Status })
	return list
}

// codeIn finds the code of an error in its body, by either of its usual names.
func codeIn(body []byte) string {
	var named struct {
		Code  string `json:"code"`
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &named) // what has no code has none
	return named.Code + named.Error
}

// failures are errors of every kind that a call of the route can end in.
func (r Route) failures() []error {
	kinds := append([]credential.ErrorKind{credential.BadRequest}, r.Doc.Kinds...)
	permission, protected := r.Access.Permission()
	if r.Or != "" {
		permission, protected = r.Or, true
	}
	if protected { // by the header that names an organization, too
		kinds = append(kinds, credential.NotFound)
	}
	writes := r.Method != http.MethodGet && !r.Doc.Reads
	if writes && r.Protected() { // what the caller may do has changed meanwhile
		kinds = append(kinds, credential.Conflict)
	}
	if r.Method != http.MethodGet {
		kinds = append(kinds, credential.TooLarge)
	}
	if r.MaxBody > 0 {
		kinds = append(kinds, credential.UnsupportedMedia)
	}
	if len(r.Params) > 0 || (r.MaxBody > 0 && !r.Form) {
		kinds = append(kinds, credential.Invalid)
	}
	if !r.Doc.Steady {
		kinds = append(kinds, credential.Unavailable)
	}
	if writes {
		kinds = append(kinds, credential.StorageFull)
	}
	var errs []error
	if protected {
		errs = denials(permission)
	}
	if r.ByAddress && !protected {
		errs = append(errs, &Denial{Code: credential.CodeRateLimited})
	}
	for _, kind := range kinds {
		errs = append(errs, credential.Errorf(kind, "%s", kind))
	}
	return errs
}

// denials are the decisions that keep a caller from a route.
func denials(permission credential.Permission) []error {
	codes := []credential.Code{"", credential.CodeUnknown, credential.CodeRevoked, credential.CodeSuspended, credential.CodeExpired, credential.CodeNotYetValid,
		credential.CodeOwnerInactive, credential.CodeAudience, credential.CodeAddress, credential.CodeForbidden, credential.CodeRateLimited, credential.CodeBudget}
	if permission != "" {
		codes = append(codes, credential.CodeScope)
	}
	var errs []error
	for _, code := range codes {
		errs = append(errs, &Denial{Code: code, Permission: permission})
	}
	return errs
}

// HasWildcard reports whether the pattern of the route names a part of its path.
func (r Route) HasWildcard(name string) bool { return strings.Contains(r.Pattern, "{"+name+"}") }

// written keeps an answer that goes nowhere.
type written struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *written) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *written) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *written) Write(p []byte) (int, error) { return w.body.Write(p) }
