package testresult

import (
	"unicode/utf16"
	"unicode/utf8"
)

// quoted reads a text behind its quotation mark, into t if that isn't nil.
func (j *jsonScanner) quoted(t *text) {
	j.pos++
	for j.err == nil {
		if !j.more(1) {
			j.cut()
			return
		}
		from, i := j.pos, j.pos
		for i < j.end && !stringStops[j.buf[i]] {
			i++
		}
		if t != nil && i > from {
			t.write(j.buf[from:i])
		}
		if j.pos = i; i == j.end {
			continue
		}
		switch c := j.buf[i]; {
		case c == '"':
			j.pos++
			return
		case c == '\\':
			j.escape(t)
		case c < ' ':
			j.wrong("a text has a control character in it; it is no JSON")
		default:
			j.wide(t)
		}
	}
}

// stringStops are the bytes at which a run of plain characters stops.
var stringStops = jsonStops()

func jsonStops() (stops [256]bool) {
	for c := range stops {
		stops[c] = c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf
	}
	return stops
}

// wide reads characters of several bytes, as far as the window has them.
func (j *jsonScanner) wide(t *text) {
	for !utf8.FullRune(j.buf[j.pos:j.end]) && j.more(j.end-j.pos+1) {
	}
	from := j.pos
	for j.pos < j.end && j.buf[j.pos] >= utf8.RuneSelf {
		_, size := utf8.DecodeRune(j.buf[j.pos:j.end])
		if size == 1 {
			break
		}
		j.pos += size
	}
	if j.pos == from { // it is no UTF-8
		j.pos++
		j.repaired++
	} else if t != nil {
		t.write(j.buf[from:j.pos])
	}
}

// escape reads what begins with a backslash.
func (j *jsonScanner) escape(t *text) {
	if !j.more(2) {
		j.cut()
		return
	}
	var b [utf8.UTFMax]byte
	out := b[:1]
	switch c := j.buf[j.pos+1]; c {
	case '"', '\\', '/':
		b[0] = c
	case 'b':
		b[0] = '\b'
	case 'f':
		b[0] = '\f'
	case 'n':
		b[0] = '\n'
	case 'r':
		b[0] = '\r'
	case 't':
		b[0] = '\t'
	case 'u':
		r, ok := j.unit()
		if !ok {
			return
		}
		out = utf8.AppendRune(b[:0], r)
		j.pos -= 2
	default:
		j.wrong("a backslash stands before %q; it is no JSON", rune(c))
		return
	}
	j.pos += 2
	if t != nil {
		t.write(out)
	}
}

// unit reads a character that is written as \uXXXX, or as two of these.
func (j *jsonScanner) unit() (rune, bool) {
	r, ok := j.hex()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	if j.more(2) && j.buf[j.pos] == '\\' && j.buf[j.pos+1] == 'u' && r < 0xdc00 {
		if j.more(6) {
			if low, good := parseHex(j.buf[j.pos+2 : j.pos+6]); good {
				if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
					j.pos += 6
					return both, true
				}
			}
		}
	}
	j.repaired++
	return utf8.RuneError, true
}

func (j *jsonScanner) hex() (rune, bool) {
	if !j.more(6) {
		j.cut()
		return 0, false
	}
	r, ok := parseHex(j.buf[j.pos+2 : j.pos+6])
	if !ok {
		j.wrong("four digits do not follow \\u; it is no JSON")
		return 0, false
	}
	j.pos += 6
	return r, true
}

func parseHex(b []byte) (r rune, ok bool) {
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
