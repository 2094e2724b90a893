package limit

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// id is what an arrival is remembered by.
type id struct {
	key    Key
	window time.Duration
}

// entry is what is remembered of one limit.
type entry struct {
	id
	arrival
	place int // in the heap
}

func (e *entry) rate() Rate { return Rate{int(e.limit), e.window} }

// shard is a part of a memory. Its entries are also in a heap: none is due
// before the one at (place-1)/2.
type shard struct {
	mu      sync.Mutex
	entries map[id]*entry
	heap    []*entry
	hand    int
	due     atomic.Int64 // of the first in the heap, for those who don't hold the lock
	_       [8]byte      // no two in one cache line
}

func (s *shard) unlock() {
	due := int64(math.MaxInt64)
	if len(s.heap) > 0 {
		due = s.heap[0].ns
	}
	if s.due.Load() != due {
		s.due.Store(due)
	}
	s.mu.Unlock()
}

func (s *shard) add(id id, a arrival) *entry {
	e := &entry{id: id, arrival: a, place: len(s.heap)}
	s.entries[id] = e
	s.heap = append(s.heap, e)
	s.move(e, a)
	return e
}

func (s *shard) remove(e *entry) {
	last := s.heap[len(s.heap)-1]
	s.heap[len(s.heap)-1] = nil
	s.heap = s.heap[:len(s.heap)-1]
	delete(s.entries, e.id)
	if last != e {
		s.put(last, e.place)
		s.move(last, last.arrival)
	}
}

// move changes the arrival of an entry, and with it its place.
func (s *shard) move(e *entry, a arrival) {
	e.arrival = a
	for i := e.place; i > 0 && e.ns < s.heap[(i-1)/2].ns; i = e.place {
		s.put(s.heap[(i-1)/2], i)
		s.put(e, (i-1)/2)
	}
	for child := s.child(e.place); child != nil && child.ns < e.ns; child = s.child(e.place) {
		i := child.place
		s.put(child, e.place)
		s.put(e, i)
	}
}

// child is the one that is due first of those below a place.
func (s *shard) child(i int) *entry {
	switch i = 2*i + 1; {
	case i >= len(s.heap):
		return nil
	case i+1 < len(s.heap) && s.heap[i+1].ns < s.heap[i].ns:
		return s.heap[i+1]
	}
	return s.heap[i]
}

func (s *shard) put(e *entry, i int) { s.heap[i], e.place = e, i }

// soonest is the entry that is due first, from a place on downwards, without
// those that are being charged.
func (s *shard) soonest(from int, without []charge) *entry {
	if from >= len(s.heap) {
		return nil
	}
	e := s.heap[from]
	if !charged(without, e) {
		return e
	}
	left, right := s.soonest(2*from+1, without), s.soonest(2*from+2, without)
	if left == nil || right != nil && right.ns < left.ns {
		return right
	}
	return left
}

func charged(list []charge, e *entry) bool {
	return slices.ContainsFunc(list, func(c charge) bool { return c.entry == e })
}

// settle looks at two entries, others each time. What a clock that was ahead
// has left in one would keep it the last to go, long after the clock was set right.
func (s *shard) settle(now int64) {
	for range min(2, len(s.heap)) {
		s.hand = (s.hand + 1) % len(s.heap)
		e := s.heap[s.hand]
		if seen := e.rate().see(e.arrival, now); seen.ns < e.ns {
			s.move(e, seen)
		}
	}
}
