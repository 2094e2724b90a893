package authority_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

func setExpiry(w *world, p *credential.Principal, c *credential.Credential, e credential.ExpiryChoice) (time.Time, error) {
	d, err := w.Update(background, p, c.ID, authority.UpdateRequest{Expiry: &e})
	if err != nil {
		return time.Time{}, err
	}
	return d.Credential.ExpiresAt, nil
}

// testkase tokens have one of six lifetimes.
func TestR8_TestkaseLifetimes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, days := range []int{7, 30, 60, 90, 180, 365} {
			r := w.ask("testkase_pat")
			r.Expiry.In = time.Duration(days) * day
			if got, want := w.issue(w.op, r).Credential.ExpiresAt, w.clock.now().Add(r.Expiry.In); !got.Equal(want) {
				t.Errorf("%d days: expires at %v, want %v", days, got, want)
			}
		}
		for _, wrong := range []credential.ExpiryChoice{
			{}, {In: 8 * day}, {In: time.Hour}, {In: 90*day + time.Millisecond}, {In: -7 * day}, {In: 366 * day}, {In: 1 << 62},
			{At: w.clock.now().Add(7 * day)}, {At: w.clock.now().Add(time.Minute)},
		} {
			r := w.ask("testkase_pat")
			r.Expiry = wrong
			_, err := w.Issue(background, w.op, r)
			wantField(t, fmt.Sprintf("lifetime %+v", wrong), err, "expires_in")
		}
	})
}

// nobody changes when a testkase token ends, the operator included.
func TestR8_TestkaseExpiryNeverChanges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		out := w.issue(w.op, w.ask("testkase_pat"))
		c, want := out.Credential, out.Credential.ExpiresAt
		own := w.principal(out.Secret.Reveal())
		for what, e := range map[string]credential.ExpiryChoice{
			"later": {At: want.Add(day)}, "closer": {At: want.Add(-day)}, "another lifetime": {In: 7 * day}, "none": {},
		} {
			for who, p := range map[string]*credential.Principal{"operator": w.op, "own": own} {
				_, err := setExpiry(w, p, c, e)
				wantField(t, "update to "+what+" by "+who, err, "expires_at")
			}
			if e == (credential.ExpiryChoice{}) {
				continue
			}
			_, err := w.Rotate(background, w.op, c.ID, authority.RotateRequest{Expiry: e})
			wantField(t, "rotate to "+what, err, "expires_in")
			_, err = w.RotateSelf(background, own, authority.RotateRequest{Expiry: e})
			wantField(t, "rotate itself to "+what, err, "expires_in")
		}
		w.clock.advance(day)
		w.rotate(c.ID, authority.RotateRequest{})
		d, err := w.Get(background, w.op, c.ID)
		w.ok(err)
		if !d.Credential.ExpiresAt.Equal(want) {
			t.Errorf("after a rotation it expires at %v, want %v as issued", d.Credential.ExpiresAt, want)
		}
	})
}

// when betatesting credentials end is for the operator, freely.
func TestR8_BetatestingExpiryByOperatorOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		admin := w.as("admin")
		for _, scheme := range []string{"betatesting_static", "betatesting_client"} {
			r := w.ask(scheme)
			r.Expiry.In = day
			_, err := w.Issue(background, admin, r)
			wantKind(t, scheme+" issued with an expiry by an admin", err, credential.Forbidden)
			r.Expiry = credential.ExpiryChoice{}
			c := w.issue(admin, r).Credential
			_, err = setExpiry(w, admin, c, credential.ExpiryChoice{In: day})
			wantKind(t, scheme+" updated by an admin", err, credential.Forbidden)
			_, err = w.Rotate(background, admin, c.ID, authority.RotateRequest{Expiry: credential.ExpiryChoice{In: day}})
			wantKind(t, scheme+" rotated with an expiry by an admin", err, credential.Forbidden)
			for _, in := range []time.Duration{day, 3 * day, 2 * day} {
				got, err := setExpiry(w, w.op, c, credential.ExpiryChoice{In: in})
				if want := w.clock.now().Add(in); err != nil || !got.Equal(want) {
					t.Errorf("%s set to %v by the operator: %v, %v", scheme, in, got, err)
				}
			}
			if got, err := setExpiry(w, w.op, c, credential.ExpiryChoice{}); err != nil || !got.IsZero() {
				t.Errorf("%s taken off by the operator: %v, %v", scheme, got, err)
			}
		}
	})
}

// elsewhere an expiry moves closer and never away.
func TestR8_ExpiryOnlyMovesCloser(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, scheme := range []string{"betahub_pat", "betahub_project_token", "onetest_key", "bunship_live", "bunship_test", "gatehouse_key"} {
			c, secret := w.made(scheme)
			at := w.clock.now().Add(30 * day)
			for _, step := range []time.Duration{0, -day, -2 * day} { // from never to a date, then closer
				if got, err := setExpiry(w, w.op, c, credential.ExpiryChoice{At: at.Add(step)}); err != nil || !got.Equal(at.Add(step)) {
					t.Errorf("%s: closer: %v, %v", scheme, got, err)
				}
			}
			at = at.Add(-2 * day)
			for what, e := range map[string]credential.ExpiryChoice{
				"later": {At: at.Add(time.Millisecond)}, "never": {}, "past": {At: w.clock.now()}, "negative": {In: -time.Hour},
				"year 10000": {At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
			} {
				if _, err := setExpiry(w, w.op, c, e); !isInvalid(err) {
					t.Errorf("%s: %s: %v, want it refused", scheme, what, err)
				}
			}
			w.clock.set(at.Add(-time.Millisecond))
			w.wantCode(scheme+" just before", secret, credential.OK)
			w.clock.set(at)
			w.wantCode(scheme+" at the new expiry", secret, credential.CodeExpired)
		}
	})
}
