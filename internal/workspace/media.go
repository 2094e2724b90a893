package workspace

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// completedFor is how long a project's credential adds to what it reported.
const completedFor = 24 * time.Hour

// completes says by which permission a principal adds to an issue that is there
// already: who may write issues to any, and a project's credential to what it
// reported itself.
func completes(p *credential.Principal, i *store.Issue, at time.Time) (credential.Permission, error) {
	if p.SubjectType != credential.SubjectProject || p.Permissions.Has(credential.IssuesWrite) {
		return credential.IssuesWrite, nil
	}
	switch {
	case i.MadeBy != p.Credential.ID:
		return "", credential.Errorf(credential.NotFound, "no such issue")
	case !at.Before(i.CreatedAt.Add(completedFor)):
		return "", credential.Errorf(credential.Forbidden, "it was reported more than a day ago, and takes nothing more from a project's credential")
	}
	return creates(i.Category), nil
}

// completing finds the issue that a principal may add to, and by which permission.
func (w *Workspace) completing(ctx context.Context, p *credential.Principal, ref IssueRef) (wanted want, err error) {
	project, err := w.Project(ctx, p, ref.Project, anything)
	if err != nil {
		return wanted, err
	}
	issue, err := ref.find(ctx, w.store, project.ID)
	if err != nil {
		return wanted, w.orForbidden(ctx, p, ref, err)
	}
	if wanted.need, err = completes(p, issue, w.clock()); err != nil {
		return wanted, err
	}
	wanted.project = ref.Project
	_, err = w.Project(ctx, p, ref.Project, wanted.need)
	return wanted, err
}

// orForbidden tells who may not read issues that, and not which there are.
func (w *Workspace) orForbidden(ctx context.Context, p *credential.Principal, ref IssueRef, missing error) error {
	if p.SubjectType == credential.SubjectProject {
		return missing
	}
	if _, err := w.Project(ctx, p, ref.Project, credential.IssuesWrite); err != nil {
		return err
	}
	return missing
}

// complete runs fn in one transaction about an issue that a principal may add to.
func (w *Workspace) complete(ctx context.Context, p *credential.Principal, ref IssueRef, fn func(*change, *store.Issue) error) error {
	wanted, err := w.completing(ctx, p, ref)
	if err != nil {
		return err
	}
	return w.change(ctx, p, wanted, func(c *change) error {
		issue, err := ref.find(ctx, c, c.project.ID)
		if err != nil {
			return err
		}
		if _, err := completes(p, issue, c.at); err != nil {
			return err
		}
		return fn(c, issue)
	})
}

// MayComplete refuses who may not add to an issue.
func (w *Workspace) MayComplete(ctx context.Context, p *credential.Principal, ref IssueRef) error {
	_, err := w.completing(ctx, p, ref)
	return err
}

// AddMedia adds a file to an issue.
func (w *Workspace) AddMedia(ctx context.Context, p *credential.Principal, ref IssueRef, u Upload) (a *store.Artifact, err error) {
	err = w.complete(ctx, p, ref, func(c *change, issue *store.Issue) error {
		a, err = w.attach(ctx, c, store.ArtifactOwner{Noun: "issue", ID: issue.ID}, u)
		return err
	})
	return a, err
}

// Media lists the files of an issue that are of a kind, in the order in which
// they came. What is private is for those who may change the issue.
func (w *Workspace) Media(ctx context.Context, p *credential.Principal, ref IssueRef, kind string) ([]store.Artifact, error) {
	issue, err := w.Issue(ctx, p, ref)
	if err != nil {
		return nil, err
	}
	private, err := w.seesPrivate(ctx, p, ref)
	if err != nil {
		return nil, err
	}
	list, err := w.store.Artifacts(ctx, issue.ID, 0, mostArtifacts)
	return slices.DeleteFunc(list, func(a store.Artifact) bool { return a.Kind != kind || a.Private && !private }), err
}

// OpenMedia opens a file of an issue by its number.
func (w *Workspace) OpenMedia(ctx context.Context, p *credential.Principal, ref IssueRef, number int64) (*store.Artifact, *os.File, error) {
	issue, err := w.Issue(ctx, p, ref)
	if err != nil {
		return nil, nil, err
	}
	a, err := w.store.ArtifactByNumber(ctx, issue.Project, number)
	if err != nil {
		return nil, nil, err
	}
	private, err := w.seesPrivate(ctx, p, ref)
	if err == nil && (a.Owner.ID != issue.ID || a.Private && !private) {
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
