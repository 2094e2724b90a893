// Package console is where people look after credentials by a browser: they
// sign in, make one, see it once, see whether it is used, and end it.
//
// It hides what makes that safe. A session's token is a cookie that no script
// can read. It is bound to this host and to TLS
// (the prefix __Host-, RFC 6265bis section 4.1.3), but for a server that
// listens on the loopback address by plain HTTP; anywhere else without TLS
// nobody signs in. Whatever changes something must come from a page of this
// origin. API credentials are no way in. Every page is whole without script: a
// link, a form, an answer. A form that was sent is answered by a page, never by
// a redirect, and one that shows a secret does so once, also when the browser
// sends it again.
package console

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// most bounds a body in bytes.
const most = 64 << 10

// console answers the routes of browsers.
type console struct {
	authority *authority.Authority
	workspace *workspace.Workspace
	url       string      // of the installation, as people type it
	cookie    string      // its name
	theme     string      // the name of the cookie of colours
	secure    bool        // whether browsers send it by TLS alone
	refused   string      // why nobody can sign in; empty where they can
	settled   atomic.Bool // whether the installation was seen to be set up
	flow      string      // of the cookie of who is at a provider
	operator  string      // of that of whoever runs the installation
}

// Config is what the pages are made of.
type Config struct {
	Authority *authority.Authority
	Workspace *workspace.Workspace
	URL       string // public, of the installation
}

// Surfaces returns the routes by which browsers sign in, and the pages that
// they see.
func Surfaces(cfg Config) []*edge.Surface {
	c := &console{
		authority: cfg.Authority, workspace: cfg.Workspace, url: cfg.URL,
		cookie: "__Host-gatehouse", theme: "__Host-gatehouse-theme", flow: "__Host-gatehouse-flow", operator: "__Secure-gatehouse-operator", secure: true,
	}
	switch name, secure := edge.SessionCookie(cfg.URL); {
	case name == "":
		c.refused = "signing in by a browser takes TLS: set public-url to the https:// address of this server"
	case !secure:
		c.cookie, c.theme, c.flow, c.operator, c.secure = name, "gatehouse-theme", "gatehouse-flow", "gatehouse-operator", false
	}
	return []*edge.Surface{
		{Routes: c.routes(), Present: c.present, WriteError: edge.WriteProblem, Browser: true},
		{Routes: c.answerRoutes(), Present: c.present, WriteError: c.writeProblem, Browser: true, Loose: true, Headers: c.headers()},
		{Routes: c.operatorRoutes(), Prefix: toOperator, Present: c.presentOperator, WriteError: c.writeOperatorProblem, Browser: true, Blank: true, Console: true, Headers: c.headers()},
		{Routes: c.pageRoutes(), Prefix: "/console/", Present: c.present, WriteError: c.writeProblem, Browser: true, Blank: true, Headers: c.headers()},
	}
}

func (c *console) routes() []edge.Route {
	return []edge.Route{
		edge.Post("/console/session", edge.Public, most, c.signIn).Creates().LimitedByAddress(),
		edge.Get("/console/session", edge.Authenticated, c.session),
		edge.Delete("/console/session", edge.Authenticated, c.signOut),
	}
}

// present takes the credential from the cookie and from nowhere else.
func (c *console) present(h http.Header) (edge.Presented, error) {
	return edge.FromCookie(h, c.cookie)
}

// set makes the browser keep a cookie, or (empty) forget it.
func (c *console) set(r *edge.Request, value string) {
	c.keep(r, c.cookie, value, authority.SessionLifetime)
}

// keep makes the browser keep a cookie that no script reads, for a while.
func (c *console) keep(r *edge.Request, name, value string, d time.Duration) {
	age := int(d / time.Second)
	if value == "" {
		age = -1
	}
	r.SetCookie(&http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode,
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
