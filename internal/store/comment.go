package store

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Comment is what somebody wrote below an issue.
type Comment struct {
	ID        uuid.UUID
	Number    int64 // in its project
	Project   uuid.UUID
	Issue     uuid.UUID
	Body      string
	Author    Person
	MadeBy    uuid.UUID
	CreatedAt time.Time
}

func (c *Comment) targets() []any {
	return []any{&c.ID, &c.Number, &c.Project, &c.Issue, &c.Body, instant{&c.CreatedAt}, &c.Author.ID, &c.Author.Number, &c.Author.Name}
}

// InsertComment stores a new comment and gives it its number.
func (t *Tx) InsertComment(ctx context.Context, c *Comment) (err error) {
	if c.Number, err = t.next(ctx, c.Project.String(), "comment"); err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO comments (id, number, project_id, issue_id, body, user_id, made_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		c.ID, c.Number, c.Project, c.Issue, c.Body, c.Author.ID, nullable(c.MadeBy), c.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a comment", err)
	}
	return nil
}

const commentQuery = `SELECT c.id, c.number, c.project_id, c.issue_id, c.body, c.created_at, u.id, u.number, u.name
	FROM comments c JOIN users u ON u.id = c.user_id WHERE `

// Comment finds a comment of any project.
func (r reader) Comment(ctx context.Context, id uuid.UUID) (*Comment, error) {
	var c Comment
	if err := r.q.QueryRowContext(ctx, commentQuery+`c.id = $1`, id).Scan(c.targets()...); err != nil {
		return nil, r.fail("read a comment", err)
	}
	return &c, nil
}

// Comments returns the comments of an issue with a number above after, in the
// order in which they were written.
func (r reader) Comments(ctx context.Context, issue uuid.UUID, after int64, limit int) ([]Comment, error) {
	return list(ctx, r, selection[Comment]{"list comments", (*Comment).targets,
		commentQuery + `c.issue_id = $1 AND c.number > $2 ORDER BY c.number LIMIT $3`}, issue, after, limit)
}
