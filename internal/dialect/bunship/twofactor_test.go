package bunship_test

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"image/png"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

const (
	codeMissing = "Two-factor code required"
	codeWrong   = "Invalid two-factor code"
)

// The second factor from its set-up to its end: a second layer for an account.
// Only with it on does a login need twoFactorCode.
func TestBS6_BS28_SecondFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		f := ada.enable()
		a := ada.do("GET", "/users/me", nil)
		if a.get("twoFactorEnabled") != true {
			t.Errorf("it isn't on: %s", a.body)
		}
		ada.login("").refused("the password alone", 401, codeMissing)
		ada.login("000000").refused("a wrong code", 401, codeWrong)
		a = ada.login(f.code(w))
		ada.take(a)
		if a.get("user.twoFactorEnabled") != true {
			t.Errorf("the login says otherwise: %s", a.body)
		}
		ada.take(ada.renew()) // needs no code
		w.clock.advance(30 * time.Second)
		w.do("POST", "/auth/login", map[string]any{"email": ada.email, "password": "Wrong-Horse-1", "twoFactorCode": f.code(w)}).
			refused("the code alone", 401, wrongLogin)
		ada.do("POST", "/auth/two-factor/disable", map[string]any{"password": good, "code": f.code(w)}).want(200)
		ada.signIn()
		if a := ada.do("GET", "/users/me", nil); a.get("twoFactorEnabled") != false {
			t.Errorf("it is on still: %s", a.body)
		}
	})
}

// Without a code the login is 401 and says what is missing, to whoever knows
// the password and nobody else. It counts as no failure; a wrong code does.
func TestBS7_BSO13_CodeMissing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		f := ada.enable()
		for range 12 {
			a := ada.login("")
			a.refused("no code", 401, codeMissing)
			if a.get("error.details.requiresTwoFactor") != true || a.text("error.code") != "AUTHENTICATION_ERROR" {
				t.Fatalf("it doesn't say what is missing: %s", a.body)
			}
			a.wantMembers("error.details", "requiresTwoFactor")
		}
		w.do("POST", "/auth/login", map[string]any{"email": ada.email, "password": good, "twoFactorCode": ""}).refused("an empty code", 401, codeMissing)
		a := w.do("POST", "/auth/login", map[string]any{"email": ada.email, "password": "Wrong-Horse-1"})
		a.refused("a wrong password", 401, wrongLogin)
		if strings.Contains(a.body, "wo") && strings.Contains(a.body, "equiresTwoFactor") {
			t.Errorf("it tells who doesn't know the password: %s", a.body)
		}
		for range 4 {
			a := ada.login("123456")
			a.refused("a wrong code", 401, codeWrong)
			a.wantMembers("error", "code", "message")
		}
		ada.login(f.code(w)).refused("after five failures", 401, lockedOut)
		w.clock.advance(15 * time.Minute)
		ada.take(ada.login(f.code(w)))
	})
}

// The set-up: what it shows, whom it refuses, and that a new one replaces it.
func TestBSD34_BSO15_SetUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		setup := func(password string) answer {
			return ada.do("POST", "/auth/two-factor/setup", map[string]any{"password": password})
		}
		setup("Wrong-Horse-1").refused("a wrong password", 401, "Invalid password")
		first, f := ada.setUp(), ada.setUp()
		f.setup.wantMembers("", "secret", "qrCode", "otpauthUrl", "backupCodes")
		if first.secret == f.secret || len(f.codes) != 10 || len(first.codes) != 10 {
			t.Errorf("not a new secret and 10 backup codes: %s", f.setup.body)
		}
		if !regexp.MustCompile(`^[A-Z2-7]{32}$`).MatchString(f.secret) {
			t.Errorf("the secret %q is not 20 bytes in base 32", f.secret)
		}
		seen := map[string]bool{}
		for _, code := range append(f.codes, first.codes...) {
			if seen[code] || !regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(code) {
				t.Errorf("the backup code %q is a repeat or not 8 hexadecimal digits", code)
			}
			seen[code] = true
		}
		wantAuthenticator(t, f)
		ada.signIn() // while it isn't verified nothing asks for a code

		verify := func(code string) answer {
			return ada.do("POST", "/auth/two-factor/verify", map[string]any{"code": code})
		}
		verify(first.code(w)).refused("a code of the first set-up", 401, codeWrong)
		verify(f.codes[0]).refused("a backup code", 401, codeWrong)
		verify(f.code(w)).want(200)
		setup(good).refused("it is on", 409, "two-factor authentication is on already")
		setup("Wrong-Horse-1").refused("it is on, and a wrong password", 401, "Invalid password")
		w.clock.advance(30 * time.Second)
		ada.login(first.codes[0]).refused("a backup code that was replaced", 401, codeWrong)
		ada.take(ada.login(f.codes[0]))
	})
}

// wantAuthenticator holds the URI and the picture to what an authenticator
// reads. That the one shows the other, a reader of QR codes says elsewhere.
func wantAuthenticator(t *testing.T, f *factor) {
	t.Helper()
	u, err := url.Parse(f.setup.text("otpauthUrl"))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Scheme != "otpauth" || u.Host != "totp" || q.Get("secret") != f.secret || q.Get("issuer") == "" || !strings.HasSuffix(u.Path, ":ada@acme.test") ||
		q.Get("period") != "30" || q.Get("digits") != "6" || q.Get("algorithm") != "SHA1" {
		t.Errorf("the URI is %s", u)
	}
	data, ok := strings.CutPrefix(f.setup.text("qrCode"), "data:image/png;base64,")
	raw, err := base64.StdEncoding.DecodeString(data)
	if !ok || err != nil {
		t.Fatalf("the QR code is no data URL: %.60s, %v", f.setup.text("qrCode"), err)
	}
	if image, err := png.Decode(bytes.NewReader(raw)); err != nil || image.Bounds().Dx() < 128 {
		t.Errorf("the QR code is no picture: %v", err)
	}
}

// Verifying turns it on, by the first code and once.
func TestBSD35_Verify(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		other := ada.again()
		verify := func(code string) answer {
			return ada.do("POST", "/auth/two-factor/verify", map[string]any{"code": code})
		}
		verify("123456").refused("without a set-up", 404, "two-factor authentication was not set up")
		f := ada.setUp()
		for what, code := range map[string]string{
			"none": "", "letters": "abcdef", "5 digits": "12345", "8 digits": "12345678", "digits that aren't ASCII": "１２３４５６",
			"of two steps ago": totp(t, f.secret, w.clock.now().Add(-time.Minute)), "of two steps ahead": totp(t, f.secret, w.clock.now().Add(time.Minute)),
		} {
			verify(code).refused(what, 401, codeWrong)
		}
		a := verify(f.code(w))
		a.want(200)
		a.wantMembers("", "message")
		ada.wantSession("who turned it on", true)
		other.wantSession("a session that began without it", false)
		verify(f.code(w)).refused("a second time", 409, "two-factor authentication is on already")
	})
}

// A code works one step before and after its own, 30 seconds each.
func TestBSD36_OneStepEitherWay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i, shift := range []time.Duration{-30 * time.Second, 0, 30 * time.Second} {
			p := w.member("user"+string(rune('a'+i)), credential.Member)
			f := p.setUp()
			p.do("POST", "/auth/two-factor/verify", map[string]any{"code": totp(t, f.secret, w.clock.now().Add(shift))}).want(200)
		}
	})
}

// Turning it off takes the password and a code.
func TestBSD36_Disable(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		disable := func(password, code string) answer {
			return ada.do("POST", "/auth/two-factor/disable", map[string]any{"password": password, "code": code})
		}
		disable(good, "123456").refused("not on", 404, "two-factor authentication is not on")
		f := ada.setUp()
		disable(good, f.code(w)).refused("set up alone", 404, "two-factor authentication is not on")
		ada.do("POST", "/auth/two-factor/verify", map[string]any{"code": f.code(w)}).want(200)
		w.clock.advance(30 * time.Second)
		disable("Wrong-Horse-1", f.code(w)).refused("a wrong password", 401, "Invalid password")
		disable(good, "000000").invalid("a wrong code", "code")
		disable(good, "").invalid("no code", "code")
		ada.login("").refused("it is on still", 401, codeMissing)
		a := disable(good, f.codes[3])
		a.want(200)
		a.wantMembers("", "message")
		ada.signIn()
		disable(good, f.codes[4]).refused("a second time", 404, "two-factor authentication is not on")
		ada.enable() // from the beginning
	})
}

// A login takes a TOTP code or a backup code, each of them once.
func TestBSO14_EachCodeOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		f := ada.enable()
		code := f.code(w)
		ada.take(ada.login(code))
		ada.login(code).refused("the same code again", 401, codeWrong)
		ada.login(code[:3]+" "+code[3:]).refused("the same code with a blank", 401, codeWrong)
		ada.do("POST", "/auth/two-factor/disable", map[string]any{"password": good, "code": code}).invalid("the same code elsewhere", "code")
		ada.login(totp(t, f.secret, w.clock.now().Add(-30*time.Second))).refused("an earlier one, unused", 401, codeWrong)
		ada.take(ada.login(totp(t, f.secret, w.clock.now().Add(30*time.Second))))

		ada.take(ada.login(f.codes[0]))
		ada.login(f.codes[0]).refused("a backup code again", 401, codeWrong)
		ada.login(strings.ToUpper(f.codes[0])).refused("in capital letters", 401, codeWrong)
		ada.take(ada.login(strings.ToUpper(f.codes[1])))
		eve := w.member("eve", credential.Member)
		g := eve.enable()
		eve.login(f.codes[2]).refused("a backup code of somebody else", 401, codeWrong)
		eve.take(eve.login(g.codes[2]))
	})
}

// Backup codes are not stored: neither they, nor the secret, nor a code that
// anybody could work out, are in the database.
func TestBSD36_NothingReadable(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		f := ada.enable()
		stored := dump(t, w.cfg)
		seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(f.secret)
		w.ok(err)
		for _, text := range append(f.codes, f.secret, string(seed), ada.access, ada.refresh, good) {
			if strings.Contains(stored, text) {
				t.Errorf("%.4q… stands in the database", text)
			}
		}
		if !strings.Contains(stored, ada.email) {
			t.Error("the dump holds nothing")
		}
	})
}

// dump is everything in a database, bytes as they are.
func dump(t *testing.T, cfg store.Config) string {
	t.Helper()
	db := storetest.Raw(t, cfg)
	tables := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	if cfg.DatabaseURL != "" {
		tables = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
	}
	var b strings.Builder
	for _, name := range queryTexts(t, db, tables) {
		b.WriteString(strings.Join(queryTexts(t, db, `SELECT * FROM "`+name+`"`), "\n"))
	}
	return b.String()
}

// A quarter of an hour takes ten tries of codes.
func TestBSD2_TooManyTries(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		f := ada.setUp()
		verify := func(code string) answer {
			return ada.do("POST", "/auth/two-factor/verify", map[string]any{"code": code})
		}
		for range 10 {
			verify("123456").refused("a wrong code", 401, codeWrong)
		}
		a := verify(f.code(w))
		a.refused("the eleventh, which is right", 429, "Too many codes were tried")
		if got := a.header.Get("Retry-After"); got != "900" {
			t.Errorf("Retry-After: got %q", got)
		}
		w.clock.advance(15 * time.Minute)
		ada.signIn()
		verify(f.code(w)).want(200)
	})
}
