package credential

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"log/slog"
	"sync"
)

const redacted = "[redacted]"

// Secret is the plaintext of a credential. It redacts itself under every fmt
// verb, in slog and in JSON; Reveal is the one way to the text. The text stands
// behind a pointer, since %p prints fields past any method.
type Secret struct{ text *string }

// NewSecret wraps the text of a secret.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text. Only the answer that creates a secret shows it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no secret at all.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// String implements fmt.Stringer by hiding the text.
func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer by hiding the text.
func (Secret) GoString() string { return redacted }

// Format implements fmt.Formatter, so that no verb reaches the text.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer by hiding the text.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler by hiding the text.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Fingerprint is the first 8 hex digits of the plain SHA-256 of the secret.
// It helps a person find a token in a list and never authenticates.
func (s Secret) Fingerprint() string {
	sum := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(sum[:4])
}

// LookupKey is the keyed hash of a secret: the only form that is stored and
// searched. It can't be compared with ==; use Equal, which takes constant time.
type LookupKey struct {
	_   [0]func() // not comparable
	sum [sha256.Size]byte
}

// LookupKeyFrom restores a stored key; ok is false when the length is wrong.
func LookupKeyFrom(stored []byte) (k LookupKey, ok bool) {
	return k, copy(k.sum[:], stored) == len(k.sum) && len(stored) == len(k.sum)
}

// Equal compares two keys in constant time.
func (k LookupKey) Equal(other LookupKey) bool { return hmac.Equal(k.sum[:], other.sum[:]) }

// Bytes returns the key as it is stored.
func (k LookupKey) Bytes() [sha256.Size]byte { return k.sum }

// Keyer computes lookup keys under one derived key. It is safe for concurrent
// use and keeps its keyed states, which makes a hash a third as expensive.
type Keyer struct{ pool sync.Pool }

// NewKeyer makes a Keyer of the key derived for lookup keys.
func NewKeyer(key []byte) *Keyer {
	key = append([]byte(nil), key...)
	return &Keyer{pool: sync.Pool{New: func() any {
		return &keyState{mac: hmac.New(sha256.New, key)}
	}}}
}

// keyState is one reusable HMAC with room for its input and output, so that
// computing a key allocates nothing.
type keyState struct {
	mac hash.Hash
	in  [MaxText]byte
	out [sha256.Size]byte
}

// LookupKey computes HMAC-SHA-256 of the whole secret.
func (k *Keyer) LookupKey(text string) (key LookupKey) {
	state := k.pool.Get().(*keyState)
	state.mac.Reset()
	for len(text) > 0 {
		n := copy(state.in[:], text)
		state.mac.Write(state.in[:n])
		text = text[n:]
	}
	key.sum = [sha256.Size]byte(state.mac.Sum(state.out[:0]))
	clear(state.in[:])
	k.pool.Put(state)
	return key
}
