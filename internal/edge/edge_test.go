package edge

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// serve runs a small surface, and returns its URL and its log.
func serve(t *testing.T, cfg Config, routes ...Route) (string, *bytes.Buffer) {
	t.Helper()
	base := storetest.SQLite(t)
	st := storetest.Open(t, base)
	logs := &bytes.Buffer{}
	cfg.Authority = authority.New(authority.Config{Store: st, Schemes: base.Schemes})
	cfg.Logger = slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.Surfaces = []*Surface{{Routes: routes, Present: FromHeaders, WriteError: func(w http.ResponseWriter, f Failure, id string) {
		w.WriteHeader(f.Status)
		_, _ = fmt.Fprintf(w, "%s %s %s", f.Code, f.Field, f.Detail)
	}}}
	server := httptest.NewUnstartedServer(New(cfg))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, logs
}

func get(t *testing.T, url string, header http.Header) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

type empty struct{}

func TestPanicIsAnAnswer(t *testing.T) {
	url, logs := serve(t, Config{},
		Get("/panic", Public, func(*Request, None) (empty, error) { panic("out of SECRET reach") }),
		Get("/fine", Public, func(*Request, None) (empty, error) { return empty{}, nil }),
		Get("/unwritable", Public, func(*Request, None) (string, error) { return "\xff", nil }))
	for _, path := range []string{"/panic", "/unwritable"} {
		if status, body := get(t, url+path, nil); status != 500 || !strings.HasPrefix(body, "internal") || strings.Contains(body, "SECRET") {
			t.Errorf("%s: got %d %s, want 500 without detail", path, status, body)
		}
	}
	if status, _ := get(t, url+"/fine", nil); status != 200 {
		t.Errorf("after a panic: got %d", status)
	}
	if n := strings.Count(logs.String(), "msg=request "); n != 3 {
		t.Errorf("%d request lines for 3 requests:\n%s", n, logs)
	}
}

func TestTrustedProxiesAreBelieved(t *testing.T) {
	seen := make(chan netip.Addr, 1)
	route := Get("/x", Public, func(r *Request, _ None) (empty, error) { seen <- r.Address; return empty{}, nil })
	for name, c := range map[string]struct {
		trusted []netip.Prefix
		want    string
	}{"none": {nil, "127.0.0.1"}, "another": {prefixes(t, "10.0.0.0/8"), "127.0.0.1"}, "this one": {prefixes(t, "127.0.0.0/8"), "203.0.113.7"}} {
		url, logs := serve(t, Config{TrustedProxies: c.trusted}, route)
		get(t, url+"/x", http.Header{"X-Forwarded-For": {"192.0.2.1, 203.0.113.7"}, "X-Real-Ip": {"192.0.2.2"}})
		if got := <-seen; got.String() != c.want || !strings.Contains(logs.String(), "address="+c.want) {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// The log has a line a request, with nothing in it that a caller chose: no
// path, no query, no header, no method that HTTP doesn't know.
func TestLogHoldsNothingOfTheCaller(t *testing.T) {
	url, logs := serve(t, Config{}, Get("/x/{id}", Public, func(r *Request, _ None) (empty, error) {
		return empty{}, credential.InvalidField("SECRET4", "SECRET5")
	}))
	for _, path := range []string{"/x/SECRET1", "/SECRET2", "/x/1?token=SECRET3", "/x/1"} {
		get(t, url+path, http.Header{"User-Agent": {"SECRET6"}, "Authorization": {"SECRET7"}, "Referer": {"SECRET8"}, "X-Request-Id": {"SECRET9"}, "X-Forwarded-For": {"SECRETA"}, "Cookie": {"a=SECRETB"}})
	}
	r, err := http.NewRequest("SECRETM", url+"/x/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	for line := range strings.Lines(logs.String()) {
		if strings.Contains(line, "SECRET") {
			t.Errorf("the log shows what the caller sent: %s", line)
		}
	}
	if !strings.Contains(logs.String(), "route=/x/{id}") {
		t.Errorf("no line names its route:\n%s", logs)
	}
}

// A route that is limited by address says so, and lets the operator through;
// the others are open.
func TestLimitedByAddress(t *testing.T) {
	limited := Get("/limited", Public, func(*Request, None) (empty, error) { return empty{}, nil }).LimitedByAddress()
	open := Get("/open", Public, func(*Request, None) (empty, error) { return empty{}, nil })
	for name, c := range map[string]struct {
		cfg  Config
		path string
		want int
	}{
		"limited": {Config{AddressRate: 1}, "/limited", 429}, "another route": {Config{AddressRate: 1}, "/open", 200},
		"no limit": {Config{}, "/limited", 200}, "the operator": {Config{AddressRate: 1, Operator: true}, "/limited", 200},
	} {
		url, _ := serve(t, c.cfg, limited, open)
		if status, body := get(t, url+c.path, nil); status != 200 {
			t.Errorf("%s: the first: got %d %s", name, status, body)
		}
		status, body := get(t, url+c.path, nil)
		if status != c.want || status == 429 && !strings.Contains(body, "rate_limited  too many requests: at most 1 a minute; try again in 60 s") {
			t.Errorf("%s: the second: got %d %s, want %d", name, status, body, c.want)
		}
	}
}

// An operator's handler has no other way in: it serves whoever reaches it.
func TestOperatorNeedsNoCredential(t *testing.T) {
	route := Get("/x", Needs(credential.AuditRead), func(r *Request, _ None) (string, error) { return r.Principal.String(), nil })
	url, _ := serve(t, Config{Operator: true}, route)
	if status, body := get(t, url+"/x", nil); status != 200 || body != `"operator"` {
		t.Errorf("got %d %s", status, body)
	}
	url, _ = serve(t, Config{}, route)
	if status, body := get(t, url+"/x", nil); status != 401 {
		t.Errorf("the public handler: got %d %s", status, body)
	}
}
