// Package oauth is the OAuth2 surface: the token endpoint (RFC 6749), token
// exchange (RFC 8693), introspection (RFC 7662), revocation (RFC 7009),
// metadata (RFC 8414) and the public keys (RFC 7517).
//
// It hides how a client authenticates and how these documents want to be
// answered. Invariants: parameters come in a form body and never in a URL; a
// parameter stands once; errors have the codes of the RFCs and no others.
package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// most bounds a form in bytes: an access token and an assertion fit into it.
const most = 64 << 10

// handlers answers the OAuth2 routes.
type handlers struct {
	authority *authority.Authority
}

// Surface returns the OAuth2 routes of an authority.
func Surface(a *authority.Authority) *edge.Surface {
	h := &handlers{a}
	return &edge.Surface{Routes: h.routes(), Present: edge.FromHeaders, WriteError: writeError, Error: oAuthError{}}
}

// routes is the whole surface. BetaTesting's token endpoint is the same one
// under the name that its documents give it.
func (h *handlers) routes() []edge.Route {
	return []edge.Route{
		edge.Form("/oauth2/token", edge.Public, most, h.token).Shown(tokenForm{}, nil).
			Named("token", "Get an access token: by the client's own credentials, or in exchange for another credential.", tokenErrors...),
		edge.Form("/api/external/v2/oauth/token", edge.Public, most, h.token).Shown(tokenForm{}, nil).
			Named("betaTestingToken", "Get an access token, by the address that BetaTesting documents. It is the same endpoint.", tokenErrors...).
			Example("grant_type=client_credentials&client_id=$CLIENT_ID&client_secret=$CLIENT_SECRET&scope=api:read api:write"),
		edge.Form("/oauth2/introspect", edge.Public, most, h.introspect).Shown(introspectForm{}, nil).Reads().Counted().CostsNothing().OrNeeds(credential.CredentialsVerify).
			Named("introspect", "Say whether a token works and what it is. A client asks about its own tokens, whoever may verify about any.", credential.InvalidClient),
		edge.Form("/oauth2/revoke", edge.Public, most, h.revoke).Shown(revokeForm{}, nil).
			Named("revokeToken", "End an access token of the client that asks.", credential.InvalidClient),
		edge.Get("/oauth2/jwks", edge.Public, h.keys).Shown(nil, keySet{}).Kept(authority.KeysCachedFor).
			Named("keys", "List the public keys that verify access tokens (RFC 7517)."),
		edge.Get("/.well-known/oauth-authorization-server", edge.Public, h.metadata).Kept(authority.KeysCachedFor).Steady().
			Named("metadata", "Describe this server to OAuth2 clients (RFC 8414)."),
	}
}

// oAuthError is the body of an error (RFC 6749 section 5.2).
type oAuthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty" doc:"what to do"`
}

// writeError shapes an error.
func writeError(w http.ResponseWriter, f edge.Failure, _ string) {
	p := oAuthError{Error: f.Code, Description: describable(f.Detail)}
	switch f.Code {
	case string(credential.InvalidClient), string(credential.InvalidScope), string(credential.InvalidTarget),
		string(credential.UnsupportedGrant):
	case "insufficient_scope": // RFC 6750 section 3.1, of the caller's own Bearer token
	default:
		switch {
		case f.Status == http.StatusUnauthorized:
			p.Error = "invalid_token" // RFC 6750 section 3.1
		case f.Status == http.StatusForbidden:
			p.Error = "insufficient_scope"
		case f.Status == http.StatusServiceUnavailable, f.Status == http.StatusInsufficientStorage:
			p.Error = "temporarily_unavailable"
		case f.Status >= http.StatusInternalServerError:
			p.Error = "server_error"
		default:
			p.Error = "invalid_request"
		}
	}
	if f.Field != "" {
		p.Description = f.Field + ": " + p.Description
	}
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte(`{"error":"invalid_request"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_, _ = w.Write(body)
}

// describable keeps what an error_description may hold (RFC 6749 section 5.2),
// and says the rest in its characters.
func describable(text string) string {
	text = strings.ReplaceAll(text, "…", "...")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r < ' ' || r > '~' || r == '\\':
			return -1
		}
		return r
	}, text)
}

// clientError is a failed authentication of a client. Where it was tried by
// Basic, the answer says that Basic is known (RFC 6749 section 5.2).
type clientError struct {
	error
	basic bool
}

// Challenge is the WWW-Authenticate header.
func (e *clientError) Challenge() string {
	if e.basic {
		return `Basic realm="gatehouse", charset="UTF-8"`
	}
	return ""
}

// Unwrap returns the reason.
func (e *clientError) Unwrap() error { return e.error }

// assertionType is the one kind of client assertion (RFC 7523 section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// client reads how a client authenticates: by Basic, by the form, or by an
// assertion, and by one of them only. ok is false where it doesn't.
func client(r *edge.Request, form edge.Values) (c authority.Client, basic, ok bool, err error) {
	c = authority.Client{Address: r.Address, UserAgent: r.UserAgent()}
	id, secret, basic, err := basicAuth(r.Header)
	if err != nil {
		return c, true, false, err
	}
	ways := 0
	for _, used := range []bool{basic, form["client_secret"] != "", form["client_assertion"] != ""} {
		if used {
			ways++
		}
	}
	c.ID = form["client_id"]
	switch {
	case ways > 1: // RFC 6749 section 2.3
		return c, basic, false, credential.Errorf(credential.BadRequest, "authenticate in one way, not in several")
	case basic && c.ID != "" && c.ID != id:
		return c, basic, false, credential.Errorf(credential.BadRequest, "client_id is not the client that authenticates")
	case basic:
		c.ID, c.Secret = id, secret
	case form["client_assertion"] != "":
		if form["client_assertion_type"] != assertionType {
			return c, false, false, credential.Errorf(credential.BadRequest, "client_assertion_type must be %s", assertionType)
		}
		c.Assertion = form["client_assertion"]
	case form["client_secret"] != "":
		c.Secret = form["client_secret"]
	default:
		return c, false, false, nil
	}
	return c, basic, true, nil
}

// basicAuth reads HTTP Basic credentials, whose parts are form-encoded (RFC
// 6749 section 2.3.1).
func basicAuth(h http.Header) (id, secret string, ok bool, err error) {
	values := h["Authorization"]
	if len(values) == 0 {
		return "", "", false, nil
	}
	if len(values) > 1 {
		return "", "", false, credential.Errorf(credential.BadRequest, "one Authorization header, not several")
	}
	scheme, _, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false, nil
	}
	id, secret, ok = (&http.Request{Header: h}).BasicAuth()
	if !ok {
		return "", "", true, refused(true)
	}
	id, idErr := url.QueryUnescape(id)
	secret, secretErr := url.QueryUnescape(secret)
	if errors.Join(idErr, secretErr) != nil {
		return "", "", true, refused(true)
	}
	return id, secret, true, nil
}

// refused is the one answer to a client that isn't let in.
func refused(basic bool) error {
	return &clientError{credential.Errorf(credential.InvalidClient, "client authentication failed"), basic}
}

// explained marks a failed authentication with the way it was tried.
func explained(err error, basic bool) error {
	if errors.Is(err, credential.InvalidClient) {
		return &clientError{err, basic}
	}
	return err
}
