package report

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// mostFiles bounds how many files are reported at once.
const mostFiles = 10_000

var errTooManyFiles = errors.New("more than 10,000 files fit; name fewer")

// magic are the characters that make a pattern of a path.
const magic = "*?["

// isPattern reports whether a name is a pattern. A file that has that very
// name is no pattern.
func isPattern(name string) bool {
	if !strings.ContainsAny(name, magic) {
		return false
	}
	_, err := os.Lstat(name)
	return err != nil
}

// glob returns the files that fit a pattern, in order. Between slashes it is
// as path.Match has it, and ** stands for any number of directories, also for
// none. What begins with a dot, and node_modules, is found where the pattern
// names it. Directories behind symbolic links are not gone through.
func glob(pattern string) ([]string, error) {
	parts := strings.Split(path.Clean(filepath.ToSlash(pattern)), "/")
	for _, part := range parts {
		if _, err := path.Match(part, ""); err != nil {
			return nil, errors.New("it is no pattern: a [ has no end")
		}
	}
	fixed := 0
	for fixed < len(parts)-1 && !strings.ContainsAny(parts[fixed], magic) {
		fixed++
	}
	root := strings.Join(parts[:fixed], "/")
	switch {
	case fixed == 0:
		root = "."
	case root == "":
		root = "/"
	}
	var found []string
	err := walk(filepath.FromSlash(root), func(below []string, name string, isDir bool) error {
		switch {
		case isDir && !mayLead(parts[fixed:], below):
			return fs.SkipDir
		case !isDir && fits(parts[fixed:], below):
			found = append(found, name)
		}
		if len(found) > mostFiles {
			return errTooManyFiles
		}
		return nil
	})
	slices.Sort(found)
	return found, err
}

// walk goes through the files and directories below one, with the path of each
// from there. What can't be read is passed over; so is what isn't there.
func walk(root string, yield func(below []string, name string, isDir bool) error) error {
	return filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		below, err := filepath.Rel(root, name)
		if err != nil || below == "." {
			return nil
		}
		isDir := entry.IsDir()
		if !isDir && !entry.Type().IsRegular() {
			if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
				return nil
			}
		}
		return yield(strings.Split(filepath.ToSlash(below), "/"), name, isDir)
	})
}

// fits reports whether a path fits a pattern.
func fits(pattern, name []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			if fits(pattern[1:], name) {
				return true
			}
			if len(name) == 0 || hidden(name[0]) {
				return false
			}
			name = name[1:]
			continue
		}
		if len(name) == 0 || !matches(pattern[0], name[0]) {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return len(name) == 0
}

// mayLead reports whether something below a directory may fit a pattern.
func mayLead(pattern, dir []string) bool {
	for len(dir) > 0 {
		if len(pattern) == 0 {
			return false
		}
		if pattern[0] == "**" {
			return mayLead(pattern[1:], dir) || !hidden(dir[0]) && mayLead(pattern, dir[1:])
		}
		if !matches(pattern[0], dir[0]) {
			return false
		}
		pattern, dir = pattern[1:], dir[1:]
	}
	return len(pattern) > 0
}

func matches(pattern, name string) bool {
	ok, _ := path.Match(pattern, name)
	return ok && (pattern[0] == name[0] || !hidden(name))
}

// hidden is what nobody means who doesn't name it.
func hidden(name string) bool { return strings.HasPrefix(name, ".") || name == "node_modules" }
