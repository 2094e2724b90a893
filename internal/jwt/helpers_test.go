package jwt

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	issuer   = "https://gatehouse.test"
	audience = "https://gatehouse.test/v1"
)

var start = time.Date(2026, time.November, 1, 12, 0, 0, 0, time.UTC)

// keys of which one for all tests will do.
var (
	keyES = sync.OnceValue(func() *Key { return mustGenerate(ES256) })
	keyRS = sync.OnceValue(func() *Key { return mustGenerate(RS256) })
)

func mustGenerate(alg Algorithm) *Key {
	key, err := Generate(alg, rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func newRing(t testing.TB, slots ...Slot) *Ring {
	t.Helper()
	ring, err := NewRing(issuer, audience, slots)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func someClaims() Claims {
	return Claims{
		Subject: "user-1", ClientID: "client-1", Scope: []string{"issues:read", "issues:write"},
		ID: "token-1", ExpiresAt: start.Add(time.Hour),
	}
}

func mustSign(t testing.TB, ring *Ring, c Claims, now time.Time) string {
	t.Helper()
	token, err := ring.Sign(c, now)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// members are those of a JSON object, each as JSON; "" is one that is absent.
type members map[string]string

func (m members) with(changes members) members {
	changed := maps.Clone(m)
	maps.Copy(changed, changes)
	return changed
}

func (m members) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if m[name] != "" {
			parts = append(parts, quote(name)+":"+m[name])
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func quote(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

func headerOf(k *Key) members {
	return members{"alg": quote(string(k.Algorithm)), "kid": quote(k.ID), "typ": `"at+jwt"`}
}

func goodClaims() members {
	return members{
		"iss": quote(issuer), "sub": `"user-1"`, "client_id": `"client-1"`, "aud": "[" + quote(audience) + "]",
		"scope": `"issues:read"`, "jti": `"token-1"`, "iat": "1793534400", "exp": "1793538000", // start and an hour later
	}
}

// forge signs any header and any payload.
func forge(t testing.TB, k *Key, header, payload string) string {
	t.Helper()
	signed := encode(header) + "." + encode(payload)
	signature, err := k.sign(signed)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64url.EncodeToString(signature)
}

func forgeHMAC(header, payload string, secret []byte) string {
	signed := encode(header) + "." + encode(payload)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + base64url.EncodeToString(mac.Sum(nil))
}

func encode(text string) string { return base64url.EncodeToString([]byte(text)) }

// reasonOf returns the reason of a refusal, "" where there is none.
func reasonOf(err error) Reason {
	var reason Reason
	errors.As(err, &reason)
	return reason
}

func wantReason(t *testing.T, err error, want Reason) {
	t.Helper()
	if got := reasonOf(err); got != want || want != "" && !errors.Is(err, want) || want == "" && err != nil {
		t.Errorf("got %v, want %q", err, want)
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, name), v); err != nil {
		t.Fatal(err)
	}
}

func (r *Ring) slots() (slots []Slot) {
	for _, s := range r.seats {
		slots = append(slots, s.Slot)
	}
	return slots
}

func publishedKeys(t testing.TB, jwks []byte) (keys []object) {
	t.Helper()
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatal(err)
	}
	for _, raw := range set.Keys {
		key, err := readObject(raw, maxMembers)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

func publishedIDs(t testing.TB, jwks []byte) (ids []string) {
	for _, key := range publishedKeys(t, jwks) {
		ids = append(ids, textOf(key, "kid"))
	}
	return ids
}

func textOf(o object, name string) string {
	text, _ := o.text(name)
	return text
}

func sortedNames(o object) []string { return slices.Sorted(maps.Keys(o)) }

func ids(keys []*Key) (ids []string) {
	for _, key := range keys {
		ids = append(ids, idOf(key))
	}
	return ids
}

func idOf(k *Key) string {
	if k == nil {
		return ""
	}
	return k.ID
}

func keyIDOf(t testing.TB, token string) string {
	t.Helper()
	if token == "" {
		return ""
	}
	j, err := parse(token)
	if err != nil {
		t.Fatal(err)
	}
	return j.keyID
}
