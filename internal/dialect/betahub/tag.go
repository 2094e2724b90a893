package betahub

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// tagRef is a tag as issues show it.
type tagRef struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Color string `json:"color"`
}

func tagsOf(heads []store.TagHead) []tagRef {
	out := make([]tagRef, len(heads))
	for i, t := range heads {
		out[i] = tagRef{t.Number, t.Name, t.Color}
	}
	return out
}

// tag is a tag as lists of them show it.
type tag struct {
	tagRef
	Description *string   `json:"description"`
	ParentTagID *int64    `json:"parent_tag_id"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func tagOf(t *store.Tag) tag {
	out := tag{tagRef: tagRef{t.Number, t.Name, t.Color}, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt}
	if t.Description != "" {
		out.Description = &t.Description
	}
	if t.Parent.Number != 0 {
		out.ParentTagID = &t.Parent.Number
	}
	return out
}

type tagList struct {
	Tags []tag `json:"tags"`
}

func (h *handlers) listTags(r *edge.Request) (out tagList, err error) {
	ref, err := projectIn(r)
	if err != nil {
		return out, err
	}
	list, err := h.workspace.Tags(r.Context(), &r.Principal, ref)
	out.Tags = make([]tag, len(list))
	for i := range list {
		out.Tags[i] = tagOf(&list[i])
	}
	return out, err
}

// tagBody is what a request says of a tag. What it doesn't say is nil.
type tagBody struct {
	Name        *string        `json:"name"`
	Color       *string        `json:"color"`
	Description *string        `json:"description"`
	Parent      jsontext.Value `json:"parent_tag_id"` // null is none
}

// nestedTag is tagBody, flat or one level down.
type nestedTag struct {
	tagBody
	Tag *tagBody `json:"issue_tag"`
}

func readTag(body edge.Payload) (req workspace.TagRequest, err error) {
	in := nestedTag{}
	if body.IsJSON() {
		if err := body.Decode(&in); err != nil {
			return req, err
		}
		if in.Tag != nil {
			in.tagBody = *in.Tag
		}
	} else {
		f := fields{body.Form, "issue_tag"}
		in.tagBody = tagBody{Name: f.optional("name"), Color: f.optional("color"), Description: f.optional("description")}
		if text, ok := f.value("parent_tag_id"); ok {
			in.Parent, _ = json.Marshal(text) // what isn't UTF-8 is no number either
		}
	}
	if in.Color != nil {
		lower := strings.ToLower(*in.Color)
		in.Color = &lower
	}
	req = workspace.TagRequest{Name: in.Name, Color: in.Color, Description: in.Description}
	parent, said, err := reference("parent_tag_id", in.Parent)
	if said {
		req.Parent = &parent
	}
	return req, err
}

func (h *handlers) createTag(r *edge.Request, body edge.Payload) (out tag, err error) {
	ref, err := projectIn(r)
	if err != nil {
		return out, err
	}
	in, err := readTag(body)
	if err != nil {
		return out, err
	}
	made, err := h.workspace.CreateTag(r.Context(), &r.Principal, ref, in)
	if err != nil {
		return out, err
	}
	return tagOf(made), nil
}

// numberedIn reads what the path names by its number in a project.
func numberedIn(r *edge.Request, name string) (n workspace.Numbered, err error) {
	if n.Project, err = projectIn(r); err != nil {
		return n, err
	}
	var ok bool
	if n.Number, ok = number(last(r, name), ""); !ok {
		err = credential.Errorf(credential.NotFound, "no such %s", name)
	}
	return n, err
}

func (h *handlers) changeTag(r *edge.Request, body edge.Payload) (out tag, err error) {
	n, err := numberedIn(r, "tag")
	if err != nil {
		return out, err
	}
	in, err := readTag(body)
	if err != nil {
		return out, err
	}
	changed, err := h.workspace.ChangeTag(r.Context(), &r.Principal, n, in)
	if err != nil {
		return out, err
	}
	return tagOf(changed), nil
}

func (h *handlers) deleteTag(r *edge.Request) (out edge.Nothing, err error) {
	n, err := numberedIn(r, "tag")
	if err != nil {
		return out, err
	}
	return out, h.workspace.DeleteTag(r.Context(), &r.Principal, n)
}

// similar is an issue with how alike it is to another.
type similar struct {
	issue
	Score float64 `json:"similarity_score"`
}

type similarList struct {
	Issues []similar `json:"issues"`
}

func (h *handlers) findSimilar(r *edge.Request) (out similarList, err error) {
	ref, err := issueIn(r)
	if err != nil {
		return out, err
	}
	asked := workspace.SimilarTo{Limit: 10, Done: r.Param("include_archived") == "true"}
	if text := r.Param("limit"); text != "" {
		if asked.Limit, err = strconv.Atoi(text); err != nil || asked.Limit < 1 || asked.Limit > 100 {
			return out, credential.InvalidField("limit", "must be a whole number from 1 to 100")
		}
	}
	list, err := h.workspace.FindSimilar(r.Context(), &r.Principal, ref, asked)
	out.Issues = make([]similar, len(list))
	for i := range list {
		out.Issues[i] = similar{h.issueOf(ref.Project.Number, &list[i].Issue), list[i].Score}
	}
	return out, err
}
