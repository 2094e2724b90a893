package store

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// TestResult is one result of a run: of a test, and for a test case where it
// stands for one.
type TestResult struct {
	Position           int64     // in its run
	Test               uuid.UUID // Nil for what is older than tests
	CaseNumber         int64     // of the test case that it stands for; 0 for none
	Name, Class, Suite string
	File               string
	Line               int
	CodeRef            string
	Status             string // pass, fail, blocked, skipped or ignored
	Error              bool   // of what failed: it couldn't be run to its end
	Flaky              bool   // it failed, and passed when it was tried again
	Retried            bool   // a later result of the run tells of the same test
	Also               bool   // it stands for several test cases, and has a row for the first of them
	Attempt            int    // from 1; 0 is unknown
	Duration           time.Duration
	Message, Detail    string
	Properties         []TestProperty
	Attachments        []string // names of files
}

// Reference is the name of its test as all are compared with those that test
// cases have.
func (t *TestResult) Reference() string { return oneSpelling(t.CodeRef) }

// TestProperty is what a test says of itself.
type TestProperty struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// manyInserted is how many rows of results or tests a statement stores.
const manyInserted = 128

// InsertTestResults stores results of a run, which has their first position.
func (t *Tx) InsertTestResults(ctx context.Context, r *TestRun, results []TestResult, at time.Time) error {
	rows := inserts{t: t, op: "store test results", columns: 22, most: manyInserted, into: `test_results (run_id, position, case_number, name, class_name, status, duration_ms, message,
		error, flaky, retried, also, attempt, suite, file, line, code_ref, detail, properties, attachments, test_id, stored_at)`}
	for i := range results {
		x := &results[i]
		x.Position = r.Stored
		r.Stored++
		err := rows.add(ctx, r.ID, x.Position, sql.NullInt64{Int64: x.CaseNumber, Valid: x.CaseNumber != 0}, x.Name, x.Class, x.Status, x.Duration.Milliseconds(), x.Message,
			x.Error, x.Flaky, x.Retried, x.Also, x.Attempt, x.Suite, x.File, x.Line, x.CodeRef, x.Detail, listJSON(x.Properties), listJSON(x.Attachments), nullable(x.Test), at.UnixMilli())
		if err != nil {
			return err
		}
	}
	return rows.done(ctx)
}

// listJSON is asJSON of a list, which mostly is empty.
func listJSON[T any](list []T) string {
	if len(list) == 0 {
		return "[]"
	}
	return asJSON(list)
}

// RetryResults says of results of a run that their tests were tried again; of
// those that passed as well, that they had failed first.
func (t *Tx) RetryResults(ctx context.Context, run uuid.UUID, retried, flaky []int64) error {
	for _, change := range []struct {
		to        string
		positions []int64
	}{{`retried`, retried}, {`flaky`, flaky}} {
		for at := 0; at < len(change.positions); at += mostNamed {
			w := conditions{args: []any{run}}
			w.text.WriteString(`UPDATE test_results SET ` + change.to + ` = TRUE WHERE run_id = $1`)
			among(&w, `position`, change.positions[at:min(at+mostNamed, len(change.positions))])
			if _, err := t.q.ExecContext(ctx, w.text.String(), w.args...); err != nil {
				return t.fail("change test results", err)
			}
		}
	}
	return nil
}

// LastResults returns the results of some tests in a run that weren't followed
// by another attempt, by their tests.
func (t *Tx) LastResults(ctx context.Context, run uuid.UUID, tests []uuid.UUID) (map[uuid.UUID][]TestResult, error) {
	found := map[uuid.UUID][]TestResult{}
	return found, t.inParts(tests, func(part named) error { // by one test after the other: SQLite keeps the order of a CROSS JOIN
		some, err := list(ctx, t.reader, selection[TestResult]{"read test results", (*TestResult).targets,
			`SELECT ` + resultColumns + ` FROM (` + part.list + `) AS k CROSS JOIN test_results WHERE test_id = k.column1 AND run_id = $1 AND NOT retried ORDER BY position`}, part.args...)
		for i := range some {
			found[some[i].Test] = append(found[some[i].Test], some[i])
		}
		return err
	}, run)
}

const resultColumns = `position, test_id, COALESCE(case_number, 0), name, class_name, suite, file, line, code_ref, status, error, flaky, retried, also, attempt,
	duration_ms, message, detail, properties, attachments`

func (t *TestResult) targets() []any {
	return []any{&t.Position, nullID{&t.Test}, &t.CaseNumber, &t.Name, &t.Class, &t.Suite, &t.File, &t.Line, &t.CodeRef, &t.Status, &t.Error, &t.Flaky, &t.Retried, &t.Also, &t.Attempt,
		milliseconds{&t.Duration}, &t.Message, &t.Detail, inJSON{&t.Properties}, inJSON{&t.Attachments}}
}

// TestResults returns results of a run in their order, from a position on.
func (r reader) TestResults(ctx context.Context, run uuid.UUID, from, limit int) ([]TestResult, error) {
	return r.FindResults(ctx, ResultFilter{Run: run, From: int64(from)}, limit)
}

// UnmatchedResults returns the first results of a run that stood for no test
// case.
func (r reader) UnmatchedResults(ctx context.Context, run uuid.UUID, limit int) ([]TestResult, error) {
	no := false
	return r.FindResults(ctx, ResultFilter{Run: run, Matched: &no}, limit)
}

// ResultFilter chooses results of a run. What is empty chooses all.
type ResultFilter struct {
	Run     uuid.UUID
	Status  string // pass, fail, error, blocked, skipped or ignored
	Matched *bool  // whether they stand for a test case
	Flaky   bool
	Failed  bool  // failed or an error, in the last attempt, and once for each test
	From    int64 // the first position
}

// FindResults returns the results of a run that a filter chooses, in their order.
func (r reader) FindResults(ctx context.Context, f ResultFilter, limit int) ([]TestResult, error) {
	w := conditions{args: []any{f.Run, f.From, limit}}
	w.text.WriteString(`SELECT ` + resultColumns + ` FROM test_results WHERE run_id = $1 AND position >= $2`)
	switch f.Status {
	case "":
	case "fail":
		w.text.WriteString(` AND status = 'fail' AND NOT error`)
	case "error":
		w.text.WriteString(` AND status = 'fail' AND error`)
	default:
		w.and(`status = $`, f.Status)
	}
	if f.Matched != nil {
		w.text.WriteString(map[bool]string{true: ` AND case_number IS NOT NULL`, false: ` AND case_number IS NULL`}[*f.Matched])
	}
	if f.Flaky {
		w.text.WriteString(` AND flaky`)
	}
	if f.Failed {
		w.text.WriteString(` AND status = 'fail' AND NOT retried AND NOT also`)
	}
	w.text.WriteString(` ORDER BY position LIMIT $3`)
	return list(ctx, r, selection[TestResult]{"list test results", (*TestResult).targets, w.text.String()}, w.args...)
}

// CasesByReference returns the numbers and ids of a project's test cases by the
// names of the tests that stand for them, in their one spelling.
func (r reader) CasesByReference(ctx context.Context, project uuid.UUID, refs []string) (map[string][]TestCase, error) {
	type row struct {
		ref string
		TestCase
	}
	const page = 500
	found := map[string][]TestCase{}
	targets := func(x *row) []any { return []any{&x.ref, &x.ID, &x.Number} }
	for len(refs) > 0 {
		some := refs[:min(page, len(refs))]
		refs = refs[len(some):]
		w := conditions{args: []any{project}}
		w.text.WriteString(`SELECT n.ref, c.id, c.number FROM test_case_refs n JOIN test_cases c ON c.project_id = n.project_id AND c.number = n.number
			WHERE n.project_id = $1 AND c.deleted_at IS NULL`)
		among(&w, `n.ref`, some)
		cases, err := list(ctx, r, selection[row]{"find test cases", targets, w.text.String() + ` ORDER BY n.ref, n.number LIMIT ` + strconv.Itoa(MostCounted)}, w.args...)
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			found[c.ref] = append(found[c.ref], c.TestCase)
		}
	}
	return found, nil
}

// HasReferences reports whether any test case of a project names tests that
// stand for it.
func (r reader) HasReferences(ctx context.Context, project uuid.UUID) (has bool, err error) {
	if err := r.q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM test_case_refs WHERE project_id = $1)`, project).Scan(&has); err != nil {
		return false, r.fail("look for references", err)
	}
	return has, nil
}
