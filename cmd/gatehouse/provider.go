package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) providerCommand() *cobra.Command {
	return a.group("sso", "Say by which OpenID Connect provider people sign in", a.providerShow(), a.providerSet(), a.providerDelete(), a.providerLinks(), a.providerForget())
}

func (a *app) providerShow() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "show", Short: "Show the provider of an organization", Args: noArgs,
		Example: "  gatehouse sso show",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out api.SignInProvider
			if err := a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodGet, Path: "/sign-in-provider", Out: &out}); err != nil {
				return err
			}
			return a.showProvider(out)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

// showProvider prints a provider.
func (a *app) showProvider(p api.SignInProvider) error {
	if a.json {
		return a.printJSON(p)
	}
	rows := [][]string{
		{"issuer", p.Issuer}, {"client ID", p.ClientID}, {"domains", strings.Join(p.Domains, " ")}, {"new people", map[bool]string{true: "come as a " + p.Role, false: "only who is invited"}[p.AdmitNew]},
		{"state", map[bool]string{true: "on", false: "off"}[p.Active]}, {"redirect URI", p.RedirectURI},
	}
	if p.LastFailure != nil {
		rows = append(rows, []string{"last failure", when(&p.LastFailure.At, "") + ": " + p.LastFailure.Reason})
	}
	return a.table("OF\tWHAT IT IS", rows)
}

func (a *app) providerSet() *cobra.Command {
	var organization, file string
	var off bool
	in := api.SetSignInProvider{}
	cmd := &cobra.Command{
		Use: "set ISSUER", Short: "Replace the provider of an organization", Args: cobra.ExactArgs(1),
		Long: "Replaces the OpenID Connect provider by which the people of an organization sign in. Without a\n" +
			"file, the client secret of before stays, which is of the same issuer and client.",
		Example: "  gatehouse sso set https://login.example.com --client-id gatehouse --client-secret-file secret --domain example.com --admit-new",
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Issuer, in.Active = args[0], !off
			if file != "" {
				text, err := os.ReadFile(file)
				if err != nil {
					return fmt.Errorf("read the client secret: %w", err)
				}
				in.ClientSecret = strings.TrimSpace(string(text))
			}
			var out api.SignInProvider
			if err := a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodPut, Path: "/sign-in-provider", In: in, Out: &out}); err != nil {
				return err
			}
			return a.showProvider(out)
		},
	}
	cmd.Flags().StringVar(&in.ClientID, "client-id", "", "client ID that the provider gave")
	cmd.Flags().StringVar(&file, "client-secret-file", "", "file that holds the client secret")
	cmd.Flags().StringSliceVar(&in.Domains, "domain", nil, "domain of e-mail addresses that the provider vouches for; may be repeated")
	cmd.Flags().StringVar(&in.Role, "role", "member", "what those become who come new: member or guest")
	cmd.Flags().BoolVar(&in.AdmitNew, "admit-new", false, "let people in who are neither members nor invited")
	cmd.Flags().BoolVar(&off, "off", false, "let nobody sign in by it, and end the sessions that it began")
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) providerDelete() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "delete", Short: "Let nobody sign in but by password", Args: noArgs,
		Long:    "Takes the provider of an organization away. The sessions that it began end.",
		Example: "  gatehouse sso delete",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodDelete, Path: "/sign-in-provider"}); err != nil {
				return err
			}
			return a.report(api.Empty{}, "people sign in by password\n")
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) providerLinks() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "links", Short: "List the people whom the provider knows", Args: noArgs,
		Example: "  gatehouse sso links",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := below[api.SignInLink](cmd.Context(), a, organization, "/sign-in-provider/links")
			if err != nil || a.json {
				return a.listed(list, err)
			}
			var rows [][]string
			for _, l := range list {
				rows = append(rows, []string{l.Email, l.Name, l.Subject, when(&l.LastUsedAt, ""), map[bool]string{true: "member", false: "no member"}[l.Member]})
			}
			return a.table("EMAIL\tNAME\tKNOWN AS\tLAST USED\tSTATE", rows)
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}

func (a *app) providerForget() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: "forget USER", Short: "Forget as whom the provider knows somebody", Args: oneUser,
		Long:    "Forgets by which subject the provider knows somebody, whose address may be linked anew then.\nThe sessions that it began for them end.",
		Example: "  gatehouse sso forget dev@example.com",
		RunE: func(cmd *cobra.Command, args []string) error {
			err := a.inOrganization(cmd.Context(), organization, client.Request{Method: http.MethodDelete, Path: "/sign-in-provider/links/" + url.PathEscape(args[0])})
			if err != nil {
				return err
			}
			return a.report(api.Empty{}, "the provider doesn't know %s any more\n", args[0])
		},
	}
	organizationFlag(cmd, &organization)
	return cmd
}
