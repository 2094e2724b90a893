package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The samples of TestKase's documents run as they are printed against the demo,
// with its address and its tokens in place of theirs. With -v they show by which
// headers a token was refused.
func TestTK26_TK27_Samples(t *testing.T) {
	text, err := os.ReadFile("testdata/samples/testkase.txt")
	if err != nil {
		t.Fatal(err)
	}
	p := serveGatehouse(t, "demo", "--json")
	defer p.stop(t)
	var made sample
	if err := json.Unmarshal([]byte(p.stdout.String()), &made); err != nil {
		t.Fatal(err)
	}
	samples := strings.Split(string(text), "--\n")
	run := func(script, token string) (answer struct {
		Data []map[string]any
	}, log string) {
		t.Helper()
		script = strings.NewReplacer("https://api.testkase.com", made.URL, "YOUR_PAT_TOKEN", token).Replace(script)
		var errs strings.Builder
		cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err == nil {
			err = json.Unmarshal(out, &answer)
		}
		if err != nil {
			t.Fatalf("%s: %v: %s %s", script, err, out, &errs)
		}
		return answer, errs.String()
	}
	admin, guest := made.Credentials["testkase_pat"].(string), made.Credentials["testkase_pat_guest"].(string)
	for i, want := range []struct {
		admin, guest int
		first        string
	}{{2, 1, "PRJ-1"}, {2, 1, "PRJ-1"}, {4, 4, "TC-1"}, {2, 2, "TCYCLE-1"}} {
		for token, n := range map[string]int{admin: want.admin, guest: want.guest} {
			a, _ := run(samples[i], token)
			if len(a.Data) != n || a.Data[0]["id"] != want.first {
				t.Errorf("%s answers %v, want %d from %s on", samples[i], a.Data, n, want.first)
			}
		}
	}
	_, log := run(strings.Replace(samples[2], "curl", "curl -v", 1), admin[:len(admin)-1]+"!")
	for _, want := range []string{"< HTTP/1.1 401 Unauthorized", "< Www-Authenticate: Bearer ", "> Authorization: Bearer tk_pat_"} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is missing in:\n%s", want, log)
		}
	}
}
