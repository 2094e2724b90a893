package edge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// maxDepth bounds the nesting of a JSON body.
const maxDepth = 16

// expectNoBody refuses anything but an empty body or an empty object.
func (r *Request) expectNoBody() error {
	if r.ContentLength == 0 || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if err := r.read(64); err != nil {
		return err
	}
	if text := bytes.TrimSpace(r.body); len(text) > 0 && string(text) != "{}" {
		return credential.Errorf(credential.BadRequest, "this call takes no body")
	}
	return nil
}

// decode reads a JSON object into v: of the right content type, within the
// bound, without members that are unknown, null or there twice. No body at all
// leaves v as it is, and what it lacks is an error of the endpoint.
func (r *Request) decode(v any) error {
	if r.ContentLength == 0 {
		return nil
	}
	if err := r.expectMedia("application/json", "send the body as Content-Type: application/json"); err != nil {
		return err
	}
	if err := r.read(r.max); err != nil {
		return err
	}
	if err := r.unpack(); err != nil {
		return err
	}
	if err := checkShape(r.body, r.nulls); err != nil {
		return err
	}
	return read(r.body, v, reading(r.loose))
}

// The ways to read a body.
var (
	strictly = json.RejectUnknownMembers(true)
	loosely  = json.JoinOptions(json.RejectUnknownMembers(false), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
)

func reading(loose bool) json.Options {
	if loose {
		return loosely
	}
	return strictly
}

// expectMedia refuses a body of another content type.
func (r *Request) expectMedia(want, detail string) error {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := params["charset"]; err != nil || media != want || (charset != "" && !strings.EqualFold(charset, "utf-8")) {
		return credential.Errorf(credential.UnsupportedMedia, "%s", detail)
	}
	return nil
}

// Values are the fields of a form. A field is there once, or not at all: one
// without a value counts as left out (RFC 6749 section 3.1).
type Values map[string]string

// form reads a form: of the right content type, within the bound, every field
// once, and nothing beside it in the query.
func (r *Request) form() (Values, error) {
	if r.URL.RawQuery != "" {
		return nil, credential.Errorf(credential.BadRequest, "parameters belong into the body, not into the URL")
	}
	const form = "application/x-www-form-urlencoded"
	if err := r.expectMedia(form, "send the parameters as Content-Type: "+form); err != nil {
		return nil, err
	}
	if err := r.read(r.max); err != nil {
		return nil, err
	}
	parsed, err := url.ParseQuery(string(r.body))
	if err != nil || !utf8.Valid(r.body) {
		return nil, credential.Errorf(credential.BadRequest, "the body is no form")
	}
	values := make(Values, len(parsed))
	for name, list := range parsed {
		if len(list) > 1 {
			return nil, &credential.Error{Kind: credential.BadRequest, Field: plain(name), Detail: "the parameter stands twice"}
		}
		if value := strings.TrimRight(list[0], " "); value != "" { // some documents print a blank before each "&"
			values[name] = value
		}
	}
	return values, nil
}

// Payload is a body in one of the forms that clients of a route send: a JSON
// object, or the fields of a form. No body is a form without fields.
type Payload struct {
	Form  url.Values
	json  []byte
	loose bool
}

// IsJSON reports whether the body is a JSON object.
func (p Payload) IsJSON() bool { return p.json != nil }

// Decode reads the JSON object into v, which has all its members.
func (p Payload) Decode(v any) error {
	return read(p.json, v, reading(p.loose))
}

// ReadLoosely reads a part of a body as a loose surface does: JSON of any kind,
// of which v has what is wanted.
func ReadLoosely(text []byte, v any) error { return read(text, v, loosely) }

func read(text []byte, v any, how json.Options) error {
	if err := json.Unmarshal(text, v, how); err != nil {
		return explain(err)
	}
	return nil
}

// JSON is a payload that is a JSON object, as a field of a form has one.
func JSON(text []byte) Payload { return Payload{json: text} }

// payload reads a body in one of its forms, within the bound. Files in a form
// are left out.
func (r *Request) payload() (p Payload, err error) {
	if r.ContentLength == 0 {
		return p, nil
	}
	const detail = "send the body as application/json, application/x-www-form-urlencoded or multipart/form-data"
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return p, credential.Errorf(credential.UnsupportedMedia, detail)
	}
	if err := r.read(r.max); err != nil {
		return p, err
	}
	switch media {
	case "application/json":
		p.json, p.loose = r.body, r.loose
		return p, checkShape(r.body, r.nulls)
	case "application/x-www-form-urlencoded":
		p.Form, err = url.ParseQuery(string(r.body))
	case "multipart/form-data":
		p.Form, err = fieldsOf(multipart.NewReader(bytes.NewReader(r.body), params["boundary"]))
	default:
		return p, credential.Errorf(credential.UnsupportedMedia, detail)
	}
	if err != nil {
		return p, credential.Errorf(credential.BadRequest, "the body is no form")
	}
	return p, nil
}

// fieldsOf reads the fields of a form in parts (RFC 7578).
func fieldsOf(parts *multipart.Reader) (url.Values, error) {
	const most = 1000
	fields := url.Values{}
	for range most {
		part, err := parts.NextRawPart()
		if err == io.EOF { // itself: what is cut off wraps it
			return fields, nil
		}
		if err != nil {
			return nil, err
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		if part.FileName() == "" {
			fields.Add(part.FormName(), string(value))
		}
	}
	return nil, errors.New("there are too many parts")
}

// read takes in the body up to a bound.
func (r *Request) read(most int64) error {
	if r.ContentLength > most {
		return tooLarge(most)
	}
	if r.ContentLength > 0 {
		r.body = make([]byte, 0, r.ContentLength+1)
	}
	buf := bytes.NewBuffer(r.body)
	_, err := buf.ReadFrom(http.MaxBytesReader(r.writer, r.Request.Body, most))
	r.body = buf.Bytes()
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return tooLarge(most)
	case err != nil:
		return credential.Errorf(credential.BadRequest, "the body ended too early")
	}
	return nil
}

func tooLarge(most int64) error {
	return credential.Errorf(credential.TooLarge, "the body may have at most %d bytes", most)
}

// checkShape scans a body before it is decoded: it must be an object, nested
// no deeper than any request needs, and without null members where those mean
// nothing. It leaves the rest of the grammar to the decoder.
func checkShape(body []byte, nulls bool) error {
	text := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(text) == 0:
		return credential.Errorf(credential.BadRequest, "the body is empty; send a JSON object")
	case text[0] != '{':
		return credential.Errorf(credential.BadRequest, "the body must be a JSON object")
	}
	depth, name := 0, ""
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			if depth++; depth > maxDepth {
				return credential.Errorf(credential.BadRequest, "the body is nested deeper than %d levels", maxDepth)
			}
		case '}', ']':
			depth--
		case '"':
			start := i + 1
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if rest := bytes.TrimLeft(text[min(i+1, len(text)):], " \t\r\n"); len(rest) > 0 && rest[0] == ':' {
				name = string(text[start:i])
			}
		case 'n':
			if !nulls && bytes.HasPrefix(text[i:], []byte("null")) {
				return credential.InvalidField(plain(name), "null means nothing here; leave the member out")
			}
		}
	}
	return nil
}

// explain turns the decoder's error into one sentence that never echoes a value.
func explain(err error) error {
	var syntax *jsontext.SyntacticError
	var meaning *json.SemanticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return credential.Errorf(credential.BadRequest, "the body names a member twice")
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &meaning):
		return &credential.Error{Kind: credential.BadRequest, Field: member(meaning.JSONPointer), Detail: "this call has no such member"}
	case errors.As(err, &meaning):
		return credential.InvalidField(member(meaning.JSONPointer), "%s", expected(meaning))
	case errors.As(err, &syntax):
		return credential.Errorf(credential.BadRequest, "the body is not valid JSON at byte %d", syntax.ByteOffset)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return credential.Errorf(credential.BadRequest, "the body is cut off")
	}
	return credential.Errorf(credential.BadRequest, "the body is not valid JSON")
}

// expected says which JSON belongs in a member that holds another.
func expected(err *json.SemanticError) string {
	kind := reflect.Invalid
	if err.GoType != nil {
		kind = err.GoType.Kind()
	}
	switch kind {
	case reflect.String:
		return "must be a JSON string"
	case reflect.Bool:
		return "must be true or false"
	case reflect.Int, reflect.Int64:
		return "must be a whole number"
	case reflect.Slice:
		return "must be a JSON array"
	case reflect.Struct, reflect.Map:
		return "must be a JSON object"
	}
	return fmt.Sprintf("must not be a JSON %s", err.JSONKind)
}

// member writes a JSON pointer the way fields are named: a.b.0.
func member(p jsontext.Pointer) string {
	segments := strings.Split(strings.TrimPrefix(string(p), "/"), "/")
	if len(segments) > maxDepth {
		segments = segments[:maxDepth]
	}
	for i, s := range segments {
		segments[i] = plain(s)
	}
	return strings.Join(segments, ".")
}

// plain returns the name of a member if it looks like one. Whatever else
// stands there was made up by the caller and could be a secret in the wrong
// place; every secret is longer than this.
func plain(name string) string {
	const most = 19
	if len(name) > most || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
		return "…"
	}
	return name
}
