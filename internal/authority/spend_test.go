package authority_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// used is how many coins were spent from something in this cycle; -1 where it
// has no budget.
func (w *world) used(id uuid.UUID) int64 {
	w.t.Helper()
	b, err := w.Budget(background, w.op, w.org.ID, id)
	if errors.Is(err, credential.NotFound) {
		return -1
	}
	return must(w, b, err).Used
}

func (w *world) setBudget(id uuid.UUID, coins int64) {
	w.t.Helper()
	_, err := w.SetBudget(background, w.op, w.org.ID, id, authority.BudgetChange{Coins: coins})
	w.ok(err)
}

// Who pays what, from which budgets: each credential of its own and of its
// organization's, of a project's where its scheme is metered or the cost is
// named; people who signed in nothing. A token pays as what it stands on.
func TestWhoPays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		key, keySecret := w.made("onetest_key")
		hub, hubSecret := w.made("betahub_project_token")
		client := w.issue(w.op, w.ask("betatesting_client"))
		access, err := w.ClientToken(background, authority.Client{ID: client.Credential.ClientID, Secret: client.Secret.Reveal(), Address: here}, nil)
		w.ok(err)
		w.setBudget(w.org.ID, 1000)
		w.setBudget(key.ID, 1000)
		w.setBudget(client.Credential.ID, 1000)
		plain, five, free := authority.Charge{}, authority.Charge{Cost: 5, Named: true}, authority.Charge{Free: true}
		for _, c := range []struct {
			what, secret string
			charge       authority.Charge
			want         [5]int64 // organization, project, key, project token, client
		}{
			{"a key of a metered scheme", keySecret, plain, [5]int64{1, 1, 1, -1, 0}},
			{"with a cost", keySecret, five, [5]int64{6, 6, 6, -1, 0}},
			{"what is free", keySecret, free, [5]int64{6, 6, 6, -1, 0}},
			{"a token of a project", hubSecret, plain, [5]int64{7, 6, 6, -1, 0}},
			{"with a cost", hubSecret, five, [5]int64{12, 11, 6, -1, 0}},
			{"an access token", access.Token.Reveal(), plain, [5]int64{13, 11, 6, -1, 1}},
		} {
			d := w.verify(c.secret, authority.Verification{Address: here, Charge: c.charge})
			got := [5]int64{w.used(w.org.ID), w.used(w.alpha.ID), w.used(key.ID), w.used(hub.ID), w.used(client.Credential.ID)}
			if diff := cmp.Diff(got, c.want); d.Code != credential.OK || diff != "" {
				t.Errorf("%s: %s, %s", c.what, d.Code, diff)
			}
		}
		proof, err := w.CheckLedger(background, w.op, uuid.Nil)
		if err != nil || len(proof.Mismatches) > 0 || proof.Coins != 13 {
			t.Errorf("got %+v, %v", proof, err)
		}
	})
}

// A price by the name of the call; what a service names goes before it, and 0 is
// a price too.
func TestPrices(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.Authority = authority.New(authority.Config{Store: w.store, Schemes: w.cfg.Schemes, Now: w.clock.now, Issuer: issuer, PasswordMemory: cheap,
		Prices: map[string]int64{"POST /orders": 5, "GET /orders": 0, "GET /paid": 3}})
	_, secret := w.made("onetest_key")
	spent := int64(0)
	for _, c := range []struct {
		charge authority.Charge
		want   int64
	}{
		{authority.Charge{Resource: "POST /orders"}, 5}, {authority.Charge{Resource: "GET /orders"}, 0}, {authority.Charge{Resource: "DELETE /orders"}, 1},
		{authority.Charge{Resource: "POST /orders", Cost: 2, Named: true}, 2}, {authority.Charge{Resource: "POST /orders", Named: true}, 0},
		{authority.Charge{Resource: "GET /free", Free: true}, 0}, {authority.Charge{Resource: "GET /paid", Free: true}, 3},
	} {
		d := w.verify(secret, authority.Verification{Charge: c.charge})
		now := w.used(w.alpha.ID)
		if d.Paid.Cost != c.want || now-spent != c.want {
			t.Errorf("%+v: paid %d, %d are gone; want %d", c.charge, d.Paid.Cost, now-spent, c.want)
		}
		spent = now
	}
}

// What is refused for any other reason costs nothing, and what a budget refuses
// was refused before anything was done.
func TestRefusalsCostNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, secret := w.made("onetest_key")
		w.setBudget(w.alpha.ID, 2)
		refused := []authority.Verification{
			{Permission: credential.MembersWrite}, // which its scopes don't have
			{Takes: func(*credential.Scheme) bool { return false }},
		}
		for _, v := range refused {
			if d := w.verify(secret, v); d.Code == credential.OK {
				t.Errorf("%+v is let in", v)
			}
		}
		codes := []credential.Code{w.code(secret), w.code(secret), w.code(secret)}
		if diff := cmp.Diff(codes, []credential.Code{credential.OK, credential.OK, credential.CodeBudget}); diff != "" {
			t.Error(diff)
		}
		d := w.verify(secret, authority.Verification{})
		if b := d.Budget; b.Of != "project" || b.ID != w.alpha.ID || b.Coins != 2 || b.Remaining != 0 || !b.ResetsAt.Equal(w.alpha.CreatedAt.Add(limit.Cycle)) || b.RetryAfter <= 0 {
			t.Errorf("got %+v", b)
		}
		w.clock.set(w.alpha.CreatedAt.Add(limit.Cycle)) // the next cycle
		w.wantCode("in the next cycle", secret, credential.OK)
		if got := w.used(w.alpha.ID); got != 1 {
			t.Errorf("%d are used", got)
		}
	})
}

// Who may see and change budgets: those who look after what they are of.
func TestWhoSetsBudgets(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	for _, c := range []struct {
		who     string
		id      uuid.UUID
		sees    credential.ErrorKind
		changes credential.ErrorKind
	}{
		{"owner", w.org.ID, credential.NotFound, ""}, // there is none yet
		{"admin", w.org.ID, "", ""},
		{"member", w.org.ID, "", credential.Forbidden},
		{"stranger", w.org.ID, credential.NotFound, credential.NotFound},
		{"lead", w.alpha.ID, "", ""},
		{"member", w.alpha.ID, "", credential.Forbidden},
		{"guest", w.alpha.ID, "", credential.Forbidden},
		{"lead", w.hidden.ID, credential.NotFound, credential.NotFound},
		{"owner", w.hidden.ID, "", ""},
		{"owner", w.foreign.ID, credential.NotFound, credential.NotFound},
	} {
		p := w.as(c.who)
		if _, err := w.Budget(background, p, w.org.ID, c.id); !is(err, c.sees) {
			t.Errorf("%s sees: %v; want %q", c.who, err, c.sees)
		}
		if _, err := w.SetBudget(background, p, w.org.ID, c.id, authority.BudgetChange{Coins: 7}); !is(err, c.changes) {
			t.Errorf("%s changes: %v; want %q", c.who, err, c.changes)
		}
		if _, err := w.TopUp(background, p, w.org.ID, c.id, authority.TopUpRequest{Coins: 1}); !is(err, c.changes) {
			t.Errorf("%s tops up: %v; want %q", c.who, err, c.changes)
		}
	}
}

// is reports whether an error is of a kind; none where there is no kind.
func is(err error, kind credential.ErrorKind) bool {
	return err == nil && kind == "" || kind != "" && errors.Is(err, kind)
}

// History has every week, also those in which nothing happened, with the coins
// that it had; at most twelve that are over.
func TestBudgetCycles(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, secret := w.made("onetest_key")
		w.wantCode("first week", secret, credential.OK)
		w.clock.set(w.alpha.CreatedAt.Add(limit.Cycle + time.Hour))
		w.setBudget(w.alpha.ID, 50)
		w.clock.advance(2 * limit.Cycle)
		w.verify(secret, authority.Verification{Charge: authority.Charge{Cost: 4, Named: true, Operation: "junit_import"}})
		cycles, err := w.BudgetCycles(background, w.op, w.org.ID, w.alpha.ID)
		w.ok(err)
		var got [][3]int64
		for _, c := range cycles {
			got = append(got, [3]int64{c.Cycle, c.Coins, c.Used})
		}
		if diff := cmp.Diff(got, [][3]int64{{3, 50, 4}, {2, 50, 0}, {1, 50, 0}, {0, 1000, 1}}); diff != "" {
			t.Error(diff)
		}
		if ops := cycles[0].Operations; len(ops) != 1 || ops[0].Operation != "junit_import" || ops[0].Used != 4 || ops[0].Events != 1 {
			t.Errorf("got %+v", ops)
		}
		w.clock.advance(20 * limit.Cycle)
		cycles, err = w.BudgetCycles(background, w.op, w.org.ID, w.alpha.ID)
		if err != nil || len(cycles) != 13 || cycles[0].Cycle != 23 || cycles[0].Used != 0 {
			t.Errorf("got %d, %v", len(cycles), err)
		}
	})
}

// A letter goes to owners and admins whose address is proven, once for each level.
func TestBudgetLetters(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.Authority = authority.New(authority.Config{Store: w.store, Schemes: w.cfg.Schemes, Now: w.clock.now, Issuer: issuer, PasswordMemory: cheap,
		Accounts: authority.AccountRules{Mail: true}})
	storetest.Exec(t, w.raw(), `UPDATE users SET email_verified_at = NULL WHERE email NOT LIKE 'owner%' AND email NOT LIKE 'member%'`)
	_, secret := w.made("onetest_key")
	w.setBudget(w.alpha.ID, 5)
	for range 5 {
		w.wantCode("within the budget", secret, credential.OK)
		w.ok(w.TellBudgets(background))
		w.ok(w.TellBudgets(background))
	}
	var n int
	w.ok(w.raw().QueryRow(`SELECT COUNT(*) FROM outbox`).Scan(&n))
	if n != 2 { // at 4 and at 5 of 5
		t.Errorf("%d letters; want 2", n)
	}
}
