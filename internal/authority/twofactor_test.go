package authority_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// codeAt is the code of a secret at a time (RFC 6238 section 4, RFC 4226 section 5.3).
func codeAt(secret string, at time.Time) string {
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha1.New, seed)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30)
	sum := mac.Sum(nil)
	cut := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[cut:cut+4])&0x7fffffff%1_000_000)
}

// enable turns a second factor on for a session's user, and moves the clock
// beyond the code that this took.
func (w *world) enable(p *credential.Principal) *authority.TwoFactorSetup {
	w.t.Helper()
	setup, err := w.SetUpTwoFactor(background, p, password)
	w.ok(err)
	w.ok(w.EnableTwoFactor(background, p, codeAt(setup.Secret.Reveal(), w.clock.now())))
	w.clock.advance(30 * time.Second)
	return setup
}

func withCode(name, code string) authority.SignInRequest {
	r := login(name)
	r.Code = code
	return r
}

func TestX2_OneCodeOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		p := w.session("ada")
		setup, err := w.SetUpTwoFactor(background, p, password)
		w.ok(err)
		code := codeAt(setup.Secret.Reveal(), w.clock.now())
		let := func(call func(i int) error) (n int64) {
			var count atomic.Int64
			race(64, func(i int) {
				if call(i) == nil {
					count.Add(1)
				}
			})
			return count.Load()
		}
		if n := let(func(int) error { return w.EnableTwoFactor(background, p, code) }); n != 1 {
			t.Errorf("one code turned it on %d times", n)
		}
		_, err = w.SignIn(background, withCode("ada", code))
		wantKind(t, "the code that turned it on", err, credential.CodeWrong)

		w.clock.advance(time.Minute)
		code = codeAt(setup.Secret.Reveal(), w.clock.now())
		n := let(func(i int) error {
			r := withCode("ada", []string{code, code[:3] + " " + code[3:], code[:3] + "-" + code[3:]}[i%3])
			r.Cookie = i%2 == 0
			return second(w.SignIn(background, r))
		})
		if n != 1 {
			t.Errorf("%d of 64 were let in by one code", n)
		}
		w.ok(second(w.Unlock(background, w.op, w.ref("ada"))))
		wantKind(t, "the code that let in turns it off", w.DisableTwoFactor(background, p, password, code), credential.CodeWrong)
	})
}

func TestX3_BackupCodes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		w.person("bob", credential.Member)
		setup, bobs := w.enable(w.session("ada")), w.enable(w.session("bob"))
		if len(setup.BackupCodes) != 10 {
			t.Fatalf("%d backup codes", len(setup.BackupCodes))
		}
		var let atomic.Int64
		race(64, func(int) {
			if _, err := w.SignIn(background, withCode("ada", setup.BackupCodes[0].Reveal())); err == nil {
				let.Add(1)
			}
		})
		if let.Load() != 1 {
			t.Errorf("%d of 64 were let in by one backup code", let.Load())
		}
		w.ok(second(w.Unlock(background, w.op, w.ref("ada"))))
		w.clock.advance(15 * time.Minute)
		_, err := w.SignIn(background, withCode("ada", bobs.BackupCodes[1].Reveal()))
		wantKind(t, "somebody else's backup code", err, credential.CodeWrong)
		for _, code := range setup.BackupCodes[1:4] {
			w.ok(second(w.SignIn(background, withCode("ada", code.Reveal()))))
		}
		if _, left, err := w.Person(background, w.op, w.ref("ada")); err != nil || left != 6 {
			t.Errorf("%d backup codes are left (%v), want 6", left, err)
		}
	})
}

func TestL5_Codes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		setup := w.enable(w.session("ada"))
		secret := setup.Secret.Reveal()
		w.clock.advance(time.Hour)
		now := w.clock.now()
		try := func(what, code string, let bool) {
			t.Helper()
			_, err := w.SignIn(background, withCode("ada", code))
			if let {
				w.ok(err)
				return
			}
			wantKind(t, what, err, credential.CodeWrong)
		}
		try("two steps ago", codeAt(secret, now.Add(-60*time.Second)), false)
		try("two steps ahead", codeAt(secret, now.Add(60*time.Second)), false)
		try("the step before", codeAt(secret, now.Add(-30*time.Second)), true)
		try("the step before, again", codeAt(secret, now.Add(-30*time.Second)), false)
		try("this step", codeAt(secret, now), true)
		try("the next step", codeAt(secret, now.Add(30*time.Second)), true)
		try("this step after the next", codeAt(secret, now), false)
		w.clock.advance(time.Hour)
		full := ""
		for _, digit := range codeAt(secret, w.clock.now()) {
			full += string(digit - '0' + '０')
		}
		try("digits of full width", full, false)
		try("no digits", "abcdef", false)
		w.reopen()
		try("after a restart", codeAt(secret, w.clock.now()), true)
	})
}

// Ten codes are tried in a quarter of an hour, over all surfaces together.
func TestL5_TenTries(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		p := w.session("ada")
		setup, err := w.SetUpTwoFactor(background, p, password)
		w.ok(err)
		wrong := codeAt(setup.Secret.Reveal(), w.clock.now().Add(-time.Hour))
		for i := range 10 {
			wantKind(t, fmt.Sprint("try ", i), w.EnableTwoFactor(background, p, wrong), credential.CodeWrong)
			w.clock.advance(time.Second)
		}
		right := func() string { return codeAt(setup.Secret.Reveal(), w.clock.now()) }
		wantKind(t, "the eleventh", w.EnableTwoFactor(background, p, right()), credential.TooMany)
		w.reopen()
		wantKind(t, "the eleventh after a restart", w.EnableTwoFactor(background, p, right()), credential.TooMany)
		w.clock.advance(15*time.Minute - 10*time.Second)
		w.ok(w.EnableTwoFactor(background, p, right()))
	})
}

// The second factor is not to be got round.
func TestL6_NoWayRound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		p := w.session("ada")
		setup := w.enable(p)
		_, err := w.SignIn(background, login("ada"))
		wantKind(t, "without a code", err, credential.CodeRequired)
		cookie := login("ada")
		cookie.Cookie = true
		_, err = w.SignIn(background, cookie)
		wantKind(t, "a browser without a code", err, credential.CodeRequired)
		if n := len(must2(w.Sessions(background, p))); n != 1 {
			t.Errorf("%d sessions, want the one that turned it on", n)
		}

		code, err := w.PasswordCode(background, w.op, w.ref("ada"))
		w.ok(err)
		w.ok(w.ResetPassword(background, code.Reveal(), "another horse battery", authority.Origin{Address: here}))
		r := login("ada")
		r.Password = "another horse battery"
		_, err = w.SignIn(background, r)
		wantKind(t, "after a new password", err, credential.CodeRequired)
		r.Code = codeAt(setup.Secret.Reveal(), w.clock.now())
		s, err := w.SignIn(background, r)
		w.ok(err)

		again, err := w.SetUpTwoFactor(background, w.principal(s.Access.Token.Reveal()), "another horse battery")
		wantKind(t, "set up while it is on", err, credential.Conflict)
		if again != nil {
			t.Error("the refusal shows a secret")
		}
	})
}

func must2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Turning it on, and off, takes the password; off takes a code as well.
func TestL7_PasswordOnceMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		p := w.session("ada")
		_, err := w.SetUpTwoFactor(background, p, "wrong")
		wantRefused(t, "set up with a wrong password", err, authority.WrongPassword)
		setup := w.enable(p)
		code := codeAt(setup.Secret.Reveal(), w.clock.now())
		wantRefused(t, "off with a wrong password", w.DisableTwoFactor(background, p, "wrong", code), authority.WrongPassword)
		wantKind(t, "off with a wrong code", w.DisableTwoFactor(background, p, password, "000000"), credential.CodeWrong)
		wantRefused(t, "a new password with a wrong one", w.ChangePassword(background, p, "wrong", "another horse battery"), authority.WrongPassword)
		w.ok(w.DisableTwoFactor(background, p, password, code))
		w.signIn("ada")
		wantKind(t, "off once more", w.DisableTwoFactor(background, p, password, code), credential.NotFound)
		wantKind(t, "on without a set-up", w.EnableTwoFactor(background, p, code), credential.NotFound)
	})
}

// A set-up that was never finished asks for no code, and a new one replaces it.
func TestTwoFactorSetUpAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		p := w.session("ada")
		first, err := w.SetUpTwoFactor(background, p, password)
		w.ok(err)
		w.signIn("ada")
		next, err := w.SetUpTwoFactor(background, p, password)
		w.ok(err)
		wantKind(t, "a code of the first", w.EnableTwoFactor(background, p, codeAt(first.Secret.Reveal(), w.clock.now())), credential.CodeWrong)
		w.ok(w.EnableTwoFactor(background, p, codeAt(next.Secret.Reveal(), w.clock.now())))
		_, err = w.SignIn(background, withCode("ada", first.BackupCodes[0].Reveal()))
		wantKind(t, "a backup code of the first", err, credential.CodeWrong)
		w.ok(second(w.SignIn(background, withCode("ada", next.BackupCodes[0].Reveal()))))
	})
}
