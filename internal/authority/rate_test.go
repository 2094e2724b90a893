package authority_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// A credential makes no more requests a minute than its limit, however they
// come; what is refused costs nothing, and whoever waits as told is let in.
func TestX5_RateLimit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.ask("bunship_live")
		r.RateLimit = 5
		key := w.issue(w.op, r).Secret.Reveal()
		v := authority.Verification{Address: here}
		for i := range 5 {
			if d := w.verify(key, v); d.Code != credential.OK || d.Limit.Limit != 5 || d.Limit.Remaining != 4-i {
				t.Errorf("request %d: got %s with %+v", i, d.Code, d.Limit)
			}
		}
		var d credential.Decision
		for range 20 {
			if d = w.verify(key, v); d.Code != credential.CodeRateLimited {
				t.Fatalf("the sixth: got %s", d.Code)
			}
		}
		if d.Limit.RetryAfter != 12*time.Second {
			t.Errorf("the sixth waits %s, want a fifth of a minute", d.Limit.RetryAfter)
		}
		w.clock.advance(d.Limit.RetryAfter)
		w.wantCode("after the wait", key, credential.OK)
		w.wantCode("at once again", key, credential.CodeRateLimited)
		w.clock.advance(time.Minute)
		var let atomic.Int64
		race(64, func(int) {
			if w.code(key) == credential.OK {
				let.Add(1)
			}
		})
		if let.Load() != 5 {
			t.Errorf("%d of 64 at once, want 5", let.Load())
		}
	})
}

// A token that was traded for a credential counts as that credential.
func TestX5_TokensShareTheLimit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.ask("bunship_live")
		r.RateLimit = 2
		key := w.issue(w.op, r).Secret.Reveal()
		token, err := w.Exchange(background, authority.ExchangeRequest{Subject: key, Address: here})
		w.ok(err)
		w.wantCode("the token", token.Token.Reveal(), credential.OK)
		w.wantCode("the key", key, credential.OK)
		w.wantCode("the token again", token.Token.Reveal(), credential.CodeRateLimited)
		if i, err := w.IntrospectFor(background, w.key("credentials:verify"), token.Token.Reveal(), here); err != nil || i == nil {
			t.Errorf("whether a token works doesn't depend on its rate: got %v, %v", i, err)
		}
	})
}
