package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// A row is one row of an RFC: a request, and the answer that it must get.
type row struct {
	rfc       string // the section, and what it names
	form      string
	as        func(*http.Request) // how the request authenticates; nil: not at all
	status    int
	want      string // the error, or where it begins with a brace the whole body; empty: anything
	challenge string // WWW-Authenticate, whole
}

// The challenges that there are.
const (
	basicChallenge   = `Basic realm="gatehouse", charset="UTF-8"`
	bearerChallenge  = `Bearer realm="gatehouse"`
	invalidRequest   = bearerChallenge + `, error="invalid_request"`
	invalidToken     = bearerChallenge + `, error="invalid_token", error_description="`
	tooLittle        = bearerChallenge + `, error="insufficient_scope", scope="`
	formOfAssertions = "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion="
)

// walk posts every row to an endpoint.
func (w *world) walk(path string, rows []row) {
	w.t.Helper()
	for _, r := range rows {
		w.check(r, w.post(path, r.form, r.as))
	}
}

// check compares an answer with its row.
func (w *world) check(r row, a answer) {
	w.t.Helper()
	if got := a.header.Get("WWW-Authenticate"); a.status != r.status || got != r.challenge {
		w.t.Errorf("%s: got %d, challenge %q, %s; want %d, challenge %q", r.rfc, a.status, got, a.text, r.status, r.challenge)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		w.t.Errorf("%s: Cache-Control %q", r.rfc, a.header.Get("Cache-Control"))
	}
	switch {
	case r.want == "":
	case strings.HasPrefix(r.want, "{"):
		if a.text != r.want || a.header.Get("Content-Type") != "application/json" {
			w.t.Errorf("%s: got %s as %s, want %s", r.rfc, a.text, a.header.Get("Content-Type"), r.want)
		}
	default:
		w.wantError(r.rfc, a, r.status, r.want)
		// RFC 6749 section 5.2: %x20-21 / %x23-5B / %x5D-7E
		if text := a.field("error_description"); strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
			w.t.Errorf("%s: error_description %q", r.rfc, text)
		}
	}
}

// O-2: every row of RFC 6749 section 5.2. Two of its codes apply to nothing
// here, and what stands nearest to them has another: invalid_grant is of
// authorization codes, passwords and refresh tokens, and unauthorized_client
// of clients that may not use a grant, but every client may use both.
func TestO2_RowsOfRFC6749(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const grant = "grant_type=client_credentials"
		id, stranger := url.QueryEscape(w.client.ClientID), basic("btci_x", "btcs_x")
		inBody := "&client_id=" + id + "&client_secret="
		exchange := "grant_type=" + url.QueryEscape(exchangeGrant) + "&subject_token_type=" + url.QueryEscape("urn:ietf:params:oauth:token-type:access_token")
		suspended, suspendedSecret := w.issue(authority.IssueRequest{Scheme: "betatesting_client"})
		w.ok(second(w.Suspend(background, w.op, suspended.ID)))
		w.walk("/oauth2/token", []row{
			{"5.2 invalid_request: a parameter is missing", "scope=api:read", w.asClient(), 400, "invalid_request", ""},
			{"5.2 invalid_request: an unsupported value, other than of grant_type", grant + "&client_assertion=x&client_assertion_type=y", nil, 400, "invalid_request", ""},
			{"5.2 invalid_request: a parameter is repeated", grant + "&" + grant, w.asClient(), 400, "invalid_request", ""},
			{"5.2 invalid_request: several credentials", grant + inBody + url.QueryEscape(w.secret), w.asClient(), 400, "invalid_request", ""},
			{"5.2 invalid_request: several mechanisms", grant + formOfAssertions + "x", w.asClient(), 400, "invalid_request", ""},
			{"5.2 invalid_request: otherwise malformed", grant + "&scope=%zz", w.asClient(), 400, "invalid_request", ""},

			{"5.2 invalid_client: no authentication included", grant, nil, 401, "invalid_client", ""},
			{"5.2 invalid_client: the client_id alone", grant + "&client_id=" + id, nil, 401, "invalid_client", ""},
			{"5.2 invalid_client: unknown client, by Authorization", grant, stranger, 401, "invalid_client", basicChallenge},
			{"5.2 invalid_client: unknown client, by the form", grant + "&client_id=btci_x&client_secret=btcs_x", nil, 401, "invalid_client", ""},
			{"5.2 invalid_client: wrong secret, by Authorization", grant, basic(w.client.ClientID, flipped(w.secret)), 401, "invalid_client", basicChallenge},
			{"5.2 invalid_client: wrong secret, by the form", grant + inBody + flipped(w.secret), nil, 401, "invalid_client", ""},
			{"5.2 invalid_client: suspended", grant, basic(suspended.ClientID, suspendedSecret), 401, "invalid_client", basicChallenge},
			{"5.2 invalid_client: unsupported method: an assertion without keys", grant + formOfAssertions + "x", nil, 401, "invalid_client", ""},
			{"5.2 invalid_client: unsupported method: Bearer", grant, bearer(w.secret), 401, "invalid_client", ""},

			{"5.2 invalid_grant: none; RFC 8693 2.2.2 has invalid_request", exchange + "&subject_token=" + flipped(w.secret), nil, 400, "invalid_request", ""},
			{"5.2 invalid_grant: none; RFC 8693 2.2.2, of another client", exchange + "&subject_token=" + w.token(""), stranger, 401, "invalid_client", basicChallenge},
			{"5.2 unauthorized_client: none; both grants are every client's", exchange + "&subject_token=" + w.token(""), w.asClient(), 200, "", ""},

			{"5.2 unsupported_grant_type: authorization_code", "grant_type=authorization_code&code=x", w.asClient(), 400, "unsupported_grant_type", ""},
			{"5.2 unsupported_grant_type: password", "grant_type=password&username=a&password=b", w.asClient(), 400, "unsupported_grant_type", ""},
			{"5.2 unsupported_grant_type: refresh_token", "grant_type=refresh_token&refresh_token=x", w.asClient(), 400, "unsupported_grant_type", ""},
			{"5.2 unsupported_grant_type: an extension", "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=x", w.asClient(), 400, "unsupported_grant_type", ""},

			{"5.2 invalid_scope: unknown", grant + "&scope=api:delete", w.asClient(), 400, "invalid_scope", ""},
			{"5.2 invalid_scope: malformed", grant + "&scope=%22", w.asClient(), 400, "invalid_scope", ""},
			{"5.2 invalid_scope: exceeds", grant + "&scope=api:read+credentials:verify", w.asClient(), 400, "invalid_scope", ""},
			{"8693 2.2.2 invalid_target, in ASCII", exchange + "&project=x&subject_token=" + w.token(""), nil, 400,
				`{"error":"invalid_target","error_description":"project: name the project by its UUID, pr-... or PRJ-..."}`, ""},
			{"5.1 success", grant, w.asClient(), 200, "", ""},
		})
	})
}

// O-9: every row of RFC 6750 section 3.1, of an access token.
func TestO9_RowsOfRFC6750(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, short := w.token("api:read"), w.traded(w.token("api:read"), url.Values{"expires_in": {"60"}})
		ended := w.token("api:read")
		w.post("/oauth2/revoke", "token="+ended, w.asClient())
		w.clock.advance(time.Minute)
		twice := func(r *http.Request) { bearer(token)(r); r.Header.Add("Authorization", "Bearer "+token) }
		for _, c := range []struct {
			path string
			row
		}{
			{"/protected", row{"3.1: no authentication information", "", nil, 401, "", bearerChallenge}},
			{"/protected", row{"3.1 invalid_request: several methods", "", func(r *http.Request) { bearer(token)(r); r.Header.Set("X-Api-Key", token) }, 400, "", invalidRequest}},
			{"/protected", row{"3.1 invalid_request: a method twice", "", twice, 400, "", invalidRequest}},
			{"/protected?access_token=" + token, row{"3.1 invalid_request: in the query, which section 2.3 is not", "", nil, 400, "", ""}},
			{"/protected", row{"3.1 invalid_token: malformed", "", bearer("x"), 401, "", invalidToken + `the credential is not valid"`}},
			{"/protected", row{"3.1 invalid_token: invalid", "", bearer(changed(token)), 401, "", invalidToken + `the credential is not valid"`}},
			{"/protected", row{"3.1 invalid_token: expired", "", bearer(short), 401, "", invalidToken + `the credential has expired"`}},
			{"/protected", row{"3.1 invalid_token: revoked", "", bearer(ended), 401, "", invalidToken + `the credential is revoked"`}},
			{"/protected/issues", row{"3.1 insufficient_scope", "", bearer(token), 403, "", tooLittle + `issues:write"`}},
			{"/protected", row{"2.1 success", "", bearer(token), 200, "", ""}},
			{"/protected/issues", row{"2.1 success, with the scope", "", bearer(w.token("api:write")), 200, "", ""}},
		} {
			r, err := http.NewRequest(http.MethodGet, w.url+c.path, nil)
			w.ok(err)
			if c.as != nil {
				c.as(r)
			}
			w.check(c.row, w.send(r))
		}
	})
}

// O-10: every row of RFC 7009 section 2.2.
func TestO10_RowsOfRFC7009(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, kept := w.token(""), w.token("")
		other, otherSecret := w.issue(authority.IssueRequest{Scheme: "betatesting_client"})
		_, pat := w.user("ada@acme.test", credential.Owner)
		w.walk("/oauth2/revoke", []row{
			{"2.1 invalid_request: no token", "", w.asClient(), 400, "invalid_request", ""},
			{"2.2.1 invalid_client: no credential", "token=" + token, nil, 401, "invalid_client", ""},
			{"2.2.1 invalid_client: a wrong secret", "token=" + token, basic(w.client.ClientID, flipped(w.secret)), 401, "invalid_client", basicChallenge},
			{"2.2 unknown", "token=x", w.asClient(), 200, "{}", ""},
			{"2.2 malformed", "token=eyJ..", w.asClient(), 200, "{}", ""},
			{"2.1 of another client", "token=" + token, basic(other.ClientID, otherSecret), 200, "{}", ""},
			{"2.1 of a user", "token=" + pat, w.asClient(), 200, "{}", ""},
		})
		w.wantSelf("after all these", token, 200, "")
		w.wantSelf("after all these, the user's", pat, 200, "")
		w.walk("/oauth2/revoke", []row{
			{"2.2 valid", "token=" + token, w.asClient(), 200, "{}", ""},
			{"2.2 revoked already", "token=" + token, w.asClient(), 200, "{}", ""},
			{"2.1 a hint that is wrong", "token=" + token + "&token_type_hint=refresh_token", w.asClient(), 200, "{}", ""},
			{"2.2.1 unsupported_token_type: none; an unknown hint is ignored", "token=" + token + "&token_type_hint=x", w.asClient(), 200, "{}", ""},
		})
		w.wantSelf("revoked", token, 401, "revoked")
		w.ok(w.store.Close())
		r := row{"2.2.1 503: could not be done", "token=" + kept, w.asClient(), 503, "temporarily_unavailable", ""}
		a := w.post("/oauth2/revoke", r.form, r.as)
		w.check(r, a)
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("%s: Retry-After %q", r.rfc, a.header.Get("Retry-After"))
		}
	})
}

// O-11: every row of RFC 7662 sections 2.1 to 2.3.
func TestO11_RowsOfRFC7662(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const inactive = `{"active":false}`
		token, short := w.token(""), w.traded(w.token(""), url.Values{"expires_in": {"60"}})
		ended := w.token("")
		w.post("/oauth2/revoke", "token="+ended, w.asClient())
		_, pat := w.user("ada@acme.test", credential.Owner)
		other, otherSecret := w.issue(authority.IssueRequest{Scheme: "betatesting_client"})
		_, mute := w.issue(authority.IssueRequest{Scheme: "gatehouse_key", Scopes: []credential.Scope{"issues:read"}})
		a := w.post("/oauth2/introspect", "token="+short, w.asClient())
		if got, want := a.body["exp"].(float64)-a.body["iat"].(float64), 60.0; a.body["active"] != true || got != want {
			t.Errorf("2.2 active: got %s, exp-iat %v", a.text, got)
		}
		for _, name := range []string{"scope", "client_id", "token_type", "sub", "aud", "iss", "jti"} {
			if a.field(name) == "" {
				t.Errorf("2.2 active: no %s in %s", name, a.text)
			}
		}
		w.clock.advance(time.Minute)
		w.walk("/oauth2/introspect", []row{
			{"2.2 active", "token=" + token, w.asClient(), 200, "", ""},
			{"2.1 a hint that is wrong", "token=" + token + "&token_type_hint=refresh_token", w.asClient(), 200, "", ""},
			{"2.2 inactive: expired", "token=" + short, w.asClient(), 200, inactive, ""},
			{"2.2 inactive: revoked", "token=" + ended, w.asClient(), 200, inactive, ""},
			{"2.2 inactive: unknown", "token=" + changed(token), w.asClient(), 200, inactive, ""},
			{"2.2 inactive: malformed", "token=x", w.asClient(), 200, inactive, ""},
			{"2.2 inactive: not the caller's to know, of another client", "token=" + token, basic(other.ClientID, otherSecret), 200, inactive, ""},
			{"2.2 inactive: not the caller's to know, of a user", "token=" + pat, w.asClient(), 200, inactive, ""},
			{"2.1 token is required", "", w.asClient(), 400, "invalid_request", ""},
			{"2.3 no credential", "token=" + token, nil, 401, "invalid_token", bearerChallenge},
			{"2.3 invalid_client", "token=" + token, basic(w.client.ClientID, flipped(w.secret)), 401, "invalid_client", basicChallenge},
			{"2.3 an invalid token as the credential", "token=" + token, bearer(changed(token)), 401, "invalid_token", invalidToken + `the credential is not valid"`},
			{"2.3 a token that may not ask", "token=" + token, bearer(mute), 403, "insufficient_scope", tooLittle + `credentials:verify"`},
		})
		a = w.post("/oauth2/introspect", "token="+token, nil)
		if got, want := a.field("error_description"), "present a credential, for example: Authorization: Bearer ..."; got != want {
			t.Errorf("2.3 no credential: got %q, want %q", got, want)
		}
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			r, err := http.NewRequest(method, w.url+"/oauth2/introspect", nil)
			w.ok(err)
			w.asClient()(r)
			if a := w.send(r); a.status != 405 || a.header.Get("Allow") != "POST" {
				t.Errorf("2.1 POST alone: %s: got %d, Allow %q", method, a.status, a.header.Get("Allow"))
			}
		}
	})
}
