package credential

import (
	"bufio"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strings"
)

// MaxText bounds the text of an opaque credential, in bytes. Anything longer
// is malformed before it is looked at.
const MaxText = 512

// Alphabet names the characters that the body of a secret is made of.
type Alphabet string

// The alphabets of the built-in schemes.
const (
	Base62 Alphabet = "base62" // 0-9A-Za-z
	Hex    Alphabet = "hex"    // 0-9a-f
	Base32 Alphabet = "base32" // Crockford's: 0-9A-Z without I L O U
)

// alphabet is what there is to know of an Alphabet.
type alphabet struct {
	digits   string
	checksum int       // characters of checksum at the end of the body
	mask     uint32    // the bits of the CRC-32 that the checksum holds
	bits     float64   // of one character
	member   [256]bool // the characters of digits
}

// alphabets has them all, worked out once.
var alphabets = map[Alphabet]*alphabet{
	Base62: newAlphabet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 6, 1<<32-1),
	Hex:    newAlphabet("0123456789abcdef", 8, 1<<32-1),
	Base32: newAlphabet("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 6, 1<<30-1),
}

func newAlphabet(digits string, checksum int, mask uint32) *alphabet {
	a := &alphabet{digits: digits, checksum: checksum, mask: mask, bits: math.Log2(float64(len(digits)))}
	for i := range len(digits) {
		a.member[digits[i]] = true
	}
	return a
}

func (a Alphabet) spec() (*alphabet, bool) {
	spec, ok := alphabets[a]
	return spec, ok
}

// Format is the text of a secret: a prefix and a body of fixed length, whose
// last characters are a checksum of everything before them.
type Format struct {
	Prefix   string   `toml:"prefix"`
	Alphabet Alphabet `toml:"alphabet"`
	Length   int      `toml:"length"` // of the body, checksum included
}

// RandomBits is how many bits of the body are random.
func (f Format) RandomBits() int {
	spec, ok := f.Alphabet.spec()
	if !ok {
		return 0
	}
	return int(float64(f.Length-spec.checksum) * spec.bits)
}

// Generate draws a new secret from random, without bias.
func (f Format) Generate(random io.Reader) (Secret, error) {
	spec, ok := f.Alphabet.spec()
	if !ok {
		return Secret{}, fmt.Errorf("generate %s: unknown alphabet %q", f.Prefix, f.Alphabet)
	}
	var text strings.Builder
	text.Grow(len(f.Prefix) + f.Length)
	text.WriteString(f.Prefix)
	source := bufio.NewReaderSize(random, f.Length+16)
	limit := 256 - 256%len(spec.digits) // above it the remainder would be biased
	for n := 0; n < f.Length-spec.checksum; {
		b, err := source.ReadByte()
		if err != nil {
			return Secret{}, fmt.Errorf("generate %s: read random bytes: %w", f.Prefix, err)
		}
		if int(b) < limit {
			text.WriteByte(spec.digits[int(b)%len(spec.digits)])
			n++
		}
	}
	var sum [8]byte
	text.Write(spec.sum(text.String(), sum[:]))
	return NewSecret(text.String()), nil
}

// Check reports whether text is exactly a prefix, a body of this alphabet and
// length, and the right checksum.
func (f Format) Check(text string) bool {
	spec, ok := f.Alphabet.spec()
	if !ok || len(text) != len(f.Prefix)+f.Length || text[:len(f.Prefix)] != f.Prefix {
		return false
	}
	for i := len(f.Prefix); i < len(text); i++ {
		if !spec.member[text[i]] {
			return false
		}
	}
	cut := len(text) - spec.checksum
	n := crc(text[:cut]) & spec.mask
	for i := len(text) - 1; i >= cut; i-- {
		if text[i] != spec.digits[n%uint32(len(spec.digits))] {
			return false
		}
		n /= uint32(len(spec.digits))
	}
	return true
}

// sum writes the checksum of text into buf, most significant digit first.
func (a *alphabet) sum(text string, buf []byte) []byte {
	n := crc(text) & a.mask
	base := uint32(len(a.digits))
	for i := a.checksum - 1; i >= 0; i-- {
		buf[i] = a.digits[n%base]
		n /= base
	}
	return buf[:a.checksum]
}

// crc is CRC-32 (IEEE) of text. crc32.ChecksumIEEE would make it a copy of the
// text on the heap, on the way of every verification.
func crc(text string) uint32 {
	sum := ^uint32(0)
	for i := range len(text) {
		sum = crc32.IEEETable[byte(sum)^text[i]] ^ sum>>8
	}
	return ^sum
}

// validate says what is wrong with a format that an operator declared.
func (f Format) validate() error {
	spec, ok := f.Alphabet.spec()
	switch {
	case !ok:
		return fmt.Errorf("alphabet %q is not one of base62, hex, base32", f.Alphabet)
	case checkPrefix(f.Prefix) != nil:
		return checkPrefix(f.Prefix)
	case f.Length > 256:
		return fmt.Errorf("a body of %d characters is too long; at most 256", f.Length)
	case f.Length <= spec.checksum || f.RandomBits() < 128:
		return fmt.Errorf("a body of %d characters has fewer than 128 random bits", f.Length)
	}
	return nil
}

func checkPrefix(prefix string) error {
	switch {
	case len(prefix) < 3 || len(prefix) > 32:
		return fmt.Errorf("prefix %q must have 3 to 32 characters", prefix)
	case strings.Trim(prefix, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "":
		return fmt.Errorf("prefix %q may hold only a-z, 0-9, _ and -", prefix)
	}
	return nil
}

// Pattern is a regular expression that matches the text, for scanners.
func (f Format) Pattern() string {
	classes := map[Alphabet]string{Base62: "[0-9A-Za-z]", Hex: "[0-9a-f]", Base32: "[0-9A-HJKMNP-TV-Z]"}
	return fmt.Sprintf("%s%s{%d}", f.Prefix, classes[f.Alphabet], f.Length)
}
