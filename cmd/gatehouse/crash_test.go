package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// The short proof is the default; make crash asks for the long one.
const (
	fewKills      = 6
	fewOperations = 1500
)

var (
	crashKills      = flag.Int("crash.kills", fewKills, "kill the server at least so often, on each database")
	crashOperations = flag.Int("crash.operations", fewOperations, "until so many operations were acknowledged")
	crashDuration   = flag.Duration("crash.duration", 0, "end on each database after this time (default 10s, or 13m of the long proof, which fails then)")
	crashSeed       = flag.Uint64("crash.seed", 0, "choose the same calls and times to kill again (default another each time)")
)

// How the proof goes about it.
const (
	crashWorkers  = 12
	crashOwners   = 4 // organizations
	killWithin    = 500 * time.Millisecond
	readyWithin   = 2 * time.Second
	auditEvery    = 10 // kills
	checkEachTime = 4  // credentials of each worker
)

// crashRun is one proof on one database.
type crashRun struct {
	installed
	seed          uint64
	rand          *rand.Rand
	organizations []string
	workers       []*crashWorker
	hooks         []string      // endpoints, one of each organization
	purses        []*crashPurse // one of each organization
	told          sync.Map      // deliveries that arrived
	client        *client.Client
	killed        atomic.Bool // the present server
	acknowledged  atomic.Int64
	kills         int
	serving       time.Duration // altogether
	slowest       time.Duration // start
}

// TestCrash kills a server at random moments while many clients change
// credentials and spend, and proves after each restart that every acknowledged
// change stands, and that every other one happened entirely or not at all.
func TestCrash(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			t.Logf("go test ./cmd/gatehouse -run TestCrash/%s -crash.seed=%d chooses the same again", database, seed)
			r := &crashRun{installed: install(t, database, "--webhook-loopback", "yes"), seed: seed, rand: rand.New(rand.NewPCG(seed, 0))}
			r.prepare()
			r.run(t)
		})
	}
}

// prepare makes organizations and what the workers use.
func (r *crashRun) prepare() {
	for i := range crashOwners {
		var o api.Organization
		r.decode(r.command("org", "create", fmt.Sprintf("Owner %d", i), "--json"), &o)
		r.organizations = append(r.organizations, o.ID)
	}
	p := r.start()
	for _, o := range r.organizations {
		r.preparePurse(o) // before there is an endpoint to tell of it
	}
	p.stop(r.t)
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { r.told.Store(req.Header.Get("Webhook-Id"), true) }))
	r.t.Cleanup(endpoint.Close)
	for _, o := range r.organizations {
		var made api.IssuedWebhook
		r.decode(r.command("webhook", "create", "--organization", o, "--url", endpoint.URL, "--json"), &made)
		r.hooks = append(r.hooks, made.ID)
	}
	for _, purse := range r.purses {
		r.issueTo(purse)
	}
	for i := range crashWorkers {
		r.workers = append(r.workers, &crashWorker{crashRun: r, number: i, rand: rand.New(rand.NewPCG(r.seed, uint64(i+1))), issues: map[string]bool{}})
	}
}

// isLong reports whether this is the proof that make crash asks for.
func isLong() bool { return *crashKills > fewKills || *crashOperations > fewOperations }

// run kills until there is enough of everything, and then checks it all.
func (r *crashRun) run(t *testing.T) {
	long := isLong()
	most := or(*crashDuration, 10*time.Second)
	if long {
		most = or(*crashDuration, 13*time.Minute)
	}
	enough := func() bool { return r.kills >= *crashKills && r.acknowledged.Load() >= int64(*crashOperations) }
	proved := func() bool { return r.kills > 0 && r.acknowledged.Load() > 0 } // a busy machine needs longer for that
	for begin := time.Now(); !enough() && (time.Since(begin) < most || !proved() && time.Since(begin) < 10*most) && !t.Failed(); {
		r.round()
		if r.kills%auditEvery == 0 {
			r.audit()
		}
	}
	if long && !enough() {
		t.Errorf("there was no time for more than %d kills and %d operations", r.kills, r.acknowledged.Load())
	}
	acknowledged := r.acknowledged.Load()
	r.last()
	t.Logf("crash %s: %d kills, %d operations acknowledged, %.0f a second while it served; %d of them repeated after a lost answer; "+
		"the slowest start took %s; seed %d", filepath.Base(t.Name()), r.kills, acknowledged, float64(acknowledged)/r.serving.Seconds(),
		r.repeated(), r.slowest.Round(time.Millisecond), r.seed)
	if !proved() {
		t.Error("nothing was proved")
	}
}

// start starts the server, which must be ready in time.
func (r *crashRun) start() *process {
	r.t.Helper()
	p := r.serve()
	r.slowest = max(r.slowest, p.ready)
	took := p.ready
	if !isLong() && p.used > 0 { // beside all the other tests what it computes tells, and not how long it waits for its turn
		took = p.used
	}
	if took > readyWithin {
		r.t.Errorf("after %d kills it took %s to be ready", r.kills, took)
	}
	r.killed.Store(false)
	r.client = client.New(p.url, r.key, &http.Transport{MaxIdleConnsPerHost: crashWorkers})
	return p
}

// round starts the server, lets the workers work, and kills it.
func (r *crashRun) round() {
	r.t.Helper()
	p := r.start()
	begin := time.Now()
	finished := r.together((*crashWorker).work)
	<-time.After(time.Duration(r.rand.Int64N(int64(killWithin))))
	r.killed.Store(true)
	p.kill()
	r.serving += time.Since(begin)
	r.kills++
	finished()
	if text := p.stderr.String(); text != "" {
		r.t.Errorf("after %d kills the log has:\n%s", r.kills-1, text)
	}
}

// together lets every worker do something, and returns what waits for them.
func (r *crashRun) together(do func(*crashWorker)) (wait func()) {
	var group sync.WaitGroup
	for _, w := range r.workers {
		group.Go(func() { do(w) })
	}
	return group.Wait
}

// audit proves with no server running that the audit is whole.
func (r *crashRun) audit() {
	r.t.Helper()
	var list api.List[api.AuditReport]
	r.decode(r.command("audit", "verify", "--json"), &list)
	if len(list.Items) != crashOwners+1 {
		r.t.Errorf("there are %d audit chains, want %d", len(list.Items), crashOwners+1)
	}
	for _, chain := range list.Items {
		if !chain.OK {
			r.t.Errorf("after %d kills audit chain %s is broken at %d: %s", r.kills, chain.Chain, chain.Broken, chain.Reason)
		}
	}
}

// last clears up every doubt, checks everything, and ends the server well.
func (r *crashRun) last() {
	r.t.Helper()
	p := r.start()
	r.together(func(w *crashWorker) {
		if w.settle() {
			w.check(len(w.accounts))
		}
	})()
	all := &ledger{accounts: map[string]*account{}, names: map[string]bool{"crash": true}}
	for _, purse := range r.purses {
		all.names[purse.name()] = true
	}
	for _, w := range r.workers {
		for _, a := range w.accounts {
			if all.accounts[a.id] != nil {
				r.t.Errorf("two answers hold the id %s", a.id)
			}
			all.accounts[a.id] = a
		}
		for name, possible := range w.issues {
			if possible {
				all.names[name] = true
			}
		}
	}
	if err := all.contradictions(r.list()); err != nil {
		r.t.Error(err)
	}
	r.checkLedger()
	for i := range r.hooks {
		r.allTold(i)
	}
	p.signal(syscall.SIGTERM)
	if code, ended := p.wait(patience); !ended || code != exitDone {
		r.t.Errorf("after SIGTERM: ended %t with code %d: %s", ended, code, p.stderr.String())
	}
	r.audit()
}

// allTold proves that of every event a delivery was stored, and that what counts
// as delivered has arrived (W-4).
func (r *crashRun) allTold(i int) {
	r.t.Helper()
	ctx, events := context.Background(), map[int64]bool{}
	for e, err := range r.client.Audit().Events(ctx, client.EventFilter{Organization: r.organizations[i], Action: "credential."}) {
		if err != nil {
			r.t.Fatal(err)
		}
		events[e.Sequence] = true
	}
	for d, err := range r.client.Webhooks(r.organizations[i]).Deliveries(ctx, r.hooks[i]) {
		if err != nil {
			r.t.Fatal(err)
		}
		var body struct{ Data struct{ Sequence int64 } }
		r.decode([]byte(d.Payload), &body)
		if !events[body.Data.Sequence] {
			r.t.Errorf("delivery %s is of no event, or of one that was told already", d.ID)
		}
		delete(events, body.Data.Sequence)
		if _, arrived := r.told.Load(d.ID); d.State == "delivered" && !arrived || d.State == "failed" {
			r.t.Errorf("delivery %s is %s, and arrived: %t", d.ID, d.State, arrived)
		}
	}
	if len(events) > 0 {
		r.t.Errorf("after %d kills %d events of organization %d were never told", r.kills, len(events), i)
	}
}

// list is every credential there is.
func (r *crashRun) list() (list []api.Credential) {
	r.t.Helper()
	for cursor := ""; ; {
		var page api.List[api.Credential]
		if err := r.client.Call(context.Background(), http.MethodGet, "/v1/credentials?limit=200"+cursor, nil, &page); err != nil {
			r.t.Fatal(err)
		}
		list = append(list, page.Items...)
		if page.NextCursor == "" {
			return list
		}
		cursor = "&cursor=" + page.NextCursor
	}
}

func (r *crashRun) repeated() (n int) {
	for _, w := range r.workers {
		n += w.repeated
	}
	return n
}
