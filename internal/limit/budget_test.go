package limit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var monday = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// A cycle turns seven days after it began, to the millisecond, also when nothing
// happened in between; what was topped up stays behind.
func TestBudgetTurns(t *testing.T) {
	b := Budget{Coins: 10, StartedAt: monday}
	b.TopUp(5)
	b.Spend(12)
	for _, c := range []struct {
		after     time.Duration
		cycle     int64
		remaining int64
	}{
		{-time.Hour, 0, 3}, {0, 0, 3}, {Cycle - time.Millisecond, 0, 3}, {Cycle, 1, 10}, {3*Cycle + time.Second, 3, 10},
	} {
		got := b.At(monday.Add(c.after))
		if got.Cycle != c.cycle || got.Remaining() != c.remaining || !got.ResetsAt().Equal(monday.Add(time.Duration(c.cycle+1)*Cycle)) {
			t.Errorf("after %s: %+v", c.after, got)
		}
	}
	past, turned := b.Turn(monday.Add(2 * Cycle))
	if diff := cmp.Diff(past, Past{Cycle: 0, Coins: 10, ToppedUp: 5, Used: 12, Events: 1}); !turned || diff != "" {
		t.Error(diff)
	}
	if _, turned := b.Turn(monday); turned || b.Cycle != 2 {
		t.Errorf("a clock that was set back opened cycle %d", b.Cycle)
	}
}

// A lowered budget leaves nothing, and never less; a raised one counts at once.
func TestBudgetIsChanged(t *testing.T) {
	b := Budget{Coins: 10, StartedAt: monday}
	b.Spend(8)
	b.Set(5, false)
	if b.Remaining() != 0 || b.Room(1) || !b.Room(0) {
		t.Errorf("got %+v", b)
	}
	b.Set(20, false)
	if b.Remaining() != 12 || !b.Room(12) || b.Room(13) {
		t.Errorf("got %+v", b)
	}
	b.Set(0, true)
	if !b.Room(MaxCost) || b.Remaining() != 0 {
		t.Errorf("got %+v", b)
	}
}

// People are told once at 80 and once at 100 percent, and anew when coins that
// were added are used as well.
func TestBudgetLevels(t *testing.T) {
	b := Budget{Coins: 9, StartedAt: monday}
	var reached []int
	for range 9 {
		b.Spend(1)
		reached = append(reached, b.Reached)
	}
	if diff := cmp.Diff(reached, []int{0, 0, 0, 0, 0, 0, 0, 80, 100}); diff != "" { // 7 of 9 are 77 percent
		t.Error(diff)
	}
	b.Told = 100
	b.TopUp(9)
	if b.Reached != 0 || b.Told != 0 {
		t.Errorf("topped up: %+v", b)
	}
	b.TopUp(-7) // as good as none: 9 of 11
	if b.Reached != 80 || b.Told != 0 {
		t.Errorf("got %+v", b)
	}
	none := Budget{Overage: true, StartedAt: monday}
	none.Spend(5)
	if none.Reached != 0 {
		t.Errorf("a budget without coins is never used up: %+v", none)
	}
}

// Whatever happens in whichever order: never over, and each coin is in one cycle.
func FuzzBudget(f *testing.F) {
	f.Add([]byte{0, 5, 1, 200, 2, 9, 3, 255, 0, 90, 4, 1})
	f.Fuzz(func(t *testing.T, ops []byte) {
		b, now, paid, past := Budget{Coins: 50, StartedAt: monday}, monday, int64(0), int64(0)
		for i := 0; i+1 < len(ops) && i < 400; i += 2 {
			n := int64(ops[i+1])
			switch ops[i] % 5 {
			case 0:
				if b.Room(n) {
					b.Spend(n)
					paid += n
					if b.Used > b.Limit() {
						t.Fatalf("%d of %d are spent", b.Used, b.Limit())
					}
				}
			case 1:
				now = now.Add(time.Duration(n) * time.Hour)
			case 2:
				now = now.Add(-time.Duration(n) * time.Hour)
			case 3:
				b.TopUp(n)
			case 4:
				if back := min(n, b.Used); back > 0 {
					b.Return(back)
					paid -= back
				}
			}
			before := b.Cycle
			if over, turned := b.Turn(now); turned {
				past += over.Used
			}
			if b.Cycle < before || paid != past+b.Used || b.Remaining() < 0 {
				t.Fatalf("%d are paid, %d of them in cycles that are over: %+v", paid, past, b)
			}
		}
	})
}
