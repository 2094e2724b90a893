package usage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func use(id byte, second int) Use {
	return Use{Credential: uuid.UUID{id}, At: time.Unix(int64(second), 0), UserAgent: "a"}
}

func request(id byte, resource string) Request {
	return Request{Credential: uuid.UUID{id}, Organization: uuid.UUID{0xAA}, Day: 20000, Resource: resource, Outcome: "ok", Cost: 2}
}

// table is what was saved, by a saver that can fail before and after.
type table struct {
	seen   map[[32]byte]bool
	uses   map[uuid.UUID]Use
	totals map[Total]int64 // without the sums
	coins  int64
}

func newTable() *table {
	return &table{map[[32]byte]bool{}, map[uuid.UUID]Use{}, map[Total]int64{}, 0}
}

func (s *table) save(_ context.Context, b Batch) error {
	if s.seen[b.ID] {
		return nil
	}
	s.seen[b.ID] = true
	delete(s.seen, b.Before)
	for _, u := range b.Uses {
		old := s.uses[u.Credential]
		u.Requests += old.Requests
		if u.At.Before(old.At) {
			u.At = old.At
		}
		s.uses[u.Credential] = u
	}
	for _, t := range b.Totals {
		n := t.Requests
		s.coins += t.Coins
		t.Requests, t.Coins = 0, 0
		s.totals[t] += n
	}
	return nil
}

func (s *table) requests() (n int64) {
	for _, some := range s.totals {
		n += some
	}
	return n
}

// TestMeter keeps the latest use, shows it before it is stored, and keeps what
// can't be stored unless something later came.
func TestMeter(t *testing.T) {
	t.Parallel()
	ctx, m, saved := context.Background(), NewMeter(), newTable()
	m.Add(use(1, 5))
	m.Add(use(1, 3))
	m.Add(use(2, 1))
	m.Count(request(1, "a"))
	failure := errors.New("no")
	err := m.Flush(ctx, func(_ context.Context, b Batch) error {
		if u, ok := m.Latest(uuid.UUID{2}); !ok || u.At.Unix() != 1 {
			t.Errorf("while it is being stored: got %v, %v", u, ok)
		}
		m.Add(use(2, 9))
		return failure
	})
	if u, ok := m.Latest(uuid.UUID{2}); !errors.Is(err, failure) || !ok || u.At.Unix() != 9 || u.Requests != 2 {
		t.Fatalf("got %v and %v, want the failure and both uses", err, u)
	}
	if err := m.Flush(ctx, saved.save); err != nil {
		t.Fatal(err)
	}
	for id, second := range map[byte]int64{1: 5, 2: 9} {
		if u := saved.uses[uuid.UUID{id}]; u.At.Unix() != second || u.Requests != 2 {
			t.Errorf("credential %d: got %v, want two requests up to %d", id, u, second)
		}
	}
	if _, ok := m.Latest(uuid.UUID{1}); ok || m.Pending() != 0 {
		t.Error("something is pending after it was stored")
	}
	if saved.requests() != 1 || saved.coins != 2 {
		t.Errorf("got %v", saved.totals)
	}
}

// TestMeterLosesNothing while many add and one flushes, which fails half of the
// time: before it has saved, or after it.
func TestMeterLosesNothing(t *testing.T) {
	t.Parallel()
	m, saved := NewMeter(), newTable()
	try, failing := 0, true
	save := func(ctx context.Context, b Batch) error {
		if try++; failing && try%4 == 0 {
			return errors.New("before")
		}
		if err := saved.save(ctx, b); err != nil || !failing || try%4 != 2 {
			return err
		}
		return errors.New("after")
	}
	var wg sync.WaitGroup
	for id := range byte(8) {
		wg.Go(func() {
			for i := range 1000 {
				u, r := use(id+1, i), request(id+1, fmt.Sprint(i%40))
				m.Note(&u, &r)
			}
		})
	}
	for range 200 {
		_ = m.Flush(context.Background(), save)
	}
	wg.Wait()
	failing = false
	if err := m.Flush(context.Background(), save); err != nil {
		t.Fatal(err)
	}
	for id := range byte(8) {
		if u := saved.uses[uuid.UUID{id + 1}]; u.At.Unix() != 999 || u.Requests != 1000 {
			t.Errorf("credential %d: got %d requests up to %d, want all, up to its latest", id+1, u.Requests, u.At.Unix())
		}
	}
	if saved.requests() != 8000 || saved.coins != 16000 || len(saved.totals) != 320 {
		t.Errorf("got %d requests of %d kinds for %d coins, want 8000, 320 and 16000", saved.requests(), len(saved.totals), saved.coins)
	}
}

// TestBatches are small, in order, and each is named after the one before.
func TestBatches(t *testing.T) {
	t.Parallel()
	m := NewMeter()
	for i := range 3000 {
		id := uuid.UUID{byte(i >> 8), byte(i), 1}
		m.Note(&Use{Credential: id, At: time.Unix(1, 0)}, &Request{Credential: id, Resource: "x", Outcome: "ok"})
	}
	var before [32]byte
	var last Total
	uses, totals, batches := 0, 0, 0
	err := m.Flush(context.Background(), func(_ context.Context, b Batch) error {
		if batches++; batches > 1 && b.Before != before || b.ID == b.Before || len(b.Uses)+len(b.Totals) > batchSize {
			t.Errorf("batch %d: %d rows, %x after %x", batches, len(b.Uses)+len(b.Totals), b.ID, b.Before)
		}
		for i := range b.Totals {
			if totals+i > 0 && last.compare(&b.Totals[i]) >= 0 {
				t.Error("the totals are out of order")
			}
			last = b.Totals[i]
		}
		before, uses, totals = b.ID, uses+len(b.Uses), totals+len(b.Totals)
		return nil
	})
	if err != nil || uses != 3000 || totals != 3000 || batches != 3 {
		t.Errorf("got %d uses and %d totals in %d batches, %v", uses, totals, batches, err)
	}
}

// TestNamedResources: those that callers make up are few, on each day, and
// what is beyond them is counted together.
func TestNamedResources(t *testing.T) {
	t.Parallel()
	m, saved := NewMeter(), newTable()
	flush := func() {
		if err := m.Flush(context.Background(), saved.save); err != nil {
			t.Fatal(err)
		}
	}
	for day := range Day(2) {
		for i := range 3 * MostNamed {
			r := request(1, fmt.Sprint("r", i))
			r.Named, r.Day = true, 20000+day
			m.Count(r)
			if i%100 == 0 { // what was named before is known still
				flush()
			}
			again := request(1, "r0")
			again.Named, again.Day = true, 20000+day
			m.Count(again)
		}
		own := request(1, "GET /v1/self") // a route of ours is never folded
		own.Day = 20000 + day
		m.Count(own)
	}
	flush()
	got := map[Day]map[string]int64{}
	for total, n := range saved.totals {
		if got[total.Day] == nil {
			got[total.Day] = map[string]int64{}
		}
		got[total.Day][total.Resource] += n
	}
	for day, resources := range got {
		if len(resources) != MostNamed+2 || resources[Other] != 2*MostNamed || resources["r0"] != 3*MostNamed+1 || resources["GET /v1/self"] != 1 {
			t.Errorf("%v: got %d resources, %d others, %d of the first", day, len(resources), resources[Other], resources["r0"])
		}
	}
	if len(got) != 2 || saved.requests() != 2*(6*MostNamed+1) {
		t.Errorf("got %d days, %d requests", len(got), saved.requests())
	}
}

// TestMeterIsBounded: where nothing can be stored, it counts in fewer places.
func TestMeterIsBounded(t *testing.T) {
	t.Parallel()
	m, saved := NewMeter(), newTable()
	m.bound = 5000
	const all, bound = 16_000, 5000
	for i := range all {
		id := uuid.UUID{byte(i >> 16), byte(i >> 8), byte(i), 1}
		m.Count(Request{Credential: id, Organization: uuid.UUID{0xAA}, Resource: "x", Outcome: "ok", Cost: 1})
	}
	for range 10 {
		m.Count(Request{Credential: uuid.UUID{0, 0, 0, 1}, Organization: uuid.UUID{0xAA}, Resource: "y", Outcome: "ok", Cost: 1})
	}
	if m.counts > 2*bound+2 {
		t.Errorf("it keeps %d counts", m.counts)
	}
	if err := m.Flush(context.Background(), saved.save); err != nil || saved.requests() != all+10 || saved.coins != all+10 {
		t.Errorf("got %d requests and %d coins, %v", saved.requests(), saved.coins, err)
	}
	folded := Total{Organization: uuid.UUID{0xAA}, Resource: Other, Outcome: "ok"}
	if got := saved.totals[folded]; got != all-2*bound+10 {
		t.Errorf("of nobody in particular: got %d", got)
	}
	if m.counts != 0 {
		t.Errorf("after a flush: %d counts", m.counts)
	}
}

func TestDay(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 3600)
	for at, want := range map[time.Time]string{
		time.Unix(0, 0): "1970-01-01", time.Unix(-1, 0): "1969-12-31", time.Date(2026, 11, 27, 23, 59, 59, 999e6, time.UTC): "2026-11-27",
		time.Date(2026, 11, 28, 0, 59, 0, 0, zone): "2026-11-27", time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC): "2028-02-29",
	} {
		if got := DayOf(at); got.String() != want || DayOf(got.Time()) != got {
			t.Errorf("%v: got %v, want %v", at, got, want)
		}
	}
}

// TestLog keeps calls in order over a failure, and forgets the oldest where
// there are too many.
func TestLog(t *testing.T) {
	t.Parallel()
	var l Log
	ctx, failure := context.Background(), errors.New("no")
	for i := range 1200 {
		l.Add(Call{Status: i})
	}
	var got []int
	fails := 1
	save := func(_ context.Context, list []Call) error {
		if fails == 0 {
			l.Add(Call{Status: 5000})
			fails--
			return failure
		}
		for _, c := range list {
			got = append(got, c.Status)
		}
		fails--
		return nil
	}
	if err := l.Flush(ctx, save); !errors.Is(err, failure) || len(got) != callBatch {
		t.Fatalf("got %d, %v", len(got), err)
	}
	if err := l.Flush(ctx, save); err != nil {
		t.Fatal(err)
	}
	want := make([]int, 1200, 1201)
	for i := range want {
		want[i] = i
	}
	if diff := cmp.Diff(append(want, 5000), got); diff != "" {
		t.Error(diff)
	}
	for i := range mostCalls + 10 {
		l.Add(Call{Status: i})
	}
	if lost := l.Lost(); lost < 10 || lost > mostCalls/8 || l.Lost() != 0 || !l.Crowded() {
		t.Errorf("%d were lost", lost)
	}
	got = nil
	if err := l.Flush(ctx, save); err != nil || got[len(got)-1] != mostCalls+9 || len(got) > mostCalls {
		t.Errorf("%d were kept up to %d, %v", len(got), got[len(got)-1], err)
	}
}

// BenchmarkNote is what a verification pays for being counted.
func BenchmarkNote(b *testing.B) {
	m := NewMeter()
	u, r := use(1, 1), request(1, "POST /widgets")
	r.Named = true
	b.ReportAllocs()
	for b.Loop() {
		m.Note(&u, &r)
	}
}
