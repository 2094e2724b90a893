package store

import (
	"bytes"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// WaitingWebhooks returns the endpoints for which deliveries are due, at most
// limit of them, those that have waited longest first. It looks at one
// delivery of each endpoint, however many wait.
func (s *Store) WaitingWebhooks(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
	return list(ctx, s.reader, selection[uuid.UUID]{"find who is to be told", idTarget, `
		WITH RECURSIVE pending (id) AS (
			SELECT * FROM (SELECT webhook_id FROM webhook_deliveries WHERE next_at IS NOT NULL ORDER BY webhook_id, next_at LIMIT 1) AS first
			UNION ALL
			SELECT (SELECT d.webhook_id FROM webhook_deliveries d WHERE d.next_at IS NOT NULL AND d.webhook_id > pending.id ORDER BY d.webhook_id, d.next_at LIMIT 1)
			FROM pending WHERE pending.id IS NOT NULL
		)
		SELECT id FROM (SELECT id, (SELECT MIN(d.next_at) FROM webhook_deliveries d WHERE d.webhook_id = pending.id AND d.next_at IS NOT NULL) AS since
			FROM pending WHERE id IS NOT NULL) AS oldest
		WHERE since <= $1 ORDER BY since, id LIMIT $2`}, now.UnixMilli(), limit)
}

// DueDeliveries returns the deliveries of an endpoint that are due, those that
// have waited longest first.
func (s *Store) DueDeliveries(ctx context.Context, hook uuid.UUID, now time.Time, limit int) ([]Delivery, error) {
	return list(ctx, s.reader, selection[Delivery]{"find due deliveries", (*Delivery).targets, `
		SELECT ` + deliveryColumns + ` FROM webhook_deliveries d
		WHERE d.webhook_id = $1 AND d.next_at IS NOT NULL AND d.next_at <= $2 ORDER BY d.next_at, d.id LIMIT $3`}, hook, now.UnixMilli(), limit)
}

// ClaimDeliveries counts a try of each of the deliveries before it is made, puts
// the next one off, and returns those it has claimed. Of several nodes that
// found one due, one claims it: it isn't due to the others any more.
func (s *Store) ClaimDeliveries(ctx context.Context, due []Delivery, now, nextAt time.Time) (claimed []Delivery, err error) {
	if len(due) == 0 {
		return nil, nil
	}
	if err := s.room(); err != nil {
		return nil, err
	}
	var named strings.Builder
	args := []any{now.UnixMilli(), nextAt.UnixMilli()}
	marks(&named, len(args)+1, len(due))
	for i := range due {
		args = append(args, due[i].ID)
	}
	rows, err := s.write.QueryContext(ctx, `
		UPDATE webhook_deliveries SET attempts = attempts + 1, next_at = $2 WHERE next_at <= $1 AND id IN `+named.String()+`
		RETURNING id, attempts`, args...)
	if err != nil {
		return nil, s.failed("claim deliveries", err)
	}
	defer rows.Close()
	attempts := map[uuid.UUID]int{}
	for rows.Next() {
		var id uuid.UUID
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return nil, s.failed("claim deliveries", err)
		}
		attempts[id] = n
	}
	if err := rows.Err(); err != nil {
		return nil, s.failed("claim deliveries", err)
	}
	for _, d := range due {
		if n, ok := attempts[d.ID]; ok {
			d.Attempts = n
			claimed = append(claimed, d)
		}
	}
	return claimed, nil
}

// tried is what came of a claimed delivery, and since when its endpoint fails.
type tried struct {
	*Delivery
	failedAt time.Time
}

// FinishDelivery notes what came of a try, unless it was claimed again since,
// and since when its endpoint fails. What was given up meanwhile stays so.
// Those that come while others are stored are stored together.
func (s *Store) FinishDelivery(ctx context.Context, d *Delivery, failedAt time.Time) error {
	return s.finished.do(ctx, tried{d, failedAt}, s.finishDeliveries)
}

func (s *Store) finishDeliveries(ctx context.Context, all []tried) error {
	all = slices.Clone(all) // in one order on every node, so that two of them never deadlock
	slices.SortStableFunc(all, func(a, b tried) int { return bytes.Compare(a.Webhook[:], b.Webhook[:]) })
	return s.Quietly(ctx, func(tx *Tx) error {
		for i, t := range all {
			if i == 0 || all[i-1].Webhook != t.Webhook || all[i-1].failedAt.IsZero() != t.failedAt.IsZero() {
				if err := tx.fares(ctx, t); err != nil { // before what depends on it, as everywhere
					return err
				}
			}
			if err := tx.finish(ctx, t.Delivery); err != nil {
				return err
			}
		}
		return nil
	})
}

// fares notes since when an endpoint fails, or that it does no longer.
func (t *Tx) fares(ctx context.Context, d tried) error {
	set := `failing_since = $2 WHERE id = $1 AND failing_since IS NULL`
	if d.failedAt.IsZero() {
		set = `failing_since = $2 WHERE id = $1 AND failing_since IS NOT NULL`
	}
	if _, err := t.q.ExecContext(ctx, `UPDATE webhooks SET `+set, d.Webhook, stamp(d.failedAt)); err != nil {
		return t.fail("note how a webhook fares", err)
	}
	return nil
}

func (t *Tx) finish(ctx context.Context, d *Delivery) error {
	_, err := t.q.ExecContext(ctx, `
		UPDATE webhook_deliveries SET status_code = $3, response = $4, failure = $5, delivered_at = $6,
			next_at = CASE WHEN next_at IS NULL THEN next_at ELSE $7 END
		WHERE id = $1 AND attempts = $2`,
		d.ID, d.Attempts, sql.NullInt64{Int64: int64(d.StatusCode), Valid: d.StatusCode != 0}, d.Response, optional(d.Failure),
		stamp(d.DeliveredAt), stamp(d.NextAt))
	if err != nil {
		return t.fail("note a delivery", err)
	}
	return nil
}
