package testresult

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// text is one of a file, of which no more than a bound is kept while it is read.
type text struct {
	b     []byte
	files *files // finds what is attached in it, where that is asked for
}

// mostText is the longest text that is kept while a file is read, in bytes.
const mostText = mostDetail * utf8.UTFMax

func (t *text) reset() { t.b = t.b[:0] }

func (t *text) write(p []byte) {
	if t.files != nil {
		t.files.find(p)
	}
	t.b = append(t.b, p[:max(0, min(len(p), mostText-len(t.b)))]...)
}

func (t *text) set(p []byte) {
	t.reset()
	t.write(p)
}

// join appends a part of a path.
func (t *text) join(part []byte, by string) {
	if len(part) > 0 && len(t.b) > 0 {
		t.b = append(t.b, by...)
	}
	t.write(part)
}

// within appends where the same test ran, such as a browser, if that is known.
func (t *text) within(place *text) {
	if !place.blank() {
		t.b = append(append(append(t.b, " ("...), place.b[:min(len(place.b), mostValue)]...), ')')
	}
}

// blank tells whether there is nothing to see in it.
func (t *text) blank() bool { return len(bytes.TrimSpace(t.b)) == 0 }

// clean is a text without control characters but tabs and line ends, without
// the sequences that colour terminals, and of at most so many characters.
func clean(raw []byte, most int) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) <= most && plainRun(raw) == len(raw) {
		return string(raw)
	}
	return string(bytes.TrimSpace(wash(make([]byte, 0, min(len(raw), most*utf8.UTFMax)), raw, most)))
}

// plainRun is how many characters a text begins with of which none has to be left out.
func plainRun(raw []byte) int {
	for i, c := range raw {
		if c < ' ' && c != '\t' && c != '\n' || c >= 0x7f {
			return i
		}
	}
	return len(raw)
}

// tidy appends a text, cleaned and on one line.
func tidy(to, raw []byte, most int) []byte {
	from := len(to)
	to = wash(to, bytes.TrimSpace(raw), most)
	for i := from; i < len(to); i++ {
		if to[i] < ' ' {
			to[i] = ' '
		}
	}
	return to[:from+len(bytes.TrimRight(to[from:], " "))]
}

// wash appends at most so many characters of a text, and none that control.
func wash(to, raw []byte, most int) []byte {
	for n := 0; len(raw) > 0 && n < most; n++ {
		c := raw[0]
		if i := plainRun(raw[:min(len(raw), most-n)]); i > 0 {
			to = append(to, raw[:i]...)
			raw = raw[i:]
			n += i - 1
			continue
		}
		if c == 0x1b {
			raw = raw[escape(raw):]
			n--
			continue
		}
		r, size := utf8.DecodeRune(raw)
		if r == utf8.RuneError && size <= 1 || unicode.IsControl(r) {
			if c == '\r' && !(len(raw) > 1 && raw[1] == '\n') {
				to = append(to, '\n')
			}
			raw = raw[1:]
			if size > 1 {
				raw = raw[size-1:]
			}
			n--
			continue
		}
		to = append(to, raw[:size]...)
		raw = raw[size:]
	}
	return to
}

// escape is the length of a sequence that terminals obey (ECMA-48).
func escape(raw []byte) int {
	if len(raw) < 2 || raw[1] != '[' {
		return 1
	}
	for i := 2; i < len(raw) && i < 64; i++ {
		if raw[i] >= 0x40 && raw[i] <= 0x7e {
			return i + 1
		}
		if raw[i] < 0x20 || raw[i] > 0x3f {
			return 1
		}
	}
	return 1
}

// firstOf returns the first text that isn't blank.
func firstOf(texts ...[]byte) []byte {
	for _, t := range texts {
		if t = bytes.TrimSpace(t); len(t) > 0 {
			return t
		}
	}
	return nil
}

// describe appends what is said of a test to its name, where that is more.
func (d *draft) describe(description []byte) {
	if description = bytes.TrimSpace(description); len(description) > 0 && !bytes.Contains(d.name.b, description) {
		d.name.join(description, " ")
	}
}

// seconds is a length of time from a number of seconds; one that no test takes
// is none.
func seconds(n float64) time.Duration {
	const most = float64(30 * 24 * time.Hour / time.Second)
	if !(n >= 0 && n <= most) { // nor what is no number
		return 0
	}
	return time.Duration(math.Round(n * float64(time.Second)))
}

// number reads a number as test programs write it: 1,234.5 and 0,5 too. What
// is none is 0.
func number(b []byte) float64 {
	b = bytes.TrimSpace(b)
	if len(b) > 64 {
		return 0
	}
	if n, ok := decimal(b); ok {
		return n
	}
	s := string(b)
	if strings.Count(s, ",") == 1 && !strings.Contains(s, ".") {
		whole, part, _ := strings.Cut(s, ",")
		if len(part) != 3 || strings.TrimLeft(whole, "-0") == "" { // else thousands
			s = whole + "." + part
		}
	}
	n, _ := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
	return n
}

// decimal reads what most numbers are: a few digits with a point among them.
func decimal(b []byte) (float64, bool) {
	if len(b) == 0 || len(b) > 15 {
		return 0, false
	}
	n, scale, point := int64(0), 1.0, false
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n = n*10 + int64(c-'0')
			if point {
				scale *= 10
			}
		case c == '.' && !point:
			point = true
		default:
			return 0, false
		}
	}
	return float64(n) / scale, true
}

// whole reads a whole number, and 0 where there is none.
func whole(b []byte) int {
	n := number(b)
	if !(n >= 0 && n < 1<<31) {
		return 0
	}
	return int(n)
}

// layouts are how test programs write when something began.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05Z", "2006-01-02 15:04:05.999999999",
	"20060102 15:04:05.999999999", "2006-01-02T15:04:05 MST", "2006-01-02T15:04:05.999999999-0700",
}

// moment reads a time. What is no time, or out of reason, is none.
func moment(b []byte) time.Time {
	if b = bytes.TrimSpace(b); len(b) == 0 || len(b) > 40 {
		return time.Time{}
	}
	s := string(b)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return reasonable(t.UTC())
		}
	}
	return time.Time{}
}

// millis is a time from milliseconds since 1970.
func millis(n float64) time.Time {
	if !(n > 0 && n < 1e14) {
		return time.Time{}
	}
	return reasonable(time.UnixMilli(int64(n)).UTC())
}

func reasonable(t time.Time) time.Time {
	if t.Year() < 1980 || t.Year() > 2200 {
		return time.Time{}
	}
	return t
}
