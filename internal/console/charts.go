package console

import (
	"fmt"
	"strings"
)

// graph is a chart of columns, the oldest first, or a curve above them. Label
// says all that it shows, for those who don't see it; its page has a table too.
type graph struct {
	Label   string
	Ticks   []string // of the axis, from the top
	Columns []pillar
	Curve   string // the path of a line; empty for none
	Dots    string // the path of its points
}

// pillar is a column of a graph.
type pillar struct {
	Label string // below it; empty for none
	Parts []slab
}

// slab is a part of a column: of a status, from Y downwards, of scale.
type slab struct {
	Look      string
	Y, Height int
}

// stackPieces puts parts of so many of most on each other, the first at the bottom.
func stackPieces(most int64, looks []string, counts []int64) (out []slab) {
	sum, y := int64(0), scale
	for i, n := range counts {
		if n <= 0 {
			continue
		}
		sum += n
		top := scale - int(float64(sum)/float64(most)*scale)
		out = append(out, slab{looks[i], top, max(y-top, scale/200)})
		y = top
	}
	return out
}

// ticks are the labels of an axis from a multiple of step down to nothing.
func ticks(step int64, word func(int64) string) (out []string) {
	for i := int64(4); i >= 0; i-- {
		out = append(out, word(i*step))
	}
	return out
}

// split is a bar of a thousand: what passed, what failed, and the rest.
type split struct{ Passed, Failed, From int }

func splitOf(passed, failed, total int64) (s split) {
	if total <= 0 {
		return s
	}
	part := func(n int64) int {
		if n <= 0 {
			return 0
		}
		return max(int(n*1000/total), 12) // so that there is something to see
	}
	s.Failed = part(failed)
	s.Passed = min(part(passed), 1000-s.Failed)
	s.From = s.Passed
	if passed+failed == total { // no gap by rounding
		s.From, s.Failed = s.Passed, 1000-s.Passed
	}
	return s
}

// permille is how many of a thousand passed, of those that passed or failed;
// ok is false where none did either.
func permille(passed, failed int64) (rate int, ok bool) {
	if passed+failed <= 0 {
		return 0, false
	}
	return int(passed * 1000 / (passed + failed)), true
}

// rateText writes a rate: never 100 % where anything failed.
func rateText(passed, failed int64) string {
	n, ok := permille(passed, failed)
	if !ok {
		return "–"
	}
	return percent(n)
}

// percent writes a number of a thousand.
func percent(n int) string {
	return strings.TrimSuffix(fmt.Sprintf("%d.%d", n/10, n%10), ".0") + " %"
}

// curve draws a line through rates, of a thousand each; -1 is none. The axis
// begins where there is something to see.
func (g *graph) curve(rates []int) {
	least, base := 1000, 0
	for _, n := range rates {
		if n >= 0 {
			least = min(least, n)
		}
	}
	for _, from := range []int{500, 800, 900} {
		if least >= from {
			base = from
		}
	}
	g.Ticks = []string{"100 %", percent((1000 + base) / 2), percent(base)}
	var line, dots strings.Builder
	move := true
	for i, n := range rates {
		if n < 0 {
			move = true
			continue
		}
		x, y := (2*i+1)*scale/(2*len(rates)), (1000-n)*scale/(1000-base)
		letter := "L"
		if move {
			letter = "M"
		}
		fmt.Fprintf(&line, "%s%d %d", letter, x, y)
		fmt.Fprintf(&dots, "M%d %dh1", x, y)
		move = false
	}
	g.Curve, g.Dots = line.String(), dots.String()
}

// spread keeps so many of the labels of columns that they stand apart.
func (g *graph) spread() {
	const most = 10
	every := (len(g.Columns) + most - 1) / most
	for i := range g.Columns {
		if (len(g.Columns)-1-i)%max(every, 1) != 0 {
			g.Columns[i].Label = ""
		}
	}
}
