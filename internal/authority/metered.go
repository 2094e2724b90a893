package authority

import (
	"context"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// ProjectUsage is what a project may spend and has spent, for who sees it.
type ProjectUsage struct {
	Project *store.Project
	// Budget is the project's, as it stands now. One that isn't active was
	// taken away: nothing is counted, and nothing bounded.
	Budget *store.Budget
	// Rate is how many requests its credentials make, all of them together.
	Rate credential.Rate
	// Cycles are the present one and those before it that were asked for.
	Cycles []BudgetCycle
	// Writes means that the principal may change it.
	Writes bool
}

// ProjectUsage returns what a project may spend and what was spent in the
// present cycle and in the ones before it, as many cycles as asked for. It
// takes usage:read, and seeing the project.
func (a *Authority) ProjectUsage(ctx context.Context, p *credential.Principal, organization, project uuid.UUID, cycles int64) (*ProjectUsage, error) {
	u, err := a.meteredProject(ctx, p, organization, project)
	if err != nil {
		return nil, err
	}
	if u.Budget, err = a.store.Budget(ctx, organization, project); err != nil {
		return nil, err
	}
	if u.Rate, err = a.store.ProjectRate(ctx, project); err != nil {
		return nil, err
	}
	u.Cycles, err = a.cyclesOf(ctx, u.Budget, cycles)
	return u, err
}

// meteredProject finds a project whose use a principal may read.
func (a *Authority) meteredProject(ctx context.Context, p *credential.Principal, organization, project uuid.UUID) (*ProjectUsage, error) {
	if err := within(p, organization, credential.UsageRead); err != nil {
		return nil, err
	}
	found, err := a.visibleProject(ctx, p, organization, store.ProjectRef{ID: project})
	if err != nil {
		return nil, err
	}
	may, err := a.permitted(ctx, p, organization, project)
	return &ProjectUsage{Project: found, Writes: may.Has(credential.UsageWrite)}, err
}

// MostHourly bounds how many requests an hour a project may be limited to.
const MostHourly = 10_000

// UsageSettings are what a project may use from now on. What is nil stays.
type UsageSettings struct {
	Coins   *int64 // of each cycle
	Overage *bool
	Hourly  *int // requests of its credentials in an hour; 0 for as many as they like
}

func (s *UsageSettings) check() error {
	switch {
	case *s == (UsageSettings{}):
		return credential.Errorf(credential.Invalid, "say what to change")
	case s.Coins != nil && (*s.Coins < 0 || *s.Coins > limit.MaxCoins):
		return credential.InvalidField("weekly_budget", "must be from 0 to %d", int64(limit.MaxCoins))
	case s.Hourly != nil && (*s.Hourly < 0 || *s.Hourly > MostHourly):
		return credential.InvalidField("hourly_limit", "must be from 1 to %d, or 0 for no limit", MostHourly)
	}
	return nil
}

// SetProjectUsage changes what a project may use, all of it or nothing. It
// takes usage:write in the project, and a project's credential never has it.
func (a *Authority) SetProjectUsage(ctx context.Context, p *credential.Principal, organization, project uuid.UUID, s UsageSettings) error {
	of, err := a.writableProject(ctx, p, organization, project)
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return err
	}
	return a.transact(ctx, p, organization, func(tx *store.Tx) error {
		if s.Coins != nil || s.Overage != nil {
			if _, err := a.editBudget(ctx, tx, of, s.edit(p)); err != nil {
				return err
			}
		}
		if s.Hourly == nil {
			return nil
		}
		return a.setHourly(ctx, tx, p, project, *s.Hourly)
	})
}

// writableProject finds a project whose use a principal may change.
func (a *Authority) writableProject(ctx context.Context, p *credential.Principal, organization, project uuid.UUID) (budgeted, error) {
	if _, err := a.meteredProject(ctx, p, organization, project); err != nil {
		return budgeted{}, err
	}
	if p.ProjectScoped() != uuid.Nil {
		return budgeted{}, credential.Errorf(credential.Forbidden, "this needs the permission %s of a user: a project's credential doesn't change what it may use", credential.UsageWrite)
	}
	return a.writableBudget(ctx, p, organization, project)
}

// edit changes a budget as the settings say.
func (s *UsageSettings) edit(p *credential.Principal) budgetEdit {
	return func(_ *store.Tx, b *store.Budget, now time.Time) (audit.Event, error) {
		coins, overage, detail := b.Coins, b.Overage, map[string]any{}
		if b.Active {
			detail["before"] = budgetDetails(coins, overage)
		} else if s.Coins == nil {
			return audit.Event{}, credential.InvalidField("weekly_budget", "must be there: this project has none")
		}
		if s.Coins != nil {
			coins = *s.Coins
		}
		if s.Overage != nil {
			overage = *s.Overage
		}
		b.Active = true
		b.Set(coins, overage)
		detail["after"] = budgetDetails(coins, overage)
		return act{p, now}.event("budget.set", target(b), object(detail)), nil
	}
}

// setHourly limits the requests of a project's credentials in an hour.
func (a *Authority) setHourly(ctx context.Context, tx *store.Tx, p *credential.Principal, project uuid.UUID, requests int) error {
	var rate credential.Rate
	if requests > 0 {
		rate = credential.Rate{Requests: requests, Window: time.Hour}
	}
	before, err := tx.ProjectRate(ctx, project)
	if err != nil {
		return err
	}
	tx.Record(act{p, a.clock()}.event("project.set_limits", "project:"+project.String(),
		object(map[string]any{"before": limitDetails(credential.Limits{Rate: before}), "after": limitDetails(credential.Limits{Rate: rate})})))
	return tx.SetProjectRate(ctx, project, rate)
}

// TopUpProject is TopUp for the budget of a project, and for nothing else that
// has one.
func (a *Authority) TopUpProject(ctx context.Context, p *credential.Principal, organization, project uuid.UUID, r TopUpRequest) error {
	if _, err := a.writableProject(ctx, p, organization, project); err != nil {
		return err
	}
	_, err := a.TopUp(ctx, p, organization, project, r)
	return err
}

// Percent is how much of a cycle one sort of calls used, to one decimal; 0 of
// nothing.
func (c *BudgetCycle) Percent(t store.BudgetTotal) float64 {
	if c.Used == 0 {
		return 0
	}
	return math.Round(float64(t.Used)*1000/float64(c.Used)) / 10
}
