package openapi

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// Dialect is another service's API as it is served here, for the page of it.
type Dialect struct {
	Name  string // of the service
	Path  string // of the page, below /docs/
	About string // who calls it, and by what
	// Filled are the variables of a shell that the lines of the page need, and
	// what to put into each.
	Filled []Variable
	// Wildcards say what stands in the lines for a part of a path.
	Wildcards map[string]string
	// Params tell of what may stand in the query of a call, by its name.
	Params   map[string]Param
	Surfaces []*edge.Surface
	// Prefix is that of the paths which the page shows.
	Prefix string
	// Named means that the page leaves out what says nothing of itself, as the
	// twin of another route.
	Named bool
	// Header presents the credential; empty is a Bearer token in TOKEN.
	Header string
}

// Variable is one of a shell, and how it comes to have a value.
type Variable struct{ Name, About string }

// Param is a parameter of a query: what it is for, and what stands for it in
// the lines where a call is refused without it.
type Param struct{ About, Value string }

// Dialects serves a page for each of some dialects: of each route a line that
// calls it at the host that the reader came to. Where the host looks strange,
// the lines call the installation by its own address.
func Dialects(site Site, pages ...Dialect) *edge.Surface {
	s := &edge.Surface{Present: edge.FromHeaders, WriteError: edge.WriteProblem, Error: api.Problem{}}
	for _, d := range pages {
		s.Routes = append(s.Routes, edge.Get("/docs/"+d.Path, edge.Public, func(r *edge.Request, _ edge.None) (edge.HTML, error) {
			r.SetHeader("Content-Security-Policy", policy)
			return d.page(frameOf(site, r, d.Name+"’s API", pages))
		}).Steady().Named("docsOf"+d.Name, "What of "+d.Name+"'s API is served, with a line to call each route."))
	}
	return s
}

// plainHost is what may be copied into a shell.
var plainHost = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)

// base is the address that a reader came to, with the scheme of the
// installation's own.
func base(r *http.Request, address string) string {
	scheme, _, found := strings.Cut(address, "://")
	if !found || !plainHost.MatchString(r.Host) {
		return strings.TrimSuffix(address, "/")
	}
	return scheme + "://" + r.Host
}

// The page, as the template reads it.
type (
	dialectView struct {
		Frame               frame
		Name, About, Header string
		Filled              []Variable
		Calls               []callView
	}

	callView struct {
		Method, ID, About, Needs string
		Example                  example
		Path                     []string // by its segments, where it may be broken
		Params                   []memberView
	}
)

// page writes the page for a reader who came to an address.
func (d *Dialect) page(f frame) (edge.HTML, error) {
	v := dialectView{Name: d.Name, About: d.About, Filled: d.Filled, Header: or(d.Header, bearer)}
	group := navGroup{Title: "Calls"}
	for _, s := range d.Surfaces {
		for _, r := range s.Routes {
			if !strings.HasPrefix(r.Pattern, d.Prefix) || d.Named && r.Doc.ID == "" {
				continue
			}
			c := d.call(f.Base, r)
			v.Calls = append(v.Calls, c)
			group.Links = append(group.Links, navLink{c.Method, strings.TrimPrefix(r.Pattern, strings.TrimSuffix(d.Prefix, "/")), "#" + c.ID})
		}
	}
	f.Nav = []navGroup{group}
	v.Frame = f
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, "dialect.html", v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// call describes a route. One that says nothing of itself is shown by what it
// takes; its line may need other values.
func (d *Dialect) call(base string, r edge.Route) callView {
	needs, protected := r.Access.Permission()
	v := callView{Method: r.Method, ID: or(r.Doc.ID, anchor(r)), About: r.Doc.Text, Needs: string(needs), Path: strings.SplitAfter(r.Pattern, "/")}
	switch {
	case !protected:
		v.Needs = "no credential"
	case needs == "":
		v.Needs = "any credential"
	}
	for _, name := range r.Params {
		p := d.Params[name]
		v.Params = append(v.Params, memberView{Name: name, About: p.About, Needed: p.Value != ""})
	}
	c := callOf{id: v.ID, method: r.Method, url: base + d.fill(r.Pattern) + d.query(r.Params), form: r.Form}
	if protected {
		c.header = or(d.Header, bearer)
	}
	if r.MaxBody > 0 {
		c.body = or(r.Doc.Example, exampleOf(r.In, 0))
	}
	v.Example = c.examples()
	return v
}

// or is a text, or another where it is empty.
func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// anchor names a route by its method and its path.
func anchor(r edge.Route) string {
	return strings.ToLower(r.Method) + strings.Map(func(c rune) rune {
		if strings.ContainsRune("/{}.", c) {
			return '-'
		}
		return c
	}, r.Pattern)
}

// deepest is how deep an example goes.
const deepest = 8

// exampleOf writes a value of a type as JSON, with something in each member.
func exampleOf(t reflect.Type, depth int) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return `"2030-01-31T12:00:00Z"`
	case depth > deepest, t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8: // JSON as it is
		return "{}"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return exampleOf(t.Elem(), depth)
	case reflect.Bool:
		return "true"
	case reflect.Int, reflect.Int64, reflect.Float64:
		return "1"
	case reflect.Slice:
		return "[" + exampleOf(t.Elem(), depth+1) + "]"
	case reflect.Struct:
		var members []string
		for i := range t.NumField() {
			f := t.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				members = append(members, fmt.Sprintf("%q:%s", name, exampleOf(f.Type, depth+1)))
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	case reflect.String:
		return `"…"`
	}
	return "{}"
}

// fill writes a path with what stands for its wildcards.
func (d *Dialect) fill(pattern string) string {
	for name, value := range d.Wildcards {
		pattern = strings.ReplaceAll(pattern, "{"+name+"}", value)
	}
	return pattern
}

// query writes those parameters without which a call is refused.
func (d *Dialect) query(names []string) (text string) {
	mark := "?"
	for _, name := range names {
		if value := d.Params[name].Value; value != "" {
			text += mark + name + "=" + value
			mark = "&"
		}
	}
	return text
}

// variable is how a shell's stands in an example.
var variable = regexp.MustCompile(`\$[A-Z_]+`)

// quoted quotes a text for a shell, which fills in its variables.
func quoted(text string) string {
	return "'" + variable.ReplaceAllString(strings.ReplaceAll(text, "'", `'\''`), `'"$0"'`) + "'"
}
