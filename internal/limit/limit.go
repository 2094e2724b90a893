// Package limit decides how often something may happen: at most L times in a
// window W, by GCRA (the generic cell rate algorithm). It hides the arithmetic,
// and where one node remembers what was used. Time is handed in. A [Budget] is
// how much may be spent, in coins and in cycles of seven days.
//
// What it keeps true:
//
//   - In any time t at most L + t·L/W pass. W/L is kept exactly, not rounded,
//     and the order in which the times of racing calls arrive doesn't matter.
//   - Checking and charging are one step. Of several limits all have room and
//     are charged, or none is.
//   - Who waits as long as a refusal says finds room, unless others take it.
//   - A clock that is set back lets nothing more through, and nobody waits
//     longer than one window for it. (Where the limit is 1, up to a second more:
//     a set-back can't be told from a call that others overtook.)
//   - Memory is bounded. While there is room, nothing that is still limited is
//     forgotten.
package limit

import (
	"net/netip"
	"time"

	"github.com/google/uuid"
)

const (
	// MaxLimit is the highest limit that a rate may have.
	MaxLimit = 1_000_000_000
	// MinWindow and MaxWindow are the shortest and the longest window of a rate.
	MinWindow = time.Second
	MaxWindow = 31 * 24 * time.Hour
)

// Rate lets at most Limit through at once, and as many in every Window from then on.
type Rate struct {
	Limit  int
	Window time.Duration
}

// Valid reports whether a rate is within the bounds. Nothing passes one that isn't.
func (r Rate) Valid() bool {
	return r.Limit >= 1 && r.Limit <= MaxLimit && r.Window >= MinWindow && r.Window <= MaxWindow
}

// Key says what is limited. Make one with For, ForCredential or ForAddress.
type Key struct {
	name uint64 // a hash: the names are those in the code, no stranger chooses one
	id   [16]byte
}

// For is the key of the thing with an id, under a name that tells one use from others.
func For(name string, id uuid.UUID) Key { return Key{hash(name), id} }

// ForCredential is the key of a credential.
func ForCredential(id uuid.UUID) Key { return For("credential", id) }

// ForAddress is the key of a client's address, under a name that tells one use
// from others. IPv6 addresses of one /64 are one client, an IPv4 address is
// the same in either form, and all that is no address is one client too.
func ForAddress(name string, a netip.Addr) Key {
	k := Key{name: hash(name) ^ hash("address")}
	switch a = a.Unmap(); {
	case a.Is4():
		k.id = a.As16()
	case a.Is6():
		whole := a.As16()
		copy(k.id[:8], whole[:8])
	default:
		k.id[15] = 1 // the addresses of ::/64 have 0
	}
	return k
}

// hash is FNV-1a.
func hash(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}

// Take asks for one under a limit. Keys with other windows are other limits,
// so that one thing can have several; another Limit in the same window goes on
// from how much of it was used up.
type Take struct {
	Key  Key
	Rate Rate
}

// Outcome is the answer to takes. Of several limits it describes the one that
// refuses, for the longest time if there are more, or else the one with the
// least remaining.
type Outcome struct {
	Allowed    bool
	Index      int // which of the takes it describes; -1 if there were none
	Limit      int
	Remaining  int           // how many would pass now
	Reset      time.Time     // when nothing of the limit is used up any more
	RetryAfter time.Duration // 0 if allowed; or whole seconds, at least one, after which one passes
	// Degraded means that what the nodes share is away, and that one decided
	// alone, about its share.
	Degraded bool
}
