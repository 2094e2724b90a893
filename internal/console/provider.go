package console

import (
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// mostKnown is how many people are on a page whom a provider knows.
const mostKnown = 50

// providerPage is the page of the provider of an organization.
type providerPage struct {
	Found, May        bool // there is one; who looks may change it
	Issuer, ClientID  string
	Domains           string
	Role              string
	AdmitNew, Active  bool
	Roles             []choice
	Redirect, Link    string
	Failure, FailedAt string
	Known             []knownRow
	More, First       string // other pages of them
	Chip              chip
	Problems          []trouble
	Issuers           []helped
}

// helped says how a provider is set up.
type helped struct{ Name, Text, Issuer string }

// Problem is what is wrong with a field; nil for nothing.
func (p providerPage) Problem(field string) *trouble { return problemOf(p.Problems, field) }

// usualProviders are those that most people have.
var usualProviders = []helped{
	{"Keycloak", "Clients, Create client, OpenID Connect: turn Client authentication and Standard flow on. The secret is under Credentials. Users need Email verified.", "https://keycloak.example.com/realms/acme"},
	{"Okta", "Applications, Create App Integration, OIDC, Web Application.", "https://acme.okta.com"},
	{"Google Workspace", "In the Google Cloud console, Google Auth Platform: audience Internal, then create a client of type Web application.", "https://accounts.google.com"},
	{"Microsoft Entra ID", "App registrations, New registration, platform Web. Under Token configuration add the optional claims email and xms_edov to the ID token: without the second it doesn’t say that an address is verified.", "https://login.microsoftonline.com/TENANT/v2.0"},
	{"Authentik, ZITADEL, Auth0", "Make a confidential web application with the authorization code flow. The issuer stands in its OpenID configuration document.", ""},
}

func (c *console) provider(r *edge.Request, _ edge.None) (edge.Page, error) {
	p := providerPage{AdmitNew: true, Active: true, Role: string(credential.Member)}
	found, err := c.authority.Provider(r.Context(), &r.Principal, r.Principal.Organization)
	switch {
	case errors.Is(err, credential.NotFound):
	case err != nil:
		return edge.Page{}, err
	default:
		p.Found, p.Issuer, p.ClientID, p.Domains, p.Role = true, found.Issuer, found.ClientID, strings.Join(found.Domains, "\n"), string(found.Role)
		p.AdmitNew, p.Active = found.AdmitNew, found.Active
		if found.Failure != "" {
			p.Failure, p.FailedAt = stop(found.Failure), when(found.At)
		}
	}
	return c.showProvider(r, p)
}

// showProvider writes the page, with who is known beside what is filled in.
func (c *console) showProvider(r *edge.Request, p providerPage) (edge.Page, error) {
	p.May, p.Redirect, p.Issuers = mayProvide(r), c.authority.ProviderCallback(), usualProviders
	p.Link = strings.TrimSuffix(c.url, "/") + "/console/sign-in/by/" + authority.PublicID("org", r.Principal.Organization)
	p.Roles = chosen(p.Role, []choice{
		{Value: "member", Title: "Members", Note: "They see the projects that they are added to, and public ones."},
		{Value: "guest", Title: "Guests", Note: "They read what they are added to, and change nothing."},
	})
	p.Chip = chip{"", "pause", "Off"}
	if p.Active {
		p.Chip = chip{"ok", "dot", "On"}
	}
	if p.Found {
		if err := c.fillKnown(r, &p); err != nil {
			return edge.Page{}, err
		}
	}
	out, err := c.render(r, "singlesignon", page{Title: "Single sign-on", Body: p})
	if p.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// fillKnown lists whom the provider knows.
func (c *console) fillKnown(r *edge.Request, p *providerPage) error {
	after := uuid.Nil
	if text := r.Param("after"); text != "" {
		p.First = base(r) + "/sign-in"
		var err error
		if after, err = authority.ParseID(text); err != nil {
			return credential.Errorf(credential.NotFound, "no such page")
		}
	}
	links, err := c.authority.ProviderLinks(r.Context(), &r.Principal, r.Principal.Organization, after, mostKnown+1)
	if err != nil {
		return err
	}
	if len(links) > mostKnown {
		links = links[:mostKnown]
		p.More = base(r) + "/sign-in?after=" + links[mostKnown-1].User.String()
	}
	for _, l := range links {
		p.Known = append(p.Known, knownRow{l, ago(c.authority.Now(), l.UsedAt)})
	}
	return nil
}

func (c *console) setProvider(r *edge.Request, in edge.Values) (edge.Page, error) {
	p := providerPage{
		Issuer: strings.TrimSpace(in["issuer"]), ClientID: strings.TrimSpace(in["client"]), Domains: in["domains"], Role: in["role"],
		AdmitNew: in["admit"] == "on", Active: in["active"] == "on",
	}
	_, err := c.authority.SetProvider(r.Context(), &r.Principal, r.Principal.Organization, authority.ProviderRequest{
		Issuer: p.Issuer, ClientID: p.ClientID, Secret: strings.TrimSpace(c.authority.OpenForm(&r.Principal, in["secret-client"])), Domains: strings.FieldsFunc(p.Domains, betweenDomains),
		Role: credential.Role(p.Role), AdmitNew: p.AdmitNew, Active: p.Active,
	})
	if p.Problems = troubles(err); p.Problems != nil {
		_, missing := c.authority.Provider(r.Context(), &r.Principal, r.Principal.Organization)
		p.Found = missing == nil
		return c.showProvider(r, p)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, base(r)+"/sign-in", "provider")
}

// betweenDomains is what stands between domains that somebody types.
func betweenDomains(c rune) bool { return strings.ContainsRune(" ,;\t\r\n", c) }

func (c *console) askDeleteProvider(r *edge.Request, _ edge.None) (edge.Page, error) {
	found, err := c.authority.Provider(r.Context(), &r.Principal, r.Principal.Organization)
	if err != nil {
		return edge.Page{}, err
	}
	if !mayProvide(r) {
		return edge.Page{}, credential.Errorf(credential.Forbidden, "an owner decides by whom people sign in")
	}
	return c.render(r, "confirm", page{Title: "Delete provider", Body: confirmPage{
		Heading: "Delete the provider?", To: r.URL.Path, Back: base(r) + "/sign-in", BackTitle: "Single sign-on", Do: "Delete provider", Keep: "Keep it", Danger: true,
		Text:  "Nobody signs in by it any more, and who did is signed out now. Accounts, memberships and tokens stay. People without a password need a new one.",
		Hint:  "To stop it for a while, turn it off instead: then it still knows who is who.",
		Facts: []fact{{Title: "Provider", Text: found.Issuer}},
	}})
}

func (c *console) deleteProvider(r *edge.Request, _ edge.Values) (edge.Page, error) {
	if err := c.authority.DeleteProvider(r.Context(), &r.Principal, r.Principal.Organization); err != nil && !errors.Is(err, credential.NotFound) {
		return edge.Page{}, err
	}
	return c.done(r, base(r)+"/sign-in", "provider-deleted")
}

func (c *console) forgetLink(r *edge.Request, in edge.Values) (edge.Page, error) {
	user, err := authority.ParseID(in["user"])
	if err != nil {
		return edge.Page{}, credential.Errorf(credential.NotFound, "no such user")
	}
	if err := c.authority.ForgetProviderLink(r.Context(), &r.Principal, r.Principal.Organization, authority.UserRef{ID: user}); err != nil && !errors.Is(err, credential.NotFound) {
		return edge.Page{}, err
	}
	return c.done(r, base(r)+"/sign-in", "provider-forgotten")
}
