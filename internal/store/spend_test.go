package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// purse is a project with a budget, and the credential that spends from it.
type purse struct {
	t                                 *testing.T
	nodes                             []*store.Store
	organization, project, credential uuid.UUID
	now                               time.Time
	turn                              atomic.Int64
}

// purses runs a test with one node on SQLite, and with so many on one PostgreSQL.
func purses(t *testing.T, nodes int, test func(t *testing.T, w *purse, cfg store.Config)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		many := nodes
		if cfg.DatabaseURL == "" {
			many = 1
		}
		test(t, newPurse(t, cfg, many), cfg)
	})
}

func newPurse(t *testing.T, cfg store.Config, nodes int) *purse {
	t.Helper()
	w := &purse{t: t, organization: newID(t), project: newID(t), credential: newID(t), now: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)}
	for range nodes {
		w.nodes = append(w.nodes, storetest.Open(t, cfg))
	}
	w.change(uuid.Nil, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.InsertOrganization(ctx, &store.Organization{ID: w.organization, Name: "Acme", CreatedAt: w.now}); err != nil {
			return err
		}
		return tx.InsertProject(ctx, &store.Project{ID: w.project, Organization: w.organization, Name: "Game", CreatedAt: w.now})
	})
	return w
}

func (w *purse) change(chain uuid.UUID, fn func(context.Context, *store.Tx) error) {
	w.t.Helper()
	err := w.nodes[0].Change(w.t.Context(), chain, func(tx *store.Tx) error {
		tx.Record(audit.Event{Actor: "operator", Action: "budget.set", Target: "test", Detail: "{}", At: w.now})
		return fn(w.t.Context(), tx)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// set gives one of the three a budget.
func (w *purse) set(of limit.Of, id uuid.UUID, coins int64, overage bool) {
	w.t.Helper()
	w.change(w.organization, func(ctx context.Context, tx *store.Tx) error {
		b, err := tx.HoldBudget(ctx, w.organization, id)
		if errors.Is(err, credential.NotFound) {
			b, err = &store.Budget{ID: id, Organization: w.organization, Kind: of, Budget: limit.Budget{StartedAt: w.now}}, nil
		}
		if err != nil {
			return err
		}
		b.Active = true
		b.Set(coins, overage)
		return tx.SaveBudget(ctx, b)
	})
}

// ask is a payment by the credential from its project.
func (w *purse) ask(cost int64) store.Payment {
	id, err := uuid.NewV7()
	if err != nil {
		w.t.Error(err)
	}
	return store.Payment{
		Spend:  store.Spend{ID: id, Organization: w.organization, Project: w.project, Credential: w.credential, At: w.now, Cost: cost, Operation: "rest_api_read", Resource: "GET /x"},
		Payers: []uuid.UUID{w.project},
	}
}

// pay asks one node after the other.
func (w *purse) pay(p store.Payment) store.Receipt {
	w.t.Helper()
	r, err := w.nodes[int(w.turn.Add(1))%len(w.nodes)].Pay(w.t.Context(), p)
	if err != nil {
		w.t.Error(err)
	}
	return r
}

// Those who report much, and hold all connections for changes, hold up no payment:
// on PostgreSQL, for SQLite has one writer.
func TestPaidWhileOthersChange(t *testing.T) {
	t.Parallel()
	w := newPurse(t, storetest.Postgres(t), 1)
	w.set(limit.OfProject, w.project, 5, false)
	begun, finish := make(chan bool), make(chan bool)
	var others sync.WaitGroup
	for range 30 {
		others.Go(func() {
			if err := w.nodes[0].Quietly(t.Context(), func(*store.Tx) error { begun <- true; <-finish; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	for range 10 {
		<-begun
	}
	if passed := w.burst(10, func(int) store.Payment { return w.ask(1) }); passed != 5 {
		t.Errorf("%d of 10 were paid, want 5", passed)
	}
	close(finish)
	go func() { others.Wait(); close(begun) }()
	for range begun { // until all are done
	}
	w.proven(5, 5)
}

func (w *purse) budget(id uuid.UUID) *store.Budget {
	w.t.Helper()
	b, err := w.nodes[0].Budget(w.t.Context(), w.organization, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// proven checks that ledger and totals agree, and that the ledger has so much.
func (w *purse) proven(spends, coins int64) {
	w.t.Helper()
	p, err := w.nodes[0].CheckLedger(w.t.Context(), w.organization)
	if err != nil || len(p.Mismatches) > 0 || p.Spends != spends || p.Coins != coins {
		w.t.Errorf("the ledger has %d spends of %d coins, %+v, %v; want %d of %d, and nothing else", p.Spends, p.Coins, p.Mismatches, err, spends, coins)
	}
}

// burst has so many callers ask at once, and returns how many were let through.
func (w *purse) burst(callers int, ask func(i int) store.Payment) int64 {
	var passed atomic.Int64
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			if r := w.pay(ask(i)); !r.Refused {
				passed.Add(1)
			}
		})
	}
	all.Wait()
	return passed.Load()
}

// One coin and a thousand callers, and a budget under three times that demand:
// exactly the budget passes, and the ledger has each of those and no other.
func TestD3_NeverOver(t *testing.T) {
	purses(t, 3, func(t *testing.T, w *purse, _ store.Config) {
		w.set(limit.OfProject, w.project, 1, false)
		if n := w.burst(1000, func(int) store.Payment { return w.ask(1) }); n != 1 {
			t.Errorf("%d of 1000 passed with one coin", n)
		}
		w.proven(1, 1)
		w.set(limit.OfProject, w.project, 501, false)
		if n := w.burst(1500, func(i int) store.Payment { return w.ask(1) }); n != 500 {
			t.Errorf("%d passed with 500 coins left", n)
		}
		w.proven(501, 501)
		if b := w.budget(w.project); b.Used != 501 || b.Events != 501 || b.Remaining() != 0 {
			t.Errorf("got %+v", b.Budget)
		}
	})
}

// Of several budgets all have room and are charged, or none is; the one that
// refuses is told of, and without one it costs nothing.
func TestPayFromSeveralBudgets(t *testing.T) {
	purses(t, 1, func(t *testing.T, w *purse, _ store.Config) {
		w.set(limit.OfOrganization, w.organization, 10, false)
		w.set(limit.OfCredential, w.credential, 5, false)
		all := func(cost int64) store.Payment {
			p := w.ask(cost)
			p.Payers = []uuid.UUID{w.organization, w.project, w.credential}
			return p
		}
		first := w.pay(all(4))
		if first.Refused || first.Budget.ID != w.credential || first.Budget.Remaining() != 1 || first.Spend.Paid != (store.Paid{}) {
			t.Errorf("got %+v", first)
		}
		if r := w.pay(all(2)); !r.Refused || r.Budget.ID != w.credential {
			t.Errorf("got %+v", r)
		}
		w.set(limit.OfCredential, w.credential, 5, true) // goes on beyond it
		if r := w.pay(all(6)); r.Refused || r.Budget.ID != w.organization || r.Budget.Remaining() != 0 {
			t.Errorf("got %+v", r)
		}
		if r := w.pay(all(1)); !r.Refused || r.Budget.ID != w.organization {
			t.Errorf("got %+v", r)
		}
		var used []int64
		for _, id := range []uuid.UUID{w.organization, w.project, w.credential} {
			used = append(used, w.budget(id).Used)
		}
		if diff := cmp.Diff(used, []int64{10, 10, 10}); diff != "" {
			t.Error(diff)
		}
		w.proven(2, 10)
		none := w.ask(1)
		none.Payers = nil
		if r := w.pay(none); !r.Free {
			t.Errorf("got %+v", r)
		}
		w.proven(2, 10)
	})
}

// A burst across the turn of the cycle spends each cycle's coins and no more; a
// clock that is set back afterwards gets nothing from the cycle that is over.
func TestD15_CycleTurnsInABurst(t *testing.T) {
	purses(t, 2, func(t *testing.T, w *purse, _ store.Config) {
		w.set(limit.OfProject, w.project, 20, false)
		before, after := w.now.Add(limit.Cycle-time.Millisecond), w.now.Add(limit.Cycle)
		n := w.burst(200, func(i int) store.Payment {
			p := w.ask(1)
			p.At = before
			if i%2 == 0 {
				p.At = after
			}
			return p
		})
		b := w.budget(w.project)
		if b.Cycle != 1 || b.Used != 20 || n < 20 || n > 40 {
			t.Errorf("%d passed; got %+v", n, b.Budget)
		}
		w.now = before
		if r := w.pay(w.ask(1)); !r.Refused || !r.Budget.ResetsAt().Equal(after.Add(limit.Cycle)) {
			t.Errorf("after the clock was set back: %+v", r)
		}
		past, err := w.nodes[0].BudgetHistory(t.Context(), w.project, 1, 12)
		if err != nil || len(past) > 1 || len(past) == 1 && past[0].Used != n-20 || len(past) == 0 && n != 20 {
			t.Errorf("got %+v, %v; %d passed", past, err, n)
		}
		w.proven(n, n)
	})
}

// However often and on however many nodes a call comes with one key, it is paid
// once; another call with it is an error, and a day later it is a new one.
func TestRepeatIsPaidOnce(t *testing.T) {
	purses(t, 3, func(t *testing.T, w *purse, _ store.Config) {
		key := sha256.Sum256([]byte("key"))
		ask := func(cost int64) store.Payment {
			p := w.ask(cost)
			p.Repeats, p.RepeatsSince = [][32]byte{key, sha256.Sum256([]byte("older"))}, w.now.Add(-24*time.Hour)
			return p
		}
		ids := make([]uuid.UUID, 60)
		var all sync.WaitGroup
		for i := range ids {
			all.Go(func() { ids[i] = w.pay(ask(7)).Spend.ID })
		}
		all.Wait()
		for _, id := range ids {
			if id != ids[0] || id == uuid.Nil {
				t.Fatalf("one call is the spends %v", ids)
			}
		}
		w.proven(1, 7)
		if _, err := w.nodes[0].Pay(t.Context(), ask(8)); !errors.Is(err, credential.Invalid) {
			t.Errorf("another call with the same key: %v", err)
		}
		w.now = w.now.Add(25 * time.Hour)
		if r := w.pay(ask(8)); r.Spend.ID == ids[0] || r.Refused {
			t.Errorf("a day later: %+v", r)
		}
		w.proven(2, 15)
	})
}

// What a call came to is settled once; the rest goes back to the cycle it was
// taken from, also when that is over.
func TestSettle(t *testing.T) {
	purses(t, 1, func(t *testing.T, w *purse, _ store.Config) {
		st, ctx := w.nodes[0], t.Context()
		w.set(limit.OfProject, w.project, 100, false)
		first, second := w.pay(w.ask(60)), w.pay(w.ask(40))
		if r := w.pay(w.ask(1)); !r.Refused {
			t.Errorf("got %+v", r)
		}
		settle := func(id uuid.UUID, cost int64) error {
			_, err := st.Settle(ctx, store.Settlement{Spend: id, Organization: w.organization, Cost: cost, At: w.now, Since: w.now.Add(-24 * time.Hour)})
			return err
		}
		for _, c := range []struct {
			id   uuid.UUID
			cost int64
			want error
		}{
			{first.Spend.ID, 61, credential.Invalid},
			{first.Spend.ID, 10, nil},
			{first.Spend.ID, 10, nil}, // the answer was lost
			{first.Spend.ID, 11, credential.Conflict},
			{uuid.New(), 1, credential.NotFound},
		} {
			if err := settle(c.id, c.cost); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("settle %s for %d: %v; want %v", c.id, c.cost, err, c.want)
			}
		}
		if _, err := st.Settle(ctx, store.Settlement{Spend: second.Spend.ID, Organization: newID(t), At: w.now}); !errors.Is(err, credential.NotFound) {
			t.Errorf("of another organization: %v", err)
		}
		if b := w.budget(w.project); b.Used != 50 {
			t.Errorf("%d are used; want 50", b.Used)
		}
		w.now = w.now.Add(limit.Cycle)
		w.pay(w.ask(3)) // the cycle turns
		if err := settle(second.Spend.ID, 0); !errors.Is(err, credential.Conflict) {
			t.Errorf("too late: %v", err)
		}
		if _, err := st.Settle(ctx, store.Settlement{Spend: second.Spend.ID, Cost: 5, At: w.now}); err != nil {
			t.Error(err)
		}
		past, err := st.BudgetHistory(ctx, w.project, 1, 12)
		if err != nil || len(past) != 1 || past[0].Used != 15 || w.budget(w.project).Used != 3 {
			t.Errorf("got %+v, %v, and %d of this cycle", past, err, w.budget(w.project).Used)
		}
		w.proven(3, 18)
	})
}

// A top-up that races the last coins is there for whoever comes after it, and
// gone with the cycle.
func TestTopUpRacesTheLastCoin(t *testing.T) {
	purses(t, 2, func(t *testing.T, w *purse, _ store.Config) {
		w.set(limit.OfProject, w.project, 30, false)
		var all sync.WaitGroup
		all.Go(func() {
			w.change(w.organization, func(ctx context.Context, tx *store.Tx) error {
				b, err := tx.HoldBudget(ctx, w.organization, w.project)
				if err != nil {
					return err
				}
				b.TopUp(30)
				return tx.SaveBudget(ctx, b)
			})
		})
		n := w.burst(200, func(int) store.Payment { return w.ask(1) })
		all.Wait()
		n += w.burst(100, func(int) store.Payment { return w.ask(1) })
		if n != 60 {
			t.Errorf("%d passed; want 60", n)
		}
		w.now = w.now.Add(limit.Cycle)
		if n := w.burst(100, func(int) store.Payment { return w.ask(1) }); n != 30 {
			t.Errorf("%d passed in the next cycle; want 30", n)
		}
		w.proven(90, 90)
	})
}

// Nothing is free because its budget is lost, nobody else is harmed, and a check
// of the ledger finds what was changed behind the server's back.
func TestDamagedBudgets(t *testing.T) {
	purses(t, 1, func(t *testing.T, w *purse, cfg store.Config) {
		db := storetest.Raw(t, cfg)
		w.set(limit.OfOrganization, w.organization, 10, false)
		good := w.ask(1)
		good.Payers = []uuid.UUID{w.organization}
		w.pay(good)
		w.pay(w.ask(1))
		storetest.Exec(t, db, fmt.Sprintf(`UPDATE budgets SET started_at = -5 WHERE id = '%s'`, w.project))
		if r, err := w.nodes[0].Pay(t.Context(), w.ask(1)); !errors.Is(err, credential.Unavailable) {
			t.Errorf("from a budget that can't be read: %+v, %v", r, err)
		}
		if again := w.ask(1); true {
			again.Payers = []uuid.UUID{w.organization}
			if r := w.pay(again); r.Refused {
				t.Errorf("from one that can: %+v", r)
			}
		}
		storetest.Exec(t, db, fmt.Sprintf(`UPDATE budgets SET started_at = %d, used = 0 WHERE id = '%s'`, w.now.UnixMilli(), w.project),
			fmt.Sprintf(`DELETE FROM spends WHERE id = '%s'`, good.ID))
		p, err := w.nodes[0].CheckLedger(t.Context(), uuid.Nil)
		want := []store.Mismatch{{w.organization, 0, "rest_api_read", -1, -1}, {w.project, 0, "", 1, 0}}
		if diff := cmp.Diff(p.Mismatches, want); err != nil || diff != "" {
			t.Errorf("%s, %v", diff, err)
		}
	})
}

// What the ledger forgets isn't missed: cycles that began before aren't checked.
func TestForgetSpends(t *testing.T) {
	purses(t, 1, func(t *testing.T, w *purse, _ store.Config) {
		start := w.now
		for week := range 3 {
			w.now = start.Add(time.Duration(week) * limit.Cycle).Add(time.Hour)
			w.pay(w.ask(1))
			w.now = w.now.Add(48 * time.Hour)
			w.pay(w.ask(2))
		}
		w.proven(6, 9)
		if err := w.nodes[0].ForgetSpends(t.Context(), start.Add(limit.Cycle).Add(24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		w.proven(3, 5)
	})
}

// What somebody did not wait for is stored as well, and a second try of a
// payment that seemed to fail finds it.
func TestPayTriedAgain(t *testing.T) {
	purses(t, 1, func(t *testing.T, w *purse, cfg store.Config) {
		allow := storetest.Refuse(t, cfg, "INSERT", "spends")
		if _, err := w.nodes[0].Pay(t.Context(), w.ask(1)); err == nil {
			t.Error("it was paid though the ledger can't be written")
		}
		allow()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if r, err := w.nodes[0].Pay(ctx, w.ask(2)); err != nil || r.Refused {
			t.Errorf("got %+v, %v", r, err)
		}
		w.proven(1, 2)
	})
}
