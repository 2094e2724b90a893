package workspace

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// IssueChange is what is to be different about an issue. A nil field stays.
type IssueChange struct {
	Category, Status, Priority, Title, Description, Steps, ReleaseLabel *string
	Assignee, Release                                                   *int64            // by number; 0 for none
	Tags                                                                *[]int64          // by number
	Custom                                                              map[string]string // all of it
}

// UpdateIssue changes the named fields of an issue, and leaves the others to
// whoever changes them at the same time.
func (w *Workspace) UpdateIssue(ctx context.Context, p *credential.Principal, ref IssueRef, ch IssueChange) (*store.Issue, error) {
	var issue *store.Issue
	err := w.change(ctx, p, want{ref.Project, credential.IssuesWrite}, func(c *change) (err error) {
		if issue, err = ref.find(ctx, c, c.project.ID); err != nil {
			return err
		}
		before := issue.Status
		if err := ch.apply(issue); err != nil {
			return err
		}
		if ch.Assignee != nil {
			if issue.Assignee, err = assignee(ctx, c, *ch.Assignee); err != nil {
				return err
			}
		}
		if ch.Release != nil || ch.ReleaseLabel != nil {
			if issue.Release, err = w.release(ctx, c, valueOf(ch.Release), valueOf(ch.ReleaseLabel)); err != nil {
				return err
			}
		}
		if ch.Tags != nil {
			if issue.Tags, err = tags(ctx, c, *ch.Tags); err != nil {
				return err
			}
			if err := c.SetTags(ctx, issue); err != nil {
				return err
			}
		}
		issue.UpdatedAt = c.at
		action := "issue.update"
		switch {
		case issue.Status != Resolved:
			issue.ResolvedAt = time.Time{}
		case before != Resolved:
			issue.ResolvedAt, action = c.at, "issue.resolve"
		}
		c.record(action, targetOf(issue), aboutIssue(issue))
		return c.Tx.UpdateIssue(ctx, issue)
	})
	if err != nil {
		return nil, err
	}
	return w.store.Issue(ctx, issue.Project, issue.Number)
}

// valueOf is what p points to, or nothing.
func valueOf[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// apply takes over the fields that stand by themselves.
func (ch *IssueChange) apply(i *store.Issue) (err error) {
	if ch.Custom != nil {
		if i.Custom, err = custom(ch.Custom); err != nil {
			return err
		}
	}
	prose := func(most int) func(string, string) (string, error) {
		return func(field, text string) (string, error) { return credential.CheckProse(field, text, most) }
	}
	for _, f := range []struct {
		name  string
		to    *string
		value *string
		check func(field, text string) (string, error)
	}{
		{"category", &i.Category, ch.Category, func(f, t string) (string, error) { return oneOf(f, t, Categories()) }},
		{"priority", &i.Priority, ch.Priority, func(f, t string) (string, error) { return oneOf(f, t, Priorities()) }},
		{"title", &i.Title, ch.Title, func(_, t string) (string, error) { return checkTitle(t) }},
		{"description", &i.Description, ch.Description, prose(mostDescription)},
		{"steps_to_reproduce", &i.Steps, ch.Steps, prose(mostSteps)},
	} {
		if f.value == nil {
			continue
		}
		checked, err := f.check(f.name, *f.value)
		if err != nil {
			return err
		}
		*f.to = checked
	}
	if restage(i); ch.Status != nil {
		return setStatus(i, *ch.Status)
	}
	return nil
}
