package testresult

// nunit is the format of NUnit: of version 3 in a test-run, before that in
// test-results.
type nunit struct {
	key, value  text
	description text
	output      text
}

func (n *nunit) start(d *xmlDoc, name string) error {
	switch name {
	case "test-run", "test-results":
		d.enter(nil)
	case "test-suite":
		d.enter(d.attr("name"))
	case "test-case":
		n.testCase(d)
		return nil
	}
	t := d.open()
	if t == nil {
		return nil
	}
	switch name {
	case "property":
		d.property(&n.key, &n.value)
	case "category":
		n.key.set([]byte("category"))
		n.value.set(d.attr("name"))
	case "message":
		if t.message.blank() {
			d.collect(&t.message)
		}
	case "stack-trace":
		if t.detail.blank() {
			d.collect(&t.detail)
		}
	case "output":
		d.collect(&n.output)
	case "filePath":
		n.value.reset()
		d.collect(&n.value)
	}
	return nil
}

func (n *nunit) testCase(d *xmlDoc) {
	t := d.begin()
	n.description.set(d.attr("description"))
	n.output.reset()
	t.name.set(d.attr("name"))
	if t.class.set(d.attr("classname")); t.class.blank() {
		t.class.set(d.nearest())
	}
	d.around(&t.suite, true)
	took := d.attr("duration")
	if took == nil {
		took = d.attr("time")
	}
	t.duration = seconds(number(took))
	t.startedAt = moment(d.attr("start-time"))
	result := word(d.attr("result"))
	if result == "" {
		result = map[string]string{"true": "success", "false": "failure"}[word(d.attr("success"))]
	}
	switch {
	case word(d.attr("executed")) == "false":
		t.fails = saysSkipped
	case result == "passed", result == "success", result == "warning":
	case result == "failed" && word(d.attr("label")) == "error", result == "error":
		t.fails = saysError
	case result == "failed", result == "failure":
		t.fails = saysFailed
	default: // ignored, inconclusive, notrunnable
		t.fails = saysSkipped
	}
}

func (n *nunit) end(d *xmlDoc, name string) error {
	switch name {
	case "test-run", "test-results", "test-suite":
		d.leave()
		return nil
	case "test-case":
		t := d.ends()
		if t == nil {
			return nil
		}
		t.describe(n.description.b)
		if t.detail.blank() && t.fails >= saysFailed {
			t.detail.set(n.output.b)
		}
		if t.fails == saysNothing {
			t.message.reset()
		}
		t.settle()
		return d.done(t)
	}
	t := d.open()
	if t == nil {
		return nil
	}
	switch name {
	case "property", "category":
		if string(n.key.b) == "Description" {
			n.description.set(n.value.b)
		}
		t.property(&n.key, &n.value)
	case "filePath":
		t.attach(n.value.b)
	}
	return nil
}
