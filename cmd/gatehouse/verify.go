package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) verifyCommand() *cobra.Command {
	in := api.Verify{UserAgent: "gatehouse verify", Cost: new(int64)}
	cmd := &cobra.Command{
		Use: "verify", Short: "Verify a secret from standard input and print the decision",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("verify reads the secret from standard input: echo \"$TOKEN\" | gatehouse verify")
			}
			return nil
		},
		Long:    "Reads one secret from standard input, never from the command line, where other\nusers of the machine could see it. Exits with 0 only if the decision is ok.",
		Example: "  echo \"$TOKEN\" | gatehouse verify\n  echo \"$TOKEN\" | gatehouse verify --permission issues:write --project PRJ-1 --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			secret, err := a.readSecret("the secret")
			if err != nil {
				return err
			}
			in.Credential = &secret
			var d api.Decision
			if err := a.call(cmd.Context(), client.Request{Method: http.MethodPost, Path: "/v1/verify", In: in, Out: &d}); err != nil {
				return err
			}
			if err := a.printDecision(&d); err != nil {
				return err
			}
			if !d.Active {
				return errSilent
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&in.Permission, "permission", "", "what it should be allowed to do, such as issues:write")
	cmd.Flags().StringVar(&in.Project, "project", "", "in which project: UUID, pr-… or PRJ-…")
	cmd.Flags().StringVar(&in.Address, "address", "", "address of the client")
	cmd.Flags().Int64Var(in.Cost, "cost", 0, "coins that it is to spend")
	cmd.Flags().StringVar(&in.Resource, "resource", "", "what it is spent for, such as 'POST /orders'")
	return cmd
}

func (a *app) printDecision(d *api.Decision) error {
	if !d.Active {
		return a.report(d, "%s\n", d.Code)
	}
	if a.json {
		return a.printJSON(d)
	}
	subject := d.Subject.Type
	if d.Subject.ID != "" {
		subject += " " + d.Subject.ID
	}
	if subject == "installation" {
		subject = "the whole installation"
	}
	fmt.Fprintln(a.stdout, d.Code)
	lines := [][2]string{
		{"credential", d.Credential.ID}, {"name", d.Credential.Name}, {"scheme", d.Credential.Scheme},
		{"subject", subject}, {"organization", d.Organization}, {"scopes", fmt.Sprint(d.Scopes)}, {"expires", when(d.ExpiresAt, "never")},
	}
	if b := d.Budget; b != nil {
		lines = append(lines, [2]string{"budget", fmt.Sprintf("%d of %d coins of the %s are left until %s", b.Remaining, b.Coins, b.Of.Type, when(&b.ResetsAt, ""))})
	}
	return a.lines(lines)
}
