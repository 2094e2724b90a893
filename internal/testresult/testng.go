package testresult

// testng is the format of TestNG: a test-method for each test, and for each
// method that prepares them.
type testng struct {
	config bool // the method at hand is no test
	kind   text // of an exception
	key    text
	value  text
}

func (n *testng) start(d *xmlDoc, name string) error {
	switch name {
	case "suite", "test", "class":
		d.enter(d.attr("name"))
	case "test-method":
		n.method(d)
	case "exception":
		if t := d.open(); t != nil {
			n.kind.set(d.attr("class"))
		}
	case "message":
		if t := d.open(); t != nil && t.message.blank() {
			d.collect(&t.message)
		}
	case "full-stacktrace":
		if t := d.open(); t != nil && t.detail.blank() {
			d.collect(&t.detail)
		}
	case "attribute":
		if d.cases > 0 {
			d.property(&n.key, &n.value)
		}
	}
	return nil
}

func (n *testng) method(d *xmlDoc) {
	t := d.begin()
	n.kind.reset()
	n.config = false
	for i := range d.scan.attrs {
		value := d.scan.attrValue(i)
		switch string(d.scan.attrName(i)) {
		case "name":
			t.name.set(value)
		case "is-config":
			n.config = word(value) == "true"
		case "duration-ms":
			t.duration = seconds(number(value) / 1000)
		case "started-at":
			t.startedAt = moment(value)
		case "status":
			switch word(value) {
			case "fail":
				t.fails = saysFailed
			case "skip":
				t.fails = saysSkipped
			}
		}
	}
	t.describe(d.attr("description"))
	t.class.set(d.nearest())
	d.around(&t.suite, true)
}

func (n *testng) end(d *xmlDoc, name string) error {
	switch name {
	case "suite", "test", "class":
		d.leave()
	case "attribute":
		if t := d.open(); t != nil {
			t.property(&n.key, &n.value)
		}
	case "test-method":
		t := d.ends()
		if t == nil {
			return nil
		}
		if t.message.blank() {
			t.message.set(n.kind.b)
		}
		if n.config {
			if t.fails == saysFailed {
				d.suiteError(clean(t.name.b, mostName) + ": " + clean(t.message.b, mostMessage))
			}
			return nil
		}
		if t.fails == saysNothing {
			t.message.reset()
		}
		t.settle()
		return d.done(t)
	}
	return nil
}
