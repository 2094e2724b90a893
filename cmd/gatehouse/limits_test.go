package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
)

// limitedWorld has a project, and a credential of each dialect's.
func limitedWorld(w *whole) map[string]func(*http.Request) {
	base := "/v1/organizations/" + w.org.ID
	w.must("POST", base+"/projects", api.CreateProject{Name: "Space Game"}, nil)
	w.must("POST", base+"/members", api.CreateUser{Email: "ada@acme.test", Name: "Ada", Role: "admin", Password: goodPassword}, nil)
	user := func(scheme string) string {
		return w.issue(api.CreateCredential{Scheme: scheme, User: "ada@acme.test", ExpiresIn: "90d"}).Secret
	}
	bunship := w.issue(api.CreateCredential{Scheme: "bunship_live", Scopes: []string{"*"}}).Secret
	return map[string]func(*http.Request){
		"GET /v1/self":                        as(w.verifier),
		"GET /projects.json":                  as(user("betahub_pat")),
		"GET /api/external/v2/tests":          as(w.issue(static()).Secret),
		"GET " + kaseProjects:                 as(user("testkase_pat")),
		"GET /api/membership/api/v1/products": as(w.issue(api.CreateCredential{Scheme: "onetest_key", Project: "PRJ-1"}).Secret),
		"GET /api/v1/organizations/" + w.org.BunShipID + "/members": func(r *http.Request) { r.Header.Set("X-API-Key", bunship) },
	}
}

// Too many requests are 429 in the shape of each dialect, and every one says
// when to come again: in Retry-After, and in the two headers of all surfaces.
func TestRS11_BHO12_BTO10_OTO6_TKO13_BSO11_TooMany(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		calls := limitedWorld(w)
		for call, credential := range calls {
			if a := w.send("GET", strings.TrimPrefix(call, "GET "), nil, credential); a.status != 200 {
				t.Fatalf("%s: got %d %s", call, a.status, a.text)
			}
		}
		w.must("PUT", "/v1/organizations/"+w.org.ID+"/limits", api.OrganizationLimits{Requests: 1, Window: "1h"}, nil)
		if a := w.send("GET", "/v1/self", nil, as(w.verifier)); a.status != 200 || a.header.Get("RateLimit-Policy") != `"organization";q=1;w=3600` ||
			!strings.HasPrefix(a.header.Get("RateLimit"), `"organization";r=0;t=`) {
			t.Errorf("the last one: got %d with %q and %q", a.status, a.header.Get("RateLimit-Policy"), a.header.Get("RateLimit"))
		}
		shapes := map[string]func(reply) bool{
			"/v1/self":                        func(a reply) bool { return a.field("code") == "rate_limited" && a.body["status"] == 429.0 },
			"/projects.json":                  func(a reply) bool { return a.field("status") == "rate_limited" && a.field("error") != "" },
			"/api/external/v2/tests":          func(a reply) bool { return a.field("error") == "rate_limited" && a.field("message") != "" },
			kaseProjects:                      func(a reply) bool { return a.field("error") == "Too Many Requests" && a.body["status"] == 429.0 },
			"/api/membership/api/v1/products": func(a reply) bool { return a.field("code") == "rate_limited" && a.field("detail") != "" },
			"/api/v1/organizations/" + w.org.BunShipID + "/members": func(a reply) bool { return strings.Contains(a.text, `"RATE_LIMIT_EXCEEDED"`) },
		}
		for call, credential := range calls {
			path := strings.TrimPrefix(call, "GET ")
			a := w.send("GET", path, nil, credential)
			if a.status != 429 || !shapes[path](a) || !strings.Contains(a.text, "at most 1 an hour") {
				t.Errorf("%s: got %d %s", call, a.status, a.text)
			}
			if h := a.header; h.Get("Retry-After") != "3600" || h.Get("RateLimit-Policy") != `"organization";q=1;w=3600` || h.Get("RateLimit") != `"organization";r=0;t=3600` {
				t.Errorf("%s: got Retry-After %q, RateLimit-Policy %q and RateLimit %q", call, h.Get("Retry-After"), h.Get("RateLimit-Policy"), h.Get("RateLimit"))
			}
		}
	})
}

// Every answer to a limited credential says what it has left, a refusal for
// another reason too; one that nothing limits is told of nothing.
func TestTKO8_BSD4_BHD2_WhatIsLeft(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		calls := limitedWorld(w)
		for path, want := range map[string]string{
			kaseProjects: `"credential";r=299;t=1`, "/api/external/v2/tests": `"credential";r=299;t=1`, "/api/v1/organizations/" + w.org.BunShipID + "/members": `"credential";r=999;t=1`,
			"/projects.json": "", "/v1/self": "", "/api/membership/api/v1/products": "",
		} {
			a := w.send("GET", path, nil, calls["GET "+path])
			got := a.header.Get("RateLimit")
			if i := strings.LastIndex(got, ";t="); a.status != 200 || want == "" && got != "" || want != "" && (i < 0 || got[:i] != want[:len(want)-4]) {
				t.Errorf("%s: got %d with %q, want %q", path, a.status, got, want)
			}
		}
		a := w.send("GET", kaseProjects+"?what=x", nil, calls["GET "+kaseProjects])
		if a.status < 400 || a.header.Get("RateLimit-Policy") != `"credential";q=300;w=60` || a.header.Get("X-RateLimit-Remaining") != "298" {
			t.Errorf("a call that is wrong: got %d with %v", a.status, a.header)
		}
		if a := w.send("GET", kaseProjects, nil, as("tk_pat_wrong")); a.header.Get("RateLimit") != "" {
			t.Errorf("a token that isn't one: got %v", a.header)
		}
	})
}

// H-2: a client that waits as long as Retry-After says is never refused twice.
func TestH2_ObedientClient(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		calls := limitedWorld(w)
		w.must("PUT", "/v1/organizations/"+w.org.ID+"/projects/PRJ-1/limits", api.ProjectLimits{Requests: 7, Window: "1h"}, nil)
		w.must("PUT", "/v1/organizations/"+w.org.ID+"/limits", api.OrganizationLimits{AddressRequests: 3}, nil)
		const path = "/api/membership/api/v1/products"
		refused, refusals := false, 0
		for range 60 {
			a := w.send("GET", path, nil, calls["GET "+path])
			if a.status == 429 && refused {
				t.Fatalf("after it waited: got %s", a.text)
			}
			if refused = a.status == 429; refused {
				var wait int
				if _, err := fmt.Sscan(a.header.Get("Retry-After"), &wait); err != nil {
					t.Fatal(err)
				}
				refusals++
				w.advance(time.Duration(wait) * time.Second)
			}
		}
		if refusals == 0 {
			t.Error("it was never refused")
		}
	})
}

// A service that asks is told what is left, and when its own client may come again.
func TestVerifyTellsLimits(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		key := w.issue(api.CreateCredential{Scheme: "bunship_live", Scopes: []string{"*"}, RateLimit: 2}).Secret
		verify := func() (d api.Decision) {
			w.must("POST", "/v1/verify", api.Verify{Credential: &key}, &d)
			return d
		}
		reset := time.Date(2026, 1, 2, 3, 4, 35, 0, time.UTC)
		if d := verify(); d.Code != "ok" || d.Limits == nil || *d.Limits != (api.LimitState{Limit: 2, Remaining: 1, ResetAt: reset, Window: "1m", Of: "credential"}) {
			t.Errorf("got %+v with %+v", d, d.Limits)
		}
		verify()
		d := verify()
		if d.Code != "rate_limited" || d.Active || d.Limits == nil || d.Limits.RetryAfter != 30 || d.Limits.Remaining != 0 || d.Credential != nil || d.Organization != "" {
			t.Errorf("got %+v with %+v", d, d.Limits)
		}
		w.must("POST", "/v1/verify", api.Verify{Credential: &w.verifier}, &d)
		if d = (api.Decision{}); d.Limits != nil {
			t.Errorf("without a limit: got %+v", d.Limits)
		}
	})
}

// What isn't a limit is refused by the name of the member that is wrong, and a
// change keeps to If-Match.
func TestLimitRoutes(t *testing.T) {
	eachWhole(t, func(t *testing.T, w *whole) {
		limitedWorld(w)
		key := as(w.issue(api.CreateCredential{Scheme: "gatehouse_key", Scopes: []string{"organization:read", "organization:write", "projects:read", "projects:write"}}).Secret)
		base := "/v1/organizations/" + w.org.ID
		for _, path := range []string{base + "/limits", base + "/projects/PRJ-1/limits"} {
			for field, body := range map[string]map[string]any{
				"window": {"requests": 5}, "requests": {"window": "1h"}, "Window": {"requests": 5, "window": "32d"}, "WINDOW": {"requests": 5, "window": "soon"},
				"Requests": {"requests": -5, "window": "1h"}, "REQUESTS": {"requests": 1_000_000_001, "window": "1h"},
			} {
				if a := w.send("PUT", path, body, key); a.status != 422 || a.field("field") != strings.ToLower(field) {
					t.Errorf("%s %v: got %d %s", path, body, a.status, a.text)
				}
			}
			a := w.send("GET", path, nil, key)
			if a.status != 200 || strings.TrimSpace(a.text) != "{}" {
				t.Errorf("%s: got %d %s", path, a.status, a.text)
			}
			match := func(r *http.Request) { r.Header.Set("If-Match", a.header.Get("ETag")) }
			if a := w.send("PUT", path, map[string]any{"requests": 600, "window": "60m"}, key, match); a.status != 200 || strings.TrimSpace(a.text) != `{"requests":600,"window":"1h"}` {
				t.Errorf("%s: got %d %s", path, a.status, a.text)
			}
			if a := w.send("PUT", path, map[string]any{}, key, match); a.status != 412 {
				t.Errorf("%s, of another state: got %d %s", path, a.status, a.text)
			}
			if a := w.send("PUT", path, map[string]any{}, key); a.status != 200 {
				t.Errorf("%s: got %d %s", path, a.status, a.text)
			}
		}
		if a := w.send("PUT", base+"/limits", map[string]any{"address_requests": -1}, key); a.status != 422 || a.field("field") != "address_requests" {
			t.Errorf("got %d %s", a.status, a.text)
		}
	})
}
