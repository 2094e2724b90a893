package limit

import "time"

const (
	// Cycle is how long coins are for.
	Cycle = 7 * 24 * time.Hour
	// DefaultCoins is what a project may spend in a cycle unless somebody says
	// otherwise.
	DefaultCoins = 1000
	// MaxCoins bounds a budget, and what it is topped up by in a cycle.
	MaxCoins = 1_000_000_000_000
	// MaxCost bounds what one call costs.
	MaxCost = 1_000_000_000
	// ShownCycles is how many cycles that are over are looked back on.
	ShownCycles = 12
)

// Of says what a budget is of.
type Of string

// The kinds of budgets. What one credential spends is taken from all that
// there are above it.
const (
	OfOrganization Of = "organization"
	OfProject      Of = "project"
	OfCredential   Of = "credential"
)

// Budget is what may be spent in a cycle, and what was in the present one. It
// keeps true:
//
//   - One that doesn't allow overage is never used beyond its coins and what it
//     was topped up by, but where these were lowered since.
//   - Cycles only go forward: a clock that is set back opens no cycle again,
//     and gives no coin back.
//   - What is refused changes nothing.
type Budget struct {
	Coins     int64     // a cycle
	Overage   bool      // whether calls go on when nothing is left
	StartedAt time.Time // of the first cycle, which is number 0
	Cycle     int64     // the present one
	ToppedUp  int64     // by how much, for this cycle alone
	Used      int64
	Events    int64 // how many calls were paid
	// Reached is the highest of the levels that this cycle has reached, Told
	// the highest that people were told of; in percent.
	Reached, Told int
}

// Past is a cycle that is over.
type Past struct {
	Cycle, Coins, ToppedUp, Used, Events int64
}

// Start is when a cycle begins.
func (b *Budget) Start(cycle int64) time.Time { return b.StartedAt.Add(time.Duration(cycle) * Cycle) }

// ResetsAt is when the present cycle ends.
func (b *Budget) ResetsAt() time.Time { return b.Start(b.Cycle + 1) }

// Turn goes on to the cycle that a time is in, if that is a later one, and
// returns the one that is over.
func (b *Budget) Turn(now time.Time) (past Past, turned bool) {
	cycle := int64(now.Sub(b.StartedAt) / Cycle)
	if cycle <= b.Cycle {
		return Past{}, false
	}
	past = Past{b.Cycle, b.Coins, b.ToppedUp, b.Used, b.Events}
	b.Cycle, b.ToppedUp, b.Used, b.Events, b.Reached, b.Told = cycle, 0, 0, 0, 0, 0
	return past, true
}

// At is the budget as it stands at a time.
func (b Budget) At(now time.Time) Budget {
	b.Turn(now)
	return b
}

// Limit is how many coins this cycle has.
func (b *Budget) Limit() int64 { return b.Coins + b.ToppedUp }

// Remaining is how many of them are left, and never negative.
func (b *Budget) Remaining() int64 { return max(0, b.Limit()-b.Used) }

// Room reports whether a cost can be paid.
func (b *Budget) Room(cost int64) bool { return cost == 0 || b.Overage || cost <= b.Limit()-b.Used }

// Spend takes a cost that there is room for.
func (b *Budget) Spend(cost int64) {
	b.Used += cost
	b.Events++
	b.reach()
}

// Return gives back what was taken too much in this cycle.
func (b *Budget) Return(coins int64) { b.Used -= coins }

// Set changes what may be spent, from now on.
func (b *Budget) Set(coins int64, overage bool) {
	b.Coins, b.Overage = coins, overage
	b.level()
}

// TopUp adds coins to this cycle.
func (b *Budget) TopUp(coins int64) {
	b.ToppedUp += coins
	b.level()
}

// levels are how much of a cycle is used when people are told, in percent.
var levels = [...]int{100, 80}

// reach notes a level that was reached.
func (b *Budget) reach() {
	limit := b.Limit()
	for _, level := range levels {
		if limit > 0 && b.Reached < level && (b.Used >= limit || b.Used*100 >= limit*int64(level)) {
			b.Reached = level
		}
	}
}

// level forgets levels that are out of reach again, so that people are told
// when they are reached once more.
func (b *Budget) level() {
	b.Reached = 0
	b.reach()
	b.Told = min(b.Told, b.Reached)
}
