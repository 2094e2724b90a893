package seal

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"strings"
)

// MostKeys bounds how many root keys are in use at once.
const MostKeys = 4

// ParseAll reads the root keys of an overlap, one or several with white space
// between them: the first makes what is new, the others are still understood.
func ParseAll(text string) (*Root, error) {
	words := strings.Fields(text)
	if len(words) > MostKeys {
		return nil, fmt.Errorf("at most %d root keys are in use at once", MostKeys)
	}
	var all []*Root
	for _, word := range words {
		root, err := Parse(word)
		if err != nil {
			return nil, err
		}
		for _, other := range all {
			if other.key == root.key {
				return nil, errors.New("the same root key stands twice")
			}
		}
		all = append(all, root)
	}
	if len(all) == 0 {
		return Parse("")
	}
	all[0].older = all[1:]
	return all[0], nil
}

// All returns the key itself, and then those that are still understood.
func (r *Root) All() []*Root { return append([]*Root{r}, r.older...) }

// Numbered returns the key with a version and other keys beside it.
func (r *Root) Numbered(version int, older ...*Root) *Root {
	return &Root{key: r.key, version: version, older: older}
}

// Oldest returns the key of the least version. While two nodes differ in which
// of their keys is the first, they agree in this one.
func (r *Root) Oldest() *Root {
	oldest := r
	for _, other := range r.older {
		if other.version < oldest.version {
			oldest = other
		}
	}
	return oldest
}

// IsNewest reports whether no key beside it has a greater version. Only such a
// key replaces what others made: two nodes that differ in which of their keys
// is the first would do so in turns.
func (r *Root) IsNewest() bool {
	for _, other := range r.older {
		if other.version > r.version {
			return false
		}
	}
	return true
}

// Verifies reports, in constant time, whether the key or one that is still
// understood made a MAC of the fields.
func (r *Root) Verifies(p Purpose, mac []byte, fields ...[]byte) bool {
	for _, root := range r.All() {
		if hmac.Equal(mac, root.MAC(p, fields...)) {
			return true
		}
	}
	return false
}

// MACs are the MACs of the fields under every key, the present one first.
func (r *Root) MACs(p Purpose, fields ...[]byte) [][32]byte {
	var list [][32]byte
	for _, root := range r.All() {
		list = append(list, [32]byte(root.MAC(p, fields...)))
	}
	return list
}
