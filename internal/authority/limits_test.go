package authority_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// limits are the schemes with a most, by those that count together.
var limits = []struct {
	schemes []string
	most    int
}{
	{[]string{"betatesting_static"}, 1},
	{[]string{"betatesting_client"}, 5},
	{[]string{"bunship_live", "bunship_test"}, 10},
}

// whatever isn't revoked counts, and one too many is refused.
func TestX6_WhatCounts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, limit := range limits {
			var last *credential.Credential
			for i := range limit.most {
				r := w.ask(limit.schemes[i%len(limit.schemes)])
				r.Expiry.In = 24 * time.Hour
				last = w.issue(w.op, r).Credential
				if i == 0 {
					_, err := w.Suspend(background, w.op, last.ID)
					w.ok(err)
				}
			}
			w.clock.advance(25 * time.Hour) // all of them are expired, one is suspended as well
			for _, scheme := range limit.schemes {
				_, err := w.Issue(background, w.op, w.ask(scheme))
				wantKind(t, "one too many of "+scheme, err, credential.LimitReached)
			}
			far := w.ask(limit.schemes[0])
			far.Organization = w.other.ID
			w.issue(w.op, far) // the other organization has a count of its own
			w.revoke(last.ID)
			w.issue(w.op, w.ask(limit.schemes[0]))
			_, err := w.Issue(background, w.op, w.ask(limit.schemes[0]))
			wantKind(t, "again one too many of "+limit.schemes[0], err, credential.LimitReached)
		}
	})
}

// A rotation makes no new credential, so it is never one too many.
func TestX6_RotationDoesNotCount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.made("betatesting_static")
		w.wantCode("rotated at the limit", w.rotate(c.ID, authority.RotateRequest{Grace: time.Hour}), credential.OK)
	})
}

// twenty at once: exactly the limit succeeds.
func TestX6_CountLimitsRace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, limit := range limits {
			var made, refused atomic.Int32
			race(20, func(i int) {
				_, err := w.Issue(background, w.op, w.ask(limit.schemes[i%len(limit.schemes)]))
				switch {
				case err == nil:
					made.Add(1)
				case errors.Is(err, credential.LimitReached):
					refused.Add(1)
				default:
					t.Errorf("%v: %v, want LimitReached", limit.schemes, err)
				}
			})
			if int(made.Load()) != limit.most || int(refused.Load()) != 20-limit.most {
				t.Errorf("%v: %d issued and %d refused, want %d and %d", limit.schemes, made.Load(), refused.Load(), limit.most, 20-limit.most)
			}
			list, err := w.List(background, w.op, authority.ListRequest{Organization: w.org.ID, Scheme: limit.schemes[0], Limit: 100})
			w.ok(err)
			if len(limit.schemes) == 1 && len(list) != limit.most {
				t.Errorf("%v: %d are stored, want %d", limit.schemes, len(list), limit.most)
			}
		}
	})
}
