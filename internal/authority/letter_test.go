package authority_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// eachWithMail runs a test on every database, where letters are delivered.
func eachWithMail(t *testing.T, rules authority.AccountRules, test func(t *testing.T, w *world)) {
	rules.Mail, rules.VerifyEmail = true, true
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, cfg)
		w.Authority = authority.New(authority.Config{Store: w.store, Schemes: cfg.Schemes, Now: w.clock.now, Issuer: issuer, Accounts: rules, PasswordMemory: cheap})
		test(t, w)
	})
}

// letters takes what waits in the outbox.
func (w *world) letters() (list []store.Letter) {
	w.t.Helper()
	messages, err := w.store.DueMessages(background, w.clock.now(), 100)
	for _, m := range must(w, messages, err) {
		l, err := w.store.Letter(&m)
		list = append(list, must(w, l, err))
		w.ok(w.store.DropMessage(background, m.ID))
	}
	return list
}

// letter is the only one that waits, and the link code in it.
func (w *world) letter(to, subject string) (text, code string) {
	w.t.Helper()
	list := w.letters()
	if len(list) != 1 || list[0].To != to || list[0].Subject != subject {
		w.t.Fatalf("%d letters wait (%+v), want one to %s: %s", len(list), list, to, subject)
	}
	return list[0].Text, regexp.MustCompile(`link-[0-9A-Za-z]+`).FindString(list[0].Text)
}

func TestVerifyEmail(t *testing.T) {
	eachWithMail(t, authority.AccountRules{}, func(t *testing.T, w *world) {
		r := authority.RegisterRequest{Email: "new@example.test", Name: "Click https://evil.example", Password: password}
		_, err := w.Register(background, r)
		w.ok(err)
		text, code := w.letter("new@example.test", "Confirm your address")
		if !strings.Contains(text, issuer+"/console/verify-email#token="+code) || strings.Contains(text, "evil") {
			t.Errorf("the letter says %s", text)
		}
		in := authority.SignInRequest{Email: r.Email, Password: password}
		_, err = w.SignIn(background, in)
		wantRefused(t, "before", err, "not verified")
		wantField(t, "as a new password", w.ResetPassword(background, code, "another horse battery", authority.Origin{}), "token")
		w.ok(w.VerifyEmail(background, code, authority.Origin{}))
		wantField(t, "once more", w.VerifyEmail(background, code, authority.Origin{}), "token")
		w.ok(second(w.SignIn(background, in)))

		r.Email = "late@example.test"
		_, err = w.Register(background, r)
		w.ok(err)
		_, code = w.letter(r.Email, "Confirm your address")
		w.clock.advance(24 * time.Hour)
		wantField(t, "after a day", w.VerifyEmail(background, code, authority.Origin{}), "token")
	})
}

// Whether an address has an account is told to its owner alone.
func TestL4_RegisterTellsTheOwner(t *testing.T) {
	eachWithMail(t, authority.AccountRules{}, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		before := w.users["ada"].ID
		id, err := w.Register(background, authority.RegisterRequest{Email: "ADA@example.test", Name: "Mallory", Password: "another horse battery"})
		if w.ok(err); id == before {
			t.Error("the answer has the id of the account")
		}
		if text, code := w.letter("ada@example.test", "You have an account already"); code != "" || strings.Contains(text, "Mallory") {
			t.Errorf("the letter says %s", text)
		}
		w.signIn("ada")
	})
}

// Nobody fills somebody's mailbox by registering their address over and over.
func TestRegisteredOverAndOver(t *testing.T) {
	eachWithMail(t, authority.AccountRules{}, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		again := func() {
			t.Helper()
			w.ok(second(w.Register(background, authority.RegisterRequest{Email: "ada@example.test", Name: "Mallory", Password: "another horse battery"})))
		}
		for range 3 {
			again()
		}
		w.letter("ada@example.test", "You have an account already")
		w.clock.advance(time.Minute)
		again()
		w.letter("ada@example.test", "You have an account already")
	})
}

func TestForgotPassword(t *testing.T) {
	eachWithMail(t, authority.AccountRules{ResetURL: "https://app.example.test/reset"}, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		s := w.signIn("ada")
		forgot := func(email string) {
			t.Helper()
			w.ok(w.ForgotPassword(background, email, authority.Origin{Address: here}))
		}
		forgot("nobody@example.test")
		if list := w.letters(); len(list) != 0 {
			t.Errorf("letters to nobody: %+v", list)
		}
		forgot("Ada@example.test")
		forgot("ada@example.test")
		text, older := w.letter("ada@example.test", "A new password")
		if !strings.Contains(text, "https://app.example.test/reset#token="+older) {
			t.Errorf("the letter says %s", text)
		}
		w.clock.advance(15*time.Minute - time.Millisecond)
		forgot("ada@example.test")
		w.clock.advance(time.Millisecond)
		forgot("ada@example.test")
		_, code := w.letter("ada@example.test", "A new password")
		wantField(t, "the older link", w.ResetPassword(background, older, "another horse battery", authority.Origin{}), "token")
		operators, err := w.PasswordCode(background, w.op, w.ref("ada"))
		w.ok(err)
		w.ok(w.ResetPassword(background, code, "another horse battery", authority.Origin{}))
		wantField(t, "the operator's code, once there is a new password", w.ResetPassword(background, operators.Reveal(), password, authority.Origin{}), "token")
		_, err = w.refresh(s.Token.Reveal())
		wantRefused(t, "a session of before", err, "refresh token")

		w.ok(second(w.Deactivate(background, w.op, w.ref("ada"))))
		w.clock.advance(time.Hour)
		forgot("ada@example.test")
		if list := w.letters(); len(list) != 0 {
			t.Errorf("letters to who is deactivated: %+v", list)
		}
	})
}

// No letter takes the place of a code that the operator made, and that code
// says nothing of whose an address is.
func TestPasswordCodeStands(t *testing.T) {
	eachWithMail(t, authority.AccountRules{}, func(t *testing.T, w *world) {
		r := authority.RegisterRequest{Email: "new@example.test", Name: "New", Password: password}
		_, err := w.Register(background, r)
		w.ok(err)
		code, err := w.PasswordCode(background, w.op, authority.UserRef{Email: r.Email})
		w.ok(err)
		w.ok(w.ForgotPassword(background, r.Email, authority.Origin{}))
		w.ok(w.ResetPassword(background, code.Reveal(), "another horse battery", authority.Origin{}))
		_, err = w.SignIn(background, authority.SignInRequest{Email: r.Email, Password: "another horse battery"})
		wantRefused(t, "an address that was not verified", err, "not verified")
	})
}

// Where accounts are made by the operator alone, nobody registers.
func TestRegistrationClosed(t *testing.T) {
	eachWithMail(t, authority.AccountRules{Closed: true}, func(t *testing.T, w *world) {
		_, err := w.Register(background, authority.RegisterRequest{Email: "new@example.test", Name: "New", Password: password})
		wantKind(t, "register", err, credential.Forbidden)
	})
}
