package credential

import (
	"bytes"
	"encoding/base64"
	"io"
	"slices"
	"strings"
)

// Scanner finds secrets in what somebody wrote: texts of any scheme that are
// well formed to the checksum, tokens of sessions, and access tokens of ours. It
// never changes once made.
type Scanner struct {
	formats []scanned
	// at has the formats that may stand around a byte: each is looked for by the
	// byte of its prefix that is rarest in texts.
	at      [256][]int
	longest int // bytes of a secret
	issuer  []byte
}

// scanned is a format that is looked for.
type scanned struct {
	Format
	scheme *Scheme // nil for what has none
	offset int     // of the byte that it is looked for by
}

// mostToken bounds an access token that is looked for, in bytes.
const mostToken = 4096

// tokenStart is how every JWT begins: as {" in base64 (RFC 7519 section 7.1).
const tokenStart = "eyJ"

// Scanner makes a scanner of the schemes. Access tokens are found by their
// issuer; where that is empty, they aren't looked for.
func (set *Schemes) Scanner(issuer string) *Scanner {
	s := &Scanner{}
	for _, scheme := range set.list {
		s.formats = append(s.formats, scanned{Format: scheme.Text, scheme: scheme})
	}
	for _, text := range []SessionText{RefreshText, CookieText, ConsoleText} {
		s.formats = append(s.formats, scanned{Format: text.Format})
	}
	if issuer != "" {
		s.issuer = []byte(`"iss":"` + issuer + `"`)
		s.longest = mostToken
	}
	for i := range s.formats {
		f := &s.formats[i]
		f.offset = rarest(f.Prefix)
		s.at[f.Prefix[f.offset]] = append(s.at[f.Prefix[f.offset]], i)
		s.longest = max(s.longest, len(f.Prefix)+f.Length)
	}
	return s
}

// rarest is where a prefix has a byte that texts have least: a mark, a digit, or
// else the last letter.
func rarest(prefix string) int {
	for _, class := range []string{"_", "-", "0123456789", "qxzjkvw"} {
		if i := strings.LastIndexAny(prefix, class); i >= 0 {
			return i
		}
	}
	return len(prefix) - 1
}

// Found is a secret that a scanner found. Its scheme is nil where it is the
// token of a session, or an access token.
type Found struct {
	Secret Secret
	Scheme *Scheme
}

// place is where a secret stands in a text, and how much of it stays.
type place struct {
	start, end, shown int
	scheme            *Scheme
}

// next finds the first secret whose rarest byte stands at from or behind it. It
// takes one pass and allocates nothing.
//
// Where more of the text is to come, an access token that may go on is not
// found yet.
func next[T string | []byte](s *Scanner, text T, from int, more bool) (p place, ok bool) {
	for i := from; i < len(text); i++ {
		c := text[i]
		for _, n := range s.at[c] {
			f := &s.formats[n]
			start := i - f.offset
			end := start + len(f.Prefix) + f.Length
			if start < 0 || end > len(text) || string(text[start:start+len(f.Prefix)]) != f.Prefix {
				continue
			}
			if checks(f, text[start:end]) {
				return place{start, end, len(f.Prefix), f.scheme}, true
			}
		}
		if c == tokenStart[2] && s.issuer != nil && i >= 2 && string(text[i-2:i+1]) == tokenStart {
			if end := token(s, text, i-2, more); end > 0 {
				return place{i - 2, end, len(tokenStart), nil}, true
			}
		}
	}
	return p, false
}

// checks is Check of bytes: cheap where the alphabet says no already, which it
// does for all that isn't a secret.
func checks[T string | []byte](f *scanned, text T) bool {
	spec, ok := f.Alphabet.spec()
	if !ok {
		return false
	}
	for i := len(f.Prefix); i < len(text); i++ {
		if !spec.member[text[i]] {
			return false
		}
	}
	return f.Check(string(text))
}

// token returns the end of an access token of ours that starts somewhere in a
// text, or 0 (RFC 9068 section 2.1).
func token[T string | []byte](s *Scanner, text T, start int, more bool) int {
	all := len(text) - start
	text = text[start:min(len(text), start+mostToken)]
	var dots [2]int
	n, end := 0, 0
	for end = 0; end < len(text); end++ {
		c := text[end]
		if c == '.' && n < 2 {
			dots[n] = end
			n++
			continue
		}
		if c != '-' && !alphabets[Base62].member[c] && c != '_' {
			break
		}
	}
	if n < 2 || end == dots[1]+1 || end == mostToken || end == all && more {
		return 0
	}
	header, claims := decoded(string(text[:dots[0]])), decoded(string(text[dots[0]+1:dots[1]]))
	if !strings.Contains(header, `"at+jwt"`) || !strings.Contains(claims, string(s.issuer)) {
		return 0
	}
	return start + end
}

func decoded(part string) string {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return ""
	}
	return string(text)
}

// Finds reports whether there is a secret in a text.
func (s *Scanner) Finds(text string) bool {
	any := false
	s.Redact(text, func(Found) { any = true })
	return any
}

// Redact puts asterisks in the place of every secret in a text, but for its
// prefix, and calls found for each. A text without any comes back as it is.
func (s *Scanner) Redact(text string, found func(Found)) string {
	if _, any := next(s, text, 0, false); !any && strings.IndexByte(text, 0) < 0 {
		return text
	}
	out := []byte(text)
	s.redact(out, false, found)
	return string(out)
}

// redact is Redact in place.
func (s *Scanner) redact(text []byte, more bool, found func(Found)) {
	for from := 0; ; {
		p, ok := next(s, text, from, more)
		if !ok {
			break
		}
		found(Found{NewSecret(string(text[p.start:p.end])), p.scheme})
		for i := p.start + p.shown; i < p.end; i++ {
			text[i] = '*'
		}
		from = p.end
	}
	if bytes.IndexByte(text, 0) >= 0 {
		s.redactWide(text, more, found)
	}
}

// widest is how many bytes a character of a secret takes: those of UTF-16 and
// UTF-32 are bytes with NULs beside them.
const widest = 4

// redactWide redacts what is a secret once its NULs are left out.
func (s *Scanner) redactWide(text []byte, more bool, found func(Found)) {
	narrow := bytes.ReplaceAll(text, []byte{0}, nil)
	at, n := 0, 0 // a place in the text, and how many bytes before it are no NULs
	for from := 0; ; {
		p, ok := next(s, narrow, from, more)
		if !ok {
			return
		}
		from = p.end
		for ; n < p.start || text[at] == 0; at++ {
			if text[at] != 0 {
				n++
			}
		}
		start := at
		for ; n < p.end; at++ {
			if text[at] != 0 {
				n++
			}
		}
		if at-start > widest*(p.end-p.start) { // bytes that lie about
			continue
		}
		found(Found{NewSecret(string(narrow[p.start:p.end])), p.scheme})
		for i, k := start, p.start; i < at; i++ {
			if text[i] == 0 {
				continue
			}
			if k++; k > p.start+p.shown {
				text[i] = '*'
			}
		}
	}
}

// leastCut is how many characters of a secret that was cut off are taken for
// one: fewer are a word such as gate_way.
const leastCut = 10

// RedactCut is Redact of a text that somebody cut, with … behind it or not: what
// is left of a secret at its end is taken out as well, though nothing tells for
// certain that it was one.
func (s *Scanner) RedactCut(text string, found func(Found)) string {
	text = s.Redact(text, found)
	whole := strings.TrimSuffix(text, "…")
	tail := max(0, len(whole)-s.longest)
	for i := tail; i < len(whole); i++ {
		for _, n := range s.at[whole[i]] {
			f := &s.formats[n]
			start := i - f.offset
			if start < 0 || !strings.HasPrefix(whole[start:], f.Prefix) {
				continue
			}
			body := whole[start+len(f.Prefix):]
			spec, ok := f.Alphabet.spec()
			if !ok || len(body) < leastCut || len(body) >= f.Length || slices.ContainsFunc([]byte(body), func(c byte) bool { return !spec.member[c] }) {
				continue
			}
			return whole[:start+len(f.Prefix)] + strings.Repeat("*", len(body)) + text[len(whole):]
		}
	}
	return text
}

// scanBlock is how much a redacting reader reads at once, in bytes.
const scanBlock = 64 << 10

// redactor reads what another reader has, without the secrets in it.
type redactor struct {
	scanner *Scanner
	from    io.Reader
	found   func(Found)
	text    []byte // what was read
	ready   int    // how much of that can't be part of a secret any more
	err     error  // by which the other reader ended
}

// Reader reads what another reader has, redacted like a text: of the same
// length, wherever the reads begin and end. It may be in UTF-8, UTF-16 or UTF-32.
func (s *Scanner) Reader(from io.Reader, found func(Found)) io.Reader {
	return &redactor{scanner: s, from: from, found: found, text: make([]byte, 0, scanBlock+widest*s.longest)}
}

// Read implements io.Reader.
func (r *redactor) Read(p []byte) (n int, err error) {
	for r.ready == 0 && r.err == nil {
		r.fill()
	}
	n = copy(p, r.text[:r.ready])
	r.text, r.ready = r.text[n:], r.ready-n
	if n == 0 && r.err != nil {
		return 0, r.err
	}
	return n, nil
}

// fill reads on, and redacts what is there. What may be the beginning of a
// secret waits for the rest.
func (r *redactor) fill() {
	kept := append(make([]byte, 0, scanBlock+widest*r.scanner.longest), r.text...)
	n, err := r.from.Read(kept[len(kept):cap(kept)])
	r.text, r.err = kept[:len(kept)+n], err
	r.scanner.redact(r.text, err == nil, r.found)
	if r.ready = len(r.text); err == nil {
		longest := r.scanner.longest
		if bytes.IndexByte(r.text, 0) >= 0 {
			longest *= widest
		}
		r.ready = max(0, len(r.text)-longest+1)
	}
}
