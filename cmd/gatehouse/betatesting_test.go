package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

func static() api.CreateCredential    { return api.CreateCredential{Scheme: "betatesting_static"} }
func apiClient() api.CreateCredential { return api.CreateCredential{Scheme: "betatesting_client"} }

// tokenFor asks BetaTesting's token endpoint for a token.
func (w *whole) tokenFor(c api.IssuedCredential, scope string, change ...func(*http.Request)) reply {
	w.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ClientID}, "client_secret": {c.Secret}}
	if scope != "" {
		form.Set("scope", scope)
	}
	return w.send("POST", betaTokens, form, change...)
}

// token is one that nothing may refuse.
func (w *whole) token(c api.IssuedCredential, scope string) string {
	w.t.Helper()
	a := w.tokenFor(c, scope)
	if a.status != 200 {
		w.t.Fatalf("no token: %d %s", a.status, a.text)
	}
	return a.field("access_token")
}

// limited fails unless one more credential is refused for its number.
func (w *whole) limited(what string, in api.CreateCredential) {
	w.t.Helper()
	in.Name, in.Organization = "One more", w.org.ID
	err := w.operator.Call(w.t.Context(), "POST", "/v1/credentials", in, nil)
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != 409 || p.Code != "limit_reached" {
		w.t.Errorf("%s: got %v, want limit_reached", what, err)
	}
}

// Two ways to authenticate, a static key and an access token; both go as
// Bearer, and the token is used like the key.
func TestBT1_BT8_BT17_Bearer(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		token := w.token(w.issue(apiClient()), "")
		for what, c := range map[string]string{"a static key": w.issue(static()).Secret, "an access token": token} {
			w.wantStatus(what, w.self(c), 200)
			w.wantStatus(what+", in capital letters", w.send("GET", "/v1/self", nil, func(r *http.Request) { r.Header.Set("Authorization", "BEARER "+c) }), 200)
			w.wantStatus(what+" as X-API-Key", w.send("GET", "/v1/self", nil, func(r *http.Request) { r.Header.Set("X-API-Key", c) }), 401)
			w.wantStatus(what+" without a scheme", w.send("GET", "/v1/self", nil, func(r *http.Request) { r.Header.Set("Authorization", c) }), 401)
			w.wantStatus(what+" in the URL", w.send("GET", "/v1/self?access_token="+c, nil), 400)
		}
	})
}

// The two kinds: one is made in a step, may always do both and works until it
// is deleted; the other is exchanged for a short-lived token, whose scopes are
// chosen, and which nothing but the client's credentials renews.
func TestBT2_BT9_TwoKinds(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		key, c := w.issue(static()), w.issue(apiClient())
		w.wantStatus("the client's secret as Bearer", w.self(c.Secret), 401)
		for scope, may := range map[string][2]string{
			"api:read": {"ok", "insufficient_scope"}, "api:write": {"insufficient_scope", "ok"}, "api:read api:write": {"ok", "ok"},
		} {
			a := w.tokenFor(c, scope)
			w.wantCode("a token for "+scope, a.field("access_token"), "api:read", may[0])
			w.wantCode("a token for "+scope, a.field("access_token"), "api:write", may[1])
			if a.body["refresh_token"] != nil {
				t.Errorf("a refresh token came with it: %s", a.text)
			}
		}
		var p *api.Problem
		narrow := api.CreateCredential{Scheme: "betatesting_static", Name: "narrow", Organization: w.org.ID, Scopes: []string{"api:read"}}
		if err := w.operator.Call(t.Context(), "POST", "/v1/credentials", narrow, nil); !errors.As(err, &p) || p.Field != "scopes" {
			t.Errorf("a static key that only reads: got %v", err)
		}
		w.advance(50 * 365 * 24 * time.Hour)
		for _, permission := range []string{"api:read", "api:write", "issues:read", "issues:write"} {
			w.wantCode("the static key after 50 years", key.Secret, permission, "ok")
		}
		w.wantCode("a new token of the client", w.token(c, "api:read"), "api:read", "ok")
	})
}

// One static key and five clients, the two limits apart. What has expired or is
// suspended counts until it is deleted.
func TestBT3_BT4_BTO7_Limits(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		brief := static()
		brief.ExpiresIn = "1h"
		key := w.issue(brief)
		w.limited("a second static key", static())
		var clients []api.IssuedCredential
		for range 5 {
			clients = append(clients, w.issue(apiClient()))
		}
		w.limited("a sixth client", apiClient())
		w.must("POST", "/v1/credentials/"+clients[0].ID+"/suspend", nil, nil)
		w.advance(time.Hour)
		w.limited("beside one that has expired", static())
		w.limited("beside one that is suspended", apiClient())
		w.must("POST", "/v1/credentials/"+clients[1].ID+"/revoke", nil, nil)
		w.issue(apiClient())
		w.limited("a second static key still", static())
		w.must("POST", "/v1/credentials/"+key.ID+"/revoke", nil, nil)
		w.issue(static())
	})
}

// Key and secret are shown once, in the answer that made them. Lists show what
// else there is to know, and for a client its id.
func TestBT6_BT12_BTO8_ShownOnce(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		brief := apiClient()
		brief.Name, brief.ExpiresIn, brief.AllowedAddresses = "Internal Dashboard", "30d", []string{"203.0.113.0/24"}
		key, c := w.issue(static()), w.issue(brief)
		if !regexp.MustCompile(`^btci_[0-9A-Za-z]{20}$`).MatchString(c.ClientID) || !strings.HasPrefix(c.Secret, "btcs_") {
			t.Errorf("a Client ID %q with a secret %.6s…", c.ClientID, c.Secret)
		}
		w.self(key.Secret)
		for _, path := range []string{"", "/" + key.ID, "/" + c.ID} {
			var raw json.RawMessage
			w.must("GET", "/v1/credentials"+path, nil, &raw)
			for _, secret := range []string{key.Secret, c.Secret} {
				if strings.Contains(string(raw), secret) || strings.Contains(string(raw), secret[len(secret)-10:]) {
					t.Errorf("%s shows a secret", path)
				}
			}
		}
		var list api.List[api.Credential]
		w.must("GET", "/v1/credentials", nil, &list)
		shown := map[string]api.Credential{}
		for _, c := range list.Items {
			shown[c.Scheme] = c
		}
		if got := shown["betatesting_static"]; got.Kind != "api_key" || got.Hint != "btst_…" || got.CreatedBy != "operator" || got.LastUsedAt == nil || got.CreatedAt.IsZero() {
			t.Errorf("the static key is shown as %+v", got)
		}
		if got := shown["betatesting_client"]; got.Name != "Internal Dashboard" || got.Kind != "oauth_client" || got.Hint != c.ClientID || got.ExpiresAt == nil || len(got.AllowedAddresses) != 1 || got.LastUsedAt != nil {
			t.Errorf("the client is shown as %+v", got)
		}
	})
}

// btst_ and 64 letters and digits, of which the last 6 are a checksum.
func TestBT7_BTO1_Format(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		key := w.issue(static()).Secret
		if !regexp.MustCompile(`^btst_[0-9A-Za-z]{64}$`).MatchString(key) || len(key) != 69 {
			t.Errorf("got %s", key)
		}
		if !(credential.Format{Prefix: "btst_", Alphabet: credential.Base62, Length: 64}).Check(key) {
			t.Errorf("%s has no checksum", key)
		}
		other := "0"
		if strings.HasSuffix(key, other) {
			other = "1"
		}
		for what, wrong := range map[string]string{"another end": key[:68] + other, "too short": key[:68], "too long": key + "0", "another prefix": "btsx_" + key[5:], "capital letters": "BTST_" + key[5:]} {
			w.wantCode(what, wrong, "", "malformed")
			w.wantStatus(what, w.self(wrong), 401)
		}
	})
}

// Credentials are exchanged for a token by a form: as printed, and in the other
// spellings of a blank. The answer is the documented one.
func TestBT13_BT16_BTO2_BTO3_Exchange(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		c := w.issue(apiClient())
		printed := "grant_type=client_credentials &client_id=" + c.ClientID + " &client_secret=" + c.Secret + " &scope=api:read api:write"
		for what, form := range map[string]string{
			"as printed": printed, "with line breaks encoded": strings.ReplaceAll(printed, " &", "&"),
			"with a plus": strings.ReplaceAll(printed, "read api", "read+api"), "with %20": strings.ReplaceAll(printed, "read api", "read%20api"),
			"without a scope": printed[:strings.Index(printed, "&scope")], "with an empty scope": printed[:strings.Index(printed, "api:read")],
		} {
			a := w.send("POST", betaTokens, form)
			if a.status != 200 || a.body["token_type"] != "Bearer" || a.body["expires_in"] != 3600.0 || a.body["scope"] != "api:read api:write" ||
				a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: got %d %s", what, a.status, a.text)
			}
			parts := strings.Split(a.field("access_token"), ".")
			if len(parts) != 3 || !strings.HasPrefix(parts[0], "eyJ") {
				t.Fatalf("%s: no JWT: %s", what, a.text)
			}
			var head, claims map[string]any
			for i, into := range []*map[string]any{&head, &claims} {
				text, err := base64.RawURLEncoding.DecodeString(parts[i])
				if err := errors.Join(err, json.Unmarshal(text, into)); err != nil {
					t.Fatal(err)
				}
			}
			if head["typ"] != "at+jwt" || claims["client_id"] != c.ClientID || claims["sub"] != c.ClientID || claims["scope"] != "api:read api:write" || claims["iss"] != w.url ||
				claims["aud"] == nil || claims["jti"] == nil || claims["exp"].(float64)-claims["iat"].(float64) != 3600 {
				t.Errorf("%s: %v %v", what, head, claims)
			}
		}
	})
}

// api:read lists and retrieves, api:write creates, updates and deletes; one of
// them or both may be asked for, and neither does the other's work.
func TestBT14_BT15_Scopes(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		c := w.issue(apiClient())
		reads := []string{"api:read", "projects:read", "issues:read", "tests:read", "results:read", "artifacts:read", "members:read", "webhooks:read"}
		writes := []string{"api:write", "projects:write", "issues:write", "tests:write", "results:write", "artifacts:write", "webhooks:write"}
		for scope, may := range map[string]struct{ read, write string }{
			"api:read": {"ok", "insufficient_scope"}, "api:write": {"insufficient_scope", "ok"},
			"api:read api:write": {"ok", "ok"}, "api:write api:read": {"ok", "ok"},
		} {
			token := w.token(c, scope)
			for _, p := range reads {
				w.wantCode(scope, token, p, may.read)
			}
			for _, p := range writes {
				w.wantCode(scope, token, p, may.write)
			}
		}
		members := "/v1/organizations/" + w.org.ID + "/members"
		w.wantStatus("a reader lists", w.send("GET", members, nil, as(w.token(c, "api:read"))), 200)
		w.wantStatus("a writer lists", w.send("GET", members, nil, as(w.token(c, "api:write"))), 403)
	})
}

// After an hour the token is refused; the same credentials get a new one.
func TestBT18_Expiry(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		c := w.issue(apiClient())
		token := w.token(c, "")
		w.advance(time.Hour - time.Second)
		w.wantStatus("a second before", w.self(token), 200)
		w.advance(time.Second)
		w.wantStatus("after an hour", w.self(token), 401)
		w.wantCode("after an hour", token, "", "expired")
		w.wantStatus("a new one", w.self(w.token(c, "")), 200)
	})
}

// With an allowlist, requests are taken from its addresses alone, those for a
// token too; elsewhere the answer is 403. An empty list is off.
func TestBT19_BTO5_Allowlist(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		key, c := w.issue(static()), w.issue(apiClient())
		token := w.token(c, "")
		list := []string{"203.0.113.7", "198.51.100.0/24", "2001:db8::/48"}
		for _, id := range []string{key.ID, c.ID} {
			w.must("PATCH", "/v1/credentials/"+id, api.UpdateCredential{AllowedAddresses: &list}, nil)
		}
		for address, inside := range map[string]bool{
			"203.0.113.7": true, "198.51.100.255": true, "2001:db8:0:1::1": true, "203.0.113.8": false, "198.51.101.0": false, "2001:db8:1::1": false,
		} {
			status, code := 403, "address_denied"
			if inside {
				status, code = 200, "ok"
			}
			for what, secret := range map[string]string{"key": key.Secret, "token": token} {
				w.wantStatus(what+" from "+address, w.self(secret, at(address)), status)
				if got := w.verify(secret, "api:read", address); got != code {
					t.Errorf("the %s from %s: got %s, want %s", what, address, got, code)
				}
			}
			a := w.tokenFor(c, "", at(address))
			if inside != (a.status == 200) || !inside && (a.status != 401 || a.field("error") != "invalid_client") {
				t.Errorf("a token for %s: got %d %s", address, a.status, a.text)
			}
		}
		off := []string{}
		w.must("PATCH", "/v1/credentials/"+key.ID, api.UpdateCredential{AllowedAddresses: &off}, nil)
		w.wantStatus("the list is empty", w.self(key.Secret, at("192.0.2.1")), 200)
	})
}

// The operator, and nobody of the organization, lets a client end at a date:
// requests, tokens of before and requests for tokens are refused from then on.
func TestBT20_BTO6_BTO7_Expiration(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		owner := w.person("owner", "owner")
		for _, scheme := range []string{"betatesting_static", "betatesting_client"} {
			body := map[string]any{"scheme": scheme, "name": "x", "expires_in": "1h"}
			w.wantStatus("the owner sets an end for "+scheme, w.send("POST", "/v1/credentials", body, as(owner)), 403)
			delete(body, "expires_in")
			w.wantStatus("the owner makes "+scheme, w.send("POST", "/v1/credentials", body, as(owner)), 201)
		}
		w.must("POST", "/v1/credentials/"+w.only("betatesting_static").ID+"/revoke", nil, nil)
		brief := static()
		brief.ExpiresIn = "30m"
		key, c := w.issue(brief), w.issue(apiClient())
		ends := time.Date(2026, 1, 2, 3, 34, 5, 0, time.UTC).Format(time.RFC3339)
		before := w.token(c, "")
		w.must("PATCH", "/v1/credentials/"+c.ID, api.UpdateCredential{ExpiresAt: &ends}, nil)
		if a := w.tokenFor(c, ""); a.status != 200 || a.body["expires_in"] != 1800.0 {
			t.Errorf("a token outlives its client: %s", a.text)
		}
		w.advance(30*time.Minute - time.Millisecond)
		w.wantStatus("the key before", w.self(key.Secret), 200)
		w.wantStatus("the token before", w.self(before), 200)
		w.advance(time.Millisecond)
		w.wantStatus("the key", w.self(key.Secret), 401)
		w.wantStatus("a token of before", w.self(before), 401)
		w.wantCode("the key", key.Secret, "", "expired")
		w.wantCode("a token of before", before, "", "expired")
		if a := w.tokenFor(c, ""); a.status != 401 || a.field("error") != "invalid_client" {
			t.Errorf("a new token: got %d %s", a.status, a.text)
		}
	})
}

// only is the one credential of a scheme.
func (w *whole) only(scheme string) api.Credential {
	w.t.Helper()
	var list api.List[api.Credential]
	w.must("GET", "/v1/credentials?scheme="+scheme, nil, &list)
	if len(list.Items) != 1 {
		w.t.Fatalf("%d credentials of %s", len(list.Items), scheme)
	}
	return list.Items[0]
}

// From its deletion on every request of a client is 401: by its key, by a
// token of before, and for a token. In its place a new one is made.
func TestBT22_BT23_DeleteAndReplace(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		key, c := w.issue(static()), w.issue(apiClient())
		tokens := []string{w.token(c, "api:read"), w.token(c, "")}
		for range 2 {
			w.wantStatus("the key before", w.self(key.Secret), 200)
			w.wantStatus("the token before", w.self(tokens[0]), 200)
		}
		for _, id := range []string{key.ID, c.ID} {
			w.must("POST", "/v1/credentials/"+id+"/revoke", nil, nil)
		}
		for what, secret := range map[string]string{"the key": key.Secret, "a token": tokens[0], "another token": tokens[1]} {
			w.wantStatus(what, w.self(secret), 401)
			w.wantCode(what, secret, "api:read", "revoked")
		}
		if a := w.tokenFor(c, ""); a.status != 401 || a.field("error") != "invalid_client" {
			t.Errorf("a new token: got %d %s", a.status, a.text)
		}
		w.wantStatus("the new key", w.self(w.issue(static()).Secret), 200)
		w.wantStatus("the new client", w.self(w.token(w.issue(apiClient()), "")), 200)
		w.wantStatus("the old key still", w.self(key.Secret), 401)
	})
}

// The scopes are chosen in the request for a token; an unknown one is refused,
// and never left out.
func TestBTO3_UnknownScope(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		c := w.issue(apiClient())
		for _, scope := range []string{"api:delete", "api:read api:delete", "API:READ", "*", "credentials:verify", "api:read,api:write"} {
			if a := w.tokenFor(c, scope); a.status != 400 || a.field("error") != "invalid_scope" || a.field("error_description") == "" {
				t.Errorf("%s: got %d %s", scope, a.status, a.text)
			}
		}
	})
}

// The token endpoint's errors are those of RFC 6749 section 5.2. A client
// authenticates by form or by Basic, and not by both.
func TestBTO4_TokenErrors(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		c := w.issue(apiClient())
		basic := func(id, secret string) func(*http.Request) {
			return func(r *http.Request) { r.SetBasicAuth(id, secret) }
		}
		grant, mine := "grant_type=client_credentials", fmt.Sprintf("&client_id=%s&client_secret=%s", c.ClientID, c.Secret)
		wrong := strings.Replace(mine, "btcs_", "btcs_0", 1)
		none := func(*http.Request) {}
		for what, row := range map[string]struct {
			form      string
			change    func(*http.Request)
			status    int
			code      string
			challenge string
		}{
			"by form":          {grant + mine, none, 200, "", ""},
			"by Basic":         {grant, basic(c.ClientID, c.Secret), 200, "", ""},
			"by both":          {grant + mine, basic(c.ClientID, c.Secret), 400, "invalid_request", ""},
			"no grant":         {mine[1:], none, 400, "invalid_request", ""},
			"another grant":    {"grant_type=password" + mine, none, 400, "unsupported_grant_type", ""},
			"a refresh":        {"grant_type=refresh_token&refresh_token=x" + mine, none, 400, "unsupported_grant_type", ""},
			"a wrong secret":   {grant + wrong, none, 401, "invalid_client", ""},
			"wrong by Basic":   {grant, basic(c.ClientID, "x"), 401, "invalid_client", "Basic "},
			"no client at all": {grant, none, 401, "invalid_client", ""},
		} {
			a := w.send("POST", betaTokens, row.form, row.change)
			if a.status != row.status || a.field("error") != row.code || a.header.Get("Cache-Control") != "no-store" ||
				!strings.HasPrefix(a.header.Get("WWW-Authenticate"), row.challenge) || (row.challenge == "") != (a.header.Get("WWW-Authenticate") == "") {
				t.Errorf("%s: got %d %s %v", what, a.status, a.text, a.header)
			}
			if row.status != 200 && a.field("error_description") == "" {
				t.Errorf("%s: no description: %s", what, a.text)
			}
		}
	})
}

// 401 carries a Bearer challenge; a missing scope is named in it.
func TestBTO11_Challenges(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		c := w.issue(apiClient())
		for what, row := range map[string]struct {
			a      reply
			status int
			want   []string
		}{
			"nothing":    {w.send("GET", "/v1/self", nil), 401, []string{"Bearer "}},
			"a bad key":  {w.self("btst_x"), 401, []string{"Bearer ", `error="invalid_token"`}},
			"no scope":   {w.send("GET", "/v1/organizations/"+w.org.ID+"/members", nil, as(w.token(c, "api:write"))), 403, []string{"Bearer ", `error="insufficient_scope"`, `scope="members:read"`}},
			"a bad JWT":  {w.self("eyJhbGciOiJub25lIn0.e30."), 401, []string{"Bearer ", `error="invalid_token"`}},
			"client key": {w.self(c.Secret), 401, []string{"Bearer ", `error="invalid_token"`}},
		} {
			got := row.a.header.Get("WWW-Authenticate")
			for _, part := range row.want {
				if row.a.status != row.status || !strings.Contains(got, part) {
					t.Errorf("%s: got %d with %q, want %q", what, row.a.status, got, part)
				}
			}
		}
	})
}
