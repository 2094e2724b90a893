package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
)

// The life of a key by the API: it is made under a name that says what it is
// for and shown once, works in all services, and stops when it is revoked. A
// lost one is not shown again, and another is made in its place.
func TestOT7_OT8_OT14_OT18_OT19_LifeOfAKey(t *testing.T) {
	t.Parallel()
	eachWhole(t, func(t *testing.T, w *whole) {
		var p api.Project
		w.must("POST", "/v1/organizations/"+w.org.ID+"/projects", api.CreateProject{Name: "Space Game"}, &p)
		keys := map[string]api.IssuedCredential{}
		for _, name := range []string{"GitHub CI", "Nightly Reporter", "Jenkins Pipeline"} {
			keys[name] = w.issue(api.CreateCredential{Scheme: "onetest_key", Name: name, Project: p.ID})
		}
		cases := "/api/test-management/api/v1/products/" + p.ID + "/test-cases"
		lost := keys["GitHub CI"]
		w.wantStatus("a sample", w.send("POST", cases, map[string]string{"title": "Login test", "test_type": "manual", "priority": "p2"}, as(lost.Secret)), 201)
		printed := w.send("GET", "/api/gateway/api/v1/tools", nil, as(lost.Secret), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") })
		w.wantStatus("a sample", printed, 200)

		var list api.List[api.Credential]
		w.must("GET", "/v1/credentials?scheme=onetest_key", nil, &list)
		if len(list.Items) != 3 {
			t.Fatalf("there are %d keys", len(list.Items))
		}
		for _, c := range list.Items {
			secret := keys[c.Name].Secret
			if want := "ak_…" + secret[len(secret)-4:]; c.Hint != want || c.Project != p.ID {
				t.Errorf("%s is shown as %q of %s, want %q of %s", c.Name, c.Hint, c.Project, want, p.ID)
			}
		}
		if text := w.send("GET", "/v1/credentials/"+lost.ID, nil, as(lost.Secret)).text; strings.Contains(text, lost.Secret) {
			t.Error("the key is shown again")
		}

		w.must("POST", "/v1/credentials/"+lost.ID+"/revoke", nil, nil)
		again := w.issue(api.CreateCredential{Scheme: "onetest_key", Name: lost.Name, Project: p.ID})
		w.wantStatus("a revoked key", w.send("GET", cases, nil, as(lost.Secret)), 401)
		for _, c := range []api.IssuedCredential{again, keys["Nightly Reporter"], keys["Jenkins Pipeline"]} {
			w.wantStatus("another key", w.send("GET", cases, nil, as(c.Secret)), 200)
		}
		w.wantStatus("a key of its own in TestKase's routes", w.send("GET", "/api/v1/test-cases?projectId=PRJ-1", nil, as(again.Secret)), 401)
	})
}

// What one API made, the others show: a product is a project, a run a test
// cycle, and how a test case went is the same in all of them.
func TestOneTestAndTestKase(t *testing.T) {
	t.Parallel()
	eachKase(t, func(t *testing.T, k *kase) {
		const tests, kase = "/api/test-management/api/v1", "?projectId=PRJ-1"
		var p api.Project
		k.must("GET", "/v1/organizations/"+k.org.ID+"/projects/PRJ-1", nil, &p)
		key := as(k.issue(api.CreateCredential{Scheme: "onetest_key", Name: "CI Pipeline", Project: p.ID}).Secret)
		made := func(path string, body any) string {
			a := k.send("POST", tests+"/products/space-game/"+path, body, key)
			k.wantStatus(path, a, 201)
			id, _ := a.body["id"].(string)
			return id
		}
		one := made("test-cases", map[string]any{"title": "Login test", "priority": "p0", "test_type": "automated", "tags": []string{"web"}})
		run := made("runs", map[string]any{"name": "Nightly", "test_case_ids": []string{one}})

		tc := k.good("user", "GET", kaseCases+"/TC-1"+kase, nil)
		if tc["title"] != "Login test" || tc["priority"] != "critical" || tc["type"] != "functional" {
			t.Errorf("TestKase shows %v", tc)
		}
		k.good("user", "PATCH", kaseCases+"/TC-1"+kase, map[string]any{"priority": "low", "type": "smoke"})
		k.good("user", "PUT", kaseCycles+"/TCYCLE-2/test-cases/TC-1"+kase, map[string]any{"status": "Fail", "comment": "An error", "durationMs": 7})
		if got := k.send("GET", tests+"/test-cases/"+one, nil, key); got.body["priority"] != "p3" || got.body["test_category"] != "smoke" || got.body["execution_type"] != "automated" || got.body["version"] != 2.0 {
			t.Errorf("OneTest shows %s", got.text)
		}
		got := k.send("GET", tests+"/runs/"+run+"/results", nil, key)
		if items, _ := got.body["items"].([]any); len(items) != 1 || items[0].(map[string]any)["status"] != "failed" || items[0].(map[string]any)["comment"] != "An error" {
			t.Errorf("OneTest shows %s", got.text)
		}

		coverage := func(linked float64) {
			a := k.send("GET", tests+"/products/"+p.ID+"/test-cases/automation-coverage", nil, key)
			if a.status != 200 || a.body["marked_automated"] != 1.0 || a.body["linked_to_results"] != linked {
				t.Errorf("got %s, want %v linked", a.text, linked)
			}
		}
		coverage(0)
		k.good("user", "POST", kaseCycles+"/TCYCLE-2/results"+kase, map[string]any{"results": []any{map[string]any{"name": fmt.Sprintf("[%v] login", tc["automationId"]), "status": "Pass"}}})
		coverage(1)

		k.good("user", "DELETE", kaseCycles+"/TCYCLE-2"+kase, nil)
		coverage(0)
		for _, path := range []string{"", "/executions", "/results", "/analytics"} {
			k.wantStatus("a run that is gone", k.send("GET", tests+"/runs/"+run+path, nil, key), 404)
		}
		k.wantStatus("an execution of it", k.send("GET", tests+"/executions/"+got.body["items"].([]any)[0].(map[string]any)["id"].(string), nil, key), 404)
	})
}
