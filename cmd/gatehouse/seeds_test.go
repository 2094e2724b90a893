package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// seeds are the documents that the dialects follow: the ids of their items, and
// how many there are.
var seeds = map[string]struct {
	id    string
	items int
}{
	"testkase": {"TK", 57}, "betahub": {"BH", 49}, "betatesting": {"BT", 32}, "bunship": {"BS", 28}, "onetest": {"OT", 21},
}

// Whose an item is that no call shows.
var elsewhere = map[string]bool{
	"console":      true, // a page, or what it advises
	"reporter":     true, // the program that sends results, and what pipelines need for it
	"integrations": true, // other services' tokens
	"elsewhere":    true, // another document
	"above":        true, // other items say it
	"tests":        true, // takes time to pass; see docs/dialects.md
}

// TestSeeds walks the items of the documents in their order, by calls to the
// demo. With -v it shows each, and how long it took.
func TestSeeds(t *testing.T) {
	t.Parallel()
	testscript.Run(t, scripts("seeds", false, func(*testscript.Env) error { return nil }))
}

// TestSeedsAreWhole: each script has each item of its document, in order. An
// item without a call says whose it is, and a test proves what is left to tests.
func TestSeedsAreWhole(t *testing.T) {
	page, err := os.ReadFile("../../docs/dialects.md")
	if err != nil {
		t.Fatal(err)
	}
	head := regexp.MustCompile(`(?m)^# ([A-Z]+-\d+) (?:\((\w+)\) )?`)
	for name, seed := range seeds {
		script, err := os.ReadFile(filepath.Join("testdata", "script", "seeds", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		text := string(script)
		found := head.FindAllStringSubmatchIndex(text, -1)
		for i, at := range found {
			id, whose, end := text[at[2]:at[3]], "", len(text)
			if at[4] >= 0 {
				whose = text[at[4]:at[5]]
			}
			if i+1 < len(found) {
				end = found[i+1][0]
			}
			_, commands, _ := strings.Cut(text[at[0]:end], "\n")
			called := strings.TrimSpace(commands) != ""
			switch want := fmt.Sprintf("%s-%d", seed.id, i+1); {
			case id != want:
				t.Errorf("%s: item %d is %s, want %s", name, i+1, id, want)
			case called == (whose != ""), whose != "" && !elsewhere[whose]:
				t.Errorf("%s: %s has commands: %t, and is left to %q", name, id, called, whose)
			case whose == "tests" && !strings.Contains(string(page), "| "+id+" |"):
				t.Errorf("%s: %s is left to tests, and docs/dialects.md names none", name, id)
			}
		}
		if len(found) != seed.items {
			t.Errorf("%s has %d items, want %d", name, len(found), seed.items)
		}
	}
}
