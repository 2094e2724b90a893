// Package shared has several nodes keep to the same limits, which Redis
// remembers. It hides the connection, that Redis may be gone, hang or come back
// empty, and what a node does meanwhile.
//
// What it keeps true:
//
//   - All takes of a call are checked and charged in one step, by one script
//     and one round trip, at the time of Redis' clock: how those of the nodes
//     differ doesn't matter.
//   - No call waits longer than the bound for Redis. The first that fails has
//     all that follow decided at once without it, until a probe finds it again.
//   - While Redis is away a node lets through its share of each limit, or
//     nothing is decided. Which of them holds is a setting.
//   - Redis holds numbers, ids and addresses, and forgets them by itself: no
//     secret, no name, nothing that couldn't be lost.
package shared

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/gatehouse-dev/gatehouse/internal/limit"
)

const (
	// DefaultTimeout bounds how long a call waits for Redis, and connectFor
	// how long making a connection takes, which no call waits for.
	DefaultTimeout = 100 * time.Millisecond
	connectFor     = 800 * time.Millisecond
	// probeEvery is how often a Redis that is away is looked for.
	probeEvery = 250 * time.Millisecond
	// mostLocal bounds how many limits a node remembers by itself.
	mostLocal = 1 << 20
)

// ErrAway means that Redis is away, and that nothing is decided without it.
var ErrAway = errors.New("what counts the requests of all nodes is away")

// Config is what a Limiter is made of. Only URL is needed.
type Config struct {
	URL     string        // redis:// or rediss://
	Timeout time.Duration // 0: DefaultTimeout
	// Refuse has calls fail with ErrAway while Redis is away.
	Refuse bool
	// Nodes says how many there are, to share a limit by; nil: this one alone.
	Nodes func() int
	// CallersClock takes the time from who calls, and not from Redis.
	CallersClock bool
	// Took is told how long Redis took for an answer.
	Took   func(time.Duration)
	Now    func() time.Time
	Logger *slog.Logger
}

// Limiter keeps limits in Redis. Make one with New; Run keeps it connected.
type Limiter struct {
	*link
	local  *limit.Memory
	refuse bool
}

// link is what all limiters of a node share: the connection, and what came of it.
type link struct {
	cfg    Config
	option rueidis.ClientOption
	script *rueidis.Lua
	// there is the connection that works; nil while Redis is away.
	there atomic.Pointer[connection]
	mu    sync.Mutex  // for connecting
	last  *connection // that worked before, or works now

	byRedis, byShare, refused, opened atomic.Int64
}

type connection struct{ rueidis.Client }

// CheckURL refuses what is no URL of a Redis. It never repeats the value: a
// password may stand in it.
func CheckURL(text string) error {
	_, err := parse(text)
	return err
}

func parse(text string) (rueidis.ClientOption, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return rueidis.ClientOption{}, errors.New("must look like redis://user:password@host:6379/0, or rediss:// for TLS")
	}
	option, err := rueidis.ParseURL(text)
	if err != nil {
		return option, errors.New("the path of a redis:// URL is the number of a database, such as /0")
	}
	if option.TLSConfig != nil {
		option.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}
	}
	option.Dialer.Timeout, option.Dialer.KeepAlive = connectFor, time.Second
	option.ConnWriteTimeout = time.Second
	option.DisableCache, option.DisableRetry, option.AlwaysPipelining = true, true, true
	option.PipelineMultiplex = -1 // one connection, which is there before the first call
	option.ClientSetInfo = rueidis.DisableClientSetInfo
	return option, nil
}

// New makes a Limiter, and connects it where Redis is there.
func New(cfg Config) (*Limiter, error) {
	option, err := parse(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Nodes == nil {
		cfg.Nodes = func() int { return 1 }
	}
	if cfg.Took == nil {
		cfg.Took = func(time.Duration) {}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	l := &Limiter{&link{cfg: cfg, option: option, script: rueidis.NewLuaScript(limit.Script)}, limit.New(mostLocal), cfg.Refuse}
	if err := l.connect(context.Background()); err != nil {
		cfg.Logger.Warn("Redis can't be reached; limits are kept without it until it can", "error", err)
	}
	return l, nil
}

// Beside is a Limiter of the same Redis that remembers by itself, while Redis
// is away, in a memory of its own: for limits that strangers can fill one with.
// It never refuses for that: people sign in whatever becomes of Redis.
func (l *Limiter) Beside(memory *limit.Memory) *Limiter { return &Limiter{l.link, memory, false} }

// Take asks Redis, or decides without it where it is away.
func (l *Limiter) Take(ctx context.Context, now time.Time, takes ...limit.Take) (limit.Outcome, error) {
	at := time.Time{}
	if l.cfg.CallersClock {
		at = now
	}
	call := limit.NewCall(at, takes)
	if o, known := call.Known(now); known {
		return o, nil
	}
	there := l.there.Load()
	if there == nil {
		return l.alone(now, takes)
	}
	answer, err := l.ask(ctx, there, call)
	if err == nil {
		var o limit.Outcome
		if o, err = call.Outcome(now, answer); err == nil {
			l.byRedis.Add(1)
			return o, nil
		}
	}
	l.lose(there, err)
	return l.alone(now, takes)
}

// ask runs the script. Whether its caller still waits makes no difference: what
// Redis does then is known.
func (l *link) ask(ctx context.Context, there *connection, call *limit.Call) ([]int64, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.cfg.Timeout)
	defer cancel()
	start := l.cfg.Now()
	answer, err := l.script.Exec(ctx, there, call.Keys, call.Args).AsIntSlice()
	if err == nil {
		l.cfg.Took(l.cfg.Now().Sub(start))
	}
	return answer, err
}

// alone decides without Redis: about the share of this node, or not at all.
func (l *Limiter) alone(now time.Time, takes []limit.Take) (limit.Outcome, error) {
	if l.refuse {
		l.refused.Add(1)
		return limit.Outcome{}, ErrAway
	}
	nodes, mine := l.cfg.Nodes(), slices.Clone(takes)
	for i := range mine {
		mine[i].Rate = mine[i].Rate.Share(nodes)
	}
	o := l.local.Take(now, mine...)
	o.Degraded = true
	l.byShare.Add(1)
	return o, nil
}

// lose has all calls decided without Redis from now on, unless somebody has
// found it again meanwhile.
func (l *link) lose(there *connection, err error) {
	if l.there.CompareAndSwap(there, nil) {
		l.opened.Add(1)
		l.cfg.Logger.Warn("Redis is away; limits are kept without it until it is back", "error", err)
	}
}

// Run looks for Redis while it is away, until ctx is done.
func (l *link) Run(ctx context.Context) error {
	probe := time.NewTicker(probeEvery)
	defer probe.Stop()
	for {
		select {
		case <-ctx.Done():
			l.close()
			return nil
		case <-probe.C:
		}
		if !l.Degraded() {
			continue
		}
		if err := l.connect(ctx); err == nil {
			l.cfg.Logger.Info("Redis is back")
		}
	}
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.there.Store(nil)
	if l.last != nil {
		l.last.Close()
	}
}

// connect makes a new connection, sees that Redis answers on it, and has calls
// take it; the one before is closed then.
func (l *link) connect(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	client, err := rueidis.NewClient(l.option)
	if err != nil {
		return fmt.Errorf("connect to Redis: %w", err)
	}
	bound, cancel := context.WithTimeout(ctx, connectFor)
	defer cancel()
	// Not a ping: one that is full, or only to be read, answers that.
	probe := limit.NewCall(time.Time{}, []limit.Take{{Key: limit.For("probe", [16]byte{}), Rate: limit.Rate{Limit: limit.MaxLimit, Window: limit.MinWindow}}})
	if err := l.script.Exec(bound, client, probe.Keys, probe.Args).Error(); err != nil {
		client.Close()
		return fmt.Errorf("ask Redis: %w", err)
	}
	before, now := l.last, &connection{client}
	l.last = now
	l.there.Store(now)
	if before != nil {
		before.Close()
	}
	return nil
}

// Degraded reports whether Redis is away.
func (l *link) Degraded() bool { return l.there.Load() == nil }

// Stats counts what came of calls since the start.
type Stats struct {
	Redis, Share, Refused int64 // who decided
	Lost                  int64 // how often Redis went away
}

// Stats returns the counts.
func (l *link) Stats() Stats {
	return Stats{l.byRedis.Load(), l.byShare.Load(), l.refused.Load(), l.opened.Load()}
}
