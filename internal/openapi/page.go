package openapi

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// The page, as the template reads it.
type (
	pageView struct {
		Title string
		About []string // paragraphs
		Tags  []tagView
		Types []typeView
	}

	tagView struct {
		Name, Anchor, About string
		Operations          []operationView
	}

	operationView struct {
		Method, ID, Summary, More string
		Path                      []string // by its segments, where it may be broken
		Permission                string   // in words
		Parameters                []memberView
		Body                      *typeView
		Answer                    typeView
		Status                    string
		Errors                    []errorView
	}

	typeView struct {
		Name    string
		Members []memberView
	}

	memberView struct {
		Name, Type, About string
		Link              string // the type that it is made of
		Needed            bool
		Values            []string
	}

	errorView struct {
		Status string
		Codes  []string
	}
)

// page writes the document for people.
func (d *Document) page() (edge.HTML, error) {
	t, err := template.ParseFS(files, "page.html")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, d.view()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (d *Document) view() pageView {
	v := pageView{Title: d.Info.Title, About: strings.Split(d.Info.Description, "\n\n")}
	for _, t := range d.Tags {
		group := tagView{Name: t.Name, Anchor: strings.ToLower(strings.ReplaceAll(t.Name, " ", "-")), About: t.Description}
		for _, path := range d.Paths {
			for _, op := range path.Value {
				if op.Value.Tags[0] == t.Name {
					group.Operations = append(group.Operations, d.operation(path.Name, op.Name, &op.Value))
				}
			}
		}
		if len(group.Operations) > 0 {
			v.Tags = append(v.Tags, group)
		}
	}
	for _, s := range d.Components.Schemas {
		v.Types = append(v.Types, typeView{s.Name, d.members(s.Value)})
	}
	return v
}

func (d *Document) operation(path, method string, op *operation) operationView {
	v := operationView{
		Method: strings.ToUpper(method), Path: strings.SplitAfter(path, "/"), ID: op.ID, Summary: op.Summary, Permission: wayIn(op),
		More: strings.TrimPrefix(strings.TrimPrefix(op.Description, op.Summary), ". "),
	}
	for _, p := range op.Parameters {
		if shared := d.Components.Parameters.at(strings.TrimPrefix(p.Ref, "#/components/parameters/")); shared != nil {
			p = *shared
		}
		m := d.memberOf(p.Name, p.Schema)
		m.Type, m.About, m.Needed = p.In+" "+m.Type+bounds(p.Schema), p.Description, p.Required
		v.Parameters = append(v.Parameters, m)
	}
	if op.Body != nil {
		body := d.typeOf(op.Body.Content[0].Value.Schema)
		v.Body = &body
	}
	for _, r := range op.Responses {
		if r.Value.Ref == "" {
			v.Status, v.Answer = r.Name, d.typeOf(r.Value.Content[0].Value.Schema)
			continue
		}
		shared := d.Components.Responses.at(strings.TrimPrefix(r.Value.Ref, "#/components/responses/"))
		v.Errors = append(v.Errors, errorView{r.Name, strings.Split(shared.Description, ", ")})
	}
	return v
}

// bounds says in words which numbers may stand there.
func bounds(s *schema) string {
	if s.Minimum == nil || s.Maximum == nil || s.Default == nil {
		return ""
	}
	return fmt.Sprintf(" from %d to %d, %d if absent,", *s.Minimum, *s.Maximum, *s.Default)
}

// wayIn says in words who may call.
func wayIn(op *operation) string {
	client := len(op.Security) > 0 && op.Security[0][byClient] != nil
	switch {
	case client && op.Permission != "":
		return "an OAuth2 client, or " + op.Permission
	case client:
		return "an OAuth2 client"
	case op.Permission != "":
		return op.Permission
	case len(op.Security) > 0:
		return "any credential"
	}
	return "no credential"
}

func (d *Document) typeOf(s *schema) typeView {
	name := strings.TrimPrefix(s.Ref, componentPrefix)
	if full := d.Components.Schemas.at(name); full != nil {
		s = *full
	}
	return typeView{name, d.members(s)}
}

func (d *Document) members(s *schema) (list []memberView) {
	needed := map[string]bool{}
	for _, name := range s.Required {
		needed[name] = true
	}
	for _, p := range s.Properties {
		m := d.memberOf(p.Name, p.Value)
		m.Needed = needed[p.Name]
		list = append(list, m)
	}
	return list
}

// memberOf describes a member by its schema.
func (d *Document) memberOf(name string, s *schema) memberView {
	m := memberView{Name: name, About: s.Description}
	if s.Type == "array" {
		m.Type, s = "array of ", s.Items
	}
	for _, value := range s.Enum {
		if value != "" {
			m.Values = append(m.Values, value)
		}
	}
	m.Link = strings.TrimPrefix(s.Ref, componentPrefix)
	switch {
	case s.Ref != "":
	case s.Format == "" || s.Format == "int64" || s.Format == "password":
		m.Type += s.Type
	default:
		m.Type += s.Format
	}
	return m
}
