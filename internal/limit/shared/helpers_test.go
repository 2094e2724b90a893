package shared

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/limit/redistest"
)

var start = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

// patient is a time-out that no busy machine reaches.
const patient = 30 * time.Second

// running makes a Limiter that runs until the test ends.
func running(t testing.TB, cfg Config) *Limiter {
	t.Helper()
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l
}

// told makes a Limiter that goes by the caller's clock.
func told(t testing.TB) *Limiter {
	return running(t, Config{URL: redistest.URL(t), Timeout: patient, CallersClock: true})
}

// fresh is a take of something that nobody else takes.
func fresh(r limit.Rate) limit.Take { return limit.Take{Key: limit.ForCredential(uuid.New()), Rate: r} }

func take(t testing.TB, l limit.Limiter, now time.Time, takes ...limit.Take) limit.Outcome {
	t.Helper()
	o, err := l.Take(t.Context(), now, takes...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// exhaust takes until it is refused, and says how often it was not.
func exhaust(t testing.TB, l limit.Limiter, now time.Time, takes ...limit.Take) (n int) {
	t.Helper()
	for take(t, l, now, takes...).Allowed {
		n++
	}
	return n
}

// eventually waits for what other processes do.
func eventually(t testing.TB, what string, within time.Duration, is func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, within)
		}
	}
}
