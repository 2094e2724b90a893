package api

import "time"

// CreateWebhook registers an endpoint that is told of an organization's events.
type CreateWebhook struct {
	URL         string   `json:"url" format:"uri" doc:"https, of the public internet"`
	Description string   `json:"description,omitzero"`
	Project     string   `json:"project,omitzero" doc:"whose events alone it is told of; all of the organization without one"`
	Events      []string `json:"events,omitzero" doc:"those that it is told of; none are all"`
}

// UpdateWebhook changes an endpoint. What is absent stays.
type UpdateWebhook struct {
	URL         *string   `json:"url,omitzero" format:"uri"`
	Description *string   `json:"description,omitzero"`
	Events      *[]string `json:"events,omitzero"`
	Active      *bool     `json:"active,omitzero" doc:"one that is turned off is sent nothing, and what waits for it is given up"`
}

// RotateWebhook gives an endpoint a new secret.
type RotateWebhook struct {
	Now bool `json:"now,omitzero" doc:"the secret before signs no more; otherwise for 24 hours beside the new one"`
}

// Webhook is an endpoint as it is shown.
type Webhook struct {
	ID                   string     `json:"id" format:"uuid"`
	Organization         string     `json:"organization" format:"uuid"`
	Project              string     `json:"project,omitzero" format:"uuid" doc:"whose events alone it is told of"`
	URL                  string     `json:"url" format:"uri"`
	Description          string     `json:"description"`
	Events               []string   `json:"events" doc:"none are all"`
	Format               string     `json:"format" doc:"in whose words it is told: standard, or betatesting, as BetaTesting's API makes them"`
	Active               bool       `json:"active"`
	FailingSince         *time.Time `json:"failing_since,omitzero" doc:"since when nothing has succeeded; after three days it is turned off"`
	PreviousSecretEndsAt *time.Time `json:"previous_secret_ends_at,omitzero" doc:"until when the secret before signs too"`
	CreatedAt            time.Time  `json:"created_at"`
	UpdatedAt            time.Time  `json:"updated_at"`
	Version              string     `json:"version" doc:"tells one state of it from the next: what If-Match takes"`
}

// ETag is what If-Match takes.
func (w Webhook) ETag() string { return w.Version }

// IssuedWebhook is an endpoint with the secret that signs what it is sent,
// shown once.
type IssuedWebhook struct {
	Webhook
	Secret string `json:"secret" format:"password" doc:"shown once: this answer holds it and no other"`
}

// WebhookDelivery is one event for one endpoint, and what came of it so far.
type WebhookDelivery struct {
	ID          string     `json:"id" doc:"the webhook-id of the request: del_…"`
	Webhook     string     `json:"webhook" format:"uuid"`
	Event       string     `json:"event"`
	State       string     `json:"state" enum:"pending,delivered,failed"`
	Payload     string     `json:"payload" doc:"the body of the request, as it is signed"`
	Attempts    int        `json:"attempts"`
	StatusCode  int        `json:"status_code,omitzero" doc:"of the last answer"`
	Response    string     `json:"response,omitzero" doc:"how the last answer begins, at most 500 characters"`
	Failure     string     `json:"failure,omitzero" doc:"why the last try failed"`
	NextAt      *time.Time `json:"next_at,omitzero" doc:"when it is tried next"`
	DeliveredAt *time.Time `json:"delivered_at,omitzero"`
	CreatedAt   time.Time  `json:"created_at"`
}
