// Package testresult reads the files that test programs write of their results.
//
// It hides how each of them spells that: elements and attributes, trees of
// suites, attempts and hooks, encodings and what is wrong with them. It reads
// as a stream, so that a file of any size takes the same memory; it is pure,
// takes files from strangers, and its errors may be shown to them.
package testresult

import (
	"fmt"
	"io"
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
	Flaky              bool          // passed after it had failed
	Attempt            int           // from 1; 0 where it isn't known
	Duration           time.Duration // never below 0
	StartedAt          time.Time     // zero where it isn't known
	Message, Detail    string        // why; stack or output
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

// Summary is what a whole file says. Cases are counted; what a file says of
// their number is never believed.
type Summary struct {
	Format                                                     string
	Tests, Passed, Failed, Errors, Skipped, Flaky, SuiteErrors int64
	SuiteMessages                                              []string // the first few
	Repaired                                                   int64    // characters that were dropped or replaced
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

// What is kept of one case, in characters, and how much of a file.
const (
	mostName       = 1_000
	mostMessage    = 5_000
	mostDetail     = 20_000
	mostValue      = 2_000 // of a property, and of a path
	mostProperties = 100
	mostPaths      = 100
	mostMessages   = 10 // of suites; and warnings
)

// formats are those that can be asked for, as they are listed to people.
var formats = []string{
	"junit", "testng", "nunit", "trx", "xunit", "playwright", "cypress", "mocha",
	"mochawesome", "cucumber", "gotest", "ctrf", "tap", "robot", "dart",
}

// titles are the formats as they are called in sentences.
var titles = map[string]string{
	"junit": "JUnit", "testng": "TestNG", "nunit": "NUnit", "trx": "TRX (Visual Studio)", "xunit": "xUnit.net",
	"playwright": "Playwright", "cypress": "Cypress", "mocha": "Mocha", "mochawesome": "Mochawesome", "cucumber": "Cucumber",
	"gotest": "go test -json", "ctrf": "CTRF", "tap": "TAP", "robot": "Robot Framework", "dart": "Dart and Flutter",
}

// Formats names what can be read. What cypress stands for is a file of Mocha or
// of Mochawesome too.
func Formats() []string { return slices.Clone(formats) }

// Read calls each for every case in the order of the file; where a format tells
// of a case something that follows later, a few thousand wait for it. What each
// is given must not be kept: it is used again, and only its texts may be. An
// error of each ends the reading and is returned as it is, and so is one of
// from. Any other is an *Error, and the cases that came before it are those of
// a broken file.
func Read(from io.Reader, o Options, each func(*Case) error) (Summary, error) {
	if o.Format == "auto" {
		o.Format = ""
	}
	if o.Format != "" && !slices.Contains(formats, o.Format) {
		return Summary{}, &Error{Text: "the format must be one of: " + strings.Join(formats, ", ")}
	}
	s := &sink{o: o, each: each}
	if err := s.read(from); err != nil {
		return Summary{Format: s.sum.Format}, err
	}
	if s.sum.Repaired > 0 {
		s.warn("%d characters that may not stand in such a file were dropped or replaced", s.sum.Repaired)
	}
	return s.sum, nil
}

// sink takes what a file is read into.
type sink struct {
	o    Options
	each func(*Case) error
	sum  Summary

	out                Case
	class, suite, file interned
	scratch            []byte
}

// is notes the format of the content, and refuses it where another was asked for.
func (s *sink) is(format string) error {
	s.sum.Format = format
	asked := s.o.Format
	if asked == "" || asked == format || asked == "cypress" && (format == "mocha" || format == "mochawesome") {
		return nil
	}
	return &Error{Found: format, Text: fmt.Sprintf("it is a file of %s, not of %s", titles[format], titles[asked])}
}

// emit hands over a case.
func (s *sink) emit(c *Case) error {
	if s.o.MostCases > 0 && s.sum.Tests == s.o.MostCases {
		return &Error{Text: fmt.Sprintf("there are more than %d results in it", s.o.MostCases)}
	}
	s.sum.Tests++
	switch c.Status {
	case Passed:
		s.sum.Passed++
	case Failed:
		s.sum.Failed++
	case Errored:
		s.sum.Errors++
	default:
		c.Status = Skipped
		s.sum.Skipped++
	}
	if c.Flaky {
		s.sum.Flaky++
	}
	return s.each(c)
}

// suiteError counts what went wrong outside any test.
func (s *sink) suiteError(message string) {
	s.sum.SuiteErrors++
	if len(s.sum.SuiteMessages) < mostMessages {
		s.sum.SuiteMessages = append(s.sum.SuiteMessages, message)
	}
}

// warn notes what a reader of the file should know.
func (s *sink) warn(format string, args ...any) {
	if len(s.sum.Warnings) < mostMessages {
		s.sum.Warnings = append(s.sum.Warnings, fmt.Sprintf(format, args...))
	}
}
