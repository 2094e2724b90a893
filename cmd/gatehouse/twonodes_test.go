package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/limit/redistest"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// twoNodes is two servers on one PostgreSQL and one Redis, and what may verify.
type twoNodes struct {
	*testing.T
	redis *redistest.Server
	nodes []*process
	key   string // with every permission
	own   []canary
}

func newTwoNodes(t *testing.T, settings ...string) *twoNodes {
	t.Helper()
	c := &twoNodes{T: t, redis: redistest.Start(t)}
	database, data := storetest.Database(t), t.TempDir()
	for range 2 {
		args := []string{"serve", "--json", "--listen", "127.0.0.1:0", "--data", data, "--database-url", database, "--redis-url", c.redis.URL(), "--metrics-listen", "127.0.0.1:0"}
		c.nodes = append(c.nodes, serveGatehouse(t, append(args, settings...)...))
	}
	var line announcement
	first, _, _ := strings.Cut(c.nodes[0].stdout.String(), "\n")
	if err := json.Unmarshal([]byte(first), &line); err != nil {
		t.Fatal(err)
	}
	var made api.SetupResult
	c.call(0, asked{method: "POST", path: "/v1/setup", body: fmt.Sprintf(`{"code":%q,"organization":"Acme","name":"Ada","email":"ada@acme.test","password":%q}`, line.SetupCode, goodPassword)}, &made)
	c.key = made.Credential.Secret
	c.own = []canary{{"the first key", c.key}, {"an address", "ada@acme.test"}, {"a password", goodPassword}}
	return c
}

// call makes a call to one of the nodes.
func (c *twoNodes) call(node int, a asked, out any) int {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), a.method, c.nodes[node].url+a.path, strings.NewReader(a.body))
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Error(err)
		return 0
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && out != nil && resp.StatusCode < 300 {
		err = json.Unmarshal(text, out)
	}
	if err != nil || resp.StatusCode >= 400 && out != nil {
		c.Errorf("%s %s: got %d %s, %v", a.method, a.path, resp.StatusCode, text, err)
	}
	return resp.StatusCode
}

func (c *twoNodes) issue(rate int) string {
	c.Helper()
	var made api.IssuedCredential
	c.call(0, asked{method: "POST", path: "/v1/credentials", body: fmt.Sprintf(`{"scheme":"bunship_live","name":"x","scopes":["*"],"rate_limit":%d}`, rate)}, &made)
	c.own = append(c.own, canary{"a key", made.Secret})
	return made.Secret
}

// slowKey is a key of a project that makes 100 requests in 31 days: while a test
// lasts, nothing of them comes back.
func (c *twoNodes) slowKey() string {
	c.Helper()
	var o api.List[api.Organization]
	var made api.IssuedCredential
	c.call(0, asked{method: "GET", path: "/v1/organizations"}, &o)
	base := "/v1/organizations/" + o.Items[0].ID + "/projects"
	c.call(0, asked{method: "POST", path: base, body: `{"name":"Slow"}`}, &api.Project{})
	c.call(0, asked{method: "PUT", path: base + "/PRJ-1/limits", body: `{"requests":100,"window":"31d"}`}, &api.ProjectLimits{})
	c.call(0, asked{method: "POST", path: "/v1/credentials", body: `{"scheme":"onetest_key","name":"x","project":"PRJ-1"}`}, &made)
	return made.Secret
}

// crowd has so many callers verify at once, on both nodes.
func (c *twoNodes) crowd(n int, secret string) (passed, degraded int64, took time.Duration) {
	c.Helper()
	var let, alone atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for i := range n {
		wg.Go(func() {
			var d api.Decision
			c.call(i%2, asked{method: "POST", path: "/v1/verify", body: `{"credential":"` + secret + `"}`}, &d)
			switch {
			case d.Code == "ok":
				let.Add(1)
			case d.Code != "rate_limited":
				c.Errorf("got %+v", d)
			}
			if d.Limits != nil && d.Limits.Degraded {
				alone.Add(1)
			}
		})
	}
	wg.Wait()
	return let.Load(), alone.Load(), time.Since(began)
}

var metricsAt = regexp.MustCompile(`url=(http://\S+/metrics)`)

// metric reads a metric of a node.
func (c *twoNodes) metric(node int, name string) string {
	c.Helper()
	at := metricsAt.FindStringSubmatch(c.nodes[node].stderr.String())
	if at == nil {
		c.Fatalf("node %d doesn't say where its metrics are", node)
	}
	resp, err := http.Get(at[1])
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	c.clean("the metrics", string(text))
	for line := range strings.SplitSeq(string(text), "\n") {
		if value, found := strings.CutPrefix(line, name+" "); found {
			return value
		}
	}
	return ""
}

func (c *twoNodes) clean(where, text string) {
	c.Helper()
	for _, own := range c.own {
		if strings.Contains(text, own.text) {
			c.Errorf("%s hold %s", where, own.name)
		}
	}
}

func (c *twoNodes) wait(what string, within time.Duration, is func() bool) {
	c.Helper()
	for end := time.Now().Add(within); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("%s: not within %v", what, within)
		}
	}
}

func (c *twoNodes) degraded(node int) bool {
	var health api.Health
	c.call(node, asked{method: "GET", path: "/readyz"}, &health)
	return health.Degraded
}

// watch has redis-cli write down all that is asked of Redis.
func (c *twoNodes) watch() *output {
	c.Helper()
	said := &output{}
	_, port, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(c.redis.URL(), "redis://"), "/0"), ":")
	monitor := exec.Command("redis-cli", "-p", port, "monitor")
	monitor.Stdout = said
	if err := monitor.Start(); err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { _ = monitor.Process.Kill(); _ = monitor.Wait() })
	c.wait("Redis is watched", 10*time.Second, func() bool { return strings.Contains(said.String(), "OK") })
	return said
}

// D-5, D-6, K-2: two servers let 1,000 callers at once no more than the limit,
// by one Redis that is told no secret. It is killed, hangs and comes back:
// verifications go on, each node keeps to its share, and both say so.
func TestD5_D6_K2_TwoNodes(t *testing.T) {
	t.Parallel()
	c := newTwoNodes(t, "--redis-timeout", "5000")
	told := c.watch()
	limited := c.issue(60)
	passed, alone, took := c.crowd(1000, limited)
	if most := 60 + int64(took/time.Second) + 1; passed < 60 || passed > most || alone != 0 {
		t.Errorf("got %d through in %v, %d of them degraded, want 60, and one more a second", passed, took, alone)
	}
	if passed, alone, _ := c.crowd(1000, c.slowKey()); passed != 100 || alone != 0 {
		t.Errorf("of 100 in a month: got %d through, %d degraded, want exactly 100", passed, alone)
	}
	c.wait("the nodes know of each other", 20*time.Second, func() bool { return c.metric(0, "gatehouse_nodes") == "2" && c.metric(1, "gatehouse_nodes") == "2" })
	if c.degraded(0) || c.degraded(1) || c.metric(0, "gatehouse_redis_up") != "1" {
		t.Error("a node says that it is degraded")
	}
	c.clean("what Redis was asked", told.String())
	if !strings.Contains(strings.ToLower(told.String()), "evalsha") {
		t.Errorf("Redis was asked nothing:\n%s", told)
	}

	c.redis.Kill()
	passed, _, took = c.crowd(300, c.issue(61))
	if most := 61 + 2 + int64(took/time.Second) + 1; passed < 62 || passed > most {
		t.Errorf("while Redis is away: got %d through in %v, want 31 by each node", passed, took)
	}
	if !c.degraded(0) || !c.degraded(1) || c.metric(1, "gatehouse_redis_up") != "0" || c.metric(1, `gatehouse_limit_decisions_total{source="share"}`) == "0" {
		t.Error("a node doesn't say that Redis is away")
	}
	c.redis.Restart()
	c.wait("the nodes find Redis again", 2*time.Second, func() bool { return !c.degraded(0) && !c.degraded(1) })
	if passed, alone, took = c.crowd(300, limited); passed > 60+int64(took/time.Second)+1 || alone != 0 {
		t.Errorf("when it is back, and empty: got %d through, %d degraded, want a window more", passed, alone)
	}
	for i, p := range c.nodes {
		c.clean(fmt.Sprintf("what node %d logs", i), p.stderr.String())
		if status := c.call(i, asked{method: "GET", path: "/metrics"}, nil); status != 404 {
			t.Errorf("the metrics are served to everybody: got %d", status)
		}
	}
	if got := c.metric(0, `gatehouse_decisions_total{code="rate_limited"}`); got == "" || got == "0" {
		t.Errorf("got %q refusals counted", got)
	}
	c.nodes[1].stop(t)
	c.wait("the other counts one", 20*time.Second, func() bool { return c.metric(0, "gatehouse_nodes") == "1" })
}

// D-6: a Redis that hangs holds the calls up for as long as it may, once; where
// that is asked for, what is limited is 503 then, and what isn't goes on.
func TestD6_Refused(t *testing.T) {
	t.Parallel()
	c := newTwoNodes(t, "--redis-away", "refuse", "--redis-timeout", "200")
	limited := c.issue(60)
	c.wait("both verify", 10*time.Second, func() bool { // a busy machine may have lost Redis at first
		var d api.Decision
		c.call(1, asked{method: "POST", path: "/v1/verify", body: `{"credential":"` + c.key + `"}`}, &d)
		return d.Code == "ok" && !c.degraded(0) && !c.degraded(1)
	})
	c.redis.Hang()
	defer c.redis.Resume()
	if status := c.call(0, asked{method: "POST", path: "/v1/verify", body: `{"credential":"` + limited + `"}`}, nil); status != http.StatusServiceUnavailable {
		t.Errorf("limited: got %d", status)
	}
	var d api.Decision
	if status := c.call(0, asked{method: "POST", path: "/v1/verify", body: `{"credential":"` + c.key + `"}`}, &d); status != 200 || d.Code != "ok" || !c.degraded(0) {
		t.Errorf("without a limit: got %d %+v", status, d)
	}
	c.redis.Resume()
	c.wait("Redis is found again", 2*time.Second, func() bool {
		return c.call(0, asked{method: "POST", path: "/v1/verify", body: `{"credential":"` + limited + `"}`}, nil) == 200
	})
	c.nodes[0].signal(syscall.SIGTERM)
	if code, ended := c.nodes[0].wait(patience); !ended || code != exitDone {
		t.Errorf("it ends with %d:\n%s", code, c.nodes[0].stderr.String())
	}
}

// The settings say what is wrong with them, and never repeat a password.
func TestRedisSettings(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--redis-url=http://very-secret@cache": "redis://", "--redis-away=never": "share, refuse", "--redis-timeout=1": "10 to 10000", "--metrics-listen=0.0.0.0:1": "loopback",
		"--metrics-listen=example.com:1": "loopback",
	} {
		var said bytes.Buffer
		cmd := exec.Command("gatehouse", "config", args)
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(said.String(), want) || strings.Contains(said.String(), "very-secret") {
			t.Errorf("%s: got %v: %s", args, err, said.String())
		}
	}
	out, err := exec.Command("gatehouse", "config", "--redis-url", "redis://gate:very-secret@cache:6379/1").CombinedOutput()
	if err != nil || strings.Contains(string(out), "very-secret") || !strings.Contains(string(out), "redis://gate:xxxxx@cache:6379/1") {
		t.Errorf("got %v: %s", err, out)
	}
}
