package authority

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

const (
	// mostWebhooks is how many endpoints an organization has, and
	// MostBetaTestingWebhooks how many in that format by default.
	mostWebhooks            = 10
	MostBetaTestingWebhooks = 3
	// deliveriesFor is how long it can be seen what an endpoint was told.
	deliveriesFor = 30 * 24 * time.Hour
)

// WebhookRules say where webhooks may be sent, and who sends them.
type WebhookRules struct {
	webhook.Targets
	// MostBetaTesting is how many endpoints an organization has in that format;
	// 0 is the usual number.
	MostBetaTesting int
	// SendNow sends one delivery at once and notes what came of it. Without it
	// a test waits like everything else.
	SendNow func(context.Context, *store.Delivery) error
}

// most is how many endpoints of a format an organization has.
func (r *WebhookRules) most(f webhook.Format) int {
	if f == webhook.BetaTesting {
		return cmp.Or(r.MostBetaTesting, MostBetaTestingWebhooks)
	}
	return mostWebhooks
}

// mayHook refuses who doesn't look after the webhooks of an organization: users
// but for owners and admins, and credentials of a project.
func mayHook(p *credential.Principal, organization uuid.UUID, permission credential.Permission) error {
	if err := within(p, organization, permission); err != nil {
		return err
	}
	if p.ProjectScoped() != uuid.Nil || p.SubjectType == credential.SubjectUser && !p.Role.Manages() {
		return credential.Errorf(credential.Forbidden, "webhooks are looked after by owners and admins of the organization, and by its credentials")
	}
	return nil
}

// WebhookRequest says what an endpoint is to be like; nil leaves it as it is.
type WebhookRequest struct {
	URL, Description *string
	Events           *[]string
	Active           *bool
	Project          *store.ProjectRef // whose events alone it is told of; only of a new one
	Format           webhook.Format    // only of a new one
	Idempotency      *Idempotency
}

// apply checks what is asked for and writes it into an endpoint.
func (a *Authority) apply(r *WebhookRequest, w *store.Webhook) (err error) {
	if r.URL != nil {
		if w.URL, err = a.webhooks.CheckURL("url", *r.URL); err != nil {
			return err
		}
	}
	if r.Description != nil {
		if w.Description, err = webhook.CheckDescription("description", *r.Description); err != nil {
			return err
		}
	}
	if r.Events != nil {
		if w.Events, err = w.Format.CheckEvents("events", *r.Events); err != nil {
			return err
		}
	}
	if r.Active != nil {
		w.Active = *r.Active
	}
	return nil
}

// hookDetails tells an audit event what an endpoint is like. Of its URL that is
// the host: the rest may be what lets people in there.
func hookDetails(w *store.Webhook) map[string]any {
	host := ""
	if u, err := url.Parse(w.URL); err == nil {
		host = u.Host
	}
	details := map[string]any{"host": host, "events": append([]string{}, w.Events...), "active": w.Active}
	if w.Project != uuid.Nil {
		details["project"] = w.Project
	}
	return details
}

// IssuedWebhook is an endpoint with its secret, which is shown once.
type IssuedWebhook struct {
	store.Webhook
	Secret credential.Secret
}

// CreateWebhook registers an endpoint that is told of an organization's events.
func (a *Authority) CreateWebhook(ctx context.Context, p *credential.Principal, organization uuid.UUID, r WebhookRequest) (*IssuedWebhook, error) {
	err := mayHook(p, organization, credential.WebhooksWrite)
	if err == nil {
		err = lasting(p)
	}
	if err != nil {
		return nil, err
	}
	w := &store.Webhook{Organization: organization, Format: cmp.Or(r.Format, webhook.Standard), Active: true, CreatedAt: a.clock()}
	w.UpdatedAt = w.CreatedAt
	if r.URL == nil {
		r.URL = new(string) // which is refused for what it is
	}
	if err := a.apply(&r, w); err != nil {
		return nil, err
	}
	if r.Project != nil {
		project, err := a.visibleProject(ctx, p, organization, *r.Project)
		if err != nil {
			return nil, hideMissing(err, "project", "no such project")
		}
		w.Project = project.ID
	}
	if w.ID, err = a.newID(); err != nil {
		return nil, err
	}
	secret, err := webhook.NewSecret(a.rand)
	if err != nil {
		return nil, err
	}
	create := func(tx *store.Tx) (*store.Webhook, error) {
		n, err := tx.CountWebhooks(ctx, organization, w.Format)
		if err != nil {
			return nil, err
		}
		if most := a.webhooks.most(w.Format); n >= most {
			return nil, credential.Errorf(credential.LimitReached, "an organization has at most %d webhooks; delete one first", most)
		}
		if err := tx.SealWebhook(a.rand, w, secret, time.Time{}); err != nil {
			return nil, err
		}
		tx.Record(act{p, w.CreatedAt}.event("webhook.create", "webhook:"+w.ID.String(), object(hookDetails(w))))
		return w, tx.InsertWebhook(ctx, w)
	}
	return a.newWebhookSecret(ctx, p, creation{organization, "create webhook " + organization.String(), r.Idempotency}, create)
}

// newWebhookSecret runs what gives an endpoint a secret. A repeat of the call
// gets the same one, while the endpoint has no other.
func (a *Authority) newWebhookSecret(ctx context.Context, p *credential.Principal, c creation, fn func(*store.Tx) (*store.Webhook, error)) (*IssuedWebhook, error) {
	done, err := a.begin(p, c.call, c.id)
	if err != nil {
		return nil, err
	}
	defer done()
	now := a.clock()
	var made *store.Webhook
	err = a.transact(ctx, p, c.chain, func(tx *store.Tx) error {
		before, err := a.repeated(ctx, tx, c.id, now)
		if err != nil {
			return err
		}
		if before != nil {
			if made, err = tx.WebhookIn(ctx, c.chain, before.Target); err != nil {
				return err
			}
			if made.Generation != before.Generation {
				return credential.Errorf(credential.Conflict, "the secret has been rotated since the first call with this Idempotency-Key")
			}
			return errUnchanged
		}
		if made, err = fn(tx); err != nil {
			return err
		}
		return remember(ctx, tx, c.id, store.IdempotencyRecord{Target: made.ID, Generation: made.Generation, CreatedAt: now})
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return nil, err
	}
	secrets, err := a.store.WebhookSecrets(made, now)
	if err != nil {
		return nil, err
	}
	return &IssuedWebhook{*made, secrets[0]}, nil
}

// RotateWebhook gives an endpoint a new secret. That before signs beside it for
// 24 hours, or (now) not at all any more.
func (a *Authority) RotateWebhook(ctx context.Context, p *credential.Principal, of WebhookRef, now bool) (*IssuedWebhook, error) {
	err := mayHook(p, of.Organization, credential.WebhooksWrite)
	if err == nil {
		err = lasting(p)
	}
	if err != nil {
		return nil, err
	}
	secret, err := webhook.NewSecret(a.rand)
	if err != nil {
		return nil, err
	}
	rotate := func(tx *store.Tx) (*store.Webhook, error) {
		w, err := of.find(ctx, tx)
		if err == nil {
			err = holds(ctx, WebhookVersion(w))
		}
		if err != nil {
			return nil, err
		}
		w.UpdatedAt = a.clock()
		ends := time.Time{}
		if !now {
			ends = w.UpdatedAt.Add(webhook.Overlap)
		}
		if err := tx.SealWebhook(a.rand, w, secret, ends); err != nil {
			return nil, err
		}
		tx.Record(act{p, w.UpdatedAt}.event("webhook.rotate", "webhook:"+w.ID.String(), object(map[string]any{"generation": w.Generation, "now": now})))
		return w, tx.UpdateWebhook(ctx, w)
	}
	return a.newWebhookSecret(ctx, p, creation{of.Organization, "rotate webhook " + of.ID.String(), of.Idempotency}, rotate)
}

// WebhookRef names an endpoint, and the call that is about it.
type WebhookRef struct {
	Organization, ID uuid.UUID
	Format           webhook.Format // which it must have; empty for any
	Idempotency      *Idempotency
}

// hookReader has what a store has outside of a change and within one.
type hookReader interface {
	WebhookIn(ctx context.Context, organization, id uuid.UUID) (*store.Webhook, error)
}

func (of WebhookRef) find(ctx context.Context, r hookReader) (*store.Webhook, error) {
	w, err := r.WebhookIn(ctx, of.Organization, of.ID)
	if err == nil && of.Format != "" && w.Format != of.Format {
		return nil, credential.Errorf(credential.NotFound, "no such webhook")
	}
	return w, err
}

// Webhooks returns the endpoints of an organization with an id above after.
func (a *Authority) Webhooks(ctx context.Context, p *credential.Principal, organization, after uuid.UUID, limit int) ([]store.Webhook, error) {
	if err := mayHook(p, organization, credential.WebhooksRead); err != nil {
		return nil, err
	}
	return a.store.Webhooks(ctx, organization, after, limit)
}

// Webhook returns an endpoint.
func (a *Authority) Webhook(ctx context.Context, p *credential.Principal, of WebhookRef) (*store.Webhook, error) {
	if err := mayHook(p, of.Organization, credential.WebhooksRead); err != nil {
		return nil, err
	}
	return of.find(ctx, a.store)
}

// UpdateWebhook changes an endpoint. What waits for one that is turned off is
// given up; one that is turned on, or is elsewhere now, begins without failures.
func (a *Authority) UpdateWebhook(ctx context.Context, p *credential.Principal, of WebhookRef, r WebhookRequest) (*store.Webhook, error) {
	var out *store.Webhook
	err := a.changeWebhook(ctx, p, of, func(tx *store.Tx, by act, w *store.Webhook) error {
		before := *w
		if r.URL != nil {
			if err := lasting(p); err != nil {
				return err
			}
		}
		if err := a.apply(&r, w); err != nil {
			return err
		}
		if w.Active && !before.Active || w.URL != before.URL {
			w.FailingSince = time.Time{}
		}
		w.UpdatedAt, out = by.at, w
		tx.Record(by.event("webhook.update", "webhook:"+w.ID.String(), object(hookDetails(w))))
		return tx.UpdateWebhook(ctx, w)
	})
	return out, err
}

// DeleteWebhook takes an endpoint away for good, and with it what waits for it.
func (a *Authority) DeleteWebhook(ctx context.Context, p *credential.Principal, of WebhookRef) error {
	return a.changeWebhook(ctx, p, of, func(tx *store.Tx, by act, w *store.Webhook) error {
		tx.Record(by.event("webhook.delete", "webhook:"+w.ID.String(), "{}"))
		return tx.DeleteWebhook(ctx, w.ID)
	})
}

type webhookChange func(tx *store.Tx, by act, w *store.Webhook) error

// changeWebhook changes an endpoint that is there when the change begins.
func (a *Authority) changeWebhook(ctx context.Context, p *credential.Principal, of WebhookRef, change webhookChange) error {
	if err := mayHook(p, of.Organization, credential.WebhooksWrite); err != nil {
		return err
	}
	return a.transact(ctx, p, of.Organization, func(tx *store.Tx) error {
		w, err := of.find(ctx, tx)
		if err == nil {
			err = holds(ctx, WebhookVersion(w))
		}
		if err != nil {
			return err
		}
		return change(tx, act{p, a.clock()}, w)
	})
}

// TestWebhook sends a test event to an endpoint at once, and returns what came
// of it.
func (a *Authority) TestWebhook(ctx context.Context, p *credential.Principal, of WebhookRef) (*store.Delivery, error) {
	return a.sendAgain(ctx, p, of, func(tx *store.Tx, by act, w *store.Webhook) (uuid.UUID, error) {
		e := by.event("webhook.test", "webhook:"+w.ID.String(), "{}")
		e.Chain = of.Organization
		tx.Record(e)
		return tx.Deliver(ctx, store.Told{Webhook: w.ID, Format: w.Format, Name: webhook.Test, Event: &e})
	})
}

// Redeliver sends a delivery once more at once, whatever came of it so far, and
// returns what came of it now.
func (a *Authority) Redeliver(ctx context.Context, p *credential.Principal, of WebhookRef, delivery uuid.UUID) (*store.Delivery, error) {
	return a.sendAgain(ctx, p, of, func(tx *store.Tx, by act, w *store.Webhook) (uuid.UUID, error) {
		d, err := tx.DeliveryOf(ctx, w.ID, delivery)
		if err != nil {
			return uuid.Nil, err
		}
		tx.Record(by.event("webhook.redeliver", "webhook:"+w.ID.String(), object(map[string]string{"delivery": d.ID.String()})))
		return d.ID, tx.Redeliver(ctx, d.ID, by.at)
	})
}

// sendAgain sends the delivery that a change makes due.
func (a *Authority) sendAgain(ctx context.Context, p *credential.Principal, of WebhookRef, change func(*store.Tx, act, *store.Webhook) (uuid.UUID, error)) (*store.Delivery, error) {
	var id uuid.UUID
	err := a.changeWebhook(ctx, p, of, func(tx *store.Tx, by act, w *store.Webhook) (err error) {
		if !w.Active {
			return credential.Errorf(credential.Conflict, "the webhook is off; turn it on first")
		}
		id, err = change(tx, by, w)
		return err
	})
	if err != nil {
		return nil, err
	}
	d, err := a.store.DeliveryOf(ctx, of.ID, id)
	if err != nil || a.webhooks.SendNow == nil {
		return d, err
	}
	return d, a.webhooks.SendNow(ctx, d)
}

// Deliveries returns what an endpoint was told, the newest first: deliveries
// with an id below before (Nil: from the newest on).
func (a *Authority) Deliveries(ctx context.Context, p *credential.Principal, of WebhookRef, before uuid.UUID, limit int) ([]store.Delivery, error) {
	w, err := a.Webhook(ctx, p, of)
	if err != nil {
		return nil, err
	}
	return a.store.Deliveries(ctx, w.ID, before, limit)
}
