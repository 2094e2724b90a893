package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/store"
)

func idempotent(key string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Idempotency-Key", key) }
}

// wantMembers fails unless an object has exactly these members.
func (k *kase) wantMembers(what string, object map[string]any, names string) {
	k.t.Helper()
	want := strings.Fields(names)
	for _, name := range want {
		if _, there := object[name]; !there {
			k.t.Errorf("%s has no %s: %v", what, name, object)
		}
	}
	if len(object) != len(want) {
		k.t.Errorf("%s: got %v, want the members %s", what, object, names)
	}
}

// The calls that the documents show are answered with pages of projects, test
// cases and cycles; times are RFC 3339, ids TestKase's.
func TestTK26_TKD10_TKO2_TKO12_Lists(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		full := k.good("user", "POST", inProject(kaseCases), map[string]any{
			"title": "Valid login", "description": "By e-mail.\n\nOn the web.", "preconditions": "An account", "priority": "high", "type": "smoke", "status": "ready",
			"folder": "Login/Web", "labels": []string{"web", "login"}, "steps": []any{map[string]any{"order": 1, "action": "Sign in", "expectedResult": "The start page"}},
		})
		k.wantMembers("a test case", full, "id automationId version title description preconditions priority type status labels folder steps automationRefs customFields createdAt updatedAt")
		if full["id"] != "TC-1" || full["folder"] != "Login/Web" || full["description"] != "By e-mail.\n\nOn the web." || fmt.Sprint(full["labels"]) != "[login web]" ||
			fmt.Sprint(full["steps"]) != "[map[action:Sign in expectedResult:The start page order:1]]" || full["createdAt"] != "2026-01-02T03:04:05Z" {
			t.Errorf("got %v", full)
		}
		for _, path := range []string{kaseProjects, "/api/v1/projects/user/my-projects", inProject(kaseCases), inProject(kaseCycles), inProject(kaseCycles + "/TCYCLE-1/test-cases")} {
			a := k.by("user").do("GET", path, nil, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") })
			k.wantMembers(path, a.body, "data page limit total")
			if a.status != 200 || a.body["page"] != 1.0 || a.body["limit"] != 50.0 || a.body["total"] != 1.0 || len(a.rows()) != 1 {
				t.Errorf("%s: got %d %s", path, a.status, a.text)
			}
		}
		p := k.by("user").do("GET", kaseProjects, nil).rows()[0]
		k.wantMembers("a project", p, "id name description orgId orgName role createdAt updatedAt")
		if p["id"] != "PRJ-1" || p["name"] != "Space Game" || p["orgId"] != float64(k.org.Number) || p["orgName"] != "Acme" || p["role"] != "User" {
			t.Errorf("got %v", p)
		}
		c := k.by("user").do("GET", inProject(kaseCycles), nil).rows()[0]
		k.wantMembers("a cycle", c, "id name description isMaster status version counts createdAt updatedAt")
		counts, _ := c["counts"].(map[string]any)
		k.wantMembers("counts", counts, "total pass fail blocked skipped notExecuted")
		if c["id"] != "TCYCLE-1" || c["isMaster"] != true || counts["notExecuted"] != 1.0 {
			t.Errorf("got %v", c)
		}
	})
}

// Lists are paged, by number up to their item 10,000 and from the last id that
// was seen, and filtered; what isn't a filter is refused.
func TestTKO12_TKO13_PagesAndFilters(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		for i := 1; i <= 7; i++ {
			k.good("user", "POST", inProject(kaseCases), map[string]any{"title": "Case " + strconv.Itoa(i), "priority": []string{"low", "high"}[i%2],
				"status": []string{"draft", "ready"}[i%2], "type": []string{"smoke", "security"}[i%2], "labels": []string{"L" + strconv.Itoa(i%3)}, "folder": "F" + strconv.Itoa(i%2), "automationRefs": []string{"pkg.test" + strconv.Itoa(i)}})
		}
		seen := k.by("user").do("GET", inProject(kaseCases), nil).rows()
		for query, want := range map[string]string{
			"limit=3": "TC-1 TC-2 TC-3", "limit=3&page=3": "TC-7", "limit=3&page=4": "", "limit=2&after=TC-5": "TC-6 TC-7", "status=draft": "TC-2 TC-4 TC-6", "priority=high&limit=2": "TC-1 TC-3",
			"type=smoke": "TC-2 TC-4 TC-6", "label=L1": "TC-1 TC-4 TC-7", "label=L1&status=ready": "TC-1 TC-7", "label=L1&limit=1&page=2": "TC-4", "label=L1&after=TC-4": "TC-7", "folder=F1&label=L0": "TC-3",
			"automationId=" + fmt.Sprint(seen[4]["automationId"]): "TC-5", "automationRef=pkg.test6": "TC-6", "folder=Nowhere": "", "label=none": "",
		} {
			a := k.by("user").do("GET", inProject(kaseCases)+"&"+query, nil)
			if got := strings.Join(a.column("id"), " "); a.status != 200 || got != want {
				t.Errorf("%s: got %d %s, want %s", query, a.status, got, want)
			}
			if total := a.body["total"]; query == "limit=3&page=3" && total != 7.0 || query == "status=draft" && total != 3.0 || query == "label=L1&limit=1&page=2" && total != 3.0 {
				t.Errorf("%s: %v in all", query, total)
			}
		}
		k.good("user", "PATCH", inProject(kaseCases+"/TC-2"), map[string]any{"description": "Ein Raumschiff dockt an", "steps": []any{map[string]any{"action": "Brake hard"}}})
		k.good("user", "DELETE", inProject(kaseCases+"/TC-7"), nil)
		for query, want := range map[string]string{
			"search=raumschiff": "TC-2", "search=raum+hard": "TC-2", "search=case": "TC-1 TC-2 TC-3 TC-4 TC-5 TC-6", "search=case&status=ready": "TC-1 TC-3 TC-5", "search=Case+7": "", "search=TC-3": "TC-3",
			"search=case&limit=2&page=2": "TC-3 TC-4", "search=" + url.QueryEscape(`" OR 1=1 -- *`): "", "search=%E2%80%A6": "",
		} {
			a := k.by("user").do("GET", inProject(kaseCases)+"&"+query, nil)
			if got := strings.Join(a.column("id"), " "); a.status != 200 || got != want {
				t.Errorf("%s: got %d %s, want %s", query, a.status, got, want)
			}
		}
		for query, field := range map[string]string{
			"search=" + strings.Join(strings.Split("abcdefghijklmnopq", ""), "+"): "search", "limit=0": "limit", "limit=201": "limit", "page=0": "page", "page=x": "page", "page=201": "page", "page=51&limit=200": "page", "after=7": "after", "after=TCYCLE-1": "after",
			"status=open": "status", "priority=p9": "priority", "type=x": "type", "automationId=123": "automationId", "automationId=abcde": "automationId",
		} {
			k.wantField(query, k.by("user").do("GET", inProject(kaseCases)+"&"+query, nil), field)
		}
		for _, path := range []string{kaseCases, kaseCycles} {
			k.wantField("without a project", k.by("user").do("GET", path, nil), "projectId")
			for _, id := range []string{"PRJ-0", "PRJ-x", "prj-1", "1", "pr-1", "PRJ-01"} {
				k.wantField("in "+id, k.by("user").do("GET", path+"?projectId="+id, nil), "projectId")
			}
			k.wantStatus("in a project that isn't there", k.by("user").do("GET", path+"?projectId=PRJ-99", nil), 404)
			k.wantStatus("with an unknown filter", k.by("user").do("GET", path+"?projectId=PRJ-1&colour=red", nil), 400)
			k.wantStatus("with a filter twice", k.by("user").do("GET", path+"?projectId=PRJ-1&status=ready&status=ready", nil), 400)
			k.wantStatus("by another method", k.by("user").do("DELETE", inProject(path), nil), 405)
			k.wantStatus("at no such path", k.by("user").do("GET", path+"/x/y/z", nil), 404)
		}
	})
}

// The organization's number may be named with every call; another's is
// answered as if it weren't there, and its PRJ-1 is another project.
func TestTKO10_Organization(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		var other struct {
			ID     string
			Number int64
		}
		k.must("POST", "/v1/organizations", map[string]string{"name": "Other"}, &other)
		k.must("POST", "/v1/organizations/"+other.ID+"/projects", map[string]string{"name": "Theirs"}, nil)
		k.good("user", "POST", inProject(kaseCases), map[string]any{"title": "Ours"})
		for _, path := range []string{kaseProjects + "?", inProject(kaseCases) + "&", inProject(kaseCases+"/TC-1") + "&", inProject(kaseCycles) + "&", inProject(kaseCycles+"/TCYCLE-1") + "&", inProject(kaseCycles+"/TCYCLE-1/test-cases") + "&"} {
			k.wantStatus("its own", k.by("user").do("GET", fmt.Sprintf("%sorgId=%d", path, k.org.Number), nil), 200)
			k.wantStatus("another", k.by("user").do("GET", fmt.Sprintf("%sorgId=%d", path, other.Number), nil), 404)
			k.wantStatus("none", k.by("user").do("GET", path+"orgId=99999", nil), 404)
			k.wantField("no number", k.by("user").do("GET", path+"orgId=acme", nil), "orgId")
		}
		k.must("POST", "/v1/organizations/"+other.ID+"/members", map[string]string{"email": "them@acme.test", "name": "Them", "role": "owner", "password": goodPassword}, nil)
		var theirs struct{ Secret string }
		k.must("POST", "/v1/credentials", map[string]string{"scheme": "testkase_pat", "name": "x", "organization": other.ID, "user": "them@acme.test", "expires_in": "7d"}, &theirs)
		if got := k.call("GET", inProject(kaseCases), nil, as(theirs.Secret)); got.status != 200 || got.body["total"] != 0.0 {
			t.Errorf("their PRJ-1 holds %s", got.text)
		}
		k.wantStatus("our test case in theirs", k.call("GET", inProject(kaseCases+"/TC-1"), nil, as(theirs.Secret)), 404)
	})
}

// Only the title of a test case is required. Every change makes a version that
// stays to be read, and of two at once none is lost.
func TestTKD11_TestCases(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		c := k.good("user", "POST", inProject(kaseCases), map[string]any{"title": "Only this"})
		if c["id"] != "TC-1" || c["priority"] != "medium" || c["type"] != "functional" || c["status"] != "draft" || c["folder"] != nil || c["version"] != 1.0 || fmt.Sprint(c["steps"], c["labels"]) != "[] []" {
			t.Errorf("got %v", c)
		}
		one := inProject(kaseCases + "/TC-1")
		for field, body := range map[string]string{
			"title": `{"description":"x"}`, "priority": `{"title":"x","priority":"urgent"}`, "type": `{"title":"x","type":"odd"}`, "status": `{"title":"x","status":"odd"}`,
			"steps.0.action": `{"title":"x","steps":[{"expectedResult":"y"}]}`, "labels": `{"title":"x","labels":[""]}`, "folder": `{"title":"x","folder":"a//b"}`,
			"description": `{"title":"x","description":"` + strings.Repeat("y", 10_001) + `"}`,
		} {
			k.wantField(body[:min(40, len(body))], k.by("user").do("POST", inProject(kaseCases), body), field)
		}
		k.wantField("a title of 256", k.by("user").do("PUT", one, map[string]any{"title": strings.Repeat("x", 256)}), "title")
		k.wantStatus("an unknown member", k.by("user").do("POST", inProject(kaseCases), `{"title":"x","colour":"red"}`), 400)
		k.wantStatus("no JSON", k.by("user").do("POST", inProject(kaseCases), map[string]any{"title": "x"}, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }), 415)
		k.advance(time.Minute)
		k.good("user", "PATCH", one, map[string]any{"priority": "critical", "steps": []any{map[string]any{"action": "Look"}}})
		k.good("user", "PUT", one, map[string]any{"title": "Only that", "folder": nil})
		if got := k.good("user", "PATCH", one, map[string]any{"title": "Only that"}); got["version"] != 3.0 || got["priority"] != "critical" || got["updatedAt"] != "2026-01-02T03:05:05Z" {
			t.Errorf("what changes nothing: got %v", got)
		}
		versions := k.by("guest").do("GET", inProject(kaseCases+"/TC-1/versions"), nil)
		if got := versions.column("title"); !slices.Equal(got, []string{"Only that", "Only this", "Only this"}) || !slices.Equal(versions.column("version"), []string{"3", "2", "1"}) {
			t.Errorf("got %s", versions.text)
		}
		if got := k.by("user").do("GET", inProject(kaseCases+"/TC-1/versions")+"&before=3", nil).column("version"); !slices.Equal(got, []string{"2", "1"}) {
			t.Errorf("before the third: %v", got)
		}
		if v := k.good("user", "GET", inProject(kaseCases+"/TC-1/versions/1"), nil); v["title"] != "Only this" || v["priority"] != "medium" || v["createdAt"] != "2026-01-02T03:04:05Z" {
			t.Errorf("version 1: %v", v)
		}
		k.wantStatus("a version that isn't there", k.by("user").do("GET", inProject(kaseCases+"/TC-1/versions/4"), nil), 404)
		k.wantStatus("a change to an older version", k.by("user").do("PATCH", one, map[string]any{"title": "Late", "version": 2}), 409)

		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				k.by("user").do("PATCH", one, map[string]any{[]string{"description", "preconditions"}[i%2]: "By " + strconv.Itoa(i)})
			})
		}
		wait.Wait()
		if got := k.good("user", "GET", one, nil); got["version"] != 11.0 || got["title"] != "Only that" || got["description"] == "" || got["preconditions"] == "" {
			t.Errorf("after eight changes at once: %v", got)
		}
		k.wantMadeBy("user")
		k.good("user", "DELETE", one, nil)
		for _, path := range []string{"/TC-1", "/TC-1/versions", "/TC-2", "/1", "/tc-1", "/TC-01"} {
			k.wantStatus(path, k.by("user").do("GET", inProject(kaseCases+path), nil), 404)
		}
		if next := k.good("user", "POST", inProject(kaseCases), map[string]any{"title": "Next"}); next["id"] != "TC-2" {
			t.Errorf("a number is used again: %v", next)
		}
		events := k.events("test_case.")
		if want := []string{"test_case.create", "test_case.update", "test_case.update", "test_case.delete", "test_case.create"}; !containsInOrder(events, want) || len(events) != 13 {
			t.Errorf("got the events %v", events)
		}
	})
}

// Custom fields have any names. A change names all of them or none, and they are
// found by their words.
func TestTKD11_CustomFields(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		one := inProject(kaseCases + "/TC-1")
		fields := func(c map[string]any) string { return fmt.Sprint(c["customFields"]) }
		if got := k.good("user", "POST", inProject(kaseCases), map[string]any{"title": "A case"}); fields(got) != "map[]" {
			t.Errorf("at first: %v", got)
		}
		set := map[string]any{"customFields": map[string]string{"Platform": "Windows Elf", "Größe": "5"}}
		if got := k.good("user", "PATCH", one, set); fields(got) != "map[Größe:5 Platform:Windows Elf]" || got["version"] != 2.0 {
			t.Errorf("got %v", got)
		}
		if got := k.good("user", "PATCH", one, set); got["version"] != 2.0 {
			t.Errorf("the same again makes a version: %v", got)
		}
		if got := k.good("user", "PATCH", one, map[string]any{"title": "Still"}); fields(got) != "map[Größe:5 Platform:Windows Elf]" {
			t.Errorf("another change: got %v", got)
		}
		if got := k.by("guest").do("GET", inProject(kaseCases)+"&search=elf", nil).column("id"); !slices.Equal(got, []string{"TC-1"}) {
			t.Errorf("by a word of theirs %v is found", got)
		}
		if got := k.good("user", "PUT", one, map[string]any{"customFields": map[string]string{}}); fields(got) != "map[]" {
			t.Errorf("without them: got %v", got)
		}
		if got := fields(k.good("guest", "GET", inProject(kaseCases+"/TC-1/versions/2"), nil)); got != "map[Größe:5 Platform:Windows Elf]" {
			t.Errorf("version 2 had %s", got)
		}
		many := map[string]string{}
		for i := range 51 {
			many[strconv.Itoa(i)] = ""
		}
		for what, wrong := range map[string]any{"no name": map[string]string{"": "x"}, "a long value": map[string]string{"x": strings.Repeat("y", 301)}, "a number": map[string]int{"x": 5}, "too many": many} {
			a := k.by("user").do("PATCH", one, map[string]any{"customFields": wrong})
			if a.status != 422 || !strings.Contains(a.field("message"), "customFields") {
				t.Errorf("%s: got %d %s", what, a.status, a.text)
			}
		}
	})
}

// wantMadeBy fails unless TC-1 and its versions were made with somebody's token.
func (k *kase) wantMadeBy(name string) {
	k.t.Helper()
	organization, err := uuid.Parse(k.org.ID)
	if err != nil {
		k.t.Fatal(err)
	}
	member, err := k.store.MemberByEmail(k.t.Context(), organization, name+"@acme.test")
	if err != nil {
		k.t.Fatal(err)
	}
	project, err := k.store.ProjectIn(k.t.Context(), organization, store.ProjectRef{OrganizationNumber: 1})
	if err != nil {
		k.t.Fatal(err)
	}
	c, err := k.store.TestCaseIn(k.t.Context(), project.ID, 1)
	if err != nil {
		k.t.Fatal(err)
	}
	versions, err := k.store.CaseVersions(k.t.Context(), c.ID, 0, 100)
	if err != nil || int64(len(versions)) != c.Version {
		k.t.Errorf("there are %d versions of %d: %v", len(versions), c.Version, err)
	}
	for _, maker := range append([]store.CaseVersion{{Maker: c.Maker}}, versions...) {
		if maker.Credential.String() != k.ids[name] || maker.User != member.ID {
			k.t.Errorf("version %d was made by %v", maker.Version, maker.Maker)
		}
	}
}

// events are the actions in the audit of the organization that begin so.
func (k *kase) events(prefix string) (list []string) {
	k.t.Helper()
	var page struct {
		Items []struct {
			Action string `json:"action"`
		} `json:"items"`
	}
	k.must("GET", "/v1/audit/events?organization="+k.org.ID+"&limit=200", nil, &page)
	for _, e := range page.Items {
		if strings.HasPrefix(e.Action, prefix) {
			list = append(list, e.Action)
		}
	}
	return list
}

func containsInOrder(list, want []string) bool {
	for _, item := range list {
		if len(want) > 0 && item == want[0] {
			want = want[1:]
		}
	}
	return len(want) == 0
}

// TCYCLE-1 is there from the beginning, holds every test case, is the first in
// every list and can't be deleted; numbers are never used again.
func TestTKO11_MasterCycle(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		for i := range 3 {
			k.good("user", "POST", inProject(kaseCases), map[string]any{"title": "Case " + strconv.Itoa(i)})
		}
		two := k.good("user", "POST", inProject(kaseCycles), map[string]any{"name": "Release 2", "testCases": []string{"TC-3", "TC-1"}})
		if counts, _ := two["counts"].(map[string]any); two["id"] != "TCYCLE-2" || two["isMaster"] != false || two["status"] != "planned" || counts["total"] != 2.0 {
			t.Errorf("got %v", two)
		}
		if got := k.by("user").do("GET", inProject(kaseCycles+"/TCYCLE-1/test-cases"), nil).column("id"); !slices.Equal(got, []string{"TC-1", "TC-2", "TC-3"}) {
			t.Errorf("the master cycle holds %v", got)
		}
		k.wantStatus("deleting it", k.by("owner").do("DELETE", inProject(kaseCycles+"/TCYCLE-1"), nil), 409)
		k.wantStatus("taking a case out of it", k.by("owner").do("DELETE", inProject(kaseCycles+"/TCYCLE-1/test-cases/TC-1"), nil), 409)
		k.good("user", "DELETE", inProject(kaseCycles+"/TCYCLE-2/test-cases/TC-1"), nil)
		k.wantStatus("what isn't in it", k.by("user").do("DELETE", inProject(kaseCycles+"/TCYCLE-2/test-cases/TC-1"), nil), 404)
		k.wantField("a case that isn't there", k.by("user").do("POST", inProject(kaseCycles+"/TCYCLE-2/test-cases"), map[string]any{"testCases": []string{"TC-1", "TC-9"}}), "testCases")
		if got := k.good("user", "POST", inProject(kaseCycles+"/TCYCLE-2/test-cases"), map[string]any{"testCases": []string{"TC-2", "TC-3", "TC-2"}}); fmt.Sprint(got["counts"]) != "map[blocked:0 fail:0 notExecuted:2 pass:0 skipped:0 total:2]" {
			t.Errorf("got %v", got)
		}
		if got := k.good("user", "PATCH", inProject(kaseCycles+"/TCYCLE-2"), map[string]any{"status": "in_progress", "version": 1}); got["status"] != "in_progress" || got["name"] != "Release 2" || got["version"] != 2.0 {
			t.Errorf("got %v", got)
		}
		k.wantStatus("a change to an older version", k.by("user").do("PUT", inProject(kaseCycles+"/TCYCLE-2"), map[string]any{"name": "x", "version": 1}), 409)
		k.good("user", "DELETE", inProject(kaseCycles+"/TCYCLE-2"), nil)
		k.wantStatus("a deleted one", k.by("user").do("GET", inProject(kaseCycles+"/TCYCLE-2"), nil), 404)
		k.good("user", "POST", inProject(kaseCycles), map[string]any{"name": "Release 3"})
		if got := k.by("user").do("GET", inProject(kaseCycles), nil); !slices.Equal(got.column("id"), []string{"TCYCLE-1", "TCYCLE-3"}) || got.body["total"] != 2.0 {
			t.Errorf("got %s", got.text)
		}
		if got := k.by("user").do("GET", inProject(kaseCycles)+"&status=planned", nil).column("id"); !slices.Equal(got, []string{"TCYCLE-3"}) {
			t.Errorf("planned are %v", got)
		}
		key := idempotent("cycle-1")
		first, again := k.by("user").do("POST", inProject(kaseCycles), map[string]any{"name": "Once"}, key), k.by("user").do("POST", inProject(kaseCycles), map[string]any{"name": "Once"}, key)
		if first.status != 201 || first.text != again.text {
			t.Errorf("a repeat: got %d %s, then %d %s", first.status, first.text, again.status, again.text)
		}
		k.wantField("the key with another body", k.by("user").do("POST", inProject(kaseCycles), map[string]any{"name": "Twice"}, key), "Idempotency-Key")
		first, again = k.by("user").do("POST", inProject(kaseCases), map[string]any{"title": "Once"}, key), k.by("user").do("POST", inProject(kaseCases), map[string]any{"title": "Once"}, key)
		if first.status != 201 || first.text != again.text {
			t.Errorf("a repeat: got %d %s, then %d %s", first.status, first.text, again.status, again.text)
		}
	})
}

// The words for how a test case stands, which is not executed at first.
func TestTKD6_Statuses(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		k.good("user", "POST", inProject(kaseCases), map[string]any{"title": "A case"})
		inCycle := inProject(kaseCycles + "/TCYCLE-1/test-cases")
		if got := k.by("user").do("GET", inCycle, nil).rows()[0]; got["status"] != "Not Executed" || got["executedAt"] != nil {
			t.Errorf("at first: %v", got)
		}
		one := inProject(kaseCycles + "/TCYCLE-1/test-cases/TC-1")
		for word, count := range map[string]string{"Pass": "pass", "Fail": "fail", "Blocked": "blocked", "Skipped": "skipped", "Not Executed": "notExecuted", "pass": "pass"} {
			got := k.good("user", "PUT", one, map[string]any{"status": word, "comment": "Seen", "durationMs": 1500})
			k.wantMembers("an execution", got, "id automationId title status comment durationMs runId executedAt")
			if !strings.EqualFold(fmt.Sprint(got["status"]), word) || got["comment"] != "Seen" || got["durationMs"] != 1500.0 || (got["executedAt"] == nil) != (word == "Not Executed") {
				t.Errorf("%s: got %v", word, got)
			}
			counts, _ := k.good("user", "GET", inProject(kaseCycles+"/TCYCLE-1"), nil)["counts"].(map[string]any)
			if counts[count] != 1.0 || counts["total"] != 1.0 {
				t.Errorf("%s: got the counts %v", word, counts)
			}
		}
		k.good("user", "PUT", one, map[string]any{"status": "Pass"})
		if got := k.by("user").do("GET", inCycle+"&status=Pass", nil); got.status != 200 || got.body["total"] != 1.0 || len(got.rows()) != 1 {
			t.Errorf("those that pass: %s", got.text)
		}
		k.wantField("another word", k.by("user").do("PUT", one, map[string]any{"status": "Green"}), "status")
		k.wantField("a list of another", k.by("user").do("GET", inCycle+"&status=Green", nil), "status")
		k.wantField("a time before the beginning", k.by("user").do("PUT", one, map[string]any{"status": "Pass", "durationMs": -1}), "durationMs")
		k.wantStatus("a case that isn't there", k.by("user").do("PUT", inProject(kaseCycles+"/TCYCLE-1/test-cases/TC-2"), map[string]any{"status": "Pass"}), 404)
		k.wantStatus("a cycle that isn't there", k.by("user").do("PUT", inProject(kaseCycles+"/TCYCLE-9/test-cases/TC-1"), map[string]any{"status": "Pass"}), 404)
	})
}

// Results go to a cycle. A test names its cases by their five digits, anywhere
// in its name or class; the last result of a case counts. The rest is listed.
func TestTKD7_TKD8_TKD9_TKO15_TKO20_Results(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		var ids []string
		for i := range 4 {
			c := k.good("user", "POST", inProject(kaseCases), map[string]any{"title": "Case " + strconv.Itoa(i)})
			ids = append(ids, fmt.Sprint(c["automationId"]))
			if !regexp.MustCompile(`^\d{5}$`).MatchString(ids[i]) || slices.Contains(ids[:i], ids[i]) {
				t.Errorf("TC-%d has the automation id %s", i+1, ids[i])
			}
		}
		k.good("user", "POST", inProject(kaseCycles), map[string]any{"name": "Nightly"})
		result := func(name, class, status string) map[string]any {
			return map[string]any{"name": name, "className": class, "status": status, "durationMs": 20, "message": "It " + status}
		}
		upload := map[string]any{"buildId": "1.2.3", "runKey": "run 7", "attempt": 1, "results": []any{
			result("["+ids[0]+"] valid login", "web", "fail"), result("login", "web ["+ids[0]+"]", "pass"), result("["+ids[1]+"] and ["+ids[2]+"]", "", "error"),
			result("without one", "", "pass"), result("[00000] nobody's", "", "pass"), result("[123456] too long", "", "pass"), result("["+ids[3]+"]", "", "skipped"),
		}}
		to := inProject(kaseCycles + "/TCYCLE-2/results")
		a := k.by("user").do("POST", to, upload)
		data, _ := a.body["data"].(map[string]any)
		k.wantMembers("the answer", data, "runId cycleId summary matched unmatched warnings url")
		if a.status != 201 || data["cycleId"] != "TCYCLE-2" || fmt.Sprint(data["summary"]) != "map[blocked:0 failed:3 passed:4 skipped:1 total:8]" || data["matched"] != 5.0 ||
			fmt.Sprint(data["unmatched"]) != "[map[name:without one] map[name:[00000] nobody's] map[name:[123456] too long]]" {
			t.Errorf("got %d %s", a.status, a.text)
		}
		k.wantResults("TCYCLE-2", "TC-1 Pass, TC-2 Fail, TC-3 Fail, TC-4 Skipped")
		k.wantResults("TCYCLE-1", "TC-1 Not Executed, TC-2 Not Executed, TC-3 Not Executed, TC-4 Not Executed")
		again := k.by("user").do("POST", to, upload)
		if again.status != 200 || again.text != a.text {
			t.Errorf("an exact repeat: got %d %s, want %s", again.status, again.text, a.text)
		}
		upload["results"] = []any{result("["+ids[0]+"]", "", "blocked")}
		k.wantStatus("others under the same name", k.by("user").do("POST", to, upload), 409)
		upload["attempt"] = 2
		k.wantStatus("the next attempt", k.by("user").do("POST", to, upload), 201)
		k.wantResults("TCYCLE-2", "TC-1 Blocked, TC-2 Fail, TC-3 Fail, TC-4 Skipped")

		run := k.good("guest", "GET", inProject(kaseCycles+"/TCYCLE-2/results/"+fmt.Sprint(data["runId"])), nil)
		results, _ := run["results"].([]any)
		if len(results) != 8 || run["buildId"] != "1.2.3" || fmt.Sprint(results[2]) != "map[className: durationMs:20 message:It error name:["+ids[1]+"] and ["+ids[2]+"] status:Fail testCase:TC-2]" {
			t.Errorf("the upload is %v", run)
		}
		k.wantStatus("an upload to another cycle", k.by("user").do("GET", inProject(kaseCycles+"/TCYCLE-1/results/"+fmt.Sprint(data["runId"])), nil), 404)
		if got := k.good("user", "GET", inProject(kaseCycles+"/TCYCLE-2/results/"+fmt.Sprint(data["runId"]))+"&from=6&limit=1", nil); len(got["results"].([]any)) != 1 {
			t.Errorf("a part of it is %v", got)
		}
		skips := map[string]any{"results": []any{result("["+ids[0]+"]", "", "skipped"), result("["+ids[1]+"]", "", "pass")}}
		for as, want := range map[string]string{"blocked": "Blocked", "skipped": "Skipped"} {
			skips["reportSkippedAs"] = as
			k.wantStatus(as, k.by("user").do("POST", to, skips), 201)
			k.wantResults("TCYCLE-2", "TC-1 "+want+", TC-2 Pass, TC-3 Fail, TC-4 Skipped")
		}
		k.good("user", "PUT", inProject(kaseCycles+"/TCYCLE-2/test-cases/TC-1"), map[string]any{"status": "Pass"})
		skips["reportSkippedAs"] = "ignore"
		k.wantStatus("ignored", k.by("user").do("POST", to, skips), 201)
		k.wantResults("TCYCLE-2", "TC-1 Pass, TC-2 Pass, TC-3 Fail, TC-4 Skipped")
		first, repeat := k.by("user").do("POST", to, skips, idempotent("x")), k.by("user").do("POST", to, skips, idempotent("x"))
		if first.status != 201 || repeat.status != 200 || repeat.text != first.text {
			t.Errorf("a repeat by Idempotency-Key: got %d %s, then %d %s", first.status, first.text, repeat.status, repeat.text)
		}
	})
}

// wantResults fails unless the test cases of a cycle stand so.
func (k *kase) wantResults(cycle, want string) {
	k.t.Helper()
	var got []string
	for _, row := range k.by("user").do("GET", inProject(kaseCycles+"/"+cycle+"/test-cases"), nil).rows() {
		got = append(got, fmt.Sprint(row["id"], " ", row["status"]))
	}
	if strings.Join(got, ", ") != want {
		k.t.Errorf("%s: got %s, want %s", cycle, strings.Join(got, ", "), want)
	}
}

// What can't be stored of an upload is refused as a whole, and says why.
func TestTKO15_RefusedResults(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		id := fmt.Sprint(k.good("user", "POST", inProject(kaseCases), map[string]any{"title": "A case"})["automationId"])
		to := inProject(kaseCycles + "/TCYCLE-1/results")
		fine := `{"name":"[` + id + `]","status":"pass"}`
		for field, body := range map[string]string{
			"results": `{"results":[]}`, "results.1.status": `{"results":[` + fine + `,{"name":"x","status":"odd"}]}`, "results.1.name": `{"results":[` + fine + `,{"status":"pass"}]}`,
			"results.1.durationMs": `{"results":[` + fine + `,{"name":"x","status":"pass","durationMs":-5}]}`, "reportSkippedAs": `{"reportSkippedAs":"odd","results":[` + fine + `]}`,
			"attempt": `{"attempt":-1,"results":[` + fine + `]}`, "runKey": `{"runKey":"` + strings.Repeat("x", 201) + `","results":[` + fine + `]}`,
		} {
			k.wantField(body[:min(60, len(body))], k.by("user").do("POST", to, body), field)
		}
		k.wantField("too many", k.by("user").do("POST", to, `{"results":[`+strings.Repeat(fine+",", 5000)+fine+`]}`), "results")
		k.wantStatus("too long", k.by("user").do("POST", to, `{"runKey":"`+strings.Repeat("x", 8<<20)+`"}`), 413)
		k.wantStatus("to no cycle", k.by("user").do("POST", inProject(kaseCycles+"/TCYCLE-7/results"), `{"results":[`+fine+`]}`), 404)
		k.wantStatus("by a guest", k.by("guest").do("POST", to, `{"results":[`+fine+`]}`), 403)
		k.wantResults("TCYCLE-1", "TC-1 Not Executed")
		if events := k.events("test_result."); len(events) != 0 {
			t.Errorf("what was refused is told: %v", events)
		}
		long := `{"name":"[` + id + `]\u0000 ` + strings.Repeat("é", 2000) + `","status":"fail","message":"` + strings.Repeat("ü", 9000) + `"}`
		k.wantStatus("long texts are cut", k.by("user").do("POST", to, `{"results":[`+long+`]}`), 201)
		k.wantResults("TCYCLE-1", "TC-1 Fail")
	})
}
