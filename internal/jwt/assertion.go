package jwt

import (
	"strings"
	"time"
)

const (
	maxLifetime    = 5 * time.Minute
	maxAssertionID = 255 // bytes
)

// Assertion is what a client's assertion must say.
type Assertion struct {
	ClientID string    // "iss" and "sub"
	Audience string    // "aud": the issuer, which is this server
	Now      time.Time // when it is presented
}

// VerifyAssertion verifies a JWT by which a client authenticates (RFC 7523
// section 3) with one of its keys, and returns its jti and when it expires:
// within 5 minutes. The caller takes each jti of a client once only, and
// remembers it until then. An assertion that is refused has a Reason.
func (s KeySet) VerifyAssertion(token string, a Assertion) (jti string, expires time.Time, err error) {
	j, err := open(token, kindOfToken{is: isAssertion, key: func(id string) *publicKey { return s.keys[id] }})
	if err != nil {
		return "", time.Time{}, err
	}
	r := readClaims(j.payload)
	issuer, subject := r.text("iss"), r.text("sub")
	audience := r.audience()
	id := r.text("jti")
	r.require(validAssertionID(id), "jti", "1 to 255 visible ASCII characters")
	c := Claims{ExpiresAt: r.date("exp"), NotBefore: r.optionalDate("nbf"), IssuedAt: r.optionalDate("iat")}
	r.require(c.ExpiresAt.After(c.IssuedAt), "exp", "after iat")
	switch {
	case r.err != nil:
		return "", time.Time{}, r.err
	case issuer != a.ClientID:
		return "", time.Time{}, WrongIssuer
	case subject != a.ClientID:
		return "", time.Time{}, BadClaims.because("sub is not iss")
	case audience != a.Audience:
		return "", time.Time{}, WrongAudience
	case c.ExpiresAt.After(a.Now.Add(maxLifetime)):
		return "", time.Time{}, BadClaims.because("exp is more than 5 minutes ahead")
	}
	if err := c.current(a.Now); err != nil {
		return "", time.Time{}, err
	}
	return id, c.ExpiresAt, nil
}

// isAssertion takes the typ that draft-ietf-oauth-rfc7523bis gives, the general
// one of RFC 7519 section 5.1, and none at all. No other token of ours has one
// of them.
func isAssertion(j *jws) bool {
	return !j.typed || j.kind == "client-authentication+jwt" || j.kind == "jwt"
}

// audience reads the one audience of an assertion, as a string or as a list of
// it alone (draft-ietf-oauth-rfc7523bis): an assertion for two servers could be
// used by one of them at the other.
func (r *claimReader) audience() string {
	if audience, ok := r.object.text("aud"); ok && audience != "" {
		return audience
	}
	list := r.list("aud")
	r.require(len(list) == 1, "aud", "one audience")
	if r.err != nil {
		return ""
	}
	return list[0]
}

func validAssertionID(id string) bool {
	return id != "" && len(id) <= maxAssertionID && !strings.ContainsFunc(id, func(c rune) bool { return c < '!' || c > '~' })
}

// AssertionSubject reads which client an assertion says it is from. Nothing is
// verified: it tells whose keys to verify it with, where the request names no
// client beside it (RFC 7521 section 4.2).
func AssertionSubject(token string) (string, error) {
	j, err := parse(token)
	if err != nil {
		return "", err
	}
	r := readClaims(j.payload)
	subject := r.text("sub")
	return subject, r.err
}
