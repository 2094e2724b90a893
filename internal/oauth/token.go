package oauth

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// The grants that the token endpoint knows.
const (
	clientCredentials = "client_credentials"                              // RFC 6749 section 4.4
	tokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693 section 2.1
)

// The types of token in an exchange (RFC 8693 section 3).
const (
	typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
	typeJWT         = "urn:ietf:params:oauth:token-type:jwt"
	typeIDToken     = "urn:ietf:params:oauth:token-type:id_token"
)

// tokenAnswer is a success of the token endpoint (RFC 6749 section 5.1).
type tokenAnswer struct {
	TokenType   string `json:"token_type" enum:"Bearer"`
	ExpiresIn   int    `json:"expires_in" doc:"seconds"`
	AccessToken string `json:"access_token" format:"password" doc:"a JWT; this answer is the only one that holds it"`
	Scope       string `json:"scope,omitempty" doc:"scopes with blanks between them"`
	// IssuedTokenType is of an exchange (RFC 8693 section 2.2.1).
	IssuedTokenType string `json:"issued_token_type,omitempty" doc:"in an exchange"`
}

// answer is the one place where an access token is written into an answer.
func answer(t *authority.AccessToken, err error) (tokenAnswer, error) {
	if err != nil {
		return tokenAnswer{}, err
	}
	words := make([]string, len(t.Scopes))
	for i, s := range t.Scopes {
		words[i] = string(s)
	}
	return tokenAnswer{TokenType: "Bearer", ExpiresIn: int(t.ExpiresIn.Seconds()), AccessToken: t.Token.Reveal(), Scope: strings.Join(words, " ")}, nil
}

// token answers the token endpoint.
func (h *handlers) token(r *edge.Request, form edge.Values) (tokenAnswer, error) {
	c, basic, authenticated, err := client(r, form)
	if err != nil {
		return tokenAnswer{}, err
	}
	switch form["grant_type"] {
	case "":
		return tokenAnswer{}, missing("grant_type")
	case clientCredentials:
		if !authenticated {
			return tokenAnswer{}, refused(basic)
		}
		out, err := answer(h.authority.ClientToken(r.Context(), c, scopeList(form["scope"])))
		return out, explained(err, basic)
	case tokenExchange:
		if !authenticated {
			return h.exchange(r, form, nil)
		}
		out, err := h.exchange(r, form, &c)
		return out, explained(err, basic)
	}
	return tokenAnswer{}, credential.Errorf(credential.UnsupportedGrant, "grant_type must be %s or %s", clientCredentials, tokenExchange)
}

func missing(name string) error {
	return &credential.Error{Kind: credential.BadRequest, Field: name, Detail: "must be there"}
}

// scopeList splits scope (RFC 6749 section 3.3).
func scopeList(text string) (list []credential.Scope) {
	for word := range strings.SplitSeq(text, " ") {
		if word != "" {
			list = append(list, credential.Scope(word))
		}
	}
	return list
}

// byIdentity reports whether the subject is an identity token that another
// issuer made, as CI does for its jobs (OpenID Connect Core 1.0 section 2).
func (h *handlers) byIdentity(form edge.Values) bool {
	return form["subject_token_type"] == typeIDToken || form["subject_token_type"] == typeJWT && h.authority.TakesIdentity(form["subject_token"])
}

// subject checks what an exchange says of the token that it trades.
func (h *handlers) subject(form edge.Values, c *authority.Client) error {
	switch {
	case form["subject_token"] == "":
		return missing("subject_token")
	case form["subject_token_type"] == "":
		return missing("subject_token_type")
	case !slices.Contains([]string{typeAccessToken, typeJWT, typeIDToken}, form["subject_token_type"]):
		return credential.Errorf(credential.BadRequest, "subject_token_type must be %s, %s or %s", typeAccessToken, typeJWT, typeIDToken)
	case c != nil && h.byIdentity(form):
		return credential.Errorf(credential.BadRequest, "an identity token is traded without a client: it says itself whose it is")
	case form["actor_token"] != "" || form["actor_token_type"] != "":
		return credential.Errorf(credential.BadRequest, "actor_token is not supported")
	case form["requested_token_type"] != "" && form["requested_token_type"] != typeAccessToken && form["requested_token_type"] != typeJWT:
		return credential.Errorf(credential.BadRequest, "requested_token_type must be %s", typeAccessToken)
	}
	return nil
}

// exchange trades a credential for a lesser access token (RFC 8693). Beside
// the parameters of the RFC it takes project and expires_in (seconds).
func (h *handlers) exchange(r *edge.Request, form edge.Values, c *authority.Client) (tokenAnswer, error) {
	req := authority.ExchangeRequest{Subject: form["subject_token"], Client: c, Address: r.Address, Agent: r.UserAgent(), RequestID: r.ID}
	if err := h.subject(form, c); err != nil {
		return tokenAnswer{}, err
	}
	for _, name := range []string{"audience", "resource"} { // RFC 8693 section 2.1
		if target := form[name]; target != "" && target != h.authority.Issuer() {
			return tokenAnswer{}, credential.Errorf(credential.InvalidTarget, "the only target is %s", h.authority.Issuer())
		}
	}
	req.Scopes = scopeList(form["scope"])
	if text := form["expires_in"]; text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 1 || seconds > int(authority.TokenLifetime.Seconds()) {
			return tokenAnswer{}, &credential.Error{Kind: credential.BadRequest, Field: "expires_in", Detail: "must be from 1 to " + strconv.Itoa(int(authority.TokenLifetime.Seconds())) + " seconds"}
		}
		req.Lifetime = time.Duration(seconds) * time.Second
	}
	if text := form["project"]; text != "" {
		ref, err := authority.ParseProject(text)
		if err != nil {
			return tokenAnswer{}, &credential.Error{Kind: credential.InvalidTarget, Field: "project", Detail: "name the project by its UUID, pr-… or PRJ-…"}
		}
		req.Project = &ref
	}
	trade := h.authority.Exchange
	if h.byIdentity(form) {
		trade = h.authority.ExchangeIdentity
	}
	out, err := answer(trade(r.Context(), req))
	out.IssuedTokenType = typeAccessToken
	return out, err
}
