package store_test

import (
	"flag"
	"testing"
	"time"
)

// howMany has the lists of issues and test cases compared with so many items,
// of which a page, a filter or a search costs less than 20 times what it does
// among 1,000. Without it there are fewer, so that the suite stays short.
var howMany = flag.Int("many", 0, "compare lists with so many items, such as 100000")

// among is how many items are many: usually so.
func among(usually int) int {
	if *howMany > 0 {
		return *howMany
	}
	return usually
}

// costs compares what something costs among few and among many.
type costs struct {
	name      string
	few, many func() error
	factor    time.Duration // how many times as much it may cost among many
	free      time.Duration // what it may cost anyhow
}

// compare measures both by turns and takes the best of each: the machine may be
// busy, and goes on a while where they aren't alike yet.
func (c costs) compare(t *testing.T) {
	t.Helper()
	if *howMany > 0 {
		c.factor, c.free = 20, 0
	}
	took := [2]time.Duration{time.Hour, time.Hour}
	alike := func() bool { return took[1] <= max(c.factor*took[0], c.free) }
	for try := 0; try < 5 || try < 60 && !alike(); try++ {
		for i, fn := range [2]func() error{c.few, c.many} {
			start := time.Now()
			if err := fn(); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			took[i] = min(took[i], time.Since(start))
		}
	}
	t.Logf("%s: %v among few, %v among many", c.name, took[0], took[1])
	if !alike() {
		t.Errorf("%s: %v among few, %v among many", c.name, took[0], took[1])
	}
}
