package oauth

import (
	"net/netip"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
)

// introspection is what is told of a token (RFC 7662 section 2.2). Of one that
// doesn't work it is told that, and nothing else.
type introspection struct {
	Active    bool   `json:"active" doc:"whether the token works now; if not, nothing else is told"`
	Scope     string `json:"scope,omitempty" doc:"scopes with blanks between them"`
	ClientID  string `json:"client_id,omitempty"`
	TokenType string `json:"token_type,omitempty" enum:"Bearer"`
	Expires   int64  `json:"exp,omitzero" doc:"Unix seconds"`
	IssuedAt  int64  `json:"iat,omitzero" doc:"Unix seconds"`
	Subject   string `json:"sub,omitempty"`
	Audience  string `json:"aud,omitempty"`
	Issuer    string `json:"iss,omitempty"`
	ID        string `json:"jti,omitempty"`
	// Beyond the RFC: what the native API says of a credential.
	Credential   string `json:"credential_id,omitempty" format:"uuid"`
	Scheme       string `json:"scheme,omitempty"`
	Organization string `json:"organization,omitempty" format:"uuid"`
	Project      string `json:"project,omitempty" format:"uuid"`
}

// introspect tells a client of its own tokens, and whoever may verify of any
// that it may verify. An address says from where the token came, for those
// that work from some addresses only.
func (h *handlers) introspect(r *edge.Request, form edge.Values) (introspection, error) {
	from, err := address(form["address"])
	if err != nil {
		return introspection{}, err
	}
	c, basic, authenticated, err := client(r, form)
	if err != nil {
		return introspection{}, err
	}
	if !authenticated {
		if err := r.Identify(); err != nil {
			return introspection{}, err
		}
	}
	token := form["token"]
	if token == "" {
		return introspection{}, missing("token")
	}
	var known *authority.Introspection
	if authenticated {
		known, err = h.authority.Introspect(r.Context(), c, token, from)
	} else {
		known, err = h.authority.IntrospectFor(r.Context(), &r.Principal, token, from)
	}
	if err != nil || known == nil {
		return introspection{}, explained(err, basic)
	}
	return h.shown(known), nil
}

func (h *handlers) shown(i *authority.Introspection) introspection {
	c := i.Decision.Standing.Credential
	words := make([]string, len(c.Scopes))
	for n, s := range c.Scopes {
		words[n] = string(s)
	}
	out := introspection{
		Active: true, Scope: strings.Join(words, " "), ClientID: i.ClientID, TokenType: "Bearer", Subject: i.Subject,
		Issuer: h.authority.Issuer(), Audience: h.authority.Issuer(), ID: i.ID,
		Credential: c.ID.String(), Scheme: c.Scheme.Name,
	}
	if !i.Expires.IsZero() {
		out.Expires = i.Expires.Unix()
	}
	if !i.IssuedAt.IsZero() {
		out.IssuedAt = i.IssuedAt.Unix()
	}
	if c.Organization != uuid.Nil {
		out.Organization = c.Organization.String()
	}
	if c.Project != uuid.Nil {
		out.Project = c.Project.String()
	}
	return out
}

func address(text string) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	addr, err := credential.ParseAddress(text)
	if err != nil {
		return addr, &credential.Error{Kind: credential.BadRequest, Field: "address", Detail: "is not an IP address"}
	}
	return addr, nil
}

// nothing is the empty answer of a revocation (RFC 7009 section 2.2).
type nothing struct{}

// revoke ends an access token of the client that asks (RFC 7009).
func (h *handlers) revoke(r *edge.Request, form edge.Values) (nothing, error) {
	c, basic, authenticated, err := client(r, form)
	if err != nil {
		return nothing{}, err
	}
	if !authenticated {
		return nothing{}, refused(basic)
	}
	if form["token"] == "" {
		return nothing{}, missing("token")
	}
	return nothing{}, explained(h.authority.RevokeToken(r.Context(), c, form["token"], r.ID), basic)
}

// keys answers the public keys (RFC 7517 section 5).
func (h *handlers) keys(r *edge.Request, _ edge.None) (jsontext.Value, error) {
	return h.authority.JWKS(r.Context())
}

// metadata describes this server (RFC 8414 section 2).
type metadata struct {
	Issuer        string   `json:"issuer" format:"uri"`
	Token         string   `json:"token_endpoint" format:"uri"`
	Introspection string   `json:"introspection_endpoint" format:"uri"`
	Revocation    string   `json:"revocation_endpoint" format:"uri"`
	Keys          string   `json:"jwks_uri" format:"uri"`
	Grants        []string `json:"grant_types_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	TokenAuth     []string `json:"token_endpoint_auth_methods_supported"`
	TokenAlgs     []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	InspectAuth   []string `json:"introspection_endpoint_auth_methods_supported"`
	InspectAlgs   []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	RevokeAuth    []string `json:"revocation_endpoint_auth_methods_supported"`
	RevokeAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	Scopes        []string `json:"scopes_supported"`
}

func (h *handlers) metadata(*edge.Request, edge.None) (metadata, error) {
	base := h.authority.Issuer()
	methods := []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	algorithms := jwt.Algorithms()
	return metadata{
		Issuer: base, Token: base + "/oauth2/token", Introspection: base + "/oauth2/introspect", Revocation: base + "/oauth2/revoke",
		Keys: base + "/oauth2/jwks", Grants: []string{clientCredentials, tokenExchange}, ResponseTypes: []string{},
		TokenAuth: methods, TokenAlgs: algorithms, InspectAuth: methods, InspectAlgs: algorithms, RevokeAuth: methods, RevokeAlgs: algorithms,
		Scopes: h.authority.ClientScopes(),
	}, nil
}
