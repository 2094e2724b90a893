package client_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// guarded sends a request to a handler behind a guard, and returns the answer
// and whether the handler was reached.
func guarded(c *client.Client, o client.MiddlewareOptions, permission string, r *http.Request) (*http.Response, bool) {
	reached := false
	h := client.Middleware(c, o).Require(permission)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached = true
		if d, ok := client.FromContext(r.Context()); !ok || !d.Active {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), reached
}

func asking(header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

// wantRefusal holds an answer to a status, a code and what the headers say.
func wantRefusal(t *testing.T, name string, resp *http.Response, want refusal) {
	t.Helper()
	text, _ := io.ReadAll(resp.Body)
	var p api.Problem
	if err := json.Unmarshal(text, &p); err != nil {
		t.Errorf("%s: the body is no problem: %s", name, text)
	}
	got := refusal{resp.StatusCode, p.Code, resp.Header.Get("WWW-Authenticate"), resp.Header.Get("Retry-After")}
	if got != want || p.Status != want.status || p.Title != http.StatusText(want.status) || p.Detail == "" ||
		resp.Header.Get("Content-Type") != "application/problem+json" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: got %+v, want %+v; %v %s", name, got, want, resp.Header, text)
	}
	for _, secret := range []string{"the-secret", "the-token"} {
		if strings.Contains(string(text)+got.challenge, secret) {
			t.Errorf("%s: the answer shows %s", name, secret)
		}
	}
}

type refusal struct {
	status                 int
	code, challenge, after string
}

const challenge = `Bearer realm="api"`

// TestO9_GuardTakesOneCredential: one credential, from the headers; the
// challenges are those of RFC 6750 section 3.
func TestO9_GuardTakesOneCredential(t *testing.T) {
	absent := refusal{401, "unauthenticated", challenge, ""}
	misused := refusal{400, "bad_request", challenge + `, error="invalid_request"`, ""}
	for name, c := range map[string]struct {
		request *http.Request
		want    refusal
	}{
		"nothing":            {asking(), absent},
		"elsewhere":          {asking("Cookie", "token=the-secret", "Proxy-Authorization", "Bearer the-secret"), absent},
		"Basic":              {asking("Authorization", "Basic dGhlLXNlY3JldA=="), absent},
		"bare":               {asking("Authorization", "the-secret"), absent},
		"empty":              {asking("Authorization", ""), absent},
		"leading space":      {asking("Authorization", " Bearer the-secret"), absent},
		"two lines":          {asking("Authorization", "Bearer the-secret", "Authorization", "Bearer the-secret"), misused},
		"two headers":        {asking("Authorization", "Bearer the-secret", "X-API-Key", "the-secret"), misused},
		"two, one empty":     {asking("Authorization", "", "X-API-Key", "the-secret"), misused},
		"two keys":           {asking("X-API-Key", "the-secret", "X-API-Key", "x"), misused},
		"in the URL":         {httptest.NewRequest("GET", "/orders?access_token=the-secret", nil), misused},
		"in a form":          {httptest.NewRequest("POST", "/orders", strings.NewReader("access_token=the-secret")), absent},
		"longer than anyone": {asking("X-API-Key", strings.Repeat("x", 9<<10)), refusal{401, "invalid_credential", challenge + `, error="invalid_token"`, ""}},
	} {
		server, last := answering(t, 200, fine)
		resp, reached := guarded(client.New(server.URL, "the-token", nil), client.MiddlewareOptions{}, "orders:read", c.request)
		if reached || last.method != "" {
			t.Errorf("%s: reached %t, asked %+v; want neither", name, reached, last)
		}
		wantRefusal(t, name, resp, c.want)
	}
	long := strings.Repeat("<", 8<<10) // each of them takes 6 bytes in JSON
	for name, c := range map[string]struct {
		request *http.Request
		want    string
	}{
		"Bearer":         {asking("Authorization", "Bearer the-secret"), "the-secret"},
		"any case":       {asking("Authorization", "bEARER  the-secret"), "the-secret"},
		"Bearer alone":   {asking("Authorization", "Bearer"), ""},
		"X-API-Key":      {asking("X-API-Key", "the-secret"), "the-secret"},
		"trailing space": {asking("X-API-Key", "the-secret "), "the-secret "},
		"joined":         {asking("Authorization", "Bearer a, Bearer b"), "a, Bearer b"},
		"long":           {asking("Authorization", "Bearer "+long), long},
	} {
		server, last := answering(t, 200, fine)
		before := c.request.Header.Clone()
		resp, reached := guarded(client.New(server.URL, "the-token", nil), client.MiddlewareOptions{}, "", c.request)
		var asked api.Verify
		if err := json.Unmarshal([]byte(last.body), &asked); err != nil || asked.Credential == nil || *asked.Credential != c.want || !reached || resp.StatusCode != 200 || len(last.body) > 64<<10 {
			t.Errorf("%s: got %d, asked %.99s, want %.99q", name, resp.StatusCode, last.body, c.want)
		}
		if diff := cmp.Diff(before, c.request.Header); diff != "" {
			t.Errorf("%s: the request changed: %s", name, diff)
		}
	}
}

// TestO9_GuardRefuses: what each code of a decision is answered with.
func TestO9_GuardRefuses(t *testing.T) {
	invalid := refusal{401, "invalid_credential", challenge + `, error="invalid_token"`, ""}
	for code, want := range map[string]refusal{
		"malformed": invalid, "unknown": invalid, "revoked": invalid, "expired": invalid, "suspended": invalid, "not_yet_valid": invalid,
		"owner_inactive": invalid, "wrong_audience": invalid, "a code to come": invalid, "": invalid,
		"ok":                 invalid, // it isn't active
		"insufficient_scope": {403, "insufficient_scope", challenge + `, error="insufficient_scope", scope="orders:read"`, ""},
		"forbidden":          {403, "forbidden", "", ""},
		"address_denied":     {403, "forbidden", "", ""},
		"rate_limited":       {429, "rate_limited", "", "60"},
	} {
		body, _ := json.Marshal(api.Decision{Code: code})
		server, _ := answering(t, 200, string(body))
		o := client.MiddlewareOptions{Failed: func(_ *http.Request, err error) { t.Errorf("%s: it was decided, and yet failed: %v", code, err) }}
		resp, reached := guarded(client.New(server.URL, "the-token", nil), o, "orders:read", asking("X-API-Key", "the-secret"))
		if reached {
			t.Errorf("%s: the handler was reached", code)
		}
		wantRefusal(t, code, resp, want)
	}
	limited, _ := answering(t, 200, `{"code":"rate_limited","limits":{"limit":600,"window":"1h","of":"project","retry_after":6}}`)
	spent, _ := answering(t, 200, `{"code":"budget_exceeded","budget":{"of":{"type":"project","id":"x"},"retry_after":600}}`)
	resp, _ := guarded(client.New(spent.URL, "", nil), client.MiddlewareOptions{}, "", asking("X-API-Key", "x"))
	wantRefusal(t, "budget_exceeded, and told when", resp, refusal{429, "budget_exceeded", "", "600"})
	resp, _ = guarded(client.New(limited.URL, "", nil), client.MiddlewareOptions{}, "", asking("X-API-Key", "x"))
	wantRefusal(t, "rate_limited, and told when", resp, refusal{429, "rate_limited", "", "6"})

	server, _ := answering(t, 200, `{"code":"insufficient_scope"}`)
	resp, _ = guarded(client.New(server.URL, "", nil), client.MiddlewareOptions{Realm: "the \"shop\"\r\nX: y"}, "a\"b\\c\r\nd", asking("X-API-Key", "x"))
	if got, want := resp.Header.Get("WWW-Authenticate"), `Bearer realm="the shopX: y", error="insufficient_scope", scope="abcd"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestS12_GuardFailsClosed: whatever isn't a decision lets nobody in, and is
// told to whoever looks after the service.
func TestS12_GuardFailsClosed(t *testing.T) {
	for name, say := range map[string]reply{
		"hangs up": {}, "half": {status: 200, body: fine, cut: true}, "no JSON": {status: 200, body: "true"}, "empty": {status: 200},
		"another type": {status: 200, body: `{"code":"ok","active":"true"}`}, "a list": {status: 200, body: `[{"active":true}]`},
		"unavailable": {status: 503, body: unavailable}, "active but 500": {status: 500, body: fine}, "active but 403": {status: 403, body: fine},
		"redirect": {status: 302, body: fine}, "own key revoked": {status: 401, body: `{"code":"revoked","detail":"the credential is revoked"}`},
		"own key lacks the scope": {status: 403, body: `{"code":"insufficient_scope","detail":"no"}`}, "own key limited": {status: 429, body: `{"code":"rate_limited"}`, after: "9"},
		"question refused": {status: 422, body: `{"code":"invalid","field":"permission"}`},
	} {
		p := newPatient(t, client.Options{}, say)
		var told error
		o := client.MiddlewareOptions{Failed: func(_ *http.Request, err error) { told = err }}
		resp, reached := guarded(p.Client, o, "orders:read", asking("X-API-Key", "the-secret"))
		if reached || told == nil || strings.Contains(told.Error(), "the-secret") || strings.Contains(told.Error(), "the-token") {
			t.Errorf("%s: reached %t, told %v", name, reached, told)
		}
		wantRefusal(t, name, resp, refusal{503, "unavailable", "", "1"})
	}

	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer slow.Close()
	defer close(release)
	resp, reached := guarded(client.New(slow.URL, "", nil), client.MiddlewareOptions{Timeout: time.Millisecond}, "", asking("X-API-Key", "x"))
	if reached {
		t.Error("no answer: the handler was reached")
	}
	wantRefusal(t, "no answer", resp, refusal{503, "unavailable", "", "1"})

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := client.MiddlewareOptions{Failed: func(_ *http.Request, err error) { t.Errorf("told of a caller that is gone: %v", err) }}
	if _, reached := guarded(client.New(slow.URL, "", nil), o, "", asking("X-API-Key", "x").WithContext(ctx)); reached {
		t.Error("a caller that is gone: the handler was reached")
	}
}

// TestGuardAsksAboutTheRequest: project, address and user agent of a request
// are part of the question; none of them can keep it from being asked.
func TestGuardAsksAboutTheRequest(t *testing.T) {
	header := func(name string) func(*http.Request) string {
		return func(r *http.Request) string { return r.Header.Get(name) }
	}
	secret := "the-secret"
	for _, c := range []struct {
		peer, project, forwarded, agent string
		o                               client.MiddlewareOptions
		want                            api.Verify
	}{
		{peer: "203.0.113.7:4711", agent: "curl/8", want: api.Verify{Address: "203.0.113.7", UserAgent: "curl/8"}},
		{peer: "[2001:db8::7]:4711", want: api.Verify{Address: "2001:db8::7"}},
		{peer: "[::ffff:203.0.113.7]:1", want: api.Verify{Address: "203.0.113.7"}},
		{peer: "[fe80::1%eth0]:1", want: api.Verify{Address: "fe80::1"}},
		{peer: "@", want: api.Verify{}},
		{peer: "203.0.113.7:1", forwarded: "198.51.100.9", project: "PRJ-1", want: api.Verify{Address: "203.0.113.7"}},
		{peer: "203.0.113.7:1", forwarded: "198.51.100.9", o: client.MiddlewareOptions{Address: header("X-Real-IP")}, want: api.Verify{Address: "198.51.100.9"}},
		{peer: "203.0.113.7:1", forwarded: "anywhere", o: client.MiddlewareOptions{Address: header("X-Real-IP")}, want: api.Verify{}},
		{peer: "203.0.113.7:1", o: client.MiddlewareOptions{Address: header("X-Real-IP")}, want: api.Verify{}},
		{peer: "@", project: "PRJ-1", o: client.MiddlewareOptions{Project: header("Project")}, want: api.Verify{Project: "PRJ-1"}},
		{peer: "@", agent: strings.Repeat("x", 300), want: api.Verify{UserAgent: strings.Repeat("x", 256)}},
	} {
		server, last := answering(t, 200, fine)
		r := asking("Authorization", "Bearer "+secret, "Project", c.project, "X-Real-IP", c.forwarded, "User-Agent", c.agent)
		r.RemoteAddr = c.peer
		guarded(client.New(server.URL, "the-token", nil), c.o, "orders:read", r)
		var got api.Verify
		c.want.Credential, c.want.Permission = &secret, "orders:read"
		if err := json.Unmarshal([]byte(last.body), &got); err != nil || !cmp.Equal(got, c.want) || last.path != "/v1/verify" || last.header.Get("Authorization") != "Bearer the-token" {
			t.Errorf("%+v: asked %s %s, want %+v", c, last.path, last.body, c.want)
		}
	}
}

// TestGuardKeepsNoDecision: each request is asked about anew.
func TestGuardKeepsNoDecision(t *testing.T) {
	p := newPatient(t, client.Options{}, reply{status: 200, body: fine}, reply{status: 503, body: unavailable}, reply{status: 200, body: fine}, reply{status: 200, body: `{"code":"revoked","active":false}`})
	for i, want := range []int{200, 200, 401, 401} { // the second is asked about twice
		if resp, _ := guarded(p.Client, client.MiddlewareOptions{}, "", asking("X-API-Key", "x")); resp.StatusCode != want {
			t.Errorf("request %d: got %d, want %d", i, resp.StatusCode, want)
		}
	}
	if got := len(p.attempts()); got != 5 {
		t.Errorf("four requests were asked about %d times, want 5", got)
	}
}

func TestFromContextWithoutGuard(t *testing.T) {
	if d, ok := client.FromContext(t.Context()); ok || d != nil {
		t.Errorf("got %+v, %t; want nothing", d, ok)
	}
}

// FuzzGuard: whatever the headers are, a request passes only after a decision
// that says so, and is answered otherwise.
func FuzzGuard(f *testing.F) {
	for _, seed := range []string{"Bearer x", "", "Bearer", "Basic eDp5", "bearer \x00\xff", "Bearer <&>"} {
		f.Add(seed, "", "", true)
		f.Add("", seed, "access_token=x", false)
	}
	f.Fuzz(func(t *testing.T, authorization, key, query string, active bool) {
		asked := 0
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			asked++
			text, err := io.ReadAll(r.Body)
			if err != nil || len(text) > 64<<10 || !json.Valid(text) {
				t.Errorf("the question has %d bytes: %v", len(text), err)
			}
			body, err := json.Marshal(api.Decision{Active: active})
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(string(body)))}, err
		})
		r := asking("User-Agent", authorization)
		r.URL = &url.URL{Path: "/", RawQuery: query}
		for name, text := range map[string]string{"Authorization": authorization, "X-Api-Key": key} {
			if text != "" {
				r.Header[name] = []string{text}
			}
		}
		resp, reached := guarded(client.New("http://gatehouse", "", transport), client.MiddlewareOptions{}, "", r)
		if reached != (asked == 1 && active) || reached != (resp.StatusCode == 200) || asked > 1 {
			t.Errorf("%q %q: reached %t with %d after %d questions", authorization, key, reached, resp.StatusCode, asked)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What a request is about is told by its route, unless somebody says otherwise.
func TestMiddlewareNamesTheResource(t *testing.T) {
	for name, c := range map[string]struct {
		pattern string
		named   func(*http.Request) string
		want    string
	}{
		"pattern with a method": {"GET /orders", nil, "GET /orders"}, "pattern without": {"/orders", nil, "GET /orders"}, "no pattern": {"", nil, ""},
		"by the service": {"GET /orders", func(*http.Request) string { return "list orders" }, "list orders"},
	} {
		var asked api.Verify
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewDecoder(r.Body).Decode(&asked)
			_, _ = io.WriteString(w, `{"code":"ok","active":true}`)
		}))
		defer server.Close()
		r := asking("X-API-Key", "x")
		r.Pattern = c.pattern
		if _, reached := guarded(client.New(server.URL, "", nil), client.MiddlewareOptions{Resource: c.named}, "", r); !reached || asked.Resource != c.want {
			t.Errorf("%s: reached %t, resource %q; want %q", name, reached, asked.Resource, c.want)
		}
	}
}
