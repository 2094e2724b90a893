package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
)

// Budget is what may be spent from an organization, a project or a credential,
// which has its id. One that isn't active bounds nothing.
type Budget struct {
	ID, Organization uuid.UUID
	Kind             limit.Of
	Active           bool
	limit.Budget
}

const budgetColumns = `b.id, b.organization_id, b.kind, b.active, b.coins, b.overage, b.started_at, b.cycle, b.topped_up, b.used, b.events, b.reached, b.told`

func (b *Budget) targets() []any {
	return []any{&b.ID, &b.Organization, &b.Kind, &b.Active, &b.Coins, &b.Overage, instant{&b.StartedAt}, &b.Cycle, &b.ToppedUp, &b.Used, &b.Events, &b.Reached, &b.Told}
}

// Budget finds the budget of something in an organization.
func (r reader) Budget(ctx context.Context, organization, id uuid.UUID) (*Budget, error) {
	return r.budget(ctx, `SELECT `+budgetColumns+` FROM budgets b WHERE b.id = $1 AND b.organization_id = $2`, id, organization)
}

func (r reader) budget(ctx context.Context, query string, args ...any) (*Budget, error) {
	var b Budget
	err := r.q.QueryRowContext(ctx, query, args...).Scan(b.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "there is no budget; set one first")
	}
	if err != nil {
		return nil, r.fail("read a budget", err)
	}
	return &b, nil
}

// Budgets returns the active budgets of an organization with an id above
// after, in order.
func (r reader) Budgets(ctx context.Context, organization, after uuid.UUID, limit int) ([]Budget, error) {
	return list(ctx, r, selection[Budget]{"list budgets", (*Budget).targets, `
		SELECT ` + budgetColumns + ` FROM budgets b WHERE b.organization_id = $1 AND b.id > $2 AND b.active ORDER BY b.id LIMIT $3`}, organization, after, limit)
}

// HoldBudget finds the budget of something in an organization, and keeps
// others from spending from it until the change is done.
func (t *Tx) HoldBudget(ctx context.Context, organization, id uuid.UUID) (*Budget, error) {
	return t.budget(ctx, `SELECT `+budgetColumns+` FROM budgets b WHERE b.id = $1 AND b.organization_id = $2`+t.hold, id, organization)
}

// SaveBudget stores a budget, with the cycle that is over where it has turned.
func (t *Tx) SaveBudget(ctx context.Context, b *Budget, past ...limit.Past) error {
	_, err := t.q.ExecContext(ctx, `
		INSERT INTO budgets (id, organization_id, kind, active, coins, overage, started_at, cycle, topped_up, used, events, reached, told)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (id) DO UPDATE SET active = excluded.active, coins = excluded.coins, overage = excluded.overage, cycle = excluded.cycle,
			topped_up = excluded.topped_up, used = excluded.used, events = excluded.events, reached = excluded.reached, told = excluded.told`,
		b.ID, b.Organization, b.Kind, b.Active, b.Coins, b.Overage, b.StartedAt.UnixMilli(), b.Cycle, b.ToppedUp, b.Used, b.Events, b.Reached, b.Told)
	if err != nil {
		return t.fail("store a budget", err)
	}
	return t.savePast(ctx, b.ID, past)
}

func (t *Tx) savePast(ctx context.Context, id uuid.UUID, past []limit.Past) error {
	for _, p := range past {
		_, err := t.q.ExecContext(ctx, pastQuery,
			id, p.Cycle, p.Coins, p.ToppedUp, p.Used, p.Events)
		if err != nil {
			return t.fail("store a cycle that is over", err)
		}
	}
	return nil
}

// Meter says whether verifications of an organization's credentials, or of one
// credential, have a budget to ask. It changes how they stand.
func (t *Tx) Meter(ctx context.Context, kind limit.Of, id uuid.UUID, metered bool) (err error) {
	switch kind {
	case limit.OfOrganization:
		t.touchedAll = true
		_, err = t.q.ExecContext(ctx, `UPDATE organizations SET metered = $2 WHERE id = $1`, id, metered)
	case limit.OfCredential:
		if err := t.touch(ctx, id); err != nil {
			return err
		}
		_, err = t.q.ExecContext(ctx, `UPDATE credentials SET metered = $2 WHERE id = $1`, id, metered)
	}
	if err != nil {
		return t.fail("say what is metered", err)
	}
	return nil
}

// BudgetHistory returns the cycles before one in which something happened, the
// latest first.
func (r reader) BudgetHistory(ctx context.Context, id uuid.UUID, before int64, most int) ([]limit.Past, error) {
	targets := func(p *limit.Past) []any { return []any{&p.Cycle, &p.Coins, &p.ToppedUp, &p.Used, &p.Events} }
	return list(ctx, r, selection[limit.Past]{"list the cycles of a budget", targets, `
		SELECT cycle, coins, topped_up, used, events FROM budget_cycles WHERE budget_id = $1 AND cycle < $2 ORDER BY cycle DESC LIMIT $3`}, id, before, most)
}

// BudgetTotal is what a cycle was used for.
type BudgetTotal struct {
	Cycle        int64
	Operation    string
	Used, Events int64
}

// mostTotals bounds what is read of twelve cycles.
const mostTotals = 2000

// BudgetTotals returns what the cycles of a budget from one on were used for,
// the latest first, and of each the most used first.
func (r reader) BudgetTotals(ctx context.Context, id uuid.UUID, from int64) ([]BudgetTotal, error) {
	targets := func(t *BudgetTotal) []any { return []any{&t.Cycle, &t.Operation, &t.Used, &t.Events} }
	return list(ctx, r, selection[BudgetTotal]{"list what a budget was used for", targets, `
		SELECT cycle, operation, used, events FROM budget_totals WHERE budget_id = $1 AND cycle >= $2 ORDER BY cycle DESC, used DESC, operation LIMIT $3`}, id, from, mostTotals)
}

// BudgetAlerts returns budgets with a level that people are to be told of.
func (r reader) BudgetAlerts(ctx context.Context, limit int) ([]Budget, error) {
	return list(ctx, r, selection[Budget]{"find who is to be told of budgets", (*Budget).targets, `
		SELECT ` + budgetColumns + ` FROM budgets b WHERE b.reached > b.told ORDER BY b.id LIMIT $1`}, limit)
}

// insertBudget gives a new project what projects may spend.
func (t *Tx) insertBudget(ctx context.Context, organization, project uuid.UUID, now time.Time) error {
	return t.SaveBudget(ctx, &Budget{ID: project, Organization: organization, Kind: limit.OfProject, Active: true,
		Budget: limit.Budget{Coins: limit.DefaultCoins, StartedAt: now}})
}
