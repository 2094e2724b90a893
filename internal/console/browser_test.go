package console_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// A person makes a key in a real browser, copies it, and nothing of it stays
// behind.
func TestK13_L9_H5_Browser(t *testing.T) {
	s := run(t, storetest.SQLite(t), "http://127.0.0.1:8080")
	ctx := pagetest.Chromium(t)
	for name, l := range map[string]pagetest.Look{"wide": pagetest.Wide, "narrow": pagetest.Narrow} {
		t.Run(name, func(t *testing.T) { s.walk(pagetest.Open(t, ctx, s.url, l)) })
	}
}

// walk goes through every page.
func (s *site) walk(b *pagetest.Tab) {
	keys := s.pages() + "/keys"
	b.Load(keys)
	b.Accessible("sign-in")
	b.Fill("#email", "ada@example.test")
	b.Fill("#password", "not the password\r")
	b.Until("document.querySelector('[role=alert]')")
	b.Accessible("sign-in-refused")
	b.Fill("#password", "correct horse battery\r")
	b.At(keys)
	b.Accessible("keys")
	b.Load(keys + "/new")
	b.Accessible("new")
	b.Click("form.form button.primary")
	b.Until("document.activeElement === document.querySelector('[role=alert]')")
	b.Accessible("new-refused")
	naughty := `"><img src=x onerror=alert(1)> ` + b.T.Name()
	b.Fill("#name", naughty)
	b.Click("form.form button.primary")
	b.Until("document.querySelector('dialog:modal')")
	b.Accessible("secret")

	text := b.Text("document.querySelector('#secret').value")
	b.Click("dialog footer a")
	b.Until("document.activeElement === document.querySelector('.leave.show')")
	b.Click("[data-secret-copy]")
	b.Until("document.querySelector('dialog').dataset.stored")
	if got := b.Text("navigator.clipboard.readText()"); got != text || !strings.HasPrefix(text, "bsk_test_") {
		b.T.Errorf("the clipboard has %s, the page showed %s", got, text)
	}
	if b.Text("String(document.querySelector('img'))") != "null" {
		b.T.Error("a name is no text")
	}
	b.Click("dialog footer a")
	b.At(keys)
	for _, step := range []string{"history.back()", "location.reload()"} {
		b.Do(chromedp.Evaluate[chromedp.Void]("void " + step))
		b.Until("!document.querySelector('dialog:modal')")
		time.Sleep(100 * time.Millisecond) // in which a form could be sent again
		b.Until("true")
		if strings.Contains(b.Text("document.documentElement.outerHTML"), text[9:]) {
			b.T.Errorf("after %s the key is shown again", step)
		}
	}
	if kept := b.Text("JSON.stringify([localStorage, sessionStorage, document.cookie])"); kept != `[{},{},""]` {
		b.T.Errorf("a page keeps %s, or reads the cookie", kept)
	}
	s.rest(b, keys)
	b.Quiet()
}

// rest is the rest of the walk.
func (s *site) rest(b *pagetest.Tab, keys string) {
	b.Load(keys)
	b.Click(".c-key a")
	b.Until("document.querySelector('#usage')")
	b.Accessible("key")
	b.Click(".acts .primary")
	b.Until("document.querySelector('form.ask')")
	b.Accessible("rotate")
	b.Click("form.ask button")
	b.Until("document.querySelector('dialog:modal')")
	b.Click("dialog footer a")
	b.Click("[data-force]")
	b.At(keys)
	b.Click(".c-act .del")
	b.Until("document.querySelector('form.ask .danger')")
	b.Accessible("revoke")
	b.Click("form.ask .danger")
	b.At(keys)
	b.Until("document.body.innerText.includes('Revoked')")
	b.Accessible("keys-revoked")

	clients := s.pages() + "/integrations"
	b.Load(clients)
	b.Accessible("integrations")
	b.Click(".acts .primary")
	b.At(clients + "/new")
	b.Accessible("integrations-new")
	b.Fill("#name", "Dashboard")
	b.Click("form.form button.primary")
	b.Until("document.querySelector('dialog:modal')")
	b.Accessible("client-secret")
	b.Click("[data-secret-copy]")
	b.Until("document.querySelector('dialog').dataset.stored")
	b.Click("dialog footer a")
	b.At(clients)
	b.Accessible("integrations-one")
	b.Click(".c-act .del")
	b.Until("document.querySelector('form.ask .danger')")
	b.Click("form.ask .danger")
	b.At(clients)
	b.Load("/console/")
	b.Accessible("home")
	b.Load(s.pages() + "/nothing")
	b.Accessible("not-found")
}

// What has no script does the same.
func TestWithoutScript(t *testing.T) {
	s := run(t, storetest.SQLite(t), "http://127.0.0.1:8080")
	b := pagetest.Open(t, pagetest.Chromium(t), s.url, pagetest.Wide)
	b.WithoutScript()
	keys := s.pages() + "/keys"
	b.Load(keys)
	b.Fill("#email", "ada@example.test")
	b.Fill("#password", "correct horse battery\r")
	b.Ready(`a[href$="/keys/new"]`)
	b.Load(keys + "/new")
	b.Fill("#name", "By hand")
	b.Click("form.form button.primary")
	b.Ready("#secret")
	b.Click("dialog footer a")
	b.Ready(`a[href$="/revoke"]`)
	b.Click(`a[href$="/revoke"]`)
	b.Ready("form.ask .danger")
	b.Click("form.ask .danger")
	b.Ready(`a[href*="/new?from="]`)

	game, _ := s.product("Space Game")
	b.Load(s.pages() + "/usage")
	b.Do(chromedp.Clear(chromedp.CSS("#budget")))
	b.Fill("#budget", "50")
	b.Click(".twin .primary")
	b.Ready(`#budget[value="50"]`)
	b.Fill("#coins", "5")
	b.Click(".twin .secondary")
	operator := credential.Operator()
	for range 500 { // the page has nothing else to wait for
		if budget, err := s.authority.Budget(t.Context(), &operator, s.organization.ID, game.ID); err == nil && budget.ToppedUp == 5 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the coins were never added")
}
