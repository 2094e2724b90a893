package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/google/uuid"
)

// How many requests TestH1_EveryAnswerIsDocumented makes, and which.
var (
	openapiRequests = flag.Int("openapi.requests", generatedRequests, "check the answers to so many generated requests")
	openapiSeed     = flag.Uint64("openapi.seed", 1, "which requests they are")
)

// TestH1_EveryAnswerIsDocumented sends generated requests of every operation,
// good and bad, as several callers, and lets a validator that others wrote hold
// each answer against the document. No answer is a fault of the server, and
// what the document forbids is refused.
func TestH1_EveryAnswerIsDocumented(t *testing.T) {
	t.Parallel()
	x := newExercise(t)
	for n := range *openapiRequests {
		x.broken = x.broken || n%500 == 0 // for fresh values
		x.try(n, pick(x.requests, x.requests.operations))
	}
	for _, op := range x.requests.operations { // each of them succeeds at least once
		for tries := 0; !x.seen[op.id][op.success]; tries++ {
			if tries == 500 {
				t.Errorf("%s never succeeds: got %v", op.id, x.seen[op.id])
				break
			}
			x.broken = x.broken || tries%25 == 0
			x.try(-1, op)
		}
	}
}

// exercise is a server, those who call it, and what it answered so far.
type exercise struct {
	t          *testing.T
	n          *node
	operator   *client.Client
	servers    map[bool]string // by whether they are the operator's
	documented *documentedAnswers
	requests   *requests
	seen       map[string]map[int]bool // statuses of operations
	acme       api.Organization
	projects   [2]api.Project
	ids        map[string]string // of the callers' credentials
	headers    map[string]string // in which they present them
	sessions   map[string]string // of users
	spent      map[string]bool   // whose secret works no longer
	// hasPassword is of users who can sign in.
	hasPassword map[string]bool
	runs        int  // test runs that were begun in each project
	broken      bool // a request was one of those that break
}

func newExercise(t *testing.T) *exercise {
	t.Helper()
	a := &app{getenv: func(string) string { return "" }, stderr: io.Discard, flags: map[string]string{"data": t.TempDir(), "public-url": "https://gatehouse.test", "webhook-loopback": "yes"}}
	cfg, err := a.load()
	if err != nil {
		t.Fatal(err)
	}
	before, err := a.open(t.Context(), cfg, slog.New(slog.DiscardHandler)) // for a root key that can be retired
	if err == nil {
		err = before.store.Close()
	}
	if err == nil {
		_, err = addRootKey(cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	n, err := a.open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	public, private := httptest.NewServer(n.public), httptest.NewServer(n.operator)
	t.Cleanup(func() {
		public.Close()
		private.Close()
		if err := n.store.Close(); err != nil {
			t.Error(err)
		}
	})
	committed := readFile(t, committedDocument)
	x := &exercise{
		t: t, n: n, operator: client.New(private.URL, "", nil), servers: map[bool]string{false: public.URL, true: private.URL},
		documented: newDocumentedAnswers(t, closed(t, committed)), seen: map[string]map[int]bool{}, ids: map[string]string{}, headers: map[string]string{}, sessions: map[string]string{}, spent: map[string]bool{}, hasPassword: map[string]bool{},
		requests: newRequests(t, committed, rand.New(rand.NewPCG(*openapiSeed, 0))),
	}
	x.setUp()
	x.requests.add("organization", x.acme.ID, x.acme.BunShipID, "1")
	return x
}

// setUp makes the first organization, by an answer that is checked as well.
func (x *exercise) setUp() {
	x.t.Helper()
	code, err := x.n.authority.SetupCode(x.t.Context())
	if err != nil {
		x.t.Fatal(err)
	}
	op := x.requests.operations[slices.IndexFunc(x.requests.operations, func(op *described) bool { return op.id == "setUp" })]
	x.check(-1, generated{op: op, method: op.method, path: op.path, as: "nobody", header: http.Header{"Content-Type": {op.media}},
		body: `{"code":"` + code.Reveal() + `","organization":"Acme","name":"Ada","email":"ada@acme.test","password":"correct horse battery"}`})
	x.must("GET", "/v1/organizations/1", nil, &x.acme)
}

// closed is a document whose types have no members beside those that it names.
// The committed one leaves answers open, so that members can be added.
func closed(t *testing.T, document []byte) []byte {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	for _, schema := range object(object(d["components"])["schemas"]) {
		object(schema)["additionalProperties"] = false
	}
	out, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (x *exercise) must(method, path string, in, out any) {
	x.t.Helper()
	if err := x.operator.Call(x.t.Context(), method, path, in, out); err != nil {
		x.t.Fatalf("%s %s: %v", method, path, err)
	}
}

// repair mends what the requests broke, and gives the callers new secrets.
func (x *exercise) repair() {
	x.t.Helper()
	x.broken = false
	base := "/v1/organizations/" + x.acme.ID
	x.must("POST", base+"/resume", nil, nil)
	for _, name := range []string{"owner", "admin", "member", "guest", "new"} {
		x.member(name)
	}
	x.signIn("admin")
	x.signIn("new")
	x.invite("new")
	for i := range x.projects {
		x.project(i)
	}
	x.webhook()
	x.testRuns()
	x.virtualUser()
	x.trust()
	x.provider()
	x.requests.callers = []requester{{name: "nobody"}, {name: "operator"}, {name: "operator"}, {name: "operator"}, {"someone", "Bearer gate_0000000000000000000000000000000000000000"},
		{"wrong", "Digest x"}, {"stranger", "Basic eDp5"}}
	for _, in := range x.credentials() {
		x.issue(in)
	}
	for _, name := range slices.Sorted(maps.Keys(x.headers)) {
		x.requests.callers = append(x.requests.callers, requester{name, x.headers[name]})
	}
}

// may calls as the operator, and reports whether it worked.
func (x *exercise) may(method, path string, in, out any) bool {
	return x.operator.Call(x.t.Context(), method, path, in, out) == nil
}

// member makes a user a member with the role that they are called by.
func (x *exercise) member(name string) {
	x.t.Helper()
	members, email, role := "/v1/organizations/"+x.acme.ID+"/members", name+"@acme.test", name
	if name == "new" {
		role = "member"
	}
	if !x.may("POST", "/v1/users/"+email+"/reactivate", nil, nil) { // is a new user then
		x.hasPassword[name] = false
	}
	if !x.may("PUT", members+"/"+email, api.SetRole{Role: role}, nil) {
		x.must("POST", members, api.CreateUser{Email: email, Name: name, Role: role}, nil)
	}
}

// invite makes a member one no more, and invites them.
func (x *exercise) invite(name string) {
	x.t.Helper()
	base, email := "/v1/organizations/"+x.acme.ID, name+"@acme.test"
	var made api.IssuedInvitation
	x.must("DELETE", base+"/members/"+email, nil, nil)
	x.must("POST", base+"/invitations", api.Invite{Email: email, Role: "member"}, &made)
	x.requests.pool["code"], x.requests.pool["invitation"] = []any{made.Code}, []any{made.ID}
}

// project brings a project back, or makes another in its place.
func (x *exercise) project(i int) {
	x.t.Helper()
	projects, p := "/v1/organizations/"+x.acme.ID+"/projects", &x.projects[i]
	if p.ID == "" || !x.may("POST", projects+"/"+p.ID+"/restore", nil, nil) {
		x.must("POST", projects, api.CreateProject{Name: "Alpha"}, p)
	}
	x.must("PUT", projects+"/"+p.ID+"/members/guest@acme.test", api.SetRole{Role: "guest"}, nil)
	x.requests.pool["project"] = append(x.requests.pool["project"][:2*i], p.ID, p.TestKaseID)
}

// webhook leaves one webhook, which nothing answers, with one delivery.
func (x *exercise) webhook() {
	x.t.Helper()
	hooks := "/v1/organizations/" + x.acme.ID + "/webhooks"
	var list api.List[api.Webhook]
	x.must("GET", hooks, nil, &list)
	for _, hook := range list.Items {
		x.must("DELETE", hooks+"/"+hook.ID, nil, nil)
	}
	var made api.IssuedWebhook
	var told api.WebhookDelivery
	x.must("POST", hooks, api.CreateWebhook{URL: "http://127.0.0.1:1/"}, &made)
	x.must("POST", hooks+"/"+made.ID+"/test", nil, &told)
	x.requests.pool["webhook"], x.requests.pool["delivery"] = []any{made.ID}, []any{told.ID}
}

// trust leaves one trust rule in the first project.
func (x *exercise) trust() {
	x.t.Helper()
	rules := "/v1/organizations/" + x.acme.ID + "/projects/" + x.projects[0].ID + "/trust-rules"
	var list api.List[api.TrustRule]
	x.must("GET", rules, nil, &list)
	for _, rule := range list.Items {
		x.must("DELETE", rules+"/"+rule.ID, nil, nil)
	}
	var made api.TrustRule
	x.must("POST", rules, api.CreateTrustRule{Name: "CI", Provider: "github", RepositoryID: "123", Scopes: []string{"results:write"}}, &made)
	x.requests.pool["rule"] = []any{made.ID}
}

// provider leaves a provider by which a member has signed in.
func (x *exercise) provider() {
	x.t.Helper()
	base := "/v1/organizations/" + x.acme.ID
	var member api.User
	x.must("PUT", base+"/sign-in-provider", api.SetSignInProvider{Issuer: "https://login.acme.test", ClientID: "x", ClientSecret: "x", Domains: []string{"acme.test"}, Role: "member", Active: true}, nil)
	x.must("GET", base+"/members/member@acme.test", nil, &member)
	link := &store.ProviderLink{User: uuid.MustParse(member.ID), Issuer: "https://login.acme.test", Subject: "sub-1", LinkedAt: time.Now(), UsedAt: time.Now()}
	if err := x.n.store.Quietly(x.t.Context(), func(tx *store.Tx) error { return tx.KnowByProvider(x.t.Context(), uuid.MustParse(x.acme.ID), link) }); err != nil {
		x.t.Fatal(err)
	}
}

// testRuns leaves a run in each project, with one batch of two, and a file.
func (x *exercise) testRuns() {
	x.t.Helper()
	x.runs++
	pool := x.requests.pool
	pool["run"], pool["file"], pool["test"], pool["upload"] = nil, nil, nil, []any{"a", "a", "other"}
	for _, p := range x.projects {
		runs := x.operator.Runs(x.acme.ID, p.ID)
		run, err := runs.Start(x.t.Context(), api.StartRun{Key: fmt.Sprint("run ", x.runs)})
		if err != nil {
			x.t.Fatal(err)
		}
		_, err = runs.Declare(x.t.Context(), run.ID, "a", api.DeclareUpload{Digest: strings.Repeat("0f", 32), Batches: 2})
		if err == nil {
			_, err = runs.Store(x.t.Context(), run.ID, "a", 1, api.ResultBatch{Results: []api.Result{{Name: "pays", Status: "passed"}}})
		}
		if err != nil {
			x.t.Fatal(err)
		}
		files, err := runs.AddFile(x.t.Context(), run.ID, "a.txt", []byte("text"))
		if err != nil {
			x.t.Fatal(err)
		}
		for result, err := range runs.Results(x.t.Context(), run.ID, client.ResultFilter{}) {
			if err != nil {
				x.t.Fatal(err)
			}
			pool["test"] = append(pool["test"], result.Test)
		}
		pool["run"], pool["file"] = append(pool["run"], run.ID, run.Number), append(pool["file"], files.Items[0].Number)
	}
}

// virtualUser has a token of the first project vouch for somebody.
func (x *exercise) virtualUser() {
	x.t.Helper()
	var token api.IssuedCredential
	x.must("POST", "/v1/credentials", api.CreateCredential{Name: "game", Scheme: "betahub_project_token", Organization: x.acme.ID, Project: x.projects[0].ID,
		Scopes: []string{"can_create_bug_report"}}, &token)
	req, err := http.NewRequest("POST", x.servers[false]+"/projects/"+x.projects[0].BetaHubID+"/issues.json", strings.NewReader(`{"title":"It freezes"}`))
	if err != nil {
		x.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "FormUser "+token.Secret+",email:player@example.test")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		x.t.Fatal(err)
	}
	answer.Body.Close()
	var list api.List[api.VirtualUser]
	x.must("GET", "/v1/organizations/"+x.acme.ID+"/projects/"+x.projects[0].ID+"/virtual-users", nil, &list)
	if answer.StatusCode != http.StatusCreated || len(list.Items) == 0 {
		x.t.Fatalf("the report got %d, and there are %v", answer.StatusCode, list.Items)
	}
	x.requests.pool["virtual"] = []any{list.Items[0].ID}
	x.spend(token.Secret)
}

// spend has a secret pay for something that can be settled.
func (x *exercise) spend(secret string) {
	x.t.Helper()
	coins, cost := int64(1_000_000_000), int64(5)
	x.must("PUT", "/v1/organizations/"+x.acme.ID+"/budgets/"+x.acme.ID, api.SetBudget{Coins: &coins}, nil)
	var d api.Decision
	x.must("POST", "/v1/verify", api.Verify{Credential: &secret, Cost: &cost, Address: "127.0.0.1"}, &d)
	if d.Spend == nil {
		x.t.Fatalf("nothing was paid: %+v", d)
	}
	x.requests.pool["budget"] = []any{x.acme.ID, x.projects[0].ID, x.projects[0].ID}
	x.requests.pool["spend"] = []any{d.Spend.ID}
}

// credentials are what the callers have.
func (x *exercise) credentials() []api.CreateCredential {
	var all []string
	for _, s := range x.n.authority.Schemes().ByName("gatehouse_key").Scopes.Names() {
		all = append(all, string(s))
	}
	list := []api.CreateCredential{
		{Name: "key", Scheme: "gatehouse_key", Scopes: all},
		{Name: "narrow", Scheme: "gatehouse_key", Scopes: []string{"projects:read"}},
		{Name: "far", Scheme: "gatehouse_key", Scopes: all, AllowedAddresses: []string{"203.0.113.1"}},
		{Name: "few", Scheme: "gatehouse_key", Scopes: all, RateLimit: 1},
		{Name: "owner", Scheme: "testkase_pat", User: "owner@acme.test", ExpiresIn: "90d"},
		{Name: "guest", Scheme: "testkase_pat", User: "guest@acme.test", ExpiresIn: "90d"},
		{Name: "project", Scheme: "onetest_key", Project: x.projects[0].ID},
		{Name: "client", Scheme: "betatesting_client"},
	}
	for i := range list {
		list[i].Organization = x.acme.ID
	}
	return append(list, api.CreateCredential{Name: "wide", Scheme: "gatehouse_key", Scopes: all})
}

// issue gives a caller a new credential, unless the one before works.
func (x *exercise) issue(in api.CreateCredential) {
	x.t.Helper()
	var made api.IssuedCredential
	if before := x.ids[in.Name]; before != "" {
		x.must("GET", "/v1/credentials/"+before, nil, &made.Credential)
		if made.State == "active" && !x.spent[in.Name] {
			return
		}
		x.must("POST", "/v1/credentials/"+before+"/revoke", nil, nil)
	}
	x.must("POST", "/v1/credentials", in, &made)
	x.ids[in.Name], x.headers[in.Name], x.spent[in.Name] = made.ID, "Bearer "+made.Secret, false
	x.requests.add("id", made.ID)
	x.requests.add("credential", made.Secret)
	if made.ClientID != "" {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth(made.ClientID, made.Secret)
		x.headers[in.Name] = r.Header.Get("Authorization")
		x.requests.add("client", made.ID)
		x.requests.pool["client_id"], x.requests.pool["client_secret"] = []any{made.ClientID}, []any{made.Secret}
	}
}

// signIn makes a session of a user, unless the one before works.
func (x *exercise) signIn(name string) {
	x.t.Helper()
	const password = "correct horse battery"
	caller, ctx := "session of "+name, x.t.Context()
	if text, ok := strings.CutPrefix(x.headers[caller], "Bearer "); ok && client.New(x.servers[false], text, nil).Call(ctx, "GET", "/v1/self", nil, nil) == nil {
		return
	}
	if !x.hasPassword[name] {
		var code api.PasswordCode
		x.must("POST", "/v1/users/"+name+"@acme.test/password-code", nil, &code)
		if err := x.n.authority.ResetPassword(ctx, code.Code, password, authority.Origin{}); err != nil {
			x.t.Fatal(err)
		}
		x.hasPassword[name] = true
	}
	s, err := x.n.authority.SignIn(ctx, authority.SignInRequest{Email: name + "@acme.test", Password: password})
	if err != nil {
		x.t.Fatal(err)
	}
	x.headers[caller] = "Bearer " + s.Access.Token.Reveal()
	x.sessions[name] = s.Session.ID.String()
	x.requests.pool["session"] = []any{x.sessions["admin"], x.sessions["new"]}
}

// try makes a request of an operation.
func (x *exercise) try(n int, op *described) {
	x.t.Helper()
	if x.broken {
		x.repair()
	}
	x.check(n, x.requests.of(op))
}

// check makes one request and holds the answer against the document.
func (x *exercise) check(n int, g generated) {
	x.t.Helper()
	r, err := http.NewRequest(g.method, x.servers[g.as == "operator"]+g.path, strings.NewReader(g.body))
	if err != nil {
		x.t.Fatalf("%d: %+v: %v", n, g, err)
	}
	r.Header = g.header
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		x.t.Fatalf("%d: %+v: %v", n, g, err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	answer.Body.Close()
	what := func() string {
		return fmt.Sprintf("request %d of -openapi.seed=%d: ", n, *openapiSeed) + g.method + " " + g.path + " as " + g.as + " with " + cut(g.body) + ": got " + answer.Status + " " + cut(string(body))
	}
	if answer.StatusCode >= 500 || answer.StatusCode/100 == 3 {
		x.t.Errorf("%s", what())
	}
	if g.wrong != "" && answer.StatusCode < 300 {
		x.t.Errorf("%s is let through: %s", g.wrong, what())
	}
	if g.otherMethod {
		if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") == "" {
			x.t.Errorf("%s, Allow %q", what(), answer.Header.Get("Allow"))
		}
		return
	}
	if x.seen[g.op.id] == nil {
		x.seen[g.op.id] = map[int]bool{}
	}
	x.seen[g.op.id][answer.StatusCode] = true
	for part := range parts(answer, body) {
		if err := x.documented.check(g.op, answer, part); err != nil {
			x.t.Errorf("%s\nis not as documented: %v", what(), err)
		}
	}
	if answer.StatusCode < 300 {
		x.requests.learn(g.op, body)
		x.spent[g.as] = x.spent[g.as] || strings.HasSuffix(g.op.id, "Self") && g.method == "POST"
		x.broken = x.broken || slices.Contains(breaking, g.op.id)
	}
}

// parts are what the schema of an answer describes: all of it, or each line of
// JSON lines.
func parts(answer *http.Response, body []byte) iter.Seq[[]byte] {
	if answer.Header.Get("Content-Type") == "application/jsonl" {
		return bytes.Lines(body)
	}
	return slices.Values([][]byte{body})
}

// breaking are the operations that take from a caller what it calls with, or
// from others what they need to succeed.
var breaking = []string{"suspendOrganization", "revokeSelf", "rotateSelf", "removeMember", "setRole", "archiveProject", "deleteProject", "acceptInvitation",
	"withdrawInvitation", "deleteWebhook", "deactivateUser", "deleteUser", "resetTwoFactor", "endSessions", "endSession"}

func cut(text string) string {
	if len(text) > 300 {
		return text[:300] + "…"
	}
	return text
}
