package shared

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/limit/redistest"
)

// pair are two nodes on one Redis of their own, which know of each other.
func pair(t *testing.T, cfg Config) (*redistest.Server, []limit.Limiter) {
	t.Helper()
	s := redistest.Start(t)
	cfg.URL, cfg.Nodes, cfg.CallersClock = s.URL(), func() int { return 2 }, true
	return s, []limit.Limiter{running(t, cfg), running(t, cfg)}
}

func degraded(nodes []limit.Limiter) func() bool {
	return func() bool {
		return !slices.ContainsFunc(nodes, func(l limit.Limiter) bool { return !l.(*Limiter).Degraded() })
	}
}

func together(nodes []limit.Limiter) func() bool {
	return func() bool {
		return !slices.ContainsFunc(nodes, func(l limit.Limiter) bool { return l.(*Limiter).Degraded() })
	}
}

// spread has callers take on all nodes at once, and says how many passed, how
// many of all decisions were degraded, and how long the slowest took.
func spread(t *testing.T, nodes []limit.Limiter, now time.Time, limited limit.Take) (passed, alone int64, slowest time.Duration) {
	var let, degraded atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			before := time.Now()
			o, err := nodes[i%len(nodes)].Take(t.Context(), now, limited)
			took := time.Since(before)
			if err != nil {
				t.Error(err)
			}
			if o.Allowed {
				let.Add(1)
			}
			if o.Degraded {
				degraded.Add(1)
			}
			mu.Lock()
			slowest = max(slowest, took)
			mu.Unlock()
		})
	}
	wg.Wait()
	return let.Load(), degraded.Load(), slowest
}

// D-5, D-6: Redis is killed, and comes back empty: each node keeps to its share
// meanwhile, both to the limit again when it is back, and no more than a window
// is given out anew.
func TestD5_D6_Killed(t *testing.T) {
	t.Parallel()
	s, nodes := pair(t, Config{Timeout: 5 * time.Second})
	limited := fresh(limit.Rate{Limit: 61, Window: time.Hour})
	if passed, alone, _ := spread(t, nodes, start, limited); passed != 61 || alone != 0 {
		t.Errorf("at first: got %d through, %d of them degraded, want 61 and 0", passed, alone)
	}
	s.Kill()
	passed, alone, _ := spread(t, nodes, start, limited)
	if !degraded(nodes)() || alone != 200 || passed > 61+2 || passed != 31+31 {
		t.Errorf("while it is away: got %d through, %d decisions degraded, want 31 by each node", passed, alone)
	}
	if passed, _, slowest := spread(t, nodes, start, limited); passed != 0 || slowest > time.Second {
		t.Errorf("again: got %d through, the slowest after %v, want none, at once", passed, slowest)
	}
	s.Restart()
	eventually(t, "Redis is found again", 2*time.Second, together(nodes))
	if passed, alone, _ := spread(t, nodes, start, limited); passed != 61 || alone != 0 {
		t.Errorf("back, and empty: got %d through, %d degraded, want a window more", passed, alone)
	}
	if passed, _, _ := spread(t, nodes, start, limited); passed != 0 {
		t.Errorf("and again: got %d through, want none", passed)
	}
	if got := nodes[0].(*Limiter).Stats(); got.Lost != 1 || got.Redis == 0 || got.Share == 0 || got.Refused != 0 {
		t.Errorf("got %+v", got)
	}
}

// D-6: a Redis that hangs holds nobody up for longer than the bound, and that
// only those who asked before it was known.
func TestD6_Hung(t *testing.T) {
	t.Parallel()
	const bound = time.Second
	s, nodes := pair(t, Config{Timeout: bound})
	limited := fresh(limit.Rate{Limit: 10, Window: time.Hour})
	eventually(t, "Redis is there", 2*time.Second, together(nodes))
	s.Hang()
	passed, _, slowest := spread(t, nodes, start, limited)
	if passed != 5+5 || slowest > bound+time.Second || !degraded(nodes)() {
		t.Errorf("while it hangs: got %d through, the slowest after %v, want 5 by each node after %v at most", passed, slowest, bound)
	}
	if _, alone, slowest := spread(t, nodes, start, limited); alone != 200 || slowest > bound/2 {
		t.Errorf("once that is known: got %d decisions degraded, the slowest after %v, want all, at once", alone, slowest)
	}
	s.Resume()
	eventually(t, "Redis is found again", 2*time.Second, together(nodes))
}

// TestRefuse: where that is asked for nothing is decided without Redis.
func TestRefuse(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	l := running(t, Config{URL: s.URL(), Refuse: true, Timeout: 5 * time.Second})
	limited := fresh(limit.Rate{Limit: 10, Window: time.Hour})
	take(t, l, start, limited)
	s.Kill()
	for range 3 {
		if o, err := l.Take(t.Context(), start, limited); !errors.Is(err, ErrAway) || o.Allowed {
			t.Errorf("got %+v, %v, want that it is away", o, err)
		}
	}
	if o := take(t, l, start); !o.Allowed {
		t.Errorf("without a limit: got %+v", o)
	}
	if got := l.Stats(); got.Refused != 3 || got.Share != 0 {
		t.Errorf("got %+v, want 3 refused", got)
	}
	s.Restart()
	eventually(t, "Redis is found again", 2*time.Second, func() bool { return !l.Degraded() })
	take(t, l, start, limited)
}

// TestStartsWithout: a node starts without Redis, and finds it later.
func TestStartsWithout(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	s.Kill()
	var said bytes.Buffer
	url := strings.Replace(s.URL(), "redis://", "redis://gate:very-secret@", 1)
	l, err := New(Config{URL: url, Logger: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil || !l.Degraded() {
		t.Fatalf("got %v, degraded %v", err, l.Degraded())
	}
	if o := take(t, l, start, fresh(limit.Rate{Limit: 2, Window: time.Hour})); !o.Allowed || !o.Degraded {
		t.Errorf("got %+v, want the share of the only node", o)
	}
	if text := said.String(); !strings.Contains(text, "can't be reached") || strings.Contains(text, "secret") {
		t.Errorf("got the log %q", text)
	}
	later := running(t, Config{URL: s.URL()})
	s.Restart()
	eventually(t, "Redis is found", 2*time.Second, func() bool { return !later.Degraded() })
}

// TestGoneCaller: one who doesn't wait any more takes Redis from nobody.
func TestGoneCaller(t *testing.T) {
	t.Parallel()
	l, limited := told(t), fresh(limit.Rate{Limit: 2, Window: time.Hour})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if o, err := l.Take(gone, start, limited); err != nil || !o.Allowed || o.Degraded || l.Degraded() {
		t.Errorf("got %+v, %v", o, err)
	}
}

// TestBeside: limits that strangers can fill a memory with push no others out.
func TestBeside(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	l := running(t, Config{URL: s.URL(), Timeout: 5 * time.Second})
	small := l.Beside(limit.New(10))
	refusing := running(t, Config{URL: s.URL(), Timeout: 5 * time.Second, Refuse: true})
	s.Kill()
	if o := take(t, refusing.Beside(limit.New(10)), start, fresh(limit.Rate{Limit: 1, Window: time.Hour})); !o.Allowed || !o.Degraded {
		t.Errorf("beside one that refuses: got %+v", o)
	}
	mine := fresh(limit.Rate{Limit: 1, Window: time.Hour})
	take(t, l, start, mine)
	for range 100 {
		take(t, small, start, fresh(limit.Rate{Limit: 1, Window: time.Hour}))
	}
	if take(t, l, start, mine).Allowed {
		t.Error("a limit was forgotten for those of strangers")
	}
}

// K-2: Redis holds numbers, ids and addresses, and forgets them by itself.
func TestK2_WhatRedisHolds(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	l := running(t, Config{URL: s.URL(), Timeout: patient})
	for range 20 {
		take(t, l, start, fresh(limit.Rate{Limit: 5, Window: time.Minute}), fresh(limit.Rate{Limit: 5, Window: limit.MaxWindow}))
	}
	for key, held := range contents(t, s) {
		if !strings.HasPrefix(key, "gatehouse:{limit}:") || strings.Trim(held.value, "0123456789 ") != "" {
			t.Errorf("Redis holds %q = %q", key, held.value)
		}
		if held.ttl <= 0 || held.ttl > 2*limit.MaxWindow {
			t.Errorf("Redis holds %q for %v", key, held.ttl)
		}
	}
}

type held struct {
	value string
	ttl   time.Duration
}

func contents(t *testing.T, s *redistest.Server) map[string]held {
	t.Helper()
	option, err := parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	c, err := rueidis.NewClient(option)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	keys, err := c.Do(t.Context(), c.B().Keys().Pattern("*").Build()).AsStrSlice()
	if err != nil || len(keys) < 40 {
		t.Fatalf("got %d keys, %v", len(keys), err)
	}
	all := map[string]held{}
	for _, key := range keys {
		value, err := c.Do(t.Context(), c.B().Get().Key(key).Build()).ToString()
		if err != nil {
			t.Fatal(err)
		}
		ms, err := c.Do(t.Context(), c.B().Pttl().Key(key).Build()).AsInt64()
		if err != nil {
			t.Fatal(err)
		}
		all[key] = held{value, time.Duration(ms) * time.Millisecond}
	}
	return all
}

// TestURL: what is refused isn't repeated, since a password may stand in it.
func TestURL(t *testing.T) {
	for text, good := range map[string]bool{
		"redis://127.0.0.1": true, "redis://cache:6379/2": true, "rediss://user:very-secret@cache.example:6380/0": true, "redis://[::1]:6379": true,
		"": false, "127.0.0.1:6379": false, "http://very-secret@cache": false, "redis://": false, "redis:///0": false, "redis://cache/very-secret": false,
		"redis://cache/0?password=very-secret": false, "redis://cache#very-secret": false, "redis://user:very-secret@ca che": false, "unix:///run/redis": false,
	} {
		err := CheckURL(text)
		if (err == nil) != good || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
