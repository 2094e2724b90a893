package testresult

import (
	"bytes"
	"regexp"
	"strconv"
	"time"
)

// tap reads the Test Anything Protocol, versions 12 to 14: a line for each
// test. What is indented belongs to the test whose line follows it.
type tap struct {
	*sink
	in      *input
	t       draft
	waits   bool // a test whose details may follow
	yaml    bool
	block   bool // the message goes on on further lines
	planned int64
	plan    bool
	points  int64
	bailed  bool
}

var (
	tapPlan      = regexp.MustCompile(`^1\.\.(\d+)`)
	tapDirective = regexp.MustCompile(`(?i)^#\s*(skip|todo)\S*\s*(.*)$`)
	tapTime      = regexp.MustCompile(`^#\s*time=([\d.]+)(ms|s)`)
	tapUnended   = regexp.MustCompile(`^(n|no|not|not |not o|o|1|1\.|1\.\.|B|Ba|Bai|Bail|Bail |Bail o|Bail ou|Bail out|T|TA|TAP|TAP .*)$`)
	tapDangling  = regexp.MustCompile(`(?i)[^\\]#\s*(|s|sk|ski|t|to|tod)$`)
)

// mostLine is how much of a line is kept, in bytes.
const mostLine = 8 << 10

func (p *tap) read() error {
	var line []byte
	for !p.bailed {
		var ended bool
		line, ended = p.in.readLine(line[:0])
		if len(line) == 0 && !ended {
			break
		}
		line = bytes.TrimRight(line, "\r")
		if !ended && (tapUnended.Match(line) || isPoint(line) && tapDangling.Match(line)) {
			return p.in.at("the file ends inside a line")
		}
		if err := p.take(line); err != nil {
			return err
		}
	}
	if err := p.in.failed(); err != nil {
		return err
	}
	if err := p.settle(); err != nil {
		return err
	}
	switch {
	case p.bailed:
	case !p.plan:
		p.warn("there is no plan in it, so that it can't be told whether it is complete")
	case p.points != p.planned:
		p.warn("the plan was for %d tests, and there are %d", p.planned, p.points)
	}
	p.sum.Repaired = p.in.repaired
	return nil
}

// readLine appends a line without its end, as much of it as is kept, and tells
// whether it had one.
func (in *input) readLine(to []byte) ([]byte, bool) {
	for in.more(1) {
		part := in.buf[in.pos:in.end]
		i := bytes.IndexByte(part, '\n')
		if i >= 0 {
			part = part[:i]
		}
		to = append(to, part[:max(0, min(len(part), mostLine-len(to)))]...)
		in.pos += len(part)
		if i >= 0 {
			in.pos++
			return to, true
		}
	}
	return to, false
}

// take takes in a line.
func (p *tap) take(line []byte) error {
	if p.yaml {
		p.detail(line)
		return nil
	}
	switch {
	case bytes.HasPrefix(line, []byte("Bail out!")):
		p.bailed = true
		p.warn("it bailed out: %s", clean(firstOf(line[len("Bail out!"):], []byte("no reason is given")), 300))
	case isPoint(line):
		if err := p.settle(); err != nil {
			return err
		}
		p.point(line)
	case len(line) > 0 && line[0] == '1' && tapPlan.Match(line):
		p.plan = true
		p.planned, _ = strconv.ParseInt(string(tapPlan.FindSubmatch(line)[1]), 10, 64)
	case p.waits && bytes.Equal(bytes.TrimSpace(line), []byte("---")) && line[0] == ' ':
		p.yaml = true
		p.t.detail.reset()
	case p.waits && p.t.fails == saysFailed && bytes.HasPrefix(line, []byte("# ")):
		p.t.detail.join(line[2:], "\n")
	}
	return nil
}

// isPoint tells whether a line is one of a test.
func isPoint(line []byte) bool {
	rest, ok := bytes.CutPrefix(bytes.TrimPrefix(line, []byte("not ")), []byte("ok"))
	return ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t')
}

// leadingDigits is the number that a text begins with, if that is a word of its own.
func leadingDigits(text []byte) []byte {
	i := 0
	for i < len(text) && text[i] >= '0' && text[i] <= '9' {
		i++
	}
	if i < len(text) && text[i] != ' ' && text[i] != '\t' {
		return nil
	}
	return text[:i]
}

// point begins a test.
func (p *tap) point(line []byte) {
	t := &p.t
	t.reset()
	p.waits = true
	p.points++
	text := line[len("ok"):]
	if line[0] == 'n' {
		t.fails = saysFailed
		text = line[len("not ok"):]
	}
	text = bytes.TrimSpace(text)
	digits := leadingDigits(text)
	text = bytes.TrimSpace(text[len(digits):])
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("- ")))
	if string(text) == "-" {
		text = nil
	}
	name, directive := text, []byte(nil)
	for i, c := range text {
		if c == '#' && (i == 0 || text[i-1] != '\\') && (tapDirective.Match(text[i:]) || tapTime.Match(text[i:])) {
			name, directive = bytes.TrimSpace(text[:i]), text[i:]
			break
		}
	}
	name = bytes.TrimSpace(bytes.TrimSuffix(name, []byte(" {")))
	t.name.set(bytes.ReplaceAll(name, []byte(`\#`), []byte("#")))
	if t.name.blank() && len(digits) > 0 {
		t.name.set(append([]byte("test "), digits...))
	}
	if d := tapDirective.FindSubmatch(directive); d != nil {
		t.fails = saysSkipped
		t.message.set(d[2])
	} else if d := tapTime.FindSubmatch(directive); d != nil {
		t.duration = seconds(number(d[1]))
		if string(d[2]) == "ms" {
			t.duration /= time.Duration(time.Second / time.Millisecond)
		}
	}
}

// detail takes in a line of the block that says more of a test.
func (p *tap) detail(line []byte) {
	t := &p.t
	text := bytes.TrimSpace(line)
	if string(text) == "..." {
		p.yaml, p.block = false, false
		return
	}
	t.detail.write(append(bytes.TrimPrefix(line, []byte("  ")), '\n'))
	if key, value, ok := bytes.Cut(text, []byte(":")); ok {
		value = bytes.TrimSpace(value)
		switch string(key) {
		case "message", "error":
			if !t.message.blank() {
				break
			}
			if p.block = len(value) > 0 && (value[0] == '|' || value[0] == '>'); !p.block {
				t.message.set(bytes.Trim(value, `"'`))
			}
			return
		case "duration_ms":
			t.duration = seconds(number(value) / 1000)
		case "file":
			t.file.set(bytes.Trim(value, `"'`))
		case "line":
			t.line = whole(value)
		}
	}
	if p.block {
		t.message.set(text)
		p.block = false
	}
}

// settle hands over the test that waits.
func (p *tap) settle() error {
	if !p.waits {
		return nil
	}
	p.waits, p.yaml, p.block = false, false, false
	t := &p.t
	if t.fails == saysFailed {
		t.explain()
	} else {
		t.detail.reset()
	}
	if t.fails == saysNothing {
		t.message.reset()
	}
	t.settle()
	return p.done(t)
}
