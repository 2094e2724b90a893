package shared

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/limit"
)

// each runs a test on what one node remembers and on what several share, with
// one node and with two.
func each(t *testing.T, test func(t *testing.T, nodes []limit.Limiter)) {
	for _, kind := range []struct {
		name  string
		nodes func(t *testing.T) []limit.Limiter
	}{
		{"memory", func(*testing.T) []limit.Limiter { return []limit.Limiter{limit.Alone{Memory: limit.New(1 << 16)}} }},
		{"redis", func(t *testing.T) []limit.Limiter { return []limit.Limiter{told(t)} }},
		{"redis, two nodes", func(t *testing.T) []limit.Limiter { return []limit.Limiter{told(t), told(t)} }},
	} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			test(t, kind.nodes(t))
		})
	}
}

// crowd has 1,000 callers take at one moment, spread over the nodes.
func crowd(t *testing.T, nodes []limit.Limiter, now time.Time, takes ...limit.Take) int {
	var passed atomic.Int64
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			o, err := nodes[i%len(nodes)].Take(t.Context(), now, takes...)
			if err != nil || o.Degraded {
				t.Errorf("got %+v, %v", o, err)
			}
			if o.Allowed {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	return int(passed.Load())
}

// D-5: a limit of 60 a minute lets through of 1,000 at once what GCRA says, to
// the request.
func TestD5_Crowd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, nodes []limit.Limiter) {
		limited := fresh(limit.Rate{Limit: 60, Window: time.Minute})
		for _, moment := range []struct {
			after time.Duration
			want  int
		}{{0, 60}, {0, 0}, {999 * time.Millisecond, 0}, {time.Second, 1}, {10*time.Second + 500*time.Millisecond, 9}, {time.Minute, 50}, {time.Hour, 60}} {
			if got := crowd(t, nodes, start.Add(moment.after), limited); got != moment.want {
				t.Errorf("after %v: got %d through, want %d", moment.after, got, moment.want)
			}
		}
	})
}

// D-5: so it does by Redis' own clock, whatever those of the nodes say.
func TestD5_ClockOfRedis(t *testing.T) {
	t.Parallel()
	a, b := told(t), told(t)
	a.cfg.CallersClock, b.cfg.CallersClock = false, false
	limited := fresh(limit.Rate{Limit: 60, Window: time.Hour}) // one a minute
	ahead := start.AddDate(1, 0, 0)
	passed := 0
	for range 50 {
		for l, now := range map[*Limiter]time.Time{a: start, b: ahead} {
			o := take(t, l, now, limited)
			if o.Allowed {
				passed++
			}
			if left := o.Reset.Sub(now); left < 0 || left > time.Hour {
				t.Fatalf("got a reset in %v, want it told by the caller's clock", left)
			}
		}
	}
	if passed < 60 || passed > 61 {
		t.Errorf("got %d of 100, want 60, and one more where a minute passed", passed)
	}
}

func TestAllOrNone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, nodes []limit.Limiter) {
		l, wide, narrow := nodes[0], fresh(limit.Rate{Limit: 100, Window: time.Minute}), fresh(limit.Rate{Limit: 2, Window: time.Hour})
		if got := crowd(t, nodes, start, wide, narrow); got != 2 {
			t.Errorf("got %d through, want 2", got)
		}
		if o := take(t, l, start, wide, narrow); o.Index != 1 || o.RetryAfter != 30*time.Minute || o.Limit != 2 {
			t.Errorf("got %+v, want the refusal of the narrow one", o)
		}
		if o := take(t, l, start, wide); o.Remaining != 97 {
			t.Errorf("after refusals: got %d remaining, want 97", o.Remaining)
		}
		twice := fresh(limit.Rate{Limit: 5, Window: time.Hour})
		if n := exhaust(t, l, start, twice, twice); n != 2 {
			t.Errorf("named twice: got %d of 5 by twos, want 2", n)
		}
		if o := take(t, l, start); !o.Allowed || o.Index != -1 {
			t.Errorf("without a limit: got %+v", o)
		}
		if o := take(t, l, start, wide, limit.Take{Key: wide.Key}); o.Allowed || o.Index != 1 {
			t.Errorf("a rate that isn't one: got %+v", o)
		}
	})
}

func TestClockSetBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, nodes []limit.Limiter) {
		l := nodes[len(nodes)-1]
		for _, r := range []limit.Rate{{Limit: 60, Window: time.Minute}, {Limit: 1, Window: time.Minute}, {Limit: 1, Window: limit.MaxWindow}, {Limit: 1000, Window: time.Hour}} {
			for _, back := range []time.Duration{time.Microsecond, time.Second, 30 * time.Second, time.Hour, limit.MaxWindow, 20 * 365 * 24 * time.Hour} {
				limited, then := fresh(r), start.Add(-back)
				take(t, nodes[0], start, limit.Take{Key: limited.Key, Rate: limit.Rate{Limit: 1, Window: r.Window}}) // all of it
				most := r.Window
				if r.Limit == 1 {
					most += min(r.Window/2, time.Second)
				}
				if o := take(t, l, then, limited); o.Allowed || o.RetryAfter > most+time.Second-1 {
					t.Errorf("%v, set back by %v: got %+v", r, back, o)
				}
				if !take(t, l, then.Add(most), limited).Allowed {
					t.Errorf("%v, set back by %v: locked out", r, back)
				}
			}
		}
	})
}

// H-2: a client that waits as long as it is told is never refused twice.
func TestObedient(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, nodes []limit.Limiter) {
		random := rand.New(rand.NewPCG(3, 4))
		for range 10 {
			now, refused := start, false
			limited := []limit.Take{fresh(limit.Rate{Limit: 1 + random.IntN(7), Window: time.Minute}), fresh(limit.Rate{Limit: 1 + random.IntN(50), Window: time.Hour})}
			for i := range 100 {
				o := take(t, nodes[i%len(nodes)], now, limited...)
				if refused && !o.Allowed {
					t.Fatalf("%v: after it waited: got %+v", limited, o)
				}
				refused = !o.Allowed
				now = now.Add(o.RetryAfter + time.Duration(random.Int64N(int64(time.Second))).Truncate(time.Microsecond))
			}
		}
	})
}

// odd are rates of which one passes in no whole number of microseconds, each of
// a window of its own (under another limit the rest is rounded up), and
// even are those where any is followed by any other without a rest.
var (
	odd = []limit.Rate{{Limit: 7, Window: 5 * time.Second}, {Limit: 700_000_001, Window: 2 * time.Second}, {Limit: 99, Window: 86_399 * time.Second},
		{Limit: limit.MaxLimit, Window: limit.MinWindow}, {Limit: limit.MaxLimit - 1, Window: limit.MaxWindow - time.Microsecond}, {Limit: 3, Window: limit.MaxWindow}}
	even  = []limit.Rate{{Limit: 60, Window: time.Minute}, {Limit: 1, Window: time.Minute}, {Limit: 2, Window: time.Minute}, {Limit: 1000, Window: time.Minute}}
	jumps = []time.Duration{0, 0, 0, time.Microsecond, -time.Microsecond, time.Millisecond, time.Second, -time.Second, 20 * time.Second, -20 * time.Second,
		time.Minute, -time.Minute, time.Hour, -time.Hour, limit.MaxWindow, -limit.MaxWindow, 142857, 20 * 365 * 24 * time.Hour}
)

// against has the script and the memory decide the same calls: each says of
// every one of them just what the other does.
func against(t *testing.T, l *Limiter, ops []byte) {
	t.Helper()
	m, now, seed := limit.New(1000), start, uuid.New()
	pick := func(b byte) limit.Take {
		if n := int(b) % 16; n < len(odd) {
			return limit.Take{Key: limit.For("odd", seed), Rate: odd[n]}
		}
		return limit.Take{Key: limit.For([]string{"even", "level"}[b>>7], seed), Rate: even[int(b>>4)%len(even)]}
	}
	for ops = ops[:min(len(ops), 600)]; len(ops) >= 4; ops = ops[4:] {
		if now = now.Add(jumps[int(ops[0])%len(jumps)]); now.Unix() < 0 || now.Year() > 2200 {
			now = start
		}
		var list []limit.Take
		for _, b := range ops[1 : 2+ops[1]%3] {
			list = append(list, pick(b))
		}
		now = now.Truncate(time.Microsecond)
		if diff := cmp.Diff(take(t, l, now, list...), m.Take(now, list...)); diff != "" {
			t.Fatalf("%v at %v (-redis +memory):\n%s", list, now, diff)
		}
	}
}

// TestScriptAgainstMemory has calls of all kinds come in any order.
func TestScriptAgainstMemory(t *testing.T) {
	t.Parallel()
	l := told(t)
	for round := range 60 {
		random := rand.New(rand.NewPCG(uint64(round), 9))
		ops := make([]byte, 400)
		for i := range ops {
			ops[i] = byte(random.Uint32())
		}
		against(t, l, ops)
	}
}

// FuzzScriptAgainstMemory looks for calls of which the script and the memory
// say different things.
func FuzzScriptAgainstMemory(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 0x81, 2, 0, 0, 0, 0})
	f.Add([]byte{0x13, 0x55, 7, 0x2f, 1, 2, 3, 4, 0xff, 0xfe, 0x80, 0x40, 0x20, 0x10, 9, 9, 9})
	l := told(f)
	f.Fuzz(func(t *testing.T, ops []byte) { against(t, l, ops) })
}
