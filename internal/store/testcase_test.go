package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pressly/goose/v3"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// noon is when everything happens.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// changed runs fn as a change of an organization, which nothing may refuse.
func changed(t testing.TB, st *store.Store, organization uuid.UUID, fn func(*store.Tx) error) {
	t.Helper()
	err := st.Change(context.Background(), organization, func(tx *store.Tx) error {
		tx.Record(audit.Event{Actor: "operator", Action: "test", Target: "organization:" + organization.String(), Detail: "{}", At: noon})
		return fn(tx)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func newID(t testing.TB) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// newProject makes an organization with a project.
func newProject(t testing.TB, st *store.Store) *store.Project {
	t.Helper()
	o := &store.Organization{ID: newID(t), Name: "Acme", CreatedAt: noon}
	changed(t, st, uuid.Nil, func(tx *store.Tx) error { return tx.InsertOrganization(context.Background(), o) })
	p := &store.Project{ID: newID(t), Organization: o.ID, Name: "Space Game", CreatedAt: noon}
	changed(t, st, o.ID, func(tx *store.Tx) error { return tx.InsertProject(context.Background(), p) })
	return p
}

// migratedTo gives an empty database the schema of a version.
func migratedTo(t *testing.T, cfg store.Config, version int64) *sql.DB {
	t.Helper()
	db, dialect, directory := storetest.Raw(t, cfg), goose.DialectPostgres, "migrations/postgres"
	if cfg.DatabaseURL == "" {
		dialect, directory = goose.DialectSQLite3, "migrations/sqlite"
	}
	provider, err := goose.NewProvider(dialect, db, os.DirFS(directory), goose.WithLogger(goose.NopLogger()))
	if err == nil {
		_, err = provider.UpTo(t.Context(), version)
	}
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// A project has its master cycle from the beginning: a new one, and one that
// was there before there were cycles.
func TestEveryProjectHasAMasterCycle(t *testing.T) {
	storetest.EachEmpty(t, func(t *testing.T, cfg store.Config) {
		db := migratedTo(t, cfg, 12)
		organization, old := newID(t), newID(t)
		storetest.Exec(t, db, fmt.Sprintf(`INSERT INTO organizations (id, number, name, created_at) VALUES ('%s', 1, 'Old', 1)`, organization),
			fmt.Sprintf(`INSERT INTO projects (id, number, organization_id, organization_number, name, created_at) VALUES ('%s', 1, '%s', 1, 'Old', 7)`, old, organization),
			`INSERT INTO counters (parent, noun, last) VALUES ('installation', 'organization', 1), ('installation', 'project', 1)`)
		st := storetest.Open(t, cfg)
		p := newProject(t, st)
		for _, project := range []uuid.UUID{old, p.ID} {
			cycles, err := st.TestCycles(t.Context(), store.CycleFilter{Project: project}, 0, 10)
			if err != nil || len(cycles) != 1 || cycles[0].Number != 1 || !cycles[0].Master() || cycles[0].Name != "Master Test Cycle" {
				t.Fatalf("got %+v, %v; want TCYCLE-1", cycles, err)
			}
			second := &store.TestCycle{ID: newID(t), Project: project, Name: "Release 2", Status: "planned", RunType: "manual", CreatedAt: noon}
			changed(t, st, p.Organization, func(tx *store.Tx) error { return tx.InsertTestCycle(t.Context(), second) })
			if n, err := st.CountTestCycles(t.Context(), store.CycleFilter{Project: project}); second.Number != 2 || n != 2 || err != nil {
				t.Errorf("the next is TCYCLE-%d of %d, %v; want 2 of 2", second.Number, n, err)
			}
		}
		err := st.Change(t.Context(), p.Organization, func(tx *store.Tx) error {
			master, err := tx.TestCycleIn(t.Context(), p.ID, 1)
			if err != nil {
				return err
			}
			return tx.DeleteTestCycle(t.Context(), master, noon)
		})
		if err == nil {
			t.Error("the database lets the master cycle be deleted")
		}
	})
}

// The counts of a cycle are those of its executions, whatever happens to them.
func TestCountsOfCycles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		ctx, st := t.Context(), storetest.Open(t, cfg)
		p := newProject(t, st)
		cases := make([]*store.TestCase, 5)
		for i := range cases {
			cases[i] = &store.TestCase{ID: newID(t), Project: p.ID, CreatedAt: noon, CaseContent: store.CaseContent{Title: "A case", Type: "functional", Status: "draft", TestType: "manual", ExecutionType: "manual", AutomationStatus: "not_automated", Labels: []string{"smoke"}, Folder: "Login"}}
			changed(t, st, p.Organization, func(tx *store.Tx) error { return tx.InsertTestCase(ctx, cases[i], newID(t)) })
		}
		done := func(i int, status string) store.Execution {
			return store.Execution{ID: newID(t), Case: cases[i].ID, CaseNumber: cases[i].Number, Status: status, CreatedAt: noon, ExecutedAt: noon}
		}
		other := &store.TestCycle{ID: newID(t), Project: p.ID, Name: "Other", Status: "planned", RunType: "manual", CreatedAt: noon}
		changed(t, st, p.Organization, func(tx *store.Tx) error {
			return errors.Join(tx.InsertTestCycle(ctx, other),
				tx.SetExecutions(ctx, p.ID, []store.Execution{done(0, "pass"), done(1, "fail"), done(2, "blocked"), done(3, "skipped")}),
				tx.SetExecutions(ctx, p.ID, []store.Execution{done(1, "pass"), done(3, "fail")}),
				tx.AddExecutions(ctx, other.ID, []store.Execution{done(0, ""), done(1, ""), done(2, "")}),
				tx.AddExecutions(ctx, other.ID, []store.Execution{done(0, "")}),
				tx.SetExecutions(ctx, other.ID, []store.Execution{done(0, "pass")}))
		})
		wantCounts(t, st, p.ID, 1, store.Counts{Total: 5, Passed: 2, Failed: 1, Blocked: 1})
		wantCounts(t, st, p.ID, 2, store.Counts{Total: 3, Passed: 1})
		changed(t, st, p.Organization, func(tx *store.Tx) error {
			return errors.Join(tx.DeleteTestCase(ctx, cases[0], noon), tx.DeleteTestCase(ctx, cases[1], noon), tx.RemoveExecution(ctx, other.ID, 99))
		})
		wantCounts(t, st, p.ID, 1, store.Counts{Total: 3, Failed: 1, Blocked: 1})
		wantCounts(t, st, p.ID, 2, store.Counts{Total: 2, Passed: 1}) // what was executed stays
		n, err := st.CountTestCases(ctx, store.CaseFilter{Project: p.ID})
		labelled, err2 := st.CountTestCases(ctx, store.CaseFilter{Project: p.ID, Label: "smoke"})
		if n != 3 || labelled != 3 || err != nil || err2 != nil {
			t.Errorf("%d cases, %d labelled, %v, %v; want 3", n, labelled, err, err2)
		}
	})
}

func wantCounts(t *testing.T, st *store.Store, project uuid.UUID, number int64, want store.Counts) {
	t.Helper()
	c, err := st.TestCycleIn(t.Context(), project, number)
	if err != nil || c.Counts != want {
		t.Errorf("TCYCLE-%d: got %+v, %v; want %+v", number, c, err, want)
	}
}

// Numbers are not used again, and no two cases of a project have an automation id.
func TestNumbersOfTestCases(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		ctx, st := t.Context(), storetest.Open(t, cfg)
		p := newProject(t, st)
		seen := map[int64]bool{}
		for want := int64(1); want <= 10; want++ {
			c := &store.TestCase{ID: newID(t), Project: p.ID, CreatedAt: noon, CaseContent: store.CaseContent{Title: "A case", Type: "functional", Status: "draft", TestType: "manual", ExecutionType: "manual", AutomationStatus: "not_automated"}}
			changed(t, st, p.Organization, func(tx *store.Tx) error { return tx.InsertTestCase(ctx, c, newID(t)) })
			if c.Number != want || c.Automation < 10_000 || c.Automation > 99_999 || seen[c.Automation] {
				t.Errorf("TC-%d has %d; want TC-%d with five digits of its own", c.Number, c.Automation, want)
			}
			seen[c.Automation] = true
			changed(t, st, p.Organization, func(tx *store.Tx) error { return tx.DeleteTestCase(ctx, c, noon) })
			if _, err := st.TestCaseIn(ctx, p.ID, want); !errors.Is(err, credential.NotFound) {
				t.Errorf("TC-%d is deleted: %v", want, err)
			}
		}
	})
}

// casesOf fills a project with test cases: one of a hundred is rare.
func casesOf(t *testing.T, cfg store.Config, project uuid.UUID, n int) {
	t.Helper()
	db := storetest.Raw(t, cfg)
	numbers, id := seriesBySQL(cfg, project, n)
	write := strings.NewReplacer("$id", id, "$numbers", numbers, "$p", "'"+project.String()+"'").Replace
	storetest.Exec(t, db, write(`INSERT INTO test_folders (id, project_id, path, created_at) VALUES ($p, $p, 'Rare', 1)`),
		write(`INSERT INTO test_cases (id, project_id, number, automation_id, version, title, description, preconditions, steps, labels, automation_refs,
			priority, type, status, folder_id, created_at, updated_at)
		SELECT $id, $p, i, CASE WHEN i <= 90000 THEN i + 9999 END, 1, 'The player ' || i, 'opens the door', '', '[]', '[]', '[]', CASE WHEN i % 100 = 0 THEN 0 ELSE 2 END,
			CASE WHEN i % 100 = 0 THEN 'smoke' ELSE 'functional' END, CASE WHEN i % 100 = 0 THEN 'draft' ELSE 'ready' END,
			(SELECT id FROM test_folders WHERE project_id = $p AND i % 100 = 0), 1, 1 FROM $numbers`),
		write(`INSERT INTO test_case_labels (project_id, label, number) SELECT $p, CASE WHEN i % 100 = 0 THEN 'rare' ELSE 'common' END, i FROM $numbers`),
		write(`INSERT INTO test_case_refs (project_id, ref, number) SELECT $p, 'test_' || i, i FROM $numbers`),
		write(`INSERT INTO test_executions (id, cycle_id, case_id, case_number, status, comment, duration_ms, created_at)
			SELECT $id, $p, $id, i, CASE WHEN i % 100 = 0 THEN 'fail' ELSE 'pass' END, '', 0, 1 FROM $numbers`),
		fmt.Sprintf(`UPDATE projects SET test_cases = %d WHERE id = '%s'`, n, project))
	findableBySQL(t, cfg, store.Scope{Noun: "testcase", Project: project}, n)
}

// Of 20 times as many test cases a list, each filter and its count cost less
// than 12 times as much: what is counted ends at 10,000. The race detector gets
// fewer of them, and none that are many.
func TestListsOfTestCasesCostLittle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		ctx, st := t.Context(), storetest.Open(t, cfg)
		few, many, size := newProject(t, st), newProject(t, st), 1_000
		if raceEnabled {
			size = 100
		}
		crowd := among(20 * size)
		casesOf(t, cfg, few.ID, size)
		casesOf(t, cfg, many.ID, crowd)
		storetest.Exec(t, storetest.Raw(t, cfg), `ANALYZE`)
		urgent := 0
		lists := map[string]store.CaseFilter{
			"all": {}, "status": {Status: "draft"}, "type": {Type: "smoke"}, "priority": {Priority: &urgent},
			"folder": {Folder: "Rare"}, "label": {Label: "rare"}, "automation id": {Automation: 10_050},
			"reference": {Reference: "test_50"}, "none": {Label: "nothing"}, "numbers": {Numbers: []int64{1, 50, 100}},
		}
		if !raceEnabled {
			lists["the common status"], lists["the common label"] = store.CaseFilter{Status: "ready"}, store.CaseFilter{Label: "common"}
		}
		for name, f := range lists {
			of := func(p *store.Project) func() error {
				f := f
				f.Project = p.ID
				return func() error {
					_, err := st.TestCases(ctx, f, 0, 50)
					if err == nil {
						_, err = st.CountTestCases(ctx, f)
					}
					return err
				}
			}
			costs{name: name, few: of(few), many: of(many), factor: 12}.compare(t)
		}
		for _, text := range []string{"crash", "word7", "crash word7"} {
			of := func(p *store.Project) func() error {
				return func() error {
					ids, err := st.Search(ctx, store.Scope{Noun: "testcase", Project: p.ID}, text)
					if err == nil {
						_, err = st.TestCases(ctx, store.CaseFilter{Project: p.ID, IDs: ids}, 0, 50)
					}
					return err
				}
			}
			costs{name: "search for " + text, few: of(few), many: of(many), factor: 12, free: 20 * time.Millisecond}.compare(t)
		}
		for name, f := range map[string]store.ExecutionFilter{"executions": {}, "executions by status": {Status: "fail"}, "the last executions": {After: 90}} {
			of := func(p *store.Project) func() error {
				f := f
				f.Cycle = p.ID
				return func() error { _, err := st.Executions(ctx, f, 0, 50); return err }
			}
			costs{name: name, few: of(few), many: of(many), factor: 12}.compare(t)
		}
	})
}
