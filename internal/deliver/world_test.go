package deliver_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/deliver"
	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

const (
	canary  = "canary-4711"
	subject = "Grüße " + canary
)

// world is an outbox, a Deliverer at a clock that stands still until it is
// moved, and what was handed to the mail server.
type world struct {
	*deliver.Deliverer
	t     *testing.T
	cfg   store.Config
	store *store.Store
	log   record
	// send is what the mail server does; nil takes every mail.
	send func(context.Context, outbound.Mail) error

	mu   sync.Mutex
	time time.Time
	sent []outbound.Mail // what was offered, taken or not
}

// record is a log that may be read while it is written.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

// String is everything so far.
func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// each runs a test in a new world on every database. Whatever happens in it,
// nothing of a mail may be in its log (K-2).
func each(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, cfg)
		test(t, w)
		w.keepsSilent()
	})
}

func newWorld(t *testing.T, cfg store.Config) *world {
	t.Helper()
	w := &world{t: t, cfg: cfg, store: storetest.Open(t, cfg), time: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)}
	w.Deliverer = w.node(w.store)
	return w
}

// node is one more Deliverer of the same world.
func (w *world) node(s *store.Store) *deliver.Deliverer {
	logger := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return deliver.New(deliver.Config{Store: s, Send: w.take, Now: w.now, Logger: logger})
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

// take is the mail server.
func (w *world) take(ctx context.Context, m outbound.Mail) error {
	w.mu.Lock()
	w.sent = append(w.sent, m)
	w.mu.Unlock()
	if w.send == nil {
		return nil
	}
	return w.send(ctx, m)
}

// post puts n letters in the outbox, which expire after a time.
func (w *world) post(n int, lifetime time.Duration) {
	w.t.Helper()
	now := w.now()
	err := w.store.Change(w.t.Context(), uuid.Nil, func(tx *store.Tx) error {
		tx.Record(audit.Event{At: now, Actor: "operator", Action: "test.post"})
		for i := range n {
			l := store.Letter{To: fmt.Sprintf("ada%d@example.org", i), Subject: subject, Text: "https://keys.example.com/reset#" + canary + "\n"}
			if err := tx.Post(w.t.Context(), rand.Reader, l, now, now.Add(lifetime)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// round delivers once, and wants so many mails offered by it.
func (w *world) round(want int) {
	w.t.Helper()
	before := len(w.sent)
	if err := w.Deliver(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if got := len(w.sent) - before; got != want {
		w.t.Fatalf("%d mails were offered, want %d\n%s", got, want, w.log.String())
	}
}

// left wants so many messages in the outbox, whenever they are due.
func (w *world) left(want int) []store.Message {
	w.t.Helper()
	found, err := w.store.DueMessages(w.t.Context(), w.now().Add(1000*time.Hour), 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(found) != want {
		w.t.Fatalf("%d messages are in the outbox, want %d\n%s", len(found), want, w.log.String())
	}
	return found
}

// logged wants something in the log so many times.
func (w *world) logged(text string, want int) {
	w.t.Helper()
	if got := strings.Count(w.log.String(), text); got != want {
		w.t.Errorf("%q is logged %d times, want %d:\n%s", text, got, want, w.log.String())
	}
}

// keepsSilent wants nothing of a mail in the log or, readable, in the database.
func (w *world) keepsSilent() {
	w.t.Helper()
	dump := storetest.Dump(w.t, storetest.Raw(w.t, w.cfg), "outbox", "audit_events")
	for _, text := range []string{canary, "Grüße", "@example.org"} {
		if strings.Contains(w.log.String(), text) {
			w.t.Errorf("%q is logged:\n%s", text, w.log.String())
		}
		if strings.Contains(dump, text) || strings.Contains(dump, hex.EncodeToString([]byte(text))) {
			w.t.Errorf("%q stands in the database", text)
		}
	}
}
