package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Tag is what issues of a project are sorted by.
type Tag struct {
	TagHead
	Project     uuid.UUID
	Description string
	Parent      TagHead // the tag that it is below; zero for none
	MadeBy      uuid.UUID
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// TagHead is a tag as issues show it.
type TagHead struct {
	ID          uuid.UUID
	Number      int64 // in its project
	Name, Color string
}

const tagQuery = `SELECT t.id, t.number, t.name, t.color, t.project_id, t.description, p.id, COALESCE(p.number, 0), t.created_at, t.updated_at
	FROM issue_tags t LEFT JOIN issue_tags p ON p.id = t.parent_id WHERE t.project_id = $1`

func (t *Tag) targets() []any {
	return []any{&t.ID, &t.Number, &t.Name, &t.Color, &t.Project, &t.Description, nullID{&t.Parent.ID}, &t.Parent.Number, instant{&t.CreatedAt}, instant{&t.UpdatedAt}}
}

// InsertTag stores a new tag and gives it its number.
func (t *Tx) InsertTag(ctx context.Context, tag *Tag) (err error) {
	if tag.Number, err = t.next(ctx, tag.Project.String(), "tag"); err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO issue_tags (id, number, project_id, name, color, description, parent_id, made_by, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		tag.ID, tag.Number, tag.Project, tag.Name, tag.Color, tag.Description, nullable(tag.Parent.ID), nullable(tag.MadeBy), tag.CreatedAt.UnixMilli(), tag.UpdatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a tag", err)
	}
	return nil
}

// UpdateTag stores what may change of a tag.
func (t *Tx) UpdateTag(ctx context.Context, tag *Tag) error {
	_, err := t.q.ExecContext(ctx, `UPDATE issue_tags SET name = $2, color = $3, description = $4, parent_id = $5, updated_at = $6 WHERE id = $1`,
		tag.ID, tag.Name, tag.Color, tag.Description, nullable(tag.Parent.ID), tag.UpdatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a tag", err)
	}
	return nil
}

// DeleteTag takes a tag away, from its issues too. Those below it are below
// nothing then.
func (t *Tx) DeleteTag(ctx context.Context, id uuid.UUID) error {
	for _, statement := range []string{
		`DELETE FROM issue_tagged WHERE tag_id = $1`, `UPDATE issue_tags SET parent_id = NULL WHERE parent_id = $1`, `DELETE FROM issue_tags WHERE id = $1`,
	} {
		if _, err := t.q.ExecContext(ctx, statement, id); err != nil {
			return t.fail("delete a tag", err)
		}
	}
	return nil
}

// Tags returns the tags of a project, in the order in which they were made.
func (r reader) Tags(ctx context.Context, project uuid.UUID, limit int) ([]Tag, error) {
	return list(ctx, r, selection[Tag]{"list tags", (*Tag).targets, tagQuery + ` ORDER BY t.number LIMIT $2`}, project, limit)
}

// TagsByNumber returns those tags of a project that some numbers name.
func (r reader) TagsByNumber(ctx context.Context, project uuid.UUID, numbers []int64) ([]Tag, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	args := []any{project}
	for _, n := range numbers {
		args = append(args, n)
	}
	return list(ctx, r, selection[Tag]{"list tags", (*Tag).targets, tagQuery + ` AND t.number IN ` + places(2, len(numbers)) + ` ORDER BY t.number`}, args...)
}

// Tag finds a tag of a project by its number.
func (r reader) Tag(ctx context.Context, project uuid.UUID, number int64) (*Tag, error) {
	var tag Tag
	err := r.q.QueryRowContext(ctx, tagQuery+` AND t.number = $2`, project, number).Scan(tag.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such tag")
	}
	if err != nil {
		return nil, r.fail("read a tag", err)
	}
	return &tag, nil
}

// SetTags gives an issue the tags that it says, and takes all others away.
func (t *Tx) SetTags(ctx context.Context, i *Issue) error {
	if _, err := t.q.ExecContext(ctx, `DELETE FROM issue_tagged WHERE issue_id = $1`, i.ID); err != nil {
		return t.fail("tag an issue", err)
	}
	rows := inserts{t: t, op: "tag an issue", into: `issue_tagged (tag_id, issue_number, issue_id)`, columns: 3}
	for _, tag := range i.Tags {
		if err := rows.add(ctx, tag.ID, i.Number, i.ID); err != nil {
			return err
		}
	}
	return rows.done(ctx)
}

// tagged is a tag with the issue that has it.
type tagged struct {
	issue uuid.UUID
	TagHead
}

func (t *tagged) targets() []any { return []any{&t.issue, &t.ID, &t.Number, &t.Name, &t.Color} }

// readTags reads the tags of some issues.
func (r reader) readTags(ctx context.Context, issues []Issue) error {
	ids, at := make([]uuid.UUID, len(issues)), map[uuid.UUID]int{}
	for i := range issues {
		ids[i], at[issues[i].ID] = issues[i].ID, i
	}
	return r.inParts(ids, func(part named) error {
		found, err := list(ctx, r, selection[tagged]{"list the tags of issues", (*tagged).targets,
			`SELECT g.issue_id, t.id, t.number, t.name, t.color FROM issue_tagged g JOIN issue_tags t ON t.id = g.tag_id
			WHERE g.issue_id IN (` + part.list + `) ORDER BY t.number`}, part.args...)
		for _, tag := range found {
			issue := &issues[at[tag.issue]]
			issue.Tags = append(issue.Tags, tag.TagHead)
		}
		return err
	})
}
