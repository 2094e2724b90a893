package edge

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
)

// mostAddresses bounds how many addresses are remembered, at some 200 bytes
// each. Where more call at once, those that called least are forgotten first.
const mostAddresses = 1 << 16

// limitAddress refuses a call to a route that is limited by address, where the
// address has made its calls of this minute. It comes before all else, so that
// a refusal tells nothing and costs nothing. The operator is never limited.
func (h *handler) limitAddress(r *Request) error {
	cfg := &h.server.cfg
	if !h.route.ByAddress || cfg.Operator || cfg.AddressRate == 0 {
		return nil
	}
	o := h.server.addresses.Take(cfg.Now(), limit.Take{
		Key: limit.ForAddress("sign in", r.Address), Rate: limit.Rate{Limit: cfg.AddressRate, Window: time.Minute},
	})
	left := credential.Limit{Limit: o.Limit, Remaining: o.Remaining, Reset: o.Reset, RetryAfter: o.RetryAfter}
	if h.surface.WriteLimit != nil {
		h.surface.WriteLimit(r.writer.Header(), left)
	}
	if !o.Allowed {
		return &Denial{Code: credential.CodeRateLimited, Limit: left}
	}
	return nil
}
