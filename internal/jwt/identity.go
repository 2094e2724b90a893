package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"slices"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// MaxIssuerKeys bounds the key set of an issuer in bytes.
	MaxIssuerKeys = 256 << 10

	mostIssuerKeys   = 64
	identityAge      = time.Hour // how long ago an identity token may have been issued
	identityLifetime = 24 * time.Hour
	maxClaims        = 128 // that an identity token may have
	maxClaimText     = 1024
	exactIntegers    = 1 << 53 // above, readers of JSON differ
)

// Identity is what a verified identity token says (OpenID Connect Core 1.0
// section 2).
type Identity struct {
	Audience  []string
	Party     string // "azp"
	ExpiresAt time.Time
	// Once names the token among those of its issuer: by its jti or, where it
	// has none, by what was signed. A signature may have several spellings.
	Once [sha256.Size]byte
	// Claims are those that are texts, truth values or whole numbers, each as it
	// is written. No other can be asked for.
	Claims map[string]string
}

// PeekIssuer reads who a token says has issued it. Nothing is verified: it
// tells by whose keys to do so.
func PeekIssuer(token string) (string, error) {
	j, err := parse(token)
	if err != nil {
		return "", err
	}
	r := readClaims(j.payload)
	issuer := r.text("iss")
	return issuer, r.err
}

// ParseIssuerKeys reads the key set of an issuer (RFC 7517 section 5). What is
// no key that it signs with in a way we know is left out, as section 5 asks for:
// the set is not ours. One that says no algorithm has that of its type.
func ParseIssuerKeys(jwks []byte) (KeySet, error) {
	if len(jwks) > MaxIssuerKeys {
		return KeySet{}, BadKey.because("the key set has more than %d bytes", MaxIssuerKeys)
	}
	set, err := readObject(jwks, maxMembers)
	if err != nil {
		return KeySet{}, BadKey.because("the key set is %v", err)
	}
	var list []jsontext.Value
	if set["keys"].Kind() != '[' || json.Unmarshal(set["keys"], &list) != nil {
		return KeySet{}, BadKey.because("the key set has no list of keys")
	}
	keys, doubled := map[string]*publicKey{}, map[string]bool{}
	for _, value := range list[:min(len(list), mostIssuerKeys)] {
		id, key, err := parseIssuerKey(value)
		if err != nil || !validKeyID(id) {
			continue
		}
		doubled[id] = keys[id] != nil || doubled[id]
		keys[id] = key
	}
	for id, twice := range doubled { // which of them is meant can't be told
		if twice {
			delete(keys, id)
		}
	}
	if len(keys) == 0 {
		return KeySet{}, BadKey.because("the key set has no key that can be used")
	}
	return KeySet{keys}, nil
}

func parseIssuerKey(text []byte) (id string, key *publicKey, err error) {
	members, err := readObject(text, maxMembers)
	if err != nil {
		return "", nil, BadKey.because("the key is %v", err)
	}
	if members["alg"] != nil {
		return parseJWK(text)
	}
	if err := checkUse(members); err != nil {
		return "", nil, err
	}
	public, err := keyMembers(members)
	if err != nil {
		return "", nil, err
	}
	var read jose.JSONWebKey
	if read.UnmarshalJSON(public) != nil {
		return "", nil, BadKey.because("the members of the key are no key")
	}
	alg := Algorithm("")
	switch read.Key.(type) {
	case *rsa.PublicKey:
		alg = RS256
	case *ecdsa.PublicKey:
		alg = ES256
	case ed25519.PublicKey:
		alg = EdDSA
	}
	id, _ = members.text("kid")
	key, err = newPublicKey(alg, read.Key)
	return id, key, err
}

// Has reports whether there is a key with the id that a token names.
func (s KeySet) Has(token string) bool {
	j, err := parse(token)
	return err == nil && s.keys[j.keyID] != nil
}

// VerifyIdentity verifies an identity token of an issuer by its keys (OpenID
// Connect Core 1.0 section 3.1.3.7): form, signature, issuer and dates. For whom
// it is, and what it says of its bearer, is for the caller to judge; so is that
// it is taken once only. A token that is refused has a Reason.
func (s KeySet) VerifyIdentity(token, issuer string, now time.Time) (*Identity, error) {
	j, err := open(token, kindOfToken{is: isAssertion, key: func(id string) *publicKey { return s.keys[id] }})
	if err != nil {
		return nil, err
	}
	r := readClaims(j.payload)
	from := r.text("iss")
	out := &Identity{Audience: r.audiences(), Party: r.optionalText("azp"), ExpiresAt: r.date("exp")}
	issued, begins := r.date("iat"), r.optionalDate("nbf")
	r.require(len(r.object) <= maxClaims, "the token", "one of at most 128 claims")
	r.require(out.ExpiresAt.After(issued) && out.ExpiresAt.Sub(issued) <= identityLifetime, "exp", "at most a day after iat")
	r.require(!r.has("jti") || validAssertionID(r.optionalText("jti")), "jti", "1 to 255 visible ASCII characters")
	switch {
	case r.err != nil:
		return nil, r.err
	case from != issuer:
		return nil, WrongIssuer
	case !now.Before(out.ExpiresAt.Add(skew)):
		return nil, Expired
	case begins.After(now.Add(skew)), issued.After(now.Add(skew)):
		return nil, NotYetValid
	case now.Sub(issued) > identityAge+skew:
		return nil, Expired.because("it was issued more than an hour ago")
	}
	out.Claims = r.plain()
	name := "signed\x00" + j.signed
	if id := out.Claims["jti"]; id != "" {
		name = "jti\x00" + id
	}
	out.Once = sha256.Sum256([]byte("identity token\x00" + issuer + "\x00" + name))
	return out, nil
}

// audiences reads all audiences of a token.
func (r *claimReader) audiences() []string {
	if audience, ok := r.object.text("aud"); ok && audience != "" {
		return []string{audience}
	}
	return r.list("aud")
}

// plain are the claims that have one plain reading as a text.
func (r *claimReader) plain() map[string]string {
	claims := make(map[string]string, len(r.object))
	for name, value := range r.object {
		switch value.Kind() {
		case '"':
			if text, ok := unquote(value); ok && len(text) <= maxClaimText {
				claims[name] = text
			}
		case 't', 'f':
			claims[name] = string(value)
		case '0':
			n, err := strconv.ParseInt(string(value), 10, 64)
			if err == nil && -exactIntegers < n && n < exactIntegers && strconv.FormatInt(n, 10) == string(value) {
				claims[name] = string(value)
			}
		}
	}
	return claims
}

// ParseDiscovery reads where an issuer keeps its keys (OpenID Connect Discovery
// 1.0 section 4.3): the document must be of that very issuer.
func ParseDiscovery(document []byte, issuer string) (jwksURI string, err error) {
	r := readClaims(document)
	of, uri := r.text("issuer"), r.text("jwks_uri")
	switch {
	case r.err != nil:
		return "", r.err
	case of != issuer:
		return "", WrongIssuer.because("the document is another issuer's")
	case r.has("id_token_signing_alg_values_supported") && !slices.ContainsFunc(r.list("id_token_signing_alg_values_supported"),
		func(alg string) bool { return Algorithm(alg).known() }):
		return "", WrongAlgorithm.because("it signs in no way that is known here")
	}
	return uri, nil
}
