package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/usage"
)

// useBatches are the numbers of uses that one statement saves, the largest first.
// Larger ones cost more: the driver looks each parameter up among all of them.
var useBatches = []int{25, 5, 1}

// SaveUses stores the latest use of each credential, many in a transaction, and
// adds up how many there were. An older use never replaces a newer one,
// whichever node saw it. It puts the uses in an order of its own, and returns
// how many of the first it has saved.
func (s *Store) SaveUses(ctx context.Context, uses []usage.Use) (saved int, err error) {
	if err := s.room(); err != nil {
		return 0, err
	}
	const most = 2000 // in one transaction, so that others get their turn
	// In one order on every node, so that two of them never deadlock.
	slices.SortFunc(uses, func(a, b usage.Use) int { return bytes.Compare(a.Credential[:], b.Credential[:]) })
	for batch := range slices.Chunk(uses, most) {
		if err := s.saveUses(ctx, batch); err != nil {
			return saved, s.failed("save when credentials were used", err)
		}
		saved += len(batch)
	}
	return saved, nil
}

func (s *Store) saveUses(ctx context.Context, uses []usage.Use) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	args := make([]any, 0, useColumns*useBatches[0])
	for _, n := range useBatches {
		stmt := tx.StmtContext(ctx, s.stmts.saveUses[n])
		for ; len(uses) >= n; uses = uses[n:] {
			args = args[:0]
			for _, u := range uses[:n] {
				address := ""
				if u.Address.IsValid() {
					address = u.Address.String()
				}
				args = append(args, u.Credential, u.At.UnixMilli(), address, u.UserAgent, u.Requests)
			}
			if _, err := stmt.ExecContext(ctx, args...); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

// useColumns is how many parameters a use takes.
const useColumns = 5

// saveUsesQuery is the statement that saves n uses.
func saveUsesQuery(n int) string {
	var query strings.Builder
	query.WriteString(`INSERT INTO credential_uses AS c (credential_id, used_at, address, user_agent, requests) VALUES `)
	for i := range n {
		if i > 0 {
			query.WriteString(", ")
		}
		first := useColumns*i + 1
		fmt.Fprintf(&query, "($%d, $%d, $%d, $%d, $%d)", first, first+1, first+2, first+3, first+4)
	}
	query.WriteString(` ON CONFLICT (credential_id) DO UPDATE SET
		requests = c.requests + excluded.requests,
		used_at = CASE WHEN excluded.used_at >= c.used_at THEN excluded.used_at ELSE c.used_at END,
		address = CASE WHEN excluded.used_at >= c.used_at THEN excluded.address ELSE c.address END,
		user_agent = CASE WHEN excluded.used_at >= c.used_at THEN excluded.user_agent ELSE c.user_agent END`)
	return query.String()
}

// Use returns the latest stored use of a credential; zero if there is none.
func (r reader) Use(ctx context.Context, id uuid.UUID) (u credential.Use, err error) {
	var address string
	err = r.q.QueryRowContext(ctx, `SELECT used_at, address, user_agent, requests FROM credential_uses WHERE credential_id = $1`, id).
		Scan(instant{&u.At}, &address, &u.UserAgent, &u.Requests)
	if errors.Is(err, sql.ErrNoRows) {
		return credential.Use{}, nil
	}
	if err != nil {
		return credential.Use{}, r.fail("read when a credential was used", err)
	}
	u.Address, _ = netip.ParseAddr(address) // invalid when it wasn't known
	return u, nil
}
