package gatehouse_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestProofs holds docs/security.md to the tests: a line of it without a test
// that carries its name claims too much, and a test without a line is not told.
func TestProofs(t *testing.T) {
	page, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	told, proved := map[string]bool{}, map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([A-Z])-(\d+) \|`).FindAllStringSubmatch(string(page), -1) {
		told[row[1]+row[2]] = true
	}
	names := regexp.MustCompile(`(?m)^func Test((?:[A-Z]\d+_)+)`)
	err = fs.WalkDir(os.DirFS("."), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range names.FindAllStringSubmatch(string(text), -1) {
			for id := range strings.SplitSeq(strings.TrimSuffix(name[1], "_"), "_") {
				proved[id] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for id := range told {
		if !proved[id] {
			t.Errorf("docs/security.md claims %s, and no test is named after it", id)
		}
	}
	for id := range proved {
		if !told[id] {
			t.Errorf("tests are named after %s, and docs/security.md doesn't say what it is", id)
		}
	}
	if len(told) == 0 || len(proved) == 0 {
		t.Errorf("%d lines and %d proofs were found", len(told), len(proved))
	}
}
