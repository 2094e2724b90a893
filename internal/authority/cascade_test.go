package authority_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files")

const cascadeHead = `# What each change does to each kind of credential at the next request (TestR5_Cascade; -update writes this file).
#
# Ada is a member of the organization, and a user of its project Alpha. Hers are the two personal access tokens, the token
# that one of them was traded for, the session with its three tokens, the token of a device that she let act for her,
# and the code for a new password. Alpha's are the project token and the key of OneTest; the others are the organization's. Before each change all of them work.
#
# ok       goes on as before
# less     works, and may not write issues in Alpha any more
# refused  is good for nothing; other words are decision codes
`

// bearer is something that is worth something until a change.
type bearer struct {
	name string
	now  func() string
}

// secret is a bearer that is verified.
func (w *world) secret(name, text string) bearer {
	v := authority.Verification{Address: here, Organization: w.org.ID.String()}
	writes := v
	writes.Permission, writes.Project = credential.IssuesWrite, &store.ProjectRef{ID: w.alpha.ID}
	could := w.verify(text, writes).Code == credential.OK
	w.wantCode(name+" before", text, credential.OK)
	return bearer{name, func() string {
		code := w.verify(text, v).Code
		if code == credential.OK && could && w.verify(text, writes).Code != credential.OK {
			return "less"
		}
		return string(code)
	}}
}

// once is a bearer that is used up by asking.
func once(name string, use func() error) bearer {
	return bearer{name, func() string {
		if use() != nil {
			return "refused"
		}
		return "ok"
	}}
}

// bearers are one of each kind. Those that are used up come last.
func (w *world) bearers() []bearer {
	w.ok(w.SetProjectMember(background, w.op, w.alpha, w.ref("ada"), credential.ProjectUser))
	own := w.issue(w.op, w.forUser("testkase_pat", "ada"))
	w.records["pat"] = own.Credential
	list := []bearer{w.secret("testkase_pat", own.Secret.Reveal()), w.secret("betahub_pat", w.issue(w.op, w.forUser("betahub_pat", "ada")).Secret.Reveal())}
	traded, err := w.Exchange(background, authority.ExchangeRequest{Subject: own.Secret.Reveal(), Address: here})
	w.ok(err)
	list = append(list, w.secret("traded token", traded.Token.Reveal()))

	w.signedIn = w.signIn("ada")
	w.clock.advance(1)
	refreshed := w.signIn("ada")
	r := login("ada")
	r.Cookie = true
	cookie, err := w.SignIn(background, r)
	w.ok(err)
	list = append(list, w.secret("session", refreshed.Access.Token.Reveal()), w.secret("cookie", cookie.Token.Reveal()))

	const request = "0123456789abcdef"
	w.ok(w.AskByDevice(background, authority.DeviceAsk{ID: request, Kind: "game", Name: "A game"}))
	w.ok(w.AllowDevice(background, w.principal(refreshed.Access.Token.Reveal()), request, w.org.ID))
	device, err := w.PollDevice(background, request, authority.Origin{})
	w.ok(err)
	list = append(list, w.secret("device", device.Token.Token.Reveal()))

	for _, scheme := range []string{"betahub_project_token", "onetest_key", "bunship_live", "gatehouse_key", "betatesting_static"} {
		_, secret := w.made(scheme)
		list = append(list, w.secret(scheme, secret))
	}
	ada := w.ref("ada")
	w.imported(legacy(1), authority.IssueRequest{Scheme: "betahub_pat", User: &ada})
	w.imported(legacy(2), authority.IssueRequest{})
	list = append(list, w.secret("imported pat", legacy(1)), w.secret("imported key", legacy(2)))
	client := w.issue(w.op, w.ask("betatesting_client"))
	w.records["client"] = client.Credential
	access, err := w.ClientToken(background, authority.Client{ID: client.Credential.ClientID, Secret: client.Secret.Reveal(), Address: here}, nil)
	w.ok(err)
	list = append(list, w.secret("client's token", access.Token.Reveal()))

	code, err := w.PasswordCode(background, w.op, w.ref("ada"))
	w.ok(err)
	invited, err := w.Invite(background, w.op, w.org.ID, authority.InviteRequest{Email: "new@example.test", Role: credential.Guest})
	w.ok(err)
	guest := w.registered("new")
	return append(list,
		once("refresh token", func() error { return second(w.refresh(refreshed.Token.Reveal())) }),
		once("password code", func() error {
			return w.ResetPassword(background, code.Reveal(), "yet another horse", authority.Origin{})
		}),
		once("invitation", func() error { return second(w.AcceptInvitation(background, guest, invited.Code.Reveal())) }),
	)
}

// change is one event of the cascade.
type change struct {
	name string
	make func(w *world) error
}

// cascade lists the events, each made by Ada's own session or by the operator.
func cascade() []change {
	own := func(act func(w *world, p *credential.Principal) error) func(*world) error {
		return func(w *world) error { return act(w, w.principal(w.signedIn.Access.Token.Reveal())) }
	}
	person := func(act func(w *world, ref authority.UserRef) error) func(*world) error {
		return func(w *world) error { return act(w, w.ref("ada")) }
	}
	both := func(first, then func(*world) error) func(*world) error {
		return func(w *world) error {
			w.ok(first(w))
			return then(w)
		}
	}
	deactivate := person(func(w *world, ref authority.UserRef) error { return second(w.Deactivate(background, w.op, ref)) })
	archive := func(yes bool) func(*world) error {
		return func(w *world) error { return second(w.ArchiveProject(background, w.op, w.org.ID, w.alpha.ID, yes)) }
	}
	suspend := func(yes bool) func(*world) error {
		return func(w *world) error { return second(w.SuspendOrganization(background, w.op, w.org.ID, yes)) }
	}
	return []change{
		{"nothing", func(*world) error { return nil }},
		{"password changed", own(func(w *world, p *credential.Principal) error {
			return w.ChangePassword(background, p, password, "another horse battery")
		})},
		{"two-factor on", own(func(w *world, p *credential.Principal) error { w.enable(p); return nil })},
		{"two-factor reset", person(func(w *world, ref authority.UserRef) error { return second(w.ResetTwoFactor(background, w.op, ref)) })},
		{"signed out everywhere", own(func(w *world, p *credential.Principal) error { return w.SignOut(background, p, true) })},
		{"deactivated", deactivate},
		{"and reactivated", both(deactivate, person(func(w *world, ref authority.UserRef) error { return second(w.Reactivate(background, w.op, ref)) }))},
		{"deleted", person(func(w *world, ref authority.UserRef) error { return w.Delete(background, w.op, ref) })},
		{"made a guest", func(w *world) error { return w.setRole("ada", credential.Guest) }},
		{"removed", func(w *world) error { return w.setRole("ada", "") }},
		{"removed and added", both(func(w *world) error { return w.setRole("ada", "") }, func(w *world) error {
			return second(w.CreateUser(background, w.op, w.org.ID, authority.UserRequest{Email: "ada@example.test", Name: "ada", Role: credential.Member}))
		})},
		{"removed from Alpha", func(w *world) error { return w.setProjectRole(w.alpha, "ada", "") }},
		{"a guest in Alpha", func(w *world) error { return w.setProjectRole(w.alpha, "ada", credential.ProjectGuest) }},
		{"Alpha archived", archive(true)},
		{"and restored", both(archive(true), archive(false))},
		{"Alpha deleted", func(w *world) error { return w.DeleteProject(background, w.op, w.org.ID, w.alpha.ID) }},
		{"organization suspended", suspend(true)},
		{"and resumed", both(suspend(true), suspend(false))},
		{"organization deleted", func(w *world) error { return w.DeleteOrganization(background, w.op, w.org.ID) }},
		{"clients withheld", func(w *world) error {
			return w.SetPolicy(background, w.op, w.org.ID, &credential.Policy{Withheld: []*credential.Scheme{w.scheme("betatesting_client")}})
		}},
		{"the token revoked", func(w *world) error { return second(w.Revoke(background, w.op, w.records["pat"].ID)) }},
		{"the token suspended", func(w *world) error { return second(w.Suspend(background, w.op, w.records["pat"].ID)) }},
		{"the client revoked", func(w *world) error { return second(w.Revoke(background, w.op, w.records["client"].ID)) }},
		{"the client rotated", func(w *world) error {
			return second(w.Rotate(background, w.op, w.records["client"].ID, authority.RotateRequest{}))
		}},
	}
}

func TestR5_Cascade(t *testing.T) {
	tables := map[string][]byte{}
	for name, config := range map[string]func(testing.TB) store.Config{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) { tables[name] = cascadeTable(t, config) })
	}
	const path = "testdata/cascade.golden"
	if *update {
		if err := os.WriteFile(path, tables["sqlite"], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range tables {
		if !bytes.Equal(got, want) {
			t.Errorf("%s: if the change is meant, run this test with -update and read the difference\ngot\n%s\nwant\n%s", name, got, want)
		}
	}
}

// cascadeTable has a row for each change and a column for each bearer.
func cascadeTable(t *testing.T, config func(testing.TB) store.Config) []byte {
	var out bytes.Buffer
	out.WriteString(cascadeHead)
	w := newWorld(t, config(t))
	w.records = map[string]*credential.Credential{}
	w.person("ada", credential.Member)
	list := w.bearers()
	fmt.Fprintf(&out, "\n%-22s", "")
	for _, b := range list {
		fmt.Fprintf(&out, " %-21s", b.name)
	}
	out.WriteString("\n")
	before := w.cfg
	w.ok(w.store.Close())
	for _, c := range cascade() {
		w.cfg = storetest.Copy(t, before)
		w.store = storetest.Open(t, w.cfg)
		w.Authority = authority.New(authority.Config{Store: w.store, Schemes: w.cfg.Schemes, Now: w.clock.now, Issuer: issuer, PasswordMemory: cheap})
		w.ok(c.make(w))
		fmt.Fprintf(&out, "%-22s", c.name)
		for _, b := range list {
			fmt.Fprintf(&out, " %-21s", b.now())
		}
		out.WriteString("\n")
		w.ok(w.store.Close())
	}
	return regexp.MustCompile(` +\n`).ReplaceAll(out.Bytes(), []byte("\n"))
}

// Whoever registers an address that was freed gets nothing of who had it.
func TestS7_TheAddressOfWhoWasDeleted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Admin)
		before := w.users["ada"].ID
		pat := w.issue(w.op, w.forUser("testkase_pat", "ada")).Secret.Reveal()
		s := w.signIn("ada")
		w.ok(w.Delete(background, w.op, w.ref("ada")))
		wantKind(t, "delete twice", w.Delete(background, w.op, authority.UserRef{Email: "ada@example.test"}), credential.NotFound)
		wantRefused(t, "sign in", w.from("ada", here), wrong)
		p := w.registered("ada")
		if p.Subject == before || p.Organization != uuid.Nil || p.Permissions != 0 {
			t.Errorf("the new ada is %s in %s", p.Subject, p.Organization)
		}
		w.wantCode("a token of before", pat, credential.CodeRevoked)
		w.wantCode("a session of before", s.Access.Token.Reveal(), credential.CodeRevoked)
		if _, _, err := w.Person(background, w.op, authority.UserRef{ID: before}); err == nil {
			t.Error("who was deleted is shown")
		}
	})
}
