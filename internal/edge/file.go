package edge

import (
	"context"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// File is an answer that somebody uploaded. Nothing in it runs in a browser:
// that may show pictures and films, and saves the rest.
type File struct {
	Name, Type string
	Tag        string // changes with the content
	At         time.Time
	Content    io.ReadSeekCloser
}

// FileOf is an artifact with what is in it.
func FileOf(a *store.Artifact, content io.ReadSeekCloser) File {
	return File{Name: a.Name, Type: a.Type, Tag: artifact.Sum(a.Sum).String(), At: a.CreatedAt, Content: content}
}

// sandboxed is the policy of what strangers made.
var sandboxed = []string{"sandbox; default-src 'none'; frame-ancestors 'none'"}

// file writes a file, or the part of it that is asked for. The caller has ten
// minutes to read it.
func (h *handler) file(c *call, r *http.Request, f File) {
	defer f.Content.Close()
	whole, cancel := context.WithTimeout(c.context, streamTime)
	defer cancel()
	control := http.NewResponseController(c.ResponseWriter)
	deadline, _ := whole.Deadline()
	_ = control.SetReadDeadline(time.Time{}) // without which the caller would seem to be gone; what has no deadlines needs none
	_ = control.SetWriteDeadline(deadline)
	disposition := "attachment"
	if artifact.Shown(f.Type) {
		disposition = "inline"
	}
	header := c.Header()
	header.Set("Content-Type", f.Type)
	header.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": f.Name}))
	header.Set("Cache-Control", "private, no-cache") // whether one may still see it is asked each time
	header.Set("ETag", strconv.Quote(f.Tag))
	header["Content-Security-Policy"] = sandboxed
	header["Cross-Origin-Resource-Policy"], header["Referrer-Policy"] = sameSite, noSource
	http.ServeContent(c, r, "", f.At, f.Content)
}
