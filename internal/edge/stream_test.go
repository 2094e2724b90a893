package edge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// streamed is a route whose answer has n parts and ends by err.
func streamed(n int, err error) Route {
	return Get("/stream", Public, func(*Request, None) (Stream, error) {
		i := 0
		return Stream{Media: "text/csv", Name: "x.csv", Next: func(ctx context.Context) ([]byte, error) {
			if _, limited := ctx.Deadline(); !limited {
				return nil, errors.New("a part has no time limit")
			}
			if i == n {
				return nil, err
			}
			i++
			return fmt.Appendf(nil, "part %d\n", i), nil
		}}, nil
	})
}

// A stream is whole, or broken off so that everybody sees it. What fails before
// its first part is answered as any other error.
func TestStream(t *testing.T) {
	gone := credential.Errorf(credential.Unavailable, "no database")
	for name, c := range map[string]streamCase{
		"whole": {3, io.EOF, 200, "part 1\npart 2\npart 3\n", false}, "empty": {0, io.EOF, 200, "", false},
		"fails at once": {0, gone, 503, "unavailable  no database", false}, "fails later": {2, gone, 200, "part 1\npart 2\n", true},
	} {
		for _, operator := range []bool{false, true} {
			var logs *bytes.Buffer
			t.Run(name, func(t *testing.T) { logs = readStream(t, operator, streamed(c.parts, c.ends), c) })
			if told := strings.Contains(logs.String(), "no database"); told != (c.ends == gone) { // its server has ended
				t.Errorf("%s: the log says %s", name, logs)
			}
		}
	}
}

// streamCase is how a stream goes, and what is to come of it.
type streamCase struct {
	parts  int
	ends   error
	status int
	body   string
	broken bool
}

// readStream reads a stream from a server and returns what that logs.
func readStream(t *testing.T, operator bool, route Route, want streamCase) *bytes.Buffer {
	t.Helper()
	url, logs := serve(t, Config{Operator: operator}, route)
	resp, err := http.Get(url + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != want.status || string(body) != want.body || (err != nil) != want.broken {
		t.Errorf("got %d %q: %v", resp.StatusCode, body, err)
	}
	kept := resp.Header.Get("Content-Type") == "text/csv" && resp.Header.Get("Content-Disposition") == `attachment; filename="x.csv"`
	if kept != (want.status == 200) || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got the headers %v", resp.Header)
	}
	return logs
}

// The deadlines that a server sets for whole requests are none of a stream.
func TestStreamOutlivesDeadlines(t *testing.T) {
	cfg := Config{Surfaces: []*Surface{{Routes: []Route{streamed(2, io.EOF)}, Present: FromHeaders, WriteError: WriteProblem}}}
	server := httptest.NewUnstartedServer(New(cfg))
	server.Config.WriteTimeout = time.Nanosecond // has passed before anything is written
	server.Start()
	defer server.Close()
	resp, err := http.Get(server.URL + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "part 1\npart 2\n" {
		t.Errorf("got %q: %v", body, err)
	}
}
