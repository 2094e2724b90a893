package rest_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// refusal is a request that must be refused, and how.
type refusal struct {
	name string
	request
	status int
	code   string
	field  string
}

// checkRefusals makes each request, compares the problem, and holds that
// nothing was changed.
func checkRefusals(t *testing.T, w *world, list []refusal) {
	t.Helper()
	before := w.checksum(t)
	for _, r := range list {
		a := w.do(t, r.request)
		if a.status < 400 {
			t.Errorf("%s: got %d %.300s, want %d %s", r.name, a.status, a.body, r.status, r.code)
			continue
		}
		p := a.problem(t)
		if a.status != r.status || p.Code != r.code || p.Field != r.field {
			t.Errorf("%s: got %d %s field %q (%s), want %d %s field %q", r.name, a.status, p.Code, p.Field, p.Detail, r.status, r.code, r.field)
		}
	}
	if after := w.checksum(t); after != before {
		t.Errorf("something was changed:\n%.2000s", difference(before, after))
	}
}

const good = `"scheme":"gatehouse_key","name":"n","scopes":["projects:read"]`

// posting makes a new credential of a body, as the owner.
func posting(body any, header ...string) request {
	r := request{method: "POST", path: "/v1/credentials", as: "owner", body: body, header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		r.header[header[i]] = append(r.header[header[i]], header[i+1])
	}
	return r
}

func TestBodyIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		deep := `{` + good + `,"x":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}`
		objects := strings.Repeat(`{"a":`, 10000) + "1" + strings.Repeat("}", 10000)
		checkRefusals(t, w, []refusal{
			{"unknown member", posting(`{` + good + `,"color":"red"}`), 400, "bad_request", "color"},
			{"unknown member, mass assignment: role", posting(`{` + good + `,"role":"owner"}`), 400, "bad_request", "role"},
			{"unknown member: is_admin", posting(`{` + good + `,"is_admin":true}`), 400, "bad_request", "is_admin"},
			{"unknown member: created_at", posting(`{` + good + `,"created_at":"2020-01-01T00:00:00Z"}`), 400, "bad_request", "created_at"},
			{"unknown member: id", posting(`{` + good + `,"id":"x"}`), 400, "bad_request", "id"},
			{"unknown member: organization_id", posting(`{` + good + `,"organization_id":"x"}`), 400, "bad_request", "organization_id"},
			{"another case of a member", posting(`{"Scheme":"gatehouse_key","name":"n"}`), 400, "bad_request", "Scheme"},
			{"duplicate member", posting(`{` + good + `,"name":"m"}`), 400, "bad_request", ""},
			{"duplicate member in escapes", posting(`{` + good + `,"n\u0061me":"m"}`), 400, "bad_request", ""},
			{"trailing JSON", posting(`{` + good + `}{}`), 400, "bad_request", ""},
			{"trailing text", posting(`{` + good + `} x`), 400, "bad_request", ""},
			{"leading comma", posting(`,{` + good + `}`), 400, "bad_request", ""},
			{"comment", posting(`{/* */` + good + `}`), 400, "bad_request", ""},
			{"single quotes", posting(`{'name':'n'}`), 400, "bad_request", ""},
			{"cut off", posting(`{` + good), 400, "bad_request", ""},
			{"array", posting(`[{` + good + `}]`), 400, "bad_request", ""},
			{"string", posting(`"x"`), 400, "bad_request", ""},
			{"null", posting(`null`), 400, "bad_request", ""},
			{"blank", posting(" \r\n\t "), 400, "bad_request", ""},
			{"BOM", posting("\xef\xbb\xbf{" + good + "}"), 400, "bad_request", ""},
			{"UTF-16", posting("{\x00\"\x00n\x00a\x00m\x00e\x00\"\x00:\x001\x00}\x00"), 400, "bad_request", ""},
			{"invalid UTF-8", posting("{\"scheme\":\"gatehouse_key\",\"name\":\"a\xffb\",\"scopes\":[\"projects:read\"]}"), 400, "bad_request", ""},
			{"lone surrogate", posting(`{"scheme":"gatehouse_key","name":"\ud800","scopes":["projects:read"]}`), 400, "bad_request", ""},
			{"arrays 10,000 deep", posting(deep), 400, "bad_request", ""},
			{"objects 10,000 deep", posting(objects), 400, "bad_request", ""},
			{"17 deep", posting(strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17)), 400, "bad_request", ""},
		})
	})
}

func TestBodyOfAnotherTypeIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		checkRefusals(t, w, []refusal{
			{"no content type", posting("{"+good+"}", "Content-Type", ""), 415, "unsupported_media_type", ""},
			{"text", posting("{"+good+"}", "Content-Type", "text/plain"), 415, "unsupported_media_type", ""},
			{"form", posting("scheme=gatehouse_key", "Content-Type", "application/x-www-form-urlencoded"), 415, "unsupported_media_type", ""},
			{"multipart", posting("{"+good+"}", "Content-Type", "multipart/form-data; boundary=x"), 415, "unsupported_media_type", ""},
			{"another charset", posting("{"+good+"}", "Content-Type", "application/json; charset=utf-16"), 415, "unsupported_media_type", ""},
			{"no media type", posting("{"+good+"}", "Content-Type", "json"), 415, "unsupported_media_type", ""},
			{"content encoding", posting("\x1f\x8b\x08\x00", "Content-Encoding", "gzip"), 400, "bad_request", ""},
			{"null member", posting(`{"scheme":"gatehouse_key","name":null}`), 422, "invalid", "name"},
			{"null in a list", posting(`{"scheme":"gatehouse_key","name":"n","scopes":null}`), 422, "invalid", "scopes"},
			{"number for a string", posting(`{"scheme":"gatehouse_key","name":5}`), 422, "invalid", "name"},
			{"object for a string", posting(`{"scheme":"gatehouse_key","name":{"$ne":""}}`), 422, "invalid", "name"},
			{"string for a list", posting(`{"scheme":"gatehouse_key","name":"n","scopes":"projects:read"}`), 422, "invalid", "scopes"},
			{"number in a list", posting(`{"scheme":"gatehouse_key","name":"n","scopes":[1]}`), 422, "invalid", "scopes.0"},
			{"string for a number", posting(`{` + good + `,"rate_limit":"5"}`), 422, "invalid", "rate_limit"},
			{"fraction", posting(`{` + good + `,"rate_limit":1.5}`), 422, "invalid", "rate_limit"},
			{"number too large", posting(`{` + good + `,"rate_limit":1e400}`), 422, "invalid", "rate_limit"},
			{"number over 64 bits", posting(`{` + good + `,"rate_limit":18446744073709551616}`), 422, "invalid", "rate_limit"},
			{"boolean", posting(`{` + good + `,"rate_limit":true}`), 422, "invalid", "rate_limit"},
			{"number out of range", posting(`{` + good + `,"rate_limit":1000000001}`), 422, "invalid", "rate_limit"},
			{"negative number", posting(`{` + good + `,"rate_limit":-1}`), 422, "invalid", "rate_limit"},
			{"body where none belongs", request{method: "POST", path: "/v1/self/revoke", as: "owner", body: `{"x":1}`}, 400, "bad_request", ""},
			{"large body where none belongs", request{method: "POST", path: "/v1/self/revoke", as: "owner", body: strings.Repeat(" ", 65)}, 413, "too_large", ""},
			{"nothing at all", request{method: "POST", path: "/v1/credentials", as: "owner"}, 422, "invalid", "scheme"},
		})
	})
}

// endless is a body of unknown length: it is sent in chunks.
type endless struct{ io.Reader }

func TestD12_BodyOverItsBound(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	bodies := map[string]int64{}
	for _, r := range w.edge.Routes() {
		bodies[nameOf(r)] = r.MaxBody
	}
	w.testID(t) // which harmless calls ask for
	before := w.checksum(t)
	for _, r := range w.edge.Routes() {
		if r.MaxBody == 0 {
			continue
		}
		path := harmless(t, w, r).path
		if r.MaxBody > 1<<20 && !r.Packed || r.MaxBody > 4<<20 || r.Pattern == "/v1/verify" && r.MaxBody > 64<<10 {
			t.Errorf("%s takes %d bytes", nameOf(r), r.MaxBody)
		}
		text := `{"x":"` + strings.Repeat("x", int(r.MaxBody)) + `"}`
		for name, body := range map[string]any{"known length": text, "chunked": endless{strings.NewReader(text)}} {
			as := "key"
			if a := w.do(t, request{method: r.Method, path: path, as: as, body: body}); a.status != 413 || a.problem(t).Code != "too_large" {
				t.Errorf("%s, %s: got %d %s, want 413", nameOf(r), name, a.status, a.body)
			}
		}
		exact, want := `{"x":"`+strings.Repeat("x", int(r.MaxBody)-8)+`"}`, 400
		if r.Lines { // whose lines are answered one by one
			line := `{"x":"` + strings.Repeat("x", edge.MaxLine-9) + "\"}\n"
			exact, want = strings.Repeat(line, int(r.MaxBody)/len(line)), 200
		}
		if r.In == reflect.TypeFor[edge.Payload]() { // of which only the files are read
			want = 422
		}
		if a := w.do(t, request{method: r.Method, path: path, as: "key", body: exact}); a.status != want {
			t.Errorf("%s, %d bytes: got %d %s, want %d for the unknown member", nameOf(r), len(exact), a.status, a.body, want)
		}
	}
	if after := w.checksum(t); after != before {
		t.Errorf("something was changed:\n%.2000s", difference(before, after))
	}
}

// TestJ11_JSONTestSuite sends each document of the suite as a body, and as the
// value of a member. None of the invalid ones gets past the decoder.
func TestJ11_JSONTestSuite(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	text, err := os.ReadFile("testdata/jsontestsuite.tsv")
	if err != nil {
		t.Fatal(err)
	}
	before := w.checksum(t)
	refused := 0
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		columns := strings.Split(line, "\t")
		document, err := hex.DecodeString(columns[2])
		if err != nil {
			t.Fatal(err)
		}
		for place, body := range map[string][]byte{"body": document, "member": []byte(`{"x":` + string(document) + `}`), "element": []byte(`{"scopes":[` + string(document) + `]}`)} {
			a := w.do(t, request{method: "POST", path: "/v1/credentials", as: "owner", body: body})
			if a.status < 400 || a.status > 499 {
				t.Errorf("%s as %s: got %d %s", columns[0], place, a.status, a.body)
			}
			if columns[1] == "reject" && place == "body" && len(document) > 0 {
				refused++
				if a.status != http.StatusBadRequest {
					// A null is found before the grammar is checked.
					if !strings.Contains(string(document), "null") {
						t.Errorf("%s: got %d %s, want 400", columns[0], a.status, a.body)
					}
				}
			}
		}
	}
	if refused < 90 {
		t.Errorf("only %d invalid documents were tried", refused)
	}
	if after := w.checksum(t); after != before {
		t.Errorf("something was changed:\n%.2000s", difference(before, after))
	}
}

// Every valid document that is an object is read as JSON: it is refused only
// for its members, never for its grammar.
func TestJ11_ValidJSONIsRead(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	for i, text := range []string{
		"{" + good + "}", " \t\r\n{" + good + "} \n", `{"scheme":"gatehouse_key","name":"\u0061\ud83d\ude00","scopes":["projects:read"]}`,
		`{"scheme":"gatehouse_key","name":"null {[\"\\","scopes":["projects:read"]}`, `{"name":"n","scopes":["projects:read"],"rate_limit":0,"scheme":"gatehouse_key"}`,
	} {
		for _, content := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""} {
			a := w.do(t, request{method: "POST", path: "/v1/credentials", as: "owner", body: text, header: http.Header{"Content-Type": {content}}})
			if a.status != http.StatusCreated {
				t.Errorf("%d %s: got %d %s", i, content, a.status, a.body)
			}
		}
	}
	if a := w.do(t, request{method: "POST", path: "/v1/self/rotate", as: "guest"}); a.status != 200 {
		t.Errorf("no body where all members are optional: got %d %s", a.status, fmt.Sprint(string(a.body)))
	}
}
