package deliver_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/deliver"
	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// hooks is an organization with endpoints, and what they were sent.
type hooks struct {
	*deliver.Webhooks
	t     *testing.T
	cfg   store.Config
	store *store.Store
	org   uuid.UUID
	log   record
	// answer is what an endpoint answers; nil takes everything.
	answer func(outbound.Post) (outbound.Answer, error)

	mu   sync.Mutex
	time time.Time
	sent []outbound.Post
}

func eachHooks(t *testing.T, test func(t *testing.T, h *hooks)) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		h := &hooks{t: t, cfg: cfg, store: storetest.Open(t, cfg), org: uuid.New(), time: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)}
		h.Webhooks = h.node(h.store)
		h.change(uuid.Nil, func(tx *store.Tx) error {
			tx.Record(audit.Event{At: h.now(), Actor: "operator", Action: "organization.create"})
			return tx.InsertOrganization(t.Context(), &store.Organization{ID: h.org, Name: "Acme", CreatedAt: h.now()})
		})
		test(t, h)
		for _, text := range []string{"https://", canary, "whsec_"} {
			if strings.Contains(h.log.String(), text) {
				t.Errorf("%q is logged:\n%s", text, h.log.String())
			}
		}
	})
}

// node is one more sender of the same world.
func (h *hooks) node(s *store.Store) *deliver.Webhooks {
	logger := slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return deliver.NewWebhooks(deliver.WebhooksConfig{Store: s, Send: h.take, Now: h.now, Jitter: func(time.Duration) time.Duration { return time.Second }, Logger: logger})
}

func (h *hooks) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.time
}

func (h *hooks) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.time = h.time.Add(d)
}

// take is the whole internet.
func (h *hooks) take(_ context.Context, p outbound.Post) (outbound.Answer, error) {
	h.mu.Lock()
	h.sent = append(h.sent, p)
	h.mu.Unlock()
	if h.answer == nil {
		return outbound.Answer{Status: 204}, nil
	}
	return h.answer(p)
}

func (h *hooks) change(chain uuid.UUID, fn func(*store.Tx) error) {
	h.t.Helper()
	if err := h.store.Change(h.t.Context(), chain, fn); err != nil {
		h.t.Fatal(err)
	}
}

// endpoint registers one that is told of everything, and returns its secret.
func (h *hooks) endpoint(url string) (*store.Webhook, credential.Secret) {
	h.t.Helper()
	w := &store.Webhook{ID: uuid.New(), Organization: h.org, URL: url, Active: true, CreatedAt: h.now()}
	secret, err := webhook.NewSecret(rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	h.change(h.org, func(tx *store.Tx) error {
		tx.Record(audit.Event{At: h.now(), Actor: "operator", Action: "webhook.create"})
		if err := tx.SealWebhook(rand.Reader, w, secret, time.Time{}); err != nil {
			return err
		}
		return tx.InsertWebhook(h.t.Context(), w)
	})
	return w, secret
}

// happen makes n events.
func (h *hooks) happen(n int) {
	h.t.Helper()
	h.change(h.org, func(tx *store.Tx) error {
		for range n {
			tx.Record(audit.Event{At: h.now(), Actor: "operator", Action: "project.create", Target: "project:" + uuid.NewString(), Detail: `{"name":"` + canary + `"}`})
		}
		return nil
	})
}

// round sends what is due, and wants so many requests by it.
func (h *hooks) round(want int) {
	h.t.Helper()
	h.mu.Lock()
	before := len(h.sent)
	h.mu.Unlock()
	if _, err := h.Round(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	h.Wait()
	if got := len(h.sent) - before; got != want {
		h.t.Fatalf("%d requests were made, want %d\n%s", got, want, h.log.String())
	}
}

// deliveries are what an endpoint was told, the newest first.
func (h *hooks) deliveries(w *store.Webhook) []store.Delivery {
	h.t.Helper()
	list, err := h.store.Deliveries(h.t.Context(), w.ID, uuid.Nil, 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

func (h *hooks) hook(w *store.Webhook) *store.Webhook {
	h.t.Helper()
	now, err := h.store.WebhookByID(h.t.Context(), w.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return now
}

// checkSigned wants a request signed by a secret, at the present time.
func (h *hooks) checkSigned(p outbound.Post, secret credential.Secret) {
	h.t.Helper()
	header := http.Header{}
	for name, value := range p.Header {
		header.Set(name, value)
	}
	receiver, err := standardwebhooks.NewWebhook(secret.Reveal())
	if err == nil {
		err = receiver.VerifyIgnoringTimestamp(p.Body, header)
	}
	if err != nil || header.Get("webhook-timestamp") != fmt.Sprint(h.now().Unix()) {
		h.t.Errorf("a request isn't signed: %v, %v", err, header)
	}
}

// TestW2_ScheduleIsKept: a delivery is tried again by the schedule, under one id
// and with a fresh time, and then never; success alone ends it before.
func TestW2_ScheduleIsKept(t *testing.T) {
	eachHooks(t, func(t *testing.T, h *hooks) {
		w, secret := h.endpoint("https://hooks.example.com/")
		statuses := []int{301, 500, 404, 199, 400, 307, 503, 0, 502, 429}
		h.answer = func(outbound.Post) (outbound.Answer, error) {
			status := statuses[(len(h.sent)-1)%len(statuses)]
			if status == 0 {
				return outbound.Answer{}, outbound.ErrNoAnswer("it couldn't be reached")
			}
			return outbound.Answer{Status: status, Body: "no"}, nil
		}
		h.happen(1)
		h.round(1)
		for tries := 1; tries < 10; tries++ {
			pause, _ := webhook.Pause(tries)
			h.advance(pause)
			h.round(0) // there is a second of jitter
			h.advance(time.Second)
			if tries == 9 {
				d := h.deliveries(w)[0]
				if d.Attempts != 9 || d.StatusCode != 502 || d.Response != "no" || d.Failure != "it answered 502" || !d.NextAt.Equal(h.now()) {
					t.Errorf("after 9 tries: %+v", d)
				}
			}
			h.round(1)
			h.checkSigned(h.sent[len(h.sent)-1], secret)
		}
		h.advance(1000 * time.Hour)
		h.round(0)
		d := h.deliveries(w)[0]
		if d.Attempts != 10 || !d.NextAt.IsZero() || !d.DeliveredAt.IsZero() || d.StatusCode != 429 {
			t.Errorf("it is not given up: %+v", d)
		}
		ids := map[string]bool{}
		for _, p := range h.sent {
			ids[p.Header["Webhook-Id"]] = true
			if string(p.Body) != d.Payload {
				t.Errorf("the body changed: %s", p.Body)
			}
		}
		if len(ids) != 1 || !ids[webhook.MessageID(d.ID)] {
			t.Errorf("the tries have the ids %v", ids)
		}
	})
}

// TestW2_RetryAfter: an endpoint that asks for it is left alone for as long.
func TestW2_RetryAfter(t *testing.T) {
	eachHooks(t, func(t *testing.T, h *hooks) {
		w, _ := h.endpoint("https://hooks.example.com/")
		h.answer = func(outbound.Post) (outbound.Answer, error) {
			return outbound.Answer{Status: 503, RetryAfter: time.Hour}, nil
		}
		h.happen(1)
		h.round(1)
		h.advance(time.Hour - time.Second)
		h.round(0)
		h.advance(time.Second)
		h.answer = nil
		h.round(1)
		if d := h.deliveries(w)[0]; d.DeliveredAt.IsZero() || d.StatusCode != 204 || d.Attempts != 2 || d.Failure != "" {
			t.Errorf("got %+v", d)
		}
	})
}

// TestW2_TurnedOff: 410 turns an endpoint off at once, and so do three days
// without any success; what waits for it is given up, and the audit says so.
func TestW2_TurnedOff(t *testing.T) {
	eachHooks(t, func(t *testing.T, h *hooks) {
		gone, _ := h.endpoint("https://gone.example.com/")
		flaky, _ := h.endpoint("https://flaky.example.com/")
		dead, _ := h.endpoint("https://dead.example.com/")
		up := false
		h.answer = func(p outbound.Post) (outbound.Answer, error) {
			switch {
			case p.URL == gone.URL:
				return outbound.Answer{Status: 410}, nil
			case p.URL == flaky.URL && up:
				return outbound.Answer{Status: 200}, nil
			}
			return outbound.Answer{Status: 500}, nil
		}
		h.happen(1)
		h.round(3)
		if h.hook(gone).Active || h.deliveries(gone)[0].NextAt != (time.Time{}) {
			t.Error("410 doesn't turn it off")
		}
		h.advance(48 * time.Hour)
		up = true
		h.happen(1)
		h.round(4) // old and new, of the two
		up = false
		if got := h.hook(flaky).FailingSince; !got.IsZero() {
			t.Errorf("after a success it fails since %s", got)
		}
		h.advance(24*time.Hour - time.Minute)
		h.happen(1)
		h.round(4)
		if !h.hook(dead).Active {
			t.Error("it is turned off before three days are over")
		}
		h.advance(10 * time.Minute)
		if _, err := h.Round(t.Context()); err != nil { // one of the dead one's turns it off, perhaps before the other is sent
			t.Fatal(err)
		}
		h.Wait()
		if h.hook(dead).Active || !h.hook(flaky).Active {
			t.Errorf("after three days: dead %t, flaky %t", h.hook(dead).Active, h.hook(flaky).Active)
		}
		for _, d := range h.deliveries(dead) {
			if !d.NextAt.IsZero() {
				t.Errorf("for one that is off waits %+v", d)
			}
		}
		h.happen(1)
		if got := len(h.deliveries(gone)) + len(h.deliveries(dead)); got != 4 {
			t.Errorf("those that are off have %d deliveries, want 4", got)
		}
		events, err := h.store.FindEvents(t.Context(), h.org, store.EventFilter{Action: "webhook.disable", Limit: 10})
		if err != nil || len(events) != 2 || events[0].Target != "webhook:"+gone.ID.String() || events[1].Target != "webhook:"+dead.ID.String() {
			t.Errorf("the audit says %+v, %v", events, err)
		}
		if _, err := h.store.VerifyChain(t.Context(), h.org); err != nil {
			t.Error(err)
		}
	})
}

// TestW2_Rotation: for a day after a rotation both secrets sign, then the new
// one alone.
func TestW2_Rotation(t *testing.T) {
	eachHooks(t, func(t *testing.T, h *hooks) {
		w, old := h.endpoint("https://hooks.example.com/")
		fresh, err := webhook.NewSecret(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		h.change(h.org, func(tx *store.Tx) error {
			tx.Record(audit.Event{At: h.now(), Actor: "operator", Action: "webhook.rotate"})
			now, err := tx.WebhookIn(t.Context(), h.org, w.ID)
			if err != nil {
				return err
			}
			if err := tx.SealWebhook(rand.Reader, now, fresh, h.time.Add(webhook.Overlap)); err != nil {
				return err
			}
			return tx.UpdateWebhook(t.Context(), now)
		})
		h.happen(1)
		h.round(1)
		h.checkSigned(h.sent[0], fresh)
		h.checkSigned(h.sent[0], old)
		h.advance(webhook.Overlap)
		h.happen(1)
		h.round(1)
		h.checkSigned(h.sent[1], fresh)
		if got := h.sent[1].Header["Webhook-Signature"]; strings.Count(got, "v1,") != 1 {
			t.Errorf("a day later it is signed by both: %s", got)
		}
	})
}

// TestW4_SlowEndpoint: while one endpoint doesn't answer, the others get all of
// theirs in the rounds that they would have needed anyway; of the slow one's a
// few are under way and no more.
func TestW4_SlowEndpoint(t *testing.T) {
	eachHooks(t, func(t *testing.T, h *hooks) {
		slow, _ := h.endpoint("https://slow.example.com/")
		fast := []*store.Webhook{}
		for i := range 3 {
			w, _ := h.endpoint(fmt.Sprintf("https://fast%d.example.com/", i))
			fast = append(fast, w)
		}
		release := make(chan struct{})
		begun, left := make(chan struct{}, 100), make(chan struct{}, 100)
		h.answer = func(p outbound.Post) (outbound.Answer, error) {
			if p.URL == slow.URL {
				begun <- struct{}{}
				<-release
			} else {
				left <- struct{}{}
			}
			return outbound.Answer{Status: 200}, nil
		}
		h.happen(20)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.Run(ctx) }()
		for what, n := range map[chan struct{}]int{left: 3 * 20, begun: 4} {
			for range n {
				select {
				case <-what:
				case <-time.After(30 * time.Second):
					t.Fatal("the others wait for the slow one")
				}
			}
		}
		h.advance(time.Second)
		if n, err := h.Round(t.Context()); n != 0 || err != nil {
			t.Errorf("%d more are begun, %v", n, err)
		}
		stop()
		h.mu.Lock()
		stuck := slices.DeleteFunc(slices.Clone(h.sent), func(p outbound.Post) bool { return p.URL != slow.URL })
		h.mu.Unlock()
		if len(stuck) != 4 {
			t.Errorf("%d requests to the slow endpoint are under way, want 4", len(stuck))
		}
		close(release)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for _, w := range fast {
			for _, d := range h.deliveries(w) {
				if d.DeliveredAt.IsZero() || d.Attempts != 1 {
					t.Errorf("got %+v", d)
				}
			}
		}
	})
}

// TestW4_AtLeastOnce: what a node had claimed when it died another sends, once
// the claim is over; of two nodes that look at once one sends.
func TestW4_AtLeastOnce(t *testing.T) {
	eachHooks(t, func(t *testing.T, h *hooks) {
		w, _ := h.endpoint("https://hooks.example.com/")
		h.happen(1)
		due, err := h.store.DueDeliveries(t.Context(), w.ID, h.now(), 10)
		if err != nil || len(due) != 1 {
			t.Fatalf("got %d deliveries, %v", len(due), err)
		}
		if claimed, err := h.store.ClaimDeliveries(t.Context(), due, h.now(), h.now().Add(time.Minute)); err != nil || len(claimed) != 1 || claimed[0].Attempts != 1 {
			t.Fatal(claimed, err)
		}
		h.round(0) // the other node may live
		if again, err := h.store.ClaimDeliveries(t.Context(), due, h.now(), h.now().Add(time.Minute)); err != nil || len(again) != 0 {
			t.Fatal("a claim is given twice", err)
		}
		h.advance(time.Minute)
		h.round(1)
		if d := h.deliveries(w)[0]; d.DeliveredAt.IsZero() || d.Attempts != 2 {
			t.Errorf("got %+v", d)
		}

		h.happen(30)
		other := h.node(h.store)
		for range 30 {
			var wait sync.WaitGroup
			for _, n := range []*deliver.Webhooks{h.Webhooks, other} {
				wait.Go(func() {
					if _, err := n.Round(t.Context()); err != nil {
						t.Error(err)
					}
					n.Wait()
				})
			}
			wait.Wait()
		}
		seen := map[string]int{}
		for _, p := range h.sent {
			seen[p.Header["Webhook-Id"]]++
		}
		if len(seen) != 31 || len(h.sent) != 31 {
			t.Errorf("%d messages were sent in %d requests, want 31 in 31", len(seen), len(h.sent))
		}
	})
}

// TestW4_NothingWithoutItsChange: a change that doesn't happen tells nobody, and
// one that does has its deliveries with it.
func TestW4_NothingWithoutItsChange(t *testing.T) {
	eachHooks(t, func(t *testing.T, h *hooks) {
		w, secret := h.endpoint("https://hooks.example.com/")
		allow := storetest.Refuse(t, h.cfg, "INSERT", "webhook_deliveries")
		err := h.store.Change(t.Context(), h.org, func(tx *store.Tx) error {
			tx.Record(audit.Event{At: h.now(), Actor: "operator", Action: "project.create", Target: "project:" + uuid.NewString()})
			return nil
		})
		if err == nil {
			t.Fatal("a change is stored whose delivery isn't")
		}
		allow()
		events, err := h.store.FindEvents(t.Context(), h.org, store.EventFilter{Action: "project.create", Limit: 10})
		if err != nil || len(events) != 0 || len(h.deliveries(w)) != 0 {
			t.Errorf("it happened nevertheless: %d events, %d deliveries, %v", len(events), len(h.deliveries(w)), err)
		}
		h.happen(2)
		var got []int64
		for _, d := range h.deliveries(w) {
			got = append(got, d.Sequence)
		}
		events, err = h.store.FindEvents(t.Context(), h.org, store.EventFilter{Action: "project.create", Limit: 10})
		if err != nil || len(events) != 2 {
			t.Fatal(len(events), err)
		}
		if diff := cmp.Diff([]int64{events[1].Sequence, events[0].Sequence}, got); diff != "" {
			t.Error(diff)
		}
		dump := storetest.Dump(t, storetest.Raw(t, h.cfg), "webhooks", "webhook_deliveries", "audit_events")
		for _, text := range []string{secret.Reveal(), strings.TrimPrefix(secret.Reveal(), "whsec_"), fmt.Sprintf("%x", secret.Reveal())} {
			if strings.Contains(dump, text) {
				t.Error("the secret stands in the database")
			}
		}
		if err := h.store.ForgetDeliveries(t.Context(), h.now().Add(time.Hour)); err != nil || len(h.deliveries(w)) != 2 {
			t.Errorf("what waits is forgotten: %v", err)
		}
		h.round(2)
		if err := h.store.ForgetDeliveries(t.Context(), h.now().Add(time.Hour)); err != nil || len(h.deliveries(w)) != 0 {
			t.Errorf("what was delivered isn't forgotten: %v", err)
		}
	})
}
