package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) limitCommand() *cobra.Command {
	return a.group("limit", "Say how many requests may be made in an organization or by a project", a.limitShow(), a.limitSet())
}

// limited names whose limits a command is about.
type limited struct{ organization, project string }

func (l *limited) flags(cmd *cobra.Command) {
	organizationFlag(cmd, &l.organization)
	cmd.Flags().StringVar(&l.project, "project", "", "the limit of a project's own credentials: its UUID, pr-… or PRJ-…")
}

func (l *limited) path() string {
	if l.project != "" {
		return "/projects/" + url.PathEscape(l.project) + "/limits"
	}
	return "/limits"
}

func (a *app) limitShow() *cobra.Command {
	var of limited
	cmd := &cobra.Command{
		Use: "show", Short: "Show the limits of an organization, or of a project", Args: noArgs,
		Example: "  gatehouse limit show\n  gatehouse limit show --project PRJ-1",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.callLimits(cmd.Context(), of, client.Request{Method: http.MethodGet})
		},
	}
	of.flags(cmd)
	return cmd
}

func (a *app) limitSet() *cobra.Command {
	var of limited
	var in api.OrganizationLimits
	cmd := &cobra.Command{
		Use: "set", Short: "Replace the limits of an organization, or of a project", Args: noArgs,
		Long: "Replaces the limits. What is left out has none: without --requests and --address-requests all\n" +
			"limits are gone. They hold from the next request on.",
		Example: "  gatehouse limit set --requests 10000 --window 1h --address-requests 600\n  gatehouse limit set --project PRJ-1 --requests 600 --window 1h\n  gatehouse limit set --project PRJ-1",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if of.project == "" {
				return a.callLimits(cmd.Context(), of, client.Request{Method: http.MethodPut, In: in})
			}
			if in.AddressRequests != 0 {
				return usagef("%s takes --address-requests for an organization only", cmd.CommandPath())
			}
			return a.callLimits(cmd.Context(), of, client.Request{Method: http.MethodPut, In: api.ProjectLimits{Requests: in.Requests, Window: in.Window}})
		},
	}
	cmd.Flags().IntVar(&in.Requests, "requests", 0, "requests in a window, all of them together")
	cmd.Flags().StringVar(&in.Window, "window", "", "the window, such as 1s, 1m, 1h or 31d")
	cmd.Flags().IntVar(&in.AddressRequests, "address-requests", 0, "requests a minute by one address in the organization")
	of.flags(cmd)
	return cmd
}

// callLimits makes a call about limits, and prints those that it answers.
func (a *app) callLimits(ctx context.Context, of limited, r client.Request) error {
	var organization api.OrganizationLimits
	var project api.ProjectLimits
	if r.Path, r.Out = of.path(), &organization; of.project != "" {
		r.Out = &project
	}
	if err := a.inOrganization(ctx, of.organization, r); err != nil {
		return err
	}
	if a.json && of.project != "" {
		return a.printJSON(project)
	}
	if a.json {
		return a.printJSON(organization)
	}
	if of.project != "" {
		return a.table("OF\tREQUESTS", [][]string{{"project", spellRate(project.Requests, project.Window)}})
	}
	return a.table("OF\tREQUESTS", [][]string{
		{"organization", spellRate(organization.Requests, organization.Window)}, {"address", spellRate(organization.AddressRequests, "1m")},
	})
}

func spellRate(requests int, window string) string {
	if requests == 0 {
		return "no limit"
	}
	return strconv.Itoa(requests) + " in " + window
}
