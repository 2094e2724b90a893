package credential

import "time"

// Bounds of the limits that organizations and projects have.
const (
	MaxRequests = 1_000_000_000
	MinWindow   = time.Second
	MaxWindow   = 31 * day
)

// Rate is so many requests in a window. The zero value is as many as one likes.
type Rate struct {
	Requests int
	Window   time.Duration
}

// Check refuses a rate that can't be kept to.
func (r Rate) Check() error {
	switch {
	case r == Rate{}:
		return nil
	case r.Requests < 1 || r.Requests > MaxRequests:
		return InvalidField("requests", "must be from 1 to %d; leave it out for as many as they like", MaxRequests)
	case r.Window < MinWindow || r.Window > MaxWindow || r.Window%time.Second != 0:
		return InvalidField("window", "must be from %s to %s", SpellSpan(MinWindow), SpellSpan(MaxWindow))
	}
	return nil
}

// Limits are how many requests may be made in an organization: all together,
// and by one address in a minute (0 is as many as it likes).
type Limits struct {
	Rate
	AddressRate int
}

// Check refuses limits that can't be kept to.
func (l Limits) Check() error {
	if l.AddressRate < 0 || l.AddressRate > MaxRequests {
		return InvalidField("address_requests", "must be from 1 to %d; leave it out for as many as they like", MaxRequests)
	}
	return l.Rate.Check()
}

// LimitOf is what a limit on requests is a limit of.
type LimitOf string

// The limits that a request may meet. SignInLimit is that of an address on what
// it signs in by, in the whole installation.
const (
	CredentialLimit   LimitOf = "credential"
	ProjectLimit      LimitOf = "project"
	OrganizationLimit LimitOf = "organization"
	AddressLimit      LimitOf = "address"
	SignInLimit       LimitOf = "sign-in"
)

// Limit is what a limit on requests left after this one. The zero value means
// that none applies. Of several it is the one that refuses, or that has the
// least left.
type Limit struct {
	Limit, Remaining int
	Reset            time.Time     // when all of it is free again
	RetryAfter       time.Duration // of a refusal: how long to wait, in whole seconds
	Window           time.Duration // in which so many may be made
	Of               LimitOf
	// Degraded means that this node decided alone, about its share.
	Degraded bool
}
