package rest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// rfcKey is the public half of RFC 7515 appendix A.3, as a member list of a JWK.
const rfcKey = `"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`

// publicKey is a key set of keys with these ids.
func publicKey(kids ...string) string {
	var keys []string
	for _, kid := range kids {
		keys = append(keys, fmt.Sprintf(`{%s,"alg":"ES256","kid":%q,"x5t":"kept as it is"}`, rfcKey, kid))
	}
	return `{"keys":[` + strings.Join(keys, ",") + `]}`
}

func TestClientKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		path := "/v1/credentials/" + w.records["client"].ID
		keys := func(method, as string, body any) (c api.Credential) {
			w.do(t, request{method: method, path: path + "/jwks", as: as, body: body}).decode(t, &c)
			return c
		}
		shown := func() (c api.Credential) {
			w.do(t, request{method: "GET", path: path, as: "owner"}).decode(t, &c)
			return c
		}
		if got := keys("PUT", "operator", publicKey("two", "one")); fmt.Sprint(got.KeyIDs) != "[one two]" || got.ClientID == "" {
			t.Errorf("got the keys %v of %q", got.KeyIDs, got.ClientID)
		}
		if got := shown().KeyIDs; fmt.Sprint(got) != "[one two]" {
			t.Errorf("shown are the keys %v", got)
		}
		if got := keys("PUT", "operator", publicKey("three")); fmt.Sprint(got.KeyIDs) != "[three]" {
			t.Errorf("got the keys %v in place of those before", got.KeyIDs)
		}
		for range 2 { // which may be repeated
			if got := keys("DELETE", "owner", nil); got.KeyIDs != nil || shown().KeyIDs != nil {
				t.Errorf("there are still keys: %v, %v", got.KeyIDs, shown().KeyIDs)
			}
		}
		events := w.do(t, request{method: "GET", path: "/v1/audit/events?limit=200", as: "owner"})
		for _, want := range []string{`\"key_ids\":[\"one\",\"two\"]`, `\"key_ids\":[\"three\"]`, `\"key_ids\":[]`} {
			if !strings.Contains(string(events.body), want) {
				t.Errorf("the audit doesn't say %s", want)
			}
		}
		if n := strings.Count(string(events.body), `"action":"client.set_keys"`); n != 4 {
			t.Errorf("got %d events, want 4", n)
		}
		w.must(t, "POST", path+"/revoke", nil, nil)
		checkRefusals(t, w, []refusal{
			{"keys of a revoked client", request{method: "PUT", path: path + "/jwks", as: "operator", body: publicKey("late")}, 409, "conflict", ""},
			{"no keys of a revoked client", request{method: "DELETE", path: path + "/jwks", as: "operator"}, 409, "conflict", ""},
		})
	})
}

func TestWrongClientKeysAreRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		path := "/v1/credentials/" + w.records["client"].ID + "/jwks"
		put := func(as string, body any) request { return request{method: "PUT", path: path, as: as, body: body} }
		other := "/v1/credentials/" + w.records["key"].ID + "/jwks"
		set := func(members string) request { return put("operator", `{"keys":[{`+members+`}]}`) }
		w.issue(t, "narrow", api.CreateCredential{Scheme: "gatehouse_key", Name: "narrow", Organization: w.acme.ID, Scopes: []string{"credentials:read", "credentials:write"}})
		before := w.checksum(t)
		checkRefusals(t, w, []refusal{
			{"no body", put("operator", nil), 422, "invalid", "jwks"},
			{"no keys", put("operator", `{}`), 422, "invalid", "jwks"},
			{"an empty set", put("operator", `{"keys":[]}`), 422, "invalid", "jwks"},
			{"keys of another type", put("operator", `{"keys":{}}`), 422, "invalid", "keys"},
			{"null", put("operator", `{"keys":null}`), 422, "invalid", "keys"},
			{"nine keys", put("operator", publicKey("1", "2", "3", "4", "5", "6", "7", "8", "9")), 422, "invalid", "jwks"},
			{"one id twice", put("operator", publicKey("1", "1")), 422, "invalid", "jwks"},
			{"another member", put("operator", `{"keys":[],"url":"https://keys.example.com"}`), 400, "bad_request", "url"},
			{"no algorithm", set(rfcKey + `,"kid":"a"`), 422, "invalid", "jwks"},
			{"no id", set(rfcKey + `,"alg":"ES256"`), 422, "invalid", "jwks"},
			{"an algorithm of secrets", set(`"kty":"oct","k":"AAAA","alg":"HS256","kid":"a"`), 422, "invalid", "jwks"},
			{"a private key", set(rfcKey + `,"alg":"ES256","kid":"a","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"`), 422, "invalid", "jwks"},
			{"a key to encrypt with", set(rfcKey + `,"alg":"ES256","kid":"a","use":"enc"`), 422, "invalid", "jwks"},
			{"too much", put("operator", `{"keys":[{"pad":"`+strings.Repeat("x", 16<<10)+`"}]}`), 413, "too_large", ""},
			{"keys of a gatehouse_key", request{method: "PUT", path: other, as: "operator", body: publicKey("a")}, 422, "invalid", "jwks"},
			{"no keys of a gatehouse_key", request{method: "DELETE", path: other, as: "operator"}, 422, "invalid", "jwks"},
			{"nobody's", request{method: "PUT", path: "/v1/credentials/" + nobody + "/jwks", as: "operator", body: publicKey("a")}, 404, "not_found", ""},
			{"by who may do less than the client", put("narrow", publicKey("a")), 403, "forbidden", "scopes"},
		})
		if after := w.checksum(t); after != before {
			t.Errorf("something was changed:\n%.2000s", difference(before, after))
		}
	})
}

func TestSigningKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		states := func(method, path string, body any) (out []string) {
			var list api.List[api.SigningKey]
			w.do(t, request{method: method, path: path, as: "operator", body: body}).decode(t, &list)
			for _, k := range list.Items {
				out = append(out, k.State)
			}
			return out
		}
		if got := states("GET", "/v1/signing-keys", nil); len(got) != 0 {
			t.Errorf("before the first token there are keys: %v", got)
		}
		rotate := "/v1/signing-keys/rotate"
		if got := fmt.Sprint(states("POST", rotate, `{}`)); got != "[next current]" {
			t.Errorf("a rotation: got %s", got)
		}
		w.clock.advance(11 * time.Minute)
		if got := fmt.Sprint(states("GET", "/v1/signing-keys", nil)); got != "[current retired]" {
			t.Errorf("after ten minutes: got %s", got)
		}
		if got := fmt.Sprint(states("POST", rotate, `{"now":true}`)); got != "[current retired retired]" {
			t.Errorf("a rotation now: got %s", got)
		}
		w.clock.advance(66 * time.Minute)
		if got := fmt.Sprint(states("GET", "/v1/signing-keys", nil)); got != "[current]" {
			t.Errorf("when what they signed has expired: got %s", got)
		}
		post := func(as, body string) request { return request{method: "POST", path: rotate, as: as, body: body} }
		for _, most := range []int{12, 16} { // the last four are for leaks
			for verify := 0; verify < most; {
				w.clock.advance(time.Second)
				more := len(states("POST", rotate, `{"now":true}`))
				if more <= verify {
					t.Fatalf("after a leak, when %d verify: there are %d then", verify, more)
				}
				verify = more
			}
			checkRefusals(t, w, []refusal{{fmt.Sprintf("a rotation when %d verify", most), post("operator", `{}`), 409, "conflict", ""}})
		}
		checkRefusals(t, w, []refusal{
			{"too many at once", post("operator", `{"now":true}`), 409, "conflict", ""},
			{"another member", post("operator", `{"algorithm":"none"}`), 400, "bad_request", "algorithm"},
			{"another type", post("operator", `{"now":"yes"}`), 422, "invalid", "now"},
			{"by a key above organizations", post("wide", `{"now":true}`), 403, "forbidden", ""},
			{"listed by a key above organizations", request{method: "GET", path: "/v1/signing-keys", as: "wide"}, 403, "forbidden", ""},
		})
		var events api.List[api.Event]
		w.must(t, "GET", "/v1/audit/events?limit=200", nil, &events)
		made := 0
		for _, e := range events.Items {
			if e.Action == "signing_key.create" {
				made++
			}
		}
		if made != 18 {
			t.Errorf("got %d events, want 18", made)
		}
	})
}
