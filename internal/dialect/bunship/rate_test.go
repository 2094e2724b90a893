package bunship_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/bunship"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
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

// Of one address 20 calls a minute are answered at /auth/, all of them together;
// one too many is 429 before anything else is looked at, and every answer says
// what is left. Another address has its own, and nothing else is limited.
func TestBSD3_BSD4_RateOfAnAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		w.limit(20)
		calls := []func(...func(*http.Request)) answer{
			func(c ...func(*http.Request)) answer { return ada.login("", c...) },
			func(c ...func(*http.Request)) answer { return w.do("POST", "/auth/login", "{", c...) },
			func(c ...func(*http.Request)) answer {
				return w.do("POST", "/auth/refresh", map[string]any{"refreshToken": "x"}, c...)
			},
			func(c ...func(*http.Request)) answer { return w.do("GET", "/auth/verify-email/x", nil, c...) },
			func(c ...func(*http.Request)) answer {
				return w.do("POST", "/auth/forgot-password", map[string]any{"email": "x@acme.test"}, c...)
			},
			func(c ...func(*http.Request)) answer {
				return w.do("POST", "/auth/reset-password", map[string]any{"token": "x", "password": good}, c...)
			},
			func(c ...func(*http.Request)) answer { return w.do("POST", "/auth/register", "{}", c...) },
			func(c ...func(*http.Request)) answer { return w.do("POST", "/auth/logout", nil, c...) },
			func(c ...func(*http.Request)) answer { return w.do("POST", "/auth/two-factor/setup", "{}", c...) },
			func(c ...func(*http.Request)) answer { return w.do("POST", "/auth/two-factor/verify", "{}", c...) },
			func(c ...func(*http.Request)) answer { return w.do("POST", "/auth/two-factor/disable", "{}", c...) },
		}
		here := from("198.51.100.66, 203.0.113.7") // whoever wrote the first address is not believed
		for i := range 20 {
			if a := calls[i%len(calls)](here); a.status == 429 || !a.left(20, 19-i) {
				t.Errorf("%d: %s: got %d, %s left", i, a.call, a.status, a.header.Get("X-RateLimit-Remaining"))
			}
		}
		for _, call := range calls {
			a := call(here)
			if a.status != 429 || a.text("error.code") != "RATE_LIMIT_EXCEEDED" || a.header.Get("Retry-After") != "3" || !a.left(20, 0) {
				t.Errorf("%s: got %d %s, again after %q", a.call, a.status, a.body, a.header.Get("Retry-After"))
			}
		}
		ada.login("", from("198.51.100.66, 203.0.113.8")).want(200)
		if a := w.do("GET", "/users/me", nil, bearer(ada.access), here); a.status != 200 || a.header.Get("X-RateLimit-Limit") != "" {
			t.Errorf("another route: got %d, limited to %q", a.status, a.header.Get("X-RateLimit-Limit"))
		}
		w.clock.advance(3 * time.Second)
		ada.login("", here).want(200)
		ada.login("", here).want(429)
	})
}

// Of IPv6 a network of 64 bits is one address. However many calls come at
// once, no more than the limit get through, and 0 lets all through.
func TestBSD3_ManyAtOnce(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t), nil)
	let := func(addresses ...string) int {
		var passed atomic.Int32
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				if w.do("GET", "/auth/verify-email/x", nil, from(addresses[i%len(addresses)])).status != 429 {
					passed.Add(1)
				}
			})
		}
		wg.Wait()
		return int(passed.Load())
	}
	w.limit(7)
	for _, c := range []struct {
		addresses []string
		want      int
	}{
		{[]string{"203.0.113.7", "::ffff:203.0.113.7"}, 7},
		{[]string{"2001:db8::1", "2001:db8::2", "2001:db8::ffff:ffff:ffff:ffff"}, 7},
		{[]string{"2001:db8:0:1::1", "2001:db8:0:2::1"}, 14},
		{[]string{"nobody knows", "nor this"}, 7},
	} {
		if got := let(c.addresses...); got != c.want {
			t.Errorf("%v: %d calls got through, want %d", c.addresses, got, c.want)
		}
	}
	w.limit(0)
	if got := let("203.0.113.7"); got != 40 {
		t.Errorf("without a limit %d got through", got)
	}
}

// limit serves the world anew, with so many calls a minute and address.
func (w *world) limit(rate int) {
	server := httptest.NewServer(edge.New(edge.Config{
		Authority: w.Authority, Surfaces: bunship.Surfaces(w.Authority), AddressRate: rate, Now: w.clock.now,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	}))
	w.t.Cleanup(server.Close)
	w.url = server.URL
}

// left reports whether an answer says what is left of a limit.
func (a answer) left(limit, remaining int) bool {
	reset, err := strconv.ParseInt(a.header.Get("X-RateLimit-Reset"), 10, 64)
	now := a.w.clock.now().Unix()
	return a.header.Get("X-RateLimit-Limit") == strconv.Itoa(limit) && a.header.Get("X-RateLimit-Remaining") == strconv.Itoa(remaining) &&
		err == nil && reset >= now && reset <= now+61
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
