package rest_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// open lists the routes that need no permission. A route that is neither here
// nor has one fails TestS1_EveryRouteSaysWhoMayCall.
var open = map[string]string{
	"GET /healthz":         "public",
	"GET /readyz":          "public",
	"POST /v1/revoke":      "public",
	"POST /v1/setup":       "public",
	"GET /v1/self":         "any credential",
	"POST /v1/self/rotate": "any credential",
	"POST /v1/self/revoke": "any credential",
	"GET /v1/schemes":      "any credential",

	// What may be done in a project depends on the role there, and is looked up with it.
	"POST " + runsPath:                                            "any credential",
	"GET " + runsPath:                                             "any credential",
	"GET " + runsPath + "/{run}":                                  "any credential",
	"GET " + runsPath + "/{run}/results":                          "any credential",
	"GET " + runsPath + "/{run}/changes":                          "any credential",
	"POST " + runsPath + "/{run}/files":                           "any credential",
	"GET " + runsPath + "/{run}/files":                            "any credential",
	"GET " + runsPath + "/{run}/files/{file}":                     "any credential",
	"PUT " + runsPath + "/{run}/uploads/{upload}":                 "any credential",
	"PUT " + runsPath + "/{run}/uploads/{upload}/batches/{batch}": "any credential",
	"GET " + testsPath:                                            "any credential",
	"GET " + testsPath + "/{test}":                                "any credential",
	"GET " + testsPath + "/{test}/results":                        "any credential",

	"POST /v1/invitations/accept": "any credential",
}

func nameOf(r edge.Route) string { return r.Method + " " + r.Pattern }

// access says in words who may call a route.
func access(r edge.Route) string {
	permission, needed := r.Access.Permission()
	switch {
	case !needed:
		return "public"
	case permission == "":
		return "any credential"
	}
	return string(permission)
}

func TestS1_EveryRouteSaysWhoMayCall(t *testing.T) {
	w := newServer(t, storetest.SQLite(t))
	for _, fault := range routeFaults(w.edge.Routes()) {
		t.Error(fault)
	}
	nothing := func(*edge.Request, edge.None) (api.Empty, error) { return api.Empty{}, nil }
	planted := []edge.Route{
		edge.Get("/v1/forgotten", edge.Access{}, nothing), edge.Get("/v1/loose", edge.Public, nothing),
		edge.Get("/v1/new", edge.Needs("audit:read"), nothing), edge.Get("/healthz", edge.Needs("audit:read"), nothing),
	}
	got := strings.Join(routeFaults(append(w.edge.Routes(), planted...)), "\n")
	for _, want := range []string{
		"GET /v1/forgotten: any credential", "GET /v1/loose: public", "GET /v1/new has no call", "GET /healthz stands twice", "GET /healthz needs audit:read",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("a planted route is not found: got %s, want %s", got, want)
		}
	}
}

// routeFaults is what is wrong with a route table.
func routeFaults(routes []edge.Route) (faults []string) {
	seen := map[string]bool{}
	for _, r := range routes {
		name := nameOf(r)
		if seen[name] {
			faults = append(faults, name+" stands twice in the table")
		}
		seen[name] = true
		if calls()[name] == nil {
			faults = append(faults, name+" has no call in the matrix")
		}
		permission, needed := r.Access.Permission()
		switch got := access(r); {
		case needed && permission != "" && open[name] != "":
			faults = append(faults, name+" needs "+got+" and stands in the list of open routes")
		case (!needed || permission == "") && open[name] != got:
			faults = append(faults, name+": "+got+": give it a permission, or add it to the list of open routes")
		}
	}
	for name := range open {
		if !seen[name] {
			faults = append(faults, name+" is in the list of open routes and is no route")
		}
	}
	return faults
}

// A shot is one call of a route, with what makes it harmless afterwards.
type shot struct {
	path string
	body any
	undo func()
}

// A cell makes the call of a route for one cell of the matrix.
type cell = func(testing.TB, *world) shot

// fixed is a call that may be made any number of times.
func fixed(path string, body any) func(testing.TB, *world) shot {
	return func(_ testing.TB, w *world) shot {
		path := strings.NewReplacer("ACME", w.acme.ID, "ALPHA", w.alpha.ID, "SPARE", w.spare.ID, "KEY", w.records["key"].ID, "CLIENT", w.records["client"].ID).Replace(path)
		return shot{path: path, body: body}
	}
}

// fresh is a call on a new credential of the organization.
func fresh(verb string, body any) func(testing.TB, *world) shot {
	return func(t testing.TB, w *world) shot {
		c := w.issue(t, "spent", api.CreateCredential{Scheme: "gatehouse_key", Name: "spent", Organization: w.acme.ID, Scopes: []string{"projects:read"}})
		return shot{path: "/v1/credentials/" + c.ID + verb, body: body}
	}
}

// switched is a call that is undone afterwards, and may need another before it.
func switched(path, undo string, first bool) func(testing.TB, *world) shot {
	return func(t testing.TB, w *world) shot {
		r := strings.NewReplacer("ACME", w.acme.ID, "SPARE", w.spare.ID)
		if first {
			w.must(t, "POST", r.Replace(undo), nil, nil)
		}
		return shot{path: r.Replace(path), undo: func() {
			w.must(t, "POST", r.Replace(strings.NewReplacer("suspend", "resume", "archive", "restore", "deactivate", "reactivate").Replace(path)), nil, nil)
		}}
	}
}

// calls has, for each route, a call that succeeds for whoever may make it.
func calls() map[string]cell {
	all := organizationCalls()
	maps.Copy(all, credentialCalls())
	maps.Copy(all, userCalls())
	maps.Copy(all, webhookCalls())
	maps.Copy(all, budgetCalls())
	maps.Copy(all, runCalls())
	return all
}

func userCalls() map[string]cell {
	user := "/v1/users/extra@acme.test"
	return map[string]cell{
		"GET /v1/users/{user}": fixed(user, nil),
		"DELETE /v1/users/{user}": func(t testing.TB, w *world) shot {
			var made api.User
			w.must(t, "POST", "/v1/organizations/"+w.acme.ID+"/members", api.CreateUser{Email: fmt.Sprintf("d%d@acme.test", w.clock.now().UnixNano()), Name: "Doomed", Role: "guest"}, &made)
			return shot{path: "/v1/users/" + made.ID}
		},
		"POST /v1/users/{user}/deactivate":    switched(user+"/deactivate", "", false),
		"POST /v1/users/{user}/reactivate":    switched(user+"/reactivate", user+"/deactivate", true),
		"POST /v1/users/{user}/unlock":        fixed(user+"/unlock", nil),
		"POST /v1/users/{user}/password-code": fixed(user+"/password-code", nil),
		"DELETE /v1/users/{user}/two-factor":  fixed(user+"/two-factor", nil),
		"GET /v1/users/{user}/sessions":       fixed(user+"/sessions", nil),
		"DELETE /v1/users/{user}/sessions":    fixed(user+"/sessions", nil),
		"DELETE /v1/users/{user}/sessions/{session}": func(t testing.TB, w *world) shot {
			w.choosePassword(t, "extra@acme.test")
			s := w.signIn(t, "extra@acme.test")
			return shot{path: user + "/sessions/" + s.Session.ID.String()}
		},
	}
}

func credentialCalls() map[string]cell {
	secret := "gate_" + strings.Repeat("0", 40)
	return map[string]cell{
		"GET /healthz":                      fixed("/healthz", nil),
		"GET /readyz":                       fixed("/readyz", nil),
		"POST /v1/verify":                   fixed("/v1/verify", api.Verify{Credential: &secret}),
		"POST /v1/revoke":                   fixed("/v1/revoke", api.Possession{Credential: &secret}),
		"POST /v1/setup":                    fixed("/v1/setup", api.Setup{Code: "setup-x", Organization: "X", Name: "X", Email: "x@x.test", Password: "correct horse"}),
		"GET /v1/self":                      fixed("/v1/self", nil),
		"POST /v1/self/rotate":              fixed("/v1/self/rotate", api.RotateCredential{}),
		"POST /v1/self/revoke":              fixed("/v1/self/revoke", nil),
		"GET /v1/schemes":                   fixed("/v1/schemes", nil),
		"POST /v1/credential-revocations":   revoking(),
		"POST /v1/credentials":              fixed("/v1/credentials", api.CreateCredential{Scheme: "gatehouse_key", Name: "made", Scopes: []string{"projects:read"}}),
		"GET /v1/credentials":               fixed("/v1/credentials", nil),
		"GET /v1/credentials/{id}":          fixed("/v1/credentials/KEY", nil),
		"GET /v1/credentials/{id}/activity": fixed("/v1/credentials/KEY/activity", nil),
		"GET /v1/credentials/{id}/requests": fixed("/v1/credentials/KEY/requests", nil),
		"PATCH /v1/credentials/{id}":        fresh("", map[string]string{"name": "renamed"}),
		"POST /v1/credentials/{id}/rotate":  fresh("/rotate", api.RotateCredential{}),
		"POST /v1/credentials/{id}/suspend": fresh("/suspend", nil),
		"POST /v1/credentials/{id}/resume":  fresh("/resume", nil),
		"POST /v1/credentials/{id}/revoke":  fresh("/revoke", nil),
		"PUT /v1/credentials/{id}/jwks":     fixed("/v1/credentials/CLIENT/jwks", publicKey("matrix")),
		"DELETE /v1/credentials/{id}/jwks":  fixed("/v1/credentials/CLIENT/jwks", nil),
		"GET /v1/signing-keys":              fixed("/v1/signing-keys", nil),
		"POST /v1/signing-keys/rotate":      fixed("/v1/signing-keys/rotate", nil),
		"GET /v1/root-keys":                 fixed("/v1/root-keys", nil),
		"POST /v1/console-codes":            fixed("/v1/console-codes", nil),
		"POST /v1/root-keys/retire":         fixed("/v1/root-keys/retire", api.RetireRootKey{Version: 1}),
	}
}

func organizationCalls() map[string]cell {
	org, project := "/v1/organizations/ACME", "/v1/organizations/ACME/projects/SPARE"
	return map[string]cell{
		"GET /v1/organizations/{organization}/policy":                           fixed(org+"/policy", nil),
		"PUT /v1/organizations/{organization}/policy":                           fixed(org+"/policy", api.Policy{SuspendUnusedAfter: "365d"}),
		"GET /v1/organizations/{organization}/sign-in-provider":                 provided("", nil),
		"PUT /v1/organizations/{organization}/sign-in-provider":                 provided("", signInProvider),
		"DELETE /v1/organizations/{organization}/sign-in-provider":              provided("", nil),
		"GET /v1/organizations/{organization}/sign-in-provider/links":           provided("/links", nil),
		"DELETE /v1/organizations/{organization}/sign-in-provider/links/{user}": provided("/links/extra@acme.test", nil),
		"GET /v1/organizations/{organization}/limits":                           fixed(org+"/limits", nil),
		"PUT /v1/organizations/{organization}/limits":                           fixed(org+"/limits", api.OrganizationLimits{Requests: 1_000_000_000, Window: "1s"}),
		"GET /v1/organizations/{organization}/projects/{project}/limits":        fixed(project+"/limits", nil),
		"PUT /v1/organizations/{organization}/projects/{project}/limits":        fixed(project+"/limits", api.ProjectLimits{Requests: 1_000_000_000, Window: "1s"}),
		"GET /v1/organizations/{organization}/unused-credentials":               fixed(org+"/unused-credentials", nil),
		"POST /v1/organizations":                                                fixed("/v1/organizations", api.CreateOrganization{Name: "New"}),
		"GET /v1/organizations":                                                 fixed("/v1/organizations", nil),
		"GET /v1/organizations/{organization}":                                  fixed(org, nil),
		"POST /v1/organizations/{organization}/suspend":                         switched(org+"/suspend", "", false),
		"POST /v1/organizations/{organization}/resume":                          fixed(org+"/resume", nil),
		"POST /v1/organizations/{organization}/members": func(t testing.TB, w *world) shot {
			return shot{path: "/v1/organizations/" + w.acme.ID + "/members", body: api.CreateUser{Email: fmt.Sprintf("u%d@acme.test", w.clock.now().UnixNano()), Name: "New", Role: "guest"}}
		},
		"POST /v1/organizations/{organization}/service-users":              fixed(org+"/service-users", api.CreateServiceUser{Name: "Robot", Role: "guest"}),
		"POST /v1/organizations/{organization}/invitations":                fixed(org+"/invitations", api.Invite{Email: "asked@acme.test", Role: "guest"}),
		"GET /v1/organizations/{organization}/invitations":                 fixed(org+"/invitations", nil),
		"DELETE /v1/organizations/{organization}/invitations/{invitation}": invited("/invitations/"),
		"POST /v1/invitations/accept":                                      fixed("/v1/invitations/accept", api.AcceptInvitation{Code: "invite-x"}),
		"GET /v1/organizations/{organization}/members":                     fixed(org+"/members", nil),
		"GET /v1/organizations/{organization}/members/{user}":              fixed(org+"/members/extra@acme.test", nil),
		"PUT /v1/organizations/{organization}/members/{user}":              fixed(org+"/members/extra@acme.test", api.SetRole{Role: "guest"}),
		"DELETE /v1/organizations/{organization}/members/{user}":           leaving(org+"/members/extra@acme.test", "POST", org+"/members", api.CreateUser{Email: "extra@acme.test", Name: "The extra", Role: "guest"}),
		"POST /v1/organizations/{organization}/projects":                   fixed(org+"/projects", api.CreateProject{Name: "New"}),
		"GET /v1/organizations/{organization}/projects":                    fixed(org+"/projects", nil),
		"GET /v1/organizations/{organization}/projects/{project}":          fixed(org+"/projects/ALPHA", nil),
		"DELETE /v1/organizations/{organization}/projects/{project}": func(t testing.TB, w *world) shot {
			var made api.Project
			w.must(t, "POST", "/v1/organizations/"+w.acme.ID+"/projects", api.CreateProject{Name: "Doomed"}, &made)
			return shot{path: "/v1/organizations/" + w.acme.ID + "/projects/" + made.ID}
		},
		"POST /v1/organizations/{organization}/projects/{project}/archive":          switched(project+"/archive", "", false),
		"POST /v1/organizations/{organization}/projects/{project}/restore":          switched(project+"/restore", project+"/archive", true),
		"GET /v1/organizations/{organization}/projects/{project}/members/{user}":    fixed(project+"/members/guest@acme.test", nil),
		"PUT /v1/organizations/{organization}/projects/{project}/members/{user}":    fixed(project+"/members/extra@acme.test", api.SetRole{Role: "guest"}),
		"DELETE /v1/organizations/{organization}/projects/{project}/members/{user}": leaving(project+"/members/guest@acme.test", "PUT", project+"/members/guest@acme.test", api.SetRole{Role: "guest"}),
		"GET /v1/organizations/{organization}/projects/{project}/virtual-users":     fixed(org+"/projects/ALPHA/virtual-users", nil),
		"DELETE /v1/organizations/{organization}/projects/{project}/virtual-users/{virtual}": func(t testing.TB, w *world) shot {
			return shot{path: "/v1/organizations/" + w.acme.ID + "/projects/" + w.spare.ID + "/virtual-users/" + w.virtualUser(t, w.spare).String()}
		},
		"POST /v1/organizations/{organization}/projects/{project}/trust-rules":          func(t testing.TB, w *world) shot { return shot{path: w.noRules(t), body: trustRule} },
		"GET /v1/organizations/{organization}/projects/{project}/trust-rules":           fixed(project+"/trust-rules", nil),
		"GET /v1/organizations/{organization}/projects/{project}/trust-rules/{rule}":    trusting(nil),
		"PATCH /v1/organizations/{organization}/projects/{project}/trust-rules/{rule}":  trusting(api.UpdateTrustRule{Branch: new(string)}),
		"DELETE /v1/organizations/{organization}/projects/{project}/trust-rules/{rule}": trusting(nil),
		"POST /v1/organizations/{organization}/import": func(_ testing.TB, w *world) shot {
			return shot{path: "/v1/organizations/" + w.acme.ID + "/import", body: api.ImportLine{
				SHA256: fmt.Sprintf("%064x", w.clock.now().UnixNano()), Scheme: "gatehouse_key", Name: "Legacy", Scopes: []string{"projects:read"}}}
		},
		"GET /v1/audit/events": fixed("/v1/audit/events", nil),
		"GET /v1/audit/export": fixed("/v1/audit/export", nil),
		"GET /v1/audit/verify": fixed("/v1/audit/verify", nil),
		"GET /v1/usage":        fixed("/v1/usage", nil),
		"GET /v1/usage/export": fixed("/v1/usage/export", nil),
		"GET /v1/usage/spends": fixed("/v1/usage/spends", nil),

		"GET /v1/usage/spends/export": fixed("/v1/usage/spends/export", nil),
	}
}

// budgetCalls are about the budgets of two projects, and of their spends.
func budgetCalls() map[string]cell {
	const list, one = "/v1/organizations/{organization}/budgets", "/v1/organizations/{organization}/budgets/{budget}"
	const alpha = "/v1/organizations/ACME/budgets/ALPHA"
	coins := int64(1_000_000)
	return map[string]cell{
		"GET " + list: fixed("/v1/organizations/ACME/budgets", nil),
		"GET " + one:  fixed(alpha, nil),
		"PUT " + one:  fixed(alpha, api.SetBudget{Coins: &coins}),
		"DELETE " + one: func(t testing.TB, w *world) shot {
			path := "/v1/organizations/" + w.acme.ID + "/budgets/" + w.spare.ID
			w.must(t, "PUT", path, api.SetBudget{Coins: &coins}, nil)
			return shot{path: path}
		},
		"POST " + one + "/top-up":        fixed(alpha+"/top-up", api.TopUp{Coins: 5}),
		"GET " + one + "/cycles":         fixed(alpha+"/cycles", nil),
		"POST /v1/spends/{spend}/settle": fixed("/v1/spends/"+nobody+"/settle", api.SettleSpend{Cost: &coins}),
		"GET /v1/ledger/verify":          fixed("/v1/ledger/verify", nil),
	}
}

// revoking is a call that revokes what nobody has.
func revoking() cell {
	return fixed("/v1/credential-revocations", api.RevokeCredentials{Credentials: []string{"00000000-0000-7000-8000-000000000000"}})
}

func webhookCalls() map[string]cell {
	const list, one = "/v1/organizations/{organization}/webhooks", "/v1/organizations/{organization}/webhooks/{webhook}"
	text := "Ours"
	made := func(again bool) cell { // what makes one, or needs another, which is gone afterwards
		return func(t testing.TB, w *world) shot {
			s := shot{path: "/v1/organizations/" + w.acme.ID + "/webhooks", body: api.CreateWebhook{URL: "https://hooks.example.com/"}, undo: w.dropWebhooks}
			if again {
				var hook api.IssuedWebhook
				w.must(t, "POST", s.path, s.body, &hook)
				s.path, s.body = s.path+"/"+hook.ID, nil
			}
			return s
		}
	}
	return map[string]cell{
		"POST " + list:               made(false),
		"GET " + list:                fixed("/v1/organizations/ACME/webhooks", nil),
		"GET " + one:                 hooked("", nil),
		"PATCH " + one:               hooked("", api.UpdateWebhook{Description: &text}),
		"DELETE " + one:              made(true),
		"POST " + one + "/rotate":    hooked("/rotate", api.RotateWebhook{}),
		"POST " + one + "/test":      hooked("/test", nil),
		"GET " + one + "/deliveries": hooked("/deliveries", nil),
		"POST " + one + "/deliveries/{delivery}/redeliver": hooked("/deliveries/DELIVERY/redeliver", nil),
	}
}

// hooked is a call on the webhook of Acme, which has a delivery.
func hooked(path string, body any) cell {
	return func(t testing.TB, w *world) shot {
		t.Helper()
		hooks := "/v1/organizations/" + w.acme.ID + "/webhooks"
		if w.hook == "" {
			var made api.IssuedWebhook
			var told api.WebhookDelivery
			w.must(t, "POST", hooks, api.CreateWebhook{URL: "https://hooks.example.com/", Events: []string{"test"}}, &made)
			w.must(t, "POST", hooks+"/"+made.ID+"/test", nil, &told)
			w.hook, w.told = made.ID, told.ID
		}
		return shot{path: hooks + "/" + w.hook + strings.ReplaceAll(path, "DELIVERY", w.told), body: body}
	}
}

// dropWebhooks deletes those that were made on the way: there can't be many.
func (w *world) dropWebhooks() {
	hooks := "/v1/organizations/" + w.acme.ID + "/webhooks"
	var list api.List[api.Webhook]
	_ = w.operator.Call(context.Background(), "GET", hooks, nil, &list)
	for _, hook := range list.Items {
		if hook.ID != w.hook {
			_ = w.operator.Call(context.Background(), "DELETE", hooks+"/"+hook.ID, nil, nil)
		}
	}
}

// invited is a call on a new invitation.
func invited(path string) cell {
	return func(t testing.TB, w *world) shot {
		var made api.IssuedInvitation
		w.must(t, "POST", "/v1/organizations/"+w.acme.ID+"/invitations", api.Invite{Email: "withdrawn@acme.test", Role: "guest"}, &made)
		return shot{path: "/v1/organizations/" + w.acme.ID + path + made.ID}
	}
}

// leaving is a call that ends a membership, which another begins again.
func leaving(path, method, again string, body any) cell {
	return func(t testing.TB, w *world) shot {
		s := fixed(path, nil)(t, w)
		s.undo = func() {
			_ = w.operator.Call(context.Background(), method, fixed(again, nil)(t, w).path, body, nil) // a conflict where nobody left
		}
		return s
	}
}

// transports put a secret into a request, each in its way.
var transports = []struct {
	name string
	put  func(r *http.Request, secret string)
}{
	{"bearer", func(r *http.Request, s string) { r.Header.Set("Authorization", "Bearer "+s) }},
	{"bare", func(r *http.Request, s string) { r.Header.Set("Authorization", s) }},
	{"x-api-key", func(r *http.Request, s string) { r.Header.Set("X-API-Key", s) }},
	{"form-user", func(r *http.Request, s string) { r.Header.Set("Authorization", "FormUser "+s+",email:a@b.test") }},
	{"basic", func(r *http.Request, s string) {
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("x:"+s)))
	}},
	{"cookie", func(r *http.Request, s string) { r.Header.Set("Cookie", "session="+s+"; token="+s) }},
	{"query", func(r *http.Request, s string) { r.URL.RawQuery = "access_token=" + url.QueryEscape(s) }},
}

// present makes a shot as a caller, with the secret in a certain place.
func (w *world) present(t testing.TB, method string, s shot, put func(*http.Request, string), secret string) int {
	t.Helper()
	r := request{method: method, path: s.path, body: s.body}
	req := w.build(t, r)
	put(req, secret)
	return w.send(t, r, req).status
}

// golden compares a text with a golden file, or writes it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	old, now := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range max(len(old), len(now)) {
		before, after := "(nothing)", "(nothing)"
		if i < len(old) {
			before = old[i]
		}
		if i < len(now) {
			after = now[i]
		}
		if before != after {
			t.Errorf("%s:%d\ngot  %s\nwant %s", path, i+1, after, before)
		}
	}
	t.Errorf("%s: if the change is meant, run this test with -update and read the difference", path)
}

// row writes one line of a table in the golden file.
func row(b *bytes.Buffer, head string, cells []string) {
	fmt.Fprintf(b, "%-100s", head)
	for _, c := range cells {
		fmt.Fprintf(b, " %-8s", c)
	}
	b.Truncate(len(bytes.TrimRight(b.Bytes(), " ")))
	b.WriteByte('\n')
}

// columns are the callers of the matrix, in order.
func (w *world) columns() []string {
	names := []string{"none"}
	for _, c := range w.callers() {
		names = append(names, c.name)
	}
	for _, name := range signedIn {
		if w.secrets[name] != "" { // where a test has them sign in
			names = append(names, name)
		}
	}
	return append(names, "operator")
}

// home puts a secret where a credential of that caller belongs.
func home(name string) func(*http.Request, string) {
	for _, tr := range transports {
		if name == "token" && tr.name == "form-user" {
			return tr.put
		}
	}
	return transports[0].put
}
