package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// InsertDraft stores an issue that isn't reported yet, and gives it its number.
func (t *Tx) InsertDraft(ctx context.Context, i *Issue) error {
	if err := t.numberIssue(ctx, i); err != nil {
		return err
	}
	content, err := draftOf(i)
	if err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `INSERT INTO issue_drafts (id, number, project_id, content, made_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		i.ID, i.Number, i.Project, content, nullable(i.MadeBy), i.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a draft", err)
	}
	return nil
}

// UpdateDraft stores a draft anew.
func (t *Tx) UpdateDraft(ctx context.Context, i *Issue) error {
	content, err := draftOf(i)
	if err != nil {
		return err
	}
	if _, err := t.q.ExecContext(ctx, `UPDATE issue_drafts SET content = $2 WHERE id = $1`, i.ID, content); err != nil {
		return t.fail("store a draft", err)
	}
	return nil
}

// draftOf writes an issue down. Who a person is stays with the person.
func draftOf(i *Issue) (string, error) {
	draft := *i
	draft.Draft, draft.Reporter.Name, draft.Assignee.Name = true, "", ""
	content, err := json.Marshal(draft)
	return string(content), err
}

// DeleteDraft forgets a draft.
func (t *Tx) DeleteDraft(ctx context.Context, id uuid.UUID) error {
	if _, err := t.q.ExecContext(ctx, `DELETE FROM issue_drafts WHERE id = $1`, id); err != nil {
		return t.fail("delete a draft", err)
	}
	return nil
}

// Draft finds a draft of a project by its number.
func (r reader) Draft(ctx context.Context, project uuid.UUID, number int64) (*Issue, error) {
	return r.draft(ctx, `project_id = $1 AND number = $2`, project, number)
}

// DraftByID finds a draft of any project.
func (r reader) DraftByID(ctx context.Context, id uuid.UUID) (*Issue, error) {
	return r.draft(ctx, `id = $1`, id)
}

func (r reader) draft(ctx context.Context, where string, args ...any) (*Issue, error) {
	var content string
	err := r.q.QueryRowContext(ctx, `SELECT content FROM issue_drafts WHERE `+where, args...).Scan(&content)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such issue")
	}
	if err != nil {
		return nil, r.fail("read a draft", err)
	}
	i := &Issue{}
	if err := json.Unmarshal([]byte(content), i); err != nil {
		return nil, fmt.Errorf("read a draft: %w", err)
	}
	return i, errors.Join(r.name(ctx, &i.Reporter), r.name(ctx, &i.Assignee))
}

// name reads what a person is called.
func (r reader) name(ctx context.Context, p *Person) error {
	query := `SELECT name FROM users WHERE id = $1`
	if p.Virtual {
		query = `SELECT COALESCE(value, '') FROM virtual_users WHERE id = $1`
	}
	if p.ID == uuid.Nil {
		return nil
	}
	if err := r.q.QueryRowContext(ctx, query, p.ID).Scan(&p.Name); err != nil {
		return r.fail("read who a draft is from", err)
	}
	return nil
}

// ForgetUnfinished deletes what was begun before a time and came to nothing:
// drafts with their artifacts, and artifacts that wait for their owner.
func (s *Store) ForgetUnfinished(ctx context.Context, before time.Time) error {
	return s.Quietly(ctx, func(t *Tx) error {
		for _, statement := range []string{
			`DELETE FROM artifacts WHERE owner_id IN (SELECT id FROM issue_drafts WHERE created_at < $1)`,
			`DELETE FROM issue_drafts WHERE created_at < $1`,
			`DELETE FROM artifacts WHERE noun = '` + WaitingNoun + `' AND created_at < $1`,
		} {
			if _, err := t.q.ExecContext(ctx, statement, before.UnixMilli()); err != nil {
				return t.fail("forget what came to nothing", err)
			}
		}
		return nil
	})
}

// WaitingNoun is what an artifact belongs to until its owner is said.
const WaitingNoun = "upload"
