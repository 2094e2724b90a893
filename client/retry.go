package client

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Options say how a client makes its calls. The zero value is good.
type Options struct {
	// Transport makes the connections; nil is http.DefaultTransport.
	Transport http.RoundTripper
	// Retries is how often a call is repeated at most: 3 times if zero, never
	// if negative.
	Retries int
	// Timeout bounds a call with all its repeats and the waits between them: 30
	// seconds if zero; if negative, that is left to the context.
	Timeout time.Duration
	// Attempt bounds each attempt at a call; zero: only the whole call is.
	Attempt time.Duration
	// LongestWait bounds the waits between attempts where the server doesn't say
	// how long to wait: 5 seconds if zero.
	LongestWait time.Duration
	// Patience is for how long a client waits where the server says so: a minute
	// if zero. Whoever is told to wait for longer is told so, and doesn't wait.
	Patience time.Duration
	// Waiting is told of each wait before it begins, and why: it may be nil.
	Waiting func(why error, wait time.Duration)
	// Now and Sleep are the clock, which tests may set.
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
}

// What Options stand for where they say nothing, and bounds of waits.
const (
	defaultRetries = 3
	defaultTimeout = 30 * time.Second
	firstWait      = 100 * time.Millisecond // at most, before the first repeat; twice that before the next
	longestWait    = 5 * time.Second
	patience       = time.Minute
)

func (o Options) withDefaults() Options {
	if o.Retries == 0 {
		o.Retries = defaultRetries
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.LongestWait == 0 {
		o.LongestWait = longestWait
	}
	if o.Patience == 0 {
		o.Patience = patience
	}
	if o.Waiting == nil {
		o.Waiting = func(error, time.Duration) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return o
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// NewIdempotencyKey returns a key that nobody has used. Make one for each thing
// that is to be made, keep it until the answer is there, and use it for nothing
// else.
func NewIdempotencyKey() string { return rand.Text() }

// safe reports whether a call may be made twice.
func (r Request) safe() bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	}
	return r.IdempotencyKey != ""
}

// failure is why an attempt came to nothing.
type failure struct {
	error
	again bool          // another attempt may do better
	after time.Duration // how long the server asks to wait first, if it says
}

func final(err error) *failure { return &failure{error: err} }

// unanswered is an attempt of which nobody knows what came of it. Another one
// meets the same certificate.
func unanswered(err error) *failure {
	var certificate *tls.CertificateVerificationError
	return &failure{error: err, again: !errors.As(err, &certificate)}
}

// Unexpected is an answer that is no success, and not of the API's form, such as
// one of a proxy before the server.
type Unexpected struct {
	Status int    // as a number
	Text   string // the status line
}

// Error implements error.
func (u *Unexpected) Error() string { return "the server answered " + u.Text }

// refused is an answer that is no success.
func (c *Client) refused(resp *http.Response, text []byte) *failure {
	f := &failure{after: retryAfter(resp.Header.Get("Retry-After"), c.options.Now(), c.options.Patience)}
	problem := &api.Problem{}
	if json.Unmarshal(text, problem) != nil || problem.Code == "" {
		f.error = &Unexpected{resp.StatusCode, resp.Status}
	} else {
		f.error = problem
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		f.again = problem.Code != budgetExceeded // that is renewed by the week
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		f.again = true
	case http.StatusConflict:
		f.again = problem.Code == "in_progress"
	}
	return f
}

// budgetExceeded is the code of what a budget has no room for.
const budgetExceeded = "budget_exceeded"

// retryAfter reads a Retry-After header (RFC 9110 section 10.2.3): seconds, or
// a date. What it doesn't understand is 0.
func retryAfter(text string, now time.Time, patience time.Duration) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(patience/time.Second)+1)) * time.Second // more is as good
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

// repeat makes attempts at a call until one is final.
func (c *Client) repeat(ctx context.Context, call Request) error {
	if c.options.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.options.Timeout)
		defer cancel()
	}
	for n := 0; ; n++ {
		f := c.once(ctx, call)
		if f == nil {
			return nil
		}
		wait := f.after
		if wait == 0 {
			wait = backoff(n, c.options.LongestWait)
		}
		if !f.again || !call.safe() || n >= c.options.Retries || !c.waits(ctx, wait) {
			return f.error
		}
		c.options.Waiting(f.error, wait)
		if err := c.options.Sleep(ctx, wait); err != nil {
			return fmt.Errorf("%w; %w", f.error, err)
		}
	}
}

// waits reports whether a wait is worth it: not if the call would be over.
func (c *Client) waits(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && wait <= c.options.Patience && (!ok || c.options.Now().Add(wait).Before(deadline))
}

// backoff is how long to wait before repeat n, from 0, where the server doesn't
// say: any time up to a bound that doubles, so that many callers who failed at
// once don't come back at once.
func backoff(n int, longest time.Duration) time.Duration {
	const doublings = 12 // and it is longer than anybody waits
	return mathrand.N(min(longest, firstWait<<min(n, doublings))) + 1
}
