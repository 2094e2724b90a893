package limit

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// intact fails the test unless heaps, maps and the count say the same, and no
// more is kept than may be.
func intact(t *testing.T, m *Memory) {
	t.Helper()
	total := 0
	for i := range m.shard {
		s := &m.shard[i]
		total += len(s.heap)
		if len(s.heap) != len(s.entries) || len(s.heap) > 0 && s.due.Load() != s.heap[0].ns {
			t.Errorf("shard %d: %d in the heap, %d in the map", i, len(s.heap), len(s.entries))
		}
		for place, e := range s.heap {
			if e.place != place || s.entries[e.id] != e || s.heap[max(place-1, 0)/2].ns > e.ns {
				t.Errorf("shard %d: place %d is wrong", i, place)
			}
		}
	}
	if total != m.Len() || int64(total) > m.size {
		t.Errorf("got %d kept and a count of %d, want at most %d", total, m.Len(), m.size)
	}
}

// TestFull: while there is room nothing is forgotten; in a full memory what has
// no more to say goes first.
func TestFull(t *testing.T) {
	const size = 1000
	short, long := Rate{2, time.Minute}, Rate{2, time.Hour}
	m := New(size)
	for i := range size {
		exhaust(m, start, numbered(i, []Rate{short, long}[i%2]))
	}
	later := start.Add(time.Minute)
	for i := range size / 2 {
		exhaust(m, later, numbered(size+i, long))
		intact(t, m)
	}
	for i := 1; i < size; i += 2 {
		if m.Peek(later, numbered(i, long)).Allowed {
			t.Errorf("%d was forgotten while others had no more to say", i)
		}
	}
	for i := range size / 2 {
		if m.Peek(later, numbered(size+i, long)).Allowed {
			t.Errorf("new one %d was forgotten", i)
		}
	}
}

// TestFullOfLimited: if all are still limited the newest wins, and the one that
// is due first is forgotten.
func TestFullOfLimited(t *testing.T) {
	const size = 200
	m := New(size)
	order := rand.New(rand.NewPCG(1, 1)).Perm(size)
	for _, i := range order {
		exhaust(m, start.Add(time.Duration(i)*time.Millisecond), numbered(i, perMinute))
	}
	now := start.Add(time.Second)
	for i := range size {
		if n := exhaust(m, now, numbered(size+i, perMinute)); n != 3 {
			t.Fatalf("new one %d: got %d, want 3", i, n)
		}
		if i+1 < size && m.Peek(now, numbered(i+1, perMinute)).Remaining > 0 {
			t.Fatalf("after %d new ones: %d was forgotten, and was not due first", i+1, i+1)
		}
	}
	for i := range size {
		if o := m.Peek(now, numbered(i, perMinute)); o.Remaining != 3 {
			t.Errorf("%d: got %+v, want it forgotten", i, o)
		}
	}
}

// TestOwnLimitsStay: a call never pushes out what it charges itself, although
// that is due first.
func TestOwnLimitsStay(t *testing.T) {
	const size = 100
	m, address := New(size), numbered(-1, Rate{60, time.Minute})
	passed := 0
	for i := range 10 * size {
		if m.Take(start, address, numbered(i, Rate{5, 24 * time.Hour})).Allowed {
			passed++
		}
	}
	intact(t, m)
	if passed != 60 {
		t.Errorf("with a new name each time: got %d through, want 60", passed)
	}
}

// TestSmall memories keep within their size whatever is asked of them.
func TestSmall(t *testing.T) {
	for _, size := range []int{-1, 0, 1, 2, 5} {
		m := New(size)
		for i := range 50 {
			var list []Take
			for j := range i % 10 {
				list = append(list, numbered(i+j, perMinute))
			}
			m.Take(start.Add(time.Duration(i)*time.Second), list...)
			intact(t, m)
		}
	}
}

// TestClockWasAhead: what a clock that was ahead has left behind doesn't hold
// a full memory for ever.
func TestClockWasAhead(t *testing.T) {
	const size = 100
	m := New(size)
	for i := range size {
		m.Take(start.AddDate(20, 0, 0), numbered(i, Rate{60, time.Minute}))
	}
	for i := range 10 * size {
		m.Take(start.Add(time.Duration(i)*time.Second), numbered(size+i, Rate{60, time.Minute}))
	}
	intact(t, m)
	now := start.Add(10 * size * time.Second)
	for i := range size / 2 {
		exhaust(m, now, numbered(-i, Rate{60, time.Minute}))
	}
	for i := range size / 2 {
		if m.Peek(now, numbered(-i, Rate{60, time.Minute})).Allowed {
			t.Errorf("%d was forgotten", i)
		}
	}
}

// TestFullRacing: many at once keep the memory whole and within its size.
func TestFullRacing(t *testing.T) {
	const size = 50
	m := New(size)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(g), 0))
			for i := range 2000 {
				list := []Take{numbered(random.IntN(200), perMinute), numbered(random.IntN(200), perMinute), numbered(g, Rate{100, time.Hour})}
				m.Take(start.Add(time.Duration(i)*time.Second), slices.Compact(list)...)
				m.Peek(start.Add(time.Duration(i)*time.Second), list[0])
			}
		})
	}
	wg.Wait()
	intact(t, m)
}
