package jwt

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"strings"
	"testing"
	"time"
)

// signAs signs for any algorithm; clients may use more than we do.
func signAs(t testing.TB, alg Algorithm, key crypto.Signer, signed string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(signed))
	var signature []byte
	var err error
	switch alg {
	case PS256:
		signature, err = key.Sign(rand.Reader, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	case EdDSA, Ed25519:
		signature, err = key.Sign(rand.Reader, []byte(signed), crypto.Hash(0))
	default:
		signature, err = (&Key{private: key}).sign(signed)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64url.EncodeToString(signature)
}

func assertionClaims() members {
	return members{"iss": `"client-1"`, "sub": `"client-1"`, "aud": quote(issuer), "jti": `"a-1"`, "exp": "1793534700"} // in 5 minutes
}

func assertionHeader() members { return members{"alg": `"ES256"`, "kid": `"key-1"`} }

func asserted(now time.Time) Assertion {
	return Assertion{ClientID: "client-1", Audience: issuer, Now: now}
}

func mustParseKeySet(t testing.TB, text []byte) KeySet {
	t.Helper()
	set, err := ParseKeySet(text)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestJ14_Names: each key by its one name, EdDSA and Ed25519 among them.
func TestJ14_Names(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signers := map[Algorithm]crypto.Signer{ES256: keyES().private, RS256: keyRS().private, PS256: keyRS().private, EdDSA: ed, Ed25519: ed}
	for _, name := range Algorithms() {
		if signers[Algorithm(name)] == nil || len(Algorithms()) != len(signers) {
			t.Errorf("algorithms %v; test each of them and no other", Algorithms())
		}
	}
	for alg, signer := range signers {
		set := mustParseKeySet(t, setOf(jwkOf(t, alg, signer.Public())))
		for named := range signers {
			header := assertionHeader().with(members{"alg": quote(string(named))})
			token := signAs(t, alg, signer, encode(header.String())+"."+encode(assertionClaims().String()))
			want := WrongAlgorithm
			if named == alg {
				want = ""
			}
			jti, expires, err := set.VerifyAssertion(token, asserted(start))
			wantReason(t, err, want)
			if err == nil && (jti != "a-1" || !expires.Equal(start.Add(5*time.Minute))) {
				t.Errorf("%s: got %q, %v", alg, jti, expires)
			}
			// Signed as it says, by a key that has another name.
			if keyType(named) == keyType(alg) && named != alg {
				token := signAs(t, named, signer, encode(header.String())+"."+encode(assertionClaims().String()))
				_, _, err := set.VerifyAssertion(token, asserted(start))
				wantReason(t, err, WrongAlgorithm)
			}
		}
	}
}

func keyType(alg Algorithm) string {
	return map[Algorithm]string{ES256: "EC", RS256: "RSA", PS256: "RSA", EdDSA: "OKP", Ed25519: "OKP"}[alg]
}

// TestJ16_Assertions are for this server alone, by the client, short-lived and
// with an id.
func TestJ16_Assertions(t *testing.T) {
	set := mustParseKeySet(t, setOf(jwkOf(t, ES256, keyES().public.key)))
	check := func(name, value string, want Reason) {
		t.Helper()
		token := forge(t, keyES(), assertionHeader().String(), assertionClaims().with(members{name: value}).String())
		jti, expires, err := set.VerifyAssertion(token, asserted(start))
		if got := reasonOf(err); got != want || want == "" && err != nil {
			t.Errorf("%s %.100s: got %v, want %q", name, value, err, want)
		}
		if err != nil && (jti != "" || !expires.IsZero()) {
			t.Errorf("%s %.100s: refused, with %q until %v", name, value, jti, expires)
		}
	}
	for _, name := range []string{"iss", "sub", "aud", "jti", "exp"} {
		for _, value := range []string{"", "null", "1", `""`, "[]", "{}", "[1]", `[""]`, "true", `{"a":"b"}`} {
			want := BadClaims
			if name == "exp" && value == "1" {
				want = Expired
			}
			check(name, value, want)
		}
	}
	for value, want := range map[string]Reason{
		quote(issuer): "", `["` + issuer + `"]`: "", `["` + issuer + `","https://other.test"]`: BadClaims, `["` + issuer + `","` + issuer + `"]`: BadClaims,
		quote(issuer + "/oauth/token"): WrongAudience, quote(issuer + "/"): WrongAudience, quote(strings.ToUpper(issuer)): WrongAudience,
		quote(issuer + "\x00"): WrongAudience, quote(" " + issuer): WrongAudience, quote(audience): WrongAudience, `["x"]`: WrongAudience,
		quote(issuer + "\u200b"): WrongAudience, `["` + issuer + `",1]`: BadClaims,
	} {
		check("aud", value, want)
	}
	for _, other := range []string{"client-2", "Client-1", "client-1 ", "client-1\x00", "client-1\n", "сlient-1", "client", "client-11"} {
		check("iss", quote(other), WrongIssuer)
		check("sub", quote(other), BadClaims)
	}
	for value, want := range map[string]Reason{
		`"a"`: "", `"A-1"`: "", quote(strings.Repeat("j", 255)): "", quote(strings.Repeat("j", 256)): BadClaims, `"a b"`: BadClaims,
		`"a\u0000"`: BadClaims, `"a\n"`: BadClaims, `"é"`: BadClaims, `"a\u007f"`: BadClaims, `" a"`: BadClaims, `["a"]`: BadClaims, `"a\u200b"`: BadClaims,
	} {
		check("jti", value, want)
	}
	for value, want := range map[string]Reason{ // start is 1793534400
		"1793534401": "", "1793534700": "", "1793534701": BadClaims, "253402300799": BadClaims, "1793534400": Expired, "1793534399": Expired,
		"1": Expired, "0": Expired, "-1": BadClaims, "1793534500.5": BadClaims, "1.7935345e9": BadClaims, `"1793534500"`: BadClaims, "1e400": Malformed,
	} {
		check("exp", value, want)
	}
	for value, want := range map[string]Reason{
		"": "", "0": "", "1793534400": "", "1793534460": "", "1793534461": NotYetValid, "1793534699": NotYetValid, "1793534700": BadClaims,
		"null": BadClaims, `""`: BadClaims, "-1": BadClaims, "1.5": BadClaims,
	} {
		check("iat", value, want)
	}
	for value, want := range map[string]Reason{
		"": "", "0": "", "1793534400": "", "1793534401": NotYetValid, "1793534900": NotYetValid, "null": BadClaims, `"0"`: BadClaims,
	} {
		check("nbf", value, want)
	}
	check("x", `{"deep":[null,1.5,{"a":"b"}]}`, "")
}

// TestJ16_Tokens: an assertion is held to the form of every token.
func TestJ16_Tokens(t *testing.T) {
	set := mustParseKeySet(t, setOf(jwkOf(t, ES256, keyES().public.key)))
	claims := assertionClaims().String()
	for value, want := range map[string]Reason{
		assertionHeader().String(): "",
		assertionHeader().with(members{"jku": `"http://192.0.2.1"`}).String():           "",
		assertionHeader().with(members{"kid": ""}).String():                             UnknownKey,
		assertionHeader().with(members{"kid": `"KEY-1"`}).String():                      UnknownKey,
		assertionHeader().with(members{"kid": `"../key-1"`}).String():                   UnknownKey,
		assertionHeader().with(members{"kid": `["key-1"]`}).String():                    UnknownKey,
		assertionHeader().with(members{"alg": `"HS256"`}).String():                      WrongAlgorithm,
		assertionHeader().with(members{"alg": `"none"`}).String():                       WrongAlgorithm,
		assertionHeader().with(members{"crit": `["exp"]`}).String():                     Critical,
		assertionHeader().with(members{"b64": `false`}).String():                        Critical,
		assertionHeader().with(members{"typ": `"at+jwt"`}).String():                     WrongType,
		assertionHeader().with(members{"x": quote(strings.Repeat("x", 9000))}).String(): TooLarge,
		`[]`: Malformed,
	} {
		_, _, err := set.VerifyAssertion(forge(t, keyES(), value, claims), asserted(start))
		if got := reasonOf(err); got != want {
			t.Errorf("%.100s: got %v, want %q", value, err, want)
		}
	}
	_, _, err := set.VerifyAssertion(forge(t, mustGenerate(ES256), assertionHeader().String(), claims), asserted(start))
	wantReason(t, err, BadSignature)
	_, _, err = KeySet{}.VerifyAssertion(forge(t, keyES(), assertionHeader().String(), claims), asserted(start))
	wantReason(t, err, UnknownKey)
	_, _, err = set.VerifyAssertion(forge(t, keyES(), assertionHeader().String(), `{"sub":"x",`+claims[1:]), asserted(start))
	wantReason(t, err, Malformed)
	for _, nobody := range []Assertion{{Audience: issuer, Now: start}, {ClientID: "client-1", Now: start}} {
		empty := assertionClaims().with(members{"iss": `""`, "sub": `""`, "aud": `""`}).String()
		_, _, err = set.VerifyAssertion(forge(t, keyES(), assertionHeader().String(), empty), nobody)
		wantReason(t, err, BadClaims)
	}
}
