package oauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// O-11: a token that works is told to whoever is entitled to it; of any other
// the whole answer is that it isn't active.
func TestO11_Introspection(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token := w.token("api:read")
		_, pat := w.user("ada@acme.test", credential.Owner)
		other, otherSecret := w.issue(authority.IssueRequest{Scheme: "betatesting_client"})
		_, key := w.issue(authority.IssueRequest{Scheme: "gatehouse_key", Scopes: []credential.Scope{"credentials:verify"}})
		_, mute := w.issue(authority.IssueRequest{Scheme: "gatehouse_key", Scopes: []credential.Scope{"issues:read"}})
		_, listed := w.issue(authority.IssueRequest{Scheme: "gatehouse_key", Scopes: []credential.Scope{"issues:read"}, Addresses: []string{"203.0.113.0/24"}})
		ask := func(token, more string, change func(*http.Request)) answer {
			return w.post("/oauth2/introspect", "token="+token+more, change)
		}
		a := ask(token, "&token_type_hint=access_token", w.asClient())
		want := map[string]any{"active": true, "scope": "api:read", "client_id": w.client.ClientID, "sub": w.client.ClientID, "token_type": "Bearer", "iss": w.url, "aud": w.url}
		for name, value := range want {
			if fmt.Sprint(a.body[name]) != fmt.Sprint(value) {
				t.Errorf("%s: got %v, want %v", name, a.body[name], value)
			}
		}
		if exp, iat := a.body["exp"].(float64), a.body["iat"].(float64); exp-iat != 3600 || a.field("jti") == "" {
			t.Errorf("exp %v, iat %v, jti %q", exp, iat, a.field("jti"))
		}
		if a := ask(pat, "", bearer(key)); a.body["active"] != true || a.field("scope") != "user" || a.field("scheme") != "betahub_pat" {
			t.Errorf("an opaque credential: %s", a.text)
		}
		if a := ask(token, "", bearer(key)); a.body["active"] != true {
			t.Errorf("asked by a service that may verify: %s", a.text)
		}
		if a := ask(listed, "&address=203.0.113.7", bearer(key)); a.body["active"] != true {
			t.Errorf("from an address that is allowed: %s", a.text)
		}
		ended := w.token("")
		w.post("/oauth2/revoke", "token="+ended, w.asClient())
		for what, a := range map[string]answer{
			"somebody else's token":     ask(token, "", basic(other.ClientID, otherSecret)),
			"a user's token":            ask(pat, "", w.asClient()),
			"a client's own secret":     ask(otherSecret, "", w.asClient()),
			"an ended token":            ask(ended, "", w.asClient()),
			"nonsense":                  ask("x", "", w.asClient()),
			"a changed token":           ask(changed(token), "", w.asClient()),
			"from an unknown address":   ask(listed, "", bearer(key)),
			"from a forbidden address":  ask(listed, "&address=203.0.114.7", bearer(key)),
			"a megabyte of dots":        w.post("/oauth2/introspect", "token="+strings.Repeat(".", 60_000), w.asClient()),
			"a header and nothing else": ask("eyJ..", "", w.asClient()),
		} {
			if a.status != 200 || a.text != `{"active":false}` || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: got %d %s", what, a.status, a.text)
			}
		}
		w.wantError("nobody asks", ask(token, "", nil), 401, "invalid_token")
		w.wantError("a key that may not verify", ask(token, "", bearer(mute)), 403, "insufficient_scope")
		w.wantError("a token that asks about itself", ask(token, "", bearer(token)), 403, "insufficient_scope")
		w.wantError("a wrong client", ask(token, "", basic(w.client.ClientID, "btcs_x")), 401, "invalid_client")
		w.wantError("no token", w.post("/oauth2/introspect", "", w.asClient()), 400, "invalid_request")
		w.wantError("no address", ask(token, "&address=x", w.asClient()), 400, "invalid_request")
		w.ok(second(w.Revoke(background, w.op, w.client.ID)))
		if a := ask(token, "", bearer(key)); a.text != `{"active":false}` {
			t.Errorf("after its client was revoked: %s", a.text)
		}
	})
}

// O-10: every row of RFC 7009 section 2.2.
func TestO10_Revocation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, kept := w.token(""), w.token("")
		other, otherSecret := w.issue(authority.IssueRequest{Scheme: "betatesting_client"})
		_, pat := w.user("ada@acme.test", credential.Owner)
		end := func(token string, change func(*http.Request)) answer {
			return w.post("/oauth2/revoke", "token="+token+"&token_type_hint=refresh_token", change)
		}
		for what, a := range map[string]answer{
			"somebody else's": end(token, basic(other.ClientID, otherSecret)), "a user's": end(pat, w.asClient()),
			"nonsense": end("x", w.asClient()), "one's own secret": end(w.secret, w.asClient()),
		} {
			if a.status != 200 {
				t.Errorf("%s: got %d %s, want 200", what, a.status, a.text)
			}
		}
		for what, kept := range map[string]string{"the token": token, "a user's": pat} {
			w.wantSelf(what+" is not ended by others", kept, 200, "")
		}
		for range 2 {
			if a := end(token, w.asClient()); a.status != 200 {
				t.Errorf("got %d %s", a.status, a.text)
			}
			w.wantSelf("ended", token, 401, "revoked")
		}
		w.wantSelf("another token of the client", kept, 200, "")
		w.wantError("nobody", end(kept, nil), 401, "invalid_client")
		w.wantError("no token", w.post("/oauth2/revoke", "", w.asClient()), 400, "invalid_request")
		w.ok(w.store.Close())
		a := end(kept, w.asClient())
		w.wantError("without its store", a, 503, "temporarily_unavailable")
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
}

// an ended token stays ended after a restart, until it would have
// expired by itself; then its mark is forgotten.
func TestR14_EndedTokenStaysEnded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, cfg)
		token := w.token("")
		w.post("/oauth2/revoke", "token="+token, w.asClient())
		w.ok(w.store.ForgetMarks(background, w.clock.now()))
		w.ok(w.store.Close())
		again := authority.New(authority.Config{Store: storetest.Open(t, cfg), Schemes: cfg.Schemes, Now: w.clock.now, Issuer: w.url})
		d, err := again.Verify(background, token, authority.Verification{})
		if err != nil || d.Code != credential.CodeRevoked {
			t.Errorf("after a restart: %s, %v", d.Code, err)
		}
	})
}

// O-12: the metadata say what there is, by the configured name whatever Host
// says; J-13: the keys are public, and may be kept for as long as is said.
func TestO12_Metadata(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	r, err := http.NewRequest("GET", w.url+"/.well-known/oauth-authorization-server", nil)
	w.ok(err)
	r.Host = "evil.test"
	r.Header.Set("X-Forwarded-Host", "evil.test")
	a := w.send(r)
	if a.field("issuer") != w.url || strings.Contains(a.text, "evil") || a.header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("%s %v", a.text, a.header)
	}
	for _, name := range []string{"token_endpoint", "introspection_endpoint", "revocation_endpoint", "jwks_uri"} {
		if r, err = http.NewRequest("OPTIONS", a.field(name), nil); err != nil {
			t.Fatal(err)
		}
		if there := w.send(r); there.status != 405 {
			t.Errorf("%s names %s, which answers %d", name, a.field(name), there.status)
		}
	}
	r, _ = http.NewRequest("GET", a.field("jwks_uri"), nil)
	keys := w.send(r)
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(keys.text), &set); err != nil || len(set.Keys) != 1 || set.Keys[0]["d"] != nil || keys.header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("%s %v %v", keys.text, keys.header, err)
	}
}

// J-13: a new key is published before it signs; the one before verifies until
// what it signed has expired. K-15: both on a second node.
func TestJ13_SigningKeysRotate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		kids := func() (ids []string) {
			text, err := w.JWKS(background)
			w.ok(err)
			var set struct{ Keys []struct{ Kid string } }
			w.ok(json.Unmarshal(text, &set))
			for _, k := range set.Keys {
				ids = append(ids, k.Kid)
			}
			return ids
		}
		first := w.token("")
		keys, err := w.RotateSigningKeys(background, w.op, false)
		w.ok(err)
		if len(keys) != 2 || keys[0].State != "next" || keys[1].State != "current" || len(kids()) != 2 {
			t.Errorf("after a rotation: %+v, published %v", keys, kids())
		}
		if header := strings.Split(first, ".")[0]; header != strings.Split(w.token(""), ".")[0] {
			t.Error("the new key signs before anybody could know it")
		}
		w.clock.advance(2*authority.KeysCachedFor + time.Second)
		second := w.token("")
		if strings.Split(first, ".")[0] == strings.Split(second, ".")[0] {
			t.Error("the new key doesn't sign")
		}
		w.wantSelf("signed by the key before", first, 200, "")
		w.clock.advance(authority.TokenLifetime + 2*authority.KeysCachedFor)
		third := w.token("")
		w.wantSelf("signed by the new key", third, 200, "")
		if len(kids()) != 2 { // a device's token lasts for a day
			t.Errorf("published %v, want both keys", kids())
		}
		w.clock.advance(authority.DeviceLasts - authority.TokenLifetime)
		w.wantSelf("signed by the retired key", first, 401, "invalid_credential")
		if len(kids()) != 1 {
			t.Errorf("published %v, want the new key alone", kids())
		}
	})
}
