package jwt

import (
	"crypto/sha256"
	"sync"
)

const (
	shards       = 16
	shardEntries = 65536 / shards
	shardBytes   = 4 << 20 // of the tokens, of which what is kept is a part
)

type digest = [sha256.Size]byte

// digestOf digests a token; one of the usual size without an allocation.
func digestOf(token string) digest {
	var usual [1 << 10]byte
	if len(token) > len(usual) {
		return sha256.Sum256([]byte(token))
	}
	return sha256.Sum256(usual[:copy(usual[:], token)])
}

// verified is a token whose signature was verified, and whose claims are of the
// ring that keeps it. Its dates may be over.
type verified struct {
	claims *Claims
	seat   *seat
	size   int // of the token in bytes
}

// cache keeps verified tokens by the SHA-256 digest of their whole text, in
// bounded room. The zero cache is empty.
type cache [shards]shard

type shard struct {
	sync.RWMutex
	entries map[digest]*verified
	size    int // of all tokens together
}

func (c *cache) shard(key digest) *shard { return &c[key[0]%shards] }

func (c *cache) get(key digest) *verified {
	s := c.shard(key)
	s.RLock()
	defer s.RUnlock()
	return s.entries[key]
}

// put keeps a token. Where there is no room, any others go.
func (c *cache) put(key digest, v *verified) {
	s := c.shard(key)
	s.Lock()
	defer s.Unlock()
	if s.entries == nil {
		s.entries = map[digest]*verified{}
	}
	s.drop(key)
	for other := range s.entries {
		if len(s.entries) < shardEntries && s.size+v.size <= shardBytes {
			break
		}
		s.drop(other)
	}
	s.entries[key] = v
	s.size += v.size
}

func (c *cache) drop(key digest) {
	s := c.shard(key)
	s.Lock()
	defer s.Unlock()
	s.drop(key)
}

// drop forgets a token, if it is there.
func (s *shard) drop(key digest) {
	if v := s.entries[key]; v != nil {
		s.size -= v.size
		delete(s.entries, key)
	}
}
