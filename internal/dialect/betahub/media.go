package betahub

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// A kind of media has a noun, which is in the plural in addresses, and comes in
// a field of that name: screenshot[image]. In a path one is a word.
type kind struct{ noun, field, one, name string }

func (k kind) path() string { return issues + "/{issue}/" + k.noun + "s" }

// part is the name of the part of a form in which it comes.
func (k kind) part() string { return k.noun + "[" + k.field + "]" }

// kinds are the media that an issue has.
var kinds = []kind{
	{"screenshot", "image", "screenshot", "Screenshot"}, {"video_clip", "video", "clip", "VideoClip"}, {"log_file", "file", "log", "LogFile"},
	{"video_segment", "video", "segment", "VideoSegment"}, {"binary_file", "file", "file", "BinaryFile"},
}

// medium is a file of an issue as lists show it.
type medium struct {
	ID               int64          `json:"id"`
	Type             string         `json:"type"`
	IssueID          int64          `json:"issue_id"`
	Filename         string         `json:"filename"`
	URL              string         `json:"url"`
	ContentType      string         `json:"content_type"`
	SizeBytes        int64          `json:"size_bytes"`
	DeveloperPrivate bool           `json:"developer_private"`
	Segment          jsontext.Value `json:"segment,omitempty"` // of what it is a part
	User             *person        `json:"user"`
	CreatedAt        time.Time      `json:"created_at"`
	UpdatedAt        time.Time      `json:"updated_at"`
}

// uploaded is medium in the answer to an upload, where it has more members by
// its kind. Nothing here is processed: what was taken is ready.
type uploaded struct {
	medium
	MediaSize   int64   `json:"media_size_bytes"`
	Status      *int    `json:"status,omitzero"`
	Description *string `json:"description,omitzero"`
	Processing  *bool   `json:"processing,omitzero"`
	Processed   *bool   `json:"processed,omitzero"`
	Failed      *bool   `json:"failed,omitzero"`
}

func (h *handlers) mediumOf(ref workspace.IssueRef, a *store.Artifact) medium {
	m := medium{
		ID: a.Number, Type: a.Kind, IssueID: ref.Number, Filename: a.Name, ContentType: a.Type, SizeBytes: a.Size, DeveloperPrivate: a.Private,
		URL:       fmt.Sprintf("%s/issues/%d/%ss/%d", h.address(ref.Project.Number), ref.Number, a.Kind, a.Number),
		CreatedAt: a.CreatedAt, UpdatedAt: a.CreatedAt,
	}
	if by := personOf(a.By); by.ID != nil {
		m.User = &by
	}
	if detail := jsontext.Value(a.Detail); a.Kind == "video_segment" && detail.IsValid() {
		m.Segment = detail
	}
	return m
}

func (h *handlers) uploadedOf(ref workspace.IssueRef, a *store.Artifact) uploaded {
	out := uploaded{medium: h.mediumOf(ref, a), MediaSize: a.Size}
	yes, no, ready, none := true, false, 1, ""
	switch a.Kind {
	case "screenshot":
		out.Status, out.Description = &ready, &none
	case "video_clip":
		out.Processing, out.Processed, out.Failed = &no, &yes, &no
	}
	return out
}

func (h *handlers) listMedia(r *edge.Request, k kind) ([]medium, error) {
	ref, err := issueIn(r)
	if err != nil {
		return nil, err
	}
	list, err := h.workspace.Media(r.Context(), &r.Principal, ref, k.noun)
	if err != nil {
		return nil, err
	}
	out := make([]medium, len(list))
	for i := range list {
		out[i] = h.mediumOf(ref, &list[i])
	}
	return out, nil
}

// openMedium hands out what is in a file, whatever the caller accepts.
func (h *handlers) openMedium(r *edge.Request, k kind) (out edge.File, err error) {
	m := workspace.Medium{Kind: k.noun}
	if m.Issue, err = issueIn(r); err != nil {
		return out, err
	}
	var ok bool
	if m.Number, ok = number(r.PathValue(k.one), ""); !ok {
		return out, credential.Errorf(credential.NotFound, "no such file")
	}
	a, content, err := h.workspace.OpenMedia(r.Context(), &r.Principal, m)
	if err != nil {
		return out, closed(err)
	}
	return edge.FileOf(a, content), nil
}

// addMedium takes a file: in a part of a form, or a log as its text.
func (h *handlers) addMedium(r *edge.Request, u *edge.Upload, k kind) (out uploaded, err error) {
	ref, err := issueIn(r)
	if err != nil {
		return out, err
	}
	up, err := h.uploadIn(u, k)
	if err != nil {
		return out, err
	}
	defer up.File.Discard() // does nothing once it is kept
	a, err := h.workspace.AddMedia(r.Context(), &r.Principal, ref, up)
	if err != nil {
		return out, err
	}
	return h.uploadedOf(ref, a), nil
}

// uploadIn finds the file of a kind in an upload, with what is said of it.
func (h *handlers) uploadIn(u *edge.Upload, k kind) (up workspace.Upload, err error) {
	f := fields{u.Form, k.noun}
	up = workspace.Upload{Kind: k.noun, Name: f.text("name"), Private: f.yes("developer_private")}
	at := slices.IndexFunc(u.Files, func(f edge.UploadedFile) bool { return f.Field == k.part() || f.Field == k.field })
	contents, text := f.value("contents")
	switch {
	case at >= 0:
		up.File = u.Files[at].Staged
		if up.Name == "" {
			up.Name = u.Files[at].Name
		}
	case text && k.noun == "log_file":
		if up.Name == "" {
			up.Name = "log.txt"
		}
		up.File, err = h.workspace.Files().Stage(strings.NewReader(contents))
	default:
		return up, credential.InvalidField(k.part(), "send the file in a part of this name, as multipart/form-data")
	}
	if err == nil && k.noun == "video_segment" {
		up.Detail, err = segmentIn(f)
	}
	return up, err
}

// segment is which part of a film a file is.
type segment struct {
	Position   int64  `json:"position"`
	MergeGroup string `json:"merge_group"`
	MergeTotal int64  `json:"merge_total"`
}

// segmentIn reads which part of a film a file is, as a JSON object.
func segmentIn(f fields) (detail string, err error) {
	var s segment
	for _, n := range []struct {
		name string
		to   *int64
	}{{"position", &s.Position}, {"merge_total", &s.MergeTotal}} {
		text, good := f.text(n.name), true
		if text != "" && text != "0" {
			*n.to, good = number(text, "")
		}
		if !good || *n.to > 100_000 {
			return "", credential.InvalidField(n.name, "must be a whole number from 0 to 100000")
		}
	}
	if group := f.text("merge_group"); group != "" {
		if s.MergeGroup, err = credential.CheckText("merge_group", group, 100); err != nil {
			return "", err
		}
	}
	body, err := json.Marshal(s)
	return string(body), err
}
