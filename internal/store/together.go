package store

import (
	"context"
	"sync"
)

// together joins calls that come while one is at work: those that have gathered
// by then are done by the next in one transaction, and wait for one commit
// rather than each for its own. The zero value is ready.
type together[T any] struct {
	mu      sync.Mutex
	busy    bool
	waiting []waiter[T]
}

// waiter is a call that waits for others to do its work.
type waiter[T any] struct {
	item T
	done chan error
}

// mostTogether bounds a transaction, so that other changes get their turn.
const mostTogether = 100

// do has the item stored by run, alone or with others. Where those fail, each
// is tried alone: nobody fails by another's fault. Who works for others isn't
// stopped by the end of its own context.
func (g *together[T]) do(ctx context.Context, item T, run func(context.Context, []T) error) error {
	own := waiter[T]{item, make(chan error, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, own)
	leads := !g.busy
	g.busy = true
	g.mu.Unlock()
	for leads {
		leads = g.next(context.WithoutCancel(ctx), run)
	}
	return <-own.done
}

// next does what waits, and reports whether there was anything.
func (g *together[T]) next(ctx context.Context, run func(context.Context, []T) error) bool {
	g.mu.Lock()
	batch := g.waiting[:min(len(g.waiting), mostTogether)]
	g.waiting = g.waiting[len(batch):]
	g.busy = len(batch) > 0
	g.mu.Unlock()
	items := make([]T, len(batch))
	for i, j := range batch {
		items[i] = j.item
	}
	if len(items) == 0 {
		return false
	}
	err := run(ctx, items)
	for i, j := range batch {
		if err != nil && len(batch) > 1 {
			j.done <- run(ctx, items[i:i+1])
			continue
		}
		j.done <- err
	}
	return true
}
