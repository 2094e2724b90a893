package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) inviteCommand() *cobra.Command {
	return a.group("invite", "Invite people to become members of an organization", a.inviteCreate(), a.inviteList(), a.inviteWithdraw())
}

func (a *app) inviteCreate() *cobra.Command {
	var in api.Invite
	var organization string
	cmd := &cobra.Command{
		Use: "create", Short: "Invite an address", Args: noArgs,
		Long: "Invites whoever has an address to become a member, and prints a code that is good once,\n" +
			"for 7 days. Who has signed in with that address accepts it at POST /v1/invitations/accept.\n" +
			"Where mail is sent, the code is mailed as well. An earlier invitation to the address is dead.",
		Example: "  gatehouse invite create --email dev@example.com --role member",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out api.IssuedInvitation
			err := a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodPost, Path: "/invitations", In: in, Out: &out})
			if err != nil {
				return err
			}
			return a.report(out, "%s\n", out.Code)
		},
	}
	cmd.Flags().StringVar(&in.Email, "email", "", "e-mail address")
	cmd.Flags().StringVar(&in.Role, "role", "member", "owner, admin, member or guest")
	organizationFlag(cmd, &organization)
	completeWords(cmd, "role", "owner", "admin", "member", "guest")
	return required(cmd, "email")
}

func (a *app) inviteList() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "list", Short: "List the invitations of an organization", Args: noArgs,
		Example: "  gatehouse invite list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := below[api.Invitation](cmd.Context(), a, organization, "/invitations")
			if err != nil || a.json {
				return a.listed(list, err)
			}
			var rows [][]string
			for _, i := range list {
				rows = append(rows, []string{i.ID, i.Email, i.Role, i.State, i.ExpiresAt.Format("2006-01-02 15:04")})
			}
			return a.table("ID\tEMAIL\tROLE\tSTATE\tEXPIRES", rows)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) inviteWithdraw() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "withdraw INVITATION", Short: "Take an invitation back", Args: oneArg,
		Example: "  gatehouse invite withdraw 0198e2a4-…",
		RunE: func(cmd *cobra.Command, args []string) error {
			r := client.Request{Method: http.MethodDelete, Path: "/invitations/" + url.PathEscape(args[0])}
			if err := a.inOrganization(cmd.Context(), organization, r); err != nil {
				return err
			}
			return a.report(api.Empty{}, "invitation %s is withdrawn\n", args[0])
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}
