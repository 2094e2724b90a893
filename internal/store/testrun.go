package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// TestRun is an upload of results to a cycle.
type TestRun struct {
	ID, Project, Cycle uuid.UUID
	Key                string // with the attempt it names the upload; empty for none
	Attempt            int
	Build              string
	Request            []byte // a hash of what was uploaded
	Counts             Counts
	Matched            int64 // how many of the results stood for a test case
	Maker
	CreatedAt time.Time
}

const runColumns = `id, project_id, cycle_id, COALESCE(run_key, ''), attempt, build_id, request, total, passed, failed, blocked, skipped, matched,
	made_by, made_by_user, created_at`

func (r *TestRun) targets() []any {
	return append(append([]any{&r.ID, &r.Project, &r.Cycle, &r.Key, &r.Attempt, &r.Build, &r.Request, &r.Counts.Total, &r.Counts.Passed, &r.Counts.Failed,
		&r.Counts.Blocked, &r.Counts.Skipped, &r.Matched}, r.Maker.targets()...), instant{&r.CreatedAt})
}

// TestResult is one result of an upload.
type TestResult struct {
	CaseNumber  int64 // of the test case that it stands for; 0 for none
	Name, Class string
	Status      string // pass, fail, blocked, skipped or ignored
	Duration    time.Duration
	Message     string
}

// Count says of an upload how its results went.
func (r *TestRun) Count(results []TestResult) {
	r.Counts, r.Matched = Counts{}, 0
	for _, result := range results {
		r.Counts.add(result.Status, 1)
		if result.CaseNumber != 0 {
			r.Matched++
		}
	}
}

// InsertTestRun stores an upload with its results.
func (t *Tx) InsertTestRun(ctx context.Context, r *TestRun, results []TestResult) error {
	_, err := t.q.ExecContext(ctx, `
		INSERT INTO test_runs (id, project_id, cycle_id, run_key, attempt, build_id, request, total, passed, failed, blocked, skipped, matched, made_by, made_by_user, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		r.ID, r.Project, r.Cycle, optional(r.Key), r.Attempt, r.Build, r.Request, r.Counts.Total, r.Counts.Passed, r.Counts.Failed, r.Counts.Blocked, r.Counts.Skipped,
		r.Matched, nullable(r.Credential), nullable(r.User), r.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a test run", err)
	}
	const page, columns = 100, 8
	for at := 0; at < len(results); at += page {
		some := results[at:min(at+page, len(results))]
		args := make([]any, 0, len(some)*columns)
		for i, result := range some {
			args = append(args, r.ID, at+i, sql.NullInt64{Int64: result.CaseNumber, Valid: result.CaseNumber != 0},
				result.Name, result.Class, result.Status, result.Duration.Milliseconds(), result.Message)
		}
		_, err := t.q.ExecContext(ctx, `INSERT INTO test_results (run_id, position, case_number, name, class_name, status, duration_ms, message) VALUES `+
			rows(len(some), columns), args...)
		if err != nil {
			return t.fail("store test results", err)
		}
	}
	return nil
}

// TestRunByKey finds an upload of a project by the name that the uploader gave it.
func (r reader) TestRunByKey(ctx context.Context, project uuid.UUID, key string, attempt int) (*TestRun, error) {
	return r.testRun(ctx, `project_id = $1 AND run_key = $2 AND attempt = $3`, project, key, attempt)
}

// TestRunIn finds an upload to a cycle.
func (r reader) TestRunIn(ctx context.Context, cycle, id uuid.UUID) (*TestRun, error) {
	return r.testRun(ctx, `cycle_id = $1 AND id = $2`, cycle, id)
}

func (r reader) testRun(ctx context.Context, where string, args ...any) (*TestRun, error) {
	var run TestRun
	err := r.q.QueryRowContext(ctx, `SELECT `+runColumns+` FROM test_runs WHERE `+where, args...).Scan(run.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such test run")
	}
	if err != nil {
		return nil, r.fail("read a test run", err)
	}
	return &run, nil
}

const resultColumns = `COALESCE(case_number, 0), name, class_name, status, duration_ms, message`

func (t *TestResult) targets() []any {
	return []any{&t.CaseNumber, &t.Name, &t.Class, &t.Status, milliseconds{&t.Duration}, &t.Message}
}

// TestResults returns results of an upload in their order, from a position on.
func (r reader) TestResults(ctx context.Context, run uuid.UUID, from, limit int) ([]TestResult, error) {
	return list(ctx, r, selection[TestResult]{"list test results", (*TestResult).targets,
		`SELECT ` + resultColumns + ` FROM test_results WHERE run_id = $1 AND position >= $2 ORDER BY position LIMIT $3`}, run, from, limit)
}

// UnmatchedResults returns the first results of an upload that stood for no
// test case.
func (r reader) UnmatchedResults(ctx context.Context, run uuid.UUID, limit int) ([]TestResult, error) {
	return list(ctx, r, selection[TestResult]{"list test results", (*TestResult).targets,
		`SELECT ` + resultColumns + ` FROM test_results WHERE run_id = $1 AND case_number IS NULL ORDER BY position LIMIT $2`}, run, limit)
}
