package main

import (
	"errors"
	"slices"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
)

// The operator takes the API from an organization: its clients are 403 from the
// next request on, also with tokens of before, and get no new ones; other
// organizations and other schemes are as before. By itself the API is there.
func TestBTD2_BTO18_Withheld(t *testing.T) {
	eachBeta(t, func(t *testing.T, b *beta) {
		c := b.issue(apiClient())
		token := b.token(c, "")
		policy := "/v1/organizations/" + b.org.ID + "/policy"
		both := []string{"betatesting_static", "betatesting_client"}
		b.list("/tests")
		b.must("PUT", policy, api.Policy{WithheldSchemes: both, SuspendUnusedAfter: "90d"}, nil)
		for what, secret := range map[string]string{"the static key": b.key, "a token of before": token} {
			b.refused(what, b.call("GET", "/tests", nil, as(secret)), "403 forbidden")
			b.wantCode(what, secret, "", "forbidden")
		}
		if a := b.tokenFor(c, ""); a.status != 401 || a.field("error") != "invalid_client" {
			t.Errorf("a new token: %d %s", a.status, a.text)
		}
		var p *api.Problem
		for _, in := range []api.CreateCredential{static(), apiClient()} {
			in.Name, in.Organization = "x", b.org.ID
			if err := b.operator.Call(t.Context(), "POST", "/v1/credentials", in, nil); !errors.As(err, &p) || p.Status != 403 || p.Field != "scheme" {
				t.Errorf("%s is made: %v", in.Scheme, err)
			}
		}
		b.wantCode("another scheme", b.issue(api.CreateCredential{Scheme: "bunship_live", Scopes: []string{"*"}}).Secret, "", "ok")
		var other api.Organization
		b.must("POST", "/v1/organizations", api.CreateOrganization{Name: "Other"}, &other)
		var theirs api.IssuedCredential
		b.must("POST", "/v1/credentials", api.CreateCredential{Scheme: "betatesting_static", Name: "theirs", Organization: other.ID}, &theirs)
		b.list("/tests", as(theirs.Secret))

		owner := as(b.person("owner", "owner"))
		b.refusedBy("an owner who takes it back", b.send("PUT", policy, map[string]any{"withheld_schemes": []string{}}, owner), 403, "withheld_schemes")
		b.refusedBy("an owner who withholds more", b.send("PUT", policy, map[string]any{"withheld_schemes": []string{"betahub_pat"}}, owner), 403, "withheld_schemes")
		b.refusedBy("a scheme that there isn't", b.send("PUT", policy, map[string]any{"withheld_schemes": []string{"betahub"}}, owner), 422, "withheld_schemes.0")
		for _, body := range []map[string]any{{"suspend_unused_after": "30d"}, {"withheld_schemes": both}} {
			a := b.send("PUT", policy, body, owner)
			var got api.Policy
			b.must("GET", policy, nil, &got)
			if a.status != 200 || !slices.Equal(got.WithheldSchemes, both) {
				t.Errorf("an owner who replaces the rest: %d %s, then %v", a.status, a.text, got)
			}
		}
		b.refused("afterwards", b.call("GET", "/tests", nil), "403 forbidden")
		b.must("PUT", policy, api.Policy{}, nil)
		b.list("/tests")
		b.list("/tests", as(token))
	})
}

// refusedBy fails unless a native call is refused for a field.
func (w *whole) refusedBy(what string, a reply, status int, field string) {
	w.t.Helper()
	if a.status != status || a.field("field") != field {
		w.t.Errorf("%s: got %d %s, want %d of %s", what, a.status, a.text, status, field)
	}
}
