package jwt

import (
	"encoding/base64"
	"strings"
)

const (
	// MaxSize is the most bytes that a token may have.
	MaxSize = 8 << 10

	maxKeyID    = 128
	headerDepth = 4
)

// base64url has no padding, and no bits that mean nothing (RFC 7515 section 2).
var base64url = base64.RawURLEncoding.Strict()

// Looks reports whether text is shaped like a JWT: its header begins as a JSON
// object does, and it has exactly two dots. It is cheap, and proves nothing.
func Looks(token string) bool {
	return strings.HasPrefix(token, "eyJ") && strings.Count(token, ".") == 2
}

// jws is a signed text in compact form, taken apart but not yet verified.
type jws struct {
	algorithm string // alg
	keyID     string // kid, "" where there is none that is a string
	kind      string // typ, in lower case without "application/"
	typed     bool   // has a typ

	signed             string // what the signature is over
	payload, signature []byte
}

// parse takes a token apart. Its size comes first, before anything that costs
// more the longer it is; then the form (RFC 7515 section 7.1), then the header.
func parse(token string) (*jws, error) {
	if len(token) > MaxSize {
		return nil, TooLarge
	}
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, found := strings.Cut(rest, ".")
	if !found || header == "" || payload == "" || strings.Contains(signature, ".") ||
		strings.ContainsAny(token, "\r\n") { // which the decoder skips
		return nil, Malformed.because("not three parts in base64url")
	}
	j := &jws{signed: token[:len(header)+1+len(payload)]}
	err := j.readHeader(header)
	if err != nil {
		return nil, err
	}
	if j.payload, err = base64url.DecodeString(payload); err != nil {
		return nil, Malformed.because("the claims are not in base64url")
	}
	if j.signature, err = base64url.DecodeString(signature); err != nil {
		return nil, Malformed.because("the signature is not in base64url")
	}
	return j, nil
}

// readHeader reads the header. Members that carry a key or say where one lies
// (jwk, jku, x5c, x5u, x5t) are not even looked at.
func (j *jws) readHeader(encoded string) error {
	text, err := base64url.DecodeString(encoded)
	if err != nil {
		return Malformed.because("the header is not in base64url")
	}
	header, err := readObject(text, headerDepth)
	if err != nil {
		return Malformed.because("the header is %v", err)
	}
	// RFC 7515 section 4.1.11: an extension that must be understood and isn't.
	// Unencoded payloads (RFC 7797) and compression are asked for by members
	// that a reader could overlook.
	for _, name := range []string{"crit", "b64", "zip"} {
		if header[name] != nil {
			return Critical.because("the header has %s", name)
		}
	}
	j.algorithm, _ = header.text("alg")
	j.keyID, _ = header.text("kid")
	kind, _ := header.text("typ")
	j.kind = strings.TrimPrefix(strings.ToLower(kind), "application/") // RFC 7515 section 4.1.9
	j.typed = header["typ"] != nil
	return nil
}

// A kindOfToken says which tokens are of a kind, and which keys sign them.
type kindOfToken struct {
	is  func(*jws) bool
	key func(id string) *publicKey // nil: unknown
}

// open takes a token apart, and verifies that it is of a kind and signed.
func open(token string, kind kindOfToken) (*jws, error) {
	j, err := parse(token)
	switch {
	case err != nil:
		return nil, err
	case !Algorithm(j.algorithm).known():
		return nil, WrongAlgorithm
	case !kind.is(j):
		return nil, WrongType
	case !validKeyID(j.keyID):
		return nil, UnknownKey
	}
	key := kind.key(j.keyID)
	if key == nil {
		return nil, UnknownKey
	}
	return j, j.verify(key)
}

// verify checks the signature. RFC 8725 section 3.1: the key has one algorithm,
// and that of the token is nothing but compared with it.
func (j *jws) verify(key *publicKey) error {
	if j.algorithm != string(key.algorithm) {
		return WrongAlgorithm
	}
	if !key.verify(j.signed, j.signature) {
		return BadSignature
	}
	return nil
}

// validKeyID reports whether a key may have such an id. What it refuses looks
// like a path, an address or a statement of SQL.
func validKeyID(id string) bool {
	if id == "" || len(id) > maxKeyID {
		return false
	}
	for _, c := range []byte(id) {
		if !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}
