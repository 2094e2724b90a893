package authority

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const (
	// inviteFor is how long an invitation is good for.
	inviteFor = 7 * 24 * time.Hour
	// mostInvited is how many a user makes in a day, in all organizations: each
	// is a letter to somebody who didn't ask for it.
	mostInvited = 100
)

// inviteCode is the text that the link of an invitation carries.
var inviteCode = credential.Format{Prefix: "invite-", Alphabet: credential.Base62, Length: 43}

// managesMembers refuses who doesn't look after the members of an organization:
// an owner or admin who has signed in, or the operator. No token changes who
// may do what.
func managesMembers(p *credential.Principal, organization uuid.UUID) error {
	if p.IsOperator() {
		return nil
	}
	if err := within(p, organization, credential.MembersWrite); err != nil {
		return err
	}
	if !p.SignedIn() || !p.Role.Manages() {
		return credential.Errorf(credential.Forbidden, "members are looked after by an owner or admin who has signed in: no token and no key does it")
	}
	return nil
}

// mayMake refuses who may not give a role, or touch one who has it: owners are
// a matter of owners.
func mayMake(p *credential.Principal, roles ...credential.Role) error {
	for _, role := range roles {
		if role == credential.Owner && !p.IsOperator() && p.Role != credential.Owner {
			return credential.Errorf(credential.Forbidden, "only an owner makes owners, and changes what they are")
		}
	}
	return nil
}

// Invited is an invitation with the code of its link, which is shown once.
type Invited struct {
	store.Invitation
	Code credential.Secret
}

// InviteRequest asks an address to become a member.
type InviteRequest struct {
	Email string
	Role  credential.Role
	// Anew means that an invitation before to the same address is a conflict
	// while it is good, where otherwise it is dead then.
	Anew bool
	// Idempotency is for who shows the code at once: a repeat is ErrDone, or gets
	// a code that nobody can use.
	Idempotency *Idempotency
}

// Invite asks an address to become a member of an organization. Where letters
// are delivered, one brings the code.
func (a *Authority) Invite(ctx context.Context, p *credential.Principal, organization uuid.UUID, r InviteRequest) (*Invited, error) {
	if err := managesMembers(p, organization); err != nil {
		return nil, err
	}
	if !r.Role.Valid() {
		return nil, credential.InvalidField("role", "choose one of: owner, admin, member, guest")
	}
	if err := mayMake(p, r.Role); err != nil {
		return nil, err
	}
	now := a.clock()
	out := &Invited{Invitation: store.Invitation{
		Organization: organization, Role: r.Role, InvitedBy: inviter(p), CreatedAt: now, ExpiresAt: now.Add(inviteFor),
	}}
	var err error
	if out.Email, err = credential.CheckEmail("email", r.Email); err != nil {
		return nil, err
	}
	if out.ID, err = a.newID(); err != nil {
		return nil, err
	}
	if out.Code, err = inviteCode.Generate(a.rand); err != nil {
		return nil, err
	}
	defer a.posted()
	_, err = a.once(ctx, p, creation{organization, "invite " + organization.String(), r.Idempotency}, func(tx *store.Tx) (uuid.UUID, error) {
		if err := a.mayInvite(ctx, p); err != nil {
			return uuid.Nil, err
		}
		if r.Anew {
			if err := notInvited(ctx, tx, out); err != nil {
				return uuid.Nil, err
			}
		}
		return out.ID, a.invite(ctx, tx, act{p, now}, out)
	})
	return out, err
}

// mayInvite counts an invitation, and refuses one too many. The operator
// invites whom they like.
func (a *Authority) mayInvite(ctx context.Context, p *credential.Principal) error {
	if p.IsOperator() {
		return nil
	}
	room, err := a.takeOne(ctx, limit.For("invitations", p.Subject), limit.Rate{Limit: mostInvited, Window: 24 * time.Hour})
	if err == nil && !room {
		return credential.Errorf(credential.TooMany, "a user invites at most %d addresses a day; invite the others later", mostInvited)
	}
	return err
}

// notInvited refuses an address whose invitation is good still.
func notInvited(ctx context.Context, tx *store.Tx, in *Invited) error {
	before, err := tx.InvitationTo(ctx, in.Organization, in.Email)
	if err == nil && before.AcceptedAt.IsZero() && in.CreatedAt.Before(before.ExpiresAt) {
		return &credential.Error{Kind: credential.Conflict, Field: "email", Detail: "this address is invited already"}
	}
	return ignoreMissing(err)
}

// inviter names who invites: a user, or the operator.
func inviter(p *credential.Principal) string {
	if p.SubjectType == credential.SubjectUser {
		return userPrefix + p.Subject.String()
	}
	return p.String()
}

const userPrefix = "user:"

// inviterMay refuses an invitation by a user who could not make it any more.
func inviterMay(ctx context.Context, tx *store.Tx, in *store.Invitation) error {
	text, ok := strings.CutPrefix(in.InvitedBy, userPrefix)
	if !ok {
		return nil // the operator's
	}
	id, err := ParseID(text)
	if err != nil {
		return errBadInvitation()
	}
	by, err := tx.MemberByID(ctx, in.Organization, id)
	if errors.Is(err, credential.NotFound) {
		return errBadInvitation()
	}
	if err == nil && (!by.DeactivatedAt.IsZero() || !by.Role.Manages() || in.Role == credential.Owner && by.Role != credential.Owner) {
		return errBadInvitation()
	}
	return err
}

func (a *Authority) invite(ctx context.Context, tx *store.Tx, by act, in *Invited) error {
	_, err := tx.MemberByEmail(ctx, in.Organization, in.Email)
	if !errors.Is(err, credential.NotFound) {
		return orElse(err, &credential.Error{Kind: credential.Conflict, Field: "email", Detail: "this user is a member already"})
	}
	o, err := tx.Organization(ctx, in.Organization)
	if err != nil {
		return err
	}
	tx.Record(by.event("invitation.create", "invitation:"+in.ID.String(), object(map[string]string{"role": string(in.Role)})))
	err = tx.InsertInvitation(ctx, &in.Invitation, a.linker.LookupKey(in.Code.Reveal()), a.store.Root().Version())
	if err != nil || !a.rules.Mail {
		return err
	}
	return a.post(ctx, tx, in.ExpiresAt, store.Letter{
		To: in.Email, Subject: "You are invited",
		Text: "You are asked to become a member of " + o.Name + " at Gatehouse. Open this link\n" +
			"within 7 days, and sign in with this address or register it:\n\n" + a.Issuer() + invitationPage + "#code=" + in.Code.Reveal() + "\n",
	})
}

// Invitations returns the invitations of an organization with an id above after.
func (a *Authority) Invitations(ctx context.Context, p *credential.Principal, organization, after uuid.UUID, limit int) ([]store.Invitation, error) {
	if err := managesMembers(p, organization); err != nil {
		return nil, err
	}
	return a.store.Invitations(ctx, organization, after, limit)
}

// InvitationsIn returns a section of the invitations of an organization, and
// how many there are.
func (a *Authority) InvitationsIn(ctx context.Context, p *credential.Principal, organization uuid.UUID, s store.Section) ([]store.Invitation, int, error) {
	if err := managesMembers(p, organization); err != nil {
		return nil, 0, err
	}
	return a.store.InvitationsIn(ctx, organization, s)
}

// WithdrawInvitation takes an invitation back.
func (a *Authority) WithdrawInvitation(ctx context.Context, p *credential.Principal, organization, id uuid.UUID) error {
	if err := managesMembers(p, organization); err != nil {
		return err
	}
	return a.stop(ctx, p, organization, func(tx *store.Tx) error {
		there, err := tx.DropInvitation(ctx, organization, id)
		if err != nil {
			return err
		}
		if !there {
			return credential.Errorf(credential.NotFound, "no such invitation")
		}
		tx.Record(act{p, a.clock()}.event("invitation.withdraw", "invitation:"+id.String(), "{}"))
		return nil
	})
}

func errBadInvitation() error {
	return credential.InvalidField("code", "the invitation is wrong, was withdrawn, was accepted before or has expired")
}

// ErrNoInvitation marks the error about a code that no invitation has.
var ErrNoInvitation = errors.New("no invitation has the code")

func errNoInvitation() error { return fmt.Errorf("%w (%w)", errBadInvitation(), ErrNoInvitation) }

// Invitation is what an invitation says to whoever holds its code, while it can
// be accepted.
func (a *Authority) Invitation(ctx context.Context, code string) (*store.Invitation, *store.Organization, error) {
	if !inviteCode.Check(code) {
		return nil, nil, errNoInvitation()
	}
	in, err := under(a.linker.all(code), func(k credential.LookupKey) (*store.Invitation, error) { return a.store.InvitationByKey(ctx, k) })
	if errors.Is(err, credential.NotFound) {
		return nil, nil, errNoInvitation()
	}
	if err == nil && (!in.AcceptedAt.IsZero() || !a.now().Before(in.ExpiresAt)) {
		return nil, nil, errBadInvitation()
	}
	if err != nil {
		return nil, nil, err
	}
	o, err := a.store.Organization(ctx, in.Organization)
	return in, o, err
}

// AcceptInvitation makes the principal's user a member of the organization
// that invited their address.
func (a *Authority) AcceptInvitation(ctx context.Context, p *credential.Principal, code string) (*store.Organization, error) {
	if err := signedIn(p); err != nil {
		return nil, err
	}
	if err := a.unconfined(ctx, p); err != nil {
		return nil, err
	}
	if !inviteCode.Check(code) {
		return nil, errNoInvitation()
	}
	var key credential.LookupKey
	known, err := under(a.linker.all(code), func(k credential.LookupKey) (*store.Invitation, error) {
		key = k
		return a.store.InvitationByKey(ctx, k)
	})
	if errors.Is(err, credential.NotFound) {
		return nil, errNoInvitation()
	}
	if err != nil {
		return nil, err
	}
	err = a.transact(ctx, p, known.Organization, func(tx *store.Tx) error { return a.accept(ctx, tx, p, key) })
	if err != nil {
		return nil, err
	}
	return a.store.Organization(ctx, known.Organization)
}

func (a *Authority) accept(ctx context.Context, tx *store.Tx, p *credential.Principal, key credential.LookupKey) error {
	in, err := tx.InvitationByKey(ctx, key)
	if errors.Is(err, credential.NotFound) {
		return errNoInvitation()
	}
	if err != nil {
		return err
	}
	user, err := tx.User(ctx, p.Subject)
	if err != nil {
		return err
	}
	if user.Email != in.Email {
		return &credential.Error{Kind: credential.Forbidden, Field: "code", Detail: "the invitation is for another address than the one that you signed in with"}
	}
	o, err := tx.Organization(ctx, in.Organization)
	if err != nil {
		return err
	}
	if !o.SuspendedAt.IsZero() {
		return credential.Errorf(credential.Conflict, "the organization is suspended")
	}
	if err := inviterMay(ctx, tx, in); err != nil {
		return err
	}
	now := a.clock()
	first, err := tx.AcceptInvitation(ctx, in.ID, now)
	if err != nil {
		return err
	}
	if !first || !now.Before(in.ExpiresAt) {
		return errBadInvitation()
	}
	tx.Record(act{p, now}.event("invitation.accept", "invitation:"+in.ID.String(), "{}"))
	return a.addMember(ctx, tx, p, in.Organization, &store.Member{User: *user, Role: in.Role})
}
