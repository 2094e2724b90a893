package main

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
)

// An owner invites somebody in a browser, who follows the link, makes an
// account and is a member; becomes a guest, and is removed again: with script,
// and without.
func TestMembersInABrowser(t *testing.T) {
	w := newTour(t, pagetest.Chromium(t))
	bare := w.bare("owner")
	w.joins(visit{w.as("owner"), pagetest.Open(t, w.browser, w.URL, pagetest.Narrow), true}, "grace@example.test")
	alone := pagetest.Open(t, w.browser, w.URL, pagetest.Narrow)
	alone.WithoutScript()
	w.joins(visit{bare, alone, false}, "alan@example.test")
	w.as("owner").Quiet()
}

// visit is the window of an owner, and that of somebody who comes.
type visit struct {
	owner, guest *pagetest.Tab
	script       bool
}

// joins has an owner invite an address, its holder join, and be removed.
func (w *tour) joins(v visit, email string) {
	w.t.Helper()
	owner, guest := v.owner, v.guest
	const password = "a long password of theirs"
	owner.Load(w.path("{org}/members/invite"))
	owner.Fill("#email", email)
	owner.Click("footer .primary")
	owner.Ready("dialog #secret")
	link := owner.Attribute("#secret", "value")
	at, code, _ := strings.Cut(strings.TrimPrefix(link, w.URL), "#code=")
	guest.Load(at)
	guest.Fill("#code", code+"\r")
	guest.Fill("#name", "A Person")
	guest.Fill("#password", password)
	guest.Click("main form .secondary")
	guest.Ready(`a[href="/console/account/tokens"]`)
	guest.Load(w.path("{org}/projects"))
	guest.Ready("h1")
	if text := guest.Written("main"); !strings.Contains(text, "Projects") {
		w.t.Errorf("who joined sees %s", text)
	}

	list := w.path("{org}/members?q=" + email)
	if v.script { // it asks before a link is left that nobody copied
		owner.Click("[data-secret-copy]")
		owner.Until("document.querySelector('dialog').dataset.stored")
	}
	owner.Click("dialog footer a")
	owner.Gone("dialog")
	owner.Load(list)
	owner.Click("tbody select[name=role]")
	owner.Press("g\r")
	owner.Click("tbody form.inline button")
	owner.Ready("[data-done]")
	owner.Load(list)
	if role := owner.Text("document.querySelector('tbody select[name=role]').value"); role != "guest" {
		w.t.Errorf("%s is a %s", email, role)
	}
	owner.Click("tbody .del")
	owner.Click("form.ask .danger")
	owner.Gone("form.ask .danger")
	owner.Load(list)
	owner.Gone("tbody")
	guest.Load(w.path("{org}/projects"))
	if text := guest.Written("body"); strings.Contains(text, "Space Game") || !strings.Contains(text, "There is no such page") {
		w.t.Errorf("who was removed sees %s", text)
	}
}
