package report_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/report"
)

const idToken = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// TestIDToken: the token is asked of GitHub, for the audience, or taken from
// where other CIs put it; where there is none it is said what to do.
func TestIDToken(t *testing.T) {
	t.Parallel()
	gitHub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/elsewhere":
			t.Error("a redirect is followed")
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case r.URL.Path == "/endless":
			_, _ = w.Write([]byte(strings.Repeat(" ", 1<<20)))
		case r.Header.Get("Authorization") != "Bearer asks" || r.URL.Query().Get("audience") != "https://keys.test" || r.URL.Query().Get("api") != "2":
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{}`))
		default:
			_, _ = w.Write([]byte(`{"value":"` + idToken + `"}`))
		}
	}))
	t.Cleanup(gitHub.Close)
	ask := func(getenv func(string) string) (string, error) {
		return report.IDToken(t.Context(), getenv, http.DefaultClient, "https://keys.test")
	}
	for name, getenv := range map[string]func(string) string{
		"GitHub":   environment("ACTIONS_ID_TOKEN_REQUEST_URL", gitHub.URL+"?api=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "asks", "GITHUB_ACTIONS", "true"),
		"GitLab":   environment("GATEHOUSE_ID_TOKEN", idToken+"\n", "GITLAB_CI", "true"),
		"CircleCI": environment("CIRCLE_OIDC_TOKEN_V2", idToken),
	} {
		if got, err := ask(getenv); got != idToken || err != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	for want, getenv := range map[string]func(string) string{
		"id-token: write": environment("GITHUB_ACTIONS", "true"), "id_tokens:": environment("GITLAB_CI", "true"), "GATEHOUSE_ID_TOKEN": environment(), "no JWT": environment("GATEHOUSE_ID_TOKEN", "x"),
		"answered 403":  environment("ACTIONS_ID_TOKEN_REQUEST_URL", gitHub.URL+"?api=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary-wrong"),
		"something":     environment("ACTIONS_ID_TOKEN_REQUEST_URL", gitHub.URL+"/endless", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary-asks"),
		"answered 302":  environment("ACTIONS_ID_TOKEN_REQUEST_URL", gitHub.URL+"/moved", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary-asks"),
		"no https://":   environment("ACTIONS_ID_TOKEN_REQUEST_URL", "http://github.test/canary", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary-asks"),
		"an identity t": environment("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:1/canary", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary-asks"),
	} {
		if got, err := ask(getenv); got != "" || err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %q, %v", want, got, err)
		}
	}
}

// TestExchange: a token is traded by RFC 8693, and a refusal is told in the
// server's words.
func TestExchange(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/oauth2/token" || r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" ||
			r.PostFormValue("subject_token_type") != "urn:ietf:params:oauth:token-type:id_token" || r.PostFormValue("subject_token") != idToken {
			t.Errorf("asked for %s with %v", r.URL, r.PostForm)
		}
		if r.PostFormValue("project") != "PRJ-1" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_target","error_description":"name yours"}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"at","token_type":"Bearer","expires_in":900}`))
	}))
	t.Cleanup(server.Close)
	now := time.Unix(1_700_000_000, 0)
	token, expires, err := report.Exchange(t.Context(), http.DefaultClient, server.URL+"/", report.Trade{IDToken: idToken, Project: "PRJ-1", Now: now})
	if token != "at" || !expires.Equal(now.Add(15*time.Minute)) || err != nil {
		t.Errorf("got %q until %v, %v", token, expires, err)
	}
	_, _, err = report.Exchange(t.Context(), http.DefaultClient, server.URL, report.Trade{IDToken: idToken, Now: now})
	var refused *report.Refused
	if !errors.As(err, &refused) || refused.Status != 400 || refused.Code != "invalid_target" || !strings.Contains(err.Error(), "name yours") || strings.Contains(err.Error(), idToken) {
		t.Errorf("refused: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := report.Exchange(ctx, http.DefaultClient, server.URL, report.Trade{IDToken: idToken}); !errors.Is(err, context.Canceled) {
		t.Errorf("broken off: %v", err)
	}
}
