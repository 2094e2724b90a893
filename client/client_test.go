package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// seen is what a server got of one call.
type seen struct {
	method, path, query, body string
	header                    http.Header
	escaped                   string // path
}

// answering serves one answer to every call, and remembers the last call.
func answering(t *testing.T, status int, body string) (*httptest.Server, *seen) {
	t.Helper()
	last := &seen{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		*last = seen{r.Method, r.URL.Path, r.URL.RawQuery, string(text), r.Header.Clone(), r.URL.EscapedPath()}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server, last
}

func TestCallSendsWhatItIsTold(t *testing.T) {
	server, last := answering(t, http.StatusCreated, `{"id":"1","secret":"s"}`)
	c := client.New(server.URL+"//", "the-token", nil)
	var out api.IssuedCredential
	err := c.Do(client.IfMatch(context.Background(), "v1"), client.Request{Method: http.MethodPost, Path: "/v1/credentials?a=b", In: api.CreateCredential{Scheme: "x", Name: "é\"<>&"}, Out: &out, IdempotencyKey: "once"})
	if err != nil || out.ID != "1" || out.Secret != "s" {
		t.Fatalf("got %+v, %v", out, err)
	}
	if last.method != "POST" || last.path != "/v1/credentials" || last.query != "a=b" {
		t.Errorf("it called %s %s?%s", last.method, last.path, last.query)
	}
	for name, want := range map[string]string{"Authorization": "Bearer the-token", "Content-Type": "application/json", "Idempotency-Key": "once", "If-Match": `"v1"`} {
		if got := last.header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	var sent api.CreateCredential
	if err := json.Unmarshal([]byte(last.body), &sent); err != nil || sent.Name != "é\"<>&" {
		t.Errorf("it sent %s", last.body)
	}
	if err := client.New(server.URL, "", nil).Call(context.Background(), http.MethodGet, "/v1/self", nil, nil); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"Authorization", "Content-Type", "Idempotency-Key", "If-Match"} {
		if got, ok := last.header[name]; ok {
			t.Errorf("without one it sends %s: %q", name, got)
		}
	}
	if last.body != "" {
		t.Errorf("without a body it sends %q", last.body)
	}
}

func TestRefusalsAreProblems(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   string // of the error
		code   string // of the problem; empty for none
	}{
		{403, `{"type":"about:blank","title":"Forbidden","status":403,"code":"forbidden","detail":"this needs more"}`, "this needs more", "forbidden"},
		{422, `{"status":422,"code":"invalid","detail":"must not be empty","field":"name"}`, "name: must not be empty", "invalid"},
		{502, `<html>Bad Gateway</html>`, "the server answered 502", ""},
		{500, ``, "the server answered 500", ""},
		{404, `{}`, "the server answered 404", ""},
		{302, ``, "302", ""},
		{200, `not JSON`, "read the answer", ""},
		{200, ``, "read the answer", ""},
	} {
		server, _ := answering(t, c.status, c.body)
		var out api.Self
		err := client.New(server.URL, "the-token", nil).Call(context.Background(), http.MethodGet, "/v1/self", nil, &out)
		var p *api.Problem
		if isProblem := errors.As(err, &p); err == nil || !strings.Contains(err.Error(), c.want) || isProblem != (c.code != "") || isProblem && p.Code != c.code {
			t.Errorf("%d %s: got %v, want %q", c.status, c.body, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "the-token") {
			t.Errorf("the error shows the token: %v", err)
		}
	}
}

// A credential goes to the server that it was made for, and nowhere else:
// neither the client's own nor the one that it asks about.
func TestNothingFollowsARedirect(t *testing.T) {
	secret := "the-secret-asked-about"
	for _, status := range []int{301, 302, 303, 307, 308} {
		thief, last := answering(t, http.StatusOK, `{"code":"ok","active":true}`)
		server := httptest.NewServer(http.RedirectHandler(strings.Replace(thief.URL, "127.0.0.1", "localhost", 1)+"/v1/verify", status))
		t.Cleanup(server.Close)
		d, err := client.New(server.URL, "the-token", nil).Verify(context.Background(), api.Verify{Credential: &secret})
		if got := last.header.Get("Authorization"); got != "" {
			t.Errorf("%d: another host got the token in %q", status, got)
		}
		if strings.Contains(last.body, secret) {
			t.Errorf("%d: another host got the body %s", status, last.body)
		}
		if err == nil {
			t.Errorf("%d: another host decided: %+v", status, d)
		}
	}
}

func TestVerifyErrorDecidesNothing(t *testing.T) {
	secret := "x"
	for _, c := range []struct {
		status int
		body   string
	}{{503, `{"status":503,"code":"unavailable","detail":"later"}`}, {401, `{"status":401,"code":"unauthenticated","detail":"who"}`}, {200, `{"code":`}, {200, strings.Repeat(" ", 9<<20)}} {
		server, _ := answering(t, c.status, c.body)
		if d, err := client.New(server.URL, "t", nil).Verify(context.Background(), api.Verify{Credential: &secret}); err == nil || d != nil {
			t.Errorf("%d %.20s: got %+v, %v; want an error and no decision", c.status, c.body, d, err)
		}
	}
	server, last := answering(t, 200, `{"code":"ok","active":true}`)
	d, err := client.New(server.URL, "t", nil).Verify(context.Background(), api.Verify{Credential: &secret, Permission: "a:b"})
	if err != nil || !d.Active || last.path != "/v1/verify" || last.method != "POST" || last.body != `{"credential":"x","permission":"a:b"}` {
		t.Errorf("got %+v, %v after sending %s", d, err, last.body)
	}
	server.Close()
	if d, err := client.New(server.URL, "t", nil).Verify(context.Background(), api.Verify{Credential: &secret}); err == nil || d != nil {
		t.Errorf("no server: got %+v, %v", d, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := client.New(server.URL, "t", nil).Verify(ctx, api.Verify{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestCallRefusesWhatItCannotSend(t *testing.T) {
	c := client.New("http://127.0.0.1:1", "t", nil)
	for name, call := range map[string]client.Request{"method": {Method: "a b", Path: "/"}, "path": {Method: "GET", Path: "/%zz"}, "body": {Method: "POST", Path: "/", In: func() {}}} {
		if err := c.Do(context.Background(), call); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
