package authority_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
)

func perHour(n int) credential.Rate { return credential.Rate{Requests: n, Window: time.Hour} }

// through says how many of so many verifications pass, and what was decided last.
func (w *world) through(n int, secret string, from netip.Addr) (passed int, last credential.Decision) {
	w.t.Helper()
	for range n {
		if last = w.verify(secret, authority.Verification{Address: from}); last.Code == credential.OK {
			passed++
		} else if last.Code != credential.CodeRateLimited {
			w.t.Fatalf("got %s", last.Code)
		}
	}
	return passed, last
}

// OT-17, OT-D7: the keys of a project make so many requests an hour, all of them
// together; 0, which is what there is at first, is as many as they like. Who has
// signed in has no such limit, and another project has its own.
func TestOT17_OTD7_LimitOfAProject(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, one := w.made("onetest_key")
		_, two := w.made("onetest_key")
		elsewhere := w.ask("onetest_key")
		elsewhere.Project.ID = w.hidden.ID
		other := w.issue(w.op, elsewhere).Secret.Reveal()
		w.person("ada", credential.Admin)
		session := w.signIn("ada").Access.Token.Reveal()
		if passed, d := w.through(100, one, here); passed != 100 || d.Limit != (credential.Limit{}) {
			t.Errorf("without a limit: %d passed, and are told %+v", passed, d.Limit)
		}
		w.ok(w.SetProjectRate(background, w.as("admin"), w.alpha, perHour(3)))
		w.through(2, one, here)
		w.through(1, two, here)
		passed, d := w.through(5, two, here)
		want := credential.Limit{Limit: 3, RetryAfter: 20 * time.Minute, Window: time.Hour, Of: credential.ProjectLimit, Reset: w.clock.now().Add(time.Hour)}
		if d.Limit != want || passed != 0 {
			t.Errorf("got %d through, with %+v, want %+v", passed, d.Limit, want)
		}
		for what, secret := range map[string]string{"another project": other, "who has signed in": session} {
			if passed, _ := w.through(10, secret, here); passed != 10 {
				t.Errorf("%s: got %d of 10 through", what, passed)
			}
		}
		w.clock.advance(20 * time.Minute)
		if passed, _ := w.through(5, one, here); passed != 1 {
			t.Errorf("after the wait: got %d through, want 1", passed)
		}
		w.ok(w.SetProjectRate(background, w.op, w.alpha, credential.Rate{}))
		if passed, _ := w.through(10, one, here); passed != 10 {
			t.Errorf("without a limit again: got %d through", passed)
		}
	})
}

// a request that meets several limits needs room under all of them, and
// one that is refused is charged to none.
func TestX5_SeveralLimits(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.ask("onetest_key")
		r.RateLimit = 100
		key := w.issue(w.op, r).Secret.Reveal()
		_, plain := w.made("betahub_pat")
		w.ok(w.SetProjectRate(background, w.op, w.alpha, perHour(50)))
		w.ok(w.SetOrganizationLimits(background, w.op, w.org.ID, credential.Limits{Rate: credential.Rate{Requests: 20, Window: 24 * time.Hour}, AddressRate: 5}))
		if passed, d := w.through(30, key, here); passed != 5 || d.Limit.Of != credential.AddressLimit || d.Limit.Limit != 5 || d.Limit.Window != time.Minute {
			t.Errorf("from one address: got %d through, with %+v", passed, d.Limit)
		}
		if passed, _ := w.through(30, plain, here); passed != 0 {
			t.Errorf("by another credential from there: got %d through, want none", passed)
		}
		network := netip.MustParseAddr("2001:db8:0:7::1")
		if passed, _ := w.through(3, key, network); passed != 3 {
			t.Errorf("from another address: got %d of 3 through", passed)
		}
		if passed, _ := w.through(10, plain, netip.MustParseAddr("2001:db8:0:7:ffff::2")); passed != 2 {
			t.Errorf("from the same network: got %d through, want 2", passed)
		}
		passed, d := w.through(40, key, netip.Addr{})
		if passed != 10 || d.Limit.Of != credential.OrganizationLimit || d.Limit.RetryAfter != 24*time.Hour/20 {
			t.Errorf("from nowhere: got %d through, with %+v, want what is left of 20", passed, d.Limit)
		}
		_, foreign := w.made("betahub_pat")
		if passed, _ := w.through(3, foreign, netip.Addr{}); passed != 0 {
			t.Errorf("by a credential without a limit of its own: got %d through", passed)
		}
		w.ok(w.SetOrganizationLimits(background, w.op, w.org.ID, credential.Limits{}))
		// 18 of the 100 and of the 50 are used: no refusal was charged to them.
		if passed, d := w.through(100, key, here); passed != 50-18 || d.Limit.Of != credential.ProjectLimit {
			t.Errorf("of the project's: got %d through, with %+v", passed, d.Limit)
		}
	})
}

// The organization's limits hold for who has signed in as well.
func TestX5_SessionsOfAnOrganization(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Admin)
		session := w.signIn("ada").Access.Token.Reveal()
		w.ok(w.SetOrganizationLimits(background, w.op, w.org.ID, credential.Limits{Rate: perHour(4)}))
		if passed, d := w.through(10, session, here); passed != 4 || d.Limit.Of != credential.OrganizationLimit {
			t.Errorf("got %d through, with %+v", passed, d.Limit)
		}
		w.ok(w.SetOrganizationLimits(background, w.op, w.org.ID, credential.Limits{AddressRate: 2}))
		if passed, d := w.through(10, session, here); passed != 2 || d.Limit.Of != credential.AddressLimit {
			t.Errorf("got %d through, with %+v", passed, d.Limit)
		}
	})
}

// Who may say what the limits are, and what they may be; each change is in the
// audit, and one of a state that isn't there any more is refused.
func TestLimitsAreSet(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		some := credential.Limits{Rate: perHour(1000), AddressRate: 60}
		wantKind(t, "a member", w.SetOrganizationLimits(background, w.as("member"), w.org.ID, some), credential.Forbidden)
		wantKind(t, "another organization's owner", w.SetOrganizationLimits(background, w.as("stranger"), w.org.ID, some), credential.NotFound)
		wantKind(t, "a member, of a project", w.SetProjectRate(background, w.as("member"), w.alpha, some.Rate), credential.Forbidden)
		wantKind(t, "another's project", w.SetProjectRate(background, w.as("stranger"), w.alpha, some.Rate), credential.NotFound)
		w.ok(w.SetOrganizationLimits(background, w.as("owner"), w.org.ID, some))
		w.ok(w.SetProjectRate(background, w.key("projects:write"), w.alpha, some.Rate))
		got, err := w.OrganizationLimits(background, w.as("member"), w.org.ID)
		if must(w, got, err) != some {
			t.Errorf("got %+v", got)
		}
		rate, err := w.ProjectRate(background, w.as("member"), w.alpha)
		if must(w, rate, err) != some.Rate {
			t.Errorf("got %+v", rate)
		}
		for _, wrong := range []credential.Limits{
			{Rate: perHour(-1)}, {Rate: perHour(credential.MaxRequests + 1)}, {Rate: credential.Rate{Requests: 1}}, {Rate: credential.Rate{Window: time.Hour}}, {AddressRate: -1},
			{Rate: credential.Rate{Requests: 1, Window: time.Second - 1}}, {Rate: credential.Rate{Requests: 1, Window: credential.MaxWindow + time.Second}}, {AddressRate: credential.MaxRequests + 1},
		} {
			if err := w.SetOrganizationLimits(background, w.op, w.org.ID, wrong); !isInvalid(err) {
				t.Errorf("%+v: got %v", wrong, err)
			}
		}
		known := authority.IfMatch(background, []string{authority.LimitsVersion(some)})
		w.ok(w.SetOrganizationLimits(known, w.op, w.org.ID, credential.Limits{AddressRate: 1}))
		wantKind(t, "of another state", w.SetOrganizationLimits(known, w.op, w.org.ID, some), credential.PreconditionFailed)
		events := map[string]int{}
		for _, e := range w.events(w.org.ID) {
			events[e.Action]++
		}
		if events["organization.set_limits"] != 2 || events["project.set_limits"] != 1 {
			t.Errorf("got %v, want 2 and 1 of them", events)
		}
	})
}

// Limits that are damaged let nobody through: nothing is unlimited by being lost.
func TestDamagedLimits(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, key := w.made("onetest_key")
		w.person("ada", credential.Admin)
		session := w.signIn("ada").Access.Token.Reveal()
		for _, damage := range []string{`UPDATE projects SET rate_limit = 5`, `UPDATE organizations SET rate_limit = 5`, `UPDATE organizations SET rate_limit = 0, rate_window = 60`} {
			if _, err := w.raw().Exec(damage); err != nil {
				t.Fatal(err)
			}
			w.reopen() // without what it remembers
			if got := w.code(key); got != credential.CodeUnknown {
				t.Errorf("%s: got %s", damage, got)
			}
		}
		if got := w.code(session); got != credential.CodeUnknown {
			t.Errorf("a session: got %s", got)
		}
	})
}

// away is a Limiter that is, in one of the ways.
type away struct {
	asked atomic.Int64
	limit.Outcome
	err error
}

func (a *away) Take(_ context.Context, _ time.Time, takes ...limit.Take) (limit.Outcome, error) {
	a.asked.Add(1)
	return a.Outcome, a.err
}

// D-6: what limits requests may be away. Then it can't be decided, or a node
// decides alone, and says so; what has no limit doesn't notice.
func TestD6_LimiterAway(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, limited := w.made("bunship_live")
		_, free := w.made("betahub_pat")
		l := &away{err: errors.New("redis://user:very-secret@cache is gone")}
		a := authority.New(authority.Config{Store: w.store, Schemes: w.cfg.Schemes, Now: w.clock.now, Issuer: issuer, PasswordMemory: cheap, Limits: l})
		d, err := a.Verify(background, limited, authority.Verification{Address: here})
		wantKind(t, "refused", err, credential.Unavailable)
		var shown *credential.Error
		if d.Code != "" || d.Standing != nil || errors.As(err, &shown) && strings.Contains(shown.Detail, "secret") {
			t.Errorf("got %+v, %v", d, err)
		}
		_, err = a.VerifyFor(background, w.op, limited, authority.Verification{})
		wantKind(t, "asked about", err, credential.Unavailable)
		_, err = a.Invite(background, w.as("owner"), w.org.ID, authority.InviteRequest{Email: "x@example.test", Role: credential.Guest})
		if !errors.Is(err, credential.Forbidden) { // no token invites
			t.Errorf("got %v", err)
		}
		w.person("ada", credential.Owner)
		_, err = a.Invite(background, w.session("ada"), w.org.ID, authority.InviteRequest{Email: "x@example.test", Role: credential.Guest})
		wantKind(t, "an invitation", err, credential.Unavailable)
		asked := l.asked.Load()
		if d, err := a.Verify(background, free, authority.Verification{Address: here}); err != nil || d.Code != credential.OK || l.asked.Load() != asked {
			t.Errorf("without a limit: got %s, %v", d.Code, err)
		}
		l.err, l.Outcome = nil, limit.Outcome{Allowed: true, Remaining: 7, Degraded: true}
		d, err = a.Verify(background, limited, authority.Verification{Address: here})
		if err != nil || d.Code != credential.OK || !d.Limit.Degraded || d.Limit.Limit != 1000 {
			t.Errorf("alone: got %s with %+v, %v", d.Code, d.Limit, err)
		}
	})
}

// Every decision is told by its code.
func TestDecided(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, key := w.made("betahub_pat")
		var codes []credential.Code
		a := authority.New(authority.Config{Store: w.store, Schemes: w.cfg.Schemes, Now: w.clock.now, Issuer: issuer, PasswordMemory: cheap,
			Decided: func(c credential.Code) { codes = append(codes, c) }})
		for _, text := range []string{key, "nonsense", key[:len(key)-1] + "x"} {
			_, err := a.Verify(background, text, authority.Verification{})
			w.ok(err)
		}
		if len(codes) != 3 || codes[0] != credential.OK || !slices.Contains(codes, credential.CodeMalformed) {
			t.Errorf("got %v", codes)
		}
	})
}
