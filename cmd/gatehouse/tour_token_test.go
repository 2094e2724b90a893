package main

import (
	"strconv"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
)

// tokenStops are the pages of personal tokens and of the credentials of
// projects. Each token that a stop makes is what the next ones show.
func tokenStops(w *tour) []stop {
	const shown, refused = "document.querySelector('#secret')", "document.querySelector('[role=alert]')"
	first := func(b *pagetest.Tab, selector string) {
		b.Text("String(document.querySelector(" + strconv.Quote(selector) + ").click())")
	}
	shut := func(b *pagetest.Tab) { // a secret that isn't copied
		b.Click("dialog footer a")
		b.Until("document.querySelector('.leave.show')")
		b.Click("[data-force]")
		b.Until("!document.querySelector('#secret')")
	}
	return []stop{
		{name: "tokens-empty", as: "member", path: "{org}/tokens"},
		{name: "tokens", as: "admin", path: "/console/account/tokens"},
		{name: "tokens-no-match", as: "admin", path: "/console/account/tokens?q=nothing"},
		{name: "tokens-of-the-organization", as: "admin", path: "{org}/keys/personal"},
		{name: "tokens-of-a-guest", as: "guest", path: "{org}/keys/personal"},
		{name: "token-new-betahub", as: "admin", path: "/console/account/tokens/new"},
		{name: "token-new-refused", as: "admin", do: func(b *pagetest.Tab) {
			b.Fill("#name", " \r")
			b.Until(refused)
		}},
		{name: "token-secret-betahub", as: "admin", do: func(b *pagetest.Tab) {
			b.Do(chromedp.Clear(chromedp.CSS("#name")))
			b.Fill("#name", "Production API Integration with a name that is long enough to need a second line\r")
			b.Until(shown)
		}},
		{name: "token-new-testkase", as: "admin", do: func(b *pagetest.Tab) {
			shut(b)
			b.Load(w.path("{org}/tokens/new?scheme=testkase"))
		}},
		{name: "token-secret-testkase", as: "admin", do: func(b *pagetest.Tab) {
			b.Text("document.querySelector('#expires').value = '7'")
			b.Fill("#name", "GitHub Actions — Production\r")
			b.Until(shown)
		}},
		{name: "token-page", as: "admin", do: func(b *pagetest.Tab) {
			shut(b)
			b.Load("/console/account/tokens")
			first(b, ".rowname a")
			b.Until("document.querySelector('#values')")
		}},
		{name: "token-replacement", as: "admin", do: func(b *pagetest.Tab) {
			first(b, ".head .acts a")
			b.Until("document.querySelector('#expires')")
		}},
		{name: "token-rotate", as: "admin", path: "/console/account/tokens", do: func(b *pagetest.Tab) {
			first(b, ".c-act a[href$='/rotate']")
			b.Until("document.querySelector('.ask')")
		}},
		{name: "token-delete", as: "admin", path: "/console/account/tokens", do: func(b *pagetest.Tab) {
			first(b, ".c-act a[href$='/delete']")
			b.Until("document.querySelector('.ask')")
		}},
		{name: "credentials", as: "owner", path: "{project}/credentials"},
		{name: "credentials-none-to-see", as: "member", path: "{project}/credentials"},
		{name: "credential-new-onetest", as: "owner", path: "{project}/credentials/new", do: func(b *pagetest.Tab) { first(b, "[value=custom]") }},
		{name: "credential-new-refused", as: "owner", do: func(b *pagetest.Tab) {
			b.Fill("#name", "Test Reporter\r")
			b.Until(refused)
		}},
		{name: "credential-secret-onetest", as: "owner", do: func(b *pagetest.Tab) {
			first(b, "[value=all]")
			b.Fill("#name", " 2\r")
			b.Until(shown)
		}},
		{name: "credential-new-betahub", as: "owner", do: func(b *pagetest.Tab) {
			shut(b)
			b.Load(w.path("{project}/credentials/new?scheme=betahub"))
		}},
		{name: "credential-secret-betahub", as: "owner", do: func(b *pagetest.Tab) {
			b.Fill("#name", "Beta build, in-game form\r")
			b.Until(shown)
		}},
	}
}
