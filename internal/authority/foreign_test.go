package authority_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

func containsID(text string, m *store.Member) bool { return strings.Contains(text, m.ID.String()) }

// calls are all methods that take a credential's id.
func (w *world) calls(p *credential.Principal, id uuid.UUID) map[string]error {
	name := "renamed"
	_, get := w.Get(background, p, id)
	_, update := w.Update(background, p, id, authority.UpdateRequest{Name: &name})
	_, suspend := w.Suspend(background, p, id)
	_, resume := w.Resume(background, p, id)
	_, rotate := w.Rotate(background, p, id, authority.RotateRequest{})
	_, revoke := w.Revoke(background, p, id)
	return map[string]error{"get": get, "update": update, "suspend": suspend, "resume": resume, "rotate": rotate, "revoke": revoke}
}

// callers are principals of the first organization with every right that their
// sort can have.
func (w *world) callers() map[string]*credential.Principal {
	callers := map[string]*credential.Principal{"service": w.key(w.cfg.Schemes.ByName("gatehouse_key").Scopes.Names()...)}
	for _, name := range []string{"owner", "admin", "lead", "member", "guest"} {
		callers[name] = w.as(name)
	}
	return callers
}

// S-6: another organization's ids are answered like ids that don't exist, word
// for word, and nothing happens to what they name.
func TestS6_ForeignIDs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.ask("gatehouse_key")
		r.Organization = w.other.ID
		foreign := w.issue(w.op, r)
		for who, p := range w.callers() {
			unknown := w.calls(p, uuid.New())
			for what, err := range w.calls(p, foreign.Credential.ID) {
				wantKind(t, who+" "+what, err, credential.NotFound)
				if diff := cmp.Diff(unknown[what].Error(), err.Error()); diff != "" {
					t.Errorf("%s %s: a foreign id is told from an unknown one (-unknown +foreign):\n%s", who, what, diff)
				}
			}
			for what, pair := range map[string][2]error{
				"project":      {w.seen(p, w.foreign.ID), w.seen(p, uuid.New())},
				"organization": {w.seenOrganization(p, w.other.ID), w.seenOrganization(p, uuid.New())},
				"issue for":    {w.issues(p, r), w.issues(p, inUnknown(r))},
				"member":       {w.issues(p, w.own("betahub_pat", "stranger")), w.issues(p, w.ownUnknown("betahub_pat"))},
				"list of":      {w.listed(p, authority.ListRequest{Organization: w.other.ID}), w.listed(p, authority.ListRequest{Organization: uuid.New()})},
				"list by user": {w.listed(p, authority.ListRequest{User: &authority.UserRef{ID: w.users["stranger"].ID}}), w.listed(p, authority.ListRequest{User: &authority.UserRef{ID: uuid.New()}})},
				"list by project": {w.listed(p, authority.ListRequest{Project: &store.ProjectRef{ID: w.foreign.ID}}),
					w.listed(p, authority.ListRequest{Project: &store.ProjectRef{ID: uuid.New()}})},
			} {
				if pair[0] == nil || pair[1] == nil || pair[0].Error() != pair[1].Error() {
					t.Errorf("%s, %s: foreign %q, unknown %q; want one and the same error", who, what, pair[0], pair[1])
				}
			}
		}
		w.wantCode("the foreign credential", foreign.Secret.Reveal(), credential.OK)
	})
}

func (w *world) seen(p *credential.Principal, project uuid.UUID) error {
	_, err := w.Project(background, p, w.org.ID, store.ProjectRef{ID: project})
	return err
}

func (w *world) seenOrganization(p *credential.Principal, id uuid.UUID) error {
	_, err := w.Organization(background, p, id)
	return err
}

func (w *world) listed(p *credential.Principal, r authority.ListRequest) error {
	r.Limit = 100
	_, err := w.List(background, p, r)
	return err
}

func inUnknown(r authority.IssueRequest) authority.IssueRequest {
	r.Organization = uuid.New()
	return r
}

// own asks for a token of a user, within the caller's organization.
func (w *world) own(scheme, name string) authority.IssueRequest {
	r := w.forUser(scheme, name)
	r.Organization = uuid.Nil
	return r
}

func (w *world) ownUnknown(scheme string) authority.IssueRequest {
	r := w.own(scheme, "member")
	r.User = &authority.UserRef{ID: uuid.New()}
	return r
}

// S-6, S-10: whose credentials each principal sees in a list, and by id.
func TestS10_ListsAreConfined(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made := map[string]*credential.Credential{}
		for _, scheme := range []string{"betatesting_static", "betahub_pat", "onetest_key", "bunship_live"} {
			made[scheme], _ = w.made(scheme)
		}
		elsewhere := w.ask("onetest_key")
		elsewhere.Project = &store.ProjectRef{ID: w.hidden.ID}
		made["elsewhere"] = w.issue(w.op, elsewhere).Credential
		made["colleague's"] = w.issue(w.op, w.forUser("betahub_pat", "guest")).Credential
		far := w.ask("bunship_live")
		far.Organization = w.other.ID
		made["foreign"] = w.issue(w.op, far).Credential
		want := map[string][]string{
			"owner":  {"betatesting_static", "betahub_pat", "onetest_key", "bunship_live", "elsewhere", "colleague's"},
			"admin":  {"betatesting_static", "betahub_pat", "onetest_key", "bunship_live", "elsewhere", "colleague's"},
			"member": {"betahub_pat"}, "lead": {}, "guest": {"colleague's"}, "stranger": {"foreign"},
		}
		for who, names := range want {
			p := w.as(who)
			list, err := w.List(background, p, authority.ListRequest{Limit: 100})
			w.ok(err)
			got := map[uuid.UUID]bool{}
			for _, d := range list {
				got[d.Credential.ID] = true
			}
			visible := map[string]bool{}
			for _, name := range names {
				visible[name] = true
			}
			for name, c := range made {
				if got[c.ID] != visible[name] {
					t.Errorf("%s lists %s: %v, want %v", who, name, got[c.ID], visible[name])
				}
				_, err := w.Get(background, p, c.ID)
				byID := visible[name] || who == "lead" && name == "onetest_key" // it administers the project
				if byID != (err == nil) {
					t.Errorf("%s gets %s: %v, want it visible: %v", who, name, err, byID)
				}
			}
		}
	})
}

// S-10: a project's credential reaches nothing outside its project.
func TestS10_ProjectCredentialIsConfined(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, scheme := range []string{"onetest_key", "betahub_project_token"} {
			out := w.issue(w.op, w.ask(scheme))
			secret, p := out.Secret.Reveal(), w.principal(out.Secret.Reveal())
			permission := credential.ResultsRead
			if scheme == "betahub_project_token" {
				permission = credential.BugReportsCreate
			}
			w.wantIn(scheme+" in its project", secret, in(w.alpha, permission), credential.OK)
			w.wantIn(scheme+" in another", secret, in(w.hidden, permission), credential.CodeForbidden)
			w.wantIn(scheme+" in a foreign one", secret, in(w.foreign, permission), credential.CodeForbidden)
			projects, err := w.Projects(background, p, w.org.ID, uuid.Nil, 100)
			if scheme == "onetest_key" && (err != nil || len(projects) != 1 || projects[0].ID != w.alpha.ID) {
				t.Errorf("%s lists projects %+v, %v; want its own", scheme, projects, err)
			}
			_, err = w.Project(background, p, w.org.ID, store.ProjectRef{ID: w.hidden.ID})
			_, unknown := w.Project(background, p, w.org.ID, store.ProjectRef{ID: uuid.New()})
			if err == nil || err.Error() != unknown.Error() {
				t.Errorf("%s sees another project: %v, want %v", scheme, err, unknown)
			}
			for what, err := range map[string]error{
				"members": second(w.Members(background, p, w.org.ID, uuid.Nil, 10)), "events": second(w.Events(background, p, w.org.ID, 0, 10)),
				"a new project":         second(w.CreateProject(background, p, w.org.ID, authority.NameRequest{Name: "New"})),
				"archiving":             second(w.ArchiveProject(background, p, w.org.ID, w.hidden.ID, true)),
				"an organization's key": w.issues(p, w.ask("gatehouse_key")), "its like": w.issues(p, w.ask(scheme)),
				"credentials": w.listed(p, authority.ListRequest{}),
			} {
				if err == nil {
					t.Errorf("%s reaches %s", scheme, what)
				}
			}
		}
	})
}

// Another organization's secret is unknown to who asks about it.
func TestS6_VerifyForForeign(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		verifier := w.key("credentials:verify")
		wide := w.ask("gatehouse_key")
		wide.Organization, wide.Scopes = uuid.Nil, []credential.Scope{"credentials:verify"}
		wideSecret := w.issue(w.op, wide).Secret.Reveal()
		_, near := w.made("bunship_live")
		r := w.ask("bunship_live")
		r.Organization = w.other.ID
		far := w.issue(w.op, r)
		for _, row := range []struct {
			what, secret string
			p            *credential.Principal
			want         credential.Code
		}{
			{"its own organization's", near, verifier, credential.OK},
			{"another's", far.Secret.Reveal(), verifier, credential.CodeUnknown},
			{"the installation's", wideSecret, verifier, credential.CodeUnknown},
			{"any, for an installation-wide key", far.Secret.Reveal(), w.principal(wideSecret), credential.OK},
			{"any, for the operator", far.Secret.Reveal(), w.op, credential.OK},
		} {
			d, err := w.VerifyFor(background, row.p, row.secret, authority.Verification{})
			w.ok(err)
			if d.Code != row.want || (row.want == credential.CodeUnknown && d.Standing != nil) {
				t.Errorf("%s: got %s, want %s and nothing more", row.what, d.Code, row.want)
			}
		}
		w.revoke(far.Credential.ID)
		d, err := w.VerifyFor(background, verifier, far.Secret.Reveal(), authority.Verification{})
		if err != nil || d.Code != credential.CodeUnknown {
			t.Errorf("another's that is revoked: got %s, %v, want unknown", d.Code, err)
		}
	})
}

// A project's own credential doesn't take its project out of service, whatever
// its scopes say about projects.
func TestS10_ProjectCredentialKeepsItsProject(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, secret := w.made("onetest_key") // with membership:write
		for _, archive := range []bool{true, false} {
			wantKind(t, "archived or restored", second(w.ArchiveProject(background, w.principal(secret), w.org.ID, w.alpha.ID, archive)), credential.Forbidden)
		}
	})
}
