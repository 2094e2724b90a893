package console

import (
	"strconv"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
)

// chart is the coins of each week, the oldest first.
type chart struct {
	Ticks []string // of the axis, from the top
	Bars  []bar
	Any   bool // whether any week has coins
}

// bar is a week.
type bar struct {
	Label, Span          string // its first day; from when to when
	Coins, Calls, Budget string
	Top, Height          int // of a hundred thousand
	Present              bool
}

// scale is how high a bar can be.
const scale = 100_000

func chartOf(cycles []authority.BudgetCycle) (out chart) {
	most := int64(0)
	for i := range cycles {
		most = max(most, cycles[i].Used)
	}
	out.Any = most > 0
	step := stepFor(most)
	for i := int64(4); i >= 0; i-- {
		out.Ticks = append(out.Ticks, short(i*step))
	}
	for i := len(cycles) - 1; i >= 0; i-- {
		c := &cycles[i]
		height := int(float64(c.Used) / float64(4*step) * scale)
		if c.Used > 0 {
			height = max(height, scale/100) // so that there is something to see
		}
		out.Bars = append(out.Bars, bar{
			Label: c.StartsAt.UTC().Format("2 Jan"), Span: day(c.StartsAt) + " to " + day(c.EndsAt), Coins: grouped(c.Used), Calls: grouped(c.Events), Budget: grouped(c.Coins + c.ToppedUp),
			Top: scale - height, Height: height, Present: i == 0,
		})
	}
	return out
}

// stepFor is a round number, four of which are at least so many.
func stepFor(most int64) int64 {
	for unit := int64(1); ; unit *= 10 {
		for _, step := range []int64{unit, 2 * unit, 5 * unit} {
			if 4*step >= most {
				return step
			}
		}
	}
}

// short writes a round number in few characters.
func short(n int64) string {
	for _, unit := range []struct {
		of   int64
		name string
	}{{1_000_000_000, "G"}, {1_000_000, "M"}, {1_000, "k"}} {
		if n >= 10*unit.of || n >= unit.of && n%unit.of == 0 {
			return strconv.FormatInt(n/unit.of, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10)
}
