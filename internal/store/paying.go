package store

import (
	"context"
	"database/sql"
	"strings"
)

// The statements of every batch of payments.
const (
	spentQuery = `UPDATE budgets SET cycle = $2, topped_up = $3, used = $4, events = $5, reached = $6, told = $7 WHERE id = $1`
	totalQuery = `
		INSERT INTO budget_totals AS t (budget_id, cycle, operation, used, events) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (budget_id, cycle, operation) DO UPDATE SET used = t.used + excluded.used, events = t.events + excluded.events`
	pastQuery = `INSERT INTO budget_cycles (budget_id, cycle, coins, topped_up, used, events) VALUES ($1, $2, $3, $4, $5, $6)`
)

// spendArgs is how many parameters a line of the ledger takes.
const spendArgs = 14

// linesQuery writes n lines of the ledger.
func linesQuery(n int) string {
	var b strings.Builder
	b.WriteString(`INSERT INTO spends (id, organization_id, project_id, credential_id, user_id, at, cost, reserved, operation, resource, organization_cycle, project_cycle, credential_cycle, repeat_key) VALUES `)
	for row := range n {
		if row > 0 {
			b.WriteString(", ")
		}
		marks(&b, row*spendArgs+1, spendArgs)
	}
	return b.String()
}

// lines is a statement that writes so many lines of the ledger.
type lines struct {
	n     int
	query string
}

// linesQueries are the statements that write lines, of the most first. The
// driver of SQLite looks each parameter up among all of them, and is faster
// with few.
func (s *Store) linesQueries() (out []lines) {
	numbers := []int{64, 16, 4, 1}
	if s.exclusive {
		numbers = []int{4, 1}
	}
	for _, n := range numbers {
		out = append(out, lines{n, linesQuery(n)})
	}
	return out
}

// statement is one to run, with its arguments.
type statement struct {
	query string
	args  []any
}

// oneByOne runs the statements of a ledger one after the other.
func oneByOne(ctx context.Context, l *ledger) error {
	for _, st := range l.statements {
		if _, err := l.t.q.ExecContext(ctx, st.query, st.args...); err != nil {
			return err
		}
	}
	return nil
}

// mostHeld is up to how many budgets of a batch a statement is prepared for.
const mostHeld = 8

// preparePay has SQLite understand the statements of payments once. For
// PostgreSQL the driver does that by itself, on each connection.
func (s *Store) preparePay(ctx context.Context) (err error) {
	s.stmts.lines = s.linesQueries()
	if !s.exclusive {
		return nil
	}
	queries := []string{spentQuery, totalQuery}
	for _, of := range s.stmts.lines {
		queries = append(queries, of.query)
	}
	for n := 1; n <= mostHeld; n *= 2 {
		queries = append(queries, s.heldQuery(s.idList(1, n)))
	}
	for n := 1; n <= mostKeys; n *= 2 {
		queries = append(queries, repeatsQuery(n))
	}
	s.stmts.pay = make(map[string]*sql.Stmt, len(queries))
	for _, query := range queries {
		if s.stmts.pay[query], err = s.purse.PrepareContext(ctx, query); err != nil {
			return s.failed("prepare to pay", err)
		}
	}
	return nil
}

// prepared is a transaction that runs the statements that were prepared before
// it began, and any other.
type prepared struct {
	*sql.Tx
	stmts map[string]*sql.Stmt
}

// QueryContext runs a query.
func (p prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := p.stmts[query]; stmt != nil {
		return p.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	}
	return p.Tx.QueryContext(ctx, query, args...)
}

// ExecContext runs a statement.
func (p prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt := p.stmts[query]; stmt != nil {
		return p.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	}
	return p.Tx.ExecContext(ctx, query, args...)
}
