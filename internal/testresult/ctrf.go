package testresult

// ctrf reads the results of a report in the Common Test Report Format.
func (d *jsonDoc) ctrf() {
	tests := false
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		if key != "tests" {
			d.skip()
			continue
		}
		tests = true
		for more := d.begin('['); more && d.item(); {
			d.ctrfTest()
		}
	}
	if d.err == nil && !tests {
		d.wrong("there is no list of tests in its results")
	}
}

func (d *jsonDoc) ctrfTest() {
	t := &d.t
	t.reset()
	status := &d.state
	status.reset()
	d.browser.reset()
	retries := 0
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		switch key {
		case "name":
			d.text(&t.name)
		case "status":
			d.text(status)
		case "duration":
			t.duration = seconds(d.number() / 1000)
		case "start":
			t.startedAt = millis(d.number())
		case "suite":
			d.ctrfSuite()
		case "browser":
			d.text(&d.browser)
		case "filePath":
			d.text(&t.file)
		case "line":
			t.line = int(min(d.number(), 1<<30))
		case "message":
			d.text(&t.message)
		case "trace":
			d.text(&t.detail)
		case "flaky":
			t.flaky = d.truth()
		case "retries":
			retries = int(min(d.number(), 1<<20))
		case "tags":
			d.tags()
		case "attachments":
			d.paths()
		default:
			d.skip()
		}
	}
	t.class.within(&d.browser)
	t.attempt = retries + 1
	switch word(status.b) {
	case "passed":
	case "failed":
		t.fails = saysFailed
	default: // skipped, pending, other
		t.fails = saysSkipped
	}
	t.flaky = t.flaky && t.fails == saysNothing
	t.settle()
	d.done()
}

// ctrfSuite reads the suite of a test: a list of titles, or before version 1 a text.
func (d *jsonDoc) ctrfSuite() {
	t := &d.t
	if d.peek() == '[' {
		t.suite.reset()
		for ok := d.begin('['); ok && d.item(); {
			d.text(&d.buffer)
			t.suite.join(d.buffer.b, " › ")
		}
	} else {
		d.text(&t.suite)
	}
	t.class.set(t.suite.b)
}
