package workspace

import (
	"bufio"
	"bytes"
	"compress/gzip"
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
func (w *Workspace) redactUpload(r *ReportRequest, found *exposed) (clean func(), err error) {
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
		file, err := w.redactStaged(f.File, found)
		if err != nil {
			return clean, err
		}
		if file != f.File {
			f.File, own = file, append(own, file)
		}
	}
	return clean, nil
}

// redactStaged returns a file without our secrets, which may be the file itself.
// One that is packed by gzip comes back unpacked, since nobody sees into it
// otherwise. The caller discards what comes back as well.
func (w *Workspace) redactStaged(file *artifact.Staged, found *exposed) (*artifact.Staged, error) {
	content, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	text, packed, err := unpacked(content)
	if err != nil { // it only begins like one that is packed
		text, packed = content, false
		if _, err := content.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
	}
	if !packed {
		before := found.count
		if _, err := io.Copy(io.Discard, w.scanner.Reader(text, found.add)); err != nil || found.count == before {
			return file, err
		}
		found.count = before
		if _, err := content.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		text = content
	}
	return w.files.Stage(w.scanner.Reader(text, found.add))
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
