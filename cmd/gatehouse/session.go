package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
)

func (a *app) sessionCommand() *cobra.Command {
	return a.group("session", "List and end the sessions of users", a.sessionList(), a.sessionEnd())
}

func (a *app) sessionList() *cobra.Command {
	return &cobra.Command{
		Use: "list USER", Short: "List the sessions of a user, the latest used first", Args: oneUser,
		Example: "  gatehouse session list dev@example.com",
		RunE: func(cmd *cobra.Command, args []string) error {
			var list api.List[api.Session]
			if err := a.call(cmd.Context(), client.Request{Method: http.MethodGet, Path: userPath(args[0], "/sessions"), Out: &list}); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(list)
			}
			var rows [][]string
			for _, s := range list.Items {
				rows = append(rows, []string{s.ID, when(&s.CreatedAt, ""), when(&s.LastUsedAt, ""), when(&s.ExpiresAt, ""), or(s.Address, "-"), or(s.Device, or(s.UserAgent, "-"))})
			}
			return a.table("ID\tBEGAN\tLAST USED\tENDS\tADDRESS\tUSER AGENT", rows)
		},
	}
}

func (a *app) sessionEnd() *cobra.Command {
	var every bool
	cmd := &cobra.Command{
		Use: "end USER [SESSION]", Short: "End a session of a user, or all of them", Args: userAndSession,
		Long:    "Ends a session of a user at once, with its access tokens, or with --all every one.",
		Example: "  gatehouse session end dev@example.com 0199c0de-0000-7000-8000-000000000000\n  gatehouse session end dev@example.com --all",
		RunE: func(cmd *cobra.Command, args []string) error {
			if every == (len(args) == 2) {
				return usagef("%s needs the id of a session or --all, and not both", cmd.CommandPath())
			}
			path, ended := userPath(args[0], "/sessions"), "all sessions of %s have ended\n"
			if !every {
				path, ended = path+"/"+url.PathEscape(args[1]), "the session of %s has ended\n"
			}
			if err := a.call(cmd.Context(), client.Request{Method: http.MethodDelete, Path: path}); err != nil {
				return err
			}
			return a.report(api.Empty{}, ended, args[0])
		},
	}
	cmd.Flags().BoolVar(&every, "all", false, "end every session of the user")
	return cmd
}

// userAndSession wants the name of a user, and perhaps the id of a session.
// What is no id may be a token: it is neither repeated nor sent.
func userAndSession(cmd *cobra.Command, args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return usagef("%s takes one or two arguments: %s", cmd.CommandPath(), cmd.Use)
	}
	if err := checkUser(args[0]); err != nil {
		return err
	}
	if len(args) == 2 {
		if _, err := authority.ParsePublicID("ses", args[1]); err != nil {
			return usagef("a session is named by its id; see gatehouse session list")
		}
	}
	return nil
}
