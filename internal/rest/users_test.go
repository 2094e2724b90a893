package rest_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

const (
	password = "correct horse battery"
	extra    = "/v1/users/extra@acme.test"
)

var browser = authority.Origin{Address: netip.MustParseAddr("203.0.113.7"), UserAgent: "a browser"}

// choosePassword gives a user the password, by a code of the operator.
func (w *world) choosePassword(t testing.TB, email string) (code string) {
	t.Helper()
	var out api.PasswordCode
	w.must(t, "POST", "/v1/users/"+email+"/password-code", nil, &out)
	if err := w.authority.ResetPassword(context.Background(), out.Code, password, browser); err != nil {
		t.Fatalf("choose a password: %v", err)
	}
	return out.Code
}

// signIn begins a session of a user who has the password.
func (w *world) signIn(t testing.TB, email string) *authority.SignedIn {
	t.Helper()
	s, err := w.authority.SignIn(context.Background(), authority.SignInRequest{Email: email, Password: password, From: browser})
	if err != nil {
		t.Fatalf("sign in: %v", err)
	}
	return s
}

// works reports whether an access token is let in.
func (w *world) works(t testing.TB, s *authority.SignedIn) bool {
	t.Helper()
	w.secrets["session"] = s.Access.Token.Reveal()
	return w.do(t, request{method: "GET", path: "/v1/self", as: "session"}).status == 200
}

func (w *world) person(t testing.TB, method, path string) (p api.Person) {
	t.Helper()
	w.do(t, request{method: method, path: path, as: "operator"}).decode(t, &p)
	return p
}

func (w *world) sessions(t testing.TB) (ids []string) {
	t.Helper()
	var list api.List[api.Session]
	w.do(t, request{method: "GET", path: extra + "/sessions", as: "operator"}).decode(t, &list)
	for _, s := range list.Items {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestUserByAnyName(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		want := w.person(t, "GET", extra)
		if want.Email != "extra@acme.test" || want.Name != "The extra" || want.State != "active" || want.Number == 0 ||
			want.EmailVerifiedAt == nil || want.CreatedAt.IsZero() || want.TwoFactor != (api.TwoFactor{}) {
			t.Errorf("got %+v", want)
		}
		for _, name := range []string{want.ID, "usr_" + strings.ReplaceAll(want.ID, "-", ""), "EXTRA@acme.test", "extra%40acme.test"} {
			if got := w.person(t, "GET", "/v1/users/"+name); got.ID != want.ID {
				t.Errorf("%s: got %+v", name, got)
			}
		}
		// Who belongs to no organization any more is found still.
		w.must(t, "DELETE", "/v1/organizations/1/members/extra@acme.test", nil, nil)
		if got := w.person(t, "GET", extra); got.ID != want.ID {
			t.Errorf("after the last membership: got %+v", got)
		}
	})
}

func TestSessionsOfAUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		if a := w.do(t, request{method: "GET", path: extra + "/sessions", as: "operator"}); string(a.body) != `{"items":[]}` {
			t.Errorf("before the first session: got %s", a.body)
		}
		w.choosePassword(t, "extra@acme.test")
		first := w.signIn(t, "extra@acme.test")
		w.clock.advance(time.Minute)
		second, third := w.signIn(t, "extra@acme.test"), w.signIn(t, "extra@acme.test")
		var list api.List[api.Session]
		w.must(t, "GET", extra+"/sessions", nil, &list)
		got, s := list.Items[len(list.Items)-1], first.Session
		want := api.Session{ID: s.ID.String(), UserAgent: "a browser", Address: "203.0.113.7", CreatedAt: s.CreatedAt, LastUsedAt: s.CreatedAt, ExpiresAt: s.CreatedAt.Add(authority.SessionIdle)}
		if len(list.Items) != 3 || got != want {
			t.Errorf("got %d, the oldest %+v\nwant 3, the oldest %+v", len(list.Items), got, want)
		}

		w.must(t, "DELETE", extra+"/sessions/"+second.Session.ID.String(), nil, nil)
		if w.works(t, second) || !w.works(t, first) || !w.works(t, third) {
			t.Error("to end one session ended another, or none")
		}
		w.must(t, "DELETE", extra+"/sessions/"+authority.PublicID("ses", third.Session.ID), nil, nil)
		if ids := w.sessions(t); len(ids) != 1 || ids[0] != first.Session.ID.String() {
			t.Errorf("left are %v, want %s", ids, first.Session.ID)
		}
		session := func(id string) request {
			return request{method: "DELETE", path: extra + "/sessions/" + id, as: "operator"}
		}
		elsewhere := request{method: "DELETE", path: "/v1/users/guest@acme.test/sessions/" + first.Session.ID.String(), as: "operator"}
		checkRefusals(t, w, []refusal{
			{"ended already", session(second.Session.ID.String()), 404, "not_found", ""},
			{"nobody's", session(nobody), 404, "not_found", ""},
			{"another user's", elsewhere, 404, "not_found", ""},
			{"no id", session("all"), 404, "not_found", ""},
			{"the id of nothing", session("00000000-0000-0000-0000-000000000000"), 404, "not_found", ""},
			{"the id of nothing, in digits", session("ses_" + strings.Repeat("0", 32)), 404, "not_found", ""},
			{"by a token", session(w.secrets["owner"]), 404, "not_found", ""},
		})

		w.signIn(t, "extra@acme.test")
		for range 2 { // which may be repeated
			w.must(t, "DELETE", extra+"/sessions", nil, nil)
			if ids := w.sessions(t); len(ids) != 0 || w.works(t, first) {
				t.Errorf("after all were ended there are %v", ids)
			}
		}
		w.signIn(t, "extra@acme.test")
	})
}

func TestDeactivateAUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		w.choosePassword(t, "extra@acme.test")
		s := w.signIn(t, "extra@acme.test")
		pat := w.issue(t, "pat", api.CreateCredential{Scheme: "testkase_pat", Name: "pat", Organization: w.acme.ID, User: "extra@acme.test", ExpiresIn: "90d"})
		for range 2 {
			if p := w.person(t, "POST", extra+"/deactivate"); p.State != "deactivated" || p.Email != "extra@acme.test" {
				t.Errorf("deactivated: got %+v", p)
			}
		}
		if code := w.code(t, pat.Secret); code != "revoked" || w.works(t, s) {
			t.Errorf("deactivated: the token is %s, the session works: %t", code, w.works(t, s))
		}
		if _, err := w.authority.SignIn(context.Background(), authority.SignInRequest{Email: "extra@acme.test", Password: password, From: browser}); err == nil {
			t.Error("a deactivated user signed in")
		}
		checkRefusals(t, w, []refusal{
			{"a code for a deactivated user", request{method: "POST", path: extra + "/password-code", as: "operator"}, 409, "conflict", ""},
			{"the only owner", request{method: "POST", path: "/v1/users/owner@acme.test/deactivate", as: "operator"}, 409, "conflict", ""},
		})
		if a := w.do(t, request{method: "POST", path: "/v1/users/owner@acme.test/deactivate", as: "operator"}); !strings.Contains(a.problem(t).Detail, "only owner of organization Acme") {
			t.Errorf("the only owner: %s", a.body)
		}
		for range 2 {
			if p := w.person(t, "POST", extra+"/reactivate"); p.State != "active" {
				t.Errorf("reactivated: got %+v", p)
			}
		}
		if code := w.code(t, pat.Secret); code != "revoked" || w.works(t, s) {
			t.Errorf("reactivated: the token of before is %s, the session works: %t", code, w.works(t, s))
		}
		if s := w.signIn(t, "extra@acme.test"); !w.works(t, s) {
			t.Error("a reactivated user is not let in")
		}
		w.wantEvents(t, "user.deactivate", 1)
		w.wantEvents(t, "user.reactivate", 1)
	})
}

// wantEvents counts the events of the installation with an action.
func (w *world) wantEvents(t testing.TB, action string, want int) {
	t.Helper()
	events := w.do(t, request{method: "GET", path: "/v1/audit/events?limit=200", as: "operator"})
	if got := strings.Count(string(events.body), fmt.Sprintf(`"action":%q`, action)); got != want {
		t.Errorf("got %d events %s, want %d", got, action, want)
	}
}

func TestUnlockAUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		w.choosePassword(t, "extra@acme.test")
		try := func(password string) error {
			_, err := w.authority.SignIn(context.Background(), authority.SignInRequest{Email: "extra@acme.test", Password: password, From: browser})
			return err
		}
		for range 5 {
			if err := try("wrong"); err == nil {
				t.Fatal("a wrong password was right")
			}
		}
		if err := try(password); err == nil || !strings.Contains(err.Error(), "locked") {
			t.Errorf("after five failures: %v", err)
		}
		if p := w.person(t, "POST", extra+"/unlock"); p.State != "active" {
			t.Errorf("unlocked: got %+v", p)
		}
		if err := try(password); err != nil {
			t.Errorf("unlocked: %v", err)
		}
		w.wantEvents(t, "user.unlock", 1)
	})
}

func TestTwoFactorOfAUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		w.choosePassword(t, "extra@acme.test")
		s := w.signIn(t, "extra@acme.test")
		d, err := w.authority.Verify(context.Background(), s.Access.Token.Reveal(), authority.Verification{})
		if err != nil {
			t.Fatal(err)
		}
		setup, err := w.authority.SetUpTwoFactor(context.Background(), &d.Principal, password)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.person(t, "GET", extra).TwoFactor; got != (api.TwoFactor{}) {
			t.Errorf("set up and not on: got %+v", got)
		}
		code, err := totp.GenerateCode(setup.Secret.Reveal(), w.clock.now())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.authority.EnableTwoFactor(context.Background(), &d.Principal, code); err != nil {
			t.Fatal(err)
		}
		again := authority.SignInRequest{Email: "extra@acme.test", Password: password, Code: setup.BackupCodes[0].Reveal(), From: browser}
		if _, err := w.authority.SignIn(context.Background(), again); err != nil {
			t.Fatal(err)
		}
		if got, want := w.person(t, "GET", extra).TwoFactor, (api.TwoFactor{Enabled: true, BackupCodesLeft: 9}); got != want {
			t.Errorf("on, and one code used: got %+v, want %+v", got, want)
		}
		if p := w.person(t, "DELETE", extra+"/two-factor"); p.TwoFactor != (api.TwoFactor{}) || p.Email != "extra@acme.test" {
			t.Errorf("reset: got %+v", p)
		}
		if w.works(t, s) || len(w.sessions(t)) != 0 {
			t.Error("sessions go on after the second factor was reset")
		}
		w.signIn(t, "extra@acme.test")
		w.wantEvents(t, "two_factor.reset", 1)
	})
}

// A code is in the one answer that made it, and nowhere else: in no later
// answer, not in the audit, the log or the database.
func TestPasswordCodeIsShownOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		var first, second api.PasswordCode
		w.must(t, "POST", extra+"/password-code", nil, &first)
		w.must(t, "POST", extra+"/password-code", nil, &second)
		if in := time.Until(second.ExpiresAt); in > time.Hour || in < time.Hour-time.Minute || !strings.HasPrefix(second.Code, "link-") || first.Code == second.Code {
			t.Errorf("got %q for %s, after %q", second.Code, in, first.Code)
		}
		reset := func(code, password string) error {
			return w.authority.ResetPassword(context.Background(), code, password, browser)
		}
		if err := reset(first.Code, password); err == nil {
			t.Error("the code before the last is good")
		}
		if err := reset(second.Code, "short"); err == nil {
			t.Error("a short password is taken")
		}
		if err := reset(second.Code, password); err != nil {
			t.Errorf("the code is not good after a password that was too short: %v", err)
		}
		if err := reset(second.Code, password); err == nil {
			t.Error("the code is good twice")
		}
		var late api.PasswordCode
		w.must(t, "POST", extra+"/password-code", nil, &late)
		places := map[string]string{"the log": w.logs.String(), "the database": w.checksum(t)}
		for _, path := range []string{extra, extra + "/sessions", "/v1/audit/events?limit=200", "/v1/organizations/1/members"} {
			places[path] = string(w.do(t, request{method: "GET", path: path, as: "operator"}).body)
		}
		for place, text := range places {
			for _, code := range []string{first.Code, second.Code, late.Code} {
				if strings.Contains(text, strings.TrimPrefix(code, "link-")) {
					t.Errorf("%s shows a code", place)
				}
			}
		}
		w.clock.advance(time.Hour)
		if err := reset(late.Code, password); err == nil {
			t.Error("the code is good after an hour")
		}
		w.wantEvents(t, "user.password_code", 3)
		w.wantEvents(t, "user.reset_password", 1)
	})
}

// Users of the whole installation are the operator's: not even an owner who
// signed in, and no key above organizations, learns whether there is one.
func TestUsersAreTheOperatorsAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		w.choosePassword(t, "owner@acme.test")
		w.secrets["session"] = w.signIn(t, "owner@acme.test").Access.Token.Reveal()
		before := w.checksum(t)
		for _, r := range w.edge.Routes() {
			if !strings.HasPrefix(r.Pattern, "/v1/users/") {
				continue
			}
			for _, as := range append(w.columns(), "session") {
				if as == "operator" {
					continue
				}
				status := func(user string) int {
					s := aimed(w, r, map[string]string{"user": user})
					if s.as = as; as == "none" {
						s.as = ""
					}
					return w.do(t, s).status
				}
				known, unknown := status("extra@acme.test"), status("nobody@acme.test")
				if known != unknown || !slices.Contains([]int{401, 403}, known) || as == "session" && known != 403 {
					t.Errorf("%s as %s: got %d, and %d for nobody", nameOf(r), as, known, unknown)
				}
			}
			for _, user := range []string{"nobody@acme.test", nobody} {
				s := aimed(w, r, map[string]string{"user": user})
				s.as = "operator"
				if a := w.do(t, s); a.status != 404 || a.problem(t).Detail != "no such user" {
					t.Errorf("%s of %s: got %d %s, want 404", nameOf(r), user, a.status, a.body)
				}
			}
			for _, user := range []string{"extra", "usr_1", "@", "usr_" + strings.Repeat("0", 32)} {
				s := aimed(w, r, map[string]string{"user": user})
				s.as = "operator"
				if a := w.do(t, s); a.status != 422 || a.problem(t).Field != "user" {
					t.Errorf("%s of %q: got %d %s, want 422", nameOf(r), user, a.status, a.body)
				}
			}
		}
		if after := w.checksum(t); after != before {
			t.Errorf("something was changed:\n%.2000s", difference(before, after))
		}
	})
}
