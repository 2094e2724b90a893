package main

import (
	"bytes"
	"context"
	crypto "crypto/rand"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

var poisonAll = flag.Bool("poison.all", false, "give every column every value, not one by chance, and start a server beside each, not beside one of each table")

// poisonTables are all that a server reads.
var poisonTables = append(slices.Clone(storetest.Tables), "webhooks", "webhook_deliveries")

// poisonValues are values that a column mustn't have: on both databases, and
// those that only SQLite stores in columns of any type.
func poisonValues(sqlite bool, kind string) []string {
	values := []string{`NULL`}
	if kind := strings.ToLower(kind); sqlite || strings.Contains(kind, "text") || strings.Contains(kind, "char") {
		values = append(values, `''`, `'nobody'`, `'{'`, `'`+strings.Repeat("x", 1<<20)+`'`)
	} else if strings.Contains(kind, "int") {
		values = append(values, `-1`, `32767`)
	} else if kind == "bytea" {
		values = append(values, `'\xff'`)
	}
	if sqlite {
		values = append(values, `x'ff00fe'`, `CAST(x'fffe' AS TEXT)`, `-1`, `1.5`, `9223372036854775807`)
	}
	return values
}

// poisoned is a server with two organizations: rows that the demo's has are
// damaged, and nothing of the other one may suffer.
type poisoned struct {
	*testing.T
	app  *app
	at   store.Config
	node *node
	log  *bytes.Buffer
	// lists of the demo's organization, with who asks for them
	lists [][2]string
	well  struct {
		id, key, pat string
		answers      map[string]string
	}
}

// D-17: whatever any row of any table says, the server starts, nothing panics,
// and to the other organization all is as it was: its credentials, its lists.
func TestD17_EveryColumnOfEveryTable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, at store.Config) {
		t.Parallel()
		p := newPoisoned(t, at)
		p.fill()
		p.close()
		for _, table := range poisonTables {
			p.poison(table)
		}
	})
}

func newPoisoned(t *testing.T, at store.Config) *poisoned {
	t.Helper()
	p := &poisoned{T: t, at: at, log: &bytes.Buffer{}}
	data := t.TempDir()
	root, err := seal.Generate(crypto.Reader)
	p.must(err)
	p.at.Directory = data
	p.app = &app{getenv: func(string) string { return "" }, stderr: p.log, stdout: p.log, json: true, flags: map[string]string{
		"data": data, "root-key": root.Text(), "database-url": at.DatabaseURL, "smtp-url": "smtp://127.0.0.1:1", "mail-from": "gatehouse@acme.test",
		"password-reset-url": "https://acme.test/reset", "webhook-loopback": "yes",
	}}
	return p
}

// open starts a server on the database, but for what runs beside it.
func (p *poisoned) open(at store.Config) error {
	p.Helper()
	p.app.flags["database-url"], p.app.flags["data"] = at.DatabaseURL, at.Directory
	cfg, err := p.app.load()
	p.must(err)
	n, err := p.app.open(p.Context(), cfg, slog.New(slog.NewTextHandler(p.log, nil)))
	for tries := 0; err != nil && strings.Contains(err.Error(), "in use by another process") && tries < 100; tries++ {
		time.Sleep(10 * time.Millisecond) // a program that another test starts has the lock until it runs
		n, err = p.app.open(p.Context(), cfg, slog.New(slog.NewTextHandler(p.log, nil)))
	}
	if err == nil {
		p.node = n
	}
	return err
}

func (p *poisoned) close() {
	p.Helper()
	p.must(p.node.store.Close())
}

func (p *poisoned) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// asked is a call with a value of Authorization, or as the operator.
type asked struct{ method, path, as, body string }

func (p *poisoned) call(c asked) (int, string) {
	p.Helper()
	r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", crypto.Text())
	if c.body != "" && c.body[0] != '{' {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	handler := p.node.operator
	if c.as != "" {
		r.Header.Set("Authorization", c.as)
		handler = p.node.public
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// made is a call that must be let in.
func (p *poisoned) made(c asked, out any) {
	p.Helper()
	status, text := p.call(c)
	if status >= 300 {
		p.Fatalf("%s %s: got %d %s", c.method, c.path, status, text)
	}
	if out != nil {
		p.must(json.Unmarshal([]byte(text), out))
	}
}

// fill gives every table a row of the demo's organization, and makes the other
// organization.
func (p *poisoned) fill() {
	p.Helper()
	p.must(p.open(p.at))
	_, err := p.node.authority.SetupCode(p.Context())
	p.must(err)
	p.made(asked{"POST", "/v1/console-codes", "", ""}, nil)
	s := sampler{ctx: p.Context(), c: client.New("http://gatehouse", "", inProcess{p.node.operator})}
	demo := s.make("http://gatehouse.test")
	s.c = client.New("http://gatehouse", s.made[0].Secret, inProcess{p.node.public})
	s.makeCampaign()
	s.makeTestCases(client.New("http://gatehouse", fmt.Sprint(demo.Credentials["testkase_pat"]), inProcess{p.node.public}))
	p.must(s.err)
	p.fillPeople(demo)
	p.fillWork(demo)
	p.fillWell()
	ctx, stop := context.WithCancel(p.Context())
	stop()
	p.must(p.node.authority.Run(ctx)) // which stores what was used
}

func (p *poisoned) fillPeople(demo *sample) {
	p.Helper()
	ctx, base, admin := p.Context(), "/v1/organizations/"+demo.Organization.ID, demo.Users[1]
	in := authority.SignInRequest{Email: admin.Email, Password: admin.Password}
	session, err := p.node.authority.SignIn(ctx, in)
	p.must(err)
	bearer := "Bearer " + session.Access.Token.Reveal()
	var setup struct{ Secret string }
	p.made(asked{"POST", "/api/v1/auth/two-factor/setup", bearer, `{"password":"` + admin.Password + `"}`}, &setup)
	totpCode, err := totp.GenerateCode(setup.Secret, time.Now())
	p.must(err)
	p.made(asked{"POST", "/api/v1/auth/two-factor/verify", bearer, `{"code":"` + totpCode + `"}`}, nil)
	in.Password = "wrong"
	if _, err := p.node.authority.SignIn(ctx, in); err == nil {
		p.Fatal("a wrong password signs in")
	}
	p.must(p.node.authority.ForgotPassword(ctx, demo.Users[2].Email, authority.Origin{}))
	p.made(asked{"POST", base + "/invitations", "", `{"email":"new@demo.test","role":"member"}`}, nil)
	p.made(asked{"PUT", base + "/policy", "", `{"suspend_unused_after":"90d"}`}, nil)
	p.made(asked{"POST", base + "/webhooks", "", `{"url":"http://127.0.0.1:1/"}`}, nil)
	var token struct {
		Text string `json:"access_token"`
	}
	c := demo.Credentials["betatesting_client"].(sampleClient)
	r, _ := http.NewRequest("POST", "/", nil)
	r.SetBasicAuth(c.ID, c.Secret)
	basic := r.Header.Get("Authorization")
	p.made(asked{"POST", "/oauth2/token", basic, "grant_type=client_credentials"}, &token)
	p.made(asked{"POST", "/v1/revoke", "", `{"credential":"` + token.Text + `"}`}, nil)
	p.made(asked{"PUT", base + "/limits", "", `{"requests":100000,"window":"1s","address_requests":100000}`}, nil)
	p.made(asked{"POST", base + "/projects/PRJ-1/trust-rules", "", `{"name":"CI","provider":"github","repository_id":"123","branch":"main","scopes":["results:write"]}`}, nil)
	p.made(asked{"PUT", base + "/sign-in-provider", "", `{"issuer":"https://login.demo.test","client_id":"x","client_secret":"x","domains":["demo.test"],"role":"member","active":true}`}, nil)
	operator := credential.Operator()
	member, err := p.node.authority.Member(ctx, &operator, uuid.MustParse(demo.Organization.ID), authority.UserRef{Email: admin.Email})
	p.must(err)
	p.must(p.node.store.Quietly(ctx, func(tx *store.Tx) error {
		return tx.KnowByProvider(ctx, uuid.MustParse(demo.Organization.ID), &store.ProviderLink{User: member.ID, Issuer: "https://login.demo.test", Subject: "sub-1", LinkedAt: time.Now(), UsedAt: time.Now()})
	}))
	p.made(asked{"PUT", base + "/projects/PRJ-1/limits", "", `{"requests":100000,"window":"1s"}`}, nil)
	p.must(p.node.authority.AskByDevice(ctx, authority.DeviceAsk{ID: "0123456789abcdef", Kind: "game", Name: "Space Game"}))
	p.must(p.node.store.SeeNode(ctx, uuid.New(), time.Now(), time.Now()))
}

func (p *poisoned) fillWork(demo *sample) {
	p.Helper()
	project := demo.Projects[0]
	issues := "/projects/" + project.BetaHubID + "/issues"
	reporter := fmt.Sprintf("FormUser %v,email:player@example.test", demo.Credentials["betahub_project_token"])
	p.made(asked{"POST", issues + ".json", reporter, `{"title":"It freezes"}`}, nil)
	p.made(asked{"POST", issues + "/1/comments.json", fmt.Sprintf("Bearer %v", demo.Credentials["betahub_pat"]), `{"body":"Here too"}`}, nil)
	pat := fmt.Sprintf("Bearer %v", demo.Credentials["testkase_pat"])
	hub := fmt.Sprintf("Bearer %v", demo.Credentials["betahub_pat"])
	beta := fmt.Sprintf("Bearer %v", demo.Credentials["betatesting_static"])
	organization := "/v1/organizations/" + demo.Organization.ID
	cases := "projectId=" + project.TestKaseID
	p.made(asked{"PUT", "/api/v1/test-cases/TC-1?" + cases, pat, `{"automationRefs":["login_test.go:TestOpens"]}`}, nil)
	p.made(asked{"POST", "/api/external/v2/tests/1/issues", beta, `{"title":"It freezes","description":"Always"}`}, nil)
	one := fmt.Sprintf("Bearer %v", demo.Credentials["onetest_key"])
	p.made(asked{"POST", "/api/membership/api/v1/products/" + project.OneTestID + "/environments", one, `{"name":"Staging","type":"staging"}`}, nil)
	p.made(asked{"POST", "/api/membership/api/v1/products/" + project.OneTestID + "/builds", one, `{"version":"1.0"}`}, nil)
	p.fillLaunch(project.OneTestID, one)
	hubs := "/projects/" + project.BetaHubID
	p.made(asked{"POST", hubs + "/issue_tags.json", hub, `{"name":"Crash"}`}, nil)
	p.made(asked{"PATCH", issues + "/1.json", hub, `{"tag_ids":[1]}`}, nil)
	p.made(asked{"POST", hubs + "/custom_fields.json", hub, `{"ident":"level","field_type":"number"}`}, nil)
	p.made(asked{"POST", issues + ".json", reporter, "issue[title]=It+freezes&issue[tag_ids]=1&draft=true"}, nil)
	p.made(asked{"POST", issues + "/1/log_files.json", hub, "log_file[contents]=It+froze"}, nil)
	runs := organization + "/projects/" + project.TestKaseID + "/runs"
	var begun api.Run
	p.made(asked{"POST", runs, pat, `{"key":"ci","name":"nightly","commit":"c0ffee","shards":1}`}, &begun)
	begins := fmt.Sprint(runs, "/", begun.Number)
	p.made(asked{"PUT", begins + "/uploads/u", pat, `{"digest":"` + strings.Repeat("ab", 32) + `","batches":2}`}, nil)
	p.made(asked{"PUT", begins + "/uploads/u/batches/1", pat, `{"results":[{"name":"closes","status":"failed","duration_ms":1,"properties":[{"name":"a","value":"b"}]}]}`}, nil)
	p.lists = [][2]string{{"/projects.json", hub}, {issues + ".json", hub}, {issues + "/search.json?query=it", hub}, {issues + "/1/comments.json", hub},
		{"/projects/" + project.BetaHubID + "/releases.json", hub}, {"/api/v1/test-cases?" + cases, pat}, {"/api/v1/test-cycles?" + cases, pat},
		{"/api/receiver/api/v1/" + project.OneTestID + "/launch", one},
		{"/api/external/v2/tests", beta}, {"/api/external/v2/tests/1/testers", beta},
		{organization + "/members", ""}, {organization + "/sign-in-provider/links", ""}, {organization + "/projects/PRJ-1/trust-rules", ""}, {organization + "/projects", ""}, {organization + "/webhooks", ""}, {organization + "/invitations", ""}, {"/v1/credentials?organization=" + demo.Organization.ID, ""},
		{"/v1/usage?organization=" + demo.Organization.ID, ""}, {"/v1/usage/export?organization=" + demo.Organization.ID, ""},
		{"/v1/usage/spends?organization=" + demo.Organization.ID, ""},
		{runs, pat}, {begins + "/results", pat}, {organization + "/projects/" + project.TestKaseID + "/tests", pat},
	}
	for _, c := range p.lists {
		if status, body := p.call(asked{"GET", c[0], c[1], ""}); status != http.StatusOK {
			p.Fatalf("GET %s: got %d %s", c[0], status, body)
		}
	}
	p.made(asked{"POST", "/api/v1/test-cycles/TCYCLE-1/results?projectId=" + project.TestKaseID, pat, `{"results":[{"name":"[00001] opens","status":"pass"},{"name":"closes","status":"fail"}]}`}, nil)
	db := storetest.Raw(p, p.at)
	storetest.Exec(p, db, `UPDATE budgets SET started_at = started_at - 700000000`) // so that a cycle is over
	p.must(db.Close())                                                              // or nobody copies it
	p.made(asked{"POST", "/api/membership/api/v1/products/" + project.OneTestID + "/builds", one, `{"version":"1.1"}`}, nil)
}

// fillLaunch has an agent report a launch.
func (p *poisoned) fillLaunch(product, as string) {
	p.Helper()
	var launch, item struct{ ID string }
	base := "/api/receiver/api/v2/" + product
	p.made(asked{"POST", base + "/launch", as, `{"name":"Nightly"}`}, &launch)
	p.made(asked{"POST", base + "/item", as, `{"name":"opens","type":"step","launchUuid":"` + launch.ID + `"}`}, &item)
	p.made(asked{"POST", base + "/log", as, `{"message":"hello","itemUuid":"` + item.ID + `"}`}, nil)
	p.made(asked{"PUT", base + "/item/" + item.ID, as, `{"status":"passed"}`}, nil)
	p.made(asked{"PUT", base + "/launch/" + launch.ID + "/finish", as, `{"endTime":1767323045000}`}, nil)
}

func (p *poisoned) fillWell() {
	p.Helper()
	var o api.Organization
	var project api.Project
	var key, pat api.IssuedCredential
	p.made(asked{"POST", "/v1/organizations", "", `{"name":"Well"}`}, &o)
	base := "/v1/organizations/" + o.ID
	p.made(asked{"POST", base + "/members", "", `{"email":"ada@well.test","name":"Ada","role":"owner"}`}, nil)
	p.made(asked{"POST", base + "/projects", "", `{"name":"Calm"}`}, &project)
	p.made(asked{"POST", "/v1/credentials", "", `{"scheme":"gatehouse_key","name":"checks","organization":"` + o.ID + `","scopes":["credentials:verify","credentials:read"]}`}, &key)
	p.made(asked{"POST", "/v1/credentials", "", `{"scheme":"betahub_pat","name":"mine","organization":"` + o.ID + `","user":"ada@well.test"}`}, &pat)
	p.well.id, p.well.key, p.well.pat = o.ID, "Bearer "+key.Secret, "Bearer "+pat.Secret
	p.made(asked{"POST", "/projects/" + project.BetaHubID + "/issues.json", p.well.pat, `{"title":"A calm one","description":"Nothing happens"}`}, nil)
	p.well.answers = map[string]string{}
	p.ask(func(what, answer string) { p.well.answers[what] = answer })
}

// ask calls all that the other organization is to see as before.
func (p *poisoned) ask(told func(what, answer string)) {
	p.Helper()
	for _, c := range []asked{
		{"POST", "/v1/verify", p.well.key, `{"credential":"` + strings.TrimPrefix(p.well.pat, "Bearer ") + `"}`},
		{"GET", "/projects.json", p.well.pat, ""},
	} {
		status, body := p.call(c)
		told(c.method+" "+c.path, fmt.Sprint(status, " ", body))
	}
}

// poison damages each column of a table in turn, beside a running server and
// before one starts.
func (p *poisoned) poison(table string) {
	p.Helper()
	at := storetest.Copy(p, p.at)
	db := storetest.Raw(p, at)
	columns := p.columns(db, table)
	p.must(p.open(at))
	defer func() { _ = p.node.store.Close() }()
	storetest.Loosen(p, at, table)
	storetest.Exec(p, db, `CREATE TABLE sound AS SELECT * FROM `+table)
	if key := map[string]string{
		"credential_uses": "credential_id", "installation": "name", "requests": "credential_id, id",
		"usage_days": "organization_id, day, credential_id, project_id, resource, outcome",
		"budgets":    "id", "budget_totals": "budget_id, cycle, operation",
	}[table]; key != "" { // which a start needs
		storetest.Exec(p, db, `CREATE UNIQUE INDEX of_start ON `+table+` (`+key+`)`)
	}
	row := "ctid"
	if at.DatabaseURL == "" {
		row = "rowid"
	}
	order := row // in which the demo's rows are the first
	if slices.ContainsFunc(columns, func(c poisonColumn) bool { return c.name == "credential_id" }) {
		order = "credential_id"
	}
	start := rand.N(len(columns))
	for i, c := range columns {
		values := poisonValues(at.DatabaseURL == "", c.kind)
		if !*poisonAll {
			values = values[rand.N(len(values)):][:1]
		}
		for _, value := range values {
			what := fmt.Sprintf("%s.%s = %.40s", table, c.name, value)
			result, err := db.Exec(fmt.Sprintf(`UPDATE %[1]s SET %[2]s = %[3]s WHERE %[4]s = (SELECT %[4]s FROM %[1]s ORDER BY %[5]s LIMIT 1)`, table, c.name, value, row, order))
			if err != nil && len(value) > 1<<20 { // too long for the index that a start needs
				continue
			}
			p.must(err)
			if n, _ := result.RowsAffected(); n != 1 {
				p.Errorf("%s has no row", table)
				return
			}
			p.look(what, table)
			if *poisonAll || i == start {
				p.restart(at, what, table)
			}
			storetest.Exec(p, db, `DELETE FROM `+table, `INSERT INTO `+table+` SELECT * FROM sound`)
			if p.node == nil {
				p.must(p.open(at))
			}
		}
	}
}

// restart starts a server beside a damaged row. One that can't be sure of its
// root key doesn't start, and says so.
func (p *poisoned) restart(at store.Config, what, table string) {
	p.Helper()
	_ = p.node.store.Close() // which may find no room for uses in a loose table
	p.node = nil
	err := p.open(at)
	switch {
	case err == nil:
		p.look(what+" before a start", table)
	case table != "installation" || !strings.Contains(err.Error(), "root key"):
		p.Errorf("%s: it doesn't start: %v", what, err)
	}
}

// above are the lists that a table's rows stand above: they begin so. On some
// tables every caller stands.
var above = map[string]string{
	"organizations": "/", "users": "/", "members": "/", "projects": "/", "project_members": "/", "credentials": "/", "secrets": "/",
	"budgets": "/api/receiver/", "budget_cycles": "/api/receiver/", "budget_totals": "/api/receiver/", "spends": "/api/receiver/", // by which a key pays
	"releases": "/projects/pr-1/issues/1/", "campaigns": "/api/external/v2/tests/1/", "issues": "/projects/pr-1/issues/1/",
}

// look looks at what is left beside a damaged row: to the other organization
// all is as before, and where the damage is, the lists go on.
func (p *poisoned) look(what, table string) {
	p.Helper()
	p.log.Reset()
	p.ask(func(path, answer string) {
		if want := p.well.answers[path]; answer != want {
			p.Errorf("%s: %s: got %s, want %s", what, path, answer, want)
		}
	})
	for _, c := range p.lists {
		if status, body := p.call(asked{"GET", c[0], c[1], ""}); status >= 500 && (above[table] == "" || !strings.HasPrefix(c[0], above[table])) && (table != "test_runs" && table != "test_cycles" || !(strings.Contains(c[0], "/runs/") && strings.HasSuffix(c[0], "/results"))) {
			p.Errorf("%s: %s: got %d %s\n%s", what, c[0], status, body, p.log)
		}
	}
	if strings.Contains(p.log.String(), "panic") {
		p.Errorf("%s: %s", what, p.log)
	}
}

type poisonColumn struct{ name, kind string }

func (p *poisoned) columns(db *sql.DB, table string) (list []poisonColumn) {
	p.Helper()
	rows, err := db.Query(`SELECT * FROM ` + table + ` LIMIT 0`)
	p.must(err)
	defer rows.Close()
	types, err := rows.ColumnTypes()
	p.must(err)
	for _, c := range types {
		list = append(list, poisonColumn{c.Name(), c.DatabaseTypeName()})
	}
	return list
}
