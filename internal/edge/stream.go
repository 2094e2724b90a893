package edge

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// Stream is an answer that is written part by part, so that it may be longer
// than what fits into memory.
type Stream struct {
	Media string // what it is
	Name  string // of the file that a browser makes of it
	// Next returns the next part, and io.EOF behind the last. An error before
	// the first part is the answer; after it the answer is broken off, so that
	// nobody takes a part of it for all.
	Next func(context.Context) ([]byte, error)
}

// How long a caller may take to read a part of a stream, and all of it. The
// operator has all the time there is.
const (
	partTime   = 30 * time.Second
	streamTime = 10 * time.Minute
)

// stream writes a stream. Each part has the time of a request to be made.
func (h *handler) stream(c *call, r *http.Request, s Stream) {
	whole, cancel := c.context, func() {}
	if !h.server.cfg.Operator {
		whole, cancel = context.WithTimeout(whole, streamTime)
	}
	defer cancel()
	next := func() ([]byte, error) {
		ctx, cancel := context.WithTimeout(whole, timeout)
		defer cancel()
		return s.Next(ctx)
	}
	part, err := next()
	if err != nil && !errors.Is(err, io.EOF) {
		h.surface.fail(c, r, err)
		return
	}
	c.Header()["Content-Type"] = []string{s.Media}
	c.Header()["Content-Disposition"] = []string{`attachment; filename="` + s.Name + `"`}
	c.WriteHeader(http.StatusOK)
	for ; err == nil && r.Method != http.MethodHead; part, err = next() {
		if c.writePart(part) != nil {
			return // a caller that is gone can't be told
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.err, c.broken = err, true
		panic(http.ErrAbortHandler) // closes the connection
	}
}

// writePart gives the caller the time of a part, whatever the server's own
// deadlines for a whole request and its answer are.
func (c *call) writePart(part []byte) error {
	control := http.NewResponseController(c.ResponseWriter)
	_ = control.SetReadDeadline(time.Time{}) // without which the caller would seem to be gone; what has no deadlines needs none
	_ = control.SetWriteDeadline(time.Time{})
	late := time.AfterFunc(partTime, func() { _ = control.SetWriteDeadline(time.Unix(0, 0)) })
	defer late.Stop()
	if _, err := c.Write(part); err != nil {
		return err
	}
	if err := control.Flush(); !errors.Is(err, errors.ErrUnsupported) { // as where there is no network
		return err
	}
	return nil
}
