package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// between stands between a client and a server, and gives the first answers
// itself: meanwhile is called with the number of each request, from 1, and with
// what passes it on.
func between(t *testing.T, server string, meanwhile func(n int, w http.ResponseWriter, pass func(http.ResponseWriter))) *httptest.Server {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	var n atomic.Int64
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		meanwhile(int(n.Add(1)), w, func(w http.ResponseWriter) { proxy.ServeHTTP(w, r) })
	}))
	t.Cleanup(front.Close)
	return front
}

// noticing is a client that waits for nothing and notes for how long it would.
func noticing(url, token string, waits *[]time.Duration) *client.Client {
	return client.NewWithOptions(url, token, client.Options{Sleep: func(_ context.Context, d time.Duration) error {
		*waits = append(*waits, d)
		return nil
	}})
}

// TestR1_GoClientGuard: a service that is guarded by the middleware refuses a
// credential at the first request after its revocation.
func TestR1_GoClientGuard(t *testing.T) {
	t.Parallel()
	p, admin := serveWithKey(t)
	gate := client.NewWithOptions(p.url, admin, client.Options{})
	issued, err := gate.Credentials().Create(t.Context(), api.CreateCredential{Scheme: "gatehouse_key", Name: "Reader", Scopes: []string{"projects:read"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	if d, err := gate.Verify(t.Context(), api.Verify{Credential: &issued.Secret, Permission: "projects:read"}); err != nil || !d.Active {
		t.Fatalf("got %+v, %v", d, err)
	}
	verifier, err := gate.Credentials().Create(t.Context(), api.CreateCredential{Scheme: "gatehouse_key", Name: "Shop", Scopes: []string{"credentials:verify"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	guard := client.Middleware(client.NewWithOptions(p.url, verifier.Secret, client.Options{}), client.MiddlewareOptions{
		Failed: func(_ *http.Request, err error) { t.Error(err) },
	})
	mux := http.NewServeMux()
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, _ := client.FromContext(r.Context())
		_, _ = io.WriteString(w, d.Credential.ID)
	})
	mux.Handle("/read", guard.Require("projects:read")(who))
	mux.Handle("/write", guard.Require("projects:write")(who))
	service := httptest.NewServer(mux)
	defer service.Close()
	call := func(path, secret string, status int) (body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, service.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-API-Key", secret)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != status {
			t.Errorf("%s: got %s, %v, want %d: %s", path, resp.Status, err, status, text)
		}
		return string(text)
	}
	for range 3 {
		if got := call("/read", issued.Secret, 200); got != issued.ID {
			t.Errorf("the handler is told of %s, want %s", got, issued.ID)
		}
		call("/write", issued.Secret, 403)
		call("/read", issued.Secret+"x", 401)
	}
	if c, err := gate.Credentials().Revoke(t.Context(), issued.ID); err != nil || c.State != "revoked" {
		t.Fatalf("got %+v, %v", c, err)
	}
	call("/read", issued.Secret, 401)
	call("/write", issued.Secret, 401)
}

// TestGoClientComesBack: a server that is busy twice is asked a third time,
// when it said.
func TestGoClientComesBack(t *testing.T) {
	t.Parallel()
	p, admin := serveWithKey(t)
	front := between(t, p.url, func(n int, w http.ResponseWriter, pass func(http.ResponseWriter)) {
		if n > 2 {
			pass(w)
			return
		}
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	var waits []time.Duration
	self, err := noticing(front.URL, admin, &waits).Self().Get(t.Context())
	if err != nil || self.Credential == nil || len(waits) != 2 || waits[0] != 7*time.Second || waits[1] != 7*time.Second {
		t.Errorf("got %+v, %v after waits %v, want the key after two of 7 s", self, err, waits)
	}
}

// TestX7_GoClientRepeats: when the answers to a call are lost, its repeats make
// one credential, and the secret that arrives works.
func TestX7_GoClientRepeats(t *testing.T) {
	t.Parallel()
	p, admin := serveWithKey(t)
	lost := make(chan string, 2)
	front := between(t, p.url, func(n int, w http.ResponseWriter, pass func(http.ResponseWriter)) {
		if n > cap(lost) {
			pass(w)
			return
		}
		answer := httptest.NewRecorder()
		pass(answer)
		lost <- answer.Body.String()
		panic(http.ErrAbortHandler) // hang up
	})
	var waits []time.Duration
	gate := noticing(front.URL, admin, &waits)
	in := api.CreateCredential{Scheme: "gatehouse_key", Name: "Once", Scopes: []string{"projects:read"}}
	issued, err := gate.Credentials().Create(t.Context(), in, client.NewIdempotencyKey())
	if err != nil || len(waits) != cap(lost) {
		t.Fatalf("got %+v, %v after waits %v, want two", issued, err, waits)
	}
	if one, two := <-lost, <-lost; one == two {
		t.Errorf("both lost answers are %s", one)
	}
	var found []api.Credential
	for c, err := range gate.Credentials().All(t.Context(), client.CredentialFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Name == in.Name {
			found = append(found, c)
		}
	}
	if len(found) != 1 || found[0].ID != issued.ID {
		t.Errorf("there are %d credentials of the name, want the one that was answered with: %+v", len(found), found)
	}
	if d, err := gate.Verify(t.Context(), api.Verify{Credential: &issued.Secret}); err != nil || !d.Active {
		t.Errorf("the secret that arrived: got %+v, %v", d, err)
	}
}
