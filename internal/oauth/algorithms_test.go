package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// O-12: an algorithm of assertions is in the metadata of an endpoint if it is
// accepted there, and only then.
func TestO12_AlgorithmsOfAssertions(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	r, err := http.NewRequest("GET", w.url+"/.well-known/oauth-authorization-server", nil)
	w.ok(err)
	metadata := w.send(r)
	token := w.token("")
	for alg, key := range candidates(w) {
		jwks := mustJSON(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: publicOf(key), KeyID: "mine", Algorithm: alg, Use: "sig"}}})
		_, refused := w.SetClientKeys(background, w.op, w.client.ID, jwks)
		for endpoint, form := range map[string]url.Values{
			"token": {"grant_type": {"client_credentials"}}, "introspection": {"token": {token}}, "revocation": {"token": {"x"}},
		} {
			form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
			form.Set("client_assertion", signedBy(w, alg, key))
			r, err := url.Parse(metadata.field(endpoint + "_endpoint"))
			w.ok(err)
			a := w.post(r.Path, form.Encode(), nil)
			listed, _ := metadata.body[endpoint+"_endpoint_auth_signing_alg_values_supported"].([]any)
			if got, want := a.status == 200, slices.Contains(listed, any(alg)); got != want || (refused == nil) != want {
				t.Errorf("%s at the %s endpoint: listed %t, registered %v, answered %d %s", alg, endpoint, want, refused, a.status, a.text)
			}
		}
	}
}

// candidates has a key for every algorithm of RFC 7518 section 3.1 and RFC 9864
// that a client might use.
func candidates(w *world) map[string]any {
	w.t.Helper()
	keys := map[string]any{"HS256": []byte("0123456789abcdef0123456789abcdef")}
	for alg, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		w.ok(err)
		keys[alg] = key
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	w.ok(err)
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		keys[alg] = key
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	w.ok(err)
	keys["EdDSA"], keys["Ed25519"] = ed, ed
	return keys
}

func publicOf(key any) any {
	if pair, ok := key.(crypto.Signer); ok {
		return pair.Public()
	}
	return key
}

// signedBy is a good assertion of the world's client.
func signedBy(w *world, alg string, key any) string {
	w.t.Helper()
	claims := mustJSON(w, (&signer{w: w}).claims())
	if alg == "Ed25519" { // RFC 9864 section 2.2, which go-jose doesn't know
		encode := base64.RawURLEncoding.EncodeToString
		signed := encode([]byte(`{"alg":"Ed25519","kid":"mine"}`)) + "." + encode(claims)
		return signed + "." + encode(ed25519.Sign(key.(ed25519.PrivateKey), []byte(signed)))
	}
	by, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: key, KeyID: "mine"}}, nil)
	w.ok(err)
	object, err := by.Sign(claims)
	w.ok(err)
	text, err := object.CompactSerialize()
	w.ok(err)
	return text
}
