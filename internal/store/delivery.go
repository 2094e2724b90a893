package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// Delivery is one event for one endpoint, and what came of it so far.
type Delivery struct {
	ID       uuid.UUID
	Webhook  uuid.UUID
	Event    string
	Sequence int64 // of the audit event; 0 for a test
	Payload  string
	Attempts int // how often it was claimed
	Outcome
	CreatedAt time.Time
}

// MessageID is how the receiver knows the delivery.
func (d *Delivery) MessageID() string { return webhook.MessageID(d.ID) }

// Outcome is what came of the last try of a delivery.
type Outcome struct {
	StatusCode  int    // 0: no answer
	Response    string // how the answer begins
	Failure     string // why it failed, in our words
	NextAt      time.Time
	DeliveredAt time.Time
}

const deliveryColumns = `d.id, d.webhook_id, d.event, d.sequence, d.payload, d.attempts, COALESCE(d.status_code, 0), COALESCE(d.response, ''),
	COALESCE(d.failure, ''), d.next_at, d.delivered_at, d.created_at`

func (d *Delivery) targets() []any {
	return []any{&d.ID, &d.Webhook, &d.Event, &d.Sequence, &d.Payload, &d.Attempts, &d.StatusCode, &d.Response,
		&d.Failure, instant{&d.NextAt}, instant{&d.DeliveredAt}, instant{&d.CreatedAt}}
}

// tell puts an audit event of the change into the way of every endpoint of its
// organization that chose it: it is sent if the change is committed, and only
// then.
func (t *Tx) tell(ctx context.Context, e *audit.Event) error {
	if e.Chain == uuid.Nil || !webhook.Tells(e.Action) {
		return nil
	}
	endpoints, err := t.listening(ctx, e.Chain)
	if err != nil || len(endpoints) == 0 {
		return err
	}
	scheme, err := t.schemeOf(ctx, e.Target)
	if err != nil {
		return err
	}
	for _, w := range endpoints {
		for _, name := range webhook.Chosen(e.Action, scheme, w.events) {
			if _, err := t.Deliver(ctx, Told{w.id, name, e, scheme}); err != nil {
				return err
			}
		}
	}
	return nil
}

// endpoint is a webhook that is on, and what it chose.
type endpoint struct {
	id     uuid.UUID
	events []string
}

// listening returns the endpoints of an organization that are on at the end of
// the change.
func (t *Tx) listening(ctx context.Context, organization uuid.UUID) (found []endpoint, err error) {
	if found, known := t.endpoints[organization]; known {
		return found, nil
	}
	found, err = list(ctx, t.reader, selection[endpoint]{"list webhooks", func(w *endpoint) []any { return []any{&w.id, words{&w.events}} },
		`SELECT id, events FROM webhooks WHERE organization_id = $1 AND active = 1 ORDER BY id`}, organization)
	if t.endpoints == nil {
		t.endpoints = map[uuid.UUID][]endpoint{}
	}
	t.endpoints[organization] = found
	return found, err
}

// schemeOf is the scheme of the credential that an audit event is about, or nil.
func (t *Tx) schemeOf(ctx context.Context, target string) (*credential.Scheme, error) {
	text, ok := strings.CutPrefix(target, "credential:")
	id, err := uuid.Parse(text)
	if !ok || err != nil {
		return nil, nil
	}
	var name string
	err = t.q.QueryRowContext(ctx, `SELECT scheme FROM credentials WHERE id = $1`, id).Scan(&name)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, t.fail("find the scheme of a credential", err)
	}
	return t.schemes.ByName(name), nil // nil where it isn't declared any more
}

// Told is an audit event on its way to an endpoint, as an event of some name.
type Told struct {
	Webhook uuid.UUID
	Name    string
	Event   *audit.Event
	Scheme  *credential.Scheme
}

// Deliver makes the delivery of an event, due at once, and returns its id.
func (t *Tx) Deliver(ctx context.Context, told Told) (uuid.UUID, error) {
	payload, err := webhook.Payload(told.Name, told.Event, told.Scheme)
	if err != nil {
		return uuid.Nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, err
	}
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO webhook_deliveries (id, webhook_id, event, sequence, payload, attempts, next_at, created_at) VALUES ($1, $2, $3, $4, $5, 0, $6, $6)`,
		id, told.Webhook, told.Name, told.Event.Sequence, string(payload), told.Event.At.UnixMilli())
	if err != nil {
		return uuid.Nil, t.fail("store a delivery", err)
	}
	return id, nil
}

// Deliveries returns the deliveries of an endpoint with an id below before
// (Nil: from the newest on), the newest first.
func (r reader) Deliveries(ctx context.Context, hook, before uuid.UUID, limit int) ([]Delivery, error) {
	return list(ctx, r, selection[Delivery]{"list deliveries", (*Delivery).targets, `
		SELECT ` + deliveryColumns + ` FROM webhook_deliveries d WHERE d.webhook_id = $1 AND (d.id < $2 OR $4) ORDER BY d.id DESC LIMIT $3`},
		hook, before, limit, before == uuid.Nil)
}

// DeliveryOf finds a delivery of an endpoint.
func (r reader) DeliveryOf(ctx context.Context, hook, id uuid.UUID) (*Delivery, error) {
	var d Delivery
	err := r.q.QueryRowContext(ctx, `SELECT `+deliveryColumns+` FROM webhook_deliveries d WHERE d.id = $1 AND d.webhook_id = $2`, id, hook).Scan(d.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such delivery")
	}
	if err != nil {
		return nil, r.fail("find a delivery", err)
	}
	return &d, nil
}

// Redeliver makes a delivery due at a time, whatever came of it so far.
func (t *Tx) Redeliver(ctx context.Context, id uuid.UUID, at time.Time) error {
	_, err := t.q.ExecContext(ctx, `UPDATE webhook_deliveries SET next_at = $2, delivered_at = NULL WHERE id = $1`, id, at.UnixMilli())
	if err != nil {
		return t.fail("deliver once more", err)
	}
	return nil
}

// WaitingWebhooks returns the endpoints for which deliveries are due, at most
// limit of them, those that have waited longest first.
func (s *Store) WaitingWebhooks(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
	return list(ctx, s.reader, selection[uuid.UUID]{"find who is to be told", idTarget, `
		SELECT webhook_id FROM webhook_deliveries WHERE next_at IS NOT NULL AND next_at <= $1
		GROUP BY webhook_id ORDER BY MIN(next_at), webhook_id LIMIT $2`}, now.UnixMilli(), limit)
}

// DueDeliveries returns the deliveries of an endpoint that are due, those that
// have waited longest first.
func (s *Store) DueDeliveries(ctx context.Context, hook uuid.UUID, now time.Time, limit int) ([]Delivery, error) {
	return list(ctx, s.reader, selection[Delivery]{"find due deliveries", (*Delivery).targets, `
		SELECT ` + deliveryColumns + ` FROM webhook_deliveries d
		WHERE d.webhook_id = $1 AND d.next_at IS NOT NULL AND d.next_at <= $2 ORDER BY d.next_at, d.id LIMIT $3`}, hook, now.UnixMilli(), limit)
}

// ClaimDelivery counts a try of a delivery before it is made, and puts the next
// one off. It reports false when it isn't there any more with so many tries, or
// waits no longer: of several nodes that found it due, one claims it.
func (s *Store) ClaimDelivery(ctx context.Context, d *Delivery, nextAt time.Time) (bool, error) {
	if err := s.room(); err != nil {
		return false, err
	}
	result, err := s.write.ExecContext(ctx, `
		UPDATE webhook_deliveries SET attempts = attempts + 1, next_at = $3 WHERE id = $1 AND attempts = $2 AND next_at IS NOT NULL`,
		d.ID, d.Attempts, nextAt.UnixMilli())
	if err != nil {
		return false, s.failed("claim a delivery", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// FinishDelivery notes what came of a try, unless it was claimed again since,
// and since when its endpoint fails. What was given up meanwhile stays so.
func (s *Store) FinishDelivery(ctx context.Context, d *Delivery, failedAt time.Time) error {
	return s.Quietly(ctx, func(tx *Tx) error {
		set := `failing_since = $2 WHERE id = $1 AND failing_since IS NULL`
		if failedAt.IsZero() {
			set = `failing_since = $2 WHERE id = $1 AND failing_since IS NOT NULL`
		}
		if _, err := tx.q.ExecContext(ctx, `UPDATE webhooks SET `+set, d.Webhook, stamp(failedAt)); err != nil { // before what depends on it, as everywhere
			return tx.fail("note how a webhook fares", err)
		}
		_, err := tx.q.ExecContext(ctx, `
			UPDATE webhook_deliveries SET status_code = $3, response = $4, failure = $5, delivered_at = $6,
				next_at = CASE WHEN next_at IS NULL THEN next_at ELSE $7 END
			WHERE id = $1 AND attempts = $2`,
			d.ID, d.Attempts, sql.NullInt64{Int64: int64(d.StatusCode), Valid: d.StatusCode != 0}, d.Response, optional(d.Failure),
			stamp(d.DeliveredAt), stamp(d.NextAt))
		if err != nil {
			return tx.fail("note a delivery", err)
		}
		return nil
	})
}

// ForgetDeliveries deletes the deliveries that were made before a time and wait
// no longer.
func (s *Store) ForgetDeliveries(ctx context.Context, before time.Time) error {
	if _, err := s.write.ExecContext(ctx, `DELETE FROM webhook_deliveries WHERE created_at < $1 AND next_at IS NULL`, before.UnixMilli()); err != nil {
		return s.failed("forget deliveries", err)
	}
	return nil
}
