package authority

import (
	"context"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// limited is a take, with what it is a limit of.
type limited struct {
	takes []limit.Take
	of    []credential.LimitOf
}

func (l *limited) add(of credential.LimitOf, key limit.Key, rate credential.Rate) {
	l.takes = append(l.takes, limit.Take{Key: key, Rate: limit.Rate{Limit: rate.Requests, Window: rate.Window}})
	l.of = append(l.of, of)
}

// limit refuses what would be too many requests: of the credential, of its
// project or organization, or by the address in the organization. All of them
// are asked in one step, and a refusal is charged to none. What is refused for
// any other reason costs nothing. An error means that it can't be known.
func (a *Authority) limit(ctx context.Context, d *credential.Decision, v Verification) error {
	if d.Code != credential.OK {
		return nil
	}
	l := limitsOf(d.Standing, v.Address)
	if len(l.takes) == 0 {
		return nil
	}
	o, err := a.limits.Take(ctx, a.now(), l.takes...)
	if err != nil {
		return undecided(err)
	}
	d.Limit = credential.Limit{
		Limit: l.takes[o.Index].Rate.Limit, Remaining: o.Remaining, Reset: o.Reset, RetryAfter: o.RetryAfter,
		Window: l.takes[o.Index].Rate.Window, Of: l.of[o.Index], Degraded: o.Degraded,
	}
	if !o.Allowed {
		d.Code = credential.CodeRateLimited
	}
	return nil
}

// limitsOf are the limits that a request meets. Whoever has signed in meets
// none of a project; where the address isn't known, it has no limit.
func limitsOf(s *credential.Standing, address netip.Addr) (l limited) {
	c := s.Credential
	if perMinute := c.PerMinute(); perMinute > 0 {
		l.add(credential.CredentialLimit, limit.ForCredential(c.ID), credential.Rate{Requests: perMinute, Window: time.Minute})
	}
	if s.ProjectRate.Requests > 0 && c.Scheme.Kind != credential.Session {
		l.add(credential.ProjectLimit, limit.For("project", c.Project), s.ProjectRate)
	}
	if s.OrganizationLimits.Requests > 0 {
		l.add(credential.OrganizationLimit, limit.For("organization", c.Organization), s.OrganizationLimits.Rate)
	}
	if perMinute := s.OrganizationLimits.AddressRate; perMinute > 0 && address.IsValid() {
		l.add(credential.AddressLimit, limit.ForAddress("organization "+c.Organization.String(), address), credential.Rate{Requests: perMinute, Window: time.Minute})
	}
	return l
}

// OrganizationLimits returns how many requests may be made in an organization.
func (a *Authority) OrganizationLimits(ctx context.Context, p *credential.Principal, organization uuid.UUID) (credential.Limits, error) {
	if err := within(p, organization, credential.OrganizationRead); err != nil {
		return credential.Limits{}, err
	}
	return a.store.OrganizationLimits(ctx, organization)
}

// SetOrganizationLimits changes how many requests may be made in an
// organization, from the next one on.
func (a *Authority) SetOrganizationLimits(ctx context.Context, p *credential.Principal, organization uuid.UUID, l credential.Limits) error {
	if err := within(p, organization, credential.OrganizationWrite); err != nil {
		return err
	}
	if err := l.Check(); err != nil {
		return err
	}
	return a.transact(ctx, p, organization, func(tx *store.Tx) error {
		before, err := tx.OrganizationLimits(ctx, organization)
		if err == nil {
			err = holds(ctx, LimitsVersion(before))
		}
		if err != nil {
			return err
		}
		tx.Record(act{p, a.clock()}.event("organization.set_limits", "organization:"+organization.String(),
			object(map[string]any{"before": limitDetails(before), "after": limitDetails(l)})))
		return tx.SetOrganizationLimits(ctx, organization, l)
	})
}

// ProjectRate returns how many requests a project's own credentials make.
func (a *Authority) ProjectRate(ctx context.Context, p *credential.Principal, project *store.Project) (credential.Rate, error) {
	if err := within(p, project.Organization, credential.ProjectsRead); err != nil {
		return credential.Rate{}, err
	}
	return a.store.ProjectRate(ctx, project.ID)
}

// SetProjectRate changes how many requests a project's own credentials make,
// from the next one on. They don't do so themselves.
func (a *Authority) SetProjectRate(ctx context.Context, p *credential.Principal, project *store.Project, rate credential.Rate) error {
	if err := within(p, project.Organization, credential.ProjectsWrite); err != nil {
		return err
	}
	if p.ProjectScoped() != uuid.Nil {
		return credential.Errorf(credential.Forbidden, "a project's credential doesn't change its own limit")
	}
	if err := rate.Check(); err != nil {
		return err
	}
	return a.transact(ctx, p, project.Organization, func(tx *store.Tx) error {
		before, err := tx.ProjectRate(ctx, project.ID)
		if err == nil {
			err = holds(ctx, LimitsVersion(credential.Limits{Rate: before}))
		}
		if err != nil {
			return err
		}
		tx.Record(act{p, a.clock()}.event("project.set_limits", "project:"+project.ID.String(),
			object(map[string]any{"before": limitDetails(credential.Limits{Rate: before}), "after": limitDetails(credential.Limits{Rate: rate})})))
		return tx.SetProjectRate(ctx, project.ID, rate)
	})
}

// limitDetails are limits in an audit event.
func limitDetails(l credential.Limits) map[string]any {
	details := map[string]any{"requests": l.Requests, "window": l.Window.String()}
	if l.AddressRate > 0 {
		details["address_requests"] = l.AddressRate
	}
	return details
}

// LimitsVersion tells one state of limits from the next.
func LimitsVersion(l credential.Limits) string {
	return version(l.Requests, l.Window.String(), l.AddressRate)
}

// takeOne takes one under a limit that is nobody's own. An error means that it
// can't be known whether there is room.
func (a *Authority) takeOne(ctx context.Context, key limit.Key, rate limit.Rate) (bool, error) {
	o, err := a.limits.Take(ctx, a.now(), limit.Take{Key: key, Rate: rate})
	if err != nil {
		return false, undecided(err)
	}
	return o.Allowed, nil
}
