// Package deliver sends what waits in the store: mail in the outbox, and
// deliveries to webhooks.
//
// It hides when a message is tried, and which node tries it. Its invariants:
//
//   - A message is claimed before it is sent. Of several nodes one sends it;
//     where that one dies over it, another does when the claim has run out. So
//     it is sent at least once, and just once where nothing fails.
//   - A mail leaves the outbox when the mail server has taken it or refused it for
//     good, when it has expired, or when it can't be read. Nothing else ends it.
//   - A webhook is sent until it is answered with success or its tries are used
//     up. Of all that are sent at once a few go to one endpoint, so that a slow
//     one holds up none of the others.
//   - No log line holds a text, a subject or an address: messages have ids.
package deliver

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const (
	pollEvery = time.Second
	batch     = 100
	// claimFor is longer than it takes to send a mail or to give up on it.
	claimFor = time.Minute
)

// pause is how long a message waits after it couldn't be sent so many times.
func pause(tries int) time.Duration {
	pauses := [...]time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, 2 * time.Hour}
	return pauses[min(tries, len(pauses)-1)]
}

// Config is what a Deliverer is made of. Only Store and Send are needed.
type Config struct {
	Store *store.Store
	// Send hands a mail to the mail server, within half a minute. An error that
	// is outbound.ErrRefused is for good.
	Send   func(context.Context, outbound.Mail) error
	Now    func() time.Time
	Logger *slog.Logger
}

// Deliverer sends what waits in the outbox. Make one with New.
type Deliverer struct {
	store *store.Store
	send  func(context.Context, outbound.Mail) error
	now   func() time.Time
	log   *slog.Logger
	wake  chan struct{}
}

// New makes a Deliverer.
func New(cfg Config) *Deliverer {
	d := &Deliverer{store: cfg.Store, send: cfg.Send, now: cfg.Now, log: cfg.Logger, wake: make(chan struct{}, 1)}
	if d.now == nil {
		d.now = time.Now
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	return d
}

// Wake has Run look into the outbox at once. It never waits.
func (d *Deliverer) Wake() {
	select {
	case d.wake <- struct{}{}:
	default: // somebody has woken it already
	}
}

// Run delivers every second, and when it is woken, until ctx is done. A mail
// that is being sent then is sent to its end.
func (d *Deliverer) Run(ctx context.Context) error {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	failing := false
	for ctx.Err() == nil {
		err := d.Deliver(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			d.log.Warn("the outbox can't be used; mail waits in it, and it is tried again", "error", err)
		}
		failing = err != nil
		select {
		case <-poll.C:
		case <-d.wake:
		case <-ctx.Done():
		}
	}
	return nil
}

// Deliver tries once what is due. An error means that the store failed; mail
// that can't be sent is none.
func (d *Deliverer) Deliver(ctx context.Context) error {
	due, err := d.store.DueMessages(ctx, d.now(), batch)
	if err != nil {
		return err
	}
	for i := range due {
		if ctx.Err() != nil {
			return nil
		}
		if err := d.deliver(ctx, &due[i]); err != nil {
			return err
		}
	}
	return nil
}

// deliver tries a message, unless another node does.
func (d *Deliverer) deliver(ctx context.Context, m *store.Message) error {
	claimed, err := d.store.ClaimMessage(ctx, m.ID, m.Tries, d.now().Add(claimFor))
	if err != nil || !claimed {
		return err
	}
	ctx = context.WithoutCancel(ctx) // of a mail that is cut off nobody knows whether it arrived
	next := d.try(ctx, m)
	if next.IsZero() {
		return d.store.DropMessage(ctx, m.ID)
	}
	return d.store.PutOffMessage(ctx, m.ID, m.Tries+1, next)
}

// try sends a message, and returns when to try it again: never, if zero.
func (d *Deliverer) try(ctx context.Context, m *store.Message) (next time.Time) {
	log := d.log.With("message", m.ID, "try", m.Tries+1)
	letter, err := d.store.Letter(m)
	if err != nil {
		log.Error("a mail can't be read, and is thrown away", "error", err)
		return time.Time{}
	}
	if !d.now().Before(m.ExpiresAt) {
		log.Warn("a mail has expired before it could be sent")
		return time.Time{}
	}
	err = d.send(ctx, outbound.Mail{ID: m.ID, To: letter.To, Subject: letter.Subject, Text: letter.Text})
	next = d.now().Add(pause(m.Tries))
	switch {
	case err == nil:
		log.Info("mail sent")
		return time.Time{}
	case errors.Is(err, outbound.ErrRefused):
		log.Warn("a mail was refused for good", "error", err)
		return time.Time{}
	case !next.Before(m.ExpiresAt):
		log.Warn("a mail couldn't be sent before it expires, and is given up", "error", err)
		return time.Time{}
	}
	log.Warn("a mail can't be sent yet, and is tried again", "error", err, "next", next)
	return next
}
