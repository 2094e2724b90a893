package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// receivedLaunch is a product to which an agent that others wrote has reported a
// suite of tests, and what is to be seen of it there.
type receivedLaunch struct {
	*whole
	product, output string
	key             func(*http.Request)
	launch          map[string]any
	items           map[string]map[string]any // by UUID
}

// reportByAgent runs a suite of testdata/agents by an unmodified agent.
func reportByAgent(t *testing.T, suite, version string, command ...string) *receivedLaunch {
	t.Parallel()
	r := &receivedLaunch{whole: newWhole(t, storetest.SQLite(t))}
	var p api.Project
	r.must("POST", "/v1/organizations/"+r.org.ID+"/projects", api.CreateProject{Name: "Space Game"}, &p)
	secret := r.issue(api.CreateCredential{Scheme: "onetest_key", Name: "Nightly Reporter", Project: p.ID, Scopes: []string{"autotests:write", "autotests:read", "artifacts:read", "testcases:write"}}).Secret
	r.product, r.key = p.ID, as(secret)
	a := r.send("POST", "/api/test-management/api/v1/products/"+p.ID+"/test-cases", map[string]any{"title": "Valid login"}, r.key)
	r.wantStatus("a test case", a, 201)
	storetest.Exec(t, storetest.Raw(t, r.at), `UPDATE test_cases SET automation_id = 48271`)
	r.run(suite, command, map[string]any{
		"apiKey": secret, "endpoint": r.url + "/api/receiver/api/" + version, "project": p.ID, "launch": "Nightly", "mode": "DEFAULT",
	})
	list := r.look("launch?page.page=1&page.size=1")
	if len(list) != 1 {
		t.Fatalf("there are %d launches, want 1\n%s", len(list), r.output)
	}
	r.launch, r.items = list[0], map[string]map[string]any{}
	for _, i := range r.look(fmt.Sprintf("item?filter.eq.launchId=%v&page.size=300", r.launch["id"])) {
		r.items[i["uuid"].(string)] = i
	}
	return r
}

// run runs the agent. That its tests fail is no failure.
func (r *receivedLaunch) run(suite string, command []string, options map[string]any) {
	t := r.t
	t.Helper()
	modules := os.Getenv("GATEHOUSE_TEST_NODE_MODULES")
	if modules == "" {
		t.Fatal("GATEHOUSE_TEST_NODE_MODULES is not set: run make test, or scripts/with-services go test …")
	}
	dir := t.TempDir()
	if err := errors.Join(os.CopyFS(dir, os.DirFS("testdata/agents/"+suite)), os.Symlink(modules, filepath.Join(dir, "node_modules"))); err != nil {
		t.Fatal(err)
	}
	agent, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 6*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append([]string{filepath.Join("node_modules", command[0])}, command[1:]...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "AGENT="+string(agent), "REPORTPORTAL_CLIENT_JS_NO_ANALYTICS=1", "TMPDIR="+t.TempDir(), "CI=1", "NO_COLOR=1")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err = cmd.Run()
	var failed *exec.ExitError
	if r.output = output.String(); err != nil && !errors.As(err, &failed) {
		t.Fatalf("%s: %v\n%s", suite, err, r.output)
	}
	if strings.Contains(r.output, "Request failed with status code") {
		t.Errorf("the agent complains of an answer:\n%s", r.output)
	}
}

// look reads what the receiver has at a path.
func (r *receivedLaunch) look(path string) (list []map[string]any) {
	r.t.Helper()
	a := r.send("GET", "/api/receiver/api/v1/"+r.product+"/"+path, nil, r.key)
	r.wantStatus(path, a, 200)
	content, _ := a.body["content"].([]any)
	for _, one := range content {
		list = append(list, one.(map[string]any))
	}
	return list
}

// tree writes down the items of the launch, each below what it is in, with type
// and status; of those that were tried again, which attempt it was. Parts of
// tests are left out.
func (r *receivedLaunch) tree() string {
	var lines []string
	for _, i := range r.items {
		if i["hasStats"] != true {
			continue
		}
		line := fmt.Sprintf("%v %v", i["type"], i["status"])
		if i["retriedBy"] != nil || i["attempt"] != 1.0 {
			line += fmt.Sprintf(" attempt %v", i["attempt"])
		}
		name := fmt.Sprint(i["name"])
		for parent, _ := i["parentUuid"].(string); parent != ""; parent, _ = r.items[parent]["parentUuid"].(string) {
			name = fmt.Sprint(r.items[parent]["name"]) + " / " + name
		}
		lines = append(lines, name+": "+line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// named finds the item of a name.
func (r *receivedLaunch) named(name string) map[string]any {
	r.t.Helper()
	for _, i := range r.items {
		if i["name"] == name {
			return i
		}
	}
	r.t.Fatalf("there is no %s in\n%s", name, r.tree())
	return nil
}

// wantFile wants a file among the logs of an item, with its bytes.
func (r *receivedLaunch) wantFile(item, name, content string) {
	r.t.Helper()
	for _, l := range r.look("log/item/" + r.named(item)["uuid"].(string)) {
		file, _ := l["binaryContent"].(map[string]any)
		if file == nil || !strings.HasSuffix(file["name"].(string), name) {
			continue
		}
		req, err := http.NewRequest("GET", fmt.Sprintf("%s/api/artifacts/api/v1/artifacts/%v/content", r.url, file["id"]), nil)
		if err != nil {
			r.t.Fatal(err)
		}
		r.key(req)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			r.t.Fatal(err)
		}
		defer res.Body.Close()
		if got, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 || string(got) != content {
			r.t.Errorf("%s is %d %q (%v), want %q", name, res.StatusCode, got, err, content)
		}
		return
	}
	r.t.Errorf("%s has no file %s", item, name)
}

// wantLog wants a log of an item.
func (r *receivedLaunch) wantLog(item, level, part string) {
	r.t.Helper()
	logs := r.look(fmt.Sprintf("log?filter.eq.item=%.0f", r.named(item)["id"]))
	for _, l := range logs {
		if l["level"] == level && strings.Contains(l["message"].(string), part) {
			return
		}
	}
	r.t.Errorf("%s has no log %s %q in %v", item, level, part, logs)
}

// want compares the tree and how the launch went, and looks for its results in
// the project: the test case that a name refers to has passed.
func (r *receivedLaunch) want(tree, statistics string) {
	r.t.Helper()
	if diff := cmp.Diff(tree, r.tree()); diff != "" {
		r.t.Errorf("(-want +got)\n%s\n%s\n%s", diff, r.tree(), r.output)
	}
	if got := fmt.Sprint(r.launch["status"], " ", r.launch["statistics"]); got != statistics || r.launch["endTime"] == nil {
		r.t.Errorf("the launch is %s, want %s", got, statistics)
	}
	if !strings.Contains(r.output, r.launch["uuid"].(string)) {
		r.t.Errorf("the agent doesn't print the link:\n%s", r.output)
	}
	a := r.send("GET", fmt.Sprintf("/v1/organizations/%s/projects/%s/runs/%v", r.org.ID, r.product, r.launch["runId"]), nil, as(r.admin()))
	if counts, _ := a.body["counts"].(map[string]any); a.status != 200 || a.body["status"] != "failed" || a.body["source"] != "launch" || a.body["matched"] != 1.0 || counts["total"] != 4.0 || counts["flaky"] != 1.0 {
		r.t.Errorf("its results are %d %s", a.status, a.text)
	}
}

// admin is a key that reads what the native API has.
func (r *receivedLaunch) admin() string {
	return r.issue(api.CreateCredential{Scheme: "gatehouse_key", Name: "looks", Scopes: []string{"results:read", "projects:read"}}).Secret
}

func TestOTD24_AgentMocha(t *testing.T) {
	r := reportByAgent(t, "mocha", "v2", "mocha/bin/mocha.js")
	r.want(`Login / [48271] valid login: STEP passed
Login / a second factor / asks for a code: STEP failed attempt 1
Login / a second factor / asks for a code: STEP passed attempt 2
Login / a second factor: SUITE passed
Login / by a key: STEP skipped
Login / clears cookies for "[48271] valid login": BEFORE_METHOD passed
Login / clears cookies for "asks for a code": BEFORE_METHOD passed
Login / clears cookies for "asks for a code": BEFORE_METHOD passed
Login / clears cookies for "wrong password": BEFORE_METHOD passed
Login / wrong password: STEP failed
Login: SUITE failed
closes the shop for "by a key": AFTER_SUITE passed
opens the shop for "[48271] valid login": BEFORE_SUITE passed
`, `failed map[failed:1 in_progress:0 passed:8 skipped:1 total:10]`)
	r.wantLog("[48271] valid login", "INFO", "typed the password")
	r.wantLog("wrong password", "ERROR", "the page stays empty")
	r.wantFile("[48271] valid login", "shot.png", "\x89PNG\r\n\x1a\nmocha")
}

func TestOTD24_AgentJest(t *testing.T) {
	r := reportByAgent(t, "jest", "v1", "jest/bin/jest.js", "--runInBand", "--watchman=false")
	r.want(`Login / [48271] valid login: STEP passed
Login / a second factor / asks for a code: STEP failed attempt 1
Login / a second factor / asks for a code: STEP passed attempt 2
Login / a second factor: SUITE passed
Login / by a key: STEP skipped
Login / wrong password: STEP failed attempt 1
Login / wrong password: STEP failed attempt 2
Login: SUITE failed
`, `failed map[failed:1 in_progress:0 passed:2 skipped:1 total:4]`)
	r.wantLog("wrong password", "ERROR", "empty")
	r.wantFile("[48271] valid login", "shot.png", "\x89PNG\r\n\x1a\njest")
}

func TestOTD24_AgentPlaywright(t *testing.T) {
	r := reportByAgent(t, "playwright", "v2", "@playwright/test/cli.js", "test")
	r.want(`login.spec.js / Login / [48271] valid login: STEP passed
login.spec.js / Login / a second factor / asks for a code: STEP failed attempt 1
login.spec.js / Login / a second factor / asks for a code: STEP passed attempt 2
login.spec.js / Login / a second factor: TEST passed
login.spec.js / Login / by a key: STEP skipped
login.spec.js / Login / wrong password: STEP failed
login.spec.js / Login: TEST failed
login.spec.js: SUITE failed
`, `failed map[failed:1 in_progress:0 passed:2 skipped:1 total:4]`)
	if i := r.named("types the password"); i["parentUuid"] != r.named("[48271] valid login")["uuid"] || i["hasStats"] != false || i["status"] != "passed" {
		t.Errorf("a part of a test is %v", i)
	}
	if text := fmt.Sprint(r.named("wrong password")["description"]); !strings.HasPrefix(strings.TrimSpace(text), "```error\n") || !strings.Contains(text, `Expected: "empty"`) {
		t.Errorf("the error is %s", text)
	}
	r.wantLog("[48271] valid login", "INFO", "typed the password")
	r.wantFile("[48271] valid login", "shot.png", "\x89PNG\r\n\x1a\nplay")
}
