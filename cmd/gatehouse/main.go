// Command gatehouse is a credential server: it issues, verifies, scopes,
// rotates, revokes and audits API credentials. One binary serves, administers
// and verifies; see gatehouse help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Exit codes: done, refused or failed, wrong usage, a file that can't be read.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitFile   = 3
)

func main() {
	ownFiles() // whatever is written here is the operator's alone
	os.Exit(run(context.Background(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program: what it reads and writes is handed to it.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var usage *usageError
	var code exitCode
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errSilent):
		return exitFailed
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, errFile):
		return exitFile
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "gatehouse: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "gatehouse: %v\n", sentence(err))
	return exitFailed
}

// errSilent ends with exit code 1 when everything has been said.
var errSilent = errors.New("refused")

// errFile ends with exit code 3 when it has been said which files can't be read.
var errFile = errors.New("a file can't be read")

// usageError is a mistake in the command line itself.
type usageError struct{ error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// sentence adds the request id to a refusal, so that the server's log can be searched.
func sentence(err error) error {
	var problem *api.Problem
	if errors.As(err, &problem) && problem.Status >= 500 && problem.RequestID != "" {
		return fmt.Errorf("%w (request %s)", err, problem.RequestID)
	}
	return err
}

// app is what the commands share.
type app struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	flags          map[string]string // configuration given as flags
	json           bool
}

// root is the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "gatehouse",
		Short:         "Issue, verify, rotate and revoke API credentials",
		Long:          "Gatehouse is a credential server: one place that issues, verifies, scopes, rotates,\nrevokes and audits the API credentials of any service.",
		Example:       "  gatehouse demo\n  gatehouse serve --data /var/lib/gatehouse\n  echo \"$TOKEN\" | gatehouse verify",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		Version:       version(),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true // ours is below
	root.SetHelpCommand(helpCommand())
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print one JSON document on standard output and nothing else")
	a.configFlags(root.PersistentFlags())
	root.AddCommand(
		a.serveCommand(), a.demoCommand(), a.setupCommand(), a.migrateCommand(), a.configCommand(),
		a.organizationCommand(), a.userCommand(), a.inviteCommand(), a.policyCommand(), a.providerCommand(), a.budgetCommand(), a.limitCommand(), a.webhookCommand(), a.sessionCommand(), a.projectCommand(), a.credentialCommand(), a.trustCommand(), a.importCommand(),
		a.clientCommand(), a.signingKeysCommand(), a.rootKeyCommand(), a.consoleCommand(), a.verifyCommand(), a.reportCommand(), a.auditCommand(), a.usageCommand(), completionCommand(),
	)
	return root
}

// noArgs refuses arguments, and says so as a mistake of usage.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s is no command or argument of %s; see %s --help", said(args[0]), cmd.CommandPath(), cmd.CommandPath())
	}
	return nil
}

// said quotes an argument in a message. What is not a short plain word may be
// a secret in the wrong place, and is not repeated.
func said(arg string) string {
	const most = 20
	if arg == "" || len(arg) > most || strings.Trim(arg, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return "what was given"
	}
	return strconv.Quote(arg)
}

// flagError says what is wrong with a flag, without the value that was given.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var value *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &syntax):
		err = errors.New("a flag is written --name or --name=value")
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		err = errors.New("unknown flag after a single dash")
	case errors.As(err, &unknown) && !strings.Contains(said(unknown.GetSpecifiedName()), unknown.GetSpecifiedName()):
		err = errors.New("unknown flag")
	case errors.As(err, &value):
		err = fmt.Errorf("--%s takes %s", value.GetFlag().Name, kindOfValue(value.GetFlag()))
	}
	return usagef("%w; see %s --help", err, cmd.CommandPath())
}

// kindOfValue says in words what a flag takes.
func kindOfValue(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "int":
		return "a whole number"
	case "bool":
		return "true or false"
	}
	return "another value"
}

// oneArg wants exactly one argument.
func oneArg(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("%s takes one argument: %s", cmd.CommandPath(), cmd.Use)
	}
	return nil
}

// group is a command that only has others below it.
func (a *app) group(use, short string, commands ...*cobra.Command) *cobra.Command {
	names := make([]string, len(commands))
	for i, c := range commands {
		names[i] = c.Name()
	}
	cmd := &cobra.Command{Use: use, Short: short, Example: commands[0].Example, Args: noArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return usagef("%s needs one of these commands: %s", cmd.CommandPath(), strings.Join(names, ", "))
	}}
	cmd.AddCommand(commands...)
	return cmd
}

// helpCommand explains a command, and says so where there is none.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Explain a command", Example: "  gatehouse help credential create",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("%s is no command; gatehouse help lists them", said(strings.Join(args, " ")))
			}
			return found.Help()
		},
	}
}
