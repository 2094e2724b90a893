package authority_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// The nil id is nobody's, in every spelling: where it stands for "all" or
// "none in particular" within the server, a caller must not be able to say so.
func TestNilID(t *testing.T) {
	for _, text := range []string{uuid.Nil.String(), "ses_" + strings.Repeat("0", 32), "ses_", ""} {
		if id, err := authority.ParsePublicID("ses", text); err == nil {
			t.Errorf("%q is the id %s, want none", text, id)
		}
	}
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, cfg)
		_, err := w.CreateUser(background, w.op, w.org.ID, authority.UserRequest{Email: "ada@acme.test", Name: "Ada", Role: credential.Owner, Password: "Correct-Horse-1"})
		w.ok(err)
		s, err := w.SignIn(background, authority.SignInRequest{Email: "ada@acme.test", Password: "Correct-Horse-1"})
		w.ok(err)
		d, err := w.Verify(background, s.Access.Token.Reveal(), authority.Verification{})
		w.ok(err)
		if err := w.EndSession(background, &d.Principal, uuid.Nil); !errors.Is(err, credential.NotFound) {
			t.Errorf("the session without an id was ended: %v", err)
		}
		if list, err := w.Sessions(background, &d.Principal); err != nil || len(list) != 1 {
			t.Errorf("left are %d sessions, %v; want 1", len(list), err)
		}
	})
}
