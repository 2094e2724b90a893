// Package artifact keeps the files that people and programs upload, on disk,
// under the SHA-256 of what is in them. Who may see one, and what it belongs
// to, is a row of the store; here is only its content.
//
// What it hides: where a file is, how it comes there whole or not at all, and
// how one is found that nobody needs. Its invariants:
//
//   - A file with a name is complete and on the disk. It is written under
//     another name first ([Files.Stage]) and gets its own ([Staged.Keep])
//     before the row that needs it is committed. It is never written to again.
//   - No name that a caller chose is ever a path.
//   - A file without a row harms nobody, and is swept once it is old. A row
//     without its file is an error that says so.
//   - However large a file is, it takes little memory.
package artifact

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Config says where files are kept, and how large they may be.
type Config struct {
	// Directory is made when it is first needed. Nodes that share a database
	// share it as well.
	Directory string
	Most      int64 // bytes of a file
	// Spare is how many bytes of the disk are left to everything else; 0 is 64 MiB.
	Spare int64
}

// Files keeps files. Make one with New.
type Files struct{ cfg Config }

// New returns the files in a directory.
func New(cfg Config) *Files {
	if cfg.Spare == 0 {
		cfg.Spare = 64 << 20
	}
	return &Files{cfg}
}

// Most is how many bytes a file may have.
func (f *Files) Most() int64 { return f.cfg.Most }

// Sum is the SHA-256 of a file, and its name.
type Sum [sha256.Size]byte

// String writes the sum in hexadecimal.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// path is where the file of a sum is: ab/abcdef….
func (f *Files) path(s Sum) string {
	name := s.String()
	return filepath.Join(f.cfg.Directory, name[:2], name)
}

// staging is the directory of files under way.
func (f *Files) staging() string { return filepath.Join(f.cfg.Directory, "staged") }

// Staged is a file that is written and has no name yet.
type Staged struct {
	Sum  Sum
	Size int64
	Type string // what the content shows that it is
	MD5  []byte // by which some callers know it; nothing here depends on it

	files *Files
	path  string // empty once it is kept or discarded
}

// Stage writes what a reader has until its end. An error of the reader is
// returned as it is, and leaves nothing behind, like any other.
func (f *Files) Stage(from io.Reader) (*Staged, error) {
	if err := os.MkdirAll(f.staging(), 0o700); err != nil {
		return nil, failed("make the directory of artifacts", err)
	}
	file, err := os.CreateTemp(f.staging(), "")
	if err != nil {
		return nil, failed("begin a file", err)
	}
	s := &Staged{files: f, path: file.Name()}
	if err := errors.Join(s.write(file, from), file.Close()); err != nil {
		s.Discard()
		return nil, err
	}
	return s, nil
}

// block is how much is written before the room on the disk is looked at again.
const block = 1 << 20

// write copies a reader into a new file, within the bound, and syncs it.
func (s *Staged) write(file *os.File, from io.Reader) error {
	hash, other := sha256.New(), md5.New()
	buffer, head := make([]byte, 32<<10), []byte(nil)
	for ended, looked := false, int64(-block); !ended; {
		if s.Size-looked >= block {
			if err := s.files.room(); err != nil {
				return err
			}
			looked = s.Size
		}
		n, err := from.Read(buffer)
		if ended = err == io.EOF; err != nil && !ended {
			return err
		}
		if s.Size += int64(n); s.Size > s.files.cfg.Most {
			return credential.Errorf(credential.TooLarge, "a file may have at most %d bytes", s.files.cfg.Most)
		}
		if _, err := file.Write(buffer[:n]); err != nil {
			return failed("write a file", err)
		}
		hash.Write(buffer[:n])
		other.Write(buffer[:n])
		head = append(head, buffer[:min(n, sniffed-len(head))]...)
	}
	if s.Size == 0 {
		return credential.Errorf(credential.Invalid, "the file is empty")
	}
	s.Sum, s.Type, s.MD5 = Sum(hash.Sum(nil)), typeOf(head), other.Sum(nil)
	if err := file.Sync(); err != nil {
		return failed("write a file", err)
	}
	return nil
}

// room refuses to fill up the disk, on which others may have to write.
func (f *Files) room() error {
	if free, known := freeSpace(f.cfg.Directory); known && free < f.cfg.Spare {
		return credential.Errorf(credential.StorageFull, "there is no room for files; nothing was stored")
	}
	return nil
}

// Keep gives the file its name, for a row that is about to be committed. The
// time makes it young, so that no sweep takes it away before that.
func (s *Staged) Keep(now time.Time) error {
	path := s.files.path(s.Sum)
	if info, err := os.Stat(path); err == nil && info.Size() == s.Size && os.Chtimes(path, now, now) == nil {
		s.Discard() // it is there already
		return nil
	}
	dir := filepath.Dir(path)
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		err = syncDirectory(s.files.cfg.Directory)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return failed("make a directory of artifacts", err)
	}
	if err := errors.Join(os.Chtimes(s.path, now, now), os.Rename(s.path, path), syncDirectory(dir)); err != nil {
		return failed("keep a file", err)
	}
	s.path = ""
	return nil
}

// Open opens the file while it has no name.
func (s *Staged) Open() (*os.File, error) {
	file, err := os.Open(s.path)
	if err != nil {
		return nil, failed("read a file", err)
	}
	return file, nil
}

// Discard takes the file away, unless it was kept.
func (s *Staged) Discard() {
	if s.path != "" {
		_ = os.Remove(s.path) // what stays is swept
		s.path = ""
	}
}

// Open opens the file of a row, of so many bytes.
func (f *Files) Open(sum Sum, size int64) (*os.File, error) {
	file, err := os.Open(f.path(sum))
	if err != nil {
		return nil, missing(sum, err)
	}
	info, err := file.Stat()
	if err == nil && info.Size() != size {
		err = fmt.Errorf("it has %d bytes, not %d", info.Size(), size)
	}
	if err != nil {
		return nil, errors.Join(missing(sum, err), file.Close())
	}
	return file, nil
}

// missing is the error about a file that should be there. That none is there
// at all may be of this node alone: no caller is told that it doesn't exist.
func missing(sum Sum, err error) error {
	return fmt.Errorf("open artifact %s: %w (%w)", sum, credential.Errorf(credential.Unavailable, "the file can't be read from where it is stored; the operator can tell why"), err)
}

// failed turns an error of the disk into one of the vocabulary.
func failed(op string, err error) error {
	kind, detail := credential.Unavailable, "files can't be stored right now; try again later"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		kind, detail = credential.StorageFull, "there is no room for files; nothing was stored"
	}
	return fmt.Errorf("%s: %w (%w)", op, credential.Errorf(kind, "%s", detail), err)
}

// syncDirectory makes sure that the names in a directory outlive a crash.
func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
