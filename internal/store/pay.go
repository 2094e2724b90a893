package store

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// How payments are stored together: so many in a transaction at most, and so
// long at most until they are given up. Where other nodes write too, several
// transactions wait for the disk at once, each for organizations of its own.
const (
	mostPaid    = 256
	longestPaid = 5 * time.Second
	payingLanes = 64
)

// Pay takes the cost of a call from all budgets that it is to be taken from,
// or from none if one of them has no room. Once it has returned no crash
// undoes it. Calls that come at once are stored together; one whose context ends
// before it had its turn pays nothing.
func (s *Store) Pay(ctx context.Context, p Payment) (Receipt, error) {
	return s.together(ctx, p.Organization, &payment{pay: &p})
}

// Settle says what a spend came to, and gives the rest back: to the cycle that
// it was taken from. It is done once; the same again changes nothing.
func (s *Store) Settle(ctx context.Context, settle Settlement) (Receipt, error) {
	return s.together(ctx, settle.Organization, &payment{settle: &settle})
}

func (s *Store) together(ctx context.Context, organization uuid.UUID, p *payment) (Receipt, error) {
	if err := s.room(); err != nil {
		return Receipt{}, err
	}
	lane := &s.paying[0]
	if !s.exclusive {
		lane = &s.paying[organization[len(organization)-1]%payingLanes]
	}
	switch err := lane.do(ctx, p, s.pay); {
	case err == nil:
		return p.receipt, p.err
	case err == ctx.Err(): // it has left, and nothing is stored
		return Receipt{}, s.failed("wait to pay", err)
	default:
		return Receipt{}, err
	}
}

// pay does what payments ask for in one transaction, and one after the other.
func (s *Store) pay(ctx context.Context, batch []*payment) (err error) {
	ctx, cancel := context.WithTimeout(ctx, longestPaid)
	defer cancel()
	defer func() {
		for _, p := range batch {
			p.again = true // it may be stored though this failed
		}
	}()
	conn, err := s.purse.Conn(ctx)
	if err != nil {
		return s.failed("begin to pay", err)
	}
	defer func() { _ = conn.Close() }()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return s.failed("begin to pay", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	l := ledger{t: &Tx{reader: s.reader, tx: tx, s: s}, conn: conn}
	l.t.q = prepared{tx, s.stmts.pay}
	if err := l.read(ctx, batch); err != nil {
		return err
	}
	for _, p := range batch {
		p.receipt, p.err = Receipt{}, nil
		if p.pay != nil {
			p.err = l.pay(p)
		} else {
			p.err = l.settle(p)
		}
	}
	if !l.changed {
		return nil
	}
	if err := l.write(ctx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return s.failed("commit what was paid", err)
	}
	return nil
}

const spendColumns = `s.id, s.organization_id, s.project_id, s.credential_id, s.user_id, s.at, s.cost, s.reserved, s.settled_at, s.operation, s.resource,
	COALESCE(s.organization_cycle, -1), COALESCE(s.project_cycle, -1), COALESCE(s.credential_cycle, -1)`

func (s *Spend) targets() []any {
	return []any{&s.ID, &s.Organization, nullID{&s.Project}, &s.Credential, nullID{&s.User}, instant{&s.At}, &s.Cost, &s.Reserved, instant{&s.SettledAt},
		&s.Operation, &s.Resource, &s.Paid.Organization, &s.Paid.Project, &s.Paid.Credential}
}

// read finds and holds what a batch is about: first the spends that are
// settled, then the budgets, each in one order on all nodes.
func (l *ledger) read(ctx context.Context, batch []*payment) error {
	var known, ids []uuid.UUID
	for _, p := range batch {
		switch {
		case p.settle != nil:
			known = append(known, p.settle.Spend)
		case p.again:
			known = append(known, p.pay.ID)
		}
	}
	l.spends = make(map[uuid.UUID]*Spend, len(known))
	if err := l.readSpends(ctx, known); err != nil {
		return err
	}
	for _, sp := range l.spends {
		for i, cycle := range sp.Paid.places() {
			if *cycle >= 0 {
				ids = append(ids, sp.budgetsOf()[i])
			}
		}
	}
	for _, p := range batch {
		if p.pay != nil {
			ids = append(ids, p.pay.Payers...)
		}
	}
	if err := l.hold(ctx, sorted(ids)); err != nil {
		return err
	}
	return l.readRepeats(ctx, batch)
}

// sorted puts ids into one order, each of them once.
func sorted(ids []uuid.UUID) []uuid.UUID {
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

func (l *ledger) readSpends(ctx context.Context, ids []uuid.UUID) error {
	return l.t.inParts(sorted(ids), func(part named) error {
		found, err := list(ctx, l.t.reader, selection[Spend]{"find spends", (*Spend).targets,
			`SELECT ` + spendColumns + ` FROM spends s WHERE s.id IN (` + part.list + `) ORDER BY s.id` + l.t.hold}, part.args...)
		for i := range found {
			l.spends[found[i].ID] = &found[i]
		}
		return err
	})
}

func (l *ledger) hold(ctx context.Context, ids []uuid.UUID) error {
	l.budgets = make(map[uuid.UUID]*held, len(ids))
	return l.t.inParts(ids, func(part named) error {
		found, err := list(ctx, l.t.reader, selection[Budget]{"read budgets", (*Budget).targets,
			l.t.heldQuery(part.list)}, part.args...)
		for i := range found {
			l.budgets[found[i].ID] = &held{Budget: found[i]}
		}
		return err
	})
}

// heldQuery reads budgets, which nobody else spends from until the change is done.
func (r reader) heldQuery(ids string) string {
	return `SELECT ` + budgetColumns + ` FROM budgets b WHERE b.id IN (` + ids + `) ORDER BY b.id` + r.hold
}

// repeated is a spend that was made under a key.
type repeated struct {
	key []byte
	Spend
}

// mostKeys bounds how many keys one statement looks for.
const mostKeys = 64

// readRepeats finds the latest spends under the keys of a batch.
func (l *ledger) readRepeats(ctx context.Context, batch []*payment) error {
	l.repeats = map[[32]byte]*Spend{}
	var keys []any
	since := time.Time{}
	for _, p := range batch {
		if p.pay == nil || len(p.pay.Repeats) == 0 {
			continue
		}
		for i := range p.pay.Repeats {
			keys = append(keys, p.pay.Repeats[i][:])
		}
		if since.IsZero() || p.pay.RepeatsSince.Before(since) {
			since = p.pay.RepeatsSince
		}
	}
	for part := range slices.Chunk(keys, mostKeys) {
		if err := l.readKeys(ctx, part, since); err != nil {
			return err
		}
	}
	return nil
}

// readKeys is readRepeats for few enough keys; the last fills up the statement.
func (l *ledger) readKeys(ctx context.Context, keys []any, since time.Time) error {
	n := 1
	for n < len(keys) {
		n *= 2
	}
	args := append(make([]any, 0, n+1), since.UnixMilli())
	for i := range n {
		args = append(args, keys[min(i, len(keys)-1)])
	}
	targets := func(r *repeated) []any { return append([]any{&r.key}, r.targets()...) }
	found, err := list(ctx, l.t.reader, selection[repeated]{"find repeats", targets, repeatsQuery(n)}, args...)
	for i := range found {
		if key := [32]byte(found[i].key); l.repeats[key] == nil {
			l.repeats[key] = &found[i].Spend
		}
	}
	return err
}

// repeatsQuery finds spends by n keys, the latest first.
func repeatsQuery(n int) string {
	return `SELECT s.repeat_key, ` + spendColumns + ` FROM spends s WHERE s.repeat_key IN ` + places(2, n) + ` AND s.at > $1 ORDER BY s.at DESC`
}

// write stores what has changed.
func (l *ledger) write(ctx context.Context) error {
	for _, h := range l.dirty() {
		b := &h.Budget
		l.run(spentQuery, b.ID, b.Cycle, b.ToppedUp, b.Used, b.Events, b.Reached, b.Told)
		for _, p := range h.past {
			l.run(pastQuery, b.ID, p.Cycle, p.Coins, p.ToppedUp, p.Used, p.Events)
		}
	}
	for _, key := range l.totalsInOrder() {
		total := l.totals[key]
		l.run(totalQuery, key.budget, key.cycle, key.operation, total.Used, total.Events)
		if total.returned != 0 { // into a cycle that is over
			l.run(`UPDATE budget_cycles SET used = used - $3 WHERE budget_id = $1 AND cycle = $2`, key.budget, key.cycle, total.returned)
		}
	}
	for _, sp := range l.settled {
		l.run(`UPDATE spends SET cost = $2, settled_at = $3 WHERE id = $1`, sp.ID, sp.Cost, sp.SettledAt.UnixMilli())
	}
	l.writeLines()
	if err := l.t.s.pipeline(ctx, l); err != nil {
		return l.t.fail("write the ledger", err)
	}
	return nil
}

// run has a statement run with the others.
func (l *ledger) run(query string, args ...any) {
	l.statements = append(l.statements, statement{query, args})
}

func (l *ledger) writeLines() {
	made := l.made
	for _, of := range l.t.s.stmts.lines {
		for ; len(made) >= of.n; made = made[of.n:] {
			args := make([]any, 0, of.n*spendArgs)
			for _, p := range made[:of.n] {
				args = p.args(args)
			}
			l.run(of.query, args...)
		}
	}
}

// args adds what a line of the ledger is stored as.
func (p *Payment) args(to []any) []any {
	var key []byte
	if len(p.Repeats) > 0 {
		key = p.Repeats[0][:]
	}
	return append(to, p.ID, p.Organization, nullable(p.Project), p.Credential, nullable(p.User), p.At.UnixMilli(), p.Cost, p.Reserved, p.Operation, p.Resource,
		cycleOf(p.Paid.Organization), cycleOf(p.Paid.Project), cycleOf(p.Paid.Credential), key)
}

// cycleOf is a place of Paid as it is stored.
func cycleOf(cycle int64) any {
	if cycle < 0 {
		return nil
	}
	return cycle
}

// isUnavailable reports whether nobody can be served for now.
func isUnavailable(err error) bool {
	return errors.Is(err, credential.Unavailable) || errors.Is(err, credential.StorageFull)
}
