package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/oauth"
	"github.com/gatehouse-dev/gatehouse/internal/openapi"
	"github.com/gatehouse-dev/gatehouse/internal/rest"
)

var update = flag.Bool("update", false, "write the golden files")

const committedDocument = "../../docs/openapi.json"

// documented returns the surfaces that the document is of.
func documented() []*edge.Surface {
	return []*edge.Surface{rest.Surface(nil, nil, nil), oauth.Surface(nil)}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestOpenAPI holds that docs/openapi.json is what the routes say. It tells
// what breaks clients from what doesn't.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	document, err := openapi.Build(documented()...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := document.JSON()
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(committedDocument, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := readFile(t, committedDocument)
	if bytes.Equal(got, want) {
		return
	}
	breaking, others := compareDocuments(t, want, got)
	t.Errorf("docs/openapi.json is not what the routes say. Where the change is wanted, run the test with -update and read the difference.\n"+
		"This breaks clients:\n%s\nThis doesn't:\n%s", lines(breaking), lines(others))
}

func lines(lines []string) string {
	if len(lines) == 0 {
		return "  nothing"
	}
	return "  " + strings.Join(lines, "\n  ")
}

// Every route of the documented surfaces says what it is for and stands in the
// document; what is served is what was committed.
func TestEveryRouteIsDocumented(t *testing.T) {
	t.Parallel()
	var document struct {
		Paths map[string]map[string]struct {
			Summary string `json:"summary"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(readFile(t, committedDocument), &document); err != nil {
		t.Fatal(err)
	}
	routes := 0
	for _, s := range documented() {
		for _, r := range s.Routes {
			routes++
			if document.Paths[r.Pattern][strings.ToLower(r.Method)].Summary == "" {
				t.Errorf("%s %s is not in the document, or has no summary", r.Method, r.Pattern)
			}
		}
	}
	operations := 0
	for _, path := range document.Paths {
		operations += len(path)
	}
	if operations != routes {
		t.Errorf("%d operations of %d routes", operations, routes)
	}
}

// The server serves the document and the page to anybody, and lets them keep both.
func TestDocumentIsServed(t *testing.T) {
	t.Parallel()
	w := newWired(t)
	want := bytes.TrimSpace(readFile(t, committedDocument))
	for path, media := range map[string]string{"/openapi.json": "application/json", "/docs": "text/html; charset=utf-8", "/docs/style.css": "text/css; charset=utf-8"} {
		answer := w.send("GET", path, "Host: gatehouse.test")
		policy := answer.Header.Get("Content-Security-Policy")
		if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != media || answer.Header.Get("Cache-Control") != "public, max-age=3600" ||
			(path != "/openapi.json") != strings.HasPrefix(policy, "default-src 'none'; style-src 'self'") {
			t.Errorf("%s: got %d with %v", path, answer.StatusCode, answer.Header)
		}
		if path == "/openapi.json" && answer.ContentLength != int64(len(want)) {
			t.Errorf("%s has %d bytes, the committed one %d", path, answer.ContentLength, len(want))
		}
	}
}

// TestOpenAPILint lets a linter that others wrote judge the document by its
// recommended rules.
func TestOpenAPILint(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("node", filepath.Join(os.Getenv("GATEHOUSE_TEST_NODE_MODULES"), "@redocly/cli/bin/cli.js"), "lint", "--format=json", committedDocument)
	cmd.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var verdict struct {
		Totals   *struct{ Errors, Warnings int }
		Problems []struct {
			Message, RuleID string
			Location        []struct{ Pointer string }
		}
	}
	if bad := json.Unmarshal(out, &verdict); bad != nil || verdict.Totals == nil {
		t.Fatalf("the linter didn't run: %v (where node or the linter is missing, run make test)\n%s%s", err, out, stderr.String())
	}
	for _, p := range verdict.Problems {
		t.Errorf("%s: %s %v", p.RuleID, p.Message, p.Location)
	}
	if *verdict.Totals != (struct{ Errors, Warnings int }{}) || err != nil {
		t.Errorf("got %+v, %v, want none", *verdict.Totals, err)
	}
}
