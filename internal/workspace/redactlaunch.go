package workspace

import (
	"context"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
)

// redactAttributes takes our secrets out of attributes.
func (w *Workspace) redactAttributes(found *exposed, list []Attribute) {
	for n := range list {
		w.redact(found, &list[n].Key, &list[n].Value)
	}
}

// redactItem takes our secrets out of every text of an item.
func (w *Workspace) redactItem(r *ItemRequest, found *exposed) {
	w.redact(found, &r.Name, &r.CodeRef, &r.TestCaseID, &r.UniqueID, &r.Description)
	w.redactAttributes(found, r.Attributes)
	w.redactAttributes(found, r.Parameters)
}

// redactLogFiles returns the files of logs without our secrets. What it made of
// them is taken away by clean.
func (w *Workspace) redactLogFiles(ctx context.Context, files []LogFile, found *exposed) (out []LogFile, clean func(), err error) {
	var own []*artifact.Staged
	clean = func() {
		for _, file := range own {
			file.Discard()
		}
	}
	out = slices.Clone(files)
	for n := range out {
		f := &out[n]
		w.redact(found, &f.Name)
		if f.File == nil {
			continue
		}
		file, err := w.redactStaged(ctx, f.File, found)
		if err != nil {
			return nil, clean, err
		}
		if file != f.File {
			f.File, own = file, append(own, file)
		}
	}
	return out, clean, nil
}
