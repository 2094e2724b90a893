package report

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
)

// trouble is what happens to some requests before a server answers well.
type trouble struct {
	on    string // in method and path
	how   string // 429, 503, …; reset: nobody answers; lost: it is done, and the answer gets lost; hang: no answer comes
	after string // Retry-After
	code  string // of the problem
	times int    // 0: once; -1: always
}

// memory is a server that keeps runs in memory, as the real one keeps them.
type memory struct {
	*httptest.Server
	mu       sync.Mutex
	trouble  []trouble
	calls    []string
	headers  []http.Header
	runs     map[string]*memoryRun // by key
	files    map[string]bool
	changes  api.RunChanges
	matched  bool // all results match
	projects []string
	self     api.Self
}

type memoryRun struct {
	api.Run
	uploads map[string]*memoryUpload
}

type memoryUpload struct {
	api.DeclareUpload
	batches map[int][32]byte
	results []api.Result
}

const memoryToken = "tk_pat_0123456789abcdefghijABCDEFGHIJ"

func newMemory(t *testing.T, troubles ...trouble) *memory {
	t.Helper()
	m := &memory{trouble: troubles, runs: map[string]*memoryRun{}, files: map[string]bool{}, matched: true, projects: []string{"PRJ-1"}}
	m.self = api.Self{Organization: "11111111-1111-7111-8111-111111111111", Subject: api.Subject{Type: "user"}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth2/token", m.tradeToken)
	const project = "/v1/organizations/{organization}/projects/{project}"
	for pattern, answer := range map[string]func(*http.Request, []byte) (int, any){
		"GET /healthz": func(*http.Request, []byte) (int, any) { return 200, api.Health{Status: "ok"} },
		"GET /v1/self": func(*http.Request, []byte) (int, any) { return 200, m.self },
		"GET /v1/organizations/{organization}/projects":          m.listProjects,
		"POST " + project + "/runs":                              m.startRun,
		"PUT " + project + "/runs/{run}/uploads/{u}":             m.declare,
		"PUT " + project + "/runs/{run}/uploads/{u}/batches/{b}": m.store,
		"GET " + project + "/runs/{run}":                         func(r *http.Request, _ []byte) (int, any) { return 200, m.find(r).Run },
		"GET " + project + "/runs/{run}/changes":                 func(*http.Request, []byte) (int, any) { return 200, m.changes },
		"GET " + project + "/runs/{run}/results":                 m.results,
		"POST " + project + "/runs/{run}/files":                  m.keepFile,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { m.serve(w, r, answer) })
	}
	m.Server = httptest.NewServer(mux)
	t.Cleanup(m.Close)
	return m
}

func problem(status int, code string) (int, any) {
	return status, api.Problem{Status: status, Code: code, Detail: "it is so: " + code}
}

// serve answers, unless there is trouble.
func (m *memory) serve(w http.ResponseWriter, r *http.Request, answer func(*http.Request, []byte) (int, any)) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	text, _ := io.ReadAll(body)
	m.mu.Lock()
	call := r.Method + " " + r.URL.Path
	m.calls, m.headers = append(m.calls, call), append(m.headers, r.Header.Clone())
	now := trouble{}
	for i, tr := range m.trouble {
		if strings.Contains(call, tr.on) {
			now = tr
			if tr.times >= 0 {
				if m.trouble[i].times--; m.trouble[i].times <= 0 {
					m.trouble = slices.Delete(m.trouble, i, i+1)
				}
			}
			break
		}
	}
	m.mu.Unlock()
	switch now.how {
	case "reset":
		panic(http.ErrAbortHandler)
	case "hang":
		<-r.Context().Done()
		return
	}
	status, out := 0, any(nil)
	switch {
	case now.how == "" || now.how == "lost":
		if r.Header.Get("Authorization") != "Bearer "+memoryToken && r.URL.Path != "/healthz" {
			status, out = problem(401, "unauthenticated")
			break
		}
		m.mu.Lock()
		status, out = answer(r, text)
		m.mu.Unlock()
	default:
		_, _ = fmt.Sscan(now.how, &status)
		status, out = problem(status, first(now.code, "trouble"))
		if now.code == "-" {
			out = "bad gateway"
		}
	}
	if now.how == "lost" {
		panic(http.ErrAbortHandler)
	}
	if now.after != "" {
		w.Header().Set("Retry-After", now.after)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out)
}

// tradeToken trades each identity token once, for a token that lasts 15 minutes.
func (m *memory) tradeToken(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls, m.headers = append(m.calls, "POST "+r.URL.Path), append(m.headers, http.Header{"Authorization": {"none"}})
	switch identity := r.FormValue("subject_token"); {
	case len(m.trouble) > 0 && m.trouble[0].on == "/oauth2/token":
		status := 0
		_, _ = fmt.Sscan(m.trouble[0].how, &status)
		m.trouble = m.trouble[1:]
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error":"temporarily_unavailable"}`)
	case identity != "an.identity.token":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_request","error_description":"nobody trusts it"}`)
	default:
		_, _ = io.WriteString(w, `{"access_token":"`+memoryToken+`","expires_in":900,"token_type":"Bearer"}`)
	}
}

func (m *memory) listProjects(*http.Request, []byte) (int, any) {
	list := api.List[api.Project]{Items: []api.Project{}}
	for _, p := range m.projects {
		list.Items = append(list.Items, api.Project{TestKaseID: p, State: "active"})
	}
	return 200, list
}

func (m *memory) startRun(r *http.Request, body []byte) (int, any) {
	var in api.StartRun
	if json.Unmarshal(body, &in) != nil || in.Key == "" || r.PathValue("project") == "" {
		return problem(422, "invalid")
	}
	if known := m.runs[in.Key]; known != nil {
		if known.Shards != max(1, in.Shards) {
			return problem(409, "conflict")
		}
		return 200, known.Run
	}
	run := &memoryRun{uploads: map[string]*memoryUpload{}}
	run.ID = fmt.Sprintf("00000000-0000-7000-8000-%012d", len(m.runs)+1)
	run.Number, run.Key, run.Name, run.Cycle, run.Status = int64(len(m.runs)+1), in.Key, in.Name, first(in.Cycle, "TCYCLE-1"), "in_progress"
	run.Commit, run.Branch, run.CI, run.Shards, run.Build = in.Commit, in.Branch, in.CI, max(1, in.Shards), in.Build
	m.runs[in.Key] = run
	return 201, run.Run
}

func (m *memory) find(r *http.Request) *memoryRun {
	for _, run := range m.runs {
		if run.ID == r.PathValue("run") {
			return run
		}
	}
	return &memoryRun{}
}

func (m *memory) declare(r *http.Request, body []byte) (int, any) {
	var in api.DeclareUpload
	run := m.find(r)
	if json.Unmarshal(body, &in) != nil || run.ID == "" {
		return problem(404, "not_found")
	}
	u := run.uploads[r.PathValue("u")]
	switch {
	case u == nil:
		u = &memoryUpload{in, map[int][32]byte{}, nil}
		run.uploads[r.PathValue("u")] = u
		run.SuiteErrors += in.SuiteErrors
	case u.Digest != in.Digest || u.Batches != in.Batches:
		return problem(409, "conflict")
	}
	out := api.Upload{Name: r.PathValue("u"), Digest: u.Digest, Batches: u.Batches, Missing: []int{}, Complete: len(u.batches) == u.Batches}
	for n := 1; n <= u.Batches && len(out.Missing) < 1000; n++ {
		if _, stored := u.batches[n]; !stored {
			out.Missing = append(out.Missing, n)
		}
	}
	return 200, out
}

func (m *memory) store(r *http.Request, body []byte) (int, any) {
	var in api.ResultBatch
	run := m.find(r)
	u := run.uploads[r.PathValue("u")]
	n := 0
	_, _ = fmt.Sscan(r.PathValue("b"), &n)
	if u == nil || n < 1 || n > u.Batches || json.Unmarshal(body, &in) != nil || len(in.Results) > 1000 || len(body) > 4<<20 {
		return problem(422, "invalid")
	}
	sum := sha256.Sum256(body)
	if before, stored := u.batches[n]; stored {
		if before != sum {
			return problem(409, "conflict")
		}
		return 200, api.StoredBatch{Repeated: true, Run: run.Run}
	}
	u.batches[n], u.results = sum, append(u.results, in.Results...)
	for _, one := range in.Results {
		run.Counts.Total++
		if m.matched {
			run.Matched++
		}
		if one.Status == "failed" {
			run.Counts.Failed++
		}
	}
	return 200, api.StoredBatch{Run: run.Run}
}

func (m *memory) results(r *http.Request, _ []byte) (int, any) {
	list := api.List[api.RunResult]{Items: []api.RunResult{}}
	for _, u := range m.find(r).uploads {
		for _, one := range u.results[:min(len(u.results), 10)] {
			list.Items = append(list.Items, api.RunResult{Result: one})
		}
	}
	return 200, list
}

func (m *memory) keepFile(r *http.Request, body []byte) (int, any) {
	_, boundary, _ := strings.Cut(r.Header.Get("Content-Type"), "boundary=")
	for part := range bytes.SplitSeq(body, []byte("--"+boundary)) {
		if head, content, ok := strings.Cut(string(part), "\r\n\r\n"); ok {
			_, name, _ := strings.Cut(head, "filename=")
			name, _, _ = strings.Cut(name, "\r\n")
			if strings.Contains(name, "refused") {
				return problem(413, "too_large")
			}
			m.files[name+content] = true
		}
	}
	return 201, api.Empty{}
}

// stored returns the results that a server has, over all runs.
func (m *memory) stored() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, run := range m.runs {
		for _, u := range run.uploads {
			n += len(u.results)
		}
	}
	return n
}

// count returns how many calls there were to what has a text in it.
func (m *memory) count(text string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, call := range m.calls {
		if strings.Contains(call, text) {
			n++
		}
	}
	return n
}

// said is what a report said.
type said struct {
	code           Code
	stdout, stderr string
	waits          []time.Duration
}

// reports makes a report to a server.
func (m *memory) report(t *testing.T, o Options, env ...string) said {
	t.Helper()
	o.URL, o.Token = first(o.URL, m.URL), first(o.Token, memoryToken)
	return reportWith(t, o, env...)
}

// reportWith makes a report; env are names and values.
func reportWith(t *testing.T, o Options, env ...string) said {
	t.Helper()
	var stdout, stderr bytes.Buffer
	var got said
	values := map[string]string{}
	for i := 0; i+1 < len(env); i += 2 {
		values[env[i]] = env[i+1]
	}
	transport := &http.Transport{DisableKeepAlives: true} // with them, net/http repeats some attempts by itself
	skew, attempt := time.Duration(0), 20*time.Second
	if values["impatient"] != "" {
		attempt = time.Second
	}
	got.code = Run(t.Context(), o, Surroundings{
		Now: func() time.Time {
			if values["late"] != "" {
				skew += 5 * time.Minute
			}
			return time.Now().Add(skew)
		},
		Getenv: func(name string) string { return values[name] }, Stdin: strings.NewReader(values["stdin"]), Stdout: &stdout, Stderr: &stderr,
		Transport: transport, Attempt: attempt, Terminal: values["terminal"] != "",
		Sleep: func(ctx context.Context, d time.Duration) error {
			got.waits = append(got.waits, d)
			return ctx.Err()
		},
	})
	got.stdout, got.stderr = stdout.String(), stderr.String()
	if token := first(o.Token, "\x00"); strings.Contains(got.stdout+got.stderr, token) {
		t.Errorf("the token was printed:\n%s%s", got.stdout, got.stderr)
	}
	return got
}

// junit writes a file of so many results, of which some failed.
func junit(t *testing.T, n, failed int) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `<testsuite name="suite" tests="%d">`, n)
	for i := range n {
		fmt.Fprintf(&b, `<testcase classname="pkg.Class" name="case %d" time="0.01">`, i)
		if i < failed {
			fmt.Fprintf(&b, `<failure message="it is wrong %d">at line %d</failure>`, i, i)
		}
		b.WriteString("</testcase>\n")
	}
	b.WriteString("</testsuite>\n")
	return write(t, "junit.xml", b.String())
}

// write makes a file in a directory of its own.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// want holds a report to its code.
func (got said) want(t *testing.T, what string, code Code) {
	t.Helper()
	if got.code != code {
		t.Errorf("%s: exit code %d, want %d\n%s%s", what, got.code, code, got.stdout, got.stderr)
	}
}

// asURL is where nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	return u.String()
}
