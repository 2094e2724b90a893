package betahub

import (
	"encoding/base64"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// publication is what may be said when a report is published.
type publication struct {
	Email jsontext.Value `json:"email_my_report"` // a wish that nobody fulfils: strangers have no mail sent from here
}

func (h *handlers) publish(r *edge.Request, body edge.Payload) (out issue, err error) {
	ref, err := issueIn(r)
	if err == nil && body.IsJSON() {
		err = body.Decode(&publication{})
	}
	if err != nil {
		return out, err
	}
	published, err := h.workspace.Publish(r.Context(), &r.Principal, ref)
	if err != nil {
		return out, err
	}
	return h.shown(r, ref.Project, published), nil
}

func (h *handlers) setReporter(r *edge.Request, body edge.Payload) (out issue, err error) {
	ref, err := issueIn(r)
	if err != nil {
		return out, err
	}
	in := struct {
		Email string `json:"email"`
	}{fields{body.Form, "issue"}.text("email")}
	if body.IsJSON() {
		if err := body.Decode(&in); err != nil {
			return out, err
		}
	}
	changed, err := h.workspace.SetReporter(r.Context(), &r.Principal, ref, in.Email)
	if err != nil {
		return out, err
	}
	return h.shown(r, ref.Project, changed), nil
}

// announcement is what is said of a file before it comes.
type announcement struct {
	Filename    string `json:"filename"`
	ByteSize    int64  `json:"byte_size"`
	Checksum    string `json:"checksum"`
	ContentType string `json:"content_type"`
}

// expected says where an announced file is to be sent, and with which headers
// beside the caller's Authorization, which no answer repeats.
type expected struct {
	SignedID string            `json:"blob_signed_id"`
	URL      string            `json:"direct_upload_url"`
	Direct   directUpload      `json:"direct_upload"`
	Headers  map[string]string `json:"headers"`
}

type directUpload struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
}

func (h *handlers) announce(r *edge.Request, body edge.Payload) (out expected, err error) {
	ref, err := issueIn(r)
	if err != nil {
		return out, err
	}
	var in announcement
	if body.IsJSON() {
		err = body.Decode(&in)
	} else {
		f := fields{body.Form, "blob"}
		in = announcement{Filename: f.text("filename"), Checksum: f.text("checksum"), ContentType: f.text("content_type")}
		in.ByteSize, _ = strconv.ParseInt(f.text("byte_size"), 10, 64) // what is no number is no size either
	}
	if err != nil {
		return out, err
	}
	d := workspace.DirectUpload{Name: in.Filename, Size: in.ByteSize}
	d.MD5, _ = base64.StdEncoding.DecodeString(in.Checksum) // what is no base64 is no sum either
	signed, err := h.workspace.AnnounceUpload(r.Context(), &r.Principal, ref, d)
	if err != nil {
		return out, err
	}
	headers := map[string]string{"Content-Type": or(in.ContentType, "application/octet-stream")}
	url := h.address(ref.Project.Number) + "/issues/" + strconv.FormatInt(ref.Number, 10) + "/uploads/" + signed
	return expected{signed, url, directUpload{url, headers}, headers}, nil
}

// or is a text, or another where it is empty.
func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// take takes the bytes of an announced file.
func (h *handlers) take(r *edge.Request, u *edge.Upload) (out edge.Nothing, err error) {
	ref, err := issueIn(r)
	if err != nil {
		return out, err
	}
	return out, closed(h.workspace.TakeUpload(r.Context(), &r.Principal, ref, r.PathValue("upload"), u.Files[0].Staged))
}

// confirmation names a file that came.
type confirmation struct {
	SignedID string `json:"blob_signed_id"`
	Name     string `json:"name"`
}

func (h *handlers) confirm(r *edge.Request, body edge.Payload) (out uploaded, err error) {
	ref, err := issueIn(r)
	if err != nil {
		return out, err
	}
	f := fields{body.Form, "blob"}
	in := confirmation{f.text("blob_signed_id"), f.text("name")}
	if body.IsJSON() {
		if err := body.Decode(&in); err != nil {
			return out, err
		}
	}
	a, err := h.workspace.ConfirmUpload(r.Context(), &r.Principal, ref, in.SignedID, in.Name)
	if err != nil {
		return out, err
	}
	return h.uploadedOf(ref, a), nil
}
