package console

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// allOrganizationsPage lists the organizations of the installation.
type allOrganizationsPage struct {
	List *listing
	Rows []organizationRow
}

// organizationRow is an organization in the list.
type organizationRow struct {
	Name, Slug, To       string
	Members, Credentials int
	Created              time.Time
	Chip                 chip
	Suspended            time.Time
}

func (c *console) allOrganizations(r *edge.Request, _ edge.None) (edge.Page, error) {
	f := store.OrganizationFilter{Text: strings.TrimSpace(r.Param("q")), Suspended: r.Param("state") == "suspended", Limit: pageRows + 1}
	if state := r.Param("state"); state != "" && state != "suspended" {
		return edge.Page{}, credential.InvalidField("state", "must be suspended")
	}
	var err error
	if f.After, err = afterID(r); err != nil {
		return edge.Page{}, err
	}
	found, err := c.authority.FindOrganizations(r.Context(), &r.Principal, f)
	if err != nil {
		return edge.Page{}, err
	}
	p := allOrganizationsPage{List: listed(r, "Organizations", toOperator, "q", "state")}
	p.List.tab("All", "state", "", 0)
	p.List.tab("Suspended", "state", "suspended", 0)
	p.List.search("Name or slug")
	for i := range found[:min(len(found), pageRows)] {
		p.Rows = append(p.Rows, organizationRowOf(&found[i]))
	}
	if len(found) > pageRows {
		p.List.after(true, found[pageRows-1].ID.String())
	}
	return c.renderOperator(r, "operator", page{Title: "Organizations", Body: p})
}

func organizationRowOf(o *store.ListedOrganization) organizationRow {
	return organizationRow{
		Name: o.Name, Slug: o.Slug, To: operated(o.ID), Members: o.Members, Credentials: o.Credentials,
		Created: o.CreatedAt, Chip: organizationChip(&o.Organization), Suspended: o.SuspendedAt,
	}
}

func organizationChip(o *store.Organization) chip {
	if o.SuspendedAt.IsZero() {
		return chip{"ok", "dot", "Active"}
	}
	return chip{"warn", "pause", "Suspended"}
}

// oneOrganizationPage lists the credentials of an organization.
type oneOrganizationPage struct {
	Name, Slug string
	Chip       chip
	Suspended  time.Time
	List       *listing
	Rows       []credentialRow
}

// credentialRow is a credential in the operator's list.
type credentialRow struct {
	row
	Scheme  string
	LastUse string
	From    []string // the first of the addresses that it may be used from
	More    int      // how many there are beside
	Damaged bool     // and nothing but its ID is known
}

// mostFrom is how many addresses of a credential a list shows.
const mostFrom = 2

// credentialStates are the tabs of the list.
var credentialStates = []struct {
	name  credential.State
	title string
}{{"", "All"}, {credential.Active, "Active"}, {credential.Suspended, "Suspended"}, {credential.Expired, "Expired"}, {credential.Revoked, "Revoked"}}

func (c *console) oneOrganization(r *edge.Request, _ edge.None) (edge.Page, error) {
	id, err := organizationIn(r)
	if err != nil {
		return edge.Page{}, err
	}
	o, err := c.authority.Organization(r.Context(), &r.Principal, id)
	if err != nil {
		return edge.Page{}, err
	}
	p := oneOrganizationPage{Name: o.Name, Slug: o.Slug, Chip: organizationChip(o), Suspended: o.SuspendedAt}
	p.List = listed(r, "Credentials", operated(id), "state", "scheme", "q")
	p.List.search("Name or 4 characters")
	schemes := []choice{{Title: "Every scheme"}}
	for _, s := range c.authority.Schemes().All() {
		schemes = append(schemes, choice{Value: s.Name, Title: s.Name})
	}
	p.List.filter("scheme", "Scheme", schemes...)
	for _, s := range credentialStates {
		p.List.tab(s.title, "state", string(s.name), 0)
	}
	found, err := c.credentialsFor(r, id)
	if err != nil {
		return edge.Page{}, err
	}
	for i := range found[:min(len(found), pageRows)] {
		p.Rows = append(p.Rows, c.credentialRowOf(&found[i], operated(id)+"/credentials"))
	}
	if len(found) > pageRows {
		p.List.after(true, p.Rows[pageRows-1].ID)
	}
	return c.renderOperator(r, "operatororg", page{Title: o.Name, Body: p})
}

// credentialsFor finds the credentials that the query asks for.
func (c *console) credentialsFor(r *edge.Request, organization uuid.UUID) ([]authority.Detail, error) {
	f := authority.ListRequest{Organization: organization, Scheme: r.Param("scheme"), State: credential.State(r.Param("state")), Text: strings.TrimRight(strings.TrimSpace(r.Param("q")), ".…"), Limit: pageRows + 1}
	if f.Scheme != "" && c.authority.Schemes().ByName(f.Scheme) == nil {
		return nil, credential.InvalidField("scheme", "no such scheme")
	}
	if !slices.ContainsFunc(credentialStates, func(s struct {
		name  credential.State
		title string
	}) bool {
		return s.name == f.State
	}) {
		return nil, credential.InvalidField("state", "must be active, suspended, expired or revoked")
	}
	var err error
	if f.Before, err = afterID(r); err != nil {
		return nil, err
	}
	return c.authority.List(r.Context(), &r.Principal, f)
}

func (c *console) credentialRowOf(d *authority.Detail, base string) credentialRow {
	if d.Credential == nil {
		return credentialRow{row: row{ID: d.Damaged.String(), Chip: chip{"warn", "warn", "Damaged"}}, Damaged: true}
	}
	out := credentialRow{row: c.rowOf(d, base), Scheme: d.Credential.Scheme.Name, LastUse: "Never used"}
	if out.Used != nil {
		out.LastUse = "Used " + strings.ToLower(out.Used.Ago[:1]) + out.Used.Ago[1:]
	}
	for i, a := range d.Credential.AllowedAddresses {
		if i < mostFrom {
			out.From = append(out.From, a.String())
		} else {
			out.More++
		}
	}
	return out
}
