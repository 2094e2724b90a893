package workspace

import (
	"io"
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
func (w *Workspace) redactLogFiles(files []LogFile, found *exposed) (out []LogFile, clean func(), err error) {
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
		file, err := w.redactFileOfLog(f.File, found)
		if err != nil {
			return nil, clean, err
		}
		if file != f.File {
			f.File, own = file, append(own, file)
		}
	}
	return out, clean, nil
}

// redactFileOfLog returns a file without our secrets: the very file, where there
// are none. One that is packed by gzip and holds some comes back unpacked.
func (w *Workspace) redactFileOfLog(file *artifact.Staged, found *exposed) (*artifact.Staged, error) {
	content, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	before := found.count
	text, packed, err := unpacked(content)
	if err == nil {
		_, err = io.Copy(io.Discard, w.scanner.Reader(io.LimitReader(text, w.unpacked()), found.add))
	}
	if found.count == before && (err == nil || packed) { // what can't be unpacked nobody reads
		return file, nil
	}
	if found.count == before {
		return nil, err
	}
	found.count = before
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if text, _, err = unpacked(content); err != nil {
		return nil, err
	}
	return w.files.Stage(w.scanner.Reader(text, found.add))
}
