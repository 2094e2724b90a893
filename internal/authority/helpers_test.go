package authority_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

const (
	day    = 24 * time.Hour
	issuer = "https://keys.example.test"
	cheap  = 64 // KiB, so that hundreds of passwords are hashed in no time
)

var (
	background = context.Background()
	here       = netip.MustParseAddr("203.0.113.7")
)

// clock stands still until it is moved.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.set(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC))
	return c
}

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) set(t time.Time)         { c.ms.Store(t.UnixMilli()) }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// world is an authority with two organizations, users of every role and some projects.
type world struct {
	*authority.Authority
	t       testing.TB
	cfg     store.Config
	store   *store.Store
	clock   *clock
	op      *credential.Principal
	org     *store.Organization
	other   *store.Organization
	alpha   *store.Project // "lead" administers it, "member" and "guest" are in it
	hidden  *store.Project // nobody was added
	foreign *store.Project // the other organization's
	users   map[string]*store.Member
	tokens  map[string]string // of the users
	// signedIn is a session that a test is about, and records are credentials.
	signedIn *authority.SignedIn
	records  map[string]*credential.Credential
}

// each runs a test in a new world on every database.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel() // one waits for a server while the other works
		test(t, newWorld(t, cfg))
	})
}

// newAuthority opens the store and stands at the clock, without any data.
func newAuthority(t testing.TB, cfg store.Config, random io.Reader) *world {
	t.Helper()
	w := &world{t: t, cfg: cfg, clock: newClock(), users: map[string]*store.Member{}, tokens: map[string]string{}}
	w.store = storetest.Open(t, cfg)
	w.Authority = authority.New(authority.Config{Store: w.store, Schemes: cfg.Schemes, Now: w.clock.now, Rand: random, Issuer: issuer, PasswordMemory: cheap})
	operator := credential.Operator()
	w.op = &operator
	return w
}

// reopen restarts the authority on the same database.
func (w *world) reopen() {
	w.t.Helper()
	w.ok(w.store.Close())
	w.store = storetest.Open(w.t, w.cfg)
	w.Authority = authority.New(authority.Config{Store: w.store, Schemes: w.cfg.Schemes, Now: w.clock.now, Issuer: issuer, PasswordMemory: cheap})
}

func newWorld(t testing.TB, cfg store.Config) *world {
	t.Helper()
	w := newAuthority(t, cfg, nil)
	w.org, w.other = w.organization("Acme"), w.organization("Other")
	for name, role := range map[string]credential.Role{
		"owner": credential.Owner, "admin": credential.Admin, "member": credential.Member, "lead": credential.Member,
		"guest": credential.Guest,
	} {
		w.user(w.org, name, role)
	}
	w.user(w.other, "stranger", credential.Owner)
	w.alpha, w.hidden = w.project(w.org, "Alpha"), w.project(w.org, "Hidden")
	w.foreign = w.project(w.other, "Foreign")
	for name, role := range map[string]credential.ProjectRole{
		"lead": credential.ProjectAdmin, "member": credential.ProjectUser, "guest": credential.ProjectGuest,
	} {
		w.ok(w.SetProjectMember(background, w.op, w.alpha, w.ref(name), role))
	}
	return w
}

// ok fails the test for an error.
func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// must is the value of a call that may not fail.
func must[T any](w *world, value T, err error) T {
	w.t.Helper()
	w.ok(err)
	return value
}

func (w *world) organization(name string) *store.Organization {
	w.t.Helper()
	o, err := w.CreateOrganization(background, w.op, authority.NameRequest{Name: name})
	return must(w, o, err)
}

func (w *world) project(o *store.Organization, name string) *store.Project {
	w.t.Helper()
	p, err := w.CreateProject(background, w.op, o.ID, authority.NameRequest{Name: name})
	return must(w, p, err)
}

func (w *world) user(o *store.Organization, name string, role credential.Role) *store.Member {
	w.t.Helper()
	m, err := w.CreateUser(background, w.op, o.ID, authority.UserRequest{Email: name + "@example.test", Name: name, Role: role})
	w.users[name] = must(w, m, err)
	return m
}

func (w *world) ref(name string) authority.UserRef { return authority.UserRef{ID: w.users[name].ID} }

// ask is a request that the operator can make for a credential of a scheme, in
// the first organization: for "member", or for Alpha.
func (w *world) ask(scheme string) authority.IssueRequest {
	r := authority.IssueRequest{Scheme: scheme, Name: "A " + scheme, Organization: w.org.ID}
	s := w.cfg.Schemes.ByName(scheme)
	switch s.Owner {
	case credential.OwnedByUser:
		ref := w.ref("member")
		r.User = &ref
	case credential.OwnedByProject:
		r.Project = &store.ProjectRef{ID: w.alpha.ID}
	}
	if len(s.Scopes.Default) == 0 {
		r.Scopes = s.Scopes.Names()
		if _, all := s.Scopes.Known[credential.AllScope]; all {
			r.Scopes = []credential.Scope{credential.AllScope}
		}
	}
	if s.Expiry == credential.ExpiryRequired {
		r.Expiry.In = 90 * day
	}
	return r
}

// issue makes a credential that nothing may refuse.
func (w *world) issue(p *credential.Principal, r authority.IssueRequest) *authority.Issued {
	w.t.Helper()
	out, err := w.Issue(background, p, r)
	return must(w, out, err)
}

// made issues a credential of a scheme by the operator and returns it with its secret.
func (w *world) made(scheme string) (*credential.Credential, string) {
	w.t.Helper()
	out := w.issue(w.op, w.ask(scheme))
	return out.Credential, out.Secret.Reveal()
}

// forUser asks for a user's own token.
func (w *world) forUser(scheme, name string) authority.IssueRequest {
	r, ref := w.ask(scheme), w.ref(name)
	r.User = &ref
	if name == "stranger" {
		r.Organization = w.other.ID
	}
	return r
}

// as is the principal of a user's own token, with its rights of this moment.
func (w *world) as(name string) *credential.Principal {
	w.t.Helper()
	if w.tokens[name] == "" {
		w.tokens[name] = w.issue(w.op, w.forUser("betahub_pat", name)).Secret.Reveal()
	}
	return w.principal(w.tokens[name])
}

// principal is who presents a secret.
func (w *world) principal(secret string) *credential.Principal {
	w.t.Helper()
	d := w.verify(secret, authority.Verification{Address: here})
	if d.Code != credential.OK {
		w.t.Fatalf("the principal's own credential is %s", d.Code)
	}
	return &d.Principal
}

// key is the principal of a new gatehouse_key of the first organization.
func (w *world) key(scopes ...credential.Scope) *credential.Principal {
	w.t.Helper()
	r := w.ask("gatehouse_key")
	r.Scopes = scopes
	return w.principal(w.issue(w.op, r).Secret.Reveal())
}

func (w *world) verify(secret string, v authority.Verification) credential.Decision {
	w.t.Helper()
	d, err := w.Verify(background, secret, v)
	return must(w, d, err)
}

// code is the answer to a secret on its own.
func (w *world) code(secret string) credential.Code {
	w.t.Helper()
	return w.verify(secret, authority.Verification{Address: here}).Code
}

// wantCode fails unless a secret is answered so.
func (w *world) wantCode(what, secret string, want credential.Code) {
	w.t.Helper()
	if got := w.code(secret); got != want {
		w.t.Errorf("%s: got %s, want %s", what, got, want)
	}
}

func (w *world) rotate(id uuid.UUID, r authority.RotateRequest) string {
	w.t.Helper()
	out, err := w.Rotate(background, w.op, id, r)
	return must(w, out, err).Secret.Reveal()
}

func (w *world) revoke(id uuid.UUID) {
	w.t.Helper()
	_, err := w.Revoke(background, w.op, id)
	w.ok(err)
}

func (w *world) raw() *sql.DB { return storetest.Raw(w.t, w.cfg) }

// wantKind fails unless an error is of a kind and says what to do.
func wantKind(t testing.TB, what string, err error, want credential.ErrorKind) {
	t.Helper()
	var shown *credential.Error
	if !errors.Is(err, want) || !errors.As(err, &shown) || shown.Detail == "" {
		t.Errorf("%s: got %v, want an error of kind %s with a detail", what, err, want)
	}
}

// wantField fails unless an error is Invalid and names a field.
func wantField(t testing.TB, what string, err error, field string) {
	t.Helper()
	var shown *credential.Error
	if !errors.As(err, &shown) || shown.Kind != credential.Invalid || shown.Field != field {
		t.Errorf("%s: got %v, want an invalid %s", what, err, field)
	}
}

// race runs n calls that all start at once, and waits for them.
func race(n int, call func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			call(i)
		})
	}
	close(start)
	wg.Wait()
}

// schemeNames are the built-in schemes.
func schemeNames(cfg store.Config) (names []string) {
	for _, s := range cfg.Schemes.All() {
		names = append(names, s.Name)
	}
	return names
}

func isInvalid(err error) bool { return errors.Is(err, credential.Invalid) }

// setRole gives a user a role in the first organization; none ends the membership.
func (w *world) setRole(name string, role credential.Role) error {
	if role == "" {
		return w.RemoveMember(background, w.op, w.org.ID, w.ref(name))
	}
	return w.SetRole(background, w.op, w.org.ID, w.ref(name), role)
}

// setProjectRole gives a user a role in a project; none takes it away.
func (w *world) setProjectRole(p *store.Project, name string, role credential.ProjectRole) error {
	if role == "" {
		return w.RemoveProjectMember(background, w.op, p, w.ref(name))
	}
	return w.SetProjectMember(background, w.op, p, w.ref(name), role)
}

// second is the error of a call whose value doesn't matter.
func second[T any](_ T, err error) error { return err }
