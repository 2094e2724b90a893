// Package usage counts in memory what verifications do, and flushes it in
// batches, so that a read never causes a write of its own.
//
// What is pending is bounded: one entry for each credential that was used
// since the last flush, and no more than a fixed number of those while the
// store can't be reached.
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

// Meter remembers the latest use of each credential until it is flushed.
type Meter struct {
	mu      sync.Mutex
	pending map[uuid.UUID]Use
}

// NewMeter makes an empty meter.
func NewMeter() *Meter { return &Meter{pending: map[uuid.UUID]Use{}} }

// Add notes a use. A later one replaces it.
func (m *Meter) Add(u Use) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, known := m.pending[u.Credential]
	if (known && !u.At.Before(old.At)) || (!known && len(m.pending) < most) {
		m.pending[u.Credential] = u
	}
}

// Flush hands everything pending to save. What can't be saved stays pending,
// unless a later use has replaced it.
func (m *Meter) Flush(ctx context.Context, save func(context.Context, []Use) error) error {
	m.mu.Lock()
	taken := m.pending
	m.pending = make(map[uuid.UUID]Use, len(taken))
	m.mu.Unlock()
	if len(taken) == 0 {
		return nil
	}
	batch := make([]Use, 0, len(taken))
	for _, u := range taken {
		batch = append(batch, u)
	}
	err := save(ctx, batch)
	if err != nil {
		for _, u := range batch {
			m.restore(u)
		}
	}
	return err
}

func (m *Meter) restore(u Use) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, newer := m.pending[u.Credential]; !newer && len(m.pending) < most {
		m.pending[u.Credential] = u
	}
}
