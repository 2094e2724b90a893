// Package edge is the HTTP boundary. It matches routes, takes credentials from
// where a surface allows them, authenticates, bounds bodies, writes errors and
// one log line a request. What is behind it sees only calls that may be made.
//
// Invariants: a route without a permission is marked as public or as open to
// any working credential; a secret in a URL is refused and never logged; no
// answer redirects; a failure to decide is a refusal.
package edge

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
)

// Surface is a set of routes that share three habits.
type Surface struct {
	Routes []Route
	// Prefix is of the paths for which the surface says that there is no such
	// route; empty for none.
	Prefix string
	// Present takes the credential from where this surface allows it.
	Present func(http.Header) (Presented, error)
	// WriteError shapes a failure into this surface's body.
	WriteError func(w http.ResponseWriter, f Failure, requestID string)
	// Takes says whose credentials the surface takes, by their scheme; nil for
	// everybody's. Any other is answered like one that isn't valid.
	Takes func(*credential.Scheme) bool
	// Nulls means that a null member of a body counts as one that isn't there.
	Nulls bool
	// Loose means that what a call doesn't know is passed over: members of a
	// body, also one that stands there twice, and parameters of the query. Half
	// a character in a text becomes one that stands for what is broken.
	Loose bool
	// Error has the type of the body that WriteError writes, for documents.
	Error any
	// WriteLimit tells a caller what a limit on requests has left in a way of
	// its own, beside the one of all surfaces; nil for surfaces that have none.
	WriteLimit func(h http.Header, l credential.Limit)
	// Browser means that a browser presents the credential by itself: what
	// changes something must come from a page of this origin.
	Browser bool
	// Blank means that an empty parameter of the query is as good as none: a
	// form without script sends all that it has.
	Blank bool
	// Console means that the routes which aren't public are the operator's alone,
	// by a session in the console.
	Console bool
	// Headers stand on every answer of the surface.
	Headers http.Header
}

// Config says how a Server is made.
type Config struct {
	Authority *authority.Authority
	Surfaces  []*Surface // the first also answers what is no other's
	// TrustedProxies may say in X-Forwarded-For for whom they ask.
	TrustedProxies []netip.Prefix
	// Operator makes every call the operator's: for a socket that only the
	// operator can reach.
	Operator bool
	// AddressRate is how many calls a minute an address makes to the routes
	// that are limited by it, all of them together; 0 is as many as it likes.
	AddressRate int
	// Addresses keeps that limit; nil is a memory of this node alone.
	Addresses limit.Limiter
	// Answered is told of every answer; nil is nobody.
	Answered func(Answer)
	Logger   *slog.Logger
	Now      func() time.Time
}

// Answer is what is counted of an answer: nothing that a caller can make up.
type Answer struct {
	Route  string // the pattern; empty where none matched
	Method string
	Status int
	Took   time.Duration
}

// Server is the HTTP handler of all surfaces.
type Server struct {
	cfg Config
	mux *http.ServeMux
}

// forGood is how long answers are kept that never change.
const forGood = 30 * 24 * time.Hour

// timeout bounds one request of a client.
const timeout = 15 * time.Second

// New makes the handler. It panics on a route table that contradicts itself.
func New(cfg Config) *Server {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Addresses == nil {
		cfg.Addresses = limit.Alone{Memory: limit.New(MostAddresses)}
	}
	if cfg.Answered == nil {
		cfg.Answered = func(Answer) {}
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux()}
	for _, surface := range cfg.Surfaces {
		for _, route := range surface.Routes {
			named := route.Method + " " + route.Pattern
			s.mux.Handle(named, &handler{s, surface, route, route.charge(named)})
		}
	}
	s.mux.Handle("/", &fallback{s})
	return s
}

// surfaceOf finds the surface that a path belongs to, also where no route matches.
func (s *Server) surfaceOf(path string) *Surface {
	for _, surface := range s.cfg.Surfaces {
		if surface.Prefix != "" && strings.HasPrefix(path, surface.Prefix) {
			return surface
		}
	}
	return s.cfg.Surfaces[0]
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := s.cfg.Now()
	ctx, cancel := r.Context(), func() {}
	if !s.cfg.Operator { // who may check a whole audit chain
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	defer cancel()
	call := &call{ResponseWriter: w, context: r.Context(), id: newRequestID(), address: clientAddress(r, s.cfg.TrustedProxies)}
	h := w.Header()
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
	h["X-Request-Id"] = []string{call.id}
	r = r.WithContext(ctx)
	defer func() {
		p := recover()
		if p != nil && p != http.ErrAbortHandler {
			s.cfg.Logger.Error("a request panicked", "request", call.id, "panic", p, "stack", string(debug.Stack()))
			s.cfg.Surfaces[0].WriteError(call, failureOf(errors.New("panic")), call.id)
		}
		if call.status >= http.StatusInternalServerError { // which nobody pays for
			s.cfg.Authority.Refund(ctx, call.paid)
		}
		took := s.cfg.Now().Sub(start)
		s.log(r, call, took)
		s.count(r, call)
		s.cfg.Answered(Answer{Route: call.pattern, Method: knownMethod(r.Method), Status: call.status, Took: took})
		if p == http.ErrAbortHandler { // for the HTTP server, which closes the connection
			panic(p)
		}
	}()
	if !canonical(r) {
		s.surfaceOf(r.URL.Path).fail(call, r, credential.Errorf(credential.NotFound, "no such path"))
		return
	}
	s.mux.ServeHTTP(call, r)
}

// Header values that every answer has; shared, never changed.
var (
	noStore  = []string{"no-store"}
	noSniff  = []string{"nosniff"}
	jsonType = []string{"application/json"}
)

// canonical reports whether the path means one thing to everybody on the way:
// no dot segments, doubled slashes or escapes that somebody may read otherwise.
// ServeMux would answer some of these with a redirect, which a request with a
// credential never gets.
func canonical(r *http.Request) bool {
	p := r.URL.Path
	return harmlessEscapes(r.URL.RawPath) && strings.HasPrefix(p, "/") && !strings.Contains(p, "//") &&
		!strings.Contains(p+"/", "/./") && !strings.Contains(p+"/", "/../") && r.Method != http.MethodConnect
}

// harmlessEscapes reports whether a path escapes nothing that it needn't, but
// for characters that structure no path and that careful clients escape, as in
// ada%40example.com (RFC 3986 section 3.3: sub-delims, ":" and "@").
func harmlessEscapes(rawPath string) bool {
	for i := range len(rawPath) {
		if rawPath[i] != '%' {
			continue
		}
		c, err := url.PathUnescape(rawPath[i:min(i+3, len(rawPath))])
		if err != nil || !strings.Contains("@:+&=$!'()*,", c) {
			return false
		}
	}
	return true
}

// methods are the ones that routes have.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// handler serves one route.
type handler struct {
	server  *Server
	surface *Surface
	route   Route
	charge  authority.Charge // of a request
}

// ServeHTTP authenticates, calls the endpoint and writes its answer.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := w.(*call)
	c.pattern, c.handler = h.route.Pattern, h
	maps.Copy(w.Header(), h.surface.Headers)
	req := &Request{Request: r, Address: c.address, ID: c.id, max: h.route.MaxBody, nulls: h.surface.Nulls, loose: h.surface.Loose, packed: h.route.Packed, writer: w, handler: h}
	out, err := h.serve(req)
	if req.Principal.Credential != nil {
		c.credential = req.Principal.Credential.ID.String()
	}
	if err != nil {
		h.surface.fail(c, r, err)
		return
	}
	if s, ok := out.(Stream); ok {
		h.stream(c, r, s)
		return
	}
	if f, ok := out.(File); ok {
		h.file(c, r, f)
		return
	}
	if _, ok := out.(Nothing); ok {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	body, err := encode(out, w.Header())
	if err != nil {
		h.surface.fail(c, r, err)
		return
	}
	if tagged, ok := out.(interface{ ETag() string }); ok && tagged.ETag() != "" {
		w.Header().Set("ETag", `"`+tagged.ETag()+`"`)
	}
	if h.route.MaxAge > 0 {
		kept := "public, max-age=" + strconv.Itoa(int(h.route.MaxAge.Seconds()))
		if h.route.MaxAge >= forGood {
			kept += ", immutable"
		}
		w.Header().Set("Cache-Control", kept)
	}
	body = pack(r, out, body, w.Header())
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	status := max(h.route.Status, http.StatusOK)
	if page, ok := out.(Page); ok && page.Status != 0 {
		status = page.Status
	}
	if own, ok := out.(interface{ StatusCode() int }); ok {
		status = own.StatusCode()
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that is gone can't be told
}

func (h *handler) serve(r *Request) (any, error) {
	if err := h.limitAddress(r); err != nil {
		return nil, err
	}
	if r.URL.RawQuery != "" && !h.route.Answered {
		if name, found := secretInURL(r.URL.RawQuery, h.server.cfg.Authority.Schemes()); found {
			return nil, &credential.Error{Kind: credential.BadRequest, Field: name,
				Detail: "a secret must not stand in a URL, where logs and proxies keep it; send it in a header, and rotate it now"}
		}
	}
	if h.surface.Browser {
		if err := sameOrigin.Check(r.Request); err != nil {
			return nil, credential.Errorf(credential.Forbidden, "this request comes from a page of another site")
		}
	}
	if err := h.authenticate(r); err != nil {
		return nil, err
	}
	if err := r.readQuery(h.route.Params); err != nil {
		return nil, err
	}
	if err := r.readCondition(h.route.Conditional()); err != nil {
		return nil, err
	}
	return h.route.serve(r)
}

// sameOrigin refuses what a page of another site makes a browser do.
var sameOrigin = http.NewCrossOriginProtection()

// authenticate finds out who calls and whether it may use the route.
func (h *handler) authenticate(r *Request) error {
	if h.server.cfg.Operator {
		r.Principal = credential.Operator()
		r.Principal.RequestID = r.ID
		return nil
	}
	permission, needed := h.route.Access.Permission()
	if !needed {
		return nil
	}
	if h.surface.Console {
		return h.identifyOperator(r)
	}
	return h.identify(r, permission)
}

// identifyOperator finds the session of the operator that a browser presents.
func (h *handler) identifyOperator(r *Request) error {
	presented, err := h.surface.Present(r.Header)
	if err != nil {
		return err
	}
	if presented.As == "" {
		return &Denial{}
	}
	p, ends, err := h.server.cfg.Authority.InConsole(r.Context(), presented.Text)
	if err != nil {
		return err
	}
	if !p.IsOperator() || p.Console == uuid.Nil {
		return &Denial{Code: credential.CodeUnknown}
	}
	p.Address, p.RequestID = r.Address, r.ID
	r.Principal, r.EndsAt = p, ends
	return nil
}

// identify verifies the credential that a request carries.
func (h *handler) identify(r *Request, permission credential.Permission) error {
	presented, err := h.surface.Present(r.Header)
	if err != nil {
		return err
	}
	if presented.As == "" {
		return &Denial{}
	}
	token := jwt.Looks(presented.Text)
	if !h.server.cfg.Authority.Accepts(presented.Text, presented.As) {
		return &Denial{Code: credential.CodeMalformed, Token: token}
	}
	v := authority.Verification{
		Permission: permission, Address: r.Address, UserAgent: r.UserAgent(), Organization: r.organization(), RequestID: r.ID,
		Takes: h.surface.Takes, Charge: h.charge, Ours: true,
	}
	d, err := h.server.cfg.Authority.Verify(r.Context(), presented.Text, v)
	if err != nil {
		return err
	}
	if c, ok := r.writer.(*call); ok {
		c.paid, c.standing, c.letIn = d.Paid, d.Standing, d.Code == credential.OK
	}
	h.tellLimit(r, d.Limit)
	if err := refusal(&d, v, token); err != nil {
		return err
	}
	r.Principal = d.Principal
	r.Principal.Address, r.Principal.RequestID = r.Address, r.ID
	return nil
}

// organization names the organization that the request is about: by its path,
// or by a header where the path names none.
func (r *Request) organization() string {
	if named := r.PathValue("organization"); named != "" {
		return named
	}
	return r.Header.Get("Gatehouse-Organization")
}

// refusal is why a decision lets nobody in, or nil. An organization in which a
// user is no member is answered like one that doesn't exist.
func refusal(d *credential.Decision, v authority.Verification, token bool) error {
	nowhere := d.Standing != nil && d.Standing.Credential.Scheme.Kind == credential.Session && d.Principal.Organization == uuid.Nil
	switch d.Code {
	case credential.OK, credential.CodeForbidden:
		if nowhere && v.Organization != "" {
			return credential.Errorf(credential.NotFound, "no such organization")
		}
		if d.Code == credential.OK {
			return nil
		}
	}
	return &Denial{Code: d.Code, Permission: v.Permission, Token: token, Limit: d.Limit, Budget: d.Budget, Nowhere: nowhere}
}

// fail writes an error in the surface's shape.
func (s *Surface) fail(c *call, r *http.Request, err error) {
	c.err = err
	f := failureOf(err)
	f.Request = r
	maps.Copy(c.Header(), s.Headers)
	var challenger interface{ Challenge() string }
	if errors.As(err, &challenger) {
		if challenge := challenger.Challenge(); challenge != "" {
			c.Header().Set("WWW-Authenticate", challenge)
		}
	}
	switch f.Status {
	case http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		c.Header().Set("Retry-After", "1")
	case http.StatusConflict:
		if f.Code == string(credential.InProgress) {
			c.Header().Set("Retry-After", "1")
		}
	case http.StatusTooManyRequests:
		wait := 15 * time.Minute // of codes that were tried too often
		var again interface{ RetryAfter() time.Duration }
		switch {
		case f.Denied != nil:
			wait = f.Denied.RetryAfter()
		case errors.As(err, &again):
			wait = max(time.Second, again.RetryAfter())
		}
		c.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	case http.StatusRequestEntityTooLarge:
		c.Header().Set("Connection", "close")
	}
	s.WriteError(c, f, c.id)
}

// fallback answers what no route matches.
type fallback struct{ server *Server }

// ServeHTTP answers 405 where another method would match, else 404.
func (f *fallback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, surface := w.(*call), f.server.surfaceOf(r.URL.Path)
	var allow []string
	for _, method := range methods {
		probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := f.server.mux.Handler(probe); pattern != "/" {
			allow = append(allow, method)
		}
	}
	if len(allow) == 0 {
		surface.fail(c, r, credential.Errorf(credential.NotFound, "no such path"))
		return
	}
	c.Header().Set("Allow", strings.Join(allow, ", "))
	surface.fail(c, r, credential.Errorf(credential.MethodNotAllowed, "this path takes %s", strings.Join(allow, ", ")))
}

// Routes returns the routes of all surfaces, for documents and tests.
func (s *Server) Routes() []Route {
	var all []Route
	for _, surface := range s.cfg.Surfaces {
		all = append(all, surface.Routes...)
	}
	return slices.Clone(all)
}
