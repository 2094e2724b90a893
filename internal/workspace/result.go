package workspace

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Bounds of an upload of results.
const (
	MostResults      = 5_000  // at once
	mostName         = 1_000  // characters
	mostMessage      = 5_000  // characters that are kept
	mostResultText   = 20_000 // of the stack or the output
	mostProperties   = 50
	mostAttachments  = 100
	mostLine         = 100_000_000
	mostKey          = 200
	mostAttempt      = 1_000_000
	mostNumbersNamed = 20 // automation ids that one result names
)

// How skipped results may be kept.
var skippedAs = []string{"skipped", "blocked", ignored}

// ignored is the status of a result that says nothing about its test case.
const ignored = "ignored"

// ReportRequest is an upload of results to a cycle.
type ReportRequest struct {
	Results   []store.TestResult
	Files     []ResultFile // in place of results: files of Format that hold them
	Format    string
	CI        string // a JSON object about where the tests ran; empty for none
	Build     string
	SkippedAs string // skipped, blocked or ignored; empty is skipped
	Key       string // with the attempt it names the upload, which is stored once
	Attempt   int    // from 1; 0 is the first
	Body      []byte // what was sent; a repeat must send the same
	Repeat    *Repeat
}

// Report is an upload with what came of it.
type Report struct {
	Run       *store.TestRun
	Cycle     *store.TestCycle
	Unmatched []store.TestResult // at most 1,000 of them
	Repeated  bool               // this very upload was stored before
}

// mostUnmatched bounds the results without a test case that an answer names.
const mostUnmatched = 1_000

// ReportResults stores results of automated tests. One whose name or class
// holds automation ids says how those test cases went in the cycle, which they
// join where they aren't in it; of several about one the last counts.
func (w *Workspace) ReportResults(ctx context.Context, p *credential.Principal, n Numbered, r ReportRequest) (*Report, error) {
	if err := w.readFiles(ctx, &r); err != nil {
		return nil, err
	}
	found := exposed{}
	clean, err := w.redactUpload(ctx, &r, &found)
	defer clean()
	if err != nil {
		return nil, err
	}
	if err := r.check(p); err != nil {
		return nil, err
	}
	inResults, err := w.readyResults(&store.TestRun{SkippedAs: r.SkippedAs}, r.Results)
	if err != nil {
		return nil, err
	}
	if len(r.Files) == 0 {
		found.count += inResults.count
	} else { // the same stand in both, but in results also what a file has by escapes
		found.count = max(found.count, inResults.count)
	}
	found.list = append(found.list, inResults.list...)
	out := &Report{}
	c, err := w.changeCycle(ctx, p, n, func(ch *change, c *store.TestCycle) error {
		ch.tellExposed(found)
		run, err := w.newRun(ch, c, &r)
		if err != nil {
			return err
		}
		if out.Run, err = earlier(ctx, ch, run); err != nil {
			return err
		}
		if out.Repeated = out.Run != nil; out.Repeated {
			return errUnchanged
		}
		out.Run, run.Redacted = run, found.count
		if err := w.keepRun(ctx, ch, run, r.Results); err != nil {
			return err
		}
		if err := w.attachFiles(ctx, ch, run.ID, &r); err != nil {
			return err
		}
		ch.record("test_result.report", cycleTarget(c), runDetail{c.Project, c.Number, run.ID, run.Counts.Total, run.Matched})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if out.Unmatched, err = w.store.UnmatchedResults(ctx, out.Run.ID, mostUnmatched); err != nil {
		return nil, err
	}
	out.Cycle = c
	return out, nil
}

// runDetail is the detail of the event of an upload.
type runDetail struct {
	Project uuid.UUID `json:"project"`
	Number  int64     `json:"number"`
	Run     uuid.UUID `json:"run"`
	Results int64     `json:"results"`
	Matched int64     `json:"matched"`
}

// newRun begins the record of an upload.
func (w *Workspace) newRun(ch *change, c *store.TestCycle, r *ReportRequest) (*store.TestRun, error) {
	id, err := w.newID()
	hash := sha256.Sum256(r.Body)
	run := &store.TestRun{ID: id, Project: c.Project, Cycle: c.ID, Key: r.Key, Attempt: r.Attempt, Build: r.Build, SkippedAs: r.SkippedAs,
		Request: hash[:], Maker: ch.maker(), CreatedAt: ch.at, Source: "results"}
	for _, f := range r.Files {
		run.Source = "file"
		run.SuiteErrors += f.suiteErrors
	}
	run.CI, run.Commit, run.Branch = ciOf(r.CI)
	return run, err
}

// earlier finds the upload that this one repeats, or nil.
func earlier(ctx context.Context, ch *change, run *store.TestRun) (*store.TestRun, error) {
	if run.Key == "" {
		return nil, nil
	}
	before, err := ch.TestRunByKey(ctx, run.Project, run.Key, run.Attempt)
	if errors.Is(err, credential.NotFound) {
		return nil, nil
	}
	if err == nil && (before.Cycle != run.Cycle || !bytes.Equal(before.Request, run.Request)) {
		err = credential.Errorf(credential.Conflict, "other results came with this runKey and attempt before; count the attempt up for new ones")
	}
	return before, err
}

// check looks over what is reported, and cuts texts that a program wrote.
func (r *ReportRequest) check(p *credential.Principal) (err error) {
	switch {
	case len(r.Results) == 0:
		return credential.InvalidField("results", "there are none")
	case len(r.Results) > MostResults:
		return credential.InvalidField("results", "at most %d at once; gatehouse report, and the API that it uses, take any number", MostResults)
	case r.Attempt < 0 || r.Attempt > mostAttempt:
		return credential.InvalidField("attempt", "must be a number from 1 to %d", mostAttempt)
	}
	r.Attempt = max(r.Attempt, 1)
	for _, text := range []struct {
		field string
		of    *string
	}{{"runKey", &r.Key}, {"buildId", &r.Build}} {
		if *text.of != "" {
			if *text.of, err = credential.CheckText(text.field, *text.of, mostKey); err != nil {
				return err
			}
		}
	}
	if err := r.checkRepeat(p); err != nil {
		return err
	}
	r.SkippedAs, err = oneOf("reportSkippedAs", strings.ToLower(or(r.SkippedAs, "skipped")), skippedAs)
	return err
}

// checkRepeat has an upload without a name named by its Idempotency-Key: apart
// from what others choose, since each has keys of its own.
func (r *ReportRequest) checkRepeat(p *credential.Principal) error {
	if r.Repeat == nil {
		return nil
	}
	err := credential.CheckIdempotencyKey(r.Repeat.Key)
	if r.Key == "" {
		hash := sha256.Sum256([]byte(p.String() + " " + r.Repeat.Key))
		r.Key = "Idempotency-Key " + hex.EncodeToString(hash[:])
	}
	return err
}

// clip keeps the beginning of a text that a program wrote: so many characters
// without those that no database takes.
func clip(text string, most int) string {
	text = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD"))
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// TestRun finds an upload to a cycle, with its results from a position on.
func (w *Workspace) TestRun(ctx context.Context, p *credential.Principal, n Numbered, part RunPart) (*store.TestRun, []store.TestResult, error) {
	c, err := w.TestCycle(ctx, p, n)
	if err != nil {
		return nil, nil, err
	}
	run, err := w.store.TestRunIn(ctx, c.ID, part.Run)
	if err != nil {
		return nil, nil, err
	}
	results, err := w.store.TestResults(ctx, run.ID, part.From, part.Limit)
	return run, results, err
}

// RunPart asks for a part of an upload's results.
type RunPart struct {
	Run         uuid.UUID
	From, Limit int
}
