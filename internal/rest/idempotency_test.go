package rest_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// keyed adds an Idempotency-Key to a request.
func keyed(r request, keys ...string) request {
	r.header = http.Header{"Idempotency-Key": keys}
	return r
}

func TestIdempotencyKeyRepeats(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		rotation := request{method: "POST", path: "/v1/credentials/" + w.records["live"].ID + "/rotate", as: "owner", body: `{}`}
		for name, r := range map[string]request{
			"issue":  {method: "POST", path: "/v1/credentials", as: "owner", body: `{` + good + `}`},
			"rotate": rotation,
			"self":   {method: "POST", path: "/v1/self/rotate", as: "guest", body: `{"grace":"1h"}`},
		} {
			var first, second api.IssuedCredential
			w.do(t, keyed(r, name)).decode(t, &first)
			a := w.do(t, keyed(r, name))
			a.decode(t, &second)
			if first.ID != second.ID || first.Secret == second.Secret {
				t.Errorf("%s again: got id %s for %s and the same secret %v", name, second.ID, first.ID, first.Secret == second.Secret)
			}
			if one, two := w.code(t, first.Secret), w.code(t, second.Secret); one != "revoked" || two != "ok" {
				t.Errorf("%s: the secret that nobody saw is %s, its replacement %s", name, one, two)
			}
			if a := w.do(t, keyed(r, name)); a.status != 409 || a.problem(t).Code != "conflict" {
				t.Errorf("%s after the secret was used: got %d %s, want 409 conflict", name, a.status, a.body)
			}
			other := r
			other.body = strings.Replace(r.body.(string), "{", "{ ", 1)
			if a := w.do(t, keyed(other, name)); a.status != 422 || a.problem(t).Field != "Idempotency-Key" {
				t.Errorf("%s with another body: got %d %s, want 422 Idempotency-Key", name, a.status, a.body)
			}
			if got := w.code(t, second.Secret); got != "ok" {
				t.Errorf("%s: after refused repeats the secret is %s", name, got)
			}
		}
		// Another principal's key of the same name is another key.
		var mine, theirs api.IssuedCredential
		r := request{method: "POST", path: "/v1/credentials", as: "owner", body: `{` + good + `}`}
		w.do(t, keyed(r, "shared")).decode(t, &mine)
		r.as = "admin"
		w.do(t, keyed(r, "shared")).decode(t, &theirs)
		if mine.ID == theirs.ID || w.code(t, mine.Secret) != "ok" {
			t.Error("two principals share an Idempotency-Key")
		}
		// Without a key every call makes one.
		w.do(t, r).decode(t, &mine)
		w.do(t, r).decode(t, &theirs)
		if mine.ID == theirs.ID {
			t.Error("two calls without a key made one credential")
		}
	})
}

func TestIdempotencyKeyIsChecked(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	issue := request{method: "POST", path: "/v1/credentials", as: "owner", body: `{` + good + `}`}
	rotate := request{method: "POST", path: "/v1/credentials/" + w.records["live"].ID + "/rotate", as: "owner"}
	self := request{method: "POST", path: "/v1/self/rotate", as: "owner"}
	var list []refusal
	for name, keys := range map[string][]string{
		"empty": {""}, "256 characters": {strings.Repeat("k", 256)}, "not ASCII": {"schlüssel"}, "Latin-1": {"schl\xfcssel"}, "a tab": {"a\tb"}, "twice": {"a", "b"}, "twice the same": {"a", "a"},
	} {
		for what, r := range map[string]request{"issue": issue, "rotate": rotate, "self": self} {
			list = append(list, refusal{what + ", " + name, keyed(r, keys...), 422, "invalid", "Idempotency-Key"})
		}
	}
	checkRefusals(t, w, list)
	for _, key := range []string{"k", strings.Repeat("k", 255), "a b", "'; DROP TABLE idempotency_keys; --", "~!@#$%^&*()"} {
		if a := w.do(t, keyed(issue, key)); a.status != http.StatusCreated {
			t.Errorf("key %.20q: got %d %s, want 201", key, a.status, a.body)
		}
	}
}

// of many at once with one key, one credential comes to be, and at the
// end one of the secrets works.
func TestX7_IdempotencyKeyAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		before := strings.Count(w.checksum(t), "\ncredentials|")
		answers := make([]answer, 32)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() {
				answers[i] = w.do(t, keyed(request{method: "POST", path: "/v1/credentials", as: "owner", body: `{` + good + `}`}, "once"))
			})
		}
		wg.Wait()
		working := 0
		for _, a := range answers {
			var out api.IssuedCredential
			switch a.status {
			case http.StatusCreated:
				a.decode(t, &out)
				if w.code(t, out.Secret) == "ok" {
					working++
				}
			case http.StatusConflict:
				if p := a.problem(t); p.Code != "in_progress" || a.header.Get("Retry-After") == "" {
					t.Errorf("got %s", a.body)
				}
			default:
				t.Errorf("got %d %s", a.status, a.body)
			}
		}
		if made := strings.Count(w.checksum(t), "\ncredentials|") - before; made != 1 || working != 1 {
			t.Errorf("%d credentials were made and %d secrets work, want 1 and 1", made, working)
		}
	})
}

// A repeat of a call that makes something without a secret returns the same.
func TestIdempotencyKeyOfOtherThings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		org := "/v1/organizations/" + w.acme.ID
		for name, r := range map[string]request{
			"organization": {method: "POST", path: "/v1/organizations", as: "operator", body: `{"name":"Again"}`},
			"project":      {method: "POST", path: org + "/projects", as: "owner", body: `{"name":"Again"}`},
			"member":       {method: "POST", path: org + "/members", as: "operator", body: `{"email":"again@acme.test","name":"Again","role":"guest","password":"a long enough phrase"}`},
		} {
			first := w.do(t, keyed(r, name))
			before := w.checksum(t)
			second := w.do(t, keyed(r, name))
			if first.status != 201 || second.status != 201 || string(first.body) != string(second.body) {
				t.Errorf("%s: got %d %s, and again %d %s", name, first.status, first.body, second.status, second.body)
			}
			other := r
			other.body = strings.Replace(r.body.(string), "Again", "Other", 1)
			if a := w.do(t, keyed(other, name)); a.status != 422 || a.problem(t).Field != "Idempotency-Key" {
				t.Errorf("%s with another body: got %d %s, want 422 Idempotency-Key", name, a.status, a.body)
			}
			for what, keys := range map[string][]string{"empty": {""}, "twice": {"a", "a"}, "256 characters": {strings.Repeat("k", 256)}} {
				if a := w.do(t, keyed(r, keys...)); a.status != 422 || a.problem(t).Field != "Idempotency-Key" {
					t.Errorf("%s with a key that is %s: got %d %s, want 422 Idempotency-Key", name, what, a.status, a.body)
				}
			}
			if after := w.checksum(t); after != before {
				t.Errorf("%s: a repeat changed something:\n%.2000s", name, difference(before, after))
			}
		}
		// One key for two different calls is two keys.
		if a := w.do(t, keyed(request{method: "POST", path: org + "/projects", as: "operator", body: `{"name":"Again"}`}, "organization")); a.status != 201 {
			t.Errorf("the same key for another call: got %d %s", a.status, a.body)
		}
		// And for one call in two organizations.
		one := w.do(t, keyed(request{method: "POST", path: org + "/projects", as: "operator", body: `{"name":"Same"}`}, "both"))
		two := w.do(t, keyed(request{method: "POST", path: "/v1/organizations/" + w.other.ID + "/projects", as: "operator", body: `{"name":"Same"}`}, "both"))
		if one.status != 201 || two.status != 201 || string(one.body) == string(two.body) {
			t.Errorf("one key in two organizations: got %d %s and %d %s", one.status, one.body, two.status, two.body)
		}
	})
}
