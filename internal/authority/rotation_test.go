package authority_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// generations rotates a credential through the steps and returns its secrets,
// the one from the issue first.
func generations(w *world, scheme string, steps ...authority.RotateRequest) (uuid.UUID, []string) {
	c, first := w.made(scheme)
	secrets := []string{first}
	for _, step := range steps {
		secrets = append(secrets, w.rotate(c.ID, step))
	}
	return c.ID, secrets
}

func key(name string) *authority.Idempotency {
	return &authority.Idempotency{Key: name, Body: []byte(`{"grace":"24h"}`)}
}

// who works after which rotations, at once and later. A digit stands for
// a secret in the order in which they were made.
func TestR10_RotationTable(t *testing.T) {
	const o, x = credential.OK, credential.CodeRevoked
	grace := func(d time.Duration) authority.RotateRequest { return authority.RotateRequest{Grace: d} }
	lost := authority.RotateRequest{Grace: day, Idempotency: key("k")}
	rows := []struct {
		name  string
		steps []authority.RotateRequest
		after time.Duration
		want  []credential.Code
	}{
		{"grace at once", []authority.RotateRequest{grace(day)}, 0, []credential.Code{o, o}},
		{"grace, last millisecond", []authority.RotateRequest{grace(day)}, day - time.Millisecond, []credential.Code{o, o}},
		{"grace over", []authority.RotateRequest{grace(day)}, day, []credential.Code{x, o}},
		{"no grace", []authority.RotateRequest{grace(0)}, 0, []credential.Code{x, o}},
		{"no grace, clock back", []authority.RotateRequest{grace(0)}, -time.Hour, []credential.Code{x, o}},
		{"a millisecond", []authority.RotateRequest{grace(time.Millisecond)}, time.Millisecond, []credential.Code{x, o}},
		{"30 days", []authority.RotateRequest{grace(30 * day)}, 30*day - time.Millisecond, []credential.Code{o, o}},
		{"30 days over", []authority.RotateRequest{grace(30 * day)}, 30 * day, []credential.Code{x, o}},
		{"twice", []authority.RotateRequest{grace(30 * day), grace(day)}, 0, []credential.Code{x, o, o}},
		{"twice, clock back", []authority.RotateRequest{grace(30 * day), grace(day)}, -time.Hour, []credential.Code{x, o, o}},
		{"four times", []authority.RotateRequest{grace(day), grace(day), grace(day), grace(day)}, 0, []credential.Code{x, x, x, o, o}},
		{"grace then none", []authority.RotateRequest{grace(day), grace(0)}, 0, []credential.Code{x, x, o}},
		{"none then grace", []authority.RotateRequest{grace(0), grace(day)}, 0, []credential.Code{x, o, o}},
		{"lost answer", []authority.RotateRequest{lost, lost}, 0, []credential.Code{o, x, o}},
		{"lost answer, clock back", []authority.RotateRequest{lost, lost}, -time.Hour, []credential.Code{o, x, o}},
		{"lost twice", []authority.RotateRequest{lost, lost, lost}, 0, []credential.Code{o, x, x, o}},
		{"lost answer, grace over", []authority.RotateRequest{lost, lost}, day, []credential.Code{x, x, o}},
		{"lost, then another", []authority.RotateRequest{lost, lost, grace(day)}, 0, []credential.Code{x, x, o, o}},
	}
	for _, row := range rows {
		for i := range row.steps { // the key belongs to this row's call alone
			if row.steps[i].Idempotency != nil {
				row.steps[i].Idempotency = key("of " + row.name)
			}
		}
	}
	each(t, func(t *testing.T, w *world) {
		for _, row := range rows {
			start := w.clock.now()
			_, secrets := generations(w, "gatehouse_key", row.steps...)
			w.clock.advance(row.after)
			var got []credential.Code
			for _, secret := range secrets {
				got = append(got, w.code(secret))
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("%s: got %v, want %v", row.name, got, row.want)
			}
			w.clock.set(start)
		}
	})
}

// a rotation keeps id, name, scopes and expiry; a grace out of range is refused.
func TestR10_RotationKeepsTheRest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, scheme := range schemeNames(w.cfg) {
			r := w.ask(scheme)
			r.Expiry.In = 90 * day
			before := w.issue(w.op, r).Credential
			out, err := w.Rotate(background, w.op, before.ID, authority.RotateRequest{Grace: day})
			w.ok(err)
			after := out.Credential
			if after.ID != before.ID || after.Name != before.Name || !slices.Equal(after.Scopes, before.Scopes) ||
				!after.ExpiresAt.Equal(before.ExpiresAt) || after.Generation != before.Generation+1 || after.ClientID != before.ClientID {
				t.Errorf("%s: got %+v, want %+v with one generation more", scheme, after, before)
			}
			for _, grace := range []time.Duration{-1, 30*day + 1, 1 << 62} {
				_, err := w.Rotate(background, w.op, before.ID, authority.RotateRequest{Grace: grace})
				wantField(t, "a grace of "+grace.String(), err, "grace")
			}
		}
	})
}

// a predecessor never outlives its own expiry, whatever its successor gets.
func TestR10_PredecessorKeepsItsExpiry(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, scheme := range []string{"gatehouse_key", "bunship_live", "onetest_key", "betahub_pat", "betahub_project_token", "betatesting_client"} {
			r := w.ask(scheme)
			r.Expiry.In = time.Hour
			out := w.issue(w.op, r)
			first := out.Secret.Reveal()
			second := w.rotate(out.Credential.ID, authority.RotateRequest{Grace: day, Expiry: credential.ExpiryChoice{In: 90 * day}})
			start := w.clock.now()
			w.clock.advance(time.Hour - time.Millisecond)
			w.wantCode(scheme+" predecessor before its expiry", first, credential.OK)
			w.clock.advance(time.Millisecond)
			w.wantCode(scheme+" predecessor at its expiry", first, credential.CodeRevoked)
			w.wantCode(scheme+" successor", second, credential.OK)
			third := w.rotate(out.Credential.ID, authority.RotateRequest{Grace: day, Expiry: credential.ExpiryChoice{In: time.Minute}})
			w.clock.advance(time.Minute) // an expiry that comes closer binds both
			w.wantCode(scheme+" with a closer expiry", third, credential.CodeExpired)
			if got := w.code(second); got == credential.OK {
				t.Errorf("%s: the predecessor outlives the expiry of its credential", scheme)
			}
			w.clock.set(start)
		}
	})
}

// nothing verifies after both of a rotation and a revocation.
func TestR10_RotationRacesRevoke(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 20 {
			c, first := w.made("gatehouse_key")
			var mu sync.Mutex
			secrets := []string{first}
			race(3, func(i int) {
				if i == 0 {
					if _, err := w.Revoke(background, w.op, c.ID); err != nil {
						t.Errorf("revoke: %v", err)
					}
					return
				}
				out, err := w.Rotate(background, w.op, c.ID, authority.RotateRequest{Grace: day})
				if err != nil {
					wantKind(t, "a rotation that came second", err, credential.Conflict)
					return
				}
				mu.Lock()
				secrets = append(secrets, out.Secret.Reveal())
				mu.Unlock()
			})
			for _, secret := range secrets {
				w.wantCode("after both", secret, credential.CodeRevoked)
			}
		}
	})
}

// of nine secrets two work in the end, the newest and its predecessor.
func TestR10_RotationRacesItself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, first := w.made("gatehouse_key")
		secrets := make([]string, 9)
		numbers := make([]int, 9)
		secrets[0], numbers[0] = first, 1
		race(8, func(i int) {
			out, err := w.Rotate(background, w.op, c.ID, authority.RotateRequest{Grace: day})
			if err != nil {
				t.Error(err)
				return
			}
			secrets[i+1], numbers[i+1] = out.Secret.Reveal(), out.Credential.Generation
		})
		for i, secret := range secrets {
			want := credential.CodeRevoked
			if numbers[i] >= 8 {
				want = credential.OK
			}
			w.wantCode("a secret after eight rotations", secret, want)
		}
		slices.Sort(numbers)
		if !slices.Equal(numbers, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("generations %v, want each once", numbers)
		}
	})
}

// a suspended credential may be rotated, and stays suspended.
func TestR10_RotationOfSuspended(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, first := w.made("bunship_live")
		_, err := w.Suspend(background, w.op, c.ID)
		w.ok(err)
		second := w.rotate(c.ID, authority.RotateRequest{Grace: day})
		w.wantCode("predecessor", first, credential.CodeSuspended)
		w.wantCode("successor", second, credential.CodeSuspended)
	})
}

// Rotating oneself needs no permission, and never makes one live longer.
func TestR10_SelfRotation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.ask("bunship_live") // which holds no credentials:write
		r.Expiry.In = 10 * day
		p := w.principal(w.issue(w.op, r).Secret.Reveal())
		for what, e := range map[string]credential.ExpiryChoice{"later": {In: 11 * day}, "a millisecond later": {At: w.clock.now().Add(10*day + time.Millisecond)}} {
			if _, err := w.RotateSelf(background, p, authority.RotateRequest{Expiry: e}); !errors.Is(err, credential.Forbidden) {
				t.Errorf("%s: got %v, want it forbidden", what, err)
			}
		}
		out, err := w.RotateSelf(background, p, authority.RotateRequest{Expiry: credential.ExpiryChoice{In: 5 * day}})
		w.ok(err)
		if want := w.clock.now().Add(5 * day); !out.Credential.ExpiresAt.Equal(want) {
			t.Errorf("an earlier expiry: got %v, want %v", out.Credential.ExpiresAt, want)
		}
		p = w.principal(out.Secret.Reveal())
		_, err = w.RevokeSelf(background, p)
		w.ok(err)
		w.wantCode("revoked by itself", out.Secret.Reveal(), credential.CodeRevoked)
		_, err = w.RotateSelf(background, p, authority.RotateRequest{})
		wantKind(t, "rotated by itself after that", err, credential.Unauthenticated)
		_, err = w.RotateSelf(background, w.op, authority.RotateRequest{})
		wantKind(t, "the operator has nothing to rotate", err, credential.Conflict)
		_, err = w.RevokeSelf(background, w.op)
		wantKind(t, "the operator has nothing to revoke", err, credential.Conflict)
	})
}
