package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// nobody is the id of nothing.
const nobody = "01890000-0000-7000-8000-00000000abcd"

// aimed is a route's path and body with the ids of one organization, or ids
// that nobody has.
func aimed(w *world, r edge.Route, ids map[string]string) request {
	pairs := []string{"{session}", nobody}
	for name, id := range ids {
		pairs = append(pairs, "{"+name+"}", id)
	}
	s := request{method: r.Method, path: strings.NewReplacer(pairs...).Replace(r.Pattern)}
	switch {
	case strings.HasSuffix(r.Pattern, "/jwks") && r.Method == http.MethodPut:
		s.body = publicKey("aimed")
	case strings.HasSuffix(r.Pattern, "/sign-in-provider") && r.Method == http.MethodPut:
		s.body = signInProvider
	case (strings.HasSuffix(r.Pattern, "/policy") || strings.HasSuffix(r.Pattern, "/limits")) && r.Method == http.MethodPut:
		s.body = `{}`
	case strings.HasSuffix(r.Pattern, "/{budget}") && r.Method == http.MethodPut, strings.HasSuffix(r.Pattern, "/top-up"), strings.HasSuffix(r.Pattern, "/settle"):
		s.body = `{"coins":5}`
		if strings.HasSuffix(r.Pattern, "/settle") {
			s.body = `{"cost":0}`
		}
	case strings.HasSuffix(r.Pattern, "/{upload}"):
		s.body = `{"digest":"` + digest + `","batches":1}`
	case strings.HasSuffix(r.Pattern, "/{batch}"):
		s.body = `{"results":[{"name":"t","status":"passed","duration_ms":1}]}`
	case strings.HasSuffix(r.Pattern, "/runs") && r.Method == http.MethodPost:
		s.body = `{"key":"x"}`
	case r.Method == http.MethodPut:
		s.body = `{"role":"guest"}`
	case strings.HasSuffix(r.Pattern, "/projects") && r.Method == http.MethodPost:
		s.body = `{"name":"x"}`
	case strings.HasSuffix(r.Pattern, "/service-users"):
		s.body = `{"name":"x","role":"guest"}`
	case strings.HasSuffix(r.Pattern, "/members") && r.Method == http.MethodPost:
		s.body = `{"email":"x@x.test","name":"x","role":"guest"}`
	case strings.Contains(r.Pattern, "/webhooks/{webhook}") && r.Method == http.MethodPatch:
		s.body = `{"description":"x"}`
	case strings.HasSuffix(r.Pattern, "/webhooks") && r.Method == http.MethodPost:
		s.body = `{"url":"https://hooks.example.com/"}`
	case r.Method == http.MethodPatch:
		s.body = `{"name":"x"}`
	}
	return s
}

// farSpend is what the other organization has paid for something.
func (w *world) farSpend(t testing.TB) string {
	t.Helper()
	coins, cost := int64(50), int64(1)
	w.must(t, "PUT", "/v1/organizations/"+w.other.ID+"/budgets/"+w.other.ID, api.SetBudget{Coins: &coins}, nil)
	var d api.Decision
	secret := w.secrets["far"]
	w.must(t, "POST", "/v1/verify", api.Verify{Credential: &secret, Cost: &cost}, &d)
	if d.Spend == nil {
		t.Fatalf("nothing was paid: %+v", d)
	}
	return d.Spend.ID
}

// S-6: whatever names another organization's thing is answered as if it named
// nothing, byte for byte but for the request id.
func TestS6_ForeignIsLikeUnknown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		var hook api.IssuedWebhook
		var told api.WebhookDelivery
		w.must(t, "POST", "/v1/organizations/"+w.other.ID+"/webhooks", api.CreateWebhook{URL: "https://hooks.example.com/"}, &hook)
		w.must(t, "POST", "/v1/organizations/"+w.other.ID+"/webhooks/"+hook.ID+"/test", nil, &told)
		virtual := w.virtualUser(t, w.foreign).String()
		farRuns := w.operator.Runs(w.other.ID, w.foreign.ID)
		run, err := farRuns.Start(t.Context(), api.StartRun{Key: "far"})
		if err != nil {
			t.Fatal(err)
		}
		var rule api.TrustRule
		w.must(t, "POST", "/v1/organizations/"+w.other.ID+"/projects/"+w.foreign.ID+"/trust-rules", trustRule, &rule)
		foreign := map[string]string{"id": w.records["far"].ID, "organization": w.other.ID, "project": w.foreign.ID, "user": "owner@other.test", "webhook": hook.ID, "delivery": told.ID, "virtual": virtual, "budget": w.foreign.ID, "spend": w.farSpend(t), "rule": rule.ID, "run": run.ID, "upload": "u", "batch": "1", "file": "1", "test": nobody}
		unknown := map[string]string{"id": nobody, "organization": nobody, "project": nobody, "user": "nobody@other.test", "webhook": nobody, "delivery": nobody, "virtual": nobody, "budget": nobody, "spend": nobody, "rule": nobody, "run": nobody, "upload": "u", "batch": "1", "file": "1", "test": nobody}
		mixed := map[string]string{"id": w.records["far"].ID, "organization": w.acme.ID, "project": w.foreign.ID, "user": "owner@other.test", "webhook": hook.ID, "delivery": told.ID, "virtual": virtual, "budget": w.foreign.ID, "spend": w.farSpend(t), "rule": rule.ID, "run": run.ID, "upload": "u", "batch": "1", "file": "1", "test": nobody}
		before := w.checksum(t)
		tried := 0
		for _, r := range w.edge.Routes() {
			if !strings.Contains(r.Pattern, "{") {
				continue
			}
			for _, as := range []string{"key", "owner", "live", "static", "onetest", "member", "guest", "betahub"} {
				there, nowhere := aimed(w, r, foreign), aimed(w, r, unknown)
				there.as, nowhere.as = as, as
				a, b := w.do(t, there), w.do(t, nowhere)
				one, two := a.problem(t), b.problem(t)
				one.RequestID, two.RequestID = "", ""
				if one != two || a.status != 404 && a.status != 403 {
					t.Errorf("%s as %s: another organization's %d %+v\nnobody's %d %+v", nameOf(r), as, a.status, one, b.status, two)
				}
				if strings.Contains(r.Pattern, "{project}") || strings.Contains(r.Pattern, "{webhook}") || strings.Contains(r.Pattern, "{budget}") {
					inside := aimed(w, r, mixed)
					inside.as = as
					if a := w.do(t, inside); a.status != 404 && a.status != 403 {
						t.Errorf("%s as %s: another organization's below one's own: got %d %s", nameOf(r), as, a.status, a.body)
					}
				}
				tried++
			}
		}
		if tried < 100 {
			t.Errorf("only %d calls were tried", tried)
		}
		if after := w.checksum(t); after != before {
			t.Errorf("something was changed:\n%.2000s", difference(before, after))
		}
	})
}

func TestS6_ForeignInQueryAndBody(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	var far api.List[api.User]
	w.must(t, "GET", "/v1/organizations/"+w.other.ID+"/members", nil, &far)
	for _, c := range []struct{ name, path, foreign string }{
		{"organization", "/v1/credentials?organization=", w.other.ID}, {"project", "/v1/credentials?project=", w.foreign.ID},
		{"project by number", "/v1/credentials?project=", w.foreign.BetaHubID}, {"user", "/v1/credentials?user=", far.Items[0].ID},
		{"user by address", "/v1/credentials?user=", "owner@other.test"}, {"usage", "/v1/usage?organization=", w.other.ID}, {"usage export", "/v1/usage/export?organization=", w.other.ID}, {"spends", "/v1/usage/spends?organization=", w.other.ID},
		{"spends of a project", "/v1/usage/spends?project=", w.foreign.ID}, {"spends of a credential", "/v1/usage/spends?credential_id=", w.records["far"].ID}, {"usage of a project", "/v1/usage?project=", w.foreign.ID},
		{"usage of a credential", "/v1/usage?credential_id=", w.records["far"].ID}, {"audit", "/v1/audit/events?organization=", w.other.ID}, {"audit chain", "/v1/audit/verify?organization=", w.other.ID}, {"ledger", "/v1/ledger/verify?organization=", w.other.ID},
	} {
		missing := nobody
		if strings.Contains(c.foreign, "@") {
			missing = "nobody@other.test"
		}
		a, b := w.do(t, request{method: "GET", path: c.path + c.foreign, as: "owner"}), w.do(t, request{method: "GET", path: c.path + missing, as: "owner"})
		one, two := a.problem(t), b.problem(t)
		if one.RequestID, two.RequestID = "", ""; one != two {
			t.Errorf("%s: another organization's %+v\nnobody's %+v", c.name, one, two)
		}
	}
	for _, c := range []struct{ name, scheme, member, foreign string }{
		{"organization", "gatehouse_key", "organization", w.other.ID}, {"project", "onetest_key", "project", w.foreign.ID}, {"user", "betahub_pat", "user", far.Items[0].ID},
	} {
		try := func(id string) answer {
			in := map[string]any{"scheme": c.scheme, "name": "n", c.member: id}
			if c.scheme == "gatehouse_key" {
				in["scopes"] = []string{"projects:read"}
			}
			return w.do(t, request{method: "POST", path: "/v1/credentials", as: "owner", body: in})
		}
		a, b := try(c.foreign), try(nobody)
		one, two := a.problem(t), b.problem(t)
		if one.RequestID, two.RequestID = "", ""; one != two || a.status != 422 {
			t.Errorf("body, %s: another organization's %d %+v\nnobody's %+v", c.name, a.status, one, two)
		}
	}
}

// S-11: what may only read writes nothing, whatever it tries.
func TestS11_ReadersWriteNothing(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.issue(t, "reader", api.CreateCredential{Scheme: "gatehouse_key", Name: "reader", Organization: w.acme.ID,
		Scopes: []string{"credentials:read", "audit:read", "organization:read", "members:read", "projects:read"}})
	before := w.checksum(t)
	for _, as := range []string{"guest", "reader", "test"} {
		for _, r := range w.edge.Routes() {
			if _, needed := r.Access.Permission(); !needed || r.Pattern == "/v1/self/rotate" || r.Pattern == "/v1/self/revoke" {
				continue // one's own credential is everybody's to rotate and to revoke
			}
			for _, id := range []string{w.records["key"].ID, w.records[as].ID} {
				s := aimed(w, r, map[string]string{"id": id, "organization": w.acme.ID, "project": w.alpha.ID, "user": "extra@acme.test", "webhook": nobody, "delivery": nobody, "virtual": nobody, "budget": nobody, "spend": nobody, "rule": nobody})
				s.as = as
				if r.Pattern == "/v1/credentials" && r.Method == http.MethodPost {
					s.body = `{` + good + `}`
				}
				if a := w.do(t, s); r.Method != http.MethodGet && a.status < 400 {
					t.Errorf("%s as %s: got %d %s", nameOf(r), as, a.status, a.body)
				}
			}
		}
	}
	if after := w.checksum(t); after != before {
		t.Errorf("a reader wrote:\n%.2000s", difference(before, after))
	}
}

// S-10: a project's key sees nothing outside its project.
func TestS10_ProjectKeyStaysInItsProject(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	org := "/v1/organizations/" + w.acme.ID
	var projects api.List[api.Project]
	w.do(t, request{method: "GET", path: org + "/projects", as: "onetest"}).decode(t, &projects)
	if len(projects.Items) != 1 || projects.Items[0].ID != w.alpha.ID {
		t.Errorf("it lists %+v", projects.Items)
	}
	for _, p := range []string{w.hidden.ID, w.hidden.TestKaseID, w.hidden.BetaHubID, w.foreign.BetaHubID} {
		if a := w.do(t, request{method: "GET", path: org + "/projects/" + p, as: "onetest"}); a.status != 404 {
			t.Errorf("project %s: got %d %s, want 404", p, a.status, a.body)
		}
	}
	// Of the people it sees those of its project: member, lead and guest, and not the whole organization.
	a := w.do(t, request{method: "GET", path: org + "/members", as: "onetest"})
	if strings.Contains(string(a.body), "extra@acme.test") {
		t.Errorf("it lists the members of the whole organization: %.300s", a.body)
	}
}
