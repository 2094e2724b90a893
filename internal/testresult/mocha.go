package testresult

import (
	"bytes"
	"hash/maphash"
)

// mocha is a report of Mocha's own: a list of tests, and behind it one of
// those that are pending, which alone says that they are. From the first test
// on that doesn't show by itself whether it passed they wait for that, as many
// as there is room for. Of the others one is pending that doesn't say how fast
// it was, if others do, or how long it took.
type mocha struct {
	*jsonDoc
	seed  maphash.Seed
	waits map[uint64]bool // by the full titles of the pending ones
	hints []mochaHint
	known bool // the list of the pending ones was read
	sped  bool // a test says how fast it passed, as all do that passed
}

// mochaHint is what is known of a test that waits.
type mochaHint struct {
	id             uint64
	certain, timed bool
}

// mostPending bounds how many titles are kept.
const mostPending = 200_000

func (m *mocha) id(title []byte) uint64 {
	if m.waits == nil {
		m.waits = map[uint64]bool{}
		m.seed = maphash.MakeSeed()
	}
	return maphash.Bytes(m.seed, title)
}

// mochaTest is what the members of a test say.
type mochaTest struct {
	title, full text
	state       text
	pending     bool
	skipped     bool
	passFalse   bool // it says that it didn't pass
	failTrue    bool
	timed       bool
	sped        bool
	foreign     bool // it is a test of another program
}

// test reads a test, whose message and duration go into the case at hand.
func (d *jsonDoc) mochaTest(x *mochaTest) {
	t := &d.t
	t.reset()
	*x = mochaTest{title: text{b: x.title.b[:0]}, full: text{b: x.full.b[:0]}, state: text{b: x.state.b[:0]}}
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		switch key {
		case "title":
			d.mochaTitle(x)
		case "fullTitle":
			d.text(&x.full)
		case "file":
			d.text(&t.file)
		case "duration":
			x.timed = d.peek() != 'n'
			t.duration = seconds(d.number() / 1000)
		case "currentRetry":
			t.attempt = int(min(d.number(), 1<<20)) + 1
		case "speed":
			x.sped = d.peek() == '"'
			d.skip()
		case "state":
			d.text(&x.state)
		case "pending":
			x.pending = d.truth()
		case "skipped":
			x.skipped = d.truth()
		case "pass":
			x.passFalse = !d.truth()
		case "fail":
			x.failTrue = d.truth()
		case "err":
			d.problem(&t.message, &t.detail)
		case "nodeid":
			x.foreign = true
			d.skip()
		case "displayError":
			d.text(&t.message)
		case "attempts":
			d.attempts()
		default:
			d.skip()
		}
	}
}

// mochaTitle reads a title, or a list of those around it with its own.
func (d *jsonDoc) mochaTitle(x *mochaTest) {
	if d.peek() != '[' {
		d.text(&x.title)
		return
	}
	x.full.reset()
	for ok := d.begin('['); ok && d.item(); {
		x.full.join(x.title.b, " › ")
		d.text(&x.title)
	}
}

// verdict is what a test says of itself, and whether that is certain.
func (x *mochaTest) verdict(t *draft) (rank, bool) {
	switch state := string(x.state.b); {
	case state == "failed", x.failTrue, state == "" && !x.pending && !t.message.blank():
		return saysFailed, true
	case x.pending, x.skipped, state == "pending", state == "skipped":
		return saysSkipped, true
	case state == "passed":
		return saysNothing, true
	case x.passFalse:
		return saysSkipped, true
	}
	return saysNothing, x.sped
}

// tests reads the list of all tests. It tells whether they are of pytest.
func (m *mocha) tests() (pytest bool) {
	var x mochaTest
	for ok := m.begin('['); ok && m.item(); {
		m.mochaTest(&x)
		if x.foreign || m.err == nil && x.title.blank() && x.full.blank() {
			pytest = pytest || x.foreign
			continue
		}
		if !m.decide("mocha") {
			return pytest
		}
		m.test(&x)
	}
	if m.err == nil && !pytest && m.sum.Format == "" && m.sum.Tests == 0 {
		m.decide("mocha") // the list is empty
	}
	return pytest
}

func (m *mocha) test(x *mochaTest) {
	t := &m.t
	t.name.set(firstOf(x.title.b, x.full.b))
	if !x.title.blank() {
		t.class.set(bytes.TrimSpace(bytes.TrimSuffix(x.full.b, x.title.b)))
	}
	t.suite.set(t.class.b)
	says, certain := x.verdict(t)
	t.fails = says
	m.sped = m.sped || x.sped
	if m.known && !certain && m.waits[m.id(x.full.b)] {
		t.fails = saysSkipped
	}
	t.settle()
	if m.known || certain && len(m.hints) == 0 {
		m.done()
		return
	}
	if m.err != nil {
		return
	}
	m.hints = append(m.hints, mochaHint{id: m.id(x.full.b), certain: certain, timed: x.timed})
	if !m.held.add(m.sink.finish(t)) {
		m.settle()
	}
}

// pending reads the list of those that are.
func (m *mocha) pending() {
	var x mochaTest
	for ok := m.begin('['); ok && m.item(); {
		m.mochaTest(&x)
		if len(m.waits) < mostPending {
			id := m.id(x.full.b)
			m.waits[id] = true
		}
	}
	m.known = true
	m.decide("mocha")
	if len(m.hints) > 0 {
		m.settle()
	}
}

// settle hands over the tests that waited.
func (m *mocha) settle() {
	i := -1
	m.letGo(func(c *Case) {
		i++
		switch h := &m.hints[i]; {
		case h.certain:
		case m.known && m.waits[h.id], !m.known && (m.sped || !h.timed):
			c.Status = Skipped
		}
	})
	m.hints = m.hints[:0]
}

// mochawesome reads results: suites of suites with tests.
func (d *jsonDoc) mochawesome() {
	for ok := d.begin('['); ok && d.item(); {
		d.mochawesomeSuite()
	}
}

func (d *jsonDoc) mochawesomeSuite() {
	d.enter()
	at := d.level - 1
	var file text
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		switch key {
		case "title":
			d.title(at)
		case "file":
			if d.text(&file); d.titles[at].blank() {
				d.titles[at].set(file.b[:min(len(file.b), mostValue)])
			}
		case "tests":
			var x mochaTest
			for more := d.begin('['); more && d.item(); {
				d.mochaTest(&x)
				d.ofSuite(&x, file.b)
			}
		case "suites":
			d.mochawesome()
		default:
			d.skip()
		}
	}
	d.level--
}

// ofSuite hands over a test that stands in suites.
func (d *jsonDoc) ofSuite(x *mochaTest, file []byte) {
	t := &d.t
	t.name.set(firstOf(x.title.b, x.full.b))
	d.around(&t.suite)
	t.class.set(t.suite.b)
	if t.file.blank() {
		t.file.set(file)
	}
	t.fails, _ = x.verdict(t)
	t.settle()
	d.done()
}

// cypress reads what the program of Cypress returns: a run for each file, whose
// name follows its tests.
func (d *jsonDoc) cypress() {
	for ok := d.begin('['); ok && d.item(); {
		var x mochaTest
		var file, problem text
		for more := d.begin('{'); more; {
			var key string
			if key, more = d.key(); !more {
				break
			}
			switch {
			case key == "tests" && d.peek() == '[':
				for d.push('['); d.item(); {
					d.mochaTest(&x)
					d.t.name.set(x.title.b)
					d.t.class.set(x.full.b)
					d.t.suite.set(x.full.b)
					d.t.fails, _ = x.verdict(&d.t)
					d.t.flaky = d.t.fails == saysNothing && d.t.attempt > 1
					if d.t.settle(); d.t.status == Passed {
						d.t.message.reset()
					}
					d.hold()
				}
			case key == "spec" && d.peek() == '{':
				d.specFile(&file)
			case key == "error":
				d.text(&problem)
			default:
				d.skip()
			}
		}
		name := string(tidy(nil, file.b, mostName))
		d.letGo(func(c *Case) { c.File = name })
		if d.err == nil && !problem.blank() {
			d.suiteError(clean(problem.b, mostMessage))
		}
	}
}

func (d *jsonDoc) specFile(file *text) {
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		if key == "relative" || key == "name" && file.blank() {
			d.text(file)
		} else {
			d.skip()
		}
	}
}

// attempts reads the attempts at a test of Cypress, of which the last counts.
func (d *jsonDoc) attempts() {
	t := &d.t
	for ok := d.begin('['); ok && d.item(); {
		t.attempt++
		for more := d.begin('{'); more; {
			var key string
			if key, more = d.key(); !more {
				break
			}
			switch key {
			case "error":
				d.problem(&t.message, &t.detail)
			case "wallClockDuration", "duration":
				t.duration = seconds(d.number() / 1000)
			default:
				d.skip()
			}
		}
	}
}
