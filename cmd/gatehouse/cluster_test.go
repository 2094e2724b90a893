package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// cluster is servers of one database, any of which may be killed, and an
// organization whose projects spend.
type cluster struct {
	installed
	rand         *rand.Rand
	organization api.Organization
	operator     *client.Client
	ledger       func(project string) []ledgerLine

	mu      sync.Mutex
	changed *sync.Cond
	nodes   []*clusterNode // nil where one is being started again
}

// clusterNode is one server until it is killed.
type clusterNode struct {
	*process
	host string
	gone atomic.Bool
}

func newCluster(t *testing.T, database string, nodes int, seed uint64) *cluster {
	t.Helper()
	c := &cluster{installed: install(t, database), rand: rand.New(rand.NewPCG(seed, uint64(nodes)))}
	c.changed = sync.NewCond(&c.mu)
	c.decode(c.command("org", "create", "Spenders", "--json"), &c.organization)
	for range nodes {
		c.nodes = append(c.nodes, c.startNode())
	}
	c.ledger = c.readsLedger()
	c.operator = client.NewWithOptions("http://cluster", c.key, client.Options{Transport: c.caller(0, 0)})
	return c
}

func (c *cluster) startNode() *clusterNode {
	c.t.Helper()
	p := c.serve()
	at, err := url.Parse(p.url)
	if err != nil {
		c.t.Fatal(err)
	}
	return &clusterNode{process: p, host: at.Host}
}

// killOne kills a node without warning, and starts it again.
func (c *cluster) killOne() {
	c.t.Helper()
	i := c.rand.IntN(len(c.nodes))
	c.mu.Lock()
	node := c.nodes[i]
	c.nodes[i] = nil
	c.mu.Unlock()
	node.gone.Store(true)
	node.kill()
	c.quiet(node)
	node = c.startNode()
	c.mu.Lock()
	c.nodes[i] = node
	c.changed.Broadcast()
	c.mu.Unlock()
}

// quiet fails where a node has logged an error, but for those of callers who
// have broken off.
func (c *cluster) quiet(node *clusterNode) {
	c.t.Helper()
	for line := range strings.Lines(node.stderr.String()) {
		if !strings.Contains(line, "context canceled") {
			c.t.Errorf("the log of a node has: %s", line)
		}
	}
}

// alive is a node that serves, from a turn on; where there is none, it is waited for.
func (c *cluster) alive(turn int) *clusterNode {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for i := range c.nodes {
			if node := c.nodes[(turn+i)%len(c.nodes)]; node != nil {
				return node
			}
		}
		c.changed.Wait()
	}
}

// clusterCaller makes the connections of one caller: to one node, and to the
// next where that is gone.
type clusterCaller struct {
	c     *cluster
	turn  int
	last  *clusterNode
	http  http.Transport
	rand  *rand.Rand
	hasty float64 // the part of calls that it breaks off half-way

	release context.CancelFunc
}

func (c *cluster) caller(turn int, hasty float64) *clusterCaller {
	return &clusterCaller{c: c, turn: turn, rand: rand.New(rand.NewPCG(uint64(turn), 1)), hasty: hasty}
}

// RoundTrip implements http.RoundTripper.
func (r *clusterCaller) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.release != nil {
		r.release()
	}
	patient := patience
	if r.rand.Float64() < r.hasty {
		patient = rand.N(5 * time.Millisecond)
	}
	var ctx context.Context
	ctx, r.release = context.WithTimeout(req.Context(), patient) // with the next call: until then the answer is read
	r.last = r.c.alive(r.turn)
	req = req.Clone(ctx)
	req.URL.Host, req.Host = r.last.host, r.last.host
	resp, err := r.http.RoundTrip(req)
	if err != nil {
		r.turn++ // to the next node with the next try
		if !r.last.gone.Load() && patient == patience {
			r.c.t.Errorf("an answer was lost while the node ran: %v", err)
		}
		return nil, err
	}
	return resp, nil
}

// purse makes a project with a budget, and a credential that spends from it.
func (c *cluster) purse(coins int64) (project, secret string) {
	c.t.Helper()
	ctx, of := c.t.Context(), c.organization.ID
	p, err := c.operator.Projects(of).Create(ctx, api.CreateProject{Name: "Game " + client.NewIdempotencyKey()}, "")
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.operator.Organizations().SetBudget(ctx, of, p.ID, api.SetBudget{Coins: &coins}); err != nil {
		c.t.Fatal(err)
	}
	made, err := c.operator.Credentials().Create(ctx, api.CreateCredential{Scheme: "onetest_key", Name: "Spender", Organization: of, Project: p.ID}, "")
	if err != nil {
		c.t.Fatal(err)
	}
	return p.ID, made.Secret
}

// end stops all nodes, which have nothing to complain of.
func (c *cluster) end() {
	c.t.Helper()
	for _, node := range c.nodes {
		node.stop(c.t)
		c.quiet(node)
	}
}
