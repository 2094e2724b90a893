package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// ci is an issuer of identity tokens, with one key.
type ci struct {
	*world
	url   string
	key   atomic.Pointer[jose.JSONWebKey]
	down  atomic.Bool
	asked atomic.Int64
	jobs  atomic.Int64
}

func newCI(w *world) *ci {
	c := &ci{world: w}
	c.renew("one")
	server := httptest.NewServer(c)
	w.t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// renew gives the issuer another key.
func (c *ci) renew(id string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	c.ok(err)
	c.key.Store(&jose.JSONWebKey{Key: private, KeyID: id, Algorithm: "ES256", Use: "sig"})
}

func (c *ci) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.asked.Add(1)
	switch {
	case c.down.Load():
		w.WriteHeader(http.StatusBadGateway)
	case r.URL.Path == "/keys":
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{c.key.Load().Public()}})
	default:
		_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, c.url, c.url+"/keys")
	}
}

// job is an identity token of a push to main of repository 123.
func (c *ci) job(change map[string]any) string {
	c.t.Helper()
	now := c.clock.now().Unix()
	claims := map[string]any{
		"iss": c.url, "aud": c.world.url, "sub": "repo:acme/site:ref:refs/heads/main", "jti": fmt.Sprint("job-", c.jobs.Add(1)), "iat": now, "nbf": now, "exp": now + 300,
		"repository": "acme/site", "repository_id": "123", "repository_owner_id": "9", "event_name": "push", "ref": "refs/heads/main", "ref_type": "branch",
		"sha": "c0ffee", "run_id": "77", "actor": "ada",
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(claims)
	c.ok(err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: c.key.Load()}, (&jose.SignerOptions{}).WithType("JWT"))
	c.ok(err)
	signed, err := signer.Sign(text)
	c.ok(err)
	out, err := signed.CompactSerialize()
	c.ok(err)
	return out
}

// trade presents an identity token.
func (c *ci) trade(token string, more url.Values) answer {
	c.t.Helper()
	form := url.Values{"grant_type": {exchangeGrant}, "subject_token": {token}, "subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"}}
	maps.Copy(form, more)
	return c.post("/oauth2/token", form.Encode(), nil)
}

// in is the access token that an identity token must get.
func (c *ci) in(token string, more url.Values) string {
	c.t.Helper()
	a := c.trade(token, more)
	if a.status != http.StatusOK || a.body["expires_in"] != 900.0 {
		c.t.Fatalf("not let in: %d %s", a.status, a.text)
	}
	return a.field("access_token")
}

// rule lets main of repository 123 in.
func (c *ci) rule(p *store.Project, change func(*authority.TrustRequest)) *authority.Trusted {
	c.t.Helper()
	r := authority.TrustRequest{
		Organization: p.Organization, Project: store.ProjectRef{ID: p.ID}, Name: "CI", Scopes: scopes("results:write", "results:read"),
		Trust: credential.Trust{Provider: credential.GitHub, Issuer: c.url, Repository: "123", Branch: "main"},
	}
	if change != nil {
		change(&r)
	}
	out, err := c.CreateTrustRule(background, c.op, r)
	c.ok(err)
	return out
}

func scopes(words ...credential.Scope) []credential.Scope { return words }

func (c *ci) ref(t *authority.Trusted) authority.TrustRef {
	return authority.TrustRef{Organization: t.Credential.Organization, Project: store.ProjectRef{ID: t.Credential.Project}, ID: t.Credential.ID}
}

// told are the reasons of the refusals that are recorded, and how many were let in.
func (c *ci) told() (reasons string, admitted int) {
	c.t.Helper()
	events, err := c.store.Events(background, c.org, 0, 1000)
	c.ok(err)
	for _, e := range events {
		var detail struct{ Reason, Repository, Sha, Run, Actor string }
		_ = json.Unmarshal([]byte(e.Detail), &detail)
		switch e.Action {
		case "trust_rule.turn_away":
			reasons += " " + detail.Reason
		case "trust_rule.admit":
			if admitted++; detail.Repository != "acme/site" || detail.Sha != "c0ffee" || detail.Run != "77" || detail.Actor != "ada" {
				c.t.Errorf("an exchange is recorded as %s", e.Detail)
			}
		}
	}
	return strings.TrimSpace(reasons), admitted
}

// O-13: the identity token of a job that a rule names is traded, once, for a
// token that may do what the rule grants in its project, for 15 minutes, and that
// ends with the rule.
func TestO13_IdentityTokenIsTraded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := newCI(w)
		rule := c.rule(w.alpha, nil)
		beta, err := w.CreateProject(background, w.op, w.org, authority.NameRequest{Name: "Beta"})
		w.ok(err)
		token := c.in(c.job(nil), nil)
		less := c.in(c.job(nil), scope("results:read"))
		for _, k := range []struct {
			what, token string
			permission  credential.Permission
			project     *store.Project
			want        credential.Code
		}{
			{"what it grants", token, credential.ResultsWrite, w.alpha, credential.OK}, {"more", token, credential.IssuesRead, w.alpha, credential.CodeScope},
			{"credentials", token, credential.CredentialsRead, w.alpha, credential.CodeScope}, {"another project", token, credential.ResultsWrite, beta, credential.CodeForbidden},
			{"less than it grants", less, credential.ResultsRead, w.alpha, credential.OK}, {"what it gave up", less, credential.ResultsWrite, w.alpha, credential.CodeScope},
		} {
			if got := w.can(k.token, k.permission, k.project); got != k.want {
				t.Errorf("%s: got %s, want %s", k.what, got, k.want)
			}
		}
		w.wantError("a scope that the rule doesn't grant", c.trade(c.job(nil), scope("tests:write")), 400, "invalid_scope")
		if again := w.traded(token, scope("results:read")); w.can(again, credential.ResultsRead, w.alpha) != credential.OK {
			t.Error("traded again it does nothing")
		}
		w.clock.advance(15*time.Minute - time.Second)
		w.wantSelf("before its end", token, 200, "")
		w.clock.advance(time.Second)
		w.wantSelf("after 15 minutes", token, 401, "expired")

		// What changes, stops or ends the rule does so to its tokens.
		token = c.in(c.job(nil), nil)
		branch := "release/*"
		rule, err = w.UpdateTrustRule(background, w.op, c.ref(rule), authority.TrustChange{Branch: &branch})
		w.ok(err)
		w.wantSelf("the rule asks for something else now", token, 401, "revoked")
		w.wantError("main any more", c.trade(c.job(nil), nil), 400, "invalid_request")
		release := map[string]any{"ref": "refs/heads/release/7"}
		token = c.in(c.job(release), nil)
		_, err = w.Suspend(background, w.op, rule.Credential.ID)
		w.ok(err)
		w.wantSelf("suspended", token, 401, "suspended")
		w.wantError("at a suspended rule", c.trade(c.job(release), nil), 400, "invalid_request")
		_, err = w.Resume(background, w.op, rule.Credential.ID)
		w.ok(err)
		w.wantSelf("resumed", token, 200, "")
		w.ok(w.DeleteTrustRule(background, w.op, c.ref(rule)))
		w.wantSelf("deleted", token, 401, "revoked")
		w.wantError("at a deleted rule", c.trade(c.job(release), nil), 400, "invalid_request")
		if _, err := w.TrustRule(background, w.op, c.ref(rule)); !errors.Is(err, credential.NotFound) {
			t.Errorf("a deleted rule: %v", err)
		}
		if _, err := w.Rotate(background, w.op, c.rule(w.alpha, nil).Credential.ID, authority.RotateRequest{}); !errors.Is(err, credential.Conflict) {
			t.Errorf("a rule's secret: %v", err)
		}
		if reasons, admitted := c.told(); reasons != "ref suspended" || admitted != 4 {
			t.Errorf("recorded: %q, %d let in", reasons, admitted)
		}
	})
}

// O-13: what is not as the rule says stays out, and learns nothing of the rule;
// those who look after it learn why.
func TestO13_IdentityTokenIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := newCI(w)
		c.rule(w.alpha, func(r *authority.TrustRequest) { r.Trust.Environment = "production" })
		stranger := newCI(w)
		now := w.clock.now().Unix()
		good := map[string]any{"environment": "production"}
		with := func(name string, value any) map[string]any {
			claims := maps.Clone(good)
			claims[name] = value
			return claims
		}
		for what, claims := range map[string]map[string]any{
			"another repository": with("repository_id", "124"), "another branch": with("ref", "refs/heads/dev"), "another environment": with("environment", "test"),
			"no environment": nil, "another audience": with("aud", "https://elsewhere.test"), "two audiences": with("aud", []string{w.url, "https://elsewhere.test"}),
			"no audience": with("aud", []string{}), "a pull request": with("event_name", "pull_request_target"), "expired": with("exp", now-61), "of tomorrow": with("nbf", now+61),
			"issued later": with("iat", now+61), "issued too long ago": with("iat", now-3700), "endless": with("exp", now+100_000), "another issuer": with("iss", "https://issuer.test"),
			"an issuer in another spelling": with("iss", c.url+"/"), "a number as repository": with("repository_id", 123.5), "a jti that is none": with("jti", "a b"),
		} {
			a := c.trade(c.job(claims), nil)
			w.wantError(what, a, 400, "invalid_request")
			if strings.Contains(a.text, w.alpha.ID.String()) || what == "no environment" && strings.Contains(a.text, "production") {
				t.Errorf("%s: the answer tells of the rule: %s", what, a.text)
			}
		}
		w.wantError("an issuer that no rule names", stranger.trade(stranger.job(good), nil), 400, "invalid_request")
		if n := stranger.asked.Load(); n != 0 {
			t.Errorf("an issuer that no rule names is asked %d times", n)
		}
		w.wantError("with a client", w.post("/oauth2/token", url.Values{"grant_type": {exchangeGrant}, "subject_token": {c.job(good)},
			"subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"}}.Encode(), w.asClient()), 400, "invalid_request")
		w.wantError("for longer", c.trade(c.job(good), url.Values{"expires_in": {"3601"}}), 400, "invalid_request")
		w.wantError("one of ours", c.trade(w.token("api:read"), nil), 400, "invalid_request")

		// Two audiences are taken where it says for which it was made; as jwt it is understood as well.
		both := with("aud", []string{w.url, "https://elsewhere.test"})
		both["azp"] = w.url
		c.in(c.job(both), nil)
		once := c.job(good)
		c.in(once, url.Values{"subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"}})
		w.wantError("replayed", c.trade(once, nil), 400, "invalid_request")
		w.clock.advance(4 * time.Minute)
		w.wantError("replayed later", c.trade(once, nil), 400, "invalid_request")

		// Without a jti it is the text that counts; of many at once one is let in.
		var let atomic.Int64
		var wait sync.WaitGroup
		single := c.job(with("jti", nil))
		for range 8 {
			wait.Go(func() {
				if c.trade(single, nil).status == 200 {
					let.Add(1)
				}
			})
		}
		wait.Wait()
		if let.Load() != 1 {
			t.Errorf("of 8 at once %d are let in", let.Load())
		}
		reasons, admitted := c.told()
		for _, reason := range []string{"ref", "environment", "audience", "event", "replayed"} {
			if !strings.Contains(reasons, reason) {
				t.Errorf("of a refusal for its %s nobody is told: %s", reason, reasons)
			}
		}
		if n := len(strings.Fields(reasons)); n > 12 || admitted != 3 {
			t.Errorf("%d refusals in five minutes are recorded (%s), and %d let in", n, reasons, admitted)
		}
	})
}

// O-13: an issuer that doesn't answer keeps nobody out for a day whose key is
// known, and is asked no more than twice a minute, whatever is presented.
func TestO13_IssuerIsAway(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := newCI(w)
		c.rule(w.alpha, nil)
		c.down.Store(true)
		w.wantError("an issuer that never answered", c.trade(c.job(nil), nil), 503, "temporarily_unavailable")
		c.down.Store(false)
		w.wantError("a moment later", c.trade(c.job(nil), nil), 503, "temporarily_unavailable")
		w.clock.advance(30 * time.Second)
		c.in(c.job(nil), nil)
		asked := c.asked.Load()
		c.in(c.job(nil), nil)
		c.renew("two")
		for range 20 {
			w.wantError("a key that isn't known yet", c.trade(c.job(nil), nil), 400, "invalid_request")
		}
		if n := c.asked.Load(); n != asked {
			t.Errorf("within half a minute the issuer is asked %d times more", n-asked)
		}
		w.clock.advance(30 * time.Second)
		c.in(c.job(nil), nil)
		c.down.Store(true)
		w.clock.advance(23 * time.Hour)
		c.in(c.job(nil), nil)
		w.clock.advance(time.Hour)
		w.wantError("after a day", c.trade(c.job(nil), nil), 503, "temporarily_unavailable")
	})
}

// O-13: which project a token is for is never guessed, and one that another
// organization trusts as well is told of neither.
func TestO13_IdentityOfSeveralProjects(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := newCI(w)
		c.rule(w.alpha, nil)
		narrow := c.rule(w.alpha, func(r *authority.TrustRequest) { r.Scopes = scopes("artifacts:write") })
		o, err := w.CreateOrganization(background, w.op, authority.NameRequest{Name: "Other"})
		w.ok(err)
		far, err := w.CreateProject(background, w.op, o.ID, authority.NameRequest{Name: "Far"})
		w.ok(err)
		if got := w.can(c.in(c.job(nil), nil), credential.ResultsWrite, w.alpha); got != credential.OK {
			t.Errorf("the older rule: %s", got)
		}
		if got := w.can(c.in(c.job(nil), scope("artifacts:write")), credential.ArtifactsWrite, w.alpha); got != credential.OK {
			t.Errorf("the rule that grants it: %s", got)
		}
		theirs := c.rule(far, nil)
		for _, project := range []string{"", "PRJ-1"} {
			w.wantError("two organizations", c.trade(c.job(nil), url.Values{"project": {project}}), 400, "invalid_target")
		}
		for p, other := range map[*store.Project]*store.Project{w.alpha: far, far: w.alpha} {
			token := c.in(c.job(nil), url.Values{"project": {p.ID.String()}})
			if own, others := w.can(token, credential.ResultsWrite, p), w.can(token, credential.ResultsWrite, other); own != credential.OK || others == credential.OK {
				t.Errorf("in its project %s, in the other %s", own, others)
			}
		}
		w.wantError("a project that there isn't", c.trade(c.job(nil), url.Values{"project": {uuid.NewString()}}), 400, "invalid_request")

		// Who looks after the one doesn't see the other's.
		ref, pat := w.user("ada@acme.test", credential.Owner)
		_ = ref
		d, err := w.Verify(background, pat, authority.Verification{})
		w.ok(err)
		p := &d.Principal
		for what, err := range map[string]error{
			"sees":    second(w.TrustRule(background, p, c.ref(theirs))),
			"lists":   second(w.TrustRules(background, p, c.ref(theirs), 10)),
			"changes": second(w.UpdateTrustRule(background, p, c.ref(theirs), authority.TrustChange{})),
			"deletes": w.DeleteTrustRule(background, p, c.ref(theirs)),
			"finds it below its own project": second(w.TrustRule(background, p,
				authority.TrustRef{Organization: w.org, Project: store.ProjectRef{ID: w.alpha.ID}, ID: theirs.Credential.ID})),
		} {
			if !errors.Is(err, credential.NotFound) {
				t.Errorf("an owner %s another organization's rule: %v", what, err)
			}
		}
		if out, err := w.TrustRules(background, p, authority.TrustRef{Organization: w.org, Project: store.ProjectRef{ID: w.alpha.ID}}, 10); err != nil || len(out) != 2 {
			t.Errorf("an owner lists %d rules of its own project: %v", len(out), err)
		}
		if _, err := w.CreateTrustRule(background, p, authority.TrustRequest{Organization: w.org, Project: store.ProjectRef{ID: w.alpha.ID}, Name: "x",
			Scopes: scopes("credentials:write"), Trust: narrow.Trust}); !errors.Is(err, credential.Invalid) {
			t.Errorf("a rule that makes credentials: %v", err)
		}
	})
}
