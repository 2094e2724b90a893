package store

import (
	"strings"
	"sync"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// interner keeps one copy of texts that many rows repeat, so that a million
// credentials in memory don't hold the same list of scopes a million times.
type interner struct {
	mu     sync.RWMutex
	lists  map[string][]credential.Scope
	single map[string]string
}

// mostInterned bounds each sort of text that is kept.
const mostInterned = 4096

func newInterner() *interner {
	return &interner{lists: map[string][]credential.Scope{}, single: map[string]string{}}
}

// text returns the one copy of a text.
func (i *interner) text(s string) string { return intern(i, i.single, s, strings.Clone) }

// scopes splits a column of scopes; the list is shared and must not be changed.
func (i *interner) scopes(column string) []credential.Scope {
	return intern(i, i.lists, column, func(column string) []credential.Scope {
		var list []credential.Scope
		for s := range strings.FieldsSeq(column) {
			list = append(list, credential.Scope(s))
		}
		return list
	})
}

// intern finds a value by its text, or makes and keeps it while there is room.
func intern[T any](i *interner, known map[string]T, text string, make func(string) T) T {
	i.mu.RLock()
	value, ok := known[text]
	i.mu.RUnlock()
	if ok {
		return value
	}
	value = make(text)
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(known) < mostInterned {
		known[text] = value
	}
	return value
}
