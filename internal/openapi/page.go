package openapi

import (
	"bytes"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// The page, as the template reads it.
type (
	pageView struct {
		Frame frame
		Title string
		About []string // paragraphs
		First example  // that shows how a credential is presented
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
		Example                   example
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

// templates are those of the pages.
var templates = template.Must(template.ParseFS(files, "*.html"))

// page writes the document for people, within the frame of all pages.
func (d *Document) page(f frame) (edge.HTML, error) {
	v := d.view(f.Base)
	for _, t := range v.Tags {
		group := navGroup{Title: t.Name}
		for _, op := range t.Operations {
			group.Links = append(group.Links, navLink{op.Method, op.ID, "#" + op.ID})
		}
		f.Nav = append(f.Nav, group)
	}
	v.Frame = f
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, "page.html", v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// frameOf is the frame of a page as a reader sees it.
func frameOf(site Site, r *edge.Request, title string, dialects []Dialect) frame {
	f := frame{Site: site, Title: title, Base: base(r.Request, site.Address), Pages: []pageLink{{"Gatehouse", "/docs", r.URL.Path == "/docs"}}}
	for _, d := range dialects {
		f.Pages = append(f.Pages, pageLink{d.Name, "/docs/" + d.Path, r.URL.Path == "/docs/"+d.Path})
	}
	return f
}

func (d *Document) view(base string) pageView {
	v := pageView{Title: d.Info.Title, About: strings.Split(d.Info.Description, "\n\n")}
	v.First = callOf{id: "first", method: "GET", url: base + "/v1/self", header: bearer}.examples()
	for _, t := range d.Tags {
		group := tagView{Name: t.Name, Anchor: strings.ToLower(strings.ReplaceAll(t.Name, " ", "-")), About: t.Description}
		for _, path := range d.Paths {
			for _, op := range path.Value {
				if op.Value.Tags[0] == t.Name {
					shown := d.operation(path.Name, op.Name, &op.Value)
					shown.Example = d.exampleFor(base+path.Name, op.Name, &op.Value)
					group.Operations = append(group.Operations, shown)
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

// bearer is how the examples present a credential.
const bearer = "Authorization: Bearer $TOKEN"

// exampleFor writes a call of an operation, with what its body needs.
func (d *Document) exampleFor(url, method string, op *operation) example {
	c := callOf{id: op.ID, method: strings.ToUpper(method)}
	c.url = wildcard.ReplaceAllStringFunc(url, func(name string) string { return "$" + strings.ToUpper(name[1:len(name)-1]) })
	if len(op.Security) > 0 && len(op.Security[0]) > 0 {
		c.header = bearer
	}
	if op.Body != nil {
		content := op.Body.Content[0]
		c.body, c.form = d.sample(content.Value.Schema, 0), strings.Contains(content.Name, "form")
		if c.form {
			c.body = d.sampleForm(content.Value.Schema)
		}
	}
	return c.examples()
}

// full is a schema, or that which it refers to.
func (d *Document) full(s *schema) *schema {
	if found := d.Components.Schemas.at(strings.TrimPrefix(s.Ref, componentPrefix)); found != nil {
		return *found
	}
	return s
}

// sample writes a value of a schema as JSON, with those members that it needs.
func (d *Document) sample(s *schema, depth int) string {
	s = d.full(s)
	switch {
	case len(s.Enum) > 0 && s.Enum[0] != "":
		return strconv.Quote(s.Enum[0])
	case s.Type == "array" && s.Items != nil && depth < deepest:
		return "[" + d.sample(s.Items, depth+1) + "]"
	case s.Type == "integer" || s.Type == "number":
		return "1"
	case s.Type == "boolean":
		return "true"
	case s.Type == "object" && depth < deepest:
		var members []string
		for _, p := range s.Properties {
			if slices.Contains(s.Required, p.Name) {
				members = append(members, strconv.Quote(p.Name)+":"+d.sample(p.Value, depth+1))
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	case s.Format == "date-time":
		return `"2030-01-31T12:00:00Z"`
	}
	return `"…"`
}

// sampleForm writes the fields that a form needs.
func (d *Document) sampleForm(s *schema) string {
	s = d.full(s)
	var fields []string
	for _, name := range s.Required {
		fields = append(fields, name+"=$"+strings.ToUpper(name))
	}
	return strings.Join(fields, "&")
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
