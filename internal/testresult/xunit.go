package testresult

// xunit is the format of xUnit.net, versions 2 and 3: a test for each test, in
// collections of assemblies.
type xunit struct {
	key, value text
	output     text
}

func (x *xunit) start(d *xmlDoc, name string) error {
	switch name {
	case "assemblies":
		d.enter(nil)
	case "assembly", "collection", "class":
		d.enter(d.attr("name"))
	case "test":
		x.test(d)
		return nil
	}
	t := d.open()
	if t == nil {
		if name == "error" {
			d.warn("%s failed outside its tests: %s", clean(firstOf(d.nearest(), []byte("an assembly")), 200), clean(firstOf(d.attr("name"), d.attr("type")), 200))
		}
		return nil
	}
	switch name {
	case "failure":
		x.value.set(d.attr("exception-type"))
	case "message", "reason":
		if t.message.blank() {
			d.collect(&t.message)
		}
	case "stack-trace":
		d.collect(&t.detail)
	case "output":
		d.collect(&x.output)
	case "trait":
		d.property(&x.key, &x.value)
	}
	return nil
}

func (x *xunit) test(d *xmlDoc) {
	t := d.begin()
	x.output.reset()
	for i := range d.scan.attrs {
		value := d.scan.attrValue(i)
		switch string(d.scan.attrName(i)) {
		case "name":
			t.name.set(value)
		case "type":
			t.class.set(value)
		case "source-file":
			t.file.set(value)
		case "source-line":
			t.line = whole(value)
		case "time":
			t.duration = seconds(number(value))
		case "start-rtf":
			t.startedAt = moment(value)
		case "result":
			switch word(value) {
			case "pass":
			case "fail":
				t.fails = saysFailed
			default: // Skip, NotRun
				t.fails = saysSkipped
			}
		}
	}
	if t.class.blank() {
		t.class.set(d.nearest())
	}
	d.around(&t.suite, false)
}

func (x *xunit) end(d *xmlDoc, name string) error {
	switch name {
	case "assemblies", "assembly", "collection", "class":
		d.leave()
		return nil
	case "test":
		t := d.ends()
		if t == nil {
			return nil
		}
		if t.fails == saysNothing {
			t.message.reset()
		} else if t.detail.blank() {
			t.detail.set(x.output.b)
		}
		t.settle()
		return d.done(t)
	}
	t := d.open()
	if t == nil {
		return nil
	}
	switch name {
	case "failure":
		if t.message.blank() {
			t.message.set(x.value.b)
		}
	case "trait":
		t.property(&x.key, &x.value)
	}
	return nil
}
