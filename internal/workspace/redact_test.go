package workspace_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// newFilesBench is a bench that keeps files of up to so many bytes, and a secret.
func newFilesBench(t *testing.T, most int64) (b *bench, dir, secret string) {
	t.Helper()
	cfg := storetest.SQLite(t)
	b, dir = newBench(t, cfg), t.TempDir()
	made, err := cfg.Schemes.ByName("testkase_pat").Text.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b.Workspace = workspace.New(workspace.Config{Store: b.store, Now: func() time.Time { return b.now }, Files: artifact.New(artifact.Config{Directory: dir, Most: most})})
	return b, dir, made.Reveal()
}

func (b *bench) stage(t *testing.T, content []byte) *artifact.Staged {
	t.Helper()
	staged, err := b.Files().Stage(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(staged.Discard)
	return staged
}

// zipped packs a content by gzip.
func zipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// wide writes a text as PowerShell does.
func wide(text string) []byte {
	out := []byte("\xff\xfe")
	for i := range len(text) {
		out = append(out, text[i], 0)
	}
	return out
}

// TestK2_FilesHoldNoSecret wants no file of results or logs on the disk to have
// a secret in it, wherever that stands; and one without any to be kept as it came.
func TestK2_FilesHoldNoSecret(t *testing.T) {
	t.Parallel()
	const most = 34 << 20
	b, dir, secret := newFilesBench(t, most)
	operator, ctx := credential.Operator(), t.Context()
	masked := "tk_pat_" + strings.Repeat("*", 40)
	long := append(bytes.Repeat([]byte("x\n"), (33<<20)/2), secret...)
	bomb := zipped(t, make([]byte, 3<<18)) // longer than a file may be there
	torn := zipped(t, []byte("sent "+secret))
	l, err := b.StartLaunch(ctx, &operator, b.project, workspace.LaunchRequest{Name: "l"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.WriteLogs(ctx, &operator, b.project, []workspace.LogRequest{{Launch: l.ID, File: "long"}, {Launch: l.ID, File: "fake"}},
		[]workspace.LogFile{{Name: "long", File: b.stage(t, long)}, {Name: "fake", File: b.stage(t, []byte("\x1f\x8b sent "+secret))}})
	if err != nil {
		t.Fatal(err)
	}
	b.Workspace = workspace.New(workspace.Config{Store: b.store, Now: func() time.Time { return b.now }, Files: artifact.New(artifact.Config{Directory: dir, Most: 1 << 19})})
	run := b.begin(t, "", 1)
	for _, row := range []struct {
		name          string
		content, want []byte
		redacted      int64
	}{
		{"long, packed", zipped(t, long[len(long)-3<<17:]), append(bytes.Clone(long[len(long)-3<<17:len(long)-len(secret)]), masked...), 1},
		{"in UTF-16", wide("sent " + secret), wide("sent " + masked), 1},
		{"packed, with more behind it", append(zipped(t, []byte("nothing")), secret...), append(zipped(t, []byte("nothing")), masked...), 1},
		{"packed, and torn", torn[:len(torn)-4], []byte("sent " + masked), 1},
		{"packed, without any", bomb, bomb, 0},
	} {
		before, err := b.store.ProjectTestRun(ctx, b.project.ID, run.ID)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := b.AddRunFiles(ctx, &operator, run, []workspace.ResultFile{{Name: row.name, File: b.stage(t, row.content)}})
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		_, file, err := b.OpenFileOfRun(ctx, &operator, run, kept[0].Number)
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
		got, err := os.ReadFile(file.Name())
		after, err2 := b.store.ProjectTestRun(ctx, b.project.ID, run.ID)
		if err != nil || err2 != nil || !bytes.Equal(got, row.want) || after.Redacted-before.Redacted != row.redacted {
			t.Errorf("%s: %d bytes are kept, want %d; %d are redacted (%v, %v)", row.name, len(got), len(row.want), after.Redacted-before.Redacted, err, err2)
		}
	}
	if _, err := b.AddRunFiles(ctx, &operator, run, []workspace.ResultFile{{Name: "u", File: b.stage(t, zipped(t, make([]byte, 8<<19+1)))}}); !errors.Is(err, credential.TooLarge) {
		t.Errorf("of what is longer than is looked through: %v", err)
	}
	report, err := b.ReportResults(ctx, &operator, workspace.Numbered{Project: b.project, Number: 1}, workspace.ReportRequest{Format: "auto",
		Files: []workspace.ResultFile{{Name: "r.xml", File: b.stage(t, []byte(`<testsuite><testcase name="a"><failure message="tk&#95;`+secret[3:]+`"/></testcase></testsuite>`))}}})
	if err != nil || report.Run.Redacted != 1 {
		t.Errorf("a secret that a file has by an escape isn't counted: %+v, %v", report, err)
	}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path, filepath.Join(dir, "staged")) {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(secret)) {
			t.Errorf("a file of %d bytes holds the secret", len(content))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestK2_NamesOfUploads wants a secret not to become the name of an upload.
func TestK2_NamesOfUploads(t *testing.T) {
	t.Parallel()
	b, _, secret := newFilesBench(t, 1<<20)
	operator := credential.Operator()
	run := b.begin(t, "", 1)
	r := workspace.UploadRequest{Name: "of-" + secret, Digest: strings.Repeat("ab", 32), Batches: 1}
	if _, err := b.DeclareUpload(t.Context(), &operator, run, r); !errors.Is(err, credential.Invalid) || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
}

// A launch is finished whatever it is called.
func TestLaunchesWithLongNames(t *testing.T) {
	t.Parallel()
	b, _, secret := newFilesBench(t, 1<<20)
	operator, ctx, name := credential.Operator(), t.Context(), strings.Repeat("ü", 256)
	l, err := b.StartLaunch(ctx, &operator, b.project, workspace.LaunchRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	at := workspace.LaunchAt{Project: b.project, Launch: l.ID.String()}
	if _, err := b.StartItem(ctx, &operator, b.project, workspace.ItemRequest{Launch: l.ID, Type: "STEP", Name: "a"}); err != nil {
		t.Fatal(err)
	}
	l, err = b.FinishLaunch(ctx, &operator, at, workspace.LaunchFinish{})
	if err != nil || l.Name != name {
		t.Fatalf("got %+v, %v", l, err)
	}
	made, err := b.ImportJUnit(ctx, &operator, b.project, workspace.ImportRequest{Name: name + ".xml",
		File: b.stage(t, []byte(`<testsuite><testcase name="a"><failure message="`+secret+`"/></testcase></testsuite>`))})
	if err != nil {
		t.Fatal(err)
	}
	for n, l := range []*store.Launch{l, made.Launch} {
		run, err := b.store.ProjectTestRun(ctx, b.project.ID, l.Run)
		if err != nil || run.Name != strings.Repeat("ü", 199)+"…" || run.Redacted != int64(n) {
			t.Errorf("the run is %+v, %v", run, err)
		}
	}
	ref := b.begin(t, "", 1)
	key := workspace.RunRequest{Key: "run 1", Name: "with " + secret}
	if joined, made, err := b.StartRun(ctx, &operator, b.project, key); err != nil || made || joined.ID != ref.ID || joined.Redacted != 1 {
		t.Errorf("got %+v, %v", joined, err)
	}
}
