package testresult

import (
	"bytes"
	"io"
)

// input is a file as it is read: a window of a fixed size over it.
type input struct {
	from     io.Reader
	buf      []byte
	pos, end int   // what is in the window and not yet read
	lines    int64 // ended before the window
	done     error // why nothing follows the window
	repaired int64 // characters that were dropped or replaced
}

// windowSize is how much of a file is in memory.
const windowSize = 64 << 10

func newInput(from io.Reader) *input {
	return &input{from: from, buf: make([]byte, windowSize)}
}

// more tells whether n more bytes are there, which are in the window then. It
// moves what is in the window.
func (in *input) more(n int) bool {
	for idle := 0; in.end-in.pos < n; {
		if in.done != nil {
			return false
		}
		if in.pos > 0 {
			in.lines += int64(bytes.Count(in.buf[:in.pos], newline))
			copy(in.buf, in.buf[in.pos:in.end])
			in.pos, in.end = 0, in.end-in.pos
		}
		if in.end == len(in.buf) {
			return false
		}
		k, err := in.from.Read(in.buf[in.end:])
		in.end += k
		if idle++; k > 0 {
			idle = 0
		}
		if err == nil && idle > 100 {
			err = io.ErrNoProgress
		}
		in.done = err
	}
	return true
}

var newline = []byte("\n")

// window is what is there of the next n bytes, without reading them.
func (in *input) window(n int) []byte {
	in.more(n)
	return in.buf[in.pos:min(in.pos+n, in.end)]
}

// line is that of the next byte, from 1.
func (in *input) line() int64 {
	return in.lines + int64(bytes.Count(in.buf[:in.pos], newline)) + 1
}

// lastLine is that of the byte before, which is where a file ended.
func (in *input) lastLine() int64 {
	return in.lines + int64(bytes.Count(in.buf[:max(0, in.pos-1)], newline)) + 1
}

// failed is the error for which reading ended, if not that of the end.
func (in *input) failed() error {
	if in.done == io.EOF {
		return nil
	}
	return in.done
}

// at is an error about the present line.
func (in *input) at(text string) error { return &Error{Line: in.line(), Text: text} }

// blank reads white space.
func (in *input) blank() {
	for in.more(1) {
		for in.pos < in.end {
			switch in.buf[in.pos] {
			case ' ', '\t', '\r', '\n':
				in.pos++
			default:
				return
			}
		}
	}
}

// skipLine reads on to the next line.
func (in *input) skipLine() {
	for in.more(1) {
		if i := bytes.IndexByte(in.buf[in.pos:in.end], '\n'); i >= 0 {
			in.pos += i + 1
			return
		}
		in.pos = in.end
	}
}
