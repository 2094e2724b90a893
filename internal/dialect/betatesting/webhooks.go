package betatesting

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// mostHooks is more than an organization has, of whatever format.
const mostHooks = 200

func (h *handlers) webhookRoutes() []edge.Route {
	const hooks, hook = prefix + "webhooks", prefix + "webhooks/{webhook}"
	read, write := edge.Needs(apiRead), edge.Needs(apiWrite)
	return []edge.Route{
		edge.Get(hooks, read, h.listHooks).
			Named("listWebhooks", "List the webhooks."),
		edge.Post(hooks, write, most, h.createHook).Creates().
			Named("createWebhook", "Make a webhook. Its secret is shown in this answer alone.", credential.InProgress, credential.LimitReached).
			Example(`{"url":"https://hooks.example.com/changes","events":["test.status.changed"]}`),
		edge.Get(hook, read, h.getHook).
			Named("getWebhook", "Show a webhook."),
		edge.Patch(hook, write, most, h.updateHook).
			Named("updateWebhook", "Change a webhook, turn it off, or on: what the body names, and nothing else.").
			Example(`{"enabled":false}`),
		edge.Post(hook+"/rotate-secret", write, 0, h.rotateHook).
			Named("rotateWebhookSecret", "Give a webhook a new secret; the old one ends at once.", credential.InProgress),
		edge.Delete(hook, write, h.deleteHook).
			Named("deleteWebhook", "Delete a webhook, with what waits for it."),
	}
}

// hook is an endpoint as it is shown; the secret only in the answer that made it.
type hook struct {
	ID        string    `json:"id" format:"uuid"`
	URL       string    `json:"url"`
	Events    []string  `json:"events" doc:"none are all"`
	Enabled   bool      `json:"enabled"`
	Secret    string    `json:"secret,omitzero"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

func hookOf(w *store.Webhook) hook {
	return hook{w.ID.String(), w.URL, append([]string{}, w.Events...), w.Active, "", w.CreatedAt, w.UpdatedAt}
}

// shownHook is the answer that shows an endpoint.
func shownHook(w *store.Webhook, err error) (one[hook], error) {
	if err != nil {
		return one[hook]{}, err
	}
	return one[hook]{hookOf(w)}, nil
}

// issuedHook shows the secret.
func issuedHook(made *authority.IssuedWebhook, err error) (one[hook], error) {
	if err != nil {
		return one[hook]{}, err
	}
	out := hookOf(&made.Webhook)
	out.Secret = made.Secret.Reveal()
	return one[hook]{out}, nil
}

// hookFields is what may be said of an endpoint.
type hookFields struct {
	URL     *string   `json:"url"`
	Events  *[]string `json:"events"`
	Enabled *bool     `json:"enabled"`
}

func (f *hookFields) request(r *edge.Request) authority.WebhookRequest {
	return authority.WebhookRequest{URL: f.URL, Events: f.Events, Active: f.Enabled, Format: webhook.BetaTesting, Idempotency: r.Idempotency()}
}

// hook reads which endpoint the path names.
func (h *handlers) hook(r *edge.Request) (of authority.WebhookRef, err error) {
	of = authority.WebhookRef{Organization: r.Principal.Organization, Format: webhook.BetaTesting, Idempotency: r.Idempotency()}
	if of.ID, err = authority.ParseID(r.PathValue("webhook")); err != nil {
		err = credential.Errorf(credential.NotFound, "no such webhook")
	}
	return of, err
}

func (h *handlers) listHooks(r *edge.Request, _ edge.None) (many[hook], error) {
	list, err := h.authority.Webhooks(r.Context(), &r.Principal, r.Principal.Organization, uuid.Nil, mostHooks)
	list = slices.DeleteFunc(list, func(w store.Webhook) bool { return w.Format != webhook.BetaTesting })
	return whole(list, hookOf), err
}

func (h *handlers) createHook(r *edge.Request, in hookFields) (one[hook], error) {
	return issuedHook(h.authority.CreateWebhook(r.Context(), &r.Principal, r.Principal.Organization, in.request(r)))
}

func (h *handlers) getHook(r *edge.Request, _ edge.None) (one[hook], error) {
	of, err := h.hook(r)
	if err != nil {
		return one[hook]{}, err
	}
	return shownHook(h.authority.Webhook(r.Context(), &r.Principal, of))
}

func (h *handlers) updateHook(r *edge.Request, in hookFields) (one[hook], error) {
	of, err := h.hook(r)
	if err != nil {
		return one[hook]{}, err
	}
	return shownHook(h.authority.UpdateWebhook(r.Context(), &r.Principal, of, in.request(r)))
}

func (h *handlers) deleteHook(r *edge.Request, _ edge.None) (edge.Nothing, error) {
	of, err := h.hook(r)
	if err != nil {
		return edge.Nothing{}, err
	}
	return edge.Nothing{}, h.authority.DeleteWebhook(r.Context(), &r.Principal, of)
}

// rotateHook ends the old secret at once.
func (h *handlers) rotateHook(r *edge.Request, _ edge.None) (one[hook], error) {
	of, err := h.hook(r)
	if err != nil {
		return one[hook]{}, err
	}
	return issuedHook(h.authority.RotateWebhook(r.Context(), &r.Principal, of, true))
}
