package authority

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Verification is what a secret is presented for.
type Verification struct {
	Permission credential.Permission // empty: only whether it works
	// Organization names the one that the request is about, in which a user
	// who has signed in acts: by UUID, org_… or number. Empty is the only one
	// that the user is a member of.
	Organization string
	Project      *store.ProjectRef // nil: no particular project
	Address      netip.Addr        // of the client; invalid when unknown
	UserAgent    string
	RequestID    string // for the audit; empty where there is no request
	// Takes says whose credentials are taken, by their scheme; nil for all. Any
	// other is malformed.
	Takes  func(*credential.Scheme) bool
	Charge Charge
	// Ours means that the request goes to a route of ours, which the charge
	// names: Answered tells how it went.
	Ours bool
}

// Accepts reports whether text may be a credential that is presented so. It
// does no I/O. An access token is a Bearer token (RFC 9068 section 4).
func (a *Authority) Accepts(text string, as credential.Presentation) bool {
	if jwt.Looks(text) {
		return as == credential.AsBearer
	}
	if as == credential.AsCookie {
		return credential.CookieText.Check(text)
	}
	if scheme, ok := a.schemes.Parse(text); ok {
		return scheme.Accepts(as)
	}
	return a.foreign(text) && credential.PresentsForeign(as)
}

// Verify decides whether a secret may do this now. It is the one way to a
// decision; an error means that none could be reached, and the caller refuses.
func (a *Authority) Verify(ctx context.Context, text string, v Verification) (credential.Decision, error) {
	d, err := a.decide(ctx, text, v)
	if err != nil {
		return d, err
	}
	if v.Takes != nil && d.Standing != nil && !v.Takes(d.Standing.Credential.Scheme) {
		return credential.Decision{Code: credential.CodeMalformed}, nil
	}
	return a.charge(ctx, d, &v)
}

// charge counts what was decided: against limits, then against budgets. What
// is refused for another reason costs nothing.
func (a *Authority) charge(ctx context.Context, d credential.Decision, v *Verification) (credential.Decision, error) {
	if err := a.limit(ctx, &d, *v); err != nil {
		return credential.Decision{}, err
	}
	if err := a.spend(ctx, &d, v); err != nil {
		return credential.Decision{}, err
	}
	a.count(ctx, &d, *v)
	return d, nil
}

// VerifyFor is Verify on behalf of a principal that asks about somebody else's
// secret. Another organization's is unknown to it.
func (a *Authority) VerifyFor(ctx context.Context, p *credential.Principal, text string, v Verification) (credential.Decision, error) {
	d, err := a.decideFor(ctx, p, text, v)
	if err != nil {
		return d, err
	}
	v.Charge.By = p
	return a.charge(ctx, d, &v)
}

// decideFor decides about what a principal may be told of.
func (a *Authority) decideFor(ctx context.Context, p *credential.Principal, text string, v Verification) (credential.Decision, error) {
	if v.Organization == "" && p.Organization != uuid.Nil {
		v.Organization = p.Organization.String()
	}
	d, err := a.decide(ctx, text, v)
	if err != nil {
		return d, err
	}
	if d.Standing != nil && !concerns(p, &d.Principal) {
		return credential.Decision{Code: credential.CodeUnknown}, nil
	}
	return d, nil
}

// concerns reports whether a principal may be told of another.
func concerns(p, other *credential.Principal) bool {
	switch {
	case p.InstallationWide():
		return true
	case p.Organization != other.Organization:
		return false
	}
	return p.ProjectScoped() == uuid.Nil || p.ProjectScoped() == other.ProjectScoped()
}

func (a *Authority) decide(ctx context.Context, text string, v Verification) (credential.Decision, error) {
	f, err := a.find(ctx, text, v.Organization)
	if err != nil {
		return credential.Decision{}, undecided(err)
	}
	if f.code != "" {
		return credential.Decision{Code: f.code}, nil
	}
	return a.evaluate(ctx, f, v)
}

// find reads what a text stands for: a secret, an access token or a session.
func (a *Authority) find(ctx context.Context, text, organization string) (found, error) {
	switch {
	case jwt.Looks(text):
		return a.findToken(ctx, text, organization)
	case strings.HasPrefix(text, credential.CookieText.Prefix):
		return a.findCookie(ctx, text, organization)
	}
	var standing *credential.Standing
	var err error
	if _, ok := a.schemes.Parse(text); ok {
		standing, err = a.lookup(ctx, text)
	} else if a.foreign(text) {
		standing, err = a.lookupForeign(ctx, text)
	} else {
		return found{code: credential.CodeMalformed}, nil
	}
	if errors.Is(err, credential.NotFound) {
		return found{code: credential.CodeUnknown}, nil
	}
	return found{standing: standing}, err
}

// evaluate decides about what was found.
func (a *Authority) evaluate(ctx context.Context, f found, v Verification) (credential.Decision, error) {
	r := credential.Request{Permission: v.Permission, Address: v.Address, Modes: a.modes}
	c, project := f.standing.Credential, v.Project
	if project == nil && f.token != nil && c.Project != uuid.Nil { // it may be narrowed to one
		project = &store.ProjectRef{ID: c.Project}
	}
	if project != nil {
		access, err := a.store.ProjectAccess(ctx, c.Organization, *project, c.User)
		if err != nil {
			return credential.Decision{}, undecided(err)
		}
		r.Project = &access
	}
	r.Now = a.now() // as late as possible: reading may have taken a while
	d := credential.Evaluate(f.standing, r)
	d.Principal.Token = f.token
	return d, nil
}

// undecided marks an error as "could not decide", whatever its cause.
func undecided(err error) error {
	var e *credential.Error
	if errors.As(err, &e) {
		return err
	}
	return fmt.Errorf("%w (%w)", credential.Errorf(credential.Unavailable, "no decision could be reached; try again"), err)
}

// lookup finds a standing, and notes the first use of a secret whose answer
// could have been lost: from now on no repeat of that call replaces it.
func (a *Authority) lookup(ctx context.Context, text string) (*credential.Standing, error) {
	key := a.keyer.LookupKey(text)
	standing, err := a.store.Lookup(ctx, key)
	if errors.Is(err, credential.NotFound) && len(a.keyer.older) > 0 {
		standing, key, err = a.lookupAged(ctx, store.Rekeying{To: key, Import: key}, a.keyer.aged(text))
	}
	if err != nil || !standing.Secret.Unconfirmed {
		return standing, err
	}
	confirmed, err := a.store.Confirm(ctx, key)
	if err != nil {
		// A full disk must not stop verifications. The next use tries again.
		a.log.Warn("the first use of a secret can't be stored", "credential", standing.Credential.ID, "error", err)
		return standing, nil
	}
	if !confirmed { // replaced or confirmed since it was read
		return a.store.Lookup(ctx, key)
	}
	return standing, nil
}

// RevokeByPossession revokes the credential of a secret that somebody found.
// It needs no principal and tells nothing: what isn't a working secret is
// answered like one that was just revoked.
func (a *Authority) RevokeByPossession(ctx context.Context, text string, from netip.Addr, requestID string) error {
	finder := credential.Principal{SubjectType: "possession", Address: from, RequestID: requestID}
	d, err := a.decide(ctx, text, Verification{Address: from})
	if err == nil && d.Standing == nil {
		return a.revokeUnread(ctx, &finder, text)
	}
	if err != nil || d.Code == credential.CodeRevoked {
		return err
	}
	c := d.Standing.Credential
	if d.Principal.SignedIn() || ofDevice(&d.Principal) {
		return a.endFor(ctx, &finder, ending{user: c.User, only: c.ID, because: "possession"})
	}
	if d.Principal.Token != nil {
		return a.endToken(ctx, &finder, &d)
	}
	_, err = a.change(ctx, &finder, c, "credential.revoke", func(_ *store.Tx, c *credential.Credential, now time.Time) error {
		c.RevokedAt = now
		return nil
	})
	if errors.Is(err, credential.Conflict) { // somebody else was first
		return nil
	}
	return err
}

// revokeUnread revokes the credential of a secret that can't be verified, as
// one whose scheme is no longer declared or whose record is damaged.
func (a *Authority) revokeUnread(ctx context.Context, finder *credential.Principal, text string) error {
	if text == "" || len(text) > credential.MaxText {
		return nil
	}
	if handle, ok := credential.RefreshText.Handle(text); ok {
		s, err := under(a.keyer.all(handle), func(key credential.LookupKey) (*store.Session, error) {
			s, _, err := a.store.SessionByHandle(ctx, key)
			return s, err
		})
		if err != nil {
			return ignoreMissing(err)
		}
		return a.endFor(ctx, finder, ending{user: s.User, only: s.ID, because: "possession"})
	}
	keys := a.keyer.all(text)
	if a.foreign(text) {
		keys = append(keys, a.importKeys(credential.DigestOf(text))...)
	}
	id, err := under(keys, func(key credential.LookupKey) (uuid.UUID, error) { return a.store.OwnerOf(ctx, key) })
	if err == nil {
		_, err = a.endDamaged(ctx, finder, uuid.Nil, id)
	}
	return ignoreMissing(err)
}

// Self returns the principal's own credential as it is listed.
func (a *Authority) Self(ctx context.Context, p *credential.Principal) (*Detail, error) {
	if p.Credential == nil {
		return nil, credential.Errorf(credential.NotFound, "the operator acts without a credential")
	}
	if p.Credential.Scheme.Kind == credential.Session {
		c := p.Credential
		return &Detail{Credential: c, State: c.State(a.clock()), Use: a.latest(c.ID, credential.Use{})}, nil
	}
	return a.detail(ctx, p.Credential.Organization, p.Credential.ID)
}

// nilIfWide is the organization that a principal's reads are confined to.
func nilIfWide(p *credential.Principal) uuid.UUID {
	if p.InstallationWide() {
		return uuid.Nil
	}
	return p.Organization
}
