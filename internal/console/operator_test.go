package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
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

const operatorPages = "/console/operator"

// consoleCode makes a code for the operator, where the server runs.
func (s *site) consoleCode() string {
	s.t.Helper()
	operator := credential.Operator()
	made, err := s.authority.NewConsoleCode(context.Background(), &operator)
	if err != nil {
		s.t.Fatal(err)
	}
	return made.Code.Reveal()
}

// operate signs the operator in, in the same browser.
func (s *site) operate() answer {
	s.t.Helper()
	in := s.post(operatorPages, url.Values{"code": {s.consoleCode()}})
	if to := s.found(in, leads); to != operatorPages {
		s.t.Errorf("the code leads to %s", to)
	}
	return in
}

// operated is where the operator's pages about the organization begin.
func (s *site) operated() string {
	return operatorPages + "/organizations/" + authority.PublicID("org", s.organization.ID)
}

// comesFrom is what a secret is decided to be, from an address.
func (s *site) comesFrom(text, address string) credential.Code {
	s.t.Helper()
	d, err := s.authority.Verify(context.Background(), text, authority.Verification{Address: netip.MustParseAddr(address)})
	if err != nil {
		s.t.Fatal(err)
	}
	return d.Code
}

// The operator comes in by a code that is good once, for five minutes and after
// a few tries at most, and goes by a cookie of its own. Neither way in is the other.
func TestL15_OperatorInTheConsole(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.shows("without a session", s.get(operatorPages), 401, "Sign in as the operator", "gatehouse console", `name="code"`)
		s.enter("ada@example.test")
		s.shows("an owner's session", s.get(operatorPages), 401, "Sign in as the operator")
		s.shows("a page below, of an owner", s.get(s.operated()), 401, "Sign in as the operator")

		code := s.consoleCode()
		if !regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}$`).MatchString(code) {
			t.Errorf("the code is %s", code)
		}
		typed := strings.ToLower(strings.ReplaceAll(code, "-", " ")) // as people do
		in := s.shows("the code", s.post(operatorPages, url.Values{"code": {typed}}), 200)
		cookie := in.header.Get("Set-Cookie")
		for _, part := range []string{"gatehouse-operator=gso_", "Path=/console/operator", "HttpOnly", "SameSite=Strict", "Max-Age=3600"} {
			if !strings.Contains(cookie, part) {
				t.Errorf("the cookie %q lacks %s", cookie, part)
			}
		}
		value := strings.TrimPrefix(strings.SplitN(cookie, ";", 2)[0], "gatehouse-operator=")
		again := s.shows("the code once more", s.post(operatorPages, url.Values{"code": {code}}), 422, "used before")
		s.hides("the code once more", again, code)

		page := s.shows("the operator's page", s.get(operatorPages), 200, "Organizations", "Acme", "shell operator", "Every organization", "Until ")
		s.shows("the owner's page beside it", s.get(s.pages()+"/keys"), 200, "API keys")
		s.shows("a form of the owner's page", s.post(operatorPages+"/sign-out", fill(s.get(s.pages()+"/keys"))), 403, "another session")
		s.shows("a form of the operator's page", s.post(s.pages()+"/keys", fill(page)), 403, "another session")
		s.browser.Jar = nil
		as := func(cookie, path string) answer {
			r := must(http.NewRequest("GET", s.url+path, nil))
			r.Header.Set("Cookie", cookie)
			got := must(s.browser.Do(r))
			defer got.Body.Close()
			return answer{status: got.StatusCode}
		}
		for cookie, path := range map[string]string{
			"gatehouse=" + value:                                s.pages() + "/keys",
			"gatehouse-operator=" + value:                       s.pages() + "/keys",
			"gatehouse-operator=" + value[:len(value)-1]:        operatorPages,
			"__Secure-gatehouse-operator=" + value:              operatorPages,
			"gatehouse-operator=gso_" + strings.Repeat("A", 55): operatorPages,
		} {
			if got := as(cookie, path); got.status != 401 {
				t.Errorf("%s at %s: got %d", cookie, path, got.status)
			}
		}
		s.browser = newBrowser(t)
		s.operate()
		if got := as("gatehouse-operator="+value, operatorPages); got.status != 401 {
			t.Errorf("the session of before goes on: %d", got.status)
		}
		page = s.get(operatorPages)
		s.shows("signing out", s.post(operatorPages+"/sign-out", fill(page)), 200)
		s.shows("afterwards", s.get(operatorPages), 401)

		late := s.consoleCode()
		s.at.Store(5 * 60)
		s.shows("a code of five minutes ago", s.post(operatorPages, url.Values{"code": {late}}), 422, "older than five minutes")
		s.operate()
		s.at.Store(65*60 - 1)
		s.shows("an hour, nearly", s.get(operatorPages), 200)
		s.at.Store(65 * 60)
		s.shows("an hour", s.get(operatorPages), 401, "Your session has ended")

		for _, wrong := range []string{"", "AAAA", strings.Repeat("A", 12), strings.Repeat("A", 200), "ÄÄÄÄ-ÄÄÄÄ-ÄÄÄÄ"} {
			s.shows("a wrong code", s.post(operatorPages, url.Values{"code": {wrong}}), 422, "wrong")
		}
		for range 6 {
			s.post(operatorPages, url.Values{"code": {"BBBB-BBBB-BBBB"}})
		}
		s.shows("one too many", s.post(operatorPages, url.Values{"code": {"BBBB-BBBB-BBBB"}}), 429, "Wait five minutes")
		s.operate() // whom nobody keeps out
		operator := credential.Operator()
		told, err := s.authority.FindEvents(context.Background(), &operator, uuid.Nil, store.EventFilter{Action: "console.sign_in_fail", Limit: 50})
		if err != nil || len(told) != 2+10 { // two of before, and what an address may try
			t.Errorf("the audit has %d wrong codes: %v", len(told), err)
		}
	})
	s := run(t, storetest.SQLite(t), "http://keys.example.com")
	s.shows("without TLS", s.get(operatorPages), 401, "public-url")
	s.shows("a code without TLS", s.post(operatorPages, url.Values{"code": {s.consoleCode()}}), 403, "public-url")
	s = run(t, storetest.SQLite(t), "https://keys.example.com")
	if cookie := s.operate().header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Secure-gatehouse-operator=gso_") || !strings.Contains(cookie, "; Secure") {
		t.Errorf("behind TLS the cookie is %q", cookie)
	}
}

// The operator, who is the account manager, gives a client an end, another one,
// and none; the form keeps what was typed. What it says holds at once.
func TestBT19_BT20_BT28_BT29_TKO8_OperatorLimitsCredentials(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		id, text := s.newKey(authority.IssueRequest{Name: "Dashboard <b>", Scheme: "betatesting_static"})
		s.operate()
		one := s.operated() + "/credentials/" + id
		list := s.shows("the list", s.get(s.operated()), 200, "Acme", "Dashboard <b>", "betatesting_static", "Anywhere", "300 a minute", "Never")
		s.hides("the list", list, text)
		form := s.shows("the form", s.get(one), 200, "Dashboard <b>", "It never does now", "Empty means the usual 300", `placeholder="300"`, "The organization", "Never")
		save := func(pairs ...string) answer { return s.post(one, fill(form, pairs...)) }
		day := time.Now().UTC().AddDate(0, 0, 3).Format(time.DateOnly)
		later := time.Now().UTC().AddDate(0, 0, 30).Format(time.DateOnly)

		s.shows("an end", save("until", day), 200, one+"?done=saved")
		s.shows("a later one", save("until", later), 200)
		s.shows("its page", s.get(one+"?done=saved"), 200, "Saved.", `value="`+later+`"`, "sooner or later")
		s.shows("none any more", save("until", ""), 200)
		s.shows("its page", s.get(one), 200, "It never does now")
		s.shows("no day", save("until", "soon", "addresses", "192.0.2.0/24"), 422, "Choose the day", "192.0.2.0/24")
		s.shows("a day that is over", save("until", "2001-01-01"), 422, "future")
		s.shows("no rate", save("rate", "many"), 422, "at least 1", `value="many"`)
		s.shows("no address", save("addresses", "10.0.0.0/99"), 422, "10.0.0.0/99")

		s.shows("everything at once", save("until", day, "rate", "2", "addresses", "192.0.2.0/24"), 200)
		s.shows("the list", s.get(s.operated()), 200, "192.0.2.0/24", "2 a minute")
		if got := s.comesFrom(text, "198.51.100.1"); got != credential.CodeAddress {
			t.Errorf("from elsewhere it is %s", got)
		}
		for i, want := range []credential.Code{credential.OK, credential.OK, credential.CodeRateLimited} {
			if got := s.comesFrom(text, "192.0.2.7"); got != want {
				t.Errorf("request %d is %s, want %s", i, got, want)
			}
		}
		s.shows("others than use it", save("addresses", "203.0.113.0/24"), 422, "would be refused: 192.0.2.7", "Refuse them from now on")
		s.at.Store(3 * 24 * 3600)
		if got := s.comesFrom(text, "192.0.2.7"); got != credential.CodeExpired {
			t.Errorf("on its day it is %s", got)
		}
		s.operate()
		s.shows("expired", s.get(one), 200, "Its organization makes a new one")
		s.hides("expired", s.get(one), "<textarea")

		ask := s.shows("asking", s.get(one+"/revoke"), 200, "This can't be taken back", "shell operator")
		s.shows("revoking", s.post(one+"/revoke", fill(ask)), 200, s.operated()+"?done=revoked")
		s.shows("revoked", s.get(one), 200, "for good")
		s.shows("limiting what is revoked", s.post(one, fill(ask, "until", later)), 422, "revoked")
		s.shows("the audit log says where", s.audited(), 200, "Changed the credential", "Whoever runs the installation", "In the console")
	})
}

// audited is the audit log as its owner sees it.
func (s *site) audited() answer {
	s.enter("ada@example.test")
	return s.get(s.pages() + "/audit")
}

// A token makes 300 requests a minute, and more where the operator says so: of a
// user's, nobody else does.
func TestTKO8_OperatorRaisesAToken(t *testing.T) {
	s := run(t, storetest.SQLite(t), "http://127.0.0.1:8080")
	ada := authority.UserRef{Email: "ada@example.test"}
	id, text := s.newKey(authority.IssueRequest{Name: "CI", Scheme: "testkase_pat", User: &ada, Expiry: credential.ExpiryChoice{In: 30 * 24 * time.Hour}})
	s.operate()
	one := s.operated() + "/credentials/" + id
	form := s.shows("the form", s.get(one), 200, "A user", "stays.", "Empty means the usual 300")
	s.hides("the form", form, `name="until"`)
	s.shows("more", s.post(one, fill(form, "rate", "1000", "until", "2199-01-01")), 200, "done=saved")
	s.shows("its page", s.get(one), 200, `value="1000"`)
	d, err := s.authority.Verify(context.Background(), text, authority.Verification{})
	if err != nil || d.Limit.Limit != 1000 {
		t.Errorf("it makes %d requests a minute: %v", d.Limit.Limit, err)
	}
	s.shows("the usual again", s.post(one, fill(form, "rate", "")), 200)
	s.shows("too many", s.post(one, fill(form, "rate", "1000000001")), 422, "The limit must")
}

// Where the operator allows it, an owner or administrator sets and clears when
// an API client ends, within the policy; a member doesn't, nor does a token.
func TestBTO6_ManagersSetTheEnd(t *testing.T) {
	cfg := storetest.SQLite(t)
	for _, name := range []string{"betatesting_static", "betatesting_client"} { // as the setting does
		cfg.Schemes.ByName(name).Expiry = credential.ExpiryManager
	}
	s := run(t, cfg, "http://127.0.0.1:8080")
	id, text := s.newKey(authority.IssueRequest{Name: "Dashboard", Scheme: "betatesting_static"})
	s.enter("ada@example.test")
	one := s.pages() + "/integrations/" + id
	form := s.shows("the form", s.get(one+"/edit"), 200, `type="date"`, "It never does now")
	s.hides("the form", form, "gatehouse credential update")
	save := func(day string) answer {
		return s.post(one+"/edit", fill(form, "name", "Dashboard", "until", day))
	}
	in := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	s.shows("an end", save(in(3)), 200, "done=saved")
	s.shows("a later one", save(in(30)), 200, "done=saved")
	s.shows("none any more", save(""), 200, "done=saved")
	s.shows("no day", save("soon"), 422, "leave the field empty for never")

	operator := credential.Operator()
	rule := credential.Policy{Schemes: []credential.SchemePolicy{{Scheme: cfg.Schemes.ByName("betatesting_static"), MaxLifetime: 10 * 24 * time.Hour}}}
	if err := s.authority.SetPolicy(context.Background(), &operator, s.organization.ID, &rule); err != nil {
		t.Fatal(err)
	}
	s.shows("longer than the policy has it", save(in(30)), 422, "within 10d")
	s.shows("within it", save(in(3)), 200, "done=saved")

	_, key := s.newKey(authority.IssueRequest{Name: "Service", Scheme: "gatehouse_key", Scopes: []credential.Scope{"credentials:read", "credentials:write"}})
	d, err := s.authority.Verify(context.Background(), key, authority.Verification{})
	if err != nil || d.Code != credential.OK {
		t.Fatal(d.Code, err)
	}
	if _, err := s.authority.Update(context.Background(), &d.Principal, uuid.MustParse(id), authority.UpdateRequest{Expiry: &credential.ExpiryChoice{At: time.Now().Add(time.Hour)}}); err == nil || !strings.Contains(err.Error(), "owner or admin who has signed in") {
		t.Errorf("a key sets it: %v", err)
	}
	s.at.Store(3 * 24 * 3600)
	if got := s.comesFrom(text, "192.0.2.7"); got != credential.CodeExpired {
		t.Errorf("on its day it is %s", got)
	}
}

// The operator finds organizations and their credentials by the page, all of
// them, and nothing in the wrong one.
func TestOperatorLists(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		operator := credential.Operator()
		ctx := context.Background()
		var other *store.Organization
		for i := range 55 {
			o, err := s.authority.CreateOrganization(ctx, &operator, authority.NameRequest{Name: fmt.Sprintf("Studio %d 100%%", i)})
			if err != nil {
				t.Fatal(err)
			}
			other = o
		}
		s.operate()
		first := s.shows("the first page", s.get(operatorPages), 200, "50 shown", "Next page", `class="r num">1</td>`)
		next := s.found(first, regexp.MustCompile(`href="([^"]*after=[^"]*)"`))
		s.hides("the next", s.shows("the next", s.get(next), 200, "6 shown", "Studio 54", "First page"), "Acme")
		s.hides("a search", s.shows("a search", s.get(operatorPages+"?q=STUDIO+7+100%25"), 200, "1 shown", "Studio 7"), "Acme")
		s.shows("nothing", s.get(operatorPages+"?q=nothing_"), 200, "Nothing matches")
		s.shows("no state", s.get(operatorPages+"?state=x"), 422)
		if _, err := s.authority.SuspendOrganization(ctx, &operator, other.ID, true); err != nil {
			t.Fatal(err)
		}
		s.hides("suspended", s.shows("suspended", s.get(operatorPages+"?state=suspended"), 200, "1 shown", "Studio 54", "Since "), "Acme")
		s.shows("a suspended one", s.get(operatorPages+"/organizations/"+authority.PublicID("org", other.ID)), 200, "Suspended since", "No credential yet")

		id, text := s.newKey(authority.IssueRequest{Name: "Export", Addresses: []string{"192.0.2.0/24", "198.51.100.1", "203.0.113.5"}})
		for i := range 50 {
			s.newKey(authority.IssueRequest{Name: fmt.Sprint("Service ", i), Scheme: "gatehouse_key", Scopes: []credential.Scope{"projects:read"}})
		}
		list := s.shows("the credentials", s.get(s.operated()), 200, "50 shown", "Next page", "Service 49")
		s.hides("the credentials", list, "Export")
		s.shows("the next of them", s.get(s.found(list, regexp.MustCompile(`href="([^"]*after=[^"]*)"`))), 200, "1 shown", "Export", "192.0.2.0/24", "198.51.100.1/32", "and 1 more")
		s.shows("by the name", s.get(s.operated()+"?q=export"), 200, "1 shown")
		s.shows("by its first characters", s.get(s.operated()+"?q="+text[9:13]), 200, "Export")
		s.shows("by the scheme", s.get(s.operated()+"?scheme=bunship_live"), 200, "1 shown", "Export")
		s.shows("no scheme", s.get(s.operated()+"?scheme=x"), 422)
		s.shows("by the state", s.get(s.operated()+"?state=revoked"), 200, "Nothing matches")
		s.shows("no state", s.get(s.operated()+"?state=x"), 422, "active, suspended")
		s.shows("another's credential", s.get(operatorPages+"/organizations/"+authority.PublicID("org", other.ID)+"/credentials/"+id), 404)
		s.shows("no credential", s.get(s.operated()+"/credentials/"+uuid.NewString()), 404)
		s.shows("no organization", s.get(operatorPages+"/organizations/org_x"), 404)
		s.shows("nobody's organization", s.get(operatorPages+"/organizations/"+uuid.NewString()), 404)
	})
}

// The operator rotates the keys that sign access tokens, and is asked before one
// signs that not everybody knows.
func TestOperatorRotatesSigningKeys(t *testing.T) {
	s := run(t, storetest.SQLite(t), "http://127.0.0.1:8080")
	s.operate()
	const keys = operatorPages + "/signing-keys"
	page := s.shows("the page", s.get(keys), 200, "Signs", "Rotate", "Sign with a new key now")
	s.hides("the page", page, "Ask them", "Next</span>")
	s.shows("rotating", s.post(keys, fill(page)), 200, keys+"?done=rotated")
	s.shows("the page", s.get(keys+"?done=rotated"), 200, "The new key is published.", "Next")
	ask := s.shows("asking", s.get(keys+"/replace"), 200, "For when a key has leaked", "Cancel")
	s.shows("at once", s.post(keys, fill(ask)), 200, "done=rotated")
	s.shows("the page", s.get(keys), 200, "Verifies only")
	for range 12 {
		s.post(keys, fill(page))
	}
	s.shows("too often", s.post(keys, fill(page)), 422, "12 keys verify already")
	operator := credential.Operator()
	found, err := s.authority.Events(context.Background(), &operator, uuid.Nil, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, e := range found {
		said[e.Action] = e.Actor + " " + strings.SplitN(e.Subject, ":", 2)[0]
		if !json.Valid([]byte(e.Detail)) {
			t.Errorf("the detail %s", e.Detail)
		}
	}
	for action, want := range map[string]string{"console.code": "operator ", "console.sign_in": "operator console", "signing_key.create": "operator console"} {
		if said[action] != want {
			t.Errorf("%s is said to be by %q, want %q", action, said[action], want)
		}
	}
}
