package jwt

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxKeySet  = 64 << 10 // bytes, certificate chains among them
	maxKeys    = 8
	maxMembers = 8 // levels of nesting
)

// KeySet holds the public keys of a client, by their ids. It is immutable.
type KeySet struct{ keys map[string]*publicKey }

// IDs are the ids of the keys, in order.
func (s KeySet) IDs() []string { return slices.Sorted(maps.Keys(s.keys)) }

// ParseKeySet reads a JWK Set (RFC 7517 section 5) of 1 to 8 keys. One bad key
// refuses the whole set, as BadKey with a text that may be shown: no alg or kid,
// a kid that another key has, private members, a use other than signing, a key
// that is weak or doesn't fit its algorithm.
func ParseKeySet(jwks []byte) (KeySet, error) {
	if len(jwks) > maxKeySet {
		return KeySet{}, BadKey.because("the key set has more than %d bytes", maxKeySet)
	}
	set, err := readObject(jwks, maxMembers)
	if err != nil {
		return KeySet{}, BadKey.because("the key set is %v", err)
	}
	var list []jsontext.Value
	if set["keys"].Kind() != '[' || json.Unmarshal(set["keys"], &list) != nil {
		return KeySet{}, BadKey.because("the key set has no list of keys")
	}
	if len(list) < 1 || len(list) > maxKeys {
		return KeySet{}, BadKey.because("the key set must have 1 to %d keys", maxKeys)
	}
	keys := make(map[string]*publicKey, len(list))
	for i, value := range list {
		id, key, err := parseJWK(value)
		switch {
		case err != nil:
			return KeySet{}, fmt.Errorf("keys.%d: %w", i, err)
		case !validKeyID(id):
			return KeySet{}, BadKey.because("keys.%d: kid must be 1 to %d of A-Z a-z 0-9 - _", i, maxKeyID)
		case keys[id] != nil:
			return KeySet{}, BadKey.because("keys.%d: another key has this kid", i)
		}
		keys[id] = key
	}
	return KeySet{keys}, nil
}

// parseJWK reads one public key (RFC 7517 section 4, RFC 7518 section 6).
// go-jose is given the members of the key and nothing else that stands there.
func parseJWK(text []byte) (id string, key *publicKey, err error) {
	members, err := readObject(text, maxMembers)
	if err != nil {
		return "", nil, BadKey.because("the key is %v", err)
	}
	if err := checkUse(members); err != nil {
		return "", nil, err
	}
	alg, _ := members.text("alg")
	if !Algorithm(alg).known() {
		return "", nil, BadKey.because("alg must be one of %s", strings.Join(Algorithms(), ", "))
	}
	public, err := keyMembers(members)
	if err != nil {
		return "", nil, err
	}
	var read jose.JSONWebKey
	if read.UnmarshalJSON(public) != nil {
		return "", nil, BadKey.because("the members of the key are no key")
	}
	id, _ = members.text("kid")
	key, err = newPublicKey(Algorithm(alg), read.Key)
	return id, key, err
}

// checkUse refuses keys that are not, or not only, for others to verify with.
func checkUse(members object) error {
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if members[name] != nil {
			return BadKey.because("it is a private key: %s must not be sent", name)
		}
	}
	if use, _ := members.text("use"); members["use"] != nil && use != "sig" {
		return BadKey.because("use must be sig")
	}
	if ops, _ := members.list("key_ops"); members["key_ops"] != nil && !slices.Contains(ops, "verify") {
		return BadKey.because("key_ops must have verify")
	}
	return nil
}

// keyMembers writes a JWK of the members that make up the key.
func keyMembers(members object) ([]byte, error) {
	kty, _ := members.text("kty")
	names := map[string][]string{"EC": {"x", "y"}, "OKP": {"x"}, "RSA": {"n", "e"}}[kty]
	if names == nil {
		return nil, BadKey.because("kty must be EC, RSA or OKP")
	}
	public := map[string]string{"kty": kty}
	if kty != "RSA" {
		public["crv"], _ = members.text("crv")
	}
	for _, name := range names {
		text, _ := members.text(name)
		number, err := base64url.DecodeString(text)
		// RFC 7518 section 6.3.1: the numbers of RSA have no leading zeros.
		if err != nil || len(number) == 0 || kty == "RSA" && number[0] == 0 {
			return nil, BadKey.because("%s must be a number in base64url", name)
		}
		public[name] = text
	}
	return json.Marshal(public)
}
