package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

const legacySecret = "legacy/0123456789+abcdefghij=="

// A credential of another system verifies as ours do, wherever a secret may
// be presented, and is rotated into a secret of its scheme.
func TestImportedCredentialIsPresented(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		report, err := w.as("owner").Credentials().Import(t.Context(), "1", []api.ImportLine{
			{Secret: legacySecret, Scheme: "gatehouse_key", Name: "Legacy", Scopes: []string{"organization:read", "credentials:write"}},
		}, client.ImportOptions{})
		if err != nil || report.Imported != 1 || report.DryRun || report.Lines[0].Line != 1 {
			t.Fatalf("import: got %+v, %v", report, err)
		}
		for name, header := range map[string]http.Header{"bearer": {"Authorization": {"Bearer " + legacySecret}}, "header": {"X-Api-Key": {legacySecret}}} {
			var self api.Self
			w.do(t, request{method: "GET", path: "/v1/self", header: header}).decode(t, &self)
			if self.Credential == nil || self.Credential.ID != report.Lines[0].Credential || self.Credential.Hint != "imported" {
				t.Errorf("%s: got %+v", name, self)
			}
		}
		for _, value := range []string{legacySecret, "Basic " + legacySecret, "FormUser " + legacySecret} {
			if a := w.do(t, request{method: "GET", path: "/v1/self", header: authorization(value)}); a.status != 401 {
				t.Errorf("Authorization: %.8s…: got %d", value, a.status)
			}
		}
		secret := legacySecret
		d, err := w.operator.Verify(t.Context(), api.Verify{Credential: &secret})
		if err != nil || d.Code != "ok" || d.Credential.Scheme != "gatehouse_key" || d.Organization != w.acme.ID {
			t.Errorf("verify: got %+v, %v", d, err)
		}
		fresh, err := client.New(w.url, legacySecret, nil).Self().Rotate(t.Context(), api.RotateCredential{}, "")
		if err != nil || !strings.HasPrefix(fresh.Secret, "gate_") {
			t.Errorf("rotate: got %s, %v", fresh.Hint, err)
		}
		if err := w.operator.RevokeSecret(t.Context(), legacySecret); err != nil {
			t.Error(err)
		}
		if a := w.do(t, request{method: "GET", path: "/v1/self", header: authorization("Bearer " + fresh.Secret)}); a.status != 401 {
			t.Errorf("after it was revoked: got %d", a.status)
		}
		if strings.Contains(w.logs.String(), legacySecret) {
			t.Error("the log holds the secret")
		}
	})
}

// Each line is answered for itself and by its number, and no answer repeats a
// secret, wherever in a line it stands.
func TestImportLines(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	good := func(n int) string {
		return fmt.Sprintf(`{"scheme":"gatehouse_key","sha256":"%064x","name":"n","scopes":["projects:read"]}`, n+1)
	}
	wrong := []struct{ line, code, field string }{
		{`not JSON ` + legacySecret, "bad_request", ""},
		{`["` + legacySecret + `"]`, "bad_request", ""},
		{`{"secret":"` + legacySecret + `"`, "bad_request", ""},
		{`{"` + legacySecret + `":1}`, "bad_request", "…"},
		{`{"name":"a","name":"` + legacySecret + `"}`, "bad_request", ""},
		{`{"secret":null}`, "invalid", "secret"},
		{`{"secret":["` + legacySecret + `"]}`, "invalid", "secret"},
		{`{"name":"n","secret":"` + legacySecret + `"}`, "invalid", "scheme"},
		{`{"scheme":"gatehouse_key","name":"n","sha256":"` + legacySecret + `"}`, "invalid", "sha256"},
		{`{"scheme":"gatehouse_key","name":"n","secret":"` + legacySecret + ` "}`, "invalid", "secret"},
		{`{"scheme":"gatehouse_key","name":"n","secret":"` + legacySecret + `"}`, "invalid", "scopes"},
		{`{"scheme":"gatehouse_key","name":"n","secret":"` + legacySecret + `","scopes":["` + legacySecret + `"]}`, "invalid", "scopes"},
		{`{"name":"n","secret":"` + legacySecret + `","scheme":"` + legacySecret + `"}`, "invalid", "scheme"},
		{`{"name":"n","secret":"` + legacySecret + `","scheme":"betahub_pat","user":"` + legacySecret + `"}`, "invalid", "user"},
		{`{"name":"n","secret":"` + legacySecret + `","scheme":"onetest_key","project":"PRJ-1","expires_in":"` + legacySecret + `"}`, "invalid", "expires_in"},
		{`{"scheme":"gatehouse_key","name":"n","secret":"` + legacySecret + `","scopes":["projects:read"],"allowed_addresses":["` + legacySecret + `"]}`, "invalid", "allowed_addresses"},
		{`{"scheme":"gatehouse_key","name":"n","secret":"` + legacySecret + `","scopes":["projects:read"],"organization":"1"}`, "bad_request", "organization"},
	}
	body := good(0) + "\r\n\n"
	for _, line := range wrong {
		body += line.line + "\n"
	}
	a := w.do(t, request{method: "POST", path: "/v1/organizations/1/import", as: "owner", body: body + good(1)})
	var report api.ImportReport
	a.decode(t, &report)
	if report.Imported != 2 || report.Refused != len(wrong) || len(report.Lines) != len(wrong)+2 {
		t.Fatalf("got %s", a.body)
	}
	if last := report.Lines[len(wrong)+1]; last.Line != len(wrong)+3 || last.Result != "imported" {
		t.Errorf("the last line: got %+v", last)
	}
	for i, want := range wrong {
		if got := report.Lines[i+1]; got.Line != i+3 || got.Result != "refused" || got.Code != want.code || got.Field != want.field || got.Detail == "" {
			t.Errorf("%s: got %+v, want %s for %q", want.line, got, want.code, want.field)
		}
	}
	if strings.Contains(string(a.body), legacySecret) || strings.Contains(w.logs.String(), legacySecret) {
		t.Error("the answer or the log holds a secret")
	}
}

func TestD12_ImportIsBounded(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	before := w.checksum(t)
	posting := func(body any) request {
		return request{method: "POST", path: "/v1/organizations/1/import", as: "owner", body: body}
	}
	typed := posting("{}")
	typed.header = http.Header{"Content-Type": {"application/json"}}
	for name, c := range map[string]struct {
		request
		status int
	}{
		"another content type": {typed, 415},
		"nothing":              {posting(""), 400},
		"blank lines":          {posting("\n \r\n\n"), 400},
		"a line too many":      {posting(strings.Repeat("{}\n", edge.MaxLines+1)), 413},
		"a line too long":      {posting(`{"name":"` + strings.Repeat("x", edge.MaxLine) + `"}`), 413},
		"cut off":              {posting(endless{strings.NewReader(strings.Repeat("{}\n", 1<<20))}), 413},
	} {
		if a := w.do(t, c.request); a.status != c.status {
			t.Errorf("%s: got %d %s, want %d", name, a.status, a.body, c.status)
		}
	}
	for _, query := range []string{"?dry_run=yes", "?all_or_nothing=1"} {
		if a := w.do(t, request{method: "POST", path: "/v1/organizations/1/import" + query, as: "owner", body: "{}", header: http.Header{"Content-Type": {edge.LinesMedia}}}); a.status != 422 {
			t.Errorf("%s: got %d %s", query, a.status, a.body)
		}
	}
	if after := w.checksum(t); after != before {
		t.Errorf("something was changed:\n%.2000s", difference(before, after))
	}
}
