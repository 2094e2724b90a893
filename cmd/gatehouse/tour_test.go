package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
)

// areas are the parts of the console. Each has a demo of its own, and the stops
// in their order: one may leave behind what the next one needs.
var areas = []struct {
	name  string
	stops func(*tour) []stop
}{
	{"frame", frameStops},
	{"keys", keyStops},
	{"account", accountStops},
	{"workspace", workStops},
	{"organization", organizationStops},
	{"federation", federationStops},
	{"token", tokenStops},
	{"device", deviceStops},
	{"operator", operatorStops},
}

// stop is a page of the console in some state, as somebody sees it. Without a
// path it goes on from the stop before. It is looked at once do, where there is
// one, has led to the state.
type stop struct {
	name string // of its pictures
	as   string // owner, admin, member, guest or operator; empty for who hasn't signed in
	path string // {org} and {project} stand for where pages of the demo's organization and its first project begin
	do   func(*pagetest.Tab)
}

// tour is a demo and the windows that look at it.
type tour struct {
	sample
	t       *testing.T
	browser context.Context
	windows map[string]*pagetest.Tab // by role
	process *process
	data    string // of the demo, once a command asked for it
}

// Every page of the console in every state holds against WCAG 2.2 AA in light
// and dark, fits a window of 320 pixels, and says nothing on the browser's
// console. GATEHOUSE_TEST_SCREENSHOTS=directory keeps a picture of each.
func TestTour(t *testing.T) {
	browser := pagetest.Chromium(t)
	for _, area := range areas {
		t.Run(area.name, func(t *testing.T) {
			t.Parallel()
			w := newTour(t, browser)
			for _, s := range area.stops(w) {
				w.see(s)
			}
			for _, b := range w.windows {
				b.Quiet()
			}
		})
	}
}

func newTour(t *testing.T, browser context.Context) *tour {
	t.Helper()
	w := &tour{t: t, browser: browser, windows: map[string]*pagetest.Tab{}}
	p := serveGatehouse(t, "demo", "--json", "--listen", "127.0.0.1:0", "--webhook-loopback", "yes", "--private-issuers", "127.0.0.1")
	w.process = p
	line, _, _ := strings.Cut(p.stdout.String(), "\n")
	if err := json.Unmarshal([]byte(line), &w.sample); err != nil {
		t.Fatalf("the demo printed no JSON: %v: %s", err, line)
	}
	return w
}

// user is who has a role in the demo.
func (w *tour) user(role string) sampleUser {
	w.t.Helper()
	for _, u := range w.Users {
		if u.Role == role {
			return u
		}
	}
	w.t.Fatalf("the demo has no %s", role)
	return sampleUser{}
}

// path is where a page is.
func (w *tour) path(of string) string {
	org := "/console/organizations/" + w.Organization.BunShipID
	return strings.NewReplacer("{org}", org, "{project}", org+"/projects/"+w.Projects[0].OneTestID).Replace(of)
}

// as is the window of somebody who has signed in, if they have a role.
func (w *tour) as(role string) *pagetest.Tab {
	w.t.Helper()
	if b := w.windows[role]; b != nil {
		return b
	}
	b := pagetest.Open(w.t, w.browser, w.URL, pagetest.Wide)
	w.windows[role] = b
	switch role {
	case "":
	case "operator":
		b.Load("/console/operator")
		b.Fill("#code", w.consoleCode()+"\r")
		b.At("/console/operator")
	default:
		u := w.user(role)
		b.Load("/console/sign-in")
		b.Fill("#email", u.Email)
		b.Fill("#password", u.Password+"\r")
		b.At("/console/")
	}
	return b
}

// api is a client of somebody who has signed in, to make what a page shows.
func (w *tour) api(role string) *client.Client {
	w.t.Helper()
	u := w.user(role)
	var in struct {
		AccessToken string `json:"accessToken"`
	}
	if err := client.New(w.URL, "", nil).Call(w.t.Context(), "POST", "/api/v1/auth/login", map[string]string{"email": u.Email, "password": u.Password}, &in); err != nil {
		w.t.Fatal(err)
	}
	return client.New(w.URL, in.AccessToken, nil)
}

// verify asks about a secret, for a resource.
func (w *tour) verify(secret, resource string) {
	w.t.Helper()
	verifier := client.New(w.URL, fmt.Sprint(w.Credentials["verifier"]), nil)
	if err := verifier.Call(w.t.Context(), "POST", "/v1/verify", api.Verify{Credential: &secret, Resource: resource}, nil); err != nil {
		w.t.Fatal(err)
	}
}

func (w *tour) see(s stop) {
	w.t.Helper()
	b := w.as(s.as)
	if s.path != "" {
		b.Text(`String(document.querySelector("dialog")?.setAttribute("data-stored", "1"))`) // which would ask before it is left
		b.Load(w.path(s.path))
	}
	b.Until("true")
	if s.do != nil {
		s.do(b)
		b.Until("true")
	}
	if failed := b.Text("/^Something went wrong/.test(document.title) ? document.body.innerText : ''"); failed != "" {
		w.t.Errorf("%s: %s", s.name, failed)
	}
	b.Inspect(s.name)
}

// frameStops are the pages that all others lead to.
func frameStops(w *tour) []stop {
	for i, c := range []string{"bunship_live", "bunship_test", "testkase_pat", "betahub_pat", "onetest_key", "betatesting_static"} {
		for range 40 - 6*i {
			w.verify(fmt.Sprint(w.Credentials[c]), []string{"GET /orders", "POST /orders", "GET /stock"}[i%3])
		}
	}
	return []stop{
		{name: "sign-in", path: "/console/sign-in"},
		{name: "sign-in-refused", do: func(b *pagetest.Tab) {
			b.Fill("#email", "ada@demo.test")
			b.Fill("#password", "not the password\r")
			b.Until("document.querySelector('[role=alert]')")
		}},
		{name: "home", as: "owner", path: "/console/"},
		{name: "not-found", as: "owner", path: "/console/nothing"},
		{name: "forbidden", as: "guest", path: "{org}/keys"},
		{name: "usage", as: "owner", path: "{org}/usage"},
		{name: "requests", as: "owner", path: "{org}/usage/requests?days=7", do: func(b *pagetest.Tab) {
			for range 100 { // it is some seconds behind
				if strings.Contains(b.Text("document.body.innerText"), "GET /orders") {
					break
				}
				time.Sleep(50 * time.Millisecond)
				b.Load(w.path("{org}/usage/requests?days=7"))
			}
			b.Click("details.data summary")
		}},
		{name: "requests-none", as: "guest", path: "{org}/usage/requests?days=90"},
		{name: "budgets", as: "owner", path: "{org}/budgets"},
		{name: "budget-new", as: "owner", do: func(b *pagetest.Tab) { b.Click(".head .primary"); b.Until("document.querySelector('#budget')") }},
		{name: "budget-refused", as: "owner", do: func(b *pagetest.Tab) { b.Fill("#budget", "many\r"); b.Until("document.querySelector('[role=alert]')") }},
		{name: "budget", as: "owner", do: func(b *pagetest.Tab) {
			b.Do(chromedp.Clear(chromedp.CSS("#budget")))
			b.Fill("#budget", "100\r")
			b.Until("document.querySelector('[data-done]')")
			for range 90 {
				w.verify(fmt.Sprint(w.Credentials["testkase_pat"]), "GET /orders")
			}
			b.Do(chromedp.Reload())
		}},
		{name: "usage-of-a-guest", as: "guest", path: "{org}/usage"},
	}
}
