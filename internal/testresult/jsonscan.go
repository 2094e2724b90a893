package testresult

import (
	"fmt"
	"strconv"
)

// What a file of JSON may have.
const (
	mostNested = 1_000
	mostDigits = 400
	mostKey    = 128 // bytes of a name; what is longer is none that is known
)

// jsonScanner reads a file of JSON (RFC 8259) value by value, and keeps no more
// of it than its window and the text at hand, of which it lets the rest go as
// it reads it: a decoder that takes a whole text to memory takes as much as
// somebody wrote. Its first error stays, and ends everything.
type jsonScanner struct {
	*input
	err     error
	stack   []byte // '{' or '[', or '}' and ']' where a member was read
	lines   bool   // a value must end on its line
	isCut   bool   // the error is that the file ends too early
	name    []byte
	scratch text
}

func newJSON(in *input) *jsonScanner { return &jsonScanner{input: in} }

func (j *jsonScanner) fail(err error) {
	if j.err == nil {
		j.err = err
	}
}

func (j *jsonScanner) wrong(format string, args ...any) {
	if j.err == nil {
		j.err = j.at(fmt.Sprintf(format, args...))
	}
}

// cut is the error of a file that ends too early.
func (j *jsonScanner) cut() {
	if err := j.failed(); err != nil {
		j.fail(err)
		return
	}
	if j.err == nil {
		j.isCut = true
		j.pos = j.end
		j.err = &Error{Line: j.lastLine(), Text: "the file ends inside " + j.place()}
	}
}

// place says in what the scanner is.
func (j *jsonScanner) place() string {
	if len(j.stack) == 0 {
		return "a value"
	}
	if c := j.stack[len(j.stack)-1]; c == '[' || c == ']' {
		return "a list"
	}
	if len(j.name) > 0 {
		return strconv.Quote(said(j.name))
	}
	return "an object"
}

// peek is the byte that the next value begins with, or 0.
func (j *jsonScanner) peek() byte {
	for j.err == nil {
		for j.pos < j.end {
			switch c := j.buf[j.pos]; c {
			case ' ', '\t', '\r':
				j.pos++
			case '\n':
				if j.lines {
					j.wrong("the line ends inside a value")
					return 0
				}
				j.pos++
			default:
				return c
			}
		}
		if !j.more(1) {
			j.cut()
		}
	}
	return 0
}

// begin enters a list or an object. It is false for null, and what is something
// else is an error.
func (j *jsonScanner) begin(open byte) bool {
	switch c := j.peek(); {
	case j.err != nil:
	case c == open:
		j.push(c)
		return true
	case c == 'n':
		j.literal("null")
	default:
		j.wrong("here stands %s, and not %s", kindOf(c), kindOf(open))
	}
	return false
}

func kindOf(c byte) string {
	switch c {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	if c == '-' || c >= '0' && c <= '9' {
		return "a number"
	}
	return fmt.Sprintf("%q", rune(c))
}

func (j *jsonScanner) push(open byte) {
	j.pos++
	if len(j.stack) == mostNested {
		j.wrong("it is nested deeper than %d levels", mostNested)
		return
	}
	j.stack = append(j.stack, open)
}

// following tells whether another member or element stands in what is open,
// and leaves it where none does.
func (j *jsonScanner) following(open, end byte) bool {
	c := j.peek()
	if j.err != nil || len(j.stack) == 0 {
		return false
	}
	top := &j.stack[len(j.stack)-1]
	switch {
	case c == end:
		j.pos++
		j.stack = j.stack[:len(j.stack)-1]
		return false
	case *top == open:
		*top = end
		return true
	case c != ',':
		j.wrong("%s stands where a comma or %q is expected; it is no JSON", kindOf(c), rune(end))
		return false
	}
	j.pos++
	if c = j.peek(); c == end {
		j.wrong("nothing follows a comma; it is no JSON")
	}
	return j.err == nil
}

// key reads the name of the next member, and is false behind the last one. A
// name that no format knows is "".
func (j *jsonScanner) key() (string, bool) {
	if !j.following('{', '}') {
		return "", false
	}
	if c := j.peek(); j.err == nil && c != '"' {
		j.wrong("%s stands where the name of a member is expected; it is no JSON", kindOf(c))
	}
	if j.err != nil {
		return "", false
	}
	j.scratch.reset()
	j.quoted(&j.scratch)
	if j.err != nil {
		return "", false
	}
	j.name = append(j.name[:0], j.scratch.b[:min(len(j.scratch.b), mostKey)]...)
	if c := j.peek(); j.err == nil && c != ':' {
		j.wrong("no colon follows the name %q; it is no JSON", said(j.name))
	}
	if j.err != nil {
		return "", false
	}
	j.pos++
	return members[string(j.name)], true
}

// item tells whether another element follows in the list.
func (j *jsonScanner) item() bool { return j.following('[', ']') }

// skip passes over a value.
func (j *jsonScanner) skip() {
	depth := len(j.stack)
	for j.err == nil {
		switch c := j.peek(); c {
		case '{', '[':
			j.push(c)
		case '"':
			j.quoted(nil)
		default:
			j.scalar(c, nil)
		}
		for again := true; again && len(j.stack) > depth && j.err == nil; {
			if c := j.stack[len(j.stack)-1]; c == '{' || c == '}' {
				_, ok := j.key()
				again = !ok
			} else {
				again = !j.item()
			}
		}
		if len(j.stack) == depth {
			return
		}
	}
}

// text reads a value as a text, if it is no list and no object.
func (j *jsonScanner) text(t *text) {
	t.reset()
	switch c := j.peek(); c {
	case '"':
		j.quoted(t)
	case '{', '[', 'n':
		j.skip()
	default:
		j.scalar(c, t)
	}
}

// number reads a value as a number.
func (j *jsonScanner) number() float64 {
	j.text(&j.scratch)
	n, err := strconv.ParseFloat(string(j.scratch.b[:min(len(j.scratch.b), mostDigits)]), 64)
	if err != nil {
		return 0
	}
	return n
}

// truth reads a value as true or false.
func (j *jsonScanner) truth() bool {
	j.text(&j.scratch)
	return string(j.scratch.b) == "true"
}

// finish reads to the end of the file, before which nothing else may stand.
func (j *jsonScanner) finish() {
	if j.err != nil {
		return
	}
	if j.blank(); j.more(1) {
		j.wrong("more follows the end of the JSON")
	} else if err := j.failed(); err != nil {
		j.fail(err)
	}
}

// scalar reads a number, true, false or null.
func (j *jsonScanner) scalar(c byte, t *text) {
	if j.err != nil {
		return
	}
	word := ""
	switch c {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	case 'n':
		word = "null"
	default:
		j.digits(c, t)
		return
	}
	j.literal(word)
	if t != nil && j.err == nil {
		t.write([]byte(word))
	}
}

func (j *jsonScanner) literal(word string) {
	if !j.more(len(word)) {
		if string(j.buf[j.pos:j.end]) == word[:j.end-j.pos] {
			j.cut()
			return
		}
	} else if string(j.buf[j.pos:j.pos+len(word)]) == word {
		j.pos += len(word)
		return
	}
	j.wrong("a word stands here that is no JSON")
}

// digits reads a number.
func (j *jsonScanner) digits(c byte, t *text) {
	if c != '-' && (c < '0' || c > '9') {
		j.wrong("%s stands where a value is expected; it is no JSON", kindOf(c))
		return
	}
	var number [mostDigits]byte
	n := 0
	for {
		if !j.more(1) {
			if err := j.failed(); err != nil {
				j.fail(err)
			}
			break
		}
		c := j.buf[j.pos]
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		if n == mostDigits {
			j.wrong("a number is longer than %d digits", mostDigits)
			return
		}
		number[n] = c
		n++
		j.pos++
	}
	if !isNumber(number[:n]) {
		if !j.more(1) && len(j.stack) > 0 {
			j.cut()
		} else {
			j.wrong("a number is written as it is not in JSON")
		}
		return
	}
	if t != nil {
		t.write(number[:n])
	}
}

// isNumber tells whether a number is written as RFC 8259 has it.
func isNumber(b []byte) bool {
	i := 0
	at := func(c byte) bool { return i < len(b) && b[i] == c }
	digits := func() bool {
		from := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if at('-') {
		i++
	}
	if at('0') {
		i++
	} else if !digits() {
		return false
	}
	if at('.') {
		if i++; !digits() {
			return false
		}
	}
	if at('e') || at('E') {
		if i++; at('-') || at('+') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(b)
}
