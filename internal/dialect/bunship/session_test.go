package bunship_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// A login takes a user's credentials and returns tokens, of which the access
// token is a JWT that goes with every request as Bearer. That is for whoever
// acts for a user: an app, or somebody who tries the API.
func TestBS1_BS2_BS3_BS17_BS22_LogInAndUseTheToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person("ada", credential.Owner)
		a := ada.login("", header("User-Agent", "Mobile/1.0"))
		ada.take(a)
		if parts := strings.Split(ada.access, "."); len(parts) != 3 || !strings.HasPrefix(ada.access, "eyJ") {
			t.Errorf("the access token is no JWT: %s", ada.access)
		}
		if ada.refresh == "" || ada.refresh == ada.access {
			t.Errorf("no refresh token of its own: %q", ada.refresh)
		}
		for _, path := range []string{"/users/me", "/users/me/sessions", "/users/me/organizations", membersOf(w.org), keysOf(w.org)} {
			ada.do("GET", path, nil).want(200)
			w.do("GET", path, nil, header("Authorization", "bearer "+ada.access)).want(200)
			if a := w.do("GET", path, nil); a.status != 401 {
				t.Errorf("%s without it: got %d %s", path, a.status, a.body)
			}
			if a := w.do("GET", path, nil, apiKey(ada.access)); a.status != 401 {
				t.Errorf("%s with the token as X-API-Key: got %d %s", path, a.status, a.body)
			}
			if a := w.do("GET", path, nil, header("Cookie", "session="+ada.access)); a.status != 401 {
				t.Errorf("%s with the token as a cookie: got %d %s", path, a.status, a.body)
			}
		}
	})
}

// An access token works for 15 minutes to the second, and a refresh token for
// 7 days.
func TestBS4_Lifetimes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, eve := w.member("ada", credential.Owner), w.member("eve", credential.Member)
		w.clock.advance(15*time.Minute - time.Second)
		ada.wantSession("a second before its end", true)
		w.clock.advance(time.Second)
		ada.do("GET", "/users/me", nil).refused("at its end", 401, "Token has expired")
		w.clock.advance(7*day - 15*time.Minute - time.Millisecond)
		ada.take(ada.renew())
		ada.wantSession("renewed in the last moment", true)
		w.clock.advance(time.Millisecond)
		eve.renew().refused("after 7 days", 401, "Invalid or expired refresh token")
		w.clock.advance(7*day - 2*time.Millisecond)
		ada.take(ada.renew())
	})
}

// Before the access token expires, the refresh endpoint gives new tokens.
func TestBS5_BSD11_Refresh(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		w.clock.advance(14 * time.Minute)
		before := *ada
		a := ada.renew()
		ada.take(a)
		a.wantMembers("", "accessToken", "refreshToken", "expiresIn")
		if a.get("expiresIn") != 900.0 || ada.access == before.access || ada.refresh == before.refresh {
			t.Errorf("not new tokens for 15 minutes: %s", a.body)
		}
		before.wantSession("the access token of before", true)
		w.clock.advance(14 * time.Minute)
		before.wantSession("the access token of before at its own end", false)
		ada.wantSession("the new one", true)
		for what, body := range map[string]any{
			"no such token": map[string]any{"refreshToken": "gsr_" + strings.Repeat("0", 55)}, "garbage": map[string]any{"refreshToken": "x"},
			"an access token": map[string]any{"refreshToken": ada.access},
		} {
			w.do("POST", "/auth/refresh", body).refused(what, 401, "Invalid or expired refresh token")
		}
	})
}

// The documented answer of a login.
func TestBSD9_LoginAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person("ada", credential.Owner)
		a := ada.login("")
		a.want(200)
		a.wantMembers("", "accessToken", "refreshToken", "expiresIn", "user")
		a.wantMembers("user", "id", "email", "fullName", "emailVerified", "twoFactorEnabled")
		a.wantID("user.id", "usr")
		if a.get("expiresIn") != 900.0 || a.text("user.email") != "ada@acme.test" || a.text("user.fullName") != "The ada" ||
			a.get("user.emailVerified") != true || a.get("user.twoFactorEnabled") != false {
			t.Errorf("got %s", a.body)
		}
		for _, spelling := range []string{"ADA@acme.test", " ada@ACME.test "} {
			w.do("POST", "/auth/login", map[string]any{"email": spelling, "password": good}).want(200)
		}
	})
}

// Logging out ends this session, or all of the user's.
func TestBSD12_Logout(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, eve := w.member("ada", credential.Owner), w.member("eve", credential.Member)
		phone, tablet := ada.again(), ada.again()
		a := ada.do("POST", "/auth/logout", nil)
		a.want(200)
		a.wantMembers("", "message")
		ada.wantSession("who has logged out", false)
		ada.renew().refused("its refresh token", 401, "Invalid or expired refresh token")
		phone.wantSession("another", true)

		phone.do("POST", "/auth/logout", map[string]any{"allSessions": false}).want(200)
		tablet.wantSession("the third", true)
		laptop := ada.again()
		laptop.do("POST", "/auth/logout", map[string]any{"allSessions": true}).want(200)
		for _, p := range []*person{laptop, tablet} {
			p.wantSession("after all sessions", false)
			p.renew().refused("its refresh token", 401, "Invalid or expired refresh token")
		}
		eve.wantSession("somebody else", true)
		w.do("POST", "/auth/logout", nil).refused("nobody", 401, "Missing or invalid authorization header")
	})
}

// The list of sessions: the documented members, the latest used first.
func TestBSD17_Sessions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person("ada", credential.Owner)
		began := w.clock.now()
		ada.signIn(header("User-Agent", "First/1.0"), from("203.0.113.7"))
		w.clock.advance(time.Minute)
		second := ada.again(header("User-Agent", "Second/1.0"), from("2001:db8::1"))
		w.clock.advance(time.Minute)
		w.member("eve", credential.Member)

		a := ada.do("GET", "/users/me/sessions", nil)
		a.want(200)
		a.wantMembers("", "sessions", "total")
		a.wantMembers("sessions.0", "id", "userAgent", "ipAddress", "lastUsedAt", "expiresAt", "createdAt", "isCurrent")
		a.wantID("sessions.0.id", "ses")
		if len(a.list("sessions")) != 2 || a.get("total") != 2.0 {
			t.Fatalf("not her two sessions: %s", a.body)
		}
		for path, want := range map[string]any{
			"sessions.0.userAgent": "First/1.0", "sessions.0.ipAddress": "203.0.113.7", "sessions.0.isCurrent": true,
			"sessions.1.userAgent": "Second/1.0", "sessions.1.ipAddress": "2001:db8::1", "sessions.1.isCurrent": false,
		} {
			if got := a.get(path); got != want {
				t.Errorf("%s: got %v, want %v (the latest used is first)", path, got, want)
			}
		}
		a.wantTime("sessions.0.createdAt", began)
		a.wantTime("sessions.0.lastUsedAt", w.clock.now())
		a.wantTime("sessions.0.expiresAt", began.Add(7*day))
		a.wantTime("sessions.1.lastUsedAt", began.Add(time.Minute))

		w.clock.advance(time.Minute)
		a = second.do("GET", "/users/me/sessions", nil)
		if a.text("sessions.0.userAgent") != "Second/1.0" || a.get("sessions.0.isCurrent") != true || a.get("sessions.1.isCurrent") != false {
			t.Errorf("the other is the latest now: %s", a.body)
		}
		w.clock.advance(12 * time.Minute)
		ada.take(ada.renew())
		a = ada.do("GET", "/users/me/sessions", nil)
		a.wantTime("sessions.0.expiresAt", w.clock.now().Add(7*day))
	})
}

// One session is ended by another of the same user, and by nobody else.
func TestBSD18_EndASession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, eve := w.member("ada", credential.Owner), w.member("eve", credential.Owner)
		phone := ada.again()
		current, other := "", ""
		a := ada.do("GET", "/users/me/sessions", nil)
		for i, path := range []string{"sessions.0.", "sessions.1."} {
			if a.get(path+"isCurrent") == true {
				current, other = a.text(path+"id"), a.text([]string{"sessions.1.id", "sessions.0.id"}[i])
			}
		}
		path := "/users/me/sessions/"
		ada.do("DELETE", path+current, nil).refused("the current one", 400, "this is the session that you use now")
		eve.do("DELETE", path+other, nil).refused("somebody else's", 404, "no such session")
		ada.do("DELETE", path+"ses_"+strings.Repeat("0", 32), nil).refused("one that there isn't", 404, "no such session")
		ada.do("DELETE", path+"x", nil).refused("no id", 404, "no such session")
		phone.wantSession("before", true)
		ada.do("DELETE", path+other, nil).want(200)
		phone.wantSession("after", false)
		phone.renew().refused("its refresh token", 401, "Invalid or expired refresh token")
		ada.do("DELETE", path+other, nil).refused("a second time", 404, "no such session")
		ada.wantSession("who ended it", true)
	})
}

// Access tokens are JWTs of 15 minutes, signed with ES256 (which ours overrules
// HS256 with); refresh tokens are no JWTs, so that neither is taken for the
// other. What both say of the user is the session alone.
func TestBSD20_AccessTokens(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		parts := strings.Split(ada.access, ".")
		var head, claims map[string]any
		for i, into := range []*map[string]any{&head, &claims} {
			text, err := base64.RawURLEncoding.DecodeString(parts[i])
			w.ok(err)
			w.ok(json.Unmarshal(text, into))
		}
		now := float64(w.clock.now().Unix())
		if head["alg"] != "ES256" || head["typ"] != "at+jwt" || claims["sub"] != ada.id.String() || claims["iat"] != now || claims["exp"] != now+900 ||
			claims["iss"] != w.url || claims["sid"] == nil {
			t.Errorf("got %v %v", head, claims)
		}
		if strings.Count(ada.refresh, ".") != 0 {
			t.Errorf("the refresh token is a JWT: %s", ada.refresh)
		}
		last := byte('A')
		if ada.access[len(parts[0])+5] == last {
			last = 'B'
		}
		changed := []byte(ada.access)
		changed[len(parts[0])+5] = last
		w.do("GET", "/users/me", nil, bearer(string(changed))).refused("with a changed claim", 401, "Invalid or expired token")
		w.do("GET", "/users/me", nil, bearer(ada.refresh)).refused("the refresh token", 401, "Invalid or expired token")
	})
}

// A refresh token is good once; what is lost on the way can be asked for again
// for half a minute. Any other use ends the session: two have the token.
func TestBSD21_BSO16_RefreshRotates(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		thief := *ada
		ada.take(ada.renew())
		w.clock.advance(time.Minute)
		other := ada.again()
		thief.renew().refused("the old token", 401, "Invalid or expired refresh token")
		ada.wantSession("the session whose token was reused", false)
		ada.renew().refused("its new token", 401, "Invalid or expired refresh token")
		other.wantSession("another session of hers", true)

		lost := *other
		first, second := lost.renew(), lost.renew()
		if first.text("refreshToken") == "" || first.text("refreshToken") != second.text("refreshToken") {
			t.Errorf("the answer that was lost comes again: got %s and %s", first.body, second.body)
		}
		other.take(second)
		other.take(other.renew()) // the token was received and used
		lost.renew().refused("the one before the one before", 401, "Invalid or expired refresh token")
		other.wantSession("its session", false)
	})
}

// Whatever ends a session ends its access token at the next request, although
// it has just been used.
func TestBSO16_AccessEndsAtOnce(t *testing.T) {
	for what, end := range map[string]func(*person, *person){
		"logout":       func(p, _ *person) { p.do("POST", "/auth/logout", nil).want(200) },
		"all sessions": func(_, o *person) { o.do("POST", "/auth/logout", map[string]any{"allSessions": true}).want(200) },
		"revocation": func(_, o *person) {
			a := o.do("GET", "/users/me/sessions", nil)
			for _, path := range []string{"sessions.0.", "sessions.1."} {
				if a.get(path+"isCurrent") == false {
					o.do("DELETE", "/users/me/sessions/"+a.text(path+"id"), nil).want(200)
				}
			}
		},
		"a new password": func(_, o *person) {
			o.do("PUT", "/users/me/password", map[string]any{"currentPassword": good, "newPassword": good + "2"}).want(200)
		},
		"deactivation": func(p, _ *person) {
			_, err := p.w.Deactivate(background, p.w.op, p.ref())
			p.w.ok(err)
		},
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.member("owner", credential.Owner)
				ada := w.member("ada", credential.Admin)
				other := ada.again()
				for range 3 {
					ada.wantSession("before", true)
					ada.do("GET", membersOf(w.org), nil).want(200)
				}
				end(ada, other)
				ada.wantSession("after", false)
				ada.do("GET", membersOf(w.org), nil).refused("in the organization", 401, "Invalid or expired token")
				ada.renew().refused("its refresh token", 401, "Invalid or expired refresh token")
			})
		})
	}
}

// At most 5 sessions: the sixth ends the one that was unused for longest.
func TestBSD21_BSO17_FiveSessions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person("ada", credential.Owner)
		var sessions []*person
		for range 5 {
			w.clock.advance(time.Second)
			sessions = append(sessions, ada.again())
		}
		w.clock.advance(time.Second)
		sessions[0].wantSession("used once more", true) // by which the second is the one unused for longest
		sessions = append(sessions, ada.again())
		for i, p := range sessions {
			p.wantSession("session "+string(rune('1'+i)), i != 1)
		}
		if a := sessions[5].do("GET", "/users/me/sessions", nil); a.get("total") != 5.0 {
			t.Errorf("she has %s", a.body)
		}
	})
}

// Answers carry refresh tokens in the body alone, and a cookie signs nobody in
// here: browsers keep theirs elsewhere.
func TestBSO18_TokensInTheBody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person("ada", credential.Owner)
		a := ada.login("")
		ada.take(a)
		renewed := ada.renew()
		renewed.want(200)
		for _, a := range []answer{a, renewed} {
			for name, values := range a.header {
				if text := strings.Join(values, " "); name == "Set-Cookie" || strings.Contains(text, a.text("refreshToken")) || strings.Contains(text, a.text("accessToken")) {
					t.Errorf("%s: a token in the header %s", a.call, name)
				}
			}
		}
		for _, name := range []string{"refreshToken", "session", "gatehouse", "__Host-gatehouse"} {
			asCookie := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: renewed.text("refreshToken")}) }
			w.do("GET", "/users/me", nil, asCookie).refused(name, 401, "Missing or invalid authorization header")
			w.do("POST", "/auth/refresh", "{}", asCookie).invalid(name, "refreshToken")
		}
	})
}
