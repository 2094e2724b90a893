package edge

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// uploads is a server that takes files of at most 1 KiB, keeps those of a field
// called file, and hands out what was kept last. A whole request has so long.
func uploads(t *testing.T, deadline time.Duration) (url, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "artifacts")
	files := artifact.New(artifact.Config{Directory: dir, Most: 1 << 10, Spare: 1})
	var last UploadedFile
	take := func(r *Request, u *Upload) (map[string]string, error) {
		if _, limited := r.Context().Deadline(); !limited {
			t.Error("what is done with an upload has no time limit")
		}
		out := map[string]string{"title": u.Form.Get("title"), "files": fmt.Sprint(len(u.Files))}
		for _, f := range u.Files {
			if f.Field == "file" || f.Field == "" {
				last = f
				if err := f.Keep(time.Now()); err != nil {
					return nil, err
				}
			}
		}
		return out, nil
	}
	admit := func(r *Request) error {
		if r.Header.Get("X-Stranger") != "" {
			return credential.Errorf(credential.Forbidden, "not you")
		}
		return nil
	}
	routes := []Route{
		Uploads("/upload", Public, Intake{Files: files, Admit: admit}, take).Creates(),
		Uploads("/raw", Public, Intake{Files: files, Raw: true}, take).By(http.MethodPut),
		Get("/file/{name...}", Public, func(r *Request, _ None) (File, error) {
			content, err := files.Open(last.Sum, last.Size)
			return File{Name: artifact.Name(last.Name), Type: last.Type, Tag: last.Sum.String(), At: time.Unix(1e9, 0), Content: content}, err
		}),
	}
	server := httptest.NewUnstartedServer(New(Config{Surfaces: []*Surface{{Routes: routes, Present: FromHeaders, WriteError: WriteProblem}}}))
	server.Config.ReadTimeout, server.Config.WriteTimeout = deadline, deadline
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, dir
}

// parts writes a form: names and values by turns. A name with a : has the name
// of a file behind it.
func parts(t *testing.T, fields ...string) (body, media string) {
	t.Helper()
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	for i := 0; i < len(fields); i += 2 {
		field, name, file := strings.Cut(fields[i], ":")
		part, err := form.CreateFormField(field)
		if file {
			part, err = form.CreateFormFile(field, name)
		}
		if err == nil {
			_, err = io.WriteString(part, fields[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String(), form.FormDataContentType()
}

// send makes a call, and returns what came back.
func send(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// count counts the files below a directory.
func count(t *testing.T, dir string) (n int) {
	t.Helper()
	for _, pattern := range []string{"staged/*", "??/*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		n += len(found)
	}
	return n
}

// What is wrong with an upload is told, and nothing of it stays.
func TestF2_UploadsLeaveNothing(t *testing.T) {
	t.Parallel()
	url, dir := uploads(t, time.Minute)
	large := strings.Repeat("x", 1<<10+1)
	good, media := parts(t, "title", "x", "file:a.txt", "y")
	many := make([]string, 0, 22)
	for range 11 {
		many = append(many, "other:a.txt", "x")
	}
	form := func(fields ...string) [2]string {
		body, media := parts(t, fields...)
		return [2]string{body, media}
	}
	for name, c := range map[string]struct {
		sent   [2]string
		status int
		part   string
	}{
		"a file that is too large":   {form("file:a.txt", large), 413, "1024 bytes"},
		"files that are too large":   {form("file:a.txt", large[:1000], "file:b.txt", strings.Repeat("y", 1<<19)), 413, "bytes"},
		"fields that are too large":  {form("file:a.txt", "x", "title", strings.Repeat("x", mostFields+1)), 413, "fields"},
		"too many files":             {form(many...), 400, "10 files"},
		"an empty file":              {form("file:a.txt", ""), 422, "empty"},
		"a good file and an empty":   {form("other:a.txt", "x", "file:b.txt", ""), 422, "empty"},
		"a body that is cut off":     {[2]string{good[:len(good)-20], media}, 400, "ended too early"},
		"a body that is cut in two":  {[2]string{good[:len(good)/2], media}, 400, "ended too early"},
		"no body":                    {[2]string{"", media}, 400, "ended too early"},
		"a boundary that isn't said": {[2]string{good, "multipart/form-data"}, 400, "form"},
		"what is no form":            {[2]string{good, "text/plain"}, 415, "multipart"},
		"a file in no field":         {form(":a.txt", "x"), 201, ""},
		"a field of another name":    {form("other:a.txt", "x"), 201, ""},
	} {
		before := 0
		if name == "a file in no field" {
			before = 1
		}
		resp, text := send(t, "POST", url+"/upload", c.sent[0], "Content-Type", c.sent[1])
		if resp.StatusCode != c.status || !strings.Contains(text, c.part) {
			t.Errorf("%s: got %d %.300s, want %d with %q", name, resp.StatusCode, text, c.status, c.part)
		}
		if n := count(t, dir); n != before {
			t.Errorf("%s leaves %d files", name, n)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	if resp, text := send(t, "POST", url+"/upload", good, "Content-Type", media, "X-Stranger", "1"); resp.StatusCode != 403 || count(t, dir) != 0 {
		t.Errorf("a stranger: got %d %s", resp.StatusCode, text)
	}
	for _, body := range []string{large, ""} {
		if resp, text := send(t, "PUT", url+"/raw", body); resp.StatusCode/100 != 4 || count(t, dir) != 0 {
			t.Errorf("%d bytes: got %d %s", len(body), resp.StatusCode, text)
		}
	}
}

// What was uploaded is handed out so that nothing in it runs in a browser.
func TestF1_FilesRunNowhere(t *testing.T) {
	t.Parallel()
	url, _ := uploads(t, time.Minute)
	for name, c := range map[string]struct{ name, content, media, disposition string }{
		"a picture":               {"shot.png", "\x89PNG\r\n\x1a\n<script>", "image/png", `inline; filename=shot.png`},
		"a page":                  {"page.html", "<html><script>alert(1)</script>", "text/plain; charset=utf-8", `attachment; filename=page.html`},
		"a drawing":               {"x.svg", `<svg xmlns="http://www.w3.org/2000/svg" onload="x"/>`, "text/plain; charset=utf-8", `attachment; filename=x.svg`},
		"a page called a picture": {"x.png", "<html>", "text/plain; charset=utf-8", `attachment; filename=x.png`},
		"a program":               {"a\"b;\r\n\u202eexe.txt", "MZ\x00", "application/octet-stream", `attachment; filename="a\"b; exe.txt"`},
		"a name of letters":       {"Größe.txt", "x", "text/plain; charset=utf-8", `attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.txt`},
	} {
		body, media := parts(t, "title", "x", "file:"+c.name, c.content)
		body = strings.Replace(body, "%0D%0A", "\r\n ", 1) // as only who means ill writes it
		if resp, text := send(t, "POST", url+"/upload", body, "Content-Type", media); resp.StatusCode != 201 || !strings.Contains(text, `"files":"1"`) || !strings.Contains(text, `"title":"x"`) {
			t.Fatalf("%s: got %d %s", name, resp.StatusCode, text)
		}
		resp, text := send(t, "GET", url+"/file/x.html", "")
		want := map[string]string{"Content-Type": c.media, "Content-Disposition": c.disposition, "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'", "Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control": "private, no-cache", "Accept-Ranges": "bytes", "Referrer-Policy": "no-referrer"}
		for header, value := range want {
			if got := resp.Header.Get(header); got != value {
				t.Errorf("%s: %s is %s, want %s", name, header, got, value)
			}
		}
		if resp.StatusCode != 200 || text != c.content {
			t.Errorf("%s: got %d %q", name, resp.StatusCode, text)
		}
	}
}

// late is nothing, for a while.
type late struct{}

// Read implements io.Reader.
func (late) Read([]byte) (int, error) {
	<-time.After(400 * time.Millisecond)
	return 0, io.EOF
}

// A part of a file, and one that is known already. The deadlines that a server
// sets for whole requests are none of files.
func TestFilesInParts(t *testing.T) {
	t.Parallel()
	url, _ := uploads(t, 200*time.Millisecond)
	slow := io.MultiReader(strings.NewReader("01234"), late{}, strings.NewReader("56789"))
	req, err := http.NewRequestWithContext(t.Context(), "PUT", url+"/raw", slow)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err != nil || resp.Body.Close() != nil || resp.StatusCode != 200 {
		t.Fatalf("got %v: %v", resp, err)
	}
	whole, _ := send(t, "GET", url+"/file/", "")
	for name, c := range map[string]struct {
		method string
		header []string
		status int
		body   string
	}{
		"a part":         {"GET", []string{"Range", "bytes=2-4"}, 206, "234"},
		"the end":        {"GET", []string{"Range", "bytes=-2"}, 206, "89"},
		"beyond it":      {"GET", []string{"Range", "bytes=20-"}, 416, "invalid range: failed to overlap\n"},
		"known":          {"GET", []string{"If-None-Match", whole.Header.Get("ETag")}, 304, ""},
		"another":        {"GET", []string{"If-Range", `"x"`, "Range", "bytes=2-4"}, 200, "0123456789"},
		"the head alone": {"HEAD", nil, 200, ""},
	} {
		resp, text := send(t, c.method, url+"/file/", "", c.header...)
		if resp.StatusCode != c.status || text != c.body {
			t.Errorf("%s: got %d %q, want %d %q", name, resp.StatusCode, text, c.status, c.body)
		}
	}
}

// A form that a cookie lets in comes from a page of this server, and says so.
func TestL12_UploadedForms(t *testing.T) {
	t.Parallel()
	take := func(*Request, *Upload) (Nothing, error) { return Nothing{}, nil }
	routes := []Route{Uploads("/upload", Public, Intake{Files: artifact.New(artifact.Config{Directory: t.TempDir(), Most: 1 << 10, Spare: 1})}, take)}
	server := New(Config{Surfaces: []*Surface{{Routes: routes, Present: FromHeaders, WriteError: WriteProblem, Browser: true}}})
	const parts, form, object = "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/json"
	for _, c := range []struct {
		media, header, value string
		want                 int
	}{
		{parts, "", "", 403}, {form, "", "", 403}, {object, "", "", 204}, {parts, "Origin", "http://example.com", 204}, {parts, "Origin", "http://evil.example", 403},
		{parts, "Origin", "null", 403}, {parts, "Sec-Fetch-Site", "same-origin", 204}, {parts, "Sec-Fetch-Site", "same-site", 403}, {parts, "Authorization", "Bearer x", 204},
	} {
		body := map[string]string{parts: "--x--\r\n", form: "a=b", object: "{}"}[c.media]
		r := httptest.NewRequest("POST", "http://example.com/upload", strings.NewReader(body))
		r.Header.Set("Content-Type", c.media)
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		w := httptest.NewRecorder()
		if server.ServeHTTP(w, r); w.Code != c.want {
			t.Errorf("%s with %s %s: got %d %s, want %d", c.media, c.header, c.value, w.Code, w.Body, c.want)
		}
	}
}
