package authority_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Many at once end for whom each would end alone: for those who look after it,
// a damaged one as well.
func TestR1_RevokeManyReaches(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		damaged, _ := w.made("onetest_key")
		victim{poison{"credentials", "scheme", `'nobody'`, true}, damaged.ID, ""}.apply(t, w.raw())
		visible, _ := w.made("onetest_key") // of the project Alpha
		r := w.ask("onetest_key")
		r.Project = &store.ProjectRef{ID: w.hidden.ID}
		hidden := w.issue(w.op, r).Credential
		own := w.issue(w.op, w.forUser("betahub_pat", "lead")).Credential
		stranger := w.issue(w.op, w.forUser("betahub_pat", "stranger")).Credential
		ids := []uuid.UUID{damaged.ID, visible.ID, hidden.ID, own.ID, stranger.ID}

		missing, now, was := authority.Ended{Outcome: authority.Missing}, authority.Ended{Outcome: authority.NowRevoked}, authority.Ended{Outcome: authority.WasRevoked}
		nowDamaged, wasDamaged := now, was
		nowDamaged.Damaged, wasDamaged.Damaged = true, true
		for _, step := range []struct {
			who  string
			want []authority.Ended
		}{
			{"member", []authority.Ended{missing, missing, missing, missing, missing}},
			{"lead", []authority.Ended{missing, now, missing, now, missing}},
			{"admin", []authority.Ended{nowDamaged, was, now, was, missing}},
			{"owner", []authority.Ended{wasDamaged, was, was, was, missing}},
			{"stranger", []authority.Ended{missing, missing, missing, missing, now}},
		} {
			if got, err := w.RevokeMany(background, w.as(step.who), ids, false); err != nil || !slices.Equal(got, step.want) {
				t.Errorf("by %s: got %v, %v, want %v", step.who, got, err, step.want)
			}
		}
		_, err := w.RevokeMany(background, w.op, ids, false)
		wantField(t, "of two organizations", err, "credentials")
		if shown, err := w.Get(background, w.op, damaged.ID); err != nil || shown.State != "revoked" {
			t.Errorf("the damaged one is %+v, %v", shown, err)
		}
		wantWhole(w)
	})
}

// Of many that end at once, each is recorded and told for itself, in order.
func TestRevokeManyIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		url := "https://hooks.example.com/"
		hook, err := w.CreateWebhook(background, w.op, w.org.ID, authority.WebhookRequest{URL: &url})
		w.ok(err)
		ids := make([]uuid.UUID, 90) // more than one statement takes
		want := make([]string, len(ids))
		for i := range ids {
			scheme, event := "gatehouse_key", "credential.revoked"
			if i%20 == 1 { // of which there may be few
				scheme, event = "bunship_live", "api_key.revoked"
			}
			c, _ := w.made(scheme)
			ids[i], want[i] = c.ID, event+" credential:"+c.ID.String()
		}
		before := len(w.events(w.org.ID))
		_, err = w.RevokeMany(background, w.op, ids, true)
		w.ok(err)
		wantWhole(w)
		told, err := w.Deliveries(background, w.op, authority.WebhookRef{Organization: w.org.ID, ID: hook.ID}, uuid.Nil, len(ids))
		w.ok(err)
		slices.Reverse(told)
		events := w.events(w.org.ID)[before:]
		if len(events) != len(ids) || len(told) != len(ids) {
			t.Fatalf("%d events and %d deliveries, want %d each", len(events), len(told), len(ids))
		}
		for i, e := range events {
			if got := told[i].Event + " " + e.Target; got != want[i] || told[i].Sequence != e.Sequence || e.Action != "credential.revoke" {
				t.Errorf("event %d is %s (%s), told as %d; want %s", e.Sequence, got, e.Action, told[i].Sequence, want[i])
			}
		}
	})
}
