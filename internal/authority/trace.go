package authority

import (
	"cmp"
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// MaxTraced bounds how many credentials a trace finds.
const MaxTraced = 10

// Traced is a credential that a trace leads to.
type Traced struct {
	Detail
	Generation   int // of the secret that the trace is of; 0 where it isn't known
	Organization *store.Membership
	Role         credential.Role // of the principal there
	Owner        string          // name of the user or project that it belongs to; empty for the organization
}

// Trace finds the records that a trace leads to, among those that the user who
// has signed in looks after in any of their organizations. Where they may not
// act, as from this address, nothing is found.
func (a *Authority) Trace(ctx context.Context, p *credential.Principal, t store.Trace) ([]Traced, error) {
	memberships, err := a.Memberships(ctx, p)
	if err != nil {
		return nil, err
	}
	acting, ids := map[uuid.UUID]*credential.Principal{}, []uuid.UUID{}
	for i := range memberships {
		id := memberships[i].ID
		if acting[id], err = a.actingIn(ctx, p, id); err != nil {
			return nil, err
		}
		if acting[id] != nil {
			ids = append(ids, id)
		}
	}
	// Some may be of others, so more are read than are returned.
	rows, err := a.store.Trace(ctx, ids, t, 10*MaxTraced)
	if err != nil {
		return nil, err
	}
	var list []Traced
	for _, row := range rows {
		found, err := a.traced(ctx, acting, row)
		if err != nil {
			return nil, err
		}
		if found == nil {
			continue
		}
		for i := range memberships {
			if memberships[i].ID == found.Credential.Organization {
				found.Organization = &memberships[i]
			}
		}
		if list = append(list, *found); len(list) == MaxTraced {
			break
		}
	}
	return list, nil
}

// actingIn is the principal in one of its user's organizations, nil where it may
// not look at credentials there.
func (a *Authority) actingIn(ctx context.Context, p *credential.Principal, organization uuid.UUID) (*credential.Principal, error) {
	f, err := foundStanding(a.store.LookupSession(ctx, store.SessionRef{ID: p.Credential.ID, Organization: organization}))
	if err != nil || f.code != "" {
		return nil, err
	}
	d, err := a.evaluate(ctx, f, Verification{Permission: credential.CredentialsRead, Address: p.Address})
	if err != nil || d.Code != credential.OK {
		return nil, err
	}
	return &d.Principal, nil
}

// traced reads what was found, nil where it isn't the principal's to see.
func (a *Authority) traced(ctx context.Context, acting map[uuid.UUID]*credential.Principal, row store.Traced) (*Traced, error) {
	c, err := a.store.CredentialIn(ctx, uuid.Nil, row.ID)
	if errors.Is(err, credential.Damaged) || errors.Is(err, credential.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := acting[c.Organization]
	if p == nil {
		return nil, nil
	}
	if ok, err := a.reaches(ctx, p, c); err != nil || !ok {
		return nil, err
	}
	d, err := a.detail(ctx, c.Organization, c.ID)
	if err != nil {
		return nil, err
	}
	out := &Traced{Detail: *d, Generation: row.Generation, Role: p.Role}
	switch {
	case c.User != uuid.Nil:
		member, err := a.store.MemberByID(ctx, c.Organization, c.User)
		if ignoreMissing(err) != nil {
			return nil, err
		}
		if err == nil {
			out.Owner = cmp.Or(member.Name, member.Email)
		}
	case c.Project != uuid.Nil:
		project, err := a.store.ProjectIn(ctx, c.Organization, store.ProjectRef{ID: c.Project})
		if err != nil {
			return nil, err
		}
		out.Owner = project.Name
	}
	return out, nil
}
