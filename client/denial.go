package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/api"
)

// denial is a refusal as the caller of a guarded service gets it. It says no
// more than the status does: of a secret that is revoked, and of one that never
// was, it says the same.
type denial struct {
	status       int
	code, detail string
	challenge    string // WWW-Authenticate (RFC 6750 section 3)
	after        string // Retry-After
}

// absent refuses a request without a credential that is understood here.
// RFC 6750 section 3.1: it is told of no error.
func (g *Guard) absent() *denial {
	return &denial{status: http.StatusUnauthorized, code: "unauthenticated",
		detail: "present a credential, for example: Authorization: Bearer …", challenge: g.challenge("", "")}
}

func (g *Guard) misused(detail string) *denial {
	return &denial{status: http.StatusBadRequest, code: "bad_request", detail: detail, challenge: g.challenge("invalid_request", "")}
}

// undecided refuses what nobody could decide.
func undecided() *denial {
	return &denial{status: http.StatusServiceUnavailable, code: "unavailable",
		detail: "whether the credential may do this can't be found out right now; try again later", after: "1"}
}

// denied turns the code of a decision into a refusal. One that is new means no
// as well.
func (g *Guard) denied(d *api.Decision, permission string) *denial {
	switch code := d.Code; code {
	case "insufficient_scope":
		return &denial{status: http.StatusForbidden, code: code,
			detail: "the scopes of the credential don't include " + permission, challenge: g.challenge(code, permission)}
	case "forbidden", "address_denied":
		return &denial{status: http.StatusForbidden, code: "forbidden", detail: "the credential may not do this"}
	case "rate_limited":
		after := 60 // of a server that doesn't tell: its limits are per minute
		if d.Limits != nil && d.Limits.RetryAfter > 0 {
			after = d.Limits.RetryAfter
		}
		return &denial{status: http.StatusTooManyRequests, code: code, detail: fmt.Sprintf("too many requests; try again in %d s", after), after: strconv.Itoa(after)}
	case "budget_exceeded":
		after := int64(3600) // of a server that doesn't tell
		if d.Budget != nil && d.Budget.RetryAfter > 0 {
			after = d.Budget.RetryAfter
		}
		return &denial{status: http.StatusTooManyRequests, code: code, detail: "the weekly budget has no room for this call", after: strconv.FormatInt(after, 10)}
	}
	return &denial{status: http.StatusUnauthorized, code: "invalid_credential",
		detail: "the credential is not valid", challenge: g.challenge("invalid_token", "")}
}

func (g *Guard) challenge(code, scope string) string {
	text := `Bearer realm="` + g.o.Realm + `"`
	if code != "" {
		text += `, error="` + code + `"`
	}
	if scope = quotable(scope); scope != "" {
		text += `, scope="` + scope + `"`
	}
	return text
}

// quotable keeps what may stand in a quoted string of a header.
func quotable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}

// write answers with a problem (RFC 9457).
func (d *denial) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if d.challenge != "" {
		h.Set("WWW-Authenticate", d.challenge)
	}
	if d.after != "" {
		h.Set("Retry-After", d.after)
	}
	w.WriteHeader(d.status)
	_ = json.NewEncoder(w).Encode(api.Problem{ // who is gone can't be told
		Type: "about:blank", Title: http.StatusText(d.status), Status: d.status, Detail: d.detail, Code: d.code,
	})
}
