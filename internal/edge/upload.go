package edge

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Intake says what an upload is let in by.
type Intake struct {
	Files  *artifact.Files
	Fields int64 // bytes of what is no file; 0 is 2 MiB
	// Admit refuses who may not upload, before anything is read; nil leaves
	// that to the endpoint.
	Admit func(*Request) error
	// Most bounds the body in bytes, where it isn't one file with its fields.
	Most int64
	// Count is how many files there may be; 0 is 10.
	Count int
	// Text names the part of a form that is a field, also where it comes with a
	// file name. A form that has one is let off easily: a file in it may be
	// empty, and its name hold quotation marks.
	Text string
	// Raw means that the body is the file, whatever its type.
	Raw bool
}

// Upload is a body in one of the forms of a Payload, or the parts of a form
// with files among them. What the endpoint doesn't keep of them is discarded.
type Upload struct {
	Payload
	Files []UploadedFile
	// Empty are the names of files with nothing in them, where those may come.
	Empty []string
}

// UploadedFile is a file that came in a field of a form.
type UploadedFile struct {
	Field, Name string // as the caller chose them
	*artifact.Staged
}

// Bounds of an upload, beside that of its files: in bytes, and in parts.
const (
	mostFields = 2 << 20
	mostParts  = 1000
	mostFiles  = 10
)

// Uploads is a route that takes files. They go to the disk as they come; they
// all are no larger than one may be, and they have ten minutes.
func Uploads[Out any](pattern string, access Access, in Intake, fn func(*Request, *Upload) (Out, error)) Route {
	serve := func(r *Request) (any, error) {
		if in.Admit != nil {
			if err := in.Admit(r); err != nil {
				return nil, err
			}
		}
		u := &Upload{}
		defer func() {
			for _, f := range u.Files {
				f.Discard()
			}
		}()
		if err := r.readUpload(u, in); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(r.writer.(*call).context, timeout) // what is done with it has as long as any request
		defer cancel()
		r.Request = r.WithContext(ctx)
		return fn(r, u)
	}
	return Route{Method: http.MethodPost, Pattern: pattern, Access: access, MaxBody: cmp.Or(in.Fields, mostFields),
		Endpoint: Endpoint{In: reflect.TypeFor[Payload](), Out: reflect.TypeFor[Out](), serve: serve}}
}

// readUpload reads a body with files. Only they may be large.
func (r *Request) readUpload(u *Upload, in Intake) (err error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media != "application/json" && r.fromNowhere() {
		return credential.Errorf(credential.Forbidden, "a browser's form says by Origin or Sec-Fetch-Site which page it comes from")
	}
	if !in.Raw && (err != nil || media != "multipart/form-data") {
		u.Payload, err = r.payload()
		return err
	}
	most := in.most(r.max)
	if r.ContentLength > most {
		return tooLarge(most)
	}
	defer r.takeTime()()
	body := http.MaxBytesReader(r.writer, r.Request.Body, most)
	if in.Raw {
		return u.stage(in, UploadedFile{}, body)
	}
	err = u.readParts(in, multipart.NewReader(body, params["boundary"]), r.max)
	r.body = u.digest()
	return err
}

// most is how many bytes a body may have, of which fields has so many.
func (in *Intake) most(fields int64) int64 {
	switch {
	case in.Most > 0:
		return in.Most
	case in.Raw:
		return in.Files.Most()
	}
	return in.Files.Most() + fields
}

// fromNowhere reports whether a cookie lets the request in, and nothing in it
// says from which page. A page of another site sends no JSON unasked, but forms.
func (r *Request) fromNowhere() bool {
	h := r.Header
	return r.handler.surface.Browser && len(h["Authorization"])+len(h["X-Api-Key"]) == 0 && h.Get("Origin") == "" && h.Get("Sec-Fetch-Site") == ""
}

// digest stands for a body that nobody has as a whole: it is another one where
// that is.
func (u *Upload) digest() []byte {
	text := u.Form.Encode()
	for _, f := range u.Files {
		text += fmt.Sprintf("\n%q %q %s", f.Field, f.Name, f.Sum)
	}
	return []byte(text)
}

// takeTime gives the caller the time of a stream to send its body, and returns
// what ends that: from then on the server's rest of the body is waited for no
// longer than usual.
func (r *Request) takeTime() (done func()) {
	control := http.NewResponseController(r.writer)
	until := func(ctx context.Context, cancel func()) {
		defer cancel()
		deadline, _ := ctx.Deadline()
		_ = control.SetReadDeadline(deadline) // what has no deadlines needs none
		_ = control.SetWriteDeadline(deadline)
	}
	until(context.WithTimeout(context.WithoutCancel(r.Context()), streamTime))
	return func() { until(context.WithTimeout(context.WithoutCancel(r.Context()), 2*timeout)) }
}

// readParts reads the fields and the files of a form in parts (RFC 7578).
func (u *Upload) readParts(in Intake, parts *multipart.Reader, most int64) error {
	u.Form = url.Values{}
	left := most
	for range mostParts {
		part, err := parts.NextRawPart()
		if err == io.EOF { // itself: what is cut off wraps it
			return nil
		}
		if err != nil {
			return brokenUpload(err)
		}
		if field, name := in.named(part); name != "" {
			if err := u.stage(in, UploadedFile{Field: field, Name: name}, part); err != nil {
				return err
			}
			continue
		}
		value, err := io.ReadAll(io.LimitReader(part, left+1))
		if err != nil {
			return brokenUpload(err)
		}
		if left -= int64(len(value)); left < 0 {
			return credential.Errorf(credential.TooLarge, "the fields of a form may have at most %d bytes", most)
		}
		u.Form.Add(part.FormName(), string(value))
	}
	return credential.Errorf(credential.BadRequest, "the form has more than %d parts", mostParts)
}

// named says in which field a part comes, and the name of the file that it is;
// none for what is no file.
func (in *Intake) named(part *multipart.Part) (field, file string) {
	field, file = part.FormName(), part.FileName()
	if in.Text == "" {
		return field, file
	}
	if field == "" { // what a name with quotation marks in it leaves unreadable
		text := part.Header.Get("Content-Disposition")
		if quoted := quotedName.FindStringSubmatch(text); quoted != nil {
			field, file = quoted[1], filepath.Base(quoted[2])
		}
	}
	if field == in.Text {
		file = ""
	}
	return field, file
}

// quotedName finds the names of a part that says both of them in quotation marks.
var quotedName = regexp.MustCompile(`(?s)^form-data; *name="([^"]*)"; *filename="(.*)"$`)

// stage writes a file to the disk.
func (u *Upload) stage(in Intake, f UploadedFile, from io.Reader) (err error) {
	if most := cmp.Or(in.Count, mostFiles); len(u.Files) == most {
		return credential.Errorf(credential.BadRequest, "at most %d files at once", most)
	}
	if in.Text != "" {
		whole := bufio.NewReader(from)
		if _, err := whole.Peek(1); err == io.EOF {
			u.Empty = append(u.Empty, f.Name)
			return nil
		}
		from = whole
	}
	if f.Staged, err = in.Files.Stage(from); err != nil {
		return brokenUpload(err)
	}
	u.Files = append(u.Files, f)
	return nil
}

// brokenUpload tells what is wrong with a body from what is wrong here.
func brokenUpload(err error) error {
	var over *http.MaxBytesError
	var ours *credential.Error
	switch {
	case errors.As(err, &over):
		return tooLarge(over.Limit)
	case errors.As(err, &ours):
		return err
	}
	return credential.Errorf(credential.BadRequest, "the body is no form in parts, or ended too early")
}
