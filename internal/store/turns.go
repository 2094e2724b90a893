package store

import (
	"context"
	"sync"

	"github.com/google/uuid"
)

// turns has the changes of one chain wait for each other in memory, in the order
// they came: in the database each would wait with a connection in hand, and
// those of other organizations would find none. Of several nodes each keeps
// its own order; between them the row of the chain decides. The zero value is
// ready.
type turns struct {
	mu     sync.Mutex
	chains map[uuid.UUID]*turn
}

// turn is whose turn it is on one chain. The channel holds one token while
// nobody has it.
type turn struct {
	free  chan struct{}
	users int // who has it and who waits for it
}

// take waits for the turn on a chain, until ctx is done; done gives it back.
func (t *turns) take(ctx context.Context, chain uuid.UUID) (done func(), err error) {
	own := t.join(chain)
	select {
	case <-own.free:
		return func() { own.free <- struct{}{}; t.leave(chain, own) }, nil
	case <-ctx.Done():
		t.leave(chain, own)
		return nil, ctx.Err()
	}
}

func (t *turns) join(chain uuid.UUID) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.chains[chain]
	if own == nil {
		if t.chains == nil {
			t.chains = map[uuid.UUID]*turn{}
		}
		own = &turn{free: make(chan struct{}, 1)}
		own.free <- struct{}{}
		t.chains[chain] = own
	}
	own.users++
	return own
}

func (t *turns) leave(chain uuid.UUID, own *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.users--; own.users == 0 {
		delete(t.chains, chain)
	}
}
