package onetest

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// loose is a value as agents send it: a text, a number or a truth value, one
// time so and another time so. Null is the empty text.
type loose string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *loose) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '{', '[':
		if err := d.SkipValue(); err != nil {
			return err
		}
		return errNotPlain
	}
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	if *l = loose(token.String()); token.Kind() == 'n' {
		*l = ""
	}
	return nil
}

// errNotPlain is about an object or a list where a text belongs.
var errNotPlain = credential.Errorf(credential.Invalid, "must be a text")

// is reports whether it is true, in any case.
func (l loose) is() bool { return strings.EqualFold(string(l), "true") || l == "1" }

// optional is a text that may be left out.
func (l *loose) optional() *string {
	if l == nil {
		return nil
	}
	text := string(*l)
	return &text
}

// latest is the last millisecond that can be kept.
const latest = 253_402_300_799_999

// timeForms are those of times that are written out: RFC 3339, the same with an
// offset without a colon, and without one, which is UTC.
var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999"}

// parseTime reads a time: milliseconds, or a time that is written out. Nothing
// is the zero time.
func parseTime(field string, text loose) (time.Time, error) {
	plain := strings.TrimSpace(string(text))
	if plain == "" {
		return time.Time{}, nil
	}
	wrong := credential.InvalidField(field, "must be a time after 1970: milliseconds, or such as 2030-01-31T12:00:00.000Z")
	if n, err := strconv.ParseFloat(plain, 64); err == nil {
		if math.IsNaN(n) || n < 0 || n > latest {
			return time.Time{}, wrong
		}
		return time.UnixMilli(int64(n)).UTC(), nil
	}
	for _, form := range timeForms {
		if t, err := time.Parse(form, plain); err == nil {
			if ms := t.UnixMilli(); ms < 0 || ms > latest {
				return time.Time{}, wrong
			}
			return t.UTC(), nil
		}
	}
	return time.Time{}, wrong
}

// looseID reads the id that an agent chose; none is Nil.
func looseID(field string, text loose) (uuid.UUID, error) {
	plain := strings.TrimSpace(string(text))
	if plain == "" {
		return uuid.Nil, nil
	}
	id := idFrom(plain)
	if id == uuid.Nil {
		return id, credential.InvalidField(field, "must be a UUID, such as 01890000-0000-7000-8000-00000000abcd")
	}
	return id, nil
}

// namedID reads the id of what there should be; none is Nil.
func namedID(noun string, text loose) (uuid.UUID, error) {
	plain := strings.TrimSpace(string(text))
	if plain == "" {
		return uuid.Nil, nil
	}
	id := idFrom(plain)
	if id == uuid.Nil {
		return id, credential.Errorf(credential.NotFound, "no such %s", noun)
	}
	return id, nil
}

// idFrom reads an id in its usual form, in any case; Nil is none.
func idFrom(text string) uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != len(id.String()) {
		return uuid.Nil
	}
	return id
}

// looseAttribute is an attribute as agents send it, or a parameter.
type looseAttribute struct {
	Key    loose `json:"key"`
	Value  loose `json:"value"`
	System loose `json:"system"`
}

// attributesOf reads attributes; what has no value is none. Nil stays nil.
func attributesOf(list []looseAttribute) []workspace.Attribute {
	if list == nil {
		return nil
	}
	out := []workspace.Attribute{}
	for _, a := range list {
		if strings.TrimSpace(string(a.Value)) != "" {
			out = append(out, workspace.Attribute{Key: string(a.Key), Value: string(a.Value), System: a.System.is()})
		}
	}
	return out
}
