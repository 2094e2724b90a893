package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// TestS6_S10_ObjectsOfDialects calls every route of every dialect as every
// caller that it takes, in three places: on what the caller works with, on what
// is hidden from who wasn't added to it, and on another organization's. The
// answers stand in testdata/objects, and none says a word of what its caller
// may not see.
func TestS6_S10_ObjectsOfDialects(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		o := newObjects(t, cfg)
		for _, d := range o.dialects() {
			compareGolden(t, "testdata/objects/"+d.name+".golden", o.table(d))
		}
	})
}

// dialect is a table of routes, who calls them, and how.
type dialect struct {
	name     string
	surfaces []*edge.Surface
	callers  []objectCaller
	calls    map[string]objectCall // by method and pattern
}

// objectCall is how a route is called.
type objectCall struct {
	// body stands beside the call; a "$" and a name in it are an id. Where a
	// call takes a file, it is the name of its field.
	body string
	file bool
	// kept means that what the caller works with is not named: the call would
	// end it for all that come after.
	kept bool
	// renew makes anew what a call that succeeds has used up, or takes away
	// what it made.
	renew func(o *objects, p *place, c *objectCaller, a reply)
}

// objectCaller calls with a credential.
type objectCaller struct {
	name    string
	as      func(*http.Request)
	manages bool              // sees what is hidden from others
	twice   bool              // calls an address with .json behind it as well
	ids     string            // how the names of ids begin that are this dialect's alone
	own     map[string]string // ids of what is this caller's alone
}

// place is where the things of calls are. Every text in it has its mark.
type place struct {
	mark string
	mine bool              // whether what is the caller's alone is there
	ids  map[string]string // by the names of wildcards
	as   func(*http.Request)
}

// table calls all routes of a dialect and writes down the answers.
func (o *objects) table(d dialect) []byte {
	o.t.Helper()
	var out bytes.Buffer
	out.WriteString("# What each route of " + d.name + " answers (TestS6_S10_ObjectsOfDialects; -update writes this file): on what the caller works\n" +
		"# with, on what is hidden from who wasn't added to it, and on another organization's. A dash is a call that names nothing;\n" +
		"# = stands where the address without .json says it.\n\n")
	heads := make([]string, len(d.callers))
	for i, c := range d.callers {
		heads[i] = c.name
	}
	line(&out, "", heads)
	known := map[string]bool{}
	for _, s := range d.surfaces {
		for _, r := range s.Routes {
			name := r.Method + " " + r.Pattern
			known[name] = true
			call, there := d.calls[name]
			if !there && r.Method != http.MethodGet && r.Method != http.MethodOptions {
				o.t.Errorf("%s: %s has no call in the table of objects", d.name, name)
				continue
			}
			cells := make([]string, len(d.callers))
			for i := range d.callers {
				if c := &d.callers[i]; strings.HasSuffix(r.Pattern, ".json") && !c.twice {
					cells[i] = "="
				} else {
					cells[i] = o.cell(r, call, c)
				}
			}
			line(&out, name, cells)
			if d.name != "betahub" { // whose documents tell the two apart
				o.likeNowhere(r, call, &d.callers[1])
			}
		}
	}
	for name := range d.calls {
		if !known[name] {
			o.t.Errorf("%s: %s is no route", d.name, name)
		}
	}
	return out.Bytes()
}

// line writes a line of a table.
func line(out *bytes.Buffer, head string, cells []string) {
	fmt.Fprintf(out, "%-82s", head)
	for _, cell := range cells {
		fmt.Fprintf(out, "%-14s", cell)
	}
	out.Truncate(len(bytes.TrimRight(out.Bytes(), " ")))
	out.WriteByte('\n')
}

// cell calls a route as a caller in all three places.
func (o *objects) cell(r edge.Route, call objectCall, c *objectCaller) string {
	o.t.Helper()
	places := []*place{&o.own, &o.hidden, &o.foreign}
	targets, statuses := make([]string, len(places)), make([]string, len(places))
	for i, p := range places { // before a call changes what is there
		targets[i] = p.target(r, c) + " " + p.fill(call.body, c)
	}
	for i, p := range places {
		if call.kept && p == &o.own {
			statuses[i] = "kept"
			continue
		}
		if slices.Contains(targets[:i], targets[i]) {
			statuses[i] = "-"
			continue
		}
		a := o.shoot(r, call, p, c)
		statuses[i] = strconv.Itoa(a.status)
		text := strings.ToLower(a.text + fmt.Sprint(a.header))
		if strings.Contains(text, o.foreign.mark) || !c.manages && strings.Contains(text, o.hidden.mark) || a.status >= 500 && a.status != http.StatusNotImplemented {
			o.t.Errorf("%s %s as %s: got %d and what isn't the caller's: %s", r.Method, targets[i], c.name, a.status, a.text)
		}
	}
	return strings.Join(statuses, " ")
}

// likeNowhere fails unless another organization's things are answered like
// what isn't there at all.
func (o *objects) likeNowhere(r edge.Route, call objectCall, c *objectCaller) {
	o.t.Helper()
	if o.foreign.target(r, c) == o.own.target(r, c) {
		return // it names nothing
	}
	a, b := o.shoot(r, call, &o.foreign, c), o.shoot(r, call, &o.nowhere, c)
	if a.status != b.status || a.text != b.text {
		o.t.Errorf("%s %s as %s: another organization's is %d %s, and what isn't there %d %s", r.Method, r.Pattern, c.name, a.status, a.text, b.status, b.text)
	}
}

// shoot makes one call, and sees to it that the next one finds everything in
// its place.
func (o *objects) shoot(r edge.Route, call objectCall, p *place, c *objectCaller) reply {
	o.t.Helper()
	var body any
	change := []func(*http.Request){c.as}
	switch text := p.fill(call.body, c); {
	case call.file:
		body, change = uploadOf(call.body+":file.txt", "a file"), append(change, inParts)
	case strings.HasPrefix(text, "{"):
		body = raw(text)
	case text != "":
		body = text
	}
	a := o.send(r.Method, p.target(r, c), body, change...)
	if a.status < 300 && call.renew != nil {
		call.renew(o, p, c, a)
	}
	return a
}

// wildcard is a part of a path, or a name in a body.
var wildcard = regexp.MustCompile(`[{$]([a-z]+)(\.\.\.)?\}?`)

// target is the path of a call, with the query that it needs.
func (p *place) target(r edge.Route, c *objectCaller) string {
	path := strings.TrimSuffix(p.fill(r.Pattern, c), "{$}")
	switch {
	case slices.Contains(r.Params, "projectId"):
		return path + "?projectId=" + p.ids["prj"]
	case slices.Contains(r.Params, "query"):
		return path + "?query=thing"
	}
	return path
}

// fill writes ids for wildcards.
func (p *place) fill(text string, c *objectCaller) string {
	return wildcard.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.Trim(found, "{$.}")
		if id := c.own[name]; id != "" && p.mine {
			return id
		}
		return cmp.Or(p.ids[c.ids+name], p.ids[name], "x")
	})
}

// compareGolden compares a text with a golden file, or writes that.
func compareGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	was, is := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	for i := range min(len(was), len(is)) {
		if !bytes.Equal(was[i], is[i]) {
			t.Errorf("%s:%d\ngot  %s\nwant %s", path, i+1, is[i], was[i])
		}
	}
	t.Errorf("%s has %d lines, want %d; if the change is meant, run this test with -update and read the difference", path, len(is), len(was))
}
