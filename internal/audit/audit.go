// Package audit defines events and the hash chain that joins them. It is pure:
// the store keeps events, this package says what makes a chain whole.
//
// Each organization has a chain of its own, and so has the installation (its
// id is the nil UUID). An event's hash covers all its fields and the hash
// before it, so that changing, removing or reordering any record shows. The
// head of a chain is sealed with a key that the database doesn't hold, so that
// cutting off the end shows as well.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"time"

	"github.com/google/uuid"
)

// Event is one audit line: who did what to what, when and from where.
type Event struct {
	Chain    uuid.UUID // the organization, or Nil for the installation
	Sequence int64     // from 1, without a gap
	At       time.Time // UTC, to the millisecond
	Actor    string    // "operator", "credential:…", "possession"
	Subject  string    // on whose behalf, such as "user:…"
	Action   string    // such as "credential.issue"
	Target   string    // such as "credential:…"
	Address  string    // of the client, if known
	Request  string    // the request id, if there was a request
	Detail   string    // JSON object, never anything secret
	Previous []byte
	Hash     []byte

	// Project is what the event is about, where that is one project. It is for
	// those who are told of it at once, and neither stored nor part of the hash.
	Project uuid.UUID
	// News is what a dialect tells of the event, a message each. It is kept no
	// more than the project is.
	News []any
}

// Object writes the detail of an event.
func Object(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // only for types that JSON doesn't know
	}
	return string(text)
}

// Seal sets the event's place after previous and computes its hash.
func (e *Event) Seal(sequence int64, previous []byte) {
	e.Sequence, e.Previous = sequence, previous
	e.Hash = e.sum()
}

// sum hashes every field, each led by its length.
func (e *Event) sum() []byte {
	h := sha256.New()
	number(h, uint64(e.Sequence))
	number(h, uint64(e.At.UnixMilli()))
	for _, field := range [...]string{
		string(e.Chain[:]), e.Actor, e.Subject, e.Action, e.Target, e.Address, e.Request, e.Detail, string(e.Previous),
	} {
		number(h, uint64(len(field)))
		h.Write([]byte(field))
	}
	return h.Sum(nil)
}

func number(h hash.Hash, n uint64) {
	var buf [8]byte
	binary.BigEndian.PutUint64(buf[:], n)
	h.Write(buf[:])
}

// Genesis is the hash that the first event of a chain follows: zeros.
func Genesis() []byte { return make([]byte, sha256.Size) }

// Head is the sealed end of a chain.
type Head struct {
	Chain    uuid.UUID
	Sequence int64
	Hash     []byte
	Seal     []byte // message authentication code of the three above
}

// Fields returns what the seal of a head covers.
func (h *Head) Fields() [][]byte {
	return [][]byte{h.Chain[:], binary.BigEndian.AppendUint64(nil, uint64(h.Sequence)), h.Hash}
}

// Break is the first place where a chain isn't whole.
type Break struct {
	Chain    uuid.UUID
	Sequence int64
	Reason   string
}

// Error says where and why.
func (b *Break) Error() string {
	return fmt.Sprintf("audit chain %s is broken at sequence %d: %s", b.Chain, b.Sequence, b.Reason)
}

// Verifier checks the events of one chain, given in order of their sequence.
type Verifier struct {
	chain    uuid.UUID
	sequence int64
	hash     []byte
}

// NewVerifier starts at the beginning of a chain.
func NewVerifier(chain uuid.UUID) *Verifier { return &Verifier{chain: chain, hash: Genesis()} }

// Next checks one event after the ones before it.
func (v *Verifier) Next(e *Event) error {
	want := v.sequence + 1
	switch {
	case e.Sequence > want:
		return &Break{v.chain, want, "the event is missing"}
	case e.Sequence < want:
		return &Break{v.chain, e.Sequence, "the event stands twice or out of order"}
	case e.Chain != v.chain:
		return &Break{v.chain, want, "the event belongs to another chain"}
	case !bytes.Equal(e.Previous, v.hash):
		return &Break{v.chain, want, "it doesn't follow from the event before it"}
	case !bytes.Equal(e.Hash, e.sum()):
		return &Break{v.chain, want, "the event was changed"}
	}
	v.sequence, v.hash = e.Sequence, e.Hash
	return nil
}

// Finish compares the last event with the head, whose seal has been checked.
func (v *Verifier) Finish(head Head) error {
	switch {
	case head.Sequence > v.sequence:
		return &Break{v.chain, v.sequence + 1, "the event is missing: the end of the chain was cut off"}
	case head.Sequence < v.sequence:
		return &Break{v.chain, head.Sequence + 1, "the event was added behind the sealed head"}
	case !bytes.Equal(head.Hash, v.hash):
		return &Break{v.chain, v.sequence, "the sealed head names another event"}
	}
	return nil
}

// Count returns how many events were checked.
func (v *Verifier) Count() int64 { return v.sequence }
