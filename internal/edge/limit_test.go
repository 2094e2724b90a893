package edge

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
)

// The headers are structured fields: a name, and whole numbers of at most 15 digits.
func TestLimitHeaders(t *testing.T) {
	now := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		limit        credential.Limit
		policy, left string
	}{
		{credential.Limit{Limit: 60, Remaining: 12, Reset: now.Add(48 * time.Second), Window: time.Minute, Of: credential.CredentialLimit}, `"credential";q=60;w=60`, `"credential";r=12;t=48`},
		{credential.Limit{Limit: 60, Remaining: 59, Reset: now.Add(1), Window: time.Minute, Of: credential.SignInLimit}, `"sign-in";q=60;w=60`, `"sign-in";r=59;t=1`},
		{credential.Limit{Limit: 600, Reset: now.Add(time.Hour), RetryAfter: 6 * time.Second, Window: time.Hour, Of: credential.ProjectLimit}, `"project";q=600;w=3600`, `"project";r=0;t=6`},
		{credential.Limit{Limit: credential.MaxRequests, Remaining: credential.MaxRequests, Reset: now.Add(-time.Hour), Window: credential.MaxWindow, Of: credential.OrganizationLimit},
			`"organization";q=1000000000;w=2678400`, `"organization";r=1000000000;t=0`},
	} {
		h := http.Header{}
		writeLimit(h, tt.limit, now)
		if h.Get("RateLimit-Policy") != tt.policy || h.Get("RateLimit") != tt.left {
			t.Errorf("got %q and %q, want %q and %q", h.Get("RateLimit-Policy"), h.Get("RateLimit"), tt.policy, tt.left)
		}
	}
}

// A refusal says how many are allowed in which window, and whose they are.
func TestLimitWords(t *testing.T) {
	for window, want := range map[time.Duration]string{
		time.Second: "at most 5 a second;", time.Minute: "at most 5 a minute;", time.Hour: "at most 5 an hour;", 24 * time.Hour: "at most 5 a day;",
		7 * 24 * time.Hour: "at most 5 a week;", 90 * time.Second: "at most 5 in 90s;", 2 * time.Hour: "at most 5 in 2h;",
	} {
		d := &Denial{Code: credential.CodeRateLimited, Limit: credential.Limit{Limit: 5, Window: window, Of: credential.ProjectLimit, RetryAfter: 9 * time.Second}}
		if got := d.Error(); !strings.Contains(got, want) || !strings.Contains(got, "requests of the project") || !strings.HasSuffix(got, "again in 9 s") {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// broken is a Limiter that can't decide.
type broken struct{}

func (broken) Take(context.Context, time.Time, ...limit.Take) (limit.Outcome, error) {
	return limit.Outcome{}, errors.New("redis://:very-secret@cache is gone")
}

// Where it can't be known how often an address has called, nobody is let in,
// and nobody is told why. Every answer is counted by its route's pattern.
func TestLimitUndecided(t *testing.T) {
	counted := make(chan Answer, 2)
	route := Get("/limited/{id}", Public, func(*Request, None) (empty, error) { return empty{}, nil }).LimitedByAddress()
	url, _ := serve(t, Config{AddressRate: 1, Addresses: broken{}, Answered: func(a Answer) { counted <- a }}, route)
	if status, body := get(t, url+"/limited/x", nil); status != 503 || strings.Contains(body, "secret") {
		t.Errorf("got %d %s", status, body)
	}
	if status, _ := get(t, url+"/nowhere/x", nil); status != 404 {
		t.Errorf("got %d", status)
	}
	if one := <-counted; one.Route != "/limited/{id}" || one.Status != 503 || one.Method != "GET" {
		t.Errorf("got %+v", one)
	}
	if other := <-counted; other.Route != "" || other.Status != 404 {
		t.Errorf("got %+v", other)
	}
}
