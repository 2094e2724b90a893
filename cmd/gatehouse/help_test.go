package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelp wants help with an example from every command there is.
func TestHelp(t *testing.T) {
	a := &app{getenv: func(string) string { return "" }}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := strings.Fields(cmd.CommandPath())[1:]
		t.Run("gatehouse "+strings.Join(path, " "), func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(context.Background(), append(path, "--help"), a.getenv, strings.NewReader(""), &stdout, &stderr)
			if code != exitDone || stderr.Len() > 0 {
				t.Errorf("exit code %d, standard error %q", code, stderr.String())
			}
			_, example, found := strings.Cut(stdout.String(), "\nExamples:\n")
			if example, _, _ = strings.Cut(example, "\n\n"); !found || !strings.Contains(example, "gatehouse "+strings.Join(path, " ")) {
				t.Errorf("there is no example of it in its help:\n%s", stdout.String())
			}
			if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
				t.Errorf("its summary is %q", cmd.Short)
			}
		})
		for _, below := range cmd.Commands() {
			walk(below)
		}
	}
	walk(a.root())
}

// TestVersion wants one line.
func TestVersion(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), []string{"--version"}, func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr)
	if got := stdout.String(); code != exitDone || !strings.HasPrefix(got, "gatehouse version ") || strings.Count(got, "\n") != 1 || stderr.Len() > 0 {
		t.Errorf("exit code %d, standard output %q, standard error %q", code, got, stderr.String())
	}
}
