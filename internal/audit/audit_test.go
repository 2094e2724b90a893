package audit

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

var chain = uuid.UUID{1}

// history is a chain of n whole events and its head.
func history(n int) ([]Event, Head) {
	var list []Event
	previous := Genesis()
	for i := range n {
		e := Event{
			Chain: chain, At: time.UnixMilli(int64(1000 + i)), Actor: "operator", Subject: "user:1", Action: "credential.issue",
			Target: "credential:1", Address: "203.0.113.7", Request: "r", Detail: "{}",
		}
		e.Seal(int64(i+1), previous)
		previous = e.Hash
		list = append(list, e)
	}
	return list, Head{Chain: chain, Sequence: int64(n), Hash: previous}
}

// broken is the sequence of the first broken event; 0 for none.
func broken(t *testing.T, list []Event, head Head) int64 {
	t.Helper()
	v := NewVerifier(chain)
	var err error
	for i := range list {
		if err = v.Next(&list[i]); err != nil {
			break
		}
	}
	if err == nil {
		err = v.Finish(head)
	}
	var b *Break
	if err != nil && (!errors.As(err, &b) || b.Chain != chain || b.Reason == "") {
		t.Fatalf("got %v, want a break", err)
	}
	if b == nil {
		return 0
	}
	return b.Sequence
}

// TestU3_ChainShows every way of tampering, at the first event concerned.
func TestU3_ChainShows(t *testing.T) {
	alter := func(change func(*Event)) func([]Event) []Event {
		return func(l []Event) []Event { change(&l[2]); return l }
	}
	for name, row := range map[string]struct {
		tamper func([]Event) []Event
		want   int64
	}{
		"nothing":            {func(l []Event) []Event { return l }, 0},
		"actor":              {alter(func(e *Event) { e.Actor = "x" }), 3},
		"subject":            {alter(func(e *Event) { e.Subject = "" }), 3},
		"action":             {alter(func(e *Event) { e.Action += "x" }), 3},
		"target":             {alter(func(e *Event) { e.Target = "x" }), 3},
		"address":            {alter(func(e *Event) { e.Address = "" }), 3},
		"request":            {alter(func(e *Event) { e.Request = "" }), 3},
		"detail":             {alter(func(e *Event) { e.Detail = "{ }" }), 3},
		"time":               {alter(func(e *Event) { e.At = e.At.Add(time.Millisecond) }), 3},
		"chain":              {alter(func(e *Event) { e.Chain = uuid.UUID{2} }), 3},
		"hash":               {alter(func(e *Event) { e.Hash = slices.Clone(Genesis()) }), 3},
		"previous":           {alter(func(e *Event) { e.Previous = Genesis() }), 3},
		"field moved":        {alter(func(e *Event) { e.Actor, e.Subject = e.Actor+e.Subject, "" }), 3},
		"altered and hashed": {alter(func(e *Event) { e.Actor = "x"; e.Seal(e.Sequence, e.Previous) }), 4},
		"removed":            {func(l []Event) []Event { return slices.Delete(l, 2, 3) }, 3},
		"first removed":      {func(l []Event) []Event { return l[1:] }, 1},
		"end cut off":        {func(l []Event) []Event { return l[:3] }, 4},
		"all removed":        {func([]Event) []Event { return nil }, 1},
		"swapped":            {func(l []Event) []Event { l[2], l[3] = l[3], l[2]; return l }, 3},
		"twice":              {func(l []Event) []Event { return slices.Insert(l, 3, l[2]) }, 3},
		"added behind": {func(l []Event) []Event {
			e := l[4]
			e.Seal(6, l[4].Hash)
			return append(l, e)
		}, 6},
	} {
		list, head := history(5)
		if got := broken(t, row.tamper(list), head); got != row.want {
			t.Errorf("%s: got %d for the first broken event, want %d", name, got, row.want)
		}
	}
}
