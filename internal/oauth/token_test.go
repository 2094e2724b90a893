package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// O-2, O-5: the success of RFC 6749 section 5.1, however the client
// authenticates, at both names of the endpoint.
func TestO2_Token(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, secret := url.QueryEscape(w.client.ClientID), url.QueryEscape(w.secret)
		inBody := "&client_id=" + id + "&client_secret=" + secret
		for _, path := range []string{"/oauth2/token", "/api/external/v2/oauth/token"} {
			for _, c := range []struct {
				what, form string
				change     func(*http.Request)
				scope      string
			}{
				{"basic", "grant_type=client_credentials", w.asClient(), "api:read api:write"},
				{"basic, as it stands", "grant_type=client_credentials&scope=api:read", func(r *http.Request) { r.SetBasicAuth(w.client.ClientID, w.secret) }, "api:read"},
				{"basic, with its client_id", "grant_type=client_credentials&client_id=" + id, w.asClient(), "api:read api:write"},
				{"post", "grant_type=client_credentials" + inBody, nil, "api:read api:write"},
				{"post, one scope", "grant_type=client_credentials&scope=api%3Awrite" + inBody, nil, "api:write"},
				{"an empty scope is none", "grant_type=client_credentials&scope=" + inBody, nil, "api:read api:write"},
				{"blanks as they are printed", "grant_type=client_credentials &client_id=" + id + " &client_secret=" + secret + " &scope=api:read api:write", nil, "api:read api:write"},
				{"plus signs", "grant_type=client_credentials&scope=api:read+api:write" + inBody, nil, "api:read api:write"},
				{"charset", "grant_type=client_credentials" + inBody, func(r *http.Request) {
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
				}, "api:read api:write"},
				{"an unknown parameter", "grant_type=client_credentials&color=red" + inBody, nil, "api:read api:write"}, // RFC 6749 section 3.2
			} {
				a := w.post(path, c.form, c.change)
				if a.status != 200 || a.field("token_type") != "Bearer" || a.body["expires_in"] != 3600.0 || a.field("scope") != c.scope ||
					strings.Count(a.field("access_token"), ".") != 2 || !strings.HasPrefix(a.field("access_token"), "eyJ") || a.body["refresh_token"] != nil {
					t.Errorf("%s, %s: got %d %s, want scope %q", path, c.what, a.status, a.text, c.scope)
				}
				if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Type") != "application/json" {
					t.Errorf("%s, %s: headers %v", path, c.what, a.header)
				}
				w.wantSelf(c.what, a.field("access_token"), 200, "")
			}
		}
	})
}

// O-1, O-2, O-4: each row of RFC 6749 section 5.2, and what its sections 2.3
// and 3.2 forbid.
func TestO1_TokenErrors(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	id, secret := url.QueryEscape(w.client.ClientID), url.QueryEscape(w.secret)
	good := "grant_type=client_credentials&client_id=" + id + "&client_secret=" + secret
	_, pat := w.user("ada@acme.test", credential.Owner)
	for _, c := range []struct {
		what, form string
		change     func(*http.Request)
		status     int
		code       string
	}{
		{"no parameters", "", nil, 400, "invalid_request"},
		{"no grant_type", "client_id=" + id + "&client_secret=" + secret, nil, 400, "invalid_request"},
		{"grant_type twice", good + "&grant_type=client_credentials", nil, 400, "invalid_request"},
		{"client_secret twice", good + "&client_secret=x", nil, 400, "invalid_request"},
		{"both ways at once", good, w.asClient(), 400, "invalid_request"},
		{"assertion and secret", good + "&client_assertion=x&client_assertion_type=y", nil, 400, "invalid_request"},
		{"basic for another client_id", "grant_type=client_credentials&client_id=btci_x", w.asClient(), 400, "invalid_request"},
		{"an assertion of an unknown type", "grant_type=client_credentials&client_assertion=x&client_assertion_type=y", nil, 400, "invalid_request"},
		{"parameters in the query", good, func(r *http.Request) { r.URL.RawQuery = "scope=api:read" }, 400, "invalid_request"},
		{"secret in the query", "grant_type=client_credentials", func(r *http.Request) { r.URL.RawQuery = "client_secret=" + secret }, 400, "invalid_request"},
		{"semicolons", strings.ReplaceAll(good, "&", ";"), nil, 400, "invalid_request"},
		{"a bad escape", good + "&scope=%zz", nil, 400, "invalid_request"},
		{"not UTF-8", good + "&x=\xff", nil, 400, "invalid_request"},
		{"two Authorization headers", "grant_type=client_credentials", func(r *http.Request) {
			w.asClient()(r)
			r.Header.Add("Authorization", r.Header.Get("Authorization"))
		}, 400, "invalid_request"},
		{"JSON", `{"grant_type":"client_credentials"}`, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 415, "invalid_request"},
		{"no content type", good, func(r *http.Request) { r.Header.Del("Content-Type") }, 415, "invalid_request"},
		{"too large", good + "&x=" + strings.Repeat("x", 70_000), nil, 413, "invalid_request"},

		{"no client", "grant_type=client_credentials", nil, 401, "invalid_client"},
		{"client_id alone", "grant_type=client_credentials&client_id=" + id, nil, 401, "invalid_client"},
		{"a wrong secret", "grant_type=client_credentials&client_id=" + id + "&client_secret=" + secret[:len(secret)-1] + "x", nil, 401, "invalid_client"},
		{"another client's id", "grant_type=client_credentials&client_id=btci_00000000000000000000&client_secret=" + secret, nil, 401, "invalid_client"},
		{"a user's token as the secret", "grant_type=client_credentials&client_id=" + id + "&client_secret=" + pat, nil, 401, "invalid_client"},
		{"an access token as the secret", "grant_type=client_credentials&client_id=" + id + "&client_secret=" + w.token(""), nil, 401, "invalid_client"},
		{"an assertion that is none", "grant_type=client_credentials&client_assertion=x&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer", nil, 401, "invalid_client"},

		{"an unknown grant", strings.Replace(good, "client_credentials", "password", 1), nil, 400, "unsupported_grant_type"},
		{"implicit", strings.Replace(good, "client_credentials", "implicit", 1), nil, 400, "unsupported_grant_type"},
		{"refresh_token", strings.Replace(good, "client_credentials", "refresh_token", 1), nil, 400, "unsupported_grant_type"},
		{"another case", strings.Replace(good, "client_credentials", "Client_Credentials", 1), nil, 400, "unsupported_grant_type"},

		{"an unknown scope", good + "&scope=api:delete", nil, 400, "invalid_scope"},
		{"one too many", good + "&scope=api:read+api:delete", nil, 400, "invalid_scope"},
		{"another case of a scope", good + "&scope=API:read", nil, 400, "invalid_scope"},
		{"a scope twice", good + "&scope=api:read+api:read", nil, 400, "invalid_scope"},
		{"every scope", good + "&scope=*", nil, 400, "invalid_scope"},
		{"a native permission that the client lacks", good + "&scope=credentials:verify", nil, 400, "invalid_scope"},
	} {
		a := w.post("/oauth2/token", c.form, c.change)
		w.wantError(c.what, a, c.status, c.code)
		if got := a.header.Get("WWW-Authenticate"); got != "" {
			t.Errorf("%s: %q, although Basic was not tried", c.what, got)
		}
	}
	for what, change := range map[string]func(*http.Request){
		"a wrong secret by Basic": basic(w.client.ClientID, "btcs_x"), "nobody by Basic": basic("nobody", w.secret),
		"broken Basic": func(r *http.Request) { r.Header.Set("Authorization", "Basic !!!") },
		"bad escapes":  func(r *http.Request) { r.SetBasicAuth("%zz", w.secret) },
	} {
		a := w.post("/oauth2/token", "grant_type=client_credentials", change)
		w.wantError(what, a, 401, "invalid_client")
		if got := a.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Basic ") { // RFC 6749 section 5.2
			t.Errorf("%s: WWW-Authenticate %q", what, got)
		}
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"} {
		r, err := http.NewRequest(method, w.url+"/oauth2/token?"+good, nil)
		w.ok(err)
		if a := w.send(r); a.status != 405 || a.header.Get("Allow") != "POST" {
			t.Errorf("%s: got %d, Allow %q", method, a.status, a.header.Get("Allow"))
		}
	}
}

// O-2: a scope that was asked for is never silently left out, and a token with
// one scope can't do what the other is for.
func TestO5_ScopeOfTheToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		read, write := w.token("api:read"), w.token("api:write")
		for _, c := range []struct {
			token      string
			permission credential.Permission
			want       credential.Code
		}{
			{read, credential.IssuesRead, credential.OK}, {read, credential.IssuesWrite, credential.CodeScope}, {read, "api:read", credential.OK},
			{read, "api:write", credential.CodeScope}, {write, credential.IssuesWrite, credential.OK}, {write, credential.IssuesRead, credential.CodeScope},
			{write, "api:write", credential.OK}, {read, credential.CredentialsRead, credential.CodeScope},
		} {
			d, err := w.Verify(background, c.token, authority.Verification{Permission: c.permission})
			if err != nil || d.Code != c.want {
				t.Errorf("%s: got %s, %v, want %s", c.permission, d.Code, err, c.want)
			}
		}
	})
}

// O-6, BT-20, BT-22: what ends or stops a client ends its tokens at the next
// request, on the connection that is open, and it gets no more.
func TestO6_TokenDiesWithItsClient(t *testing.T) {
	for what, c := range map[string]struct {
		end  func(w *world)
		code string
	}{
		"revoked":   {func(w *world) { w.ok(second(w.Revoke(background, w.op, w.client.ID))) }, "revoked"},
		"suspended": {func(w *world) { w.ok(second(w.Suspend(background, w.op, w.client.ID))) }, "suspended"},
		"rotated without grace": {func(w *world) {
			w.ok(second(w.Rotate(background, w.op, w.client.ID, authority.RotateRequest{})))
		}, "revoked"},
		"its organization suspended": {func(w *world) { w.ok(second(w.SuspendOrganization(background, w.op, w.org, true))) }, "owner_inactive"},
		"expired": {func(w *world) {
			in := credential.ExpiryChoice{In: time.Minute}
			w.ok(second(w.Update(background, w.op, w.client.ID, authority.UpdateRequest{Expiry: &in})))
			w.clock.advance(time.Minute)
		}, "expired"},
		"an address list set": {func(w *world) {
			list := []string{"203.0.113.0/24"}
			w.ok(second(w.Update(background, w.op, w.client.ID, authority.UpdateRequest{Addresses: &list})))
		}, "address_denied"},
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				token := w.token("")
				w.wantSelf("before", token, 200, "")
				c.end(w)
				status := http.StatusUnauthorized
				if c.code == "address_denied" {
					status = http.StatusForbidden
				}
				w.wantSelf("after", token, status, c.code)
				w.wantError("another token", w.post("/oauth2/token", "grant_type=client_credentials", w.asClient()), 401, "invalid_client")
			})
		})
	}
}

// O-8: during a rotation both secrets get tokens; those of the predecessor end
// with it.
func TestO8_TwoSecrets(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, old := w.token(""), w.secret
		out, err := w.Rotate(background, w.op, w.client.ID, authority.RotateRequest{Grace: 10 * time.Minute})
		w.ok(err)
		late := w.token("")
		w.secret = out.Secret.Reveal()
		fresh := w.token("")
		for what, token := range map[string]string{"from before": before, "by the predecessor": late, "by the successor": fresh} {
			w.wantSelf(what, token, 200, "")
		}
		w.clock.advance(10*time.Minute - time.Second)
		w.wantSelf("at the end of the grace", late, 200, "")
		w.clock.advance(2 * time.Second)
		w.wantSelf("from before, after the grace", before, 401, "revoked")
		w.wantSelf("by the predecessor, after the grace", late, 401, "expired") // it was issued until then
		w.wantSelf("by the successor, after the grace", fresh, 200, "")
		w.wantError("the predecessor's secret", w.post("/oauth2/token", "grant_type=client_credentials", basic(w.client.ClientID, old)), 401, "invalid_client")
	})
}

// BT-18: a token works for 3600 seconds, to the second.
func TestJ8_TokenExpires(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token := w.token("")
		w.clock.advance(time.Hour - 2*time.Second)
		w.wantSelf("two seconds before", token, 200, "")
		w.clock.advance(2 * time.Second)
		w.wantSelf("at its time", token, 401, "expired")
	})
}

func second[T any](_ T, err error) error { return err }
