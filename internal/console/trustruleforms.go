package console

import (
	"cmp"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// ruleForm is the form of a rule as it is filled in.
func ruleForm(in edge.Values, made bool) []formSection {
	provider := in["provider"]
	who := formSection{Title: "Whose jobs?", Controls: []control{text("name", "Name", in["name"], "What the jobs do, such as “Nightly tests”.")}}
	if !made {
		who.Controls = append(who.Controls, control{Kind: "cards", Name: "provider", Label: "CI system", Choices: chosen(provider, slices.Clone(providers))},
			control{Kind: "text", Name: "issuer", Label: "Issuer", Value: in["issuer"], Most: 2048, Optional: true, Mono: true, Place: "https://token.actions.githubusercontent.com",
				Hint: "Empty for GitHub and GitLab themselves. For an Enterprise or a GitLab of yours, and for another CI, what stands in iss of its tokens."},
			control{Kind: "text", Name: "repository_id", Label: "Repository number", Value: in["repository_id"], Most: 20, Type: "number", Mono: true,
				Hint: "GitHub: gh api repos/OWNER/NAME --jq .id. GitLab: the project ID on the project’s page. A number stays when the repository is renamed. Not for another CI."})
	}
	when := formSection{Title: "Which of them?", Text: "What is left empty may be anything. Without a branch or an environment every branch is let in.", Controls: []control{
		{Kind: "text", Name: "branch", Label: "Branch", Value: in["branch"], Most: 255, Optional: true, Mono: true, Place: "main", Hint: "Without refs/heads/. A star is anything but a slash, two stars are anything."},
		{Kind: "text", Name: "tag", Label: "Tag", Value: in["tag"], Most: 255, Optional: true, Mono: true, Place: "v*", Hint: "With a branch beside it, either is let in."},
		{Kind: "text", Name: "environment", Label: "Environment", Value: in["environment"], Most: 255, Optional: true, Mono: true, Place: "production"},
		{Kind: "check", Name: "protected", Label: "Protected branches and tags only", Checked: in["protected"] != ""},
		{Kind: "check", Name: "pull_requests", Label: "Let pull requests and merge requests in", Checked: in["pull_requests"] != "", Hint: "Their code is a stranger’s. Make a rule for them alone, that can do little."},
		{Kind: "text", Name: "owner_id", Label: "Owner number", Value: in["owner_id"], Most: 20, Optional: true, Type: "number", Mono: true, Hint: "GitHub’s repository_owner_id, or GitLab’s namespace_id, as well."},
		{Kind: "text", Name: "audience", Label: "Audience", Value: in["audience"], Most: 255, Optional: true, Mono: true, Hint: "What stands in aud. Empty is the address of this server."},
		{Kind: "area", Name: "claims", Label: "Other claims", Value: in["claims"], Most: 20_000, Optional: true, Mono: true, Place: "oidc.circleci.com/project-id=…", Hint: "One a line, as name=value. At most 16, and at least one for another CI."},
	}}
	if made {
		return []formSection{who, when}
	}
	var scopes []choice
	for _, s := range ruleScopes() {
		scopes = append(scopes, choice{Value: string(s), Title: string(s), Checked: in["scopes:"+string(s)] != ""})
	}
	return []formSection{who, when, {Title: "What may they do?", Controls: []control{
		{Kind: "events", Name: "scopes", Label: "Scopes", Groups: groupsOf(scopes, ":"), Hint: "Within this project alone. A rule can't let anybody make credentials."},
	}}, {Title: "When does it stop?", Controls: []control{
		{Kind: "select", Name: "expires", Label: "Expires", Choices: chosen(in["expires"], []choice{{Value: "never", Title: "Never"}, {Value: "30", Title: "In 30 days"}, {Value: "90", Title: "In 90 days"}, {Value: "365", Title: "In 365 days"}}),
			Hint: "There is no secret that gets old. An end is for what is temporary."},
	}}}
}

// ruleScopes are the scopes that a rule may grant, in their order.
func ruleScopes() []credential.Scope {
	return slices.Sorted(maps.Keys(credential.TrustScheme().Scopes.Known))
}

// groupsOf puts choices into groups by what stands before a mark in their value.
func groupsOf(list []choice, mark string) (groups []checkGroup) {
	for _, one := range list {
		name, _, found := strings.Cut(one.Value, mark)
		if !found {
			name = "others"
		}
		title := strings.Replace(titled(strings.ReplaceAll(name, "_", " ")), "Api", "API", 1)
		i := slices.IndexFunc(groups, func(g checkGroup) bool { return g.Title == title })
		if i < 0 {
			groups, i = append(groups, checkGroup{Title: title}), len(groups)
		}
		groups[i].Choices = append(groups[i].Choices, one)
	}
	return groups
}

func (c *console) newTrustRule(r *edge.Request, _ edge.None) (edge.Page, error) {
	of, _, err := c.ruleOf(r)
	if err == nil { // who may not see them makes none
		_, err = c.authority.TrustRules(r.Context(), &r.Principal, of, 1)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.showRuleForm(r, edge.Values{"once": rand.Text(), "provider": cmp.Or(r.Param("provider"), "github"), "scopes:results:write": "on", "expires": "never"}, nil)
}

func (c *console) showRuleForm(r *edge.Request, in edge.Values, problems []trouble) (edge.Page, error) {
	of, at, err := c.ruleOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	f := formPage{
		Title: "New trust rule", Text: "Says which CI jobs get an access token of 15 minutes for the identity token that their CI signs. Nothing is stored there, and nothing has to be rotated.",
		Back: at.Base + "/trust-rules", BackTitle: "CI trust", To: at.Base + "/trust-rules", Do: "Create rule", Once: in["once"], Problems: problems, Project: at, Sections: ruleForm(in, of.ID != [16]byte{}),
	}
	if r.PathValue("rule") != "" {
		f.Title, f.Text, f.To, f.Do = "Change the rule", "Tokens that were got by what it asked for before end with the change. Whose jobs it is for never changes: that is another rule.", r.URL.Path, "Save"
		f.Back, f.BackTitle = at.Base+"/trust-rules/"+r.PathValue("rule"), "The rule"
	}
	return c.ask(r, f)
}

// claimsIn reads claims, one a line.
func claimsIn(text string) (map[string]string, error) {
	claims := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if _, twice := claims[name]; !found || twice {
			return nil, credential.InvalidField("claims", "must be written name=value, each name once a line")
		}
		claims[name] = value
	}
	return claims, nil
}

// ruleFields are what the form calls its fields.
var ruleFields = map[string]string{
	"name": "The name", "provider": "The CI system", "issuer": "The issuer", "repository_id": "The repository number", "owner_id": "The owner number", "branch": "The branch", "tag": "The tag",
	"environment": "The environment", "audience": "The audience", "claims": "The claims", "scopes": "The scopes", "pull_requests": "Pull requests",
}

func (c *console) createTrustRule(r *edge.Request, in edge.Values) (edge.Page, error) {
	of, at, err := c.ruleOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	req := authority.TrustRequest{Organization: of.Organization, Project: of.Project, Name: in["name"], Idempotency: once, Trust: credential.Trust{
		Provider: credential.Provider(in["provider"]), Issuer: in["issuer"], Audience: in["audience"], Repository: in["repository_id"], Owner: in["owner_id"],
		Branch: in["branch"], Tag: in["tag"], Environment: in["environment"], Protected: in["protected"] != "", PullRequests: in["pull_requests"] != "",
	}}
	for _, s := range ruleScopes() {
		if in["scopes:"+string(s)] != "" {
			req.Scopes = append(req.Scopes, s)
		}
	}
	days := map[string]int{"30": 30, "90": 90, "365": 365}
	req.Expiry.In = time.Duration(days[in["expires"]]) * 24 * time.Hour
	req.Trust.Claims, err = claimsIn(in["claims"])
	var made *authority.Trusted
	if err == nil {
		made, err = c.authority.CreateTrustRule(r.Context(), &r.Principal, req)
	}
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, at.Base+"/trust-rules")
	}
	problems, err := mend(err, ruleFields)
	if err != nil {
		return edge.Page{}, err
	}
	if problems != nil {
		return c.showRuleForm(r, in, problems)
	}
	return c.done(r, at.Base+"/trust-rules/"+made.Credential.ID.String(), "rule")
}

func (c *console) editTrustRule(r *edge.Request, _ edge.None) (edge.Page, error) {
	of, _, err := c.ruleOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	t, err := c.authority.TrustRule(r.Context(), &r.Principal, of)
	if err != nil {
		return edge.Page{}, err
	}
	in := edge.Values{"name": t.Credential.Name, "audience": t.Trust.Audience, "owner_id": t.Trust.Owner, "branch": t.Trust.Branch, "tag": t.Trust.Tag, "environment": t.Trust.Environment}
	for name, set := range map[string]bool{"protected": t.Trust.Protected, "pull_requests": t.Trust.PullRequests} {
		if set {
			in[name] = "on"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Trust.Claims)) {
		in["claims"] += name + "=" + t.Trust.Claims[name] + "\n"
	}
	return c.showRuleForm(r, in, nil)
}

func (c *console) changeTrustRule(r *edge.Request, in edge.Values) (edge.Page, error) {
	of, at, err := c.ruleOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	value := func(name string) *string {
		text := in[name]
		return &text
	}
	protected, pulls := in["protected"] != "", in["pull_requests"] != ""
	change := authority.TrustChange{
		Name: value("name"), Audience: value("audience"), Owner: value("owner_id"), Branch: value("branch"), Tag: value("tag"), Environment: value("environment"),
		Protected: &protected, PullRequests: &pulls,
	}
	claims, err := claimsIn(in["claims"])
	if err == nil {
		change.Claims = &claims
		_, err = c.authority.UpdateTrustRule(r.Context(), &r.Principal, of, change)
	}
	problems, err := mend(err, ruleFields)
	if err != nil {
		return edge.Page{}, err
	}
	if problems != nil {
		return c.showRuleForm(r, in, problems)
	}
	return c.done(r, at.Base+"/trust-rules/"+of.ID.String(), "saved")
}

func (c *console) askDeleteTrustRule(r *edge.Request, _ edge.None) (edge.Page, error) {
	of, at, err := c.ruleOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	t, err := c.authority.TrustRule(r.Context(), &r.Principal, of)
	if err != nil {
		return edge.Page{}, err
	}
	row := c.ruleRow(t, at)
	last := "Never"
	if row.Used != nil {
		last = row.Used.Ago
	}
	return c.sure(r, surePage{
		Heading: "Delete " + row.Name + "?", To: r.URL.Path, Do: "Delete rule", Keep: "Keep rule", Danger: true, Back: row.To, BackTitle: row.Name, Project: at,
		Texts: []string{"Jobs that it let in get 401 from the next request on, also with the tokens that they hold. This can't be taken back."},
		Facts: []fact{{Title: "CI system", Text: row.CI}, {Title: "Repository", Text: row.Where}, {Title: "Last used", Text: last}},
	})
}

func (c *console) deleteTrustRule(r *edge.Request, _ edge.Values) (edge.Page, error) {
	of, at, err := c.ruleOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	if err := c.authority.DeleteTrustRule(r.Context(), &r.Principal, of); err != nil && !errors.Is(err, credential.NotFound) {
		return edge.Page{}, err
	}
	return c.done(r, at.Base+"/trust-rules", "rule-deleted")
}
