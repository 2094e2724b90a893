package workspace

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// IssueRef names an issue by its project and its number there. A category that
// isn't empty must be the issue's.
type IssueRef struct {
	Project  store.ProjectRef
	Number   int64
	Category string
}

// issueReader has what a store has outside of a change and within one.
type issueReader interface {
	Issue(context.Context, uuid.UUID, int64) (*store.Issue, error)
}

func (ref IssueRef) find(ctx context.Context, s issueReader, project uuid.UUID) (*store.Issue, error) {
	issue, err := s.Issue(ctx, project, ref.Number)
	if err == nil && ref.Category != "" && ref.Category != issue.Category {
		return nil, credential.Errorf(credential.NotFound, "no such issue")
	}
	return issue, err
}

// Issue returns an issue.
func (w *Workspace) Issue(ctx context.Context, p *credential.Principal, ref IssueRef) (*store.Issue, error) {
	project, err := w.Project(ctx, p, ref.Project, credential.IssuesRead)
	if err != nil {
		return nil, err
	}
	return ref.find(ctx, w.store, project.ID)
}

// IssueList is a part of a list, with how many there are in all: up to a
// bound, beyond which they are not counted.
type IssueList struct {
	Project *store.Project
	Issues  []store.Issue
	Total   int
}

// Issues lists issues of a project, the newest first. Pages lie within the
// first store.MostCounted.
func (w *Workspace) Issues(ctx context.Context, p *credential.Principal, ref store.ProjectRef, f store.IssueFilter) (out IssueList, err error) {
	if out.Project, err = w.Project(ctx, p, ref, credential.IssuesRead); err != nil {
		return out, err
	}
	if err := checkFilter(&f); err != nil {
		return out, err
	}
	f.Project = out.Project.ID
	if out.Total, err = w.store.CountIssues(ctx, f); err != nil {
		return out, err
	}
	out.Issues, err = w.store.Issues(ctx, f)
	return out, err
}

func checkFilter(f *store.IssueFilter) (err error) {
	if f.Category == FeatureRequest && f.Status != "" && !isStatus(f.Status) {
		stage, err := oneOf("status", f.Status, Stages())
		if err != nil {
			return err
		}
		f.Status, f.Stages = "", append(f.Stages, stage)
	}
	if len(f.Stages) > 0 {
		f.Category = "" // only feature requests have stages, and an index by them
	}
	if f.Status != "" {
		if f.Status, err = status("status", f.Status); err != nil {
			return err
		}
	}
	if f.Priority != "" {
		if _, err = oneOf("priority", f.Priority, Priorities()); err != nil {
			return err
		}
	}
	if len(f.Tags) > mostTagged {
		return credential.InvalidField("tag_ids", "at most %d", mostTagged)
	}
	if f.Skip+f.Limit > store.MostCounted {
		return credential.InvalidField("page", "a list can be paged through up to its first %d entries; narrow it by a filter", store.MostCounted)
	}
	return nil
}

// FindIssues searches titles and descriptions for the words of a text. Of what
// it finds, at most store.MostFound, it leaves out the numbers in skip and
// those of another category.
func (w *Workspace) FindIssues(ctx context.Context, p *credential.Principal, ref store.ProjectRef, s IssueSearch) (out IssueList, err error) {
	if out.Project, err = w.Project(ctx, p, ref, credential.IssuesRead); err != nil {
		return out, err
	}
	ids, err := w.store.Search(ctx, store.Scope{Noun: "issue", Project: out.Project.ID}, s.Text)
	if err != nil {
		return out, err
	}
	found, err := w.store.IssueHeads(ctx, out.Project.ID, ids)
	if err != nil {
		return out, err
	}
	found = slices.DeleteFunc(found, func(i store.IssueHead) bool {
		return slices.Contains(s.Without, i.Number) || s.Category != "" && i.Category != s.Category
	})
	out.Total = len(found)
	first := min(s.Skip, len(found))
	page := make([]uuid.UUID, 0, s.Limit)
	for _, i := range found[first:min(first+s.Limit, len(found))] {
		page = append(page, i.ID)
	}
	out.Issues, err = w.store.IssuesByID(ctx, out.Project.ID, page)
	return out, err
}

// IssueSearch is what is searched for.
type IssueSearch struct {
	Text        string
	Category    string
	Without     []int64
	Skip, Limit int
}

// Releases returns the latest releases of a project, the newest first.
func (w *Workspace) Releases(ctx context.Context, p *credential.Principal, ref store.ProjectRef) (*store.Project, []store.Release, error) {
	project, err := w.Project(ctx, p, ref, credential.IssuesRead)
	if err != nil {
		return nil, nil, err
	}
	list, err := w.store.Releases(ctx, project.ID, mostListed)
	return project, list, err
}

// Release returns a release by its number.
func (w *Workspace) Release(ctx context.Context, p *credential.Principal, ref store.ProjectRef, number int64) (*store.Project, *store.Release, error) {
	project, err := w.Project(ctx, p, ref, credential.IssuesRead)
	if err != nil {
		return nil, nil, err
	}
	r, err := w.store.Release(ctx, project.ID, number)
	return project, r, err
}

// mostListed bounds the lists that have no pages.
const mostListed = 1000
