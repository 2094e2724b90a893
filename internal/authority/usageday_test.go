package authority_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
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

// TestCalls_HoldNoSecret: neither a path nor an agent, and a path has no query.
func TestCalls_HoldNoSecret(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.restart(authority.Retention{RequestDays: 90}, nil)
		c, secret := w.made("bunship_live")
		d := w.verify(secret, authority.Verification{})
		secrets := []string{secret, strings.ToLower(secret), secret[:16], "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "link-" + strings.Repeat("aB3", 13), "setup-" + strings.Repeat("x7", 13),
			"Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1u", "sk9f8e7d6c5b4a39281706f5e4d3c2b1"}
		for _, scheme := range slices.Sorted(maps.Keys(map[string]bool{"gatehouse_key": true, "betahub_pat": true, "betahub_project_token": true, "onetest_key": true, "testkase_pat": true, "betatesting_static": true})) {
			_, text := w.made(scheme)
			secrets = append(secrets, text)
		}
		paths := map[string]string{}
		for _, s := range secrets {
			for _, format := range []string{"/v1/credentials/%s", "/%s", "/v1/x=%s/y", "/v1/%s/a", "/x/" + strings.Repeat("y/", 118) + "%s", "/é/:%s:/"} {
				w.clock.advance(time.Millisecond)
				path := fmt.Sprintf(format, s)
				paths[path] = s
				w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /x", Method: "GET", Path: path, Status: 404, UserAgent: "x\x00y"})
			}
		}
		keep := []string{"/v1/credentials/" + c.ID.String() + "/activity", "/" + authority.PublicID("org", w.org.ID) + "/keys", "/projects/pr-12/issues/7.json", "/api/v1/test-cycles/TCYCLE-1/results", "/" + strings.Repeat("é", 200), ""}
		for _, path := range keep {
			w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /x", Method: "GET", Path: path, Status: 200})
		}
		w.ok(w.Flush(background))
		list, err := w.Calls(background, w.op, authority.CallsRequest{Credential: c.ID, Limit: 1000})
		w.ok(err)
		kept := map[string]bool{}
		for _, call := range list {
			kept[call.Path] = true
			if len(call.Path) > 256 || strings.ContainsAny(call.UserAgent, "\x00") {
				t.Errorf("got %+v", call)
			}
			for _, s := range secrets {
				if strings.Contains(call.Path, s[:min(len(s), 12)]) && !slices.Contains(keep, call.Path) {
					t.Errorf("path %s holds the secret %s", call.Path, s)
				}
			}
		}
		for _, path := range keep {
			if short := path[:min(len(path), 255)]; !kept[path] && !kept[short] {
				t.Errorf("path %.60s isn't kept as it is", path)
			}
		}
		if len(list) != len(secrets)*6+len(keep) || !kept["/v1/credentials/…"] || !kept["/v1/x=…/y"] {
			t.Errorf("%d requests are kept", len(list))
		}
	})
}

// Requests are listed page by page, to those alone who look after the credential.
func TestCalls_PagesAndReaders(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.restart(authority.Retention{RequestDays: 90}, nil)
		own := w.as("member")
		for i := range 25 {
			w.clock.advance(time.Millisecond)
			w.Answered(authority.Answer{Standing: &credential.Standing{Credential: own.Credential}, LetIn: true, Route: "GET /x", Method: "GET", Path: fmt.Sprint("/", i), Status: 200, Address: here, UserAgent: "curl/8"})
		}
		unlisted := authority.Answer{Standing: &credential.Standing{Credential: own.Credential}, LetIn: true, Route: "POST /v1/verify", Method: "POST", Path: "/v1/verify", Status: 200, Unlisted: true}
		w.Answered(unlisted)
		allow := storetest.Refuse(t, w.cfg, "INSERT", "requests")
		if err := w.Flush(background); err == nil {
			t.Error("a flush that failed says nothing")
		}
		allow()
		w.ok(w.Flush(background))
		var got []string
		for before := uuid.Nil; ; {
			page, err := w.Calls(background, own, authority.CallsRequest{Credential: own.Credential.ID, Before: before, Limit: 10})
			w.ok(err)
			for _, c := range page {
				got = append(got, c.Path)
				if c.Address != here || c.UserAgent != "curl/8" || c.Method != http.MethodGet || time.Since(c.At) < 0 {
					t.Errorf("got %+v", c)
				}
			}
			if len(page) < 10 {
				break
			}
			before = page[9].ID
		}
		var want []string
		for i := range 25 {
			want = append(want, fmt.Sprint("/", 24-i))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		w.wantCounted("usage", w.counted(own, authority.UsageRequest{}, store.ByResource), map[string]int64{"": 1, "GET /x": 25, "POST /v1/verify": 1})
		for name, want := range map[string]credential.ErrorKind{"owner": "", "guest": credential.NotFound, "lead": credential.NotFound, "stranger": credential.NotFound} {
			if _, err := w.Calls(background, w.as(name), authority.CallsRequest{Credential: own.Credential.ID, Limit: 1}); want == "" && err != nil || want != "" && !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %q", name, err, want)
			}
		}
		_, err := w.Calls(background, w.key("usage:read"), authority.CallsRequest{Credential: own.Credential.ID, Limit: 1})
		wantKind(t, "without the permission", err, credential.Forbidden)
	})
}

// What is older than it should be kept is deleted, some at a time, and the rest
// stays.
func TestForgetUsage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, secret := w.made("bunship_live")
		d := w.verify(secret, authority.Verification{})
		w.restart(authority.Retention{UsageDays: 100, RequestDays: 50}, nil)
		for i := range 2500 { // more than go at once
			w.verify(secret, authority.Verification{Ours: true, Permission: credential.CredentialsVerify, Charge: authority.Charge{Resource: fmt.Sprint("GET /", i)}})
			w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /", Method: "GET", Path: "/", Status: 403})
		}
		w.ok(w.Flush(background))
		w.clock.advance(day)
		w.verify(secret, authority.Verification{})
		w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /", Method: "GET", Path: "/last", Status: 403})
		w.ok(w.Flush(background))
		kept := func(what string, keep authority.Retention, usage, requests int) {
			t.Helper()
			w.restart(keep, nil)
			w.ok(w.ForgetUsage(background))
			u, r := strings.Count(storetest.Dump(t, w.raw(), "usage_days"), "outcome="), strings.Count(storetest.Dump(t, w.raw(), "requests"), "status=")
			if u != usage || r != requests {
				t.Errorf("%s: %d days of usage and %d requests are kept, want %d and %d", what, u, r, usage, requests)
			}
		}
		w.clock.advance(49*day - time.Millisecond)
		kept("up to the last day", authority.Retention{UsageDays: 100, RequestDays: 50}, 2503, 2501)
		w.clock.advance(2 * time.Millisecond)
		kept("behind it", authority.Retention{UsageDays: 51, RequestDays: 50}, 2503, 1)
		kept("a day less", authority.Retention{UsageDays: 49, RequestDays: 50}, 2, 1)
		kept("for good", authority.Retention{RequestDays: 0}, 2, 0)
		w.Answered(authority.Answer{Standing: d.Standing, Route: "GET /", Method: "GET", Path: "/", Status: 403})
		w.ok(w.Flush(background))
		kept("without single requests", authority.Retention{RequestDays: 0}, 2, 0)
	})
}

// Who is refused and goes on asking fills no disk: some of that is listed.
func TestCalls_Refused(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	_, secret := w.made("bunship_live")
	d := w.verify(secret, authority.Verification{})
	w.restart(authority.Retention{RequestDays: 90}, nil)
	for range 500 {
		w.Answered(authority.Answer{Standing: d.Standing, Route: "GET /", Method: "GET", Path: "/", Status: 429})
		w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /", Method: "GET", Path: "/", Status: 200})
	}
	w.ok(w.Flush(background))
	rows := storetest.Dump(t, w.raw(), "requests")
	if refused, letIn := strings.Count(rows, "status=429"), strings.Count(rows, "status=200"); refused != 60 || letIn != 500 {
		t.Errorf("%d of 500 refused and %d of 500 others are listed, want 60 and all", refused, letIn)
	}
}

// Where more requests wait than there is room for, that is said once.
func TestCalls_TooMany(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	var logs bytes.Buffer
	w.restart(authority.Retention{RequestDays: 90}, slog.New(slog.NewTextHandler(&logs, nil)))
	_, secret := w.made("bunship_live")
	d := w.verify(secret, authority.Verification{})
	allow := storetest.Refuse(t, w.cfg, "INSERT", "requests")
	for range 40_000 {
		w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /", Method: "GET", Path: "/", Status: 200})
	}
	for range 3 {
		if err := w.Flush(background); err == nil {
			t.Error("a flush that failed says nothing")
		}
		w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /", Method: "GET", Path: "/", Status: 200})
	}
	allow()
	w.ok(w.Flush(background))
	if n := strings.Count(logs.String(), "more requests wait"); n != 1 {
		t.Errorf("it is said %d times: %s", n, logs.String())
	}
	w.wantCounted("usage has them all", w.counted(w.op, authority.UsageRequest{}, store.ByResource), map[string]int64{"": 1, "GET /": 40_003})
}
