package store

import (
	"context"
	"math"
	"time"

	"github.com/google/uuid"
)

// Metered is a call that was paid from the budget of a project, with who made it.
type Metered struct {
	Spend
	CredentialName string
	UserName       string // empty where the credential is nobody's own
}

// MeteredFilter chooses calls of a project, from one time on and until before
// another; zero times bound nothing.
type MeteredFilter struct {
	Project     uuid.UUID
	From, Until time.Time
}

// meteredRows are the calls of a filter, by an index of their order.
const meteredRows = ` FROM spends s WHERE s.project_id = $1 AND s.project_cycle IS NOT NULL AND s.at >= $2 AND s.at < $3`

const meteredColumns = spendColumns + `, COALESCE((SELECT c.name FROM credentials c WHERE c.id = s.credential_id), ''),
	COALESCE((SELECT u.name FROM users u WHERE u.id = s.user_id), '')`

func (m *Metered) targets() []any { return append(m.Spend.targets(), &m.CredentialName, &m.UserName) }

func (f *MeteredFilter) args() []any {
	until := int64(math.MaxInt64)
	if !f.Until.IsZero() {
		until = f.Until.UnixMilli()
	}
	return []any{f.Project, max(0, f.From.UnixMilli()), until}
}

// Metered returns the calls of a filter, the latest first, and how many there
// are: at most MostCounted are counted.
func (r reader) Metered(ctx context.Context, f MeteredFilter, skip, limit int) (found []Metered, total int64, err error) {
	args := f.args()
	if err = r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1`+meteredRows+` LIMIT $4) AS found`, append(args, MostCounted)...).Scan(&total); err != nil {
		return nil, 0, r.fail("count what was paid", err)
	}
	found, err = list(ctx, r, selection[Metered]{"list what was paid", (*Metered).targets,
		`SELECT ` + meteredColumns + meteredRows + ` ORDER BY s.at DESC, s.id DESC LIMIT $4 OFFSET $5`}, append(args, limit, skip)...)
	return found, total, err
}

// MeteredSince returns the calls of a filter in their order, those behind one
// that is known: Nil for from the first one on.
func (r reader) MeteredSince(ctx context.Context, f MeteredFilter, at time.Time, id uuid.UUID, limit int) ([]Metered, error) {
	args := f.args()
	if id != uuid.Nil {
		args[1] = max(args[1].(int64), at.UnixMilli())
	}
	return list(ctx, r, selection[Metered]{"list what was paid", (*Metered).targets,
		`SELECT ` + meteredColumns + meteredRows + ` AND (s.at > $4 OR s.id > $5) ORDER BY s.at, s.id LIMIT $6`}, append(args, at.UnixMilli(), id, limit)...)
}
