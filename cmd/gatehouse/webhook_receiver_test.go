package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// receiver is a program that takes webhooks, in a process of its own.
type receiver struct {
	t   *testing.T
	url string
	in  io.Writer
	out *bufio.Scanner
}

func newReceiver(t *testing.T, command ...string) *receiver {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("%s: %v (where it is missing, run make test)", command[0], err)
	}
	t.Cleanup(func() { _, _ = in.Close(), cmd.Wait() })
	r := &receiver{t: t, in: in, out: bufio.NewScanner(out)}
	r.url = r.says()
	return r
}

// says is the next line that the receiver prints.
func (r *receiver) says() string {
	r.t.Helper()
	if !r.out.Scan() {
		r.t.Fatalf("the receiver ended: %v", r.out.Err())
	}
	return r.out.Text()
}

// takes gives the receiver the secret of what it takes.
func (r *receiver) takes(secret string) {
	r.t.Helper()
	if _, err := io.WriteString(r.in, secret+"\n"); err != nil {
		r.t.Fatal(err)
	}
	if got := r.says(); got != "ready" {
		r.t.Fatalf("the receiver says %q", got)
	}
}

// A receiver with the npm library of Standard Webhooks takes what a server sends
// it: by its secret, and for a day after a rotation by that before as well; by
// any other secret it takes nothing.
func TestW1_W2_NodeReceiver(t *testing.T) {
	t.Parallel()
	p := serveGatehouse(t, "demo", "--json", "--listen", "127.0.0.1:0", "--webhook-loopback", "yes")
	line, _, _ := strings.Cut(p.stdout.String(), "\n")
	var made sample
	if err := json.Unmarshal([]byte(line), &made); err != nil {
		t.Fatal(err)
	}
	key, _ := made.Credentials["bunship_live"].(string)
	c := client.New(made.URL, key, nil)
	call := func(method, path string, in, out any) {
		t.Helper()
		if err := c.Call(t.Context(), method, "/v1/organizations/"+made.Organization.ID+"/webhooks"+path, in, out); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	r := newReceiver(t, "node", filepath.Join(clientPrograms(t), "standardwebhooks.mjs"))
	var hook, rotated api.IssuedWebhook
	call("POST", "", map[string]any{"url": r.url}, &hook)
	tests := func(what, secret string, status int, says string) {
		t.Helper()
		r.takes(secret)
		var d api.WebhookDelivery
		call("POST", "/"+hook.ID+"/test", nil, &d)
		if d.StatusCode != status || d.Response != says || (d.DeliveredAt != nil) != (status == 200) {
			t.Errorf("%s: it answered %d %q, want %d %q", what, d.StatusCode, d.Response, status, says)
		}
	}
	tests("its own secret", hook.Secret, 200, "test")
	another := strings.Repeat("ab", 32)
	tests("another secret", "whsec_"+another, 401, "No matching signature found")
	call("POST", "/"+hook.ID+"/rotate", map[string]any{}, &rotated)
	tests("the new secret", rotated.Secret, 200, "test")
	tests("that before, for a day", hook.Secret, 200, "test")
	call("POST", "/"+hook.ID+"/rotate", map[string]any{"now": true}, &rotated)
	tests("the newest secret", rotated.Secret, 200, "test")
	tests("that before, which ended at once", hook.Secret, 401, "No matching signature found")
}
