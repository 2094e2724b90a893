package edge

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// call is the answer under way, with what the log line says of it.
type call struct {
	http.ResponseWriter
	id         string
	address    netip.Addr
	status     int
	pattern    string
	credential string
	handler    *handler             // of the route, if there is one
	standing   *credential.Standing // of the credential that was presented, if it is known
	letIn      bool                 // by the decision about it
	paid       credential.Paid
	err        error
	broken     bool            // the answer ended before its end, by err
	context    context.Context // of the connection, without the time limit of a request
}

// WriteHeader implements http.ResponseWriter and remembers the status.
func (c *call) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (c *call) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func newRequestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// log writes the one line of a request. It holds no path and no query, where
// somebody could have put a secret.
func (s *Server) log(r *http.Request, c *call, took time.Duration) {
	level := slog.LevelInfo
	attrs := append(make([]slog.Attr, 0, 8),
		slog.String("method", knownMethod(r.Method)), slog.String("route", c.pattern), slog.Int("status", c.status),
		slog.Duration("took", took), slog.String("request", c.id))
	if c.address.IsValid() {
		attrs = append(attrs, slog.String("address", c.address.String()))
	}
	if c.credential != "" {
		attrs = append(attrs, slog.String("credential", c.credential))
	}
	if c.err != nil && (c.broken || c.status >= http.StatusInternalServerError) {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", c.err.Error()))
	}
	s.cfg.Logger.LogAttrs(r.Context(), level, "request", attrs...)
}

// count counts a request of a credential that is known.
func (s *Server) count(r *http.Request, c *call) {
	if c.standing == nil {
		return
	}
	cost := c.paid.Cost
	if c.status >= http.StatusInternalServerError { // for which it is given back
		cost = 0
	}
	s.cfg.Authority.Answered(authority.Answer{
		Standing: c.standing, LetIn: c.letIn, Route: c.handler.charge.Resource, Unlisted: c.handler.route.Unlisted,
		Method: knownMethod(r.Method), Path: r.URL.Path, Status: c.status, Address: c.address, UserAgent: r.UserAgent(), Cost: cost,
	})
}

// knownMethod keeps what a caller made up out of the log.
func knownMethod(method string) string {
	if slices.Contains(methods, method) {
		return method
	}
	return "other"
}
