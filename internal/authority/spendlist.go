package authority

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/usage"
)

// SpendsRequest says which lines of the ledger are wanted.
type SpendsRequest struct {
	Organization uuid.UUID // for principals above every organization
	From, To     time.Time // the first and the last day, in UTC
	Most         int       // days that the range may have
	Credential   uuid.UUID
	Project      *store.ProjectRef
	Operation    string
	Before       store.SpendPlace // of the last line of the page before
	Limit        int
}

// Spends tells what was paid, the latest first, for the credentials that the
// principal looks after: as Usage does.
func (a *Authority) Spends(ctx context.Context, p *credential.Principal, r SpendsRequest) ([]store.ListedSpend, error) {
	if err := require(p, credential.UsageRead); err != nil {
		return nil, err
	}
	from, to, err := days(r.From, r.To, r.Most)
	if err != nil {
		return nil, err
	}
	of, err := a.filter(ctx, p, ListRequest{Organization: r.Organization, Project: r.Project})
	if err != nil {
		return nil, err
	}
	return a.store.Spends(ctx, store.SpendFilter{
		Organization: of.Organization, Project: of.Project, User: of.User, Credential: r.Credential, Operation: r.Operation,
		From: from.Time(), Until: (to + 1).Time(), Before: r.Before, Limit: r.Limit,
	})
}

// days checks a range of days, both included.
func days(first, last time.Time, most int) (from, to usage.Day, err error) {
	from, to = usage.DayOf(first), usage.DayOf(last)
	switch n := int(to-from) + 1; {
	case n < 1:
		err = credential.InvalidField("to", "must not be before from")
	case n > most:
		err = credential.InvalidField("from", "the range may have %d days at most", most)
	}
	return from, to, err
}
