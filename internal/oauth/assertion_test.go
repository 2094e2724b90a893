package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// signer is a client's own key, used by somebody else's library.
type signer struct {
	w   *world
	key *ecdsa.PrivateKey
}

// newSigner registers a new key for the world's client.
func newSigner(w *world) *signer {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.ok(err)
	set, err := (&jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "mine", Algorithm: "ES256", Use: "sig"}}}).Keys[0].MarshalJSON()
	w.ok(err)
	w.ok(w.store.Change(background, w.org, func(tx *store.Tx) error {
		tx.Record(audit.Event{At: w.clock.now(), Actor: "operator", Action: "client.set_keys", Detail: "{}"})
		return tx.SetClientKeys(background, w.client.ID, `{"keys":[`+string(set)+`]}`)
	}))
	return &signer{w, key}
}

// claims are good ones, unless changed.
func (s *signer) claims() map[string]any {
	now := s.w.clock.now().Unix()
	return map[string]any{"iss": s.w.client.ClientID, "sub": s.w.client.ClientID, "aud": s.w.url, "iat": now, "exp": now + 60, "jti": uuid.NewString()}
}

func (s *signer) sign(claims map[string]any) string {
	s.w.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: crypto.Signer(s.key), KeyID: "mine"}}, nil)
	s.w.ok(err)
	object, err := signer.Sign(mustJSON(s.w, claims))
	s.w.ok(err)
	text, err := object.CompactSerialize()
	s.w.ok(err)
	return text
}

// present asks for a token with an assertion.
func (s *signer) present(assertion string, more url.Values) answer {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
	for name, values := range more {
		form[name] = values
	}
	return s.w.post("/oauth2/token", form.Encode(), nil)
}

// J-16: a client authenticates with an assertion that it signed (RFC 7523),
// with and without its client_id beside it, and with each one once.
func TestJ16_PrivateKeyJWT(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newSigner(w)
		a := s.present(s.sign(s.claims()), nil)
		if a.status != 200 {
			t.Fatalf("got %d %s", a.status, a.text)
		}
		w.wantSelf("its token", a.field("access_token"), 200, "")
		good := s.sign(s.claims())
		if a := s.present(good, url.Values{"client_id": {w.client.ClientID}}); a.status != 200 {
			t.Errorf("with its client_id: %d %s", a.status, a.text)
		}
		w.wantError("a second time", s.present(good, nil), 401, "invalid_client")
		w.wantError("for another client", s.present(s.sign(s.claims()), url.Values{"client_id": {"btci_x"}}), 401, "invalid_client")
		for what, change := range map[string]map[string]any{
			"another audience": {"aud": "https://elsewhere.test"}, "the token endpoint as audience": {"aud": w.url + "/oauth2/token"},
			"two audiences": {"aud": []string{w.url, "https://elsewhere.test"}}, "another issuer": {"iss": "btci_x"}, "another subject": {"sub": "btci_x"},
			"expired": {"exp": w.clock.now().Add(-time.Second).Unix()}, "too long": {"exp": w.clock.now().Add(time.Hour).Unix()},
			"not yet": {"nbf": w.clock.now().Add(time.Minute).Unix()}, "no jti": {"jti": nil}, "no exp": {"exp": nil}, "no aud": {"aud": nil},
		} {
			claims := s.claims()
			for name, value := range change {
				claims[name] = value
				if value == nil {
					delete(claims, name)
				}
			}
			w.wantError(what, s.present(s.sign(claims), nil), 401, "invalid_client")
		}
		stranger := &signer{w, newKey(w)}
		w.wantError("signed by another key", s.present(stranger.sign(stranger.claims()), nil), 401, "invalid_client")
		none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"mine"}`)) + "." + base64.RawURLEncoding.EncodeToString(mustJSON(w, s.claims())) + "."
		w.wantError("not signed", s.present(none, nil), 401, "invalid_client")
		w.wantError("an access token", s.present(a.field("access_token"), nil), 401, "invalid_client")
		w.ok(second(w.Suspend(background, w.op, w.client.ID)))
		w.wantError("suspended", s.present(s.sign(s.claims()), nil), 401, "invalid_client")
	})
}

// O-6: to replace or take away a client's keys ends their use, and no token;
// a rotation without grace ends what they got, and leaves nothing that gets more.
func TestO6_KeysTakenAway(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before := newSigner(w)
		got := func(s *signer) string { return s.present(s.sign(s.claims()), nil).field("access_token") }
		first := got(before)
		after := newSigner(w)
		second := got(after)
		w.wantError("the keys before", before.present(before.sign(before.claims()), nil), 401, "invalid_client")
		w.wantSelf("a token that they got", first, 200, "")
		_, err := w.SetClientKeys(background, w.op, w.client.ID, nil)
		w.ok(err)
		w.wantError("keys that are gone", after.present(after.sign(after.claims()), nil), 401, "invalid_client")
		w.wantSelf("a token that they got", second, 200, "")
		_, err = w.Rotate(background, w.op, w.client.ID, authority.RotateRequest{})
		w.ok(err)
		for _, token := range []string{first, second} {
			w.wantSelf("after a rotation without grace", token, 401, "revoked")
		}
		w.wantError("keys that are gone, after it", after.present(after.sign(after.claims()), nil), 401, "invalid_client")
	})
}

// J-16: of many that present one assertion at once, one gets a token.
func TestJ16_AssertionRace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newSigner(w)
		assertion := s.sign(s.claims())
		var passed atomic.Int32
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				switch got := s.present(assertion, nil); got.status {
				case 200:
					passed.Add(1)
				case 401:
				default:
					t.Errorf("got %d %s", got.status, got.text)
				}
			})
		}
		wg.Wait()
		if passed.Load() != 1 {
			t.Errorf("%d got a token, want 1", passed.Load())
		}
	})
}

func newKey(w *world) *ecdsa.PrivateKey {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.ok(err)
	return key
}

func mustJSON(w *world, v any) []byte {
	w.t.Helper()
	text, err := json.Marshal(v)
	w.ok(err)
	return text
}
