package testresult

// A report of Playwright has suites of suites with specs, and each of these a
// test for each project, with as many attempts as it took.
type playwrightSpec struct {
	title, file  text
	line         int
	status, last text
	first, stack text // of several errors
}

func (d *jsonDoc) playwright() {
	for ok := d.begin('['); ok && d.item(); {
		d.playwrightSuite()
	}
}

func (d *jsonDoc) playwrightSuite() {
	d.enter()
	at := d.level - 1
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		switch key {
		case "title":
			d.title(at)
		case "specs":
			for more := d.begin('['); more && d.item(); {
				d.playwrightSpec()
			}
		case "suites":
			d.playwright()
		default:
			d.skip()
		}
	}
	d.level--
}

// playwrightSpec reads a spec. Where it stands follows its tests, which wait for that.
func (d *jsonDoc) playwrightSpec() {
	s := &d.spec
	s.line = 0
	s.title.reset()
	s.file.reset()
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		switch key {
		case "title":
			d.text(&s.title)
		case "file":
			d.text(&s.file)
		case "line":
			s.line = int(min(d.number(), 1<<30))
		case "tests":
			for more := d.begin('['); more && d.item(); {
				d.playwrightTest(s)
			}
		default:
			d.skip()
		}
	}
	title, file := d.titleOf.of(d.tidy(s.title.b)), d.file.of(d.tidy(s.file.b))
	d.letGo(func(c *Case) {
		c.File, c.Line = file, s.line
		if c.Name != title && title != "" { // it followed the tests
			c.Name, c.CodeRef = title, c.Class+"."+title
		}
	})
}

func (d *jsonDoc) playwrightTest(s *playwrightSpec) {
	t := &d.t
	t.reset()
	t.name.set(s.title.b)
	d.around(&t.suite)
	s.status.reset()
	s.last.reset()
	t.class.set(t.suite.b)
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		switch key {
		case "projectName":
			d.text(&d.buffer)
			t.class.within(&d.buffer)
		case "status":
			d.text(&s.status)
		case "results":
			for more := d.begin('['); more && d.item(); {
				d.playwrightAttempt(&s.last)
			}
		default:
			d.skip()
		}
	}
	outcome := &s.status
	if outcome.blank() {
		outcome = &s.last
	}
	switch string(outcome.b) {
	case "expected", "passed":
	case "flaky":
		t.flaky = true
	case "skipped":
		t.fails = saysSkipped
	default:
		t.fails = saysFailed
	}
	if t.settle(); t.status == Passed {
		t.message.reset()
		t.detail.reset()
	}
	d.hold()
}

// playwrightAttempt reads one of the attempts at a test, of which the last counts.
func (d *jsonDoc) playwrightAttempt(status *text) {
	t := &d.t
	t.message.reset()
	t.detail.reset()
	t.attempt++
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		switch key {
		case "status":
			d.text(status)
		case "duration":
			t.duration = seconds(d.number() / 1000)
		case "startTime":
			d.text(&d.buffer)
			t.startedAt = moment(d.buffer.b)
		case "error":
			d.problem(&t.message, &t.detail)
		case "errors":
			d.playwrightErrors()
		case "attachments":
			d.paths()
		default:
			d.skip()
		}
	}
}

// playwrightErrors reads all errors of an attempt; what error says is the first of them.
func (d *jsonDoc) playwrightErrors() {
	message, detail := &d.spec.first, &d.spec.stack
	message.reset()
	detail.reset()
	for ok := d.begin('['); ok && d.item(); {
		if !message.blank() {
			d.skip()
			continue
		}
		d.problem(message, detail)
	}
	if d.t.message.blank() {
		d.t.message.set(message.b)
		d.t.detail.set(detail.b)
	}
}
