package jwt

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vectors is a file of Wycheproof.
type vectors struct {
	NumberOfTests int
	TestGroups    []struct {
		Comment         string
		Public, Private members
		PublicKeyJwk    members // of bare signatures, where there is one
		PublicKey       struct{ Wx, Wy string }
		KeyJwk          members
		Tests           []vector
	}
}

type vector struct {
	ID                         int `json:"tcId"`
	Comment, Result            string
	JWS, JWE                   json.RawMessage
	Message, Sig, Tag, HMACKey string
}

// UnmarshalJSON takes the names that raw signatures and MACs have.
func (v *vector) UnmarshalJSON(text []byte) error {
	type plain vector
	extra := struct {
		*plain
		Msg, Key string
	}{plain: (*plain)(v)}
	err := json.Unmarshal(text, &extra)
	v.Message, v.HMACKey = extra.Msg, extra.Key
	return err
}

// UnmarshalJSON keeps the members of a key as they are.
func (m *members) UnmarshalJSON(text []byte) error {
	var raw map[string]json.RawMessage
	err := json.Unmarshal(text, &raw)
	*m = members{}
	for name, value := range raw {
		(*m)[name] = string(value)
	}
	return err
}

// compact returns a token as it is sent: the text, or the JSON of what isn't one.
func compact(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return string(raw)
	}
	return text
}

// outcome is how many vectors had what end; "" are those that were taken.
type outcome map[Reason]int

// verifyVector verifies a plain JWS: what a token takes, without typ and claims.
// A key alone goes by itself, a set by the kid of the token.
func verifyVector(key members, token string) error {
	if _, set := key["keys"]; set {
		keys, err := ParseKeySet([]byte(key.String()))
		if err != nil {
			return err
		}
		_, err = open(token, kindOfToken{is: func(*jws) bool { return true }, key: func(id string) *publicKey { return keys.keys[id] }})
		return err
	}
	_, public, err := parseJWK([]byte(key.String()))
	if err != nil {
		return err
	}
	j, err := parse(token)
	if err != nil {
		return err
	}
	return j.verify(public)
}

// TestJ1_J2_J3_J9_Wycheproof runs the vectors for JWS and JWK. Of the valid
// ones those are refused that we don't want: 19 by keys for HS256, RS384, RS512,
// PS384, PS512, ES512 and so on, an empty payload, and PS384 by a key for PS256.
func TestJ1_J2_J3_J9_Wycheproof(t *testing.T) {
	for file, want := range map[string]struct{ valid, invalid outcome }{
		"json_web_signature": {
			valid:   outcome{"": 9, BadKey: 15, Malformed: 1, WrongAlgorithm: 1},
			invalid: outcome{BadKey: 25, BadSignature: 143, Malformed: 8, WrongAlgorithm: 1},
		},
		"json_web_key": {
			valid:   outcome{"": 1, BadKey: 1},
			invalid: outcome{BadKey: 11},
		},
		"json_web_crypto": {
			valid:   outcome{"": 2, BadKey: 3},
			invalid: outcome{BadKey: 26, BadSignature: 4, Malformed: 8, WrongAlgorithm: 1},
		},
	} {
		var v vectors
		readJSON(t, "wycheproof/"+file+"_test.json", &v)
		got := map[string]outcome{"valid": {}, "invalid": {}}
		n := 0
		for _, group := range v.TestGroups {
			key := group.Public
			if key == nil {
				key = group.Private
			}
			for _, c := range group.Tests {
				raw := c.JWS
				if raw == nil {
					raw = c.JWE
				}
				err := verifyVector(key, compact(raw))
				got[c.Result][reasonOf(err)]++
				if err == nil && c.Result != "valid" || err != nil && reasonOf(err) == "" {
					t.Errorf("%s %d, %s: %v", file, c.ID, c.Comment, err)
				}
				n++
			}
		}
		if diff := cmp.Diff(got, map[string]outcome{"valid": want.valid, "invalid": want.invalid}); diff != "" || n != v.NumberOfTests {
			t.Errorf("%s, %d of %d: -got +want\n%s", file, n, v.NumberOfTests, diff)
		}
	}
}

// TestJ3_Wycheproof runs the vectors for bare signatures. One valid one is by
// an RSA key with the exponent 3, which is refused.
func TestJ3_Wycheproof(t *testing.T) {
	for file, want := range map[string]struct {
		alg            Algorithm
		valid, invalid int
	}{
		"ecdsa_secp256r1_sha256_p1363": {ES256, 88, 44},
		"ed25519":                      {EdDSA, 45, 31},
		"rsa_signature_2048_sha256":    {RS256, 4, 126},
		"rsa_pss_2048_sha256_mgf1_32":  {PS256, 32, 22},
	} {
		var v vectors
		readJSON(t, "wycheproof/"+file+"_test.json", &v)
		taken, refused := 0, 0
		for _, group := range v.TestGroups {
			key := group.PublicKeyJwk
			switch {
			case group.KeyJwk != nil:
				key = group.KeyJwk
			case key == nil:
				key = members{"kty": `"EC"`, "crv": `"P-256"`, "x": coordinate(t, group.PublicKey.Wx), "y": coordinate(t, group.PublicKey.Wy)}
			}
			_, public, err := parseJWK([]byte(key.with(members{"alg": quote(string(want.alg))}).String()))
			if err != nil && key["e"] == `"Aw"` {
				refused += len(group.Tests)
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v: %v", file, err, key)
			}
			for _, c := range group.Tests {
				message, err1 := hex.DecodeString(c.Message)
				signature, err2 := hex.DecodeString(c.Sig)
				if err1 != nil || err2 != nil {
					t.Fatal(err1, err2)
				}
				ok := public.verify(string(message), signature)
				if ok != (c.Result == "valid") {
					t.Errorf("%s %d, %s: %v, and it is %s", file, c.ID, c.Comment, ok, c.Result)
				}
				if ok {
					taken++
				} else {
					refused++
				}
			}
		}
		if taken != want.valid || refused != want.invalid {
			t.Errorf("%s: %d taken and %d refused, want %d and %d", file, taken, refused, want.valid, want.invalid)
		}
	}
}

// coordinate writes a number of 32 bytes as in a JWK.
func coordinate(t *testing.T, digits string) string {
	t.Helper()
	number, ok := new(big.Int).SetString(digits, 16)
	if !ok {
		t.Fatalf("no number: %q", digits)
	}
	return quote(base64url.EncodeToString(number.FillBytes(make([]byte, 32))))
}

// TestJ1_WycheproofMAC: no MAC is a signature, also none that is right.
func TestJ1_WycheproofMAC(t *testing.T) {
	ring := newRing(t, Slot{Key: keyES()}, Slot{Key: keyRS()})
	n := 0
	for _, size := range []string{"256", "384", "512"} {
		var v vectors
		readJSON(t, "wycheproof/hmac_sha"+size+"_test.json", &v)
		for _, group := range v.TestGroups {
			for _, c := range group.Tests {
				message, err1 := hex.DecodeString(c.Message)
				tag, err2 := hex.DecodeString(c.Tag)
				key, err3 := hex.DecodeString(c.HMACKey)
				if err1 != nil || err2 != nil || err3 != nil {
					t.Fatal(err1, err2, err3)
				}
				for _, ours := range []*Key{keyES(), keyRS()} {
					for alg, want := range map[string]Reason{"HS" + size: WrongAlgorithm, string(ours.Algorithm): BadSignature} {
						header := headerOf(ours).with(members{"alg": quote(alg)}).String()
						_, err := ring.Verify(encode(header)+"."+encode(string(message)+" ")+"."+base64url.EncodeToString(tag), start)
						wantReason(t, err, want)
						_, err = ring.Verify(forgeHMAC(header, goodClaims().String(), key), start)
						wantReason(t, err, want)
					}
				}
				n++
			}
		}
	}
	if n != 3*87 {
		t.Errorf("%d vectors", n)
	}
}

// TestJ9_J12_WycheproofJWE: an encrypted token is never a signed one.
func TestJ9_J12_WycheproofJWE(t *testing.T) {
	ring := newRing(t, Slot{Key: keyES()})
	var v vectors
	readJSON(t, "wycheproof/json_web_encryption_test.json", &v)
	n := 0
	for _, group := range v.TestGroups {
		for _, c := range group.Tests {
			token := compact(c.JWE)
			want := Malformed
			if len(token) > MaxSize {
				want = TooLarge
			}
			_, err := ring.Verify(token, start)
			if got := reasonOf(err); got != want {
				t.Errorf("%d, %s: %v", c.ID, c.Comment, err)
			}
			n++
		}
	}
	if n != v.NumberOfTests || n != 71 {
		t.Errorf("%d vectors of %d", n, v.NumberOfTests)
	}
}

// TestJ1_J4_J9_Cookbook runs the examples of RFC 7520, RFC 7797 and RFC 8037.
func TestJ1_J4_J9_Cookbook(t *testing.T) {
	for file, want := range map[string]Reason{
		"4_1.rsa_v15_signature":                 "",
		"ed25519":                               "",
		"4_2.rsa-pss_signature":                 WrongAlgorithm, // PS384
		"4_3.ecdsa_signature":                   WrongAlgorithm, // ES512
		"4_4.hmac-sha2_integrity_protection":    WrongAlgorithm,
		"4_5.signature_with_detached_content":   Malformed,
		"hmac-sha2_b64_false":                   Critical,
		"4_6.protecting_specific_header_fields": Malformed, // the others have no compact form
		"4_7.protecting_content_only":           Malformed,
		"4_8.multiple_signatures":               Malformed,
		"4.2.hmac-sha2_b64_false":               Malformed,
	} {
		var example struct {
			Input  struct{ Key json.RawMessage }
			Output map[string]json.RawMessage
		}
		readJSON(t, "jose-cookbook/"+file+".json", &example)
		tokens := 0
		for form, raw := range example.Output {
			want := want
			if form != "compact" {
				want = Malformed
			}
			tokens++
			wantReason(t, verifyExample(t, example.Input.Key, compact(raw)), want)
		}
		if tokens == 0 {
			t.Errorf("%s has no token", file)
		}
	}
	files, err := os.ReadDir("testdata/jose-cookbook")
	if err != nil || len(files) != 11 {
		t.Errorf("%d files: %v", len(files), err)
	}
}

// verifyExample verifies a token by the public part of its key. The keys of the
// cookbook have no alg, so that as they are they are refused.
func verifyExample(t *testing.T, key json.RawMessage, token string) error {
	t.Helper()
	j, err := parse(token)
	if err != nil {
		return err
	}
	if !Algorithm(j.algorithm).known() {
		return WrongAlgorithm
	}
	var private members
	if err := json.Unmarshal(key, &private); err != nil {
		t.Fatal(err)
	}
	public := private.with(members{"d": "", "p": "", "q": "", "dp": "", "dq": "", "qi": ""})
	for _, refused := range []members{private, public} {
		_, _, err := parseJWK([]byte(refused.String()))
		wantReason(t, err, BadKey)
	}
	_, read, err := parseJWK([]byte(public.with(members{"alg": quote(j.algorithm)}).String()))
	if err != nil {
		return err
	}
	broken := *j
	broken.signed = strings.Replace(j.signed, ".", ".A", 1)
	wantReason(t, broken.verify(read), BadSignature)
	return j.verify(read)
}
