package testresult

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The marks that some files begin with, and how XML begins without one.
var (
	markUTF8    = []byte("\xef\xbb\xbf")
	markLittle  = []byte("\xff\xfe")
	markBig     = []byte("\xfe\xff")
	plainLittle = []byte("<\x00")
	plainBig    = []byte("\x00<")
)

// declared finds the encoding that a file of XML says it is written in.
var declared = regexp.MustCompile(`^\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']`)

// decoded is a file in UTF-8, whatever it is written in. A mark counts for more
// than what the file says of itself.
func (s *sink) decoded(from io.Reader) (*input, error) {
	in := newInput(from)
	head := in.window(len(markUTF8))
	switch {
	case bytes.HasPrefix(head, markUTF8):
		in.pos += len(markUTF8)
		return in, nil
	case bytes.HasPrefix(head, markLittle), bytes.HasPrefix(head, plainLittle):
		return in.through(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)), nil
	case bytes.HasPrefix(head, markBig), bytes.HasPrefix(head, plainBig):
		return in.through(unicode.UTF16(unicode.BigEndian, unicode.UseBOM)), nil
	}
	found := declared.FindSubmatch(in.window(512))
	if found == nil {
		return in, nil
	}
	switch name := strings.ToLower(string(found[1])); {
	case name == "utf-8", name == "utf8", name == "us-ascii", name == "ascii":
		return in, nil
	case strings.HasPrefix(name, "utf-16"), strings.HasPrefix(name, "ucs-2"), strings.HasPrefix(name, "utf-32"), name == "unicode":
		// It was read as ASCII so far, so that it can be neither.
		s.warn("it says that it is written in %s, and is in UTF-8", name)
		return in, nil
	default:
		set := singleByte(name)
		if set == nil {
			return nil, &Error{Line: 1, Text: fmt.Sprintf("it is written in %s, which is not read; write it in UTF-8", name)}
		}
		return in.through(set), nil
	}
}

// through is the rest of a file, decoded.
func (in *input) through(e encoding.Encoding) *input {
	rest := io.MultiReader(bytes.NewReader(bytes.Clone(in.buf[in.pos:in.end])), in.from)
	return newInput(transform.NewReader(rest, e.NewDecoder()))
}

// singleByte finds an encoding of one byte for each character by one of its names.
func singleByte(name string) encoding.Encoding {
	key := plainName(name)
	switch {
	case key == "latin1", key == "l1", key == "iso88591":
		return charmap.ISO8859_1
	case key == "latin2":
		return charmap.ISO8859_2
	case key == "latin9":
		return charmap.ISO8859_15
	case key == "ansi":
		return charmap.Windows1252
	case strings.HasPrefix(key, "cp125"):
		key = "windows" + key[2:]
	case strings.HasPrefix(key, "cp"):
		key = "ibmcodepage" + key[2:]
	case strings.HasPrefix(key, "ibm"):
		key = "ibmcodepage" + key[3:]
	}
	for _, e := range charmap.All {
		if c, ok := e.(*charmap.Charmap); ok && plainName(c.String()) == key {
			return e
		}
	}
	return nil
}

func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
}
