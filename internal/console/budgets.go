package console

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// budgetPageRows is how many budgets a page lists.
const budgetPageRows = 50

// budgetsPage lists what has a budget.
type budgetsPage struct {
	Tabs []tab
	List *listing
	Own  string // where the organization's is set; empty where it is listed
	Rows []budgetRow
}

// budgetRow is a budget in a list.
type budgetRow struct {
	Name, Kind, To string
	Meter          meter
	Overage        bool
	Renewed        string
}

func (c *console) budgets(r *edge.Request, _ edge.None) (edge.Page, error) {
	to, after := base(r)+"/budgets", uuid.Nil
	if text := r.Param("after"); text != "" {
		var err error
		if after, err = uuid.Parse(text); err != nil {
			return edge.Page{}, credential.InvalidField("after", "must be the id of a budget")
		}
	}
	organization := r.Principal.Organization
	found, err := c.authority.Budgets(r.Context(), &r.Principal, organization, after, budgetPageRows+1)
	if err != nil {
		return edge.Page{}, err
	}
	p := budgetsPage{Tabs: usageTabs(r), List: listed(r, "Budgets", to), Own: to + "/" + organization.String()}
	more := len(found) > budgetPageRows
	found = found[:min(len(found), budgetPageRows)]
	for i := range found {
		b := &found[i]
		name, err := c.budgetName(r, b.ID)
		if err != nil {
			return edge.Page{}, err
		}
		p.Rows = append(p.Rows, budgetRow{name, string(b.Kind), budgetAddress(r, b), meterOf(b, c.authority.Now()), b.Overage, when(b.ResetsAt())})
		if b.Kind == limit.OfOrganization {
			p.Own = ""
		}
	}
	if len(found) > 0 {
		p.List.after(more, found[len(found)-1].ID.String())
	}
	return c.render(r, "budgets", page{Title: "Budgets", Body: p})
}

// budgetAddress is the page of a budget: projects have one with their calls.
func budgetAddress(r *edge.Request, b *store.Budget) string {
	if b.Kind == limit.OfProject {
		return base(r) + "/usage/" + b.ID.String()
	}
	return base(r) + "/budgets/" + b.ID.String()
}

// budgetName is what the budget with an id is of.
func (c *console) budgetName(r *edge.Request, id uuid.UUID) (string, error) {
	organization := r.Principal.Organization
	if id == organization {
		return "The organization", nil
	}
	project, err := c.authority.Project(r.Context(), &r.Principal, organization, store.ProjectRef{ID: id})
	if err == nil {
		return project.Name, nil
	}
	if !errors.Is(err, credential.NotFound) {
		return "", err
	}
	d, err := c.authority.Get(r.Context(), &r.Principal, id)
	if err != nil {
		return "", err
	}
	if d.Credential == nil || d.Credential.Organization != organization {
		return "", credential.Errorf(credential.NotFound, "no such budget")
	}
	return d.Credential.Name, nil
}

// budgetPage is the budget of an organization or a credential.
type budgetPage struct {
	Tabs     []tab
	To       string
	Set      bool // whether there is one
	Notice   *notice
	Spending spending
	Settings settingsForm
	TopUp    topUpForm
	Problems []trouble
}

// Problem finds what is wrong with a field.
func (p *budgetPage) Problem(field string) *trouble { return problemOf(p.Problems, field) }

// budgetOf reads whose budget the path names.
func budgetOf(r *edge.Request) (uuid.UUID, error) {
	id, err := uuid.Parse(r.PathValue("budget"))
	if err != nil {
		return id, credential.Errorf(credential.NotFound, "no such budget")
	}
	return id, nil
}

func (c *console) budget(r *edge.Request, _ edge.None) (edge.Page, error) {
	id, err := budgetOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	return c.showBudget(r, id, &budgetPage{})
}

// showBudget fills a page in, but for what a form has filled in already.
func (c *console) showBudget(r *edge.Request, id uuid.UUID, p *budgetPage) (edge.Page, error) {
	if err := manages(r); err != nil {
		return edge.Page{}, err
	}
	name, err := c.budgetName(r, id)
	if err != nil {
		return edge.Page{}, err
	}
	organization := r.Principal.Organization
	b, err := c.authority.Budget(r.Context(), &r.Principal, organization, id)
	p.Tabs, p.To, p.Spending.Name, p.TopUp.Once = usageTabs(r), base(r)+"/budgets/"+id.String(), name, rand.Text()
	if err == nil {
		cycles, err := c.authority.BudgetCycles(r.Context(), &r.Principal, organization, id)
		if err != nil {
			return edge.Page{}, err
		}
		p.Set, p.Spending = true, spendingOf(name, b, cycles, c.authority.Now())
		if p.Problems == nil {
			p.Notice = noticeOf(&authority.ProjectUsage{Budget: b, Writes: true}, c.authority.Now())
		}
	} else if !errors.Is(err, credential.NotFound) {
		return edge.Page{}, err
	}
	if !p.Settings.filled {
		p.Settings.Policy = "block"
		if p.Set {
			p.Settings.Budget = strconv.FormatInt(b.Coins, 10)
		}
		if p.Set && b.Overage {
			p.Settings.Policy = "allow"
		}
	}
	out, err := c.render(r, "budget", page{Title: "Budget of " + strings.Replace(name, "The org", "the org", 1), Body: p})
	if p.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// budgetDone answers a form: by the page again where something is to be mended.
func (c *console) budgetDone(r *edge.Request, id uuid.UUID, p *budgetPage, err error) (edge.Page, error) {
	if p.Problems == nil && !errors.Is(err, credential.Forbidden) {
		p.Problems = troubles(err)
	}
	switch {
	case p.Problems != nil:
		return c.showBudget(r, id, p)
	case err != nil:
		return edge.Page{}, err
	}
	return c.done(r, fmt.Sprintf("%s/budgets/%s", base(r), id), "saved")
}

func (c *console) setBudget(r *edge.Request, in edge.Values) (edge.Page, error) {
	id, err := budgetOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	p := &budgetPage{Settings: settingsForm{Budget: in["budget"], Policy: in["overage"], filled: true}}
	const wrong = "Type a whole number of coins, from 0 on."
	coins := whole[int64](&p.Problems, "budget", in["budget"], wrong)
	if coins == nil && p.Problems == nil {
		p.Problems = []trouble{{"budget", wrong}}
	}
	if in["overage"] != "allow" && in["overage"] != "block" {
		p.Problems = append(p.Problems, trouble{"overage", "Choose what happens when nothing is left."})
	}
	if p.Problems == nil {
		_, err = c.authority.SetBudget(r.Context(), &r.Principal, r.Principal.Organization, id, authority.BudgetChange{Coins: *coins, Overage: in["overage"] == "allow"})
	}
	return c.budgetDone(r, id, p, err)
}

func (c *console) topUpBudget(r *edge.Request, in edge.Values) (edge.Page, error) {
	id, err := budgetOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	p := &budgetPage{TopUp: topUpForm{Coins: in["coins"]}}
	coins := coinsToAdd(&p.Problems, in)
	if p.Problems == nil {
		_, err = c.authority.TopUp(r.Context(), &r.Principal, r.Principal.Organization, id, authority.TopUpRequest{Coins: *coins, Idempotency: once})
		if errors.Is(err, authority.ErrDone) {
			err = nil
		}
	}
	return c.budgetDone(r, id, p, err)
}

func (c *console) removeBudget(r *edge.Request, _ edge.Values) (edge.Page, error) {
	id, err := budgetOf(r)
	if err == nil {
		err = c.authority.RemoveBudget(r.Context(), &r.Principal, r.Principal.Organization, id)
	}
	if err != nil && !errors.Is(err, credential.NotFound) {
		return edge.Page{}, err
	}
	return c.done(r, base(r)+"/budgets", "budget-removed")
}
