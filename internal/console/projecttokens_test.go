package console_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// may returns what a secret of a project is decided to be, where it asks
// for a permission.
func (s *site) may(text string, p credential.Permission) credential.Code {
	s.t.Helper()
	d, err := s.authority.Verify(context.Background(), text, authority.Verification{Permission: p})
	if err != nil {
		s.t.Fatal(err)
	}
	return d.Code
}

// A key of OneTest is made in the pages of its product, shown once, listed with
// its state beside the product's UUID, regenerated and deleted.
func TestOT6_OT20_OTD1_KeysOfAProject(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		p, _ := s.product("Space <Game>")
		s.join("lee@example.test", p, credential.ProjectAdmin)
		s.enter("lee@example.test")
		page := s.pages() + "/projects/" + p.ID.String() + "/credentials"
		s.shows("the page", s.get(page), 200, "Create API Key", "New Token", `value="`+p.ID.String()+`" readonly`, "Copy UUID", `aria-current="page">Credentials`, "CI <Pipeline>", "Active", "Regenerate", "Delete", "Never")
		form := s.shows("the form", s.get(page+"/new?scheme=onetest"), 200, "CI Pipeline", "Test Reporter", "Expiration Date", "optional", "Never write a key into source", "secrets of your CI system", "environment variable or a vault", "All scopes")
		s.shows("no scope", s.post(page, formOf(form, page, "name", "Kept", "access", "custom")), 422, "at least one", `value="Kept"`)
		made := s.shows("the new key", s.post(page, formOf(form, page, "name", "Test Reporter", "access", "custom", "read:testcases", "on", "write:autotests", "on", "expires", "2999-01-02")), 200,
			"Copy your new key now", "copy it now", "2 scopes", "Bearer $ONETEST_API_KEY", "/products/"+p.ID.String()+"/test-cases")
		key := s.found(made, secret)
		if !strings.HasPrefix(key, "ak_") || strings.Count(made.body, key) != 1 || s.may(key, credential.TestsRead) != credential.OK || s.may(key, credential.TestsWrite) != credential.CodeScope {
			t.Errorf("%s is %s", key, s.may(key, credential.TestsRead))
		}
		list := s.shows("the list", s.get(page+"?scheme=onetest&q=test"), 200, "Test Reporter", key[len(key)-4:], "2 Jan 2999")
		s.hides("the list", list, key[3:20], "CI <Pipeline>")
		one := s.tokenAt(list)
		s.shows("its page", s.get(one), 200, "testcases:read", "autotests:write", "Regenerate", "Latest requests")
		next := s.found(s.shows("regenerated", s.forge(one+"/rotate", one+"/rotate", "grace", "0s"), 200), secret)
		if s.may(key, credential.TestsRead) == credential.OK || s.may(next, credential.TestsRead) != credential.OK {
			t.Error("after regenerating the wrong key works")
		}
		s.shows("another like it", s.get(page+"/new?scheme=onetest&from="+one[len(one)-36:]), 200, `value="Test Reporter v2"`, `name="read:testcases" value="on" checked`, `value="custom" checked`)
		s.shows("deleting", s.forge(one+"/delete", one+"/delete"), 200)
		if s.may(next, credential.TestsRead) != credential.CodeRevoked {
			t.Error("a deleted key works")
		}
		s.hides("the list afterwards", s.get(page), "Test Reporter")

		form = s.shows("the form of BetaHub's", s.get(page+"/new?scheme=betahub"), 200, "can_create_bug_report", "Create Token")
		made = s.shows("its token", s.post(page, formOf(form, page, "name", "In the game", "can_create_bug_report", "on")), 200, "Copy your new token now", "FormUser $BETAHUB_PROJECT_TOKEN", "/projects/pr-")
		token := s.found(made, secret)
		if !strings.HasPrefix(token, "tkn-") || s.may(token, credential.BugReportsCreate) != credential.OK || s.may(token, credential.FeatureRequestsCreate) != credential.CodeScope {
			t.Errorf("%s is %s", token, s.may(token, credential.BugReportsCreate))
		}
		one = s.tokenAt(s.shows("the list", s.get(page+"?scheme=betahub"), 200, "In the game", credential.NewSecret(token).Fingerprint()))
		next = s.found(s.forge(one+"/rotate", one+"/rotate", "grace", "24h"), secret)
		if s.may(token, credential.BugReportsCreate) != credential.OK || s.may(next, credential.BugReportsCreate) != credential.OK {
			t.Error("after a rotation with grace not both values work")
		}
		s.shows("deleting", s.forge(one+"/delete", one+"/delete"), 200)
		if s.may(token, credential.BugReportsCreate) != credential.CodeRevoked || s.may(next, credential.BugReportsCreate) != credential.CodeRevoked {
			t.Error("a deleted token works")
		}
		if strings.Contains(s.get(page).body, "<Game>") {
			t.Error("the name of the project is no text")
		}
	})
}

// Who doesn't administer a project sees that its credentials are somebody
// else's, and changes none; what is of another project is not there.
func TestS4_CredentialsOfOtherProjects(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		p, _ := s.product("Space Game")
		other, _ := s.product("Hidden")
		s.join("lee@example.test", p, credential.ProjectAdmin)
		s.join("kim@example.test", p, credential.ProjectUser)
		s.enter("ada@example.test")
		page, hidden := s.pages()+"/projects/"+p.ID.String()+"/credentials", s.pages()+"/projects/"+other.ID.String()+"/credentials"
		key := strings.TrimPrefix(s.tokenAt(s.get(page)), page)
		foreign := strings.TrimPrefix(s.tokenAt(s.get(hidden)), hidden)
		s.shows("of another project", s.get(page+foreign), 404)

		s.enter("lee@example.test")
		form := fill(s.get(page), "name", "x", "once", "x", "scheme", "onetest", "access", "all", "grace", "0s")
		s.shows("their own", s.get(page+key), 200)
		for _, path := range []string{page + foreign, hidden + foreign, hidden, hidden + "/new", page + "/new?scheme=onetest&from=" + foreign[1:]} {
			s.shows(path, s.get(path), 404)
		}
		for _, path := range []string{page + foreign + "/delete", hidden + foreign + "/rotate", hidden} {
			s.shows(path, s.post(path, form), 404)
		}
		s.shows("no kind", s.get(page+"/new?scheme=x"), 422)

		s.enter("kim@example.test")
		s.hides("a user of the project", s.shows("a user of the project", s.get(page), 200, "Nothing that you look after", "Copy UUID"), "Create API Key", "CI <Pipeline>", "/credentials/new")
		form = fill(s.get(page), "name", "x", "once", "x", "scheme", "onetest", "access", "all", "grace", "0s")
		s.shows("their form", s.get(page+"/new"), 403)
		s.shows("their form", s.post(page, form), 403)
		s.shows("a key", s.get(page+key), 404)
		s.shows("its end", s.post(page+key+"/delete", form), 404)
	})
}
