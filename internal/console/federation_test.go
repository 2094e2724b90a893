package console_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const clientSecret = "s3cret:+/%of-the-client"

// idp is a provider that says whatever a test wants it to.
type idp struct {
	s   *site
	url string

	mu     sync.Mutex
	key    *jose.JSONWebKey // publishes this one
	signer *jose.JSONWebKey // and signs by this one
	about  map[string]any   // of its metadata
	info   map[string]any   // of the userinfo endpoint
	codes  map[string]granted
	down   bool
}

// granted is what a code stands for.
type granted struct {
	challenge, redirect string
	claims              map[string]any
}

func newIDP(s *site) *idp {
	i := &idp{s: s, codes: map[string]granted{}, about: map[string]any{"authorization_response_iss_parameter_supported": true}}
	i.renew("one")
	server := httptest.NewServer(i)
	s.t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

// renew gives the provider another key, which it signs by and publishes.
func (i *idp) renew(id string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.s.t.Fatal(err)
	}
	i.key = &jose.JSONWebKey{Key: private, KeyID: id, Algorithm: "ES256", Use: "sig"}
	i.signer = i.key
}

func (i *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var out any
	switch {
	case i.down:
		w.WriteHeader(http.StatusBadGateway)
	case r.URL.Path == "/keys":
		out = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.key.Public()}}
	case r.URL.Path == "/token":
		out = i.token(w, r)
	case r.URL.Path == "/me" && r.Header.Get("Authorization") == "Bearer at-1":
		out = i.info
	case r.URL.Path == "/.well-known/openid-configuration":
		about := map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys", "authorization_endpoint": i.url + "/auth?tenant=1", "token_endpoint": i.url + "/token", "userinfo_endpoint": i.url + "/me"}
		maps.Copy(about, i.about)
		out = about
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	if out != nil {
		_ = json.NewEncoder(w).Encode(out)
	}
}

// token answers a code, once, to whoever has the verifier and the secret.
func (i *idp) token(w http.ResponseWriter, r *http.Request) any {
	code := r.PostFormValue("code")
	grant, known := i.codes[code]
	delete(i.codes, code)
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	id, secret, _ := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	if i.about["token_endpoint_auth_methods_supported"] != nil {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	refused := map[string]string{}
	switch {
	case id != "client:1" || secret != clientSecret:
		refused["error"] = "invalid_client"
	case !known || base64.RawURLEncoding.EncodeToString(challenge[:]) != grant.challenge || r.PostFormValue("redirect_uri") != grant.redirect || r.PostFormValue("grant_type") != "authorization_code":
		refused["error"] = "invalid_grant"
	default:
		return map[string]any{"token_type": "Bearer", "access_token": "at-1", "expires_in": 60, "id_token": i.sign(grant.claims)}
	}
	w.WriteHeader(http.StatusUnauthorized)
	return refused
}

func (i *idp) sign(claims map[string]any) string {
	text, err := json.Marshal(claims)
	if err != nil {
		i.s.t.Error(err)
	}
	if i.signer == nil {
		part := base64.RawURLEncoding.EncodeToString
		return part([]byte(`{"alg":"none","kid":"one"}`)) + "." + part(text) + "."
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(i.signer.Algorithm), Key: i.signer}, nil)
	if err != nil {
		i.s.t.Error(err)
		return ""
	}
	signed, err := signer.Sign(text)
	if err != nil {
		i.s.t.Error(err)
		return ""
	}
	out, _ := signed.CompactSerialize()
	return out
}

// answer is how the provider leads back to whoever came by an address, with a
// code that stands for claims.
func (i *idp) answer(address string, change map[string]any) url.Values {
	i.s.t.Helper()
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, i.url+"/auth?") {
		i.s.t.Fatalf("it leads to %s: %v", address, err)
	}
	q, now := u.Query(), time.Now().Add(time.Duration(i.s.at.Load())*time.Second).Unix()
	for name, want := range map[string]string{"tenant": "1", "response_type": "code", "client_id": "client:1", "code_challenge_method": "S256", "redirect_uri": "https://keys.example.test/console/sign-in/callback"} {
		if q.Get(name) != want {
			i.s.t.Errorf("%s is %q", name, q.Get(name))
		}
	}
	claims := map[string]any{"iss": i.url, "aud": "client:1", "sub": "sub-ada", "nonce": q.Get("nonce"), "iat": now, "exp": now + 300, "email": "ada@example.test", "email_verified": true, "name": "Ada at work"}
	if q.Get("max_age") == "0" && q.Get("prompt") == "login" {
		claims["auth_time"] = now
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	i.mu.Lock()
	defer i.mu.Unlock()
	code := rand.Text()
	i.codes[code] = granted{q.Get("code_challenge"), q.Get("redirect_uri"), claims}
	return url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {i.url}, "session_state": {"what others say"}}
}

var goesTo = regexp.MustCompile(`href="([^"]*)" rel="noreferrer" id="go"`)

// by signs in by the provider, which says what claims change.
func (i *idp) by(change map[string]any) answer {
	i.s.t.Helper()
	page := i.s.post("/console/sign-in/organization", url.Values{"named": {"whoever@example.test"}})
	return i.back(i.answer(i.s.found(page, goesTo), change))
}

func (i *idp) back(query url.Values) answer {
	return i.s.get("/console/sign-in/callback?" + query.Encode())
}

// in is by of who is let in.
func (i *idp) in(what string, change map[string]any) {
	i.s.t.Helper()
	page := i.by(change)
	if m := leads.FindStringSubmatch(page.body); m == nil || m[1] != "/console/" {
		i.s.t.Errorf("%s isn't let in: %s", what, page.body)
	}
}

// out is by of who isn't.
func (i *idp) out(what string, change map[string]any, text string) {
	i.s.t.Helper()
	i.s.anew()
	page := i.s.shows(what, i.by(change), 422, text)
	if strings.Contains(page.header.Get("Set-Cookie"), "gatehouse=") || leads.MatchString(page.body) {
		i.s.t.Errorf("%s is let in", what)
	}
}

// anew is another browser.
func (s *site) anew() {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.browser.Jar = jar
}

// providing makes the organization's people sign in by a provider.
func (s *site) providing(i *idp, change func(*authority.ProviderRequest)) {
	s.t.Helper()
	operator := credential.Operator()
	r := authority.ProviderRequest{Issuer: i.url, ClientID: "client:1", Secret: clientSecret, Domains: []string{"example.test"}, Role: credential.Member, AdmitNew: true, Active: true}
	if change != nil {
		change(&r)
	}
	if _, err := s.authority.SetProvider(context.Background(), &operator, s.organization.ID, r); err != nil {
		s.t.Fatal(err)
	}
}

// lastFailure is what the owners find on their page.
func (s *site) lastFailure() string {
	s.t.Helper()
	operator := credential.Operator()
	p, err := s.authority.Provider(context.Background(), &operator, s.organization.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return p.Failure
}

// A provider says who somebody is by its subject, and an address leads to an
// account only where nobody's else can be meant.
func TestL14_WhoIsLetIn(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		i, ctx, operator := newIDP(s), context.Background(), credential.Operator()
		s.providing(i, nil)
		other, err := s.authority.CreateOrganization(ctx, &operator, authority.NameRequest{Name: "Other"})
		if err != nil {
			t.Fatal(err)
		}
		user := func(o uuid.UUID, email string) {
			_, err := s.authority.CreateUser(ctx, &operator, o, authority.UserRequest{Email: email, Name: "Somebody", Role: credential.Member, Password: "correct horse battery"})
			if err != nil {
				t.Fatal(err)
			}
		}
		user(other.ID, "eve@example.test")
		user(s.organization.ID, "bob@example.test")

		i.in("a member with the address", nil)
		s.shows("the member", s.get("/console/"), 200, "Acme", "Owner")
		i.in("the same subject with another address", map[string]any{"email": "lovelace@example.test"})
		s.shows("the member still", s.get("/console/"), 200, "Acme", "Owner")
		i.out("another subject with the address", map[string]any{"sub": "sub-2"}, "knows as another person")
		i.out("an address that isn't verified", map[string]any{"email_verified": false}, "verified")
		i.info = map[string]any{"sub": "sub-ada", "email": "ada@example.test"}
		i.out("one of which nothing is said", map[string]any{"email_verified": nil}, "verified")
		i.out("another domain", map[string]any{"sub": "sub-3", "email": "ada@example.test.evil.test"}, "doesn't vouch")
		i.out("a domain below it", map[string]any{"sub": "sub-3", "email": "ada@mail.example.test"}, "doesn't vouch")
		i.out("two at signs", map[string]any{"sub": "sub-3", "email": "ada@evil.test@example.test"}, "no e-mail address")
		i.out("letters that look alike", map[string]any{"sub": "sub-3", "email": "ada@ｅxample.test"}, "no e-mail address")
		i.out("an account of another organization", map[string]any{"sub": "sub-3", "email": "EVE@example.test"}, "no member of this organization")

		i.in("somebody new", map[string]any{"sub": "sub-new", "email": "New@Example.Test", "name": "New Hire"})
		s.shows("the new one", s.get("/console/"), 200, "New Hire", "Member")
		found, err := s.authority.Member(ctx, &operator, s.organization.ID, authority.UserRef{Email: "new@example.test"})
		if err != nil || found.Role != credential.Member || found.HasPassword || !found.VerifiedAt.IsZero() {
			t.Fatalf("the new one is %+v, %v", found, err)
		}
		if err := s.authority.RemoveMember(ctx, &operator, s.organization.ID, authority.UserRef{ID: found.ID}); err != nil {
			t.Fatal(err)
		}
		s.shows("a removed member's session", s.get(s.pages()+"/usage"), 404)
		i.out("a removed member", map[string]any{"sub": "sub-new", "email": "new@example.test"}, "no member of this organization any more")
		i.out("who changed their address", map[string]any{"sub": "sub-new", "email": "newer@example.test"}, "no member of this organization any more")

		i.in("another member", map[string]any{"sub": "sub-bob", "email": "bob@example.test"})
		if _, err := s.authority.Deactivate(ctx, &operator, authority.UserRef{Email: "bob@example.test"}); err != nil {
			t.Fatal(err)
		}
		i.out("who is deactivated", map[string]any{"sub": "sub-bob", "email": "bob@example.test"}, "deactivated")

		s.providing(i, func(r *authority.ProviderRequest) { r.AdmitNew = false })
		s.at.Add(61)
		i.out("somebody new where nobody is let in", map[string]any{"sub": "sub-4", "email": "cy@example.test"}, "lets nobody new in")
		if _, err := s.authority.Invite(ctx, &operator, s.organization.ID, authority.InviteRequest{Email: "cy@example.test", Role: credential.Admin}); err != nil {
			t.Fatal(err)
		}
		i.in("who is invited", map[string]any{"sub": "sub-4", "email": "cy@example.test"})
		s.shows("who is invited", s.get("/console/"), 200, "Admin")
		if !strings.Contains(s.lastFailure(), "lets nobody new in") {
			t.Errorf("the last failure is %q", s.lastFailure())
		}
		events, err := s.authority.FindEvents(ctx, &operator, s.organization.ID, store.EventFilter{Action: "provider.link", Limit: 9})
		if err != nil || len(events) != 4 {
			t.Errorf("linking is recorded %d times: %v", len(events), err)
		}
	})
}

// A session that a provider began reaches the provider's organization alone, so
// that whoever runs a provider gets at nothing else of anybody.
func TestL14_OneOrganizationAlone(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		i, ctx, operator := newIDP(s), context.Background(), credential.Operator()
		s.providing(i, nil)
		other, err := s.authority.CreateOrganization(ctx, &operator, authority.NameRequest{Name: "Other"})
		if err == nil {
			_, err = s.authority.CreateUser(ctx, &operator, other.ID, authority.UserRequest{Email: "ada@example.test", Name: "Ada", Role: credential.Owner})
		}
		if err != nil {
			t.Fatal(err)
		}
		s.enter("ada@example.test")
		own := s.browser.Jar
		s.anew()
		i.in("a member of two", nil)
		elsewhere := "/console/organizations/" + authority.PublicID("org", other.ID)
		s.hides("the organizations", s.shows("the organizations", s.get("/console/"), 200, "Acme"), "Other")
		s.shows("the other one", s.get(elsewhere+"/keys"), 404)
		s.shows("its own", s.get(s.pages()+"/keys"), 200)
		principal := func() *credential.Principal {
			for _, c := range s.browser.Jar.Cookies(&url.URL{Scheme: "http", Host: strings.TrimPrefix(s.url, "http://"), Path: "/"}) {
				if c.Name == "gatehouse" {
					d, err := s.authority.Verify(ctx, c.Value, authority.Verification{Organization: s.organization.ID.String()})
					if err != nil || d.Code != credential.OK {
						t.Fatalf("%s, %v", d.Code, err)
					}
					return &d.Principal
				}
			}
			t.Fatal("no cookie")
			return nil
		}()
		name := "Mallory"
		for what, err := range map[string]error{
			"the profile":     second(s.authority.UpdateProfile(ctx, principal, authority.ProfileChange{Name: &name})),
			"an organization": second(s.authority.FoundOrganization(ctx, principal, authority.OrganizationChange{Name: &name})),
			"an invitation":   second(s.authority.AcceptInvitation(ctx, principal, "invite-x")),
		} {
			if err == nil || !strings.Contains(err.Error(), "in that organization alone") {
				t.Errorf("%s: %v", what, err)
			}
		}
		sessions, err := s.authority.Sessions(ctx, principal)
		if err != nil || len(sessions) != 1 {
			t.Errorf("it sees %d sessions, %v", len(sessions), err)
		}
		if err := s.authority.SignOut(ctx, principal, true); err != nil {
			t.Fatal(err)
		}
		s.shows("after signing out everywhere", s.get("/console/"), 401)
		s.browser.Jar = own
		s.shows("the session by password", s.get("/console/"), 200, "Other")
		for _, change := range []func(*authority.ProviderRequest){
			func(r *authority.ProviderRequest) { r.Active = false }, func(r *authority.ProviderRequest) { r.ClientID = "another" },
		} {
			s.providing(i, nil)
			s.anew()
			i.in("somebody", nil)
			s.providing(i, change)
			s.shows("once the provider is another or off", s.get("/console/"), 401)
		}
		s.browser.Jar = own
		s.shows("and by password still", s.get("/console/"), 200, "Other")
	})
}

func second[T any](_ T, err error) error { return err }

// The second factor is asked for after the provider as it is after a password.
func TestL6_L14_SecondFactorAfterTheProvider(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		i := newIDP(s)
		s.providing(i, nil)
		seed := s.twoFactor("ada@example.test")
		s.anew()
		page := s.shows("after the provider", i.by(nil), 200, "Enter your code")
		if strings.Contains(page.header.Get("Set-Cookie"), "gatehouse=") {
			t.Error("there is a session before the code")
		}
		s.shows("nobody is signed in", s.get("/console/"), 401)
		wrong := s.shows("a wrong code", s.post("/console/sign-in", fill(page, "code", "000000")), 422, "doesn't match")
		done := s.post("/console/sign-in", fill(wrong, "code", code(t, seed, 0)))
		s.found(done, leads)
		s.shows("after the code", s.get("/console/"), 200, "Acme")
		s.anew()
		s.shows("the code once more", s.post("/console/sign-in", fill(wrong, "code", code(t, seed, 0))), 422, "doesn't match")
		s.providing(i, func(r *authority.ProviderRequest) { r.AdmitNew = false })
		s.shows("what is of a provider that changed", s.post("/console/sign-in", fill(wrong, "code", code(t, seed, 0))), 422, "Begin again")
		s.at.Add(int64(6 * time.Minute / time.Second))
		s.shows("after too long", s.post("/console/sign-in", fill(wrong, "code", code(t, seed, 6*time.Minute))), 422, "too long")
	})
}

// What comes back is taken once, by the browser that went, from the provider
// that it went to, and only if the provider signed it for us just now.
func TestL14_J7_WhatComesBack(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		i := newIDP(s)
		s.providing(i, nil)
		start := func() url.Values {
			s.anew()
			return i.answer(s.found(s.post("/console/sign-in/organization", url.Values{"named": {"Acme"}}), goesTo), nil)
		}
		for what, change := range map[string]func(url.Values){
			"another browser":  func(url.Values) { s.anew() },
			"another state":    func(q url.Values) { q.Set("state", strings.Repeat("0", 64)) },
			"no state":         func(q url.Values) { q.Del("state") },
			"another issuer":   func(q url.Values) { q.Set("iss", "https://evil.test") },
			"no issuer":        func(q url.Values) { q.Del("iss") },
			"no code":          func(q url.Values) { q.Del("code") },
			"a code of nobody": func(q url.Values) { q.Set("code", "x") },
			"an error": func(q url.Values) {
				q.Del("code")
				q.Set("error", "access_denied")
				q.Set("error_description", "<b>no</b>")
			},
			"an error that isn't one":       func(q url.Values) { q.Del("code"); q.Set("error", "<script>") },
			"a code that is long":           func(q url.Values) { q.Set("code", strings.Repeat("x", 5000)) },
			"a provider that changed since": func(url.Values) { s.providing(i, nil) },
			"eleven minutes":                func(url.Values) { s.at.Add(int64(11 * time.Minute / time.Second)) },
		} {
			q := start()
			change(q)
			page := i.back(q)
			if page.status != 422 || leads.MatchString(page.body) || !strings.Contains(page.body, "/console/sign-in") || strings.Contains(page.body, "<b>no") {
				t.Errorf("%s: %d %s", what, page.status, page.body)
			}
		}
		q := start()
		s.found(i.back(q), leads)
		s.shows("the answer once more", i.back(q), 422, "Begin again")
		q = start()
		flows := s.browser.Jar
		s.found(i.back(q), leads)
		s.browser.Jar = flows
		s.shows("with the cookie of before", i.back(q), 422, "Begin again")

		now := time.Now().Add(time.Duration(s.at.Load()) * time.Second).Unix()
		for what, claims := range map[string]map[string]any{
			"another nonce": {"nonce": "x"}, "no nonce": {"nonce": nil}, "another audience": {"aud": "client:2"}, "two audiences": {"aud": []string{"client:1", "client:2"}},
			"for another party": {"azp": "client:2"}, "expired": {"iat": now - 600, "exp": now - 120}, "a clock that is fast": {"iat": now + 200, "exp": now + 400}, "issued long ago": {"iat": now - 4000},
			"no subject": {"sub": nil}, "a long subject": {"sub": strings.Repeat("x", 256)}, "a numeric subject": {"sub": 7}, "another issuer": {"iss": "https://evil.test"},
		} {
			i.out(what, claims, "Tell an owner")
		}
		i.in("two audiences, for us", map[string]any{"aud": []string{"client:1", "client:2"}, "azp": "client:1"})
		good := i.key
		for what, key := range map[string]*jose.JSONWebKey{
			"unsigned": nil, "HS256 by the secret": {Key: []byte(strings.Repeat(clientSecret, 2)), KeyID: "one", Algorithm: "HS256"},
			"an unknown key": func() *jose.JSONWebKey { i.renew("two"); k := i.key; i.key = good; return k }(),
			"another key":    func() *jose.JSONWebKey { i.renew("one"); k := i.key; i.key = good; return k }(),
		} {
			i.signer = key
			i.out(what, nil, "Tell an owner")
		}
		i.renew("three") // which the provider is asked for, once it may be asked again
		s.at.Add(31)
		i.in("a key that is new", nil)
	})
}

// Whatever is wrong with a provider ends in a page that leads on, and its owners
// find the reason.
func TestL14_ProvidersThatDontWork(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		i := newIDP(s)
		i.down = true
		s.providing(i, nil)
		ask := func() answer { return s.post("/console/sign-in/organization", url.Values{"named": {"x@example.test"}}) }
		s.shows("a provider that is away", ask(), 422, "can't be used at present", "Sign in by password")
		if why := s.lastFailure(); !strings.Contains(why, "answered 502") {
			t.Errorf("its owners learn %q", why)
		}
		i.down = false
		s.at.Add(31)
		for _, c := range []struct {
			about map[string]any
			why   string
		}{
			{map[string]any{"issuer": "https://evil.test"}, "another issuer"}, {map[string]any{"token_endpoint": nil}, "token_endpoint"},
			{map[string]any{"token_endpoint_auth_methods_supported": []string{"private_key_jwt"}}, "token_endpoint_auth_methods_supported"},
			{map[string]any{"authorization_endpoint": "javascript:alert(1)"}, "URL"}, {map[string]any{"authorization_endpoint": "http://evil.test/auth"}, "https"},
			{map[string]any{"token_endpoint": "https://10.1.2.3/any"}, "private host"}, {map[string]any{"userinfo_endpoint": "https://10.1.2.3/any"}, "private host"},
		} {
			i.about = c.about
			s.providing(i, nil)
			s.shows(c.why, ask(), 422, "can't be used")
			if why := s.lastFailure(); !strings.Contains(why, c.why) {
				t.Errorf("%s: its owners learn %q", c.why, why)
			}
			s.at.Add(3700)
		}
		i.about = map[string]any{"token_endpoint_auth_methods_supported": []string{"client_secret_post"}}
		s.providing(i, nil)
		i.info = map[string]any{"sub": "sub-ada", "email": "ada@example.test", "email_verified": true}
		i.in("by client_secret_post, with the address from the userinfo endpoint", map[string]any{"email": nil, "email_verified": nil})
		i.info["sub"] = "sub-eve"
		i.out("userinfo of another subject", map[string]any{"email": nil, "email_verified": nil}, "Tell an owner")
		s.at.Add(61)
		s.providing(i, func(r *authority.ProviderRequest) { r.Secret = "wrong" })
		i.out("a wrong secret", nil, "Tell an owner")
		if why := s.lastFailure(); !strings.Contains(why, "invalid_client") || strings.Contains(why, "wrong\"") {
			t.Errorf("its owners learn %q", why)
		}
	})
}

// Nobody learns by asking which accounts there are, nor of an organization more
// than whether it has a provider that works.
func TestL4_L14_SameAnswerForAll(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		i := newIDP(s)
		ask := func(named string) string {
			page := s.shows(named, s.post("/console/sign-in/organization", url.Values{"named": {named}}), 422, "no single sign-on")
			return strings.Replace(html.UnescapeString(page.body), `value="`+named+`"`, "", 1)
		}
		want := ask("nobody@nowhere.test")
		s.providing(i, func(r *authority.ProviderRequest) { r.Active = false })
		for _, named := range []string{"ada@example.test", "nobody@example.test", "Acme", "acme", "No such organization", "a@b@c", "x", "'; DROP TABLE providers; --"} {
			if got := ask(named); got != want {
				t.Errorf("%s: %s", named, got)
			}
		}
		s.providing(i, nil)
		for _, named := range []string{"ada@example.test", "nobody@EXAMPLE.test", "Acme", fmt.Sprint("org-", s.organization.Number)} {
			s.found(s.shows(named, s.post("/console/sign-in/organization", url.Values{"named": {named}}), 200, "Acme", "127.0.0.1"), goesTo)
		}
		s.found(s.get("/console/sign-in/by/"+authority.PublicID("org", s.organization.ID)), goesTo)
		s.shows("an organization that there isn't", s.get("/console/sign-in/by/"+authority.PublicID("org", uuid.New())), 422, "no single sign-on")
	})
}

// Who signs in by a provider proves by it who they are, and by a fresh look of it
// alone.
func TestL7_L14_ProvesByTheProvider(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		i := newIDP(s)
		s.providing(i, nil)
		operator := credential.Operator()
		if _, err := s.authority.Invite(context.Background(), &operator, s.organization.ID, authority.InviteRequest{Email: "bo@example.test", Role: credential.Owner}); err != nil {
			t.Fatal(err)
		}
		bo := map[string]any{"sub": "sub-bo", "email": "bo@example.test"}
		i.in("an owner without a password", bo)
		keys := s.pages() + "/keys"
		form := fill(s.get(keys+"/new"), "name", "CI", "mode", "live", "access", "read", "expires", "30")
		s.at.Add(int64(authority.ProofLasts/time.Second) + 1)
		asked := s.shows("after a while", s.post(keys, form), 200, "Confirm that it’s you", "Sign in again at the provider")
		s.hides("who has no password", asked, `name="prove-password"`)
		prove := func(change map[string]any) answer {
			page := s.post("/console/prove", url.Values{"form": {form.Get("form")}})
			return i.back(i.answer(s.found(page, goesTo), change))
		}
		with := func(more map[string]any) map[string]any {
			all := maps.Clone(bo)
			maps.Copy(all, more)
			return all
		}
		s.shows("a provider that didn't ask", prove(with(map[string]any{"auth_time": nil})), 422, "didn't ask you again")
		s.shows("one that asked before", prove(with(map[string]any{"auth_time": time.Now().Unix() - 600})), 422, "didn't ask you again")
		s.shows("somebody else", prove(nil), 422, "somebody else")
		s.shows("the form still", s.post(keys, form), 200, "Confirm that it’s you")
		s.shows("who it is", prove(bo), 200, "It’s you")
		s.shows("the form then", s.post(keys, form), 200, "Copy your new key now")
		s.shows("without a form of the session", s.post("/console/prove", url.Values{}), 403, "another session")
		s.anew()
		s.enter("ada@example.test")
		s.shows("a session by password", s.post("/console/prove", fill(s.get("/console/"))), 422, "No provider began this session")
	})
}
