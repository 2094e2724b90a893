package workspace

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// DeclareUpload says what an upload to a run will hold. One that was declared
// before is returned as it is, with what is missing of it.
func (w *Workspace) DeclareUpload(ctx context.Context, p *credential.Principal, n RunRef, r UploadRequest) (piece RunPiece, err error) {
	if w.scanner.Finds(r.Name) { // which is part of an address, and told to all
		return piece, credential.InvalidField("name", "must not hold a secret")
	}
	found := exposed{}
	for i := range r.Files {
		w.redactFile(&r.Files[i], &found)
	}
	digest, err := r.check()
	if err != nil {
		return piece, err
	}
	_, err = w.changeRun(ctx, p, n, func(ch *change, run *store.TestRun) error {
		ch.tellExposed(found)
		u, err := ch.RunUpload(ctx, run.ID, r.Name)
		if err == nil {
			if !bytes.Equal(u.Digest, digest) {
				return credential.Errorf(credential.Conflict, "another upload of the name %s was reported to this run, with other results; give this one another name, or report to another run", r.Name)
			}
			if piece, err = missing(ctx, ch, u); err != nil {
				return err
			}
			return errUnchanged
		}
		if !errors.Is(err, credential.NotFound) {
			return err
		}
		u = &store.RunUpload{Run: run.ID, Name: r.Name, Digest: digest, Batches: r.Batches, SuiteErrors: r.SuiteErrors, Files: r.Files, CreatedAt: ch.at}
		if err := w.takeUpload(ctx, ch, run, u); err != nil {
			return err
		}
		run.Redacted += found.count
		if err := ch.UpdateTestRun(ctx, run); err != nil {
			return err
		}
		piece, err = missing(ctx, ch, u)
		return err
	})
	return piece, err
}

// takeUpload adds an upload to a run, which is in progress until that is there.
func (w *Workspace) takeUpload(ctx context.Context, ch *change, run *store.TestRun, u *store.RunUpload) error {
	if run.Shared == "" {
		return credential.Errorf(credential.Conflict, "nothing can be added to this run: it came as a whole")
	}
	all, _, err := ch.CountRunUploads(ctx, run.ID)
	if err != nil {
		return err
	}
	if all >= mostUploads {
		return credential.Errorf(credential.LimitReached, "a run has at most %d uploads; begin another one", mostUploads)
	}
	if err := ch.InsertRunUpload(ctx, u); err != nil {
		return err
	}
	run.SuiteErrors += u.SuiteErrors
	run.Status, run.UpdatedAt, run.FinishedAt = store.RunInProgress, ch.at, time.Time{}
	d := aboutRun(run)
	d.Upload = u.Name
	ch.record("test_run.declare", runTarget(run), d)
	return w.completeRun(ctx, ch, run)
}

// completeRun finishes a run of which all is there.
func (w *Workspace) completeRun(ctx context.Context, ch *change, run *store.TestRun) error {
	all, complete, err := ch.CountRunUploads(ctx, run.ID)
	if err != nil || complete < all || complete < run.Shards {
		return err
	}
	finishRun(run, ch.at)
	ch.record("test_result.report", "test_cycle:"+run.Cycle.String(), runDetail{run.Project, run.CycleNumber, run.ID, run.Counts.Total, run.Matched})
	return nil
}

// BatchRequest is a batch of the results of an upload.
type BatchRequest struct {
	Upload  string
	Number  int // from 1
	Results []store.TestResult
	Body    []byte // what was sent; a repeat must send the same
}

// StoreBatch stores some results of an upload, once. It reports whether they
// were stored before.
func (w *Workspace) StoreBatch(ctx context.Context, p *credential.Principal, n RunRef, r BatchRequest) (run *store.TestRun, repeated bool, err error) {
	switch {
	case len(r.Results) == 0:
		return nil, false, credential.InvalidField("results", "there are none")
	case len(r.Results) > MostBatch:
		return nil, false, credential.InvalidField("results", "at most %d in a batch", MostBatch)
	}
	project, err := find(ctx, w.store, p, want{n.Project, credential.ResultsWrite}) // before anything costs time
	if err != nil {
		return nil, false, err
	}
	before, err := n.in(ctx, w.store, project.ID)
	if err != nil {
		return nil, false, err
	}
	found, err := w.readyResults(before, r.Results) // what is skipped stands as the run says, which never changes
	if err != nil {
		return nil, false, err
	}
	hash := sha256.Sum256(r.Body)
	run, err = w.changeRun(ctx, p, n, func(ch *change, run *store.TestRun) error {
		ch.tellExposed(found)
		u, err := ch.RunUpload(ctx, run.ID, r.Upload)
		if err != nil {
			return err
		}
		if r.Number < 1 || r.Number > u.Batches {
			return credential.Errorf(credential.NotFound, "no such batch: the upload has %d", u.Batches)
		}
		stored, err := ch.BatchHash(ctx, u, r.Number)
		if err != nil {
			return err
		}
		if stored != nil {
			if !slices.Equal(stored, hash[:]) {
				return credential.Errorf(credential.Conflict, "batch %d of this upload is stored already, with other results", r.Number)
			}
			repeated = true
			return errUnchanged
		}
		return w.takeBatch(ctx, ch, run, u, &batch{r.Number, hash[:], r.Results, found})
	})
	return run, repeated, err
}

// batch is one that is stored now.
type batch struct {
	number  int
	hash    []byte
	results []store.TestResult
	found   exposed
}

// takeBatch stores a batch. The last one of an upload completes that.
func (w *Workspace) takeBatch(ctx context.Context, ch *change, run *store.TestRun, u *store.RunUpload, b *batch) error {
	if err := w.addResults(ctx, ch, run, b.results); err != nil {
		return err
	}
	if err := ch.InsertBatch(ctx, u, b.number, b.hash, ch.at); err != nil {
		return err
	}
	run.Redacted += b.found.count
	run.UpdatedAt = ch.at
	d := aboutRun(run)
	d.Upload, d.Batch, d.Results = u.Name, b.number, len(b.results)
	ch.record("test_run.store", runTarget(run), d)
	if u.Complete() {
		if err := w.completeRun(ctx, ch, run); err != nil {
			return err
		}
	}
	return ch.UpdateTestRun(ctx, run)
}
