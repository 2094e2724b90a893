package jwt

import (
	"slices"
	"strings"
	"time"
)

// Provider is what an OpenID Connect provider says of itself, as far as signing
// in by it takes that (OpenID Connect Discovery 1.0 section 3, RFC 8414, RFC
// 9207). Whether its addresses may be asked is for the caller to judge.
type Provider struct {
	Authorization string // where people are sent to
	Token         string
	UserInfo      string // empty for none
	Post          bool   // a client says its secret in the body, not by Basic
	NamesIssuer   bool   // its answers say whose they are
}

// ParseProvider reads what an issuer says of itself, whose document was found
// to be its own by ParseDiscovery.
func ParseProvider(document []byte) (Provider, error) {
	r := readClaims(document)
	if r.err != nil {
		return Provider{}, r.err
	}
	p := Provider{Authorization: r.text("authorization_endpoint"), Token: r.text("token_endpoint"), UserInfo: r.optionalText("userinfo_endpoint")}
	p.NamesIssuer = string(r.object["authorization_response_iss_parameter_supported"]) == "true"
	methods := []string{"client_secret_basic"} // where nothing is said
	if r.has("token_endpoint_auth_methods_supported") {
		methods = r.list("token_endpoint_auth_methods_supported")
	}
	switch {
	case slices.Contains(methods, "client_secret_basic"):
	case slices.Contains(methods, "client_secret_post"):
		p.Post = true
	default:
		r.require(false, "token_endpoint_auth_methods_supported", "one with client_secret_basic or client_secret_post")
	}
	r.require(!r.has("response_types_supported") || slices.Contains(r.list("response_types_supported"), "code"), "response_types_supported", "one with code")
	r.require(!r.has("code_challenge_methods_supported") || slices.Contains(r.list("code_challenge_methods_supported"), "S256"), "code_challenge_methods_supported", "one with S256")
	return p, r.err
}

// ParseTokens reads what a token endpoint answered: the identity token, and the
// access token by which the provider says more.
func ParseTokens(answer []byte) (identity, access string, err error) {
	r := readClaims(answer)
	kind := r.text("token_type")
	identity, access = r.text("id_token"), r.text("access_token")
	r.require(strings.EqualFold(kind, "Bearer"), "token_type", "Bearer")
	return identity, access, r.err
}

// maxErrorCode bounds the word by which a provider says what was wrong.
const maxErrorCode = 60

// ErrorCode returns the word by which a provider says what was wrong (RFC 6749
// section 4.1.2.1); empty where it is none.
func ErrorCode(text string) string {
	if len(text) > maxErrorCode || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return text
}

// ParseError reads why a token endpoint refused; empty where it doesn't say.
func ParseError(answer []byte) string {
	r := readClaims(answer)
	code, _ := r.object.text("error")
	return ErrorCode(code)
}

// ParseUserInfo reads what a provider says of the subject of an access token, by
// the claims that have one plain reading.
func ParseUserInfo(answer []byte) (map[string]string, error) {
	r := readClaims(answer)
	r.text("sub")
	r.require(len(r.object) <= maxClaims, "the answer", "one of at most 128 claims")
	return r.plain(), r.err
}

// SignIn is what an identity token must say by which somebody signs in.
type SignIn struct {
	Issuer, ClientID, Nonce string
	Now                     time.Time
}

// VerifySignIn verifies an identity token that a provider answered a client with
// (OpenID Connect Core 1.0 section 3.1.3.7): as VerifyIdentity does, and that it
// is for the client and answers its very request.
func (s KeySet) VerifySignIn(token string, want SignIn) (*Identity, error) {
	id, err := s.VerifyIdentity(token, want.Issuer, want.Now)
	if err != nil {
		return nil, err
	}
	j, err := parse(token)
	if err != nil {
		return nil, err
	}
	r := readClaims(j.payload)
	subject, nonce := r.text("sub"), r.text("nonce") // texts, where Claims takes numbers as well
	switch {
	case r.err != nil:
		return nil, r.err
	case !slices.Contains(id.Audience, want.ClientID), id.Party != "" && id.Party != want.ClientID, len(id.Audience) > 1 && id.Party == "":
		return nil, WrongAudience
	case want.Nonce == "" || nonce != want.Nonce:
		return nil, BadClaims.because("nonce is not that of the request")
	case !validAssertionID(subject): // OpenID Connect Core 1.0 section 2: at most 255 ASCII characters
		return nil, BadClaims.because("sub is not 1 to 255 visible ASCII characters")
	}
	return id, nil
}
