package console

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// secretPage shows a secret, once.
type secretPage struct {
	Heading, Name, What, Short string
	Secret                     string
	Beside                     []beside
	Facts                      []fact
	Variable                   string
	Snippets                   []snippet
	Command                    *command
	Back                       string
}

// beside is what is used together with a secret, and isn't secret itself.
type beside struct{ ID, Title, Value, Note string }

// command is a line for a shell that uses a secret from its environment.
type command struct{ Title, Text, Code string }

// snippet is how a CI system uses a credential. It never holds the secret.
type snippet struct{ Name, Title, Where, Code string }

// show writes the one page that holds a new secret.
func (c *console) show(r *edge.Request, made *authority.Issued, f family, heading string) (edge.Page, error) {
	p, err := c.shownOnce(r, made, &f)
	if err != nil {
		return edge.Page{}, err
	}
	p.Heading = heading
	return c.render(r, "secret", page{Title: heading, Project: f.place, Body: p})
}

// shownOnce is what the page of a new secret says.
func (c *console) shownOnce(r *edge.Request, made *authority.Issued, f *family) (secretPage, error) {
	cred := made.Credential
	expires := "Never"
	if !cred.ExpiresAt.IsZero() {
		expires = when(cred.ExpiresAt)
	}
	p := secretPage{Name: cred.Name, What: "Token", Short: "token", Secret: made.Secret.Reveal(), Back: f.Base, Facts: []fact{{Title: "Expires", Text: expires}}}
	scopes := fact{Title: "Access", Text: access(cred.Scopes)}
	switch {
	case cred.Scheme.Kind == credential.OAuthClient:
		p.What, p.Short, p.Facts = "Client secret", "secret", append([]fact{scopes}, p.Facts...)
		p.Beside = []beside{{"client-id", "Client ID", cred.ClientID, "It isn't secret, and stays on the page of clients."}}
		p.Command = &command{"Get a token with it", "Both values come from the environment, so the command is safe to commit.", exchange(c.url)}
	case cred.Scheme.Mode != "":
		p.What, p.Short, p.Facts = "Key", "key", append([]fact{{Title: "Mode", Mode: cred.Scheme.Mode}, scopes}, p.Facts...)
		p.Variable = "GATEHOUSE_API_KEY"
		p.Snippets = snippets(p.Variable, "Ask the API", curl(c.url+"/api/v1/organizations/"+authority.PublicID("org", cred.Organization)+"/members", "X-API-Key: $GATEHOUSE_API_KEY"))
	case cred.Scheme.Name == betahubToken:
		p.Variable = "BETAHUB_TOKEN"
		p.Snippets = snippets(p.Variable, "List projects", curl(c.url+"/projects.json", "Authorization: Bearer $BETAHUB_TOKEN", "Accept: application/json"))
	case cred.Scheme.Name == testkaseToken:
		number, err := c.numberOf(r, cred.Organization)
		if err != nil {
			return p, err
		}
		p.Variable, p.Snippets = "TESTKASE_PAT", reporting(number)
	case f.project != nil:
		p.Facts = append([]fact{scopes}, p.Facts...)
		c.projectSecret(&p, cred, f.project)
	}
	return p, nil
}

// projectSecret is how a project's new credential is used.
func (c *console) projectSecret(p *secretPage, cred *credential.Credential, project *store.Project) {
	if cred.Scheme.Name != oneTestKey {
		p.Command = &command{"Report a bug with it", "From a game or a form. The value comes from the environment, so the command is safe to commit.",
			curl(fmt.Sprintf("%s/projects/pr-%d/issues.json", c.url, project.Number), "Authorization: FormUser $BETAHUB_PROJECT_TOKEN")("") + " \\\n  --data-urlencode \"issue[description]=The ship falls through the landing pad\""}
		return
	}
	p.What, p.Short, p.Variable = "Key", "key", "ONETEST_API_KEY"
	p.Beside = []beside{{"product-id", "Product ID", project.ID.String(), "It isn't secret, and stays on the page of the project's credentials."}}
	p.Snippets = snippets(p.Variable, "List test cases", curl(c.url+"/api/test-management/api/v1/products/"+project.ID.String()+"/test-cases", "Authorization: Bearer $ONETEST_API_KEY"))
}

// numberOf is the number of an organization of the user's.
func (c *console) numberOf(r *edge.Request, organization uuid.UUID) (int64, error) {
	memberships, err := c.authority.Memberships(r.Context(), &r.Principal)
	for i := range memberships {
		if memberships[i].ID == organization {
			return memberships[i].Number, err
		}
	}
	return 0, err
}

// exchange is the command that trades a client's credentials for a token.
func exchange(url string) string {
	return "curl --fail-with-body " + url + "/api/external/v2/oauth/token \\\n" +
		"  --data grant_type=client_credentials \\\n" +
		"  --data-urlencode \"client_id=$GATEHOUSE_CLIENT_ID\" \\\n" +
		"  --data-urlencode \"client_secret=$GATEHOUSE_CLIENT_SECRET\""
}

// curl is a call with some headers, each of its lines after an indent.
func curl(url string, headers ...string) func(indent string) string {
	return func(indent string) string {
		line := indent + "curl --fail-with-body " + url
		for _, h := range headers {
			line += " \\\n" + indent + "  -H \"" + h + "\""
		}
		return line
	}
}

// snippets are the steps of pipelines that make one call with the value of a
// variable.
func snippets(variable, step string, call func(indent string) string) []snippet {
	id := dashed(variable)
	return []snippet{
		{"github", "GitHub Actions", "Repository settings, Secrets and variables, Actions, New repository secret.",
			"- name: " + step + "\n  env:\n    " + variable + ": ${{ secrets." + variable + " }}\n  run: |\n" + call("    ")},
		{"gitlab", "GitLab CI", "Settings, CI/CD, Variables. Turn on Masked and hidden, and Protected for what production uses.",
			dashed(step) + ":\n  script:\n    - |\n" + call("      ")},
		{"jenkins", "Jenkins", "Manage Jenkins, Credentials, kind Secret text, ID " + id + ".",
			"withCredentials([string(credentialsId: '" + id + "', variable: '" + variable + "')]) {\n  sh '''\n" + call("    ") + "\n  '''\n}"},
		{"azure", "Azure DevOps", "Pipelines, Edit, Variables, New variable. Turn on Keep this value secret.",
			"- script: |\n" + call("    ") + "\n  env:\n    " + variable + ": $(" + variable + ")"},
		{"circle", "CircleCI", "Project Settings, Environment Variables, Add Environment Variable.",
			"- run:\n    name: " + step + "\n    command: |\n" + call("      ")},
	}
}

// reporting is how pipelines report the results of tests with a TestKase token.
func reporting(organization int64) []snippet {
	// report is the command, each of its lines after an indent.
	report := func(indent, token string) string {
		return fmt.Sprintf("%[1]sgatehouse report --token %[2]s \\\n%[1]s  --project-id PRJ-1 --org-id %[3]d --format junit \\\n%[1]s  --results-file test-results/junit.xml", indent, token, organization)
	}
	return []snippet{
		{"github", "GitHub Actions", "Settings > Secrets and variables > Actions > New repository secret: name TESTKASE_PAT, and the token as its value.",
			"- name: Report test results\n  run: |\n" + report("    ", "${{ secrets.TESTKASE_PAT }}")},
		{"gitlab", "GitLab CI", "Settings > CI/CD > Variables > Add variable: key TESTKASE_PAT. Turn Mask variable on; Protect variable as you need it.",
			"report-test-results:\n  script:\n    - |\n" + report("      ", "$TESTKASE_PAT")},
		{"jenkins", "Jenkins", "Manage Jenkins > Manage Credentials > Add Credentials: kind Secret text, ID testkase-pat.",
			"environment {\n  TESTKASE_PAT = credentials('testkase-pat')\n}\nsteps {\n  sh '''\n" + report("    ", "$TESTKASE_PAT") + "\n  '''\n}"},
		{"azure", "Azure DevOps", "Pipeline > Edit > Variables > New variable: name TESTKASE_PAT, with Keep this value secret on.",
			"- script: |\n" + report("    ", "$(TESTKASE_PAT)") + "\n  displayName: Report test results"},
		{"circle", "CircleCI", "Project Settings > Environment Variables > Add Variable: name TESTKASE_PAT.",
			"- run:\n    name: Report test results\n    command: |\n" + report("      ", "$TESTKASE_PAT")},
	}
}
