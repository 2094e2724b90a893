package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// reported is a server with an organization of the number 1173, a project with
// five test cycles, and a token, behind a proxy that makes trouble.
type reported struct {
	installed
	mu     sync.Mutex
	server *process
	proxy  *httptest.Server
	fault  func(w http.ResponseWriter, r *http.Request, forward http.Handler) // nil: none
	token  string
	org    string
	db     *sql.DB
}

func newReported(t *testing.T) *reported {
	t.Helper()
	r := &reported{installed: install(t, "sqlite")}
	r.db = storetest.Raw(t, r.config)
	if _, err := r.db.Exec(`INSERT INTO counters (parent, noun, last) VALUES ('installation', 'organization', 1172) ON CONFLICT DO UPDATE SET last = 1172`); err != nil {
		t.Fatal(err)
	}
	var org api.Organization
	r.decode(r.command("org", "create", "Acme", "--json"), &org)
	if r.org = org.ID; org.Number != 1173 {
		t.Fatalf("the organization has number %d", org.Number)
	}
	r.command("project", "create", "Space Game")
	r.server = r.serve()
	r.command("user", "create", "--email", "ada@example.com", "--name", "Ada", "--role", "owner")
	var made api.IssuedCredential
	r.decode(r.command("credential", "create", "--scheme", "testkase_pat", "--name", "CI", "--user", "ada@example.com", "--expires-in", "90d", "--rate-limit", "100000", "--json"), &made)
	r.token = made.Secret
	kase := client.New(r.server.url, r.token, nil)
	for range 4 {
		if err := kase.Call(t.Context(), http.MethodPost, "/api/v1/test-cycles?projectId=PRJ-1", map[string]any{"name": "Cycle"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	r.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		to, _ := url.Parse(r.server.url)
		fault := r.fault
		r.mu.Unlock()
		forward := httputil.NewSingleHostReverseProxy(to)
		forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
		if fault != nil {
			fault(w, req, forward)
			return
		}
		forward.ServeHTTP(w, req)
	}))
	r.proxy.Config.ErrorLog = nil
	t.Cleanup(r.proxy.Close)
	return r
}

// reporter is the program as it reports, in an environment that says nothing
// but what is given.
func (r *reported) reporter(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(r.program, append([]string{"report"}, args...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}, env...)
	return cmd
}

// report runs the reporter to its end.
func (r *reported) report(env []string, args ...string) (code int, stdout, stderr string) {
	r.t.Helper()
	var out, errs bytes.Buffer
	cmd := r.reporter(env, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	if strings.Contains(out.String()+errs.String(), r.token) {
		r.t.Errorf("the token was printed:\n%s%s", out.String(), errs.String())
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// want runs the reporter to its end, and wants its exit code.
func (r *reported) want(code int, env []string, args ...string) (stdout, stderr string) {
	r.t.Helper()
	got, stdout, stderr := r.report(env, args...)
	if got != code {
		r.t.Errorf("gatehouse report %q: exit code %d, want %d\n%s%s", args, got, code, stdout, stderr)
	}
	return stdout, stderr
}

// trouble sets what the proxy does.
func (r *reported) trouble(fault func(http.ResponseWriter, *http.Request, http.Handler)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = fault
}

// stored counts the results of the last run, and the runs there are.
func (r *reported) stored() (results, runs int) {
	r.t.Helper()
	err := r.db.QueryRow(`SELECT (SELECT COUNT(*) FROM test_results WHERE run_id = (SELECT MAX(id) FROM test_runs)), (SELECT COUNT(*) FROM test_runs)`).Scan(&results, &runs)
	if err != nil {
		r.t.Fatal(err)
	}
	return results, runs
}

// environment is that of a reporter with address and token.
func (r *reported) environment() []string {
	return []string{"GATEHOUSE_URL=" + r.proxy.URL, "GATEHOUSE_TOKEN=" + r.token}
}

// junitFile writes a file of so many results, of which some fail; no two are alike.
func junitFile(t *testing.T, n, failed int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "junit.xml")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	writeJUnit(file, n, failed)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeJUnit(file *os.File, n, failed int) {
	fmt.Fprintf(file, "<testsuite name=\"%s\" tests=\"%d\">\n", filepath.Base(filepath.Dir(file.Name())), n)
	for i := range n {
		fmt.Fprintf(file, `<testcase classname="com.example.suite%d.CheckoutTest" name="places order %d with a voucher" file="src/test/Checkout%d.java" line="%d" time="0.%03d"`, i/100, i, i/100, i%500+1, i%1000)
		if i >= n-failed {
			fmt.Fprintf(file, "><failure message=\"expected %d, was %d\">at com.example.CheckoutTest(Checkout.java:%d)</failure></testcase>\n", i, i+1, i)
			continue
		}
		fmt.Fprint(file, "/>\n")
	}
	fmt.Fprint(file, "</testsuite>\n")
}

// TestTK28_TK29_TK30_TK31_TKD3_Call makes the documented call as it is printed,
// and the short one, and looks at what is stored then.
func TestTK28_TK29_TK30_TK31_TKD3_Call(t *testing.T) {
	t.Parallel()
	r := newReported(t)
	dir := filepath.Dir(junitFile(t, 1, 0))
	if err := os.Mkdir(filepath.Join(dir, "test-results"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "junit.xml"), filepath.Join(dir, "test-results", "junit.xml")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "test-results", "junit.xml")
	const documented = `npx @testkase/reporter report --token YOUR_PAT_TOKEN --project-id PRJ-1 --org-id 1173 --cycle-id TCYCLE-5 --format junit --results-file test-results/junit.xml`
	args := strings.Fields(strings.Replace(documented, "YOUR_PAT_TOKEN", r.token, 1))[3:]
	cmd := r.reporter([]string{"GATEHOUSE_URL=" + r.proxy.URL}, args...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(text), "in TCYCLE-5\n") {
		t.Errorf("the documented call: %v\n%s", err, text)
	}
	if results, runs := r.stored(); results != 1 || runs != 1 {
		t.Errorf("%d results in %d runs", results, runs)
	}
	r.want(0, nil, "--url", r.proxy.URL, "--token", r.token, "--results-file", file)
	environment := r.environment()
	stdout, _ := r.want(0, environment, "--results-file", file, "--json", "--build-id", "b7", "--commit", "c0ffee", "--branch", "main", "--name", "nightly", "--report-skipped-as", "blocked", "--verbose")
	var d struct {
		Run api.Run `json:"run"`
	}
	if err := json.Unmarshal([]byte(stdout), &d); err != nil || d.Run.Cycle != "TCYCLE-1" || d.Run.Build != "b7" || d.Run.Commit != "c0ffee" || d.Run.Branch != "main" || d.Run.Name != "nightly" {
		t.Errorf("%v: %s", err, stdout)
	}
	secret := filepath.Join(dir, "token")
	if err := os.WriteFile(secret, []byte(r.token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.want(0, environment[:1], "--results-file", file, "--token-file", secret)
	r.want(0, append(environment[:1:1], "TESTKASE_PAT="+r.token, "TESTKASE_API_KEY=wrong"), "--results-file", file)
	r.want(0, append(environment[:1:1], "TESTKASE_API_KEY="+r.token), "--results-file", file)
	r.want(4, append(environment[:1:1], "GATEHOUSE_TOKEN=tk_pat_wrong-token", "TESTKASE_PAT="+r.token), "--results-file", file)
	r.want(0, append(environment[:1:1], "GATEHOUSE_TOKEN=tk_pat_wrong-token"), "--results-file", file, "--token", r.token)
	r.want(2, environment, "--results-file", file, "--token", r.token, "--token-file", secret)
	r.want(2, environment[:1], "--results-file", file)
	r.want(2, environment, "--results-file", "-", "--token-stdin")
	r.want(2, environment, "--results-file", file, "--no-such-flag")
	r.want(0, nil, "--results-file", file, "--dry-run")
	piped := r.reporter(environment[:1], "--results-file", file, "--token-stdin")
	piped.Stdin = strings.NewReader(r.token + "\n")
	if text, err := piped.CombinedOutput(); err != nil {
		t.Errorf("--token-stdin: %v\n%s", err, text)
	}
	if _, runs := r.stored(); runs != 3 { // TCYCLE-5, the short call and its like, the nightly
		t.Errorf("there are %d runs, want 3", runs)
	}
	_, stderr := r.want(4, environment, "--results-file", file, "--cycle-id", "TCYCLE-99")
	r.want(4, environment, "--results-file", file, "--org-id", "1174")
	r.want(4, environment, "--results-file", file, "--project-id", "PRJ-9")
	if !strings.Contains(stderr, "TCYCLE") && !strings.Contains(stderr, "cycle") {
		t.Errorf("of a cycle that isn't there it says: %s", stderr)
	}
}

// TestReportOnce makes all kinds of trouble between the reporter and a real
// server: results are there once, whatever happens.
func TestReportOnce(t *testing.T) {
	t.Parallel()
	r := newReported(t)
	const results = 2200
	var seen sync.Map
	first := func(req *http.Request) bool {
		_, again := seen.LoadOrStore(req.Method+req.URL.Path, true)
		return !again
	}
	for _, row := range []struct {
		name  string
		fault func(w http.ResponseWriter, req *http.Request, forward http.Handler)
	}{
		{"none", nil},
		{"every first answer is 429", func(w http.ResponseWriter, req *http.Request, forward http.Handler) {
			if first(req) {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			forward.ServeHTTP(w, req)
		}},
		{"every first answer is 503", func(w http.ResponseWriter, req *http.Request, forward http.Handler) {
			if first(req) {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			forward.ServeHTTP(w, req)
		}},
		{"every first connection breaks", func(w http.ResponseWriter, req *http.Request, forward http.Handler) {
			if first(req) {
				panic(http.ErrAbortHandler)
			}
			forward.ServeHTTP(w, req)
		}},
		{"every first answer is lost", func(w http.ResponseWriter, req *http.Request, forward http.Handler) {
			if first(req) {
				forward.ServeHTTP(httptest.NewRecorder(), req)
				panic(http.ErrAbortHandler)
			}
			forward.ServeHTTP(w, req)
		}},
	} {
		seen.Clear()
		r.trouble(row.fault)
		file := junitFile(t, results, 3)
		_, before := r.stored()
		for range 2 { // the same again is the same run
			stdout, stderr := r.want(0, r.environment(), "--results-file", file, "--commit", row.name)
			if n, runs := r.stored(); n != results || runs != before+1 || !strings.Contains(stdout, "\n        3  failed\n") {
				t.Errorf("%s: %d results, %d runs more\n%s%s", row.name, n, runs-before, stdout, stderr)
			}
		}
	}
	r.trouble(nil)
	file := junitFile(t, results, 3)
	_, before := r.stored()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { r.want(0, r.environment(), "--results-file", file) })
	}
	all.Wait()
	if n, runs := r.stored(); n != results || runs != before+1 {
		t.Errorf("three at once: %d results, %d runs more", n, runs-before)
	}
	if r.want(1, r.environment(), "--results-file", file, "--fail-on", "failed"); t.Failed() {
		return
	}
	r.shards(before + 1)
}

// shards reports the parts of a run from several processes.
func (r *reported) shards(before int) {
	r.t.Helper()
	for i := range 3 {
		file := junitFile(r.t, 100+i, 0)
		stdout, _ := r.want(0, append(r.environment(), "GITLAB_CI=true", "CI_PIPELINE_ID=77", "CI_JOB_NAME=rspec "+strconv.Itoa(i+1)+"/3"),
			"--results-file", file, "--shard", strconv.Itoa(i+1)+"/3", "--json")
		var d struct {
			Run api.Run `json:"run"`
		}
		if err := json.Unmarshal([]byte(stdout), &d); err != nil || (d.Run.Status == "passed") != (i == 2) {
			r.t.Errorf("part %d: the run is %s, %v", i+1, d.Run.Status, err)
		}
	}
	if n, runs := r.stored(); n != 303 || runs != before+1 {
		r.t.Errorf("in parts: %d results, %d runs more", n, runs-before)
	}
}

// TestReportKilled kills the reporter and the server in the middle of an
// upload: the next attempt completes it, and nothing is there twice.
func TestReportKilled(t *testing.T) {
	t.Parallel()
	r := newReported(t)
	const results = 3100
	file := junitFile(t, results, 0)
	reached, released := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r.trouble(func(w http.ResponseWriter, req *http.Request, forward http.Handler) {
		if strings.HasSuffix(req.URL.Path, "/batches/3") {
			once.Do(func() { close(reached) })
			<-released
		}
		forward.ServeHTTP(w, req)
	})
	cmd := r.reporter(r.environment(), "--results-file", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-reached:
	case <-time.After(patience):
		t.Fatal("the third batch is never sent")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	close(released)
	r.trouble(nil)
	_, stderr := r.want(0, r.environment(), "--results-file", file)
	if n, runs := r.stored(); n != results || runs != 1 || !strings.Contains(stderr, "are stored already") {
		t.Errorf("after the reporter was killed: %d results in %d runs\n%s", n, runs, stderr)
	}

	file = junitFile(t, results, 0)
	kill := sync.OnceFunc(func() {
		r.server.kill()
		next := r.serve()
		r.mu.Lock()
		r.server = next
		r.mu.Unlock()
	})
	r.trouble(func(w http.ResponseWriter, req *http.Request, forward http.Handler) {
		if strings.HasSuffix(req.URL.Path, "/batches/3") {
			kill()
		}
		forward.ServeHTTP(w, req)
	})
	_, stderr = r.want(0, r.environment(), "--results-file", file)
	if n, runs := r.stored(); n != results || runs != 2 || !strings.Contains(stderr, "trying again") {
		t.Errorf("after the server was killed: %d results in %d runs\n%s", n, runs, stderr)
	}
}

// TestReportChanges wants what a run changed to be told, and its attachments to
// be kept, by a real server.
func TestReportChanges(t *testing.T) {
	t.Parallel()
	r := newReported(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const head, ok, wrong = `<testsuite name="shop"><testcase classname="Cart" name="[10001] adds">`, `</testcase><testcase classname="Cart" name="pays"/></testsuite>`,
		`<failure message="no">[[ATTACHMENT|shot.png]]</failure>`
	shot := write("shot.png", "a picture")
	environment := append(r.environment(), "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=o/r", "GITHUB_JOB=test", "GITHUB_REF=refs/heads/main")
	report := func(run, file string, code int, args ...string) (string, string) {
		return r.want(code, append(environment, "GITHUB_RUN_ID="+run), append([]string{"--results-file", file, "--fail-on", "new-failures"}, args...)...)
	}
	good, bad := write("good.xml", head+ok), write("bad.xml", head+wrong+ok)
	report("1", good, 0)
	stdout, stderr := report("2", bad, 1, "--attach", shot)
	if !strings.Contains(stdout, "        1  newly failing\n") || !strings.Contains(stdout, "        1  attachments\n") || !strings.Contains(stderr, "\n::error title=Cart › [10001] adds::no\n") {
		t.Errorf("a new failure:\n%s%s", stdout, stderr)
	}
	report("3", bad, 0)
	stdout, _ = report("4", good, 0, "--json")
	var d struct {
		Changes api.RunChanges `json:"changes"`
		Run     api.Run        `json:"run"`
	}
	if err := json.Unmarshal([]byte(stdout), &d); err != nil || len(d.Changes.Fixed) != 1 || d.Run.CI == nil || d.Run.CI.Pipeline != "4" || d.Run.Branch != "main" {
		t.Errorf("%v: %s", err, stdout)
	}
	r.want(1, environment, "--results-file", good, "--strict")
}
