package main

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// oneUser wants the name of a user. Whatever else was given may be a secret in
// the wrong place: that is neither repeated nor sent.
func oneUser(cmd *cobra.Command, args []string) error {
	if err := oneArg(cmd, args); err != nil {
		return err
	}
	return checkUser(args[0])
}

func checkUser(name string) error {
	_, notID := authority.ParsePublicID("usr", name)
	_, notEmail := credential.CheckEmail("user", name)
	if notID != nil && notEmail != nil {
		return usagef("a user is named by UUID, usr_… or e-mail address; see gatehouse user list")
	}
	return nil
}

// userPath is the path of a user of the installation, or of what is the user's.
func userPath(user, below string) string { return "/v1/users/" + url.PathEscape(user) + below }

// ofUser makes a call on a user, and returns what they are then.
func (a *app) ofUser(cmd *cobra.Command, method, path string) (p api.Person, err error) {
	err = a.call(cmd.Context(), client.Request{Method: method, Path: path, Out: &p})
	return p, err
}

func (a *app) userShow() *cobra.Command {
	return &cobra.Command{
		Use: "show USER", Short: "Show a user", Args: oneUser,
		Long:    "Shows a user of the installation, whatever organizations they are in.",
		Example: "  gatehouse user show dev@example.com",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.ofUser(cmd, http.MethodGet, userPath(args[0], ""))
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(p)
			}
			fmt.Fprintf(a.stdout, "%s  %s\n", p.ID, p.State)
			return a.lines([][2]string{
				{"name", p.Name}, {"email", p.Email}, {"verified", when(p.EmailVerifiedAt, "no")},
				{"two-factor", twoFactor(p.TwoFactor)}, {"created", when(&p.CreatedAt, "")},
			})
		},
	}
}

func twoFactor(f api.TwoFactor) string {
	switch {
	case !f.Enabled:
		return "off"
	case f.BackupCodesLeft == 1:
		return "on, 1 backup code left"
	}
	return fmt.Sprintf("on, %d backup codes left", f.BackupCodesLeft)
}

func (a *app) userDeactivate() *cobra.Command {
	return &cobra.Command{
		Use: "deactivate USER", Short: "Shut a user out, everywhere", Args: oneUser,
		Long: "Ends the sessions of a user at once, and revokes for good the credentials that are the\n" +
			"user's own, in every organization. The only owner of an organization stays.",
		Example: "  gatehouse user deactivate dev@example.com",
		RunE:    a.userChange("deactivate", "%s is deactivated; their sessions and own credentials have ended\n"),
	}
}

func (a *app) userReactivate() *cobra.Command {
	return &cobra.Command{
		Use: "reactivate USER", Short: "Let a deactivated user in again", Args: oneUser,
		Long:    "Lets a user sign in again. The credentials that were revoked stay revoked.",
		Example: "  gatehouse user reactivate dev@example.com",
		RunE:    a.userChange("reactivate", "%s is active and can sign in\n"),
	}
}

func (a *app) userDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "delete USER", Short: "Delete a user, for good", Args: oneUser,
		Long: "Shuts a user out like deactivate, and takes away what is known of them: address, name,\n" +
			"memberships, second factor. Nothing brings it back. What the user did stays in the audit,\n" +
			"under an id that nobody gets again; the address is free.",
		Example: "  gatehouse user delete dev@example.com --yes",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				return usagef("%s can't be undone; say --yes if you mean it", cmd.CommandPath())
			}
			if err := a.call(cmd.Context(), client.Request{Method: http.MethodDelete, Path: userPath(args[0], "")}); err != nil {
				return err
			}
			return a.report(api.Empty{}, "%s is deleted\n", args[0])
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	return cmd
}

func (a *app) userUnlock() *cobra.Command {
	return &cobra.Command{
		Use: "unlock USER", Short: "Let a user try to sign in again, at once", Args: oneUser,
		Long:    "Forgets the wrong passwords that were tried for a user, and with them the lock.",
		Example: "  gatehouse user unlock dev@example.com",
		RunE:    a.userChange("unlock", "%s is not locked\n"),
	}
}

// userChange changes a user, and says so.
func (a *app) userChange(verb, format string) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		p, err := a.ofUser(cmd, http.MethodPost, userPath(args[0], "/"+verb))
		if err != nil {
			return err
		}
		return a.report(p, format, p.Email)
	}
}

func (a *app) userPasswordCode() *cobra.Command {
	return &cobra.Command{
		Use: "password-code USER", Short: "Make a one-time code by which a user chooses a password", Args: oneUser,
		Long: "Makes a code that is good once, for an hour, and prints it alone on standard output.\n" +
			"It ends the code before. The user chooses a new password with it at /console/reset, or by\n\n" +
			"  POST /api/v1/auth/reset-password {\"token\":\"the code\",\"password\":\"the new one\"}\n\n" +
			"after which all their sessions have ended. A second factor stays as it is.",
		Example: "  gatehouse user password-code dev@example.com",
		RunE: func(cmd *cobra.Command, args []string) error {
			var out api.PasswordCode
			if err := a.call(cmd.Context(), client.Request{Method: http.MethodPost, Path: userPath(args[0], "/password-code"), Out: &out}); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(out)
			}
			fmt.Fprintf(a.stderr, "good once, until %s UTC, to choose a password:\n", when(&out.ExpiresAt, ""))
			fmt.Fprintln(a.stderr, `at /console/reset, or by POST /api/v1/auth/reset-password {"token":"the code","password":"the new one"}`)
			fmt.Fprintln(a.stderr, "the code is shown only now:")
			_, err := fmt.Fprintln(a.stdout, out.Code)
			return err
		},
	}
}

func (a *app) userTwoFactor() *cobra.Command {
	return a.group("2fa", "Show and reset the second factor of a user", a.twoFactorStatus(), a.twoFactorReset())
}

func (a *app) twoFactorStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status USER", Short: "Say whether a user signs in with a second factor", Args: oneUser,
		Example: "  gatehouse user 2fa status dev@example.com",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.ofUser(cmd, http.MethodGet, userPath(args[0], ""))
			if err != nil {
				return err
			}
			return a.report(p.TwoFactor, "%s\n", twoFactor(p.TwoFactor))
		},
	}
}

func (a *app) twoFactorReset() *cobra.Command {
	return &cobra.Command{
		Use: "reset USER", Short: "Turn the second factor of a user off who has lost it", Args: oneUser,
		Long:    "Turns the second factor of a user off, and ends all their sessions. It asks nothing: be\nsure who asks you for it.",
		Example: "  gatehouse user 2fa reset dev@example.com",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.ofUser(cmd, http.MethodDelete, userPath(args[0], "/two-factor"))
			if err != nil {
				return err
			}
			return a.report(p, "%s has no second factor, and all their sessions have ended\n", p.Email)
		},
	}
}
