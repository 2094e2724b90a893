package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something that takes milliseconds.
const patience = 30 * time.Second

// process is a gatehouse that runs beside the test.
type process struct {
	cmd    *exec.Cmd
	url    string        // where it listens, once it is ready
	ready  time.Duration // how long that took
	used   time.Duration // of the processor until then; 0 where /proc has nothing
	stdout output
	stderr output
	ended  chan struct{} // closed when it has ended
}

// output keeps what a process writes and tells when it said where it listens.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	url  chan string
	said bool
}

var whereItListens = regexp.MustCompile(`(?m)^(?:listening on (\S+)|\{"url":"([^"]+)".*\})\n`)

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if found := whereItListens.FindSubmatch(o.text.Bytes()); found != nil && !o.said && o.url != nil {
		o.said = true
		o.url <- string(found[1]) + string(found[2])
	}
	return len(p), nil
}

// String is everything so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// launch starts a program that serves, and returns once it says where.
func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{})}
	p.stdout.url = make(chan string, 1)
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = cmd.Wait(); close(p.ended) }()
	select {
	case p.url = <-p.stdout.url:
		p.ready, p.used = time.Since(begin), computed(cmd.Process.Pid)
		return p, nil
	case <-p.ended:
		return p, errors.New("it ended before it served:\n" + p.stdout.String() + p.stderr.String())
	case <-time.After(patience):
		p.kill()
		return p, errors.New("it doesn't say where it listens:\n" + p.stdout.String() + p.stderr.String())
	}
}

// computed is how long a process has been computing (proc_pid_stat(5), fields 14
// and 15, of which there are a hundred in a second).
func computed(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, found := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if err != nil || !found || len(fields) < 13 {
		return 0
	}
	var ticks time.Duration
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0
		}
		ticks += time.Duration(n)
	}
	return ticks * time.Second / 100
}

// kill ends the process without warning, as often as one likes.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// signal tells the process something.
func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// wait returns the exit code, -1 after a signal, or false when it takes too long.
func (p *process) wait(most time.Duration) (int, bool) {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), true
	case <-time.After(most):
		return 0, false
	}
}

// serveGatehouse starts this very code as a process that lasts as long as the test.
func serveGatehouse(t *testing.T, args ...string) *process {
	t.Helper()
	p, err := launch(exec.Command("gatehouse", args...))
	if p != nil {
		t.Cleanup(p.kill)
	}
	if err != nil {
		t.Fatalf("gatehouse %s: %v", strings.Join(args, " "), err)
	}
	return p
}

// stop ends a process with SIGTERM and wants exit code 0.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.signal(syscall.SIGTERM)
	if code, ended := p.wait(patience); !ended || code != exitDone {
		t.Errorf("after SIGTERM: ended %t with code %d, want code 0:\n%s", ended, code, p.stderr.String())
	}
}
