package authority

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const (
	// mostOwned is how many organizations a user owns who may make more.
	mostOwned = 20
	// mostSettings bounds the settings of an organization in bytes.
	mostSettings = 10_000
)

// slugs are names in addresses, such as acme-games.
var slugs = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)

// OrganizationChange is what is to be said of an organization. A nil field stays.
type OrganizationChange struct {
	Name, Slug, Description, LogoURL *string
	// Settings returns the new ones, a JSON object, for those before.
	Settings    func(before string) (string, error)
	Idempotency *Idempotency // of a new one
}

// apply checks what is asked for and says it of an organization.
func (c *OrganizationChange) apply(o *store.Organization) (err error) {
	if c.Name != nil {
		if o.Name, err = credential.CheckName("name", *c.Name); err != nil {
			return err
		}
	}
	if c.Slug != nil && (*c.Slug != o.Slug || o.Slug == "") { // what was given stays what it is
		if o.Slug, err = checkSlug(*c.Slug); err != nil {
			return err
		}
	}
	if c.Description != nil {
		if o.Description, err = credential.CheckProse("description", *c.Description, 500); err != nil {
			return err
		}
	}
	if c.LogoURL != nil {
		o.LogoURL = *c.LogoURL
	}
	if c.Settings != nil {
		if o.Settings, err = c.Settings(o.Settings); err != nil {
			return err
		}
		if len(o.Settings) > mostSettings {
			return credential.InvalidField("settings", "must have at most %d bytes in all", mostSettings)
		}
	}
	return nil
}

// checkSlug refuses what is no slug, and those that are given by number.
func checkSlug(slug string) (string, error) {
	switch number, given := strings.CutPrefix(slug, store.GivenSlug); {
	case len(slug) < 3 || len(slug) > 50 || !slugs.MatchString(slug):
		return "", credential.InvalidField("slug", "must have 3 to 50 small letters and digits, with single hyphens between them")
	case given && strings.Trim(number, "0123456789") == "":
		return "", credential.InvalidField("slug", "is kept for the organization of this number")
	}
	return slug, nil
}

// FoundOrganization makes an organization of a user who has signed in, and who
// is its owner then. Where accounts are the operator's matter, this is too.
func (a *Authority) FoundOrganization(ctx context.Context, p *credential.Principal, c OrganizationChange) (*store.Organization, error) {
	if err := signedIn(p); err != nil {
		return nil, err
	}
	if err := a.unconfined(ctx, p); err != nil {
		return nil, err
	}
	if a.rules.Closed {
		return nil, credential.Errorf(credential.Forbidden, "organizations are made by whoever runs this installation; ask them for one")
	}
	o := &store.Organization{CreatedAt: a.clock(), CreatedBy: p.Subject}
	err := c.apply(o)
	if err != nil {
		return nil, err
	}
	if o.ID, err = a.newID(); err != nil {
		return nil, err
	}
	id, err := a.once(ctx, p, creation{uuid.Nil, "found organization", c.Idempotency}, func(tx *store.Tx) (uuid.UUID, error) {
		return o.ID, foundBy(ctx, tx, act{p, o.CreatedAt}, o)
	})
	if err != nil {
		return nil, err
	}
	return a.store.Organization(ctx, id)
}

// foundBy stores an organization with its owner.
func foundBy(ctx context.Context, tx *store.Tx, by act, o *store.Organization) error {
	if err := tx.HoldUser(ctx, o.CreatedBy); err != nil {
		return err
	}
	memberships, err := tx.Memberships(ctx, o.CreatedBy, mostMemberships)
	if err != nil {
		return err
	}
	owned := 0
	for _, m := range memberships {
		if m.Role == credential.Owner {
			owned++
		}
	}
	if owned >= mostOwned {
		return credential.Errorf(credential.LimitReached, "a user owns at most %d organizations", mostOwned)
	}
	tx.Record(by.event("organization.create", "organization:"+o.ID.String(), object(map[string]string{"name": o.Name})))
	if err := tx.InsertOrganization(ctx, o); err != nil {
		return slugTaken(err)
	}
	joined := by.event("member.add", "user:"+o.CreatedBy.String(), object(map[string]string{"role": string(credential.Owner)}))
	joined.Chain = o.ID
	tx.Record(joined)
	return tx.SetMember(ctx, o.ID, o.CreatedBy, credential.Owner, by.at)
}

// slugTaken says of a conflict what it is about.
func slugTaken(err error) error {
	if errors.Is(err, credential.Conflict) {
		return &credential.Error{Kind: credential.Conflict, Field: "slug", Detail: "another organization has it"}
	}
	return err
}

// UpdateOrganization changes what is said of an organization. Owners, admins and
// the operator can.
func (a *Authority) UpdateOrganization(ctx context.Context, p *credential.Principal, id uuid.UUID, c OrganizationChange) (*store.Organization, error) {
	if err := within(p, id, credential.OrganizationWrite); err != nil {
		return nil, err
	}
	if p.ProjectScoped() != uuid.Nil {
		return nil, credential.Errorf(credential.Forbidden, "a project's credential doesn't change the organization")
	}
	err := a.transact(ctx, p, id, func(tx *store.Tx) error {
		o, err := tx.Organization(ctx, id)
		if err == nil {
			err = holds(ctx, OrganizationVersion(o))
		}
		if err != nil {
			return err
		}
		before := *o
		if err := c.apply(o); err != nil {
			return err
		}
		if *o == before {
			return errUnchanged
		}
		o.UpdatedAt = a.clock()
		tx.Record(act{p, o.UpdatedAt}.event("organization.update", "organization:"+id.String(), object(map[string]any{"fields": c.fields()})))
		return slugTaken(tx.UpdateOrganization(ctx, o))
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return nil, err
	}
	return a.store.Organization(ctx, id)
}

// fields names what is asked for.
func (c *OrganizationChange) fields() (list []string) {
	for _, f := range []struct {
		name  string
		given bool
	}{{"name", c.Name != nil}, {"slug", c.Slug != nil}, {"description", c.Description != nil}, {"logo_url", c.LogoURL != nil}, {"settings", c.Settings != nil}} {
		if f.given {
			list = append(list, f.name)
		}
	}
	return list
}

// DeleteOrganization takes an organization out of sight for good, and stops all
// that acts in it. An owner who has signed in can, and the operator.
func (a *Authority) DeleteOrganization(ctx context.Context, p *credential.Principal, id uuid.UUID) error {
	if err := within(p, id, credential.OrganizationWrite); err != nil {
		return err
	}
	if !p.IsOperator() && (!p.SignedIn() || p.Role != credential.Owner) {
		return credential.Errorf(credential.Forbidden, "an organization is deleted by an owner who has signed in: no token and no key does it")
	}
	return a.stop(ctx, p, id, func(tx *store.Tx) error {
		o, err := tx.Organization(ctx, id)
		if err == nil {
			err = holds(ctx, OrganizationVersion(o))
		}
		if err != nil {
			return err
		}
		by := act{p, a.clock()}
		tx.Record(by.event("organization.delete", "organization:"+id.String(), object(map[string]string{"name": o.Name})))
		return tx.DeleteOrganization(ctx, id, by.at)
	})
}
