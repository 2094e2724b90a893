package limit

import (
	"encoding/binary"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

var (
	start     = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	perMinute = Rate{3, time.Minute}
)

// numbered is a take of the nth credential.
func numbered(n int, r Rate) Take {
	return Take{ForCredential(uuid.UUID(binary.BigEndian.AppendUint64(make([]byte, 8, 16), uint64(n)))), r}
}

// exhaust takes until it is refused and says how often it was not.
func exhaust(m *Memory, now time.Time, takes ...Take) (n int) {
	for m.Take(now, takes...).Allowed {
		n++
	}
	return n
}

// TestTake follows one client through a burst, refusals, and what comes back with time.
func TestTake(t *testing.T) {
	m := New(10)
	for _, tt := range []struct {
		at   time.Duration
		want Outcome // with Reset below
		full time.Duration
	}{
		{0, Outcome{Allowed: true, Remaining: 2}, 20 * time.Second},
		{0, Outcome{Allowed: true, Remaining: 1}, 40 * time.Second},
		{time.Second, Outcome{Allowed: true, Remaining: 0}, time.Minute},
		{time.Second, Outcome{RetryAfter: 19 * time.Second}, time.Minute},
		{1500 * time.Millisecond, Outcome{RetryAfter: 19 * time.Second}, time.Minute},
		{20*time.Second - 1, Outcome{RetryAfter: time.Second}, time.Minute},
		{20 * time.Second, Outcome{Allowed: true, Remaining: 0}, 80 * time.Second},
		{50 * time.Second, Outcome{Allowed: true, Remaining: 0}, 100 * time.Second},
		{5 * time.Minute, Outcome{Allowed: true, Remaining: 2}, 320 * time.Second},
	} {
		tt.want.Limit, tt.want.Reset = 3, start.Add(tt.full)
		if diff := cmp.Diff(m.Take(start.Add(tt.at), numbered(1, perMinute)), tt.want); diff != "" {
			t.Errorf("after %v (-got +want):\n%s", tt.at, diff)
		}
	}
}

func TestPeek(t *testing.T) {
	m, take := New(10), numbered(1, perMinute)
	for used := range 4 {
		want := Outcome{Allowed: used < 3, Limit: 3, Remaining: 3 - used, Reset: start.Add(time.Duration(used) * 20 * time.Second)}
		if used == 3 {
			want.RetryAfter = 20 * time.Second
		}
		for range 5 {
			if diff := cmp.Diff(m.Peek(start, take), want); diff != "" {
				t.Errorf("with %d used (-got +want):\n%s", used, diff)
			}
		}
		m.Take(start, take)
	}
	if m.Peek(start, numbered(2, perMinute)); m.Len() != 1 {
		t.Errorf("got %d entries, want none for what was only looked at", m.Len())
	}
}

// TestX5_AllOrNone: a refusal charges none of the limits, and the outcome is
// that of the one that decides.
func TestX5_AllOrNone(t *testing.T) {
	m := New(10)
	wide, narrow, narrower := numbered(1, Rate{100, time.Minute}), numbered(2, Rate{2, time.Minute}), numbered(3, Rate{2, time.Hour})
	if o := m.Take(start, wide, narrow); !o.Allowed || o.Index != 1 || o.Remaining != 1 {
		t.Errorf("got %+v, want the one with the least remaining", o)
	}
	if o := m.Take(start, narrow, wide); !o.Allowed || o.Index != 0 || o.Remaining != 0 {
		t.Errorf("got %+v, want the one with the least remaining", o)
	}
	short, long := numbered(5, Rate{2, time.Minute}), numbered(6, Rate{2, time.Hour})
	for _, list := range [][]Take{{short, long}, {long, short}} {
		if o := m.Take(start, list...); list[o.Index] != long {
			t.Errorf("got %+v, want the one that is full later", o)
		}
	}
	exhaust(m, start, narrower)
	for range 200 {
		if o := m.Take(start, wide, narrow, narrower); o.Allowed || o.Index != 2 || o.RetryAfter != 30*time.Minute {
			t.Fatalf("got %+v, want the refusal that lasts longest", o)
		}
	}
	if o := m.Peek(start, wide); o.Remaining != 98 {
		t.Errorf("after refusals: got %d remaining, want 98", o.Remaining)
	}
	if n := exhaust(m, start, numbered(4, Rate{5, time.Hour}), numbered(4, Rate{5, time.Hour})); n != 2 {
		t.Errorf("named twice: got %d of 5 by twos, want 2", n)
	}
	if o := m.Take(start); !o.Allowed || o.Index != -1 {
		t.Errorf("without a limit: got %+v", o)
	}
}

// TestOtherRates: another window is another limit, another number is not.
func TestOtherRates(t *testing.T) {
	m := New(10)
	if got := exhaust(m, start, numbered(1, Rate{10, time.Minute}), numbered(1, Rate{8, time.Hour})); got != 8 {
		t.Errorf("two windows: got %d, want 8", got)
	}
	m.Take(start, numbered(2, Rate{4, time.Minute}))
	for _, tt := range []struct{ limit, remaining int }{{4, 3}, {8, 6}, {400, 300}, {7, 5}, {1, 0}} {
		if o := m.Peek(start, numbered(2, Rate{tt.limit, time.Minute})); o.Remaining != tt.remaining {
			t.Errorf("a quarter of %d used: got %d remaining, want %d", tt.limit, o.Remaining, tt.remaining)
		}
	}
	a, b := numbered(3, Rate{700_000_001, time.Second}), numbered(3, Rate{700_000_003, time.Second})
	for range 500 {
		m.Take(start, a)
		m.Take(start, b)
	}
	if o := m.Peek(start, b); o.Remaining > b.Rate.Limit-1000 {
		t.Errorf("one after the other: got %d remaining, want no more than %d", o.Remaining, b.Rate.Limit-1000)
	}
	m = New(10)
	n := 0
	for limit := 70; limit > 0; limit-- {
		n += exhaust(m, start, numbered(3, Rate{limit, time.Minute}))
	}
	if n > 70 {
		t.Errorf("lowered again and again: got %d through, want no more than 70", n)
	}
}

// TestRates that are not valid let nothing pass, and charge nothing else.
func TestRates(t *testing.T) {
	m := New(10)
	for _, r := range []Rate{
		{}, {0, time.Minute}, {-1, time.Minute}, {math.MinInt, time.Minute}, {MaxLimit + 1, time.Minute}, {math.MaxInt, time.Minute},
		{5, 0}, {5, -time.Minute}, {5, time.Second - 1}, {5, MaxWindow + 1}, {5, math.MaxInt64}, {5, math.MinInt64},
	} {
		for _, o := range []Outcome{m.Take(start, numbered(1, perMinute), numbered(2, r)), m.Peek(start, numbered(2, r))} {
			if r.Valid() || o.Allowed || o.Remaining != 0 || o.RetryAfter < time.Second || o.Limit < 0 {
				t.Errorf("%v: got %+v, want a refusal", r, o)
			}
		}
	}
	if m.Len() != 0 {
		t.Errorf("got %d charged, want none", m.Len())
	}
}

// TestI5_Addresses: one IPv6 network is one client, and one address is one
// client in whatever form it comes.
func TestI5_Addresses(t *testing.T) {
	key := func(s string) Key {
		a, _ := netip.ParseAddr(s)
		return ForAddress("sign-in", a)
	}
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"2001:db8:1:2::1", "2001:db8:1:2::1%eth0", true},
		{"fe80::1%eth0", "fe80::2%eth1", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "::ffff:192.0.2.1%eth0", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::192.0.2.1", false},
		{"0.0.0.0", "::", false},
		{"::1", "::2", true},
		{"", "::1", false},
		{"", "0.0.0.0", false},
		{"", "nonsense", true},
	} {
		if got := key(tt.a) == key(tt.b); got != tt.same {
			t.Errorf("%q and %q: got %v, want %v", tt.a, tt.b, got, tt.same)
		}
	}
	a := netip.MustParseAddr("2001:db8::")
	if ForAddress("sign-in", a) == ForAddress("revoke", a) || ForAddress("project", a) == For("project", a.As16()) ||
		For("project", uuid.UUID{1}) == For("organization", uuid.UUID{1}) || ForCredential(uuid.UUID{1}) == ForCredential(uuid.UUID{2}) {
		t.Error("two names or ids have one key")
	}
}
