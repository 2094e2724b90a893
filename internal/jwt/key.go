package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
)

// Algorithm is how a key signs, by its name in RFC 7518 section 3.1 or in
// RFC 9864. A key has exactly one.
type Algorithm string

// The algorithms. Ours are ES256 and RS256; clients may sign assertions by any
// of them. EdDSA and Ed25519 are two names for one thing and yet not the same
// algorithm here: a token must have the name that its key has.
const (
	ES256   Algorithm = "ES256"
	RS256   Algorithm = "RS256"
	PS256   Algorithm = "PS256"
	EdDSA   Algorithm = "EdDSA"
	Ed25519 Algorithm = "Ed25519"
)

var algorithms = [...]Algorithm{ES256, RS256, PS256, EdDSA, Ed25519} // all there are; never changed

// Algorithms are the names of those by which an assertion may be signed.
func Algorithms() []string {
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = string(a)
	}
	return names
}

func (a Algorithm) known() bool { return slices.Contains(algorithms[:], a) }

// Key is a key of ours that signs tokens. It never prints itself: under any
// verb, in slog and in JSON it is its algorithm and its id.
type Key struct {
	ID        string // the thumbprint of the public key (RFC 7638), in base64url
	Algorithm Algorithm

	private crypto.Signer
	public  *publicKey
}

// Generate makes a key: for ES256 on P-256, for RS256 with 2048 bits. It draws
// a P-256 key from random. RSA keys are drawn from the system by the standard
// library, which takes no other source.
func Generate(alg Algorithm, random io.Reader) (*Key, error) {
	var private crypto.Signer
	var err error
	switch alg {
	case ES256:
		private, err = generateP256(random)
	case RS256:
		private, err = rsa.GenerateKey(random, minModulus)
	default:
		return nil, BadKey.because("our own keys are for ES256 or RS256")
	}
	if err != nil {
		return nil, fmt.Errorf("draw a key for %s: %w", alg, err)
	}
	return newKey(alg, private)
}

// generateP256 draws a private key until one is in range (FIPS 186-5 section
// A.2.2), which the first is but for one in 2^32.
func generateP256(random io.Reader) (*ecdsa.PrivateKey, error) {
	var scalar [32]byte
	for range 8 {
		if _, err := io.ReadFull(random, scalar[:]); err != nil {
			return nil, err
		}
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:]); err == nil {
			return key, nil
		}
	}
	return nil, errors.New("the source of randomness is broken")
}

// ParseKey reads a private key in PKCS #8, as PKCS8 wrote it. One that is weak
// or doesn't fit the algorithm is refused as BadKey.
func ParseKey(alg Algorithm, pkcs8 []byte) (*Key, error) {
	if alg != ES256 && alg != RS256 {
		return nil, BadKey.because("our own keys are for ES256 or RS256")
	}
	private, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, BadKey.because("not a private key in PKCS #8")
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, BadKey.because("not a key that signs")
	}
	return newKey(alg, signer)
}

func newKey(alg Algorithm, private crypto.Signer) (*Key, error) {
	public, err := newPublicKey(alg, private.Public())
	if err != nil {
		return nil, err
	}
	id, err := public.thumbprint()
	if err != nil {
		return nil, err
	}
	return &Key{ID: id, Algorithm: alg, private: private, public: public}, nil
}

// PKCS8 returns the private key for storage, which must be sealed.
func (k *Key) PKCS8() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("write %v: %w", k, err)
	}
	return der, nil
}

// sign signs text. An ECDSA signature is r and s, 32 bytes each (RFC 7518
// section 3.4).
func (k *Key) sign(text string) ([]byte, error) {
	digest := sha256.Sum256([]byte(text))
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		if err != nil {
			return nil, err
		}
		signature := make([]byte, p256Signature)
		r.FillBytes(signature[:p256Signature/2])
		s.FillBytes(signature[p256Signature/2:])
		return signature, nil
	default:
		return private.Sign(rand.Reader, digest[:], crypto.SHA256)
	}
}

// String implements fmt.Stringer by what is public.
func (k Key) String() string { return string(k.Algorithm) + " key " + k.ID }

// GoString implements fmt.GoStringer by what is public.
func (k Key) GoString() string { return k.String() }

// Format implements fmt.Formatter, so that no verb reaches the key.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue implements slog.LogValuer by what is public.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON implements json.Marshaler by what is public.
func (k Key) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, k.String()), nil }
