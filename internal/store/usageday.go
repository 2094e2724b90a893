package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/usage"
)

// totalColumns is how many parameters a total takes.
const totalColumns = 8

func totalRow(t *usage.Total) []any {
	return []any{t.Organization, t.Credential, t.Project, int64(t.Day), t.Resource, t.Outcome, t.Requests, t.Coins}
}

// saveTotalsQuery is the statement that adds n totals to what is stored.
func saveTotalsQuery(n int) string {
	var query strings.Builder
	query.WriteString(`INSERT INTO usage_days AS u (organization_id, credential_id, project_id, day, resource, outcome, requests, coins) VALUES `)
	manyMarks(&query, n, totalColumns)
	query.WriteString(` ON CONFLICT (organization_id, day, credential_id, project_id, resource, outcome) DO UPDATE SET
		requests = ` + sound("u.requests") + ` + excluded.requests, coins = ` + sound("u.coins") + ` + excluded.coins`)
	return query.String()
}

// sound is a number of a row, or nothing where it can't be one that was counted:
// with that nothing could be added up any more.
func sound(column string) string {
	return "CASE WHEN " + column + " BETWEEN 0 AND 1000000000000000000 THEN " + column + " ELSE 0 END"
}

// Dimension is something by which usage is told apart.
type Dimension string

// The dimensions, in the order of an export.
const (
	ByDay        Dimension = "day"
	ByCredential Dimension = "credential"
	ByProject    Dimension = "project"
	ByResource   Dimension = "resource"
	ByOutcome    Dimension = "outcome"
)

// dimensions are their columns. They have the name of the table before them: in
// ORDER BY a name alone is that of the text that is read.
var dimensions = map[Dimension]string{
	ByDay: "u.day", ByCredential: "u.credential_id", ByProject: "u.project_id", ByResource: "u.resource", ByOutcome: "u.outcome",
}

// value is a key of a dimension as an argument.
func (d Dimension) value(key string) (any, error) {
	switch d {
	case ByDay:
		day, err := time.Parse(time.DateOnly, key)
		return int64(usage.DayOf(day)), err
	case ByCredential, ByProject:
		return uuid.Parse(key)
	}
	return key, nil
}

// key shows a value of a dimension, as it was read.
func (d Dimension) key(value string) (string, error) {
	switch d {
	case ByDay:
		day, err := strconv.ParseInt(value, 10, 32)
		return usage.Day(day).String(), err
	case ByCredential, ByProject:
		_, err := uuid.Parse(value)
		return value, err
	}
	if !utf8.ValidString(value) {
		return "", fmt.Errorf("a %s is not UTF-8", d)
	}
	return value, nil
}

// UsageFilter chooses usage of one organization (Nil: of the installation's own
// credentials) and says by what it is told apart. Empty fields choose all.
type UsageFilter struct {
	Organization        uuid.UUID
	From, Until         usage.Day // from, and before
	Credential, Project uuid.UUID
	Credentials         []uuid.UUID // any of them
	User                uuid.UUID   // whose credentials they are
	Resource, Outcome   string
	By                  []Dimension
	After               []string // the keys of the last row of the page before
	Limit               int
}

// Usage is how many requests there were, and what was paid for them. Keys has
// one for each dimension that was asked for.
type Usage struct {
	Keys            []string
	Requests, Coins int64
}

// where is the condition of a filter, with its arguments.
func (f *UsageFilter) where() (string, []any) {
	var query strings.Builder
	query.WriteString(` FROM usage_days u WHERE organization_id = $1 AND day >= $2 AND day < $3`)
	args := []any{f.Organization, int64(f.From), int64(f.Until)}
	equal := func(column string, value any) {
		args = append(args, value)
		fmt.Fprintf(&query, " AND %s = $%d", column, len(args))
	}
	if f.Credential != uuid.Nil {
		equal("credential_id", f.Credential)
	}
	if len(f.Credentials) > 0 {
		query.WriteString(" AND credential_id IN " + places(len(args)+1, len(f.Credentials)))
		for _, id := range f.Credentials {
			args = append(args, id)
		}
	}
	if f.Project != uuid.Nil {
		equal("project_id", f.Project)
	}
	if f.Resource != "" {
		equal("resource", f.Resource)
	}
	if f.Outcome != "" {
		equal("outcome", f.Outcome)
	}
	if f.User != uuid.Nil {
		args = append(args, f.User)
		fmt.Fprintf(&query, " AND credential_id IN (SELECT id FROM credentials WHERE organization_id = $1 AND user_id = $%d)", len(args))
	}
	return query.String(), args
}

// sums are the totals of a group, as whole numbers.
func sums() string {
	return `CAST(COALESCE(SUM(` + sound("requests") + `), 0) AS BIGINT), CAST(COALESCE(SUM(` + sound("coins") + `), 0) AS BIGINT)`
}

// Usage returns a page of what a filter chooses, in the order of its keys.
func (r reader) Usage(ctx context.Context, f UsageFilter) ([]Usage, error) {
	columns, shown := make([]string, len(f.By)), make([]string, len(f.By))
	for i, d := range f.By {
		columns[i] = dimensions[d]
		shown[i] = "CAST(" + columns[i] + " AS TEXT)"
	}
	if len(f.After) > 0 && f.By[0] == ByDay { // nothing before is read then
		day, err := time.Parse(time.DateOnly, f.After[0])
		if err != nil {
			return nil, credential.InvalidField("cursor", "is not one that this list returned")
		}
		f.From = max(f.From, usage.DayOf(day))
	}
	where, args := f.where()
	by := "u.organization_id, " + strings.Join(columns, ", ") // as the table is ordered
	if len(f.After) > 0 {
		where += " AND (" + by + ") > ($1, " + places(len(args)+1, len(f.By))[1:]
		for i, d := range f.By {
			value, err := d.value(f.After[i])
			if err != nil {
				return nil, credential.InvalidField("cursor", "is not one that this list returned")
			}
			args = append(args, value)
		}
	}
	query := `SELECT ` + strings.Join(shown, ", ") + `, ` + sums() + where + fmt.Sprintf(" GROUP BY %s ORDER BY %s LIMIT $%d", by, by, len(args)+1)
	targets := func(u *Usage) []any {
		u.Keys = make([]string, len(f.By))
		list := make([]any, 0, len(f.By)+2)
		for i, d := range f.By {
			list = append(list, dimensionKey{&u.Keys[i], d})
		}
		return append(list, &u.Requests, &u.Coins)
	}
	return list(ctx, r, selection[Usage]{"list usage", targets, query}, append(args, f.Limit)...)
}

// dimensionKey scans the key of a row.
type dimensionKey struct {
	text *string
	of   Dimension
}

// Scan implements sql.Scanner.
func (k dimensionKey) Scan(src any) (err error) {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("a %s is kept as text, not %T", k.of, src)
	}
	*k.text, err = k.of.key(text)
	return err
}

// TotalUsage is all that a filter chooses, on whatever page.
func (r reader) TotalUsage(ctx context.Context, f UsageFilter) (u Usage, err error) {
	where, args := f.where()
	if err := r.q.QueryRowContext(ctx, `SELECT `+sums()+where, args...).Scan(&u.Requests, &u.Coins); err != nil {
		return u, r.fail("add usage up", err)
	}
	return u, nil
}

// ForgetUsage deletes some of the usage of days before one, and says how many
// rows of it there were.
func (s *Store) ForgetUsage(ctx context.Context, before usage.Day, most int) (int64, error) {
	const key = `organization_id, day, credential_id, project_id, resource, outcome`
	return s.forget(ctx, "forget usage", `DELETE FROM usage_days WHERE (`+key+`) IN
		(SELECT `+key+` FROM usage_days WHERE day < $1 ORDER BY day LIMIT $2)`, int64(before), most)
}

// forget deletes rows and counts them.
func (s *Store) forget(ctx context.Context, op, query string, args ...any) (int64, error) {
	result, err := s.write.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, s.failed(op, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, s.failed(op, err)
	}
	return n, nil
}
