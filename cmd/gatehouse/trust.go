package main

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

func (a *app) trustCommand() *cobra.Command {
	return a.group("trust", "Let CI jobs in by what they are, without a secret", a.trustCreate(), a.trustList(), a.trustShow(), a.trustDelete())
}

// trustFlags say what a rule is to be like.
type trustFlags struct {
	organization, project, gitHub, gitHubID, gitLabID string
	claims                                            []string
	in                                                api.CreateTrustRule
}

func (f *trustFlags) add(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVar(&f.project, "project", "", "project by id, pr-… or PRJ-…")
	set.StringVar(&f.in.Name, "name", "", "what people call the rule")
	set.StringVar(&f.gitHubID, "github-repository-id", "", "number of the GitHub repository: gh api repos/OWNER/NAME --jq .id")
	set.StringVar(&f.gitHub, "github", "", "not enough: a name can become somebody else's; says how to find the number")
	set.StringVar(&f.gitLabID, "gitlab-project-id", "", "number of the GitLab project, which stands on its page")
	set.StringVar(&f.in.Issuer, "issuer", "", "iss of the tokens: of a GitHub or GitLab of your own, or of another CI")
	set.StringVar(&f.in.Audience, "audience", "", "aud of the tokens (default the public URL of the server)")
	set.StringVar(&f.in.OwnerID, "owner-id", "", "number of the owner as well: repository_owner_id or namespace_id")
	set.StringVar(&f.in.Branch, "branch", "", "only from this branch; * is anything but a slash, ** anything")
	set.StringVar(&f.in.Tag, "tag", "", "only from this tag, or pattern")
	set.StringVar(&f.in.Environment, "environment", "", "only jobs of this environment")
	set.BoolVar(&f.in.Protected, "protected", false, "only from protected branches and tags")
	set.BoolVar(&f.in.PullRequests, "pull-requests", false, "also what pull requests run, which strangers can open")
	set.StringArrayVar(&f.claims, "claim", nil, "name=value that a token must say; may be repeated")
	set.StringSliceVar(&f.in.Scopes, "scope", []string{string(credential.ResultsWrite)}, "what the jobs may do")
	set.StringVar(&f.in.ExpiresIn, "expires-in", "", "how long the rule works, such as 90d (default until it is deleted)")
	organizationFlag(cmd, &f.organization)
}

// read makes a request of the flags.
func (f *trustFlags) read(cmd *cobra.Command) error {
	switch {
	case f.gitHub != "" && f.gitHubID == "":
		return usagef("a repository is named by its number, since a name can become somebody else's. Find it with: gh api repos/%s --jq .id\nThen say --github-repository-id", f.gitHub)
	case f.gitHubID != "" && f.gitLabID != "":
		return usagef("choose one of --github-repository-id and --gitlab-project-id")
	case f.gitHubID != "":
		f.in.Provider, f.in.RepositoryID = string(credential.GitHub), f.gitHubID
	case f.gitLabID != "":
		f.in.Provider, f.in.RepositoryID = string(credential.GitLab), f.gitLabID
	case f.in.Issuer != "" && len(f.claims) > 0:
		f.in.Provider = string(credential.OtherProvider)
	default:
		return usagef("%s needs --github-repository-id, --gitlab-project-id, or --issuer with --claim; see %[1]s --help", cmd.CommandPath())
	}
	for _, text := range f.claims {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return usagef("--claim is written name=value")
		}
		f.in.Claims = append(f.in.Claims, api.Claim{Name: name, Value: value})
	}
	return nil
}

// trustPath is where the rules of a project are, below its organization.
func trustPath(project, rule string) string {
	return "/projects/" + url.PathEscape(project) + "/trust-rules" + rule
}

func (a *app) trustCreate() *cobra.Command {
	var f trustFlags
	cmd := &cobra.Command{
		Use: "create", Short: "Let the jobs of a repository in", Args: noArgs,
		Long: "Makes a trust rule: a job of the repository trades the identity token that its CI issues for an\n" +
			"access token of 15 minutes. Nothing is stored in the CI. What no rule names stays out.",
		Example: "  gatehouse trust create --project PRJ-1 --name nightly --github-repository-id 123456 --branch main\n" +
			"  gatehouse trust create --project PRJ-1 --name gitlab --gitlab-project-id 42 --protected\n" +
			"  gatehouse trust create --project PRJ-1 --name circle --issuer https://oidc.circleci.com/org/… --audience … --claim oidc.circleci.com/project-id=…",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.read(cmd); err != nil {
				return err
			}
			var out api.TrustRule
			err := a.inOrganization(cmd.Context(), f.organization, client.Request{Method: http.MethodPost, Path: trustPath(f.project, ""), In: f.in, Out: &out})
			if err != nil {
				return err
			}
			return a.report(out, "trust rule %s lets in: %s\n", out.ID, asks(&out))
		},
	}
	f.add(cmd)
	return required(cmd, "project", "name")
}

// asks says in a line what a token must say.
func asks(t *api.TrustRule) string {
	words := []string{t.Issuer}
	for _, c := range []struct{ name, value string }{
		{"repository", t.RepositoryID}, {"owner", t.OwnerID}, {"branch", t.Branch}, {"tag", t.Tag}, {"environment", t.Environment},
	} {
		if c.value != "" {
			words = append(words, c.name+" "+c.value)
		}
	}
	if t.Protected {
		words = append(words, "protected")
	}
	if t.PullRequests {
		words = append(words, "pull requests too")
	}
	for _, c := range t.Claims {
		words = append(words, c.Name+"="+c.Value)
	}
	return strings.Join(words, ", ")
}

func (a *app) trustList() *cobra.Command {
	var organization, project string
	cmd := &cobra.Command{
		Use: "list", Short: "List the trust rules of a project", Args: noArgs,
		Example: "  gatehouse trust list --project PRJ-1",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := below[api.TrustRule](cmd.Context(), a, organization, trustPath(project, ""))
			if err != nil || a.json {
				return a.listed(list, err)
			}
			var rows [][]string
			for _, t := range list {
				rows = append(rows, []string{t.ID, t.Name, t.State, strings.Join(t.Scopes, ","), asks(&t)})
			}
			return a.table("ID\tNAME\tSTATE\tSCOPES\tASKS FOR", rows)
		},
	}
	cmd.Flags().StringVar(&project, "project", "", "project by id, pr-… or PRJ-…")
	organizationFlag(cmd, &organization)
	return required(cmd, "project")
}

func (a *app) trustShow() *cobra.Command {
	var organization, project string
	cmd := &cobra.Command{
		Use: "show RULE", Short: "Show a trust rule", Args: oneArg,
		Example: "  gatehouse trust show 0198e2a4-… --project PRJ-1",
		RunE: func(cmd *cobra.Command, args []string) error {
			var out api.TrustRule
			r := client.Request{Method: http.MethodGet, Path: trustPath(project, "/"+url.PathEscape(args[0])), Out: &out}
			if err := a.inOrganization(cmd.Context(), organization, r); err != nil {
				return err
			}
			return a.report(out, "%s (%s)\nasks for: %s\naudience: %s\nscopes: %s\n", out.Name, out.State, asks(&out), out.Audience, strings.Join(out.Scopes, " "))
		},
	}
	cmd.Flags().StringVar(&project, "project", "", "project by id, pr-… or PRJ-…")
	organizationFlag(cmd, &organization)
	return required(cmd, "project")
}

func (a *app) trustDelete() *cobra.Command {
	var organization, project string
	cmd := &cobra.Command{
		Use: "delete RULE", Short: "Delete a trust rule, with the tokens that stand on it", Args: oneArg,
		Example: "  gatehouse trust delete 0198e2a4-… --project PRJ-1",
		RunE: func(cmd *cobra.Command, args []string) error {
			r := client.Request{Method: http.MethodDelete, Path: trustPath(project, "/"+url.PathEscape(args[0]))}
			if err := a.inOrganization(cmd.Context(), organization, r); err != nil {
				return err
			}
			return a.report(api.Empty{}, "trust rule %s is deleted\n", args[0])
		},
	}
	cmd.Flags().StringVar(&project, "project", "", "project by id, pr-… or PRJ-…")
	organizationFlag(cmd, &organization)
	return required(cmd, "project")
}
