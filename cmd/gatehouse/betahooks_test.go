package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
)

// endpoint takes webhooks on this machine.
type endpoint struct {
	b   *beta
	url string

	mu     sync.Mutex
	status int
	got    []toldRequest
}

// toldRequest is a webhook as it came.
type toldRequest struct {
	header http.Header
	body   string
}

func (b *beta) endpoint() *endpoint {
	e := &endpoint{b: b, status: 202}
	server := httptest.NewServer(e)
	b.t.Cleanup(server.Close)
	e.url = server.URL + "/hook"
	return e
}

// ServeHTTP takes one.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, toldRequest{r.Header, string(body)})
	w.WriteHeader(e.status)
}

// told is what came since it was asked the last time, without the order.
func (e *endpoint) told() (list []toldRequest) {
	e.b.t.Helper()
	for {
		begun, err := e.b.hooks.Round(e.b.t.Context())
		if err != nil {
			e.b.t.Fatal(err)
		}
		e.b.hooks.Wait()
		if begun == 0 {
			break
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	list, e.got = e.got, nil
	return list
}

// hook registers an endpoint, and returns its path and secret.
func (b *beta) hook(url string, events ...string) (path, secret string) {
	b.t.Helper()
	made := b.data(201, b.call("POST", "/webhooks", map[string]any{"url": url, "events": events}))
	return "/webhooks/" + made["id"].(string), made["secret"].(string)
}

// Webhooks are made, listed, changed, turned off and deleted; HTTPS alone, three
// of them, and the secret is shown once.
func TestBTD21_BTD22_BTD23_BTD24_BTO21_Webhooks(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		made := b.data(201, b.call("POST", "/webhooks", map[string]any{"url": "https://hooks.example.com/a", "events": []string{"test.status.changed", "issue.submitted"}}))
		secret, _ := made["secret"].(string)
		if !regexp.MustCompile(`^whsec_.{64}$`).MatchString(secret) {
			t.Errorf("the secret is %q", secret)
		}
		path := "/webhooks/" + made["id"].(string)
		want := map[string]any{"id": made["id"], "url": "https://hooks.example.com/a", "events": []any{"issue.submitted", "test.status.changed"}, "enabled": true,
			"createdAt": "2026-01-02T03:04:05Z", "updatedAt": "2026-01-02T03:04:05Z"}
		if diff := cmp.Diff(want, b.data(200, b.call("GET", path, nil))); diff != "" {
			t.Error(diff)
		}
		want["enabled"], want["events"] = false, []any{}
		if diff := cmp.Diff(want, b.data(200, b.call("PATCH", path, map[string]any{"enabled": false, "events": []string{}}))); diff != "" {
			t.Error(diff)
		}
		b.hook("https://hooks.example.com/b")
		third, _ := b.hook("https://hooks.example.com/c")
		b.refused("a fourth", b.call("POST", "/webhooks", map[string]any{"url": "https://hooks.example.com/d"}), "409 limit_reached")
		if items, meta := b.list("/webhooks"); len(items) != 3 || meta["total"] != 3.0 || items[0]["secret"] != nil || strings.Contains(b.call("GET", "/webhooks", nil).text, "whsec_") {
			t.Errorf("there are %v, %v", items, meta)
		}
		b.wantStatus("deleted", b.call("DELETE", third, nil), 204)
		b.refused("deleted", b.call("DELETE", third, nil), "404 not_found")
		for _, url := range []string{"http://hooks.example.com/", "https://10.0.0.1/", "nonsense", ""} {
			b.refused(url, b.call("POST", "/webhooks", map[string]any{"url": url}), "422 validation_failed", "url")
			b.refused(url, b.call("PATCH", path, map[string]any{"url": url}), "422 validation_failed", "url")
		}
		b.refused("BunShip's event", b.call("POST", "/webhooks", map[string]any{"url": "https://hooks.example.com/", "events": []string{"member.added"}}), "422 validation_failed", "events")
		b.refused("no id", b.call("GET", "/webhooks/x", nil), "404 not_found")
		b.refused("none", b.call("GET", "/webhooks/"+uuid.NewString(), nil), "404 not_found")

		reader := as(b.token(b.issue(apiClient()), "api:read"))
		b.list("/webhooks", reader)
		for _, call := range [][2]string{{"POST", "/webhooks"}, {"PATCH", path}, {"POST", path + "/rotate-secret"}, {"DELETE", path}} {
			b.refused("who reads", b.call(call[0], call[1], nil, reader), "403 insufficient_scope")
		}

		var native api.IssuedWebhook
		b.must("POST", "/v1/organizations/"+b.org.ID+"/webhooks", map[string]any{"url": "https://hooks.example.com/native"}, &native)
		b.refused("one of the native API", b.call("GET", "/webhooks/"+native.ID, nil), "404 not_found")
		var all api.List[api.Webhook]
		b.must("GET", "/v1/organizations/"+b.org.ID+"/webhooks", nil, &all)
		formats := map[string]int{}
		for _, w := range all.Items {
			formats[w.Format]++
		}
		if diff := cmp.Diff(map[string]int{"standard": 1, "betatesting": 2}, formats); diff != "" {
			t.Error(diff)
		}
	})
}

// What happens to a test, its testers and its issues is told in the documented
// envelope, under the documented names.
func TestBTD25_BTD26_BTD27_Told(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		e := b.endpoint()
		b.hook(e.url)
		few := b.endpoint()
		b.hook(few.url, "issue.updated")
		const at = 1767323045 // 2026-01-02T03:04:05Z
		wants := func(want ...string) {
			t.Helper()
			var got []string
			for _, r := range e.told() {
				var body struct {
					Event string
					Data  map[string]any
				}
				if err := json.Unmarshal([]byte(r.body), &body); err != nil || r.header.Get("X-Webhook-Event") != body.Event {
					t.Errorf("%v: %s", err, r.body)
				}
				got = append(got, r.body)
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
		id := b.test("Space Game")
		base := "/tests/" + id
		ada, bob := b.tester(id, "Ada"), b.tester(id, "Bob")
		wants()
		b.data(200, b.call("POST", base+"/stage", map[string]any{"stage": "launch"}))
		wants(fmt.Sprintf(`{"event":"test.status.changed","timestamp":%d,"data":{"testId":1,"testName":"Space Game","status":"in_progress"}}`, at))
		b.items(b.call("POST", base+"/testers/accept", ids(ada, bob)))
		told := func(status, tester, name string) string {
			return fmt.Sprintf(`{"event":"tester.status.changed","timestamp":%d,"data":{"testId":1,"testName":"Space Game","testerId":%s,"testerEmail":"%s@example.com","status":"%s"}}`, at, tester, name, status)
		}
		wants(told("incomplete", ada, "ada"), told("incomplete", bob, "bob"))
		b.items(b.call("POST", base+"/testers/mark-complete", ids(ada)))
		b.wantStatus("removed", b.call("DELETE", base+"/testers/"+bob, nil), 204)
		wants(told("complete", ada, "ada"), told("removed", bob, "bob"))
		b.data(201, b.call("POST", base+"/issues", map[string]any{"title": "It stops"}))
		b.data(200, b.call("PATCH", base+"/issues/1", map[string]any{"status": "complete"}))
		about := func(event string) string {
			return fmt.Sprintf(`{"event":"%s","timestamp":%d,"data":{"testId":1,"testName":"Space Game","issueId":1}}`, event, at)
		}
		wants(about("issue.submitted"), about("issue.updated"))
		if got := few.told(); len(got) != 1 || got[0].body != about("issue.updated") {
			t.Errorf("who chose issue.updated got %v", got)
		}
	})
}

// Any 2xx is taken for yes, and anything else is tried again; requests are signed
// as BunShip signs, by the new secret alone once there is one.
func TestBTD24_BTD25_BTO17_Signed(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		e := b.endpoint()
		path, secret := b.hook(e.url)
		id := b.test("Space Game")
		signed := func(r toldRequest, secret string) bool {
			at, signature, _ := strings.Cut(strings.TrimPrefix(r.header.Get("X-Webhook-Signature"), "t="), ",v1=")
			mac := hmac.New(sha256.New, []byte(secret))
			_, _ = io.WriteString(mac, at+"."+r.body)
			return signature == hex.EncodeToString(mac.Sum(nil))
		}
		for i, stage := range []string{"launch", "pause"} {
			e.status = []int{299, 204}[i]
			b.data(200, b.call("POST", "/tests/"+id+"/stage", map[string]any{"stage": stage}))
			if got := e.told(); len(got) != 1 || !signed(got[0], secret) {
				t.Errorf("%s: %d came, signed %v", stage, len(got), got)
			}
		}
		rotated := b.data(200, b.call("POST", path+"/rotate-secret", nil))
		after := rotated["secret"].(string)
		if after == secret || len(after) != len(secret) {
			t.Errorf("rotated to %s", after)
		}
		e.status = 302
		b.data(200, b.call("POST", "/tests/"+id+"/stage", map[string]any{"stage": "resume"}))
		failed := e.told()
		if len(failed) != 1 || !signed(failed[0], after) || signed(failed[0], secret) || strings.Contains(failed[0].header.Get("X-Webhook-Signature"), ",v1=") != true {
			t.Errorf("after the rotation: %v", failed)
		}
		e.status = 200
		b.advance(6e9) // the first pause, with the jitter
		if again := e.told(); len(again) != 1 || again[0].body != failed[0].body || again[0].header.Get("X-Webhook-Delivery-Id") != failed[0].header.Get("X-Webhook-Delivery-Id") {
			t.Errorf("again: %v", again)
		}
		b.data(200, b.call("PATCH", path, map[string]any{"enabled": false}))
		b.data(200, b.call("POST", "/tests/"+id+"/stage", map[string]any{"stage": "close"}))
		b.data(200, b.call("PATCH", path, map[string]any{"enabled": true}))
		if got := e.told(); len(got) != 0 {
			t.Errorf("while it was off: %v", got)
		}
	})
}
