package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) projectCommand() *cobra.Command {
	return a.group("project", "Make, list, archive and restore projects",
		a.projectCreate(), a.projectList(),
		a.projectSwitch("archive", "Take a project out of service, with its credentials"),
		a.projectSwitch("restore", "Put an archived project back in service"), a.projectDelete(),
		a.projectMember())
}

func (a *app) projectCreate() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a project", Args: oneArg,
		Example: "  gatehouse project create \"Space Game\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			var out api.Project
			r := client.Request{Method: http.MethodPost, Path: "/projects", In: api.CreateProject{Name: args[0]}, Out: &out}
			if err := a.inOrganization(cmd.Context(), organization, r); err != nil {
				return err
			}
			return a.report(out, "project %s (%s, %s)\n", out.ID, out.TestKaseID, out.BetaHubID)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) projectList() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "list", Short: "List the projects of an organization", Args: noArgs,
		Example: "  gatehouse project list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := below[api.Project](cmd.Context(), a, organization, "/projects")
			if err != nil || a.json {
				return a.listed(list, err)
			}
			var rows [][]string
			for _, p := range list {
				rows = append(rows, []string{p.TestKaseID, p.BetaHubID, p.ID, p.Name, p.State})
			}
			return a.table("PROJECT\tALSO\tID\tNAME\tSTATE", rows)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) projectSwitch(verb, short string) *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: verb + " PROJECT", Short: short, Args: oneArg,
		Example: "  gatehouse project " + verb + " PRJ-1",
		RunE: func(cmd *cobra.Command, args []string) error {
			var out api.Project
			r := client.Request{Method: http.MethodPost, Path: "/projects/" + url.PathEscape(args[0]) + "/" + verb, Out: &out}
			if err := a.inOrganization(cmd.Context(), organization, r); err != nil {
				return err
			}
			return a.report(out, "%s is %s\n", out.Name, out.State)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) projectDelete() *cobra.Command {
	var organization string
	var yes bool
	cmd := &cobra.Command{
		Use: "delete PROJECT", Short: "Delete a project, for good", Args: oneArg,
		Long:    "Takes a project away and revokes its credentials. Nothing brings it back; its numbers are\nnobody else's. Archive a project to put it away for a while.",
		Example: "  gatehouse project delete PRJ-1 --yes",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				return usagef("%s can't be undone; say --yes if you mean it", cmd.CommandPath())
			}
			r := client.Request{Method: http.MethodDelete, Path: "/projects/" + url.PathEscape(args[0])}
			if err := a.inOrganization(cmd.Context(), organization, r); err != nil {
				return err
			}
			return a.report(api.Empty{}, "%s is deleted\n", args[0])
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) projectMember() *cobra.Command {
	var organization, role string
	var remove bool
	cmd := &cobra.Command{
		Use: "member PROJECT USER", Short: "Give a member a role in a project, or take it away",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("%s takes two arguments: %s", cmd.CommandPath(), cmd.Use)
			}
			return nil
		},
		Example: "  gatehouse project member PRJ-1 dev@example.com --role user\n  gatehouse project member PRJ-1 dev@example.com --remove",
		RunE: func(cmd *cobra.Command, args []string) error {
			if remove == (role != "") {
				return usagef("%s needs --role or --remove, and not both", cmd.CommandPath())
			}
			path := "/projects/" + url.PathEscape(args[0]) + "/members/" + url.PathEscape(args[1])
			r := client.Request{Method: http.MethodPut, Path: path, In: api.SetRole{Role: role}}
			if remove {
				r.Method, r.In = http.MethodDelete, nil
			}
			if err := a.inOrganization(cmd.Context(), organization, r); err != nil {
				return err
			}
			return a.report(api.SetRole{Role: role}, "%s is %s in %s\n", args[1], or(role, "no member any more"), args[0])
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "admin, user or guest")
	cmd.Flags().BoolVar(&remove, "remove", false, "take the role away")
	organizationFlag(cmd, &organization)
	completeWords(cmd, "role", "admin", "user", "guest")
	return cmd
}

// below reads every page of a list below an organization.
func below[T any](ctx context.Context, a *app, organization, path string) ([]T, error) {
	err := a.with(ctx, func(c *client.Client) (err error) {
		organization, err = a.organization(ctx, c, organization)
		return err
	})
	if err != nil {
		return nil, err
	}
	path, filters, _ := strings.Cut(path, "?")
	query, err := url.ParseQuery(filters)
	if err != nil {
		return nil, err
	}
	return all[T](ctx, a, "/v1/organizations/"+url.PathEscape(organization)+path, query)
}
