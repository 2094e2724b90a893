package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) organizationCommand() *cobra.Command {
	cmd := a.group("org", "Make, list, suspend and resume organizations",
		a.organizationCreate(), a.organizationList(),
		a.organizationSwitch("suspend", "Stop every credential of an organization"),
		a.organizationSwitch("resume", "Let a suspended organization's credentials work again"))
	cmd.Aliases = []string{"organization"}
	return cmd
}

func (a *app) organizationCreate() *cobra.Command {
	return &cobra.Command{
		Use: "create NAME", Short: "Make an organization", Args: oneArg,
		Example: "  gatehouse org create \"Acme Games\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			var out api.Organization
			err := a.call(cmd.Context(), client.Request{Method: http.MethodPost, Path: "/v1/organizations", In: api.CreateOrganization{Name: args[0]}, Out: &out})
			if err != nil {
				return err
			}
			return a.report(out, "organization %s (number %d)\n", out.ID, out.Number)
		},
	}
}

func (a *app) organizationList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the organizations", Args: noArgs,
		Example: "  gatehouse org list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := all[api.Organization](cmd.Context(), a, "/v1/organizations", nil)
			if err != nil || a.json {
				return a.listed(list, err)
			}
			var rows [][]string
			for _, o := range list {
				rows = append(rows, []string{strconv.FormatInt(o.Number, 10), o.ID, o.Name, o.State})
			}
			return a.table("NUMBER\tID\tNAME\tSTATE", rows)
		},
	}
}

func (a *app) organizationSwitch(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " ORGANIZATION", Short: short, Args: oneArg,
		Example: "  gatehouse org " + verb + " 1",
		RunE: func(cmd *cobra.Command, args []string) error {
			var out api.Organization
			err := a.call(cmd.Context(), client.Request{Method: http.MethodPost, Path: "/v1/organizations/" + url.PathEscape(args[0]) + "/" + verb, Out: &out})
			if err != nil {
				return err
			}
			return a.report(out, "%s is %s\n", out.Name, out.State)
		},
	}
}

// all reads every page of a list.
func all[T any](ctx context.Context, a *app, path string, query url.Values) (list []T, err error) {
	if query == nil {
		query = url.Values{}
	}
	err = a.with(ctx, func(c *client.Client) (err error) {
		list, err = pages[T](ctx, c, path, query)
		return err
	})
	return list, err
}

// pages reads every page of a list with a client that is there already.
func pages[T any](ctx context.Context, c *client.Client, path string, query url.Values) ([]T, error) {
	list := []T{} // without anything in it, it is a list still
	query.Set("limit", "200")
	for {
		var page api.List[T]
		if err := c.Call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return list, err
		}
		list = append(list, page.Items...)
		if page.NextCursor == "" {
			return list, nil
		}
		query.Set("cursor", page.NextCursor)
	}
}

// listed prints a list as JSON.
func (a *app) listed(list any, err error) error {
	if err != nil {
		return err
	}
	return a.printJSON(map[string]any{"items": list})
}

// organization is the one that a flag names, or the only one there is.
func (a *app) organization(ctx context.Context, c *client.Client, flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	var page api.List[api.Organization]
	if err := c.Call(ctx, http.MethodGet, "/v1/organizations?limit=2", nil, &page); err != nil {
		return "", err
	}
	switch len(page.Items) {
	case 0:
		return "", errors.New("there is no organization yet; make one with gatehouse setup or gatehouse org create")
	case 1:
		return page.Items[0].ID, nil
	}
	return "", usagef("there are several organizations; name one with --organization (see gatehouse org list)")
}

// inOrganization runs a call below an organization's path.
func (a *app) inOrganization(ctx context.Context, flag string, r client.Request) error {
	return a.with(ctx, func(c *client.Client) error {
		organization, err := a.organization(ctx, c, flag)
		if err != nil {
			return err
		}
		r.Path = fmt.Sprintf("/v1/organizations/%s%s", url.PathEscape(organization), r.Path)
		return c.Do(ctx, r)
	})
}

func organizationFlag(cmd *cobra.Command, target *string) {
	cmd.Flags().StringVar(target, "organization", "", "organization by id or number (default the only one)")
}
