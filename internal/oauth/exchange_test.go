package oauth_test

import (
	"errors"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

func scope(words string) url.Values { return url.Values{"scope": {words}} }

// can decides what a token may do.
func (w *world) can(token string, permission credential.Permission, project *store.Project) credential.Code {
	w.t.Helper()
	v := authority.Verification{Permission: permission}
	if project != nil {
		v.Project = &store.ProjectRef{ID: project.ID}
	}
	d, err := w.Verify(background, token, v)
	w.ok(err)
	return d.Code
}

// O-13: a traded token may do what was asked for and no more, in one project
// if that was asked for, and trading it again only narrows further.
func TestO13_ExchangeNarrows(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ref, pat := w.user("ada@acme.test", credential.Member)
		w.ok(w.SetProjectMember(background, w.op, w.alpha, ref, credential.ProjectUser))
		beta, err := w.CreateProject(background, w.op, w.org, authority.NameRequest{Name: "Beta"})
		w.ok(err)
		w.ok(w.SetProjectMember(background, w.op, beta, ref, credential.ProjectUser))

		all, read := w.traded(pat, nil), w.traded(pat, scope("issues:read issues:write"))
		inAlpha := w.traded(read, url.Values{"project": {"PRJ-1"}})
		less := w.traded(inAlpha, scope("issues:read"))
		for _, c := range []struct {
			what, token string
			permission  credential.Permission
			project     *store.Project
			want        credential.Code
		}{
			{"all", all, credential.TestsWrite, w.alpha, credential.OK}, {"all, elsewhere", all, credential.TestsWrite, beta, credential.OK},
			{"scopes", read, credential.IssuesWrite, w.alpha, credential.OK}, {"scopes it lacks", read, credential.TestsWrite, w.alpha, credential.CodeScope},
			{"scopes, elsewhere", read, credential.IssuesWrite, beta, credential.OK},
			{"project", inAlpha, credential.IssuesWrite, w.alpha, credential.OK}, {"another project", inAlpha, credential.IssuesRead, beta, credential.CodeForbidden},
			{"no project named", inAlpha, credential.IssuesWrite, nil, credential.OK},
			{"less", less, credential.IssuesRead, w.alpha, credential.OK}, {"less than before", less, credential.IssuesWrite, w.alpha, credential.CodeScope},
			{"still one project", less, credential.IssuesRead, beta, credential.CodeForbidden},
		} {
			if got := w.can(c.token, c.permission, c.project); got != c.want {
				t.Errorf("%s: %s: got %s, want %s", c.what, c.permission, got, c.want)
			}
		}
		for what, c := range map[string]struct {
			subject string
			more    url.Values
			code    string
		}{
			"a scope that the token gave up":  {less, scope("issues:write"), "invalid_scope"},
			"a scope that the user never has": {pat, scope("credentials:verify"), "invalid_scope"},
			"another project than its own":    {inAlpha, url.Values{"project": {"PRJ-2"}}, "invalid_target"},
			"a project that there isn't":      {pat, url.Values{"project": {"PRJ-9"}}, "invalid_target"},
			"a project that is no project":    {pat, url.Values{"project": {"x"}}, "invalid_target"},
			"another audience":                {pat, url.Values{"audience": {"https://elsewhere.test"}}, "invalid_target"},
			"another resource":                {pat, url.Values{"resource": {"https://elsewhere.test"}}, "invalid_target"},
			"a secret that nobody knows":      {"pat-" + pat[4:len(pat)-1] + "0", nil, "invalid_request"},
			"a client's secret":               {w.secret, nil, "invalid_request"},
			"an actor":                        {pat, url.Values{"actor_token": {pat}, "actor_token_type": {"x"}}, "invalid_request"},
			"no type":                         {pat, url.Values{"subject_token_type": {""}}, "invalid_request"},
			"a type that isn't taken":         {pat, url.Values{"subject_token_type": {"urn:ietf:params:oauth:token-type:saml2"}}, "invalid_request"},
			"a refresh token wanted":          {pat, url.Values{"requested_token_type": {"urn:ietf:params:oauth:token-type:refresh_token"}}, "invalid_request"},
			"a longer life":                   {pat, url.Values{"expires_in": {"3601"}}, "invalid_request"},
			"no life":                         {pat, url.Values{"expires_in": {"0"}}, "invalid_request"},
		} {
			w.wantError(what, w.trade(c.subject, c.more), 400, c.code)
		}
	})
}

// O-13: a traded token lives no longer than asked for, than what it was traded
// for, and than the credential below it.
func TestO13_ExchangeShortens(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, pat := w.user("ada@acme.test", credential.Owner)
		short := w.traded(pat, url.Values{"expires_in": {"60"}})
		if a := w.trade(short, url.Values{"expires_in": {"600"}}); a.status != 200 || a.body["expires_in"].(float64) > 60 {
			t.Errorf("traded again it lives %v seconds: %s", a.body["expires_in"], a.text)
		}
		ref, _ := w.user("eve@acme.test", credential.Member)
		_, brief := w.issue(authority.IssueRequest{Scheme: "betahub_pat", User: &ref, Expiry: credential.ExpiryChoice{In: 2 * time.Minute}})
		if a := w.trade(brief, nil); a.status != 200 || a.body["expires_in"].(float64) > 120 {
			t.Errorf("it outlives its credential: %s", a.text)
		}
		w.clock.advance(time.Minute)
		w.wantSelf("after its minute", short, 401, "expired")
		w.wantError("an expired subject", w.trade(short, nil), 400, "invalid_request")
	})
}

// O-13: what ends the credential ends what was traded for it, however often.
func TestO13_ParentEndsChild(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.user("owner@acme.test", credential.Owner)
		ref, pat := w.user("ada@acme.test", credential.Admin)
		child := w.traded(pat, scope("issues:read projects:read"))
		grandchild := w.traded(child, scope("issues:read"))
		w.wantSelf("before", grandchild, 200, "")
		w.ok(w.SetRole(background, w.op, w.org, ref, credential.Guest))
		if got := w.can(child, credential.IssuesWrite, nil); got != credential.CodeScope {
			t.Errorf("the role of the moment: got %s", got)
		}
		w.ok(w.RevokeByPossession(background, pat, netip.Addr{}, ""))
		w.wantSelf("the child", child, 401, "revoked")
		w.wantSelf("the grandchild", grandchild, 401, "revoked")
	})
}

// S-4, O-13: a token makes no secret that outlives it, and doesn't get hold of
// the one that it stands on; revoked by itself it ends alone.
func TestO13_TokenMakesNothingLonger(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, pat := w.user("ada@acme.test", credential.Owner)
		token := w.traded(pat, nil)
		d, err := w.Verify(background, token, authority.Verification{})
		w.ok(err)
		p := &d.Principal
		key := authority.IssueRequest{Scheme: "gatehouse_key", Name: "x", Scopes: []credential.Scope{"issues:read"}}
		for what, err := range map[string]error{
			"rotates what it stands on": second(w.RotateSelf(background, p, authority.RotateRequest{})),
			"rotates it by its id":      second(w.Rotate(background, p, p.Credential.ID, authority.RotateRequest{})),
			"issues a key":              second(w.Issue(background, p, key)),
		} {
			if !errors.Is(err, credential.Forbidden) {
				t.Errorf("an access token %s: got %v, want it forbidden", what, err)
			}
		}
		if out, err := w.RevokeSelf(background, p); err != nil || out.State != credential.Revoked {
			t.Errorf("revoked by itself: %+v, %v", out, err)
		}
		w.wantSelf("the token", token, 401, "revoked")
		w.wantSelf("what it stood on", pat, 200, "")
		if _, err := w.CreateProject(background, p, w.org, authority.NameRequest{Name: "Late"}); !errors.Is(err, credential.Unauthenticated) {
			t.Errorf("who was let in with it makes a project: %v", err)
		}
		found := w.traded(pat, nil)
		w.ok(w.RevokeByPossession(background, found, netip.Addr{}, ""))
		w.wantSelf("a token that somebody found", found, 401, "revoked")
		w.wantSelf("what that stood on", pat, 200, "")
	})
}
