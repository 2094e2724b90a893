package testresult

import (
	"bytes"
	"io"
	"regexp"
)

// read finds out what a file is written in, and reads it.
func (s *sink) read(from io.Reader) error {
	in, err := s.decoded(from)
	if err != nil {
		return err
	}
	in.blank()
	head := in.window(windowSize)
	if err := in.failed(); err != nil {
		return err
	}
	switch {
	case len(head) == 0:
		return &Error{Text: "it is empty"}
	case head[0] == '<':
		return s.readXML(in)
	case head[0] == '{', head[0] == '[':
		if format := lineFormat(head); format != "" {
			return s.readLines(in, format)
		}
		return s.readJSON(in)
	}
	format := lineFormat(head)
	if format == "" || format == "tap" {
		if what := foreign(head); what != "" {
			return &Error{Text: what}
		}
	}
	if format != "" {
		return s.readLines(in, format)
	}
	return &Error{Line: in.line(), Text: "it is neither XML nor JSON, nor any other file of test results that is read" + s.wanted()}
}

// wanted says which format was asked for.
func (s *sink) wanted() string {
	if s.o.Format == "" {
		return ""
	}
	return ", and no file of " + titles[s.o.Format]
}

// readLines reads a format that has a line for each event.
func (s *sink) readLines(in *input, format string) error {
	if err := s.is(format); err != nil {
		return err
	}
	switch format {
	case "gotest":
		return (&goTest{sink: s, j: newJSON(in)}).read()
	case "dart":
		return (&dart{sink: s, j: newJSON(in)}).read()
	}
	return (&tap{sink: s, in: in}).read()
}

// beginsTAP finds a line as only TAP has it.
var beginsTAP = regexp.MustCompile(`^(TAP version \d+|1\.\.\d+|(not )?ok($|[ \t]+(\d+|[-#{]|[A-Za-z"'(\[])))`)

// lineFormat finds the format of a file of lines: by the first line that tells.
func lineFormat(head []byte) string {
	whole := bytes.IndexByte(head, '\n') < 0
	for line := range bytes.Lines(head) {
		if !whole && line[len(line)-1] != '\n' && len(head) == windowSize {
			break // it goes on behind the window
		}
		text := bytes.TrimRight(line, "\r\n")
		switch {
		case bytes.HasPrefix(text, []byte("{")):
			if format := eventOf(text); format != "" {
				return format
			}
		case bytes.HasPrefix(text, []byte("[{\"event\":")): // flutter test --machine
			continue
		case beginsTAP.Match(text) && !bytes.HasPrefix(text, []byte("ok  \t")):
			return "tap"
		}
		if c := text; len(c) > 0 && (c[0] == '{' || c[0] == '[') && bytes.Equal(bytes.TrimSpace(head[:min(len(head), len(line))]), bytes.TrimSpace(line)) {
			return "" // what begins as JSON is no list of lines, unless the first one says so
		}
	}
	return ""
}

// eventOf finds the format by the members of an event.
func eventOf(line []byte) string {
	in := &input{from: bytes.NewReader(nil), buf: line, end: len(line), done: io.EOF}
	j := newJSON(in)
	var action, protocol, typed, timed, of bool
	for ok := j.begin('{'); ok; {
		var key string
		if key, ok = j.key(); !ok {
			break
		}
		switch key {
		case "Action":
			action = true
		case "Package", "ImportPath", "Test", "Time":
			of = true
		case "protocolVersion":
			protocol = true
		case "type":
			typed = true
		case "time":
			timed = true
		}
		j.skip()
	}
	switch {
	case action && of:
		return "gotest"
	case protocol, typed && timed:
		return "dart"
	}
	return ""
}

// foreign says what a file is that holds no test results, where that is plain.
func foreign(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "it is a ZIP archive; unpack it first"
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return "it is packed by gzip; unpack it first"
	case bytes.HasPrefix(head, []byte("%PDF")):
		return "it is a PDF, not test results"
	case plainGo.Match(head):
		return "it is what go test prints for people; go test -json writes what is read"
	case bytes.IndexByte(head[:min(len(head), 512)], 0) >= 0:
		return "it is no text"
	}
	return ""
}

// plainGo finds what go test prints without -json.
var plainGo = regexp.MustCompile(`(?m)^(ok  \t\S+\t|--- (PASS|FAIL): \S+ \(|FAIL\t\S+\t)`)
