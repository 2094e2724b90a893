package console_test

import (
	"context"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

const (
	local    = "http://127.0.0.1:8080"
	password = "correct horse battery"
)

// eachBy is each with rules of how people come to have an account.
func eachBy(t *testing.T, rules authority.AccountRules, test func(t *testing.T, s *site)) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) { test(t, runBy(t, cfg, local, rules)) })
}

// alone is eachBy on one database, for what no database decides.
func alone(t *testing.T, rules authority.AccountRules, test func(t *testing.T, s *site)) {
	t.Parallel()
	test(t, runBy(t, storetest.SQLite(t), local, rules))
}

// mailed are rules of an installation that sends letters.
var mailed = authority.AccountRules{Mail: true, VerifyEmail: true}

// letter is the only one that waits, and what its link leads to: the path and,
// behind the #, a code.
func (s *site) letter(to string) (text, path, code string) {
	s.t.Helper()
	ctx := context.Background()
	messages := must(s.store.DueMessages(ctx, s.authority.Now(), 10))
	if len(messages) != 1 {
		s.t.Fatalf("%d letters wait, want one to %s", len(messages), to)
	}
	l := must(s.store.Letter(&messages[0]))
	if err := s.store.DropMessage(ctx, messages[0].ID); err != nil || l.To != to {
		s.t.Fatalf("the letter is to %s, want %s: %v", l.To, to, err)
	}
	m := regexp.MustCompile(`https://keys\.example\.test(/console/\S*)#(?:token|code)=(\S+)`).FindStringSubmatch(l.Text)
	if m == nil {
		return l.Text, "", ""
	}
	return l.Text, m[1], m[2]
}

// as is the same site in a browser of its own.
func (s *site) as() *site {
	other := &site{t: s.t, url: s.url, authority: s.authority, store: s.store, organization: s.organization, browser: newBrowser(s.t)}
	return other
}

// member makes a user with a role.
func (s *site) member(email string, role credential.Role) {
	s.t.Helper()
	operator := credential.Operator()
	_, err := s.authority.CreateUser(context.Background(), &operator, s.organization.ID, authority.UserRequest{Email: email, Name: "Bob", Role: role, Password: password})
	if err != nil {
		s.t.Fatal(err)
	}
}

// The first owner needs the code that was printed. A wrong one costs nothing but
// typing the password again; the key is shown once, and nobody sets up twice.
func TestK11_K13_L1_SetUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := bare(t, cfg, local, authority.AccountRules{})
		s.shows("the start", s.get("/console/"), 401, "no owner yet", `href="/console/setup"`)
		s.shows("the page to sign in", s.get("/console/sign-in"), 200, `href="/console/setup"`)
		code := must(s.authority.SetupCode(context.Background()))
		s.shows("the form", s.get("/console/setup"), 200, "Set-up code", "take 15 or more", "Without two-factor authentication")
		in := url.Values{"code": {"setup-wrong"}, "organization": {"Acme <b>"}, "name": {"Ada"}, "email": {"ada@example.test"}, "password": {password}}
		for what, change := range map[string][2]string{
			"a wrong code": {"code", "setup-wrong"}, "no organization": {"organization", ""}, "no address": {"email", "ada"}, "a short password": {"password", "short"},
		} {
			bad := url.Values{}
			for name := range in {
				bad.Set(name, in.Get(name))
			}
			bad.Set("code", code.Reveal())
			bad.Set(change[0], change[1])
			page := s.shows(what, s.post("/console/setup", bad), 422, `aria-invalid="true"`, `id="`+change[0]+`-error"`)
			if change[0] != "organization" {
				s.shows(what, page, 422, `name="organization" type="text" value="Acme <b>"`)
			}
			s.hides(what, page, password, "gate_")
		}
		in.Set("code", code.Reveal())
		made := s.shows("setting up", s.post("/console/setup", in), 200, "Copy your first key now", `href="/console/"`)
		if key := s.found(made, secret); s.is(key) != credential.OK {
			t.Errorf("the key %s doesn't work", key)
		}
		s.hides("setting up", made, password, code.Reveal())
		s.shows("the start", s.get("/console/"), 200, "Acme <b>", "Owner")
		again := s.shows("once more", s.post("/console/setup", in), 422, "is set up")
		s.hides("once more", again, s.found(made, secret), "Set-up code")
		s.hides("the page afterwards", s.shows("afterwards", s.get("/console/setup"), 200, "is set up"), "Set-up code")
		s.hides("the page to sign in afterwards", s.as().get("/console/sign-in"), "/console/setup")
	})
}

// Without TLS no password is asked for.
func TestL9_NothingWithoutTLS(t *testing.T) {
	t.Parallel()
	s := bare(t, storetest.SQLite(t), "http://keys.example.com", authority.AccountRules{})
	for _, path := range []string{"/console/sign-in", "/console/setup", "/console/register"} {
		s.hides(path, s.shows(path, s.get(path), 200, "public-url"), `type="password"`)
	}
	s.shows("the set-up", s.get("/console/setup"), 200, "gatehouse setup --organization")
	in := url.Values{"code": {must(s.authority.SetupCode(context.Background())).Reveal()}, "organization": {"Acme"}, "name": {"Ada"}, "email": {"ada@example.test"}, "password": {password}}
	s.shows("setting up all the same", s.post("/console/setup", in), 422, "public-url")
	if done, err := s.authority.IsSetUp(context.Background()); err != nil || done {
		t.Errorf("it is set up: %t, %v", done, err)
	}
}

// Every address is answered alike, and its owner's letter leads to the page that
// the configuration says, whatever host the request names.
func TestL1_L4_L10_L11_ForgottenPassword(t *testing.T) {
	t.Parallel()
	eachBy(t, mailed, func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		other := s.as()
		other.shows("the link", other.get("/console/sign-in"), 200, `href="/console/forgot"`)
		plain := func(a answer) string { return regexp.MustCompile(`/assets/[0-9a-f]+/`).ReplaceAllString(a.body, "") }
		known := other.from("evil.example", "/console/forgot", url.Values{"email": {"Ada@example.test"}})
		unknown := other.post("/console/forgot", url.Values{"email": {"nobody@example.test"}})
		if known.status != 200 || unknown.status != 200 || plain(known) != plain(unknown) {
			t.Errorf("an address that there is is answered with %d, any other with %d: %s", known.status, unknown.status, known.body)
		}
		s.shows("no address", other.post("/console/forgot", url.Values{"email": {"ada <b>"}}), 422, `value="ada <b>"`)
		text, path, code := s.letter("ada@example.test")
		if path != "/console/reset" || strings.Contains(text, "evil") {
			t.Errorf("the letter says %s", text)
		}
		s.shows("the page", other.get(path), 200, `data-fragment="token"`, "All your sessions end")
		for what, in := range map[string]url.Values{
			"a wrong code": {"token": {"link-x"}, "password": {"another horse battery"}}, "a short password": {"token": {code}, "password": {"short"}},
			"a common one": {"token": {code}, "password": {"password1"}},
		} {
			page := s.shows(what, other.post(path, in), 422, `aria-invalid="true"`, `value="`+in.Get("token")+`"`)
			s.hides(what, page, in.Get("password"))
		}
		s.shows("a good one", other.post(path, url.Values{"token": {code}, "password": {"another horse battery"}}), 200, "Your password is changed", `href="/console/sign-in"`)
		s.shows("the code again", other.post(path, url.Values{"token": {code}, "password": {"a third horse battery"}}), 422, "was used before")
		s.shows("the session of before", s.get("/console/account"), 401, "Your session has ended", `name="next" value="/console/account"`)
		in := s.post("/console/sign-in", url.Values{"email": {"ada@example.test"}, "password": {"another horse battery"}, "next": {"/console/account"}})
		if to := s.found(in, leads); to != "/console/account" {
			t.Errorf("signing in again leads to %s", to)
		}
	})
}

// Without mail the page says who makes a code, and by which command.
func TestForgottenWithoutMail(t *testing.T) {
	t.Parallel()
	s := run(t, storetest.SQLite(t), local)
	for _, page := range []answer{s.get("/console/forgot"), s.post("/console/forgot", url.Values{"email": {"ada@example.test"}})} {
		s.shows("the page", page, 200, "gatehouse user password-code", `href="/console/reset"`)
	}
	operator := credential.Operator()
	code, err := s.authority.PasswordCode(context.Background(), &operator, authority.UserRef{Email: "ada@example.test"})
	if err != nil {
		t.Fatal(err)
	}
	s.shows("the code", s.post("/console/reset", url.Values{"token": {code.Reveal()}, "password": {"another horse battery"}}), 200, "Your password is changed")
	s.shows("no letters", s.get("/console/verify-email/again"), 200, "sends no mail")
}

// Too many wrong passwords: the page says what to do, also of an address that
// nobody has.
func TestL2_L4_Locked(t *testing.T) {
	t.Parallel()
	s := run(t, storetest.SQLite(t), local)
	for _, email := range []string{"ada@example.test", "nobody@example.test"} {
		for i := range 6 {
			page := s.post("/console/sign-in", url.Values{"email": {email}, "password": {"wrong horse"}})
			s.hides("a wrong password", page, "wrong horse")
			if i == 5 {
				s.shows("the sixth for "+email, page, 422, "Wait a quarter of an hour", `href="/console/forgot"`)
			}
		}
	}
}

// An account of one's own: whether the address has one already is told to its
// owner alone. Loading the page of the letter confirms nothing.
func TestL4_RegisterAndConfirm(t *testing.T) {
	alone(t, mailed, func(t *testing.T, s *site) {
		s.shows("the link", s.get("/console/sign-in"), 200, `href="/console/register"`)
		in := url.Values{"name": {"Bob"}, "email": {"bob@example.test"}, "password": {password}}
		s.hides("a short password", s.shows("a short password", s.post("/console/register", url.Values{"name": {"Bob"}, "email": {"bob@example.test"}, "password": {"short"}}), 422, `value="Bob"`), "short\"")
		mine := s.shows("a new address", s.post("/console/register", in), 200, "Look into your mail")
		_, path, code := s.letter("bob@example.test")
		known := s.post("/console/register", url.Values{"name": {"Eve"}, "email": {"ada@example.test"}, "password": {password}})
		if known.body != mine.body || known.status != 200 {
			t.Errorf("an address that there is is answered with %d %s", known.status, known.body)
		}
		if text, _, _ := s.letter("ada@example.test"); !strings.Contains(text, "account\nalready") {
			t.Errorf("its owner is told %s", text)
		}
		if path != "/console/verify-email" {
			t.Fatalf("the letter leads to %s", path)
		}
		s.shows("the page", s.get(path), 200, `data-fragment="token"`)
		s.shows("signing in before", s.post("/console/sign-in", in), 422, "Confirm your address first", `href="/console/verify-email/again"`)

		s.at.Add(16 * 60)
		again := s.shows("another letter", s.post(path+"/again", url.Values{"email": {"bob@example.test"}}), 200, "Look into your mail")
		_, _, later := s.letter("bob@example.test")
		for _, email := range []string{"bob@example.test", "ada@example.test", "nobody@example.test"} {
			if got := s.post(path+"/again", url.Values{"email": {email}}); got.body != again.body {
				t.Errorf("%s is answered with %d %s", email, got.status, got.body)
			}
		}
		if n := len(must(s.store.DueMessages(context.Background(), s.authority.Now(), 10))); n != 0 {
			t.Errorf("%d letters more wait", n)
		}
		s.shows("the code of the first letter", s.post(path, url.Values{"token": {code}}), 422, "wrong, was used before or has expired")
		s.shows("confirming", s.post(path, url.Values{"token": {later}}), 200, "Your address is confirmed")
		s.found(s.post("/console/sign-in", in), leads)
	})
}

// Where accounts are the operator's matter, no page makes one.
func TestAccountsClosed(t *testing.T) {
	t.Parallel()
	s := runBy(t, storetest.SQLite(t), local, authority.AccountRules{Closed: true})
	s.hides("the page to sign in", s.get("/console/sign-in"), "/console/register")
	in := url.Values{"name": {"Bob"}, "email": {"bob@example.test"}, "password": {password}}
	s.hides("registering", s.shows("registering", s.post("/console/register", in), 422, "makes the accounts"), `type="password"`)
	s.enter("ada@example.test")
	s.hides("the start", s.get("/console/"), "/console/organizations/new")
	page := s.shows("an organization", s.get("/console/organizations/new"), 200, "makes the organizations")
	s.shows("made all the same", s.post("/console/organizations", fill(page, "once", "x", "name", "Mine")), 422, "makes the organizations", "whoever runs this installation")
}

// invite returns the code of an invitation to an address.
func (s *site) invite(email string, role credential.Role) string {
	s.t.Helper()
	operator := credential.Operator()
	return must(s.authority.Invite(context.Background(), &operator, s.organization.ID, authority.InviteRequest{Email: email, Role: role})).Code.Reveal()
}

// An invitation is accepted by who has its address: who has signed in, who signs
// in for it, also with a second factor, and who makes an account for it.
func TestInvitation(t *testing.T) {
	alone(t, authority.AccountRules{}, func(t *testing.T, s *site) {
		code := s.invite("bob@example.test", credential.Admin)
		s.shows("the page", s.get("/console/invitation"), 200, `data-fragment="code"`)
		for _, bad := range []string{"invite-x", "", code + "x"} {
			s.shows("a wrong code", s.post("/console/invitation", url.Values{"code": {bad}}), 422, "The invitation is wrong")
		}
		join := s.shows("the code", s.post("/console/invitation", url.Values{"code": {code}}), 200, "Join Acme", "an admin of it", "bob@example.test", "Sign in and join")
		short := fill(join, "name", "Bob <b>", "password", "short")
		s.hides("a short password", s.shows("a short password", s.post("/console/register", short), 422, "Join Acme", `value="Bob <b>"`, `id="password-error"`), "<b>Bob", `"short"`)
		made := s.post("/console/register", fill(join, "name", "Bob", "password", password))
		if to := s.found(made, leads); to != "/console/?done=joined" {
			t.Errorf("joining leads to %s", to)
		}
		s.shows("the start", s.get("/console/?done=joined"), 200, "Acme", "Admin", "You are a member now.")
		s.shows("the code again", s.post("/console/invitation", url.Values{"code": {code}}), 422, "was accepted before")

		ada := s.as()
		ada.enter("ada@example.test")
		second := s.invite("cleo@example.test", credential.Guest)
		page := s.shows("somebody else's", ada.post("/console/invitation", url.Values{"code": {second}}), 200, "<b>ada@example.test</b>, and the invitation is for another address", "Sign out")
		s.hides("somebody else's", page, "Accept the invitation", "Sign in and join")
		forced := fill(ada.get("/console/"), "invitation", second)
		s.shows("accepted all the same", ada.post("/console/invitation/accept", forced), 422, "for another address")
		s.shows("with no form of the session", ada.post("/console/invitation/accept", url.Values{"invitation": {second}}), 403, "another session")

		must(s.authority.Register(context.Background(), authority.RegisterRequest{Email: "cleo@example.test", Name: "Cleo", Password: password}))
		seed := s.twoFactor("cleo@example.test")
		late := s.as()
		late.at.Store(s.at.Load())
		asked := s.shows("signing in for it", late.post("/console/sign-in", fill(late.post("/console/invitation", url.Values{"code": {second}}), "password", password)), 200, "Enter your code", `name="invitation" value="`+second+`"`)
		in := late.post("/console/sign-in", fill(asked, "code", codeOf(t, seed)))
		if to := s.found(in, leads); to != "/console/?done=joined" {
			t.Errorf("signing in for it leads to %s", to)
		}
		third := s.invite("dan@example.test", credential.Member)
		must(s.authority.Register(context.Background(), authority.RegisterRequest{Email: "dan@example.test", Name: "Dan", Password: password}))
		dan := s.as()
		dan.enter("dan@example.test")
		s.shows("the start of who is in none", dan.get("/console/"), 200, "No organization yet", `href="/console/invitation"`, `href="/console/organizations/new"`)
		page = s.shows("as who is invited", dan.post("/console/invitation", url.Values{"code": {third}}), 200, "Accept the invitation")
		if to := s.found(dan.post("/console/invitation/accept", fill(page)), leads); to != "/console/?done=joined" {
			t.Errorf("accepting leads to %s", to)
		}
	})
}

// codeOf is the code that an authenticator shows now.
func codeOf(t *testing.T, seed string) string { return code(t, strings.ReplaceAll(seed, " ", ""), 0) }

// The profile, with the way to the tokens that the documents name.
func TestBH3_L10_Account(t *testing.T) {
	t.Parallel()
	each(t, local, func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		home := s.shows("the start", s.get("/console/"), 200, `class="avatar" href="/console/account"`)
		page := s.shows("the account", s.get("/console/account"), 200, "Profile & Account", "ada@example.test", "API Access", "take 15 or more", "You have no API token", `href="/console/account/tokens"`, "Manage API Tokens",
			"Password", "Two-factor authentication", "Sessions", "Owner since")
		s.hides("the start", home, "Choose a new password")
		if to := s.found(s.post("/console/account", fill(page, "name", "Ada <b>L")), leads); to != "/console/account?done=saved" {
			t.Errorf("saving leads to %s", to)
		}
		s.shows("saved", s.get("/console/account?done=saved"), 200, "Saved.", `value="Ada <b>L"`)
		s.shows("no name", s.post("/console/account", fill(page, "name", "  ")), 422, "The name must not be empty")

		other := s.as()
		other.enter("ada@example.test")
		change := func(present, next string) answer {
			return s.post("/console/account/password", fill(page, "password-current", present, "password-new", next))
		}
		s.hides("wrong", s.shows("a wrong password", change("wrong horse", "another horse battery"), 422, "isn't your password", `id="password-current-error"`), "wrong horse", "another horse")
		s.shows("a short one", change(password, "short"), 422, "The new password must have at least 8 characters")
		s.shows("the same", change(password, password), 422, "The new password must not be the present password")
		if to := s.found(change(password, "another horse battery"), leads); to != "/console/account?done=password" {
			t.Errorf("the change leads to %s", to)
		}
		s.shows("this session", s.get("/console/account?done=password"), 200, "your other sessions have ended")
		s.shows("the other", other.get("/console/account"), 401, "Your session has ended")
		for _, path := range []string{"/console/account", "/console/account/password", "/console/account/two-factor", "/console/account/two-factor/on", "/console/account/two-factor/off",
			"/console/account/two-factor/codes", "/console/account/sessions/others", "/console/account/sessions/all", "/console/account/sessions/" + uuid.NewString() + "/end",
			"/console/organizations", s.pages() + "/leave"} {
			s.shows(path, s.post(path, url.Values{"name": {"Eve"}, "once": {"x"}}), 403, "another session")
		}
	})
}

// Two-factor authentication: the key and the codes are shown once, what a form
// takes is the password and a code, and each backup code works once.
func TestL6_L7_K13_TwoFactor(t *testing.T) {
	t.Parallel()
	each(t, local, func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		const at = "/console/account/two-factor"
		page := s.shows("off", s.get(at), 200, "Set it up")
		s.shows("a wrong password", s.post(at, fill(page, "password", "wrong horse")), 422, "isn't your password")
		shown := s.shows("set up", s.post(at, fill(page, "password", password)), 200, `class="qr"`, "Or type this key")
		s.hides("set up", shown, "data:", "otpauth:", "backup codes are left")
		seed := s.found(shown, regexp.MustCompile(`(?s)<textarea id="seed"[^>]*>([^<]*)<`))
		wrong := s.shows("a wrong code", s.post(at+"/on", fill(shown, "code", "000000")), 422, "doesn't match", "start again")
		s.hides("a wrong code", wrong, seed, `class="qr"`)
		on := s.shows("on", s.post(at+"/on", fill(wrong, "code", codeOf(t, seed))), 200, "10 backup codes")
		list := strings.Fields(s.found(on, regexp.MustCompile(`(?s)<textarea class="area codes"[^>]*>([^<]*)</textarea>`)))
		if len(list) != 10 {
			t.Fatalf("the backup codes are %v", list)
		}
		s.hides("the account", s.shows("the account", s.get("/console/account"), 200, "At least 8 characters."), "take 15 or more")
		s.hides("the page afterwards", s.shows("afterwards", s.get(at), 200, "10 of your backup codes are left"), list[0], seed)
		s.hides("the form again", s.post(at+"/on", fill(wrong, "code", list[0])), list[1])

		in := s.as()
		asked := in.post("/console/sign-in", url.Values{"email": {"ada@example.test"}, "password": {password}})
		s.found(in.post("/console/sign-in", fill(s.shows("signing in", asked, 200, "backup codes"), "code", list[0])), leads)
		asked = s.as().post("/console/sign-in", url.Values{"email": {"ada@example.test"}, "password": {password}})
		s.shows("the same backup code", s.as().post("/console/sign-in", fill(asked, "code", list[0])), 422, "was used before")

		form := fill(s.shows("one is gone", s.get(at), 200, "9 of your backup codes are left"), "password", password)
		fresh := s.shows("new codes", s.post(at+"/codes", form), 200, "10 backup codes")
		s.hides("new codes", fresh, list...)
		s.hides("the form sent again", s.post(at+"/codes", form), "10 backup codes")
		s.shows("a wrong password", s.post(at+"/codes", fill(s.get(at), "password", "wrong horse")), 422, "isn't your password")
		next := strings.Fields(s.found(fresh, regexp.MustCompile(`(?s)<textarea class="area codes"[^>]*>([^<]*)</textarea>`)))

		off := func(pass, code string) answer {
			return s.post(at+"/off", fill(s.get(at), "off-password", pass, "off-code", code))
		}
		s.shows("off by a code of before", off(password, list[2]), 422, "doesn't match", `id="off-code-error"`)
		s.shows("off without the password", off("wrong horse", next[0]), 422, `id="off-password-error"`)
		if to := s.found(off(password, next[0]), leads); to != "/console/account?done=single" {
			t.Errorf("turning it off leads to %s", to)
		}
		s.shows("off", s.get("/console/account?done=single"), 200, "Two-factor authentication is off.")
	})
}

// A session of a browser is a cookie that no script reads and that ends by
// itself; what changes something takes a form of the same session. Each session
// is listed by its device, and can be ended.
func TestBHD36_L10_Sessions(t *testing.T) {
	t.Parallel()
	each(t, "https://keys.example.com", func(t *testing.T, s *site) {
		s.browser.Jar = nil
		begin := func(agent string) string {
			t.Helper()
			r := must(http.NewRequest("POST", s.url+"/console/sign-in", strings.NewReader(url.Values{"email": {"ada@example.test"}, "password": {password}}.Encode())))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("User-Agent", agent)
			a := must(s.browser.Do(r))
			_ = a.Body.Close()
			line := a.Header.Get("Set-Cookie")
			for _, part := range []string{"__Host-gatehouse=gsc_", "Max-Age=2592000", "HttpOnly", "Secure", "SameSite=Lax"} {
				if !strings.Contains(line, part) {
					t.Errorf("the cookie %q lacks %s", line, part)
				}
			}
			pair, _, _ := strings.Cut(line, ";")
			return pair
		}
		here := &cookies{t: t, pair: begin("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), next: http.DefaultTransport}
		phone := begin("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1")
		begin("<script>alert(1)</script>")
		s.browser.Transport = here
		page := s.shows("the list", s.get("/console/account/sessions"), 200, "Firefox on Linux", "This session", "Safari on iPhone", "An unknown device", "127.0.0.1", "Just now", "3 of at most 5")
		s.hides("the list", page, "<script>alert", "Mozilla")
		end := s.found(page, regexp.MustCompile(`action="(/console/account/sessions/[0-9a-f-]{36}/end)"`))
		s.shows("ended by no form of the session", s.post(end, url.Values{}), 403, "another session")
		if to := s.found(s.post(end, fill(page)), leads); to != "/console/account/sessions?done=ended" {
			t.Errorf("ending leads to %s", to)
		}
		s.shows("ended twice", s.post(end, fill(page)), 404, "no such page")
		s.shows("one less", s.get("/console/account/sessions"), 200, "2 of at most 5")
		s.found(s.post("/console/account/sessions/others", fill(page)), leads)
		s.hides("alone", s.shows("alone", s.get("/console/account/sessions"), 200, "1 of at most 5", "Firefox on Linux"), "End all others", "/end\"")
		s.browser.Transport = &cookies{t: t, pair: phone, next: http.DefaultTransport}
		s.shows("the phone", s.get("/console/account/sessions"), 401, "Your session has ended")
		s.browser.Transport = here
		out := s.post("/console/account/sessions/all", fill(page))
		if to := s.found(out, leads); to != "/console/sign-in" || !strings.Contains(out.header.Get("Set-Cookie"), "__Host-gatehouse=; Path=/; Max-Age=0") {
			t.Errorf("signing out everywhere leads to %s, with the cookie %q", to, out.header.Get("Set-Cookie"))
		}
		s.shows("afterwards", s.get("/console/account/sessions"), 401, "Your session has ended")
		s.at.Add(int64(31 * 24 * time.Hour / time.Second))
	})
}

// cookies sends a cookie with every request, as a browser does behind TLS.
type cookies struct {
	t    *testing.T
	pair string
	next http.RoundTripper
}

func (c *cookies) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Cookie", c.pair)
	return c.next.RoundTrip(r)
}

// An organization is made by its form once, and left by who is not its last owner.
func TestOrganizationsOfOnesOwn(t *testing.T) {
	alone(t, authority.AccountRules{}, func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		page := s.shows("the form", s.get("/console/organizations/new"), 200, "New organization")
		s.shows("no name", s.post("/console/organizations", fill(page, "name", " ")), 422, "The name must not be empty")
		form := fill(page, "name", "Mine <b>")
		for range 2 {
			s.found(s.post("/console/organizations", form), leads)
		}
		home := s.shows("the start", s.get("/console/"), 200, "Mine <b>", "Acme")
		if n := strings.Count(html.UnescapeString(home.body), ">Mine <b></a>"); n != 1 {
			t.Errorf("it was made %d times", n)
		}
		leave := s.pages() + "/leave"
		ask := s.shows("leaving", s.get(leave), 200, "Leave Acme?", "API tokens that stop")
		s.shows("as the last owner", s.post(leave, fill(ask)), 422, "at least one owner")
		s.member("bob@example.test", credential.Guest)
		bob := s.as()
		bob.enter("bob@example.test")
		s.shows("no form of the session", bob.post(leave, fill(ask)), 403, "another session")
		if to := s.found(bob.post(leave, fill(bob.get(leave))), leads); to != "/console/?done=left" {
			t.Errorf("leaving leads to %s", to)
		}
		s.shows("afterwards", bob.get(leave), 404)
		s.shows("his start", bob.get("/console/"), 200, "No organization yet")
		s.shows("an organization of others", bob.get("/console/organizations/"+uuid.NewString()+"/leave"), 404)
	})
}

// What anybody types into a name stays text.
func TestH5_NaughtyStringsStayText(t *testing.T) {
	t.Parallel()
	s := runBy(t, storetest.SQLite(t), local, mailed)
	var list []string
	if err := json.Unmarshal(must(os.ReadFile("../rest/testdata/blns.json")), &list); err != nil {
		t.Fatal(err)
	}
	s.enter("ada@example.test")
	forms := []struct {
		path, field string
		form        url.Values
	}{ // all of them at once are no name, and so sent back
		{"/console/organizations", "name", fill(s.get("/console/organizations/new"))},
		{"/console/account", "name", fill(s.get("/console/account"))},
		{"/console/register", "name", url.Values{"email": {"x@example.test"}, "password": {"x"}}},
		{"/console/reset", "token", url.Values{"password": {"x"}}},
		{"/console/forgot", "email", url.Values{}},
	}
	echoed := regexp.MustCompile(`(?s) id="(?:name|token|email)"[^>]*? value="([^"]*)"`)
	text := strings.Join(list, "\n")
	want := strings.ReplaceAll(strings.TrimRight(text, " "), "\x00", "\uFFFD")
	for _, f := range forms {
		f.form.Set(f.field, text)
		page := s.post(f.path, f.form)
		got := echoed.FindStringSubmatch(page.body)
		if page.status != 422 || got == nil || html.UnescapeString(got[1]) != want {
			t.Errorf("%s is answered with %d, as %q", f.path, page.status, got)
		}
	}
}

// from sends a form in the name of another host.
func (s *site) from(host, path string, values url.Values) answer {
	s.t.Helper()
	before := s.browser.Transport
	s.browser.Transport = &named{host}
	defer func() { s.browser.Transport = before }()
	return s.send(http.MethodPost, path, values)
}

// named names another host than the one it asks.
type named struct{ host string }

func (n *named) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = n.host
	r.Header.Set("Origin", "http://"+n.host)
	r.Header.Set("X-Forwarded-Host", n.host)
	r.Header.Set("X-Forwarded-Proto", "https")
	return http.DefaultTransport.RoundTrip(r)
}
