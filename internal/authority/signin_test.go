package authority_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

const (
	wrong  = authority.WrongPassword
	locked = "Account temporarily locked. Try again later."
)

// tries is a sign-in with a wrong password, in some spelling of the address.
func (w *world) tries(email string, from netip.Addr) error {
	r := authority.SignInRequest{Email: email, Password: "not the password", From: authority.Origin{Address: from}}
	return second(w.SignIn(background, r))
}

func (w *world) from(name string, addr netip.Addr) error {
	r := login(name)
	r.From.Address = addr
	return second(w.SignIn(background, r))
}

// Five failures lock an account for a quarter of an hour, whether there is one
// or not, and however its address is spelled.
func TestL2_FiveFailures(t *testing.T) {
	for _, name := range []string{"ada", "nobody"} {
		each(t, func(t *testing.T, w *world) {
			w.person("ada", credential.Member)
			for i, spelled := range []string{"%s@example.test", " %s@example.test", "%s@EXAMPLE.test", "%s@example.TEST ", "\t%s@Example.Test"} {
				w.clock.advance(time.Minute)
				wantRefused(t, fmt.Sprint("failure ", i), w.tries(fmt.Sprintf(spelled, name), here), wrong)
			}
			wantRefused(t, "the sixth", w.tries(name+"@example.test", elsewhere), locked)
			wantRefused(t, "the right password", w.from(name, here), locked)
			w.clock.advance(15*time.Minute - time.Millisecond)
			w.reopen()
			wantRefused(t, "after a restart", w.from(name, here), locked)
			w.clock.advance(time.Millisecond)
			if err := w.from(name, here); name == "ada" {
				w.ok(err)
				for range 4 { // it counts from the start again
					wantRefused(t, "a failure after a success", w.tries("ada@example.test", elsewhere), wrong)
				}
				w.ok(w.from(name, elsewhere))
			} else {
				wantRefused(t, "after the lock", err, wrong)
			}
		})
	}
}

// However many try at once, no more than five passwords are tried.
func TestL2_AtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		var wrongs, locks atomic.Int64
		race(64, func(int) {
			switch err := w.tries("ada@example.test", here); {
			case err != nil && err.Error() == wrong:
				wrongs.Add(1)
			case err != nil && err.Error() == locked:
				locks.Add(1)
			default:
				t.Error(err)
			}
		})
		if wrongs.Load() != 5 || locks.Load() != 59 {
			t.Errorf("%d passwords were tried and %d refused, want 5 and 59", wrongs.Load(), locks.Load())
		}
	})
}

// An outage is nobody's failure: it locks nobody out, and what was done is done.
func TestL3_OutagesDontLock(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		p := w.session("ada")
		for _, step := range []struct{ sort, table string }{{"INSERT", "sessions"}, {"INSERT", "audit_events"}} {
			allow := storetest.Refuse(t, w.cfg, step.sort, step.table)
			for range 7 {
				if err := w.from("ada", elsewhere); err == nil || strings.Contains(err.Error(), locked) || strings.Contains(err.Error(), wrong) {
					t.Errorf("while %s can't be stored: %v", step.table, err)
				}
			}
			if step.table == "audit_events" {
				for range 7 { // a wrong one counts, also where that can't be told
					_ = w.tries("ada@example.test", elsewhere)
				}
				wantRefused(t, "after wrong ones", w.from("ada", elsewhere), locked)
			}
			allow()
			w.ok(w.from("ada", here))
		}
		allow := storetest.Refuse(t, w.cfg, "UPDATE", "sign_in_attempts")
		if err := w.ChangePassword(background, p, password, "another horse battery"); err == nil {
			t.Error("an attempt that can't be counted was made")
		}
		allow()
		gone, cancel := context.WithCancel(background)
		cancel()
		for range 7 {
			wantKind(t, "who has gone", second(w.SignIn(gone, login("ada"))), credential.Unavailable)
		}
		w.ok(w.from("ada", elsewhere))
	})
}

// Whoever signed in before isn't locked out by somebody else; in a row there
// are a hundred failures at most.
func TestL2_L3_AHundredFailures(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.person("ada", credential.Member)
	w.ok(w.from("ada", here))
	failures := 0
	for range 25 {
		for range 6 {
			if err := w.tries("ada@example.test", elsewhere); err != nil && err.Error() == wrong {
				failures++
			}
		}
		wantRefused(t, "from elsewhere", w.from("ada", netip.MustParseAddr("192.0.2.1")), locked)
		w.clock.advance(15 * time.Minute)
	}
	if failures != 100 {
		t.Errorf("%d passwords were tried, want 100", failures)
	}
	wantRefused(t, "from elsewhere, for good", w.from("ada", elsewhere), locked)
	w.ok(w.from("ada", here))
	w.ok(w.from("ada", elsewhere))
}

// What lets a user in again after a hundred failures.
func TestL3_NotForEver(t *testing.T) {
	ways := map[string]func(w *world) error{
		"from a known place": func(w *world) error { return w.from("ada", here) },
		"by a new password": func(w *world) error {
			code, err := w.PasswordCode(background, w.op, w.ref("ada"))
			w.ok(err)
			return w.ResetPassword(background, code.Reveal(), password, authority.Origin{})
		},
		"by the operator": func(w *world) error { return second(w.Unlock(background, w.op, w.ref("ada"))) },
	}
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		w.ok(w.from("ada", here))
		for name, way := range ways {
			other := netip.AddrFrom4([4]byte{192, 0, 2, byte(len(name))})
			wantRefused(t, "a failure", w.tries("ada@example.test", other), wrong)
			if _, err := w.raw().Exec("UPDATE sign_in_attempts SET total = 100 WHERE failures > 0"); err != nil {
				t.Fatal(err)
			}
			w.clock.advance(30 * day)
			wantRefused(t, name+": before", w.from("ada", other), locked)
			w.ok(way(w))
			w.ok(w.from("ada", other))
		}
	})
}

// A failure counts as one; a missing code doesn't, and a wrong one does.
func TestL2_CodesCount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		w.enable(w.session("ada"))
		for range 8 {
			_, err := w.SignIn(background, login("ada"))
			wantKind(t, "no code", err, credential.CodeRequired)
		}
		for range 5 {
			_, err := w.SignIn(background, withCode("ada", "abcdef"))
			wantKind(t, "a wrong code", err, credential.CodeWrong)
		}
		_, err := w.SignIn(background, login("ada"))
		wantRefused(t, "after five wrong codes", err, locked)
	})
}

// Networks of IPv6 are one place; an unknown address is none.
func TestL3_Places(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		w.ok(w.from("ada", netip.MustParseAddr("2001:db8:1:2::1")))
		w.ok(w.from("ada", netip.Addr{}))
		for range 5 {
			wantRefused(t, "a failure", w.tries("ada@example.test", netip.MustParseAddr("2001:db8:1:3::1")), wrong)
		}
		wantRefused(t, "another network", w.from("ada", netip.MustParseAddr("2001:db8:1:3::1")), locked)
		wantRefused(t, "no address", w.from("ada", netip.Addr{}), locked)
		w.ok(w.from("ada", netip.MustParseAddr("2001:db8:1:2:ffff::9")))
	})
}

// Nobody learns from the time of an answer whether there is an account: a
// password that is wrong takes as long for one that there isn't. The medians
// of interleaved samples are compared, in the time of the processor, so that
// what else the machine does matters little; most of it goes into the hash.
func TestL4_SameTime(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.Authority = authority.New(authority.Config{Store: w.store, Schemes: w.cfg.Schemes, Now: w.clock.now, Issuer: issuer, PasswordMemory: 4096})
	w.person("ada", credential.Member)
	w.person("gone", credential.Member)
	w.ok(second(w.Deactivate(background, w.op, w.ref("gone"))))
	const samples, rounds, most = 15, 8, 0.1
	gap, took := 1.0, map[string][]time.Duration{}
	for round := 0; round < rounds && gap > most; round++ {
		gap = w.signInGap(took, round, samples)
	}
	if gap > most {
		t.Errorf("the medians of %d samples lie %.0f %% apart; at most %.0f %%", rounds*samples, 100*gap, 100*most)
	}
}

// signInGap adds samples of what failures to sign in take, and is how far apart
// the medians of all of them are, as a part of the longest.
func (w *world) signInGap(took map[string][]time.Duration, round, samples int) float64 {
	w.t.Helper()
	for sample := range samples {
		for _, name := range []string{"ada", "gone", "nobody"} {
			email := name + "@example.test"
			if name == "nobody" { // whom nobody can unlock
				email = fmt.Sprintf("nobody-%d-%d@example.test", round, sample)
			} else {
				w.ok(second(w.Unlock(background, w.op, w.ref(name))))
			}
			start := processorTime(w.t)
			err := w.tries(email, here)
			took[name] = append(took[name], processorTime(w.t)-start)
			wantRefused(w.t, name, err, wrong)
		}
	}
	var medians []time.Duration
	for _, list := range took {
		slices.Sort(list)
		medians = append(medians, list[len(list)/2])
	}
	return float64(slices.Max(medians)-slices.Min(medians)) / float64(slices.Max(medians))
}

// processorTime is how long this process has been computing.
func processorTime(t testing.TB) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func TestK9_WholePassword(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	base := strings.Repeat("0123456789", 8) + "xyz"
	m := w.user(w.org, "plain", credential.Member)
	set := func(password string) error {
		code, err := w.PasswordCode(background, w.op, authority.UserRef{ID: m.ID})
		w.ok(err)
		return w.ResetPassword(background, code.Reveal(), password, authority.Origin{})
	}
	try := func(password string) bool {
		r := login("plain")
		r.Password = password
		_, err := w.SignIn(background, r)
		w.ok(second(w.Unlock(background, w.op, authority.UserRef{ID: m.ID})))
		return err == nil
	}
	w.ok(set(base))
	for name, other := range map[string]string{
		"another after 80 bytes": base[:80] + "xyZ", "one byte less": base[:len(base)-1], "one more": base + "!", "a NUL more": base + "\x00",
		"cut at 72": base[:72], "none": "", "a megabyte": strings.Repeat("x", 1<<20), "no UTF-8": base[:79] + "\xff",
	} {
		if try(other) {
			t.Errorf("%s is taken for the password", name)
		}
	}
	w.ok(set("p\x00ssword of NULs"))
	if try("p") || try("p\x00") || !try("p\x00ssword of NULs") {
		t.Error("a NUL ends a password")
	}
	w.ok(set(norm.NFD.String("pässwörter")))
	if !try(norm.NFC.String("pässwörter")) || !try(norm.NFD.String("pässwörter")) || try(norm.NFKC.String("paſſwörter")) {
		t.Error("NFC and NFD of a password are not the same, or another is")
	}
	w.ok(set(strings.Repeat("é", 512)))
	for name, weak := range map[string]string{
		"short": "abc defg"[:7], "common": "PassWord123", "common, other case": "QWERTYUIOP", "the product": "gatehouse!", "own name": "plain", "own address": "Plain@Example.test",
		"too long": strings.Repeat("x", 1025), "no UTF-8": "\xff\xfe123456789",
	} {
		wantField(t, name, set(weak), "password")
	}
}

// A link works once, for its purpose, while it is the latest and in its time.
func TestX8_LinksOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		code := func() string {
			c, err := w.PasswordCode(background, w.op, w.ref("ada"))
			return must(w, c, err).Reveal()
		}
		reset := func(code, password string) error {
			return w.ResetPassword(background, code, password, authority.Origin{Address: here})
		}
		older, latest := code(), code()
		wantField(t, "an older link", reset(older, "another horse battery"), "token")
		wantField(t, "a link that verifies addresses", w.VerifyEmail(background, latest, authority.Origin{}), "token")
		wantField(t, "a weak password", reset(latest, "password"), "password")
		var done atomic.Int64
		race(16, func(i int) {
			if reset(latest, fmt.Sprint("another horse battery ", i)) == nil {
				done.Add(1)
			}
		})
		if done.Load() != 1 {
			t.Errorf("one link set %d passwords", done.Load())
		}
		late := code()
		w.clock.advance(time.Hour)
		wantField(t, "a link after an hour", reset(late, password), "token")
		for name, bad := range map[string]string{"nothing": "", "a typo": late[:len(late)-1] + "!", "another text": "setup-" + late[5:]} {
			wantField(t, name, reset(bad, password), "token")
		}
		last := code()
		w.ok(second(w.Deactivate(background, w.op, w.ref("ada"))))
		wantField(t, "a link of a user who was deactivated", reset(last, password), "token")
		w.ok(second(w.Reactivate(background, w.op, w.ref("ada"))))
		wantField(t, "that link after they came back", reset(last, password), "token")
	})
}

// A new password ends the other sessions; the user's tokens stay.
func TestL10_NewPassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		pat := w.issue(w.op, w.forUser("betahub_pat", "ada")).Secret.Reveal()
		s, other := w.signIn("ada"), w.signIn("ada")
		p := w.principal(s.Access.Token.Reveal())
		wantField(t, "the same password", w.ChangePassword(background, p, password, password), "newPassword")
		wantField(t, "a common password", w.ChangePassword(background, p, password, "password1"), "newPassword")
		w.ok(w.ChangePassword(background, p, password, "another horse battery"))
		w.wantCode("the session that changed it", s.Access.Token.Reveal(), credential.OK)
		w.wantCode("another session", other.Access.Token.Reveal(), credential.CodeRevoked)
		w.wantCode("the user's token", pat, credential.OK)
		wantRefused(t, "the old password", w.from("ada", here), wrong)
	})
}

// Accounts that people make for themselves belong nowhere, and are made once.
func TestRegister(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := authority.RegisterRequest{Email: "New@Example.Test", Name: "New", Password: password, From: authority.Origin{Address: here}}
		var made atomic.Int64
		race(8, func(int) {
			_, err := w.Register(background, r)
			if err == nil {
				made.Add(1)
				return
			}
			wantKind(t, "a second account", err, credential.Conflict)
		})
		if made.Load() != 1 {
			t.Errorf("%d accounts of one address", made.Load())
		}
		s, err := w.SignIn(background, authority.SignInRequest{Email: "new@example.test", Password: password})
		w.ok(err)
		p := w.principal(s.Access.Token.Reveal())
		if p.Organization != uuid.Nil || p.Permissions != 0 || p.InstallationWide() {
			t.Errorf("a new account acts in %s with %v", p.Organization, p.Permissions.List())
		}
		_, err = w.List(background, p, authority.ListRequest{Limit: 10})
		wantKind(t, "list credentials", err, credential.Forbidden)
		for field, bad := range map[string]authority.RegisterRequest{
			"email":    {Email: "nobody", Name: "x", Password: password},
			"name":     {Email: "x@example.test", Password: password},
			"password": {Email: "x@example.test", Name: "x"},
		} {
			_, err := w.Register(background, bad)
			wantField(t, "register", err, field)
		}
	})
}

// Whoever registers somebody else's address doesn't get the place that is meant
// for its owner.
func TestL13_RegisteredBeforehand(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, err := w.Register(background, authority.RegisterRequest{Email: "ada@example.test", Name: "Not Ada", Password: "another horse battery"})
		w.ok(err)
		s, err := w.SignIn(background, authority.SignInRequest{Email: "ada@example.test", Password: "another horse battery"})
		w.ok(err)
		wantKind(t, "a member whose address isn't known to be theirs", second(w.CreateUser(background, w.op, w.org.ID,
			authority.UserRequest{Email: "ADA@example.test", Name: "Ada", Role: credential.Owner})), credential.Conflict)
		code, err := w.PasswordCode(background, w.op, authority.UserRef{ID: id})
		w.ok(err)
		w.ok(w.ResetPassword(background, code.Reveal(), password, authority.Origin{Address: here}))
		in, err := w.Invite(background, w.op, w.org.ID, authority.InviteRequest{Email: "ada@example.test", Role: credential.Owner})
		w.ok(err)
		w.ok(second(w.AcceptInvitation(background, w.session("ada"), in.Code.Reveal())))
		w.wantCode("the session of who registered it", s.Access.Token.Reveal(), credential.CodeRevoked)
	})
}
