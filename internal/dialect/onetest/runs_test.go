package onetest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A run is planned, started, and completed or aborted, in this order; a copy is
// a run that is planned.
func TestOTD14_OTD17_Runs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		one, two := w.made(w.product("/test-cases"), `{"title":"One"}`), w.made(w.product("/test-cases"), `{"title":"Two"}`)
		made := w.post("key", w.product("/runs"), `{"name":"Nightly","description":"Every night.","run_type":"automated","test_case_ids":["`+one+`"]}`).want(201).
			has("name", "Nightly", "description", "Every night.", "run_type", "automated", "status", "planned", "counts.total", 1, "counts.not_run", 1, "product_id", w.game.ID.String(),
				"created_by", w.key.Credential.ID.String(), "started_at", nil, "completed_at", nil).
			members("", "id product_id name description run_type status counts created_by created_at updated_at started_at completed_at").members("counts", "total not_run passed failed blocked skipped")
		run := tm + "/runs/" + made.text("id")
		if got := w.get("viewer", run).want(200); got.body != made.body {
			t.Errorf("it is shown as %s, and was made as %s", got.body, made.body)
		}
		w.post("key", run+"/complete", "").refused(409, "planned")
		w.ahead.Add(int64(time.Minute))
		w.post("tester", run+"/start", "").want(200).has("status", "in_progress", "started_at", "2026-01-02T03:05:05Z", "completed_at", nil)
		w.post("tester", run+"/start", "{}").refused(409, "in_progress")
		w.post("key", run+"/add-tests", `{"test_case_ids":["`+one+`","`+two+`"]}`).want(200).has("counts.total", 2)
		w.ahead.Add(int64(time.Minute))
		w.post("key", run+"/complete", "").want(200).has("status", "completed", "started_at", "2026-01-02T03:05:05Z", "completed_at", "2026-01-02T03:06:05Z")
		w.post("key", run+"/abort", "").refused(409, "completed")

		copied := w.post("key", run+"/copy", "").want(201).has("name", "Nightly", "status", "planned", "run_type", "automated", "counts.total", 2, "counts.not_run", 2, "started_at", nil)
		again := tm + "/runs/" + copied.text("id")
		w.post("key", again+"/abort", "").want(200).has("status", "aborted")
		w.do(call{method: "DELETE", path: tm + "/test-cases/" + two, as: "key"}).want(204)
		w.post("key", run+"/copy", `{"name":"Nightly, again"}`).want(201).has("name", "Nightly, again", "counts.total", 1) // of what is still there

		for query, want := range map[string]string{"": "Nightly Nightly Nightly, again", "?status=planned": "Nightly, again", "?status=ABORTED": "Nightly", "?run_type=manual": "", "?run_type=automated&page_size=1": "Nightly"} {
			a := w.get("viewer", w.product("/runs")+query).want(200)
			if got := a.column("name"); got != want {
				t.Errorf("%s: got %s, want %s", query, got, want)
			}
		}
		w.get("key", w.product("/runs?page_size=1")).has("total", 3)
		w.get("key", w.product("/runs?status=x")).faulty("query.status", "planned", "in_progress", "completed", "aborted")
		w.post("key", w.product("/runs"), `{"name":"x","run_type":"exploratory"}`).faulty("body.run_type", "manual", "automated")
		w.post("key", w.product("/runs"), `{}`).faulty("body.name")
		for _, ids := range []string{`"1"`, `""`, `"` + two + `"`, `"` + w.game.ID.String() + `"`} {
			w.post("key", w.product("/runs"), `{"name":"x","test_case_ids":[`+ids+`]}`).faulty("body.test_case_ids")
			w.post("key", again+"/add-tests", `{"test_case_ids":[`+ids+`]}`).faulty("body.test_case_ids")
		}
		many := strings.Repeat(`"`+one+`",`, 501)
		w.post("key", again+"/add-tests-bulk", `{"test_case_ids":[`+many[:len(many)-1]+`]}`).faulty("body.test_case_ids")
		w.post("key", again+"/add-tests", `{}`).faulty("body.test_case_ids")
		for _, action := range []string{"/start", "/complete", "/abort"} {
			w.post("viewer", again+action, "").refused(403, "results:write")
			w.post("outsider", again+action, "").refused(404, "no such run")
		}
		for _, id := range []string{w.game.ID.String(), one, "1", "01890000-0000-7000-8000-00000000abcd"} { // the first is the project's master cycle
			for _, path := range []string{"", "/executions", "/results", "/analytics"} {
				w.get("key", tm+"/runs/"+id+path).refused(404, "no such run")
			}
		}
	})
}

// A query chooses test cases for a run, and executions of a product.
func TestOTD14_Queries(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range 4 {
			w.made(w.product("/test-cases"), fmt.Sprintf(`{"title":"Case %d","priority":"p%d","tags":["smoke test"],"test_type":"%s"}`, i+1, i%2, []string{"manual", "automated"}[i/2]))
		}
		add := func(query string) answer {
			run := w.made(w.product("/runs"), `{"name":"Chosen"}`)
			return w.post("key", tm+"/runs/"+run+"/add-from-oql", `{"query":"`+query+`"}`)
		}
		for query, total := range map[string]int{"priority = p0": 2, `priority=P0 and TAG = \"smoke test\"`: 2, "  test_type = automated\\n AND  priority = 'p1'  ": 1, "tag = none": 0, `search = \"case 3\"`: 1} {
			add(query).want(200).has("counts.total", total)
		}
		for _, query := range []string{"", " ", "p0", "priority", "priority =", "priority = ''", "priority = p0 OR tag = x", "priority = p0 AND", "priority = p0 tag = x", "colour = red", "priority = p0 AND priority = p1",
			`priority = \"p0`, "priority = p0; DROP TABLE test_cases", "priority > p0", "AND priority = p0"} {
			add(query).faulty("body.query")
		}
		add("priority = p9").faulty("body.priority", "p0", "p1", "p2", "p3", "p4")

		run := w.made(w.product("/runs"), `{"name":"Nightly"}`)
		w.post("key", tm+"/runs/"+run+"/add-from-oql", `{"query":"priority = p0"}`).want(200)
		first := w.get("key", tm+"/runs/"+run+"/executions").want(200).has("total", 2).text("items.0.id")
		w.post("key", tm+"/executions/"+first+"/complete", `{"status":"failed","failure_reason":"bug_in_app"}`).want(200)
		search := func(query string) answer {
			return w.post("viewer", w.product("/search/executions"), `{"query":"`+query+`"}`)
		}
		for query, total := range map[string]int{"": 8, "status = failed": 1, "status = not_run": 7, "status = failed AND failure_reason = bug_in_app": 1, "status = passed": 0, "run_id = " + run: 2} {
			search(query).want(200).has("total", total).members("", "items total page page_size")
		}
		w.post("viewer", w.product("/search/executions?page=2&page_size=3"), `{}`).want(200).has("page", 2, "page_size", 3, "total", 8, "items.3", nil)
		search("status = open").faulty("body.status", "not_run", "in_progress", "passed", "failed", "blocked", "skipped")
		search("run_id = 7").faulty("body.run_id")
		search("priority = p0").faulty("body.query")
	})
}

// An execution is started and completed, step by step; who is to do it, and
// what it found, is noted. It is run again as if it never had been.
func TestOTD14_OTD17_Executions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		tc := w.made(w.product("/test-cases"), `{"title":"Login","steps":[{"action":"Open"},{"action":"Sign in"}]}`)
		other := w.made(w.product("/test-cases"), `{"title":"Logout"}`)
		run := tm + "/runs/" + w.made(w.product("/runs"), `{"name":"Nightly","test_case_ids":["`+tc+`","`+other+`"]}`)
		list := w.get("viewer", run+"/executions").want(200).has("total", 2, "items.0.status", "not_run", "items.0.test_case_id", tc, "items.0.identifier", "TC-0001", "items.0.title", "Login", "items.0.executed_by", nil).
			members("items.0", "id run_id product_id test_case_id identifier title status failure_reason comment duration_ms assigned_to steps defects executed_by started_at completed_at")
		one, two := tm+"/executions/"+list.text("items.0.id"), tm+"/executions/"+list.text("items.1.id")
		tester := w.users["tester"].User.ID.String()

		w.get("tester", tm+"/me/executions").want(200).has("total", 0)
		w.post("key", one+"/assign", `{"user_id":"`+tester+`"}`).want(200).has("assigned_to", tester)
		w.get("tester", tm+"/me/executions").want(200).has("total", 1, "items.0.test_case_id", tc)
		w.get("tester", tm+"/me/executions?status=in_progress").want(200).has("total", 0)
		w.get("key", tm+"/me/executions").want(200).has("total", 0)
		w.post("key", one+"/assign", `{"user_id":"`+w.users["outsider"].User.ID.String()+`"}`).faulty("body.user_id")
		w.post("key", one+"/assign", `{"user_id":"x"}`).faulty("body.user_id")

		w.post("tester", one+"/start", "").want(200).has("status", "in_progress", "started_at", "2026-01-02T03:04:05Z")
		w.post("tester", one+"/start", "").refused(409, "before")
		w.post("tester", one+"/steps", `{"step_number":2,"status":"failed","actual_result":"An error"}`).want(200).has("steps.0.step_number", 2, "steps.0.status", "failed")
		w.post("tester", one+"/steps", `{"step_number":1,"status":"Passed"}`).want(200).has("steps.0.step_number", 1, "steps.0.status", "passed", "steps.1.actual_result", "An error")
		w.post("tester", one+"/steps", `{"step_number":2,"status":"blocked"}`).want(200).has("steps.1.status", "blocked", "steps.2", nil)
		w.post("tester", one+"/steps", `{"step_number":3,"status":"passed"}`).faulty("body.step_number")
		w.post("tester", one+"/steps", `{"step_number":1,"status":"not_run"}`).faulty("body.status", "passed", "failed", "blocked", "skipped")
		w.post("tester", one+"/defects", `{"defect":"g-12"}`).want(200).has("defects.0", "g-12")
		w.post("tester", one+"/defects", `{"defect":""}`).faulty("body.defect")
		w.get("key", run+"/analytics").want(200).has("total", 2, "by_status.in_progress", 1, "by_status.not_run", 1, "completion_rate", 0, "pass_rate", 0)

		w.ahead.Add(int64(3 * time.Second))
		w.post("tester", one+"/complete", `{"status":"failed","failure_reason":"typo"}`).faulty("body.failure_reason", "bug_in_app", "test_data_issue", "environment_issue", "test_needs_update", "blocked_by_other", "other")
		w.post("tester", one+"/complete", `{"status":"passed","failure_reason":"other"}`).faulty("body.failure_reason")
		w.post("tester", one+"/complete", `{"status":"passed","duration_ms":-1}`).faulty("body.duration_ms")
		w.post("tester", one+"/complete", `{}`).faulty("body.status", "passed", "failed", "blocked", "skipped")
		w.post("tester", one+"/complete", `{"status":"failed","failure_reason":"bug_in_app","comment":"It stays empty."}`).want(200).
			has("status", "failed", "failure_reason", "bug_in_app", "comment", "It stays empty.", "duration_ms", 3000, "executed_by", tester, "completed_at", "2026-01-02T03:04:08Z")
		w.post("tester", one+"/complete", `{"status":"passed"}`).refused(409, "again")
		w.post("key", two+"/complete", `{"status":"PASSED","duration_ms":1500}`).want(200).has("status", "passed", "duration_ms", 1500, "executed_by", w.key.Credential.ID.String())

		w.get("key", run).has("counts.total", 2, "counts.passed", 1, "counts.failed", 1, "counts.not_run", 0)
		w.get("key", run+"/analytics").want(200).has("by_status.passed", 1, "by_status.failed", 1, "by_status.not_run", 0, "pass_rate", 50, "completion_rate", 100, "failure_reasons.bug_in_app", 1, "duration_ms", 4500)
		w.get("key", run+"/results?status=failed").want(200).has("total", 1, "items.0.title", "Login")

		w.post("tester", one+"/rerun", "").want(200).has("status", "not_run", "failure_reason", nil, "comment", "", "duration_ms", 0, "steps.0", nil, "started_at", nil, "completed_at", nil, "defects.0", "g-12", "assigned_to", tester)
		w.post("tester", one+"/rerun", "").refused(409, "hasn't ended")
		w.get("key", run+"/results").want(200).has("total", 1)
		w.get("key", run+"/executions").want(200).has("total", 2)
		w.post("key", one+"/assign", `{}`).want(200).has("assigned_to", nil)

		for _, as := range []string{"viewer", "outsider"} {
			status, part := 403, "results:write"
			if as == "outsider" {
				status, part = 404, "no such execution"
			}
			for action, body := range map[string]string{"start": "", "complete": `{"status":"passed"}`, "rerun": "", "assign": "{}", "steps": `{"step_number":1,"status":"passed"}`, "defects": `{"defect":"x"}`} {
				w.post(as, one+"/"+action, body).refused(status, part)
			}
		}
		w.get("outsider", one).refused(404, "no such execution")
		w.get("viewer", one).want(200)
		w.post("key", run+"/start", "").want(200)
		w.post("key", run+"/complete", "").want(200)
		w.post("key", one+"/start", "").refused(409, "completed")
		w.post("key", two+"/rerun", "").refused(409, "completed")
	})
}

// What no text holds is looked for nowhere: it is refused, by a query too.
func TestH4_FiltersThatAreNoText(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, filter := range []string{"tag", "automation_test_id", "search", "folder_id"} {
			for _, value := range []string{"a%00b", "%ff", "%ed%a0%80"} {
				w.get("key", w.product(sampleList+"?"+filter+"="+value)).faulty("query." + filter)
			}
		}
		run := w.made(w.product("/runs"), `{"name":"Release 1.0"}`)
		for _, filter := range []string{"tag", "automation_test_id"} {
			w.post("key", tm+"/runs/"+run+"/add-from-oql", `{"query":"`+filter+` = \"a\u0000b\""}`).faulty("body." + filter)
		}
	})
}
