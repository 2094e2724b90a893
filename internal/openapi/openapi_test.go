package openapi

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

type asked struct {
	Name   string   `json:"name" doc:"what it is called"`
	Colors []string `json:"colors,omitempty" enum:"red,green"`
	Deep   *inner   `json:"deep,omitempty"`
}

type inner struct {
	When api.Session `json:"when"`
}

func sample() *edge.Surface {
	return &edge.Surface{WriteError: edge.WriteProblem, Error: api.Problem{}, Routes: []edge.Route{
		edge.Post("/v1/credentials", edge.Needs(credential.CredentialsWrite), 9, func(*edge.Request, asked) (api.List[inner], error) {
			return api.List[inner]{}, nil
		}).Creates().Named("make", "Make one. And say <b>so</b>.", credential.InProgress),
		edge.Get("/v1/credentials/{id}", edge.Public, func(*edge.Request, edge.None) (api.Empty, error) {
			return api.Empty{}, nil
		}).Takes("limit").Named("show", "Show one."),
	}}
}

func TestDocument(t *testing.T) {
	d, err := Build(sample())
	if err != nil {
		t.Fatal(err)
	}
	text, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Paths map[string]map[string]struct {
			Summary, Description string
			Permission           string              `json:"x-permission"`
			Security             []map[string]any    `json:"security"`
			Parameters           []map[string]any    `json:"parameters"`
			RequestBody          map[string]any      `json:"requestBody"`
			Responses            map[string]struct{} `json:"responses"`
		}
		Components struct{ Schemas map[string]json.RawMessage }
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	post, show := got.Paths["/v1/credentials"]["post"], got.Paths["/v1/credentials/{id}"]["get"]
	if post.Summary != "Make one" || post.Description != "Make one. And say <b>so</b>." || post.Permission != "credentials:write" ||
		len(post.Security) != 2 || post.RequestBody["required"] != true {
		t.Errorf("got %+v", post)
	}
	if len(post.Parameters) != 2 || len(show.Parameters) != 2 || len(show.Security) != 0 || show.RequestBody != nil {
		t.Errorf("parameters: got %v and %v", post.Parameters, show.Parameters)
	}
	for _, status := range []string{"201", "400", "401", "403", "404", "409", "413", "415", "422", "429", "503", "507"} {
		if _, ok := post.Responses[status]; !ok {
			t.Errorf("%s is missing of %v", status, post.Responses)
		}
	}
	for name, want := range map[string]string{
		"Asked": `{"type":"object","properties":{"name":{"type":"string","description":"what it is called"},
			"colors":{"type":"array","items":{"type":"string","enum":["red","green"]}},"deep":{"$ref":"#/components/schemas/Inner"}},
			"required":["name"],"additionalProperties":false}`,
		"InnerList": `{"type":"object","properties":{"items":{"type":"array","items":{"$ref":"#/components/schemas/Inner"}},
			"next_cursor":{"type":"string","description":"pass it on as cursor; absent on the last page"}},"required":["items"]}`,
	} {
		var g, w any
		if json.Unmarshal(got.Components.Schemas[name], &g) != nil || json.Unmarshal([]byte(want), &w) != nil || !cmp.Equal(g, w) {
			t.Errorf("%s: (-want +got)\n%s", name, cmp.Diff(w, g))
		}
	}
}

// The page escapes what it shows, and takes nothing from elsewhere.
func TestPage(t *testing.T) {
	d, err := Build(sample())
	if err != nil {
		t.Fatal(err)
	}
	page, err := d.page(frame{Site: Site{Assets: "/assets/"}})
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, want := range []string{"And say &lt;b&gt;so&lt;/b&gt;.", "credentials:write", `href="#type-Inner"`, "in_progress", "from 1 to 200", `<span class="needed">required</span>`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page doesn't have %s", want)
		}
	}
	if strings.Count(text, "<script") != 1 || !strings.Contains(text, `<script type="module" src="/assets/console.js"></script>`) {
		t.Error("the page runs another script than that of all pages")
	}
	for _, never := range []string{"<style", "style=", "onclick", "//"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %s", never)
		}
	}
}

// A route that says too little of itself is named.
func TestFaults(t *testing.T) {
	type loose struct{ Any map[string]int }
	nothing := func(*edge.Request, edge.None) (loose, error) { return loose{}, nil }
	s := &edge.Surface{WriteError: edge.WriteProblem, Error: api.Problem{}, Routes: []edge.Route{
		edge.Get("/elsewhere/{what}", edge.Public, nothing).Takes("unheard"),
		edge.Get("/healthz", edge.Public, nothing).Named("a", "A."), edge.Get("/healthz", edge.Public, nothing).Named("a", "A."),
	}}
	_, err := Build(s)
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	for _, want := range []string{"no name", "in no group", "parameter what", "parameter unheard", "map[string]int has no schema", "stands twice", "operationId a"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not found in:\n%v", want, err)
		}
	}
}

// enums says which constants of package credential a member may hold, but for
// some. The tags of api can't name them: it imports nothing of ours.
var enums = []struct {
	of     any
	member string
	kind   string // the type of the constants
	but    []string
}{
	{api.Decision{}, "code", "Code", nil},
	{api.LimitState{}, "of", "LimitOf", []string{"sign-in"}},
	{api.Credential{}, "kind", "Kind", []string{"access_token"}},
	{api.VerifiedCredential{}, "kind", "Kind", nil},
	{api.Scheme{}, "kind", "Kind", []string{"access_token", "session", "trust_rule"}},
	{api.Credential{}, "state", "State", nil},
	{api.Subject{}, "type", "SubjectType", []string{"server"}},
	{api.Self{}, "role", "Role", nil},
	{api.User{}, "role", "Role", nil},
	{api.CreateUser{}, "role", "Role", nil},
	{api.Invite{}, "role", "Role", nil},
	{api.Invitation{}, "role", "Role", nil},
	{api.Scheme{}, "alphabet", "Alphabet", nil},
	{api.Scheme{}, "owner", "OwnerType", nil},
	{api.Scheme{}, "expiry", "ExpiryMode", nil},
	{api.Scheme{}, "presented", "Presentation", []string{"cookie"}},
}

func TestEnumsAreTheConstants(t *testing.T) {
	known := constants(t, "../credential")
	for _, e := range enums {
		var got []string
		for i := range reflect.TypeOf(e.of).NumField() {
			f := reflect.TypeOf(e.of).Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == e.member {
				got = strings.Split(f.Tag.Get("enum"), ",")
			}
		}
		got = slices.DeleteFunc(got, func(s string) bool { return s == "" || s == "damaged" }) // of a record that can't be read
		want := slices.DeleteFunc(slices.Clone(known[e.kind]), func(s string) bool { return slices.Contains(e.but, s) })
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
			t.Errorf("%T %s: (-%s +tag)\n%s", e.of, e.member, e.kind, diff)
		}
	}
}

// constants returns the texts of the constants of a package, by their type.
func constants(t *testing.T, dir string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	sources, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), path.Join(dir, source), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for n := range ast.Preorder(file) {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				continue
			}
			kind, isNamed := spec.Type.(*ast.Ident)
			value, isText := spec.Values[0].(*ast.BasicLit)
			if isNamed && isText && value.Kind == token.STRING {
				text, _ := strconv.Unquote(value.Value)
				all[kind.Name] = append(all[kind.Name], text)
			}
		}
	}
	return all
}
