package testresult

import (
	"bytes"
	"strings"
	"time"
)

// draft is a case that is being read. Its texts are kept as bytes, which are
// used again for the next one.
type draft struct {
	name, class, suite, file text
	code                     text // what the format says of where it stands
	message, detail          text
	line                     int
	status                   Status
	flaky                    bool
	attempt                  int
	duration                 time.Duration
	startedAt                time.Time
	properties               []Property
	attachments              []string
	depth                    int // of its element
	fails                    rank
	weak                     bool // message is only a kind of error
}

// rank orders what a case may say of itself: the highest counts.
type rank int

const (
	saysNothing rank = iota
	saysSkipped
	saysFailed
	saysError
)

// says raises the rank, and tells whether what is said now counts.
func (d *draft) says(r rank) bool {
	if r <= d.fails {
		return false
	}
	d.fails = r
	d.message.reset()
	d.detail.reset()
	return true
}

// settle makes the status of what was said.
func (d *draft) settle() {
	switch d.fails {
	case saysNothing:
		d.status = Passed
	case saysSkipped:
		d.status = Skipped
	case saysFailed:
		d.status = Failed
	case saysError:
		d.status = Errored
	}
}

// reset makes it a new one.
func (d *draft) reset() {
	for _, t := range []*text{&d.name, &d.class, &d.suite, &d.file, &d.code, &d.message, &d.detail} {
		t.reset()
	}
	d.line, d.status, d.flaky, d.attempt, d.duration, d.startedAt = 0, "", false, 0, 0, time.Time{}
	d.properties, d.attachments, d.depth, d.fails, d.weak = d.properties[:0], d.attachments[:0], 0, saysNothing, false
}

// explain has the message be the detail where there is none, or one that says less.
func (d *draft) explain() {
	if d.message.blank() || d.weak && !d.detail.blank() {
		d.message.set(d.detail.b)
	}
}

// property adds what a file says of a case, once.
func (d *draft) property(name, value *text) {
	key := clean(name.b, mostName)
	if key != "" && len(d.properties) < mostProperties {
		d.properties = append(d.properties, Property{Name: key, Value: clean(value.b, mostValue)})
		switch strings.ToLower(key) {
		case "attachment", "attachments", "testrail_attachment":
			d.attach(value.b)
		}
	}
	name.reset()
	value.reset()
}

// attach adds the path of a file.
func (d *draft) attach(path []byte) {
	if p := clean(path, mostValue); p != "" && len(d.attachments) < mostPaths {
		d.attachments = append(d.attachments, p)
	}
}

// finish makes the case of a draft. It is the sink's own until the next one.
func (s *sink) finish(d *draft) *Case {
	c := &s.out
	*c = Case{
		Class: s.class.of(s.tidy(d.class.b)), Suite: s.suite.of(s.tidy(d.suite.b)), File: s.file.of(s.tidy(d.file.b)),
		Line: max(0, d.line), Status: d.status, Flaky: d.flaky, Attempt: d.attempt, Duration: max(0, d.duration), StartedAt: d.startedAt,
		Properties: d.properties, Attachments: d.attachments,
	}
	if d.message.b != nil {
		c.Message = clean(d.message.b, mostMessage)
	}
	if d.detail.b != nil {
		c.Detail = clean(d.detail.b, mostDetail)
	}
	if code := s.tidy(d.code.b); len(code) > 0 {
		c.CodeRef = string(code)
	}
	s.name(c, d.name.b)
	return c
}

// name gives a case its name and what refers to it, of which the name is most
// often a part: one text for both.
func (s *sink) name(c *Case, raw []byte) {
	b := append(append(s.scratch[:0], c.Class...), '.')
	b = tidy(b, raw, mostName)
	s.scratch = b[:0]
	name := b[len(c.Class)+1:]
	switch {
	case len(name) == 0:
		c.Name = "(without a name)"
	case c.CodeRef != "":
		c.Name = string(name)
	case c.Class == "" || bytes.Contains(name, []byte("::")) || len(name) > len(c.Class)+1 && string(name[:len(c.Class)+1]) == string(b[:len(c.Class)+1]):
		c.Name = string(name)
		c.CodeRef = c.Name
	default:
		c.CodeRef = string(b)
		c.Name = c.CodeRef[len(c.Class)+1:]
	}
	if c.CodeRef == "" {
		c.CodeRef = string(b[:len(c.Class)+1]) + c.Name
	}
}

// tidy is a text on one line, until the next one.
func (s *sink) tidy(raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	b := tidy(s.scratch[:0], raw, mostName)
	s.scratch = b[:0]
	return b
}

// done hands over what a draft has become.
func (s *sink) done(d *draft) error { return s.emit(s.finish(d)) }

// interned is a text that is most often the one before.
type interned struct{ last string }

func (i *interned) of(b []byte) string {
	if string(b) != i.last {
		i.last = string(b)
	}
	return i.last
}

// held are cases that wait for what follows in the file.
type held struct {
	cases []Case
	size  int
}

// mostHeld bounds what waits, in bytes.
const mostHeld = 8 << 20

// add keeps a copy, and tells whether there is room for more.
func (h *held) add(c *Case) bool {
	kept := *c
	kept.Properties = append([]Property(nil), c.Properties...)
	kept.Attachments = append([]string(nil), c.Attachments...)
	h.cases = append(h.cases, kept)
	h.size += 512 + len(c.Name) + len(c.CodeRef) + len(c.Class) + len(c.Suite) + len(c.File) + len(c.Message) + len(c.Detail)
	for _, p := range c.Properties {
		h.size += 32 + len(p.Name) + len(p.Value)
	}
	for _, a := range c.Attachments {
		h.size += 16 + len(a)
	}
	return h.size < mostHeld
}

// release hands over all that waits, after a last change.
func (s *sink) release(h *held, change func(*Case)) error {
	for i := range h.cases {
		c := &h.cases[i]
		if change != nil {
			change(c)
		}
		if err := s.emit(c); err != nil {
			return err
		}
	}
	h.cases, h.size = h.cases[:0], 0
	return nil
}

// within gives a case that waited its class, if it has none, and what refers to it.
func (c *Case) within(class string) {
	if c.Class == "" && class != "" {
		if c.CodeRef == c.Name || c.CodeRef == "."+c.Name {
			c.CodeRef = class + "." + c.Name
			if strings.HasPrefix(c.Name, class+".") {
				c.CodeRef = c.Name
			}
		}
		c.Class = class
	}
}
