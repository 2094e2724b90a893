package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// documentedAnswers holds answers against the schemas of an OpenAPI document,
// which are those of JSON Schema 2020-12 (OpenAPI 3.1 section 4.8.24).
type documentedAnswers struct {
	promiser *promiser
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema // by their place in the document
}

func newDocumentedAnswers(t *testing.T, document []byte) *documentedAnswers {
	t.Helper()
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	d := &documentedAnswers{&promiser{}, jsonschema.NewCompiler(), map[string]*jsonschema.Schema{}}
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource("document.json", raw); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(document, &d.promiser.document); err != nil {
		t.Fatal(err)
	}
	return d
}

// check is an error unless an operation is documented to answer so: with the
// status, and with a body of a media type whose schema it obeys.
func (d *documentedAnswers) check(op *described, answer *http.Response, body []byte) error {
	status := fmt.Sprint(answer.StatusCode)
	place := "/paths/" + pointer(op.path) + "/" + strings.ToLower(op.method) + "/responses/" + status
	documented := object(object(object(object(object(d.promiser.document["paths"])[op.path])[strings.ToLower(op.method)])["responses"])[status])
	if ref := text(documented["$ref"]); ref != "" {
		place, documented = strings.TrimPrefix(ref, "#"), d.promiser.follow(documented)
	}
	if documented == nil {
		return fmt.Errorf("the status %s is not documented", status)
	}
	if answer.Header.Get("X-Request-Id") == "" { // which is of every answer
		return errors.New("there is no X-Request-Id")
	}
	contents := object(documented["content"])
	if len(contents) == 0 && len(body) == 0 {
		return nil
	}
	media, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
	if object(contents[media]) == nil && object(contents["*/*"]) == nil { // a file is of any type
		return fmt.Errorf("the type %q is not documented", media)
	}
	if !strings.Contains(media, "json") {
		return nil
	}
	schema, err := d.schema(place + "/content/" + pointer(media) + "/schema")
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func (d *documentedAnswers) schema(place string) (*jsonschema.Schema, error) {
	if s := d.schemas[place]; s != nil {
		return s, nil
	}
	s, err := d.compiler.Compile("document.json#" + place)
	d.schemas[place] = s
	return s, err
}

// pointer writes a name as a part of a JSON pointer in a URI (RFC 6901 section 6).
func pointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name)
}
