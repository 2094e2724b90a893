package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehouse-dev/gatehouse/internal/report"
	"github.com/gatehouse-dev/gatehouse/internal/testresult"
)

// exitCode ends with a code of its own when everything has been said.
type exitCode int

// Error implements error.
func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// tokenVariables are where the token is looked for in the environment, in order.
var tokenVariables = []string{"GATEHOUSE_TOKEN", "TESTKASE_PAT", "TESTKASE_API_KEY"}

// reporting is what the flags of report say beside its options.
type reporting struct {
	report.Options
	tokenStdin bool
	tokenFile  string
}

func (a *app) reportCommand() *cobra.Command {
	r := &reporting{}
	cmd := &cobra.Command{
		Use: "report", Short: "Send the results of test programs to a server", Args: noArgs,
		Long: `Reads files of test results (` + strings.Join(testresult.Formats(), ", ") + `) and sends them.
Nothing is sent unless all of them can be read. The same results are stored once, however
often they are sent: after a failure, run the same command again.

The token is that of --token, --token-stdin, --token-file, or of the environment:
` + strings.Join(tokenVariables, ", ") + `, the first that is there. Where tests ran is found in the
environment of the CI system.

Exit codes: 0 stored, 1 stored and --fail-on or --strict ask for it, 2 usage, 3 no results or
none that can be read, 4 refused, 5 network or server, 6 too many requests, 7 stored in
part: the same again completes it, 8 a budget has no room.`,
		Example: "  gatehouse report --url https://gatehouse.example.com --project-id PRJ-1 --results-file test-results/junit.xml\n" +
			"  gatehouse report --results-file 'build/**/TEST-*.xml' --fail-on new-failures --attach 'screenshots/**/*.png'\n" +
			"  go test -json ./... | gatehouse report --results-file - --dry-run",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.sendResults(cmd, r) },
	}
	r.flags(cmd.Flags())
	cmd.AddCommand(a.inspectCommand())
	completeWords(cmd, "format", append([]string{"auto"}, testresult.Formats()...)...)
	completeWords(cmd, "on-empty", "error", "warn", "ignore")
	completeWords(cmd, "report-skipped-as", "skipped", "blocked", "ignore")
	completeWords(cmd, "fail-on", "failed", "flaky", "new-failures", "never")
	return cmd
}

// flags declares what can be said.
func (r *reporting) flags(f *pflag.FlagSet) {
	f.StringVar(&r.URL, "url", "", "address of the server (GATEHOUSE_URL); a server on this machine at "+report.DefaultURL+" is found without")
	f.StringVar(&r.Token, "token", "", "the token; others on this machine can see it here, so rather put it into GATEHOUSE_TOKEN")
	f.BoolVar(&r.tokenStdin, "token-stdin", false, "read the token from standard input")
	f.StringVar(&r.tokenFile, "token-file", "", "read the token from a file")
	f.BoolVar(&r.OIDC, "oidc", false, "get a token for the identity that the CI system gives this job, instead of bringing one")
	f.StringVar(&r.Audience, "oidc-audience", "", "whom that identity is to be told; the address of the server if absent")
	f.StringVar(&r.Project, "project-id", "", "project, such as PRJ-1; the only one of the token if absent")
	f.StringVar(&r.Organization, "org-id", "", "number or id of the organization, such as 1173; that of the token if absent")
	f.StringVar(&r.Cycle, "cycle-id", "", "test cycle, such as TCYCLE-5; the master cycle if absent")
	f.StringVar(&r.Format, "format", "auto", "auto, which looks at the content, or "+strings.Join(testresult.Formats(), ", "))
	f.StringArrayVar(&r.Results, "results-file", nil, "file, directory, pattern with ** or - for standard input; more than once for more of them")
	f.StringVar(&r.Build, "build-id", "", "what was tested; the number of the pipeline if absent")
	f.StringVar(&r.Commit, "commit", "", "commit that was tested; what the CI system says if absent")
	f.StringVar(&r.Branch, "branch", "", "branch that was tested; what the CI system says if absent")
	f.StringVar(&r.Name, "name", "", "of the run: it is compared with the one before of that name; pipeline and job if absent")
	f.StringVar(&r.Key, "run-key", "", "reports with one key are one run; pipeline and job if absent, elsewhere the contents")
	f.StringVar(&r.Shard, "shard", "", "which part of the run this is, such as 1/4")
	f.StringArrayVar(&r.Attach, "attach", nil, "file, directory or pattern to keep with the run; more than once for more of them")
	f.BoolVar(&r.Attachments, "attachments", false, "keep the files that the results name, too, as far as they lie below the working directory")
	f.StringVar(&r.SkippedAs, "report-skipped-as", "skipped", "how skipped tests stand in the cycle: skipped, blocked or ignore")
	f.StringSliceVar(&r.FailOn, "fail-on", nil, "exit with 1 on failed, flaky or new-failures (several apart by commas), or never")
	f.StringVar(&r.OnEmpty, "on-empty", "error", "where there are no results: error, warn or ignore")
	f.BoolVar(&r.Strict, "strict", false, "exit with 1 where results match no test case")
	f.BoolVar(&r.DryRun, "dry-run", false, "only read the files, and say what would be sent")
	f.BoolVar(&r.Verbose, "verbose", false, "tell of every call")
	f.BoolVar(&r.Insecure, "insecure", false, "send the token over http:// to another machine")
	f.DurationVar(&r.Timeout, "timeout", 10*time.Minute, "for how long to send and to try again, altogether")
}

// sendResults makes the report.
func (a *app) sendResults(cmd *cobra.Command, r *reporting) error {
	r.JSON = a.json
	if r.URL == "" {
		r.URL = a.getenv("GATEHOUSE_URL")
	}
	if err := a.findToken(r); err != nil {
		return err
	}
	stderr, _ := a.stderr.(*os.File)
	code := report.Run(cmd.Context(), r.Options, report.Surroundings{
		Getenv: a.getenv, Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr, Now: time.Now, Terminal: a.getenv("CI") == "" && isTerminal(stderr),
	})
	if code != report.Done {
		return exitCode(code)
	}
	return nil
}

// findToken looks for the token where it may be, in order.
func (a *app) findToken(r *reporting) error {
	sources := 0
	for _, given := range []bool{r.Token != "", r.tokenStdin, r.tokenFile != "", r.OIDC} {
		if given {
			sources++
		}
	}
	if sources > 1 {
		return usagef("give one of --token, --token-stdin, --token-file and --oidc")
	}
	var err error
	switch {
	case r.tokenStdin:
		for _, name := range r.Results {
			if name == "-" {
				return usagef("standard input has the token or the results, not both: see --token-file")
			}
		}
		r.Token, err = a.readSecret("the token")
	case r.tokenFile != "":
		var text []byte
		text, err = os.ReadFile(r.tokenFile)
		r.Token = trimLine(string(text))
	case r.Token == "" && !r.OIDC:
		for _, name := range tokenVariables {
			if r.Token = a.getenv(name); r.Token != "" {
				break
			}
		}
	}
	if err != nil {
		return usagef("--token-file can't be read")
	}
	return nil
}

// isTerminal reports whether somebody watches what is written there.
func isTerminal(file *os.File) bool {
	if file == nil {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
