package bunship_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// register asks for an account.
func (w *world) register(email, password, name string) answer {
	w.t.Helper()
	return w.do("POST", "/auth/register", map[string]any{"email": email, "password": password, "fullName": name})
}

// eachWithMail is each, where letters are delivered and nobody signs in with
// an address that isn't verified.
func eachWithMail(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		test(t, newWorld(t, cfg, func(c *authority.Config) { c.Accounts = authority.AccountRules{Mail: true, VerifyEmail: true} }))
	})
}

// follow opens links like those in the letters that were sent, the latest
// first, until one is good.
func (w *world) follow(open func(code string) answer) (answer, string) {
	w.t.Helper()
	for _, code := range w.random.links() {
		if a := open(code); a.status == 200 {
			return a, code
		}
	}
	w.t.Fatal("no link is good")
	return answer{}, ""
}

func (w *world) verifyEmail(code string) answer {
	w.t.Helper()
	return w.do("GET", "/auth/verify-email/"+code, nil)
}

// Registering: the documented answer, and the bounds of its members. A name has
// up to 100 characters, as in a change of it; its documents say 255 here.
func TestBSD8_Register(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.register("Ada@Acme.test", good, "Ada Lovelace")
		a.want(200)
		a.wantMembers("", "message", "userId")
		a.wantID("userId", "usr")
		ada := &person{w: w, email: "ada@acme.test"}
		login := ada.login("")
		login.want(200)
		if login.text("user.id") != a.text("userId") || login.text("user.fullName") != "Ada Lovelace" || login.get("user.emailVerified") != false {
			t.Errorf("who signs in is %s, registered was %s", login.body, a.body)
		}
		again := w.register("ada@ACME.test", good, "Somebody")
		again.refused("taken", 409, "email: ")
		long := strings.Repeat("x", 254-len("@acme.test"))
		for _, c := range []struct{ field, email, password, name string }{
			{"email", "", good, "Ada"}, {"email", "a@b@c", good, "Ada"}, {"email", "acme.test", good, "Ada"}, {"email", long + "x@acme.test", good, "Ada"},
			{"fullName", "a@acme.test", good, ""}, {"fullName", "a@acme.test", good, " "}, {"fullName", "a@acme.test", good, strings.Repeat("é", 101)},
			{"password", "a@acme.test", "", "Ada"}, {"password", "a@acme.test", "Short-1", "Ada"}, {"password", "a@acme.test", "Aa1" + strings.Repeat("x", 126), "Ada"},
		} {
			w.register(c.email, c.password, c.name).invalid(c.field+" "+c.email, c.field)
		}
		w.register(long+"@acme.test", good, "Ada").want(200)
		w.register("b@c.d", "Aa1"+strings.Repeat("x", 125), "A").want(200)
		w.register("c@acme.test", good, strings.Repeat("é", 100)).want(200)
	})
}

// A new password has at least 8 characters, an upper case and a lower case
// letter and a digit, wherever one is chosen; it is stored as an Argon2id hash.
func TestBSD22_Passwords(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		code, err := w.PasswordCode(background, w.op, ada.ref())
		w.ok(err)
		for _, weak := range []string{"Short-1", "no-capital-letter-1", "NO-SMALL-LETTER-1", "No-Digit-At-All", "Password1", "Aa1" + strings.Repeat("x", 126)} {
			w.register("eve@acme.test", weak, "Eve").invalid(weak, "password")
			w.do("POST", "/auth/reset-password", map[string]any{"token": code.Reveal(), "password": weak}).invalid(weak, "password")
			ada.do("PUT", "/users/me/password", map[string]any{"currentPassword": good, "newPassword": weak}).invalid(weak, "newPassword")
		}
		w.register("eve@acme.test", "Ünïcödé-1", "Eve").want(200)
		if stored := dump(t, w.cfg); !strings.Contains(stored, "$argon2id$v=19$") || strings.Contains(stored, "Ünïcödé-1") {
			t.Error("the database has no hash by Argon2id, or has the password")
		}
	})
}

// The link in the letter verifies an address: within 24 hours, once.
func TestBSD10_VerifyEmail(t *testing.T) {
	eachWithMail(t, func(t *testing.T, w *world) {
		ada := &person{w: w, email: "ada@acme.test"}
		w.register(ada.email, good, "Ada").want(200)
		w.clock.advance(day - time.Second)
		a, code := w.follow(w.verifyEmail)
		a.wantMembers("", "message")
		w.verifyEmail(code).invalid("used", "token")
		w.verifyEmail("x").invalid("garbage", "token")
		w.verifyEmail(code[:len(code)-1]).invalid("cut off", "token")
		if a := ada.login(""); a.status != 200 || a.get("user.emailVerified") != true {
			t.Errorf("not verified: %d %s", a.status, a.body)
		}
		w.register("eve@acme.test", good, "Eve").want(200)
		late := w.random.links()[:2]
		w.clock.advance(day)
		for _, code := range late {
			w.verifyEmail(code).invalid("after 24 hours", "token")
		}
	})
}

// A setting says whether a login needs a verified address.
func TestBSO17_VerifiedAddressNeeded(t *testing.T) {
	eachWithMail(t, func(t *testing.T, w *world) {
		ada := &person{w: w, email: "ada@acme.test"}
		w.register(ada.email, good, "Ada").want(200)
		ada.login("").refused("not verified", 401, "Email address is not verified")
		a, _ := w.follow(w.verifyEmail)
		a.want(200)
		ada.signIn()
	})
	each(t, func(t *testing.T, w *world) { // no mail is set up
		w.register("ada@acme.test", good, "Ada").want(200)
		(&person{w: w, email: "ada@acme.test"}).signIn()
	})
}

// One-time links stand in the path, as documented. They are hashed at rest,
// work once, expire, and a newer one ends the older.
func TestBSO24_OneTimeLinks(t *testing.T) {
	eachWithMail(t, func(t *testing.T, w *world) {
		w.register("ada@acme.test", good, "Ada").want(200)
		links := w.random.links()
		stored := dump(t, w.cfg)
		for _, code := range links {
			if strings.Contains(stored, code) || strings.Contains(stored, strings.TrimPrefix(code, "link-")) {
				t.Error("a link stands in the database")
			}
		}
		a, code := w.follow(w.verifyEmail)
		a.want(200)
		w.do("POST", "/auth/reset-password", map[string]any{"token": code, "password": good}).invalid("for another purpose", "token")

		ref := authority.UserRef{Email: "ada@acme.test"}
		first, err := w.PasswordCode(background, w.op, ref)
		w.ok(err)
		second, err := w.PasswordCode(background, w.op, ref)
		w.ok(err)
		w.verifyEmail(second.Reveal()).invalid("a password's code", "token")
		reset := func(code string) answer {
			return w.do("POST", "/auth/reset-password", map[string]any{"token": code, "password": good + "2"})
		}
		reset(first.Reveal()).invalid("the older", "token")
		reset(second.Reveal()).want(200)
		reset(second.Reveal()).invalid("again", "token")
	})
}

// Who has forgotten a password gets the same answer with and without an
// account, and a code by letter.
func TestBSD13_ForgotPassword(t *testing.T) {
	eachWithMail(t, func(t *testing.T, w *world) {
		ada := w.person("ada", credential.Owner)
		forgot := func(email string) answer {
			return w.do("POST", "/auth/forgot-password", map[string]any{"email": email})
		}
		known, unknown := forgot(" ADA@acme.test"), forgot("nobody@acme.test")
		known.want(200)
		known.wantMembers("", "message")
		if known.body != unknown.body || known.status != unknown.status {
			t.Errorf("got %s and %s", known.body, unknown.body)
		}
		forgot("x").invalid("no address", "email")
		reset := func(code string) answer {
			return w.do("POST", "/auth/reset-password", map[string]any{"token": code, "password": good + "2"})
		}
		w.clock.advance(time.Hour - time.Second)
		a, _ := w.follow(reset)
		a.want(200)
		ada.login("").refused("the old password", 401, wrongLogin)

		forgot(ada.email).want(200)
		codes := w.random.links()[:2]
		w.clock.advance(time.Hour)
		for _, code := range codes {
			reset(code).invalid("after an hour", "token")
		}
	})
}

// A new password by the code ends all sessions, and leaves the second factor.
func TestBSD14_ResetPassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, eve := w.member("ada", credential.Owner), w.member("eve", credential.Member)
		f := ada.enable()
		ada.take(ada.login(f.codes[0]))
		code, err := w.PasswordCode(background, w.op, ada.ref())
		w.ok(err)
		reset := func(code, password string) answer {
			return w.do("POST", "/auth/reset-password", map[string]any{"token": code, "password": password})
		}
		reset("x", good+"2").invalid("garbage", "token")
		reset("", good+"2").invalid("none", "token")
		reset(code.Reveal(), "weak").invalid("a weak password", "password")
		reset(code.Reveal(), good+"2").want(200)
		reset(code.Reveal(), good+"3").invalid("used", "token")
		ada.wantSession("a session of before", false)
		ada.renew().refused("its refresh token", 401, "Invalid or expired refresh token")
		eve.wantSession("somebody else", true)
		login := map[string]any{"email": ada.email, "password": good + "2"}
		w.do("POST", "/auth/login", login).refused("the second factor stays", 401, codeMissing)
		login["twoFactorCode"] = f.code(w)
		w.do("POST", "/auth/login", login).want(200)
	})
}

// The account: the documented members, and what may be changed of them.
func TestBSD15_Me(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		a := ada.do("GET", "/users/me", nil)
		a.want(200)
		a.wantMembers("", "id", "email", "emailVerified", "fullName", "avatarUrl", "preferences", "twoFactorEnabled", "isActive", "createdAt", "updatedAt")
		a.wantID("id", "usr")
		a.wantTime("emailVerified", w.clock.now())
		a.wantTime("createdAt", w.clock.now())
		if a.text("email") != ada.email || a.get("isActive") != true || a.get("twoFactorEnabled") != false || a.get("avatarUrl") != nil || len(a.members("preferences")) != 0 {
			t.Errorf("got %s", a.body)
		}
		w.register("eve@acme.test", good, "Eve").want(200)
		eve := &person{w: w, email: "eve@acme.test"}
		eve.signIn()
		if a := eve.do("GET", "/users/me", nil); a.status != 200 || a.get("emailVerified") != nil || !strings.Contains(a.body, `"emailVerified":null`) {
			t.Errorf("an address that isn't verified: %s", a.body)
		}

		w.clock.advance(time.Minute)
		patch := func(body any) answer { return ada.do("PATCH", "/users/me", body) }
		a = patch(map[string]any{"fullName": "Ada L.", "avatarUrl": "https://cdn.test/ada.png", "preferences": map[string]any{"theme": "dark", "notifications": map[string]any{"email": false}}})
		a.want(200)
		a.wantTime("updatedAt", w.clock.now())
		a = patch(map[string]any{"preferences": map[string]any{"language": "pt-BR", "timezone": "Europe/Vienna", "notifications": map[string]any{"push": true}}})
		a.want(200)
		for path, want := range map[string]any{
			"fullName": "Ada L.", "avatarUrl": "https://cdn.test/ada.png", "preferences.theme": "dark", "preferences.language": "pt-BR",
			"preferences.timezone": "Europe/Vienna", "preferences.notifications.email": false, "preferences.notifications.push": true,
		} {
			if got := a.get(path); got != want {
				t.Errorf("%s: got %v, want %v (preferences are merged)", path, got, want)
			}
		}
		if b := ada.do("GET", "/users/me", nil); b.body != a.body {
			t.Errorf("read again it is %s, not %s", b.body, a.body)
		}
		patch(map[string]any{"fullName": strings.Repeat("é", 100)}).want(200)
		for field, body := range map[string]map[string]any{
			"fullName": {"fullName": ""}, "avatarUrl": {"avatarUrl": "javascript:alert(1)"},
			"preferences.theme": {"preferences": map[string]any{"theme": "blue"}}, "preferences.language": {"preferences": map[string]any{"language": "x"}},
			"preferences.timezone": {"preferences": map[string]any{"timezone": ""}}, "preferences.notifications.email": {"preferences": map[string]any{"notifications": map[string]any{"email": "yes"}}},
		} {
			patch(body).invalid("a wrong value", field)
		}
		patch(map[string]any{"fullName": strings.Repeat("é", 101)}).invalid("101 characters", "fullName")
	})
}

// A new password for who knows the present one; the other sessions end.
func TestBSD16_ChangePassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, eve := w.member("ada", credential.Owner), w.member("eve", credential.Member)
		other := ada.again()
		change := func(current, next string) answer {
			return ada.do("PUT", "/users/me/password", map[string]any{"currentPassword": current, "newPassword": next})
		}
		change("Wrong-Horse-1", good+"2").refused("a wrong password", 401, "Invalid password")
		change(good, good).invalid("unchanged", "newPassword")
		change(good, "weak").invalid("weak", "newPassword")
		other.wantSession("before", true)
		a := change(good, good+"2")
		a.want(200)
		a.wantMembers("", "message")
		ada.wantSession("who changed it", true)
		ada.take(ada.renew())
		other.wantSession("another session", false)
		other.renew().refused("its refresh token", 401, "Invalid or expired refresh token")
		eve.wantSession("somebody else", true)
		ada.login("").refused("the old password", 401, wrongLogin)
		w.do("POST", "/auth/login", map[string]any{"email": ada.email, "password": good + "2"}).want(200)
	})
}
