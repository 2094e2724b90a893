package console_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// day24 is a day, in the seconds by which a site's clock is set ahead.
const day24 = 24 * 3600

var (
	tokenPage = regexp.MustCompile(`href="([^"]*/(?:tokens|personal)/[0-9a-f-]{36})"`)
	prints    = regexp.MustCompile(`fingerprint <span class="mono">([0-9a-f]{8})</span>`)
)

// ended fails the test unless a secret is refused, as a call with it would be.
func (s *site) ended(what, text string, code credential.Code) {
	s.t.Helper()
	if got := s.is(text); got != code {
		s.t.Errorf("%s is %s, want %s", what, got, code)
	}
}

// A BetaHub token is made in the page, shown there once, used, rotated and
// deleted; the page says of it what the documents want, and its advice.
func TestBH3_BH4_BH5_BH6_BH7_BH8_BH9_BH10_BH37_BH39_BH41_BH42_BH43_BH44_BH45_BH46_BH47_Tokens(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		const tokens = "/console/account/tokens"
		s.shows("where the page is", s.get("/console/"), 200, "Profile & Account", `href="`+tokens+`"`)
		list := s.shows("no token yet", s.get(tokens), 200, "Manage API Tokens", "New Token", "No token yet", "/docs/betahub", "whoever runs this server", "Webhooks tell programs",
			"Games report with a token", "Authorization: Bearer", "Accept: application/json", "whether it has expired", "its latest requests with their address and program",
			"a token of its own", "Delete what nobody uses", "people who left")
		to := s.found(list, regexp.MustCompile(`href="([^"]*/tokens/new)"`))
		form := s.shows("the form", s.get(to), 200, "Token name", "API Integration", "Expiration date", "optional", "Create Token", "Production API Integration", "Development Scripts", "Token1", "My Token",
			"The sooner it ends", "a new one is made at any time", "environment variables", "encrypted where it rests", "a screenshot", "a chat or an e-mail", `value="betahub_pat" checked`)
		post := strings.TrimSuffix(to, "/new")
		for _, c := range [][3]string{{"name", "", "The name must"}, {"date", "2001-01-01", "future"}, {"date", "soon", "Choose a day"}, {"scheme", "gatehouse_key", "whose API"}} {
			s.shows(c[0]+" "+c[1], s.post(post, fill(form, "scheme", "betahub_pat", "name", "CI", c[0], c[1])), 422, c[2])
		}
		filled := fill(form, "scheme", "betahub_pat", "name", "Production <Scripts>", "date", time.Now().UTC().AddDate(0, 0, 40).Format(time.DateOnly))
		made := s.shows("the token", s.post(post, filled), 200, "Copy your new token now", "the only time", "Copy token", "BETAHUB_TOKEN", "/projects.json", "GitHub Actions", "CircleCI")
		token := s.found(made, secret)
		if !regexp.MustCompile(`^pat-[0-9a-f]{64}$`).MatchString(token) || strings.Count(made.body, token) != 1 || made.header.Get("Cache-Control") != "no-store" {
			t.Errorf("the page shows %s, or may be kept", token)
		}
		s.hides("the form once more", s.post(post, filled), "pat-", token)
		list = s.shows("never used", s.get(tokens), 200, "Production <Scripts>", "Never", "Created", "Expires", "Last used", "Partial token", "Until "+time.Now().UTC().AddDate(0, 0, 41).Format("2 Jan 2006"))
		s.hides("the list", list, token, token[4:12])
		print := s.found(list, prints)
		s.shows("its partial value", list, 200, print+"…")
		s.ended("the token", token, credential.OK)
		s.requested(token)
		s.ended("the token", token, credential.OK)
		s.shows("the list once it was used", s.get(tokens), 200, "Just now", "192.0.2.7")
		one := s.found(list, tokenPage)
		s.hides("its page", s.shows("its page", s.get(one), 200, "GET /api/v1/<i>", "192.0.2.8", "curl/8", "fingerprint "+print, "Belongs to", "You"), token)

		ask := s.get(one + "/rotate")
		next := s.found(s.post(one+"/rotate", fill(ask, "grace", "1h")), secret)
		s.ended("the value before, in its grace,", token, credential.OK)
		s.ended("the new value", next, credential.OK)
		s.at.Store(2 * 3600)
		if s.is(token) == credential.OK {
			t.Error("the value before works after its grace")
		}
		ask = s.shows("asking", s.get(one+"/delete"), 200, "401 right away", "can't be taken back", "Keep token", "make its replacement first")
		if leads := s.found(s.post(one+"/delete", fill(ask)), leads); leads != tokens+"?done=deleted" {
			t.Errorf("deleting leads to %s", leads)
		}
		s.ended("a deleted token", next, credential.CodeRevoked)
		s.enter("ada@example.test")
		s.hides("the list without it", s.shows("deleted", s.get(tokens+"?done=deleted"), 200, "401 from now on"), "Production <Scripts>")
		again := fill(s.get(to), "scheme", "betahub_pat", "name", "Production <Scripts>")
		s.shows("the same name again", s.post(post, again), 200, "Copy your new token now", "Never")
	})
}

// A TestKase token is made in the organization's page of API keys, by one of six
// periods; it is shown once with what five CI systems need, rotated and deleted.
func TestTK4_TK6_TK7_TK18_TK21_TK22_TK24_TK44_TK45_TK46_TK47_TK48_TK49_TK53_TK56_TK57_Tokens(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		game, _ := s.product("Space Game")
		s.join("vic@example.test", game, credential.ProjectGuest)
		s.enter("vic@example.test")
		page := s.pages() + "/keys/personal"
		s.shows("the menu of a member", s.get("/console/account/tokens"), 200, "Manage API Tokens")
		list := s.shows("the page", s.get(page), 200, "API keys", "Generate New Token", `href="`+page+`" aria-current="page"`, "Jira, GitHub and GitLab want tokens of their own",
			"isn’t brought back, shown again or made to last longer", "one or two weeks before the end", "prove that it works", "does less harm", "deleting one breaks no other", "Last used")
		form := s.shows("the form", s.get(s.pages()+"/personal/new"), 200, "Expiration period", "GitHub Actions — Production Pipeline", "Local Dev — John", "Generate</button>", "90 days for a production pipeline",
			"7 days for a script or a demo", "reminder in your calendar", "HashiCorp Vault", "AWS Secrets Manager", "Never in source code", `value="testkase_pat" checked`, "ci-bot")
		s.hides("the list", list, `href="`+s.pages()+`/keys"`)
		for _, days := range []int{7, 30, 60, 90, 180, 365} {
			s.shows(fmt.Sprint(days), form, 200, fmt.Sprintf(`name="expires" value="%d"`, days), "Ends "+time.Now().UTC().Add(time.Duration(days)*day24*time.Second).Format("Mon 2 Jan 2006"))
		}
		if n := strings.Count(form.body, `name="expires"`); n != 6 {
			t.Errorf("there are %d periods", n)
		}
		post := s.pages() + "/personal"
		for _, days := range []string{"", "8", "0", "-7", "07", "366", "x"} {
			s.shows("a period of "+days, s.post(post, fill(form, "scheme", "testkase_pat", "name", "CI", "expires", days)), 422, "one of the six periods", `value="CI"`)
		}
		made := s.shows("the token", s.post(post, fill(form, "scheme", "testkase_pat", "name", "GitHub Actions", "expires", "90")), 200, "copy it now", "Copy token", "TESTKASE_PAT",
			"--token ${{ secrets.TESTKASE_PAT }}", "--token $TESTKASE_PAT", "credentials('testkase-pat')", "--token $(TESTKASE_PAT)", "Mask variable", "Keep this value secret", "Secret text",
			fmt.Sprintf("--org-id %d", s.organization.Number))
		token := s.found(made, secret)
		if !regexp.MustCompile(`^tk_pat_[0-9A-Za-z]{40}$`).MatchString(token) {
			t.Errorf("the page shows %s", token)
		}
		list = s.shows("the list", s.get(page), 200, "GitHub Actions", token[:15]+"…"+token[41:], "Active", "Successor due "+time.Now().UTC().AddDate(0, 0, 80).Format("2 Jan 2006"))
		s.hides("the list", list, token, token[15:41], "GitHub Actions ends")
		s.ended("the token", token, credential.OK)
		one := s.found(list, tokenPage)
		next := s.found(s.post(one+"/rotate", fill(s.shows("rotating", s.get(one+"/rotate"), 200, "it can't be changed"), "grace", "0s")), secret)
		if s.is(token) == credential.OK {
			t.Error("the value before works, which was to stop at once")
		}
		s.ended("the new value", next, credential.OK)
		s.shows("deleting", s.post(one+"/delete", fill(s.shows("asking", s.get(one+"/delete"), 200, "make its replacement first", "so that no pipeline fails"))), 200, page+"?done=deleted")
		s.ended("a deleted token", next, credential.CodeRevoked)
		s.shows("the list afterwards", s.get(page), 200, "No token yet")
	})
}

// From the day on that its period asks for, a token says that its successor is
// due; once it has ended it stays, and is made anew.
func TestTK43_Reminders(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		page, post := s.pages()+"/keys/personal", s.pages()+"/personal"
		for _, c := range []struct{ days, lead int }{{7, 2}, {30, 5}, {60, 7}, {90, 10}, {180, 15}, {365, 15}} {
			name := fmt.Sprintf("Days %d", c.days)
			s.shows(name, s.post(post, fill(s.get(post+"/new"), "scheme", "testkase_pat", "name", name, "expires", fmt.Sprint(c.days))), 200)
			one := s.found(s.get(page+"?q=Days+"+fmt.Sprint(c.days)), tokenPage)
			due := time.Now().UTC().AddDate(0, 0, c.days-c.lead).Format("2 Jan 2006")
			s.shows(name, s.get(one), 200, "A successor is due from "+due)
		}
		s.at.Store((90-10)*day24 - 60)
		s.enter("ada@example.test")
		s.hides("before the day", s.get(page+"?q=Days+90"), "Rotate by", "Make its successor")
		s.at.Store((90-10)*day24 + 60)
		ends := time.Now().UTC().AddDate(0, 0, 90).Format("2 Jan 2006")
		due := s.shows("from the day on", s.get(page+"?q=Days+90"), 200, "Days 90 ends in 10 days.", "Rotate by "+ends, "Make its successor", "Replace")
		next := s.found(due, regexp.MustCompile(`href="([^"]*/personal/new\?from=[^"]*next=1)"`))
		s.shows("its successor", s.get(next), 200, `value="Days 90 v2"`, "It takes the place of Days 90", `name="expires" value="90" checked`)
		s.at.Store(91 * day24)
		s.enter("ada@example.test")
		gone := s.shows("once it has ended", s.get(page+"?state=expired&q=Days+90"), 200, "Expired", "Recreate")
		s.shows("anew", s.get(s.found(gone, regexp.MustCompile(`href="([^"]*/personal/new\?from=[^"&]*)"`))), 200, `value="Days 90"`)
		s.shows("no state", s.get(page+"?state=x"), 422, "active, ending or expired")
		s.shows("no scheme", s.get(page+"?scheme=bunship_live"), 422, "personal token")
		s.shows("what isn't there", s.get(page+"?q=nothing"), 200, "Nothing matches")
	})
}

// Nobody sees another's tokens as their own, a guest makes none, and of several
// organizations one is chosen.
func TestTokensOfOthers(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		game, _ := s.product("Space Game")
		s.join("vic@example.test", game, credential.ProjectUser)
		ctx, operator := context.Background(), credential.Operator()
		issue := func(organization *authority.IssueRequest) (string, string) {
			t.Helper()
			made, err := s.authority.Issue(ctx, &operator, *organization)
			if err != nil {
				t.Fatal(err)
			}
			return made.Credential.ID.String(), made.Secret.Reveal()
		}
		hers, _ := issue(&authority.IssueRequest{Scheme: "betahub_pat", Name: "Ada's", Organization: s.organization.ID, User: &authority.UserRef{Email: "ada@example.test"}})
		his, text := issue(&authority.IssueRequest{Scheme: "betahub_pat", Name: "Vic's", Organization: s.organization.ID, User: &authority.UserRef{Email: "vic@example.test"}})
		s.enter("vic@example.test")
		for _, page := range []string{"/console/account/tokens", s.pages() + "/keys/personal"} {
			s.hides(page, s.shows(page, s.get(page), 200, "Vic's"), "Ada's")
		}
		for _, act := range []string{"", "/rotate", "/delete", "/edit"} {
			s.shows("another's"+act, s.get(s.pages()+"/tokens/"+hers+act), 404)
		}
		s.shows("another's as a model", s.get(s.pages()+"/tokens/new?from="+hers), 404)
		s.shows("a key among tokens", s.get(s.pages()+"/keys/"+his), 403)

		s.enter("ada@example.test")
		s.hides("an owner's own", s.get(s.pages()+"/keys/personal"), "Vic's")
		seen := s.shows("an owner looks after it", s.get(s.pages()+"/tokens/"+his), 200, "vic@example.test", "Delete", "Suspend")
		s.hides("an owner looks after it", seen, "/rotate", "/edit")
		s.shows("an owner's form", s.post(s.pages()+"/tokens/"+his+"/rotate", fill(s.get(s.pages()+"/tokens/"+his+"/delete"), "grace", "0s", "once", "x")), 422, "Only the user")
		s.shows("an owner deletes it", s.post(s.pages()+"/tokens/"+his+"/delete", fill(s.get(s.pages()+"/tokens/"+his+"/delete"))), 200)
		s.ended("what an owner deleted", text, credential.CodeRevoked)

		other, err := s.authority.CreateOrganization(ctx, &operator, authority.NameRequest{Name: "Beta"})
		if err == nil {
			_, err = s.authority.CreateUser(ctx, &operator, other.ID, authority.UserRequest{Email: "own@example.test", Name: "Own", Role: credential.Owner})
		}
		if err == nil {
			_, err = s.authority.CreateUser(ctx, &operator, other.ID, authority.UserRequest{Email: "ada@example.test", Name: "Ada", Role: credential.Guest})
		}
		if err != nil {
			t.Fatal(err)
		}
		s.shows("as a guest", s.get("/console/organizations/"+authority.PublicID("org", other.ID)+"/keys/personal"), 200, "You make no tokens yet")
		s.shows("as a guest", s.get("/console/organizations/"+authority.PublicID("org", other.ID)+"/tokens/new"), 403)
		if err := s.authority.SetRole(ctx, &operator, other.ID, authority.UserRef{Email: "ada@example.test"}, credential.Member); err != nil {
			t.Fatal(err)
		}
		choice := s.shows("where to make one", s.get("/console/account/tokens/new"), 200, "Acme", "Beta")
		s.shows("the list", s.get("/console/account/tokens"), 200, `href="/console/account/tokens/new"`, "BetaHub, Acme")
		in := s.found(choice, regexp.MustCompile(`href="([^"]*/tokens/new)">New token<span class="sr"> in Beta`))
		s.shows("in Beta", s.get(in), 200, "It can do in Beta")
		policy := credential.Policy{Schemes: []credential.SchemePolicy{{Scheme: s.authority.Schemes().ByName("testkase_pat"), MaxLifetime: 31 * day24 * time.Second}},
			Withheld: []*credential.Scheme{s.authority.Schemes().ByName("betahub_pat")}}
		if err := s.authority.SetPolicy(ctx, &operator, other.ID, &policy); err != nil {
			t.Fatal(err)
		}
		s.shows("by its policy", s.get(in), 200, "31d at most", `value="60" disabled`, `value="betahub_pat" checked disabled`)
	})
}
