package limit

import (
	"math/bits"
	"time"
)

// lastSecond is the last one (in 2261) whose nanoseconds, and a window more, fit an int64.
const lastSecond = 9_200_000_000

// nanoseconds turns a time into what is calculated with. The difference of two
// fits as well, whatever the clock says: before 1970 and after lastSecond time
// stands still.
func nanoseconds(t time.Time) int64 {
	switch s := t.Unix(); {
	case s < 0:
		return 0
	case s > lastSecond:
		return lastSecond * int64(time.Second)
	}
	return t.UnixNano()
}

// arrival is the theoretical arrival time of GCRA, which is also when nothing
// is used up any more. Each one that passes moves it by W/L. That is rarely a
// whole number of nanoseconds: the rest is counted in parts, of which the
// limit make one nanosecond.
type arrival struct {
	ns           int64
	parts, limit uint32
}

// gap is W/L.
func (r Rate) gap() (ns int64, parts uint32) {
	w, l := int64(r.Window), int64(r.Limit)
	return w / l, uint32(w % l)
}

// see brings an arrival to now and to the rate. What lies behind now counts
// for nothing. What lies more than a window ahead comes from a later clock: of
// a call that was overtaken, and then it must stay, or of a clock that was set
// back since. It stays unless the wait would be too long, and then counts as
// all used up now.
func (r Rate) see(a arrival, now int64) arrival {
	limit, w := uint32(r.Limit), int64(r.Window)
	if a.limit != limit && a.parts > 0 {
		a.ns, a.parts = a.ns+1, 0
	}
	a.limit = limit
	switch {
	case a.ns < now:
		a.ns, a.parts = now, 0
	case a.ns-now > w && r.wait(r.next(a), now) > r.longest():
		a.ns, a.parts = now+w, 0
	}
	return a
}

// longest is how long anybody waits. With a limit of 1 that is a window even
// by a true clock, and a call that was overtaken needs some more.
func (r Rate) longest() int64 {
	w := int64(r.Window)
	if r.Limit == 1 {
		return w + min(w/2, int64(time.Second))
	}
	return w
}

// wait is how long it takes until one passes that would leave an arrival: no
// time if it is 0 or less.
func (r Rate) wait(after arrival, now int64) int64 {
	return after.ceil() - int64(r.Window) - now
}

// next is the arrival once one more has passed.
func (r Rate) next(a arrival) arrival {
	ns, parts := r.gap()
	a.ns, a.parts = a.ns+ns, a.parts+parts
	if a.parts >= a.limit {
		a.ns, a.parts = a.ns+1, a.parts-a.limit
	}
	return a
}

// ceil is the first whole nanosecond that is no earlier.
func (a arrival) ceil() int64 {
	if a.parts > 0 {
		return a.ns + 1
	}
	return a.ns
}

// remaining is how many pass now: what is left of the window over the gap.
func (r Rate) remaining(a arrival, now int64) int {
	left := int64(r.Window) - (a.ns - now)
	if left <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(left), uint64(r.Limit))
	lo, borrow := bits.Sub64(lo, uint64(a.parts), 0)
	n, _ := bits.Div64(hi-borrow, lo, uint64(r.Window))
	return int(n)
}

// verdict is an Outcome in nanoseconds from now.
type verdict struct {
	allowed                 bool
	index, limit, remaining int
	reset, wait             int64
}

// passes is the verdict on one that leaves an arrival.
func (r Rate) passes(a arrival, now int64) verdict {
	return verdict{allowed: true, limit: r.Limit, remaining: r.remaining(a, now), reset: a.ceil() - now}
}

// decide is the verdict on one that finds an arrival and would leave another.
func (r Rate) decide(before, after arrival, now int64) verdict {
	wait := r.wait(after, now)
	if wait <= 0 {
		return r.passes(after, now)
	}
	return verdict{limit: r.Limit, reset: before.ceil() - now, wait: wait}
}

// of is the verdict on the take of an index.
func (v verdict) of(index int) verdict {
	v.index = index
	return v
}

// outweighs reports whether a verdict says more to the caller than another.
func (v verdict) outweighs(other verdict) bool {
	switch {
	case v.allowed != other.allowed:
		return other.allowed
	case v.wait != other.wait:
		return v.wait > other.wait
	case v.remaining != other.remaining:
		return v.remaining < other.remaining
	}
	return v.reset > other.reset
}

// outcome rounds the wait up to what Retry-After can say.
func (v verdict) outcome(now time.Time) Outcome {
	return Outcome{
		Allowed:    v.allowed,
		Index:      v.index,
		Limit:      v.limit,
		Remaining:  v.remaining,
		Reset:      now.Add(time.Duration(v.reset)),
		RetryAfter: (time.Duration(v.wait) + time.Second - 1) / time.Second * time.Second,
	}
}

// never is the verdict where a rate isn't valid.
func (r Rate) never() verdict {
	wait := int64(min(max(r.Window, MinWindow), MaxWindow))
	return verdict{limit: max(r.Limit, 0), reset: wait, wait: wait}
}
