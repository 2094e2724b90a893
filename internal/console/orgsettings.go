package console

import (
	"strconv"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// settingRoutes are the pages about the organization itself.
func (c *console) settingRoutes() []edge.Route {
	read, write := edge.Needs(credential.OrganizationRead), edge.Needs(credential.OrganizationWrite)
	return []edge.Route{
		shows(organization+"/signing-keys", edge.Authenticated, c.signingKeys),
		shows(organization+"/settings", read, c.settings),
		edge.Form(organization+"/settings", write, most, c.guarded(c.setSettings)),
		edge.Form(organization+"/settings/limits", write, most, c.guarded(c.setLimits)),
		shows(organization+"/settings/delete", write, c.askDeleteOrganization),
		edge.Form(organization+"/settings/delete", write, most, c.guarded(c.deleteOrganization)),
	}
}

// settingsPage is what is said of an organization.
type settingsPage struct {
	Name, Slug, Description      string
	IDs                          []copyable
	Changes, Owns                bool
	Requests, Window, PerAddress string
	Windows                      []choice
	Problems                     []trouble
}

// Problem finds what is wrong with a field.
func (p settingsPage) Problem(field string) *trouble { return problemOf(p.Problems, field) }

func (c *console) settings(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showSettings(r, nil, nil)
}

func (c *console) showSettings(r *edge.Request, in edge.Values, problems []trouble) (edge.Page, error) {
	o, err := c.authority.Organization(r.Context(), &r.Principal, r.Principal.Organization)
	if err != nil {
		return edge.Page{}, err
	}
	limits, err := c.authority.OrganizationLimits(r.Context(), &r.Principal, o.ID)
	if err != nil {
		return edge.Page{}, err
	}
	p := settingsPage{
		Name: o.Name, Slug: o.Slug, Description: o.Description, Changes: r.Principal.Role.Manages(), Owns: r.Principal.Role == credential.Owner, Problems: problems,
		IDs: []copyable{
			{"org-number", strconv.FormatInt(o.Number, 10), "Number", "The command line"},
			{"org-public", authority.PublicID("org", o.ID), "Organization ID", "BunShip’s API"},
			{"org-uuid", o.ID.String(), "UUID", "Every API"},
		},
		Windows: windowsFor(limits.Window),
	}
	if limits.Requests > 0 {
		p.Requests = strconv.Itoa(limits.Requests)
	}
	if limits.AddressRate > 0 {
		p.PerAddress = strconv.Itoa(limits.AddressRate)
	}
	switch {
	case in["window"] != "":
		p.Requests, p.PerAddress = in["requests"], in["address_requests"]
		chosen(in["window"], p.Windows)
	case in != nil:
		p.Name, p.Slug, p.Description = in["name"], in["slug"], in["description"]
	}
	out, err := c.render(r, "settings", page{Title: "Settings", Body: p})
	if problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

func (c *console) setSettings(r *edge.Request, in edge.Values) (edge.Page, error) {
	name, slug, description := in["name"], in["slug"], in["description"]
	_, err := c.authority.UpdateOrganization(r.Context(), &r.Principal, r.Principal.Organization, authority.OrganizationChange{Name: &name, Slug: &slug, Description: &description})
	problems, err := mend(err, map[string]string{"name": "The name", "slug": "The short name", "description": "The description"})
	if err != nil {
		return edge.Page{}, err
	}
	if problems != nil {
		return c.showSettings(r, in, problems)
	}
	return c.done(r, base(r)+"/settings", "saved")
}

func (c *console) setLimits(r *edge.Request, in edge.Values) (edge.Page, error) {
	rate, err := rateOf(in)
	limits := credential.Limits{Rate: rate}
	if text := in["address_requests"]; err == nil && text != "" {
		if limits.AddressRate, err = strconv.Atoi(text); err != nil {
			err = credential.InvalidField("address_requests", "must be a whole number, or nothing for no limit")
		}
	}
	if err == nil {
		err = c.authority.SetOrganizationLimits(r.Context(), &r.Principal, r.Principal.Organization, limits)
	}
	problems, err := mend(err, map[string]string{"requests": "The requests", "window": "The time", "address_requests": "The requests of an address"})
	if err != nil {
		return edge.Page{}, err
	}
	if problems != nil {
		return c.showSettings(r, in, problems)
	}
	return c.done(r, base(r)+"/settings", "saved")
}

// owns lets nobody delete an organization but an owner.
func owns(r *edge.Request) error {
	if !r.Principal.SignedIn() || r.Principal.Role != credential.Owner {
		return credential.Errorf(credential.Forbidden, "an organization is deleted by an owner; ask one of yours")
	}
	return nil
}

func (c *console) askDeleteOrganization(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showDeleteOrganization(r, nil)
}

func (c *console) showDeleteOrganization(r *edge.Request, problems []trouble) (edge.Page, error) {
	if err := owns(r); err != nil {
		return edge.Page{}, err
	}
	o, err := c.authority.Organization(r.Context(), &r.Principal, r.Principal.Organization)
	if err != nil {
		return edge.Page{}, err
	}
	return c.sure(r, surePage{
		Heading: "Delete " + o.Name + "?", To: r.URL.Path, Do: "Delete organization", Keep: "Keep organization", Danger: true, Typed: o.Name, Problems: problems,
		Back: base(r) + "/settings", BackTitle: "Settings",
		Texts: []string{"Every credential of it gets 401 from the next request on, its webhooks are off, and nobody sees it any more, you included. This can't be taken back."},
		Facts: []fact{{Title: "Organization", Text: strconv.FormatInt(o.Number, 10)}},
		Hint:  "Nobody’s account is deleted by it.",
	})
}

func (c *console) deleteOrganization(r *edge.Request, in edge.Values) (edge.Page, error) {
	if err := owns(r); err != nil {
		return edge.Page{}, err
	}
	o, err := c.authority.Organization(r.Context(), &r.Principal, r.Principal.Organization)
	if err != nil {
		return edge.Page{}, err
	}
	if problems := mistyped(in, o.Name); problems != nil {
		return c.showDeleteOrganization(r, problems)
	}
	if err := c.authority.DeleteOrganization(r.Context(), &r.Principal, o.ID); err != nil {
		return edge.Page{}, err
	}
	return c.done(r, "/console/", "organization-deleted")
}
