package credential

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
)

// minForeign is the least length of an imported secret. Anything shorter could
// be guessed, and could stand in a message that repeats a short name.
const minForeign = 20

// HintImported is what lists show of a secret that another system made.
const HintImported = "imported"

// Digest is the plain SHA-256 of a secret that another system made.
type Digest [sha256.Size]byte

// DigestOf is the digest of a secret.
func DigestOf(text string) Digest { return sha256.Sum256([]byte(text)) }

// ParseDigest reads a digest of 64 hexadecimal digits.
func ParseDigest(field, text string) (d Digest, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(d) {
		return d, InvalidField(field, "must be the SHA-256 of the secret: 64 hexadecimal digits")
	}
	return Digest(raw), nil
}

// Fingerprint is that of the secret; see Secret.Fingerprint.
func (d Digest) Fingerprint() string { return hex.EncodeToString(d[:4]) }

// ImportKey computes the key by which an imported secret is found until it is
// seen: HMAC-SHA-256 of its digest. The Keyer is one of its own, so that no
// import key is ever the lookup key of another text.
func (k *Keyer) ImportKey(d Digest) LookupKey { return k.LookupKey(string(d[:])) }

// Foreign reports whether text can be a secret that another system made: 20 to
// 512 characters of which a Bearer token may be made (RFC 6750 section 2.1),
// and no text that begins like ours.
func (set *Schemes) Foreign(text string) bool {
	if len(text) < minForeign || len(text) > MaxText {
		return false
	}
	end := len(text)
	for end > 0 && text[end-1] == '=' {
		end--
	}
	for i := range end {
		if !foreign[text[i]] {
			return false
		}
	}
	return end > 0 && !set.HasPrefix(text)
}

// foreign are the characters of a Bearer token before its padding.
var foreign = func() (member [256]bool) {
	for _, c := range []byte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~+/") {
		member[c] = true
	}
	return member
}()

// CheckForeign says why a text can't be imported.
func (set *Schemes) CheckForeign(field, text string) error {
	switch {
	case set.HasPrefix(text):
		return InvalidField(field, "begins like a secret of a scheme that is known here, and would be taken for one")
	case !set.Foreign(text):
		return InvalidField(field, "must be 20 to 512 characters of A-Z a-z 0-9 - . _ ~ + / with = at the end alone")
	}
	return nil
}

// Imports says whether credentials of the scheme can have an imported secret:
// only those that are presented where one is looked for.
func (s *Scheme) Imports() error {
	if s.Kind != OAuthClient && slices.ContainsFunc(s.Presented, PresentsForeign) {
		return nil
	}
	return errors.New("credentials of scheme " + s.Name + " are not presented as Bearer or in X-API-Key, and can't be imported")
}

// PresentsForeign reports whether an imported secret may be presented so.
func PresentsForeign(as Presentation) bool { return as == AsBearer || as == AsAPIKeyHeader }
