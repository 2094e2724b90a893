package authority_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// counted is usage by one thing or two, with the keys joined by a blank.
func (w *world) counted(p *credential.Principal, r authority.UsageRequest, by ...store.Dimension) map[string]int64 {
	w.t.Helper()
	r.By, r.Limit, r.Most = by, 1000, authority.MostUsageDays
	if r.To.IsZero() {
		r.From, r.To = w.clock.now().Add(-30*day), w.clock.now()
	}
	if p.InstallationWide() && r.Organization == uuid.Nil {
		r.Organization = w.org.ID
	}
	report, err := w.Usage(background, p, r)
	w.ok(err)
	out, sum := map[string]int64{}, int64(0)
	for _, row := range report.Rows {
		out[strings.Join(row.Keys, " ")] += row.Requests
		sum += row.Requests
	}
	if sum != report.Total.Requests {
		w.t.Errorf("the rows have %d requests, the total says %d", sum, report.Total.Requests)
	}
	return out
}

func (w *world) wantCounted(what string, got, want map[string]int64) {
	w.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// restart is a new authority on the open store that keeps what it is told to.
func (w *world) restart(keep authority.Retention, log *slog.Logger) {
	w.Authority = authority.New(authority.Config{Store: w.store, Schemes: w.cfg.Schemes, Now: w.clock.now, Issuer: issuer, PasswordMemory: cheap, Keep: keep, Logger: log})
}

// Usage is exactly what was sent, by whatever it is told apart, also where many
// send at once and every second flush fails.
func TestUsage_IsWhatWasSent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		good, secret := w.made("bunship_live")
		slowAsk := w.ask("gatehouse_key")
		slowAsk.RateLimit, slowAsk.Scopes = 50, []credential.Scope{"issues:read"}
		slow := w.issue(w.op, slowAsk)
		key, keySecret := w.made("onetest_key")
		gone, goneSecret := w.made("bunship_test")
		w.revoke(gone.ID)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i := range 50 {
					w.verify(secret, authority.Verification{Charge: authority.Charge{Resource: fmt.Sprint("POST /orders/", i%5)}})
					w.verify(slow.Secret.Reveal(), authority.Verification{})
					w.verify(slow.Secret.Reveal(), authority.Verification{Permission: credential.IssuesWrite})
					w.verify(keySecret, authority.Verification{})
					w.verify(goneSecret, authority.Verification{})
					w.verify("gate_"+strings.Repeat("0", 40), authority.Verification{})
					w.verify("nonsense", authority.Verification{})
				}
			})
		}
		allow := storetest.Refuse(t, w.cfg, "INSERT", "usage_days")
		for range 10 {
			_ = w.Flush(background)
		}
		allow()
		for range 10 {
			w.ok(w.Flush(background))
		}
		wg.Wait()
		w.ok(w.Flush(background))
		got := reopened(w)
		want := map[string]int64{"ok": 200 + 50 + 200, "rate_limited": 150, "insufficient_scope": 200, "revoked": 200}
		got.wantCounted("by outcome", got.counted(w.op, authority.UsageRequest{}, store.ByOutcome), want)
		got.wantCounted("by resource", got.counted(w.op, authority.UsageRequest{Credential: good.ID}, store.ByResource), map[string]int64{
			"POST /orders/0": 40, "POST /orders/1": 40, "POST /orders/2": 40, "POST /orders/3": 40, "POST /orders/4": 40})
		got.wantCounted("by credential", got.counted(w.op, authority.UsageRequest{}, store.ByCredential), map[string]int64{
			good.ID.String(): 200, slow.Credential.ID.String(): 400, key.ID.String(): 200, gone.ID.String(): 200})
		got.wantCounted("by project", got.counted(w.op, authority.UsageRequest{}, store.ByProject), map[string]int64{
			uuid.Nil.String(): 800, w.alpha.ID.String(): 200})
		got.wantCounted("of one resource", got.counted(w.op, authority.UsageRequest{Resource: "POST /orders/3"}, store.ByDay, store.ByOutcome),
			map[string]int64{"2026-01-02 ok": 40})
		got.wantCounted("of one outcome", got.counted(w.op, authority.UsageRequest{Outcome: "rate_limited"}, store.ByCredential), map[string]int64{slow.Credential.ID.String(): 150})
		if use := got.use(slow.Credential.ID); use.Requests != 250 { // which wasn't let in isn't used
			t.Errorf("the limited one was let in %d times, want 250", use.Requests)
		}
		paid := int64(0)
		spends, err := got.Spends(background, w.op, authority.SpendsRequest{Organization: w.org.ID, From: w.clock.now(), To: w.clock.now(), Most: 1, Limit: 1000})
		w.ok(err)
		for i := range spends {
			paid += spends[i].Cost
		}
		report, err := got.Usage(background, w.op, authority.UsageRequest{Organization: w.org.ID, From: w.clock.now(), To: w.clock.now(), Most: 1, By: []store.Dimension{store.ByProject}, Limit: 9})
		w.ok(err)
		if report.Total.Coins != 200 || paid != 200 || len(report.Rows) != 2 || report.Rows[1].Coins != 200 { // those of the project's key
			t.Errorf("usage says that %d coins were paid, the ledger %d: %+v", report.Total.Coins, paid, report.Rows)
		}
		for i, page := range []int{1, 2} { // pages hold what the whole holds
			all := []store.Usage{}
			r := authority.UsageRequest{Organization: w.org.ID, From: w.clock.now(), To: w.clock.now(), Most: 1, By: []store.Dimension{store.ByCredential, store.ByOutcome}, Limit: page}
			for {
				report, err := got.Usage(background, w.op, r)
				w.ok(err)
				all = append(all, report.Rows...)
				if len(report.Rows) < page {
					break
				}
				r.After = report.Rows[page-1].Keys
			}
			if len(all) != 6 || !slices.IsSortedFunc(all, func(a, b store.Usage) int { return slices.Compare(a.Keys, b.Keys) }) {
				t.Errorf("try %d, pages of %d: got %v", i, page, all)
			}
		}
	})
}

// A request to a route of ours is counted once it is answered, by the class of
// its status; a refusal by its code.
func TestUsage_OfOurRoutes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.restart(authority.Retention{RequestDays: 90}, nil)
		c, secret := w.made("bunship_live")
		ask := func(v authority.Verification, status int) {
			v.Ours, v.Charge.Resource = true, "GET /v1/self"
			d := w.verify(secret, v)
			w.Answered(authority.Answer{Standing: d.Standing, LetIn: d.Code == credential.OK, Route: "GET /v1/self", Method: "GET", Path: "/v1/self", Status: status})
		}
		for _, status := range []int{200, 204, 302, 404, 409, 500, 507, 0} {
			ask(authority.Verification{}, status)
		}
		ask(authority.Verification{Permission: credential.CredentialsVerify}, 403)
		w.ok(w.Flush(background))
		w.wantCounted("by outcome", w.counted(w.op, authority.UsageRequest{}, store.ByResource, store.ByOutcome), map[string]int64{
			"GET /v1/self 2xx": 2, "GET /v1/self 3xx": 1, "GET /v1/self 4xx": 2, "GET /v1/self 5xx": 3, "GET /v1/self insufficient_scope": 1})
		list, err := w.Calls(background, w.op, authority.CallsRequest{Credential: c.ID, Limit: 100})
		if err != nil || len(list) != 9 || list[0].Status != 403 || list[8].Status != 200 {
			t.Errorf("got %+v, %v", list, err)
		}
	})
}

// A day ends at midnight in UTC.
func TestUsage_DaysAreInUTC(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.clock.set(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC))
		_, secret := w.made("bunship_live")
		midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		for i, at := range []time.Time{midnight.Add(-time.Millisecond), midnight, midnight.Add(-time.Hour), midnight.Add(day)} { // it steps back as well
			w.clock.set(at)
			for range i + 1 {
				w.verify(secret, authority.Verification{})
			}
		}
		w.ok(w.Flush(background))
		w.wantCounted("by day", w.counted(w.op, authority.UsageRequest{}, store.ByDay), map[string]int64{"2026-03-01": 4, "2026-03-02": 2, "2026-03-03": 4})
		w.wantCounted("of one day", w.counted(w.op, authority.UsageRequest{From: midnight, To: midnight}, store.ByDay), map[string]int64{"2026-03-02": 2})
	})
}

// Everybody sees the usage of the credentials that they look after.
func TestUsage_WhoSeesWhat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		secrets := map[string]string{}
		ids := map[string]string{}
		for _, scheme := range []string{"bunship_live", "onetest_key"} {
			c, secret := w.made(scheme)
			ids[scheme], secrets[scheme] = c.ID.String(), secret
		}
		far := w.ask("bunship_live")
		far.Organization = w.other.ID
		secrets["far"] = w.issue(w.op, far).Secret.Reveal()
		wide := w.ask("gatehouse_key")
		wide.Organization = uuid.Nil
		secrets["wide"] = w.issue(w.op, wide).Secret.Reveal()
		principals := map[string]*credential.Principal{}
		for name, secret := range secrets {
			principals[name] = w.principal(secret)
		}
		for _, name := range []string{"owner", "member", "lead", "guest", "stranger"} {
			principals[name] = w.as(name)
			ids[name] = principals[name].Credential.ID.String()
		}
		w.ok(w.Flush(background))
		all := map[string]int64{}
		for _, name := range []string{"bunship_live", "onetest_key", "owner", "member", "lead", "guest"} {
			all[ids[name]] = 1
		}
		project := map[string]int64{ids["onetest_key"]: 1}
		for name, want := range map[string]map[string]int64{
			"owner": all, "bunship_live": all, "onetest_key": project, "wide": all,
			"member": {ids["member"]: 1}, "lead": {ids["lead"]: 1}, "guest": {ids["guest"]: 1}, "stranger": {ids["stranger"]: 1, principals["far"].Credential.ID.String(): 1},
		} {
			w.wantCounted(name, w.counted(principals[name], authority.UsageRequest{}, store.ByCredential), want)
		}
		alpha := &store.ProjectRef{ID: w.alpha.ID}
		w.wantCounted("a project, to its administrator", w.counted(principals["lead"], authority.UsageRequest{Project: alpha}, store.ByCredential), project)
		w.wantCounted("a project, to a member of it", w.counted(principals["member"], authority.UsageRequest{Project: alpha}, store.ByCredential), map[string]int64{})
		bunship := uuid.MustParse(ids["bunship_live"])
		for _, name := range []string{"member", "onetest_key", "stranger"} {
			w.wantCounted("another's, to "+name, w.counted(principals[name], authority.UsageRequest{Credential: bunship}, store.ByCredential), map[string]int64{})
		}
		_, err := w.Usage(background, principals["owner"], authority.UsageRequest{Organization: w.other.ID, Most: 1, By: []store.Dimension{store.ByDay}})
		wantField(t, "another organization", err, "organization")
		_, err = w.Usage(background, principals["owner"], authority.UsageRequest{Project: &store.ProjectRef{ID: w.foreign.ID}, Most: 1, By: []store.Dimension{store.ByDay}})
		wantField(t, "another organization's project", err, "project")
		_, err = w.Usage(background, w.key("issues:read"), authority.UsageRequest{Most: 1})
		wantKind(t, "without the permission", err, credential.Forbidden)
		_, err = w.Spends(background, w.key("issues:read"), authority.SpendsRequest{Most: 1})
		wantKind(t, "the ledger without the permission", err, credential.Forbidden)
		report, err := w.Usage(background, w.op, authority.UsageRequest{From: w.clock.now(), To: w.clock.now(), Most: 1, By: []store.Dimension{store.ByCredential}, Limit: 9})
		if err != nil || len(report.Rows) != 1 || report.Rows[0].Keys[0] != principals["wide"].Credential.ID.String() {
			t.Errorf("of the installation's own: got %+v, %v", report, err)
		}
		_, err = w.Usage(background, w.op, authority.UsageRequest{From: w.clock.now().Add(-400 * day), To: w.clock.now(), Most: 400})
		wantField(t, "401 days", err, "from")
		_, err = w.Usage(background, w.op, authority.UsageRequest{From: w.clock.now().Add(day), To: w.clock.now(), Most: 400})
		wantField(t, "a range that ends before it begins", err, "to")
	})
}

// Who has signed in uses no credential: nothing is counted.
func TestUsage_NotOfSessions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.restart(authority.Retention{RequestDays: 90}, nil)
		_, err := w.Register(background, authority.RegisterRequest{Email: "new@example.test", Name: "New", Password: "correct horse battery"})
		w.ok(err)
		s, err := w.SignIn(background, authority.SignInRequest{Email: "new@example.test", Password: "correct horse battery"})
		w.ok(err)
		d := w.verify(s.Access.Token.Reveal(), authority.Verification{})
		w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /v1/self", Method: "GET", Path: "/v1/self", Status: 200})
		w.ok(w.Flush(background))
		if rows := storetest.Dump(t, w.raw(), "usage_days", "requests"); strings.Contains(rows, "=") {
			t.Errorf("got %s", rows)
		}
	})
}

// What callers name is bounded and holds no secret, whatever they name.
func TestUsage_NamedResources(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, secret := w.made("bunship_live")
		want := map[string]int64{}
		for name, kept := range map[string]string{
			"": "", "POST /orders": "POST /orders", "größe": "größe", "a\x00b\n\u202e": "ab", "\xff\xfe": "", secret: "…", "/v1/" + secret + "/x": "/v1/…/x", "x=" + secret[:20]: "x=…",
			strings.Repeat("é", 150): strings.Repeat("é", 100), strings.Repeat("a ", 99) + "é!": strings.Repeat("a ", 99) + "é", "=cmd|' /C calc'!A0": "=cmd|' /C calc'!A0",
			"reports/api.v2.projects.list-items": "reports/api.v2.projects.list-items", "018f2b3c-0000-7000-8000-000000000000": "018f2b3c-0000-7000-8000-000000000000",
		} {
			w.verify(secret, authority.Verification{Charge: authority.Charge{Resource: name}})
			want[kept]++
		}
		w.ok(w.Flush(background))
		w.wantCounted("by resource", w.counted(w.op, authority.UsageRequest{Credential: c.ID}, store.ByResource), want)
	})
}
