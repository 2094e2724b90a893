package store

import (
	"context"

	"github.com/google/uuid"
)

// Tallies is how many rows below a parent have each status.
type Tallies map[string]int64

// Total sums up the tallies, but for some statuses.
func (t Tallies) Total(but ...string) (n int64) {
	for status, count := range t {
		n += count
		for _, other := range but {
			if status == other {
				n -= count
			}
		}
	}
	return n
}

type tally struct {
	status string
	n      int64
}

// Tallies returns how many rows below a parent have each status.
func (r reader) Tallies(ctx context.Context, parent uuid.UUID) (Tallies, error) {
	rows, err := list(ctx, r, selection[tally]{"read tallies", func(t *tally) []any { return []any{&t.status, &t.n} },
		`SELECT status, n FROM tallies WHERE parent = $1`}, parent)
	if err != nil {
		return nil, err
	}
	out := Tallies{}
	for _, row := range rows {
		out[row.status] = row.n
	}
	return out, nil
}

// tally counts n more rows below a parent that have a status.
func (t *Tx) tally(ctx context.Context, parent uuid.UUID, status string, n int) error {
	_, err := t.q.ExecContext(ctx, `UPDATE tallies SET n = n + $3 WHERE parent = $1 AND status = $2`, parent, status, n)
	if err == nil && n > 0 {
		_, err = t.q.ExecContext(ctx, `INSERT INTO tallies (parent, status, n) VALUES ($1, $2, $3) ON CONFLICT (parent, status) DO NOTHING`, parent, status, n)
	}
	if err != nil {
		return t.fail("count by status", err)
	}
	return nil
}
