package edge

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Pages and what belongs to them are packed for who takes that, and nothing else
// is: no failure, no answer to a form, no JSON.
func TestPack(t *testing.T) {
	t.Parallel()
	body := []byte(strings.Repeat("a page ", 500))
	for what, c := range map[string]struct {
		method, takes string
		out           any
		body          []byte
		packed        bool
	}{
		"a page": {"GET", "gzip, deflate, br", Page{}, body, true}, "a page of a failure": {"GET", "gzip", Page{Status: 422}, body, false}, "the answer to a form": {"POST", "gzip", Page{}, body, false},
		"who takes none": {"GET", "", Page{}, body, false}, "who refuses it": {"GET", "gzip;q=0, br", Page{}, body, false}, "who would rather not": {"GET", "br, gzip; q=0.1", HTML(nil), body, true},
		"another word": {"GET", "gzipped", HTML(nil), body, false}, "a short page": {"GET", "gzip", HTML(nil), body[:100], false}, "JSON": {"GET", "gzip", Written(nil), body, false},
		"a font": {"GET", "gzip", Asset{}, body, false}, "a style sheet": {"GET", "gzip", Asset{Packed: Pack(body)}, body, true},
	} {
		r, h := httptest.NewRequest(c.method, "/", nil), http.Header{}
		if c.takes != "" {
			r.Header.Set("Accept-Encoding", c.takes)
		}
		got := pack(r, c.out, c.body, h)
		if (h.Get("Content-Encoding") == "gzip") != c.packed {
			t.Errorf("%s comes as %q", what, h.Get("Content-Encoding"))
		}
		if c.packed {
			plain, err := gzip.NewReader(bytes.NewReader(got))
			if err == nil {
				got, err = io.ReadAll(plain)
			}
			if err != nil || h.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: %v, varies by %q", what, err, h.Get("Vary"))
			}
		}
		if !bytes.Equal(got, c.body) {
			t.Errorf("%s is another one", what)
		}
	}
}
