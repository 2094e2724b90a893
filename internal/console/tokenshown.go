package console

import (
	"fmt"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// showToken says how the tokens and keys of users and projects are used.
func (c *console) showToken(r *edge.Request, cred *credential.Credential, p *secretPage) error {
	kind := kindOf(cred.Scheme.Name)
	p.What, p.Short, p.Variable = titled(kind.Word), kind.Word, kind.Secret
	switch cred.Scheme.Name {
	case "betahub_pat":
		p.Facts[0].Text = "Same as yours"
		p.Call = fmt.Sprintf("curl --fail-with-body %s/projects.json \\\n  -H \"Authorization: Bearer $BETAHUB_TOKEN\" \\\n  -H \"Accept: application/json\"", c.url)
	case "testkase_pat":
		number, err := c.organizationNumber(r)
		if err != nil {
			return err
		}
		p.Facts[0].Text, p.Snippets = "Same as yours", reporting(c.url, number)
	case "onetest_key":
		p.Call = fmt.Sprintf("curl --fail-with-body %s/api/test-management/api/v1/products/%s/test-cases \\\n  -H \"Authorization: Bearer $ONETEST_API_KEY\"", c.url, cred.Project)
	case "betahub_project_token":
		project, err := c.authority.Project(r.Context(), &r.Principal, cred.Organization, store.ProjectRef{ID: cred.Project})
		if err != nil {
			return err
		}
		p.Call = fmt.Sprintf("curl --fail-with-body %s/projects/pr-%d/issues.json \\\n  -H \"Authorization: FormUser $BETAHUB_PROJECT_TOKEN\" \\\n  --data-urlencode \"issue[description]=The ship falls through the landing pad\"", c.url, project.Number)
	}
	return nil
}

// organizationNumber is the number of the organization of a request.
func (c *console) organizationNumber(r *edge.Request) (int64, error) {
	memberships, err := c.authority.Memberships(r.Context(), &r.Principal)
	if err != nil {
		return 0, err
	}
	m := membershipsByID(memberships)[r.Principal.Organization]
	if m == nil {
		return 0, credential.Errorf(credential.NotFound, "no such organization")
	}
	return m.Number, nil
}

// reporting are the steps of pipelines that report test results. None holds
// the token: it comes from where the CI system keeps secrets.
func reporting(url string, organization int64) []snippet {
	call := func(token string) string {
		return fmt.Sprintf("gatehouse report --url %s --token %s --project-id PRJ-1 --org-id %d --cycle-id TCYCLE-1 --format junit --results-file test-results/junit.xml", url, token, organization)
	}
	return []snippet{
		{"github", "GitHub Actions", "Settings, Secrets and variables, Actions, New repository secret: name TESTKASE_PAT, value the token.",
			"- name: Report the results\n  if: always()\n  run: " + call("${{ secrets.TESTKASE_PAT }}")},
		{"gitlab", "GitLab CI", "Settings, CI/CD, Variables, Add variable: key TESTKASE_PAT. Turn on Mask variable, and Protect variable where only protected branches report.",
			"report-the-results:\n  stage: .post\n  script:\n    - " + call("$TESTKASE_PAT")},
		{"jenkins", "Jenkins", "Manage Jenkins, Manage Credentials, Add Credentials: kind Secret text, ID testkase-pat.",
			"pipeline {\n  agent any\n  environment { TESTKASE_PAT = credentials('testkase-pat') }\n  stages {\n    stage('Report') {\n      steps {\n        sh '" + call("$TESTKASE_PAT") + "'\n      }\n    }\n  }\n}"},
		{"azure", "Azure DevOps", "Pipeline, Edit, Variables, New variable: name TESTKASE_PAT. Turn on Keep this value secret.",
			"- script: " + call("$(TESTKASE_PAT)") + "\n  condition: always()"},
		{"circle", "CircleCI", "Project Settings, Environment Variables, Add Variable: name TESTKASE_PAT.",
			"- run:\n    name: Report the results\n    when: always\n    command: " + call("$TESTKASE_PAT")},
	}
}
