package jwt

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// latest is the last second of the year 9999, the highest date of a claim.
const latest = 253402300799

// object is a JSON object whose members nobody has looked into yet.
type object map[string]jsontext.Value

var errNotStrict = errors.New("not a strict JSON object")

// readObject reads text that is one JSON object (RFC 8259) and nothing else:
// in valid UTF-8, no member named twice at any level, no number too large to
// be one, nested no deeper than depth. The object itself is level 1.
func readObject(text []byte, depth int) (object, error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(text))
	if decoder.PeekKind() != '{' {
		return nil, errNotStrict
	}
	for {
		token, err := decoder.ReadToken()
		if err == io.EOF {
			break
		}
		if err != nil || decoder.StackDepth() > depth || tooLarge(token) {
			return nil, errNotStrict
		}
	}
	var members object
	if json.Unmarshal(text, &members) != nil {
		return nil, errNotStrict
	}
	return members, nil
}

func tooLarge(token jsontext.Token) bool {
	if token.Kind() != '0' {
		return false
	}
	_, err := strconv.ParseFloat(token.String(), 64)
	return err != nil
}

// text returns a member that is a string.
func (o object) text(name string) (text string, ok bool) {
	return unquote(o[name])
}

func unquote(value jsontext.Value) (string, bool) {
	if value.Kind() != '"' {
		return "", false
	}
	text, err := jsontext.AppendUnquote(nil, value)
	return string(text), err == nil
}

// list returns a member that is a list of strings.
func (o object) list(name string) (list []string, ok bool) {
	var values []jsontext.Value
	if o[name].Kind() != '[' || json.Unmarshal(o[name], &values) != nil {
		return nil, false
	}
	for _, value := range values {
		text, ok := unquote(value)
		if !ok {
			return nil, false
		}
		list = append(list, text)
	}
	return list, true
}

// integer returns a member that is a whole number from 0 to most, written
// without a fraction or an exponent.
func (o object) integer(name string, most int64) (n int64, ok bool) {
	if o[name].Kind() != '0' {
		return 0, false
	}
	u, err := strconv.ParseUint(string(o[name]), 10, 63)
	return int64(u), err == nil && int64(u) <= most
}

// A claimReader takes claims out of an object and keeps the first thing that
// is wrong with them.
type claimReader struct {
	object
	err error
}

// readClaims begins to read a payload.
func readClaims(payload []byte) claimReader {
	claims, err := readObject(payload, claimsDepth)
	if err != nil {
		return claimReader{err: Malformed.because("the claims are %v", err)}
	}
	return claimReader{object: claims}
}

func (r *claimReader) require(ok bool, name, want string) {
	if !ok && r.err == nil {
		r.err = BadClaims.because("%s is not %s", name, want)
	}
}

func (r *claimReader) has(name string) bool { return r.object[name] != nil }

// text reads a string that isn't empty.
func (r *claimReader) text(name string) string {
	text, ok := r.object.text(name)
	r.require(ok && text != "", name, "a string")
	return text
}

// optionalText is text of a claim that may be absent.
func (r *claimReader) optionalText(name string) string {
	if !r.has(name) {
		return ""
	}
	return r.text(name)
}

// list reads a list of strings, at least one, none of them empty.
func (r *claimReader) list(name string) []string {
	list, ok := r.object.list(name)
	for _, text := range list {
		ok = ok && text != ""
	}
	r.require(ok && len(list) > 0, name, "a list of strings")
	return list
}

// date reads a NumericDate in whole seconds (RFC 7519 section 2).
func (r *claimReader) date(name string) time.Time {
	seconds, ok := r.object.integer(name, latest)
	r.require(ok, name, "a date in whole seconds")
	return time.Unix(seconds, 0).UTC()
}

// optionalDate is the date of a claim that may be absent, or zero.
func (r *claimReader) optionalDate(name string) time.Time {
	if !r.has(name) {
		return time.Time{}
	}
	return r.date(name)
}
