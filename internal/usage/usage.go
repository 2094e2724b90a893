// Package usage counts in memory what verifications and requests do, and
// flushes it in batches, so that a read never causes a write of its own.
//
// What is pending is bounded: one entry for each credential that was used
// since the last flush, some counts for each of them, and no more than a fixed
// number of either while the store can't be reached. What is beyond those
// bounds is counted in fewer places, and never lost. A batch that may have been
// saved is saved again as it was, under the same name: so it counts once.
package usage

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// The bounds of what a meter remembers.
const (
	most        = 1 << 20 // credentials that were used, while flushing fails
	mostCounts  = 1 << 18 // counts, before those of a credential become fewer
	batchSize   = 2000    // rows in a transaction, so that others get their turn
	manyInEntry = 16      // counts of a credential that are searched one by one
)

// Use is the latest use of one credential since the last flush.
type Use struct {
	Credential uuid.UUID
	At         time.Time
	Address    netip.Addr
	UserAgent  string
	Requests   int64 // since the last flush; Add counts each as one
}

// Request is what is counted once it was decided, or answered.
type Request struct {
	Credential, Organization, Project uuid.UUID
	Day                               Day
	Resource                          string
	// Named means that a caller made the resource up: of those a credential
	// has MostNamed a day, and beyond them Other.
	Named   bool
	Outcome string
	Cost    int64
}

// Total is how many requests there were of one kind, and what they cost.
type Total struct {
	Credential, Organization, Project uuid.UUID
	Day                               Day
	Resource, Outcome                 string
	Requests, Coins                   int64
}

// Batch is a part of what is pending. It is saved whole or not at all. One that
// has the ID of a batch which was saved is that batch, and isn't saved again;
// after it nobody asks for the batch Before it any more.
type Batch struct {
	ID, Before [32]byte
	Uses       []Use   // in the order of credentials
	Totals     []Total // in one order too, so that two who save them never wait for each other
}

// Meter remembers the latest use of each credential, and counts its requests,
// until both are stored.
type Meter struct {
	flushing sync.Mutex
	mu       sync.Mutex
	pending  map[uuid.UUID]*entry
	counts   int                  // in pending
	bound    int                  // of them; twice as many before they are nobody's in particular
	saving   map[uuid.UUID]*entry // what a flush has taken out and not yet stored
	batches  []Batch              // the same, as it is saved
	named    named
	last     [32]byte // the ID of the last batch
}

// entry is what is pending of one credential.
type entry struct {
	use    Use // without requests where it wasn't used
	counts []count
	at     map[key]int // the places in counts, where there are many
	last   int         // the count that was found last, which is mostly the next
}

// key tells the counts of a credential apart.
type key struct {
	organization, project uuid.UUID
	day                   Day
	resource, outcome     string
}

type count struct {
	key
	requests, coins int64
}

// NewMeter makes an empty meter.
func NewMeter() *Meter {
	m := &Meter{pending: map[uuid.UUID]*entry{}, bound: mostCounts}
	_, _ = rand.Read(m.last[:24]) // never fails; the rest counts the batches
	return m
}

// Add notes a use. A later one replaces it; both are counted.
func (m *Meter) Add(u Use) { m.Note(&u, nil) }

// Count counts a request that is no use.
func (m *Meter) Count(r Request) { m.Note(nil, &r) }

// Note is Add and Count at once. Either may be nil.
func (m *Meter) Note(u *Use, r *Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var e *entry
	if u != nil {
		if e = m.entry(u.Credential); e != nil {
			e.noteUse(u)
		}
	}
	if r == nil {
		return
	}
	if e == nil {
		e = m.entry(r.Credential)
	}
	m.count(e, r)
}

// entry finds what is pending of a credential, or makes it; nil where there is
// no room.
func (m *Meter) entry(credential uuid.UUID) *entry {
	e := m.pending[credential]
	if e == nil && (len(m.pending) < most || credential == uuid.Nil) {
		e = &entry{}
		m.pending[credential] = e
	}
	return e
}

// noteUse keeps the later of two uses, and counts both.
func (e *entry) noteUse(u *Use) {
	requests := e.use.Requests + 1
	if e.use.Requests == 0 || !u.At.Before(e.use.At) {
		e.use = *u
	}
	e.use.Requests = requests
}

// count adds a request to its count, or to one of a wider kind where there is
// no room: without the resource, then without the credential.
func (m *Meter) count(e *entry, r *Request) {
	k := key{r.Organization, r.Project, r.Day, r.Resource, r.Outcome}
	if e != nil && e.add(&k, r.Cost) {
		return
	}
	if r.Named && e != nil && !m.named.admit(r) || m.counts >= m.bound || e == nil {
		k.resource = Other
	}
	if e == nil || m.counts >= 2*m.bound {
		e = m.entry(uuid.Nil)
	}
	if !e.add(&k, r.Cost) {
		e.insert(&k, r.Cost)
		m.counts++
	}
}

// add adds a request to a count that is there.
func (e *entry) add(k *key, cost int64) bool {
	i := e.find(k)
	if i < 0 {
		return false
	}
	e.last = i
	e.counts[i].requests++
	e.counts[i].coins += cost
	return true
}

func (e *entry) find(k *key) int {
	if e.last < len(e.counts) && e.counts[e.last].key == *k {
		return e.last
	}
	if e.at != nil {
		if i, ok := e.at[*k]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(e.counts, func(c count) bool { return c.key == *k })
}

func (e *entry) insert(k *key, cost int64) {
	e.last = len(e.counts)
	e.counts = append(e.counts, count{*k, 1, cost})
	if e.at == nil && len(e.counts) > manyInEntry {
		e.at = make(map[key]int, 2*manyInEntry)
		for i := range e.counts {
			e.at[e.counts[i].key] = i
		}
	} else if e.at != nil {
		e.at[*k] = e.last
	}
}

// Latest returns the latest use of a credential that is not known to be
// stored, and how many there are.
func (m *Meter) Latest(credential uuid.UUID) (Use, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found Use
	for _, of := range [2]map[uuid.UUID]*entry{m.saving, m.pending} {
		if e := of[credential]; e != nil && e.use.Requests > 0 {
			requests := found.Requests + e.use.Requests
			if found.Requests == 0 || !e.use.At.Before(found.At) {
				found = e.use
			}
			found.Requests = requests
		}
	}
	return found, found.Requests > 0
}

// Pending returns how many credentials were used since the last flush.
func (m *Meter) Pending() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.pending)
}

// Flush hands everything pending to save, batch by batch. After an error the
// same batches come again, before all that is new: save may have saved the
// first of them already.
func (m *Meter) Flush(ctx context.Context, save func(context.Context, Batch) error) error {
	m.flushing.Lock()
	defer m.flushing.Unlock()
	if err := m.saveAll(ctx, save); err != nil {
		return err
	}
	m.take()
	return m.saveAll(ctx, save)
}

func (m *Meter) saveAll(ctx context.Context, save func(context.Context, Batch) error) error {
	for len(m.batches) > 0 {
		b := m.batches[0]
		if err := save(ctx, b); err != nil {
			return err
		}
		m.batches = m.batches[1:]
		m.mu.Lock()
		for i := range b.Uses {
			delete(m.saving, b.Uses[i].Credential)
		}
		m.mu.Unlock()
	}
	return nil
}

// take moves what is pending to what is being saved.
func (m *Meter) take() {
	m.mu.Lock()
	taken := m.pending
	if len(taken) == 0 {
		m.mu.Unlock()
		return
	}
	m.saving, m.counts = taken, 0
	m.pending = make(map[uuid.UUID]*entry, min(len(taken), 1<<12))
	m.mu.Unlock()

	var uses []Use
	var totals []Total
	for id, e := range taken { // which nobody changes any more
		if e.use.Requests > 0 {
			uses = append(uses, e.use)
		}
		for i := range e.counts {
			c := &e.counts[i]
			totals = append(totals, Total{id, c.organization, c.project, c.day, c.resource, c.outcome, c.requests, c.coins})
		}
	}
	slices.SortFunc(uses, func(a, b Use) int { return compareIDs(a.Credential, b.Credential) })
	slices.SortFunc(totals, func(a, b Total) int { return a.compare(&b) })
	for len(uses)+len(totals) > 0 {
		n := min(batchSize, len(uses))
		t := min(batchSize-n, len(totals))
		m.batches = append(m.batches, m.batch(uses[:n], totals[:t]))
		uses, totals = uses[n:], totals[t:]
	}
}

// batch names a batch after the one before.
func (m *Meter) batch(uses []Use, totals []Total) Batch {
	b := Batch{ID: m.last, Before: m.last, Uses: uses, Totals: totals}
	binary.BigEndian.PutUint64(b.ID[24:], binary.BigEndian.Uint64(b.ID[24:])+1)
	m.last = b.ID
	return b
}

func compareIDs(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }

func (t *Total) compare(u *Total) int {
	return cmp.Or(compareIDs(t.Organization, u.Organization), cmp.Compare(t.Day, u.Day), compareIDs(t.Credential, u.Credential),
		compareIDs(t.Project, u.Project), cmp.Compare(t.Resource, u.Resource), cmp.Compare(t.Outcome, u.Outcome))
}
