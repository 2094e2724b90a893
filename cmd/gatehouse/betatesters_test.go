package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// letters are the mails that wait.
func (b *beta) letters() (list []store.Letter) {
	b.t.Helper()
	waiting, err := b.store.DueMessages(b.t.Context(), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := range waiting {
		l, err := b.store.Letter(&waiting[i])
		if err != nil {
			b.t.Fatal(err)
		}
		list = append(list, l)
	}
	return list
}

// Testers come, are listed and found: by status, and by what their names and
// addresses begin with.
func TestBTD10_BTD11_BTD12_BTO19_ListOfTesters(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		id := b.test("Space Game")
		base := "/tests/" + id + "/testers"
		made := b.data(201, b.call("POST", base, map[string]any{"email": "Ada.Lovelace@Example.com", "name": "Ada Lovelace"}))
		want := map[string]any{"id": 1.0, "email": "ada.lovelace@example.com", "name": "Ada Lovelace", "status": "pending_review", "joinedAt": nil, "completedAt": nil}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Error(diff)
		}
		for _, name := range []string{"Grace Hopper", "Adele Goldberg", "Barbara Liskov", "Renée O'Neil"} {
			b.tester(id, strings.NewReplacer("é", "e", "'", "").Replace(name))
		}
		b.data(201, b.call("POST", base, map[string]any{"email": "ren@example.com", "name": "Rene\u0301e O'Neil"}))
		if diff := cmp.Diff(want, b.data(200, b.call("GET", base+"/1", nil))); diff != "" {
			t.Error(diff)
		}
		b.items(b.call("POST", base+"/accept", ids("1", "2")))
		b.items(b.call("POST", base+"/mark-complete", ids("2")))
		b.wantStatus("removed", b.call("DELETE", base+"/4", nil), 204)
		for query, names := range map[string]string{
			"":                                 "Ada Lovelace,Grace Hopper,Adele Goldberg,Barbara Liskov,Renee ONeil,Rene\u0301e O'Neil",
			"?limit=2&page=2":                  "Adele Goldberg,Barbara Liskov",
			"?status=pending_review":           "Adele Goldberg,Renee ONeil,Rene\u0301e O'Neil",
			"?status=removed":                  "Barbara Liskov",
			"?status=stuck":                    "",
			"?search=ad":                       "Ada Lovelace,Adele Goldberg",
			"?search=AD&limit=1&page=2":        "Adele Goldberg",
			"?search=ada.lovelace@example.com": "Ada Lovelace",
			"?search=gold+ad":                  "Adele Goldberg",
			"?search=ren%C3%A9e":               "Rene\u0301e O'Neil",
			"?search=o%27n":                    "Rene\u0301e O'Neil",
			"?search=example&status=complete":  "Grace Hopper",
			"?search=nobody":                   "",
			"?search=lace":                     "", // inside a word
			"?search=%25":                      "",
		} {
			items, meta := b.list(base + query)
			if got := strings.Join(namesOf(items), ","); got != names {
				t.Errorf("%s: got %s, want %s", query, got, names)
			}
			if !strings.Contains(query, "page") && meta["total"] != float64(len(items)) {
				t.Errorf("%s: %v of %d", query, meta, len(items))
			}
		}
		if _, meta := b.list(base + "?search=ad&limit=1"); meta["total"] != 2.0 || meta["totalPages"] != 2.0 {
			t.Errorf("what is found has %v", meta)
		}
		if items, meta := b.list("/tests/" + id + "/complete-testers"); !slices.Equal(namesOf(items), []string{"Grace Hopper"}) || meta["total"] != 1.0 {
			t.Errorf("who is done: %v, %v", namesOf(items), meta)
		}
		if got := b.data(200, b.call("GET", "/tests/"+id, nil)); got["testerCount"] != 5.0 {
			t.Errorf("the test has %v testers", got["testerCount"])
		}
		b.refused("another status", b.call("GET", base+"?status=open", nil), "422 validation_failed", "status")
		b.refused("an endless search", b.call("GET", base+"?search="+strings.Repeat("x", 101), nil), "422 validation_failed", "search")
		b.refused("the status of who is done", b.call("GET", "/tests/"+id+"/complete-testers?status=stuck", nil), "400 validation_failed", "status")
		b.refused("there already", b.call("POST", base, map[string]any{"email": "ADA.lovelace@example.com", "name": "Ada"}), "409 conflict")
		b.refused("no address", b.call("POST", base, map[string]any{"email": "ada", "name": "Ada"}), "422 validation_failed", "email")
		b.refused("no name", b.call("POST", base, map[string]any{"email": "a@example.com"}), "422 validation_failed", "name")
		other := b.test("Another test")
		for _, path := range []string{base + "/99", base + "/x", "/tests/" + other + "/testers/1", "/tests/99/testers/1", "/tests/99/testers", "/tests/99/complete-testers"} {
			b.refused(path, b.call("GET", path, nil), "404 not_found")
		}
	})
}

// Testers are accepted, marked as done and removed: all whom a call names, or
// none of them. Who is there already stays.
func TestBTD13_BTD14_BTD16_BTD19_BTO14_BTO15_MovingTesters(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		id := b.test("Space Game")
		base := "/tests/" + id + "/testers"
		ada, bob, eve := b.tester(id, "Ada"), b.tester(id, "Bob"), b.tester(id, "Eve")
		states := func(want ...string) {
			t.Helper()
			items, _ := b.list(base)
			var got []string
			for _, item := range items {
				got = append(got, item["status"].(string))
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		b.refused("done before it was begun", b.call("POST", base+"/mark-complete", ids(ada)), "422 validation_failed", "testerIds")
		b.advance(time.Minute)
		items, meta := b.items(b.call("POST", base+"/accept", ids(bob, ada, bob)))
		if !slices.Equal(namesOf(items), []string{"Ada", "Bob"}) || items[0]["status"] != "incomplete" || items[0]["joinedAt"] != "2026-01-02T03:05:05Z" || meta["total"] != 2.0 {
			t.Errorf("accepted: %v, %v", items, meta)
		}
		b.items(b.call("POST", base+"/accept", ids(ada)))
		b.advance(time.Minute)
		items, _ = b.items(b.call("POST", base+"/mark-complete", ids(ada)))
		if items[0]["status"] != "complete" || items[0]["completedAt"] != "2026-01-02T03:06:05Z" || items[0]["joinedAt"] != "2026-01-02T03:05:05Z" {
			t.Errorf("done: %v", items)
		}
		b.items(b.call("POST", base+"/mark-complete", ids(ada, bob)))
		b.refused("one that can't be accepted beside one that can", b.call("POST", base+"/accept", ids(eve, ada)), "422 validation_failed", "testerIds")
		states("complete", "complete", "pending_review")
		for range 2 {
			if a := b.call("DELETE", base+"/"+bob, nil); a.status != 204 || a.text != "" {
				t.Errorf("removed: %d %s", a.status, a.text)
			}
		}
		states("complete", "removed", "pending_review")
		b.refused("who was removed", b.call("POST", base+"/accept", ids(bob)), "422 validation_failed", "testerIds")
		b.refused("a tester who isn't there", b.call("POST", base+"/accept", ids("99")), "422 validation_failed", "testerIds")
		b.refused("nobody", b.call("POST", base+"/accept", ids()), "422 validation_failed", "testerIds")
		b.refused("nothing", b.call("POST", base+"/accept", map[string]any{}), "422 validation_failed", "testerIds")
		b.refused("a text", b.call("POST", base+"/accept", map[string]any{"testerIds": []string{"1"}}), "422 validation_failed")
		many := make([]string, 101)
		for i := range many {
			many[i] = fmt.Sprint(i + 1)
		}
		b.refused("too many", b.call("POST", base+"/accept", ids(many...)), "422 validation_failed", "testerIds")
		b.refused("removing who isn't there", b.call("DELETE", base+"/99", nil), "404 not_found")
		want := []string{"campaign.create", "tester.add", "tester.add", "tester.add", "tester.accept", "tester.complete", "tester.complete", "tester.remove"}
		if got := b.actions(); !slices.Equal(got, want) {
			t.Errorf("the audit has %v, want %v", got, want)
		}
	})
}

// Who takes part is written to, in a mail that leaves when it is stored.
func TestBTD15_Message(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		id := b.test("Space Game")
		base := "/tests/" + id + "/testers"
		ada, bob := b.tester(id, "Ada"), b.tester(id, "Bob")
		body := func(text string, to ...string) map[string]any {
			m := ids(to...)
			m["message"] = text
			return m
		}
		b.items(b.call("POST", base+"/accept", ids(ada)))
		if items, _ := b.items(b.call("POST", base+"/message", body("It begins.\nHave fun.", ada))); !slices.Equal(namesOf(items), []string{"Ada"}) {
			t.Errorf("written to: %v", items)
		}
		want := []store.Letter{{To: "ada@example.com", Subject: "About the test Space Game",
			Text: "Acme writes to you about the test Space Game:\n\nIt begins.\nHave fun.\n"}}
		if diff := cmp.Diff(want, b.letters()); diff != "" || b.posted.Load() != 1 {
			t.Errorf("said %d times: %s", b.posted.Load(), diff)
		}
		b.refused("who waits", b.call("POST", base+"/message", body("Hello", ada, bob)), "422 validation_failed", "testerIds")
		b.refused("nothing said", b.call("POST", base+"/message", body(" ", ada)), "422 validation_failed", "message")
		b.refused("too much said", b.call("POST", base+"/message", body(strings.Repeat("x", 5001), ada)), "422 validation_failed", "message")
		b.wantStatus("removed", b.call("DELETE", base+"/"+ada, nil), 204)
		b.refused("who was removed", b.call("POST", base+"/message", body("Hello", ada)), "422 validation_failed", "testerIds")
		if got := b.letters(); len(got) != 1 || b.posted.Load() != 1 {
			t.Errorf("%d letters wait, said %d times", len(got), b.posted.Load())
		}
	})
}

// Every route takes the scope that its method needs, and of credentials its own
// kind alone. What is wrong is said in one shape.
func TestBT14_BT15_BT22_BTO10_BTO11_WhoMayCall(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		b.tester(b.test("Space Game"), "Ada")
		c := b.issue(apiClient())
		read, write, both := b.token(c, "api:read"), b.token(c, "api:write"), b.token(c, "api:read api:write")
		others := map[string]string{
			"another dialect's key": b.issue(api.CreateCredential{Scheme: "bunship_live", Scopes: []string{"*"}}).Secret,
			"a native key":          b.issue(api.CreateCredential{Scheme: "gatehouse_key", Scopes: []string{"tests:read", "tests:write"}}).Secret,
			"a session":             b.person("owner", "owner"), "nonsense": "btst_x", "the client's secret": c.Secret,
		}
		fill := strings.NewReplacer("{test}", "1", "{tester}", "1", "{issue}", "1", "{webhook}", uuid.NewString())
		routes := 0
		for _, r := range b.routes() {
			if !strings.HasPrefix(r.Pattern, betaBase) || !r.Protected() {
				continue
			}
			routes++
			path := strings.TrimPrefix(fill.Replace(r.Pattern), betaBase)
			what := r.Method + " " + path
			good, bad, scope := read, write, "api:read"
			if r.Method != "GET" {
				good, bad, scope = write, read, "api:write"
			}
			a := b.call(r.Method, path, nil, as(bad))
			b.refused(what+" by the other scope", a, "403 insufficient_scope")
			if got := a.header.Get("WWW-Authenticate"); !strings.Contains(got, `error="insufficient_scope", scope="`+scope+`"`) {
				t.Errorf("%s: the challenge is %s", what, got)
			}
			for _, secret := range []string{good, both, b.key} {
				if a := b.call(r.Method, path, nil, as(secret)); a.status == 401 || a.status == 403 || a.status >= 500 {
					t.Errorf("%s: got %d %s", what, a.status, a.text)
				}
			}
			for who, secret := range others {
				a := b.call(r.Method, path, nil, as(secret))
				b.refused(what+" by "+who, a, "401 unauthorized")
				if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
					t.Errorf("%s by %s: no challenge", what, who)
				}
			}
			b.refused(what+" by nobody", b.call(r.Method, path, nil, func(r *http.Request) { r.Header.Del("Authorization") }), "401 unauthorized")
		}
		if routes != 25 {
			t.Errorf("%d routes, want 25", routes)
		}
		b.must("POST", "/v1/credentials/"+c.ID+"/revoke", nil, nil)
		b.must("POST", "/v1/credentials/"+b.only("betatesting_static").ID+"/revoke", nil, nil)
		for _, secret := range []string{b.key, read, write, both} {
			b.refused("after the deletion", b.call("GET", "/tests", nil, as(secret)), "401 unauthorized")
		}
	})
}

// routes are those of BetaTesting's surface.
func (b *beta) routes() []edge.Route { return b.server.Routes() }

// Another company's tests and testers are like none at all, and have numbers of
// their own.
func TestBTO12_OtherCompanies(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		b.tester(b.test("Space Game"), "Ada")
		b.test("Another game")
		var o api.Organization
		b.must("POST", "/v1/organizations", api.CreateOrganization{Name: "Other"}, &o)
		var other api.IssuedCredential
		b.must("POST", "/v1/credentials", api.CreateCredential{Scheme: "betatesting_static", Name: "Other", Organization: o.ID}, &other)
		theirs := as(other.Secret)
		if items, meta := b.list("/tests", theirs); len(items) != 0 || meta["total"] != 0.0 {
			t.Errorf("they see %v, %v", items, meta)
		}
		for _, call := range []struct {
			method, path string
			body         any
		}{
			{"GET", "/tests/1", nil}, {"PATCH", "/tests/1", map[string]any{"name": "x"}}, {"POST", "/tests/1/copy", nil},
			{"POST", "/tests/1/stage", map[string]any{"stage": "launch"}}, {"GET", "/tests/1/testers", nil}, {"GET", "/tests/1/testers/1", nil},
			{"GET", "/tests/1/complete-testers", nil}, {"POST", "/tests/1/testers", map[string]any{"email": "a@example.com", "name": "A"}},
			{"POST", "/tests/1/testers/accept", ids("1")}, {"DELETE", "/tests/1/testers/1", nil},
		} {
			b.refused(call.method+" "+call.path, b.call(call.method, call.path, call.body, theirs), "404 not_found")
		}
		if got := b.data(201, b.call("POST", "/tests", map[string]any{"name": "Theirs"}, theirs)); got["id"] != 1.0 {
			t.Errorf("their first test is %v", got)
		}
		if got := b.data(200, b.call("GET", "/tests/1", nil)); got["name"] != "Space Game" || got["testerCount"] != 1.0 {
			t.Errorf("ours is %v", got)
		}
	})
}

// From an address beyond the allowlist it is 403, and has its own code.
func TestBTD3_BTO10_Addresses(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		limited := static()
		limited.AllowedAddresses = []string{"203.0.113.7"}
		b := &beta{w, w.issue(limited).Secret}
		b.list("/tests", at("203.0.113.7"))
		b.refused("from elsewhere", b.call("GET", "/tests", nil, at("203.0.113.8")), "403 ip_not_allowed")
	})
}

// An API client makes 300 requests a minute, or as many as the operator says.
func TestBTO16_RequestsAMinute(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		c := w.issue(apiClient())
		b := &beta{w, w.token(c, "api:read")}
		other := b.token(c, "") // another token of the same client
		until := func(most int) {
			t.Helper()
			for i := range most {
				if a := b.call("GET", "/tests/1", nil, as([]string{b.key, other}[i%2])); a.status != 404 {
					t.Fatalf("request %d: %d %s", i+1, a.status, a.text)
				}
			}
			a := b.call("GET", "/tests/1", nil)
			b.refused("one more", a, "429 rate_limited")
			if a.header.Get("Retry-After") == "" {
				t.Error("it doesn't say when again")
			}
		}
		until(300)
		three := 3
		w.must("PATCH", "/v1/credentials/"+c.ID, api.UpdateCredential{RateLimit: &three}, nil)
		w.advance(59 * time.Minute)
		b.key, other = b.token(c, ""), b.token(c, "")
		w.advance(time.Minute)
		until(3)
	})
}
