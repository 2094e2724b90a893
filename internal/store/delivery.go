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

// tell puts the audit events of the change into the way of every endpoint of
// their organizations that chose them: they are sent if the change is committed,
// and only then.
func (t *Tx) tell(ctx context.Context) error {
	var told []*audit.Event
	for i := range t.events {
		e := &t.events[i]
		if e.Chain == uuid.Nil || !webhook.Tells(e.Action) {
			continue
		}
		endpoints, err := t.listening(ctx, e.Chain)
		if err != nil {
			return err
		}
		if len(endpoints) > 0 {
			told = append(told, e)
		}
	}
	schemes, err := t.subjectsOf(ctx, told)
	if err != nil {
		return err
	}
	rows := t.deliveries()
	for _, e := range told {
		scheme := schemes[e.Target]
		for _, w := range t.endpoints[e.Chain] {
			if w.project != uuid.Nil && w.project != e.Project {
				continue
			}
			for _, name := range w.format.Chosen(e.Action, scheme, w.events) {
				if _, err := rows.deliver(ctx, Told{w.id, w.format, name, e, scheme}); err != nil {
					return err
				}
			}
		}
	}
	return rows.done(ctx)
}

// endpoint is a webhook that is on, and what it chose.
type endpoint struct {
	id      uuid.UUID
	project uuid.UUID // whose events alone it is told of
	format  webhook.Format
	events  []string
}

// listening returns the endpoints of an organization that are on at the end of
// the change.
func (t *Tx) listening(ctx context.Context, organization uuid.UUID) (found []endpoint, err error) {
	if found, known := t.endpoints[organization]; known {
		return found, nil
	}
	found, err = list(ctx, t.reader, selection[endpoint]{"list webhooks", func(w *endpoint) []any { return []any{&w.id, &w.project, &w.format, words{&w.events}} },
		`SELECT id, project_id, format, events FROM webhooks WHERE organization_id = $1 AND active = 1 ORDER BY id`}, organization)
	if t.endpoints == nil {
		t.endpoints = map[uuid.UUID][]endpoint{}
	}
	t.endpoints[organization] = found
	return found, err
}

// subjectsOf says of audit events which project they are about, where they don't
// yet, and returns the schemes of the credentials that they are about, by their
// targets. One whose scheme isn't declared any more is not among them.
func (t *Tx) subjectsOf(ctx context.Context, events []*audit.Event) (map[string]*credential.Scheme, error) {
	var ids []uuid.UUID
	projects := map[string]uuid.UUID{} // by target
	for _, e := range events {
		noun, text, _ := strings.Cut(e.Target, ":")
		id, err := uuid.Parse(text)
		switch {
		case err != nil:
		case noun == "project":
			projects[e.Target] = id
		case noun == "credential":
			ids = append(ids, id)
		}
	}
	type row struct {
		id            uuid.UUID
		project, name sql.NullString // whatever a damaged record has
	}
	schemes := map[string]*credential.Scheme{}
	err := t.inParts(ids, func(part named) error {
		rows, err := list(ctx, t.reader, selection[row]{"find what credentials are", func(r *row) []any { return []any{&r.id, &r.project, &r.name} },
			`SELECT id, project_id, scheme FROM credentials WHERE id IN (` + part.list + `)`}, part.args...)
		for _, r := range rows {
			target := "credential:" + r.id.String()
			projects[target], _ = uuid.Parse(r.project.String)
			if scheme := t.schemes.ByName(r.name.String); scheme != nil {
				schemes[target] = scheme
			}
		}
		return err
	})
	for _, e := range events {
		if e.Project == uuid.Nil {
			e.Project = projects[e.Target]
		}
	}
	return schemes, err
}

// Told is an audit event on its way to an endpoint, as an event of some name.
type Told struct {
	Webhook uuid.UUID
	Format  webhook.Format
	Name    string
	Event   *audit.Event
	Scheme  *credential.Scheme
}

// Deliver makes the delivery of an event, due at once, and returns its id: that
// of the last, where there are several.
func (t *Tx) Deliver(ctx context.Context, told Told) (uuid.UUID, error) {
	rows := t.deliveries()
	id, err := rows.deliver(ctx, told)
	if err != nil {
		return uuid.Nil, err
	}
	return id, rows.done(ctx)
}

// deliveries stores many of them.
func (t *Tx) deliveries() *deliveries {
	return &deliveries{inserts{t: t, op: "store a delivery", columns: 8,
		into: `webhook_deliveries (id, webhook_id, event, sequence, payload, attempts, next_at, created_at)`}}
}

type deliveries struct{ inserts }

func (d *deliveries) deliver(ctx context.Context, told Told) (id uuid.UUID, err error) {
	payloads, err := told.Format.Payloads(told.Name, told.Event, told.Scheme)
	at := told.Event.At.UnixMilli()
	for _, payload := range payloads {
		if id, err = uuid.NewV7(); err == nil {
			err = d.add(ctx, id, told.Webhook, told.Name, told.Event.Sequence, string(payload), 0, at, at)
		}
		if err != nil {
			return id, err
		}
	}
	return id, err
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

// ForgetDeliveries deletes the deliveries that were made before a time and wait
// no longer.
func (s *Store) ForgetDeliveries(ctx context.Context, before time.Time) error {
	if _, err := s.write.ExecContext(ctx, `DELETE FROM webhook_deliveries WHERE created_at < $1 AND next_at IS NULL`, before.UnixMilli()); err != nil {
		return s.failed("forget deliveries", err)
	}
	return nil
}
