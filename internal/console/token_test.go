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
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const own = "/console/account/tokens"

// tokenAt finds the page of the first token of a list.
func (s *site) tokenAt(list answer) string {
	s.t.Helper()
	return s.found(list, regexp.MustCompile(`<span class="rowname"><a href="([^"]*)"`))
}

// after sets the clock ahead by so many days, and signs in anew.
func (s *site) after(days int, email string) {
	s.t.Helper()
	s.at.Store(int64(days) * 24 * 3600)
	s.enter(email)
}

// forge sends the form of a page with some fields changed.
func (s *site) forge(page, to string, pairs ...string) answer {
	s.t.Helper()
	return s.post(to, formOf(s.get(page), to, pairs...))
}

// A token of BetaHub is made, shown once, listed by its fingerprint, used,
// rotated and deleted in the pages of one's own account.
func TestBH3_BH4_BH5_BH6_BH7_BH8_BH9_BH10_BH37_PersonalTokens(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.shows("nobody", s.get(own), 401, "Sign in")
		s.enter("ada@example.test")
		tokens := s.pages() + "/tokens"
		s.shows("an empty list", s.get(own), 200, "<h1>Manage API Tokens</h1>", "No token yet", `href="`+own+`/new"`, "New Token", "Profile & Account")
		form := s.shows("the form", s.get(own+"/new"), 200, "Token Name", "Expiration Date", "optional", "API Integration", "CI/CD Pipeline", "Production Scripts", "Create Token</button>", `action="`+tokens+`"`)
		s.shows("without a name", s.post(tokens, formOf(form, tokens, "expires", "2999-01-02")), 422, "The name must", `value="2999-01-02"`, `role="alert"`)
		s.shows("a day that is over", s.post(tokens, formOf(form, tokens, "name", "Old", "expires", "2001-01-01")), 422, "future", `value="Old"`)
		s.shows("no day", s.post(tokens, formOf(form, tokens, "name", "Odd", "expires", "soon")), 422, "Choose the day")
		sent := formOf(form, tokens, "name", "Nightly <export>", "expires", "2999-01-02")
		made := s.shows("the new token", s.post(tokens, sent), 200, "Copy your new token now", "the only time", "copy it now", "Copy token", "curl --fail-with-body http://127.0.0.1:8080/projects.json", "Bearer $BETAHUB_TOKEN", "Same as yours")
		token := s.found(made, secret)
		if !strings.HasPrefix(token, "pat-") || strings.Count(made.body, token) != 1 || made.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s stands there %d times, %s", token, strings.Count(made.body, token), made.header.Get("Cache-Control"))
		}
		s.hides("the form once more", s.post(tokens, sent), "pat-")
		print := credential.NewSecret(token).Fingerprint()
		unused := s.shows("the list", s.get(own), 200, "Token name", "Created", "Expires", "Partial token", "Last used", "Nightly <export>", print+"…", "2 Jan 2999", ">Never<", "Active", "Delete")
		s.hides("the list", unused, token[4:12])
		if s.is(token) != credential.OK {
			t.Error("the token doesn't work")
		}
		s.shows("its last use", s.get(own), 200, "Just now", "192.0.2.7")
		one := s.tokenAt(unused)
		s.hides("its page", s.shows("its page", s.get(one), 200, "Requests so far", "Latest requests", "None to this server", "fingerprint "+print), token[4:])
		s.requested(token)
		s.shows("what uses it", s.get(one), 200, "GET /api/v1/<i>", "418", "192.0.2.8, curl/8")

		rotated := s.shows("another value", s.forge(one+"/rotate", one+"/rotate", "grace", "24h"), 200, "Copy the new value now")
		next := s.found(rotated, secret)
		if next == token || s.is(token) != credential.OK || s.is(next) != credential.OK {
			t.Error("after a rotation with grace not both values work")
		}
		ask := s.shows("asking to delete it", s.get(one+"/delete"), 200, "401 right away", "can't be taken back", "Make its replacement", "Keep token")
		if to := s.found(s.post(one+"/delete", formOf(ask, one+"/delete")), leads); to != tokens {
			t.Errorf("deleting leads to %s", to)
		}
		if s.is(token) != credential.CodeRevoked || s.is(next) != credential.CodeRevoked {
			t.Error("a deleted token works")
		}
		s.hides("the list afterwards", s.shows("the list afterwards", s.get(tokens), 200, "No token yet"), "Nightly")
	})
}

// What the pages say to whoever makes or keeps a token of BetaHub.
func TestBH39_BH41_BH42_BH43_BH44_BH45_BH46_BH47_AdviceOnTokens(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		s.shows("the form", s.get(own+"/new"), 200, "“Production API Integration” and “Development Scripts”", "“Token1”, “Test” or “My Token”", "The shorter, the safer", "Another token is made at any time",
			"Share none between integrations or environments", "environment variable", "encrypted where it lies", "credential manager", "version control", "Delete tokens that nothing uses", "look through the list", "may have leaked")
		s.shows("the list", s.get(own), 200, "doesn't work?", "Authorization: Bearer TOKEN", "Accept: application/json", "An expired token is refused", "A token may no more than you",
			`href="/docs/betahub"`, "every call, with a line to try it", "Ask an owner or admin", "whoever runs this server", "Credentials of a project", "Security of your account", "Webhooks tell other systems", "integrations are for machines", "Delete what nothing uses", "an integration that has ended")
	})
}

// A token of TestKase is made in the settings of the organization: one of six
// periods, shown once with the steps of pipelines, listed by its preview,
// rotated and deleted.
func TestTK4_TK6_TK7_TK21_TK22_TK24_TestKaseTokens(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.join("lee@example.test", nil, "")
		s.enter("lee@example.test")
		tokens, keys := s.pages()+"/tokens", s.pages()+"/keys/personal"
		s.shows("the menu", s.get(own), 200, `href="`+keys+`"`, "API keys")
		s.shows("the settings", s.get(keys), 200, "<h1>API Keys</h1>", "Generate New Token", `href="`+tokens+`/new?scheme=testkase"`, `href="`+keys+`" aria-current="page"`)
		form := s.shows("the form", s.get(tokens+"/new?scheme=testkase"), 200, "Token Name", "Expiration period", "<select", "Generate</button>", `<option value="90" selected>90 days`)
		ends := time.Now().Add(180 * 24 * time.Hour).UTC().Format("Mon 2 Jan 2006, 15:")
		s.shows("when each ends", form, 200, "Ends "+ends, "7 days", "30 days", "60 days", "365 days", "A quick test", "A sprint", "seasonal tests", "The usual choice", "twice a year", "isn't practical")
		for _, forged := range []string{"", "45", "0", "-7", "366", "90d", "9999999999999999999"} {
			s.shows("a period of "+forged, s.post(tokens, formOf(form, tokens, "name", "Kept", "expires", forged)), 422, "hoose one of", `value="Kept"`, `role="alert"`)
		}
		made := s.shows("the new token", s.post(tokens, formOf(form, tokens, "name", "GitHub Actions — Production", "expires", "90")), 200, `class="dlg"`, "Copy token", "copy it now",
			"GitHub Actions", "GitLab CI", "Jenkins", "Azure DevOps", "CircleCI", "TESTKASE_PAT", "ID testkase-pat", "--token ${{ secrets.TESTKASE_PAT }}", "credentials('testkase-pat')", "--token $(TESTKASE_PAT)", "--token $TESTKASE_PAT", "--org-id "+fmt.Sprint(s.organization.Number)+" ")
		token := s.found(made, secret)
		if !strings.HasPrefix(token, "tk_pat_") || strings.Count(made.body, token) != 1 || s.is(token) != credential.OK {
			t.Errorf("%s is %s, and stands there %d times", token, s.is(token), strings.Count(made.body, token))
		}
		list := s.shows("the list", s.get(keys), 200, "GitHub Actions — Production", token[:15]+"…"+token[len(token)-6:], "Created", "Expires", time.Now().Add(90*24*time.Hour).UTC().Format("2 Jan 2006"), "Delete")
		s.hides("the list", list, token)
		one := s.tokenAt(list)
		next := s.found(s.shows("rotated", s.forge(one+"/rotate", one+"/rotate", "grace", "0s"), 200), secret)
		if s.is(token) == credential.OK || s.is(next) != credential.OK {
			t.Error("after a rotation without grace the wrong value works")
		}
		s.shows("asking to rotate", s.get(one+"/rotate"), 200, "Its end stays where it is", "Make its replacement")
		s.shows("asking to delete", s.get(one+"/delete"), 200, "Make its replacement first", "update all that holds it", "fails at its next run")
		s.shows("its replacement", s.get(one[:len(one)-36]+"new?scheme=testkase&from="+one[len(one)-36:]), 200, `value="GitHub Actions — Production v2"`, "takes the place of GitHub Actions — Production", `<option value="90" selected>`)
		s.shows("deleting", s.forge(one+"/delete", one+"/delete"), 200)
		if s.is(next) != credential.CodeRevoked {
			t.Error("a deleted token works")
		}
		s.hides("the list afterwards", s.get(keys), "GitHub Actions — Production")
	})
}

// What the pages say to whoever makes or keeps a token of TestKase.
func TestTK18_TK44_TK45_TK46_TK47_TK48_TK53_TK56_TK57_AdviceOnTokens(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		s.shows("the form", s.get(own+"/new?scheme=testkase"), 200, "The shortest period that does", "90 days suit pipelines, and balance safety with work", "7 days do for a script or a demo", "Never commit a token", "secrets of your CI system", "Vault or AWS Secrets Manager",
			"GitHub Actions — Production", "Local Dev — John", "deleting one then breaks no other", "Rotating means that a new token takes the place of the old one", "bounds the harm", "ci-bot@yourcompany.com", "least role", "Jira, GitHub and GitLab take tokens of their own", "no page ever does again", "can't be changed later")
		s.shows("the list", s.get(own), 200, "Look through it every few months", "somebody who has left", "no end can be moved", "reaches the projects of its organization that you see", "Jira, GitHub and GitLab take tokens of their own", "There is no limit on their number")
	})
}

// The pages remind of a token in time for its period, and keep it once it has
// expired, with the way to another of the same kind.
func TestTK43_TK49_RotationReminders(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		tokens := s.pages() + "/tokens"
		start := time.Now()
		for _, days := range []string{"7", "30", "60", "90", "180", "365"} {
			s.shows("a token", s.forge(tokens+"/new?scheme=testkase", tokens, "name", "for "+days, "expires", days), 200)
		}
		s.shows("the advice", s.get(tokens+"/new?scheme=testkase"), 200, "a week or two before the end", "10 days for 90, 15 for 180 and 365")
		s.hides("at first", s.shows("at first", s.get(tokens), 200, "note that day in your calendar"), "Rotate by")
		due := func(day int, want ...string) answer {
			t.Helper()
			s.after(day, "ada@example.test")
			list := s.shows(fmt.Sprint("day ", day), s.get(own), 200)
			s.shows(fmt.Sprint("to be rotated on day ", day), s.get(own+"?state=due"), 200, want...)
			if n := strings.Count(s.get(own+"?state=due").body, `class="rowname"`); n != len(want) {
				t.Errorf("on day %d %d are to be rotated, want %d", day, n, len(want))
			}
			return list
		}
		list := due(5, ">for 7<")
		s.shows("the banner", list, 200, "Rotate for 7 by "+start.AddDate(0, 0, 7).UTC().Format("2 Jan 2006"), "Rotate by ", "Make its replacement")
		due(25, ">for 30<")
		due(53, ">for 60<")
		due(79)
		due(80, ">for 90<")
		due(165, ">for 180<")
		due(350, ">for 365<")
		over := s.shows("what is over", s.get(own+"?state=expired&q=for+7"), 200, ">for 7<", "Expired", "Recreate")
		s.shows("another like it", s.get(s.found(over, regexp.MustCompile(`href="([^"]*from=[^"]*)"[^>]*>Recreate`))), 200, `value="for 7"`, `<option value="7" selected>`)
		one := s.tokenAt(over)
		s.shows("its page", s.get(one), 200, "Expired", "Requests with it get 401", "Recreate")
		s.shows("nothing of that", s.get(own+"?q=zzz"), 200, "Nothing matches", "zzz")
		s.shows("one kind", s.get(own+"?scheme=betahub"), 200, "No token yet")
		for _, query := range []string{"scheme=x", "state=x", "after=x"} {
			s.shows(query, s.get(own+"?"+query), 422)
		}
	})
}

// Nobody reaches the token of somebody else, not even who manages the
// organization; a guest looks at their own and changes nothing.
func TestS4_TokensOfOthers(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		ctx, operator := context.Background(), credential.Operator()
		issue := func(organization *store.Organization, email string) string {
			made, err := s.authority.Issue(ctx, &operator, authority.IssueRequest{Scheme: "betahub_pat", Name: "of " + email, Organization: organization.ID, User: &authority.UserRef{Email: email}})
			if err != nil {
				t.Fatal(err)
			}
			return made.Credential.ID.String()
		}
		s.join("lee@example.test", nil, "")
		lees := issue(s.organization, "lee@example.test")
		_, err := s.authority.CreateUser(ctx, &operator, s.organization.ID, authority.UserRequest{Email: "vic@example.test", Name: "Vic", Role: credential.Guest, Password: "correct horse battery"})
		other, err2 := s.authority.CreateOrganization(ctx, &operator, authority.NameRequest{Name: "Other <b>"})
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		vics := issue(s.organization, "vic@example.test")
		tokens := s.pages() + "/tokens"
		for _, who := range []string{"ada@example.test", "vic@example.test"} {
			s.enter(who)
			s.hides(who, s.get(own), "of lee")
			s.hides(who, s.get(tokens), "of lee")
			s.shows(who, s.get(tokens+"/"+lees), 404)
			if who != "vic@example.test" {
				form := fill(s.get(own), "grace", "0s", "once", "x")
				for _, path := range []string{"/rotate", "/delete"} {
					s.shows(who+path, s.get(tokens+"/"+lees+path), 404)
					s.shows(who+path, s.post(tokens+"/"+lees+path, form), 404)
				}
				s.shows("its copy", s.get(tokens+"/new?scheme=betahub&from="+lees), 404)
				s.shows("the wrong page", s.get(s.pages()+"/keys/"+lees), 404)
				s.shows("no organization of hers", s.get("/console/organizations/"+authority.PublicID("org", other.ID)+"/tokens"), 404)
			}
		}
		for _, page := range []string{own, tokens, s.pages() + "/keys/personal"} {
			s.hides("a guest", s.shows("a guest", s.get(page), 200, "of vic@example.test", "You can look at these"), "/rotate", "/delete", "/tokens/new")
		}
		form := fill(s.get(own), "name", "x", "once", "x", "scheme", "betahub", "grace", "0s")
		s.shows("a guest's page", s.get(tokens+"/"+vics), 200, "Latest requests")
		s.shows("a guest's form", s.get(tokens+"/new"), 403)
		for _, path := range []string{"", "/" + vics + "/rotate", "/" + vics + "/delete"} {
			s.shows("a guest's "+path, s.post(tokens+path, form), 403)
		}
		s.shows("a guest's organization", s.get(own+"/new"), 200, "You are a guest there")

		if _, err := s.authority.CreateUser(ctx, &operator, other.ID, authority.UserRequest{Email: "lee@example.test", Name: "Lee", Role: credential.Member}); err != nil {
			t.Fatal(err)
		}
		issue(other, "lee@example.test")
		s.enter("lee@example.test")
		both := s.shows("of both organizations", s.get(own), 200, "BetaHub, Acme", "BetaHub, Other <b>")
		if strings.Count(both.body, `class="rowname"`) != 2 {
			t.Error("not both tokens are listed")
		}
		s.shows("for which one", s.get(own+"/new?scheme=testkase"), 200, "Which one is it for?", tokens+"/new?scheme=testkase")
		if n := strings.Count(s.get(tokens).body, `class="rowname"`); n != 1 {
			t.Errorf("%d tokens are in one organization", n)
		}
		s.shows("the other's token", s.get("/console/organizations/"+authority.PublicID("org", other.ID)+"/tokens/"+lees), 404)
	})
}
