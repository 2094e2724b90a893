package authority_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// found hands a secret in, as somebody who found it does.
func (w *world) found(what, secret string) {
	w.t.Helper()
	if err := w.RevokeByPossession(background, secret, here, "request-1"); err != nil {
		w.t.Errorf("%s: %v, want silence", what, err)
	}
}

// who has a secret can end its credential, whatever else is refused to it.
func TestR12_RevokeByPossession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, scheme := range schemeNames(w.cfg) {
			_, secret := w.made(scheme)
			w.found(scheme, secret)
			w.wantCode(scheme, secret, credential.CodeRevoked)
		}
		c, secret := w.made("gatehouse_key")
		_, err := w.Suspend(background, w.op, c.ID)
		w.ok(err)
		w.found("suspended", secret)
		w.wantCode("suspended", secret, credential.CodeRevoked)

		r := w.ask("gatehouse_key")
		r.Addresses = []string{"198.51.100.1"} // elsewhere than here
		secret = w.issue(w.op, r).Secret.Reveal()
		w.found("from another address", secret)
		w.wantCode("from another address", secret, credential.CodeRevoked)

		c, first := w.made("gatehouse_key")
		second := w.rotate(c.ID, authority.RotateRequest{Grace: day})
		w.found("a predecessor that still works", first)
		w.wantCode("its successor", second, credential.CodeRevoked)
		events, err := w.Events(background, w.op, w.org.ID, 0, 1000)
		w.ok(err)
		last := events[len(events)-1]
		if last.Actor != "possession" || last.Action != "credential.revoke" || last.Target != "credential:"+c.ID.String() ||
			last.Address != here.String() || last.Request != "request-1" {
			t.Errorf("the event says %+v", last)
		}
	})
}

// what isn't a working secret is answered the same and changes nothing.
func TestR12_PossessionOfNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, first := w.made("gatehouse_key")
		second := w.rotate(c.ID, authority.RotateRequest{})
		gone, ended := w.made("gatehouse_key")
		w.revoke(gone.ID)
		elsewhere, err := w.cfg.Schemes.ByName("gatehouse_key").Text.Generate(&dry{})
		w.ok(err)
		before := storetest.Dump(t, w.raw())
		for what, text := range map[string]string{
			"empty": "", "blank": " ", "malformed": "gate_x", "typo": second[:len(second)-1] + "!", "longer": second + "0",
			"unknown": elsewhere.Reveal(), "replaced": first, "revoked": ended, "huge": strings.Repeat("gate_", 1000), "not text": "gate_\xff\x00",
		} {
			w.found(what, text)
		}
		w.wantCode("the live one, after its predecessor was found", second, credential.OK)
		if after := storetest.Dump(t, w.raw()); after != before {
			t.Error("something was changed")
		}
	})
}

// many finders at once: one event, no error.
func TestR12_PossessionRace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, secret := w.made("gatehouse_key")
		race(16, func(i int) {
			if i == 0 {
				w.revoke(c.ID)
				return
			}
			w.found("at once", secret)
		})
		w.wantCode("after all", secret, credential.CodeRevoked)
		events, err := w.Events(background, w.op, w.org.ID, 0, 1000)
		w.ok(err)
		revoked := 0
		for _, e := range events {
			if e.Action == "credential.revoke" {
				revoked++
			}
		}
		if revoked != 1 {
			t.Errorf("%d events of the one revocation, want 1", revoked)
		}
	})
}

// a warm cache forgets at once, whoever changes what.
func TestR1_WarmCache(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for what, change := range map[string]struct {
			do   func(c *credential.Credential) error
			want credential.Code
		}{
			"revoke":  {func(c *credential.Credential) error { _, err := w.Revoke(background, w.op, c.ID); return err }, credential.CodeRevoked},
			"suspend": {func(c *credential.Credential) error { _, err := w.Suspend(background, w.op, c.ID); return err }, credential.CodeSuspended},
			"rotate": {func(c *credential.Credential) error {
				_, err := w.Rotate(background, w.op, c.ID, authority.RotateRequest{})
				return err
			}, credential.CodeRevoked},
			"allowlist": {func(c *credential.Credential) error {
				_, err := w.Update(background, w.op, c.ID, authority.UpdateRequest{Addresses: &[]string{"198.51.100.1"}})
				return err
			}, credential.CodeAddress},
		} {
			c, secret := w.made("gatehouse_key")
			for range 3 {
				w.wantCode("before "+what, secret, credential.OK)
			}
			w.ok(change.do(c))
			w.wantCode("after "+what, secret, change.want)
		}
	})
}

// while others verify all the time, no verification that begins
// after a revocation was answered says ok.
func TestR1_NoOkAfterRevoke(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const credentials, verifiers = 30, 6
		ids, secrets := make([]*credential.Credential, credentials), make([]string, credentials)
		for i := range secrets {
			ids[i], secrets[i] = w.made("gatehouse_key")
		}
		var answered [credentials]atomic.Bool
		var stop atomic.Bool
		var late, before atomic.Int64
		var wg sync.WaitGroup
		for v := range verifiers {
			wg.Go(func() {
				for i := v; !stop.Load(); i++ {
					n := i % credentials
					revoked := answered[n].Load() // before the verification begins
					d, err := w.Verify(background, secrets[n], authority.Verification{})
					if err != nil {
						t.Errorf("verify: %v", err)
						return
					}
					switch {
					case revoked && d.Code != credential.CodeRevoked:
						late.Add(1)
					case d.Code == credential.OK:
						before.Add(1)
					}
				}
			})
		}
		race(2, func(half int) {
			for i := half; i < credentials; i += 2 {
				if _, err := w.Revoke(background, w.op, ids[i].ID); err != nil {
					t.Errorf("revoke: %v", err)
				}
				answered[i].Store(true)
			}
		})
		for i, secret := range secrets {
			w.wantCode(ids[i].Name, secret, credential.CodeRevoked)
		}
		stop.Store(true)
		wg.Wait()
		if late.Load() != 0 {
			t.Errorf("%d verifications said other than revoked after the revocation was answered", late.Load())
		}
		if before.Load() == 0 {
			t.Error("nothing was verified while it still worked: the test proves nothing")
		}
	})
}

// on PostgreSQL what one node revokes another refuses at once.
func TestR1_OtherNode(t *testing.T) {
	cfg := storetest.Postgres(t)
	w := newWorld(t, cfg)
	other := authority.New(authority.Config{Store: storetest.Open(t, cfg), Schemes: cfg.Schemes, Now: w.clock.now})
	for range 20 {
		c, secret := w.made("gatehouse_key")
		for _, want := range []credential.Code{credential.OK, credential.CodeRevoked} {
			if want == credential.CodeRevoked {
				w.revoke(c.ID)
			}
			if d, err := other.Verify(background, secret, authority.Verification{}); err != nil || d.Code != want {
				t.Errorf("on the other node: got %s, %v, want %s", d.Code, err, want)
			}
		}
	}
}
