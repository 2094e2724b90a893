package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// socketName is the operator's way in to a running server. Only who may open
// files in the data directory can use it.
const socketName = "gatehouse.sock"

// listenSocket opens the operator's socket. The data directory belongs to this
// process, so one that is there already was left by a crash.
func listenSocket(dir string) (net.Listener, func(), error) {
	path, done, err := socketPath(dir)
	if err != nil {
		return nil, nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		done()
		return nil, nil, fmt.Errorf("replace the operator's socket: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		done()
		return nil, nil, fmt.Errorf("open the operator's socket: %w", err)
	}
	return listener, done, nil
}

// socketPath names the socket in at most the 107 bytes that the system takes:
// where the directory's own path is longer, through an open handle on it.
func socketPath(dir string) (path string, done func(), err error) {
	const most = 107
	if path = filepath.Join(dir, socketName); len(path) <= most {
		return path, func() {}, nil
	}
	handle, err := os.Open(dir)
	if err != nil {
		return "", nil, fmt.Errorf("open the data directory: %w", err)
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", handle.Fd(), socketName), func() { _ = handle.Close() }, nil
}

// connect gives the operator a client: to the server that owns the data
// directory, or to a node in this process where none runs. done closes it.
func (a *app) connect(ctx context.Context) (c *client.Client, done func() error, err error) {
	cfg, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	if cfg.DatabaseURL == "" {
		if _, err := os.Stat(filepath.Join(cfg.Data, "gatehouse.db")); err != nil {
			return nil, nil, fmt.Errorf("there is no Gatehouse data in %s; start one with gatehouse serve, or name it with --data", cfg.Data)
		}
	}
	cfg.CacheSize = 0
	cfg.LogLevel = "error"
	n, err := a.open(ctx, cfg, a.logger(cfg))
	if errors.Is(err, store.ErrInUse) {
		return a.dial(cfg)
	}
	if err != nil {
		return nil, nil, err
	}
	done = func() error { return errors.Join(n.authority.Flush(ctx), n.store.Close()) }
	return client.New("http://gatehouse", "", inProcess{n.operator}), done, nil
}

// dial reaches the server that owns the data directory.
func (a *app) dial(cfg *Config) (*client.Client, func() error, error) {
	path, done, err := socketPath(cfg.Data)
	if err != nil {
		return nil, nil, err
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
		if err != nil {
			return nil, fmt.Errorf("another process has the data directory %s open and doesn't answer on its socket; try again when it is ready or done: %w", cfg.Data, err)
		}
		return conn, nil
	}}
	return client.New("http://gatehouse", "", transport), func() error { transport.CloseIdleConnections(); done(); return nil }, nil
}

// inProcess answers requests with a handler, without a network.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper. The body is read while it is written,
// so that an answer may be longer than what fits into memory.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	body, written := io.Pipe()
	w := &answer{header: http.Header{}, begun: make(chan int, 1), body: written}
	go func() {
		defer func() {
			_ = recover() // of an answer that was broken off; of any other panic the handler has told
			w.WriteHeader(http.StatusInternalServerError)
			_ = written.CloseWithError(io.ErrUnexpectedEOF) // unless it ended before
		}()
		t.handler.ServeHTTP(w, r)
		w.WriteHeader(http.StatusOK)
		_ = written.Close()
	}()
	status := <-w.begun
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Header: w.header, Body: body, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
	}, nil
}

// answer hands on what a handler writes.
type answer struct {
	header http.Header
	begun  chan int // gets the status
	told   bool
	body   *io.PipeWriter
}

// Header implements http.ResponseWriter.
func (w *answer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *answer) WriteHeader(status int) {
	if !w.told {
		w.told = true
		w.begun <- status
	}
}

// Write implements http.ResponseWriter.
func (w *answer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}
