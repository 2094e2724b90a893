package limit

import (
	"context"
	"time"
)

// Limiter decides about takes: for one node, or for all that share it. An
// error means that nothing could be decided.
type Limiter interface {
	Take(ctx context.Context, now time.Time, takes ...Take) (Outcome, error)
}

// Alone is a Limiter of one node, which needs nobody else.
type Alone struct{ Memory *Memory }

// Take is that of the memory, and never an error.
func (a Alone) Take(_ context.Context, now time.Time, takes ...Take) (Outcome, error) {
	return a.Memory.Take(now, takes...), nil
}

// Share is what one of some nodes lets through by itself: its part of the
// limit, and one at least.
func (r Rate) Share(nodes int) Rate {
	if nodes > 1 && r.Limit > 0 {
		r.Limit = (r.Limit + nodes - 1) / nodes
	}
	return r
}
