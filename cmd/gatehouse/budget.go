package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) budgetCommand() *cobra.Command {
	return a.group("budget", "Say how many coins may be spent in a week, and see what was",
		a.budgetList(), a.budgetShow(), a.budgetSet(), a.budgetRemove(), a.budgetTopUp(), a.budgetCycles(), a.budgetVerify())
}

// budgetWhat explains what the argument of a command names.
const budgetWhat = "The budget is that of a project or a credential, by its UUID; a project may be pr-… or PRJ-….\nWithout one it is the budget of the organization."

// inBudget sends a request about the budget that an argument names.
func (a *app) inBudget(ctx context.Context, organization string, args []string, r client.Request) error {
	return a.with(ctx, func(c *client.Client) error {
		organization, err := a.organization(ctx, c, organization)
		if err != nil {
			return err
		}
		of, err := budgetOf(ctx, c, organization, args)
		if err != nil {
			return err
		}
		r.Path = fmt.Sprintf("/v1/organizations/%s/budgets/%s%s", url.PathEscape(organization), url.PathEscape(of), r.Path)
		return c.Do(ctx, r)
	})
}

// budgetOf is the UUID of what has the budget.
func budgetOf(ctx context.Context, c *client.Client, organization string, args []string) (string, error) {
	if len(args) == 1 && len(args[0]) == 36 {
		return args[0], nil
	}
	if len(args) == 1 {
		p, err := c.Projects(organization).Get(ctx, args[0])
		return p.ID, err
	}
	o, err := c.Organizations().Get(ctx, organization)
	return o.ID, err
}

func (a *app) budgetList() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "list", Short: "List the budgets of an organization", Args: noArgs,
		Example: "  gatehouse budget list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := below[api.Budget](cmd.Context(), a, organization, "/budgets")
			if err != nil || a.json {
				return a.listed(list, err)
			}
			var rows [][]string
			for _, b := range list {
				rows = append(rows, []string{b.Of.Type, b.Of.ID, coins(b.Used), coins(b.Remaining), coins(b.Coins), b.Overage, when(&b.ResetsAt, "")})
			}
			return a.table("OF\tID\tUSED\tLEFT\tCOINS A WEEK\tOVERAGE\tRENEWED", rows)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func coins(n int64) string { return strconv.FormatInt(n, 10) }

// showBudget prints a budget.
func (a *app) showBudget(b api.Budget, err error) error {
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(b)
	}
	return a.lines([][2]string{
		{"of", b.Of.Type + " " + b.Of.ID}, {"coins a week", coins(b.Coins)}, {"topped up", coins(b.ToppedUp)}, {"overage", b.Overage},
		{"used", coins(b.Used)}, {"left", coins(b.Remaining)}, {"calls", coins(b.Calls)}, {"since", when(&b.StartedAt, "")}, {"renewed", when(&b.ResetsAt, "")},
	})
}

func (a *app) budgetShow() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "show [PROJECT | CREDENTIAL]", Short: "Show a budget and what is left of it", Args: cobra.MaximumNArgs(1), Long: budgetWhat,
		Example: "  gatehouse budget show\n  gatehouse budget show PRJ-1",
		RunE: func(cmd *cobra.Command, args []string) error {
			var out api.Budget
			err := a.inBudget(cmd.Context(), organization, args, client.Request{Method: http.MethodGet, Out: &out})
			return a.showBudget(out, err)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) budgetSet() *cobra.Command {
	var organization string
	var in api.SetBudget
	var n int64
	cmd := &cobra.Command{
		Use: "set [PROJECT | CREDENTIAL] --coins N", Short: "Say how many coins each week has, from this one on", Args: cobra.MaximumNArgs(1), Long: budgetWhat,
		Example: "  gatehouse budget set PRJ-1 --coins 5000\n  gatehouse budget set --coins 100000 --overage allow",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("coins") {
				return usagef("say how many with --coins, such as --coins 5000")
			}
			in.Coins = &n
			var out api.Budget
			if in.Overage == "" { // stays as it is, where there is a budget
				err := a.inBudget(cmd.Context(), organization, args, client.Request{Method: http.MethodGet, Out: &out})
				if err == nil {
					in.Overage = out.Overage
				}
			}
			err := a.inBudget(cmd.Context(), organization, args, client.Request{Method: http.MethodPut, In: in, Out: &out})
			return a.showBudget(out, err)
		},
	}
	cmd.Flags().Int64Var(&n, "coins", 0, "coins of each week")
	cmd.Flags().StringVar(&in.Overage, "overage", "", "what happens to calls when nothing is left: block or allow (default as it is; block for a new one)")
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) budgetRemove() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "remove [PROJECT | CREDENTIAL]", Short: "Take a budget away, so that nothing bounds what is spent", Args: cobra.MaximumNArgs(1), Long: budgetWhat,
		Example: "  gatehouse budget remove 01980000-0000-7000-8000-000000000001",
		RunE: func(cmd *cobra.Command, args []string) error {
			err := a.inBudget(cmd.Context(), organization, args, client.Request{Method: http.MethodDelete})
			if err != nil {
				return err
			}
			return a.report(api.Empty{}, "removed\n")
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) budgetTopUp() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "top-up COINS [PROJECT | CREDENTIAL]", Short: "Add coins to this week alone", Args: cobra.RangeArgs(1, 2), Long: budgetWhat,
		Example: "  gatehouse budget top-up 500 PRJ-1",
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usagef("%q is no number of coins; it stands first, as in: gatehouse budget top-up 500 PRJ-1", args[0])
			}
			var out api.Budget
			err = a.inBudget(cmd.Context(), organization, args[1:], client.Request{
				Method: http.MethodPost, Path: "/top-up", In: api.TopUp{Coins: n}, Out: &out, IdempotencyKey: client.NewIdempotencyKey()})
			return a.showBudget(out, err)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) budgetCycles() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "cycles [PROJECT | CREDENTIAL]", Short: "Show this week and the twelve before it", Args: cobra.MaximumNArgs(1), Long: budgetWhat,
		Example: "  gatehouse budget cycles PRJ-1",
		RunE: func(cmd *cobra.Command, args []string) error {
			var out api.List[api.BudgetCycle]
			err := a.inBudget(cmd.Context(), organization, args, client.Request{Method: http.MethodGet, Path: "/cycles", Out: &out})
			if err != nil || a.json {
				return a.listed(out.Items, err)
			}
			var rows [][]string
			for _, c := range out.Items {
				most := "-"
				if len(c.Operations) > 0 {
					most = fmt.Sprintf("%s (%g %%)", c.Operations[0].Operation, c.Operations[0].Percent)
				}
				rows = append(rows, []string{when(&c.StartedAt, ""), coins(c.Used), coins(c.Coins + c.ToppedUp), coins(c.Calls), most})
			}
			return a.table("SINCE\tUSED\tCOINS\tCALLS\tMOST FOR", rows)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) budgetVerify() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "verify", Short: "Prove that budgets say what the ledger says", Args: noArgs,
		Long:    "Adds the whole ledger up, and compares it with every cycle of every budget and with what each\nwas used for. Exits with 1 if anything differs.",
		Example: "  gatehouse budget verify\n  gatehouse budget verify --organization 1 --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var p api.LedgerProof
			err := a.call(cmd.Context(), client.Request{Method: http.MethodGet, Path: "/v1/ledger/verify?" + chainQuery(organization).Encode(), Out: &p})
			if err != nil {
				return err
			}
			return a.printProof(p)
		},
	}
	cmd.Flags().StringVar(&organization, "organization", "", "one organization by id or number (default all)")
	return cmd
}

// printProof says what a check of the ledger has found, and fails if it is wrong.
func (a *app) printProof(p api.LedgerProof) error {
	if err := a.report(p, "%d spends of %d coins in %d cycles\n", p.Spends, p.Coins, p.Cycles); err != nil {
		return err
	}
	for _, m := range p.Mismatches {
		if !a.json {
			fmt.Fprintf(a.stdout, "WRONG  budget %s, cycle %d %s: the ledger has %+d coins and %+d calls\n", m.Budget, m.Cycle, m.Operation, m.Coins, m.Calls)
		}
	}
	if !p.Good {
		return errSilent
	}
	if !a.json {
		fmt.Fprintln(a.stdout, "budgets and ledger agree")
	}
	return nil
}
