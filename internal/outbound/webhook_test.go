package outbound_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// local makes a Poster that may reach this machine.
func local() *outbound.Poster {
	return outbound.NewPoster(webhook.Targets{Loopback: true}, "Gatehouse-Test")
}

// receiver is an endpoint on this machine.
func receiver(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

// TestW2_Answers: what an endpoint answers is told as it is, and of a redirect
// nothing is followed.
func TestW2_Answers(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := receiver(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	url := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || string(body) != "{}" || r.Header.Get("X-Test") != "yes" || r.UserAgent() != "Gatehouse-Test" {
			t.Errorf("got %s %v %q", r.Method, r.Header, body)
		}
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, other, http.StatusTemporaryRedirect)
		case "/busy":
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/busy-until":
			w.Header().Set("Date", "Fri, 02 Jan 2026 03:04:05 GMT")
			w.Header().Set("Retry-After", "Fri, 02 Jan 2026 04:04:05 GMT")
			w.WriteHeader(http.StatusTooManyRequests)
		case "/for-ever":
			w.Header().Set("Retry-After", "99999999")
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			_, _ = io.WriteString(w, "ü\x00\xff"+strings.Repeat("x", 600))
		}
	})
	for path, want := range map[string]outbound.Answer{
		"/":           {Status: 200, Body: "ü\uFFFD\uFFFD" + strings.Repeat("x", 497)},
		"/redirect":   {Status: 307},
		"/busy":       {Status: 503, RetryAfter: 2 * time.Minute},
		"/busy-until": {Status: 429, RetryAfter: time.Hour},
		"/for-ever":   {Status: 429, RetryAfter: 24 * time.Hour},
	} {
		got, err := local().Send(t.Context(), outbound.Post{URL: url + path, Header: map[string]string{"X-Test": "yes"}, Body: []byte("{}")})
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", path, got, err, want)
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

// TestW2_Bounds: an endless answer is cut off, and one that drips, or doesn't
// come at all, fails when the time is over.
func TestW2_Bounds(t *testing.T) {
	t.Parallel()
	var written atomic.Int64
	url := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		flush := w.(http.Flusher)
		switch r.URL.Path {
		case "/endless":
			for chunk := []byte(strings.Repeat("x", 32<<10)); r.Context().Err() == nil; {
				n, err := w.Write(chunk)
				if written.Add(int64(n)); err != nil {
					return
				}
			}
		case "/header":
			w.Header().Set("X-Large", strings.Repeat("x", 64<<10))
		case "/drip":
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "x")
				flush.Flush()
				time.Sleep(5 * time.Millisecond)
			}
		case "/silent":
			<-r.Context().Done()
		}
	})
	post := outbound.Post{URL: url + "/endless"}
	if got, err := local().Send(t.Context(), post); err != nil || got.Status != 200 || len(got.Body) != 500 {
		t.Errorf("an endless answer: got %d and %d characters, %v", got.Status, len(got.Body), err)
	}
	if n := written.Load(); n > 16<<20 { // what the sockets hold, more than is read
		t.Errorf("of an endless answer %d bytes were taken", n)
	}
	for path, want := range map[string]string{"/drip": "it didn't answer in time", "/silent": "it didn't answer in time", "/header": "the connection broke off"} {
		p, start := local(), time.Now()
		p.Timeout(100 * time.Millisecond)
		_, err := p.Send(t.Context(), outbound.Post{URL: url + path})
		if took := time.Since(start); err == nil || err.Error() != want || took > 5*time.Second {
			t.Errorf("%s: got %v after %s, want %s", path, err, took, want)
		}
	}
}

// names is a DNS server whose answers alternate.
type names struct {
	conn      net.PacketConn
	addresses []netip.Addr
	asked     atomic.Int32 // for addresses of IPv4
}

// newNames answers each question for IPv4 with the next of the addresses, whatever
// the name is; names of IPv6 there are none.
func newNames(t *testing.T, addresses ...string) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{conn: conn}
	for _, a := range addresses {
		n.addresses = append(n.addresses, netip.MustParseAddr(a))
	}
	done := make(chan struct{})
	go func() { n.serve(); close(done) }()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return n
}

func (n *names) serve() {
	buf := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:size]) != nil || len(m.Questions) != 1 {
			continue
		}
		m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			a := n.addresses[int(n.asked.Add(1)-1)%len(n.addresses)]
			m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 0}, Body: &dnsmessage.AResource{A: a.As4()}}}
		}
		if text, err := m.Pack(); err == nil {
			_, _ = n.conn.WriteTo(text, from)
		}
	}
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

// TestW3_NameThatAlternates: the address is judged when it is dialled. A name
// that means a public address at one moment and a private one at the next is
// reached at the first and never at the second.
func TestW3_NameThatAlternates(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			_ = conn.Close()
		}
	}()
	dns := newNames(t, "93.184.215.14", "127.0.0.1", "93.184.215.14", "169.254.169.254", "10.1.2.3", "100.64.1.1")
	for _, targets := range []webhook.Targets{{}, {Loopback: true}} {
		if _, err := targets.CheckURL("url", "https://rebind.example.com/"); err != nil {
			t.Fatalf("the name itself: %v", err)
		}
		var mu sync.Mutex
		var dialled []string
		p := outbound.NewPoster(targets, "test")
		p.Resolve(dns.resolver(), func(address string) error {
			mu.Lock()
			defer mu.Unlock()
			dialled = append(dialled, address)
			return errors.New("nothing leaves this machine in a test")
		})
		refused := 0
		for range len(dns.addresses) {
			_, err := p.Send(t.Context(), outbound.Post{URL: "https://rebind.example.com/"})
			if err == nil {
				t.Fatal("something answered")
			}
			if err.Error() == webhook.ErrForbidden.Error() {
				refused++
			}
		}
		if len(dialled) != 2 || dialled[0] != "93.184.215.14:443" || dialled[1] != dialled[0] || refused != 4 {
			t.Errorf("%+v: it dialled %v and refused %d, want the public address twice and 4", targets, dialled, refused)
		}
	}
	if reached.Load() != 0 {
		t.Error("this machine was reached")
	}
}

// TestW3_NoProxy: a proxy in the environment isn't used, and without the setting
// this machine isn't reached by any of its names.
func TestW3_NoProxy(t *testing.T) {
	var reached atomic.Int32
	url := receiver(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, url)
	}
	p := outbound.NewPoster(webhook.Targets{}, "test")
	p.Resolve(newNames(t, "127.0.0.1").resolver(), nil)
	port := url[strings.LastIndex(url, ":"):]
	for _, target := range []string{url, "http://localhost" + port, "http://hooks.example.com/", "https://hooks.example.com/", "http://2130706433" + port, "http://0x7f.1" + port, "http://0" + port} {
		if _, err := p.Send(t.Context(), outbound.Post{URL: target}); err == nil {
			t.Errorf("%s is answered", target)
		}
	}
	if reached.Load() != 0 {
		t.Errorf("this machine was reached %d times", reached.Load())
	}
}
