package edge

import (
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// How many items a page of a list has.
const (
	DefaultPage = 50
	MaxPage     = 200
)

// Route is one line of a surface's table.
type Route struct {
	Method  string
	Pattern string // of http.ServeMux
	Access  Access
	Params  []string // of the query
	MaxBody int64    // bytes; 0 means that the route takes no body
	Status  int      // of success; 0 means 200
	// Finds means that success is 200 where what it makes is there already.
	Finds bool
	// MaxAge is how long anybody may keep the answer; 0 means not at all.
	MaxAge time.Duration
	// Or is the permission of a credential that also opens a public route, to
	// whoever has no other way in; see Request.Identify.
	Or credential.Permission
	// Operation is what sort of call the ledger says it is; empty: one that reads
	// or one that writes.
	Operation string
	// Free means that a call costs nothing, unless the table of prices names it.
	Free bool
	// ByAddress means that an address calls the route only so often.
	ByAddress bool
	// Packed means that the body may come packed by gzip.
	Packed bool
	// Answered means that the query is the answer of another server, which a
	// browser brings: a code in it is good once, and no secret of ours.
	Answered bool
	// Unlisted means that its requests are counted, and not kept one by one.
	Unlisted bool
	Doc      Doc
	Endpoint
}

// Access says who may call a route.
type Access struct {
	permission credential.Permission
	public     bool
}

// Public routes take no credential.
var Public = Access{public: true}

// Authenticated routes take any credential that works.
var Authenticated = Access{}

// Needs makes a route take credentials that may do one thing.
func Needs(p credential.Permission) Access { return Access{permission: p} }

// Permission returns what a route needs; ok is false for public routes.
func (a Access) Permission() (p credential.Permission, ok bool) { return a.permission, !a.public }

// Endpoint is what a route does, with the types that it reads and writes.
type Endpoint struct {
	In, Out reflect.Type
	Form    bool // the body is an HTML form, not JSON
	Lines   bool // the body is JSON lines, each of them an In
	serve   func(*Request) (any, error)
}

// None is the In of endpoints that read no body.
type None struct{}

// Get is a route that reads. Its function takes None.
func Get[Out any](pattern string, access Access, fn func(*Request, None) (Out, error)) Route {
	return Route{Method: http.MethodGet, Pattern: pattern, Access: access, Endpoint: endpoint(fn)}
}

// Post is a route that acts, with a body of at most most bytes.
func Post[In, Out any](pattern string, access Access, most int64, fn func(*Request, In) (Out, error)) Route {
	return Route{Method: http.MethodPost, Pattern: pattern, Access: access, MaxBody: most, Endpoint: endpoint(fn)}
}

// Patch is a route that changes parts of something.
func Patch[In, Out any](pattern string, access Access, most int64, fn func(*Request, In) (Out, error)) Route {
	return Route{Method: http.MethodPatch, Pattern: pattern, Access: access, MaxBody: most, Endpoint: endpoint(fn)}
}

// Put is a route that replaces something.
func Put[In, Out any](pattern string, access Access, most int64, fn func(*Request, In) (Out, error)) Route {
	return Route{Method: http.MethodPut, Pattern: pattern, Access: access, MaxBody: most, Endpoint: endpoint(fn)}
}

// Delete is a route that takes something away.
func Delete[Out any](pattern string, access Access, fn func(*Request, None) (Out, error)) Route {
	return Route{Method: http.MethodDelete, Pattern: pattern, Access: access, Endpoint: endpoint(fn)}
}

// Takes names the parameters that may stand in the query of the route.
func (r Route) Takes(params ...string) Route {
	r.Params = params
	return r
}

// Form is a route that takes an HTML form, as OAuth2 has them (RFC 6749 appendix B).
func Form[Out any](pattern string, access Access, most int64, fn func(*Request, Values) (Out, error)) Route {
	serve := func(r *Request) (any, error) {
		values, err := r.form()
		if err != nil {
			return nil, err
		}
		return fn(r, values)
	}
	return Route{Method: http.MethodPost, Pattern: pattern, Access: access, MaxBody: most,
		Endpoint: Endpoint{In: reflect.TypeFor[Values](), Out: reflect.TypeFor[Out](), Form: true, serve: serve}}
}

// Either is a route that acts, and takes a JSON object or a form, as clients
// like it.
func Either[Out any](pattern string, access Access, most int64, fn func(*Request, Payload) (Out, error)) Route {
	serve := func(r *Request) (any, error) {
		body, err := r.payload()
		if err != nil {
			return nil, err
		}
		return fn(r, body)
	}
	return Route{Method: http.MethodPost, Pattern: pattern, Access: access, MaxBody: most,
		Endpoint: Endpoint{In: reflect.TypeFor[Payload](), Out: reflect.TypeFor[Out](), serve: serve}}
}

// By is the route under another method.
func (r Route) By(method string) Route {
	r.Method = method
	return r
}

// Options is a route that tells browsers which requests pages of other origins
// may send: by the headers of its surface.
func Options(pattern string) Route {
	fn := func(*Request, None) (Written, error) { return Written("{}"), nil }
	return Route{Method: http.MethodOptions, Pattern: pattern, Access: Public, Endpoint: endpoint(fn)}
}

// Kept lets anybody keep the answers of the route for a while.
func (r Route) Kept(age time.Duration) Route {
	r.MaxAge = age
	return r
}

// OrNeeds opens a public route to credentials that may do one thing.
func (r Route) OrNeeds(p credential.Permission) Route {
	r.Or = p
	return r
}

// LimitedByAddress bounds how often an address calls the route, together with
// the others that are limited so: for what tries passwords and codes.
func (r Route) LimitedByAddress() Route {
	r.ByAddress = true
	return r
}

// Unpacks lets the body of the route come packed by gzip. The bound is for both,
// what comes and what it is unpacked.
func (r Route) Unpacks() Route {
	r.Packed = true
	return r
}

// TakesAnswers is for a route to which another server leads a browser back.
func (r Route) TakesAnswers() Route {
	r.Answered = true
	return r
}

// Counted keeps no list of the requests to the route: for what is called once
// for each request that somebody else has.
func (r Route) Counted() Route {
	r.Unlisted = true
	return r
}

// Counts says what sort of call the route is in the ledger.
func (r Route) Counts(operation string) Route {
	r.Operation = operation
	return r
}

// CostsNothing makes calls of the route free, unless the table of prices names it.
func (r Route) CostsNothing() Route {
	r.Free = true
	return r
}

// charge is what a call of the route costs, under the name of the route.
func (r *Route) charge(named string) authority.Charge {
	operation := r.Operation
	switch {
	case operation != "":
	case r.Method == http.MethodGet:
		operation = authority.CalledRead
	default:
		operation = authority.CalledWrite
	}
	return authority.Charge{Resource: named, Operation: operation, Free: r.Free}
}

// Creates makes success of the route 201 Created.
func (r Route) Creates() Route {
	r.Status = http.StatusCreated
	return r
}

// OrFinds is Creates of what may be there already, which is 200 OK. The answer
// itself says which.
func (r Route) OrFinds() Route {
	r.Status, r.Finds = http.StatusCreated, true
	return r
}

// endpoint decodes the body into In before it calls fn.
func endpoint[In, Out any](fn func(*Request, In) (Out, error)) Endpoint {
	in := reflect.TypeFor[In]()
	return Endpoint{In: in, Out: reflect.TypeFor[Out](), serve: func(r *Request) (any, error) {
		var body In
		if in == reflect.TypeFor[None]() {
			if err := r.expectNoBody(); err != nil {
				return nil, err
			}
		} else if err := r.decode(&body); err != nil {
			return nil, err
		}
		return fn(r, body)
	}}
}

// Request is a call that has passed the boundary.
type Request struct {
	*http.Request
	Principal credential.Principal
	Address   netip.Addr // of the client; invalid when unknown
	ID        string     // for logs, errors and the audit
	EndsAt    time.Time  // of the operator's session in the console
	query     url.Values
	max       int64
	nulls     bool
	loose     bool
	packed    bool // the body may be
	body      []byte
	writer    http.ResponseWriter
	handler   *handler
}

// Identify finds out who calls a public route, if the request carries a
// credential that opens it.
func (r *Request) Identify() error {
	switch permission := r.handler.route.Or; {
	case r.handler.server.cfg.Operator:
		return nil // is known already
	case permission == "":
		return &Denial{}
	default:
		return r.handler.identify(r, permission)
	}
}

// SetHeader sets a header of the answer, where the route succeeds.
func (r *Request) SetHeader(name, value string) { r.writer.Header().Set(name, value) }

// SetCookie adds a cookie to the answer.
func (r *Request) SetCookie(c *http.Cookie) { http.SetCookie(r.writer, c) }

// Origin is where the request comes from, for what needs no credential.
func (r *Request) Origin() authority.Origin {
	return authority.Origin{Address: r.Address, UserAgent: r.UserAgent(), RequestID: r.ID}
}

// Idempotency reads the Idempotency-Key, nil if there is none.
func (r *Request) Idempotency() *authority.Idempotency {
	values, ok := r.Header[http.CanonicalHeaderKey("Idempotency-Key")]
	if !ok {
		return nil
	}
	id := &authority.Idempotency{Body: r.body}
	if len(values) == 1 {
		id.Key = values[0] // several are as wrong as an empty one
	}
	return id
}

// Repeat reads the Idempotency-Key for a call of the workspace, nil if there is
// none.
func (r *Request) Repeat() *workspace.Repeat {
	id := r.Idempotency()
	if id == nil {
		return nil
	}
	return &workspace.Repeat{Key: id.Key, Body: id.Body}
}

// Body returns the raw bytes of a body that was decoded.
func (r *Request) Body() []byte { return r.body }

// Param returns a parameter of the query; empty where it isn't given.
func (r *Request) Param(name string) string { return r.query.Get(name) }

// Span is what a whole number may be, and what it is where it isn't given.
type Span struct{ Otherwise, Least, Most int }

// Number reads a whole number of the query.
func (r *Request) Number(name string, s Span) (int, error) {
	text := r.Param(name)
	if text == "" {
		return s.Otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < s.Least || n > s.Most || strconv.Itoa(n) != text {
		return 0, credential.InvalidField(name, "must be a number from %d to %d", s.Least, s.Most)
	}
	return n, nil
}

// known are those parameters of a query that a route takes and that hold a text.
func known(all url.Values, params []string) url.Values {
	out := url.Values{}
	for _, name := range params {
		if text := all.Get(name); text != "" && utf8.ValidString(text) && !strings.ContainsRune(text, 0) {
			out.Set(name, text)
		}
	}
	return out
}

// readQuery takes in the query. A parameter that the route doesn't know, or
// that stands twice, is an error that names it: nothing is silently ignored.
func (r *Request) readQuery(params []string) (err error) {
	if r.URL.RawQuery == "" {
		return nil
	}
	if r.loose {
		r.query = known(r.URL.Query(), params)
		return nil
	}
	if r.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return credential.Errorf(credential.BadRequest, "the query can't be parsed")
	}
	for name, list := range r.query {
		if !slices.Contains(params, name) {
			return &credential.Error{Kind: credential.BadRequest, Field: plain(name), Detail: "this call has no such query parameter"}
		}
		if len(list) > 1 {
			return &credential.Error{Kind: credential.BadRequest, Field: name, Detail: "the query parameter stands twice"}
		}
		if list[0] == "" && r.handler.surface.Blank {
			delete(r.query, name)
			continue
		}
		if list[0] == "" { // as a script writes whose variable is not set
			return &credential.Error{Kind: credential.BadRequest, Field: name, Detail: "the query parameter is empty; leave it out"}
		}
		if !utf8.ValidString(list[0]) || strings.ContainsRune(list[0], 0) { // which not every database looks for
			return credential.InvalidField(name, "must be a text in UTF-8")
		}
	}
	return nil
}
