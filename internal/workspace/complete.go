package workspace

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// completedFor is how long a project's credential adds to what it reported.
const completedFor = 24 * time.Hour

// completes says by which permission a principal adds to an issue that is there
// already: who may write issues to any, a project's credential to what it
// reported itself, and the token of a report to that.
func completes(p *credential.Principal, i *store.Issue, at time.Time) (credential.Permission, error) {
	switch {
	case p.Token != nil && p.Token.Report == i.ID:
		return anything, nil
	case p.SubjectType != credential.SubjectProject || p.Permissions.Has(credential.IssuesWrite):
		return credential.IssuesWrite, nil
	case p.Token != nil && p.Token.Report != uuid.Nil, i.MadeBy != p.Credential.ID:
		return "", credential.Errorf(credential.NotFound, "no such issue")
	case !at.Before(i.CreatedAt.Add(completedFor)):
		return "", credential.Errorf(credential.Forbidden, "it was reported more than a day ago, and takes nothing more from a project's credential")
	}
	return creates(i.Category), nil
}

// completion is an issue that a principal may add to, and by which permission.
type completion struct {
	want
	issue uuid.UUID
}

func (w *Workspace) completing(ctx context.Context, p *credential.Principal, ref IssueRef) (wanted completion, err error) {
	project, err := w.Project(ctx, p, ref.Project, anything)
	if err != nil {
		return wanted, err
	}
	issue, err := ref.findDraft(ctx, w.store, project.ID)
	if err != nil {
		return wanted, w.orForbidden(ctx, p, ref, err)
	}
	if wanted.need, err = completes(p, issue, w.clock()); err != nil {
		return wanted, err
	}
	wanted.project, wanted.issue = ref.Project, issue.ID
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

// draftReader has what a store has outside of a change and within one.
type draftReader interface {
	issueReader
	Draft(context.Context, uuid.UUID, int64) (*store.Issue, error)
}

// findDraft is find, also of what isn't reported yet.
func (ref IssueRef) findDraft(ctx context.Context, s draftReader, project uuid.UUID) (*store.Issue, error) {
	issue, err := ref.find(ctx, s, project)
	if !errors.Is(err, credential.NotFound) {
		return issue, err
	}
	draft, missing := s.Draft(ctx, project, ref.Number)
	if missing == nil && ref.Category != "" && ref.Category != draft.Category {
		return nil, err
	}
	return draft, missing
}

// complete runs fn in one transaction about an issue that a principal may add to.
func (w *Workspace) complete(ctx context.Context, p *credential.Principal, ref IssueRef, fn func(*change, *store.Issue) error) error {
	wanted, err := w.completing(ctx, p, ref)
	if err != nil {
		return err
	}
	return w.change(ctx, p, wanted.want, func(c *change) error {
		issue, err := ref.findDraft(ctx, c, c.project.ID)
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

// Publish reports a draft. What is reported already stays as it is.
func (w *Workspace) Publish(ctx context.Context, p *credential.Principal, ref IssueRef) (issue *store.Issue, err error) {
	err = w.complete(ctx, p, ref, func(c *change, found *store.Issue) error {
		if issue = found; !issue.Draft {
			return errUnchanged
		}
		issue.Draft, issue.CreatedAt, issue.UpdatedAt = false, c.at, c.at
		numbers := make([]int64, len(issue.Tags))
		for i, t := range issue.Tags {
			numbers[i] = t.Number
		}
		if issue.Tags, err = existing(ctx, c, numbers); err != nil {
			return err
		}
		restage(issue) // a draft may be older than its stages
		c.record("issue.create", targetOf(issue), aboutIssue(issue))
		return errors.Join(c.DeleteDraft(ctx, issue.ID), c.InsertIssue(ctx, issue))
	})
	return issue, unlessUnchanged(err)
}

// SetReporter says by an address who reported an issue, where a project's
// credential did so for somebody.
func (w *Workspace) SetReporter(ctx context.Context, p *credential.Principal, ref IssueRef, email string) (issue *store.Issue, err error) {
	email, invalid := credential.CheckEmail("email", email)
	err = w.complete(ctx, p, ref, func(c *change, found *store.Issue) (err error) {
		switch issue = found; {
		case invalid != nil:
			return invalid
		case c.by.ProjectScoped() == uuid.Nil || issue.Reporter.ID != uuid.Nil && !issue.Reporter.Virtual:
			return credential.Errorf(credential.Conflict, "it is known who reported it")
		}
		if issue.Reporter, err = w.reporter(ctx, c, Claim{"email", email}); err != nil {
			return err
		}
		issue.UpdatedAt = c.at
		if issue.Draft {
			c.record("issue.draft", targetOf(issue), aboutIssue(issue))
			return c.UpdateDraft(ctx, issue)
		}
		c.record("issue.update", targetOf(issue), aboutIssue(issue))
		return c.Tx.UpdateIssue(ctx, issue)
	})
	return issue, err
}
