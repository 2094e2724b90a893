package authority

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const (
	// vouchedRow is what it is sealed for that a provider vouched for somebody,
	// and vouchedMark tells that from a proven password.
	vouchedRow  = "vouched for"
	vouchedMark = "v."
)

// vouched is somebody for whom a provider vouches.
type vouched struct {
	Organization uuid.UUID `json:"organization"`
	Changed      time.Time `json:"changed"`
	Subject      string    `json:"subject"`
	Email        string    `json:"email"`
	Name         string    `json:"name"`
	Asked        time.Time `json:"asked"` // when the provider asked who they are; zero where it doesn't say
	Until        time.Time `json:"until"`
}

// vouch reads for whom a provider vouches: for an address that it has verified,
// in a domain that is its own.
func vouch(f flown) (*vouched, error) {
	if !verified(f) {
		return nil, refusal{"email_unverified", "Your organization's provider doesn't say that your e-mail address is verified. Ask whoever looks after it.", nil}
	}
	email, err := credential.CheckEmail("email", f.claims["email"])
	if err != nil {
		return nil, refusal{"email_missing", "Your organization's provider says no e-mail address of you that can be used. Ask whoever looks after it.", nil}
	}
	local, domain, _ := strings.Cut(email, "@")
	if !slices.Contains(f.provider.Domains, domain) {
		return nil, refusal{"domain", "Your organization's provider doesn't vouch for addresses at " + domain + " here.", errors.New("an address at " + domain)}
	}
	name, err := credential.CheckName("name", f.claims["name"])
	if err != nil {
		name = local
	}
	return &vouched{Organization: f.Organization, Changed: f.provider.UpdatedAt, Subject: f.claims["sub"], Email: email, Name: name, Asked: authTime(f.claims)}, nil
}

// microsoft is where the issuers of Microsoft Entra ID begin, which says in a
// claim of its own whether the owner of a domain is known to it.
const microsoft = "https://login.microsoftonline.com/"

// verified reports whether a provider says that somebody's address is theirs.
func verified(f flown) bool {
	if strings.HasPrefix(f.provider.Issuer, microsoft) && (f.claims["xms_edov"] == "true" || f.claims["xms_edov"] == "1") {
		return true
	}
	return f.claims["email_verified"] == "true"
}

// whose is who somebody is for whom a provider vouches.
type whose struct {
	user       *store.User         // nil: somebody new
	link       *store.ProviderLink // nil: known by their address so far
	role       credential.Role     // of somebody new
	invitation *store.Invitation   // that somebody new follows
}

// finder has what a store has outside of a change and within one.
type finder interface {
	ProviderLinkBy(ctx context.Context, organization uuid.UUID, issuer, subject string) (*store.ProviderLink, error)
	ProviderLinkOf(ctx context.Context, organization, user uuid.UUID) (*store.ProviderLink, error)
	accounts
}

// accounts finds users.
type accounts interface {
	User(ctx context.Context, id uuid.UUID) (*store.User, error)
	UserByEmail(ctx context.Context, email string) (*store.User, error)
	members
}

// members finds who is, or is to be, in an organization.
type members interface {
	MemberByID(ctx context.Context, organization, user uuid.UUID) (*store.Member, error)
	InvitationTo(ctx context.Context, organization uuid.UUID, email string) (*store.Invitation, error)
}

// whoIs finds out who somebody is. Who is known goes by the subject alone. An
// address leads to the account that has it only where that is a member already
// whom the provider doesn't know by another subject: nobody gets an account, nor
// a member back, by what a provider says.
func (a *Authority) whoIs(ctx context.Context, find finder, p *store.Provider, v *vouched) (*whose, error) {
	link, err := find.ProviderLinkBy(ctx, p.Organization, p.Issuer, v.Subject)
	if err != nil {
		return nil, err
	}
	if link != nil {
		user, err := find.User(ctx, link.User)
		if err == nil && !link.Member {
			err = refusal{"removed", "You are no member of this organization any more. Ask one of its owners or admins to invite you.", nil}
		}
		return &whose{user: user, link: link}, err
	}
	user, err := find.UserByEmail(ctx, v.Email)
	if errors.Is(err, credential.NotFound) {
		return a.newcomer(ctx, find, p, v)
	}
	if err != nil {
		return nil, err
	}
	_, err = find.MemberByID(ctx, p.Organization, user.ID)
	if errors.Is(err, credential.NotFound) {
		return nil, refusal{"not_a_member", "There is an account with your address already, and it is no member of this organization. Ask one of its owners or admins to invite it, sign in by password, and accept.", nil}
	}
	if err != nil {
		return nil, err
	}
	link, err = find.ProviderLinkOf(ctx, p.Organization, user.ID)
	if err == nil && link != nil {
		err = refusal{"another_subject", "Your address belongs to somebody whom your organization's provider knows as another person. Ask an owner of your organization.",
			errors.New("the account is linked to another subject; forget that link if this is the same person")}
	}
	return &whose{user: user}, err
}

// newcomer decides whether somebody new is let in, and as what.
func (a *Authority) newcomer(ctx context.Context, find members, p *store.Provider, v *vouched) (*whose, error) {
	in, err := find.InvitationTo(ctx, p.Organization, v.Email)
	switch {
	case err == nil && in.AcceptedAt.IsZero() && a.clock().Before(in.ExpiresAt):
		return &whose{role: in.Role, invitation: in}, nil
	case ignoreMissing(err) != nil:
		return nil, err
	case p.AdmitNew:
		return &whose{role: p.Role}, nil
	}
	return nil, refusal{"nobody_new", "Your organization lets nobody new in by its provider. Ask one of its owners or admins to invite you.", nil}
}

// enter begins a session for somebody for whom a provider vouches. It reaches the
// organization of that provider, and nothing else of its user's.
func (a *Authority) enter(ctx context.Context, v *vouched, r SignInRequest) (out *SignedIn, err error) {
	var refused error
	var attempt store.Attempt
	if r.Code != "" {
		if attempt, err = a.tryVouched(ctx, v, r.From); err != nil {
			return nil, err
		}
	}
	r.organization, r.provenAt = v.Organization, v.Asked
	err = a.store.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		if err := tx.HoldOrganization(ctx, v.Organization); err != nil {
			return err
		}
		if o, err := tx.Organization(ctx, v.Organization); err != nil || !o.SuspendedAt.IsZero() {
			return orElse(ignoreMissing(err), errFlow())
		}
		p, err := tx.Provider(ctx, v.Organization)
		if errors.Is(err, credential.NotFound) || err == nil && (!p.Active || !p.UpdatedAt.Equal(v.Changed)) {
			return errFlow()
		}
		if err != nil {
			return err
		}
		who, err := a.whoIs(ctx, tx, p, v)
		if err != nil {
			return err
		}
		if refused, err = a.admitVouched(ctx, tx, who, r); err != nil {
			return err
		}
		if refused != nil {
			tx.Record(a.signInEvent(r.From, who.user.ID, "sign_in.fail", refused))
			return nil
		}
		if err := a.settle(ctx, tx, entering{who, p, v, r.From}); err != nil {
			return err
		}
		if r.Code != "" {
			if err := tx.ForgetAttempts(ctx, attempt.Account); err != nil {
				return err
			}
		}
		out, err = a.openSession(ctx, tx, who.user, r)
		return err
	})
	if err = orElse(err, refused); err == nil {
		return out, nil
	}
	if errors.Is(err, credential.CodeRequired) {
		proven, failed := a.sealFor(vouchedRow, v)
		return &SignedIn{Proven: vouchedMark + proven}, orElse(failed, err)
	}
	return nil, err
}

// admitVouched refuses an account that nobody signs in to, and asks for the code
// of its second factor.
func (a *Authority) admitVouched(ctx context.Context, tx *store.Tx, who *whose, r SignInRequest) (refused, err error) {
	if who.user == nil {
		return nil, nil
	}
	if err := tx.HoldUser(ctx, who.user.ID); err != nil {
		return nil, err
	}
	user, err := tx.User(ctx, who.user.ID)
	if err != nil {
		return nil, err
	}
	who.user = user
	switch {
	case !user.DeactivatedAt.IsZero(), user.Service:
		return nil, refusal{"deactivated", "Your account is deactivated. Ask whoever runs this server.", nil}
	case !user.TwoFactor:
		return nil, nil
	case r.Code == "":
		return nil, credential.Errorf(credential.CodeRequired, "Two-factor code required")
	}
	f, err := tx.TwoFactor(ctx, user.ID)
	if err != nil || f == nil {
		return errWrongCode(), err
	}
	return a.spendCode(ctx, tx, f, codeOf{user.ID, r.Code})
}

// tryVouched counts the try of a code behind a provider, for each organization
// by itself: whoever runs a provider can't use up the tries that its user has
// elsewhere, and has no more than a password has.
func (a *Authority) tryVouched(ctx context.Context, v *vouched, from Origin) (attempt store.Attempt, err error) {
	p, err := a.store.Provider(ctx, v.Organization)
	if errors.Is(err, credential.NotFound) {
		return attempt, errFlow()
	}
	if err != nil {
		return attempt, err
	}
	who, err := a.whoIs(ctx, a.store, p, v)
	if err != nil || who.user == nil {
		return attempt, err
	}
	attempt = store.Attempt{Account: a.accountKey("vouched\x00" + v.Organization.String() + "\x00" + who.user.ID.String()), At: a.clock()}
	attempt.Place = a.placeKey(attempt.Account, from.Address)
	allowed, err := a.store.BeginAttempt(ctx, &attempt, signInBounds)
	if err != nil {
		return attempt, undecided(err)
	}
	if !allowed {
		return attempt, errTooManyCodes()
	}
	return attempt, nil
}

// entering is somebody who is let in.
type entering struct {
	*whose
	provider *store.Provider
	vouched  *vouched
	from     Origin
}

// settle stores what is new of somebody who is let in: the account, the
// membership, and by which subject they are known. The address of a new account
// isn't verified by that: the provider vouches in its organization alone.
func (a *Authority) settle(ctx context.Context, tx *store.Tx, e entering) (err error) {
	now, organization := a.clock(), e.provider.Organization
	if e.user == nil {
		e.whose.user = &store.User{Email: e.vouched.Email, Name: e.vouched.Name, CreatedAt: now}
		if e.user.ID, err = a.newID(); err != nil {
			return err
		}
		by := act{e.from.somebody(e.user.ID), now}
		tx.Record(by.event("user.register", "user:"+e.user.ID.String(), object(map[string]string{"by": "provider"})))
		if err := tx.InsertUser(ctx, e.user); err != nil {
			return err
		}
		if err := a.join(ctx, tx, by, e); err != nil {
			return err
		}
	}
	by := act{e.from.somebody(e.user.ID), now}
	if e.link == nil {
		e.whose.link = &store.ProviderLink{User: e.user.ID, Issuer: e.provider.Issuer, Subject: e.vouched.Subject, LinkedAt: now}
		linked := by.event("provider.link", "user:"+e.user.ID.String(), object(map[string]string{"subject": told(e.vouched.Subject)}))
		linked.Chain = organization
		tx.Record(linked)
	}
	e.link.UsedAt = now
	return tx.KnowByProvider(ctx, organization, e.link)
}

// join makes somebody new a member, by an invitation where there is one.
func (a *Authority) join(ctx context.Context, tx *store.Tx, by act, e entering) error {
	organization := e.provider.Organization
	if in := e.invitation; in != nil {
		if err := inviterMay(ctx, tx, in); err != nil {
			return refusal{"invitation", "Your invitation isn't good any more. Ask for another.", nil}
		}
		if _, err := tx.AcceptInvitation(ctx, in.ID, by.at); err != nil {
			return err
		}
		accepted := by.event("invitation.accept", "invitation:"+in.ID.String(), "{}")
		accepted.Chain = organization
		tx.Record(accepted)
	}
	joined := by.event("member.add", "user:"+e.user.ID.String(), object(map[string]string{"role": string(e.role), "by": "provider"}))
	joined.Chain = organization
	tx.Record(joined)
	return tx.SetMember(ctx, organization, e.user.ID, e.role, by.at)
}

// enterVouched is SignIn by the code, for whom a provider vouched before.
func (a *Authority) enterVouched(ctx context.Context, r SignInRequest, text string) (*SignedIn, error) {
	var v vouched
	if !a.openFor(vouchedRow, text, &v) || !a.clock().Before(v.Until) {
		return nil, credential.Errorf(credential.Unauthenticated, "That took too long. Sign in again.")
	}
	out, err := a.enter(ctx, &v, r)
	if err != nil {
		err = a.refuseFlow(ctx, &flow{Organization: v.Organization}, r.From, err)
	}
	return out, err
}

// verdict says what would come of what a provider says.
func (a *Authority) verdict(ctx context.Context, f flown) (string, error) {
	v, err := vouch(f)
	var who *whose
	if err == nil {
		who, err = a.whoIs(ctx, a.store, f.provider, v)
	}
	var r refusal
	switch {
	case errors.As(err, &r) && r.because != nil:
		return "Not let in: " + r.text + " (" + r.because.Error() + ")", nil
	case errors.As(err, &r):
		return "Not let in: " + r.text, nil
	case err != nil:
		return "", err
	case who.user == nil:
		return "Let in as a new " + string(who.role) + ", " + v.Name + ".", nil
	case !who.user.DeactivatedAt.IsZero():
		return "Not let in: the account " + who.user.Email + " is deactivated.", nil
	}
	return "Let in as " + who.user.Name + ", " + who.user.Email + ".", nil
}

// ProvesBy returns the organization by whose provider the principal's user can
// prove who they are; nil for none.
func (a *Authority) ProvesBy(ctx context.Context, p *credential.Principal) (*store.Organization, error) {
	place, err := a.confinedTo(ctx, p)
	if err != nil || place == uuid.Nil {
		return nil, err
	}
	return a.store.Organization(ctx, place)
}

// BeginProof is the way to the provider that began the principal's session, which
// asks there once more who its user is.
func (a *Authority) BeginProof(ctx context.Context, p *credential.Principal, from Origin) (*Flow, error) {
	if err := signedIn(p); err != nil {
		return nil, err
	}
	place, err := a.confinedTo(ctx, p)
	if err != nil {
		return nil, err
	}
	if place == uuid.Nil {
		return nil, credential.Errorf(credential.NotFound, "no provider began this session")
	}
	user, err := a.store.User(ctx, p.Subject)
	if err != nil {
		return nil, err
	}
	return a.BeginFlow(ctx, FlowRequest{Organization: place, Purpose: ToProve, Session: p.Credential.ID, Hint: user.Email, From: from})
}

// BeginTry is the way to the provider of an organization for who looks after it,
// to see what it says.
func (a *Authority) BeginTry(ctx context.Context, p *credential.Principal, organization uuid.UUID, from Origin) (*Flow, error) {
	if err := managesProvider(p, organization); err != nil {
		return nil, err
	}
	return a.BeginFlow(ctx, FlowRequest{Organization: organization, Purpose: ToTry, From: from})
}

// proveByProvider notes for a session that the provider that began it has asked
// its user just now.
func (a *Authority) proveByProvider(ctx context.Context, f flown) error {
	if at := authTime(f.claims); at.Before(f.Begun.Add(-flowSkew)) || at.After(a.now().Add(flowSkew)) {
		return refusal{"not_asked_again", "Your organization's provider didn't ask you again who you are. Type your password instead.", errors.New("auth_time is missing or old, though max_age=0 was asked for")}
	}
	return a.store.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		standing, err := tx.SessionStanding(ctx, f.Session, f.Organization)
		if errors.Is(err, credential.NotFound) {
			return errFlow()
		}
		if err != nil {
			return err
		}
		place, err := tx.SessionPlace(ctx, f.Session)
		if err != nil {
			return err
		}
		link, err := tx.ProviderLinkBy(ctx, f.Organization, f.provider.Issuer, f.claims["sub"])
		if err != nil {
			return err
		}
		d := credential.Evaluate(standing, credential.Request{Address: f.from.Address, Now: a.now()})
		if d.Code != credential.OK || place != f.Organization {
			return errFlow()
		}
		if link == nil || link.User != d.Principal.Subject {
			return refusal{"somebody_else", "That was somebody else. Sign in there as who you are here.", nil}
		}
		by := d.Principal
		by.Address, by.RequestID = f.from.Address, f.from.RequestID
		return a.proveSession(ctx, tx, act{&by, a.clock()})
	})
}

// number64 reads a whole number of a claim.
func number64(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 0
}

// parseDetail reads the detail of an audit event of ours.
func parseDetail(detail string, v any) bool {
	return json.Unmarshal([]byte(detail), v, json.MatchCaseInsensitiveNames(true)) == nil
}
