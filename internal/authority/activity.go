package authority

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// ActivityRequest says which part of what a credential did is wanted.
type ActivityRequest struct {
	Credential uuid.UUID
	// Organization is where it was done, for credentials of the installation;
	// Nil is what they did to the installation itself.
	Organization uuid.UUID
	Before       int64 // the last sequence of the page before; 0 for the first page
	Limit        int
}

// Activity is where a credential was used the last time, how often it was, and
// what it did, the latest first.
type Activity struct {
	Use    credential.Use
	Events []audit.Event
}

// Activity tells what a credential did to whoever looks after it. It takes no
// right to read the audit: nothing of what others did is told.
func (a *Authority) Activity(ctx context.Context, p *credential.Principal, r ActivityRequest) (*Activity, error) {
	if err := require(p, credential.CredentialsRead); err != nil {
		return nil, err
	}
	c, err := a.visible(ctx, p, r.Credential)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Organization == uuid.Nil:
	case r.Organization == uuid.Nil:
		r.Organization = c.Organization
	case r.Organization != c.Organization:
		return nil, credential.InvalidField("organization", "isn't that of the credential, which acts in no other")
	}
	use, err := a.store.Use(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	events, err := a.store.LatestEvents(ctx, r.Organization, store.EventFilter{Actor: "credential:" + c.ID.String(), Before: r.Before, Limit: r.Limit}, 0)
	return &Activity{Use: a.latest(c.ID, use), Events: events}, err
}
