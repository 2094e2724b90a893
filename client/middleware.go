package client

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
)

// MiddlewareOptions say how a Guard asks and refuses. The zero value is good.
type MiddlewareOptions struct {
	// Project names the project that a request acts in: its UUID, pr-… or
	// PRJ-…. None if nil or if it returns "".
	Project func(*http.Request) string
	// Resource names what a request is about, in prices, usage and the ledger;
	// nil is its method and the pattern that matched it.
	Resource func(*http.Request) string
	// Address is the address of the client. If nil, it is the peer's; behind a
	// proxy, take it from where only that proxy can have written it.
	Address func(*http.Request) string
	// Realm stands in WWW-Authenticate; "api" if empty.
	Realm string
	// Timeout bounds a verification with its repeats; 5 seconds if zero.
	Timeout time.Duration
	// Failed is told why a request could not be decided, if it isn't nil. A 401
	// or 403 in an *api.Problem is about the credential of the Client.
	Failed func(*http.Request, error)
}

// Guard lets requests through whose credential may do what they are about. It
// is safe for concurrent use.
type Guard struct {
	c *Client
	o MiddlewareOptions
}

// Middleware makes a Guard that asks with c, whose credential needs
// credentials:verify.
//
// It asks for every request and keeps no decision: whoever is revoked is
// refused at the very next request, and a cache would break that. What can't
// be decided is refused.
func Middleware(c *Client, o MiddlewareOptions) *Guard {
	const askedFor = 5 * time.Second
	if o.Timeout <= 0 {
		o.Timeout = askedFor
	}
	if o.Address == nil {
		o.Address = func(r *http.Request) string { return r.RemoteAddr }
	}
	if o.Realm = quotable(o.Realm); o.Realm == "" {
		o.Realm = "api"
	}
	return &Guard{c, o}
}

// Require wraps handlers whose requests need a permission, such as orders:read;
// with "" any credential that works will do. The credential is taken from
// Authorization: Bearer or X-API-Key and stays there. FromContext has the
// decision.
func (g *Guard) Require(permission string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			d, no := g.decide(r, permission)
			if no != nil {
				no.write(w)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), decisionKey{}, d)))
		})
	}
}

// decisionKey is where a context has the decision.
type decisionKey struct{}

// FromContext returns the decision that let a request through, and whether
// there is one: not behind handlers that no Guard wraps.
func FromContext(ctx context.Context) (*api.Decision, bool) {
	d, ok := ctx.Value(decisionKey{}).(*api.Decision)
	return d, ok
}

// decide asks about the credential of a request.
func (g *Guard) decide(r *http.Request, permission string) (*api.Decision, *denial) {
	secret, no := g.presented(r)
	if no != nil {
		return nil, no
	}
	v := api.Verify{Credential: &secret, Permission: permission, Address: plainAddress(g.o.Address(r)), UserAgent: agent(r)}
	switch {
	case g.o.Resource != nil:
		v.Resource = g.o.Resource(r)
	case strings.HasPrefix(r.Pattern, r.Method+" "):
		v.Resource = r.Pattern
	case r.Pattern != "":
		v.Resource = r.Method + " " + r.Pattern
	}
	if g.o.Project != nil {
		v.Project = g.o.Project(r)
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.o.Timeout)
	defer cancel()
	d, err := g.c.Verify(ctx, v)
	if err != nil {
		if g.o.Failed != nil && r.Context().Err() == nil { // nobody waits for who is gone
			g.o.Failed(r, err)
		}
		return nil, undecided()
	}
	if !d.Active {
		return nil, g.denied(d, permission)
	}
	return d, nil
}

// presented takes the credential from the headers of a request.
func (g *Guard) presented(r *http.Request) (string, *denial) {
	authorization, keys := r.Header["Authorization"], r.Header["X-Api-Key"]
	switch {
	case len(authorization)+len(keys) > 1: // RFC 6750 section 2
		return "", g.misused("present one credential, once: in Authorization or in X-API-Key")
	case r.URL.Query().Has("access_token"):
		return "", g.misused("a credential must not stand in a URL, where logs and proxies keep it; send it in a header, and rotate it now")
	case len(keys) == 1:
		return g.bounded(keys[0])
	case len(authorization) == 1:
		scheme, text, _ := strings.Cut(authorization[0], " ")
		if strings.EqualFold(scheme, "Bearer") { // RFC 9110 section 11.1: case-insensitive
			return g.bounded(strings.TrimLeft(text, " "))
		}
	}
	return "", g.absent()
}

// bounded refuses what is too long for a credential, and for a question.
func (g *Guard) bounded(secret string) (string, *denial) {
	const most = 8 << 10
	if len(secret) > most {
		return "", g.denied(&api.Decision{Code: "malformed"}, "")
	}
	return secret, nil
}

// plainAddress finds the IP address in a text that may have a port or a zone.
// Where there is none, an allowlist lets nobody in.
func plainAddress(text string) string {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	return addr.Unmap().WithZone("").String()
}

// agent is what the caller calls itself, as far as it is kept.
func agent(r *http.Request) string {
	const most = 256
	name := r.UserAgent()
	return name[:min(len(name), most)]
}
