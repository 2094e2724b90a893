package console_test

import (
	"context"
	"encoding/json"
	"net/http/cookiejar"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Who may read members sees them; owners and admins give roles, remove members and
// make service users, and nobody leaves an organization without an owner.
func TestPeopleInTheConsole(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		w := newTeam(t, s)
		members := w.pages() + "/members"
		w.as("gus")
		list := w.shows("as a guest", w.get(members), 200, "Ada", "adam@example.test", "You")
		w.hides("as a guest", list, "Invite people", "Two-factor", "/role", "Far")
		w.as("ada")
		w.shows("the only owner", w.get(members), 200, "The only owner", "Invite people", "Two-factor", "No credential")
		w.shows("found by name", w.get(members+"?q=ADAM"), 200, "adam@example.test")
		w.hides("found by name", w.get(members+"?q=ADAM"), "mem@example.test")
		w.hides("guests alone", w.get(members+"?role=guest&q="), "adam@example.test", "mem@example.test")
		w.shows("nobody", w.get(members+"?q=nobody%25"), 200, "Nothing matches", "Clear filters")
		w.shows("a role that is none", w.get(members+"?role=king"), 422)
		w.shows("the last owner steps down", w.post(members+"/"+w.members["ada"].ID.String()+"/role", w.form("role", "admin")), 422, "at least one owner")
		w.shows("the last owner leaves", w.post(members+"/"+w.members["ada"].ID.String()+"/remove", w.form()), 422, "at least one owner")
		if to := w.found(w.post(members+"/"+w.members["gus"].ID.String()+"/role", w.form("role", "member")), leads); to != members+"?done=role" {
			t.Errorf("a changed role leads to %s", to)
		}
		w.shows("it is said once", w.get(members+"?done=role"), 200, "It holds from the next request on")
		w.as("adam")
		w.hides("an admin makes no owner", w.get(members), `/`+w.members["ada"].ID.String()+`/role`)
		w.shows("an admin makes an owner", w.post(members+"/"+w.members["mem"].ID.String()+"/role", w.form("role", "owner")), 403)
		w.removes(members)
		w.serves(members)
	})
}

// removes has a member be removed, and another leave.
func (w *team) removes(members string) {
	w.t.Helper()
	operator, mem := credential.Operator(), w.members["mem"]
	issued := must(w.authority.Issue(context.Background(), &operator, authority.IssueRequest{Organization: w.organization.ID, Scheme: "betahub_pat", Name: "Mine", User: &authority.UserRef{ID: mem.ID}}))
	w.shows("before it is done", w.get(members+"/"+mem.ID.String()+"/remove"), 200, "Remove Mem?", "stop working at once", "stays", "1 credential", "Keep member")
	w.found(w.post(members+"/"+mem.ID.String()+"/remove", w.form()), leads)
	if got := w.is(issued.Secret.Reveal()); got != credential.CodeRevoked {
		w.t.Errorf("the token of who was removed is %s", got)
	}
	w.shows("who isn't there", w.get(members+"/"+mem.ID.String()+"/remove"), 404)
	w.as("lead")
	w.shows("leaving", w.get(members+"/"+w.members["lead"].ID.String()+"/remove"), 200, "Leave this organization?", "Your personal tokens")
	if to := w.found(w.post(members+"/"+w.members["lead"].ID.String()+"/remove", w.form()), leads); to != "/console/" {
		w.t.Errorf("leaving leads to %s", to)
	}
	w.shows("afterwards", w.get(members), 404)
}

// serves makes a service user.
func (w *team) serves(members string) {
	w.t.Helper()
	w.as("ada")
	page := w.get(members + "/service-users/new")
	w.shows("without a name", w.post(members+"/service-users", fill(page, "role", "member")), 422, "must not be empty")
	w.shows("as an owner", w.post(members+"/service-users", fill(page, "role", "owner", "name", "x")), 422, "owns nothing")
	form := fill(page, "role", "member", "name", naughty)
	w.found(w.post(members+"/service-users", form), leads)
	w.found(w.post(members+"/service-users", form), leads)
	list := w.plain("the service user", w.shows("the service user", w.get(members), 200, naughty, "Service user"))
	if n := strings.Count(list.body, "Nobody signs in as it"); n != 1 {
		w.t.Errorf("there are %d service users", n)
	}
}

var linkOf = regexp.MustCompile(`#code=(invite-[0-9A-Za-z]+)`)

// Several are invited at once. Where no mail is sent the links are shown, once;
// an invitation is made anew and withdrawn.
func TestInvitationsInTheConsole(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		w := newTeam(t, s)
		w.as("adam")
		members := w.pages() + "/members"
		w.shows("nobody yet", w.get(members+"/invitations"), 200, "Nobody is invited")
		page := w.shows("the form", w.get(members+"/invite"), 200, "sends no mail", "Good for 7 days")
		w.hides("the form of an admin", page, `value="owner"`)
		for in, want := range map[string]string{"": "Type one to 20 addresses", "nobody": "“nobody” is no e-mail address", strings.Repeat("x@example.test ", 1) + "<b>": "“<b>” is no e-mail address", "mem@example.test": "mem@example.test: this user is a member already"} {
			got := w.shows("inviting "+in, w.post(members+"/invite", fill(page, "email", in, "role", "guest")), 422, want)
			w.shows("what was typed", got, 422, strings.TrimSpace(in))
		}
		w.shows("as an owner", w.post(members+"/invite", fill(page, "email", "a@example.test", "role", "owner")), 403)
		page = w.get(members + "/invite")
		form := fill(page, "email", "new@example.test, mem@example.test\nother@example.test", "role", "guest")
		made := w.shows("inviting three", w.post(members+"/invite", form), 200, "new@example.test", "other@example.test", "Not invited", "a member already")
		codes := linkOf.FindAllStringSubmatch(made.body, -1)
		if len(codes) != 2 || made.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("there are %d links: %s", len(codes), made.body)
		}
		w.hides("sent again", w.post(members+"/invite", form), "invite-")
		list := w.shows("the list", w.get(members+"/invitations"), 200, "new@example.test", "other@example.test", "Pending", "Expires in 7 days", "New link")
		w.hides("the list", list, "invite-")
		id := w.found(list, regexp.MustCompile(`/invitations/([0-9a-f-]{36})/resend`)) // of the newest
		again := fill(list, "once", "again "+id)
		renewed := w.shows("made anew", w.post(members+"/invitations/"+id+"/resend", again), 200, "Link for other@example.test", "only time")
		w.hides("made anew twice", w.post(members+"/invitations/"+id+"/resend", again), "invite-")
		w.accept("other@example.test", codes[1][1], linkOf.FindStringSubmatch(renewed.body)[1])
		w.as("adam")
		list = w.get(members + "/invitations")
		w.hides("who accepted", list, "other@example.test")
		id = w.found(list, regexp.MustCompile(`/invitations/([0-9a-f-]{36})/withdraw`))
		w.found(w.post(members+"/invitations/"+id+"/withdraw", w.form()), leads)
		w.found(w.post(members+"/invitations/"+id+"/withdraw", w.form()), leads)
		w.shows("withdrawn", w.get(members+"/invitations?done=withdrawn"), 200, "its link is dead", "Nobody is invited")
		w.at.Add(int64((authority.ProofLasts + time.Second) / time.Second))
		form = fill(w.get(members+"/invite"), "email", "late@example.test", "role", "guest")
		w.hides("after a while", w.shows("after a while", w.post(members+"/invite", form), 200, "Confirm that it’s you", `name="email" value="late@example.test"`), "invite-")
	})
}

// accept has somebody use a code; the one before it is dead.
func (w *team) accept(email, dead, code string) {
	w.t.Helper()
	ctx, operator := context.Background(), credential.Operator()
	far := must(w.authority.CreateOrganization(ctx, &operator, authority.NameRequest{Name: "Elsewhere"}))
	must(w.authority.CreateUser(ctx, &operator, far.ID, authority.UserRequest{Email: email, Name: "New", Role: credential.Guest, Password: "correct horse battery"}))
	in := must(w.authority.SignIn(ctx, authority.SignInRequest{Email: email, Password: "correct horse battery"}))
	d := must(w.authority.Verify(ctx, in.Access.Token.Reveal(), authority.Verification{}))
	if _, err := w.authority.AcceptInvitation(ctx, &d.Principal, dead); err == nil {
		w.t.Error("the link from before was taken")
	}
	if o, err := w.authority.AcceptInvitation(ctx, &d.Principal, code); err != nil || o.ID != w.organization.ID {
		w.t.Errorf("the new link: %v", err)
	}
}

// A project is made, described, limited, archived, restored and deleted, and
// members get roles in it.
func TestProjectsInTheConsole(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		w := newTeam(t, s)
		projects := w.pages() + "/projects"
		w.as("ada")
		page := w.get(projects + "/new")
		w.shows("without a name", w.post(projects, fill(page, "description", "Kept <b>")), 422, "The name must not be empty", "Kept <b>")
		form := fill(page, "name", naughty, "description", naughty, "public", "on")
		at := strings.TrimSuffix(w.found(w.post(projects, form), leads), "?done=project")
		w.found(w.post(projects, form), leads)
		list := w.plain("the list", w.shows("the list", w.get(projects), 200, "Space Game", "PRJ-1", naughty, "PRJ-2", "3 members", "Owner of the organization"))
		if n := strings.Count(list.body, "PRJ-3"); n != 0 {
			t.Error("the form was done twice")
		}
		w.hides("searched", w.get(projects+"?q=space"), "PRJ-2")
		w.shows("nothing", w.get(projects+"?q=zzz"), 200, "Nothing matches")
		w.shows("archived ones", w.get(projects+"?state=archived"), 200, "No project is archived")
		w.as("mem")
		mine := w.shows("as a member", w.get(projects), 200, "Space Game", "User")
		w.hides("as a member", mine, "PRJ-2", "New project")
		w.shows("another's project", w.get(at), 404)
		w.as("ada")
		settings := w.plain("settings", w.shows("settings", w.get(at), 200, naughty, "PRJ-2", "pr-2", "Nobody was added", "Danger zone", "Public"))
		w.hides("settings", settings, "Archived since")
		w.found(w.post(at, w.form("description", "Said anew")), leads)
		w.shows("described", w.get(at), 200, "Said anew")
		w.shows("a limit that is none", w.post(at+"/limits", w.form("requests", "many", "window", "1h")), 422, "The requests must be a whole number", `value="many"`)
		w.found(w.post(at+"/limits", w.form("requests", "600", "window", "1h")), leads)
		w.shows("limited", w.get(at), 200, `name="requests" value="600"`)
		w.shows("nobody's address", w.post(at+"/members", w.form("email", "nobody@example.test", "role", "user")), 422, "invite them first", `value="nobody@example.test"`)
		w.shows("no address", w.post(at+"/members", w.form("role", "user")), 422, "Type the address")
		w.shows("a member of others", w.post(at+"/members", w.form("email", "far@example.test", "role", "user")), 422, "invite them first")
		w.found(w.post(at+"/members", w.form("email", "mem@example.test", "role", "user")), leads)
		w.found(w.post(at+"/members", w.form("member", w.members["mem"].ID.String(), "role", "admin")), leads)
		w.as("mem").shows("as its admin", w.get(at), 200, "mem@example.test", "Admin", "Save description")
		w.hides("as its admin", w.get(at), "Danger zone", "Take out", "Save limit")
		w.found(w.post(at, w.form("description", "")), leads)
		w.as("ada").found(w.post(at+"/members/"+w.members["mem"].ID.String()+"/remove", w.form()), leads)
		w.as("mem").shows("taken out", w.get(at), 404)
		w.ends(at)
	})
}

// ends archives a project, restores it and deletes it.
func (w *team) ends(at string) {
	w.t.Helper()
	w.as("ada").shows("asking to archive", w.get(at+"/archive"), 200, "No credential", "put back in service")
	w.found(w.post(at+"/archive", w.form()), leads)
	w.shows("archived", w.get(at), 200, "Archived since", "Put back in service")
	w.shows("in the list of those", w.get(w.pages()+"/projects?state=archived"), 200, "PRJ-2")
	w.found(w.post(at+"/restore", w.form()), leads)
	w.hides("restored", w.get(at), "Archived since")
	w.shows("asking to delete", w.get(at+"/delete"), 200, "can't be taken back", "archive it instead")
	w.shows("another name", w.post(at+"/delete", w.form("typed", "Space Game")), 422, "exactly as it stands")
	if to := w.found(w.post(at+"/delete", w.form("typed", naughty)), leads); !strings.HasSuffix(to, "/projects?done=project-deleted") {
		w.t.Errorf("deleting leads to %s", to)
	}
	w.shows("afterwards", w.get(at), 404)
}

// A rule lets CI jobs in: it is made, shown with what the CI has to do, changed
// and deleted.
func TestTrustRulesInTheConsole(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		w := newTeam(t, s)
		w.as("lead")
		rules := w.in() + "/trust-rules"
		w.shows("none", w.get(rules), 200, "Let the first CI job in", "New rule")
		page := w.shows("the form", w.get(rules+"/new?provider=gitlab"), 200, `value="gitlab" checked`, "results:write", "pull requests")
		for _, c := range []struct{ want, field, value string }{
			{"The repository number must be the number", "repository_id", "acme/site"}, {"The branch is written without refs/", "branch", "refs/heads/main"},
			{"The claims must be written name=value", "claims", "only a name"}, {"The issuer", "issuer", "http://10.0.0.1"}, {"The name must not be empty", "name", " "},
		} {
			form := fill(page, "name", "Nightly", "provider", "gitlab", "repository_id", "42", "scopes:results:write", "on", "expires", "never")
			form.Set(c.field, c.value)
			w.shows(c.field, w.post(rules, form), 422, c.want, strings.TrimSpace(c.value))
		}
		w.shows("nothing granted", w.post(rules, fill(page, "name", "x", "provider", "gitlab", "repository_id", "42")), 422, "scopes")
		form := fill(page, "name", naughty, "provider", "gitlab", "repository_id", "42", "branch", "release/*", "protected", "on", "scopes:results:write", "on", "scopes:tests:read", "on", "expires", "30")
		one := strings.TrimSuffix(w.found(w.post(rules, form), leads), "?done=rule")
		w.found(w.post(rules, form), leads)
		list := w.plain("the list", w.shows("the list", w.get(rules), 200, naughty, "GitLab CI", "42", "results:write", "Never"))
		if n := strings.Count(list.body, "<tr role=\"row\">\n      <th"); n != 1 {
			t.Errorf("there are %d rules", n)
		}
		w.plain("the rule", w.shows("the rule", w.get(one), 200, naughty, "release/*", "Protected ones only", "Turned away", "id_tokens", "gatehouse report --oidc --url http://127.0.0.1:8080 --project-id "+w.project.ID.String(), "None yet", "15 minutes"))
		edit := w.shows("what it is", w.get(one+"/edit"), 200, `value="release/*"`, "never changes")
		w.hides("what it is", edit, "Repository number")
		w.shows("a mistake", w.post(one+"/edit", fill(edit, "name", "x", "branch", "refs/heads/x")), 422, "The branch is written without refs/")
		w.found(w.post(one+"/edit", fill(edit, "name", "Renamed", "environment", "production", "pull_requests", "on")), leads)
		changed := w.shows("changed", w.get(one), 200, "Renamed", "production", "Let in")
		w.hides("changed", changed, "release/*")
		w.shows("before it ends", w.get(one+"/delete"), 200, "Delete Renamed?", "401")
		w.found(w.post(one+"/delete", w.form()), leads)
		w.shows("it ended", w.get(one), 404)
		w.found(w.post(one+"/delete", w.form()), leads)
	})
}

// A policy is set by the page, says what it touches, and locks nobody out.
func TestPoliciesInTheConsole(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		w := newTeam(t, s)
		w.as("mem")
		seen := w.shows("as a member", w.get(w.pages()+"/policies"), 200, "You see what holds")
		w.hides("as a member", seen, "Save policies")
		w.as("ada")
		at := w.pages() + "/policies"
		w.shows("at first", w.get(at), 200, "betahub_pat</code>, 0 now", "After 90 days: 0 now", "Yours must be on it: 127.0.0.1")
		w.shows("locked out", w.post(at, w.form("addresses", "203.0.113.0/24")), 422, "lock yourself out", "203.0.113.0/24")
		w.shows("no address", w.post(at, w.form("addresses", "<b>")), 422, `"<b>" is not an address`)
		w.shows("no days", w.post(at, w.form("lifetime:betahub_pat", "soon")), 422, "BetaHub personal access tokens: type a whole number", `value="soon"`)
		w.shows("too short", w.post(at, w.form("lifetime:testkase_pat", "3")), 422, "TestKase personal access tokens: ", "shortest lifetime")
		w.shows("too soon", w.post(at, w.form("unused", "2")), 422, "must be at least 7d")
		w.found(w.post(at, w.form("addresses", "127.0.0.0/8\n203.0.113.0/24", "lifetime:betahub_pat", "90", "required:betahub_pat", "on", "by:betahub_pat", "admin", "unused", "90")), leads)
		w.shows("set", w.get(at), 200, "127.0.0.0/8", `name="lifetime:betahub_pat" value="90"`, `name="required:betahub_pat" value="on" checked`, `value="90" selected`)
		operator := credential.Operator()
		policy := must(s.authority.Policy(context.Background(), &operator, s.organization.ID))
		if len(policy.Schemes) != 1 || policy.Schemes[0].IssuedBy != credential.Admin || policy.SuspendUnusedAfter != 90*24*time.Hour {
			t.Errorf("the policy is %+v", policy)
		}
	})
}

// The audit log says who did what, is filtered, exported and checked, and holds
// nothing secret.
func TestAuditInTheConsole(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		w := newTeam(t, s)
		ctx, operator := context.Background(), credential.Operator()
		w.as("ada")
		log := w.pages() + "/audit"
		made := w.post(w.pages()+"/keys", fill(w.get(w.pages()+"/keys/new"), "name", "=1+1 "+naughty, "mode", "live", "access", "read", "expires", "30"))
		key := w.found(made, secret)
		page := w.plain("the log", w.shows("the log", w.get(log), 200, "Made the credential “=1+1 "+naughty, "credential.issue", "ada@example.test", "Created the project “Space Game”", "Whoever runs the installation", "Added a member as guest", "127.0.0.1", time.Now().UTC().Format("Monday, 2 January 2006")))
		w.hides("the log", page, key, "far@example.test")
		w.hides("by address", w.shows("by address", w.get(log+"?who=ada%40example.test&what=&target="), 200, "Made the credential"), "Created the project")
		w.shows("by nobody's address", w.get(log+"?who=far%40example.test"), 200, "Nothing matches")
		w.hides("by action", w.shows("by action", w.get(log+"?what=project."), 200, "Created the project"), "Made the credential")
		w.shows("by an action of its own", w.get(log+"?what=member.add"), 200, "Added a member", `value="member.add" selected`)
		w.shows("by target", w.get(log+"?target=project:"+w.project.ID.String()), 200, "Created the project")
		today := time.Now().UTC().Format(time.DateOnly)
		w.shows("of today", w.get(log+"?since="+today+"&until="+today), 200, "Made the credential")
		w.shows("of before", w.get(log+"?until=2020-01-01"), 200, "Nothing matches", "Clear filters")
		w.shows("no day", w.get(log+"?since=yesterday"), 422)
		w.shows("no sequence", w.get(log+"?after=x"), 422)
		table := w.get(log + "/export.csv?what=credential.")
		if !strings.HasPrefix(table.body, "chain,sequence,at,") || strings.Count(table.body, "\r\n") != 2 || strings.Contains(table.body, key) || strings.Contains(table.body, ",=") {
			t.Errorf("the table is %q", table.body)
		}
		lines := strings.Split(strings.TrimSpace(w.get(log+"/export.jsonl").body), "\n")
		var last api.Event
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Sequence != int64(len(lines)) || last.Hash == "" {
			t.Errorf("the last of %d lines is %+v: %v", len(lines), last, err)
		}
		w.shows("checked", w.get(log+"/verify"), 200, "The chain is whole", last.Hash, "Whole events")
		for range pageSize {
			must(s.authority.SuspendOrganization(ctx, &operator, s.organization.ID, false))
		}
		first := w.shows("the first page", w.get(log), 200, "Next page", "50 shown")
		next := w.found(first, regexp.MustCompile(`href="([^"]*after=[^"]*)">Next page`))
		w.hides("the next one", w.shows("the next one", w.get(next), 200, "First page", "Added a member"), "Next page")
	})
}

// pageSize is how many rows of a list a page shows.
const pageSize = 50

// An endpoint is registered, shown with its deliveries, paused, rotated and
// deleted; its secret is shown once, and private addresses are refused.
func TestWebhooksInTheConsole(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		w := newTeam(t, s)
		w.as("adam")
		hooks := w.pages() + "/webhooks"
		w.shows("none", w.get(hooks), 200, "Be told what happens")
		page := w.shows("the form", w.get(hooks+"/new"), 200, "credential.revoked", "member.added", "None chosen is all")
		for to, want := range map[string]string{
			"https://10.0.0.1/x": "no address of the public internet", "https://localhost/x": "The host must be a whole name", "http://hooks.example.com": "The URL must begin with https://",
			"": "must be a URL", "https://u:p@hooks.example.com/": "must not hold a user", "https://hooks.example.com:1/": "port must be 443",
		} {
			w.shows("at "+to, w.post(hooks, fill(page, "url", to, "description", "Kept")), 422, want, "Kept")
		}
		form := fill(page, "url", "https://hooks.example.com/in?<b>", "description", naughty, "events:credential.revoked", "on", "events:member.added", "on")
		made := w.shows("the new one", w.post(hooks, form), 200, "Copy the signing secret now", "2 events")
		key := w.found(made, secret)
		w.hides("sent again", w.post(hooks, form), "whsec_")
		list := w.plain("the list", w.shows("the list", w.get(hooks), 200, "hooks.example.com", naughty, "credential.revoked, member.added", "0 arrived", "Active"))
		w.hides("the list", list, key)
		one := hooks + "/" + w.found(list, regexp.MustCompile(`/webhooks/([0-9a-f-]{36})"`))
		w.hides("its page", w.plain("its page", w.shows("its page", w.get(one), 200, "Nothing was sent yet", "in?<b>", "standardwebhooks", "Send test")), key)
		delivery := strings.TrimSuffix(w.found(w.post(one+"/test", w.form()), leads), "?done=tested")
		w.shows("the delivery", w.get(delivery), 200, `"type": "test"`, "Waits", "del_", "Send again")
		w.found(w.post(delivery+"/redeliver", w.form()), leads)
		w.shows("its deliveries", w.get(one), 200, "Waits", "Not sent yet")
		edit := w.shows("what it is", w.get(one+"/edit"), 200, `name="events:credential.revoked" value="on" checked`)
		w.shows("to a private address", w.post(one+"/edit", fill(edit, "url", "https://192.168.0.1/")), 422, "no address of the public internet")
		w.found(w.post(one+"/edit", fill(edit, "url", "https://other.example.com/")), leads)
		w.shows("changed", w.get(one), 200, "other.example.com", "Everything")
		w.found(w.post(one+"/active", w.form("active", "no")), leads)
		w.hides("paused", w.shows("paused", w.get(one), 200, "Off", "Turn on"), "Send test")
		w.shows("a test of it", w.post(one+"/test", w.form()), 422, "turn it on first")
		w.found(w.post(one+"/active", w.form("active", "yes")), leads)
		ask := w.shows("asking to rotate", w.get(one+"/rotate"), 200, "two signatures", "24 hours more")
		next := w.found(w.post(one+"/rotate", fill(ask, "how", "later")), secret)
		w.hides("rotated twice", w.post(one+"/rotate", fill(ask, "how", "later")), "whsec_")
		if next == key || !strings.HasPrefix(next, "whsec_") {
			t.Errorf("the secret was %s and is %s", key, next)
		}
		w.shows("rotated", w.get(one), 200, "The one before signs as well until")
		w.shows("asking to delete", w.get(one+"/delete"), 200, "turn it off instead")
		w.found(w.post(one+"/delete", w.form()), leads)
		w.shows("deleted", w.get(one), 404)
	})
}

// What an organization is called and how many requests it makes is changed by
// its owners and admins, and deleted by owners alone.
func TestOrganizationSettingsInTheConsole(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		w := newTeam(t, s)
		at := w.pages() + "/settings"
		w.as("gus")
		w.hides("as a guest", w.shows("as a guest", w.get(at), 200, "Acme", "org-1", authority.PublicID("org", s.organization.ID)), "Danger zone", "Save")
		w.as("adam")
		w.hides("as an admin", w.shows("as an admin", w.get(at), 200, "Save limits"), "Danger zone")
		w.shows("a slug that is none", w.post(at, w.form("name", "Acme", "slug", "A B")), 422, "The short name must have 3 to 50", `value="A B"`)
		w.shows("no name", w.post(at, w.form("slug", "acme")), 422, "The name must not be empty")
		w.found(w.post(at, w.form("name", naughty, "slug", "acme", "description", naughty)), leads)
		w.plain("changed", w.shows("changed", w.get(at), 200, naughty, `value="acme"`))
		w.shows("a limit that is none", w.post(at+"/limits", w.form("requests", "0", "window", "1h")), 422, "The requests must be from 1")
		w.found(w.post(at+"/limits", w.form("requests", "5000", "window", "1h", "address_requests", "900")), leads)
		w.shows("limited", w.get(at), 200, `value="5000"`, `value="900"`, `value="1h" selected`)
		keys := w.shows("the signing keys", w.get(w.pages()+"/signing-keys"), 200, "ES256", "Signs", "https://keys.example.test/oauth2/jwks", "signing-keys rotate")
		w.hides("the signing keys", keys, "/rotate")
		w.as("ada").shows("asking to delete", w.get(at+"/delete"), 200, "nobody sees it any more")
		w.shows("another name", w.post(at+"/delete", w.form("typed", "Acme")), 422, "exactly as it stands")
		w.found(w.post(at+"/delete", w.form("typed", naughty)), leads)
		w.shows("afterwards", w.get(at), 404)
		w.browser.Jar = must(cookiejar.New(nil))
		w.shows("without a session", w.get(at), 401)
	})
}

// A list longer than a page has a next one, and says where it ends.
func TestListsOfPeopleHavePages(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		ctx, operator := context.Background(), credential.Operator()
		w := newTeam(t, s)
		in := must(s.authority.SignIn(ctx, authority.SignInRequest{Email: "ada@example.test", Password: "correct horse battery"}))
		ada := must(s.authority.Verify(ctx, in.Access.Token.Reveal(), authority.Verification{Organization: s.organization.ID.String()}))
		for i := range pageSize {
			name := string(rune('a'+i%26)) + uuid.NewString()[:8]
			must(s.authority.CreateUser(ctx, &operator, s.organization.ID, authority.UserRequest{Email: name + "@example.test", Name: name, Role: credential.Guest}))
			must(s.authority.CreateProject(ctx, &operator, s.organization.ID, authority.NameRequest{Name: name}))
			if _, err := s.authority.Invite(ctx, &ada.Principal, s.organization.ID, authority.InviteRequest{Email: name + "@other.test", Role: credential.Guest}); err != nil {
				t.Fatal(err)
			}
		}
		must(s.authority.Invite(ctx, &ada.Principal, s.organization.ID, authority.InviteRequest{Email: "last@other.test", Role: credential.Guest}))
		w.as("ada")
		next := regexp.MustCompile(`href="([^"]*after=[^"]*)">Next page`)
		for _, list := range []string{"/members", "/projects", "/members/invitations", "/members?role=guest"} {
			first := w.shows(list, w.get(w.pages()+list), 200, "50 shown")
			second := w.shows("more of "+list, w.get(w.found(first, next)), 200, "First page")
			w.hides("more of "+list, second, "Next page")
		}
		found := must(s.authority.FindProjects(ctx, &ada.Principal, store.ProjectFilter{Text: "prj-1%", Limit: 100}))
		if len(found) != 0 {
			t.Errorf("a wildcard finds %d projects", len(found))
		}
	})
}

// What came of a delivery is told: that it arrived, is tried again or was given
// up, with what the endpoint answered as text.
func TestDeliveriesInTheConsole(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		ctx, operator := context.Background(), credential.Operator()
		w := newTeam(t, s)
		w.as("ada")
		to := "https://hooks.example.com/in"
		hook := must(s.authority.CreateWebhook(ctx, &operator, s.organization.ID, authority.WebhookRequest{URL: &to}))
		of := authority.WebhookRef{Organization: s.organization.ID, ID: hook.ID}
		at := w.pages() + "/webhooks/" + hook.ID.String()
		now := time.Now()
		for _, c := range []struct {
			outcome store.Outcome
			failed  time.Time
			want    []string
		}{
			{store.Outcome{StatusCode: 200, Response: naughty, DeliveredAt: now}, time.Time{}, []string{"Arrived", "200"}},
			{store.Outcome{StatusCode: 502, Response: naughty, Failure: "it answered 502", NextAt: now.Add(time.Hour)}, now, []string{"Tried again", "502", "Next ", "It answered 502."}},
			{store.Outcome{Failure: "no answer within 10 seconds"}, now, []string{"Given up", "No answer", "No answer within 10 seconds"}},
		} {
			d := *must(s.authority.TestWebhook(ctx, &operator, of))
			claimed := must(s.store.ClaimDeliveries(ctx, []store.Delivery{d}, now.Add(time.Minute), now.Add(time.Hour)))
			claimed[0].Outcome = c.outcome
			if err := s.store.FinishDelivery(ctx, &claimed[0], c.failed); err != nil {
				t.Fatal(err)
			}
			one := w.plain(c.want[0], w.shows(c.want[0], w.get(at+"/deliveries/"+d.ID.String()), 200, c.want...))
			if c.outcome.Response != "" {
				w.shows(c.want[0], one, 200, naughty)
			}
		}
		w.shows("all of them", w.get(at), 200, "Failing", "Arrived", "Tried again", "Given up", "1 try")
		w.shows("counted", w.get(w.pages()+"/webhooks"), 200, "1 arrived", "2 failed")
	})
}

// Whoever administers a project sees which jobs its rules let in and turned
// away, and nothing else of the audit.
func TestJobsInTheConsole(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		ctx, operator := context.Background(), credential.Operator()
		w := newTeam(t, s)
		rule := must(s.authority.CreateTrustRule(ctx, &operator, authority.TrustRequest{Organization: s.organization.ID, Project: store.ProjectRef{ID: w.project.ID}, Name: "CI",
			Trust: credential.Trust{Provider: credential.GitHub, Repository: "123"}, Scopes: []credential.Scope{"results:write"}}))
		name := "credential:" + rule.Credential.ID.String()
		err := s.store.Change(ctx, s.organization.ID, func(tx *store.Tx) error {
			for _, e := range []authority.Event{
				{Actor: name, Action: "trust_rule.admit", Target: name, Address: "192.0.2.9", Detail: `{"ref":"refs/heads/main","repository":"acme/` + strings.ReplaceAll(naughty, `"`, `\"`) + `","scopes":"results:write"}`},
				{Actor: "identity_token", Action: "trust_rule.turn_away", Target: name, Detail: `{"reason":"ref","ref":"refs/heads/other"}`},
				{Actor: "identity_token", Action: "trust_rule.turn_away", Target: "credential:" + uuid.NewString(), Detail: `{"reason":"elsewhere"}`},
			} {
				e.At, e.Chain = time.Now().UTC().Truncate(time.Millisecond), s.organization.ID
				tx.Record(e)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.as("lead")
		page := w.plain("the rule", w.shows("the rule", w.get(w.in()+"/trust-rules/"+rule.Credential.ID.String()), 200, "Let in", "repository acme/"+naughty, "192.0.2.9", "Turned away", "because of ref, ref refs/heads/other"))
		w.hides("the rule", page, "elsewhere")
		w.as("ada").shows("the audit", w.get(w.pages()+"/audit?what=trust_rule."), 200, "A CI job was turned away, because of ref", "A CI job was let in", ">CI<")
	})
}
