package testresult

import (
	"bytes"
	"unicode/utf8"
)

// These tables say at which bytes a run of plain characters stops.
var (
	textStops   = stopsAt("<&]")
	cdataStops  = stopsAt("]")
	doubleStops = stopsAt(`"<&`)
	quoteStops  = stopsAt(`'<&`)
	nameBytes   = inNames()
)

func stopsAt(marks string) *[256]bool {
	stops := new([256]bool)
	for c := range stops {
		stops[c] = c < ' ' && c != '\t' && c != '\n' || c >= utf8.RuneSelf || bytes.IndexByte([]byte(marks), byte(c)) >= 0
	}
	return stops
}

func inNames() (is [256]bool) {
	for c := range is {
		is[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == ':' || c == '-' || c == '.' || c >= utf8.RuneSelf
	}
	return is
}

// run reads the plain characters at hand, as far as the window goes.
func (x *xmlScanner) run(stops *[256]bool) []byte {
	buf := x.buf[x.pos:x.end]
	i := 0
	for i < len(buf) {
		c := buf[i]
		if !stops[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			break
		}
		r, size := utf8.DecodeRune(buf[i:])
		if size == 1 || r == 0xfffe || r == 0xffff {
			break
		}
		i += size
	}
	x.pos += i
	return buf[:i]
}

// special reads a character that is not plain, and returns what stands for it:
// nothing for one that is to be dropped. What it returns is good until the
// next call. The escape character, of which terminals make colours, is left to
// those who clean texts, who drop what follows it as well.
func (x *xmlScanner) special() ([]byte, error) {
	c := x.buf[x.pos]
	switch {
	case c == '&':
		return x.reference()
	case c == '\r':
		x.pos++
		if x.more(1) && x.buf[x.pos] == '\n' {
			x.pos++
		}
		return newline, nil
	case c >= utf8.RuneSelf:
		return x.wide(), nil
	case c < ' ':
		x.pos++
		x.repaired++
		if c == 0x1b {
			return escapeMark, nil
		}
		return nil, nil
	}
	x.pos++
	return append(x.small[:0], c), nil
}

var escapeMark = []byte{0x1b}

// wide reads a character of several bytes that is cut by the window, or wrong.
func (x *xmlScanner) wide() []byte {
	for !utf8.FullRune(x.buf[x.pos:x.end]) && x.more(x.end-x.pos+1) {
	}
	r, size := utf8.DecodeRune(x.buf[x.pos:x.end])
	part := append(x.small[:0], x.buf[x.pos:x.pos+size]...)
	x.pos += size
	if size == 1 || r == 0xfffe || r == 0xffff {
		x.repaired++
		return nil
	}
	return part
}

// reference reads what begins with "&".
func (x *xmlScanner) reference() ([]byte, error) {
	const most = 24 // no reference that means something is longer
	x.more(most)
	rest := x.buf[x.pos:min(x.end, x.pos+most)]
	end := bytes.IndexByte(rest, ';')
	if end < 0 {
		if x.end-x.pos < most {
			if err := x.failed(); err != nil {
				return nil, err
			}
			if plausible(rest[1:]) {
				return nil, x.cut("a reference &")
			}
		}
		return nil, x.wrong("a & stands alone, which is written &amp;")
	}
	name := rest[1:end]
	switch string(name) {
	case "lt":
		return x.means('<', end), nil
	case "gt":
		return x.means('>', end), nil
	case "amp":
		return x.means('&', end), nil
	case "apos":
		return x.means('\'', end), nil
	case "quot":
		return x.means('"', end), nil
	}
	if len(name) > 1 && name[0] == '#' {
		if r, ok := numbered(name[1:]); ok {
			return x.character(r, end), nil
		}
	}
	return nil, x.wrong("&%s; is no entity of XML", said(name))
}

// plausible tells whether a reference may begin so.
func plausible(b []byte) bool {
	for _, c := range b {
		if !nameBytes[c] && c != '#' {
			return false
		}
	}
	return true
}

func (x *xmlScanner) means(c byte, end int) []byte {
	x.pos += end + 1
	return append(x.small[:0], c)
}

// character is the one of a number, or nothing where XML forbids it.
func (x *xmlScanner) character(r rune, end int) []byte {
	x.pos += end + 1
	switch {
	case r == '\t', r == '\n', r == '\r', r >= ' ' && r <= 0xd7ff, r >= 0xe000 && r <= 0xfffd, r >= 0x10000 && r <= utf8.MaxRune:
		return utf8.AppendRune(x.small[:0], r)
	}
	x.repaired++
	switch {
	case r == 0x1b:
		return escapeMark
	case r >= 0xd800 && r <= 0xdfff: // half of a character
		return utf8.AppendRune(x.small[:0], utf8.RuneError)
	}
	return nil
}

// numbered reads the number of a character. One that is too large stands for
// one that XML forbids.
func numbered(digits []byte) (rune, bool) {
	base := rune(10)
	if digits[0] == 'x' {
		base, digits = 16, digits[1:]
	}
	n := rune(0)
	for _, c := range digits {
		d := rune(c - '0')
		if c >= 'a' && c <= 'f' {
			d = rune(c-'a') + 10
		} else if c >= 'A' && c <= 'F' {
			d = rune(c-'A') + 10
		} else if c < '0' || c > '9' {
			return 0, false
		}
		if d >= base {
			return 0, false
		}
		n = min(n*base+d, utf8.MaxRune+1)
	}
	return n, len(digits) > 0
}
