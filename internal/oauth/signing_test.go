package oauth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// J-13: a key that signs at once takes the place of those that wait to sign,
// and none of them takes over from it; so too for a node that knew them.
func TestJ13_RotateNowWhileAKeyWaits(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		header := func() string { h, _, _ := strings.Cut(w.token(""), "."); return h }
		rotate := func(now bool) (keys []authority.SigningKey) {
			t.Helper()
			w.clock.advance(time.Second)
			keys, err := w.RotateSigningKeys(background, w.op, now)
			w.ok(err)
			return keys
		}
		first, firstHeader := w.token(""), header()
		rotate(false)
		waiting := rotate(false)[:2]
		node := authority.New(authority.Config{Store: w.store, Schemes: w.cfg.Schemes, Now: w.clock.now, Issuer: w.url})
		wantPublished := func(what string, a *authority.Authority, want int) {
			t.Helper()
			jwks, err := a.JWKS(background)
			w.ok(err)
			if got := strings.Count(string(jwks), waiting[0].ID) + strings.Count(string(jwks), waiting[1].ID); got != want {
				t.Errorf("%s: %d keys that wait are published, want %d: %s", what, got, want, jwks)
			}
		}
		wantPublished("another node, before", node, 2)
		current := rotate(true)
		if got := states(current); got != "[current retired]" {
			t.Fatalf("after a rotation at once: got %s", got)
		}
		if want := w.clock.now().UTC().Truncate(time.Millisecond).Add(authority.TokenLifetime + authority.KeysCachedFor); !current[0].VerifiesUntil.IsZero() || !current[1].VerifiesUntil.Equal(want) {
			t.Errorf("the keys verify until %v and %v, want without an end and until %v", current[0].VerifiesUntil, current[1].VerifiesUntil, want)
		}
		fresh := header()
		if fresh == firstHeader {
			t.Error("the new key doesn't sign")
		}
		w.wantSelf("signed by the key before", first, 200, "")
		wantPublished("after", w.Authority, 0)
		if d, err := node.Verify(background, w.token(""), authority.Verification{}); err != nil || d.Code != credential.OK {
			t.Errorf("another node: %s, %v", d.Code, err)
		}
		wantPublished("another node, after", node, 0)
		events, err := w.Events(background, w.op, uuid.Nil, 0, 100)
		w.ok(err)
		last := events[len(events)-1]
		if last.Action != "signing_key.create" || !strings.Contains(last.Detail, `"replaces":["`+waiting[0].ID+`","`+waiting[1].ID+`"]`) {
			t.Errorf("the event says %s %s", last.Action, last.Detail)
		}
		w.clock.advance(2*authority.KeysCachedFor + time.Second) // when the others would have signed
		if header() != fresh {
			t.Error("another key took over")
		}
		if got := states(rotate(false)); got != "[next current retired]" {
			t.Errorf("the next rotation: got %s", got)
		}
	})
}

// J-13: the keys that wait count no more when they are replaced: even an
// installation with as many keys as there may be gets rid of them.
func TestJ13_RotateNowMakesRoom(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var keys []authority.SigningKey
		for len(keys) < 12 {
			var err error
			w.clock.advance(time.Second)
			keys, err = w.RotateSigningKeys(background, w.op, false)
			w.ok(err)
		}
		if _, err := w.RotateSigningKeys(background, w.op, false); err == nil {
			t.Error("a thirteenth key was made")
		}
		w.clock.advance(time.Second)
		keys, err := w.RotateSigningKeys(background, w.op, true)
		w.ok(err)
		if got := states(keys); got != "[current retired]" {
			t.Errorf("got %s", got)
		}
	})
}

func states(keys []authority.SigningKey) string {
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = k.State
	}
	return fmt.Sprint(list)
}
