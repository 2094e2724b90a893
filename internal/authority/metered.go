package authority

import (
	"context"
	"io"
	"math"
	"strconv"
	"strings"
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
	u.Budget.Turn(a.clock())
	u.Cycles, err = a.cyclesFrom(ctx, u.Budget, max(0, u.Budget.Cycle-cycles+1))
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

// UsageSettings are what a project may use from now on. What is nil stays.
type UsageSettings struct {
	Coins   *int64 // of each cycle
	Overage *bool
}

// SetProjectUsage changes what a project may use, all of it or nothing. It
// takes usage:write in the project.
func (a *Authority) SetProjectUsage(ctx context.Context, p *credential.Principal, organization, project uuid.UUID, s UsageSettings) error {
	if s.Coins != nil && (*s.Coins < 0 || *s.Coins > limit.MaxCoins) {
		return credential.InvalidField("coins", "must be from 0 to %d", int64(limit.MaxCoins))
	}
	if _, err := a.meteredProject(ctx, p, organization, project); err != nil {
		return err
	}
	_, err := a.changeBudget(ctx, p, organization, project, func(_ *store.Tx, b *store.Budget, now time.Time) (audit.Event, error) {
		coins, overage := b.Coins, b.Overage
		if s.Coins != nil {
			coins = *s.Coins
		}
		if s.Overage != nil {
			overage = *s.Overage
		}
		detail := map[string]any{"after": budgetDetails(coins, overage)}
		if b.Active {
			detail["before"] = budgetDetails(b.Coins, b.Overage)
		}
		b.Active = true
		b.Set(coins, overage)
		return act{p, now}.event("budget.set", target(b), object(detail)), nil
	})
	return err
}

// TopUpProject is TopUp for the budget of a project, and for nothing else that
// has one.
func (a *Authority) TopUpProject(ctx context.Context, p *credential.Principal, organization, project uuid.UUID, r TopUpRequest) error {
	if _, err := a.meteredProject(ctx, p, organization, project); err != nil {
		return err
	}
	_, err := a.TopUp(ctx, p, organization, project, r)
	return err
}

// MeteredEvent is one call that a project paid for.
type MeteredEvent struct {
	ID        uuid.UUID
	At        time.Time
	User      string // whom the credential is of, or else its name
	Type      string // what sort of call it was
	Source    string // how it came: "api_key", or "verify" from a service that verifies here
	Service   string // which service was called
	Operation string // which of its routes
	Coins     int64
}

func meteredEvent(m *store.Metered) MeteredEvent {
	e := MeteredEvent{ID: m.ID, At: m.At, User: m.UserName, Type: m.Operation, Source: "api_key", Operation: m.Resource, Coins: m.Cost}
	if e.User == "" {
		e.User = m.CredentialName
	}
	e.Service = serviceOf(m.Resource)
	if e.Service == "" {
		e.Source, e.Service = "verify", "external"
	}
	return e
}

// serviceOf tells by a route of ours which service it is of: the part of its
// path behind /api/. What is no route of ours has none.
func serviceOf(resource string) string {
	_, path, found := strings.Cut(resource, " /")
	if !found {
		return ""
	}
	if service, found := strings.CutPrefix(path, "api/"); found {
		service, _, _ = strings.Cut(service, "/")
		return service
	}
	return "gatehouse"
}

// Span is from one time on and until before another; a zero time bounds nothing.
type Span struct{ From, Until time.Time }

// ProjectEvents returns calls that a project paid for, the latest first, and how
// many there are: up to 10,000 are counted.
func (a *Authority) ProjectEvents(ctx context.Context, p *credential.Principal, project store.Project, s Span, skip, most int) ([]MeteredEvent, int64, error) {
	if _, err := a.meteredProject(ctx, p, project.Organization, project.ID); err != nil {
		return nil, 0, err
	}
	if err := s.check(); err != nil {
		return nil, 0, err
	}
	found, total, err := a.store.Metered(ctx, store.MeteredFilter{Project: project.ID, From: s.From, Until: s.Until}, skip, most)
	events := make([]MeteredEvent, len(found))
	for i := range found {
		events[i] = meteredEvent(&found[i])
	}
	return events, total, err
}

func (s Span) check() error {
	if !s.Until.IsZero() && !s.From.Before(s.Until) {
		return credential.InvalidField("from", "must be before the end")
	}
	return nil
}

// MostExported is of how long an export may be: three months.
const MostExported = 92 * 24 * time.Hour

// exportPart is how many events an export reads at once.
const exportPart = 500

// ExportEvents returns a function that returns the calls that a project paid
// for in their order, part by part, and io.EOF behind the last. What isn't said
// of the span is three months, up to now.
func (a *Authority) ExportEvents(ctx context.Context, p credential.Principal, project store.Project, s Span) (func(context.Context) ([]MeteredEvent, error), error) {
	if s.Until.IsZero() {
		s.Until = a.clock().Add(time.Millisecond)
	}
	if s.From.IsZero() {
		s.From = s.Until.Add(-MostExported)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	if s.Until.Sub(s.From) > MostExported {
		return nil, credential.InvalidField("from", "must be at most %d days before the end; export one part after the other", int(MostExported.Hours()/24))
	}
	if _, err := a.meteredProject(ctx, &p, project.Organization, project.ID); err != nil {
		return nil, err
	}
	last, ended := store.Metered{}, false
	return func(ctx context.Context) ([]MeteredEvent, error) {
		if ended {
			return nil, io.EOF
		}
		found, err := a.store.MeteredSince(ctx, store.MeteredFilter{Project: project.ID, From: s.From, Until: s.Until}, last.At, last.ID, exportPart)
		if err != nil {
			return nil, err
		}
		events := make([]MeteredEvent, len(found))
		for i := range found {
			events[i] = meteredEvent(&found[i])
			last = found[i]
		}
		ended = len(found) < exportPart
		return events, nil
	}, nil
}

// EventColumns are the names of what EventCells returns.
func EventColumns() []string {
	return []string{"timestamp", "user", "event type", "source", "service", "operation", "coin cost"}
}

// EventCells are events as the lines of a table.
func EventCells(events []MeteredEvent) [][]string {
	lines := make([][]string, len(events))
	for i := range events {
		e := &events[i]
		lines[i] = []string{e.At.UTC().Format(time.RFC3339Nano), e.User, e.Type, e.Source, e.Service, e.Operation, strconv.FormatInt(e.Coins, 10)}
	}
	return lines
}

// Percent is how much of a cycle one sort of calls used, to one decimal; 0 of
// nothing.
func (c *BudgetCycle) Percent(t store.BudgetTotal) float64 {
	if c.Used == 0 {
		return 0
	}
	return math.Round(float64(t.Used)*1000/float64(c.Used)) / 10
}
