package webhook_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

func newSecret(t *testing.T) credential.Secret {
	t.Helper()
	secret, err := webhook.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// sign makes the header of a message.
func sign(m webhook.Message, secrets ...credential.Secret) http.Header {
	h := http.Header{}
	for name, value := range m.Headers(secrets...) {
		h.Set(name, value)
	}
	return h
}

// verify asks the library that the makers of Standard Webhooks wrote.
func verify(t *testing.T, secret credential.Secret, h http.Header, body string) error {
	t.Helper()
	receiver, err := standardwebhooks.NewWebhook(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return receiver.Verify([]byte(body), h)
}

// TestW1_StandardWebhooks: the published vector is signed as it stands there;
// their library takes what is signed here, within five minutes, and nothing
// that differs in a byte.
func TestW1_StandardWebhooks(t *testing.T) {
	t.Parallel()
	vector := webhook.Message{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", At: time.Unix(1614265330, 0), Body: []byte(`{"test": 2432232314}`)}
	got := sign(vector, credential.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).Get("webhook-signature")
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("the vector: got %s, want %s", got, want)
	}
	secret := newSecret(t)
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	if err != nil || len(key) < 24 || len(key) > 64 {
		t.Errorf("a secret is a key of %d bytes (%v), want 24 to 64", len(key), err)
	}
	m := webhook.Message{ID: webhook.MessageID(uuid.New()), Event: "test", At: time.Now(), Body: []byte(`{"type":"test"}`)}
	h := sign(m, secret)
	if err := verify(t, secret, h, `{"type":"test"}`); err != nil {
		t.Errorf("a message: %v", err)
	}
	for what, err := range map[string]error{
		"one more byte": verify(t, secret, h, `{"type":"test"}`+"\n"), "another byte": verify(t, secret, h, `{"type":"tesT"}`),
		"another secret": verify(t, newSecret(t), h, `{"type":"test"}`), "no body": verify(t, secret, h, ""),
	} {
		if err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	for _, skew := range []time.Duration{-6 * time.Minute, -4 * time.Minute, 4 * time.Minute, 6 * time.Minute} {
		m.At = time.Now().Add(skew)
		if err := verify(t, secret, sign(m, secret), `{"type":"test"}`); (err == nil) != (skew.Abs() < 5*time.Minute) {
			t.Errorf("a message of %s from now: %v", skew, err)
		}
	}
	moved := sign(m, secret)
	moved.Set("webhook-timestamp", strconv.FormatInt(time.Now().Unix(), 10))
	if verify(t, secret, moved, `{"type":"test"}`) == nil {
		t.Error("a message with another time than it was signed with is taken")
	}
}

// TestW2_TwoSecretsSign: a message is signed with both secrets of a rotation.
func TestW2_TwoSecretsSign(t *testing.T) {
	t.Parallel()
	fresh, old := newSecret(t), newSecret(t)
	h := sign(webhook.Message{ID: "del_1", At: time.Now(), Body: []byte("{}")}, fresh, old)
	for name, secret := range map[string]credential.Secret{"new": fresh, "old": old} {
		if err := verify(t, secret, h, "{}"); err != nil {
			t.Errorf("by the %s secret: %v", name, err)
		}
	}
	if got := strings.Count(h.Get("X-Webhook-Signature"), "v1="); got != 2 {
		t.Errorf("X-Webhook-Signature has %d signatures, want 2", got)
	}
}

// TestW2_Schedule: a delivery is tried ten times, each later after the one before.
func TestW2_Schedule(t *testing.T) {
	t.Parallel()
	var got []time.Duration
	for tries := 0; tries <= 11; tries++ {
		if pause, ok := webhook.Pause(tries); ok {
			got = append(got, pause)
		}
	}
	want := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestEventsAreRecorded: each event comes from an action that the audit knows.
func TestEventsAreRecorded(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../[aw]*/*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files of authority and workspace: %v", len(files), err)
	}
	var source bytes.Buffer
	for _, name := range files {
		if text, err := os.ReadFile(name); err == nil && !strings.HasSuffix(name, "_test.go") {
			source.Write(text)
		}
	}
	told := map[string]bool{}
	for _, action := range []string{
		"member.add", "member.remove", "member.set_role", "invitation.create", "invitation.accept", "invitation.withdraw", "project.create",
		"project.archive", "project.restore", "project.delete", "credential.issue", "credential.reissue", "credential.update", "credential.rotate",
		"credential.suspend", "credential.resume", "credential.revoke", "credential.import",
		"issue.create", "issue.update", "issue.resolve", "comment.create", "test_case.create", "test_case.update", "test_case.delete",
		"test_cycle.create", "test_cycle.update", "test_cycle.delete", "test_cycle.add", "test_cycle.remove", "test_result.set", "test_result.report",
		"campaign.create", "campaign.update", "campaign.stage", "tester.add", "tester.accept", "tester.complete", "tester.remove",
		"campaign_issue.create", "campaign_issue.update", "campaign_issue.delete", "budget.alert", "budget.set", "budget.remove", "budget.top_up",
		"credential.exposed",
	} {
		if !webhook.Tells(action) || !strings.Contains(source.String(), strconv.Quote(action)) {
			t.Errorf("%s: told %t; is it an action still?", action, webhook.Tells(action))
		}
		for _, name := range webhook.Standard.Chosen(action, nil, webhook.Standard.Names()) {
			told[name] = true
		}
	}
	if silent := 5; len(told) != len(webhook.Standard.Names())-silent { // the keys', billing's and the test
		t.Errorf("%d events come from these actions, of %d", len(told), len(webhook.Standard.Names()))
	}
	if got := webhook.Standard.Chosen("credential.suspend_unused", nil, nil); len(got) != 1 || got[0] != "credential.suspended" {
		t.Errorf("what a policy suspends is told as %v", got)
	}
	for _, action := range []string{"", "session.begin", "webhook.create", "two_factor.enable"} {
		if webhook.Tells(action) {
			t.Errorf("%q is told", action)
		}
	}
}

// TestChosen: an endpoint gets what it chose, or each change once.
func TestChosen(t *testing.T) {
	t.Parallel()
	schemes, err := credential.NewSchemes()
	if err != nil {
		t.Fatal(err)
	}
	key, other := schemes.ByName("bunship_test"), schemes.ByName("gatehouse_key")
	for _, c := range []struct {
		scheme       *credential.Scheme
		chosen, want []string
	}{
		{key, nil, []string{"api_key.created"}},
		{other, nil, []string{"credential.created"}},
		{nil, nil, []string{"credential.created"}},
		{key, []string{"credential.created"}, []string{"credential.created"}},
		{key, []string{"credential.created", "api_key.created"}, []string{"api_key.created", "credential.created"}},
		{other, []string{"api_key.created"}, nil},
		{key, []string{"member.added"}, nil},
	} {
		if diff := cmp.Diff(c.want, webhook.Standard.Chosen("credential.issue", c.scheme, c.chosen)); diff != "" {
			t.Errorf("%v of %v: %s", c.chosen, c.scheme, diff)
		}
	}
	if _, err := webhook.Standard.CheckEvents("events", []string{"member.added", "nothing.of_this"}); err == nil {
		t.Error("an event that doesn't exist is taken")
	}
	if got, err := webhook.Standard.CheckEvents("events", []string{"test", "member.added", "test"}); err != nil || !cmp.Equal(got, []string{"member.added", "test"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestW4_Payload: a message says what the audit event says, in at most 20 kB.
func TestW4_Payload(t *testing.T) {
	t.Parallel()
	e := audit.Event{
		Chain: uuid.New(), Sequence: 7, At: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), Actor: "operator", Action: "project.create",
		Target: "project:" + uuid.NewString(), Detail: `{"name":"Über <a>"}`,
	}
	text, err := webhook.Payload("project.created", &e, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"type": "project.created", "timestamp": "2026-01-02T03:04:05.678Z", "data": map[string]any{
		"id": strings.TrimPrefix(e.Target, "project:"), "organization": e.Chain.String(), "actor": "operator", "sequence": 7.0,
		"detail": map[string]any{"name": "Über <a>"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	e.Detail = `{"name":"` + strings.Repeat("x", 30_000) + `"}`
	if text, err = webhook.Payload("project.created", &e, nil); err != nil || len(text) > 20_000 || !bytes.Contains(text, []byte(`"sequence":7`)) {
		t.Errorf("a long detail makes %d bytes, %v", len(text), err)
	}
}

// TestBSD37_Signature: BunShip's header is made by the secret as it is written.
func TestBSD37_Signature(t *testing.T) {
	t.Parallel()
	// Made by: openssl dgst -sha256 -hmac whsec_0123…
	secret := credential.NewSecret("whsec_" + strings.Repeat("0123456789abcdef", 4))
	h := sign(webhook.Message{ID: "del_1", Event: "test", At: time.Unix(1767323045, 0), Body: []byte(`{"type":"test"}`)}, secret)
	const want = "t=1767323045,v1=3b2ec59851b83f324afce80557ac5d9601567d6723f1c521619ea8cea43553b6"
	if got := h.Get("X-Webhook-Signature"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if h.Get("X-Webhook-Event") != "test" || h.Get("X-Webhook-Delivery-ID") != "del_1" || h.Get("Content-Type") != "application/json" {
		t.Errorf("got %v", h)
	}
	made := newSecret(t).Reveal()
	if raw, err := hex.DecodeString(strings.TrimPrefix(made, "whsec_")); err != nil || len(raw) != 32 {
		t.Errorf("a secret isn't whsec_ and 64 hexadecimal digits: %v", err)
	}
}

// TestW1_Guide: the receiver that the guide shows takes what is signed here, by
// either secret of a rotation, and nothing else.
func TestW1_Guide(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/guide/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(guide), "```js\n")
	code, _, found := strings.Cut(code, "```")
	if !found {
		t.Fatal("the guide has no JavaScript")
	}
	fresh, old, body := newSecret(t), newSecret(t), `{"type":"test"}`
	headers := map[string]string{}
	for name, values := range sign(webhook.Message{ID: "del_1", At: time.Now(), Body: []byte(body)}, fresh, old) {
		headers[strings.ToLower(name)] = values[0]
	}
	late := maps.Clone(headers)
	late["webhook-timestamp"] = strconv.FormatInt(time.Now().Unix()-301, 10)
	calls, err := json.Marshal([][]any{
		{fresh.Reveal(), headers, body}, {old.Reveal(), headers, body}, {newSecret(t).Reveal(), headers, body}, {fresh.Reveal(), headers, body + "\n"}, {fresh.Reveal(), late, body},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "receiver.mjs")
	if err := os.WriteFile(file, []byte(code+"console.log("+string(calls)+".map((c) => verify(...c)).join())\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.CommandContext(t.Context(), "node", file).CombinedOutput()
	if want := "true,true,false,false,false\n"; err != nil || string(got) != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}
