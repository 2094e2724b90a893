package report

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// progress shows how far it is: as a bar on a terminal, as a line now and then
// anywhere else.
type progress struct {
	j              *job
	mu             sync.Mutex
	total, batches int
	results        int64
	shown          bool // a bar stands on the line
	last           time.Time
}

// betweenLines is how often a line says how far it is.
const betweenLines = 10 * time.Second

func newProgress(j *job) *progress { return &progress{j: j, last: j.began} }

// begin says how many batches there are, and how many are stored already.
func (p *progress) begin(total, stored int) {
	if stored > 0 {
		p.j.out.note("%d of %s are stored already", stored, plural(int64(total), "batch"))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total, p.batches = total, stored
}

// step says that one more batch is stored.
func (p *progress) step(results int) {
	p.mu.Lock()
	p.batches++
	p.results += int64(results)
	said, now := fmt.Sprintf("%d of %d batches, %s", p.batches, p.total, plural(p.results, "result")), p.j.Now()
	late := now.Sub(p.last) >= betweenLines
	if late {
		p.last = now
	}
	p.shown = p.j.Terminal
	p.mu.Unlock()
	switch {
	case p.j.Terminal:
		const width = 30
		full := width * p.batches / max(1, p.total)
		p.j.out.print(p.j.Stderr, "\r\x1b[K["+strings.Repeat("#", full)+strings.Repeat(".", width-full)+"] "+said)
	case late:
		p.j.out.note("%s", said)
	}
}

// clear takes the bar away, before something else is written there.
func (p *progress) clear() {
	p.mu.Lock()
	shown := p.shown
	p.shown = false
	p.mu.Unlock()
	if shown {
		p.j.out.print(p.j.Stderr, "\r\x1b[K")
	}
}

func (p *progress) end() { p.clear() }
