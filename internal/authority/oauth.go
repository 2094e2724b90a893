package authority

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Client is what an OAuth2 client authenticates itself with (RFC 6749 section
// 2.3): a secret, or an assertion that it signed (RFC 7523 section 2.2).
type Client struct {
	ID        string // of an assertion it may be empty
	Secret    string
	Assertion string
	Address   netip.Addr
	UserAgent string
}

// authenticate decides whether a request comes from a client. Whoever is no
// client, or not this one, is unknown.
func (a *Authority) authenticate(ctx context.Context, client Client) (d credential.Decision, err error) {
	v := Verification{Address: client.Address, UserAgent: client.UserAgent}
	switch {
	case client.Assertion != "":
		d, err = a.decideAssertion(ctx, &client, v)
	case !jwt.Looks(client.Secret):
		d, err = a.decide(ctx, client.Secret, v)
	}
	if err != nil {
		return d, err
	}
	if d.Standing == nil || d.Standing.Credential.Scheme.Kind != credential.OAuthClient ||
		!hmac.Equal([]byte(d.Standing.Credential.ClientID), []byte(client.ID)) {
		return credential.Decision{Code: credential.CodeUnknown}, nil
	}
	a.count(ctx, &d, v)
	return d, nil
}

// decideAssertion verifies a client's assertion by the keys that it has
// registered, and uses it up.
func (a *Authority) decideAssertion(ctx context.Context, client *Client, v Verification) (d credential.Decision, err error) {
	unknown := credential.Decision{Code: credential.CodeUnknown}
	claimed, err := jwt.AssertionSubject(client.Assertion)
	if err != nil || (client.ID != "" && client.ID != claimed) {
		return unknown, nil
	}
	client.ID = claimed
	known, err := a.store.ClientByID(ctx, client.ID)
	if err != nil || known.JWKS == "" {
		return unknown, ignoreMissing(err)
	}
	keys, err := jwt.ParseKeySet([]byte(known.JWKS))
	if err != nil {
		a.log.Error("the keys of a client are damaged; it is refused", "credential", known.Credential, "error", err)
		return unknown, nil
	}
	id, expires, err := keys.VerifyAssertion(client.Assertion, jwt.Assertion{ClientID: client.ID, Audience: a.Issuer(), Now: a.now()})
	if err != nil {
		return unknown, nil
	}
	standing, err := a.store.LookupToken(ctx, store.TokenRef{Credential: known.Credential, Generation: known.Generation})
	if err != nil {
		return unknown, ignoreMissing(err)
	}
	d, err = a.evaluate(ctx, found{standing: standing}, v)
	if err != nil || d.Code != credential.OK {
		return d, err
	}
	mark := sha256.Sum256([]byte("client assertion\x00" + client.ID + "\x00" + id))
	first, err := a.store.Once(ctx, mark, expires.Add(time.Minute)) // RFC 7523 section 3, 7
	if err != nil {
		return d, undecided(err)
	}
	if !first {
		return unknown, nil
	}
	return d, nil
}

// invalidClient is the one answer to a client that isn't let in, whatever the
// reason (RFC 6749 section 5.2).
func invalidClient() error {
	return credential.Errorf(credential.InvalidClient, "client authentication failed")
}

// ClientToken issues an access token to a client (RFC 6749 section 4.4), with
// the scopes it asks for or all that it has.
func (a *Authority) ClientToken(ctx context.Context, client Client, scopes []credential.Scope) (*AccessToken, error) {
	d, err := a.authenticate(ctx, client)
	if err != nil {
		return nil, err
	}
	if d.Code != credential.OK {
		return nil, invalidClient()
	}
	scopes, err = narrow(d.Standing.Credential, scopes)
	if err != nil {
		return nil, err
	}
	return a.sign(ctx, grant{standing: d.Standing, scopes: scopes})
}

// narrow is Narrow in the words of RFC 6749 section 5.2.
func narrow(c *credential.Credential, asked []credential.Scope) ([]credential.Scope, error) {
	scopes, err := c.Narrow(asked)
	var invalid *credential.Error
	if errors.As(err, &invalid) {
		return nil, credential.Errorf(credential.InvalidScope, "%s", invalid.Detail)
	}
	return scopes, err
}

// ExchangeRequest asks to trade a credential for a lesser access token.
type ExchangeRequest struct {
	Subject  string // the credential, or an access token
	Scopes   []credential.Scope
	Project  *store.ProjectRef
	Lifetime time.Duration // 0: the longest
	// Client is who asks, if it says so; it must be whose token it is.
	Client  *Client
	Address netip.Addr
	Agent   string
	// RequestID is for the audit.
	RequestID string
}

// Exchange trades a credential for an access token that may do no more, lives
// no longer, and ends with it (RFC 8693).
func (a *Authority) Exchange(ctx context.Context, r ExchangeRequest) (*AccessToken, error) {
	v := Verification{Address: r.Address, UserAgent: r.Agent}
	d, err := a.decide(ctx, r.Subject, v)
	if err != nil {
		return nil, err
	}
	if r.Client != nil {
		own, err := a.authenticate(ctx, *r.Client)
		if err != nil {
			return nil, err
		}
		if own.Code != credential.OK {
			return nil, invalidClient()
		}
		if d.Standing != nil && d.Standing.Credential.ID != own.Standing.Credential.ID {
			d.Code = credential.CodeUnknown
		}
	}
	// RFC 8693 section 2.2.2: a subject token that isn't good is invalid_request.
	if d.Code != credential.OK {
		return nil, credential.Errorf(credential.BadRequest, "the subject_token is not a credential that works")
	}
	if c := d.Standing.Credential; c.Scheme.Kind == credential.OAuthClient && d.Principal.Token == nil {
		return nil, credential.Errorf(credential.BadRequest, "a client's secret is no subject_token; ask for a token by client_credentials")
	}
	if t := d.Principal.Token; t != nil && t.Report != uuid.Nil {
		return nil, credential.Errorf(credential.BadRequest, "the token of a report is traded for nothing else")
	}
	a.count(ctx, &d, v)
	return a.exchange(ctx, &d, r)
}

func (a *Authority) exchange(ctx context.Context, d *credential.Decision, r ExchangeRequest) (*AccessToken, error) {
	c := d.Standing.Credential
	scopes, err := narrow(c, r.Scopes)
	if err != nil {
		return nil, err
	}
	g := grant{standing: d.Standing, scopes: scopes, lifetime: r.Lifetime}
	if d.Principal.Token != nil {
		g.project, g.notAfter = c.Project, d.Principal.Token.ExpiresAt
	}
	if r.Project != nil {
		if g.project, err = a.narrowProject(ctx, d, *r.Project); err != nil {
			return nil, err
		}
	}
	return a.sign(ctx, g)
}

// narrowProject finds the project that a token is to be confined to, among
// those that the credential reaches.
func (a *Authority) narrowProject(ctx context.Context, d *credential.Decision, ref store.ProjectRef) (uuid.UUID, error) {
	none := credential.Errorf(credential.InvalidTarget, "the credential reaches no such project")
	if d.Principal.Organization == uuid.Nil {
		return uuid.Nil, none
	}
	project, err := a.visibleProject(ctx, &d.Principal, d.Principal.Organization, ref)
	if errors.Is(err, credential.NotFound) || (err == nil && !project.ArchivedAt.IsZero()) {
		return uuid.Nil, none
	}
	if err != nil {
		return uuid.Nil, err
	}
	return project.ID, nil
}

// Introspection is what is known of a token that works (RFC 7662 section 2.2).
type Introspection struct {
	Decision credential.Decision
	ClientID string
	Subject  string
	ID       string // of an access token
	IssuedAt time.Time
	Expires  time.Time // zero: never
}

// Introspect tells a client about its own tokens. A token that doesn't work,
// and that of somebody else, is nil.
func (a *Authority) Introspect(ctx context.Context, client Client, token string, from netip.Addr) (*Introspection, error) {
	own, err := a.authenticate(ctx, client)
	if err != nil {
		return nil, err
	}
	if own.Code != credential.OK {
		return nil, invalidClient()
	}
	d, err := a.decide(ctx, token, Verification{Address: from})
	if err != nil || d.Code != credential.OK || d.Standing.Credential.ID != own.Standing.Credential.ID {
		return nil, err
	}
	return introspection(d), nil
}

// IntrospectFor tells a principal about any token that it may verify.
func (a *Authority) IntrospectFor(ctx context.Context, p *credential.Principal, token string, from netip.Addr) (*Introspection, error) {
	if err := require(p, credential.CredentialsVerify); err != nil {
		return nil, err
	}
	v := Verification{Address: from}
	d, err := a.decideFor(ctx, p, token, v)
	if err != nil || d.Code != credential.OK {
		return nil, err
	}
	a.count(ctx, &d, v)
	return introspection(d), nil
}

func introspection(d credential.Decision) *Introspection {
	c := d.Standing.Credential
	i := &Introspection{
		Decision: d, ClientID: clientOf(c), Subject: subjectOf(c), IssuedAt: d.Standing.Secret.CreatedAt, Expires: c.ExpiresAt,
	}
	if t := d.Principal.Token; t != nil {
		i.ID, i.IssuedAt, i.Expires = t.ID, t.IssuedAt, t.ExpiresAt
	}
	return i
}

// RevokeToken ends an access token of a client (RFC 7009). A token that
// doesn't work, and that of somebody else, is left as it is.
func (a *Authority) RevokeToken(ctx context.Context, client Client, token, requestID string) error {
	own, err := a.authenticate(ctx, client)
	if err != nil {
		return err
	}
	if own.Code != credential.OK {
		return invalidClient()
	}
	d, err := a.decide(ctx, token, Verification{Address: client.Address})
	if err != nil || d.Standing == nil || d.Principal.Token == nil || d.Standing.Credential.ID != own.Standing.Credential.ID {
		return err
	}
	p := own.Principal
	p.Address, p.RequestID = client.Address, requestID
	return a.endToken(ctx, &p, &d)
}

// ClientScopes are the scopes that OAuth2 clients may have, in order.
func (a *Authority) ClientScopes() []string {
	var names []string
	for _, s := range a.schemes.All() {
		if s.Kind == credential.OAuthClient {
			names = append(names, words(s.Scopes.Names())...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
