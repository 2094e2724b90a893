package store_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/usage"
)

// usageBatch is a batch with a use and totals of some credentials.
func usageBatch(id, before byte, credentials int) usage.Batch {
	b := usage.Batch{ID: [32]byte{id}, Before: [32]byte{before}}
	for i := range credentials {
		c := uuid.UUID{0xCC, byte(i >> 8), byte(i)}
		b.Uses = append(b.Uses, usage.Use{Credential: c, At: time.UnixMilli(1000 * int64(id)), Requests: 3})
		b.Totals = append(b.Totals, usage.Total{Credential: c, Organization: uuid.UUID{0xAA}, Day: 20000, Resource: "GET /", Outcome: "ok", Requests: 3, Coins: 6})
	}
	return b
}

var aMonth = time.UnixMilli(1 << 41)

func totalUsage(t *testing.T, st *store.Store) store.Usage {
	t.Helper()
	u, err := st.TotalUsage(t.Context(), store.UsageFilter{Organization: uuid.UUID{0xAA}, From: 0, Until: 30000})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// A batch counts once, however often it is saved, and is saved whole or not at
// all: what a process that was killed had not saved, another can't double.
func TestSaveUsage_Once(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		st := storetest.Open(t, cfg)
		first, second := usageBatch(1, 0, 67), usageBatch(2, 1, 67)
		for range 3 { // as after answers that were lost
			if err := st.SaveUsage(t.Context(), first, aMonth); err != nil {
				t.Fatal(err)
			}
		}
		allow := storetest.Refuse(t, cfg, "UPDATE", "usage_days")
		if err := st.SaveUsage(t.Context(), second, aMonth); err == nil {
			t.Error("a batch that can't be saved says nothing")
		}
		if diff := cmp.Diff(store.Usage{Requests: 201, Coins: 402}, totalUsage(t, st)); diff != "" {
			t.Error(diff)
		}
		if u, err := st.Use(t.Context(), first.Uses[0].Credential); err != nil || u.Requests != 3 {
			t.Errorf("half of a batch was saved: %+v, %v", u, err)
		}
		allow()
		for range 2 {
			if err := st.SaveUsage(t.Context(), second, aMonth); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(store.Usage{Requests: 402, Coins: 804}, totalUsage(t, st)); diff != "" {
			t.Error(diff)
		}
		if marks := storetest.Dump(t, storetest.Raw(t, cfg), "marks"); strings.Count(marks, "id=") != 1 {
			t.Errorf("more than the name of the last batch is kept: %s", marks)
		}
	})
}

// Nodes that count the same add up, and never wait for each other in a circle.
func TestSaveUsage_ByManyAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		st := storetest.Open(t, cfg)
		var wg sync.WaitGroup
		for node := range byte(4) {
			wg.Go(func() {
				for i := range byte(5) {
					if err := st.SaveUsage(t.Context(), usageBatch(node*50+i+1, node*50+i, 200), aMonth); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if diff := cmp.Diff(store.Usage{Requests: 4 * 5 * 200 * 3, Coins: 4 * 5 * 200 * 6}, totalUsage(t, st)); diff != "" {
			t.Error(diff)
		}
	})
}

// Requests come back as they were saved, the latest first, and a repeat adds none.
func TestSaveCalls(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		st := storetest.Open(t, cfg)
		var calls []usage.Call
		for i := range 70 {
			calls = append(calls, usage.Call{
				ID: uuid.UUID{1, byte(i)}, Credential: uuid.UUID{byte(i % 2)}, Organization: uuid.UUID{byte(i % 3)}, At: time.UnixMilli(int64(i)).UTC(),
				Method: "GET", Path: fmt.Sprint("/", i), Status: 200 + i, UserAgent: "é",
			})
			if i%5 > 0 {
				calls[i].Address = netip.MustParseAddr("2001:db8::1")
			}
		}
		for range 2 {
			if err := st.SaveCalls(t.Context(), calls); err != nil {
				t.Fatal(err)
			}
		}
		got, err := st.Calls(t.Context(), uuid.UUID{1}, uuid.UUID{1, 60}, 10)
		if err != nil || len(got) != 10 {
			t.Fatalf("got %d, %v", len(got), err)
		}
		for i, c := range got {
			want := calls[59-2*i]
			want.Organization, want.Credential = uuid.Nil, uuid.Nil // which the caller knows
			if diff := cmp.Diff(want, c, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Error(diff)
			}
		}
		if n, err := st.ForgetCalls(t.Context(), time.UnixMilli(30), 20); err != nil || n != 20 {
			t.Errorf("%d were forgotten, %v", n, err)
		}
		if n, err := st.ForgetCalls(t.Context(), time.UnixMilli(30), 20); err != nil || n != 10 {
			t.Errorf("%d were forgotten, %v", n, err)
		}
	})
}
