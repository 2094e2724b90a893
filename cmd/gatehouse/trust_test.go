package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/report"
)

// ciIssuer is an issuer of identity tokens that others wrote, in Node.js.
type ciIssuer struct {
	t     *testing.T
	url   string
	in    io.Writer
	lines *bufio.Scanner
	stop  func()
}

func newIssuer(t *testing.T, programs string) *ciIssuer {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(programs, "issuer.mjs"))
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	i := &ciIssuer{t: t, in: in, lines: bufio.NewScanner(out), stop: func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}}
	t.Cleanup(i.stop)
	i.url = i.line()
	return i
}

func (i *ciIssuer) line() string {
	i.t.Helper()
	if !i.lines.Scan() {
		i.t.Fatalf("the issuer says nothing: %v", i.lines.Err())
	}
	return i.lines.Text()
}

// token is an identity token of a deployment from main of repository 123.
func (i *ciIssuer) token(audience string, change map[string]any) string {
	i.t.Helper()
	now := time.Now().Unix()
	claims := map[string]any{
		"aud": audience, "sub": "repo:acme/site:environment:production", "repository": "acme/site", "repository_id": "123", "repository_owner_id": "9",
		"event_name": "push", "ref": "refs/heads/main", "ref_type": "branch", "environment": "production", "sha": "c0ffee", "run_id": "77", "actor": "ada",
		"iat": now, "nbf": now - 5, "exp": now + 300, "jti": nil,
	}
	maps.Copy(claims, change)
	line, err := json.Marshal(map[string]any{"claims": claims})
	if err == nil {
		_, err = i.in.Write(append(line, '\n'))
	}
	if err != nil {
		i.t.Fatal(err)
	}
	return i.line()
}

// statusOf is how a call was refused; 0 is not at all, or not by an answer.
func statusOf(err error) int {
	var p *api.Problem
	if !errors.As(err, &p) {
		return 0
	}
	return p.Status
}

// key is the public key of the issuer.
func (i *ciIssuer) key() (*rsa.PublicKey, string) {
	i.t.Helper()
	answer, err := http.Get(i.url + "/jwks")
	if err != nil {
		i.t.Fatal(err)
	}
	defer answer.Body.Close()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(answer.Body).Decode(&set); err != nil || len(set.Keys) != 1 {
		i.t.Fatalf("%d keys: %v", len(set.Keys), err)
	}
	return set.Keys[0].Key.(*rsa.PublicKey), set.Keys[0].KeyID
}

// forgeries are texts that say what a good token says and that the issuer didn't
// sign.
func (i *ciIssuer) forgeries(good string) map[string]string {
	i.t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	public, kid := i.key()
	parts := strings.Split(good, ".")
	der, err := x509.MarshalPKIXPublicKey(public)
	own, ownErr := rsa.GenerateKey(rand.Reader, 2048)
	payload, payloadErr := base64.RawURLEncoding.DecodeString(parts[1])
	if err := errors.Join(err, ownErr, payloadErr); err != nil {
		i.t.Fatal(err)
	}
	keyed := func(key []byte) string {
		signed := encode([]byte(`{"alg":"HS256","typ":"JWT","kid":"`+kid+`"}`)) + "." + parts[1]
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(signed))
		return signed + "." + encode(mac.Sum(nil))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: own, KeyID: kid}}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		i.t.Fatal(err)
	}
	embedded, err := signer.Sign(payload)
	if err != nil {
		i.t.Fatal(err)
	}
	withKey, err := embedded.CompactSerialize()
	if err != nil {
		i.t.Fatal(err)
	}
	other := strings.Replace(string(payload), `"123"`, `"124"`, 1)
	return map[string]string{
		"unsigned":               encode([]byte(`{"alg":"none","kid":"`+kid+`"}`)) + "." + parts[1] + ".",
		"unsigned in capitals":   encode([]byte(`{"alg":"NONE","kid":"`+kid+`"}`)) + "." + parts[1] + ".",
		"without its signature":  parts[0] + "." + parts[1] + ".",
		"HS256 by the PEM":       keyed(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"HS256 by the DER":       keyed(der),
		"HS256 by nothing":       keyed(nil),
		"tampered with":          parts[0] + "." + encode([]byte(other)) + "." + parts[2],
		"another signature":      altered(i.t, good)[2],
		"signed by its own jwk":  withKey,
		"a key that isn't there": encode([]byte(`{"alg":"RS256","kid":"nobody"}`)) + "." + parts[1] + "." + parts[2],
		"not a token":            "x",
	}
}

// reportsAs has the program report from a job on GitHub, which gets identity
// tokens for whatever audience it asks for, and has no other secret.
func reportsAs(t *testing.T, made sample, identity func(audience string) string) {
	t.Helper()
	const asked = "the job may ask"
	github := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+asked {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"value": identity(r.URL.Query().Get("audience"))})
	}))
	t.Cleanup(github.Close)
	cmd := exec.Command(program(t), "report", "--oidc", "--url", made.URL, "--org-id", strconv.Itoa(int(made.Organization.Number)), "--project-id", "PRJ-1",
		"--results-file", junitFile(t, 3, 1), "--json")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir(), "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=acme/site", "GITHUB_RUN_ID=77",
		"ACTIONS_ID_TOKEN_REQUEST_URL=" + github.URL + "/?api-version=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + asked}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Errorf("gatehouse report --oidc: %v\n%s%s", err, out.String(), errs.String())
	}
	var said struct {
		Run struct {
			Counts api.RunCounts `json:"counts"`
		} `json:"run"`
	}
	if err := json.Unmarshal(out.Bytes(), &said); err != nil || said.Run.Counts.Total != 3 || said.Run.Counts.Failed != 1 {
		t.Errorf("it reported %+v: %v\n%s%s", said, err, out.String(), errs.String())
	}
}

// O-13: a CI job gets in by the identity token of an issuer that others wrote,
// where the rule of a project says so: to report, and for nothing else.
func TestO13_CIJobsWithoutSecrets(t *testing.T) {
	t.Parallel()
	programs := clientPrograms(t)
	issuer, stranger := newIssuer(t, programs), newIssuer(t, programs)
	p := serveGatehouse(t, "demo", "--json", "--listen", "127.0.0.1:0", "--private-issuers", "127.0.0.1")
	line, _, _ := strings.Cut(p.stdout.String(), "\n")
	var made sample
	if err := json.Unmarshal([]byte(line), &made); err != nil {
		t.Fatal(err)
	}
	owner := client.New(made.URL, fmt.Sprint(made.Credentials["testkase_pat"]), nil)
	rules := owner.TrustRules(made.Organization.ID, "PRJ-1")
	rule, err := rules.Create(t.Context(), api.CreateTrustRule{Name: "deployments", Provider: "github", Issuer: issuer.url, RepositoryID: "123", OwnerID: "9", Branch: "main",
		Environment: "production", Scopes: []string{"results:write"}}, "once")
	if err != nil {
		t.Fatal(err)
	}
	trade := func(token string) (string, error) {
		getenv := func(name string) string { return map[string]string{"GATEHOUSE_ID_TOKEN": token}[name] }
		if found, err := report.IDToken(t.Context(), getenv, http.DefaultClient, made.URL); found != token && token != "x" {
			t.Errorf("the CI's token is %q, %v", found, err)
		}
		text, expires, err := report.Exchange(t.Context(), http.DefaultClient, made.URL, report.Trade{IDToken: token, Project: "PRJ-1", Now: time.Now()})
		if left := time.Until(expires); err == nil && (left > 15*time.Minute || left < 14*time.Minute) {
			t.Errorf("the token works for %s", left)
		}
		return text, err
	}
	good := issuer.token(made.URL, nil)
	token, err := trade(good)
	if err != nil {
		t.Fatal(err)
	}
	first, jobs := token, client.New(made.URL, token, nil)
	self, err := jobs.Self().Get(t.Context())
	if err != nil || self.Credential == nil || self.Credential.ID != rule.ID || strings.Join(self.Credential.Scopes, " ") != "results:write" {
		t.Errorf("the job is %+v, %v", self.Credential, err)
	}
	for _, path := range []string{"/v1/organizations/" + made.Organization.ID + "/projects", "/v1/credentials", "/v1/audit/events", "/v1/usage", "/v1/organizations/" + made.Organization.ID + "/members"} {
		if err := jobs.Call(t.Context(), "GET", path, nil, nil); statusOf(err) != http.StatusForbidden {
			t.Errorf("the job reads %s: %v", path, err)
		}
	}

	now := time.Now().Unix()
	bad := issuer.forgeries(issuer.token(made.URL, nil))
	for what, change := range map[string]map[string]any{
		"another repository": {"repository_id": "124"}, "the name of the repository alone": {"repository_id": nil}, "another owner": {"repository_owner_id": "8"},
		"another branch": {"ref": "refs/heads/dev"}, "a tag": {"ref": "refs/tags/main", "ref_type": "tag"}, "another environment": {"environment": "test"}, "no environment": {"environment": nil},
		"a pull request": {"event_name": "pull_request", "ref": "refs/pull/7/merge"}, "one on main": {"event_name": "pull_request_target"}, "another audience": {"aud": "https://elsewhere.test"},
		"no audience": {"aud": nil}, "expired": {"iat": now - 600, "exp": now - 100}, "not yet valid": {"nbf": now + 100}, "issued too long ago": {"iat": now - 3700}, "another issuer": {"iss": stranger.url},
	} {
		bad[what] = issuer.token(made.URL, change)
	}
	bad["replayed"] = good
	bad["the key of another issuer"] = stranger.token(made.URL, map[string]any{"iss": issuer.url})
	bad["an issuer that nobody trusts"] = stranger.token(made.URL, nil)
	for what, token := range bad {
		var refused *report.Refused
		if _, err := trade(token); !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || refused.Code != "invalid_request" {
			t.Errorf("%s: got %v, want it refused", what, err)
		}
	}

	// The reporter gets its token from the CI and trades it by itself.
	reportsAs(t, made, func(audience string) string { return issuer.token(audience, map[string]any{"jti": rand.Text()}) })

	// While the issuer is away, those get in whose key is known.
	late := issuer.token(made.URL, map[string]any{"jti": "late"})
	issuer.stop()
	if token, err = trade(late); err != nil {
		t.Errorf("while the issuer is away: %v", err)
	}
	if err := rules.Delete(t.Context(), rule.ID); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{first, token} {
		if _, err := client.New(made.URL, token, nil).Self().Get(t.Context()); statusOf(err) != http.StatusUnauthorized {
			t.Errorf("after the rule was deleted: %v", err)
		}
	}
}
