package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/deliver"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// whole is a server with several surfaces, whose clock stands until a test
// moves it. Calls go through loopback HTTP.
type whole struct {
	t        *testing.T
	ahead    atomic.Int64   // nanoseconds that the clock has been moved
	url      string         // of the public handler
	operator *client.Client // through the operator's handler
	org      api.Organization
	verifier string // a credential that may verify
	store    *store.Store
	auth     *authority.Authority
	work     *workspace.Workspace
	server   *edge.Server
	posted   atomic.Int64 // how often mail was said to wait
	hooks    *deliver.Webhooks
	at       store.Config // of the database
}

// eachWhole runs a test with a new server on every database.
func eachWhole(t *testing.T, test func(t *testing.T, w *whole)) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		test(t, newWhole(t, cfg))
	})
}

func newWhole(t *testing.T, cfg store.Config) *whole {
	t.Helper()
	w := &whole{t: t, at: cfg}
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now := func() time.Time { return began.Add(time.Duration(w.ahead.Load())) }
	st := storetest.Open(t, cfg)
	w.store = st
	var front, back http.Handler
	public := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { front.ServeHTTP(rw, r) }))
	private := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { back.ServeHTTP(rw, r) }))
	t.Cleanup(public.Close)
	t.Cleanup(private.Close)
	targets := webhook.Targets{Loopback: true}
	w.hooks = deliver.NewWebhooks(deliver.WebhooksConfig{Store: st, Send: outbound.NewPoster(targets, "Gatehouse").Send, Now: now})
	auth := authority.New(authority.Config{PasswordMemory: 64,
		Store: st, Schemes: cfg.Schemes, Issuer: public.URL, Webhooks: authority.WebhookRules{Targets: targets, SendNow: w.hooks.SendNow},
		Now: now, Keep: authority.Retention{UsageDays: 400, RequestDays: 90},
	})
	work := workspace.New(workspace.Config{
		Store: st, Now: now, Posted: func() { w.posted.Add(1) }, Files: artifact.New(artifact.Config{Directory: t.TempDir(), Most: 64 << 10}),
	})
	config := edge.Config{
		Authority: auth, Surfaces: surfaces(&Config{}, st, auth, work),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	}
	w.auth, w.work, w.server = auth, work, edge.New(config)
	front = w.server
	config.Operator = true
	back = edge.New(config)
	w.url, w.operator = public.URL, client.New(private.URL, "", nil)
	w.must("POST", "/v1/organizations", api.CreateOrganization{Name: "Acme"}, &w.org)
	w.verifier = w.issue(api.CreateCredential{Scheme: "gatehouse_key", Scopes: []string{"credentials:verify"}}).Secret
	return w
}

func (w *whole) advance(d time.Duration) { w.ahead.Add(int64(d)) }

// must calls as the operator.
func (w *whole) must(method, path string, in, out any) {
	w.t.Helper()
	if err := w.operator.Call(context.Background(), method, path, in, out); err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
}

// issue makes a credential of the organization as the operator.
func (w *whole) issue(in api.CreateCredential) (out api.IssuedCredential) {
	w.t.Helper()
	if in.Name == "" {
		in.Name = "A " + in.Scheme
	}
	in.Organization = w.org.ID
	w.must("POST", "/v1/credentials", in, &out)
	return out
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (r reply) field(name string) string { s, _ := r.body[name].(string); return s }

// send makes a call; a body is sent as JSON, but for url.Values, which are a form.
func (w *whole) send(method, path string, body any, change ...func(*http.Request)) reply {
	w.t.Helper()
	content, media := "", ""
	switch b := body.(type) {
	case nil:
	case url.Values:
		content, media = b.Encode(), "application/x-www-form-urlencoded"
	case string:
		content, media = b, "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		content, media = string(text), "application/json"
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(content))
	if err != nil {
		w.t.Fatal(err)
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for _, c := range change {
		c(r)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	out := reply{resp.StatusCode, resp.Header, string(text), map[string]any{}}
	_ = json.Unmarshal(text, &out.body)
	return out
}

func as(credential string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+credential) }
}

func at(address string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("X-Forwarded-For", address) }
}

// verify asks what a credential may do, from an address if one is given.
func (w *whole) verify(credential, permission string, address ...string) string {
	w.t.Helper()
	in := api.Verify{Credential: &credential, Permission: permission, Address: strings.Join(address, "")}
	var out api.Decision
	if err := client.New(w.url, w.verifier, nil).Call(context.Background(), "POST", "/v1/verify", in, &out); err != nil {
		w.t.Fatal(err)
	}
	return out.Code
}

// wantCode fails unless a credential is decided so.
func (w *whole) wantCode(what, credential, permission, want string) {
	w.t.Helper()
	if got := w.verify(credential, permission); got != want {
		w.t.Errorf("%s, for %q: got %s, want %s", what, permission, got, want)
	}
}

// self is how the server answers to a credential as Bearer.
func (w *whole) self(credential string, change ...func(*http.Request)) reply {
	w.t.Helper()
	return w.send("GET", "/v1/self", nil, append(change, as(credential))...)
}

// wantStatus fails unless the answer has a status.
func (w *whole) wantStatus(what string, got reply, want int) {
	w.t.Helper()
	if got.status != want {
		w.t.Errorf("%s: got %d %s, want %d", what, got.status, got.text, want)
	}
}

// browser signs somebody in by a browser, whose cookie it returns.
func (w *whole) browser(email string) func(*http.Request) {
	w.t.Helper()
	a := w.send("POST", "/console/session", map[string]string{"email": email, "password": goodPassword})
	w.wantStatus("signing in", a, 201)
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return func(r *http.Request) { r.Header.Set("Cookie", cookie) }
}

// uploadOf is a form of names and contents; a name with a colon is a field with
// a file, and the file's name. inParts says that a body is such a form.
func uploadOf(pairs ...string) string {
	var form strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		field, file, is := strings.Cut(pairs[i], ":")
		form.WriteString("--x\r\nContent-Disposition: form-data; name=\"" + field + "\"")
		if is {
			form.WriteString("; filename=\"" + file + "\"")
		}
		form.WriteString("\r\n\r\n" + pairs[i+1] + "\r\n")
	}
	return form.String() + "--x--\r\n"
}

func inParts(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }
