package workspace

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// ProjectWithin finds a project of an organization, if the principal sees it.
func (w *Workspace) ProjectWithin(ctx context.Context, p *credential.Principal, organization uuid.UUID, ref store.ProjectRef) (store.ProjectRef, error) {
	project, err := w.store.ProjectIn(ctx, organization, ref)
	if err != nil {
		return ref, err
	}
	ref = store.ProjectRef{ID: project.ID}
	_, _, err = seen(ctx, w.store, p, ref)
	return ref, err
}

// RunStatus is the status of a run: one in progress of which nothing came for a
// day is interrupted.
func RunStatus(run *store.TestRun, now time.Time) string {
	if run.Status == store.RunInProgress && run.UpdatedAt.Before(now.Add(-quietFor)) {
		return store.RunInterrupted
	}
	return run.Status
}

// ReportedRun finds a run, with its uploads.
func (w *Workspace) ReportedRun(ctx context.Context, p *credential.Principal, n RunRef) (*store.TestRun, []RunPiece, error) {
	run, err := w.run(ctx, p, n)
	if err != nil {
		return nil, nil, err
	}
	uploads, err := w.store.RunUploads(ctx, run.ID, mostUploads)
	pieces := make([]RunPiece, len(uploads))
	for i := range uploads {
		if pieces[i], err = missing(ctx, w.store, &uploads[i]); err != nil {
			return nil, nil, err
		}
	}
	return run, pieces, err
}

// Runs lists the runs of a project that a filter chooses, the latest first.
func (w *Workspace) Runs(ctx context.Context, p *credential.Principal, ref store.ProjectRef, q RunQuery) ([]store.TestRun, error) {
	project, err := find(ctx, w.store, p, want{ref, credential.ResultsRead})
	if err != nil {
		return nil, err
	}
	f := store.RunFilter{Project: project.ID, Name: q.Name, Branch: q.Branch, Commit: q.Commit, Before: q.Before, Quiet: w.clock().Add(-quietFor)}
	if q.Status != "" {
		if f.Status, err = oneOf("status", q.Status, runStatuses); err != nil {
			return nil, err
		}
	}
	if q.Cycle != 0 {
		c, err := w.store.TestCycleIn(ctx, project.ID, q.Cycle)
		if err != nil {
			return nil, err
		}
		f.Cycle = c.ID
	}
	return w.store.TestRuns(ctx, f, q.Limit)
}

var runStatuses = []string{store.RunInProgress, store.RunPassed, store.RunFailed, store.RunInterrupted}

// RunQuery asks for a part of the runs of a project. What is empty chooses all.
type RunQuery struct {
	Status, Name, Branch, Commit string
	Cycle, Before                int64
	Limit                        int
}

// run finds a run that a principal may read.
func (w *Workspace) run(ctx context.Context, p *credential.Principal, n RunRef) (*store.TestRun, error) {
	project, err := find(ctx, w.store, p, want{n.Project, credential.ResultsRead})
	if err != nil {
		return nil, err
	}
	return n.in(ctx, w.store, project.ID)
}

// shownStatuses are the statuses of results as they are shown, and as they are kept.
var shownStatuses = map[string]string{"passed": "pass", "failed": "fail", "error": "error", "skipped": "skipped", "blocked": "blocked", "ignored": "ignored"}

// ResultStatus is how the status of a result is shown.
func ResultStatus(status string, isError bool) string {
	switch {
	case status == "fail" && isError:
		return "error"
	case status == "fail":
		return "failed"
	case status == "pass":
		return "passed"
	}
	return status
}

// storedStatus reads the status that results or tests are chosen by.
func storedStatus(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	status, known := shownStatuses[text]
	if !known {
		return "", credential.InvalidField("status", "must be one of: passed, failed, error, skipped, blocked, ignored")
	}
	return status, nil
}

// RunResults lists the results of a run that a filter chooses, in their order.
func (w *Workspace) RunResults(ctx context.Context, p *credential.Principal, n RunRef, f store.ResultFilter, limit int) ([]store.TestResult, error) {
	run, err := w.run(ctx, p, n)
	if err != nil {
		return nil, err
	}
	f.Run = run.ID
	if f.Status, err = storedStatus(f.Status); err != nil {
		return nil, err
	}
	return w.store.FindResults(ctx, f, limit)
}

// Tests lists the tests of a project that a filter chooses, by their classes and names.
func (w *Workspace) Tests(ctx context.Context, p *credential.Principal, ref store.ProjectRef, f store.TestFilter, limit int) ([]store.KnownTest, error) {
	project, err := find(ctx, w.store, p, want{ref, credential.ResultsRead})
	if err != nil {
		return nil, err
	}
	f.Project = project.ID
	if f.Status, err = storedStatus(f.Status); err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(f.Text) > mostSearched {
		return nil, credential.InvalidField("q", "at most %d characters", mostSearched)
	}
	return w.store.FindTests(ctx, f, limit)
}

// mostSearched bounds a text that tests are looked for by, in characters.
const mostSearched = 200

// KnownTest finds a test of a project.
func (w *Workspace) KnownTest(ctx context.Context, p *credential.Principal, ref store.ProjectRef, id uuid.UUID) (*store.KnownTest, error) {
	project, err := find(ctx, w.store, p, want{ref, credential.ResultsRead})
	if err != nil {
		return nil, err
	}
	return w.store.KnownTest(ctx, project.ID, id)
}

// History lists the results of a test, those of the latest run first.
func (w *Workspace) History(ctx context.Context, p *credential.Principal, ref store.ProjectRef, id uuid.UUID, q HistoryQuery) ([]store.PastResult, error) {
	k, err := w.KnownTest(ctx, p, ref, id)
	if err != nil {
		return nil, err
	}
	return w.store.History(ctx, k.ID, q.Before, q.Limit)
}

// HistoryQuery asks for a part of the results of a test.
type HistoryQuery struct {
	Before store.PastBefore
	Limit  int
}

// RunChanges is what a run changed since the one before.
type RunChanges struct {
	Since                             *store.TestRun // nil where there is none before
	NewlyFailing, StillFailing, Fixed []store.Changed
	New, Missing                      int64
}

// mostChanged bounds each list of what a run changed.
const mostChanged = 100

// Changes compares a run with the last complete one before it of the same name
// on the same branch.
func (w *Workspace) Changes(ctx context.Context, p *credential.Principal, n RunRef) (*RunChanges, error) {
	run, err := w.run(ctx, p, n)
	if err != nil {
		return nil, err
	}
	out, err := w.newlyFailing(ctx, run)
	if err != nil || out.Since == nil {
		return out, err
	}
	before := out.Since.ID
	if out.StillFailing, err = w.store.Failures(ctx, run.ID, before, true, mostChanged); err != nil {
		return nil, err
	}
	if out.Fixed, err = w.store.Fixed(ctx, run.ID, before, mostChanged); err != nil {
		return nil, err
	}
	if out.New, err = w.store.CountMissing(ctx, run.ID, before); err != nil {
		return nil, err
	}
	out.Missing, err = w.store.CountMissing(ctx, before, run.ID)
	return out, err
}

// NewlyFailing is Changes with nothing but what fails newly.
func (w *Workspace) NewlyFailing(ctx context.Context, p *credential.Principal, n RunRef) (*RunChanges, error) {
	run, err := w.run(ctx, p, n)
	if err != nil {
		return nil, err
	}
	return w.newlyFailing(ctx, run)
}

func (w *Workspace) newlyFailing(ctx context.Context, run *store.TestRun) (out *RunChanges, err error) {
	out = &RunChanges{}
	before := uuid.Nil
	switch out.Since, err = w.store.TestRunBefore(ctx, run); {
	case errors.Is(err, credential.NotFound):
		out.Since = nil
	case err != nil:
		return nil, err
	default:
		before = out.Since.ID
	}
	out.NewlyFailing, err = w.store.Failures(ctx, run.ID, before, false, mostChanged)
	return out, err
}
