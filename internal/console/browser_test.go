package console_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// chromium starts a browser that asks nobody but us.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: run make test, or scripts/with-services go test …", err)
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true))
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // before its directory is deleted
	return ctx
}

// tab is a window of the browser, with cookies of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string
	axe string
	look

	mu   sync.Mutex
	said []string // on the console, by the pages
}

// look is how somebody sees the pages.
type look struct {
	colours       string
	width, height int64
}

func open(t *testing.T, ctx context.Context, url string, l look) *tab {
	t.Helper()
	axe, err := os.ReadFile(filepath.Join(os.Getenv("GATEHOUSE_TEST_NODE_MODULES"), "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatalf("%v: run make test, or scripts/with-services go test …", err)
	}
	ctx, end := chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, url: url, axe: string(axe), look: l}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.said = append(b.said, m.Text)
			b.mu.Unlock()
		}
	}()
	b.do(chromedp.EmulateViewport(l.width, l.height), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.colours}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	}))
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, BrowserContextID: chromedp.FromContext(ctx).BrowserContextID,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) load(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url + path))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// text is what an expression of the page comes to.
func (b *tab) text(expression string) string {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return got
}

// until waits for an expression to be true, on whatever page comes.
func (b *tab) until(expression string) {
	b.t.Helper()
	for range 500 {
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("document.readyState === 'complete' && !!("+expression+")"))
		if err == nil && got {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.t.Fatalf("%s never came true at %s: %s", expression, b.text("location.href"), b.text("document.body.innerText"))
}

// at waits for a page.
func (b *tab) at(path string) {
	b.t.Helper()
	b.until(fmt.Sprintf("location.pathname === %q", path))
}

// accessible holds the page against WCAG 2.2 AA, and against its width. Where
// GATEHOUSE_TEST_SCREENSHOTS names a directory, a picture of it is put there.
func (b *tab) accessible(name string) {
	b.t.Helper()
	b.until("document.fonts.status === 'loaded'")
	if b.look.width >= 1000 || slices.Contains(narrowly, name) {
		b.audit(name)
	}
	if wide := b.text("String(document.documentElement.scrollWidth - innerWidth)"); wide != "0" && !strings.HasPrefix(wide, "-") {
		b.t.Errorf("%s is %s px wider than its window", name, wide)
	}
	if dir := os.Getenv("GATEHOUSE_TEST_SCREENSHOTS"); dir != "" {
		picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(b.t.Name(), "/", "-")+"-"+name+".png"), picture, 0o600)
		}
		if err != nil {
			b.t.Error(err)
		}
	}
}

// narrowly are the pages that are laid out anew in a narrow window; the others
// are held against WCAG in a wide one alone.
var narrowly = []string{"sign-in", "keys", "new-refused", "secret", "key", "usage", "usage-table", "usage-refused"}

// audit holds a page against WCAG.
func (b *tab) audit(name string) {
	b.t.Helper()
	got := b.text(b.axe + `;axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}).then((r) =>
		r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ")).join(" | ")).join("\n"))`)
	if got != "" {
		b.t.Errorf("%s: %s", name, got)
	}
}

// quiet fails the test if a page said anything on the console that isn't a
// status which the test has asked for.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.said {
		if !strings.Contains(text, "the server responded with a status of 4") {
			b.t.Errorf("on the console: %s", text)
		}
	}
}

// A person makes a key in a real browser, copies it, and nothing of it stays
// behind.
func TestK13_L9_H5_Browser(t *testing.T) {
	s := run(t, storetest.SQLite(t), "http://127.0.0.1:8080")
	ctx := chromium(t)
	for name, l := range map[string]look{"wide": {"light", 1440, 900}, "narrow": {"dark", 320, 640}} {
		t.Run(name, func(t *testing.T) { s.walk(open(t, ctx, s.url, l)) })
	}
}

// walk goes through every page.
func (s *site) walk(b *tab) {
	keys := s.pages() + "/keys"
	b.load(keys)
	b.accessible("sign-in")
	b.fill("#email", "ada@example.test")
	b.fill("#password", "not the password\r")
	b.until("document.querySelector('[role=alert]')")
	b.accessible("sign-in-refused")
	b.fill("#password", "correct horse battery\r")
	b.at(keys)
	b.accessible("keys")
	b.load(keys + "/new")
	b.accessible("new")
	b.click("form.form button.primary")
	b.until("document.activeElement === document.querySelector('[role=alert]')")
	b.accessible("new-refused")
	naughty := `"><img src=x onerror=alert(1)> ` + b.t.Name()
	b.fill("#name", naughty)
	b.click("form.form button.primary")
	b.until("document.querySelector('dialog:modal')")
	b.accessible("secret")

	text := b.text("document.querySelector('#secret').value")
	b.click("dialog footer a")
	b.until("document.activeElement === document.querySelector('.leave.show')")
	b.click("[data-secret-copy]")
	b.until("document.querySelector('dialog').dataset.stored")
	if got := b.text("navigator.clipboard.readText()"); got != text || !strings.HasPrefix(text, "bsk_test_") {
		b.t.Errorf("the clipboard has %s, the page showed %s", got, text)
	}
	if b.text("String(document.querySelector('img'))") != "null" {
		b.t.Error("a name is no text")
	}
	b.click("dialog footer a")
	b.at(keys)
	for _, step := range []string{"history.back()", "location.reload()"} {
		b.do(chromedp.Evaluate[chromedp.Void]("void " + step))
		b.until("!document.querySelector('dialog:modal')")
		time.Sleep(100 * time.Millisecond) // in which a form could be sent again
		b.until("true")
		if strings.Contains(b.text("document.documentElement.outerHTML"), text[9:]) {
			b.t.Errorf("after %s the key is shown again", step)
		}
	}
	if kept := b.text("JSON.stringify([localStorage, sessionStorage, document.cookie])"); kept != `[{},{},""]` {
		b.t.Errorf("a page keeps %s, or reads the cookie", kept)
	}
	s.rest(b, keys)
	b.quiet()
}

// rest is the rest of the walk.
func (s *site) rest(b *tab, keys string) {
	b.load(keys)
	b.click(".c-key a")
	b.until("document.querySelector('#usage')")
	b.accessible("key")
	b.click(".acts .secondary")
	b.until("document.querySelector('form.ask')")
	b.accessible("rotate")
	b.click("form.ask button")
	b.until("document.querySelector('dialog:modal')")
	b.click("dialog footer a")
	b.click("[data-force]")
	b.at(keys)
	b.click(".c-act .del")
	b.until("document.querySelector('form.ask .danger')")
	b.accessible("revoke")
	b.click("form.ask .danger")
	b.at(keys)
	b.until("document.body.innerText.includes('Revoked')")
	b.accessible("keys-revoked")

	clients := s.pages() + "/integrations"
	b.load(clients)
	b.accessible("integrations")
	b.click(".acts .primary")
	b.at(clients + "/new")
	b.accessible("integrations-new")
	b.fill("#name", "Dashboard")
	b.click("form.form button.primary")
	b.until("document.querySelector('dialog:modal')")
	b.accessible("client-secret")
	b.click("[data-secret-copy]")
	b.until("document.querySelector('dialog').dataset.stored")
	b.click("dialog footer a")
	b.at(clients)
	b.accessible("integrations-one")
	b.click(".c-act .del")
	b.until("document.querySelector('form.ask .danger')")
	b.click("form.ask .danger")
	b.at(clients)
	b.load("/console/")
	b.accessible("home")
	b.load(s.pages() + "/nothing")
	b.accessible("not-found")
}

// What has no script does the same.
func TestWithoutScript(t *testing.T) {
	s := run(t, storetest.SQLite(t), "http://127.0.0.1:8080")
	b := open(t, chromium(t), s.url, look{"light", 1200, 900})
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	keys := s.pages() + "/keys"
	b.load(keys)
	b.fill("#email", "ada@example.test")
	b.fill("#password", "correct horse battery\r")
	b.do(chromedp.WaitReady(chromedp.CSS(`a[href$="/keys/new"]`)))
	b.load(keys + "/new")
	b.fill("#name", "By hand")
	b.click("form.form button.primary")
	b.do(chromedp.WaitReady(chromedp.CSS("#secret")))
	b.click("dialog footer a")
	b.do(chromedp.WaitReady(chromedp.CSS(`a[href$="/revoke"]`)))
	b.click(`a[href$="/revoke"]`)
	b.do(chromedp.WaitReady(chromedp.CSS("form.ask .danger")))
	b.click("form.ask .danger")
	b.do(chromedp.WaitReady(chromedp.CSS(`a[href*="/new?from="]`)))

	game, _ := s.product("Space Game")
	b.load(s.pages() + "/usage")
	b.do(chromedp.Clear(chromedp.CSS("#budget")))
	b.fill("#budget", "50")
	b.click(".twin .primary")
	b.do(chromedp.WaitReady(chromedp.CSS(`#budget[value="50"]`)))
	b.fill("#coins", "5")
	b.click(".twin .secondary")
	operator := credential.Operator()
	for range 500 { // the page has nothing else to wait for
		if budget, err := s.authority.Budget(t.Context(), &operator, s.organization.ID, game.ID); err == nil && budget.ToppedUp == 5 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the coins were never added")
}
