package workspace

import (
	"context"
	"errors"
	"os"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// ownFiles is a project as what files belong to.
func ownFiles(project uuid.UUID) store.ArtifactOwner {
	return store.ArtifactOwner{Noun: "project", ID: project}
}

// MayAddFile refuses who may not add files to a project.
func (w *Workspace) MayAddFile(ctx context.Context, p *credential.Principal, ref store.ProjectRef) error {
	_, err := w.Project(ctx, p, ref, credential.ArtifactsWrite)
	return err
}

// AddFile adds a file to a project, whatever it is good for.
func (w *Workspace) AddFile(ctx context.Context, p *credential.Principal, ref store.ProjectRef, u Upload, r *Repeat) (*store.Artifact, error) {
	var made *store.Artifact
	id, err := w.make(ctx, p, want{ref, credential.ArtifactsWrite}, Numbered{Project: ref}.making("add file", r), func(c *change) (id uuid.UUID, err error) {
		if made, err = w.attach(ctx, c, ownFiles(c.project.ID), u); err != nil {
			return id, err
		}
		return made.ID, nil
	})
	if err != nil {
		return nil, err
	}
	if made != nil && made.ID == id {
		return made, nil
	}
	return w.store.ArtifactByID(ctx, id) // of the call that this one repeats
}

// ProjectFiles lists the files of a project itself, the latest first.
func (w *Workspace) ProjectFiles(ctx context.Context, p *credential.Principal, ref store.ProjectRef, s Section) ([]store.Artifact, int64, error) {
	return belonging(ctx, w, reading{p, want{ref, credential.ArtifactsRead}, s}, w.store.FilesOf)
}

// ProjectFile finds a file of a project itself, or one that a test wrote, by its
// id alone. One whose project the principal doesn't see is answered like one that isn't there.
func (w *Workspace) ProjectFile(ctx context.Context, p *credential.Principal, id uuid.UUID) (*store.Artifact, error) {
	return w.fileFor(ctx, p, id, credential.ArtifactsRead)
}

func (w *Workspace) fileFor(ctx context.Context, p *credential.Principal, id uuid.UUID, need credential.Permission) (*store.Artifact, error) {
	missing := credential.Errorf(credential.NotFound, "no such file")
	a, err := w.store.ArtifactByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if a.Owner != ownFiles(a.Project) && (a.Owner.Noun != launchLog || need != credential.ArtifactsRead) {
		return nil, missing
	}
	if _, err = find(ctx, w.store, p, want{store.ProjectRef{ID: a.Project}, need}); errors.Is(err, credential.NotFound) {
		err = missing
	}
	return a, err
}

// OpenProjectFile opens a file of a project itself.
func (w *Workspace) OpenProjectFile(ctx context.Context, p *credential.Principal, id uuid.UUID) (*store.Artifact, *os.File, error) {
	a, err := w.ProjectFile(ctx, p, id)
	if err != nil {
		return nil, nil, err
	}
	content, err := w.open(a)
	return a, content, err
}

// DeleteProjectFile takes a file of a project itself away.
func (w *Workspace) DeleteProjectFile(ctx context.Context, p *credential.Principal, id uuid.UUID) error {
	found, err := w.fileFor(ctx, p, id, credential.ArtifactsWrite)
	if err != nil {
		return err
	}
	return w.change(ctx, p, want{store.ProjectRef{ID: found.Project}, credential.ArtifactsWrite}, func(c *change) error {
		a, err := c.ArtifactByID(ctx, id) // which somebody else may have taken away
		if err != nil {
			return err
		}
		c.record("artifact.delete", "artifact:"+a.ID.String(), aboutArtifact(a))
		return c.DeleteArtifact(ctx, a.ID)
	})
}
