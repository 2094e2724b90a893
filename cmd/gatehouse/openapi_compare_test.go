package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// compareDocuments tells the changes between two OpenAPI documents that break
// clients from all others. A client breaks by what it can't send or must send
// in addition, and by what it isn't told any more.
func compareDocuments(t *testing.T, before, after []byte) (breaking, others []string) {
	t.Helper()
	old, now := promises(t, before), promises(t, after)
	for _, what := range slices.Sorted(maps.Keys(old)) {
		was := old[what]
		switch is, kept := now[what]; {
		case !kept && was.of != "" && now[was.of].kind == "": // with its operation
		case !kept:
			breaking = append(breaking, what+" is gone")
		case was.kind != is.kind:
			breaking = append(breaking, fmt.Sprintf("%s was %s and is %s", what, was.kind, is.kind))
		case was.needed != is.needed:
			line := fmt.Sprintf("%s: required was %t and is %t", what, was.needed, is.needed)
			if was.asked == is.needed { // asked of clients now, or promised to them no longer
				breaking = append(breaking, line)
			} else {
				others = append(others, line)
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(now)) {
		is := now[what]
		switch _, known := old[what]; {
		case known || is.of != "" && old[is.of].kind == "": // with its operation
		case is.asked && is.needed:
			breaking = append(breaking, what+" is new and required")
		default:
			others = append(others, what+" is new")
		}
	}
	if len(breaking)+len(others) == 0 {
		others = []string{"words and order"}
	}
	return breaking, others
}

// A promise is one thing that a document says of an operation.
type promise struct {
	kind   string
	of     string // the operation
	needed bool
	asked  bool // of the client, not told to it
}

// promiser gathers the promises of a document.
type promiser struct {
	document map[string]any
	found    map[string]promise
	of       string
}

func promises(t *testing.T, text []byte) map[string]promise {
	t.Helper()
	p := &promiser{found: map[string]promise{}}
	if err := json.Unmarshal(text, &p.document); err != nil {
		t.Fatal(err)
	}
	for path, methods := range object(p.document["paths"]) {
		for method, raw := range object(methods) {
			p.operation(strings.ToUpper(method)+" "+path, object(raw))
		}
	}
	return p.found
}

func object(v any) map[string]any { o, _ := v.(map[string]any); return o }

func array(v any) []any { a, _ := v.([]any); return a }

func text(v any) string { s, _ := v.(string); return s }

// follow returns what a reference leads to.
func (p *promiser) follow(v any) map[string]any {
	o := object(v)
	ref := text(o["$ref"])
	if ref == "" {
		return o
	}
	found := any(p.document)
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		found = object(found)[part]
	}
	all := maps.Clone(object(found))
	for name, value := range o { // what stands beside the reference
		if name == "properties" {
			merged := maps.Clone(object(all[name]))
			maps.Copy(merged, object(value))
			value = merged
		}
		all[name] = value
	}
	return all
}

func (p *promiser) operation(name string, op map[string]any) {
	p.of = name
	p.found[name] = promise{kind: text(op["operationId"])}
	for _, raw := range array(op["parameters"]) {
		parameter := p.follow(raw)
		needed, _ := parameter["required"].(bool)
		p.member(fmt.Sprintf("%s %s %s", name, parameter["in"], parameter["name"]), parameter["schema"], promise{needed: needed, asked: true})
	}
	body := p.follow(op["requestBody"])
	for media, content := range object(body["content"]) {
		p.member(name+" body "+media, object(content)["schema"], promise{asked: true})
	}
	for status, raw := range object(op["responses"]) {
		for media, content := range object(p.follow(raw)["content"]) {
			p.member(name+" "+status+" "+media, object(content)["schema"], promise{needed: true})
		}
	}
}

// member adds what a schema promises, and the members below it.
func (p *promiser) member(what string, raw any, like promise) {
	s := p.follow(raw)
	like.of, like.kind = p.of, strings.TrimSpace(text(s["type"])+" "+text(s["format"]))
	p.found[what] = like
	for _, value := range array(s["enum"]) {
		p.found[what+" = "+text(value)] = promise{of: p.of, kind: "value", asked: like.asked}
	}
	if items, ok := s["items"]; ok {
		p.member(what+"[]", items, promise{asked: like.asked})
	}
	for name, member := range object(s["properties"]) {
		needed := slices.Contains(array(s["required"]), any(name))
		p.member(what+" "+name, member, promise{needed: needed, asked: like.asked})
	}
}

func TestCompareDocuments(t *testing.T) {
	const before = `{"paths":{"/a":{"post":{"operationId":"a","parameters":[{"name":"q","in":"query","schema":{"type":"string"}}],
		"requestBody":{"content":{"json":{"schema":{"$ref":"#/components/A"}}}},
		"responses":{"200":{"content":{"json":{"schema":{"type":"object","required":["id"],"properties":{"id":{"type":"string"},"state":{"type":"string","enum":["on"]}}}}}}}}}},
		"components":{"A":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"size":{"type":"integer"}}}}}`
	for name, c := range map[string]struct {
		from, to         string
		breaking, others []string
	}{
		"nothing":               {"", "", nil, []string{"words and order"}},
		"a path is gone":        {`"/a"`, `"/b"`, []string{"POST /a is gone"}, []string{"POST /b is new"}},
		"another operationId":   {`"operationId":"a"`, `"operationId":"b"`, []string{"POST /a was a and is b"}, nil},
		"a member is gone":      {`,"size":{"type":"integer"}`, ``, []string{"POST /a body json size is gone"}, nil},
		"a type changes":        {`"integer"`, `"string"`, []string{"POST /a body json size was integer and is string"}, nil},
		"a new needed member":   {`"required":["name"],"properties":{`, `"required":["name","new"],"properties":{"new":{"type":"string"},`, []string{"POST /a body json new is new and required"}, nil},
		"a new optional member": {`"size":`, `"new":{"type":"string"},"size":`, nil, []string{"POST /a body json new is new"}},
		"a member is needed":    {`["name"]`, `["name","size"]`, []string{"POST /a body json size: required was false and is true"}, nil},
		"a member may be left":  {`["name"]`, `[]`, nil, []string{"POST /a body json name: required was true and is false"}},
		"an answer may lack":    {`["id"]`, `[]`, []string{"POST /a 200 json id: required was true and is false"}, nil},
		"an answer says more":   {`"id":{`, `"new":{"type":"string"},"id":{`, nil, []string{"POST /a 200 json new is new"}},
		"an answer lacks":       {`"id":{"type":"string"},`, ``, []string{"POST /a 200 json id is gone"}, nil},
		"a new value":           {`["on"]`, `["on","off"]`, nil, []string{"POST /a 200 json state = off is new"}},
		"a new needed query":    {`"parameters":[`, `"parameters":[{"name":"r","in":"query","required":true,"schema":{"type":"string"}},`, []string{"POST /a query r is new and required"}, nil},
	} {
		after := strings.Replace(before, c.from, c.to, 1)
		breaking, others := compareDocuments(t, []byte(before), []byte(after))
		has := func(list, want []string) bool {
			return (len(list) == 0) == (len(want) == 0) && !slices.ContainsFunc(want, func(s string) bool { return !slices.Contains(list, s) })
		}
		if !has(breaking, c.breaking) || !has(others, c.others) {
			t.Errorf("%s: %s", name, cmp.Diff([2][]string{c.breaking, c.others}, [2][]string{breaking, others}))
		}
	}
}
