package authority_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// in asks for a permission within a project.
func in(p *store.Project, permission credential.Permission) authority.Verification {
	return authority.Verification{Permission: permission, Project: &store.ProjectRef{ID: p.ID}, Address: here}
}

func (w *world) wantIn(what, secret string, v authority.Verification, want credential.Code) {
	w.t.Helper()
	if got := w.verify(secret, v).Code; got != want {
		w.t.Errorf("%s: got %s, want %s", what, got, want)
	}
}

// S-5: what a user's own token may do follows the role at the next request,
// with the answer before in the cache.
func TestS5_RoleOfTheMoment(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, scheme := range []string{"betahub_pat", "testkase_pat"} {
			secret := w.issue(w.op, w.forUser(scheme, "admin")).Secret.Reveal()
			for _, step := range []struct {
				role                       credential.Role
				audit, write, hidden, read credential.Code
			}{
				{credential.Owner, credential.OK, credential.OK, credential.OK, credential.OK},
				{credential.Member, credential.CodeForbidden, credential.CodeForbidden, credential.CodeForbidden, credential.OK},
				{credential.Guest, credential.CodeForbidden, credential.CodeForbidden, credential.CodeForbidden, credential.OK},
				{credential.Admin, credential.OK, credential.OK, credential.OK, credential.OK},
				{"", credential.CodeRevoked, credential.CodeRevoked, credential.CodeRevoked, credential.CodeRevoked},
			} {
				w.ok(w.setRole("admin", step.role))
				w.wantIn(scheme+" audit as "+string(step.role), secret, authority.Verification{Permission: credential.AuditRead}, step.audit)
				w.wantIn(scheme+" write as "+string(step.role), secret, in(w.alpha, credential.IssuesWrite), step.write)
				w.wantIn(scheme+" hidden project as "+string(step.role), secret, in(w.hidden, credential.IssuesRead), step.hidden)
				w.wantIn(scheme+" read as "+string(step.role), secret, authority.Verification{Permission: credential.IssuesRead}, step.read)
			}
			_, err := w.CreateUser(background, w.op, w.org.ID, authority.UserRequest{Email: "admin@example.test", Name: "admin", Role: credential.Admin})
			w.ok(err)
		}
	})
}

// S-5: a place in a project counts from the next request, both ways.
func TestS5_ProjectRoleOfTheMoment(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		secret := w.issue(w.op, w.forUser("testkase_pat", "member")).Secret.Reveal()
		for _, step := range []struct {
			role        credential.ProjectRole
			read, write credential.Code
		}{
			{credential.ProjectAdmin, credential.OK, credential.OK}, {credential.ProjectGuest, credential.OK, credential.CodeForbidden},
			{"", credential.CodeForbidden, credential.CodeForbidden}, {credential.ProjectUser, credential.OK, credential.OK},
		} {
			w.ok(w.setProjectRole(w.alpha, "member", step.role))
			w.wantIn("read as "+string(step.role), secret, in(w.alpha, credential.IssuesRead), step.read)
			w.wantIn("write as "+string(step.role), secret, in(w.alpha, credential.IssuesWrite), step.write)
			w.wantIn("elsewhere as "+string(step.role), secret, in(w.hidden, credential.IssuesRead), credential.CodeForbidden)
			w.wantIn("outside as "+string(step.role), secret, authority.Verification{Permission: credential.IssuesWrite}, credential.CodeForbidden)
		}
		w.ok(w.SetRole(background, w.op, w.org.ID, w.ref("member"), credential.Guest)) // gains nothing by a project role
		w.wantIn("write as a guest", secret, in(w.alpha, credential.IssuesWrite), credential.CodeForbidden)
	})
}

// S-5: a project that is archived and an organization that is suspended stop
// every credential of theirs, and only theirs, at the next request.
func TestS5_ArchivedAndSuspended(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		secrets := map[string]string{}
		for _, scheme := range schemeNames(w.cfg) {
			_, secrets[scheme] = w.made(scheme)
			w.wantCode(scheme, secrets[scheme], credential.OK)
		}
		far := w.ask("onetest_key")
		far.Organization, far.Project = w.other.ID, &store.ProjectRef{ID: w.foreign.ID}
		foreign := w.issue(w.op, far).Secret.Reveal()
		_, err := w.ArchiveProject(background, w.op, w.org.ID, w.alpha.ID, true)
		w.ok(err)
		for scheme, secret := range secrets {
			want := credential.OK
			if w.cfg.Schemes.ByName(scheme).Owner == credential.OwnedByProject {
				want = credential.CodeOwnerInactive
			}
			w.wantCode(scheme+" of an archived project", secret, want)
			w.wantIn(scheme+" in an archived project", secret, authority.Verification{Project: &store.ProjectRef{ID: w.alpha.ID}}, credential.CodeOwnerInactive)
		}
		wantKind(t, "issuing in an archived project", w.issues(w.op, w.ask("onetest_key")), credential.Conflict)
		_, err = w.ArchiveProject(background, w.op, w.org.ID, w.alpha.ID, false)
		w.ok(err)
		_, err = w.SuspendOrganization(background, w.op, w.org.ID, true)
		w.ok(err)
		for scheme, secret := range secrets {
			w.wantCode(scheme+" of a suspended organization", secret, credential.CodeOwnerInactive)
		}
		w.wantCode("the other organization's", foreign, credential.OK)
		_, err = w.SuspendOrganization(background, w.op, w.org.ID, false)
		w.ok(err)
		for scheme, secret := range secrets {
			w.wantCode(scheme+" of an organization that is back", secret, credential.OK)
		}
	})
}

// Leaving an organization ends the places in its projects: who comes back
// starts without any.
func TestS5_LeavingEndsProjectRoles(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		secret := w.issue(w.op, w.forUser("testkase_pat", "lead")).Secret.Reveal()
		w.wantIn("before", secret, in(w.alpha, credential.IssuesWrite), credential.OK)
		w.ok(w.RemoveMember(background, w.op, w.org.ID, w.ref("lead")))
		_, err := w.CreateUser(background, w.op, w.org.ID, authority.UserRequest{Email: "lead@example.test", Name: "lead", Role: credential.Member})
		w.ok(err)
		w.wantCode("the token from before", secret, credential.CodeRevoked)
		secret = w.issue(w.op, w.forUser("testkase_pat", "lead")).Secret.Reveal()
		w.wantIn("back again", secret, in(w.alpha, credential.IssuesRead), credential.CodeForbidden)
	})
}

// interrupted is a world whose second authority has something done by the
// first between its checks and its transaction: when it reads the clock.
func interrupted(w *world, what func()) *authority.Authority {
	done := false
	return authority.New(authority.Config{Store: w.store, Schemes: w.cfg.Schemes, Now: func() time.Time {
		if !done {
			done = true
			what()
		}
		return w.clock.now()
	}})
}

// S-5: whoever is taken out of the organization while being put into a project
// has no place there afterwards.
func TestS5_RemovalRacesProjectRole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := interrupted(w, func() { w.ok(w.RemoveMember(background, w.op, w.org.ID, w.ref("lead"))) })
		if err := a.SetProjectMember(background, w.op, w.hidden, w.ref("lead"), credential.ProjectAdmin); err == nil {
			t.Error("somebody who has left was put into a project")
		}
		if rows := storetest.Dump(t, w.raw(), "project_members"); containsID(rows, w.users["lead"]) {
			t.Errorf("somebody who has left has a place in a project:\n%s", rows)
		}
	})
}

// S-5: a change of role doesn't bring back who was removed meanwhile.
func TestS5_RemovalRacesRole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := interrupted(w, func() { w.ok(w.RemoveMember(background, w.op, w.org.ID, w.ref("lead"))) })
		if err := a.SetRole(background, w.op, w.org.ID, w.ref("lead"), credential.Admin); err == nil {
			t.Error("the role of somebody who has left was changed")
		}
		for _, m := range w.members() {
			if m.ID == w.users["lead"].ID {
				t.Errorf("somebody who was removed is back as %s", m.Role)
			}
		}
	})
}
