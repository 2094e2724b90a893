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

// SaveUses stores the latest use of each credential, many in a transaction. An
// older use never replaces a newer one, whichever node saw it.
func (s *Store) SaveUses(ctx context.Context, uses []usage.Use) error {
	if err := s.room(); err != nil {
		return err
	}
	const most = 2000 // in one transaction, so that others get their turn
	// In one order on every node, so that two of them never deadlock.
	slices.SortFunc(uses, func(a, b usage.Use) int { return bytes.Compare(a.Credential[:], b.Credential[:]) })
	for batch := range slices.Chunk(uses, most) {
		if err := s.saveUses(ctx, batch); err != nil {
			return s.failed("save when credentials were used", err)
		}
	}
	return nil
}

func (s *Store) saveUses(ctx context.Context, uses []usage.Use) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	args := make([]any, 0, 4*useBatches[0])
	for _, n := range useBatches {
		stmt := tx.StmtContext(ctx, s.stmts.saveUses[n])
		for ; len(uses) >= n; uses = uses[n:] {
			args = args[:0]
			for _, u := range uses[:n] {
				address := ""
				if u.Address.IsValid() {
					address = u.Address.String()
				}
				args = append(args, u.Credential, u.At.UnixMilli(), address, u.UserAgent)
			}
			if _, err := stmt.ExecContext(ctx, args...); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

// saveUsesQuery is the statement that saves n uses.
func saveUsesQuery(n int) string {
	var query strings.Builder
	query.WriteString(`INSERT INTO credential_uses (credential_id, used_at, address, user_agent) VALUES `)
	for i := range n {
		if i > 0 {
			query.WriteString(", ")
		}
		fmt.Fprintf(&query, "($%d, $%d, $%d, $%d)", 4*i+1, 4*i+2, 4*i+3, 4*i+4)
	}
	query.WriteString(` ON CONFLICT (credential_id) DO UPDATE
		SET used_at = excluded.used_at, address = excluded.address, user_agent = excluded.user_agent
		WHERE excluded.used_at >= credential_uses.used_at`)
	return query.String()
}

// Use returns the latest stored use of a credential; zero if there is none.
func (s *Store) Use(ctx context.Context, id uuid.UUID) (u credential.Use, err error) {
	var address string
	err = s.q.QueryRowContext(ctx, `SELECT used_at, address, user_agent FROM credential_uses WHERE credential_id = $1`, id).
		Scan(instant{&u.At}, &address, &u.UserAgent)
	if errors.Is(err, sql.ErrNoRows) {
		return credential.Use{}, nil
	}
	if err != nil {
		return credential.Use{}, s.failed("read when a credential was used", err)
	}
	u.Address, _ = netip.ParseAddr(address) // invalid when it wasn't known
	return u, nil
}
