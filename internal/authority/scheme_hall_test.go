package authority_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// TestSchemeLife takes a credential of every scheme through its whole life.
func TestSchemeLife(t *testing.T) {
	lengths := map[string]int{
		"betatesting_static": 69, "betatesting_client": 45, "betahub_pat": 68, "betahub_project_token": 68, "onetest_key": 35,
		"bunship_live": 52, "bunship_test": 52, "testkase_pat": 47, "gatehouse_key": 45,
	}
	inHall(t, func(h *hall) {
		ctx := context.Background()
		for _, scheme := range h.a.Schemes().All() {
			first := h.issue(h.request(scheme.Name))
			id, text := first.Credential.ID, first.Secret.Reveal()
			if len(text) != lengths[scheme.Name] || !scheme.Text.Check(text) {
				h.t.Errorf("%s: %d characters, want %d with a checksum", scheme.Name, len(text), lengths[scheme.Name])
			}
			h.says(credential.OK, first.Secret)
			second := h.rotate(id, authority.RotateRequest{Grace: time.Hour})
			h.says(credential.OK, first.Secret, second.Secret)
			_, err := h.a.Suspend(ctx, &h.operator, id)
			h.must(err)
			h.says(credential.CodeSuspended, first.Secret, second.Secret)
			_, err = h.a.Resume(ctx, &h.operator, id)
			h.must(err)
			h.says(credential.OK, first.Secret, second.Secret)
			shown, err := h.a.Get(ctx, &h.operator, id)
			h.must(err)
			if shown.Credential.Name != "of "+scheme.Name || len(shown.Secrets) != 2 {
				h.t.Errorf("%s: after a rotation it is %q with %d secrets", scheme.Name, shown.Credential.Name, len(shown.Secrets))
			}
			_, err = h.a.Revoke(ctx, &h.operator, id)
			h.must(err)
			h.says(credential.CodeRevoked, first.Secret, second.Secret)
			if _, err := h.a.Resume(ctx, &h.operator, id); !errors.Is(err, credential.Conflict) {
				h.t.Errorf("%s: resume after revoke: got %v, want a conflict", scheme.Name, err)
			}
		}
	})
}

// TestR8_Expiry ends a credential of every scheme at its millisecond.
func TestR8_Expiry(t *testing.T) {
	inHall(t, func(h *hall) {
		for _, scheme := range h.a.Schemes().All() {
			r := h.request(scheme.Name)
			if r.Expiry.In == 0 {
				r.Expiry.In = 36 * time.Hour
			}
			issued := h.issue(r)
			begin := h.now()
			h.advance(r.Expiry.In - time.Millisecond)
			h.says(credential.OK, issued.Secret)
			h.advance(time.Millisecond)
			h.says(credential.CodeExpired, issued.Secret)
			if _, err := h.a.Rotate(context.Background(), &h.operator, issued.Credential.ID, authority.RotateRequest{}); !errors.Is(err, credential.Conflict) {
				h.t.Errorf("%s: rotate after expiry: got %v, want a conflict", scheme.Name, err)
			}
			listed, err := h.a.List(context.Background(), &h.operator, authority.ListRequest{Scheme: scheme.Name, State: credential.Expired, Limit: 10})
			h.must(err)
			if len(listed) != 1 {
				h.t.Errorf("%s: %d expired in the list, want 1", scheme.Name, len(listed))
			}
			h.clock.Store(begin.UnixNano())
		}
	})
}

// TestX6_CountLimits races twenty issues against each scheme's limit.
func TestX6_CountLimits(t *testing.T) {
	inHall(t, func(h *hall) {
		for limit, schemes := range map[int][]string{1: {"betatesting_static"}, 5: {"betatesting_client"}, 10: {"bunship_live", "bunship_test"}} {
			var wg sync.WaitGroup
			errs := make([]error, 20)
			for i := range errs {
				wg.Go(func() {
					_, errs[i] = h.a.Issue(context.Background(), &h.operator, h.request(schemes[i%len(schemes)]))
				})
			}
			wg.Wait()
			made := 0
			for _, err := range errs {
				if err == nil {
					made++
				} else if !errors.Is(err, credential.LimitReached) {
					h.t.Errorf("%v: %v", schemes, err)
				}
			}
			if made != limit {
				h.t.Errorf("%v: %d issued of twenty at once, want %d", schemes, made, limit)
			}
			h.replaceOne(schemes[0])
		}
	})
}

// replaceOne checks that a suspended credential still counts and a revoked one
// makes room.
func (h *hall) replaceOne(scheme string) {
	h.t.Helper()
	ctx := context.Background()
	list, err := h.a.List(ctx, &h.operator, authority.ListRequest{Scheme: scheme, Limit: 1})
	h.must(err)
	_, err = h.a.Suspend(ctx, &h.operator, list[0].Credential.ID)
	h.must(err)
	if _, err := h.a.Issue(ctx, &h.operator, h.request(scheme)); !errors.Is(err, credential.LimitReached) {
		h.t.Errorf("%s: one more beside a suspended one: got %v, want limit_reached", scheme, err)
	}
	_, err = h.a.Revoke(ctx, &h.operator, list[0].Credential.ID)
	h.must(err)
	h.issue(h.request(scheme))
}

// TestTestKaseExpiry accepts the six choices and never changes one.
func TestTestKaseExpiry(t *testing.T) {
	const day = 24 * time.Hour
	inHall(t, func(h *hall) {
		ctx := context.Background()
		for _, wrong := range []time.Duration{0, time.Hour, 8 * day, 90*day + time.Second, 366 * day} {
			r := h.request("testkase_pat")
			r.Expiry.In = wrong
			_, err := h.a.Issue(ctx, &h.operator, r)
			if !errors.Is(err, credential.Invalid) || !strings.Contains(err.Error(), "expires_in") {
				h.t.Errorf("a lifetime of %v: got %v, want expires_in refused", wrong, err)
			}
		}
		for _, days := range []time.Duration{7, 30, 60, 90, 180, 365} {
			r := h.request("testkase_pat")
			r.Expiry.In = days * day
			issued := h.issue(r)
			if got, want := issued.Credential.ExpiresAt, h.now().Add(days*day); !got.Equal(want) {
				h.t.Errorf("%d days: ends %v, want %v", days, got, want)
			}
			closer := credential.ExpiryChoice{At: h.now().Add(time.Hour)}
			if _, err := h.a.Update(ctx, &h.operator, issued.Credential.ID, authority.UpdateRequest{Expiry: &closer}); !errors.Is(err, credential.Invalid) {
				h.t.Errorf("an update of the expiry: got %v, want it refused", err)
			}
			if _, err := h.a.Rotate(ctx, &h.operator, issued.Credential.ID, authority.RotateRequest{Expiry: closer}); !errors.Is(err, credential.Invalid) {
				h.t.Errorf("a rotation with an expiry: got %v, want it refused", err)
			}
			again := h.rotate(issued.Credential.ID, authority.RotateRequest{})
			if !again.Credential.ExpiresAt.Equal(issued.Credential.ExpiresAt) {
				h.t.Errorf("a rotation moved the expiry to %v", again.Credential.ExpiresAt)
			}
		}
	})
}
