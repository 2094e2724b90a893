package authority_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// issues says how an issue ends.
func (w *world) issues(p *credential.Principal, r authority.IssueRequest) error {
	_, err := w.Issue(background, p, r)
	return err
}

// S-3: what each role may issue, scheme by scheme. The rest is refused without
// anything stored.
func TestS3_IssueByRole(t *testing.T) {
	all := []string{"owner", "admin", "lead", "member", "guest"}
	may := map[string][]string{
		"betatesting_static": {"owner", "admin"}, "betatesting_client": {"owner", "admin"}, "bunship_live": {"owner", "admin"},
		"bunship_test": {"owner", "admin"}, "gatehouse_key": {"owner", "admin"},
		"betahub_project_token": {"owner", "admin", "lead"}, "onetest_key": {"owner", "admin", "lead"},
		"betahub_pat": {"owner", "admin", "lead", "member"}, "testkase_pat": {"owner", "admin", "lead", "member"},
	}
	each(t, func(t *testing.T, w *world) {
		for _, scheme := range schemeNames(w.cfg) {
			allowed := map[string]bool{}
			for _, name := range may[scheme] {
				allowed[name] = true
			}
			for _, name := range all {
				p, r := w.as(name), w.ask(scheme)
				if r.User != nil {
					r.User = nil // its own
				}
				out, err := w.Issue(background, p, r)
				if allowed[name] != (err == nil) || (err != nil && !errors.Is(err, credential.Forbidden)) {
					t.Errorf("%s issues %s: got %v, want it allowed: %v", name, scheme, err, allowed[name])
				}
				if err == nil {
					w.revoke(out.Credential.ID)
				}
			}
		}
	})
}

// S-3: an administrator of a project makes its credentials, as far as the
// project role allows; in other projects it makes none.
func TestS3_ProjectAdministratorIssues(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, one := w.ask("betahub_project_token"), w.ask("onetest_key")
		one.Scopes = []credential.Scope{"testruns:read", "testruns:write"}
		for _, r := range []authority.IssueRequest{token, one} {
			if err := w.issues(w.as("lead"), r); err != nil {
				t.Errorf("the project's administrator issues %s %v: %v", r.Scheme, r.Scopes, err)
			}
			wantKind(t, r.Scheme+" by a member", w.issues(w.as("member"), r), credential.Forbidden)
			wantKind(t, r.Scheme+" by a guest", w.issues(w.as("guest"), r), credential.Forbidden)
			r.Project = &store.ProjectRef{ID: w.hidden.ID}
			wantField(t, r.Scheme+" in a project that it isn't in", w.issues(w.as("lead"), r), "project")
		}
	})
}

// S-3: a service hands on what it holds and nothing else, scope by scope.
func TestS3_ServiceHandsOnWhatItHolds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		own := []credential.Scope{"credentials:read", "credentials:write", "issues:read"}
		service := w.key(own...)
		for _, scope := range w.cfg.Schemes.ByName("gatehouse_key").Scopes.Names() {
			r := w.ask("gatehouse_key")
			r.Scopes = []credential.Scope{scope}
			held := scope == own[0] || scope == own[1] || scope == own[2]
			if err := w.issues(service, r); held != (err == nil) || (err != nil && !errors.Is(err, credential.Forbidden)) {
				t.Errorf("hands on %s: got %v, want it allowed: %v", scope, err, held)
			}
		}
		for _, scheme := range []string{"bunship_live", "betatesting_static", "onetest_key", "betahub_project_token", "betahub_pat", "testkase_pat"} {
			wantKind(t, "a narrow service issues "+scheme, w.issues(service, w.ask(scheme)), credential.Forbidden)
		}
		mute := w.key("credentials:read", "issues:read")
		r := w.ask("gatehouse_key")
		r.Scopes = []credential.Scope{"issues:read"}
		wantKind(t, "without credentials:write", w.issues(mute, r), credential.Forbidden)
	})
}

// S-2: scopes that mean nothing are refused; they never mean all.
func TestS2_ScopesThatMeanNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, scheme := range schemeNames(w.cfg) {
			for what, scopes := range map[string][]credential.Scope{
				"empty": {}, "unknown": {"everything"}, "blank": {""}, "case": {"ISSUES:READ", "API:READ", "READ:PROJECTS", "USER"},
				"space": {"issues:read "}, "twice": {"api:read", "api:read"}, "star beside": {"*", "read:projects"},
			} {
				r := w.ask(scheme)
				r.Scopes = scopes
				wantField(t, scheme+" with "+what+" scopes", w.issues(w.op, r), "scopes")
			}
		}
	})
}

// declared are two schemes of an operator's own: with scopes that mean nothing
// to Gatehouse, one of which may issue.
func declared(t *testing.T, cfg store.Config) store.Config {
	t.Helper()
	schemes, err := credential.NewSchemes(&credential.Scheme{
		Name: "shop", Kind: credential.APIKey, Owner: credential.OwnedByOrganization,
		Text: credential.Format{Prefix: "shop_", Alphabet: credential.Base62, Length: 40}, Expiry: credential.ExpiryOptional,
		Scopes: credential.ScopeRule{Known: map[credential.Scope]credential.PermissionSet{
			"orders:read": 0, "orders:refund": 0,
			"keys": credential.PermissionsOf(credential.CredentialsRead, credential.CredentialsWrite),
			"*":    0,
		}},
		Presented: []credential.Presentation{credential.AsBearer},
	}, &credential.Scheme{
		Name: "part", Kind: credential.PersonalAccessToken, Owner: credential.OwnedByUser,
		Text: credential.Format{Prefix: "part_", Alphabet: credential.Base62, Length: 40}, Expiry: credential.ExpiryOptional,
		Scopes: credential.ScopeRule{Known: map[credential.Scope]credential.PermissionSet{
			"keys": credential.PermissionsOf(credential.CredentialsRead, credential.CredentialsWrite),
		}},
		Presented: []credential.Presentation{credential.AsBearer},
	}, &credential.Scheme{
		Name: "watch", Kind: credential.APIKey, Owner: credential.OwnedByProject,
		Text: credential.Format{Prefix: "watch_", Alphabet: credential.Base62, Length: 40}, Expiry: credential.ExpiryOptional,
		Scopes: credential.ScopeRule{Known: map[credential.Scope]credential.PermissionSet{
			"all": credential.PermissionsOf(credential.AuditRead, credential.CredentialsVerify, credential.CredentialsRead),
		}},
		Presented: []credential.Presentation{credential.AsBearer},
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Schemes = schemes
	return cfg
}

// S-3: a credential of a declared scheme hands on only the foreign scopes that
// it holds; they grant exactly what they name.
func TestS3_DeclaredScheme(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, declared(t, cfg))
		ask := func(scopes ...credential.Scope) authority.IssueRequest {
			r := w.ask("shop")
			r.Scopes = scopes
			return r
		}
		secret := w.issue(w.op, ask("orders:read", "keys")).Secret.Reveal()
		clerk := w.principal(secret)
		w.issue(clerk, ask("orders:read"))
		w.issue(clerk, ask("keys", "orders:read"))
		wantKind(t, "a scope that it lacks", w.issues(clerk, ask("orders:refund")), credential.Forbidden)
		wantKind(t, "one that it has beside one that it lacks", w.issues(clerk, ask("orders:read", "orders:refund")), credential.Forbidden)
		wantKind(t, "all of them", w.issues(clerk, ask("*")), credential.Forbidden)
		native := w.ask("gatehouse_key")
		native.Scopes = []credential.Scope{"issues:read"}
		wantKind(t, "a native permission that it lacks", w.issues(clerk, native), credential.Forbidden)
		w.issue(w.as("admin"), ask("orders:refund"))

		wide := w.issue(w.op, ask("orders:refund"))
		_, err := w.Rotate(background, clerk, wide.Credential.ID, authority.RotateRequest{})
		wantKind(t, "rotating one that can more", err, credential.Forbidden)
		for permission, want := range map[credential.Permission]credential.Code{
			"orders:read": credential.OK, "orders:refund": credential.CodeScope, "orders:*": credential.CodeScope, "orders": credential.CodeScope,
			"ORDERS:READ": credential.CodeScope, credential.CredentialsRead: credential.OK, credential.IssuesRead: credential.CodeScope,
		} {
			if got := w.verify(secret, authority.Verification{Permission: permission}).Code; got != want {
				t.Errorf("%s: got %s, want %s", permission, got, want)
			}
		}
	})
}

// Who may rotate whose: nobody gets the secret of somebody else's token, but
// managers stop it.
func TestS3_WhoMayRotateWhose(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, scheme := range []string{"betahub_pat", "testkase_pat"} {
			theirs := w.issue(w.op, w.forUser(scheme, "member"))
			id := theirs.Credential.ID
			full := w.key("credentials:read", "credentials:write")
			for name, p := range map[string]*credential.Principal{"owner": w.as("owner"), "admin": w.as("admin"), "service": full} {
				_, err := w.Rotate(background, p, id, authority.RotateRequest{})
				wantKind(t, name+" rotates a member's "+scheme, err, credential.Forbidden)
				_, err = w.Issue(background, p, w.forUser(scheme, "member"))
				wantKind(t, name+" issues a member's "+scheme, err, credential.Forbidden)
				_, err = w.Suspend(background, p, id)
				w.ok(err)
				_, err = w.Resume(background, p, id)
				w.ok(err)
			}
			for _, name := range []string{"lead", "guest", "stranger"} {
				_, err := w.Rotate(background, w.as(name), id, authority.RotateRequest{})
				wantKind(t, name+" rotates a member's "+scheme, err, credential.NotFound)
				_, err = w.Revoke(background, w.as(name), id)
				wantKind(t, name+" revokes a member's "+scheme, err, credential.NotFound)
			}
			out, err := w.Rotate(background, w.as("member"), id, authority.RotateRequest{})
			w.ok(err)
			w.wantCode("rotated by its user", out.Secret.Reveal(), credential.OK)
			_, err = w.Revoke(background, w.as("admin"), id)
			w.ok(err)
			w.wantCode("revoked by an admin", out.Secret.Reveal(), credential.CodeRevoked)
		}
	})
}

// S-3: only a token that stands in for an owner in everything else hands on
// credentials:verify, which it doesn't have itself.
func TestS3_PartialTokenHandsOnNoVerify(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, declared(t, cfg))
		r := w.ask("gatehouse_key")
		r.Scopes = []credential.Scope{"credentials:verify"}
		w.issue(w.as("owner"), r)
		part := w.principal(w.issue(w.op, w.forUser("part", "owner")).Secret.Reveal())
		wantKind(t, "by a token for keys alone", w.issues(part, r), credential.Forbidden)
	})
}

// S-10: a project's credential is told nothing of what lies beside its project,
// whatever its scopes say.
func TestS10_ProjectCredentialIsToldOfItsProject(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, declared(t, cfg))
		_, secret := w.made("watch")
		p := w.principal(secret)
		_, err := w.Events(background, p, w.org.ID, 0, 10)
		wantKind(t, "the organization's audit", err, credential.Forbidden)
		_, err = w.VerifyAudit(background, p, w.org.ID)
		wantKind(t, "checking the audit", err, credential.Forbidden)
		for scheme, want := range map[string]credential.Code{"gatehouse_key": credential.CodeUnknown, "onetest_key": credential.OK} {
			_, other := w.made(scheme)
			if d, err := w.VerifyFor(background, p, other, authority.Verification{}); err != nil || d.Code != want {
				t.Errorf("verifies a %s: %s, %v, want %s", scheme, d.Code, err, want)
			}
		}
		for _, email := range []string{"owner@example.test", "nobody@example.test"} {
			err := w.listed(p, authority.ListRequest{User: &authority.UserRef{Email: email}, Limit: 10})
			wantField(t, "lists those of "+email, err, "user")
		}
	})
}

// members are those of the first organization.
func (w *world) members() []store.Member {
	w.t.Helper()
	list, err := w.Members(background, w.op, w.org.ID, uuid.Nil, 100)
	return must(w, list, err)
}

// S-9: the last owner stays, also when all step down at once.
func TestS9_LastOwnerUnderRace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		names := []string{"owner"}
		for _, extra := range []string{"second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"} {
			w.user(w.org, extra, credential.Owner)
			names = append(names, extra)
		}
		roles := []credential.Role{"", credential.Admin, credential.Member, credential.Guest}
		var done, refused atomic.Int32
		race(len(names), func(i int) {
			err := w.setRole(names[i], roles[i%len(roles)])
			switch {
			case err == nil:
				done.Add(1)
			case errors.Is(err, credential.Conflict):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
		if done.Load() != 7 || refused.Load() != 1 {
			t.Errorf("%d stepped down and %d were refused, want 7 and 1", done.Load(), refused.Load())
		}
		owners := 0
		for _, m := range w.members() {
			if m.Role == credential.Owner {
				owners++
			}
		}
		if owners != 1 {
			t.Errorf("%d owners are left, want 1", owners)
		}
	})
}
