package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
)

// organizationStops are the pages about an organization, its people and its projects.
func organizationStops(w *tour) []stop {
	fill := func(pairs ...string) func(*pagetest.Tab) {
		return func(b *pagetest.Tab) {
			for i := 0; i < len(pairs); i += 2 {
				b.Fill(pairs[i], pairs[i+1])
			}
		}
	}
	press := func(selector, then string) func(*pagetest.Tab) {
		return func(b *pagetest.Tab) {
			const asked = "document.querySelector('#prove-password')"
			b.Click(selector)
			b.Until("(" + then + ") || " + asked)
			if b.Text("String(!!"+asked+")") == "true" { // on a machine that is slow
				b.Fill("#prove-password", w.user("owner").Password+"\r")
				b.Until(then)
			}
		}
	}
	refused := "document.querySelector('[role=alert]')"
	both := func(first, second func(*pagetest.Tab)) func(*pagetest.Tab) {
		return func(b *pagetest.Tab) {
			first(b)
			second(b)
		}
	}
	return []stop{
		{name: "invitations-none", as: "owner", path: "{org}/members/invitations"},
		{name: "members", as: "owner", path: "{org}/members"},
		{name: "members-of-a-guest", as: "guest", path: "{org}/members"},
		{name: "member-remove", as: "owner", path: "{org}/members", do: press("tbody tr:nth-child(2) .del", "document.querySelector('.btn.danger')")},
		{name: "invite", as: "owner", path: "{org}/members/invite"},
		{name: "invite-refused", as: "owner", do: both(fill("#email", "grace@example.com\nnobody\nmember@demo.test"), press("footer .primary", refused))},
		{name: "invited", as: "owner", path: "{org}/members/invite", do: both(fill("#email", "grace@example.com, alan.mathison.turing@a-rather-long-name-of-a-department.example.com"), press("footer .primary", "document.querySelector('dialog')"))},
		{name: "invitations", as: "owner", do: func(b *pagetest.Tab) {
			b.Click("[data-secret-copy]")
			b.Until("document.querySelector('.done')")
			b.Click("dialog [data-close]:not([data-force])")
			b.Until("location.pathname.endsWith('/invitations')")
		}},
		{name: "service-user", as: "owner", path: "{org}/members/service-users/new", do: press("footer .primary", refused)},
		{name: "projects", as: "owner", path: "{org}/projects"},
		{name: "projects-archived-none", as: "owner", path: "{org}/projects?state=archived"},
		{name: "project-new", as: "owner", path: "{org}/projects/new", do: press("footer .primary", refused)},
		{name: "project-settings", as: "owner", path: "{project}/settings"},
		{name: "project-settings-refused", as: "owner", path: "{project}/settings", do: both(fill("#email", "nobody@example.com"), press(".addrow .btn", refused))},
		{name: "project-archive", as: "owner", path: "{project}/settings/archive"},
		{name: "project-delete-refused", as: "owner", path: "{project}/settings/delete", do: press("footer .danger", refused)},
		{name: "trust-none", as: "owner", path: "{project}/trust-rules"},
		{name: "trust-new", as: "owner", path: "{project}/trust-rules/new"},
		{name: "trust-refused", as: "owner", do: both(fill("#name", "Nightly tests", "#repository_id", "acme/site", "#branch", "refs/heads/main"), press("footer .primary", refused))},
		{name: "trust-rule", as: "owner", path: "{project}/trust-rules/new", do: both(fill("#name", "Nightly tests", "#repository_id", "123456", "#branch", "main", "#environment", "production"), press("footer .primary", "document.querySelector('#job')"))},
		{name: "trust-rules", as: "owner", path: "{project}/trust-rules"},
		{name: "trust-delete", as: "owner", do: func(b *pagetest.Tab) {
			press("tbody a", "document.querySelector('#job')")(b)
			press(".head .del", "document.querySelector('.btn.danger')")(b)
		}},
		{name: "policies", as: "owner", path: "{org}/policies"},
		{name: "policies-of-a-member", as: "member", path: "{org}/policies"},
		{name: "policies-refused", as: "owner", path: "{org}/policies", do: both(fill("[name='lifetime:testkase_pat']", "3", "#addresses", "203.0.113.0/24"), press("footer .primary", refused))},
		{name: "signing-keys", as: "owner", path: "{org}/signing-keys"},
		{name: "settings", as: "owner", path: "{org}/settings"},
		{name: "organization-delete", as: "owner", path: "{org}/settings/delete"},
		{name: "webhooks-none", as: "owner", path: "{org}/webhooks"},
		{name: "webhook-new", as: "owner", path: "{org}/webhooks/new"},
		{name: "webhook-refused", as: "owner", do: both(fill("#url", "https://10.0.0.1/hook"), press("footer .primary", refused))},
		{name: "webhook-secret", as: "owner", path: "{org}/webhooks/new", do: func(b *pagetest.Tab) {
			fill("#url", w.receiver(), "#description", "The deployment bot")(b)
			b.Click("[name='events:project.created']")
			press("footer .primary", "document.querySelector('dialog')")(b)
		}},
		{name: "webhook-untouched", as: "owner", do: func(b *pagetest.Tab) {
			b.Click("[data-secret-copy]")
			b.Until("document.querySelector('.done')")
			press("dialog [data-close]:not([data-force])", "document.querySelector('#facts')")(b)
		}},
		{name: "delivery", as: "owner", do: press(".head form[action$='/test'] button", "document.querySelector('#payload')")},
		{name: "webhook", as: "owner", do: func(b *pagetest.Tab) {
			w.tell()
			press(".back", "document.querySelector('.recipe')")(b)
			b.Click(".recipe summary")
		}},
		{name: "webhook-edit", as: "owner", do: press("a[href$='/edit']", "document.querySelector('#url')")},
		{name: "webhook-rotate", as: "owner", do: func(b *pagetest.Tab) {
			press(".back", "document.querySelector('.recipe')")(b)
			press("a[href$='/rotate']", "document.querySelector('#how')")(b)
		}},
		{name: "webhooks", as: "owner", path: "{org}/webhooks"},
		{name: "audit", as: "owner", path: "{org}/audit", do: func(b *pagetest.Tab) { b.Click(".what summary") }},
		{name: "audit-filtered", as: "owner", path: "{org}/audit", do: func(b *pagetest.Tab) {
			b.Fill("#who", "owner@demo.test")
			b.Until("location.search.includes('who=') && !document.querySelector('#rows').innerText.includes('Whoever runs')")
		}},
		{name: "audit-no-match", as: "owner", path: "{org}/audit?until=2001-01-01"},
		{name: "audit-verify", as: "owner", path: "{org}/audit/verify"},
	}
}

// receiver is an endpoint on this machine, which a demo lets webhooks go to. It
// takes tests, and can't do anything else.
func (w *tour) receiver() string {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Webhook-Event") != "test" {
			rw.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(rw, "upstream is <b>away</b>")
			return
		}
		fmt.Fprint(rw, `{"received":true}`)
	}))
	w.t.Cleanup(server.Close)
	return server.URL + "/hook?" + strings.Repeat("long-", 20)
}

// tell makes something that webhooks are told of.
func (w *tour) tell() {
	w.t.Helper()
	key := client.New(w.URL, fmt.Sprint(w.Credentials["bunship_live"]), nil)
	if err := key.Call(w.t.Context(), http.MethodPost, "/v1/organizations/"+w.Organization.ID+"/projects", api.CreateProject{Name: "Puzzle"}, nil); err != nil {
		w.t.Fatal(err)
	}
}
