package store

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// SeeNode notes that a node serves this database.
func (s *Store) SeeNode(ctx context.Context, id uuid.UUID, startedAt, now time.Time) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO nodes (id, started_at, seen_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`,
		id, startedAt.UnixMilli(), now.UnixMilli())
	if err != nil {
		return s.failed("note that a node is there", err)
	}
	return nil
}

// CountNodes returns how many nodes were seen since a time.
func (r reader) CountNodes(ctx context.Context, since time.Time) (n int, err error) {
	if err := r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM nodes WHERE seen_at >= $1`, since.UnixMilli()).Scan(&n); err != nil {
		return 0, r.fail("count the nodes", err)
	}
	return n, nil
}

// ForgetNodes forgets a node that stops, and those that nobody has seen since
// a time.
func (s *Store) ForgetNodes(ctx context.Context, id uuid.UUID, before time.Time) error {
	if _, err := s.write.ExecContext(ctx, `DELETE FROM nodes WHERE id = $1 OR seen_at < $2`, id, before.UnixMilli()); err != nil {
		return s.failed("forget nodes", err)
	}
	return nil
}
