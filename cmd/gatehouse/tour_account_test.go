package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
	"github.com/gatehouse-dev/gatehouse/internal/outbound/mailtest"
)

// accountStops are the pages by which people get in, and look after their account.
func accountStops(w *tour) []stop {
	return append(append(w.outside(), w.inside()...), w.first()...)
}

// press fills fields in, by pairs of selector and text, and presses a button.
func press(button string, pairs ...string) func(*pagetest.Tab) {
	return func(b *pagetest.Tab) {
		for i := 0; i < len(pairs); i += 2 {
			b.Fill(pairs[i], pairs[i+1])
		}
		b.Text("window.left = ''")
		b.Click(button)
		b.Until("window.left === undefined")
	}
}

// opening loads a page first, from another: a link that differs by what is behind its
// # alone loads nothing.
func opening(path string, do func(*pagetest.Tab)) func(*pagetest.Tab) {
	return func(b *pagetest.Tab) {
		b.Load(path)
		do(b)
	}
}

const send = "main form button.primary"

// outside are the pages of who hasn't signed in.
func (w *tour) outside() []stop {
	code := w.invited("new.tester@example.test")
	return []stop{
		{name: "account-forgot-without-mail", path: "/console/forgot"},
		{name: "account-reset-refused", path: "/console/reset", do: press(send, "#token", "link-x", "#password", "short")},
		{name: "account-register-refused", path: "/console/register", do: press(send, "#name", "Noor", "#email", "noor@demo.test", "#password", "password1")},
		{name: "account-confirm-refused", path: "/console/verify-email", do: press(send, "#token", "link-x")},
		{name: "account-locked", path: "/console/sign-in", do: func(b *pagetest.Tab) {
			press(send, "#email", "nobody@demo.test", "#password", "wrong")(b)
			for range 5 {
				press(send, "#password", "wrong")(b)
			}
		}},
		{name: "account-set-up-already", path: "/console/setup"},
		{name: "account-invitation-wrong", path: "/console/invitation", do: press(send, "#code", "invite-x")},
		{name: "account-invitation", path: "/console/sign-in", do: opening("/console/invitation#code="+code, press(send))},
		{name: "account-invitation-refused", do: press("main form .secondary", "#name", "New Tester", "#password", "short")},
		{name: "account-invitation-of-another", as: "guest", path: "/console/", do: opening("/console/invitation#code="+code, press(send))},
		{name: "account-invitation-of-mine", as: "guest", path: "/console/", do: opening("/console/invitation#code="+w.invitedElsewhere("guest"), press(send))},
		{name: "account-joined", as: "guest", do: press(send)},
	}
}

// invited is the code of an invitation to the demo's organization.
func (w *tour) invited(email string) string {
	var out struct {
		InviteURL string `json:"inviteUrl"`
	}
	w.made("owner", "/api/v1/organizations/"+w.Organization.BunShipID+"/invitations", map[string]string{"email": email, "role": "member"}, &out)
	_, code, _ := strings.Cut(strings.TrimSuffix(out.InviteURL, "/accept"), "/invitations/")
	return code
}

// invitedElsewhere invites a user of the demo to another organization.
func (w *tour) invitedElsewhere(role string) string {
	var o struct {
		ID string `json:"id"`
	}
	w.made("owner", "/api/v1/organizations", map[string]string{"name": "Second Studio with a name that is rather long for a line", "slug": "second-studio"}, &o)
	var out struct {
		InviteURL string `json:"inviteUrl"`
	}
	w.made("owner", "/api/v1/organizations/"+o.ID+"/invitations", map[string]string{"email": w.user(role).Email, "role": "admin"}, &out)
	_, code, _ := strings.Cut(strings.TrimSuffix(out.InviteURL, "/accept"), "/invitations/")
	return code
}

// made makes something by BunShip's API.
func (w *tour) made(role, path string, in, out any) {
	w.t.Helper()
	if err := w.api(role).Call(w.t.Context(), "POST", path, in, out); err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
}

// inside are the pages of who has signed in.
func (w *tour) inside() []stop {
	member := w.user("member")
	const twoFactor = "/console/account/two-factor"
	var seed string
	now := func() string {
		code, err := totp.GenerateCode(strings.ReplaceAll(seed, " ", ""), time.Now())
		if err != nil {
			w.t.Fatal(err)
		}
		return code
	}
	return []stop{
		{name: "account", as: "member", path: "/console/account"},
		{name: "account-refused", as: "member", do: press("form[action$=password] button", "#password-current", "wrong horse", "#password-new", "another horse battery")},
		{name: "account-two-factor-off", as: "member", path: twoFactor},
		{name: "account-two-factor-scan", as: "member", do: func(b *pagetest.Tab) {
			press(send, "#password", member.Password)(b)
			seed = b.Text("document.querySelector('#seed').value")
		}},
		{name: "account-two-factor-wrong", as: "member", do: press(send, "#code", "000000")},
		{name: "account-backup-codes", as: "member", do: func(b *pagetest.Tab) { press(send, "#code", now())(b) }},
		{name: "account-backup-codes-leave", as: "member", do: func(b *pagetest.Tab) { b.Click("dialog footer a") }},
		{name: "account-backup-codes-saved", as: "member", do: func(b *pagetest.Tab) {
			b.Click("[data-save]")
			b.Until("document.querySelector('dialog').dataset.stored")
		}},
		{name: "account-two-factor-on", as: "member", do: func(b *pagetest.Tab) {
			b.Click("dialog footer a")
			b.At(twoFactor)
		}},
		{name: "account-two-factor-refused", as: "member", do: press(".twin form:last-child button", "#off-password", member.Password, "#off-code", "000000")},
		{name: "account-with-two-factor", as: "member", path: "/console/account"},
		{name: "account-code", path: "/console/sign-in", do: press(send, "#email", member.Email, "#password", member.Password)},
		{name: "account-sessions", as: "owner", path: "/console/account/sessions"},
		{name: "account-sessions-alone", as: "member", path: "/console/account/sessions"},
		{name: "account-leave", as: "guest", path: "{org}/leave"},
		{name: "account-leave-last-owner", as: "owner", path: "{org}/leave", do: press("main .danger")},
		{name: "account-organizations", as: "owner", path: "/console/"},
		{name: "account-new-organization-refused", as: "owner", path: "/console/organizations/new", do: func(b *pagetest.Tab) { press(send, "#name", " ")(b) }},
		{name: "account-no-organization", path: "/console/register", do: press(send, "#name", "Noor", "#email", "noor@demo.test", "#password", "correct horse battery")},
	}
}

// first are the pages of a server that has no owner yet, and that sends mail.
func (w *tour) first() []stop {
	mail := mailtest.Start(w.t, mailtest.Config{})
	cmd := exec.Command("gatehouse", "serve", "--json", "--listen", "127.0.0.1:0", "--data", w.t.TempDir(), "--mail-from", "Gatehouse <gatehouse@example.com>")
	cmd.Env = append(cmd.Environ(), "GATEHOUSE_SMTP_URL="+mail.URL())
	p, err := launch(cmd)
	if p != nil {
		w.t.Cleanup(p.kill)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	line, _, _ := strings.Cut(p.stdout.String(), "\n")
	var said announcement
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		w.t.Fatal(err)
	}
	there := func(path string, do func(*pagetest.Tab)) func(*pagetest.Tab) {
		return func(b *pagetest.Tab) {
			b.URL = said.URL
			b.Load(path)
			if do != nil {
				do(b)
			}
		}
	}
	set := []string{"#code", "setup-x", "#organization", "Space Games", "#name", "Ada Lovelace", "#email", "ada@example.com", "#password", "correct horse battery"}
	return []stop{
		{name: "account-not-set-up", do: there("/console/", nil)},
		{name: "account-set-up", do: there("/console/setup", nil)},
		{name: "account-set-up-refused", do: press(send, set...)},
		{name: "account-first-key", do: func(b *pagetest.Tab) {
			b.Text("document.querySelector('#code').value = ''")
			press(send, "#code", said.SetupCode, "#password", "correct horse battery")(b)
		}},
		{name: "account-first-start", do: func(b *pagetest.Tab) {
			b.Click("[data-secret-copy]")
			b.Until("document.querySelector('dialog').dataset.stored")
			b.Click("dialog footer a")
			b.At("/console/")
		}},
		{name: "account-forgot", do: there("/console/forgot", nil)},
		{name: "account-forgot-sent", do: there("/console/forgot", press(send, "#email", "ada@example.com"))},
		{name: "account-reset-by-link", do: func(b *pagetest.Tab) { b.Load(w.linked(mail)) }},
		{name: "account-reset-done", do: press(send, "#password", "another horse battery")},
		{name: "account-ended", do: there("/console/account", nil)},
		{name: "account-registered", do: there("/console/register", press(send, "#name", "Noor", "#email", "noor@example.com", "#password", "correct horse battery"))},
		{name: "account-confirm-by-link", do: func(b *pagetest.Tab) { b.Load(w.linked(mail)) }},
		{name: "account-confirmed", do: press(send)},
	}
}

// linked is the path that the next letter leads to.
func (w *tour) linked(mail *mailtest.Server) string {
	w.t.Helper()
	_, text := mail.Next(w.t).Text(w.t)
	_, path, found := strings.Cut(text, "/console/")
	if !found {
		w.t.Fatalf("the letter leads nowhere: %s", text)
	}
	return "/console/" + strings.Fields(path)[0]
}
