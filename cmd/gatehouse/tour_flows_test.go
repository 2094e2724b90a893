package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
)

// flow is how somebody makes one kind of credential, uses, rotates and deletes it.
type flow struct {
	scheme, as, list, form string
	fill                   func(*pagetest.Tab)
	row                    string // where it is found in the list
	call                   string // the command that uses it; empty: the page has one
}

// Somebody makes a credential of each scheme in a browser, copies it, uses it by
// the command that the page shows, rotates and deletes it: with script, and
// without.
func TestEachSchemeInABrowser(t *testing.T) {
	w := newTour(t, pagetest.Chromium(t))
	const first = "tbody tr:first-child "
	click := func(selector string) func(*pagetest.Tab) { return func(b *pagetest.Tab) { b.Click(selector) } }
	static := "section[aria-labelledby=static] " + first
	b := w.as("owner")
	b.Load(w.path("{org}/integrations")) // there is one static token at most
	w.end(b, static)
	for _, f := range []flow{
		{scheme: "betahub_pat", as: "admin", list: "/console/account/tokens", form: "{org}/tokens/new?scheme=betahub", row: first},
		{scheme: "testkase_pat", as: "admin", list: "/console/account/tokens", form: "{org}/tokens/new?scheme=testkase", row: first,
			call: "curl --fail-with-body " + w.URL + `/api/v1/projects/user-projects -H "Authorization: Bearer $TESTKASE_PAT"`},
		{scheme: "bunship_test", as: "owner", list: "{org}/keys", form: "{org}/keys/new", row: first},
		{scheme: "bunship_live", as: "owner", list: "{org}/keys", form: "{org}/keys/new", row: first, fill: click("input[name=mode][value=live]")},
		{scheme: "onetest_key", as: "owner", list: "{project}/credentials", form: "{project}/credentials/new", row: first},
		{scheme: "betahub_project_token", as: "owner", list: "{project}/credentials", form: "{project}/credentials/new?scheme=betahub", row: first},
		{scheme: "betatesting_client", as: "owner", list: "{org}/integrations", form: "{org}/integrations/new?kind=oauth2", row: "section[aria-labelledby=oauth2] " + first},
		{scheme: "betatesting_static", as: "owner", list: "{org}/integrations", form: "{org}/integrations/new?kind=static", row: static},
	} {
		t.Run(f.scheme, func(t *testing.T) {
			bare := w.bare(f.as)
			w.follow(t, w.as(f.as), f, true)
			w.follow(t, bare, f, false)
		})
	}
	for _, b := range w.windows {
		b.Quiet()
	}
}

// bare is the window of somebody who has signed in, and runs no script.
func (w *tour) bare(role string) *pagetest.Tab {
	w.t.Helper()
	name := role + ", without script"
	if w.windows[name] == nil {
		b, u := pagetest.Open(w.t, w.browser, w.URL, pagetest.Wide), w.user(role)
		w.windows[name] = b
		b.WithoutScript()
		b.Load("/console/sign-in")
		b.Fill("#email", u.Email)
		b.Fill("#password", u.Password+"\r")
		b.Ready("a[href='/console/account/tokens']")
	}
	return w.windows[name]
}

// follow makes, uses, rotates and deletes a credential.
func (w *tour) follow(t *testing.T, b *pagetest.Tab, f flow, script bool) {
	t.Helper()
	defer func(all *testing.T) { b.T = all }(b.T)
	b.T = t
	b.Load(w.path(f.form))
	if f.fill != nil {
		f.fill(b)
	}
	b.Fill("#name", "By "+f.scheme+"\r")
	made := w.shown(t, b, &f, script)
	if code := w.use(t, f, made); code < 200 || code > 299 {
		t.Errorf("what was made is answered by %d", code)
	}
	b.Ready(f.row + `a[href$="/rotate"]`)
	b.Click(f.row + `a[href$="/rotate"]`)
	b.Ready("form.ask .pills")
	b.Click(`input[name=grace][value="0s"]`)
	b.Click("form.ask .primary")
	next := w.shown(t, b, &f, script)
	if code := w.use(t, f, made); code != 401 || next == made {
		t.Errorf("what was rotated is answered by %d", code)
	}
	if code := w.use(t, f, next); code < 200 || code > 299 {
		t.Errorf("what it was rotated to is answered by %d", code)
	}
	w.end(b, f.row)
	if code := w.use(t, f, next); code != 401 {
		t.Errorf("what was deleted is answered by %d", code)
	}
}

// end deletes what stands in a row of the list that a window shows.
func (w *tour) end(b *pagetest.Tab, row string) {
	b.Ready(row + ".del")
	b.Click(row + ".del")
	b.Ready("form.ask .danger")
	b.Click("form.ask .danger")
	b.Gone("form.ask .danger")
}

// secretOf is what a page shows once: a secret, and what is said beside it.
type secretOf struct{ secret, clientID string }

// shown copies a secret and leaves its page. The command that the page has for
// it is kept in the flow.
func (w *tour) shown(t *testing.T, b *pagetest.Tab, f *flow, script bool) (s secretOf) {
	t.Helper()
	b.Ready("dialog #secret")
	s.secret = b.Attribute("#secret", "value")
	if f.scheme == "betatesting_client" {
		s.clientID = b.Attribute("#client-id", "value")
	}
	if script {
		b.Click("[data-secret-copy]")
		b.Until("document.querySelector('dialog').dataset.stored")
		if got := b.Text("navigator.clipboard.readText()"); got != s.secret {
			t.Errorf("the clipboard has %q, the page shows %q", got, s.secret)
		}
	}
	if f.call == "" {
		f.call = b.Written("#code-call, #code-exchange, #code-github")
		if _, run, is := strings.Cut(f.call, "run: |\n"); is {
			f.call = run
		}
	}
	b.Click("dialog footer a")
	b.Gone("#secret")
	b.Load(w.path(f.list))
	return s
}

var variable = regexp.MustCompile(`\$([A-Z_]+)`)

// use runs the command that uses a secret, and returns the status of the answer.
// What a client gets for its secret is used as well.
func (w *tour) use(t *testing.T, f flow, s secretOf) (status int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "sh", "-c", f.call+` --silent --write-out '\n%{http_code}'`)
	for _, name := range variable.FindAllStringSubmatch(f.call, -1) {
		value := s.secret
		if name[1] == "GATEHOUSE_CLIENT_ID" {
			value = s.clientID
		}
		command.Env = append(command.Environ(), name[1]+"="+value)
	}
	out, err := command.Output()
	at := bytes.LastIndexByte(out, '\n')
	if at < 0 {
		t.Fatalf("%s: %v: %s", f.call, err, out)
	}
	if _, err := fmt.Sscan(string(out[at:]), &status); err != nil {
		t.Fatalf("%s: %v: %s", f.call, err, out)
	}
	if s.clientID == "" || status != 200 {
		return status
	}
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(out[:at], &token); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return w.use(t, flow{call: "curl --fail-with-body " + w.URL + `/api/external/v2/tests -H "Authorization: Bearer $TOKEN"`}, secretOf{secret: token.Access})
}
