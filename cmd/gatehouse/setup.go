package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// call runs one call as the operator.
func (a *app) call(ctx context.Context, r client.Request) error {
	return a.with(ctx, func(c *client.Client) error { return c.Do(ctx, r) })
}

// with runs fn with a client that acts as the operator.
func (a *app) with(ctx context.Context, fn func(*client.Client) error) error {
	c, done, err := a.connect(ctx)
	if err != nil {
		return err
	}
	return errors.Join(fn(c), done())
}

// report prints what a call returned: as JSON, or in the words of say.
func (a *app) report(v any, format string, args ...any) error {
	if a.json {
		return a.printJSON(v)
	}
	_, err := fmt.Fprintf(a.stdout, format, args...)
	return err
}

func (a *app) setupCommand() *cobra.Command {
	var in api.Setup
	var file string
	cmd := &cobra.Command{
		Use: "setup", Short: "Make the first organization and its owner", Args: noArgs,
		Long: "Makes the first organization, its owner, and a gatehouse_key with every permission,\nwhich is printed once. The password is read from standard input, or from a file.",
		Example: "  gatehouse setup --organization Acme --name Ada --email ada@example.com < password.txt\n" +
			"  gatehouse setup --organization Acme --name Ada --email ada@example.com --password-file password.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if in.Password, err = a.password(file); err != nil {
				return err
			}
			cfg, err := a.load()
			if err != nil {
				return err
			}
			alone := false
			if cfg.DatabaseURL == "" {
				if alone, err = a.prepare(cmd.Context(), cfg); err != nil {
					return err
				}
			}
			var out api.SetupResult
			if err := a.call(cmd.Context(), client.Request{Method: http.MethodPost, Path: "/v1/setup", In: in, Out: &out}); err != nil {
				return err
			}
			if alone && !a.json {
				fmt.Fprintf(a.stderr, "data: %s\n", cfg.Data)
			}
			return a.report(out, "organization %s (number %d)\nowner        %s\nkey          %s\n\nThe key has every permission and is shown only now.\n",
				out.Organization.ID, out.Organization.Number, out.User.Email, out.Credential.Secret)
		},
	}
	cmd.Flags().StringVar(&in.Organization, "organization", "", "name of the organization")
	cmd.Flags().StringVar(&in.Name, "name", "", "name of the owner")
	cmd.Flags().StringVar(&in.Email, "email", "", "e-mail address of the owner")
	cmd.Flags().StringVar(&file, "password-file", "", "file that holds the password (default standard input)")
	return required(cmd, "organization", "name", "email")
}

// prepare makes the data directory of an installation that has none yet. It
// reports whether no server has it open.
func (a *app) prepare(ctx context.Context, cfg *Config) (alone bool, err error) {
	if err := makeData(cfg); err != nil {
		return false, err
	}
	n, err := a.open(ctx, cfg, a.logger(cfg))
	if errors.Is(err, store.ErrInUse) { // by the server that will answer
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, n.store.Close()
}

// password reads a password from a file or from standard input.
func (a *app) password(file string) (string, error) {
	if file == "" {
		text, err := a.readSecret("the password")
		if err == nil && text == "" {
			err = usagef("there is no password on standard input; give it there, or in a file with --password-file")
		}
		return text, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return trimLine(string(text)), nil
}

// required marks flags that a command can't do without.
func required(cmd *cobra.Command, flags ...string) *cobra.Command {
	check := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, flag := range flags {
			if !cmd.Flags().Changed(flag) {
				return usagef("%s needs --%s; see %s --help", cmd.CommandPath(), flag, cmd.CommandPath())
			}
		}
		return check(cmd, args)
	}
	return cmd
}
