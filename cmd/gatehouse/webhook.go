package main

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

func (a *app) webhookCommand() *cobra.Command {
	return a.group("webhook", "Look after the endpoints that are told of events", a.webhookCreate(), a.webhookList(), a.webhookUpdate(),
		a.webhookDelete(), a.webhookTest(), a.webhookDeliveries(), a.webhookRotate())
}

// webhookPath is where an endpoint is, below its organization.
func webhookPath(id, verb string) string { return "/webhooks/" + url.PathEscape(id) + verb }

func (a *app) webhookCreate() *cobra.Command {
	var in api.CreateWebhook
	var organization string
	cmd := &cobra.Command{
		Use: "create", Short: "Register an endpoint", Args: noArgs,
		Long: "Registers an endpoint of an organization and prints its secret, which is shown once.\n" +
			"Without --event it is told of everything.",
		Example: "  gatehouse webhook create --url https://hooks.example.com/gatehouse --event credential.revoked,member.removed",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out api.IssuedWebhook
			err := a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodPost, Path: "/webhooks", In: in, Out: &out})
			if err != nil {
				return err
			}
			return a.report(out, "id: %s\nsecret: %s\n", out.ID, out.Secret)
		},
	}
	cmd.Flags().StringVar(&in.URL, "url", "", "where it is, https://…")
	cmd.Flags().StringVar(&in.Description, "description", "", "what it is for")
	cmd.Flags().StringSliceVar(&in.Events, "event", nil, "events that it is told of")
	cmd.Flags().StringVar(&in.Project, "project", "", "project whose events alone it is told of, by id, pr-… or PRJ-…")
	organizationFlag(cmd, &organization)
	completeWords(cmd, "event", webhook.Standard.Names()...)
	return required(cmd, "url")
}

func (a *app) webhookList() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "list", Short: "List the endpoints of an organization", Args: noArgs,
		Example: "  gatehouse webhook list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := below[api.Webhook](cmd.Context(), a, organization, "/webhooks")
			if err != nil || a.json {
				return a.listed(list, err)
			}
			var rows [][]string
			for _, w := range list {
				rows = append(rows, []string{w.ID, webhookState(&w), or(strings.Join(w.Events, ","), "all"), w.URL})
			}
			return a.table("ID\tSTATE\tEVENTS\tURL", rows)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func webhookState(w *api.Webhook) string {
	switch {
	case !w.Active:
		return "off"
	case w.FailingSince != nil:
		return "failing"
	}
	return "on"
}

func (a *app) webhookUpdate() *cobra.Command {
	var organization, target, description string
	var events []string
	var on, off bool
	cmd := &cobra.Command{
		Use: "update WEBHOOK", Short: "Change an endpoint, or turn it on or off", Args: oneArg,
		Example: "  gatehouse webhook update 0198e2a4-… --on",
		RunE: func(cmd *cobra.Command, args []string) error {
			var in api.UpdateWebhook
			changed := cmd.Flags().Changed
			if changed("url") {
				in.URL = &target
			}
			if changed("description") {
				in.Description = &description
			}
			if changed("event") {
				in.Events = &events
			}
			switch {
			case on && off:
				return usagef("choose one of --on and --off")
			case on || off:
				in.Active = &on
			}
			var out api.Webhook
			err := a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodPatch, Path: webhookPath(args[0], ""), In: in, Out: &out})
			if err != nil {
				return err
			}
			return a.report(out, "webhook %s is %s\n", out.ID, webhookState(&out))
		},
	}
	cmd.Flags().StringVar(&target, "url", "", "where it is, https://…")
	cmd.Flags().StringVar(&description, "description", "", "what it is for")
	cmd.Flags().StringSliceVar(&events, "event", nil, `events that it is told of; "" for all`)
	cmd.Flags().BoolVar(&on, "on", false, "turn it on")
	cmd.Flags().BoolVar(&off, "off", false, "turn it off; what waits for it is given up")
	organizationFlag(cmd, &organization)
	completeWords(cmd, "event", webhook.Standard.Names()...)
	return cmd
}

func (a *app) webhookDelete() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "delete WEBHOOK", Short: "Delete an endpoint, with what waits for it", Args: oneArg,
		Example: "  gatehouse webhook delete 0198e2a4-…",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodDelete, Path: webhookPath(args[0], "")}); err != nil {
				return err
			}
			return a.report(api.Empty{}, "webhook %s is deleted\n", args[0])
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) webhookTest() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "test WEBHOOK", Short: "Send a test event to an endpoint at once", Args: oneArg,
		Example: "  gatehouse webhook test 0198e2a4-…",
		RunE: func(cmd *cobra.Command, args []string) error {
			var out api.WebhookDelivery
			err := a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodPost, Path: webhookPath(args[0], "/test"), Out: &out})
			if err != nil {
				return err
			}
			return a.report(out, "%s %s\n", out.State, or(out.Failure, strconv.Itoa(out.StatusCode)))
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) webhookDeliveries() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "deliveries WEBHOOK", Short: "List what an endpoint was told, the newest first", Args: oneArg,
		Example: "  gatehouse webhook deliveries 0198e2a4-…",
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := below[api.WebhookDelivery](cmd.Context(), a, organization, webhookPath(args[0], "/deliveries"))
			if err != nil || a.json {
				return a.listed(list, err)
			}
			var rows [][]string
			for _, d := range list {
				rows = append(rows, []string{d.ID, d.CreatedAt.Format("2006-01-02 15:04:05"), d.Event, d.State, strconv.Itoa(d.Attempts), d.Failure})
			}
			return a.table("ID\tCREATED\tEVENT\tSTATE\tTRIES\tFAILURE", rows)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) webhookRotate() *cobra.Command {
	var organization string
	var in api.RotateWebhook
	cmd := &cobra.Command{
		Use: "rotate WEBHOOK", Short: "Give an endpoint a new secret", Args: oneArg,
		Long:    "Prints the new secret, which is shown once. The one before signs beside it for 24 hours.",
		Example: "  gatehouse webhook rotate 0198e2a4-…",
		RunE: func(cmd *cobra.Command, args []string) error {
			var out api.IssuedWebhook
			err := a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodPost, Path: webhookPath(args[0], "/rotate"), In: in, Out: &out})
			if err != nil {
				return err
			}
			return a.report(out, "%s\n", out.Secret)
		},
	}
	cmd.Flags().BoolVar(&in.Now, "now", false, "the secret before signs no more, since it has leaked")
	organizationFlag(cmd, &organization)
	return cmd
}
