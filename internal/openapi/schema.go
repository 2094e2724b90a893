package openapi

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// componentPrefix begins the references to schemas.
const componentPrefix = "#/components/schemas/"

// schemas makes a schema of each type once. Those with a name become
// components; what a request may not add is said of those that requests use.
type schemas struct {
	components ordered[*schema]
	types      map[string]reflect.Type // of the components
	faults     *[]error
}

// of returns the schema of a type: a reference where it has a name.
func (s *schemas) of(t reflect.Type, request bool) *schema {
	switch {
	case t.Kind() == reflect.Pointer:
		return s.of(t.Elem(), request)
	case t == reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8: // JSON as it is
		return &schema{Type: "object"}
	}
	switch t.Kind() {
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int:
		return &schema{Type: "integer"}
	case reflect.Int64:
		return &schema{Type: "integer", Format: "int64"}
	case reflect.Float64:
		return &schema{Type: "number"}
	case reflect.Slice:
		return &schema{Type: "array", Items: s.of(t.Elem(), request)}
	case reflect.Struct:
		return s.named(t, request)
	}
	*s.faults = append(*s.faults, fmt.Errorf("%s has no schema: add its kind to schema.go", t))
	return &schema{}
}

// named makes a component of a struct.
func (s *schemas) named(t reflect.Type, request bool) *schema {
	name := componentName(t)
	ref := &schema{Ref: componentPrefix + name}
	switch known := s.types[name]; known {
	case t:
		return ref
	case nil:
	default:
		*s.faults = append(*s.faults, fmt.Errorf("%s and %s have one name: rename one of them", known, t))
	}
	s.types[name] = t
	object := &schema{Type: "object"}
	s.components.set(name, object) // before its members: they come after it
	s.members(object, t, request)
	if request {
		object.Additional = new(bool)
	}
	return ref
}

// componentName is the name of a type, and for a page of a list that of its items first.
func componentName(t reflect.Type) string {
	name, argument, generic := strings.Cut(t.Name(), "[")
	if generic {
		argument = strings.TrimSuffix(argument[strings.LastIndexAny(argument, "./")+1:], "]")
		name = argument + name
	}
	return string(unicode.ToUpper(rune(name[0]))) + name[1:]
}

// members adds those of a struct, with those of what it embeds.
func (s *schemas) members(object *schema, t reflect.Type, request bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			s.members(object, f.Type, request)
			continue
		}
		member := s.of(f.Type, request)
		member.Description = f.Tag.Get("doc")
		about := member
		if about.Items != nil {
			about = about.Items
		}
		if format := f.Tag.Get("format"); format != "" {
			about.Format = format
		}
		if values := f.Tag.Get("enum"); values != "" {
			about.Enum = strings.Split(values, ",")
		}
		object.Properties.set(name, member)
		if !strings.Contains(options, "omit") {
			object.Required = append(object.Required, name)
		}
	}
}
