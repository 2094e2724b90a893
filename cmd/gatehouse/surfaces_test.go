package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// wired is a server with every surface, as serve wires it, and what may be
// presented to it.
type wired struct {
	t      *testing.T
	server *edge.Server
	host   string // where it listens
	key    string // may verify
	token  string // an access token of a client that may read
}

func newWired(t *testing.T) *wired {
	t.Helper()
	return newWiredLimited(t, "0") // so that every route is reached, however often
}

// newWiredLimited lets an address sign in at a rate.
func newWiredLimited(t *testing.T, signInRate string) *wired {
	t.Helper()
	// An address that begins with https gives no reason to redirect either.
	a := &app{getenv: func(string) string { return "" }, stderr: io.Discard, flags: map[string]string{
		"data": t.TempDir(), "public-url": "https://gatehouse.test", "sign-in-rate": signInRate,
	}}
	cfg, err := a.load()
	if err != nil {
		t.Fatal(err)
	}
	n, err := a.open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(n.public)
	t.Cleanup(func() {
		listener.Close()
		if err := n.store.Close(); err != nil {
			t.Error(err)
		}
	})
	operator := credential.Operator()
	o, err := n.authority.CreateOrganization(t.Context(), &operator, authority.NameRequest{Name: "Acme"})
	if err != nil {
		t.Fatal(err)
	}
	issue := func(r authority.IssueRequest) *authority.Issued {
		r.Organization, r.Name = o.ID, "A "+r.Scheme
		made, err := n.authority.Issue(t.Context(), &operator, r)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	key := issue(authority.IssueRequest{Scheme: "gatehouse_key", Scopes: []credential.Scope{"credentials:verify"}})
	made := issue(authority.IssueRequest{Scheme: "betatesting_client"})
	token, err := n.authority.ClientToken(t.Context(), authority.Client{ID: made.Credential.ClientID, Secret: made.Secret.Reveal()}, []credential.Scope{"api:read"})
	if err != nil {
		t.Fatal(err)
	}
	return &wired{t, n.public.(*edge.Server), strings.TrimPrefix(listener.URL, "http://"), key.Secret.Reveal(), token.Token.Reveal()}
}

// send writes a request as it is, and returns the head of the answer.
func (w *wired) send(method, target string, header ...string) *http.Response {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.host)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	lines := append([]string{method + " " + target + " HTTP/1.1", "Content-Length: 0", "Connection: close"}, header...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		w.t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, target, err)
	}
	answer.Body.Close()
	return answer
}

// TestO15_NoRouteRedirects: no route of any surface answers a request that
// carries a credential with a redirect, however its address is written.
func TestO15_NoRouteRedirects(t *testing.T) {
	t.Parallel()
	w := newWired(t)
	fill := strings.NewReplacer("{id}", "01890000-0000-7000-8000-00000000abcd", "{organization}", "1", "{project}", "PRJ-1", "{user}", "a@acme.test", "{$}", "")
	wildcard := regexp.MustCompile(`\{[a-z]+}`)
	routes := w.server.Routes()
	if len(routes) < 40 {
		t.Fatalf("there are %d routes only", len(routes))
	}
	last := func(r edge.Route) int { return strings.Count(r.Pattern, "/v1/self/revoke") } // after it the credential is one no more
	slices.SortStableFunc(routes, func(a, b edge.Route) int { return last(a) - last(b) })
	for i, r := range routes {
		path := wildcard.ReplaceAllString(fill.Replace(r.Pattern), "x")
		cut := strings.LastIndex(path, "/")
		credentials := []string{"Authorization: Bearer " + w.key, "Authorization: Bearer " + w.token, "X-API-Key: " + w.key, "Authorization: Basic eDp5"}
		for j, target := range []string{
			path, path + "/", path + "//", "/" + path, path[:cut] + "/" + path[cut:], path[:cut] + "/." + path[cut:], path + "/.", "/x/.." + path, path + "/..",
			path[:cut] + "/%2e" + path[cut:], "/x/%2e%2e" + path, path + "?", path + "?x=/", strings.ToUpper(path),
			"http://gatehouse.test" + path, "http://GATEHOUSE.TEST" + path + "/", "https://gatehouse.test" + path, "http://evil.test/" + path,
		} {
			for k, host := range []string{"gatehouse.test", "GATEHOUSE.TEST", "GATEHOUSE.TEST:80", "evil.test"} {
				if (i+j+k)%2 == 1 { // every other: each of them comes with each of the others somewhere
					continue
				}
				answer := w.send(r.Method, target, "Host: "+host, credentials[(i+j+k/2)%len(credentials)], "X-Forwarded-Proto: http")
				if answer.StatusCode/100 == 3 || answer.Header.Get("Location") != "" || answer.Header.Get("Refresh") != "" || answer.StatusCode >= 500 {
					t.Errorf("%s %s at %s: got %d, Location %q", r.Method, target, host, answer.StatusCode, answer.Header.Get("Location"))
				}
			}
		}
	}
}

// TestBSD3_OneRateForAllSignIns: who signs in by a browser and by BunShip's API
// makes no more calls for it.
func TestBSD3_OneRateForAllSignIns(t *testing.T) {
	t.Parallel()
	w := newWiredLimited(t, "2")
	send := func(method, path string) int { return w.send(method, path, "Host: gatehouse.test").StatusCode }
	first, second := send("POST", "/console/session"), send("POST", "/api/v1/auth/login")
	if first == http.StatusTooManyRequests || second == http.StatusTooManyRequests {
		t.Errorf("within the limit: got %d and %d", first, second)
	}
	answer := w.send("POST", "/console/session", "Host: gatehouse.test")
	if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") != "30" {
		t.Errorf("beyond it: got %d, again after %q", answer.StatusCode, answer.Header.Get("Retry-After"))
	}
	if status := send("GET", "/console/session"); status != http.StatusUnauthorized {
		t.Errorf("a route that signs nobody in: got %d", status)
	}
}

// TestO9_AccessTokenOnNativeRoutes: the rows of RFC 6750 section 3.1, of an
// access token on every native route that needs a permission.
func TestO9_AccessTokenOnNativeRoutes(t *testing.T) {
	t.Parallel()
	w := newWired(t)
	last := strings.LastIndex(w.token, ".") + 1
	forged := w.token[:last] + strings.Repeat("A", len(w.token)-last)
	const challenge = `Bearer realm="gatehouse"`
	for _, r := range w.server.Routes() {
		permission, needed := r.Access.Permission()
		if !needed || !strings.HasPrefix(r.Pattern, "/v1/") {
			continue
		}
		for _, c := range []struct {
			rfc       string
			header    []string
			status    int
			challenge string
		}{
			{"3.1 no authentication information", nil, 401, challenge},
			{"3.1 invalid_request", []string{"Authorization: Bearer " + w.token, "X-API-Key: " + w.key}, 400, challenge + `, error="invalid_request"`},
			{"3.1 invalid_token", []string{"Authorization: Bearer " + forged}, 401, challenge + `, error="invalid_token", error_description="the credential is not valid"`},
			{"3.1 insufficient_scope", []string{"Authorization: Bearer " + w.token}, 403, challenge + fmt.Sprintf(`, error="insufficient_scope", scope="%s"`, permission)},
		} {
			if c.status == 403 && (permission == "" || strings.HasSuffix(string(permission), ":read")) {
				continue
			}
			answer := w.send(r.Method, r.Pattern, append(c.header, "Host: gatehouse.test")...)
			if got := answer.Header.Get("WWW-Authenticate"); answer.StatusCode != c.status || got != c.challenge {
				t.Errorf("%s: %s %s: got %d, %q; want %d, %q", c.rfc, r.Method, r.Pattern, answer.StatusCode, got, c.status, c.challenge)
			}
		}
	}
	if answer := w.send("GET", "/v1/self", "Authorization: Bearer "+w.token, "Host: gatehouse.test"); answer.StatusCode != http.StatusOK {
		t.Errorf("/v1/self: got %d, want 200", answer.StatusCode)
	}
}
