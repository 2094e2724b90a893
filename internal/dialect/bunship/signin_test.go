package bunship_test

import (
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

const (
	wrongLogin = "Invalid email or password"
	lockedOut  = "Account temporarily locked. Try again later."
)

// tries signs in with a wrong password some times over.
func (p *person) tries(n int, change ...func(*http.Request)) {
	p.w.t.Helper()
	for range n {
		p.w.do("POST", "/auth/login", map[string]any{"email": p.email, "password": "Wrong-Horse-1"}, change...).refused("a wrong password", 401, wrongLogin)
	}
}

// Each failure of a login has its documented message, and none tells whether
// there is such an account.
func TestBSD19_LoginFailures(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("owner", credential.Owner)
		ada := w.person("ada", credential.Member)
		login := func(email, password string) answer {
			return w.do("POST", "/auth/login", map[string]any{"email": email, "password": password})
		}
		known, unknown := login(ada.email, "Wrong-Horse-1"), login("nobody@acme.test", "Wrong-Horse-1")
		known.refused("a wrong password", 401, wrongLogin)
		if known.body != unknown.body || known.status != unknown.status {
			t.Errorf("an unknown address is answered differently: %s and %s", known.body, unknown.body)
		}
		login(ada.email, good+" ").refused("a blank more", 401, wrongLogin)
		login(ada.email, "correct-horse-1").refused("another case", 401, wrongLogin)
		_, err := w.Deactivate(background, w.op, ada.ref())
		w.ok(err)
		login(ada.email, good).refused("deactivated", 401, "Account is deactivated")
		login(ada.email, "Wrong-Horse-1").refused("deactivated, with a wrong password", 401, wrongLogin)
		_, err = w.Reactivate(background, w.op, ada.ref())
		w.ok(err)
		w.clock.advance(15 * time.Minute) // those were five failures
		ada.signIn()
	})
}

// Five failures lock an account for 15 minutes, however its address is
// written and whether there is such an account; a success resets the counter.
func TestBSD19_LockedForAQuarterOfAnHour(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, eve := w.person("ada", credential.Owner), w.person("eve", credential.Member)
		for range 2 {
			ada.tries(4)
			ada.signIn() // resets it
		}
		elsewhere := from("203.0.113.7")
		ada.tries(2, elsewhere)
		shouting := *ada
		shouting.email = " ADA@Acme.Test"
		shouting.tries(3, elsewhere)
		ada.login("", elsewhere).refused("locked, with the right password", 401, lockedOut)
		shouting.login("", elsewhere).refused("locked, written otherwise", 401, lockedOut)
		ada.login("", from("203.0.113.8")).refused("locked, from one more place", 401, lockedOut)
		eve.signIn()
		w.clock.advance(15*time.Minute - time.Second)
		ada.login("", elsewhere).refused("locked still", 401, lockedOut)
		w.clock.advance(time.Second)
		ada.signIn(elsewhere)

		nobody := &person{w: w, email: "nobody@acme.test"}
		nobody.tries(5)
		nobody.login("").refused("an account that there isn't", 401, lockedOut)
	})
}

// Who has signed in from a place before is not locked out by strangers.
func TestBSD19_NobodyLocksTheOwnerOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person("ada", credential.Owner)
		ada.signIn(from("203.0.113.7"))
		ada.tries(5, from("198.51.100.1"))
		ada.login("", from("198.51.100.1")).refused("the stranger", 401, lockedOut)
		ada.signIn(from("203.0.113.7"))
	})
}

// An unknown address takes as long as a wrong password: both hash one. (How
// exactly is L-4's to say; without a hash it would be a hundredth.)
func TestBSD19_UnknownTakesAsLong(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t), nil)
	var took [2][]time.Duration
	for i := range 15 {
		for which, name := range []string{"known", "unknown"} {
			email := name + string(rune('a'+i)) + "@acme.test" // so that none gets locked
			if which == 0 {
				email = w.person(name+string(rune('a'+i)), credential.Member).email
			}
			begin := computed(t)
			w.do("POST", "/auth/login", map[string]any{"email": email, "password": "Wrong-Horse-1"}).refused(email, 401, wrongLogin)
			took[which] = append(took[which], computed(t)-begin)
		}
	}
	for i := range took {
		slices.Sort(took[i])
	}
	if known, unknown := took[0][7], took[1][7]; unknown < known/2 || unknown > 2*known {
		t.Errorf("half of the known addresses take %s, of the unknown ones %s", known, unknown)
	}
}

// computed is how long this process has been computing, which what else the
// machine does adds nothing to.
func computed(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
