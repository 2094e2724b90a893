package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// printed are BetaTesting's samples as it prints them, but for the line breaks
// that its page swallows.
var printed = struct{ list, token, listByToken string }{
	list: `GET /api/external/v2/tests
Authorization: Bearer btst_your_api_key_here
`,
	token: `POST /api/external/v2/oauth/token
Content-Type: application/x-www-form-urlencoded

grant_type=client_credentials &client_id=YOUR_CLIENT_ID &client_secret=YOUR_CLIENT_SECRET &scope=api:read api:write`,
	listByToken: `GET /api/external/v2/tests
Authorization: Bearer eyJ0eXAiOiJKV1Q...
`,
}

// The samples work against the demo as they are printed, with its host and its
// credentials in them; and so do the calls that curl, JavaScript and Python make
// of them.
func TestBT25_SamplesAsPrinted(t *testing.T) {
	t.Parallel()
	p := serveGatehouse(t, "demo", "--json", "--listen", "127.0.0.1:0")
	var made struct {
		URL         string `json:"url"`
		Credentials struct {
			Key    string       `json:"betatesting_static"`
			Client sampleClient `json:"betatesting_client"`
		} `json:"credentials"`
	}
	line, _, _ := strings.Cut(p.stdout.String(), "\n")
	if err := json.Unmarshal([]byte(line), &made); err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(made.URL, "http://")
	wantTests(t, "the first sample", sendPrinted(t, host, strings.Replace(printed.list, "btst_your_api_key_here", made.Credentials.Key, 1)))
	form := strings.NewReplacer("YOUR_CLIENT_ID", made.Credentials.Client.ID, "YOUR_CLIENT_SECRET", made.Credentials.Client.Secret).Replace(printed.token)
	var token struct {
		Type    string `json:"token_type"`
		Expires int    `json:"expires_in"`
		Token   string `json:"access_token"`
	}
	if text := sendPrinted(t, host, form); json.Unmarshal([]byte(text), &token) != nil || token.Type != "Bearer" || token.Expires != 3600 || !strings.HasPrefix(token.Token, "eyJ") {
		t.Fatalf("the second sample: %s", text)
	}
	wantTests(t, "the third sample", sendPrinted(t, host, strings.Replace(printed.listByToken, "eyJ0eXAiOiJKV1Q...", token.Token, 1)))

	url, bearer := made.URL+betaBase+"/tests", "Bearer "+token.Token
	for what, command := range map[string][]string{
		"curl":       {"curl", "--silent", url, "-H", "Authorization: " + bearer},
		"JavaScript": {"node", "-e", fmt.Sprintf("fetch(%q, { headers: { Authorization: %q } }).then(r => r.text()).then(console.log)", url, bearer)},
		"Python":     {debianPython, "-c", fmt.Sprintf("import urllib.request as u; print(u.urlopen(u.Request(%q, headers={'Authorization': %q})).read().decode())", url, bearer)},
	} {
		out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).Output()
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		wantTests(t, what, string(out))
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", url+"/1/testers/message", strings.NewReader(`{"testerIds":[1],"message":"Hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {bearer}, "Content-Type": {"application/json"}}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusConflict || !strings.Contains(string(text), "no mail server") {
		t.Errorf("a message without a mail server: %d %s", resp.StatusCode, text)
	}
}

// wantTests fails unless a text is the list of the demo's test.
func wantTests(t *testing.T, what, text string) {
	t.Helper()
	var page struct {
		Data []struct {
			ID          int64  `json:"id"`
			Status      string `json:"status"`
			TesterCount int    `json:"testerCount"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(text), &page); err != nil || len(page.Data) != 1 || page.Data[0].ID != 1 || page.Data[0].Status != "in_progress" || page.Data[0].TesterCount != 3 {
		t.Errorf("%s: %s", what, text)
	}
}

// sendPrinted sends a request as a page prints it, with the version and the
// headers that HTTP wants, and returns the body of the answer.
func sendPrinted(t *testing.T, host, text string) string {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	first, rest, _ := strings.Cut(strings.TrimSuffix(head, "\n"), "\n")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: %s\r\n%s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", first, host, rest, len(body), body); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%s: %d %s, %v", first, answer.StatusCode, got, err)
	}
	return string(got)
}
