package testresult

import (
	"bytes"
	"strings"
)

// junit is the format of many writers: a testcase for each test, in suites of
// suites, with elements in it that say what came of it.
type junit struct {
	playwright bool // its suites are of projects, which hostname names
	bare       bool // it has no element around its suites
	claims     bool // its attributes speak of tests
	odd        int64
	oddStatus  bool // the case says that it failed
	suite      text // what a suite says that failed by itself
	suiteDepth int
	key, value text // of a property
	output     text // of the case
}

func (j *junit) start(d *xmlDoc, name string) error {
	switch name {
	case "testsuites", "testsuite":
		j.enters(d, name)
		return nil
	case "testcase":
		j.testcase(d)
		return nil
	}
	switch {
	case name == "property" && d.cases > 0:
		d.property(&j.key, &j.value)
	case d.child():
		j.inCase(d, name)
	case d.cases == 0 && (name == "error" || name == "failure"):
		j.suiteDepth = d.depth
		if j.suite.set(d.attr("message")); j.suite.blank() {
			d.collect(&j.suite)
		}
	}
	return nil
}

// enters begins a suite.
func (j *junit) enters(d *xmlDoc, name string) {
	suite := d.attr("name")
	if d.depth == 1 {
		id := d.attr("id")
		j.bare = name == "testsuite"
		j.playwright = id != nil && suite != nil && len(id)+len(suite) == 0
	}
	if project := d.attr("hostname"); j.playwright && len(project) > 0 {
		suite = append(append(append(bytes.Clone(suite), " ("...), project...), ')')
	}
	j.claims = j.claims || number(d.attr("tests")) > 0
	d.enter(suite)
}

func (j *junit) testcase(d *xmlDoc) {
	t := d.begin()
	j.oddStatus = false
	j.output.reset()
	if j.output.files == nil {
		j.output.files = &files{}
	}
	var took, duration []byte
	for i := range d.scan.attrs {
		value := d.scan.attrValue(i)
		switch string(d.scan.attrName(i)) {
		case "name":
			t.name.set(value)
		case "classname":
			t.class.set(value)
		case "class":
			if t.class.blank() {
				t.class.set(value)
			}
		case "file":
			t.file.set(value)
		case "line":
			t.line = whole(value)
		case "time":
			took = value
		case "duration":
			duration = value
		case "timestamp":
			t.startedAt = moment(value)
		case "status":
			j.status(t, value)
		case "result":
			switch word(value) {
			case "suppressed", "skipped":
				t.fails = saysSkipped
			}
		}
	}
	if t.class.blank() {
		t.class.set(d.nearest())
	}
	d.around(&t.suite, !j.bare)
	if took == nil {
		took = duration
	}
	t.duration = seconds(number(took))
}

func (j *junit) status(t *draft, value []byte) {
	switch word(value) {
	case "disabled", "notrun", "skipped", "ignored":
		t.fails = saysSkipped
	case "failed", "failure", "fail", "error":
		j.oddStatus = true
	}
}

// word is a short value in small letters.
func word(value []byte) string {
	if len(value) > 32 {
		return ""
	}
	return strings.ToLower(string(bytes.TrimSpace(value)))
}

// inCase reads what stands right in a testcase.
func (j *junit) inCase(d *xmlDoc, name string) {
	t := d.open()
	says := saysNothing
	switch name {
	case "error":
		says = saysError
	case "failure":
		says = saysFailed
	case "skipped":
		says = saysSkipped
		if t.fails == saysSkipped && t.message.blank() {
			t.fails = saysNothing // so far an attribute said so, and not why
		}
	case "flakyFailure", "flakyError":
		t.flaky = true
	case "system-out", "system-err":
		*j.output.files = files{of: t, path: j.output.files.path}
		d.collect(&j.output)
	}
	if says == saysNothing || !t.says(says) {
		return
	}
	t.message.set(d.attr("message"))
	if t.message.blank() {
		t.message.set(d.attr("type"))
		t.weak = true
	}
	d.collect(&t.detail)
}

func (j *junit) end(d *xmlDoc, name string) error {
	switch name {
	case "testsuites", "testsuite":
		d.leave()
		if d.depth == 1 {
			j.last(d)
		}
		return nil
	case "testcase":
		if t := d.ends(); t != nil {
			return j.finish(d, t)
		}
	case "property":
		if t := d.open(); t != nil {
			t.property(&j.key, &j.value)
		}
	case "error", "failure":
		if j.suiteDepth == d.depth && d.cases == 0 {
			j.suiteDepth = 0
			d.suiteError(clean(firstOf(j.suite.b, []byte("a suite failed outside its tests")), mostMessage))
		}
	}
	return nil
}

// last says what is odd about the whole file.
func (j *junit) last(d *xmlDoc) {
	if d.sum.Tests == 0 && j.claims {
		d.warn("its attributes speak of tests, and there are none in it")
	}
	if j.odd > 0 {
		d.warn("of %d cases the attribute says that they failed, and no element does: they count as passed", j.odd)
	}
}

func (j *junit) finish(d *xmlDoc, t *draft) error {
	switch t.fails {
	case saysNothing:
		if j.oddStatus {
			j.odd++
		}
	case saysSkipped:
		t.explain()
		t.flaky = false
		t.detail.reset()
	default:
		t.explain()
		t.flaky = false
		if t.detail.blank() {
			t.detail.set(j.output.b)
		}
	}
	t.settle()
	return d.done(t)
}
