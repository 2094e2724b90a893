package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	decoder "github.com/go-json-experiment/json"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// failed compares an error with a kind and a field; "" is no error.
func failed(t *testing.T, name string, err error, kind credential.ErrorKind, field string) {
	t.Helper()
	var e *credential.Error
	switch {
	case kind == "" && err != nil:
		t.Errorf("%s: got %v, want no error", name, err)
	case kind == "":
	case !errors.As(err, &e) || e.Kind != kind || e.Field != field || e.Detail == "":
		t.Errorf("%s: got %#v, want %s of field %q", name, err, kind, field)
	}
}

func TestCheckShape(t *testing.T) {
	const bad, invalid = credential.BadRequest, credential.Invalid
	for _, c := range []struct {
		name, body string
		kind       credential.ErrorKind
		field      string
	}{
		{"empty object", "{}", "", ""}, {"space around", " \r\n\t{} \n", "", ""}, {"nothing", "", bad, ""}, {"blank", " \n", bad, ""},
		{"array", "[]", bad, ""}, {"text", `"x"`, bad, ""}, {"number", "1", bad, ""}, {"null", "null", bad, ""}, {"BOM", "\xef\xbb\xbf{}", bad, ""}, {"form feed", "\f{}", bad, ""},
		{"16 deep", strings.Repeat(`{"a":`, 16) + "1" + strings.Repeat("}", 16), "", ""}, {"17 deep", strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17), bad, ""},
		{"16 deep, mixed", strings.Repeat(`{"a":[`, 8) + strings.Repeat("]}", 8), "", ""}, {"never closed", strings.Repeat(`{"a":[`, 9), bad, ""},
		{"a million deep", "{" + strings.Repeat("[", 1<<20), bad, ""}, {"brackets in text", `{"a":"` + strings.Repeat("[", 100) + `"}`, "", ""},
		{"brackets behind an escaped quote", `{"a":"\"` + strings.Repeat("[", 100) + `"}`, "", ""}, {"escaped backslash ends the text", `{"a":"\\","b":` + strings.Repeat("[", 100), bad, ""},
		{"many in a row", `{"a":[` + strings.Repeat("[],", 100) + `[]]}`, "", ""}, {"text that never ends", `{"a":"`, "", ""}, {"escape at the end", `{"a":"\`, "", ""},
		{"null member", `{"a":null}`, invalid, "a"}, {"null with spaces", "{ \"a\" :\n null }", invalid, "a"}, {"null in text", `{"a":"null"}`, "", ""}, {"name null", `{"null":1}`, "", ""},
		{"second member null", `{"a":1,"b":null}`, invalid, "b"}, {"nested null", `{"a":{"b":null}}`, invalid, "b"}, {"list of nulls", `{"a":[null]}`, invalid, "a"}, {"deeper list", `{"a":[[null]]}`, invalid, "a"},
	} {
		failed(t, c.name, checkShape([]byte(c.body), false), c.kind, c.field)
	}
}

// A null is blamed on the member, whose name the caller wrote, and never on a
// value, which may be a secret.
func TestNullNamesTheMember(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"a":["x",null`, "a"}, {`{"a":"x" ,"b" : null`, "b"}, {`{"a":{"b":1},"c":[[null`, "c"}, {`{"a\"b":null`, "…"}, {`{"credential":["SECRET",null]}`, "credential"},
		{`{"credential":"SECRET" null}`, "credential"}, {`{"tk_pat_123412341234123412341234":null}`, "…"},
	} {
		failed(t, c.text, checkShape([]byte(c.text), false), credential.Invalid, c.want)
	}
}

// A name that a caller made up is cut so short that no secret can be told
// from it: the shortest of the built-in schemes has 35 characters.
func TestMemberIsCut(t *testing.T) {
	schemes, err := credential.NewSchemes()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range schemes.All() {
		secret, err := s.Text.Generate(strings.NewReader(strings.Repeat("\x01\x02\x03\x04", 200)))
		if err != nil {
			t.Fatal(err)
		}
		text := secret.Reveal()
		var in struct{ A []struct{} }
		for _, body := range []string{`{"` + text + `":1}`, `{"A":[{"` + text + `":1}]}`} {
			err := explain(decoder.Unmarshal([]byte(body), &in, decoder.RejectUnknownMembers(true)))
			// 75 bits have to stay unknown: 15 characters of base32 and as many of hex would not do.
			if strings.Contains(err.Error(), text[:len(text)-12]) {
				t.Errorf("%s: %v", s.Name, err)
			}
		}
	}
}

func TestExplain(t *testing.T) {
	type inner struct {
		B []string `json:"b"`
		N int      `json:"n"`
	}
	type body struct {
		A inner  `json:"a"`
		S string `json:"s"`
	}
	for _, c := range []struct {
		name, text string
		kind       credential.ErrorKind
		field      string
	}{
		{"fine", `{"a":{"b":["x"],"n":1},"s":""}`, "", ""}, {"unknown", `{"z":1}`, credential.BadRequest, "z"}, {"unknown below", `{"a":{"z":1}}`, credential.BadRequest, "a.z"},
		{"twice", `{"s":"","s":""}`, credential.BadRequest, ""}, {"wrong type", `{"s":1}`, credential.Invalid, "s"}, {"wrong type below", `{"a":{"n":"1"}}`, credential.Invalid, "a.n"},
		{"wrong type in a list", `{"a":{"b":["x",true]}}`, credential.Invalid, "a.b.1"}, {"fraction", `{"a":{"n":1.5}}`, credential.Invalid, "a.n"}, {"too large", `{"a":{"n":1e999}}`, credential.Invalid, "a.n"},
		{"syntax", `{"s":}`, credential.BadRequest, ""}, {"cut off", `{"s":"`, credential.BadRequest, ""}, {"trailing", `{}{}`, credential.BadRequest, ""}, {"bad UTF-8", "{\"s\":\"\xff\"}", credential.BadRequest, ""},
		{"surrogate", `{"s":"\ud800"}`, credential.BadRequest, ""}, {"control character", "{\"s\":\"\x01\"}", credential.BadRequest, ""},
	} {
		err := decoder.Unmarshal([]byte(c.text), &body{}, decoder.RejectUnknownMembers(true))
		if err != nil {
			err = explain(err)
		}
		failed(t, c.name, err, c.kind, c.field)
	}
}

// sample is a body with the types that requests have.
type sample struct {
	Name   string   `json:"name"`
	List   []string `json:"list,omitempty"`
	Number int      `json:"number"`
	Maybe  *string  `json:"maybe,omitempty"`
	Lists  *[]string
}

func decodeSample(text []byte) (sample, error) {
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	var out sample
	err := (&Request{Request: r, max: 1 << 16, writer: httptest.NewRecorder()}).decode(&out)
	return out, err
}

// What belongs in a member is said, by what the member is.
func TestExplainSaysWhatBelongsThere(t *testing.T) {
	type body struct {
		Text   string         `json:"text"`
		Maybe  *string        `json:"maybe"`
		List   []string       `json:"list"`
		Number int64          `json:"number"`
		Switch bool           `json:"switch"`
		Object map[string]int `json:"object"`
	}
	for text, want := range map[string]string{
		`{"text":1}`:      "text: must be a JSON string",
		`{"maybe":[]}`:    "maybe: must be a JSON string",
		`{"list":"x"}`:    "list: must be a JSON array",
		`{"list":[1]}`:    "list.0: must be a JSON string",
		`{"number":"1"}`:  "number: must be a whole number",
		`{"number":1.5}`:  "number: must be a whole number",
		`{"switch":"on"}`: "switch: must be true or false",
		`{"object":[]}`:   "object: must be a JSON object",
	} {
		err := explain(decoder.Unmarshal([]byte(text), &body{}, decoder.RejectUnknownMembers(true)))
		if got := err.Error(); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// FuzzDecode: a body is decoded or refused in words that may be shown; what is
// decoded is what the standard library reads in it.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"name":"a","list":["b"],"number":1,"maybe":"c"}`, `{"name":null}`, `{"name":"a","name":"b"}`, `{"Name":1}`, `{"number":1e400}`, "{\"name\":\"\xff\"}", `{"name":"\ud83d\ude00"}`, strings.Repeat("[", 100), `{"x":1}`, `{} {}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := decodeSample(text)
		if err != nil {
			var e *credential.Error
			if !errors.As(err, &e) || e.Detail == "" || statuses[e.Kind] < 400 || statuses[e.Kind] > 499 {
				t.Errorf("%q: got %#v, which is no refusal", text, err)
			}
			return
		}
		if len(text) == 0 {
			return
		}
		var want sample
		if err := json.Unmarshal(text, &want); err != nil {
			t.Errorf("%q was decoded, and is refused by encoding/json: %v", text, err)
		}
		one, _ := json.Marshal(got)
		two, _ := json.Marshal(want)
		if !bytes.Equal(one, two) {
			t.Errorf("%q: got %s, encoding/json reads %s", text, one, two)
		}
	})
}

// FuzzCheckShape: what it lets through is no deeper than allowed and has no
// null, as far as it is JSON at all.
func FuzzCheckShape(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"a":null}`, `{"a":"\"null"}`, strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17), `{"a":["b",null]}`, `{"\\":[]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := checkShape(text, false)
		var value any
		if json.Unmarshal(text, &value) != nil {
			return
		}
		depth, nulls := measure(value)
		_, object := value.(map[string]any)
		if refuse := depth > maxDepth || nulls || !object; refuse && err == nil {
			t.Errorf("%q: let through with depth %d, nulls %v, object %v", text, depth, nulls, object)
		} else if !refuse && err != nil && !duplicated(text) {
			t.Errorf("%q: refused: %v", text, err)
		}
	})
}

// measure finds the depth of a value, and whether there is a null in it.
func measure(value any) (depth int, nulls bool) {
	var below []any
	switch v := value.(type) {
	case nil:
		return 0, true
	case map[string]any:
		for _, item := range v {
			below = append(below, item)
		}
	case []any:
		below = v
	default:
		return 0, false
	}
	for _, item := range below {
		d, n := measure(item)
		depth, nulls = max(depth, d), nulls || n
	}
	return depth + 1, nulls
}

// duplicated reports names that stand twice, of which encoding/json keeps one.
func duplicated(text []byte) bool {
	var value any
	return decoder.Unmarshal(text, &value) != nil
}
