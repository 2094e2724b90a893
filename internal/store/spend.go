package store

import (
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
)

// Spend is a call that is paid: one line of the ledger.
type Spend struct {
	ID           uuid.UUID // which the caller draws
	Organization uuid.UUID
	Project      uuid.UUID // Nil where the credential is of none
	Credential   uuid.UUID
	User         uuid.UUID // Nil where it is nobody's own
	At           time.Time
	Cost         int64 // what it came to
	Reserved     int64 // what was taken at first
	SettledAt    time.Time
	Operation    string // what sort of call it was, at most 64 bytes
	Resource     string // which call, at most 200 bytes
	Paid         Paid
}

// Paid is in which cycle of each budget a spend was taken; -1 where none of it
// was.
type Paid struct{ Organization, Project, Credential int64 }

// Payment asks for a spend.
type Payment struct {
	Spend
	// Payers are the budgets that it is taken from. One that isn't active, or
	// not there, bounds nothing.
	Payers []uuid.UUID
	// Repeats are the keys under which the same call may have come before
	// since RepeatsSince; the first is stored. None: it is never a repeat.
	Repeats      [][32]byte
	RepeatsSince time.Time
}

// Settlement says what a spend came to.
type Settlement struct {
	Spend        uuid.UUID
	Organization uuid.UUID // Nil: of any
	Cost         int64     // no more than was reserved
	At           time.Time
	Since        time.Time // a spend before is settled
	// Operation, where it isn't empty, is what the spend was for, Project, where
	// it isn't Nil, the project that it is of. Not is the credential that never paid it.
	Operation    string
	Project, Not uuid.UUID
}

// Receipt is what became of a payment or a settlement.
type Receipt struct {
	Spend Spend
	// Refused means that a budget had no room, and nothing was taken.
	Refused bool
	// Free means that no budget is active that it could be taken from.
	Free bool
	// Budget is the one that refused, or else the one with the least left.
	Budget Budget
	// Alert means that there is somebody to tell that a budget is used up
	// or nearly so.
	Alert bool
}

// payment is a payment or a settlement under way.
type payment struct {
	pay     *Payment
	settle  *Settlement
	again   bool // it was tried before, and may have been stored
	receipt Receipt
	err     error
}

// errDiffers is the answer to a repeat that asks something else.
var errDiffers = credential.InvalidField("Idempotency-Key", "this key came with another request before; use a new key for a new request")

// budgetsOf are the budgets that a spend may be of, each with its place in Paid.
func (s *Spend) budgetsOf() [3]uuid.UUID {
	return [3]uuid.UUID{s.Organization, s.Project, s.Credential}
}

func (p *Paid) places() [3]*int64 { return [3]*int64{&p.Organization, &p.Project, &p.Credential} }

// tighter reports whether a budget says more to the caller than another: that
// it has less left, or is longer without.
func tighter(a, b *limit.Budget) bool {
	switch {
	case a.Overage != b.Overage:
		return b.Overage
	case a.Remaining() != b.Remaining():
		return a.Remaining() < b.Remaining()
	}
	return a.ResetsAt().After(b.ResetsAt())
}
