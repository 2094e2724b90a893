package workspace

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// ownedBy is an issue as what files belong to.
func ownedBy(i *store.Issue) store.ArtifactOwner { return store.ArtifactOwner{Noun: "issue", ID: i.ID} }

// KindOf is the kind of a file whose kind isn't said.
func KindOf(media string) string {
	switch {
	case strings.HasPrefix(media, "image/"):
		return "screenshot"
	case strings.HasPrefix(media, "video/"):
		return "video_clip"
	case strings.HasPrefix(media, "text/"):
		return "log_file"
	}
	return "binary_file"
}

// AddMedia adds a file to an issue.
func (w *Workspace) AddMedia(ctx context.Context, p *credential.Principal, ref IssueRef, u Upload) (a *store.Artifact, err error) {
	err = w.complete(ctx, p, ref, func(c *change, issue *store.Issue) error {
		a, err = w.attach(ctx, c, ownedBy(issue), u)
		return err
	})
	return a, err
}

// Media lists the files of an issue that are of a kind (empty: of any), in the
// order in which they came. What is private is for those who may change the issue.
func (w *Workspace) Media(ctx context.Context, p *credential.Principal, ref IssueRef, kind string) ([]store.Artifact, error) {
	issue, err := w.Issue(ctx, p, ref)
	if err != nil {
		return nil, err
	}
	private, err := w.seesPrivate(ctx, p, ref)
	if err != nil {
		return nil, err
	}
	list, err := w.store.Artifacts(ctx, ownedBy(issue), 0, mostArtifacts)
	return slices.DeleteFunc(list, func(a store.Artifact) bool { return kind != "" && a.Kind != kind || a.Private && !private }), err
}

// Medium names a file of an issue. An empty kind is any.
type Medium struct {
	Issue  IssueRef
	Kind   string
	Number int64
}

// OpenMedia opens a file of an issue.
func (w *Workspace) OpenMedia(ctx context.Context, p *credential.Principal, m Medium) (*store.Artifact, *os.File, error) {
	issue, err := w.Issue(ctx, p, m.Issue)
	if err != nil {
		return nil, nil, err
	}
	a, err := w.store.ArtifactByNumber(ctx, issue.Project, m.Number)
	if err != nil {
		return nil, nil, err
	}
	private, err := w.seesPrivate(ctx, p, m.Issue)
	if err == nil && (m.Kind != "" && a.Kind != m.Kind || a.Owner != ownedBy(issue) || a.Private && !private) {
		err = credential.Errorf(credential.NotFound, "no such file")
	}
	if err != nil {
		return nil, nil, err
	}
	content, err := w.open(a)
	return a, content, err
}

// seesPrivate reports whether a principal sees what is for developers alone.
func (w *Workspace) seesPrivate(ctx context.Context, p *credential.Principal, ref IssueRef) (bool, error) {
	_, err := w.Project(ctx, p, ref.Project, credential.IssuesWrite)
	if errors.Is(err, credential.Forbidden) {
		return false, nil
	}
	return err == nil, err
}
