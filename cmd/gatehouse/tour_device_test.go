package main

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
)

// asking has a device ask, from an address of this machine, and returns what it
// calls that.
func (w *tour) asking(from, name, program string) (id string) {
	w.t.Helper()
	id = uuid.NewString()
	body, err := json.Marshal(map[string]string{"request_id": id, "entity_kind": "game", "entity_name": name})
	if err != nil {
		w.t.Fatal(err)
	}
	w.device(deviceCall{from, program, "POST", "/device_auth/create", string(body)})
	return id
}

// deviceCall is a call of a program, from an address of this machine.
type deviceCall struct{ from, program, method, path, body string }

// device is what a device is told.
func (w *tour) device(c deviceCall) (out map[string]string) {
	w.t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.from)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(w.t.Context(), c.method, w.URL+c.path, strings.NewReader(c.body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", c.program)
	answer, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil || answer.StatusCode >= 300 {
		w.t.Fatalf("%s %s: got %d %v %v", c.method, c.path, answer.StatusCode, out, err)
	}
	return out
}

// deviceStops are the pages to which a game leads whoever is to let it act.
func deviceStops(w *tour) []stop {
	const here, unity = "127.0.0.1", "UnityPlayer/6000.0.31f1 (UnityWebRequest/1.0, libcurl/8.10.1-DEV)"
	page := func(id string) string { return "/device_auth/" + id + "/authorize" }
	game := w.asking(here, "Space Game", unity)
	second := w.asking(here, "Space Game", unity)
	var other struct {
		ID string `json:"id"`
	}
	w.made("owner", "/api/v1/organizations", map[string]string{"name": "Second Studio with a name that is rather long for a line", "slug": "second-studio"}, &other)
	polled := func(id, want string) func(*pagetest.Tab) {
		return func(b *pagetest.Tab) {
			if got := w.device(deviceCall{here, unity, "GET", "/device_auth/" + id + "/poll", ""}); got["status"] != want || (got["token"] != "") != (want == "approved") {
				w.t.Errorf("the device is told %v, want %s", got, want)
			}
			b.Load(page(id))
		}
	}
	allow := func(id string) func(*pagetest.Tab) {
		return func(b *pagetest.Tab) { b.Click(send); b.At(page(id)); b.Until("document.querySelector('.banner.ok')") }
	}
	const deny = "main form button.secondary"
	return []stop{
		{name: "device-sign-in", path: page(game)},
		{name: "device-ask", as: "member", path: page(game)},
		{name: "device-allowed", as: "member", do: allow(game)},
		{name: "device-taken", as: "member", do: polled(game, "approved")},
		{name: "device-sessions", as: "member", path: "/console/account/sessions"},
		{name: "device-answered-by-another", as: "guest", path: page(game)},
		{name: "device-ask-from-elsewhere", as: "guest", path: page(w.asking("127.0.0.2", strings.Repeat("An interstellar adventure, part II: ", 2)+"the long way home again", strings.Repeat("Engine/5.4 ", 20)))},
		{name: "device-denied", as: "guest", path: page(second), do: func(b *pagetest.Tab) {
			b.Click(deny)
			b.Until("document.querySelector('h1')?.innerText === 'You said no'")
			polled(second, "expired")(b)
		}},
		{name: "device-unknown", as: "guest", path: page("0123456789abcdef")},
		{name: "device-choose", as: "owner", path: page(w.asking("127.0.0.2", "Космос \u05de\u05e9\u05d7\u05e7 ゲーム", ""))},
		{name: "device-choose-refused", as: "owner", do: func(b *pagetest.Tab) {
			b.Text("String(document.querySelectorAll('[name=organization]').forEach((radio) => radio.required = false))")
			b.Click(send)
			b.Until("document.querySelector('[role=alert]')")
		}},
		{name: "device-chosen-without-script", as: "owner", do: func(b *pagetest.Tab) {
			id, u := w.asking(here, "Space Game", unity), w.user("owner")
			plain := pagetest.Open(w.t, w.browser, w.URL, pagetest.Wide)
			plain.WithoutScript()
			plain.Load(page(id))
			plain.Fill("#email", u.Email)
			plain.Fill("#password", u.Password+"\r")
			plain.Ready(".asks")
			plain.Click("label.choice:last-child input")
			plain.Click(send)
			plain.Ready(".banner.ok")
			b.Load(page(id))
		}},
	}
}
