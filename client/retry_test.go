package client_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// reply is what a server says to one attempt. Without a status it says nothing
// and hangs up; with cut it hangs up in the middle of it.
type reply struct {
	status int
	after  string // Retry-After
	body   string
	cut    bool
}

const (
	fine        = `{"code":"ok","active":true}`
	unavailable = `{"status":503,"code":"unavailable","detail":"later"}`
	inProgress  = `{"status":409,"code":"in_progress","detail":"it runs"}`
)

// patient is a client of a server that says one reply after the other, with a
// clock that goes on while it waits.
type patient struct {
	*client.Client
	mu    sync.Mutex
	got   []seen
	waits []time.Duration
	now   time.Time
}

func newPatient(t *testing.T, o client.Options, replies ...reply) *patient {
	t.Helper()
	p := &patient{now: time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		defer p.mu.Unlock()
		say := replies[min(len(p.got), len(replies)-1)]
		p.got = append(p.got, seen{r.Method, r.URL.Path, r.URL.RawQuery, string(text), r.Header.Clone(), r.URL.EscapedPath()})
		if say.after != "" {
			w.Header().Set("Retry-After", say.after)
		}
		if say.cut {
			w.Header().Set("Content-Length", "1000")
		}
		if say.status != 0 {
			w.WriteHeader(say.status)
			_, _ = io.WriteString(w, say.body)
		}
		if say.status == 0 || say.cut {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(server.Close)
	o.Transport = &http.Transport{DisableKeepAlives: true} // with them, net/http repeats some attempts by itself
	o.Now = func() time.Time { return p.now }
	o.Sleep = func(ctx context.Context, d time.Duration) error {
		p.waits = append(p.waits, d)
		p.now = p.now.Add(d)
		return ctx.Err()
	}
	p.Client = client.NewWithOptions(server.URL, "the-token", o)
	return p
}

// attempts returns what the server got.
func (p *patient) attempts() []seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got
}

// TestRepeatsWhatIsSafe: whatever may be made twice is, and nothing else.
func TestRepeatsWhatIsSafe(t *testing.T) {
	for _, c := range []struct {
		method, path, key string
		in                any
		again             bool
	}{
		{"GET", "/v1/self", "", nil, true},
		{"HEAD", "/v1/self", "", nil, true},
		{"PUT", "/v1/x", "", api.SetRole{}, true},
		{"DELETE", "/v1/x", "", nil, true},
		{"POST", "/v1/verify", "once", api.Verify{}, true},
		{"POST", "/v1/credentials", "once", api.CreateCredential{}, true},
		{"PATCH", "/v1/credentials/1", "once", api.UpdateCredential{}, true},
		{"POST", "/v1/verify", "", api.Verify{}, false},
		{"POST", "/v1/verify", "", api.CreateProject{}, false},
		{"POST", "/v1/verify/x", "", api.Verify{}, false},
		{"POST", "/v1/credentials", "", api.CreateCredential{}, false},
		{"POST", "/v1/credentials/1/rotate", "", api.RotateCredential{}, false},
		{"POST", "/v1/credentials/1/revoke", "", nil, false},
		{"PATCH", "/v1/credentials/1", "", api.UpdateCredential{}, false},
	} {
		for name, say := range map[string]reply{
			"no answer": {}, "half an answer": {status: 200, body: `{"id":`, cut: true}, "429": {status: 429, body: `{"code":"rate_limited"}`},
			"502": {status: 502}, "503": {status: 503, body: unavailable}, "504": {status: 504}, "in progress": {status: 409, body: inProgress},
		} {
			if c.method == "HEAD" && say.body != "" {
				continue
			}
			p := newPatient(t, client.Options{}, say, say, reply{status: 200, body: "{}"})
			err := p.Do(t.Context(), client.Request{Method: c.method, Path: c.path, In: c.in, IdempotencyKey: c.key})
			want := map[bool]int{true: 3, false: 1}[c.again]
			if len(p.attempts()) != want || (err == nil) != c.again {
				t.Errorf("%s %s %q after %s: got %d attempts, %v; want %d", c.method, c.path, c.key, name, len(p.attempts()), err, want)
			}
			for _, got := range p.attempts() {
				if got.header.Get("Idempotency-Key") != c.key || got.body != p.attempts()[0].body || got.header.Get("Authorization") != "Bearer the-token" {
					t.Errorf("%s %s: the attempts differ: %+v", c.method, c.path, p.attempts())
				}
			}
		}
	}
}

// TestFinalAnswers: what another attempt can't change isn't attempted again.
func TestFinalAnswers(t *testing.T) {
	for _, say := range []reply{
		{status: 200, body: "no JSON"}, {status: 302}, {status: 400, body: `{"code":"bad_request"}`}, {status: 401, body: `{"code":"revoked"}`},
		{status: 403, body: `{"code":"forbidden"}`}, {status: 404}, {status: 409, body: `{"code":"conflict"}`}, {status: 409}, {status: 422},
		{status: 500, body: `{"code":"internal"}`}, {status: 507, body: `{"code":"storage_full"}`, after: "1"},
	} {
		p := newPatient(t, client.Options{}, say)
		var out api.Self
		if err := p.Call(t.Context(), "GET", "/v1/self", nil, &out); err == nil || len(p.attempts()) != 1 {
			t.Errorf("%+v: got %d attempts, %v; want one, and an error", say, len(p.attempts()), err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	const second = time.Second
	for after, want := range map[string]time.Duration{
		"1": second, "60": 60 * second, "Tue, 24 Nov 2026 05:00:07 GMT": 7 * second, "61": -1, "99999999999999999999": -1, "9223372036": -1,
		"Tue, 24 Nov 2026 06:00:00 GMT": -1,
	} {
		p := newPatient(t, client.Options{Timeout: -1}, reply{status: 503, body: unavailable, after: after}, reply{status: 200, body: "{}"})
		err := p.Call(t.Context(), "GET", "/v1/self", nil, nil)
		if want < 0 { // it isn't waited for
			var problem *api.Problem
			if !errors.As(err, &problem) || len(p.attempts()) != 1 || len(p.waits) != 0 {
				t.Errorf("Retry-After %s: got %v after %d attempts, waits %v; want the refusal at once", after, err, len(p.attempts()), p.waits)
			}
		} else if err != nil || !slices.Equal(p.waits, []time.Duration{want}) {
			t.Errorf("Retry-After %s: got %v after waits %v, want %v", after, err, p.waits, want)
		}
	}
}

// TestBackoff: where the server doesn't say how long to wait, each wait is
// anything up to a bound that doubles.
func TestBackoff(t *testing.T) {
	for _, after := range []string{"", "0", "-1", "soon", "1.5", "Tue, 24 Nov 2020 05:00:00 GMT"} {
		p := newPatient(t, client.Options{Retries: 70, Timeout: -1}, reply{status: 503, body: unavailable, after: after})
		err := p.Call(t.Context(), "GET", "/v1/self", nil, nil)
		if err == nil || err.Error() != "later" || len(p.attempts()) != 71 || len(p.waits) != 70 {
			t.Fatalf("Retry-After %q: got %v after %d attempts and %d waits, want the refusal after 71", after, err, len(p.attempts()), len(p.waits))
		}
		bound, distinct := 100*time.Millisecond, map[time.Duration]bool{}
		for i, wait := range p.waits {
			if wait <= 0 || wait > bound {
				t.Errorf("wait %d is %v, want at most %v", i, wait, bound)
			}
			bound = min(2*bound, 5*time.Second)
			distinct[wait] = true
		}
		if len(distinct) < 60 {
			t.Errorf("the waits don't vary: %v", p.waits)
		}
	}
}

func TestHowOften(t *testing.T) {
	for retries, want := range map[int]int{0: 4, 1: 2, 5: 6, -1: 1} {
		p := newPatient(t, client.Options{Retries: retries}, reply{})
		if err := p.Call(t.Context(), "GET", "/v1/self", nil, nil); err == nil || len(p.attempts()) != want {
			t.Errorf("%d retries: got %d attempts, %v; want %d and an error", retries, len(p.attempts()), err, want)
		}
	}
	p := newPatient(t, client.Options{}, reply{status: 200, body: fine})
	if _, err := p.Verify(t.Context(), api.Verify{}); err != nil || len(p.attempts()) != 1 {
		t.Errorf("a good answer: got %v after %d attempts", err, len(p.attempts()))
	}
}

// TestRepeatsEndInTime: no wait begins that the time limit wouldn't outlast,
// and whoever gives up isn't kept.
func TestRepeatsEndInTime(t *testing.T) {
	p := newPatient(t, client.Options{Retries: 9}, reply{status: 503, body: unavailable, after: "4"})
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Hour))
	defer cancel()
	p.now = time.Now().Add(time.Hour - 10*time.Second)
	if err := p.Call(ctx, "GET", "/v1/self", nil, nil); err == nil || len(p.attempts()) > 1 {
		t.Errorf("the own limit of 30 s is over, and it made %d attempts: %v", len(p.attempts()), err)
	}
	p = newPatient(t, client.Options{Retries: 9, Timeout: -1}, reply{status: 503, body: unavailable, after: "4"})
	p.now = time.Now().Add(time.Hour - 10*time.Second)
	var problem *api.Problem
	if err := p.Call(ctx, "GET", "/v1/self", nil, nil); !errors.As(err, &problem) || len(p.attempts()) != 3 {
		t.Errorf("two waits of 4 s fit into 10 s: got %d attempts, %v", len(p.attempts()), err)
	}

	p = newPatient(t, client.Options{}, reply{status: 503, body: unavailable})
	ctx, cancel = context.WithCancel(t.Context())
	o := client.Options{Sleep: func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }}
	server, _ := answering(t, 503, unavailable)
	if err := client.NewWithOptions(server.URL, "t", o).Call(ctx, "GET", "/v1/self", nil, nil); !errors.Is(err, context.Canceled) || !errors.As(err, &problem) {
		t.Errorf("given up while it waits: got %v", err)
	}
	if err := p.Call(ctx, "GET", "/v1/self", nil, nil); !errors.Is(err, context.Canceled) || len(p.attempts()) != 0 || len(p.waits) != 0 {
		t.Errorf("given up before: got %v after %d attempts", err, len(p.attempts()))
	}
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	err := client.NewWithOptions(server.URL, "t", client.Options{Timeout: time.Millisecond}).Call(t.Context(), "GET", "/v1/self", nil, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that doesn't answer: got %v", err)
	}
}

// TestWrongCertificate: who answers for another isn't asked again.
func TestWrongCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	waits := 0
	o := client.Options{Transport: &http.Transport{}, Sleep: func(context.Context, time.Duration) error { waits++; return nil }}
	if err := client.NewWithOptions(server.URL, "t", o).Call(t.Context(), "GET", "/", nil, nil); err == nil || waits != 0 || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v after %d waits, want no repeat", err, waits)
	}
}

func TestNewIdempotencyKey(t *testing.T) {
	one, two := client.NewIdempotencyKey(), client.NewIdempotencyKey()
	if one == two || len(one) < 22 || strings.Trim(one, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		t.Errorf("got %q and %q", one, two)
	}
}

// TestPatience wants a client that is told to be patient to wait as long as the
// server says, to say so, and not to wait for what takes a week.
func TestPatience(t *testing.T) {
	var told []string
	o := client.Options{Patience: 10 * time.Minute, Timeout: time.Hour, Waiting: func(why error, wait time.Duration) {
		told = append(told, why.Error()+" "+wait.String())
	}}
	p := newPatient(t, o, reply{status: 408}, reply{status: 425, after: "2"}, reply{status: 503, body: unavailable, after: "300"}, reply{status: 200, body: fine})
	if err := p.Call(t.Context(), http.MethodGet, "/v1/self", nil, nil); err != nil || len(p.waits) != 3 || p.waits[1] != 2*time.Second || p.waits[2] != 5*time.Minute {
		t.Errorf("waited %v, %v", p.waits, err)
	}
	if len(told) != 3 || !strings.HasPrefix(told[0], "the server answered 408 ") || told[2] != "503: later 5m0s" && !strings.Contains(told[2], "later") {
		t.Errorf("told: %q", told)
	}
	spent := newPatient(t, o, reply{status: 429, after: "1", body: `{"status":429,"code":"budget_exceeded","detail":"it is spent"}`}, reply{status: 200, body: fine})
	if err := spent.Call(t.Context(), http.MethodGet, "/v1/self", nil, nil); err == nil || len(spent.got) != 1 {
		t.Errorf("of a budget that is spent: %v after %d attempts", err, len(spent.got))
	}
	slow := newPatient(t, client.Options{Attempt: time.Nanosecond, Retries: 2}, reply{status: 200, body: fine})
	if err := slow.Call(t.Context(), http.MethodGet, "/v1/self", nil, nil); err == nil || len(slow.waits) != 2 {
		t.Errorf("attempts that take too long: %v after %d waits", err, len(slow.waits))
	}
	var bodies []string
	again := newPatient(t, client.Options{}, reply{status: 503}, reply{status: 200, body: fine})
	call := client.Request{Method: http.MethodPut, Path: "/v1/x", Type: "text/plain", Encoding: "gzip", Length: 4, Body: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("body")), nil
	}}
	if err := again.Do(t.Context(), call); err != nil {
		t.Error(err)
	}
	for _, got := range again.got {
		bodies = append(bodies, got.body, got.header.Get("Content-Encoding"), got.header.Get("Content-Length"), got.header.Get("Content-Type"))
	}
	if want := []string{"body", "gzip", "4", "text/plain", "body", "gzip", "4", "text/plain"}; !slices.Equal(bodies, want) {
		t.Errorf("bodies: %q, want %q", bodies, want)
	}
}
