package rest_test

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

const matrixHead = `# What every route answers to every caller (TestS1_Matrix; -update writes this file).
#
# none       no credential                     static     betatesting_static        client    betatesting_client secret
# betahub    betahub_pat of the admin          token      betahub_project_token     onetest   onetest_key of project Alpha
# live       bunship_live with "*"             test       bunship_test, read        key       gatehouse_key, every scope
# wide       gatehouse_key above organizations far        gatehouse_key of another organization, every scope
# owner … guest                                testkase_pat of a user with that role; lead is a member and admin of the project
# s-admin, s-guest, s-none                     access token of a session: of a user with that role, of one in no organization
# traded     an access token that the admin's session was traded for
# operator   the operator's socket
`

func TestS1_Matrix(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.signInAll(t)
	var out bytes.Buffer
	out.WriteString(matrixHead)
	out.WriteString("\n# 1. What a call does that its body and path allow, with the credential in the place where it belongs.\n\n")
	row(&out, "", w.columns())
	for _, r := range w.edge.Routes() {
		row(&out, nameOf(r)+"  ["+access(r)+"]", w.effects(t, r))
	}
	out.WriteString("\n# 2. Where a credential may stand: GET /v1/self.\n\n")
	row(&out, "", w.columns())
	accepted := map[string][]string{}
	for _, tr := range transports {
		accepted[tr.name] = w.presentations(t, "GET", shot{path: "/v1/self"}, tr.put)
		row(&out, tr.name, accepted[tr.name])
	}
	out.WriteString("\n# 3. Every route with a body that is refused only after the caller was let in (400), or that only reads.\n\n")
	row(&out, "", w.columns())
	for _, r := range w.edge.Routes() {
		without := w.presentations(t, r.Method, harmless(t, w, r), func(*http.Request, string) {})
		for _, tr := range transports {
			cells := w.presentations(t, r.Method, harmless(t, w, r), tr.put)
			row(&out, nameOf(r)+"  "+tr.name, cells)
			checkTransport(t, r, transported{tr.name, accepted[tr.name], cells, without})
		}
	}
	golden(t, "testdata/matrix.golden", out.Bytes())
	checkNoSecrets(t, w)
}

// transported is what one transport brought: at /v1/self, at a route, and what
// that route answers without any credential.
type transported struct {
	transport            string
	self, cells, without []string
}

// checkTransport holds that no route takes a credential from where another
// does not: what counts for /v1/self counts for all of them.
func checkTransport(t *testing.T, r edge.Route, by transported) {
	t.Helper()
	_, needed := r.Access.Permission()
	for i, got := range by.cells[:len(by.cells)-1] {
		want := "401"
		switch {
		case i == 0: // no credential
			want = by.without[i]
		case by.transport == "query":
			want = "400"
		case !needed:
			want = by.without[i]
		case by.self[i] == "200":
			if got == "401" {
				t.Errorf("%s by %s: got 401, and /v1/self lets it in", nameOf(r), by.transport)
			}
			continue
		}
		if got != want {
			t.Errorf("%s by %s, column %d: got %s, want %s", nameOf(r), by.transport, i, got, want)
		}
	}
}

// harmless is a call that changes nothing even where it is let in.
func harmless(t *testing.T, w *world, r edge.Route) shot {
	s := shot{path: strings.NewReplacer("{id}", w.records["key"].ID, "{organization}", w.acme.ID, "{project}", w.alpha.ID, "{user}", "extra@acme.test", "{invitation}", w.acme.ID, "{session}", nobody, "{webhook}", nobody, "{delivery}", nobody, "{virtual}", nobody, "{budget}", w.alpha.ID, "{spend}", nobody, "{rule}", nobody, "{run}", w.runID(t), "{upload}", "u", "{batch}", "1", "{file}", "1", "{test}", w.testID(t)).Replace(r.Pattern)}
	if strings.Contains(s.path, "{") {
		t.Fatalf("%s: say what stands for the wildcard", nameOf(r))
	}
	if r.Method != http.MethodGet {
		s.body = `{"no_such_member":1}`
	}
	return s
}

// presentations are the answers to every caller that puts its secret so.
func (w *world) presentations(t *testing.T, method string, s shot, put func(*http.Request, string)) []string {
	var cells []string
	for _, name := range w.columns() {
		if name == "operator" {
			cells = append(cells, strconv.Itoa(w.do(t, request{method: method, path: s.path, body: s.body, as: name}).status))
			continue
		}
		if name == "none" {
			cells = append(cells, strconv.Itoa(w.present(t, method, s, func(*http.Request, string) {}, "")))
			continue
		}
		cells = append(cells, strconv.Itoa(w.present(t, method, s, put, w.secrets[name])))
	}
	return cells
}

// effects are the answers of a route to every caller, with real effect.
func (w *world) effects(t *testing.T, r edge.Route) []string {
	var cells []string
	for _, name := range w.columns() {
		s := calls()[nameOf(r)](t, w)
		var status int
		switch name {
		case "none":
			status = w.present(t, r.Method, s, func(*http.Request, string) {}, "")
		case "operator":
			status = w.do(t, request{method: r.Method, path: s.path, body: s.body, as: name}).status
		default:
			status = w.present(t, r.Method, s, home(name), w.secrets[name])
		}
		if s.undo != nil {
			s.undo()
		}
		if strings.Contains(r.Pattern, "/self/") && name != "none" && name != "operator" {
			w.renew(t, name)
		}
		cells = append(cells, strconv.Itoa(status))
	}
	return cells
}

// signedIn are the callers that are no credential that was issued.
var signedIn = []string{"s-admin", "s-guest", "s-none", "traded"}

const sessionPassword = "correct horse battery"

// signInAll makes a session for each of them.
func (w *world) signInAll(t *testing.T) {
	t.Helper()
	for _, email := range []string{"admin@acme.test", "guest@acme.test"} {
		code, err := w.authority.PasswordCode(context.Background(), &operator, authority.UserRef{Email: email})
		if err == nil {
			err = w.authority.ResetPassword(context.Background(), code.Reveal(), sessionPassword, authority.Origin{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.authority.Register(context.Background(), authority.RegisterRequest{Email: "none@acme.test", Name: "None", Password: sessionPassword})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range signedIn {
		w.renew(t, name)
	}
}

var operator = credential.Operator()

// renew gives a caller a new secret; the one before works no longer.
func (w *world) renew(t *testing.T, name string) {
	t.Helper()
	if !slices.Contains(signedIn, name) {
		w.must(t, "POST", "/v1/credentials/"+w.records[name].ID+"/revoke", nil, nil)
		w.issue(t, name, w.issueAgain[name])
		return
	}
	email := strings.TrimPrefix(name, "s-") + "@acme.test"
	if name == "traded" {
		email = "admin@acme.test"
	}
	s, err := w.authority.SignIn(context.Background(), authority.SignInRequest{Email: email, Password: sessionPassword})
	if err != nil {
		t.Fatal(err)
	}
	access := s.Access
	if name == "traded" {
		if access, err = w.authority.Exchange(context.Background(), authority.ExchangeRequest{Subject: access.Token.Reveal()}); err != nil {
			t.Fatal(err)
		}
	}
	w.secrets[name] = access.Token.Reveal()
}

// checkNoSecrets holds that no log line has a secret.
func checkNoSecrets(t *testing.T, w *world) {
	t.Helper()
	logs := w.logs.String()
	for name, secret := range w.secrets {
		if strings.Contains(logs, secret) {
			t.Errorf("the log holds the secret of %s", name)
		}
	}
	if !strings.Contains(logs, `"msg":"request"`) {
		t.Error("there are no request lines in the log")
	}
}
