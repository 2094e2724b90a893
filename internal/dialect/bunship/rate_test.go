package bunship_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// A key makes as many requests a minute as it was given; one too many is 429
// and says when to come again, and what is refused costs nothing.
func TestBS12_BSD4_BSO9_BSO11_RateOfAKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		a := ada.key([]string{"read:members"}, map[string]any{"rateLimit": 3})
		a.want(200)
		key := a.text("data.key")
		limits := func(a answer, limit, remaining string) {
			t.Helper()
			h := a.header
			if h.Get("X-RateLimit-Limit") != limit || h.Get("X-RateLimit-Remaining") != remaining {
				t.Errorf("%s of %s are left, want %s of %s", h.Get("X-RateLimit-Remaining"), h.Get("X-RateLimit-Limit"), remaining, limit)
			}
			reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
			if now := w.clock.now().Unix(); err != nil || reset < now || reset > now+61 {
				t.Errorf("all is free again at %q, and it is %d", h.Get("X-RateLimit-Reset"), now)
			}
		}
		for left := 2; left >= 0; left-- {
			a := w.do("GET", membersOf(w.org), nil, apiKey(key))
			a.want(200)
			limits(a, "3", strconv.Itoa(left))
		}
		for range 5 {
			a := w.do("GET", membersOf(w.org), nil, apiKey(key))
			if a.status != 429 || a.text("error.code") != "RATE_LIMIT_EXCEEDED" || a.header.Get("Retry-After") != "20" {
				t.Errorf("got %d %s, again after %q", a.status, a.body, a.header.Get("Retry-After"))
			}
			limits(a, "3", "0")
		}
		w.clock.advance(20 * time.Second)
		w.do("GET", membersOf(w.org), nil, bearer(key)).want(200)
		w.do("GET", membersOf(w.org), nil, bearer(key)).want(429)

		a = ada.key([]string{"read:members"}, map[string]any{"rateLimit": nil, "expiresAt": nil})
		a.want(200)
		limits(w.do("GET", membersOf(w.org), nil, apiKey(a.text("data.key"))), "1000", "999")
	})
}

// The usage of a key counts the requests that it was let in for.
func TestBSD27_RequestsOfAKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		key, id := ada.madeKey("read:members")
		count := func() any { return ada.do("GET", keysOf(w.org)+"/"+id+"/usage", nil).get("usage.requests") }
		if n := count(); n != 0.0 {
			t.Errorf("before: got %v", n)
		}
		for range 3 {
			w.do("GET", membersOf(w.org), nil, apiKey(key)).want(200)
		}
		w.ok(w.Flush(background))
		w.do("GET", membersOf(w.org), nil, apiKey(key)).want(200)
		if n := count(); n != 4.0 {
			t.Errorf("after four: got %v", n)
		}
	})
}
