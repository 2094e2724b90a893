package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// What one statement reads or changes by id, and what it inserts, at most. Both
// are powers of two, like all smaller numbers that are used: so there are few
// statements, which a database needs to understand once.
const (
	mostNamed    = 256
	mostInserted = 64
)

// marks writes the parameters from $first on as a row.
func marks(b *strings.Builder, first, n int) {
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(first + i))
	}
	b.WriteByte(')')
}

// manyMarks writes the parameters of n rows, from the first on.
func manyMarks(b *strings.Builder, n, columns int) {
	for row := range n {
		if row > 0 {
			b.WriteString(", ")
		}
		marks(b, row*columns+1, columns)
	}
}

// places is marks by itself.
func places(first, n int) string {
	var b strings.Builder
	marks(&b, first, n)
	return b.String()
}

// named is a part of many rows: a query of their ids, and all arguments of the
// statement. Joined with a table, it is looked up there id by id or hashed;
// PostgreSQL would compare a list of parameters one by one with every row.
type named struct {
	list string
	args []any
}

// inParts has a statement run for each part of many ids, behind the arguments
// that all parts have in common. The last id fills up the last part.
func (r reader) inParts(ids []uuid.UUID, run func(named) error, common ...any) error {
	for len(ids) > 0 {
		n := 1
		for n < len(ids) && n < mostNamed {
			n *= 2
		}
		part := ids[:min(n, len(ids))]
		ids = ids[len(part):]
		args := append(make([]any, 0, len(common)+n), common...)
		for i := range n {
			args = append(args, part[min(i, len(part)-1)])
		}
		if err := run(named{r.idList(len(common)+1, n), args}); err != nil {
			return err
		}
	}
	return nil
}

// idList writes parameters from $first on as a query of n ids.
func (r reader) idList(first, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "VALUES (CAST($%d AS %s))", first, r.idType)
	for i := range n - 1 {
		b.WriteString(", ")
		marks(&b, first+1+i, 1)
	}
	return b.String()
}

// inserts stores the rows that are added to it, many in a statement.
type inserts struct {
	t       *Tx
	op      string // for errors
	into    string // the table with its columns
	columns int
	then    string    // what stands behind the rows; empty for nothing
	most    int       // rows in a statement; 0 is mostInserted
	args    []any     // of the rows that wait
	full    *sql.Stmt // of as many rows as a statement has
}

// add takes a row in, and stores what waits when it is enough.
func (i *inserts) add(ctx context.Context, row ...any) (err error) {
	i.args = append(i.args, row...)
	i.most = cmp.Or(i.most, mostInserted)
	if len(i.args) < i.most*i.columns {
		return nil
	}
	if i.full == nil { // which the transaction closes
		if i.full, err = i.t.tx.PrepareContext(ctx, i.query(i.most)); err != nil {
			return i.t.fail(i.op, err)
		}
	}
	if _, err := i.full.ExecContext(ctx, i.args...); err != nil {
		return i.t.fail(i.op, err)
	}
	i.args = i.args[:0]
	return nil
}

// done stores the rows that wait still.
func (i *inserts) done(ctx context.Context) error {
	for n := i.most / 2; n > 0; n /= 2 {
		if len(i.args) < n*i.columns {
			continue
		}
		if _, err := i.t.q.ExecContext(ctx, i.query(n), i.args[:n*i.columns]...); err != nil {
			return i.t.fail(i.op, err)
		}
		i.args = i.args[n*i.columns:]
	}
	return nil
}

// query is the statement that stores n rows.
func (i *inserts) query(n int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + i.into + " VALUES ")
	if i.t.unnumbered {
		row := strings.Repeat(", ?", i.columns)[2:]
		b.WriteString("(" + row + strings.Repeat("), ("+row, n-1) + ")")
	} else {
		manyMarks(&b, n, i.columns)
	}
	return b.String() + i.then
}
