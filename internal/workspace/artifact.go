package workspace

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// How many artifacts one thing has at most, and how many a project itself: as
// many as are counted and paged through.
const (
	mostArtifacts    = 100
	mostProjectFiles = store.MostCounted
)

// Upload is a file on its way to become an artifact.
type Upload struct {
	ID      uuid.UUID // Nil for a new one
	Kind    string
	Name    string // as the caller chose it
	Private bool
	Detail  string // a JSON object; empty for none
	File    *artifact.Staged
}

// Files returns where the content of artifacts is kept.
func (w *Workspace) Files() *artifact.Files { return w.files }

// attach makes a staged file an artifact of something in the change's project.
// The file is on the disk under its name before the row is committed.
func (w *Workspace) attach(ctx context.Context, c *change, owner store.ArtifactOwner, u Upload) (*store.Artifact, error) {
	most := mostArtifacts
	if owner == ownFiles(c.project.ID) {
		most = mostProjectFiles
	}
	switch n, err := c.CountArtifacts(ctx, owner.ID); {
	case err != nil:
		return nil, err
	case n >= most:
		return nil, credential.Errorf(credential.LimitReached, "it has %d files already, which is as many as it may have", n)
	}
	a, err := w.keepFile(ctx, c, owner, u)
	if err != nil {
		return nil, err
	}
	c.record("artifact.create", "artifact:"+a.ID.String(), aboutArtifact(a))
	return a, nil
}

// keepFile is attach where something else bounds the files, and tells of them.
func (w *Workspace) keepFile(ctx context.Context, c *change, owner store.ArtifactOwner, u Upload) (*store.Artifact, error) {
	id, err := w.newID()
	if u.ID != uuid.Nil {
		id = u.ID
	}
	if err != nil {
		return nil, err
	}
	by, err := w.reporter(ctx, c, Claim{})
	if err != nil {
		return nil, err
	}
	a := &store.Artifact{
		ID: id, Project: c.project.ID, Owner: owner, Kind: u.Kind, Name: artifact.Name(u.Name), Type: u.File.Type, Size: u.File.Size, Sum: u.File.Sum,
		Private: u.Private, Detail: or(u.Detail, "{}"), By: by, MadeBy: c.madeBy(), CreatedAt: c.at,
	}
	if err := c.InsertArtifact(ctx, a); err != nil {
		return nil, err
	}
	return a, u.File.Keep(c.at)
}

// artifactDetail is the detail of the event about an artifact.
type artifactDetail struct {
	Project uuid.UUID `json:"project"`
	Number  int64     `json:"number"`
	Of      string    `json:"of"`
	Owner   uuid.UUID `json:"owner"`
	Kind    string    `json:"kind"`
	Size    int64     `json:"size"`
}

func aboutArtifact(a *store.Artifact) artifactDetail {
	return artifactDetail{a.Project, a.Number, a.Owner.Noun, a.Owner.ID, a.Kind, a.Size}
}

// open opens the content of an artifact. Whoever asks may see it.
func (w *Workspace) open(a *store.Artifact) (*os.File, error) { return w.files.Open(a.Sum, a.Size) }

// How often a part of the files is swept, and how old is what is taken away:
// no upload takes as long.
const (
	sweepEvery = 5 * time.Minute
	sweepAfter = 24 * time.Hour
	// unfinishedFor is how long drafts are kept, and what waits for its owner.
	unfinishedFor = 48 * time.Hour
)

// Run takes away what was begun and not finished, and files that belong to
// nothing, as a crash or a deletion leaves them: a part at a time, all of them
// within a day, until ctx is done.
func (w *Workspace) Run(ctx context.Context) error {
	next := time.NewTicker(sweepEvery)
	defer next.Stop()
	for part := 0; ; part++ {
		err := w.Sweep(ctx, part)
		if part%artifact.Parts == 0 {
			err = errors.Join(err, w.store.ForgetUnfinished(ctx, w.clock().Add(-unfinishedFor)))
		}
		if err != nil && ctx.Err() == nil {
			w.log.Warn("files that belong to nothing can't be taken away; tried again in a day", "error", err)
		}
		select {
		case <-next.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Sweep takes away what a part of the files has that belongs to nothing.
func (w *Workspace) Sweep(ctx context.Context, part int) error {
	return w.files.Sweep(ctx, part, w.clock().Add(-sweepAfter), func(ctx context.Context, sums []artifact.Sum) (map[artifact.Sum]bool, error) {
		asked := make([][32]byte, len(sums))
		for i, sum := range sums {
			asked[i] = sum
		}
		found, err := w.store.NeededArtifacts(ctx, asked)
		needed := map[artifact.Sum]bool{}
		for _, sum := range found {
			needed[sum] = true
		}
		return needed, err
	})
}
