package console_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// What an organization's provider vouches for uses up no try of a code that its
// user has elsewhere, and ends no session of theirs but its own.
func TestL5_L14_ProviderReachesNoFurther(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		i := newIDP(s)
		s.providing(i, nil)
		seed := s.twoFactor("ada@example.test")
		page := s.post("/console/sign-in", fill(s.get("/console/sign-in"), "email", "ada@example.test", "password", "correct horse battery"))
		s.found(s.post("/console/sign-in", fill(page, "code", code(t, seed, 0))), leads)
		own := s.browser.Jar
		s.anew()
		vouched := s.shows("after the provider", i.by(nil), 200, "Enter your code")
		for range 5 {
			s.shows("a wrong code", s.post("/console/sign-in", fill(vouched, "code", "000000")), 422, "doesn't match")
		}
		for range 8 {
			s.shows("one too many", s.post("/console/sign-in", fill(vouched, "code", "000000")), 422, "Too many codes were tried")
		}
		s.at.Store(60)
		s.shows("the right one", s.post("/console/sign-in", fill(vouched, "code", code(t, seed, time.Minute))), 422, "Too many codes were tried")
		s.anew()
		page = s.post("/console/sign-in", fill(s.get("/console/sign-in"), "email", "ada@example.test", "password", "correct horse battery"))
		s.found(s.post("/console/sign-in", fill(page, "code", code(t, seed, time.Minute))), leads)

		s.at.Store(1000)
		s.anew()
		vouched = s.shows("a quarter of an hour later", i.by(map[string]any{"auth_time": time.Now().Unix() + 1000}), 200, "Enter your code")
		s.found(s.post("/console/sign-in", fill(vouched, "code", code(t, seed, 1000*time.Second))), leads)
		s.shows("ending the others", s.post("/console/account/sessions/others", fill(s.get("/console/account"))), 200, "done=others")
		s.browser.Jar = own
		s.shows("the session by password", s.get("/console/"), 200, "Acme")
	})
}

// A provider that asked nobody for a password proves nothing: the console asks.
func TestL7_L14_WhenTheProviderAsked(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		i := newIDP(s)
		s.providing(i, nil)
		for what, asked := range map[string]any{"just now": time.Now().Unix(), "an hour ago": time.Now().Unix() - 3600, "nobody says when": nil} {
			s.anew()
			i.in(what, map[string]any{"auth_time": asked})
			form := fill(s.get(s.pages()+"/keys/new"), "name", what, "mode", "test", "access", "read", "expires", "30")
			want := "Confirm that it’s you"
			if what == "just now" {
				want = "Copy your new key now"
			}
			s.shows(what, s.post(s.pages()+"/keys", form), 200, want)
		}
	})
}

// Nobody is let in to an organization that was suspended meanwhile, and one that
// is deleted gives its domains up.
func TestL14_OrganizationsOutOfService(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		i, ctx, operator := newIDP(s), context.Background(), credential.Operator()
		s.providing(i, nil)
		seed := s.twoFactor("ada@example.test")
		s.anew()
		page := s.shows("before", i.by(nil), 200, "Enter your code")
		if _, err := s.authority.SuspendOrganization(ctx, &operator, s.organization.ID, true); err != nil {
			t.Fatal(err)
		}
		s.shows("suspended meanwhile", s.post("/console/sign-in", fill(page, "code", code(t, seed, 0))), 422, "Begin again")
		if err := s.authority.DeleteOrganization(ctx, &operator, s.organization.ID); err != nil {
			t.Fatal(err)
		}
		other, err := s.authority.CreateOrganization(ctx, &operator, authority.NameRequest{Name: "Successor"})
		if err != nil {
			t.Fatal(err)
		}
		s.organization = other
		s.providing(i, nil)
	})
}

// A second factor that is only set up proves nothing, and is gone with the
// password that it took.
func TestL7_FactorThatIsNotOn(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		ctx := context.Background()
		in, err := s.authority.SignIn(ctx, authority.SignInRequest{Email: "ada@example.test", Password: "correct horse battery"})
		if err != nil {
			t.Fatal(err)
		}
		d, err := s.authority.Verify(ctx, in.Access.Token.Reveal(), authority.Verification{})
		if err != nil {
			t.Fatal(err)
		}
		setup, err := s.authority.SetUpTwoFactor(ctx, &d.Principal, "correct horse battery")
		if err != nil {
			t.Fatal(err)
		}
		seed := setup.Secret.Reveal()
		if err := s.authority.ProveAgain(ctx, &d.Principal, authority.Proof{Code: code(t, seed, 0)}); err == nil {
			t.Error("a factor that isn't on proves who it is")
		}
		if err := s.authority.ChangePassword(ctx, &d.Principal, "correct horse battery", "another horse battery"); err != nil {
			t.Fatal(err)
		}
		if err := s.authority.EnableTwoFactor(ctx, &d.Principal, code(t, seed, 0)); err == nil {
			t.Error("a factor of before the new password is turned on")
		}
	})
}

var sealedSecret = regexp.MustCompile(`name="secret-client" value="(sealed[^"]+)"`)

// The secret that somebody typed before they were asked who they are is what is
// stored, or refused; never does the one before stay instead.
func TestL7_L14_SecretThatWasTypedBefore(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		i := newIDP(s)
		s.providing(i, nil)
		s.enter("ada@example.test")
		to := s.pages() + "/sign-in"
		for what, c := range map[string]struct {
			secret string
			spoil  bool
			want   int
			text   string
		}{
			"what is typed": {"gazpacho-17", false, 200, "done=provider"}, "too long": {strings.Repeat("x", 3000), false, 422, "The client secret must be at most 1024 visible characters"},
			"another text": {"gazpacho-18", true, 422, "The client secret must be at most 1024 visible characters"},
		} {
			s.at.Add(600)
			form := fill(s.get(to), "issuer", i.url, "client", "client:1", "secret-client", c.secret, "domains", "example.test", "role", "member", "active", "on")
			asked := s.shows(what, s.post(to, form), 200, "Confirm that it’s you")
			s.hides(what, asked, c.secret)
			kept := s.found(asked, sealedSecret)
			if c.spoil {
				kept = "sealed.x"
			}
			again := fill(asked, "prove-password", "correct horse battery", "secret-client", kept)
			s.shows(what, s.post(to, again), c.want, c.text)
		}
	})
}
