package main

import (
	"crypto/rand"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/outbound/mailtest"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// postIn puts a letter into the outbox of a new data directory.
func postIn(t *testing.T, dir string, l store.Letter) {
	t.Helper()
	schemes, err := credential.NewSchemes()
	if err != nil {
		t.Fatal(err)
	}
	cfg := &Config{Data: dir}
	s, err := store.Open(t.Context(), store.Config{
		Directory: dir, Schemes: schemes, RootKey: func(identity string) (*seal.Root, error) { return rootKey(cfg, identity) },
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Change(t.Context(), uuid.Nil, func(tx *store.Tx) error {
		now := time.Now()
		tx.Record(audit.Event{At: now, Actor: "operator", Action: "test.post"})
		return tx.Post(t.Context(), rand.Reader, l, now, now.Add(time.Hour))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestServeSendsMail that waited in the outbox, and not without a mail server.
func TestServeSendsMail(t *testing.T) {
	dir := t.TempDir()
	postIn(t, dir, store.Letter{To: "ada@example.org", Subject: "Hello", Text: "canary-4711\n"})
	serveGatehouse(t, "serve", "--listen", "127.0.0.1:0", "--data", dir).stop(t)
	server := mailtest.Start(t, mailtest.Config{User: "robot", Password: "hunter2"})
	cmd := exec.Command("gatehouse", "serve", "--listen", "127.0.0.1:0", "--data", dir, "--mail-from", "Gatehouse <gatehouse@example.com>", "--log-level", "debug")
	cmd.Env = append(cmd.Environ(), "GATEHOUSE_SMTP_URL=smtp://robot:hunter2@"+server.Address)
	p, err := launch(cmd)
	if p != nil {
		t.Cleanup(p.kill)
	}
	if err != nil {
		t.Fatal(err)
	}
	got := server.Next(t)
	if _, text := got.Text(t); got.To != "ada@example.org" || got.From != "gatehouse@example.com" || text != "canary-4711\r\n" {
		t.Errorf("from %q to %q: %q", got.From, got.To, text)
	}
	p.stop(t)
	if n := server.Waiting(); n != 0 {
		t.Errorf("it came %d times more", n)
	}
	for _, secret := range []string{"canary-4711", "hunter2", "ada@example.org"} {
		if log := p.stdout.String() + p.stderr.String(); strings.Contains(log, secret) {
			t.Errorf("%q is printed:\n%s", secret, log)
		}
	}
}
