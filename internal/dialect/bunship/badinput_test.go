package bunship_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// write is a call with a body, and what it needs.
type write struct {
	method, path string
	body         map[string]any
	public       bool
}

// writes are all calls with a body, each with one that would do.
func (w *world) writes() []write {
	return []write{
		{"POST", "/auth/register", map[string]any{"email": "x@acme.test", "password": good, "fullName": "X"}, true},
		{"POST", "/auth/login", map[string]any{"email": "ada@acme.test", "password": good, "twoFactorCode": "123456"}, true},
		{"POST", "/auth/refresh", map[string]any{"refreshToken": "x"}, true},
		{"POST", "/auth/forgot-password", map[string]any{"email": "x@acme.test"}, true},
		{"POST", "/auth/reset-password", map[string]any{"token": "x", "password": good}, true},
		{"POST", "/auth/logout", map[string]any{"allSessions": false}, false},
		{"POST", "/auth/two-factor/setup", map[string]any{"password": good}, false},
		{"POST", "/auth/two-factor/verify", map[string]any{"code": "123456"}, false},
		{"POST", "/auth/two-factor/disable", map[string]any{"password": good, "code": "123456"}, false},
		{"PATCH", "/users/me", map[string]any{"fullName": "X", "avatarUrl": "", "preferences": map[string]any{}}, false},
		{"PUT", "/users/me/password", map[string]any{"currentPassword": good, "newPassword": good + "2"}, false},
		{"POST", keysOf(w.org), map[string]any{"name": "x", "scopes": []string{"*"}, "rateLimit": 1, "expiresAt": "2030-01-01T00:00:00Z", "mode": "live"}, false},
		{"POST", "/organizations", map[string]any{"name": "x", "slug": "x-y", "description": "x", "logoUrl": ""}, false},
		{"PATCH", "/organizations/" + orgID(w.org), map[string]any{"name": "x"}, false},
		{"PATCH", membersOf(w.org) + "/mbr_1", map[string]any{"role": "viewer"}, false},
		{"POST", invitationsOf(w), map[string]any{"email": "x@acme.test", "role": "viewer"}, false},
		{"POST", hooksOf(w.org), map[string]any{"url": "https://hooks.example.com/", "description": "x", "events": []string{"test"}}, false},
	}
}

// Bodies are JSON. What isn't, is refused as it can't be parsed; a member of
// the wrong type is a validation error that names it, and so is one that the
// call doesn't have. Nothing of it is done.
func TestBSD1_BSD2_BSO21_Bodies(t *testing.T) { each(t, badBodies) }

func badBodies(t *testing.T, w *world) {
	ada := w.member("ada", credential.Owner)
	for _, c := range w.writes() {
		send := func(body string, change ...func(*http.Request)) answer {
			if !c.public {
				change = append(change, bearer(ada.access))
			}
			return w.do(c.method, c.path, body, change...)
		}
		for what, body := range map[string]string{
			"not JSON": "email=x", "an array": "[]", "a string": `"x"`, "blanks": "  ", "two objects": "{}{}", "a comment": "{}//",
			"too deep": strings.Repeat(`{"x":`, 20) + "1" + strings.Repeat("}", 20),
		} {
			if a := send(body); a.status != 400 || a.text("error.code") != "PARSE_ERROR" {
				t.Errorf("%s %s: got %d %s", a.call, what, a.status, a.body)
			}
		}
		for name, value := range c.body {
			right, err := json.Marshal(value)
			w.ok(err)
			member := `"` + name + `":`
			for what, body := range map[string]string{
				"there twice": "{" + member + string(right) + "," + member + string(right) + "}", "cut off": "{" + member, "no number": "{" + member + "NaN}",
				"not UTF-8": "{" + member + string(right) + ",\"\xff\":1}",
			} {
				if a := send(body); a.status != 400 || a.text("error.code") != "PARSE_ERROR" {
					t.Errorf("%s %s is %s: got %d %s", a.call, name, what, a.status, a.body)
				}
			}
			for _, wrong := range []string{"1.5", "[[]]", `{"x":1}`, "true", `"x"`} {
				_, isFlag := value.(bool)
				_, isText := value.(string)
				if isFlag && wrong == "true" || isText && wrong == `"x"` {
					continue
				}
				a := send("{" + member + wrong + "}")
				if a.status != 400 || a.text("error.code") != "VALIDATION_ERROR" || !strings.HasPrefix(a.text("error.details.field"), name) {
					t.Errorf("%s %s is %s: got %d %s", a.call, name, wrong, a.status, a.body)
				}
			}
		}
		send(`{"unknownMember":1}`).invalid("an unknown member", "unknownMember")
		for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1", ""} {
			a := send("{}", func(r *http.Request) {
				if r.Header.Set("Content-Type", media); media == "" {
					r.Header.Del("Content-Type")
				}
			})
			if a.status != 415 || a.text("error.code") != "PARSE_ERROR" {
				t.Errorf("%s as %q: got %d %s", a.call, media, a.status, a.body)
			}
		}
		large := `{"x":"` + strings.Repeat("x", 1<<20) + `"}`
		if a := send(large); a.status != 413 {
			t.Errorf("%s with 1 MB: got %d %s", a.call, a.status, a.body)
		}
		unsized := func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader(large)), -1 }
		if a := send("", unsized); a.status != 413 {
			t.Errorf("%s with 1 MB of unknown length: got %d %s", a.call, a.status, a.body)
		}
	}
	ada.wantSession("after all that", true)
	if a := ada.do("GET", keysOf(w.org), nil); len(a.list("data")) != 0 {
		t.Errorf("a key was made: %s", a.body)
	}
	w.do("POST", "/auth/login", map[string]any{"email": ada.email, "password": good}).want(200)
}

// What a body lacks is named. A call without a body lacks everything.
func TestBSO21_Missing(t *testing.T) { each(t, missingMembers) }

func missingMembers(t *testing.T, w *world) {
	ada := w.member("ada", credential.Owner)
	for path, field := range map[string]string{
		"/auth/register": "password", "/auth/login": "password", "/auth/refresh": "refreshToken", "/auth/forgot-password": "email",
		"/auth/reset-password": "password", keysOf(w.org): "name", hooksOf(w.org): "url", "/organizations": "name", invitationsOf(w): "role",
	} {
		for _, body := range []any{nil, "{}"} {
			w.do("POST", path, body, bearer(ada.access)).invalid("nothing", field)
		}
	}
	for path, message := range map[string]string{"/auth/two-factor/setup": "Invalid password", "/auth/two-factor/disable": "Invalid password"} {
		ada.do("POST", path, nil).refused("nothing", 401, message)
	}
	ada.do("PUT", "/users/me/password", nil).invalid("nothing", "newPassword")
	ada.do("PATCH", "/users/me", nil).want(200) // changes nothing
	w.do("POST", "/auth/login", map[string]any{"email": "no address", "password": good}).invalid("no address", "email")
}

// Each kind of failure has its code; what isn't there, and another method, are
// told in the same shape.
func TestBSD2_Codes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, guest := w.member("ada", credential.Owner), w.member("guest", credential.Guest)
		f := ada.setUp()
		ada.do("POST", "/auth/two-factor/verify", map[string]any{"code": f.code(w)}).want(200)
		for _, c := range []struct {
			a      answer
			status int
			code   string
		}{
			{w.do("POST", "/auth/login", "{"), 400, "PARSE_ERROR"},
			{w.do("POST", "/auth/login", "{}"), 400, "VALIDATION_ERROR"},
			{w.do("GET", "/users/me", nil), 401, "AUTHENTICATION_ERROR"},
			{guest.key([]string{"*"}, nil), 403, "AUTHORIZATION_ERROR"},
			{ada.do("GET", keysOf(w.org)+"/x", nil), 404, "NOT_FOUND"},
			{w.do("GET", "/auth/nothing", nil), 404, "NOT_FOUND"},
			{w.do("GET", "/auth/login", nil), 405, "NOT_FOUND"},
			{w.do("DELETE", membersOf(w.org), nil), 405, "NOT_FOUND"},
			{ada.do("POST", "/auth/two-factor/setup", map[string]any{"password": good}), 409, "CONFLICT"},
		} {
			if c.a.status != c.status || c.a.text("error.code") != c.code {
				t.Errorf("%s: got %d %s, want %d %s", c.a.call, c.a.status, c.a.body, c.status, c.code)
			}
		}
	})
}

// What lets a user in is touched by nobody but the user who has signed in: no
// key, no personal token, and no token that was traded for the session's; and
// no other text of a session is taken for its access token.
func TestBS3_NobodyElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		key, _ := ada.madeKey("*")
		ref := ada.ref()
		pat, err := w.Issue(background, w.op, authority.IssueRequest{Scheme: "betahub_pat", Name: "pat", Organization: w.org.ID, User: &ref})
		w.ok(err)
		browser, err := w.SignIn(background, authority.SignInRequest{Email: ada.email, Password: good, Cookie: true})
		w.ok(err)
		traded := map[string]string{"traded": ada.access, "traded twice": ada.access}
		for _, what := range []string{"traded", "traded twice", "traded twice"} {
			out, err := w.Exchange(background, authority.ExchangeRequest{Subject: traded[what]})
			w.ok(err)
			traded[what] = out.Token.Reveal()
		}
		other := ada.again()
		session := ""
		list := ada.do("GET", "/users/me/sessions", nil)
		for i := range list.list("sessions") {
			if at := "sessions." + string(rune('0'+i)); list.get(at+".isCurrent") == false {
				session = list.text(at + ".id")
			}
		}
		calls := []write{
			{"PUT", "/users/me/password", map[string]any{"currentPassword": good, "newPassword": good + "2"}, false},
			{"PATCH", "/users/me", map[string]any{"fullName": "Eve"}, false},
			{"GET", "/users/me/sessions", nil, false}, {"DELETE", "/users/me/sessions/" + session, nil, false}, {"GET", "/users/me/organizations", nil, false},
			{"POST", "/auth/logout", map[string]any{"allSessions": true}, false},
			{"POST", "/auth/two-factor/setup", map[string]any{"password": good}, false}, {"POST", "/auth/two-factor/verify", map[string]any{"code": "123456"}, false},
			{"POST", "/auth/two-factor/disable", map[string]any{"password": good, "code": "123456"}, false},
			{"POST", keysOf(w.org), map[string]any{"name": "x", "scopes": []string{"read:members"}}, false}, {"GET", keysOf(w.org), nil, false},
		}
		for what, c := range map[string]struct {
			text   string
			status int
		}{
			"a key": {key, 403}, "a personal token": {pat.Secret.Reveal(), 401}, "traded": {traded["traded"], 403}, "traded twice": {traded["traded twice"], 403},
			"a refresh token": {ada.refresh, 401}, "a cookie": {browser.Token.Reveal(), 401}, "a session's id": {session, 401}, "nothing": {"", 401},
		} {
			for _, call := range calls {
				var body any
				if call.body != nil {
					body = call.body
				}
				if a := w.do(call.method, call.path, body, bearer(c.text)); a.status != c.status {
					t.Errorf("%s: %s: got %d %s, want %d", what, a.call, a.status, a.body, c.status)
				}
			}
		}
		for what, text := range map[string]string{"an access token": ada.access, "a key": key, "a cookie": browser.Token.Reveal(), "a traded token": traded["traded"]} {
			w.do("POST", "/auth/refresh", map[string]any{"refreshToken": text}).refused(what, 401, "Invalid or expired refresh token")
		}
		ada.wantSession("hers", true)
		other.wantSession("her other one", true)
		ada.take(ada.renew())
		if a := ada.do("GET", "/users/me", nil); a.text("fullName") != "The ada" || a.get("twoFactorEnabled") != false {
			t.Errorf("something was changed: %s", a.body)
		}
	})
}
