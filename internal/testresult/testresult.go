// Package testresult reads the files that test programs write of their results.
//
// It hides how each of them spells that: elements and attributes, trees of
// suites, attempts and hooks. What it returns is in the order of the file. It
// is pure, takes files from strangers, and its errors may be shown to them.
// However a file is made, it takes a few times its size of memory.
package testresult

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Status is what came of a test.
type Status string

// The statuses of cases.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Errored Status = "error"
	Skipped Status = "skipped"
)

// Case is one reported execution of a leaf test.
type Case struct {
	Name, Class, Suite string
	File               string
	Line               int
	CodeRef            string // Class.Name, or what the format says
	Status             Status
	Flaky              bool
	Attempt            int // from 1; 0 where it isn't known
	Duration           time.Duration
	StartedAt          time.Time // zero where it isn't known
	Message, Detail    string    // why; stack or output
	Properties         []Property
	Attachments        []string // paths as the file names them
}

// Property is something that a file says of a case.
type Property struct{ Name, Value string }

// Options say how a file is read.
type Options struct {
	Format    string // one of Formats; "" or "auto": found by content
	MostCases int64  // 0: no bound
}

// Summary is what a whole file says.
type Summary struct {
	Format                                                     string
	Tests, Passed, Failed, Errors, Skipped, Flaky, SuiteErrors int64
	SuiteMessages                                              []string // the first few
	Repaired                                                   int64    // characters dropped or re-encoded
	Warnings                                                   []string
}

// Error is what is wrong with a file. It may be shown to whoever sent it.
type Error struct {
	Line  int64  // where, from 1; 0 for the whole file
	Found string // the format that it is of, where another was asked for
	Text  string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Text)
	}
	return e.Text
}

// byteOrderMark begins what programs on Windows write.
const byteOrderMark = "\uFEFF"

type result struct {
	Name, Class, Status string
	Duration            time.Duration
	Message             string
}

// readers are what reads each format.
var readers = map[string]func(*file) error{
	"junit": readJUnit, "testng": readTestNG, "nunit": readNUnit,
	"playwright": readPlaywright, "cypress": readCypress, "cucumber": readCucumber,
}

// Formats names what can be read.
func Formats() []string { return slices.Sorted(maps.Keys(readers)) }

// Read calls each for every case in the order of the file. What each is given
// must not be kept: it is used again. An error of each ends the reading and is
// returned as it is.
func Read(from io.Reader, o Options, each func(*Case) error) (Summary, error) {
	sum := Summary{Format: o.Format}
	read := readers[o.Format]
	if read == nil {
		return sum, &Error{Text: "the format must be one of: " + strings.Join(Formats(), ", ")}
	}
	text := bufio.NewReader(from)
	if mark, _ := text.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = text.Discard(len(byteOrderMark))
	}
	f := &file{from: text, most: int(o.MostCases)}
	if err := read(f); err != nil {
		return sum, &Error{Text: err.Error()}
	}
	for _, r := range f.results {
		c := Case{Name: r.Name, Class: r.Class, Status: Status(r.Status), Duration: r.Duration, Message: r.Message}
		sum.Tests++
		switch c.Status {
		case Passed:
			sum.Passed++
		case Failed:
			sum.Failed++
		default:
			sum.Skipped++
		}
		if err := each(&c); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

const pass, fail, skipped = string(Passed), string(Failed), string(Skipped)

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
	results []result
}

// add takes in a result.
func (f *file) add(r result) error {
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
