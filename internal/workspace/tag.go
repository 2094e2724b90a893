package workspace

import (
	"context"
	"regexp"
	"slices"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Bounds of tags.
const (
	mostTags   = 500 // of a project
	mostTagged = 20  // of an issue, and in a filter
)

// TagRequest says what a tag is to be. A nil field stays as it is.
type TagRequest struct {
	Name, Color, Description *string
	Parent                   *int64 // the number of a tag; 0 for none
}

// color is how one is written.
var color = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// apply takes over what is said.
func (r *TagRequest) apply(ctx context.Context, c *change, t *store.Tag) (err error) {
	if r.Name != nil {
		if t.Name, err = credential.CheckName("name", *r.Name); err != nil {
			return err
		}
	}
	if r.Color != nil {
		if t.Color = *r.Color; !color.MatchString(t.Color) {
			return credential.InvalidField("color", "must be written as #1e90ff")
		}
	}
	if r.Description != nil {
		if t.Description, err = credential.CheckProse("description", *r.Description, 1000); err != nil {
			return err
		}
	}
	if r.Parent == nil {
		return nil
	}
	if t.Parent = (store.TagHead{}); *r.Parent == 0 {
		return nil
	}
	found, err := c.TagsByNumber(ctx, t.Project, []int64{*r.Parent})
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return credential.InvalidField("parent_tag_id", "no such tag of the project")
	case found[0].ID == t.ID || found[0].Parent.ID != uuid.Nil:
		return credential.InvalidField("parent_tag_id", "must be a tag that is below no other")
	}
	t.Parent = found[0].TagHead
	return nil
}

// CreateTag makes a tag of a project.
func (w *Workspace) CreateTag(ctx context.Context, p *credential.Principal, project store.ProjectRef, r TagRequest) (t *store.Tag, err error) {
	none, grey := "", "#808080"
	r.Name, r.Color = firstOf(r.Name, &none), firstOf(r.Color, &grey)
	err = w.change(ctx, p, want{project, credential.IssuesWrite}, func(c *change) error {
		have, err := c.Tags(ctx, c.project.ID, mostTags)
		if err != nil {
			return err
		}
		if len(have) == mostTags {
			return credential.Errorf(credential.LimitReached, "a project has at most %d tags", mostTags)
		}
		t = &store.Tag{Project: c.project.ID, MadeBy: c.madeBy(), CreatedAt: c.at, UpdatedAt: c.at}
		if t.ID, err = w.newID(); err != nil {
			return err
		}
		if err := r.apply(ctx, c, t); err != nil {
			return err
		}
		if err := c.InsertTag(ctx, t); err != nil {
			return err
		}
		c.recordTag("tag.create", t)
		return nil
	})
	return t, err
}

// firstOf is a value that is there, or else another.
func firstOf[T any](value, otherwise *T) *T {
	if value != nil {
		return value
	}
	return otherwise
}

// recordTag adds the event about a tag.
func (c *change) recordTag(action string, t *store.Tag) {
	c.record(action, "tag:"+t.ID.String(), map[string]any{"project": t.Project, "number": t.Number})
}

// ChangeTag says something else of a tag.
func (w *Workspace) ChangeTag(ctx context.Context, p *credential.Principal, n Numbered, r TagRequest) (t *store.Tag, err error) {
	err = w.change(ctx, p, want{n.Project, credential.IssuesWrite}, func(c *change) error {
		if t, err = c.Tag(ctx, c.project.ID, n.Number); err != nil {
			return err
		}
		if r.Parent != nil && *r.Parent != 0 {
			all, err := c.Tags(ctx, c.project.ID, mostTags)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(all, func(other store.Tag) bool { return other.Parent.ID == t.ID }) {
				return credential.InvalidField("parent_tag_id", "there are tags below this one, so that it can be below none")
			}
		}
		if err := r.apply(ctx, c, t); err != nil {
			return err
		}
		t.UpdatedAt = c.at
		c.recordTag("tag.update", t)
		return c.UpdateTag(ctx, t)
	})
	return t, err
}

// DeleteTag takes a tag away, from its issues too.
func (w *Workspace) DeleteTag(ctx context.Context, p *credential.Principal, n Numbered) error {
	return w.change(ctx, p, want{n.Project, credential.IssuesWrite}, func(c *change) error {
		t, err := c.Tag(ctx, c.project.ID, n.Number)
		if err != nil {
			return err
		}
		c.recordTag("tag.delete", t)
		return c.Tx.DeleteTag(ctx, t.ID)
	})
}

// Tags lists the tags of a project.
func (w *Workspace) Tags(ctx context.Context, p *credential.Principal, ref store.ProjectRef) ([]store.Tag, error) {
	project, err := w.Project(ctx, p, ref, credential.IssuesRead)
	if err != nil {
		return nil, err
	}
	return w.store.Tags(ctx, project.ID, mostTags)
}

// tags finds the tags that an issue is to have.
func tags(ctx context.Context, c *change, numbers []int64) (heads []store.TagHead, err error) {
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if len(numbers) > mostTagged {
		return nil, credential.InvalidField("tag_ids", "at most %d", mostTagged)
	}
	heads, err = existing(ctx, c, numbers)
	if err == nil && len(heads) < len(numbers) {
		err = credential.InvalidField("tag_ids", "there is no such tag of the project")
	}
	return heads, err
}

// existing are those of some tags that there are.
func existing(ctx context.Context, c *change, numbers []int64) (heads []store.TagHead, err error) {
	found, err := c.TagsByNumber(ctx, c.project.ID, numbers)
	for _, t := range found {
		heads = append(heads, t.TagHead)
	}
	return heads, err
}
