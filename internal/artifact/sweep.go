package artifact

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Parts is into how many parts the files are divided, for those who sweep.
const Parts = 256

// swept is how many files of a part are looked at at once.
const swept = 256

// Sweep takes files away that nobody needs: of one part, those that were kept
// before a time and that needed, which is given some sums, doesn't return. It
// also takes away what was under way at that time.
func (f *Files) Sweep(ctx context.Context, part int, before time.Time, needed func(context.Context, []Sum) (map[Sum]bool, error)) error {
	s := sweep{filepath.Join(f.cfg.Directory, fmt.Sprintf("%02x", part%Parts)), before, needed}
	if err := eachFile(s.dir, func(files []os.DirEntry) error { return s.files(ctx, files) }); err != nil {
		return err
	}
	return eachFile(f.staging(), func(files []os.DirEntry) error {
		for _, file := range files {
			if path := filepath.Join(f.staging(), file.Name()); s.old(path) {
				if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
		return ctx.Err()
	})
}

// eachFile reads a directory some files at a time. One that isn't there has none.
func eachFile(path string, yield func([]os.DirEntry) error) error {
	dir, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	for {
		files, err := dir.ReadDir(swept)
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = yield(files)
		}
		if err != nil {
			return err
		}
	}
}

// sweep goes through a directory.
type sweep struct {
	dir    string
	before time.Time
	needed func(context.Context, []Sum) (map[Sum]bool, error)
}

// aside is what stands behind the name of a file while it is decided about,
// before what nobody else has put there: another node may sweep as well.
const aside = ".aside-"

// files decides about some files.
func (s *sweep) files(ctx context.Context, files []os.DirEntry) error {
	names := map[string]Sum{}
	var sums []Sum
	for _, file := range files {
		name, _, _ := strings.Cut(file.Name(), aside)
		sum, err := hex.DecodeString(name)
		if err != nil || len(sum) != len(Sum{}) || !s.old(filepath.Join(s.dir, file.Name())) {
			continue // it is none of ours, or young
		}
		names[file.Name()] = Sum(sum)
		sums = append(sums, Sum(sum))
	}
	needed, err := s.ask(ctx, sums)
	if err != nil {
		return err
	}
	for name, sum := range names {
		if needed[sum] && name == sum.String() {
			continue
		}
		if err := s.remove(ctx, sum, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *sweep) ask(ctx context.Context, sums []Sum) (map[Sum]bool, error) {
	if len(sums) == 0 {
		return nil, nil
	}
	return s.needed(ctx, sums)
}

// remove puts a file aside and asks once more before it is gone: meanwhile
// somebody may have uploaded the same, on this node or another.
func (s *sweep) remove(ctx context.Context, sum Sum, name string) error {
	path, moved := filepath.Join(s.dir, sum.String()), filepath.Join(s.dir, name)
	if moved == path {
		moved += aside + rand.Text()
		if err := os.Rename(path, moved); err != nil {
			return ignoreMissing(err)
		}
	}
	needed, err := s.ask(ctx, []Sum{sum})
	if err != nil || needed[sum] || !s.old(moved) {
		return errors.Join(err, ignoreMissing(os.Rename(moved, path)))
	}
	return ignoreMissing(os.Remove(moved))
}

// old reports whether a file was kept before the time.
func (s *sweep) old(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.ModTime().Before(s.before)
}

// ignoreMissing is for what another sweep has taken away.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
