package rest_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

var trustRule = api.CreateTrustRule{Name: "CI", Provider: "github", RepositoryID: "123", Branch: "main", Scopes: []string{"results:write"}}

// trusting is a call about a trust rule that was just made.
func trusting(body any) cell {
	return func(t testing.TB, w *world) shot {
		rules := w.noRules(t)
		var made api.TrustRule
		w.must(t, "POST", rules, trustRule, &made)
		return shot{path: rules + "/" + made.ID, body: body}
	}
}

// noRules deletes the trust rules of a project, of which it has so many at most.
func (w *world) noRules(t testing.TB) (path string) {
	path = "/v1/organizations/" + w.acme.ID + "/projects/" + w.alpha.ID + "/trust-rules"
	var list api.List[api.TrustRule]
	if a := w.do(t, request{method: "GET", path: path, as: "operator"}); a.status == http.StatusOK { // there may be no database
		a.decode(t, &list)
	}
	for _, rule := range list.Items {
		w.must(t, "DELETE", path+"/"+rule.ID, nil, nil)
	}
	return path
}

// A trust rule is made, listed with the credentials of its project, changed by
// who knows its state, suspended as any credential is, and deleted.
func TestTrustRules(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, cfg)
		rules := "/v1/organizations/" + w.acme.ID + "/projects/" + w.alpha.TestKaseID + "/trust-rules"
		in := api.CreateTrustRule{Name: "GitLab", Provider: "gitlab", Issuer: "https://gitlab.example.com", Audience: "https://keys.example.com", RepositoryID: "7", OwnerID: "3",
			Tag: "v*", Environment: "production", Protected: true, Claims: []api.Claim{{Name: "runner_environment", Value: "gitlab-hosted"}}, Scopes: []string{"results:write", "artifacts:write"}, ExpiresIn: "90d"}
		var made, got api.TrustRule
		w.do(t, request{method: "POST", path: rules, as: "owner", body: in, header: http.Header{"Idempotency-Key": {"once"}}}).decode(t, &made)
		w.do(t, request{method: "POST", path: rules, as: "owner", body: in, header: http.Header{"Idempotency-Key": {"once"}}}).decode(t, &got)
		if got.ID != made.ID || made.ID == "" {
			t.Errorf("the same call makes %q and %q", made.ID, got.ID)
		}
		w.must(t, "GET", rules+"/"+made.ID, nil, &got)
		want := api.TrustRule{ID: made.ID, Name: "GitLab", Project: w.alpha.ID, Provider: "gitlab", Issuer: in.Issuer, Audience: in.Audience, RepositoryID: "7", OwnerID: "3", Tag: "v*",
			Environment: "production", Protected: true, Claims: in.Claims, Scopes: in.Scopes, State: "active", Version: made.Version}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(api.TrustRule{}, "CreatedAt", "CreatedBy", "ExpiresAt")); diff != "" || got.ExpiresAt == nil {
			t.Errorf("it ends at %v; %s", got.ExpiresAt, diff)
		}
		var before, list api.List[api.TrustRule]
		w.must(t, "POST", rules, trustRule, nil)
		w.must(t, "GET", rules+"?limit=1", nil, &before)
		first := before.Items
		w.must(t, "GET", rules+"?limit=1&cursor="+before.NextCursor, nil, &list)
		if len(first) != 1 || first[0].ID != made.ID || len(list.Items) != 1 || list.NextCursor != "" {
			t.Errorf("listed: %+v, then %+v", first, list)
		}
		if defaults := list.Items[0]; defaults.Issuer != "https://token.actions.githubusercontent.com" || defaults.Audience == "" {
			t.Errorf("what isn't said: %+v", defaults)
		}
		var record api.Credential
		w.must(t, "GET", "/v1/credentials/"+made.ID, nil, &record)
		if record.Scheme != "trust_rule" || record.Fingerprint != "" || record.Project != w.alpha.ID {
			t.Errorf("its credential: %+v", record)
		}
		w.must(t, "POST", "/v1/credentials/"+made.ID+"/suspend", nil, nil)
		w.must(t, "GET", rules+"/"+made.ID, nil, &got)
		if got.State != "suspended" {
			t.Errorf("suspended it is %s", got.State)
		}
		branch := "main"
		change := request{method: "PATCH", path: rules + "/" + made.ID, as: "owner", body: api.UpdateTrustRule{Branch: &branch, Tag: new(string)}, header: http.Header{"If-Match": {`"` + made.Version + `"`}}}
		if a := w.do(t, change); a.status != http.StatusPreconditionFailed {
			t.Errorf("a change of what it was before: %d %s", a.status, a.body)
		}
		change.header.Set("If-Match", `"`+got.Version+`"`)
		got = api.TrustRule{}
		w.do(t, change).decode(t, &got)
		if got.Branch != "main" || got.Tag != "" || got.Environment != "production" {
			t.Errorf("changed: %+v", got)
		}
		for what, in := range map[string]api.CreateTrustRule{
			"no repository": {Name: "x", Provider: "github", Scopes: trustRule.Scopes}, "no scopes": {Name: "x", Provider: "github", RepositoryID: "1"},
			"a scope of no project":        {Name: "x", Provider: "github", RepositoryID: "1", Scopes: []string{"members:read"}},
			"an issuer by HTTP":            {Name: "x", Provider: "github", Issuer: "http://ci.example.com", RepositoryID: "1", Scopes: trustRule.Scopes},
			"an issuer at home":            {Name: "x", Provider: "github", Issuer: "https://10.0.0.1", RepositoryID: "1", Scopes: trustRule.Scopes},
			"an issuer spelled otherwise":  {Name: "x", Provider: "github", Issuer: "https://CI.example.com", RepositoryID: "1", Scopes: trustRule.Scopes},
			"a claim twice":                {Name: "x", Provider: "other", Issuer: "https://ci.example.com", Claims: []api.Claim{{Name: "a", Value: "1"}, {Name: "a", Value: "2"}}, Scopes: trustRule.Scopes},
			"another issuer without claim": {Name: "x", Provider: "other", Issuer: "https://ci.example.com", Scopes: trustRule.Scopes},
		} {
			if a := w.do(t, request{method: "POST", path: rules, as: "owner", body: in}); a.status != http.StatusUnprocessableEntity {
				t.Errorf("%s: got %d %s, want 422", what, a.status, a.body)
			}
		}
		w.must(t, "DELETE", rules+"/"+made.ID, nil, nil)
		for _, id := range []string{made.ID, "x", w.records["key"].ID} {
			if a := w.do(t, request{method: "DELETE", path: rules + "/" + id, as: "owner"}); a.status != http.StatusNotFound {
				t.Errorf("deleted again, or no rule: %d %s", a.status, a.body)
			}
		}
		record = api.Credential{}
		w.must(t, "GET", "/v1/credentials/"+made.ID, nil, &record)
		if record.State != "revoked" {
			t.Errorf("the credential of a deleted rule is %s", record.State)
		}
	})
}
