package workspace

import (
	"context"
	"os"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// anyFile is the kind of a file of a run that results weren't read from.
const anyFile = "file"

// MayAddRunFiles refuses who may not add files to a run.
func (w *Workspace) MayAddRunFiles(ctx context.Context, p *credential.Principal, n RunRef) error {
	project, err := find(ctx, w.store, p, want{n.Project, credential.ResultsWrite})
	if err == nil {
		_, err = n.in(ctx, w.store, project.ID)
	}
	return err
}

// AddRunFiles keeps files with a run, without our secrets. One of the same name
// and content is there once.
func (w *Workspace) AddRunFiles(ctx context.Context, p *credential.Principal, n RunRef, files []ResultFile) (kept []store.Artifact, err error) {
	if len(files) == 0 {
		return nil, credential.InvalidField("file", "send files in parts of this name, as multipart/form-data")
	}
	r, found := ReportRequest{Files: files}, exposed{}
	clean, err := w.redactUpload(ctx, &r, &found)
	defer clean()
	if err != nil {
		return nil, err
	}
	_, err = w.changeRun(ctx, p, n, func(ch *change, run *store.TestRun) error {
		ch.tellExposed(found)
		there, err := ch.Artifacts(ctx, runOwner(run.ID), 0, mostArtifacts)
		if err != nil {
			return err
		}
		added := false
		for _, f := range r.Files {
			same := func(a store.Artifact) bool { return a.Name == artifact.Name(f.Name) && a.Sum == f.File.Sum }
			if i := slices.IndexFunc(there, same); i >= 0 {
				kept = append(kept, there[i])
				continue
			}
			a, err := w.attach(ctx, ch, runOwner(run.ID), Upload{Kind: anyFile, Name: f.Name, File: f.File})
			if err != nil {
				return err
			}
			kept, there, added = append(kept, *a), append(there, *a), true
		}
		if !added {
			return errUnchanged
		}
		run.Redacted += found.count
		return ch.UpdateTestRun(ctx, run)
	})
	return kept, err
}

// FilesOfRun lists the files of a run, in the order in which they came.
func (w *Workspace) FilesOfRun(ctx context.Context, p *credential.Principal, n RunRef) ([]store.Artifact, error) {
	run, err := w.run(ctx, p, n)
	if err != nil {
		return nil, err
	}
	return w.store.Artifacts(ctx, runOwner(run.ID), 0, mostArtifacts)
}

// OpenFileOfRun opens a file of a run by its number.
func (w *Workspace) OpenFileOfRun(ctx context.Context, p *credential.Principal, n RunRef, number int64) (*store.Artifact, *os.File, error) {
	files, err := w.FilesOfRun(ctx, p, n)
	if err != nil {
		return nil, nil, err
	}
	return w.openOf(files, number)
}

// openOf opens one of some files by its number.
func (w *Workspace) openOf(files []store.Artifact, number int64) (*store.Artifact, *os.File, error) {
	for i := range files {
		if files[i].Number == number {
			content, err := w.open(&files[i])
			return &files[i], content, err
		}
	}
	return nil, nil, credential.Errorf(credential.NotFound, "no such file")
}
