package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Bounds of runs that are stored in batches.
const (
	MostBatch     = 1_000 // results in a batch
	mostBranch    = 255   // characters
	mostShards    = 1_000
	mostUploads   = 1_000 // to a run
	mostBatches   = 10_000
	mostSuiteErrs = 1_000_000
	mostSources   = 200 // files that the results of an upload were read from
	mostWarnings  = 20
	mostWarning   = 300 // characters
	mostFormat    = 30
	mostMissing   = 1_000 // batches that an answer names
	// quietFor is after how long without anything new an unfinished run counts
	// as interrupted.
	quietFor = 24 * time.Hour
)

// RunRequest begins a run, or finds the one that has its key.
type RunRequest struct {
	Key, Name             string
	Cycle                 int64 // 0: the master cycle
	Build, Commit, Branch string
	SkippedAs             string
	Shards                int // 0: one, or what the run has
	CI                    store.RunCI
}

// check looks over what is asked for.
func (r *RunRequest) check() (err error) {
	for _, text := range []struct {
		field string
		of    *string
		most  int
	}{{"key", &r.Key, mostKey}, {"name", &r.Name, mostKey}, {"build", &r.Build, mostKey}, {"commit", &r.Commit, mostKey}, {"branch", &r.Branch, mostBranch}} {
		if text.field != "key" && *text.of == "" {
			continue
		}
		if *text.of, err = credential.CheckText(text.field, *text.of, text.most); err != nil {
			return err
		}
	}
	if r.Shards < 0 || r.Shards > mostShards {
		return credential.InvalidField("shards", "must be a number from 1 to %d", mostShards)
	}
	r.CI = cutCI(r.CI)
	r.SkippedAs, err = oneOf("skipped_as", or(r.SkippedAs, "skipped"), skippedAs)
	return err
}

// StartRun begins a run, or finds the one of the project that has the key;
// whoever comes first says what it is, and others add what that left open.
func (w *Workspace) StartRun(ctx context.Context, p *credential.Principal, ref store.ProjectRef, r RunRequest) (run *store.TestRun, made bool, err error) {
	found := exposed{}
	w.redactRun(&r, &found)
	if err := r.check(); err != nil {
		return nil, false, err
	}
	begin := func() error {
		return w.change(ctx, p, want{ref, credential.ResultsWrite}, func(ch *change) error {
			ch.tellExposed(found)
			var err error
			if run, err = ch.SharedTestRun(ctx, ch.project.ID, r.Key); err == nil {
				run.Redacted += found.count // which is stored if anything of this is
				return w.joinRun(ctx, ch, run, &r)
			}
			if !errors.Is(err, credential.NotFound) {
				return err
			}
			cycle, err := ch.TestCycleIn(ctx, ch.project.ID, max(r.Cycle, 1))
			if err != nil {
				return err
			}
			run, made = &store.TestRun{Cycle: cycle.ID, CycleNumber: cycle.Number, Shared: r.Key, Name: r.Name, Build: r.Build, Commit: r.Commit, Branch: r.Branch,
				CI: r.CI, SkippedAs: r.SkippedAs, Shards: r.Shards, Redacted: found.count}, true
			if err := w.beginRun(ctx, ch, run); err != nil {
				return err
			}
			ch.record("test_run.start", runTarget(run), aboutRun(run))
			if found.count == 0 {
				return nil
			}
			return ch.UpdateTestRun(ctx, run)
		})
	}
	if err = begin(); errors.Is(err, credential.Conflict) && made { // another was faster by a hair: it is there now
		made = false
		err = begin()
	}
	return run, made, unlessUnchanged(err)
}

// joinRun has a run say what it left open and a later call knows.
func (w *Workspace) joinRun(ctx context.Context, ch *change, run *store.TestRun, r *RunRequest) error {
	if r.Shards != 0 && r.Shards != run.Shards {
		return credential.Errorf(credential.Conflict, "the run of this key is of %d uploads, not %d; say the same in each", run.Shards, r.Shards)
	}
	before := *run
	run.Name, run.Build = or(run.Name, r.Name), or(run.Build, r.Build)
	if run.Branch = or(run.Branch, r.Branch); run.Stored == 0 { // results are stored with their commit
		run.Commit = or(run.Commit, r.Commit)
	}
	if run.CI == (store.RunCI{}) {
		run.CI = r.CI
	}
	if run.Name == before.Name && run.Build == before.Build && run.Branch == before.Branch && run.Commit == before.Commit && run.CI == before.CI {
		return errUnchanged
	}
	ch.record("test_run.update", runTarget(run), aboutRun(run))
	return ch.UpdateTestRun(ctx, run)
}

func runTarget(run *store.TestRun) string { return "test_run:" + run.ID.String() }

// aRunDetail is the detail of the events of runs.
type aRunDetail struct {
	Project uuid.UUID `json:"project"`
	Number  int64     `json:"number"`
	Upload  string    `json:"upload,omitempty"`
	Batch   int       `json:"batch,omitempty"`
	Results int       `json:"results,omitempty"`
}

func aboutRun(run *store.TestRun) aRunDetail {
	return aRunDetail{Project: run.Project, Number: run.Number}
}

// RunRef names a run in its project: by its id, or by its number.
type RunRef struct {
	Project store.ProjectRef
	ID      uuid.UUID
	Number  int64
}

// runFinder has what a store has outside of a change and within one.
type runFinder interface {
	ProjectTestRun(ctx context.Context, project, id uuid.UUID) (*store.TestRun, error)
	TestRunNumbered(ctx context.Context, project uuid.UUID, number int64) (*store.TestRun, error)
}

// in finds the run.
func (n RunRef) in(ctx context.Context, s runFinder, project uuid.UUID) (*store.TestRun, error) {
	if n.ID != uuid.Nil {
		return s.ProjectTestRun(ctx, project, n.ID)
	}
	return s.TestRunNumbered(ctx, project, n.Number)
}

// changeRun runs fn on a run as it is in a change.
func (w *Workspace) changeRun(ctx context.Context, p *credential.Principal, n RunRef, fn func(*change, *store.TestRun) error) (run *store.TestRun, err error) {
	err = w.change(ctx, p, want{n.Project, credential.ResultsWrite}, func(ch *change) error {
		if run, err = n.in(ctx, ch, ch.project.ID); err != nil {
			return err
		}
		return fn(ch, run)
	})
	return run, unlessUnchanged(err)
}

// UploadRequest says what an upload to a run will hold.
type UploadRequest struct {
	Name, Digest string // the digest in hex
	Batches      int
	SuiteErrors  int64
	Files        []store.RunUploadFile
}

// uploadName is what an upload may be called: what needs no escape in a path.
var uploadName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// check looks over what is declared, and returns the digest.
func (r *UploadRequest) check() ([]byte, error) {
	digest, err := hex.DecodeString(r.Digest)
	switch {
	case !uploadName.MatchString(r.Name) || r.Name == "." || r.Name == "..":
		return nil, credential.Errorf(credential.NotFound, "an upload has a name of 1 to 100 of A-Z, a-z, 0-9, dot, _ and -")
	case err != nil || len(digest) != sha256.Size:
		return nil, credential.InvalidField("digest", "must be a SHA-256 in hex")
	case r.Batches < 0 || r.Batches > mostBatches:
		return nil, credential.InvalidField("batches", "must be a number from 0 to %d", mostBatches)
	case r.SuiteErrors < 0 || r.SuiteErrors > mostSuiteErrs:
		return nil, credential.InvalidField("suite_errors", "must be a number from 0 to %d", mostSuiteErrs)
	case len(r.Files) > mostSources:
		return nil, credential.InvalidField("files", "at most %d", mostSources)
	}
	for i := range r.Files {
		f := &r.Files[i]
		if f.Bytes < 0 || len(f.Warnings) > mostWarnings {
			return nil, credential.InvalidField("files", "a file has no negative size, and at most %d warnings", mostWarnings)
		}
		f.Name, f.Format = clip(f.Name, mostKey), clip(f.Format, mostFormat)
		for j := range f.Warnings {
			f.Warnings[j] = clip(f.Warnings[j], mostWarning)
		}
	}
	return digest, nil
}

// RunPiece is an upload to a run, and which batches of it are missing: the
// first thousand.
type RunPiece struct {
	store.RunUpload
	Missing []int
}

// missing works out which batches of an upload aren't stored yet.
func missing(ctx context.Context, s interface {
	StoredBatches(context.Context, *store.RunUpload) ([]int, error)
}, u *store.RunUpload) (RunPiece, error) {
	piece := RunPiece{RunUpload: *u, Missing: []int{}}
	if u.Complete() {
		return piece, nil
	}
	there, err := s.StoredBatches(ctx, u)
	for n := 1; n <= u.Batches && len(piece.Missing) < mostMissing; n++ {
		if len(there) > 0 && there[0] == n {
			there = there[1:]
			continue
		}
		piece.Missing = append(piece.Missing, n)
	}
	return piece, err
}
