package store_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

var (
	postedAt = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	letter   = store.Letter{To: "ada@example.com", Subject: "Grüße", Text: "https://keys.example.com/reset#canary-4711\n"}
)

// post puts letters in the outbox, each a second after the one before.
func post(t *testing.T, s *store.Store, letters ...store.Letter) {
	t.Helper()
	err := s.Change(t.Context(), uuid.Nil, func(tx *store.Tx) error {
		tx.Record(audit.Event{At: postedAt, Actor: "operator", Action: "test.post"})
		for i, l := range letters {
			now := postedAt.Add(time.Duration(i) * time.Second)
			if err := tx.Post(t.Context(), rand.Reader, l, now, now.Add(time.Hour)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// due returns what is due at a time after postedAt.
func due(t *testing.T, s *store.Store, after time.Duration, limit int) []store.Message {
	t.Helper()
	found, err := s.DueMessages(t.Context(), postedAt.Add(after), limit)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestK2_OutboxIsSealed: a letter comes back as it was posted, and none of it
// can be read in the database.
func TestK2_OutboxIsSealed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		post(t, s, letter)
		found := due(t, s, 0, 10)
		if len(found) != 1 {
			t.Fatalf("%d messages are due, want 1", len(found))
		}
		m := found[0]
		if m.KeyVersion != s.Root().Version() || m.Tries != 0 || !m.NextAt.Equal(postedAt) || !m.ExpiresAt.Equal(postedAt.Add(time.Hour)) {
			t.Errorf("got %+v", m)
		}
		got, err := s.Letter(&m)
		if diff := cmp.Diff(got, letter); err != nil || diff != "" {
			t.Error(err, diff)
		}
		dump := storetest.Dump(t, storetest.Raw(t, cfg), "outbox")
		for _, text := range []string{letter.To, letter.Subject, "canary-4711"} {
			if strings.Contains(dump, text) || strings.Contains(dump, hex.EncodeToString([]byte(text))) {
				t.Errorf("%q stands in the database", text)
			}
		}
	})
}

// TestSealedForItsRow: a message is not opened for another, nor after a change.
func TestSealedForItsRow(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t))
	post(t, s, letter, letter)
	found := due(t, s, time.Minute, 10)
	found[0].Sealed, found[1].Sealed = found[1].Sealed, append(bytes.Clone(found[1].Sealed), 0)
	for _, m := range found {
		if l, err := s.Letter(&m); err == nil || l != (store.Letter{}) || !strings.Contains(err.Error(), m.ID.String()) {
			t.Errorf("got %v, %v; want an error that names %s", l, err, m.ID)
		}
	}
}

// TestPostFails when it can't be sealed, and then nothing is in the outbox.
func TestPostFails(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t))
	for name, fail := range map[string]func(tx *store.Tx) error{
		"no randomness": func(tx *store.Tx) error {
			return tx.Post(t.Context(), strings.NewReader(""), letter, postedAt, postedAt)
		},
		"short of it": func(tx *store.Tx) error {
			return tx.Post(t.Context(), strings.NewReader("0123456789abcdef"), letter, postedAt, postedAt)
		},
		"not UTF-8": func(tx *store.Tx) error {
			return tx.Post(t.Context(), rand.Reader, store.Letter{Text: "canary-4711\xff"}, postedAt, postedAt)
		},
		"rolled back": func(tx *store.Tx) error {
			return errors.Join(tx.Post(t.Context(), rand.Reader, letter, postedAt, postedAt), errors.New("rolled back"))
		},
	} {
		err := s.Change(t.Context(), uuid.Nil, fail)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if found := due(t, s, time.Hour, 10); len(found) != 0 {
		t.Errorf("%d messages are in the outbox", len(found))
	}
}

// TestMessagesAreDue in the order in which they have waited, until they are dropped or forgotten.
func TestMessagesAreDue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		post(t, s, store.Letter{To: "a"}, store.Letter{To: "b"}, store.Letter{To: "c"})
		recipients := func(after time.Duration, limit int) (to []string) {
			for _, m := range due(t, s, after, limit) {
				l, err := s.Letter(&m)
				if err != nil {
					t.Fatal(err)
				}
				to = append(to, l.To)
			}
			return to
		}
		want := func(after time.Duration, limit int, want ...string) {
			t.Helper()
			if diff := cmp.Diff(recipients(after, limit), want); diff != "" {
				t.Error(diff)
			}
		}
		want(-time.Millisecond, 10)
		want(time.Second, 10, "a", "b")
		want(time.Minute, 2, "a", "b")
		first := due(t, s, 0, 1)[0]
		if err := s.PutOffMessage(t.Context(), first.ID, first.Tries, postedAt.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		want(time.Minute, 10, "b", "c", "a")
		if err := s.DropMessage(t.Context(), due(t, s, time.Minute, 1)[0].ID); err != nil {
			t.Fatal(err)
		}
		want(time.Minute, 10, "c", "a")
		if err := s.ForgetMessages(t.Context(), postedAt.Add(time.Hour+time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		want(time.Minute, 10, "c")
	})
}

// TestClaim is given to one of many who ask at once.
func TestClaim(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		post(t, s, letter)
		m := due(t, s, 0, 1)[0]
		var claims atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				claimed, err := s.ClaimMessage(t.Context(), m.ID, m.Tries, postedAt.Add(time.Minute))
				if err != nil {
					t.Error(err)
				}
				if claimed {
					claims.Add(1)
				}
			})
		}
		wg.Wait()
		if claims.Load() != 1 {
			t.Errorf("%d of 8 claimed it, want 1", claims.Load())
		}
		if err := s.PutOffMessage(t.Context(), m.ID, m.Tries, postedAt); err != nil { // by one who lost it
			t.Fatal(err)
		}
		if found := due(t, s, time.Minute-time.Millisecond, 1); len(found) != 0 {
			t.Error("it is due before the claim has run out")
		}
		if found := due(t, s, time.Minute, 1); len(found) != 1 || found[0].Tries != 1 {
			t.Errorf("after the claim got %+v, want the message with 1 try", found)
		}
	})
}
