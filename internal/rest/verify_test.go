package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// verifying is one row: what is asked, by whom, and the exact answer.
type verifying struct {
	name string
	as   string
	body string
	want string
}

// refused is the whole body of a decision against a credential.
func refused(code string) string { return `{"code":"` + code + `","active":false}` }

func quote(text string) string {
	q, _ := json.Marshal(text) // a string always has a JSON form
	return string(q)
}

// spoiled makes credentials in every state that is refused.
func (w *world) spoiled(t *testing.T) {
	t.Helper()
	key := func(name string, in api.CreateCredential) api.IssuedCredential {
		in.Scheme, in.Name, in.Organization, in.Scopes = "gatehouse_key", name, w.acme.ID, []string{"projects:read"}
		return w.issue(t, name, in)
	}
	for name, verb := range map[string]string{"revoked": "revoke", "suspended": "suspend"} {
		c := key(name, api.CreateCredential{})
		w.must(t, "POST", "/v1/credentials/"+c.ID+"/"+verb, nil, nil)
	}
	key("expired", api.CreateCredential{ExpiresIn: "1s"})
	key("later", api.CreateCredential{NotBefore: w.clock.now().Add(time.Hour).Format(time.RFC3339)})
	key("listed", api.CreateCredential{AllowedAddresses: []string{"203.0.113.0/24", "2001:db8::/32"}})
	w.clock.advance(2 * time.Second)
	w.must(t, "DELETE", "/v1/organizations/"+w.acme.ID+"/members/lead@acme.test", nil, nil)
}

// decisions is the contract of POST /v1/verify, a row for each sentence.
func (w *world) decisions(t *testing.T) []verifying {
	t.Helper()
	ask := func(name, more string) string { return `{"credential":` + quote(w.secrets[name]) + more + `}` }
	unknown, err := w.cfg.Schemes.ByName("bunship_live").Text.Generate(zeros{})
	if err != nil {
		t.Fatal(err)
	}
	ok := func(name string) string { return w.allowed(t, name) }
	return []verifying{
		{"a working credential", "key", ask("live", ""), ok("live")},
		{"to the installation", "wide", ask("live", ""), ok("live")},
		{"to the operator", "operator", ask("live", ""), ok("live")},
		{"a project's", "key", ask("onetest", `,"cost":0`), ok("onetest")},
		{"a user's", "key", ask("owner", `,"permission":"issues:write"`), ok("owner")},
		{"a client secret", "key", ask("client", ""), ok("client")},
		{"itself", "key", ask("key", ""), ok("key")},
		{"project as UUID", "key", ask("member", `,"permission":"issues:write","project":"`+w.alpha.ID+`"`), ok("member")},
		{"project as pr-", "key", ask("member", `,"permission":"issues:write","project":"`+w.alpha.BetaHubID+`"`), ok("member")},
		{"project as PRJ-", "key", ask("member", `,"permission":"issues:write","project":"`+w.alpha.TestKaseID+`"`), ok("member")},
		{"no project given", "key", ask("member", `,"permission":"issues:write"`), refused("forbidden")},
		{"guest writes", "key", ask("guest", `,"permission":"issues:write","project":"`+w.alpha.ID+`"`), refused("forbidden")},
		{"hidden project", "key", ask("member", `,"project":"`+w.hidden.ID+`"`), refused("forbidden")},
		{"another organization's project", "key", ask("owner", `,"project":"`+w.foreign.ID+`"`), refused("forbidden")},
		{"no such project", "key", ask("owner", `,"project":"pr-999"`), refused("forbidden")},
		{"no project at all", "key", ask("owner", `,"project":"x"`), refused("forbidden")},
		{"project key elsewhere", "key", ask("onetest", `,"project":"`+w.hidden.ID+`"`), refused("forbidden")},
		{"scope is missing", "key", ask("test", `,"permission":"members:read"`), refused("insufficient_scope")},
		{"permission of another service", "key", ask("live", `,"permission":"orders:write"`), refused("insufficient_scope")},
		{"unknown prefix", "key", `{"credential":"ghp_0123456789"}`, refused("malformed")},
		{"empty", "key", `{"credential":""}`, refused("malformed")},
		{"blank", "key", `{"credential":" \t\n "}`, refused("malformed")},
		{"trailing line end", "key", `{"credential":` + quote(w.secrets["live"]+"\n") + `}`, refused("malformed")},
		{"wrong checksum", "key", `{"credential":` + quote(mutations(w.secrets["live"])["wrong checksum"]) + `}`, refused("malformed")},
		{"unknown", "key", `{"credential":` + quote(unknown.Reveal()) + `}`, refused("unknown")},
		{"another organization's", "key", ask("far", ""), refused("unknown")},
		{"another organization's the other way", "far", ask("key", ""), refused("unknown")},
		{"the installation's", "key", ask("wide", ""), refused("unknown")},
		{"revoked", "key", ask("revoked", ""), refused("revoked")},
		{"suspended", "key", ask("suspended", ""), refused("suspended")},
		{"expired", "key", ask("expired", ""), refused("expired")},
		{"not yet valid", "key", ask("later", ""), refused("not_yet_valid")},
		{"owner left", "key", ask("lead", ""), refused("revoked")},
		{"allowlist without address", "key", ask("listed", ""), refused("address_denied")},
		{"allowlist, wrong address", "key", ask("listed", `,"address":"198.51.100.1"`), refused("address_denied")},
		{"allowlist, before the first", "key", ask("listed", `,"address":"203.0.112.255"`), refused("address_denied")},
		{"allowlist, behind the last", "key", ask("listed", `,"address":"203.0.114.0"`), refused("address_denied")},
		{"allowlist, network address", "key", ask("listed", `,"address":"203.0.113.0"`), ok("listed")},
		{"allowlist, broadcast address", "key", ask("listed", `,"address":"203.0.113.255"`), ok("listed")},
		{"allowlist, IPv4 in IPv6", "key", ask("listed", `,"address":"::ffff:203.0.113.7"`), ok("listed")},
		{"allowlist, IPv6", "key", ask("listed", `,"address":"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"`), ok("listed")},
		{"allowlist, next IPv6", "key", ask("listed", `,"address":"2001:db9::"`), refused("address_denied")},
	}
}

// ofLimits is what is told of limits, which isn't the same twice.
var ofLimits = regexp.MustCompile(`,"limits":\{"limit":\d+,"remaining":\d+,"reset_at":"[^"]+","window":"1m","of":"credential"\}`)

// A decision is exactly this, but for what is left of limits.
func TestVerifyDecides(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		w.spoiled(t)
		rows := w.decisions(t)
		before := w.checksum(t)
		for _, r := range rows {
			a := w.do(t, request{method: "POST", path: "/v1/verify", as: r.as, body: r.body})
			limits := ofLimits.Find(a.body)
			if got := string(bytes.Replace(a.body, limits, nil, 1)); a.status != 200 || got != r.want {
				t.Errorf("%s:\ngot  %d %s\nwant 200 %s", r.name, a.status, got, r.want)
			}
		}
		if after := w.checksum(t); after != before {
			t.Errorf("something was changed:\n%.2000s", difference(before, after))
		}
	})
}

// allowed is the exact answer for a credential that works.
func (w *world) allowed(t *testing.T, name string) string {
	t.Helper()
	c := w.records[name]
	d := api.Decision{Code: "ok", Active: true, Organization: c.Organization, Scopes: c.Scopes, ExpiresAt: c.ExpiresAt,
		Credential: &api.VerifiedCredential{ID: c.ID, Name: c.Name, Scheme: c.Scheme, Kind: c.Kind, Mode: c.Mode}}
	switch {
	case c.User != "":
		d.Subject = &api.Subject{Type: "user", ID: c.User}
	case c.Project != "":
		d.Subject, d.Projects = &api.Subject{Type: "project", ID: c.Project}, []string{c.Project}
	default:
		d.Subject = &api.Subject{Type: "organization", ID: c.Organization}
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestVerifyRefusesTheRequest(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	verify := func(as, body string) request {
		return request{method: "POST", path: "/v1/verify", as: as, body: body}
	}
	live := `"credential":` + quote(w.secrets["live"])
	list := []refusal{
		{"absent", verify("key", `{}`), 422, "invalid", "credential"},
		{"no body", request{method: "POST", path: "/v1/verify", as: "key"}, 422, "invalid", "credential"},
		{"null", verify("key", `{"credential":null}`), 422, "invalid", "credential"},
		{"number", verify("key", `{"credential":1}`), 422, "invalid", "credential"},
		{"list", verify("key", `{"credential":["x"]}`), 422, "invalid", "credential"},
		{"no address", verify("key", `{`+live+`,"address":"localhost"}`), 422, "invalid", "address"},
		{"address with a port", verify("key", `{`+live+`,"address":"203.0.113.7:80"}`), 422, "invalid", "address"},
		{"address with a zone", verify("key", `{`+live+`,"address":"fe80::1%eth0"}`), 422, "invalid", "address"},
		{"address with zeros in front", verify("key", `{`+live+`,"address":"203.0.113.007"}`), 422, "invalid", "address"},
		{"negative cost", verify("key", `{`+live+`,"cost":-1}`), 422, "invalid", "cost"},
		{"huge cost", verify("key", `{`+live+`,"cost":1000000001}`), 422, "invalid", "cost"},
		{"cost beyond numbers", verify("key", `{`+live+`,"cost":9223372036854775808}`), 422, "invalid", "cost"},
		{"half a coin", verify("key", `{`+live+`,"cost":0.5}`), 422, "invalid", "cost"},
		{"long resource", verify("key", `{`+live+`,"resource":"`+strings.Repeat("x", 201)+`"}`), 422, "invalid", "resource"},
		{"resource of two lines", verify("key", `{`+live+`,"resource":"a\nb"}`), 422, "invalid", "resource"},
		{"blank Idempotency-Key", request{method: "POST", path: "/v1/verify", as: "key", body: `{` + live + `}`, header: http.Header{"Idempotency-Key": {""}}}, 422, "invalid", "Idempotency-Key"},
		{"no permission text", verify("key", `{`+live+`,"permission":"a b"}`), 422, "invalid", "permission"},
		{"long permission", verify("key", `{`+live+`,"permission":"`+strings.Repeat("a", 65)+`"}`), 422, "invalid", "permission"},
		{"unknown member", verify("key", `{`+live+`,"token":"x"}`), 400, "bad_request", "token"},
		{"twice", verify("key", `{`+live+`,`+live+`}`), 400, "bad_request", ""},
		{"no credential of the caller's own", verify("", `{`+live+`}`), 401, "unauthenticated", ""},
		{"own credential malformed", request{method: "POST", path: "/v1/verify", body: `{` + live + `}`, header: authorization("Bearer x")}, 401, "invalid_credential", ""},
		{"without the scope", verify("live", `{`+live+`}`), 403, "insufficient_scope", ""},
		{"an owner's own token", verify("owner", `{`+live+`}`), 403, "insufficient_scope", ""},
	}
	checkRefusals(t, w, list)
	w.must(t, "POST", "/v1/credentials/"+w.records["key"].ID+"/suspend", nil, nil)
	checkRefusals(t, w, []refusal{{"own credential suspended", verify("key", `{`+live+`}`), 401, "suspended", ""}})
}

// What is malformed is decided without I/O: with the store closed, a caller
// that is known already still learns it. What would need the store is 503.
func TestK7_MalformedNeedsNoStore(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	if a := w.do(t, request{method: "GET", path: "/v1/self", as: "key"}); a.status != 200 { // fills the cache
		t.Fatalf("got %d %s", a.status, a.body)
	}
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	for name, bad := range mutations(w.secrets["live"]) {
		a := w.do(t, request{method: "POST", path: "/v1/verify", as: "key", body: api.Verify{Credential: &bad}})
		if got := string(a.body); a.status != 200 || got != refused("malformed") {
			t.Errorf("%s: got %d %s, want malformed", name, a.status, got)
		}
	}
}

func TestVerifyWithTheStoreClosedIs503(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		secret := w.secrets["live"]
		if a := w.do(t, request{method: "GET", path: "/v1/self", as: "key"}); a.status != 200 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
		if err := w.store.Close(); err != nil {
			t.Fatal(err)
		}
		for name, as := range map[string]string{"the caller's own": "wide", "the asked-for": "key", "asked by the operator": "operator"} {
			a := w.do(t, request{method: "POST", path: "/v1/verify", as: as, body: api.Verify{Credential: &secret}})
			if a.status != 503 || a.header.Get("Retry-After") == "" {
				t.Errorf("%s credential can't be looked up: got %d %s, want 503 with Retry-After", name, a.status, a.body)
			}
		}
	})
}

func TestVerifyThroughTheClient(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	ctx := context.Background()
	secret := w.secrets["member"]
	d, err := w.as("key").Verify(ctx, api.Verify{Credential: &secret, Permission: "issues:read", Project: w.alpha.TestKaseID, Address: "203.0.113.7", UserAgent: "curl/8"})
	if err != nil || !d.Active || d.Credential.ID != w.records["member"].ID || !slices.Equal(d.Scopes, []string{"user"}) {
		t.Errorf("got %+v, %v", d, err)
	}
	if err := w.authority.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	var c api.Credential
	w.must(t, "GET", "/v1/credentials/"+w.records["member"].ID, nil, &c)
	if c.LastUsedAddress != "203.0.113.7" || c.LastUsedAgent != "curl/8" || c.LastUsedAt == nil {
		t.Errorf("the use is kept as %q %q %v", c.LastUsedAddress, c.LastUsedAgent, c.LastUsedAt)
	}
	_, err = w.as("guest").Verify(ctx, api.Verify{Credential: &secret})
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != 403 || p.Code != "insufficient_scope" {
		t.Errorf("a guest verifies: got %v, want a problem insufficient_scope", err)
	}
}
