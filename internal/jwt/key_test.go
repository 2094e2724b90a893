package jwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"testing/iotest"
)

func TestKeyIsKept(t *testing.T) {
	for _, key := range []*Key{keyES(), keyRS()} {
		stored, err := key.PKCS8()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseKey(key.Algorithm, stored)
		if err != nil {
			t.Fatal(err)
		}
		if again.ID != key.ID || again.Algorithm != key.Algorithm || !validKeyID(key.ID) || len(key.ID) != 43 {
			t.Errorf("got %v, want %v", again, key)
		}
		token := mustSign(t, newRing(t, Slot{Key: key}), someClaims(), start)
		_, err = newRing(t, Slot{Key: again}).Verify(token, start)
		wantReason(t, err, "")
	}
}

func TestGenerate(t *testing.T) {
	broken := errors.New("broken")
	if _, err := Generate(ES256, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a source that fails: %v", err)
	}
	if _, err := Generate(ES256, bytes.NewReader(make([]byte, 31))); err == nil {
		t.Error("a source that ends makes a key")
	}
	if _, err := Generate(ES256, bytes.NewReader(make([]byte, 4096))); err == nil {
		t.Error("a source of zeros makes a key")
	}
	if _, err := Generate(ES256, bytes.NewReader(bytes.Repeat([]byte{255}, 4096))); err == nil {
		t.Error("a number beyond the group makes a key")
	}
	for _, alg := range []Algorithm{"", "none", "HS256", PS256, EdDSA, Ed25519, "es256"} {
		_, err := Generate(alg, rand.Reader)
		wantReason(t, err, BadKey)
	}
	if keyRS().private.(*rsa.PrivateKey).N.BitLen() != 2048 {
		t.Error("RS256 keys don't have 2048 bits")
	}
	seen := map[string]bool{}
	for range 100 {
		seen[mustGenerate(ES256).ID] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d keys of 100 differ", len(seen))
	}
}

// TestK2_KeysDoNotPrint, under no verb, in no log and in no JSON.
func TestK2_KeysDoNotPrint(t *testing.T) {
	for _, key := range []*Key{keyES(), keyRS()} {
		var forbidden []string
		switch private := key.private.(type) {
		case *ecdsa.PrivateKey:
			scalar, err := private.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			forbidden = append(forbidden, fmt.Sprint(scalar), fmt.Sprintf("%x", scalar), new(big.Int).SetBytes(scalar).String())
		case *rsa.PrivateKey:
			forbidden = append(forbidden, private.D.String(), fmt.Sprintf("%x", private.D))
		}
		var out strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t"} {
			fmt.Fprintf(&out, verb+verb+verb, key, *key, Slot{Key: key})
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "key", key, "value", *key, "slot", Slot{Key: key})
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "key", key, "value", *key)
		text, err := json.Marshal([]any{key, *key, Slot{Key: key}})
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
		for _, secret := range forbidden {
			if strings.Contains(out.String(), secret) {
				t.Errorf("%v prints its secret", key)
			}
		}
		if got, want := fmt.Sprintf("%v", *key), string(key.Algorithm)+" key "+key.ID; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestJ2_PrivateKeys that are weak or don't fit are no signing keys.
func TestJ2_PrivateKeys(t *testing.T) {
	for name, c := range map[string]struct {
		alg Algorithm
		key any
	}{
		"P-384 for ES256":   {ES256, must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))},
		"P-224 for ES256":   {ES256, must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))},
		"RSA for ES256":     {ES256, keyRS().private},
		"P-256 for RS256":   {RS256, keyES().private},
		"Ed25519 for ES256": {ES256, ed25519.NewKeyFromSeed(make([]byte, 32))},
		"RSA 1024":          {RS256, must(rsa.GenerateKey(rand.Reader, 1024))},
		"RSA 2047":          {RS256, must(rsa.GenerateKey(rand.Reader, 2047))},
		"RSA for PS256":     {PS256, keyRS().private},
		"Ed25519":           {EdDSA, ed25519.NewKeyFromSeed(make([]byte, 32))},
		"P-256 for HS256":   {"HS256", keyES().private},
		"P-256 for nothing": {"", keyES().private},
	} {
		der, err := x509.MarshalPKCS8PrivateKey(c.key)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseKey(c.alg, der)
		if reasonOf(err) != BadKey {
			t.Errorf("%s: %v", name, err)
		}
	}
	public, err := x509.MarshalPKIXPublicKey(keyES().public.key)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := keyES().PKCS8()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{nil, {}, {0x30}, public, whole[:len(whole)-1], []byte("secret")} {
		_, err := ParseKey(ES256, text)
		wantReason(t, err, BadKey)
	}
}

func must[K any](key K, err error) K {
	if err != nil {
		panic(err)
	}
	return key
}

// jwkOf returns the members of a public key as JSON.
func jwkOf(t testing.TB, alg Algorithm, key any) members {
	t.Helper()
	public := &publicKey{algorithm: alg, key: key}
	text, err := public.jwk("key-1")
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	m := members{}
	for name, value := range raw {
		m[name] = string(value)
	}
	return m
}

func setOf(keys ...members) []byte {
	var texts []string
	for _, key := range keys {
		texts = append(texts, key.String())
	}
	return []byte(`{"keys":[` + strings.Join(texts, ",") + `]}`)
}

// TestJ2_GoodKeySets are read.
func TestJ2_GoodKeySets(t *testing.T) {
	es := jwkOf(t, ES256, keyES().public.key)
	rs := jwkOf(t, RS256, keyRS().public.key)
	ed := jwkOf(t, EdDSA, ed25519.NewKeyFromSeed(make([]byte, 32)).Public())
	good := map[string][]byte{
		"EC":             setOf(es),
		"RSA":            setOf(rs),
		"RSA for PS256":  setOf(rs.with(members{"alg": `"PS256"`})),
		"OKP":            setOf(ed),
		"OKP by RFC9864": setOf(ed.with(members{"alg": `"Ed25519"`})),
		"several":        setOf(es, rs.with(members{"kid": `"key-2"`}), ed.with(members{"kid": `"key-3"`})),
		"no use":         setOf(es.with(members{"use": ""})),
		"key_ops":        setOf(es.with(members{"key_ops": `["verify"]`})),
		"unknown":        setOf(es.with(members{"x5c": `["x"]`, "x5u": "1", "x5t": `"?"`, "ext": "true", "iat": "1"})),
		"unknown of set": []byte(`{"x":1,` + string(setOf(es)[1:])),
		"long kid":       setOf(es.with(members{"kid": quote(strings.Repeat("k", 128))})),
	}
	for name, text := range good {
		if _, err := ParseKeySet(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestJ2_KeySets: one key that isn't good refuses the set, when it is loaded.
func TestJ2_KeySets(t *testing.T) {
	es := jwkOf(t, ES256, keyES().public.key)
	rs := jwkOf(t, RS256, keyRS().public.key)
	ed := jwkOf(t, EdDSA, ed25519.NewKeyFromSeed(make([]byte, 32)).Public())
	second := es.with(members{"kid": `"key-2"`})
	modulus := keyRS().public.key.(*rsa.PublicKey).N
	number := func(n *big.Int) string { return quote(base64url.EncodeToString(n.Bytes())) }
	p384 := jwkOf(t, "ES384", must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)).Public())

	bad := map[string][]byte{
		"nothing": nil, "null": []byte("null"), "list": []byte("[]"), "text": []byte(`"keys"`), "no keys": []byte(`{}`),
		"null keys": []byte(`{"keys":null}`), "empty": []byte(`{"keys":[]}`), "object of keys": []byte(`{"keys":{}}`),
		"a key alone": []byte(es.String()), "keys of text": []byte(`{"keys":["x"]}`), "null key": []byte(`{"keys":[null]}`),
		"keys twice": []byte(`{"keys":[],` + string(setOf(es)[1:])), "garbage": append(setOf(es), 'x'), "BOM": append([]byte("\xef\xbb\xbf"), setOf(es)...),
		"alg twice":   []byte(strings.Replace(string(setOf(es)), `{"alg"`, `{"alg":"RS256","alg"`, 1)),
		"too large":   setOf(es.with(members{"ext": quote(strings.Repeat("x", maxKeySet))})),
		"deep":        setOf(es.with(members{"ext": strings.Repeat("[", 9) + strings.Repeat("]", 9)})),
		"same kid":    setOf(es, rs),
		"the same":    setOf(es, es),
		"mixed":       setOf(second, members{"kty": `"oct"`, "k": quote(strings.Repeat("A", 43)), "alg": `"HS256"`, "kid": `"key-1"`}),
		"one is bad":  setOf(second, rs.with(members{"alg": ""})),
		"nine":        nineKeys(t),
		"EC on P-384": setOf(p384), "P-384 for ES256": setOf(p384.with(members{"alg": `"ES256"`})),
		"P-384 as P-256": setOf(p384.with(members{"alg": `"ES256"`, "crv": `"P-256"`})),
		"small order":    setOf(ed.with(members{"x": quote(base64url.EncodeToString(append([]byte{1}, make([]byte, 31)...)))})),
		"all zeros":      setOf(ed.with(members{"x": quote(base64url.EncodeToString(make([]byte, 32)))})),
		"not on curve":   setOf(es.with(members{"x": es["y"], "y": es["x"]})),
		"no point":       setOf(es.with(members{"x": quote(strings.Repeat("A", 43)), "y": quote(strings.Repeat("A", 43))})),
		"RSA 1024":       setOf(jwkOf(t, RS256, must(rsa.GenerateKey(rand.Reader, 1024)).Public())),
		"RSA 2047":       setOf(rs.with(members{"n": number(new(big.Int).Rsh(modulus, 1))})),
		"RSA 4097":       setOf(rs.with(members{"n": number(new(big.Int).SetBit(new(big.Int).Lsh(modulus, 2049), 0, 1))})),
		"RSA even":       setOf(rs.with(members{"n": number(new(big.Int).Sub(modulus, big.NewInt(1)))})),
		"RSA zeros":      setOf(rs.with(members{"n": quote(base64url.EncodeToString(append([]byte{0}, modulus.Bytes()...)))})),
	}
	for _, member := range []string{"kty", "alg", "kid", "crv", "x", "y"} {
		for _, value := range []string{"", "null", "1", `""`, `"x"`, `["P-256"]`, `"` + strings.Repeat("A", 44) + `"`, `"P-521"`, `"AQ=="`} {
			if member == "kid" && (value == `"x"` || strings.HasPrefix(value, `"A`) && !strings.Contains(value, "=") || value == `"P-521"`) {
				continue // as good as any
			}
			bad["EC "+member+" "+value] = setOf(es.with(members{member: value}))
		}
	}
	for _, e := range []string{"AQ", "Aw", "EQ", "AA", "AQAC", "AQAA", "AAEAAQ", "AQAB=", "", "AQAAAAAAAAAB", "gAAAAAAAAAE", "__________8"} {
		bad["RSA e "+e] = setOf(rs.with(members{"e": quote(e)}))
	}
	for _, use := range []string{`"enc"`, `"SIG"`, `""`, `null`, `["sig"]`, `1`} {
		bad["use "+use] = setOf(es.with(members{"use": use}))
	}
	for _, ops := range []string{`[]`, `["sign"]`, `["encrypt","decrypt"]`, `"verify"`, `null`, `["VERIFY"]`, `["verify",1]`} {
		bad["key_ops "+ops] = setOf(es.with(members{"key_ops": ops}))
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		bad["private "+private] = setOf(es.with(members{private: `"AQ"`}))
		bad["private null "+private] = setOf(rs.with(members{private: `null`}))
	}
	for _, alg := range []string{"none", "HS256", "ES384", "ES521", "RS384", "PS512", "RSA-OAEP", "es256", "RS256", "PS256", "EdDSA", "Ed25519", "A256GCM"} {
		bad["EC alg "+alg] = setOf(es.with(members{"alg": quote(alg)}))
	}
	for _, alg := range []string{"ES256", "EdDSA", "HS256", "RSA1_5"} {
		bad["RSA alg "+alg] = setOf(rs.with(members{"alg": quote(alg)}))
	}
	for _, alg := range []string{"ES256", "RS256", "Ed448", "ed25519", "EDDSA"} {
		bad["OKP alg "+alg] = setOf(ed.with(members{"alg": quote(alg)}))
	}
	for _, crv := range []string{"X25519", "Ed448", "P-256", "ed25519"} {
		bad["OKP crv "+crv] = setOf(ed.with(members{"crv": quote(crv)}))
	}
	for _, kid := range []string{"a.b", "a/b", "../x", "a b", "a\x00", "é", strings.Repeat("k", 129)} {
		bad["kid "+kid] = setOf(es.with(members{"kid": quote(kid)}))
	}
	for _, k := range []string{"", "c2VjcmV0", strings.Repeat("A", 43)} {
		for _, alg := range []string{"HS256", "ES256", ""} {
			bad["oct "+k+alg] = setOf(members{"kty": `"oct"`, "k": quote(k), "alg": quote(alg), "kid": `"key-1"`})
			bad["oct without k "+alg] = setOf(members{"kty": `"oct"`, "alg": quote(alg), "kid": `"key-1"`})
		}
	}
	for name, text := range bad {
		if _, err := ParseKeySet(text); reasonOf(err) != BadKey {
			t.Errorf("%s: %v: %.300s", name, err, text)
		}
	}
}

// TestJ2_Sizes: the bounds hold whatever a key is read from.
func TestJ2_Sizes(t *testing.T) {
	for bits, want := range map[int]Reason{1024: BadKey, 2047: BadKey, 2048: "", 4096: "", 4097: BadKey, 8192: BadKey} {
		modulus := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		modulus.SetBit(modulus, 0, 1)
		for _, alg := range []Algorithm{RS256, PS256} {
			_, err := newPublicKey(alg, &rsa.PublicKey{N: modulus, E: 65537})
			wantReason(t, err, want)
		}
	}
}

func nineKeys(t *testing.T) []byte {
	var keys []members
	for i := range maxKeys + 1 {
		keys = append(keys, jwkOf(t, ES256, keyES().public.key).with(members{"kid": quote(fmt.Sprint("key-", i))}))
	}
	if _, err := ParseKeySet(setOf(keys[1:]...)); err != nil {
		t.Errorf("eight keys: %v", err)
	}
	return setOf(keys...)
}
