package bunship

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// Bounds of lists.
const (
	mostHooks       = 200
	usualDeliveries = 50
	mostDeliveries  = 100
)

func (h *handlers) webhookRoutes(base string) []edge.Route {
	read, write := edge.Needs(credential.WebhooksRead), edge.Needs(credential.WebhooksWrite)
	return []edge.Route{
		edge.Post(base+"webhooks", write, most, h.createHook).
			Named("createHook", "Make a webhook. Its secret is shown in this answer alone.").Example(`{"url":"https://hooks.example.com/changes","description":"Changes","events":["api_key.created"]}`),
		edge.Get(base+"webhooks", read, h.listHooks).
			Named("listHooks", "List the webhooks."),
		edge.Patch(base+"webhooks/{webhook}", write, most, h.updateHook).
			Named("updateHook", "Change a webhook: what the body names, and nothing else.").Example(`{"isActive":false}`),
		edge.Delete(base+"webhooks/{webhook}", write, h.deleteHook).
			Named("deleteHook", "Delete a webhook, with what waits for it."),
		edge.Post(base+"webhooks/{webhook}/test", write, 0, h.testHook).
			Named("testHook", "Send a test to a webhook at once."),
		edge.Get(base+"webhooks/{webhook}/deliveries", read, h.deliveries).Takes("limit").
			Named("deliveries", "List what a webhook was told, the newest first."),
		edge.Post(base+"webhooks/{webhook}/rotate-secret", write, 0, h.rotateHook).
			Named("rotateHookSecret", "Give a webhook a new secret; the old one ends at once."),
		edge.Post(base+"webhooks/{webhook}/rotate", write, 0, h.rotateHook).
			Named("rotateHook", "Give a webhook a new secret; the old one ends at once."),
	}
}

// newHook asks for an endpoint.
type newHook struct {
	URL         string   `json:"url"`
	Description string   `json:"description"`
	Events      []string `json:"events"` // none are all
}

// hook is an endpoint as it is shown; the secret only in the answer that made it.
type hook struct {
	ID             string    `json:"id"`
	OrganizationID string    `json:"organizationId"`
	URL            string    `json:"url"`
	Description    string    `json:"description"`
	Events         []string  `json:"events"`
	Secret         string    `json:"secret,omitzero"`
	IsActive       bool      `json:"isActive"`
	CreatedAt      time.Time `json:"createdAt"`
	UpdatedAt      time.Time `json:"updatedAt"`
}

type oneHook struct {
	Success bool `json:"success"`
	Data    hook `json:"data"`
}

type hookList struct {
	Success bool   `json:"success"`
	Data    []hook `json:"data"`
}

func hookOf(w *store.Webhook) hook {
	return hook{
		hookID(w.ID), organizationID(w.Organization), w.URL, w.Description, append([]string{}, w.Events...), "", w.Active, w.CreatedAt, w.UpdatedAt,
	}
}

// issuedHook shows the secret.
func issuedHook(made *authority.IssuedWebhook, err error) (oneHook, error) {
	if err != nil {
		return oneHook{}, err
	}
	out := hookOf(&made.Webhook)
	out.Secret = made.Secret.Reveal()
	return oneHook{true, out}, nil
}

func hookID(id uuid.UUID) string { return authority.PublicID("wh", id) }

// hook reads which endpoint the path names.
func (h *handlers) hook(r *edge.Request) (of authority.WebhookRef, err error) {
	if of.Organization, err = h.organization(r); err != nil {
		return of, err
	}
	of.Format = webhook.Standard
	if of.ID, err = authority.ParsePublicID("wh", r.PathValue("webhook")); err != nil {
		return of, credential.Errorf(credential.NotFound, "no such webhook")
	}
	of.Idempotency = r.Idempotency()
	return of, nil
}

func (h *handlers) createHook(r *edge.Request, in newHook) (oneHook, error) {
	organization, err := h.organization(r)
	if err != nil {
		return oneHook{}, err
	}
	return issuedHook(h.authority.CreateWebhook(r.Context(), &r.Principal, organization, authority.WebhookRequest{
		URL: &in.URL, Description: &in.Description, Events: &in.Events, Idempotency: r.Idempotency(),
	}))
}

func (h *handlers) listHooks(r *edge.Request, _ edge.None) (hookList, error) {
	organization, err := h.organization(r)
	if err != nil {
		return hookList{}, err
	}
	list, err := h.authority.Webhooks(r.Context(), &r.Principal, organization, uuid.Nil, mostHooks)
	out := hookList{true, []hook{}}
	for i := range list {
		if list[i].Format == webhook.Standard { // another dialect's are its own
			out.Data = append(out.Data, hookOf(&list[i]))
		}
	}
	return out, err
}

// changedHook is what may be changed of an endpoint.
type changedHook struct {
	URL         *string   `json:"url"`
	Description *string   `json:"description"`
	Events      *[]string `json:"events"`
	IsActive    *bool     `json:"isActive"`
}

func (h *handlers) updateHook(r *edge.Request, in changedHook) (oneHook, error) {
	of, err := h.hook(r)
	if err != nil {
		return oneHook{}, err
	}
	w, err := h.authority.UpdateWebhook(r.Context(), &r.Principal, of, authority.WebhookRequest{URL: in.URL, Description: in.Description, Events: in.Events, Active: in.IsActive})
	if err != nil {
		return oneHook{}, err
	}
	return oneHook{true, hookOf(w)}, nil
}

func (h *handlers) deleteHook(r *edge.Request, _ edge.None) (done, error) {
	of, err := h.hook(r)
	if err != nil {
		return done{}, err
	}
	return done{true, "Webhook deleted"}, h.authority.DeleteWebhook(r.Context(), &r.Principal, of)
}

// rotateHook ends the old secret at once.
func (h *handlers) rotateHook(r *edge.Request, _ edge.None) (oneHook, error) {
	of, err := h.hook(r)
	if err != nil {
		return oneHook{}, err
	}
	return issuedHook(h.authority.RotateWebhook(r.Context(), &r.Principal, of, true))
}

type testedHook struct {
	Success bool   `json:"success"`
	Data    tested `json:"data"`
}

type tested struct {
	ID          string     `json:"id"`
	WebhookID   string     `json:"webhookId"`
	Event       string     `json:"event"`
	StatusCode  *int       `json:"statusCode"` // null without an answer
	DeliveredAt *time.Time `json:"deliveredAt"`
}

func (h *handlers) testHook(r *edge.Request, _ edge.None) (testedHook, error) {
	of, err := h.hook(r)
	if err != nil {
		return testedHook{}, err
	}
	made, err := h.authority.TestWebhook(r.Context(), &r.Principal, of)
	if err != nil {
		return testedHook{}, err
	}
	d := deliveryOf(made)
	return testedHook{true, tested{d.ID, d.WebhookID, d.Event, d.StatusCode, d.DeliveredAt}}, nil
}

// delivery is what an endpoint was told, and what came of it.
type delivery struct {
	ID          string          `json:"id"`
	WebhookID   string          `json:"webhookId"`
	Event       string          `json:"event"`
	Payload     json.RawMessage `json:"payload"`
	Response    *string         `json:"response"`
	StatusCode  *int            `json:"statusCode"`
	Attempts    int             `json:"attempts"`
	NextRetryAt *time.Time      `json:"nextRetryAt"`
	DeliveredAt *time.Time      `json:"deliveredAt"`
	CreatedAt   time.Time       `json:"createdAt"`
}

type deliveryList struct {
	Success bool       `json:"success"`
	Data    []delivery `json:"data"`
}

func deliveryOf(d *store.Delivery) delivery {
	out := delivery{
		ID: authority.PublicID("del", d.ID), WebhookID: hookID(d.Webhook), Event: d.Event, Payload: json.RawMessage(d.Payload),
		Attempts: d.Attempts, NextRetryAt: instant(d.NextAt), DeliveredAt: instant(d.DeliveredAt), CreatedAt: d.CreatedAt,
	}
	if d.StatusCode != 0 {
		out.StatusCode, out.Response = &d.StatusCode, &d.Response
	}
	return out
}

// deliveries is where a receiver, with a key that may read webhooks, finds
// whether what it was sent came from here.
func (h *handlers) deliveries(r *edge.Request, _ edge.None) (deliveryList, error) {
	limit := usualDeliveries
	if text := r.Param("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostDeliveries {
			return deliveryList{}, credential.InvalidField("limit", "must be from 1 to %d", mostDeliveries)
		}
		limit = n
	}
	of, err := h.hook(r)
	if err != nil {
		return deliveryList{}, err
	}
	list, err := h.authority.Deliveries(r.Context(), &r.Principal, of, uuid.Nil, limit)
	out := deliveryList{true, []delivery{}}
	for i := range list {
		out.Data = append(out.Data, deliveryOf(&list[i]))
	}
	return out, err
}
