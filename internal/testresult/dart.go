package testresult

import (
	"bytes"
	"time"
)

// dart reads what dart test --reporter json and flutter test --machine write:
// an event on each line.
type dart struct {
	*sink
	j      *jsonScanner
	event  dartEvent
	open   map[int64]*dartTest
	suites map[int64]string
	kept   int // bytes of texts of open tests
	named  int // and of suites
	t      draft
	ended  bool
}

type dartEvent struct {
	kind, result, problem, stack, message, messageKind text
	time                                               float64
	testID                                             int64
	skipped, hidden                                    bool
	test                                               dartNode
	suite                                              dartNode
}

// dartNode is a test or a suite in an event.
type dartNode struct {
	id, suite               int64
	line                    int
	name, path, url, reason text
}

// dartTest is a test that has begun.
type dartTest struct {
	name, url       string
	suite           int64
	line            int
	began           float64
	message, detail string
}

func (d *dart) read() error {
	d.open, d.suites = map[int64]*dartTest{}, map[int64]string{}
	d.j.lines = true
	for d.j.more(1) {
		if d.j.buf[d.j.pos] == '{' && d.parse() {
			if err := d.happen(); err != nil {
				return err
			}
		} else if d.j.isCut {
			return &Error{Line: d.j.line(), Text: "the file ends inside an event"}
		}
		d.j.err, d.j.stack = nil, d.j.stack[:0]
		d.j.skipLine()
	}
	if err := d.j.failed(); err != nil {
		return err
	}
	if !d.ended {
		d.warn("the file ends without the event that ends a run")
	}
	d.sum.Repaired = d.j.repaired
	return nil
}

func (d *dart) parse() bool {
	e := &d.event
	for _, t := range []*text{&e.kind, &e.result, &e.problem, &e.stack, &e.message, &e.messageKind} {
		t.reset()
	}
	e.time, e.testID, e.skipped, e.hidden = 0, -1, false, false
	for ok := d.j.begin('{'); ok; {
		var key string
		if key, ok = d.j.key(); !ok {
			break
		}
		switch key {
		case "type":
			d.j.text(&e.kind)
		case "time":
			e.time = d.j.number()
		case "testID":
			e.testID = int64(d.j.number())
		case "result":
			d.j.text(&e.result)
		case "skipped":
			e.skipped = d.j.truth()
		case "hidden":
			e.hidden = d.j.truth()
		case "error":
			d.j.text(&e.problem)
		case "stackTrace":
			d.j.text(&e.stack)
		case "message":
			d.j.text(&e.message)
		case "messageType":
			d.j.text(&e.messageKind)
		case "test":
			d.node(&e.test)
		case "suite":
			d.node(&e.suite)
		default:
			d.j.skip()
		}
	}
	return d.j.err == nil
}

// node reads a test or a suite.
func (d *dart) node(n *dartNode) {
	if d.j.peek() != '{' {
		d.j.skip()
		return
	}
	n.id, n.suite, n.line = -1, -1, 0
	for _, t := range []*text{&n.name, &n.path, &n.url, &n.reason} {
		t.reset()
	}
	for ok := d.j.begin('{'); ok; {
		var key string
		if key, ok = d.j.key(); !ok {
			break
		}
		switch key {
		case "id":
			n.id = int64(d.j.number())
		case "suiteID":
			n.suite = int64(d.j.number())
		case "name":
			d.j.text(&n.name)
		case "path":
			d.j.text(&n.path)
		case "url":
			if n.url.blank() {
				d.j.text(&n.url)
			} else {
				d.j.skip()
			}
		case "root_url":
			d.j.text(&n.url)
		case "line":
			n.line = int(min(d.j.number(), 1<<30))
		default:
			d.j.skip()
		}
	}
}

func (d *dart) happen() error {
	e := &d.event
	switch string(e.kind.b) {
	case "suite":
		if path := string(tidy(nil, e.suite.path.b, mostName)); d.named < mostOutput {
			d.suites[e.suite.id] = path
			d.named += 64 + len(path)
		}
	case "testStart":
		if d.kept > mostOutput {
			return d.j.at("too many tests run at the same time")
		}
		t := &dartTest{name: clean(e.test.name.b, mostName), url: clean(e.test.url.b, mostName), suite: e.test.suite, line: e.test.line, began: e.time}
		d.open[e.test.id] = t
		d.kept += t.size()
	case "error":
		if t := d.open[e.testID]; t != nil && t.message == "" && d.kept < mostOutput {
			t.message, t.detail = clean(e.problem.b, mostMessage), clean(e.stack.b, mostDetail)
			d.kept += len(t.message) + len(t.detail)
		}
	case "print":
		if t := d.open[e.testID]; t != nil && t.message == "" && string(e.messageKind.b) == "skip" && d.kept < mostOutput {
			t.message = clean(bytes.TrimPrefix(e.message.b, []byte("Skip: ")), mostMessage)
			d.kept += len(t.message)
		}
	case "testDone":
		return d.ends()
	case "done":
		d.ended = true
	}
	return nil
}

// size is about what it takes of memory.
func (t *dartTest) size() int { return 128 + len(t.name) + len(t.url) + len(t.message) + len(t.detail) }

// ends hands over a test that is done.
func (d *dart) ends() error {
	e := &d.event
	began := d.open[e.testID]
	if began == nil {
		began = &dartTest{suite: -1, began: e.time}
	} else {
		delete(d.open, e.testID)
		d.kept -= began.size()
	}
	if e.hidden {
		return nil
	}
	t := &d.t
	t.reset()
	path := d.suites[began.suite]
	t.name.set([]byte(began.name))
	t.class.set([]byte(path))
	t.suite.set([]byte(path))
	t.file.set([]byte(path))
	t.line = began.line
	t.message.set([]byte(began.message))
	t.detail.set([]byte(began.detail))
	t.duration = seconds((e.time - began.began) / float64(time.Second/time.Millisecond))
	switch string(e.result.b) {
	case "failure":
		t.fails = saysFailed
	case "success":
		if e.skipped {
			t.fails = saysSkipped
		} else {
			t.message.reset()
			t.detail.reset()
		}
	default: // error
		t.fails = saysError
	}
	t.settle()
	return d.done(t)
}
