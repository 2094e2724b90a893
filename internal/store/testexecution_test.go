package store_test

import (
	"fmt"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// References that were stored before all were compared in one spelling are found
// by either, and stand for a case once.
func TestReferencesInOneSpelling(t *testing.T) {
	t.Parallel()
	storetest.EachEmpty(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		db := migratedTo(t, cfg, 15)
		organization, project, tc := newID(t), newID(t), newID(t)
		statements := []string{
			fmt.Sprintf(`INSERT INTO organizations (id, number, name, created_at) VALUES ('%s', 1, 'Old', 1)`, organization),
			fmt.Sprintf(`INSERT INTO projects (id, number, organization_id, organization_number, name, created_at, test_cases) VALUES ('%s', 1, '%s', 1, 'Old', 7, 1)`, project, organization),
			fmt.Sprintf(`INSERT INTO test_cases (id, project_id, number, version, title, description, preconditions, steps, labels, automation_refs, priority, type, status, created_at, updated_at)
				VALUES ('%s', '%s', 1, 1, 'Old', '', '', '[]', '[]', '[]', 2, 'functional', 'draft', 1, 1)`, tc, project),
		}
		for _, ref := range []string{"a.py::B::c::d", "a.py:B.c.d", "x::y", "plain.test"} {
			statements = append(statements, fmt.Sprintf(`INSERT INTO test_case_refs (project_id, ref, number) VALUES ('%s', '%s', 1)`, project, ref))
		}
		storetest.Exec(t, db, statements...)
		st := storetest.Open(t, cfg)
		for ref, want := range map[string]int{"a.py::B::c::d": 1, "a.py:B.c.d": 1, "x::y": 1, "x:y": 1, "plain.test": 1, "a.py": 0} {
			cases, err := st.TestCases(t.Context(), store.CaseFilter{Project: project, Reference: ref}, 0, 10)
			if err != nil || len(cases) != want || want == 1 && (cases[0].TestType != "manual" || cases[0].AutomationStatus != "not_automated") {
				t.Errorf("%s: got %+v, %v; want %d", ref, cases, err, want)
			}
		}
		var n int
		if err := db.QueryRow(`SELECT COUNT(*) FROM test_case_refs`).Scan(&n); err != nil || n != 3 {
			t.Errorf("there are %d references, %v; want 3", n, err)
		}
	})
}
