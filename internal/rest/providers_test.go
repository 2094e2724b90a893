package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

var signInProvider = api.SetSignInProvider{Issuer: "https://login.acme.test", ClientID: "gatehouse", ClientSecret: "s3cret", Domains: []string{"acme.test"}, Role: "member", AdmitNew: true, Active: true}

// provided is a call about the provider of an organization that has one.
func provided(path string, body any) cell {
	return func(t testing.TB, w *world) shot {
		one := "/v1/organizations/" + w.acme.ID + "/sign-in-provider"
		w.do(t, request{method: "PUT", path: one, as: "operator", body: signInProvider}) // there may be no database
		return shot{path: one + path, body: body}
	}
}

// A token of this server isn't taken for what another service wants to be sent.
func TestTKO22_TokensOfOursStayHere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, cfg)
		for _, secret := range []string{"tk_pat_" + strings.Repeat("a", 40), "pat-" + strings.Repeat("0", 64), "bsk_live_x", "gsc_x"} {
			in := signInProvider
			in.ClientSecret = secret
			a := w.do(t, request{method: "PUT", path: "/v1/organizations/" + w.acme.ID + "/sign-in-provider", as: "operator", body: in})
			if text := string(a.body); a.status != 422 || !strings.Contains(text, "of this server") || !strings.Contains(text, "client_secret") || strings.Contains(text, secret) {
				t.Errorf("%s: got %d %s", secret, a.status, text)
			}
		}
	})
}

// The provider of an organization is set, shown without its secret, changed by
// who knows its state, and taken away; an owner who has signed in does so.
func TestSignInProvider(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		w := newWorld(t, cfg)
		one := "/v1/organizations/" + w.acme.ID + "/sign-in-provider"
		w.choosePassword(t, "owner@acme.test")
		w.secrets["session"] = w.signIn(t, "owner@acme.test").Access.Token.Reveal()
		w.choosePassword(t, "admin@acme.test")
		w.secrets["admin session"] = w.signIn(t, "admin@acme.test").Access.Token.Reveal()
		call := func(method, path, as string, body any) answer {
			return w.do(t, request{method: method, path: path, as: as, body: body})
		}
		if a := call("GET", one, "operator", nil); a.status != 404 {
			t.Errorf("without one: %d", a.status)
		}
		for what, change := range map[string]func(*api.SetSignInProvider){
			"client_secret": func(in *api.SetSignInProvider) { in.ClientSecret = "" }, "issuer": func(in *api.SetSignInProvider) { in.Issuer = "http://login.acme.test" },
			"role": func(in *api.SetSignInProvider) { in.Role = "admin" }, "domains": func(in *api.SetSignInProvider) { in.Domains = []string{"@acme.test"} },
			"client_id": func(in *api.SetSignInProvider) { in.ClientID = "a b" },
		} {
			in := signInProvider
			change(&in)
			if a := call("PUT", one, "operator", in); a.status != 422 || !strings.Contains(string(a.body), `"`+what+`"`) {
				t.Errorf("%s: got %d %s", what, a.status, a.body)
			}
		}
		var made, got api.SignInProvider
		a := call("PUT", one, "session", signInProvider)
		a.decode(t, &made)
		if a.status != 200 || made.RedirectURI == "" || strings.Contains(string(a.body), "s3cret") {
			t.Fatalf("it is %d %s", a.status, a.body)
		}
		in := signInProvider
		in.ClientSecret, in.AdmitNew, in.Domains = "", false, []string{"b.test", "A.test", "a.test"}
		if a := w.do(t, request{method: "PUT", path: one, as: "session", header: http.Header{"If-Match": {`"x"`}}, body: in}); a.status != 412 {
			t.Errorf("of another state: %d", a.status)
		}
		if a := call("PUT", one, "session", in); a.status != 422 || !strings.Contains(string(a.body), "a.test is not the domain of your own confirmed address") {
			t.Errorf("somebody else's domain: %d %s", a.status, a.body)
		}
		w.do(t, request{method: "PUT", path: one, as: "operator", header: http.Header{"If-Match": {`"` + made.Version + `"`}}, body: in}).decode(t, &got)
		if strings.Join(got.Domains, " ") != "a.test b.test" || got.AdmitNew || got.Version == made.Version || !got.CreatedAt.Equal(made.CreatedAt) {
			t.Errorf("changed it is %+v", got)
		}
		if a := call("PUT", one, "session", in); a.status != 200 {
			t.Errorf("the domains that the operator named stay: %d %s", a.status, a.body)
		}
		in.ClientID = "another"
		if a := call("PUT", one, "operator", in); a.status != 422 {
			t.Errorf("another client gets the secret of before: %d", a.status)
		}
		if a := call("PUT", "/v1/organizations/"+w.other.ID+"/sign-in-provider", "operator", api.SetSignInProvider{Issuer: "https://evil.test", ClientID: "x", ClientSecret: "x", Domains: []string{"a.test"}, Role: "member"}); a.status != 409 {
			t.Errorf("a domain of another organization: %d %s", a.status, a.body)
		}
		for _, as := range []string{"key", "live", "owner", "admin session"} {
			if a := call("PUT", one, as, in); a.status != 403 {
				t.Errorf("as %s: %d", as, a.status)
			}
		}
		if a := call("DELETE", one, "operator", nil); a.status != 200 {
			t.Errorf("deleting it: %d %s", a.status, a.body)
		}
		if a := call("DELETE", one, "operator", nil); a.status != 404 {
			t.Errorf("deleting it again: %d", a.status)
		}
	})
}
