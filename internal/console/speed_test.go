package console_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// mostTransferred bounds a page with all that it loads, in bytes.
const mostTransferred = 150_000

var (
	linked = regexp.MustCompile(`(?:href|action)="(/console/[^"#]*)"`)
	loaded = regexp.MustCompile(`(?:href|src)="(/console/assets/[^"]*)"`)
	inCSS  = regexp.MustCompile(`url\("([^"]*)"\)`)
)

// fetched is a body as it was sent, and as it is.
type fetched struct {
	sent   int
	header http.Header
	status int
	text   string
}

// fetch loads something as a browser does, which takes gzip.
func (s *site) fetch(method, path, form string) fetched {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(form))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip, deflate, br")
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", s.url)
	}
	got, err := s.browser.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	out := fetched{len(body), got.Header, got.StatusCode, string(body)}
	if got.Header.Get("Content-Encoding") == "gzip" {
		plain, err := gzip.NewReader(strings.NewReader(out.text))
		if err == nil {
			body, err = io.ReadAll(plain)
		}
		if err != nil {
			s.t.Fatal(err)
		}
		out.text = string(body)
	}
	return out
}

// Every page that a link leads to, with all that it loads, is small; what belongs
// to pages is packed once and kept for good, and what may hold a secret is not
// packed at all.
func TestPagesAreSmall(t *testing.T) {
	s := run(t, storetest.SQLite(t), "http://127.0.0.1:8080")
	s.enter("ada@example.test")
	assets, largest := map[string]int{}, 0
	asset := func(path string) int {
		if assets[path] == 0 {
			a := s.fetch("GET", path, "")
			assets[path] = a.sent
			if a.status != 200 || a.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
				t.Errorf("%s is %d and may be kept %q", path, a.status, a.header.Get("Cache-Control"))
			}
			if packs := !strings.HasSuffix(path, ".woff2") && !strings.HasSuffix(path, ".svg"); packs != (a.header.Get("Content-Encoding") == "gzip" && a.header.Get("Vary") == "Accept-Encoding") {
				t.Errorf("%s comes as %q", path, a.header.Get("Content-Encoding"))
			}
			if strings.HasSuffix(path, ".css") {
				for _, m := range inCSS.FindAllStringSubmatch(a.text, -1) {
					font := path[:strings.LastIndex(path, "/")+1] + m[1]
					assets[font] = s.fetch("GET", font, "").sent
					assets[path] += assets[font]
				}
			}
		}
		return assets[path]
	}
	seen, queue := map[string]bool{}, []string{"/console/", "/console/sign-in"}
	for len(queue) > 0 && len(seen) < 200 {
		path := queue[0]
		queue = queue[1:]
		if route, _, _ := strings.Cut(path, "?"); seen[route] || strings.Contains(path, "/assets/") || strings.Contains(route, "/export.") {
			continue
		} else {
			seen[route] = true
		}
		page := s.fetch("GET", path, "")
		if page.status != 200 { // of a form that has no page of its own
			continue
		}
		total := page.sent
		var parts []string
		for _, m := range loaded.FindAllStringSubmatch(page.text, -1) {
			if !strings.HasSuffix(m[1], ".woff2") && !slices.Contains(parts, m[1]) { // which the style sheet names
				parts = append(parts, m[1])
				total += asset(m[1])
			}
		}
		if largest = max(largest, total); total > mostTransferred || total < 50_000 || page.header.Get("Content-Encoding") != "gzip" || page.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s takes %d bytes, as %q, kept %q", path, total, page.header.Get("Content-Encoding"), page.header.Get("Cache-Control"))
		}
		for _, m := range linked.FindAllStringSubmatch(page.text, -1) {
			queue = append(queue, strings.ReplaceAll(m[1], "&amp;", "&"))
		}
	}
	if len(seen) < 8 {
		t.Errorf("only %d pages were found", len(seen))
	}
	t.Logf("%d pages, the largest takes %d bytes", len(seen), largest)

	keys := s.pages() + "/keys"
	one, two := s.get(keys+"/new"), s.get(keys+"/new")
	if fill(one).Get("form") == fill(two).Get("form") {
		t.Error("two pages carry one form token")
	}
	form := fill(one, "name", "CI", "mode", "live", "access", "read", "expires", "30")
	form.Set("form", fill(two).Get("form"))
	made := s.fetch("POST", keys, form.Encode())
	if made.status != 200 || !strings.Contains(made.text, "bsk_live_") || made.header.Get("Content-Encoding") != "" {
		t.Errorf("the page of a secret is %d, packed %q", made.status, made.header.Get("Content-Encoding"))
	}
	for _, token := range []string{"", "x", strings.Repeat("A", 43), form.Get("form")[:22], form.Get("form") + "A"} {
		form.Set("form", token)
		s.shows("the form token "+token, s.post(keys, form), 403)
	}
}
