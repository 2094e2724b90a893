package onetest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
)

// A test case is made, read, changed and taken away; what a change names alone
// is different then, and makes the next version.
func TestOTD14_OTD15_OTO13_TestCases(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		full := w.post("key", w.product("/test-cases"), `{"title":" Valid login ","description":"By e-mail.\n\nOn the web.","test_type":"exploratory","test_category":"security",
			"priority":"P0","status":"active","tags":["web","login","web"],"folder_id":"Login/Web","component":"accounts","owner":"Ada","preconditions":"An account",
			"automation_status":"candidate","steps":[{"step_number":7,"action":"Sign in","expected_result":"The start page","data":"ada","attachments":["b.png","a.png"]},{"action":"Leave"}]}`).want(201)
		full.has("title", "Valid login", "description", "By e-mail.\n\nOn the web.", "test_type", "exploratory", "execution_type", "manual", "test_category", "security",
			"priority", "p0", "status", "ready", "tags.0", "login", "tags.1", "web", "tags.2", nil, "folder_id", "Login/Web", "component", "accounts", "owner", "Ada", "preconditions", "An account",
			"automation_status", "candidate", "automation_test_id", "", "identifier", "TC-0001",
			"steps.0.step_number", 1, "steps.0.action", "Sign in", "steps.0.expected_result", "The start page", "steps.0.data", "ada", "steps.0.attachments.0", "a.png",
			"steps.1.step_number", 2, "steps.1.expected_result", "").members("steps.1", "step_number action expected_result data attachments")
		one := tm + "/test-cases/" + full.text("id")
		if got := w.get("tester", one).want(200); got.body != full.body {
			t.Errorf("it is shown as %s, and was made as %s", got.body, full.body)
		}

		w.put("key", one, `{"execution_type":"automated","automation_test_id":"test_login.py:TestLogin.test_valid_login"}`).want(200).has("version", 2,
			"execution_type", "automated", "test_type", "exploratory", "automation_status", "automated", "automation_test_id", "test_login.py:TestLogin.test_valid_login",
			"title", "Valid login", "priority", "p0", "created_by", w.key.Credential.ID.String())
		w.put("tester", one, `{"execution_type":"automated","title":"Valid login","priority":null}`).want(200).has("version", 2)
		w.put("tester", one, `{"title":"Login","status":"archived","version":2}`).want(200).has("version", 3, "status", "deprecated", "created_by", w.key.Credential.ID.String())
		w.put("tester", one, `{"title":"Other","version":2}`).refused(409, "version 3")
		w.put("tester", one, `{"test_type":"manual","folder_id":"","tags":[]}`).want(200).has("version", 4, "execution_type", "manual", "automation_status", "not_automated", "folder_id", nil, "tags.0", nil)
		w.post("key", w.product("/test-cases"), `{"title":"x","test_type":"automated"}`).want(201).has("execution_type", "automated", "automation_status", "automated", "identifier", "TC-0002")
		w.post("key", w.product("/test-cases"), `{"title":"x","test_type":"automated","execution_type":"manual"}`).want(201).has("execution_type", "manual", "automation_status", "not_automated")
		for _, p := range []string{"p0", "p1", "P2", "p3", "P4"} {
			w.put("key", one, `{"priority":"`+p+`"}`).want(200).has("priority", strings.ToLower(p))
		}

		w.do(call{method: "DELETE", path: one, as: "viewer"}).refused(403, "tests:write")
		if a := w.do(call{method: "DELETE", path: one, as: "key"}).want(204); a.body != "" {
			t.Errorf("deleted with the body %s", a.body)
		}
		w.get("key", one).refused(404, "no such test case")
		w.put("key", one, `{"title":"x"}`).refused(404, "no such test case")
		w.post("key", w.product("/test-cases"), `{"title":"x"}`).want(201).has("identifier", "TC-0004") // no number comes again
	})
}

// What is wrong with a value is told with its place, and what may stand there;
// what can't be read is told in a sentence.
func TestOTD16_OTO10_WrongInput(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		cases, one := w.product("/test-cases"), tm+"/test-cases/"+w.made(w.product("/test-cases"), sampleCreate)
		priorities := []string{"p0", "p1", "p2", "p3", "p4"}
		statuses := []string{"draft", "ready", "deprecated"}
		categories := []string{"functional", "performance", "security", "accessibility", "exploratory"}
		types := []string{"manual", "automated", "exploratory"}
		for body, want := range map[string][]string{
			`"priority":"p9"`: append([]string{"body.priority"}, priorities...), `"priority":"high"`: append([]string{"body.priority"}, priorities...), `"status":"open"`: append([]string{"body.status"}, statuses...),
			`"test_category":"smoke"`: append([]string{"body.test_category"}, categories...), `"test_type":"x"`: append([]string{"body.test_type"}, types...), `"test_type":""`: append([]string{"body.test_type"}, types...),
			`"execution_type":"exploratory"`: {"body.execution_type", "manual", "automated"}, `"automation_status":"x"`: {"body.automation_status", "not_automated", "candidate", "automated"},
			`"description":"\u0000"`: {"body.description"}, `"tags":["` + strings.Repeat("x", 51) + `"]`: {"body.tags"}, `"tags":"x"`: {"body.tags"}, `"folder_id":"a//b"`: {"body.folder_id"},
			`"automation_test_id":"` + strings.Repeat("x", 501) + `"`: {"body.automation_test_id"}, `"steps":[{"action":"a"},{"action":" "}]`: {"body.steps.1.action"},
			`"steps":[{"action":"a","expected_result":"\u0000"}]`: {"body.steps.0.expected_result"}, `"steps":[{"action":"a","attachments":["\n"]}]`: {"body.steps.0.attachments"}, `"title":1`: {"body.title"},
		} {
			if !strings.HasPrefix(body, `"title"`) {
				w.post("key", cases, `{"title":"x",`+body+`}`).faulty(want[0], want[1:]...)
			}
			w.put("key", one, `{`+body+`}`).faulty(want[0], want[1:]...)
		}
		for _, title := range []string{``, `"title":null`, `"title":""`, `"title":"  "`, `"title":"` + strings.Repeat("ü", 256) + `"`} {
			w.post("key", cases, `{`+title+`}`).faulty("body.title")
		}
		w.post("key", cases, `{"title":"`+strings.Repeat("ü", 255)+`"}`).want(201)
		long := func(n int) string {
			step := `{"action":"` + strings.Repeat(`\"`, 2000) + `","expected_result":"` + strings.Repeat(`\"`, 2000) + `"},`
			return `{"steps":[` + strings.TrimSuffix(strings.Repeat(step, n), ",") + `]}`
		}
		w.put("key", one, long(60)).want(200)
		w.put("key", one, long(61)).faulty("body.steps")
		for query, want := range map[string][]string{"priority=x": append([]string{"query.priority"}, priorities...), "status=x": append([]string{"query.status"}, statuses...),
			"test_type=x": append([]string{"query.test_type"}, types...), "page=0": {"query.page"}, "page_size=101": {"query.page_size"}, "page=x": {"query.page"}, "page=101&page_size=100": {"query.page"},
			"search=" + strings.Join(strings.Split("abcdefghijklmnopq", ""), "+"): {"query.search"}} {
			w.get("key", cases+"?"+query).faulty(want[0], want[1:]...)
		}
		for query, part := range map[string]string{"colour=red": "colour", "status=ready&status=ready": "status", "status=": "status", "%zz": "query"} {
			w.get("key", cases+"?"+query).refused(400, part)
		}
		for body, part := range map[string]string{`{"title":"x","colour":"red"}`: "colour", `{"title":"x","title":"y"}`: "twice", `{"title":`: "JSON", `[]`: "object", `"x"`: "object", strings.Repeat(`{"a":`, 40): "deep"} {
			w.post("key", cases, body).refused(400, part)
		}
		for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", ""} {
			w.do(call{method: "POST", path: cases, as: "key", body: sampleCreate, header: []string{"Content-Type", media}}).refused(415, "application/json")
		}
		w.post("key", cases, `{"title":"`+strings.Repeat("x", 1<<20)+`"}`).refused(413, "")
		if a := w.do(call{method: "PATCH", path: cases, as: "key", body: `{}`}).refused(405, "GET"); a.header.Get("Allow") == "" {
			t.Error("405 names no methods")
		}
		for _, id := range []string{"1", "TC-0001", "01890000-0000-7000-8000-00000000abcd", "00000000-0000-0000-0000-000000000000", "%2e"} {
			w.get("key", tm+"/test-cases/"+id).refused(404, "no such")
		}
	})
}

// Lists have a page of items with their total; they are filtered and searched.
func TestOTO11_Lists(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range 7 {
			w.made(w.product("/test-cases"), fmt.Sprintf(`{"title":"Case %d","priority":"p%d","status":"%s","test_type":"%s","test_category":"%s","tags":["L%d"],"folder_id":"F%d","automation_test_id":"pkg.test%d"}`,
				i+1, i%2, []string{"draft", "ready"}[i%2], []string{"manual", "automated", "exploratory"}[i%3], []string{"security", "functional"}[i%2], i%3, i%2, i+1))
		}
		for query, want := range map[string]string{
			"": "1 2 3 4 5 6 7", "page_size=3": "1 2 3", "page_size=3&page=3": "7", "page_size=3&page=4": "", "status=draft": "1 3 5 7", "status=active": "2 4 6", "priority=P1&page_size=2": "2 4",
			"test_type=exploratory": "3 6", "execution_type=manual": "1 3 4 6 7", "test_category=security": "1 3 5 7", "tag=L1": "2 5", "tag=L1&status=ready": "2", "folder_id=F1": "2 4 6", "folder_id=F": "",
			"automation_test_id=pkg.test6": "6", "search=case": "1 2 3 4 5 6 7", "search=TC-3": "3", "search=case&status=ready&page_size=2&page=2": "6", "search=" + url.QueryEscape(`" OR 1=1 --`): "",
		} {
			a := w.get("tester", w.product("/test-cases")+"?"+query).want(200).members("", "items total page page_size")
			if got := strings.ReplaceAll(a.column("identifier"), "TC-000", ""); got != want {
				t.Errorf("%s: got %s, want %s", query, got, want)
			}
		}
		w.get("key", w.product("/test-cases?page_size=3&page=3")).has("total", 7, "page", 3, "page_size", 3)
		w.get("key", w.product("/test-cases?status=draft&page_size=1")).has("total", 4)
		w.get("key", w.product("/runs")).want(200).has("total", 0, "page", 1, "page_size", 20).members("", "items total page page_size")
		w.get("key", mem+"/products").want(200).has("total", 1)
	})
}

// A call that is repeated with its Idempotency-Key is done once.
func TestOTO11_Repeats(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, path := range []string{"/test-cases", "/runs"} {
			c := call{method: "POST", path: w.product(path), as: "key", body: `{"title":"Once"}`, header: []string{"Idempotency-Key", "k1"}}
			if path == "/runs" {
				c.body = `{"name":"Once"}`
			}
			first := w.do(c).want(201)
			if again := w.do(c).want(201); again.body != first.body {
				t.Errorf("%s: the repeat got %s, the first call %s", path, again.body, first.body)
			}
			c.body = strings.Replace(c.body, "Once", "Twice", 1)
			w.do(c).faulty("header.Idempotency-Key")
			w.get("key", w.product(path)).has("total", 1)
		}
	})
}

// How far test cases are automated: by the words of each, by their references
// and by what was reported about them.
func TestOTD14_OTD18_Coverage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		path := w.product("/test-cases/automation-coverage")
		w.get("key", path).want(200).has("total_test_cases", 0, "automation_gap_percentage", 0, "coverage_by_priority.0", nil)
		for _, body := range []string{`"priority":"p0"`, `"priority":"p0","test_type":"automated","automation_test_id":"a.b"`, `"priority":"p1","test_type":"automated","test_category":"security"`} {
			w.made(w.product("/test-cases"), `{"title":"x",`+body+`}`)
		}
		for _, query := range []string{"", "?no_cache=true", "?no_cache=false"} {
			w.get("viewer", path+query).want(200).has("total_test_cases", 3, "execution_type_distribution.manual", 1, "execution_type_distribution.automated", 2, "marked_automated", 2,
				"linked_to_results", 0, "no_automation_ref", 1, "automation_gap", 1, "automation_gap_percentage", 33.3,
				"coverage_by_priority.0.priority", "p0", "coverage_by_priority.0.total", 2, "coverage_by_priority.0.automated", 1, "coverage_by_priority.0.gap_percentage", 50,
				"coverage_by_priority.1.priority", "p1", "coverage_by_priority.1.gap_percentage", 0, "coverage_by_priority.2", nil,
				"coverage_by_category.0.category", "functional", "coverage_by_category.0.total", 2, "coverage_by_category.1.category", "security", "coverage_by_category.1.automated", 1).
				members("", "total_test_cases execution_type_distribution marked_automated linked_to_results no_automation_ref automation_gap automation_gap_percentage coverage_by_priority coverage_by_category")
		}
		w.get("key", path+"?no_cache=x").faulty("query.no_cache", "true", "false")
	})
}

// A reference is found in either of its spellings, and one of several is enough.
func TestOTD19_References(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		one := w.made(w.product("/test-cases"), `{"title":"x","automation_test_id":"test_login.py::TestLogin::test_valid\r\nother.test\n\n"}`)
		two := w.made(w.product("/test-cases"), `{"title":"y","automation_test_id":"test_login.py:TestLogin.test_valid\ntest_login.py::TestLogin::test_valid"}`)
		w.get("key", tm+"/test-cases/"+one).has("automation_test_id", "other.test\ntest_login.py::TestLogin::test_valid")
		for ref, want := range map[string]string{"test_login.py::TestLogin::test_valid": one + " " + two, "test_login.py:TestLogin.test_valid": one + " " + two, "other.test": one, "test_login.py:TestLogin": ""} {
			if got := w.get("key", w.product("/test-cases?automation_test_id=")+url.QueryEscape(ref)).want(200).column("id"); got != want {
				t.Errorf("%s: got %s, want %s", ref, got, want)
			}
		}
	})
}

// Products with what they have: members, environments, builds and releases.
func TestOTD3_OTD20_OTO16_Membership(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.game.ID.String()
		one := mem + "/products/" + id
		w.get("key", mem+"/products").want(200).has("total", 1, "items.0.id", id, "items.0.slug", "space-game", "items.0.name", "Space Game", "items.0.product_type", "webapp", "items.0.member_count", 3).
			members("items.0", "id slug name description product_type member_count created_at")
		for who, names := range map[string]string{"admin": "Space Game Hidden", "tester": "Space Game", "outsider": ""} {
			if got := w.get(who, mem+"/products").want(200).column("name"); got != names {
				t.Errorf("%s sees %s, want %s", who, got, names)
			}
		}
		w.get("tester", mem+"/products/space-game").want(200).has("id", id)
		w.put("key", one, `{"product_type":"API","description":"In space."}`).want(200).has("product_type", "api", "description", "In space.")
		w.put("lead", one, `{"product_type":"mobile"}`).want(200).has("product_type", "mobile", "description", "In space.")
		w.put("lead", one, `{"product_type":"x"}`).faulty("body.product_type", "webapp", "api", "mobile")
		w.put("tester", one, `{"product_type":"api"}`).refused(403, "projects:write")
		w.put("outsider", one, `{"product_type":"api"}`).refused(404, "no such project")

		people := w.get("viewer", one+"/members").want(200).has("total", 3).members("items.0", "id name email role joined_at")
		roles := map[string]string{}
		for i := range 3 {
			roles[people.text(fmt.Sprintf("items.%d.email", i))] = people.text(fmt.Sprintf("items.%d.role", i))
		}
		if fmt.Sprint(roles) != "map[lead@acme.test:owner tester@acme.test:member viewer@acme.test:member]" {
			t.Errorf("the members are %v", roles)
		}

		w.post("key", one+"/environments", `{"name":"Dev"}`).want(201).has("name", "Dev", "type", "development", "is_default", true, "product_id", id)
		staging := w.post("lead", one+"/environments", `{"name":"Staging","type":"staging"}`).want(201).has("is_default", false).text("id")
		w.post("key", one+"/environments", `{"name":"Staging","is_default":true}`).want(200).has("id", staging, "type", "staging", "is_default", true)
		w.get("viewer", one+"/environments").want(200).has("total", 2, "items.0.name", "Staging", "items.0.is_default", true, "items.1.is_default", false)
		w.post("key", one+"/environments", `{"name":"Staging","is_default":false}`).faulty("body.is_default")
		w.post("key", one+"/environments", `{"name":"Live","type":"live"}`).faulty("body.type", "development", "staging", "production")
		w.post("key", one+"/environments", `{"type":"staging"}`).faulty("body.name")

		built := w.post("key", one+"/builds", `{"version":"1.4.0"}`).want(201).has("status", "active", "version", "1.4.0", "created_by", w.key.Credential.ID.String()).text("id")
		w.post("lead", one+"/builds", `{"version":"1.4.0"}`).want(200).has("id", built, "status", "active")
		w.post("lead", one+"/builds", `{"version":"1.4.0","status":"archived"}`).want(200).has("id", built, "status", "archived")
		w.post("key", one+"/builds", `{"version":"1.5.0","status":"pending"}`).want(201).has("status", "pending")
		w.get("viewer", one+"/builds?page_size=1").want(200).has("total", 2, "items.0.version", "1.5.0", "items.1", nil)
		w.post("key", one+"/builds", `{"version":"x","status":"done"}`).faulty("body.status", "pending", "active", "archived")
		w.post("key", one+"/builds", `{}`).faulty("body.version")

		w.post("key", one+"/releases", `{"name":"1.4"}`).want(201).has("status", "planned", "name", "1.4")
		w.post("key", one+"/releases", `{"name":"1.4","status":"released"}`).want(200).has("status", "released")
		w.get("viewer", one+"/releases").want(200).has("total", 1, "items.0.name", "1.4")
		w.post("key", one+"/releases", `{"name":"x","status":"out"}`).faulty("body.status", "planned", "active", "released")
		for _, path := range []string{"/environments", "/builds", "/releases"} {
			w.post("tester", one+path, `{"name":"x","version":"x"}`).want(400)
			w.get("outsider", one+path).refused(404, "no such project")
			w.get("key", mem+"/products/hidden"+path).refused(403, "another product")
		}
		w.post("tester", one+"/builds", `{"version":"9"}`).refused(403, "projects:write")

		statuses := make(chan int)
		for range 4 { // at once
			go func() { statuses <- w.post("key", one+"/builds", `{"version":"2.0.0"}`).status }()
		}
		made := 0
		for range 4 {
			if status := <-statuses; status == 201 {
				made++
			} else if status != 200 {
				t.Errorf("got %d", status)
			}
		}
		if made != 1 {
			t.Errorf("a build was made %d times", made)
		}
	})
}

// The tools are the routes, each with what it takes; there is no assistant.
func TestOTO14_Tools(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.get("key", tools).want(200).members("", "items total")
		names := strings.Fields(a.column("name"))
		if len(names) < 30 || a.get("total") != float64(len(names)) || w.get("viewer", tools).want(200).body != a.body {
			t.Errorf("there are %d tools: %s", len(names), a.body)
		}
		for i, name := range names {
			at := fmt.Sprintf("items.%d", i)
			a.members(at, "name description method path input_schema")
			if a.text(at+".description") == "" || a.text(at+".input_schema.type") != "object" {
				t.Errorf("%s says too little", name)
			}
			if name == "create_test_case" {
				a.has(at+".path", tm+"/products/{product}/test-cases", at+".method", "POST", at+".input_schema.properties.title.type", "string", at+".input_schema.properties.product.type", "string",
					at+".input_schema.required.0", "product", at+".input_schema.properties.tags.items.type", "string", at+".input_schema.properties.steps.items.properties.action.type", "string")
			}
		}
		for _, path := range []string{"/chat", "/assistant"} {
			w.post("key", "/api/gateway/api/v1"+path, `{"message":"Hello"}`).refused(http.StatusNotImplemented, "no assistant")
			w.post("", "/api/gateway/api/v1"+path, `{"message":"Hello"}`).refused(401, "")
		}
	})
}

// Who loses the place in a product, loses what is in it at the next request.
func TestOTD3_Members(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		run := w.made(w.product("/runs"), `{"name":"Nightly"}`)
		w.get("tester", tm+"/runs/"+run).want(200)
		w.ok(w.RemoveProjectMember(background, w.op, w.game, authority.UserRef{Email: "tester@acme.test"}))
		w.get("tester", tm+"/runs/"+run).refused(404, "no such run")
		w.post("tester", tm+"/runs/"+run+"/start", "").refused(404, "no such run")
		w.get("tester", mem+"/products").want(200).has("total", 0)

		_, err := w.ArchiveProject(background, w.op, w.org.ID, w.game.ID, true)
		w.ok(err)
		w.get("key", tm+"/runs/"+run).refused(401, "not in service")
		w.get("lead", tm+"/runs/"+run).want(200)
		for _, path := range []string{w.product("/runs"), w.product("/test-cases"), tm + "/runs/" + run + "/start", mem + "/products/" + w.game.ID.String() + "/builds"} {
			body := `{"name":"x"}`
			switch {
			case strings.HasSuffix(path, "cases"):
				body = `{"title":"x"}`
			case strings.HasSuffix(path, "start"):
				body = ""
			case strings.HasSuffix(path, "builds"):
				body = `{"version":"x"}`
			}
			w.post("lead", path, body).refused(409, "archived")
		}
	})
}
