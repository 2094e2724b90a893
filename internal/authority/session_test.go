package authority_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

const password = "correct horse battery"

var elsewhere = netip.MustParseAddr("198.51.100.9")

// person makes a member of the first organization who can sign in.
func (w *world) person(name string, role credential.Role) *store.Member {
	w.t.Helper()
	m, err := w.CreateUser(background, w.op, w.org.ID, authority.UserRequest{Email: name + "@example.test", Name: name, Role: role, Password: password})
	w.users[name] = must(w, m, err)
	return m
}

// login is how somebody signs in from here.
func login(name string) authority.SignInRequest {
	return authority.SignInRequest{Email: name + "@example.test", Password: password, From: authority.Origin{Address: here, UserAgent: "a browser"}}
}

// signIn begins a session that nothing may refuse.
func (w *world) signIn(name string) *authority.SignedIn {
	w.t.Helper()
	s, err := w.SignIn(background, login(name))
	return must(w, s, err)
}

// session is the principal of a session of a person.
func (w *world) session(name string) *credential.Principal {
	w.t.Helper()
	return w.principal(w.signIn(name).Access.Token.Reveal())
}

func (w *world) refresh(token string) (*authority.SignedIn, error) {
	return w.Refresh(background, token, authority.Origin{Address: here})
}

// wantRefused fails unless an error refuses who calls, in these words.
func wantRefused(t testing.TB, what string, err error, words string) {
	t.Helper()
	wantKind(t, what, err, credential.Unauthenticated)
	if err != nil && !strings.Contains(err.Error(), words) {
		t.Errorf("%s: got %q, want %q", what, err, words)
	}
}

// countEvents counts the audit events of the installation with an action.
func (w *world) countEvents(action string) (n int) {
	w.t.Helper()
	list, err := w.Events(background, w.op, uuid.Nil, 0, 200)
	for _, e := range must(w, list, err) {
		if e.Action == action {
			n++
		}
	}
	return n
}

func TestX1_RefreshOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		first := w.signIn("ada")
		answers := make([]*authority.SignedIn, 64)
		race(len(answers), func(i int) {
			var err error
			if answers[i], err = w.refresh(first.Token.Reveal()); err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
		})
		if t.Failed() {
			return
		}
		next, access := answers[0].Token.Reveal(), answers[0].Access.Token.Reveal()
		for i, a := range answers {
			if a.Token.Reveal() != next || a.Access.Token.Reveal() != access || a.Session.ID != first.Session.ID {
				t.Errorf("caller %d got another pair", i)
			}
		}
		w.wantCode("the access token", access, credential.OK)
		if list, err := w.Sessions(background, w.principal(access)); err != nil || len(list) != 1 {
			t.Errorf("%d sessions (%v), want 1", len(list), err)
		}
	})
}

func TestX1_ReuseEndsTheSession(t *testing.T) {
	cases := map[string]func(w *world, tokens []string) string{
		"the token before, after the window": func(w *world, tokens []string) string {
			w.clock.advance(31 * time.Second)
			return tokens[len(tokens)-2]
		},
		"the token before that, within the window": func(_ *world, tokens []string) string { return tokens[len(tokens)-3] },
		"the first": func(_ *world, tokens []string) string { return tokens[0] },
		"one that never was": func(_ *world, tokens []string) string {
			forged, err := credential.RefreshText.Renew(strings.NewReader(strings.Repeat("x7", 400)), tokens[0])
			if err != nil {
				panic(err)
			}
			return forged.Reveal()
		},
	}
	for name, old := range cases {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.person("ada", credential.Member)
				s, other := w.signIn("ada"), w.signIn("ada")
				tokens := []string{s.Token.Reveal()}
				for range 3 {
					w.clock.advance(time.Second)
					next, err := w.refresh(tokens[len(tokens)-1])
					s = must(w, next, err)
					tokens = append(tokens, s.Token.Reveal())
				}
				_, err := w.refresh(old(w, tokens))
				wantRefused(t, "an old token", err, "Invalid or expired refresh token")
				w.wantCode("the access token of the session", s.Access.Token.Reveal(), credential.CodeRevoked)
				_, err = w.refresh(tokens[len(tokens)-1])
				wantRefused(t, "the present token", err, "Invalid or expired refresh token")
				w.wantCode("another session's access token", other.Access.Token.Reveal(), credential.OK)
				if n := w.countEvents("session.refresh_reuse"); n != 1 {
					t.Errorf("%d events of reuse, want 1", n)
				}
			})
		})
	}
}

// A lost answer is made good within half a minute, and only until its token is used.
func TestX1_LostAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		first := w.signIn("ada")
		next, err := w.refresh(first.Token.Reveal())
		w.ok(err)
		w.clock.advance(29 * time.Second)
		again, err := w.refresh(first.Token.Reveal())
		if w.ok(err); again.Token.Reveal() != next.Token.Reveal() || again.Access.ExpiresIn != next.Access.ExpiresIn-29*time.Second {
			t.Errorf("the repeat is another answer, or its access token works %s", again.Access.ExpiresIn)
		}
		if again.User.Email != "ada@example.test" {
			t.Errorf("the repeat is of %q", again.User.Email)
		}
	})
}

func TestL9_LifeOfASession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		s := w.signIn("ada")
		began := w.clock.now()
		access := s.Access.Token.Reveal()
		w.clock.set(began.Truncate(time.Second).Add(15*time.Minute - time.Millisecond))
		w.wantCode("an access token before its end", access, credential.OK)
		w.clock.advance(time.Millisecond)
		w.wantCode("an access token at its end", access, credential.CodeExpired)

		w.clock.set(began.Add(7*day - time.Millisecond))
		s, err := w.refresh(s.Token.Reveal())
		w.ok(err)
		idle := w.signIn("ada")
		for w.clock.now().Before(began.Add(29 * day)) {
			w.clock.advance(6 * day)
			if s, err = w.refresh(s.Token.Reveal()); err != nil && w.clock.now().Before(began.Add(30*day)) {
				t.Fatal(err)
			}
		}
		wantRefused(t, "a session of more than 30 days", err, "Invalid or expired refresh token")
		_, err = w.refresh(idle.Token.Reveal())
		wantRefused(t, "a session that was idle for more than 7 days", err, "Invalid or expired refresh token")
	})
}

// The last access token of a session ends with it.
func TestL9_AccessEndsWithTheSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		s := w.signIn("ada")
		began := w.clock.now()
		for range 5 {
			w.clock.advance(6*day - time.Minute)
			next, err := w.refresh(s.Token.Reveal())
			s = must(w, next, err)
		}
		if left := began.Add(30 * day).Sub(w.clock.now()); s.Access.ExpiresIn > left || left > 15*time.Minute {
			t.Errorf("an access token for %s, %s before the end", s.Access.ExpiresIn, left)
		}
		w.clock.set(began.Add(30 * day))
		w.wantCode("an access token after the session", s.Access.Token.Reveal(), credential.CodeExpired)
	})
}

// Whatever ends a session ends its access tokens at the next request.
func TestR13_EndsAtOnce(t *testing.T) {
	cases := map[string]struct {
		act  func(w *world, p *credential.Principal) error
		want credential.Code
		here bool // whether the session that acts ends as well
	}{
		"sign out":            {func(w *world, p *credential.Principal) error { return w.SignOut(background, p, false) }, credential.OK, true},
		"sign out everywhere": {func(w *world, p *credential.Principal) error { return w.SignOut(background, p, true) }, credential.CodeRevoked, true},
		"change the password": {func(w *world, p *credential.Principal) error {
			return w.ChangePassword(background, p, password, "another horse battery")
		}, credential.CodeRevoked, false},
		"turn two-factor on": {func(w *world, p *credential.Principal) error {
			w.enable(p)
			return nil
		}, credential.CodeRevoked, false},
		"the operator ends all": {func(w *world, _ *credential.Principal) error {
			return w.EndSessionsOf(background, w.op, w.ref("ada"), uuid.Nil)
		}, credential.CodeRevoked, true},
		"the operator resets two-factor": {func(w *world, _ *credential.Principal) error {
			return second(w.ResetTwoFactor(background, w.op, w.ref("ada")))
		}, credential.CodeRevoked, true},
		"revoked by possession": {func(w *world, p *credential.Principal) error {
			return w.RevokeByPossession(background, w.signedIn.Token.Reveal(), here, "")
		}, credential.OK, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.person("ada", credential.Member)
				other := w.signIn("ada")
				w.signedIn = w.signIn("ada")
				own := w.signedIn.Access.Token.Reveal()
				w.wantCode("before", other.Access.Token.Reveal(), credential.OK)
				w.ok(c.act(w, w.principal(own)))
				w.wantCode("another session", other.Access.Token.Reveal(), c.want)
				_, err := w.refresh(other.Token.Reveal())
				if (err == nil) != (c.want == credential.OK) {
					t.Errorf("refresh of another session: %v", err)
				}
				want := credential.OK
				if c.here {
					want = credential.CodeRevoked
				}
				w.wantCode("the own session", own, want)
			})
		})
	}
}

func TestR13_Deactivated(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		s := w.signIn("ada")
		pat := w.issue(w.op, w.forUser("testkase_pat", "ada")).Secret.Reveal()
		w.wantCode("before", s.Access.Token.Reveal(), credential.OK)
		w.ok(second(w.Deactivate(background, w.op, w.ref("ada"))))
		w.wantCode("the access token", s.Access.Token.Reveal(), credential.CodeRevoked)
		w.wantCode("the user's own token", pat, credential.CodeRevoked)
		_, err := w.refresh(s.Token.Reveal())
		wantRefused(t, "refresh", err, "refresh token")
		_, err = w.SignIn(background, login("ada"))
		wantRefused(t, "sign in", err, "Account is deactivated")
		wrong := login("ada")
		wrong.Password = "wrong"
		_, err = w.SignIn(background, wrong)
		wantRefused(t, "sign in with a wrong password", err, authority.WrongPassword)

		w.ok(second(w.Reactivate(background, w.op, w.ref("ada"))))
		w.wantCode("the access token of before", s.Access.Token.Reveal(), credential.CodeRevoked)
		w.wantCode("the token of before", pat, credential.CodeRevoked)
		w.signIn("ada")
	})
}

// The only owner of an organization can't be deactivated.
func TestS9_DeactivatedOwner(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, err := w.Deactivate(background, w.op, w.ref("owner"))
		wantKind(t, "deactivate the only owner", err, credential.Conflict)
		w.person("ada", credential.Owner)
		w.ok(second(w.Deactivate(background, w.op, w.ref("owner"))))
	})
}

// An ended session stays ended after a restart, and a refreshed one goes on.
func TestR14_Sessions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		ended, live := w.signIn("ada"), w.signIn("ada")
		w.ok(w.SignOut(background, w.principal(ended.Access.Token.Reveal()), false))
		next, err := w.refresh(live.Token.Reveal())
		w.ok(err)
		w.reopen()
		w.wantCode("an ended session", ended.Access.Token.Reveal(), credential.CodeRevoked)
		w.wantCode("a live session", next.Access.Token.Reveal(), credential.OK)
		again, err := w.refresh(live.Token.Reveal())
		if w.ok(err); again.Token.Reveal() != next.Token.Reveal() {
			t.Error("the lost answer was forgotten")
		}
		_, err = w.refresh(ended.Token.Reveal())
		wantRefused(t, "the token of an ended session", err, "refresh token")
	})
}

// A sixth session ends the one that was unused for longest.
func TestL10_SixthSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		var list []*authority.SignedIn
		for range authority.MaxSessions {
			list = append(list, w.signIn("ada"))
			w.clock.advance(time.Minute)
		}
		w.wantCode("the first is used", list[0].Access.Token.Reveal(), credential.OK)
		w.clock.advance(time.Minute)
		w.signIn("ada")
		w.wantCode("the first", list[0].Access.Token.Reveal(), credential.OK)
		w.wantCode("the second", list[1].Access.Token.Reveal(), credential.CodeRevoked)
		w.clock.advance(time.Minute)
		shown, err := w.Sessions(background, w.principal(list[2].Access.Token.Reveal()))
		if w.ok(err); len(shown) != authority.MaxSessions {
			t.Fatalf("%d sessions", len(shown))
		}
		if shown[0].ID != list[2].Session.ID || shown[0].Address != here.String() || shown[0].UserAgent != "a browser" {
			t.Errorf("the latest used is shown as %+v", shown[0])
		}
		for i := range shown[1:] {
			if shown[i].UsedAt.Before(shown[i+1].UsedAt) {
				t.Errorf("session %d was used before session %d", i, i+1)
			}
		}
	})
}

// In an organization a user who has signed in may do what the role there
// allows at that moment, and nothing in any other.
func TestS5_SessionRights(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		access := w.signIn("ada").Access.Token.Reveal()
		in := func(organization string, permission credential.Permission) credential.Code {
			return w.verify(access, authority.Verification{Address: here, Organization: organization, Permission: permission}).Code
		}
		want := func(what string, got, want credential.Code) {
			t.Helper()
			if got != want {
				t.Errorf("%s: got %s, want %s", what, got, want)
			}
		}
		for _, name := range []string{"", w.org.ID.String(), authority.PublicID("org", w.org.ID), "1"} {
			want("read in "+name, in(name, credential.MembersRead), credential.OK)
			want("write in "+name, in(name, credential.MembersWrite), credential.CodeForbidden)
		}
		for _, name := range []string{w.other.ID.String(), "2", "3", uuid.Max.String(), "nonsense", "org_"} {
			want("read in "+name, in(name, credential.MembersRead), credential.CodeForbidden)
		}
		w.ok(w.setRole("ada", credential.Admin))
		want("write as admin", in("", credential.MembersWrite), credential.OK)
		want("verify as admin", in("", credential.CredentialsVerify), credential.CodeScope)
		w.ok(second(w.CreateUser(background, w.op, w.other.ID, authority.UserRequest{Email: "ada@example.test", Name: "ada", Role: credential.Guest})))
		want("read where there are two", in("", credential.MembersRead), credential.CodeForbidden)
		want("read in the other", in("2", credential.MembersRead), credential.OK)
		want("write in the other", in("2", credential.MembersWrite), credential.CodeForbidden)
		w.ok(w.setRole("ada", ""))
		want("read where ada was removed", in("1", credential.MembersRead), credential.CodeForbidden)
		want("read in the only one again", in("", credential.MembersRead), credential.OK)
		w.ok(second(w.SuspendOrganization(background, w.op, w.other.ID, true)))
		want("read in a suspended one", in("2", credential.MembersRead), credential.CodeForbidden)
		want("the session itself", in("", ""), credential.OK)
	})
}

// What lets a user in is touched by nobody but the user, signed in.
func TestS4_TokensLetNobodyIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Owner)
		s := w.signIn("ada")
		traded, err := w.Exchange(background, authority.ExchangeRequest{Subject: s.Access.Token.Reveal(), Address: here})
		w.ok(err)
		principals := map[string]*credential.Principal{
			"a personal access token": w.principal(w.issue(w.op, w.forUser("testkase_pat", "ada")).Secret.Reveal()),
			"a traded token":          w.principal(traded.Token.Reveal()),
			"a service's key":         w.key("members:write", "credentials:write"),
		}
		for name, p := range principals {
			for what, err := range map[string]error{
				"change the password": w.ChangePassword(background, p, password, "another horse battery"),
				"set two-factor up":   second(w.SetUpTwoFactor(background, p, password)),
				"turn two-factor on":  w.EnableTwoFactor(background, p, "123456"),
				"turn two-factor off": w.DisableTwoFactor(background, p, password, "123456"),
				"list sessions":       second(w.Sessions(background, p)),
				"end a session":       w.EndSession(background, p, s.Session.ID),
				"sign out":            w.SignOut(background, p, true),
				"change the profile":  second(w.UpdateProfile(background, p, authority.ProfileChange{})),
				"deactivate a user":   second(w.Deactivate(background, p, w.ref("ada"))),
				"reset two-factor":    second(w.ResetTwoFactor(background, p, w.ref("ada"))),
				"make a code":         second(w.PasswordCode(background, p, w.ref("ada"))),
			} {
				wantKind(t, name+": "+what, err, credential.Forbidden)
			}
		}
		_, err = w.Issue(background, principals["a traded token"], w.forUser("testkase_pat", "ada"))
		wantKind(t, "a traded token makes a secret", err, credential.Forbidden)
		w.issue(w.principal(s.Access.Token.Reveal()), w.forUser("testkase_pat", "ada"))
	})
}

// A browser's cookie is a session: it works until it is signed out, is kept
// alive by use, and is no other kind of token.
func TestL9_Cookie(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		r := login("ada")
		r.Cookie = true
		s, err := w.SignIn(background, r)
		w.ok(err)
		cookie := s.Token.Reveal()
		if s.Access != nil || !w.Accepts(cookie, credential.AsCookie) || w.Accepts(cookie, credential.AsBearer) {
			t.Errorf("a cookie is taken as a Bearer token, or comes with one (%v)", s.Access)
		}
		if bearer := w.signIn("ada"); w.Accepts(bearer.Token.Reveal(), credential.AsCookie) || w.Accepts(bearer.Token.Reveal(), credential.AsBearer) {
			t.Error("a refresh token is taken for a cookie, or as a Bearer token")
		}
		_, err = w.refresh(cookie)
		wantRefused(t, "refresh by a cookie", err, "refresh token")
		for range 4 {
			w.wantCode("a cookie in use", cookie, credential.OK)
			w.clock.advance(6 * day)
		}
		p := w.principal(cookie)
		if !p.SignedIn() {
			t.Error("whose cookie it is has not signed in")
		}
		w.clock.advance(6*day - time.Hour)
		w.wantCode("a cookie after 30 days less an hour", cookie, credential.OK)
		w.clock.advance(time.Hour)
		w.wantCode("a cookie after 30 days", cookie, credential.CodeExpired)

		s, err = w.SignIn(background, r)
		w.ok(err)
		w.ok(w.SignOut(background, w.principal(s.Token.Reveal()), false))
		w.wantCode("a cookie that was signed out", s.Token.Reveal(), credential.CodeRevoked)
	})
}

// Of a session that is over nothing is kept.
func TestSessionsAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		over := w.signIn("ada")
		w.wantCode("used", over.Access.Token.Reveal(), credential.OK)
		w.clock.advance(authority.SessionLifetime)
		live := w.signIn("ada")
		w.wantCode("used", live.Access.Token.Reveal(), credential.OK)
		w.ok(w.Flush(background))
		w.ok(w.store.ForgetSessions(background, w.clock.now().Add(time.Second)))
		rows := storetest.Dump(t, w.raw(), "sessions", "credential_uses")
		if strings.Contains(rows, over.Session.ID.String()) || !strings.Contains(rows, live.Session.ID.String()) {
			t.Errorf("what is kept of a session that is over, and of one that goes on:\n%s", rows)
		}
	})
}
