package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) auditCommand() *cobra.Command {
	return a.group("audit", "Export audit events and prove that none was changed", a.auditVerify(), a.auditExport())
}

func (a *app) auditVerify() *cobra.Command {
	var organization, file string
	cmd := &cobra.Command{
		Use: "verify", Short: "Check the hash chain of every organization's audit events", Args: noArgs,
		Long: "Checks every event and the sealed head of each chain. Names the first broken event\nof a chain and exits with 1 if there is one. With --file it checks the events of one\n" +
			"chain that were exported from the first on, without a server and without the data.",
		Example: "  gatehouse audit verify\n  gatehouse audit verify --organization 1 --json\n  gatehouse audit verify --file audit.jsonl",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			var out api.List[api.AuditReport]
			if file != "" && organization != "" {
				return usagef("--file and --organization don't go together")
			}
			if file != "" {
				out.Items, err = verifyFile(file)
			} else {
				err = a.call(cmd.Context(), client.Request{Method: http.MethodGet, Path: "/v1/audit/verify?" + chainQuery(organization).Encode(), Out: &out})
			}
			if err != nil {
				return err
			}
			return a.printChains(out)
		},
	}
	cmd.Flags().StringVar(&organization, "organization", "", "one organization by id or number (default all, and the installation)")
	cmd.Flags().StringVar(&file, "file", "", "check this export, as JSON lines or CSV")
	return cmd
}

// printChains says how chains were found, and fails if one is broken.
func (a *app) printChains(found api.List[api.AuditReport]) error {
	broken := false
	for _, chain := range found.Items {
		broken = broken || !chain.OK
		if !a.json {
			a.printChain(&chain)
		}
	}
	if a.json {
		if err := a.printJSON(found); err != nil {
			return err
		}
	}
	if broken {
		return errSilent
	}
	return nil
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
	var organization, format string
	filters := map[string]*string{}
	cmd := &cobra.Command{
		Use: "export", Short: "Print the audit events of a chain, one a line", Args: noArgs,
		Example: "  gatehouse audit export --organization 1 > audit.jsonl\n  gatehouse audit export --organization 1 --format csv > audit.csv\n" +
			"  gatehouse audit export --action sign_in. --since 2026-11-01T00:00:00Z",
		Long: "Prints the events of an organization, or without one those of the installation, the\noldest first, with the fields of the hash chain. With --json they are one document.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := chainQuery(organization)
			query.Set("format", format)
			for name, value := range filters {
				if *value != "" {
					query.Set(name, *value)
				}
			}
			return a.with(cmd.Context(), func(c *client.Client) error { return a.printExport(cmd.Context(), c, query) })
		},
	}
	cmd.Flags().StringVar(&organization, "organization", "", "organization by id or number (default the installation)")
	cmd.Flags().StringVar(&format, "format", "jsonl", "jsonl, or csv")
	for name, usage := range map[string]string{
		"action": "only this action; one that ends in a dot is all that begin so", "actor": "only by this actor", "subject": "only on behalf of this subject",
		"target": "only about this target", "since": "only from this RFC 3339 time on", "until": "only before this RFC 3339 time", "after": "only behind this sequence",
	} {
		filters[name] = cmd.Flags().String(name, "", usage)
	}
	return cmd
}

// printExport prints an export as it comes, or as one document.
func (a *app) printExport(ctx context.Context, c *client.Client, query url.Values) error {
	if a.json {
		query.Set("format", "jsonl")
	}
	body, err := c.Open(ctx, client.Request{Method: http.MethodGet, Path: "/v1/audit/export?" + query.Encode()})
	if err != nil {
		return err
	}
	defer body.Close()
	if !a.json {
		_, err := io.Copy(a.stdout, body)
		return err
	}
	kept := []api.Event{} // without anything in it, it is a list still
	for lines := json.NewDecoder(body); ; {
		var e api.Event
		switch err := lines.Decode(&e); {
		case errors.Is(err, io.EOF):
			return a.listed(kept, nil)
		case err != nil:
			return err
		}
		kept = append(kept, e)
	}
}
