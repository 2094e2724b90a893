package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
)

// oidcProvider is a provider that others wrote, in Node.js.
type oidcProvider struct {
	t     *testing.T
	url   string
	in    io.Writer
	lines *bufio.Scanner
	stop  func()
}

func newProvider(t *testing.T, args ...string) *oidcProvider {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", append([]string{filepath.Join(clientPrograms(t), "provider.mjs")}, args...)...)
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	p := &oidcProvider{t: t, in: in, lines: bufio.NewScanner(out), stop: func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}}
	t.Cleanup(p.stop)
	p.url = p.line()
	return p
}

func (p *oidcProvider) line() string {
	p.t.Helper()
	for p.lines.Scan() {
		if text := p.lines.Text(); strings.HasPrefix(text, "http://") || text == "known" {
			return text
		}
	}
	p.t.Fatalf("the provider says nothing: %v", p.lines.Err())
	return ""
}

// knows says whom the provider knows.
func (p *oidcProvider) knows(accounts map[string]any) {
	p.t.Helper()
	line, err := json.Marshal(accounts)
	if err == nil {
		_, err = p.in.Write(append(line, '\n'))
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.line()
}

// providerAccount is an account of the provider.
func providerAccount(email, name string, verified bool) map[string]any {
	return map[string]any{"email": email, "name": name, "email_verified": verified}
}

// federationStops are the pages of signing in by a provider that others wrote, in
// a browser, and what can come of it.
func federationStops(w *tour) []stop {
	p := newProvider(w.t, w.URL+"/console/sign-in/callback", "s3cret-of-gatehouse")
	p.knows(map[string]any{"new": providerAccount("nia@demo.test", "Nia New", true), "doubtful": providerAccount("dan@demo.test", "Dan Doubtful", false),
		"owner": providerAccount(w.user("owner").Email, "The owner", true)})
	for _, name := range []string{"doubtful", "undecided", "new"} { // each in a window of their own
		w.windows[name] = pagetest.Open(w.t, w.browser, w.URL, pagetest.Wide)
	}
	led := func(b *pagetest.Tab) {
		b.Load("/console/sign-in/organization")
		b.Fill("#named", "Demo Games\r") // by an address the provider would be told of it
		b.Until("document.querySelector('#go')")
	}
	// at types a login on the pages of the provider.
	at := func(b *pagetest.Tab, login string) {
		b.Click("#go")
		b.Until("location.origin === '" + p.url + "' && document.querySelector('[name=login]')")
		b.Fill("[name=login]", login)
		b.Fill("[name=password]", "x\r")
	}
	// visits forgets what the pages of the provider say on the browser's console.
	visits := func(do func(*pagetest.Tab)) func(*pagetest.Tab) {
		return func(b *pagetest.Tab) {
			b.Quiet()
			do(b)
			b.Forget()
		}
	}
	alert := func(b *pagetest.Tab) { b.Until("document.querySelector('[role=alert]')") }
	return append([]stop{
		{name: "sso-none", as: "owner", path: "{org}/sign-in"},
		{name: "sso-none-to-an-admin", as: "admin", path: "{org}/sign-in"},
		{name: "sso-refused", as: "owner", path: "{org}/sign-in", do: func(b *pagetest.Tab) {
			b.Fill("#issuer", "http://login.demo.test")
			b.Click("form.form button.primary")
			alert(b)
		}},
		{name: "sso-set", as: "owner", path: "{org}/sign-in", do: func(b *pagetest.Tab) {
			b.Fill("#issuer", p.url)
			b.Fill("#client", "gatehouse")
			b.Fill("#secret-client", "s3cret-of-gatehouse")
			b.Fill("#domains", "demo.test")
			b.Click("form.form button.primary")
			b.Until("document.querySelector('[data-done]')")
			if strings.Contains(b.Text("document.documentElement.outerHTML"), "s3cret-of") {
				b.T.Error("the page shows the secret")
			}
		}},
		{name: "sso-leave-to-try", as: "owner", do: func(b *pagetest.Tab) {
			b.Click(".head .acts button")
			b.Until("document.querySelector('#go')")
		}},
		{name: "sso-tried", as: "owner", do: visits(func(b *pagetest.Tab) {
			at(b, "owner")
			b.Until("document.body.innerText.includes('Let in as')")
		})},
	}, []stop{
		{name: "docs", path: "/docs", do: func(b *pagetest.Tab) {
			b.Do(chromedp.Evaluate[chromedp.Void]("document.querySelector('details[id=createCredential]').open = true"))
		}},
		{name: "docs-bunship", path: "/docs/bunship", do: func(b *pagetest.Tab) {
			b.Click("#lang-js")
			b.Do(chromedp.Evaluate[chromedp.Void]("document.querySelector('main details').open = true"))
		}},
		{name: "sso-ask", path: "/console/sign-in/organization"},
		{name: "sso-nothing", do: func(b *pagetest.Tab) {
			b.Fill("#named", "nobody@elsewhere.test\r")
			alert(b)
		}},
		{name: "sso-unverified", as: "doubtful", do: visits(func(b *pagetest.Tab) {
			led(b)
			at(b, "doubtful")
			alert(b)
		})},
		{name: "sso-aborted", as: "undecided", do: visits(func(b *pagetest.Tab) {
			led(b)
			b.Click("#go")
			b.Until("document.querySelector('a[href$=abort]')")
			b.Click("a[href$=abort]")
			alert(b)
		})},
		{name: "sso-last-failure", as: "owner", path: "{org}/sign-in"},
		{name: "sso-in", as: "new", do: visits(func(b *pagetest.Tab) {
			led(b)
			at(b, "new")
			b.At("/console/")
			b.Until("document.body.innerText.includes('Nia New')")
		})},
		{name: "sso-prove", as: "new", do: visits(func(b *pagetest.Tab) { w.provesByProvider(b, p) })},
		{name: "sso-known", as: "owner", path: "{org}/sign-in", do: func(b *pagetest.Tab) { b.Until("document.body.innerText.includes('Nia New')") }},
		{name: "sso-known-to-an-admin", as: "admin", path: "{org}/sign-in"},
		{name: "sso-delete", as: "owner", path: "{org}/sign-in/delete"},
		{name: "sso-away", as: "undecided", do: func(b *pagetest.Tab) {
			led(b)
			address := b.Text("document.querySelector('#go').href")
			p.stop()
			b.Load("/console/sign-in/callback?code=x&iss=" + url.QueryEscape(p.url) + "&state=" + stateOf(w.t, address))
			alert(b)
		}},
	}...)
}

// stateOf is the state in the address of a provider.
func stateOf(t *testing.T, address string) string {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("state")
}

// provesByProvider has somebody without a password go to the provider that others
// wrote to show once more who they are.
func (w *tour) provesByProvider(b *pagetest.Tab, p *oidcProvider) {
	w.t.Helper()
	b.Load("/console/")
	b.Do(chromedp.Evaluate[chromedp.Void](`(() => {
		const form = document.querySelector("form.out");
		form.action = "/console/prove";
		form.submit();
	})()`))
	b.Until("document.querySelector('#go')")
	b.Click("#go")
	b.Until("location.origin === '" + p.url + "' && document.querySelector('[name=login]')")    // though the provider knows who it is
	b.Do(chromedp.Evaluate[chromedp.Void]("document.querySelector('[name=login]').value = ''")) // which is filled in with the address
	b.Fill("[name=login]", "new")
	b.Fill("[name=password]", "x\r")
	b.Until("document.body.innerText.includes('press Confirm there')")
}
