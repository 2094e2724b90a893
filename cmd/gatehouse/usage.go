package main

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) usageCommand() *cobra.Command {
	return a.group("usage", "Show and export what credentials were used for", a.usageShow(), a.usageSpends(), a.usageExport())
}

// usageFlags are those by which usage, or the ledger, is chosen.
type usageFlags struct {
	organization string
	values       map[string]*string
}

// What there is to choose by.
var (
	rangeFlags = map[string]string{
		"from": "the first day, such as 2026-11-01 (UTC; default 29 days before the last)", "to": "the last day (default today)",
		"credential": "only of this credential, by id", "project": "only of this project's credentials",
	}
	kindFlags = map[string]string{
		"resource": "only this route or resource", "outcome": "only this outcome, such as ok, 2xx or rate_limited",
	}
	ledgerFlags = map[string]string{"operation": "only this sort of call, such as service_call"}
)

func (u *usageFlags) declare(cmd *cobra.Command, flags ...map[string]string) {
	organizationFlag(cmd, &u.organization)
	u.values = map[string]*string{}
	for _, some := range flags {
		for name, usage := range some {
			u.values[name] = cmd.Flags().String(name, "", usage)
		}
	}
}

// renamed are the flags whose parameters are called otherwise: a parameter of
// the name credential would be taken for a secret.
var renamed = map[string]string{"credential": "credential_id"}

// query is what the flags say, with the organization, which may be the only one.
func (u *usageFlags) query(ctx context.Context, a *app, c *client.Client) (url.Values, error) {
	organization, err := a.organization(ctx, c, u.organization)
	query := chainQuery(organization)
	for name, value := range u.values {
		if *value != "" {
			query.Set(cmp.Or(renamed[name], name), *value)
		}
	}
	return query, err
}

func (a *app) usageShow() *cobra.Command {
	var flags usageFlags
	var by string
	cmd := &cobra.Command{
		Use: "show", Short: "Show how many requests there were, and what was paid", Args: noArgs,
		Long:    "Shows how many requests there were and what was paid for them, told apart by one or two\nof day, credential, project, resource and outcome. It is some seconds behind.",
		Example: "  gatehouse usage show --by credential\n  gatehouse usage show --from 2026-11-01 --to 2026-11-30 --by day,outcome",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out api.Usage
			err := a.with(cmd.Context(), func(c *client.Client) error {
				query, err := flags.query(cmd.Context(), a, c)
				if err != nil {
					return err
				}
				query.Set("by", by)
				out, err = allUsage(cmd.Context(), c, query)
				return err
			})
			if err != nil {
				return err
			}
			return a.printUsage(&out, strings.Split(by, ","))
		},
	}
	flags.declare(cmd, rangeFlags, kindFlags)
	cmd.Flags().StringVar(&by, "by", "day", "one or two of day, credential, project, resource and outcome, with a comma")
	return cmd
}

// allUsage reads all pages of usage into one.
func allUsage(ctx context.Context, c *client.Client, query url.Values) (all api.Usage, err error) {
	query.Set("limit", "200")
	for {
		var page api.Usage
		if err := c.Call(ctx, http.MethodGet, "/v1/usage?"+query.Encode(), nil, &page); err != nil {
			return all, err
		}
		page.Items = append(all.Items, page.Items...)
		cursor := page.NextCursor
		if all, all.NextCursor = page, ""; cursor == "" {
			return all, nil
		}
		query.Set("cursor", cursor)
	}
}

func (a *app) printUsage(out *api.Usage, by []string) error {
	if out.Items == nil {
		out.Items = []api.UsageRow{} // without anything in it, it is a list still
	}
	if a.json {
		return a.printJSON(out)
	}
	rows := make([][]string, 0, len(out.Items)+1)
	row := func(of map[string]string, requests, coins int64) {
		cells := make([]string, 0, len(by)+2)
		for _, name := range by {
			cells = append(cells, cmp.Or(of[name], "-"))
		}
		rows = append(rows, append(cells, strconv.FormatInt(requests, 10), strconv.FormatInt(coins, 10)))
	}
	for _, u := range out.Items {
		row(map[string]string{"day": u.Day, "credential": u.Credential, "project": u.Project, "resource": u.Resource, "outcome": u.Outcome}, u.Requests, u.Coins)
	}
	row(map[string]string{by[0]: "total"}, out.Requests, out.Coins)
	return a.table(strings.ToUpper(strings.Join(by, "\t"))+"\tREQUESTS\tCOINS", rows)
}

func (a *app) usageSpends() *cobra.Command {
	var flags usageFlags
	var limit int
	cmd := &cobra.Command{
		Use: "spends", Short: "List the ledger: what was paid from budgets", Args: noArgs,
		Long:    "Lists the latest that was paid from budgets. All of it is in gatehouse usage export --spends.",
		Example: "  gatehouse usage spends --from 2026-11-27\n  gatehouse usage spends --credential 0199c0de-0000-7000-8000-000000000000",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out api.List[api.LedgerLine]
			err := a.with(cmd.Context(), func(c *client.Client) error {
				query, err := flags.query(cmd.Context(), a, c)
				if err != nil {
					return err
				}
				query.Set("limit", strconv.Itoa(limit))
				return c.Call(cmd.Context(), http.MethodGet, "/v1/usage/spends?"+query.Encode(), nil, &out)
			})
			if err != nil || a.json {
				return a.listed(out.Items, err)
			}
			var rows [][]string
			for i := range out.Items {
				l := &out.Items[i]
				rows = append(rows, []string{
					when(&l.At, ""), cmp.Or(l.Name, l.Credential), l.Operation, cmp.Or(l.Resource, "-"), strconv.FormatInt(l.Cost, 10), strconv.FormatInt(l.Reserved, 10),
				})
			}
			return a.table("AT\tCREDENTIAL\tOPERATION\tRESOURCE\tCOST\tRESERVED", rows)
		},
	}
	flags.declare(cmd, rangeFlags, ledgerFlags)
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most, to 200")
	return cmd
}

func (a *app) usageExport() *cobra.Command {
	var flags usageFlags
	var spends bool
	cmd := &cobra.Command{
		Use: "export", Short: "Print usage, or the ledger, as CSV", Args: noArgs,
		Long: "Prints usage as CSV, told apart by all of day, credential, project, resource and\noutcome; with --spends the ledger. It is of 92 days at most. A cell that a spreadsheet\n" +
			"would take for a formula has an apostrophe before it.",
		Example: "  gatehouse usage export --from 2026-11-01 --to 2026-11-30 > usage.csv\n  gatehouse usage export --spends > ledger.csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := "/v1/usage/export?"
			if spends {
				path = "/v1/usage/spends/export?"
			}
			if a.json {
				return usagef("an export is CSV; see gatehouse usage show --json and gatehouse usage spends --json")
			}
			return a.with(cmd.Context(), func(c *client.Client) error {
				query, err := flags.query(cmd.Context(), a, c)
				if err != nil {
					return err
				}
				return a.copyFrom(cmd.Context(), c, path+query.Encode())
			})
		},
	}
	flags.declare(cmd, rangeFlags, kindFlags, ledgerFlags)
	cmd.Flags().BoolVar(&spends, "spends", false, "the ledger: what was paid from budgets")
	return cmd
}

// copyFrom prints what a route streams, as it comes.
func (a *app) copyFrom(ctx context.Context, c *client.Client, path string) error {
	body, err := c.Open(ctx, client.Request{Method: http.MethodGet, Path: path})
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(a.stdout, body)
	return err
}

func (a *app) credentialRequests() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "requests ID", Short: "List the requests that a credential made", Args: oneID,
		Long:    "Lists the latest requests of a credential to this server's own routes: when, what, from\nwhere and how it was answered. Verifications that others asked for are in gatehouse usage.",
		Example: "  gatehouse credential requests 0199c0de-0000-7000-8000-000000000000 --limit 20",
		RunE: func(cmd *cobra.Command, args []string) error {
			var out api.List[api.Request]
			path := credentialPath(args[0], "/requests?limit="+strconv.Itoa(limit))
			err := a.call(cmd.Context(), client.Request{Method: http.MethodGet, Path: path, Out: &out})
			if err != nil || a.json {
				return a.listed(out.Items, err)
			}
			var rows [][]string
			for _, r := range out.Items {
				rows = append(rows, []string{when(&r.At, ""), r.Method, r.Path, strconv.Itoa(r.Status), r.Address, r.UserAgent})
			}
			return a.table("AT\tMETHOD\tPATH\tSTATUS\tFROM\tBY", rows)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most, to 200")
	return cmd
}
