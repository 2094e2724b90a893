package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/rest"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

var update = flag.Bool("update", false, "write the golden files")

// world is a server with the whole native API, two organizations, and a
// credential of every sort. Calls go through loopback HTTP.
type world struct {
	cfg       store.Config
	store     *store.Store
	authority *authority.Authority
	edge      *edge.Server
	url       string         // of the public handler
	backURL   string         // of the operator's
	operator  *client.Client // through the operator's handler
	logs      *buffer
	clock     *clock

	acme, other          api.Organization
	alpha, hidden, spare api.Project // spare may be archived
	foreign              api.Project // the other organization's
	secrets              map[string]string
	records              map[string]api.Credential
	issueAgain           map[string]api.CreateCredential
	posted               atomic.Int64
	hook, told           string // a webhook of Acme and a delivery to it, once a test needs them
}

// storeConfig is what storetest hands out.
type storeConfig = store.Config

// clock is the system's, moved.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// buffer keeps what several goroutines write.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// newServer serves an empty store.
func newServer(t testing.TB, cfg store.Config) *world {
	t.Helper()
	w := &world{cfg: cfg, logs: &buffer{}, clock: &clock{}, secrets: map[string]string{}, records: map[string]api.Credential{}, issueAgain: map[string]api.CreateCredential{}}
	log := slog.New(slog.NewJSONHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.Logger = log
	w.store = storetest.Open(t, cfg)
	w.authority = authority.New(authority.Config{PasswordMemory: 64, Issuer: "https://keys.test", Store: w.store, Schemes: cfg.Schemes, Now: w.clock.now, Logger: log,
		Keep: authority.Retention{UsageDays: 400, RequestDays: 90}})
	surfaces := []*edge.Surface{rest.Surface(w.authority, w.workspace(t), w.store.Root())}
	front := edge.Config{Authority: w.authority, Surfaces: surfaces, Logger: log}
	back := front
	back.Operator = true
	w.edge = edge.New(front)
	public, private := httptest.NewServer(w.edge), httptest.NewServer(edge.New(back))
	t.Cleanup(public.Close)
	t.Cleanup(private.Close)
	w.url, w.backURL = public.URL, private.URL
	w.operator = client.New(private.URL, "", nil)
	return w
}

// workspace keeps what is in projects, with files in a directory of the test.
func (w *world) workspace(t testing.TB) *workspace.Workspace {
	return workspace.New(workspace.Config{Store: w.store, Now: w.clock.now, Issuer: "https://keys.test", Posted: func() { w.posted.Add(1) },
		Files: artifact.New(artifact.Config{Directory: t.TempDir(), Most: 1 << 20})})
}

// newWorld serves a store with sample data.
func newWorld(t testing.TB, cfg store.Config) *world {
	t.Helper()
	w := newServer(t, cfg)
	w.must(t, "POST", "/v1/organizations", api.CreateOrganization{Name: "Acme"}, &w.acme)
	w.must(t, "POST", "/v1/organizations", api.CreateOrganization{Name: "Other"}, &w.other)
	base := "/v1/organizations/" + w.acme.ID
	for name, role := range map[string]string{"owner": "owner", "admin": "admin", "member": "member", "lead": "member", "guest": "guest", "extra": "member"} {
		w.must(t, "POST", base+"/members", api.CreateUser{Email: name + "@acme.test", Name: "The " + name, Role: role}, nil)
	}
	for name, p := range map[string]*api.Project{"Alpha": &w.alpha, "Hidden": &w.hidden, "Spare": &w.spare} {
		w.must(t, "POST", base+"/projects", api.CreateProject{Name: name}, p)
	}
	for user, role := range map[string]string{"member": "user", "lead": "admin", "guest": "guest"} {
		for _, p := range []api.Project{w.alpha, w.spare} {
			w.must(t, "PUT", base+"/projects/"+p.ID+"/members/"+user+"@acme.test", api.SetRole{Role: role}, nil)
		}
	}
	far := "/v1/organizations/" + w.other.ID
	w.must(t, "POST", far+"/members", api.CreateUser{Email: "owner@other.test", Name: "Far owner", Role: "owner"}, nil)
	w.must(t, "POST", far+"/projects", api.CreateProject{Name: "Far"}, &w.foreign)
	for _, caller := range w.callers() {
		w.issue(t, caller.name, caller.CreateCredential)
	}
	return w
}

// caller is a credential that the tests call with.
type caller struct {
	name string
	api.CreateCredential
}

// nativeScopes is every permission that a gatehouse_key may carry at once.
func (w *world) nativeScopes() []string {
	var out []string
	for _, s := range w.cfg.Schemes.ByName("gatehouse_key").Scopes.Names() {
		out = append(out, string(s))
	}
	return out
}

// callers has one credential of every scheme and one token of every role, which
// no test calls too often.
func (w *world) callers() []caller {
	pat := func(user string) api.CreateCredential {
		return api.CreateCredential{Scheme: "testkase_pat", Name: user, User: user + "@acme.test", ExpiresIn: "90d", RateLimit: 1_000_000}
	}
	list := []caller{
		{"static", api.CreateCredential{Scheme: "betatesting_static", Name: "static"}},
		{"client", api.CreateCredential{Scheme: "betatesting_client", Name: "client"}},
		{"betahub", api.CreateCredential{Scheme: "betahub_pat", Name: "betahub", User: "admin@acme.test"}},
		{"token", api.CreateCredential{Scheme: "betahub_project_token", Name: "token", Project: w.alpha.ID, Scopes: []string{"can_create_bug_report"}}},
		{"onetest", api.CreateCredential{Scheme: "onetest_key", Name: "onetest", Project: w.alpha.ID}},
		{"live", api.CreateCredential{Scheme: "bunship_live", Name: "live", Scopes: []string{"*"}}},
		{"test", api.CreateCredential{Scheme: "bunship_test", Name: "test", Scopes: []string{"read:projects"}}},
		{"key", api.CreateCredential{Scheme: "gatehouse_key", Name: "key", Scopes: w.nativeScopes()}},
		{"wide", api.CreateCredential{Scheme: "gatehouse_key", Name: "wide", Scopes: w.nativeScopes()}},
		{"far", api.CreateCredential{Scheme: "gatehouse_key", Name: "far", Scopes: w.nativeScopes()}},
		{"owner", pat("owner")}, {"admin", pat("admin")}, {"member", pat("member")}, {"lead", pat("lead")}, {"guest", pat("guest")},
	}
	for i := range list {
		switch list[i].name {
		case "wide": // above every organization
		case "far":
			list[i].Organization = w.other.ID
		default:
			list[i].Organization = w.acme.ID
		}
	}
	return list
}

// issue makes a credential as the operator and remembers its secret.
func (w *world) issue(t testing.TB, name string, in api.CreateCredential) api.IssuedCredential {
	t.Helper()
	var out api.IssuedCredential
	w.must(t, "POST", "/v1/credentials", in, &out)
	w.secrets[name], w.records[name], w.issueAgain[name] = out.Secret, out.Credential, in
	return out
}

// must calls as the operator and fails the test on a refusal.
func (w *world) must(t testing.TB, method, path string, in, out any) {
	t.Helper()
	if err := w.operator.Call(context.Background(), method, path, in, out); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
}

// as is a client with a caller's credential.
func (w *world) as(name string) *client.Client { return client.New(w.url, w.secrets[name], nil) }

// request is one raw call.
type request struct {
	method, path string
	as           string // a caller, or "operator"; empty for no credential
	header       http.Header
	body         any // string and []byte are sent as they are, all else as JSON
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) problem(t testing.TB) api.Problem {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("not a problem: %.200q: %v", a.body, err)
	}
	return p
}

func (a answer) decode(t testing.TB, out any) {
	t.Helper()
	if a.status > 299 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		t.Fatalf("%.200q: %v", a.body, err)
	}
}

// build makes the HTTP request.
func (w *world) build(t testing.TB, r request) *http.Request {
	t.Helper()
	var body io.Reader
	switch b := r.body.(type) {
	case nil:
	case string:
		body = strings.NewReader(b)
	case []byte:
		body = bytes.NewReader(b)
	case io.Reader:
		body = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	url := w.url
	if r.as == "operator" {
		url = w.backURL
	}
	req, err := http.NewRequest(r.method, url+r.path, body)
	if err != nil {
		t.Fatal(err)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if strings.HasSuffix(r.path, "/import") { // of which the body is one line
		req.Header.Set("Content-Type", edge.LinesMedia)
	}
	if r.as != "" && r.as != "operator" {
		req.Header.Set("Authorization", "Bearer "+w.secrets[r.as])
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	return req
}

// do makes a raw call and checks what every answer must be.
func (w *world) do(t testing.TB, r request) answer {
	t.Helper()
	return w.send(t, r, w.build(t, r))
}

// send makes a call that was built already; it follows no redirect.
func (w *world) send(t testing.TB, r request, req *http.Request) answer {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	a := answer{resp.StatusCode, resp.Header, body}
	checkAnswer(t, r, a)
	return a
}

// leaks finds what no answer may show of the inside.
var leaks = regexp.MustCompile(`(?i)sqlite|sqlstate|pgx|postgres|constraint|syntax error|near "|unterminated|/(work|tmp|home|root|usr)/|\.go\b|goroutine|runtime error|panic`)

var requestID = regexp.MustCompile(`^[0-9a-f]{16}$`)

// checkAnswer holds what is true of every answer: it is not a redirect, not
// cached, numbered, and a refusal is a whole problem that shows no inside.
func checkAnswer(t testing.TB, r request, a answer) {
	t.Helper()
	call := r.method + " " + r.path
	if a.status >= 300 && a.status < 400 {
		t.Errorf("%s: got a redirect %d to %q", call, a.status, a.header.Get("Location"))
	}
	cached := "no-store"
	if strings.Contains(r.path, "/files/") && a.status == http.StatusOK { // which never change
		cached = "private, no-cache"
	}
	for name, want := range map[string]string{"Cache-Control": cached, "X-Content-Type-Options": "nosniff", "Set-Cookie": ""} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %s: got %q, want %q", call, name, got, want)
		}
	}
	id := a.header.Get("X-Request-Id")
	if !requestID.MatchString(id) {
		t.Errorf("%s: X-Request-Id: got %q", call, id)
	}
	if a.status < 400 || r.method == http.MethodHead {
		return
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s: Content-Type of a %d: got %q", call, a.status, got)
	}
	p := a.problem(t)
	if p.Type != "about:blank" || p.Title != http.StatusText(a.status) || p.Status != a.status || p.Code == "" || p.Detail == "" || p.RequestID != id {
		t.Errorf("%s: not a whole problem: %s", call, a.body)
	}
	if found := leaks.Find(a.body); found != nil {
		t.Errorf("%s: the problem shows %q of the inside: %s", call, found, a.body)
	}
}
