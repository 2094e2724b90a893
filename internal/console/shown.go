package console

import (
	"fmt"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// secretPage shows a secret, once.
type secretPage struct {
	Heading, Name, What, Short string
	Secret, ClientID           string
	Facts                      []fact
	Variable                   string
	Snippets                   []snippet
	Exchange                   string
	Call                       string // a command that makes a call
	Back                       string
}

// snippet is how a CI system uses an API key. It never holds the key.
type snippet struct{ Name, Title, Where, Code string }

// show writes the one page that holds a new secret.
func (c *console) show(r *edge.Request, made *authority.Issued, f family, heading string) (edge.Page, error) {
	cred := made.Credential
	expires := "Never"
	if !cred.ExpiresAt.IsZero() {
		expires = when(cred.ExpiresAt)
	}
	p := secretPage{
		Heading: heading, Name: cred.Name, What: "Key", Short: "key", Secret: made.Secret.Reveal(), ClientID: cred.ClientID, Back: f.Base,
		Facts: []fact{{Title: "Access", Text: access(cred.Scopes)}, {Title: "Expires", Text: expires}}, Variable: "GATEHOUSE_API_KEY",
	}
	switch {
	case cred.Scheme.Kind == credential.OAuthClient:
		p.What, p.Short, p.Exchange = "Client secret", "secret", exchange(c.url)
	case cred.Scheme.Mode != "":
		p.Facts = append([]fact{{Title: "Mode", Mode: cred.Scheme.Mode}}, p.Facts...)
		p.Snippets = snippets(c.url + "/api/v1/organizations/" + authority.PublicID("org", cred.Organization) + "/members")
	case kindOf(cred.Scheme.Name) != nil:
		if err := c.showToken(r, cred, &p); err != nil {
			return edge.Page{}, err
		}
	default:
		p.What, p.Short, p.Variable = "Token", "token", "BETATESTING_API_TOKEN"
		p.Call = "curl --fail-with-body " + c.url + "/api/external/v2/tests \\\n  -H \"Authorization: Bearer $BETATESTING_API_TOKEN\""
	}
	return c.render(r, "secret", page{Title: heading, Body: p})
}

// exchange is the command that trades a client's credentials for a token.
func exchange(url string) string {
	return "curl --fail-with-body " + url + "/api/external/v2/oauth/token \\\n" +
		"  --data grant_type=client_credentials \\\n" +
		"  --data-urlencode \"client_id=$GATEHOUSE_CLIENT_ID\" \\\n" +
		"  --data-urlencode \"client_secret=$GATEHOUSE_CLIENT_SECRET\""
}

// snippets are the steps of pipelines that make one call with a key.
func snippets(url string) []snippet {
	// call is the command, each of its lines after an indent.
	call := func(indent string) string {
		return fmt.Sprintf("%[1]scurl --fail-with-body %[2]s \\\n%[1]s  -H \"X-API-Key: $GATEHOUSE_API_KEY\"", indent, url)
	}
	return []snippet{
		{"github", "GitHub Actions", "Repository settings, Secrets and variables, Actions, New repository secret.",
			"- name: Ask the API\n  env:\n    GATEHOUSE_API_KEY: ${{ secrets.GATEHOUSE_API_KEY }}\n  run: |\n" + call("    ")},
		{"gitlab", "GitLab CI", "Settings, CI/CD, Variables. Turn on Masked and hidden, and Protected for live keys.",
			"ask-the-api:\n  script:\n    - |\n" + call("      ")},
		{"jenkins", "Jenkins", "Manage Jenkins, Credentials, kind Secret text, ID gatehouse-api-key.",
			"withCredentials([string(credentialsId: 'gatehouse-api-key', variable: 'GATEHOUSE_API_KEY')]) {\n  sh '''\n" + call("    ") + "\n  '''\n}"},
		{"azure", "Azure DevOps", "Pipelines, Edit, Variables, New variable. Turn on Keep this value secret.",
			"- script: |\n" + call("    ") + "\n  env:\n    GATEHOUSE_API_KEY: $(GATEHOUSE_API_KEY)"},
		{"circle", "CircleCI", "Project Settings, Environment Variables, Add Environment Variable.",
			"- run:\n    name: Ask the API\n    command: |\n" + call("      ")},
	}
}
