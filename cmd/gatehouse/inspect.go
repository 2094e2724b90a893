package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/internal/report"
	"github.com/gatehouse-dev/gatehouse/internal/testresult"
)

func (a *app) inspectCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "inspect FILE...", Short: "Say what is in files of test results, without sending them",
		Long: "Each FILE is read as gatehouse reads it when it is sent, packed by gzip or not, and what is\n" +
			"in it is counted. A FILE of - is standard input. What tests came to makes no difference to\n" +
			"the exit code; it is 3 if a file can't be read. It needs no server.\n\n" +
			"Formats: auto, " + strings.Join(testresult.Formats(), ", ") + ".",
		Example: "  gatehouse report inspect target/surefire-reports/*.xml\n" +
			"  go test -json ./... | gatehouse report inspect - --json",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("gatehouse report inspect takes one or more files")
			}
			if format = strings.ToLower(format); format != "auto" && !slices.Contains(testresult.Formats(), format) {
				return usagef("--format takes auto or one of: %s", strings.Join(testresult.Formats(), ", "))
			}
			return a.inspect(args, format)
		},
	}
	cmd.Flags().StringVar(&format, "format", "auto", "the format of all files; auto finds it out for each")
	return cmd
}

// inspected is what is in a file.
type inspected struct {
	File        string   `json:"file"`
	Format      string   `json:"format"`
	Tests       int64    `json:"tests"`
	Passed      int64    `json:"passed"`
	Failed      int64    `json:"failed"`
	Errors      int64    `json:"errors"`
	Skipped     int64    `json:"skipped"`
	Flaky       int64    `json:"flaky"`
	SuiteErrors int64    `json:"suite_errors"`
	Warnings    []string `json:"warnings"`
}

// inspect reads files, and prints what is in those that can be read.
func (a *app) inspect(names []string, format string) error {
	list := []inspected{}
	for _, name := range names {
		sum, err := a.readResults(name, format, func(*testresult.Case) error { return nil })
		if err != nil {
			fmt.Fprintf(a.stderr, "gatehouse: %s: %s\n", onOneLine(name), onOneLine(err.Error()))
			continue
		}
		list = append(list, inspected{
			File: name, Format: sum.Format, Tests: sum.Tests, Passed: sum.Passed, Failed: sum.Failed, Errors: sum.Errors, Skipped: sum.Skipped,
			Flaky: sum.Flaky, SuiteErrors: sum.SuiteErrors, Warnings: append([]string{}, sum.Warnings...),
		})
		for _, message := range sum.SuiteMessages {
			fmt.Fprintf(a.stderr, "gatehouse: %s: outside its tests: %s\n", onOneLine(name), onOneLine(message))
		}
		for _, warning := range sum.Warnings {
			fmt.Fprintf(a.stderr, "gatehouse: %s: %s\n", onOneLine(name), onOneLine(warning))
		}
	}
	if err := a.printInspected(list, len(names)); err != nil {
		return err
	}
	if len(list) < len(names) {
		return errFile
	}
	return nil
}

// onOneLine is a text that a stranger may have written, on one line.
func onOneLine(text string) string {
	const most = 1000 // characters
	return report.Plain(text, most)
}

// printInspected prints a table, or with --json one object for one file, and a
// list of them for more.
func (a *app) printInspected(list []inspected, asked int) error {
	switch {
	case a.json && asked > 1:
		return a.printPlainJSON(list)
	case len(list) == 0:
		return nil
	case a.json:
		return a.printPlainJSON(list[0])
	}
	rows := make([][]string, len(list))
	for i, f := range list {
		rows[i] = []string{onOneLine(f.File), f.Format}
		for _, n := range []int64{f.Tests, f.Passed, f.Failed, f.Errors, f.Skipped, f.Flaky, f.SuiteErrors} {
			rows[i] = append(rows[i], strconv.FormatInt(n, 10))
		}
	}
	return a.table("FILE\tFORMAT\tTESTS\tPASSED\tFAILED\tERRORS\tSKIPPED\tFLAKY\tSUITE ERRORS", rows)
}

// printPlainJSON prints a value whose texts command nothing.
func (a *app) printPlainJSON(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, report.PlainJSON(text))
	return err
}

// readResults reads a file of test results, or standard input for a name of -.
func (a *app) readResults(name, format string, each func(*testresult.Case) error) (testresult.Summary, error) {
	in := io.NopCloser(a.stdin)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			var path *os.PathError
			if errors.As(err, &path) {
				err = path.Err
			}
			return testresult.Summary{}, fmt.Errorf("it can't be opened: %w", err)
		}
		in = file
	}
	defer in.Close()
	text, err := unpacked(in)
	if err != nil {
		return testresult.Summary{}, err
	}
	sum, err := testresult.Read(text, testresult.Options{Format: format}, each)
	var path *os.PathError
	switch {
	case errors.As(err, &path):
		err = fmt.Errorf("it can't be read: %w", path.Err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		err = fmt.Errorf("it can't be unpacked: %w", err)
	}
	return sum, err
}

// unpacked is a file as it was before gzip packed it, if gzip did.
func unpacked(in io.Reader) (io.Reader, error) {
	const magic = "\x1f\x8b" // RFC 1952 section 2.3.1
	text := bufio.NewReader(in)
	if head, _ := text.Peek(len(magic)); string(head) != magic {
		return text, nil
	}
	packed, err := gzip.NewReader(text)
	if err != nil {
		return nil, fmt.Errorf("it can't be unpacked: %w", err)
	}
	return packed, nil
}
