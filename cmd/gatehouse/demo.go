package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// sample is what the demo made, as it prints it.
type sample struct {
	URL          string             `json:"url"`
	Organization sampleOrganization `json:"organization"`
	Users        []sampleUser       `json:"users"`
	Projects     []sampleProject    `json:"projects"`
	Credentials  map[string]any     `json:"credentials"`
}

type sampleOrganization struct {
	ID        string `json:"id"`
	Number    int64  `json:"number"`
	BunShipID string `json:"bunship_id"`
}

type sampleUser struct {
	Role     string `json:"role"`
	Email    string `json:"email"`
	Password string `json:"password"`
}

type sampleProject struct {
	Name       string `json:"name"`
	BetaHubID  string `json:"betahub_id"`
	TestKaseID string `json:"testkase_id"`
	OneTestID  string `json:"onetest_id"`
}

type sampleClient struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "Run a server with sample data that is gone when it stops", Args: noArgs,
		Example: "  gatehouse demo\n  gatehouse demo --json --listen 127.0.0.1:0",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			dir, err := os.MkdirTemp("", "gatehouse-demo-")
			if err != nil {
				return fmt.Errorf("make a throw-away data directory: %w", err)
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			a.flags["data"] = dir
			for _, name := range []string{"database-url", "redis-url", "root-key", "root-key-file"} {
				a.flags[name] = "" // whatever is set leads to real data
			}
			if a.json && a.flags["listen"] == "" {
				a.flags["listen"] = "127.0.0.1:0"
			}
			if a.flags["log-level"] == "" {
				a.flags["log-level"] = "warn"
			}
			cfg, err := a.load()
			if err != nil {
				return err
			}
			return a.serve(cmd.Context(), cfg, a.showSample)
		},
	}
}

// showSample makes the sample data and prints it, before requests are expected.
func (a *app) showSample(ctx context.Context, cfg *Config, n *node) error {
	s := sampler{ctx: ctx, c: client.New("http://gatehouse", "", inProcess{n.operator})}
	out := s.make(cfg.PublicURL)
	if s.err == nil { // a test is made by who will use it
		s.makeRuns(s.c.Runs(out.Organization.ID, out.Projects[0].OneTestID))
		s.c = client.New("http://gatehouse", s.made[0].Secret, inProcess{n.public})
		s.makeCampaign()
	}
	s.makeTestCases(client.New("http://gatehouse", fmt.Sprint(out.Credentials["testkase_pat"]), inProcess{n.public}))
	s.makeProduct(client.New("http://gatehouse", fmt.Sprint(out.Credentials["onetest_key"]), inProcess{n.public}))
	if s.err != nil {
		return fmt.Errorf("make the sample data: %w", s.err)
	}
	if a.json {
		return a.printJSON(out)
	}
	return a.printSample(out, s.made)
}

// sampler makes sample data as the operator. After an error it does nothing.
type sampler struct {
	ctx  context.Context
	c    *client.Client
	made []api.IssuedCredential
	err  error
}

func (s *sampler) call(method, path string, in, out any) {
	if s.err == nil {
		s.err = s.c.Call(s.ctx, method, path, in, out)
	}
}

func (s *sampler) make(url string) *sample {
	out := &sample{URL: url, Credentials: map[string]any{}}
	var o api.Organization
	s.call(http.MethodPost, "/v1/organizations", api.CreateOrganization{Name: "Demo Games"}, &o)
	out.Organization = sampleOrganization{o.ID, o.Number, o.BunShipID}
	base := "/v1/organizations/" + o.ID
	for _, role := range []string{"owner", "admin", "member", "guest"} {
		user := sampleUser{role, role + "@demo.test", samplePassword()}
		s.call(http.MethodPost, base+"/members", api.CreateUser{Email: user.Email, Name: "Demo " + role, Role: role, Password: user.Password}, nil)
		out.Users = append(out.Users, user)
	}
	for _, name := range []string{"Space Game", "Hidden Project"} {
		var p api.Project
		s.call(http.MethodPost, base+"/projects", api.CreateProject{Name: name}, &p)
		out.Projects = append(out.Projects, sampleProject{p.Name, p.BetaHubID, p.TestKaseID, p.ID})
	}
	first := out.Projects[0].OneTestID
	s.call(http.MethodPut, base+"/projects/"+first+"/members/member@demo.test", api.SetRole{Role: "user"}, nil)
	s.call(http.MethodPut, base+"/projects/"+first+"/members/guest@demo.test", api.SetRole{Role: "guest"}, nil)
	for _, c := range sampleCredentials(o.ID, first) {
		var issued api.IssuedCredential
		s.call(http.MethodPost, "/v1/credentials", c.CreateCredential, &issued)
		s.made = append(s.made, issued)
		out.Credentials[c.key] = issued.Secret
		if issued.ClientID != "" {
			out.Credentials[c.key] = sampleClient{issued.ClientID, issued.Secret}
		}
	}
	for _, issue := range sampleIssues() {
		s.call(http.MethodPost, "/projects/"+out.Projects[0].BetaHubID+"/issues.json", issue, nil)
	}
	return out
}

// makeCampaign makes a test of BetaTesting's, with a tester in each state.
func (s *sampler) makeCampaign() {
	const tests = "/api/external/v2/tests"
	var made struct {
		Data struct {
			ID int64 `json:"id"`
		} `json:"data"`
	}
	s.call(http.MethodPost, tests, map[string]string{"name": "Space Game, first hour", "description": "Play the first hour and tell us where you got stuck."}, &made)
	test := fmt.Sprintf("%s/%d", tests, made.Data.ID)
	var testers []int64
	for _, name := range []string{"Ada", "Grace", "Alan"} {
		s.call(http.MethodPost, test+"/testers", map[string]string{"email": strings.ToLower(name) + "@testers.test", "name": name}, &made)
		testers = append(testers, made.Data.ID)
	}
	s.call(http.MethodPost, test+"/stage", map[string]string{"stage": "launch"}, nil)
	s.call(http.MethodPost, test+"/testers/accept", map[string][]int64{"testerIds": testers[:2]}, nil)
	s.call(http.MethodPost, test+"/testers/mark-complete", map[string][]int64{"testerIds": testers[:1]}, nil)
}

// sampleIssues are what has been reported in the first project.
func sampleIssues() []map[string]string {
	return []map[string]string{
		{"title": "Ship falls through the landing pad", "description": "Land on the moon of level 2 and wait for ten seconds.", "priority": "critical",
			"unformatted_steps_to_reproduce": "Load level 2\nLand on the moon\nWait", "release_label": "0.9.1", "source": "in-game"},
		{"title": "Music stops after the menu was open", "priority": "low", "status": "resolved", "release_label": "0.9.0"},
		{"title": "Dark colours for the map", "description": "The map is too bright at night.", "category": "feature_request"},
		{"title": "Where are saved games kept?", "category": "question", "status": "in_progress"},
	}
}

// sampleCredential is a credential of the demo and its name there.
type sampleCredential struct {
	key string
	api.CreateCredential
}

func sampleCredentials(organization, project string) []sampleCredential {
	const admin = "admin@demo.test"
	list := []sampleCredential{
		{"betatesting_static", api.CreateCredential{Scheme: "betatesting_static", Name: "Jira Integration"}},
		{"betatesting_client", api.CreateCredential{Scheme: "betatesting_client", Name: "Internal Dashboard"}},
		{"betahub_pat", api.CreateCredential{Scheme: "betahub_pat", Name: "API Integration", User: admin}},
		{"betahub_project_token", api.CreateCredential{Scheme: "betahub_project_token", Name: "In-game reports", Project: project,
			Scopes: []string{"can_create_bug_report", "can_create_feature_request", "can_create_support_ticket"}}},
		{"onetest_key", api.CreateCredential{Scheme: "onetest_key", Name: "CI Pipeline", Project: project}},
		{"bunship_live", api.CreateCredential{Scheme: "bunship_live", Name: "Billing service", Scopes: []string{"*"}}},
		{"bunship_test", api.CreateCredential{Scheme: "bunship_test", Name: "Staging", Scopes: []string{"*"}}},
		{"testkase_pat", api.CreateCredential{Scheme: "testkase_pat", Name: "GitHub Actions — Production Pipeline", User: admin, ExpiresIn: "90d"}},
		{"testkase_pat_guest", api.CreateCredential{Scheme: "testkase_pat", Name: "Read-only dashboard", User: "guest@demo.test", ExpiresIn: "90d"}},
		{"verifier", api.CreateCredential{Scheme: "gatehouse_key", Name: "Verifier", Scopes: []string{"credentials:verify"}}},
	}
	for i := range list[:len(list)-1] { // the verifier is above every organization
		list[i].Organization = organization
	}
	return list
}

func samplePassword() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// printSample shows people what there is, and what to type first.
func (a *app) printSample(out *sample, made []api.IssuedCredential) error {
	fmt.Fprintf(a.stdout, "Gatehouse demo: everything here is gone when it stops (Ctrl-C).\n\norganization  %s, number %d\n", out.Organization.ID, out.Organization.Number)
	for _, p := range out.Projects {
		fmt.Fprintf(a.stdout, "project       %s: %s, %s, %s\n", p.Name, p.TestKaseID, p.BetaHubID, p.OneTestID)
	}
	for _, u := range out.Users {
		fmt.Fprintf(a.stdout, "%-12s  %s  %s\n", u.Role, u.Email, u.Password)
	}
	fmt.Fprintln(a.stdout)
	var rows [][]string
	for _, c := range made {
		secret := c.Secret
		if c.ClientID != "" {
			secret += "  (client_id " + c.ClientID + ")"
		}
		rows = append(rows, []string{c.Scheme, c.Name, secret})
	}
	if err := a.table("SCHEME\tNAME\tSECRET", rows); err != nil {
		return err
	}
	verifier, pat := made[len(made)-1].Secret, made[7].Secret
	_, err := fmt.Fprintf(a.stdout, `
In the browser: sign in at %[1]s/console/ as the owner or admin.

Verify a credential, look at yourself, revoke, and see the next verification refuse it:

  curl %[1]s/v1/verify -H 'Authorization: Bearer %[2]s' \
    -H 'Content-Type: application/json' -d '{"credential":"%[3]s","permission":"issues:write","project":"PRJ-1"}'

  curl %[1]s/v1/self -H 'Authorization: Bearer %[3]s'

  curl -X POST %[1]s/v1/self/revoke -H 'Authorization: Bearer %[3]s'

Call it as a client of BetaTesting does:

  curl %[1]s/api/external/v2/tests -H 'Authorization: Bearer %[4]s'

Or as one of OneTest does:

  curl %[1]s/api/test-management/api/v1/products/%[5]s/test-cases -H 'Authorization: Bearer %[6]s'

listening on %[1]s
`, out.URL, verifier, pat, made[0].Secret, out.Projects[0].OneTestID, made[4].Secret)
	return err
}
