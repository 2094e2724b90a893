package usage

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

func use(id byte, second int) Use {
	return Use{Credential: uuid.UUID{id}, At: time.Unix(int64(second), 0), UserAgent: "a"}
}

// TestMeter keeps the latest use, shows it before it is stored, and keeps what
// can't be stored unless something later came.
func TestMeter(t *testing.T) {
	ctx, m := context.Background(), NewMeter()
	m.Add(use(1, 5))
	m.Add(use(1, 3))
	m.Add(use(2, 1))
	failure := errors.New("no")
	err := m.Flush(ctx, func(_ context.Context, _ []Use) (int, error) {
		if u, ok := m.Latest(uuid.UUID{2}); !ok || u.At.Unix() != 1 {
			t.Errorf("while it is being stored: got %v, %v", u, ok)
		}
		m.Add(use(2, 9))
		return 0, failure
	})
	if !errors.Is(err, failure) || m.Pending() != 2 {
		t.Fatalf("got %v with %d pending, want the failure and both", err, m.Pending())
	}
	got := map[uuid.UUID]Use{}
	err = m.Flush(ctx, func(_ context.Context, list []Use) (int, error) {
		for _, u := range list {
			got[u.Credential] = u
		}
		return len(list), nil
	})
	if err != nil || got[uuid.UUID{1}].At.Unix() != 5 || got[uuid.UUID{2}].At.Unix() != 9 {
		t.Errorf("got %v, %v", got, err)
	}
	if got[uuid.UUID{1}].Requests != 2 || got[uuid.UUID{2}].Requests != 2 {
		t.Errorf("got %v, want two requests of each", got)
	}
	if _, ok := m.Latest(uuid.UUID{1}); ok || m.Pending() != 0 {
		t.Error("something is pending after it was stored")
	}
}

// TestMeterLosesNothing while many add and one flushes, half of which fails.
func TestMeterLosesNothing(t *testing.T) {
	m := NewMeter()
	stored := map[uuid.UUID]Use{}
	failing := true
	save := func(_ context.Context, list []Use) (int, error) {
		n := len(list)
		if failing {
			n /= 2
		}
		for _, u := range list[:n] {
			stored[u.Credential] = join(stored[u.Credential], u)
		}
		return n, nil
	}
	var wg sync.WaitGroup
	for id := range byte(8) {
		wg.Go(func() {
			for i := range 1000 {
				m.Add(use(id+1, i))
			}
		})
	}
	for range 50 {
		_ = m.Flush(context.Background(), save)
	}
	wg.Wait()
	failing = false
	_ = m.Flush(context.Background(), save)
	for id := range byte(8) {
		if u := stored[uuid.UUID{id + 1}]; u.At.Unix() != 999 || u.Requests != 1000 {
			t.Errorf("credential %d: got %d requests up to %d, want all, up to its latest", id+1, u.Requests, u.At.Unix())
		}
	}
}
