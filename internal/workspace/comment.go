package workspace

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const mostComment = 10_000

// CommentRequest asks for a comment.
type CommentRequest struct {
	Body   string
	Repeat *Repeat
}

// Comment adds to what is said below an issue. Only users comment.
func (w *Workspace) Comment(ctx context.Context, p *credential.Principal, ref IssueRef, r CommentRequest) (*store.Comment, error) {
	if _, err := w.Project(ctx, p, ref.Project, credential.IssuesWrite); err != nil { // before it is told what is wrong with the rest
		return nil, err
	}
	body, err := credential.CheckProse("body", r.Body, mostComment)
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
	call := Numbered{ref.Project, ref.Number}.making("comment", r.Repeat)
	id, err := w.make(ctx, p, want{ref.Project, credential.IssuesWrite}, call, func(c *change) (id uuid.UUID, err error) {
		issue, err := ref.find(ctx, c, c.project.ID)
		if err != nil {
			return id, err
		}
		if c.user() == uuid.Nil {
			return id, credential.Errorf(credential.Forbidden, "only users comment")
		}
		author, err := c.User(ctx, c.user())
		if err != nil {
			return id, err
		}
		comment.Project, comment.Issue, comment.MadeBy, comment.CreatedAt = c.project.ID, issue.ID, c.madeBy(), c.at
		comment.Author = store.Person{ID: author.ID, Number: author.Number, Name: author.Name}
		if err := c.InsertComment(ctx, comment); err != nil {
			return id, err
		}
		c.record("comment.create", "comment:"+comment.ID.String(), map[string]any{"project": issue.Project, "issue": issue.Number, "number": comment.Number})
		return comment.ID, nil
	})
	if err != nil {
		return nil, err
	}
	return w.store.Comment(ctx, id) // of the first call, where this one repeats it
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
