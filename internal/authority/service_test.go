package authority_test

import (
	"errors"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// S-3: owners and admins make the tokens of service users, nobody else does,
// and no such token does more than who made it.
func TestS3_ServiceUsers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.staff()
		admin := w.in("the-admin")
		robot, err := w.CreateServiceUser(background, admin, w.org.ID, authority.ServiceRequest{Name: "Robot", Role: credential.Member})
		w.ok(err)
		ask := authority.IssueRequest{Scheme: "betahub_pat", Name: "shared", User: &authority.UserRef{ID: robot.ID}}
		for who, p := range map[string]*credential.Principal{"a member": w.in("the-member"), "a guest": w.in("the-guest"), "a key": w.key("credentials:write"), "a member's token": w.as("member")} {
			if _, err := w.Issue(background, p, ask); !errors.Is(err, credential.Forbidden) {
				t.Errorf("%s makes its token: %v", who, err)
			}
		}
		made, err := w.Issue(background, admin, ask)
		w.ok(err)
		w.wantCode("its token", made.Secret.Reveal(), credential.OK)
		if p := w.principal(made.Secret.Reveal()); p.Subject != robot.ID || p.Role != credential.Member {
			t.Errorf("its token is of %v as %s", p.Subject, p.Role)
		}
		next, err := w.Rotate(background, w.in("the-owner"), made.Credential.ID, authority.RotateRequest{})
		w.ok(err)
		w.wantCode("its token after a rotation", next.Secret.Reveal(), credential.OK)
		ref := authority.UserRef{ID: w.users["member"].ID}
		ask.User = &ref
		if _, err := w.Issue(background, admin, ask); !errors.Is(err, credential.Forbidden) {
			t.Errorf("an admin makes a person's token: %v", err)
		}

		ask.User = &authority.UserRef{ID: robot.ID}
		boss, err := w.CreateServiceUser(background, w.in("the-owner"), w.org.ID, authority.ServiceRequest{Name: "Boss", Role: credential.Admin})
		w.ok(err)
		narrow, err := w.Issue(background, admin, authority.IssueRequest{Scheme: "betahub_pat", Name: "x", User: &authority.UserRef{ID: boss.ID}})
		if err != nil || narrow == nil {
			t.Errorf("an admin makes an admin's token: %v", err)
		}

		ref = authority.UserRef{ID: robot.ID}
		wantField(t, "an owner that nobody is", w.SetRole(background, w.in("the-owner"), w.org.ID, ref, credential.Owner), "role")
		_, err = w.CreateServiceUser(background, admin, w.org.ID, authority.ServiceRequest{Name: "Robot", Role: credential.Owner})
		wantField(t, "an owner that nobody is", err, "role")
		if _, err := w.PasswordCode(background, w.op, ref); !errors.Is(err, credential.Conflict) {
			t.Errorf("a code for a password: %v", err)
		}
		if _, err := w.SignIn(background, authority.SignInRequest{Email: robot.Email, Password: ""}); err == nil {
			t.Error("somebody signs in as it")
		}
		if _, err := w.CreateServiceUser(background, w.key("members:write"), w.org.ID, authority.ServiceRequest{Name: "x", Role: credential.Guest}); !errors.Is(err, credential.Forbidden) {
			t.Errorf("a key makes one: %v", err)
		}

		w.ok(w.RemoveMember(background, admin, w.org.ID, ref))
		w.wantCode("its token when it is gone", next.Secret.Reveal(), credential.CodeRevoked)
		if _, _, err := w.Person(background, w.op, authority.UserRef{Email: robot.Email}); !errors.Is(err, credential.NotFound) {
			t.Errorf("it is still there: %v", err)
		}
	})
}
