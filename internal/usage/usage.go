// Package usage counts in memory what verifications do, and flushes it in
// batches, so that a read never causes a write of its own.
//
// What is pending is bounded: one entry for each credential that was used
// since the last flush, and no more than a fixed number of those while the
// store can't be reached. It can be looked at before it is stored.
package usage

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"
)

// most bounds the pending entries while flushing fails.
const most = 1 << 20

// Use is the latest use of one credential since the last flush.
type Use struct {
	Credential uuid.UUID
	At         time.Time
	Address    netip.Addr
	UserAgent  string
	Requests   int64 // since the last flush; Add counts each as one
}

// Meter remembers the latest use of each credential until it is stored.
type Meter struct {
	mu      sync.Mutex
	pending map[uuid.UUID]Use
	saving  map[uuid.UUID]Use // what a flush has taken out and not yet stored
}

// NewMeter makes an empty meter.
func NewMeter() *Meter { return &Meter{pending: map[uuid.UUID]Use{}} }

// Add notes a use. A later one replaces it; both are counted.
func (m *Meter) Add(u Use) {
	u.Requests = 1
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(u)
}

func (m *Meter) add(u Use) {
	old, known := m.pending[u.Credential]
	if known || len(m.pending) < most {
		m.pending[u.Credential] = join(old, u)
	}
}

// join is the later of two uses, with the requests of both.
func join(a, b Use) Use {
	requests := a.Requests + b.Requests
	if b.At.Before(a.At) {
		b = a
	}
	b.Requests = requests
	return b
}

// Latest returns the latest use of a credential that is not known to be
// stored, and how many there are.
func (m *Meter) Latest(credential uuid.UUID) (Use, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	saving, some := m.saving[credential]
	u, ok := m.pending[credential]
	return join(saving, u), ok || some
}

// Pending returns how many credentials were used since the last flush.
func (m *Meter) Pending() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.pending)
}

// Flush hands everything pending to save, which may order it and says how many
// of the first it has saved. The others stay pending. One flush at a time.
func (m *Meter) Flush(ctx context.Context, save func(context.Context, []Use) (int, error)) error {
	batch := m.take()
	if len(batch) == 0 {
		return nil
	}
	saved, err := save(ctx, batch)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saving = nil
	for _, u := range batch[saved:] {
		m.add(u)
	}
	return err
}

// take moves what is pending to what is being saved.
func (m *Meter) take() []Use {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saving = m.pending
	m.pending = make(map[uuid.UUID]Use, min(len(m.saving), 1<<12))
	batch := make([]Use, 0, len(m.saving))
	for _, u := range m.saving {
		batch = append(batch, u)
	}
	return batch
}
