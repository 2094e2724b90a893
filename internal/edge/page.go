package edge

import (
	"net/http"

	"github.com/go-json-experiment/json"
)

// The answers that are written as they are. All others become JSON.
type (
	// HTML is a page.
	HTML []byte
	// Page is a page with a status of its own; 0 is that of the route.
	Page struct {
		Status int
		HTML   HTML
	}
	// Asset is what belongs to pages, of a media type.
	Asset struct {
		Type   string
		Body   []byte
		Packed []byte // by gzip; nil for what that makes no smaller
	}
	// Stylesheet is what pages look like.
	Stylesheet []byte
	// Written is JSON already.
	Written []byte
	// Nothing is an answer without a body: 204 No Content.
	Nothing struct{}
)

// Header values of pages and of what belongs to them. Nothing on them runs,
// nothing comes from elsewhere, and nobody frames them.
var (
	htmlType = []string{"text/html; charset=utf-8"}
	cssType  = []string{"text/css; charset=utf-8"}
	policy   = []string{"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
	noSource = []string{"no-referrer"}
	sameSite = []string{"same-origin"}
)

// encode writes what an endpoint returned into a body, and sets the headers
// that say what it is. The type decides, never what is in it.
func encode(out any, h http.Header) (body []byte, err error) {
	switch out := out.(type) {
	case HTML:
		h["Content-Type"], body = htmlType, out
	case Page:
		h["Content-Type"], body = htmlType, out.HTML
	case Asset:
		h["Content-Type"], body = []string{out.Type}, out.Body
	case Stylesheet:
		h["Content-Type"], body = cssType, out
	case Written:
		h["Content-Type"] = jsonType
		return out, nil
	default:
		if body, err = json.Marshal(out); err == nil {
			h["Content-Type"] = jsonType
		}
		return body, err
	}
	if h["Content-Security-Policy"] == nil { // which the surface may have set
		h["Content-Security-Policy"] = policy
	}
	h["Referrer-Policy"], h["Cross-Origin-Resource-Policy"] = noSource, sameSite
	return body, nil
}

// WritePage writes a page where a surface answers a failure by one.
func WritePage(w http.ResponseWriter, p Page) {
	body, _ := encode(p, w.Header()) // pages are written already
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}
