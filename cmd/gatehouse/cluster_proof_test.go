package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// The short proof is the default; make cluster asks for the long one.
var (
	clusterRuns  = flag.Int("cluster.runs", 1, "spend each budget so often; more than once is the long proof, also with two nodes")
	clusterCoins = flag.Int("cluster.coins", 300, "of the larger budgets; three times as much is asked for")
	clusterOnly  = flag.String("cluster.only", "", "prove what has a name that this matches, and nothing else")
	clusterSeed  = flag.Uint64("cluster.seed", 0, "kill at the same moments again (default others each time)")
)

const (
	clusterCallers = 48
	clusterCrowd   = 1000 // for one coin
)

// spending is a budget and those who want more than there is of it.
type spending struct {
	name    string
	long    bool // only in the long proof
	coins   int64
	callers int
	calls   int               // altogether
	cost    func(i int) int64 // of call i
	kill    bool              // one node, half-way
	topUp   int64             // half-way
	repeats bool              // callers repeat a call that was lost, under its key; and lose some by themselves
}

// spendings are all that is proved. Without a repeat what was lost with a node
// may have been paid.
func spendings(coins int) []spending {
	one, mixed := func(int) int64 { return 1 }, func(i int) int64 { return int64(i%5) + 1 }
	return []spending{
		{name: "one coin", coins: 1, callers: clusterCrowd, calls: clusterCrowd, cost: one},
		{name: "three times the demand", coins: int64(coins), calls: 3 * coins, cost: one},
		{name: "costs of one to five", long: true, coins: int64(coins), calls: coins, cost: mixed},
		{name: "a node is killed", long: true, coins: int64(coins), calls: 3 * coins, cost: one, kill: true},
		{name: "a node is killed, costs of one to five", long: true, coins: int64(coins), calls: coins, cost: mixed, kill: true},
		{name: "a node is killed, and a top-up", coins: int64(coins), calls: 3 * coins, cost: one, kill: true, topUp: int64(coins / 5)},
		{name: "a node is killed, and lost calls are repeated", coins: int64(coins), calls: 3 * coins, cost: one, kill: true, repeats: true},
	}
}

// TestD3_ClusterSpendsNoMore proves it of servers as everybody runs them, over
// HTTP: of any number of calls exactly as many pass as there are coins for,
// also when a node is killed meanwhile. Each call that was answered with ok is
// in the ledger, once, and none that was refused.
func TestD3_ClusterSpendsNoMore(t *testing.T) {
	seed := cmp.Or(*clusterSeed, rand.Uint64())
	t.Logf("-cluster.seed=%d chooses the same moments again", seed)
	long, only := *clusterRuns > 1, regexp.MustCompile(*clusterOnly)
	for _, place := range []struct {
		database string
		nodes    int
	}{{"sqlite", 1}, {"postgres", 1}, {"postgres", 2}, {"postgres", 3}} {
		if !long && place.nodes == 2 {
			continue // three are harder
		}
		t.Run(fmt.Sprintf("%s_%d", place.database, place.nodes), func(t *testing.T) {
			if !long {
				t.Parallel()
			}
			c := newCluster(t, place.database, place.nodes, seed)
			for run := range *clusterRuns {
				for _, s := range spendings(*clusterCoins) {
					if (long || !s.long) && only.MatchString(s.name) {
						c.spend(run, &s)
					}
				}
			}
			c.end()
		})
	}
}

// spent is what callers know of the calls that they made.
type spent struct {
	*spending
	project, secret string
	next            atomic.Int64
	paid            atomic.Int64
	ids             []string     // by call: of the spend of an ok that was read
	refused         []bool       // by call
	lost            atomic.Int64 // whose answers nobody has read
	moments         []moment
	happened        chan struct{} // closed when all moments are over
	took            time.Duration
}

// moment is something that happens once so many calls were paid.
type moment struct {
	after   int64
	reached chan struct{}
	do      func()
}

// spend has callers spend a budget, and proves what became of it.
func (c *cluster) spend(run int, s *spending) {
	c.t.Helper()
	s.callers = cmp.Or(s.callers, clusterCallers)
	out := &spent{spending: s, ids: make([]string, s.calls), refused: make([]bool, s.calls), happened: make(chan struct{})}
	out.project, out.secret = c.purse(s.coins)
	calls := 5 * s.coins / (s.cost(0) + s.cost(1) + s.cost(2) + s.cost(3) + s.cost(4)) // are paid, more or less
	at := func(do func()) {
		out.moments = append(out.moments, moment{calls/5 + c.rand.Int64N(calls/2), make(chan struct{}), do})
	}
	if s.kill {
		at(c.killOne)
	}
	if s.topUp > 0 {
		at(func() { c.topUp(out) })
	}
	slices.SortStableFunc(out.moments, func(a, b moment) int { return cmp.Compare(a.after, b.after) })
	c.callAll(out)
	c.prove(out)
	c.t.Logf("run %d, %s: %d of %d calls paid in %s, %.0f calls a second; %d answers lost", run+1, s.name, out.paid.Load(), s.calls,
		out.took.Round(time.Millisecond), float64(s.calls)/out.took.Seconds(), out.lost.Load())
}

func (c *cluster) topUp(out *spent) {
	_, err := c.operator.Organizations().TopUp(context.Background(), c.organization.ID, out.project, api.TopUp{Coins: out.topUp}, client.NewIdempotencyKey())
	if err != nil {
		c.t.Errorf("top up: %v", err)
	}
}

// callAll makes all calls, the first of all callers at once, and does meanwhile
// what is to be done.
func (c *cluster) callAll(out *spent) {
	var all, ready sync.WaitGroup
	start, done := make(chan struct{}), make(chan struct{})
	ready.Add(out.callers)
	for i := range out.callers {
		all.Go(func() {
			caller := c.caller(i, 0)
			_ = client.New("http://cluster", "", caller).Call(context.Background(), "GET", "/healthz", nil, nil) // connects
			ready.Done()
			<-start
			c.callOn(out, caller)
			caller.http.CloseIdleConnections()
		})
	}
	ready.Wait()
	begin := time.Now()
	close(start)
	go func() { all.Wait(); close(done) }()
	var moments sync.WaitGroup
	for _, m := range out.moments {
		moments.Go(func() {
			select {
			case <-m.reached:
				m.do()
			case <-done:
				c.t.Errorf("%s: there were never %d paid", out.name, m.after)
			}
		})
	}
	go func() { moments.Wait(); close(out.happened) }()
	<-done
	<-out.happened
	out.took = time.Since(begin)
}

// callOn is one caller, who makes calls until there are enough.
func (c *cluster) callOn(out *spent, caller *clusterCaller) {
	options := client.Options{Transport: caller, Retries: -1, Timeout: -1}
	if out.repeats {
		options.Retries, options.Timeout, caller.hasty = 20, patience, 0.05
	}
	as := client.NewWithOptions("http://cluster", c.key, options)
	for i := int(out.next.Add(1)) - 1; i < out.calls && !c.t.Failed(); i = int(out.next.Add(1)) - 1 {
		if int64(i) >= int64(out.calls)-out.topUp-clusterCallers && out.topUp > 0 {
			out.wait() // so that somebody is left who wants what was topped up
		}
		cost, key := out.cost(i), ""
		if out.repeats {
			key = client.NewIdempotencyKey()
		}
		ask := api.Verify{Credential: &out.secret, Cost: &cost, Resource: fmt.Sprint("call ", i)}
		d, err := as.VerifyOnce(context.Background(), ask, key)
		switch {
		case err == nil:
			c.note(out, i, d)
		case caller.last.gone.Load() && !out.repeats:
			out.lost.Add(1)
		default:
			c.t.Errorf("%s: call %d: %v", out.name, i, err)
		}
	}
}

// wait waits until everything has happened that is to happen meanwhile.
func (s *spent) wait() {
	select {
	case <-s.happened:
	case <-time.After(patience):
	}
}

// note keeps what a call was answered.
func (c *cluster) note(out *spent, i int, d *api.Decision) {
	switch {
	case d.Code == "ok" && d.Spend != nil && d.Spend.Cost == out.cost(i):
		out.ids[i] = d.Spend.ID
		n := out.paid.Add(1)
		for _, m := range out.moments {
			if m.after == n {
				close(m.reached)
			}
		}
	case d.Code == "budget_exceeded" && d.Spend == nil:
		out.refused[i] = true
	default:
		c.t.Errorf("%s: call %d was answered %+v, spend %+v", out.name, i, d, d.Spend)
	}
}

// prove compares what was answered with the ledger, and that with the budget.
func (c *cluster) prove(out *spent) {
	c.t.Helper()
	wrong := func(format string, args ...any) { c.t.Helper(); c.t.Errorf(out.name+": "+format, args...) }
	lines := map[string]ledgerLine{} // by call
	var coins, unread int64
	for _, line := range c.ledger(out.project) {
		var i int
		_, err := fmt.Sscanf(line.call, "call %d", &i)
		switch before, doubled := lines[line.call]; {
		case err != nil || i < 0 || i >= out.calls:
			wrong("the ledger has a call that nobody made: %+v", line)
			continue
		case doubled:
			wrong("a call was paid twice: %+v and %+v", before, line)
		case out.refused[i], line.cost != out.cost(i):
			wrong("the ledger has %+v; refused: %t", line, out.refused[i])
		case out.ids[i] == "":
			unread++
		case out.ids[i] != line.id:
			wrong("call %d was answered with the spend %s, and is %s in the ledger", i, out.ids[i], line.id)
		}
		lines[line.call] = line
		coins += line.cost
	}
	for i, id := range out.ids {
		if _, there := lines[fmt.Sprint("call ", i)]; id != "" && !there {
			wrong("the ledger has lost call %d, which was answered with ok", i)
		}
	}
	if most := int64(out.callers); out.lost.Load() > most || unread > out.lost.Load() || !out.kill && out.lost.Load() > 0 {
		wrong("%d calls were paid without an answer, of %d that were lost; there are %d callers", unread, out.lost.Load(), most)
	}
	if has := out.coins + out.topUp; coins != has {
		wrong("%d coins were spent of %d", coins, has)
	}
	c.proveBudget(out, int64(len(lines)))
}

// proveBudget wants a budget that is used up by so many calls.
func (c *cluster) proveBudget(out *spent, calls int64) {
	c.t.Helper()
	b, err := c.operator.Organizations().Budget(c.t.Context(), c.organization.ID, out.project)
	if has := out.coins + out.topUp; err != nil || b.Used != has || b.Remaining != 0 || b.ToppedUp != out.topUp || b.Calls != calls {
		c.t.Errorf("%s: the budget is %+v, %v; want %d used by %d calls", out.name, b, err, has, calls)
	}
	proof, err := c.operator.VerifyLedger(c.t.Context(), c.organization.ID)
	if err != nil || !proof.Good {
		c.t.Errorf("%s: the ledger is not good: %+v, %v", out.name, proof, err)
	}
}
