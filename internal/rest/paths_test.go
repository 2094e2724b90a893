package rest_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// wire sends bytes as they are and reads one answer, so that nothing on this
// side of the connection tidies them up.
func (w *world) wire(t testing.TB, text string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%.80q: %v", text, err)
	}
	defer resp.Body.Close()
	var body strings.Builder
	_, _ = bufio.NewReader(resp.Body).WriteTo(&body)
	return answer{resp.StatusCode, resp.Header, []byte(body.String())}
}

// line is a request without a body, whose target is sent as it is.
func (w *world) line(t testing.TB, method, target, secret string) answer {
	t.Helper()
	return w.wire(t, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: gatehouse.test\r\nAuthorization: Bearer %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", method, target, secret))
}

func TestS1_TwinsOfAPathAreNotFound(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	for _, r := range w.edge.Routes() {
		path := harmless(t, w, r).path
		cut := strings.LastIndex(path, "/")
		twins := map[string]string{
			"trailing slash":    path + "/",
			"doubled slash":     path[:cut] + "/" + path[cut:],
			"leading slashes":   "/" + path,
			"dot segment":       path[:cut] + "/." + path[cut:],
			"dot at the end":    path + "/.",
			"dots":              "/x/.." + path,
			"dots at the end":   path + "/x/..",
			"encoded dots":      "/x/%2e%2e" + path,
			"encoded dot":       "/%2e" + path,
			"encoded slash":     path + "%2f",
			"encoded slash, 2F": path[:cut+1] + "%2F" + path[cut+1:],
			"encoded letter":    path[:cut+1] + fmt.Sprintf("%%%02x", path[cut+1]) + path[cut+2:],
			"backslash":         path + "\\x",
			"json":              path + ".json",
			"upper case":        strings.ToUpper(path),
			"parameter":         path + ";a=b",
			"NUL":               path + "%00",
			"space":             path + "%20",
		}
		for name, twin := range twins {
			a := w.line(t, r.Method, twin, w.secrets["owner"])
			// After a wildcard for a user stands another address. It is refused for what it is, or the act is before it is
			// looked at; spaces around an address are no part of it.
			if strings.HasSuffix(r.Pattern, "{user}") && (a.status == http.StatusUnprocessableEntity || a.status == http.StatusForbidden || name == "space") {
				continue
			}
			if strings.HasSuffix(r.Pattern, "{upload}") && name == "json" && a.status == http.StatusUnprocessableEntity {
				continue // a name like any other
			}
			if a.status != http.StatusNotFound {
				t.Errorf("%s: %s %s: got %d %s, want 404", name, r.Method, twin, a.status, a.body)
			}
			checkAnswer(t, request{method: r.Method, path: twin}, a)
		}
	}
}

func TestS1_OtherMethods(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	allowed := map[string][]string{}
	for _, r := range w.edge.Routes() {
		path := harmless(t, w, r).path
		allowed[path] = append(allowed[path], r.Method)
	}
	before := w.checksum(t)
	for path, methods := range allowed {
		want := []string{}
		for _, m := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
			if slices.Contains(methods, m) || m == "HEAD" && slices.Contains(methods, "GET") {
				want = append(want, m)
			}
		}
		for _, m := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "get", "post", "FOO"} {
			if slices.Contains(want, m) {
				continue
			}
			r := request{method: m, path: path, as: "owner", header: http.Header{"X-Http-Method-Override": {"GET"}}}
			a := w.do(t, r)
			if got := a.header.Get("Allow"); a.status != http.StatusMethodNotAllowed || got != strings.Join(want, ", ") {
				t.Errorf("%s %s: got %d, Allow %q; want 405, Allow %q", m, path, a.status, got, strings.Join(want, ", "))
			}
		}
	}
	if after := w.checksum(t); after != before {
		t.Errorf("something was changed:\n%s", difference(before, after))
	}
}

// A HEAD is a GET without the body (RFC 9110 section 9.3.2), credential and
// all; it is no way around anything.
func TestS1_HeadIsGet(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	for _, r := range w.edge.Routes() {
		if r.Method != http.MethodGet {
			continue
		}
		for _, as := range []string{"", "owner", "guest", "token", "far"} {
			path := harmless(t, w, r).path
			get, head := w.do(t, request{method: "GET", path: path, as: as}), w.do(t, request{method: "HEAD", path: path, as: as})
			if get.status != head.status || len(head.body) != 0 {
				t.Errorf("%s as %q: HEAD got %d with %d bytes, GET %d", path, as, head.status, len(head.body), get.status)
			}
		}
	}
}

func TestO15_NoTargetRedirects(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	for _, target := range []string{
		"/", "//", "/v1", "/v1/", "/v1/self/", "/v1//self", "//v1/self", "//evil.test/v1/self", "/./v1/self", "/v1/../v1/self", "/v1/self/..",
		"/v1/%2e%2e/self", "/v1%2fself", "/v1/self?", "/v1/self?/", "/v1/self#x", "/index.html", "/v1/index.html", "/favicon.ico", "/.well-known/x",
		"http://gatehouse.test/v1/self", "http://evil.test//v1/self", "http://gatehouse.test", "*", "/%", "/v1/credentials/", "/v1/credentials//", "/v1/self%00", "/v1/self%0d%0aX:%20y",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "CONNECT"} {
			a := w.line(t, method, target, w.secrets["owner"])
			if a.status >= 300 && a.status < 400 || a.header.Get("Location") != "" {
				t.Errorf("%s %s: got a redirect %d to %q", method, target, a.status, a.header.Get("Location"))
			}
			if a.status >= 500 && a.status != http.StatusNotImplemented {
				t.Errorf("%s %s: got %d %s", method, target, a.status, a.body)
			}
		}
	}
	checkNoSecrets(t, w)
}
