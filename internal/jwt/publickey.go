package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"

	"github.com/go-jose/go-jose/v4"
)

const (
	minModulus    = 2048 // bits
	maxModulus    = 4096
	minExponent   = 65537
	p256Signature = 64 // bytes
)

// publicKey is a key that verifies by one algorithm.
type publicKey struct {
	algorithm Algorithm
	key       crypto.PublicKey // *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey
}

// newPublicKey refuses a key that doesn't fit the algorithm, and RSA keys that
// are weak.
func newPublicKey(alg Algorithm, key crypto.PublicKey) (*publicKey, error) {
	fits := false
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		fits = alg == ES256 && key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		fits = alg == EdDSA || alg == Ed25519
	case *rsa.PublicKey:
		fits = alg == RS256 || alg == PS256
		if bits := key.N.BitLen(); bits < minModulus || bits > maxModulus {
			return nil, BadKey.because("the RSA modulus must have %d to %d bits", minModulus, maxModulus)
		}
		if key.E < minExponent || key.E%2 == 0 {
			return nil, BadKey.because("the RSA exponent must be odd and at least %d", minExponent)
		}
		if key.N.Bit(0) == 0 || isROCA(key.N) {
			return nil, BadKey.because("the RSA modulus can be factored")
		}
	}
	if !fits {
		return nil, BadKey.because("the key does not fit its algorithm")
	}
	return &publicKey{algorithm: alg, key: key}, nil
}

// isROCA recognizes a modulus made by a library whose primes can be found from
// it (CVE-2017-15361): modulo each small prime it is a power of 65537. Of other
// moduli, one in 2^27 is.
func isROCA(modulus *big.Int) bool {
	primes := []int64{3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
		101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167}
	for _, p := range primes {
		rest := new(big.Int).Mod(modulus, big.NewInt(p)).Int64()
		power, found := int64(1), rest == 1
		for range p {
			power = power * 65537 % p
			found = found || power == rest
		}
		if !found {
			return false
		}
	}
	return true
}

// verify checks a signature over text. A signature of the wrong length or with
// numbers out of range is refused by the primitives.
func (k *publicKey) verify(text string, signature []byte) bool {
	if k.algorithm == EdDSA || k.algorithm == Ed25519 {
		return ed25519.Verify(k.key.(ed25519.PublicKey), []byte(text), signature)
	}
	digest := sha256.Sum256([]byte(text))
	switch k.algorithm {
	case ES256:
		if len(signature) != p256Signature { // RFC 7518 section 3.4
			return false
		}
		r := new(big.Int).SetBytes(signature[:p256Signature/2])
		s := new(big.Int).SetBytes(signature[p256Signature/2:])
		return ecdsa.Verify(k.key.(*ecdsa.PublicKey), digest[:], r, s)
	case RS256:
		return rsa.VerifyPKCS1v15(k.key.(*rsa.PublicKey), crypto.SHA256, digest[:], signature) == nil
	case PS256: // RFC 7518 section 3.5: the salt is as long as the hash
		salt := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		return rsa.VerifyPSS(k.key.(*rsa.PublicKey), crypto.SHA256, digest[:], signature, salt) == nil
	}
	return false
}

// thumbprint names the key by its members (RFC 7638), in base64url.
func (k *publicKey) thumbprint() (string, error) {
	jwk := jose.JSONWebKey{Key: k.key}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	return base64url.EncodeToString(sum), err
}

// jwk writes the key as it is published (RFC 7517 section 4): public members,
// use, alg and kid.
func (k *publicKey) jwk(id string) ([]byte, error) {
	return jose.JSONWebKey{Key: k.key, KeyID: id, Algorithm: string(k.algorithm), Use: "sig"}.MarshalJSON()
}
