// Package testresult reads the files that test programs write of their results.
//
// It hides how each of them spells that: elements and attributes, trees of
// suites, attempts and hooks. What it returns is in the order of the file. It
// is pure, takes files from strangers, and its errors may be shown to them.
// However a file is made, it takes a few times its size of memory.
package testresult

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Result is what came of one test.
type Result struct {
	Name     string
	Class    string // what the test stands in: a class, a file, a feature
	Status   string // pass, fail or skipped
	Duration time.Duration
	Message  string // why it failed or was skipped
}

// The statuses of results.
const (
	Pass    = "pass"
	Fail    = "fail"
	Skipped = "skipped"
)

// byteOrderMark begins what programs on Windows write.
const byteOrderMark = "\uFEFF"

// readers are what reads each format.
var readers = map[string]func(*file) error{
	"junit": readJUnit, "testng": readTestNG, "nunit": readNUnit,
	"playwright": readPlaywright, "cypress": readCypress, "cucumber": readCucumber,
}

// Formats names what can be read.
func Formats() []string { return slices.Sorted(maps.Keys(readers)) }

// Read reads a file of a format, with at most so many results.
func Read(format string, from io.Reader, most int) ([]Result, error) {
	read := readers[format]
	if read == nil {
		return nil, fmt.Errorf("the format must be one of: %s", strings.Join(Formats(), ", "))
	}
	text := bufio.NewReader(from)
	if mark, _ := text.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = text.Discard(len(byteOrderMark))
	}
	f := &file{from: text, most: most}
	if err := read(f); err != nil {
		return nil, err
	}
	if len(f.results) == 0 {
		return nil, errors.New("there are no results in it")
	}
	return f.results, nil
}

// What a file may hold for each of the results that it may have, far beyond
// what test programs write. Of {},{},… each takes far more memory than is
// written of it, and so does each attribute.
const (
	mostKept   = 8 << 10 // bytes of values, beside their texts
	mostQuotes = 200     // in one tag, or in a text without any
)

// file is one that is being read.
type file struct {
	from    io.Reader
	most    int
	kept    int // bytes of values
	results []Result
}

// add takes in a result.
func (f *file) add(r Result) error {
	if len(f.results) == f.most {
		return fmt.Errorf("there are more than %d results in it", f.most)
	}
	if r.Name = strings.TrimSpace(r.Name); r.Name == "" {
		r.Name = "(without a name)"
	}
	r.Class, r.Message, r.Duration = strings.TrimSpace(r.Class), strings.TrimSpace(r.Message), max(0, r.Duration)
	f.results = append(f.results, r)
	return nil
}

// seconds is a length of time from a number of seconds; one that no test takes
// is none.
func seconds(n float64) time.Duration {
	const most = float64(30 * 24 * time.Hour / time.Second)
	if !(n >= 0 && n <= most) { // nor what is no number
		return 0
	}
	return time.Duration(n * float64(time.Second))
}

// first returns the first text that isn't blank.
func first(texts ...string) string {
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" {
			return text
		}
	}
	return ""
}

// described is the name of a test with what is said of it, where that is more.
func described(name, description string) string {
	if description = strings.TrimSpace(description); description == "" || strings.Contains(name, description) {
		return name
	}
	return name + " " + description
}
