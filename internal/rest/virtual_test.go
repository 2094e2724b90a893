package rest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// virtualUser has a token of a project vouch for somebody, and returns who it is.
func (w *world) virtualUser(t testing.TB, p api.Project) uuid.UUID {
	t.Helper()
	ctx := context.Background()
	made := w.issue(t, "vouching", api.CreateCredential{Scheme: "betahub_project_token", Name: "In-game", Organization: p.Organization, Project: p.ID,
		Scopes: []string{"can_create_bug_report"}})
	number := strings.TrimPrefix(p.BetaHubID, "pr-")
	var ref store.ProjectRef
	if _, err := fmt.Sscan(number, &ref.Number); err != nil {
		t.Fatal(err)
	}
	d, err := w.authority.Verify(ctx, w.secrets["vouching"], authority.Verification{})
	if err != nil || d.Code != credential.OK {
		t.Fatalf("%s: %v, %v", made.ID, d.Code, err)
	}
	work := workspace.New(workspace.Config{Store: w.store, Now: w.clock.now})
	issue, err := work.CreateIssue(ctx, &d.Principal, ref, workspace.IssueDraft{Title: "It freezes", From: workspace.ParseClaim("email:" + uuid.NewString() + "@player.test")})
	if err != nil {
		t.Fatal(err)
	}
	return issue.Reporter.ID
}

// Virtual users are listed a page at a time, and are forgotten for good; what
// they wrote stays.
func TestVirtualUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, cfg)
		base := "/v1/organizations/" + w.acme.ID + "/projects/" + w.alpha.BetaHubID + "/virtual-users"
		made := []uuid.UUID{w.virtualUser(t, w.alpha), w.virtualUser(t, w.alpha), w.virtualUser(t, w.alpha)}
		w.virtualUser(t, w.spare)
		var first, rest api.List[api.VirtualUser]
		w.must(t, "GET", base+"?limit=2", nil, &first)
		w.must(t, "GET", base+"?limit=2&cursor="+first.NextCursor, nil, &rest)
		all := append(first.Items, rest.Items...)
		if len(all) != 3 || rest.NextCursor != "" {
			t.Fatalf("got %v and %v", first, rest)
		}
		for i, v := range all {
			if v.ID != made[i].String() || v.Kind != "email" || !strings.HasSuffix(v.Value, "@player.test") || v.Number == 0 {
				t.Errorf("got %+v, want %s", v, made[i])
			}
		}
		other := strings.Replace(base, w.alpha.BetaHubID, w.spare.BetaHubID, 1) + "?cursor=" + first.NextCursor
		if a := w.do(t, request{method: "GET", path: other, as: "owner"}); a.status != 422 {
			t.Errorf("a cursor of another project: got %d", a.status)
		}

		w.must(t, "DELETE", base+"/"+all[0].ID, nil, nil)
		for _, id := range []string{all[0].ID, "x", w.virtualUser(t, w.spare).String()} {
			if a := w.do(t, request{method: "DELETE", path: base + "/" + id, as: "owner"}); a.status != 404 {
				t.Errorf("DELETE %s: got %d", id, a.status)
			}
		}
		w.must(t, "GET", base, nil, &rest)
		if len(rest.Items) != 2 {
			t.Errorf("there are %v", rest.Items)
		}
		issue, err := w.store.Issue(context.Background(), uuid.MustParse(w.alpha.ID), 1)
		if err != nil || issue.Title != "It freezes" || !issue.Reporter.Virtual || issue.Reporter.Name != "" {
			t.Errorf("what was written is %+v, %v", issue, err)
		}
		if dump := storetest.Dump(t, storetest.Raw(t, cfg), "virtual_users", "audit_events", "issues"); strings.Contains(dump, all[0].Value) {
			t.Error("the address of who was forgotten is kept")
		}
	})
}
