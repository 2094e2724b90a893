package artifact_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// store is a directory of files of at most 1 MiB.
func store(t *testing.T) (*artifact.Files, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "artifacts")
	return artifact.New(artifact.Config{Directory: dir, Most: 1 << 20, Spare: 1}), dir
}

// keep stores a text.
func keep(t *testing.T, f *artifact.Files, text string) *artifact.Staged {
	t.Helper()
	s, err := f.Stage(strings.NewReader(text))
	if err == nil {
		err = s.Keep(now)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// files lists what a directory has, below it.
func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			path, err = filepath.Rel(dir, path)
			list = append(list, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return list
}

// What is kept is found by its SHA-256, and lies there once.
func TestKeep(t *testing.T) {
	t.Parallel()
	f, dir := store(t)
	s, err := f.Stage(strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if want := artifact.Sum(sha256.Sum256([]byte("hello"))); s.Sum != want || s.Size != 5 || s.Type != "text/plain; charset=utf-8" {
		t.Errorf("got %+v", s)
	}
	if _, err := f.Open(s.Sum, s.Size); !errors.Is(err, credential.Unavailable) || !strings.Contains(err.Error(), s.Sum.String()) {
		t.Errorf("before it is kept: got %v", err)
	}
	keep(t, f, "hello")
	if err := s.Keep(now); err != nil {
		t.Fatal(err)
	}
	s.Discard() // does nothing to what is kept
	if got, want := files(t, dir), []string{s.Sum.String()[:2] + "/" + s.Sum.String()}; !slices.Equal(got, want) {
		t.Errorf("there are %v, want %v", got, want)
	}
	file, err := f.Open(s.Sum, s.Size)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got, err := io.ReadAll(file); string(got) != "hello" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if info, err := file.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	if err := os.Truncate(filepath.Join(dir, files(t, dir)[0]), 4); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open(s.Sum, s.Size); !errors.Is(err, credential.Unavailable) {
		t.Errorf("a part of it: got %v", err)
	}
}

// What can't be kept leaves nothing behind.
func TestF2_StageNothing(t *testing.T) {
	t.Parallel()
	f, dir := store(t)
	broken := errors.New("broken off")
	full := artifact.New(artifact.Config{Directory: dir, Most: 1 << 20, Spare: 1 << 62})
	blocked := artifact.New(artifact.Config{Directory: filepath.Join(dir, "file", "below"), Most: 1 << 20})
	for name, c := range map[string]struct {
		files *artifact.Files
		from  io.Reader
		want  error
	}{
		"empty":               {f, strings.NewReader(""), credential.Invalid},
		"too large":           {f, bytes.NewReader(make([]byte, 1<<20+1)), credential.TooLarge},
		"broken off":          {f, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), broken},
		"broken off at once":  {f, iotest.ErrReader(broken), broken},
		"on a full disk":      {full, strings.NewReader("x"), credential.StorageFull},
		"where nothing is":    {blocked, strings.NewReader("x"), credential.Unavailable},
		"cut off by its size": {f, io.LimitReader(iotest.ErrReader(io.ErrUnexpectedEOF), 9), io.ErrUnexpectedEOF},
	} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := c.files.Stage(c.from); !errors.Is(err, c.want) || s != nil {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if got := files(t, dir); !slices.Equal(got, []string{"file"}) {
			t.Errorf("%s leaves %v", name, got)
		}
	}
	s, err := f.Stage(bytes.NewReader(make([]byte, 1<<20)))
	if err != nil || s.Type != "application/octet-stream" {
		t.Fatalf("as large as may be: %v, %v", s, err)
	}
	s.Discard()
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("what was discarded leaves %v", got)
	}
}

// However large a file is, it takes little memory.
func TestStageTakesLittleMemory(t *testing.T) {
	f := artifact.New(artifact.Config{Directory: t.TempDir(), Most: 1 << 30, Spare: 1})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s, err := f.Stage(io.LimitReader(zeros{}, 32<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Discard()
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("32 MiB took %d bytes of memory", took)
	}
}

type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// A sweep takes away what nothing needs, once it is old, and nothing else.
func TestF4_Sweep(t *testing.T) {
	t.Parallel()
	f, dir := store(t)
	needed, orphan, young, back := keep(t, f, "needed"), keep(t, f, "orphan"), keep(t, f, "young"), keep(t, f, "back")
	at := func(s *artifact.Staged) string { return filepath.Join(s.Sum.String()[:2], s.Sum.String()) }
	old := now.Add(-48 * time.Hour)
	age := func(path string) {
		t.Helper()
		if err := os.Chtimes(filepath.Join(dir, path), old, old); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []*artifact.Staged{needed, orphan, back} {
		age(at(s))
	}
	under, err := f.Stage(strings.NewReader("under way"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Stage(strings.NewReader("left by a crash")); err != nil {
		t.Fatal(err)
	}
	for _, path := range files(t, dir) {
		if text, _ := os.ReadFile(filepath.Join(dir, path)); string(text) == "left by a crash" {
			age(path)
		}
	}
	// One that a sweep had put aside when it was cut off, and is needed.
	if err := os.Rename(filepath.Join(dir, at(needed)), filepath.Join(dir, at(needed)+".aside-X")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Dir(at(orphan)), "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	age(filepath.Join(filepath.Dir(at(orphan)), "notes.txt"))
	asked := 0
	known := func(_ context.Context, sums []artifact.Sum) (map[artifact.Sum]bool, error) {
		asked++
		out := map[artifact.Sum]bool{needed.Sum: true}
		if len(sums) == 1 && sums[0] == back.Sum && asked > 1 { // uploaded again meanwhile
			keep(t, f, "back")
		}
		return out, nil
	}
	for part := range artifact.Parts {
		asked = 0
		if err := f.Sweep(t.Context(), part, now.Add(-24*time.Hour), known); err != nil {
			t.Fatal(err)
		}
	}
	if err := under.Keep(now); err != nil {
		t.Errorf("what was under way: %v", err)
	}
	for what, s := range map[string]*artifact.Staged{"needed": needed, "young": young, "back": back, "under way": under} {
		file, err := f.Open(s.Sum, s.Size)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		_ = file.Close()
	}
	want := []string{at(needed), at(young), at(back), at(under), filepath.Join(filepath.Dir(at(orphan)), "notes.txt")}
	slices.Sort(want)
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("there are %v, want %v", got, want)
	}
	failing := errors.New("the store is away")
	age(at(young))
	err = f.Sweep(t.Context(), int(young.Sum[0]), now, func(context.Context, []artifact.Sum) (map[artifact.Sum]bool, error) { return nil, failing })
	if !errors.Is(err, failing) || len(files(t, dir)) != len(want) {
		t.Errorf("while the store is away: %v, and %v is left", err, files(t, dir))
	}
}

// What a file is, is told by its content alone.
func TestTypes(t *testing.T) {
	t.Parallel()
	f, _ := store(t)
	for text, want := range map[string]string{
		"\x89PNG\r\n\x1a\n…":                                   "image/png",
		"\xff\xd8\xff\xe0":                                     "image/jpeg",
		"GIF89a":                                               "image/gif",
		"RIFF\x10\x00\x00\x00WEBPVP8 ":                         "image/webp",
		"RIFF\x10\x00\x00\x00WAVEfmt ":                         "application/octet-stream",
		"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00":             "video/mp4",
		"\x00\x00\x00\x18ftypqt  ":                             "video/quicktime",
		"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm": "video/webm",
		"\x1a\x45\xdf\xa3matroska":                             "application/octet-stream",
		"%PDF-1.7":                                             "application/pdf",
		"PK\x03\x04":                                           "application/zip",
		"\x1f\x8b\x08":                                         "application/gzip",
		"<html><script>":                                       "text/plain; charset=utf-8",
		"<svg onload=x>":                                       "text/plain; charset=utf-8",
		"Größe\r\n\x1b[31m":                                    "text/plain; charset=utf-8",
		strings.Repeat("x", 511) + "ß":                         "text/plain; charset=utf-8",
		"\xff\xfeh\x00i\x00":                                   "application/octet-stream",
		"RIFF":                                                 "text/plain; charset=utf-8",
		"a\x00":                                                "application/octet-stream",
	} {
		s, err := f.Stage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if s.Type != want {
			t.Errorf("%.20q: got %s, want %s", text, s.Type, want)
		}
		s.Discard()
	}
	for media, want := range map[string]bool{"image/png": true, "video/webm": true, "image/svg+xml": false, "text/html": false, "application/pdf": false, "text/plain; charset=utf-8": false} {
		if artifact.Shown(media) != want {
			t.Errorf("%s is shown: %v", media, !want)
		}
	}
}

// A name is only to be shown.
func TestF3_Name(t *testing.T) {
	t.Parallel()
	for chosen, want := range map[string]string{
		"shot.png": "shot.png", "../../etc/passwd": "passwd", `C:\fake\shot.png`: "shot.png", "": "file", "..": "file", "a/": "file", " . ": "file",
		"a\x00b\r\n.txt": "ab.txt", "\u202egnp.exe": "gnp.exe", "\u200bx\u2028": "x", "Größe ß.txt": "Größe ß.txt", "\xff.txt": "\uFFFD.txt",
		strings.Repeat("ä", 300) + ".png": strings.Repeat("ä", 75) + "…" + strings.Repeat("ä", 70) + ".png",
	} {
		if got := artifact.Name(chosen); got != want {
			t.Errorf("%q: got %q, want %q", chosen, got, want)
		}
	}
}

// What is uploaded while an old file of the same content is swept stays.
func TestF4_KeepWhileSwept(t *testing.T) {
	t.Parallel()
	f, dir := store(t)
	s := keep(t, f, "same")
	path := filepath.Join(dir, s.Sum.String()[:2], s.Sum.String())
	old := now.Add(-48 * time.Hour)
	nobody := func(context.Context, []artifact.Sum) (map[artifact.Sum]bool, error) { return nil, nil }
	for range 300 {
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
		again, err := f.Stage(strings.NewReader("same"))
		if err != nil {
			t.Fatal(err)
		}
		swept := make(chan error, 2)
		for range cap(swept) { // on two nodes
			go func() { swept <- f.Sweep(t.Context(), int(s.Sum[0]), now.Add(-24*time.Hour), nobody) }()
		}
		err = again.Keep(now)
		if err := errors.Join(err, <-swept, <-swept); err != nil {
			t.Fatal(err)
		}
		file, err := f.Open(s.Sum, s.Size)
		if err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
	}
}

// However a name was chosen, it is one to show.
func FuzzName(f *testing.F) {
	f.Add("../a\u202eb.png")
	f.Fuzz(func(t *testing.T, chosen string) {
		name := artifact.Name(chosen)
		if name == "" || name != artifact.Name(name) || !utf8.ValidString(name) || utf8.RuneCountInString(name) > 150 || strings.Trim(name, ". ") == "" ||
			strings.ContainsAny(name, "/\\") || strings.ContainsFunc(name, unicode.IsControl) {
			t.Errorf("%q became %q", chosen, name)
		}
	})
}
