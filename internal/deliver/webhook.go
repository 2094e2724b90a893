package deliver

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// How many webhooks are sent at once: to all endpoints, and to one of them. One
// that is slow holds up nobody but itself.
const (
	mostAtOnce    = 256
	mostToOne     = 4
	mostEndpoints = 1000 // looked at in one round
)

// gone is the status by which an endpoint says that it wants nothing more.
const gone = 410

// errAsItWas ends a change that has nothing to do.
var errAsItWas = errors.New("nothing to change")

// WebhooksConfig is what Webhooks are made of. Only Store and Send are needed.
type WebhooksConfig struct {
	Store *store.Store
	// Send posts to an endpoint, within half a minute.
	Send func(context.Context, outbound.Post) (outbound.Answer, error)
	Now  func() time.Time
	// Jitter adds to a pause, so that what failed together isn't tried together.
	Jitter func(time.Duration) time.Duration
	Logger *slog.Logger
}

// Webhooks tells endpoints of events. Make one with NewWebhooks.
type Webhooks struct {
	cfg WebhooksConfig

	mu       sync.Mutex
	inFlight map[uuid.UUID]int
	total    int
	sending  sync.WaitGroup
	freed    chan struct{}
}

// NewWebhooks makes Webhooks.
func NewWebhooks(cfg WebhooksConfig) *Webhooks {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Jitter == nil {
		cfg.Jitter = func(d time.Duration) time.Duration { return rand.N(d/10 + 1) }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Webhooks{cfg: cfg, inFlight: map[uuid.UUID]int{}, freed: make(chan struct{}, 1)}
}

// now is the present time as it is stored.
func (w *Webhooks) now() time.Time { return w.cfg.Now().UTC().Truncate(time.Millisecond) }

// Run sends what is due every second, and at once where there is room again,
// until ctx is done. What is being sent then is sent to its end.
func (w *Webhooks) Run(ctx context.Context) error {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	defer w.sending.Wait()
	failing := false
	for ctx.Err() == nil {
		_, err := w.Round(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			w.cfg.Logger.Warn("webhooks can't be read; they wait, and it is tried again", "error", err)
		}
		failing = err != nil
		select {
		case <-poll.C:
		case <-w.freed:
		case <-ctx.Done():
		}
	}
	return nil
}

// Round begins to send what is due and what there is room for, and returns how
// many that are; Wait waits for them. An error means that the store failed.
func (w *Webhooks) Round(ctx context.Context) (begun int, err error) {
	waiting, err := w.cfg.Store.WaitingWebhooks(ctx, w.now(), mostEndpoints)
	if err != nil {
		return 0, err
	}
	var due []store.Delivery
	hooks := map[uuid.UUID]*store.Webhook{}
	for _, id := range waiting {
		room := w.room(id, len(due))
		if room < 1 {
			continue
		}
		hook, err := w.cfg.Store.WebhookByID(ctx, id)
		if errors.Is(err, credential.NotFound) {
			continue // it was deleted just now, and what waited for it
		}
		if err != nil {
			return 0, err
		}
		some, err := w.cfg.Store.DueDeliveries(ctx, id, w.now(), room)
		if err != nil {
			return 0, err
		}
		due, hooks[id] = append(due, some...), hook
	}
	claimed, err := w.claim(ctx, due...)
	for i := range claimed {
		w.begin(ctx, hooks[claimed[i].Webhook], &claimed[i])
	}
	return len(claimed), err
}

// Wait waits until nothing is being sent.
func (w *Webhooks) Wait() { w.sending.Wait() }

// room is how many more deliveries may be sent to an endpoint now, beside so many
// others that are about to be.
func (w *Webhooks) room(id uuid.UUID, others int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return min(mostAtOnce-w.total-others, mostToOne-w.inFlight[id])
}

// take counts a delivery that is sent, or (less than zero) that was.
func (w *Webhooks) take(id uuid.UUID, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.total += n
	if w.inFlight[id] += n; w.inFlight[id] == 0 {
		delete(w.inFlight, id)
	}
}

func (w *Webhooks) claim(ctx context.Context, due ...store.Delivery) ([]store.Delivery, error) {
	now := w.now()
	return w.cfg.Store.ClaimDeliveries(ctx, due, now, now.Add(claimFor))
}

// begin sends a claimed delivery beside everything else.
func (w *Webhooks) begin(ctx context.Context, hook *store.Webhook, d *store.Delivery) {
	w.take(d.Webhook, 1)
	w.sending.Go(func() {
		err := w.deliver(context.WithoutCancel(ctx), hook, d) // of what is cut off nobody knows whether it arrived
		w.take(d.Webhook, -1)
		if err != nil {
			w.cfg.Logger.Warn("what came of a webhook can't be noted; it is sent again", "delivery", d.ID, "error", err)
			return
		}
		select {
		case w.freed <- struct{}{}:
		default: // somebody has said so already
		}
	})
}

// SendNow sends one delivery at once, unless somebody does already or there is
// no room: then it waits like the others.
func (w *Webhooks) SendNow(ctx context.Context, d *store.Delivery) error {
	if w.room(d.Webhook, 0) < 1 {
		return nil
	}
	w.take(d.Webhook, 1)
	defer w.take(d.Webhook, -1)
	hook, err := w.cfg.Store.WebhookByID(ctx, d.Webhook)
	if errors.Is(err, credential.NotFound) {
		return nil // it was deleted, and the delivery with it
	}
	if err != nil {
		return err
	}
	claimed, err := w.claim(ctx, *d)
	if err != nil || len(claimed) == 0 {
		return err
	}
	*d = claimed[0]
	return w.deliver(context.WithoutCancel(ctx), hook, d)
}

// deliver makes one try of a claimed delivery and notes what came of it.
func (w *Webhooks) deliver(ctx context.Context, hook *store.Webhook, d *store.Delivery) error {
	log := w.cfg.Logger.With("webhook", hook.ID, "delivery", d.ID, "event", d.Event, "try", d.Attempts)
	answer, err := w.post(ctx, hook, d)
	now := w.now()
	d.Outcome = store.Outcome{StatusCode: answer.Status, Response: answer.Body}
	switch {
	case err == nil && answer.Status/100 == 2:
		d.DeliveredAt = now
		log.Info("webhook sent", "status", answer.Status)
		return w.cfg.Store.FinishDelivery(ctx, d, time.Time{})
	case err != nil:
		d.Failure = err.Error()
	default:
		d.Failure = "it answered " + strconv.Itoa(answer.Status)
	}
	if pause, more := webhook.Pause(d.Attempts); more {
		d.NextAt = now.Add(max(pause+w.cfg.Jitter(pause), answer.RetryAfter))
	}
	log.Warn("a webhook failed", "status", answer.Status, "reason", d.Failure, "next", d.NextAt)
	if err := w.cfg.Store.FinishDelivery(ctx, d, now); err != nil {
		return err
	}
	switch {
	case answer.Status == gone:
		return w.turnOff(ctx, hook, "it answered 410 Gone")
	case !hook.FailingSince.IsZero() && now.Sub(hook.FailingSince) >= webhook.FailingFor:
		return w.turnOff(ctx, hook, "nothing succeeded for three days")
	}
	return nil
}

// post signs a delivery and sends it.
func (w *Webhooks) post(ctx context.Context, hook *store.Webhook, d *store.Delivery) (outbound.Answer, error) {
	now := w.now()
	secrets, err := w.cfg.Store.WebhookSecrets(hook, now)
	if err != nil {
		w.cfg.Logger.Error("the secret of a webhook can't be read", "webhook", hook.ID, "error", err)
		return outbound.Answer{}, outbound.ErrNoAnswer("the secret can't be read; rotate it")
	}
	m := webhook.Message{ID: webhook.MessageID(d.ID), Event: d.Event, At: now, Body: []byte(d.Payload)}
	return w.cfg.Send(ctx, outbound.Post{URL: hook.URL, Header: m.Headers(secrets...), Body: m.Body})
}

// turnOff stops an endpoint for good reason, until somebody turns it on again.
func (w *Webhooks) turnOff(ctx context.Context, hook *store.Webhook, because string) error {
	now := w.now()
	err := w.cfg.Store.Change(ctx, hook.Organization, func(tx *store.Tx) error {
		still, err := tx.WebhookIn(ctx, hook.Organization, hook.ID)
		if errors.Is(err, credential.NotFound) || err == nil && (!still.Active || !still.UpdatedAt.Equal(hook.UpdatedAt)) {
			return errAsItWas
		}
		if err != nil {
			return err
		}
		still.Active, still.UpdatedAt = false, now
		tx.Record(audit.Event{At: now, Actor: string(credential.SubjectServer), Action: "webhook.disable", Target: "webhook:" + hook.ID.String(),
			Detail: `{"because":"` + because + `"}`})
		return tx.UpdateWebhook(ctx, still)
	})
	if errors.Is(err, errAsItWas) {
		return nil
	}
	return err
}
