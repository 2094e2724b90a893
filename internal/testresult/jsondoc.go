package testresult

// members are the names of members that some format knows.
var members = vocabulary(`Action Package ImportPath Test Time Elapsed Output FailedBuild
	protocolVersion type time test id name suiteID suite path url root_url line testID result skipped hidden error stackTrace messageType message metadata skip skipReason
	success
	reportFormat results tests summary status duration start stop filePath flaky retries tags trace attachments browser extra stdout stderr retryAttempts
	suites specs title file projectName projectId expectedStatus errors stack value startTime retry
	stats pending failures passes fullTitle fullFile state pass fail err currentRetry speed runs spec relative attempts displayError wallClockDuration timedOut context code
	elements uri keyword steps before after children error_message hook match location description
	nodeid testResults numTotalTests outcome wallClockStartedAt snippet`)

// jsonDoc walks a file that is one value of JSON.
type jsonDoc struct {
	*sink
	*jsonScanner
	t       draft
	held    held
	errors  []string // what the file says failed outside its tests
	others  int64    // how many
	titles  []text   // of the suites around
	level   int      // how many of these are in use
	buffer  text
	state   text
	browser text // in which a test ran
	spec    playwrightSpec
	titleOf interned
}

// check keeps the first error, of the scanner or of whoever takes the cases.
func (d *jsonDoc) check(err error) {
	if err != nil {
		d.fail(err)
	}
}

// readJSON reads a file of JSON, of which a member or an element tells the format.
func (s *sink) readJSON(in *input) error {
	d := &jsonDoc{sink: s, jsonScanner: newJSON(in)}
	if d.peek() == '[' {
		d.features()
	} else {
		d.report()
	}
	d.jsonScanner.finish()
	s.sum.Repaired = in.repaired
	if d.err != nil {
		return d.err
	}
	if s.sum.Format == "playwright" {
		for _, message := range d.errors {
			s.suiteError(message)
		}
		s.sum.SuiteErrors += d.others - int64(len(d.errors))
	}
	return nil
}

// report reads an object, whose members tell what it is.
func (d *jsonDoc) report() {
	jest, pytest := false, false
	m := &mocha{jsonDoc: d}
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		c := d.peek()
		switch {
		case key == "reportFormat" && c == '"':
			if d.text(&d.buffer); string(d.buffer.b) == "CTRF" {
				d.decide("ctrf")
			}
		case key == "results" && c == '{' && d.decide("ctrf"):
			d.ctrf()
		case key == "results" && c == '[' && d.decide("mochawesome"):
			d.mochawesome()
		case key == "suites" && c == '[' && d.decide("playwright"):
			d.playwright()
		case key == "errors" && c == '[':
			d.outside()
		case key == "runs" && c == '[' && d.decide("cypress"):
			d.cypress()
		case key == "tests" && c == '[' && d.mayBeMocha():
			pytest = m.tests()
		case key == "pending" && c == '[' && d.mayBeMocha():
			m.pending()
		default:
			jest = jest || key == "testResults" || key == "numTotalTests"
			d.skip()
		}
	}
	if d.err != nil {
		return
	}
	m.settle()
	switch {
	case d.sum.Format != "":
	case jest:
		d.fail(&Error{Text: "it is the JSON of Jest, which is not read; the reporter jest-junit writes what is"})
	case pytest:
		d.fail(&Error{Text: "it is the JSON of pytest-json-report, which is not read; pytest --junit-xml writes what is"})
	default:
		d.fail(&Error{Text: "it is JSON, but none of the reports that are read" + d.wanted()})
	}
}

// decide tells whether the file is of a format, which it is if nothing said otherwise so far.
func (d *jsonDoc) decide(format string) bool {
	if d.sum.Format == "" {
		d.check(d.is(format))
	}
	return d.err == nil && d.sum.Format == format
}

func (d *jsonDoc) mayBeMocha() bool { return d.sum.Format == "" || d.sum.Format == "mocha" }

// done hands over the case at hand.
func (d *jsonDoc) done() {
	if d.err == nil {
		d.check(d.sink.done(&d.t))
	}
}

// hold has the case at hand wait for what follows, as long as there is room.
func (d *jsonDoc) hold() {
	if d.err != nil {
		return
	}
	if !d.held.add(d.sink.finish(&d.t)) {
		d.letGo(nil)
	}
}

// letGo hands over the cases that wait.
func (d *jsonDoc) letGo(change func(*Case)) {
	if d.err == nil {
		d.check(d.release(&d.held, change))
	}
}

// enter begins a suite within those around.
func (d *jsonDoc) enter() {
	if d.level == len(d.titles) {
		d.titles = append(d.titles, text{})
	}
	d.titles[d.level].reset()
	d.level++
}

// title reads the title of the suite at hand.
func (d *jsonDoc) title(level int) {
	d.text(&d.buffer)
	d.titles[level].set(d.buffer.b[:min(len(d.buffer.b), mostValue)])
}

// around writes the titles of the suites around, the outermost first.
func (d *jsonDoc) around(t *text) {
	for i := range d.titles[:d.level] {
		if !d.titles[i].blank() {
			t.join(d.titles[i].b, " › ")
		}
	}
}

// outside reads a list of errors that belong to no test.
func (d *jsonDoc) outside() {
	for ok := d.begin('['); ok && d.item(); {
		d.others++
		d.t.message.reset()
		d.problem(&d.t.message, &d.t.detail)
		if len(d.errors) < mostMessages {
			d.errors = append(d.errors, clean(firstOf(d.t.message.b, d.t.detail.b, []byte("an error without a message")), mostMessage))
		}
	}
}

// problem reads an error: an object with message and stack, or a text.
func (d *jsonDoc) problem(message, detail *text) {
	if d.peek() != '{' {
		d.text(message)
		return
	}
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		switch key {
		case "message", "value":
			d.text(message)
		case "stack":
			d.text(detail)
		default:
			d.skip()
		}
	}
	if message.blank() && !detail.blank() {
		message.set(detail.b)
	}
}

// paths reads a list of attachments.
func (d *jsonDoc) paths() {
	if d.peek() != '[' {
		d.skip()
		return
	}
	for ok := d.begin('['); ok && d.item(); {
		if d.peek() != '{' {
			d.skip()
			continue
		}
		for more := d.begin('{'); more; {
			var key string
			if key, more = d.key(); !more {
				break
			}
			if key != "path" {
				d.skip()
				continue
			}
			d.text(&d.buffer)
			d.t.attach(d.buffer.b)
		}
	}
}
