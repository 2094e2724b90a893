package betahub_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// A token acts as its user: it sees what the user sees at that moment, and may
// do what the user may.
func TestBH1_BH2_BH15_ActsAsTheUser(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, want := range map[string][]any{
			"owner": {"Alpha", "Hidden"}, "admin": {"Alpha", "Hidden"}, "lead": {"Alpha"}, "dev": {"Alpha"}, "viewer": {"Alpha"}, "outsider": nil,
		} {
			if got := w.get(name, "/projects.json").want(200).column("", "name"); !same(got, want...) {
				t.Errorf("%s sees %v, want %v", name, got, want)
			}
		}
		w.post("dev", w.in("/issues.json"), `{"title":"By the developer"}`).want(201)
		w.get("viewer", w.in("/issues/1.json")).want(200).has("title", "By the developer", "reported_by.name", "The dev", "reported_by.virtual", false)
		w.post("viewer", w.in("/issues.json"), `{"title":"x"}`).refused(403, "bug_reports:create")
		w.patch("viewer", w.in("/issues/1.json"), `{"title":"x"}`).refused(403, "issues:write")
		w.post("viewer", w.in("/issues/1/comments.json"), `{"body":"x"}`).refused(403, "issues:write")
		w.post("outsider", w.in("/issues.json"), `{"title":"x"}`).refused(403, "no access")

		w.ok(w.SetProjectMember(background, w.op, w.alpha, authority.UserRef{Email: "dev@acme.test"}, credential.ProjectGuest))
		w.patch("dev", w.in("/issues/1.json"), `{"title":"x"}`).refused(403, "issues:write")
		w.ok(w.RemoveProjectMember(background, w.op, w.alpha, authority.UserRef{Email: "dev@acme.test"}))
		w.get("dev", w.in("/issues/1.json")).refused(403, "no access")
		w.ok(w.SetProjectMember(background, w.op, w.alpha, authority.UserRef{Email: "outsider@acme.test"}, credential.ProjectUser))
		w.patch("outsider", w.in("/issues/1.json"), `{"title":"y"}`).want(200).has("title", "y")
	})
}

// 401 for a token that is missing, malformed, unknown, expired or deleted: at
// once, and for a credential of another dialect as well.
func TestBH11_BH31_BH35_Refused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, made := w.pat("dev", "Short")
		as := "Bearer " + token
		w.get(as, "/projects.json").want(200)
		_, err := w.Revoke(background, w.op, made.Credential.ID)
		w.ok(err)
		w.get(as, "/projects.json").refused(401, "revoked")
		w.post(as, w.in("/issues.json"), `{"title":"x"}`).refused(401, "revoked")

		short := w.issue(authority.IssueRequest{Scheme: "betahub_pat", Name: "Until tomorrow", User: &authority.UserRef{Email: "dev@acme.test"},
			Expiry: credential.ExpiryChoice{At: w.now().Add(24 * time.Hour)}}).Secret.Reveal()
		w.get(short, "/projects.json").want(200)
		w.ahead.Add(int64(24 * time.Hour))
		w.get(short, "/projects.json").refused(401, "expired")
		w.ahead.Add(int64(3650 * 24 * time.Hour))
		w.get("dev", "/projects.json").want(200) // which has no date

		foreign := w.issue(authority.IssueRequest{Scheme: "testkase_pat", Name: "CI", User: &authority.UserRef{Email: "dev@acme.test"},
			Expiry: credential.ExpiryChoice{In: 90 * 24 * time.Hour}}).Secret.Reveal()
		for _, as := range []string{"", "Bearer", "Bearer ", "Basic eDp5", "Bearer pat-x", "pat-" + strings.Repeat("0", 64), "Bearer " + token[:len(token)-1],
			"Bearer " + foreign, foreign, "Bearer " + w.reporter, "FormUser " + w.tokens["dev"], "FormUser anonymous", "FormUser"} {
			for _, path := range []string{"/projects.json", w.in("/issues.json"), "/projects/pr-999.json"} {
				w.get(as, path).refused(401, "")
			}
		}
		if h := w.get("", "/projects.json").header.Get("WWW-Authenticate"); !strings.HasPrefix(h, "Bearer") {
			t.Errorf("the challenge is %q", h)
		}
		w.do(call{method: "GET", path: "/projects.json?token=" + w.tokens["dev"]}).refused(400, "token")
		w.do(call{method: "GET", path: "/projects.json", header: []string{"X-API-Key", w.tokens["dev"]}}).refused(401, "")
	})
}

// The text of a token, and its fingerprint: 8 characters of the hash.
func TestBH12_BHD1_BHD6_BHO16_Text(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for prefix, token := range map[string]string{"pat-": w.tokens["dev"], "tkn-": w.reporter} {
			rest, ok := strings.CutPrefix(token, prefix)
			if !ok || len(rest) != 64 || strings.Trim(rest, "0123456789abcdef") != "" {
				t.Errorf("a token of %s has another form", prefix)
			}
			wrong := "0"
			if strings.HasSuffix(token, wrong) {
				wrong = "1"
			}
			w.get(token[:len(token)-1]+wrong, "/projects.json").refused(401, "")
		}
	})
}

// The scheme word in any case, or none; a header counts before a cookie.
func TestBH13_BHO3_Scheme(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token := w.tokens["dev"]
		for _, as := range []string{"Bearer " + token, "bearer " + token, "BEARER " + token, "bEaReR  " + token, token} {
			w.get(as, "/projects.json").want(200)
			w.post(as, w.in("/issues.json"), `{"title":"x"}`).want(201)
			w.do(call{method: "POST", path: "/auth/verify", as: as}).want(200)
		}
		for _, as := range []string{"FormUser " + w.reporter, "formuser " + w.reporter, w.reporter} {
			w.post(as, w.in("/issues.json"), `{"title":"x"}`).want(201)
		}
	})
}

// JSON by the suffix or by Accept; without either, who carries a token gets it
// too. Who asks for something else gets 406, and no path means two things.
func TestBH14_BHO14_JSON(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.post("dev", w.in("/issues.json"), `{"title":"x"}`).want(201)
		paths := []string{"/projects", w.in(""), w.in("/issues"), w.in("/issues/1"), w.in("/issues/1/comments"), w.in("/issues/search") + "?query=x",
			w.in("/feature_requests"), w.in("/releases"), "/profiles/me"}
		for _, path := range paths {
			bare, query, _ := strings.Cut(path, "?")
			suffixed := bare + ".json?" + query
			one := w.do(call{method: "GET", path: strings.TrimSuffix(suffixed, "?"), as: "dev", header: []string{"Accept", "text/html"}}).want(200)
			for _, accept := range []string{"application/json", "*/*", "text/html, application/json;q=0.5", "application/*"} {
				two := w.do(call{method: "GET", path: path, as: "dev", header: []string{"Accept", accept}}).want(200)
				if one.body != two.body || two.header.Get("Content-Type") != "application/json" {
					t.Errorf("%s, Accept %s: got %s, with the suffix %s", path, accept, two.body, one.body)
				}
			}
			for _, accept := range []string{"text/html", "application/json;q=0, text/html", "application/xml"} {
				w.do(call{method: "GET", path: path, as: "dev", header: []string{"Accept", accept}}).refused(406, "JSON")
			}
			w.do(call{method: "GET", path: path, header: []string{"Accept", "text/html"}}).refused(401, "")
		}
		for _, path := range []string{"/PROJECTS.json", "/projects.JSON", "/projects.json.json", "/projects.", "/projects.json/", "/projects/", "//projects.json",
			w.in(".json.json"), w.in("."), w.in("/issues."), w.in("/issues/"), w.in("/issues.json.json"), w.in("/issues/1.json.json"), w.in("/issues/1."), w.in("/issues/01"), w.in("/issues/+1"),
			w.in("/issues%2f1"), w.in("%2Fissues"), w.in("/./issues"), w.in("/Issues"), w.in(".json/issues"), "/projects/PR-1", "/profiles/me/", "/profiles/me.json.json"} {
			w.get("dev", path).refused(404, "no such")
		}
		for _, name := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method", "_method"} {
			w.do(call{method: "POST", path: w.in("/issues/1.json"), as: "dev", body: `{"title":"other"}`, header: []string{name, "PATCH"}}).refused(405, "")
			w.do(call{method: "GET", path: w.in("/issues/1.json"), as: "dev", header: []string{name, "DELETE"}}).want(200).has("title", "x")
		}
		w.post("dev", w.in("/issues/1.json"), "_method=patch&title=other").refused(405, "")
	})
}

// Projects are listed, shown and created as documented.
func TestBH17_BH18_BH19_BHD11_BHO4_BHO10_Projects(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.post("dev", "/projects.json", `{"name":"x"}`).refused(403, "")
		made := w.post("admin", "/projects.json", `{"name":"My Game Project","description":"Game project description","visibility":"public"}`).want(201)
		made.has("name", "My Game Project", "description", "Game project description", "visibility", "public")
		made.members("id", "url", "member_count", "created_at", "updated_at")
		id := made.get("id").(string)
		if !strings.HasPrefix(id, "pr-") {
			t.Errorf("the id is %s", id)
		}
		if got := w.get("admin", "/projects/"+id+".json").want(200); got.body != made.body {
			t.Errorf("shown as %s, created as %s", got.body, made.body)
		}
		if got := w.get("admin", "/projects/"+strings.TrimPrefix(id, "pr-")).want(200); got.body != made.body {
			t.Errorf("by its number: %s", got.body)
		}
		w.post("admin", "/projects.json", `{"project":{"name":"Nested"}}`).want(201).has("name", "Nested", "visibility", "private", "description", "")
		w.post("admin", "/projects", "project[name]=Form&unknown=1").want(201).has("name", "Form")
		w.get("dev", w.in(".json")).want(200).has("id", fmt.Sprintf("pr-%d", w.alpha.Number), "name", "Alpha", "member_count", 3)
		for _, body := range []string{`{}`, `{"name":""}`, `{"name":"x","visibility":"secret"}`} {
			w.post("admin", "/projects.json", body).refused(422, "")
		}
		all := w.get("admin", "/projects.json").want(200)
		if got := all.column("", "name"); !same(got, "Alpha", "Hidden", "My Game Project", "Nested", "Form") || all.header.Get("X-Total-Count") != "5" {
			t.Errorf("got %v of %s", got, all.header.Get("X-Total-Count"))
		}
		second := w.get("admin", "/projects.json?page=2&per_page=2").want(200)
		if got := second.column("", "name"); !same(got, "My Game Project", "Nested") || !strings.Contains(second.header.Get("Link"), "page=3") {
			t.Errorf("page 2 has %v, Link %s", got, second.header.Get("Link"))
		}
	})
}

// Issues are created, listed, shown and changed as documented.
func TestBH20_BH21_BH22_BH23_BH26_BH27_BHO8_Issues(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made := w.post("dev", w.in("/issues.json"), `{"title":"Bug report title","description":"Detailed bug description","category":"bug","priority":"high"}`).want(201)
		made.has("id", 1, "title", "Bug report title", "description", "Detailed bug description", "category", "bug", "priority", "high", "status", "open",
			"resolved_at", nil, "assigned_to_id", nil, "assigned_to.id", nil, "assigned_to.name", nil, "project_id", fmt.Sprintf("pr-%d", w.alpha.Number))
		made.members("id", "score", "steps_to_reproduce", "reported_by", "potential_duplicate", "created_at", "updated_at", "url", "resolved_at", "assigned_to_id", "custom")
		if got := w.get("dev", w.in("/issues/1.json")).want(200); got.body != made.body {
			t.Errorf("shown as %s, created as %s", got.body, made.body)
		}
		w.post("dev", w.in("/issues.json"), `{"title":"Only these","description":""}`).want(201).has("id", 2, "category", "bug", "priority", "medium", "status", "open")
		w.post("dev", w.in("/issues.json"), `{"description":"The first line\nand more"}`).want(201).has("title", "The first line")
		w.post("dev", w.in("/issues.json"), `{"title":"May we?","category":"question"}`).want(201).has("category", "question")
		w.post("dev", w.in("/issues.json"), `{"title":"More","category":"feature_request"}`).want(201).has("scoped_id", "fr-5")
		if got := w.get("viewer", w.in("/issues.json")).want(200).column("", "id"); !same(got, 5, 4, 3, 2, 1) {
			t.Errorf("the list is %v, want the newest first", got)
		}

		number := w.users["lead"].Number
		w.ahead.Add(int64(time.Minute))
		changed := w.patch("dev", w.in("/issues/1.json"), fmt.Sprintf(`{"status":"resolved","assigned_to_id":%d}`, number)).want(200)
		changed.has("status", "resolved", "assigned_to_id", int(number), "assigned_to.name", "The lead", "title", "Bug report title", "priority", "high")
		if changed.get("updated_at") == made.get("updated_at") || changed.get("created_at") != made.get("created_at") || changed.get("resolved_at") != changed.get("updated_at") {
			t.Errorf("the times are %s", changed.body)
		}
		w.patch("dev", w.in("/issues/1"), `{"issue":{"assigned_to_id":null}}`).want(200).has("assigned_to_id", nil, "status", "resolved")
		w.patch("dev", w.in("/issues/g-1"), "issue[priority]=critical").want(200).has("priority", "critical")
		w.patch("dev", w.in("/issues/1.json"), `{}`).want(200).has("priority", "critical")
		w.patch("dev", w.in("/issues/1.json"), `{"release_label":"2.0","custom":{"os":"Linux"}}`).want(200).has("release.label", "2.0", "custom.os", "Linux")
		w.patch("dev", w.in("/issues/1.json"), `{"release_id":null}`).want(200).has("release", nil, "custom.os", "Linux")
		w.patch("dev", w.in("/issues/1.json"), `{"release_id":1}`).want(200).has("release.label", "2.0")
		for body, part := range map[string]string{
			`{"status":"done"}`: "status", `{"priority":"urgent"}`: "priority", `{"category":"other"}`: "category", `{"title":""}`: "title", `{"title":7}`: "title", `{"release_id":9}`: "release_id", `{"source":"x"}`: "source",
			fmt.Sprintf(`{"assigned_to_id":%d}`, w.users["outsider"].Number): "assigned_to_id", `{"assigned_to_id":99999}`: "assigned_to_id", `{"assigned_to_id":"x"}`: "assigned_to_id",
			`{"title":"` + strings.Repeat("x", 201) + `"}`: "title", `{"description":"a\u0000b"}`: "description",
		} {
			w.patch("dev", w.in("/issues/1.json"), body).refused(422, part)
		}
		for _, body := range []string{`{}`, `{"title":"","description":" "}`, `{"title":"x","category":"idea"}`, `{"title":"x","status":"gone"}`, `{"title":"x","release_id":3}`} {
			w.post("dev", w.in("/issues.json"), body).refused(422, "")
		}
		w.get("dev", w.in("/issues/6.json")).refused(404, "no such issue")
	})
}

// A list without paging parameters is an array, as the sample filters it.
func TestBH28_BHD23_BHO9_States(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.post("dev", w.in("/issues.json"), `{"title":"a","status":"new"}`).want(201).has("status", "open")
		w.post("dev", w.in("/issues.json"), `{"title":"b"}`).want(201)
		at := func(status string) any {
			w.t.Helper()
			w.ahead.Add(int64(time.Second))
			return w.patch("dev", w.in("/issues/1.json"), `{"status":"`+status+`"}`).want(200).get("resolved_at")
		}
		first := at("resolved")
		if again := at("resolved"); first == nil || again != first {
			t.Errorf("resolved at %v, then at %v", first, again)
		}
		for _, status := range []string{"new", "in_progress", "needs_more_info", "closed", "wont_fix"} {
			if got := at(status); got != nil {
				t.Errorf("%s: resolved at %v", status, got)
			}
		}
		if again := at("resolved"); again == nil || again == first {
			t.Errorf("resolved again at %v", again)
		}
		list := w.get("dev", w.in("/issues.json")).want(200)
		if got := list.column("", "status"); !same(got, "open", "resolved") {
			t.Errorf("got %v", got)
		}
		if got := w.get("dev", w.in("/issues.json?status=new")).want(200).column("", "title"); !same(got, "b") {
			t.Errorf("those that are new: %v", got)
		}
	})
}

// The user's own profile has a role for each project.
func TestBH24_BHO11_Profile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, want := range map[string][]any{
			"owner": {"owner", "owner"}, "admin": {"admin", "admin"}, "lead": {"admin"}, "dev": {"developer"}, "viewer": {"viewer"}, "outsider": nil,
		} {
			a := w.get(name, "/profiles/me.json").want(200)
			a.has("id", int(w.users[name].Number), "name", "The "+name, "email", name+"@acme.test", "avatar_url", nil)
			a.members("created_at", "project_roles")
			if got := a.column("project_roles", "role"); !same(got, want...) {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
		w.get("dev", "/profiles/me").want(200).has("project_roles.0.project_id", fmt.Sprintf("pr-%d", w.alpha.Number), "project_roles.0.project_name", "Alpha")
		w.get("FormUser "+w.reporter, "/profiles/me.json").refused(403, "user")
	})
}

// Comments stand below issues of every kind, at the address of the kind.
func TestBH25_BHO7_Comments(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i, category := range []string{"bug", "feature_request", "question"} {
			w.post("dev", w.in("/issues.json"), `{"title":"x","category":"`+category+`"}`).want(201)
			noun := []string{"issues", "feature_requests", "tickets"}[i]
			path := w.in(fmt.Sprintf("/%s/%d/comments.json", noun, i+1))
			w.get("dev", path).want(200)
			a := w.post("dev", path, `{"body":"First"}`).want(201)
			a.has("body", "First", "user.id", int(w.users["dev"].Number), "user.name", "The dev")
			a.members("id", "created_at", "updated_at")
			w.post("lead", strings.TrimSuffix(path, ".json"), "comment[body]=Second").want(201)
			w.post("lead", path, `{"comment":{"body":"Third"}}`).want(201)
			if got := w.get("viewer", path).want(200).column("", "body"); !same(got, "First", "Second", "Third") {
				t.Errorf("%s: got %v", noun, got)
			}
			w.post("dev", path, `{"body":" "}`).refused(422, "body")
			w.post("dev", path, `{"body":"`+strings.Repeat("x", 10_001)+`"}`).refused(422, "body")
		}
		w.get("dev", w.in("/issues/g-3/comments")).want(200)
		w.get("dev", w.in("/feature_requests/fr-2/comments")).want(200)
		for _, path := range []string{"/tickets/1/comments", "/feature_requests/1/comments.json", "/issues/4/comments", "/issues/x/comments"} {
			w.get("dev", w.in(path)).refused(404, "no such issue")
			w.post("dev", w.in(path), `{"body":"x"}`).refused(404, "no such issue")
		}
		w.post("FormUser "+w.reporter, w.in("/issues/1/comments.json"), `{"body":"x"}`).refused(403, "")
	})
}

// Errors are {"error"}: 403 for a project that is there but closed, 404 for
// one that isn't, and what is wrong with a body in words.
func TestBH30_BH32_BH33_BHD32_BHO12_BHO13_Errors(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, p := range []*store.Project{w.hidden, w.far} {
			base := fmt.Sprintf("/projects/pr-%d", p.Number)
			for _, path := range []string{".json", "/issues.json", "/issues/1.json", "/issues/search.json?query=x", "/releases.json", "/feature_requests", "/issues/1/comments.json"} {
				w.get("dev", base+path).refused(403, "no access")
			}
			w.post("dev", base+"/issues.json", `{"title":"x"}`).refused(403, "no access")
			w.post("FormUser "+w.reporter, base+"/issues.json", `{"title":"x"}`).refused(403, "no access")
			w.patch("dev", base+"/issues/1.json", `{"title":"x"}`).refused(403, "no access")
		}
		for _, id := range []string{"pr-99999", "pr-0", "pr-", "x", "pr--1", "pr-99999999999999999999", w.alpha.ID.String()} {
			w.get("dev", "/projects/"+id+".json").refused(404, "no such project")
			w.post("dev", "/projects/"+id+"/issues.json", `{"title":"x"}`).refused(404, "no such project")
		}
		a := w.post("dev", w.in("/issues.json"), `{"title":"x","priority":"urgent"}`).want(422)
		a.has("errors.0", a.get("error"))
		for _, body := range []string{`{`, `{"title":"x"`, `{"title":"x","title":"y"}`, `{"title":"x","unknown":1}`, `{"issue":{"title":"x","unknown":1}}`} {
			w.post("dev", w.in("/issues.json"), body).refused(400, "")
		}
		w.post("dev", w.in("/issues.json"), `{"description":"`+strings.Repeat("x", 300<<10)+`"}`).refused(413, "bytes")
		w.do(call{method: "POST", path: w.in("/issues.json"), as: "dev", body: "<x/>", header: []string{"Content-Type", "text/xml"}}).refused(415, "application/json")
		w.get("dev", w.in("/issues.json?severity=1")).refused(400, "severity")
		w.do(call{method: "DELETE", path: w.in("/issues.json"), as: "dev"}).refused(405, "GET")
		_, err := w.ArchiveProject(background, w.op, w.org.ID, w.alpha.ID, true)
		w.ok(err)
		w.post("dev", w.in("/issues.json"), `{"title":"x"}`).refused(409, "archived")
	})
}

// As many tokens as one likes, under one name; a new password leaves them.
func TestBH34_BH36_BH38_BHO18_Tokens(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 15 {
			token, _ := w.pat("dev", "CI/CD Pipeline")
			w.get(token, "/projects.json").want(200)
		}
		code, err := w.PasswordCode(background, w.op, authority.UserRef{Email: "dev@acme.test"})
		w.ok(err)
		w.ok(w.ResetPassword(background, code.Reveal(), good+"2", authority.Origin{}))
		w.get("dev", "/projects.json").want(200)
		lost, made := w.pat("dev", "Lost")
		_, err = w.Revoke(background, w.op, made.Credential.ID)
		w.ok(err)
		w.get(lost, "/projects.json").refused(401, "")
		again, _ := w.pat("dev", "Lost")
		w.get(again, "/projects.json").want(200)
	})
}

// A page of this server reads with the cookie of who signed in there; nothing
// is changed by it.
func TestBHO19_Cookie(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		session, err := w.SignIn(background, authority.SignInRequest{Email: "dev@acme.test", Password: good, Cookie: true})
		w.ok(err)
		cookie := "gatehouse=" + session.Token.Reveal() // as it is named without TLS, on this machine
		with := func(method, path, as, body string) answer {
			return w.do(call{method: method, path: path, as: as, body: body, header: []string{"Cookie", cookie}})
		}
		w.post("dev", w.in("/issues.json"), `{"title":"x"}`).want(201)
		if got := with(http.MethodGet, w.in("/issues.json"), "", "").want(200).column("", "title"); !same(got, "x") {
			t.Errorf("got %v", got)
		}
		with(http.MethodGet, "/profiles/me.json", "", "").want(200).has("name", "The dev")
		with(http.MethodGet, "/projects.json", "Bearer pat-wrong", "").refused(401, "")
		with(http.MethodPost, w.in("/issues.json"), "", `{"title":"y"}`).refused(401, "")
		with(http.MethodPatch, w.in("/issues/1.json"), "", `{"title":"y"}`).refused(401, "")
		with(http.MethodPost, w.in("/issues.json"), "dev", `{"title":"y"}`).want(201)
	})
}
