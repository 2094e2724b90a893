package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

func naughty(t testing.TB) (list []string) {
	t.Helper()
	text, err := os.ReadFile("testdata/blns.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// Every naughty string is either refused and named, or comes back exactly as
// it was sent, wherever names are shown.
func TestNaughtyNames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		kept := 0
		for _, name := range naughty(t) {
			var out api.IssuedCredential
			a := w.do(t, request{method: "POST", path: "/v1/credentials", as: "owner", body: api.CreateCredential{Scheme: "gatehouse_key", Name: name, Scopes: []string{"projects:read"}}})
			if a.status == 422 {
				if p := a.problem(t); p.Field != "name" {
					t.Errorf("%q: refused for %q", name, p.Field)
				}
				continue
			}
			a.decode(t, &out)
			kept++
			var again api.Credential
			w.must(t, "GET", "/v1/credentials/"+out.ID, nil, &again)
			if want := strings.TrimSpace(name); out.Name != want || again.Name != want || utf8.RuneCountInString(want) > 100 {
				t.Errorf("%q came back as %q and %q", want, out.Name, again.Name)
			}
		}
		if kept < 300 {
			t.Errorf("only %d names were kept", kept)
		}
		for _, path := range []string{"/v1/credentials?limit=200", "/v1/audit/events?limit=200&after=40", "/v1/audit/verify"} {
			if a := w.do(t, request{method: "GET", path: path, as: "owner"}); a.status != 200 || !utf8.Valid(a.body) {
				t.Errorf("%s: got %d", path, a.status)
			}
		}
		for _, line := range strings.Split(strings.TrimSpace(w.logs.String()), "\n") {
			if !json.Valid([]byte(line)) {
				t.Errorf("a log line is not one JSON document: %.200q", line)
			}
		}
	})
}

// injections are texts that mean something to a database.
func injections() []string {
	return []string{"'", "''", `"`, "`", "\\", ";", "--", "/*", "' OR '1'='1", "' OR 1=1 --", "') OR ('1'='1", "1; DROP TABLE credentials; --", "'; DROP TABLE credentials; --", "' UNION SELECT lookup_key FROM secrets --",
		"1 OR pg_sleep(5)", "'||pg_sleep(5)||'", "' AND (SELECT 1 FROM (SELECT RANDOMBLOB(500000000)) x) --", "$1", "?", ":a", "%", "_", "%%", "%s%n", "${7*7}", "{{7*7}}", "\x1a", "x' ESCAPE '", "E'\\x27'", "CHAR(39)", "0x27"}
}

// H-4: SQL in every text field, query parameter, header and path segment is
// text. It is refused or kept, never run, and shows nothing of the database.
func TestH4_SQLInEveryField(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		tables := strings.Count(w.checksum(t), "\n")
		for _, text := range injections() {
			for _, field := range []string{"scheme", "name", "organization", "project", "user", "not_before", "expires_at", "expires_in"} {
				in := map[string]any{"scheme": "gatehouse_key", "name": "n", "scopes": []string{"projects:read"}}
				in[field] = text
				w.harmed(t, request{method: "POST", path: "/v1/credentials", as: "owner", body: in})
			}
			for _, field := range []string{"scopes", "allowed_addresses"} {
				w.harmed(t, request{method: "POST", path: "/v1/credentials", as: "owner", body: map[string]any{"scheme": "gatehouse_key", "name": "n", "scopes": []string{"projects:read"}, field: []string{text}}})
			}
			for _, field := range []string{"credential", "permission", "project", "address", "user_agent"} {
				in := map[string]any{"credential": w.secrets["live"]}
				in[field] = text
				w.harmed(t, request{method: "POST", path: "/v1/verify", as: "key", body: in})
			}
			for _, field := range []string{"email", "name", "role"} {
				in := map[string]any{"email": "x@x.test", "name": "x", "role": "nothing"}
				in[field] = text
				w.harmed(t, request{method: "POST", path: "/v1/organizations/1/members", as: "operator", body: in})
			}
			w.harmed(t, request{method: "PATCH", path: "/v1/credentials/" + w.records["live"].ID, as: "owner", body: map[string]any{"name": text}})
			w.harmed(t, request{method: "POST", path: "/v1/revoke", body: map[string]any{"credential": text}})
			header := strings.ReplaceAll(text, "\x1a", " ") // control characters have no place in headers
			w.harmed(t, request{method: "POST", path: "/v1/credentials", as: "owner", body: `{` + good + `}`, header: http.Header{"Idempotency-Key": {header}}})
			w.harmed(t, request{method: "GET", path: "/v1/self", header: http.Header{"X-Api-Key": {header}, "User-Agent": {header}}})
			w.harmed(t, request{method: "GET", path: "/v1/self", as: "owner", header: http.Header{"User-Agent": {header}, "X-Forwarded-For": {header}}})
			for _, parameter := range []string{"organization", "user", "project", "scheme", "state", "cursor", "limit"} {
				w.harmed(t, request{method: "GET", path: "/v1/credentials?" + parameter + "=" + escape(text), as: "owner"})
			}
			for _, path := range []string{"/v1/credentials/%s", "/v1/organizations/%s", "/v1/organizations/1/projects/%s", "/v1/organizations/1/members/%s"} {
				w.harmed(t, request{method: "GET", path: fmt.Sprintf(path, escape(text)), as: "owner"})
			}
		}
		if after := strings.Count(w.checksum(t), "\n"); after < tables {
			t.Errorf("rows are gone: %d before, %d after", tables, after)
		}
		if a := w.do(t, request{method: "GET", path: "/v1/audit/verify", as: "owner"}); !strings.Contains(string(a.body), `"ok":true`) {
			t.Errorf("the audit chain: %s", a.body)
		}
		if err := w.authority.Flush(t.Context()); err != nil {
			t.Errorf("the uses can't be stored: %v", err)
		}
	})
}

// harmed makes a call and fails on anything but a plain answer.
func (w *world) harmed(t testing.TB, r request) {
	t.Helper()
	if a := w.do(t, r); a.status >= 500 {
		t.Errorf("%s %s %v: got %d %s", r.method, r.path, r.body, a.status, a.body)
	}
}

// escape writes a text for a URL, byte by byte.
func escape(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, "%%%02x", c)
	}
	return b.String()
}

// A User-Agent is what a client likes it to be. Whatever bytes it has, the
// owner's lists stay readable and uses are stored.
func TestUserAgentOfAnyBytes(t *testing.T) {
	for name, agent := range map[string]string{"invalid UTF-8": "curl/8 \xff\xfe", "cut inside a character": strings.Repeat("é", 200), "odd": strings.Repeat("x", 255) + "é"} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, cfg storeConfig) {
				w := newWorld(t, cfg)
				w.checkAgent(t, request{method: "GET", path: "/v1/self", as: "guest", header: http.Header{"User-Agent": {agent}}})
			})
		})
	}
	t.Run("NUL by verify", func(t *testing.T) {
		storetest.Each(t, func(t *testing.T, cfg storeConfig) {
			w := newWorld(t, cfg)
			w.checkAgent(t, request{method: "POST", path: "/v1/verify", as: "key", body: map[string]any{"credential": w.secrets["guest"], "user_agent": "a\x00b"}})
		})
	})
}

// checkAgent makes a call that leaves a User-Agent behind, and then looks at
// everything that shows or stores it.
func (w *world) checkAgent(t *testing.T, r request) {
	t.Helper()
	w.do(t, r)
	if err := w.authority.Flush(t.Context()); err != nil {
		t.Errorf("the uses can't be stored: %v", err)
	}
	for path, as := range map[string]string{"/v1/credentials": "owner", "/v1/credentials/" + w.records["guest"].ID: "owner", "/v1/self": "guest"} {
		if a := w.do(t, request{method: "GET", path: path, as: as}); a.status != 200 {
			t.Errorf("%s: got %d %s", path, a.status, a.body)
		}
	}
}
