package testresult

import "bytes"

// xmlFormat is what a format makes of elements. Names that no format knows are "".
type xmlFormat interface {
	start(d *xmlDoc, name string) error
	end(d *xmlDoc, name string) error
}

// xmlDoc walks the elements of a file for a format.
type xmlDoc struct {
	*sink
	scan      *xmlScanner
	depth     int
	into      *text // where the text of the element at intoDepth goes
	intoDepth int
	pool      []*draft
	cases     int // of pool, whose elements are open
	deep      bool
	path      []int
	within    text // the names of the suites around, one after the other
}

// words are the names of elements and attributes that some format knows.
var words = vocabulary(`testsuites testsuite testcase failure error skipped flakyFailure flakyError rerunFailure rerunError
	properties property attribute system-out system-err stackTrace
	testng-results suite test class test-method exception message full-stacktrace params param value
	test-run test-results test-suite test-case reason stack-trace output categories category attachments attachment filePath results
	TestRun Results UnitTestResult GenericTestResult WebTestResult ManualTestResult LoadTestResult OrderedTestResult
	Output ErrorInfo Message StackTrace StdOut StdErr TestDefinitions UnitTest GenericTest WebTest ManualTest OrderedTest TestMethod
	ResultFiles ResultFile RunInfo Text InnerResults ResultSummary
	assemblies assembly collection traits trait errors warnings
	robot kw for if while try iter branch status tag tags doc msg`)

// vocabulary maps words to themselves, so that bytes find a string that is there.
func vocabulary(list string) map[string]string {
	m := map[string]string{}
	for _, w := range bytes.Fields([]byte(list)) {
		m[string(w)] = string(w)
	}
	return m
}

// word is the name of the element at hand.
func (d *xmlDoc) word() string {
	name := local(d.scan.name)
	if w, ok := words[string(name)]; ok {
		return w
	}
	if bytes.HasSuffix(name, []byte("TestResult")) {
		return "UnitTestResult"
	}
	return ""
}

// attr is the value of an attribute, until the next token.
func (d *xmlDoc) attr(name string) []byte {
	for i := range d.scan.attrs {
		if string(d.scan.attrName(i)) == name {
			return d.scan.attrValue(i)
		}
	}
	return nil
}

// collect has the own text of the element at hand go somewhere.
func (d *xmlDoc) collect(t *text) { d.into, d.intoDepth = t, d.depth }

// readXML reads a file of XML, of which the first element tells the format.
func (s *sink) readXML(in *input) error {
	d := &xmlDoc{sink: s, scan: &xmlScanner{input: in}}
	var format xmlFormat
	for {
		token, err := d.scan.next()
		if err != nil {
			return err
		}
		switch token {
		case xmlEnd:
			s.sum.Repaired = in.repaired
			if format == nil {
				return &Error{Text: "it is XML without any element, not test results"}
			}
			return nil
		case xmlText:
			if d.into != nil && d.intoDepth == d.depth {
				d.into.write(d.scan.text)
			} else if d.depth == 0 && len(bytes.TrimSpace(d.scan.text)) > 0 {
				return d.outside(format)
			}
		case xmlOpens:
			if format, err = d.opens(format); err != nil {
				return err
			}
		case xmlCloses:
			err := format.end(d, d.word())
			if d.into != nil && d.intoDepth == d.depth {
				d.into = nil
			}
			d.depth--
			if err != nil {
				return err
			}
		}
	}
}

// outside is the error about a text that stands in no element.
func (d *xmlDoc) outside(format xmlFormat) error {
	if format == nil {
		return d.scan.wrong("a text stands before the first element, which is no XML")
	}
	return d.scan.wrong("a text follows the end of the results")
}

// opens hands an element to the format, which the first one decides.
func (d *xmlDoc) opens(format xmlFormat) (xmlFormat, error) {
	d.depth++
	if d.depth == 1 {
		if format != nil {
			return format, d.scan.wrong("<%s> follows the end of the results", said(d.scan.name))
		}
		var err error
		if format, err = d.root(); err != nil {
			return nil, err
		}
	}
	if err := format.start(d, d.word()); err != nil {
		return format, err
	}
	if d.deep {
		return format, d.scan.wrong("more than %d tests stand in each other", mostInside)
	}
	return format, nil
}

// root finds the format by the first element.
func (d *xmlDoc) root() (xmlFormat, error) {
	var format xmlFormat
	var name string
	switch string(local(d.scan.name)) {
	case "testsuites", "testsuite":
		name, format = "junit", &junit{}
	case "testng-results":
		name, format = "testng", &testng{}
	case "test-run", "test-results", "test-suite":
		name, format = "nunit", &nunit{}
	case "TestRun":
		name, format = "trx", &trx{}
	case "assemblies", "assembly":
		name, format = "xunit", &xunit{}
	case "robot":
		name, format = "robot", &robot{}
	case "html", "HTML":
		return nil, &Error{Text: "it begins with <" + said(d.scan.name) + ">: it is HTML, not test results"}
	default:
		return nil, &Error{Text: "it begins with <" + said(d.scan.name) + ">, as no file of test results does that is read"}
	}
	return format, d.is(name)
}

// mostInside is how many cases may stand in each other.
const mostInside = 16

// begin begins a case at the element at hand. Cases may stand in each other;
// of what stands deeper than any does nothing is kept, and the file is refused.
func (d *xmlDoc) begin() *draft {
	if d.cases == mostInside {
		d.deep = true
		d.cases--
	}
	if d.cases == len(d.pool) {
		d.pool = append(d.pool, &draft{})
	}
	t := d.pool[d.cases]
	d.cases++
	t.reset()
	t.depth = d.depth
	return t
}

// open is the innermost case that has begun, or nil.
func (d *xmlDoc) open() *draft {
	if d.cases == 0 {
		return nil
	}
	return d.pool[d.cases-1]
}

// child tells whether the element at hand stands right in a case.
func (d *xmlDoc) child() bool { return d.cases > 0 && d.depth == d.pool[d.cases-1].depth+1 }

// ends takes the case of the element at hand off, if it is one.
func (d *xmlDoc) ends() *draft {
	if d.cases == 0 || d.pool[d.cases-1].depth != d.depth {
		return nil
	}
	d.cases--
	return d.pool[d.cases]
}

// enter notes the name of a suite around what follows.
func (d *xmlDoc) enter(name []byte) {
	d.path = append(d.path, len(d.within.b))
	name = bytes.TrimSpace(name)
	if len(d.within.b)+len(name) < mostText {
		d.within.b = append(append(d.within.b, 0), name[:min(len(name), mostValue)]...)
	}
}

// leave forgets the innermost.
func (d *xmlDoc) leave() {
	if last := len(d.path) - 1; last >= 0 {
		d.within.b = d.within.b[:d.path[last]]
		d.path = d.path[:last]
	}
}

// nearest is the name of the nearest suite that has one.
func (d *xmlDoc) nearest() []byte {
	for i := len(d.path) - 1; i >= 0; i-- {
		end := len(d.within.b)
		if i+1 < len(d.path) {
			end = d.path[i+1]
		}
		if name := d.within.b[d.path[i]:end]; len(name) > 1 {
			return name[1:]
		}
	}
	return nil
}

// property begins to read what stands in attributes, or as the text of the element.
func (d *xmlDoc) property(key, value *text) {
	key.set(d.attr("name"))
	said := d.attr("value")
	value.set(said)
	if said == nil {
		d.collect(value)
	}
}

// around writes the names of the suites around, the outermost first, but not
// that of the file. One that says what the one before it said is left out.
func (d *xmlDoc) around(t *text, named bool) {
	last := []byte(nil)
	for i, from := range d.path {
		if i == 0 && named {
			continue
		}
		end := len(d.within.b)
		if i+1 < len(d.path) {
			end = d.path[i+1]
		}
		if name := d.within.b[from:end]; len(name) > 1 && !bytes.Equal(name, last) {
			last = name
			t.join(name[1:], " › ")
		}
	}
}
