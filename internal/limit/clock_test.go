package limit

import (
	"testing"
	"time"
)

// TestX5_ClockSetBack: nothing more passes, and nobody waits longer than a
// window for it.
func TestX5_ClockSetBack(t *testing.T) {
	for _, r := range []Rate{{60, time.Minute}, {2, time.Second}, {1, time.Minute}, {1, time.Second}, {1000, time.Hour}, {1, MaxWindow}} {
		for _, back := range []time.Duration{1, time.Millisecond, time.Second, 30 * time.Second, time.Minute, time.Hour, MaxWindow, 20 * 365 * 24 * time.Hour} {
			m, take, then := New(1), numbered(1, r), start.Add(-back)
			exhaust(m, start, take)
			o := m.Take(then, take)
			most := r.Window
			if r.Limit == 1 {
				most += min(r.Window/2, time.Second)
			}
			if o.Allowed || m.Peek(then, take).Allowed || o.RetryAfter > most+time.Second-1 || o.Reset.Sub(then) > 2*r.Window {
				t.Errorf("%v, set back by %v: got %+v", r, back, o)
			}
			if !m.Take(then.Add(most), take).Allowed {
				t.Errorf("%v, set back by %v: locked out", r, back)
			}
		}
	}
}

// TestX5_ClockBounces: back by less than a window and forth again gives nothing.
func TestX5_ClockBounces(t *testing.T) {
	m, r := New(1), Rate{60, time.Minute}
	exhaust(m, start, numbered(1, r))
	for i := range 100 {
		at := start.Add(-time.Duration(i%2) * 58 * time.Second)
		if o := m.Take(at, numbered(1, r)); o.Allowed {
			t.Fatalf("got one through at %v", at)
		}
	}
}

// TestClockAtTheEnds: no time overflows.
func TestClockAtTheEnds(t *testing.T) {
	clocks := []time.Time{{}, time.Unix(-1<<60, 0), time.Unix(0, 0), time.Unix(lastSecond, 999), time.Unix(1<<40, 0), time.Unix(1<<60, 0)}
	for _, r := range rates {
		m, take := New(1), numbered(1, r)
		m.Take(start, numbered(1, Rate{1, r.Window})) // all used up
		for _, at := range append(clocks, clocks...) {
			o := m.Take(at, take)
			if o.Remaining < 0 || o.Remaining > r.Limit || o.RetryAfter < 0 || o.RetryAfter > 2*r.Window+time.Second ||
				o.Reset.Before(at) || o.Reset.Sub(at) > 2*r.Window {
				t.Errorf("%v at %v: got %+v", r, at, o)
			}
		}
	}
}
