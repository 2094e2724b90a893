package console

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// trustRoutes are the pages about CI jobs that are let in without a secret.
func (c *console) trustRoutes() []edge.Route {
	const rules = organization + "/projects/{project}/trust-rules"
	read, write := edge.Needs(credential.CredentialsRead), edge.Needs(credential.CredentialsWrite)
	return []edge.Route{
		shows(rules, read, c.trustRules, "after"),
		shows(rules+"/new", write, c.newTrustRule, "provider"),
		edge.Form(rules, write, most, c.guarded(c.createTrustRule)),
		shows(rules+"/{rule}", read, c.trustRule),
		shows(rules+"/{rule}/edit", write, c.editTrustRule),
		edge.Form(rules+"/{rule}/edit", write, most, c.guarded(c.changeTrustRule)),
		shows(rules+"/{rule}/delete", write, c.askDeleteTrustRule),
		edge.Form(rules+"/{rule}/delete", write, most, c.guarded(c.deleteTrustRule)),
	}
}

// rulesPage lists trust rules.
type rulesPage struct {
	List   *listing
	Rows   []ruleRow
	Writes bool
}

// ruleRow is a trust rule in the list.
type ruleRow struct {
	Name, To, CI, Where, Issuer string
	Scopes                      []credential.Scope
	Used                        *used
	Created                     time.Time
	Chip                        chip
	Note                        string
}

// providers are whose identity tokens are taken.
var providers = []choice{
	{Value: "github", Title: "GitHub Actions", Note: "Jobs of a repository on GitHub, or on a GitHub Enterprise of yours."},
	{Value: "gitlab", Title: "GitLab CI", Note: "Jobs of a project on GitLab.com, or on a GitLab of yours."},
	{Value: "other", Title: "Another CI", Note: "CircleCI, Buildkite and whatever else signs identity tokens."},
}

func providerTitle(p credential.Provider) string {
	for _, one := range providers {
		if one.Value == string(p) {
			return one.Title
		}
	}
	return string(p)
}

// ruleOf reads which rule the path names, and where its pages stand.
func (c *console) ruleOf(r *edge.Request) (of authority.TrustRef, at *place, err error) {
	project, at, err := c.projectOf(r)
	if err != nil {
		return of, nil, err
	}
	of = authority.TrustRef{Organization: project.Organization, Project: store.ProjectRef{ID: project.ID}}
	if r.PathValue("rule") != "" {
		of.ID, err = pathID(r, "rule")
	}
	return of, at, err
}

func (c *console) trustRules(r *edge.Request, _ edge.None) (edge.Page, error) {
	of, at, err := c.ruleOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	if of.ID, err = afterID(r); err != nil {
		return edge.Page{}, err
	}
	found, err := c.authority.TrustRules(r.Context(), &r.Principal, of, pageRows+1)
	if err != nil {
		return edge.Page{}, err
	}
	p := rulesPage{List: listed(r, "Trust rules", at.Base+"/trust-rules"), Writes: r.Principal.Role != credential.Guest}
	for i := range found[:min(len(found), pageRows)] {
		p.Rows = append(p.Rows, c.ruleRow(&found[i], at))
	}
	if len(found) > pageRows {
		p.List.after(true, found[pageRows-1].Credential.ID.String())
	}
	return c.render(r, "trustrules", page{Title: "CI trust", Body: p, Project: at})
}

func (c *console) ruleRow(t *authority.Trusted, at *place) ruleRow {
	now, cred := c.authority.Now(), t.Credential
	row := ruleRow{
		Name: cred.Name, To: at.Base + "/trust-rules/" + cred.ID.String(), CI: providerTitle(t.Trust.Provider), Where: cmp.Or(t.Trust.Repository, t.Trust.Issuer), Issuer: t.Trust.Issuer,
		Scopes: cred.Scopes, Created: cred.CreatedAt,
	}
	row.Chip, row.Note = standing(now, &authority.Detail{Credential: cred, State: t.State})
	if !t.Use.At.IsZero() {
		row.Used = &used{ago(now, t.Use.At), address(t.Use.Address), t.Use.UserAgent, t.Use.At}
	}
	return row
}

// rulePage shows a trust rule.
type rulePage struct {
	Row        ruleRow
	ID         copyable
	Conditions []fact
	Admitted   []jobRow
	Snippet    string
	Where      string
	Writes     bool
}

// jobRow is a job that a rule let in or turned away.
type jobRow struct {
	At          time.Time
	In          bool
	Said, Where string
}

func (c *console) trustRule(r *edge.Request, _ edge.None) (edge.Page, error) {
	of, at, err := c.ruleOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	t, err := c.authority.TrustRule(r.Context(), &r.Principal, of)
	if err != nil {
		return edge.Page{}, err
	}
	events, err := c.authority.TrustEvents(r.Context(), &r.Principal, of, mostCalls)
	if err != nil {
		return edge.Page{}, err
	}
	p := rulePage{Row: c.ruleRow(t, at), Conditions: conditionsOf(&t.Trust, c.authority.Issuer()), Writes: r.Principal.Role != credential.Guest,
		ID: copyable{"rule-id", t.Credential.ID.String(), "Rule ID", ""}}
	for i := range events {
		e := &events[i]
		p.Admitted = append(p.Admitted, jobRow{e.At, e.Action == "trust_rule.admit", jobOf(e.Detail), cmp.Or(e.Address, "Address unknown")})
	}
	p.Where, p.Snippet = jobSnippet(&t.Trust, c.url, at.Base[strings.LastIndexByte(at.Base, '/')+1:])
	return c.render(r, "trustrule", page{Title: p.Row.Name, Body: p, Project: at})
}

// jobOf says what an event tells of a job.
func jobOf(detail string) string {
	var all map[string]any
	if json.Unmarshal([]byte(detail), &all) != nil {
		return ""
	}
	var parts []string
	if why, ok := all["reason"].(string); ok {
		parts = append(parts, "because of "+strings.ReplaceAll(why, "_", " "))
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if text, ok := all[name].(string); ok && text != "" && name != "reason" && name != "scopes" {
			parts = append(parts, name+" "+text)
		}
	}
	return strings.Join(parts, ", ")
}

// conditionsOf are what a rule asks of a token.
func conditionsOf(t *credential.Trust, installation string) (list []fact) {
	add := func(title, text string) {
		if text != "" {
			list = append(list, fact{Title: title, Text: text})
		}
	}
	add("Issuer", t.Issuer)
	add("Audience", cmp.Or(t.Audience, installation))
	add("Repository number", t.Repository)
	add("Owner number", t.Owner)
	add("Branch", t.Branch)
	add("Tag", t.Tag)
	add("Environment", t.Environment)
	if t.Protected {
		add("Branch or tag", "Protected ones only")
	}
	if t.Provider != credential.OtherProvider {
		pulls := "Turned away: their code is a stranger’s"
		if t.PullRequests {
			pulls = "Let in"
		}
		add("Pull requests", pulls)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Claims)) {
		add(name, t.Claims[name])
	}
	return list
}

// jobSnippet is the part of a pipeline that reports results without a secret,
// and where it stands.
func jobSnippet(t *credential.Trust, url, project string) (where, code string) {
	audience := cmp.Or(t.Audience, url)
	report := fmt.Sprintf("./gatehouse report --oidc --url %s --project-id %s --results-file 'test-results/**/*.xml'", url, project)
	switch t.Provider {
	case credential.GitHub:
		return ".github/workflows/test.yml", "jobs:\n  test:\n    runs-on: ubuntu-latest\n    permissions:\n      contents: read\n      id-token: write\n    steps:\n      - uses: actions/checkout@v4\n      - run: make test\n      - if: always()\n        run: " + report
	case credential.GitLab:
		return ".gitlab-ci.yml", "test:\n  id_tokens:\n    GATEHOUSE_ID_TOKEN:\n      aud: " + audience + "\n  script:\n    - make test\n  after_script:\n    - " + report
	}
	return "the job", "# Put the identity token of your CI into GATEHOUSE_ID_TOKEN.\n# Its audience is " + audience + "\n" + report
}
