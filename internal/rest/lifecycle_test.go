package rest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// code asks the server what it decides about a secret.
func (w *world) code(t testing.TB, secret string) string {
	t.Helper()
	var d api.Decision
	w.do(t, request{method: "POST", path: "/v1/verify", as: "wide", body: api.Verify{Credential: &secret}}).decode(t, &d)
	return d.Code
}

func TestCredentialLives(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		for _, c := range w.callers() {
			if c.name == "wide" || c.name == "far" {
				continue
			}
			id, secret := "/v1/credentials/"+w.records[c.name].ID, w.secrets[c.name]
			sum := sha256.Sum256([]byte(secret))
			if got := w.records[c.name]; got.Fingerprint != hex.EncodeToString(sum[:4]) || strings.Contains(secret, got.Hint) || got.State != "active" || got.CreatedBy != "operator" {
				t.Errorf("%s: issued as %+v", c.name, got)
			}
			step := func(verb string, in any, state, decision string) api.Credential {
				t.Helper()
				var out api.Credential
				a := w.do(t, request{method: "POST", path: id + verb, as: "operator", body: in})
				a.decode(t, &out)
				if got := w.code(t, secret); out.State != state || got != decision || strings.Contains(string(a.body), secret) {
					t.Errorf("%s%s: got %s, verified as %s; want %s, %s", c.name, verb, out.State, got, state, decision)
				}
				return out
			}
			step("/suspend", nil, "suspended", "suspended")
			step("/suspend", nil, "suspended", "suspended")
			step("/resume", nil, "active", "ok")
			step("/resume", nil, "active", "ok")
			var out api.IssuedCredential
			w.must(t, "POST", id+"/rotate", api.RotateCredential{}, &out)
			if out.Secret == secret || out.ID != w.records[c.name].ID || out.Predecessor == nil || out.Predecessor.Fingerprint != w.records[c.name].Fingerprint {
				t.Errorf("%s rotated: got %+v", c.name, out.Credential)
			}
			if first, second := w.code(t, secret), w.code(t, out.Secret); first != "ok" || second != "ok" {
				t.Errorf("%s in the grace: predecessor %s, successor %s", c.name, first, second)
			}
			zero := "0"
			w.must(t, "POST", id+"/rotate", api.RotateCredential{Grace: &zero}, &out)
			if got := w.code(t, secret); got != "revoked" {
				t.Errorf("%s after a second rotation: the first secret is %s", c.name, got)
			}
			secret = out.Secret
			step("/revoke", nil, "revoked", "revoked")
			step("/revoke", nil, "revoked", "revoked")
			for _, verb := range []string{"/resume", "/suspend", "/rotate"} {
				if a := w.do(t, request{method: "POST", path: id + verb, as: "operator"}); a.status != http.StatusConflict {
					t.Errorf("%s%s of a revoked one: got %d %s, want 409", c.name, verb, a.status, a.body)
				}
			}
		}
	})
}

func TestCredentialIsChanged(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	c := w.issue(t, "c", api.CreateCredential{Scheme: "gatehouse_key", Name: "  Old  ", Organization: w.acme.ID, Scopes: []string{"projects:read"}, ExpiresIn: "30d",
		AllowedAddresses: []string{"10.0.0.1", "::ffff:10.0.0.0/104", "2001:db8::1/32", "10.0.0.1"}, RateLimit: 60})
	if want := []string{"10.0.0.1/32", "10.0.0.0/8", "2001:db8::/32"}; c.Name != "Old" || !slices.Equal(c.AllowedAddresses, want) || c.RateLimit != 60 {
		t.Errorf("got %q %v %d, want Old %v 60", c.Name, c.AllowedAddresses, c.RateLimit, want)
	}
	soon := w.clock.now().Add(24 * time.Hour).UTC().Truncate(time.Millisecond)
	var got api.Credential
	for _, change := range []struct {
		in    map[string]any
		check func() bool
	}{
		{map[string]any{"name": "New 🔑"}, func() bool { return got.Name == "New 🔑" && got.RateLimit == 60 }},
		{map[string]any{"rate_limit": 0}, func() bool { return got.RateLimit == 0 && got.Name == "New 🔑" }},
		{map[string]any{"allowed_addresses": []string{"10.0.0.1"}}, func() bool { return slices.Equal(got.AllowedAddresses, []string{"10.0.0.1/32"}) }},
		{map[string]any{"allowed_addresses": []string{}}, func() bool { return len(got.AllowedAddresses) == 0 }},
		{map[string]any{"expires_at": soon.Format(time.RFC3339Nano)}, func() bool { return got.ExpiresAt.Equal(soon) }},
	} {
		a := w.do(t, request{method: "PATCH", path: "/v1/credentials/" + c.ID, as: "owner", body: change.in})
		got = api.Credential{}
		if a.decode(t, &got); !change.check() {
			t.Errorf("%v: got %s", change.in, a.body)
		}
		var again api.Credential
		if w.must(t, "GET", "/v1/credentials/"+c.ID, nil, &again); !reflect.DeepEqual(got, again) {
			t.Errorf("the answer %+v\nis not what a GET shows %+v", got, again)
		}
	}
	checkRefusals(t, w, []refusal{{"a later end", request{method: "PATCH", path: "/v1/credentials/" + c.ID, as: "owner", body: map[string]any{"expires_at": soon.Add(time.Hour).Format(time.RFC3339)}}, 422, "invalid", "expires_at"}})
	w.clock.advance(25 * time.Hour)
	if w.must(t, "GET", "/v1/credentials/"+c.ID, nil, &got); got.State != "expired" || w.code(t, c.Secret) != "expired" {
		t.Errorf("at its end: %s, verified as %s", got.State, w.code(t, c.Secret))
	}
}

func TestSelf(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	for _, c := range w.callers() {
		if c.name == "client" || c.name == "token" { // presented elsewhere, or as FormUser
			continue
		}
		var self api.Self
		w.do(t, request{method: "GET", path: "/v1/self", as: c.name}).decode(t, &self)
		if self.Credential == nil || self.Credential.ID != w.records[c.name].ID || self.Organization != w.records[c.name].Organization {
			t.Errorf("%s: got %+v", c.name, self)
		}
		if slices.Contains(self.Permissions, "credentials:verify") != (c.Scheme == "gatehouse_key") {
			t.Errorf("%s: may verify: %v", c.name, self.Permissions)
		}
	}
	var self api.Self
	w.must(t, "GET", "/v1/self", nil, &self)
	if self.Credential != nil || self.Subject.Type != "operator" || !slices.Contains(self.Permissions, "organization:write") {
		t.Errorf("the operator: got %+v", self)
	}
	var out api.IssuedCredential
	w.do(t, request{method: "POST", path: "/v1/self/rotate", as: "guest", body: `{"grace":"1h"}`}).decode(t, &out)
	if w.code(t, out.Secret) != "ok" || w.code(t, w.secrets["guest"]) != "ok" {
		t.Error("a rotated token and its predecessor don't both work")
	}
	checkRefusals(t, w, []refusal{{"a later end without the right to", request{method: "POST", path: "/v1/self/rotate", as: "onetest", body: `{"expires_in":"0d"}`}, 422, "invalid", "expires_in"},
		{"a token's end stays", request{method: "POST", path: "/v1/self/rotate", as: "guest", body: `{"expires_in":"365d"}`}, 422, "invalid", "expires_in"}})
	var gone api.Credential
	if w.do(t, request{method: "POST", path: "/v1/self/revoke", as: "guest"}).decode(t, &gone); gone.State != "revoked" {
		t.Errorf("revoked: got %s", gone.State)
	}
	if a := w.do(t, request{method: "GET", path: "/v1/self", as: "guest"}); a.status != 401 || w.code(t, out.Secret) != "revoked" {
		t.Errorf("after revoking itself: got %d, the successor is %s", a.status, w.code(t, out.Secret))
	}
}

func TestSchemes(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	var list api.List[api.Scheme]
	w.do(t, request{method: "GET", path: "/v1/schemes", as: "guest"}).decode(t, &list)
	if len(list.Items) != len(w.cfg.Schemes.All()) {
		t.Errorf("got %d schemes, want %d", len(list.Items), len(w.cfg.Schemes.All()))
	}
	for _, s := range list.Items {
		if s.Prefix == "" || s.Length < 32 || s.Pattern == "" || len(s.Scopes) == 0 || len(s.Presented) == 0 {
			t.Errorf("scheme %s is told incompletely: %+v", s.Name, s)
		}
	}
}

// whoever holds a secret may end it; the answer tells nothing.
func TestR12_RevokeByPossession(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.spoiled(t)
	secrets := map[string]string{"garbage": "x", "empty": "", "malformed": w.secrets["live"] + "0"}
	for _, name := range []string{"live", "client", "far", "wide", "listed", "suspended", "expired", "later", "revoked", "lead"} {
		if name != "wide" {
			secrets[name] = w.secrets[name]
		}
	}
	for name, secret := range secrets {
		for range 2 {
			a := w.do(t, request{method: "POST", path: "/v1/revoke", body: api.Possession{Credential: &secret}})
			if a.status != 200 || string(a.body) != "{}" {
				t.Errorf("%s: got %d %s, want 200 {}", name, a.status, a.body)
			}
		}
		if want := "revoked"; len(secret) > 20 && name != "malformed" && w.code(t, secret) != want {
			t.Errorf("%s is %s afterwards", name, w.code(t, secret))
		}
	}
	var events api.List[api.Event]
	w.must(t, "GET", "/v1/audit/events?limit=200&organization="+w.acme.ID, nil, &events)
	n := 0
	for _, e := range events.Items {
		if e.Actor == "possession" && e.Action == "credential.revoke" {
			n++
		}
	}
	if n != 6 { // live client listed suspended expired later; not far, not those that were revoked before
		t.Errorf("the audit tells of %d, want 6", n)
	}
	checkRefusals(t, w, []refusal{
		{"absent", request{method: "POST", path: "/v1/revoke", body: `{}`}, 422, "invalid", "credential"},
		{"null", request{method: "POST", path: "/v1/revoke", body: `{"credential":null}`}, 422, "invalid", "credential"},
	})
}

func TestSetup(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newServer(t, cfg)
		code, err := w.authority.SetupCode(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		in := func(code string) request {
			return request{method: "POST", path: "/v1/setup", body: api.Setup{Code: code, Organization: "Acme", Name: "Ada", Email: "Ada@Acme.test", Password: "correct horse battery"}}
		}
		weak := api.Setup{Code: code.Reveal(), Organization: "Acme", Name: "Ada", Email: "ada@acme.test", Password: "short"}
		checkRefusals(t, w, []refusal{
			{"no code", in(""), 403, "forbidden", "code"}, {"wrong code", in("setup-" + strings.Repeat("0", 32)), 403, "forbidden", "code"},
			{"code with a wrong checksum", in(mutations(code.Reveal())["wrong checksum"]), 403, "forbidden", "code"},
			{"weak password", request{method: "POST", path: "/v1/setup", body: weak}, 422, "invalid", "password"},
			{"no body", request{method: "POST", path: "/v1/setup"}, 403, "forbidden", "code"},
		})
		var out api.SetupResult
		a := w.do(t, in(code.Reveal()))
		a.decode(t, &out)
		if a.status != 201 || out.User.Email != "ada@acme.test" || out.User.Role != "owner" || out.Organization.Number != 1 || len(out.Credential.Scopes) != len(w.nativeScopes()) {
			t.Errorf("got %d %+v", a.status, out)
		}
		checkRefusals(t, w, []refusal{{"a second time", in(code.Reveal()), 409, "conflict", ""}})
		w.secrets["first"] = out.Credential.Secret
		if a := w.do(t, request{method: "GET", path: "/v1/self", as: "first"}); a.status != 200 {
			t.Errorf("the first key: got %d %s", a.status, a.body)
		}
		if again, err := w.authority.SetupCode(t.Context()); err != nil || !again.IsZero() {
			t.Errorf("there is another set-up code: %v", err)
		}
		checkNoSecrets(t, w)
	})
}
