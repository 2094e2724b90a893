package authority

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// ServiceRequest asks for a service user.
type ServiceRequest struct {
	Name        string
	Role        credential.Role // not owner
	Idempotency *Idempotency
}

// CreateServiceUser makes a member that nobody signs in as, and whose tokens
// the owners and admins of the organization make: for what is shared, and goes
// on when people leave.
func (a *Authority) CreateServiceUser(ctx context.Context, p *credential.Principal, organization uuid.UUID, r ServiceRequest) (*store.Member, error) {
	if err := managesMembers(p, organization); err != nil {
		return nil, err
	}
	if err := mayServe(r.Role); err != nil {
		return nil, err
	}
	user := &store.User{CreatedAt: a.clock(), Service: true}
	var err error
	if user.Name, err = credential.CheckName("name", r.Name); err != nil {
		return nil, err
	}
	if user.ID, err = a.newID(); err != nil {
		return nil, err
	}
	user.Email, user.VerifiedAt = user.ID.String()+"@service.invalid", user.CreatedAt // which no mail reaches (RFC 6761 section 6.4)
	id, err := a.once(ctx, p, creation{organization, "create service user " + organization.String(), r.Idempotency}, func(tx *store.Tx) (uuid.UUID, error) {
		if err := tx.InsertUser(ctx, user); err != nil {
			return uuid.Nil, err
		}
		return user.ID, a.addMember(ctx, tx, p, organization, &store.Member{User: *user, Role: r.Role})
	})
	if err != nil {
		return nil, err
	}
	return a.store.MemberByID(ctx, organization, id)
}

// mayServe refuses roles that a service user can't have.
func mayServe(role credential.Role) error {
	if !role.Valid() || role == credential.Owner {
		return credential.InvalidField("role", "choose one of: admin, member, guest; a service user owns nothing")
	}
	return nil
}

// serves reports whether a credential is of a service user whose tokens the
// principal may make: one that may do no more than the principal.
func (a *Authority) serves(ctx context.Context, p *credential.Principal, c *credential.Credential) (bool, error) {
	if !p.Role.Manages() || p.ProjectScoped() != uuid.Nil {
		return false, nil
	}
	member, err := a.store.MemberByID(ctx, c.Organization, c.User)
	if err != nil {
		return false, ignoreMissing(err)
	}
	return member.Service && p.Permissions.Covers(c.Held&member.Role.Permissions()), nil
}
