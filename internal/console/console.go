// Package console is where people sign in by a browser: a session whose token
// is a cookie that no script can read.
//
// It hides what makes that safe. The cookie is bound to this host and to TLS
// (the prefix __Host-, RFC 6265bis section 4.1.3), but for a server that
// listens on the loopback address by plain HTTP; anywhere else without TLS
// nobody signs in. Whatever changes something must come from a page of this
// origin. API credentials are no way in.
package console

import (
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// most bounds a body in bytes.
const most = 64 << 10

// console answers the routes of browsers.
type console struct {
	authority *authority.Authority
	cookie    string // its name
	secure    bool   // whether browsers send it by TLS alone
	refused   string // why nobody can sign in; empty where they can
}

// Surface returns the routes by which browsers sign in at a public URL.
func Surface(a *authority.Authority, publicURL string) *edge.Surface {
	c := &console{authority: a, cookie: "__Host-gatehouse", secure: true}
	u, err := url.Parse(publicURL)
	switch {
	case err == nil && u.Scheme == "https":
	case err == nil && isLoopback(u.Hostname()):
		c.cookie, c.secure = "gatehouse", false
	default:
		c.refused = "signing in by a browser takes TLS: set public-url to the https:// address of this server"
	}
	return &edge.Surface{Routes: c.routes(), Prefix: "/console/", Present: c.present, WriteError: edge.WriteProblem, Browser: true}
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func (c *console) routes() []edge.Route {
	return []edge.Route{
		edge.Post("/console/session", edge.Public, most, c.signIn).Creates(),
		edge.Get("/console/session", edge.Authenticated, c.session),
		edge.Delete("/console/session", edge.Authenticated, c.signOut),
	}
}

// present takes the credential from the cookie and from nowhere else.
func (c *console) present(h http.Header) (edge.Presented, error) {
	switch cookies := (&http.Request{Header: h}).CookiesNamed(c.cookie); len(cookies) {
	case 0:
		return edge.Presented{}, nil
	case 1:
		return edge.Presented{Text: cookies[0].Value, As: credential.AsCookie}, nil
	}
	return edge.Presented{}, &edge.Denial{Code: credential.CodeMalformed}
}

// set makes the browser keep a cookie, or (empty) forget it.
func (c *console) set(r *edge.Request, value string) {
	age := int(authority.SessionLifetime / time.Second)
	if value == "" {
		age = -1
	}
	r.SetCookie(&http.Cookie{
		Name: c.cookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode,
	})
}

func (c *console) signIn(r *edge.Request, in api.SignIn) (api.SignedIn, error) {
	if c.refused != "" {
		return api.SignedIn{}, credential.Errorf(credential.Forbidden, "%s", c.refused)
	}
	if in.Password == "" {
		return api.SignedIn{}, credential.InvalidField("password", "must not be empty")
	}
	s, err := c.authority.SignIn(r.Context(), authority.SignInRequest{Email: in.Email, Password: in.Password, Code: in.Code, Cookie: true, From: r.Origin()})
	if err != nil {
		return api.SignedIn{}, err
	}
	c.set(r, s.Token.Reveal())
	return shown(s.User, s.Session.EndsAt), nil
}

func (c *console) session(r *edge.Request, _ edge.None) (api.SignedIn, error) {
	user, err := c.authority.Account(r.Context(), &r.Principal)
	if err != nil {
		return api.SignedIn{}, err
	}
	return shown(user, r.Principal.Credential.ExpiresAt), nil
}

func (c *console) signOut(r *edge.Request, _ edge.None) (api.Empty, error) {
	if err := c.authority.SignOut(r.Context(), &r.Principal, false); err != nil {
		return api.Empty{}, err
	}
	c.set(r, "")
	return api.Empty{}, nil
}

func shown(u *store.User, ends time.Time) api.SignedIn {
	return api.SignedIn{
		ID: u.ID.String(), Email: u.Email, Name: u.Name, TwoFactor: u.TwoFactor, ExpiresAt: ends,
	}
}
