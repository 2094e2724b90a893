package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// crashPurse is a project with a budget, from which all workers spend.
type crashPurse struct{ organization, project, secret string }

// crashSpend is a call that is paid.
type crashSpend struct {
	purse *crashPurse
	call  string
	key   string // its Idempotency-Key; empty for none
	cost  int64
	id    string // of the spend; empty until it is acknowledged
}

// preparePurse makes a purse in an organization, while a server runs.
func (r *crashRun) preparePurse(organization string) {
	r.t.Helper()
	ctx, coins := context.Background(), int64(1_000_000_000)
	p, err := r.client.Projects(organization).Create(ctx, api.CreateProject{Name: "Game"}, "")
	if err == nil {
		_, err = r.client.Organizations().SetBudget(ctx, organization, p.ID, api.SetBudget{Coins: &coins})
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.purses = append(r.purses, &crashPurse{organization: organization, project: p.ID})
}

// issueTo makes the credential that spends from a purse.
func (r *crashRun) issueTo(purse *crashPurse) {
	r.t.Helper()
	var made api.IssuedCredential
	r.decode(r.command("credential", "create", "--scheme", "onetest_key", "--name", purse.name(),
		"--organization", purse.organization, "--project", purse.project, "--json"), &made)
	purse.secret = made.Secret
}

// name is that of the credential.
func (p *crashPurse) name() string { return "spender of " + p.organization }

// bill chooses what to spend.
func (w *crashWorker) bill() *crashSpend {
	s := &crashSpend{purse: w.purses[w.rand.IntN(len(w.purses))], call: fmt.Sprintf("worker %d spend %d", w.number, len(w.spends)),
		key: w.someKey(), cost: w.rand.Int64N(5) + 1}
	w.spends = append(w.spends, s)
	return s
}

// spend makes a call that is paid, or repeats it under its key: then it must be
// the same spend.
func (w *crashWorker) spend(s *crashSpend) (goOn bool) {
	w.paying = s
	var d api.Decision
	refusal, answered := w.call(client.Request{Method: http.MethodPost, Path: "/v1/verify", IdempotencyKey: s.key, Out: &d,
		In: api.Verify{Credential: &s.purse.secret, Cost: &s.cost, Resource: s.call}})
	switch {
	case !answered:
		return false
	case refusal != nil || d.Spend == nil || d.Spend.Cost != s.cost:
		w.t.Errorf("spend: %v, %+v", refusal, d)
	case s.id != "" && s.id != d.Spend.ID:
		w.t.Errorf("%s was paid twice: as %s and as %s", s.call, s.id, d.Spend.ID)
	case s.id == "":
		w.acknowledged.Add(1)
		s.id = d.Spend.ID
	}
	w.paying = nil
	return true
}

// settleSpend finds out what became of the spend whose answer was lost, if
// that can be known, and asks for the latest again.
func (w *crashWorker) settleSpend() (goOn bool) {
	if s := w.paying; s != nil && s.key != "" {
		w.repeated++
		return w.spend(s)
	}
	w.paying = nil
	if n := len(w.spends); n > 0 && w.spends[n-1].key != "" {
		return w.spend(w.spends[n-1])
	}
	return true
}

// checkLedger proves that every acknowledged spend is in the ledger, and each
// once; and that it says what budgets say.
func (r *crashRun) checkLedger() {
	r.t.Helper()
	known := map[string]*crashSpend{}
	for _, w := range r.workers {
		for _, s := range w.spends {
			known[s.call] = s
		}
	}
	read := r.readsLedger()
	for _, purse := range r.purses {
		used, seen := int64(0), map[string]bool{}
		for _, line := range read(purse.project) {
			used += line.cost
			s := known[line.call]
			if s == nil || seen[line.call] || s.purse != purse || s.cost != line.cost || s.id != "" && s.id != line.id {
				r.t.Errorf("the ledger has %+v; acknowledged was %+v, and it was there before: %t", line, s, seen[line.call])
			}
			seen[line.call] = true
		}
		for _, s := range known {
			if s.purse == purse && s.id != "" && !seen[s.call] {
				r.t.Errorf("after %d kills the ledger has lost %+v", r.kills, s)
			}
		}
		b, err := r.client.Organizations().Budget(context.Background(), purse.organization, purse.project)
		if err != nil || b.Used != used || b.Calls != int64(len(seen)) {
			r.t.Errorf("after %d kills the budget is %+v, %v; the ledger has %d coins of %d calls", r.kills, b, err, used, len(seen))
		}
	}
	proof, err := r.client.VerifyLedger(context.Background(), "")
	if err != nil || !proof.Good || proof.Spends == 0 {
		r.t.Errorf("after %d kills the ledger is not good: %+v, %v", r.kills, proof, err)
	}
}
