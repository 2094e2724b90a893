package credential

import "fmt"

// ErrorKind says what sort of failure an error is. A kind is itself an error,
// so that errors.Is(err, credential.NotFound) asks the question directly.
type ErrorKind string

// The kinds of failure that callers tell apart.
const (
	BadRequest         ErrorKind = "bad_request"            // can't be parsed
	Invalid            ErrorKind = "invalid"                // a value is wrong; Field names it
	Unauthenticated    ErrorKind = "unauthenticated"        // no valid credential
	Forbidden          ErrorKind = "forbidden"              // not this principal
	NotFound           ErrorKind = "not_found"              // absent, or another organization's
	MethodNotAllowed   ErrorKind = "method_not_allowed"     // the path exists, the method does not
	NotAcceptable      ErrorKind = "not_acceptable"         // the answer has no such media type
	Conflict           ErrorKind = "conflict"               // the present state does not allow it
	PreconditionFailed ErrorKind = "precondition_failed"    // If-Match names another state of it
	LimitReached       ErrorKind = "limit_reached"          // the scheme's count limit
	InProgress         ErrorKind = "in_progress"            // the first call with this Idempotency-Key still runs
	Damaged            ErrorKind = "damaged"                // a stored record can't be read
	TooLarge           ErrorKind = "too_large"              // body or header over its bound
	UnsupportedMedia   ErrorKind = "unsupported_media_type" // not the content type of the route
	CodeRequired       ErrorKind = "two_factor_required"    // the password was right, a code is missing
	CodeWrong          ErrorKind = "two_factor_invalid"     // the code is wrong, or was used before
	TooMany            ErrorKind = "too_many"               // tries in too short a time
	InvalidClient      ErrorKind = "invalid_client"         // RFC 6749 section 5.2
	InvalidScope       ErrorKind = "invalid_scope"          // RFC 6749 section 5.2
	UnsupportedGrant   ErrorKind = "unsupported_grant_type" // RFC 6749 section 5.2
	InvalidTarget      ErrorKind = "invalid_target"         // RFC 8693 section 2.2.2
	StorageFull        ErrorKind = "storage_full"           // no space to write
	Unavailable        ErrorKind = "unavailable"            // could not decide or could not store
)

// Error makes a kind an error in its own right.
func (k ErrorKind) Error() string { return string(k) }

// Error is a failure that may be shown to the caller. Detail is one sentence
// that says what to do; Field names the member of the request that is wrong,
// Allowed what may stand there, where that is a list.
type Error struct {
	Kind    ErrorKind
	Detail  string
	Field   string
	Allowed []string
}

// Errorf makes an Error of a kind with a formatted detail.
func Errorf(kind ErrorKind, format string, args ...any) *Error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// InvalidField makes the error for a value that is wrong in a named field.
func InvalidField(field, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Field: field, Detail: fmt.Sprintf(format, args...)}
}

// Error returns the detail, led by the field where there is one.
func (e *Error) Error() string {
	if e.Field != "" {
		return e.Field + ": " + e.Detail
	}
	return e.Detail
}

// Is reports whether target is this error's kind.
func (e *Error) Is(target error) bool {
	kind, ok := target.(ErrorKind)
	return ok && kind == e.Kind
}
