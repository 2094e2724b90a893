package testresult

import (
	"bytes"
	"fmt"
	"strings"
)

// What a file of XML may have.
const (
	mostDeep       = 200      // elements in each other
	mostAttributes = 256      // in one tag
	mostXMLName    = 1 << 10  // bytes
	mostInTag      = 64 << 10 // bytes of attributes that are kept; the rest is read and let go
)

// xmlScanner reads the tokens of a file of XML (1.0, fifth edition), one after
// the other, and keeps no more of it than its window and the tag at hand. It
// knows the five entities of XML and no others, and no document types at all.
// What it is more lenient in than the recommendation is counted: characters
// that may not stand in XML are dropped.
type xmlScanner struct {
	*input
	name   []byte // of the element that begins or ends
	text   []byte // a part of a text
	attrs  []attribute
	arena  []byte // holds the attributes
	names  []byte // of the elements that are open
	open   []int  // where in names each begins
	single bool   // the element at hand ends with its tag
	cdata  bool
	small  [4]byte
}

type attribute struct{ name, value span }

type span struct{ from, to int }

type xmlToken int

const (
	xmlEnd xmlToken = iota // of the file
	xmlOpens
	xmlCloses
	xmlText
)

// attrName and attrValue are those of an attribute, until the next token.
func (x *xmlScanner) attrName(i int) []byte {
	return local(x.arena[x.attrs[i].name.from:x.attrs[i].name.to])
}

func (x *xmlScanner) attrValue(i int) []byte {
	return x.arena[x.attrs[i].value.from:x.attrs[i].value.to]
}

// local is a name without its prefix.
func local(name []byte) []byte {
	if i := bytes.IndexByte(name, ':'); i > 0 && i < len(name)-1 {
		return name[i+1:]
	}
	return name
}

// next reads a token. A text comes in parts, of which each is good until the
// next token.
func (x *xmlScanner) next() (xmlToken, error) {
	if x.single {
		x.single = false
		x.close()
		return xmlCloses, nil
	}
	for {
		if !x.more(1) {
			return xmlEnd, x.ends()
		}
		stops := textStops
		if x.cdata {
			stops = cdataStops
		} else if x.buf[x.pos] == '<' {
			token, err := x.markup()
			if token != xmlText || err != nil {
				return token, err
			}
			continue
		}
		if x.text = x.run(stops); len(x.text) > 0 {
			return xmlText, nil
		}
		if x.pos == x.end {
			continue
		}
		if x.buf[x.pos] == ']' && x.more(3) && string(x.buf[x.pos:x.pos+3]) == "]]>" {
			if !x.cdata {
				return xmlEnd, x.wrong("]]> may not stand in a text")
			}
			x.cdata = false
			x.pos += 3
			continue
		}
		var err error
		if x.text, err = x.special(); err != nil {
			return xmlEnd, err
		}
		if len(x.text) > 0 {
			return xmlText, nil
		}
	}
}

// ends says how the file ends: with its last element, or within one.
func (x *xmlScanner) ends() error {
	if err := x.failed(); err != nil {
		return err
	}
	if x.cdata || len(x.open) > 0 {
		return x.cut("")
	}
	return nil
}

// cut is the error about a file that ends too early.
func (x *xmlScanner) cut(within string) error {
	if err := x.failed(); err != nil {
		return err
	}
	if n := len(x.open); n > 0 {
		within = "<" + said(x.names[x.open[n-1]:]) + ">"
	}
	x.pos = x.end
	return &Error{Line: x.lastLine(), Text: "the file ends inside " + within}
}

func (x *xmlScanner) wrong(format string, args ...any) error {
	return x.at(fmt.Sprintf(format, args...))
}

// said is a name as messages repeat it.
func said(name []byte) string {
	const most = 60
	s := clean(name, most)
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, s)
}

// close takes the innermost element off; its name is good until the next token.
func (x *xmlScanner) close() {
	last := len(x.open) - 1
	x.name = x.names[x.open[last]:]
	x.names, x.open = x.names[:x.open[last]], x.open[:last]
}

// markup reads what begins with "<". It returns xmlText for what is to be passed over.
func (x *xmlScanner) markup() (xmlToken, error) {
	if !x.more(2) {
		return xmlEnd, x.cut("a tag")
	}
	switch x.buf[x.pos+1] {
	case '/':
		x.pos += 2
		return xmlCloses, x.endTag()
	case '?':
		x.pos += 2
		return xmlText, x.instruction()
	case '!':
		return xmlText, x.declaration()
	}
	x.pos++
	return xmlOpens, x.startTag()
}

// startTag reads a tag behind its "<".
func (x *xmlScanner) startTag() (err error) {
	from := len(x.names)
	if x.names, err = x.readName(x.names, "a tag"); err != nil {
		return err
	}
	x.open = append(x.open, from)
	if len(x.open) > mostDeep {
		return x.wrong("its elements are nested deeper than %d levels", mostDeep)
	}
	x.name = x.names[from:]
	x.attrs, x.arena = x.attrs[:0], x.arena[:0]
	for {
		x.blank()
		if !x.more(1) {
			return x.cut("a tag")
		}
		switch x.buf[x.pos] {
		case '>':
			x.pos++
			return nil
		case '/':
			if !x.more(2) {
				return x.cut("a tag")
			}
			if x.buf[x.pos+1] != '>' {
				return x.wrong("in the tag <%s> stands a / without >", said(x.name))
			}
			x.pos += 2
			x.single = true
			return nil
		}
		if err := x.attribute(); err != nil {
			return err
		}
	}
}

// attribute reads one with its value.
func (x *xmlScanner) attribute() (err error) {
	if len(x.attrs) == mostAttributes {
		return x.wrong("the tag <%s> has more than %d attributes", said(x.name), mostAttributes)
	}
	var a attribute
	a.name.from = len(x.arena)
	if x.arena, err = x.readName(x.arena, "an attribute"); err != nil {
		return err
	}
	a.name.to = len(x.arena)
	x.blank()
	if !x.more(1) {
		return x.cut("a tag")
	}
	if x.buf[x.pos] != '=' {
		return x.wrong("the attribute %s of <%s> has no value", said(x.arena[a.name.from:]), said(x.name))
	}
	x.pos++
	x.blank()
	if !x.more(1) {
		return x.cut("a tag")
	}
	quote := x.buf[x.pos]
	if quote != '"' && quote != '\'' {
		return x.wrong("the attribute %s of <%s> stands without quotation marks", said(x.arena[a.name.from:]), said(x.name))
	}
	x.pos++
	a.value.from = len(x.arena)
	if err := x.value(quote); err != nil {
		return err
	}
	a.value.to = len(x.arena)
	x.attrs = append(x.attrs, a)
	return nil
}

// value reads a value up to the quotation mark that ends it.
func (x *xmlScanner) value(quote byte) error {
	stops := doubleStops
	if quote == '\'' {
		stops = quoteStops
	}
	for {
		if !x.more(1) {
			return x.cut("a tag")
		}
		x.keep(x.run(stops))
		if x.pos == x.end {
			continue
		}
		switch x.buf[x.pos] {
		case quote:
			x.pos++
			return nil
		case '<':
			return x.wrong("in an attribute of <%s> stands <, which is written &lt; there", said(x.name))
		}
		part, err := x.special()
		if err != nil {
			return err
		}
		x.keep(part)
	}
}

// keep keeps a part of a value, as far as there is room.
func (x *xmlScanner) keep(part []byte) {
	x.arena = append(x.arena, part[:max(0, min(len(part), mostInTag-len(x.arena)))]...)
}

// endTag reads a tag behind its "</".
func (x *xmlScanner) endTag() (err error) {
	from := len(x.names)
	if x.names, err = x.readName(x.names, "a tag"); err != nil {
		return err
	}
	name := x.names[from:]
	x.names = x.names[:from]
	x.blank()
	if !x.more(1) {
		return x.cut("a tag")
	}
	if x.buf[x.pos] != '>' {
		return x.wrong("the tag </%s has no end", said(name))
	}
	if len(x.open) == 0 {
		return x.wrong("</%s> ends what did not begin", said(name))
	}
	if inner := x.names[x.open[len(x.open)-1]:]; !bytes.Equal(inner, name) {
		return x.wrong("<%s> is ended by </%s>", said(inner), said(name))
	}
	x.pos++
	x.close()
	return nil
}

// readName appends a name to a list of bytes.
func (x *xmlScanner) readName(to []byte, within string) ([]byte, error) {
	from := len(to)
	for {
		if !x.more(1) {
			return to, x.cut(within)
		}
		i := x.pos
		for i < x.end && nameBytes[x.buf[i]] {
			i++
		}
		to = append(to, x.buf[x.pos:i]...)
		x.pos = i
		if len(to)-from > mostXMLName {
			return to, x.wrong("a name is longer than %d bytes", mostXMLName)
		}
		if i < x.end {
			break
		}
	}
	if name := to[from:]; len(name) == 0 || name[0] >= '0' && name[0] <= '9' || name[0] == '-' || name[0] == '.' {
		return to, x.wrong("a name is expected where stands %q, which is no XML", rune(x.buf[min(x.pos, x.end-1)]))
	}
	return to, nil
}

// instruction passes over one, behind its "<?".
func (x *xmlScanner) instruction() error {
	const within = "an instruction <?"
	for {
		if !x.more(2) {
			return x.cut(within)
		}
		i := bytes.Index(x.buf[x.pos:x.end], []byte("?>"))
		if i >= 0 {
			x.pos += i + 2
			return nil
		}
		x.pos = x.end - 1 // it may be the "?"
	}
}

// declaration passes over what begins with "<!", or begins a CDATA section.
func (x *xmlScanner) declaration() error {
	const comment, section = "<!--", "<![CDATA["
	x.more(len(section))
	rest := x.buf[x.pos:x.end]
	switch {
	case bytes.HasPrefix(rest, []byte(comment)):
		x.pos += len(comment)
		return x.comment()
	case bytes.HasPrefix(rest, []byte(section)):
		x.pos += len(section)
		x.cdata = true
		return nil
	case len(rest) < len(section) && (strings.HasPrefix(section, string(rest)) || strings.HasPrefix(comment, string(rest))):
		return x.cut("a tag")
	case isHTML(rest):
		return x.wrong("it is HTML, not test results")
	}
	return x.wrong("it declares a document type or entities, which are not read")
}

// isHTML tells whether a text declares that it is a page.
func isHTML(b []byte) bool {
	b = bytes.ToLower(b[:min(len(b), 32)])
	return bytes.HasPrefix(b, []byte("<!doctype html"))
}

func (x *xmlScanner) comment() error {
	for {
		if !x.more(3) {
			return x.cut("a comment")
		}
		i := bytes.Index(x.buf[x.pos:x.end], []byte("--"))
		switch {
		case i < 0:
			x.pos = x.end - 1 // it may be the first "-"
		case x.pos+i+2 >= x.end:
			x.pos += i
		case x.buf[x.pos+i+2] != '>':
			x.pos += i
			return x.wrong("in a comment stands --")
		default:
			x.pos += i + 3
			return nil
		}
	}
}
