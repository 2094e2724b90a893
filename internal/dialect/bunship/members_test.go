package bunship_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

func invitationsOf(w *world) string { return "/organizations/" + orgID(w.org) + "/invitations" }

// memberIDs are the ids of the members of Acme, by address.
func (p *person) memberIDs() map[string]string {
	p.w.t.Helper()
	out := map[string]string{}
	a := p.do("GET", membersOf(p.w.org), nil)
	a.want(200)
	for _, m := range a.list("members") {
		m := m.(map[string]any)
		out[m["user"].(map[string]any)["email"].(string)] = m["id"].(string)
	}
	return out
}

// Owners and admins change what others are, and remove them: not the owner, and
// not themselves. A role that was taken away is gone with the next call.
func TestBSD46_BSD48_ChangeMembers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, cam, dan := w.member("ada", credential.Owner), w.member("bob", credential.Admin), w.member("cam", credential.Member), w.member("dan", credential.Guest)
		ids := ada.memberIDs()
		path := func(p *person) string { return membersOf(w.org) + "/" + ids[p.email] }

		a := bob.do("PATCH", path(dan), map[string]any{"role": "member"})
		a.want(200)
		a.wantMembers("", "id", "userId", "organizationId", "role", "user", "joinedAt")
		if a.text("id") != ids[dan.email] || a.text("role") != "member" || a.text("user.email") != dan.email {
			t.Errorf("got %s", a.body)
		}
		for _, by := range []*person{ada, bob} {
			for _, method := range []string{"PATCH", "DELETE"} {
				body := any(nil)
				if method == "PATCH" {
					body = map[string]any{"role": "viewer"}
				}
				a := by.do(method, path(ada), body)
				if a.status != 400 || a.text("error.code") != "VALIDATION_ERROR" {
					t.Errorf("%s of the owner by %s: %d %s", method, by.email, a.status, a.body)
				}
				a = by.do(method, path(by), body)
				if a.status != 400 || a.text("error.code") != "VALIDATION_ERROR" {
					t.Errorf("%s of oneself by %s: %d %s", method, by.email, a.status, a.body)
				}
			}
		}
		for _, role := range []string{"owner", "guest", "", "Admin"} {
			ada.do("PATCH", path(dan), map[string]any{"role": role}).invalid("a role "+role, "role")
		}
		for _, id := range []string{"x", "mbr_", "mbr_" + strings.Repeat("0", 31) + "1", authority.PublicID("usr", dan.id)} {
			ada.do("PATCH", membersOf(w.org)+"/"+id, map[string]any{"role": "viewer"}).refused("nobody", 404, "no such member")
		}
		for _, by := range []*person{cam, dan} {
			by.do("PATCH", path(bob), map[string]any{"role": "viewer"}).want(403)
			by.do("DELETE", path(bob), nil).want(403)
		}
		key, _ := ada.madeKey("*")
		for _, p := range []*person{ada, cam} {
			w.do("PATCH", path(p), map[string]any{"role": "viewer"}, apiKey(key)).refused("a key", 403, "members are looked after by an owner or admin who has signed in")
			w.do("DELETE", path(p), nil, apiKey(key)).refused("a key", 403, "members are looked after by an owner or admin who has signed in")
		}
		eve := w.personOf(w.other, "eve", credential.Owner)
		eve.signIn()
		eve.do("DELETE", path(cam), nil).refused("another organization's owner", 404, "no such organization")

		ada.do("PATCH", path(bob), map[string]any{"role": "viewer"}).want(200)
		bob.do("PATCH", path(cam), map[string]any{"role": "viewer"}).refused("who was an admin", 403, "")
		a = ada.do("DELETE", path(cam), nil)
		a.want(200)
		a.wantMembers("", "success", "message")
		cam.do("GET", membersOf(w.org), nil).refused("who was removed", 404, "no such organization")
		ada.do("DELETE", path(cam), nil).refused("once more", 404, "no such member")
	})
}

// The whole way of an invitation: it is made once for an address, listed, taken
// back, and accepted by who has signed in with that address.
func TestBSD47_Invitations(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.member("ada", credential.Owner), w.member("bob", credential.Admin)
		grace, joan := w.personOf(w.other, "grace", credential.Member), w.personOf(w.other, "joan", credential.Member)
		grace.signIn()
		joan.signIn()
		invite := func(email, role string) answer {
			t.Helper()
			return bob.do("POST", invitationsOf(w), map[string]any{"email": email, "role": role})
		}
		accept := func(p *person, url string) answer {
			t.Helper()
			return p.do("POST", strings.TrimPrefix(url, w.url+base), nil)
		}
		a := invite("Grace@acme.test", "viewer")
		a.want(201)
		a.wantMembers("", "invitation", "inviteUrl")
		a.wantMembers("invitation", "id", "organizationId", "email", "role", "invitedBy", "expiresAt", "createdAt", "status")
		a.wantID("invitation.id", "inv")
		a.wantTime("invitation.createdAt", w.clock.now())
		a.wantTime("invitation.expiresAt", w.clock.now().Add(7*day))
		if a.text("invitation.organizationId") != orgID(w.org) || a.text("invitation.email") != grace.email || a.text("invitation.role") != "viewer" || a.text("invitation.status") != "pending" ||
			a.text("invitation.invitedBy") != authority.PublicID("usr", bob.id) {
			t.Errorf("got %s", a.body)
		}
		url := a.text("inviteUrl")

		t.Run("refused", func(t *testing.T) {
			invite(grace.email, "member").refused("who is invited", 409, "email: this address is invited already")
			invite(ada.email, "member").refused("a member", 409, "email: this user is a member already")
			invite("nonsense", "member").invalid("no address", "email")
			for _, role := range []string{"owner", "guest", ""} {
				invite("x@acme.test", role).invalid("a role "+role, "role")
			}
			body := map[string]any{"email": "x@acme.test", "role": "viewer"}
			for _, role := range []credential.Role{credential.Member, credential.Guest} {
				p := w.member("a-"+string(role), role)
				p.do("POST", invitationsOf(w), body).want(403)
				p.do("GET", invitationsOf(w), nil).want(403)
				p.do("DELETE", invitationsOf(w)+"/"+a.text("invitation.id"), nil).want(403)
			}
			key, _ := ada.madeKey("*")
			w.do("POST", invitationsOf(w), body, apiKey(key)).refused("a key", 403, "members are looked after by")
			grace.do("POST", invitationsOf(w), body).refused("no member", 404, "no such organization")
		})
		t.Run("accepted", func(t *testing.T) {
			if a := accept(joan, url); a.status != 400 || a.text("error.code") != "VALIDATION_ERROR" {
				t.Errorf("by another address: %d %s", a.status, a.body)
			}
			w.do("POST", strings.TrimPrefix(url, w.url+base), nil).want(401)
			wrong := accept(grace, w.url+base+"/invitations/x/accept")
			wrong.refused("a wrong code", 404, "no such invitation")
			accept(grace, strings.Replace(url, "/accept", "x/accept", 1)).refused("a mistyped code", 404, "no such invitation")
			a := accept(grace, url)
			a.want(200)
			a.wantMembers("", "message", "organization")
			a.wantMembers("organization", "id", "name", "slug")
			if a.text("organization.id") != orgID(w.org) || a.text("organization.name") != "Acme" || a.text("organization.slug") != "org-1" {
				t.Errorf("got %s", a.body)
			}
			grace.do("GET", membersOf(w.org), nil).want(200)
			if a := accept(grace, url); a.status != 400 {
				t.Errorf("once more: %d %s", a.status, a.body)
			}
		})
		t.Run("member meanwhile", func(t *testing.T) {
			url := invite(joan.email, "member").text("inviteUrl")
			_, err := w.CreateUser(background, w.op, w.org.ID, authority.UserRequest{Email: joan.email, Name: "joan", Role: credential.Guest})
			w.ok(err)
			accept(joan, url).refused("a member", 409, "")
		})
		t.Run("listed and taken back", func(t *testing.T) { listInvitations(t, ada, invite) })
	})
}

// listInvitations takes one invitation back and lists the others beside those of
// before, in their time and after it.
func listInvitations(t *testing.T, ada *person, invite func(email, role string) answer) {
	w := ada.w
	back := invite("alan@acme.test", "admin")
	back.want(201)
	w.clock.advance(7*day - time.Hour)
	ada.signIn()
	late := ada.do("POST", invitationsOf(w), map[string]any{"email": "late@acme.test", "role": "member"})
	late.want(201)
	ada.do("DELETE", invitationsOf(w)+"/"+back.text("invitation.id"), nil).want(200)
	ada.do("DELETE", invitationsOf(w)+"/"+back.text("invitation.id"), nil).refused("once more", 404, "no such invitation")
	ada.do("DELETE", invitationsOf(w)+"/x", nil).refused("none", 404, "no such invitation")
	statuses := func() (list []string) {
		a := ada.do("GET", invitationsOf(w), nil)
		a.want(200)
		a.wantMembers("", "invitations", "total", "page", "pageSize", "hasMore")
		a.wantMembers("invitations.0", "id", "organizationId", "email", "role", "invitedBy", "expiresAt", "createdAt", "status")
		if strings.Contains(a.body, "invite-") {
			t.Errorf("the list has a code: %s", a.body)
		}
		for _, i := range a.list("invitations") {
			i := i.(map[string]any)
			list = append(list, i["email"].(string)+" "+i["status"].(string))
		}
		return list
	}
	if got := strings.Join(statuses(), ", "); got != "grace@acme.test accepted, joan@acme.test pending, late@acme.test pending" {
		t.Errorf("there are %s", got)
	}
	w.clock.advance(time.Hour)
	ada.take(ada.renew())
	if got := strings.Join(statuses(), ", "); got != "grace@acme.test accepted, joan@acme.test expired, late@acme.test pending" {
		t.Errorf("there are %s", got)
	}
	if a := ada.do("GET", invitationsOf(w)+"?page=2&pageSize=2", nil); len(a.list("invitations")) != 1 || a.get("total") != 3.0 || a.get("hasMore") != false {
		t.Errorf("the second page is %s", a.body)
	}
	w.clock.advance(7 * day)
	ada.signIn()
	ada.do("POST", invitationsOf(w), map[string]any{"email": "late@acme.test", "role": "member"}).want(201) // the other has expired
}
