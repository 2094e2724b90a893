package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// halfRequest sends all of a verification but the end of its body, and returns
// once the server has taken the request up.
func halfRequest(t *testing.T, p *process, key, rest string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	// The server answers the expectation when it begins to read the body.
	_, err = fmt.Fprintf(conn, "POST /v1/verify HTTP/1.1\r\nHost: gatehouse\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", key, len(rest))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(io.LimitReader(conn, 25)).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("the request was not taken up: %q, %v", line, err)
	}
	return conn
}

// serveWithKey serves a new installation and returns a key with every permission.
func serveWithKey(t *testing.T) (*process, string) {
	t.Helper()
	p := serveGatehouse(t, "serve", "--listen", "127.0.0.1:0", "--data", t.TempDir())
	body := fmt.Sprintf(`{"code":%q,"organization":"Acme","name":"Ada","email":"ada@example.com","password":"correct horse battery"}`,
		setupCodeIn.FindString(p.stdout.String()))
	resp, err := http.Post(p.url+"/v1/setup", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	_, after, found := strings.Cut(string(answer), `"secret":"`)
	key, _, _ := strings.Cut(after, `"`)
	if err != nil || !found {
		t.Fatalf("set-up answered %s: %s", resp.Status, answer)
	}
	http.DefaultClient.CloseIdleConnections()
	return p, key
}

// TestShutdownDrains ends a server while it answers: what was begun is
// answered, nothing new is taken, and the exit code is 0.
func TestShutdownDrains(t *testing.T) {
	p, key := serveWithKey(t)
	rest := fmt.Sprintf(`{"credential":%q}`, key)
	conn := halfRequest(t, p, key, rest)
	p.signal(syscall.SIGTERM)
	waitRefused(t, p)
	if _, ended := p.wait(0); ended {
		t.Fatal("it ended while a request was being answered")
	}
	if _, err := io.WriteString(conn, rest); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal("the request that was begun has no answer:", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(answer), `"code":"ok"`) {
		t.Errorf("the answer is %s, %v: %s", resp.Status, err, answer)
	}
	if code, ended := p.wait(patience); !ended || code != exitDone {
		t.Errorf("ended %t with code %d, want 0: %s", ended, code, p.stderr.String())
	}
}

// waitRefused waits until a server takes no more connections.
func waitRefused(t *testing.T, p *process) {
	t.Helper()
	deadline := time.After(patience)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			return
		}
		_ = conn.Close()
		select {
		case <-deadline:
			t.Fatal("it still takes connections")
		case <-poll.C:
		}
	}
}

// TestShutdownSecondSignal ends a server that waits for a request which never
// comes: the second signal ends it at once.
func TestShutdownSecondSignal(t *testing.T) {
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(second.String(), func(t *testing.T) {
			p, key := serveWithKey(t)
			halfRequest(t, p, key, `{"credential":"never sent"}`)
			p.signal(syscall.SIGTERM)
			waitRefused(t, p)
			begin := time.Now()
			p.signal(second)
			if _, ended := p.wait(time.Second); !ended {
				t.Errorf("a second after the second signal it still runs, after %s", time.Since(begin))
			}
		})
	}
}

// TestShutdownIsBounded ends a server that somebody never lets go of.
func TestShutdownIsBounded(t *testing.T) {
	t.Parallel()
	p, key := serveWithKey(t)
	halfRequest(t, p, key, `{"credential":"never sent"}`)
	begin := time.Now()
	p.signal(syscall.SIGTERM)
	if _, ended := p.wait(patience); !ended {
		t.Errorf("it still runs after %s", time.Since(begin))
	}
}
