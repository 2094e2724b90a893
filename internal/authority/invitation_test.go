package authority_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// in is the principal of a new session of a person, in the first organization.
func (w *world) in(name string) *credential.Principal {
	w.t.Helper()
	d := w.verify(w.signIn(name).Access.Token.Reveal(), authority.Verification{Address: here, Organization: w.org.ID.String()})
	if d.Code != credential.OK {
		w.t.Fatalf("%s is not let in: %s", name, d.Code)
	}
	return &d.Principal
}

// registered makes an account in no organization, and signs in.
func (w *world) registered(name string) *credential.Principal {
	w.t.Helper()
	id, err := w.Register(background, authority.RegisterRequest{Email: name + "@example.test", Name: name, Password: password})
	w.ok(err)
	w.users[name] = &store.Member{User: store.User{ID: id}}
	return w.session(name)
}

func TestX8_Invitations(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("boss", credential.Owner)
		boss := w.in("boss")
		older, err := w.Invite(background, boss, w.org.ID, authority.InviteRequest{Email: "New@example.test", Role: credential.Admin})
		w.ok(err)
		invited, err := w.Invite(background, boss, w.org.ID, authority.InviteRequest{Email: "new@example.test", Role: credential.Member})
		w.ok(err)
		late, err := w.Invite(background, boss, w.org.ID, authority.InviteRequest{Email: "late@example.test", Role: credential.Member})
		w.ok(err)
		withdrawn, err := w.Invite(background, boss, w.org.ID, authority.InviteRequest{Email: "not@example.test", Role: credential.Member})
		w.ok(err)
		w.ok(w.WithdrawInvitation(background, boss, w.org.ID, withdrawn.ID))
		wantKind(t, "withdraw twice", w.WithdrawInvitation(background, boss, w.org.ID, withdrawn.ID), credential.NotFound)
		wantKind(t, "withdraw another organization's", w.WithdrawInvitation(background, w.op, w.other.ID, late.ID), credential.NotFound)

		accept := func(p *credential.Principal, i *authority.Invited) error {
			return second(w.AcceptInvitation(background, p, i.Code.Reveal()))
		}
		p, not := w.registered("new"), w.registered("not")
		wantKind(t, "an invitation of somebody else", accept(not, invited), credential.Forbidden)
		wantField(t, "one that was replaced", accept(p, older), "code")
		wantField(t, "one that was withdrawn", accept(not, withdrawn), "code")
		var done atomic.Int64
		race(16, func(int) {
			if accept(p, invited) == nil {
				done.Add(1)
			}
		})
		if done.Load() != 1 {
			t.Errorf("an invitation was accepted %d times", done.Load())
		}
		if q := w.in("new"); q.Role != credential.Member || q.Organization != w.org.ID {
			t.Errorf("the new member is %s of %s", q.Role, q.Organization)
		}
		_, err = w.Invite(background, boss, w.org.ID, authority.InviteRequest{Email: "new@example.test", Role: credential.Member})
		wantKind(t, "invite a member", err, credential.Conflict)
		w.clock.advance(7 * day)
		wantField(t, "after seven days", accept(w.registered("late"), late), "code")

		w.ok(w.RemoveMember(background, w.op, w.org.ID, w.ref("new")))
		wantField(t, "once more, after leaving", accept(w.session("new"), invited), "code")
	})
}

// A user writes to a hundred addresses a day at most, whatever organization they
// do it in; the operator to as many as they like.
func TestX8_InvitationsOfADay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("boss", credential.Owner)
		w.person("deputy", credential.Admin)
		boss := w.in("boss")
		invite := func(p *credential.Principal) error {
			return second(w.Invite(background, p, w.org.ID, authority.InviteRequest{Email: uuid.NewString() + "@example.test", Role: credential.Guest}))
		}
		for range 100 {
			w.ok(invite(boss))
		}
		wantKind(t, "one more", invite(boss), credential.TooMany)
		w.ok(invite(w.in("deputy")))
		w.ok(invite(w.op))
		w.clock.advance(day / 100)
		w.ok(invite(w.in("boss")))
	})
}

// Who may invite whom as what, change what members are, and remove them.
func TestS9_WhoLooksAfterMembers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, role := range map[string]credential.Role{
			"boss": credential.Owner, "deputy": credential.Admin, "worker": credential.Member, "looker": credential.Guest, "otherboss": credential.Owner,
		} {
			w.person(name, role)
		}
		acts := map[string]func(p *credential.Principal) error{
			"invite a guest": func(p *credential.Principal) error {
				return second(w.Invite(background, p, w.org.ID, authority.InviteRequest{Email: uuid.NewString() + "@example.test", Role: credential.Guest}))
			},
			"invite an owner": func(p *credential.Principal) error {
				return second(w.Invite(background, p, w.org.ID, authority.InviteRequest{Email: uuid.NewString() + "@example.test", Role: credential.Owner}))
			},
			"list invitations": func(p *credential.Principal) error {
				return second(w.Invitations(background, p, w.org.ID, uuid.Nil, 10))
			},
			"make a guest a member": func(p *credential.Principal) error {
				return w.SetRole(background, p, w.org.ID, w.ref("guest"), credential.Member)
			},
			"make a guest an owner": func(p *credential.Principal) error {
				return w.SetRole(background, p, w.org.ID, w.ref("guest"), credential.Owner)
			},
			"make an owner a guest": func(p *credential.Principal) error {
				w.ok(w.SetRole(background, w.op, w.org.ID, w.ref("otherboss"), credential.Owner))
				return w.SetRole(background, p, w.org.ID, w.ref("otherboss"), credential.Guest)
			},
			"remove a guest": func(p *credential.Principal) error {
				m := w.user(w.org, "g"+uuid.NewString()[:8], credential.Guest)
				return w.RemoveMember(background, p, w.org.ID, authority.UserRef{ID: m.ID})
			},
			"remove an owner": func(p *credential.Principal) error {
				m := w.user(w.org, "o"+uuid.NewString()[:8], credential.Owner)
				return w.RemoveMember(background, p, w.org.ID, authority.UserRef{ID: m.ID})
			},
		}
		allowed := map[string][]string{
			"boss":   {"invite a guest", "invite an owner", "list invitations", "make a guest a member", "make a guest an owner", "make an owner a guest", "remove a guest", "remove an owner"},
			"deputy": {"invite a guest", "list invitations", "make a guest a member", "remove a guest"},
		}
		callers := map[string]*credential.Principal{"boss": w.in("boss"), "deputy": w.in("deputy"), "worker": w.in("worker"), "looker": w.in("looker")}
		callers["a token of the owner"] = w.principal(w.issue(w.op, w.forUser("testkase_pat", "boss")).Secret.Reveal())
		callers["a key with members:write"] = w.key("members:write", "members:read")
		for name, p := range callers {
			for act, call := range acts {
				want := slices.Contains(allowed[name], act)
				err := call(p)
				if (err == nil) != want || err != nil && !errors.Is(err, credential.Forbidden) {
					t.Errorf("%s: %s: got %v, want %v", name, act, err, want)
				}
				w.ok(w.SetRole(background, w.op, w.org.ID, w.ref("guest"), credential.Guest))
			}
		}
		_, err := w.Invite(background, w.in("boss"), w.other.ID, authority.InviteRequest{Email: "x@example.test", Role: credential.Guest})
		wantKind(t, "invite to another organization", err, credential.NotFound)
	})
}

// Members leave by themselves, and the last owner doesn't: not even when all
// leave at once.
func TestS9_Leaving(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		owners := []string{"a", "b", "c", "d"}
		w.person("worker", credential.Member)
		worker := w.in("worker")
		pat := w.issue(w.op, w.forUser("testkase_pat", "worker")).Secret.Reveal()
		wantKind(t, "a member removes another", w.RemoveMember(background, worker, w.org.ID, w.ref("guest")), credential.Forbidden)
		w.ok(w.RemoveMember(background, worker, w.org.ID, w.ref("worker")))
		w.wantCode("the token of who left", pat, credential.CodeRevoked)

		var principals []*credential.Principal
		for _, name := range owners {
			w.person(name, credential.Owner)
			principals = append(principals, w.in(name))
		}
		w.ok(w.RemoveMember(background, w.op, w.org.ID, w.ref("owner")))
		var left atomic.Int64
		race(len(owners), func(i int) {
			if w.RemoveMember(background, principals[i], w.org.ID, w.ref(owners[i])) == nil {
				left.Add(1)
			}
		})
		if left.Load() != 3 {
			t.Errorf("%d of four owners left, want three", left.Load())
		}
	})
}

// An invitation is worth what who made it may do when it is accepted: nobody
// comes back, or lets others in, by one that was made before.
func TestS5_InvitationOfWhoMayNot(t *testing.T) {
	for what, lose := range map[string]func(w *world) error{
		"removed":     func(w *world) error { return w.setRole("boss", "") },
		"demoted":     func(w *world) error { return w.setRole("boss", credential.Admin) },
		"deactivated": func(w *world) error { return second(w.Deactivate(background, w.op, w.ref("boss"))) },
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.person("boss", credential.Owner)
				asOwner, err := w.Invite(background, w.in("boss"), w.org.ID, authority.InviteRequest{Email: "new@example.test", Role: credential.Owner})
				w.ok(err)
				asMember, err := w.Invite(background, w.in("boss"), w.org.ID, authority.InviteRequest{Email: "other@example.test", Role: credential.Member})
				w.ok(err)
				w.ok(lose(w))
				_, err = w.AcceptInvitation(background, w.registered("new"), asOwner.Code.Reveal())
				wantField(t, "accept it as an owner", err, "code")
				_, err = w.AcceptInvitation(background, w.registered("other"), asMember.Code.Reveal())
				if what == "demoted" { // to who may still invite members
					w.ok(err)
					return
				}
				wantField(t, "accept it as a member", err, "code")
			})
		})
	}
}
