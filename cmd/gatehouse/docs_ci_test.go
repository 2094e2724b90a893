package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const ciTemplates = "../../docs/ci"

// platforms are whose the templates are.
var platforms = map[string]string{
	"github-actions.yml": "github", "github-actions-oidc.yml": "github", "gitlab-ci.yml": "gitlab", "gitlab-ci-oidc.yml": "gitlab",
	"azure-pipelines.yml": "azure", "circleci.yml": "circleci", "Jenkinsfile": "jenkins",
}

// ciTemplate is a template with what its platform says of it.
type ciTemplate struct {
	text   string
	Errors []string
	Parsed any // nil for a Jenkinsfile
}

// readTemplates reads all templates, those in YAML by the parsers of their
// platforms; more are read beside them.
func readTemplates(t *testing.T, more map[string][2]string) map[string]ciTemplate {
	t.Helper()
	type file struct {
		Name     string `json:"name"`
		Platform string `json:"platform"`
		Content  string `json:"content"`
	}
	var files []file
	texts := map[string]string{}
	entries, err := os.ReadDir(ciTemplates)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if name == "README.md" {
			continue
		}
		if platforms[name] == "" {
			t.Errorf("say whose template %s is", name)
		}
		texts[name] = string(readFile(t, filepath.Join(ciTemplates, name)))
		if platforms[name] != "jenkins" {
			files = append(files, file{name, platforms[name], texts[name]})
		}
	}
	for name, one := range more {
		files = append(files, file{name, one[0], one[1]})
	}
	input, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(clientPrograms(t), "templates.mjs"))
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	out, err := cmd.Output()
	found := map[string]ciTemplate{}
	if err := errors.Join(err, json.Unmarshal(out, &found)); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	for name, text := range texts {
		one := found[name]
		one.text = text
		found[name] = one
	}
	return found
}

// scripts are the shell of a template that has to do with Gatehouse.
func (c ciTemplate) scripts() (list []string) {
	if c.Parsed == nil {
		for _, found := range regexp.MustCompile(`(?s)sh '''(.*?)'''`).FindAllStringSubmatch(c.text, -1) {
			list = append(list, found[1])
		}
		return list
	}
	var walk func(any)
	walk = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, item := range value {
				walk(item)
			}
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(value)) {
				switch part := value[name].(type) {
				case string:
					if slices.Contains([]string{"run", "script", "command"}, name) {
						list = append(list, part)
					}
				case []any:
					if name == "script" {
						list = append(list, joinedTexts(part))
						continue
					}
					walk(part)
				default:
					walk(part)
				}
			}
		}
	}
	walk(c.Parsed)
	return slices.DeleteFunc(list, func(script string) bool { return !strings.Contains(script, "gatehouse") })
}

func joinedTexts(list []any) string {
	var lines []string
	for _, item := range list {
		line, _ := item.(string)
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// TK-32 to TK-37, TK-O14: each template is what its platform takes, has no token
// and runs no program by a name that anybody can register; its shell downloads
// the program, runs nothing that has another SHA-256, and calls it by flags that
// there are.
func TestTK32_TK33_TK34_TK35_TK36_TK37_TKO14_Templates(t *testing.T) {
	t.Parallel()
	templates := readTemplates(t, map[string][2]string{
		"wrong github": {"github", "on: push\njobs:\n  a:\n    steps: [{run: x, bogus: 1}]\n"}, "wrong gitlab": {"gitlab", "test:\n  scripts: [x]\n"},
		"wrong circleci": {"circleci", "version: 2.1\njobs:\n  a:\n    steps: [checkout]\nworkflows: {}\n"}, "wrong azure": {"azure", "a: 1\na: 2\n"},
	})
	server := newDownloads(t)
	secrets := regexp.MustCompile(`\b(tk_pat_|pat-|tkn-|gate_|ak_|btst_|bsk_|eyJ)[A-Za-z0-9]`)
	commands := regexp.MustCompile(`\b(npx|pnpx|bunx|uvx|pipx|go run|npm exec|yarn dlx|pip install)\b`)
	for name, one := range templates {
		if strings.HasPrefix(name, "wrong") {
			if len(one.Errors) == 0 {
				t.Errorf("%s: nothing is found against it", name)
			}
			continue
		}
		if len(one.Errors) > 0 {
			t.Errorf("%s: its platform refuses it: %s", name, one.Errors)
		}
		if found := append(secrets.FindAllString(one.text, -1), commands.FindAllString(one.text, -1)...); len(found) > 0 {
			t.Errorf("%s has %q", name, found)
		}
		if secret, identity := strings.Contains(one.text, "TESTKASE_PAT"), strings.Contains(one.text, "report --oidc"); secret == identity {
			t.Errorf("%s: with a secret %t, without one %t", name, secret, identity)
		}
		script := strings.Join(one.scripts(), "\n")
		args := server.run(t, script, server.sum)
		if wrong := server.run(t, script, strings.Repeat("0", 64)); wrong != nil || args == nil {
			t.Errorf("%s: it ran %q, and with another SHA-256 %q", name, args, wrong)
		}
		checkFlags(t, name, args)
		checkLines(t, name, one.text)
	}
	readme := string(readFile(t, filepath.Join(ciTemplates, "README.md")))
	checkLines(t, "README.md", readme)
	for _, want := range []string{"secrets.TESTKASE_PAT", "testkase-pat", "$(TESTKASE_PAT)", "Settings > CI/CD > Variables", "Project Settings > Environment Variables"} {
		if !strings.Contains(readme, want) {
			t.Errorf("README.md doesn't say %s", want)
		}
	}
}

// checkLines checks what a text says to type: commands of gatehouse over lines
// that end in a backslash.
func checkLines(t *testing.T, name, text string) {
	t.Helper()
	text = regexp.MustCompile(`\\\n[#/ ]*`).ReplaceAllString(text, " ")
	for _, line := range regexp.MustCompile(`(?m)^[#/ ]*(?:\./)?gatehouse ((?:report|trust) [^\n]*)$`).FindAllStringSubmatch(text, -1) {
		var args []string
		for _, word := range strings.Fields(regexp.MustCompile(`"[^"]*"`).ReplaceAllString(line[1], "x")) {
			args = append(args, strings.Trim(word, "'"))
		}
		checkFlags(t, name, args)
	}
}

// checkFlags has the command itself read its arguments.
func checkFlags(t *testing.T, name string, args []string) {
	t.Helper()
	a := &app{getenv: func(string) string { return "" }, stdout: io.Discard, stderr: io.Discard}
	root := a.root()
	cmd, rest, err := root.Find(args)
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err != nil || cmd == root || len(cmd.Flags().Args()) > 0 {
		t.Errorf("%s: gatehouse %s: %v, with %q left over", name, strings.Join(args, " "), err, cmd.Flags().Args())
	}
}

// downloads is a place that has the program, by HTTPS.
type downloads struct{ url, sum, authorities string }

func newDownloads(t *testing.T) *downloads {
	t.Helper()
	const program = "#!/bin/sh\nfor word in \"$@\"; do printf '%s\\n' \"$word\"; done >said\n"
	var packed bytes.Buffer
	squeezed := gzip.NewWriter(&packed)
	archive := tar.NewWriter(squeezed)
	err := archive.WriteHeader(&tar.Header{Name: "gatehouse", Mode: 0o755, Size: int64(len(program))})
	_, writing := archive.Write([]byte(program))
	if err := errors.Join(err, writing, archive.Close(), squeezed.Close()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(packed.Bytes()) }))
	t.Cleanup(server.Close)
	sum := sha256.Sum256(packed.Bytes())
	d := &downloads{server.URL + "/gatehouse_linux_amd64.tar.gz", hex.EncodeToString(sum[:]), filepath.Join(t.TempDir(), "authorities.pem")}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(d.authorities, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// run runs the shell of a template as a CI does, and returns with what the
// program was called: nil where it wasn't.
func (d *downloads) run(t *testing.T, script, sum string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", script)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "CURL_CA_BUNDLE=" + d.authorities, "GATEHOUSE_DOWNLOAD=" + d.url, "GATEHOUSE_SHA256=" + sum,
		"GATEHOUSE_URL=https://gatehouse.test", "GATEHOUSE_PROJECT=PRJ-1", "TESTKASE_PAT=secret"}
	out, err := cmd.CombinedOutput()
	said, missing := os.ReadFile(filepath.Join(cmd.Dir, "said"))
	if (err == nil) != (missing == nil) || bytes.Contains(said, []byte("secret")) {
		t.Errorf("the shell ended with %v and called the program with %q: %s", err, said, out)
	}
	if missing != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(said)), "\n")
}
