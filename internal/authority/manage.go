package authority

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Detail is a credential as it is shown: the record, its state, the secrets
// that work or will still work, and its latest use.
type Detail struct {
	Credential *credential.Credential
	State      credential.State
	// Secrets are the current secret and, during a grace, its predecessor.
	Secrets []credential.SecretInfo
	Use     credential.Use
	// KeyIDs name the public keys of an OAuth2 client. Lists don't have them.
	KeyIDs []string
	// Damaged is the id of a credential whose record can't be read. Nothing
	// else is known of it then, but whether its State is Revoked.
	Damaged uuid.UUID
}

// Get returns a credential that the principal may see.
func (a *Authority) Get(ctx context.Context, p *credential.Principal, id uuid.UUID) (*Detail, error) {
	if err := require(p, credential.CredentialsRead); err != nil {
		return nil, err
	}
	c, err := a.visible(ctx, p, id)
	if errors.Is(err, credential.Damaged) {
		return a.damaged(ctx, p, id)
	}
	if err != nil {
		return nil, err
	}
	return a.detail(ctx, c.Organization, id)
}

func (a *Authority) detail(ctx context.Context, organization, id uuid.UUID) (*Detail, error) {
	now := a.clock()
	c, err := a.store.CredentialIn(ctx, organization, id)
	if err != nil {
		return nil, err
	}
	secrets, err := a.store.Secrets(ctx, id, now)
	if err != nil {
		return nil, err
	}
	use, err := a.store.Use(ctx, id)
	if err != nil {
		return nil, err
	}
	keys, err := a.clientKeyIDs(ctx, c)
	return &Detail{Credential: c, State: c.State(now), Secrets: secrets, Use: a.latest(id, use), KeyIDs: keys}, err
}

// ListRequest chooses credentials. Zero fields choose everything that the
// principal may see.
type ListRequest struct {
	Organization uuid.UUID // for principals above every organization
	User         *UserRef
	Project      *store.ProjectRef
	Scheme       string
	Fingerprint  string // of a secret that the credential ever had
	Text         string // in its name, its hint or its client id
	State        credential.State
	Kept         bool      // without those that are revoked
	Before       uuid.UUID // the last id of the page before
	Limit        int
}

// List returns credentials, the newest first.
func (a *Authority) List(ctx context.Context, p *credential.Principal, r ListRequest) ([]Detail, error) {
	if err := require(p, credential.CredentialsRead); err != nil {
		return nil, err
	}
	f, err := a.filter(ctx, p, r)
	if err != nil {
		return nil, err
	}
	return a.listed(ctx, f)
}

// OwnTokens is List of the tokens of who has signed in, in all organizations
// that they are in and the session reaches.
func (a *Authority) OwnTokens(ctx context.Context, p *credential.Principal, r ListRequest) ([]Detail, error) {
	if err := signedIn(p); err != nil {
		return nil, err
	}
	place, err := a.confinedTo(ctx, p)
	if err != nil {
		return nil, err
	}
	return a.listed(ctx, store.Filter{Organization: place, User: p.Subject, Scheme: r.Scheme, State: r.State, Kept: r.Kept, Before: r.Before, Limit: r.Limit, Now: a.clock()})
}

// listed reads a list.
func (a *Authority) listed(ctx context.Context, f store.Filter) ([]Detail, error) {
	rows, err := a.store.ListCredentials(ctx, f)
	if err != nil {
		return nil, err
	}
	list := make([]Detail, len(rows))
	for i, row := range rows {
		if row.Damaged != nil {
			a.log.Error("a credential's row is damaged; it is refused", "credential", row.ID, "error", row.Damaged)
			list[i] = damaged(row.ID, row.Revoked)
			continue
		}
		list[i] = Detail{
			Credential: row.Credential, State: row.Credential.State(f.Now), Use: a.latest(row.ID, row.Use),
			Secrets: []credential.SecretInfo{{Generation: row.Credential.Generation, Hint: row.Hint, Fingerprint: row.Print}},
		}
	}
	return list, nil
}

// filter confines a list to what the principal looks after.
func (a *Authority) filter(ctx context.Context, p *credential.Principal, r ListRequest) (store.Filter, error) {
	f := store.Filter{
		Organization: r.Organization, Scheme: r.Scheme, Fingerprint: r.Fingerprint, Text: r.Text, State: r.State, Kept: r.Kept, Before: r.Before, Limit: r.Limit, Now: a.clock(),
	}
	if !p.InstallationWide() {
		if r.Organization != uuid.Nil && r.Organization != p.Organization {
			return f, credential.InvalidField("organization", "no such organization")
		}
		f.Organization = p.Organization
	}
	if f.Organization == uuid.Nil && (r.Project != nil || r.User != nil) {
		return f, credential.InvalidField("organization", "say which organization the project or user is in")
	}
	if r.Project != nil {
		project, err := a.visibleProject(ctx, p, f.Organization, *r.Project)
		if err != nil {
			return f, hideMissing(err, "project", "no such project")
		}
		f.Project = project.ID
	}
	if r.User != nil && p.ProjectScoped() != uuid.Nil { // who sees no members
		return f, credential.InvalidField("user", "no such member of the organization")
	}
	if r.User != nil {
		member, err := a.member(ctx, f.Organization, *r.User)
		if err != nil {
			return f, hideMissing(err, "user", "no such member of the organization")
		}
		f.User = member.ID
	}
	return a.confine(ctx, p, f)
}

// confine narrows a filter for principals that don't see the whole organization.
func (a *Authority) confine(ctx context.Context, p *credential.Principal, f store.Filter) (store.Filter, error) {
	switch {
	case p.ProjectScoped() != uuid.Nil:
		f.Project = p.ProjectScoped()
	case p.SubjectType == credential.SubjectUser && !p.Role.Manages():
		if f.Project != uuid.Nil {
			if ok, err := a.administers(ctx, p, f.Project); err != nil || ok {
				return f, err
			}
		}
		if f.User != uuid.Nil && f.User != p.Subject {
			return f, credential.InvalidField("user", "no such member of the organization")
		}
		f.User = p.Subject
	}
	return f, nil
}

// UpdateRequest changes a credential. A nil field stays as it is.
type UpdateRequest struct {
	Name      *string
	Addresses *[]string
	RateLimit *int
	Expiry    *credential.ExpiryChoice
}

// Update renames a credential or changes its allowlist, rate limit or expiry.
// An expiry only ever moves closer, unless the scheme leaves it to whoever asks.
func (a *Authority) Update(ctx context.Context, p *credential.Principal, id uuid.UUID, r UpdateRequest) (*Detail, error) {
	return a.changeByID(ctx, p, id, "credential.update", func(tx *store.Tx, c *credential.Credential, now time.Time) (err error) {
		if err := alive(c, now); err != nil {
			return err
		}
		if r.Name != nil {
			if c.Name, err = credential.CheckName("name", *r.Name); err != nil {
				return err
			}
		}
		if r.Addresses != nil {
			if c.AllowedAddresses, err = credential.ParseAddresses("allowed_addresses", *r.Addresses); err != nil {
				return err
			}
		}
		if r.RateLimit != nil {
			c.RateLimit = *r.RateLimit
			if err := checkRateLimit(p, c.Scheme, c.RateLimit); err != nil {
				return err
			}
		}
		if r.Expiry == nil {
			return nil
		}
		if err := setExpiry(p, c, *r.Expiry, now); err != nil || p.IsOperator() || !c.Scheme.Expiry.Reserved() {
			return err
		}
		return checkEnd(ctx, tx, c, now) // who moves it later is held to the policy
	})
}

// setExpiry changes when a credential ends, as far as its scheme allows.
func setExpiry(p *credential.Principal, c *credential.Credential, e credential.ExpiryChoice, now time.Time) error {
	if c.Scheme.ExpiryFixed {
		return credential.InvalidField("expires_at", "the expiry of scheme %s can't be changed; issue a new credential", c.Scheme.Name)
	}
	at, err := c.Scheme.ExpiryAt(now, e, c.Scheme.SetsExpiry(p))
	if err != nil {
		return err
	}
	free := c.Scheme.Expiry.Reserved() && c.Scheme.SetsExpiry(p)
	if !free && (at.IsZero() || (!c.ExpiresAt.IsZero() && at.After(c.ExpiresAt))) {
		return credential.InvalidField("expires_at", "an expiry can only be moved closer; rotate the credential for a later one")
	}
	c.ExpiresAt = at
	return nil
}

// Suspend stops a credential until it is resumed.
func (a *Authority) Suspend(ctx context.Context, p *credential.Principal, id uuid.UUID) (*Detail, error) {
	return a.changeByID(ctx, p, id, "credential.suspend", func(_ *store.Tx, c *credential.Credential, now time.Time) error {
		if err := alive(c, now); err != nil {
			return err
		}
		if !c.SuspendedAt.IsZero() {
			return errUnchanged
		}
		c.SuspendedAt = now
		return nil
	})
}

// Resume lets a suspended credential work again.
func (a *Authority) Resume(ctx context.Context, p *credential.Principal, id uuid.UUID) (*Detail, error) {
	return a.changeByID(ctx, p, id, "credential.resume", func(tx *store.Tx, c *credential.Credential, now time.Time) error {
		if err := alive(c, now); err != nil {
			return err
		}
		if c.SuspendedAt.IsZero() {
			return errUnchanged
		}
		c.SuspendedAt = time.Time{}
		return tx.NoteResumed(ctx, c.ID, now)
	})
}

// Revoke ends a credential for good. Revoking it again changes nothing.
func (a *Authority) Revoke(ctx context.Context, p *credential.Principal, id uuid.UUID) (*Detail, error) {
	d, err := a.changeByID(ctx, p, id, "credential.revoke", revoke)
	if errors.Is(err, credential.Damaged) {
		return a.revokeDamaged(ctx, p, id)
	}
	return d, err
}

// damaged shows a credential whose record can't be read.
func (a *Authority) damaged(ctx context.Context, p *credential.Principal, id uuid.UUID) (*Detail, error) {
	known, err := a.store.DamagedIn(ctx, nilIfWide(p), id)
	d := damaged(id, known.Revoked)
	return &d, err
}

func damaged(id uuid.UUID, revoked bool) Detail {
	if revoked {
		return Detail{Damaged: id, State: credential.Revoked}
	}
	return Detail{Damaged: id}
}

// revokeDamaged revokes a credential whose record can't be read, as that of a
// scheme which is no longer declared.
func (a *Authority) revokeDamaged(ctx context.Context, p *credential.Principal, id uuid.UUID) (*Detail, error) {
	if err := require(p, credential.CredentialsWrite); err != nil {
		return nil, err
	}
	return a.endDamaged(ctx, p, nilIfWide(p), id)
}

// endDamaged is revokeDamaged for who may do it.
func (a *Authority) endDamaged(ctx context.Context, p *credential.Principal, organization, id uuid.UUID) (*Detail, error) {
	known, err := a.store.DamagedIn(ctx, organization, id)
	if err != nil {
		return nil, err
	}
	now := a.clock()
	if !known.Revoked {
		err = a.stop(ctx, p, known.Organization, func(tx *store.Tx) error {
			if err := holds(ctx, ""); err != nil { // a damaged record has no version
				return err
			}
			tx.Record(act{p, now}.event("credential.revoke", "credential:"+id.String(), object(map[string]bool{"damaged": true})))
			return tx.RevokeDamaged(ctx, id, now)
		})
	}
	if err != nil {
		return nil, err
	}
	d := damaged(id, true)
	return &d, nil
}

// RevokeSelf ends the principal's own credential. It needs no permission.
func (a *Authority) RevokeSelf(ctx context.Context, p *credential.Principal) (*Detail, error) {
	if p.Credential == nil {
		return nil, credential.Errorf(credential.Conflict, "the operator acts without a credential")
	}
	if p.Token == nil && !p.SignedIn() {
		return a.change(ctx, p, p.Credential, "credential.revoke", revoke)
	}
	d, err := a.Self(ctx, p)
	if err != nil {
		return nil, err
	}
	d.State = credential.Revoked
	if p.SignedIn() || ofDevice(p) {
		return d, a.endFor(ctx, p, ending{user: p.Subject, only: p.Credential.ID, because: "sign_out"})
	}
	// The token alone, not what it stands on.
	return d, a.endToken(ctx, p, &credential.Decision{Standing: &credential.Standing{Credential: p.Credential}, Principal: *p})
}

func revoke(_ *store.Tx, c *credential.Credential, now time.Time) error {
	if !c.RevokedAt.IsZero() {
		return errUnchanged
	}
	c.RevokedAt = now
	return nil
}

// errUnchanged ends a change that has nothing to do, without an event.
var errUnchanged = errors.New("nothing to change")

type alteration func(tx *store.Tx, c *credential.Credential, now time.Time) error

func (a *Authority) changeByID(ctx context.Context, p *credential.Principal, id uuid.UUID, action string, alter alteration) (*Detail, error) {
	c, err := a.writable(ctx, p, id)
	if err != nil {
		return nil, err
	}
	return a.change(ctx, p, c, action, alter)
}

// change reads a credential in a transaction, alters it, stores it and records
// the event. The principal has been authorised.
func (a *Authority) change(ctx context.Context, p *credential.Principal, known *credential.Credential, action string, alter alteration) (*Detail, error) {
	now := a.clock()
	err := a.begins(action)(ctx, p, known.Organization, func(tx *store.Tx) error {
		c, err := tx.CredentialIn(ctx, known.Organization, known.ID)
		if err != nil {
			return err
		}
		if err := administersStill(ctx, tx, p, c); err != nil {
			return err
		}
		if err := holds(ctx, credentialVersion(c)); err != nil {
			return err
		}
		if err := alter(tx, c, now); err != nil {
			return err
		}
		if err := tx.UpdateCredential(ctx, c); err != nil {
			return err
		}
		tx.Record(act{p, now}.event(action, targetOf(c), details(c)))
		return nil
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return nil, err
	}
	return a.detail(ctx, known.Organization, known.ID)
}

// begins is the sort of transaction that an action takes: what stops a
// credential works on a full disk too.
func (a *Authority) begins(action string) func(context.Context, *credential.Principal, uuid.UUID, func(*store.Tx) error) error {
	switch action {
	case "credential.revoke", "credential.suspend":
		return a.stop
	}
	return a.transact
}

// ignoreMissing treats what doesn't exist as nothing.
func ignoreMissing(err error) error {
	if errors.Is(err, credential.NotFound) {
		return nil
	}
	return err
}
