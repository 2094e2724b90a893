package betahub_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/betahub"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// signIn is a user who has signed in.
func (w *world) signIn(user string) *credential.Principal {
	w.t.Helper()
	s, err := w.SignIn(background, authority.SignInRequest{Email: user + "@acme.test", Password: good})
	w.ok(err)
	d, err := w.Verify(background, s.Access.Token.Reveal(), authority.Verification{})
	w.ok(err)
	return &d.Principal
}

// device asks to act for somebody, and returns what it calls that.
func (w *world) device(name string) (id string) {
	w.t.Helper()
	id = uuid.NewString()
	w.do(call{method: "POST", path: "/device_auth/create", body: `{"request_id":"` + id + `","entity_kind":"game","entity_name":"` + name + `"}`,
		header: []string{"X-Forwarded-For", "203.0.113.7", "User-Agent", "UnityPlayer/6000.0"}}).want(201).has("status", "created")
	return id
}

func (w *world) poll(id string) answer {
	w.t.Helper()
	return w.get("", "/device_auth/"+id+"/poll").want(200)
}

// allowed is a device that the user let act for them, and its token.
func (w *world) allowed(p *credential.Principal, name string) (id, token string) {
	w.t.Helper()
	id = w.device(name)
	w.ok(w.AllowDevice(background, p, id, uuid.Nil))
	token, _ = w.poll(id).has("status", "approved").get("token").(string)
	return id, "Bearer " + token
}

// A game asks, waits, and gets a token that acts for who let it, until that ends.
func TestBHD34_DeviceSignsIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev := w.signIn("dev")
		id := w.device("Space Game")
		w.poll(id).has("status", "pending", "token", nil)
		if got, err := w.Device(background, dev, id); err != nil || got.Name != "Space Game" || got.Kind != "game" || got.Address != "203.0.113.7" || got.UserAgent != "UnityPlayer/6000.0" {
			t.Errorf("who is asked is told %+v, %v", got, err)
		}
		w.ok(w.AllowDevice(background, dev, id, uuid.Nil))
		w.ahead.Add(int64(2 * time.Second))
		first := w.get("", "/device_auth/"+id+"/poll.json").want(200).has("status", "approved", "user_name", "The dev", "error", nil)
		token := "Bearer " + first.get("token").(string)
		w.get(token, "/projects.json").want(200).has("0.name", "Alpha")
		w.post(token, w.in("/issues.json"), `{"title":"From a game"}`).want(201)
		w.get(token, "/profiles/me.json").want(200).has("name", "The dev")
		w.do(call{method: "POST", path: "/auth/verify", as: token, body: "{}"}).want(200).has("token_type", "jwt", "user.name", "The dev", "expires_at", "2026-01-03T03:04:05Z")

		w.ahead.Add(int64(29 * time.Second)) // the answer was lost
		again := "Bearer " + w.poll(id).has("status", "approved").get("token").(string)
		w.get(again, "/projects.json").want(200)
		w.ahead.Add(int64(time.Second))
		w.poll(id).has("status", "expired", "token", nil)

		list, err := w.Sessions(background, dev)
		w.ok(err)
		var session *store.Session
		for i := range list {
			if list[i].Device != "" {
				session = &list[i]
			}
		}
		if len(list) != 2 || session == nil || session.Device != "Space Game" || session.Address != "203.0.113.7" || !session.ProvenAt.IsZero() {
			t.Fatalf("the sessions are %+v", list)
		}
		w.ahead.Add(int64(23 * time.Hour))
		w.get(token, "/projects.json").want(200)
		w.ahead.Add(int64(time.Hour))
		w.get(token, "/projects.json").refused(401, "expired")
		w.poll(id).has("status", "expired", "token", nil)
	})
}

// What ends sessions ends those of devices, at the next request.
func TestBHD34_DeviceIsEnded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev := w.signIn("dev")
		sessionOf := func(name string) uuid.UUID {
			list, err := w.Sessions(background, dev)
			w.ok(err)
			for _, s := range list {
				if s.Device == name {
					return s.ID
				}
			}
			t.Fatalf("no session of %s among %+v", name, list)
			return uuid.Nil
		}
		one, oneToken := w.allowed(dev, "One")
		_, other := w.allowed(dev, "Other")
		w.ok(w.EndSession(background, dev, sessionOf("One")))
		w.get(oneToken, "/projects.json").refused(401, "revoked")
		w.poll(one).has("status", "expired") // also within the half minute
		w.get(other, "/projects.json").want(200)

		waiting := w.device("Not fetched yet")
		w.ok(w.AllowDevice(background, dev, waiting, uuid.Nil))
		w.ok(w.ChangePassword(background, dev, good, "Correct-Horse-2"))
		w.get(other, "/projects.json").refused(401, "revoked")
		w.poll(waiting).has("status", "expired")

		_, third := w.allowed(dev, "Third")
		w.ok(w.SignOut(background, dev, true))
		w.get(third, "/projects.json").refused(401, "revoked")

		lead := w.signIn("lead")
		inactive, token := w.allowed(lead, "Of who leaves")
		_, err := w.Deactivate(background, w.op, authority.UserRef{Email: "lead@acme.test"})
		w.ok(err)
		w.get(token, "/projects.json").refused(401, "")
		w.poll(inactive).has("status", "expired")
		if err := w.AllowDevice(background, lead, w.device("Too late"), uuid.Nil); err == nil {
			t.Error("who is deactivated lets a device act")
		}
	})
}

// Nobody gets a token without a yes in time, and a yes is good for one device.
func TestBHD34_DeviceIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev, owner := w.signIn("dev"), w.signIn("owner")
		id := w.device("Space Game")
		create := func(body string) answer { return w.post("", "/device_auth/create.json", body) }
		create(`{"request_id":"`+id+`","entity_kind":"game","entity_name":"Another"}`).refused(422, "another request")
		for body, part := range map[string]string{
			`{"request_id":"short","entity_kind":"game","entity_name":"x"}`:                                           "request_id: must have 16 to 128",
			`{"request_id":"` + strings.Repeat("x", 129) + `","entity_kind":"game","entity_name":"x"}`:                "request_id",
			`{"request_id":"../../../../etc/passwd","entity_kind":"game","entity_name":"x"}`:                          "request_id",
			`{"entity_kind":"game","entity_name":"x"}`:                                                                "request_id",
			`{"request_id":"0123456789abcdef","entity_kind":"game"}`:                                                  "entity_name: must not be empty",
			`{"request_id":"0123456789abcdef","entity_kind":"game","entity_name":"` + strings.Repeat("x", 101) + `"}`: "entity_name",
			`{"request_id":"0123456789abcdef","entity_kind":"game","entity_name":"x\u202ey"}`:                         "entity_name",
			`{"request_id":"0123456789abcdef","entity_kind":"<b>","entity_name":"x"}`:                                 "entity_kind",
			`{"request_id":"0123456789abcdef","entity_name":"x"}`:                                                     "entity_kind",
		} {
			create(body).refused(422, part)
		}
		create(`{"request_id":7}`).refused(422, "request_id")
		w.post("", "/device_auth/create", "request_id=0123456789abcdef&entity_kind=launcher&entity_name=By+a+form").want(201)
		for _, unknown := range []string{"0123456789abcdeX", "short", strings.Repeat("x", 500)} {
			w.poll(unknown).has("status", "not_found", "token", nil)
		}
		w.get("", "/device_auth/"+id).refused(404, "")
		w.do(call{method: "OPTIONS", path: "/device_auth/" + id + "/poll"}).want(200)

		w.ok(w.DenyDevice(background, dev, id))
		w.poll(id).has("status", "expired", "token", nil, "error", "the user said no")
		for what, err := range map[string]error{"an answer to what was denied": w.AllowDevice(background, owner, id, uuid.Nil), "another no": w.DenyDevice(background, owner, id)} {
			if err != authority.ErrAnswered {
				t.Errorf("%s: %v", what, err)
			}
		}
		taken, token := w.allowed(dev, "Mine")
		if err := w.AllowDevice(background, owner, taken, uuid.Nil); err != authority.ErrAnswered {
			t.Errorf("a second yes: %v", err)
		}
		d, err := w.Verify(background, strings.TrimPrefix(token, "Bearer "), authority.Verification{})
		w.ok(err)
		theirs := w.device("Made by a device")
		if err := w.AllowDevice(background, &d.Principal, theirs, uuid.Nil); !errors.Is(err, credential.Forbidden) {
			t.Errorf("a device lets another act: %v", err)
		}
		if _, err := w.Sessions(background, &d.Principal); !errors.Is(err, credential.Forbidden) {
			t.Errorf("a device sees the sessions: %v", err)
		}
		if _, err := w.Issue(background, &d.Principal, authority.IssueRequest{Scheme: "betahub_pat", Name: "x", Organization: w.org.ID, User: &authority.UserRef{Email: "dev@acme.test"}}); !errors.Is(err, credential.Forbidden) {
			t.Errorf("a device makes what outlives it: %v", err)
		}

		_, owners := w.allowed(owner, "Of an owner")
		d, err = w.Verify(background, strings.TrimPrefix(owners, "Bearer "), authority.Verification{})
		w.ok(err)
		device, member, hook := &d.Principal, authority.UserRef{Email: "dev@acme.test"}, "https://hooks.example.test/"
		made := func(_ any, err error) error { return err }
		of := authority.WebhookRef{Organization: w.org.ID, ID: w.hook()}
		for what, err := range map[string]error{
			"a webhook":             made(w.CreateWebhook(background, device, w.org.ID, authority.WebhookRequest{URL: &hook, Events: &[]string{"member.added"}})),
			"a webhook's secret":    made(w.RotateWebhook(background, device, of, true)),
			"another URL":           made(w.UpdateWebhook(background, device, of, authority.WebhookRequest{URL: &hook})),
			"a role in a project":   w.SetProjectMember(background, device, w.alpha, member, credential.ProjectAdmin),
			"no project":            w.DeleteProject(background, device, w.org.ID, w.alpha.ID),
			"no organization":       w.DeleteOrganization(background, device, w.org.ID),
			"a member":              made(w.CreateUser(background, device, w.org.ID, authority.UserRequest{Email: "x@acme.test", Name: "x", Role: credential.Admin})),
			"an invitation":         made(w.Invite(background, device, w.org.ID, authority.InviteRequest{Email: "x@acme.test", Role: credential.Admin})),
			"no member":             w.RemoveMember(background, device, w.org.ID, member),
			"a credential's secret": made(w.Issue(background, device, authority.IssueRequest{Scheme: "gatehouse_key", Name: "x", Organization: w.org.ID, Scopes: []credential.Scope{"issues:read"}})),
		} {
			if !errors.Is(err, credential.Forbidden) {
				t.Errorf("a device of an owner makes %s: %v", what, err)
			}
		}
		off := false
		w.ok(made(w.UpdateWebhook(background, device, of, authority.WebhookRequest{Active: &off})))

		late, unfetched := w.device("Too late"), w.device("Never fetched")
		w.ahead.Add(int64(299 * time.Second))
		w.poll(late).has("status", "pending")
		w.ok(w.AllowDevice(background, dev, unfetched, uuid.Nil)) // the device asks until some seconds later
		w.ahead.Add(int64(time.Second))
		w.poll(late).has("status", "expired", "token", nil)
		if err := w.AllowDevice(background, dev, late, uuid.Nil); err != authority.ErrAnswered {
			t.Errorf("a late yes: %v", err)
		}
		w.ahead.Add(int64(30 * time.Second))
		w.poll(unfetched).has("status", "expired", "token", nil)
		list, err := w.Sessions(background, dev)
		w.ok(err)
		for _, s := range list {
			if s.Device == "Never fetched" {
				t.Error("a session stays that nobody has the token of")
			}
		}
		w.ok(w.store.ForgetDevices(background, w.now()))
		w.poll(late).has("status", "not_found")
	})
}

// hook makes a webhook of the organization.
func (w *world) hook() uuid.UUID {
	w.t.Helper()
	url := "https://hooks.example.test/"
	made, err := w.CreateWebhook(background, w.op, w.org.ID, authority.WebhookRequest{URL: &url, Events: &[]string{"member.added"}})
	w.ok(err)
	return made.ID
}

// Who revokes a device's token ends its session, and what was traded for it.
func TestBHD34_RevokedWhole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev := w.signIn("dev")
		for name, revoke := range map[string]func(token string) error{
			"by who found it": func(token string) error {
				return w.RevokeByPossession(background, token, netip.MustParseAddr("203.0.113.9"), "")
			},
			"by itself": func(token string) error {
				d, err := w.Verify(background, token, authority.Verification{})
				w.ok(err)
				_, err = w.RevokeSelf(background, &d.Principal)
				return err
			},
		} {
			id, token := w.allowed(dev, name)
			traded, err := w.Exchange(background, authority.ExchangeRequest{Subject: strings.TrimPrefix(token, "Bearer ")})
			w.ok(err)
			w.get("Bearer "+traded.Token.Reveal(), "/projects.json").want(200)
			w.ok(revoke(strings.TrimPrefix(token, "Bearer ")))
			w.get(token, "/projects.json").refused(401, "revoked")
			w.get("Bearer "+traded.Token.Reveal(), "/projects.json").refused(401, "revoked")
			w.poll(id).has("status", "expired")
			if list, err := w.Sessions(background, dev); err != nil || len(list) != 1 {
				t.Errorf("%s: %d sessions, %v", name, len(list), err)
			}
		}
	})
}

// A membership that ends takes the devices along, and brings none back.
func TestBHD34_RemovedMember(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev, email := w.signIn("dev"), "dev@acme.test"
		_, token := w.allowed(dev, "Space Game")
		waiting := w.device("Not answered yet")
		w.ok(w.RemoveMember(background, w.op, w.org.ID, authority.UserRef{Email: email}))
		w.get(token, "/projects.json").refused(401, "revoked")
		if err := w.AllowDevice(background, dev, waiting, uuid.Nil); err != authority.ErrNowhere {
			t.Errorf("who is in no organization: %v", err)
		}
		w.poll(waiting).has("status", "pending")
		_, err := w.CreateUser(background, w.op, w.org.ID, authority.UserRequest{Email: email, Name: "The dev", Role: credential.Member})
		w.ok(err)
		w.get(token, "/projects.json").refused(401, "revoked")
		_, err = w.Account(background, dev)
		w.ok(err)
	})
}

// Of several at once one says yes, and the device gets one token: at one address,
// and the audit says at which.
func TestBHD34_AtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev, id := w.signIn("dev"), w.device("Space Game")
		answers := make(chan error, 2)
		for range 2 {
			go func() { answers <- w.AllowDevice(background, dev, id, uuid.Nil) }()
		}
		first, second := <-answers, <-answers
		if (first == nil) == (second == nil) || first != nil && first != authority.ErrAnswered || second != nil && second != authority.ErrAnswered {
			t.Errorf("two answers at once: %v, %v", first, second)
		}
		from := authority.Origin{Address: netip.MustParseAddr("203.0.113.7"), UserAgent: "UnityPlayer/6000.0"}
		polls := make(chan string, 2)
		for range 2 {
			go func() {
				got, err := w.PollDevice(background, id, from)
				if err != nil || got.Token == nil {
					t.Errorf("a poll beside another: %+v, %v", got, err)
					polls <- ""
					return
				}
				d, err := w.Verify(background, got.Token.Token.Reveal(), authority.Verification{})
				if err != nil || d.Principal.Token == nil {
					t.Errorf("its token: %+v, %v", d, err)
					polls <- ""
					return
				}
				polls <- d.Principal.Token.ID
			}()
		}
		if one, other := <-polls, <-polls; one != other {
			t.Errorf("two tokens: %s and %s", one, other)
		}
		from.Address = netip.MustParseAddr("203.0.113.8")
		if got, err := w.PollDevice(background, id, from); err != nil || got.State != authority.DeviceExpired || got.Token != nil {
			t.Errorf("from elsewhere: %+v, %v", got, err)
		}
		for action, part := range map[string]string{"device.allow": w.org.ID.String(), "device.fetch": `"address":"203.0.113.7","name":"Space Game","user_agent":"UnityPlayer/6000.0"`} {
			events, err := w.FindEvents(background, w.op, uuid.Nil, store.EventFilter{Action: action, Limit: 9})
			if err != nil || len(events) != 1 || !strings.Contains(events[0].Detail, part) || strings.Contains(events[0].Detail, id) {
				t.Errorf("%s: the audit says %+v, %v", action, events, err)
			}
		}
	})
}

// Who is in several organizations chooses the one in which the device acts.
func TestBHD34_DeviceActsInOneOrganization(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t), betahub.ByRequest)
	_, err := w.CreateUser(background, w.op, w.other.ID, authority.UserRequest{Email: "dev@acme.test", Name: "The dev", Role: credential.Admin})
	w.ok(err)
	dev := w.signIn("dev")
	id := w.device("Space Game")
	for what, place := range map[string]uuid.UUID{"none": uuid.Nil, "one that isn't theirs": uuid.New()} {
		if err := w.AllowDevice(background, dev, id, place); err == nil || !strings.Contains(err.Error(), "choose where") {
			t.Errorf("%s: %v", what, err)
		}
	}
	w.ok(w.AllowDevice(background, dev, id, w.other.ID))
	token := "Bearer " + w.poll(id).get("token").(string)
	w.get(token, "/projects.json").want(200).has("0.name", "Far", "1", nil)
	w.do(call{method: "GET", path: "/projects.json", as: token, header: []string{"Gatehouse-Organization", w.org.ID.String()}}).refused(404, "")
}

// An address asks only so often, for itself and for answers.
func TestBHD34_DevicesAreLimited(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t), betahub.ByRequest)
	server := edge.New(edge.Config{Authority: w.Authority, AddressRate: 2, Now: w.now, Surfaces: betahub.Surfaces(betahub.Config{Authority: w.Authority, Workspace: w.work})})
	ask := func(method, path, from, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.RemoteAddr = from + ":4000"
		r.Header.Set("Content-Type", "application/json")
		out := httptest.NewRecorder()
		server.ServeHTTP(out, r)
		return out
	}
	create := func(from string) *httptest.ResponseRecorder {
		return ask("POST", "/device_auth/create", from, `{"request_id":"`+uuid.NewString()+`","entity_kind":"game","entity_name":"x"}`)
	}
	for i, want := range []int{201, 201, 429} {
		if got := create("203.0.113.7"); got.Code != want || (got.Header().Get("Retry-After") != "") != (want == 429) {
			t.Errorf("request %d: got %d %v", i, got.Code, got.Header())
		}
	}
	if got := create("203.0.113.8"); got.Code != 201 {
		t.Errorf("from elsewhere: got %d", got.Code)
	}
	origin := authority.Origin{Address: netip.MustParseAddr("203.0.113.7")}
	for range 300 {
		if _, err := w.PollDevice(background, "short", origin); !errors.Is(err, credential.NotFound) {
			t.Fatal(err)
		}
	}
	if got := ask(http.MethodGet, "/device_auth/short/poll", "203.0.113.7", ""); got.Code != 429 || got.Header().Get("Retry-After") == "" || !strings.Contains(got.Body.String(), `"status":"rate_limited"`) {
		t.Errorf("one poll too many: got %d %v %s", got.Code, got.Header(), got.Body)
	}
	if got := ask(http.MethodGet, "/device_auth/short/poll", "203.0.113.8", ""); got.Code != 200 {
		t.Errorf("from elsewhere: got %d", got.Code)
	}
	dev := w.signIn("dev")
	_, first := w.allowed(dev, "First")
	for range authority.MaxSessions {
		w.ahead.Add(int64(time.Second))
		w.allowed(dev, "Another")
	}
	w.get(first, "/projects.json").refused(401, "revoked")
	if list, err := w.Sessions(background, dev); err != nil || len(list) != 1+authority.MaxSessions { // no device takes the place of who lets it act
		t.Errorf("%d sessions go on: %v", len(list), err)
	}
}
