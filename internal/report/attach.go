package report

import (
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/client"
)

// mostSent bounds how many attachments one report has.
const mostSent = 1000

// attachments finds the files that are sent beside the results, each once.
func (s *sending) attachments() (list []string) {
	known := map[string]bool{}
	take := func(name string) {
		if key := same(name); !known[key] {
			known[key] = true
			list = append(list, name)
		}
	}
	for _, pattern := range s.Attach {
		found, err := s.matching(pattern)
		if err != nil || len(found) == 0 {
			s.out.warn("--attach %s: no file fits", plain(pattern, mostOfName))
		}
		for _, name := range found {
			take(name)
		}
	}
	if s.Attachments {
		for _, a := range s.reading.named {
			for _, name := range []string{a.name, filepath.Join(a.dir, a.name)} { // some are named from where the results lie
				if here(name) {
					take(name)
					break
				}
			}
		}
	}
	if len(list) > mostSent {
		s.out.warn("there are %d attachments; the first %d are sent", len(list), mostSent)
		list = list[:mostSent]
	}
	return list
}

// matching finds the files that an argument of --attach stands for.
func (s *sending) matching(pattern string) (list []string, err error) {
	if isPattern(pattern) {
		return glob(pattern)
	}
	info, err := os.Stat(pattern)
	if err != nil || !info.IsDir() {
		return []string{pattern}, err
	}
	err = walk(pattern, func(_ []string, name string, isDir bool) error {
		if !isDir && len(list) <= mostSent {
			list = append(list, name)
		}
		return nil
	})
	slices.Sort(list)
	return list, err
}

// here reports whether a file of results may name a file: only one that lies,
// links followed, below the working directory. Whoever wrote the results says
// what is read here, and that may be a stranger's change.
func here(name string) bool {
	dir, err := os.Getwd()
	if err != nil {
		return false
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return false
	}
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return false
	}
	if real, err = filepath.Abs(real); err != nil {
		return false
	}
	below, err := filepath.Rel(dir, real)
	if err != nil || !filepath.IsLocal(below) {
		return false
	}
	for part := range strings.SplitSeq(filepath.ToSlash(below), "/") {
		if strings.HasPrefix(part, ".") { // .git, .env, .ssh: nobody's screenshots
			return false
		}
	}
	info, err := os.Stat(real)
	return err == nil && info.Mode().IsRegular()
}

// attach sends the attachments. The server keeps each once.
func (s *sending) attach(ctx context.Context) error {
	list := s.attachments()
	var refused []string
	for _, name := range list {
		file, err := os.Open(name)
		if err != nil {
			s.out.warn("attachment %s is left out: %v", plain(name, mostOfName), reason(err))
			continue
		}
		_ = file.Close()
		if err = s.renew(ctx); err != nil {
			return &during{fmt.Sprintf("%d of %d attachments are stored", s.files, len(list)), err}
		}
		err = s.attachFile(ctx, name)
		switch {
		case err == nil:
			s.files++
		case codeOf(err) == Rejected: // another may do better
			refused = append(refused, fmt.Sprintf("%s (%v)", plain(name, mostOfName), s.plainly(err)))
		default:
			return &during{fmt.Sprintf("%d of %d attachments are stored; %s", s.files, len(list), plain(name, mostOfName)), err}
		}
	}
	if len(refused) > 0 {
		return &fault{Partly, fmt.Errorf("all results are stored; the server refuses these attachments: %s", names(refused))}
	}
	return nil
}

func (s *sending) attachFile(ctx context.Context, name string) error {
	form := multipart.NewWriter(io.Discard) // for its boundary
	call := client.Request{Method: http.MethodPost, Path: s.path + "/files", Type: form.FormDataContentType(), IdempotencyKey: client.NewIdempotencyKey()}
	call.Body = func() (io.ReadCloser, error) {
		file, err := os.Open(name)
		if err != nil {
			return nil, reason(err)
		}
		from, to := io.Pipe()
		go func() {
			defer file.Close()
			w := multipart.NewWriter(to)
			err := w.SetBoundary(form.Boundary())
			var part io.Writer
			if err == nil {
				part, err = w.CreateFormFile("file", filepath.Base(name))
			}
			if err == nil {
				_, err = io.Copy(part, file)
			}
			if err == nil {
				err = w.Close()
			}
			_ = to.CloseWithError(err)
		}()
		return from, nil
	}
	return s.client.Do(ctx, call)
}
