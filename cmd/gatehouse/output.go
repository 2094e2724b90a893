package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"text/tabwriter"
	"time"
)

// version is the module's version as it was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// printJSON prints the one document of --json, on one line.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// table prints rows below a head, in columns.
func (a *app) table(head string, rows [][]string) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, head)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// lines prints names with their values below each other. Empty ones are left out.
func (a *app) lines(list [][2]string) error {
	for _, line := range list {
		if line[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(a.stdout, "%-12s  %s\n", line[0], line[1]); err != nil {
			return err
		}
	}
	return nil
}

// when prints a time, or a word where there is none.
func when(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// readSecret reads one secret from standard input, without its line end.
func (a *app) readSecret(what string) (string, error) {
	const most = 64 << 10
	text, err := io.ReadAll(io.LimitReader(a.stdin, most+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read %s from standard input: %w", what, err)
	case len(text) > most:
		return "", fmt.Errorf("%s on standard input is longer than %d bytes", what, most)
	}
	return trimLine(string(text)), nil
}

// trimLine cuts one line end off.
func trimLine(text string) string { return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r") }
