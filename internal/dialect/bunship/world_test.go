package bunship_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"database/sql"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/bunship"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

const (
	base = "/api/v1"
	day  = 24 * time.Hour
	// good is a password that nobody refuses.
	good = "Correct-Horse-1"
)

var background = context.Background()

// world is a server with BunShip's routes and a few more that need a
// permission each, and two organizations. Calls go through loopback HTTP.
type world struct {
	*authority.Authority
	t          testing.TB
	cfg        store.Config
	clock      *clock
	random     *random
	url        string
	op         *credential.Principal
	org, other *store.Organization
}

// clock stands still until it is moved.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// random remembers what was last read of it, by which a test knows the code
// in a letter.
type random struct {
	mu   sync.Mutex
	read [][]byte
}

func (r *random) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = rand.Read(p) // never fails
	r.read = append(r.read, bytes.Clone(p))
	return len(p), nil
}

// links are the codes of one-time links that may have been drawn, the latest first.
func (r *random) links() (codes []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	format := credential.Format{Prefix: "link-", Alphabet: credential.Base62, Length: 43}
	for _, read := range slices.Backward(r.read) {
		if code, err := format.Generate(bytes.NewReader(read)); err == nil {
			codes = append(codes, code.Reveal())
		}
	}
	return codes
}

// each runs a test in a new world on every database.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		test(t, newWorld(t, cfg, nil))
	})
}

// newWorld starts a server; change, if any, alters how it is set.
func newWorld(t testing.TB, cfg store.Config, change func(*authority.Config)) *world {
	t.Helper()
	w := &world{t: t, cfg: cfg, clock: &clock{}, random: &random{}}
	w.clock.ms.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli())
	operator := credential.Operator()
	w.op = &operator
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.url = server.URL
	config := authority.Config{PasswordMemory: 64, Store: storetest.Open(t, cfg), Schemes: cfg.Schemes, Now: w.clock.now, Issuer: server.URL, Rand: w.random}
	if change != nil {
		change(&config)
	}
	w.Authority = authority.New(config)
	handler = edge.New(edge.Config{
		Authority: w.Authority, Surfaces: append(bunship.Surfaces(w.Authority), probes(w.Authority)),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Logger:         slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	w.org, w.other = w.organization("Acme"), w.organization("Other")
	return w
}

// probes are routes that need one permission each: what BunShip's own routes
// don't tell of a scope. One makes a project, as a route of another surface does.
func probes(a *authority.Authority) *edge.Surface {
	s := &edge.Surface{Present: edge.FromHeaders, WriteError: func(rw http.ResponseWriter, f edge.Failure, _ string) {
		rw.WriteHeader(f.Status)
		_, _ = fmt.Fprintf(rw, `{"code":%q}`, f.Code)
	}}
	for _, p := range credential.Permissions() {
		s.Routes = append(s.Routes, edge.Get("/probe/"+strings.ReplaceAll(string(p), ":", "/"), edge.Needs(p),
			func(r *edge.Request, _ edge.None) (map[string]string, error) {
				return map[string]string{"organization": r.Principal.Organization.String(), "by": r.Principal.String()}, nil
			}))
	}
	s.Routes = append(s.Routes, edge.Post("/probe/projects", edge.Needs(credential.ProjectsWrite), 1<<10, func(r *edge.Request, in map[string]string) (map[string]string, error) {
		p, err := a.CreateProject(r.Context(), &r.Principal, r.Principal.Organization, authority.NameRequest{Name: in["name"]})
		if err != nil {
			return nil, err
		}
		return map[string]string{"id": p.ID.String()}, nil
	}))
	return s
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) organization(name string) *store.Organization {
	w.t.Helper()
	o, err := w.CreateOrganization(background, w.op, authority.NameRequest{Name: name})
	w.ok(err)
	return o
}

// Ids as BunShip writes them.
func orgID(o *store.Organization) string { return authority.PublicID("org", o.ID) }

// keysOf is where an organization's keys are.
func keysOf(o *store.Organization) string { return "/organizations/" + orgID(o) + "/api-keys" }

func membersOf(o *store.Organization) string { return "/organizations/" + orgID(o) + "/members" }

// person is somebody with an account, and the session that they began last.
type person struct {
	w               *world
	id              uuid.UUID
	email           string
	access, refresh string
}

// person makes a member of Acme, by whom nobody has signed in yet.
func (w *world) person(name string, role credential.Role) *person {
	w.t.Helper()
	return w.personOf(w.org, name, role)
}

func (w *world) personOf(o *store.Organization, name string, role credential.Role) *person {
	w.t.Helper()
	m, err := w.CreateUser(background, w.op, o.ID, authority.UserRequest{Email: name + "@acme.test", Name: "The " + name, Role: role, Password: good})
	w.ok(err)
	return &person{w: w, id: m.ID, email: m.Email}
}

// member is a person who has signed in.
func (w *world) member(name string, role credential.Role) *person {
	w.t.Helper()
	p := w.person(name, role)
	p.signIn()
	return p
}

func (p *person) ref() authority.UserRef { return authority.UserRef{ID: p.id} }

// credentials is the body of a login.
func (p *person) credentials(code string) map[string]any {
	body := map[string]any{"email": p.email, "password": good}
	if code != "" {
		body["twoFactorCode"] = code
	}
	return body
}

// login tries to sign in.
func (p *person) login(code string, change ...func(*http.Request)) answer {
	p.w.t.Helper()
	return p.w.do("POST", "/auth/login", p.credentials(code), change...)
}

// signIn begins a session, which nothing may refuse.
func (p *person) signIn(change ...func(*http.Request)) {
	p.w.t.Helper()
	p.take(p.login("", change...))
}

// take keeps the tokens of an answer.
func (p *person) take(a answer) {
	p.w.t.Helper()
	a.want(200)
	p.access, p.refresh = a.text("accessToken"), a.text("refreshToken")
}

// again is the same person in another session.
func (p *person) again(change ...func(*http.Request)) *person {
	p.w.t.Helper()
	other := *p
	other.signIn(change...)
	return &other
}

// do makes a call in the session.
func (p *person) do(method, path string, body any) answer {
	p.w.t.Helper()
	return p.w.do(method, path, body, bearer(p.access))
}

// renew trades the refresh token.
func (p *person) renew() answer {
	p.w.t.Helper()
	return p.w.do("POST", "/auth/refresh", map[string]any{"refreshToken": p.refresh})
}

// wantSession fails unless the session works, or doesn't.
func (p *person) wantSession(what string, alive bool) {
	p.w.t.Helper()
	want := 200
	if !alive {
		want = 401
	}
	if a := p.do("GET", "/users/me", nil); a.status != want {
		p.w.t.Errorf("%s: the session is answered %d %s, want %d", what, a.status, a.body, want)
	}
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func apiKey(key string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("X-API-Key", key) }
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// from makes a call one of another address.
func from(address string) func(*http.Request) { return header("X-Forwarded-For", address) }

// do makes a call; a body of string or []byte is sent as it is. Paths that
// don't begin with a slash twice are below /api/v1.
func (w *world) do(method, path string, body any, change ...func(*http.Request)) answer {
	w.t.Helper()
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		w.ok(err)
		content = bytes.NewReader(text)
	}
	target := w.url + base + path
	switch outside, found := strings.CutPrefix(path, "//"); {
	case strings.HasPrefix(path, "/probe/"):
		target = w.url + path
	case found:
		target = w.url + "/" + outside
	}
	r, err := http.NewRequest(method, target, content)
	w.ok(err)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	return w.send(r)
}

// send makes a request and checks what is true of every answer.
func (w *world) send(r *http.Request) answer {
	w.t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(r)
	w.ok(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.ok(err)
	a := answer{w: w, call: r.Method + " " + r.URL.Path, status: resp.StatusCode, header: resp.Header, body: string(text)}
	_ = json.Unmarshal(text, &a.value)
	if strings.HasPrefix(r.URL.Path, base) {
		a.check()
	}
	return a
}

// answer is what came back.
type answer struct {
	w      *world
	call   string
	status int
	header http.Header
	body   string
	value  any
}

// get finds a member by its path, such as data.0.id.
func (a answer) get(path string) any {
	value := a.value
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			at, err := strconv.Atoi(name)
			if err != nil || at >= len(v) {
				return nil
			}
			value = v[at]
		default:
			return nil
		}
	}
	return value
}

func (a answer) text(path string) string { s, _ := a.get(path).(string); return s }

func (a answer) list(path string) []any { l, _ := a.get(path).([]any); return l }

// want ends the test unless the answer has a status.
func (a answer) want(status int) {
	a.w.t.Helper()
	if a.status != status {
		a.w.t.Fatalf("%s: got %d %s, want %d", a.call, a.status, a.body, status)
	}
}

// errorCodes are the codes of BS-D2, and the other statuses that there are.
var errorCodes = map[int][]string{
	400: {"PARSE_ERROR", "VALIDATION_ERROR"}, 401: {"AUTHENTICATION_ERROR"}, 403: {"AUTHORIZATION_ERROR"}, 404: {"NOT_FOUND"},
	405: {"NOT_FOUND"}, 409: {"CONFLICT"}, 413: {"VALIDATION_ERROR"}, 415: {"PARSE_ERROR"}, 429: {"RATE_LIMIT_EXCEEDED"},
	500: {"INTERNAL_ERROR"}, 503: {"INTERNAL_ERROR"}, 507: {"INTERNAL_ERROR"},
}

// check holds what is true of every answer: it is JSON, no redirect, not
// cached, without a cookie; and an error has the shape of BS-D2.
func (a answer) check() {
	a.w.t.Helper()
	for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Set-Cookie": "", "Location": ""} {
		if got := a.header.Get(name); got != want {
			a.w.t.Errorf("%s: %s: got %q, want %q", a.call, name, got, want)
		}
	}
	if a.status < 300 {
		return
	}
	members := []string{"code", "message"}
	if a.get("error.details") != nil {
		members = []string{"code", "details", "message"}
	}
	if a.get("success") != false || a.text("error.message") == "" || !slices.Contains(errorCodes[a.status], a.text("error.code")) ||
		!slices.Equal(a.members(""), []string{"error", "success"}) || !slices.Equal(a.members("error"), members) {
		a.w.t.Errorf("%s: not an error of BS-D2: %d %s", a.call, a.status, a.body)
	}
}

// members are the names in an object, in order.
func (a answer) members(path string) []string {
	value := a.value
	if path != "" {
		value = a.get(path)
	}
	object, _ := value.(map[string]any)
	return slices.Sorted(maps.Keys(object))
}

// wantMembers fails unless an object has exactly these.
func (a answer) wantMembers(path string, names ...string) {
	a.w.t.Helper()
	slices.Sort(names)
	if got := a.members(path); !slices.Equal(got, names) {
		a.w.t.Errorf("%s: %q has the members %v, want %v", a.call, path, got, names)
	}
}

// wantTime fails unless a member is a time of RFC 3339, UTC.
func (a answer) wantTime(path string, want time.Time) {
	a.w.t.Helper()
	got, err := time.Parse(time.RFC3339Nano, a.text(path))
	if err != nil || !got.Equal(want) || !strings.HasSuffix(a.text(path), "Z") {
		a.w.t.Errorf("%s: %s: got %v, want %v", a.call, path, a.get(path), want)
	}
}

// wantID fails unless a member is an id with a prefix.
func (a answer) wantID(path, prefix string) {
	a.w.t.Helper()
	if got := a.text(path); !strings.HasPrefix(got, prefix+"_") || len(got) < len(prefix)+10 {
		a.w.t.Errorf("%s: %s: got %q, want an id %s_…", a.call, path, got, prefix)
	}
}

// refused fails unless an answer is an error with a status and a message,
// which may go on.
func (a answer) refused(what string, status int, message string) {
	a.w.t.Helper()
	if a.status != status || !strings.HasPrefix(a.text("error.message"), message) {
		a.w.t.Errorf("%s: %s: got %d %s, want %d %q", what, a.call, a.status, a.body, status, message)
	}
}

// invalid fails unless an answer is a validation error that names a field.
func (a answer) invalid(what, field string) {
	a.w.t.Helper()
	if a.status != 400 || a.text("error.code") != "VALIDATION_ERROR" || a.text("error.details.field") != field {
		a.w.t.Errorf("%s: %s: got %d %s, want VALIDATION_ERROR of %q", what, a.call, a.status, a.body, field)
	}
}

// totp is the code of a time: RFC 6238 with SHA-1, 6 digits and 30 seconds.
func totp(t testing.TB, secret string, at time.Time) string {
	t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatalf("the secret %q: %v", secret, err)
	}
	mac := hmac.New(sha1.New, seed)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30)
	sum := mac.Sum(nil)
	start := sum[len(sum)-1] & 15 // RFC 4226 section 5.3
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[start:start+4])&0x7fffffff%1_000_000)
}

// factor is a second factor that was set up.
type factor struct {
	secret string
	codes  []string // backup
	setup  answer
}

// code is what the authenticator shows.
func (f *factor) code(w *world) string { w.t.Helper(); return totp(w.t, f.secret, w.clock.now()) }

// setUp begins a second factor.
func (p *person) setUp() *factor {
	p.w.t.Helper()
	a := p.do("POST", "/auth/two-factor/setup", map[string]any{"password": good})
	a.want(200)
	f := &factor{secret: a.text("secret"), setup: a}
	for _, code := range a.list("backupCodes") {
		f.codes = append(f.codes, code.(string))
	}
	return f
}

// enable sets a second factor up and turns it on. The code of the moment is
// used then; a new one comes with the next half minute.
func (p *person) enable() *factor {
	p.w.t.Helper()
	f := p.setUp()
	p.do("POST", "/auth/two-factor/verify", map[string]any{"code": f.code(p.w)}).want(200)
	p.w.clock.advance(30 * time.Second)
	return f
}

// key makes an API key; more are further members of the body.
func (p *person) key(scopes []string, more map[string]any) answer {
	p.w.t.Helper()
	body := map[string]any{"name": "A key", "scopes": scopes}
	maps.Copy(body, more)
	return p.do("POST", keysOf(p.w.org), body)
}

// madeKey is a key that nothing may refuse, and its id.
func (p *person) madeKey(scopes ...string) (text, id string) {
	p.w.t.Helper()
	a := p.key(scopes, nil)
	a.want(200)
	return a.text("data.key"), a.text("data.id")
}

// queryTexts reads all columns of all rows as text, a row each.
func queryTexts(t testing.TB, db *sql.DB, query string) (lines []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(sql.RawBytes)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		var line []string
		for _, v := range values {
			line = append(line, string(*v.(*sql.RawBytes)))
		}
		lines = append(lines, strings.Join(line, "\t"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
