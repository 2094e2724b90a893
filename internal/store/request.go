package store

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/usage"
)

// callColumns is how many parameters a request takes.
const callColumns = 9

// saveCallsQuery is the statement that stores n requests. One that is there
// already stays as it is.
func saveCallsQuery(n int) string {
	var query strings.Builder
	query.WriteString(`INSERT INTO requests (id, organization_id, credential_id, at, method, path, status, address, user_agent) VALUES `)
	manyMarks(&query, n, callColumns)
	query.WriteString(` ON CONFLICT (credential_id, id) DO NOTHING`)
	return query.String()
}

// SaveCalls stores requests in one transaction. It may be repeated.
func (s *Store) SaveCalls(ctx context.Context, calls []usage.Call) error {
	if err := s.room(); err != nil {
		return err
	}
	if err := s.saveCalls(ctx, calls); err != nil {
		return s.failed("save requests", err)
	}
	return nil
}

func (s *Store) saveCalls(ctx context.Context, calls []usage.Call) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	all := bulk{tx, s.stmts.saveCalls, callColumns}
	err = all.save(ctx, len(calls), func(i int) []any {
		c := &calls[i]
		return []any{c.ID, nullable(c.Organization), c.Credential, c.At.UnixMilli(), c.Method, c.Path, c.Status, addressText(c.Address), c.UserAgent}
	})
	if err != nil {
		return err
	}
	return tx.Commit()
}

// Calls returns the requests of a credential before one of them (Nil: all), the
// latest first.
func (r reader) Calls(ctx context.Context, credential, before uuid.UUID, limit int) ([]usage.Call, error) {
	if before == uuid.Nil {
		before = uuid.Max
	}
	targets := func(c *usage.Call) []any {
		return []any{&c.ID, instant{&c.At}, &c.Method, &c.Path, &c.Status, address{&c.Address}, &c.UserAgent}
	}
	return list(ctx, r, selection[usage.Call]{"list requests", targets, `
		SELECT id, at, method, path, status, address, user_agent FROM requests
		WHERE credential_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`}, credential, before, limit)
}

// address scans an address; one that isn't known is invalid.
type address struct{ addr *netip.Addr }

// Scan implements sql.Scanner.
func (a address) Scan(src any) error {
	text, _ := src.(string)
	*a.addr, _ = netip.ParseAddr(text)
	return nil
}

// ForgetCalls deletes some of the requests that were made before a time, and
// says how many.
func (s *Store) ForgetCalls(ctx context.Context, before time.Time, most int) (int64, error) {
	return s.forget(ctx, "forget requests", `DELETE FROM requests WHERE (credential_id, id) IN
		(SELECT credential_id, id FROM requests WHERE at < $1 ORDER BY at LIMIT $2)`, before.UnixMilli(), most)
}
