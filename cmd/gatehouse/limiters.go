package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/limit/shared"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// mostLimited bounds how many limits a node without Redis remembers.
const mostLimited = 1 << 20

// limiters keep the limits of a node: those of requests, and those of
// addresses, which strangers could fill a memory with, in one of their own.
type limiters struct {
	requests, addresses limit.Limiter
	shared              *shared.Limiter // nil without Redis
	nodes               *authority.Nodes
	memory              atomic.Int64 // decisions without Redis
}

func newLimiters(cfg *Config, st *store.Store, m *metrics, log *slog.Logger) (*limiters, error) {
	l := &limiters{nodes: authority.NewNodes(st, time.Now, log)}
	if cfg.RedisURL == "" {
		l.requests = &counted{limit.Alone{Memory: limit.New(mostLimited)}, &l.memory}
		l.addresses = &counted{limit.Alone{Memory: limit.New(edge.MostAddresses)}, &l.memory}
		return l, nil
	}
	var err error
	l.shared, err = shared.New(shared.Config{
		URL: cfg.RedisURL, Timeout: time.Duration(cfg.RedisTimeout) * time.Millisecond, Refuse: cfg.RedisAway == "refuse",
		Nodes: l.nodes.Count, Took: m.tookRedis, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	l.requests, l.addresses = l.shared, l.shared.Beside(limit.New(edge.MostAddresses))
	return l, nil
}

// run keeps a node in touch with Redis, and has the others count it.
func (l *limiters) run() []func(context.Context) error {
	if l.shared == nil {
		return []func(context.Context) error{l.nodes.Run}
	}
	return []func(context.Context) error{l.nodes.Run, l.shared.Run}
}

// counted counts what a memory decides.
type counted struct {
	limit.Alone
	count *atomic.Int64
}

// Take implements limit.Limiter.
func (c *counted) Take(ctx context.Context, now time.Time, takes ...limit.Take) (limit.Outcome, error) {
	c.count.Add(1)
	return c.Alone.Take(ctx, now, takes...)
}
