package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Budgets goes through the budgets of an organization: its own, and those of
// its projects and credentials. It ends after an error.
func (s Organizations) Budgets(ctx context.Context, id string) iter.Seq2[api.Budget, error] {
	return all(ctx, s.c, listing{[]string{"organizations", id, "budgets"}, nil}, byCursor[api.Budget])
}

// Budget returns the budget of the organization, of a project or of a
// credential, which has the id of.
func (s Organizations) Budget(ctx context.Context, id, of string) (api.Budget, error) {
	return ask[api.Budget](ctx, s.c, get("organizations", id, "budgets", of))
}

// SetBudget says how many coins may be spent in each cycle from the present one on.
func (s Organizations) SetBudget(ctx context.Context, id, of string, in api.SetBudget) (api.Budget, error) {
	return ask[api.Budget](ctx, s.c, to(http.MethodPut, "organizations", id, "budgets", of).with(in, ""))
}

// RemoveBudget takes a budget away, so that nothing bounds what is spent.
func (s Organizations) RemoveBudget(ctx context.Context, id, of string) error {
	return s.c.Do(ctx, to(http.MethodDelete, "organizations", id, "budgets", of))
}

// TopUp adds coins to the present cycle of a budget. Under one key it is done once.
func (s Organizations) TopUp(ctx context.Context, id, of string, in api.TopUp, key string) (api.Budget, error) {
	return ask[api.Budget](ctx, s.c, post("organizations", id, "budgets", of, "top-up").with(in, key))
}

// BudgetCycles returns the present cycle of a budget and the twelve before it,
// the latest first.
func (s Organizations) BudgetCycles(ctx context.Context, id, of string) (api.List[api.BudgetCycle], error) {
	return ask[api.List[api.BudgetCycle]](ctx, s.c, get("organizations", id, "budgets", of, "cycles"))
}

// VerifyLedger checks that the budgets of an organization, or (empty) of all
// that the caller reaches, say what the ledger says.
func (c *Client) VerifyLedger(ctx context.Context, organization string) (api.LedgerProof, error) {
	r := get("ledger", "verify")
	if organization != "" {
		r = r.where("organization", organization)
	}
	return ask[api.LedgerProof](ctx, c, r)
}
