package console_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// A project's keys and tokens are made, shown once, used, regenerated and
// deleted by who administers it, and the organization's page leads there.
func TestOT6_OT20_OTD1_ProjectCredentials(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		game, _ := s.product("Space Game")
		s.join("vic@example.test", game, credential.ProjectUser)
		s.join("lee@example.test", game, credential.ProjectAdmin)
		s.enter("lee@example.test")
		page := s.pages() + "/projects/" + game.ID.String() + "/credentials"
		s.shows("the way there", s.get(s.pages()+"/keys/projects"), 200, "API keys", "Space Game", `href="`+page+`"`)
		list := s.shows("the list", s.get(page), 200, "Create API Key", "New project token", game.ID.String(), "Copy ID", fmt.Sprintf("pr-%d", game.Number), "CI <Pipeline>", "Active", "Regenerate", "Delete", "Never in source code", "a vault")
		form := s.shows("the form", s.get(page+"/new?kind=onetest_key"), 200, "Create API Key</button>", "CI Pipeline", "Test Reporter", "Copy it at once", "Never in source code", "Expiration date", "autotests:write")
		s.shows("no name", s.post(page, fill(form, "access", "all")), 422, "The name must")
		s.shows("no scope", s.post(page, fill(form, "name", "x", "access", "custom")), 422, "at least one", `value="x"`)
		s.shows("a day that is over", s.post(page, fill(form, "name", "x", "access", "all", "date", "2001-01-01")), 422, "future")
		filled := fill(form, "name", "Overnight run", "access", "all", "date", time.Now().UTC().AddDate(0, 0, 9).Format(time.DateOnly))
		made := s.shows("the key", s.post(page, filled), 200, "the only time", "Product ID", game.ID.String(), "ONETEST_API_KEY", "/api/test-management/api/v1/products/"+game.ID.String()+"/test-cases")
		key := s.found(made, secret)
		if !regexp.MustCompile(`^ak_[0-9A-Z]{32}$`).MatchString(key) || strings.Count(made.body, key) != 1 {
			t.Errorf("the page shows %s", key)
		}
		s.hides("the form once more", s.post(page, filled), "ak_")
		if code := s.calls(key, 1, reads, authority.CalledRead); code != credential.OK {
			t.Errorf("the key is %s", code)
		}
		list = s.shows("the list", s.get(page), 200, "Overnight run", "ak_…"+key[31:], "Just now", "Expires soon")
		s.hides("the list", list, key)
		one := page + "/" + s.found(list, regexp.MustCompile(`/credentials/([0-9a-f-]{36})">Overnight run`))
		next := s.found(s.post(one+"/rotate", fill(s.get(one+"/rotate"), "grace", "0s")), secret)
		if a, b := s.is(key), s.is(next); a == credential.OK || b == credential.CodeRevoked {
			t.Errorf("the value before is %s, the new one %s", a, b)
		}
		s.shows("deleting", s.post(one+"/delete", fill(s.shows("asking", s.get(one+"/delete"), 200, "Delete Overnight run?"))), 200, page+"?done=deleted")
		s.ended("a deleted key", next, credential.CodeRevoked)
		s.hides("the list without it", s.get(page), "Overnight run")
		s.shows("expired ones", s.get(page+"?state=expired"), 200, "Nothing matches")

		form = s.shows("the form of a token", s.get(page+"/new?kind=betahub_project_token"), 200, "can_create_bug_report", "In-game reports", "It reads nothing")
		s.shows("no scope", s.post(page, fill(form, "name", "x")), 422, "at least one")
		token := s.found(s.shows("the token", s.post(page, fill(form, "name", "In-game", "scope:can_create_bug_report", "on")), 200, "FormUser $BETAHUB_PROJECT_TOKEN", fmt.Sprintf("/projects/pr-%d/issues.json", game.Number)), secret)
		d, err := s.authority.Verify(context.Background(), token, authority.Verification{Permission: credential.BugReportsCreate})
		if err != nil || d.Code != credential.OK || !strings.HasPrefix(token, "tkn-") {
			t.Errorf("the token is %s, %v", d.Code, err)
		}
		s.shows("another kind", s.post(page, fill(form, "name", "x", "kind", "bunship_live")), 422)

		s.enter("vic@example.test")
		s.hides("who doesn't administer it", s.shows("who doesn't administer it", s.get(s.pages()+"/keys/projects"), 200, "No project whose keys"), "Space Game")
		for _, path := range []string{page, page + "/new"} {
			s.shows(path, s.get(path), 403, "Administrators of the project")
		}
		s.shows("its credential", s.get(one), 404)
		s.enter("ada@example.test")
		s.shows("an owner", s.get(page), 200, "In-game")
		s.shows("the organization's keys", s.get(s.pages()+"/keys"), 200, `href="`+s.pages()+`/keys/projects"`)
		s.shows("another project's", s.get(s.pages()+"/projects/"+uuid.NewString()+"/credentials"), 404)
		s.shows("as an organization's key", s.get(s.pages()+"/keys/"+one[len(page)+1:]), 404)
	})
}

// Which token is this? By its fingerprint, its first and last characters, its id
// or the id of a client, among what somebody looks after; a secret is refused.
func TestFindToken(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		game, key := s.product("Space Game")
		s.join("vic@example.test", game, credential.ProjectUser)
		operator := credential.Operator()
		issue := func(r authority.IssueRequest) *authority.Issued {
			t.Helper()
			r.Organization = s.organization.ID
			made, err := s.authority.Issue(context.Background(), &operator, r)
			if err != nil {
				t.Fatal(err)
			}
			return made
		}
		pat := issue(authority.IssueRequest{Scheme: "testkase_pat", Name: "Vic's <CI>", User: &authority.UserRef{Email: "vic@example.test"}, Expiry: credential.ExpiryChoice{In: 90 * day24 * time.Second}})
		live := issue(authority.IssueRequest{Scheme: "bunship_live", Name: "Ledger service", Scopes: []credential.Scope{"read:members"}})
		client := issue(authority.IssueRequest{Scheme: "betatesting_client", Name: "Dashboard"})
		text := pat.Secret.Reveal()
		s.enter("ada@example.test")
		form := s.shows("the page", s.get("/console/find"), 200, "Which of my tokens is this?", "Without script don’t paste a whole secret")
		find := func(what string) answer { return s.post("/console/find", fill(form, "known", what)) }
		for what, name := range map[string]string{
			print(text): "Vic's <CI>", print(text) + "…": "Vic's <CI>", text[:15] + "…" + text[41:]: "Vic's <CI>", text[:13] + "..." + text[43:]: "Vic's <CI>",
			print(key): "CI <Pipeline>", "ak_…" + key[31:]: "CI <Pipeline>", live.Secret.Reveal()[:13]: "Ledger service", client.Credential.ClientID: "Dashboard", pat.Credential.ID.String(): "Vic's <CI>",
		} {
			s.shows(what, find(what), 200, "What was found", name, "Acme", "Active")
		}
		s.shows("whose it is", find(print(text)), 200, "vic", s.pages()+"/tokens/"+pat.Credential.ID.String(), "It is the value that works now.")
		s.shows("whose it is", find(print(key)), 200, "Space Game", s.pages()+"/projects/"+game.ID.String()+"/credentials/")
		rotated, err := s.authority.Rotate(context.Background(), &operator, pat.Credential.ID, authority.RotateRequest{Grace: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		s.shows("a value in its grace", find(print(text)), 200, "still works until")
		s.at.Store(2 * 3600)
		s.shows("a value of before", find(print(text)), 200, "which a rotation has replaced")
		s.shows("the value of now", find(print(rotated.Secret.Reveal())), 200, "that works now")
		for _, whole := range []string{text, key, "tk_pat_0123456789012345…01", strings.Repeat("x", 600)} {
			s.hides("a secret", s.shows("a secret", find(whole), 422, "a whole secret", "isn’t kept"), whole)
		}
		for _, odd := range []string{"", "a1b2", "x y…z", "…", "….…", "tk_pat_a…b…c", "pat-12…34", "%…%%%"} {
			if got := find(odd); got.status != 422 && !strings.Contains(got.body, "Nothing that you look after fits") {
				t.Errorf("%q: got %d", odd, got.status)
			}
		}
		s.shows("nobody's", find("00000000"), 200, "Nothing that you look after fits", "POST /v1/revoke")

		s.enter("vic@example.test")
		form = s.get("/console/find")
		s.shows("one's own", find(print(rotated.Secret.Reveal())), 200, "Vic's <CI>", "You")
		for _, what := range []string{print(key), print(live.Secret.Reveal()), client.Credential.ClientID, live.Credential.ID.String(), "bsk_live_…"} {
			s.hides(what, s.shows(what, find(what), 200, "Nothing that you look after fits"), "Ledger service", "Dashboard", "Pipeline")
		}
		s.shows("a form of no page", s.post("/console/find", url.Values{}), 403)
		s.shows("in the address", s.get("/console/find?known="+print(text)), 400)
	})
}

// print is the fingerprint of a secret.
func print(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// Keys are searched and filtered, several are rotated and revoked at once, one
// is changed, suspended and resumed; nobody is locked out by mistake.
func TestKeysAreLookedAfter(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		keys := s.pages() + "/keys"
		linked := s.shows("a link's form", s.get(keys+"/new?name=Docs+%3Cb%3E&mode=live&scopes=members:read,write:projects&expires=30"), 200, `value="Docs <b>"`, `value="live" checked`, `name="read:members" value="on" checked`,
			`name="write:projects" value="on" checked`, `value="custom" checked`, `name="expires" value="30" checked`)
		s.hides("a link's form", linked, `name="write:members" value="on" checked`)
		s.shows("a link that means nothing", s.get(keys+"/new?mode=odd&scopes=root&expires=tomorrow"), 200, `value="test" checked`, `name="expires" value="90" checked`)
		made := map[string]string{}
		for _, name := range []string{"One", "Two", "Three"} {
			made[name] = s.found(s.post(keys, fill(s.get(keys+"/new"), "name", name, "mode", "live", "access", "read", "expires", "never")), secret)
		}
		s.post(keys, fill(s.get(keys+"/new"), "name", "50%_off", "mode", "test", "access", "read", "expires", "7"))
		s.is(made["One"])
		s.requested(made["One"])
		list := s.shows("the list", s.get(keys), 200, "4 shown", "0 requests in the last 7 days", "4 of 10 keys in use", "50%_off expires in 7 days.")
		if !regexp.MustCompile(`[1-9]\d* requests in the last 7 days`).MatchString(list.body) {
			t.Error("no key was used in the last days")
		}
		for query, want := range map[string][]string{"?q=two": {"Two"}, "?q=%25_": {"50%_off"}, "?q=" + made["Three"][9:13]: {"Three"}, "?mode=test": {"50%_off"}, "?state=attention": {"50%_off"}, "?mode=live&state=active": {"One", "Two", "Three"}} {
			got := s.shows(query, s.get(keys+query), 200, want...)
			if n := strings.Count(got.body, `class="rowcheck"`); n != len(want) {
				t.Errorf("%s shows %d keys", query, n)
			}
		}
		s.shows("none", s.get(keys+"?q=nothing&state=inactive"), 200, "Nothing matches")
		s.shows("no mode", s.get(keys+"?mode=odd"), 422, "live or test")
		id := func(name string) string {
			return s.found(list, regexp.MustCompile(`/keys/([0-9a-f-]{36})">`+name))
		}

		pick := fill(list, "pick:"+id("One"), "on", "pick:"+id("Two"), "on", "do", "rotate")
		ask := s.shows("asking to rotate", s.post(keys+"/bulk", pick), 200, "Rotate 2 keys", "One", "Two")
		rotate := fill(ask, "grace", "0s", "pick:"+id("One"), "on", "pick:"+id("Two"), "on")
		page := s.shows("their values", s.post(keys+"/bulk-rotate", rotate), 200, "Copy the new values now", `data-variable="ONE"`, `data-variable="TWO"`, "Download as .env")
		for _, m := range regexp.MustCompile(`value="(bsk_live_[^"]*)"`).FindAllStringSubmatch(page.body, -1) {
			s.ended("a new value", m[1], credential.OK)
		}
		if s.is(made["One"]) == credential.OK || strings.Count(page.body, `value="bsk_live_`) != 2 || page.header.Get("Cache-Control") != "no-store" {
			t.Error("a value of before works, or not two are shown, or they may be kept")
		}
		s.hides("the form once more", s.post(keys+"/bulk-rotate", rotate), "bsk_")
		pick.Set("do", "revoke")
		s.shows("asking to revoke", s.post(keys+"/bulk", pick), 200, "Revoke 2 keys?", "can't be taken back")
		s.shows("revoking", s.post(keys+"/bulk-revoke", pick), 200, "done=revoked")
		s.shows("once more", s.post(keys+"/bulk-revoke", pick), 200)
		s.shows("the list", s.get(keys+"?state=inactive"), 200, "One", "Two", "Revoked")
		for name, form := range map[string][]string{"none": {"do", "revoke"}, "no id": {"do", "revoke", "pick:x", "on"}} {
			s.shows(name, s.post(keys+"/bulk", fill(list, form...)), 400)
		}
		s.shows("another's", s.post(keys+"/bulk-revoke", fill(list, "pick:"+uuid.NewString(), "on")), 404)
		s.shows("a form of no page", s.post(keys+"/bulk-revoke", url.Values{}), 403)

		one := keys + "/" + id("Three")
		s.requested(made["Three"])
		edit := s.shows("the form", s.get(one+"/edit"), 200, `value="Three"`, "It never ends.")
		s.shows("what is wrong", s.post(one+"/edit", fill(edit, "name", "", "rate", "9", "addresses", "198.51.100.0/24", "sure", "on")), 422, "The name must")
		s.shows("no rate", s.post(one+"/edit", fill(edit, "name", "Three", "rate", "x")), 422, "at least 1")
		s.shows("no address", s.post(one+"/edit", fill(edit, "name", "Three", "addresses", "10.0.0.0/99")), 422, "10.0.0.0/99")
		locked := s.shows("a lock-out", s.post(one+"/edit", fill(edit, "name", "Third", "addresses", "198.51.100.0/24")), 422, "would lock out", "192.0.2.8, 1 request", "Refuse them from now on", `value="Third"`)
		s.shows("its page, as it was", s.get(one), 200, "Three", "Any")
		end := time.Now().UTC().AddDate(0, 0, 20).Format(time.DateOnly)
		s.shows("all the same", s.post(one+"/edit", fill(locked, "name", "Third", "addresses", "198.51.100.0/24", "sure", "on", "rate", "9", "date", end)), 200, "done=saved")
		s.shows("its page", s.get(one+"?done=saved"), 200, "Saved.", "Third", "198.51.100.0/24", "9 a minute", time.Now().UTC().AddDate(0, 0, 21).Format("2 Jan 2006"))
		s.ended("it from elsewhere", made["Three"], credential.CodeAddress)
		s.shows("a later end", s.post(one+"/edit", fill(edit, "name", "Third", "date", time.Now().UTC().AddDate(0, 0, 90).Format(time.DateOnly))), 422, "closer")
		s.shows("no allowlist", s.post(one+"/edit", fill(edit, "name", "Third")), 200)
		s.shows("suspending", s.post(one+"/suspend", fill(edit)), 200, "done=suspended")
		s.ended("a suspended key", made["Three"], credential.CodeSuspended)
		s.shows("its page", s.get(one), 200, "Suspended since", "Resume")
		s.shows("resuming", s.post(one+"/resume", fill(edit)), 200, "done=resumed")
		s.ended("a resumed key", made["Three"], credential.OK)
		s.shows("revoking", s.post(one+"/revoke", fill(s.get(one+"/revoke"))), 200)
		s.shows("its page", s.get(one), 200, "Revoked ", "nothing brings it back", "Recreate")
		s.shows("changing it", s.get(one+"/edit"), 409)
		s.shows("no call", s.get(one+"?before=x"), 422)
		if sorted := slices.IsSortedFunc([]uuid.UUID{uuid.MustParse(id("One")), uuid.MustParse(id("Two"))}, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }); !sorted {
			t.Error("the ids are out of order")
		}
	})
}

// A member sees no page of what owners and admins look after.
func TestKeysOfMembers(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		game, _ := s.product("Space Game")
		s.join("vic@example.test", game, credential.ProjectAdmin)
		s.enter("vic@example.test")
		for _, path := range []string{"/keys", "/keys/new", "/integrations", "/integrations/new"} {
			s.shows(path, s.get(s.pages()+path), 403, "Owners and admins look")
		}
		menu := s.shows("the menu", s.get(s.pages()+"/keys/personal"), 200, `href="`+s.pages()+`/keys/personal"`)
		s.hides("the menu", menu, `href="`+s.pages()+`/keys"`, "Integrations")
		form := fill(menu, "form", fill(s.get("/console/find")).Get("form"), "pick:"+uuid.NewString(), "on", "do", "revoke")
		for _, path := range []string{"/keys/bulk", "/keys/bulk-revoke"} {
			s.shows(path, s.post(s.pages()+path, form), 403)
		}
	})
}
