package main

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Where the budget of an organization is used up, each dialect says so in its
// own shape of an error, and when to come again.
func TestExhaustedInDialects(t *testing.T) {
	t.Parallel()
	eachWhole(t, func(t *testing.T, w *whole) {
		var p api.Project
		w.must("POST", "/v1/organizations/"+w.org.ID+"/projects", api.CreateProject{Name: "Space Game"}, &p)
		w.must("POST", "/v1/organizations/"+w.org.ID+"/members", api.CreateUser{Email: "ada@acme.test", Name: "Ada", Role: "owner"}, nil)
		zero := int64(0)
		own := func(scheme string) api.CreateCredential {
			return api.CreateCredential{Scheme: scheme, User: "ada@acme.test", ExpiresIn: "90d"}
		}
		secrets := map[string]string{}
		for scheme, in := range map[string]api.CreateCredential{
			"onetest_key": {Scheme: "onetest_key", Project: p.ID}, "bunship_live": {Scheme: "bunship_live", Scopes: []string{"*"}}, "betahub_pat": own("betahub_pat"),
			"testkase_pat": own("testkase_pat"), "betatesting_static": {Scheme: "betatesting_static"},
		} {
			secrets[scheme] = w.issue(in).Secret
		}
		calls := map[string]string{
			"onetest_key": "/api/gateway/api/v1/tools", "bunship_live": "/api/v1/organizations/" + "org_" + strings.ReplaceAll(w.org.ID, "-", "") + "/members", "betahub_pat": "/projects.json",
			"testkase_pat": "/api/v1/test-cases?projectId=PRJ-1", "betatesting_static": "/api/external/v2/tests",
		}
		for scheme, path := range calls {
			if got := w.send("GET", path, nil, as(secrets[scheme])); got.status != 200 {
				t.Errorf("%s: got %d %s before", scheme, got.status, got.text)
			}
		}
		w.must("PUT", "/v1/organizations/"+w.org.ID+"/budgets/"+w.org.ID, api.SetBudget{Coins: &zero}, nil)
		for scheme, want := range map[string]string{
			"onetest_key":        `{"detail":"Weekly coin budget exhausted. 0 of 0 coins of the organization are used; it is renewed at 2026-01-09T03:04:05Z.","code":"budget_exhausted","budget":0,"used":0,"resets_at":"2026-01-09T03:04:05Z"}`,
			"bunship_live":       `{"success":false,"error":{"code":"RATE_LIMIT_EXCEEDED","message":"the weekly budget of the organization has no room for this call: 0 of 0 coins are spent; it is renewed at 2026-01-09T03:04:05Z"}}`,
			"betahub_pat":        `{"error":"the weekly budget of the organization has no room for this call: 0 of 0 coins are spent; it is renewed at 2026-01-09T03:04:05Z","status":"rate_limited"}`,
			"testkase_pat":       `{"status":429,"error":"Too Many Requests","message":"the weekly budget of the organization has no room for this call: 0 of 0 coins are spent; it is renewed at 2026-01-09T03:04:05Z"}`,
			"betatesting_static": `{"error":"rate_limited","message":"the weekly budget of the organization has no room for this call: 0 of 0 coins are spent; it is renewed at 2026-01-09T03:04:05Z"}`,
		} {
			got := w.send("GET", calls[scheme], nil, as(secrets[scheme]))
			if got.status != 429 || got.text != want || got.header.Get("Retry-After") != "604800" || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: got %d %s, %v; want %s", scheme, got.status, got.text, got.header, want)
			}
		}
	})
}
