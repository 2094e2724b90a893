package console_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// What outlives a session takes somebody who proved lately who they are: five
// minutes after signing in the form asks, keeps what was typed, and is done
// once the password is right.
func TestL7_AskedAgainBeforeASecret(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		keys := s.pages() + "/keys"
		form := fill(s.get(keys+"/new"), "name", "Nightly <b>", "mode", "live", "access", "read", "expires", "30")
		s.at.Add(int64(5*time.Minute/time.Second) + 1)
		asked := s.shows("the form after a while", s.post(keys, form), 200, "Confirm that it’s you", `name="name" value="Nightly <b>"`)
		s.hides("the form after a while", asked, "bsk_live_")
		kept := url.Values{}
		for name, list := range form {
			kept.Set(name, list[0])
		}
		kept.Set("prove-password", "not the password")
		wrong := s.shows("a wrong password", s.post(keys, kept), 422, "isn't your password", `value="Nightly <b>"`)
		s.hides("a wrong password", wrong, "not the password", "bsk_live_")
		kept.Set("prove-password", "correct horse battery")
		made := s.shows("the right one", s.post(keys, kept), 200, "Copy your new key now")
		s.hides("the form sent again", s.post(keys, kept), "bsk_live_")
		if key := s.found(made, secret); !strings.HasPrefix(key, "bsk_live_") || s.is(key) != credential.OK {
			t.Errorf("the key %s doesn't work", key)
		}
		next := fill(s.get(keys+"/new"), "name", "Another", "mode", "test", "access", "read", "expires", "30")
		s.shows("another within five minutes", s.post(keys, next), 200, "Copy your new key now")
		s.shows("a form of no page", s.post(keys, url.Values{"name": {"x"}, "prove-password": {"correct horse battery"}}), 403, "another session")
		operator := credential.Operator()
		events, err := s.authority.FindEvents(context.Background(), &operator, uuid.Nil, store.EventFilter{Action: "session.prove", Limit: 9})
		if err != nil || len(events) != 2 { // the form sent again proved it again
			t.Errorf("proving it is recorded %d times: %v", len(events), err)
		}
	})
}

// A code of the second factor will do in place of the password, once.
func TestL7_AskedAgainForACode(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		seed := s.twoFactor("ada@example.test")
		page := s.post("/console/sign-in", fill(s.get("/console/sign-in"), "email", "ada@example.test", "password", "correct horse battery"))
		s.found(s.post("/console/sign-in", fill(page, "code", code(t, seed, 0))), leads)
		keys := s.pages() + "/keys"
		form := fill(s.get(keys+"/new"), "name", "CI", "mode", "live", "access", "read", "expires", "30")
		s.at.Add(int64(authority.ProofLasts/time.Second) + 1)
		s.shows("the form after a while", s.post(keys, form), 200, "Confirm that it’s you", `name="prove-code"`)
		form.Set("prove-code", "000000")
		s.shows("a wrong code", s.post(keys, form), 422, "doesn't match")
		form.Set("prove-code", code(t, seed, authority.ProofLasts+time.Second))
		s.shows("the right one", s.post(keys, form), 200, "Copy your new key now")
		s.at.Add(int64(authority.ProofLasts/time.Second) + 1)
		other := fill(s.get(keys+"/new"), "name", "CI 2", "mode", "live", "access", "read", "expires", "30", "prove-code", form.Get("prove-code"))
		s.shows("a code that was used", s.post(keys, other), 422, "doesn't match")
	})
}
