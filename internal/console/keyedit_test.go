package console_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// newKey makes a key as the operator, and returns its id and text.
func (s *site) newKey(r authority.IssueRequest) (id, text string) {
	s.t.Helper()
	operator := credential.Operator()
	r.Organization = s.organization.ID
	if r.Scheme == "" {
		r.Scheme, r.Scopes = "bunship_live", []credential.Scope{"read:members"}
	}
	made, err := s.authority.Issue(context.Background(), &operator, r)
	if err != nil {
		s.t.Fatal(err)
	}
	return made.Credential.ID.String(), made.Secret.Reveal()
}

// A key is renamed, bounded, and its end moved closer; its owner doesn't shut
// out by mistake what uses it.
func TestKeyIsEdited(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		id, text := s.newKey(authority.IssueRequest{Name: "Nightly"})
		s.is(text) // from 192.0.2.7
		one := s.pages() + "/keys/" + id
		form := s.shows("the form", s.get(one+"/edit"), 200, `value="Nightly"`)
		edit := func(pairs ...string) answer {
			return s.post(one+"/edit", fill(form, append([]string{"name", "Weekly"}, pairs...)...))
		}
		s.shows("no name", s.post(one+"/edit", fill(form, "name", "")), 422, "The name must")
		s.shows("no rate", edit("rate", "none"), 422, "at least 1", `value="Weekly"`)
		s.shows("an address that is none", edit("addresses", "10.0.0.0/99"), 422, "10.0.0.0/99")
		shut := s.shows("others than use it", edit("addresses", "198.51.100.0/24"), 422, "would be refused: 192.0.2.7", "Refuse them from now on", "198.51.100.0/24")
		s.shows("nevertheless", s.post(one+"/edit", fill(shut, "name", "Weekly", "addresses", "198.51.100.0/24", "anyway", "on", "rate", "60")), 200, one+"?done=saved")
		s.shows("its page", s.get(one+"?done=saved"), 200, "Saved.", "Weekly", "60 a minute", "198.51.100.0/24")
		if got := s.is(text); got != credential.CodeAddress {
			t.Errorf("from elsewhere it is %s", got)
		}
		s.shows("an end", edit("until", "2199-01-01", "addresses", ""), 200, "done=saved")
		s.shows("a later end", edit("until", "2199-06-01", "addresses", ""), 422, "can only be moved closer")
		s.shows("no end any more", edit("until", "", "addresses", ""), 422, "keeps one")

		s.shows("suspending it", s.post(one+"/suspend", fill(form)), 200, "done=suspended")
		if got := s.is(text); got != credential.CodeSuspended {
			t.Errorf("a suspended key is %s", got)
		}
		page := s.shows("suspended", s.get(one), 200, "Requests with it are refused until", "Resume")
		s.shows("resuming it", s.post(one+"/resume", fill(page)), 200, "done=resumed")
		if got := s.is(text); got != credential.OK {
			t.Errorf("a resumed key is %s", got)
		}
		s.post(one+"/revoke", fill(page))
		s.shows("revoked", s.get(one), 200, "for good")
		s.shows("editing what is revoked", edit("addresses", "", "until", "2199-01-01"), 422, "revoked")
	})
}

// An API client takes an allowlist; its end is the operator's, who is named the
// command.
func TestBT19_BT20_ClientIsEdited(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		id, text := s.newKey(authority.IssueRequest{Name: "Dashboard", Scheme: "betatesting_static"})
		one := s.pages() + "/integrations/" + id
		form := s.shows("the form", s.get(one+"/edit"), 200, "Edit client", "gatehouse credential update "+id)
		s.shows("an allowlist", s.post(one+"/edit", fill(form, "name", "Dashboard", "addresses", "198.51.100.0/24")), 200, s.pages()+"/integrations?done=saved")
		s.shows("the list", s.get(s.pages()+"/integrations?done=saved"), 200, "Saved.", "1 address range")
		if got := s.is(text); got != credential.CodeAddress {
			t.Errorf("from elsewhere it is %s", got)
		}
	})
}

// Several keys are rotated, their values shown once, and revoked, at once; the
// list is searched, filtered and paged by its address.
func TestSeveralKeys(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		keys := s.pages() + "/keys"
		var ids, texts []string
		for i := range 3 {
			id, text := s.newKey(authority.IssueRequest{Name: fmt.Sprintf("Pipeline <%d>", i)})
			ids, texts = append(ids, id), append(texts, text)
		}
		s.newKey(authority.IssueRequest{Name: "Elsewhere", Scheme: "bunship_test", Scopes: []credential.Scope{"read:members"}})
		list := s.shows("the list", s.get(keys), 200, "4 of 4 shown", "Elsewhere")
		s.hides("a search", s.shows("a search", s.get(keys+"?q=PIPE"), 200, "3 of 3 shown", `value="PIPE"`), "Elsewhere")
		s.hides("a mode", s.shows("a mode", s.get(keys+"?mode=test"), 200, "1 of 1 shown"), "Pipeline")
		s.shows("its first characters", s.get(keys+"?q="+texts[1][9:13]), 200, "Pipeline <1>")
		s.shows("all of it", s.get(keys+"?q="+texts[1]), 400, "must not stand in a URL")
		s.shows("nothing", s.get(keys+"?q=nothing&state=active"), 200, "Nothing matches", "Clear")
		s.shows("no state", s.get(keys+"?state=x"), 422, "active, attention or inactive")

		pick := []string{"act", "rotate", "pick:" + ids[0], "on", "pick:" + ids[1], "on"}
		asked := s.shows("asking to rotate two", s.post(keys+"/several", fill(list, pick...)), 200, "Rotate 2 keys", "Pipeline <0>", "Pipeline <1>")
		form := url.Values{}
		for _, m := range regexp.MustCompile(`<input type="hidden" name="([a-z:0-9-]+)" value="([^"]*)">`).FindAllStringSubmatch(asked.body, -1) {
			form.Set(m[1], m[2])
		}
		s.shows("without a grace", s.post(keys+"/several/rotate", form), 422, "Choose how long")
		form.Set("grace", "1h")
		made := s.shows("both values", s.post(keys+"/several/rotate", form), 200, "Copy the new values now", "Pipeline <0>", "Pipeline <1>")
		fresh := regexp.MustCompile(`value="(bsk_live_[0-9A-Za-z]{43})"`).FindAllStringSubmatch(made.body, -1)
		if len(fresh) != 2 || made.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("the page shows %d keys, and may be kept: %q", len(fresh), made.header.Get("Cache-Control"))
		}
		for _, text := range append(texts, fresh[0][1], fresh[1][1]) {
			if got := s.is(text); got != credential.OK {
				t.Errorf("in the grace a value is %s", got)
			}
		}
		s.hides("the form once more", s.post(keys+"/several/rotate", form), "bsk_live_")
		s.shows("nothing picked", s.post(keys+"/several", fill(list, "act", "revoke")), 400, "None of the keys")
		s.shows("nothing to do", s.post(keys+"/several", fill(list, "act", "x", "pick:"+ids[0], "on")), 422, "Must be revoke or rotate")
		s.shows("no form of ours", s.post(keys+"/several/revoke", url.Values{"pick:" + ids[0]: {"on"}}), 403)
		pick[1] = "revoke"
		s.shows("asking to revoke two", s.post(keys+"/several", fill(list, pick...)), 200, "Revoke 2 keys", "can't be taken back")
		s.shows("revoking two", s.post(keys+"/several/revoke", fill(list, pick...)), 200, "done=keys-revoked")
		s.shows("and again", s.post(keys+"/several/revoke", fill(list, pick...)), 200, "done=keys-revoked")
		if a, b := s.is(fresh[0][1]), s.is(texts[2]); a != credential.CodeRevoked || b != credential.OK {
			t.Errorf("one that was picked is %s, one that wasn't is %s", a, b)
		}
		s.shows("the inactive ones", s.get(keys+"?state=inactive"), 200, "2 of 2 shown")
	})
}

// A link fills in the form of a new key, and can ask for nothing that the form
// doesn't offer.
func TestKeyFormByLink(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		form := s.get(s.pages() + "/keys/new?name=" + url.QueryEscape(`Docs "> robot`) + "&mode=live&expires=30&scopes=" + url.QueryEscape("read:members webhooks:write admin:all write:billing"))
		s.shows("the form", form, 200, `value="Docs "> robot"`, `name="mode" value="live" checked`, `name="expires" value="30" checked`, `name="read:members" value="on" checked`,
			`name="write:webhooks" value="on" checked`, `name="access" value="custom" checked`)
		s.hides("the form", form, "admin:all", "write:billing", `name="write:members" value="on" checked`)
		s.shows("what it doesn't offer", s.get(s.pages()+"/keys/new?mode=admin&expires=9999"), 200, `name="mode" value="test" checked`, `name="expires" value="90" checked`)
	})
}

// Whoever found a token learns whose it is by its fingerprint, if it is theirs
// to look after: from nothing that tells the token.
func TestWhichTokenIsThis(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		find := s.pages() + "/find?fingerprint="
		_, text := s.newKey(authority.IssueRequest{Name: "Found"})
		sum := sha256.Sum256([]byte(text))
		print := hex.EncodeToString(sum[:4])
		s.enter("ada@example.test")
		s.shows("the page", s.get(s.pages()+"/find"), 200, "It stays in this window")
		s.shows("a key", s.get(find+strings.ToUpper(print)+"..."), 200, "Found", "The organization's", "Never used", "Look after it")
		s.shows("none", s.get(find+"00000000"), 200, "None that you see")
		for _, wrong := range []string{"a1b2", "a1b2c3d4e5", "%27or%201=1"} {
			s.shows("no fingerprint", s.get(find+wrong), 422, "8 digits or letters")
		}
		s.hides("the token itself", s.shows("the token itself", s.get(find+text), 400), text[9:])
		game, _ := s.product("Space Game")
		s.join("vic@example.test", game, credential.ProjectGuest)
		s.enter("vic@example.test")
		s.shows("somebody else's", s.get(find+print), 200, "None that you see")
	})
}
