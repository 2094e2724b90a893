package rest_test

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// cable is a connection to a server that can be pulled out.
type cable struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	conns    []net.Conn
	cut      bool
}

func newCable(t *testing.T, target string) *cable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: listener, target: target}
	t.Cleanup(c.pull)
	go c.run()
	return c
}

func (c *cable) run() {
	for {
		in, err := c.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", c.target)
		if err != nil || !c.keep(in, out) {
			_ = in.Close()
			continue
		}
		go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
		go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
	}
}

func (c *cable) keep(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conns...)
	return !c.cut
}

// pull ends every connection, and there are no new ones.
func (c *cable) pull() {
	_ = c.listener.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// S-12: when the database is gone nothing is allowed, and nobody is told that
// a credential is bad: it could not be decided.
func TestS12_DatabaseIsGone(t *testing.T) {
	cfg := storetest.Postgres(t)
	u, err := url.Parse(cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	wire := newCable(t, u.Host)
	u.Host = wire.listener.Addr().String()
	cfg.DatabaseURL = u.String()
	w := newWorld(t, cfg)
	wire.pull()
	for _, r := range w.edge.Routes() {
		for _, as := range []string{"key", "owner", "guest", "operator"} {
			s := calls()[nameOf(r)]
			if regexp.MustCompile(`\{id}|\{session}|\{invitation}|\{webhook}|\{virtual}|\{rule}|\{spend}|\{run}|\{test}|archive|restore|activate|^DELETE /v1/users/\{user}$|^DELETE .*/\{(project|budget)}$`).MatchString(nameOf(r)) {
				s = nil // these would make something first, or afterwards
			}
			shot := aimed(w, r, map[string]string{"id": w.records["live"].ID, "organization": w.acme.ID, "project": w.alpha.ID, "user": "extra@acme.test", "invitation": w.acme.ID, "webhook": nobody, "delivery": nobody, "virtual": nobody, "budget": w.alpha.ID, "spend": nobody, "rule": nobody, "run": nobody, "upload": "u", "batch": "1", "file": "1", "test": nobody})
			if s != nil {
				made := s(t, w)
				shot.path, shot.body = made.path, made.body
			}
			shot.as = as
			a := w.do(t, shot)
			switch {
			case r.Pattern == "/healthz", r.Pattern == "/v1/schemes" && as == "operator", r.Pattern == "/v1/self" && as == "operator":
				if a.status != 200 {
					t.Errorf("%s as %s: got %d %s, want 200", nameOf(r), as, a.status, a.body)
				}
			case r.Pattern == "/v1/invitations/accept" && as == "operator", r.Pattern == "/v1/self/rotate" && as == "operator", r.Pattern == "/v1/self/revoke" && as == "operator", r.Pattern == "/v1/setup" && as != "operator":
				// refused for what it is, without a look at the database
			case r.Pattern == "/v1/verify" && as == "operator", r.Pattern == "/v1/revoke":
				// the sample secret is malformed
			case a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "":
				t.Errorf("%s as %s: got %d %s, want 503 with Retry-After", nameOf(r), as, a.status, a.body)
			}
		}
	}
	// An organization named by its number has to be looked up.
	for _, path := range []string{"/v1/organizations/1", "/v1/organizations/1/projects", "/v1/audit/events?organization=1", "/v1/credentials?organization=1"} {
		if a := w.do(t, request{method: "GET", path: path, as: "operator"}); a.status != http.StatusServiceUnavailable {
			t.Errorf("%s: got %d %s, want 503", path, a.status, a.body)
		}
	}
	for _, body := range []string{`{"credential":` + quote(w.secrets["live"]) + `}`, `{"credential":` + quote(w.secrets["live"]) + `,"project":"PRJ-1"}`} {
		for _, path := range []string{"/v1/verify", "/v1/revoke"} {
			if a := w.do(t, request{method: "POST", path: path, as: "operator", body: body}); a.status != http.StatusServiceUnavailable && !(path == "/v1/revoke" && a.status == 400) {
				t.Errorf("%s: got %d %s, want 503", path, a.status, a.body)
			}
		}
	}
	checkNoSecrets(t, w)
}
