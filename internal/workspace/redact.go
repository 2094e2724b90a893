package workspace

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// mostExposed bounds of how many secrets in one call the owners are told.
const mostExposed = 20

// exposed is what was found of our secrets in what somebody reported.
type exposed struct {
	count int64 // as often as they stood there
	list  []credential.Found
}

// add takes in one more.
func (e *exposed) add(f credential.Found) {
	e.count++
	if f.Scheme == nil || len(e.list) == mostExposed { // the others end by themselves soon
		return
	}
	for _, known := range e.list {
		if known.Secret.Reveal() == f.Secret.Reveal() {
			return
		}
	}
	e.list = append(e.list, f)
}

// longText is how long a text must be, in bytes, to have been cut by a program.
const longText = 900

// redact takes our secrets out of texts, before they are cut or stored.
func (w *Workspace) redact(found *exposed, texts ...*string) {
	for _, text := range texts {
		if len(*text) >= longText || strings.HasSuffix(*text, "…") {
			*text = w.scanner.RedactCut(*text, found.add)
		} else {
			*text = w.scanner.Redact(*text, found.add)
		}
	}
}

// redactResult takes our secrets out of every text of a result.
func (w *Workspace) redactResult(r *store.TestResult, found *exposed) {
	w.redact(found, &r.Name, &r.Class, &r.Suite, &r.File, &r.CodeRef, &r.Message, &r.Detail)
	for i := range r.Properties {
		w.redact(found, &r.Properties[i].Name, &r.Properties[i].Value)
	}
	for i := range r.Attachments {
		w.redact(found, &r.Attachments[i])
	}
}

// redactRun takes our secrets out of what is said of a run.
func (w *Workspace) redactRun(r *RunRequest, found *exposed) {
	w.redact(found, &r.Key, &r.Name, &r.Build, &r.Commit, &r.Branch)
	w.redact(found, &r.CI.Provider, &r.CI.Repository, &r.CI.PullRequest, &r.CI.Tag, &r.CI.Pipeline, &r.CI.PipelineURL, &r.CI.Job, &r.CI.JobURL)
}

// redactFile takes our secrets out of what is said of a file.
func (w *Workspace) redactFile(f *store.RunUploadFile, found *exposed) {
	w.redact(found, &f.Name, &f.Format)
	for i := range f.Warnings {
		w.redact(found, &f.Warnings[i])
	}
}

// redactUpload takes our secrets out of an upload, but for the results in it.
// The files that it has then are its own, and taken away by what it returns.
func (w *Workspace) redactUpload(ctx context.Context, r *ReportRequest, found *exposed) (clean func(), err error) {
	var own []*artifact.Staged
	clean = func() {
		for _, file := range own {
			file.Discard()
		}
	}
	w.redact(found, &r.CI, &r.Build, &r.Key)
	for i := range r.Files {
		f := &r.Files[i]
		w.redact(found, &f.Name)
		file, err := w.redactStaged(ctx, f.File, found)
		if err != nil {
			return clean, err
		}
		if file != f.File {
			f.File, own = file, append(own, file)
		}
	}
	return clean, nil
}

// redactStaged returns a file without our secrets: the very file, where there
// are none. One that is packed by gzip and holds some comes back unpacked, since
// nobody sees into it otherwise. The caller discards what comes back as well.
func (w *Workspace) redactStaged(ctx context.Context, file *artifact.Staged, found *exposed) (*artifact.Staged, error) {
	content, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	before := found.count
	text, packed, err := unpacked(content)
	if packed && err == nil {
		done, err := w.turn(ctx)
		if err != nil {
			return nil, err
		}
		defer done()
		most := &bounded{from: text, left: mostTimes * w.files.Most()}
		_, err = io.Copy(io.Discard, w.scanner.Reader(most, found.add))
		switch {
		case errors.Is(err, credential.TooLarge):
			return nil, err
		case found.count > before: // what can be unpacked of it is kept
			return w.restage(content, found, before, true)
		case err == nil:
			return file, nil
		}
	}
	// It isn't packed, or not to its end: what stands there is looked through as it is.
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, w.scanner.Reader(content, found.add)); err != nil || found.count == before {
		return file, err
	}
	return w.restage(content, found, before, false)
}

// restage makes a file of what is left of another without our secrets, which
// are counted from before.
func (w *Workspace) restage(content *os.File, found *exposed, before int64, packed bool) (*artifact.Staged, error) {
	found.count = before
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	text := io.Reader(content)
	if packed {
		all, _, err := unpacked(content)
		if err != nil {
			return nil, err
		}
		text = &whole{all}
	}
	return w.files.Stage(w.scanner.Reader(text, found.add))
}

// mostTimes is how many times as long as an uploaded file may be one is
// unpacked that is packed by gzip, which makes a thousand bytes of one.
const mostTimes = 8

// bounded reads what may be as long as is left, and no longer.
type bounded struct {
	from io.Reader
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, credential.Errorf(credential.TooLarge, "a file has more bytes, unpacked, than are looked through for secrets")
	}
	return n, err
}

// whole reads a packed file as far as it can be unpacked.
type whole struct{ from io.Reader }

// Read implements io.Reader.
func (w *whole) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

// turn waits until files may be read, of which few are at once.
func (w *Workspace) turn(ctx context.Context) (done func(), err error) {
	select {
	case w.reading <- struct{}{}:
		return func() { <-w.reading }, nil
	case <-ctx.Done():
		return nil, credential.Errorf(credential.Unavailable, "too many files are being read right now; try again later")
	}
}

// unpacked reads a file unpacked, if it is packed by gzip.
func unpacked(file *os.File) (text io.Reader, packed bool, err error) {
	head := bufio.NewReader(file)
	if start, _ := head.Peek(2); !bytes.Equal(start, []byte("\x1f\x8b")) { // RFC 1952 section 2.3.1
		return head, false, nil
	}
	text, err = gzip.NewReader(head)
	return text, true, err
}
