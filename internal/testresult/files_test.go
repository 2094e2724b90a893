package testresult_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/testresult"
)

// result files of many programs, with what is truly in them.
const resultFiles = "testdata/results"

// indexed is a row of their index.
type indexed struct {
	file, expect, sum, counts string
	text                      []byte
}

func indexedFiles(t testing.TB) (list []indexed) {
	t.Helper()
	index, err := os.Open(filepath.Join(resultFiles, "INDEX.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	rows := csv.NewReader(index)
	rows.Comma, rows.LazyQuotes = '\t', true
	all, err := rows.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all[1:] {
		cell := map[string]string{}
		for i, name := range all[0] {
			cell[name] = row[i]
		}
		text, err := os.ReadFile(filepath.Join(resultFiles, cell["file"]))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, indexed{
			file: cell["file"], expect: cell["expect"], sum: cell["sha256"], text: text,
			counts: strings.Join([]string{cell["tests"], cell["passed"], cell["failures"], cell["errors"], cell["skipped"], cell["flaky"], cell["suite_errors"]}, " "),
		})
	}
	return list
}

func counts(s testresult.Summary) string {
	return fmt.Sprint(s.Tests, s.Passed, s.Failed, s.Errors, s.Skipped, s.Flaky, s.SuiteErrors)
}

// TestFiles reads what programs really wrote, by content alone.
func TestFiles(t *testing.T) {
	list := indexedFiles(t)
	for _, f := range list {
		if fmt.Sprintf("%x", sha256.Sum256(f.text)) != f.sum {
			t.Errorf("%s is not the file of the index", f.file)
		}
		sum, err := testresult.Read(bytes.NewReader(f.text), testresult.Options{}, func(c *testresult.Case) error {
			sound(t, c)
			return nil
		})
		switch {
		case f.expect == "reject":
			if err == nil {
				t.Errorf("%s is read: %+v", f.file, sum)
			}
		case err != nil:
			t.Errorf("%s: %v", f.file, err)
		case counts(sum) != f.counts:
			t.Errorf("%s: tests, passed, failed, errors, skipped, flaky, suite errors are %s, not %s", f.file, counts(sum), f.counts)
		case f.expect == "lenient" && (len(sum.Warnings) == 0 || sum.Repaired == 0):
			t.Errorf("%s is read without a warning", f.file)
		}
	}
	if len(list) < 30 {
		t.Errorf("there are %d files", len(list))
	}
}

// sound fails where a case isn't.
func sound(t *testing.T, c *testresult.Case) {
	t.Helper()
	for what, text := range map[string]string{"name": c.Name, "class": c.Class, "suite": c.Suite, "file": c.File, "code": c.CodeRef, "message": c.Message, "detail": c.Detail} {
		most := 1000
		switch what {
		case "message":
			most = 5000
		case "detail":
			most = 20_000
		case "code":
			most = 2001
		}
		if utf8.RuneCountInString(text) > most || !utf8.ValidString(text) {
			t.Errorf("the %s has %d characters, or is no text", what, utf8.RuneCountInString(text))
		}
		for _, r := range text {
			if unicode.IsControl(r) && (r != '\t' && r != '\n' || what != "message" && what != "detail") {
				t.Errorf("the %s %q has the character %#x in it", what, text, r)
				break
			}
		}
	}
	if c.Name == "" || c.CodeRef == "" || c.Duration < 0 || c.Line < 0 || c.Attempt < 0 || !strings.Contains("passed failed error skipped", string(c.Status)) {
		t.Errorf("%+v", c)
	}
}

// A file that is cut anywhere is refused, or has all that the whole one has.
// Only a file of lines may end early, between two of them, or say that it did.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	for format, files := range samples {
		for _, s := range files {
			whole, err := testresult.Read(strings.NewReader(s.file), testresult.Options{}, func(*testresult.Case) error { return nil })
			if err != nil {
				t.Fatal(format, err)
			}
			for i := range len(s.file) {
				sum, err := testresult.Read(strings.NewReader(s.file[:i]), testresult.Options{}, func(*testresult.Case) error { return nil })
				lines := format == "gotest" || format == "tap" || format == "dart"
				between := i > 0 && (s.file[i-1] == '\n' || s.file[i] == '\n')
				if err == nil && counts(sum) != counts(whole) && !(lines && (between || len(sum.Warnings) > 0)) {
					t.Errorf("%s, cut at byte %d behind %q: %s, and the whole file has %s", format, i, s.file[max(0, i-20):i], counts(sum), counts(whole))
				}
				if err != nil && err.Error() == "" {
					t.Errorf("%s, cut at byte %d: an error without a word", format, i)
				}
			}
		}
	}
}

// A file of any kind is read or refused, and what is read is sound.
func FuzzRead(f *testing.F) {
	for format, files := range samples {
		for _, s := range files {
			f.Add(format, []byte(s.file))
		}
	}
	for _, file := range indexedFiles(f) {
		if len(file.text) < 8<<10 {
			f.Add("auto", file.text)
		}
	}
	f.Fuzz(func(t *testing.T, format string, file []byte) {
		cases := int64(0)
		sum, err := testresult.Read(bytes.NewReader(file), testresult.Options{Format: format, MostCases: 50}, func(c *testresult.Case) error {
			cases++
			sound(t, c)
			return nil
		})
		switch {
		case cases > 50:
			t.Errorf("%d cases", cases)
		case err != nil && (err.Error() == "" || sum.Tests > 0):
			t.Errorf("%+v, %v", sum, err)
		case err == nil && (cases != sum.Tests || sum.Passed+sum.Failed+sum.Errors+sum.Skipped != sum.Tests || sum.Flaky > sum.Passed):
			t.Errorf("%d cases, and %+v", cases, sum)
		}
	})
}
