package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// selection is a query whose rows are values of one type.
type selection[T any] struct {
	op      string // for errors
	targets func(*T) []any
	query   string
}

// mostDamaged bounds how many damaged rows a list looks past.
const mostDamaged = 1000

// list runs a selection and scans each row into a value of its own. A row that
// can't be read is logged and left out, and the one behind it takes its place:
// what is damaged hides nothing else.
func list[T any](ctx context.Context, r reader, s selection[T], args ...any) ([]T, error) {
	place, want := limitOf(s.query, args)
	for asked := want; ; {
		out, lost, err := scan(ctx, r, s, args)
		if err != nil {
			return nil, err
		}
		full := len(out)+len(lost) >= asked
		if len(lost) > 0 && place >= 0 && full && len(out) < want && len(lost) < mostDamaged {
			asked, args = want+len(lost), slices.Clone(args)
			args[place] = asked
			continue
		}
		for _, row := range lost {
			r.log.Error("a damaged row is left out of a list", "list", s.op, "row", row.id, "error", row.err)
		}
		if place >= 0 && len(out) > want {
			out = out[:want]
		}
		return out, nil
	}
}

// every is list where no row may be missing, because something is done to all
// of them: one that can't be read is an error.
func every[T any](ctx context.Context, r reader, s selection[T], args ...any) ([]T, error) {
	out, lost, err := scan(ctx, r, s, args)
	if err == nil && len(lost) > 0 {
		err = r.fail(s.op, fmt.Errorf("row %s: %w", lost[0].id, lost[0].err))
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// damagedRow is a row that can't be read: what its first column says, and why.
type damagedRow struct {
	id  string
	err error
}

func scan[T any](ctx context.Context, r reader, s selection[T], args []any) (out []T, lost []damagedRow, err error) {
	rows, err := r.q.QueryContext(ctx, s.query, args...)
	if err != nil {
		return nil, nil, r.fail(s.op, err)
	}
	defer rows.Close()
	for rows.Next() {
		var item T
		targets := s.targets(&item)
		damage := rows.Scan(targets...)
		if damage == nil {
			damage = checkTexts(targets)
		}
		if damage == nil {
			out = append(out, item)
			continue
		}
		if late := cmp.Or(rows.Err(), ctx.Err()); late != nil {
			return nil, nil, r.fail(s.op, late)
		}
		lost = append(lost, damagedRow{firstColumn(rows, len(targets)), damage})
	}
	if err := rows.Err(); err != nil {
		return nil, nil, r.fail(s.op, err)
	}
	return out, lost, nil
}

// checkTexts is an error where a scanned text is not UTF-8, which SQLite would
// store and no answer can hold.
func checkTexts(targets []any) error {
	for i, target := range targets {
		text := ""
		switch v := reflect.Indirect(reflect.ValueOf(target)); {
		case v.Kind() == reflect.String:
			text = v.String()
		case v.Type() == reflect.TypeFor[sql.NullString]():
			text = v.Field(0).String()
		}
		if !utf8.ValidString(text) {
			return fmt.Errorf("column index %d is not UTF-8", i)
		}
	}
	return nil
}

// firstColumn is what a row begins with, which mostly is its id.
func firstColumn(rows *sql.Rows, columns int) string {
	values, targets := make([]any, columns), make([]any, columns)
	for i := range values {
		targets[i] = &values[i]
	}
	if err := rows.Scan(targets...); err != nil {
		return ""
	}
	if b, ok := values[0].([]byte); ok {
		values[0] = fmt.Sprintf("%x", b[:min(len(b), 64)])
	}
	return fmt.Sprintf("%.64v", values[0])
}

// limitOf is the argument that bounds the rows of a query, and its place; -1
// where there is none.
func limitOf(query string, args []any) (place, limit int) {
	_, after, _ := strings.Cut(query, "LIMIT $")
	digits := strings.IndexFunc(after+" ", func(c rune) bool { return c < '0' || c > '9' })
	n, err := strconv.Atoi(after[:digits])
	if err != nil || n > len(args) {
		return -1, 0
	}
	limit, ok := args[n-1].(int)
	if !ok {
		return -1, 0
	}
	return n - 1, limit
}
