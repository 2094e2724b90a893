package openapi

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// builder makes a document of surfaces, and collects what their tables leave open.
type builder struct {
	doc        *Document
	schemas    schemas
	parameters map[string]named
	names      map[string]string // of shared responses, by what they say
	ids        map[string]bool   // of operations
	faults     []error
}

// Build makes the document of some surfaces. An error names every route that
// says too little of itself.
func Build(surfaces ...*edge.Surface) (*Document, error) {
	b := &builder{parameters: parameters(), names: map[string]string{}, ids: map[string]bool{}, doc: &Document{
		OpenAPI: "3.1.0",
		Info: info{Title: "Gatehouse", Version: "1", Description: about,
			License: license{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
		Servers:    []server{{"/", "where this document comes from"}},
		Tags:       tags(),
		Components: components{Parameters: shared(), Headers: headers(), Security: securitySchemes()},
	}}
	b.schemas = schemas{types: map[string]reflect.Type{}, faults: &b.faults}
	for _, s := range surfaces {
		for _, r := range s.Routes {
			b.route(s, r)
		}
		b.addCodes(s, s.OtherFailures())
	}
	b.doc.Components.Schemas = b.schemas.components
	return b.doc, errors.Join(b.faults...)
}

func (b *builder) fault(r edge.Route, format string, args ...any) {
	b.faults = append(b.faults, fmt.Errorf("%s %s %s", r.Method, r.Pattern, fmt.Sprintf(format, args...)))
}

// route adds one operation.
func (b *builder) route(s *edge.Surface, r edge.Route) {
	if r.Doc.ID == "" || r.Doc.Text == "" {
		b.fault(r, "has no name or no sentence: add Named to its line")
	}
	if b.ids[r.Doc.ID] {
		b.fault(r, "has the operationId %s, as another has", r.Doc.ID)
	}
	b.ids[r.Doc.ID] = true
	summary, more, _ := strings.Cut(strings.TrimSuffix(r.Doc.Text, "."), ". ")
	if more != "" {
		more = r.Doc.Text
	}
	op := operation{
		ID: r.Doc.ID, Tags: b.tagsOf(r), Summary: summary, Description: more, Permission: permission(r),
		Parameters: b.parametersOf(r), Body: b.body(r),
	}
	op.Security = b.security(r, op.Body)
	op.Responses = b.responses(s, r)
	path := b.doc.Paths.at(r.Pattern)
	if path == nil {
		b.doc.Paths.set(r.Pattern, nil)
		path = b.doc.Paths.at(r.Pattern)
	}
	method := strings.ToLower(r.Method)
	if path.at(method) != nil {
		b.fault(r, "stands twice in the tables")
	}
	path.set(method, op)
}

func permission(r edge.Route) string {
	if p, ok := r.Access.Permission(); ok {
		return string(p)
	}
	return string(r.Or)
}

// tagsOf finds the group of a route: the one that names the most of its path.
func (b *builder) tagsOf(r edge.Route) []string {
	best, length := "", 0
	for _, t := range b.doc.Tags {
		for _, path := range t.paths {
			if strings.HasPrefix(r.Pattern, path) && len(path) > length {
				best, length = t.Name, len(path)
			}
		}
	}
	if best == "" {
		b.fault(r, "is in no group: add its path to tags in words.go")
	}
	return []string{best}
}

var wildcard = regexp.MustCompile(`\{(\w+)\}`)

// parametersOf are those of a path, of a query and of headers.
func (b *builder) parametersOf(r edge.Route) (list []parameter) {
	add := func(name, in string) {
		known, ok := b.parameters[name]
		if !ok {
			b.fault(r, "has a parameter %s: describe it in words.go", name)
		}
		list = append(list, parameter{Name: name, In: in, Required: in == "path", Description: known.about, Schema: &known.schema})
	}
	for _, match := range wildcard.FindAllStringSubmatch(r.Pattern, -1) {
		add(match[1], "path")
	}
	for _, name := range r.Params {
		add(name, "query")
	}
	if r.Repeatable() {
		list = append(list, parameter{Ref: "#/components/parameters/IdempotencyKey"})
	}
	if r.Conditional() {
		list = append(list, parameter{Ref: "#/components/parameters/IfMatch"})
	}
	if r.Protected() && !r.HasWildcard("organization") {
		list = append(list, parameter{Ref: "#/components/parameters/Organization"})
	}
	return list
}

// body describes what a route reads, nil for none.
func (b *builder) body(r edge.Route) *body {
	if r.MaxBody == 0 {
		return nil
	}
	kind := "application/json"
	switch {
	case r.In == reflect.TypeFor[edge.Payload]():
		files := &schema{Type: "array", Items: &schema{Type: "string", Format: "binary"}}
		return &body{Required: true, Content: ordered[media]{{"multipart/form-data", media{&schema{Type: "object", Properties: ordered[*schema]{{"file", files}}, Required: []string{"file"}}}}}}
	case r.Form:
		kind = "application/x-www-form-urlencoded"
	case r.Lines:
		kind = edge.LinesMedia
	}
	s := b.schemas.of(r.In, !r.Form)
	return &body{Required: len(b.resolve(s).Required) > 0, Content: ordered[media]{{kind, media{s}}}, MaxBytes: r.MaxBody}
}

// resolve follows a reference to a component.
func (b *builder) resolve(s *schema) *schema {
	if found := b.schemas.components.at(strings.TrimPrefix(s.Ref, componentPrefix)); found != nil {
		return *found
	}
	return s
}

// security lists the ways into a route. A form with a client_secret is one by
// which clients authenticate, there or by Basic.
func (b *builder) security(r edge.Route, in *body) []requirement {
	ways := []requirement{}
	clients := in != nil && b.resolve(in.Content[0].Value.Schema).Properties.at("client_secret") != nil
	if clients {
		ways = append(ways, requirement{byClient: {}})
	}
	if r.Protected() || r.Or != "" {
		ways = append(ways, requirement{byBearer: {}}, requirement{byHeader: {}})
	}
	if clients {
		ways = append(ways, requirement{})
	}
	return ways
}

// responses are the success, or two, and every failure of a route.
func (b *builder) responses(s *edge.Surface, r edge.Route) (all ordered[response]) {
	successes := []int{max(r.Status, http.StatusOK)}
	if r.Finds {
		successes = []int{http.StatusOK, r.Status}
	}
	for _, status := range successes {
		all.set(strconv.Itoa(status), response{
			Description: http.StatusText(status),
			Headers:     ordered[header]{{"X-Request-Id", header{Ref: "#/components/headers/RequestId"}}},
			Content:     b.contents(r),
		})
	}
	failures := s.Failures(r)
	for i := 0; i < len(failures); {
		n := i
		for n < len(failures) && failures[n].Status == failures[i].Status {
			n++
		}
		all.set(strconv.Itoa(failures[i].Status), b.failure(s, failures[i:n]))
		i = n
	}
	return all
}

// contents are what a success of a route looks like. Of what isn't JSON, a text
// is all that can be said.
func (b *builder) contents(r edge.Route) (all ordered[media]) {
	for _, kind := range r.Doc.Media {
		of := &schema{Type: "string"}
		if strings.Contains(kind, "json") {
			of = b.schemas.of(r.Out, false)
		}
		all.set(kind, media{of})
	}
	switch {
	case r.Out == reflect.TypeFor[edge.File]():
		all.set("*/*", media{&schema{Type: "string", Format: "binary"}})
	case all == nil:
		all.set("application/json", media{b.schemas.of(r.Out, false)})
	}
	return all
}

// failure refers to the shared response of the failures with one status.
func (b *builder) failure(s *edge.Surface, list []edge.ErrorAnswer) response {
	of, member, codes := b.addCodes(s, list)
	says := fmt.Sprint(of.Ref, list[0].Status, codes)
	if b.names[says] == "" {
		family := strings.TrimSuffix(strings.TrimPrefix(of.Ref, componentPrefix), "Error")
		b.names[says] = b.freeName(family, strings.ReplaceAll(http.StatusText(list[0].Status), " ", ""))
		b.doc.Components.Responses.set(b.names[says], sharedFailure(list[0], &schema{Ref: of.Ref,
			Properties: ordered[*schema]{{member, &schema{Enum: codes}}}}))
	}
	return response{Ref: "#/components/responses/" + b.names[says]}
}

// addCodes adds those of some failures to the schema of the surface's errors,
// and returns it with the member that holds a code.
func (b *builder) addCodes(s *edge.Surface, list []edge.ErrorAnswer) (of *schema, member string, codes []string) {
	of, member = b.schemas.of(reflect.TypeOf(s.Error), false), "code"
	full := b.resolve(of)
	if full.Properties.at(member) == nil {
		member = "error"
	}
	for _, f := range list {
		codes = append(codes, f.Code)
	}
	codes = merged(nil, codes)
	if at := full.Properties.at(member); at != nil {
		(*at).Enum = merged((*at).Enum, codes)
	}
	return of, member, codes
}

// freeName is a name that no shared response has.
func (b *builder) freeName(family, title string) string {
	name := family + title
	if family == "Problem" {
		name = title
	}
	free := name
	for n := 2; b.doc.Components.Responses.at(free) != nil; n++ {
		free = name + strconv.Itoa(n)
	}
	return free
}

// sharedFailure describes failures of one status, whose codes the schema has.
func sharedFailure(f edge.ErrorAnswer, of *schema) response {
	codes := of.Properties[0].Value.Enum
	r := response{
		Description: strings.Join(codes, ", "),
		Headers:     ordered[header]{{"X-Request-Id", header{Ref: "#/components/headers/RequestId"}}},
		Content:     ordered[media]{{f.Media, media{of}}},
	}
	switch {
	case f.Status == http.StatusUnauthorized:
		r.Headers.set("WWW-Authenticate", header{Ref: "#/components/headers/Challenge"})
	case f.Status == http.StatusTooManyRequests, f.Status > http.StatusInternalServerError, slices.Contains(codes, "in_progress"):
		r.Headers.set("Retry-After", header{Ref: "#/components/headers/RetryAfter"})
	}
	if f.Status == http.StatusTooManyRequests {
		r.Headers.set("RateLimit-Policy", header{Ref: "#/components/headers/RateLimitPolicy"})
		r.Headers.set("RateLimit", header{Ref: "#/components/headers/RateLimit"})
	}
	return r
}

// merged is every text of two lists, in order.
func merged(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
