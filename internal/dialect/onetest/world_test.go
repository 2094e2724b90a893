package onetest_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/onetest"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

var background = context.Background()

const (
	good = "Correct-Horse-1"
	tm   = "/api/test-management/api/v1"
	mem  = "/api/membership/api/v1"
)

// world is a server with OneTest's routes. Acme has the products Space Game, to
// which people were added by their roles, and Hidden; Other has Far. The key is
// of Space Game; every person has signed in.
type world struct {
	*authority.Authority
	t                 testing.TB
	ahead             atomic.Int64
	work              *workspace.Workspace
	url               string
	op                *credential.Principal
	org               *store.Organization
	game, hidden, far *store.Project
	users             map[string]*store.Member
	tokens            map[string]string // by name; "key" is the key's
	key               *authority.Issued
	at                store.Config // of the database
}

func (w *world) now() time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(w.ahead.Load()))
}

// each runs a test in a new world on every database.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		test(t, newWorld(t, cfg))
	})
}

func newWorld(t testing.TB, cfg store.Config) *world {
	t.Helper()
	operator := credential.Operator()
	w := &world{t: t, at: cfg, op: &operator, users: map[string]*store.Member{}, tokens: map[string]string{}}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.url = server.URL
	st := storetest.Open(t, cfg)
	w.Authority = authority.New(authority.Config{PasswordMemory: 64, Store: st, Schemes: cfg.Schemes, Now: w.now, Issuer: server.URL})
	uploads := artifact.New(artifact.Config{Directory: t.TempDir(), Most: 1 << 20, Spare: 1})
	w.work = workspace.New(workspace.Config{Store: st, Files: uploads, Now: w.now})
	handler = edge.New(edge.Config{
		Authority: w.Authority, Surfaces: onetest.Surfaces(w.Authority, w.work),
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	var err error
	w.org, err = w.CreateOrganization(background, w.op, authority.NameRequest{Name: "Acme"})
	w.ok(err)
	other, err := w.CreateOrganization(background, w.op, authority.NameRequest{Name: "Other"})
	w.ok(err)
	w.game, w.hidden, w.far = w.project(w.org, "Space Game"), w.project(w.org, "Hidden"), w.project(other, "Far")
	for name, role := range map[string]credential.Role{
		"admin": credential.Admin, "lead": credential.Member, "tester": credential.Member, "viewer": credential.Guest, "outsider": credential.Member,
	} {
		email := name + "@acme.test"
		w.users[name], err = w.CreateUser(background, w.op, w.org.ID, authority.UserRequest{Email: email, Name: "The " + name, Role: role, Password: good})
		w.ok(err)
		in, err := w.SignIn(background, authority.SignInRequest{Email: email, Password: good})
		w.ok(err)
		w.tokens[name] = in.Access.Token.Reveal()
	}
	for name, role := range map[string]credential.ProjectRole{"lead": credential.ProjectAdmin, "tester": credential.ProjectUser, "viewer": credential.ProjectGuest} {
		w.ok(w.SetProjectMember(background, w.op, w.game, authority.UserRef{Email: name + "@acme.test"}, role))
	}
	w.key = w.issue()
	w.tokens["key"] = w.key.Secret.Reveal()
	return w
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) project(o *store.Organization, name string) *store.Project {
	w.t.Helper()
	p, err := w.CreateProject(background, w.op, o.ID, authority.NameRequest{Name: name})
	w.ok(err)
	return p
}

// issue makes a key of Space Game, with scopes or (none) all of them.
func (w *world) issue(scopes ...credential.Scope) *authority.Issued {
	w.t.Helper()
	made, err := w.Issue(background, w.op, authority.IssueRequest{Scheme: "onetest_key", Name: "CI Pipeline", Organization: w.org.ID,
		Project: &store.ProjectRef{ID: w.game.ID}, Scopes: scopes})
	w.ok(err)
	return made
}

// product is a path below Space Game in test management.
func (w *world) product(path string) string { return tm + "/products/" + w.game.ID.String() + path }

// call is a request to make: a name stands for its token.
type call struct {
	method, path, as, body string
	header                 []string // name and value by turns
}

// do makes a call. Its body is JSON.
func (w *world) do(c call) answer {
	w.t.Helper()
	req, err := http.NewRequest(c.method, w.url+c.path, strings.NewReader(c.body))
	w.ok(err)
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token := w.tokens[c.as]; token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	} else if c.as != "" {
		req.Header.Set("Authorization", c.as)
	}
	for i := 0; i < len(c.header); i += 2 {
		req.Header.Set(c.header[i], c.header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	w.ok(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	w.ok(err)
	return answer{w.t, c.method + " " + c.path, res.StatusCode, string(body), res.Header}
}

func (w *world) get(as, path string) answer {
	w.t.Helper()
	return w.do(call{method: "GET", path: path, as: as})
}

func (w *world) post(as, path, body string) answer {
	w.t.Helper()
	return w.do(call{method: "POST", path: path, as: as, body: body})
}

func (w *world) put(as, path, body string) answer {
	w.t.Helper()
	return w.do(call{method: "PUT", path: path, as: as, body: body})
}

// made makes something by the key, and returns its id.
func (w *world) made(path, body string) string {
	w.t.Helper()
	return w.post("key", path, body).want(201).text("id")
}

// answer is what came back.
type answer struct {
	t      testing.TB
	call   string
	status int
	body   string
	header http.Header
}

// want fails unless the answer has a status, and JSON in it; it returns the answer.
func (a answer) want(status int) answer {
	a.t.Helper()
	if media := a.header.Get("Content-Type"); a.status != status || a.status != 204 && media != "application/json" {
		a.t.Fatalf("%s: got %d %s %s, want %d", a.call, a.status, media, a.body, status)
	}
	return a
}

// refused wants an error with a text.
func (a answer) refused(status int, part string) answer {
	a.t.Helper()
	if text, ok := a.get("detail").(string); a.status != status || !ok || !strings.Contains(text, part) || a.header.Get("Content-Type") != "application/json" {
		a.t.Errorf("%s: got %d %s, want %d and a detail with %q", a.call, a.status, a.body, status, part)
	}
	return a
}

// faulty wants 422 about a place, such as body.priority, which may take some
// values or (none) isn't a choice.
func (a answer) faulty(place string, allowed ...string) {
	a.t.Helper()
	var body struct {
		Detail []struct {
			Loc  []any
			Msg  string
			Type string
			Ctx  struct{ Allowed []string }
		}
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status != 422 || len(body.Detail) != 1 {
		a.t.Errorf("%s: got %d %s, want 422 about %s", a.call, a.status, a.body, place)
		return
	}
	d := body.Detail[0]
	var at []string
	for _, part := range d.Loc {
		text, ok := part.(string)
		if n, isNumber := part.(float64); isNumber {
			text, ok = strconv.Itoa(int(n)), true
		}
		if !ok {
			a.t.Errorf("%s: %v in the place %v", a.call, part, d.Loc)
		}
		at = append(at, text)
	}
	kind := "value_error"
	if len(allowed) > 0 {
		kind = "enum"
	}
	if got := strings.Join(at, "."); got != place || d.Msg == "" || d.Type != kind || !slices.Equal(d.Ctx.Allowed, allowed) {
		a.t.Errorf("%s: got %s, want %s about %s, one of %v", a.call, a.body, kind, place, allowed)
	}
}

// get follows a path of names and places in the body, such as items.0.id.
func (a answer) get(path string) any {
	a.t.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.t.Fatalf("%s: %v: %s", a.call, err, a.body)
	}
	for part := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// text is a text at a path.
func (a answer) text(path string) string {
	a.t.Helper()
	text, ok := a.get(path).(string)
	if !ok {
		a.t.Fatalf("%s: %s is no text: %s", a.call, path, a.body)
	}
	return text
}

// has wants values at paths: path and value by turns.
func (a answer) has(pairs ...any) answer {
	a.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		path, want := pairs[i].(string), pairs[i+1]
		if n, ok := want.(int); ok {
			want = float64(n)
		}
		if got := a.get(path); got != want {
			a.t.Errorf("%s: %s is %v, want %v: %s", a.call, path, got, want, a.body)
		}
	}
	return a
}

// column is a member of each item of a list.
func (a answer) column(member string) string {
	a.t.Helper()
	var body struct{ Items []map[string]any }
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		a.t.Fatalf("%s: %v: %s", a.call, err, a.body)
	}
	var out []string
	for _, item := range body.Items {
		text, _ := item[member].(string)
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// members wants an object, or the one at a path of it, to have just these members.
func (a answer) members(path, names string) answer {
	a.t.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.t.Fatalf("%s: %v: %s", a.call, err, a.body)
	}
	if path != "" {
		v = a.get(path)
	}
	object, _ := v.(map[string]any)
	want := strings.Fields(names)
	for _, name := range want {
		if _, there := object[name]; !there {
			a.t.Errorf("%s: no %s in %v", a.call, name, object)
		}
	}
	if len(object) != len(want) {
		a.t.Errorf("%s: got %v, want the members %s", a.call, object, names)
	}
	return a
}

// master is the master cycle of Space Game.
func master(w *world) workspace.Numbered {
	return workspace.Numbered{Project: store.ProjectRef{ID: w.game.ID}, Number: 1}
}

// partOf asks for the results of a run.
func partOf(run string) workspace.RunPart {
	return workspace.RunPart{Run: uuid.MustParse(run), Limit: 100}
}
