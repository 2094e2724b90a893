package report

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
	"io"
	"path/filepath"
	"slices"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/testresult"
)

// What is kept of what was read: not more than this, however much there was.
const (
	mostFailures    = 50      // that are told
	mostFailing     = 1 << 20 // tests of which it is known that they fail
	mostNamed       = 10_000  // attachments
	mostWarnings    = 20      // of a file
	mostUploaded    = 200     // files that the server is told of
	mostOfMessage   = 300     // characters
	mostProperties  = 50
	mostAttachments = 100
	mostDays        = 30 // that a test takes
)

// failing is a test that failed, as it is told.
type failing struct {
	Name    string `json:"name"`
	Class   string `json:"class,omitempty"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message,omitempty"`

	id uint64
}

// attached is a file that a file of results names, and where that lies.
type attached struct{ dir, name string }

// counts says how what was read went.
type counts struct {
	Total       int64 `json:"total"`
	Passed      int64 `json:"passed"`
	Failed      int64 `json:"failed"`
	Errors      int64 `json:"errors"`
	Skipped     int64 `json:"skipped"`
	Flaky       int64 `json:"flaky"`
	SuiteErrors int64 `json:"suite_errors"`
}

// reading is everything that was read, packed up to be sent.
type reading struct {
	files    []api.UploadedFile
	counts   counts
	failures []failing  // the first
	named    []attached // by the files
	digest   string     // of the contents of the files
	warnings []string
	spool    *spool

	dir      string // of the file that is being read
	contents hash.Hash
	seed     maphash.Seed
	failed   map[uint64]int // tests that fail, with the attempt at which they did
}

// read reads all files to their end and packs their results, before anything
// is sent. The error is about every file that can't be read.
func (j *job) read(list []source) (*reading, error) {
	s, err := newSpool()
	if err != nil {
		return nil, err
	}
	r := &reading{spool: s, contents: sha256.New(), seed: maphash.MakeSeed(), failed: map[uint64]int{}}
	var broken []error
	for _, source := range list {
		if err := j.readFile(r, source); err != nil {
			if errors.Is(err, errSpool) {
				return r, err
			}
			broken = append(broken, fmt.Errorf("%s: %w", plain(source.name, mostOfName), err))
		}
	}
	if err := s.finish(); err != nil {
		return r, err
	}
	r.digest = hex.EncodeToString(r.contents.Sum(nil))
	return r, errors.Join(broken...)
}

// readFile adds the results of a file.
func (j *job) readFile(r *reading, s source) error {
	from, err := s.open(j.Stdin)
	if err != nil {
		return err
	}
	defer from.Close()
	content := sha256.New()
	before := r.spool.count
	r.dir = filepath.Dir(s.name)
	counted := &counting{from: io.TeeReader(from, content)}
	text, err := unpacked(counted)
	if err != nil {
		return err
	}
	sum, err := testresult.Read(text, testresult.Options{Format: j.Format}, r.add)
	if err != nil {
		if s.found && sum.Format == "" && r.spool.count == before {
			r.warn("%s: left out, as it holds no test results", plain(s.name, mostOfName))
			return nil
		}
		return reason(err)
	}
	if _, err := io.Copy(io.Discard, counted); err != nil {
		return reason(err)
	}
	r.contents.Write(content.Sum(nil))
	r.take(s, sum, counted.n)
	return nil
}

// unpacked is a file as it was before gzip packed it, if gzip did.
func unpacked(in io.Reader) (io.Reader, error) {
	const magic = "\x1f\x8b" // RFC 1952 section 2.3.1
	text := bufio.NewReader(in)
	if head, _ := text.Peek(len(magic)); string(head) != magic {
		return text, nil
	}
	packed, err := gzip.NewReader(text)
	if err != nil {
		return nil, fmt.Errorf("it can't be unpacked: %w", err)
	}
	return packed, nil
}

// take adds what a file says altogether.
func (r *reading) take(s source, sum testresult.Summary, size int64) {
	c := &r.counts
	c.Total, c.Passed, c.Failed, c.Errors = c.Total+sum.Tests, c.Passed+sum.Passed, c.Failed+sum.Failed, c.Errors+sum.Errors
	c.Skipped, c.Flaky, c.SuiteErrors = c.Skipped+sum.Skipped, c.Flaky+sum.Flaky, c.SuiteErrors+sum.SuiteErrors
	f := api.UploadedFile{Name: plain(s.name, mostOfName), Format: sum.Format, Bytes: size}
	for _, w := range sum.Warnings[:min(len(sum.Warnings), mostWarnings)] {
		f.Warnings = append(f.Warnings, plain(w, mostOfMessage))
		r.warn("%s: %s", f.Name, plain(w, mostOfMessage))
	}
	for _, text := range sum.SuiteMessages {
		r.fails(failing{Name: "(outside of any test)", Message: plain(text, mostOfMessage)})
	}
	if len(r.files) < mostUploaded {
		r.files = append(r.files, f)
	}
}

func (r *reading) warn(format string, args ...any) {
	if len(r.warnings) < mostUploaded {
		r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
	}
}

func (r *reading) fails(f failing) {
	if len(r.failures) < mostFailures {
		r.failures = append(r.failures, f)
	}
}

// add packs a result.
func (r *reading) add(c *testresult.Case) error {
	r.follow(c)
	for _, name := range c.Attachments {
		if len(r.named) < mostNamed {
			r.named = append(r.named, attached{r.dir, name})
		}
	}
	result := api.Result{
		Name: first(c.Name, "(without a name)"), Class: c.Class, Suite: c.Suite, File: c.File, Line: c.Line, CodeRef: c.CodeRef, Status: string(c.Status), Flaky: c.Flaky,
		Attempt: c.Attempt, DurationMs: min(c.Duration.Milliseconds(), mostDays*24*60*60*1000), Message: c.Message, Detail: c.Detail,
		Attachments: c.Attachments[:min(len(c.Attachments), mostAttachments)],
	}
	for _, p := range c.Properties[:min(len(c.Properties), mostProperties)] {
		result.Properties = append(result.Properties, api.Property(p))
	}
	return r.spool.add(&result)
}

// follow keeps track of which tests fail: of several attempts the last counts.
// Two results of one name and one attempt are two tests: neither undoes the other.
func (r *reading) follow(c *testresult.Case) {
	failed := c.Status == testresult.Failed || c.Status == testresult.Errored
	if !failed && c.Attempt == 0 {
		return
	}
	var h maphash.Hash
	h.SetSeed(r.seed)
	for _, text := range []string{c.Suite, c.Class, c.Name} {
		_, _ = h.WriteString(text)
		_ = h.WriteByte(0)
	}
	id := h.Sum64()
	at, before := r.failed[id]
	switch {
	case failed && (before || len(r.failed) < mostFailing):
		r.failed[id] = max(at, c.Attempt)
	case !failed && before && c.Attempt > at:
		delete(r.failed, id)
		r.failures = slices.DeleteFunc(r.failures, func(f failing) bool { return f.id == id })
	}
	if failed && (c.Attempt == 0 || !before) {
		r.fails(failing{Name: plain(c.Name, mostOfName), Class: plain(c.Class, mostOfName), File: plain(c.File, mostOfName), Line: c.Line,
			Message: plain(first(c.Message, c.Detail), mostOfMessage), id: id})
	}
}

// fail reports whether a test failed, or something outside of any.
func (r *reading) fail() bool { return len(r.failed) > 0 || r.counts.SuiteErrors > 0 }

// empty reports whether there is nothing to tell.
func (r *reading) empty() bool { return r.counts.Total == 0 && r.counts.SuiteErrors == 0 }

// counting counts what is read.
type counting struct {
	from io.Reader
	n    int64
}

// Read implements io.Reader.
func (c *counting) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}
