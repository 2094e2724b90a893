package onetest_test

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// The form of settings, who may send it, and what it leaves alone.
func TestOTD9_OTO9_Settings(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		full := `{"weekly_budget":500,"overage_policy":"Allow_Overage","hourly_limit":100}`
		w.put("lead", w.usage("/settings"), full).want(200).has("weekly_budget", 500, "overage_policy", "allow_overage", "hourly_limit", 100)
		w.put("admin", w.usage("/settings"), `{"weekly_budget":400}`).want(200).has("weekly_budget", 400, "overage_policy", "allow_overage", "hourly_limit", 100)
		for as, status := range map[string]int{"tester": 403, "viewer": 403, "key": 403, "outsider": 404, "": 401} {
			part := map[int]string{403: "usage:write", 404: "no such project", 401: ""}[status]
			w.put(as, w.usage("/settings"), full).refused(status, part)
			w.post(as, w.usage("/top-up"), `{"coins":5}`).refused(status, part)
		}
		w.put("lead", w.usage("/settings"), `{"overage_policy":"pause"}`).faulty("body.overage_policy", "block", "allow_overage")
		w.put("lead", w.usage("/settings"), `{"weekly_budget":-1}`).faulty("body.weekly_budget")
		w.put("lead", w.usage("/settings"), `{"weekly_budget":1000000000001}`).faulty("body.weekly_budget")
		w.put("lead", w.usage("/settings"), `{"weekly_budget":"5"}`).faulty("body.weekly_budget")
		w.put("lead", w.usage("/settings"), `{"weekly_budget":1.5}`).faulty("body.weekly_budget")
		w.put("lead", w.usage("/settings"), `{}`).faulty("body")
		w.put("lead", w.usage("/settings"), `{"coins":5}`).refused(400, "coins")
		w.put("lead", w.usage("/settings"), `{"weekly_budget":9,"hourly_limit":10001}`).faulty("body.hourly_limit")
		w.get("viewer", w.usage("")).want(200).has("weekly_budget", 400, "overage_policy", "allow_overage", "hourly_limit", 100)
		for _, name := range []string{w.key.Credential.ID.String(), w.org.ID.String(), w.far.ID.String(), "nothing"} { // of which two have or may have a budget, and are no product
			w.get("admin", mem+"/products/"+name+"/usage").refused(404, "no such project")
			w.put("admin", mem+"/products/"+name+"/usage/settings", full).refused(404, "no such project")
			w.post("admin", mem+"/products/"+name+"/usage/top-up", `{"coins":5}`).refused(404, "no such project")
			w.get("key", mem+"/products/"+name+"/usage").refused(403, "another product")
		}
		w.put("admin", mem+"/products/space-game/usage/settings", `{"weekly_budget":7}`).want(200)

		w.ok(w.RemoveBudget(background, w.op, w.org.ID, w.game.ID))
		w.get("key", w.usage("")).want(200).has("weekly_budget", nil, "coins_remaining", nil, "overage_policy", "allow_overage")
		w.put("lead", w.usage("/settings"), `{"overage_policy":"block"}`).faulty("body.weekly_budget")
		w.post("lead", w.usage("/top-up"), `{"coins":5}`).refused(404, "no budget")
		w.put("lead", w.usage("/settings"), `{"hourly_limit":9}`).want(200).has("weekly_budget", nil, "hourly_limit", 9)
		w.put("lead", w.usage("/settings"), `{"weekly_budget":9,"overage_policy":"block"}`).want(200).has("weekly_budget", 9, "overage_policy", "block")
	})
}

// The summary of the present week.
func TestOTD10_OTO9_Summary(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		fresh := w.get("viewer", w.usage("")).want(200).members("", "product_id weekly_budget overage_policy hourly_limit coins_used coins_remaining coins_topped_up event_count cycle_start cycle_end breakdown")
		fresh.has("product_id", w.game.ID.String(), "coins_used", 0, "breakdown.0", nil)
		if !strings.Contains(fresh.body, `"breakdown":[]`) {
			t.Errorf("what was used for nothing is %s", fresh.body)
		}
		for range 2 {
			w.get("key", tools).want(200)
		}
		w.post("key", w.product(sampleList), sampleCreate).want(201)
		w.get("tester", w.usage("")).want(200).has("coins_used", 3, "coins_remaining", 997, "event_count", 3,
			"breakdown.0.event_type", "rest_api_read", "breakdown.0.coins", 2, "breakdown.0.percent", 66.7, "breakdown.1.coins", 1, "breakdown.1.percent", 33.3).
			members("breakdown.0", "event_type coins event_count percent")
		w.get("outsider", w.usage("")).refused(404, "no such project")
		reader, blind := "Bearer "+w.issue("activity:read").Secret.Reveal(), "Bearer "+w.issue("testcases:read").Secret.Reveal()
		for _, path := range []string{"", "/activity", "/history"} {
			w.get(reader, w.usage(path)).want(200)
			w.get(blind, w.usage(path)).refused(403, "activity:read")
		}
		w.get(blind, w.usage("/export.csv")).refused(403, "activity:read")
	})
}

// The log has a line for each metered call, and a filter of dates.
func TestOTD11_OTD5_Activity(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.get("key", tools).want(200)
		w.later(24 * time.Hour)
		w.post("key", w.product(sampleList), sampleCreate).want(201)
		w.upload("key", w.ofGame(), nil, "file:a.png", png).want(201)
		w.later(48 * time.Hour)
		w.get("key", mem+"/products").want(200)
		w.post("key", "/api/gateway/api/v1/chat", `{}`).want(501)

		all := w.get("viewer", w.usage("/activity")).want(200).members("", "items total page page_size").has("total", 5, "page", 1, "page_size", 20).
			members("items.0", "id timestamp user event_type source service operation coin_cost")
		all.has("items.0.service", "gateway", "items.0.coin_cost", 0,
			"items.1.user", "CI Pipeline", "items.1.event_type", "rest_api_read", "items.1.source", "api_key", "items.1.service", "membership",
			"items.1.operation", "GET /api/membership/api/v1/products", "items.1.coin_cost", 1, "items.1.timestamp", "2026-01-04T03:04:05Z",
			"items.2.event_type", "file_upload", "items.2.service", "artifacts", "items.3.event_type", "rest_api_write", "items.3.service", "test-management",
			"items.3.operation", "POST /api/test-management/api/v1/products/{product}/test-cases", "items.4.service", "gateway")
		for query, want := range map[string]string{
			"?from=2026-01-04": "gateway membership", "?to=2026-01-02": "gateway", "?from=2026-01-03&to=2026-01-03": "artifacts test-management",
			"?from=2026-01-03T03:04:05Z&to=2026-01-03T03:04:05.001Z": "artifacts test-management", "?from=2026-01-03T03:04:05.001Z&to=2026-01-04T03:04:05Z": "", "?page=3&page_size=2": "gateway",
		} {
			if got := w.get("viewer", w.usage("/activity"+query)).want(200).column("service"); got != want {
				t.Errorf("%s: got %q, want %q", query, got, want)
			}
		}
		for query, place := range map[string]string{
			"?from=yesterday": "query.from", "?to=2026-13-01": "query.to", "?from=2026-01-04&to=2026-01-03": "query.from", "?from=0001-01-01": "query.from", "?page_size=101": "query.page_size", "?page=0": "query.page",
			"?from=2026-01-04T00:00:00": "query.from",
		} {
			w.get("viewer", w.usage("/activity"+query)).faulty(place)
		}
		w.get("viewer", w.usage("/activity?user=x")).refused(400, "user")
		w.get("outsider", w.usage("/activity")).refused(404, "no such project")
	})
}

// The weeks of a product, twelve at most, with what each was used for.
func TestOTD12_History(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.get("viewer", w.usage("/history")).want(200).has("total", 1, "items.0.coins_used", 0).members("items.0", "cycle_start cycle_end weekly_budget coins_topped_up coins_used event_count breakdown")
		for n := range 14 {
			w.ahead.Store(int64(time.Duration(n) * week))
			for range n % 3 { // in some weeks nothing happens
				w.get("key", tools).want(200)
			}
		}
		w.post("key", w.product(sampleList), sampleCreate).want(201)
		w.later(13 * week)
		a := w.get("viewer", w.usage("/history")).want(200).members("", "items total").has("total", 12, "items.12", nil)
		for i := range 12 {
			n, at := 13-i, fmt.Sprintf("items.%d.", i)
			want := n % 3
			if i == 0 {
				want++
			}
			start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(n) * week)
			a.has(at+"coins_used", want, at+"event_count", want, at+"weekly_budget", 1000, at+"cycle_start", start.Format(time.RFC3339), at+"cycle_end", start.Add(week).Format(time.RFC3339))
		}
		w.later(14 * week) // before anything else is called
		w.get("viewer", w.usage("/history")).want(200).has("items.0.coins_used", 0, "items.1.coins_used", 2, "items.1.event_count", 2, "items.1.breakdown.1.event_type", "rest_api_write")
		a.has("items.0.breakdown.0.event_type", "rest_api_read", "items.0.breakdown.0.percent", 50, "items.0.breakdown.1.event_type", "rest_api_write", "items.1.breakdown.0", nil)
	})
}

// An export is CSV of up to three months, in which nothing becomes a formula.
func TestOTD13_Export(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		evil := `=HYPERLINK("http://evil.test","x"), y`
		made, err := w.Issue(background, w.op, authority.IssueRequest{Scheme: "onetest_key", Name: evil, Organization: w.org.ID, Project: &store.ProjectRef{ID: w.game.ID}})
		w.ok(err)
		w.get("Bearer "+made.Secret.Reveal(), tools).want(200)
		const rows = 510 // more than are read at once
		w.put("admin", w.usage("/settings"), `{"weekly_budget":100000}`).want(200)
		w.spend(rows)
		w.later(24 * time.Hour)
		w.post("key", w.product(sampleList), sampleCreate).want(201)

		a := w.get("viewer", w.usage("/export.csv"))
		if got := a.header.Get("Content-Type"); a.status != 200 || got != "text/csv; charset=utf-8; header=present" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment; filename=") {
			t.Fatalf("got %d %v", a.status, a.header)
		}
		if lines := strings.Count(a.body, "\r\n"); lines != rows+3 || strings.Count(a.body, "\n") != lines {
			t.Errorf("%d lines end by CR and LF, want %d", lines, rows+3)
		}
		table, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		w.ok(err)
		for i, want := range map[int]string{
			0:        "timestamp|user|event type|source|service|operation|coin cost",
			1:        "2026-01-02T03:04:05Z|'" + evil + "|rest_api_read|api_key|gateway|GET /api/gateway/api/v1/tools|1",
			rows + 2: "2026-01-03T03:04:05Z|CI Pipeline|rest_api_write|api_key|test-management|POST /api/test-management/api/v1/products/{product}/test-cases|1",
		} {
			if got := strings.Join(table[i], "|"); got != want {
				t.Errorf("line %d is %s, want %s", i, got, want)
			}
		}
		for query, want := range map[string]int{"?from=2026-01-03": 1, "?to=2026-01-02": rows + 1, "?from=2025-10-10&to=2026-01-09": rows + 2, "?from=2026-01-04": 0} {
			if query == "?from=2026-01-04" { // which is after now
				w.get("viewer", w.usage("/export.csv"+query)).faulty("query.from")
				continue
			}
			if got := strings.Count(w.get("viewer", w.usage("/export.csv"+query)).body, "\r\n") - 1; got != want {
				t.Errorf("%s: %d lines, want %d", query, got, want)
			}
		}
		w.get("viewer", w.usage("/export.csv?from=2025-10-09&to=2026-01-09")).faulty("query.from") // 93 days
		w.get("viewer", w.usage("/export.csv?from=x")).faulty("query.from")
		w.get("outsider", w.usage("/export.csv")).refused(404, "no such project")
	})
}
