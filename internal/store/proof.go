package store

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Mismatch is where the ledger and what was added up from it differ: by how
// many coins and events the ledger has more.
type Mismatch struct {
	Budget        uuid.UUID
	Cycle         int64
	Operation     string // empty where the sum of the cycle itself is wrong
	Coins, Events int64
}

// Proof is what a check of the ledger has found.
type Proof struct {
	KeptFrom   time.Time // what is older was forgotten, and isn't checked; zero if nothing was
	Spends     int64
	Coins      int64
	Cycles     int64 // of all budgets
	Mismatches []Mismatch
}

// inLedger are the cycles of which the ledger still has every line, also of a
// budget that is lost.
const inLedger = `NOT EXISTS (SELECT 1 FROM budgets b WHERE b.id = e.budget_id AND b.started_at + e.cycle * 604800000 < $1)`

// ledgerQueries compare the ledger with the totals, and those with the budgets:
// of one organization ($2), or of all.
func ledgerQueries(one bool) []string {
	spends, of, budgets := "", "", ""
	if one {
		spends, of, budgets = ` AND organization_id = $2`, ` WHERE budget_id IN (SELECT id FROM budgets WHERE organization_id = $2)`, ` WHERE organization_id = $2`
	}
	return []string{`
		SELECT budget_id, cycle, operation, CAST(SUM(coins) AS BIGINT), CAST(SUM(n) AS BIGINT) FROM (
			SELECT organization_id AS budget_id, organization_cycle AS cycle, operation, cost AS coins, 1 AS n FROM spends WHERE organization_cycle IS NOT NULL` + spends + `
			UNION ALL SELECT project_id, project_cycle, operation, cost, 1 FROM spends WHERE project_cycle IS NOT NULL` + spends + `
			UNION ALL SELECT credential_id, credential_cycle, operation, cost, 1 FROM spends WHERE credential_cycle IS NOT NULL` + spends + `
			UNION ALL SELECT budget_id, cycle, operation, -used, -events FROM budget_totals` + of + `
		) AS e WHERE ` + inLedger + ` GROUP BY budget_id, cycle, operation HAVING SUM(coins) <> 0 OR SUM(n) <> 0 LIMIT 100`, `
		SELECT budget_id, cycle, '', CAST(SUM(coins) AS BIGINT), CAST(SUM(n) AS BIGINT) FROM (
			SELECT budget_id, cycle, used AS coins, events AS n FROM budget_totals` + of + `
			UNION ALL SELECT budget_id, cycle, -used, -events FROM budget_cycles` + of + `
			UNION ALL SELECT id, cycle, -used, -events FROM budgets` + budgets + `
		) AS e WHERE ` + inLedger + ` GROUP BY budget_id, cycle HAVING SUM(coins) <> 0 OR SUM(n) <> 0 LIMIT 100`}
}

// CheckLedger proves that what was added up is what the ledger says: for every
// budget of an organization (Nil: of all), every cycle and every operation. It
// reads their whole ledger.
func (r reader) CheckLedger(ctx context.Context, organization uuid.UUID) (p Proof, err error) {
	if p.KeptFrom, err = r.ledgerKeptFrom(ctx); err != nil {
		return p, err
	}
	kept := int64(0)
	if !p.KeptFrom.IsZero() {
		kept = p.KeptFrom.UnixMilli()
	}
	targets := func(m *Mismatch) []any { return []any{&m.Budget, &m.Cycle, &m.Operation, &m.Coins, &m.Events} }
	args := []any{kept}
	if organization != uuid.Nil {
		args = append(args, organization)
	}
	for _, query := range ledgerQueries(organization != uuid.Nil) {
		found, err := every(ctx, r, selection[Mismatch]{"check the ledger", targets, query}, args...)
		if err != nil {
			return p, err
		}
		p.Mismatches = append(p.Mismatches, found...)
	}
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*), CAST(COALESCE(SUM(cost), 0) AS BIGINT),
			(SELECT COUNT(*) FROM budget_cycles c JOIN budgets b ON b.id = c.budget_id WHERE CAST($1 AS TEXT) = '' OR b.organization_id = $2)
			+ (SELECT COUNT(*) FROM budgets b WHERE CAST($1 AS TEXT) = '' OR b.organization_id = $2)
		FROM spends s WHERE CAST($1 AS TEXT) = '' OR s.organization_id = $2`, textOf(organization), nullable(organization)).Scan(&p.Spends, &p.Coins, &p.Cycles)
	if err != nil {
		return p, r.fail("count the ledger", err)
	}
	return p, nil
}

// ledgerKeptFrom is since when the ledger has every line.
func (r reader) ledgerKeptFrom(ctx context.Context) (at time.Time, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT MAX(last) FROM counters WHERE parent = 'ledger' AND noun = 'kept from'`).Scan(instant{&at})
	if err != nil {
		return at, r.fail("read since when the ledger is kept", err)
	}
	return at, nil
}

// ForgetSpends deletes the lines of the ledger from before a time, some at a
// time. A check of the ledger leaves out the cycles that began before.
func (s *Store) ForgetSpends(ctx context.Context, before time.Time) error {
	if err := s.room(); err != nil {
		return err
	}
	const most = 1000
	_, err := s.write.ExecContext(ctx, `INSERT INTO counters (parent, noun, last) VALUES ('ledger', 'kept from', $1)
		ON CONFLICT (parent, noun) DO UPDATE SET last = CASE WHEN excluded.last > counters.last THEN excluded.last ELSE counters.last END`, before.UnixMilli())
	if err != nil {
		return s.failed("note since when the ledger is kept", err)
	}
	for after := uuid.Nil; ; {
		organizations, err := every(ctx, s.reader, selection[uuid.UUID]{"list organizations", idTarget, `SELECT id FROM organizations WHERE id > $1 ORDER BY id LIMIT $2`}, after, 200)
		if err != nil || len(organizations) == 0 {
			return err
		}
		for _, id := range organizations {
			for n := int64(most); n == most; {
				result, err := s.write.ExecContext(ctx, `DELETE FROM spends WHERE id IN (SELECT id FROM spends WHERE organization_id = $1 AND at < $2 LIMIT $3)`, id, before.UnixMilli(), most)
				if err != nil {
					return s.failed("forget spends", err)
				}
				if n, err = result.RowsAffected(); err != nil {
					return s.failed("forget spends", err)
				}
			}
		}
		after = organizations[len(organizations)-1]
	}
}
