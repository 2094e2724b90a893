package main

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
)

// keyStops are the pages of API keys and API clients.
func keyStops(w *tour) []stop {
	modal := func(b *pagetest.Tab) { b.Until("document.querySelector('dialog:modal')") }
	press := func(selector, then string) func(*pagetest.Tab) {
		return func(b *pagetest.Tab) {
			b.Click(selector)
			b.Until("document.querySelector('" + then + "')")
		}
	}
	soon := time.Now().Add(6 * 24 * time.Hour).UTC().Format(time.RFC3339)
	owner := w.api("owner")
	for _, c := range []api.CreateCredential{
		{Scheme: "bunship_live", Name: "GitHub Actions, main", Scopes: []string{"read:projects", "write:projects"}, ExpiresAt: soon},
		{Scheme: "bunship_live", Name: "A partner's importer with a name that is long enough to be wrapped", Scopes: []string{"*"}, AllowedAddresses: []string{"203.0.113.0/24", "2001:db8::/32"}},
	} {
		if err := owner.Call(w.t.Context(), "POST", "/v1/credentials", c, nil); err != nil {
			w.t.Fatal(err)
		}
	}
	return []stop{
		{name: "keys", as: "owner", path: "{org}/keys"},
		{name: "keys-picked", as: "owner", do: func(b *pagetest.Tab) {
			b.Click("tbody tr:nth-child(2) .rowcheck")
			b.Click("tbody tr:nth-child(3) .rowcheck")
			b.Until("document.querySelector('[data-chosen]').textContent === '2 selected'")
		}},
		{name: "keys-rotate-several", as: "owner", do: press(".bulkbar [value=rotate]", "form.ask .pills")},
		{name: "keys-secrets", as: "owner", do: func(b *pagetest.Tab) { b.Click("form.ask .primary"); modal(b) }},
		{name: "keys-secrets-left", as: "owner", do: func(b *pagetest.Tab) {
			b.Click("[data-secret-copy]")
			b.Click("dialog footer a")
			b.Until("document.activeElement === document.querySelector('.leave.show')")
			b.Click("[data-force]")
			b.At(w.path("{org}/keys"))
		}},
		{name: "keys-searched", as: "owner", do: func(b *pagetest.Tab) {
			b.Fill("input[name=q]", "billing")
			b.Until("location.search === '?q=billing' && document.querySelectorAll('#keys tbody tr').length === 1 && document.activeElement.name === 'q'")
		}},
		{name: "keys-no-match", as: "owner", path: "{org}/keys?q=nothing"},
		{name: "key-new", as: "owner", path: "{org}/keys/new"},
		{name: "key-new-refused", as: "owner", do: press("form.form .primary", "[role=alert]")},
		{name: "key-secret", as: "owner", do: func(b *pagetest.Tab) { b.Fill("#name", "Checkout service\r"); modal(b) }},
		{name: "key-secret-left", as: "owner", do: func(b *pagetest.Tab) {
			b.Click("dialog footer a")
			b.Until("document.activeElement === document.querySelector('.leave.show')")
		}},
		{name: "key", as: "owner", path: "{org}/keys", do: press("tbody tr:last-child .c-key a", "#usage")},
		{name: "key-edit", as: "owner", do: press(".acts a[href$=\"/edit\"]", "#addresses")},
		{name: "key-edit-refused", as: "owner", do: func(b *pagetest.Tab) {
			b.Fill("#rate", "many")
			b.Click("form.form .primary")
			b.Until("document.querySelector('[role=alert]')")
		}},
		{name: "key-suspended", as: "owner", do: func(b *pagetest.Tab) {
			b.Click(".back")
			b.Until("document.querySelector('form[action$=\"/suspend\"]')")
			b.Click("form[action$=\"/suspend\"] button")
			b.Until("document.querySelector('[data-done]')")
		}},
		{name: "key-rotate", as: "owner", do: press(".acts .primary", "form.ask .pills")},
		{name: "key-revoke", as: "owner", path: "{org}/keys", do: press("tbody tr:first-child .del", "form.ask .danger")},
		{name: "keys-revoked", as: "owner", do: func(b *pagetest.Tab) { b.Click("form.ask .danger"); b.At(w.path("{org}/keys")) }},
		{name: "clients", as: "owner", path: "{org}/integrations"},
		{name: "client-new", as: "owner", path: "{org}/integrations/new"},
		{name: "client-secret", as: "owner", do: func(b *pagetest.Tab) { b.Fill("#name", "Dashboard\r"); modal(b) }},
		{name: "client-delete", as: "owner", path: "{org}/integrations", do: press("tbody .del", "form.ask .danger")},
		{name: "find", as: "owner", path: "{org}/find"},
		{name: "find-refused", as: "owner", path: "{org}/find?fingerprint=abc"},
		{name: "find-none", as: "owner", path: "{org}/find?fingerprint=00000000"},
		{name: "find-found", as: "owner", path: "{org}/find", do: func(b *pagetest.Tab) {
			b.Fill("#pasted", w.Credentials["bunship_live"].(string))
			b.Until("/^[0-9a-f]{8}$/.test(document.querySelector('#fingerprint').value)")
			b.Click("form.form .primary")
			b.Until("document.querySelector('.line') && !location.href.includes('bsk_')")
		}},
	}
}
