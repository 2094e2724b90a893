package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// demoShape is what gatehouse demo --json prints, each value as a pattern.
// Scripts rely on it, so every member is here, and no other may come.
const demoShape = `{
	"url": "http://127\\.0\\.0\\.1:[1-9][0-9]*",
	"organization": {"id": "UUID", "number": "[1-9][0-9]*", "bunship_id": "org_[0-9a-zA-Z]+"},
	"users": [
		{"role": "owner", "email": "owner@demo\\.test", "password": ".{8,}"},
		{"role": "admin", "email": "admin@demo\\.test", "password": ".{8,}"},
		{"role": "member", "email": "member@demo\\.test", "password": ".{8,}"},
		{"role": "guest", "email": "guest@demo\\.test", "password": ".{8,}"}
	],
	"projects": [
		{"name": "Space Game", "betahub_id": "pr-[0-9]+", "testkase_id": "PRJ-1", "onetest_id": "UUID"},
		{"name": "Hidden Project", "betahub_id": "pr-[0-9]+", "testkase_id": "PRJ-2", "onetest_id": "UUID"}
	],
	"credentials": {
		"betatesting_static": "btst_[0-9A-Za-z]{64}",
		"betatesting_client": {"client_id": "btci_[0-9A-Za-z]{20}", "client_secret": "btcs_[0-9A-Za-z]{40}"},
		"betahub_pat": "pat-[0-9a-f]{64}",
		"betahub_project_token": "tkn-[0-9a-f]{64}",
		"onetest_key": "ak_[0-9A-HJKMNP-TV-Z]{32}",
		"bunship_live": "bsk_live_[0-9A-Za-z]{43}",
		"bunship_test": "bsk_test_[0-9A-Za-z]{43}",
		"testkase_pat": "tk_pat_[0-9A-Za-z]{40}",
		"testkase_pat_guest": "tk_pat_[0-9A-Za-z]{40}",
		"verifier": "gate_[0-9A-Za-z]{40}"
	}
}`

const uuidPattern = `[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`

// TestDemo holds the demo to the contract that scripts rely on.
func TestDemo(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	p := serveGatehouse(t, "demo", "--json")
	if entries, err := os.ReadDir(temporary); err != nil || len(entries) != 1 {
		t.Fatalf("while it serves there is not one directory: %v, %v", entries, err)
	}
	line, rest, _ := strings.Cut(p.stdout.String(), "\n")
	if rest != "" {
		t.Errorf("there is more than one line: %q", rest)
	}
	var got, want any
	if err := json.Unmarshal([]byte(demoShape), &want); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	if err := decoder.Decode(&got); err != nil {
		t.Fatalf("the line is not JSON: %v: %s", err, line)
	}
	matchShape(t, "", got, want)
	var made sample
	if err := json.Unmarshal([]byte(line), &made); err != nil {
		t.Fatal(err)
	}
	verifyDemo(t, &made)
	p.stop(t)
	if p.stdout.String() != line+"\n" {
		t.Errorf("something was printed after the first line: %q", p.stdout.String())
	}
	if entries, err := os.ReadDir(temporary); err != nil || len(entries) != 0 {
		t.Errorf("something is left behind: %v, %v", entries, err)
	}
}

// matchShape compares a document with one that has patterns for values.
func matchShape(t *testing.T, at string, got, want any) {
	t.Helper()
	switch want := want.(type) {
	case string:
		text, ok := got.(string)
		if number, is := got.(json.Number); is {
			text, ok = number.String(), true
		}
		pattern := `^` + strings.ReplaceAll(want, "UUID", uuidPattern) + `$`
		if !ok || !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("%s is %v, want %s", at, got, pattern)
		}
	case []any:
		list, _ := got.([]any)
		if len(list) != len(want) {
			t.Fatalf("%s has %d items, want %d", at, len(list), len(want))
		}
		for i := range want {
			matchShape(t, at+"[]", list[i], want[i])
		}
	case map[string]any:
		object, _ := got.(map[string]any)
		if a, b := slices.Sorted(maps.Keys(object)), slices.Sorted(maps.Keys(want)); !slices.Equal(a, b) {
			t.Fatalf("%s has members %v, want %v", at, a, b)
		}
		for name := range want {
			matchShape(t, at+"."+name, object[name], want[name])
		}
	}
}

// verifyDemo verifies every credential of the demo with its verifier.
func verifyDemo(t *testing.T, made *sample) {
	t.Helper()
	verifier, _ := made.Credentials["verifier"].(string)
	c := client.New(made.URL, verifier, nil)
	scheme := map[string]string{"testkase_pat_guest": "testkase_pat", "verifier": "gatehouse_key"}
	for name, value := range made.Credentials {
		secret, ok := value.(string)
		if !ok {
			secret, _ = value.(map[string]any)["client_secret"].(string)
		}
		d, err := c.Verify(context.Background(), api.Verify{Credential: &secret})
		if err != nil || !d.Active || d.Code != "ok" {
			t.Errorf("%s: %+v, %v; want ok", name, d, err)
			continue
		}
		if d.Credential.Scheme != or(scheme[name], name) {
			t.Errorf("%s is of scheme %s", name, d.Credential.Scheme)
		}
		if want := made.Organization.ID; name != "verifier" && d.Organization != want {
			t.Errorf("%s belongs to %q, want %s", name, d.Organization, want)
		}
	}
	for _, may := range []struct {
		name, permission, project, want string
	}{
		{"testkase_pat", "issues:write", made.Projects[0].TestKaseID, "ok"},
		{"testkase_pat", "issues:write", made.Projects[1].BetaHubID, "ok"}, // an admin sees every project
		{"betahub_pat", "projects:write", "", "ok"},
		{"testkase_pat_guest", "issues:read", made.Projects[0].OneTestID, "ok"},
		{"testkase_pat_guest", "issues:write", made.Projects[0].OneTestID, "forbidden"},
		{"testkase_pat_guest", "issues:read", made.Projects[1].OneTestID, "forbidden"},
		{"onetest_key", "tests:read", made.Projects[0].OneTestID, "ok"},
		{"onetest_key", "tests:read", made.Projects[1].OneTestID, "forbidden"},
		{"betahub_project_token", "bug_reports:create", made.Projects[0].BetaHubID, "ok"},
		{"bunship_live", "members:read", "", "ok"},
		{"bunship_live", "credentials:verify", "", "insufficient_scope"},
	} {
		secret, _ := made.Credentials[may.name].(string)
		d, err := c.Verify(context.Background(), api.Verify{Credential: &secret, Permission: may.permission, Project: may.project})
		if err != nil || d.Code != may.want {
			t.Errorf("%s for %s in %q: %+v, %v; want %s", may.name, may.permission, may.project, d, err, may.want)
		}
	}
}

// TestDemoForPeople is the demo without --json: it says what to type, where it
// listens, and ends with Ctrl-C.
func TestDemoForPeople(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	p := serveGatehouse(t, "demo", "--listen", "127.0.0.1:0")
	for _, want := range []string{"owner@demo.test", "PRJ-1", "Hidden Project", "bsk_live_", "(client_id btci_", "curl " + p.url + "/v1/verify ", "\nlistening on " + p.url + "\n"} {
		if !strings.Contains(p.stdout.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, p.stdout.String())
		}
	}
	p.signal(syscall.SIGINT)
	if code, ended := p.wait(patience); !ended || code != exitDone {
		t.Errorf("after SIGINT: ended %t with code %d, want 0", ended, code)
	}
	if entries, err := os.ReadDir(temporary); err != nil || len(entries) != 0 {
		t.Errorf("something is left behind: %v, %v", entries, err)
	}
}

// TestDemoIgnoresSettings starts it where other settings would lead it to real data.
func TestDemoIgnoresSettings(t *testing.T) {
	data := t.TempDir()
	t.Setenv("GATEHOUSE_DATA", data)
	t.Setenv("GATEHOUSE_DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")
	t.Setenv("GATEHOUSE_ROOT_KEY", strings.Repeat("0", 64))
	p := serveGatehouse(t, "demo", "--json")
	p.stop(t)
	if entries, err := os.ReadDir(data); err != nil || len(entries) != 0 {
		t.Errorf("it wrote to the data directory of the settings: %v, %v", entries, err)
	}
	if bytes.Contains([]byte(p.stderr.String()), []byte("panic")) {
		t.Error(p.stderr.String())
	}
}
