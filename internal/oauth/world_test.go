package oauth_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/oauth"
	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

var background = context.Background()

// world is a server with the OAuth2 surface and something that it protects,
// and an organization with a client. Calls go through loopback HTTP.
type world struct {
	*authority.Authority
	t     testing.TB
	cfg   store.Config
	store *store.Store
	clock *clock
	url   string
	op    *credential.Principal
	org   uuid.UUID
	alpha *store.Project

	client *credential.Credential
	secret string
}

// clock stands still until it is moved, at the time when the test began.
type clock struct {
	began  time.Time
	offset atomic.Int64
}

func (c *clock) now() time.Time          { return c.began.Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// each runs a test in a new world on every database.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) { test(t, newWorld(t, cfg)) })
}

// anywhere lets issuers of identity tokens stand on this machine.
var anywhere = webhook.Targets{Private: []string{"127.0.0.1"}}

func newWorld(t testing.TB, cfg store.Config) *world {
	t.Helper()
	w := &world{t: t, cfg: cfg, clock: &clock{began: time.Now()}, store: storetest.Open(t, cfg)}
	operator := credential.Operator()
	w.op = &operator
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.url = server.URL
	w.Authority = authority.New(authority.Config{Store: w.store, Schemes: cfg.Schemes, Now: w.clock.now, Issuer: server.URL, PasswordMemory: 64,
		Issuers: authority.IssuerRules{Targets: anywhere, Fetch: outbound.NewFetcher(anywhere, "Gatehouse").Fetch}})
	handler = edge.New(edge.Config{Authority: w.Authority, Surfaces: []*edge.Surface{oauth.Surface(w.Authority), protected()}})
	o, err := w.CreateOrganization(background, w.op, authority.NameRequest{Name: "Acme"})
	w.ok(err)
	w.org = o.ID
	w.alpha, err = w.CreateProject(background, w.op, w.org, authority.NameRequest{Name: "Alpha"})
	w.ok(err)
	w.client, w.secret = w.issue(authority.IssueRequest{Scheme: "betatesting_client"})
	return w
}

// protected is a surface with a route that any working credential may call, and
// one that needs a permission.
func protected() *edge.Surface {
	caller := func(r *edge.Request, _ edge.None) (map[string]string, error) {
		return map[string]string{"by": r.Principal.String()}, nil
	}
	return &edge.Surface{
		Routes: []edge.Route{
			edge.Get("/protected", edge.Authenticated, caller),
			edge.Get("/protected/issues", edge.Needs(credential.IssuesWrite), caller),
		},
		Present: edge.FromHeaders,
		WriteError: func(rw http.ResponseWriter, f edge.Failure, _ string) {
			rw.WriteHeader(f.Status)
			_, _ = rw.Write([]byte(`{"code":"` + f.Code + `"}`))
		},
	}
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// issue makes a credential of the organization as the operator.
func (w *world) issue(r authority.IssueRequest) (*credential.Credential, string) {
	w.t.Helper()
	r.Organization, r.Name = w.org, "A "+r.Scheme
	out, err := w.Issue(background, w.op, r)
	w.ok(err)
	return out.Credential, out.Secret.Reveal()
}

// user makes a member and returns a token of it.
func (w *world) user(email string, role credential.Role) (ref authority.UserRef, token string) {
	w.t.Helper()
	m, err := w.CreateUser(background, w.op, w.org, authority.UserRequest{Email: email, Name: "Somebody", Role: role})
	w.ok(err)
	ref = authority.UserRef{ID: m.ID}
	_, token = w.issue(authority.IssueRequest{Scheme: "betahub_pat", User: &ref})
	return ref, token
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (a answer) field(name string) string { s, _ := a.body[name].(string); return s }

// send makes a request and reads the answer; it follows no redirect.
func (w *world) send(r *http.Request) answer {
	w.t.Helper()
	return w.sendBy(http.DefaultTransport, r)
}

func (w *world) sendBy(transport http.RoundTripper, r *http.Request) answer {
	w.t.Helper()
	resp, err := transport.RoundTrip(r)
	w.ok(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.ok(err)
	a := answer{resp.StatusCode, resp.Header, string(text), map[string]any{}}
	_ = json.Unmarshal(text, &a.body)
	if a.status >= 300 && a.status < 400 {
		w.t.Errorf("%s %s: a redirect to %q", r.Method, r.URL.Path, a.header.Get("Location"))
	}
	return a
}

// post sends a form; change, if any, alters the request first.
func (w *world) post(path, form string, change func(*http.Request)) answer {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.url+path, strings.NewReader(form))
	w.ok(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if change != nil {
		change(r)
	}
	return w.send(r)
}

func basic(id, secret string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// asClient authenticates as the world's client.
func (w *world) asClient() func(*http.Request) { return basic(w.client.ClientID, w.secret) }

// token is an access token of the world's client.
func (w *world) token(scope string) string {
	w.t.Helper()
	a := w.post("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}.Encode(), w.asClient())
	if a.status != http.StatusOK || a.field("access_token") == "" {
		w.t.Fatalf("no token: %d %s", a.status, a.text)
	}
	return a.field("access_token")
}

// self is how a protected route answers to a credential.
func (w *world) self(token string) answer {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodGet, w.url+"/protected", nil)
	w.ok(err)
	bearer(token)(r)
	return w.send(r)
}

// wantSelf fails unless a credential is answered with a status and a code.
func (w *world) wantSelf(what, token string, status int, code string) {
	w.t.Helper()
	if a := w.self(token); a.status != status || a.field("code") != code {
		w.t.Errorf("%s: got %d %s, want %d %s", what, a.status, a.text, status, code)
	}
}

const exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"

// trade asks to exchange a credential; more are further parameters.
func (w *world) trade(subject string, more url.Values) answer {
	w.t.Helper()
	form := url.Values{"grant_type": {exchangeGrant}, "subject_token": {subject}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}}
	for name, values := range more {
		form[name] = values
	}
	return w.post("/oauth2/token", form.Encode(), nil)
}

// traded is the token of an exchange that nothing may refuse.
func (w *world) traded(subject string, more url.Values) string {
	w.t.Helper()
	a := w.trade(subject, more)
	if a.status != http.StatusOK {
		w.t.Fatalf("not exchanged: %d %s", a.status, a.text)
	}
	return a.field("access_token")
}

// wantError fails unless an answer is an error of RFC 6749 section 5.2.
func (w *world) wantError(what string, a answer, status int, code string) {
	w.t.Helper()
	if a.status != status || a.field("error") != code || a.field("error_description") == "" ||
		a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Type") != "application/json" {
		w.t.Errorf("%s: got %d %s (%v), want %d %s", what, a.status, a.text, a.header, status, code)
	}
	if strings.Contains(a.text, w.secret) {
		w.t.Errorf("%s: the answer holds the secret", what)
	}
}
