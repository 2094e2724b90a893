package bunship_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// founded makes an organization by a call, and returns where it is.
func (p *person) founded(name, slug string) string {
	p.w.t.Helper()
	a := p.do("POST", "/organizations", map[string]any{"name": name, "slug": slug})
	a.want(201)
	return "/organizations/" + a.text("id")
}

// What is said of an organization when it is made and changed, who may, and what
// is wrong with it. It has a number beside its id.
func TestBSD44_BSO23_Organizations(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, eve := w.member("ada", credential.Owner), w.personOf(w.other, "eve", credential.Owner)
		eve.signIn()
		a := ada.do("POST", "/organizations", map[string]any{"name": "Beta Games", "slug": "beta-games", "description": "We make games.", "logoUrl": "https://beta.test/logo.png"})
		a.want(201)
		a.wantMembers("", "id", "number", "name", "slug", "description", "logoUrl", "settings", "createdBy", "createdAt", "updatedAt")
		a.wantID("id", "org")
		a.wantTime("createdAt", w.clock.now())
		a.wantTime("updatedAt", w.clock.now())
		if a.text("name") != "Beta Games" || a.text("slug") != "beta-games" || a.text("description") != "We make games." || a.text("logoUrl") != "https://beta.test/logo.png" ||
			len(a.members("settings")) != 0 || a.text("createdBy") != authority.PublicID("usr", ada.id) || a.get("number") != float64(w.other.Number+1) {
			t.Errorf("got %s", a.body)
		}
		path := "/organizations/" + a.text("id")

		t.Run("settings are merged, what isn't named stays", func(t *testing.T) {
			ada.do("PATCH", path, map[string]any{"settings": map[string]any{"theme": "dark", "mail": map[string]any{"daily": true}}}).want(200)
			w.clock.advance(day / 100)
			ada.take(ada.renew())
			a := ada.do("PATCH", path, map[string]any{"name": "Beta", "logoUrl": "", "settings": map[string]any{"theme": nil, "seats": 5}})
			a.want(200)
			a.wantMembers("settings", "mail", "seats")
			a.wantTime("updatedAt", w.clock.now())
			if a.text("name") != "Beta" || a.get("logoUrl") != nil || a.text("slug") != "beta-games" || a.get("settings.mail.daily") != true {
				t.Errorf("got %s", a.body)
			}
			if got := ada.do("GET", path, nil); got.body != a.body {
				t.Errorf("it is %s then, and %s when it is read", a.body, got.body)
			}
			if got := ada.do("GET", strings.Replace(path, a.text("id"), "3", 1), nil); got.body != a.body {
				t.Errorf("by its number it is %s", got.body)
			}
		})
		t.Run("bad input", func(t *testing.T) {
			for field, wrong := range map[string][]any{
				"name":        {"", strings.Repeat("x", 101), "a\x00b"},
				"slug":        {"", "ab", "Acme", "a--b", "-ab", "ab-", "a_b", strings.Repeat("x", 51), "org-12"},
				"description": {strings.Repeat("x", 501)},
				"logoUrl":     {"http://x.test/", "nonsense", "https://"},
			} {
				for _, value := range wrong {
					body := map[string]any{"name": "X", "slug": "some-slug"}
					body[field] = value
					ada.do("POST", "/organizations", body).invalid("making", field)
					ada.do("PATCH", path, map[string]any{field: value}).invalid("changing", field)
				}
			}
			ada.do("POST", "/organizations", map[string]any{"slug": "some-slug"}).invalid("without a name", "name")
			ada.do("POST", "/organizations", map[string]any{"name": "X"}).invalid("without a slug", "slug")
			ada.do("PATCH", path, map[string]any{"settings": map[string]any{"x": strings.Repeat("x", 10_000)}}).invalid("very large", "settings")
			taken := ada.do("POST", "/organizations", map[string]any{"name": "Another", "slug": "beta-games"})
			taken.want(409)
			if taken.text("error.details.field") != "slug" {
				t.Errorf("a slug that is taken: %s", taken.body)
			}
			eve.do("PATCH", "/organizations/"+orgID(w.other), map[string]any{"slug": "beta-games"}).refused("a slug that is taken", 409, "slug: another organization has it")
		})
		t.Run("who may", func(t *testing.T) {
			eve.do("GET", path, nil).refused("no member", 404, "no such organization")
			ada.do("GET", "/organizations/org_"+strings.Repeat("0", 31)+"1", nil).refused("one that isn't there", 404, "no such organization")
			own := "/organizations/" + orgID(w.org)
			reader, _ := ada.madeKey("read:members")
			writer, _ := ada.madeKey("write:members", "read:webhooks")
			w.do("GET", own, nil, apiKey(reader)).want(200)
			w.do("GET", path, nil, apiKey(reader)).refused("a key of another", 404, "no such organization")
			w.do("GET", own, nil, apiKey(writer)).refused("a key without the scope", 403, "Missing required scope: read:members")
			w.do("PATCH", own, map[string]any{"name": "X"}, apiKey(reader)).refused("a key", 403, "An organization is changed by an owner or admin who has signed in")
			w.do("POST", "/organizations", map[string]any{"name": "X", "slug": "by-a-key"}, apiKey(reader)).refused("a key", 403, "sign in for this")
			for role, may := range map[credential.Role]int{credential.Admin: 200, credential.Member: 403, credential.Guest: 403} {
				p := w.member("a-"+string(role), role)
				p.do("GET", own, nil).want(200)
				p.do("PATCH", own, map[string]any{"description": "by " + string(role)}).want(may)
				p.do("DELETE", own, nil).want(403)
			}
		})
	})
}

// Where the operator alone makes accounts, organizations are the operator's
// matter too; and nobody owns any number of them.
func TestBSD44_Bounds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		w := newWorld(t, cfg, nil)
		ada := w.member("ada", credential.Owner)
		for i := range 19 {
			ada.founded("One more", "one-more-"+string(rune('a'+i)))
		}
		ada.do("POST", "/organizations", map[string]any{"name": "The 21st", "slug": "the-21st"}).refused("one too many", 409, "a user owns at most 20")
		closed := newWorld(t, storetestAgain(t, cfg), func(c *authority.Config) { c.Accounts.Closed = true })
		closed.member("bob", credential.Owner).do("POST", "/organizations", map[string]any{"name": "X", "slug": "xxx"}).refused("a closed installation", 403, "organizations are made by")
	})
}

// storetestAgain is another new database of the same sort.
func storetestAgain(t *testing.T, cfg store.Config) store.Config {
	t.Helper()
	if cfg.DatabaseURL == "" {
		return storetest.SQLite(t)
	}
	return storetest.Postgres(t)
}

// The owner deletes an organization: what acts in it stops with the next call,
// its slug is free, and whoever was in it is in the others as before.
func TestBSD44_Deleted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.member("ada", credential.Owner), w.member("bob", credential.Guest)
		path := ada.founded("Beta Games", "beta-games")
		key := ada.do("POST", path+"/api-keys", map[string]any{"name": "CI", "scopes": []string{"*"}})
		key.want(200)
		own, _ := ada.madeKey("*")
		hook := ada.do("POST", path+"/webhooks", map[string]any{"url": "https://hooks.example.com/"})
		hook.want(200)
		if a := ada.do("GET", "/users/me/organizations", nil); a.get("total") != 2.0 {
			t.Fatalf("there are %s", a.body)
		}
		a := ada.do("DELETE", path, nil)
		a.want(200)
		a.wantMembers("", "success", "message")
		w.do("GET", path+"/members", nil, apiKey(key.text("data.key"))).refused("its key", 401, "API key is inactive")
		w.do("GET", membersOf(w.org), nil, apiKey(own)).want(200)
		for _, call := range []string{"", "/members", "/invitations", "/api-keys", "/audit-logs"} {
			ada.do("GET", path+call, nil).refused("its owner", 404, "no such organization")
		}
		ada.do("DELETE", path, nil).refused("once more", 404, "no such organization")
		if a := ada.do("GET", "/users/me/organizations", nil); a.get("total") != 1.0 || a.text("organizations.0.id") != orgID(w.org) {
			t.Errorf("there are %s", a.body)
		}
		if got := queryTexts(t, storetest.Raw(t, w.cfg), `SELECT active FROM webhooks`); len(got) != 1 || got[0] != "0" {
			t.Errorf("its webhook is on: %v", got)
		}
		ada.founded("Beta Games again", "beta-games")
		bob.do("GET", membersOf(w.org), nil).want(200)
	})
}

// The list of one's organizations, at both addresses, with role and membership;
// it is paged where that is asked for.
func TestBSD45_BSD5_MyOrganizations(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Guest)
		w.clock.advance(day / 100)
		ada.take(ada.renew())
		path := ada.founded("Beta Games", "beta-games")
		a := ada.do("GET", "/users/me/organizations", nil)
		a.want(200)
		a.wantMembers("", "organizations", "total", "page", "pageSize", "hasMore")
		a.wantMembers("organizations.0", "id", "number", "name", "slug", "logoUrl", "role", "membershipId", "joinedAt")
		a.wantID("organizations.0.membershipId", "mbr")
		a.wantTime("organizations.1.joinedAt", w.clock.now())
		if a.text("organizations.0.id") != orgID(w.org) || a.text("organizations.0.role") != "viewer" || a.text("organizations.0.slug") != "org-1" || a.get("organizations.0.logoUrl") != nil ||
			"/organizations/"+a.text("organizations.1.id") != path || a.text("organizations.1.role") != "owner" || a.text("organizations.1.slug") != "beta-games" ||
			a.text("organizations.0.membershipId") == a.text("organizations.1.membershipId") {
			t.Errorf("got %s", a.body)
		}
		if got := ada.do("GET", "/organizations", nil); got.body != a.body {
			t.Errorf("the other address says %s", got.body)
		}
		second := ada.do("GET", "/organizations?page=2&pageSize=1", nil)
		if second.want(200); len(second.list("organizations")) != 1 || second.text("organizations.0.slug") != "beta-games" || second.get("total") != 2.0 || second.get("hasMore") != false {
			t.Errorf("the second page is %s", second.body)
		}
		key := w.member("bob", credential.Owner)
		text, _ := key.madeKey("*")
		w.do("GET", "/users/me/organizations", nil, apiKey(text)).refused("a key", 403, "sign in for this")
	})
}

// Lists are whole, or paged by page and pageSize: of 20 items, or of up to 100.
func TestBSD5_Pages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		for i := range 24 {
			_, err := w.CreateServiceUser(background, w.op, w.org.ID, authority.ServiceRequest{Name: "Robot " + string(rune('A'+i)), Role: credential.Guest})
			w.ok(err)
		}
		seen := map[string]bool{}
		for query, want := range map[string]struct {
			items, page, size int
			more              bool
		}{
			"": {25, 1, 1000, false}, "?page=1": {20, 1, 20, true}, "?page=2": {5, 2, 20, false}, "?page=3": {0, 3, 20, false},
			"?pageSize=100": {25, 1, 100, false}, "?pageSize=5&page=5": {5, 5, 5, false}, "?pageSize=5&page=4": {5, 4, 5, true},
		} {
			a := ada.do("GET", membersOf(w.org)+query, nil)
			a.want(200)
			if len(a.list("members")) != want.items || a.get("total") != 25.0 || a.get("page") != float64(want.page) || a.get("pageSize") != float64(want.size) || a.get("hasMore") != want.more {
				t.Errorf("%q: %d items, %v %v %v", query, len(a.list("members")), a.get("page"), a.get("pageSize"), a.get("hasMore"))
			}
			if strings.HasPrefix(query, "?page=") {
				for _, m := range a.list("members") {
					id := m.(map[string]any)["id"].(string)
					if seen[id] {
						t.Errorf("%s is on two pages", id)
					}
					seen[id] = true
				}
			}
		}
		if len(seen) != 25 {
			t.Errorf("on all pages there are %d", len(seen))
		}
		for query, field := range map[string]string{"page=0": "page", "page=x": "page", "page=01": "page", "page=501": "page", "pageSize=0": "pageSize", "pageSize=101": "pageSize", "page=101&pageSize=100": "page", "limit=3": "limit"} {
			ada.do("GET", membersOf(w.org)+"?"+query, nil).invalid(query, field)
		}
	})
}

// Load balancers ask whether the process runs and whether it can answer.
func TestBSD7_Health(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		var st *store.Store
		w := newWorld(t, cfg, func(c *authority.Config) { st = c.Store })
		a := w.do("GET", "//health", nil)
		a.want(200)
		a.wantMembers("", "status", "timestamp")
		a.wantTime("timestamp", w.clock.now())
		a = w.do("GET", "//health/ready", nil)
		a.want(200)
		a.wantMembers("", "status", "timestamp", "checks")
		if a.text("status") != "ok" || a.text("checks.database") != "ok" {
			t.Errorf("got %s", a.body)
		}
		w.ok(st.Close())
		a = w.do("GET", "//health/ready", nil)
		if a.status != 503 || a.text("status") != "error" || a.text("checks.database") != "error" {
			t.Errorf("without a database: %d %s", a.status, a.body)
		}
		w.do("GET", "//health", nil).want(200)
	})
}
