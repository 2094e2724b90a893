package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Where OAuth2 clients get their tokens.
const (
	nativeTokens = "/oauth2/token"
	betaTokens   = "/api/external/v2/oauth/token"
)

// debianPython has the packages that scripts/with-services installs; another
// python3 that comes first in PATH may lack them.
const debianPython = "/usr/bin/python3"

// clientInput is what the clients in testdata/clients read.
type clientInput struct {
	Issuer    string   `json:"issuer"`
	ID        string   `json:"client_id"`
	Secret    string   `json:"client_secret"`
	Admin     string   `json:"admin"` // a token of who may register the client's keys
	Verifier  string   `json:"-"`     // a key that may verify
	Token     string   `json:"token,omitempty"`
	Altered   []string `json:"altered,omitempty"` // the token with one character changed
	Algorithm string   `json:"algorithm,omitempty"`
}

// TestO16_RealClients lets OAuth2 clients that others wrote have their way: by
// secret in both places, and by assertions for a key of their own.
func TestO16_RealClients(t *testing.T) {
	t.Parallel()
	in := startDemo(t)
	for _, path := range []string{nativeTokens, betaTokens} {
		for name, style := range map[string]oauth2.AuthStyle{
			"header": oauth2.AuthStyleInHeader, "params": oauth2.AuthStyleInParams, "whatever works": oauth2.AuthStyleAutoDetect,
		} {
			t.Run("x/oauth2 "+name+" "+path, func(t *testing.T) { useGoClient(t, in, path, style) })
		}
	}
	for _, path := range []string{nativeTokens, betaTokens} {
		t.Run("as BetaTesting documents it "+path, func(t *testing.T) { useDocumentedBody(t, in, path) })
	}
	dir := clientPrograms(t)
	for _, c := range []struct{ program, want string }{
		{"openid-client.mjs", openidClientSays}, {"oauth4webapi.mjs", oauth4webapiSays}, {"simple-oauth2.mjs", simpleOAuth2Says},
	} {
		t.Run(c.program, func(t *testing.T) {
			matchResults(t, runClient(t, in, "node", filepath.Join(dir, c.program)), c.want)
		})
	}
}

// What the clients must report. The libraries of one author see in the answer
// to a wrong secret first of all that it has a challenge.
const (
	openidClientSays = `{
	"basic": {
		"issuer": true, "type": "bearer", "lifetime": 3600, "scope": "api:read", "self": 200,
		"before": {"active": true, "scope": "api:read", "mine": true}, "after": {"active": false},
		"wrong": {"status": 401, "error": "basic"}, "tooWide": {"status": 400, "error": "invalid_scope"}
	},
	"post": {
		"issuer": true, "type": "bearer", "lifetime": 3600, "scope": "api:read", "self": 200,
		"before": {"active": true, "scope": "api:read", "mine": true}, "after": {"active": false},
		"wrong": {"status": 401, "error": "invalid_client"}, "tooWide": {"status": 400, "error": "invalid_scope"}
	},
	"key": {
		"issuer": true, "type": "bearer", "lifetime": 3600, "scope": "api:read", "self": 200,
		"before": {"active": true, "scope": "api:read", "mine": true}, "after": {"active": false},
		"wrong": {"status": 401, "error": "invalid_client"}, "tooWide": {"status": 400, "error": "invalid_scope"}
	}}`
	oauth4webapiSays = `{
	"basic": {
		"type": "bearer", "lifetime": 3600, "scope": "api:read api:write",
		"exchanged": {"type": "bearer", "scope": "api:read", "issued": "urn:ietf:params:oauth:token-type:access_token"},
		"wider": {"status": 400, "error": "invalid_scope"}, "self": 200,
		"before": {"active": true, "scope": "api:read", "mine": true}, "after": {"active": false},
		"wrong": {"status": 401, "error": "basic"}
	},
	"post": {
		"type": "bearer", "lifetime": 3600, "scope": "api:read api:write",
		"exchanged": {"type": "bearer", "scope": "api:read", "issued": "urn:ietf:params:oauth:token-type:access_token"},
		"wider": {"status": 400, "error": "invalid_scope"}, "self": 200,
		"before": {"active": true, "scope": "api:read", "mine": true}, "after": {"active": false},
		"wrong": {"status": 401, "error": "invalid_client"}
	},
	"key": {
		"type": "bearer", "lifetime": 3600, "scope": "api:read api:write",
		"exchanged": {"type": "bearer", "scope": "api:read", "issued": "urn:ietf:params:oauth:token-type:access_token"},
		"wider": {"status": 400, "error": "invalid_scope"}, "self": 200,
		"before": {"active": true, "scope": "api:read", "mine": true}, "after": {"active": false},
		"wrong": {"status": 401, "error": "invalid_client"}
	}}`
	simpleOAuth2Says = `{
	"header": {
		"type": "Bearer", "lifetime": 3600, "scope": "api:read api:write", "expired": false, "self": 200, "after": 401,
		"wrong": {"status": 401, "error": "invalid_client"}
	},
	"body": {
		"type": "Bearer", "lifetime": 3600, "scope": "api:read api:write", "expired": false, "self": 200, "after": 401,
		"wrong": {"status": 401, "error": "invalid_client"}
	},
	"betatesting": {
		"type": "Bearer", "lifetime": 3600, "scope": "api:read api:write", "expired": false, "self": 200, "after": 401,
		"wrong": {"status": 401, "error": "invalid_client"}
	}}`
)

// TestJ15_OthersVerifyOurTokens lets libraries that others wrote verify our
// tokens by our published keys, and refuse them after any change.
func TestJ15_OthersVerifyOurTokens(t *testing.T) {
	t.Parallel()
	dir := clientPrograms(t)
	for _, algorithm := range []string{"ES256", "RS256"} {
		in := startDemo(t, "--signing-algorithm", algorithm)
		token, err := goClient(in, nativeTokens, oauth2.AuthStyleInHeader, "api:read").Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		in.Token, in.Algorithm, in.Altered = token.AccessToken, algorithm, altered(t, token.AccessToken)
		for _, command := range [][]string{{"node", filepath.Join(dir, "jose.mjs")}, {debianPython, filepath.Join(dir, "pyjwt.py")}} {
			t.Run(algorithm+" "+filepath.Base(command[1]), func(t *testing.T) {
				got := runClient(t, in, command...)
				refusal := map[string]string{"node": "ERR_JWT_CLAIM_VALIDATION_FAILED", debianPython: "InvalidAudienceError"}[command[0]]
				matchResults(t, got, `{"algorithm": "`+algorithm+`", "scope": "api:read", "subject": "`+in.ID+`", "lifetime": 3600,
					"refused": [true, true, true, true], "otherAudience": "`+refusal+`"}`)
			})
		}
	}
}

// startDemo starts a demo, and returns what a client must know of it.
func startDemo(t *testing.T, args ...string) clientInput {
	t.Helper()
	p := serveGatehouse(t, append([]string{"demo", "--json", "--listen", "127.0.0.1:0"}, args...)...)
	line, _, _ := strings.Cut(p.stdout.String(), "\n")
	var made struct {
		URL         string `json:"url"`
		Credentials struct {
			Client   sampleClient `json:"betatesting_client"`
			Admin    string       `json:"testkase_pat"`
			Verifier string       `json:"verifier"`
		} `json:"credentials"`
	}
	if err := json.Unmarshal([]byte(line), &made); err != nil || made.Credentials.Client.ID == "" {
		t.Fatalf("the demo says nothing of its client: %v: %s", err, line)
	}
	return clientInput{Issuer: made.URL, ID: made.Credentials.Client.ID, Secret: made.Credentials.Client.Secret, Admin: made.Credentials.Admin, Verifier: made.Credentials.Verifier}
}

func goClient(in clientInput, path string, style oauth2.AuthStyle, scopes ...string) *clientcredentials.Config {
	return &clientcredentials.Config{ClientID: in.ID, ClientSecret: in.Secret, TokenURL: in.Issuer + path, Scopes: scopes, AuthStyle: style}
}

// useGoClient gets tokens with golang.org/x/oauth2 and uses them.
func useGoClient(t *testing.T, in clientInput, path string, style oauth2.AuthStyle) {
	ctx := t.Context()
	for _, scopes := range [][]string{nil, {"api:read"}, {"api:read", "api:write"}} {
		token, err := goClient(in, path, style, scopes...).Token(ctx)
		if err != nil {
			t.Fatalf("scopes %v: %v", scopes, err)
		}
		want := strings.Join(scopes, " ")
		if scopes == nil {
			want = "api:read api:write"
		}
		if left := time.Until(token.Expiry); token.Extra("scope") != want || token.Type() != "Bearer" || left > time.Hour || left < 50*time.Minute {
			t.Errorf("scopes %v: got %v as %s for %s, want %s", scopes, token.Extra("scope"), token.Type(), left, want)
		}
	}
	answer, err := goClient(in, path, style, "api:read").Client(ctx).Get(in.Issuer + "/v1/self")
	if err != nil {
		t.Fatal(err)
	}
	wantSelf(t, answer)

	var refused *oauth2.RetrieveError
	wrong := in
	wrong.Secret = "btcs_" + strings.Repeat("0", 40)
	if _, err := goClient(wrong, path, style).Token(ctx); !errors.As(err, &refused) || refused.ErrorCode != "invalid_client" || refused.Response.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong secret: got %v, want invalid_client", err)
	}
	if _, err := goClient(in, path, style, "api:everything").Token(ctx); !errors.As(err, &refused) || refused.ErrorCode != "invalid_scope" {
		t.Errorf("a scope that there isn't: got %v, want invalid_scope", err)
	}
}

// wantSelf wants the client's own credential in an answer of /v1/self.
func wantSelf(t *testing.T, answer *http.Response) {
	t.Helper()
	defer answer.Body.Close()
	var self api.Self
	if err := json.NewDecoder(answer.Body).Decode(&self); err != nil || answer.StatusCode != http.StatusOK ||
		self.Credential == nil || self.Credential.Scheme != "betatesting_client" {
		t.Errorf("/v1/self: got %d, %+v, %v; want the client", answer.StatusCode, self, err)
	}
}

// useDocumentedBody sends the body as BetaTesting prints it: with a blank
// before each "&", and one between the scopes that isn't encoded.
func useDocumentedBody(t *testing.T, in clientInput, path string) {
	body := "grant_type=client_credentials &client_id=" + in.ID + " &client_secret=" + in.Secret + " &scope=api:read api:write"
	for _, body := range []string{body, strings.ReplaceAll(body, "api:read api", "api:read+api"), strings.ReplaceAll(body, "api:read api", "api%3Aread%20api")} {
		answer, err := http.Post(in.Issuer+path, "application/x-www-form-urlencoded", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var token struct {
			Type    string `json:"token_type"`
			Expires int    `json:"expires_in"`
			Token   string `json:"access_token"`
			Scope   string `json:"scope"`
		}
		err = errors.Join(json.NewDecoder(answer.Body).Decode(&token), answer.Body.Close())
		if err != nil || answer.StatusCode != http.StatusOK || token.Type != "Bearer" || token.Expires != 3600 ||
			!strings.HasPrefix(token.Token, "eyJ") || token.Scope != "api:read api:write" {
			t.Fatalf("%s: got %d, %s for %d with %q, %v", path, answer.StatusCode, token.Type, token.Expires, token.Scope, err)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, in.Issuer+"/v1/self", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token.Token)
		if answer, err = http.DefaultClient.Do(request); err != nil {
			t.Fatal(err)
		}
		wantSelf(t, answer)
	}
}

// altered returns a token with one character changed: in its header, its
// claims and twice in its signature.
func altered(t *testing.T, token string) (list []string) {
	t.Helper()
	first, last := strings.Index(token, "."), strings.LastIndex(token, ".")
	if first < 0 || first == last {
		t.Fatal("the token has not three parts")
	}
	for _, at := range []int{first / 2, (first + last) / 2, last + 1, (last + len(token)) / 2} {
		other := "A"
		if token[at] == 'A' {
			other = "B"
		}
		list = append(list, token[:at]+other+token[at+1:])
	}
	return list
}

// clientPrograms returns a directory with the programs of testdata/clients and
// the libraries that they import, which Node.js wants beside them.
func clientPrograms(t *testing.T) string {
	t.Helper()
	modules := os.Getenv("GATEHOUSE_TEST_NODE_MODULES")
	if modules == "" {
		t.Fatal("GATEHOUSE_TEST_NODE_MODULES is not set: run make test, or scripts/with-services go test …")
	}
	dir := t.TempDir()
	if err := errors.Join(os.CopyFS(dir, os.DirFS("testdata/clients")), os.Symlink(modules, filepath.Join(dir, "node_modules"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runClient runs a program with its input, and returns the one line it prints.
func runClient(t *testing.T, in clientInput, command ...string) string {
	t.Helper()
	input, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v (where it or a library is missing, run make test)\n%s%s", strings.Join(command, " "), err, out, stderr.String())
	}
	return string(out)
}

// matchResults compares two JSON documents.
func matchResults(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := errors.Join(json.Unmarshal([]byte(got), &g), json.Unmarshal([]byte(want), &w)); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
