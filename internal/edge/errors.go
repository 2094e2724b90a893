package edge

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Denial is a decision against the caller's own credential. A zero Code means
// that none was presented.
type Denial struct {
	Code       credential.Code
	Permission credential.Permission
	// Token means that an access token was presented.
	Token bool
	// Limit is what too many requests met.
	Limit credential.Limit
	// Budget is the one that is used up.
	Budget credential.Budget
	// Nowhere means that a user has signed in and acts in no organization.
	Nowhere bool
}

// Error says what the holder of the credential can do about it.
func (d *Denial) Error() string {
	switch d.Code {
	case "":
		return "present a credential, for example: Authorization: Bearer …"
	case credential.CodeRevoked:
		return "the credential is revoked"
	case credential.CodeSuspended:
		return "the credential is suspended; its organization can resume it"
	case credential.CodeExpired:
		return "the credential has expired"
	case credential.CodeNotYetValid:
		return "the credential is not valid yet"
	case credential.CodeOwnerInactive:
		return "the owner of the credential is not in service"
	case credential.CodeAudience:
		return "credentials of this mode are not accepted here"
	case credential.CodeAddress:
		return "the credential may not be used from this address"
	case credential.CodeScope:
		return "the scopes of the credential don't include " + string(d.Permission)
	case credential.CodeRateLimited:
		return fmt.Sprintf("too many requests%s: at most %d %s; try again in %d s", whose[d.Limit.Of], d.Limit.Limit, every(d.Limit.Window), int(d.Limit.RetryAfter.Seconds()))
	case credential.CodeBudget:
		b := &d.Budget
		return fmt.Sprintf("the weekly budget of the %s has no room for this call: %d of %d coins are spent; it is renewed at %s", b.Of, b.Used, b.Coins, b.ResetsAt.UTC().Format(time.RFC3339))
	case credential.CodeForbidden:
		if d.Nowhere {
			return "this is done in an organization; name yours in the header Gatehouse-Organization"
		}
		return "the role of the credential's owner doesn't allow " + string(d.Permission)
	}
	return "the credential is not valid"
}

// whose says whose requests were too many, where they aren't the caller's alone.
var whose = map[credential.LimitOf]string{
	credential.ProjectLimit: " of the project", credential.OrganizationLimit: " of the organization",
	credential.AddressLimit: " from this address",
}

// every says a window in words.
func every(window time.Duration) string {
	switch window {
	case time.Second:
		return "a second"
	case 0, time.Minute:
		return "a minute"
	case time.Hour:
		return "an hour"
	case 24 * time.Hour:
		return "a day"
	case 7 * 24 * time.Hour:
		return "a week"
	}
	return "in " + credential.SpellSpan(window)
}

// Status is 401 for who, 403 for may not.
func (d *Denial) Status() int {
	switch d.Code {
	case credential.CodeScope, credential.CodeForbidden, credential.CodeAddress:
		return http.StatusForbidden
	case credential.CodeRateLimited, credential.CodeBudget:
		return http.StatusTooManyRequests
	}
	return http.StatusUnauthorized
}

// RetryAfter is when another try can succeed, in whole seconds.
func (d *Denial) RetryAfter() time.Duration {
	wait := d.Limit.RetryAfter
	if d.Code == credential.CodeBudget {
		wait = d.Budget.RetryAfter
	}
	return max(time.Second, (wait + time.Second - 1).Truncate(time.Second))
}

// PublicCode is the code that may be shown: that a secret is unknown and that
// it is malformed are the same to whoever presents it.
func (d *Denial) PublicCode() string {
	switch d.Code {
	case "":
		return string(credential.Unauthenticated)
	case credential.CodeUnknown, credential.CodeMalformed:
		return "invalid_credential"
	}
	return string(d.Code)
}

// Challenge is the WWW-Authenticate header (RFC 6750 section 3). Without a
// credential it carries no error (section 3.1).
func (d *Denial) Challenge() string {
	switch {
	case d.Code == "":
		return `Bearer realm="gatehouse"`
	case d.Code == credential.CodeScope:
		return `Bearer realm="gatehouse", error="insufficient_scope", scope="` + quotable(string(d.Permission)) + `"`
	case d.Status() == http.StatusUnauthorized:
		return `Bearer realm="gatehouse", error="invalid_token", error_description="` + d.Error() + `"`
	}
	return ""
}

// misuse is a request that presents credentials as none can be presented.
type misuse struct{ error }

// Challenge is the WWW-Authenticate header (RFC 6750 section 3.1).
func (*misuse) Challenge() string { return `Bearer realm="gatehouse", error="invalid_request"` }

// Unwrap returns the reason.
func (m *misuse) Unwrap() error { return m.error }

// quotable keeps what may stand in a quoted string of a header.
func quotable(text string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}

// Failure is an error in the form that a surface shapes into a body.
type Failure struct {
	Status int
	Code   string
	Detail string
	Field  string
	// Allowed is what may stand in the field, where that is a list.
	Allowed []string
	// Request is the one that failed; nil in documents.
	Request *http.Request
	// Denied is the decision behind it, where there is one.
	Denied *Denial
}

// statuses maps each kind of error to its HTTP status: the one such table.
var statuses = map[credential.ErrorKind]int{
	credential.BadRequest:         http.StatusBadRequest,
	credential.Invalid:            http.StatusUnprocessableEntity,
	credential.Unauthenticated:    http.StatusUnauthorized,
	credential.Forbidden:          http.StatusForbidden,
	credential.NotFound:           http.StatusNotFound,
	credential.MethodNotAllowed:   http.StatusMethodNotAllowed,
	credential.NotAcceptable:      http.StatusNotAcceptable,
	credential.Conflict:           http.StatusConflict,
	credential.PreconditionFailed: http.StatusPreconditionFailed,
	credential.LimitReached:       http.StatusConflict,
	credential.InProgress:         http.StatusConflict,
	credential.Damaged:            http.StatusConflict,
	credential.TooLarge:           http.StatusRequestEntityTooLarge,
	credential.UnsupportedMedia:   http.StatusUnsupportedMediaType,
	credential.CodeRequired:       http.StatusUnauthorized,
	credential.CodeWrong:          http.StatusUnauthorized,
	credential.TooMany:            http.StatusTooManyRequests,
	credential.InvalidClient:      http.StatusUnauthorized,
	credential.InvalidScope:       http.StatusBadRequest,
	credential.UnsupportedGrant:   http.StatusBadRequest,
	credential.InvalidTarget:      http.StatusBadRequest,
	credential.StorageFull:        http.StatusInsufficientStorage,
	credential.Unavailable:        http.StatusServiceUnavailable,
}

// failureOf classifies an error. What nobody classified is a 500 without detail.
func failureOf(err error) Failure {
	var denial *Denial
	if errors.As(err, &denial) {
		return Failure{Status: denial.Status(), Code: denial.PublicCode(), Detail: denial.Error(), Denied: denial}
	}
	var e *credential.Error
	if errors.As(err, &e) && statuses[e.Kind] != 0 {
		return Failure{Status: statuses[e.Kind], Code: string(e.Kind), Detail: e.Detail, Field: e.Field, Allowed: e.Allowed}
	}
	return Failure{Status: http.StatusInternalServerError, Code: "internal", Detail: "something went wrong here; the server's log says what, under the request id"}
}

// WriteProblem shapes an error as a problem (RFC 9457).
func WriteProblem(w http.ResponseWriter, f Failure, requestID string) {
	body, err := json.Marshal(api.Problem{
		Type: "about:blank", Title: http.StatusText(f.Status), Status: f.Status,
		Detail: f.Detail, Code: f.Code, Field: f.Field, RequestID: requestID,
	})
	if err != nil { // a name in the request that is no UTF-8
		body = []byte(`{"type":"about:blank","title":"Bad Request","status":400,"code":"bad_request"}`)
		f.Status = http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(f.Status)
	_, _ = w.Write(body)
}
