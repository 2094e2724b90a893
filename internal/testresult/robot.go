package testresult

// robot is the output.xml of Robot Framework: a test for each test, of which
// the last status of its own counts.
type robot struct {
	key, value text
	doc        text
}

func (r *robot) start(d *xmlDoc, name string) error {
	switch name {
	case "suite":
		d.enter(d.attr("name"))
		return nil
	case "test":
		t := d.begin()
		t.name.set(d.attr("name"))
		t.class.set(d.nearest())
		d.around(&t.suite, false)
		t.line = whole(d.attr("line"))
		t.fails = saysSkipped
		return nil
	}
	if !d.child() {
		if t := d.open(); t != nil && name == "tag" { // before version 4 they stand in tags
			r.tag(d)
		}
		return nil
	}
	switch t := d.open(); name {
	case "status":
		r.status(d, t)
	case "tag":
		r.tag(d)
	case "doc":
		r.doc.reset()
		d.collect(&r.doc)
	}
	return nil
}

func (r *robot) tag(d *xmlDoc) {
	r.key.set([]byte("tag"))
	r.value.reset()
	d.collect(&r.value)
}

func (r *robot) status(d *xmlDoc, t *draft) {
	switch word(d.attr("status")) {
	case "pass":
		t.fails = saysNothing
	case "fail":
		t.fails = saysFailed
	default: // SKIP, NOT RUN
		t.fails = saysSkipped
	}
	t.message.reset()
	d.collect(&t.message)
	begins, ends := d.attr("start"), d.attr("endtime")
	if begins == nil {
		begins = d.attr("starttime")
	}
	t.startedAt = moment(begins)
	t.duration = seconds(number(d.attr("elapsed")))
	if end := moment(ends); !end.IsZero() && !t.startedAt.IsZero() {
		t.duration = seconds(end.Sub(t.startedAt).Seconds())
	}
}

func (r *robot) end(d *xmlDoc, name string) error {
	switch name {
	case "suite":
		d.leave()
	case "tag":
		if t := d.open(); t != nil {
			t.property(&r.key, &r.value)
		}
	case "test":
		if t := d.ends(); t != nil {
			if t.fails == saysNothing {
				t.message.reset()
			}
			t.settle()
			return d.done(t)
		}
	}
	return nil
}
