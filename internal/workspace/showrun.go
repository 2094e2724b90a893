package workspace

import (
	"context"
	"time"

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
	project, err := find(ctx, w.store, p, want{n.Project, credential.ResultsRead})
	if err != nil {
		return nil, nil, err
	}
	run, err := n.in(ctx, w.store, project.ID)
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
