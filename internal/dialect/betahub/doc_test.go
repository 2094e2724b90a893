package betahub_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/betahub"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// A project token reports for whom it vouches, in its one project, what it was
// made for, and reads nothing.
func TestBH16_BHD5_BHD7_BHD8_VirtualUsers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		report := func(as string) answer {
			w.t.Helper()
			return w.post(as, w.in("/issues.json"), "issue[description]=It+freezes").want(201)
		}
		plain, claimed := "FormUser "+w.reporter, "FormUser "+w.reporter+",email:Ada@Example.test"
		report(plain).has("reported_by.id", nil, "reported_by.name", nil, "reported_by.virtual", false)
		first := report(claimed).has("reported_by.name", "ada@example.test", "reported_by.virtual", true).get("reported_by.id")
		if first == nil {
			t.Fatal("a virtual user has no id")
		}
		again := w.post("FormUser "+w.reporter+",email:ada@example.test", w.in("/feature_requests.json"), "feature_request[description]=More").want(201)
		again.has("reported_by.id", first, "category", "feature_request", "title", "More")
		w.post(plain, w.in("/tickets.json"), "ticket[description]=Help&ticket[reporter_email]=ada@example.test").want(201).
			has("reported_by.id", first, "category", "question")
		report("FormUser "+w.reporter+",discord_id:12345").has("reported_by.name", "12345", "reported_by.virtual", true)
		for _, extra := range []string{",email:nobody", ",discord_id:12x", ",discord_id:", ",name:ada", ",", ",eyJhbGciOiJIUzI1NiJ9.e30.x"} {
			report(plain+extra).has("reported_by.id", nil, "reported_by.virtual", false)
			w.ahead.Add(int64(24 * time.Hour)) // another day, another eight
		}
		for _, path := range []string{"/issues.json", "/issues/1.json", ".json", "/releases.json", "/issues/1/comments.json"} {
			w.get(plain, w.in(path)).refused(403, "permission")
		}
		w.patch(plain, w.in("/issues/1.json"), `{"status":"closed"}`).refused(403, "issues:write")
		w.post(plain, "/projects.json", `{"name":"x"}`).refused(403, "")

		bugs := w.issue(authority.IssueRequest{Scheme: "betahub_project_token", Name: "Bugs", Project: &store.ProjectRef{ID: w.alpha.ID},
			Scopes: []credential.Scope{"can_create_bug_report"}}).Secret.Reveal()
		report("FormUser " + bugs)
		w.post("FormUser "+bugs, w.in("/feature_requests.json"), "feature_request[description]=x").refused(403, "feature_requests:create")
		w.post("FormUser "+bugs, w.in("/issues.json"), `{"title":"x","category":"question"}`).refused(403, "support_tickets:create")
		w.post(plain, w.in("/tickets.json"), "ticket[description]=x").refused(422, "reporter_email")
		w.post("dev", w.in("/tickets.json"), "ticket[description]=x&ticket[reporter_email]=a@b.test").want(201).has("reported_by.name", "The dev", "reported_by.virtual", false)
	})
}

// Eight a day of a kind, for each token and address; personal tokens have no
// such limit.
func TestBHD2_BHD9_BHO20_BHO21_EightADay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		send := func(as, path, from string) answer {
			return w.do(call{method: "POST", path: w.in(path), as: as, body: `{"title":"x"}`, header: []string{"X-Forwarded-For", from}})
		}
		const here, there = "203.0.113.7", "203.0.113.8"
		as := "FormUser " + w.reporter
		for range 8 {
			send(as, "/issues.json", here).want(201)
		}
		over := send(as, "/issues.json", here)
		over.refused(429, "8")
		if over.has("status", "rate_limited").header.Get("Retry-After") != fmt.Sprint(20*3600+55*60+55) { // from 03:04:05 to midnight
			t.Errorf("again after %s s", over.header.Get("Retry-After"))
		}
		send(as, "/feature_requests.json", here).want(201)
		send(as, "/issues.json", there).want(201)
		other := w.issue(authority.IssueRequest{Scheme: "betahub_project_token", Name: "Other", Project: &store.ProjectRef{ID: w.alpha.ID},
			Scopes: []credential.Scope{"can_create_bug_report"}}).Secret.Reveal()
		send("FormUser "+other, "/issues.json", here).want(201)
		for range 10 {
			send("dev", "/issues.json", here).want(201)
		}
		if got := len(w.get("dev", w.in("/issues.json")).column("", "id")); got != 8+3+10 {
			t.Errorf("there are %d issues: one that was refused was kept", got)
		}
		for i := range 9 { // whoever has one of these has all of them
			status := 201
			if i == 8 {
				status = 429
			}
			send(as, "/issues.json", fmt.Sprintf("2001:db8:0:7::%d", i)).want(status)
		}
		w.ahead.Add(int64(20*time.Hour + 55*time.Minute + 54*time.Second))
		send(as, "/issues.json", here).refused(429, "8")
		w.ahead.Add(int64(time.Second))
		send(as, "/issues.json", here).want(201)
	})
}

// What a token is good for, asked with an empty body; it counts as a use.
func TestBHD3_BHD4_BHO15_BHO17_Verify(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		verify := func(as string) answer {
			return w.do(call{method: "POST", path: "/auth/verify", as: as, header: []string{"Content-Type", "application/json", "Accept", "*/*"}})
		}
		_, made := w.pat("dev", "Unused")
		d, err := w.Get(background, w.op, made.Credential.ID)
		w.ok(err)
		if !d.Use.At.IsZero() {
			t.Errorf("an unused token was used at %v", d.Use.At)
		}
		verify(made.Secret.Reveal()).want(200).has("valid", true, "token_type", "personal_access_token", "user.name", "The dev", "user.email", "dev@acme.test", "project", nil, "expires_at", nil)
		d, err = w.Get(background, w.op, made.Credential.ID)
		w.ok(err)
		if !d.Use.At.Equal(w.now().Truncate(time.Millisecond)) {
			t.Errorf("it was used at %v, want now", d.Use.At)
		}
		for _, as := range []string{w.reporter, "FormUser " + w.reporter} {
			verify(as).want(200).has("valid", true, "token_type", "project_auth_token", "project.id", fmt.Sprintf("pr-%d", w.alpha.Number), "project.name", "Alpha", "user", nil)
		}
		session, err := w.SignIn(background, authority.SignInRequest{Email: "dev@acme.test", Password: good})
		w.ok(err)
		verify("Bearer "+session.Access.Token.Reveal()).want(200).has("valid", true, "token_type", "jwt", "user.email", "dev@acme.test")
		for _, as := range []string{"", "Bearer pat-x", "pat-" + strings.Repeat("0", 64), "FormUser anonymous"} {
			a := verify(as)
			a.refused(401, "")
			a.has("valid", false)
		}
		_, err = w.Revoke(background, w.op, made.Credential.ID)
		w.ok(err)
		verify(made.Secret.Reveal()).want(401).has("valid", false, "error", "the credential is revoked")
	})
}

// Pages of other origins may call with a header, never with a cookie.
func TestBHD10_CORS(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, path := range []string{"/projects.json", "/projects", w.in("/issues.json"), w.in("/issues/1.json"), "/profiles/me.json", "/auth/verify"} {
			a := w.do(call{method: "OPTIONS", path: path, header: []string{"Origin", "https://game.test", "Access-Control-Request-Method", "POST"}}).want(200)
			for _, name := range []string{"Authorization", "BetaHub-Project-ID", "Content-Type"} {
				if !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), name) {
					t.Errorf("%s: %s isn't allowed", path, name)
				}
			}
			if a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: got %v", path, a.header)
			}
		}
		post := call{method: "POST", path: w.in("/issues.json"), as: "dev", body: `{"title":"x"}`, header: []string{"Origin", "https://game.test", "Sec-Fetch-Site", "cross-site", "BetaHub-Project-ID", "pr-1"}}
		if a := w.do(post).want(201); a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("got %v", a.header)
		}
		post.as = ""
		if a := w.do(post).want(401); a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("a refusal: got %v", a.header)
		}
	})
}

// Lists are filtered and paged: an array, or an object where a page is asked for.
func TestBHD12_BHD13_BHO1_BHO2_Lists(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range 25 {
			w.post("dev", w.in("/issues.json"), fmt.Sprintf(`{"title":"n%d","priority":"%s"}`, i+1, []string{"low", "high"}[i%2])).want(201)
			w.ahead.Add(int64(time.Hour))
		}
		w.patch("dev", w.in("/issues/3.json"), `{"status":"in_progress"}`).want(200)
		object := func(query string, total, pages, page, size, count int) answer {
			w.t.Helper()
			a := w.get("dev", w.in("/issues.json?"+query)).want(200)
			a.has("pagination.total_count", total, "pagination.total_pages", pages, "pagination.current_page", page, "pagination.per_page", size)
			if got := len(a.column("issues", "id")); got != count {
				t.Errorf("%s: %d issues, want %d", query, got, count)
			}
			return a
		}
		object("page=1", 25, 2, 1, 20, 20).has("issues.0.id", 25)
		object("page=2", 25, 2, 2, 20, 5).has("issues.0.id", 5)
		object("per_page=10&page=3", 25, 3, 3, 10, 5)
		object("per_page=100", 25, 1, 1, 100, 25)
		object("page=9", 25, 2, 9, 20, 0)
		object("status=in_progress&per_page=20", 1, 1, 1, 20, 1).has("issues.0.id", 3)
		array := func(query string, want ...any) {
			w.t.Helper()
			if got := w.get("dev", w.in("/issues.json?"+query)).want(200).column("", "id"); !same(got, want...) {
				t.Errorf("%s: got %v, want %v", query, got, want)
			}
		}
		array("status=in_progress", 3)
		array("priority=critical")
		array("category=question")
		array("status=open&priority=low&created_before=2026-01-02T08:04:05Z", 5, 1)
		array("created_after=2026-01-03T02:04:05Z", 25, 24)
		array("created_after=2026-01-02&created_before=2026-01-02T05:04:05%2B00:00", 2, 1)
		array("updated_after=2026-01-03T03:04:05Z", 3, 25)
		array("updated_before=2026-01-02T04:00:00Z", 1)
		for _, query := range []string{"page=0", "page=x", "per_page=101", "per_page=-1", "status=done", "priority=urgent", "category=idea", "created_after=yesterday", "page=101&per_page=100"} {
			w.get("dev", w.in("/issues.json?"+query)).refused(422, strings.SplitN(query, "=", 2)[0])
		}
		all := w.get("dev", w.in("/issues.json")).want(200)
		if got := all.header.Get("X-Total-Count"); len(all.column("", "id")) != 25 || got != "25" || all.header.Get("Link") != "" {
			t.Errorf("the array has %d of %s, Link %q", len(all.column("", "id")), got, all.header.Get("Link"))
		}
	})
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, cfg, betahub.Objects)
		w.get("dev", w.in("/issues.json")).want(200).has("pagination.total_count", 0, "pagination.per_page", 20)
	})
	t.Run("arrays", func(t *testing.T) {
		w := newWorld(t, storetest.SQLite(t), betahub.Arrays)
		for range 3 {
			w.post("dev", w.in("/issues.json"), `{"title":"x"}`).want(201)
		}
		a := w.get("dev", w.in("/issues.json?page=2&per_page=2")).want(200)
		if got := a.column("", "id"); !same(got, 1) || a.header.Get("X-Total-Count") != "3" {
			t.Errorf("got %v of %s", got, a.header.Get("X-Total-Count"))
		}
	})
}

// Titles and descriptions are searched; scoped_id names one.
func TestBHD14_BHD17_BHD35_BHO5_Search(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, body := range []string{`{"title":"Crash on start","description":"The game crashes"}`, `{"title":"Übergröße","description":"crash in the menu"}`,
			`{"title":"Dark mode","description":"Please, no CRASHING colours","category":"feature_request"}`} {
			w.post("dev", w.in("/issues.json"), body).want(201)
		}
		found := func(query string, want ...any) {
			w.t.Helper()
			a := w.get("viewer", w.in("/issues/search.json?query="+query)).want(200)
			if got := a.column("issues", "id"); !same(got, want...) {
				t.Errorf("%s: got %v, want %v", query, got, want)
			}
			a.has("pagination.total_count", len(want))
		}
		found("crash", 3, 2, 1)
		found("CRASH+menu", 2)
		found("crashing", 3)
		found("%C3%BCbergr", 2)
		found("start+menu")
		found("crash&skip_ids=3,1", 2)
		found("crash&skip_ids=g-2%2C3", 1)
		for _, query := range []string{"%22", "'", "*", "a%27OR+1", "AND", "NEAR(", "words:x", "%3A*", "%26", "!", "-crash%5C"} {
			w.get("viewer", w.in("/issues/search.json?query="+query)).want(200)
		}
		w.get("dev", w.in("/issues/search.json")).refused(422, "query")
		w.get("dev", w.in("/issues/search.json?query="+strings.Repeat("a1+b2+", 9)+"c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r")).refused(422, "query")
		w.patch("dev", w.in("/issues/1.json"), `{"title":"Fixed","description":"gone"}`).want(200)
		found("crash", 3, 2)
		found("fixed", 1)
		for _, id := range []string{"2", "g-2"} {
			w.get("dev", w.in("/issues/search.json?scoped_id="+id)).want(200).has("id", 2, "title", "Übergröße", "issues", nil)
		}
		w.get("dev", w.in("/issues/search.json?scoped_id=9")).refused(404, "no such issue")
		w.get("dev", w.in("/feature_requests/search.json?query=crash")).want(200).has("feature_requests.0.id", 3, "pagination.total_count", 1)
		w.get("dev", w.in("/feature_requests/search.json?scoped_id=fr-3")).want(200).has("id", 3)
		w.get("dev", w.in("/feature_requests/search.json?scoped_id=2")).refused(404, "no such issue")
		w.post("owner", fmt.Sprintf("/projects/pr-%d/issues.json", w.hidden.Number), `{"title":"crash"}`).want(201)
		found("crash", 3, 2)
	})
}

// Feature requests are a list of their own, always an object.
func TestBHD16_BHO6_FeatureRequests(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range 27 {
			w.post("dev", w.in("/feature_requests.json"), fmt.Sprintf(`{"feature_request":{"title":"r%d"}}`, i+1)).want(201)
		}
		w.post("dev", w.in("/issues.json"), `{"title":"a bug"}`).want(201)
		a := w.get("dev", w.in("/feature_requests.json")).want(200)
		a.has("sort", "top", "project_id", fmt.Sprintf("pr-%d", w.alpha.Number), "pagination.per_page", 25, "pagination.total_count", 27, "pagination.total_pages", 2,
			"feature_requests.0.title", "r27", "feature_requests.0.votes", 0, "feature_requests.0.voted", false, "feature_requests.0.is_duplicate", false,
			"feature_requests.0.duplicates_count", 0, "feature_requests.0.status", "pending", "feature_requests.0.user.name", "The dev")
		w.get("dev", w.in("/feature_requests.json?sort=new&page=2")).want(200).has("sort", "new", "feature_requests.1.title", "r1")
		for _, sort := range []string{"best", "Top", "pending"} {
			w.get("dev", w.in("/feature_requests.json?sort="+sort)).refused(422, "sort")
		}
		if got := w.get("dev", w.in("/issues.json?category=feature_request")).want(200).column("", "id"); len(got) != 27 {
			t.Errorf("%d of them are issues, want 27", len(got))
		}
	})
}

// A feature request has statuses of its own where it is addressed as one, and
// there are lists by them. As an issue it shows which of an issue's that is.
func TestBHD24_BHD16_Stages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		number := 0
		for status, as := range map[string]string{"": "open", "pending": "open", "approved": "open", "in_progress": "in_progress", "completed": "resolved", "rejected": "wont_fix", "duplicate": "closed"} {
			number++
			shown := status
			if status == "" {
				shown = "pending"
			}
			w.post("dev", w.in("/feature_requests.json"), fmt.Sprintf(`{"feature_request":{"title":%q,"status":%q}}`, shown, status)).want(201).has("status", shown)
			w.get("dev", w.in(fmt.Sprintf("/issues/%d.json", number))).want(200).has("status", as)
			w.get("dev", w.in(fmt.Sprintf("/feature_requests/search.json?scoped_id=fr-%d", number))).want(200).has("status", shown)
			w.get("dev", w.in("/feature_requests/search.json?query="+shown)).want(200).has("feature_requests.0.status", shown, "feature_requests.0.is_duplicate", shown == "duplicate")
		}
		lists := func(query string, want ...any) {
			w.t.Helper()
			a := w.get("dev", w.in("/feature_requests.json?"+query)).want(200)
			got := a.column("feature_requests", "status")
			if slices.SortFunc(got, func(a, b any) int { return strings.Compare(a.(string), b.(string)) }); !same(got, want...) {
				t.Errorf("%s: got %v, want %v", query, got, want)
			}
			a.has("pagination.total_count", len(want))
		}
		lists("sort=all", "approved", "completed", "duplicate", "in_progress", "pending", "pending", "rejected")
		lists("sort=moderation", "pending", "pending")
		lists("sort=rejected", "rejected")
		lists("sort=duplicates", "duplicate")
		lists("sort=muted")
		lists("status=approved", "approved")
		lists("status=in_progress", "in_progress")
		lists("status=open", "approved", "pending", "pending")
		lists("sort=moderation&status=approved")
		lists("sort=moderation&status=pending", "pending", "pending")
		w.get("dev", w.in("/feature_requests.json?status=planned")).refused(422, "duplicate")
		w.get("dev", w.in("/issues.json?status=approved")).refused(422, "status")
		if got := w.get("dev", w.in("/issues.json?category=feature_request&status=approved")).want(200).column("", "title"); !same(got, "approved") {
			t.Errorf("got %v", got)
		}

		id := w.post("dev", w.in("/feature_requests.json"), `{"title":"moved"}`).want(201).get("id")
		one, issue := w.in(fmt.Sprintf("/feature_requests/%v", id)), w.in(fmt.Sprintf("/issues/%v.json", id))
		for _, move := range []struct{ path, to, stage, status string }{
			{one + ".json", "approved", "approved", "open"}, {issue, "open", "approved", "open"}, {issue, "needs_more_info", "pending", "needs_more_info"},
			{one, "pending", "pending", "needs_more_info"}, {one, "completed", "completed", "resolved"}, {issue, "closed", "rejected", "closed"}, {issue, "duplicate", "duplicate", "closed"},
			{one, "closed", "duplicate", "closed"}, {issue, "wont_fix", "rejected", "wont_fix"}, {one, "in_progress", "in_progress", "in_progress"}, {one, "new", "pending", "open"},
		} {
			w.patch("dev", move.path, `{"status":"`+move.to+`"}`).want(200)
			w.patch("dev", one, `{"feature_request":{"priority":"high"}}`).want(200).has("status", move.stage)
			if got := w.get("dev", issue).want(200).has("status", move.status).get("resolved_at") != nil; got != (move.stage == "completed") {
				t.Errorf("%s: resolved is %v", move.to, got)
			}
		}
		w.patch("dev", one, `{"status":"planned"}`).refused(422, "approved")
		w.patch("viewer", one, `{"status":"approved"}`).refused(403, "issues:write")
		w.patch("dev", issue, `{"category":"bug","status":"approved"}`).refused(422, "wont_fix")
		w.patch("dev", issue, `{"category":"bug"}`).want(200).has("status", "open")
		w.patch("dev", one, `{"status":"approved"}`).refused(404, "no such issue")
		w.patch("dev", issue, `{"category":"feature_request","status":"approved"}`).want(200).has("status", "open")
		w.patch("dev", one, `{"title":"as it was"}`).want(200).has("status", "approved")
		draft := w.post("dev", w.in("/feature_requests.json"), `{"title":"draft","draft":true,"status":"approved"}`).want(201).has("status", "approved").get("id")
		w.post("dev", w.in(fmt.Sprintf("/feature_requests/%v/publish", draft)), `{}`).want(200).has("status", "approved")
	})
}

// What games send: forms of both kinds, releases by label, fields of their own.
func TestBHD15_BHD18_BHD25_BHD26_BHD31_Forms(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		as := "FormUser " + w.reporter
		a := w.post(as, w.in("/issues.json"), "issue[title]=Stuck&issue[description]=In+a+wall&issue[unformatted_steps_to_reproduce]=Jump%0ARun%0A&issue[source]=in-game"+
			"&issue[release_label]=1.0.2&issue[custom][os]=Linux&issue[custom_fields][tags][]=a&issue[custom_fields][tags][]=b&sdk=7").want(201)
		a.has("title", "Stuck", "description", "In a wall", "steps_to_reproduce.0.step", "Jump", "steps_to_reproduce.1.step", "Run", "source", "in-game",
			"release.label", "1.0.2", "release.id", 1, "custom.os", "Linux", "custom.tags", "a, b")
		releases := w.get("viewer", w.in("/releases.json")).want(200)
		releases.has("0.id", 1, "0.project_id", int(w.alpha.Number), "0.label", "1.0.2", "0.dynamically_created", true, "0.summary", nil, "0.download_link", nil)
		w.get("viewer", w.in("/releases/1.json")).want(200).has("label", "1.0.2")
		w.get("viewer", w.in("/releases/2.json")).refused(404, "no such release")

		w.send(as, w.in("/issues"), "issue[description]", "In parts", "issue[release_id]", "1", "issue[files][]:x.png", png, "issue[files][]:x.log", "log").want(201).
			has("id", 2, "description", "In parts", "release.id", 1)
		w.get("dev", w.in("/issues/2/screenshots")).want(200).has("0.filename", "x.png")
		w.get("dev", w.in("/issues/2/log_files")).want(200).has("0.filename", "x.log")
		w.send(as, w.in("/issues"), "issue[description]", "", "issue[files][]:x.png", png+"other").refused(422, "title")
		if n := w.stored(); n != 2 {
			t.Errorf("there are %d files, and one of what was refused", n)
		}
		w.post(as, w.in("/issues.json"), "issue[description]=x&issue[release_label]=1.0.2").want(201).has("release.id", 1)
		w.post("dev", w.in("/issues.json"), `{"issue":{"title":"x","steps_to_reproduce":[{"step":"One"},{"step":"Two"}],"custom":{"level":3,"online":true}}}`).want(201).
			has("steps_to_reproduce.1.step", "Two", "custom.level", "3", "custom.online", "true")
		w.post(as, w.in("/feature_requests.json"), "feature_request[description]=More+levels&feature_request[custom][k]=v").want(201).has("category", "feature_request", "custom.k", "v")
		w.send(as, w.in("/feature_requests"), "feature_request[description]", "As drawn", "feature_request[files][]:x.png", png).want(201).has("category", "feature_request")
		w.do(call{method: "POST", path: w.in("/issues"), as: as, body: "cut", header: []string{"Content-Type", "multipart/form-data; boundary=x"}}).refused(400, "form")
		w.post(as, w.in("/issues.json"), "issue[description]=%ff%fe").refused(422, "UTF-8")
		w.post(as, w.in("/issues.json"), "issue[description]=%zz").refused(400, "form")
	})
}

// Webhooks are told of issues and comments, and of nothing that was written.
func TestBH40_BHO22_Webhooks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		url := "https://hooks.example.com/"
		hook, err := w.CreateWebhook(background, w.op, w.org.ID, authority.WebhookRequest{URL: &url})
		w.ok(err)
		w.post("FormUser "+w.reporter+",email:ada@example.test", w.in("/issues.json"), `{"title":"Freezes","description":"hush"}`).want(201)
		w.patch("dev", w.in("/issues/1.json"), `{"priority":"high"}`).want(200)
		w.patch("dev", w.in("/issues/1.json"), `{"status":"resolved"}`).want(200)
		w.patch("dev", w.in("/issues/1.json"), `{"status":"resolved","title":"Froze"}`).want(200)
		w.post("dev", w.in("/issues/1/comments.json"), `{"body":"hush"}`).want(201)
		list, err := w.Deliveries(background, w.op, authority.WebhookRef{Organization: w.org.ID, ID: hook.Webhook.ID}, uuid.Nil, 10)
		w.ok(err)
		var told []string
		for _, d := range slices.Backward(list) {
			told = append(told, d.Event)
			for _, text := range []string{"hush", "ada@example.test", "Freezes", "Froze"} {
				if strings.Contains(string(d.Payload), text) {
					t.Errorf("%s tells %q", d.Event, text)
				}
			}
		}
		if want := []string{"issue.created", "issue.updated", "issue.resolved", "issue.updated", "comment.created"}; !slices.Equal(told, want) {
			t.Errorf("told of %v, want %v", told, want)
		}
	})
}

// Changes of different fields at the same time are all kept.
func TestBH23_FieldByField(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.post("dev", w.in("/issues.json"), `{"title":"x"}`).want(201)
		bodies := []string{`{"title":"y"}`, `{"priority":"critical"}`, `{"status":"in_progress"}`, `{"description":"z"}`, `{"category":"question"}`}
		var wg sync.WaitGroup
		for _, body := range bodies {
			wg.Go(func() {
				if a := w.patch("dev", w.in("/issues/1.json"), body); a.status != 200 {
					t.Errorf("%s: got %d %s", body, a.status, a.body)
				}
			})
		}
		wg.Wait()
		w.get("dev", w.in("/issues/1.json")).want(200).has("title", "y", "priority", "critical", "status", "in_progress", "description", "z", "category", "question")
	})
}

// What was let in before its token was revoked, or its user's role taken away,
// changes nothing afterwards.
func TestRevokedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.post("dev", w.in("/issues.json"), `{"title":"x"}`).want(201)
		let := func() (*credential.Principal, *authority.Issued) {
			token, made := w.pat("dev", "Meanwhile")
			d, err := w.Verify(background, token, authority.Verification{})
			w.ok(err)
			return &d.Principal, made
		}
		ref, title := workspace.IssueRef{Project: store.ProjectRef{ID: w.alpha.ID}, Number: 1}, "y"
		tries := map[string]func(p *credential.Principal) error{
			"create": func(p *credential.Principal) error {
				_, err := w.work.CreateIssue(background, p, ref.Project, workspace.IssueDraft{Title: title})
				return err
			},
			"update": func(p *credential.Principal) error {
				_, err := w.work.UpdateIssue(background, p, ref, workspace.IssueChange{Title: &title})
				return err
			},
			"comment": func(p *credential.Principal) error {
				_, err := w.work.Comment(background, p, ref, workspace.CommentRequest{Body: "z"})
				return err
			},
		}
		for name, try := range tries {
			p, made := let()
			_, err := w.Revoke(background, w.op, made.Credential.ID)
			w.ok(err)
			if err := try(p); !errors.Is(err, credential.Unauthenticated) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		p, _ := let()
		w.ok(w.RemoveProjectMember(background, w.op, w.alpha, authority.UserRef{Email: "dev@acme.test"}))
		for name, try := range tries {
			if err := try(p); !errors.Is(err, credential.NotFound) {
				t.Errorf("%s without a role: got %v", name, err)
			}
		}
		w.get("owner", w.in("/issues.json")).want(200).has("0.title", "x", "1", nil)
		if got := w.get("owner", w.in("/issues/1/comments.json")).want(200).body; got != "[]" {
			t.Errorf("there are comments: %s", got)
		}
	})
}

// A repeat with the same Idempotency-Key is answered with
// the issue that the first call made, and counts for no daily limit.
func TestIssuesAreMadeOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		create := func(as, path, key, body string) answer {
			return w.do(call{method: "POST", path: w.in(path), as: as, body: body, header: []string{"Idempotency-Key", key}})
		}
		body := `{"title":"Once","description":"however often it is sent"}`
		first := create("dev", "/issues.json", "one", body).want(201)
		if again := create("dev", "/issues.json", "one", body).want(201); again.body != first.body {
			t.Errorf("got %s, want %s", again.body, first.body)
		}
		create("dev", "/issues.json", "one", `{"title":"Another"}`).refused(422, "Idempotency-Key")
		create("dev", "/issues.json", "", body).refused(422, "Idempotency-Key")
		create("dev", "/issues/1/comments.json", "one", `{"body":"x"}`).want(201)
		create("dev", "/issues/1/comments.json", "one", `{"body":"x"}`).want(201).has("id", 1)
		create("dev", "/issues/1/comments.json", "one", `{"body":"y"}`).refused(422, "Idempotency-Key")
		if got := w.get("dev", w.in("/issues/1/comments")).column("", "id"); len(got) != 1 {
			t.Errorf("there are %d comments", len(got))
		}
		w.sendOnce("dev", "/issues.json", "three", "issue[title]", "x", "issue[files][]:a", "a").want(201).has("id", 2)
		w.sendOnce("dev", "/issues.json", "three", "issue[title]", "x", "issue[files][]:a", "a").want(201).has("id", 2)
		w.sendOnce("dev", "/issues.json", "three", "issue[title]", "x", "issue[files][]:a", "b").refused(422, "Idempotency-Key")
		for range 9 { // one more than a day allows
			create("FormUser "+w.reporter, "/issues.json", "two", body).want(201)
		}
		if other := create("FormUser "+w.reporter+",email:ada@example.com", "/issues.json", "two", body).want(201); other.body == first.body {
			t.Error("who else reports it is told of somebody else's issue")
		}
	})
}
