package jwt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-dev/gatehouse/internal/jwt"
)

func jwkOf(t testing.TB, key any, id, alg string) string {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: id, Algorithm: alg})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Of an issuer's keys those are used that sign in a way we know; what others
// there are harms none of them.
func TestIssuerKeys(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wide, wideErr := rsa.GenerateKey(rand.Reader, 2048)
	p384, p384Err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err := errors.Join(wideErr, p384Err); err != nil {
		t.Fatal(err)
	}
	good := jwkOf(t, ec.Public(), "good", "ES256")
	for name, c := range map[string]struct{ set, want string }{
		"one":                      {good, "good"},
		"among others":             {good + `,{"kty":"oct","k":"AA","kid":"oct","alg":"HS256"},{"kty":"RSA"},7,` + jwkOf(t, p384.Public(), "p384", "ES384"), "good"},
		"without algorithm":        {jwkOf(t, wide.Public(), "rsa", "") + "," + jwkOf(t, ec.Public(), "ec", "") + "," + jwkOf(t, p384.Public(), "p384", ""), "ec rsa"},
		"two of one kid":           {good + "," + jwkOf(t, wide.Public(), "good", "RS256") + "," + jwkOf(t, ec.Public(), "other", "ES256"), "other"},
		"three of one kid":         {good + "," + good + "," + good + "," + jwkOf(t, ec.Public(), "other", "ES256"), "other"},
		"a private one":            {good + "," + jwkOf(t, wide, "private", "RS256"), "good"},
		"for encryption":           {good + "," + strings.Replace(jwkOf(t, ec.Public(), "enc", "ES256"), "{", `{"use":"enc",`, 1), "good"},
		"a kid that is a path":     {good + "," + jwkOf(t, ec.Public(), "../x", "ES256"), "good"},
		"none":                     {"", "bad_key"},
		"nothing that can be used": {`{"kty":"oct","k":"AA","kid":"oct"}`, "bad_key"},
	} {
		keys, err := jwt.ParseIssuerKeys([]byte(`{"keys":[` + c.set + `]}`))
		got := strings.Join(keys.IDs(), " ")
		if errors.Is(err, jwt.BadKey) {
			got = "bad_key"
		}
		if got != c.want {
			t.Errorf("%s: got %q (%v), want %q", name, got, err, c.want)
		}
	}
	for _, set := range []string{``, `[]`, `{"keys":{}}`, `{"keys":[],"keys":[]}`, `{"keys":[` + strings.Repeat(" ", jwt.MaxIssuerKeys) + `]}`} {
		if _, err := jwt.ParseIssuerKeys([]byte(set)); !errors.Is(err, jwt.BadKey) {
			t.Errorf("%.40s: %v", set, err)
		}
	}
	for document, want := range map[string]error{
		`{"issuer":"https://ci.test","jwks_uri":"https://ci.test/keys","id_token_signing_alg_values_supported":["RS256"]}`:        nil,
		`{"issuer":"https://ci.test/","jwks_uri":"https://ci.test/keys"}`:                                                         jwt.WrongIssuer,
		`{"issuer":"https://ci.test","jwks_uri":"https://ci.test/keys","id_token_signing_alg_values_supported":["none","HS256"]}`: jwt.WrongAlgorithm,
		`{"issuer":"https://ci.test"}`: jwt.BadClaims, `<html>`: jwt.Malformed,
	} {
		if place, err := jwt.ParseDiscovery([]byte(document), "https://ci.test"); !errors.Is(err, want) || want == nil && place != "https://ci.test/keys" {
			t.Errorf("%s: got %q, %v", document, place, err)
		}
	}
}

// Two spellings of one signature are one token, where it has no jti.
func TestIdentityIsOnce(t *testing.T) {
	t.Parallel()
	key, keys := identityKey(t)
	now := time.Unix(1_700_000_000, 0)
	claims := fmt.Sprintf(`{"iss":"https://ci.test","aud":"us","iat":%d,"exp":%d,"n":7,"yes":true,"half":0.5,"list":["x"],"big":9007199254740993}`, now.Unix(), now.Unix()+60)
	var once [2][32]byte
	for i := range once {
		found, err := keys.VerifyIdentity(signIdentity(t, key, claims), "https://ci.test", now)
		if err != nil {
			t.Fatal(err)
		}
		once[i] = found.Once
		if got := fmt.Sprint(found.Claims["n"], found.Claims["yes"], found.Claims["half"], found.Claims["list"], found.Claims["big"]); got != "7true" && got != "7 true   " {
			t.Errorf("the claims are %q", got)
		}
	}
	if once[0] != once[1] {
		t.Error("signed twice, it is two tokens")
	}
}

func identityKey(t testing.TB) (*ecdsa.PrivateKey, jwt.KeySet) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jwt.ParseIssuerKeys([]byte(`{"keys":[` + jwkOf(t, key.Public(), "k", "ES256") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return key, keys
}

func signIdentity(t testing.TB, key *ecdsa.PrivateKey, claims string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// FuzzIdentity: whatever claims an issuer signs, what is taken is of it, of now,
// and says nothing that isn't there.
func FuzzIdentity(f *testing.F) {
	key, keys := identityKey(f)
	now := time.Unix(1_700_000_000, 0)
	f.Add(`{"iss":"https://ci.test","aud":["us"],"iat":1700000000,"exp":1700000060,"jti":"x","azp":"us"}`)
	f.Add(`{"iss":"https://ci.test","aud":"us","iat":1700000000,"exp":1.7e9}`)
	f.Add(`{"iss":"https://ci.test","iss":"x"}`)
	f.Fuzz(func(t *testing.T, claims string) {
		token := signIdentity(t, key, claims)
		found, err := keys.VerifyIdentity(token, "https://ci.test", now)
		if err != nil {
			return
		}
		var said map[string]any
		if json.Unmarshal([]byte(claims), &said) != nil || said["iss"] != "https://ci.test" || len(found.Audience) == 0 ||
			!found.ExpiresAt.Add(time.Minute).After(now) || found.ExpiresAt.After(now.Add(25*time.Hour)) {
			t.Errorf("%s is taken as %+v", claims, found)
		}
		for name, text := range found.Claims {
			if value, ok := said[name]; !ok || fmt.Sprint(value) != text && !isNumber(value) {
				t.Errorf("%s is said to be %q, not %v", name, text, value)
			}
		}
		if issuer, err := jwt.PeekIssuer(token); issuer != "https://ci.test" || err != nil {
			t.Errorf("its issuer is %q, %v", issuer, err)
		}
	})
}

func isNumber(value any) bool { _, ok := value.(float64); return ok }
