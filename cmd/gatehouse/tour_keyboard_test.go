package main

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
)

// Somebody without a mouse signs in, makes a token, copies it, uses it, and
// deletes it; then it is refused.
func TestKeyboardAlone(t *testing.T) {
	w := newTour(t, pagetest.Chromium(t))
	b := pagetest.Open(t, w.browser, w.URL, pagetest.Wide)
	u := w.user("admin")
	b.Load("/console/sign-in")
	b.Reach("#email")
	b.Press(u.Email)
	b.Reach("#password")
	b.Press(u.Password + "\r")
	b.At("/console/")
	b.Reach("a[href='/console/account/tokens']")
	b.Press("\r")
	b.At("/console/account/tokens")
	b.Reach(".head .primary")
	b.Press("\r")
	b.Until("document.querySelector('#name')")
	b.Reach("#name")
	b.Press("By keyboard\r")
	b.Until("document.querySelector('dialog:modal')")
	secret := b.Text("document.querySelector('#secret').value")
	b.Press("\x1b") // Esc closes nothing: it is shown once
	b.Until("document.querySelector('dialog:modal') && document.querySelector('#secret').value")
	b.Reach("[data-secret-copy]")
	b.Press("\r")
	b.Until("document.querySelector('dialog').dataset.stored")
	if got := b.Text("navigator.clipboard.readText()"); got != secret || !strings.HasPrefix(secret, "pat-") {
		t.Errorf("the clipboard has %q, the page shows %q", got, secret)
	}
	b.Reach("dialog footer a")
	b.Press("\r")
	b.Until("!document.querySelector('#secret')")
	if got := w.code(secret); got != "ok" {
		t.Errorf("the token that was copied is %s", got)
	}
	b.Load("/console/account/tokens?q=keyboard")
	b.Reach("tbody .del")
	b.Press("\r")
	b.Until("document.querySelector('form.ask .danger')")
	b.Reach("form.ask .danger")
	b.Press("\r")
	b.Until("!document.querySelector('form.ask .danger')")
	if got := w.code(secret); got != "revoked" {
		t.Errorf("the token that was deleted is %s", got)
	}
	b.Quiet()
}

// code is what a secret is decided to be.
func (w *tour) code(secret string) string {
	w.t.Helper()
	var out api.Decision
	if err := client.New(w.URL, w.Credentials["verifier"].(string), nil).Call(w.t.Context(), "POST", "/v1/verify", api.Verify{Credential: &secret}, &out); err != nil {
		w.t.Fatal(err)
	}
	return out.Code
}
