package openapi

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Document is an OpenAPI 3.1 document, as far as Gatehouse needs one.
type Document struct {
	OpenAPI    string                      `json:"openapi"`
	Info       info                        `json:"info"`
	Servers    []server                    `json:"servers"`
	Tags       []tag                       `json:"tags"`
	Paths      ordered[ordered[operation]] `json:"paths"`
	Components components                  `json:"components"`
}

type info struct {
	Title       string  `json:"title"`
	Version     string  `json:"version"` // of the API, as in its paths
	Description string  `json:"description"`
	License     license `json:"license"`
}

type license struct {
	Name       string `json:"name"`
	Identifier string `json:"identifier"` // of SPDX
}

type server struct {
	URL         string `json:"url"`
	Description string `json:"description"`
}

type tag struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	paths       []string // that it is of begin so
}

type operation struct {
	ID          string            `json:"operationId"`
	Tags        []string          `json:"tags"`
	Summary     string            `json:"summary"`
	Description string            `json:"description,omitempty"`
	Permission  string            `json:"x-permission,omitempty"`
	Security    []requirement     `json:"security"`
	Parameters  []parameter       `json:"parameters,omitempty"`
	Body        *body             `json:"requestBody,omitempty"`
	Responses   ordered[response] `json:"responses"`
}

// requirement is one way in: a security scheme, or none at all.
type requirement map[string][]string

type parameter struct {
	Ref         string  `json:"$ref,omitempty"`
	Name        string  `json:"name,omitempty"`
	In          string  `json:"in,omitempty"`
	Required    bool    `json:"required,omitzero"`
	Description string  `json:"description,omitempty"`
	Schema      *schema `json:"schema,omitempty"`
}

type body struct {
	Required bool           `json:"required,omitzero"`
	Content  ordered[media] `json:"content"`
	MaxBytes int64          `json:"x-max-bytes,omitzero"`
}

type media struct {
	Schema *schema `json:"schema"`
}

type response struct {
	Ref         string          `json:"$ref,omitempty"`
	Description string          `json:"description,omitempty"`
	Headers     ordered[header] `json:"headers,omitempty"`
	Content     ordered[media]  `json:"content,omitempty"`
}

type header struct {
	Ref         string  `json:"$ref,omitempty"`
	Description string  `json:"description,omitempty"`
	Schema      *schema `json:"schema,omitempty"`
}

type components struct {
	Schemas    ordered[*schema]        `json:"schemas"`
	Responses  ordered[response]       `json:"responses"`
	Parameters ordered[parameter]      `json:"parameters"`
	Headers    ordered[header]         `json:"headers"`
	Security   ordered[securityScheme] `json:"securitySchemes"`
}

type securityScheme struct {
	Type        string `json:"type"`
	Scheme      string `json:"scheme,omitempty"`
	In          string `json:"in,omitempty"`
	Name        string `json:"name,omitempty"`
	Description string `json:"description"`
}

// schema is a JSON Schema (2020-12).
type schema struct {
	Ref         string           `json:"$ref,omitempty"`
	Type        string           `json:"type,omitempty"`
	Format      string           `json:"format,omitempty"`
	Description string           `json:"description,omitempty"`
	Enum        []string         `json:"enum,omitempty"`
	Minimum     *int             `json:"minimum,omitempty"`
	Maximum     *int             `json:"maximum,omitempty"`
	Default     *int             `json:"default,omitempty"`
	Items       *schema          `json:"items,omitempty"`
	Properties  ordered[*schema] `json:"properties,omitempty"`
	Required    []string         `json:"required,omitempty"`
	Additional  *bool            `json:"additionalProperties,omitempty"`
}

// ordered is a JSON object whose members keep their order.
type ordered[T any] []member[T]

type member[T any] struct {
	Name  string
	Value T
}

// set changes a member, or adds it at the end.
func (o *ordered[T]) set(name string, value T) {
	if at := o.at(name); at != nil {
		*at = value
		return
	}
	*o = append(*o, member[T]{name, value})
}

// at points to the value of a member, nil if there is none.
func (o ordered[T]) at(name string) *T {
	for i := range o {
		if o[i].Name == name {
			return &o[i].Value
		}
	}
	return nil
}

// MarshalJSONTo implements json.MarshalerTo.
func (o ordered[T]) MarshalJSONTo(e *jsontext.Encoder) error {
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, m := range o {
		if err := e.WriteToken(jsontext.String(m.Name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(e, m.Value); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndObject)
}

// JSON writes the document, two blanks a level.
func (d *Document) JSON() ([]byte, error) {
	return json.Marshal(d, json.Deterministic(true), jsontext.WithIndent("  "))
}
