package console

import (
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// section is a part of the menu.
type section struct {
	Title string
	Links []link
}

type link struct {
	Title, To, Icon string
	Current         bool
}

// entry is a page in the menu. The address of one about an organization begins
// where its pages do; those alone that Sees permits are listed.
type entry struct {
	title, to, icon string
	sees            func(credential.Role) bool
}

func everybody(credential.Role) bool { return true }

func managers(role credential.Role) bool { return role.Manages() }

func others(role credential.Role) bool { return !role.Manages() }

// parts are the menu about an organization.
var parts = []struct {
	title string
	pages []entry
}{
	{"Workspace", []entry{{"Projects", "/projects", "box", everybody}}},
	{"Credentials", []entry{{"API keys", "/keys", "key", managers}, {"API keys", "/keys/personal", "key", others}, {"Integrations", "/integrations", "plug", managers}, {"Webhooks", "/webhooks", "hook", managers}}},
	{"Activity", []entry{{"Usage & Billing", "/usage", "bars", everybody}, {"Audit log", "/audit", "lines", managers}}},
	{"Organization settings", []entry{{"Members", "/members", "people", everybody}, {"Policies", "/policies", "shield", managers},
		{"Single sign-on", "/sign-in", "lock", managers}, {"Signing keys", "/signing-keys", "seal", managers}, {"Settings", "/settings", "sliders", managers}}},
}

// menu lists the pages that a member may see, those about the organization
// first. Outside of any (nil) there are the user's own.
func menu(m *store.Membership, base, current string) (list []section) {
	if m != nil {
		for _, part := range parts {
			s := section{Title: part.title}
			for _, e := range part.pages {
				if e.sees(m.Role) {
					s.Links = append(s.Links, link{e.title, base + e.to, e.icon, below(current, base+e.to) || e.to == "/usage" && below(current, base+"/budgets")})
				}
			}
			if s.Links != nil {
				list = append(list, s)
			}
		}
	}
	const account, tokens = "/console/account", "/console/account/tokens"
	return append(list, section{"You", []link{
		{"Profile & Account", account, "person", below(current, account) && !below(current, tokens)},
		{"API tokens", tokens, "token", below(current, tokens) || m != nil && below(current, base+"/tokens")},
		{"Organizations", "/console/", "grid", current == "/console/"},
		{"API docs", "/docs", "book", false},
	}})
}

// below reports whether a path is a page or one that it leads to.
func below(path, page string) bool {
	return path == page || strings.HasPrefix(path, page+"/")
}

// place is the project that a page is about, with the tabs of its pages.
type place struct {
	Name, Base string
	Tabs       []link
}

// aspects are the tabs of a project's pages.
var aspects = []link{
	{Title: "Overview"}, {Title: "Issues", To: "/issues"}, {Title: "Test cases", To: "/test-cases"}, {Title: "Cycles", To: "/cycles"},
	{Title: "Runs", To: "/runs"}, {Title: "Tests", To: "/tests"}, {Title: "Credentials", To: "/credentials"},
	{Title: "CI trust", To: "/trust-rules"}, {Title: "Project settings", To: "/settings"},
}

// placeOf is where a page about a project stands.
func placeOf(r *edge.Request, p *store.Project) *place {
	at := &place{Name: p.Name, Base: base(r) + "/projects/" + p.ID.String()}
	for _, a := range aspects {
		if a.To == "/trust-rules" && r.Principal.Role == credential.Guest {
			continue // who looks after no credentials
		}
		t := link{Title: a.Title, To: at.Base + a.To}
		t.Current = below(r.URL.Path, t.To) && (a.To != "" || r.URL.Path == at.Base)
		at.Tabs = append(at.Tabs, t)
	}
	return at
}

// projectOf finds the project that the path names, among those that the user
// sees, and where its pages stand.
func (c *console) projectOf(r *edge.Request) (*store.Project, *place, error) {
	id, err := authority.ParseID(r.PathValue("project"))
	if err != nil {
		return nil, nil, credential.Errorf(credential.NotFound, "no such project")
	}
	p, err := c.authority.Project(r.Context(), &r.Principal, r.Principal.Organization, store.ProjectRef{ID: id})
	if err != nil {
		return nil, nil, err
	}
	return p, placeOf(r, p), nil
}
