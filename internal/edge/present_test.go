package edge

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

func TestFromHeaders(t *testing.T) {
	authorization := func(lines ...string) http.Header { return http.Header{"Authorization": lines} }
	malformed := &Denial{Code: credential.CodeMalformed}
	for _, c := range []struct {
		name   string
		header http.Header
		want   Presented
		err    error
	}{
		{"nothing", http.Header{}, Presented{}, nil},
		{"other headers", http.Header{"Cookie": {"token=x"}, "X-Auth-Token": {"x"}, "Proxy-Authorization": {"Bearer x"}}, Presented{}, nil},
		{"Bearer", authorization("Bearer x"), Presented{"x", credential.AsBearer}, nil},
		{"any case", authorization("bEaReR x"), Presented{"x", credential.AsBearer}, nil},
		{"several spaces", authorization("Bearer   x"), Presented{"x", credential.AsBearer}, nil},
		{"trailing space stays", authorization("Bearer x "), Presented{"x ", credential.AsBearer}, nil},
		{"Bearer alone", authorization("Bearer"), Presented{"", credential.AsBearer}, nil},
		{"joined by a comma stays one text", authorization("Bearer x, Bearer y"), Presented{"x, Bearer y", credential.AsBearer}, nil},
		{"X-API-Key", http.Header{"X-Api-Key": {"x"}}, Presented{"x", credential.AsAPIKeyHeader}, nil},
		{"empty X-API-Key", http.Header{"X-Api-Key": {""}}, Presented{"", credential.AsAPIKeyHeader}, nil},
		{"X-API-Key with Bearer stays", http.Header{"X-Api-Key": {"Bearer x"}}, Presented{"Bearer x", credential.AsAPIKeyHeader}, nil},
		{"FormUser", authorization("FormUser x"), Presented{"x", credential.AsFormUser}, nil},
		{"FormUser with an address", authorization("FormUser x,email:a@b.test,more"), Presented{"x", credential.AsFormUser}, nil},
		{"FormUser without a token", authorization("FormUser ,email:a@b.test"), Presented{"", credential.AsFormUser}, nil},
		{"bare", authorization("x"), Presented{}, malformed},
		{"empty", authorization(""), Presented{}, malformed},
		{"leading space", authorization(" Bearer x"), Presented{}, malformed},
		{"tab", authorization("Bearer\tx"), Presented{}, malformed},
		{"Basic", authorization("Basic eDp5"), Presented{}, malformed},
		{"look-alike", authorization("Веаrer x"), Presented{}, malformed},
		{"two lines", authorization("Bearer x", "Bearer x"), Presented{}, credential.BadRequest},
		{"both", http.Header{"Authorization": {"Bearer x"}, "X-Api-Key": {"x"}}, Presented{}, credential.BadRequest},
		{"both, one empty", http.Header{"Authorization": {""}, "X-Api-Key": {"x"}}, Presented{}, credential.BadRequest},
		{"two keys", http.Header{"X-Api-Key": {"x", "y"}}, Presented{}, credential.BadRequest},
	} {
		got, err := FromHeaders(c.header)
		if got != c.want || !sameRefusal(err, c.err) {
			t.Errorf("%s: got %+v, %v; want %+v, %v", c.name, got, err, c.want, c.err)
		}
	}
}

// sameRefusal compares denials by code and other errors by kind.
func sameRefusal(got, want error) bool {
	var one, two *Denial
	if errors.As(want, &two) {
		return errors.As(got, &one) && one.Code == two.Code
	}
	return want == nil && got == nil || want != nil && errors.Is(got, want)
}

// FuzzFromHeaders: a credential is part of what was sent, in one piece; two
// are never accepted.
func FuzzFromHeaders(f *testing.F) {
	for _, seed := range []string{"Bearer x", "FormUser x,y", "", " ", "Bearer", "Basic x", "Bearer \x00", "bearer  x y"} {
		f.Add(seed, "", false)
		f.Add("", seed, true)
	}
	f.Fuzz(func(t *testing.T, line, key string, both bool) {
		header := http.Header{"Authorization": {line}}
		if both {
			header["X-Api-Key"] = []string{key}
		}
		got, err := FromHeaders(header)
		switch {
		case both && err == nil:
			t.Errorf("%q and %q: two credentials are accepted", line, key)
		case err != nil && got != (Presented{}):
			t.Errorf("%q: refused, and yet %+v", line, got)
		case err == nil && !strings.Contains(line, got.Text):
			t.Errorf("%q: %q is no part of it", line, got.Text)
		case err == nil && got.As == "":
			t.Errorf("%q: accepted as nothing", line)
		}
	})
}

func TestSecretInURL(t *testing.T) {
	schemes, err := credential.NewSchemes()
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"limit=1": "", "": "", "x": "", "&&": "", "tokens=x": "", "my_token=x": "", "a=token": "", "q=gat": "", "keys=1": "", "cursor=AAAA": "",
		"token=x": "token", "token": "token", "token=": "token", "a=1&key=x": "key", "ACCESS_TOKEN=x": "access_token", "Api_Key=x": "api_key", "client_secret=x&token=y": "client_secret", "credential=x": "credential",
		"q=gate_x": "q", "q=tk_pat_": "q", "q=pat-1": "q", "a=1&b=ak_2": "b",
	} {
		name, found := secretInURL(query, schemes)
		if found != (want != "") || name != want {
			t.Errorf("%q: got %q %v, want %q", query, name, found, want)
		}
	}
}

func TestDenials(t *testing.T) {
	for _, c := range []struct {
		denial    Denial
		status    int
		code      string
		challenge string
	}{
		{Denial{}, 401, "unauthenticated", ""},
		{Denial{Code: credential.CodeUnknown}, 401, "invalid_credential", `error="invalid_token"`},
		{Denial{Code: credential.CodeMalformed}, 401, "invalid_credential", `error="invalid_token"`},
		{Denial{Code: credential.CodeRevoked}, 401, "revoked", `error="invalid_token"`},
		{Denial{Code: credential.CodeSuspended}, 401, "suspended", `error="invalid_token"`},
		{Denial{Code: credential.CodeExpired}, 401, "expired", `error="invalid_token"`},
		{Denial{Code: credential.CodeNotYetValid}, 401, "not_yet_valid", `error="invalid_token"`},
		{Denial{Code: credential.CodeOwnerInactive}, 401, "owner_inactive", `error="invalid_token"`},
		{Denial{Code: credential.CodeAudience}, 401, "wrong_audience", `error="invalid_token"`},
		{Denial{Code: credential.CodeScope, Permission: `a"b\c` + "\r\nX: y é"}, 403, "insufficient_scope", `error="insufficient_scope", scope="abcX:y"`},
		{Denial{Code: credential.CodeForbidden, Permission: "audit:read"}, 403, "forbidden", "-"},
		{Denial{Code: credential.CodeAddress}, 403, "address_denied", "-"},
		{Denial{Code: "anything else"}, 401, "anything else", `error="invalid_token"`}, // a code that nobody thought of is refused
	} {
		got := c.denial.Challenge()
		ok := strings.HasPrefix(got, `Bearer realm="gatehouse"`) && strings.Contains(got, c.challenge) && (c.challenge != "" || !strings.Contains(got, "error"))
		if c.challenge == "-" {
			ok = got == ""
		}
		if c.denial.Status() != c.status || c.denial.PublicCode() != c.code || !ok || strings.ContainsAny(got, "\r\n") {
			t.Errorf("%q: got %d %s %q, want %d %s %q", c.denial.Code, c.denial.Status(), c.denial.PublicCode(), got, c.status, c.code, c.challenge)
		}
	}
}

func TestFailures(t *testing.T) {
	for kind, status := range statuses {
		f := failureOf(&credential.Error{Kind: kind, Detail: "why", Field: "f", Allowed: []string{"a", "b"}})
		want := Failure{Status: status, Code: string(kind), Detail: "why", Field: "f", Allowed: []string{"a", "b"}}
		if diff := cmp.Diff(want, f); diff != "" || status < 400 {
			t.Errorf("%s: %s", kind, diff)
		}
	}
	for _, err := range []error{errors.New("SELECT from /var/lib"), &credential.Error{Kind: "new kind", Detail: "SELECT"}, credential.NotFound} {
		if f := failureOf(err); f.Status != 500 || f.Code != "internal" || strings.Contains(f.Detail, "SELECT") || f.Field != "" {
			t.Errorf("%v: got %+v, want 500 without detail", err, f)
		}
	}
}
