// Package seal holds the root key and everything derived from it: one key per
// purpose, message authentication, and envelope encryption of the few secrets
// that must be readable again.
//
// The root key never leaves this package. Keys of different purposes are
// independent (HKDF with a label of its own), so what one endpoint hands out
// means nothing at another. Each output carries the version of the root key
// that made it.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// published lists root keys that stand in public documentation and code.
//
//go:embed weak.txt
var published string

// Size is the length of a root key in bytes.
const Size = 32

// Purpose labels a derived key. Two purposes never share one.
type Purpose string

// The purposes that keys are derived for.
const (
	LookupKeys   Purpose = "lookup keys"   // how secrets are stored and found
	Cursors      Purpose = "page cursors"  // what makes a cursor tamper-proof
	AuditHeads   Purpose = "audit heads"   // what makes a cut-off audit chain show
	Idempotency  Purpose = "idempotency"   // how Idempotency-Keys are stored
	SetupCodes   Purpose = "set-up codes"  // how one-time set-up codes are stored
	SealedFields Purpose = "sealed fields" // secrets that must be readable again
	Links        Purpose = "links"         // how one-time links are stored
	Accounts     Purpose = "accounts"      // how attempts to sign in are counted
	BackupCodes  Purpose = "backup codes"  // how the codes of a second factor are stored
	Consoles     Purpose = "consoles"      // how the operator's way into the console is stored
	Forms        Purpose = "forms"         // what a page proves that sends a form
	Reports      Purpose = "reports"       // what signs the tokens of single reports
	Uploads      Purpose = "uploads"       // what makes the id of an upload tamper-proof
	Imports      Purpose = "imports"       // how imported secrets are found until they are seen
	identity     Purpose = "identity"
)

// Root is a root key of one version. It prints as its identity. During an
// overlap there are others beside it, which are still understood.
type Root struct {
	key     [Size]byte
	version int
	older   []*Root
}

// Generate draws a new root key, version 1.
func Generate(random io.Reader) (*Root, error) {
	root := &Root{version: 1}
	if _, err := io.ReadFull(random, root.key[:]); err != nil {
		return nil, fmt.Errorf("draw a root key: %w", err)
	}
	return root, nil
}

// Parse reads a root key: 32 bytes as 64 hexadecimal digits or in base64.
// Keys that anybody could guess are refused.
func Parse(text string) (*Root, error) {
	text = strings.TrimSpace(text)
	key, err := decode(text)
	switch {
	case err != nil || len(key) != Size:
		return nil, errors.New("a root key is 64 hexadecimal digits, or the base64 of 32 bytes; make one with: openssl rand -hex 32")
	case guessable(key):
		return nil, errors.New("this root key is a sample or has a pattern, anybody can guess it; make one with: openssl rand -hex 32")
	}
	return &Root{key: [Size]byte(key), version: 1}, nil
}

func decode(text string) ([]byte, error) {
	if len(text) == 2*Size {
		if key, err := hex.DecodeString(text); err == nil {
			return key, nil
		}
	}
	text = strings.TrimRight(text, "=")
	if strings.ContainsAny(text, "-_") {
		return base64.RawURLEncoding.Strict().DecodeString(text)
	}
	return base64.RawStdEncoding.Strict().DecodeString(text)
}

// guessable refuses keys with too few different bytes, runs that count up or
// down, and keys that are readable text: random bytes are none of these.
func guessable(key []byte) bool {
	var seen [256]bool
	different, steps, printable := 0, 0, 0
	for i, b := range key {
		if !seen[b] {
			seen[b] = true
			different++
		}
		if i > 0 && (b == key[i-1]+1 || b == key[i-1]-1 || b == key[i-1]) {
			steps++
		}
		if b >= ' ' && b <= '~' {
			printable++
		}
	}
	return different < 16 || steps > Size/2 || printable == Size || repeats(key) ||
		strings.Contains(published, hex.EncodeToString(key))
}

// repeats reports whether the key is a shorter piece written several times.
func repeats(key []byte) bool {
	for n := 1; n <= len(key)/2; n++ {
		same := true
		for i := n; i < len(key) && same; i++ {
			same = key[i] == key[i-n]
		}
		if same {
			return true
		}
	}
	return false
}

// Text returns the key as it is written to a key file.
func (r *Root) Text() string { return hex.EncodeToString(r.key[:]) }

// Version is the number that stands beside everything this key made.
func (r *Root) Version() int { return r.version }

// Identity names the key without revealing it: 16 hexadecimal digits.
func (r *Root) Identity() string { return hex.EncodeToString(r.Derive(identity)[:8]) }

// String implements fmt.Stringer by the identity.
func (r *Root) String() string { return "root key " + r.Identity() }

// Format implements fmt.Formatter, so that no verb shows the key.
func (r *Root) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// Derive returns the 32-byte key of a purpose (HKDF-SHA-256, RFC 5869).
func (r *Root) Derive(p Purpose) []byte {
	key, err := hkdf.Key(sha256.New, r.key[:], nil, "gatehouse/v1/"+string(p), Size)
	if err != nil {
		panic(err) // only for lengths that HKDF can't give
	}
	return key
}

// MAC authenticates fields under the key of a purpose. Each field is led by
// its length, so that no two lists of fields have the same MAC.
func (r *Root) MAC(p Purpose, fields ...[]byte) []byte {
	mac := hmac.New(sha256.New, r.Derive(p))
	var length [8]byte
	for _, field := range fields {
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		mac.Write(length[:])
		mac.Write(field)
	}
	return mac.Sum(nil)
}

// Seal encrypts plaintext (AES-256-GCM, random nonce), bound to the row that
// it belongs to: it can be opened nowhere else.
func (r *Root) Seal(random io.Reader, row string, plaintext []byte) ([]byte, error) {
	aead := r.aead()
	sealed := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plaintext)+aead.Overhead())
	if _, err := io.ReadFull(random, sealed); err != nil {
		return nil, fmt.Errorf("seal %s: %w", row, err)
	}
	return aead.Seal(sealed, sealed, plaintext, []byte(row)), nil
}

// Open decrypts what Seal made for the same row. The error names the row.
func (r *Root) Open(row string, sealed []byte) ([]byte, error) {
	for _, root := range r.All() {
		aead := root.aead()
		if len(sealed) < aead.NonceSize() {
			return nil, fmt.Errorf("open the sealed field of %s: too short", row)
		}
		plaintext, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(row))
		if err == nil {
			return plaintext, nil
		}
	}
	return nil, fmt.Errorf("open the sealed field of %s: it was changed, or sealed for another row or by another key", row)
}

func (r *Root) aead() cipher.AEAD {
	block, err := aes.NewCipher(r.Derive(SealedFields))
	if err != nil {
		panic(err) // only for key lengths that AES doesn't know
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only for block sizes that GCM doesn't know
	}
	return aead
}
