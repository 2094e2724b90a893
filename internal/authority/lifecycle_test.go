package authority_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Every scheme of design.md section 4 goes through its whole life.
func TestR9_LifeOfEveryScheme(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, name := range schemeNames(w.cfg) {
			live(w, name)
		}
	})
}

func live(w *world, name string) {
	t, scheme := w.t, w.cfg.Schemes.ByName(name)
	t.Helper()
	c, first := w.made(name)
	if !strings.HasPrefix(first, scheme.Text.Prefix) || !scheme.Text.Check(first) {
		t.Errorf("%s: the secret has another form than the scheme declares", name)
	}
	w.wantCode(name+" issued", first, credential.OK)
	second := w.rotate(c.ID, authority.RotateRequest{Grace: time.Hour})
	if second == first {
		t.Errorf("%s: a rotation gave the same secret", name)
	}
	w.wantCode(name+" predecessor", first, credential.OK)
	w.wantCode(name+" successor", second, credential.OK)
	wantNoSecret(w, c, first, second)

	_, err := w.Suspend(background, w.op, c.ID)
	w.ok(err)
	w.wantCode(name+" suspended", second, credential.CodeSuspended)
	w.wantCode(name+" predecessor suspended", first, credential.CodeSuspended)
	_, err = w.Resume(background, w.op, c.ID)
	w.ok(err)
	w.wantCode(name+" resumed", second, credential.OK)
	w.revoke(c.ID)
	w.wantCode(name+" revoked", second, credential.CodeRevoked)
	w.wantCode(name+" predecessor revoked", first, credential.CodeRevoked)
	for what, again := range changes(w, c) {
		if what == "revoke" { // again: nothing changes
			w.ok(again())
			continue
		}
		wantKind(t, name+" "+what+" after revoke", again(), credential.Conflict)
	}
	w.wantCode(name+" revoked for good", second, credential.CodeRevoked)
}

// changes are the calls that change a credential.
func changes(w *world, c *credential.Credential) map[string]func() error {
	name := "renamed"
	return map[string]func() error{
		"suspend": func() error { _, err := w.Suspend(background, w.op, c.ID); return err },
		"resume":  func() error { _, err := w.Resume(background, w.op, c.ID); return err },
		"rotate":  func() error { _, err := w.Rotate(background, w.op, c.ID, authority.RotateRequest{}); return err },
		"update": func() error {
			_, err := w.Update(background, w.op, c.ID, authority.UpdateRequest{Name: &name})
			return err
		},
		"revoke": func() error { _, err := w.Revoke(background, w.op, c.ID); return err },
	}
}

// K-12, K-13: nothing that is shown later holds the secret or the lookup key.
func wantNoSecret(w *world, c *credential.Credential, secrets ...string) {
	w.t.Helper()
	detail, err := w.Get(background, w.op, c.ID)
	w.ok(err)
	list, err := w.List(background, w.op, authority.ListRequest{Organization: c.Organization, Limit: 100})
	w.ok(err)
	found := false
	for _, d := range list {
		found = found || d.Credential.ID == c.ID
	}
	if !found {
		w.t.Errorf("%s isn't listed", c.Scheme.Name)
	}
	events, err := w.Events(background, w.op, c.Organization, 0, 1000)
	w.ok(err)
	var shown strings.Builder
	for _, v := range []any{detail, list, events} {
		text, err := json.Marshal(v)
		w.ok(err)
		fmt.Fprintf(&shown, "%s %+v", text, v)
	}
	for _, secret := range secrets {
		body := strings.TrimPrefix(secret, c.Scheme.Text.Prefix)
		if strings.Contains(shown.String(), body) || strings.Contains(shown.String(), body[8:len(body)-6]) {
			w.t.Errorf("%s: what is shown holds the secret", c.Scheme.Name)
		}
	}
	if len(detail.Secrets) != 2 || detail.Secrets[0].Hint == "" || detail.Secrets[0].Fingerprint == "" {
		w.t.Errorf("%s: a rotated credential shows %d secrets, want the two that work with hint and fingerprint", c.Scheme.Name, len(detail.Secrets))
	}
}

// at its expiry a credential ends to the millisecond, stays listed
// and never comes back.
func TestR8_ExpiryToTheMillisecond(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, name := range schemeNames(w.cfg) {
			r := w.ask(name)
			r.Expiry.In = 90 * day
			out := w.issue(w.op, r)
			secret, exp := out.Secret.Reveal(), w.clock.now().Add(90*day)
			if !out.Credential.ExpiresAt.Equal(exp) {
				t.Errorf("%s expires at %v, want %v", name, out.Credential.ExpiresAt, exp)
			}
			start := w.clock.now()
			w.clock.set(exp.Add(-time.Millisecond))
			w.wantCode(name+" a millisecond before", secret, credential.OK)
			w.clock.set(exp)
			w.wantCode(name+" at its expiry", secret, credential.CodeExpired)
			for what, call := range changes(w, out.Credential) {
				if what != "revoke" {
					wantKind(t, name+" "+what+" after expiry", call(), credential.Conflict)
				}
			}
			detail, err := w.Get(background, w.op, out.Credential.ID)
			if err != nil || detail.State != credential.Expired {
				t.Errorf("%s: get after expiry: %+v, %v", name, detail, err)
			}
			listed, err := w.List(background, w.op, authority.ListRequest{Organization: w.org.ID, Scheme: name, State: credential.Expired, Limit: 10})
			if err != nil || len(listed) != 1 {
				t.Errorf("%s: %d listed as expired (%v), want 1", name, len(listed), err)
			}
			w.revoke(out.Credential.ID)
			w.wantCode(name+" revoked after expiry", secret, credential.CodeRevoked)
			w.clock.set(start)
			w.wantCode(name+" revoked, clock set back", secret, credential.CodeRevoked)
		}
	})
}

// A credential begins at its date, to the millisecond.
func TestR8_NotBeforeToTheMillisecond(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.ask("gatehouse_key")
		r.NotBefore = w.clock.now().Add(time.Hour)
		secret := w.issue(w.op, r).Secret.Reveal()
		w.wantCode("an hour before", secret, credential.CodeNotYetValid)
		w.clock.advance(time.Hour - time.Millisecond)
		w.wantCode("a millisecond before", secret, credential.CodeNotYetValid)
		w.clock.advance(time.Millisecond)
		w.wantCode("at its date", secret, credential.OK)
	})
}

// a year that can't be written in JSON is refused at the issue, where a
// later change would otherwise have no way to write its event.
func TestR8_NotBeforeBeyondYear9999(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.ask("gatehouse_key")
		at, err := credential.ParseTime("not_before", "9999-12-31T23:59:59-12:00") // the year 10000 in UTC
		if err != nil {
			wantField(t, "not_before in the year 10000", err, "not_before")
			return
		}
		r.NotBefore = at
		out, err := w.Issue(background, w.op, r)
		if err != nil {
			wantField(t, "not_before in the year 10000", err, "not_before")
			return
		}
		defer func() {
			if cause := recover(); cause != nil {
				t.Errorf("it was issued, and revoking it panics: %v", cause)
			}
		}()
		w.revoke(out.Credential.ID)
		t.Error("it was issued; want not_before refused like expires_at is")
	})
}

// The state filters agree with the states, for one credential in each.
func TestR9_ListByState(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		want := map[credential.State]string{}
		for _, state := range []credential.State{credential.Active, credential.Suspended, credential.Expired, credential.Revoked} {
			r := w.ask("gatehouse_key")
			r.Name = string(state)
			if state == credential.Expired {
				r.Expiry.In = time.Minute
			}
			c := w.issue(w.op, r).Credential
			want[state] = c.ID.String()
			switch state {
			case credential.Suspended:
				_, err := w.Suspend(background, w.op, c.ID)
				w.ok(err)
			case credential.Revoked:
				w.revoke(c.ID)
			}
		}
		w.clock.advance(time.Minute)
		for state, id := range want {
			list, err := w.List(background, w.op, authority.ListRequest{Organization: w.org.ID, State: state, Limit: 100})
			w.ok(err)
			if len(list) != 1 || list[0].Credential.ID.String() != id || list[0].State != state {
				t.Errorf("state %s lists %d credentials, want exactly the one in it", state, len(list))
			}
		}
	})
}
