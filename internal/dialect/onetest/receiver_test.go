package onetest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// The receiver's paths of Space Game, in each version.
const (
	v1 = "/api/receiver/api/v1/space-game"
	v2 = "/api/receiver/api/v2/space-game"
)

// launch starts a launch, and returns its id.
func (w *world) launch(more string) string {
	w.t.Helper()
	return w.post("key", v2+"/launch", `{"name":"Nightly","startTime":1767323045000`+more+`}`).want(201).text("id")
}

// item starts an item, such as "step: logs in", below a parent, or (none) at the
// root of a launch.
func (w *world) item(launch, parent, what string, more ...string) string {
	w.t.Helper()
	kind, name, _ := strings.Cut(what, ": ")
	return w.post("key", v2+"/item/"+parent, `{"type":"`+kind+`","name":"`+name+`","startTime":1767323046000,"launchUuid":"`+launch+`"`+strings.Join(more, "")+`}`).want(201).text("id")
}

// end ends an item, with a status or (none) without.
func (w *world) end(launch, item, status string) {
	w.t.Helper()
	body := `{"endTime":1767323047000,"launchUuid":"` + launch + `"`
	if status != "" {
		body += `,"status":"` + status + `"`
	}
	w.put("key", v2+"/item/"+item, body+`}`).want(200).text("message")
}

// over ends a launch, and returns what has become of it.
func (w *world) over(launch string) answer {
	w.t.Helper()
	w.put("key", v2+"/launch/"+launch+"/finish", `{"endTime":1767323048000,"status":"PASSED"}`).want(200)
	return w.get("key", v1+"/launch/uuid/"+launch).want(200)
}

// tells is how a launch went, and how many of its tests: all, those that passed,
// failed, were skipped, and go on.
func (a answer) tells(status string, counts ...int) answer {
	a.t.Helper()
	for n, name := range []string{"total", "passed", "failed", "skipped", "in_progress"} {
		a.has("statistics."+name, counts[n])
	}
	return a.has("status", status)
}

// A launch as agents report it, in both versions: suites and tests, and what is
// worked out from them.
func TestOTD25_OTD26_OTD27_OTD28_OTD31_OTD45_OTD47_OTO17_ALaunch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		tc := w.made(w.product("/test-cases"), `{"title":"Valid login","automation_test_id":"login.js/Login/valid login"}`)
		for n, base := range []string{v2, v1} {
			start := w.post("key", base+"/launch", `{"name":"Nightly","startTime":1767323045000,"attributes":[{"key":"branch","value":"main"},{"key":"agent","value":"mocha|5","system":true}],"mode":"DEFAULT","description":"by hand"}`).want(201)
			launch := start.has("number", n+1).members("", "id number").text("id")
			suite := w.post("key", base+"/item/", `{"name":"Login","type":"SUITE","startTime":1767323045001,"launchUuid":"`+launch+`","codeRef":"login.js/Login"}`).want(201).members("", "id").text("id")
			step := w.post("key", base+"/item/"+suite, `{"name":"[48271] valid login","type":"STEP","startTime":1767323045002,"launchUuid":"`+launch+`","codeRef":"login.js/Login/valid login","testCaseId":"login.js/Login/valid login",
				"parameters":[{"key":"browser","value":"firefox"}],"hasStats":true,"description":"first"}`).want(201).text("id")
			root := w.post("key", base+"/item", `{"name":"by itself","type":"STEP","startTime":1767323045003,"launchUuid":"`+launch+`"}`).want(201).text("id")
			error := "```error\\nAssertionError: the page stays empty\\n    at login.js:7\\n```"
			w.put("key", base+"/item/"+step, `{"endTime":1767323045102,"launchUuid":"`+launch+`","status":"failed","description":"`+error+`","issue":{"issueType":"pb001","comment":"known"},"retry":false,"attributes":[{"value":"slow"}]}`).want(200).members("", "message")
			w.put("key", base+"/item/"+root, `{"endTime":1767323045103,"launchUuid":"`+launch+`","status":"passed","issue":null}`).want(200)
			w.put("key", base+"/item/"+suite, `{"endTime":1767323045104,"launchUuid":"`+launch+`"}`).want(200)
			done := w.put("key", base+"/launch/"+launch+"/finish", `{"endTime":1767323045105,"status":"PASSED"}`).want(200).members("", "id number link").has("id", launch, "number", n+1)
			if link := done.text("link"); link != w.url+"/api/receiver/api/v1/"+w.game.ID.String()+"/launch/uuid/"+launch {
				t.Errorf("the link is %s", link)
			}
			got := w.get("key", v1+"/launch/uuid/"+launch).want(200).tells("failed", 2, 1, 1, 0, 0).has("name", "Nightly", "mode", "DEFAULT", "description", "by hand", "startTime", 1767323045000,
				"endTime", 1767323045105, "attributes.0.key", "branch", "attributes.1.system", true, "owner", w.key.Credential.ID.String())
			w.get("key", v1+"/item/uuid/"+suite).want(200).has("type", "SUITE", "status", "failed", "hasChildren", true, "codeRef", "login.js/Login", "parentUuid", nil, "issue", nil)
			w.get("key", v1+"/item/uuid/"+step).want(200).has("name", "[48271] valid login", "status", "failed", "parentUuid", suite, "launchUuid", launch, "hasChildren", false, "parameters.0.value", "firefox",
				"attributes.0.value", "slow", "issue.issueType", "pb001", "description", strings.ReplaceAll(error, `\n`, "\n"), "endTime", 1767323045102)
			w.get("key", v1+"/item/uuid/"+root).want(200).has("status", "passed", "parentUuid", nil)
			run, _, err := w.work.TestRun(background, w.op, master(w), partOf(got.text("runId")))
			w.ok(err)
			if run.Source != "launch" || run.Status != "failed" || run.Branch != "main" || run.Counts.Total != 2 || run.Counts.Failed != 1 || run.Matched != 1 {
				t.Errorf("its results are %+v", run)
			}
		}
		w.get("key", tm+"/products/"+w.game.ID.String()+"/test-cases/automation-coverage").want(200)
		_ = tc
	})
}

// The values that agents send in more than one form.
func TestOTD36_OTD37_OTD38_OTD39_OTD43_OTO25_LooseValues(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		secret := w.tokens["key"]
		a := w.do(call{method: "POST", path: v2 + "/launch?trace=1&trace=2", as: "bearer " + secret, header: []string{"Content-Type", "application/json; charset=UTF-8"},
			body: `{"name":"Nightly","startTime":"1767323045000","uuid":"","rerun":false,"rerunOf":"","description":null,"mode":"","name":"Twice","unknown":{"deep":[1,{"er":null}]},
				"attributes":[{"key":"RAMSize","value":16775016448,"system":true},{"value":"tag"},{"key":null,"value":true},{"key":"empty","value":""}]}`}).want(201)
		launch := a.text("id")
		w.get("key", v1+"/launch/uuid/"+launch+"?unknown=&page.page=x").want(200).has("startTime", 1767323045000, "mode", "DEFAULT", "attributes.0.value", "16775016448", "attributes.0.system", true,
			"attributes.1.value", "tag", "attributes.1.key", nil, "attributes.2.value", "true", "attributes.3", nil)
		for value, want := range map[string]int{
			`1767323045123`: 1767323045123, `"1767323045123"`: 1767323045123, `1767323045123.9`: 1767323045123, `"2026-01-02T03:04:05.123456789Z"`: 1767323045123, `"2026-01-02T03:04:05Z"`: 1767323045000,
			`"2026-01-02T05:04:05.123+02:00"`: 1767323045123, `"2026-01-02T03:04:05.123+0000"`: 1767323045123, `"2026-01-02T03:04:05.123"`: 1767323045123, `""`: int(w.now().UnixMilli()), `null`: int(w.now().UnixMilli()),
		} {
			id := w.post("key", v2+"/item", `{"type":"step","name":"x","startTime":`+value+`,"launchUuid":"`+launch+`","uuid":""}`).want(201).text("id")
			w.get("key", v1+"/item/uuid/"+id).want(200).has("startTime", want)
		}
		for _, value := range []string{`-1`, `"yesterday"`, `1e300`, `"NaN"`, `"9999999999999999"`, `{}`, `[]`, `"1969-12-31T23:59:59Z"`} {
			w.post("key", v2+"/item", `{"type":"step","name":"x","startTime":`+value+`,"launchUuid":"`+launch+`"}`).faulty("body.startTime")
		}
		for _, kind := range strings.Fields("suite STORY Test scenario STEP BEFORE_CLASS before_groups BEFORE_METHOD BEFORE_SUITE BEFORE_TEST AFTER_CLASS AFTER_GROUPS after_method AFTER_SUITE AFTER_TEST") {
			id := w.item(launch, "", kind+": "+kind)
			w.get("key", v1+"/item/uuid/"+id).want(200).has("type", strings.ToUpper(kind))
		}
		w.post("key", v2+"/item", `{"type":"chapter","name":"x","launchUuid":"`+launch+`"}`).want(422).has("detail.0.type", "enum", "detail.0.ctx.allowed.0", "SUITE")
		for status, want := range map[string]string{"PASSED": "passed", "failed": "failed", "Skipped": "skipped", "INTERRUPTED": "interrupted", "stopped": "interrupted", "CANCELLED": "cancelled", "info": "passed", "WARN": "passed"} {
			id := w.item(launch, "", "step: ends "+status)
			w.end(launch, id, status)
			w.get("key", v1+"/item/uuid/"+id).want(200).has("status", want)
		}
		w.put("key", v2+"/item/"+w.item(launch, "", "step: x"), `{"status":"great"}`).want(422).has("detail.0.type", "enum")
		w.post("key", v2+"/item", `{"type":"step","name":"half a \ud83d","launchUuid":"`+launch+`"}`).want(201)
		w.post("key", v2+"/log", `{"message":"a\u0000b","level":"warning","launchUuid":"`+launch+`","itemUuid":""}`).want(201)
		w.get("key", v1+"/log?filter.eq.launchId="+launch).want(200).has("content.0.message", "a\uFFFDb", "content.0.level", "WARN", "content.0.itemUuid", nil, "content.0.time", int(w.now().UnixMilli()))
	})
}

// Requests come at once and in any order, and some are repeated.
func TestOTD40_OTD46_AtOnceAndAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const tests = 100
		launch := w.launch("")
		suite := w.item(launch, "", "suite: All")
		steps := make([]string, tests)
		var all sync.WaitGroup
		atOnce := func(fn func(n int)) {
			for n := range tests {
				all.Go(func() { fn(n) })
			}
		}
		atOnce(func(n int) { steps[n] = w.item(launch, suite, fmt.Sprint("step: test ", n)) })
		all.Wait()
		w.end(launch, suite, "") // before what is in it
		atOnce(func(n int) { w.end(launch, steps[n], []string{"passed", "failed", "skipped", "passed"}[n%4]) })
		atOnce(func(n int) {
			w.post("key", v2+"/log", `{"time":1767323046500,"message":"hello","level":"info","launchUuid":"`+launch+`","itemUuid":"`+steps[n]+`"}`).want(201)
		})
		all.Wait()
		w.get("key", v1+"/item/uuid/"+suite).want(200).has("status", "failed")
		w.over(launch).tells("failed", tests, tests/2, tests/4, tests/4, 0)

		w.post("key", v2+"/log", `{"message":"late","level":"ERROR","launchUuid":"`+launch+`","itemUuid":"`+steps[0]+`"}`).want(201)
		w.get("key", v1+"/log/item/"+steps[0]).want(200).has("page.totalElements", 2, "content.1.message", "late", "content.1.level", "ERROR")
		first := w.put("key", v2+"/launch/"+launch+"/finish", `{"endTime":1}`).want(200).has("id", launch)
		if again := w.put("key", v2+"/launch/"+launch+"/finish", `{"endTime":2}`).want(200); again.body != first.body {
			t.Errorf("a repeat is answered by %s, not %s", again.body, first.body)
		}
		w.end(launch, steps[0], "passed") // as it ended before
		w.end(launch, steps[1], "passed")
		w.get("key", v1+"/launch/uuid/"+launch).want(200).tells("failed", tests, tests/2+1, tests/4-1, tests/4, 0).has("endTime", 1767323048000)
		if runs := w.rows(`SELECT COUNT(*) FROM test_runs`); runs != 1 {
			t.Errorf("there are %d runs", runs)
		}
	})
}

// What an agent leaves open is closed, and what it says of the whole isn't asked.
func TestOTD41_OTD42_OTD48_OTO18_WorkedOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		launch := w.launch("")
		inner := w.item(launch, w.item(launch, "", "suite: outer"), "test: inner")
		passed, failed := w.item(launch, inner, "step: passes", `,"codeRef":"a//b [c] d"`), w.item(launch, inner, "step: fails")
		open := w.item(launch, inner, "step: never ends")
		w.end(launch, passed, "passed")
		w.end(launch, failed, "failed")
		w.end(launch, inner, "passed") // as agents say of what they can't know
		w.get("key", v1+"/launch/uuid/"+launch).want(200).tells("in_progress", 3, 1, 1, 0, 1).has("endTime", nil, "runId", nil)
		w.over(launch).tells("failed", 3, 1, 1, 1, 0)
		for item, want := range map[string]string{passed: "passed", failed: "failed", open: "interrupted", inner: "failed"} {
			w.get("key", v1+"/item/uuid/"+item).want(200).has("status", want)
		}
		w.get("key", v1+"/item/uuid/"+passed).want(200).has("codeRef", "a//b [c] d")
		w.get("key", v1+"/item/uuid/"+open).want(200).has("endTime", 1767323048000)
		w.put("key", v2+"/item/"+open, `{"endTime":1767323049000,"status":"passed"}`).want(200) // after all
		w.get("key", v1+"/launch/uuid/"+launch).want(200).tells("failed", 3, 2, 1, 0, 0)

		for said, want := range map[string]string{"passed": "passed", "skipped": "passed", "interrupted": "interrupted", "cancelled": "cancelled", "failed": "failed", "": "interrupted"} {
			launch := w.launch(`,"name":"of one"`)
			suite := w.item(launch, "", "suite: suite")
			step := w.item(launch, suite, "step: step")
			part := w.item(launch, step, "step: part", `,"hasStats":false`)
			w.end(launch, part, "failed") // which the test may have expected
			if said != "" {
				w.end(launch, step, said)
				w.end(launch, suite, "")
			}
			w.over(launch).has("status", want, "statistics.total", 1)
			suites := map[string]string{"skipped": "skipped"}
			if suites[said] == "" {
				suites[said] = want
			}
			w.get("key", v1+"/item/uuid/"+suite).want(200).has("status", suites[said])
		}
		empty := w.launch("")
		w.over(empty).tells("passed", 0, 0, 0, 0, 0).has("runId", nil)
	})
}

// The statistics count tests, each by its last attempt, and a launch is run again.
func TestOTO19_OTO20_AttemptsAndReruns(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		launch := w.launch("")
		suite := w.item(launch, "", "suite: Login")
		first := w.item(launch, suite, "step: valid login", `,"testCaseId":"a","retry":true`) // as agents say of what may be tried again
		w.end(launch, first, "failed")
		second := w.item(launch, suite, "step: valid login", `,"testCaseId":"a","retry":true`)
		w.end(launch, second, "passed")
		other := w.item(launch, suite, "step: valid login", `,"testCaseId":"b"`)
		w.end(launch, other, "failed")
		last := w.item(launch, suite, "step: renamed", `,"retryOf":"`+other+`"`)
		w.end(launch, last, "passed")
		hidden := w.item(launch, suite, "step: counts for nothing", `,"hasStats":"false"`)
		w.end(launch, hidden, "failed")
		w.end(launch, suite, "")
		w.over(launch).tells("passed", 2, 2, 0, 0, 0)
		w.get("key", v1+"/item/uuid/"+first).want(200).has("status", "failed", "attempt", 1, "retriedBy", second)
		w.get("key", v1+"/item/uuid/"+second).want(200).has("status", "passed", "attempt", 2, "retriedBy", nil)
		w.get("key", v1+"/item/uuid/"+other).want(200).has("retriedBy", last)
		if runs, results := w.rows(`SELECT COUNT(*) FROM test_runs`), w.rows(`SELECT COUNT(*) FROM test_results`); runs != 1 || results != 4 {
			t.Errorf("there are %d runs with %d results", runs, results)
		}

		failing := w.launch("")
		class := w.item(failing, "", "suite: Login", `,"codeRef":"login"`)
		w.end(failing, w.item(failing, class, "step: passes", `,"codeRef":"login.passes"`), "passed")
		w.end(failing, w.item(failing, class, "step: fails", `,"codeRef":"login.fails"`), "failed")
		w.end(failing, class, "")
		w.over(failing).tells("failed", 2, 1, 1, 0, 0)
		for _, how := range []string{`"rerunOf":"` + failing + `"`, `"rerun":true`} {
			again := w.post("key", v2+"/launch", `{"name":"Nightly","startTime":1767323050000,`+how+`}`).want(201).has("id", failing, "number", 2)
			if got := w.item(again.text("id"), "", "suite: Login", `,"codeRef":"login"`); got != class {
				t.Errorf("the suite is another one: %s, not %s", got, class)
			}
			w.end(failing, w.item(failing, class, "step: fails", `,"codeRef":"login.fails"`), "passed")
			w.end(failing, class, "")
			w.over(failing).tells("passed", 2, 2, 0, 0, 0).has("rerun", true)
		}
		if runs := w.rows(`SELECT COUNT(*) FROM test_runs`); runs != 4 {
			t.Errorf("there are %d runs", runs)
		}
		for _, how := range []string{`"name":"Nightly","rerunOf":"01890000-0000-7000-8000-00000000abcd"`, `"name":"Never","rerun":true`} {
			w.post("key", v2+"/launch", `{`+how+`}`).refused(404, "no such launch")
		}

		const mine = "01890000-0000-7000-8000-0000000000aa"
		body := `{"name":"Mine","startTime":1767323045000,"uuid":"` + mine + `"}`
		was := w.post("key", v2+"/launch", body).want(201).has("id", mine)
		if again := w.post("key", v2+"/launch", body).want(201); again.body != was.body {
			t.Errorf("a repeat is answered by %s, not %s", again.body, was.body)
		}
		w.post("key", v2+"/launch", strings.Replace(body, "Mine", "Other", 1)).refused(409, "in use")
		const itsItem = "01890000-0000-7000-8000-0000000000bb"
		item := `{"name":"x","type":"step","startTime":1767323045000,"launchUuid":"` + mine + `","uuid":"` + itsItem + `"}`
		for range 2 {
			w.post("key", v2+"/item", item).want(201).has("id", itsItem)
		}
		w.post("key", v2+"/item", strings.Replace(item, `"x"`, `"y"`, 1)).refused(409, "in use")
		w.over(mine)
		w.post("key", v2+"/item", item).want(201) // of the call that was lost
		w.post("key", v2+"/launch", `{"name":"x","uuid":"mine"}`).faulty("body.uuid")
	})
}

// What is unknown, what is over, and who may not.
func TestOTO22_OTO10_Refusals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const nobody = "01890000-0000-7000-8000-00000000abcd"
		launch := w.launch("")
		item := w.item(launch, "", "suite: suite")
		w.over(launch)
		w.post("key", v2+"/item", `{"name":"x","type":"step","launchUuid":"`+launch+`"}`).refused(406, "finished").has("errorCode", 406, "message", "the launch is finished; it takes no more items")
		w.post("key", v2+"/item/"+item, `{"name":"x","type":"step","launchUuid":"`+launch+`"}`).refused(406, "finished")
		other := w.launch("")
		for _, id := range []string{nobody, "undefined", "0", "1.5"} {
			w.post("key", v2+"/item", `{"name":"x","type":"step","launchUuid":"`+id+`"}`).refused(404, "no such launch")
			w.post("key", v2+"/item/"+id, `{"name":"x","type":"step","launchUuid":"`+other+`"}`).refused(404, "no such item")
			w.put("key", v2+"/item/"+id, `{"status":"passed"}`).refused(404, "no such item")
			w.post("key", v2+"/log", `{"message":"x","itemUuid":"`+id+`"}`).refused(404, "no such item")
			w.post("key", v2+"/log", `{"message":"x","launchUuid":"`+id+`"}`).refused(404, "no such launch")
			w.put("key", v2+"/launch/"+id+"/finish", `{}`).refused(404, "no such launch")
			w.put("key", v2+"/launch/"+id+"/update", `{}`).refused(404, "no such launch")
			w.put("key", v2+"/item/"+id+"/update", `{}`).refused(404, "no such item")
			for _, path := range []string{"/launch/uuid/" + id, "/launch/" + id, "/item/" + id, "/item/uuid/" + id, "/log/item/" + id, "/log?filter.eq.item=" + id, "/item?filter.eq.launchId=" + id, "/item?filter.eq.parentId=" + id} {
				w.get("key", v1+path).refused(404, "no such")
			}
		}
		w.post("key", v2+"/item/"+item, `{"name":"x","type":"step","launchUuid":"`+other+`"}`).refused(404, "no such item in this launch")
		w.post("key", v2+"/item", `{"name":"x","type":"step"}`).faulty("body.launchUuid")
		w.post("key", v2+"/log", `{"message":"x"}`).faulty("body.launchUuid")
		w.post("key", v2+"/launch", `{"startTime":1}`).faulty("body.name")
		w.get("key", v1+"/log").faulty("query.filter.eq.item")
		w.post("key", v2+"/launch", `{"name":`).refused(400, "JSON").has("errorCode", 400)
		w.post("key", v2+"/launch", `[]`).refused(400, "JSON object")
		w.do(call{method: "POST", path: v2 + "/launch", as: "key", body: "x", header: []string{"Content-Type", "text/plain"}}).refused(415, "application/json")
		w.post("key", v2+"/launch", `{"name":"x","description":"`+strings.Repeat("x", 17<<20)+`"}`).refused(413, "bytes")

		// Other products, other callers.
		for product, status := range map[string]int{w.hidden.ID.String(): 403, w.far.ID.String(): 403, nobody: 403, "hidden": 403} {
			base := "/api/receiver/api/v2/" + product
			w.post("key", base+"/launch", `{"name":"x"}`).refused(status, "another product")
			w.get("key", "/api/receiver/api/v1/"+product+"/launch").refused(status, "another product")
			w.upload("key", base+"/log", nil, "json_request_part", `[]`).refused(status, "another product")
			w.upload("key", "/api/receiver/api/v1/products/"+product+"/import/junit/upload", nil, "file:x.xml", "<testsuite/>").refused(status, "another product")
		}
		far, err := w.Issue(background, w.op, authority.IssueRequest{Scheme: "onetest_key", Name: "far", Organization: w.far.Organization, Project: &store.ProjectRef{ID: w.far.ID}})
		w.ok(err)
		w.tokens["far"] = far.Secret.Reveal()
		base := "/api/receiver/api/v2/" + w.far.ID.String()
		w.post("far", base+"/item", `{"name":"x","type":"step","launchUuid":"`+other+`"}`).refused(404, "no such launch")
		w.put("far", base+"/item/"+item, `{"status":"passed"}`).refused(404, "no such item")
		w.put("far", base+"/launch/"+other+"/finish", `{}`).refused(404, "no such launch")
		w.post("far", base+"/log", `{"message":"x","itemUuid":"`+item+`"}`).refused(404, "no such item")
		w.post("far", base+"/launch/merge", `{"launches":["`+launch+`"]}`).refused(404, "no such launch")
		w.post("far", base+"/launch", `{"name":"x","rerunOf":"`+launch+`"}`).refused(404, "no such launch")
		w.post("far", base+"/launch", `{"name":"Nightly","rerun":true}`).refused(404, "no such launch")
		w.post("far", base+"/launch", `{"name":"x","uuid":"`+launch+`"}`).refused(409, "in use")
		for as, status := range map[string]int{"admin": 201, "lead": 201, "tester": 201, "viewer": 403, "outsider": 404, "": 401} {
			if a := w.post(as, v2+"/launch", `{"name":"x"}`); a.status != status {
				t.Errorf("%s starts a launch: %d %s, want %d", as, a.status, a.body, status)
			}
			looks := map[int]int{201: 200, 403: 200}[status]
			if a := w.get(as, v1+"/launch/uuid/"+launch); a.status != max(looks, status) && a.status != looks {
				t.Errorf("%s looks at a launch: %d %s", as, a.status, a.body)
			}
		}
		w.tokens["narrow"] = w.issue("autotests:read").Secret.Reveal()
		w.get("narrow", v1+"/settings").want(200)
		w.post("narrow", v2+"/launch", `{"name":"x"}`).refused(403, "autotests:write")
		w.upload("narrow", v2+"/log", nil, "json_request_part", `[]`).refused(403, "autotests:write")
		w.upload("narrow", "/api/receiver/api/v1/products/space-game/import/junit", nil, "file:x.xml", "<testsuite/>").refused(403, "autotests:write")
		w.tokens["narrow"] = w.issue("autotests:write").Secret.Reveal()
		w.post("narrow", v2+"/launch", `{"name":"x"}`).want(201)
		w.get("narrow", v1+"/launch").refused(403, "autotests:read")
		_, err = w.ArchiveProject(background, w.op, w.org.ID, w.game.ID, true)
		w.ok(err)
		w.post("admin", "/api/receiver/api/v2/"+w.game.ID.String()+"/item", `{"name":"x","type":"step","launchUuid":"`+other+`"}`).refused(409, "archived")
	})
}

// Merging makes one of several launches, side by side or suite by suite.
func TestOTD34_OTO21_Merge(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		part := func(status string) string {
			launch := w.launch(`,"attributes":[{"key":"shard","value":"` + status + `"}]`)
			suite := w.item(launch, "", "suite: Login")
			inner := w.item(launch, suite, "suite: by password")
			w.end(launch, w.item(launch, inner, "step: ends "+status), status)
			w.post("key", v2+"/log", `{"message":"x","launchUuid":"`+launch+`"}`).want(201)
			w.post("key", v2+"/log", `{"message":"x","itemUuid":"`+inner+`"}`).want(201)
			w.end(launch, inner, "")
			w.end(launch, suite, "")
			return launch
		}
		one, two := part("passed"), part("failed")
		w.post("key", v2+"/launch/merge", `{"launches":["`+one+`"]}`).refused(409, "in progress")
		w.over(one)
		w.over(two)
		found := w.get("key", v1+"/launch?filter.in.uuid="+one+"%2C"+two+"&page.size=2").want(200).has("page.totalElements", 2, "content.0.uuid", two, "content.1.id", 1)
		_ = found
		merged := w.post("key", v1+"/launch/merge", `{"launches":[1,"`+two+`"],"mergeType":"BASIC","name":"All","description":"both","mode":"DEFAULT","endTime":1767323060000,"extendSuitesDescription":true}`).want(200)
		id := merged.tells("failed", 2, 1, 1, 0, 0).has("id", 3, "number", 3, "name", "All", "attributes.0.value", "passed", "attributes.1.value", "failed", "endTime", 1767323060000).text("uuid")
		w.get("key", v1+"/item?filter.eq.launchId=3").want(200).has("page.totalElements", 6, "content.0.description", "@launch 'Nightly #1'", "content.3.description", "@launch 'Nightly #2'")
		w.get("key", v1+"/launch/uuid/"+one).want(200).has("uuid", id)
		w.get("key", v1+"/launch/1").refused(404, "no such launch")
		w.get("key", v1+"/launch").want(200).has("page.totalElements", 1, "content.0.uuid", id)
		w.get("key", v1+"/log?filter.eq.launchId="+id).want(200).has("page.totalElements", 2)

		three, four := part("passed"), part("skipped")
		w.over(three)
		w.over(four)
		deep := w.post("key", v2+"/launch/merge", `{"launches":["`+three+`",5,3],"mergeType":"deep","attributes":[]}`).want(200).tells("failed", 4, 2, 1, 1, 0).has("name", "All", "attributes.0", nil)
		whole := w.get("key", v1+"/item?filter.eq.launchId="+deep.text("uuid")+"&page.size=50").want(200).has("page.totalElements", 6)
		kinds := map[string]int{}
		for n := range 6 {
			kinds[whole.text(fmt.Sprintf("content.%d.name", n))]++
		}
		if kinds["Login"] != 1 || kinds["by password"] != 1 {
			t.Errorf("it holds %v", kinds)
		}
		for n := range 6 {
			if whole.text(fmt.Sprintf("content.%d.name", n)) == "by password" {
				w.get("key", v1+"/log/item/"+whole.text(fmt.Sprintf("content.%d.uuid", n))).want(200).has("page.totalElements", 4)
			}
		}
		w.post("key", v2+"/log", `{"message":"late","launchUuid":"`+one+`"}`).want(201) // which it is now
		w.get("key", v1+"/log?filter.eq.launchId="+deep.text("uuid")).want(200).has("page.totalElements", 5)
		if runs := w.rows(`SELECT COUNT(*) FROM test_runs`); runs != 4 {
			t.Errorf("there are %d runs", runs)
		}
		w.post("key", v2+"/launch/merge", `{"mergeType":"BASIC"}`).faulty("body.launches")
		w.post("key", v2+"/launch/merge", `{"launches":[6],"mergeType":"sideways"}`).want(422).has("detail.0.type", "enum")
		w.post("key", v2+"/launch/merge", `{"launches":[99]}`).refused(404, "no such launch")
	})
}

// What is to be seen of launches, and what is changed by hand.
func TestOTD32_OTD33_OTD35_LookUps(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		launch, debug := w.launch(""), w.launch(`,"mode":"debug"`)
		suite := w.item(launch, "", "suite: suite")
		step := w.item(launch, suite, "step: step", `,"uniqueId":"auto:1"`)
		for range 3 {
			w.item(launch, "", "test: more")
		}
		w.put("key", v2+"/launch/"+launch+"/update", `{"description":"changed","mode":"DEFAULT","attributes":[{"key":"build","value":7}]}`).want(200).members("", "message")
		w.put("key", v1+"/launch/2/update", `{"description":"by number"}`).want(200)
		w.put("key", v2+"/item/"+step+"/update", `{"description":"changed","status":"FAILED","attributes":[{"value":"x"}]}`).want(200).members("", "message")
		w.get("key", v1+"/launch?page.page=1&page.size=1").want(200).has("page.number", 1, "page.size", 1, "page.totalElements", 1, "page.totalPages", 1, "content.0.uuid", launch, "content.0.id", 1, "content.0.number", 1,
			"content.0.status", "in_progress", "content.0.description", "changed", "content.0.attributes.0.value", "7", "content.0.statistics.failed", 1)
		w.get("key", v1+"/launch/mode?filter.in.uuid="+debug+"&page.size=1").want(200).has("content.0.uuid", debug, "content.0.mode", "DEBUG", "content.0.description", "by number", "page.totalElements", 1)
		w.get("key", v1+"/launch?filter.in.uuid=nothing").want(200).has("page.totalElements", 0)
		w.get("key", v1+"/launch?filter.eq.name=Other").want(200).has("page.totalElements", 0)
		w.get("key", v1+"/launch?filter.eq.status=IN_PROGRESS&page.size=0&page.page=-1").want(200).has("page.totalElements", 1, "page.size", 20)
		w.get("key", v1+"/launch/1").want(200).has("uuid", launch)
		items := w.get("key", v1+"/item?filter.eq.launchId=1&page.size=2&page.page=2").want(200).has("page.totalElements", 5, "page.totalPages", 3, "content.0.name", "more", "content.2", nil)
		_ = items
		w.get("key", v1+"/item?filter.eq.parentId="+suite).want(200).has("page.totalElements", 1, "content.0.uuid", step, "content.0.status", "failed", "content.0.description", "changed", "content.0.uniqueId", "auto:1")
		w.get("key", v1+"/item?filter.eq.launchId="+launch+"&filter.eq.type=test&filter.eq.status=in_progress").want(200).has("page.totalElements", 3)
		number := w.get("key", v1+"/item/uuid/"+step).want(200).get("id").(float64)
		w.get("key", fmt.Sprintf("%s/item/%.0f", v1, number)).want(200).has("uuid", step)
		w.get("key", v1+"/settings").want(200).has("projectId", w.game.ID.String(), "subTypes.PRODUCT_BUG.0.locator", "pb001")
		if v := w.get("", "/api/receiver/api/info").want(200).text("build.version"); !strings.HasPrefix(v, "5.") {
			t.Errorf("the version is %s", v)
		}
		w.do(call{method: "GET", path: v1 + "/launch", as: "key", body: "{}"}).want(200) // as the client of agents asks
	})
}

// Each call of an agent is a coin, and so is an import.
func TestOTO7_OTD5_AgentsPay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		launch := w.launch("")
		w.get("key", v1+"/launch/uuid/"+launch).want(200)
		w.post("key", v2+"/item", `{"name":"x","type":"step","launchUuid":"01890000-0000-7000-8000-00000000abcd"}`).refused(404, "no such launch")
		w.upload("key", "/api/v1/products/"+w.game.ID.String()+"/import/junit", nil, "file:x.xml", `<testsuite><testcase name="x"/></testsuite>`).want(201)
		w.post("lead", v2+"/launch", `{"name":"free"}`).want(201)
		w.get("", "/api/receiver/api/info").want(200)
		used := w.get("viewer", w.usage("")).want(200).has("coins_used", 4, "event_count", 4)
		if !strings.Contains(used.body, `"test_ingestion","coins":3`) && !strings.Contains(used.body, "test_ingestion") || !strings.Contains(used.body, "junit_import") {
			t.Errorf("it was used for %s", used.body)
		}
		w.put("lead", w.usage("/settings"), `{"weekly_budget":4}`).want(200)
		refused := w.post("key", v2+"/launch", `{"name":"x"}`)
		if refused.status != http.StatusTooManyRequests || refused.get("errorCode") != 429.0 || !strings.Contains(refused.text("message"), "coin budget") {
			t.Errorf("without coins: %d %s", refused.status, refused.body)
		}
	})
}

// rows counts behind the server's back.
func (w *world) rows(query string) (n int) {
	w.t.Helper()
	w.ok(storetest.Raw(w.t, w.at).QueryRow(query).Scan(&n))
	return n
}
