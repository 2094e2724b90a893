package authority

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const (
	// seeEvery is how often a node says that it is there, and goneAfter how
	// long one counts that doesn't say so any more.
	seeEvery  = 10 * time.Second
	goneAfter = 2 * time.Minute
)

// Nodes knows how many nodes serve one database. It remembers the number, so
// that it is known while the database is away too. Make one with NewNodes.
type Nodes struct {
	store *store.Store
	now   func() time.Time
	log   *slog.Logger
	id    uuid.UUID
	count atomic.Int64
}

// NewNodes makes a Nodes for this node, which knows of no other yet.
func NewNodes(st *store.Store, now func() time.Time, log *slog.Logger) *Nodes {
	n := &Nodes{store: st, now: now, log: log, id: uuid.New()}
	n.count.Store(1)
	return n
}

// Count is how many nodes there are, this one among them.
func (n *Nodes) Count() int { return int(n.count.Load()) }

// Run says that the node is there until ctx is done, and then that it isn't any
// more. On SQLite there is no other, and nothing to say.
func (n *Nodes) Run(ctx context.Context) error {
	if n.store.Exclusive() {
		<-ctx.Done()
		return nil
	}
	started := n.now()
	every := time.NewTicker(seeEvery)
	defer every.Stop()
	failing := false
	for {
		err := n.see(ctx, started)
		if err != nil && !failing {
			n.log.Warn("how many nodes there are can't be stored or read; the last number stays", "error", err)
		}
		failing = err != nil
		select {
		case <-every.C:
		case <-ctx.Done():
			final, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			if err := n.store.ForgetNodes(final, n.id, n.now().Add(-time.Hour)); err != nil {
				n.log.Warn("that this node stops can't be stored; the others count it for two minutes", "error", err)
			}
			return nil
		}
	}
}

// see says that the node is there, and counts those that have said so lately.
func (n *Nodes) see(ctx context.Context, started time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), seeEvery/4)
	defer cancel()
	now := n.now()
	if err := n.store.SeeNode(ctx, n.id, started, now); err != nil {
		return err
	}
	count, err := n.store.CountNodes(ctx, now.Add(-goneAfter))
	if err == nil {
		n.count.Store(int64(max(count, 1)))
	}
	return err
}
