package main

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/rest"
)

// typedCalls are all typed calls of the Go client, with what they return.
func typedCalls(ctx context.Context, c *client.Client) []func() (any, error) {
	text := "x"
	credentials, organizations := c.Credentials(), c.Organizations()
	usageFilter := client.UsageFilter{Organization: "o", From: time.Unix(1, 0), To: time.Unix(2, 0), Credential: "c", Project: "p", Resource: "r", Outcome: "ok"}
	spendFilter := client.SpendFilter{Organization: "o", From: time.Unix(1, 0), To: time.Unix(2, 0), Credential: "c", Project: "p", Operation: "service_call"}
	return append(append(organizationCalls(ctx, c), runCalls(ctx, c)...), []func() (any, error){
		func() (any, error) { return indirect(c.Verify(ctx, api.Verify{Credential: &text, Permission: "a:b"})) },
		func() (any, error) { return api.Empty{}, c.RevokeSecret(ctx, "x") },
		func() (any, error) { return c.Setup(ctx, api.Setup{Code: "x"}) },
		func() (any, error) { return c.Self().Get(ctx) },
		func() (any, error) { return c.Self().Rotate(ctx, api.RotateCredential{Grace: &text}, "k") },
		func() (any, error) { return c.Self().Revoke(ctx) },
		func() (any, error) { return listed(c.Schemes(ctx)) },

		func() (any, error) { return credentials.Create(ctx, api.CreateCredential{Scheme: "x"}, "k") },
		func() (any, error) {
			return collected(credentials.All(ctx, client.CredentialFilter{Organization: "o", Project: "p", User: "u", Scheme: "s", State: "active"}))
		},
		func() (any, error) { return credentials.Get(ctx, "i") },
		func() (any, error) {
			return credentials.Activity(ctx, "i", client.ActivityFilter{Organization: "o", Before: 7, Limit: 5})
		},
		func() (any, error) { return collected(credentials.Requests(ctx, "i")) },
		func() (any, error) {
			return c.Usage().Report(ctx, usageFilter, client.UsagePage{By: []string{"day", "outcome"}, Limit: 5, Cursor: "c"})
		},
		func() (any, error) {
			body, err := c.Usage().Export(ctx, usageFilter)
			if err != nil {
				return nil, err
			}
			return api.UsageRow{}, body.Close()
		},
		func() (any, error) { return collected(c.Usage().Spends(ctx, spendFilter)) },
		func() (any, error) {
			body, err := c.Usage().ExportSpends(ctx, spendFilter)
			if err != nil {
				return nil, err
			}
			return api.LedgerLine{}, body.Close()
		},
		func() (any, error) { return credentials.Update(ctx, "i", api.UpdateCredential{Name: &text}) },
		func() (any, error) { return credentials.Rotate(ctx, "i", api.RotateCredential{Grace: &text}, "k") },
		func() (any, error) { return credentials.Suspend(ctx, "i") },
		func() (any, error) { return credentials.Resume(ctx, "i") },
		func() (any, error) { return credentials.Revoke(ctx, "i") },
		func() (any, error) { return credentials.RevokeMany(ctx, api.RevokeCredentials{All: true}) },
		func() (any, error) { return organizations.Policy(ctx, "o") },
		func() (any, error) { return organizations.SetPolicy(ctx, "o", api.Policy{}) },
		func() (any, error) { return organizations.SignInProvider(ctx, "o") },
		func() (any, error) { return organizations.SetSignInProvider(ctx, "o", api.SetSignInProvider{}) },
		func() (any, error) { return api.Empty{}, organizations.DeleteSignInProvider(ctx, "o") },
		func() (any, error) { return collected(organizations.SignInLinks(ctx, "o")) },
		func() (any, error) { return api.Empty{}, organizations.ForgetSignInLink(ctx, "o", "u") },
		func() (any, error) { return organizations.Limits(ctx, "o") },
		func() (any, error) { return organizations.SetLimits(ctx, "o", api.OrganizationLimits{}) },
		func() (any, error) { return c.Projects("o").Limits(ctx, "p") },
		func() (any, error) { return c.Projects("o").SetLimits(ctx, "p", api.ProjectLimits{}) },
		func() (any, error) { return collected(organizations.Unused(ctx, "o", "90d")) },
		func() (any, error) { return credentials.SetKeys(ctx, "i", api.ClientKeys{}) },
		func() (any, error) { return credentials.RemoveKeys(ctx, "i") },
		func() (any, error) {
			return credentials.Import(ctx, "o", []api.ImportLine{{Name: "x"}}, client.ImportOptions{DryRun: true, AllOrNothing: true})
		},
		func() (any, error) { return listed(c.SigningKeys().List(ctx)) },
		func() (any, error) { return listed(c.SigningKeys().Rotate(ctx, api.RotateSigningKeys{Now: true})) },

		func() (any, error) { return c.ConsoleCode(ctx) },
		func() (any, error) { return listed(c.RootKeys().List(ctx)) },
		func() (any, error) {
			return listed(c.RootKeys().Retire(ctx, api.RetireRootKey{Version: 1, Force: true}))
		},
	}...)
}

// organizationCalls are those about organizations, and what is in them.
func organizationCalls(ctx context.Context, c *client.Client) []func() (any, error) {
	text := "x"
	organizations, members, projects, users, webhooks := c.Organizations(), c.Members("o"), c.Projects("o"), c.Users(), c.Webhooks("o")
	rules := c.TrustRules("o", "p")
	return []func() (any, error){
		func() (any, error) { return organizations.Create(ctx, api.CreateOrganization{Name: "x"}, "k") },
		func() (any, error) { return collected(organizations.All(ctx)) },
		func() (any, error) { return organizations.Get(ctx, "o") },
		func() (any, error) { return organizations.Suspend(ctx, "o") },
		func() (any, error) { return organizations.Resume(ctx, "o") },
		func() (any, error) { return members.Create(ctx, api.CreateUser{Email: "x"}, "k") },
		func() (any, error) { return members.CreateService(ctx, api.CreateServiceUser{Name: "x"}, "k") },
		func() (any, error) { return collected(members.All(ctx)) },
		func() (any, error) { return members.Get(ctx, "u") },
		func() (any, error) { return api.Empty{}, members.SetRole(ctx, "u", "guest") },
		func() (any, error) { return api.Empty{}, members.Remove(ctx, "u") },
		func() (any, error) { return c.Invitations("o").Create(ctx, api.Invite{Email: "x"}) },
		func() (any, error) { return collected(c.Invitations("o").All(ctx)) },
		func() (any, error) { return api.Empty{}, c.Invitations("o").Withdraw(ctx, "i") },
		func() (any, error) { return c.AcceptInvitation(ctx, "x") },
		func() (any, error) { return projects.Create(ctx, api.CreateProject{Name: "x"}, "k") },
		func() (any, error) { return collected(projects.All(ctx)) },
		func() (any, error) { return projects.Get(ctx, "p") },
		func() (any, error) { return api.Empty{}, projects.Delete(ctx, "p") },
		func() (any, error) { return projects.Archive(ctx, "p") },
		func() (any, error) { return projects.Restore(ctx, "p") },
		func() (any, error) { return projects.Member(ctx, "p", "u") },
		func() (any, error) { return api.Empty{}, projects.SetRole(ctx, "p", "u", "guest") },
		func() (any, error) { return api.Empty{}, projects.RemoveMember(ctx, "p", "u") },
		func() (any, error) { return collected(projects.VirtualUsers(ctx, "p")) },
		func() (any, error) { return api.Empty{}, projects.DeleteVirtualUser(ctx, "p", "v") },

		func() (any, error) { return rules.Create(ctx, api.CreateTrustRule{Name: "x"}, "k") },
		func() (any, error) { return collected(rules.All(ctx)) },
		func() (any, error) { return rules.Get(ctx, "r") },
		func() (any, error) { return rules.Update(ctx, "r", api.UpdateTrustRule{Name: &text}) },
		func() (any, error) { return api.Empty{}, rules.Delete(ctx, "r") },

		func() (any, error) { return collected(organizations.Budgets(ctx, "o")) },
		func() (any, error) { return organizations.Budget(ctx, "o", "b") },
		func() (any, error) { return organizations.SetBudget(ctx, "o", "b", api.SetBudget{Coins: new(int64)}) },
		func() (any, error) { return api.Empty{}, organizations.RemoveBudget(ctx, "o", "b") },
		func() (any, error) { return organizations.TopUp(ctx, "o", "b", api.TopUp{Coins: 1}, "k") },
		func() (any, error) { return organizations.BudgetCycles(ctx, "o", "b") },
		func() (any, error) { return c.Settle(ctx, "s", 1) },
		func() (any, error) { return c.VerifyLedger(ctx, "o") },

		func() (any, error) { return webhooks.Create(ctx, api.CreateWebhook{URL: "x"}, "k") },
		func() (any, error) { return collected(webhooks.All(ctx)) },
		func() (any, error) { return webhooks.Get(ctx, "w") },
		func() (any, error) { return webhooks.Update(ctx, "w", api.UpdateWebhook{Description: &text}) },
		func() (any, error) { return api.Empty{}, webhooks.Delete(ctx, "w") },
		func() (any, error) { return webhooks.Rotate(ctx, "w", api.RotateWebhook{Now: true}, "k") },
		func() (any, error) { return webhooks.Test(ctx, "w") },
		func() (any, error) { return collected(webhooks.Deliveries(ctx, "w")) },
		func() (any, error) { return webhooks.Redeliver(ctx, "w", "d") },

		func() (any, error) {
			return collected(c.Audit().Events(ctx, client.EventFilter{
				Organization: "o", After: 1, Action: "a", Actor: "b", Subject: "c", Target: "d", Since: time.Unix(1, 0), Until: time.Unix(2, 0),
			}))
		},
		func() (any, error) {
			body, err := c.Audit().Export(ctx, client.EventFilter{
				Organization: "o", After: 1, Action: "a", Actor: "b", Subject: "c", Target: "d", Since: time.Unix(1, 0), Until: time.Unix(2, 0),
			}, "csv")
			if err != nil {
				return nil, err
			}
			return api.Event{}, body.Close()
		},
		func() (any, error) { return listed(c.Audit().Verify(ctx, "o")) },

		func() (any, error) { return users.Get(ctx, "u") },
		func() (any, error) { return api.Empty{}, users.Delete(ctx, "u") },
		func() (any, error) { return users.Deactivate(ctx, "u") },
		func() (any, error) { return users.Reactivate(ctx, "u") },
		func() (any, error) { return users.Unlock(ctx, "u") },
		func() (any, error) { return users.PasswordCode(ctx, "u") },
		func() (any, error) { return users.ResetTwoFactor(ctx, "u") },
		func() (any, error) { return listed(users.Sessions(ctx, "u")) },
		func() (any, error) { return api.Empty{}, users.EndSessions(ctx, "u") },
		func() (any, error) { return api.Empty{}, users.EndSession(ctx, "u", "s") },
	}
}

// runCalls are those about test runs and tests.
func runCalls(ctx context.Context, c *client.Client) []func() (any, error) {
	runs, tests := c.Runs("o", "p"), c.Tests("o", "p")
	return []func() (any, error){
		func() (any, error) { return runs.Start(ctx, api.StartRun{Key: "k"}) },
		func() (any, error) { return runs.Declare(ctx, "r", "u", api.DeclareUpload{Batches: 1}) },
		func() (any, error) { return runs.Store(ctx, "r", "u", 1, api.ResultBatch{}) },
		func() (any, error) { return runs.Get(ctx, "r") },
		func() (any, error) { return runs.Changes(ctx, "r") },
		func() (any, error) { return runs.Files(ctx, "r") },
		func() (any, error) { return runs.AddFile(ctx, "r", "a.txt", []byte("a")) },
		func() (any, error) {
			body, err := runs.OpenFile(ctx, "r", 1)
			if err != nil {
				return nil, err
			}
			return edge.File{}, body.Close()
		},
		func() (any, error) {
			return collected(runs.All(ctx, client.RunFilter{Status: "passed", Branch: "b", Commit: "c", Name: "n", Cycle: "TCYCLE-1"}))
		},
		func() (any, error) {
			return collected(runs.Results(ctx, "r", client.ResultFilter{Status: "passed", Matched: new(bool), Flaky: true}))
		},
		func() (any, error) {
			return collected(tests.All(ctx, client.TestFilter{Status: "passed", Flaky: true, Text: "t"}))
		},
		func() (any, error) { return tests.Get(ctx, "t") },
		func() (any, error) { return collected(tests.Results(ctx, "t")) },
	}
}

func indirect[T any](p *T, err error) (any, error) { return *p, err }

func listed[T any](items []T, err error) (any, error) { return api.List[T]{Items: items}, err }

func collected[T any](list iter.Seq2[T, error]) (_ any, err error) {
	var out api.List[T]
	for item, failed := range list {
		out.Items, err = append(out.Items, item), failed
	}
	return out, err
}

// TestGoClientCallsEveryRoute: the Go client has one typed call for each route
// of the native API, with the types and the parameters that the route has.
func TestGoClientCallsEveryRoute(t *testing.T) {
	t.Parallel()
	var called *edge.Route
	mux, missing := http.NewServeMux(), map[string]bool{}
	for _, route := range rest.Surface(nil, nil, nil).Routes {
		if !strings.HasPrefix(route.Pattern, "/v1/") {
			continue
		}
		missing[route.Method+" "+route.Pattern] = true
		mux.HandleFunc(route.Method+" "+route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			called = &route
			checkCall(t, &route, r)
			_, _ = io.WriteString(w, "{}")
		})
	}
	server := httptest.NewServer(mux)
	defer server.Close()
	for i, call := range typedCalls(t.Context(), client.NewWithOptions(server.URL, "t", client.Options{})) {
		called = nil
		out, err := call()
		if err != nil || called == nil {
			t.Errorf("call %d: %v", i, err)
			continue
		}
		name := called.Method + " " + called.Pattern
		if !missing[name] {
			t.Errorf("%s has two calls", name)
		}
		delete(missing, name)
		if got := reflect.TypeOf(out); got != called.Out {
			t.Errorf("%s returns %s, want %s", name, got, called.Out)
		}
	}
	for name := range missing {
		t.Errorf("the Go client has no call for %s", name)
	}
}

// checkCall holds a request to what the route takes.
func checkCall(t *testing.T, route *edge.Route, r *http.Request) {
	name := route.Method + " " + route.Pattern
	for param := range r.URL.Query() {
		if !slices.Contains(route.Params, param) {
			t.Errorf("%s is given the parameter %s", name, param)
		}
	}
	if want := len(route.Params) - 1; len(r.URL.Query()) < want { // there is no cursor for the first page
		t.Errorf("%s is given %v only, of %v", name, r.URL.Query(), route.Params)
	}
	if route.In == reflect.TypeFor[edge.Payload]() {
		if err := r.ParseMultipartForm(1 << 10); err != nil || len(r.MultipartForm.File) == 0 {
			t.Errorf("%s is given no file: %v", name, err)
		}
		return
	}
	in := reflect.New(route.In)
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(in.Interface()); route.In != reflect.TypeFor[edge.None]() && err != nil || route.In == reflect.TypeFor[edge.None]() && err != io.EOF {
		t.Errorf("%s is given a body that is no %s: %v", name, route.In, err)
	}
	unkeyed := []string{"/v1/setup", "/v1/console-codes", "/v1/organizations/{organization}/invitations", // which a repeat does anew
		"/v1/organizations/{organization}/projects/{project}/runs"} // which has a key of its own
	creates := route.Status == http.StatusCreated && !slices.Contains(unkeyed, route.Pattern) || strings.HasSuffix(route.Pattern, "/rotate") && route.Pattern != "/v1/signing-keys/rotate"
	creates = creates || strings.HasSuffix(route.Pattern, "/top-up") || route.Doc.Keyed
	if got := r.Header.Get("Idempotency-Key"); (got != "") != creates {
		t.Errorf("%s is given the key %q", name, got)
	}
}
