package console

import (
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// settingsForm is the form of what a project may use, as it is filled in.
type settingsForm struct {
	Budget, Hourly, Other string // Other is a limit by another time than the hour
	Policy                string
	filled                bool
}

func (f *settingsForm) fill(u *authority.ProjectUsage) {
	if rate := u.Rate; rate.Requests > 0 && rate.Window != time.Hour {
		f.Other = grouped(int64(rate.Requests)) + " in " + credential.SpellSpan(rate.Window)
	}
	if f.filled {
		return
	}
	f.Policy, f.Budget = "block", ""
	if u.Budget.Overage {
		f.Policy = "allow"
	}
	if u.Budget.Active {
		f.Budget = strconv.FormatInt(u.Budget.Coins, 10)
	}
	if f.Other == "" {
		f.Hourly = strconv.Itoa(u.Rate.Requests)
	}
}

// Policies are the choices of what happens when nothing is left.
func (f settingsForm) Policies() []choice {
	return chosen(f.Policy, []choice{
		{Value: "block", Title: "Block", Note: "Requests of keys get 429 until the budget is renewed."},
		{Value: "allow", Title: "Allow overage", Note: "They go on beyond the budget, and are counted."},
	})
}

// usedProject reads which project a form is of.
func usedProject(r *edge.Request) (uuid.UUID, *usagePage, error) {
	project, err := authority.ParseID(r.PathValue("project"))
	if err != nil {
		return project, nil, credential.Errorf(credential.NotFound, "no such project")
	}
	return project, &usagePage{}, nil
}

// usageDone answers a form: by the page again where something is to be mended.
func (c *console) usageDone(r *edge.Request, project uuid.UUID, p *usagePage, err error) (edge.Page, error) {
	if p.Problems == nil && !errors.Is(err, credential.Forbidden) {
		p.Problems = troubles(err)
	}
	switch {
	case p.Problems != nil:
		return c.showUsage(r, project, p)
	case err != nil:
		return edge.Page{}, err
	}
	return c.moveTo(r, base(r)+"/usage/"+project.String())
}

// topUpForm is the form by which coins are added, as it is filled in.
type topUpForm struct{ Once, Coins string }

// Problem finds what is wrong with a field.
func (p *usagePage) Problem(field string) *trouble { return problemOf(p.Problems, field) }

// whole reads a whole number; empty is nil.
func whole[N int | int64](problems *[]trouble, field, text, wrong string) *N {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || int64(N(n)) != n {
		*problems = append(*problems, trouble{field, wrong})
		return nil
	}
	value := N(n)
	return &value
}

// coinsToAdd reads how many coins a budget is topped up by.
func coinsToAdd(problems *[]trouble, in edge.Values) *int64 {
	const wrong = "Type a whole number of coins, from 1 on."
	coins := whole[int64](problems, "coins", in["coins"], wrong)
	if coins == nil && *problems == nil {
		*problems = []trouble{{"coins", wrong}}
	}
	return coins
}

func (c *console) setUsage(r *edge.Request, in edge.Values) (edge.Page, error) {
	project, p, err := usedProject(r)
	if err != nil {
		return edge.Page{}, err
	}
	p.Settings = settingsForm{Budget: in["budget"], Hourly: in["hourly"], Policy: in["overage"], filled: true}
	allow := in["overage"] == "allow"
	s := authority.UsageSettings{
		Coins: whole[int64](&p.Problems, "budget", in["budget"], "Type a whole number of coins, from 0 on."), Overage: &allow,
		Hourly: whole[int](&p.Problems, "hourly", in["hourly"], "Type a whole number of requests, or 0 for no limit."),
	}
	if in["budget"] == "" {
		p.Problems = append(p.Problems, trouble{"budget", "Type how many coins each week has."})
	}
	if !allow && in["overage"] != "block" {
		p.Problems = append(p.Problems, trouble{"overage", "Choose what happens when nothing is left."})
	}
	if p.Problems == nil {
		err = c.authority.SetProjectUsage(r.Context(), &r.Principal, r.Principal.Organization, project, s)
	}
	return c.usageDone(r, project, p, err)
}

func (c *console) topUp(r *edge.Request, in edge.Values) (edge.Page, error) {
	project, p, err := usedProject(r)
	if err != nil {
		return edge.Page{}, err
	}
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	p.TopUp.Coins = in["coins"]
	coins := coinsToAdd(&p.Problems, in)
	if p.Problems == nil {
		err = c.authority.TopUpProject(r.Context(), &r.Principal, r.Principal.Organization, project, authority.TopUpRequest{Coins: *coins, Idempotency: once})
		if errors.Is(err, authority.ErrDone) {
			err = nil
		}
	}
	return c.usageDone(r, project, p, err)
}
