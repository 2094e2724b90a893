// Package openapi describes the API: as an OpenAPI 3.1 document for programs,
// and as a page for people. Each dialect has a page too.
//
// All are made from the tables of routes, the types that they read and write,
// and the answers that their surfaces give to failures. Nothing is written by
// hand but the words; a route that says too little of itself is an error.
package openapi

import (
	"embed"
	"sync"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// keptFor is how long anybody may keep the document and the page.
const keptFor = time.Hour

//go:embed page.html dialect.html frame.html style.css
var files embed.FS

// Surface serves the document of some surfaces, and the page of it, where the
// others are linked. Both are made when they are first asked for.
func Surface(site Site, dialects []Dialect, of ...*edge.Surface) *edge.Surface {
	document := sync.OnceValues(func() (edge.Written, error) {
		d, err := Build(of...)
		if err != nil {
			return nil, err
		}
		return d.JSON()
	})
	built := sync.OnceValues(func() (*Document, error) { return Build(of...) })
	page := func(r *edge.Request, _ edge.None) (edge.HTML, error) {
		d, err := built()
		if err != nil {
			return nil, err
		}
		r.SetHeader("Content-Security-Policy", policy)
		return d.page(frameOf(site, r, "Gatehouse API", dialects))
	}
	style := func() (edge.Stylesheet, error) { return files.ReadFile("style.css") }
	return &edge.Surface{Present: edge.FromHeaders, WriteError: edge.WriteProblem, Error: api.Problem{}, Routes: []edge.Route{
		edge.Get("/openapi.json", edge.Public, answer(document)).Kept(keptFor).Steady().
			Named("openapi", "The OpenAPI 3.1 document of the API."),
		edge.Get("/docs", edge.Public, page).Kept(keptFor).Steady().
			Named("docs", "The same, for people."),
		edge.Get("/docs/style.css", edge.Public, answer(style)).Kept(keptFor).Steady().
			Named("style", "What the page looks like."),
	}}
}

// answer makes an endpoint of what takes no request.
func answer[T any](fn func() (T, error)) func(*edge.Request, edge.None) (T, error) {
	return func(*edge.Request, edge.None) (T, error) { return fn() }
}
