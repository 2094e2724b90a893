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
}

// Meter remembers the latest use of each credential until it is stored.
type Meter struct {
	mu      sync.Mutex
	pending map[uuid.UUID]Use
	saving  map[uuid.UUID]Use // what a flush has taken out and not yet stored
}

// NewMeter makes an empty meter.
func NewMeter() *Meter { return &Meter{pending: map[uuid.UUID]Use{}} }

// Add notes a use. A later one replaces it.
func (m *Meter) Add(u Use) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(u)
}

func (m *Meter) add(u Use) {
	old, known := m.pending[u.Credential]
	if (known && !u.At.Before(old.At)) || (!known && len(m.pending) < most) {
		m.pending[u.Credential] = u
	}
}

// Latest returns the latest use of a credential that is not known to be stored.
func (m *Meter) Latest(credential uuid.UUID) (Use, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u, ok := m.pending[credential]; ok {
		return u, true
	}
	u, ok := m.saving[credential]
	return u, ok
}

// Pending returns how many credentials were used since the last flush.
func (m *Meter) Pending() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.pending)
}

// Flush hands everything pending to save. What can't be saved stays pending,
// unless a later use has replaced it. One flush at a time.
func (m *Meter) Flush(ctx context.Context, save func(context.Context, []Use) error) error {
	batch := m.take()
	if len(batch) == 0 {
		return nil
	}
	err := save(ctx, batch)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saving = nil
	if err != nil {
		for _, u := range batch {
			if _, newer := m.pending[u.Credential]; !newer {
				m.add(u)
			}
		}
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
