package openapi

import (
	"html"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// A route that says nothing of itself has a line as well: what it takes is
// written by the type.
func TestDialectPage(t *testing.T) {
	plain := &edge.Surface{Routes: []edge.Route{
		edge.Put("/api/things/{thing}", edge.Needs(credential.TestsWrite), 9, func(*edge.Request, asked) (edge.Nothing, error) { return edge.Nothing{}, nil }),
		edge.Post("/api/things", edge.Public, 9, func(*edge.Request, asked) (edge.Nothing, error) { return edge.Nothing{}, nil }).Example(`{"name":"$NAME's"}`),
		edge.Get("/api/things", edge.Public, func(*edge.Request, edge.None) (edge.Nothing, error) { return edge.Nothing{}, nil }).Takes("kind", "shop", "page"),
		edge.Post("/api/files", edge.Public, 9, func(*edge.Request, asked) (edge.Nothing, error) { return edge.Nothing{}, nil }).Example(`-F "file=@$FILE"`),
		edge.Get("/other", edge.Public, func(*edge.Request, edge.None) (edge.Nothing, error) { return edge.Nothing{}, nil }),
	}}
	d := Dialect{Name: "Things", Prefix: "/api/", Surfaces: []*edge.Surface{plain}, Wildcards: map[string]string{"thing": "$THING"}, Header: "X-Key: $KEY",
		Params: map[string]Param{"kind": {"of which kind", "toys"}, "shop": {"in which shop", "$SHOP"}, "page": {About: "which page"}}}
	page, err := d.page(frame{Base: "http://things.test"})
	if err != nil {
		t.Fatal(err)
	}
	text := html.UnescapeString(string(page))
	for _, want := range []string{
		`<details id="put-api-things--thing-">`, "tests:write", "no credential",
		"curl -X PUT \"http://things.test/api/things/$THING\" \\\n  -H \"X-Key: $KEY\" \\\n  -H 'Content-Type: application/json' \\\n  -d '{\"name\":\"…\",\"colors\":[\"…\"],\"deep\":{\"when\":{",
		`-d '{"name":"'"$NAME"''\''s"}'`, `curl "http://things.test/api/things?kind=toys&shop=$SHOP"`,
		"curl -X POST \"http://things.test/api/files\" \\\n  -F \"file=@$FILE\"",
		"<code>shop</code> <span class=\"needed\">required</span></dt><dd>in which shop</dd>", "<code>page</code></dt><dd>which page</dd>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	if strings.Contains(text, "/other") {
		t.Error("it shows a route of elsewhere")
	}
	d.Named = true
	if page, err = d.page(frame{Base: "http://things.test"}); err != nil || strings.Contains(string(page), `<details id=`) {
		t.Errorf("it shows what has no name: %v", err)
	}
}
