package onetest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/onetest"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const week = 7 * 24 * time.Hour

// later sets the clock ahead, and signs people in again: sessions end meanwhile.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	w.ahead.Store(int64(d))
	for _, name := range []string{"admin", "lead", "tester", "viewer", "outsider"} {
		in, err := w.SignIn(background, authority.SignInRequest{Email: name + "@acme.test", Password: good})
		w.ok(err)
		w.tokens[name] = in.Access.Token.Reveal()
	}
}

// usage is a path of what Space Game has used.
func (w *world) usage(path string) string {
	return mem + "/products/" + w.game.ID.String() + "/usage" + path
}

// used is how many coins the product has used, which a session asks for free.
func (w *world) used() int64 {
	w.t.Helper()
	n, ok := w.get("admin", w.usage("")).want(200).get("coins_used").(float64)
	if !ok {
		w.t.Fatal("coins_used is no number")
	}
	return int64(n)
}

// budget sets the weekly budget of the product.
func (w *world) budget(coins int) {
	w.t.Helper()
	w.put("admin", w.usage("/settings"), fmt.Sprintf(`{"weekly_budget":%d}`, coins)).want(200).has("weekly_budget", coins)
}

// proven wants the ledger to say what the budget says.
func (w *world) proven(spends, coins int64) {
	w.t.Helper()
	p, err := w.CheckLedger(background, w.op, w.org.ID)
	w.ok(err)
	if len(p.Mismatches) > 0 || p.Spends != spends || p.Coins != coins {
		w.t.Errorf("the ledger is %+v, want %d spends of %d coins", p, spends, coins)
	}
}

// Each request of a key that is admitted costs a coin, in every service, one
// that reads too; what people do by a session is free.
func TestOT3_OT4_OTD5_OTO7_EveryRequestOfAKeyCosts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		costs := func(what string, want int64, do func()) {
			t.Helper()
			before := w.used()
			do()
			if got := w.used() - before; got != want {
				t.Errorf("%s costs %d coins, want %d", what, got, want)
			}
		}
		costs("a list of tools", 1, func() { w.get("key", tools).want(200) })
		costs("a list of test cases", 1, func() { w.get("key", w.product(sampleList)).want(200) })
		costs("a test case", 1, func() { w.post("key", w.product(sampleList), sampleCreate).want(201) })
		costs("a product", 1, func() { w.get("key", mem+"/products/space-game").want(200) })
		costs("a list of files", 1, func() { w.get("key", w.ofGame()).want(200) })
		costs("a file", 1, func() { w.upload("key", w.ofGame(), nil, "file:a.png", png).want(201) })
		costs("what was used", 1, func() { w.get("key", w.usage("")).want(200) })
		costs("what isn't there", 1, func() { w.get("key", tm+"/test-cases/"+w.hidden.ID.String()).want(404) })
		costs("what is wrong", 1, func() { w.post("key", w.product(sampleList), `{}`).faulty("body.title") })
		costs("a call that fails by our fault", 0, func() { w.post("key", "/api/gateway/api/v1/chat", `{}`).refused(501, "") })
		costs("401", 0, func() {
			w.get("", tools).want(401)
			w.get("Bearer ak_R2HSAH1DBQ8Q9B8PKSR165V7W0BVDRQP", tools).want(401)
		})
		slow, err := w.Issue(background, w.op, authority.IssueRequest{Scheme: "onetest_key", Name: "Slow", Organization: w.org.ID, Project: &store.ProjectRef{ID: w.game.ID}, RateLimit: 1})
		w.ok(err)
		as := "Bearer " + slow.Secret.Reveal()
		costs("a second call where one a minute may be made", 1, func() {
			w.get(as, tools).want(200)
			w.get(as, tools).refused(429, "too many").has("code", "rate_limited", "budget", nil)
		})
		costs("what people do", 0, func() {
			for _, as := range []string{"admin", "lead", "tester"} {
				w.get(as, tools).want(200)
				w.post(as, w.product(sampleList), sampleCreate).want(201)
				w.upload(as, w.ofGame(), nil, "file:a.png", png).want(201)
			}
		})
		a := w.get("lead", w.usage("")).want(200).has("coins_used", 10, "coins_remaining", 990, "event_count", 11)
		a.has("breakdown.0.event_type", "rest_api_read", "breakdown.0.coins", 7, "breakdown.1.event_type", "rest_api_write", "breakdown.1.coins", 2, "breakdown.1.event_count", 3,
			"breakdown.2.event_type", "file_upload", "breakdown.2.coins", 1, "breakdown.3", nil)
		w.proven(11, 10)
	})
}

// With n coins left, exactly n of many requests at once pass. What is refused
// costs nothing.
func TestOTO7_ExactlyWhatIsLeft(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const coins, callers = 7, 40
		w.budget(coins)
		var passed, refused atomic.Int64
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				switch a := w.get("key", []string{tools, w.product(sampleList), mem + "/products"}[i%3]); {
				case a.status == 200:
					passed.Add(1)
				case a.status == 429 && a.get("code") == "budget_exhausted":
					refused.Add(1)
				default:
					t.Errorf("got %d %s", a.status, a.body)
				}
			})
		}
		all.Wait()
		if passed.Load() != coins || refused.Load() != callers-coins || w.used() != coins {
			t.Errorf("%d of %d passed, and %d coins are used; want %d", passed.Load(), callers, w.used(), coins)
		}
		w.proven(coins, coins)
	})
}

// A product has 1,000 coins a week from its creation on. Weeks go on though
// nothing is called; a new budget counts at once, and what is left of it is
// never negative.
func TestOTD4_OTO8_Cycles(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const start = "2026-01-02T03:04:05Z"
		w.get("viewer", w.usage("")).want(200).has("weekly_budget", 1000, "coins_used", 0, "coins_remaining", 1000, "cycle_start", start, "cycle_end", "2026-01-09T03:04:05Z")
		for range 5 {
			w.get("key", tools).want(200)
		}
		w.later(week - time.Millisecond)
		w.get("admin", w.usage("")).has("coins_used", 5, "cycle_start", start)
		w.later(week)
		w.get("admin", w.usage("")).has("coins_used", 0, "coins_remaining", 1000, "cycle_start", "2026-01-09T03:04:05Z", "cycle_end", "2026-01-16T03:04:05Z")
		w.later(5*week + 3*24*time.Hour)
		w.get("admin", w.usage("")).has("coins_used", 0, "cycle_start", "2026-02-06T03:04:05Z", "cycle_end", "2026-02-13T03:04:05Z", "event_count", 0)

		w.budget(2)
		w.get("key", tools).want(200)
		w.get("key", tools).want(200)
		w.get("key", tools).want(429)
		w.budget(3)
		w.get("key", tools).want(200)
		w.get("key", tools).want(429)
		w.budget(1)
		w.get("admin", w.usage("")).has("weekly_budget", 1, "coins_used", 3, "coins_remaining", 0)
		w.get("key", tools).want(429)
		w.budget(0)
		w.get("admin", w.usage("")).has("weekly_budget", 0, "coins_remaining", 0)
		w.later(6 * week)
		w.get("key", tools).want(429)
		w.budget(1_000_000_000_000)
		w.get("key", tools).want(200)
	})
}

// Where nothing is left, the answer says so, and when there is again; or calls
// go on, where the product allows it. Sessions go on in any case.
func TestOTD6_OTO5_Exhausted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.budget(1)
		w.get("key", tools).want(200)
		w.later(6*24*time.Hour + 23*time.Hour + 500*time.Millisecond)
		for _, path := range []string{tools, w.product(sampleList), mem + "/products", w.ofGame(), w.usage("")} {
			a := w.get("key", path).want(429).members("", "detail code budget used resets_at").has("code", "budget_exhausted", "budget", 1, "used", 1, "resets_at", "2026-01-09T03:04:05Z")
			if text := a.text("detail"); !strings.HasPrefix(text, "Weekly coin budget exhausted. ") || !strings.Contains(text, "2026-01-09T03:04:05Z") {
				t.Errorf("%s: it says %q", path, text)
			}
			if got := a.header.Get("Retry-After"); got != "3600" {
				t.Errorf("%s: Retry-After is %s, and the week ends in an hour", path, got)
			}
		}
		for _, as := range []string{"admin", "tester", "viewer"} {
			w.get(as, w.product(sampleList)).want(200)
		}
		w.put("lead", w.usage("/settings"), `{"overage_policy":"allow_overage"}`).want(200).has("overage_policy", "allow_overage", "weekly_budget", 1)
		w.get("key", tools).want(200)
		w.get("key", tools).want(200)
		w.get("admin", w.usage("")).has("coins_used", 3, "coins_remaining", 0)
		w.put("lead", w.usage("/settings"), `{"overage_policy":"block"}`).want(200).has("overage_policy", "block")
		w.get("key", tools).want(429)
		w.later(week)
		w.get("key", tools).want(200)
	})
}

// Agents read a number and a message beside it. A budget may be the
// organization's or the key's own, too, and then the text says so.
func TestOTO5_OTO6_ReceiverAndOthers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		at := time.Date(2026, 1, 9, 3, 4, 5, 0, time.UTC)
		for code, want := range map[credential.Code]map[string]any{
			credential.CodeBudget: {"code": "budget_exhausted", "errorCode": 429.0, "budget": 9.0, "used": 9.0, "resets_at": "2026-01-09T03:04:05Z",
				"detail":  "Weekly coin budget exhausted. 9 of 9 coins are used; it is renewed at 2026-01-09T03:04:05Z.",
				"message": "Weekly coin budget exhausted. 9 of 9 coins are used; it is renewed at 2026-01-09T03:04:05Z."},
			credential.CodeRateLimited: {"code": "rate_limited", "errorCode": 429.0, "detail": "slow down", "message": "slow down"},
		} {
			denial := edge.Denial{Code: code, Budget: credential.Budget{Of: "project", Coins: 9, Used: 9, ResetsAt: at}}
			f := edge.Failure{Status: 429, Code: string(code), Detail: "slow down", Denied: &denial}
			for _, s := range onetest.Surfaces(w.Authority, w.work) {
				rec := httptest.NewRecorder()
				s.WriteError(rec, f, "")
				var got map[string]any
				w.ok(json.Unmarshal(rec.Body.Bytes(), &got))
				members := len(want)
				if !strings.HasPrefix(s.Prefix, "/api/receiver/") {
					members -= 2
				}
				if rec.Code != http.StatusTooManyRequests || len(got) != members {
					t.Errorf("%s: %d %v, want %d members of %v", s.Prefix, rec.Code, got, members, want)
				}
				for name, value := range got {
					if value != want[name] {
						t.Errorf("%s: %s is %v, want %v", s.Prefix, name, value, want[name])
					}
				}
			}
		}
		_, err := w.SetBudget(background, w.op, w.org.ID, w.key.Credential.ID, authority.BudgetChange{Coins: 0})
		w.ok(err)
		w.get("key", tools).refused(429, "of the credential").has("budget", 0, "used", 0, "code", "budget_exhausted")
		_, err = w.SetBudget(background, w.op, w.org.ID, w.org.ID, authority.BudgetChange{Coins: 0})
		w.ok(err)
		w.ok(w.RemoveBudget(background, w.op, w.org.ID, w.key.Credential.ID))
		w.get("key", tools).refused(429, "of the organization")
		w.get("tester", tools).want(200)
	})
}

// A product may be limited to so many requests an hour, of all its keys
// together. Sessions have no limit.
func TestOT17_OTD7_OTO6_HourlyLimit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.get("viewer", w.usage("")).want(200).has("hourly_limit", 0)
		w.put("lead", w.usage("/settings"), `{"hourly_limit":3}`).want(200).has("hourly_limit", 3, "weekly_budget", 1000, "overage_policy", "block")
		other := "Bearer " + w.issue().Secret.Reveal()
		w.get("key", tools).want(200)
		w.get(other, tools).want(200)
		w.get("key", tools).want(200)
		for _, as := range []string{"key", other} {
			a := w.get(as, w.product(sampleList)).refused(429, "").has("code", "rate_limited", "budget", nil).members("", "detail code")
			if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 || wait > 3600 {
				t.Errorf("Retry-After is %s", a.header.Get("Retry-After"))
			}
		}
		if got := w.used(); got != 3 {
			t.Errorf("%d coins are used: a request that is refused costs none", got)
		}
		for range 5 {
			w.get("tester", tools).want(200)
		}
		w.later(time.Hour)
		w.get("key", tools).want(200)
		w.put("lead", w.usage("/settings"), `{"hourly_limit":0}`).want(200).has("hourly_limit", 0)
		for range 5 {
			w.get("key", tools).want(200)
		}
		w.put("lead", w.usage("/settings"), `{"hourly_limit":10000}`).want(200).has("hourly_limit", 10000)
		for _, wrong := range []string{"-1", "10001"} {
			w.put("lead", w.usage("/settings"), `{"hourly_limit":`+wrong+`}`).faulty("body.hourly_limit")
		}
		w.ok(w.SetProjectRate(background, w.op, w.game, credential.Rate{Requests: 60, Window: time.Minute}))
		w.get("viewer", w.usage("")).want(200).has("hourly_limit", nil)
	})
}

// Coins are added to the present week at once, once for each Idempotency-Key.
// They aren't carried over, and the budget stays.
func TestOTD8_TopUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.budget(1)
		w.get("key", tools).want(200)
		w.get("key", tools).want(429)
		once := call{method: "POST", path: w.usage("/top-up"), as: "lead", body: `{"coins":2}`, header: []string{"Idempotency-Key", "top-up-1"}}
		for range 3 {
			w.do(once).want(200).has("weekly_budget", 1, "coins_topped_up", 2, "coins_used", 1, "coins_remaining", 2)
		}
		once.body = `{"coins":3}`
		w.do(once).faulty("header.Idempotency-Key")
		w.post("admin", w.usage("/top-up"), `{"coins":1}`).want(200).has("coins_topped_up", 3, "coins_remaining", 3)
		for range 3 {
			w.get("key", tools).want(200)
		}
		w.get("key", tools).want(429).has("budget", 4, "used", 4)
		w.later(week)
		w.get("lead", w.usage("")).want(200).has("weekly_budget", 1, "coins_topped_up", 0, "coins_remaining", 1)
		for _, body := range []string{`{}`, `{"coins":0}`, `{"coins":-5}`, `{"coins":1000000000001}`} {
			w.post("lead", w.usage("/top-up"), body).faulty("body.coins")
		}
		w.post("lead", w.usage("/top-up"), `{"coins":1,"weekly_budget":7}`).refused(400, "weekly_budget")
	})
}

// spend makes the key pay so many calls.
func (w *world) spend(n int) {
	w.t.Helper()
	for range n {
		d, err := w.Verify(background, w.tokens["key"], authority.Verification{Charge: authority.Charge{Resource: "GET /api/gateway/api/v1/tools", Operation: authority.CalledRead}})
		if err != nil || d.Code != credential.OK {
			w.t.Fatal(d.Code, err)
		}
	}
}
