package rest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// authorization makes headers of Authorization lines.
func authorization(lines ...string) http.Header { return http.Header{"Authorization": lines} }

// mutations are what a secret becomes when it is copied badly.
func mutations(secret string) map[string]string {
	flip := func(i int) string {
		c := byte('A')
		if secret[i] == c {
			c = 'B'
		}
		return secret[:i] + string(c) + secret[i+1:]
	}
	n := len(secret)
	return map[string]string{
		"truncated": secret[:n-1], "half": secret[:n/2], "prefix alone": secret[:strings.IndexAny(secret, "_-")+1], "extended": secret + "0", "another character": flip(n / 2),
		"wrong checksum": flip(n - 1), "upper case": strings.ToUpper(secret), "swapped case": swapCase(secret), "leading space": " \u00a0" + secret, "inner space": secret[:20] + " " + secret[20:],
		"trailing percent": secret + "%00", "twice": secret + secret, "joined by a comma": secret + "," + secret, "in quotes": `"` + secret + `"`, "percent-encoded": strings.ReplaceAll(secret, "_", "%5F"),
		"look-alike О": strings.Replace(secret, "_", "＿", 1), "look-alike prefix": strings.Replace(secret, "a", "а", 1) + "ｅ", "no prefix": secret[strings.IndexAny(secret, "_-")+1:], "another prefix": "ghp_" + secret[5:],
		"513 bytes": secret + strings.Repeat("0", 513-n), "8 KB": strings.Repeat("A", 8<<10), "blank": "   ", "empty": "",
	}
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 32
		}
		if r >= 'A' && r <= 'Z' {
			return r + 32
		}
		return r
	}, s)
}

func TestK7_K8_BadSecretsAreRefusedInEveryPlace(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	for name, bad := range mutations(w.secrets["key"]) {
		for place, header := range map[string]http.Header{"Bearer": authorization("Bearer " + bad), "bearer": authorization("bearer " + bad), "X-API-Key": {"X-Api-Key": {bad}}, "FormUser": authorization("FormUser " + bad), "bare": authorization(bad)} {
			a := w.do(t, request{method: "GET", path: "/v1/self", header: header})
			if a.status != 401 || a.problem(t).Code != "invalid_credential" {
				t.Errorf("%s in %s: got %d %s, want 401 invalid_credential", name, place, a.status, a.body)
			}
			if strings.Contains(string(a.body)+a.header.Get("WWW-Authenticate"), w.secrets["key"][5:20]) {
				t.Errorf("%s in %s: the answer echoes the secret: %s", name, place, a.body)
			}
		}
	}
	for _, line := range []string{"", " ", "Bearer", "Bearer ", "Bearer\t" + w.secrets["key"], "Bearer:" + w.secrets["key"], "Bearer=" + w.secrets["key"], "Token " + w.secrets["key"], "Negotiate x", "Digest username=x", "Basic", "Basic !!!",
		"Bearer " + w.secrets["key"] + ", Bearer " + w.secrets["key"], "Bearer " + w.secrets["key"] + ";x", "Bearer " + w.secrets["key"] + " x", "FormUser", "FormUser ,", "FormUser " + w.secrets["key"]} {
		if a := w.do(t, request{method: "GET", path: "/v1/self", header: authorization(line)}); a.status != 401 {
			t.Errorf("Authorization: %.20q…: got %d %s, want 401", line, a.status, a.body)
		}
	}
	for _, line := range []string{"Bearer " + w.secrets["key"], "BEARER " + w.secrets["key"], "bearer   " + w.secrets["key"]} {
		if a := w.do(t, request{method: "GET", path: "/v1/self", header: authorization(line)}); a.status != 200 {
			t.Errorf("Authorization: %.20q…: got %d %s, want 200", line, a.status, a.body)
		}
	}
	checkNoSecrets(t, w)
}

func TestO9_OneCredentialOnce(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	key, owner := w.secrets["key"], w.secrets["owner"]
	for name, header := range map[string]http.Header{
		"two Authorization, the same":       authorization("Bearer "+key, "Bearer "+key),
		"two Authorization":                 authorization("Bearer "+owner, "Bearer "+key),
		"Bearer and Basic":                  authorization("Bearer "+owner, "Basic eDp5"),
		"Authorization and X-API-Key":       {"Authorization": {"Bearer " + owner}, "X-Api-Key": {key}},
		"both, the same":                    {"Authorization": {"Bearer " + key}, "X-Api-Key": {key}},
		"X-API-Key and empty Authorization": {"Authorization": {""}, "X-Api-Key": {key}},
		"Authorization and empty X-API-Key": {"Authorization": {"Bearer " + key}, "X-Api-Key": {""}},
		"two X-API-Key":                     {"X-Api-Key": {key, key}},
	} {
		a := w.do(t, request{method: "GET", path: "/v1/self", header: header})
		if a.status != 400 || a.problem(t).Code != "bad_request" {
			t.Errorf("%s: got %d %s, want 400 bad_request", name, a.status, a.body)
		}
	}
}

func TestO9_SecretInTheURL(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	secret := w.secrets["key"]
	w.testID(t) // which harmless calls ask for
	before := w.checksum(t)
	for _, r := range w.edge.Routes() {
		s := harmless(t, w, r)
		for _, name := range []string{"access_token", "token", "api_key", "key", "credential", "client_secret"} {
			for _, query := range []string{name + "=" + secret, name + "=x", name, strings.ToUpper(name) + "=" + secret, "limit=1&" + name + "=" + url.QueryEscape(secret)} {
				a := w.do(t, request{method: r.Method, path: s.path + "?" + query, body: s.body, as: "owner"})
				if p := a.problem(t); a.status != 400 || p.Code != "bad_request" || p.Field != name {
					t.Errorf("%s ?%s: got %d %s, want 400 that names it", nameOf(r), name, a.status, a.body)
				}
			}
		}
		a := w.do(t, request{method: r.Method, path: s.path + "?q=" + secret, body: s.body})
		if p := a.problem(t); a.status != 400 || p.Field != "q" {
			t.Errorf("%s ?q=(a secret): got %d %s, want 400 that names it", nameOf(r), a.status, a.body)
		}
	}
	if after := w.checksum(t); after != before {
		t.Errorf("something was changed:\n%.2000s", difference(before, after))
	}
	checkNoSecrets(t, w)
}

// An escaped name or value is the same parameter to whoever decodes it, such
// as the proxy that logs it.
func TestO9_SecretInTheURLInDisguise(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	secret := w.secrets["key"]
	for _, query := range []string{"%61ccess_token=" + secret[5:], "q=%67" + secret[1:], "access%5Ftoken=x", secret, secret + "="} {
		for _, path := range []string{"/healthz", "/v1/self"} {
			if a := w.do(t, request{method: "GET", path: path + "?" + query, as: "owner"}); a.status != 400 {
				t.Errorf("%s?%.20s…: got %d, want 400", path, query, a.status)
			}
		}
	}
	checkNoSecrets(t, w)
}

func TestO9_Challenges(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	id := func(name string) string { return "/v1/credentials/" + w.records[name].ID }
	w.must(t, "POST", id("admin")+"/suspend", nil, nil)
	w.must(t, "POST", id("betahub")+"/revoke", nil, nil)
	w.must(t, "PATCH", id("live"), map[string]any{"allowed_addresses": []string{"203.0.113.0/24"}}, nil)
	later := w.clock.now().Add(time.Hour)
	w.issue(t, "later", api.CreateCredential{Scheme: "gatehouse_key", Name: "later", Organization: w.acme.ID, Scopes: []string{"projects:read"}, NotBefore: later.Format(time.RFC3339)})
	w.issue(t, "brief", api.CreateCredential{Scheme: "gatehouse_key", Name: "brief", Organization: w.acme.ID, Scopes: []string{"projects:read"}, ExpiresIn: "1s"})
	w.clock.advance(2 * time.Second)
	w.must(t, "DELETE", "/v1/organizations/"+w.acme.ID+"/members/lead@acme.test", nil, nil)
	w.must(t, "POST", "/v1/organizations/"+w.acme.ID+"/projects/"+w.alpha.ID+"/archive", nil, nil)
	invalid := func(text string) string {
		return `Bearer realm="gatehouse", error="invalid_token", error_description="` + text + `"`
	}
	for _, c := range []struct {
		as, path  string
		status    int
		code      string
		challenge string
	}{
		{"", "/v1/self", 401, "unauthenticated", `Bearer realm="gatehouse"`},
		{"nobody", "/v1/self", 401, "invalid_credential", invalid("the credential is not valid")},
		{"admin", "/v1/self", 401, "suspended", invalid("the credential is suspended; its organization can resume it")},
		{"betahub", "/v1/self", 401, "revoked", invalid("the credential is revoked")},
		{"later", "/v1/self", 401, "not_yet_valid", invalid("the credential is not valid yet")},
		{"brief", "/v1/self", 401, "expired", invalid("the credential has expired")},
		{"lead", "/v1/self", 401, "revoked", invalid("the credential is revoked")},
		{"onetest", "/v1/self", 401, "owner_inactive", invalid("the owner of the credential is not in service")},
		{"test", "/v1/audit/events", 403, "insufficient_scope", `Bearer realm="gatehouse", error="insufficient_scope", scope="audit:read"`},
		{"guest", "/v1/audit/events", 403, "forbidden", ""},
		{"live", "/v1/self", 403, "address_denied", ""},
	} {
		w.secrets["nobody"] = "gate_" + strings.Repeat("0", 34) + "000000"
		a := w.do(t, request{method: "GET", path: c.path, as: c.as})
		p := a.problem(t)
		if got := a.header.Get("WWW-Authenticate"); a.status != c.status || p.Code != c.code || got != c.challenge {
			t.Errorf("%s as %q: got %d %s %q\nwant %d %s %q", c.path, c.as, a.status, p.Code, got, c.status, c.code, c.challenge)
		}
		if p.Field != "" {
			t.Errorf("%s as %q: a refusal of the caller names the field %q", c.path, c.as, p.Field)
		}
	}
}

// Unknown and malformed secrets look alike to whoever presents them.
func TestUnknownIsLikeMalformed(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	c := w.issue(t, "gone", api.CreateCredential{Scheme: "gatehouse_key", Name: "gone", Organization: w.acme.ID, Scopes: []string{"projects:read"}})
	unknown, err := w.cfg.Schemes.ByName("gatehouse_key").Text.Generate(zeros{})
	if err != nil {
		t.Fatal(err)
	}
	first := w.do(t, request{method: "GET", path: "/v1/self", header: authorization("Bearer " + unknown.Reveal())})
	second := w.do(t, request{method: "GET", path: "/v1/self", header: authorization("Bearer " + c.Secret + "x")})
	one, two := first.problem(t), second.problem(t)
	one.RequestID, two.RequestID = "", ""
	if one != two || first.header.Get("WWW-Authenticate") != second.header.Get("WWW-Authenticate") {
		t.Errorf("unknown %+v, malformed %+v", one, two)
	}
}

// zeros is a random source that never is.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Proxies are trusted by nobody's word: without a list the header says nothing.
func TestI1_ForwardedHeadersSayNothingByDefault(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.must(t, "PATCH", "/v1/credentials/"+w.records["live"].ID, map[string]any{"allowed_addresses": []string{"203.0.113.7"}}, nil)
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "X-Client-Ip", "Cf-Connecting-Ip", "True-Client-Ip", "X-Cluster-Client-Ip", "X_forwarded_for"} {
		value := "203.0.113.7"
		if name == "Forwarded" {
			value = "for=203.0.113.7"
		}
		a := w.do(t, request{method: "GET", path: "/v1/self", as: "live", header: http.Header{name: {value}}})
		if a.status != 403 || a.problem(t).Code != "address_denied" {
			t.Errorf("%s: got %d %s, want 403 address_denied", name, a.status, a.body)
		}
	}
	w.must(t, "PATCH", "/v1/credentials/"+w.records["live"].ID, map[string]any{"allowed_addresses": []string{"127.0.0.0/8"}}, nil)
	if a := w.do(t, request{method: "GET", path: "/v1/self", as: "live"}); a.status != 200 {
		t.Errorf("from an allowed address: got %d %s", a.status, a.body)
	}
	if !slices.Contains([]string{"127.0.0.1"}, w.eventAddress(t)) {
		t.Errorf("the audit names the address %q", w.eventAddress(t))
	}
}

// eventAddress is where the latest event of a call with a credential came from.
func (w *world) eventAddress(t *testing.T) string {
	t.Helper()
	if a := w.do(t, request{method: "POST", path: "/v1/self/rotate", as: "guest"}); a.status != 200 {
		t.Fatalf("rotate: %d %s", a.status, a.body)
	}
	var page api.List[api.Event]
	w.must(t, "GET", "/v1/audit/events?limit=200&organization="+w.acme.ID, nil, &page)
	return page.Items[len(page.Items)-1].Address
}
