package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Webhooks are the calls about the endpoints that are told of an organization's
// events.
type Webhooks struct {
	c            *Client
	organization string
}

// Webhooks returns the calls about the webhooks of an organization.
func (c *Client) Webhooks(organization string) Webhooks { return Webhooks{c, organization} }

func (s Webhooks) path(segments ...string) []string {
	return append([]string{"organizations", s.organization, "webhooks"}, segments...)
}

// Create registers an endpoint. key makes the call repeatable; it may be empty.
func (s Webhooks) Create(ctx context.Context, in api.CreateWebhook, key string) (api.IssuedWebhook, error) {
	return ask[api.IssuedWebhook](ctx, s.c, post(s.path()...).with(in, key))
}

// All goes through the endpoints.
func (s Webhooks) All(ctx context.Context) iter.Seq2[api.Webhook, error] {
	return all(ctx, s.c, listing{path: s.path()}, byCursor[api.Webhook])
}

// Get returns an endpoint.
func (s Webhooks) Get(ctx context.Context, webhook string) (api.Webhook, error) {
	return ask[api.Webhook](ctx, s.c, get(s.path(webhook)...))
}

// Update changes an endpoint; nil stays.
func (s Webhooks) Update(ctx context.Context, webhook string, in api.UpdateWebhook) (api.Webhook, error) {
	return ask[api.Webhook](ctx, s.c, to(http.MethodPatch, s.path(webhook)...).with(in, ""))
}

// Delete takes an endpoint away, with what waits for it.
func (s Webhooks) Delete(ctx context.Context, webhook string) error {
	return s.c.Do(ctx, to(http.MethodDelete, s.path(webhook)...))
}

// Rotate gives an endpoint a new secret. key makes the call repeatable; it may
// be empty.
func (s Webhooks) Rotate(ctx context.Context, webhook string, in api.RotateWebhook, key string) (api.IssuedWebhook, error) {
	return ask[api.IssuedWebhook](ctx, s.c, post(s.path(webhook, "rotate")...).with(in, key))
}

// Test sends a test event at once.
func (s Webhooks) Test(ctx context.Context, webhook string) (api.WebhookDelivery, error) {
	return ask[api.WebhookDelivery](ctx, s.c, post(s.path(webhook, "test")...))
}

// Deliveries goes through what an endpoint was told, the newest first.
func (s Webhooks) Deliveries(ctx context.Context, webhook string) iter.Seq2[api.WebhookDelivery, error] {
	return all(ctx, s.c, listing{path: s.path(webhook, "deliveries")}, byCursor[api.WebhookDelivery])
}

// Redeliver sends a delivery once more at once.
func (s Webhooks) Redeliver(ctx context.Context, webhook, delivery string) (api.WebhookDelivery, error) {
	return ask[api.WebhookDelivery](ctx, s.c, post(s.path(webhook, "deliveries", delivery, "redeliver")...))
}
