package testresult

import (
	"strings"
	"time"
)

// A report of Cucumber is a list of features with elements, which are
// scenarios, the backgrounds before them, and rules with elements of their own.
// What a background took and failed in belongs to the scenario that follows.
type cucumberElement struct {
	kind, keyword, step text
	status, message     text
	background          draft // what the background before it left
	pending             bool
}

func (d *jsonDoc) features() {
	any, seen := false, false
	for ok := d.begin('['); ok && d.item(); {
		any = true
		if d.peek() != '{' {
			d.wrong("it is a list, and none of features of Cucumber%s", d.wanted())
			return
		}
		if seen = d.feature() || seen; !seen && d.err == nil {
			d.wrong("it is JSON, but none of the reports that are read%s", d.wanted())
			return
		}
	}
	if d.err == nil && !any {
		d.check(d.is("cucumber"))
		d.warn("the list of features is empty")
	}
}

// feature reads a feature, whose name most writers have behind its elements. It
// tells whether it is one.
func (d *jsonDoc) feature() (known bool) {
	var name, uri text
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		switch {
		case key == "name":
			d.text(&name)
		case key == "uri":
			known = true
			d.text(&uri)
		case key == "keyword":
			known = true
			d.skip()
		case key == "elements" && d.decide("cucumber"):
			known = true
			d.elements()
		default:
			d.skip()
		}
	}
	if known && d.err == nil && !d.decide("cucumber") {
		return known
	}
	feature, file := string(tidy(nil, firstOf(name.b, uri.b), mostName)), string(tidy(nil, uri.b, mostName))
	d.letGo(func(c *Case) {
		c.within(feature)
		c.File = file
		if c.Suite == "" {
			c.Suite = feature
		}
	})
	return known
}

func (d *jsonDoc) elements() {
	var e cucumberElement
	for ok := d.begin('['); ok && d.item(); {
		d.element(&e)
	}
}

func (d *jsonDoc) element(e *cucumberElement) {
	t := &d.t
	t.reset()
	e.kind.reset()
	e.keyword.reset()
	rule := false
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		switch key {
		case "type":
			d.text(&e.kind)
		case "keyword":
			d.text(&e.keyword)
		case "name":
			d.text(&t.name)
		case "line":
			t.line = int(min(d.number(), 1<<30))
		case "steps", "before", "after":
			d.steps(e)
		case "tags":
			d.tags()
		case "children":
			rule = true
			d.elements()
			t.reset()
		default:
			d.skip()
		}
	}
	if rule || d.err != nil || string(e.kind.b) == "rule" {
		return
	}
	if kind := string(e.kind.b); kind == "background" || kind == "" && strings.EqualFold(strings.TrimSpace(string(e.keyword.b)), "background") {
		e.leave(t)
		return
	}
	e.join(t)
	t.settle()
	d.hold()
}

// leave keeps what a background took and failed in.
func (e *cucumberElement) leave(t *draft) {
	b := &e.background
	b.reset()
	b.duration, b.fails = t.duration, t.fails
	b.message.set(t.message.b)
	b.detail.set(t.detail.b)
	e.pending = true
}

// join adds what the background before a scenario left.
func (e *cucumberElement) join(t *draft) {
	if !e.pending {
		return
	}
	e.pending = false
	b := &e.background
	t.duration += b.duration
	if t.says(b.fails) {
		t.message.set(b.message.b)
		t.detail.set(b.detail.b)
	}
}

// steps reads steps or hooks, of which the worst counts.
func (d *jsonDoc) steps(e *cucumberElement) {
	if d.peek() != '[' {
		d.skip()
		return
	}
	for ok := d.begin('['); ok && d.item(); {
		e.step.reset()
		for more := d.begin('{'); more; {
			var key string
			if key, more = d.key(); !more {
				break
			}
			switch key {
			case "name":
				d.text(&e.step)
			case "result":
				d.stepResult(e)
			case "before", "after":
				d.steps(e)
			default:
				d.skip()
			}
		}
	}
}

func (d *jsonDoc) stepResult(e *cucumberElement) {
	t, message := &d.t, &e.message
	message.reset()
	e.status.reset()
	for ok := d.begin('{'); ok; {
		var key string
		if key, ok = d.key(); !ok {
			break
		}
		switch key {
		case "status":
			d.text(&e.status)
		case "duration":
			t.duration += seconds(d.number() / float64(time.Second))
		case "error_message", "message":
			d.text(message)
		default:
			d.skip()
		}
	}
	status := word(e.status.b)
	says := saysNothing
	switch status {
	case "failed", "ambiguous":
		says = saysFailed
	case "undefined", "pending", "skipped":
		says = saysSkipped
	}
	if t.says(says) {
		if message.blank() && status != "skipped" {
			message.set([]byte("the step " + string(e.step.b) + " is " + status))
		}
		t.message.set(message.b)
		t.detail.set(message.b)
	}
}

// tags reads those of a scenario.
func (d *jsonDoc) tags() {
	var key text
	if d.peek() != '[' {
		d.skip()
		return
	}
	for ok := d.begin('['); ok && d.item(); {
		d.buffer.reset()
		if d.peek() != '{' {
			d.text(&d.buffer)
		} else {
			for more := d.begin('{'); more; {
				var name string
				if name, more = d.key(); !more {
					break
				}
				if name == "name" {
					d.text(&d.buffer)
				} else {
					d.skip()
				}
			}
		}
		key.set([]byte("tag"))
		d.t.property(&key, &d.buffer)
	}
}
