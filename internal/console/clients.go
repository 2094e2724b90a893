package console

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// clientCard lists the API clients of one kind.
type clientCard struct {
	Kind, Title, Note, Icon string
	Empty, Advice, Make     string
	Rows                    []row
	Used, Most              int
	Withheld                bool // by the operator: they are refused, and none made
	scheme                  string
}

// clientsPage lists the API clients.
type clientsPage struct {
	Cards    []clientCard
	Exchange string // the command that gets a token
}

// clientKinds are the two kinds of API client, the recommended one first.
func clientKinds() []clientCard {
	return []clientCard{
		{Kind: "oauth2", Title: "OAuth2 clients", Note: "Exchange an ID and a secret for a token that lasts an hour.", Icon: "plug", scheme: "betatesting_client",
			Empty: "No OAuth2 client", Advice: "The way for production: short-lived tokens with just the scopes that you ask for.", Make: "Create OAuth2 client"},
		{Kind: "static", Title: "Static token", Note: "One long-lived token with full access, for scripts that can't do OAuth2.", Icon: "token", scheme: "betatesting_static",
			Empty: "No static token", Advice: "Prefer an OAuth2 client: its tokens last an hour and carry only the scopes that you ask for.", Make: "Create static token"},
	}
}

func (c *console) clients(r *edge.Request, _ edge.None) (edge.Page, error) {
	policy, err := c.authority.Policy(r.Context(), &r.Principal, r.Principal.Organization)
	if err != nil {
		return edge.Page{}, err
	}
	cards := clientKinds()
	for i := range cards {
		cards[i].Withheld = policy.Withholds(c.authority.Schemes().ByName(cards[i].scheme))
		found, err := c.list(r, cards[i].scheme)
		if err != nil {
			return edge.Page{}, err
		}
		cards[i].Used, cards[i].Most = inUse(found), c.most(cards[i].scheme)
		for j := range found {
			cards[i].Rows = append(cards[i].Rows, c.rowOf(&found[j], base(r)+"/integrations"))
			if last := &cards[i].Rows[j]; last.State == credential.Revoked {
				last.Chip.Word = "Deleted"
			}
		}
	}
	return c.render(r, "clients", page{Title: "Integrations", Body: clientsPage{cards, exchange(c.url)}})
}

// clientForm is the form of a new API client, as it is filled in.
type clientForm struct {
	Once, Kind, Name, Addresses string
	Read, Write                 bool
	Kinds                       []choice
	Problems                    []trouble
}

// Problem finds what is wrong with a field.
func (f clientForm) Problem(field string) *trouble { return problemOf(f.Problems, field) }

func (c *console) newClient(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showClientForm(r, clientForm{Once: rand.Text(), Kind: r.Param("kind"), Read: true})
}

func (c *console) showClientForm(r *edge.Request, f clientForm) (edge.Page, error) {
	for _, kind := range clientKinds() {
		found, err := c.list(r, kind.scheme)
		if err != nil {
			return edge.Page{}, err
		}
		left := max(0, c.most(kind.scheme)-inUse(found))
		k := choice{Value: kind.Kind, Title: "OAuth2", Full: left == 0, Checked: f.Kind == kind.Kind,
			Note: fmt.Sprintf("Recommended for production. Client ID and secret; tokens last an hour and carry the scopes you pick. %d of %d left.", left, c.most(kind.scheme))}
		if kind.Kind == "static" {
			k.Title, k.Note = "Static Token", fmt.Sprintf("One token, full read and write, valid until you delete it. %d of %d left.", left, c.most(kind.scheme))
		}
		if k.Full {
			k.Note = fmt.Sprintf("There may be %d, and there are: delete one to make another.", c.most(kind.scheme))
			k.Checked = false
		}
		f.Kinds = append(f.Kinds, k)
	}
	if f.Kind == "" { // the recommended one, while there is room
		f.Kinds[0].Checked = !f.Kinds[0].Full
		f.Kinds[1].Checked = f.Kinds[0].Full && !f.Kinds[1].Full
	}
	out, err := c.render(r, "newclient", page{Title: "Create API client", Body: f})
	if f.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// request is what a form asks for.
func (f *clientForm) request() authority.IssueRequest {
	req := authority.IssueRequest{Name: f.Name, Addresses: strings.Fields(f.Addresses)}
	switch f.Kind {
	case "static":
		req.Scheme = "betatesting_static"
	case "oauth2":
		req.Scheme = "betatesting_client"
		if f.Read {
			req.Scopes = append(req.Scopes, "api:read")
		}
		if f.Write {
			req.Scopes = append(req.Scopes, "api:write")
		}
		if req.Scopes == nil {
			f.Problems = append(f.Problems, trouble{"scopes", "Choose what it may ask for: api:read, api:write or both."})
		}
	default:
		f.Problems = append(f.Problems, trouble{"kind", "Choose OAuth2 or Static Token."})
	}
	return req
}

func (c *console) createClient(r *edge.Request, in edge.Values) (edge.Page, error) {
	if err := manages(r); err != nil {
		return edge.Page{}, err
	}
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	form := clientForm{Once: in["once"], Kind: in["kind"], Name: in["name"], Addresses: in["addresses"], Read: in["api:read"] != "", Write: in["api:write"] != ""}
	req := form.request()
	if form.Problems != nil {
		return c.showClientForm(r, form)
	}
	req.Idempotency = once
	made, err := c.authority.Issue(r.Context(), &r.Principal, req)
	f := familyOf(r)
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, f.Base)
	}
	if form.Problems = troubles(err); form.Problems != nil {
		return c.showClientForm(r, form)
	}
	if err != nil {
		return edge.Page{}, err
	}
	heading := "Copy your new token now"
	if made.Credential.ClientID != "" {
		heading = "Copy the client secret now"
	}
	return c.show(r, made, f, heading)
}
