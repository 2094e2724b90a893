package bunship_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/deliver"
	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// hooked is a world that sends webhooks, and an endpoint on this machine.
type hooked struct {
	*world
	*deliver.Webhooks
	ada      *person // an owner
	endpoint string

	mu     sync.Mutex
	status int
	got    []received
}

// received is a request as the endpoint saw it.
type received struct {
	header http.Header
	body   string
}

func eachHooked(t *testing.T, test func(t *testing.T, h *hooked)) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		h := &hooked{status: 200}
		h.world = newWorld(t, cfg, func(c *authority.Config) {
			targets := webhook.Targets{Loopback: true}
			h.Webhooks = deliver.NewWebhooks(deliver.WebhooksConfig{
				Store: c.Store, Send: outbound.NewPoster(targets, "BunShip-Webhooks/1.0").Send, Now: c.Now,
				Jitter: func(time.Duration) time.Duration { return 0 },
			})
			c.Webhooks = authority.WebhookRules{Targets: targets, SendNow: h.SendNow}
		})
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		h.endpoint = server.URL + "/hook"
		h.ada = h.member("ada", credential.Owner)
		test(t, h)
	})
}

// ServeHTTP is the endpoint.
func (h *hooked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, received{r.Header, string(body)})
	w.WriteHeader(h.status)
	_, _ = io.WriteString(w, "thanks "+strings.Repeat("x", 600))
}

// answer sets what the endpoint answers from now on.
func (h *hooked) answer(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

// round sends what is due, and returns what the endpoint got by it.
func (h *hooked) round() []received {
	h.t.Helper()
	before := len(h.got)
	if _, err := h.Round(background); err != nil {
		h.t.Fatal(err)
	}
	h.Wait()
	return h.got[before:]
}

func hooksOf(o *store.Organization) string { return "/organizations/" + orgID(o) + "/webhooks" }

// hook registers the endpoint, and returns its path and secret.
func (h *hooked) hook(events ...string) (path, secret string) {
	h.t.Helper()
	a := h.ada.do("POST", hooksOf(h.org), map[string]any{"url": h.endpoint, "events": events})
	a.want(200)
	return hooksOf(h.org) + "/" + a.text("data.id"), a.text("data.secret")
}

// checkSigned verifies a request as BunShip's documents tell receivers to, and
// by the library of Standard Webhooks.
func (r received) checkSigned(t *testing.T, secret string, now time.Time) {
	t.Helper()
	at, signature, _ := strings.Cut(strings.TrimPrefix(r.header.Get("X-Webhook-Signature"), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, at+"."+r.body)
	if at != fmt.Sprint(now.Unix()) || signature != hex.EncodeToString(mac.Sum(nil)) {
		t.Errorf("X-Webhook-Signature is %q at %d", r.header.Get("X-Webhook-Signature"), now.Unix())
	}
	receiver, err := standardwebhooks.NewWebhook(secret)
	if err == nil {
		err = receiver.VerifyIgnoringTimestamp([]byte(r.body), r.header)
	}
	if err != nil {
		t.Error(err)
	}
}

// TestBSD37_BSD38_Events: what happens in an organization is told to its
// endpoint, in the documented shape and signed, and nothing of another's.
func TestBSD37_BSD38_Events(t *testing.T) {
	eachHooked(t, func(t *testing.T, h *hooked) {
		_, secret := h.hook()
		key, id := h.ada.madeKey("read:projects")
		h.ada.do("DELETE", keysOf(h.org)+"/"+id, nil).want(200)
		bob := h.person("bob", credential.Member)
		h.ok(h.RemoveMember(background, h.op, h.org.ID, bob.ref()))
		eve := h.person("eve", credential.Member)
		h.ok(h.Delete(background, h.op, eve.ref()))
		for _, o := range []*store.Organization{h.org, h.other} {
			_, err := h.CreateProject(background, h.op, o.ID, authority.NameRequest{Name: "Alpha"})
			h.ok(err)
		}
		var got []string
		for {
			list := h.round()
			if len(list) == 0 {
				break
			}
			for _, r := range list {
				r.checkSigned(t, secret, h.clock.now())
				var body struct {
					Type      string         `json:"type"`
					Timestamp time.Time      `json:"timestamp"`
					Data      map[string]any `json:"data"`
				}
				decoder := json.NewDecoder(strings.NewReader(r.body))
				decoder.DisallowUnknownFields()
				if err := decoder.Decode(&body); err != nil || !body.Timestamp.Equal(h.clock.now()) || body.Data["organization"] != h.org.ID.String() {
					t.Errorf("got %s, %v", r.body, err)
				}
				if r.header.Get("Content-Type") != "application/json" || r.header.Get("X-Webhook-Event") != body.Type || r.header.Get("User-Agent") != "BunShip-Webhooks/1.0" ||
					!strings.HasPrefix(r.header.Get("X-Webhook-Delivery-ID"), "del_") {
					t.Errorf("got %v", r.header)
				}
				for _, text := range []string{key, secret, good} {
					if strings.Contains(r.body, text) {
						t.Errorf("a secret is told: %s", r.body)
					}
				}
				got = append(got, body.Type)
			}
		}
		slices.Sort(got)
		want := []string{"api_key.created", "api_key.revoked", "member.added", "member.added", "member.removed", "member.removed", "project.created"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestBSD39_Endpoints: endpoints are registered, listed, changed and deleted, and
// each gets what it chose while it is on.
func TestBSD39_Endpoints(t *testing.T) {
	eachHooked(t, func(t *testing.T, h *hooked) {
		shown := []string{"id", "organizationId", "url", "description", "events", "isActive", "createdAt", "updatedAt"}
		a := h.ada.do("POST", hooksOf(h.org), map[string]any{"url": h.endpoint, "description": "Ours", "events": []string{"project.created", "test"}})
		a.want(200)
		a.wantMembers("data", append(shown, "secret")...)
		a.wantID("data.id", "wh")
		a.wantTime("data.createdAt", h.clock.now())
		secret := a.text("data.secret")
		if raw, err := hex.DecodeString(strings.TrimPrefix(secret, "whsec_")); err != nil || len(raw) != 32 || a.text("data.organizationId") != orgID(h.org) ||
			a.text("data.url") != h.endpoint || a.text("data.description") != "Ours" || len(a.list("data.events")) != 2 || a.get("data.isActive") != true {
			t.Errorf("got %s", a.body)
		}
		path := hooksOf(h.org) + "/" + a.text("data.id")
		list := h.ada.do("GET", hooksOf(h.org), nil)
		list.want(200)
		list.wantMembers("data.0", shown...)
		if len(list.list("data")) != 1 || strings.Contains(list.body, "whsec_") {
			t.Errorf("the list shows %s", list.body)
		}

		project := func() {
			_, err := h.CreateProject(background, h.op, h.org.ID, authority.NameRequest{Name: "Alpha"})
			h.ok(err)
		}
		h.person("bob", credential.Member) // which it didn't choose
		project()
		if got := h.round(); len(got) != 1 || got[0].header.Get("X-Webhook-Event") != "project.created" {
			t.Errorf("got %v", got)
		}
		h.clock.advance(time.Second)
		a = h.ada.do("PATCH", path, map[string]any{"isActive": false, "description": "Off", "events": []string{}})
		a.want(200)
		a.wantMembers("data", shown...)
		a.wantTime("data.updatedAt", h.clock.now())
		if a.get("data.isActive") != false || a.text("data.description") != "Off" || len(a.list("data.events")) != 0 || a.text("data.url") != h.endpoint {
			t.Errorf("got %s", a.body)
		}
		project()
		h.ada.do("POST", path+"/test", nil).refused("a test of one that is off", 409, "the webhook is off")
		h.ada.do("PATCH", path, map[string]any{"isActive": true}).want(200)
		if got := h.round(); len(got) != 0 {
			t.Errorf("one that was off is told of %v", got)
		}
		project()
		h.ada.do("DELETE", path, nil).want(200) // and what waits with it
		if got := h.round(); len(got) != 0 {
			t.Errorf("one that was deleted gets %v", got)
		}
		for _, call := range [][2]string{{"DELETE", ""}, {"PATCH", ""}, {"GET", "/deliveries"}, {"POST", "/test"}, {"POST", "/rotate"}} {
			var body any
			if call[0] == "PATCH" {
				body = map[string]any{}
			}
			h.ada.do(call[0], path+call[1], body).refused("after the end", 404, "no such webhook")
			h.ada.do(call[0], hooksOf(h.org)+"/wh_x"+call[1], body).refused("no id", 404, "no such webhook")
		}

		for range 10 {
			h.hook()
		}
		h.ada.do("POST", hooksOf(h.org), map[string]any{"url": h.endpoint}).refused("the eleventh", 409, "an organization has at most 10 webhooks")
		h.ada.do("POST", hooksOf(h.org), map[string]any{"url": h.endpoint, "events": []string{"no.such"}}).invalid("an unknown event", "events")
		h.ada.do("POST", hooksOf(h.org), map[string]any{"url": h.endpoint, "description": strings.Repeat("x", 501)}).invalid("a long description", "description")
		h.ada.do("POST", hooksOf(h.org), map[string]any{}).invalid("no URL", "url")
	})
}

// TestBSD40_BSO19_TestAndRotate: a test is sent at once; the deliveries show what
// came of each; a new secret ends the old one at once, by both names of the call.
func TestBSD40_BSO19_TestAndRotate(t *testing.T) {
	eachHooked(t, func(t *testing.T, h *hooked) {
		path, old := h.hook("member.added") // and no test: it comes nevertheless
		a := h.ada.do("POST", path+"/test", nil)
		a.want(200)
		a.wantMembers("data", "id", "webhookId", "event", "statusCode", "deliveredAt")
		a.wantTime("data.deliveredAt", h.clock.now())
		if len(h.got) != 1 || a.text("data.id") != h.got[0].header.Get("X-Webhook-Delivery-ID") || a.text("data.event") != "test" || a.get("data.statusCode") != 200.0 {
			t.Fatalf("got %s, the endpoint %v", a.body, h.got)
		}
		h.got[0].checkSigned(t, old, h.clock.now())
		h.answer(500)
		if a = h.ada.do("POST", path+"/test", nil); a.status != 200 || a.get("data.statusCode") != 500.0 || a.get("data.deliveredAt") != nil {
			t.Errorf("a test that fails: %s", a.body)
		}
		h.answer(200)
		a = h.ada.do("GET", path+"/deliveries", nil)
		a.want(200)
		a.wantMembers("data.0", "id", "webhookId", "event", "payload", "response", "statusCode", "attempts", "nextRetryAt", "deliveredAt", "createdAt")
		a.wantTime("data.0.nextRetryAt", h.clock.now().Add(5*time.Second))
		if len(a.list("data")) != 2 || a.get("data.0.statusCode") != 500.0 || a.get("data.1.statusCode") != 200.0 || a.get("data.0.attempts") != 1.0 ||
			len(a.text("data.1.response")) != 500 || a.text("data.1.payload.type") != "test" || a.get("data.1.nextRetryAt") != nil {
			t.Errorf("got %s", a.body)
		}
		if a = h.ada.do("GET", path+"/deliveries?limit=1", nil); len(a.list("data")) != 1 {
			t.Errorf("limit=1: got %s", a.body)
		}
		for _, limit := range []string{"0", "101", "x", "-1"} {
			h.ada.do("GET", path+"/deliveries?limit="+limit, nil).invalid("limit="+limit, "limit")
		}
		for _, name := range []string{"/rotate-secret", "/rotate"} {
			a := h.ada.do("POST", path+name, nil)
			a.want(200)
			fresh := a.text("data.secret")
			if fresh == "" || fresh == old {
				t.Fatalf("%s: %s", name, a.body)
			}
			h.ada.do("POST", path+"/test", nil).want(200)
			last := h.got[len(h.got)-1]
			last.checkSigned(t, fresh, h.clock.now()) // and by nothing else
			if strings.Count(last.header.Get("webhook-signature"), "v1,") != 1 {
				t.Errorf("%s: the old secret signs still: %v", name, last.header)
			}
			old = fresh
		}
	})
}

// TestBSD41_Retries: what fails is tried again, by the schedule that is ours.
func TestBSD41_Retries(t *testing.T) {
	eachHooked(t, func(t *testing.T, h *hooked) {
		path, secret := h.hook()
		h.answer(503)
		h.person("bob", credential.Member)
		if got := h.round(); len(got) != 1 {
			t.Fatalf("the endpoint got %v", got)
		}
		for _, pause := range []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute} {
			h.clock.advance(pause - time.Millisecond)
			if got := h.round(); len(got) != 0 {
				t.Errorf("it is tried before %s are over", pause)
			}
			h.clock.advance(time.Millisecond)
			if got := h.round(); len(got) != 1 {
				t.Errorf("after %s there are %d tries", pause, len(got))
			}
		}
		ids := map[string]bool{}
		for _, r := range h.got {
			ids[r.header.Get("X-Webhook-Delivery-ID")] = true
		}
		if len(ids) != 1 || len(h.got) != 4 {
			t.Errorf("%d tries of %d deliveries, want 4 of 1", len(h.got), len(ids))
		}
		h.got[3].checkSigned(t, secret, h.clock.now())
		h.answer(204)
		h.clock.advance(2 * time.Hour)
		h.round()
		h.ada.signIn()
		a := h.ada.do("GET", path+"/deliveries", nil)
		if a.wantTime("data.0.deliveredAt", h.clock.now()); a.get("data.0.attempts") != 5.0 {
			t.Errorf("got %s", a.body)
		}
	})
}

// TestBSD42_BSO22_Refused: URLs that lead into a network are refused; HTTP is for
// this very machine, and only where the installation allows that.
func TestBSD42_BSO22_Refused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		w := newWorld(t, cfg, nil)
		ada := w.member("ada", credential.Owner)
		for _, url := range []string{
			"http://hooks.example.com/", "https://localhost/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.0.1/",
			"https://169.254.169.254/latest", "https://intranet/", "ftp://hooks.example.com/", "javascript:alert(1)", "https://2130706433/", "http://127.0.0.1:9000/", "nonsense", "",
		} {
			ada.do("POST", hooksOf(w.org), map[string]any{"url": url}).invalid(url, "url")
		}
		a := ada.do("POST", hooksOf(w.org), map[string]any{"url": "https://hooks.example.com/x"})
		a.want(200)
		ada.do("PATCH", hooksOf(w.org)+"/"+a.text("data.id"), map[string]any{"url": "https://10.0.0.1/"}).invalid("a change", "url")
	})
}

// TestBS20_BSO12_ReceiverConfirms: a receiver that got a delivery finds it, by an
// API key that may read webhooks; nobody else does.
func TestBS20_BSO12_ReceiverConfirms(t *testing.T) {
	eachHooked(t, func(t *testing.T, h *hooked) {
		path, _ := h.hook()
		reader, _ := h.ada.madeKey("read:webhooks")
		writer, _ := h.ada.madeKey("write:webhooks", "read:members")
		h.round()
		h.person("bob", credential.Guest)
		got := h.round()
		if len(got) != 1 {
			t.Fatalf("the endpoint got %d", len(got))
		}
		a := h.do("GET", path+"/deliveries", nil, apiKey(reader))
		a.want(200)
		found := false
		for i := range a.list("data") {
			at := fmt.Sprintf("data.%d.", i)
			if a.text(at+"id") == got[0].header.Get("X-Webhook-Delivery-ID") {
				var body any
				h.ok(json.Unmarshal([]byte(got[0].body), &body))
				if diff := cmp.Diff(body, a.get(at+"payload")); diff != "" || a.text(at+"event") != "member.added" {
					t.Errorf("another payload is listed than was sent: %s", diff)
				}
				found = true
			}
		}
		if !found {
			t.Errorf("the delivery isn't listed: %s", a.body)
		}
		h.ada.do("GET", path+"/deliveries", nil).want(200)
		h.do("GET", hooksOf(h.org), nil, apiKey(reader)).want(200)
		h.do("GET", path+"/deliveries", nil, apiKey(writer)).refused("a key that may only write", 403, "Missing required scope: read:webhooks")
		h.do("POST", path+"/test", nil, apiKey(reader)).refused("a key that may only read", 403, "Missing required scope: write:webhooks")
		h.do("POST", path+"/test", nil, apiKey(writer)).want(200)
		h.do("GET", path+"/deliveries", nil).refused("nobody", 401, "Missing X-API-Key header")
		for _, role := range []credential.Role{credential.Member, credential.Guest} {
			h.member("a-"+string(role), role).do("GET", path+"/deliveries", nil).refused("a "+string(role), 403, "webhooks are looked after by owners and admins")
		}
		h.member("an-admin", credential.Admin).do("GET", path+"/deliveries", nil).want(200)

		made, err := h.Issue(background, h.op, authority.IssueRequest{Scheme: "bunship_live", Name: "theirs", Organization: h.other.ID, Scopes: []credential.Scope{"read:webhooks"}})
		h.ok(err)
		theirs := apiKey(made.Secret.Reveal())
		h.do("GET", path+"/deliveries", nil, theirs).refused("another organization's key", 404, "")
		h.do("GET", strings.Replace(path, orgID(h.org), orgID(h.other), 1)+"/deliveries", nil, theirs).refused("in its own organization", 404, "no such webhook")
		h.do("GET", hooksOf(h.org)+"/wh_"+strings.ReplaceAll(uuid.NewString(), "-", "")+"/deliveries", nil, apiKey(reader)).refused("an unknown one", 404, "no such webhook")
	})
}
