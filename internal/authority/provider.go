package authority

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Bounds of what is said of a provider.
const (
	mostDomains   = 20
	maxClientID   = 255 // bytes
	maxProvSecret = 1024
)

// managesProvider refuses who doesn't decide by whom people sign in: an owner
// who has signed in does, and the operator.
func managesProvider(p *credential.Principal, organization uuid.UUID) error {
	if p.IsOperator() {
		return nil
	}
	if err := within(p, organization, credential.OrganizationWrite); err != nil {
		return err
	}
	if !p.SignedIn() || p.Role != credential.Owner {
		return credential.Errorf(credential.Forbidden, "an owner who has signed in decides by whom people sign in: no token and no key does it")
	}
	return nil
}

// seesProvider refuses who may not see by whom people sign in.
func seesProvider(p *credential.Principal, organization uuid.UUID) error {
	if err := within(p, organization, credential.OrganizationRead); err != nil {
		return err
	}
	if p.ProjectScoped() != uuid.Nil || p.SubjectType == credential.SubjectUser && !p.Role.Manages() {
		return credential.Errorf(credential.Forbidden, "owners and admins see by whom people sign in")
	}
	return nil
}

// ProviderState is a provider, and why it last let somebody not in.
type ProviderState struct {
	store.Provider
	Failure string
	At      time.Time // of the failure; zero for none
}

// ProviderVersion tells one state of a provider from the next.
func ProviderVersion(p *store.Provider) string { return version(p.UpdatedAt) }

// Provider returns the provider by which the people of an organization sign in.
func (a *Authority) Provider(ctx context.Context, p *credential.Principal, organization uuid.UUID) (*ProviderState, error) {
	if err := seesProvider(p, organization); err != nil {
		return nil, err
	}
	found, err := a.store.Provider(ctx, organization)
	if err != nil {
		return nil, err
	}
	out := &ProviderState{Provider: *found}
	failed, err := a.store.LatestEvents(ctx, organization, store.EventFilter{Action: providerRefused, Since: found.UpdatedAt, Limit: 1}, 0)
	if err == nil && len(failed) == 1 {
		out.Failure, out.At = refusalTold(failed[0].Detail), failed[0].At
	}
	return out, err
}

// ProviderRequest says what the provider of an organization is to be.
type ProviderRequest struct {
	Issuer, ClientID string
	Secret           string // of our client there; empty: the one before
	Domains          []string
	Role             credential.Role
	AdmitNew, Active bool
}

// check refuses what no provider can be, and returns it in its one spelling.
func (a *Authority) checkProvider(r *ProviderRequest) (*store.Provider, error) {
	if err := a.checkIssuer(r.Issuer); err != nil {
		return nil, err
	}
	switch {
	case !visible(r.ClientID, maxClientID):
		return nil, credential.InvalidField("client_id", "must be 1 to %d visible characters, as the provider shows it", maxClientID)
	case r.Secret != "" && !visible(r.Secret, maxProvSecret):
		return nil, credential.InvalidField("client_secret", "must be at most %d visible characters, as the provider shows it", maxProvSecret)
	case a.schemes.HasPrefix(r.Secret): // which would be sent there at every sign-in
		return nil, credential.InvalidField("client_secret", "begins like a token or key of this server, which is nobody else's to know; type the secret that the provider gave you")
	case r.Role != credential.Member && r.Role != credential.Guest:
		return nil, credential.InvalidField("role", "choose one of: member, guest; owners and admins are made by hand")
	case len(r.Domains) == 0 || len(r.Domains) > mostDomains:
		return nil, credential.InvalidField("domains", "name 1 to %d domains, such as example.com", mostDomains)
	}
	out := &store.Provider{Issuer: r.Issuer, ClientID: r.ClientID, Role: r.Role, AdmitNew: r.AdmitNew, Active: r.Active}
	for _, text := range r.Domains {
		email, err := credential.CheckEmail("domains", "x@"+strings.TrimSpace(text))
		if err != nil || strings.Contains(text, "@") || !strings.Contains(text, ".") || len(email) > 253 {
			return nil, credential.InvalidField("domains", "must be domains of e-mail addresses, such as example.com")
		}
		out.Domains = append(out.Domains, email[2:])
	}
	slices.Sort(out.Domains)
	out.Domains = slices.Compact(out.Domains)
	return out, nil
}

// visible reports whether a text has 1 to most characters of ASCII that show.
func visible(text string, most int) bool {
	return text != "" && len(text) <= most && !strings.ContainsFunc(text, func(c rune) bool { return c < '!' || c > '~' })
}

// SetProvider says by whom the people of an organization sign in. Where that is
// another one than before, or is turned off, the sessions end that it began.
func (a *Authority) SetProvider(ctx context.Context, p *credential.Principal, organization uuid.UUID, r ProviderRequest) (*ProviderState, error) {
	if err := managesProvider(p, organization); err != nil {
		return nil, err
	}
	next, err := a.checkProvider(&r)
	if err != nil {
		return nil, err
	}
	by := act{p, a.clock()}
	next.Organization, next.CreatedAt, next.UpdatedAt = organization, by.at, by.at
	err = a.transact(ctx, p, organization, func(tx *store.Tx) error {
		before, err := tx.Provider(ctx, organization)
		switch {
		case err == nil:
			err = holds(ctx, ProviderVersion(before))
		case errors.Is(err, credential.NotFound):
			before, err = nil, holdsAbsent(ctx)
		}
		if err != nil {
			return err
		}
		if _, err := tx.Organization(ctx, organization); err != nil {
			return err
		}
		if err := a.namesDomains(ctx, tx, p, providerChanged{before: before, next: next}); err != nil {
			return err
		}
		if err := a.replaceProvider(ctx, tx, by, providerChanged{before, next, r.Secret}); err != nil {
			return err
		}
		if err := tx.SetProvider(ctx, next); err != nil {
			if errors.Is(err, credential.Conflict) {
				return &credential.Error{Kind: credential.Conflict, Field: "domains", Detail: "another organization of this installation has one of these domains; ask whoever runs it"}
			}
			return err
		}
		tx.Record(by.event("provider.set", "organization:"+organization.String(), object(providerDetails(next, r.Secret != ""))))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a.Provider(ctx, p, organization)
}

// providerChanged is a provider, what it was before (nil: nothing), and the
// secret that it gets.
type providerChanged struct {
	before, next *store.Provider
	secret       string
}

// namesDomains refuses domains that aren't for this principal to name. Where
// anybody may have an organization, owning one proves nothing of a domain: a
// confirmed address in it does.
func (a *Authority) namesDomains(ctx context.Context, tx *store.Tx, p *credential.Principal, c providerChanged) error {
	if !a.Open() || p.IsOperator() {
		return nil
	}
	user, err := tx.User(ctx, p.Subject)
	if err != nil {
		return err
	}
	for _, domain := range c.next.Domains {
		own := !user.VerifiedAt.IsZero() && strings.HasSuffix(user.Email, "@"+domain)
		if !own && (c.before == nil || !slices.Contains(c.before.Domains, domain)) {
			return credential.InvalidField("domains", "%s is not the domain of your own confirmed address; whoever runs this server, where anybody can register, names others by gatehouse sso set", domain)
		}
	}
	return nil
}

// replaceProvider does what follows from the change of a provider before it is
// stored. A secret never goes to another provider than the one that gave it.
func (a *Authority) replaceProvider(ctx context.Context, tx *store.Tx, by act, c providerChanged) error {
	same := c.before != nil && c.before.Issuer == c.next.Issuer && c.before.ClientID == c.next.ClientID
	switch {
	case c.secret != "":
		if err := tx.SealProvider(a.rand, c.next, credential.NewSecret(c.secret)); err != nil {
			return err
		}
	case !same:
		return credential.InvalidField("client_secret", "must be given for this issuer and client ID")
	default:
		if err := tx.SealProviderAnew(a.rand, c.before, c.next); err != nil {
			return err
		}
	}
	if c.before == nil {
		return nil
	}
	c.next.CreatedAt = c.before.CreatedAt
	if !c.next.UpdatedAt.After(c.before.UpdatedAt) { // by which one state is told from the next
		c.next.UpdatedAt = c.before.UpdatedAt.Add(time.Millisecond)
	}
	if !same {
		if err := tx.ForgetProviderLinks(ctx, c.next.Organization, uuid.Nil); err != nil {
			return err
		}
	}
	if same && (c.next.Active || !c.before.Active) {
		return nil
	}
	return a.endProviderSessions(ctx, tx, by, providerEnding{c.next.Organization, uuid.Nil, "provider.set"})
}

// providerEnding says whose sessions end that a provider began: one user's, or
// (Nil) all.
type providerEnding struct {
	organization, user uuid.UUID
	because            string
}

func (a *Authority) endProviderSessions(ctx context.Context, tx *store.Tx, by act, e providerEnding) error {
	ended, err := tx.EndProviderSessions(ctx, e.organization, e.user, by.at)
	for _, id := range ended {
		tx.Record(by.event("session.end", "session:"+id.String(), object(map[string]string{"because": e.because})))
	}
	return err
}

func providerDetails(p *store.Provider, secret bool) map[string]any {
	return map[string]any{"issuer": p.Issuer, "client_id": p.ClientID, "domains": p.Domains, "role": p.Role, "admit_new": p.AdmitNew, "active": p.Active, "new_secret": secret}
}

// DeleteProvider lets nobody sign in any more but by password. The sessions end
// that the provider began, and nobody is known by it.
func (a *Authority) DeleteProvider(ctx context.Context, p *credential.Principal, organization uuid.UUID) error {
	if err := managesProvider(p, organization); err != nil {
		return err
	}
	return a.stop(ctx, p, organization, func(tx *store.Tx) error {
		before, err := tx.Provider(ctx, organization)
		if err == nil {
			err = holds(ctx, ProviderVersion(before))
		}
		if err != nil {
			return err
		}
		by := act{p, a.clock()}
		tx.Record(by.event("provider.delete", "organization:"+organization.String(), object(map[string]string{"issuer": before.Issuer})))
		if err := a.endProviderSessions(ctx, tx, by, providerEnding{organization, uuid.Nil, "provider.delete"}); err != nil {
			return err
		}
		return tx.DeleteProvider(ctx, organization)
	})
}

// ProviderLinks returns whom the provider of an organization knows, with a user
// id above after.
func (a *Authority) ProviderLinks(ctx context.Context, p *credential.Principal, organization, after uuid.UUID, limit int) ([]store.ProviderLink, error) {
	if err := seesProvider(p, organization); err != nil {
		return nil, err
	}
	return a.store.ProviderLinks(ctx, organization, after, limit)
}

// ForgetProviderLink forgets how the provider of an organization knows a user,
// whom it may vouch for anew. The sessions end that it began for them.
func (a *Authority) ForgetProviderLink(ctx context.Context, p *credential.Principal, organization uuid.UUID, ref UserRef) error {
	if err := managesProvider(p, organization); err != nil {
		return err
	}
	return a.stop(ctx, p, organization, func(tx *store.Tx) error {
		user := ref.ID
		if ref.Email != "" {
			email, err := credential.CheckEmail("user", ref.Email)
			if err != nil {
				return err
			}
			found, err := tx.UserByEmail(ctx, email)
			if ignoreMissing(err) != nil {
				return err
			}
			if err == nil {
				user = found.ID
			}
		}
		link, err := tx.ProviderLinkOf(ctx, organization, user)
		if err != nil {
			return err
		}
		if link == nil {
			return credential.Errorf(credential.NotFound, "the provider knows no such user")
		}
		by := act{p, a.clock()}
		tx.Record(by.event("provider.unlink", "user:"+user.String(), object(map[string]string{"subject": told(link.Subject)})))
		if err := a.endProviderSessions(ctx, tx, by, providerEnding{organization, user, "provider.unlink"}); err != nil {
			return err
		}
		return tx.ForgetProviderLinks(ctx, organization, user)
	})
}

// confinedTo returns the only organization that a principal's session reaches,
// whose provider vouched for its user; Nil for one that reaches all of them.
func (a *Authority) confinedTo(ctx context.Context, p *credential.Principal) (uuid.UUID, error) {
	if p.Credential == nil || p.Credential.Scheme.Kind != credential.Session {
		return uuid.Nil, nil
	}
	return a.store.SessionPlace(ctx, p.Credential.ID)
}

// unconfined refuses a session that an organization's provider began what reaches
// beyond that organization: the provider is trusted no further.
func (a *Authority) unconfined(ctx context.Context, p *credential.Principal) error {
	place, err := a.confinedTo(ctx, p)
	if err == nil && place != uuid.Nil {
		return errConfined()
	}
	return err
}

func errConfined() error {
	return credential.Errorf(credential.Forbidden, "sign in by password for this: your organization's provider vouches for you in that organization alone")
}
