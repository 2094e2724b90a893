package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) auditCommand() *cobra.Command {
	return a.group("audit", "Export audit events and prove that none was changed", a.auditVerify(), a.auditExport())
}

func (a *app) auditVerify() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "verify", Short: "Check the hash chain of every organization's audit events", Args: noArgs,
		Long:    "Checks every event and the sealed head of each chain. Names the first broken event\nof a chain and exits with 1 if there is one.",
		Example: "  gatehouse audit verify\n  gatehouse audit verify --organization 1 --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out api.List[api.AuditReport]
			r := client.Request{Method: http.MethodGet, Path: "/v1/audit/verify?" + chainQuery(organization).Encode(), Out: &out}
			if err := a.call(cmd.Context(), r); err != nil {
				return err
			}
			broken := false
			for _, chain := range out.Items {
				broken = broken || !chain.OK
				if !a.json {
					a.printChain(&chain)
				}
			}
			if a.json {
				if err := a.printJSON(out); err != nil {
					return err
				}
			}
			if broken {
				return errSilent
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&organization, "organization", "", "one organization by id or number (default all, and the installation)")
	return cmd
}

func (a *app) printChain(chain *api.AuditReport) {
	if chain.OK {
		fmt.Fprintf(a.stdout, "%s  whole   %d events\n", chain.Chain, chain.Events)
		return
	}
	fmt.Fprintf(a.stdout, "%s  BROKEN  at sequence %d: %s\n", chain.Chain, chain.Broken, chain.Reason)
}

func chainQuery(organization string) url.Values {
	query := url.Values{}
	if organization != "" {
		query.Set("organization", organization)
	}
	return query
}

func (a *app) auditExport() *cobra.Command {
	var organization string
	filters := map[string]*string{}
	cmd := &cobra.Command{
		Use: "export", Short: "Print the audit events of a chain, one JSON object a line", Args: noArgs,
		Example: "  gatehouse audit export --organization 1 > audit.jsonl\n  gatehouse audit export --action sign_in. --since 2026-11-01T00:00:00Z",
		Long:    "Prints the events of an organization, or without one those of the installation, the\noldest first, with the fields of the hash chain. With --json they are one document.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			kept := []api.Event{} // without anything in it, it is a list still
			err := a.with(cmd.Context(), func(c *client.Client) error {
				query := chainQuery(organization)
				query.Set("limit", "200")
				for name, value := range filters {
					if *value != "" {
						query.Set(name, *value)
					}
				}
				for after := int64(0); ; {
					query.Set("after", strconv.FormatInt(after, 10))
					var page api.List[api.Event]
					if err := c.Call(cmd.Context(), http.MethodGet, "/v1/audit/events?"+query.Encode(), nil, &page); err != nil {
						return err
					}
					if len(page.Items) == 0 {
						return nil
					}
					for _, e := range page.Items {
						after = e.Sequence
						if a.json {
							kept = append(kept, e)
						} else if err := a.printJSON(e); err != nil {
							return err
						}
					}
				}
			})
			if err != nil || !a.json {
				return err
			}
			return a.listed(kept, nil)
		},
	}
	cmd.Flags().StringVar(&organization, "organization", "", "organization by id or number (default the installation)")
	for name, usage := range map[string]string{
		"action": "only this action; one that ends in a dot is all that begin so", "actor": "only by this actor", "subject": "only on behalf of this subject",
		"target": "only about this target", "since": "only from this RFC 3339 time on", "until": "only before this RFC 3339 time",
	} {
		filters[name] = cmd.Flags().String(name, "", usage)
	}
	return cmd
}
