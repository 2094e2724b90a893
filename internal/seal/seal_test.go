package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/quick"
)

func newRoot(t testing.TB) *Root {
	t.Helper()
	root, err := Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// TestK4_PurposesAreApart: no two purposes share a key, no two root keys do.
func TestK4_PurposesAreApart(t *testing.T) {
	root, other := newRoot(t), newRoot(t)
	seen := map[string]Purpose{}
	for _, p := range []Purpose{LookupKeys, Cursors, AuditHeads, Idempotency, SetupCodes, SealedFields, Forms, Consoles, Imports, identity} {
		key := hex.EncodeToString(root.Derive(p))
		if q, twice := seen[key]; twice {
			t.Errorf("%s and %s have one key", p, q)
		}
		seen[key] = p
		if bytes.Equal(root.Derive(p), other.Derive(p)) {
			t.Errorf("%s: two root keys derive the same", p)
		}
	}
}

// TestK5_MACIsInjective: fields that run together the same way differ.
func TestK5_MACIsInjective(t *testing.T) {
	root := newRoot(t)
	same := func(a, b [][]byte) bool { return bytes.Equal(root.MAC(Cursors, a...), root.MAC(Cursors, b...)) }
	property := func(a, b []byte, cut uint8) bool {
		whole := append(append([]byte{}, a...), b...)
		i := int(cut) % (len(whole) + 1)
		moved := [][]byte{whole[:i], whole[i:]}
		return same([][]byte{a, b}, moved) == (i == len(a)) && !same([][]byte{a, b}, [][]byte{whole})
	}
	if err := quick.Check(property, nil); err != nil {
		t.Error(err)
	}
}

// TestK10_GuessableKeys are refused, however they are written.
func TestK10_GuessableKeys(t *testing.T) {
	text, err := os.ReadFile("testdata/weak-secrets.txt")
	if err != nil {
		t.Fatal(err)
	}
	weak := strings.Split(strings.TrimSpace(string(text)), "\n")
	var counting [32]byte
	for i := range counting {
		counting[i] = byte(i)
	}
	weak = append(weak, "", "x", strings.Repeat("0", 64), strings.Repeat("ab", 32), hex.EncodeToString(counting[:]),
		hex.EncodeToString(bytes.Repeat([]byte("0123456789abcdef"), 2)), base64.StdEncoding.EncodeToString([]byte("correct horse battery staple ok!")),
		strings.Repeat("9f", 16), strings.Repeat("9f8a7b6c", 16))
	for _, w := range weak {
		if root, err := Parse(w); err == nil {
			t.Errorf("%q is taken for a root key: %v", w, root)
		}
	}
}

// TestParse takes a good key in every spelling for the same key.
func TestParse(t *testing.T) {
	for range 2000 {
		root := newRoot(t)
		for _, text := range []string{
			root.Text(), strings.ToUpper(root.Text()), root.Text() + "\n", base64.StdEncoding.EncodeToString(root.key[:]),
			base64.RawStdEncoding.EncodeToString(root.key[:]), base64.URLEncoding.EncodeToString(root.key[:]),
		} {
			got, err := Parse(text)
			if err != nil || got.Identity() != root.Identity() {
				t.Fatalf("%q: got %v, %v, want %v", text, got, err, root)
			}
		}
	}
}

// TestRootHidesItself under every verb.
func TestRootHidesItself(t *testing.T) {
	root := newRoot(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out := fmt.Sprintf(verb, root)
		if strings.Contains(out, root.Text()) || strings.Contains(out, fmt.Sprint(root.key[0], root.key[1])) || out != root.String() {
			t.Errorf("%s shows %s", verb, out)
		}
	}
}

// TestK14_SealedFields open only whole, in their own row, with their own key.
func TestK14_SealedFields(t *testing.T) {
	root := newRoot(t)
	sealed, err := root.Seal(rand.Reader, "users 7", []byte("seed"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := root.Open("users 7", sealed); err != nil || string(got) != "seed" {
		t.Fatalf("got %q, %v", got, err)
	}
	wrong := map[string]func() ([]byte, error){
		"another row": func() ([]byte, error) { return root.Open("users 8", sealed) },
		"another key": func() ([]byte, error) { return newRoot(t).Open("users 7", sealed) },
		"nothing":     func() ([]byte, error) { return root.Open("users 7", nil) },
		"truncated":   func() ([]byte, error) { return root.Open("users 7", sealed[:len(sealed)-1]) },
	}
	for i := range sealed {
		for bit := range 8 {
			wrong[fmt.Sprintf("bit %d of byte %d", bit, i)] = func() ([]byte, error) {
				flipped := bytes.Clone(sealed)
				flipped[i] ^= 1 << bit
				return root.Open("users 7", flipped)
			}
		}
	}
	for name, open := range wrong {
		if got, err := open(); err == nil || !strings.Contains(err.Error(), "users ") {
			t.Errorf("%s: got %q, %v, want an error that names the row", name, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(strings.Repeat("9f", 32))
	f.Add("AgWe-lJvQslHjNdqOa2_Wwy9JB3GE3d8GzMfC418I6j=")
	f.Fuzz(func(t *testing.T, text string) {
		root, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(root.Text()); err != nil || again.Identity() != root.Identity() {
			t.Errorf("%q: its own text is %v, %v", text, again, err)
		}
	})
}
