package main

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
)

// goodPassword is one that nobody refuses.
const goodPassword = "Correct-Horse-1"

// person makes a member who has signed in, and returns the access token.
func (w *whole) person(name, role string) string {
	w.t.Helper()
	w.must("POST", "/v1/organizations/"+w.org.ID+"/members", api.CreateUser{Email: name + "@acme.test", Name: name, Role: role, Password: goodPassword}, nil)
	a := w.send("POST", "/api/v1/auth/login", map[string]string{"email": name + "@acme.test", "password": goodPassword})
	if a.status != 200 {
		w.t.Fatalf("%s doesn't sign in: %d %s", name, a.status, a.text)
	}
	return a.field("accessToken")
}

// trade exchanges a credential for an access token (RFC 8693).
func (w *whole) trade(subject, scope string) string {
	w.t.Helper()
	form := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {subject},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
	}
	if scope != "" {
		form.Set("scope", scope)
	}
	a := w.send("POST", nativeTokens, form)
	if a.status != 200 {
		w.t.Fatalf("not exchanged: %d %s", a.status, a.text)
	}
	return a.field("access_token")
}

// A token that was traded for a session's, or for a personal token, reads what
// its scopes say; but it changes nothing that lets its user in, and makes no
// key: neither here nor under /v1.
func TestBS3_TradedTokens(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		session := w.person("ada", "owner")
		pat := w.issue(api.CreateCredential{Scheme: "betahub_pat", User: "ada@acme.test"}).Secret
		keys := "/api/v1/organizations/" + w.org.BunShipID + "/api-keys"
		key := map[string]any{"name": "x", "scopes": []string{"read:members"}}
		native := map[string]any{"scheme": "gatehouse_key", "name": "x", "scopes": []string{"issues:read"}}
		own := map[string]any{"scheme": "betahub_pat", "name": "x"}
		for what, token := range map[string]string{
			"traded": w.trade(session, ""), "traded twice": w.trade(w.trade(session, ""), ""), "narrowed": w.trade(session, "members:read"),
			"a personal token's": w.trade(pat, ""), "a personal token": pat,
		} {
			refused, reads := 403, 200
			if strings.HasPrefix(what, "a personal token") { // which is no credential of BunShip's
				refused, reads = 401, 401
			}
			for _, c := range []struct {
				method, path string
				body         any
			}{
				{"PUT", "/api/v1/users/me/password", map[string]string{"currentPassword": goodPassword, "newPassword": goodPassword + "2"}},
				{"POST", "/api/v1/auth/two-factor/setup", map[string]string{"password": goodPassword}},
				{"POST", "/api/v1/auth/two-factor/verify", map[string]string{"code": "123456"}},
				{"POST", "/api/v1/auth/two-factor/disable", map[string]string{"password": goodPassword, "code": "123456"}},
				{"POST", "/api/v1/auth/logout", map[string]bool{"allSessions": true}},
				{"GET", "/api/v1/users/me/sessions", nil}, {"DELETE", "/api/v1/users/me/sessions/ses_00000000000070008000000000000000", nil},
				{"PATCH", "/api/v1/users/me", map[string]string{"fullName": "Eve"}},
				{"POST", keys, key}, {"GET", keys, nil}, {"DELETE", keys + "/key_00000000000070008000000000000000", nil},
			} {
				w.wantStatus(what+": "+c.method+" "+c.path, w.send(c.method, c.path, c.body, as(token)), refused)
			}
			w.wantStatus(what+" lists members", w.send("GET", "/api/v1/organizations/"+w.org.BunShipID+"/members", nil, as(token)), reads)
			if what != "a personal token" { // which may make what its user may, under /v1
				w.wantStatus(what+" makes a key under /v1", w.send("POST", "/v1/credentials", native, as(token)), 403)
				w.wantStatus(what+" makes a personal token", w.send("POST", "/v1/credentials", own, as(token)), 403)
			}
		}
		w.wantStatus("the session itself", w.send("POST", keys, key, as(session)), 200)
		w.wantStatus("the password is as it was", w.send("POST", "/api/v1/auth/login", map[string]string{"email": "ada@acme.test", "password": goodPassword}), 200)
	})
}
