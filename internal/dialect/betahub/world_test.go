package betahub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/betahub"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

var background = context.Background()

const good = "Correct-Horse-1"

// world is a server with BetaHub's routes. Acme has the projects Alpha, which
// a developer, a viewer and a project administrator were added to, and Hidden;
// Other has Far. Each user has a token; Alpha has one that may report.
type world struct {
	*authority.Authority
	store              *store.Store
	t                  testing.TB
	ahead              atomic.Int64
	url                string
	op                 *credential.Principal
	work               *workspace.Workspace
	org, other         *store.Organization
	alpha, hidden, far *store.Project
	users              map[string]*store.Member
	tokens             map[string]string
	reporter           string // the project token of Alpha
	files              string // the directory of what is uploaded
}

func (w *world) now() time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(w.ahead.Load()))
}

// each runs a test in a new world on every database.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		test(t, newWorld(t, cfg, betahub.ByRequest))
	})
}

func newWorld(t testing.TB, cfg store.Config, lists betahub.Lists) *world {
	t.Helper()
	operator := credential.Operator()
	w := &world{t: t, op: &operator, users: map[string]*store.Member{}, tokens: map[string]string{}}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.url = server.URL
	st := storetest.Open(t, cfg)
	w.store = st
	w.Authority = authority.New(authority.Config{PasswordMemory: 64, Store: st, Schemes: cfg.Schemes, Now: w.now, Issuer: server.URL})
	w.files = t.TempDir()
	files := artifact.New(artifact.Config{Directory: w.files, Most: 1 << 20, Spare: 1})
	w.work = workspace.New(workspace.Config{Store: st, PerDay: 8, Files: files, Now: w.now})
	surfaces := betahub.Surfaces(betahub.Config{Authority: w.Authority, Workspace: w.work, Lists: lists})
	handler = edge.New(edge.Config{
		Authority: w.Authority, Surfaces: surfaces,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Logger:         slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	var err error
	w.org, err = w.CreateOrganization(background, w.op, authority.NameRequest{Name: "Acme"})
	w.ok(err)
	w.other, err = w.CreateOrganization(background, w.op, authority.NameRequest{Name: "Other"})
	w.ok(err)
	w.alpha, w.hidden, w.far = w.project(w.org, "Alpha"), w.project(w.org, "Hidden"), w.project(w.other, "Far")
	for name, role := range map[string]credential.Role{
		"owner": credential.Owner, "admin": credential.Admin, "lead": credential.Member, "dev": credential.Member, "viewer": credential.Guest, "outsider": credential.Member,
	} {
		w.users[name], err = w.CreateUser(background, w.op, w.org.ID, authority.UserRequest{Email: name + "@acme.test", Name: "The " + name, Role: role, Password: good})
		w.ok(err)
	}
	for name, role := range map[string]credential.ProjectRole{"lead": credential.ProjectAdmin, "dev": credential.ProjectUser, "viewer": credential.ProjectGuest} {
		w.ok(w.SetProjectMember(background, w.op, w.alpha, authority.UserRef{Email: name + "@acme.test"}, role))
	}
	for name := range w.users {
		w.tokens[name], _ = w.pat(name, "Token of "+name)
	}
	w.reporter = w.issue(authority.IssueRequest{Scheme: "betahub_project_token", Name: "In-game", Project: &store.ProjectRef{ID: w.alpha.ID},
		Scopes: []credential.Scope{"can_create_bug_report", "can_create_feature_request", "can_create_support_ticket"}}).Secret.Reveal()
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

func (w *world) issue(r authority.IssueRequest) *authority.Issued {
	w.t.Helper()
	r.Organization = w.org.ID
	made, err := w.Issue(background, w.op, r)
	w.ok(err)
	return made
}

// pat makes a personal access token of a user.
func (w *world) pat(user, name string) (string, *authority.Issued) {
	w.t.Helper()
	made := w.issue(authority.IssueRequest{Scheme: "betahub_pat", Name: name, User: &authority.UserRef{Email: user + "@acme.test"}})
	return made.Secret.Reveal(), made
}

// answer is what came back.
type answer struct {
	t      testing.TB
	call   string
	status int
	body   string
	header http.Header
}

// call is a request to make: a user's name stands for their token.
type call struct {
	method, path, as, body string
	header                 []string // name and value by turns
}

// do makes a call. A body that begins with { is JSON, any other a form.
func (w *world) do(c call) answer {
	w.t.Helper()
	req, err := http.NewRequest(c.method, w.url+c.path, strings.NewReader(c.body))
	w.ok(err)
	switch {
	case strings.HasPrefix(c.body, "{"):
		req.Header.Set("Content-Type", "application/json")
	case c.body != "":
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
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

// sendWith posts a form in parts: names and values by turns. A name with a : has
// the name of a file behind it.
func (w *world) sendWith(as, path string, header, parts []string) answer {
	w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	w.ok(form.SetBoundary("a-boundary-that-stays"))
	for i := 0; i < len(parts); i += 2 {
		field, name, file := strings.Cut(parts[i], ":")
		part, err := form.CreateFormField(field)
		if file {
			part, err = form.CreateFormFile(field, name)
		}
		w.ok(err)
		_, err = io.WriteString(part, parts[i+1])
		w.ok(err)
	}
	w.ok(form.Close())
	return w.do(call{method: "POST", path: path, as: as, body: body.String(), header: append(header, "Content-Type", form.FormDataContentType())})
}

// send is sendWith without headers of its own.
func (w *world) send(as, path string, parts ...string) answer {
	w.t.Helper()
	return w.sendWith(as, path, nil, parts)
}

// sendOnce is send in Alpha with an Idempotency-Key.
func (w *world) sendOnce(as, path, key string, parts ...string) answer {
	w.t.Helper()
	return w.sendWith(as, w.in(path), []string{"Idempotency-Key", key}, parts)
}

func (w *world) patch(as, path, body string) answer {
	w.t.Helper()
	return w.do(call{method: "PATCH", path: path, as: as, body: body})
}

// in is a path below Alpha.
func (w *world) in(path string) string { return fmt.Sprintf("/projects/pr-%d%s", w.alpha.Number, path) }

// want fails unless the answer has a status; it returns the answer.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: got %d %s, want %d", a.call, a.status, a.body, status)
	}
	return a
}

// refused wants an error of the documented shape.
func (a answer) refused(status int, part string) {
	a.t.Helper()
	if text, ok := a.get("error").(string); a.status != status || !ok || !strings.Contains(text, part) || a.header.Get("Content-Type") != "application/json" {
		a.t.Errorf("%s: got %d %s, want %d and an error with %q", a.call, a.status, a.body, status, part)
	}
}

// get follows a path of names and places in the body, such as issues.0.id.
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

// column collects a member of every element of a list: of the body itself
// (""), or of a member of it.
func (a answer) column(list, member string) (out []any) {
	a.t.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.t.Fatalf("%s: %v: %s", a.call, err, a.body)
	}
	if list != "" {
		v = a.get(list)
	}
	items, ok := v.([]any)
	if !ok {
		a.t.Fatalf("%s: got %s, want a list", a.call, a.body)
	}
	for _, item := range items {
		out = append(out, item.(map[string]any)[member])
	}
	return out
}

// members wants a JSON object to have members.
func (a answer) members(names ...string) {
	a.t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(a.body), &object); err != nil {
		a.t.Fatalf("%s: %v: %s", a.call, err, a.body)
	}
	for _, name := range names {
		if _, ok := object[name]; !ok {
			a.t.Errorf("%s: no %s in %s", a.call, name, a.body)
		}
	}
}

func same(got []any, want ...any) bool {
	for i := range want {
		if n, ok := want[i].(int); ok {
			want[i] = float64(n)
		}
	}
	return slices.Equal(got, want)
}
