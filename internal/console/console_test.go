package console_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/console"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

const signIn = `{"email":"ada@example.test","password":"correct horse battery"}`

// site is a console at a public URL, and a browser that keeps its cookies.
type site struct {
	t            testing.TB
	url          string
	authority    *authority.Authority
	store        *store.Store
	workspace    *workspace.Workspace
	organization *store.Organization
	browser      *http.Client
	at           atomic.Int64 // how far its clock is set ahead, in seconds
}

func each(t *testing.T, publicURL string, test func(t *testing.T, s *site)) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) { test(t, run(t, cfg, publicURL)) })
}

// run serves a console with an organization that Ada owns.
func run(t testing.TB, cfg store.Config, publicURL string) *site {
	return runBy(t, cfg, publicURL, authority.AccountRules{})
}

// runBy is run with rules of how people come to have an account.
func runBy(t testing.TB, cfg store.Config, publicURL string, rules authority.AccountRules) *site {
	s := bare(t, cfg, publicURL, rules)
	operator := credential.Operator()
	o, err := s.authority.CreateOrganization(context.Background(), &operator, authority.NameRequest{Name: "Acme"})
	if err == nil {
		_, err = s.authority.CreateUser(context.Background(), &operator, o.ID, authority.UserRequest{
			Email: "ada@example.test", Name: "Ada", Role: credential.Owner, Password: "correct horse battery",
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	s.organization = o
	return s
}

// bare serves a console that isn't set up.
func bare(t testing.TB, cfg store.Config, publicURL string, rules authority.AccountRules) *site {
	st := storetest.Open(t, cfg)
	s := &site{t: t, store: st}
	now := func() time.Time { return time.Now().Add(time.Duration(s.at.Load()) * time.Second) }
	near := outbound.NewFetcher(webhook.Targets{Private: []string{"127.0.0.1", "10.1.2.3"}}, "Gatehouse")
	a := authority.New(authority.Config{Store: st, Schemes: cfg.Schemes, Issuer: "https://keys.example.test", PasswordMemory: 64, Now: now,
		Issuers: authority.IssuerRules{Targets: webhook.Targets{Private: []string{"127.0.0.1", "10.1.2.3"}}, Fetch: near.Fetch, Ask: func(ctx context.Context, q authority.Question, most int) (int, []byte, error) {
			return near.Ask(ctx, outbound.Question(q), most)
		}},
		Keep: authority.Retention{RequestDays: 90}, Accounts: rules})
	s.workspace = workspace.New(workspace.Config{Store: st, Now: now, Issuer: "https://keys.example.test", Files: artifact.New(artifact.Config{Directory: t.TempDir(), Most: 1 << 20, Spare: 1})})
	server := httptest.NewServer(edge.New(edge.Config{Authority: a, Surfaces: console.Surfaces(console.Config{Authority: a, Workspace: s.workspace, URL: publicURL})}))
	t.Cleanup(server.Close)
	s.url, s.authority, s.browser = server.URL, a, newBrowser(t)
	return s
}

// newBrowser keeps its cookies.
func newBrowser(t testing.TB) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// call sends a request (its method, body, and pairs of headers) and returns
// status, cookie line and body.
func (s *site) call(parts ...string) (status int, cookie, text string) {
	s.t.Helper()
	method, body, headers := parts[0], parts[1], parts[2:]
	r, err := http.NewRequest(method, s.url+"/console/session", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := s.browser.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Set-Cookie"), string(got)
}

func (s *site) want(what string, want int, parts ...string) (cookie, text string) {
	s.t.Helper()
	status, cookie, text := s.call(parts...)
	if status != want {
		s.t.Errorf("%s: got %d %s, want %d", what, status, text, want)
	}
	return cookie, text
}

func TestL9_BS24_BSO18_BrowserSession(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.want("before", 401, "GET", "")
		cookie, text := s.want("sign in", 201, "POST", signIn)
		for _, part := range []string{"gatehouse=gsc_", "Path=/", "HttpOnly", "SameSite=Lax", "Max-Age="} {
			if !strings.Contains(cookie, part) {
				t.Errorf("the cookie %q lacks %s", cookie, part)
			}
		}
		value := strings.TrimPrefix(strings.SplitN(cookie, ";", 2)[0], "gatehouse=")
		if strings.Contains(cookie, "Domain") || strings.Contains(text, value) {
			t.Errorf("the cookie names a domain, or its value stands in the body: %s", text)
		}
		if _, text := s.want("who it is", 200, "GET", ""); !strings.Contains(text, `"email":"ada@example.test"`) || strings.Contains(text, value) {
			t.Errorf("it is %s", text)
		}
		if cookie, _ := s.want("sign out", 200, "DELETE", ""); !strings.Contains(cookie, "gatehouse=;") || !strings.Contains(cookie, "Max-Age=0") {
			t.Errorf("after signing out the cookie is %q", cookie)
		}
		s.browser.Jar = nil
		s.want("the cookie of before", 401, "GET", "", "Cookie", "gatehouse="+value)
	})
}

func TestL9_CookieIsBoundToHostAndTLS(t *testing.T) {
	each(t, "https://keys.example.com", func(t *testing.T, s *site) {
		cookie, _ := s.want("sign in", 201, "POST", signIn)
		if !strings.HasPrefix(cookie, "__Host-gatehouse=gsc_") || !strings.Contains(cookie, "; Secure") || strings.Contains(cookie, "Domain") {
			t.Errorf("behind TLS the cookie is %q", cookie)
		}
	})
	each(t, "http://keys.example.com", func(t *testing.T, s *site) {
		if cookie, text := s.want("sign in without TLS", 403, "POST", signIn); cookie != "" || !strings.Contains(text, "public-url") {
			t.Errorf("got %q, %s", cookie, text)
		}
	})
}

func TestL12_OwnPagesAlone(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		cross := [][]string{
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
			{"Sec-Fetch-Site", "cross-site", "X-HTTP-Method-Override", "GET"},
		}
		for _, headers := range cross {
			if cookie, _ := s.want("sign in from "+headers[1], 403, append([]string{"POST", signIn}, headers...)...); cookie != "" {
				t.Errorf("from %s a cookie is set", headers[1])
			}
		}
		for _, form := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
			s.want("sign in as "+form, 415, "POST", signIn, "Content-Type", form)
		}
		s.want("sign in", 201, "POST", signIn, "Sec-Fetch-Site", "same-origin", "Origin", s.url)
		for _, headers := range cross {
			s.want("sign out from "+headers[1], 403, append([]string{"DELETE", ""}, headers...)...)
		}
		s.want("a link from elsewhere", 200, "GET", "", "Sec-Fetch-Site", "cross-site")
		s.want("sign out", 200, "DELETE", "", "Sec-Fetch-Site", "same-origin")
	})
}

// No API credential is a way in to the console, and the cookie none out of it.
func TestS4_NoWayIn(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		bearer, err := s.authority.SignIn(context.Background(), authority.SignInRequest{Email: "ada@example.test", Password: "correct horse battery"})
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{bearer.Access.Token.Reveal(), bearer.Token.Reveal(), "gsc_x", ""} {
			s.want("as Bearer", 401, "GET", "", "Authorization", "Bearer "+secret)
			s.want("as a key", 401, "GET", "", "X-API-Key", secret)
			s.want("as a cookie", 401, "GET", "", "Cookie", "gatehouse="+secret)
		}
		cookie, _ := s.want("sign in", 201, "POST", signIn)
		pair := strings.SplitN(cookie, ";", 2)[0]
		s.browser.Jar = nil
		s.want("the cookie twice", 401, "GET", "", "Cookie", pair+"; "+pair)
		s.want("the cookie under the other name", 401, "GET", "", "Cookie", "__Host-"+pair)
		s.want("the cookie as Bearer", 401, "GET", "", "Authorization", "Bearer "+strings.TrimPrefix(pair, "gatehouse="))
		s.want("the cookie", 200, "GET", "", "Cookie", pair)
	})
}

func TestSignInProblems(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		for body, want := range map[string]int{
			`{}`: 422, `{"email":"ada@example.test"}`: 422, `{"email":"x","password":"x"}`: 422, `{"email":"ada@example.test","password":"x"}`: 401,
			`{"email":"ada@example.test","password":"x","more":1}`: 400, `[]`: 400,
		} {
			if cookie, text := s.want(body, want, "POST", body); cookie != "" || !strings.Contains(text, `"title"`) {
				t.Errorf("%s: got %q, %s", body, cookie, text)
			}
		}
	})
}
