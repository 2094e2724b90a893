// Package redistest is for tests alone: the Redis that scripts/with-services
// starts for all, and others for tests that stop, hang or empty one. A Redis
// that is missing fails the test, it never skips it.
package redistest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

const variable = "GATEHOUSE_TEST_REDIS_URL"

// URL is of the Redis that all tests share: use ids that nobody else has.
func URL(t testing.TB) string {
	t.Helper()
	url := os.Getenv(variable)
	if url == "" || url == "none" {
		t.Fatalf("%s names no Redis: run the tests by scripts/with-services", variable)
	}
	return url
}

// Server is a Redis of one test.
type Server struct {
	t       testing.TB
	port    int
	process *exec.Cmd
}

// Start starts a Redis that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, port: listener.Addr().(*net.TCPAddr).Port}
	_ = listener.Close()
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// URL is where the server is, whether it runs or not.
func (s *Server) URL() string { return fmt.Sprintf("redis://127.0.0.1:%d/0", s.port) }

// Restart starts the server again, empty.
func (s *Server) Restart() {
	s.t.Helper()
	s.process = exec.Command("redis-server", "--port", fmt.Sprint(s.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.t.TempDir())
	if err := s.process.Start(); err != nil {
		s.t.Fatalf("start a Redis: %v; run the tests by scripts/with-services, which installs it", err)
	}
	for range 500 {
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", s.port), time.Second)
		if err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("Redis doesn't start on port %d", s.port)
}

// Kill ends the server, and with it all that it holds.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(syscall.SIGCONT)
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	s.process = nil
}

// Hang has the server answer nothing any more, and Resume go on.
func (s *Server) Hang() { s.signal(syscall.SIGSTOP) }

// Resume has a server that hangs go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal os.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}
