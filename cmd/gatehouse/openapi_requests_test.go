package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// requester is somebody who calls, with an Authorization header or none.
type requester struct{ name, authorization string }

// described is an operation of the document.
type described struct {
	id, method, path string
	plainPath        string // with something in place of the wildcards
	success          int
	parameters       []map[string]any
	body             map[string]any // the schema, nil for none
	media            string
	most             int
}

// generated is one request.
type generated struct {
	op           *described
	method, path string
	as           string
	header       http.Header
	body         string
	otherMethod  bool   // that the path doesn't take
	wrong        string // what the document forbids, if anything
}

// requests generates requests from the document, from what the answers taught,
// and from chance.
type requests struct {
	*rand.Rand
	promiser   *promiser // follows references
	operations []*described
	methods    map[string][]string // of paths
	callers    []requester
	pool       map[string][]any // good values, by the names of members and parameters
	naughty    []string
}

func newRequests(t *testing.T, document []byte, random *rand.Rand) *requests {
	t.Helper()
	g := &requests{Rand: random, promiser: &promiser{}, methods: map[string][]string{}, pool: goodValues()}
	if err := json.Unmarshal(document, &g.promiser.document); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(readFile(t, "../../internal/rest/testdata/blns.json"), &g.naughty); err != nil {
		t.Fatal(err)
	}
	paths := object(g.promiser.document["paths"])
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		methods := object(paths[path])
		for _, method := range slices.Sorted(maps.Keys(methods)) {
			g.operations = append(g.operations, g.describe(strings.ToUpper(method), path, object(methods[method])))
			g.methods[path] = append(g.methods[path], strings.ToUpper(method))
		}
	}
	return g
}

func (g *requests) describe(method, path string, op map[string]any) *described {
	d := &described{id: text(op["operationId"]), method: method, path: path, plainPath: path}
	for _, raw := range array(op["parameters"]) {
		p := g.promiser.follow(raw)
		d.parameters = append(d.parameters, p)
		if p["in"] == "path" {
			d.plainPath = strings.ReplaceAll(d.plainPath, "{"+text(p["name"])+"}", "01890000-0000-7000-8000-00000000abcd")
		}
	}
	for status := range object(op["responses"]) {
		if status < "3" {
			_, _ = fmt.Sscan(status, &d.success)
		}
	}
	body := object(op["requestBody"])
	for media, content := range object(body["content"]) {
		most, _ := body["x-max-bytes"].(float64)
		d.media, d.most, d.body = media, int(most), g.promiser.follow(object(content)["schema"])
	}
	return d
}

// goodValues are such as the server takes.
func goodValues() map[string][]any {
	const never = "01890000-0000-7000-8000-00000000abcd"
	return map[string][]any{
		"id": {never}, "organization": {}, "project": {}, "session": {never}, "cursor": {"AAAA"},
		"user":   {"owner@acme.test", "admin@acme.test", "admin@acme.test", "member@acme.test", "guest@acme.test", "new@acme.test", never},
		"scheme": {"gatehouse_key", "betatesting_static", "testkase_pat", "onetest_key", "betatesting_client", "bunship_test"},
		"name":   {"Orders", "A name", "Größe 漢字"}, "email": {"new@acme.test", "y@y.test", "x@y.test"}, "password": {"correct horse battery"},
		"scopes": {[]any{"credentials:verify"}, []any{"projects:read", "organization:read"}, []any{"api:read"}, []any{"results:write"}, []any{"*"}, []any{"nonsense"}},
		"secret": {"legacy-0123456789abcdef", "legacy-abcdef0123456789"}, "sha256": {strings.Repeat("0f", 32), strings.Repeat("a5", 32)}, "dry_run": {true, false}, "all_or_nothing": {true, false},
		"since": {"2026-01-01T00:00:00Z"}, "until": {"2099-01-01T00:00:00Z"}, "action": {"credential.", "user.create"}, "actor": {"operator"},
		"limit": {1, 2, 200}, "after": {0, 1, 17}, "expires_at": {"2099-01-01T00:00:00Z", "never", "2030-01-01T00:00:00+01:00"}, "expires_in": {"90d", "1h", 60},
		"not_before": {"2020-01-01T00:00:00Z", "2098-01-01T00:00:00Z"}, "allowed_addresses": {[]any{"127.0.0.0/8", "::1"}, []any{}}, "rate_limit": {0, 1000},
		"schemes": {[]any{}, []any{map[string]any{"scheme": "bunship_live", "max_lifetime": "9000d", "issued_by": "guest"}}}, "all": {true, false},
		"suspend_unused_after": {"365d"}, "for": {"90d"}, "credentials": {[]any{"01890000-0000-7000-8000-00000000abcd"}},
		"grace": {"0", "24h"}, "credential": {}, "permission": {"credentials:verify", "orders:read"}, "address": {"203.0.113.7", "::1"},
		"user_agent": {"curl/8"}, "cost": {0, 1}, "resource": {"POST /orders"}, "now": {true, false}, "code": {},
		"role": {"owner", "admin", "member", "guest", "user"}, "scope": {"api:read", "api:read api:write"}, "token": {}, "subject_token": {},
		"keys": {[]any{}, []any{map[string]any{"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "k",
			"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}}},
		"Idempotency-Key": {"k1", "k2", "k3", "k4"}, "If-Match": {"*"}, "Gatehouse-Organization": {"1", "2"}, "audience": {"https://gatehouse.test"},
		"url": {"http://127.0.0.1:1/", "https://hooks.example.com/", "http://10.0.0.1/"}, "description": {"Ours"}, "events": {[]any{}, []any{"test", "member.added"}, []any{"no.such"}},
		"key": {"pipeline 1", "pipeline 2"}, "run": {1, 2, 1, never}, "upload": {"a", "shard-1"}, "batch": {1, 2}, "batches": {0, 1, 2}, "file": {1}, "test": {never}, "shards": {1, 2},
		"digest": {strings.Repeat("0f", 32)}, "results": {[]any{map[string]any{"name": "pays", "status": "passed", "duration_ms": 5}}, []any{}}, "cycle": {"TCYCLE-1"}, "status": {"passed", "failed", "error", "in_progress"}, "matched": {true, false}, "flaky": {true}, "q": {"pay"},
		"commit": {"c0ffee"}, "skipped_as": {"blocked", "ignored"}, "attempt": {0, 1, 2}, "duration_ms": {0, 17}, "line": {0, 42}, "suite_errors": {0, 1},
		"coins": {1000000, 5000000}, "overage": {"block", "allow"}, "budget": {never}, "spend": {never},
		"rule": {never}, "provider": {"github", "github", "gitlab", "other"}, "issuer": {"https://ci.example.com"}, "repository_id": {"123", "456"}, "owner_id": {"9"}, "domains": {[]any{"acme.test"}},
		"branch": {"main", "release/*"}, "tag": {"v*"}, "environment": {"production"}, "protected": {true, false}, "pull_requests": {false, false, true}, "claims": {[]any{}, []any{map[string]any{"name": "sub", "value": "x"}}},
		"active": {true, true, false}, "webhook": {never}, "delivery": {never},
		"version": {1, 1, 2, 7}, "force": {true, false},
		"client_id": {"x"}, "client_secret": {"x"}, "client_assertion": {"x.y.z"},
	}
}

// add remembers good values; of many, some.
func (g *requests) add(name string, values ...any) {
	const most = 30
	for _, v := range values {
		if list := g.pool[name]; len(list) < most {
			g.pool[name] = append(list, v)
		} else {
			list[g.IntN(most)] = v
		}
	}
	if name == "credential" {
		g.pool["token"], g.pool["subject_token"] = g.pool[name], g.pool[name]
	}
}

// learn remembers what an answer holds and other requests may use.
func (g *requests) learn(op *described, body []byte) {
	var answer map[string]any
	if json.Unmarshal(body, &answer) != nil {
		return
	}
	for member, name := range map[string]string{"secret": "credential", "access_token": "credential", "next_cursor": "cursor"} {
		if value, ok := answer[member].(string); ok {
			g.add(name, value)
		}
	}
	if op.id == "createCredential" {
		g.add("id", answer["id"])
		g.add("credentials", []any{answer["id"]})
	}
}

func (g *requests) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *requests, list []T) T { return list[g.IntN(len(list))] }

// good is a value that a member or parameter may have.
func (g *requests) good(name string, schema map[string]any) any {
	if values := array(schema["enum"]); len(values) > 0 {
		return pick(g, values)
	}
	if values := g.pool[name]; len(values) > 0 {
		return pick(g, values)
	}
	return pick(g, g.naughty)
}

// of is one request of an operation. Most have nothing wrong, some one thing.
func (g *requests) of(op *described) generated {
	who := pick(g, g.callers)
	r := generated{op: op, method: op.method, as: who.name, header: http.Header{}}
	if who.authorization != "" {
		r.header.Set("Authorization", who.authorization)
	}
	g.address(&r)
	switch {
	case op.body == nil && op.method != http.MethodGet && g.chance(4):
		r.header.Set("Content-Type", "application/json")
		r.body, r.wrong = `{"a":1}`, "a body where none belongs"
	case op.media == "application/json":
		g.object(&r)
	case op.media == "application/x-ndjson":
		g.lines(&r)
	case op.media == "multipart/form-data":
		g.upload(&r)
	case op.body != nil:
		g.form(&r)
	}
	if g.chance(1) {
		r.header.Set("X-Api-Key", "gate_x")
	}
	if other := pick(g, []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"}); g.chance(2) && !slices.Contains(g.methods[op.path], other) {
		r.method, r.path, r.otherMethod = other, op.plainPath, true
	}
	return r
}

// address writes path, query and headers.
func (g *requests) address(r *generated) {
	r.path = r.op.path
	query := []string{}
	for _, p := range r.op.parameters {
		name, of := text(p["name"]), text(p["name"])
		if strings.HasSuffix(r.op.path, "/jwks") && g.chance(50) {
			of = "client"
		}
		value := fmt.Sprint(g.good(of, object(p["schema"])))
		if g.chance(8) {
			value = pick(g, g.naughty)
		}
		switch p["in"] {
		case "path":
			r.path = strings.ReplaceAll(r.path, "{"+name+"}", url.PathEscape(value))
		case "query":
			if g.chance(30) {
				query = append(query, name+"="+url.QueryEscape(value))
			}
		default:
			if g.chance(20) {
				r.header.Set(name, strings.Map(printable, value))
			}
		}
	}
	if g.chance(3) {
		r.wrong = "an unknown parameter"
		query = append(query, url.QueryEscape(pick(g, g.naughty))+"_=1")
	}
	if len(query) > 0 && g.chance(3) {
		r.wrong = "a doubled parameter"
		query = append(query, query[0])
	}
	if len(query) > 0 {
		r.path += "?" + strings.Join(query, "&")
	}
}

// printable keeps what may stand in a header.
func printable(c rune) rune {
	if c < ' ' || c > '~' {
		return -1
	}
	return c
}

// members chooses values for those of a body.
func (g *requests) members(op *described) map[string]any {
	values, all := map[string]any{}, object(op.body["properties"])
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if slices.Contains(array(op.body["required"]), any(name)) || g.chance(25) {
			values[name] = g.good(name, g.promiser.follow(all[name]))
		}
	}
	return values
}

// object writes a JSON body, with one thing wrong now and then.
func (g *requests) object(r *generated) {
	r.header.Set("Content-Type", r.op.media)
	values := g.members(r.op)
	if r.op.id == "setSignInProvider" { // the secret of an app elsewhere, which is none of ours
		values["client_secret"] = "elsewhere"
	}
	names := slices.Sorted(maps.Keys(values))
	required := array(r.op.body["required"])
	switch wrong := g.IntN(100); {
	case wrong < 20 && len(names) > 0: // may be as good as any
		values[pick(g, names)] = pick(g, g.naughty)
	case wrong < 25 && len(names) > 0:
		r.wrong = "a member of another type"
		name := pick(g, names)
		values[name] = g.other(g.promiser.follow(object(r.op.body["properties"])[name]))
	case wrong < 28:
		r.wrong = "an unknown member"
		values[pick(g, g.naughty)+"_"] = 1
	case wrong < 31 && len(names) > 0:
		r.wrong = "null"
		values[pick(g, names)] = nil
	case wrong < 35 && len(required) > 0:
		r.wrong = "a missing member"
		delete(values, text(pick(g, required)))
	case wrong < 37:
		r.wrong = "another content type"
		r.header.Set("Content-Type", pick(g, []string{"text/plain", "application/x-www-form-urlencoded", "application/xml", "", "application/json; charset=latin1"}))
	}
	body, _ := json.Marshal(values) // is made of what it came from
	r.body = string(body)
	switch wrong := g.IntN(300); {
	case wrong < 3:
		r.body, r.wrong = r.body[:len(r.body)-1], "half a body"
	case wrong < 6:
		r.body, r.wrong = pick(g, g.naughty)+"{", "no JSON"
	case wrong < 9 && len(names) > 0:
		r.body, r.wrong = strings.TrimSuffix(r.body, "}")+`,"`+names[0]+`":1}`, "a doubled member"
	case wrong == 9:
		r.body, r.wrong = `{"a":"`+strings.Repeat("a", r.op.most)+`"}`, "more than fits"
	}
}

// lines writes JSON lines. One that is wrong is no fault of the request.
func (g *requests) lines(r *generated) {
	wrong := r.wrong // of its address
	g.object(r)
	if r.wrong != "another content type" && r.wrong != "more than fits" {
		r.wrong = wrong
	}
	if g.chance(50) {
		r.body += "\n{}\n"
	}
}

// other is a value that a schema forbids.
func (g *requests) other(schema map[string]any) any {
	list := map[string]any{"string": "text", "integer": 1.5, "boolean": true, "array": []any{}, "object": map[string]any{}}
	delete(list, text(schema["type"]))
	return list[pick(g, slices.Sorted(maps.Keys(list)))]
}

// upload writes a form with a file, under the right name mostly.
func (g *requests) upload(r *generated) {
	name := "file"
	if g.chance(10) {
		name, r.wrong = "files", "no file"
	}
	r.header.Set("Content-Type", r.op.media+"; boundary=x")
	r.body = "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"a.txt\"\r\n\r\n" + strconv.Itoa(g.IntN(5)) + "\r\n--x--\r\n"
}

// form writes an HTML form.
func (g *requests) form(r *generated) {
	r.header.Set("Content-Type", r.op.media)
	values := url.Values{}
	for name, value := range g.members(r.op) {
		values.Set(name, fmt.Sprint(value))
	}
	names := slices.Sorted(maps.Keys(values))
	switch wrong := g.IntN(100); {
	case wrong < 20:
		values.Set(pick(g, names), pick(g, g.naughty))
	case wrong < 24:
		r.wrong = "a missing field"
		values.Del(text(pick(g, array(r.op.body["required"]))))
	case wrong < 27:
		r.wrong = "a doubled field"
		values.Add(names[0], values.Get(names[0]))
	case wrong < 29:
		r.wrong = "another content type"
		r.header.Set("Content-Type", "application/json")
	case wrong < 32 && r.header.Get("Authorization") != "":
		r.header.Del("Authorization")
		values.Set("client_id", fmt.Sprint(g.good("client_id", nil)))
		values.Set("client_secret", fmt.Sprint(g.good("client_secret", nil)))
	}
	r.body = values.Encode()
}
