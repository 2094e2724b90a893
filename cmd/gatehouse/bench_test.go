package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

var (
	benchOut  = flag.String("bench.out", "", "write the performance report to this file")
	benchMany = flag.Int("bench.many", 1_000_000, "credentials in the large store")
	benchTime = flag.Duration("bench.time", 8*time.Second, "length of one load run")
)

// TestBenchReport measures verifications and writes docs/performance.md. It
// runs only when asked for (make bench); the goals it reports are not asserted,
// since the machine may be busy with something else.
func TestBenchReport(t *testing.T) {
	if *benchOut == "" {
		return
	}
	r := &benchReport{}
	r.hmac = testing.Benchmark(benchHMAC).NsPerOp()
	for _, n := range []int{1000, *benchMany} {
		r.rows = append(r.rows, benchStore(t, n))
	}
	r.tokens = benchTokens(t)
	r.metered = benchMetered(t)
	r.results = benchResults(t, benchResultsMany)
	var out bytes.Buffer
	r.write(&out)
	if err := os.WriteFile(*benchOut, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out.String())
}

// benchRow is what was measured with one number of credentials.
type benchRow struct {
	credentials     int
	warm, cold      testing.BenchmarkResult
	noop, verify    load
	start           time.Duration
	residentVerify  int64
	verifyUncached  load
	residentAtStart int64
}

type benchReport struct {
	hmac    int64
	rows    []benchRow
	tokens  tokenBench
	metered meteredBench
	results resultsBench
}

const benchSecret = "gate_0123456789abcdefghijklmnopqrstuvwxyz0123"

func benchHMAC(b *testing.B) {
	key := make([]byte, 32)
	text := []byte(benchSecret)
	b.ReportAllocs()
	for b.Loop() {
		mac := hmac.New(sha256.New, key)
		mac.Write(text)
		mac.Sum(nil)
	}
}

// benchStore fills a data directory and measures on it.
func benchStore(t *testing.T, n int) benchRow {
	dir := t.TempDir()
	row := benchRow{credentials: n}
	verifier, secrets := fillBench(t, dir, n)
	row.start, row.residentAtStart = benchStart(t, dir)
	warm := openBench(t, dir, 1<<20)
	for _, s := range secrets { // every credential once, so that what is measured is warm
		benchVerify(t, warm.authority, s)
	}
	row.warm = testing.Benchmark(func(b *testing.B) { benchVerifyLoop(b, warm.authority, secrets) })
	row.noop, row.verify = benchHTTP(t, warm, verifier, secrets)
	row.residentVerify = resident(os.Getpid())
	closeBench(t, warm)
	cold := openBench(t, dir, 0)
	row.cold = testing.Benchmark(func(b *testing.B) { benchVerifyLoop(b, cold.authority, secrets) })
	_, row.verifyUncached = benchHTTP(t, cold, verifier, secrets)
	closeBench(t, cold)
	return row
}

func openBench(t *testing.T, dir string, cache int) *node {
	return openBenchWith(t, map[string]string{"data": dir, "cache-size": strconv.Itoa(cache)})
}

func closeBench(t *testing.T, n *node) {
	if err := n.store.Close(); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
}

func benchVerify(t testing.TB, a *authority.Authority, secret string) {
	d, err := a.Verify(context.Background(), secret, authority.Verification{Permission: credential.IssuesRead})
	if err != nil || d.Code != credential.OK {
		t.Fatalf("verify: %v %v", d.Code, err)
	}
}

func benchVerifyLoop(b *testing.B, a *authority.Authority, secrets []string) {
	b.ReportAllocs()
	random := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		benchVerify(b, a, secrets[random.IntN(len(secrets))])
	}
	_ = a.Flush(context.Background())
}

// fillBench makes n keys. One is issued like any other; the rest are written
// in bulk as copies of it with secrets of their own.
func fillBench(t *testing.T, dir string, n int) (verifier string, secrets []string) {
	node := openBench(t, dir, 0)
	c := client.New("http://gatehouse", "", inProcess{node.operator})
	ctx := context.Background()
	var o api.Organization
	var key, first api.IssuedCredential
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.Call(ctx, http.MethodPost, "/v1/organizations", api.CreateOrganization{Name: "Bench"}, &o))
	must(c.Call(ctx, http.MethodPost, "/v1/credentials", api.CreateCredential{Scheme: "gatehouse_key", Name: "verifier", Scopes: []string{"credentials:verify"}}, &key))
	must(c.Call(ctx, http.MethodPost, "/v1/credentials", api.CreateCredential{Scheme: "gatehouse_key", Name: "Key of a customer", Organization: o.ID, Scopes: []string{"issues:read", "issues:write"}}, &first))
	keyer := credential.NewKeyer(node.store.Root().Derive(seal.LookupKeys))
	closeBench(t, node)

	db := storetest.Raw(t, store.Config{Directory: dir})
	tx, err := db.Begin()
	must(err)
	_, err = tx.Exec(`PRAGMA defer_foreign_keys = 1`)
	must(err)
	record, err := tx.Prepare(`INSERT INTO credentials (id, organization_id, owner, scheme, name, scopes, allowed_addresses, rate_limit, generation, created_at, created_by)
		SELECT ?1, organization_id, owner, scheme, name, scopes, allowed_addresses, rate_limit, generation, created_at, created_by FROM credentials WHERE id = ?2`)
	must(err)
	secret, err := tx.Prepare(`INSERT INTO secrets (lookup_key, credential_id, generation, key_version, fingerprint, hint, created_at, ends_at, unconfirmed)
		SELECT ?1, ?2, generation, key_version, fingerprint, hint, created_at, ends_at, unconfirmed FROM secrets WHERE credential_id = ?3`)
	must(err)
	format := credential.Format{Prefix: "gate_", Alphabet: credential.Base62, Length: 40}
	random := rand.NewChaCha8([32]byte{})
	for i := range n {
		s, err := format.Generate(random)
		must(err)
		id := fmt.Sprintf("%s%012x", first.ID[:24], i)
		k := keyer.LookupKey(s.Reveal()).Bytes()
		_, err = record.Exec(id, first.ID)
		must(err)
		_, err = secret.Exec(k[:], id, first.ID)
		must(err)
		secrets = append(secrets, s.Reveal())
	}
	must(tx.Commit())
	must(db.Close())
	return key.Secret, secrets
}

// benchStart measures how long a server takes from its start to its first
// answer, and the memory it then has.
func benchStart(t *testing.T, dir string) (time.Duration, int64) {
	begin := time.Now()
	cmd := exec.Command(os.Args[0], "-test.run=^TestBenchServe$")
	cmd.Env = append(os.Environ(), "BENCH_SERVE="+dir)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var say announcement
	if err := json.NewDecoder(stdout).Decode(&say); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(say.URL + "/readyz")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(err, resp)
	}
	took := time.Since(begin)
	memory := resident(cmd.Process.Pid)
	_ = resp.Body.Close()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	_ = cmd.Wait()
	return took, memory
}

// TestBenchServe is the server process of benchStart.
func TestBenchServe(t *testing.T) {
	if dir := os.Getenv("BENCH_SERVE"); dir != "" {
		os.Exit(run(context.Background(), []string{"serve", "--json", "--listen", "127.0.0.1:0", "--data", dir}, os.Getenv, os.Stdin, os.Stdout, os.Stderr))
	}
}

// load is what a run of the load process measured, and what it cost the server.
type load struct {
	Requests int           `json:"requests"`
	Seconds  float64       `json:"seconds"`
	P50, P99 time.Duration // as the client saw them
	cpu      time.Duration // of the server, a request
}

// benchHTTP serves a no-op and the real handler on one server, and loads them
// in turn from another process: no-op, verify, no-op, verify.
func benchHTTP(t *testing.T, n *node, verifier string, secrets []string) (noop, verify load) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /noop", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	})
	mux.Handle("/", n.public)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := server(mux, n.log)
	go func() { _ = srv.Serve(listener) }()
	defer srv.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = n.authority.Run(ctx) }()

	file := t.TempDir() + "/secrets"
	if err := os.WriteFile(file, []byte(strings.Join(secrets, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	for range 2 {
		noop = noop.add(benchLoad(t, n, loading{url + "/noop", verifier, file, "issues:read", 16}))
		verify = verify.add(benchLoad(t, n, loading{url + "/v1/verify", verifier, file, "issues:read", 16}))
	}
	return noop, verify
}

// add joins two runs; the percentiles are those of the better run.
func (l load) add(o load) load {
	if l.Requests == 0 {
		return o
	}
	total := l.Requests + o.Requests
	return load{
		Requests: total, Seconds: l.Seconds + o.Seconds, P50: min(l.P50, o.P50), P99: min(l.P99, o.P99),
		cpu: (l.cpu*time.Duration(l.Requests) + o.cpu*time.Duration(o.Requests)) / time.Duration(total),
	}
}

// rate is how many requests were answered a second.
func (l load) rate() float64 { return float64(l.Requests) / l.Seconds }

// loading says what the load process is to ask for.
type loading struct {
	url, verifier, file, permission string
	callers                         int
}

// benchLoad runs the load process. Storing when credentials were used is part
// of what a verification costs, also where it happens later.
func benchLoad(t *testing.T, n *node, ask loading) load {
	cmd := exec.Command(os.Args[0], "-test.run=^TestBenchLoad$")
	cmd.Env = append(os.Environ(), "BENCH_LOAD="+ask.url, "BENCH_VERIFIER="+ask.verifier, "BENCH_SECRETS="+ask.file, "BENCH_PERMISSION="+ask.permission,
		"BENCH_CALLERS="+strconv.Itoa(ask.callers), "BENCH_TIME="+benchTime.String())
	before := cpuTime()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("load: %v\n%s", err, out)
	}
	if err := n.authority.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	used := cpuTime() - before
	var l load
	if err := json.Unmarshal(out, &l); err != nil {
		t.Fatal(err)
	}
	l.cpu = used / time.Duration(l.Requests)
	return l
}

// cpuTime is what this process has used so far; its children don't count.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func resident(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// TestBenchLoad is the load process: a fixed number of callers for a fixed time.
func TestBenchLoad(t *testing.T) {
	url := os.Getenv("BENCH_LOAD")
	if url == "" {
		return
	}
	callers, _ := strconv.Atoi(os.Getenv("BENCH_CALLERS"))
	text, err := os.ReadFile(os.Getenv("BENCH_SECRETS"))
	if err != nil {
		t.Fatal(err)
	}
	length, _ := time.ParseDuration(os.Getenv("BENCH_TIME"))
	c := &loader{
		url: url, verifier: os.Getenv("BENCH_VERIFIER"), permission: os.Getenv("BENCH_PERMISSION"), secrets: strings.Split(string(text), "\n"),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}, end: time.Now().Add(length),
	}
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() { c.call(uint64(i)) })
	}
	begin := time.Now()
	wg.Wait()
	slices.Sort(c.took)
	if c.failed > 0 || len(c.took) == 0 {
		fmt.Fprintf(os.Stderr, "%d calls failed\n", c.failed)
		os.Exit(1)
	}
	out, _ := json.Marshal(load{
		Requests: len(c.took), Seconds: time.Since(begin).Seconds(), P50: c.took[len(c.took)/2], P99: c.took[len(c.took)*99/100],
	})
	_, _ = os.Stdout.Write(out)
	os.Exit(0)
}

type loader struct {
	url, verifier, permission string
	secrets                   []string
	client                    *http.Client
	end                       time.Time

	mu     sync.Mutex
	took   []time.Duration
	failed int
}

func (l *loader) call(seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	var took []time.Duration
	failed := 0
	for time.Now().Before(l.end) {
		body := `{"credential":"` + l.secrets[random.IntN(len(l.secrets))] + `","permission":"` + l.permission + `"}`
		req, _ := http.NewRequest(http.MethodPost, l.url, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+l.verifier)
		begin := time.Now()
		resp, err := l.client.Do(req)
		if err != nil {
			failed++
			continue
		}
		answer, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || (len(answer) > 2 && !bytes.Contains(answer, []byte(`"active":true`))) {
			failed++
		}
		took = append(took, time.Since(begin))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took, l.failed = append(l.took, took...), l.failed+failed
}
