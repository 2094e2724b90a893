package main

import (
	"encoding/json"
	"fmt"
	"html"
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

// shellLine is a line of a dialect's page that calls a route.
type shellLine struct{ id, command string }

// linesOf reads the page of a dialect as somebody sees it who comes to a host.
func linesOf(t *testing.T, url, host string) (lines []shellLine) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 || answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%s: %d, %v, %v", url, answer.StatusCode, answer.Header, err)
	}
	if strings.Contains(string(page), "<dd></dd>") {
		t.Errorf("%s has a parameter of which nothing is told", url)
	}
	for _, found := range regexp.MustCompile(`(?s)<details id="(\w+)">.*?<pre[^>]*><code>(.*?)</code></pre>`).FindAllStringSubmatch(string(page), -1) {
		lines = append(lines, shellLine{found[1], html.UnescapeString(found[2])})
	}
	return lines
}

// run runs a line in a shell with variables, and returns status and body.
func (l shellLine) run(t *testing.T, variables map[string]string) (status, body string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", strings.Replace(l.command, "curl", `curl --silent --write-out '\n%{http_code}'`, 1))
	for name, value := range variables {
		cmd.Env = append(cmd.Environ(), name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v: %s\n%s", l.id, err, out, l.command)
	}
	i := strings.LastIndex(string(out), "\n")
	return string(out[i+1:]), string(out[:max(i, 0)])
}

// Each line of a dialect's page works as it stands, in their order, once the
// variables are filled in.
func TestDialectPages(t *testing.T) {
	t.Parallel()
	p := serveGatehouse(t, "demo", "--json", "--listen", "127.0.0.1:0", "--sign-in-rate", "0")
	defer p.stop(t) // which takes its data away
	line, _, _ := strings.Cut(p.stdout.String(), "\n")
	var made sample
	if err := json.Unmarshal([]byte(line), &made); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "shot.png")
	if err := os.WriteFile(file, []byte("\x89PNG\r\n\x1a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	results := filepath.Join(t.TempDir(), "junit.xml")
	if err := os.WriteFile(results, []byte(`<testsuite><testcase classname="Login" name="opens"/></testsuite>`), 0o600); err != nil {
		t.Fatal(err)
	}
	client, _ := made.Credentials["betatesting_client"].(map[string]any)
	t.Run("betatesting", func(t *testing.T) {
		variables := map[string]string{"TOKEN": made.Credentials["betatesting_static"].(string), "CLIENT_ID": client["client_id"].(string), "CLIENT_SECRET": client["client_secret"].(string)}
		refused := map[string]string{"messageTesters": "409"} // the demo has no mail server
		runLines(t, linesOf(t, made.URL+"/docs/betatesting", ""), variables, refused)
	})
	t.Run("testkase", func(t *testing.T) {
		lines := linesOf(t, made.URL+"/docs/testkase", "")
		last := func(l shellLine) int { // what takes away what the others need
			return slices.Index([]string{"removeExecution", "deleteCase", "deleteCycle"}, l.id)
		}
		slices.SortStableFunc(lines, func(a, b shellLine) int { return last(a) - last(b) })
		runLines(t, lines, map[string]string{"TOKEN": made.Credentials["testkase_pat"].(string), "PROJECT": "PRJ-1", "FILE": "1"}, map[string]string{"getRunFile": "404"}) // of a report that came in none
	})
	t.Run("betahub", func(t *testing.T) {
		lines := linesOf(t, made.URL+"/docs/betahub", "")
		place := func(l shellLine) int { // what makes what others need comes first, and what takes it away last
			return slices.IndexFunc([]string{"create", "announce", "send", "add", "comment", "", "publish", "delete"}, func(begin string) bool { return begin == "" || strings.HasPrefix(l.id, begin) })
		}
		slices.SortStableFunc(lines, func(a, b shellLine) int { return place(a) - place(b) })
		runLines(t, lines, map[string]string{"TOKEN": made.Credentials["betahub_pat"].(string), "PROJECT": made.Projects[0].BetaHubID, "ISSUE": "1", "REQUEST": "3", "TICKET": "4", "RELEASE": "1", "FILE": file, "DEVICE": "a-device-of-the-documents"},
			map[string]string{"setReporter": "409"}) // it is known who reported it
	})
	t.Run("onetest", func(t *testing.T) {
		variables := map[string]string{"TOKEN": made.Credentials["onetest_key"].(string), "PRODUCT": made.Projects[0].OneTestID, "CASE": "", "RUN": "", "EXECUTION": "", "USER": "", "FILE": file, "REPORT": results, "LAUNCH": "", "ITEM": "", "SUITE": ""}
		lines := linesOf(t, made.URL+"/docs/onetest", "")
		late := func(l shellLine) int { // members come before work, and what ends something after it
			return slices.Index([]string{"complete_run", "abort_run", "delete_test_case", "delete_artifact", "merge_launches"}, l.id) - slices.Index([]string{"list_members"}, l.id)
		}
		slices.SortStableFunc(lines, func(a, b shellLine) int { return late(a) - late(b) })
		runLines(t, lines, variables, map[string]string{
			"abort_run": "409", // of one that is completed
			"chat":      "501", "assistant": "501",
			"set_usage": "403", "top_up": "403", // which no key does
		})
	})
	t.Run("bunship", func(t *testing.T) { // which deletes the organization
		owner := made.Users[0]
		variables := map[string]string{"EMAIL": owner.Email, "PASSWORD": owner.Password, "NEW_PASSWORD": "Correct-Horse-2", "CODE": "123456",
			"ORGANIZATION": made.Organization.BunShipID, "SESSION": "ses_1", "MEMBER": "mbr_1", "TOKEN": "", "REFRESH_TOKEN": ""}
		lines := linesOf(t, made.URL+"/docs/bunship", "")
		login := lines[slices.IndexFunc(lines, func(l shellLine) bool { return l.id == "login" })]
		_, body := login.run(t, variables)
		keep(t, variables, "login", body)
		last := func(l shellLine) int { // what ends a session or a password that the others need
			return slices.Index([]string{"deleteOrganization", "changePassword", "logout"}, l.id)
		}
		slices.SortStableFunc(lines, func(a, b shellLine) int { return last(a) - last(b) })
		runLines(t, lines, variables, map[string]string{
			"verifyEmail": "400", "resetPassword": "400", "enableTwoFactor": "401", "acceptInvitation": "404", // by a code that isn't one
			"updateMember": "404", "removeMember": "404", // of nobody
			"disableTwoFactor": "404",                      // of what isn't on
			"forgotPassword":   "200", "endSession": "404", // of a session that isn't there
			"testHook": "404", "deliveries": "404", "rotateHook": "404", "rotateHookSecret": "404", // of one that was deleted before
		})
	})
	for host, want := range map[string]string{"gatehouse.test:9000": "http://gatehouse.test:9000/", "[::1]:80": "http://[::1]:80/", "$(reboot)": made.URL + "/", "a;b": made.URL + "/"} {
		for _, l := range linesOf(t, made.URL+"/docs/betatesting", host) {
			if !strings.Contains(l.command, `"`+want) {
				t.Errorf("who comes to %s reads %s", host, l.command)
			}
		}
	}
}

// runLines runs lines in their order; all succeed, but for those that are
// refused with a status.
func runLines(t *testing.T, lines []shellLine, variables, refused map[string]string) {
	t.Helper()
	if len(lines) < 15 {
		t.Errorf("there are %d lines only", len(lines))
	}
	for _, l := range lines {
		status, body := l.run(t, variables)
		if want := refused[l.id]; status != want && (want != "" || !strings.HasPrefix(status, "20")) {
			t.Errorf("%s: got %s %s, want %s of\n%s", l.id, status, body, or(want, "success"), l.command)
		}
		keep(t, variables, l.id, body)
	}
}

// keep puts into the variables what later lines need of an answer.
func keep(t *testing.T, variables map[string]string, id, body string) {
	t.Helper()
	var answer struct {
		SignedID     string `json:"blob_signed_id"`
		AccessToken  string `json:"accessToken"`
		RefreshToken string `json:"refreshToken"`
		ID           any    `json:"id"`
		Data         struct {
			ID    any    `json:"id"`
			RunID string `json:"runId"`
		} `json:"data"`
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
		Invitation struct {
			ID string `json:"id"`
		} `json:"invitation"`
	}
	_ = json.Unmarshal([]byte(body), &answer) // what has no members keeps nothing
	if id == "login" || id == "refresh" {
		variables["TOKEN"], variables["REFRESH_TOKEN"] = answer.AccessToken, answer.RefreshToken
	}
	if id == "invite" {
		variables["INVITATION"] = answer.Invitation.ID
	}
	if name := map[string]string{"createKey": "KEY", "createHook": "WEBHOOK", "createWebhook": "WEBHOOK", "createCase": "CASE", "createCycle": "CYCLE"}[id]; name != "" {
		variables[name], _ = answer.Data.ID.(string)
	}
	if name := map[string]string{"addScreenshot": "SCREENSHOT", "addVideoClip": "CLIP", "addLogFile": "LOG", "addVideoSegment": "SEGMENT", "addBinaryFile": "BINARY", "createTag": "TAG", "createField": "FIELD"}[id]; name != "" {
		variables[name] = fmt.Sprint(answer.ID)
	}
	if answer.SignedID != "" {
		variables["UPLOAD"] = answer.SignedID
	}
	if answer.Data.RunID != "" {
		variables["RUN"] = answer.Data.RunID
	}
	if name := map[string]string{"create_test_case": "CASE", "create_run": "RUN", "upload_artifact": "ARTIFACT", "start_launch": "LAUNCH", "start_suite": "SUITE", "start_item": "ITEM"}[id]; name != "" {
		variables[name], _ = answer.ID.(string)
	}
	if name := map[string]string{"list_executions": "EXECUTION", "list_members": "USER"}[id]; name != "" && len(answer.Items) > 0 {
		variables[name] = answer.Items[0].ID
	}
}
