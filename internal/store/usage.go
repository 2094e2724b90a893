package store

import (
	"context"
	"database/sql"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/usage"
)

// useBatches are the numbers of uses that one statement saves, the largest first.
// Larger ones cost more: the driver looks each parameter up among all of them.
var useBatches = []int{25, 5, 1}

// SaveUsage stores a batch in one transaction, once: the latest use of each
// credential, with how many there were, and how many requests there were of each
// kind. An older use never replaces a newer one, whichever node saw it. After an
// error nobody knows whether it was saved; it is saved again as it was. Its
// name is kept until a time.
func (s *Store) SaveUsage(ctx context.Context, b usage.Batch, until time.Time) error {
	if err := s.room(); err != nil {
		return err
	}
	if err := s.saveUsage(ctx, &b, until); err != nil {
		return s.failed("save what credentials were used for", err)
	}
	return nil
}

func (s *Store) saveUsage(ctx context.Context, b *usage.Batch, until time.Time) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	fresh, err := tx.ExecContext(ctx, `INSERT INTO marks (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, b.ID[:], until.UnixMilli())
	if err != nil {
		return err
	}
	if n, err := fresh.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM marks WHERE id = $1`, b.Before[:]); err != nil {
		return err
	}
	uses := bulk{tx, s.stmts.saveUses, useColumns}
	if err := uses.save(ctx, len(b.Uses), func(i int) []any { return useRow(&b.Uses[i]) }); err != nil {
		return err
	}
	totals := bulk{tx, s.stmts.saveTotals, totalColumns}
	if err := totals.save(ctx, len(b.Totals), func(i int) []any { return totalRow(&b.Totals[i]) }); err != nil {
		return err
	}
	return tx.Commit()
}

// bulk saves rows by statements that take some of them at once.
type bulk struct {
	tx      *sql.Tx
	stmts   map[int]*sql.Stmt
	columns int
}

func (b bulk) save(ctx context.Context, n int, row func(i int) []any) error {
	args := make([]any, 0, b.columns*useBatches[0])
	done := 0
	for _, size := range useBatches {
		stmt := b.tx.StmtContext(ctx, b.stmts[size])
		for ; n-done >= size; done += size {
			args = args[:0]
			for i := range size {
				args = append(args, row(done+i)...)
			}
			if _, err := stmt.ExecContext(ctx, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

func useRow(u *usage.Use) []any {
	return []any{u.Credential, u.At.UnixMilli(), addressText(u.Address), u.UserAgent, u.Requests}
}

// addressText writes an address; an unknown one is empty.
func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// useColumns is how many parameters a use takes.
const useColumns = 5

// saveUsesQuery is the statement that saves n uses.
func saveUsesQuery(n int) string {
	var query strings.Builder
	query.WriteString(`INSERT INTO credential_uses AS c (credential_id, used_at, address, user_agent, requests) VALUES `)
	manyMarks(&query, n, useColumns)
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
