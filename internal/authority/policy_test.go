package authority_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// scheme finds a scheme of the world by its name.
func (w *world) scheme(name string) *credential.Scheme { return w.cfg.Schemes.ByName(name) }

// staff makes people of every role who can sign in.
func (w *world) staff() {
	for _, role := range []credential.Role{credential.Owner, credential.Admin, credential.Member, credential.Guest} {
		w.person("the-"+string(role), role)
	}
}

// installation is the principal of a key above every organization.
func (w *world) installation() *credential.Principal {
	w.t.Helper()
	return w.principal(w.issue(w.op, authority.IssueRequest{Scheme: "gatehouse_key", Name: "all", Scopes: w.scheme("gatehouse_key").Scopes.Names()}).Secret.Reveal())
}

// setPolicy replaces the policy of Acme, as the operator.
func (w *world) setPolicy(p credential.Policy) {
	w.t.Helper()
	w.ok(w.SetPolicy(background, w.op, w.org.ID, &p))
}

// the organization bounds how long credentials live.
func TestR8_PolicyBoundsLifetimes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.setPolicy(credential.Policy{Schemes: []credential.SchemePolicy{
			{Scheme: w.scheme("gatehouse_key"), MaxLifetime: 30 * day}, {Scheme: w.scheme("betahub_pat"), ExpiryRequired: true},
			{Scheme: w.scheme("betatesting_static"), MaxLifetime: 90 * day}, {Scheme: w.scheme("testkase_pat"), MaxLifetime: 60 * day},
		}})
		try := func(scheme string, e credential.ExpiryChoice) (time.Time, error) {
			r := w.ask(scheme)
			r.Expiry = e
			out, err := w.Issue(background, w.op, r)
			if err != nil {
				return time.Time{}, err
			}
			return out.Credential.ExpiresAt, nil
		}
		for _, c := range []struct {
			scheme string
			asked  credential.ExpiryChoice
			days   int // that it lives; 0 for refused
		}{
			{"gatehouse_key", credential.ExpiryChoice{}, 0}, {"gatehouse_key", credential.ExpiryChoice{In: 31 * day}, 0},
			{"gatehouse_key", credential.ExpiryChoice{In: 30 * day}, 30}, {"gatehouse_key", credential.ExpiryChoice{At: w.clock.now().Add(30*day + time.Millisecond)}, 0},
			{"betahub_pat", credential.ExpiryChoice{}, 0}, {"betahub_pat", credential.ExpiryChoice{In: 3000 * day}, 3000},
			{"betatesting_static", credential.ExpiryChoice{}, 90}, // whose expiry only the operator sets
			{"testkase_pat", credential.ExpiryChoice{In: 60 * day}, 60}, {"testkase_pat", credential.ExpiryChoice{In: 90 * day}, 0},
			{"onetest_key", credential.ExpiryChoice{In: 3000 * day}, 3000}, // of which it says nothing
		} {
			at, err := try(c.scheme, c.asked)
			if c.days == 0 {
				wantField(t, c.scheme, err, "expires_at")
			} else if want := w.clock.now().Add(time.Duration(c.days) * day); err != nil || !at.Equal(want) {
				t.Errorf("%s %+v: %v, %v", c.scheme, c.asked, at, err)
			}
		}
		brought := w.bring(w.op, w.line(legacy(1), authority.IssueRequest{}), w.line(legacy(2), authority.IssueRequest{Expiry: credential.ExpiryChoice{In: 30 * day}}))
		if brought[0].Result != authority.ImportRefused || brought[1].Result != authority.ImportDone {
			t.Errorf("imports beyond the policy and within it: %+v", brought)
		}
		r := w.ask("gatehouse_key")
		r.Expiry.In = day
		c := w.issue(w.op, r).Credential
		_, err := w.Rotate(background, w.op, c.ID, authority.RotateRequest{Expiry: credential.ExpiryChoice{In: 40 * day}})
		wantField(t, "a rotation beyond it", err, "expires_at")
		if _, err := w.Rotate(background, w.op, c.ID, authority.RotateRequest{Expiry: credential.ExpiryChoice{In: 30 * day}}); err != nil {
			t.Error(err)
		}
	})
}

// S-3: the organization says who makes credentials of a scheme.
func TestS3_PolicySaysWhoIssues(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.staff()
		w.setPolicy(credential.Policy{Schemes: []credential.SchemePolicy{{Scheme: w.scheme("betahub_pat"), IssuedBy: credential.Admin}, {Scheme: w.scheme("bunship_live"), IssuedBy: credential.Owner}}})
		for who, want := range map[string]bool{"owner": true, "admin": true, "member": false} {
			_, err := w.Issue(background, w.in("the-"+who), authority.IssueRequest{Scheme: "betahub_pat", Name: "x"})
			if got := err == nil; got != want || (err != nil && !errors.Is(err, credential.Forbidden)) {
				t.Errorf("a token of %s: %v", who, err)
			}
		}
		live := authority.IssueRequest{Scheme: "bunship_live", Name: "x", Scopes: []credential.Scope{"read:projects"}}
		if _, err := w.Issue(background, w.in("the-admin"), live); !errors.Is(err, credential.Forbidden) {
			t.Errorf("a live key by an admin: %v", err)
		}
		if _, err := w.Issue(background, w.in("the-owner"), live); err != nil {
			t.Error(err)
		}
		live.Organization = w.org.ID
		if _, err := w.Issue(background, w.op, live); err != nil {
			t.Errorf("a live key by the operator: %v", err)
		}
	})
}

// I-3: the addresses of an organization hold from the next request on, for its
// credentials and for sessions in it.
func TestI3_PolicyAddresses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.staff()
		_, secret := w.made("gatehouse_key")
		session := w.in("the-owner")
		outside, inside := netip.MustParseAddr("198.51.100.9"), here
		is := func(want credential.Code, from netip.Addr) {
			t.Helper()
			if d := w.verify(secret, authority.Verification{Address: from}); d.Code != want {
				t.Errorf("from %s: %s, want %s", from, d.Code, want)
			}
		}
		is(credential.OK, outside)
		session.Address = outside
		only := credential.Policy{AllowedAddresses: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}
		if err := w.SetPolicy(background, session, w.org.ID, &only); err == nil {
			t.Error("an owner could lock themselves out")
		} else {
			wantField(t, "locking oneself out", err, "allowed_addresses")
		}
		session.Address = inside
		w.ok(w.SetPolicy(background, session, w.org.ID, &only))
		is(credential.CodeAddress, outside)
		is(credential.CodeAddress, netip.Addr{})
		is(credential.OK, inside)
		token := w.signIn("the-admin").Access.Token.Reveal()
		for from, want := range map[netip.Addr]credential.Code{outside: credential.CodeAddress, inside: credential.OK} {
			if d := w.verify(token, authority.Verification{Address: from, Organization: w.org.ID.String()}); d.Code != want {
				t.Errorf("a session from %s: %s, want %s", from, d.Code, want)
			}
		}
		w.setPolicy(credential.Policy{})
		is(credential.OK, outside)
	})
}

// What nobody uses is suspended, and can be resumed.
func TestUnusedIsSuspended(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.staff()
		_, used := w.made("gatehouse_key")
		idle, secret := w.made("onetest_key")
		_, foreign := w.made("betahub_pat")
		w.clock.advance(80 * day)
		w.wantCode("the used one", used, credential.OK)
		w.wantCode("the token", foreign, credential.OK)
		w.clock.advance(15 * day)
		unused, err := w.Unused(background, w.in("the-admin"), authority.UnusedRequest{Organization: w.org.ID, For: 90 * day, Limit: 10})
		if w.ok(err); len(unused) != 1 || unused[0].ID != idle.ID {
			t.Errorf("unused are %v, want %v", unused, idle.ID)
		}
		if _, err := w.Unused(background, w.in("the-member"), authority.UnusedRequest{Organization: w.org.ID, For: day, Limit: 10}); !errors.Is(err, credential.Forbidden) {
			t.Errorf("a member sees what is unused: %v", err)
		}
		w.ok(w.SuspendUnused(background)) // without a policy: nothing
		w.wantCode("before the policy", secret, credential.OK)
		w.setPolicy(credential.Policy{SuspendUnusedAfter: 90 * day})
		w.ok(w.SuspendUnused(background)) // it was used just now
		w.wantCode("used after all", secret, credential.OK)
		w.clock.advance(91 * day)
		w.wantCode("the used one", used, credential.OK)
		w.ok(w.SuspendUnused(background))
		w.ok(w.SuspendUnused(background))
		w.wantCode("unused for 91 days", secret, credential.CodeSuspended)
		w.wantCode("the used one", used, credential.OK)
		if _, err := w.Resume(background, w.op, idle.ID); err != nil {
			t.Fatal(err)
		}
		w.ok(w.SuspendUnused(background))
		w.wantCode("resumed", secret, credential.OK)
		n := 0
		for _, e := range w.events(w.org.ID) {
			if e.Action == "credential.suspend_unused" {
				n++
			}
		}
		if n != 2 { // the token as well
			t.Errorf("%d events tell of it", n)
		}
	})
}

func TestPolicyIsChecked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.staff()
		for field, p := range map[string]credential.Policy{
			"schemes.0.issued_by":    {Schemes: []credential.SchemePolicy{{Scheme: w.scheme("betahub_pat"), IssuedBy: "king"}}},
			"schemes.1.scheme":       {Schemes: []credential.SchemePolicy{{Scheme: w.scheme("betahub_pat")}, {Scheme: w.scheme("betahub_pat")}}},
			"schemes.0.max_lifetime": {Schemes: []credential.SchemePolicy{{Scheme: w.scheme("testkase_pat"), MaxLifetime: day}}},
			"suspend_unused_after":   {SuspendUnusedAfter: day},
		} {
			wantField(t, field, w.SetPolicy(background, w.op, w.org.ID, &p), field)
		}
		for who, p := range map[string]*credential.Principal{"a key": w.key("organization:write"), "a key of the installation": w.installation(), "a token": w.as("owner"), "a member": w.in("the-member")} {
			if err := w.SetPolicy(background, p, w.org.ID, &credential.Policy{}); !errors.Is(err, credential.Forbidden) {
				t.Errorf("%s sets the policy: %v", who, err)
			}
		}
		if err := w.SetPolicy(background, w.in("the-owner"), w.other.ID, &credential.Policy{}); !errors.Is(err, credential.NotFound) {
			t.Errorf("an owner of another organization sets the policy: %v", err)
		}
		w.ok(w.SetPolicy(background, w.in("the-owner"), w.org.ID, &credential.Policy{SuspendUnusedAfter: 7 * day}))
		if p, err := w.Policy(background, w.in("the-guest"), w.org.ID); err != nil || p.SuspendUnusedAfter != 7*day {
			t.Errorf("it is %+v, %v", p, err)
		}
	})
}

// Many are revoked at once, all of them or those that there are.
func TestR1_RevokeMany(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.staff()
		var ids []uuid.UUID
		var secrets []string
		for range 300 {
			c, secret := w.made("gatehouse_key")
			ids, secrets = append(ids, c.ID), append(secrets, secret)
		}
		w.code(secrets[7]) // and so in the cache
		token, _ := w.made("betahub_pat")
		unknown := uuid.New()
		if _, err := w.RevokeMany(background, w.in("the-owner"), append([]uuid.UUID{unknown}, ids...), true); !errors.Is(err, credential.Conflict) {
			t.Errorf("all, with one that there isn't: %v", err)
		}
		w.wantCode("none was", secrets[299], credential.OK)
		w.revoke(ids[0])
		out, err := w.RevokeMany(background, w.in("the-owner"), append([]uuid.UUID{unknown}, ids...), false)
		w.ok(err)
		if out[0].Outcome != authority.Missing || out[1].Outcome != authority.WasRevoked || out[2].Outcome != authority.NowRevoked || out[300].Outcome != authority.NowRevoked {
			t.Errorf("the outcomes are %v", out[:4])
		}
		for _, secret := range secrets {
			w.wantCode("revoked", secret, credential.CodeRevoked)
		}
		if out, err := w.RevokeMany(background, w.in("the-member"), []uuid.UUID{token.ID}, false); err != nil || out[0].Outcome != authority.Missing {
			t.Errorf("another's: %v, %v", out, err)
		}
		_, err = w.RevokeMany(background, w.in("the-owner"), []uuid.UUID{token.ID, token.ID}, false)
		wantField(t, "twice", err, "credentials")
		_, err = w.RevokeMany(background, w.in("the-owner"), nil, false)
		wantField(t, "none", err, "credentials")
		_, err = w.RevokeMany(background, w.in("the-owner"), make([]uuid.UUID, authority.MaxBulk+1), false)
		wantField(t, "too many", err, "credentials")
	})
}
