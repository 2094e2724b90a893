package console_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// answer is a page that was shown.
type answer struct {
	status int
	header http.Header
	body   string
}

// get loads a page.
func (s *site) get(path string) answer { return s.send(http.MethodGet, path, nil) }

// post sends a form, from a page of the site.
func (s *site) post(path string, values url.Values) answer {
	return s.send(http.MethodPost, path, values)
}

func (s *site) send(method, path string, values url.Values) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(values.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if values != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", s.url)
	}
	client := *s.browser
	client.CheckRedirect = func(r *http.Request, _ []*http.Request) error { return fmt.Errorf("a redirect to %s", r.URL) }
	got, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(body)}
}

// shows fails the test unless a page has a status and holds some texts.
func (s *site) shows(what string, a answer, status int, texts ...string) answer {
	s.t.Helper()
	plain := html.UnescapeString(a.body)
	if a.status != status {
		s.t.Errorf("%s: got %d, want %d: %s", what, a.status, status, plain)
	}
	for _, text := range texts {
		if !strings.Contains(plain, text) {
			s.t.Errorf("%s: %q isn't there: %s", what, text, plain)
		}
	}
	return a
}

// hides fails the test if a page holds any of some texts.
func (s *site) hides(what string, a answer, texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if strings.Contains(html.UnescapeString(a.body), text) {
			s.t.Errorf("%s: %q is there", what, text)
		}
	}
}

var (
	hidden = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)
	secret = regexp.MustCompile(`<input id="secret" value="([^"]*)"`)
	leads  = regexp.MustCompile(`<meta http-equiv="refresh" content="0; url=([^"]*)">`)
)

// fill returns the hidden fields of a page's form, with others beside them.
func fill(a answer, pairs ...string) url.Values {
	values := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(a.body, -1) {
		values.Set(m[1], html.UnescapeString(m[2]))
	}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

// found returns what a page has where a pattern says.
func (s *site) found(a answer, pattern *regexp.Regexp) string {
	s.t.Helper()
	m := pattern.FindStringSubmatch(a.body)
	if m == nil {
		s.t.Fatalf("%s isn't there: %d %s", pattern, a.status, a.body)
	}
	return html.UnescapeString(m[1])
}

// pages is where those of the organization begin.
func (s *site) pages() string {
	return "/console/organizations/" + authority.PublicID("org", s.organization.ID)
}

// enter signs a user in by the page.
func (s *site) enter(email string) {
	s.t.Helper()
	page := s.shows("the page to sign in", s.get("/console/sign-in"), 200, "Password")
	in := s.post("/console/sign-in", fill(page, "email", email, "password", "correct horse battery"))
	if to := s.found(in, leads); to != "/console/" {
		s.t.Errorf("signing in leads to %s", to)
	}
}

// is returns what a secret is decided to be.
func (s *site) is(text string) credential.Code {
	s.t.Helper()
	d, err := s.authority.Verify(context.Background(), text, authority.Verification{Permission: credential.MembersRead, Address: netip.MustParseAddr("192.0.2.7")})
	if err != nil {
		s.t.Fatal(err)
	}
	return d.Code
}

// An API key is made in the dashboard as well, shown there once, listed with
// what matters, used, rotated and revoked.
func TestK13_BS9_BSO10_KeysInTheDashboard(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		keys := s.pages() + "/keys"
		s.shows("an empty list", s.get(keys), 200, "Make the first API key", "0 of 10 keys in use")

		form := fill(s.get(keys+"/new"), "name", "Nightly <export>", "mode", "live", "access", "custom", "read:members", "on", "expires", "30", "rate", "60")
		made := s.shows("the new key", s.post(keys, form), 200, "Copy your new key now", "Nightly <export>", "the only time")
		key := s.found(made, secret)
		if made.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(key, "bsk_live_") {
			t.Errorf("it is %s, and may be kept: %s", key, made.header.Get("Cache-Control"))
		}
		if got := strings.Count(made.body, key); got != 1 {
			t.Errorf("the page holds the key %d times", got)
		}
		if got := s.is(key); got != credential.OK {
			t.Errorf("the key is %s", got)
		}

		again := s.shows("the form once more", s.post(keys, form), 200)
		s.hides("the form once more", again, "bsk_")
		list := s.shows("the list", s.get(keys), 200, "1 of 10 keys in use", "Nightly <export>", key[:13], "1 scope", "60 a minute", "Just now", "192.0.2.7", "Active", "Until ")
		s.hides("the list", list, key[13:])

		one := keys + "/" + s.found(list, regexp.MustCompile(`/keys/([0-9a-f-]{36})"`))
		shown := s.shows("its page", s.get(one), 200, "Requests so far", "read:members", "fingerprint")
		s.hides("its page", shown, key[13:])
		s.requested(key)
		s.shows("how often it was used", s.get(keys), 200, "3 requests in the last 7 days")
		s.shows("what it was used for", s.get(one), 200, "Latest requests", "GET /api/v1/<i>", "418", "192.0.2.8, curl/8")

		ask := s.shows("asking to rotate", s.get(one+"/rotate"), 200, "24 hours", "Last used")
		next := s.found(s.post(one+"/rotate", fill(ask, "grace", "24h")), secret)
		if next == key || s.is(key) != credential.OK || s.is(next) != credential.OK {
			t.Error("after a rotation with grace not both values work")
		}
		s.hides("rotating once more", s.post(one+"/rotate", fill(ask, "grace", "24h")), "bsk_")

		ask = s.shows("asking to revoke", s.get(one+"/revoke"), 200, "401 right away", "Keep key")
		if to := s.found(s.post(one+"/revoke", fill(ask)), leads); to != keys {
			t.Errorf("revoking leads to %s", to)
		}
		if s.is(key) != credential.CodeRevoked || s.is(next) != credential.CodeRevoked {
			t.Error("a revoked key works")
		}
		s.shows("the list afterwards", s.get(keys), 200, "Revoked", "0 of 10 keys in use", "Recreate")
		s.shows("the form of its successor", s.get(keys+"/new?from="+one[len(keys)+1:]), 200, `value="Nightly <export>"`, `name="read:members" value="on" checked`)
		s.shows("revoking it again", s.post(one+"/revoke", fill(ask)), 200)
		s.shows("rotating it", s.post(one+"/rotate", fill(s.get(one+"/rotate"), "grace", "0s")), 422, "revoked")
	})
}

func TestKeyFormProblems(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		keys := s.pages() + "/keys"
		form := func(pairs ...string) url.Values {
			return fill(s.get(keys+"/new"), append([]string{"name", "CI", "mode", "live", "access", "read", "expires", "never"}, pairs...)...)
		}
		for _, c := range []struct {
			field, value, want string
		}{
			{"name", "", "The name must"}, {"name", strings.Repeat("n", 300), "The name must"}, {"mode", "", "Choose live or test"},
			{"access", "custom", "at least one scope"}, {"access", "", "at least one scope"}, {"rate", "0", "at least 1"}, {"rate", "many", "at least 1"},
			{"expires", "", "Choose when"}, {"expires", "-7", "Choose when"}, {"expires", "99999999999999999999", "Choose when"}, {"expires", "date", "Choose the day"},
			{"addresses", "10.0.0.0/99", "10.0.0.0/99"},
		} {
			got := s.shows(c.field+" "+c.value, s.post(keys, form(c.field, c.value)), 422, c.want, `role="alert"`)
			if c.field != "name" {
				s.shows("what was typed", got, 422, `value="CI"`)
			}
		}
		past := form("expires", "date", "date", "2001-01-01")
		s.shows("a day that is over", s.post(keys, past), 422, "future", `value="2001-01-01"`)
		for i := range 10 {
			s.shows("a key", s.post(keys, form("name", fmt.Sprint("key ", i))), 200, "Copy your new key now")
		}
		s.shows("the eleventh", s.post(keys, form()), 422, "10")
		s.shows("a state that there isn't", s.get(keys+"?state=odd"), 422, "active, attention or inactive")
		s.shows("an unknown key", s.get(keys+"/"+uuid.NewString()), 404, "no such page")
		s.shows("an unknown organization", s.get("/console/organizations/org_00000000000000000000000000000000/keys"), 404)
	})
}

// Where the operator has taken API clients from the organization, the page says
// so, and the form that none is made.
func TestBTO18_WithheldInTheDashboard(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		page := s.pages() + "/integrations"
		s.hides("the page", s.get(page), "Withheld from")
		form := s.get(page + "/new")
		operator := credential.Operator()
		withheld := credential.Policy{Withheld: []*credential.Scheme{s.authority.Schemes().ByName("betatesting_static")}}
		if err := s.authority.SetPolicy(context.Background(), &operator, s.organization.ID, &withheld); err != nil {
			t.Fatal(err)
		}
		list := s.shows("the page", s.get(page), 200, "Withheld from", "requests are refused with 403", "Ask them for it")
		if n := strings.Count(list.body, "Withheld from"); n != 1 {
			t.Errorf("%d kinds are withheld, want one", n)
		}
		s.shows("a static token", s.post(page, fill(form, "kind", "static", "name", "x")), 422, "withholds such credentials")
		s.shows("an OAuth2 client", s.post(page, fill(s.get(page+"/new"), "kind", "oauth2", "name", "x", "api:read", "on")), 200, "client secret")
	})
}

// An API client of either kind is made under Integrations, and deleted there.
func TestBT5_BT10_BT11_BT21_BT26_BT27_BT28_BT29_BT30_BT31_BT32_ClientsInTheDashboard(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		page := s.pages() + "/integrations"
		s.shows("the page", s.get(page), 200, "Organization settings", "Integrations", "API clients", "Create API client", "0 of 5", "0 of 1")
		form := s.shows("the form", s.get(page+"/new"), 200, "Static Token", "OAuth2", "Recommended for production", "Create</button>",
			"Jira Integration", "Internal Dashboard", "AWS Secrets Manager", "HashiCorp Vault", "e-mail or chat", "never commit it", "your own addresses",
			"expiration date", "What only reads asks for api:read", "Rotate it regularly", "a shell script")

		static := s.found(s.shows("a static token", s.post(page, fill(form, "kind", "static", "name", "Jira Integration")), 200, "copy it now"), secret)
		if !regexp.MustCompile(`^btst_[0-9A-Za-z]{64}$`).MatchString(static) {
			t.Errorf("the static token is %s", static)
		}
		s.shows("a second one", s.post(page, fill(s.get(page+"/new"), "kind", "static", "name", "Another")), 422)

		form = s.shows("the form", s.get(page+"/new?kind=static"), 200, "delete one to make another")
		made := s.shows("an OAuth2 client", s.post(page, fill(form, "kind", "oauth2", "name", "Internal Dashboard", "api:read", "on")), 200, "client secret", "oauth/token")
		id, text := s.found(made, regexp.MustCompile(`<input id="client-id" value="([^"]*)"`)), s.found(made, secret)
		client := authority.Client{ID: id, Secret: text}
		if token, err := s.authority.ClientToken(context.Background(), client, nil); err != nil || len(token.Scopes) != 1 || token.Scopes[0] != "api:read" {
			t.Errorf("the client gets %v, %v", token, err)
		}
		list := s.shows("the page", s.get(page), 200, "Jira Integration", "Internal Dashboard", id, "1 of 5", "1 of 1", "has one of these at most", "From anywhere", "client_id=$GATEHOUSE_CLIENT_ID")
		s.hides("the page", list, static[5:], text)
		s.shows("a client without scopes", s.post(page, fill(s.get(page+"/new"), "kind", "oauth2", "name", "x")), 422, "api:read, api:write or both")
		s.shows("no kind", s.post(page, fill(s.get(page+"/new"), "name", "x", "kind", "saml")), 422, "Choose OAuth2 or Static Token")

		for _, m := range regexp.MustCompile(`/integrations/([0-9a-f-]{36})/delete`).FindAllStringSubmatch(list.body, -1) {
			ask := s.shows("asking", s.get(page+"/"+m[1]+"/delete"), 200, "Delete client", "Keep client")
			s.shows("deleting", s.post(page+"/"+m[1]+"/delete", fill(ask)), 200)
		}
		if _, err := s.authority.ClientToken(context.Background(), client, nil); !errors.Is(err, credential.InvalidClient) {
			t.Errorf("a deleted client gets %v", err)
		}
		s.shows("the page afterwards", s.get(page), 200, "Deleted", "0 of 5", "0 of 1")
		if got := s.is(static); got != credential.CodeRevoked {
			t.Errorf("a deleted static token is %s", got)
		}
	})
}

// The second factor is a page of its own, and what it stands on begins nothing.
func TestL6_CodePage(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		seed := s.twoFactor("ada@example.test")
		page := s.post("/console/sign-in", url.Values{"email": {"ada@example.test"}, "password": {"correct horse battery"}, "next": {s.pages() + "/keys"}})
		s.shows("the page of the code", page, 200, "Enter your code")
		if page.header.Get("Set-Cookie") != "" {
			t.Error("a session begins without the code")
		}
		proven := fill(page).Get("proven")
		s.browser.Jar.SetCookies(must(url.Parse(s.url)), []*http.Cookie{{Name: "gatehouse", Value: proven}})
		s.shows("the proof as a cookie", s.get(s.pages()+"/keys"), 401, "Sign in")
		s.shows("a wrong code", s.post("/console/sign-in", fill(page, "code", "000000")), 422, "doesn't match", "Enter your code")
		s.shows("no code", s.post("/console/sign-in", fill(page)), 200, "Enter your code")
		s.shows("a proof that was changed", s.post("/console/sign-in", fill(page, "code", "000000", "proven", proven[:20]+"AAAA"+proven[24:])), 422, "Sign in again", "Password")
		s.shows("a proof too long", s.post("/console/sign-in", fill(page, "code", "000000", "proven", strings.Repeat("A", 5000))), 422, "Sign in again")

		s.at.Store(6 * 60)
		s.shows("too late", s.post("/console/sign-in", fill(page, "code", code(t, seed, 6*time.Minute))), 422, "took too long")
		page = s.post("/console/sign-in", url.Values{"email": {"ada@example.test"}, "password": {"correct horse battery"}, "next": {s.pages() + "/keys"}})
		if to := s.found(s.post("/console/sign-in", fill(page, "code", code(t, seed, 6*time.Minute))), leads); to != s.pages()+"/keys" {
			t.Errorf("the code leads to %s", to)
		}
		s.shows("the page that was asked for", s.get(s.pages()+"/keys"), 200, "API keys")
		s.shows("the same code once more", s.post("/console/sign-in", fill(page, "code", code(t, seed, 6*time.Minute))), 422, "used before")
	})
}

// A password that was changed since proves nothing any more.
func TestL6_ProofOfAnOldPassword(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		seed := s.twoFactor("ada@example.test")
		page := s.post("/console/sign-in", url.Values{"email": {"ada@example.test"}, "password": {"correct horse battery"}})
		operator := credential.Operator()
		link, err := s.authority.PasswordCode(context.Background(), &operator, authority.UserRef{Email: "ada@example.test"})
		if err == nil {
			err = s.authority.ResetPassword(context.Background(), link.Reveal(), "another horse battery", authority.Origin{})
		}
		if err != nil {
			t.Fatal(err)
		}
		s.shows("the code", s.post("/console/sign-in", fill(page, "code", code(t, seed, 0))), 422, "Invalid email or password")
	})
}

func code(t testing.TB, seed string, ahead time.Duration) string {
	t.Helper()
	text, err := totp.GenerateCode(seed, time.Now().Add(ahead))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// twoFactor gives a user a second factor, and returns its seed.
func (s *site) twoFactor(email string) string {
	s.t.Helper()
	ctx := context.Background()
	in, err := s.authority.SignIn(ctx, authority.SignInRequest{Email: email, Password: "correct horse battery"})
	if err != nil {
		s.t.Fatal(err)
	}
	d, err := s.authority.Verify(ctx, in.Access.Token.Reveal(), authority.Verification{})
	if err != nil {
		s.t.Fatal(err)
	}
	setup, err := s.authority.SetUpTwoFactor(ctx, &d.Principal, "correct horse battery")
	if err != nil {
		s.t.Fatal(err)
	}
	s.at.Add(-60) // the code that turns it on is not the one that signs in
	if err := s.authority.EnableTwoFactor(ctx, &d.Principal, code(s.t, setup.Secret.Reveal(), -time.Minute)); err != nil {
		s.t.Fatal(err)
	}
	s.at.Store(0)
	return setup.Secret.Reveal()
}

// No form is taken that isn't of this session, nor any from elsewhere.
func TestL12_Forms(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		keys := s.pages() + "/keys"
		ours := fill(s.get(keys+"/new"), "name", "CI", "mode", "live", "access", "read", "expires", "never")
		mine := s.browser.Jar
		s.browser.Jar = must(cookiejar.New(nil))
		s.enter("ada@example.test")
		for _, form := range []url.Values{ours, {}, fill(answer{}, "form", "x")} {
			s.shows("a form of another session", s.post(keys, form), 403, "another session")
			s.shows("signing out by it", s.post("/console/sign-out", form), 403)
		}
		s.browser.Jar = mine
		for name, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
			r := must(http.NewRequest(http.MethodPost, s.url+keys, strings.NewReader(ours.Encode())))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(name, value)
			if got := must(s.browser.Do(r)); got.StatusCode != 403 {
				t.Errorf("from %s: got %d", value, got.StatusCode)
			}
		}
		s.shows("the list", s.get(keys), 200, "0 of 10 keys in use")
		nameless := url.Values{"form": ours["form"], "name": {"CI"}, "mode": {"live"}, "access": {"read"}, "expires": {"never"}}
		s.shows("a form that isn't good once", s.post(keys, nameless), 400, "load its page again")
		s.shows("the form", s.post(keys, ours), 200, "Copy your new key now")
		s.shows("signing out", s.post("/console/sign-out", fill(s.get("/console/"))), 200)
		s.shows("afterwards", s.get(keys), 401, "Sign in", `name="next" value="`+keys+`"`)
	})
}

// Pages say what may run on them, belong to their host alone, and lead nowhere
// else.
func TestH5_PagesAreClosed(t *testing.T) {
	each(t, "https://keys.example.com", func(t *testing.T, s *site) {
		for _, path := range []string{"/console/sign-in", "/console/", s.pages() + "/keys", "/console/nothing"} {
			h := s.get(path).header
			for name, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; script-src 'self'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
				"Strict-Transport-Security": "max-age=", "Cache-Control": "no-store",
			} {
				if path != "/console/nothing" && !strings.HasPrefix(h.Get(name), want) {
					t.Errorf("%s: %s is %q", path, name, h.Get(name))
				}
			}
		}
		page := s.get("/console/sign-in")
		if strings.Contains(page.body, "style=") || strings.Contains(page.body, "<style") || regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(page.body) || regexp.MustCompile(` on[a-z]+=`).MatchString(page.body) {
			t.Error("the page has style or script in it")
		}
		asset := regexp.MustCompile(`/console/assets/[^"]*console\.css`).FindString(page.body)
		if got := s.get(asset); got.status != 200 || !strings.HasPrefix(got.header.Get("Cache-Control"), "public, max-age=") {
			t.Errorf("%s: %d %s", asset, got.status, got.header.Get("Cache-Control"))
		}
		for _, path := range []string{"/console/assets/old/console.css", strings.Replace(asset, "console.css", "inter.LICENSE", 1), strings.Replace(asset, "console.css", "nothing.css", 1)} {
			if got := s.get(path); got.status != 404 {
				t.Errorf("%s: got %d", path, got.status)
			}
		}
		for _, next := range []string{"https://evil.example/", "//evil.example/", "/v1/self", "/console/../v1", "/console/\\evil", "javascript:1", "/console/x?y"} {
			in := s.post("/console/sign-in", url.Values{"email": {"ada@example.test"}, "password": {"correct horse battery"}, "next": {next}})
			if to := s.found(in, leads); to != "/console/" {
				t.Errorf("%s leads to %s", next, to)
			}
		}
	})
}

// Who may not look after keys is told so, and by no page shown any.
func TestS4_BTD1_MembersSeeNoKeys(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		operator := credential.Operator()
		_, err := s.authority.CreateUser(context.Background(), &operator, s.organization.ID, authority.UserRequest{
			Email: "mem@example.test", Name: "Mem", Role: credential.Member, Password: "correct horse battery",
		})
		if err != nil {
			t.Fatal(err)
		}
		s.enter("mem@example.test")
		s.hides("the start", s.shows("the start", s.get("/console/"), 200, "Acme"), `/keys"`)
		for _, page := range []string{"/keys", "/keys/new", "/integrations", "/integrations/new", "/keys/" + uuid.NewString()} {
			s.shows(page, s.get(s.pages()+page), 403, "wners and admins")
		}
		form := fill(s.get("/console/"), "name", "x", "kind", "static", "mode", "live", "access", "read", "expires", "never", "once", "x")
		for _, page := range []string{"/keys", "/integrations"} {
			s.shows("making one on "+page, s.post(s.pages()+page, form), 403)
		}
	})
}

// Words are said as people read them.
func TestTheme(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.hides("at first", s.get("/console/sign-in"), "data-theme")
		if to := s.found(s.post("/console/theme", url.Values{"theme": {"dark"}, "back": {"/console/sign-in"}}), leads); to != "/console/sign-in" {
			t.Errorf("it leads to %s", to)
		}
		s.shows("dark", s.get("/console/sign-in"), 200, `data-theme="dark"`)
		s.post("/console/theme", url.Values{"theme": {"auto"}, "back": {"/"}})
		s.hides("as the system says", s.get("/console/sign-in"), "data-theme")
		s.shows("odd", s.post("/console/theme", url.Values{"theme": {"<b>"}}), 422, "auto, light or dark")
	})
}

// What a page shows is text, whatever it holds.
func TestH5_NamesAreText(t *testing.T) {
	naughty := []string{"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "javascript:alert(1)", "{{.}}", "' onfocus='alert(1)"}
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		for _, name := range naughty {
			made := s.post(s.pages()+"/keys", fill(s.get(s.pages()+"/keys/new"), "name", name, "mode", "test", "access", "read", "expires", "never"))
			s.shows(name, made, 200, name)
			if bytes.Contains([]byte(made.body), []byte("<script>alert")) || strings.Contains(made.body, "<img") {
				t.Errorf("%s is no text", name)
			}
		}
		list := s.get(s.pages() + "/keys")
		s.shows("the list", list, 200, naughty...)
		if strings.Contains(list.body, "<img") || strings.Contains(list.body, "<script>") {
			t.Error("a name in the list is no text")
		}
	})
}

// requested has a key make a request to a route of ours.
func (s *site) requested(key string) {
	s.t.Helper()
	d, err := s.authority.Verify(s.t.Context(), key, authority.Verification{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.authority.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /api/v1/{x}", Method: "GET", Path: "/api/v1/<i>", Status: 418,
		Address: netip.MustParseAddr("192.0.2.8"), UserAgent: "curl/8"})
	if err := s.authority.Flush(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}
