package rest

import (
	"math"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// budgetRoutes are those of what may be spent, and of what was.
func (h *handlers) budgetRoutes() []edge.Route {
	const all, one = "/v1/organizations/{organization}/budgets", "/v1/organizations/{organization}/budgets/{budget}"
	read, write := edge.Needs(credential.UsageRead), edge.Needs(credential.UsageRead) // who may write depends on the project
	return []edge.Route{
		edge.Get(all, read, h.listBudgets).Takes("limit", "cursor").CostsNothing().
			Named("listBudgets", "List the budgets of an organization: its own, and those of its projects and credentials.", credential.Invalid),
		edge.Get(one, read, h.getBudget).Shown(nil, api.Budget{}).CostsNothing().
			Named("getBudget", "Show the budget of the organization, of a project or of a credential, each by its UUID, and what is left of it."),
		edge.Put(one, write, small, h.setBudget).Shown(nil, api.Budget{}).CostsNothing().
			Named("setBudget", "Say how many coins may be spent in each cycle from the present one on. It takes usage:write.", credential.PreconditionFailed),
		edge.Delete(one, write, h.removeBudget).CostsNothing().
			Named("removeBudget", "Take a budget away, so that nothing bounds what is spent. It takes usage:write.", credential.PreconditionFailed),
		edge.Post(one+"/top-up", write, small, h.topUp).CostsNothing().
			Named("topUpBudget", "Add coins to the present cycle of a budget, and to no other. It takes usage:write.", credential.InProgress, credential.PreconditionFailed),
		edge.Get(one+"/cycles", read, h.listCycles).CostsNothing().
			Named("listBudgetCycles", "List the present cycle of a budget and the twelve before it, the latest first, with what each was used for."),
		edge.Post("/v1/spends/{spend}/settle", edge.Needs(credential.CredentialsVerify), small, h.settle).CostsNothing().
			Named("settleSpend", "Say what a call came to that was verified with a cost, up to a day ago. The rest goes back. It is done once; the same again changes nothing."),
		edge.Get("/v1/ledger/verify", read, h.checkLedger).Takes("organization").CostsNothing().
			Named("verifyLedger", "Check that budgets say what the ledger says: every cycle of each, and every operation."),
	}
}

// shownBudget is a budget in an answer, whose tag isn't one of its members.
type shownBudget struct {
	api.Budget
	tag string
}

// ETag is what If-Match takes.
func (b shownBudget) ETag() string { return b.tag }

func budgetOf(b *store.Budget) api.Budget {
	return api.Budget{Of: api.BudgetOf{Type: string(b.Kind), ID: b.ID.String()}, Coins: b.Coins, Overage: overage(b.Overage), Used: b.Used, ToppedUp: b.ToppedUp,
		Remaining: b.Remaining(), Calls: b.Events, StartedAt: b.Start(b.Cycle), ResetsAt: b.ResetsAt()}
}

func shownBudgetOf(b *store.Budget, err error) (shownBudget, error) {
	if err != nil {
		return shownBudget{}, err
	}
	return shownBudget{budgetOf(b), authority.BudgetVersion(b)}, nil
}

func overage(allowed bool) string {
	if allowed {
		return "allow"
	}
	return "block"
}

// budget reads which budget a route is about.
func (h *handlers) budget(r *edge.Request) (organization, id uuid.UUID, err error) {
	if organization, err = h.organization(r); err != nil {
		return organization, id, err
	}
	if id, err = authority.ParseID(r.PathValue("budget")); err != nil {
		return organization, id, credential.Errorf(credential.NotFound, "there is no budget; set one first")
	}
	return organization, id, nil
}

func (h *handlers) listBudgets(r *edge.Request, _ edge.None) (out api.List[api.Budget], err error) {
	id, err := h.organization(r)
	if err != nil {
		return out, err
	}
	page, err := h.page(r)
	if err != nil {
		return out, err
	}
	list, err := h.authority.Budgets(r.Context(), &r.Principal, id, page.after, page.limit+1)
	return paged(page, list, func(b store.Budget) api.Budget { return budgetOf(&b) }, func(b api.Budget) string { return b.Of.ID }), err
}

func (h *handlers) getBudget(r *edge.Request, _ edge.None) (shownBudget, error) {
	organization, id, err := h.budget(r)
	if err != nil {
		return shownBudget{}, err
	}
	return shownBudgetOf(h.authority.Budget(r.Context(), &r.Principal, organization, id))
}

func (h *handlers) setBudget(r *edge.Request, in api.SetBudget) (shownBudget, error) {
	organization, id, err := h.budget(r)
	if err != nil {
		return shownBudget{}, err
	}
	if in.Coins == nil {
		return shownBudget{}, credential.InvalidField("coins", "must be there")
	}
	change := authority.BudgetChange{Coins: *in.Coins, Overage: in.Overage == "allow"}
	if in.Overage != "" && in.Overage != "allow" && in.Overage != "block" {
		return shownBudget{}, &credential.Error{Kind: credential.Invalid, Field: "overage", Detail: "must be block or allow", Allowed: []string{"block", "allow"}}
	}
	return shownBudgetOf(h.authority.SetBudget(r.Context(), &r.Principal, organization, id, change))
}

func (h *handlers) removeBudget(r *edge.Request, _ edge.None) (api.Empty, error) {
	organization, id, err := h.budget(r)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, h.authority.RemoveBudget(r.Context(), &r.Principal, organization, id)
}

func (h *handlers) topUp(r *edge.Request, in api.TopUp) (api.Budget, error) {
	organization, id, err := h.budget(r)
	if err != nil {
		return api.Budget{}, err
	}
	b, err := h.authority.TopUp(r.Context(), &r.Principal, organization, id, authority.TopUpRequest{Coins: in.Coins, Idempotency: r.Idempotency()})
	if err != nil {
		return api.Budget{}, err
	}
	return budgetOf(b), nil
}

func (h *handlers) listCycles(r *edge.Request, _ edge.None) (out api.List[api.BudgetCycle], err error) {
	organization, id, err := h.budget(r)
	if err != nil {
		return out, err
	}
	cycles, err := h.authority.BudgetCycles(r.Context(), &r.Principal, organization, id)
	for _, c := range cycles {
		shown := api.BudgetCycle{StartedAt: c.StartsAt, EndsAt: c.EndsAt, Coins: c.Coins, ToppedUp: c.ToppedUp, Used: c.Used, Calls: c.Events, Operations: []api.BudgetOperation{}}
		for _, o := range c.Operations {
			shown.Operations = append(shown.Operations, api.BudgetOperation{Operation: o.Operation, Used: o.Used, Calls: o.Events, Percent: c.Percent(o)})
		}
		out.Items = append(out.Items, shown)
	}
	return out, err
}

func (h *handlers) settle(r *edge.Request, in api.SettleSpend) (api.Spend, error) {
	id, err := authority.ParseID(r.PathValue("spend"))
	if err != nil {
		return api.Spend{}, credential.Errorf(credential.NotFound, "no such spend")
	}
	if in.Cost == nil {
		return api.Spend{}, credential.InvalidField("cost", "must be there")
	}
	receipt, err := h.authority.Settle(r.Context(), &r.Principal, id, *in.Cost)
	if err != nil {
		return api.Spend{}, err
	}
	sp := &receipt.Spend
	return api.Spend{ID: sp.ID.String(), Cost: sp.Cost, Reserved: sp.Reserved, SettledAt: instant(sp.SettledAt)}, nil
}

func (h *handlers) checkLedger(r *edge.Request, _ edge.None) (out api.LedgerProof, err error) {
	organization := uuid.Nil
	if named := r.Param("organization"); named != "" {
		if organization, err = h.organizationID(r, "organization", named); err != nil {
			return out, err
		}
	}
	p, err := h.authority.CheckLedger(r.Context(), &r.Principal, organization)
	if err != nil {
		return out, err
	}
	out = api.LedgerProof{Good: len(p.Mismatches) == 0, Spends: p.Spends, Coins: p.Coins, Cycles: p.Cycles, KeptFrom: instant(p.KeptFrom)}
	for _, m := range p.Mismatches {
		out.Mismatches = append(out.Mismatches, api.LedgerMismatch{Budget: m.Budget.String(), Cycle: m.Cycle, Operation: m.Operation, Coins: m.Coins, Calls: m.Events})
	}
	return out, nil
}

// decidedBudget tells of the budget of a decision; nil where there is none.
func decidedBudget(d *credential.Decision) *api.DecidedBudget {
	b := &d.Budget
	if b.ID == uuid.Nil {
		return nil
	}
	out := &api.DecidedBudget{Of: api.BudgetOf{Type: b.Of, ID: b.ID.String()}, Coins: b.Coins, Used: b.Used, Remaining: b.Remaining, Overage: overage(b.Overage), ResetsAt: b.ResetsAt}
	if d.Code == credential.CodeBudget {
		out.RetryAfter = int64(math.Ceil(b.RetryAfter.Seconds()))
	}
	return out
}
