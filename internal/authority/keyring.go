package authority

import (
	"errors"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
)

// keyring computes keys of a purpose: what is new gets one under the present
// root key. What is looked for may be under one that is still understood.
type keyring struct {
	*credential.Keyer
	older []*credential.Keyer
}

func newKeyring(root *seal.Root, p seal.Purpose) *keyring {
	k := &keyring{}
	for _, r := range root.All() {
		k.older = append(k.older, credential.NewKeyer(r.Derive(p)))
	}
	k.Keyer, k.older = k.older[0], k.older[1:]
	return k
}

// aged are the keys of a text under the older root keys.
func (k *keyring) aged(text string) []credential.LookupKey {
	var list []credential.LookupKey
	for _, older := range k.older {
		list = append(list, older.LookupKey(text))
	}
	return list
}

// all are the keys of a text, the present one first.
func (k *keyring) all(text string) []credential.LookupKey {
	return append([]credential.LookupKey{k.LookupKey(text)}, k.aged(text)...)
}

// made reports whether a stored key is one of the text.
func (k *keyring) made(stored credential.LookupKey, text string) bool {
	same := false
	for _, key := range k.all(text) {
		same = key.Equal(stored) || same
	}
	return same
}

// under looks for something by each of its keys in turn.
func under[K, T any](keys []K, find func(K) (T, error)) (out T, err error) {
	for _, key := range keys {
		if out, err = find(key); !errors.Is(err, credential.NotFound) {
			return out, err
		}
	}
	return out, err
}

// anyOf asks about each of several keys, until one is there.
func anyOf[K any](keys []K, there func(K) (bool, error)) (bool, error) {
	for _, key := range keys {
		if is, err := there(key); is || err != nil {
			return is, err
		}
	}
	return false, nil
}
