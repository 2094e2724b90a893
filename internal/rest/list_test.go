package rest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// pages follows the cursors of a list to its end.
func (w *world) pages(t *testing.T, as, path string) (pages []api.List[api.Credential]) {
	t.Helper()
	for next := path; ; {
		var page api.List[api.Credential]
		w.do(t, request{method: "GET", path: next, as: as}).decode(t, &page)
		pages = append(pages, page)
		if page.NextCursor == "" {
			return pages
		}
		if len(pages) > 200 {
			t.Fatal("the list doesn't end")
		}
		next = path + "&cursor=" + url.QueryEscape(page.NextCursor)
	}
}

func TestH3_PagesOf120(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		var want []string
		for i := range 120 {
			c := w.issue(t, "many", api.CreateCredential{Scheme: "betahub_pat", Name: fmt.Sprint(i), Organization: w.acme.ID, User: "extra@acme.test"})
			want = append([]string{c.ID}, want...) // the newest first
		}
		pages := w.pages(t, "owner", "/v1/credentials?limit=50&scheme=betahub_pat&user=extra@acme.test")
		var got []string
		var sizes []int
		for _, page := range pages {
			sizes = append(sizes, len(page.Items))
			for _, c := range page.Items {
				got = append(got, c.ID)
			}
		}
		if !slices.Equal(sizes, []int{50, 50, 20}) || !slices.Equal(got, want) {
			t.Errorf("got pages of %v with %d ids, want 50 50 20 in order", sizes, len(got))
		}
		// What is made meanwhile stands before the first page and disturbs none.
		w.issue(t, "many", api.CreateCredential{Scheme: "betahub_pat", Name: "late", Organization: w.acme.ID, User: "extra@acme.test"})
		var second api.List[api.Credential]
		w.do(t, request{method: "GET", path: "/v1/credentials?limit=50&scheme=betahub_pat&user=extra@acme.test&cursor=" + pages[0].NextCursor, as: "owner"}).decode(t, &second)
		if second.Items[0].ID != want[50] {
			t.Error("a page moved when a credential was made")
		}
		if got := len(w.pages(t, "owner", "/v1/credentials?limit=1")); got < 120 {
			t.Errorf("one by one there are %d pages", got)
		}
		var all api.List[api.Credential]
		if w.do(t, request{method: "GET", path: "/v1/credentials", as: "owner"}).decode(t, &all); len(all.Items) != 50 {
			t.Errorf("without a limit: got %d, want 50", len(all.Items))
		}
		var most api.List[api.Credential]
		if w.do(t, request{method: "GET", path: "/v1/credentials?limit=200", as: "owner"}).decode(t, &most); len(most.Items) != 134 || most.NextCursor != "" {
			t.Errorf("with the largest: got %d and cursor %q", len(most.Items), most.NextCursor)
		}
	})
}

func TestH3_CursorsAreBound(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	cursor := func(as, path string) string {
		var page api.List[json.RawMessage]
		w.do(t, request{method: "GET", path: path, as: as}).decode(t, &page)
		if page.NextCursor == "" {
			t.Fatalf("%s has no second page", path)
		}
		return page.NextCursor
	}
	good := cursor("owner", "/v1/credentials?limit=2")
	refuse := func(name, as, path string) {
		t.Helper()
		if a := w.do(t, request{method: "GET", path: path, as: as}); a.status != 422 || a.problem(t).Field != "cursor" {
			t.Errorf("%s: got %d %.200s, want 422 cursor", name, a.status, a.body)
		}
	}
	for i := range len(good) {
		for _, c := range []byte{'A', '_', good[i] ^ 1} {
			if edited := good[:i] + string(c) + good[i+1:]; edited != good {
				refuse(fmt.Sprintf("byte %d", i), "owner", "/v1/credentials?limit=2&cursor="+url.QueryEscape(edited))
			}
		}
		refuse(fmt.Sprintf("cut at %d", i), "owner", "/v1/credentials?limit=2&cursor="+good[:i]+"=")
	}
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	refuse("padded", "owner", "/v1/credentials?cursor="+url.QueryEscape(base64.URLEncoding.EncodeToString(raw)))
	refuse("extended", "owner", "/v1/credentials?cursor="+good+"A")
	refuse("another principal", "admin", "/v1/credentials?limit=2&cursor="+good)
	refuse("a principal of another organization", "far", "/v1/credentials?limit=2&cursor="+good)
	refuse("another filter", "owner", "/v1/credentials?limit=2&state=active&cursor="+good)
	refuse("another scheme", "owner", "/v1/credentials?limit=2&scheme=gatehouse_key&cursor="+good)
	refuse("another list", "owner", "/v1/organizations/"+w.acme.ID+"/members?limit=2&cursor="+good)
	members := cursor("owner", "/v1/organizations/"+w.acme.ID+"/members?limit=2")
	refuse("from members", "owner", "/v1/credentials?cursor="+members)
	refuse("from members to projects", "owner", "/v1/organizations/"+w.acme.ID+"/projects?cursor="+members)
	far := cursor("wide", "/v1/organizations/"+w.acme.ID+"/members?limit=2")
	refuse("another organization's list", "wide", "/v1/organizations/"+w.other.ID+"/members?limit=2&cursor="+far)
	refuse("SQL", "owner", "/v1/credentials?cursor="+url.QueryEscape("' OR 1=1 --"))
	if a := w.do(t, request{method: "GET", path: "/v1/credentials?limit=7&cursor=" + good, as: "owner"}); a.status != 200 {
		t.Errorf("the cursor itself, with another limit: got %d %s", a.status, a.body)
	}
}

// A cursor has one spelling: encoding/base64 skips line ends, also when it is
// strict.
func TestH3_CursorHasOneSpelling(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	var page api.List[api.Credential]
	w.do(t, request{method: "GET", path: "/v1/credentials?limit=2", as: "owner"}).decode(t, &page)
	for _, text := range []string{page.NextCursor[:10] + "%0A" + page.NextCursor[10:], page.NextCursor + "%0D%0A"} {
		if a := w.do(t, request{method: "GET", path: "/v1/credentials?limit=2&cursor=" + text, as: "owner"}); a.status != 422 {
			t.Errorf("%s: got %d, want 422", text, a.status)
		}
	}
}

func TestListFilters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		w.spoiled(t)
		for _, c := range []struct{ as, query, want string }{
			{"owner", "state=revoked", "lead revoked"}, {"owner", "state=suspended", "suspended"}, {"owner", "state=expired", "expired"},
			{"owner", "state=active&scheme=gatehouse_key", "key later listed"}, {"owner", "scheme=bunship_live", "live"}, {"owner", "user=admin@acme.test", "admin betahub"},
			{"owner", "user=" + w.records["guest"].User, "guest"}, {"owner", "user=usr_" + strings.ReplaceAll(w.records["guest"].User, "-", ""), "guest"},
			{"owner", "project=" + w.alpha.ID, "onetest token"}, {"owner", "project=" + w.alpha.TestKaseID, "onetest token"}, {"owner", "project=" + w.alpha.BetaHubID, "onetest token"}, {"owner", "project=" + w.hidden.ID, ""},
			{"owner", "organization=" + w.acme.ID + "&scheme=bunship_test", "test"}, {"owner", fmt.Sprintf("organization=%d&scheme=bunship_test", w.acme.Number), "test"}, {"owner", "organization=" + w.acme.BunShipID + "&scheme=bunship_test", "test"},
			{"member", "", "member"}, {"guest", "", "guest"}, {"far", "", "far"}, {"wide", "organization=" + w.other.ID, "far"}, {"operator", "organization=" + w.other.ID, "far"},
			{"member", "user=member@acme.test", "member"},
		} {
			a := w.do(t, request{method: "GET", path: "/v1/credentials?" + c.query, as: c.as})
			var page api.List[api.Credential]
			a.decode(t, &page)
			names := []string{}
			for _, item := range page.Items {
				names = append(names, item.Name)
			}
			slices.Sort(names)
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("%s ?%s: got %q, want %q", c.as, c.query, got, c.want)
			}
			if strings.Contains(string(a.body), `"items":null`) {
				t.Errorf("%s ?%s: an empty list is null", c.as, c.query)
			}
		}
	})
}

// K-12, K-13: no list and no second look shows a secret, a lookup key, or
// anything that stands only in the store.
func TestK12_ListsShowNoSecret(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	keys := rowsOf(t, storetest.Raw(t, w.cfg), `SELECT lower(hex(lookup_key)) FROM secrets`)
	var paths []string
	for _, r := range w.edge.Routes() {
		if r.Method == "GET" {
			paths = append(paths, harmless(t, w, r).path)
		}
	}
	for _, c := range w.records {
		paths = append(paths, "/v1/credentials/"+c.ID)
	}
	for _, path := range paths {
		a := w.do(t, request{method: "GET", path: path, as: "operator"})
		text := string(a.body)
		for name, secret := range w.secrets {
			if strings.Contains(text, secret) || strings.Contains(text, secret[len(secret)-12:]) {
				t.Errorf("%s shows the secret of %s", path, name)
			}
		}
		for _, key := range keys {
			if raw := strings.Trim(key, "|"); len(raw) != 64 || strings.Contains(strings.ToLower(text), raw) {
				t.Errorf("%s shows the lookup key %q", path, raw)
			}
		}
		for _, member := range []string{`"secret"`, "lookup", "key_version", `"generation":`, "password"} {
			if strings.Contains(text, member) && path != "/v1/audit/events" {
				t.Errorf("%s shows %s", path, member)
			}
		}
	}
}
