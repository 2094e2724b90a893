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
	// hasty callers leave when their context ends, unless their item is being
	// stored by then.
	hasty bool
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
// is tried alone: nobody fails by another's fault. The first is tried again in
// any case, for it may have been stored though that wasn't answered. Who works
// for others isn't stopped by the end of its own context.
func (g *together[T]) do(ctx context.Context, item T, run func(context.Context, []T) error) error {
	own := &waiter[T]{item: item, turn: make(chan bool, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, own)
	leads := !g.busy
	g.busy = true
	g.mu.Unlock()
	if !leads {
		var err error
		if leads, err = g.wait(ctx, own); err != nil {
			return err
		}
	}
	if leads {
		g.lead(context.WithoutCancel(ctx), run)
		<-own.turn // it was the first of those
	}
	return own.err
}

// wait waits until an item is stored, or has its turn.
func (g *together[T]) wait(ctx context.Context, own *waiter[T]) (leads bool, err error) {
	var end <-chan struct{}
	if g.hasty {
		end = ctx.Done()
	}
	select {
	case leads = <-own.turn:
	case <-end:
		if g.leave(own) {
			return false, ctx.Err()
		}
		leads = <-own.turn
	}
	return leads, nil
}

// leave takes an item out of those that wait, and gives its turn to the next if
// it has just got it. It reports false where somebody is storing the item.
func (g *together[T]) leave(own *waiter[T]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, own)
	if i < 0 {
		return false
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	select {
	case <-own.turn:
		g.pass()
	default:
	}
	return true
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
		if err != nil && (i == 0 || !isUnavailable(err)) {
			j.err = run(ctx, items[i:i+1])
			if i == 0 && isUnavailable(j.err) {
				err = j.err // nor can any of the others be stored
			}
		}
		j.turn <- false
		answered++
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass()
}

// gathered takes what waits.
func (g *together[T]) gathered() []*waiter[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	batch := g.waiting[:min(len(g.waiting), cmp.Or(g.most, mostTogether))]
	g.waiting = g.waiting[len(batch):]
	return batch
}

// pass gives the turn to the first that waits; when nobody does, the next call
// has it. The caller holds the lock.
func (g *together[T]) pass() {
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
