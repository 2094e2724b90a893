// Package jwt signs and verifies JSON Web Tokens: the access tokens that this
// server issues (RFC 9068), and the assertions by which clients authenticate
// (RFC 7523).
//
// It hides the formats, the rotation of signing keys and the cache of verified
// tokens. It is stricter than the RFCs ask for, and keeps true:
//   - The algorithm is a property of the key. That of a token is compared with
//     it and chooses nothing.
//   - A key comes from a table that the caller filled. Nothing in a token is
//     used as a key, as an address or as a path, and nothing is fetched.
//   - Text that has two readings has none: doubled members, unused bits in
//     base64url, numbers that aren't whole.
//   - A refused token is refused for its own Reason, and no error holds text
//     of a token.
//
// Signatures are checked by the standard library, since go-jose takes a PS256
// salt of any length; go-jose reads and writes public keys.
package jwt

import "fmt"

// Reason says why a token or a key was refused. A reason is itself an error,
// so that errors.Is(err, jwt.Expired) asks the question directly.
type Reason string

// The reasons for a refusal.
const (
	TooLarge       Reason = "too_large"       // more bytes than any token has
	Malformed      Reason = "malformed"       // no compact JWS, or its JSON is not strict
	Critical       Reason = "critical"        // asks for an extension: crit, b64, zip
	WrongAlgorithm Reason = "wrong_algorithm" // not the algorithm of its key
	WrongType      Reason = "wrong_type"      // another kind of token
	UnknownKey     Reason = "unknown_key"     // no such key, or one that is retired
	BadSignature   Reason = "bad_signature"   // not signed by that key
	BadClaims      Reason = "bad_claims"      // a claim is missing or has the wrong form
	WrongIssuer    Reason = "wrong_issuer"    // issued by somebody else
	WrongAudience  Reason = "wrong_audience"  // meant for somebody else
	Expired        Reason = "expired"         // its time is over
	NotYetValid    Reason = "not_yet_valid"   // its time has not come
	BadKey         Reason = "bad_key"         // a key that is weak, private or doesn't fit its algorithm
)

// Error makes a reason an error in its own right.
func (r Reason) Error() string { return string(r) }

// because adds a detail, which must be text of ours.
func (r Reason) because(format string, args ...any) error {
	return fmt.Errorf("%w: %s", r, fmt.Sprintf(format, args...))
}
