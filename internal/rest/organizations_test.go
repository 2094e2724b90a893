package rest_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

func TestOrganizations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		if w.acme.Number != 1 || w.other.Number != 2 || w.acme.State != "active" || !strings.HasPrefix(w.acme.BunShipID, "org_") {
			t.Errorf("got %+v and %+v", w.acme, w.other)
		}
		for _, name := range []string{w.acme.ID, "1", w.acme.BunShipID} {
			var got api.Organization
			if w.do(t, request{method: "GET", path: "/v1/organizations/" + name, as: "guest"}).decode(t, &got); got != w.acme {
				t.Errorf("%s: got %+v", name, got)
			}
		}
		var list api.List[api.Organization]
		if w.do(t, request{method: "GET", path: "/v1/organizations", as: "guest"}).decode(t, &list); len(list.Items) != 1 || list.Items[0].ID != w.acme.ID {
			t.Errorf("a guest sees %+v", list.Items)
		}
		if w.do(t, request{method: "GET", path: "/v1/organizations", as: "wide"}).decode(t, &list); len(list.Items) != 2 {
			t.Errorf("the installation's key sees %+v", list.Items)
		}
		var got api.Organization
		if w.must(t, "POST", "/v1/organizations/1/suspend", nil, &got); got.State != "suspended" || got.SuspendedAt == nil {
			t.Errorf("suspended: got %+v", got)
		}
		for _, name := range []string{"key", "owner", "live", "onetest"} {
			if code := w.code(t, w.secrets[name]); code != "owner_inactive" {
				t.Errorf("%s of a suspended organization is %s", name, code)
			}
		}
		if code := w.code(t, w.secrets["far"]); code != "ok" {
			t.Errorf("the other organization's key is %s", code)
		}
		got = api.Organization{}
		if w.must(t, "POST", "/v1/organizations/1/resume", nil, &got); got != w.acme || w.code(t, w.secrets["key"]) != "ok" {
			t.Errorf("resumed: got %+v", got)
		}
	})
}

func TestMembersAndProjects(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		org := "/v1/organizations/" + w.acme.ID
		var members api.List[api.User]
		w.do(t, request{method: "GET", path: org + "/members", as: "guest"}).decode(t, &members)
		roles := map[string]string{}
		for _, m := range members.Items {
			roles[m.Email] = m.Role
		}
		if want := map[string]string{"owner@acme.test": "owner", "admin@acme.test": "admin", "member@acme.test": "member", "lead@acme.test": "member", "guest@acme.test": "guest", "extra@acme.test": "member"}; fmt.Sprint(roles) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", roles, want)
		}
		var added api.User
		w.must(t, "POST", org+"/members", api.CreateUser{Email: " Grace.Hopper+x@ACME.test ", Name: "Grace", Role: "guest", Password: "a long enough phrase"}, &added)
		if added.Email != "grace.hopper+x@acme.test" {
			t.Errorf("the address is kept as %q", added.Email)
		}
		for _, name := range []string{added.ID, "usr_" + strings.ReplaceAll(added.ID, "-", ""), "GRACE.hopper+x@acme.test"} {
			w.must(t, "PUT", org+"/members/"+url.PathEscape(name), api.SetRole{Role: "admin"}, nil)
		}
		w.must(t, "POST", "/v1/organizations/2/members", api.CreateUser{Email: "grace.hopper+x@acme.test", Name: "Grace", Role: "member"}, nil)
		w.must(t, "DELETE", org+"/members/"+added.ID, nil, nil)
		if a := w.do(t, request{method: "PUT", path: org + "/members/" + added.ID, as: "operator", body: `{"role":"guest"}`}); a.status != 404 {
			t.Errorf("the role of who left: got %d %s, want 404", a.status, a.body)
		}
		for as, want := range map[string]string{"owner": "Alpha Hidden Spare", "member": "Alpha Spare", "guest": "Alpha Spare", "onetest": "Alpha", "key": "Alpha Hidden Spare"} {
			var list api.List[api.Project]
			w.do(t, request{method: "GET", path: org + "/projects", as: as}).decode(t, &list)
			var names []string
			for _, p := range list.Items {
				names = append(names, p.Name)
			}
			if slices.Sort(names); strings.Join(names, " ") != want {
				t.Errorf("%s sees projects %v, want %s", as, names, want)
			}
		}
		for _, name := range []string{w.alpha.ID, w.alpha.BetaHubID, w.alpha.TestKaseID} {
			var p api.Project
			if w.do(t, request{method: "GET", path: org + "/projects/" + name, as: "member"}).decode(t, &p); p != w.alpha {
				t.Errorf("%s: got %+v, want %+v", name, p, w.alpha)
			}
		}
		var p api.Project
		if w.do(t, request{method: "POST", path: org + "/projects/" + w.alpha.ID + "/archive", as: "owner"}).decode(t, &p); p.State != "archived" || w.code(t, w.secrets["onetest"]) != "owner_inactive" {
			t.Errorf("archived: %+v, its key is %s", p, w.code(t, w.secrets["onetest"]))
		}
		p = api.Project{}
		if w.do(t, request{method: "POST", path: org + "/projects/" + w.alpha.ID + "/restore", as: "owner"}).decode(t, &p); p != w.alpha || w.code(t, w.secrets["onetest"]) != "ok" {
			t.Errorf("restored: %+v, its key is %s", p, w.code(t, w.secrets["onetest"]))
		}
	})
}

func TestAudit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		a := w.do(t, request{method: "POST", path: "/v1/credentials/" + w.records["live"].ID + "/suspend", as: "owner"})
		var all []api.Event
		for after := int64(0); ; {
			var page api.List[api.Event]
			w.do(t, request{method: "GET", path: fmt.Sprintf("/v1/audit/events?limit=7&after=%d", after), as: "owner"}).decode(t, &page)
			if len(page.Items) == 0 {
				break
			}
			all, after = append(all, page.Items...), page.Items[len(page.Items)-1].Sequence
		}
		for i, e := range all {
			if e.Sequence != int64(i+1) || e.Chain != w.acme.ID || i > 0 && e.Previous != all[i-1].Hash {
				t.Errorf("event %d: %+v", i, e)
			}
		}
		last := all[len(all)-1]
		want := api.Event{Chain: w.acme.ID, Sequence: last.Sequence, At: last.At, Actor: "credential:" + w.records["owner"].ID, Subject: "user:" + w.records["owner"].User, Action: "credential.suspend",
			Target: "credential:" + w.records["live"].ID, Address: "127.0.0.1", Request: a.header.Get("X-Request-Id"), Detail: last.Detail, Previous: last.Previous, Hash: last.Hash}
		if last != want {
			t.Errorf("got  %+v\nwant %+v", last, want)
		}
		for as, chains := range map[string]int{"owner": 1, "operator": 3, "wide": 3, "far": 1} {
			var report api.List[api.AuditReport]
			w.do(t, request{method: "GET", path: "/v1/audit/verify", as: as}).decode(t, &report)
			if len(report.Items) != chains {
				t.Errorf("%s gets %d reports, want %d", as, len(report.Items), chains)
			}
			for _, r := range report.Items {
				if !r.OK || r.Chain == w.acme.ID && r.Events != last.Sequence {
					t.Errorf("%s: %+v", as, r)
				}
			}
		}
		if _, err := storetest.Raw(t, cfg).Exec(`UPDATE audit_events SET actor = 'intruder' WHERE chain = $1 AND sequence = 3`, w.acme.ID); err != nil {
			t.Fatal(err)
		}
		var report api.List[api.AuditReport]
		w.do(t, request{method: "GET", path: "/v1/audit/verify?organization=1", as: "owner"}).decode(t, &report)
		if got := report.Items[0]; got.OK || got.Broken != 3 || got.Events != 2 {
			t.Errorf("a changed event: got %+v, want broken at 3", got)
		}
	})
}

// Whoever may act on its own organization names it as it likes: the number is
// as good as the UUID, whatever else the credential may not read.
func TestOrganizationByNumberNeedsNoOtherPermission(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.issue(t, "narrow", api.CreateCredential{Scheme: "gatehouse_key", Name: "narrow", Organization: w.acme.ID, Scopes: []string{"projects:read", "audit:read", "credentials:read"}})
	for _, path := range []string{"/v1/organizations/%s/projects", "/v1/audit/events?organization=%s", "/v1/credentials?organization=%s"} {
		for _, name := range []string{w.acme.ID, w.acme.BunShipID, "1"} {
			if a := w.do(t, request{method: "GET", path: fmt.Sprintf(path, name), as: "narrow"}); a.status != 200 {
				t.Errorf(path+": got %d %s", name, a.status, a.body)
			}
		}
	}
}
