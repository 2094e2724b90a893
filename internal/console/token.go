package console

import (
	"slices"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// accountTokens is the page of somebody's own tokens, in all organizations.
const accountTokens = "/console/account/tokens"

// tokenRoutes are the pages of personal tokens, of the credentials of projects,
// and what one does to a credential.
func (c *console) tokenRoutes() []edge.Route {
	read, write := edge.Needs(credential.CredentialsRead), edge.Needs(credential.CredentialsWrite)
	routes := []edge.Route{
		shows(organization+"/keys", read, c.keys, "state", "mode", "q", "after"),
		shows(organization+"/keys/new", write, c.newKey, "from", "name", "mode", "scopes", "expires"),
		edge.Form(organization+"/keys", write, most, c.guarded(c.createKey)),
		shows(organization+"/integrations", read, c.clients),
		edge.Get(organization+"/integrations/new", write, c.newClient).Takes("kind"),
		edge.Form(organization+"/integrations", write, most, c.guarded(c.createClient)),
		shows(accountTokens, edge.Authenticated, c.ownTokens, "scheme", "state", "q", "after"),
		shows(accountTokens+"/new", edge.Authenticated, c.whereToMake),
		shows(organization+"/keys/personal", read, c.tokensHere, "scheme", "state", "q", "after"),
		shows(organization+"/keys/projects", read, c.projectKeys, "after"),
		edge.Form(organization+"/keys/bulk", write, most, c.askBulk),
		edge.Form(organization+"/keys/bulk-revoke", write, most, c.bulkRevoke),
		edge.Form(organization+"/keys/bulk-rotate", write, most, c.guarded(c.bulkRotate)),
		shows("/console/find", edge.Authenticated, c.findPage),
		edge.Form("/console/find", edge.Authenticated, mostTrace, c.trace).LimitedByAddress(),

		shows(organization+"/projects/{project}/credentials", read, c.projectCredentials, "scheme", "state", "q", "after"),
		shows(organization+"/projects/{project}/credentials/new", write, c.newProjectCredential, "kind", "from"),
		edge.Form(organization+"/projects/{project}/credentials", write, most, c.guarded(c.createProjectCredential)),
	}
	for _, own := range []string{"/tokens", "/personal"} {
		routes = append(routes,
			shows(organization+own+"/new", write, c.newToken, "scheme", "from", "next"),
			edge.Form(organization+own, write, most, c.guarded(c.createToken)))
	}
	for _, of := range []string{"/keys", "/tokens", "/personal", "/integrations", "/projects/{project}/credentials"} {
		one, end := organization+of+"/{credential}", "/delete"
		if of == "/keys" {
			end = "/revoke"
		}
		routes = append(routes,
			shows(one, read, c.key, "before"),
			edge.Get(one+"/rotate", write, c.askRotate),
			edge.Form(one+"/rotate", write, most, c.guarded(c.rotate)),
			edge.Get(one+end, write, c.askRevoke),
			edge.Form(one+end, write, most, c.revoke),
			edge.Get(one+"/edit", write, c.editKey),
			edge.Form(one+"/edit", write, most, c.guarded(c.saveKey)),
			edge.Form(one+"/suspend", write, most, c.suspendKey),
			edge.Form(one+"/resume", write, most, c.guarded(c.resumeKey)))
	}
	return routes
}

// tokenRows is how many tokens a page lists.
const tokenRows = 50

// tokensPage lists the tokens that are somebody's own.
type tokensPage struct {
	Heading, Text string
	Tabs          []tab // of the organization's pages of keys
	List          *listing
	Rows          []row
	New, Make     string // where one is made, and what the button says; empty for who makes none
	Due           *ending
	Several       bool // whether they are of several organizations
}

// ownTokens lists those of all organizations.
func (c *console) ownTokens(r *edge.Request, _ edge.None) (edge.Page, error) {
	memberships, err := c.authority.Memberships(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	p := tokensPage{Heading: "Manage API Tokens", Make: "New Token", Several: len(memberships) > 1,
		Text: "A personal token acts as you, for scripts, integrations and pipelines. It can do what you can, and stops when your account does."}
	makers := slices.DeleteFunc(slices.Clone(memberships), makesNone)
	switch len(makers) {
	case 0:
	case 1:
		p.New = baseOf(&makers[0]) + "/tokens/new"
	default:
		p.New = accountTokens + "/new"
	}
	err = c.fillTokens(r, &p, tokenSource{
		to: accountTokens,
		read: func(req authority.ListRequest) ([]authority.Detail, error) {
			return c.authority.OwnTokens(r.Context(), &r.Principal, req)
		},
		row: func(d *authority.Detail) row {
			out := c.rowOf(d, "")
			i := slices.IndexFunc(memberships, func(m store.Membership) bool { return m.ID == d.Credential.Organization })
			if i < 0 { // one that isn't there any more
				out.To, out.Own = "", false
				return out
			}
			acts := baseOf(&memberships[i]) + "/tokens"
			out.To, out.Owner, out.Own = acts+"/"+out.ID, memberships[i].Name, !makesNone(memberships[i])
			if out.Own {
				out.Again = acts + "/new?from=" + out.ID
			}
			return out
		},
	})
	if err != nil {
		return edge.Page{}, err
	}
	return c.render(r, "tokens", page{Title: p.Heading, Body: p})
}

// makesNone reports whether somebody makes no tokens in an organization.
func makesNone(m store.Membership) bool {
	return !m.Role.Permissions().Has(credential.CredentialsWrite)
}

// tokensHere lists those of the organization in the path.
func (c *console) tokensHere(r *edge.Request, _ edge.None) (edge.Page, error) {
	p := tokensPage{Heading: "API keys", Make: "Generate New Token", Tabs: keyTabs(r),
		Text: "Your own tokens in this organization. A token can do what you can here, for the REST API, the reporter in a pipeline, and other programs."}
	if r.Principal.Permissions.Has(credential.CredentialsWrite) {
		p.New = base(r) + "/personal/new"
	}
	f := family{Acts: base(r) + "/personal", End: "delete", owner: credential.OwnedByUser}
	err := c.fillTokens(r, &p, tokenSource{
		to: base(r) + "/keys/personal",
		read: func(req authority.ListRequest) ([]authority.Detail, error) {
			req.Organization, req.User = r.Principal.Organization, &authority.UserRef{ID: r.Principal.Subject}
			return c.authority.List(r.Context(), &r.Principal, req)
		},
		row: func(d *authority.Detail) row { return c.rowIn(r, d, &f) },
	})
	if err != nil {
		return edge.Page{}, err
	}
	return c.render(r, "tokens", page{Title: p.Heading, Body: p})
}

// keyTabs are the pages of an organization's keys, as far as somebody sees them.
func keyTabs(r *edge.Request) (list []tab) {
	to, path := base(r)+"/keys", r.URL.Path
	if r.Principal.Role.Manages() {
		list = append(list, tab{Title: "Organization keys", To: to, Current: path == to})
	}
	return append(list, tab{Title: "My tokens", To: to + "/personal", Current: path == to+"/personal"},
		tab{Title: "Keys of projects", To: to + "/projects", Current: path == to+"/projects"})
}

// tokenSource is where a list of tokens comes from.
type tokenSource struct {
	to   string
	read func(authority.ListRequest) ([]authority.Detail, error)
	row  func(*authority.Detail) row
}

// fillTokens reads a page of tokens.
func (c *console) fillTokens(r *edge.Request, p *tokensPage, from tokenSource) error {
	schemes := c.schemesOf(credential.OwnedByUser)
	p.List = listed(r, "Tokens", from.to, "scheme", "state", "q")
	p.List.search("Name or partial token")
	p.List.tab("All", "scheme", "", 0)
	for _, name := range schemes {
		p.List.tab(schemeTitle(name), "scheme", name, 0)
	}
	p.List.filter("state", "State", choice{Title: "Any state"}, choice{Value: "active", Title: "Active"}, choice{Value: "ending", Title: "End soon"}, choice{Value: "expired", Title: "Expired"})
	req := authority.ListRequest{Schemes: schemes, Text: p.List.Q, Soon: soon, Limit: tokenRows + 1}
	if name := r.Param("scheme"); name != "" {
		if !slices.Contains(schemes, name) {
			return credential.InvalidField("scheme", "must be that of a personal token")
		}
		req.Schemes = []string{name}
	}
	if err := stateOf(r, &req); err != nil {
		return err
	}
	found, err := from.read(req)
	if err != nil {
		return err
	}
	p.List.page(found, tokenRows)
	for i := range found[:min(len(found), tokenRows)] {
		if found[i].Credential != nil {
			p.Rows = append(p.Rows, from.row(&found[i]))
		}
	}
	ends, err := from.read(authority.ListRequest{Schemes: schemes, Part: store.Ending, Soon: 16 * day24, Limit: tokenRows})
	for i := range ends {
		if ends[i].Credential == nil {
			continue
		}
		if one := from.row(&ends[i]); one.Attention && (p.Due == nil || one.Expires.Before(p.Due.At)) {
			p.Due = &ending{one.Name + " ends " + within(c.authority.Now(), one.Expires) + ".", "", one.Expires}
			if one.Again != "" {
				p.Due.To = one.Again + "&next=1"
			}
		}
	}
	return err
}

// stateOf reads which states a list is asked for, and from where on.
func stateOf(r *edge.Request, req *authority.ListRequest) error {
	switch r.Param("state") {
	case "":
		req.Part = store.Kept
	case "active":
		req.Part = store.Working
	case "ending":
		req.Part = store.Ending
	case "expired":
		req.State = credential.Expired
	default:
		return credential.InvalidField("state", "must be active, ending or expired")
	}
	return afterOf(r, req)
}

// afterOf reads from where on a list is asked for.
func afterOf(r *edge.Request, req *authority.ListRequest) (err error) {
	if text := r.Param("after"); text != "" {
		if req.Before, err = uuid.Parse(text); err != nil {
			return credential.InvalidField("after", "must be an id of this list")
		}
	}
	return nil
}

// page is the way to the next page of credentials, of which at most many are shown.
func (l *listing) page(found []authority.Detail, many int) {
	if len(found) <= many {
		return
	}
	last := &found[many-1]
	id := last.Damaged
	if last.Credential != nil {
		id = last.Credential.ID
	}
	l.after(true, id.String())
}

// schemesOf are the names of the schemes whose credentials have a sort of owner.
func (c *console) schemesOf(owner credential.OwnerType) (names []string) {
	for _, s := range c.authority.Schemes().All() {
		if s.Owner == owner {
			names = append(names, s.Name)
		}
	}
	return names
}

// whereToMake lets somebody who is in several organizations choose one.
func (c *console) whereToMake(r *edge.Request, _ edge.None) (edge.Page, error) {
	memberships, err := c.authority.Memberships(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	var list []membership
	for _, m := range memberships {
		if !makesNone(m) {
			list = append(list, membership{Membership: m, To: baseOf(&m) + "/tokens/new"})
		}
	}
	return c.render(r, "wheretoken", page{Title: "New Token", Body: list})
}
