package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) policyCommand() *cobra.Command {
	return a.group("policy", "Say what an organization asks of its credentials", a.policyShow(), a.policySet(), a.policyUnused())
}

func (a *app) policyShow() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "show", Short: "Show the policy of an organization", Args: noArgs,
		Example: "  gatehouse policy show --json > policy.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out api.Policy
			err := a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodGet, Path: "/policy", Out: &out})
			if err != nil {
				return err
			}
			return a.showPolicy(out)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

// showPolicy prints a policy.
func (a *app) showPolicy(p api.Policy) error {
	if a.json {
		return a.printJSON(p)
	}
	rows := [][]string{{"addresses", cmp.Or(strings.Join(p.AllowedAddresses, " "), "any")}, {"suspended when unused for", cmp.Or(p.SuspendUnusedAfter, "-")}}
	if len(p.WithheldSchemes) > 0 {
		rows = append(rows, []string{"withheld by the operator", strings.Join(p.WithheldSchemes, " ")})
	}
	for _, s := range p.Schemes {
		var asks []string
		if s.MaxLifetime != "" {
			asks = append(asks, "lives "+s.MaxLifetime+" at most")
		}
		if s.ExpiryRequired {
			asks = append(asks, "must expire")
		}
		if s.IssuedBy != "" {
			asks = append(asks, "takes the role "+s.IssuedBy)
		}
		rows = append(rows, []string{s.Scheme, cmp.Or(strings.Join(asks, ", "), "nothing")})
	}
	return a.table("OF\tWHAT IS ASKED", rows)
}

func (a *app) policySet() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "set [FILE]", Short: "Replace the policy of an organization", Args: cobra.MaximumNArgs(1),
		Long: "Replaces the policy by that of a JSON file, or of the standard input. Its members are those of\n" +
			"PUT /v1/organizations/{organization}/policy; what is left out asks nothing.",
		Example: "  echo '{\"suspend_unused_after\":\"90d\"}' | gatehouse policy set\n  gatehouse policy set policy.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.readPolicy(args)
			if err != nil {
				return err
			}
			var out api.Policy
			err = a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodPut, Path: "/policy", In: in, Out: &out})
			if err != nil {
				return err
			}
			return a.showPolicy(out)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

// readPolicy reads a policy from the file that is named, or the standard input.
func (a *app) readPolicy(args []string) (p api.Policy, err error) {
	from, name := a.stdin, "the standard input"
	if len(args) == 1 && args[0] != "-" {
		name = args[0]
		file, err := os.Open(name)
		if err != nil {
			return p, err
		}
		defer file.Close()
		from = file
	}
	d := json.NewDecoder(io.LimitReader(from, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("%s is no policy: %w", name, err)
	}
	return p, nil
}

func (a *app) policyUnused() *cobra.Command {
	var organization, span string
	cmd := &cobra.Command{
		Use: "unused", Short: "List the credentials that nobody has used for some time", Args: noArgs,
		Long:    "Lists working credentials that nobody has used for some time: what suspend_unused_after would suspend.",
		Example: "  gatehouse policy unused --for 90d",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := below[api.UnusedCredential](cmd.Context(), a, organization, "/unused-credentials?for="+url.QueryEscape(span))
			if err != nil || a.json {
				return a.listed(list, err)
			}
			var rows [][]string
			for _, u := range list {
				rows = append(rows, []string{u.ID, u.Name, u.UnusedSince.Format("2006-01-02 15:04")})
			}
			return a.table("ID\tNAME\tUNUSED SINCE", rows)
		},
	}
	cmd.Flags().StringVar(&span, "for", "90d", "how long, such as 90d")
	organizationFlag(cmd, &organization)
	return cmd
}
