package credential

import (
	"bytes"
	"errors"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// TestK7_GeneratedText: what is issued is exactly the documented prefix,
// alphabet and length, and ends in the documented checksum.
func TestK7_GeneratedText(t *testing.T) {
	set := builtins(t)
	names := []string{}
	for _, want := range spellings() {
		names = append(names, want.scheme)
		t.Run(want.scheme, func(t *testing.T) {
			random := stream(want.scheme)
			pattern := regexp.MustCompile("^(?:" + set.ByName(want.scheme).Text.Pattern() + ")$")
			for range 500 {
				text := generate(t, set.ByName(want.scheme).Text, random)
				body, ok := strings.CutPrefix(text, want.prefix)
				if !ok || len(body) != want.body || strings.Trim(body, want.digits) != "" {
					t.Fatalf("got %q, want %q and %d characters of %s", text, want.prefix, want.body, want.digits)
				}
				cut := len(text) - want.checksum
				if got, want := text[cut:], want.sum(text[:cut]); got != want {
					t.Fatalf("%q: got checksum %q, want %q", text, got, want)
				}
				if !pattern.MatchString(text) {
					t.Fatalf("%q: Pattern %s got no match, want one", text, pattern)
				}
			}
		})
	}
	got := []string{}
	for _, s := range set.All() {
		got = append(got, s.Name)
	}
	if diff := cmp.Diff(got, names); diff != "" {
		t.Errorf("the table of this test must hold every built-in scheme (-got +want):\n%s", diff)
	}
}

// steps yields the bytes 11, 48, 85, …: each is 37 more than the one before.
type steps struct{ next byte }

func (s *steps) Read(p []byte) (int, error) {
	for i := range p {
		p[i], s.next = s.next, s.next+37
	}
	return len(p), nil
}

// TestK7_FixedVectors: the same random bytes give the same text in another
// language; these were computed in Python with zlib.crc32.
func TestK7_FixedVectors(t *testing.T) {
	set := builtins(t)
	for _, c := range []struct{ scheme, want string }{
		{"betatesting_static", "btst_BmNyZAlEpQ1cDoHsT4fGrKvW7iJuNyZAlMxQ1cDoPT4fGrSW7iJuVZAlMx2jvmFs"},
		{"betatesting_client", "btcs_BmNyZAlEpQ1cDoHsT4fGrKvW7iJuNyZAlM32XNNU"},
		{"betahub_pat", "pat-b05af49e38d27c16b05af49e38d27c16b05af49e38d27c16b05af49ee14dee75"},
		{"betahub_project_token", "tkn-b05af49e38d27c16b05af49e38d27c16b05af49e38d27c16b05af49e8b8875e8"},
		{"onetest_key", "ak_BGNTZ49EKRX27CHPV05AFMSY38SRXAER"},
		{"bunship_live", "bsk_live_BmNyZAlEpQ1cDoHsT4fGrKvW7iJuNyZAlMxQ11KX0dX"},
		{"bunship_test", "bsk_test_BmNyZAlEpQ1cDoHsT4fGrKvW7iJuNyZAlMxQ11xe4X1"},
		{"testkase_pat", "tk_pat_BmNyZAlEpQ1cDoHsT4fGrKvW7iJuNyZAlM12uSdl"},
		{"gatehouse_key", "gate_BmNyZAlEpQ1cDoHsT4fGrKvW7iJuNyZAlM0NeTao"},
	} {
		if got := generate(t, set.ByName(c.scheme).Text, &steps{11}); got != c.want {
			t.Errorf("%s: got %q, want %q", c.scheme, got, c.want)
		}
		if s, ok := set.Parse(c.want); !ok || s.Name != c.scheme {
			t.Errorf("Parse(%q): got %v, want %s", c.want, ok, c.scheme)
		}
	}
	if got, want := generate(t, *set.ByName("betatesting_client").ClientID, &steps{11}), "btci_BmNyZAlEpQ1cDo0ZikS4"; got != want {
		t.Errorf("client id: got %q, want %q", got, want)
	}
}

// TestK7_ChecksumIsLeftPadded: a small checksum is filled with zeros on the
// left; these texts were found and computed in Python.
func TestK7_ChecksumIsLeftPadded(t *testing.T) {
	set := builtins(t)
	for _, text := range []string{
		"gate_000000000000000000000000000000006W000ELS",
		"pat-00000000000000000000000000000000000000000000000000000cbd00017858",
		"ak_00000000000000000000001PBV000TAH",
	} {
		if _, ok := set.Parse(text); !ok {
			t.Errorf("Parse(%q): got refused, want accepted", text)
		}
	}
}

// TestK1_RandomBits: at least 128 random bits everywhere, at least 160 where
// the documented length has room for them beside the checksum.
func TestK1_RandomBits(t *testing.T) {
	set := builtins(t)
	for _, s := range spellings() {
		exact := math.Log2(float64(len(s.digits))) * float64(s.body-s.checksum)
		if got := set.ByName(s.scheme).Text.RandomBits(); float64(got) > exact || float64(got) < exact-1 {
			t.Errorf("%s: RandomBits got %d, want the whole bits of %.2f", s.scheme, got, exact)
		}
		least := 160.0
		if s.scheme == "onetest_key" { // 32 characters of 5 bits, 6 of them checksum
			least = 128
		}
		if exact < least {
			t.Errorf("%s: got %.1f random bits, want at least %.0f", s.scheme, exact, least)
		}
	}
}

// TestK1_NoBiasedByte: a byte that would make some digits likelier than others
// is thrown away, and every other byte is one digit.
func TestK1_NoBiasedByte(t *testing.T) {
	random := append(bytes.Repeat([]byte{248, 255, 250}, 20), 247, 0, 61, 62)
	random = append(random, bytes.Repeat([]byte{1}, 100)...)
	got := generate(t, Format{"gate_", Base62, 40}, bytes.NewReader(random))
	if want := "gate_z0z0" + strings.Repeat("1", 30); got[:len(want)] != want {
		t.Errorf("got %q, want it to begin %q", got, want)
	}
}

// TestK1_FailingRandom: without random bytes there is no secret, whether the
// source fails at once, ends too soon, stalls, or fails midway.
func TestK1_FailingRandom(t *testing.T) {
	broken := errors.New("no entropy")
	for _, s := range builtins(t).All() {
		for _, c := range []struct {
			name   string
			random io.Reader
			want   error
		}{
			{"fails", iotest.ErrReader(broken), broken},
			{"is empty", strings.NewReader(""), io.EOF},
			{"is one byte short", strings.NewReader(strings.Repeat("a", s.Text.Length-spec(t, s.Text).checksum-1)), io.EOF},
			{"fails midway", io.MultiReader(strings.NewReader("0123"), iotest.ErrReader(broken)), broken},
			{"has only bytes that are thrown away", bytes.NewReader(bytes.Repeat([]byte{255}, 3)), io.EOF},
			{"never gives any", stalled{}, io.ErrNoProgress},
		} {
			secret, err := s.Text.Generate(c.random)
			if !errors.Is(err, c.want) || !secret.IsZero() {
				t.Errorf("%s, the source %s: got %v and zero=%v, want %v and no secret", s.Name, c.name, err, secret.IsZero(), c.want)
			}
		}
	}
	if secret, err := (Format{"gate_", "base64", 40}).Generate(stream("x")); err == nil || !secret.IsZero() {
		t.Errorf("unknown alphabet: got %v, want an error and no secret", err)
	}
}

type stalled struct{}

func (stalled) Read([]byte) (int, error) { return 0, nil }

func spec(t *testing.T, f Format) *alphabet {
	t.Helper()
	a, ok := f.Alphabet.spec()
	if !ok {
		t.Fatalf("alphabet %q: got unknown, want known", f.Alphabet)
	}
	return a
}

// TestK1_SlowRandom: a source that gives a byte at a time is as good.
func TestK1_SlowRandom(t *testing.T) {
	for _, s := range builtins(t).All() {
		got := generate(t, s.Text, iotest.OneByteReader(stream(s.Name)))
		if want := generate(t, s.Text, stream(s.Name)); got != want {
			t.Errorf("%s: got %q, want %q", s.Name, got, want)
		}
	}
}

// chi is the chi-square statistic of counts against an even spread.
func chi(counts []int, total int) (sum float64) {
	even := float64(total) / float64(len(counts))
	for _, n := range counts {
		sum += (float64(n) - even) * (float64(n) - even) / even
	}
	return sum
}

// even reports whether a statistic lies within six standard deviations of
// what an even spread over n digits gives.
func even(statistic float64, n int) bool {
	freedom := float64(n - 1)
	return math.Abs(statistic-freedom) < 6*math.Sqrt(2*freedom)
}

// TestK1_NoDuplicatesNoBias: more than 200,000 secrets are all different, and
// at every random position each digit comes up as often as the others.
func TestK1_NoDuplicatesNoBias(t *testing.T) {
	const each = 23_000
	seen := make(map[string]bool, each*len(spellings()))
	for _, s := range spellings() {
		format, random := builtins(t).ByName(s.scheme).Text, stream("bias "+s.scheme)
		counts := make([][]int, s.body-s.checksum)
		for i := range counts {
			counts[i] = make([]int, len(s.digits))
		}
		for range each {
			text := generate(t, format, random)
			if seen[text] {
				t.Fatalf("%s: %q came twice", s.scheme, text)
			}
			seen[text] = true
			for i := range counts {
				counts[i][strings.IndexByte(s.digits, text[len(s.prefix)+i])]++
			}
		}
		for i := range counts {
			if got := chi(counts[i], each); !even(got, len(s.digits)) {
				t.Errorf("%s: position %d: got chi-square %.1f for %d digits, want an even spread", s.scheme, i, got, len(s.digits))
			}
		}
	}
	if got := len(seen); got < 200_000 {
		t.Errorf("got %d secrets, want at least 200,000", got)
	}
}

// TestK1_BiasIsNoticed: the statistic would see the remainder of a whole byte,
// which makes eight of the 62 digits likelier by a quarter.
func TestK1_BiasIsNoticed(t *testing.T) {
	const total = 23_000
	counts, random := make([]int, 62), make([]byte, total)
	if _, err := io.ReadFull(stream("biased"), random); err != nil {
		t.Fatal(err)
	}
	for _, b := range random {
		counts[b%62]++
	}
	if got := chi(counts, total); even(got, 62) {
		t.Errorf("biased digits: got chi-square %.1f, want it refused", got)
	}
}
