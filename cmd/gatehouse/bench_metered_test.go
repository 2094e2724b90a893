package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

var onlyMetered = flag.Bool("bench.metered", false, "measure what metering adds to a verification, and nothing else")

// TestBenchMetered is the part of the report about metering, where it is asked for.
func TestBenchMetered(t *testing.T) {
	if *onlyMetered {
		var out strings.Builder
		benchMetered(t).write(&out)
		t.Log(out.String())
	}
}

// meteredRow is what one kind of verifications came to with so many callers.
type meteredRow struct {
	database, kind string
	callers        int
	process        testing.BenchmarkResult
	http           load
}

// meteredBench is what metering adds to a verification; the first row of each
// database and number of callers is unmetered.
type meteredBench []meteredRow

const meteredPermission = credential.TestsRead

// benchMetered measures verifications without a meter, with a rate limit and
// with a budget, in turn, by one caller and by 64.
func benchMetered(t *testing.T) (out meteredBench) {
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		settings := map[string]string{"data": t.TempDir()}
		if database == "PostgreSQL" {
			settings["database-url"] = storetest.Database(t)
		}
		n := openBenchWith(t, settings)
		verifier, secrets := fillMetered(t, n)
		for _, callers := range []int{1, 64} {
			for i, kind := range []string{"unmetered", "rate limit", "budget"} {
				row := meteredRow{database: database, kind: kind, callers: callers}
				row.process = benchCallers(n.authority, secrets[i], callers)
				row.http = benchMeteredHTTP(t, n, verifier, secrets[i], callers)
				if row.process.N == 0 {
					t.Errorf("the benchmark of %s, %s failed", database, kind)
				}
				out = append(out, row)
			}
		}
		closeBench(t, n)
	}
	return out
}

// fillMetered makes a key that may verify, and a credential of each kind.
func fillMetered(t *testing.T, n *node) (verifier string, secrets [3]string) {
	ctx, operator := context.Background(), credential.Operator()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	issue := func(r authority.IssueRequest) string {
		made, err := n.authority.Issue(ctx, &operator, r)
		must(err)
		return made.Secret.Reveal()
	}
	o, err := n.authority.CreateOrganization(ctx, &operator, authority.NameRequest{Name: "Bench"})
	must(err)
	p, err := n.authority.CreateProject(ctx, &operator, o.ID, authority.NameRequest{Name: "Bench"})
	must(err)
	_, err = n.authority.SetBudget(ctx, &operator, o.ID, p.ID, authority.BudgetChange{Coins: limit.MaxCoins})
	must(err)
	key := authority.IssueRequest{Scheme: "gatehouse_key", Name: "Key", Organization: o.ID, Scopes: []credential.Scope{credential.Scope(meteredPermission)}}
	secrets[0] = issue(key)
	key.RateLimit = 1_000_000_000
	secrets[1] = issue(key)
	secrets[2] = issue(authority.IssueRequest{Scheme: "onetest_key", Name: "Key", Organization: o.ID, Project: &store.ProjectRef{ID: p.ID}})
	return issue(authority.IssueRequest{Scheme: "gatehouse_key", Name: "Verifier", Scopes: []credential.Scope{"credentials:verify"}}), secrets
}

// benchCallers measures verifications of one secret in this process.
func benchCallers(a *authority.Authority, secret string, callers int) testing.BenchmarkResult {
	return testing.Benchmark(func(b *testing.B) {
		b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
		one := func() {
			d, err := a.Verify(context.Background(), secret, authority.Verification{Permission: meteredPermission})
			if err != nil || d.Code != credential.OK {
				b.Error(d.Code, err)
			}
		}
		if callers == 1 {
			for b.Loop() {
				one()
			}
			return
		}
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				one()
			}
		})
	})
}

// benchMeteredHTTP loads the real handler from another process.
func benchMeteredHTTP(t *testing.T, n *node, verifier, secret string, callers int) load {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := server(n.public, n.log)
	go func() { _ = srv.Serve(listener) }()
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return benchLoad(t, n, loading{"http://" + listener.Addr().String() + "/v1/verify", verifier, file, string(meteredPermission), callers})
}

// openBenchWith opens a node that logs nothing.
func openBenchWith(t *testing.T, settings map[string]string) *node {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{getenv: os.Getenv, stderr: null, flags: settings}
	cfg, err := a.load()
	if err != nil {
		t.Fatal(err)
	}
	n, err := a.open(context.Background(), cfg, slog.New(slog.NewTextHandler(null, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// write prints the section about metered verifications.
func (rows meteredBench) write(w io.Writer) {
	fmt.Fprint(w, `
## Metered verifications

A verification of a credential without a meter, of one with a rate limit, and of one whose project has a budget, each
measured in turn, on both databases beside each other on the same machine. *In process* is `+"`authority.Verify`"+`, and says how
long one caller waits, or in which time one of 64 callers is served; *over HTTP* is `+"`POST /v1/verify`"+`, loaded from another
process. What a budget pays is on the disk before it is answered: one caller waits for the disk each time, many wait
for it together. On SQLite an unmetered verification is served from memory, on PostgreSQL it reads the database.

| database | callers | | in process | times unmetered | over HTTP, requests/s | p50 | p99 | times unmetered |
|---|---|---|---|---|---|---|---|---|
`)
	var base meteredRow
	for _, r := range rows {
		if r.kind == rows[0].kind {
			base = r
		}
		fmt.Fprintf(w, "| %s | %d | %s | %.1f µs | %.2f | %.0f | %.2f ms | %.2f ms | %.2f |\n", r.database, r.callers, r.kind,
			float64(r.process.NsPerOp())/1000, float64(r.process.NsPerOp())/float64(base.process.NsPerOp()), r.http.rate(),
			r.http.P50.Seconds()*1000, r.http.P99.Seconds()*1000, base.http.rate()/r.http.rate())
	}
}
