package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/testkase"
)

// The routes of TestKase that its documents show.
const (
	kaseProjects = "/api/v1/projects/user-projects"
	kaseCases    = "/api/v1/test-cases"
	kaseCycles   = "/api/v1/test-cycles"
)

// kase is a server with two projects. An owner sees both; who is named after a
// role has it in the first, and an outsider is in none.
type kase struct {
	*whole
	tokens map[string]string // by the name of their user
	ids    map[string]string // of the tokens
}

var kasePeople = []struct{ name, role, project string }{
	{"owner", "owner", ""}, {"boss", "admin", ""}, {"lead", "member", "admin"}, {"user", "member", "user"},
	{"reader", "member", "guest"}, {"guest", "guest", "guest"}, {"outsider", "member", ""},
}

// eachKase runs a test with a new server on every database.
func eachKase(t *testing.T, test func(t *testing.T, k *kase)) {
	eachWhole(t, func(t *testing.T, w *whole) {
		k := &kase{w, map[string]string{}, map[string]string{}}
		base := "/v1/organizations/" + w.org.ID
		for _, name := range []string{"Space Game", "Hidden"} {
			w.must("POST", base+"/projects", api.CreateProject{Name: name}, nil)
		}
		for _, p := range kasePeople {
			w.must("POST", base+"/members", api.CreateUser{Email: p.name + "@acme.test", Name: "The " + p.name, Role: p.role, Password: goodPassword}, nil)
			if p.project != "" {
				w.must("PUT", base+"/projects/PRJ-1/members/"+p.name+"@acme.test", api.SetRole{Role: p.project}, nil)
			}
			made := k.pat(p.name, "90d")
			k.tokens[p.name], k.ids[p.name] = made.Secret, made.ID
		}
		test(t, k)
	})
}

// pat makes a token of somebody.
func (k *kase) pat(name, period string) api.IssuedCredential {
	k.t.Helper()
	return k.issue(api.CreateCredential{Scheme: "testkase_pat", Name: "GitHub Actions — Production Pipeline", User: name + "@acme.test", ExpiresIn: period})
}

// caller is somebody who calls with a token.
type caller struct {
	*kase
	name string
}

func (k *kase) by(name string) caller { return caller{k, name} }

// do makes a call; a body is JSON. What is true of every answer is checked.
func (c caller) do(method, path string, body any, change ...func(*http.Request)) reply {
	c.t.Helper()
	return c.call(method, path, body, append(change, as(c.tokens[c.name]))...)
}

// call is do with whatever credential the changes present.
func (k *kase) call(method, path string, body any, change ...func(*http.Request)) reply {
	k.t.Helper()
	if raw, ok := body.(string); ok {
		body = json.RawMessage(raw)
	}
	a := k.send(method, path, body, change...)
	if a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" {
		k.t.Errorf("%s %s: got the headers %v", method, path, a.header)
	}
	if a.status >= 400 {
		members := slices.Sorted(maps.Keys(a.body))
		if a.body["status"] != float64(a.status) || a.body["error"] != http.StatusText(a.status) || a.field("message") == "" ||
			!slices.Equal(members, []string{"error", "message", "status"}) && !slices.Equal(members, []string{"error", "fields", "message", "status"}) {
			k.t.Errorf("%s %s: not an error of TK-O13: %d %s", method, path, a.status, a.text)
		}
	}
	return a
}

// good is a call that nothing may refuse, and its data.
func (k *kase) good(name, method, path string, body any) map[string]any {
	k.t.Helper()
	a := k.by(name).do(method, path, body)
	if a.status/100 != 2 {
		k.t.Fatalf("%s %s as %s: got %d %s", method, path, name, a.status, a.text)
	}
	data, _ := a.body["data"].(map[string]any)
	return data
}

// wantField fails unless an answer is 422 and names a field.
func (k *kase) wantField(what string, got reply, field string) {
	k.t.Helper()
	fields, _ := got.body["fields"].(map[string]any)
	if got.status != 422 || fields[field] == nil {
		k.t.Errorf("%s: got %d %s, want 422 about %s", what, got.status, got.text, field)
	}
}

// rows are the objects of a list.
func (a reply) rows() (list []map[string]any) {
	data, _ := a.body["data"].([]any)
	for _, row := range data {
		object, _ := row.(map[string]any)
		list = append(list, object)
	}
	return list
}

// column is one member of each object of a list.
func (a reply) column(name string) (list []string) {
	for _, row := range a.rows() {
		list = append(list, fmt.Sprint(row[name]))
	}
	return list
}

func inProject(path string) string { return path + "?projectId=PRJ-1" }

// A token stands in for its user at the API, and may what the user may at that
// moment: everything in a project, the usual work, or reading. Nobody makes one
// that may less. TestKase's own role names are told.
func TestTK1_TK2_TK38_TK39_TKD12_TKO21_Roles(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		for _, c := range []struct {
			name, role          string
			list, create, other int
		}{
			{"owner", "Project Admin", 200, 201, 200}, {"boss", "Project Admin", 200, 201, 200}, {"lead", "Project Admin", 200, 201, 404}, {"user", "User", 200, 201, 404},
			{"reader", "Guest", 200, 403, 404}, {"guest", "Guest", 200, 403, 404}, {"outsider", "", 404, 404, 404},
		} {
			if got := k.by(c.name).do("GET", kaseProjects, nil).column("role"); c.role != "" && got[0] != c.role {
				t.Errorf("%s is told to be %v, want %s", c.name, got, c.role)
			}
			k.wantStatus(c.name+" reads", k.by(c.name).do("GET", inProject(kaseCases), nil), c.list)
			k.wantStatus(c.name+" reads cycles", k.by(c.name).do("GET", inProject(kaseCycles), nil), c.list)
			k.wantStatus(c.name+" writes", k.by(c.name).do("POST", inProject(kaseCases), map[string]any{"title": "By " + c.name}), c.create)
			k.wantStatus(c.name+" makes a cycle", k.by(c.name).do("POST", inProject(kaseCycles), map[string]any{"name": "By " + c.name}), c.create)
			k.wantStatus(c.name+" elsewhere", k.by(c.name).do("GET", kaseCases+"?projectId=PRJ-2", nil), c.other)
		}
		for _, path := range []string{"/TC-1", "/TC-1/versions", "/TC-1/versions/1"} {
			k.wantStatus("a guest reads "+path, k.by("guest").do("GET", inProject(kaseCases+path), nil), 200)
		}
		for _, call := range [][2]string{
			{"PUT", kaseCases + "/TC-1"}, {"PATCH", kaseCases + "/TC-1"}, {"PUT", kaseCycles + "/TCYCLE-2"}, {"PATCH", kaseCycles + "/TCYCLE-2"},
			{"POST", kaseCycles + "/TCYCLE-1/test-cases"}, {"PUT", kaseCycles + "/TCYCLE-1/test-cases/TC-1"}, {"POST", kaseCycles + "/TCYCLE-1/results"},
			{"DELETE", kaseCases + "/TC-1"}, {"DELETE", kaseCycles + "/TCYCLE-2"}, {"DELETE", kaseCycles + "/TCYCLE-2/test-cases/TC-1"},
		} {
			var body any
			switch {
			case strings.HasSuffix(call[1], "/test-cases"):
				body = map[string]any{"testCases": []string{"TC-1"}}
			case strings.HasSuffix(call[1], "/results"):
				body = map[string]any{"results": []any{map[string]any{"name": "a", "status": "pass"}}}
			case strings.HasSuffix(call[1], "/test-cases/TC-1") && call[0] == "PUT":
				body = map[string]any{"status": "Pass"}
			case call[0] != "DELETE":
				body = map[string]any{"description": "x"}
			}
			k.wantStatus("a guest: "+strings.Join(call[:], " "), k.by("guest").do(call[0], inProject(call[1]), body), 403)
			k.wantStatus("an outsider: "+strings.Join(call[:], " "), k.by("outsider").do(call[0], inProject(call[1]), body), 404)
		}
		err := k.operator.Call(t.Context(), "POST", "/v1/credentials", api.CreateCredential{
			Scheme: "testkase_pat", Name: "Narrow", Organization: k.org.ID, User: "user@acme.test", ExpiresIn: "7d", Scopes: []string{"tests:read"}}, nil)
		var p *api.Problem
		if !errors.As(err, &p) || p.Field != "scopes" {
			t.Errorf("a token that may less than its user: %v", err)
		}
	})
}

// A token reaches the projects of its owner, all of them and no other. What is
// lost of a role is lost with the next request.
func TestTK40_TK41_TKO6_Reach(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		for name, want := range map[string][]string{"owner": {"PRJ-1", "PRJ-2"}, "user": {"PRJ-1"}, "guest": {"PRJ-1"}, "outsider": nil} {
			if got := k.by(name).do("GET", kaseProjects, nil).column("id"); !slices.Equal(got, want) {
				t.Errorf("%s sees %v, want %v", name, got, want)
			}
		}
		base := "/v1/organizations/" + k.org.ID + "/projects/PRJ-"
		for i := 3; i <= 5; i++ {
			k.must("POST", "/v1/organizations/"+k.org.ID+"/projects", api.CreateProject{Name: "Project " + strconv.Itoa(i)}, nil)
			k.must("PUT", base+strconv.Itoa(i)+"/members/user@acme.test", api.SetRole{Role: "user"}, nil)
		}
		k.must("PUT", base+"2/members/user@acme.test", api.SetRole{Role: "guest"}, nil)
		a := k.by("user").do("GET", kaseProjects, nil)
		if got := a.column("id"); !slices.Equal(got, []string{"PRJ-1", "PRJ-2", "PRJ-3", "PRJ-4", "PRJ-5"}) || a.body["total"] != 5.0 {
			t.Errorf("of five projects the token reaches %v", got)
		}
		for i := 1; i <= 5; i++ {
			k.wantStatus("a project of its owner", k.by("user").do("GET", kaseCases+"?projectId=PRJ-"+strconv.Itoa(i), nil), 200)
		}
		for scope, write := range map[string]int{"tests:read projects:read": 403, "tests:read projects:read tests:write": 201} {
			narrow := k.narrowed(k.tokens["user"], scope, "PRJ-1")
			if got := k.call("GET", kaseProjects, nil, as(narrow)).column("id"); !slices.Equal(got, []string{"PRJ-1"}) {
				t.Errorf("a token for one project lists %v", got)
			}
			k.wantStatus("its project", k.call("POST", inProject(kaseCases), map[string]any{"title": "x"}, as(narrow)), write)
			k.wantStatus("its scopes", k.call("GET", inProject(kaseCycles), nil, as(narrow)), 403)
			k.wantStatus("another of its user", k.call("GET", kaseCases+"?projectId=PRJ-3", nil, as(narrow)), 404)
		}
		k.must("PUT", base+"1/members/user@acme.test", api.SetRole{Role: "guest"}, nil)
		k.wantStatus("writing as a guest", k.by("user").do("POST", inProject(kaseCases), map[string]any{"title": "x"}), 403)
		k.must("DELETE", base+"1/members/user@acme.test", nil, nil)
		k.wantStatus("reading what was left", k.by("user").do("GET", inProject(kaseCases), nil), 404)
	})
}

// narrowed trades a token for one that does less in a project.
func (k *kase) narrowed(token, scope, project string) string {
	k.t.Helper()
	a := k.send("POST", nativeTokens, url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {token},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}, "scope": {scope}, "project": {project},
	})
	k.wantStatus("a narrower token", a, 200)
	return a.field("access_token")
}

// The text of a token, what is left to see of it, that it is stored nowhere,
// and that a lost one is deleted and made anew.
func TestTK3_TK5_TK8_TK9_TK10_TKO1_TKO3_TKO7_Text(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		for _, name := range []string{"GitHub Actions — Production Pipeline", "GitLab CI — Staging Tests", "API Script — Nightly Report", "Local Development", "Local Development"} {
			c := k.issue(api.CreateCredential{Scheme: "testkase_pat", Name: name, User: "user@acme.test", ExpiresIn: "30d"})
			if !regexp.MustCompile(`^tk_pat_[0-9A-Za-z]{40}$`).MatchString(c.Secret) || !(credential.Format{Prefix: "tk_pat_", Alphabet: credential.Base62, Length: 40}).Check(c.Secret) {
				t.Errorf("got %s", c.Secret)
			}
			var raw json.RawMessage
			k.must("GET", "/v1/credentials/"+c.ID, nil, &raw)
			var shown api.Credential
			if err := json.Unmarshal(raw, &shown); err != nil {
				t.Fatal(err)
			}
			hint := c.Secret[:len("tk_pat_")+8] + "…" + c.Secret[len(c.Secret)-6:]
			if strings.ReplaceAll(shown.Hint, "...", "…") != hint || shown.Name != name || strings.Contains(string(raw), c.Secret[8:30]) {
				t.Errorf("%s is shown as %s, want %s", name, raw, hint)
			}
			k.wantStatus("the token", k.call("GET", kaseProjects, nil, as(c.Secret)), 200)
			k.must("POST", "/v1/credentials/"+c.ID+"/revoke", nil, nil)
			k.wantStatus("a lost token", k.call("GET", kaseProjects, nil, as(c.Secret)), 401)
			k.wantStatus("the one in its place", k.call("GET", kaseProjects, nil, as(k.pat("user", "7d").Secret)), 200)
		}
		for _, name := range []string{"", strings.Repeat("x", 101)} {
			err := k.operator.Call(t.Context(), "POST", "/v1/credentials", api.CreateCredential{Scheme: "testkase_pat", Name: name, Organization: k.org.ID, User: "user@acme.test", ExpiresIn: "7d"}, nil)
			var p *api.Problem
			if !errors.As(err, &p) || p.Field != "name" {
				t.Errorf("a name of %d characters: %v", len(name), err)
			}
		}
	})
}

// A token has one of six periods, counted from the second it was made. From
// then on it is 401, and nothing makes it last longer.
func TestTK11_TK12_TK13_TK14_TK15_TK16_TK17_TK19_TK20_TKO4_TKO5_Periods(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		made := map[int]api.IssuedCredential{}
		periods := []int{7, 30, 60, 90, 180, 365}
		for _, days := range periods {
			made[days] = k.pat("user", strconv.Itoa(days)+"d")
		}
		var p *api.Problem
		for _, period := range []string{"", "1d", "6d", "8d", "31d", "364d", "366d", "168h1m", "0"} {
			err := k.operator.Call(t.Context(), "POST", "/v1/credentials", api.CreateCredential{Scheme: "testkase_pat", Name: "x", Organization: k.org.ID, User: "user@acme.test", ExpiresIn: period}, nil)
			if !errors.As(err, &p) || p.Status != 422 {
				t.Errorf("a period of %q: got %v, want 422", period, err)
			}
		}
		for _, change := range []map[string]any{{"expires_at": "2099-01-01T00:00:00Z"}, {"expires_at": "2026-01-03T00:00:00Z"}} {
			if err := k.operator.Call(t.Context(), "PATCH", "/v1/credentials/"+made[90].ID, change, nil); !errors.As(err, &p) || p.Status != 422 {
				t.Errorf("another date: got %v, want 422", err)
			}
		}
		var elapsed time.Duration
		for _, days := range periods {
			end := time.Duration(days) * 24 * time.Hour
			k.advance(end - elapsed - time.Millisecond)
			k.wantStatus(fmt.Sprintf("%d days, a moment before", days), k.call("GET", kaseProjects, nil, as(made[days].Secret)), 200)
			k.advance(time.Millisecond)
			a := k.call("GET", kaseProjects, nil, as(made[days].Secret))
			k.wantStatus(fmt.Sprintf("%d days, over", days), a, 401)
			if !strings.Contains(a.field("message"), "expired") {
				t.Errorf("over: %s", a.text)
			}
			elapsed = end
		}
		k.wantStatus("a new one", k.call("GET", kaseProjects, nil, as(k.pat("user", "7d").Secret)), 200)
	})
}

// Deleting is at once and for good; so is what happens to the account. There is
// no limit on the number, and in a rotation both work.
func TestTK23_TK42_TK52_TK54_Ends(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		var tokens []api.IssuedCredential
		for range 12 {
			tokens = append(tokens, k.pat("user", "90d"))
		}
		for _, c := range tokens {
			k.wantStatus("one of many", k.call("GET", kaseProjects, nil, as(c.Secret)), 200)
		}
		k.must("POST", "/v1/credentials/"+tokens[0].ID+"/revoke", nil, nil)
		k.wantStatus("a deleted one", k.call("GET", kaseProjects, nil, as(tokens[0].Secret)), 401)
		if err := k.operator.Call(t.Context(), "POST", "/v1/credentials/"+tokens[0].ID+"/resume", nil, nil); err == nil {
			t.Error("a deleted token is recovered")
		}
		k.wantStatus("its successor", k.call("GET", kaseProjects, nil, as(tokens[1].Secret)), 200)
		k.must("POST", "/v1/users/user@acme.test/deactivate", nil, nil)
		for _, c := range tokens {
			k.wantStatus("of a deactivated user", k.call("GET", kaseProjects, nil, as(c.Secret)), 401)
		}
		k.must("POST", "/v1/users/user@acme.test/reactivate", nil, nil)
		k.wantStatus("of a reactivated user", k.call("GET", kaseProjects, nil, as(tokens[2].Secret)), 401)
		k.must("DELETE", "/v1/users/reader@acme.test", nil, nil)
		k.wantStatus("of a deleted user", k.by("reader").do("GET", kaseProjects, nil), 401)
	})
}

// A service user holds a shared token, with the least role that does.
func TestTK51_ServiceAccount(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		var bot api.User
		k.must("POST", "/v1/organizations/"+k.org.ID+"/service-users", api.CreateServiceUser{Name: "CI bot", Role: "member"}, &bot)
		c := k.issue(api.CreateCredential{Scheme: "testkase_pat", User: bot.ID, ExpiresIn: "90d"})
		k.wantStatus("in no project", k.call("GET", inProject(kaseCases), nil, as(c.Secret)), 404)
		k.must("PUT", "/v1/organizations/"+k.org.ID+"/projects/PRJ-1/members/"+bot.ID, api.SetRole{Role: "user"}, nil)
		k.wantStatus("in one", k.call("POST", inProject(kaseCases), map[string]any{"title": "x"}, as(c.Secret)), 201)
	})
}

// Where a token stands, and what is answered to a wrong one: a message and a
// challenge, by which it can be found out what is wrong.
func TestTK25_TK27_TKD2_Presenting(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		token := k.tokens["user"]
		header := func(name, value string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set(name, value) }
		}
		k.wantStatus("Bearer", k.call("GET", kaseProjects, nil, header("Authorization", "Bearer "+token)), 200)
		k.wantStatus("bearer", k.call("GET", kaseProjects, nil, header("Authorization", "bearer "+token)), 200)
		session := k.send("POST", "/api/v1/auth/login", map[string]string{"email": "user@acme.test", "password": goodPassword}).field("accessToken")
		k.wantStatus("a session", k.call("GET", kaseProjects, nil, as(session)), 200)
		k.tryCookie(token)
		wrong := map[string]func(*http.Request){
			"nothing": func(*http.Request) {}, "no scheme": header("Authorization", token), "Basic": header("Authorization", "Basic "+token), "a key's header": header("X-API-Key", token),
			"another end": as(token[:len(token)-1] + "!"), "too short": as(token[:20]), "nothing behind it": header("Authorization", "Bearer "),
			"none before": as("xyz_" + token[7:]), "a foreign credential": as(k.verifier), "BetaHub's": as(k.issue(api.CreateCredential{Scheme: "betahub_pat", User: "user@acme.test"}).Secret),
			"BunShip's": as(k.issue(api.CreateCredential{Scheme: "bunship_live", Scopes: []string{"*"}}).Secret),
		}
		for what, put := range wrong {
			for _, path := range []string{kaseProjects, inProject(kaseCases), inProject(kaseCycles)} {
				a := k.call("GET", path, nil, put)
				if a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s at %s: got %d %s with %q", what, path, a.status, a.text, a.header.Get("WWW-Authenticate"))
				}
			}
		}
		for _, s := range testkase.Surfaces(k.auth, k.work) {
			for _, r := range s.Routes {
				path := strings.NewReplacer("{cycle}", "TCYCLE-1", "{version}", "1", "{case}", "TC-1", "{run}", k.org.ID, "{file}", "1").Replace(r.Pattern)
				k.wantStatus(r.Method+" "+path+" with nothing", k.call(r.Method, inProject(path), nil), 401)
				k.wantStatus(r.Method+" "+path+" with a service's key", k.call(r.Method, inProject(path), nil, as(k.verifier)), 401)
			}
		}
		for _, query := range []string{"token=" + token, "projectId=" + token, "access_token=x", "api_key=x"} {
			a := k.call("GET", kaseCases+"?"+query, nil, as(token))
			name, _, _ := strings.Cut(query, "=")
			if a.status != 400 || !strings.Contains(a.field("message"), name) || strings.Contains(a.text, token) {
				t.Errorf("in the URL: got %d %s", a.status, a.text)
			}
		}
	})
}

// tryCookie calls with the cookie of a browser: a page of this server may do
// what its user may, and a page of another site nothing. What stands in
// Authorization counts alone.
func (k *kase) tryCookie(token string) {
	k.t.Helper()
	cookie, broken := k.browser("user@acme.test"), func(r *http.Request) { r.Header.Set("Cookie", "gatehouse=x") }
	from := func(site string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", site) }
	}
	title := map[string]string{"title": "By a page"}
	k.wantStatus("reading by cookie", k.call("GET", kaseProjects, nil, cookie), 200)
	k.wantStatus("a page of this server", k.call("POST", inProject(kaseCases), title, cookie, from("same-origin")), 201)
	for _, site := range []string{"cross-site", "same-site"} {
		k.wantStatus("a page of another: "+site, k.call("POST", inProject(kaseCases), title, cookie, from(site)), 403)
		k.wantStatus("it takes away: "+site, k.call("DELETE", inProject(kaseCases+"/TC-1"), nil, cookie, from(site)), 403)
	}
	k.wantStatus("a broken cookie", k.call("GET", kaseProjects, nil, broken), 401)
	k.wantStatus("a token before it", k.call("GET", kaseProjects, nil, broken, as(token)), 200)
	k.wantStatus("a wrong token before a cookie", k.call("GET", kaseProjects, nil, cookie, as(token[:20])), 401)
	k.wantStatus("a token in a cookie", k.call("GET", kaseProjects, nil, func(r *http.Request) { r.Header.Set("Cookie", "gatehouse="+token) }), 401)
}

// Each token makes so many requests a minute, whatever others do. One too many
// is 429 and says when to come again; the operator alone gives a token more.
func TestTK55_TKO8_RateLimit(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		left := func(a reply, status int, limit, remaining string) {
			t.Helper()
			h := a.header
			if a.status != status || h.Get("X-RateLimit-Limit") != limit || h.Get("X-RateLimit-Remaining") != remaining || h.Get("X-RateLimit-Reset") == "" {
				t.Errorf("got %d %s with %s of %s left, want %d with %s of %s", a.status, a.text, h.Get("X-RateLimit-Remaining"), h.Get("X-RateLimit-Limit"), status, remaining, limit)
			}
		}
		left(k.by("user").do("GET", kaseProjects, nil), 200, "300", "299")
		slow := k.issue(api.CreateCredential{Scheme: "testkase_pat", User: "user@acme.test", ExpiresIn: "7d", RateLimit: 2})
		left(k.call("GET", kaseProjects, nil, as(slow.Secret)), 200, "2", "1")
		left(k.call("GET", inProject(kaseCases), nil, as(slow.Secret)), 200, "2", "0")
		a := k.call("GET", inProject(kaseCycles), nil, as(slow.Secret))
		left(a, 429, "2", "0")
		if a.field("error") != "Too Many Requests" || a.header.Get("Retry-After") != "30" {
			t.Errorf("got %s, again after %q", a.text, a.header.Get("Retry-After"))
		}
		left(k.by("user").do("GET", kaseProjects, nil), 200, "300", "298") // of the same user
		k.advance(30 * time.Second)
		k.wantStatus("when it is time", k.call("GET", kaseProjects, nil, as(slow.Secret)), 200)

		more := map[string]any{"rate_limit": 1000}
		k.wantStatus("by its own user", k.send("PATCH", "/v1/credentials/"+slow.ID, more, as(k.tokens["user"])), 422)
		k.wantStatus("by the owner", k.send("PATCH", "/v1/credentials/"+slow.ID, more, as(k.tokens["owner"])), 422)
		k.must("PATCH", "/v1/credentials/"+slow.ID, more, nil)
		k.advance(time.Minute)
		if a := k.call("GET", kaseProjects, nil, as(slow.Secret)); a.status != 200 || a.header.Get("X-RateLimit-Limit") != "1000" {
			t.Errorf("after the operator raised it: got %d with %q", a.status, a.header.Get("X-RateLimit-Limit"))
		}
	})
}

// On suspicion people see what a token was used for of late: each request of the
// last 90 days, with time, method, path, status, address and agent. What it was
// sent as is not in it. Whoever looks after the token sees it, and nobody else.
func TestTK50_TKO9_RecentActivity(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		agent := func(r *http.Request) { r.Header.Set("User-Agent", "leaked/1.0") }
		token := k.tokens["user"]
		k.call("GET", inProject(kaseCases), nil, as(token))
		k.call("POST", inProject(kaseCases), map[string]any{"title": "Planted"}, as(token), at("203.0.113.9"), agent)
		k.call("GET", inProject(kaseCases+"/TC-99999"), nil, as(token))
		k.call("GET", inProject(kaseCases+"/"+k.tokens["owner"]), nil, as(token))
		k.must("POST", "/v1/credentials/"+k.ids["user"]+"/revoke", nil, nil)
		k.advance(time.Hour)
		k.call("GET", kaseProjects, nil, as(token))
		if err := k.auth.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		list := func(as string) (out []api.Request, status int) {
			t.Helper()
			a := k.send("GET", "/v1/credentials/"+k.ids["user"]+"/requests", nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+k.tokens[as]) })
			var page api.List[api.Request]
			if a.status == 200 {
				if err := json.Unmarshal([]byte(a.text), &page); err != nil {
					t.Fatal(err)
				}
			}
			for _, secret := range k.tokens {
				if strings.Contains(a.text, secret) {
					t.Errorf("a secret is told: %s", a.text)
				}
			}
			return page.Items, a.status
		}
		got, _ := list("owner")
		want := []string{
			"GET " + kaseProjects + " 401", "GET " + kaseCases + "/… 404", "GET " + kaseCases + "/TC-99999 404", "POST " + kaseCases + " 201", "GET " + kaseCases + " 200",
		}
		for i, r := range got {
			if line := fmt.Sprint(r.Method, " ", r.Path, " ", r.Status); i >= len(want) || line != want[i] {
				t.Errorf("request %d: got %s", i, line)
			}
		}
		if len(got) != len(want) || got[3].Address != "203.0.113.9" || got[3].UserAgent != "leaked/1.0" || !got[0].At.Equal(got[3].At.Add(time.Hour)) {
			t.Errorf("got %+v", got)
		}
		for who, status := range map[string]int{"boss": 200, "lead": 404, "reader": 404, "outsider": 404} {
			if _, got := list(who); got != status {
				t.Errorf("%s: got %d, want %d", who, got, status)
			}
		}
		if mine, _ := list("owner"); len(mine) != len(want) {
			t.Error("looking at it is listed as its own")
		}
		k.advance(90*24*time.Hour - 30*time.Minute)
		if err := k.auth.ForgetUsage(t.Context()); err != nil {
			t.Fatal(err)
		}
		var kept api.List[api.Request]
		k.must("GET", "/v1/credentials/"+k.ids["user"]+"/requests", nil, &kept)
		if len(kept.Items) != 1 || kept.Items[0].Status != 401 {
			t.Errorf("after 90 days there are %+v", kept.Items)
		}
	})
}
