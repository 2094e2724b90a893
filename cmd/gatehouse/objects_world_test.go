package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// objects is a server with things in three places. Acme has a project that
// people of every role work in, and one that only owners and admins see; Moon
// has one too. What is numbered in an organization has other numbers there.
type objects struct {
	*whole
	own, hidden, foreign, nowhere place
	people                        map[string]*person
	far                           api.Organization
	made                          int
}

// person is somebody with tokens and a session.
type person struct {
	email    string
	tokens   map[string]string // by scheme
	session  func(*http.Request)
	spare    string // the id of another session
	overseer bool
}

// raw is a body that is JSON already.
func raw(text string) json.RawMessage { return json.RawMessage(text) }

// callersOf are the people of Acme who call, by their role there and in the
// project.
var callersOf = []struct{ name, role, project string }{
	{"owner", "owner", ""}, {"admin", "admin", ""}, {"lead", "member", "admin"}, {"member", "member", "user"}, {"reader", "member", "guest"}, {"guest", "guest", "guest"},
}

func newObjects(t *testing.T, cfg store.Config) *objects {
	t.Helper()
	o := &objects{whole: newWhole(t, cfg), people: map[string]*person{}}
	o.must("POST", "/v1/organizations", api.CreateOrganization{Name: "Moonfaraway"}, &o.far)
	for _, p := range callersOf {
		o.join(o.org, p.name, p.role)
	}
	o.join(o.org, "colleague", "member")
	o.join(o.far, "moonfaraway", "owner")
	o.own = place{mark: "sunnearby", mine: true, as: as(o.people["owner"].tokens["testkase_pat"])}
	o.hidden = place{mark: "nebulahidden", as: o.own.as}
	o.foreign = place{mark: "moonfaraway", as: as(o.people["moonfaraway"].tokens["testkase_pat"])}
	for _, p := range []*place{&o.own, &o.hidden, &o.foreign} {
		p.ids = map[string]string{}
	}
	o.settle(&o.foreign, o.far, "moonfaraway") // so that there are counters
	storetest.Exec(t, storetest.Raw(t, cfg), `UPDATE counters SET last = 10000 WHERE parent = '`+o.far.ID+`'`)
	o.settle(&o.foreign, o.far, "moonfaraway")
	o.settle(&o.own, o.org, "owner")
	o.settle(&o.hidden, o.org, "owner")
	for _, p := range callersOf {
		if p.project != "" {
			o.must("PUT", "/v1/organizations/"+o.org.ID+"/projects/"+o.own.ids["prj"]+"/members/"+o.people[p.name].email, api.SetRole{Role: p.project}, nil)
		}
	}
	o.hidden.ids["organization"] = o.org.BunShipID // in which a caller names what is another's
	for _, name := range []string{"key", "webhook", "member", "invitation"} {
		o.hidden.ids[name] = o.foreign.ids[name]
	}
	o.hidden.ids["session"], o.foreign.ids["session"] = o.people["colleague"].spare, o.people["moonfaraway"].spare
	o.nowhere = place{ids: maps.Clone(o.foreign.ids)}
	maps.Copy(o.nowhere.ids, map[string]string{"prj": "PRJ-999999", "organization": authority.PublicID("org", uuid.New()), "session": authority.PublicID("ses", uuid.New()),
		"test": "999999", "tester": "999999", "beta.issue": "999999", "beta.webhook": uuid.NewString(), "onetest.product": uuid.NewString()})
	for _, name := range []string{"case", "run", "execution", "artifact", "launch", "item", "parent"} {
		o.nowhere.ids["onetest."+name] = uuid.NewString()
	}
	return o
}

// join makes a user with tokens and two sessions.
func (o *objects) join(in api.Organization, name, role string) {
	o.t.Helper()
	p := &person{email: name + "@" + in.Name + ".test", tokens: map[string]string{}, overseer: role == "owner" || role == "admin"}
	o.must("POST", "/v1/organizations/"+in.ID+"/members", api.CreateUser{Email: p.email, Name: name, Role: role, Password: goodPassword}, nil)
	for scheme, period := range map[string]string{"testkase_pat": "90d", "betahub_pat": ""} {
		p.tokens[scheme] = o.credential(in, api.CreateCredential{Scheme: scheme, User: p.email, ExpiresIn: period, Name: name})
	}
	p.session = as(o.login(p.email))
	o.people[name] = p
	o.respare(p)
}

// credential issues a credential that may be used as often as a test likes.
func (o *objects) credential(in api.Organization, c api.CreateCredential) string {
	o.t.Helper()
	var out api.IssuedCredential
	c.Organization = in.ID
	o.must("POST", "/v1/credentials", c, &out)
	if c.Scheme != "betahub_pat" && c.Scheme != "betahub_project_token" {
		o.must("PATCH", "/v1/credentials/"+out.ID, map[string]int{"rate_limit": 1_000_000}, nil)
	}
	return out.Secret
}

func (o *objects) login(email string) string {
	o.t.Helper()
	a := o.send("POST", "/api/v1/auth/login", map[string]string{"email": email, "password": goodPassword})
	o.wantStatus("signing in", a, 200)
	return a.field("accessToken")
}

// respare gives somebody another session.
func (o *objects) respare(p *person) {
	o.t.Helper()
	token := o.login(p.email)
	a := o.send("GET", "/api/v1/users/me/sessions", nil, as(token))
	o.wantStatus("the sessions", a, 200)
	var list struct {
		Sessions, Data []struct {
			ID        string `json:"id"`
			IsCurrent bool   `json:"isCurrent"`
		}
	}
	if err := json.Unmarshal([]byte(a.text), &list); err != nil {
		o.t.Fatal(err)
	}
	for _, s := range append(list.Sessions, list.Data...) {
		if s.IsCurrent {
			p.spare = s.ID
		}
	}
}

// settle makes a project of an organization in a place, and everything else
// that calls name.
func (o *objects) settle(p *place, in api.Organization, owner string) {
	o.t.Helper()
	var made api.Project
	o.must("POST", "/v1/organizations/"+in.ID+"/projects", api.CreateProject{Name: p.mark + " project"}, &made)
	p.ids["project"], p.ids["prj"], p.ids["organization"] = made.BetaHubID, made.TestKaseID, in.BunShipID
	p.ids["version"], p.ids["onetest.product"] = "1", made.ID
	var boss api.User
	o.must("GET", "/v1/organizations/"+in.ID+"/members/"+o.people[owner].email, nil, &boss)
	p.ids["user"] = boss.ID
	o.renewCase(p, nil, reply{})
	o.renewIssues(p, as(o.people[owner].tokens["betahub_pat"]))
	o.renewRun(p, nil, reply{})
	o.renewLaunch(p, nil, reply{})
	o.renewFile(p, nil, reply{})
	if p != &o.hidden {
		o.renewHook(p, nil, reply{})
		o.renewKey(p, nil, reply{})
		o.renewTest(p, nil, reply{})
		o.renewBetaHook(p, nil, reply{})
		o.renewMember(p, nil, reply{})
		o.renewInvitation(p, nil, reply{})
	}
}

// post makes something in a place, and returns a member of the answer.
func (o *objects) post(path string, body map[string]any, by func(*http.Request), member ...string) string {
	o.t.Helper()
	a := o.send("POST", path, body, by)
	if a.status != 200 && a.status != 201 {
		o.t.Fatalf("POST %s: got %d %s", path, a.status, a.text)
	}
	var at any = a.body
	for _, name := range member {
		object, _ := at.(map[string]any)
		at = object[name]
	}
	if number, ok := at.(float64); ok {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	return fmt.Sprint(at)
}

// renewCase makes a test case, a cycle with it, and a report.
func (o *objects) renewCase(p *place, _ *objectCaller, _ reply) {
	in := "?projectId=" + p.ids["prj"]
	p.ids["case"] = o.post(kaseCases+in, map[string]any{"title": p.mark + " thing"}, p.as, "data", "id")
	p.ids["cycle"] = o.post(kaseCycles+in, map[string]any{"name": p.mark, "testCases": []string{p.ids["case"]}}, p.as, "data", "id")
	to := kaseCycles + "/" + p.ids["cycle"] + "/results"
	a := o.send("POST", to+in, uploadOf("meta", `{"format":"junit"}`, "file:"+p.mark+".xml", `<testsuite><testcase name="`+p.mark+`"/></testsuite>`), p.as, inParts)
	o.wantStatus("a report", a, 201)
	data, _ := a.body["data"].(map[string]any)
	p.ids["run"] = fmt.Sprint(data["runId"])
	a = o.send("GET", to+"/"+p.ids["run"]+in, nil, p.as)
	data, _ = a.body["data"].(map[string]any)
	files, _ := data["files"].([]any)
	p.ids["file"] = fmt.Sprint(memberOf(memberOf(files, "0"), "id"))
}

// renewRun makes a test case of OneTest's with a step, and a run with it.
func (o *objects) renewRun(p *place, _ *objectCaller, _ reply) {
	o.t.Helper()
	const base = "/api/test-management/api/v1"
	in, by := base+"/products/"+p.ids["onetest.product"], o.boss(p)
	p.ids["onetest.case"] = o.post(in+"/test-cases", map[string]any{"title": p.mark, "steps": []any{map[string]string{"action": p.mark}}}, by, "id")
	p.ids["onetest.run"] = o.post(in+"/runs", map[string]any{"name": p.mark, "run_type": "manual", "test_case_ids": []string{p.ids["onetest.case"]}}, by, "id")
	a := o.send("GET", base+"/runs/"+p.ids["onetest.run"]+"/executions", nil, by)
	o.wantStatus("executions", a, 200)
	p.ids["onetest.execution"] = fmt.Sprint(memberOf(memberOf(a.body["items"], "0"), "id"))
}

// renewLaunch starts a launch of OneTest's with a suite in it.
func (o *objects) renewLaunch(p *place, _ *objectCaller, _ reply) {
	o.t.Helper()
	base, by := "/api/receiver/api/v2/"+p.ids["onetest.product"], o.boss(p)
	p.ids["onetest.launch"] = o.post(base+"/launch", map[string]any{"name": p.mark}, by, "id")
	p.ids["onetest.item"] = o.post(base+"/item", map[string]any{"name": p.mark, "type": "suite", "launchUuid": p.ids["onetest.launch"]}, by, "id")
	p.ids["onetest.parent"] = p.ids["onetest.item"]
	o.post(base+"/log", map[string]any{"message": p.mark, "itemUuid": p.ids["onetest.item"]}, by, "id")
}

// renewFile adds a file to a product of OneTest's.
func (o *objects) renewFile(p *place, _ *objectCaller, _ reply) {
	o.t.Helper()
	a := o.send("POST", "/api/artifacts/api/v1/products/"+p.ids["onetest.product"]+"/artifacts", uploadOf("file:"+p.mark+".txt", p.mark), o.boss(p), inParts)
	o.wantStatus("a file", a, 201)
	p.ids["onetest.artifact"] = fmt.Sprint(a.body["id"])
}

// renewIssues makes an issue of each category with a comment, and a release.
func (o *objects) renewIssues(p *place, by func(*http.Request)) {
	for name, noun := range map[string]string{"issue": "issues", "request": "feature_requests", "ticket": "tickets"} {
		path := "/projects/" + p.ids["project"] + "/" + noun
		body := map[string]any{"title": p.mark + " thing", "release_label": p.mark}
		if noun == "tickets" {
			body["reporter_email"] = "ada@" + p.mark + ".test"
		}
		p.ids[name] = o.post(path, body, by, "id")
		o.post(path+"/"+p.ids[name]+"/comments", map[string]any{"body": p.mark}, by)
	}
	p.ids["release"] = "1"
	path := "/projects/" + p.ids["project"] + "/issues/" + p.ids["issue"] + "/log_files"
	a := o.send("POST", path, uploadOf("log_file[file]:"+p.mark+".log", p.mark), by, inParts)
	o.wantStatus("a file", a, 201)
	for _, kind := range []string{"screenshot", "clip", "log", "segment", "file"} {
		p.ids[kind] = fmt.Sprint(a.body["id"])
	}
	o.renewTag(p, nil, reply{})
	o.renewField(p, nil, reply{})
}

// hubber is who sees to the issues of a place.
func (o *objects) hubber(p *place) func(*http.Request) {
	if p == &o.foreign {
		return as(o.people["moonfaraway"].tokens["betahub_pat"])
	}
	return as(o.people["owner"].tokens["betahub_pat"])
}

func (o *objects) renewTag(p *place, _ *objectCaller, _ reply) {
	o.made++
	p.ids["tag"] = o.post("/projects/"+p.ids["project"]+"/issue_tags", map[string]any{"name": fmt.Sprint(p.mark, o.made)}, o.hubber(p), "id")
}

func (o *objects) renewField(p *place, _ *objectCaller, _ reply) {
	o.made++
	p.ids["field"] = o.post("/projects/"+p.ids["project"]+"/custom_fields", map[string]any{"ident": fmt.Sprint(p.mark, o.made)}, o.hubber(p), "id")
}

// dropTag and dropField take away what a call has made, whose name is taken.
func (o *objects) dropTag(p *place, _ *objectCaller, a reply)   { o.dropHub(p, "issue_tags", a) }
func (o *objects) dropField(p *place, _ *objectCaller, a reply) { o.dropHub(p, "custom_fields", a) }

func (o *objects) dropHub(p *place, noun string, a reply) {
	o.t.Helper()
	o.wantStatus("taking away", o.send("DELETE", fmt.Sprintf("/projects/%s/%s/%v", p.ids["project"], noun, a.body["id"]), nil, o.hubber(p)), 204)
}

func (o *objects) renewKey(p *place, _ *objectCaller, _ reply) {
	p.ids["key"] = o.post("/api/v1/organizations/"+p.ids["organization"]+"/api-keys", map[string]any{"name": p.mark, "scopes": []string{"read:members"}}, o.boss(p), "data", "id")
}

func (o *objects) renewHook(p *place, _ *objectCaller, _ reply) {
	p.ids["webhook"] = o.post("/api/v1/organizations/"+p.ids["organization"]+"/webhooks", map[string]any{"url": "http://127.0.0.1:1/" + p.mark}, o.boss(p), "data", "id")
}

// boss signs in as the owner of a place.
func (o *objects) boss(p *place) func(*http.Request) {
	if p == &o.foreign {
		return o.people["moonfaraway"].session
	}
	return o.people["owner"].session
}

// dropKey and dropHook take away what a call has made, of which there may be
// few.
func (o *objects) dropKey(p *place, _ *objectCaller, a reply)  { o.drop(p, "api-keys", a) }
func (o *objects) dropHook(p *place, _ *objectCaller, a reply) { o.drop(p, "webhooks", a) }

func (o *objects) drop(p *place, noun string, a reply) {
	o.t.Helper()
	data, _ := a.body["data"].(map[string]any)
	o.wantStatus("taking away", o.send("DELETE", fmt.Sprintf("/api/v1/organizations/%s/%s/%v", p.ids["organization"], noun, data["id"]), nil, o.boss(p)), 200)
}

// renewTest makes a test of BetaTesting's with a tester who waits.
func (o *objects) renewTest(p *place, _ *objectCaller, _ reply) {
	o.t.Helper()
	if p.ids["static"] == "" {
		in := o.org
		if p == &o.foreign {
			in = o.far
		}
		p.ids["static"] = o.credential(in, api.CreateCredential{Scheme: "betatesting_static", Name: p.mark})
	}
	by := as(p.ids["static"])
	o.made++
	const tests = "/api/external/v2/tests"
	p.ids["test"] = o.post(tests, map[string]any{"name": p.mark}, by, "data", "id")
	p.ids["tester"] = o.post(tests+"/"+p.ids["test"]+"/testers", map[string]any{"email": fmt.Sprintf("%d@%s.test", o.made, p.mark), "name": p.mark}, by, "data", "id")
	p.ids["beta.issue"] = o.post(tests+"/"+p.ids["test"]+"/issues", map[string]any{"title": p.mark}, by, "data", "id")
	o.showBeta(p)
}

// showBeta has what is hidden elsewhere be there in BetaTesting, which hides
// nothing in an organization.
func (o *objects) showBeta(p *place) {
	for _, name := range []string{"test", "tester", "beta.issue", "beta.webhook"} {
		if p == &o.own {
			o.hidden.ids[name] = p.ids[name]
		}
	}
}

func (o *objects) renewBetaHook(p *place, _ *objectCaller, _ reply) {
	o.t.Helper()
	p.ids["beta.webhook"] = o.post("/api/external/v2/webhooks", map[string]any{"url": "http://127.0.0.1:1/" + p.mark}, as(p.ids["static"]), "data", "id")
	o.showBeta(p)
}

func (o *objects) dropBetaHook(p *place, _ *objectCaller, a reply) {
	o.t.Helper()
	o.wantStatus("taking away", o.send("DELETE", "/api/external/v2/webhooks/"+fmt.Sprint(memberOf(a.body["data"], "id")), nil, as(p.ids["static"])), 204)
}

// renewMember brings somebody new to an organization.
func (o *objects) renewMember(p *place, _ *objectCaller, _ reply) {
	o.t.Helper()
	o.made++
	path, email := "/api/v1/organizations/"+p.ids["organization"]+"/members", fmt.Sprintf("%d@%s.test", o.made, p.mark)
	o.must("POST", "/v1/organizations/"+p.ids["organization"]+"/members", api.CreateUser{Email: email, Name: p.mark, Role: "member"}, nil)
	a := o.send("GET", path+"?pageSize=100", nil, o.boss(p))
	o.wantStatus("the members", a, 200)
	members, _ := a.body["members"].([]any)
	for _, m := range members {
		if memberOf(memberOf(m, "user"), "email") == email {
			p.ids["member"] = fmt.Sprint(memberOf(m, "id"))
		}
	}
}

func (o *objects) renewInvitation(p *place, _ *objectCaller, _ reply) {
	o.made++
	p.ids["invitation"] = o.post("/api/v1/organizations/"+p.ids["organization"]+"/invitations",
		map[string]any{"email": fmt.Sprintf("%d@%s.test", o.made, p.mark), "role": "member"}, o.boss(p), "invitation", "id")
}

func (o *objects) dropInvitation(p *place, _ *objectCaller, a reply) {
	o.t.Helper()
	id := fmt.Sprint(memberOf(a.body["invitation"], "id"))
	o.wantStatus("taking back", o.send("DELETE", "/api/v1/organizations/"+p.ids["organization"]+"/invitations/"+id, nil, o.boss(p)), 200)
}

// renewSession gives the caller another session that may be ended.
func (o *objects) renewSession(_ *place, c *objectCaller, _ reply) {
	o.t.Helper()
	p := o.people[strings.TrimPrefix(c.name, "s-")]
	o.respare(p)
	c.own["session"] = p.spare
}

// exchange trades a client's secret for an access token.
func (o *objects) exchange(id, secret, scope string) string {
	o.t.Helper()
	a := o.send("POST", "/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}, "scope": {scope}})
	o.wantStatus("a token", a, 200)
	return a.field("access_token")
}
