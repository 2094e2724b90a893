package client

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/gatehouse-dev/gatehouse/api"
)

// MaxImport is how many lines one call imports at most.
const MaxImport = 1000

// ImportOptions says how an import is done. The zero value imports every line
// that is good.
type ImportOptions struct {
	DryRun       bool // only say what would become of each line
	AllOrNothing bool // a line that is refused keeps all others out
}

// Import takes over credentials that another system issued, up to MaxImport at
// once. A repeat does no harm: what was imported before is reported as
// existing.
func (s Credentials) Import(ctx context.Context, organization string, lines []api.ImportLine, o ImportOptions) (api.ImportReport, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body) // ends each value with a line break
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			return api.ImportReport{}, err
		}
	}
	return s.ImportText(ctx, organization, body.Bytes(), o)
}

// ImportText is Import of lines that are JSON already. Blank ones count, and
// are passed over.
func (s Credentials) ImportText(ctx context.Context, organization string, lines []byte, o ImportOptions) (api.ImportReport, error) {
	call := post("organizations", organization, "import").where("dry_run", yes(o.DryRun), "all_or_nothing", yes(o.AllOrNothing))
	call.Lines = append([]byte{}, lines...) // never nil: no lines are an error of the server's
	return ask[api.ImportReport](ctx, s.c, call)
}

func yes(set bool) string {
	if set {
		return "true"
	}
	return ""
}
