package console

import (
	"crypto/rand"
	"errors"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// membership is an organization of the user, with where its pages are.
type membership struct {
	store.Membership
	To, Keys, Usage, Leave string
}

// homePage lists the organizations of the user.
type homePage struct {
	Organizations []membership
	Open          bool // whether people make organizations
}

// memberships are the organizations of the user, those joined first first.
func (c *console) memberships(r *edge.Request) ([]membership, error) {
	list, err := c.authority.Memberships(r.Context(), &r.Principal)
	if err != nil {
		return nil, err
	}
	out := make([]membership, len(list))
	for i := range list {
		base := baseOf(&list[i])
		out[i] = membership{list[i], base + "/projects", base + "/keys", base + "/usage", base + "/leave"}
	}
	return out, nil
}

func (c *console) home(r *edge.Request, _ edge.None) (edge.Page, error) {
	list, err := c.memberships(r)
	if err != nil {
		return edge.Page{}, err
	}
	return c.render(r, "home", page{Title: "Your organizations", Body: homePage{list, c.authority.Open()}})
}

// organizationForm makes an organization.
type organizationForm struct {
	Name, Once string
	Open       bool
	Problems   []trouble
}

// Problem finds what is wrong with a field.
func (p organizationForm) Problem(field string) *trouble { return problemOf(p.Problems, field) }

func (c *console) newOrganization(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showNewOrganization(r, organizationForm{})
}

func (c *console) showNewOrganization(r *edge.Request, p organizationForm) (edge.Page, error) {
	p.Open, p.Once = c.authority.Open(), rand.Text()
	out, err := c.render(r, "neworganization", page{Title: "New organization", Body: p})
	if p.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

func (c *console) foundOrganization(r *edge.Request, in edge.Values) (edge.Page, error) {
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	name := in["name"]
	_, err = c.authority.FoundOrganization(r.Context(), &r.Principal, authority.OrganizationChange{Name: &name, Idempotency: once})
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, "/console/")
	}
	if problems := troubles(err); problems != nil {
		return c.showNewOrganization(r, organizationForm{Name: name, Problems: problems})
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, "/console/", "founded")
}
