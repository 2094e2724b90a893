package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
)

// together joins calls that come while one is at work: those that have gathered
// by then are done by the next in one transaction, and wait for one commit
// rather than each for its own. Each does so for others once at most, and that
// together with its own. The zero value is ready.
type together[T any] struct {
	mu      sync.Mutex
	busy    bool
	waiting []*waiter[T]
	most    int // in one transaction; 0 is mostTogether
}

// waiter is a call that waits for others to do its work, or for its turn to do
// theirs with its own.
type waiter[T any] struct {
	item T
	turn chan bool // true: its own turn; false: it is done
	err  error
}

// errAbandoned is for those whose work somebody else broke off.
var errAbandoned = errors.New("what would have stored it broke off")

// mostTogether bounds a transaction, so that other changes get their turn.
const mostTogether = 100

// do has the item stored by run, alone or with others. Where those fail, each
// is tried alone: nobody fails by another's fault. Who works for others isn't
// stopped by the end of its own context.
func (g *together[T]) do(ctx context.Context, item T, run func(context.Context, []T) error) error {
	own := &waiter[T]{item: item, turn: make(chan bool, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, own)
	leads := !g.busy
	g.busy = true
	g.mu.Unlock()
	if leads || <-own.turn {
		g.lead(context.WithoutCancel(ctx), run)
		<-own.turn // it was the first of those
	}
	return own.err
}

// lead does what waits, and then has the next take its turn.
func (g *together[T]) lead(ctx context.Context, run func(context.Context, []T) error) {
	batch := g.gathered()
	answered := 0
	defer func() {
		if answered < len(batch) { // it panicked: let nobody wait for it
			g.abandon(batch[answered:])
		}
	}()
	items := make([]T, len(batch))
	for i, j := range batch {
		items[i] = j.item
	}
	err := run(ctx, items)
	for i, j := range batch {
		j.err = err
		if len(batch) > 1 && err != nil && (i == 0 || !isUnavailable(err)) {
			j.err = run(ctx, items[i:i+1])
			if i == 0 && isUnavailable(j.err) {
				err = j.err // nor can any of the others be stored
			}
		}
		j.turn <- false
		answered++
	}
	g.next()
}

// gathered takes what waits.
func (g *together[T]) gathered() []*waiter[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	batch := g.waiting[:min(len(g.waiting), cmp.Or(g.most, mostTogether))]
	g.waiting = g.waiting[len(batch):]
	return batch
}

// next gives the turn to the first that waits; when nobody does, the next call
// has it.
func (g *together[T]) next() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy = len(g.waiting) > 0; g.busy {
		g.waiting[0].turn <- true
	}
}

// abandon fails what was under way and what waits behind it.
func (g *together[T]) abandon(batch []*waiter[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, j := range slices.Concat(batch, g.waiting) {
		j.err = errAbandoned
		j.turn <- false
	}
	g.waiting, g.busy = nil, false
}
