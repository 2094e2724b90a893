package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// betahubDemo is what BetaHub's samples must know of a demo.
type betahubDemo struct {
	URL      string       `json:"url"`
	Users    []sampleUser `json:"users"`
	Projects []struct {
		ID string `json:"betahub_id"`
	} `json:"projects"`
	Credentials struct {
		PAT string `json:"betahub_pat"`
	} `json:"credentials"`
}

// TestBH2_BH49_SamplesAsPrinted runs the samples of BetaHub's page as they are
// printed there, with another host, token and project.
func TestBH2_BH49_SamplesAsPrinted(t *testing.T) {
	t.Parallel()
	p := serveGatehouse(t, "demo", "--json", "--listen", "127.0.0.1:0")
	line, _, _ := strings.Cut(p.stdout.String(), "\n")
	var d betahubDemo
	if err := json.Unmarshal([]byte(line), &d); err != nil || d.Credentials.PAT == "" {
		t.Fatalf("the demo says nothing of its token: %v: %s", err, line)
	}
	before := d.titles(t)

	out := d.run(t, nil, "bash", d.written(t, "samples.sh"))
	lists := strings.Split(strings.TrimSpace(out), "\n")
	if len(lists) != 4 || lists[0] != lists[1] || lists[0] != lists[2] || lists[0] != lists[3] || !strings.Contains(lists[0], `"id":"`+d.Projects[0].ID+`"`) {
		t.Errorf("curl got %s", out)
	}
	if out := d.run(t, nil, "node", d.written(t, "samples.mjs")); !strings.Contains(out, "id: '"+d.Projects[0].ID+"'") {
		t.Errorf("fetch got %s", out)
	}
	d.run(t, nil, debianPython, d.written(t, "samples.py"))
	d.run(t, nil, "bash", d.step(t))
	added := slices.DeleteFunc(d.titles(t), func(title string) bool { return slices.Contains(before, title) })
	if want := []string{"From a workflow", "Performance issue in level 5", "Player cannot move after level 3"}; !slices.Equal(added, want) {
		t.Errorf("the samples made %q, want %q", added, want)
	}

	browser, err := filepath.Abs("testdata/betahub/browser.mjs")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"SERVER=" + d.URL, "COOKIE=" + d.signIn(t)}
	counts := d.run(t, env, "node", "--import", browser, d.written(t, "dashboard.mjs"))
	if want := regexp.MustCompile(`^Open bugs: [1-9]\d*\nResolved this week: [1-9]\d*\n$`); !want.MatchString(counts) {
		t.Errorf("the dashboard shows %q", counts)
	}
}

// written is a sample in a file, with this demo in place of the documented one.
func (d *betahubDemo) written(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "betahub", name))
	if err != nil {
		t.Fatal(err)
	}
	return d.file(t, name, string(text))
}

func (d *betahubDemo) file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	text = strings.NewReplacer("https://app.betahub.io", d.URL, "YOUR_TOKEN_HERE", d.Credentials.PAT, "your_token_here", d.Credentials.PAT, "pr-123", d.Projects[0].ID).Replace(text)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// step is the one step of the workflow, with what GitHub puts in.
func (d *betahubDemo) step(t *testing.T) string {
	t.Helper()
	workflow, err := os.ReadFile("testdata/betahub/workflow.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, run, found := strings.Cut(string(workflow), "run: |\n")
	if !found {
		t.Fatal("the workflow has no step")
	}
	return d.file(t, "step.sh", strings.NewReplacer("${{ secrets.BETAHUB_TOKEN }}", d.Credentials.PAT,
		"${{ github.event.issue.title }}", "From a workflow", "${{ github.event.issue.body }}", "").Replace(run))
}

func (d *betahubDemo) run(t *testing.T, env []string, command ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var stderr strings.Builder
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v (where it or a library is missing, run make test)\n%s", strings.Join(command, " "), err, stderr.String())
	}
	return string(out)
}

// titles are those of the project's issues, the newest first.
func (d *betahubDemo) titles(t *testing.T) (titles []string) {
	t.Helper()
	req, err := http.NewRequest("GET", d.URL+"/projects/"+d.Projects[0].ID+"/issues.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", d.Credentials.PAT)
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var list []struct {
		Title string `json:"title"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		titles = append(titles, i.Title)
	}
	return titles
}

// signIn returns the cookie of the admin's browser.
func (d *betahubDemo) signIn(t *testing.T) string {
	t.Helper()
	admin := d.Users[1]
	body, err := json.Marshal(map[string]string{"email": admin.Email, "password": admin.Password})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(d.URL+"/console/session", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("signing in got %d %s", answer.StatusCode, text)
	}
	return strings.SplitN(answer.Header.Get("Set-Cookie"), ";", 2)[0]
}
