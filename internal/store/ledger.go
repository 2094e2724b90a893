package store

import (
	"cmp"
	"database/sql"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
)

// ledger is a batch of payments under way: what it has read and holds, and
// what it is to write. It decides in memory, one payment after the other, so
// that each sees what those before it have left.
type ledger struct {
	t       *Tx
	conn    *sql.Conn // of the transaction
	budgets map[uuid.UUID]*held
	spends  map[uuid.UUID]*Spend // that were made before
	repeats map[[32]byte]*Spend
	totals  map[totalKey]*total
	made    []*Payment
	settled []*Spend
	changed bool

	statements []statement
}

// held is a budget that nobody else spends from meanwhile.
type held struct {
	Budget
	past  []limit.Past
	dirty bool
}

type totalKey struct {
	budget    uuid.UUID
	cycle     int64
	operation string
}

// total is what is added to a total of a cycle. What is returned of one that
// is over is taken from that as well.
type total struct{ Used, Events, returned int64 }

func (l *ledger) add(key totalKey) *total {
	if l.totals == nil {
		l.totals = map[totalKey]*total{}
	}
	t := l.totals[key]
	if t == nil {
		t = &total{}
		l.totals[key] = t
	}
	return t
}

// pay decides about a payment.
func (l *ledger) pay(p *payment) error {
	ask := p.pay
	payers, err := l.payers(ask)
	if err != nil {
		return err
	}
	if made, err := l.before(p); made != nil || err != nil {
		if made != nil {
			p.receipt = Receipt{Spend: *made, Budget: tightest(payers)}
		}
		return err
	}
	if len(payers) == 0 {
		p.receipt = Receipt{Spend: ask.Spend, Free: true}
		return nil
	}
	if full := without(payers, ask.Cost); full != nil {
		p.receipt = Receipt{Spend: ask.Spend, Refused: true, Budget: full.Budget}
		return nil
	}
	ask.Reserved, ask.Paid = ask.Cost, Paid{-1, -1, -1}
	for _, h := range payers {
		h.Spend(ask.Cost)
		h.dirty = true
		for i, id := range ask.budgetsOf() {
			if id == h.ID {
				*ask.Paid.places()[i] = h.Cycle
			}
		}
		t := l.add(totalKey{h.ID, h.Cycle, ask.Operation})
		t.Used += ask.Cost
		t.Events++
		p.receipt.Alert = p.receipt.Alert || h.Reached > h.Told
	}
	l.made, l.changed = append(l.made, ask), true
	if len(ask.Repeats) > 0 {
		l.repeats[ask.Repeats[0]] = &ask.Spend
	}
	p.receipt.Spend, p.receipt.Budget = ask.Spend, tightest(payers)
	return nil
}

// payers are the active budgets of a payment, in the cycle of its time. One
// that should be there and can't be read is an error: nothing is for nothing
// because it was lost.
func (l *ledger) payers(ask *Payment) (active []*held, err error) {
	for _, id := range ask.Payers {
		h := l.budgets[id]
		if h == nil || h.Organization != ask.Organization {
			return nil, credential.Errorf(credential.Unavailable, "a budget can't be read; try again")
		}
		if past, turned := h.Turn(ask.At); turned {
			h.past = append(h.past, past)
		}
		if h.Active {
			active = append(active, h)
		}
	}
	return active, nil
}

// before finds what a payment has made already: because it is a repeat, or
// because it was stored when it seemed to fail.
func (l *ledger) before(p *payment) (*Spend, error) {
	if made := l.spends[p.pay.ID]; made != nil {
		return made, nil
	}
	for _, key := range p.pay.Repeats {
		made := l.repeats[key]
		if made == nil || !made.At.After(p.pay.RepeatsSince) {
			continue
		}
		if made.Reserved != p.pay.Cost || made.Resource != p.pay.Resource || made.Operation != p.pay.Operation {
			return nil, errDiffers
		}
		return made, nil
	}
	return nil, nil
}

// without is the budget that has no room, of several the one that is longest
// without; nil if all have.
func without(payers []*held, cost int64) (full *held) {
	for _, h := range payers {
		if !h.Room(cost) && (full == nil || h.ResetsAt().After(full.ResetsAt())) {
			full = h
		}
	}
	return full
}

// tightest is the budget that says most to the caller.
func tightest(payers []*held) (out Budget) {
	for i, h := range payers {
		if i == 0 || tighter(&h.Budget.Budget, &out.Budget) {
			out = h.Budget
		}
	}
	return out
}

// settle decides about a settlement.
func (l *ledger) settle(p *payment) error {
	ask := p.settle
	sp := l.spends[ask.Spend]
	switch {
	case sp == nil, ask.Organization != uuid.Nil && sp.Organization != ask.Organization,
		ask.Operation != "" && sp.Operation != ask.Operation, ask.Project != uuid.Nil && sp.Project != ask.Project, sp.Credential == ask.Not:
		return credential.Errorf(credential.NotFound, "no such spend")
	case !sp.SettledAt.IsZero() && sp.Cost == ask.Cost:
		p.receipt.Spend = *sp
		return nil
	case !sp.SettledAt.IsZero():
		return credential.Errorf(credential.Conflict, "the spend was settled before, for %d", sp.Cost)
	case sp.At.Before(ask.Since):
		return credential.Errorf(credential.Conflict, "the spend is too old to be settled; it stays as it was reserved")
	case ask.Cost > sp.Reserved:
		return credential.InvalidField("cost", "must be at most what was reserved, which is %d", sp.Reserved)
	}
	back := sp.Cost - ask.Cost
	for i, cycle := range sp.Paid.places() {
		h := l.budgets[sp.budgetsOf()[i]]
		switch {
		case *cycle < 0:
			continue
		case h == nil:
			return credential.Errorf(credential.Unavailable, "a budget can't be read; try again")
		}
		if past, turned := h.Turn(ask.At); turned {
			h.past = append(h.past, past)
		}
		t := l.add(totalKey{h.ID, *cycle, sp.Operation})
		t.Used -= back
		if h.Cycle == *cycle {
			h.Return(back)
		} else {
			t.returned += back
		}
		h.dirty = true
	}
	sp.Cost, sp.SettledAt, l.changed = ask.Cost, ask.At, true
	l.settled = append(l.settled, sp)
	p.receipt.Spend = *sp
	return nil
}

// dirty are the budgets that have changed, in the order in which all write them.
func (l *ledger) dirty() (out []*held) {
	for _, id := range sorted(slices.Collect(maps.Keys(l.budgets))) {
		if h := l.budgets[id]; h.dirty {
			out = append(out, h)
		}
	}
	return out
}

// totalsInOrder are the totals that have changed, likewise.
func (l *ledger) totalsInOrder() []totalKey {
	return slices.SortedFunc(maps.Keys(l.totals), func(a, b totalKey) int {
		return cmp.Or(slices.Compare(a.budget[:], b.budget[:]), cmp.Compare(a.cycle, b.cycle), strings.Compare(a.operation, b.operation))
	})
}
