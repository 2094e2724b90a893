package limit

import (
	"maps"
	"math/big"
	"testing"
	"time"
)

// FuzzAgainstModel runs calls, on few limits and with a clock that jumps about,
// on a memory and on a model that says the same in the plainest way.
func FuzzAgainstModel(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 0x81, 2, 0, 0, 0, 0})
	f.Add([]byte{0x13, 0x55, 7, 0x2f, 1, 2, 3, 4, 0xff, 0xfe, 0x80, 0x40, 0x20, 0x10, 9, 9, 9})
	f.Fuzz(func(t *testing.T, ops []byte) {
		m, mod, small, now := New(1000), model{}, New(2), start
		for ops = ops[:min(len(ops), 2000)]; len(ops) >= 4; ops = ops[4:] {
			if now = now.Add(jumps[int(ops[0])%len(jumps)]); now.Unix() < 0 {
				now = start // there is no earlier time than 1970
			}
			list := pick(ops[1:4])
			if ops[0] >= 192 {
				got, want := m.Peek(now, list[0]), mod.peek(now, list[0])
				compare(t, got, want)
			} else {
				got, want := m.Take(now, list...), mod.take(now, list)
				compare(t, got, want)
			}
			small.Take(now, list...)
		}
		intact(t, m)
		intact(t, small)
	})
}

func compare(t *testing.T, got, want Outcome) {
	t.Helper()
	if got.Allowed != want.Allowed || got.Index != want.Index || got.Remaining != want.Remaining ||
		got.RetryAfter != want.RetryAfter || !got.Reset.Equal(want.Reset) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

var jumps = []time.Duration{
	0, 0, 0, 1, -1, time.Millisecond, time.Second, -time.Second, time.Second - 1, 20 * time.Second, -20 * time.Second, time.Minute, -time.Minute,
	time.Hour, -time.Hour, MaxWindow, -MaxWindow, 142857142, 142857143, 7, 0, 0, 0, 0,
}

// pick makes one to three takes of four keys; a key is in there twice at times.
func pick(b []byte) (list []Take) {
	for _, c := range b[:1+b[0]%3] {
		list = append(list, numbered(int(c>>2)%4, rates[int(c>>4+c)%len(rates)]))
	}
	return list
}

// model is when each limit has nothing used up any more, in exact nanoseconds,
// and under which limit that came to be.
type model map[modelKey]used

type modelKey struct {
	key    Key
	window time.Duration
}

type used struct {
	until *big.Rat
	limit int
}

func (t Take) modelKey() modelKey { return modelKey{t.Key, t.Rate.Window} }

// gap is how far one that passes moves it.
func gap(r Rate) *big.Rat { return big.NewRat(int64(r.Window), int64(r.Limit)) }

func rat(n int64) *big.Rat         { return new(big.Rat).SetInt64(n) }
func plus(a, b *big.Rat) *big.Rat  { return new(big.Rat).Add(a, b) }
func minus(a, b *big.Rat) *big.Rat { return new(big.Rat).Sub(a, b) }

// ceil is the first whole number that is no less.
func ceil(a *big.Rat) int64 {
	n := new(big.Int).Add(a.Num(), new(big.Int).Sub(a.Denom(), big.NewInt(1)))
	return n.Div(n, a.Denom()).Int64()
}

// wait is how long it takes until one passes.
func wait(now int64, r Rate, until *big.Rat) *big.Rat {
	return minus(plus(until, gap(r)), rat(now+int64(r.Window)))
}

// from is what there is at a time: nothing before now, and if the wait would
// be more than a window, all used up now.
func (m model) from(now int64, take Take) *big.Rat {
	old, known := m[take.modelKey()]
	if !known || old.until.Cmp(rat(now)) < 0 {
		return rat(now)
	}
	if old.limit != take.Rate.Limit {
		old.until = rat(ceil(old.until))
	}
	most := int64(take.Rate.Window)
	if take.Rate.Limit == 1 {
		most += min(most/2, int64(time.Second))
	}
	if ceil(wait(now, take.Rate, old.until)) > most {
		return rat(now + int64(take.Rate.Window))
	}
	return old.until
}

func (m model) take(now time.Time, takes []Take) Outcome {
	left, all, longest := maps.Clone(m), Outcome{Allowed: true, Index: -1}, rat(0)
	for i, take := range takes {
		if now := now.UnixNano(); m[take.modelKey()].until != nil && m.from(now, take).Cmp(m[take.modelKey()].until) < 0 {
			m[take.modelKey()] = used{m.from(now, take), take.Rate.Limit}
		}
		o, w := left.one(now.UnixNano(), take)
		o.Index = i
		shorter := o.Allowed && (o.Remaining < all.Remaining || o.Remaining == all.Remaining && o.Reset.After(all.Reset))
		longer := w.Cmp(longest) > 0 || w.Cmp(longest) == 0 && o.Reset.After(all.Reset)
		if i == 0 || !o.Allowed && (all.Allowed || longer) || all.Allowed && shorter {
			all, longest = o, w
		}
	}
	if all.Allowed {
		maps.Copy(m, left)
	}
	return all
}

func (m model) peek(now time.Time, take Take) Outcome {
	o := maps.Clone(m).take(now, []Take{take})
	if before := m.from(now.UnixNano(), take); o.Allowed {
		o.Remaining, o.Reset = remaining(now.UnixNano(), take.Rate, before), time.Unix(0, ceil(before))
	} else {
		m.take(now, []Take{take})
	}
	return o
}

func (m model) one(now int64, take Take) (Outcome, *big.Rat) {
	before := m.from(now, take)
	after := plus(before, gap(take.Rate))
	m[take.modelKey()] = used{after, take.Rate.Limit}
	if w := wait(now, take.Rate, before); w.Sign() > 0 {
		seconds := (time.Duration(ceil(w)) + time.Second - 1).Truncate(time.Second)
		return Outcome{Reset: time.Unix(0, ceil(before)), RetryAfter: seconds}, rat(ceil(w))
	}
	return Outcome{Allowed: true, Remaining: remaining(now, take.Rate, after), Reset: time.Unix(0, ceil(after))}, rat(0)
}

// remaining is how many gaps there are up to the end of the window.
func remaining(now int64, r Rate, until *big.Rat) int {
	left := minus(rat(now+int64(r.Window)), until)
	if left.Sign() <= 0 {
		return 0
	}
	left.Quo(left, gap(r))
	return int(new(big.Int).Div(left.Num(), left.Denom()).Int64())
}
