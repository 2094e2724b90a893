package jwt

import (
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// TestOracleVerifiesOurs: another implementation takes our tokens by what we
// publish, and not when they are changed.
func TestOracleVerifiesOurs(t *testing.T) {
	for _, key := range []*Key{keyES(), keyRS()} {
		ring := newRing(t, Slot{Key: key})
		token := mustSign(t, ring, someClaims(), start)
		var published jose.JSONWebKeySet
		if err := json.Unmarshal(ring.JWKS(start), &published); err != nil {
			t.Fatal(err)
		}
		parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(key.Algorithm)})
		if err != nil {
			t.Fatal(err)
		}
		text, err := parsed.Verify(&published)
		if err != nil {
			t.Fatalf("%v: %v", key, err)
		}
		if read, err := decode(text); err != nil || read.Subject != "user-1" {
			t.Errorf("%v: got %s", key, text)
		}
		if header := parsed.Signatures[0].Protected; header.KeyID != key.ID || header.ExtraHeaders[jose.HeaderType] != "at+jwt" {
			t.Errorf("%v: header %+v", key, header)
		}
		sum, err := published.Keys[0].Thumbprint(crypto.SHA256)
		if err != nil || base64url.EncodeToString(sum) != key.ID {
			t.Errorf("%v: its thumbprint is %x, %v", key, sum, err)
		}
		other, err := jose.ParseSignedCompact(token[:len(token)-8]+"AAAAAAAA", []jose.SignatureAlgorithm{jose.SignatureAlgorithm(key.Algorithm)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Verify(&published); err == nil {
			t.Errorf("%v: a changed signature is taken", key)
		}
	}
}

// TestOracleSignsForUs: assertions that another implementation made are taken.
func TestOracleSignsForUs(t *testing.T) {
	for alg, private := range map[Algorithm]crypto.Signer{
		ES256: keyES().private, RS256: keyRS().private, PS256: keyRS().private, EdDSA: ed25519.NewKeyFromSeed(make([]byte, 32)),
	} {
		set := mustParseKeySet(t, setOf(jwkOf(t, alg, private.Public())))
		for _, kind := range []jose.ContentType{"", "JWT", "client-authentication+jwt"} {
			options := (&jose.SignerOptions{}).WithHeader("kid", "key-1")
			if kind != "" {
				options = options.WithType(kind)
			}
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: private}, options)
			if err != nil {
				t.Fatal(err)
			}
			signed, err := signer.Sign([]byte(assertionClaims().String()))
			if err != nil {
				t.Fatal(err)
			}
			token, err := signed.CompactSerialize()
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = set.VerifyAssertion(token, asserted(start))
			wantReason(t, err, "")
		}
	}
}

// TestThumbprint is the example of RFC 7638 section 3.1.
func TestThumbprint(t *testing.T) {
	const key = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	_, public, err := parseJWK([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	got, err := public.thumbprint()
	if want := "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; got != want || err != nil {
		t.Errorf("got %s, want %s: %v", got, want, err)
	}
}
