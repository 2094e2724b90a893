package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

func (a *app) credentialCommand() *cobra.Command {
	cmd := a.group("credential", "Issue, list, change, rotate and revoke credentials",
		a.credentialCreate(), a.credentialList(), a.credentialShow(), a.credentialActivity(), a.credentialRequests(), a.credentialUpdate(), a.credentialRotate(),
		a.credentialSwitch("suspend", "Stop a credential until it is resumed"),
		a.credentialSwitch("resume", "Let a suspended credential work again"),
		a.credentialSwitch("revoke", "End a credential for good"),
		a.schemeList())
	cmd.Aliases = []string{"cred"}
	return cmd
}

func (a *app) credentialCreate() *cobra.Command {
	var in api.CreateCredential
	var installation bool
	var key string
	cmd := &cobra.Command{
		Use: "create", Short: "Issue a credential and print its secret, once", Args: noArgs,
		Example: "  gatehouse credential create --scheme gatehouse_key --name Verifier --scope credentials:verify\n" +
			"  gatehouse credential create --scheme testkase_pat --name \"GitHub Actions\" --user ada@example.com --expires-in 90d",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if installation {
				if err := ofInstallation(in.Scheme); err != nil {
					return err
				}
			}
			var out api.IssuedCredential
			err := a.with(cmd.Context(), func(c *client.Client) (err error) {
				if !installation {
					if in.Organization, err = a.organization(cmd.Context(), c, in.Organization); err != nil {
						return err
					}
				}
				return c.Do(cmd.Context(), client.Request{Method: http.MethodPost, Path: "/v1/credentials", In: in, Out: &out, IdempotencyKey: key})
			})
			if err != nil {
				return err
			}
			return a.printIssued(&out)
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.Scheme, "scheme", "", "scheme of the credential (see gatehouse credential schemes)")
	f.StringVar(&in.Name, "name", "", "what it is for")
	f.StringVar(&in.Project, "project", "", "project that it belongs to: UUID, pr-… or PRJ-…")
	f.StringVar(&in.User, "user", "", "user that it belongs to: UUID, usr_… or e-mail address")
	f.StringSliceVar(&in.Scopes, "scope", nil, "scope, several times or separated by commas")
	f.StringVar(&in.ExpiresAt, "expires-at", "", "end as a time with a zone: 2030-01-31T00:00:00Z")
	f.StringVar(&in.ExpiresIn, "expires-in", "", "end after a time: 90d, 12h")
	f.StringVar(&in.NotBefore, "not-before", "", "begin at a time with a zone")
	f.StringSliceVar(&in.AllowedAddresses, "allow", nil, "address or CIDR prefix that may use it, several times")
	f.IntVar(&in.RateLimit, "rate-limit", 0, "requests per minute, as recorded")
	f.StringVar(&key, "idempotency-key", "", "makes the call repeatable when its answer is lost")
	f.BoolVar(&installation, "installation", false, "above every organization (gatehouse_key only)")
	organizationFlag(cmd, &in.Organization)
	a.completeSchemes(cmd)
	return required(cmd, "scheme", "name")
}

// ofInstallation refuses a scheme whose credentials all have an organization.
// None that an operator declares is different.
func ofInstallation(scheme string) error {
	known, err := credential.NewSchemes()
	if err != nil {
		return err
	}
	var able []string
	for _, s := range known.All() {
		if s.Installation {
			able = append(able, s.Name)
		}
	}
	if slices.Contains(able, scheme) {
		return nil
	}
	return usagef("--installation is for credentials of scheme %s alone; leave it out for others", strings.Join(able, ", "))
}

// printIssued prints the record on standard error and the secret alone on
// standard output, so that it can be piped to where it belongs.
func (a *app) printIssued(out *api.IssuedCredential) error {
	if a.json {
		return a.printJSON(out)
	}
	fmt.Fprintf(a.stderr, "credential %s (%s)\n", out.ID, out.Hint)
	if out.ClientID != "" {
		fmt.Fprintf(a.stderr, "client id  %s\n", out.ClientID)
	}
	if out.Predecessor != nil {
		fmt.Fprintf(a.stderr, "its predecessor works until %s\n", until(out.Predecessor))
	}
	fmt.Fprintln(a.stderr, "the secret is shown only now:")
	_, err := fmt.Fprintln(a.stdout, out.Secret)
	return err
}

func (a *app) credentialList() *cobra.Command {
	filters := map[string]*string{}
	cmd := &cobra.Command{
		Use: "list", Short: "List credentials, the newest first", Args: noArgs,
		Example: "  gatehouse credential list --state active --scheme testkase_pat",
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{}
			for name, value := range filters {
				if *value != "" {
					query.Set(name, *value)
				}
			}
			if err := a.placeFilters(cmd.Context(), query); err != nil {
				return err
			}
			list, err := all[api.Credential](cmd.Context(), a, "/v1/credentials", query)
			if err != nil || a.json {
				return a.listed(list, err)
			}
			var rows [][]string
			for _, c := range list {
				rows = append(rows, []string{c.ID, c.Scheme, c.Hint, c.Fingerprint, c.State, expiry(&c), when(c.LastUsedAt, "Never"), c.Name})
			}
			return a.table("ID\tSCHEME\tHINT\tFINGERPRINT\tSTATE\tEXPIRES\tLAST USED\tNAME", rows)
		},
	}
	for name, usage := range map[string]string{
		"organization": "of an organization, by id or number", "project": "of a project", "user": "of a user",
		"scheme": "of a scheme", "state": "active, suspended, expired or revoked",
	} {
		filters[name] = cmd.Flags().String(name, "", usage)
	}
	a.completeSchemes(cmd)
	completeWords(cmd, "state", "active", "suspended", "expired", "revoked")
	return cmd
}

// placeFilters says in which organization a user or project is looked for.
func (a *app) placeFilters(ctx context.Context, query url.Values) error {
	if query.Get("organization") != "" || (query.Get("user") == "" && query.Get("project") == "") {
		return nil
	}
	return a.with(ctx, func(c *client.Client) error {
		organization, err := a.organization(ctx, c, "")
		query.Set("organization", organization)
		return err
	})
}

func (a *app) credentialShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show a credential", Args: oneID,
		Example: "  gatehouse credential show 0199c0de-0000-7000-8000-000000000000",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.showCredential(cmd, http.MethodGet, credentialPath(args[0], ""), nil)
		},
	}
}

func (a *app) credentialActivity() *cobra.Command {
	var organization string
	var before int64
	var limit int
	cmd := &cobra.Command{
		Use: "activity ID", Short: "Show where a credential was used, and what it did", Args: oneID,
		Long:    "Shows the last use of a credential, how often it was let in, and the audit events of\nwhat it did, the latest first. What a credential of the installation did in an\norganization is shown with --organization.",
		Example: "  gatehouse credential activity 0199c0de-0000-7000-8000-000000000000 --limit 10",
		RunE: func(cmd *cobra.Command, args []string) error {
			query := chainQuery(organization)
			query.Set("limit", strconv.Itoa(limit))
			query.Set("before", strconv.FormatInt(before, 10))
			var out api.Activity
			if err := a.call(cmd.Context(), client.Request{Method: http.MethodGet, Path: credentialPath(args[0], "/activity?"+query.Encode()), Out: &out}); err != nil {
				return err
			}
			return a.printActivity(&out)
		},
	}
	cmd.Flags().StringVar(&organization, "organization", "", "where a credential of the installation did it, by id or number")
	cmd.Flags().Int64Var(&before, "before", 0, "only what has a lower sequence")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many events at most, to 200")
	return cmd
}

func (a *app) printActivity(out *api.Activity) error {
	if a.json {
		return a.printJSON(out)
	}
	err := a.lines([][2]string{
		{"let in", fmt.Sprintf("%d times", out.Requests)}, {"last used", when(out.LastUsedAt, "Never")},
		{"from", out.LastUsedAddress}, {"by", out.LastUsedAgent},
	})
	if err != nil || len(out.Events) == 0 {
		return err
	}
	var rows [][]string
	for i := range out.Events {
		e := &out.Events[i]
		rows = append(rows, []string{strconv.FormatInt(e.Sequence, 10), when(&e.At, ""), e.Action, e.Target, e.Address})
	}
	if err := a.table("SEQUENCE\tAT\tACTION\tTARGET\tFROM", rows); err != nil || out.NextBefore == 0 {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "There is more: --before %d\n", out.NextBefore)
	return err
}

// oneID wants the id of a credential. Whatever else was given may be its
// secret: that is neither repeated nor sent.
func oneID(cmd *cobra.Command, args []string) error {
	if err := oneArg(cmd, args); err != nil {
		return err
	}
	if _, err := authority.ParseID(args[0]); err != nil {
		return usagef("a credential is named by its id; see gatehouse credential list")
	}
	return nil
}

// credentialPath is the path of a credential, or of an act on it.
func credentialPath(id, act string) string { return "/v1/credentials/" + url.PathEscape(id) + act }

// showCredential makes a call on a credential and prints what it is then.
func (a *app) showCredential(cmd *cobra.Command, method, path string, in any) error {
	var c api.Credential
	if err := a.call(cmd.Context(), client.Request{Method: method, Path: path, In: in, Out: &c}); err != nil {
		return err
	}
	return a.printCredential(&c)
}

func (a *app) printCredential(c *api.Credential) error {
	if a.json {
		return a.printJSON(c)
	}
	fmt.Fprintf(a.stdout, "%s  %s\n", c.ID, c.State)
	return a.lines(credentialLines(c))
}

// credentialLines are the members of a credential by name, as people read
// them. What it lacks is left out by lines.
func credentialLines(c *api.Credential) [][2]string {
	rate := ""
	if c.RateLimit > 0 {
		rate = fmt.Sprintf("%d a minute", c.RateLimit)
	}
	return [][2]string{
		{"name", c.Name}, {"scheme", c.Scheme}, {"client id", c.ClientID}, {"keys", strings.Join(c.KeyIDs, ", ")},
		{"organization", c.Organization}, {"project", c.Project}, {"user", c.User},
		{"fingerprint", c.Fingerprint}, {"predecessor", predecessor(c)}, {"scopes", fmt.Sprint(c.Scopes)},
		{"addresses", strings.Join(c.AllowedAddresses, ", ")}, {"rate limit", rate},
		{"not before", when(c.NotBefore, "")}, {"expires", expiry(c)}, {"last used", when(c.LastUsedAt, "Never")},
	}
}

func predecessor(c *api.Credential) string {
	if c.Predecessor == nil {
		return ""
	}
	return fmt.Sprintf("%s, works until %s", c.Predecessor.Fingerprint, until(c.Predecessor))
}

// until says when a predecessor stops working.
func until(p *api.Predecessor) string {
	text := when(&p.EndsAt, "")
	if p.AtFirstUse {
		text += ", or the first use of the new secret"
	}
	return text
}

// expiry says when a credential ends. Of a damaged one nobody knows.
func expiry(c *api.Credential) string {
	if c.State == "damaged" {
		return "-"
	}
	return when(c.ExpiresAt, "never")
}

func (a *app) credentialUpdate() *cobra.Command {
	var name, expires string
	var allow []string
	var rate int
	cmd := &cobra.Command{
		Use: "update ID", Short: "Rename a credential, or change its allowlist, rate limit or expiry", Args: oneID,
		Example: "  gatehouse credential update 0199c0de-0000-7000-8000-000000000000 --name \"Nightly\" --allow 203.0.113.0/24",
		RunE: func(cmd *cobra.Command, args []string) error {
			var in api.UpdateCredential
			if cmd.Flags().Changed("name") {
				in.Name = &name
			}
			if cmd.Flags().Changed("expires-at") {
				in.ExpiresAt = &expires
			}
			if cmd.Flags().Changed("allow") {
				in.AllowedAddresses = &allow
			}
			if cmd.Flags().Changed("rate-limit") {
				in.RateLimit = &rate
			}
			return a.showCredential(cmd, http.MethodPatch, credentialPath(args[0], ""), in)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "new name")
	cmd.Flags().StringVar(&expires, "expires-at", "", "nearer end as a time with a zone, or never where the scheme allows it")
	cmd.Flags().StringSliceVar(&allow, "allow", nil, "addresses or CIDR prefixes that may use it; empty for any")
	cmd.Flags().IntVar(&rate, "rate-limit", 0, "requests per minute, as recorded; 0 for none")
	return cmd
}

func (a *app) credentialRotate() *cobra.Command {
	var in api.RotateCredential
	var grace, key string
	cmd := &cobra.Command{
		Use: "rotate ID", Short: "Give a credential a new secret and print it, once", Args: oneID,
		Long:    "The credential keeps its id, name and history. The secret before it works for the\ngrace, so that every system can change over.",
		Example: "  gatehouse credential rotate 0199c0de-0000-7000-8000-000000000000 --grace 7d",
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Grace = &grace
			var out api.IssuedCredential
			err := a.call(cmd.Context(), client.Request{
				Method: http.MethodPost, Path: credentialPath(args[0], "/rotate"), In: in, Out: &out, IdempotencyKey: key,
			})
			if err != nil {
				return err
			}
			return a.printIssued(&out)
		},
	}
	cmd.Flags().StringVar(&grace, "grace", "24h", "how long the predecessor still works: 0 to 30d")
	cmd.Flags().StringVar(&in.EndPredecessor, "end-predecessor", "after_grace", "after_grace, or at_first_use of the new secret if that is before")
	cmd.Flags().StringVar(&in.ExpiresAt, "expires-at", "", "new end as a time with a zone")
	cmd.Flags().StringVar(&in.ExpiresIn, "expires-in", "", "new end after a time: 90d, 12h")
	cmd.Flags().StringVar(&key, "idempotency-key", "", "makes the call repeatable when its answer is lost")
	return cmd
}

func (a *app) credentialSwitch(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " ID", Short: short, Args: oneID,
		Example: "  gatehouse credential " + verb + " 0199c0de-0000-7000-8000-000000000000",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.showCredential(cmd, http.MethodPost, credentialPath(args[0], "/"+verb), nil)
		},
	}
}

func (a *app) schemeList() *cobra.Command {
	return &cobra.Command{
		Use: "schemes", Short: "List the schemes that this installation knows", Args: noArgs,
		Example: "  gatehouse credential schemes",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out api.List[api.Scheme]
			if err := a.call(cmd.Context(), client.Request{Method: http.MethodGet, Path: "/v1/schemes", Out: &out}); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(out)
			}
			var rows [][]string
			for _, s := range out.Items {
				rows = append(rows, []string{s.Name, s.Kind, s.Prefix, fmt.Sprint(s.Length), s.Owner, s.Expiry})
			}
			return a.table("SCHEME\tKIND\tPREFIX\tLENGTH\tOWNER\tEXPIRY", rows)
		},
	}
}
