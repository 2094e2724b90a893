package rest_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// tables lists the tables of either database.
const (
	sqliteTables   = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`
	postgresTables = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name`
)

// used are the tables of what was used and paid, which reading changes too.
var used = map[string]bool{"credential_uses": true, "usage_days": true, "requests": true, "budgets": true, "budget_totals": true, "spends": true}

// lastBatch is the mark of the last batch of uses that was stored, which ends
// with a small number.
var lastBatch = regexp.MustCompile(`0{10}[0-9a-f]{6}\|`)

// checksum is everything that the database holds, as text, but for what was
// used.
func (w *world) checksum(t testing.TB) string {
	t.Helper()
	db := storetest.Raw(t, w.cfg)
	defer db.Close()
	query := sqliteTables
	if w.cfg.DatabaseURL != "" {
		query = postgresTables
	}
	var out strings.Builder
	for _, table := range rowsOf(t, db, query) {
		name := strings.Trim(table, "|")
		if used[name] {
			continue
		}
		rows := rowsOf(t, db, "SELECT * FROM "+name)
		if name == "marks" {
			rows = slices.DeleteFunc(rows, lastBatch.MatchString)
		}
		slices.Sort(rows)
		for _, row := range rows {
			fmt.Fprintf(&out, "%s %s\n", table, row)
		}
	}
	return out.String()
}

// rowsOf reads a query, each row as a line.
func rowsOf(t testing.TB, db *sql.DB, query string) (lines []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		line := ""
		for _, v := range values {
			if raw, ok := v.([]byte); ok {
				v = fmt.Sprintf("%x", raw)
			}
			line += fmt.Sprintf("%v|", v)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// difference is the lines that only one of two texts has.
func difference(before, after string) string {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	var out strings.Builder
	for _, line := range old {
		if !slices.Contains(now, line) {
			fmt.Fprintln(&out, "-", line)
		}
	}
	for _, line := range now {
		if !slices.Contains(old, line) {
			fmt.Fprintln(&out, "+", line)
		}
	}
	return out.String()
}

// A checksum that sees no change would prove nothing.
func TestChecksumSeesChanges(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	before := w.checksum(t)
	if !strings.Contains(before, w.records["key"].ID) {
		t.Error("the checksum covers no credentials")
	}
	w.must(t, "PATCH", "/v1/credentials/"+w.records["key"].ID, map[string]string{"name": "changed"}, nil)
	if w.checksum(t) == before {
		t.Error("the checksum doesn't see a new name")
	}
}
