package credential

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Policy is what an organization asks of its credentials, beyond what their
// schemes do. The zero value asks nothing.
type Policy struct {
	Schemes []SchemePolicy
	// AllowedAddresses are the only ones from which credentials of the
	// organization work, and sessions in it; empty means from anywhere.
	AllowedAddresses []netip.Prefix
	// SuspendUnusedAfter is how long a credential may go unused before it is
	// suspended; 0 means for ever.
	SuspendUnusedAfter time.Duration
	// Withheld are the schemes whose credentials are refused in the
	// organization, and none made: a matter of the operator alone.
	Withheld []*Scheme
}

// Withholds reports whether credentials of a scheme are refused.
func (p *Policy) Withholds(s *Scheme) bool { return slices.Contains(p.Withheld, s) }

// SchemePolicy is what an organization asks of the credentials of one scheme.
type SchemePolicy struct {
	Scheme *Scheme
	// MaxLifetime is how long one lives at most from when it gets its expiry;
	// 0 means for ever.
	MaxLifetime time.Duration
	// ExpiryRequired means that each has an expiry.
	ExpiryRequired bool
	// IssuedBy is the least role of who makes one; empty means anybody who may
	// otherwise.
	IssuedBy Role
}

// leastUnused is the shortest time after which an unused credential may be suspended.
const leastUnused = 7 * day

// Check refuses a policy that means nothing, or nothing sensible.
func (p *Policy) Check() error {
	seen := map[string]bool{}
	for i, s := range p.Schemes {
		field := func(name string) string { return fmt.Sprintf("schemes.%d.%s", i, name) }
		switch {
		case seen[s.Scheme.Name]:
			return InvalidField(field("scheme"), "the scheme stands twice")
		case s.IssuedBy != "" && !s.IssuedBy.Valid():
			return InvalidField(field("issued_by"), "must be owner, admin, member or guest")
		case s.MaxLifetime > 0 && s.Scheme.Expiry == ExpiryNever:
			return InvalidField(field("max_lifetime"), "credentials of scheme %s don't expire", s.Scheme.Name)
		case s.ExpiryRequired && s.Scheme.Expiry == ExpiryNever:
			return InvalidField(field("expiry_required"), "credentials of scheme %s don't expire", s.Scheme.Name)
		case s.MaxLifetime > 0 && len(s.Scheme.LifetimeDays) > 0 && s.MaxLifetime < time.Duration(slices.Min(s.Scheme.LifetimeDays))*day:
			return InvalidField(field("max_lifetime"), "the shortest lifetime of scheme %s is %dd", s.Scheme.Name, slices.Min(s.Scheme.LifetimeDays))
		}
		seen[s.Scheme.Name] = true
	}
	if p.SuspendUnusedAfter != 0 && p.SuspendUnusedAfter < leastUnused {
		return InvalidField("suspend_unused_after", "must be at least %s", SpellSpan(leastUnused))
	}
	return nil
}

// Of returns what the policy asks of a scheme.
func (p *Policy) Of(s *Scheme) SchemePolicy {
	for _, one := range p.Schemes {
		if one.Scheme == s {
			return one
		}
	}
	return SchemePolicy{Scheme: s}
}

// Lets refuses whoever may not make credentials of the scheme. Those without a
// role, such as an organization's own keys, count as members.
func (s SchemePolicy) Lets(by *Principal) error {
	role := by.Role
	if role == "" {
		role = Member
	}
	if s.IssuedBy == "" || by.IsOperator() || role.rank() >= s.IssuedBy.rank() {
		return nil
	}
	return &Error{Kind: Forbidden, Field: "scheme", Detail: fmt.Sprintf("in this organization it takes the role %s to make credentials of scheme %s", s.IssuedBy, s.Scheme.Name)}
}

// CheckExpiry returns when a credential that is given an expiry now may end.
// Where only some set an expiry, the policy does.
func (s SchemePolicy) CheckExpiry(now, at time.Time) (time.Time, error) {
	latest := now.Add(s.MaxLifetime).Truncate(time.Millisecond)
	switch {
	case at.IsZero() && s.MaxLifetime > 0 && s.Scheme.Expiry.Reserved():
		return latest, nil
	case at.IsZero() && (s.ExpiryRequired || s.MaxLifetime > 0):
		return at, InvalidField("expires_at", "in this organization credentials of scheme %s must expire%s", s.Scheme.Name, s.within())
	case s.MaxLifetime > 0 && at.After(latest):
		return at, InvalidField("expires_at", "in this organization credentials of scheme %s must expire%s", s.Scheme.Name, s.within())
	}
	return at, nil
}

func (s SchemePolicy) within() string {
	if s.MaxLifetime == 0 {
		return ""
	}
	return " within " + SpellSpan(s.MaxLifetime)
}

// rank orders the roles of an organization.
func (r Role) rank() int { return slices.Index([]Role{Guest, Member, Admin, Owner}, r) }
