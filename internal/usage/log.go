package usage

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// mostCalls bounds how many calls wait to be stored, at some 500 bytes each.
const mostCalls = 1 << 14

// callBatch is how many calls are saved at once.
const callBatch = 500

// Call is one request to a route of ours that carried a known credential.
type Call struct {
	ID, Organization, Credential uuid.UUID
	At                           time.Time
	Method, Path                 string // without the query
	Status                       int
	Address                      netip.Addr
	UserAgent                    string
}

// Log remembers calls until they are stored. Where too many wait, it forgets
// the oldest and counts them.
type Log struct {
	flushing sync.Mutex
	mu       sync.Mutex
	pending  []Call
	lost     int64
}

// Add remembers a call.
func (l *Log) Add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.bounded(l.pending, 1), c)
}

// bounded makes room for so many calls more.
func (l *Log) bounded(list []Call, more int) []Call {
	if len(list)+more <= mostCalls {
		return list
	}
	gone := min(len(list), max(len(list)+more-mostCalls, mostCalls/16)) // many at once, so that it is seldom
	l.lost += int64(gone)
	return slices.Delete(list, 0, gone)
}

// Crowded reports whether so many calls wait that the next flush is urgent.
func (l *Log) Crowded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending) > mostCalls/4
}

// Lost returns how many calls were forgotten since it was asked last.
func (l *Log) Lost() (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, l.lost = l.lost, 0
	return n
}

// Flush hands the calls that wait to save, the oldest first. What couldn't be
// saved waits on: save may get a call again that it has saved already.
func (l *Log) Flush(ctx context.Context, save func(context.Context, []Call) error) error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.mu.Lock()
	taken := l.pending
	l.pending = nil
	l.mu.Unlock()
	for len(taken) > 0 {
		part := taken[:min(callBatch, len(taken))]
		if err := save(ctx, part); err != nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.pending = append(l.bounded(taken, len(l.pending)), l.pending...)
			return err
		}
		taken = taken[len(part):]
	}
	return nil
}
