package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
)

// answered decodes the answer of a call that must be let in.
func (r *canaryRun) answered(out any, call [3]string, header ...string) {
	r.t.Helper()
	status, text := r.call(call[0], call[1], call[2], header...)
	if err := json.Unmarshal([]byte(text), out); err != nil || status > 299 {
		r.t.Fatalf("%s %s: got %d %s", call[0], call[1], status, text)
	}
}

// pair is what signing in and refreshing hand out, which become canaries.
type canaryPair struct {
	Access  string `json:"accessToken"`
	Refresh string `json:"refreshToken"`
}

func (r *canaryRun) pair(name, path, body string) (p canaryPair) {
	r.t.Helper()
	r.answered(&p, [3]string{"POST", path, body})
	r.canaries = append(r.canaries, canary{name + ": access token", p.Access}, canary{name + ": refresh token", p.Refresh})
	return p
}

// sessions takes the secrets of a user who signs in through everything that
// may happen to them.
func (r *canaryRun) sessions(key string) {
	r.t.Helper()
	password, next := "Sessions 1 "+rand.Text(), "Sessions 2 "+rand.Text()
	r.canaries = append(r.canaries, canary{"a password", password}, canary{"a new password", next})
	r.command(password+"\n", "user", "create", "--email", "carl@acme.test", "--name", "Carl", "--password-stdin")
	login := func(password, code string) string {
		return `{"email":"carl@acme.test","password":"` + password + `","twoFactorCode":"` + code + `"}`
	}
	first := r.pair("a session", "/api/v1/auth/login", login(password, ""))
	second := r.pair("a refreshed session", "/api/v1/auth/refresh", `{"refreshToken":"`+first.Refresh+`"}`)
	bearer := []string{"Authorization", "Bearer " + second.Access}
	for _, secret := range []string{first.Access, second.Refresh} {
		r.stray(secret, key)
		r.strayForms(secret)
	}
	var setup struct {
		Secret string   `json:"secret"`
		URL    string   `json:"otpauthUrl"`
		Codes  []string `json:"backupCodes"`
	}
	r.answered(&setup, [3]string{"POST", "/api/v1/auth/two-factor/setup", `{"password":"` + password + `"}`}, bearer...)
	// The seed stands twice in that answer, each time behind something else.
	r.canaries = append(r.canaries, canary{"the seed", `"` + setup.Secret + `"`}, canary{"the seed's URL", setup.URL}, canary{"backup codes", strings.Join(setup.Codes, `","`)})
	code, err := totp.GenerateCode(setup.Secret, time.Now())
	if err != nil {
		r.t.Fatal(err)
	}
	r.answered(&struct{}{}, [3]string{"POST", "/api/v1/auth/two-factor/verify", `{"code":"` + code + `"}`}, bearer...)
	r.call("POST", "/api/v1/auth/login", login(password, ""))
	r.call("POST", "/api/v1/auth/login", login(password, code))
	r.pair("a session with a backup code", "/api/v1/auth/login", login(password, setup.Codes[0]))
	r.call("PUT", "/api/v1/users/me/password", `{"currentPassword":"`+password+`","newPassword":"`+password+`"}`, bearer...)
	r.answered(&struct{}{}, [3]string{"PUT", "/api/v1/users/me/password", `{"currentPassword":"` + password + `","newPassword":"` + next + `"}`}, bearer...)
	for _, args := range []string{"user show", "user 2fa status", "session list", "user 2fa reset", "user unlock"} {
		r.command("", append(strings.Fields(args), "carl@acme.test")...)
	}
	r.cookie(`{"email":"carl@acme.test","password":"` + next + `"}`)
	r.passwordCode(key)
	r.call("POST", "/api/v1/auth/refresh", `{"refreshToken":"`+first.Refresh+`"}`)
	r.call("POST", "/v1/revoke", `{"credential":"`+second.Refresh+`"}`)
}

// cookie takes a browser's cookie through a session.
func (r *canaryRun) cookie(body string) {
	r.t.Helper()
	const path = "/console/session"
	if status, text := r.call("POST", path, body); status != http.StatusCreated {
		r.t.Fatalf("%s: got %d %s", path, status, text)
	}
	header := r.answers[len(r.answers)-1].text
	_, rest, _ := strings.Cut(header, "gatehouse=")
	value, _, _ := strings.Cut(rest, ";")
	r.canaries = append(r.canaries, canary{"a cookie", value})
	r.stray(value, value)
	r.call("GET", path, "", "Cookie", "gatehouse="+value)
	r.call("DELETE", path, "", "Cookie", "gatehouse="+value)
	r.call("GET", path, "", "Cookie", "gatehouse="+value)
}

// passwordCode takes the operator's code for a new password to its use.
func (r *canaryRun) passwordCode(key string) {
	r.t.Helper()
	var made struct {
		Code string `json:"code"`
	}
	if err := json.Unmarshal([]byte(r.command("", "user", "password-code", "carl@acme.test")), &made); err != nil || made.Code == "" {
		r.t.Fatalf("a code for a new password: %v", err)
	}
	password := "Sessions 3 " + rand.Text()
	r.canaries = append(r.canaries, canary{"the operator's one-time code", made.Code}, canary{"the newest password", password})
	r.stray(made.Code, key)
	r.call("GET", "/api/v1/auth/verify-email/"+made.Code, "")
	for range 2 {
		r.call("POST", "/api/v1/auth/reset-password", `{"token":"`+made.Code+`","password":"`+password+`"}`)
	}
	r.call("GET", "/api/v1/auth/verify-email/"+made.Code, "")
}
