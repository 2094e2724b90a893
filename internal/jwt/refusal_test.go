package jwt

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// refusals runs tokens that are signed by our own key, so that what is wrong
// with them is the one thing that the case is about.
func refusals(t *testing.T, cases map[string]Reason, forged func(string) string) {
	t.Helper()
	ring := newRing(t, Slot{Key: keyES()})
	for text, want := range cases {
		token := forged(text)
		_, err := ring.Verify(token, start)
		if got := reasonOf(err); got != want || want == "" && err != nil {
			t.Errorf("%.200s: got %v, want %q", text, err, want)
		}
		if err != nil && text != "" && len(text) > 12 && strings.Contains(err.Error(), text) {
			t.Errorf("%.200s: the error shows it: %v", text, err)
		}
	}
}

func withHeader(t *testing.T, name string) func(string) string {
	return func(value string) string {
		return forge(t, keyES(), headerOf(keyES()).with(members{name: value}).String(), goodClaims().String())
	}
}

// TestJ1_Algorithm: the key has one algorithm; that of a token is compared.
func TestJ1_Algorithm(t *testing.T) {
	cases := map[string]Reason{`"ES256"`: "", "": WrongAlgorithm}
	for _, alg := range []string{
		`"none"`, `"nOnE"`, `"None"`, `"NONE"`, `"NONE "`, `" none"`, `""`, `"es256"`, `"ES256 "`, `"ES256\u0000"`, `"ЕS256"`,
		`"HS256"`, `"HS384"`, `"HS512"`, `"RS256"`, `"PS256"`, `"EdDSA"`, `"Ed25519"`, `"ES384"`, `"ES512"`, `"ES256K"`, `"ML-DSA-44"`,
		`["ES256"]`, `{"ES256":1}`, `null`, `256`, `true`,
	} {
		cases[alg] = WrongAlgorithm
	}
	refusals(t, cases, withHeader(t, "alg"))

	ring := newRing(t, Slot{Key: keyES()}, Slot{Key: keyRS()})
	for _, alg := range []string{"none", "nOnE", "NONE ", "HS256", "RS256", "ES256"} { // no signature at all
		header := headerOf(keyES()).with(members{"alg": quote(alg)}).String()
		_, err := ring.Verify(encode(header)+"."+encode(goodClaims().String())+".", start)
		want := WrongAlgorithm
		if alg == "ES256" {
			want = BadSignature
		}
		wantReason(t, err, want)
	}
	nobody := headerOf(keyES()).with(members{"alg": `"HS256"`, "kid": `"nobody"`}).String()
	_, err := ring.Verify(forgeHMAC(nobody, goodClaims().String(), nil), start)
	wantReason(t, err, WrongAlgorithm) // before its key is looked for
	// Each of two keys, by the algorithm of the other.
	for header, key := range map[*Key]*Key{keyES(): keyRS(), keyRS(): keyES()} {
		h := headerOf(header)
		_, err := ring.Verify(forge(t, key, h.String(), goodClaims().String()), start)
		wantReason(t, err, BadSignature)
		_, err = ring.Verify(forge(t, key, h.with(members{"alg": quote(string(key.Algorithm))}).String(), goodClaims().String()), start)
		wantReason(t, err, WrongAlgorithm)
	}
}

// TestJ3_OneEncoding: r and s are 32 bytes each, neither more nor less nor DER.
func TestJ3_OneEncoding(t *testing.T) {
	ring := newRing(t, Slot{Key: keyES()})
	good := mustSign(t, ring, someClaims(), start)
	j, err := parse(good)
	if err != nil {
		t.Fatal(err)
	}
	r, s := j.signature[:32], j.signature[32:]
	sum := sha256.Sum256([]byte(j.signed))
	der, err := keyES().private.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	zero := make([]byte, 32)
	for name, signature := range map[string][]byte{
		"DER": der, "none": {}, "zeros": slices.Concat(zero, zero), "r = 0": slices.Concat(zero, s), "s = 0": slices.Concat(r, zero),
		"long r": slices.Concat(zero[:1], r, s), "long s": slices.Concat(r, zero[:1], s), "both long": slices.Concat(zero[:1], r, zero[:1], s),
		"more": slices.Concat(r, s, zero[:1]), "less": j.signature[:63], "r alone": r, "twice": slices.Concat(r, s, r, s), "swapped": slices.Concat(s, r),
	} {
		if _, err := ring.Verify(j.signed+"."+base64url.EncodeToString(signature), start); reasonOf(err) != BadSignature {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestJ1_PublicKeyAsSecret: a public key is no shared secret, however it is
// written (RS256 and ES256 taken for HS256).
func TestJ1_PublicKeyAsSecret(t *testing.T) {
	ring := newRing(t, Slot{Key: keyES()}, Slot{Key: keyRS()})
	for _, key := range []*Key{keyES(), keyRS()} {
		der, err := x509.MarshalPKIXPublicKey(key.public.key)
		if err != nil {
			t.Fatal(err)
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		jwk, err := key.public.jwk(key.ID)
		if err != nil {
			t.Fatal(err)
		}
		secrets := [][]byte{{}, {0}, der, text, bytes.TrimSpace(text), jwk, ring.JWKS(start), []byte(key.ID), []byte(hex.EncodeToString(der))}
		switch public := key.public.key.(type) {
		case *ecdsa.PublicKey:
			point, err := public.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			secrets = append(secrets, point, point[1:], point[1:33])
		case *rsa.PublicKey:
			secrets = append(secrets, public.N.Bytes(), x509.MarshalPKCS1PublicKey(public))
		}
		for _, secret := range secrets {
			for _, alg := range []string{"HS256", string(key.Algorithm)} {
				header := headerOf(key).with(members{"alg": quote(alg)})
				_, err := ring.Verify(forgeHMAC(header.String(), goodClaims().String(), secret), start)
				want := WrongAlgorithm
				if alg != "HS256" {
					want = BadSignature
				}
				wantReason(t, err, want)
			}
		}
	}
}

// TestJ1_WeakSecrets: published secrets sign nothing, and make no key.
func TestJ1_WeakSecrets(t *testing.T) {
	ring := newRing(t, Slot{Key: keyES()})
	header := headerOf(keyES()).with(members{"alg": `"HS256"`}).String()
	lines := bufio.NewScanner(bytes.NewReader(readFile(t, "weak-secrets.txt")))
	n := 0
	for ; lines.Scan(); n++ {
		_, err := ring.Verify(forgeHMAC(header, goodClaims().String(), lines.Bytes()), start)
		wantReason(t, err, WrongAlgorithm)
		_, err = ParseKey(ES256, lines.Bytes())
		wantReason(t, err, BadKey)
	}
	if n < 2000 {
		t.Errorf("only %d secrets", n)
	}
}

// TestJ4_Extensions that must be understood are not, whatever they are.
func TestJ4_Extensions(t *testing.T) {
	cases := map[string]Reason{"": ""}
	for _, value := range []string{`[]`, `["exp"]`, `["b64"]`, `["alg"]`, `["x"]`, `null`, `""`, `"exp"`, `{}`, `false`, `1`} {
		cases[value] = Critical
	}
	refusals(t, cases, withHeader(t, "crit"))
	refusals(t, map[string]Reason{"": "", "false": Critical, "true": Critical, "null": Critical, `"false"`: Critical}, withHeader(t, "b64"))
	refusals(t, map[string]Reason{"": "", `"DEF"`: Critical, `""`: Critical, "null": Critical}, withHeader(t, "zip"))
	for _, header := range []string{`{"b64":false,"crit":["b64"],`, `{"crit":["exp"],"exp":1,`, `{"\u0063rit":["exp"],`} {
		token := forge(t, keyES(), header+headerOf(keyES()).String()[1:], goodClaims().String())
		_, err := newRing(t, Slot{Key: keyES()}).Verify(token, start)
		wantReason(t, err, Critical)
	}
}

// TestJ5_KeysInTokens: what a token carries as its key, or says about where one
// lies, is not looked at.
func TestJ5_KeysInTokens(t *testing.T) {
	attacker := mustGenerate(ES256)
	jwk, err := attacker.public.jwk(attacker.ID)
	if err != nil {
		t.Fatal(err)
	}
	certificates := `["MIIB"]`
	ring := newRing(t, Slot{Key: keyES()})
	for name, extra := range map[string]members{
		"jwk": {"jwk": string(jwk)},
		"jku": {"jku": `"http://192.0.2.1/keys"`},
		"x5u": {"x5u": `"https://192.0.2.1/cert"`},
		"x5c": {"x5c": certificates, "x5t": `"AA"`, "x5t#S256": `"AA"`},
		"all": {"jwk": string(jwk), "jku": `"file:///etc/passwd"`, "x5u": `"//x"`, "x5c": certificates},
		"bad": {"jwk": `{"kty":"EC","d":1}`, "jku": "1", "x5u": "[]", "x5c": `"x"`},
	} {
		t.Run(name, func(t *testing.T) {
			header := headerOf(keyES()).with(extra)
			_, err := ring.Verify(forge(t, attacker, header.String(), goodClaims().String()), start)
			wantReason(t, err, BadSignature)
			_, err = ring.Verify(forge(t, attacker, header.with(members{"kid": quote(attacker.ID)}).String(), goodClaims().String()), start)
			wantReason(t, err, UnknownKey)
			_, err = ring.Verify(forge(t, keyES(), header.String(), goodClaims().String()), start)
			wantReason(t, err, "")
		})
	}
}

// TestJ5_NoConnections: the package imports nothing that opens one.
func TestJ5_NoConnections(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			root, _, _ := strings.Cut(strings.Trim(spec.Path.Value, `"`), "/")
			if slices.Contains([]string{"net", "os", "syscall", "plugin", "C", "unsafe"}, root) {
				t.Errorf("%s imports %s", entry.Name(), spec.Path.Value)
			}
		}
	}
	if files == 0 {
		t.Error("no files")
	}
}

// TestJ6_KeyIDs are looked up in a table, and are nothing else.
func TestJ6_KeyIDs(t *testing.T) {
	cases := map[string]Reason{quote(keyES().ID): "", "": UnknownKey}
	for _, id := range []string{
		"", "x", "../../../../dev/null", "/etc/passwd", "file:///dev/null", "http://192.0.2.1/key", "' UNION SELECT 'AAAA';--",
		"| sleep 10", "`id`", "a\x00b", keyES().ID + "\x00", keyES().ID + "\n", " " + keyES().ID, keyES().ID + ".", "..",
		strings.ToLower(keyES().ID), strings.Repeat("a", 128), strings.Repeat("a", 129), "ключ", "\\..\\..",
	} {
		cases[quote(id)] = UnknownKey
	}
	for _, value := range []string{"1", "null", "true", `["` + keyES().ID + `"]`, `{"kid":"` + keyES().ID + `"}`, "-1e3"} {
		cases[value] = UnknownKey
	}
	cases[quote(strings.Repeat("a", 1<<20))] = TooLarge
	refusals(t, cases, withHeader(t, "kid"))

	// A table that had such a key would not be asked for it.
	for value := range cases {
		asked := ""
		_, _ = open(withHeader(t, "kid")(value), kindOfToken{
			is:  func(*jws) bool { return true },
			key: func(id string) *publicKey { asked = id; return nil },
		})
		if strings.Trim(asked, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" || len(asked) > 128 {
			t.Errorf("asked for %.200q", asked)
		}
	}
}

// TestJ9_CompactForm: a token has one spelling.
func TestJ9_CompactForm(t *testing.T) {
	ring := newRing(t, Slot{Key: keyES()})
	good := forge(t, keyES(), headerOf(keyES()).String(), goodClaims().String())
	part := strings.Split(good, ".")
	cases := map[string]string{
		"nothing":       "",
		"one part":      part[0],
		"two parts":     part[0] + "." + part[1],
		"four parts":    good + ".x",
		"five parts":    part[0] + "." + part[1] + "." + part[2] + "." + part[1] + "." + part[2],
		"only dots":     "..",
		"trailing dot":  good + ".",
		"leading dot":   "." + good,
		"no header":     "." + part[1] + "." + part[2],
		"no claims":     part[0] + ".." + part[2],
		"a scheme":      "Bearer " + good,
		"serialized":    `{"protected":"` + part[0] + `","payload":"` + part[1] + `","signature":"` + part[2] + `"}`,
		"serialized, 3": `{"payload":"` + part[1] + `","signatures":[{"protected":"` + part[0] + `.","signature":"` + part[2] + `."}]}`,
		"other symbols": strings.NewReplacer("-", "+", "_", "/").Replace(good + "_"),
		"percent":       good + "%3D",
	}
	for i, name := range []string{"header", "claims", "signature"} {
		for _, extra := range []string{"=", "==", " ", "\n", "\r", "\r\n", "\t", "\x00", "é", "\u200b", "*"} {
			changed := slices.Clone(part)
			changed[i] += extra
			cases[name+" with "+quote(extra)] = strings.Join(changed, ".")
			changed[i] = extra + part[i]
			cases[name+" after "+quote(extra)] = strings.Join(changed, ".")
			changed[i] = part[i][:4] + extra + part[i][4:]
			cases[name+" around "+quote(extra)] = strings.Join(changed, ".")
		}
	}
	for name, text := range cases {
		_, err := ring.Verify(text, start)
		if got := reasonOf(err); got != Malformed {
			t.Errorf("%s: got %v", name, err)
		}
	}
	_, err := ring.Verify(part[0]+"."+part[1]+".", start)
	wantReason(t, err, BadSignature) // CVE-2020-28042
	_, err = ring.Verify(good, start)
	wantReason(t, err, "")
}

// TestJ9_UnusedBits: what no bit of the content needs is zero.
func TestJ9_UnusedBits(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	ring := newRing(t, Slot{Key: keyES()})
	spellings := 0
	for pad := range 3 { // so that header and claims end at each of the three places
		header := headerOf(keyES()).with(members{"p": quote(strings.Repeat("p", pad))})
		claims := goodClaims().with(members{"p": quote(strings.Repeat("p", pad))})
		good := strings.Split(forge(t, keyES(), header.String(), claims.String()), ".")
		for i, part := range good {
			unused := map[int]int{0: 0, 2: 4, 3: 2}[len(part)%4] // bits
			last := strings.IndexByte(alphabet, part[len(part)-1])
			for bits := 1; bits < 1<<unused; bits++ {
				changed := slices.Clone(good)
				changed[i] = part[:len(part)-1] + string(alphabet[last|bits])
				_, err := ring.Verify(strings.Join(changed, "."), start)
				wantReason(t, err, Malformed)
				spellings++
			}
		}
	}
	if spellings < 50 {
		t.Errorf("only %d spellings", spellings)
	}
}

// TestJ12_Encrypted tokens are not known, nor what would make us derive a key
// from a password.
func TestJ12_Encrypted(t *testing.T) {
	cases := map[string]Reason{}
	for _, alg := range []string{"PBES2-HS256+A128KW", "RSA-OAEP-256", "RSA1_5", "ECDH-ES", "dir", "A256KW"} {
		cases[`{"alg":"`+alg+`","enc":"A128GCM","p2c":2000000000,"p2s":"AAAA","kid":"`+keyES().ID+`","typ":"at+jwt"}`] = WrongAlgorithm
	}
	refusals(t, cases, func(header string) string { return forge(t, keyES(), header, goodClaims().String()) })
	refusals(t, map[string]Reason{`{"alg":"dir","enc":"A128GCM","zip":"DEF"}`: Malformed}, func(header string) string {
		return encode(header) + "..AAAA.AAAA.AAAA"
	})
}
