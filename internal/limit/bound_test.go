package limit

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// rates are ordinary ones and all corners.
var rates = []Rate{
	{60, time.Minute}, {1000, time.Hour}, {7, time.Second}, {700_000_001, time.Second}, {3, time.Second + 1}, {2, time.Second}, {99, 86_399 * time.Second},
	{1, MinWindow}, {1, MaxWindow}, {2, MaxWindow}, {MaxLimit, MinWindow}, {MaxLimit, MaxWindow}, {MaxLimit - 1, MaxWindow - 1}, {1, time.Minute},
}

// within reports whether in any time t at most L + t·L/W passed. That is so
// where k·W - s·L, with s for the time of the kth, never rises by more than
// (L-1)·W.
func within(r Rate, passed []time.Time) error {
	slices.SortFunc(passed, time.Time.Compare)
	limit, window := big.NewInt(int64(r.Limit)), big.NewInt(int64(r.Window))
	most := new(big.Int).Mul(big.NewInt(int64(r.Limit-1)), window)
	var least *big.Int
	for k, at := range passed {
		v := new(big.Int).Mul(big.NewInt(int64(k)), window)
		v.Sub(v, new(big.Int).Mul(big.NewInt(int64(at.Sub(passed[0]))), limit))
		if least == nil || v.Cmp(least) < 0 {
			least = v
		}
		if new(big.Int).Sub(v, least).Cmp(most) > 0 {
			return fmt.Errorf("%v: the %dth passed at %v, too early", r, k+1, at.Sub(passed[0]))
		}
	}
	return nil
}

// TestX5_Bound holds for arrivals at random: in bursts, at the last moment,
// and in another order than that of their times.
func TestX5_Bound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, r := range rates {
		for _, often := range []int64{0, 1, 3, 40} { // arrivals for one that may pass
			m, now := New(1), start
			var passed []time.Time
			for range 5000 {
				if often > 0 {
					now = now.Add(time.Duration(random.Int64N(2*int64(r.Window)/int64(r.Limit)/often + 2)))
				}
				late := time.Duration(random.Int64N(int64(min(r.Window, time.Second) / 4)))
				if at := now.Add(-late); m.Take(at, numbered(1, r)).Allowed {
					passed = append(passed, at)
				}
				if random.IntN(500) == 0 {
					now = now.Add(time.Duration(random.Int64N(2 * int64(r.Window))))
				}
			}
			if err := within(r, passed); err != nil || len(passed) == 0 {
				t.Errorf("%d arrivals for one: %v, %d passed", often, err, len(passed))
			}
		}
	}
}

// TestX5_Racing: the bound holds for many at once, on several limits in any order.
func TestX5_Racing(t *testing.T) {
	limits := []Rate{{50, time.Minute}, {7, time.Minute}, {1000, time.Hour}}
	m := New(100)
	var mu sync.Mutex
	passed := make([][]time.Time, len(limits))
	for round := range 30 {
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(round), uint64(g)))
				for range 40 {
					at := start.Add(time.Duration(round)*10*time.Second + time.Duration(random.Int64N(int64(15*time.Second))))
					var list []Take
					order := random.Perm(len(limits))[:1+random.IntN(len(limits))]
					for _, i := range order {
						list = append(list, numbered(i, limits[i]))
					}
					if m.Take(at, list...).Allowed {
						mu.Lock()
						for _, i := range order {
							passed[i] = append(passed[i], at)
						}
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
	}
	for i, r := range limits {
		if err := within(r, passed[i]); err != nil || len(passed[i]) < r.Limit {
			t.Errorf("%v, %d passed", err, len(passed[i]))
		}
	}
	if n := exhaustTogether(New(1), numbered(1, Rate{1000, time.Hour})); n != 1000 {
		t.Errorf("at one moment: got %d, want exactly 1000", n)
	}
}

func exhaustTogether(m *Memory, take Take) (n int) {
	var wg sync.WaitGroup
	counts := make([]int, 8)
	for g := range counts {
		wg.Go(func() { counts[g] = exhaust(m, start, take) })
	}
	wg.Wait()
	for _, c := range counts {
		n += c
	}
	return n
}

// TestExact: no less passes than the bound allows. Nothing is lost to rounding
// however long it goes on.
func TestExact(t *testing.T) {
	for _, r := range rates {
		m, take := New(1), numbered(1, r)
		if r.Limit <= 1000 {
			exhaust(m, start, take)
		} else {
			// Used up, by a limit of one in the same window.
			m.Take(start, numbered(1, Rate{1, r.Window}))
		}
		for k := int64(1); k <= min(20_000, int64(r.Limit)*int64(20*MaxWindow/r.Window)); k++ {
			due := new(big.Int).Mul(big.NewInt(k), big.NewInt(int64(r.Window)))
			due.Add(due, big.NewInt(int64(r.Limit-1))).Div(due, big.NewInt(int64(r.Limit)))
			at := start.Add(time.Duration(due.Int64()))
			if m.Peek(at.Add(-1), take).Allowed && r.Limit < int(r.Window) {
				t.Fatalf("%v: the %dth passes a nanosecond early", r, k)
			}
			if o := m.Take(at, take); !o.Allowed || o.Remaining != 0 && r.Limit < int(r.Window) {
				t.Fatalf("%v: the %dth when it is due: got %+v", r, k, o)
			}
		}
	}
}

// TestH2_Obedient: a client that waits as long as it is told is never refused twice.
func TestH2_Obedient(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		m, now, refused := New(10), start, false
		var list []Take
		for i := range 1 + random.IntN(4) {
			r := rates[random.IntN(len(rates))]
			if r.Limit > 100 {
				r.Limit = 1 + random.IntN(100)
			}
			list = append(list, numbered(i, r))
		}
		for range 300 {
			o := m.Take(now, list...)
			switch {
			case refused && !o.Allowed:
				t.Fatalf("%v: after it waited: got %+v", list, o)
			case !o.Allowed && (o.RetryAfter < time.Second || o.RetryAfter%time.Second != 0 || o.Remaining != 0):
				t.Fatalf("%v: got %+v, want whole seconds", list, o)
			case o.Allowed && o.RetryAfter != 0:
				t.Fatalf("%v: got %+v, want no wait", list, o)
			}
			refused = !o.Allowed
			now = now.Add(o.RetryAfter)
			if !refused {
				now = now.Add(time.Duration(random.Int64N(int64(list[0].Rate.Window) / 100)))
			}
		}
	}
}

// TestRemaining is how many pass at once, and Reset when all do again.
func TestRemaining(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		m, now, r := New(1), start, rates[random.IntN(len(rates))]
		if r.Limit > 100 {
			r.Limit = 1 + random.IntN(100)
		}
		for range 1 + random.IntN(2*r.Limit) {
			now = now.Add(time.Duration(random.Int64N(int64(r.Window) / int64(r.Limit))))
			m.Take(now, numbered(1, r))
		}
		o := m.Peek(now, numbered(1, r))
		early := m.Peek(o.Reset.Add(-1), numbered(1, r)).Remaining
		if got := m.Peek(o.Reset, numbered(1, r)).Remaining; got != r.Limit || o.Reset.After(now) && early != r.Limit-1 {
			t.Errorf("%v at the reset: got %d remaining, and %d before", r, got, early)
		}
		if got := exhaust(m, now, numbered(1, r)); got != o.Remaining {
			t.Errorf("%v: got %d through, want the %d that remained", r, got, o.Remaining)
		}
	}
}
