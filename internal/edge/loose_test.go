package edge

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// A loose surface passes over what a call doesn't know; any other refuses it.
func TestLooseSurfacesPassOverWhatTheyDontKnow(t *testing.T) {
	t.Parallel()
	type body struct {
		Name string `json:"name"`
	}
	type echo struct {
		Name string `json:"name"`
		Page string `json:"page"`
	}
	routes := []Route{Post("/echo", Public, 1<<10, func(r *Request, in body) (echo, error) { return echo{in.Name, r.Param("page")}, nil }).Takes("page")}
	cfg := storetest.SQLite(t)
	known := authority.New(authority.Config{Store: storetest.Open(t, cfg), Schemes: cfg.Schemes})
	urls := map[bool]string{}
	for _, loose := range []bool{true, false} {
		server := httptest.NewServer(New(Config{Authority: known, Surfaces: []*Surface{{Routes: routes, Present: FromHeaders, WriteError: WriteProblem, Loose: loose, Nulls: true}}}))
		t.Cleanup(server.Close)
		urls[loose] = server.URL + "/echo"
	}
	for _, c := range []struct{ query, body, want string }{
		{"", `{"name":"a","other":[{"deep":null}]}`, `{"name":"a","page":""}`},
		{"?page=1&page=2&other=x&empty=", `{"name":"a"}`, `{"name":"a","page":"1"}`},
		{"?page=%FF", `{"name":"a"}`, `{"name":"a","page":""}`},
		{"", `{"name":"a","name":"b"}`, `{"name":"b","page":""}`},
		{"", `{"name":"half \ud83d"}`, `{"name":"half ` + "\uFFFD" + `","page":""}`},
	} {
		resp, got := send(t, "POST", urls[true]+c.query, c.body, "Content-Type", "application/json; charset=UTF-8")
		if resp.StatusCode != 200 || got != c.want {
			t.Errorf("%s %s: got %d %s, want %s", c.query, c.body, resp.StatusCode, got, c.want)
		}
		if resp, got := send(t, "POST", urls[false]+c.query, c.body, "Content-Type", "application/json"); resp.StatusCode < 400 || resp.StatusCode > 422 {
			t.Errorf("%s %s: a strict surface answers %d %s", c.query, c.body, resp.StatusCode, got)
		}
	}
	for query, body := range map[string]string{"?api_key=x": `{}`, "": `{"name":{}}`, "?page=1": `[`} {
		if resp, got := send(t, "POST", urls[true]+query, body, "Content-Type", "application/json"); resp.StatusCode < 400 || resp.StatusCode > 422 {
			t.Errorf("%s %s: got %d %s", query, body, resp.StatusCode, got)
		}
	}
}

// A form that names its text lets off what programs send beside it.
func TestFormsThatAreLetOffEasily(t *testing.T) {
	t.Parallel()
	in := Intake{Files: artifact.New(artifact.Config{Directory: t.TempDir(), Most: 1 << 10, Spare: 1}), Text: "text", Most: 2 << 10, Count: 3}
	type seen struct {
		Text  string `json:"text"`
		Files string `json:"files"`
		Empty string `json:"empty"`
	}
	take := func(_ *Request, u *Upload) (seen, error) {
		names := ""
		for _, f := range u.Files {
			names += f.Field + "=" + f.Name + " "
		}
		return seen{u.Form.Get("text"), names, strings.Join(u.Empty, " ")}, nil
	}
	server := httptest.NewServer(New(Config{Surfaces: []*Surface{{Routes: []Route{Uploads("/", Public, in, take)}, Present: FromHeaders, WriteError: WriteProblem}}}))
	t.Cleanup(server.Close)
	const media = "multipart/form-data; boundary=b"
	part := func(disposition, content string) string {
		return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + content + "\r\n"
	}
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{part(`name="text"; filename="blob"`, "hello") + part(`name="file"; filename="a "b".txt"`, "x"), 200, `{"text":"hello","files":"file=a \"b\".txt ","empty":""}`},
		{part(`name="file"; filename="dir/a"`, "x") + part(`name="file"; filename="none"`, ""), 200, `{"text":"","files":"file=a ","empty":"none"}`},
		{strings.Repeat(part(`name="file"; filename="a"`, "x"), 4), 400, "at most 3 files"},
		{part(`name="file"; filename="a"`, strings.Repeat("x", 1<<10+1)), 413, "1024"},
		{strings.Repeat(part(`name="file"; filename="a"`, strings.Repeat("x", 1<<10-1)), 2), 413, "2048"},
	} {
		if resp, got := send(t, "POST", server.URL+"/", c.body+"--b--\r\n", "Content-Type", media); resp.StatusCode != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%.60s: got %d %s, want %d %s", c.body, resp.StatusCode, got, c.status, c.want)
		}
	}
}
