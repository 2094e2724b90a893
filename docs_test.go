package gatehouse_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// proofs are the pages that tests are named after, and the two parts of their
// lines' ids: R-10 in the page is R10_ in a test's name.
var proofs = []struct{ page, letters, number string }{
	{"docs/security.md", `[A-Z]`, `\d+`},
	{"docs/dialects.md", `(?:BT|BH|OT|BS|TK)`, `[DO]?\d+`},
}

// TestProofs holds these pages to the tests: a line without a test that
// carries its name claims too much, and a test without a line is not told.
func TestProofs(t *testing.T) {
	tests := testNames(t)
	for _, p := range proofs {
		page, err := os.ReadFile(p.page)
		if err != nil {
			t.Fatal(err)
		}
		told, proved := map[string]bool{}, map[string]bool{}
		for _, row := range regexp.MustCompile(`(?m)^\| (`+p.letters+`-`+p.number+`) \|`).FindAllStringSubmatch(string(page), -1) {
			told[strings.Replace(row[1], "-", "", 1)] = true
		}
		own := regexp.MustCompile(`^` + p.letters + p.number + `$`)
		for _, name := range tests {
			for id := range strings.SplitSeq(name, "_") {
				if own.MatchString(id) {
					proved[id] = true
				}
			}
		}
		for id := range told {
			if !proved[id] {
				t.Errorf("%s claims %s, and no test is named after it", p.page, id)
			}
		}
		for id := range proved {
			if !told[id] {
				t.Errorf("tests are named after %s, and %s doesn't say what it is", id, p.page)
			}
		}
		if len(told) == 0 || len(proved) == 0 {
			t.Errorf("%s: %d lines and %d proofs were found", p.page, len(told), len(proved))
		}
	}
}

// testNames returns the ids that the names of tests begin with.
func testNames(t *testing.T) (list []string) {
	t.Helper()
	names := regexp.MustCompile(`(?m)^func Test((?:[A-Z]+\d+_)+)`)
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range names.FindAllStringSubmatch(string(text), -1) {
			list = append(list, name[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
