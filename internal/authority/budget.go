package authority

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// BudgetChange is what somebody wants to be spent at most in a cycle.
type BudgetChange struct {
	Coins   int64
	Overage bool // whether calls go on when nothing is left
}

// budgeted is what may have a budget, as a principal sees it.
type budgeted struct {
	kind         limit.Of
	organization uuid.UUID
	id           uuid.UUID
	writes       bool // whether the principal may change it
}

// budgeted finds what has an id: the organization itself, one of its projects,
// or one of its credentials. What a principal doesn't see is not there.
func (a *Authority) budgeted(ctx context.Context, p *credential.Principal, organization, id uuid.UUID) (budgeted, error) {
	if err := within(p, organization, credential.UsageRead); err != nil {
		return budgeted{}, err
	}
	b := budgeted{organization: organization, id: id}
	if id == organization {
		b.kind, b.writes = limit.OfOrganization, p.Permissions.Has(credential.UsageWrite)
		if p.ProjectScoped() != uuid.Nil {
			return b, noBudget()
		}
		return b, nil
	}
	kind, project, err := a.kindOf(ctx, p, organization, id)
	if err != nil {
		return b, err
	}
	b.kind = kind
	may, err := a.permitted(ctx, p, organization, project)
	b.writes = may.Has(credential.UsageWrite) && p.ProjectScoped() == uuid.Nil // none of a project's raises its own
	return b, err
}

// kindOf says what an id is of: a project, or a credential and its project.
func (a *Authority) kindOf(ctx context.Context, p *credential.Principal, organization, id uuid.UUID) (kind limit.Of, project uuid.UUID, err error) {
	_, err = a.visibleProject(ctx, p, organization, store.ProjectRef{ID: id})
	if err == nil || !errors.Is(err, credential.NotFound) {
		return limit.OfProject, id, err
	}
	c, err := a.visible(ctx, p, id)
	if err != nil || c.Organization != organization {
		return "", uuid.Nil, orElse(ignoreMissing(err), noBudget())
	}
	return limit.OfCredential, c.Project, nil
}

// permitted is what a principal may do in a project, or (Nil) in none.
func (a *Authority) permitted(ctx context.Context, p *credential.Principal, organization, project uuid.UUID) (credential.PermissionSet, error) {
	if project == uuid.Nil || p.SubjectType != credential.SubjectUser {
		return p.Permissions, nil
	}
	access, err := a.store.ProjectAccess(ctx, organization, store.ProjectRef{ID: project}, p.Subject)
	return p.Within(access), err
}

func noBudget() error {
	return credential.Errorf(credential.NotFound, "there is no budget; set one first")
}

// Budget returns the budget of an organization, a project or a credential, as
// it stands now.
func (a *Authority) Budget(ctx context.Context, p *credential.Principal, organization, id uuid.UUID) (*store.Budget, error) {
	if _, err := a.budgeted(ctx, p, organization, id); err != nil {
		return nil, err
	}
	b, err := a.store.Budget(ctx, organization, id)
	if err != nil {
		return nil, err
	}
	if !b.Active {
		return nil, noBudget()
	}
	b.Turn(a.clock())
	return b, nil
}

// Budgets returns the budgets of an organization with an id above after, in
// order, for who looks after all of it.
func (a *Authority) Budgets(ctx context.Context, p *credential.Principal, organization, after uuid.UUID, limit int) ([]store.Budget, error) {
	if err := within(p, organization, credential.UsageRead); err != nil {
		return nil, err
	}
	if !seesAll(p) {
		return nil, credential.Errorf(credential.Forbidden, "this is for those who look after the whole organization; name what you want to see the budget of")
	}
	found, err := a.store.Budgets(ctx, organization, after, limit)
	for i := range found {
		found[i].Turn(a.clock())
	}
	return found, err
}

// SetBudget says what may be spent from something in each cycle from the
// present one on. A budget that there wasn't begins its first cycle.
func (a *Authority) SetBudget(ctx context.Context, p *credential.Principal, organization, id uuid.UUID, c BudgetChange) (*store.Budget, error) {
	if c.Coins < 0 || c.Coins > limit.MaxCoins {
		return nil, credential.InvalidField("coins", "must be from 0 to %d", int64(limit.MaxCoins))
	}
	return a.changeBudget(ctx, p, organization, id, func(tx *store.Tx, b *store.Budget, now time.Time) (audit.Event, error) {
		detail := map[string]any{"after": budgetDetails(c.Coins, c.Overage)}
		if b.Active {
			detail["before"] = budgetDetails(b.Coins, b.Overage)
		}
		b.Active = true
		b.Set(c.Coins, c.Overage)
		return act{p, now}.event("budget.set", target(b), object(detail)), tx.Meter(ctx, b.Kind, b.ID, true)
	})
}

// RemoveBudget takes a bound away. What was spent stays in the ledger.
func (a *Authority) RemoveBudget(ctx context.Context, p *credential.Principal, organization, id uuid.UUID) error {
	_, err := a.changeBudget(ctx, p, organization, id, func(tx *store.Tx, b *store.Budget, now time.Time) (audit.Event, error) {
		if !b.Active {
			return audit.Event{}, noBudget()
		}
		b.Active = false
		return act{p, now}.event("budget.remove", target(b), object(map[string]any{"before": budgetDetails(b.Coins, b.Overage)})), tx.Meter(ctx, b.Kind, b.ID, false)
	})
	return err
}

// TopUpRequest adds coins to the present cycle alone.
type TopUpRequest struct {
	Coins       int64
	Idempotency *Idempotency
}

// TopUp adds coins to the present cycle of a budget. They are not carried over.
func (a *Authority) TopUp(ctx context.Context, p *credential.Principal, organization, id uuid.UUID, r TopUpRequest) (*store.Budget, error) {
	if r.Coins < 1 || r.Coins > limit.MaxCoins {
		return nil, credential.InvalidField("coins", "must be from 1 to %d", int64(limit.MaxCoins))
	}
	found, err := a.writableBudget(ctx, p, organization, id)
	if err != nil {
		return nil, err
	}
	call := creation{chain: organization, call: "budget.top_up " + id.String(), id: r.Idempotency}
	_, err = a.once(ctx, p, call, func(tx *store.Tx) (uuid.UUID, error) {
		_, err := a.editBudget(ctx, tx, found, func(tx *store.Tx, b *store.Budget, now time.Time) (audit.Event, error) {
			switch {
			case !b.Active:
				return audit.Event{}, noBudget()
			case b.ToppedUp+r.Coins > limit.MaxCoins:
				return audit.Event{}, credential.InvalidField("coins", "a cycle is topped up by at most %d", int64(limit.MaxCoins))
			}
			b.TopUp(r.Coins)
			return act{p, now}.event("budget.top_up", target(b), object(map[string]any{"coins": r.Coins, "cycle": b.Cycle})), nil
		})
		return id, err
	})
	if err != nil {
		return nil, err
	}
	return a.Budget(ctx, p, organization, id)
}

func budgetDetails(coins int64, overage bool) map[string]any {
	return map[string]any{"coins": coins, "overage": overage}
}

func target(b *store.Budget) string { return string(b.Kind) + ":" + b.ID.String() }

// budgetEdit changes a budget within a transaction, and says what happened.
type budgetEdit func(tx *store.Tx, b *store.Budget, now time.Time) (audit.Event, error)

func (a *Authority) writableBudget(ctx context.Context, p *credential.Principal, organization, id uuid.UUID) (budgeted, error) {
	found, err := a.budgeted(ctx, p, organization, id)
	if err == nil && !found.writes {
		err = credential.Errorf(credential.Forbidden, "this needs the permission %s", credential.UsageWrite)
	}
	return found, err
}

func (a *Authority) changeBudget(ctx context.Context, p *credential.Principal, organization, id uuid.UUID, edit budgetEdit) (b *store.Budget, err error) {
	found, err := a.writableBudget(ctx, p, organization, id)
	if err != nil {
		return nil, err
	}
	err = a.transact(ctx, p, organization, func(tx *store.Tx) error {
		b, err = a.editBudget(ctx, tx, found, edit)
		return err
	})
	return b, err
}

// editBudget changes a budget that nobody spends from meanwhile.
func (a *Authority) editBudget(ctx context.Context, tx *store.Tx, of budgeted, edit budgetEdit) (*store.Budget, error) {
	now := a.clock()
	b, err := tx.HoldBudget(ctx, of.organization, of.id)
	if errors.Is(err, credential.NotFound) {
		b, err = &store.Budget{ID: of.id, Organization: of.organization, Kind: of.kind, Budget: limit.Budget{StartedAt: now}}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := holds(ctx, BudgetVersion(b)); err != nil {
		return nil, err
	}
	var past []limit.Past
	if over, turned := b.Turn(now); turned {
		past = append(past, over)
	}
	event, err := edit(tx, b, now)
	if err != nil {
		return nil, err
	}
	tx.Record(event)
	return b, tx.SaveBudget(ctx, b, past...)
}

// BudgetVersion tells one setting of a budget from the next.
func BudgetVersion(b *store.Budget) string { return version(b.Active, b.Coins, b.Overage) }

// BudgetCycle is one cycle of a budget, and what it was used for.
type BudgetCycle struct {
	limit.Past
	StartsAt, EndsAt time.Time
	Operations       []store.BudgetTotal // the most used first
}

// BudgetCycles returns the present cycle of a budget and up to twelve before
// it, the latest first.
func (a *Authority) BudgetCycles(ctx context.Context, p *credential.Principal, organization, id uuid.UUID) ([]BudgetCycle, error) {
	if _, err := a.budgeted(ctx, p, organization, id); err != nil {
		return nil, err
	}
	b, err := a.store.Budget(ctx, organization, id)
	if err != nil {
		return nil, err
	}
	if !b.Active {
		return nil, noBudget()
	}
	return a.cyclesOf(ctx, b, limit.ShownCycles+1)
}

// cyclesOf turns a budget to the present cycle, and returns so many of its
// cycles up to that one, the latest first.
func (a *Authority) cyclesOf(ctx context.Context, b *store.Budget, most int64) ([]BudgetCycle, error) {
	over, turned := b.Turn(a.clock())
	oldest := max(0, b.Cycle-most+1)
	stored, err := a.store.BudgetHistory(ctx, b.ID, b.Cycle, limit.ShownCycles+1)
	if err != nil {
		return nil, err
	}
	if turned { // which the next call stores
		stored = slices.Insert(stored, 0, over)
	}
	totals, err := a.store.BudgetTotals(ctx, b.ID, oldest)
	if err != nil {
		return nil, err
	}
	present := limit.Past{Cycle: b.Cycle, Coins: b.Coins, ToppedUp: b.ToppedUp, Used: b.Used, Events: b.Events}
	out := make([]BudgetCycle, 0, b.Cycle-oldest+1)
	for cycle := b.Cycle; cycle >= oldest; cycle-- {
		c := BudgetCycle{Past: limit.Past{Cycle: cycle, Coins: coinsIn(stored, cycle, b.Coins)}, StartsAt: b.Start(cycle), EndsAt: b.Start(cycle + 1)}
		for _, past := range append(stored, present) {
			if past.Cycle == cycle {
				c.Past = past
			}
		}
		for _, t := range totals {
			if t.Cycle == cycle {
				c.Operations = append(c.Operations, t)
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// coinsIn is how many coins a cycle had in which nothing happened: as many as
// the one before it, the latest first.
func coinsIn(stored []limit.Past, cycle, otherwise int64) int64 {
	for _, past := range stored {
		if past.Cycle < cycle {
			return past.Coins
		}
	}
	return otherwise
}

// CheckLedger proves that what budgets say is what the ledger says.
func (a *Authority) CheckLedger(ctx context.Context, p *credential.Principal, organization uuid.UUID) (store.Proof, error) {
	if organization == uuid.Nil && !p.InstallationWide() {
		organization = p.Organization
	}
	if err := within(p, organization, credential.UsageRead); err != nil {
		return store.Proof{}, err
	}
	if !seesAll(p) {
		return store.Proof{}, credential.Errorf(credential.Forbidden, "this is for those who look after the whole organization")
	}
	return a.store.CheckLedger(ctx, organization)
}
