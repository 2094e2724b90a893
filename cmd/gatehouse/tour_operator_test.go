package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
)

// command runs a command as the operator of the demo, and returns what it prints.
func (w *tour) command(args ...string) string {
	w.t.Helper()
	if w.data == "" { // the demo keeps it to itself
		files := fmt.Sprintf("/proc/%d/fd", w.process.cmd.Process.Pid)
		list, err := os.ReadDir(files)
		for _, f := range list {
			if to, _ := os.Readlink(filepath.Join(files, f.Name())); filepath.Base(to) == "gatehouse.db" {
				w.data = filepath.Dir(to)
			}
		}
		if w.data == "" {
			w.t.Fatal("the demo's data can't be found: ", err)
		}
	}
	cmd := exec.Command("gatehouse", append(args, "--data", w.data)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("gatehouse %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

// consoleCode is a code that lets the operator in.
func (w *tour) consoleCode() string {
	w.t.Helper()
	var made api.ConsoleCode
	if err := json.Unmarshal([]byte(w.command("console", "--json")), &made); err != nil {
		w.t.Fatal(err)
	}
	return made.Code
}

// operatorStops are the pages of whoever runs the installation.
func operatorStops(w *tour) []stop {
	w.command("organization", "create", "A-studio-with-a-name-of-one-word-that-is-as-long-as-one-may-be-in-this-list-and-then-some-more")
	var suspended api.Organization
	if err := json.Unmarshal([]byte(w.command("organization", "create", "Ocean <Labs>", "--json")), &suspended); err != nil {
		w.t.Fatal(err)
	}
	w.command("organization", "suspend", suspended.ID)
	refused := "document.querySelector('[role=alert]')"
	saved := "document.querySelector('[data-done]')"
	org := "/console/operator/organizations/" + w.Organization.BunShipID
	open := func(scheme string) func(*pagetest.Tab) {
		return func(b *pagetest.Tab) {
			b.Load(org + "?scheme=" + scheme)
			b.Click("tbody th a")
			b.Until("document.querySelector('.sidefacts')")
		}
	}
	press := func(selector, then string) func(*pagetest.Tab) {
		return func(b *pagetest.Tab) { b.Click(selector); b.Until(then) }
	}
	w.verify(fmt.Sprint(w.Credentials["betatesting_static"]), "GET /orders")
	return []stop{
		{name: "operator-sign-in", path: "/console/operator"},
		{name: "operator-sign-in-refused", do: func(b *pagetest.Tab) { b.Fill("#code", "0000-0000-0000\r"); b.Until(refused) }},
		{name: "operator-organizations", as: "operator", path: "/console/operator"},
		{name: "operator-organizations-no-match", as: "operator", path: "/console/operator?q=nothing"},
		{name: "operator-organization-empty", as: "operator", path: "/console/operator?state=suspended", do: press("tbody th a", "document.querySelector('.banner')")},
		{name: "operator-organization", as: "operator", path: org},
		{name: "operator-organization-no-match", as: "operator", path: org + "?state=suspended&q=nothing"},
		{name: "operator-credential", as: "operator", do: open("betatesting_static")},
		{name: "operator-credential-refused", as: "operator", do: func(b *pagetest.Tab) {
			b.Fill("#rate", "many")
			b.Fill("#addresses", "10.0.0.0/99")
			press("footer .primary", refused)(b)
		}},
		{name: "operator-credential-saved", as: "operator", do: func(b *pagetest.Tab) {
			open("betatesting_static")(b)
			b.Text(fmt.Sprintf("document.querySelector('#expires').value = %q", time.Now().UTC().AddDate(0, 1, 0).Format(time.DateOnly)))
			b.Fill("#addresses", "203.0.113.0/24\n2001:db8::/32\n198.51.100.7")
			press("footer .primary", saved)(b)
		}},
		{name: "operator-credential-fixed", as: "operator", do: open("testkase_pat")},
		{name: "operator-revoke", as: "operator", do: press(".head .del", "document.querySelector('.btn.danger')")},
		{name: "operator-revoked", as: "operator", do: press(".btn.danger", saved)},
		{name: "operator-credential-revoked", as: "operator", do: open("testkase_pat")},
		{name: "operator-signing-keys", as: "operator", path: "/console/operator/signing-keys"},
		{name: "operator-signing-keys-rotated", as: "operator", do: press(".pad .primary", saved)},
		{name: "operator-signing-keys-now", as: "operator", do: press("a[href$='/replace']", "document.querySelector('.btn.danger')")},
		{name: "operator-in-the-audit-log", as: "owner", path: "{org}/audit?what=credential."},
	}
}
