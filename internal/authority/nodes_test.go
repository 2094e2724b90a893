package authority_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// runs has a node start and stop at once, and says how many it counts.
func (w *world) runs(n *authority.Nodes) int {
	w.t.Helper()
	ctx, stop := context.WithCancel(background)
	stop()
	w.ok(n.Run(ctx))
	return n.Count()
}

// D-5: a node counts those that were seen lately, itself among them; one that
// stops is counted no more, nor one that nobody has seen for two minutes. The
// number is known while the database is away.
func TestD5_Nodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.Postgres(t))
	node := func() *authority.Nodes {
		return authority.NewNodes(w.store, w.clock.now, slog.New(slog.DiscardHandler))
	}
	n := node()
	if n.Count() != 1 {
		t.Errorf("before it runs: got %d, want itself", n.Count())
	}
	there, gone := uuid.New(), uuid.New()
	w.ok(w.store.SeeNode(background, there, w.clock.now(), w.clock.now()))
	w.ok(w.store.SeeNode(background, gone, w.clock.now().Add(-day), w.clock.now().Add(-121*time.Second)))
	if got := w.runs(n); got != 2 {
		t.Errorf("got %d, want itself and the one that is there", got)
	}
	if got := w.runs(node()); got != 2 {
		t.Errorf("after one has stopped: got %d, want the other, and itself", got)
	}
	w.clock.advance(2*time.Minute + time.Second)
	if got := w.runs(node()); got != 1 {
		t.Errorf("once nobody has seen it: got %d", got)
	}
	w.clock.advance(time.Hour)
	w.runs(node())
	if got, err := w.store.CountNodes(background, time.Unix(0, 0)); err != nil || got != 0 {
		t.Errorf("an hour later: got %d rows, %v", got, err)
	}
	w.ok(w.store.Close())
	if got := w.runs(n); got != 2 {
		t.Errorf("without the database: got %d, want what it knew", got)
	}
	w.store = storetest.Open(t, w.cfg)
}

// On SQLite there is one.
func TestOneNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.ok(w.store.SeeNode(background, uuid.New(), w.clock.now(), w.clock.now()))
	if got := w.runs(authority.NewNodes(w.store, w.clock.now, slog.New(slog.DiscardHandler))); got != 1 {
		t.Errorf("got %d", got)
	}
}
