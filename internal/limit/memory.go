package limit

import (
	"hash/maphash"
	"iter"
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// shards is how many parts a memory has, each with a lock of its own: as many
// as a set has bits.
const shards = 64

// set is a set of shards.
type set uint64

// Memory keeps the limits of one node. It is safe for concurrent use.
//
// It remembers size limits at most, and while calls are under way those that
// they add. Where it is full, a new one takes the place of the other one that
// is the first to have nothing used up: one that has no more to say, if there
// is any. If all are still limited the newest wins, and that other one starts
// anew. So limits that strangers can fill a memory with, such as those by
// address, belong in a memory of their own.
type Memory struct {
	size  int64
	kept  atomic.Int64 // entries, without those that somebody is about to remove
	seed  maphash.Seed // nobody can choose what falls into one shard
	shard [shards]shard
}

// New makes a memory for at most size limits, and for one at least.
func New(size int) *Memory {
	m := &Memory{size: max(int64(size), 1), seed: maphash.MakeSeed()}
	for i := range m.shard {
		m.shard[i].entries = map[id]*entry{}
	}
	return m
}

// Len returns how many limits are remembered.
func (m *Memory) Len() int { return int(m.kept.Load()) }

// Take charges all of the takes if all have room, and otherwise none. One that
// is named twice needs room for two.
func (m *Memory) Take(now time.Time, takes ...Take) Outcome {
	var few [4]charge
	c := call{now: nanoseconds(now), charges: few[:0]}
	for i := range takes {
		if r := takes[i].Rate; !r.Valid() {
			return r.never().of(i).outcome(now)
		}
		c.charges = append(c.charges, m.prepare(&takes[i]))
	}
	shards := c.shards()
	m.lock(shards)
	v := m.decide(&c)
	if v.allowed {
		m.charge(&c)
	}
	m.unlock(shards)
	for m.full() {
		m.evict(&c)
	}
	return v.outcome(now)
}

// Peek says what a take would find, and charges nothing.
func (m *Memory) Peek(now time.Time, take Take) Outcome {
	if !take.Rate.Valid() {
		return take.Rate.never().outcome(now)
	}
	one := [1]charge{m.prepare(&take)}
	c := call{now: nanoseconds(now), charges: one[:]}
	m.lock(c.shards())
	v := m.decide(&c)
	m.unlock(c.shards())
	if v.allowed {
		v = take.Rate.passes(one[0].before, c.now)
	}
	return v.outcome(now)
}

// call is one Take or Peek. It holds no pointer that its answer could, so that
// it stays on the stack.
type call struct {
	now     int64
	charges []charge
}

// charge is a take that is being decided on.
type charge struct {
	id            id
	rate          Rate
	shard         uint8
	entry         *entry // nil if nothing is remembered
	before, after arrival
}

func (m *Memory) prepare(t *Take) charge {
	id := id{t.Key, t.Rate.Window}
	return charge{id: id, rate: t.Rate, shard: uint8(maphash.Comparable(m.seed, id) % shards)}
}

func (c *call) shards() (in set) {
	for i := range c.charges {
		in |= 1 << c.charges[i].shard
	}
	return in
}

// each yields the shards of a set in their order, in which all lock them.
func (m *Memory) each(in set) iter.Seq[*shard] {
	return func(yield func(*shard) bool) {
		for ; in != 0; in &= in - 1 {
			if !yield(&m.shard[bits.TrailingZeros64(uint64(in))]) {
				return
			}
		}
	}
}

func (m *Memory) lock(in set) {
	for s := range m.each(in) {
		s.mu.Lock()
	}
}

func (m *Memory) unlock(in set) {
	for s := range m.each(in) {
		s.unlock()
	}
}

// decide works out what each charge would do, and keeps only what a clock that
// was set back has changed. The shards are locked.
func (m *Memory) decide(c *call) verdict {
	all := verdict{allowed: true, index: -1}
	for i := range c.charges {
		m.look(c, i)
		ch := &c.charges[i]
		v := ch.rate.decide(ch.before, ch.after, c.now).of(i)
		if i == 0 || v.outweighs(all) {
			all = v
		}
	}
	return all
}

// look finds what is remembered for a charge, or what an earlier one of the
// same call leaves.
func (m *Memory) look(c *call, i int) {
	ch, s := &c.charges[i], &m.shard[c.charges[i].shard]
	ch.before = arrival{ns: c.now, limit: uint32(ch.rate.Limit)}
	if ch.entry = s.entries[ch.id]; ch.entry != nil {
		ch.before = ch.rate.see(ch.entry.arrival, c.now)
		if ch.before.ns < ch.entry.ns {
			s.move(ch.entry, ch.before)
		}
	}
	for j := range i {
		if earlier := &c.charges[j]; earlier.id == ch.id {
			ch.before = ch.rate.see(earlier.after, c.now)
		}
	}
	ch.after = ch.rate.next(ch.before)
}

// charge keeps what decide has worked out.
func (m *Memory) charge(c *call) {
	for i := range c.charges {
		ch := &c.charges[i]
		s := &m.shard[ch.shard]
		if ch.entry == nil {
			ch.entry = s.entries[ch.id] // of an earlier charge
		}
		if ch.entry == nil {
			ch.entry = s.add(ch.id, ch.after)
			m.kept.Add(1)
			continue
		}
		s.move(ch.entry, ch.after)
	}
}

// full reports whether the caller has to evict one.
func (m *Memory) full() bool {
	for {
		n := m.kept.Load()
		if n <= m.size {
			return false
		}
		if m.kept.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// evict removes one entry: of those that the call has not charged itself, the
// one that is due first.
func (m *Memory) evict(c *call) {
	for removed := false; !removed; {
		s, due := m.first(c)
		if s == nil {
			c.charges = nil // there are no others
			continue
		}
		s.mu.Lock()
		e := s.soonest(0, c.charges)
		if removed = e != nil && e.ns <= max(due, c.now); removed { // else another call was faster
			s.remove(e)
			s.settle(c.now)
		}
		s.unlock()
	}
}

// first is the shard with the entry that evict is to remove.
func (m *Memory) first(c *call) (first *shard, due int64) {
	due = math.MaxInt64
	for s := range m.each(^set(0)) {
		if s.due.Load() >= due {
			continue
		}
		s.mu.Lock()
		if e := s.soonest(0, c.charges); e != nil && e.ns < due {
			first, due = s, e.ns
		}
		s.unlock()
	}
	return first, due
}
