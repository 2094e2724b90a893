package authority_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// coinStep is one call of a history about a budget: pay, settle, set or top up.
type coinStep struct {
	what  string
	coins int64
	spend uuid.UUID // of settle
}

// coinOutcome is its answer: a decision code, and which spend was made.
type coinOutcome struct {
	answer string
	spend  uuid.UUID
}

// coinState is what the model knows of the budget.
type coinState struct{ coins, toppedUp, used int64 }

// coinModel is the sequential truth that every history of a budget must agree with.
var coinModel = porcupine.Model{
	Init: func() any { return coinState{} },
	Step: func(state, in, out any) (bool, any) {
		s, i, o := state.(coinState), in.(coinStep), out.(coinOutcome)
		switch i.what {
		case "set":
			s.coins = i.coins
		case "top up":
			s.toppedUp += i.coins
		case "settle": // of a spend that was paid with 5
			s.used -= 5 - i.coins
		default:
			if i.coins > s.coins+s.toppedUp-s.used {
				return o.answer == string(credential.CodeBudget), s
			}
			s.used += i.coins
			return o.answer == string(credential.OK), s
		}
		return o.answer == "ok", s
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v → %+v", in, out) },
}

// coinHistory records calls of a budget.
type coinHistory struct {
	w      *world
	secret string
	ticks  atomic.Int64
	mu     sync.Mutex
	spends []uuid.UUID // that can be settled
	ops    []porcupine.Operation
}

func (h *coinHistory) client(n, calls int, random *rand.Rand) {
	for range calls {
		in := coinStep{what: "pay", coins: []int64{1, 2, 5, 5, 5}[random.IntN(5)]}
		switch k := random.IntN(20); {
		case k < 2:
			in = coinStep{what: "set", coins: random.Int64N(30)}
		case k < 4:
			in = coinStep{what: "top up", coins: 1 + random.Int64N(4)}
		case k < 9:
			if in.spend = h.take(); in.spend != uuid.Nil {
				in.what, in.coins = "settle", random.Int64N(6)
			}
		}
		h.record(n, in)
	}
}

// take is a spend of 5 that nobody else settles; Nil if there is none.
func (h *coinHistory) take() (id uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.spends) > 0 {
		id, h.spends = h.spends[0], h.spends[1:]
	}
	return id
}

func (h *coinHistory) record(client int, in coinStep) {
	call := h.ticks.Add(1)
	out := h.do(in)
	op := porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: h.ticks.Add(1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, op)
	if in.what == "pay" && in.coins == 5 && out.spend != uuid.Nil {
		h.spends = append(h.spends, out.spend)
	}
}

func (h *coinHistory) do(in coinStep) coinOutcome {
	w, out := h.w, coinOutcome{answer: "ok"}
	var err error
	switch in.what {
	case "set":
		_, err = w.SetBudget(background, w.op, w.org.ID, w.alpha.ID, authority.BudgetChange{Coins: in.coins})
	case "top up":
		_, err = w.TopUp(background, w.op, w.org.ID, w.alpha.ID, authority.TopUpRequest{Coins: in.coins})
	case "settle":
		_, err = w.Settle(background, w.op, in.spend, in.coins)
	default:
		var d credential.Decision
		d, err = w.Verify(background, h.secret, authority.Verification{Charge: authority.Charge{Cost: in.coins, Named: true}})
		out = coinOutcome{string(d.Code), d.Paid.Spend}
	}
	if err != nil {
		w.t.Errorf("%+v: %v", in, err)
	}
	return out
}

// whatever is paid, settled, set and topped up at once, the answers are
// those of some order in which each takes effect between its beginning and its end.
func TestX9_BudgetsAreLinearizable(t *testing.T) {
	const histories, clients, calls = 20, 5, 12
	each(t, func(t *testing.T, w *world) {
		refused := 0
		_, secret := w.made("onetest_key")
		for n := range histories {
			w.clock.advance(7 * 24 * time.Hour) // a new cycle, without top-ups
			h := &coinHistory{w: w, secret: secret}
			h.record(0, coinStep{what: "set", coins: 10})
			race(clients, func(i int) { h.client(i+1, calls, rand.New(rand.NewPCG(uint64(n), uint64(i)))) })
			if result := porcupine.CheckOperationsTimeout(coinModel, h.ops, time.Minute); result != porcupine.Ok {
				text := ""
				for _, op := range h.ops {
					text += fmt.Sprintf("%4d-%4d client %d %s\n", op.Call, op.Return, op.ClientId, coinModel.DescribeOperation(op.Input, op.Output))
				}
				t.Fatalf("history %d is %s:\n%s", n, result, text)
			}
			for _, op := range h.ops {
				if op.Output.(coinOutcome).answer == string(credential.CodeBudget) {
					refused++
				}
			}
		}
		if refused == 0 || refused > histories*clients*calls*3/4 {
			t.Errorf("%d payments were refused, want some", refused)
		}
		proof, err := w.CheckLedger(background, w.op, uuid.Nil)
		if err != nil || len(proof.Mismatches) > 0 {
			t.Errorf("got %+v, %v", proof, err)
		}
	})
}
