package rest

import (
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// webhookRoutes are about the endpoints that are told of events.
func (h *handlers) webhookRoutes() []edge.Route {
	const list, one = "/v1/organizations/{organization}/webhooks", "/v1/organizations/{organization}/webhooks/{webhook}"
	read, write := edge.Needs(credential.WebhooksRead), edge.Needs(credential.WebhooksWrite)
	return []edge.Route{
		edge.Post(list, write, small, h.createWebhook).Creates().
			Named("createWebhook", "Register an endpoint that is told of events. The answer is the only one that holds its secret.", credential.LimitReached, credential.InProgress),
		edge.Get(list, read, h.listWebhooks).Takes("limit", "cursor").
			Named("listWebhooks", "List the webhooks of an organization."),
		edge.Get(one, read, h.getWebhook).
			Named("getWebhook", "Show a webhook."),
		edge.Patch(one, write, small, h.updateWebhook).
			Named("updateWebhook", "Change a webhook, or turn it on or off. What is absent stays.", credential.PreconditionFailed),
		edge.Delete(one, write, h.deleteWebhook).
			Named("deleteWebhook", "Delete a webhook, with what waits for it.", credential.PreconditionFailed),
		edge.Post(one+"/rotate", write, small, h.rotateWebhook).
			Named("rotateWebhook", "Give a webhook a new secret. The one before signs too for 24 hours; the answer is the only one that holds the new one.", credential.Conflict, credential.InProgress, credential.PreconditionFailed),
		edge.Post(one+"/test", write, 0, h.testWebhook).
			Named("testWebhook", "Send a test event at once, and say what came of it.", credential.Conflict),
		edge.Get(one+"/deliveries", read, h.listDeliveries).Takes("limit", "cursor").
			Named("listDeliveries", "List what a webhook was told in the last 30 days, the newest first."),
		edge.Post(one+"/deliveries/{delivery}/redeliver", write, 0, h.redeliver).
			Named("redeliver", "Send a delivery once more at once, and say what came of it.", credential.Conflict),
	}
}

// webhook reads which endpoint the path names.
func (h *handlers) webhook(r *edge.Request) (of authority.WebhookRef, err error) {
	if of.Organization, err = h.organization(r); err != nil {
		return of, err
	}
	if of.ID, err = authority.ParsePublicID("wh", r.PathValue("webhook")); err != nil {
		return of, credential.Errorf(credential.NotFound, "no such webhook")
	}
	of.Idempotency = r.Idempotency()
	return of, nil
}

func (h *handlers) createWebhook(r *edge.Request, in api.CreateWebhook) (api.IssuedWebhook, error) {
	id, err := h.organization(r)
	if err != nil {
		return api.IssuedWebhook{}, err
	}
	wanted := authority.WebhookRequest{URL: &in.URL, Description: &in.Description, Events: &in.Events, Idempotency: r.Idempotency()}
	if in.Project != "" {
		ref, err := parseProject("project", in.Project)
		if err != nil {
			return api.IssuedWebhook{}, err
		}
		wanted.Project = &ref
	}
	return issuedWebhook(h.authority.CreateWebhook(r.Context(), &r.Principal, id, wanted))
}

func (h *handlers) listWebhooks(r *edge.Request, _ edge.None) (out api.List[api.Webhook], err error) {
	id, err := h.organization(r)
	if err != nil {
		return out, err
	}
	page, err := h.page(r)
	if err != nil {
		return out, err
	}
	list, err := h.authority.Webhooks(r.Context(), &r.Principal, id, page.after, page.limit+1)
	return paged(page, list, func(w store.Webhook) api.Webhook { return webhookOf(&w) }, func(w api.Webhook) string { return w.ID }), err
}

func (h *handlers) getWebhook(r *edge.Request, _ edge.None) (api.Webhook, error) {
	of, err := h.webhook(r)
	if err != nil {
		return api.Webhook{}, err
	}
	return shownWebhook(h.authority.Webhook(r.Context(), &r.Principal, of))
}

func (h *handlers) updateWebhook(r *edge.Request, in api.UpdateWebhook) (api.Webhook, error) {
	of, err := h.webhook(r)
	if err != nil {
		return api.Webhook{}, err
	}
	return shownWebhook(h.authority.UpdateWebhook(r.Context(), &r.Principal, of, authority.WebhookRequest{
		URL: in.URL, Description: in.Description, Events: in.Events, Active: in.Active,
	}))
}

func (h *handlers) deleteWebhook(r *edge.Request, _ edge.None) (api.Empty, error) {
	of, err := h.webhook(r)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, h.authority.DeleteWebhook(r.Context(), &r.Principal, of)
}

func (h *handlers) rotateWebhook(r *edge.Request, in api.RotateWebhook) (api.IssuedWebhook, error) {
	of, err := h.webhook(r)
	if err != nil {
		return api.IssuedWebhook{}, err
	}
	return issuedWebhook(h.authority.RotateWebhook(r.Context(), &r.Principal, of, in.Now))
}

func (h *handlers) testWebhook(r *edge.Request, _ edge.None) (api.WebhookDelivery, error) {
	of, err := h.webhook(r)
	if err != nil {
		return api.WebhookDelivery{}, err
	}
	return shownDelivery(h.authority.TestWebhook(r.Context(), &r.Principal, of))
}

func (h *handlers) redeliver(r *edge.Request, _ edge.None) (api.WebhookDelivery, error) {
	of, err := h.webhook(r)
	if err != nil {
		return api.WebhookDelivery{}, err
	}
	id, err := authority.ParsePublicID("del", r.PathValue("delivery"))
	if err != nil {
		return api.WebhookDelivery{}, credential.Errorf(credential.NotFound, "no such delivery")
	}
	return shownDelivery(h.authority.Redeliver(r.Context(), &r.Principal, of, id))
}

func (h *handlers) listDeliveries(r *edge.Request, _ edge.None) (out api.List[api.WebhookDelivery], err error) {
	of, err := h.webhook(r)
	if err != nil {
		return out, err
	}
	page, err := h.page(r)
	if err != nil {
		return out, err
	}
	list, err := h.authority.Deliveries(r.Context(), &r.Principal, of, page.after, page.limit+1)
	var ids []uuid.UUID
	out.Items = []api.WebhookDelivery{}
	for i := range list {
		ids, out.Items = append(ids, list[i].ID), append(out.Items, deliveryOf(&list[i]))
	}
	if len(list) > page.limit {
		out.Items, out.NextCursor = out.Items[:page.limit], page.next(ids[page.limit-1])
	}
	return out, err
}

// issuedWebhook writes a secret into the answer that made it.
func issuedWebhook(made *authority.IssuedWebhook, err error) (api.IssuedWebhook, error) {
	if err != nil {
		return api.IssuedWebhook{}, err
	}
	return api.IssuedWebhook{Webhook: webhookOf(&made.Webhook), Secret: made.Secret.Reveal()}, nil
}

func shownWebhook(w *store.Webhook, err error) (api.Webhook, error) {
	if err != nil {
		return api.Webhook{}, err
	}
	return webhookOf(w), nil
}

func shownDelivery(d *store.Delivery, err error) (api.WebhookDelivery, error) {
	if err != nil {
		return api.WebhookDelivery{}, err
	}
	return deliveryOf(d), nil
}

func webhookOf(w *store.Webhook) api.Webhook {
	return api.Webhook{
		ID: w.ID.String(), Organization: w.Organization.String(), Project: idText(w.Project), URL: w.URL, Description: w.Description, Events: append([]string{}, w.Events...), Format: string(w.Format),
		Active: w.Active, FailingSince: instant(w.FailingSince), PreviousSecretEndsAt: instant(w.PreviousEndsAt), CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Version: authority.WebhookVersion(w),
	}
}

func deliveryOf(d *store.Delivery) api.WebhookDelivery {
	out := api.WebhookDelivery{
		ID: d.MessageID(), Webhook: d.Webhook.String(), Event: d.Event, State: "failed", Payload: d.Payload, Attempts: d.Attempts,
		StatusCode: d.StatusCode, Response: d.Response, Failure: d.Failure, NextAt: instant(d.NextAt), DeliveredAt: instant(d.DeliveredAt), CreatedAt: d.CreatedAt,
	}
	switch {
	case !d.DeliveredAt.IsZero():
		out.State = "delivered"
	case !d.NextAt.IsZero():
		out.State = "pending"
	}
	return out
}
