package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// paid verifies a secret at a cost, under an Idempotency-Key if there is one.
func (w *world) paid(t testing.TB, name string, cost int64, key string) api.Decision {
	t.Helper()
	r := request{method: "POST", path: "/v1/verify", as: "key", body: fmt.Sprintf(`{"credential":%q,"cost":%d,"resource":"POST /orders"}`, w.secrets[name], cost), header: http.Header{}}
	if key != "" {
		r.header.Set("Idempotency-Key", key)
	}
	a := w.do(t, r)
	var d api.Decision
	if err := json.Unmarshal(a.body, &d); err != nil || a.status != 200 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	return d
}

// A service names what its request costs; the decision says what is left, a
// refusal when there is more, and nothing of the credential. What it came to is
// settled; a repeat is paid once, and decided anew.
func TestVerifyCosts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		path := "/v1/organizations/" + w.acme.ID + "/budgets/" + w.records["live"].ID
		if d := w.paid(t, "live", 7, ""); d.Budget != nil || d.Spend != nil {
			t.Errorf("without a budget: %+v", d)
		}
		coins := int64(10)
		var b api.Budget
		w.must(t, "PUT", path, api.SetBudget{Coins: &coins}, &b)
		if b.Of.Type != "credential" || b.Remaining != 10 || !b.ResetsAt.Equal(b.StartedAt.Add(7*24*time.Hour)) {
			t.Errorf("got %+v", b)
		}
		first := w.paid(t, "live", 7, "one")
		if !first.Active || first.Budget == nil || first.Budget.Remaining != 3 || first.Spend == nil || first.Spend.Cost != 7 {
			t.Fatalf("got %+v %+v", first.Budget, first.Spend)
		}
		if again := w.paid(t, "live", 7, "one"); again.Spend.ID != first.Spend.ID || again.Budget.Remaining != 3 {
			t.Errorf("a repeat: %+v %+v", again.Budget, again.Spend)
		}
		full := w.paid(t, "live", 4, "")
		if full.Active || full.Code != "budget_exceeded" || full.Credential != nil || full.Budget == nil || full.Budget.Remaining != 3 || !full.Budget.ResetsAt.Equal(b.ResetsAt) || full.Budget.RetryAfter < 1 {
			t.Errorf("got %+v %+v", full, full.Budget)
		}
		cost := int64(2)
		var settled api.Spend
		w.must(t, "POST", "/v1/spends/"+first.Spend.ID+"/settle", api.SettleSpend{Cost: &cost}, &settled)
		if settled.Cost != 2 || settled.Reserved != 7 || settled.SettledAt == nil {
			t.Errorf("got %+v", settled)
		}
		if d := w.paid(t, "live", 8, ""); !d.Active || d.Budget.Remaining != 0 {
			t.Errorf("after 5 came back: %+v", d.Budget)
		}
		if d := w.paid(t, "live", 0, ""); !d.Active || d.Spend != nil {
			t.Errorf("what costs nothing: %+v", d)
		}
		var proof api.LedgerProof
		w.must(t, "GET", "/v1/ledger/verify", nil, &proof)
		if !proof.Good || proof.Spends != 2 || proof.Coins != 10 {
			t.Errorf("got %+v", proof)
		}
		w.must(t, "POST", "/v1/credentials/"+w.records["live"].ID+"/revoke", nil, nil)
		if d := w.paid(t, "live", 7, "one"); d.Code != "revoked" {
			t.Errorf("a repeat after the credential was revoked: %+v", d)
		}
	})
}

// The caller's own calls: exhausted is 429 with what ran out and when there is
// more, for reads as well; what costs nothing goes on. An operator's top-up is
// there at once.
func TestOwnCallsArePaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	path := "/v1/organizations/" + w.acme.ID + "/budgets/" + w.records["live"].ID
	coins := int64(2)
	w.must(t, "PUT", path, api.SetBudget{Coins: &coins}, nil)
	self := request{method: "GET", path: "/v1/self", as: "live"}
	for range coins {
		if a := w.do(t, self); a.status != 200 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
	}
	a := w.do(t, self)
	p := a.problem(t)
	wait, err := strconv.Atoi(a.header.Get("Retry-After"))
	if a.status != 429 || p.Code != "budget_exceeded" || !strings.Contains(p.Detail, "2 of 2 coins") || err != nil || wait < 600_000 || wait > 604_800 {
		t.Errorf("got %d %s, Retry-After %q", a.status, a.body, a.header.Get("Retry-After"))
	}
	if a := w.do(t, request{method: "GET", path: path, as: "live"}); a.status != 200 {
		t.Errorf("what costs nothing: %d %s", a.status, a.body)
	}
	w.must(t, "POST", path+"/top-up", api.TopUp{Coins: 1}, nil)
	if first, second := w.do(t, self), w.do(t, self); first.status != 200 || second.status != 429 {
		t.Errorf("topped up by one: %d, then %d", first.status, second.status)
	}
	w.must(t, "DELETE", path, nil, nil)
	if a := w.do(t, self); a.status != 200 {
		t.Errorf("without a budget: %d %s", a.status, a.body)
	}
	w.must(t, "DELETE", "/v1/organizations/"+w.acme.ID+"/budgets/"+w.alpha.ID, nil, nil)
	if a := w.do(t, request{method: "GET", path: path, as: "key"}); a.status != 404 {
		t.Errorf("a budget that was removed: %d %s", a.status, a.body)
	}
}

// A budget that is used up or nearly so is told of once for each level.
func TestBudgetAlerts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	path := "/v1/organizations/" + w.acme.ID + "/budgets/" + w.acme.ID
	coins := int64(10)
	w.must(t, "PUT", path, api.SetBudget{Coins: &coins}, nil)
	alerts := func() (levels []string) {
		t.Helper()
		if err := w.authority.TellBudgets(t.Context()); err != nil {
			t.Fatal(err)
		}
		var list api.List[api.Event]
		w.must(t, "GET", "/v1/audit/events?organization="+w.acme.ID+"&action=budget.alert&limit=200", nil, &list)
		for _, e := range list.Items {
			var detail struct {
				Level int `json:"level"`
			}
			if err := json.Unmarshal([]byte(e.Detail), &detail); err != nil || e.Target != "organization:"+w.acme.ID {
				t.Errorf("got %+v, %v", e, err)
			}
			levels = append(levels, strconv.Itoa(detail.Level))
		}
		return levels
	}
	for _, c := range []struct {
		cost int64
		want string
	}{{7, ""}, {1, "80"}, {1, "80"}, {1, "80 100"}} {
		w.paid(t, "live", c.cost, "")
		if got := strings.Join(alerts(), " "); got != c.want {
			t.Errorf("after %d more: told of %q, want %q", c.cost, got, c.want)
		}
	}
	w.must(t, "POST", path+"/top-up", api.TopUp{Coins: 90}, nil)
	w.paid(t, "live", 70, "")
	if got := strings.Join(alerts(), " "); got != "80 100 80" {
		t.Errorf("after a top-up: told of %q", got)
	}
}

// Whatever is used up, a credential can be stopped, and what was paid can't be
// given back to oneself.
func TestNothingLeftToStopWith(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	none, few := int64(0), int64(3)
	budgets := "/v1/organizations/" + w.acme.ID + "/budgets/"
	w.must(t, "PUT", budgets+w.records["key"].ID, api.SetBudget{Coins: &few}, nil)
	if a := w.do(t, request{method: "GET", path: "/v1/self", as: "key"}); a.status != 200 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	var spends api.List[struct {
		ID string `json:"id"`
	}]
	w.must(t, "GET", "/v1/usage/spends?organization="+w.acme.ID, nil, &spends)
	if len(spends.Items) != 1 {
		t.Fatalf("got %+v", spends)
	}
	settle := request{method: "POST", path: "/v1/spends/" + spends.Items[0].ID + "/settle", as: "key", body: `{"cost":0}`}
	if a := w.do(t, settle); a.status != 404 {
		t.Errorf("a key gives itself back what it paid: %d %s", a.status, a.body)
	}
	w.must(t, "PUT", budgets+w.acme.ID, api.SetBudget{Coins: &none}, nil)
	if a := w.do(t, request{method: "GET", path: "/v1/self", as: "key"}); a.status != 429 {
		t.Errorf("with nothing left: %d %s", a.status, a.body)
	}
	for _, path := range []string{"/v1/credentials/" + w.records["live"].ID + "/suspend", "/v1/credentials/" + w.records["live"].ID + "/revoke", "/v1/self/revoke"} {
		if a := w.do(t, request{method: "POST", path: path, as: "key"}); a.status != 200 {
			t.Errorf("%s with nothing left: %d %s", path, a.status, a.body)
		}
	}
}

// A repeat says that it is one, and what was taken at first; no secret that a
// service puts into the name of a call stands in the ledger.
func TestRepeatsAndNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	coins, cost := int64(100), int64(2)
	w.must(t, "PUT", "/v1/organizations/"+w.acme.ID+"/budgets/"+w.records["live"].ID, api.SetBudget{Coins: &coins}, nil)
	first := w.paid(t, "live", 7, "again")
	w.must(t, "POST", "/v1/spends/"+first.Spend.ID+"/settle", api.SettleSpend{Cost: &cost}, nil)
	if again := w.paid(t, "live", 7, "again"); again.Spend.ID != first.Spend.ID || !again.Spend.Repeated || again.Spend.Cost != 2 || again.Spend.Reserved != 7 {
		t.Errorf("got %+v", again.Spend)
	}
	secret := w.secrets["live"]
	w.must(t, "POST", "/v1/verify", api.Verify{Credential: &secret, Resource: "GET /download/" + w.secrets["onetest"]}, nil)
	if rows := storetest.Dump(t, storetest.Raw(t, w.cfg), "spends"); strings.Contains(rows, w.secrets["onetest"]) || !strings.Contains(rows, "GET /download/…") {
		t.Errorf("the ledger has %s", rows)
	}
}
