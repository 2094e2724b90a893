package api

import "time"

// Budget is how many coins may be spent in a cycle of seven days, and what is
// left of the present one.
type Budget struct {
	Of        BudgetOf  `json:"of"`
	Coins     int64     `json:"coins" doc:"of each cycle"`
	Overage   string    `json:"overage" enum:"block,allow" doc:"what happens to calls when nothing is left"`
	Used      int64     `json:"used" doc:"in this cycle"`
	ToppedUp  int64     `json:"topped_up" doc:"in this cycle, beside its coins"`
	Remaining int64     `json:"remaining" doc:"never below 0"`
	Calls     int64     `json:"calls" doc:"that were paid in this cycle"`
	StartedAt time.Time `json:"started_at" doc:"when this cycle began"`
	ResetsAt  time.Time `json:"resets_at" doc:"when the next begins"`
}

// BudgetOf is what has a budget.
type BudgetOf struct {
	Type string `json:"type" enum:"organization,project,credential"`
	ID   string `json:"id" format:"uuid"`
}

// SetBudget says how many coins each cycle has from the present one on.
type SetBudget struct {
	Coins   *int64 `json:"coins" doc:"from 0 to 1000000000000"`
	Overage string `json:"overage,omitempty" enum:"block,allow" doc:"what happens to calls when nothing is left; absent: block"`
}

// TopUp adds coins to the present cycle alone.
type TopUp struct {
	Coins int64 `json:"coins" doc:"from 1 to 1000000000000"`
}

// BudgetCycle is one cycle of a budget.
type BudgetCycle struct {
	StartedAt  time.Time         `json:"started_at"`
	EndsAt     time.Time         `json:"ends_at"`
	Coins      int64             `json:"coins"`
	ToppedUp   int64             `json:"topped_up"`
	Used       int64             `json:"used"`
	Calls      int64             `json:"calls"`
	Operations []BudgetOperation `json:"operations" doc:"what it was used for, the most used first"`
}

// BudgetOperation is what one sort of calls used.
type BudgetOperation struct {
	Operation string  `json:"operation"`
	Used      int64   `json:"used"`
	Calls     int64   `json:"calls"`
	Percent   float64 `json:"percent" doc:"of what the cycle used, to one decimal"`
}

// DecidedBudget is the budget that a decision was about: of several the one
// with the least left, or the one that has no room.
type DecidedBudget struct {
	Of         BudgetOf  `json:"of"`
	Coins      int64     `json:"coins" doc:"of this cycle, with what was added to it"`
	Used       int64     `json:"used"`
	Remaining  int64     `json:"remaining"`
	Overage    string    `json:"overage" enum:"block,allow"`
	ResetsAt   time.Time `json:"resets_at"`
	RetryAfter int64     `json:"retry_after,omitzero" doc:"of a refusal: seconds until then"`
}

// Spend is a call that was paid.
type Spend struct {
	ID        string     `json:"id" format:"uuid"`
	Cost      int64      `json:"cost" doc:"what it came to"`
	Reserved  int64      `json:"reserved" doc:"what was taken at first"`
	SettledAt *time.Time `json:"settled_at,omitempty"`
	Repeated  bool       `json:"repeated,omitzero" doc:"it was paid before, by a call with the same Idempotency-Key"`
}

// SettleSpend says what a call came to.
type SettleSpend struct {
	Cost *int64 `json:"cost" doc:"from 0 to what was reserved; the rest goes back"`
}

// LedgerProof is what a check of the ledger has found.
type LedgerProof struct {
	Good       bool             `json:"good" doc:"whether everything agrees"`
	Spends     int64            `json:"spends"`
	Coins      int64            `json:"coins"`
	Cycles     int64            `json:"cycles" doc:"of all budgets"`
	KeptFrom   *time.Time       `json:"kept_from,omitempty" doc:"what is older was deleted by the retention, and isn't checked"`
	Mismatches []LedgerMismatch `json:"mismatches,omitempty" doc:"the first hundred"`
}

// LedgerMismatch is where the ledger and what was added up from it differ.
type LedgerMismatch struct {
	Budget    string `json:"budget" format:"uuid"`
	Cycle     int64  `json:"cycle"`
	Operation string `json:"operation,omitempty" doc:"absent: the sum of the cycle differs from its operations"`
	Coins     int64  `json:"coins" doc:"how many more the ledger has"`
	Calls     int64  `json:"calls" doc:"likewise"`
}
