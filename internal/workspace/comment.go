package workspace

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const mostComment = 10_000

// Comment adds to what is said below an issue. Only users comment.
func (w *Workspace) Comment(ctx context.Context, p *credential.Principal, ref IssueRef, body string) (*store.Comment, error) {
	if _, err := w.Project(ctx, p, ref.Project, credential.IssuesWrite); err != nil { // before it is told what is wrong with the rest
		return nil, err
	}
	body, err := credential.CheckProse("body", body, mostComment)
	if err != nil {
		return nil, err
	}
	if body == "" {
		return nil, credential.InvalidField("body", "must not be empty")
	}
	comment := &store.Comment{Body: body}
	if comment.ID, err = w.newID(); err != nil {
		return nil, err
	}
	err = w.change(ctx, p, want{ref.Project, credential.IssuesWrite}, func(c *change) error {
		issue, err := ref.find(ctx, c, c.project.ID)
		if err != nil {
			return err
		}
		if c.user() == uuid.Nil {
			return credential.Errorf(credential.Forbidden, "only users comment")
		}
		author, err := c.User(ctx, c.user())
		if err != nil {
			return err
		}
		comment.Project, comment.Issue, comment.MadeBy, comment.CreatedAt = c.project.ID, issue.ID, c.madeBy(), c.at
		comment.Author = store.Person{ID: author.ID, Number: author.Number, Name: author.Name}
		if err := c.InsertComment(ctx, comment); err != nil {
			return err
		}
		c.record("comment.create", "comment:"+comment.ID.String(), map[string]any{"project": issue.Project, "issue": issue.Number, "number": comment.Number})
		return nil
	})
	return comment, err
}

// Comments returns what is said below an issue, in the order in which it was
// written: the first thousand.
func (w *Workspace) Comments(ctx context.Context, p *credential.Principal, ref IssueRef) ([]store.Comment, error) {
	issue, err := w.Issue(ctx, p, ref)
	if err != nil {
		return nil, err
	}
	return w.store.Comments(ctx, issue.ID, 0, mostListed)
}
