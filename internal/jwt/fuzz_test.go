package jwt

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"
)

// FuzzVerify: of all texts only the token that was signed is taken, and the
// refusal of every other has a reason and shows nothing of it.
func FuzzVerify(f *testing.F) {
	ring := newRing(f, Slot{Key: keyES()})
	good := mustSign(f, ring, someClaims(), start)
	part := strings.Split(good, ".")
	header, claims := headerOf(keyES()).String(), goodClaims().String()
	for _, seed := range []string{
		good, "", "..", "a.b.c", strings.Repeat(".", MaxSize), part[0] + "." + part[1] + ".", part[0] + ".." + part[2], good + "=", good + ".x",
		forge(f, mustGenerate(ES256), header, claims), forgeHMAC(header, claims, []byte("secret")),
		forge(f, mustGenerate(ES256), `{"alg":"ES256","alg":"none"}`, claims), `{"payload":"","signatures":[]}`,
	} {
		f.Add(seed)
	}
	set := mustParseKeySet(f, ring.JWKS(start))
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := ring.Verify(token, start)
		if (err == nil) != (token == good) || (claims != nil) != (err == nil) {
			t.Fatalf("%q: %v, %v", token, claims, err)
		}
		checkRefusal(t, err, token)
		_, _, err = set.VerifyAssertion(token, Assertion{ClientID: "client-1", Audience: issuer, Now: start})
		if err == nil {
			t.Fatalf("%q is taken for an assertion", token)
		}
		checkRefusal(t, err, token)
	})
}

// FuzzClaims: whatever a key of ours may have signed is read or refused, and
// what is read can be signed again.
func FuzzClaims(f *testing.F) {
	f.Add(goodClaims().String())
	f.Add(goodClaims().with(members{"act": `{"sub":"a","act":{"sub":"b"}}`, "gen": "3", "nbf": "1", "projects": `["p"]`}).String())
	f.Add(`{"iss":1}`)
	ring := newRing(f, Slot{Key: keyES()})
	f.Fuzz(func(t *testing.T, text string) {
		claims, err := decode([]byte(text))
		checkRefusal(t, err, text)
		if err != nil {
			return
		}
		token, err := ring.Sign(*claims, claims.IssuedAt)
		if reasonOf(err) == TooLarge {
			return
		}
		if err != nil {
			t.Fatalf("%q can't be signed: %v", text, err)
		}
		if _, err := parse(token); err != nil {
			t.Fatalf("%q is signed as %q: %v", text, token, err)
		}
	})
}

// FuzzParseKeySet: a set that is taken has 1 to 8 keys by which nothing that
// wasn't signed is verified.
func FuzzParseKeySet(f *testing.F) {
	es, rs := jwkOf(f, ES256, keyES().public.key), jwkOf(f, RS256, keyRS().public.key)
	ed := jwkOf(f, EdDSA, ed25519.NewKeyFromSeed(make([]byte, 32)).Public())
	for _, seed := range [][]byte{
		setOf(es), setOf(rs), setOf(ed), setOf(es, rs.with(members{"kid": `"key-2"`})), setOf(es, es), nil, []byte(`{"keys":[]}`),
		setOf(es.with(members{"x5c": `["MIIB"]`, "x5u": `"::"`, "key_ops": `["verify"]`})), setOf(rs.with(members{"e": `"AQ"`})),
		setOf(members{"kty": `"oct"`, "k": `""`, "alg": `"HS256"`, "kid": `"key-1"`}),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := ParseKeySet(text)
		checkRefusal(t, err, string(text))
		if err != nil && reasonOf(err) != BadKey {
			t.Fatalf("%q: %v", text, err)
		}
		if err == nil && (len(set.keys) < 1 || len(set.keys) > maxKeys) {
			t.Fatalf("%q: %d keys", text, len(set.keys))
		}
		for id, key := range set.keys {
			signed := encode(members{"alg": quote(string(key.algorithm)), "kid": quote(id)}.String()) + "." + encode(assertionClaims().String())
			for _, size := range []int{0, 64, 256} {
				token := signed + "." + base64url.EncodeToString(make([]byte, size))
				_, _, err := set.VerifyAssertion(token, Assertion{ClientID: "client-1", Audience: issuer, Now: start.Add(time.Second)})
				if reasonOf(err) != BadSignature {
					t.Fatalf("%q: %v", text, err)
				}
			}
		}
	})
}

func checkRefusal(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil {
		return
	}
	if reasonOf(err) == "" {
		t.Fatalf("%q: no reason: %v", text, err)
	}
	if len(text) > 30 && strings.Contains(err.Error(), text) {
		t.Fatalf("the error shows the text: %v", err)
	}
}
