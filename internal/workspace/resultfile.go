package workspace

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/testresult"
)

// ResultFile is a file that a test program wrote, packed by gzip or not.
type ResultFile struct {
	Name string // as the caller chose it
	File *artifact.Staged

	format      string // by its content
	suiteErrors int64
}

// unpacked bounds the files of an upload in bytes, all together and unpacked: by
// what is read in a moment, and by what may be uploaded at all.
func (w *Workspace) unpacked() int64 { return min(32<<20, 8*w.files.Most()) }

// auto is the format of files whose content says what they are.
const auto = "auto"

// mostCI bounds what is said of where tests ran, in characters.
const mostCI = 2000

// readFiles reads the results out of files. Where one can't be read none is,
// and the error says of each what is wrong with it.
func (w *Workspace) readFiles(ctx context.Context, r *ReportRequest) (err error) {
	if len(r.Files) == 0 {
		return nil
	}
	if r.Format, err = oneOf("format", strings.ToLower(r.Format), append(testresult.Formats(), auto)); err != nil {
		return err
	}
	if utf8.RuneCountInString(r.CI) > mostCI || r.CI != "" && !strings.HasPrefix(r.CI, "{") {
		return credential.InvalidField("ci", "must be an object of at most %d characters", mostCI)
	}
	done, err := w.turn(ctx)
	if err != nil {
		return err
	}
	defer done()
	var wrong []string
	left := w.unpacked()
	for i := range r.Files {
		f := &r.Files[i]
		results, err := f.read(r.Format, &left)
		if errors.Is(err, credential.Unavailable) {
			return err
		}
		if err != nil {
			wrong = append(wrong, artifact.Name(f.Name)+": "+err.Error())
		}
		r.Results = append(r.Results, results...)
	}
	if len(wrong) > 0 {
		return credential.InvalidField("file", "%s", clip(strings.Join(wrong, "; "), mostMessage))
	}
	return nil
}

// read reads one file, of which no more bytes are taken than are left.
func (f *ResultFile) read(format string, left *int64) ([]store.TestResult, error) {
	file, err := f.File.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	packed := bufio.NewReader(file)
	content := io.Reader(packed)
	if head, _ := packed.Peek(2); string(head) == "\x1f\x8b" { // RFC 1952 section 2.3.1
		unpacked, err := gzip.NewReader(packed)
		if err != nil {
			return nil, errors.New("it can't be unpacked")
		}
		content = unpacked
	}
	text, err := io.ReadAll(io.LimitReader(content, *left+1))
	switch {
	case err != nil:
		return nil, errors.New("it can't be unpacked")
	case int64(len(text)) > *left:
		return nil, fmt.Errorf("it has more than the %d bytes that it may have, unpacked", *left)
	}
	*left -= int64(len(text))
	var results []store.TestResult
	summary, err := testresult.Read(bytes.NewReader(text), testresult.Options{Format: format, MostCases: MostResults}, func(c *testresult.Case) error {
		results = append(results, resultOf(c))
		return nil
	})
	if err == nil && len(results) == 0 {
		err = errors.New("there are no results in it")
	}
	if err != nil {
		return nil, err
	}
	f.format, f.suiteErrors = or(summary.Format, format), summary.SuiteErrors
	return results, nil
}

// resultOf is a case of a file as a result.
func resultOf(c *testresult.Case) store.TestResult {
	r := store.TestResult{
		Name: c.Name, Class: c.Class, Suite: c.Suite, File: c.File, Line: c.Line, CodeRef: c.CodeRef, Status: string(c.Status), Flaky: c.Flaky, Attempt: c.Attempt,
		Duration: c.Duration, Message: c.Message, Detail: c.Detail, Attachments: slices.Clone(c.Attachments),
	}
	r.Duration = min(max(r.Duration, 0), mostDuration) // a program wrote it
	for _, p := range c.Properties[:min(len(c.Properties), mostProperties)] {
		r.Properties = append(r.Properties, store.TestProperty(p))
	}
	r.Attachments = r.Attachments[:min(len(r.Attachments), mostAttachments)]
	return r
}

// attachFiles keeps the files of an upload with it.
func (w *Workspace) attachFiles(ctx context.Context, ch *change, run uuid.UUID, r *ReportRequest) error {
	for _, f := range r.Files {
		if _, err := w.attach(ctx, ch, runOwner(run), Upload{Kind: f.format, Name: f.Name, Detail: r.CI, File: f.File}); err != nil {
			return err
		}
	}
	return nil
}

func runOwner(run uuid.UUID) store.ArtifactOwner {
	return store.ArtifactOwner{Noun: "test_run", ID: run}
}

// MayReport refuses who may not report results to a cycle.
func (w *Workspace) MayReport(ctx context.Context, p *credential.Principal, n Numbered) error {
	project, err := find(ctx, w.store, p, want{n.Project, credential.ResultsWrite})
	if err == nil {
		_, err = w.store.TestCycleIn(ctx, project.ID, n.Number)
	}
	return err
}

// RunFiles lists the files of an upload, in the order in which they came.
func (w *Workspace) RunFiles(ctx context.Context, p *credential.Principal, n Numbered, run uuid.UUID) ([]store.Artifact, error) {
	found, _, err := w.TestRun(ctx, p, n, RunPart{Run: run})
	if err != nil {
		return nil, err
	}
	return w.store.Artifacts(ctx, runOwner(found.ID), 0, mostArtifacts)
}

// OpenRunFile opens a file of an upload by its number.
func (w *Workspace) OpenRunFile(ctx context.Context, p *credential.Principal, n Numbered, run uuid.UUID, number int64) (*store.Artifact, *os.File, error) {
	files, err := w.RunFiles(ctx, p, n, run)
	if err != nil {
		return nil, nil, err
	}
	return w.openOf(files, number)
}
