package console_test

import (
	"context"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/console"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// team is a site with somebody of each role, and an organization of others.
type team struct {
	*site
	project *store.Project
	members map[string]*store.Member
	jars    map[string]*cookiejar.Jar
}

// naughty is a name that must stay text.
const naughty = `<script>alert("1")</script><img src=x onerror=alert(1)>`

func newTeam(t *testing.T, s *site) *team {
	t.Helper()
	ctx, operator := context.Background(), credential.Operator()
	w := &team{site: s, members: map[string]*store.Member{}, jars: map[string]*cookiejar.Jar{}}
	other := must(s.authority.CreateOrganization(ctx, &operator, authority.NameRequest{Name: "Other"}))
	for name, role := range map[string]credential.Role{"adam": credential.Admin, "mem": credential.Member, "lead": credential.Member, "gus": credential.Guest, "far": credential.Owner} {
		organization := s.organization.ID
		if name == "far" {
			organization = other.ID
		}
		w.members[name] = must(s.authority.CreateUser(ctx, &operator, organization, authority.UserRequest{
			Email: name + "@example.test", Name: titleOf(name), Role: role, Password: "correct horse battery",
		}))
	}
	w.members["ada"] = must(s.authority.Member(ctx, &operator, s.organization.ID, authority.UserRef{Email: "ada@example.test"}))
	w.project = must(s.authority.CreateProject(ctx, &operator, s.organization.ID, authority.NameRequest{Name: "Space Game"}))
	for name, role := range map[string]credential.ProjectRole{"mem": credential.ProjectUser, "lead": credential.ProjectAdmin, "gus": credential.ProjectGuest} {
		if err := s.authority.SetProjectMember(ctx, &operator, w.project, authority.UserRef{ID: w.members[name].ID}, role); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func titleOf(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

// as goes on as somebody.
func (w *team) as(name string) *team {
	w.t.Helper()
	jar := w.jars[name]
	known := jar != nil
	if !known {
		jar = must(cookiejar.New(nil))
		w.jars[name] = jar
	}
	w.browser.Jar = jar
	if !known {
		w.enter(name + "@example.test")
	}
	return w
}

// form are the hidden fields of a page of whoever looks, and others.
func (w *team) form(pairs ...string) url.Values { return fill(w.get("/console/"), pairs...) }

// in is where pages of the project begin.
func (w *team) in() string { return w.pages() + "/projects/" + w.project.ID.String() }

// plain fails the test where a page has what was written in it as markup.
func (w *team) plain(what string, a answer) answer {
	w.t.Helper()
	if strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<img src=x") {
		w.t.Errorf("%s: what somebody wrote is no text", what)
	}
	return a
}

// permitted says who may use the routes about an organization. What nobody of
// the others may is refused with 403, and is a 404 to other organizations.
var permitted = map[string]string{
	"GET /members": "ada adam mem lead gus", "GET /members/invite": "ada adam", "POST /members/invite": "ada adam", "GET /members/invitations": "ada adam",
	"POST /members/invitations/{invitation}/resend": "ada adam", "POST /members/invitations/{invitation}/withdraw": "ada adam",
	"GET /members/service-users/new": "ada adam", "POST /members/service-users": "ada adam", "POST /members/{member}/role": "ada adam",
	"GET /members/{member}/remove": "ada adam", "POST /members/{member}/remove": "ada adam",
	"GET /projects": "ada adam mem lead gus", "GET /projects/new": "ada adam", "POST /projects": "ada adam",
	"GET /projects/{project}/settings": "ada adam mem lead gus", "POST /projects/{project}/settings": "ada adam lead", "POST /projects/{project}/settings/limits": "ada adam",
	"POST /projects/{project}/settings/members": "ada adam", "POST /projects/{project}/settings/members/{member}/remove": "ada adam",
	"GET /projects/{project}/settings/archive": "ada adam", "POST /projects/{project}/settings/archive": "ada adam", "POST /projects/{project}/settings/restore": "ada adam",
	"GET /projects/{project}/settings/delete": "ada adam", "POST /projects/{project}/settings/delete": "ada adam",
	"GET /projects/{project}/trust-rules": "ada adam lead", "GET /projects/{project}/trust-rules/new": "ada adam lead", "POST /projects/{project}/trust-rules": "ada adam lead",
	"GET /projects/{project}/trust-rules/{rule}": "ada adam lead", "GET /projects/{project}/trust-rules/{rule}/edit": "ada adam lead", "POST /projects/{project}/trust-rules/{rule}/edit": "ada adam lead",
	"GET /projects/{project}/trust-rules/{rule}/delete": "ada adam lead", "POST /projects/{project}/trust-rules/{rule}/delete": "ada adam lead",
	"GET /policies": "ada adam mem lead gus", "POST /policies": "ada adam", "GET /signing-keys": "ada adam",
	"GET /audit": "ada adam", "GET /audit/verify": "ada adam", "GET /audit/export.csv": "ada adam", "GET /audit/export.jsonl": "ada adam",
	"GET /webhooks": "ada adam", "GET /webhooks/new": "ada adam", "POST /webhooks": "ada adam", "GET /webhooks/{webhook}": "ada adam", "GET /webhooks/{webhook}/edit": "ada adam",
	"POST /webhooks/{webhook}/edit": "ada adam", "POST /webhooks/{webhook}/active": "ada adam", "POST /webhooks/{webhook}/test": "ada adam", "GET /webhooks/{webhook}/rotate": "ada adam",
	"POST /webhooks/{webhook}/rotate": "ada adam", "GET /webhooks/{webhook}/delete": "ada adam", "POST /webhooks/{webhook}/delete": "ada adam",
	"GET /webhooks/{webhook}/deliveries/{delivery}": "ada adam", "POST /webhooks/{webhook}/deliveries/{delivery}/redeliver": "ada adam",
	"GET /settings": "ada adam mem lead gus", "POST /settings": "ada adam", "POST /settings/limits": "ada adam", "GET /settings/delete": "ada", "POST /settings/delete": "ada",
}

// Each page about an organization is shown to those alone who may do by the API
// what it does, each form is taken from them alone, and to others there is none.
func TestS1_PagesOfAnOrganization(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		w := newTeam(t, s)
		w.as("ada")
		w.shows("the webhook", w.post(w.pages()+"/webhooks", w.form("once", "1", "url", "https://hooks.example.com/x")), 200, "whsec_")
		hook := w.found(w.get(w.pages()+"/webhooks"), regexp.MustCompile(`/webhooks/([0-9a-f-]{36})"`))
		w.found(w.post(w.pages()+"/webhooks/"+hook+"/test", w.form()), leads)
		delivery := w.found(w.get(w.pages()+"/webhooks/"+hook), regexp.MustCompile(`/deliveries/([0-9a-f-]{36})"`))
		w.found(w.post(w.in()+"/trust-rules", w.form("once", "2", "name", "CI", "provider", "github", "repository_id", "123", "scopes:results:write", "on", "expires", "never")), leads)
		rule := w.found(w.get(w.in()+"/trust-rules"), regexp.MustCompile(`/trust-rules/([0-9a-f-]{36})"`))
		names := strings.NewReplacer("{organization}", authority.PublicID("org", s.organization.ID), "{project}", w.project.ID.String(), "{member}", w.members["mem"].ID.String(),
			"{invitation}", uuid.NewString(), "{rule}", rule, "{webhook}", hook, "{delivery}", delivery)
		left := map[string]bool{}
		for route := range permitted {
			left[route] = true
		}
		for _, surface := range console.Surfaces(console.Config{Authority: s.authority}) {
			for _, route := range surface.Routes {
				const of = "/console/organizations/{organization}"
				named := route.Method + " " + strings.TrimPrefix(route.Pattern, of)
				who, known := permitted[named]
				delete(left, named)
				if !known {
					continue
				}
				path := names.Replace(route.Pattern)
				for _, name := range []string{"far", "gus", "mem", "lead", "adam", "ada"} {
					w.as(name)
					may := slices.Contains(strings.Fields(who), name)
					if named == "GET /members/{member}/remove" && name == "mem" || named == "POST /members/{member}/remove" && name == "mem" {
						continue // who may leave
					}
					want := map[bool]int{true: 200, false: 403}[may]
					if name == "far" {
						want = 404
					}
					if route.Method == "GET" {
						if got := w.get(path); got.status != want {
							t.Errorf("%s as %s: got %d, want %d", named, name, got.status, want)
						}
					} else if !may {
						if got := w.post(path, w.form("once", "x", "name", "x", "role", "member")); got.status != want {
							t.Errorf("%s as %s: got %d, want %d", named, name, got.status, want)
						}
						continue
					} else if got := w.post(path, url.Values{"form": {"of no session"}}); got.status != 403 {
						t.Errorf("%s as %s with a form of another session: got %d", named, name, got.status)
					}
				}
			}
		}
		for route := range left {
			t.Errorf("there is no route %s", route)
		}
		for name := range w.members { // whose tokens do nothing here
			if name != "far" {
				w.as(name).shows("the other organization", w.get("/console/organizations/"+authority.PublicID("org", uuid.New())+"/members"), 404)
			}
		}
	})
}

// Every route about an organization that this file doesn't know belongs to
// another part of the console.
func TestPagesOfAnOrganizationAreKnown(t *testing.T) {
	ours := regexp.MustCompile(`^/console/organizations/{organization}/(members|policies|signing-keys|audit|webhooks|settings|projects/{project}/(settings|trust-rules))(/|$)`)
	for _, surface := range console.Surfaces(console.Config{}) {
		for _, route := range surface.Routes {
			if !ours.MatchString(route.Pattern) {
				continue
			}
			if _, known := permitted[route.Method+" "+strings.TrimPrefix(route.Pattern, "/console/organizations/{organization}")]; !known {
				t.Errorf("%s %s isn't in the table", route.Method, route.Pattern)
			}
		}
	}
}
