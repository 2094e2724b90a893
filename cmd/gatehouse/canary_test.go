package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
)

// A canary is a secret that must be seen in one answer and nowhere else.
type canary struct{ name, text string }

// forms are the ways in which a secret could stand somewhere.
func (c canary) forms() map[string]string {
	text := []byte(c.text)
	backwards := slices.Clone(text)
	slices.Reverse(backwards)
	sum := sha256.Sum256(text)
	forms := map[string]string{
		"raw": c.text, "reversed": string(backwards), "hex": hex.EncodeToString(text), "HEX": strings.ToUpper(hex.EncodeToString(text)),
		"SHA-256": string(sum[:]), "hex of the SHA-256": hex.EncodeToString(sum[:]), "query": url.QueryEscape(c.text),
	}
	for _, format := range []string{"%%%02x", "%%%02X"} {
		var escaped strings.Builder
		for _, b := range text {
			fmt.Fprintf(&escaped, format, b)
		}
		forms["escaped "+format] = escaped.String()
	}
	for shift, first := range []int{0, 2, 3} { // whole characters only: the others depend on what stands beside it
		whole := base64.StdEncoding.EncodeToString(append(make([]byte, shift), text...))[first : (shift+len(text))*8/6]
		forms[fmt.Sprint("base64, ", shift)] = whole
		forms[fmt.Sprint("base64url, ", shift)] = strings.NewReplacer("+", "-", "/", "_").Replace(whole)
	}
	return forms
}

// A haystack is something that was written somewhere.
type haystack struct{ where, text string }

// sightings counts in how many places a canary stands raw, and lists the other
// forms that stand anywhere.
func (c canary) sightings(stacks []haystack) (raw []string, other []string) {
	for form, text := range c.forms() {
		for _, s := range stacks {
			switch n := strings.Count(s.text, text); {
			case n > 0 && text == c.text:
				if form == "raw" {
					raw = append(raw, slices.Repeat([]string{s.where}, n)...)
				}
			case n > 0:
				other = append(other, form+" in "+s.where)
			}
		}
	}
	return raw, other
}

// A canaryRun is a server of the real binary, and all that was seen of it.
type canaryRun struct {
	t        *testing.T
	binary   string
	dir      string
	env      []string
	server   *exec.Cmd
	url      string
	canaries []canary
	answers  []haystack // of HTTP and of the command line
	others   []haystack // everything else
	stderr   canaryLog
	told     canaryLog // what the endpoint of a webhook got
}

type canaryLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *canaryLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *canaryLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newCanaryRun(t *testing.T, binary, database string) *canaryRun {
	t.Helper()
	r := &canaryRun{t: t, binary: binary, dir: t.TempDir(), env: []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "GATEHOUSE_WEBHOOK_LOOPBACK=yes"}}
	if database != "" {
		u, err := url.Parse(database)
		if err != nil {
			t.Fatal(err)
		}
		password := rand.Text() // the test server doesn't ask for it
		u.User = url.UserPassword(u.User.Username(), password)
		r.env = append(r.env, "GATEHOUSE_DATABASE_URL="+u.String())
		r.canaries = append(r.canaries, canary{"the database's password", password})
	}
	return r
}

// start runs the server and reads the line that says where.
func (r *canaryRun) start() (line announcement) {
	r.t.Helper()
	r.server = exec.Command(r.binary, "serve", "--json", "--listen", "127.0.0.1:0", "--log-level", "debug", "--data", r.dir)
	r.server.Env, r.server.Stderr = r.env, &r.stderr
	out, err := r.server.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.server.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = r.server.Process.Kill() })
	reader := bufio.NewReader(out)
	first, err := reader.ReadString('\n')
	if err != nil {
		r.t.Fatalf("the server said nothing: %v\n%s", err, r.stderr.String())
	}
	if err := json.Unmarshal([]byte(first), &line); err != nil {
		r.t.Fatal(err)
	}
	r.url = line.URL
	r.answers = append(r.answers, haystack{"standard output", first})
	for _, name := range []string{"cmdline", "status", "comm"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", r.server.Process.Pid, name))
		if err != nil {
			r.t.Fatal(err)
		}
		r.others = append(r.others, haystack{"/proc/PID/" + name, string(text)})
	}
	go func() { _, _ = io.Copy(&r.stderr, reader) }() // nothing more is expected
	return line
}

// end stops the server and waits for it.
func (r *canaryRun) end(signal syscall.Signal) {
	r.t.Helper()
	_ = r.server.Process.Signal(signal)
	ended := make(chan error, 1)
	go func() { ended <- r.server.Wait() }()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		r.t.Fatal("the server doesn't end")
	}
	r.others = append(r.others, haystack{"the log", r.stderr.String()})
}

// command runs the command line with an input, and keeps what it prints.
func (r *canaryRun) command(stdin string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command(r.binary, append([]string{"--data", r.dir, "--json"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = r.env, strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		r.t.Fatalf("gatehouse %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	r.answers = append(r.answers, haystack{"gatehouse " + args[0], stdout.String()})
	r.others = append(r.others, haystack{"messages of gatehouse " + args[0], stderr.String()}, haystack{"arguments of gatehouse " + args[0], strings.Join(cmd.Args, "\x00")})
	return stdout.String()
}

// call makes an HTTP call with any headers and keeps the answer.
func (r *canaryRun) call(method, path, body string, header ...string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	if body != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	r.answers = append(r.answers, haystack{method + " (a path)", fmt.Sprint(resp.Header) + string(text)})
	return resp.StatusCode, string(text)
}

// issued is a call, with a path and a body, that hands out a secret, which
// becomes a canary.
func (r *canaryRun) issued(name, as string, call [2]string, header ...string) api.IssuedCredential {
	r.t.Helper()
	status, text := r.call(http.MethodPost, call[0], call[1], append(header, "Authorization", "Bearer "+as)...)
	return r.keep(name, status, text)
}

func (r *canaryRun) keep(name string, status int, text string) (out api.IssuedCredential) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(text), &out); err != nil || status > 299 || out.Secret == "" {
		r.t.Fatalf("%s: got %d %s", name, status, text)
	}
	r.canaries = append(r.canaries, canary{name, out.Secret})
	return out
}

// planted is found wherever names are, which proves that the search works.
const planted = "planted-7Qm2vK9sXw4LrT8bNc3Zd6Hy"

// prepare sets the installation up and returns a key with every permission and
// a token of the owner.
func (r *canaryRun) prepare(line announcement) (key, token string) {
	setup, password := line.SetupCode, "correct horse "+rand.Text()
	r.canaries = append(r.canaries, canary{"the set-up code", setup}, canary{"the owner's password", password})
	body := func(code string) string {
		return `{"code":"` + code + `","organization":"Acme","name":"Ada","email":"ada@acme.test","password":"` + password + `"}`
	}
	for _, wrong := range []string{setup[:len(setup)-1] + "!", setup + "0"} {
		r.call("POST", "/v1/setup", body(wrong))
	}
	r.call("POST", "/v1/setup", `{"code":"`+setup+`","organization":"","name":"Ada","email":"ada@acme.test","password":"`+password+`"}`)
	r.call("POST", "/v1/setup?token="+setup, body(setup))
	r.call("GET", "/v1/self", "", "Authorization", "Bearer "+setup)
	status, text := r.call("POST", "/v1/setup", body(setup))
	var made api.SetupResult
	if err := json.Unmarshal([]byte(text), &made); err != nil || status != http.StatusCreated {
		r.t.Fatalf("set-up: %d %s", status, text)
	}
	r.canaries = append(r.canaries, canary{"the first key", made.Credential.Secret})
	r.call("POST", "/v1/setup", body(setup))
	second := "another phrase " + rand.Text()
	r.canaries = append(r.canaries, canary{"a member's password", second})
	r.command(second+"\n", "user", "create", "--email", "bob@acme.test", "--name", "Bob", "--password-stdin")
	r.command("", "project", "create", "Alpha")
	out := r.keep("a token from the command line", 200, r.command("", "credential", "create", "--scheme", "testkase_pat", "--name", planted, "--user", "ada@acme.test", "--expires-in", "90d"))
	return made.Credential.Secret, out.Secret
}

// canaryRequests has what issues a credential of every scheme.
func canaryRequests() map[string]string {
	return map[string]string{
		"betatesting_static": `{}`, "betatesting_client": `{}`, "betahub_pat": `{}`, "onetest_key": `{"project":"PRJ-1"}`,
		"betahub_project_token": `{"project":"PRJ-1","scopes":["can_create_bug_report"]}`, "bunship_live": `{"scopes":["*"]}`, "bunship_test": `{"scopes":["*"]}`,
		"testkase_pat": `{"expires_in":"90d"}`, "gatehouse_key": `{"scopes":["projects:read"]}`,
	}
}

// live takes a credential of a scheme through everything that may happen to it.
func (r *canaryRun) live(scheme, request, as, key string) {
	r.t.Helper()
	body := strings.Replace(request, "{", `{"scheme":"`+scheme+`","name":"`+scheme+`",`, 1)
	body = strings.Replace(body, ",}", "}", 1)
	issue := [2]string{"/v1/credentials", body}
	r.issued(scheme, as, issue, "Idempotency-Key", "issue "+scheme)
	c := r.issued(scheme+", repeated", as, issue, "Idempotency-Key", "issue "+scheme)
	r.stray(c.Secret, key)
	rotate := [2]string{"/v1/credentials/" + c.ID + "/rotate", `{"grace":"1h"}`}
	r.issued(scheme+", rotated", as, rotate, "Idempotency-Key", "rotate "+scheme)
	next := r.issued(scheme+", rotated and repeated", as, rotate, "Idempotency-Key", "rotate "+scheme)
	bearer := []string{"Authorization", "Bearer " + key}
	for _, step := range [][3]string{
		{"GET", "", ""}, {"PATCH", "", `{"name":"renamed ` + scheme + `"}`}, {"POST", "/suspend", ""}, {"POST", "/resume", ""}, {"PATCH", "", `{"allowed_addresses":["10.0.0.0/99"]}`},
		{"POST", "/revoke", ""}, {"GET", "", ""}, {"POST", "/rotate", "{}"},
	} {
		for _, secret := range []string{c.Secret, next.Secret} {
			r.call("POST", "/v1/verify", `{"credential":"`+secret+`","permission":"issues:read"}`, bearer...)
			r.call("GET", "/v1/self", "", "Authorization", "Bearer "+secret)
			r.call("GET", "/v1/self", "", "X-API-Key", secret)
		}
		r.call(step[0], "/v1/credentials/"+c.ID+step[1], step[2], bearer...)
	}
	r.stray(next.Secret, key)
}

// stray puts a secret, and one with a wrong end, where none belongs.
func (r *canaryRun) stray(secret, key string) {
	bearer := []string{"Authorization", "Bearer " + key}
	wrong := secret[:len(secret)-1] + map[bool]string{true: "1", false: "0"}[strings.HasSuffix(secret, "0")]
	for _, s := range []string{secret, wrong} {
		for _, path := range []string{"/" + s, "/v1/credentials/" + s, "/v1/credentials/" + s + "/revoke", "/v1/self?token=" + s, "/v1/self?q=" + s, "/v1/credentials?cursor=" + s, "/v1/organizations/" + s + "/members"} {
			r.call("GET", path, "", bearer...)
			r.call("POST", path, "", bearer...)
		}
		for _, h := range [][2]string{
			{"Authorization", s}, {"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("x:"+s))}, {"Authorization", "FormUser " + s + ",email:a@b.test"}, {"Authorization", "Token " + s},
			{"Cookie", "session=" + s}, {"X-Auth-Token", s}, {"Referer", "https://x.test/?token=" + s}, {"X-Forwarded-For", s}, {"X-Request-Id", s}, {"Origin", "https://" + s}, {"Content-Type", s},
		} {
			r.call("GET", "/v1/self", "", h[0], h[1])
		}
		r.call("GET", "/v1/self", "", "Authorization", "Bearer "+s, "X-API-Key", s)
		r.call("POST", "/v1/credentials", `{"scheme":"gatehouse_key","name":"n","scopes":["projects:read"]}`, append([]string{"Idempotency-Key", s, "Idempotency-Key", s}, bearer...)...)
		for _, member := range []string{"scheme", "organization", "project", "user", "expires_at", "expires_in", "not_before"} {
			r.call("POST", "/v1/credentials", `{"`+member+`":"`+s+`"}`, bearer...)
		}
		r.call("POST", "/v1/verify", `{"credential":"`+s+`","address":"`+s+`","project":"`+s+`"}`, bearer...)
		r.call("POST", "/v1/verify", `{"credential":"`+s, bearer...)
		r.call("POST", "/v1/verify", s, bearer...)
	}
	r.call("POST", "/v1/revoke", `{"credential":"`+wrong+`"}`)
}
