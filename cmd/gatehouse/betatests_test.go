package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/api"
)

// betaBase is where BetaTesting's API is.
const betaBase = "/api/external/v2"

// beta is a server with a static key of BetaTesting.
type beta struct {
	*whole
	key string
}

func eachBeta(t *testing.T, test func(t *testing.T, b *beta)) {
	eachWhole(t, func(t *testing.T, w *whole) {
		generous := static() // the clock stands: what a test does is done in one minute
		generous.RateLimit = 100_000
		test(t, &beta{w, w.issue(generous).Secret})
	})
}

// call makes a call with the key, or as change says.
func (b *beta) call(method, path string, body any, change ...func(*http.Request)) reply {
	b.t.Helper()
	return b.send(method, betaBase+path, body, append([]func(*http.Request){as(b.key)}, change...)...)
}

// data returns the object of an answer that must have a status.
func (b *beta) data(status int, a reply) map[string]any {
	b.t.Helper()
	data, ok := a.body["data"].(map[string]any)
	if a.status != status || !ok || len(a.body) != 1 {
		b.t.Fatalf("got %d %s, want %d with data", a.status, a.text, status)
	}
	return data
}

// list makes a call that must answer with a page, and returns its items and meta.
func (b *beta) list(path string, change ...func(*http.Request)) (items []map[string]any, meta map[string]any) {
	b.t.Helper()
	return b.items(b.call("GET", path, nil, change...))
}

func (b *beta) items(a reply) (items []map[string]any, meta map[string]any) {
	b.t.Helper()
	var page struct {
		Data []map[string]any `json:"data"`
		Meta map[string]any   `json:"meta"`
	}
	if err := json.Unmarshal([]byte(a.text), &page); err != nil || a.status != 200 || page.Data == nil || page.Meta == nil || len(a.body) != 2 {
		b.t.Fatalf("no page: %d %s", a.status, a.text)
	}
	return page.Data, page.Meta
}

// refused fails unless a call is answered with an error of a status and a code,
// about a field if one is named.
func (b *beta) refused(what string, a reply, want string, field ...string) {
	b.t.Helper()
	fields, _ := a.body["fields"].(map[string]any)
	named := len(field) == 0 || len(fields) == 1 && fields[field[0]] != nil && strings.Contains(a.field("message"), field[0])
	got := fmt.Sprint(a.status, " ", a.field("error"))
	if got != want || a.field("message") == "" || !named || a.header.Get("Content-Type") != "application/json" {
		b.t.Errorf("%s: got %d %s, want %s %v", what, a.status, a.text, want, field)
	}
}

// test makes a test and returns its id.
func (b *beta) test(name string) string {
	b.t.Helper()
	return idOf(b.data(201, b.call("POST", "/tests", map[string]any{"name": name})))
}

// tester brings somebody to a test and returns their id.
func (b *beta) tester(test, name string) string {
	b.t.Helper()
	return idOf(b.data(201, b.call("POST", "/tests/"+test+"/testers", map[string]any{"email": strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@example.com", "name": name})))
}

func idOf(object map[string]any) string {
	id, _ := object["id"].(float64)
	return strconv.FormatFloat(id, 'f', -1, 64)
}

func namesOf(items []map[string]any) (names []string) {
	for _, item := range items {
		names = append(names, item["name"].(string))
	}
	return names
}

// ids are ids in a body.
func ids(list ...string) map[string]any {
	numbers := []json.Number{}
	for _, id := range list {
		numbers = append(numbers, json.Number(id))
	}
	return map[string]any{"testerIds": numbers}
}

// actions are what the organization's audit says was done about tests.
func (b *beta) actions() (list []string) {
	b.t.Helper()
	var events api.List[api.Event]
	b.must("GET", "/v1/audit/events?organization="+b.org.ID+"&limit=200", nil, &events)
	for _, e := range events.Items {
		if strings.HasPrefix(e.Target, "campaign:") {
			list = append(list, e.Action)
			if !strings.HasPrefix(e.Actor, "credential:") {
				b.t.Errorf("%s by %s, want the credential", e.Action, e.Actor)
			}
		}
	}
	return list
}

// The base URL, and the list by static key and by token, as the samples have it.
func TestBT24_BT25_BTD4_BTO12_ListOfTests(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		if items, meta := b.list("/tests"); len(items) != 0 || !cmp.Equal(meta, map[string]any{"page": 1.0, "limit": 25.0, "total": 0.0, "totalPages": 0.0}) {
			t.Errorf("without tests: %v, %v", items, meta)
		}
		for i := range 27 {
			b.test(fmt.Sprintf("Test %d", i+1))
		}
		b.data(200, b.call("POST", "/tests/3/stage", map[string]any{"stage": "launch"}))
		b.data(200, b.call("POST", "/tests/5/stage", map[string]any{"stage": "launch"}))
		c := b.issue(apiClient())
		for what, secret := range map[string]string{"a static key": b.key, "a token": b.token(c, "api:read")} {
			first, meta := b.list("/tests", as(secret))
			if names := namesOf(first); len(names) != 25 || names[0] != "Test 27" || names[24] != "Test 3" {
				t.Errorf("%s, the first page: %v", what, names)
			}
			if !cmp.Equal(meta, map[string]any{"page": 1.0, "limit": 25.0, "total": 27.0, "totalPages": 2.0}) {
				t.Errorf("%s: meta %v", what, meta)
			}
		}
		if items, _ := b.list("/tests?page=2"); !slices.Equal(namesOf(items), []string{"Test 2", "Test 1"}) {
			t.Errorf("the second page: %v", namesOf(items))
		}
		if items, meta := b.list("/tests?page=3&limit=10"); len(items) != 7 || meta["totalPages"] != 3.0 {
			t.Errorf("pages of 10: %v, %v", namesOf(items), meta)
		}
		if items, meta := b.list("/tests?page=1000&limit=100"); len(items) != 0 || meta["total"] != 27.0 {
			t.Errorf("behind the last: %v, %v", items, meta)
		}
		if items, meta := b.list("/tests?status=in_progress&limit=1"); !slices.Equal(namesOf(items), []string{"Test 5"}) || meta["total"] != 2.0 || meta["totalPages"] != 2.0 {
			t.Errorf("by status: %v, %v", namesOf(items), meta)
		}
		for query, field := range map[string]string{
			"page=0": "page", "page=-1": "page", "page=x": "page", "page=01": "page", "page=1001&limit=100": "page", "limit=0": "limit", "limit=101": "limit",
			"status=open": "status",
		} {
			b.refused(query, b.call("GET", "/tests?"+query, nil), "422 validation_failed", field)
		}
		b.refused("an unknown filter", b.call("GET", "/tests?owner=1", nil), "400 validation_failed", "owner")
		b.refused("a secret in the URL", b.call("GET", "/tests?access_token="+b.key, nil), "400 validation_failed", "access_token")
	})
}

// A test is made, shown and changed; only what is named changes.
func TestBTD5_BTD6_BTD7_BTO13_BTO15_OneTest(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		made := b.data(201, b.call("POST", "/tests", map[string]any{"name": " Space Game ", "description": "Play it.\nThen tell.", "startsAt": "2026-02-01", "endsAt": "2026-02-08T18:00:00+01:00"}))
		want := map[string]any{"id": 1.0, "name": "Space Game", "description": "Play it.\nThen tell.", "status": "draft", "createdAt": "2026-01-02T03:04:05Z",
			"updatedAt": "2026-01-02T03:04:05Z", "startsAt": "2026-02-01T00:00:00Z", "endsAt": "2026-02-08T17:00:00Z", "testerCount": 0.0}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(want, b.data(200, b.call("GET", "/tests/1", nil))); diff != "" {
			t.Error(diff)
		}
		b.advance(time.Minute)
		want["description"], want["endsAt"], want["updatedAt"] = "Again.", nil, "2026-01-02T03:05:05Z"
		if diff := cmp.Diff(want, b.data(200, b.call("PATCH", "/tests/1", map[string]any{"description": "Again.", "endsAt": nil}))); diff != "" {
			t.Error(diff)
		}
		b.advance(time.Minute)
		if diff := cmp.Diff(want, b.data(200, b.call("PATCH", "/tests/1", map[string]any{"description": "Again."}))); diff != "" {
			t.Errorf("what changes nothing: %s", diff)
		}
		if got := b.actions(); !slices.Equal(got, []string{"campaign.create", "campaign.update"}) {
			t.Errorf("the audit has %v", got)
		}
		for field, value := range map[string]any{
			"name": strings.Repeat("x", 101), "description": strings.Repeat("x", 10_001), "startsAt": "soon", "endsAt": "2026-01-31",
		} {
			b.refused(field, b.call("PATCH", "/tests/1", map[string]any{field: value}), "422 validation_failed", field)
		}
		b.refused("without a name", b.call("POST", "/tests", map[string]any{}), "422 validation_failed", "name")
		b.refused("a name of blanks", b.call("POST", "/tests", map[string]any{"name": " "}), "422 validation_failed", "name")
		b.refused("a number", b.call("POST", "/tests", map[string]any{"name": 1}), "422 validation_failed", "name")
		b.refused("an unknown member", b.call("POST", "/tests", map[string]any{"name": "x", "status": "closed"}), "400 validation_failed", "status")
		b.refused("no JSON", b.call("POST", "/tests", url2form), "415 unsupported_media_type")
		b.refused("too much", b.call("POST", "/tests", map[string]any{"name": strings.Repeat("x", 1<<20)}), "413 too_large")
		for _, id := range []string{"2", "0", "-1", "01", "x", "99999999999999999999"} {
			b.refused("test "+id, b.call("GET", "/tests/"+id, nil), "404 not_found")
			b.refused("test "+id, b.call("PATCH", "/tests/"+id, map[string]any{"name": "x"}), "404 not_found")
		}
		b.refused("another path", b.call("GET", "/testers", nil), "404 not_found")
		b.refused("another method", b.call("DELETE", "/tests/1", nil), "405 method_not_allowed")
	})
}

// url2form is a body that is no JSON.
const url2form = "name=x"

// A copy is a draft of the same, without testers and dates.
func TestBTD8_Copy(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		b.data(201, b.call("POST", "/tests", map[string]any{"name": strings.Repeat("ä", 100), "description": "Play it.", "startsAt": "2026-02-01"}))
		b.tester("1", "Ada")
		b.data(200, b.call("POST", "/tests/1/stage", map[string]any{"stage": "launch"}))
		got := b.data(201, b.call("POST", "/tests/1/copy", nil))
		if got["id"] != 2.0 || got["name"] != strings.Repeat("ä", 93)+" (copy)" || got["description"] != "Play it." || got["status"] != "draft" ||
			got["startsAt"] != nil || got["testerCount"] != 0.0 {
			t.Errorf("got %v", got)
		}
		if again := b.data(201, b.call("POST", "/tests/1/copy", map[string]any{})); again["id"] != 3.0 {
			t.Errorf("with an empty object: %v", again)
		}
		b.refused("a copy of nothing", b.call("POST", "/tests/9/copy", nil), "404 not_found")
	})
}

// Of each stage it is known from which statuses it goes, and to which.
func TestBTD9_BTD18_BTO14_Stages(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		ways := map[string][]string{ // by which stages a new test comes to a status
			"draft": nil, "in_progress": {"launch"}, "paused": {"launch", "pause"}, "complete": {"launch", "complete"}, "closed": {"close"},
		}
		next := map[string]map[string]string{
			"draft":       {"launch": "in_progress", "close": "closed"},
			"in_progress": {"pause": "paused", "complete": "complete", "close": "closed"},
			"paused":      {"resume": "in_progress", "complete": "complete", "close": "closed"},
			"complete":    {"close": "closed"},
			"closed":      {},
		}
		for status, way := range ways {
			for _, stage := range []string{"launch", "pause", "resume", "complete", "close"} {
				id := b.test("A test")
				for _, s := range way {
					b.data(200, b.call("POST", "/tests/"+id+"/stage", map[string]any{"stage": s}))
				}
				what := stage + " of one that is " + status
				a := b.call("POST", "/tests/"+id+"/stage", map[string]any{"stage": stage})
				if to := next[status][stage]; to == "" {
					b.refused(what, a, "422 validation_failed", "stage")
					to = status
				} else if data, _ := a.body["data"].(map[string]any); a.status != 200 || data["status"] != to {
					t.Errorf("%s: got %d %s, want %s", what, a.status, a.text, to)
				}
			}
		}
		b.refused("another stage", b.call("POST", "/tests/1/stage", map[string]any{"stage": "draft"}), "422 validation_failed", "stage")
		b.refused("none", b.call("POST", "/tests/1/stage", map[string]any{}), "422 validation_failed", "stage")
		total := 0.0
		for _, status := range []string{"draft", "pending_review", "ready", "in_progress", "complete", "closed", "paused"} {
			items, meta := b.list("/tests?limit=100&status=" + status)
			if float64(len(items)) != meta["total"] {
				t.Errorf("%s: %d of %v", status, len(items), meta)
			}
			total += float64(len(items))
		}
		if _, meta := b.list("/tests"); meta["total"] != total {
			t.Errorf("all together are %v, want %v", total, meta["total"])
		}
	})
}

// The same Idempotency-Key makes nothing twice.
func TestBetaTestsAreMadeOnce(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		key := func(k string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set("Idempotency-Key", k) }
		}
		name := map[string]any{"name": "Once"}
		first, again := b.data(201, b.call("POST", "/tests", name, key("a"))), b.data(201, b.call("POST", "/tests", name, key("a")))
		if first["id"] != again["id"] || b.data(201, b.call("POST", "/tests", name, key("b")))["id"] == first["id"] {
			t.Errorf("got %v and %v", first, again)
		}
		b.refused("another body", b.call("POST", "/tests", map[string]any{"name": "Twice"}, key("a")), "422 validation_failed", "Idempotency-Key")
		b.refused("no key", b.call("POST", "/tests", name, key("ä")), "422 validation_failed", "Idempotency-Key")
		launch := map[string]any{"stage": "launch"}
		for range 2 {
			b.data(200, b.call("POST", "/tests/1/stage", launch, key("c")))
		}
		b.data(200, b.call("POST", "/tests/2/stage", launch, key("c")))
		ada := map[string]any{"email": "ada@example.com", "name": "Ada"}
		for range 2 {
			if got := b.data(201, b.call("POST", "/tests/1/testers", ada, key("d"))); got["id"] != 1.0 {
				t.Errorf("got %v", got)
			}
		}
		b.items(b.call("POST", "/tests/1/testers/accept", ids("1")))
		posted := b.posted.Load()
		message := ids("1")
		message["message"] = "Hello"
		for range 2 {
			b.items(b.call("POST", "/tests/1/testers/message", message, key("e")))
		}
		if letters := b.letters(); len(letters) != 1 || b.posted.Load() == posted {
			t.Errorf("%d letters", len(letters))
		}
		b.advance(25 * time.Hour)
		if got := b.data(201, b.call("POST", "/tests", name, key("a"))); got["id"] == first["id"] {
			t.Errorf("a day later: %v", got)
		}
	})
}

// Calls at once lose nothing of each other: no number is given out twice, what
// is counted is there, and a change of one field leaves the others alone.
func TestBetaTestsAtOnce(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		const many = 8
		b.test("First")
		var calls sync.WaitGroup
		for i := range many {
			for path, body := range map[string]map[string]any{
				"/tests":           {"name": fmt.Sprintf("Test %d", i)},
				"/tests/1/testers": {"name": "Tester", "email": fmt.Sprintf("tester%d@example.com", i)},
			} {
				calls.Go(func() { b.wantStatus(path, b.call("POST", path, body), 201) })
			}
		}
		for _, body := range []map[string]any{{"name": "Renamed"}, {"description": "Play it."}, {"startsAt": "2026-03-01"}} {
			calls.Go(func() { b.wantStatus("a change", b.call("PATCH", "/tests/1", body), 200) })
		}
		calls.Wait()
		got := b.data(200, b.call("GET", "/tests/1", nil))
		if got["name"] != "Renamed" || got["description"] != "Play it." || got["startsAt"] != "2026-03-01T00:00:00Z" || got["testerCount"] != float64(many) {
			t.Errorf("got %v", got)
		}
		for path, want := range map[string]int{"/tests": many + 1, "/tests/1/testers": many} {
			items, meta := b.list(path)
			if len(items) != want || meta["total"] != float64(want) || idOf(items[0]) == idOf(items[1]) {
				t.Errorf("%s: %d of %v", path, len(items), meta)
			}
		}
		ids := map[string]bool{}
		items, _ := b.list("/tests")
		for _, item := range items {
			ids[idOf(item)] = true
		}
		if len(ids) != many+1 {
			t.Errorf("%d tests have %d ids", many+1, len(ids))
		}
	})
}
