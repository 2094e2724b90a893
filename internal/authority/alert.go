package authority

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// alert has people told soon that a budget is used up or nearly so.
func (a *Authority) alert() {
	select {
	case a.alerts <- struct{}{}:
	default: // somebody is about to look already
	}
}

// alertBatch bounds how many budgets are looked at in one go.
const alertBatch = 100

// TellBudgets records for each budget that has reached a level that it has, so
// that webhooks and letters tell of it: once for each level and cycle.
func (a *Authority) TellBudgets(ctx context.Context) (failed error) {
	due, err := a.store.BudgetAlerts(ctx, alertBatch)
	for i := range due {
		if err := a.tellBudget(ctx, &due[i]); err != nil { // one that can't be told keeps no other from it
			failed = errors.Join(failed, fmt.Errorf("budget %s: %w", due[i].ID, err))
		}
	}
	return errors.Join(err, failed)
}

func (a *Authority) tellBudget(ctx context.Context, due *store.Budget) error {
	now := a.clock()
	err := a.store.Change(ctx, due.Organization, func(tx *store.Tx) error {
		b, err := tx.HoldBudget(ctx, due.Organization, due.ID)
		if err != nil {
			return err
		}
		if b.Reached <= b.Told { // another node was faster, or the cycle has turned
			return errUnchanged
		}
		b.Told = b.Reached
		tx.Record(act{ourselves(), now}.event("budget.alert", target(b), object(map[string]any{
			"level": b.Reached, "used": b.Used, "coins": b.Limit(), "overage": b.Overage, "resets_at": b.ResetsAt().Format(time.RFC3339),
		})))
		if err := tx.SaveBudget(ctx, b); err != nil {
			return err
		}
		return a.postBudget(ctx, tx, b)
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// letterFor is how long a letter about a cycle is worth sending.
const letterFor = 24 * time.Hour

// mostManagers bounds to how many people one letter goes.
const mostManagers = 20

// postBudget writes to the owners and admins of an organization that a budget
// has reached a level.
func (a *Authority) postBudget(ctx context.Context, tx *store.Tx, b *store.Budget) error {
	if !a.rules.Mail {
		return nil
	}
	name, err := budgetName(ctx, tx, b)
	if errors.Is(err, credential.NotFound) { // it is gone, and nobody's any more
		return nil
	}
	if err != nil {
		return err
	}
	managers, err := tx.Managers(ctx, b.Organization, mostManagers)
	for i := range managers {
		if err := a.post(ctx, tx, a.clock().Add(letterFor), budgetLetter(&managers[i], b, name)); err != nil {
			return err
		}
	}
	return err
}

// budgetName is what people call the thing that has a budget.
func budgetName(ctx context.Context, tx *store.Tx, b *store.Budget) (string, error) {
	switch b.Kind {
	case limit.OfOrganization:
		o, err := tx.Organization(ctx, b.ID)
		if err != nil {
			return "", err
		}
		return "the organization " + o.Name, nil
	case limit.OfProject:
		p, err := tx.ProjectIn(ctx, b.Organization, store.ProjectRef{ID: b.ID})
		if err != nil {
			return "", err
		}
		return "the project " + p.Name, nil
	}
	c, err := tx.CredentialIn(ctx, b.Organization, b.ID)
	if err != nil {
		return "", err
	}
	return "the credential " + c.Name, nil
}

func budgetLetter(to *store.User, b *store.Budget, name string) store.Letter {
	what, then := "is nearly used up", "When nothing is left, calls are refused until then."
	if b.Reached == 100 {
		what, then = "is used up", "Until then, calls are refused."
	}
	if b.Overage {
		then = "Calls go on beyond it."
	}
	return store.Letter{To: to.Email, Subject: "A weekly budget " + what, Text: fmt.Sprintf(
		"The weekly budget of %s %s: %d of %d coins are spent.\n\nIt is renewed at %s. %s\n"+
			"An owner or admin of the organization can top it up, or change it.\n",
		name, what, b.Used, b.Limit(), b.ResetsAt().UTC().Format(time.RFC1123), then)}
}
