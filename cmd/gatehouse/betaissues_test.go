package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/api"
)

// titlesOf are the titles of issues.
func titlesOf(items []map[string]any) string {
	var list []string
	for _, item := range items {
		list = append(list, item["title"].(string))
	}
	return strings.Join(list, ",")
}

// Issues of a test are reported, listed by statuses, shown, changed and deleted.
func TestBTD17_BTD20_BTO9_BTO13_BTO20_Issues(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		base := "/tests/" + b.test("Space Game") + "/issues"
		made := b.data(201, b.call("POST", base, map[string]any{"title": " It stops at the second moon ", "description": "With a full tank.", "priority": "high", "notes": "Seen twice."}))
		want := map[string]any{"id": 1.0, "testId": 1.0, "title": "It stops at the second moon", "description": "With a full tank.", "status": "to_do", "priority": "high",
			"notes": "Seen twice.", "createdAt": "2026-01-02T03:04:05Z", "updatedAt": "2026-01-02T03:04:05Z"}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Error(diff)
		}
		for _, status := range []string{"draft", "in_progress", "needs_more_info", "complete", "closed", "complete"} {
			b.data(201, b.call("POST", base, map[string]any{"title": status, "status": status}))
		}
		b.advance(time.Minute)
		changed := b.data(200, b.call("PATCH", base+"/1", map[string]any{"status": "in_progress", "notes": "We see it too."}))
		want["status"], want["notes"], want["updatedAt"] = "in_progress", "We see it too.", "2026-01-02T03:05:05Z"
		if diff := cmp.Diff(want, changed); diff != "" {
			t.Error(diff)
		}
		b.advance(time.Minute)
		if diff := cmp.Diff(want, b.data(200, b.call("PATCH", base+"/1", map[string]any{"notes": "We see it too."}))); diff != "" {
			t.Errorf("what was so already: %s", diff)
		}
		if diff := cmp.Diff(want, b.data(200, b.call("GET", base+"/1", nil))); diff != "" {
			t.Error(diff)
		}
		const first = "It stops at the second moon"
		lists := func(all map[string]string) {
			t.Helper()
			for query, titles := range all {
				items, meta := b.list(base + query)
				if got := titlesOf(items); got != titles {
					t.Errorf("%s: got %s, want %s", query, got, titles)
				}
				if !strings.Contains(query, "page") && meta["total"] != float64(len(items)) {
					t.Errorf("%s: %v of %d", query, meta, len(items))
				}
			}
		}
		lists(map[string]string{
			"":                                "complete,closed,complete,needs_more_info,in_progress,draft," + first,
			"?filterStatuses=in_progress":     "in_progress," + first,
			"?filterStatuses=draft,%20closed": "closed,draft",
			"?filterStatuses=closed,closed":   "closed",
			"?filterStatuses=to_do":           "",
			"?filterStatuses=complete,draft&limit=2&page=2": "draft",
			"?limit=3&page=3": first,
		})
		if _, meta := b.list(base + "?filterStatuses=complete,draft&limit=2"); meta["total"] != 3.0 || meta["totalPages"] != 2.0 {
			t.Errorf("three on two pages: %v", meta)
		}
		if a := b.call("DELETE", base+"/1", nil); a.status != 204 || a.text != "" {
			t.Errorf("deleted: %d %s", a.status, a.text)
		}
		b.refused("deleted", b.call("GET", base+"/1", nil), "404 not_found")
		b.refused("deleted twice", b.call("DELETE", base+"/1", nil), "404 not_found")
		lists(map[string]string{"": "complete,closed,complete,needs_more_info,in_progress,draft", "?filterStatuses=in_progress": "in_progress"})
		if got := b.data(200, b.call("GET", "/tests/1", nil)); got["testerCount"] != 0.0 {
			t.Errorf("issues count as testers: %v", got)
		}
	})
}

// What is wrong with an issue is told; those of another test or organization are
// not to be seen; a call that is repeated reports one issue.
func TestBTD17_BTO10_BTO20_IssuesRefused(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		base := "/tests/" + b.test("Space Game") + "/issues"
		once := func(r *http.Request) { r.Header.Set("Idempotency-Key", "first-issue") }
		for range 2 {
			if got := b.data(201, b.call("POST", base, map[string]any{"title": "Once"}, once)); got["id"] != 1.0 || got["priority"] != "medium" {
				t.Errorf("got %v", got)
			}
		}
		for field, wrong := range map[string][]any{
			"title": {"", "  ", strings.Repeat("x", 201), 7}, "description": {strings.Repeat("x", 10_001)}, "notes": {strings.Repeat("x", 10_001)},
			"status": {"", "open", "To_Do"}, "priority": {"", "urgent"},
		} {
			for _, value := range wrong {
				b.refused(fmt.Sprintf("%s is %.10v", field, value), b.call("PATCH", base+"/1", map[string]any{field: value}), "422 validation_failed", field)
				body := map[string]any{"title": "x"}
				body[field] = value
				b.refused(fmt.Sprintf("%s is %.10v", field, value), b.call("POST", base, body), "422 validation_failed", field)
			}
		}
		b.refused("without a title", b.call("POST", base, map[string]any{}), "422 validation_failed", "title")
		b.refused("another member", b.call("PATCH", base+"/1", map[string]any{"testId": 2}), "400 validation_failed", "testId")
		b.refused("another status", b.call("GET", base+"?filterStatuses=to_do,open", nil), "422 validation_failed", "filterStatuses")
		b.refused("another parameter", b.call("GET", base+"?status=to_do", nil), "400 validation_failed", "status")
		b.refused("beyond the last page", b.call("GET", base+"?page=100000&limit=100", nil), "422 validation_failed", "page")
		other := b.test("Another test")
		for _, path := range []string{base + "/99", base + "/x", base + "/01", "/tests/" + other + "/issues/1", "/tests/99/issues", "/tests/99/issues/1"} {
			b.refused(path, b.call("GET", path, nil), "404 not_found")
		}
		b.refused("of no test", b.call("POST", "/tests/99/issues", map[string]any{"title": "x"}), "404 not_found")

		reader := as(b.token(b.issue(apiClient()), "api:read"))
		b.list(base, reader)
		b.refused("who reads", b.call("POST", base, map[string]any{"title": "x"}, reader), "403 insufficient_scope")
		b.refused("who reads", b.call("DELETE", base+"/1", nil, reader), "403 insufficient_scope")
		var org api.Organization
		b.must("POST", "/v1/organizations", api.CreateOrganization{Name: "Other"}, &org)
		var key api.IssuedCredential
		b.must("POST", "/v1/credentials", api.CreateCredential{Scheme: "betatesting_static", Name: "theirs", Organization: org.ID}, &key)
		for _, method := range []string{"GET", "DELETE"} {
			b.refused("another organization", b.call(method, base+"/1", nil, as(key.Secret)), "404 not_found")
		}
		if items, _ := b.list(base); !slices.Equal([]string{titlesOf(items)}, []string{"Once"}) {
			t.Errorf("there are %v", items)
		}
	})
}
