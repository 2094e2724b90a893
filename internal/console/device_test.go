package console_test

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// device has a device ask, and returns the path that it leads to.
func (s *site) device(name string) (id, path string) {
	s.t.Helper()
	id = uuid.NewString()
	err := s.authority.AskByDevice(context.Background(), authority.DeviceAsk{ID: id, Kind: "game", Name: name,
		From: authority.Origin{Address: netip.MustParseAddr("203.0.113.7"), UserAgent: "UnityPlayer/6000.0 <i>"}})
	if err != nil {
		s.t.Fatal(err)
	}
	return id, "/device_auth/" + id + "/authorize"
}

// polled is what a device is told.
func (s *site) polled(id string) authority.DeviceState {
	s.t.Helper()
	return must(s.authority.PollDevice(context.Background(), id, authority.Origin{})).State
}

// Whom a device leads to signs in, comes back, sees who asks and what a yes means,
// and says yes or no by a form of the session.
func TestBHD34_DevicePage(t *testing.T) {
	each(t, local, func(t *testing.T, s *site) {
		const name = `<script>alert(1)</script> "' {{.}}`
		id, path := s.device(name)
		in := s.shows("who isn't signed in", s.get(path), 401, "A device asks to act for you", `name="next" value="`+path+`"`, "/console/sign-in/organization?next=")
		s.hides("who isn't signed in", in, name)
		sso := s.shows("by a provider", s.get("/console/sign-in/organization?next="+url.QueryEscape(path)), 200, `name="next" value="`+path+`"`)
		s.hides("a next that leads elsewhere", s.get("/console/sign-in/organization?next=https://evil.test/"), "evil.test")
		s.shows("a provider that isn't there", s.post("/console/sign-in/organization", fill(sso, "named", "nobody")), 422, `name="next" value="`+path+`"`)
		back := s.post("/console/sign-in", fill(in, "email", "ada@example.test", "password", password))
		if to := s.found(back, leads); to != path {
			t.Fatalf("signing in leads to %s", to)
		}
		page := s.shows("the page", s.get(path), 200, name, "A game asks to act as <b>Ada</b>", "203.0.113.7", "Not where you are: you are at 127.0.0.1", "UnityPlayer/6000.0 <i>", "Just now", "in <b>Acme</b>", "only if you began this yourself", "ada@example.test")
		if strings.Contains(page.body, "<script>alert") || strings.Contains(page.body, "<i>") || page.header.Get("Cache-Control") != "no-store" {
			t.Errorf("a name is more than text, or the page is kept: %v %s", page.header, page.body)
		}
		for what, to := range map[string]string{"a yes": path, "a no": strings.Replace(path, "authorize", "deny", 1)} {
			other := s.as()
			other.enter("ada@example.test")
			s.shows(what+" by a form of another session", s.post(to, fill(other.get(path))), 403, "another session")
			s.shows(what+" without a form", s.post(to, url.Values{}), 403, "another session")
		}
		if got := s.polled(id); got != authority.DevicePending {
			t.Fatalf("it is %s", got)
		}
		s.at.Add(int64(authority.ProofLasts.Seconds()) - 1)
		id, path = s.device(name)
		s.at.Add(2) // since who Ada is was proved
		asked := s.shows("a yes a while after signing in", s.post(path, fill(s.get(path))), 200, "Confirm that it’s you", `action="`+path+`"`, `href="`+path+`"`)
		s.shows("by a wrong password", s.post(path, fill(asked, "prove-password", "wrong")), 422, "isn't your password")
		if got := s.polled(id); got != authority.DevicePending {
			t.Fatalf("it is %s", got)
		}
		done := s.post(path, fill(asked, "prove-password", password))
		if to := s.found(done, leads); to != path {
			t.Errorf("a yes leads to %s", to)
		}
		s.shows("after a yes", s.get(path), 200, "Go back to the device", name, `href="/console/account/sessions"`)
		if got := s.polled(id); got != authority.DeviceTaken {
			t.Errorf("it is %s", got)
		}
		s.shows("once it has its token", s.get(path), 200, "The device acts for you")
		s.shows("the sessions", s.get("/console/account/sessions"), 200, name, "A device that you let act for you", "203.0.113.7")
		s.found(s.post(path, fill(asked)), leads) // a form that is sent again leads to what became of it
		operator := credential.Operator()
		events := must(s.authority.FindEvents(context.Background(), &operator, uuid.Nil, store.EventFilter{Action: "device.allow", Limit: 9}))
		if len(events) != 1 || !strings.Contains(events[0].Detail, "203.0.113.7") || strings.Contains(events[0].Detail, id) {
			t.Errorf("the audit says %+v", events)
		}
	})
}

// What is answered, too old or never was says so.
func TestBHD34_DevicePageAfterwards(t *testing.T) {
	each(t, local, func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		s.member("bob@example.test", credential.Member)
		bob := s.as()
		bob.enter("bob@example.test")
		id, path := s.device("Space Game")
		if to := s.found(s.post(strings.Replace(path, "authorize", "deny", 1), fill(s.get(path))), leads); to != path {
			t.Errorf("a no leads to %s", to)
		}
		s.shows("after a no", s.get(path), 200, "You said no")
		bob.shows("to somebody else", bob.get(path), 200, "answered before")
		bob.hides("to somebody else", bob.get(path), "Space Game", "Ada")
		if got := s.polled(id); got != authority.DeviceExpired {
			t.Errorf("it is %s", got)
		}
		_, late := s.device("Late Game")
		form := fill(s.get(late))
		_, lost := s.device("Lost Game")
		s.found(s.post(lost, fill(s.get(lost))), leads)
		s.at.Add(301)
		s.shows("too late", s.get(late), 200, "That took too long")
		s.shows("a yes that comes too late", s.post(late, form), 200, "Confirm that it’s you")
		s.found(s.post(late, url.Values{"form": form["form"], "prove-password": {password}}), leads)
		s.shows("too late", s.get(late), 200, "That took too long")
		s.shows("what the device never fetched", s.get(lost), 200, "didn’t come back")
		for _, unknown := range []string{"0123456789abcdef", "short", "%E2%80%8B"} {
			if got := s.get("/device_auth/" + unknown + "/authorize"); got.status != 404 {
				t.Errorf("%s: got %d", unknown, got.status)
			}
		}
		s.shows("what never was", s.get("/device_auth/0123456789abcdef/authorize"), 404, "Nothing waits here")
		s.shows("a yes to what never was", s.post("/device_auth/0123456789abcdef/authorize", url.Values{"form": form["form"]}), 404, "Nothing waits here")

		operator := credential.Operator()
		bobs, bobsPath := s.device("Bob's Game")
		form = fill(bob.get(bobsPath), "prove-password", password)
		if err := s.authority.RemoveMember(context.Background(), &operator, s.organization.ID, authority.UserRef{Email: "bob@example.test"}); err != nil {
			t.Fatal(err)
		}
		bob.hides("who is in no organization", bob.shows("who is in no organization", bob.get(bobsPath), 200, "You are in no organization", "Deny"), "Allow")
		bob.shows("a yes by who is in no organization", bob.post(bobsPath, form), 422, "You are in no organization")
		if got := s.polled(bobs); got != authority.DevicePending {
			t.Errorf("it is %s", got)
		}

		// Who is in several organizations chooses one.
		other := must(s.authority.CreateOrganization(context.Background(), &operator, authority.NameRequest{Name: "Other <b>"}))
		must(s.authority.CreateUser(context.Background(), &operator, other.ID, authority.UserRequest{Email: "ada@example.test", Name: "Ada", Role: credential.Guest}))
		_, path = s.device("Space Game")
		page := s.shows("the page", s.get(path), 200, "Where it may act", "Other <b>", "in that organization")
		for _, place := range []string{"", "org_x", authority.PublicID("org", uuid.New())} {
			s.shows("in "+place, s.post(path, fill(page, "organization", place)), 422, "Choose where it may act.")
		}
		s.found(s.post(path, fill(page, "organization", authority.PublicID("org", other.ID))), leads)
		s.shows("after a yes", s.get(path), 200, "Go back to the device")
	})
}
