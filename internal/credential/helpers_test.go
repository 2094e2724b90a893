package credential

import (
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"
)

const (
	base62Digits    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	hexDigits       = "0123456789abcdef"
	crockfordDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// spelling is the text of a scheme as the design's table has it, written down
// a second time so that the code isn't its own judge.
type spelling struct {
	scheme, prefix, digits string
	body, checksum         int
}

func spellings() []spelling {
	return []spelling{
		{"betatesting_static", "btst_", base62Digits, 64, 6},
		{"betatesting_client", "btcs_", base62Digits, 40, 6},
		{"betahub_pat", "pat-", hexDigits, 64, 8},
		{"betahub_project_token", "tkn-", hexDigits, 64, 8},
		{"onetest_key", "ak_", crockfordDigits, 32, 6},
		{"bunship_live", "bsk_live_", base62Digits, 43, 6},
		{"bunship_test", "bsk_test_", base62Digits, 43, 6},
		{"testkase_pat", "tk_pat_", base62Digits, 40, 6},
		{"gatehouse_key", "gate_", base62Digits, 40, 6},
	}
}

// sum is the checksum of prefix and random part, by the words of the design.
func (s spelling) sum(text string) string {
	n := uint64(crc32.ChecksumIEEE([]byte(text)))
	if s.digits == crockfordDigits {
		n %= 1 << 30
	}
	out := ""
	for range s.checksum {
		out = string(s.digits[n%uint64(len(s.digits))]) + out
		n /= uint64(len(s.digits))
	}
	return out
}

func builtins(t testing.TB) *Schemes {
	t.Helper()
	set, err := NewSchemes()
	if err != nil {
		t.Fatalf("NewSchemes: got %v, want no error", err)
	}
	return set
}

// stream is random enough for statistics and the same on every run.
func stream(name string) io.Reader {
	var seed [32]byte
	copy(seed[:], name)
	return rand.NewChaCha8(seed)
}

func generate(t testing.TB, f Format, random io.Reader) string {
	t.Helper()
	secret, err := f.Generate(random)
	if err != nil {
		t.Fatalf("Generate(%s…): got %v, want no error", f.Prefix, err)
	}
	return secret.Reveal()
}

// samples is one secret of every built-in scheme, by its name.
func samples(t testing.TB) map[string]string {
	t.Helper()
	list := map[string]string{}
	for _, s := range builtins(t).All() {
		list[s.Name] = generate(t, s.Text, stream(s.Name))
	}
	return list
}
