package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// TestRun is one report of test results to a cycle: an upload, or what came
// bit by bit from those who knew its shared key.
type TestRun struct {
	ID, Project, Cycle    uuid.UUID
	CycleNumber           int64  // only read
	Number                int64  // in its project
	Key                   string // with the attempt it names an upload; empty for none
	Attempt               int
	Shared                string // the key of those who add to it; empty for none
	Name                  string
	Source                string // results, file or launch
	Status                string // in_progress, passed or failed
	Build, Commit, Branch string
	CI                    RunCI
	SkippedAs             string // skipped, blocked or ignored
	Shards                int    // how many uploads make it complete
	Request               []byte // a hash of what was uploaded
	// Counts are of the last results of its tests. Of what failed, Errors says
	// how much was an error; of what passed, Flaky says how much failed first.
	Counts                                                Counts
	Errors, Flaky, Matched, Stored, SuiteErrors, Redacted int64
	Retried                                               bool          // some of its tests were tried again
	Duration                                              time.Duration // of its tests, one behind the other
	Maker
	CreatedAt, UpdatedAt, FinishedAt time.Time
}

// RunCI says where tests ran. All of it is for people.
type RunCI struct {
	Provider    string `json:"provider,omitempty"`
	Repository  string `json:"repository,omitempty"`
	PullRequest string `json:"pull_request,omitempty"`
	Tag         string `json:"tag,omitempty"`
	Pipeline    string `json:"pipeline,omitempty"`
	PipelineURL string `json:"pipeline_url,omitempty"`
	Job         string `json:"job,omitempty"`
	JobURL      string `json:"job_url,omitempty"`
	Attempt     int    `json:"attempt,omitempty"`
}

// The statuses of a run. Interrupted is one in progress of which nothing came
// for a while; no row has it.
const (
	RunInProgress  = "in_progress"
	RunPassed      = "passed"
	RunFailed      = "failed"
	RunInterrupted = "interrupted"
)

const (
	runColumns = `r.id, r.project_id, r.cycle_id, y.number, r.number, COALESCE(r.run_key, ''), r.attempt, COALESCE(r.shared_key, ''), r.name, r.source, r.status,
	r.build_id, r.commit_hash, r.branch, r.ci, r.skipped_as, r.shards, r.request, r.total, r.passed, r.failed, r.blocked, r.skipped,
	r.errors, r.flaky, r.matched, r.stored, r.suite_errors, r.redacted, r.retried, r.duration_ms, r.made_by, r.made_by_user, r.created_at, r.updated_at, r.finished_at`
	runTables = ` FROM test_runs r JOIN test_cycles y ON y.id = r.cycle_id`
)

func (r *TestRun) targets() []any {
	first := []any{&r.ID, &r.Project, &r.Cycle, &r.CycleNumber, &r.Number, &r.Key, &r.Attempt, &r.Shared, &r.Name, &r.Source, &r.Status,
		&r.Build, &r.Commit, &r.Branch, inJSON{&r.CI}, &r.SkippedAs, &r.Shards, &r.Request, &r.Counts.Total, &r.Counts.Passed, &r.Counts.Failed, &r.Counts.Blocked, &r.Counts.Skipped,
		&r.Errors, &r.Flaky, &r.Matched, &r.Stored, &r.SuiteErrors, &r.Redacted, &r.Retried, milliseconds{&r.Duration}}
	return append(append(first, r.Maker.targets()...), instant{&r.CreatedAt}, instant{&r.UpdatedAt}, instant{&r.FinishedAt})
}

// Count adds so many results of a kind to those of the run, or takes them away.
func (r *TestRun) Count(result *TestResult, n int64) {
	r.Counts.add(result.Status, n)
	if !result.Also {
		r.Duration += time.Duration(n) * result.Duration
	}
	if result.Error {
		r.Errors += n
	}
	if result.Flaky && result.Status == "pass" {
		r.Flaky += n
	}
	if result.CaseNumber != 0 {
		r.Matched += n
	}
}

// Ignored is how many results say nothing about their test cases.
func (r *TestRun) Ignored() int64 {
	n := r.Counts
	return n.Total - n.Passed - n.Failed - n.Blocked - n.Skipped
}

// InsertTestRun stores a new run, without its results, and gives it its number.
func (t *Tx) InsertTestRun(ctx context.Context, r *TestRun) (err error) {
	if r.Number, err = t.next(ctx, r.Project.String(), "test_run"); err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO test_runs (id, project_id, cycle_id, number, run_key, attempt, shared_key, name, source, status, build_id, commit_hash, branch, ci, skipped_as, shards,
			request, total, passed, failed, blocked, skipped, matched, made_by, made_by_user, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 0, 0, 0, 0, 0, 0, $18, $19, $20, $20)`,
		r.ID, r.Project, r.Cycle, r.Number, optional(r.Key), r.Attempt, optional(r.Shared), r.Name, r.Source, r.Status, r.Build, r.Commit, r.Branch, asJSON(r.CI), r.SkippedAs, r.Shards,
		r.Request, nullable(r.Credential), nullable(r.User), r.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a test run", err)
	}
	r.UpdatedAt = r.CreatedAt
	return nil
}

// UpdateTestRun stores what a run has become.
func (t *Tx) UpdateTestRun(ctx context.Context, r *TestRun) error {
	_, err := t.q.ExecContext(ctx, `
		UPDATE test_runs SET name = $2, status = $3, build_id = $4, commit_hash = $5, branch = $6, ci = $7, total = $8, passed = $9, failed = $10, blocked = $11, skipped = $12,
			errors = $13, flaky = $14, matched = $15, stored = $16, suite_errors = $17, redacted = $18, retried = $19, updated_at = $20, finished_at = $21, duration_ms = $22 WHERE id = $1`,
		r.ID, r.Name, r.Status, r.Build, r.Commit, r.Branch, asJSON(r.CI), r.Counts.Total, r.Counts.Passed, r.Counts.Failed, r.Counts.Blocked, r.Counts.Skipped,
		r.Errors, r.Flaky, r.Matched, r.Stored, r.SuiteErrors, r.Redacted, r.Retried, r.UpdatedAt.UnixMilli(), stamp(r.FinishedAt), r.Duration.Milliseconds())
	if err != nil {
		return t.fail("change a test run", err)
	}
	return nil
}

// TestRunByKey finds an upload of a project by the name that the uploader gave it.
func (r reader) TestRunByKey(ctx context.Context, project uuid.UUID, key string, attempt int) (*TestRun, error) {
	return r.testRun(ctx, `r.project_id = $1 AND r.run_key = $2 AND r.attempt = $3`, project, key, attempt)
}

// SharedTestRun finds the run of a project that has a shared key.
func (r reader) SharedTestRun(ctx context.Context, project uuid.UUID, key string) (*TestRun, error) {
	return r.testRun(ctx, `r.project_id = $1 AND r.shared_key = $2`, project, key)
}

// TestRunIn finds a run of a cycle.
func (r reader) TestRunIn(ctx context.Context, cycle, id uuid.UUID) (*TestRun, error) {
	return r.testRun(ctx, `r.cycle_id = $1 AND r.id = $2`, cycle, id)
}

// ProjectTestRun finds a run of a project.
func (r reader) ProjectTestRun(ctx context.Context, project, id uuid.UUID) (*TestRun, error) {
	return r.testRun(ctx, `r.project_id = $1 AND r.id = $2`, project, id)
}

// TestRunNumbered finds a run of a project by its number.
func (r reader) TestRunNumbered(ctx context.Context, project uuid.UUID, number int64) (*TestRun, error) {
	return r.testRun(ctx, `r.project_id = $1 AND r.number = $2`, project, number)
}

// TestRunBefore finds the last complete run before another, of the same name on
// the same branch.
func (r reader) TestRunBefore(ctx context.Context, run *TestRun) (*TestRun, error) {
	return r.testRun(ctx, `r.project_id = $1 AND r.name = $2 AND r.branch = $3 AND r.number < $4 AND r.status <> 'in_progress' ORDER BY r.number DESC LIMIT 1`,
		run.Project, run.Name, run.Branch, run.Number)
}

func (r reader) testRun(ctx context.Context, where string, args ...any) (*TestRun, error) {
	var run TestRun
	err := r.q.QueryRowContext(ctx, `SELECT `+runColumns+runTables+` WHERE `+where, args...).Scan(run.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such test run")
	}
	if err != nil {
		return nil, r.fail("read a test run", err)
	}
	return &run, nil
}

// RunFilter chooses runs of a project. Empty fields choose all.
type RunFilter struct {
	Project, Cycle       uuid.UUID
	Status               string // interrupted is one in progress that wasn't changed since Quiet
	Name, Branch, Commit string
	Quiet                time.Time
	Before               int64 // the number of the last one that was seen
}

// TestRuns returns the runs that a filter chooses, the latest first.
func (r reader) TestRuns(ctx context.Context, f RunFilter, limit int) ([]TestRun, error) {
	w := conditions{args: []any{f.Project, limit}}
	w.text.WriteString(`SELECT ` + runColumns + runTables + ` WHERE r.project_id = $1`)
	if f.Before != 0 {
		w.and(`r.number < $`, f.Before)
	}
	if f.Cycle != uuid.Nil {
		w.and(`r.cycle_id = $`, f.Cycle)
	}
	switch f.Status {
	case "":
	case RunInterrupted:
		w.text.WriteString(` AND r.status = 'in_progress'`)
		w.and(`r.updated_at < $`, f.Quiet.UnixMilli())
	case RunInProgress:
		w.text.WriteString(` AND r.status = 'in_progress'`)
		w.and(`r.updated_at >= $`, f.Quiet.UnixMilli())
	default:
		w.and(`r.status = $`, f.Status)
	}
	for _, text := range []struct{ condition, is string }{{`r.name = $`, f.Name}, {`r.branch = $`, f.Branch}, {`r.commit_hash = $`, f.Commit}} {
		if text.is != "" {
			w.and(text.condition, text.is)
		}
	}
	w.text.WriteString(` ORDER BY r.number DESC LIMIT $2`)
	return list(ctx, r, selection[TestRun]{"list test runs", (*TestRun).targets, w.text.String()}, w.args...)
}
