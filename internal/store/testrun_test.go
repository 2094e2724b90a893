package store_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// Uploads that were stored before runs had numbers are runs like others, and the
// next one goes on counting.
func TestOldUploadsAreRuns(t *testing.T) {
	t.Parallel()
	storetest.EachEmpty(t, func(t *testing.T, cfg store.Config) {
		db := migratedTo(t, cfg, 26)
		organization, one, two := newID(t), newID(t), newID(t)
		hash := map[bool]string{true: `zeroblob(32)`, false: `decode(repeat('00', 32), 'hex')`}[cfg.DatabaseURL == ""]
		statements := []string{fmt.Sprintf(`INSERT INTO organizations (id, number, name, created_at) VALUES ('%s', 1, 'Old', 1)`, organization)}
		var runs []uuid.UUID
		for i, p := range []uuid.UUID{one, two} {
			statements = append(statements,
				fmt.Sprintf(`INSERT INTO projects (id, number, organization_id, organization_number, name, created_at) VALUES ('%s', %d, '%s', %[2]d, 'Old', 7)`, p, i+1, organization),
				fmt.Sprintf(`INSERT INTO test_cycles (id, project_id, number, version, name, description, status, total, passed, failed, blocked, skipped, created_at, updated_at)
					VALUES ('%s', '%[1]s', 1, 1, 'Master', '', 'in_progress', 0, 0, 0, 0, 0, 7, 7)`, p))
			for n := range 2 {
				run := newID(t)
				runs = append(runs, run)
				statements = append(statements,
					fmt.Sprintf(`INSERT INTO test_runs (id, project_id, cycle_id, run_key, attempt, build_id, request, total, passed, failed, blocked, skipped, matched, created_at)
						VALUES ('%s', '%s', '%[2]s', 'key', %d, '', %s, 3, 1, %[5]d, 0, 0, 0, 9)`, run, p, n+1, hash, n),
					fmt.Sprintf(`INSERT INTO test_results (run_id, position, name, class_name, status, duration_ms, message) VALUES ('%s', 0, 'old', '', 'pass', 1, '')`, run))
			}
		}
		storetest.Exec(t, db, append(statements, `INSERT INTO counters (parent, noun, last) VALUES ('installation', 'organization', 1), ('installation', 'project', 2)`)...)
		st := storetest.Open(t, cfg)
		for i, id := range runs {
			run, err := st.ProjectTestRun(t.Context(), []uuid.UUID{one, two}[i/2], id)
			if err != nil {
				t.Fatal(err)
			}
			want := []string{store.RunPassed, store.RunFailed}[i%2]
			if run.Number != int64(i%2+1) || run.Status != want || run.Source != "results" || run.Stored != 3 || run.FinishedAt.UnixMilli() != 9 || run.Ignored() != int64(2-i%2) {
				t.Errorf("an old upload is %+v, want number %d, %s", run, i%2+1, want)
			}
			if results, err := st.TestResults(t.Context(), id, 0, 10); err != nil || len(results) != 1 || results[0].Test != uuid.Nil {
				t.Errorf("its results are %+v, %v", results, err)
			}
		}
		next := &store.TestRun{ID: newID(t), Project: one, Cycle: one, Attempt: 1, Source: "results", Status: store.RunInProgress, SkippedAs: "skipped", Shards: 1, Request: make([]byte, 32), CreatedAt: noon}
		newProject(t, st) // in an organization that has a chain
		err := st.Quietly(t.Context(), func(tx *store.Tx) error { return tx.InsertTestRun(t.Context(), next) })
		if err != nil || next.Number != 3 {
			t.Errorf("the next run has the number %d, %v; want 3", next.Number, err)
		}
	})
}

// What is asked for with every batch and every page is looked up by an index,
// and never by going through a history or a run.
func TestResultsAreLookedUp(t *testing.T) {
	t.Parallel()
	cfg := storetest.SQLite(t)
	db := storetest.Raw(t, cfg)
	const both = "test_results_test (test_id=? AND run_id=?)"
	for query, want := range map[string][]string{
		`SELECT k.id, (SELECT x.status FROM test_runs r CROSS JOIN test_results x WHERE x.test_id = k.id AND x.run_id = r.id AND r.project_id = $1 AND r.commit_hash = $2
			AND r.updated_at >= $3 AND x.stored_at >= $3 AND x.status IN ('pass', 'fail') ORDER BY x.stored_at DESC, x.run_id DESC, x.position DESC LIMIT 1)
			FROM tests k WHERE k.id IN (VALUES ('a'), ('b'))`: {both, "test_runs_commit (project_id=? AND commit_hash=?)", "USING PRIMARY KEY (id=?)"},
		`SELECT position FROM (VALUES ('a'), ('b')) AS k CROSS JOIN test_results WHERE test_id = k.column1 AND run_id = $1 AND NOT retried ORDER BY position`: {both},
		`SELECT x.position FROM test_results x JOIN test_runs r ON r.id = x.run_id WHERE x.test_id = $1 AND NOT x.also AND (x.run_id, x.position) < ($3, $4)
			ORDER BY x.run_id DESC, x.position DESC LIMIT $2`: {"test_results_test (test_id=? AND "},
		`SELECT x.test_id, x.message FROM test_results x WHERE x.run_id = $1 AND x.status = 'fail' AND NOT x.retried AND NOT x.also AND x.test_id IS NOT NULL AND NOT EXISTS
			(SELECT 1 FROM test_results o WHERE o.test_id = x.test_id AND o.run_id = $2 AND o.status = 'fail' AND NOT o.retried) ORDER BY x.position LIMIT $3`: {"test_results_failed (run_id=? AND status=?)", "SEARCH o USING INDEX " + both},
		`SELECT COUNT(*) FROM test_results x WHERE x.run_id = $1 AND NOT x.retried AND NOT x.also AND x.test_id IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM test_results o WHERE o.test_id = x.test_id AND o.run_id = $2)`: {"x USING PRIMARY KEY (run_id=?)", "SEARCH o USING COVERING INDEX " + both},
	} {
		plan := plan(t, db, query)
		for _, part := range want {
			if !strings.Contains(plan, part) {
				t.Errorf("%s\nplan:\n%swant %s", query, plan, part)
			}
		}
	}
}

// plan is how SQLite runs a query.
func plan(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	args := make([]any, strings.Count(query, "$"))
	for i := range args {
		args[i] = i
	}
	most := 0
	for i := range 9 {
		if strings.Contains(query, fmt.Sprint("$", i)) {
			most = i
		}
	}
	rows, err := db.Query(`EXPLAIN QUERY PLAN `+query, args[:most]...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		out.WriteString(detail + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
