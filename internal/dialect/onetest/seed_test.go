package onetest_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const (
	sampleList   = "/test-cases"
	sampleCreate = `{"title": "Login test", "test_type": "manual", "priority": "p2"}`
	tools        = "/api/gateway/api/v1/tools"
)

// The samples work as they are printed: with a Content-Type on a GET, and with
// just these members.
func TestOT1_OT11_OT12_OTO12_Samples(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.do(call{method: "GET", path: tools, as: "key", header: []string{"Content-Type", "application/json"}}).want(200)
		w.get("key", w.product(sampleList)).want(200).has("total", 0)
		made := w.post("key", w.product(sampleList), sampleCreate).want(201).has("title", "Login test", "test_type", "manual", "priority", "p2",
			"identifier", "TC-0001", "product_id", w.game.ID.String(), "execution_type", "manual", "test_category", "functional", "status", "draft", "version", 1,
			"description", "", "folder_id", nil, "created_by", w.key.Credential.ID.String(), "created_at", "2026-01-02T03:04:05Z")
		list := w.get("key", w.product(sampleList)).want(200).members("", "items total page page_size").has("total", 1, "page", 1, "page_size", 20)
		list.has("items.0.id", made.text("id"), "items.0.title", "Login test").members("items.0",
			"id identifier product_id title description test_type execution_type test_category priority status tags folder_id component owner preconditions steps "+
				"automation_status automation_test_id version created_by created_at updated_at")
		w.get("key", tm+"/test-cases/"+made.text("id")).want(200).has("id", made.text("id"))
	})
}

// A key is opaque and a session's token a JWT; both come in the same header,
// and the server tells them apart. A session does what its user may.
func TestOT2_OT10_KeysAndSessions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if strings.Contains(w.tokens["key"], ".") || strings.Count(w.tokens["lead"], ".") != 2 {
			t.Errorf("a key is opaque, and a session has a JWT")
		}
		id := w.made(w.product(sampleList), sampleCreate)
		for who, may := range map[string]struct{ list, create int }{"key": {200, 201}, "admin": {200, 201}, "lead": {200, 201}, "tester": {200, 201}, "viewer": {200, 403}, "outsider": {404, 404}} {
			w.get(who, tools).want(200)
			w.get(who, w.product(sampleList)).want(may.list)
			w.get(who, tm+"/test-cases/"+id).want(may.list)
			w.post(who, w.product(sampleList), sampleCreate).want(may.create)
		}
		w.post("tester", w.product(sampleList), sampleCreate).want(201).has("created_by", w.users["tester"].User.ID.String())
		w.post("viewer", w.product(sampleList), sampleCreate).refused(403, "tests:write")
		w.put("viewer", tm+"/test-cases/"+id, `{"title":"x"}`).refused(403, "tests:write")
		for _, as := range []string{"bearer ", "BEARER ", "Bearer  "} {
			w.get(as+w.tokens["key"], w.product(sampleList)).want(200)
			w.get(as+w.tokens["tester"], w.product(sampleList)).want(200)
		}
		w.ok(w.RemoveProjectMember(background, w.op, w.game, authority.UserRef{Email: "tester@acme.test"}))
		w.get("tester", w.product(sampleList)).refused(404, "no such project")
		w.get("tester", tm+"/test-cases/"+id).refused(404, "no such test case")
	})
}

// The text of a key: the prefix, and 32 characters with a checksum among them.
// They are compared as they are.
func TestOT9_OTO3_Text(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		key := w.tokens["key"]
		if !regexp.MustCompile(`^ak_[0-9A-HJKMNP-TV-Z]{32}$`).MatchString(key) {
			t.Error("a key has another form")
		}
		last := "0"
		if strings.HasSuffix(key, last) {
			last = "1"
		}
		for _, wrong := range []string{key[:len(key)-1] + last, strings.ToLower(key), "AK_" + key[3:], key + "0", key[:len(key)-1], "ak_", "ak_R2HSAH1DBQ8Q9B8PKSR165V7W0BVDRQP"} {
			w.get("Bearer "+wrong, tools).refused(401, "not valid")
		}
	})
}

// One key opens all services.
func TestOT13_OTD35_Services(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.get("key", "/api/gateway/api/v1/tools").want(200)
		w.get("key", w.product("/test-cases")).want(200)
		w.get("key", w.product("/runs")).want(200)
		w.get("key", mem+"/products").want(200)
		w.get("key", w.ofGame()).want(200)
		if v := w.get("", "/api/receiver/api/info").want(200).text("build.version"); !strings.HasPrefix(v, "5.") {
			t.Errorf("agents ask for version 5, and get %s", v)
		}
		for _, service := range []string{"gateway", "membership", "test-management", "artifacts", "receiver"} {
			for _, path := range []string{"/", "/api", "/api/v1", "/api/v1/nothing", "/api/v1/products//test-cases"} {
				w.get("key", "/api/"+service+path).refused(404, "no such path")
			}
		}
	})
}

// What agents of the receiver are refused by has members that they read, beside
// those of every error.
func TestOTO10_ReceiverErrors(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const info = "/api/receiver/api/info"
		for status, a := range map[int]answer{
			404: w.get("key", "/api/receiver/api/v2/space-game/nothing"), 405: w.post("key", info, `{}`), 400: w.get("", info+"?api_key="+w.tokens["key"]),
		} {
			a.refused(status, "").members("", "detail errorCode message").has("errorCode", status)
			if !strings.Contains(a.text("message"), a.text("detail")) {
				t.Errorf("%s: got %s", a.call, a.body)
			}
		}
		w.get("key", "/api/membership/api/v2").refused(404, "").members("", "detail")
	})
}

// A revoked key stops at the next request: nobody waits for five minutes, nor
// asks support.
func TestOT14_OT15_OT16_OTO1_Revoked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made := w.issue()
		as := "Bearer " + made.Secret.Reveal()
		w.post(as, w.product(sampleList), sampleCreate).want(201)
		_, err := w.Revoke(background, w.op, made.Credential.ID)
		w.ok(err)
		for _, path := range []string{tools, w.product(sampleList), mem + "/products"} {
			w.get(as, path).refused(401, "revoked")
		}
		w.post(as, w.product(sampleList), sampleCreate).refused(401, "revoked")
		w.get("key", w.product(sampleList)).want(200).has("total", 1)
	})
}

// 401 for who has no credential of ours that works, in the shape of the route.
func TestOTO10_OTO4_Refused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		until, err := w.Issue(background, w.op, authority.IssueRequest{Scheme: "onetest_key", Name: "Until tomorrow", Organization: w.org.ID,
			Project: &store.ProjectRef{ID: w.game.ID}, Expiry: credential.ExpiryChoice{At: w.now().Add(24 * time.Hour)}})
		w.ok(err)
		foreign, err := w.Issue(background, w.op, authority.IssueRequest{Scheme: "testkase_pat", Name: "CI", Organization: w.org.ID,
			User: &authority.UserRef{Email: "admin@acme.test"}, Expiry: credential.ExpiryChoice{In: 90 * 24 * time.Hour}})
		w.ok(err)
		as := "Bearer " + until.Secret.Reveal()
		w.get(as, tools).want(200)
		w.ahead.Add(int64(24 * time.Hour))
		w.get(as, tools).refused(401, "expired")
		w.ahead.Add(int64(3650 * 24 * time.Hour))
		w.get("key", tools).want(200) // which has no date

		for _, as := range []string{"", "Bearer", "Bearer ", "Basic eDp5", w.tokens["key"], "FormUser " + w.tokens["key"], "Bearer " + foreign.Secret.Reveal()} {
			for _, path := range []string{tools, w.product(sampleList), mem + "/products"} {
				w.get(as, path).refused(401, "")
			}
		}
		slow, err := w.Issue(background, w.op, authority.IssueRequest{Scheme: "onetest_key", Name: "Slow", Organization: w.org.ID,
			Project: &store.ProjectRef{ID: w.game.ID}, RateLimit: 1})
		w.ok(err)
		w.get("Bearer "+slow.Secret.Reveal(), tools).want(200)
		if a := w.get("Bearer "+slow.Secret.Reveal(), tools).refused(429, "too many requests").has("code", "rate_limited"); a.header.Get("Retry-After") == "" {
			t.Error("429 doesn't say when to come again")
		}
		if h := w.get("", tools).header.Get("WWW-Authenticate"); !strings.HasPrefix(h, "Bearer") {
			t.Errorf("the challenge is %q", h)
		}
		w.get("", tools+"?token="+w.tokens["key"]).refused(400, "token")
		w.get("", w.product(sampleList)+"?api_key="+w.tokens["key"]).refused(400, "api_key")
		w.do(call{method: "GET", path: tools, header: []string{"X-API-Key", w.tokens["key"]}}).refused(401, "")
	})
}

// A key is of one product. Any other is closed to it, whether it is there or
// not; the id of a product is a UUID, and its slug does as well.
func TestOTO2_OTO15_Products(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.made(w.product(sampleList), sampleCreate)
		for _, name := range []string{w.game.ID.String(), "space-game"} {
			for _, as := range []string{"key", "admin", "tester"} {
				w.get(as, tm+"/products/"+name+"/test-cases").want(200).has("items.0.id", id)
			}
		}
		hidden := w.post("admin", tm+"/products/hidden/test-cases", sampleCreate).want(201).text("id")
		for _, name := range []string{w.hidden.ID.String(), "hidden", w.far.ID.String(), "far", "01890000-0000-7000-8000-00000000abcd", "PRJ-1", "nothing", strings.ToUpper(w.game.ID.String())} {
			w.get("key", tm+"/products/"+name+"/test-cases").refused(403, "another product")
			w.post("key", tm+"/products/"+name+"/runs", `{"name":"x"}`).refused(403, "another product")
			if name != w.hidden.ID.String() && name != "hidden" {
				w.get("admin", tm+"/products/"+name+"/test-cases").refused(404, "no such project")
			}
			w.get("tester", tm+"/products/"+name+"/test-cases").refused(404, "no such project")
		}
		for _, as := range []string{"key", "tester"} {
			w.get(as, tm+"/test-cases/"+hidden).refused(404, "no such test case")
			w.put(as, tm+"/test-cases/"+hidden, `{"title":"x"}`).refused(404, "no such test case")
		}
		w.get("admin", tm+"/test-cases/"+hidden).want(200)
	})
}

// A key with scopes does what they are for, and is told which one it lacks.
func TestOTD2_OTO4_Scopes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, run := w.made(w.product(sampleList), sampleCreate), w.made(w.product("/runs"), `{"name":"Nightly"}`)
		calls := []struct {
			scope              credential.Scope
			method, path, body string
		}{
			{"testcases:read", "GET", w.product("/test-cases"), ""}, {"testcases:read", "GET", tm + "/test-cases/" + id, ""},
			{"testcases:read", "GET", w.product("/test-cases/automation-coverage"), ""},
			{"testcases:write", "POST", w.product("/test-cases"), sampleCreate}, {"testcases:write", "PUT", tm + "/test-cases/" + id, `{"title":"New"}`},
			{"testruns:read", "GET", w.product("/runs"), ""}, {"testruns:read", "GET", tm + "/runs/" + run + "/executions", ""},
			{"testruns:write", "POST", w.product("/runs"), `{"name":"x"}`}, {"testruns:write", "POST", tm + "/runs/" + run + "/copy", ""},
			{"membership:read", "GET", mem + "/products", ""},
		}
		scopes := []credential.Scope{"testcases:read", "testcases:write", "testruns:read", "testruns:write", "membership:read"}
		for _, lacking := range scopes {
			var others []credential.Scope
			for _, s := range scopes {
				if s != lacking {
					others = append(others, s)
				}
			}
			as := "Bearer " + w.issue(others...).Secret.Reveal()
			w.get(as, tools).want(200)
			for _, c := range calls {
				switch a := w.do(call{method: c.method, path: c.path, as: as, body: c.body}); {
				case c.scope == lacking:
					a.refused(403, string(lacking))
					if h := a.header.Get("WWW-Authenticate"); !strings.Contains(h, `scope="`+string(lacking)+`"`) {
						t.Errorf("the challenge is %q", h)
					}
				case a.status >= 300 && !strings.HasPrefix(string(c.scope), strings.TrimSuffix(string(lacking), "read")):
					t.Errorf("without %s: %s: %d %s", lacking, a.call, a.status, a.body)
				}
			}
		}
		for _, scope := range []credential.Scope{"artifacts:read", "activity:read"} {
			as := "Bearer " + w.issue(scope).Secret.Reveal()
			for _, c := range calls {
				w.do(call{method: c.method, path: c.path, as: as, body: c.body}).refused(403, string(c.scope))
			}
		}
	})
}
