package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/outbound/mailtest"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

var errAway = errors.New("the mail server is away")

// TestK2_Delivers by a real mail server, once: what was posted arrives, and
// neither log nor database shows it.
func TestK2_Delivers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		server := mailtest.Start(t, mailtest.Config{})
		mailer, err := outbound.NewMailer(server.URL(), "Gatehouse <gatehouse@example.com>")
		if err != nil {
			t.Fatal(err)
		}
		w.send = mailer.Send
		w.post(1, time.Hour)
		w.keepsSilent()
		server.Stop()
		w.round(1)
		w.left(1)
		server.Resume(t)
		w.round(0) // it isn't due
		w.advance(5 * time.Second)
		w.round(1)
		w.left(0)
		got := server.Next(t)
		if _, text := got.Text(t); got.To != "ada0@example.org" || text != "https://keys.example.com/reset#canary-4711\r\n" {
			t.Errorf("to %q: %q", got.To, text)
		}
		w.advance(time.Hour)
		w.round(0)
		if n := server.Waiting(); n != 0 {
			t.Errorf("it came %d times more", n)
		}
		w.logged("mail sent", 1)
	})
}

// TestRetries at growing distances while the server is away, and keeps the
// identity of the mail. Once it expires it is given up.
func TestRetries(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.send = func(context.Context, outbound.Mail) error { return errAway }
		w.post(1, 10*time.Hour)
		w.round(1)
		for _, pause := range []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, 2 * time.Hour, 2 * time.Hour} {
			w.advance(pause - time.Millisecond)
			w.round(0)
			w.left(1)
			w.advance(time.Millisecond)
			w.round(1)
		}
		w.advance(2 * time.Hour)
		w.round(1)
		w.advance(2 * time.Hour)
		w.round(1)
		w.left(0) // the next try would have been after 10 hours
		for _, m := range w.sent {
			if m.ID != w.sent[0].ID {
				t.Errorf("a repeat has the id %s, want %s", m.ID, w.sent[0].ID)
			}
		}
		w.logged("is given up", 1)
	})
}

// TestExpired mail is not sent, however it got old.
func TestExpired(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.post(1, time.Minute)
		w.advance(time.Minute)
		w.round(0)
		w.left(0)
		w.logged("expired", 1)
	})
}

// TestRefusedForGood leaves the outbox and the others alone.
func TestRefusedForGood(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.send = func(_ context.Context, m outbound.Mail) error {
			if m.To == "ada1@example.org" {
				return fmt.Errorf("%w: 550", outbound.ErrRefused)
			}
			return nil
		}
		w.post(3, time.Hour)
		w.round(3)
		w.left(0)
		w.logged("level=WARN", 1)
		w.logged("refused for good", 2) // as the message and as the error
	})
}

// TestCrash of a node between the claim and the answer of the server: the mail
// is sent again, once the claim has run out.
func TestCrash(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.send = func(context.Context, outbound.Mail) error { panic("the process ends") }
		w.post(1, time.Hour)
		func() {
			defer func() { _ = recover() }()
			_ = w.Deliver(t.Context())
		}()
		w.send = nil
		w.advance(time.Minute - time.Millisecond)
		w.round(0)
		w.advance(time.Millisecond)
		w.round(1)
		w.left(0)
		if len(w.sent) != 2 || w.sent[0] != w.sent[1] {
			t.Errorf("got %v, want the same mail twice", w.sent)
		}
	})
}

// TestTwoNodes deliver the same outbox at once: each mail is sent once.
func TestTwoNodes(t *testing.T) {
	const mails = 60
	cfg := storetest.Postgres(t)
	w := newWorld(t, cfg)
	w.post(mails, time.Hour)
	var wg sync.WaitGroup
	for _, node := range []interface{ Deliver(context.Context) error }{w.Deliverer, w.node(storetest.Open(t, cfg))} {
		wg.Go(func() {
			if err := node.Deliver(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.left(0)
	to := make([]string, len(w.sent))
	for i, m := range w.sent {
		to[i] = m.To
	}
	slices.Sort(to)
	if len(to) != mails || len(slices.Compact(to)) != mails {
		t.Errorf("%d mails were sent, to %d recipients; want %d", len(w.sent), len(slices.Compact(to)), mails)
	}
	w.keepsSilent()
}

// TestUnreadable: a message that was changed is thrown away, named in the log;
// those beside it are sent.
func TestUnreadable(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.post(2, time.Hour)
		id := w.left(2)[0].ID.String()
		storetest.Exec(t, storetest.Raw(t, w.cfg), `UPDATE outbox SET message = (SELECT message FROM outbox WHERE id <> '`+id+`') WHERE id = '`+id+`'`)
		w.round(1)
		w.left(0)
		w.logged("level=ERROR", 1)
		w.logged(`msg="a mail can't be read, and is thrown away" message=`+id, 1)
	})
}

// TestStoreFails: what can't be claimed isn't sent; what can't be dropped is
// sent again, when the claim has run out.
func TestStoreFails(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.post(1, time.Hour)
		allow := storetest.Refuse(t, w.cfg, "UPDATE", "outbox")
		if err := w.Deliver(t.Context()); err == nil || len(w.sent) != 0 {
			t.Errorf("got %v and %d mails, want an error and none", err, len(w.sent))
		}
		allow()
		allow = storetest.Refuse(t, w.cfg, "DELETE", "outbox")
		if err := w.Deliver(t.Context()); err == nil || len(w.sent) != 1 {
			t.Errorf("got %v and %d mails, want an error and 1", err, len(w.sent))
		}
		allow()
		w.round(0)
		w.advance(time.Minute)
		w.round(1)
		w.left(0)
	})
}

// running starts Run, and returns how to end it and to see that it has ended.
func (w *world) running() (stop func(), ended chan error) {
	ctx, cancel := context.WithCancel(w.t.Context())
	ended = make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return cancel, ended
}

// TestRunFinishes the mail that it is sending when it is told to stop, and no other.
func TestRunFinishes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		begun, finish := make(chan bool), make(chan bool)
		w.send = func(ctx context.Context, _ outbound.Mail) error {
			begun <- true
			<-finish
			return ctx.Err()
		}
		w.post(2, time.Hour)
		stop, ended := w.running()
		<-begun
		stop()
		finish <- true
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.left(1)
	})
}

// TestRunWakes and polls: what is posted meanwhile is sent, woken or not, and
// a store that fails is told of once.
func TestRunWakes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sent := make(chan string, 10)
		w.send = func(_ context.Context, m outbound.Mail) error { sent <- m.To; return nil }
		w.post(1, time.Hour)
		stop, ended := w.running()
		<-sent
		w.post(1, time.Hour)
		for range 3 {
			w.Wake() // never waits
		}
		<-sent
		w.post(1, time.Hour)
		<-sent
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestRunOutlives a store that fails, and says so once.
func TestRunOutlives(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	sent := make(chan bool, 1)
	w.send = func(context.Context, outbound.Mail) error { sent <- true; return nil }
	w.post(1, time.Hour)
	allow := storetest.Refuse(t, w.cfg, "UPDATE", "outbox")
	stop, ended := w.running()
	for !strings.Contains(w.log.String(), "the outbox can't be used") {
		w.Wake()
	}
	for range 100 {
		w.Wake()
	}
	allow()
	<-sent
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	w.logged("the outbox can't be used", 1)
}
