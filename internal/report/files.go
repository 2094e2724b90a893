package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// source is a file of results that is to be read.
type source struct {
	name  string // as it is told; - is standard input
	found bool   // in a directory: it may be something else than results
}

// endings are those of files that may hold results, in a directory. For JSON
// and XML nobody can tell by the name alone.
var endings = []string{".xml", ".trx", ".json", ".jsonl", ".ndjson", ".tap"}

// sources finds what is to be read: files, directories, patterns and standard
// input, each file once. none tells of names behind which nothing is.
func sources(names []string) (list []source, none []string, err error) {
	known := map[string]bool{}
	for _, name := range names {
		found, err := behind(name)
		if err != nil {
			return nil, nil, fmt.Errorf("--results-file %s: %w", plain(name, mostOfName), err)
		}
		if len(found) == 0 {
			none = append(none, name)
		}
		for _, s := range found {
			if key := same(s.name); !known[key] {
				known[key] = true
				list = append(list, s)
			}
		}
		if len(list) > mostFiles {
			return nil, nil, errTooManyFiles
		}
	}
	return list, none, nil
}

// mostOfName bounds how much is told of the name of a file or a test.
const mostOfName = 200

// same names a file however its path is written.
func same(name string) string {
	if name == "-" {
		return name
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	if absolute, err := filepath.Abs(name); err == nil {
		return absolute
	}
	return name
}

// behind finds what a name stands for.
func behind(name string) ([]source, error) {
	if name == "" {
		return nil, errors.New("it is empty")
	}
	if name == "-" {
		return []source{{name: name}}, nil
	}
	if isPattern(name) {
		found, err := glob(name)
		list := make([]source, len(found))
		for i, f := range found {
			list[i].name = f
		}
		return list, err
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, reason(err)
	case !info.IsDir():
		return []source{{name: name}}, nil
	}
	return inDirectory(name)
}

// inDirectory finds the files below a directory that may hold results.
func inDirectory(dir string) (list []source, err error) {
	err = walk(dir, func(below []string, name string, isDir bool) error {
		last := below[len(below)-1]
		switch {
		case isDir && hidden(last):
			return filepath.SkipDir
		case !isDir && !hidden(last) && slices.Contains(endings, strings.ToLower(filepath.Ext(last))):
			list = append(list, source{name, true})
		}
		if len(list) > mostFiles {
			return errTooManyFiles
		}
		return nil
	})
	return list, err
}

// open begins to read a source.
func (s source) open(stdin io.Reader) (io.ReadCloser, error) {
	if s.name == "-" {
		return io.NopCloser(stdin), nil
	}
	file, err := os.Open(s.name)
	if err != nil {
		return nil, reason(err)
	}
	return file, nil
}

// reason is why a file can't be read, without its name, which is told already.
func reason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
