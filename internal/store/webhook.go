package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// Webhook is an endpoint that is told of an organization's events.
type Webhook struct {
	ID           uuid.UUID
	Organization uuid.UUID
	Project      uuid.UUID // whose events alone it is told of; Nil: all of the organization
	Format       webhook.Format
	URL          string
	Description  string
	Events       []string // none are all
	Active       bool
	FailingSince time.Time // since when nothing has succeeded
	// Generation numbers the secrets, from 1; the one before signs until then.
	Generation     int
	PreviousEndsAt time.Time
	CreatedAt      time.Time
	UpdatedAt      time.Time

	secret, previous []byte // sealed
	sealedAnew       bool   // all of them by the present root key
}

const webhookColumns = `w.id, w.organization_id, w.url, w.description, w.events, w.active, w.failing_since, w.generation, w.previous_ends_at,
	w.created_at, w.updated_at, w.secret, w.previous, w.project_id, w.format`

// words scans a column of words with blanks between them.
type words struct{ list *[]string }

// Scan implements sql.Scanner.
func (w words) Scan(src any) error {
	text, ok := src.(string)
	if !ok || !utf8.ValidString(text) {
		return fmt.Errorf("words are kept as a text in UTF-8, not %T", src)
	}
	*w.list = strings.Fields(text)
	return nil
}

func (w *Webhook) targets() []any {
	return []any{&w.ID, &w.Organization, &w.URL, &w.Description, words{&w.Events}, &w.Active, instant{&w.FailingSince}, &w.Generation,
		instant{&w.PreviousEndsAt}, instant{&w.CreatedAt}, instant{&w.UpdatedAt}, &w.secret, &w.previous, &w.Project, &w.Format}
}

// sealedRow names the row that the secrets are sealed for.
func (w *Webhook) sealedRow() string { return "webhooks " + w.ID.String() + " secret" }

// WebhookSecrets opens the secrets that sign at a time, the present one first.
func (s *Store) WebhookSecrets(w *Webhook, now time.Time) (list []credential.Secret, err error) {
	sealed := [][]byte{w.secret}
	if w.previous != nil && now.Before(w.PreviousEndsAt) {
		sealed = append(sealed, w.previous)
	}
	for _, text := range sealed {
		secret, err := s.root.Open(w.sealedRow(), text)
		if err != nil {
			return nil, err
		}
		list = append(list, credential.NewSecret(string(secret)))
	}
	return list, nil
}

// SealWebhook gives an endpoint its next secret. That before signs beside it
// until a time: not at all, if that is zero. It is stored by InsertWebhook or
// UpdateWebhook.
func (t *Tx) SealWebhook(random io.Reader, w *Webhook, secret credential.Secret, previousEndsAt time.Time) error {
	sealed, err := t.s.root.Seal(random, w.sealedRow(), []byte(secret.Reveal()))
	if err != nil {
		return err
	}
	w.previous, w.PreviousEndsAt = nil, previousEndsAt
	if !previousEndsAt.IsZero() {
		w.previous = w.secret
	}
	w.secret, w.sealedAnew = sealed, w.previous == nil
	w.Generation++
	return nil
}

// InsertWebhook stores a new endpoint, whose secret is sealed.
func (t *Tx) InsertWebhook(ctx context.Context, w *Webhook) error {
	_, err := t.q.ExecContext(ctx, `
		INSERT INTO webhooks (id, organization_id, url, description, events, active, secret, generation, key_version, created_at, updated_at, project_id, format)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)`,
		w.ID, w.Organization, w.URL, w.Description, strings.Join(w.Events, " "), bit(w.Active), w.secret, w.Generation, t.s.root.Version(), w.CreatedAt.UnixMilli(), nullable(w.Project),
		cmp.Or(w.Format, webhook.Standard))
	if err != nil {
		return t.fail("store a webhook", err)
	}
	return nil
}

// UpdateWebhook stores what has changed of an endpoint; of its failures, only
// that they are forgotten. What waits for one that is off is given up.
func (t *Tx) UpdateWebhook(ctx context.Context, w *Webhook) error {
	_, err := t.q.ExecContext(ctx, `
		UPDATE webhooks SET url = $2, description = $3, events = $4, active = $5, secret = $6, previous = $7, previous_ends_at = $8,
			generation = $9, key_version = CASE WHEN $13 THEN $10 ELSE key_version END, failing_since = CASE WHEN $11 THEN NULL ELSE failing_since END, updated_at = $12 WHERE id = $1`,
		w.ID, w.URL, w.Description, strings.Join(w.Events, " "), bit(w.Active), w.secret, w.previous, stamp(w.PreviousEndsAt),
		w.Generation, t.s.root.Version(), w.FailingSince.IsZero(), w.UpdatedAt.UnixMilli(), w.sealedAnew)
	if err != nil {
		return t.fail("change a webhook", err)
	}
	if w.Active {
		return nil
	}
	if _, err := t.q.ExecContext(ctx, `UPDATE webhook_deliveries SET next_at = NULL WHERE webhook_id = $1 AND next_at IS NOT NULL`, w.ID); err != nil {
		return t.fail("give up what waits for a webhook", err)
	}
	return nil
}

// bit is a flag as it is stored.
func bit(set bool) int {
	if set {
		return 1
	}
	return 0
}

// DeleteWebhook takes an endpoint away, with what it was told and what waits.
func (t *Tx) DeleteWebhook(ctx context.Context, id uuid.UUID) error {
	if _, err := t.q.ExecContext(ctx, `DELETE FROM webhooks WHERE id = $1`, id); err != nil {
		return t.fail("delete a webhook", err)
	}
	return nil
}

// CountWebhooks returns how many endpoints of a format an organization has.
func (t *Tx) CountWebhooks(ctx context.Context, organization uuid.UUID, format webhook.Format) (n int, err error) {
	if err := t.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM webhooks WHERE organization_id = $1 AND format = $2`, organization, format).Scan(&n); err != nil {
		return 0, t.fail("count webhooks", err)
	}
	return n, nil
}

// WebhookIn finds an endpoint of an organization.
func (r reader) WebhookIn(ctx context.Context, organization, id uuid.UUID) (*Webhook, error) {
	return r.webhook(ctx, `w.id = $1 AND w.organization_id = $2`, id, organization)
}

// WebhookByID finds an endpoint of any organization.
func (r reader) WebhookByID(ctx context.Context, id uuid.UUID) (*Webhook, error) {
	return r.webhook(ctx, `w.id = $1`, id)
}

func (r reader) webhook(ctx context.Context, where string, args ...any) (*Webhook, error) {
	var w Webhook
	err := r.q.QueryRowContext(ctx, `SELECT `+webhookColumns+` FROM webhooks w WHERE `+where, args...).Scan(w.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such webhook")
	}
	if err != nil {
		return nil, r.fail("find a webhook", err)
	}
	return &w, nil
}

// Webhooks returns the endpoints of an organization with an id above after.
func (r reader) Webhooks(ctx context.Context, organization, after uuid.UUID, limit int) ([]Webhook, error) {
	return list(ctx, r, selection[Webhook]{"list webhooks", (*Webhook).targets,
		`SELECT ` + webhookColumns + ` FROM webhooks w WHERE w.organization_id = $1 AND w.id > $2 ORDER BY w.id LIMIT $3`}, organization, after, limit)
}
