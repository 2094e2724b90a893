package edge

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
)

// MostAddresses bounds how many addresses are remembered, at some 200 bytes
// each. Where more call at once, those that called least are forgotten first.
const MostAddresses = 1 << 16

// limitAddress refuses a call to a route that is limited by address, where the
// address has made its calls of this minute. It comes before all else, so that
// a refusal tells nothing and costs nothing. The operator is never limited.
func (h *handler) limitAddress(r *Request) error {
	cfg := &h.server.cfg
	if !h.route.ByAddress || cfg.Operator || cfg.AddressRate == 0 {
		return nil
	}
	o, err := cfg.Addresses.Take(r.Context(), cfg.Now(), limit.Take{
		Key: limit.ForAddress("sign in", r.Address), Rate: limit.Rate{Limit: cfg.AddressRate, Window: time.Minute},
	})
	if err != nil {
		cfg.Logger.Debug("a call that is limited by address can't be decided", "request", r.ID, "error", err)
		return credential.Errorf(credential.Unavailable, "no decision could be reached; try again")
	}
	left := credential.Limit{
		Limit: cfg.AddressRate, Remaining: o.Remaining, Reset: o.Reset, RetryAfter: o.RetryAfter,
		Window: time.Minute, Of: credential.SignInLimit, Degraded: o.Degraded,
	}
	h.tellLimit(r, left)
	if !o.Allowed {
		return &Denial{Code: credential.CodeRateLimited, Limit: left}
	}
	return nil
}

// tellLimit says what a limit has left: in the way of the surface, and in that
// of all.
func (h *handler) tellLimit(r *Request, l credential.Limit) {
	if l.Limit == 0 {
		return
	}
	header := r.writer.Header()
	if h.surface.WriteLimit != nil {
		h.surface.WriteLimit(header, l)
	}
	writeLimit(header, l, h.server.cfg.Now())
}

// writeLimit tells the policy that decides, and what is left of it
// (draft-ietf-httpapi-ratelimit-headers-11 sections 3 and 4). The time is the
// one within which no more than that can be used; of a refusal, that which
// Retry-After says too (section 6).
func writeLimit(h http.Header, l credential.Limit, now time.Time) {
	within := max(0, l.Reset.Sub(now))
	if l.RetryAfter > 0 {
		within = l.RetryAfter
	}
	name := `"` + string(l.Of) + `"`
	h.Add("RateLimit-Policy", name+";q="+strconv.Itoa(l.Limit)+";w="+seconds(l.Window))
	h.Add("RateLimit", name+";r="+strconv.Itoa(l.Remaining)+";t="+seconds(within))
}

// seconds rounds a length of time up to whole seconds.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
