package authority_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// untilUse is a rotation whose predecessor ends at the first use.
var untilUse = authority.RotateRequest{Grace: day, AtFirstUse: true}

// takeOvers are the events that tell of predecessors ended by a first use.
func (w *world) takeOvers(id uuid.UUID) (list []audit.Event) {
	for _, e := range w.events(w.org.ID) {
		if e.Action == "credential.end_predecessor" && e.Target == "credential:"+id.String() {
			list = append(list, e)
		}
	}
	return list
}

// a predecessor that is to end at the first use works until then, and
// from then on no more, whatever was in a cache.
func TestR10_PredecessorEndsAtFirstUse(t *testing.T) {
	const o, x = credential.OK, credential.CodeRevoked
	lost := authority.RotateRequest{Grace: day, AtFirstUse: true, Idempotency: key("lost")}
	rows := []struct {
		name  string
		steps []authority.RotateRequest
		after time.Duration
		uses  []int             // of which secret, in their order
		want  []credential.Code // their answers
		ended int               // events
	}{
		{"the predecessor alone", []authority.RotateRequest{untilUse}, 0, []int{0, 0, 0}, []credential.Code{o, o, o}, 0},
		{"the first use", []authority.RotateRequest{untilUse}, 0, []int{0, 1, 0, 1, 0}, []credential.Code{o, o, x, o, x}, 1},
		{"a grace that is over", []authority.RotateRequest{untilUse}, day, []int{0, 1, 0, 1}, []credential.Code{x, o, x, o}, 1},
		{"rotated before its use", []authority.RotateRequest{untilUse, {Grace: day}}, 0, []int{0, 1, 2, 1, 2}, []credential.Code{x, o, o, o, o}, 0},
		{"rotated so again", []authority.RotateRequest{untilUse, untilUse}, 0, []int{0, 1, 2, 1}, []credential.Code{x, o, o, x}, 1},
		{"after an ordinary one", []authority.RotateRequest{{Grace: day}, untilUse}, 0, []int{1, 1, 2, 1}, []credential.Code{o, o, o, x}, 1},
		{"a lost answer", []authority.RotateRequest{lost, lost}, 0, []int{0, 1, 0, 2, 0}, []credential.Code{o, x, o, o, x}, 1},
	}
	each(t, func(t *testing.T, w *world) {
		for _, row := range rows {
			start := w.clock.now()
			steps := slices.Clone(row.steps) // the other database has its own
			for i := range steps {
				if steps[i].Idempotency != nil {
					steps[i].Idempotency = key("of " + row.name)
				}
			}
			id, secrets := generations(w, "gatehouse_key", steps...)
			w.clock.advance(row.after)
			var got []credential.Code
			for _, use := range row.uses {
				got = append(got, w.code(secrets[use]))
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("%s: got %v, want %v", row.name, got, row.want)
			}
			if events := w.takeOvers(id); len(events) != row.ended {
				t.Errorf("%s: there are %d events, want %d", row.name, len(events), row.ended)
			}
			w.clock.set(start)
		}
		w.wholeAudit()
	})
}

// wholeAudit fails unless every chain is whole.
func (w *world) wholeAudit() {
	w.t.Helper()
	reports, err := w.VerifyAudit(background, w.op, uuid.Nil)
	w.ok(err)
	for _, r := range reports {
		if r.Break != nil {
			w.t.Error(r.Break)
		}
	}
}

// what is no use of the new secret ends nothing: a refusal, a token of
// the one before, and who has no business to ask.
func TestR10_WhatIsNoFirstUse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.ask("betatesting_client")
		r.Addresses = []string{here.String()}
		made := w.issue(w.op, r)
		first := authority.Client{ID: made.Credential.ClientID, Secret: made.Secret.Reveal(), Address: here}
		token, err := w.ClientToken(background, first, nil)
		w.ok(err)
		next := first
		next.Secret = w.rotate(made.Credential.ID, untilUse)
		works := func(what string) {
			t.Helper()
			w.wantCode(what, token.Token.Reveal(), credential.OK)
			w.wantCode(what, first.Secret, credential.OK)
		}
		if d := w.verify(next.Secret, authority.Verification{Address: elsewhere}); d.Code != credential.CodeAddress {
			t.Errorf("from elsewhere: got %s", d.Code)
		}
		works("the new one from elsewhere")
		_, err = w.Suspend(background, w.op, made.Credential.ID)
		w.ok(err)
		w.wantCode("suspended", next.Secret, credential.CodeSuspended)
		_, err = w.Resume(background, w.op, made.Credential.ID)
		w.ok(err)
		works("the new one while it was suspended")
		r = w.ask("gatehouse_key")
		r.Organization = w.other.ID
		d, err := w.VerifyFor(background, w.principal(w.issue(w.op, r).Secret.Reveal()), next.Secret, authority.Verification{Address: here})
		if w.ok(err); d.Code != credential.CodeUnknown {
			t.Errorf("another organization is told %s", d.Code)
		}
		works("another organization asks")
		get, err := w.Get(background, w.op, made.Credential.ID)
		if w.ok(err); len(get.Secrets) != 2 || !get.Secrets[0].TakesOver {
			t.Errorf("it is shown as %+v", get.Secrets)
		}

		_, err = w.ClientToken(background, next, nil)
		w.ok(err)
		w.wantCode("after the first use", first.Secret, credential.CodeRevoked)
		w.wantCode("a token of it", token.Token.Reveal(), credential.CodeRevoked)
		events := w.takeOvers(made.Credential.ID)
		if len(events) != 1 || events[0].Actor != "credential:"+made.Credential.ID.String() || events[0].Address != here.String() || events[0].Detail != `{"generation":2}` {
			t.Errorf("got %+v", events)
		}
		_, err = w.Rotate(background, w.op, made.Credential.ID, authority.RotateRequest{AtFirstUse: true})
		wantField(t, "without a grace", err, "end_predecessor")
	})
}

// where the end of a predecessor can't be stored the new secret works
// still, and its next use tries again.
func TestR10_FirstUseWhileNothingIsStored(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, first := w.made("gatehouse_key")
		second := w.rotate(c.ID, untilUse)
		allow := storetest.Refuse(t, w.cfg, "INSERT", "audit_events")
		w.wantCode("the new one", second, credential.OK)
		w.wantCode("the one before, of which nothing is stored", first, credential.OK)
		allow()
		w.wantCode("the new one again", second, credential.OK)
		w.wantCode("the one before", first, credential.CodeRevoked)
	})
}

// of uses that race, on two nodes where there can be two, one ends the
// predecessor; and once any of them was answered, the predecessor is dead
// everywhere.
func TestX9_FirstUsesRace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nodes := []*authority.Authority{w.Authority, w.Authority}
		if w.cfg.DatabaseURL != "" {
			nodes[1] = authority.New(authority.Config{Store: storetest.Open(t, w.cfg), Schemes: w.cfg.Schemes, Now: w.clock.now, Issuer: issuer, PasswordMemory: cheap})
		}
		for range 10 {
			c, first := w.made("gatehouse_key")
			for _, n := range nodes { // it is in every cache that there is
				if d, err := n.Verify(background, first, authority.Verification{}); err != nil || d.Code != credential.OK {
					t.Fatal(d.Code, err)
				}
			}
			second := w.rotate(c.ID, untilUse)
			var used atomic.Bool
			race(8, func(i int) {
				node := nodes[i/2%2]
				for range 20 {
					secret, dead := second, used.Load()
					if i%2 == 0 {
						secret = first
					}
					d, err := node.Verify(background, secret, authority.Verification{})
					switch {
					case err != nil:
						t.Error(err)
					case i%2 == 1 && d.Code != credential.OK:
						t.Errorf("the new secret is %s", d.Code)
					case i%2 == 1:
						used.Store(true)
					case dead && d.Code != credential.CodeRevoked:
						t.Errorf("after the first use the one before is %s", d.Code)
					}
				}
			})
			if events := w.takeOvers(c.ID); len(events) != 1 {
				t.Errorf("there are %d events, want 1", len(events))
			}
		}
		w.wholeAudit()
	})
}
