package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) userCommand() *cobra.Command {
	return a.group("user", "Make users members of organizations, and look after their accounts",
		a.userCreate(), a.userService(), a.userList(), a.userRole(), a.userRemove(),
		a.userShow(), a.userDeactivate(), a.userReactivate(), a.userDelete(), a.userUnlock(), a.userPasswordCode(), a.userTwoFactor())
}

func (a *app) userCreate() *cobra.Command {
	var in api.CreateUser
	var organization, file string
	var stdin bool
	cmd := &cobra.Command{
		Use: "create", Short: "Make a user a member of an organization", Args: noArgs,
		Long:    "Makes a user, or adds one who exists already, to an organization.",
		Example: "  gatehouse user create --email dev@example.com --name Dev --role member",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if stdin || file != "" {
				if in.Password, err = a.password(file); err != nil {
					return err
				}
			}
			var out api.User
			err = a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodPost, Path: "/members", In: in, Out: &out})
			if err != nil {
				return err
			}
			return a.report(out, "user %s is %s\n", out.ID, out.Role)
		},
	}
	cmd.Flags().StringVar(&in.Email, "email", "", "e-mail address")
	cmd.Flags().StringVar(&in.Name, "name", "", "name")
	cmd.Flags().StringVar(&in.Role, "role", "member", "owner, admin, member or guest")
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read a password from standard input")
	cmd.Flags().StringVar(&file, "password-file", "", "file that holds a password")
	organizationFlag(cmd, &organization)
	completeWords(cmd, "role", "owner", "admin", "member", "guest")
	return required(cmd, "email", "name")
}

func (a *app) userService() *cobra.Command {
	var in api.CreateServiceUser
	var organization string
	cmd := &cobra.Command{
		Use: "service", Short: "Make a member that nobody signs in as", Args: noArgs,
		Long:    "Makes a service user: a member whom shared tokens belong to, and that nobody signs in as.",
		Example: "  gatehouse user service --name 'Release robot' --role member",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out api.User
			err := a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodPost, Path: "/service-users", In: in, Out: &out})
			if err != nil {
				return err
			}
			return a.report(out, "user %s is %s\n", out.ID, out.Role)
		},
	}
	cmd.Flags().StringVar(&in.Name, "name", "", "name")
	cmd.Flags().StringVar(&in.Role, "role", "member", "admin, member or guest")
	organizationFlag(cmd, &organization)
	completeWords(cmd, "role", "admin", "member", "guest")
	return required(cmd, "name")
}

func (a *app) userList() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "list", Short: "List the members of an organization", Args: noArgs,
		Example: "  gatehouse user list --organization 1",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := below[api.User](cmd.Context(), a, organization, "/members")
			if err != nil || a.json {
				return a.listed(list, err)
			}
			var rows [][]string
			for _, u := range list {
				rows = append(rows, []string{u.ID, u.Email, u.Name, u.Role, u.State})
			}
			return a.table("ID\tEMAIL\tNAME\tROLE\tSTATE", rows)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) userRole() *cobra.Command {
	var organization, role string
	cmd := &cobra.Command{
		Use: "role USER", Short: "Change the role of a member", Args: oneArg,
		Long:    "Changes what a member is. Every credential of the user follows at its next use.",
		Example: "  gatehouse user role dev@example.com --role admin",
		RunE: func(cmd *cobra.Command, args []string) error {
			r := client.Request{Method: http.MethodPut, Path: "/members/" + url.PathEscape(args[0]), In: api.SetRole{Role: role}}
			if err := a.inOrganization(cmd.Context(), organization, r); err != nil {
				return err
			}
			return a.report(api.SetRole{Role: role}, "%s is %s\n", args[0], role)
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "owner, admin, member or guest")
	organizationFlag(cmd, &organization)
	completeWords(cmd, "role", "owner", "admin", "member", "guest")
	return required(cmd, "role")
}

func (a *app) userRemove() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "remove USER", Short: "End a membership, and the user's credentials", Args: oneArg,
		Long: "Ends the membership of a user in an organization, and revokes the credentials that\n" +
			"the user has there. Who is added again starts without any.",
		Example: "  gatehouse user remove dev@example.com",
		RunE: func(cmd *cobra.Command, args []string) error {
			r := client.Request{Method: http.MethodDelete, Path: "/members/" + url.PathEscape(args[0])}
			if err := a.inOrganization(cmd.Context(), organization, r); err != nil {
				return err
			}
			return a.report(api.Empty{}, "%s is no member any more\n", args[0])
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}
