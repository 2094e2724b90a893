package authority

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// UserRequest asks for a member of an organization. A user whose address is
// known already becomes a member; any other is made.
type UserRequest struct {
	Email    string
	Name     string
	Role     credential.Role
	Password string // empty: the user can't sign in by password

	Idempotency *Idempotency
}

// CreateUser makes a user a member of an organization, and makes the user
// where there is none with that address. Who registered an address that may be
// somebody else's becomes no member by it. Only the operator can.
func (a *Authority) CreateUser(ctx context.Context, p *credential.Principal, organization uuid.UUID, r UserRequest) (*store.Member, error) {
	if err := operatorOnly(p); err != nil {
		return nil, err
	}
	user, err := a.draftUser(ctx, r)
	if err != nil {
		return nil, err
	}
	user.VerifiedAt = user.CreatedAt // the operator vouches for it
	if !r.Role.Valid() {
		return nil, credential.InvalidField("role", "choose one of: owner, admin, member, guest")
	}
	id, err := a.once(ctx, p, creation{organization, "create member " + organization.String(), r.Idempotency}, func(tx *store.Tx) (uuid.UUID, error) {
		known, err := tx.UserByEmail(ctx, user.Email)
		switch {
		case err == nil && r.Password != "":
			return uuid.Nil, &credential.Error{Kind: credential.Conflict, Field: "email", Detail: "a user with this address exists already; leave out the password to add them as a member"}
		case err == nil && known.VerifiedAt.IsZero():
			return uuid.Nil, &credential.Error{Kind: credential.Conflict, Field: "email",
				Detail: "somebody registered this address and hasn't shown that it is theirs; invite it instead, and hand the code to its owner"}
		case err == nil:
			user = known
		case !errors.Is(err, credential.NotFound):
			return uuid.Nil, err
		default:
			if err := tx.InsertUser(ctx, user); err != nil {
				return uuid.Nil, err
			}
		}
		return user.ID, a.addMember(ctx, tx, p, organization, &store.Member{User: *user, Role: r.Role})
	})
	if err != nil {
		return nil, err
	}
	return a.store.MemberByID(ctx, organization, id)
}

// addMember records a new membership; one that exists is a conflict.
func (a *Authority) addMember(ctx context.Context, tx *store.Tx, p *credential.Principal, organization uuid.UUID, m *store.Member) error {
	if _, err := tx.MemberByID(ctx, organization, m.ID); !errors.Is(err, credential.NotFound) {
		return orElse(err, &credential.Error{Kind: credential.Conflict, Field: "email", Detail: "this user is a member already"})
	}
	now := a.clock()
	tx.Record(act{p, now}.event("member.add", "user:"+m.ID.String(), object(map[string]string{"role": string(m.Role)})))
	return tx.SetMember(ctx, organization, m.ID, m.Role, now)
}

// draftUser checks what a user is made of.
func (a *Authority) draftUser(ctx context.Context, r UserRequest) (*store.User, error) {
	user := &store.User{CreatedAt: a.clock()}
	var err error
	if user.Email, err = credential.CheckEmail("email", r.Email); err != nil {
		return nil, err
	}
	if user.Name, err = credential.CheckName("name", r.Name); err != nil {
		return nil, err
	}
	if r.Password != "" {
		password, err := a.checkPassword(r.Password, user.Email, user.Name)
		if err != nil {
			return nil, err
		}
		if user.PasswordHash, err = a.hash(ctx, password); err != nil {
			return nil, err
		}
	}
	user.ID, err = a.newID()
	return user, err
}

// Members returns the members of an organization with an id above after.
func (a *Authority) Members(ctx context.Context, p *credential.Principal, organization, after uuid.UUID, limit int) ([]store.Member, error) {
	if err := seesMembers(p, organization); err != nil {
		return nil, err
	}
	return a.store.Members(ctx, organization, after, limit)
}

// MembersIn returns a section of the members of an organization, and how many
// there are.
func (a *Authority) MembersIn(ctx context.Context, p *credential.Principal, organization uuid.UUID, s store.Section) ([]store.Member, int, error) {
	if err := seesMembers(p, organization); err != nil {
		return nil, 0, err
	}
	return a.store.MembersIn(ctx, organization, s)
}

// Member returns a member of an organization.
func (a *Authority) Member(ctx context.Context, p *credential.Principal, organization uuid.UUID, ref UserRef) (*store.Member, error) {
	if err := seesMembers(p, organization); err != nil {
		return nil, err
	}
	return a.member(ctx, organization, ref)
}

// seesMembers refuses who may not see who is in an organization.
func seesMembers(p *credential.Principal, organization uuid.UUID) error {
	if err := within(p, organization, credential.MembersRead); err != nil {
		return err
	}
	if p.ProjectScoped() != uuid.Nil {
		return credential.Errorf(credential.Forbidden, "a project's credential doesn't see the members of the organization")
	}
	return nil
}

// SetRole changes what a member is. An organization always keeps an owner.
func (a *Authority) SetRole(ctx context.Context, p *credential.Principal, organization uuid.UUID, ref UserRef, role credential.Role) error {
	if !role.Valid() {
		return credential.InvalidField("role", "choose one of: owner, admin, member, guest")
	}
	if err := managesMembers(p, organization); err != nil {
		return err
	}
	return a.changeMember(ctx, p, membership{organization, ref, a.transact}, func(tx *store.Tx, by act, member *store.Member) error {
		err := mayMake(p, role, member.Role)
		if err == nil && member.Service {
			err = mayServe(role)
		}
		if err != nil {
			return err
		}
		tx.Record(by.event("member.set_role", "user:"+member.ID.String(), object(map[string]string{"role": string(role)})))
		return tx.SetMember(ctx, organization, member.ID, role, by.at)
	})
}

// RemoveMember ends a membership, and with it for good the credentials that
// the user has in the organization: who comes back starts with none. Members
// who have signed in may end their own.
func (a *Authority) RemoveMember(ctx context.Context, p *credential.Principal, organization uuid.UUID, ref UserRef) error {
	if err := a.mayRemove(ctx, p, organization, ref); err != nil {
		return err
	}
	return a.changeMember(ctx, p, membership{organization, ref, a.stop}, func(tx *store.Tx, by act, member *store.Member) error {
		if err := mayMake(p, member.Role); err != nil && member.ID != p.Subject {
			return err
		}
		tx.Record(by.event("member.remove", "user:"+member.ID.String(), "{}"))
		ended, err := tx.RevokeCredentialsOf(ctx, organization, member.ID, by.at)
		if err != nil {
			return err
		}
		for _, id := range ended {
			tx.Record(by.event("credential.revoke", "credential:"+id.String(), object(map[string]string{"because": "member.remove"})))
		}
		devices, err := tx.EndDeviceSessions(ctx, organization, member.ID, by.at) // which were let act there alone
		if err != nil {
			return err
		}
		for _, id := range devices {
			tx.Record(by.event("session.end", "session:"+id.String(), object(map[string]string{"because": "member.remove"})))
		}
		if err := tx.RemoveMember(ctx, organization, member.ID); err != nil || !member.Service {
			return err
		}
		tx.Record(by.event("user.delete", "user:"+member.ID.String(), "{}")) // who is nothing else
		return tx.DeleteUser(ctx, member.ID, by.at)
	})
}

// mayRemove refuses who may not end a membership, which may be their own.
func (a *Authority) mayRemove(ctx context.Context, p *credential.Principal, organization uuid.UUID, ref UserRef) error {
	err := managesMembers(p, organization)
	if err == nil || !p.SignedIn() || p.Organization != organization {
		return err
	}
	member, found := a.member(ctx, organization, ref)
	if found == nil && member.ID == p.Subject {
		return nil
	}
	return err
}

// membership is what a change of a member is about, and the sort of
// transaction that it takes.
type membership struct {
	organization uuid.UUID
	ref          UserRef
	begin        func(context.Context, *credential.Principal, uuid.UUID, func(*store.Tx) error) error
}

type memberChange func(tx *store.Tx, by act, member *store.Member) error

// changeMember changes a membership that is there when the change begins, and
// undoes what would leave the organization without an owner.
func (a *Authority) changeMember(ctx context.Context, p *credential.Principal, m membership, change memberChange) error {
	member, err := a.member(ctx, m.organization, m.ref)
	if err != nil {
		return err
	}
	by := act{p, a.clock()}
	return m.begin(ctx, p, m.organization, func(tx *store.Tx) error {
		if member, err = tx.MemberByID(ctx, m.organization, member.ID); err != nil { // who may have left since
			return err
		}
		if err := holds(ctx, MemberVersion(member)); err != nil {
			return err
		}
		if err := change(tx, by, member); err != nil {
			return err
		}
		owners, err := tx.CountOwners(ctx, m.organization)
		if err == nil && owners == 0 {
			return credential.Errorf(credential.Conflict, "an organization keeps at least one owner; make somebody else owner first")
		}
		return err
	})
}
