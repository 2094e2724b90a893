package store

import (
	"crypto/sha256"
	"sync"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// shards is how many parts the cache has, each with a lock of its own.
const shards = 256

// lookupKey is a lookup key as a map key.
type lookupKey = [sha256.Size]byte

// cache keeps standings by lookup key. It is exact on one node: a change
// closes the shards that it touches before it commits and opens them when it
// is done. While a shard is closed it answers nothing and takes nothing in,
// and what was read before it closed is never let in afterwards. So no read
// can see, after a change was answered, what was true before it.
type cache struct {
	shard [shards]shard
	most  int // entries a shard
}

type shard struct {
	mu      sync.RWMutex
	entries map[lookupKey]*credential.Standing
	changes uint64 // how often the shard was closed
	closed  int    // changes that are under way
}

// newCache makes a cache for at most size standings; nil for none.
func newCache(size int) *cache {
	if size <= 0 {
		return nil
	}
	c := &cache{most: (size + shards - 1) / shards}
	for i := range c.shard {
		c.shard[i].entries = map[lookupKey]*credential.Standing{}
	}
	return c
}

// get returns the standing of a key, or nil and the ticket with which the
// caller may put what it reads instead.
func (c *cache) get(key lookupKey) (s *credential.Standing, ticket uint64) {
	if c == nil {
		return nil, 0
	}
	sh := &c.shard[key[0]]
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	if sh.closed > 0 {
		return nil, sh.changes
	}
	return sh.entries[key], sh.changes
}

// put keeps a standing, unless the shard was closed since the ticket was
// given. A full shard drops some other entry.
func (c *cache) put(key lookupKey, s *credential.Standing, ticket uint64) {
	if c == nil {
		return
	}
	sh := &c.shard[key[0]]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.closed > 0 || sh.changes != ticket {
		return
	}
	if _, known := sh.entries[key]; !known && len(sh.entries) >= c.most {
		for other := range sh.entries {
			delete(sh.entries, other)
			break
		}
	}
	sh.entries[key] = s
}

// close shuts the shards of the keys (all of them for none) for the time of
// a change. It returns what opens them again, with the keys gone.
func (c *cache) close(keys []lookupKey, everything bool) (open func()) {
	if c == nil || (len(keys) == 0 && !everything) {
		return func() {}
	}
	touched := map[*shard][]lookupKey{}
	for _, key := range keys {
		sh := &c.shard[key[0]]
		touched[sh] = append(touched[sh], key)
	}
	for i := range c.shard {
		if everything {
			touched[&c.shard[i]] = nil // and every key of it
		}
	}
	for sh := range touched {
		sh.mu.Lock()
		sh.closed++
		sh.changes++
		sh.mu.Unlock()
	}
	return func() {
		for sh, keys := range touched {
			sh.mu.Lock()
			if everything {
				clear(sh.entries)
			}
			for _, key := range keys {
				delete(sh.entries, key)
			}
			sh.closed--
			sh.changes++
			sh.mu.Unlock()
		}
	}
}
