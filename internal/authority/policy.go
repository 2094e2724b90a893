package authority

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Policy returns what an organization asks of its credentials.
func (a *Authority) Policy(ctx context.Context, p *credential.Principal, organization uuid.UUID) (*credential.Policy, error) {
	if err := within(p, organization, credential.OrganizationRead); err != nil {
		return nil, err
	}
	return a.store.Policy(ctx, organization)
}

// SetPolicy replaces what an organization asks of its credentials. Those that
// there are already stay as they are, but for the addresses and for what is
// withheld, which hold from the next request on. What the operator withholds
// stays so, where somebody else replaces the rest: it is filled in.
func (a *Authority) SetPolicy(ctx context.Context, p *credential.Principal, organization uuid.UUID, policy *credential.Policy) error {
	if err := within(p, organization, credential.OrganizationWrite); err != nil {
		return err
	}
	if !p.SignedIn() && !p.IsOperator() {
		return credential.Errorf(credential.Forbidden, "an owner or admin who has signed in changes the policy")
	}
	if err := policy.Check(); err != nil {
		return err
	}
	if !p.IsOperator() && !admits(policy.AllowedAddresses, p.Address) {
		return credential.InvalidField("allowed_addresses", "your own address, %s, is not among them: you would lock yourself out", p.Address)
	}
	now := a.clock()
	return a.transact(ctx, p, organization, func(tx *store.Tx) error {
		before, err := tx.Policy(ctx, organization)
		if err != nil {
			return err
		}
		if err := holds(ctx, PolicyVersion(before)); err != nil {
			return err
		}
		if !p.IsOperator() {
			if policy.Withheld != nil && !slices.Equal(policy.Withheld, before.Withheld) {
				return &credential.Error{Kind: credential.Forbidden, Field: "withheld_schemes", Detail: "only the operator of the installation withholds schemes; leave it out"}
			}
			policy.Withheld = before.Withheld
		}
		tx.Record(act{p, now}.event("policy.update", "organization:"+organization.String(), object(map[string]any{"before": policyDetails(before), "after": policyDetails(policy)})))
		return tx.SetPolicy(ctx, organization, policy, now)
	})
}

// admits reports whether an allowlist has an address.
func admits(list []netip.Prefix, addr netip.Addr) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}

// policyDetails is a policy in an audit event.
func policyDetails(p *credential.Policy) map[string]any {
	schemes := map[string]map[string]any{}
	for _, s := range p.Schemes {
		schemes[s.Scheme.Name] = map[string]any{"max_lifetime": s.MaxLifetime.String(), "expiry_required": s.ExpiryRequired, "issued_by": s.IssuedBy}
	}
	details := map[string]any{"schemes": schemes, "allowed_addresses": p.AllowedAddresses, "suspend_unused_after": p.SuspendUnusedAfter.String()}
	if len(p.Withheld) > 0 {
		var names []string
		for _, s := range p.Withheld {
			names = append(names, s.Name)
		}
		details["withheld_schemes"] = names
	}
	return details
}

// checkPolicy holds a new credential against the policy of its organization.
func checkPolicy(ctx context.Context, tx *store.Tx, p *credential.Principal, c *credential.Credential) error {
	if c.Organization == uuid.Nil {
		return nil
	}
	policy, err := tx.Policy(ctx, c.Organization)
	if err != nil {
		return err
	}
	if policy.Withholds(c.Scheme) {
		return &credential.Error{Kind: credential.Forbidden, Field: "scheme", Detail: "whoever runs this installation withholds such credentials from the organization"}
	}
	rule := policy.Of(c.Scheme)
	if err := rule.Lets(p); err != nil {
		return err
	}
	c.ExpiresAt, err = rule.CheckExpiry(c.CreatedAt, c.ExpiresAt)
	return err
}

// checkRenewal holds the new expiry that a rotation asks for against the policy.
func checkRenewal(ctx context.Context, tx *store.Tx, c *credential.Credential, r RotateRequest, now time.Time) error {
	if r.Expiry == (credential.ExpiryChoice{}) {
		return nil
	}
	return checkEnd(ctx, tx, c, now)
}

// checkEnd holds the new end of a credential against the policy.
func checkEnd(ctx context.Context, tx *store.Tx, c *credential.Credential, now time.Time) error {
	if c.Organization == uuid.Nil {
		return nil
	}
	policy, err := tx.Policy(ctx, c.Organization)
	if err != nil {
		return err
	}
	c.ExpiresAt, err = policy.Of(c.Scheme).CheckExpiry(now, c.ExpiresAt)
	return err
}

// Unused returns credentials with an id above after that nobody has used for
// so long, whether the policy suspends them or not: what it would do.
func (a *Authority) Unused(ctx context.Context, p *credential.Principal, r UnusedRequest) ([]store.Unused, error) {
	if err := within(p, r.Organization, credential.CredentialsRead); err != nil {
		return nil, err
	}
	if !seesAll(p) {
		return nil, credential.Errorf(credential.Forbidden, "this is for those who look after all credentials of the organization")
	}
	if err := a.Flush(ctx); err != nil { // what was used a moment ago
		return nil, err
	}
	return a.store.UnusedSince(ctx, r.Organization, r.After, a.clock().Add(-r.For), r.Limit)
}

// UnusedRequest chooses unused credentials of an organization.
type UnusedRequest struct {
	Organization, After uuid.UUID
	For                 time.Duration
	Limit               int
}

// policyBatch bounds what is read at a time while unused credentials are suspended.
const policyBatch = 200

// SuspendUnused suspends what the policies say nobody has used for too long.
func (a *Authority) SuspendUnused(ctx context.Context) (failed error) {
	for after := uuid.Nil; ; {
		organizations, err := a.store.Suspending(ctx, after, policyBatch)
		if err != nil || len(organizations) == 0 {
			return errors.Join(failed, err)
		}
		for _, id := range organizations { // one that can't be done keeps no other from it
			failed = errors.Join(failed, a.suspendUnused(ctx, id))
		}
		after = organizations[len(organizations)-1]
	}
}

func (a *Authority) suspendUnused(ctx context.Context, organization uuid.UUID) error {
	policy, err := a.store.Policy(ctx, organization)
	if err != nil || policy.SuspendUnusedAfter == 0 {
		return err
	}
	operator := credential.Operator()
	since := a.clock().Add(-policy.SuspendUnusedAfter)
	for after := uuid.Nil; ; {
		list, err := a.store.UnusedSince(ctx, organization, after, since, policyBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, u := range list {
			if err := a.suspendIfUnused(ctx, &operator, u, since); err != nil {
				return err
			}
		}
		after = list[len(list)-1].ID
	}
}

// suspendIfUnused suspends a credential that was found unused, unless somebody
// has used it since. One that has ended meanwhile, or can't be read, is left.
func (a *Authority) suspendIfUnused(ctx context.Context, operator *credential.Principal, u store.Unused, since time.Time) error {
	_, err := a.changeByID(ctx, operator, u.ID, "credential.suspend_unused", func(tx *store.Tx, c *credential.Credential, now time.Time) error {
		use, err := tx.Use(ctx, c.ID)
		if err != nil {
			return err
		}
		if c.State(now) != credential.Active || !a.latest(c.ID, use).At.Before(since) {
			return errUnchanged
		}
		c.SuspendedAt = now
		return nil
	})
	if errors.Is(err, credential.NotFound) || errors.Is(err, credential.Damaged) {
		return nil
	}
	return err
}
