package edge

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// A page says what it is and what may run on it, whatever is in it; only what
// the table says so is kept.
func TestPages(t *testing.T) {
	url, _ := serve(t, Config{},
		Get("/page", Public, func(*Request, None) (HTML, error) { return HTML("<script>1</script>"), nil }),
		Get("/style", Public, func(*Request, None) (Stylesheet, error) { return Stylesheet("a{}"), nil }).Kept(time.Minute),
		Get("/written", Public, func(*Request, None) (Written, error) { return Written(`{"a":"<b>"}`), nil }),
		Get("/refused", Public, func(*Request, None) (HTML, error) {
			return HTML("<p>"), credential.Errorf(credential.Forbidden, "no")
		}))
	const policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	for path, want := range map[string][4]string{
		"/page":    {"text/html; charset=utf-8", "no-store", policy, "no-referrer"},
		"/style":   {"text/css; charset=utf-8", "public, max-age=60", policy, "no-referrer"},
		"/written": {"application/json", "no-store", "", ""},
		"/refused": {"text/plain; charset=utf-8", "no-store", "", ""}, // by this test's own WriteError
	} {
		answer, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		h := answer.Header
		got := [4]string{h.Get("Content-Type"), h.Get("Cache-Control"), h.Get("Content-Security-Policy"), h.Get("Referrer-Policy")}
		if got != want || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// Failures follow from the line of a route, in the words of its surface.
func TestRouteFailures(t *testing.T) {
	nothing := func(*Request, None) (empty, error) { return empty{}, nil }
	body := func(*Request, empty) (empty, error) { return empty{}, nil }
	s := &Surface{WriteError: WriteProblem}
	for name, c := range map[string]struct {
		route Route
		want  []int
	}{
		"steady":      {Get("/a", Public, nothing).Steady(), []int{400}},
		"public":      {Get("/a", Public, nothing), []int{400, 503}},
		"a query":     {Get("/a", Public, nothing).Takes("limit"), []int{400, 422, 503}},
		"protected":   {Get("/a", Authenticated, nothing), []int{400, 401, 403, 404, 429, 503}},
		"or needs":    {Get("/a", Public, nothing).OrNeeds("a:b"), []int{400, 401, 403, 404, 429, 503}},
		"no body":     {Post("/a", Public, 0, nothing), []int{400, 413, 503, 507}},
		"a body":      {Post("/a", Needs("a:b"), 9, body), []int{400, 401, 403, 404, 409, 413, 415, 422, 429, 503, 507}},
		"only reads":  {Post("/a", Public, 9, body).Reads(), []int{400, 413, 415, 422, 503}},
		"takes a key": {Post("/a", Public, 9, body).Named("a", "b", credential.InProgress), []int{400, 409, 413, 415, 422, 503, 507}},
		"by address":  {Get("/a", Public, nothing).LimitedByAddress(), []int{400, 429, 503}},
		"a form":      {Form("/a", Public, 9, func(*Request, Values) (empty, error) { return empty{}, nil }), []int{400, 413, 415, 503, 507}},
	} {
		var got []int
		for _, f := range s.Failures(c.route) {
			if f.Code == "" || f.Media != "application/problem+json" {
				t.Errorf("%s: %+v is no problem", name, f)
			}
			if len(got) == 0 || got[len(got)-1] != f.Status {
				got = append(got, f.Status)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

// A route that opens to no permission opens to nobody.
func TestIdentifyNeedsAPermission(t *testing.T) {
	identify := func(r *Request, _ None) (empty, error) { return empty{}, r.Identify() }
	url, _ := serve(t, Config{}, Get("/open", Public, identify), Get("/closed", Public, identify).OrNeeds(credential.CredentialsVerify))
	for _, path := range []string{"/open", "/closed"} {
		if status, body := get(t, url+path, nil); status != http.StatusUnauthorized {
			t.Errorf("%s: got %d %s, want 401", path, status, body)
		}
	}
}
