package storetest

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Tables are the tables that hold what a store remembers.
var Tables = []string{
	"installation", "counters", "setup_codes", "console_sessions", "organizations", "users", "members", "projects", "project_members",
	"credentials", "trust_rules", "secrets", "credential_uses", "usage_days", "requests", "idempotency_keys", "audit_chains", "audit_events", "signing_keys", "marks",
	"sessions", "two_factor", "backup_codes", "links", "device_requests", "sign_in_attempts", "outbox", "invitations", "policies", "providers", "provider_domains", "provider_links",
	"campaigns", "testers", "tester_words", "campaign_issues", "tallies", "environments", "builds",
	"test_folders", "test_cases", "test_case_versions", "test_case_labels", "test_case_refs", "test_cycles", "test_executions", "test_runs", "test_results", "launches", "launch_items", "launch_logs",
	"run_uploads", "upload_batches", "tests",
	"virtual_users", "releases", "issues", "comments", "creations", "searchable", "artifacts",
	"issue_drafts", "issue_tags", "issue_tagged", "custom_fields",
	"budgets", "budget_cycles", "budget_totals", "spends", "nodes",
}

// Exec runs statements behind the store's back.
func Exec(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// Dump writes down every row of the tables, or of all tables, so that two
// states of a database can be compared and searched. Bytes are in hexadecimal.
func Dump(t testing.TB, db *sql.DB, tables ...string) string {
	t.Helper()
	if len(tables) == 0 {
		tables = Tables
	}
	var out strings.Builder
	for _, table := range tables {
		rows := dumpTable(t, db, table)
		slices.Sort(rows)
		fmt.Fprintf(&out, "%s\n%s\n", table, strings.Join(rows, "\n"))
	}
	return out.String()
}

func dumpTable(t testing.TB, db *sql.DB, table string) (lines []string) {
	t.Helper()
	rows, err := db.Query(`SELECT * FROM ` + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		var line strings.Builder
		for i, value := range values {
			if b, ok := value.([]byte); ok {
				value = hex.EncodeToString(b)
			}
			fmt.Fprintf(&line, "  %s=%v", columns[i], value)
		}
		lines = append(lines, line.String())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// Refuse makes the database fail every statement of a sort (INSERT, UPDATE or
// DELETE) on a table, until allow is called. On PostgreSQL it fails as if the
// disk were full.
func Refuse(t testing.TB, cfg store.Config, sort, table string) (allow func()) {
	t.Helper()
	db := Raw(t, cfg)
	if cfg.DatabaseURL == "" {
		Exec(t, db, `CREATE TRIGGER refuse BEFORE `+sort+` ON `+table+` BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
		return func() { t.Helper(); Exec(t, db, `DROP TRIGGER refuse`) }
	}
	Exec(t, db, `CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN RAISE EXCEPTION 'refused by the test' USING ERRCODE = '53100'; END $$`,
		`CREATE TRIGGER refuse BEFORE `+sort+` ON `+table+` FOR EACH ROW EXECUTE FUNCTION refuse()`)
	return func() { t.Helper(); Exec(t, db, `DROP TRIGGER refuse ON `+table) }
}

// Loosen takes the constraints off a table, so that rows can be damaged which
// the schema itself would protect. Stores open the database afterwards.
func Loosen(t testing.TB, cfg store.Config, table string) {
	t.Helper()
	db := Raw(t, cfg)
	if cfg.DatabaseURL == "" {
		loosenSQLite(t, db, table)
		return
	}
	for _, constraint := range texts(t, db, `SELECT conname FROM pg_constraint WHERE contype IN ('c', 'f') AND conrelid = $1::regclass`, table) {
		Exec(t, db, `ALTER TABLE `+table+` DROP CONSTRAINT "`+constraint+`"`)
	}
	for _, constraint := range texts(t, db, `SELECT conname FROM pg_constraint WHERE contype IN ('p', 'u') AND conrelid = $1::regclass`, table) {
		Exec(t, db, `ALTER TABLE `+table+` DROP CONSTRAINT "`+constraint+`" CASCADE`)
	}
	for _, index := range texts(t, db, `SELECT indexname FROM pg_indexes WHERE tablename = $1`, table) { // whose rows are bounded
		Exec(t, db, `DROP INDEX "`+index+`"`)
	}
	for _, column := range texts(t, db, `SELECT column_name::text FROM information_schema.columns WHERE table_name = $1`, table) {
		Exec(t, db, `ALTER TABLE `+table+` ALTER COLUMN `+column+` DROP IDENTITY IF EXISTS`, `ALTER TABLE `+table+` ALTER COLUMN `+column+` DROP NOT NULL`)
	}
}

// loosenSQLite copies a table into one whose columns have neither types nor
// constraints, and gives the copy its name.
func loosenSQLite(t testing.TB, db *sql.DB, table string) {
	t.Helper()
	db.SetMaxOpenConns(1) // the pragmas hold for one connection
	Exec(t, db, `PRAGMA foreign_keys = 0`, `PRAGMA legacy_alter_table = 1`,
		`CREATE TABLE loose AS SELECT * FROM `+table)
	var plain []string
	for _, column := range texts(t, db, `SELECT name FROM pragma_table_info($1)`, table) {
		plain = append(plain, `"`+column+`"`)
	}
	Exec(t, db, `ALTER TABLE loose RENAME TO copy`, `CREATE TABLE loose (`+strings.Join(plain, ", ")+`)`,
		`INSERT INTO loose SELECT * FROM copy`, `DROP TABLE copy`, `DROP TABLE `+table, `ALTER TABLE loose RENAME TO `+table)
}

func texts(t testing.TB, db *sql.DB, query, arg string) (list []string) {
	t.Helper()
	rows, err := db.Query(query, arg)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
