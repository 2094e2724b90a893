package testresult

import "bytes"

// trx is the format of Visual Studio and dotnet test: a result for each test,
// and what class it is of in definitions, which most often follow the results.
type trx struct {
	held        held
	ids         []string // of the tests that are held
	classes     map[string]string
	size        int // of classes
	full        bool
	definition  text
	output      text
	information text
	informs     bool
}

func (x *trx) start(d *xmlDoc, name string) error {
	switch name {
	case "UnitTestResult", "GenericTestResult", "WebTestResult", "ManualTestResult", "LoadTestResult", "OrderedTestResult":
		x.result(d)
	case "Message":
		if t := d.open(); t != nil && t.message.blank() {
			d.collect(&t.message)
		}
	case "StackTrace":
		if t := d.open(); t != nil && t.detail.blank() {
			d.collect(&t.detail)
		}
	case "StdOut", "StdErr":
		if d.cases > 0 {
			d.collect(&x.output)
		}
	case "ResultFile":
		if t := d.open(); t != nil {
			t.attach(d.attr("path"))
		}
	case "UnitTest", "GenericTest", "WebTest", "ManualTest", "OrderedTest":
		x.definition.set(d.attr("id"))
	case "TestMethod":
		x.defines(d.attr("className"))
	case "RunInfo":
		x.informs = word(d.attr("outcome")) == "error"
		x.information.reset()
	case "Text":
		if x.informs {
			d.collect(&x.information)
		}
	}
	return nil
}

func (x *trx) result(d *xmlDoc) {
	t := d.begin()
	x.output.reset()
	for i := range d.scan.attrs {
		value := d.scan.attrValue(i)
		switch string(d.scan.attrName(i)) {
		case "testName":
			t.name.set(value)
		case "testId":
			t.code.set(value)
		case "duration":
			t.duration = seconds(clock(value))
		case "startTime":
			t.startedAt = moment(value)
		}
	}
	switch word(d.attr("outcome")) {
	case "passed", "warning":
	case "failed", "timeout":
		t.fails = saysFailed
	case "error", "aborted":
		t.fails = saysError
	default:
		t.fails = saysSkipped
	}
}

// clock reads hours, minutes and seconds, 00:00:01.5, in seconds.
func clock(b []byte) float64 {
	sum := 0.0
	for part := range bytes.SplitSeq(b, []byte(":")) {
		sum = sum*60 + number(part)
	}
	return sum
}

// defines notes the class of a test. Behind the assembly is named, after a comma.
func (x *trx) defines(class []byte) {
	class, _, _ = bytes.Cut(class, []byte(","))
	if class = bytes.TrimSpace(class); len(class) == 0 || x.full {
		return
	}
	if x.classes == nil {
		x.classes = map[string]string{}
	}
	if x.size += 64 + len(x.definition.b) + min(len(class), mostValue); x.size > mostHeld {
		return
	}
	x.classes[string(x.definition.b)] = clean(class[:min(len(class), mostValue)], mostName)
}

func (x *trx) end(d *xmlDoc, name string) error {
	switch name {
	case "UnitTestResult", "GenericTestResult", "WebTestResult", "ManualTestResult", "LoadTestResult", "OrderedTestResult":
		if t := d.ends(); t != nil {
			return x.finish(d, t)
		}
	case "RunInfo":
		if x.informs && !x.information.blank() {
			d.warn("the run says: %s", clean(x.information.b, 300))
		}
		x.informs = false
	case "TestRun":
		if d.depth == 1 {
			return x.release(d)
		}
	}
	return nil
}

func (x *trx) finish(d *xmlDoc, t *draft) error {
	switch {
	case t.fails == saysNothing:
		t.message.reset()
	case t.detail.blank():
		t.detail.set(x.output.b)
	}
	t.settle()
	id := string(t.code.b[:min(len(t.code.b), mostValue)])
	t.code.reset()
	c := d.finish(t)
	if x.full {
		c.within(x.classes[id])
		return d.emit(c)
	}
	x.ids = append(x.ids, id)
	x.held.size += len(id)
	if x.held.add(c) {
		return nil
	}
	d.warn("there are so many tests in it that of most the class is not told: it stands behind all of them")
	if err := x.release(d); err != nil {
		return err
	}
	x.full = true
	return nil
}

// release hands over the tests that waited for their classes.
func (x *trx) release(d *xmlDoc) error {
	i := -1
	err := d.release(&x.held, func(c *Case) {
		i++
		c.within(x.classes[x.ids[i]])
	})
	x.ids, x.held.cases = nil, nil
	return err
}
