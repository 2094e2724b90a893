// Package pagetest drives the console in a real browser, for tests alone: it
// opens windows, holds their pages against WCAG and takes pictures of them.
package pagetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Chromium starts a browser that asks nobody but us: Chromium's headless shell,
// which has its pages without its windows, and so needs half the time.
func Chromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium-headless-shell")
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

// Tab is a window of the browser, with cookies of its own.
type Tab struct {
	T    *testing.T
	URL  string // of the server
	Look Look
	ctx  context.Context
	axe  string

	mu   sync.Mutex
	said []string // on the console, by the pages
}

// Look is how somebody sees the pages: in light or dark colours, in a window of
// some width and height in pixels.
type Look struct {
	Colours       string
	Width, Height int64
}

// The looks that pages are tested in.
var (
	Wide   = Look{"light", 1440, 900}
	Dark   = Look{"dark", 1440, 900}
	Narrow = Look{"dark", 320, 640}
)

// Open opens a window on a server. It has half an hour.
func Open(t *testing.T, ctx context.Context, url string, l Look) *Tab {
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
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	t.Cleanup(cancel)
	b := &Tab{T: t, URL: url, Look: l, ctx: ctx, axe: string(axe)}
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
	b.See(l)
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

// Do runs steps of chromedp.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.T.Fatal(err)
	}
}

// Load loads a page of the server.
func (b *Tab) Load(path string) {
	b.T.Helper()
	b.Do(chromedp.Navigate(b.URL + path))
}

// Click presses what a CSS selector finds.
func (b *Tab) Click(selector string) {
	b.T.Helper()
	b.settle()
	b.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Fill types into what a CSS selector finds.
func (b *Tab) Fill(selector, text string) {
	b.T.Helper()
	b.settle()
	b.Do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// settle gives a page a second to put the focus where it says: nobody is quicker,
// but a test, and then the browser says so on its console.
func (b *Tab) settle() {
	b.comes(time.Second, "!document.querySelector('[autofocus]') || document.activeElement !== document.body")
}

// Text is what an expression of the page comes to.
func (b *Tab) Text(expression string) string {
	b.T.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.T.Fatalf("%s: %v", expression, err)
	}
	return got
}

// Until waits for an expression to be true, on whatever page comes.
func (b *Tab) Until(expression string) {
	b.T.Helper()
	if !b.comes(10*time.Second, expression) {
		b.T.Fatalf("%s never came true at %s: %s", expression, b.Text("location.href"), b.Text("document.body.innerText"))
	}
}

// comes reports whether an expression is true within a time, of a page that is
// loaded.
func (b *Tab) comes(most time.Duration, expression string) bool {
	const pause = 20 * time.Millisecond
	for range most / pause {
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("document.readyState === 'complete' && !!("+expression+")"))
		if err == nil && got {
			return true
		}
		time.Sleep(pause)
	}
	return false
}

// At waits for a page.
func (b *Tab) At(path string) {
	b.T.Helper()
	b.Until(fmt.Sprintf("location.pathname === %q", path))
}

// See changes how the window is seen, without loading its page again.
func (b *Tab) See(l Look) {
	b.T.Helper()
	b.Look = l
	b.Do(chromedp.EmulateViewport(l.Width, l.Height), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.Colours}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	}))
}

// The rules of axe-core: all that concern WCAG 2.2 AA, and those that colours
// alone decide.
const (
	everyRule = `{runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"]}`
	contrast  = `{runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}, resultTypes: ["violations"]}`
)

// Inspect looks at a page in light, dark and in a narrow window, one after the
// other and without loading it again: it holds it against WCAG, the narrow one
// against its width alone, and takes a picture of each. The window is as it was before afterwards.
func (b *Tab) Inspect(name string) {
	b.T.Helper()
	before := b.Look
	for _, l := range []struct {
		name, rules string
		Look
	}{{"light", everyRule, Wide}, {"dark", contrast, Dark}, {"narrow", "", Narrow}} {
		b.See(l.Look)
		if l.rules != "" { // what a narrow window changes is where things stand
			b.audit(name+" "+l.name, l.rules)
		}
		b.fits(name)
		b.shoot(name + "-" + l.name)
	}
	b.See(before)
}

// Accessible holds the page against WCAG 2.2 AA, and against its width. Where
// GATEHOUSE_TEST_SCREENSHOTS names a directory, a picture of it is put there.
func (b *Tab) Accessible(name string) {
	b.T.Helper()
	b.audit(name, everyRule)
	b.fits(name)
	b.shoot(b.T.Name() + "-" + name)
}

// fits fails the test if a page is wider than its window.
func (b *Tab) fits(name string) {
	b.T.Helper()
	if wide := b.Text("String(document.documentElement.scrollWidth - innerWidth)"); wide != "0" && !strings.HasPrefix(wide, "-") {
		b.T.Errorf("%s is %s px wider than its window of %d px", name, wide, b.Look.Width)
	}
}

// shoot takes a picture of the whole page, where a directory for them is named.
func (b *Tab) shoot(name string) {
	b.T.Helper()
	dir := os.Getenv("GATEHOUSE_TEST_SCREENSHOTS")
	if dir == "" {
		return
	}
	b.Until("document.fonts.status === 'loaded'")
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".png"), picture, 0o600)
	}
	if err != nil {
		b.T.Error(err)
	}
}

// audit holds a page against rules of axe-core.
func (b *Tab) audit(name, rules string) {
	b.T.Helper()
	if b.Text("typeof axe") != "object" {
		b.Text(b.axe + `;""`)
	}
	got := b.Text("axe.run(" + rules + `).then((r) =>
		r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ")).join(" | ")).join("\n"))`)
	if got != "" {
		b.T.Errorf("%s: %s", name, got)
	}
}

// Quiet fails the test if a page said anything on the console that isn't a
// status which the test has asked for.
func (b *Tab) Quiet() {
	b.T.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.said {
		if !strings.Contains(text, "the server responded with a status of 4") {
			b.T.Errorf("on the console: %s", text)
		}
	}
}

// Forget forgets what was said on the console so far: by pages of elsewhere.
func (b *Tab) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = nil
}

// WithoutScript makes the pages of the window run none.
func (b *Tab) WithoutScript() {
	b.T.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// Ready waits for an element, also where no script runs.
func (b *Tab) Ready(selector string) {
	b.T.Helper()
	b.Do(chromedp.WaitReady(chromedp.CSS(selector)))
}

// Gone waits until there is no such element, also where no script runs.
func (b *Tab) Gone(selector string) {
	b.T.Helper()
	b.Do(chromedp.WaitNotPresent(chromedp.CSS(selector)))
}

// Attribute is what an element has as its attribute, also where no script runs.
func (b *Tab) Attribute(selector, name string) string {
	b.T.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.AttributeValue(chromedp.CSS(selector), name))
	if err != nil {
		b.T.Fatalf("%s of %s: %v", name, selector, err)
	}
	return got.Value
}

// Written is the text in an element, also where no script runs.
func (b *Tab) Written(selector string) string {
	b.T.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.TextContent(chromedp.CSS(selector)))
	if err != nil {
		b.T.Fatalf("%s: %v", selector, err)
	}
	return got
}

// Press sends keys to what has the focus.
func (b *Tab) Press(keys string) {
	b.T.Helper()
	b.Do(chromedp.KeyEvent(keys))
}

// Reach presses the Tab key until what a CSS selector finds has the focus, as who
// has no mouse does, and fails the test if that is never so, or can't be seen.
func (b *Tab) Reach(selector string) {
	b.T.Helper()
	for range 150 {
		if b.Text(fmt.Sprintf("String(document.activeElement.matches(%q))", selector)) == "true" {
			if b.Text("getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement.closest('label') ?? document.activeElement).outlineStyle") == "nonenone" {
				b.T.Errorf("%s has the focus, and nothing shows it", selector)
			}
			return
		}
		b.Press("\t")
	}
	b.T.Fatalf("no key leads to %s at %s", selector, b.Text("location.href"))
}
