package onetest

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// What happens to calls when nothing is left of a weekly budget.
const (
	block        = "block"
	allowOverage = "allow_overage"
)

// policies are the words for that.
var policies = []string{block, allowOverage}

// usage is the present cycle of a product, and what it may use.
type usage struct {
	ProductID     string      `json:"product_id"`
	WeeklyBudget  *int64      `json:"weekly_budget"` // null: nothing bounds it
	OveragePolicy string      `json:"overage_policy"`
	HourlyLimit   *int        `json:"hourly_limit"` // null: it has a limit by another time than the hour
	CoinsUsed     int64       `json:"coins_used"`
	CoinsLeft     *int64      `json:"coins_remaining"`
	CoinsToppedUp int64       `json:"coins_topped_up"`
	Events        int64       `json:"event_count"`
	CycleStart    time.Time   `json:"cycle_start"`
	CycleEnd      time.Time   `json:"cycle_end"`
	Breakdown     []breakdown `json:"breakdown"`
}

// breakdown is what one sort of calls cost in a cycle.
type breakdown struct {
	EventType string  `json:"event_type"`
	Coins     int64   `json:"coins"`
	Events    int64   `json:"event_count"`
	Percent   float64 `json:"percent"`
}

func breakdownOf(c *authority.BudgetCycle) []breakdown {
	out := make([]breakdown, len(c.Operations))
	for i, t := range c.Operations {
		out[i] = breakdown{t.Operation, t.Used, t.Events, c.Percent(t)}
	}
	return out
}

func usageOf(u *authority.ProjectUsage) usage {
	b := u.Budget
	out := usage{
		ProductID: b.ID.String(), OveragePolicy: policyOf(b), CoinsUsed: b.Used, CoinsToppedUp: b.ToppedUp, Events: b.Events,
		CycleStart: b.Start(b.Cycle), CycleEnd: b.ResetsAt(), Breakdown: breakdownOf(&u.Cycles[0]),
	}
	if u.Rate.Requests == 0 || u.Rate.Window == time.Hour {
		out.HourlyLimit = &u.Rate.Requests
	}
	if b.Active {
		left := b.Remaining()
		out.WeeklyBudget, out.CoinsLeft = &b.Coins, &left
	}
	return out
}

func policyOf(b *store.Budget) string {
	if b.Overage || !b.Active {
		return allowOverage
	}
	return block
}

// projectUsage reads so many cycles of the product in the path.
func (h *handlers) projectUsage(r *edge.Request, ref store.ProjectRef, cycles int64) (*authority.ProjectUsage, error) {
	return h.authority.ProjectUsage(r.Context(), &r.Principal, r.Principal.Organization, ref.ID, cycles)
}

func (h *handlers) showUsage(r *edge.Request, ref store.ProjectRef, _ edge.None) (usage, error) {
	u, err := h.projectUsage(r, ref, 1)
	if err != nil {
		return usage{}, err
	}
	return usageOf(u), nil
}

// cycle is a week of a product.
type cycle struct {
	CycleStart    time.Time   `json:"cycle_start"`
	CycleEnd      time.Time   `json:"cycle_end"`
	WeeklyBudget  int64       `json:"weekly_budget"`
	CoinsToppedUp int64       `json:"coins_topped_up"`
	CoinsUsed     int64       `json:"coins_used"`
	Events        int64       `json:"event_count"`
	Breakdown     []breakdown `json:"breakdown"`
}

func (h *handlers) usageHistory(r *edge.Request, ref store.ProjectRef, _ edge.None) (out list[cycle], err error) {
	u, err := h.projectUsage(r, ref, limit.ShownCycles)
	if err != nil {
		return out, err
	}
	out = list[cycle]{Items: make([]cycle, len(u.Cycles)), Total: int64(len(u.Cycles))}
	for i := range u.Cycles {
		c := &u.Cycles[i]
		out.Items[i] = cycle{c.StartsAt, c.EndsAt, c.Coins, c.ToppedUp, c.Used, c.Events, breakdownOf(c)}
	}
	return out, nil
}

// event is one call that was metered.
type event struct {
	ID        string    `json:"id"`
	Timestamp time.Time `json:"timestamp"`
	User      string    `json:"user"`
	EventType string    `json:"event_type"`
	Source    string    `json:"source"`
	Service   string    `json:"service"`
	Operation string    `json:"operation"`
	CoinCost  int64     `json:"coin_cost"`
}

func eventOf(e *authority.MeteredEvent) event {
	return event{e.ID.String(), e.At, e.User, e.Type, e.Source, e.Service, e.Operation, e.Coins}
}

// events reads which calls of a product a query asks for. A day begins with its
// first moment, and as an end is whole.
func events(r *edge.Request, ref store.ProjectRef) (out authority.EventsRequest, err error) {
	out.Organization, out.Project = r.Principal.Organization, ref.ID
	if out.From, err = moment(r, "from", 0); err == nil {
		out.Until, err = moment(r, "to", 24*time.Hour)
	}
	return out, err
}

// moment reads a time, or a day and what is added to it.
func moment(r *edge.Request, name string, more time.Duration) (time.Time, error) {
	text := r.Param(name)
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		text, day = day.Format(time.RFC3339), day.Add(more)
		_, err = credential.ParseTime(name, text)
		return day, err
	}
	return credential.ParseTime(name, text)
}

func (h *handlers) activity(r *edge.Request, ref store.ProjectRef, _ edge.None) (out list[event], err error) {
	s, err := section(r)
	if err != nil {
		return out, err
	}
	req, err := events(r, ref)
	if err != nil {
		return out, err
	}
	if req.Skip, err = s.Skip(); err != nil {
		return out, err
	}
	req.Limit = s.Limit
	found, total, err := h.authority.ProjectEvents(r.Context(), &r.Principal, req)
	return paged(s, found, total, eventOf), err
}

func (h *handlers) exportUsage(r *edge.Request, ref store.ProjectRef, _ edge.None) (out edge.Stream, err error) {
	req, err := events(r, ref)
	if err != nil {
		return out, err
	}
	next, err := h.authority.ExportEvents(r.Context(), &r.Principal, req)
	if err != nil {
		return out, err
	}
	return edge.Table("usage-"+ref.ID.String()+".csv", authority.EventColumns(), authority.EventLines(next)), nil
}

// usageSettings say what a product may use. What isn't there stays.
type usageSettings struct {
	WeeklyBudget  *int64  `json:"weekly_budget"`
	OveragePolicy *string `json:"overage_policy"`
	HourlyLimit   *int    `json:"hourly_limit"`
}

func (h *handlers) setUsage(r *edge.Request, ref store.ProjectRef, in usageSettings) (usage, error) {
	s := authority.UsageSettings{Coins: in.WeeklyBudget, Hourly: in.HourlyLimit}
	if in.OveragePolicy != nil {
		policy, err := choice("overage_policy", *in.OveragePolicy, policies, nil)
		if err != nil {
			return usage{}, err
		}
		allowed := policy == allowOverage
		s.Overage = &allowed
	}
	if err := h.authority.SetProjectUsage(r.Context(), &r.Principal, r.Principal.Organization, ref.ID, s); err != nil {
		return usage{}, err
	}
	return h.showUsage(r, ref, edge.None{})
}

// coins are added to the present cycle.
type coins struct {
	Coins int64 `json:"coins"`
}

func (h *handlers) topUp(r *edge.Request, ref store.ProjectRef, in coins) (usage, error) {
	req := authority.TopUpRequest{Coins: in.Coins, Idempotency: r.Idempotency()}
	if err := h.authority.TopUpProject(r.Context(), &r.Principal, r.Principal.Organization, ref.ID, req); err != nil {
		return usage{}, err
	}
	return h.showUsage(r, ref, edge.None{})
}
